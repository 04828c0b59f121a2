"""Random texts for the parsers of expressions.

A third follow the grammar of `theory.expression` (so that the work behind it is reached), a third are such texts with characters
changed, the rest are hostile: code, towers of powers, a thousand parentheses, digits of other scripts, NaN.

Reading order: `expression`, `loss`, `mutated`, `HOSTILE`, `text`.
"""

import random
from collections.abc import Sequence

from theory.expression import NAMED

NAMES = ("x", "y", "w_1")


def expression(rng: random.Random, depth: int = 3, names: Sequence[str] = NAMES) -> str:
    """A text of the grammar, of small degree."""
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(
            [*names, *names, str(rng.randrange(10)), f"{rng.randrange(9)}.{rng.randrange(99)}", "pi", "e"]
        )

    def inner() -> str:
        return expression(rng, depth - 1, names)

    kind = rng.random()
    if kind < 0.4:
        return f"{inner()} {rng.choice('+-')} {inner()}"
    if kind < 0.6:
        return f"{inner()}{rng.choice(['*', '/', ' * '])}{inner()}"
    if kind < 0.8:
        return f"({inner()}){rng.choice(['**', '^'])}{rng.choice(['2', '3', '4', '(1/2)', '-1', '0', '-2'])}"
    if kind < 0.92:
        return f"{rng.choice(NAMED)}({inner()})"
    return f"{rng.choice('-+')}{inner()}"


def loss(rng: random.Random) -> str:
    """A polynomial with a minimum at 0 more often than not."""
    squares = [f"{name}**{rng.choice([2, 2, 2, 4])}" for name in ("x", "y")]
    more = [f"x**{rng.randrange(1, 4)}*y**{rng.randrange(1, 3)}/{rng.randrange(2, 9)}" for _ in range(rng.randrange(2))]
    return " + ".join([*squares, *more])


ALPHABET = "xyw_1029.eE+-*/^() ,;:'\"\\[]{}<>=!?@#$%&|~`²½πσ∞٣\u3000\u200bé中\n\t\r\x0b"


def mutated(rng: random.Random, text: str) -> str:
    """The text with one to four characters left out, put in, doubled or exchanged."""
    letters = list(text)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(letters) + 1)
        match rng.randrange(4):
            case 0:
                del letters[at : at + rng.randrange(1, 4)]
            case 1:
                letters.insert(at, rng.choice(ALPHABET))
            case 2:
                letters[at:at] = letters[max(0, at - 3) : at]
            case 3:
                letters[at : at + 1] = rng.choice(ALPHABET)
    return "".join(letters)


HOSTILE = (
    "", " ", ",", "0", "-0", "nan", "NaN", "inf", "-inf", "oo", "-oo", "zoo", "I", "1j", "True", "None", "1e999", "1e99999",
    "1e-999", "1e1000000", "0x10", "1_000", "1.2.3", "..", "1e", "1e+", "1/0", "0/0", "0**-1", "0**0", "log(0)", "log(-1)",
    "sqrt(-1)", "(-1)**(1/2)", "(-8)**(1/3)", "tan(pi/2)", "x/0", "x**(1/0)", "9**9**9**9", "10**1000000", "2**2**2**2**2**2",
    "x**99999999", "x**-99999999", "(x + y)**1000", "((x + y)**20)**20", "(x+y+w_1)**40*(x-y)**40", "x**1e9", "x**0.1234567891",
    "(1 + 1e-999)**1000", "exp(exp(exp(exp(10))))", "exp(1000000)", "exp(-1e9)", "sin(1e900)", "cos(10**500)", "e**e**e**e",
    "log(log(log(2)))", "tanh(tanh(tanh(tanh(x))))", "abs(abs(x))", "sqrt(sqrt(sqrt(x)))", "sigmoid", "sin", "sin()", "sin(,)",
    "x(y)", "pi(2)", "x y", "2x", "x**", "**x", "*x", "x+", "()", ")(", "(x", "x)", "x**y", "x**x", "2**x", "x**pi",
    "__import__('os').system('true')", "().__class__.__bases__[0].__subclasses__()", "lambda x: x", "x if x else y", "x; y",
    "eval('1')", "exec('1')", "open('/etc/passwd').read()", "x.__class__", "[x for x in (1,)]", "{x}", "%s%n", "$(true)", "`true`",
    "x == y", "x := 1", "x!", "x'", "x²", "½x", "π", "\u0445", "\uff0b1", "٣", "x\u200by", "\x00", "x\x00y", "\ud800", "\u202ex",
    "é" * 50, "\n", "\r\n", "x\ny", "\u2028", "(" * 1000, "(" * 90 + "x" + ")" * 90, "(" * 101 + "x" + ")" * 101,
    "sin(" * 95 + "x" + ")" * 95, "exp(" * 60 + "x" + ")" * 60, "-" * 5000 + "x", "+" * 9999 + "x", "x" * 9999, "x" * 10001,
    "x**" * 200 + "2", "x+" * 4999 + "x", "x*" * 4999 + "x", "1/" * 3000 + "3", "9" * 999, "9" * 9000,
    "0." + "3" * 990, "x-" * 3000 + "y", "2**" * 80 + "2",
    "(x+1)*" * 300 + "1", "(x+y)**2*" * 100 + "1", "x/(" * 80 + "y" + ")" * 80, "--", "--help", "-x", "-", "-1", "-1e5",
)  # fmt: skip


def text(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.35:
        return expression(rng)
    if kind < 0.65:
        return mutated(rng, expression(rng))
    if kind < 0.85:
        return rng.choice(HOSTILE)
    return mutated(rng, rng.choice(HOSTILE)[:2000])

"""Random input for everything that reads text: the expression parsers and every command line.

Each input has a number, and the number is its seed: `case(n)` is the same text on every machine. A third of the inputs follow the
grammar of `theory.expression` (so that the work behind it is reached), a third are such texts with characters changed, the rest are
hostile: code, towers of powers, a thousand parentheses, digits of other scripts, NaN, missing and repeated options.

What must hold of each, within LIMIT seconds:

    a parser          returns real expressions in the names allowed, or raises `BadInput` with one line
    a command line    exits with 0, 1, 2 or 3; never a traceback; at 2 exactly one line on stderr and nothing on stdout

Reading order: `expression`, `mutated`, `HOSTILE`; the command lines, `COMMANDS`; `judge_text`, `judge_line`, `faults`.
Run as a script to look for faults: `python -m tests.trust.fuzz FIRST COUNT`.
"""

import io
import json
import random
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import sympy as sp

from ledger.cli import main as command_line
from theory.errors import BadInput
from theory.expression import NAMED, parse, parse_point, parse_variables

LIMIT = 20.0
NAMES = ("x", "y", "w_1")
VARIABLES = tuple(sp.Symbol(name, real=True) for name in NAMES)
EXIT_CODES = (0, 1, 2, 3)


class Fault(NamedTuple):
    """Something that must not happen: the number of the input, the input, and what came of it."""

    number: int
    what: str
    problem: str


class Hang(BaseException):
    """The time limit; no handler of `Exception` may swallow it."""


# ── texts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── command lines ─────────────────────────────────────────────────────────────────────────────────────────────────────

Word = Callable[[random.Random], str]


def one_of(*words: str) -> Word:
    return lambda rng: rng.choice(words)


def number(*good: str) -> Word:
    """A value in its range seven times out of eight, else what no number is, or one out of range."""
    bad = (
        "-1",
        "-0.5",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "x",
        "",
        "1.5.2",
        "١",
        "99999999999999999999",
        "0x1",
        "1e-400",
        "--json",
    )
    return lambda rng: rng.choice(good if rng.random() < 0.88 else bad)


def spoilt(word: Word, rate: float = 0.12) -> Word:
    return lambda rng: text(rng) if rng.random() < rate else word(rng)


def small(rng: random.Random) -> str:
    return expression(rng, 2, ("x", "y"))


NAMES_GIVEN = spoilt(one_of(*["x,y"] * 8, "x, y", "x", "y,x"), 0.04)
LOSS = spoilt(loss)
SMALL = spoilt(small)
POINT = spoilt(one_of("0,0", "0", "1/2,0", "0,0,0", "nan,0"), 0.2)
PRIOR = spoilt(one_of("1", "exp(-x**2)", "0", "-1", "x", "1 + x**2"), 0.2)
FILE = one_of(
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "/nowhere/at/all.json",
    "/",
    "",
    "/dev/null/x",
    "a" * 300,
    "/proc/version",
    "/dev/fd/99",
)
BROKEN = (
    "",
    "{",
    "[]",
    "null",
    "0",
    '{"claims": 3}',
    '{"claims": [1]}',
    '{"claims": [{}]}',
    '{"claims": [{"id": []}]}',
)
BROKEN += (
    '{"claims": [{"id": "a", "verdict": 3}]}',
    '{"claims": [], "environment": 3}',
    "[" * 5000,
    '{"claims": {"a": 1}}',
)
BROKEN += (
    '{"claims": [{"id": "a", "verdict": "holds", "derived": 3}]}',
    '{"claims": [{"id": null, "verdict": null}]}',
    "\xff",
)
BROKEN += (json.dumps({"claims": [{"id": "a", "verdict": "holds", "sampled": {"status": "holds", "z": "x"}}]}),)
BROKEN += (json.dumps({"claims": [{"id": "a", "verdict": "holds", "enclosed": {"status": 1, "digits": [2]}}]}),)
A_HELD = '{"claims": [{"id": "a", "verdict": "holds", "enclosed": {"status": "holds", "digits": %s}}]}'
BROKEN += (A_HELD % "20", A_HELD % "NaN", A_HELD % ("9" * 400), A_HELD % "1e999", A_HELD % '"x"', A_HELD % "true")
BROKEN += (
    '{"claims": [{"id": "a", "verdict": "holds"}], "environment": [1]}',
    '{"claims": []}',
    '{"claims": [], "summary": 1}',
)


class Command(NamedTuple):
    """positional words; options that a good line has; options that it may have; how often it is drawn."""

    name: str
    words: tuple[Word, ...]
    needed: dict[str, Word]
    free: dict[str, Word | None]
    weight: int = 4


COMMANDS = (
    Command("laplace", (LOSS,), {"--observable": SMALL, "--vars": NAMES_GIVEN, "--order": number("0", "1", "2")},
            {"--at": POINT, "--prior": PRIOR, "--json": FILE}),
    Command("integrate", (spoilt(loss, 0.5),), {"--observable": SMALL, "--vars": NAMES_GIVEN, "--t": number("1", "10", "1/2", "0")},
            {"--prior": PRIOR, "--domain": spoilt(one_of("0,1;0,1", "-oo,oo;0,1", "1,0;0,1", "0,1", ";", "0,oo;0,oo")),
             "--digits": number("5", "10"), "--json": FILE}, 2),
    Command("rlct", (spoilt(one_of("x**2*y**4", "(y**2-x**3)**2", "x**2+y**2", "0", "1", "-x**2", "x*y", "(x+y)**2*x**2")),),
            {"--vars": NAMES_GIVEN, "--time-limit": number("0", "1", "1")},
            {"--ideal": None, "--at": POINT, "--prior": PRIOR, "--domain": one_of("real", "box", "nonnegative", "none", "sphere"),
             "--no-check": None, "--json": FILE, "--draw": one_of("/nowhere/a.svg", "-")}, 2),
    Command("graphs", (), {"--marked": number("0", "1", "2"), "--order": number("1", "2")},
            {"--prior": None, "--vanishing": one_of("1:1", "2:1", "0:0", "9:9", "x", "1:", ":1", "1:-1", "nan:1", "1:1:1"),
             "--svg": one_of("/nowhere/a.svg", "-"), "--json": FILE}),
    # The heavy commands: a required word is always spoilt, so that most lines are refused before the work.
    Command("check", (one_of(*HOSTILE[:60]),), {"--observable": SMALL, "--vars": NAMES_GIVEN},
            {"--perturbation": SMALL, "--at": POINT, "--budget": one_of("quick", "fast", ""), "--json": FILE}),
    Command("sample", (one_of(*HOSTILE[:60]),), {"--vars": NAMES_GIVEN, "--nbeta": number("1", "100", "0")},
            {"--observable": SMALL, "--gamma": number("0", "1"), "--at": POINT, "--kernel": one_of("sgld", "nuts", "hmc"),
             "--epsilon": number("0.1", "0", "1e9"), "--chains": number("1", "2"), "--draws": number("4", "8"),
             "--burn-in": number("0"), "--thin": number("1"), "--seed": number("0", "7"), "--checkpoint": FILE, "--out": FILE,
             "--plot": FILE, "--json": FILE}),
    Command("verify", (one_of("eq 999", "lem", "", "eq", "Lem 2x5", "zzz", "  "),), {},
            {"--list": None, "--layer": one_of("derived", "sampled", "guessed", ""), "--budget": one_of("quick", "slow"),
             "--no-network": None, "--json": FILE, "--html": FILE}),
    Command("experiment", (one_of("nothing", "digits ", "", "../turing", "__init__", "experiment", "ünicode"),), {},
            {"--list": None, "--budget": one_of("quick", "huge"), "--out": FILE, "--json": FILE}),
    Command("compare", (lambda rng: f"BROKEN{rng.randrange(len(BROKEN))}", lambda rng: f"BROKEN{rng.randrange(len(BROKEN))}"),
            {}, {"--json": FILE}),
    Command("ising", (one_of("torus:0", "torus:", "free:2x", "wal", "torus:-1", "torus:1e3", "free:2x2x2", "torus:99999", "/", "",
                             "torus:٣", "torus:²", "free:x", "/dev/null", "BROKEN0", "BROKEN1", "a" * 300),),
            {"--beta": number("0.44", "11/25", "0", "-1")},
            {"--probe": one_of("0,0", "9,9", "-1,0", "x", "²,0", "1,1,1"), "--field": number("0", "1"), "--draws": number("4"),
             "--chain": one_of("clusters", "gibbs"), "--chains": number("1"), "--exact": None, "--json": FILE}),
    Command("", (one_of("", "laplase", "--version", "--help", "-", "--", "help", "é", "--json"),), {}, {"--help": None}, 1),
)  # fmt: skip


def line(rng: random.Random) -> list[str]:
    """An argument vector: now and then an option is missing, repeated, unknown, or without its value."""
    command = rng.choices(COMMANDS, [each.weight for each in COMMANDS])[0]
    # `verify` without a word is no mistake: it runs everything.
    words = [word(rng) for word in command.words if command.name == "verify" or rng.random() > 0.04]
    options = [(name, word) for name, word in command.needed.items() if rng.random() > 0.04]
    options += [(name, word) for name, word in command.free.items() if rng.random() < 1.2 / (1 + len(command.free))]
    if options and rng.random() < 0.08:
        options.append(rng.choice(options))
    parts = [[name] if word is None else [name, word(rng)] for name, word in options]
    if rng.random() < 0.05:
        parts.append([rng.choice(["--colour", "-q", "--js", "--vars=", "--order=", "--help", "--json"])])
    rng.shuffle(parts)
    if words and rng.random() < 0.7:
        words = ["--", *words] if rng.random() < 0.3 else words
        return [command.name, *(part for pair in parts for part in pair), *words]
    return [command.name, *words, *(part for pair in parts for part in pair)]


# ── judges ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `Hang` in the block after so many seconds, and again should it be swallowed."""

    def stop(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def judge_text(words: str) -> str | None:
    """What is wrong with the way the three parsers take a text; None if nothing is."""
    readers: tuple[Callable[[], object], ...] = (
        lambda: parse(words, VARIABLES),
        lambda: parse_variables(words),
        lambda: tuple(parse_point(words, VARIABLES[:1]).values()),
    )
    for reader in readers:
        try:
            with limited(LIMIT):
                found = reader()
        except BadInput as refused:
            if len(str(refused).splitlines()) != 1:
                return f"the refusal is not one line: {str(refused)!r:.200}"
            continue
        except Hang:
            return f"no answer in {LIMIT:g} s"
        except Exception as problem:
            return f"{type(problem).__name__}: {problem!s:.200}"
        for value in found if isinstance(found, tuple) else (found,):
            if not isinstance(value, sp.Expr) or value.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I):
                return f"not a real expression: {value!s:.200}"
            if isinstance(found, sp.Expr) and not value.free_symbols <= set(VARIABLES):
                return f"unknown names: {value.free_symbols}"
    return None


def judge_line(arguments: Sequence[str]) -> tuple[str | None, int | None]:
    """(what is wrong with the way the command line takes these arguments, its exit code)."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with limited(LIMIT), redirect_stdout(out), redirect_stderr(err):
            code = command_line(list(arguments))
    except Hang:
        return f"no answer in {LIMIT:g} s", None
    except SystemExit as leaving:
        return f"left by SystemExit({leaving.code})", None
    except BaseException as problem:
        return f"{type(problem).__name__}: {problem!s:.200}", None
    if code not in EXIT_CODES:
        return f"exit code {code}", code
    if "Traceback" in err.getvalue() + out.getvalue():
        return "a traceback", code
    if code == 2 and (
        out.getvalue() or err.getvalue().count("\n") != 1 or not err.getvalue().startswith("threefold: ")
    ):
        return f"exit 2 with stdout {out.getvalue()!r:.200} and stderr {err.getvalue()!r:.400}", code
    return None, code


def text_number(n: int) -> str:
    return text(random.Random(f"text {n}"))


def line_number(n: int) -> list[str]:
    return line(random.Random(f"line {n}"))


def broken_files(folder: Path) -> dict[str, str]:
    """The files that `compare` and `ising` are given, by their place holders."""
    paths = {}
    for n, content in enumerate(BROKEN):
        path = folder / f"{n}.json"
        path.write_bytes(content.encode("latin-1"))
        paths[f"BROKEN{n}"] = str(path)
    return paths


def text_faults(numbers: range) -> list[Fault]:
    """Parsers: every fault among the inputs with these numbers."""
    found = ((n, text_number(n)) for n in numbers)
    return [Fault(n, words, problem) for n, words in found if (problem := judge_text(words)) is not None]


def line_faults(numbers: range, folder: Path, tell: Callable[[list[str], int | None, float], object] = lambda *_: None):
    """Command lines: every fault among the inputs with these numbers."""
    paths, found = broken_files(folder), []
    for n in numbers:
        arguments = [paths.get(word, word) for word in line_number(n)]
        start = time.process_time()
        problem, code = judge_line(arguments)
        tell(arguments, code, time.process_time() - start)
        if problem is not None:
            found.append(Fault(n, shlex.join(line_number(n)), problem))
    return found


def main() -> None:
    """Look for faults among COUNT texts and COUNT command lines from number FIRST on; print them and where the time went."""
    first, texts, lines = map(int, sys.argv[1:4])
    spent: dict[tuple[str, int | None], list[float]] = {}

    def tell(arguments: list[str], code: int | None, seconds: float) -> None:
        spent.setdefault((arguments[0], code), []).append(seconds)
        if seconds > 5:
            print(f"slow, {seconds:.1f} s: {shlex.join(arguments)[:200]}", file=sys.stderr, flush=True)

    start = time.process_time()
    for fault in text_faults(range(first, first + texts)):
        print(f"text {fault.number} {fault.what[:200]!r}\n    {fault.problem}")
    print(f"{texts} texts: {time.process_time() - start:.1f} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for fault in line_faults(range(first, first + lines), Path(folder), tell):
            print(f"line {fault.number} {fault.what[:300]}\n    {fault.problem}", flush=True)
    for (command, code), seconds in sorted(spent.items(), key=str):
        print(f"{command:12s} {code!s:5s} {len(seconds):5d} lines {sum(seconds):7.1f} s, longest {max(seconds):.1f}")


if __name__ == "__main__":
    main()

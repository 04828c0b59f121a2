"""Read a mathematical expression from text: a small grammar, exact, and safe on any input.

Text typed by a user is never evaluated. It is cut into tokens and read by recursive descent, one function for each
line of the grammar:

    sum      →  product  (("+" | "-") product)*
    product  →  signed   (("*" | "/") signed)*
    signed   →  ("+" | "-")* power
    power    →  atom [("**" | "^") signed]          right to left: 2**3**2 = 2**9 and -x**2 = -(x**2)
    atom     →  number | name | function "(" sum ")" | "(" sum ")"

Decimals are exact (0.1 is 1/10), names are those the caller allows, and e and pi are the constants.
What comes back is an ordinary sympy expression in real symbols, and every constant in it is a real number.

An innocent line can ask for the impossible (9**9**9**9, or (x + y)**1000 multiplied out), so each step is measured by
`theory.magnitude` *before* it is carried out, by `theory.construction`. The only exception raised is `BadInput`; it says
what was wrong, at which column, and what to write instead.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from theory import construction
from theory.errors import BadInput
from theory.magnitude import Measure, Refused
from theory.tokens import Token, clean, count, printable, tokens, unexpected

MAX_LENGTH = 10_000
MAX_DEPTH = 100
MAX_DIGITS = 1_000

FUNCTIONS: dict[str, Callable[..., sp.Expr]] = {
    "exp": sp.exp,
    "log": sp.log,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "abs": sp.Abs,
}
COMPOSED = ("sqrt", "log1p", "sigmoid", "softplus")
NAMED = (*FUNCTIONS, *COMPOSED)
CONSTANTS: dict[str, sp.Expr] = {"pi": sp.pi, "e": sp.E, "E": sp.E}

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*", re.ASCII)


def parse(
    text: str, variables: Sequence[sp.Symbol], *, parameters: Sequence[sp.Symbol] = (), what: str = "expression"
) -> sp.Expr:
    """The expression written in `text`, in the given symbols; `what` names it in an error ("loss", "prior")."""
    if len(text) > MAX_LENGTH:
        raise BadInput(f"the {what} has {len(text)} characters; at most {MAX_LENGTH} are read")
    text = "".join(" " if character.isspace() else character for character in text)
    if not text.strip():
        raise BadInput(f"the {what} is empty; write an expression such as x**2/2 + x**4")
    names = {symbol.name: symbol for symbol in (*variables, *parameters)}
    parser = _Parser(text, names, what)
    try:
        return parser.whole()
    except RecursionError:
        raise BadInput(f"the {what} is nested too deeply; write it with fewer nested functions") from None


def parse_variables(text: str) -> tuple[sp.Symbol, ...]:
    """Real symbols from a list such as "x,y": identifiers, all different, none the name of a function or constant."""
    names = [name.strip() for name in text.split(",")]
    for position, name in enumerate(names):
        if not _NAME.fullmatch(name) or len(name) > 100:
            shown = clean(name, 40)
            raise BadInput(f'the variables need names such as x or w_1, separated by commas; "{shown}" is not a name')
        if name in NAMED or name in CONSTANTS:
            kind = "function" if name in NAMED else "constant"
            raise BadInput(f'the variable "{name}" has the name of a {kind}; choose another name')
        if name in names[:position]:
            raise BadInput(f'the variable "{name}" is listed twice; name each variable once')
    return tuple(sp.Symbol(name, real=True) for name in names)


def parse_point(text: str, variables: Sequence[sp.Symbol]) -> dict[sp.Symbol, sp.Rational]:
    """The point with the coordinates listed in `text` ("0,1/2"), one rational number for each variable in order."""
    parts = text.split(",")
    if len(parts) != len(variables):
        listed = ",".join(symbol.name for symbol in variables)
        raise BadInput(
            f'the point "{clean(text, 40)}" has {count(len(parts), "coordinate")} for '
            f"{count(len(variables), 'variable')}; give one rational number for each of {listed}"
        )
    point = {}
    for i, symbol in enumerate(variables):
        part = parts[i]
        value = parse(part, (), what=f"coordinate {symbol.name}")
        if not isinstance(value, sp.Rational):
            raise BadInput(f'the coordinate {symbol.name} = "{clean(part, 40)}" is not rational; write it like 1/2')
        point[symbol] = value
    return point


class _Parser:
    """One reading of one text: the tokens, how far we have come, and how deep we are."""

    def __init__(self, text: str, names: dict[str, sp.Symbol], what: str):
        self.text, self.names, self.what = text, names, what
        self.tokens = tokens(text)
        self.next = 0
        self.depth = 0
        self.measure = Measure()

    def whole(self) -> sp.Expr:
        result = self.sum()
        token = self.peek()
        if token.kind != "end":
            raise self.error(token, unexpected(token))
        return result

    def sum(self) -> sp.Expr:
        first = self.peek()
        terms = [self.product()]
        while self.peek().kind in ("+", "-"):
            terms.append(self.product())  # which begins with the sign
        return self.plus(first, terms)

    def product(self) -> sp.Expr:
        first = self.peek()
        factors = [self.signed()]
        while self.peek().kind in ("*", "/"):
            mark = self.take()
            factor = self.signed()
            factors.append(self.power_of(mark, factor, sp.S.NegativeOne) if mark.kind == "/" else factor)
        if len(factors) == 1:
            return factors[0]
        return self.times(first, factors)

    def signed(self) -> sp.Expr:
        minus = False
        while self.peek().kind in ("+", "-"):
            minus ^= self.take().kind == "-"
        value = self.power()
        return self.negative(value) if minus else value

    def power(self) -> sp.Expr:
        base = self.atom()
        if self.peek().kind not in ("**", "^"):
            return base
        mark = self.take()
        self.deeper(mark)
        exponent = self.signed()
        self.depth -= 1
        if base is sp.E:
            return self.call(mark, "exp", exponent)
        if not isinstance(exponent, sp.Rational):
            raise self.error(mark, "an exponent must be a rational number; write exp(y*log(x)) for x**y")
        return self.power_of(mark, base, exponent)

    def atom(self) -> sp.Expr:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "name" and self.peek().kind == "(":
            return self.function(token)
        if token.kind == "name":
            return self.name(token)
        if token.kind == "(":
            return self.inside(token)
        raise self.error(token, unexpected(token))

    def inside(self, opening: Token) -> sp.Expr:
        """What stands between an opening parenthesis, already taken, and its partner."""
        self.deeper(opening)
        value = self.sum()
        if self.peek().kind != ")":
            token = self.peek()
            unclosed = f"the parenthesis of column {opening.column} is not closed"
            raise self.error(token, unclosed if token.kind == "end" else unexpected(token))
        self.take()
        self.depth -= 1
        return value

    def number(self, token: Token) -> sp.Expr:
        mantissa, _, exponent = token.text.lower().partition("e")
        if len(mantissa) > MAX_DIGITS or len(exponent) > 5 or abs(int(exponent or "0")) > MAX_DIGITS:
            raise self.error(token, f"this number is too long; at most {MAX_DIGITS} digits are read")
        whole, _, decimals = mantissa.partition(".")
        return sp.Integer(int(whole + decimals)) * sp.Integer(10) ** (int(exponent or "0") - len(decimals))

    def name(self, token: Token) -> sp.Expr:
        if token.text in self.names:
            return self.names[token.text]
        if token.text in CONSTANTS:
            return CONSTANTS[token.text]
        if token.text in NAMED:
            raise self.error(token, f'the function "{token.text}" needs its argument in parentheses: {token.text}(…)')
        raise self.error(token, f'the name "{clean(token.text, 40)}" is unknown; {self.allowed()}')

    def function(self, token: Token) -> sp.Expr:
        if token.text in FUNCTIONS:
            return self.call(token, token.text, self.inside(self.take()))
        if token.text in COMPOSED:
            return self.composed(token, self.inside(self.take()))
        if token.text in self.names or token.text in CONSTANTS:
            raise self.error(token, f'"{token.text}" is not a function; write {token.text}*(…) for a product')
        raise self.error(token, f'the function "{clean(token.text, 40)}" is unknown; {self.allowed()}')

    def allowed(self) -> str:
        names = ", ".join(list(self.names)[:20]) or "none"
        return f"the names allowed are {names} (and pi, e), the functions {', '.join(NAMED)}"

    def composed(self, token: Token, x: sp.Expr) -> sp.Expr:
        """sqrt, log1p, sigmoid and softplus in terms of powers, exp and log."""
        if token.text == "sqrt":
            return self.power_of(token, x, sp.Rational(1, 2))
        if token.text == "log1p":
            return self.call(token, "log", self.plus(token, [sp.S.One, x]))
        if token.text == "softplus":
            return self.call(token, "log", self.plus(token, [sp.S.One, self.call(token, "exp", x)]))
        below = self.plus(token, [sp.S.One, self.call(token, "exp", self.negative(x))])
        return self.power_of(token, below, sp.S.NegativeOne)

    def call(self, token: Token, name: str, argument: sp.Expr) -> sp.Expr:
        def build() -> sp.Expr:
            return construction.apply(FUNCTIONS[name], argument, self.measure.is_plain)

        return self.measured(token, build, lambda: self.measure.call(name, argument))

    def power_of(self, token: Token, base: sp.Expr, exponent: Any) -> sp.Expr:
        def build() -> sp.Expr:
            return construction.power(base, exponent, self.measure.is_plain)

        return self.measured(token, build, lambda: self.measure.power(base, exponent))

    def plus(self, token: Token, terms: Sequence[sp.Expr]) -> sp.Expr:
        return self.measured(token, lambda: construction.total(terms, self.measure.is_plain))

    def times(self, token: Token, factors: Sequence[sp.Expr]) -> sp.Expr:
        def build() -> sp.Expr:
            return construction.product(factors, self.measure.is_plain)

        return self.measured(token, build, lambda: self.measure.product(factors))

    def negative(self, value: sp.Expr) -> sp.Expr:
        return self.times(self.peek(), [sp.S.NegativeOne, value])

    def measured(
        self, token: Token, build: Callable[[], sp.Expr], before: Callable[[], object] = lambda: None
    ) -> sp.Expr:
        """Carry out one step between two measurements: of what it would cost, and of what it became."""
        try:
            before()
            value = build()
            self.measure.size(value)
        except Refused as problem:
            raise self.error(token, str(problem)) from None
        return value

    def peek(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.tokens[self.next]
        self.next += 1
        return token

    def deeper(self, token: Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(token, f"the nesting is deeper than {MAX_DEPTH}; write it with fewer parentheses")

    def error(self, token: Token, problem: str) -> BadInput:
        start = max(0, token.column - 31)
        end = token.column + 29
        excerpt = ("…" if start else "") + printable(self.text[start:end]) + ("…" if end < len(self.text) else "")
        return BadInput(f'the {self.what} "{excerpt}" cannot be read at column {token.column}: {problem}')

"""How large an expression is, or would become: measured before sympy is asked to carry a step out.

A computer algebra system takes every request literally: 9**9**9 is a number of 370 million digits, and
(x + y + 1)**1000 has half a million terms once it is multiplied out. `Measure` bounds five quantities of an expression
from those of its parts, so that a step can be refused at no cost:

    bits     of all the numbers in it; a power multiplies them
    degree   as a polynomial in its atoms (variables, irrational constants, functions of them)
    terms    of that polynomial when multiplied out: at most C(degree + atoms, atoms)
    height   of functions, roots and quotients nested in each other
    ball     which encloses it when it is constant; a constant must be a finite real number

The ball decides questions like "is log(1 - pi) real?" rigorously, without trusting a simplifier.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import comb, prod
from operator import add, mul

import sympy as sp
from flint import arb, ctx, fmpq

MAX_EXPONENT = 1_000
MAX_ROOT = 100
MAX_DEGREE = 1_000
MAX_TERMS = 20_000
MAX_BITS = 40_000
MAX_BITS_INSIDE = 1_000
MAX_HEIGHT = 25
MAX_STEPS = 20_000
PRECISION = 128

BALLS: dict[str, Callable[[arb], arb]] = {
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sqrt": lambda x: x.sqrt(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "cot": lambda x: x.cot(),
    "sinh": lambda x: x.sinh(),
    "cosh": lambda x: x.cosh(),
    "tanh": lambda x: x.tanh(),
    "coth": lambda x: x.coth(),
    "abs": lambda x: abs(x),
    "log1p": lambda x: x.log1p(),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "softplus": lambda x: (1 + x.exp()).log(),
}


class Refused(Exception):
    """The step is too large, or leaves the real numbers; the message is a clause that says which."""


@dataclass(frozen=True)
class Size:
    bits: int
    degree: int
    terms: int
    atoms: frozenset[sp.Expr]
    height: int
    ball: arb | None
    plain: bool = True  # no function occurs, only sums, products and rational powers


class Measure:
    """Sizes of expressions, remembered, so that each part of a growing expression is measured once."""

    def __init__(self) -> None:
        self.known: dict[sp.Expr, Size] = {}
        self.steps = 0

    def size(self, expression: sp.Expr) -> Size:
        """The size of an expression that exists; `Refused` if it is too large or not a finite real number."""
        if expression not in self.known:
            self.steps += 1 + len(expression.args)
            if self.steps > MAX_STEPS:
                raise Refused("the expression takes too many steps; write a shorter one")
            with ctx.workprec(PRECISION):
                self.known[expression] = _within_limits(self._size(expression))
        return self.known[expression]

    def is_plain(self, expression: sp.Expr) -> bool:
        return self.size(expression).plain

    def product(self, factors: Sequence[sp.Expr]) -> Size:
        return _within_limits(_product([self.size(factor) for factor in factors]))

    def power(self, base: sp.Expr, exponent: sp.Rational) -> Size:
        """The size that base**exponent would have."""
        size = self.size(base)
        if abs(exponent) > MAX_EXPONENT or exponent.q > MAX_ROOT:
            raise Refused(f"an exponent is at most {MAX_EXPONENT}, with a denominator of at most {MAX_ROOT}")
        if exponent.q > 1 and size.bits > MAX_BITS_INSIDE:
            raise Refused("the numbers under this root are too long; write it with smaller numbers")
        with ctx.workprec(PRECISION):
            return _within_limits(_power(base, size, exponent))

    def call(self, name: str, argument: sp.Expr) -> None:
        """Refuse a function whose argument is unwieldy, or outside its domain."""
        size = self.size(argument)
        if size.height >= MAX_HEIGHT:
            raise Refused(f"functions are nested more than {MAX_HEIGHT} deep; write fewer of them")
        if size.ball is None:
            return
        if size.bits > MAX_BITS_INSIDE:
            raise Refused("the number inside this function is too long; write it with smaller numbers")
        with ctx.workprec(PRECISION):
            _real(BALLS[name](size.ball))

    def _size(self, expression: sp.Expr) -> Size:
        if isinstance(expression, sp.Rational):
            exact = arb(fmpq(int(expression.p), int(expression.q)))
            return Size(int(expression.p).bit_length() + int(expression.q).bit_length(), 0, 1, frozenset(), 0, exact)
        if isinstance(expression, sp.Symbol):
            return Size(0, 1, 1, frozenset([expression]), 0, None)
        if expression in (sp.pi, sp.E):
            return Size(0, 1, 1, frozenset([expression]), 0, arb.pi() if expression is sp.pi else arb(1).exp())
        if not expression.args:
            raise Refused("the result is not a finite real number")
        parts = [self.size(part) for part in expression.args if isinstance(part, sp.Expr)]
        if isinstance(expression, sp.Add):
            return _sum(parts)
        if isinstance(expression, sp.Mul):
            return _product(parts)
        if isinstance(expression, sp.Pow) and isinstance(expression.exp, sp.Rational):
            return self.power(expression.base, expression.exp)
        bits, height = sum(part.bits for part in parts), max(part.height for part in parts)
        return Size(bits, 1, 1, frozenset([expression]), height + 1, _function_ball(expression, parts), False)


def _joint(operation: Callable[[arb, arb], arb], parts: Sequence[Size]) -> arb | None:
    """The ball of a sum or a product; none where one of the parts has none."""
    balls = [part.ball for part in parts if part.ball is not None]
    return reduce(operation, balls) if len(balls) == len(parts) else None


def _sum(parts: Sequence[Size]) -> Size:
    return Size(
        bits=sum(part.bits for part in parts),
        degree=max(part.degree for part in parts),
        terms=sum(part.terms for part in parts),
        atoms=frozenset().union(*(part.atoms for part in parts)),
        height=max(part.height for part in parts),
        ball=_joint(add, parts),
        plain=all(part.plain for part in parts),
    )


def _product(parts: Sequence[Size]) -> Size:
    degree = sum(part.degree for part in parts)
    atoms = frozenset().union(*(part.atoms for part in parts))
    return Size(
        bits=sum(part.bits for part in parts),
        degree=degree,
        terms=_fewest(prod(part.terms for part in parts), degree, atoms),
        atoms=atoms,
        height=max(part.height for part in parts),
        ball=_joint(mul, parts),
        plain=all(part.plain for part in parts),
    )


def _power(base: sp.Expr, size: Size, exponent: sp.Rational) -> Size:
    height = size.height + int(bool(exponent < 0) or exponent.q > 1)
    times = int(sp.ceiling(abs(exponent)))
    ball = None if size.ball is None else _power_ball(size.ball, exponent, base)
    if exponent.q > 1:
        root = sp.Pow(base, sp.Rational(1, exponent.q), evaluate=False)
        return Size(size.bits * times, abs(int(exponent.p)), 1, frozenset([root]), height, ball, size.plain)
    degree = size.degree * times
    terms = _fewest(comb(size.terms + times - 1, times), degree, size.atoms)
    return Size(size.bits * times, degree, terms, size.atoms, height, ball, size.plain)


def _fewest(terms: int, degree: int, atoms: frozenset[sp.Expr]) -> int:
    """The smaller of two bounds; the second, C(degree + atoms, atoms), counts all monomials there are."""
    return terms if terms <= MAX_TERMS else min(terms, comb(degree + len(atoms), len(atoms)))


def _power_ball(ball: arb, exponent: sp.Rational, base: sp.Expr) -> arb:
    if exponent < 0 and ball.contains(0):
        raise Refused("this divides by zero")
    if exponent.q > 1 and base != 0 and not ball > 0:
        raise Refused("a fractional power of a negative number is not real")
    return ball ** fmpq(int(exponent.p), int(exponent.q))


def _function_ball(expression: sp.Expr, parts: Sequence[Size]) -> arb | None:
    """The ball of a constant such as exp(2), cos(1) or 2**pi; none where a variable occurs."""
    balls = [part.ball for part in parts if part.ball is not None]
    if len(balls) < len(parts):
        return None
    if isinstance(expression, sp.Pow):
        return (balls[0].log() * balls[1]).exp()
    name = expression.func.__name__.lower()
    if name not in BALLS:
        raise Refused("the result is not a finite real number")
    return BALLS[name](balls[0])


def _real(ball: arb) -> None:
    if not ball.is_finite():
        raise Refused("a constant must be a finite real number, and this one is not")
    if not ball.abs_upper() <= arb(2) ** MAX_BITS:
        raise Refused(f"a constant is at most 2**{MAX_BITS}, and this one is larger")


def _within_limits(size: Size) -> Size:
    if size.bits > MAX_BITS:
        raise Refused(f"the numbers become longer than {MAX_BITS} bits; write smaller numbers or exponents")
    if size.degree > MAX_DEGREE:
        raise Refused(f"the degree exceeds {MAX_DEGREE}; write smaller exponents")
    if size.terms > MAX_TERMS:
        raise Refused(f"multiplied out it has more than {MAX_TERMS} terms; write smaller exponents")
    if size.height > MAX_HEIGHT:
        raise Refused(f"functions and quotients are nested more than {MAX_HEIGHT} deep; write fewer of them")
    if size.ball is not None:
        _real(size.ball)
    return size

"""Entire functions of several variables: what the factors of a chart may be, and their values on balls and boxes.

Polynomials, and what exp, sin, cos, sinh, cosh and erf make of them: such functions have no branch cuts and no poles, so
their values on complex boxes need no care, and holomorphy never has to be proved. Quotients, roots and logarithms enter a
chart as factors with negative or fractional powers instead.

Reading order: `is_entire`, `check_entire`, `evaluator`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
from flint import arb, arb_poly

from numerics.precision import ball, rational
from theory.errors import BadInput

ENTIRE = (sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.erf)
Scalar = Any  # arb or acb


def is_entire(expr: Any) -> bool:
    """Is expr built from symbols and numbers by sums, products, natural powers and the functions in `ENTIRE`?"""
    if expr.is_Symbol or expr.is_number:
        return True
    if expr.is_Add or expr.is_Mul:
        return all(map(is_entire, expr.args))
    if expr.is_Pow:
        return (expr.base == sp.E and is_entire(expr.exp)) or (
            expr.exp.is_Integer and expr.exp > 0 and is_entire(expr.base)
        )
    return isinstance(expr, ENTIRE) and is_entire(expr.args[0])


def check_entire(expr: Any, names: tuple[sp.Symbol, ...]) -> None:
    """Raise `BadInput` unless expr is entire and real, in the variables `names`."""
    foreign = expr.free_symbols - set(names)
    if foreign:
        raise BadInput(f"{expr} holds {sorted(map(str, foreign))}, which are not among the variables of the chart")
    if not is_entire(expr) or expr.has(sp.I):
        raise BadInput(
            f"{expr} is not built from polynomials by {', '.join(f.__name__ for f in ENTIRE)}; write quotients and "
            "roots as factors with a negative or fractional power"
        )


def evaluator(expr: Any, variables: Sequence[sp.Symbol]) -> Callable[[Sequence[Scalar]], Scalar]:
    """expr as a function of a tuple of balls (real or complex), at the current precision; nested Horner for polynomials."""
    if expr.is_Rational or not expr.free_symbols:
        number = ball(expr)
        return lambda point: number
    if expr.is_polynomial(*variables):
        return _horner(sp.Poly(expr, *variables).as_dict(), 0)
    parts = [evaluator(part, variables) for part in expr.args]
    if expr.is_Add:
        return lambda point: sum((part(point) for part in parts[1:]), parts[0](point))
    if expr.is_Mul:
        return lambda point: math.prod((part(point) for part in parts[1:]), start=parts[0](point))
    if expr.is_Pow and expr.base != sp.E:
        power = int(expr.exp)
        return lambda point: parts[0](point) ** power
    name = "exp" if expr.is_Pow else expr.func.__name__
    inner = parts[-1]
    return lambda point: getattr(inner(point), name)()


def _horner(terms: dict[tuple[int, ...], Any], i: int) -> Callable[[Sequence[Scalar]], Scalar]:
    """Σ c_α x^α as polynomials in x_i, whose coefficients are polynomials in x_{i+1}, …"""
    if all(not any(alpha) for alpha in terms):
        number = arb(rational(next(iter(terms.values()))))
        return lambda point: number
    rows: dict[int, dict[tuple[int, ...], Any]] = {}
    for alpha, q in terms.items():
        rows.setdefault(alpha[0], {})[alpha[1:]] = q
    if set(rows) == {0}:
        return _horner(rows[0], i + 1)
    if max(rows) <= 4 * len(rows) and not any(any(alpha) for row in rows.values() for alpha in row):
        single = arb_poly([arb(rational(*rows[p].values())) if p in rows else 0 for p in range(max(rows) + 1)])
        return lambda point: single(point[i])
    powers = sorted(rows, reverse=True)
    parts = [(p, _horner(rows[p], i + 1)) for p in powers]
    gaps = [p - q for p, q in zip(powers, [*powers[1:], 0], strict=True)]

    def value(point: Sequence[Scalar]) -> Scalar:
        x = point[i]
        total = parts[0][1](point)
        for (_, part), gap in zip(parts[1:], gaps, strict=False):
            total = total * (x if gap == 1 else x**gap) + part(point)
        return total * x ** gaps[-1] if gaps[-1] else total

    return value

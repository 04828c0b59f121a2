"""Balls at the points of a grid, and the values that an expression has there.

Reading order: `Vector`, `vector`, `on_points`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from numerics.precision import CONSTANTS, FUNCTIONS, ball
from theory.errors import BadInput

Vector = Any
"""An array of dtype object: one ball for each point."""


def on_points(expr: Any, variables: Sequence[sp.Symbol], w: Sequence[Vector]) -> Vector:
    """The expression at all points, ball by ball. Raises `BadInput` for a function without a rule or a value not finite."""
    known: dict[sp.Basic, Any] = dict(zip(variables, w, strict=True))
    value = _value(sp.sympify(expr), known)
    result = value if isinstance(value, np.ndarray) else vector([value] * len(w[0]))
    if not all(c.is_finite() for c in result):
        raise BadInput(f"{expr} is not finite at every point of the grid; the chain needs losses that are")
    return result


def _value(expr: sp.Basic, known: dict[sp.Basic, Any]) -> Any:
    if expr in known:
        return known[expr]
    if isinstance(expr, sp.Number) or expr in CONSTANTS:
        known[expr] = ball(expr)
    elif isinstance(expr, sp.Add | sp.Mul | sp.Pow) or expr.func in FUNCTIONS:
        known[expr] = _apply(expr, [_value(part, known) for part in expr.args])
    else:
        raise BadInput(
            f"the kernel has no rule for {expr}; list its symbols among the variables or use known functions"
        )
    return known[expr]


def _apply(expr: sp.Basic, args: list[Any]) -> Any:
    if isinstance(expr, sp.Add):
        return sum(args[1:], args[0])
    if isinstance(expr, sp.Mul):
        return math.prod(args[1:], start=args[0])
    rule: Callable = FUNCTIONS.get(expr.func, arb.__pow__)
    if isinstance(expr, sp.Pow) and isinstance(expr.exp, sp.Integer):
        # Products, since a power of a ball with midpoint 0 comes out as nan.
        power = math.prod([args[0]] * abs(int(expr.exp)))
        return power if expr.exp > 0 else 1 / power
    if isinstance(expr, sp.Pow) and expr.base == sp.E:
        args, rule = args[1:], arb.exp
    if not any(isinstance(arg, np.ndarray) for arg in args):
        return rule(*args)
    return np.frompyfunc(rule, len(args), 1)(*args)


def vector(entries: Any) -> Vector:
    entries = list(entries)
    result = np.empty(len(entries), dtype=object)
    result[:] = entries
    return result


def floats(values: Vector) -> np.ndarray:
    return np.array([float(c) for c in values])

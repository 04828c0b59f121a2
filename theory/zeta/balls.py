"""Exact constants and analytic functions as balls, at the working precision of python-flint.

`ball` takes a constant made of rationals, π, γ, Γ, ψ, ζ, logarithms and finite parts; `evaluator` compiles an expression in some
variables; `on_axes` evaluates it on a tensor grid. Everything but finite parts is enclosed: the true value lies in the ball. Those
are computed by `quadrature`, which estimates its error.

Reading order: `ball`, `is_zero`, `evaluator`, `on_axes`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial, reduce
from itertools import product
from math import prod
from operator import add, mul
from typing import Any

import sympy as sp
from flint import acb, arb, arb_series, ctx, fmpz_poly

from theory.errors import BadInput
from theory.zeta.finite_part import FinitePart
from theory.zeta.precision import current_digits, digits, rational
from theory.zeta.quadrature import finite_part_ball
from theory.zeta.taylor import Removable

Function = Callable[[Sequence[arb]], arb]
CONSTANTS: dict[Any, Callable[[], arb]] = {
    sp.pi: arb.pi,
    sp.E: arb.const_e,
    sp.EulerGamma: arb.const_euler,
    sp.Catalan: arb.const_catalan,
}
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    sp.exp: arb.exp, sp.log: arb.log, sp.sin: arb.sin, sp.cos: arb.cos, sp.tan: arb.tan, sp.cot: arb.cot,
    sp.sinh: arb.sinh, sp.cosh: arb.cosh, sp.tanh: arb.tanh, sp.coth: arb.coth, sp.sech: arb.sech, sp.csch: arb.csch,
    sp.asin: arb.asin, sp.acos: arb.acos, sp.atan: arb.atan, sp.asinh: arb.asinh, sp.acosh: arb.acosh, sp.atanh: arb.atanh,
    sp.erf: arb.erf, sp.erfc: arb.erfc, sp.gamma: arb.gamma, sp.loggamma: arb.lgamma, sp.Abs: abs, sp.sign: arb.sgn,
    sp.polygamma: lambda n, x: acb(x).polygamma(n).real,
    sp.zeta: lambda s, a=None: s.zeta() if a is None else s.zeta(a),
}  # fmt: skip


WRITTEN: dict[Any, Any] = {  # series of balls do not have them
    **dict.fromkeys((sp.sinh, sp.cosh, sp.tanh, sp.coth, sp.sech, sp.csch), sp.exp),
    **dict.fromkeys((sp.asinh, sp.acosh, sp.atanh), sp.log),
    sp.cot: sp.tan,
}


def ball(value: Any) -> arb:
    """A ball for an exact real constant. Raises `BadInput` for symbols left over and for values that are not finite."""
    if isinstance(value, arb):
        return value
    expr = sp.sympify(value)
    result = _constant(expr)(())
    if not result.is_finite():
        raise BadInput(f"{expr} is not a finite real number as far as {current_digits()} digits can tell")
    return result


@lru_cache(maxsize=4096)
def _constant(expr: sp.Expr) -> Function:
    if expr.free_symbols:
        raise BadInput(f"{expr} holds the symbols {sorted(map(str, expr.free_symbols))}; give them numbers first")
    return evaluator(expr, ())


def is_zero(value: sp.Expr) -> bool:
    """Exactly 0? A ball that leaves out 0 says no; an exact reduction says yes. Raises `BadInput` where neither decides."""
    if value.is_zero or sp.expand(value) == 0:
        return True
    if value.free_symbols:
        return sp.simplify(value) == 0
    for n in (10, 20, 60):
        with digits(n):
            if not ball(value).contains(0):
                return False
    if not value.has(FinitePart) and sp.simplify(sp.gammasimp(sp.expand_func(value))) == 0:
        return True
    raise BadInput(
        f"whether {value} is 0 could not be decided: its ball contains 0 at 60 digits, and no identity was found"
    )


def evaluator(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> Function:
    """`expr` as a function of balls for `variables`; subexpressions that occur twice are evaluated once."""
    program: list[tuple[Callable[..., Any], tuple[int, ...]]] = []
    index: dict[sp.Basic, int] = {}
    inputs = {v: i for i, v in enumerate(variables)}

    def visit(node: sp.Basic) -> int:
        if node not in index:
            operation, parents = (
                _operation(node, inputs) if not isinstance(node, Removable) else (_removable(node, inputs), ())
            )
            places = tuple(visit(p) for p in parents)
            index[node] = len(program)
            program.append((operation, places))
        return index[node]

    root = visit(sp.sympify(expr))

    def run(point: Sequence[arb]) -> arb:
        values: list[Any] = []
        for operation, places in program:
            values.append(operation(point) if not places else operation(*(values[p] for p in places)))
        return values[root]

    return run


def on_axes(expr: sp.Expr, variables: Sequence[sp.Symbol], axes: Sequence[Sequence[arb]]) -> list[arb]:
    """`expr` on the tensor grid of these axes, the last one fastest; each subexpression only on the axes that it depends on."""
    inputs = {v: i for i, v in enumerate(variables)}
    known: dict[sp.Basic, tuple[tuple[int, ...], list[arb]]] = {}

    def spread(values: list[arb], held: tuple[int, ...], onto: tuple[int, ...]) -> list[arb]:
        if held == onto:
            return values
        places = [0]
        for i in onto:
            stride = prod(len(axes[k]) for k in held if k > i) if i in held else 0
            places = [p + stride * j for p in places for j in range(len(axes[i]))]
        return [values[p] for p in places]

    def joined(
        operation: Callable[..., Any], *parts: tuple[tuple[int, ...], list[arb]]
    ) -> tuple[tuple[int, ...], list]:
        onto = tuple(sorted({i for held, _ in parts for i in held}))
        return onto, list(map(operation, *(spread(values, held, onto) for held, values in parts)))

    def visit(node: sp.Basic) -> tuple[tuple[int, ...], list[arb]]:
        if node in known:
            return known[node]
        held = tuple(sorted(inputs[v] for v in node.free_symbols if v in inputs))
        if isinstance(node, (sp.Add, sp.Mul)):  # the parts on few axes first
            parts = sorted(map(visit, node.args), key=lambda part: len(part[1]))
            known[node] = reduce(partial(joined, add if isinstance(node, sp.Add) else mul), parts)
        elif len(held) < 2 or isinstance(node, Removable):
            run = evaluator(node, variables)
            rows = [axes[i] if i in held else axes[i][:1] for i in range(len(axes))]
            known[node] = held, list(map(run, product(*rows)))
        else:
            operation, parents = _operation(node, inputs)
            known[node] = joined(operation, *map(visit, parents))
        return known[node]

    held, values = visit(sp.sympify(expr))
    return spread(values, held, tuple(range(len(axes))))


def _operation(node: Any, inputs: dict) -> tuple[Callable[..., Any], tuple]:
    """(the operation, the nodes it is applied to); with no such nodes it is applied to the point."""
    if node in inputs:
        i = inputs[node]
        return (lambda point: point[i]), ()
    if node in CONSTANTS:
        return (lambda _: CONSTANTS[node]()), ()
    if isinstance(node, sp.Rational):
        q = rational(node)
        return (lambda _: arb(q)), ()
    if isinstance(node, sp.CRootOf):
        return (lambda _: _real_root(node, ctx.prec)), ()
    if isinstance(node, FinitePart):
        return (lambda _: finite_part_ball(node, on_axes)), ()
    if isinstance(node, sp.Add):
        return (lambda *terms: sum(terms[1:], terms[0])), node.args
    if isinstance(node, sp.Mul):
        return (lambda *factors: prod(factors[1:], start=factors[0])), node.args
    if isinstance(node, sp.Pow):
        base, exponent = node.args
        if exponent.is_Integer:
            n = int(exponent)
            return (lambda b: b**n), (base,)
        if exponent == sp.S.Half:
            return arb.sqrt, (base,)
        if exponent.is_Rational:
            q = rational(exponent)
            return (lambda b: b ** arb(q)), (base,)
        return (lambda b, e: b**e), (base, exponent)
    if isinstance(node, sp.polygamma):
        n = int(node.args[0])
        return partial(FUNCTIONS[sp.polygamma], n), (node.args[1],)
    if node.func in FUNCTIONS:
        return FUNCTIONS[node.func], node.args
    raise BadInput(
        f"no evaluation of {node} in ball arithmetic is known; use polynomials, exp, log, sin, tanh, erf and such"
    )


@lru_cache(maxsize=256)
def _real_root(node: sp.CRootOf, _: int) -> arb:
    """The real roots come first, in increasing order, in python-flint and in sympy alike."""
    coefficients = [int(c) for c in reversed(node.poly.all_coeffs())]
    return fmpz_poly(coefficients).complex_roots()[node.index][0].real


def _removable(node: Removable, inputs: dict) -> Function:
    """g/x^m on balls; on one that holds 0 it is g^{(m)}(ξ)/m!, ξ between 0 and x."""
    g, x, m = node.args
    names = list(inputs)
    direct, series, i = evaluator(g / x**m, names), _Series(g, names), inputs[x]

    def run(point: Sequence[arb]) -> arb:
        return series.coefficient(point, i, int(m)) if point[i].contains(0) else direct(point)

    return run


class _Series:
    """Taylor coefficients of an expression at a ball, in one of its variables."""

    def __init__(self, expr: sp.Expr, variables: Sequence[sp.Symbol]):
        self.expr = expr.replace(lambda e: e.func in WRITTEN, lambda e: e.rewrite([e.func], WRITTEN[e.func]))
        self.variables = list(variables)

    def coefficient(self, point: Sequence[arb], i: int, m: int) -> arb:
        before, ctx.cap = ctx.cap, m + 1
        try:
            values = {
                v: arb_series([x, 1] if k == i else [x])
                for k, (v, x) in enumerate(zip(self.variables, point, strict=True))
            }
            return self._at(self.expr, values)[m]
        except (
            ValueError,
            ZeroDivisionError,
        ):  # a divisor whose ball holds 0: the cell is too wide; or no series is known
            return arb.nan()
        finally:
            ctx.cap = before

    def _at(self, node: sp.Basic, values: dict) -> arb_series:
        if node in values:
            return values[node]
        if not node.has(*values):
            return arb_series([ball(node)])
        if isinstance(node, sp.Pow):
            base, exponent = self._at(node.args[0], values), node.args[1]
            if exponent.is_Integer:
                power = prod([base] * abs(int(exponent)), start=arb_series([1]))
                return power if exponent > 0 else 1 / power
            return (base.log() * self._at(exponent, values)).exp()
        parts = [self._at(a, values) for a in node.args]
        if isinstance(node, sp.Add):
            return sum(parts[1:], parts[0])
        if isinstance(node, sp.Mul):
            return prod(parts[1:], start=parts[0])
        method = arb_series.lgamma if isinstance(node, sp.loggamma) else getattr(arb_series, node.func.__name__, None)
        if method is None:
            raise BadInput(f"the Taylor coefficients of {node} on balls are not known")
        return method(parts[0])

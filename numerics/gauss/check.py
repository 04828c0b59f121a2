"""A slow, independent check of the records of `gauss`, in `flint` balls throughout.

Idea
----
`gauss.record` proves its bounds on float64 rectangles, many at once. Here each claim is proved again with other means:
one complex ball box at a time, expressions evaluated by recursion over their tree, other subdivisions, plain loops.
Checked are, for the reduced problem of the record,

0. *shape*: there is as much of everything as belongs to the panels and amplitudes, and the balls are finite;
1. *panels*: they lie in the domain and do not overlap;
2. *analyticity*: V and f are holomorphic on boxes that cover the filled ellipse of every axis of every panel;
3. *suprema*: |f e^{−(V − level)}| ≤ M_j on the ellipse times the real sides;
4. *sum and radius*: the tensor rules are summed again; the sum, with the errors of the theorem in `ellipse` and the
   omitted part as the radius, overlaps the claimed ball, and that ball has room for these errors.

Not checked again: the bounds `omitted` of what lies outside the panels, and the exact integration in `quadratic`.

Reading order: `check`, `evaluate`, then the `_confirm_…`.
"""

import math
from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import sympy as sp
from flint import acb, arb, ctx

from numerics.analytic import FUNCTIONS
from numerics.errors import NotCertified
from numerics.gauss.rule import Record
from numerics.precision import ball

BITS = 80
MAX_BOXES = 60_000
ROOM = 1 + 1e-6

Box = tuple[tuple[float, float], ...]


def check(record: Record) -> tuple[arb, ...]:
    """The balls of the record summed again. Raises `NotCertified` naming the panel and the claim that fails."""
    _confirm_shapes(record)
    _confirm_panels(record)
    for k in range(len(record.panels.lower)):
        for axis in range(len(record.problem.domain.variables)):
            with ctx.workprec(BITS):
                _confirm_analytic(record, k, axis)
                for i in range(len(record.problem.amplitudes)):
                    _confirm_supremum(record, k, axis, i)
    return _confirm_sum(record)


def evaluate(expr: Any, values: dict[sp.Symbol, acb], analytic: bool) -> acb:
    """`expr` at a complex box; not finite where a pole or, with `analytic`, a branch cut is met."""
    if expr in values:
        return values[expr]
    if not expr.free_symbols:
        return acb(ball(expr))
    if isinstance(expr, sp.Pow) and expr.args[0] != sp.E:
        base, exponent = evaluate(expr.args[0], values, analytic), expr.args[1]
        if exponent.is_Integer:
            return base ** int(exponent)
        return base.pow(acb(ball(exponent)), analytic=analytic)
    parts = [evaluate(part, values, analytic) for part in expr.args]
    if isinstance(expr, sp.Add):
        return sum(parts, acb(0))
    if isinstance(expr, sp.Mul):
        return math.prod(parts, start=acb(1))
    return FUNCTIONS[sp.exp if isinstance(expr, sp.Pow) else expr.func](parts[-1], analytic)


def _fail(claim: str, k: int, found: str) -> None:
    raise NotCertified(f"the record fails at the claim '{claim}' on panel {k}: {found}")


def _confirm_shapes(record: Record) -> None:
    """One panel has as many sides, nodes and ellipses as there are variables; one amplitude one finite ball and one bound ≥ 0."""
    count, m, d = len(record.panels.lower), len(record.problem.amplitudes), len(record.problem.domain.variables)
    sides = (*record.panels.lower, *record.panels.upper)
    if not (
        len(record.panels.upper) == count
        and all(len(side) == d for side in sides)
        and record.nodes.shape == record.rho.shape == (count, d)
        and record.log_m.shape == (d, m, count)
        and len(record.omitted) == len(record.value.balls) == m
        and np.isfinite(record.nodes).all()
        and all(ball_.is_finite() for ball_ in (*record.omitted, *record.value.balls))
        and all(bound >= 0 for bound in record.omitted)
        and record.value.level == record.level
    ):
        raise NotCertified(f"the record fails at the claim 'shape': {d} variables, {m} amplitudes and {count} panels")


def _confirm_panels(record: Record) -> None:
    sides = [list(zip(*ends, strict=True)) for ends in zip(record.panels.lower, record.panels.upper, strict=True)]
    for k, panel in enumerate(sides):
        for (a, b), (low, high) in zip(panel, record.problem.domain.ends, strict=True):
            if not a < b or (low.is_finite and a < ball(low)) or (high.is_finite and b > ball(high)):
                _fail("panels lie in the domain", k, f"[{a.str(5)}, {b.str(5)}]")
    for (k, p), (_, q) in combinations(enumerate(sides), 2):
        if not any(bool(b <= c) or bool(d <= a) for (a, b), (c, d) in zip(p, q, strict=True)):
            _fail("panels do not overlap", k, "another one shares an inner point with it")


def _interval(low: float, high: float) -> arb:
    return arb(low).union(arb(high))


def _complex_side(record: Record, k: int, axis: int, point: Callable[[arb, arb], acb]) -> acb:
    """c + r·point(semi-axes) on the current axis."""
    a, b, rho = record.panels.lower[k][axis], record.panels.upper[k][axis], arb(float(record.rho[k, axis]))
    return (a + b) / 2 + (b - a) / 2 * point((rho + 1 / rho) / 2, (rho - 1 / rho) / 2)


def _values(record: Record, k: int, axis: int, current: acb, reals: Sequence[tuple[float, float]]) -> dict[Any, acb]:
    """The current variable on `current`, the others on parts [u, v] ⊂ [0, 1] of their sides."""
    sides, result = iter(reals), {}
    for i, variable in enumerate(record.problem.domain.variables):
        a, b = record.panels.lower[k][i], record.panels.upper[k][i]
        result[variable] = current if i == axis else acb(a + (b - a) * _interval(*next(sides)))
    return result


def _search(
    start: Sequence[Box], good: Callable[[Box], bool], outside: Callable[[Box], bool], claim: str, k: int
) -> None:
    """Every box, or every part of it, is good; boxes that resist are halved along their longest side."""
    stack, used = list(start), 0
    while stack:
        box = stack.pop()
        used += 1
        if outside(box) or good(box):
            continue
        if used > MAX_BOXES:
            _fail(claim, k, f"not proved on {MAX_BOXES} boxes")
        i = max(range(len(box)), key=lambda j: box[j][1] - box[j][0])
        low, high = box[i]
        stack += [(*box[:i], part, *box[i + 1 :]) for part in ((low, (low + high) / 2), ((low + high) / 2, high))]


def _confirm_analytic(record: Record, k: int, axis: int) -> None:
    """Coordinates (x, y) of the filled upper half ellipse in units of its semi-axes, then the other sides."""
    expressions = (record.problem.potential, *record.problem.amplitudes)

    def good(box: Box) -> bool:
        x, y = (_interval(*side) for side in box[:2])
        values = _values(record, k, axis, _complex_side(record, k, axis, lambda a, b: acb(a * x, b * y)), box[2:])
        return all(evaluate(e, values, True).is_finite() for e in expressions)

    def outside(box: Box) -> bool:
        (x0, x1), (y0, _) = box[:2]
        return max(x0, -x1, 0.0) ** 2 + y0**2 > 1 + 1e-12

    others = len(record.problem.domain.variables) - 1
    start = [((-1.0, 1.0), (0.0, 1.0), *[(0.0, 1.0)] * others)]
    _search(start, good, outside, f"analytic along axis {axis + 1}", k)


def _confirm_supremum(record: Record, k: int, axis: int, i: int) -> None:
    log_m = float(record.log_m[axis, i, k])
    bound = arb(log_m).exp() * ROOM
    f, level = record.problem.amplitudes[i], arb(record.level)

    def good(box: Box) -> bool:
        theta = _interval(*box[0]) * 4  # [0, 1] in the coordinate covers the upper half, and more
        values = _values(
            record, k, axis, _complex_side(record, k, axis, lambda a, b: acb(a * theta.cos(), b * theta.sin())), box[1:]
        )
        size = abs(evaluate(f, values, False)) * (level - evaluate(record.problem.potential, values, False).real).exp()
        return bool(size.is_finite() and size <= bound)

    others = len(record.problem.domain.variables) - 1
    arcs = [((j / 12, (j + 1) / 12), *[(0.0, 1.0)] * others) for j in range(12) if j * 4 / 12 < math.pi]
    _search(arcs, good, lambda box: box[0][0] * 4 > 3.1416, f"supremum along axis {axis + 1}", k)


def _confirm_sum(record: Record) -> tuple[arb, ...]:
    problem, results = record.problem, []
    for i, f in enumerate(problem.amplitudes):
        total, error = arb(0), record.omitted[i]
        for k, (lower, upper) in enumerate(zip(record.panels.lower, record.panels.upper, strict=True)):
            counts = [int(n) for n in record.nodes[k]]
            rules = [[arb.legendre_p_root(n, j, weight=True) for j in range(n)] for n in counts]
            for node in product(*rules):
                ends = zip(problem.domain.variables, lower, upper, node, strict=True)
                values = {v: acb((a + b) / 2 + (b - a) / 2 * x) for v, a, b, (x, _) in ends}
                weight = math.prod(
                    (w * (b - a) / 2 for (_, w), a, b in zip(node, lower, upper, strict=True)), start=arb(1)
                )
                height = (arb(record.level) - evaluate(problem.potential, values, False).real).exp()
                total += weight * height * evaluate(f, values, False).real
            volume = math.prod((b - a for a, b in zip(lower, upper, strict=True)), start=arb(1))
            for axis, n in enumerate(counts):
                rho, log_m = arb(float(record.rho[k, axis])), float(record.log_m[axis, i, k])
                if n < 2 or not rho > 1:
                    _fail("N ≥ 2 and ρ > 1", k, f"N = {n}, ρ = {rho.str(5)}")
                error += volume * arb(32) / 15 * arb(log_m).exp() * rho ** (-2 * n) / (1 - rho**-2)
        claimed, again = record.value.balls[i], total + arb(0, error.upper())
        if (
            not claimed.overlaps(again)
            or abs(claimed.mid() - total.mid()) + error.lower() > claimed.rad() * ROOM + total.rad()
        ):
            _fail("sum and radius", 0, f"the sum is {again.str(12)}, claimed was {claimed.str(12)}")
        results.append(again)
    return tuple(results)

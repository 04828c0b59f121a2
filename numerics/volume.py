"""The volume function V(ε) = ∫_{|K| < ε} φ: its law at 0, its expansion, and proved values.

Idea
----
By Mellin inversion, V(ε) = (1/2πi) ∫ ζ(−s) ε^s ds/s over 0 < Re s < λ. Shifting the line to the right, the pole of ζ at −s
(z = −s + δ, Λ = −log ε) contributes

    ε^s [δ^{−1}] { ζ(−s + δ) e^{δΛ} / (s − δ) },                                                              (`expansion`)

so that V(ε) ~ c ε^λ Λ^{m−1} with c = A_0 / (λ (m−1)!)                                                        (`law`).

For a monomial on a box the sum is finite and exact for ε ≤ 1 (`monomial`). Otherwise it is asymptotic, and what it misses is
not bounded here. Two proved roads to V itself check it:

* `bracket`, any dimension: cut the box of a chart into cells with bounds u ∈ [u−, u+], b ∈ [b−, b+]. On a cell V lies
  between the exact volumes of the monomials u± x^κ. Monomials are exact, so the relative width does not grow as ε → 0.
* `slices`: K = x^κ q(y) with an uncoupled x (or none): integrate x exactly; what is left are integrals over [0, y*] and
  [y*, 1], y* the root of q(y) = ε, enclosed to full accuracy by `cells` at z = 0.

Notation: ε level, Λ = −log ε, A_j Laurent coefficients, W(η) = ∫_{x^κ < η} x^h dx.
Reading order: `law`, `expansion`, `monomial`, `bracket`, `slices`, `samples`.

Reference: S. Watanabe, "Algebraic Geometry and Statistical Learning Theory" (2009), theorem 7.1 and remark 2.8 (ζ, V, Z).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import NamedTuple

import sympy as sp
from flint import arb, fmpq

from numerics import zeta
from numerics.errors import NotCertified
from numerics.precision import Exact, ball, current_digits, digits, rational
from numerics.zeta.cells import expand
from numerics.zeta.charts import Chart, Factor, Gaussian
from numerics.zeta.continuation import Problem, Term, charts_of
from numerics.zeta.entire import evaluator
from numerics.zeta.moments import Series, exact_moment, inverse, linear, multiply
from theory.errors import BadInput


class Law(NamedTuple):
    """V(ε) ~ constant · ε^exponent · (−log ε)^{multiplicity − 1}: exponent exact, multiplicity and constant proved."""

    exponent: fmpq
    multiplicity: int
    constant: arb

    def __call__(self, epsilon: Exact | arb) -> arb:
        log = -_level(epsilon).log()
        return self.constant * (-log * self.exponent).exp() * log ** (self.multiplicity - 1)


def _level(epsilon: Exact | arb) -> arb:
    value = epsilon if isinstance(epsilon, arb) else arb(rational(epsilon))
    if not value > 0:
        raise BadInput(f"a volume needs a level ε > 0; it was given {epsilon}")
    return value


def law(problem: Problem, accuracy: int = 20) -> Law:
    """c ε^λ (−log ε)^{m−1} with c = A_0/(λ (m−1)!). Raises as `zeta.first_pole` does."""
    s, m, leading = zeta.first_pole(problem, accuracy)
    with digits(accuracy + 6):
        return Law(s, m, leading / (arb(s) * math.factorial(m - 1)))


def expansion(problem: Problem, up_to: Exact, accuracy: int = 20) -> list[Term]:
    """V(ε) ~ Σ ε^s Σ_j polynomial[j] (−log ε)^j over the poles s ≤ up_to; evaluate it with `value`."""
    with digits(accuracy + 6):
        return [
            Term(pole.s, zeta.polar_polynomial(pole, _one_over(arb(pole.s), pole.bound)))
            for pole in zeta.poles(problem, up_to, accuracy)
        ]


def _one_over(s: arb, terms: int) -> Series:
    return inverse(linear(s, arb(-1), terms), terms)


def value(terms: Sequence[Term], epsilon: Exact | arb) -> arb:
    """The expansion at ε."""
    return zeta.series_value(terms, 1 / _level(epsilon))


def monomial(orders: Sequence[fmpq], jacobian: Sequence[fmpq], eta: arb) -> arb:
    """W(η) = ∫_{[0,1]^d, x^κ < η} x^h dx: exact for η ≤ 1 by the finite expansion, the whole integral for η ≥ 1."""
    whole = math.prod((1 / arb(h + 1) for h in jacobian), start=arb(1))
    if eta >= 1:
        return whole
    if not eta <= 1:
        return monomial(orders, jacobian, arb(eta.lower())).union(whole)
    held = [(k, h) for k, h in zip(orders, jacobian, strict=True) if k]
    free = math.prod((1 / arb(h + 1) for k, h in zip(orders, jacobian, strict=True) if not k), start=arb(1))
    if not held:
        return arb(0)
    log, total = -eta.log(), arb(0)
    for s in {(h + 1) / k for k, h in held}:
        m = sum((h + 1) / k == s for k, h in held)
        series = _one_over(arb(s), m)
        for k, h in held:
            a = h - k * s
            series = multiply(series, exact_moment(arb(a), k, 0 if a == -1 else None, m), m)
        total += (-log * s).exp() * sum((series[m - 1 - j] * log**j / math.factorial(j) for j in range(m)), arb(0))
    return total * free


def bracket(problem: Problem, epsilon: Exact | arb, pieces: int = 32) -> arb:
    """A ball that contains V(ε), from `pieces`^d cells a chart (fewer along coordinates that nothing depends on)."""
    level = _level(epsilon)
    total = arb(0)
    for c in charts_of(problem):
        if any(isinstance(side, Gaussian) for side in c.extents):
            raise BadInput("`bracket` is for boxes; a Gaussian coordinate has no finite box")
        total += _chart_bracket(c, level, pieces)
    return total


def _chart_bracket(c: Chart, level: arb, pieces: int) -> arb:
    held = c.density.free_symbols.union(*(f.base.free_symbols for f in c.factors))
    grids = [[fmpq(i, n) for i in range(n + 1)] for n in (pieces if v in held else 1 for v in c.variables)]
    bases = [(evaluator(f.base, c.variables), f) for f in c.factors]
    density = evaluator(c.density, c.variables)
    low, high = arb(0), arb(0)
    for cell in product(*([*pairwise(g)] for g in grids)):
        point = [arb(p).union(arb(q)) for p, q in cell]
        unit, weight = arb(1), density(point)
        for base, f in bases:
            p = base(point)
            if not p > 0:
                raise NotCertified(
                    f"{f.base} is not proved positive on a cell of its chart; take more pieces than {pieces}"
                )
            log = p.log()
            unit *= (log * f.order).exp()
            weight *= (log * f.jacobian).exp()
        less = _cell_volume(c, cell, level / arb(unit.upper()))
        more = _cell_volume(c, cell, level / arb(unit.lower()))
        bottom, top = arb(weight.lower()), arb(weight.upper())
        low += bottom * (less if bottom > 0 else more)
        high += top * (more if top > 0 else less)
    return arb(low.lower()).union(arb(high.upper()))


def _cell_volume(c: Chart, cell: Sequence[tuple[fmpq, fmpq]], eta: arb) -> arb:
    """∫_{cell, x^κ < η} x^h dx by inclusion and exclusion of boxes [0, corner]."""
    total = arb(0)
    for corner in product(*(((q, 1), (p, -1)) if p else ((q, 1),) for p, q in cell)):
        scale, sides, sign = arb(1), arb(1), 1
        for (side, s), k, h in zip(corner, c.orders, c.jacobian, strict=True):
            sign *= s
            if side != 1:
                scale *= (arb(side).log() * k).exp()
                sides *= (arb(side).log() * (h + 1)).exp()
        total += sign * sides * monomial(c.orders, c.jacobian, eta / scale)
    return total


def slices(problem: Problem, epsilon: Exact, accuracy: int = 20) -> arb:
    """A ball that contains V(ε), to about `accuracy` digits: charts of one coordinate, or of two of which one is uncoupled.

    K must be proved monotone in the remaining coordinate, and the density positive. Raises `BadInput` and `NotCertified`.
    """
    level = rational(epsilon)
    _level(level)
    with digits(accuracy + 10):
        return sum((_slice(c, level) for c in charts_of(problem)), arb(0))


def _slice(c: Chart, level: fmpq) -> arb:
    held = c.density.free_symbols.union(*(f.base.free_symbols for f in c.factors))
    boxes = not any(isinstance(side, Gaussian) for side in c.extents)
    if c.dimension > 2 or not boxes or len(held) > 1:
        raise BadInput("`slices` is for charts on boxes in which at most one coordinate of at most two is coupled")
    if not held:
        unit, weight = arb(1), ball(c.density)
        for f in c.factors:
            log = ball(f.base).log()
            unit, weight = unit * (log * f.order).exp(), weight * (log * f.jacobian).exp()
        return weight * monomial(c.orders, c.jacobian, arb(level) / unit)
    (y,) = held
    i = c.variables.index(y)
    line = Chart((y,), (c.orders[i],), (c.jacobian[i],), c.factors, c.density, (fmpq(1),))
    _check_monotone(line)
    low, high = _root(line, level)
    others = [(k, h) for j, (k, h) in enumerate(zip(c.orders, c.jacobian, strict=True)) if j != i]
    k, h = others[0] if others else (fmpq(0), fmpq(0))
    within, beyond = _mass(line, fmpq(0), low), _mass(line, fmpq(0), high)
    total = within.union(beyond) / arb(h + 1)
    if k and high < 1:
        power = (h + 1) / k
        tail = _beyond(line, -power, high)
        total += tail * (arb(level).log() * power).exp() / arb(h + 1)
    return total


def _check_monotone(c: Chart) -> None:
    """Prove κ Π p + x Σ_j e_j p_j' Π_{i≠j} p_i > 0 on [0, 1], all p > 0: then K increases."""
    (x,) = c.variables
    whole = sp.Mul(*(f.base for f in c.factors))
    slope = sp.Rational(int(c.orders[0].p), int(c.orders[0].q)) * whole
    for f in c.factors:
        slope += x * sp.Rational(int(f.order.p), int(f.order.q)) * sp.diff(f.base, x) * sp.cancel(whole / f.base)
    for expr in (*(f.base for f in c.factors), c.density, slope if c.orders[0] else None):
        if expr is not None and not _positive(sp.expand(expr), x):
            raise NotCertified(
                f"{expr} is not proved positive on [0, 1]: K is not monotone there, or the density not positive"
            )
    if not c.orders[0]:
        raise NotCertified("K does not vanish on this chart; `slices` needs κ > 0 in the coupled coordinate")


def _positive(expr: sp.Expr, x: sp.Symbol) -> bool:
    function, queue = evaluator(expr, (x,)), [(fmpq(0), fmpq(1), 0)]
    while queue:
        p, q, depth = queue.pop()
        if function([arb(p).union(arb(q))]) > 0:
            continue
        if depth > 14:
            return False
        queue += [(p, (p + q) / 2, depth + 1), ((p + q) / 2, q, depth + 1)]
    return True


def _root(c: Chart, level: fmpq) -> tuple[fmpq, fmpq]:
    """low ≤ y* ≤ high, dyadic, K(y*) = level; (1, 1) if K < level on all of [0, 1)."""
    logs = [(evaluator(f.base, c.variables), f.order) for f in c.factors]

    def excess(y: fmpq) -> arb:
        point = arb(y)
        return point.log() * c.orders[0] + sum((p([point]).log() * e for p, e in logs), arb(0)) - arb(level).log()

    low, high = fmpq(0), fmpq(1)
    if not excess(high) > 0:
        if excess(high) < 0:
            return high, high
        raise NotCertified("the level touches the largest value of K")
    for _ in range(8 * current_digits()):
        middle = (low + high) / 2
        side = excess(middle)
        if side > 0:
            high = middle
        elif side < 0:
            low = middle
        else:
            break
    return low, high


def _mass(c: Chart, z: fmpq, end: fmpq) -> arb:
    """∫_0^end K^z φ."""
    if end == 0:
        return arb(0)
    return expand(replace(c, extents=(end,)), z, 1)[1][0]


def _beyond(c: Chart, z: fmpq, start: fmpq) -> arb:
    """∫_start^1 K^z φ, the coordinate shifted to start."""
    (x,) = c.variables
    image = x + sp.Rational(int(start.p), int(start.q))
    factors = [Factor(sp.expand(f.base.subs(x, image)), f.order, f.jacobian) for f in c.factors]
    factors.append(Factor(image, c.orders[0], c.jacobian[0]))
    shifted = Chart((x,), (fmpq(0),), (fmpq(0),), tuple(factors), sp.expand(c.density.subs(x, image)), (1 - start,))
    return expand(shifted, z, 1)[1][0]


def samples(problem: Problem, levels: Sequence[Exact], up_to: Exact, accuracy: int = 12) -> list[tuple[float, ...]]:
    """Rows (ε, expansion, law) in floats, for a plot of V(ε)."""
    terms, leading = expansion(problem, up_to, accuracy), law(problem, accuracy)
    with digits(accuracy):
        return [(float(arb(rational(e))), float(value(terms, e)), float(leading(e))) for e in levels]


__all__ = ["Law", "bracket", "expansion", "law", "monomial", "samples", "slices", "value"]

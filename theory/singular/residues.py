"""The terms of Z(t) at the poles of ζ as balls, for products of powers and Gaussians: no exact coefficient on the way.

At a pole z = −s the expansion has the term (1.2)

    t^{−s} P(log t) = [ε^{−1}] Γ(s−ε) ζ(−s+ε) t^{−s+ε},      ζ(−s+ε) = Σ q Π_i ∫ x^{α_i−1+κ_i ε} (dx or the half-Gaussian),

and every factor is a power series in ε with balls for coefficients over ε^o, o = 0 or 1: 1/(α + κε), or
2^{(α+κε)/2} Γ((α+κε)/2)/(2√(2π)), where at a pole of Γ, with δ = bε, Γ(−N+δ) = Γ(1+δ)/(δ (δ−1) … (δ−N)).
`theory.singular.expansion.of_charts` gives the same terms exactly.

Reading order: `terms`, `_polynomial`, `_side`, `_gamma`.
"""

from functools import lru_cache
from math import prod

import sympy as sp
from flint import arb, arb_series, ctx, fmpq

from theory.zeta import continuation as zeta
from theory.zeta.balls import ball
from theory.zeta.chart import Chart
from theory.zeta.precision import rational

Factor = tuple[int, arb_series]
"""ε^{−order} times a series."""


def terms(chart: Chart, limit: sp.Rational) -> list[tuple[sp.Rational, tuple[arb, ...]]]:
    """(s, the coefficients of P in log t) for all candidates s ≤ limit, at the working precision; the chart's unit is 1."""
    return [(s, _polynomial(chart, s, ctx.prec)) for s in zeta.candidates(chart, limit)]


@lru_cache(maxsize=8192)
def _polynomial(chart: Chart, s: sp.Rational, _: int) -> tuple[arb, ...]:
    """P, low powers first: Σ_j G_j L^{M−1−j}/(M−1−j)! with Γ(s−ε) ζ(−s+ε) = ε^{−M} Σ_j G_j ε^j; `_` is the precision."""
    total, power = [arb(0)] * zeta.order_of(chart, s), rational(s)
    before, ctx.cap = ctx.cap, max(len(total), 1)
    try:
        front = arb_series([arb(power), -1]).gamma()
        for sides, constant, coupled in zeta.apart(chart):
            assert not coupled
            factors = [_side(rational(a) - rational(k) * power, rational(k), gaussian) for a, k, gaussian in sides]
            order = sum(o for o, _ in factors)
            product = prod((series for _, series in factors), start=front * ball(constant.density))
            for k in range(order):
                total[k] += product[order - 1 - k] / arb(k).fac()
        return tuple(total)
    finally:
        ctx.cap = before


def _side(alpha: fmpq, kappa: fmpq, gaussian: bool) -> Factor:
    """∫ x^{α−1+κε} over [0, 1], or with e^{−x²/2}/√(2π) over [0, ∞)."""
    if not gaussian:
        return (1, arb_series([1 / arb(kappa)])) if alpha == 0 else (0, 1 / arb_series([arb(alpha), arb(kappa)]))
    order, value = _gamma(alpha / 2, kappa / 2)
    power = (arb_series([arb(alpha / 2), arb(kappa / 2)]) * arb(2).log()).exp()
    return order, value * power / (2 * (2 * arb.pi()).sqrt())


def _gamma(a: fmpq, b: fmpq) -> Factor:
    """Γ(a + bε), b ≠ 0 at a pole."""
    if a.q != 1 or a > 0:
        return 0, arb_series([arb(a), arb(b)]).gamma()
    below = prod((arb_series([-j, arb(b)]) for j in range(1, 1 - int(a.p))), start=arb_series([arb(b)]))
    return 1, arb_series([1, arb(b)]).gamma() / below

"""∫ e^{−tK} φ over charts at a given t: a ball that contains it where the remainder is bounded, an estimate elsewhere.

* Boxes, u = c, polynomial φ: with v(κ) dκ = Σ_s κ^{s−1} Σ_j a_{s,j} (−log κ)^j dκ the image of φ dx under K/c on (0, 1), the finite
  sum over the poles is ∫_0^∞ e^{−ctκ} v, so that it differs from Z by the integral from 1 on, at most                       (1.3)

      e^{−ct} Σ |a_{s,j}| j!/(ct − s + 1)^{j+1}      (log κ ≤ κ − 1; (s−1)^+ for s − 1).

  Where that is too much, at small t, Z = Σ_n (−ct)^n ζ(n)/n! is summed, with exact ζ(n).
* Gaussians, u = c, polynomial φ: dropping the poles right of Re s = a leaves                                               (1.4)

      |R| ≤ t^{−a} (1/π) ∫_0^∞ |Γ(a+iy) ζ(−a−iy)| dy,

  where every factor of the integrand decreases in y: sums over cells with the left ends bound it, and |Γ(a+iy)| ≤ Γ(a+n) y^{−n} the
  tail. Poles are added until the bound is small enough or there are too many. At small t the power series is better: it
  diverges, but |e^{−x} − Σ_{k<n} (−x)^k/k!| ≤ x^n/n! for x ≥ 0, so that n terms leave at most (ct)^n ∫ K^n |φ|/n!.
* Anything else, units above all: the series is asymptotic and no bound is known: `theory.singular.estimate`.

Reading order: `proved`, `values`, `_far`, `_box`, `_gaussian`, `_power_series`.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import acb, arb, ctx, fmpq

from theory.singular import residues
from theory.singular.estimate import estimates
from theory.singular.expansion import Asymptotics, of_charts
from theory.zeta import continuation as zeta
from theory.zeta.balls import ball
from theory.zeta.chart import Chart
from theory.zeta.finite_part import Axis, FinitePart
from theory.zeta.precision import current_digits, digits, rational

Charts = tuple[Chart, ...]
Sides = list[tuple[arb, list[tuple[fmpq, fmpq]]]]
MOST_POLES = 150
BOUND = 10  # digits of the bound of a remainder: more than a radius holds


def proved(charts: Charts) -> bool:
    """Is a bound of the remainder known: products of powers and Gaussians?"""
    return all(all(c.free()) for c in charts)


def values(blocks: Iterable[Charts], t: sp.Rational) -> dict[Charts, arb]:
    """∫ e^{−tK} φ of every one of the blocks at t > 0 and the working precision; what they share is computed once."""
    given = {charts: _away(charts) for charts in blocks}
    estimated = estimates(
        [c for charts, away in given.items() if not proved(charts) for c in charts if c not in away], t
    )

    def value(c: Chart, away: frozenset[Chart]) -> arb:
        return _far(c, t) if c in away else estimated[c] if c in estimated else _proved(c, t)

    return {charts: sum((value(c, away) for c in charts), arb(0)) for charts, away in given.items()}


def _away(charts: Charts) -> frozenset[Chart]:
    """The charts of a resolution that K = u has no zeros on; K = 0 where none has any."""
    zeros = any(any(c.orders) for c in charts)
    return frozenset(c for c in charts if zeros and not any(c.orders))


def _far(c: Chart, t: sp.Rational) -> arb:
    """∫ e^{−tu} φ, where u does not vanish; an estimate."""
    return ball(
        FinitePart(
            sp.exp(-t * c.unit) * c.density,
            *(Axis(v, h + 1, 0, sp.S.One) for v, h in zip(c.variables, c.jacobian, strict=True)),
        )
    )


def _proved(c: Chart, t: sp.Rational) -> arb:
    return (_box if zeta.finite(c) else _gaussian)(c, t)


def sum_at(terms: Iterable[tuple[sp.Rational, Sequence[Any]]], t: arb) -> arb:
    """Σ t^{−s} P_s(log t) from (s, the coefficients of P_s, low powers first), exact or balls."""
    log, total = t.log(), arb(0)
    for s, coefficients in terms:
        inner = arb(0)
        for c in reversed(coefficients):
            inner = inner * log + ball(c)
        total += inner * (-log * rational(s)).exp()
    return total


def _normalised(c: Chart, t: sp.Rational) -> tuple[Chart, arb]:
    """u = c absorbed: (the chart with u = 1, ct)."""
    return Chart(c.variables, c.orders, c.jacobian, sp.S.One, c.density, c.gaussian), arb(rational(t)) * ball(c.unit)


def _box(c: Chart, t: sp.Rational) -> arb:
    chart, tau = _normalised(c, t)
    if not any(chart.orders):  # K = 0: Z does not depend on t
        return ball(zeta.laurent(chart, sp.S.Zero, 1).coefficients[-1])
    series = _finite(chart)
    remainder = (-tau).exp() * _beyond(chart, tau) if tau > max(term.power for term in series.terms) else None
    if remainder is not None and remainder < arb(10) ** (-current_digits()) * abs(sum_at(series.terms, tau)):
        return sum_at(series.terms, tau) + arb(0, remainder.upper())
    if tau < 2000:
        return _taylor(chart, tau)
    assert remainder is not None
    return sum_at(series.terms, tau) + arb(0, remainder.upper())


@lru_cache(maxsize=1024)
def _finite(chart: Chart) -> Asymptotics:
    return of_charts((chart,), sp.S.Zero)


def _beyond(chart: Chart, tau: arb) -> arb:
    total = arb(0)
    for s in zeta.candidates(chart, _finite(chart).terms[-1].power):
        order, coefficients = zeta.laurent(chart, s)
        rate = tau - max(fmpq(0), rational(s) - 1)
        for j in range(order):
            total += abs(ball(coefficients[order - 1 - j])) / rate ** (j + 1)
    return total.upper()


def _sides(chart: Chart) -> Sides:
    """(q, [(h + 1 + m, k)]) for every monomial q x^m of the density."""
    return [
        (
            ball(q),
            [(rational(h) + 1 + m, rational(k)) for h, m, k in zip(chart.jacobian, powers, chart.orders, strict=True)],
        )
        for powers, q in _monomials(chart)
    ]


def _taylor(chart: Chart, tau: arb) -> arb:
    """Σ_n (−τ)^n ζ(n)/n!, K ≤ 1: from n ≥ 2τ on the terms more than halve, and up to there τ^n/n! ≥ (n/2)^n/n! ≥ ½."""
    before, size = ctx.prec, int(tau.upper().ceil().unique_fmpz() or 1)
    ctx.prec += 4 * size + 32
    try:
        pieces = _sides(chart)
        wanted = arb(10) ** (-current_digits())
        total, factor, n = arb(0), arb(1), 0
        _, mass = _moment(chart, pieces, 0)
        while True:
            total += factor * _moment(chart, pieces, n)[0]
            n += 1
            factor *= -tau / n
            if 2 * abs(factor) < wanted * arb(10) ** -20:
                break
        return total + arb(0, (2 * abs(factor) * mass).upper())
    finally:
        ctx.prec = before


@lru_cache(maxsize=1024)
def _monomials(chart: Chart) -> tuple[tuple[tuple[int, ...], sp.Expr], ...]:
    if not chart.density.has(*chart.variables):
        return (((0,) * len(chart.variables), chart.density),)
    return tuple(sp.Poly(chart.density, *chart.variables).terms())


def _product(sides: list[tuple[fmpq, fmpq]], n: int, gaussian: tuple[bool, ...]) -> arb:
    total = arb(1)
    for (h, k), gauss in zip(sides, gaussian, strict=True):
        total *= _half_moment(h + k * n) if gauss else 1 / arb(h + k * n)
    return total


def _half_moment(h: fmpq) -> arb:
    """∫_0^∞ x^{h−1} e^{−x²/2} dx/√(2π)."""
    return arb(2) ** (arb(h) / 2) * (arb(h) / 2).gamma() / (2 * (2 * arb.pi()).sqrt())


def _moment(chart: Chart, pieces: Sides, n: int) -> tuple[arb, arb]:
    """ζ(n) = ∫ K^n φ, and a bound of ∫ K^n |φ|."""
    parts = [(q, _product(sides, n, chart.gaussian)) for q, sides in pieces]
    return sum((q * moment for q, moment in parts), arb(0)), sum((abs(q) * moment for q, moment in parts), arb(0))


def _gaussian(c: Chart, t: sp.Rational) -> arb:
    """The power series, or where it leaves too much poles, added a few at a time until the bound is below the wanted digits."""
    chart, tau = _normalised(c, t)
    first = zeta.first((chart,))
    wanted = arb(10) ** (-current_digits()) * (-tau.log() * rational(first)).exp()
    series, least = _power_series(chart, tau)
    last, count, span = None, 0, sp.Integer(2)
    while not least < wanted and count <= MOST_POLES:
        poles = zeta.candidates(chart, first + 2 * span)
        inside = [s for s in poles if s <= first + span]
        count, edge = len(inside), (inside[-1] + poles[len(inside)]) / 2
        with digits(BOUND):
            bound = remainder(chart, rational(edge), tau)
        if bound < least:
            least, last = bound, inside[-1]
        span *= sp.Rational(3, 2)
    value = series if last is None else sum_at(residues.terms(chart, last), tau)
    return value + arb(0, least.upper())


def _power_series(chart: Chart, tau: arb) -> tuple[arb, arb]:
    """Σ_{k<n} (−τ)^k ζ(k)/k! and the bound τ^n ∫ K^n |φ|/n! of the rest, for the n where it is least, or less than is wanted."""
    pieces, total, factor, n = _sides(chart), arb(0), arb(1), 0
    moment, left = _moment(chart, pieces, 0)
    enough = left * arb(10) ** -current_digits()
    while left > enough:
        term, n = factor * moment, n + 1
        factor *= -tau / n
        moment, size = _moment(chart, pieces, n)
        if not abs(factor) * size < left:
            break
        total, left = total + term, abs(factor) * size
    return total, left


def remainder(chart: Chart, a: fmpq, tau: arb) -> arb:
    """τ^{−a} (1/π) ∫_0^∞ |Γ(a+iy) ζ(−a−iy)| dy from above (1.4), for u = 1; a no pole."""
    step, cells = fmpq(1, 4), 48
    left = [_integrand(chart, a, step * j) for j in range(cells)]
    reach = arb(step * cells)
    n = max(2, cells // 4)
    others = _integrand(chart, a, step * cells) / abs(acb(arb(a), reach).gamma())
    tail = others * (arb(a) + n).gamma() / ((n - 1) * reach ** (n - 1))
    total = sum(left, arb(0)) * arb(step) + tail
    return (total * (-tau.log() * a).exp() / arb.pi()).upper()


def _integrand(chart: Chart, a: fmpq, y: fmpq) -> arb:
    """A bound of |Γ(a+iy) ζ(−a−iy)| that decreases in y."""
    total = arb(0)
    for powers, q in _monomials(chart):
        part = abs(ball(q))
        for h, m, k, gauss in zip(chart.jacobian, powers, chart.orders, chart.gaussian, strict=True):
            alpha = acb(arb(rational(h) + 1 + m - rational(k) * a), -arb(rational(k) * y))
            if gauss:
                part *= abs((alpha / 2).gamma()) * arb(2) ** (alpha.real / 2) / (2 * (2 * arb.pi()).sqrt())
            else:
                part /= abs(alpha)
        total += part
    return total * abs(acb(arb(a), arb(y)).gamma())

"""Finite parts as numbers: product integration at Chebyshev points.

G is interpolated at n Chebyshev points of every coordinate, and the interpolant is integrated exactly, its finite part included:
with T_l(2x − 1) the shifted Chebyshev polynomials and nodes x_k = (1 + cos θ_k)/2, θ_k = (2k+1)π/2n,

    f.p.∫_0^1 x^{α−1} log^j x · G ≈ Σ_k w_k G(x_k),   w_k = (2/n) Σ'_l cos lθ_k · f.p.∫ x^{α−1} log^j x T_l(2x−1) dx.

For G analytic around [0, 1] it converges like ρ^{−n}; the radius is the change from 2n/3 to n points, an *estimate*. A half-line is
cut at 1, with plain pieces of the same kind beyond, up to where e^{−x²/2} is negligible. Weights grow as n^{−2α} (a finite part
takes derivatives at 0): they are computed with that many more bits.

Reading order: `finite_part_ball`, `_product_rule`, `_rule`, `pieces`, `_chebyshev`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import sympy as sp
from flint import arb, arb_mat, ctx, fmpq, fmpz_poly

from theory.zeta.finite_part import FinitePart
from theory.zeta.precision import current_digits, rational

OnAxes = Callable[[sp.Expr, Sequence[sp.Symbol], Sequence[Sequence[arb]]], list[arb]]

_REMEMBERED: dict[tuple[FinitePart, int], arb] = {}


def finite_part_ball(value: FinitePart, on_axes: OnAxes) -> arb:
    """The finite part at the working precision; the radius is an estimate. `on_axes` evaluates the integrand on tensor grids."""
    key = (value, ctx.prec)
    if key not in _REMEMBERED:
        _REMEMBERED[key] = _converged(value, on_axes)
    return _REMEMBERED[key]


def _converged(value: FinitePart, on_axes: OnAxes) -> arb:
    wanted = arb(10) ** (-current_digits())
    n, most = 18, {1: 400, 2: 90, 3: 30}.get(len(value.axes), 16)
    before = _product_rule(value, on_axes, n * 2 // 3)
    while True:
        now = _product_rule(value, on_axes, n)
        change = abs(now - before).upper()
        if change < wanted * (1 + abs(now)) or n >= most:
            return now + arb(0, change)
        before, n = now, min(most, n * 3 // 2)


def _product_rule(value: FinitePart, on_axes: OnAxes, n: int) -> arb:
    before, axes = ctx.prec, value.axes
    # Σ|w_k| grows as n^{−2α}, since a finite part takes derivatives at 0
    extra = sum(2 * n.bit_length() * (1 + max(0, int(-a.alpha))) for a in axes)
    ctx.prec += 64 * (1 + extra // 64)
    try:
        rules = [_rule(a.alpha, a.logs, a.upper == 1, n, ctx.prec) for a in axes]
        table = on_axes(value.integrand, [a.variable for a in axes], [[x for x, _ in rule] for rule in rules])
        for rule in reversed(rules):
            width = len(rule)
            table = (arb_mat(len(table) // width, width, table) * arb_mat(width, 1, [+w for _, w in rule])).entries()
    finally:
        ctx.prec = before
    return +table[0]


@lru_cache(maxsize=256)
def _rule(alpha: sp.Rational, logs: int, unit: bool, n: int, bits: int) -> list[tuple[arb, arb]]:
    """Nodes and weights of f.p.∫ x^{α−1} log^j x · dx over [0, 1], or over [0, ∞) up to where e^{−x²/2} is negligible."""
    rule = _chebyshev(alpha, logs, n, bits)
    if unit:
        return rule
    a = arb(rational(alpha)) - 1
    return rule + [(x, w * x**a * x.log() ** logs) for piece in pieces(n, bits)[1:] for x, w in piece]


@lru_cache(maxsize=64)
def pieces(n: int, bits: int) -> list[list[tuple[arb, arb]]]:
    """Plain rules on [0, 1], [1, 2], [2, 4], …, up to where e^{−x²/2} is negligible."""
    plain, edge = _chebyshev(sp.S.One, 0, n, bits), arb(1)
    found = [plain]
    reach = arb(2 * bits).sqrt() * 2  # also for variances up to 4; wider Gaussians are scaled before
    while edge < reach:
        found.append([(edge + edge * x, edge * w) for x, w in plain])
        edge += edge
    return found


@lru_cache(maxsize=256)
def _chebyshev(alpha: sp.Rational, logs: int, n: int, bits: int) -> list[tuple[arb, arb]]:
    """w_k = (2/n) Σ'_l ν_l cos lθ_k with ν_l = f.p.∫ x^{α−1} log^j x T_l(2x−1) dx, nodes x_k = (1 + cos θ_k)/2."""
    before = ctx.prec
    ctx.prec = bits + 6 * n
    try:
        nodes, values = _nodes(n, ctx.prec)
        moments = arb_mat(n, 1, [_unit_moment(alpha + m, logs) for m in range(n)])
        weights = values * (shifted_chebyshev(n) * moments)
        return [(x, weights[k, 0]) for k, x in enumerate(nodes)]
    finally:
        ctx.prec = before


@lru_cache(maxsize=64)
def shifted_chebyshev(n: int) -> arb_mat:
    """The coefficients of T_l(2x − 1) = T_{2l}(√x), l < n, by rows."""
    rows = [fmpz_poly.chebyshev_t(2 * l) for l in range(n)]
    return arb_mat([[arb(row[2 * m]) if m <= l else arb(0) for m in range(n)] for l, row in enumerate(rows)])


def plain_rule(n: int, bits: int) -> list[tuple[arb, arb]]:
    """Nodes and weights of ∫_0^1 G dx."""
    return _chebyshev(sp.S.One, 0, n, bits)


def chebyshev_values(n: int, bits: int) -> arb_mat:
    """(2/n) Σ' cos lθ_k: what takes moments of the T_l(2x − 1) to weights at the nodes."""
    return _nodes(n, bits)[1]


@lru_cache(maxsize=64)
def _nodes(n: int, _: int) -> tuple[list[arb], arb_mat]:
    """The Chebyshev nodes of [0, 1], and (2/n) cos lθ_k (half of it for l = 0)."""
    cosines = [arb.cos_pi_fmpq(fmpq(k, 2 * n)) for k in range(4 * n)]
    scaled = [2 * c / n for c in cosines]
    values = [[scaled[l * (2 * k + 1) % (4 * n)] if l else arb(1) / n for l in range(n)] for k in range(n)]
    return [(1 + cosines[2 * k + 1]) / 2 for k in range(n)], arb_mat(values)


def _unit_moment(alpha: sp.Rational, logs: int) -> arb:
    if alpha == 0:
        return arb(0)
    return (-1) ** logs * arb(logs).fac() / arb(rational(alpha)) ** (logs + 1)

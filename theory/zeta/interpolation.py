r"""Laurent coefficients as numbers: F interpolated once on a grid, poles and finite parts taken of the interpolant.

The exact coefficients of `theory.zeta.continuation` are sums of Taylor coefficients and finite parts, one integral each. As numbers
they are had all at once. On coupled coordinates, with α_i = h_i + 1 − κ_i s and F = b u^{−s+ε} = b u^{−s} Σ_l ε^l log^l u/l!,

    ζ(−s + ε) = ∫ Π x_i^{α_i−1+κ_iε} F dx ≈ Σ_k Π_i W_{i,k_i}(ε) F(x_k; ε),      W_{i,k}(ε) = ∫ x^{α_i−1+κ_iε} ℓ_k(x) dx,

x_k Chebyshev points and ℓ_k their Lagrange polynomials. Each weight is a Laurent series, from ∫_0^1 x^{α+m−1+κε} = 1/(α+m+κε): the
pole and the finite parts of the interpolant are exact. Half-lines go on beyond 1 by plain pieces, as in `quadrature`.

A second road to those coefficients, which shares neither Taylor series nor finite parts with the first. The error falls like ρ^{−n}
where F is analytic in the ellipse of ρ around [0, 1]; it is not bounded here: compare two levels.

Reading order: `polar_part`, `_of_group`, `_weights`, `_contracted`.
"""

from collections.abc import Sequence
from functools import lru_cache

import sympy as sp
from flint import arb, arb_mat, ctx

from theory.zeta.balls import ball, evaluator
from theory.zeta.chart import Chart
from theory.zeta.continuation import GAUSS, factors, order_of, singular_axes
from theory.zeta.precision import rational
from theory.zeta.quadrature import chebyshev_values, pieces, shifted_chebyshev

LEVELS = {1: (24, 48, 96), 2: (16, 28, 48), 3: (12, 18, 27)}
MANY = (5, 7, 9)


def polar_part(charts: Sequence[Chart], s: sp.Rational, level: int) -> list[arb]:
    """The coefficients of ε^{−M}, …, ε^{−1} of ζ(−s + ε), M the largest order that the exponents allow; `level` 0, 1 or 2."""
    top = max((order_of(c, s) for c in charts), default=0)
    total = [arb(0)] * top
    for c in charts:
        terms = order_of(c, s)
        for exact, groups in factors(c, s, terms) if terms else ():
            series = [arb(1)] + [arb(0)] * (terms - 1)
            for f in exact:
                series = _product(series, [ball(a) for a in f.coefficients[:terms]], terms)
            for group in groups:
                series = _product(series, _component(group, s, terms, level), terms)
            for j, value in enumerate(series):
                total[top - terms + j] += value
    return total


def _product(f: Sequence[arb], g: Sequence[arb], terms: int) -> list[arb]:
    return [sum((f[i] * g[k - i] for i in range(k + 1) if k - i < len(g)), arb(0)) for k in range(terms)]


@lru_cache(maxsize=4096)
def _of_group(c: Chart, s: sp.Rational, terms: int, level: int, bits: int) -> tuple[arb, ...]:
    d = len(c.variables)
    n = LEVELS.get(d, MANY)[level]
    poles = singular_axes(c, s)
    weights = []
    for i, (h, k) in enumerate(zip(c.jacobian, c.orders, strict=True)):
        weights.append(_weights((h + 1 - k * s, k), i in poles, terms, (n, c.gaussian[i], bits)))
    values = _values(c, s, n, bits)
    total = [arb(0)] * terms
    for l in range(terms):
        for j, value in enumerate(_contracted(values, weights, terms - l)):
            total[j + l] += value
        if l + 1 < terms:
            values = [
                v * w / (l + 1) for v, w in zip(values, _grid(c.unit, c.variables, c.gaussian, n, bits), strict=True)
            ]
    return tuple(total)


def _component(c: Chart, s: sp.Rational, terms: int, level: int) -> tuple[arb, ...]:
    before = ctx.prec
    ctx.prec += 64
    try:
        return _of_group(c, s, terms, level, ctx.prec)
    finally:
        ctx.prec = before


def _values(c: Chart, s: sp.Rational, n: int, bits: int) -> list[arb]:
    """b u^{−s} on the grid, the last coordinate running fastest."""
    power = _powers(c.unit, c.variables, c.gaussian, s, (n, bits))
    density = c.density
    for v, gaussian in zip(c.variables, c.gaussian, strict=True):
        density *= GAUSS * sp.exp(-(v**2) / 2) if gaussian else 1
    if not density.has(*c.variables):
        factor = ball(density)
        return list(power) if density == 1 else [factor * p for p in power]
    b = evaluator(density, c.variables)
    return [b(x) * p for x, p in zip(_points(c.gaussian, n, bits), power, strict=True)]


@lru_cache(maxsize=64)
def _powers(u: sp.Expr, variables: tuple, gaussian: tuple, s: sp.Rational, size: tuple[int, int]) -> tuple[arb, ...]:
    exponent = -rational(s)
    return tuple((exponent * log).exp() for log in _grid(u, variables, gaussian, *size))


@lru_cache(maxsize=16)
def _grid(u: sp.Expr, variables: tuple, gaussian: tuple, n: int, bits: int) -> tuple[arb, ...]:
    """log u at the points."""
    function = evaluator(u, variables)
    return tuple(function(x).log() for x in _points(gaussian, n, bits))


@lru_cache(maxsize=16)
def _points(gaussian: tuple[bool, ...], n: int, bits: int) -> tuple[tuple[arb, ...], ...]:
    points: list[tuple[arb, ...]] = [()]
    for half_line in gaussian:
        axis = _nodes(n, half_line, bits)
        points = [(*p, x) for p in points for x in axis]
    return tuple(points)


@lru_cache(maxsize=64)
def _nodes(n: int, half_line: bool, bits: int) -> tuple[arb, ...]:
    inner = tuple(x for x, _ in pieces(n, bits)[0])
    return inner + tuple(x for piece in pieces(n, bits)[1:] for x, _ in piece) if half_line else inner


@lru_cache(maxsize=1024)
def _weights(
    exponent: tuple[sp.Rational, sp.Rational], pole: bool, terms: int, rule: tuple[int, bool, int]
) -> tuple[tuple[arb, ...], ...]:
    """W_k(ε) for all nodes, by powers of ε: from ε^{−1} on where there is a pole, else from ε^0."""
    (alpha, kappa), (n, half_line, bits) = exponent, rule
    before = ctx.prec
    ctx.prec = bits + 6 * n
    try:
        a, k = rational(alpha), rational(kappa)
        rows = [[_moment(a + m, k, j - pole) for j in range(terms)] for m in range(n)]
        inner = chebyshev_values(n, ctx.prec) * (shifted_chebyshev(n) * arb_mat(rows))
        found = [[inner[i, j] for i in range(n)] for j in range(terms)]
        if half_line:
            for j, row in enumerate(found):
                power = j - pole
                for x, w in (node for piece in pieces(n, bits)[1:] for node in piece):
                    log = (arb(k) * x.log()) ** power / arb(power).fac() if power > 0 else arb(power == 0)
                    row.append(w * x ** (arb(a) - 1) * log)
        return tuple(tuple(row) for row in found)
    finally:
        ctx.prec = before


def _moment(a, kappa, power: int) -> arb:
    """[ε^power] 1/(a + κε)."""
    if a == 0:
        return 1 / arb(kappa) if power == -1 else arb(0)
    return arb((-kappa) ** power / a ** (power + 1)) if power >= 0 else arb(0)


def _contracted(values: Sequence[arb], weights: Sequence[tuple[tuple[arb, ...], ...]], terms: int) -> list[arb]:
    """Σ_k Π_i W_{i,k_i}(ε) values_k, the first `terms` coefficients, one axis after the other, the last one first."""
    if not weights:
        return [values[0]] + [arb(0)] * (terms - 1)
    last = weights[-1][:terms]
    n = len(last[0])
    table = arb_mat(len(values) // n, n, list(values)) * arb_mat(
        n, len(last), [row[i] for i in range(n) for row in last]
    )
    total = [arb(0)] * terms
    entries = table.entries()
    for j in range(len(last)):
        for i, value in enumerate(_contracted(entries[j :: len(last)], weights[:-1], terms - j)):
            total[i + j] += value
    return total

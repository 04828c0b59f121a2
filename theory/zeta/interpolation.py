r"""ζ(−s) and its polar parts as numbers: F interpolated once on a grid, the interpolant integrated exactly.

The exact coefficients of `theory.zeta.continuation` are sums of Taylor coefficients and finite parts, one integral each. As numbers
they are had all at once. On coupled coordinates, with α_i = h_i + 1 − κ_i s and F = b u^{−s+ε} = b u^{−s} Σ_l ε^l log^l u/l!,

    ζ(−s + ε) = ∫ Π x_i^{α_i−1+κ_iε} F dx ≈ Σ_k Π_i W_{i,k_i}(ε) F(x_k; ε),      W_{i,k}(ε) = ∫ x^{α_i−1+κ_iε} ℓ_k(x) dx,

x_k Chebyshev points and ℓ_k their Lagrange polynomials. Each weight is a Laurent series, from ∫_0^1 x^{α+m−1+κε} = 1/(α+m+κε): the
pole and the finite parts of the interpolant are exact. At complex s, ε = 0 is enough. Half-lines go on beyond 1 by plain pieces.

What integrals over the same unit share, u^{−s} log^l u/l! on the grid, is computed once. The points of every coordinate are read
off the Chebyshev coefficients of F along edges of the box (`Grid.fit`), a guess: the error, which falls like ρ^{−n} where F is
analytic in the ellipse of ρ around [0, 1], is not bounded here; compare with `Grid.finer`.

Reading order: `polar_parts`, `values`, `Grid`, `_Tables`, `_weights`, `_contracted`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import isqrt, prod
from typing import Any

import sympy as sp
from flint import acb, acb_mat, arb, arb_mat, ctx, fmpq

from theory.zeta.balls import ball, evaluator
from theory.zeta.chart import Chart
from theory.zeta.continuation import apart, factors, order_of, singular_axes
from theory.zeta.precision import rational
from theory.zeta.quadrature import chebyshev_values, plain_rule, shifted_chebyshev

MOST_POINTS = 40_000
FEW, MANY = 24, 96  # points of an edge, at first and at last
TAYLOR = fmpq(4, 3)  # points for every order of a Taylor coefficient
Unit = tuple[sp.Expr, tuple[sp.Symbol, ...], tuple[bool, ...]]
Axis = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Grid:
    """For every coordinate the pieces (low, high, points); the first is [0, 1]."""

    axes: tuple[Axis, ...]

    @staticmethod
    def fit(groups: Sequence[Chart], s: fmpq, digits: int, reach: fmpq) -> "Grid":
        """Points enough for F = b u^{−s} of all groups (over one unit) along edges of the box, to so many digits.

        And enough for the Taylor coefficients that poles up to −reach take, see `resolves`.
        """
        axes = []
        for i, half_line in enumerate(groups[0].gaussian):
            pieces = _pieces(digits) if half_line else [(0, 1)]
            needed = [max(_degree(g, i, piece, (s, digits)) + 1 for g in groups) for piece in pieces]
            needed[0] = max(needed[0], *(int(TAYLOR * _order(g, i, reach)) + 2 for g in groups))
            axes.append(tuple((*piece, n) for piece, n in zip(pieces, needed, strict=True)))
        grid = Grid(tuple(axes))
        while grid.size > MOST_POINTS:
            grid = Grid(tuple(tuple((a, b, max(2, n * 9 // 10)) for a, b, n in axis) for axis in grid.axes))
        return grid

    @property
    def size(self) -> int:
        return prod(sum(n for _, _, n in axis) for axis in self.axes)

    def finer(self) -> "Grid":
        """An eighth more points, and two."""
        return Grid(tuple(tuple((a, b, n + 2 + n // 8) for a, b, n in axis) for axis in self.axes))

    def points(self) -> list[tuple[arb, ...]]:
        """The last coordinate runs fastest."""
        axes = [[x for piece in axis for x in _nodes(*piece, ctx.prec)] for axis in self.axes]
        return list(product(*axes))


Grids = Mapping[Unit, Grid]


def units(charts: Sequence[Chart]) -> dict[Unit, list[Chart]]:
    """The groups of coupled coordinates of these charts, those over the same unit together."""
    found: dict[Unit, list[Chart]] = {}
    for c in charts:
        for _, _, groups in apart(c):
            for g in groups:
                same = found.setdefault(_unit(g), [])
                same += [g] if g not in same else []
    return found


def fit(charts: Sequence[Chart], s: fmpq, digits: int, reach: fmpq) -> dict[Unit, Grid]:
    """A grid for every unit."""
    return {unit: Grid.fit(groups, s, digits, reach) for unit, groups in units(charts).items()}


def finer(grids: Grids) -> dict[Unit, Grid]:
    return {unit: grid.finer() for unit, grid in grids.items()}


def resolves(grids: Grids, c: Chart, s: sp.Rational) -> bool:
    """Are the Taylor coefficients of F that a pole at −s takes below the degree of the interpolant?"""
    return all(
        TAYLOR * _order(g, i, rational(s)) < axis[0][2]
        for _, _, groups in apart(c) for g in groups for i, axis in enumerate(grids[_unit(g)].axes)
    )  # fmt: skip


def _order(c: Chart, i: int, s: fmpq) -> fmpq:
    return rational(c.orders[i]) * s - rational(c.jacobian[i]) - 1


def polar_parts(charts: Sequence[Chart], s: sp.Rational, grids: Grids) -> dict[Chart, list[arb]]:
    """The coefficients of ε^{−M}, …, ε^{−1} of ζ(−s + ε) for every chart, M the largest order that the exponents allow."""
    before = ctx.prec
    ctx.prec += 64  # finite parts take derivatives at 0, and their weights are large
    try:
        return _polar_parts(charts, s, grids)
    finally:
        ctx.prec = before


def _polar_parts(charts: Sequence[Chart], s: sp.Rational, grids: Grids) -> dict[Chart, list[arb]]:
    tables, found = _Tables(grids, rational(s)), {}
    for c in charts:
        terms = order_of(c, s)
        total = [arb(0)] * terms
        for exact, groups in factors(c, s, terms) if terms else ():
            series = [arb(1)] + [arb(0)] * (terms - 1)
            for f in exact:
                series = _product(series, [ball(a) for a in f.coefficients[:terms]], terms)
            for g in groups:
                series = _product(series, tables.laurent(g, singular_axes(g, s), terms), terms)
            total = [a + b for a, b in zip(total, series, strict=True)]
        found[c] = total
    return found


def values(charts: Sequence[Chart], s: acb, grids: Grids) -> dict[Chart, acb]:
    """ζ(−s) of every chart, s an exact point and no pole."""
    tables, found = _Tables(grids, s), {}
    for c in charts:
        total = acb(0)
        for sides, constant, groups in apart(c):
            term = acb(ball(constant.density))
            if constant.unit != 1:
                term *= (-s * ball(constant.unit).log()).exp()
            for a, k, gaussian in sides:
                term *= _coordinate(rational(a) - s * rational(k), gaussian)
            total += prod((tables.laurent(g, (), 1)[0] for g in groups), start=term)
        found[c] = total
    return found


def _coordinate(alpha: acb, gaussian: bool) -> acb:
    """∫ x^{α−1} over [0, 1], or with e^{−x²/2}/√(2π) over [0, ∞)."""
    if not gaussian:
        return 1 / alpha
    return (alpha / 2 * arb(2).log()).exp() * (alpha / 2).gamma() / (2 * (2 * arb.pi()).sqrt())


def _product(f: Sequence[Any], g: Sequence[Any], terms: int) -> list[Any]:
    return [sum((f[i] * g[k - i] for i in range(k + 1) if k - i < len(g)), arb(0)) for k in range(terms)]


class _Tables:
    """F log^l u/l! on the grids at one s, and what has been integrated of them."""

    def __init__(self, grids: Grids, s: Any):
        self.grids, self.s = grids, s
        self.matrix = acb_mat if isinstance(s, acb) else arb_mat
        self._powers: dict[tuple[Unit, int], list] = {}
        self._tables: dict[tuple[Unit, sp.Expr, int], Any] = {}
        self._weights: dict[tuple, list[list]] = {}
        self._found: dict[tuple[Chart, int], list] = {}

    def laurent(self, c: Chart, poles: Sequence[int], terms: int) -> list:
        """`terms` coefficients of ζ(−s + ε) of coupled coordinates, from ε^{−|poles|} on."""
        if (c, terms) not in self._found:
            axes = self.grids[_unit(c)].axes
            weights = [
                self._weight((h + 1, k), axis, (i in poles, terms, ctx.prec))
                for i, (h, k, axis) in enumerate(zip(c.jacobian, c.orders, axes, strict=True))
            ]
            total = [arb(0)] * terms
            for l in range(terms):
                for j, value in enumerate(self._contracted(self._table(c, l), weights, terms - l)):
                    total[j + l] += value
            self._found[c, terms] = total
        return self._found[c, terms]

    def _weight(self, exponent: tuple[sp.Rational, sp.Rational], axis: Axis, what: tuple[bool, int, int]) -> list[list]:
        key = (exponent, axis, what)
        if key not in self._weights:
            self._weights[key] = _weights(exponent, self.s, axis, what)
        return self._weights[key]

    def _table(self, c: Chart, l: int) -> Any:
        """b u^{−s} log^l u/l! on the grid, the last coordinate along the rows."""
        unit, density = _unit(c), _density(c)
        key = (unit, density, l)
        if key not in self._tables:
            powers, grid = self._power(unit, l), self.grids[unit]
            if density.has(*c.variables):
                F = [b * p for b, p in zip(_on_grid(density, c.variables, grid, ctx.prec), powers, strict=True)]
            else:
                F = powers if density == 1 else [ball(density) * p for p in powers]
            width = sum(n for _, _, n in grid.axes[-1])
            self._tables[key] = self.matrix(len(F) // width, width, F)
        return self._tables[key]

    def _power(self, unit: Unit, l: int) -> list:
        if (unit, l) not in self._powers:
            logs = _logs(unit[0], unit[1], self.grids[unit], ctx.prec)
            if l:
                self._powers[unit, l] = [p * log / l for p, log in zip(self._power(unit, l - 1), logs, strict=True)]
            else:
                s = -self.s
                self._powers[unit, l] = [(s * log).exp() for log in logs]
        return self._powers[unit, l]

    def _contracted(self, table: Any, weights: Sequence[Sequence[list]], terms: int) -> list:
        """Σ_k Π_i W_{i,k_i}(ε) F_k, the first `terms` coefficients, one coordinate after the other, the last one first."""
        last = weights[-1][:terms]
        columns = self.matrix(len(last[0]), len(last), [row[i] for i in range(len(last[0])) for row in last])
        entries = (table * columns).entries()
        if len(weights) == 1:
            return entries
        width, total = len(weights[-2][0]), [arb(0)] * terms
        for j in range(len(last)):
            column = entries[j :: len(last)]
            rest = self._contracted(self.matrix(len(column) // width, width, column), weights[:-1], terms - j)
            for i, value in enumerate(rest):
                total[i + j] += value
        return total


def _unit(c: Chart) -> Unit:
    return c.unit, c.variables, c.gaussian


@lru_cache(maxsize=1024)
def _density(c: Chart) -> sp.Expr:
    """b, with the Gaussian weights."""
    exponent = sum((v**2 for v, gaussian in zip(c.variables, c.gaussian, strict=True) if gaussian), sp.S.Zero)
    return c.density * (2 * sp.pi) ** sp.Rational(-sum(c.gaussian), 2) * sp.exp(-exponent / 2)


@lru_cache(maxsize=32)
def _logs(u: sp.Expr, variables: tuple, grid: Grid, bits: int) -> list[arb]:
    return [value.log() for value in _on_grid(u, variables, grid, bits)]


@lru_cache(maxsize=32)
def _on_grid(f: sp.Expr, variables: tuple, grid: Grid, _: int) -> list[arb]:
    return list(map(evaluator(f, variables), grid.points()))


@lru_cache(maxsize=1024)
def _degree(c: Chart, i: int, piece: tuple[int, int], wanted: tuple[fmpq, int]) -> int:
    """From the next degree on the Chebyshev coefficients of F along edges in direction i are below the wanted digits."""
    largest, s, tolerance = 1, wanted[0], arb(10) ** -wanted[1]
    u, b = evaluator(c.unit, c.variables), evaluator(_density(c), c.variables)
    for corner in product((arb(0), arb(1)), repeat=len(c.variables) - 1):
        n = FEW
        while True:
            points = [(*corner[:i], x, *corner[i:]) for x in _nodes(*piece, n, ctx.prec)]
            edge = arb_mat(n, 1, [b(x) * (-s * u(x).log()).exp() for x in points])
            sizes = [abs(a).mid() for a in (chebyshev_values(n, ctx.prec).transpose() * edge).entries()]
            limit = tolerance * max(sizes) if piece[0] == 0 else tolerance
            degree = max((l for l, a in enumerate(sizes) if a > limit), default=0)
            if degree < n - 2 or n >= MANY:
                break
            n *= 2
        largest = max(largest, degree)
    return largest


def _pieces(digits: int) -> list[tuple[int, int]]:
    """[0, 1], [1, 2], [2, 4], … up to where e^{−x²/2} is negligible."""
    reach, found = isqrt(6 * digits) + 1, [(0, 1)]
    while found[-1][1] < reach:
        low = found[-1][1]
        found.append((low, min(reach, 2 * low)))
    return found


def _weights(exponent: tuple[sp.Rational, sp.Rational], s: Any, axis: Axis, what: tuple[bool, int, int]) -> list[list]:
    """W_k(ε) = ∫ x^{a−κs−1+κε} ℓ_k for all points, by powers of ε: from ε^{−1} on where there is a pole, else from ε^0."""
    (a, k), (pole, terms, bits), n = map(rational, exponent), what, axis[0][2]
    matrix = acb_mat if isinstance(s, acb) else arb_mat
    before = ctx.prec
    ctx.prec = bits + 6 * n  # the coefficients of T_n(2x − 1) grow like 6^n
    try:
        moments = [[_moment(a - s * k + m, k, j - pole) for j in range(terms)] for m in range(n)]
        inner = matrix(_to_weights(n, ctx.prec)) * matrix(moments)
        found = [[inner[i, j] for i in range(n)] for j in range(terms)]
    finally:
        ctx.prec = before
    for low, high, points in axis[1:]:
        for x, (_, w) in zip(_nodes(low, high, points, bits), plain_rule(points, bits), strict=True):
            weight, log = (high - low) * w * ((a - 1 - s * k) * x.log()).exp(), k * x.log()
            for j, row in enumerate(found):
                power = j - pole
                row.append(weight * log**power / arb(power).fac() if power >= 0 else 0 * weight)
    return found


def _moment(a: Any, kappa: Any, power: int) -> Any:
    """[ε^power] 1/(a + κε)."""
    if a == 0:
        return 1 / arb(kappa) if power == -1 else arb(0)
    return (-kappa) ** power / (a if isinstance(a, acb) else arb(a)) ** (power + 1) if power >= 0 else arb(0)


@lru_cache(maxsize=64)
def _to_weights(n: int, bits: int) -> arb_mat:
    return chebyshev_values(n, bits) * shifted_chebyshev(n)


@lru_cache(maxsize=512)
def _nodes(low: int, high: int, n: int, bits: int) -> tuple[arb, ...]:
    return tuple(low + (high - low) * x for x, _ in plain_rule(n, bits))

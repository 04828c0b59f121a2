r"""ζ(−s) and its polar parts as numbers: F interpolated once on a grid, the interpolant integrated exactly.

The exact coefficients of `theory.zeta.continuation` are sums of Taylor coefficients and finite parts, one integral each. As numbers
they are had all at once. On coupled coordinates, with α_i = h_i + 1 − κ_i s and F = b u^{−s+ε} = b u^{−s} Σ_l ε^l log^l u/l!,

    ζ(−s + ε) = ∫ Π x_i^{α_i−1+κ_iε} F dx ≈ Σ_k Π_i W_{i,k_i}(ε) F(x_k; ε),      W_{i,k}(ε) = ∫ x^{α_i−1+κ_iε} ℓ_k(x) dx,

x_k Chebyshev points and ℓ_k their Lagrange polynomials. Each weight is a Laurent series, from ∫_0^1 x^{α+m−1+κε} = 1/(α+m+κε): the
pole and the finite parts of the interpolant are exact. At complex s, ε = 0 is enough. Half-lines go on beyond 1 by plain pieces.

What integrals over the same unit share, u^{−s} log^l u/l! on the grid, is computed once. The points of every coordinate are read
off the Chebyshev coefficients of F along edges of the box (`Grid.fit`), a guess: the error, which falls like ρ^{−n} where F is
analytic in the ellipse of ρ around [0, 1], is not bounded here. Every number therefore comes twice (`Twice`): from the interpolant,
and from what is left of it without the last ninth of its Chebyshev coefficients, by other weights on the same grid.

Reading order: `polar_parts`, `values`, `Grid`, `_Tables`, `_weights`, `_contracted`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import isqrt, prod
from operator import mul
from typing import Any, NamedTuple

import sympy as sp
from flint import acb, acb_mat, arb, arb_mat, ctx, fmpq

from theory.zeta.balls import ball, on_axes
from theory.zeta.chart import Chart
from theory.zeta.continuation import apart, factors, order_of, singular_axes
from theory.zeta.precision import rational
from theory.zeta.quadrature import chebyshev_values, plain_rule, shifted_chebyshev

MOST_POINTS = 50_000
WORD, GUARD = 64, 45  # bits
FEW, MANY = 24, 96  # points of an edge, at first and at last
TAYLOR = fmpq(4, 3)  # points for every order of a Taylor coefficient
Unit = tuple[sp.Expr, tuple[sp.Symbol, ...], tuple[bool, ...]]
Axis = tuple[tuple[int, int, int], ...]
Rows = list[list]
Point = tuple[fmpq, fmpq]  # real and imaginary part of s


class Twice(NamedTuple):
    """What the interpolants give, and what they give without their last coefficients."""

    value: list
    rough: list


SLOWLY = 4  # what follows of a sum of k^{−3}, beside its last ninth: 1/((9/8)² − 1) < 4


def remaining(change: arb, size: arb) -> arb:
    """change (change/size)^{1/8}: the error of what moves by `change` with its last ninth of coefficients falling geometrically.

    Where they do not fall yet, that is `change` itself.
    """
    moved, whole = abs(change).upper(), abs(size).upper()
    return moved if not moved < whole else moved * (moved / whole).root(8)


def _kept(points: int) -> int:
    """The coefficients that the second set of weights keeps: an eighth fewer, and two."""
    return max(1, -(-(points - 2) * 8 // 9))


@dataclass(frozen=True)
class Grid:
    """For every coordinate the pieces (low, high, points); the first is [0, 1]."""

    axes: tuple[Axis, ...]

    @staticmethod
    def fit(groups: Sequence[Chart], wanted: Sequence[tuple[Point, int]], reach: fmpq) -> "Grid":
        """Points enough for F = b u^{−s} of all groups (over one unit) along edges of the box, to so many digits at every s.

        And enough for the Taylor coefficients that poles up to −reach take, see `resolves`. An eighth more, and two, for the radii.
        """
        axes = []
        for i, half_line in enumerate(groups[0].gaussian):
            pieces = _pieces(max(digits for _, digits in wanted)) if half_line else [(0, 1)]
            integrands = dict.fromkeys((_density(g), rational(g.orders[i])) for g in groups)
            needed = [
                max(_degree(_unit(groups[0]), b, (i, piece, k), place) + 1 for b, k in integrands for place in wanted)
                for piece in pieces
            ]
            needed[0] = max(needed[0], *(int(TAYLOR * _order(g, i, reach)) + 2 for g in groups))
            axes.append(tuple((*piece, n + 2 + n // 8) for piece, n in zip(pieces, needed, strict=True)))
        grid = Grid(tuple(axes))
        while grid.size > MOST_POINTS:
            grid = Grid(tuple(tuple((a, b, max(4, n * 9 // 10)) for a, b, n in axis) for axis in grid.axes))
        return grid

    @property
    def size(self) -> int:
        return prod(sum(n for _, _, n in axis) for axis in self.axes)

    def points(self) -> list[list[arb]]:
        """Those of every coordinate."""
        return [[x for piece in axis for x in _nodes(*piece, ctx.prec)] for axis in self.axes]


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


def fit(
    charts: Sequence[Chart], s: fmpq, digits: int, reach: fmpq, farther: Sequence[tuple[Point, int]] = ()
) -> dict[Unit, Grid]:
    """A grid for every unit: to so many digits at s, and to those that `farther` asks for at complex s."""
    wanted = [((s, fmpq(0)), digits), *farther]
    return {unit: Grid.fit(groups, wanted, reach) for unit, groups in units(charts).items()}


def resolves(grids: Grids, c: Chart, s: sp.Rational) -> bool:
    """Are the Taylor coefficients of F that a pole at −s takes below the degree of the interpolant?"""
    return all(
        TAYLOR * _order(g, i, rational(s)) < _kept(axis[0][2])
        for _, _, groups in apart(c) for g in groups for i, axis in enumerate(grids[_unit(g)].axes)
    )  # fmt: skip


def _order(c: Chart, i: int, s: fmpq) -> fmpq:
    return rational(c.orders[i]) * s - rational(c.jacobian[i]) - 1


class Powers:
    """u^{−s} on grids for one rational s after the other: each from the last one, by the power of u between them."""

    def __init__(self) -> None:
        self._last: dict[tuple[Unit, Grid, int], tuple[fmpq, list[arb]]] = {}
        self._between: dict[tuple[Unit, Grid, int, fmpq], list[arb]] = {}

    def at(self, unit: Unit, grid: Grid, s: fmpq) -> list[arb]:
        key = (unit, grid, ctx.prec)
        before, table = self._last.get(key, (fmpq(0), []))
        if not table or not 0 <= s - before <= 1:
            table = [(-s * log).exp() for log in _logs(unit[0], unit[1], grid, ctx.prec)]
        elif s != before:
            table = list(map(mul, table, self._step(unit, grid, s - before)))
        self._last[key] = s, table
        return table

    def _step(self, unit: Unit, grid: Grid, by: fmpq) -> list[arb]:
        key = (unit, grid, ctx.prec, by)
        if key not in self._between:
            self._between[key] = [(-by * log).exp() for log in _logs(unit[0], unit[1], grid, ctx.prec)]
        return self._between[key]


def polar_parts(
    charts: Sequence[Chart], s: sp.Rational, grids: Grids, powers: Powers | None = None
) -> dict[Chart, Twice]:
    """The coefficients of ε^{−M}, …, ε^{−1} of ζ(−s + ε) for every chart, M the largest order that the exponents allow.

    `powers` remembers what several s share.
    """
    before = ctx.prec
    ctx.prec = -(-(before + GUARD) // WORD) * WORD  # finite parts take derivatives at 0, and their weights are large
    try:
        return _polar_parts(charts, s, grids, powers or Powers())
    finally:
        ctx.prec = before


def _polar_parts(charts: Sequence[Chart], s: sp.Rational, grids: Grids, powers: Powers) -> dict[Chart, Twice]:
    at = rational(s)
    tables, found = _Tables(grids, at, [at], powers), {}
    for c in charts:
        terms = order_of(c, s)
        parts = [
            (
                [[ball(a) for a in f.coefficients[:terms]] for f in exact],
                [tables.laurent(g, singular_axes(g, s), terms) for g in groups],
            )
            for exact, groups in (factors(c, s, terms) if terms else ())
        ]
        found[c] = Twice(
            *(_summed([[*exact, *(g[i] for g in groups)] for exact, groups in parts], terms) for i in (0, 1))
        )
    return found


def _summed(products: Sequence[Sequence[list]], terms: int) -> list[arb]:
    """The sum of the products of these series."""
    total = [arb(0)] * terms
    for each in products:
        series = [arb(1)] + [arb(0)] * (terms - 1)
        for factor in each:
            series = [sum((series[i] * factor[k - i] for i in range(k + 1)), arb(0)) for k in range(terms)]
        total = [a + b for a, b in zip(total, series, strict=True)]
    return total


def values(charts: Sequence[Chart], nodes: Sequence[acb], grids: Grids) -> dict[Chart, Twice]:
    """ζ(−s) of every chart at all the s, which are exact points and no poles."""
    found: dict[Chart, Twice] = {c: Twice([], []) for c in charts}
    weights: dict = {}
    for s in nodes:
        tables = _Tables(grids, s, nodes, Powers(), weights)
        for c in charts:
            total = [acb(0), acb(0)]
            for sides, constant, groups in apart(c):
                front = acb(ball(constant.density))
                if constant.unit != 1:
                    front *= (-s * ball(constant.unit).log()).exp()
                for a, k, gaussian in sides:
                    front *= _coordinate(rational(a) - s * rational(k), gaussian)
                pairs = [tables.laurent(g, (), 1) for g in groups]
                total = [each + prod((pair[i][0] for pair in pairs), start=front) for i, each in enumerate(total)]
            found[c].value.append(total[0])
            found[c].rough.append(total[1])
    return found


def _coordinate(alpha: acb, gaussian: bool) -> acb:
    """∫ x^{α−1} over [0, 1], or with e^{−x²/2}/√(2π) over [0, ∞)."""
    if not gaussian:
        return 1 / alpha
    return (alpha / 2 * arb(2).log()).exp() * (alpha / 2).gamma() / (2 * (2 * arb.pi()).sqrt())


class _Tables:
    """F log^l u/l! on the grids at s, one of the nodes, and what has been integrated of them."""

    def __init__(self, grids: Grids, s: Any, nodes: Sequence[Any], powers: Powers, weights: dict | None = None):
        self.grids, self.s, self.nodes, self.powers = grids, s, nodes, powers
        self.place = nodes.index(s)
        self.matrix = acb_mat if isinstance(s, acb) else arb_mat
        self._weights: dict[tuple, list[tuple[Rows, Rows]]] = {} if weights is None else weights
        self._powers: dict[tuple[Unit, int], list] = {}
        self._tables: dict[tuple[Unit, sp.Expr, int], Any] = {}
        self._found: dict[tuple[Chart, int], Twice] = {}

    def laurent(self, c: Chart, poles: Sequence[int], terms: int) -> Twice:
        """`terms` coefficients of ζ(−s + ε) of coupled coordinates, from ε^{−|poles|} on."""
        if (c, terms) not in self._found:
            axes = self.grids[_unit(c)].axes
            weights = [
                self._weight((h + 1, k), axis, (i in poles, terms, ctx.prec))
                for i, (h, k, axis) in enumerate(zip(c.jacobian, c.orders, axes, strict=True))
            ]
            total = Twice([arb(0)] * terms, [arb(0)] * terms)
            for l in range(terms):
                for row, part in zip(total, self._contracted(self._table(c, l), weights, terms - l), strict=True):
                    for j, value in enumerate(part):
                        row[j + l] += value
            self._found[c, terms] = total
        return self._found[c, terms]

    def _weight(
        self, exponent: tuple[sp.Rational, sp.Rational], axis: Axis, what: tuple[bool, int, int]
    ) -> tuple[Rows, Rows]:
        key = (exponent, axis, what)
        if key not in self._weights:
            self._weights[key] = _weights(exponent, self.nodes, axis, what)
        return self._weights[key][self.place]

    def _table(self, c: Chart, l: int) -> Any:
        """b u^{−s} log^l u/l! on the grid, the last coordinate along the rows."""
        unit, density = _unit(c), _density(c)
        key = (unit, density, l)
        if key not in self._tables:
            powers, grid = self._power(unit, l), self.grids[unit]
            if density.has(*c.variables):
                F = list(map(mul, powers, _on_grid(density, c.variables, grid, ctx.prec)))
            else:
                F = powers if density == 1 else [ball(density) * p for p in powers]
            width = sum(n for _, _, n in grid.axes[-1])
            self._tables[key] = self.matrix(len(F) // width, width, F)
        return self._tables[key]

    def _power(self, unit: Unit, l: int) -> list:
        if (unit, l) not in self._powers:
            if l:
                logs = _logs(unit[0], unit[1], self.grids[unit], ctx.prec)
                self._powers[unit, l] = [p * log / l for p, log in zip(self._power(unit, l - 1), logs, strict=True)]
            elif isinstance(self.s, acb):
                s = -self.s
                self._powers[unit, l] = [(s * log).exp() for log in _logs(*unit[:2], self.grids[unit], ctx.prec)]
            else:
                self._powers[unit, l] = self.powers.at(unit, self.grids[unit], self.s)
        return self._powers[unit, l]

    def _contracted(self, table: Any, weights: Sequence[tuple[Rows, Rows]], terms: int) -> Twice:
        """Σ_k Π_i W_{i,k_i}(ε) F_k by both sets of weights, the first `terms` coefficients."""
        fine, coarse = ([rows[:terms] for rows in each] for each in zip(*weights, strict=True))
        entries = self._against(table, fine[-1] + coarse[-1])
        half = len(fine[-1])
        return Twice(self._rest(entries[:half], fine[:-1], terms), self._rest(entries[half:], coarse[:-1], terms))

    def _against(self, table: Any, rows: Rows) -> list[list]:
        """The sums over the last coordinate, one list for every row of weights."""
        columns = self.matrix(len(rows[0]), len(rows), [row[i] for i in range(len(rows[0])) for row in rows])
        entries = (table * columns).entries()
        return [entries[j :: len(rows)] for j in range(len(rows))]

    def _rest(self, columns: list[list], weights: Sequence[Rows], terms: int) -> list:
        """One coordinate after the other, the last one first; columns[j] belongs to ε^j."""
        if not weights:
            return [column[0] for column in columns]
        width, total = len(weights[-1][0]), [arb(0)] * terms
        for j, column in enumerate(columns):
            inner = self._against(self.matrix(len(column) // width, width, column), weights[-1][: terms - j])
            for i, value in enumerate(self._rest(inner, weights[:-1], terms - j)):
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
    return on_axes(f, variables, grid.points())


def _degree(unit: Unit, density: sp.Expr, where: tuple[int, tuple[int, int], fmpq], wanted: tuple[Point, int]) -> int:
    """From the next degree on the Chebyshev coefficients of F along edges in direction i are below the wanted digits.

    Beyond [0, 1] those of x_i^{−κs} F, which the plain rules there integrate.
    """
    (i, piece, k), (s, digits) = where, wanted
    power = k if piece[0] else fmpq(0)
    tolerance, largest = arb(10) ** -digits, 1
    for corner in product((0, 1), repeat=len(unit[1]) - 1):
        n = FEW
        while True:
            sizes = _sizes(unit, density, (*corner[:i], piece, *corner[i:]), (s, power, n, ctx.prec))
            limit = tolerance * max(sizes) if piece[0] == 0 else tolerance
            degree = max((l for l, a in enumerate(sizes) if a > limit), default=0)
            if degree < n - 2 or n >= MANY:
                break
            n *= 2
        largest = max(largest, degree)
    return largest


@lru_cache(maxsize=16384)
def _sizes(unit: Unit, density: sp.Expr, edge: tuple[Any, ...], rule: tuple[Point, fmpq, int, int]) -> list[arb]:
    """|Chebyshev coefficients| of x^{−κs} F along an edge: of its coordinates x is in a piece, the others are 0 or 1."""
    ((real, imaginary), k, n, bits), (u, variables, _) = rule, unit
    s, matrix = (acb(real, imaginary), acb_mat) if imaginary else (real, arb_mat)
    logs = _logs_on_edge(u, variables, edge, (n, bits))
    table: list[Any] = [
        b * (-s * log).exp() for b, log in zip(_on_edge(density, variables, edge, (n, bits)), logs, strict=True)
    ]
    if k:
        (piece,) = (at for at in edge if isinstance(at, tuple))
        table = [F * (-k * s * v.log()).exp() for F, v in zip(table, _nodes(*piece, n, bits), strict=True)]
    return [abs(a).mid() for a in (matrix(chebyshev_values(n, bits).transpose()) * matrix(n, 1, table)).entries()]


@lru_cache(maxsize=4096)
def _on_edge(f: sp.Expr, variables: tuple, edge: tuple[Any, ...], rule: tuple[int, int]) -> list[arb]:
    return on_axes(f, variables, [list(_nodes(*at, *rule)) if isinstance(at, tuple) else [arb(at)] for at in edge])


@lru_cache(maxsize=4096)
def _logs_on_edge(u: sp.Expr, variables: tuple, edge: tuple[Any, ...], rule: tuple[int, int]) -> list[arb]:
    return [value.log() for value in _on_edge(u, variables, edge, rule)]


def _pieces(digits: int) -> list[tuple[int, int]]:
    """[0, 1], [1, 2], [2, 4], … up to where e^{−x²/2} is negligible."""
    reach, found = isqrt(6 * digits) + 1, [(0, 1)]
    while found[-1][1] < reach:
        low = found[-1][1]
        found.append((low, min(reach, 2 * low)))
    return found


def _weights(
    exponent: tuple[sp.Rational, sp.Rational], nodes: Sequence[Any], axis: Axis, what: tuple[bool, int, int]
) -> list[tuple[Rows, Rows]]:
    """W_k(ε) = ∫ x^{a−κs−1+κε} ℓ_k for all points and every s, by powers of ε: from ε^{−1} on where there is a pole, else from ε^0.

    And the same of the interpolants without their last coefficients.
    """
    (a, k), (pole, terms, bits), n = map(rational, exponent), what, axis[0][2]
    columns = [(s, j - pole) for s in nodes for j in range(terms)]
    before = ctx.prec
    ctx.prec = bits + 6 * n  # the coefficients of T_n(2x − 1) grow like 6^n
    try:
        moments = [[_moment(a - s * k + m, k, power) for s, power in columns] for m in range(n)]
        inner = _integrated(_to_weights(n, ctx.prec), moments)
    finally:
        ctx.prec = before
    width = len(columns)
    found = []
    for p, s in enumerate(nodes):
        sets = [
            [[+inner[(i + start) * width + p * terms + j] for i in range(n)] for j in range(terms)] for start in (0, n)
        ]
        for low, high, points in axis[1:]:
            plain = _plain_weights(points, bits)
            for q, x in enumerate(_nodes(low, high, points, bits)):
                scale, log = (high - low) * ((a - 1 - s * k) * x.log()).exp(), k * x.log()
                for rows, start in zip(sets, (0, points), strict=True):
                    for j, row in enumerate(rows):
                        power = j - pole
                        front = scale * log**power / arb(power).fac() if power >= 0 else 0 * scale
                        row.append(front * plain[q + start])
        found.append((sets[0], sets[1]))
    return found


def _integrated(matrix: arb_mat, moments: Rows) -> list:
    """The entries of matrix · moments, real and imaginary parts apart."""
    if not isinstance(moments[0][0], acb):
        return (matrix * arb_mat(moments)).entries()
    real, imaginary = (
        (matrix * arb_mat([[getattr(a, part) for a in row] for row in moments])).entries() for part in ("real", "imag")
    )
    return list(map(acb, real, imaginary))


def _moment(a: Any, kappa: Any, power: int) -> Any:
    """[ε^power] 1/(a + κε)."""
    if a == 0:
        return 1 / arb(kappa) if power == -1 else arb(0)
    if power == 0:
        return 1 / (a if isinstance(a, acb) else arb(a))
    return (-kappa) ** power / (a if isinstance(a, acb) else arb(a)) ** (power + 1) if power > 0 else arb(0)


@lru_cache(maxsize=64)
def _to_weights(n: int, bits: int) -> arb_mat:
    """What takes ∫ x^m to the weights; below, to those of the interpolants without their last coefficients."""
    values, kept = chebyshev_values(n, bits), _kept(n)
    cut = arb_mat([[values[k, l] if l < kept else arb(0) for l in range(n)] for k in range(n)])
    both = (values * shifted_chebyshev(n)).entries() + (cut * shifted_chebyshev(n)).entries()
    return arb_mat(2 * n, n, both)


@lru_cache(maxsize=128)
def _plain_weights(n: int, bits: int) -> list[arb]:
    """Those of ∫_0^1 f, then those of the interpolants without their last coefficients; ∫_0^1 T_l(2x − 1) = 1/(1 − l²), l even."""
    values = chebyshev_values(n, bits)
    return [
        sum((values[k, l] / (1 - l * l) for l in range(0, most, 2)), arb(0)) for most in (n, _kept(n)) for k in range(n)
    ]


@lru_cache(maxsize=512)
def _nodes(low: int, high: int, n: int, bits: int) -> tuple[arb, ...]:
    return tuple(low + (high - low) * x for x, _ in plain_rule(n, bits))

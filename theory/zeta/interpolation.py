r"""ζ(−s) and its polar parts as numbers: F interpolated once on a grid, the interpolant integrated exactly.

The exact coefficients of `theory.zeta.continuation` are sums of Taylor coefficients and finite parts, one integral each. As numbers
they are had all at once. On coupled coordinates, with α_i = h_i + 1 − κ_i s and F = b u^{−s+ε} = b u^{−s} Σ_l ε^l log^l u/l!,

    ζ(−s + ε) = ∫ Π x_i^{α_i−1+κ_iε} F dx ≈ Σ_k Π_i W_{i,k_i}(ε) F(x_k; ε),      W_{i,k}(ε) = ∫ x^{α_i−1+κ_iε} ℓ_k(x) dx,

x_k Chebyshev points and ℓ_k their Lagrange polynomials. Each weight is a Laurent series, from ∫_0^1 x^{α+m−1+κε} = 1/(α+m+κε): the
pole and the finite parts of the interpolant are exact. At complex s, ε = 0 is enough. Half-lines go on beyond 1 by plain pieces.

What integrals over the same unit share, u^{−s} log^l u/l! on the grid (`theory.zeta.grids`), is computed once. The error, which
falls like ρ^{−n} where F is analytic in the ellipse of ρ around [0, 1], is not bounded here. Every number therefore comes twice
(`Twice`): from the interpolant, and from what is left of it without the last ninth of its Chebyshev coefficients, by other weights
(`theory.zeta.weights`) on the same grid.

Reading order: `polar_parts`, `values`, `_Tables`, `_contracted`.
"""

from collections.abc import Sequence
from math import prod
from operator import mul
from typing import Any, NamedTuple

import sympy as sp
from flint import acb, acb_mat, arb, arb_mat, ctx, fmpq

from theory.zeta.balls import ball
from theory.zeta.chart import Chart
from theory.zeta.continuation import apart, factors, order_of, singular_axes
from theory.zeta.grids import Axis, Grid, Grids, Unit, density_of, logs_on_grid, on_grid, unit_of
from theory.zeta.precision import rational
from theory.zeta.weights import Rows, lagrange_weights

WORD, GUARD = 64, 45  # bits


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


class Powers:
    """u^{−s} on grids for one rational s after the other: each from the last one, by the power of u between them."""

    def __init__(self) -> None:
        self._last: dict[tuple[Unit, Grid, int], tuple[fmpq, list[arb]]] = {}
        self._between: dict[tuple[Unit, Grid, int, fmpq], list[arb]] = {}

    def at(self, unit: Unit, grid: Grid, s: fmpq) -> list[arb]:
        key = (unit, grid, ctx.prec)
        before, table = self._last.get(key, (fmpq(0), []))
        if not table or not 0 <= s - before <= 1:
            table = [(-s * log).exp() for log in logs_on_grid(unit[0], unit[1], grid, ctx.prec)]
        elif s != before:
            table = list(map(mul, table, self._step(unit, grid, s - before)))
        self._last[key] = s, table
        return table

    def _step(self, unit: Unit, grid: Grid, by: fmpq) -> list[arb]:
        key = (unit, grid, ctx.prec, by)
        if key not in self._between:
            self._between[key] = [(-by * log).exp() for log in logs_on_grid(unit[0], unit[1], grid, ctx.prec)]
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
                terms - sum(f.order for f in exact) - sum(len(singular_axes(g, s)) for g in groups),
                [[ball(a) for a in f.coefficients] for f in exact],
                [tables.laurent(g, singular_axes(g, s), terms) for g in groups],
            )
            for exact, groups in (factors(c, s, terms) if terms else ())
        ]
        found[c] = Twice(
            *(_summed([(n, [*exact, *(g[i] for g in groups)]) for n, exact, groups in parts], terms) for i in (0, 1))
        )
    return found


def _summed(products: Sequence[tuple[int, Sequence[list]]], terms: int) -> list[arb]:
    """The sum of ε^n times the products of these series."""
    total = [arb(0)] * terms
    for n, each in products:
        series = [arb(1)] + [arb(0)] * (terms - 1)
        for factor in each:
            series = [sum((series[i] * factor[k - i] for i in range(k + 1)), arb(0)) for k in range(terms)]
        total = [a + b for a, b in zip(total, [*[arb(0)] * n, *series], strict=False)]
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
            axes = self.grids[unit_of(c)].axes
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
            self._weights[key] = lagrange_weights(exponent, self.nodes, axis, what)
        return self._weights[key][self.place]

    def _table(self, c: Chart, l: int) -> Any:
        """b u^{−s} log^l u/l! on the grid, the last coordinate along the rows."""
        unit, density = unit_of(c), density_of(c)
        key = (unit, density, l)
        if key not in self._tables:
            powers, grid = self._power(unit, l), self.grids[unit]
            if density.has(*c.variables):
                F = list(map(mul, powers, on_grid(density, c.variables, grid, ctx.prec)))
            else:
                F = powers if density == 1 else [ball(density) * p for p in powers]
            width = sum(n for _, _, n in grid.axes[-1])
            self._tables[key] = self.matrix(len(F) // width, width, F)
        return self._tables[key]

    def _power(self, unit: Unit, l: int) -> list:
        if (unit, l) not in self._powers:
            if l:
                logs = logs_on_grid(unit[0], unit[1], self.grids[unit], ctx.prec)
                self._powers[unit, l] = [p * log / l for p, log in zip(self._power(unit, l - 1), logs, strict=True)]
            elif isinstance(self.s, acb):
                s = -self.s
                self._powers[unit, l] = [(s * log).exp() for log in logs_on_grid(*unit[:2], self.grids[unit], ctx.prec)]
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

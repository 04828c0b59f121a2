"""∫ e^{−tK} φ at a given t where units couple coordinates: an estimate, by the asymptotic series or by an integral along a line.

The terms t^{−s} P_s(log t) are those of `expansion.of_charts`, with coefficients as numbers from `theory.zeta.interpolation`.
They are taken in blocks B_1, B_2, … half a power of t wide. Cut after B_k, the radius is

    2 (max_{j≤k} |B_j| t^{−(k−j+1)/2} + Σ_{j>k} |B_j|)    over all blocks that were computed,

with |B| the sum of the terms with all signs taken as +, 0 where there is no pole; the best k is kept. Where no pole is left up to
s = λ + 6, that power stands for t^{−1/2} after the last block. To it come four times the change when the interpolants lose their
last coefficients (which need not fall faster than k^{−3}), with what the change of every block leaves (`interpolation.remaining`),
and e^{−t min u} for the far faces. None of this is a bound.

The charts are folded first (`theory.zeta.folding`). Grids are made coarser and series shorter where they would cost more than a
call may (`inversion.affordable`).

The series is asymptotic. Where it has not the wanted digits, as at small t, the integral along a line is taken
(`theory.singular.inversion`), which needs no large t, and more time.

Reading order: `estimates`, `_Series`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import sympy as sp
from flint import arb, arb_series, ctx

from theory.singular.inversion import affordable, inverted, least_unit
from theory.zeta import continuation as zeta
from theory.zeta import interpolation
from theory.zeta.balls import ball
from theory.zeta.chart import Chart
from theory.zeta.folding import folded
from theory.zeta.grids import fitted_grids, resolves, units
from theory.zeta.precision import current_digits, rational

BLOCKS = 12
MOST_TERMS = 60
LEAST = 6  # digits that grids are made for at least
CHEAPER = 2  # values of F at real s for one at complex s
HALF = sp.Rational(1, 2)
GOOD = 100  # times the wanted radius, a series is left as it is


def estimates(charts: Sequence[Chart], t: sp.Rational) -> dict[Chart, arb]:
    """∫ e^{−tK} φ over every one of the charts at t, with radii that are estimates."""
    charts = list(dict.fromkeys(charts))
    found = _estimates(list(dict.fromkeys(piece for c in charts for piece in folded(c))), t)
    return {c: sum((found[piece] for piece in folded(c)), arb(0)) for c in charts}


def _estimates(charts: Sequence[Chart], t: sp.Rational) -> dict[Chart, arb]:
    constant = [c for c in charts if not any(c.orders)]  # K = 0: Z does not depend on t
    found = {c: ball(zeta.laurent(c, sp.S.Zero, 1).coefficients[-1]) for c in constant}
    rest = [c for c in charts if any(c.orders)]
    tau, digits = arb(rational(t)), current_digits()
    wanted, near = arb(10) ** -digits, {}
    length = _first_length(tau, digits)
    series = _Series(rest, tau, digits, length) if rest else None
    coarser = digits
    while series is not None and series.work() > affordable(digits) and coarser > LEAST:
        coarser, length = coarser - 1, max(length - 1, 3)
        series = _Series(rest, tau, coarser, length, length + 1)
    while series is not None:
        longer: dict[Chart, int] = {}
        for c in series.charts:
            cut = series.cut(c, wanted)
            if isinstance(cut, int):
                longer |= {c: cut} if cut > length else {}
                cut = series.best.get(c)
            found[c], good = arb.nan(), False
            if cut is not None:
                value = series.sum(c, cut[0])
                edge = (-tau * least_unit(c)).exp() * abs(value) * (tau.log() * rational(zeta.first(c))).exp()
                found[c] = value + arb(0, (cut[1] + edge).upper())
                good = bool(found[c].rad() < GOOD * wanted * abs(value))
            if not good and c not in longer:
                near[c] = found[c]
        length = max(longer.values(), default=0)
        series = _Series(list(longer), tau, digits, length) if longer else None
        if series is not None and series.work() > affordable(digits):
            near |= {c: found[c] for c in longer if not found[c].rad() < GOOD * wanted * abs(found[c])}
            break
    return found | inverted(near, t, digits)


def _first_length(tau: arb, digits: int) -> int:
    """Blocks for the digits if each gains those of t^{−1/2}, and two."""
    decades = max(tau.log() / arb(10).log(), arb(1))
    return min(int((2 * digits / decades).upper().ceil().unique_fmpz() or BLOCKS) + 2, BLOCKS)


class _Series:
    """The blocks of the series of several charts, computed for all of them together as far as they are asked for."""

    def __init__(self, charts: Sequence[Chart], tau: arb, digits: int, length: int, most: int = BLOCKS):
        self.charts, self.tau, self.length, self.most = charts, tau, length, most
        self.best: dict[Chart, tuple[int, arb]] = {}  # the best cut that was met
        first = min(rational(zeta.first(c)) for c in charts)
        self.grids = fitted_grids(charts, first, digits, first + rational(HALF) * length)
        self.powers = interpolation.Powers()
        self.places = {c: zeta.candidates(c, zeta.first(c) + BLOCKS * HALF) for c in charts}
        self.blocks = {c: _blocks(places, zeta.first(c)) for c, places in self.places.items()}
        self._polar: dict[sp.Rational, dict[Chart, interpolation.Twice]] = {}

    def work(self) -> int:
        """Values of F up to the wanted length: on every grid one table for every pole and power of log u."""
        tables: dict[tuple, int] = {}
        for c in self.charts:
            for unit in units((c,)):
                for s in (s for block in self.blocks[c][: self.length + 1] for s in block):
                    tables[unit, s] = max(tables.get((unit, s), 0), zeta.order_of(c, s))
        return sum(self.grids[unit].size * orders for (unit, _), orders in tables.items()) // CHEAPER

    def cut(self, c: Chart, wanted: arb) -> tuple[int, arb] | int:
        """(k, radius): cut after B_k the series has the wanted relative accuracy. Else the number of blocks that seem to be needed,
        where the grid does not resolve them, and 0 where the series never has it."""
        value, sizes, terms = arb(0), [], 0
        for n in range(BLOCKS):
            inside = self._inside(c, n)
            terms += len(inside)
            if terms > MOST_TERMS:
                return 0
            if n >= self.most or not all(resolves(self.grids, c, s) for s in inside):
                return self._needed(sizes, wanted * abs(value))
            block, size = self._block(c, inside)
            value += block.value
            sizes.append(size)
            last = bool(inside) and inside[-1] == self.places[c][-1]  # no pole is left as far as was looked
            gap = zeta.first(c) + BLOCKS * HALF - inside[-1] if last else HALF
            if last or n:
                k = n + 1 if last else n
                radius = 2 * (
                    self._envelope(sizes[:k]) * (-self.tau.log() * rational(gap)).exp() + sum(sizes[k:], arb(0))
                )
                if c not in self.best or radius < self.best[c][1]:
                    self.best[c] = k, radius
                if radius < wanted * abs(value):
                    return k, radius
            if n > 1 and sizes[-1] > sizes[-2] > 0:
                return 0
        return 0

    def _envelope(self, sizes: Sequence[arb]) -> arb:
        """The last block as the ones before it would have it: blocks without poles, or whose residues vanish, say nothing."""
        reach, half = arb(0), (-self.tau.log() * rational(HALF)).exp()
        for size in sizes:
            reach = max(reach * half, size)
        return reach

    def _needed(self, sizes: Sequence[arb], wanted: arb) -> int:
        """Blocks until they fall below what is wanted at the rate of the last two; 0 if that is never or too late."""
        if self.length == BLOCKS or len(sizes) < 2 or not 0 < sizes[-1] < sizes[-2]:
            return 0
        more = ((wanted / (2 * sizes[-1])).log() / (sizes[-1] / sizes[-2]).log()).upper().ceil().unique_fmpz()
        needed = len(sizes) + max(int(more or BLOCKS), 0) + 2
        return min(max(needed, self.length + 1), BLOCKS) if needed <= BLOCKS + 2 else 0

    def sum(self, c: Chart, length: int) -> arb:
        """B_1 + … + B_length, with the part of the radius that the interpolants have."""
        blocks = [self._block(c, self._inside(c, n)) for n in range(length)]
        value, rough = (sum((block[i] for block, _ in blocks), arb(0)) for i in (0, 1))
        left = sum((interpolation.remaining(fine - coarse, size) for (fine, coarse), size in blocks), arb(0))
        return value + arb(0, (interpolation.SLOWLY * abs(value - rough) + left).upper())

    def _inside(self, c: Chart, n: int) -> list[sp.Rational]:
        return self.blocks[c][n]

    def _block(self, c: Chart, places: Sequence[sp.Rational]) -> tuple["_Block", arb]:
        """(Σ t^{−s} P_s(log t), the same with all signs taken as +)."""
        log, total, size = self.tau.log(), _Block(arb(0), arb(0)), arb(0)
        for s in places:
            power, (fine, rough) = (-log * rational(s)).exp(), self._polynomial(c, s)
            values = (sum((a * log**j for j, a in enumerate(each)), arb(0)) for each in (fine, rough))
            total = _Block(*(old + power * new for old, new in zip(total, values, strict=True)))
            size += power * sum((abs(a) * abs(log) ** j for j, a in enumerate(fine)), arb(0))
        return total, size

    def _polynomial(self, c: Chart, s: sp.Rational) -> tuple[list[arb], list[arb]]:
        """P_s, twice: the coefficient of L^j is [ε^{−1−j}] Γ(s−ε) ζ(−s+ε) over j!                                (1.2)."""
        if s not in self._polar:
            held = [each for each in self.charts if s in self.places[each]]
            self._polar[s] = interpolation.polar_parts(held, s, self.grids, self.powers)
        order = len(self._polar[s][c].value)
        front = _gamma(s, order)
        fine, rough = (
            [
                sum((front[i] * polar[order - 1 - j - i] for i in range(order - j)), arb(0)) / arb(j).fac()
                for j in range(order)
            ]
            for polar in self._polar[s][c]
        )
        return fine, rough


class _Block(NamedTuple):
    """By the interpolants, and by what is left of them without their last coefficients."""

    value: arb
    rough: arb


def _blocks(places: Sequence[sp.Rational], first: sp.Rational) -> list[list[sp.Rational]]:
    """Half a unit of s each: (n/2, (n+1)/2] beyond the first, which begins the first one."""
    found: list[list[sp.Rational]] = [[] for _ in range(BLOCKS)]
    for s in places:
        found[max(int(sp.ceiling((s - first) / HALF)) - 1, 0)].append(s)
    return found


def _gamma(s: sp.Rational, terms: int) -> list[arb]:
    """Γ(s − ε), s > 0."""
    before, ctx.cap = ctx.cap, terms
    try:
        series = arb_series([rational(s), -1]).gamma() if terms else arb_series([])
        return [series[j] for j in range(terms)]
    finally:
        ctx.cap = before

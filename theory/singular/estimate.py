"""∫ e^{−tK} φ at a given t where units couple coordinates: an estimate, by the asymptotic series or by an integral along a line.

The terms t^{−s} P_s(log t) are those of `expansion.of_charts`, with coefficients as numbers from `theory.zeta.interpolation`.
They are taken in blocks B_1, B_2, … half a power of t wide. Cut after B_k, the radius is

    2 (|B_k| t^{−1/2} + Σ_{j>k} |B_j|)    over all blocks that were computed,

with |B| the sum of the terms with all signs taken as +; the best k is kept. Where no pole is left up to s = λ + 6, that power
stands for t^{−1/2} after the last block. To it comes the change from a coarser grid of the interpolation, and e^{−t min u} for the
far faces. None of this is a bound.

The series is asymptotic. Where it has fewer than nine of the wanted digits, as at small t, the integral along a line is taken
(`theory.singular.inversion`), which needs no large t, and more time.

Reading order: `estimates`, `_Series`.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import sympy as sp
from flint import arb, ctx, fmpq

from theory.singular.inversion import inverted
from theory.zeta import continuation as zeta
from theory.zeta import interpolation
from theory.zeta.balls import ball, evaluator
from theory.zeta.chart import Chart
from theory.zeta.precision import current_digits, rational
from theory.zeta.series import gamma

BLOCKS = 12
MOST_TERMS = 60
HALF = sp.Rational(1, 2)
GOOD = arb(10) ** -9  # about what an integral along a line has in a second


def estimates(charts: Sequence[Chart], t: sp.Rational) -> dict[Chart, arb]:
    """∫ e^{−tK} φ over every one of the charts at t, with radii that are estimates."""
    charts = list(dict.fromkeys(charts))
    constant = [c for c in charts if not any(c.orders)]  # K = 0: Z does not depend on t
    found = {c: ball(zeta.laurent(c, sp.S.Zero, 1).coefficients[-1]) for c in constant}
    rest = [c for c in charts if any(c.orders)]
    tau, digits = arb(rational(t)), current_digits()
    near, wanted = [], arb(10) ** -digits
    length = _first_length(tau, digits)
    while rest:
        coarse, fine = (_Series(rest, tau, digits, length, finer=finer) for finer in (False, True))
        longer: dict[Chart, int] = {}
        for c in rest:
            cut = coarse.cut(c, wanted)
            if isinstance(cut, int) and cut > length:
                longer[c] = cut
                continue
            if isinstance(cut, int):
                cut = coarse.best.get(c)
            if cut is None or cut[1] > GOOD * abs(coarse.sum(c, cut[0])):
                near.append(c)
                continue
            before, value = coarse.sum(c, cut[0]), fine.sum(c, cut[0])
            edge = (-tau * _least_unit(c)).exp() * abs(value) * (tau.log() * rational(zeta.first(c))).exp()
            found[c] = value + arb(0, (cut[1] + abs(value - before).mid() + edge).upper())
        rest, length = list(longer), max(longer.values(), default=0)
    return found | inverted(near, t, digits)


def _first_length(tau: arb, digits: int) -> int:
    """Blocks for the digits if each gains those of t^{−1/2}, and two."""
    decades = max(tau.log() / arb(10).log(), arb(1))
    return min(int((2 * digits / decades).upper().ceil().unique_fmpz() or BLOCKS) + 2, BLOCKS)


class _Series:
    """The blocks of the series of several charts, computed for all of them together as far as they are asked for."""

    def __init__(self, charts: Sequence[Chart], tau: arb, digits: int, length: int, *, finer: bool = False):
        self.charts, self.tau, self.length = charts, tau, length
        self.best: dict[Chart, tuple[int, arb]] = {}  # the best cut that was met
        first = min((rational(zeta.first(c)) for c in charts), default=fmpq(0))
        grids = interpolation.fit(charts, first, digits, first + rational(HALF) * length)
        self.grids = interpolation.finer(grids) if finer else grids
        self.places = {c: zeta.candidates(c, zeta.first(c) + BLOCKS * HALF) for c in charts}
        self._polar: dict[sp.Rational, dict[Chart, list[arb]]] = {}

    def cut(self, c: Chart, wanted: arb) -> tuple[int, arb] | int:
        """(k, radius): cut after B_k the series has the wanted relative accuracy. Else the number of blocks that seem to be needed,
        where the grid does not resolve them, and 0 where the series never has it."""
        value, sizes, terms = arb(0), [], 0
        for n in range(BLOCKS):
            inside = self._inside(c, n)
            terms += len(inside)
            if terms > MOST_TERMS:
                return 0
            if not all(interpolation.resolves(self.grids, c, s) for s in inside):
                return self._needed(sizes, wanted * abs(value))
            block, size = self._block(c, inside)
            value += block
            sizes.append(size)
            last = bool(inside) and inside[-1] == self.places[c][-1]  # no pole is left as far as was looked
            gap = zeta.first(c) + BLOCKS * HALF - inside[-1] if last else HALF
            if last or n:
                k = n + 1 if last else n
                radius = 2 * (sizes[k - 1] * (-self.tau.log() * rational(gap)).exp() + sum(sizes[k:], arb(0)))
                if c not in self.best or radius < self.best[c][1]:
                    self.best[c] = k, radius
                if radius < wanted * abs(value):
                    return k, radius
            if n > 1 and sizes[-1] > sizes[-2] > 0:
                return 0
        return 0

    def _needed(self, sizes: Sequence[arb], wanted: arb) -> int:
        """Blocks until they fall below what is wanted at the rate of the last two; 0 if that is never or too late."""
        if self.length == BLOCKS or len(sizes) < 2 or not 0 < sizes[-1] < sizes[-2]:
            return 0
        more = ((wanted / (2 * sizes[-1])).log() / (sizes[-1] / sizes[-2]).log()).upper().ceil().unique_fmpz()
        needed = len(sizes) + max(int(more or BLOCKS), 0) + 2
        return min(max(needed, self.length + 1), BLOCKS) if needed <= BLOCKS + 2 else 0

    def sum(self, c: Chart, length: int) -> arb:
        """B_1 + … + B_length."""
        return sum((self._block(c, self._inside(c, n))[0] for n in range(length)), arb(0))

    def _inside(self, c: Chart, n: int) -> list[sp.Rational]:
        first = zeta.first(c)
        return [s for s in self.places[c] if (n == 0 or n * HALF < s - first) and s - first <= (n + 1) * HALF]

    def _block(self, c: Chart, places: Sequence[sp.Rational]) -> tuple[arb, arb]:
        """(Σ t^{−s} P_s(log t), the same with all signs taken as +)."""
        log, value, size = self.tau.log(), arb(0), arb(0)
        for s in places:
            power, whole, absolute = (-log * rational(s)).exp(), arb(0), arb(0)
            for j, a in enumerate(self._polynomial(c, s)):
                whole += a * log**j
                absolute += abs(a) * abs(log) ** j
            value += power * whole
            size += power * absolute
        return value, size

    def _polynomial(self, c: Chart, s: sp.Rational) -> list[arb]:
        """P_s: the coefficient of L^j is [ε^{−1−j}] Γ(s−ε) ζ(−s+ε) over j!                                       (1.2)."""
        if s not in self._polar:
            held = [each for each in self.charts if s in self.places[each]]
            self._polar[s] = interpolation.polar_parts(held, s, self.grids)
        polar = self._polar[s][c]
        order = len(polar)
        front = _gamma(s, order, ctx.prec)
        return [
            sum((front[i] * polar[order - 1 - j - i] for i in range(order - j)), arb(0)) / arb(j).fac()
            for j in range(order)
        ]


@lru_cache(maxsize=1024)
def _gamma(s: sp.Rational, terms: int, _: int) -> list[arb]:
    """Γ(s − ε)."""
    return [ball(c) for c in gamma(s, sp.Integer(-1), terms).coefficients] if terms else []


@lru_cache(maxsize=256)
def _least_unit(c: Chart) -> arb:
    """The least value of the unit on a grid: what happens at K = u on the far faces is about e^{−tu}."""
    function = evaluator(c.unit, c.variables)
    corners = product((arb(0), arb(1) / 2, arb(1)), repeat=len(c.variables))
    return min((u for x in corners if (u := function(x)).is_finite()), default=arb(0), key=arb.mid)

"""∫ e^{−tK} φ at a given t where units couple coordinates: the asymptotic series as far as it is of use, its error estimated.

The terms t^{−s} P_s(log t) are those of `expansion.of_charts`, with coefficients as numbers from `theory.zeta.interpolation`.
They are taken in blocks B_1, B_2, … half a power of t wide. Cut after B_k, the radius is

    2 (|B_k| t^{−1/2} + Σ_{j>k} |B_j|)    over all blocks that were computed,

with |B| the sum of the terms with all signs taken as +; the best k is kept. Where no pole is left up to s = λ + 6, that power
stands for t^{−1/2} after the last block. To it comes the change from one grid of the interpolation to the next finer one, and
e^{−t min u} for the far faces. None of this is a bound.

Reading order: `estimate`, `_truncated`, `_block`.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import sympy as sp
from flint import arb, ctx, fmpq

from theory.zeta import continuation as zeta
from theory.zeta.balls import ball, evaluator
from theory.zeta.chart import Chart
from theory.zeta.interpolation import polar_part
from theory.zeta.precision import current_digits, rational
from theory.zeta.series import gamma

Charts = tuple[Chart, ...]
BLOCKS = 12
MOST_TERMS = 150
HALF = sp.Rational(1, 2)


def estimate(charts: Charts, t: sp.Rational) -> arb:
    """The integral at t with a radius that is an estimate."""
    tau, wanted = arb(rational(t)), arb(10) ** (-current_digits())
    value = _truncated(charts, tau, 0)
    for level in (1, 2):
        before, value = value, _truncated(charts, tau, level)
        change = abs(arb(value.mid()) - arb(before.mid())).upper()
        if change < arb(value.rad()) + wanted * abs(value):
            break
    edge = (-tau * _least_unit(charts)).exp() * abs(value) * (tau.log() * rational(zeta.first(charts))).exp()
    return value + arb(0, (change + edge).upper())


def _truncated(charts: Charts, tau: arb, level: int) -> arb:
    wanted, first = arb(10) ** (-current_digits()), zeta.first(charts)
    places = zeta.candidates(charts, first + BLOCKS * HALF)
    blocks: list[tuple[arb, arb]] = []
    best, terms, gap = arb(0), 0, HALF
    for n in range(BLOCKS):
        inside = [s for s in places if (n == 0 or n * HALF < s - first) and s - first <= (n + 1) * HALF]
        if not inside:  # the next pole is farther right
            continue
        terms += len(inside) * len(charts)
        if len(blocks) > 1 and terms > MOST_TERMS:
            break
        blocks.append(_block(charts, inside, tau, level))
        if inside[-1] == places[-1]:  # no pole is left as far as was looked
            gap = first + BLOCKS * HALF - inside[-1]
        cuts = [_cut(blocks, k, (-tau.log() * rational(HALF)).exp()) for k in range(1, len(blocks))]
        if gap > HALF or len(blocks) == 1:
            cuts.append(_cut(blocks, len(blocks), (-tau.log() * rational(gap)).exp()))
        best = min(cuts, key=lambda b: b.rad())
        worse = len(blocks) > 2 and blocks[-1][1] > blocks[-2][1]
        if len(blocks) > 1 and (worse or arb(best.rad()) < wanted * abs(best)):
            break
    return best


def _cut(blocks: Sequence[tuple[arb, arb]], k: int, step: arb) -> arb:
    """B_1 + … + B_k, the next block taken for `step` times the last one."""
    radius = 2 * (blocks[k - 1][1] * step + sum((size for _, size in blocks[k:]), arb(0)))
    return sum((value for value, _ in blocks[:k]), arb(0)) + arb(0, radius.upper())


def _block(charts: Charts, places: Sequence[sp.Rational], tau: arb, level: int) -> tuple[arb, arb]:
    """(Σ t^{−s} P_s(log t), the same with all signs taken as +)."""
    log, value, size = tau.log(), arb(0), arb(0)
    for s in places:
        power, whole, absolute = (-log * rational(s)).exp(), arb(0), arb(0)
        for j, c in enumerate(_polynomial(charts, s, level, ctx.prec)):
            whole += c * log**j
            absolute += abs(c) * abs(log) ** j
        value += power * whole
        size += power * absolute
    return value, size


@lru_cache(maxsize=4096)
def _polynomial(charts: Charts, s: sp.Rational, level: int, _: int) -> list[arb]:
    """P_s: the coefficient of L^j is [ε^{−1−j}] Γ(s−ε) ζ(−s+ε) over j!                                           (1.2)."""
    polar = polar_part(charts, s, level)
    order = len(polar)
    front = [ball(c) for c in gamma(s, sp.Integer(-1), order).coefficients] if order else []
    found = []
    for j in range(order):
        k = order - 1 - j
        found.append(sum((front[i] * polar[k - i] for i in range(k + 1)), arb(0)) / arb(j).fac())
    return found


@lru_cache(maxsize=256)
def _least_unit(charts: Charts) -> arb:
    """The least value of the units on a grid: what happens at K = u on the far faces is about e^{−tu}."""
    least: arb | None = None
    for c in charts:
        function = evaluator(c.unit, c.variables)
        for corner in product((fmpq(0), fmpq(1, 2), fmpq(1)), repeat=len(c.variables)):
            u = function([arb(x) for x in corner])
            least = u if u.is_finite() and (least is None or u < least) else least
    return least or arb(0)

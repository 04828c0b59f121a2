"""∫ e^{−tK} φ at a given t by Mellin inversion along a line: for all t, its error estimated.

With ζ(−s) as a number at complex s (`theory.zeta.interpolation`) and λ the first pole,

    Z(t) = (1/2πi) ∫ Γ(s) t^{−s} ζ(−s) ds = (1/π) Re ∫_0^∞ Γ(s) t^{−s} ζ(−s) (ds/i dθ) dθ,
    s = a + μ (sin η cosh θ + i cos η sinh θ),

by the trapezoidal rule in θ: a hyperbola around the poles of ζ(−s), which passes between 0 and λ and bends to the right by the
angle η = 2/5, (log t min u)/8 if that is less, and 0 at t min u < 1, so that (tu)^{−s} helps Γ(s) to fall. Moved by iβ,
|β| < η + ψ, the hyperbola is one of the angle η + β. Here tan ψ = (π/2)/(log t + 1) is where the growth of t^{−s} to the left
begins to outweigh Γ(s), and a + μ sin(2η + ψ) = λ: neither λ nor 0 is reached. Integrals over several charts share a line,
those that fall faster in t being asked for so many digits more.

The rule of step h errs by about e^{−2π(η+ψ)/h}, and by more where t min u is small, for Γ(s) grows at last to the right: then
halving h multiplies the exponent by less than 2. The radius is the sum of

    e^{−qE_2} relative to the sum of moduli: e^{−E_n} the change from step nh to h, (4/3)^p = E_3/E_4, E_2 at most (3/2)^p E_3 (a
    change may be small by chance), q = 2^p, at most 4/3 without a bend and 7/4 with all of it, p then (3/2)^p = E_2/E_3 if that
    is less, and 1/2 at least;
    the last term by the sum of a geometric series of the rate at which the last terms fall, ten times at least;
    four times the change of the whole when the interpolants lose their last coefficients: they need not fall faster than k^{−3};
    Σ |c| (|c|/|ζ|)^{1/8} over the terms, c the change of each: what is left of it where the coefficients fall geometrically, and
    all of it where u^{−s}, far along the line, is not resolved.

They are estimates, and no bound.

Reading order: `inverted`, `_Line`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import sympy as sp
from flint import acb, arb, ctx, fmpq

from theory.zeta import continuation as zeta
from theory.zeta import interpolation
from theory.zeta.balls import evaluator
from theory.zeta.chart import Chart
from theory.zeta.grids import Point, fitted_grids
from theory.zeta.precision import rational

TILT, NEARLY = fmpq(2, 5), fmpq(19, 20)
RATE, MOST_RATE = fmpq(4, 3), fmpq(7, 4)  # of the exponents from step 2h to h, without a bend and with all of it
LEAST_POWER = fmpq(1, 2)  # of 1/h in the exponents, however slow
GUARD = 2  # digits that the bend to the right costs
MANY = 40  # nodes for a digit, at t < 1 too
WORK = 375_000  # values of F in all, to 13 digits; more digits than they reach are not had


def inverted(known: Mapping[Chart, arb], t: sp.Rational, digits: int) -> dict[Chart, arb]:
    """∫ e^{−tK} φ over every one of the charts, which have zeros of K, at t to about so many digits.

    `known` is what a series had, a ball without a finite radius where it had nothing; where it is better it is kept.
    """
    decades = (arb(rational(t)).log() / arb(10).log()).mid()
    found, rest = dict(known), sorted(known, key=zeta.first)
    while rest:
        first = zeta.first(rest[0])
        lost = {c: max(decades * rational(zeta.first(c) - first), arb(0)) for c in rest}
        together = {c: loss for c, loss in lost.items() if 2 * loss <= digits}
        for c, value in _along(together, found, arb(rational(t)), digits).items():
            found[c] = value if not found[c].rad() < value.rad() else found[c]
        rest = [c for c in rest if c not in together]
    return found


def affordable(digits: int) -> int:
    """How many values of F a call may take: more for more digits."""
    return WORK * digits**3 // 13**3


class _Line(NamedTuple):
    """s = a + μ (sin η cosh θ + i cos η sinh θ) at θ = 0, h, 2h, …"""

    a: arb
    mu: arb
    tilt: tuple[arb, arb]
    step: arb
    rate: arb

    @staticmethod
    def of(first: sp.Rational, t: arb, least: arb, digits: int) -> "_Line":
        """For t, and units not below `least`."""
        lam, log = arb(rational(first)), max(t.log(), arb(0)) + 1
        tilt, left = max(min(arb(TILT), (t * least).log() / 8), arb(0)), (arb.pi() / 2 / log).atan()
        rate = RATE + (MOST_RATE - RATE) * tilt / TILT
        mu = min(3 / log, lam * NEARLY) / (left.sin() + (2 * tilt + left).sin())
        step = 2 * arb.pi() * (tilt + left) / (2 / rate * digits * arb(10).log() + 6)
        a = lam - mu * (2 * tilt + left).sin()
        return _Line(arb(a.mid()), arb(mu.mid()), (arb(tilt.sin().mid()), arb(tilt.cos().mid())), arb(step.mid()), rate)

    def node(self, k: int) -> tuple[acb, acb]:
        """(s, ds/dθ over i); s an exact point."""
        theta, (sin, cos) = k * self.step, self.tilt
        s = acb((self.a + self.mu * sin * theta.cosh()).mid(), (self.mu * cos * theta.sinh()).mid())
        return s, self.mu * acb(cos * theta.cosh(), -sin * theta.sinh())

    def length(self, log: arb, digits: int) -> int:
        """How many nodes there are before |Γ(s) t^{−s} ds| has lost so many digits; at most MANY for each of them."""
        least, k = self._size(0, log) * arb(10) ** -digits, 1
        while k < MANY * digits and not self._size(k, log) < least:
            k += 1
        return k + 1

    def places(self, log: arb, digits: int) -> list[tuple[Point, int]]:
        """Two s where |Γ(s) t^{−s} ds| has lost a third and two of the digits, to eighths, and the digits that are left."""
        found = []
        for lost in (digits // 3, 2 * digits // 3):
            s, _ = self.node(self.length(log, lost) - 1)
            parts = ((8 * part).floor().unique_fmpz() or 0 for part in (s.real, s.imag))
            real, imaginary = (fmpq(int(part), 8) for part in parts)
            found.append(((real, imaginary), digits - lost))
        return found

    def _size(self, k: int, log: arb) -> arb:
        s, speed = self.node(k)
        return abs((s.gamma() * (-log * s).exp()) * speed).mid()


def _along(lost: Mapping[Chart, arb], known: Mapping[Chart, arb], t: arb, digits: int) -> dict[Chart, arb]:
    """Along one line, on which each integral loses so many digits; those that are known as well already are left out."""
    charts, most = list(lost), affordable(digits)
    digits += GUARD + int(max(lost.values(), key=arb.mid).upper().ceil().unique_fmpz() or 0)
    while charts:
        first = min(map(zeta.first, charts))
        near = rational(first) / 2
        least = min((least_unit(c) for c in charts), key=arb.mid)
        line, log = _Line.of(first, t, min(least, arb(1)), digits), (t * min(least, arb(1))).log()
        nodes = line.length(log, digits)
        grids = fitted_grids(charts, near, digits, near, line.places(log, digits))
        if nodes * sum(grid.size for grid in grids.values()) < most or digits <= 5:
            break
        digits -= 1
        charts = [c for c in charts if not known[c].rad() < abs(known[c]) * arb(10) ** (lost[c] - digits)]
    else:
        return {}
    points, log = [line.node(k) for k in range(nodes)], t.log()
    zetas = interpolation.values(charts, [s for s, _ in points], grids)
    fronts = [
        s.gamma() * (-log * s).exp() * speed * line.step / arb.pi() / (1 if k else 2)
        for k, (s, speed) in enumerate(points)
    ]
    return {c: _summed(fronts, zetas[c], line.rate) for c in charts}


def _summed(fronts: Sequence[acb], zetas: interpolation.Twice, rate: arb) -> arb:
    """Σ Re front ζ, with its radius."""
    terms, rough = ([f * z for f, z in zip(fronts, each, strict=True)] for each in zetas)
    total, sizes = sum(terms, acb(0)).real, [abs(a).mid() for a in terms]
    left = sum((interpolation.remaining(abs(a - b), a) for a, b in zip(terms, rough, strict=True)), arb(0))
    moved = interpolation.SLOWLY * abs(total - sum(rough, acb(0)).real)
    return total + arb(0, (_rule(terms, rate) + _tail(sizes) + moved + left).upper())


def _rule(terms: Sequence[acb], rate: arb) -> arb:
    """size e^{−qE_2}, as above, from the sums of step h, 2h, 3h and 4h."""
    size = sum(map(abs, terms), arb(0)).mid()
    fine, *coarser = (n * (sum(terms[::n], acb(0)).real.mid()) for n in (1, 2, 3, 4))
    two, three, four = (-max(abs(a - fine) / size, arb(2) ** -ctx.prec).log() for a in coarser)
    if not (two > 0 and three > 0 and four > 0):
        return size
    power = max((three / four).log() / (arb(4) / 3).log(), arb(LEAST_POWER))
    two = min(two, three * arb(fmpq(3, 2)) ** power)
    power = max(min(power, (two / three).log() / arb(fmpq(3, 2)).log()), arb(LEAST_POWER))
    return size * (-min(arb(2) ** power, rate) * two).exp()


def _tail(sizes: Sequence[arb]) -> arb:
    """What terms of such sizes leave out: their last, times 1/(1 − the rate at which the last ones fall), and ten at least."""
    before = min(len(sizes) - 1, 6)
    if not sizes[-1] < sizes[-1 - before]:
        return sum(sizes, arb(0))
    rate = (sizes[-1] / sizes[-1 - before]).root(before)
    return sizes[-1] * max(1 / (1 - rate), arb(10))


@lru_cache(maxsize=256)
def least_unit(c: Chart) -> arb:
    """The least value of the unit on a grid: what happens at K = u on the far faces is about e^{−tu}."""
    function = evaluator(c.unit, c.variables)
    corners = product((arb(0), arb(1) / 2, arb(1)), repeat=len(c.variables))
    return min((u for x in corners if (u := function(x)).is_finite()), default=arb(0), key=arb.mid)

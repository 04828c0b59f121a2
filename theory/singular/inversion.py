"""∫ e^{−tK} φ at a given t by Mellin inversion along a line: for all t, its error estimated.

With ζ(−s) as a number at complex s (`theory.zeta.interpolation`), λ the first pole and 0 < c < λ,

    Z(t) = (1/2πi) ∫_{Re s = c} Γ(s) t^{−s} ζ(−s) ds = (1/π) Re ∫_0^∞ Γ(s) t^{−s} ζ(−s) (ds/i dθ) dθ,   s = c + iμ sinh θ,

by the trapezoidal rule in θ. Left of all poles |ζ(−s)| ≤ ζ(−c), and |Γ(s)| falls like e^{−π|s|/2}, which ends the sum. In the strip
|Im θ| < β the line bends by an angle β: at tan β = (π/2)/(log t + 1) the growth of t^{−s} to the left begins to outweigh Γ(s), and
with μ sin β = λ − c neither λ nor 0 is reached. The rule of step h errs by about e^{−2πβ/h}. The radius is the sum of

    the square of the change from step 2h to h, relative to the sum of moduli (an exponential rate doubles its exponent);
    ten times the last term;
    the change to a finer grid at every eighth node, as large at the others.

They are estimates, and no bound.

Reading order: `inverted`, `_Line`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import sympy as sp
from flint import acb, arb

from theory.zeta import continuation as zeta
from theory.zeta import interpolation
from theory.zeta.chart import Chart
from theory.zeta.precision import rational

CHECKED = 8  # every so many nodes the grid is compared with a finer one
MOST_WORK = 250_000  # values of F in all; more digits than they reach are not had


def inverted(charts: Sequence[Chart], t: sp.Rational, digits: int) -> dict[Chart, arb]:
    """∫ e^{−tK} φ over every one of the charts, which have zeros of K, at t to about so many digits."""
    lines: dict[sp.Rational, list[Chart]] = {}
    for c in charts:
        lines.setdefault(zeta.first(c), []).append(c)
    found: dict[Chart, arb] = {}
    for first, together in lines.items():
        found |= _along(together, first, arb(rational(t)), digits)
    return found


class _Line(NamedTuple):
    """s = c + iμ sinh θ at θ = 0, h, 2h, …"""

    c: arb
    mu: arb
    step: arb

    @staticmethod
    def of(first: sp.Rational, t: arb, digits: int) -> "_Line":
        lam, log = arb(rational(first)), max(t.log(), arb(0)) + 1
        width = min(arb(3) / 2 / log, lam / 2)
        beta = (arb.pi() / 2 / log).atan()
        step = 2 * arb.pi() * beta / (digits * arb(10).log() + 3)
        return _Line(arb((lam - width).mid()), arb((width / beta.sin()).mid()), arb(step.mid()))

    def node(self, k: int) -> tuple[acb, arb]:
        """(s, ds/dθ over i); s an exact point."""
        theta = k * self.step
        return acb(self.c, arb((self.mu * theta.sinh()).mid())), self.mu * theta.cosh()

    def length(self, tolerance: arb) -> int:
        """How many nodes there are before |Γ(s) ds| falls below the tolerance, relative to its start."""
        k, start = 1, self.c.gamma() * self.mu
        while True:
            s, speed = self.node(k)
            if abs(s.gamma()) * speed < tolerance * start:
                return k + 1
            k += 1


def _along(charts: list[Chart], first: sp.Rational, t: arb, digits: int) -> dict[Chart, arb]:
    log, near = t.log(), rational(first) / 2
    while True:
        line = _Line.of(first, t, digits)
        nodes, grids = line.length(arb(10) ** -digits), interpolation.fit(charts, near, digits, near)
        if nodes * sum(grid.size for grid in grids.values()) < MOST_WORK or digits <= 5:
            break
        digits -= 1
    finer = interpolation.finer(grids)
    terms: dict[Chart, list[arb]] = {c: [] for c in charts}
    doubt = dict.fromkeys(charts, arb(0))
    for k in range(nodes):
        s, speed = line.node(k)
        front = s.gamma() * (-log * s).exp() * speed * line.step / arb.pi() / (1 if k else 2)
        now = interpolation.values(charts, s, grids)
        for c in charts:
            terms[c].append((front * now[c]).real)
        if k % CHECKED == 0:
            after = interpolation.values(charts, s, finer)
            for c in charts:
                doubt[c] += CHECKED * abs(front * (after[c] - now[c])).mid()
    return {c: _with_radius(terms[c], doubt[c]) for c in charts}


def _with_radius(terms: list[arb], doubt: arb) -> arb:
    total, size = sum(terms, arb(0)), sum(map(abs, terms), arb(0))
    change = abs(arb(total.mid()) - arb(2 * sum(terms[::2], arb(0)).mid()))
    return total + arb(0, (change**2 / size + 10 * abs(terms[-1]) + doubt).upper())

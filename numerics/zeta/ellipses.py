"""Bernstein ellipses for the factors of a chart: chosen in floating point, proved by a cover of their boundaries.

Idea
----
For [0, 1] the ellipse E_ρ is {(1 + (w + 1/w)/2)/2 : 1 ≤ |w| ≤ ρ}. Let T be the product of the boundary curves of
E_{ρ_1}, …, E_{ρ_d}. `bounds` covers T with boxes and proves

    M ≥ |F_0|,   Λ ≥ |log u|     on E_{ρ_1} × … × E_{ρ_d},      F_0 = b Π p_j^{e_j z_0 + f_j},  u = Π p_j^{e_j}.

By the maximum principle T suffices, and analyticity inside is proved there too: if p_j keeps off (−∞, 0] on T, then log p_j
is continuous on T, so all winding numbers vanish and p_j has no zero inside (DeCarlo, Murray and Saeks: a holomorphic
function without zeros on the torus whose winding number in each variable is 0 has none in the polydisc). The branch is real
on the box since p_j is real there: so p_j > 0 on the box is proved as well. |w^z| ≤ |w|^{Re z} e^{|Im z arg w|} is symmetric
under conjugation, so half of T is enough.

ρ and the number of nodes are steered by floats: `Plan.steer` walks along a ladder of ρ_i to the least number of nodes.

Notation: M, Λ bounds; T the torus; arcs are (middle, half-width) in turns.
Reading order: `bounds`, `Plan`.

Reference: R. DeCarlo, J. Murray, R. Saeks, "Multivariable Nyquist theory", Int. J. Control 25 (1977) 657–675.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import sympy as sp
from flint import acb, arb, fmpq

from numerics.precision import current_digits, digits
from numerics.zeta.charts import Chart
from numerics.zeta.entire import evaluator

NODES = {1: 200, 2: 8_000, 3: 250_000, 4: 600_000}
LADDER = np.exp(np.linspace(math.log(1.2), math.log(60.0), 34))
ARCS = {1: 48, 2: 20, 3: 10, 4: 6}


class Plan(NamedTuple):
    """Steering in floating point: ρ_i and node counts, whether they are worth trying, the axis to cut otherwise, and the
    logarithm of what cancels.
    """

    ellipses: tuple[float, ...]
    counts: tuple[int, ...]
    good: bool
    worst: int
    loss: float

    def narrower(self, d: int) -> "Plan":
        """Ellipses whose log ρ is smaller by a sixth, with as many more nodes."""
        counts = tuple(math.ceil(1.2 * n) for n in self.counts)
        return self._replace(
            ellipses=tuple(rho ** (5 / 6) for rho in self.ellipses),
            counts=counts,
            good=math.prod(counts) <= 2 * NODES.get(d, 0),
        )

    @staticmethod
    def steer(c: Chart, z: fmpq | acb) -> "Plan":
        d = c.dimension
        measure = _float_measure(c, z)
        target = current_digits() * math.log(10) + 6
        powers = _powers(c, z)
        levels = [0] * d

        def cost(trial: Sequence[int]) -> tuple[float, list[float]]:
            size = measure([float(LADDER[l]) for l in trial])
            nodes = [(target + max(size, 0.0)) / math.log(LADDER[l]) + 6 for l in trial]
            lost = sum(_growth(a, n) for a, n in zip(powers, nodes, strict=True)) if math.isfinite(size) else math.inf
            counts = [n + 1.2 * lost / math.log(LADDER[l]) for n, l in zip(nodes, trial, strict=True)]
            return math.fsum(map(math.log, counts)) if math.isfinite(size) else math.inf, counts

        best, counts = cost(levels)
        step = 8
        while step:
            moved = False
            for trial in (
                [l + step for l in levels],
                *([l + step * (i == j) for j, l in enumerate(levels)] for i in range(d)),
            ):
                if max(trial) >= len(LADDER):
                    continue
                value, n = cost(trial)
                if value < best:
                    best, counts, levels, moved = value, n, list(trial), True
            step = step if moved else step // 2
        worst = int(np.argmin(levels)) if math.isfinite(best) else _narrowest(measure, d)
        good = math.isfinite(best) and math.prod(counts) <= NODES.get(d, 0)
        sizes = tuple(math.ceil(n) if math.isfinite(n) else 0 for n in counts)
        loss = sum(_growth(a, n) for a, n in zip(powers, sizes, strict=True))
        return Plan(tuple(float(LADDER[l]) for l in levels), sizes, good, worst, loss)


def _powers(c: Chart, z: fmpq | acb) -> list[float]:
    """Re(κ_i z + h_i)."""
    real = float(arb(z)) if isinstance(z, fmpq) else float(z.real)
    return [float(arb(k)) * real + float(arb(h)) for k, h in zip(c.orders, c.jacobian, strict=True)]


def _growth(a: float, n: float) -> float:
    """log max_k |m_k(a)|, k ≤ n, about: what cancels between the weights."""
    if a > -1.5 or not math.isfinite(n):
        return 0.0
    top = math.lgamma(n - a) - math.lgamma(-a)  # Π |a − j|, j < n
    split = min(n, -a - 1)
    return top - (math.lgamma(-a) - math.lgamma(-a - split)) - math.lgamma(n - split + 1)


def _narrowest(measure: Callable[[Sequence[float]], float], d: int) -> int:
    """The axis along which analyticity ends first, the others kept real."""
    reach = []
    for i in range(d):
        levels = [l for l in LADDER if math.isfinite(measure([float(l) if j == i else 1.0001 for j in range(d)]))]
        reach.append(max(levels, default=1.0))
    return int(np.argmin(reach))


def _float_measure(c: Chart, z: fmpq | acb) -> Callable[[Sequence[float]], float]:
    """ρ ↦ log max |F_0| over sample points of T less its mean over the box; ∞ where a factor meets (−∞, 0]."""
    lambdas = [(sp.lambdify(c.variables, f.base, "numpy"), f) for f in c.factors]
    density = sp.lambdify(c.variables, c.density, ["numpy", "scipy"])
    real = float(arb(z)) if isinstance(z, fmpq) else float(z.real)
    imag = 0.0 if isinstance(z, fmpq) else abs(float(z.imag))
    d = c.dimension
    count = {1: 64, 2: 20, 3: 10}.get(d, 6)
    angles = [np.pi * np.arange(count // 2 + 1) / (count // 2), *[2 * np.pi * np.arange(count) / count] * (d - 1)]

    def logs(points: Sequence[np.ndarray]) -> float:
        with np.errstate(all="ignore"):
            total = np.log(np.abs(density(*points)) + 1e-300) + 0 * np.real(points[0])
            for function, f in lambdas:
                p = function(*points) + 0 * points[0]
                if not np.isfinite(p).all() or (np.abs(np.angle(p)) > 2.9).any() or (p == 0).any():
                    return math.inf
                power = float(arb(f.order)) * real + float(arb(f.jacobian))
                total = total + power * np.log(np.abs(p)) + imag * abs(float(arb(f.order))) * np.abs(np.angle(p))
        return float(total.max()) if np.isfinite(total).all() else math.inf

    middle = logs([np.array([0.5 + 0j])] * d)

    def measure(rho: Sequence[float]) -> float:
        curves = [(1 + (r * np.exp(1j * t) + np.exp(-1j * t) / r) / 2) / 2 for r, t in zip(rho, angles, strict=True)]
        grid = [g.ravel() for g in np.meshgrid(*curves, indexing="ij")]
        return logs(grid) - (middle if math.isfinite(middle) else 0.0)

    return measure


def bounds(c: Chart, z: fmpq | acb, rho: Sequence[float]) -> tuple[arb, arb] | None:
    """(M, Λ) proved on T, or None where the factors could not be kept off (−∞, 0]."""
    exact = isinstance(z, fmpq)
    real, imag = (arb(z), arb(0)) if exact else (z.real, abs(z.imag))
    pieces, budget = _arcs(c.dimension, tuple(rho)), 40_000
    with digits(8):
        bases = [(evaluator(f.base, c.variables), f) for f in c.factors]
        density = evaluator(c.density, c.variables)
        largest, log_unit = arb(0), arb(0)
        queue = [(cell, 0) for cell in product(*pieces)]
        while queue:
            budget -= 1
            cell, level = queue.pop()
            point = [_arc(t, w, r) for (t, w), r in zip(cell, rho, strict=True)]
            found = _cell_bound(point, bases, density, real, imag)
            if found is None:
                if level >= 5 or budget < 0:
                    return None
                queue += [(smaller, level + 1) for smaller in product(*map(_halves, cell))]
                continue
            largest, log_unit = largest.max(found[0]), log_unit.max(found[1])
    return largest, log_unit


def _cell_bound(
    point: Sequence[acb], bases: Sequence, density: Callable, real: arb, imag: arb
) -> tuple[arb, arb] | None:
    exponent, unit = arb(0), acb(0)
    for base, f in bases:
        p = acb(base(point))
        if not p.is_finite() or (p.imag.contains(0) and not p.real > 0):
            return None
        log = p.log()
        exponent += (real * f.order + f.jacobian) * log.real + imag * abs(arb(f.order) * log.imag)
        unit += log * f.order
    size = abs(acb(density(point))) * exponent.exp()
    if not size.is_finite():
        return None
    return arb(size.upper()), arb(abs(unit).upper())


@cache
def _arcs(d: int, rho: tuple[float, ...]) -> list[list[tuple[fmpq, fmpq]]]:
    """(middle, half-width)/2π of arcs that cover T; by symmetry the first coordinate runs over the upper half only."""
    n = ARCS.get(d, 4)
    whole = [(fmpq(2 * k + 1, 2 * n), fmpq(1, 2 * n)) for k in range(n)]
    half = [(fmpq(2 * k + 1, 2 * n), fmpq(1, 2 * n)) for k in range(n // 2)]
    return [half, *[whole] * (d - 1)]


def _halves(arc: tuple[fmpq, fmpq]) -> Iterator[tuple[fmpq, fmpq]]:
    middle, width = arc
    return iter([(middle - width / 2, width / 2), (middle + width / 2, width / 2)])


def _arc(middle: fmpq, width: fmpq, rho: float) -> acb:
    """The box of (1 + (ρe^{iθ} + e^{−iθ}/ρ)/2)/2 over an arc."""
    theta = 2 * arb.pi() * (arb(middle) + arb(0, arb(width).upper()))
    r = arb(rho)
    x, y = (r + 1 / r) / 2 * theta.cos(), (r - 1 / r) / 2 * theta.sin()
    return acb((1 + x) / 2, y / 2)

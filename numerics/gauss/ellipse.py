"""Proved error bounds of Gauss–Legendre quadrature in several variables, from Bernstein ellipses.

Idea
----
The ellipse E_ρ has the foci ±1 and the semi-axes (ρ ± ρ^{−1})/2, ρ > 1.

**Theorem (one variable; Trefethen, *Approximation Theory and Approximation Practice*, theorem 19.3).** Let g be analytic
on a neighbourhood of the filled ellipse and |g| ≤ M on E_ρ. The Gauss–Legendre rule G_N, N ≥ 2, satisfies

    |∫_{−1}^1 g − G_N g| ≤ (64/15) M ρ^{−2N} / (1 − ρ^{−2}).

*Proof.* With x = (z + 1/z)/2, z on the circle |z| = ρ, the Chebyshev coefficients a_k of g are 1/(πi) ∮ g z^{−1−k} dz,
so |a_k| ≤ 2Mρ^{−k} (|g| ≤ M on the boundary suffices, by the maximum principle). G_N is exact up to degree 2N − 1, and for
odd T_k integral and rule vanish by symmetry. For even k ≥ 2N ≥ 4, |∫T_k| = 2/(k² − 1) ≤ 2/15 and |G_N T_k| ≤ 2, as the
weights are positive with the sum 2. Hence the error is at most Σ_{k = 2N, 2N+2, …} 2Mρ^{−k} (2 + 2/15). ∎

**Several variables, one at a time.** On a panel Q = Π [c_j ± r_j], with rules G_1, …, G_d,

    I_1 I_2 I_3 − G_1 G_2 G_3 = (I_1 − G_1) I_2 I_3 + G_1 (I_2 − G_2) I_3 + G_1 G_2 (I_3 − G_3),

and since G_i and I_i are positive with total weight 2r_i, with M_j = sup |g| for x_j ∈ c_j + r_j E_{ρ_j}, the other
variables real in Q,

    |I − G| ≤ |Q| (32/15) Σ_j M_j ρ_j^{−2N_j} / (1 − ρ_j^{−2}).

Here g = f e^{−(V − level)}. What is proved on rectangles (see `rectangles`): |g| ≤ M_j, by branch and bound on arcs of
the ellipse times real boxes (the upper half suffices, since g is real on R^d); and analyticity, by covering the *filled*
ellipse with rectangles on which every subexpression that is not entire is holomorphic.

Notation: P panels, m amplitudes; θ the angle of a point of the ellipse, u ∈ [−1, 1] the coordinate of a real variable.
Reading order: `Panels`, `Geometry`, `suprema`, `holomorphic`, `error_bound`, `fit_ellipses`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import arb, ctx

from numerics.gauss import outward
from numerics.gauss.compiled import Program
from numerics.gauss.integrand import Integrand
from numerics.gauss.outward import Interval
from numerics.gauss.rectangles import Rectangles

ANGLE = 3.2
ARCS = 8
BOUND_BITS = 80
HOPELESS = 10**6
ATTEMPTS = 14
SHRINK = 0.8


class Panels(NamedTuple):
    """P boxes by their ends [P][d], as balls."""

    lower: tuple[tuple[arb, ...], ...]
    upper: tuple[tuple[arb, ...], ...]

    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """(lower, upper) float bounds of the centres [P, d]."""
        return _float_ends([[(a + b) / 2 for a, b in zip(*rows, strict=True)] for rows in self._rows()])

    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        return _float_ends([[(b - a) / 2 for a, b in zip(*rows, strict=True)] for rows in self._rows()])

    def _rows(self) -> Any:
        return zip(self.lower, self.upper, strict=True)


def _float_ends(rows: list[list[arb]]) -> Interval:
    with ctx.workprec(BOUND_BITS):
        low = np.array([[math.nextafter(float(x.lower()), -math.inf) for x in row] for row in rows])
        high = np.array([[math.nextafter(float(x.upper()), math.inf) for x in row] for row in rows])
    return low, high


def _semi_axes(rho: np.ndarray) -> tuple[Interval, Interval]:
    """(ρ ± 1/ρ)/2 with room for rounding."""
    a, b = (rho + 1 / rho) / 2, (rho - 1 / rho) / 2
    return (a * (1 - 1e-14), a * (1 + 1e-14)), (b - a * 1e-14, b + a * 1e-14)


class _Boxes(NamedTuple):
    """Boxes in problem coordinates: their panel [n] and ends [n, k]; k coordinates, the first of the ellipse."""

    panel: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def take(self, which: np.ndarray) -> "_Boxes":
        return _Boxes(self.panel[which], self.low[which], self.high[which])

    def halved(self, axis: np.ndarray) -> "_Boxes":
        rows = np.arange(len(axis))
        middle = (self.low[rows, axis] + self.high[rows, axis]) / 2
        first, second = self.high.copy(), self.low.copy()
        first[rows, axis] = middle
        second[rows, axis] = middle
        return _Boxes(
            np.concatenate([self.panel, self.panel]),
            np.concatenate([self.low, second]),
            np.concatenate([first, self.high]),
        )


def _grid_boxes(count: int, lows: Sequence[float], highs: Sequence[float], pieces: Sequence[int]) -> _Boxes:
    """Every panel's coordinate box Π [lows_i, highs_i] cut into pieces_i parts along coordinate i."""
    edges = [np.linspace(a, b, n + 1) for a, b, n in zip(lows, highs, pieces, strict=True)]
    low = np.stack(np.meshgrid(*(e[:-1] for e in edges), indexing="ij"), axis=-1).reshape(-1, len(edges))
    high = np.stack(np.meshgrid(*(e[1:] for e in edges), indexing="ij"), axis=-1).reshape(-1, len(edges))
    panel = np.repeat(np.arange(count), len(low))
    return _Boxes(panel, np.tile(low, (count, 1)), np.tile(high, (count, 1)))


class Geometry(NamedTuple):
    """Float bounds of the centres and half-widths of the panels [P, d], and the ρ of one axis [P]."""

    centres: Interval
    halves: Interval
    axis: int
    rho: np.ndarray

    @property
    def others(self) -> list[int]:
        return [i for i in range(self.centres[0].shape[1]) if i != self.axis]

    def _scaled(self, boxes: _Boxes, i: int, u: Interval) -> Interval:
        low, high = self.centres
        return outward.plus((low[boxes.panel, i], high[boxes.panel, i]), self._stretched(boxes, i, u))

    def _stretched(self, boxes: _Boxes, i: int, u: Interval) -> Interval:
        low, high = self.halves
        return outward.times((low[boxes.panel, i], high[boxes.panel, i]), u)

    def _with_real(self, boxes: _Boxes, first: int, complex_: Rectangles) -> list[Rectangles]:
        result: list[Rectangles] = [complex_] * (len(self.others) + 1)
        for k, i in enumerate(self.others):
            result[i] = Rectangles(self._scaled(boxes, i, (boxes.low[:, first + k], boxes.high[:, first + k])))
        return result

    def arcs(self, boxes: _Boxes) -> list[Rectangles]:
        """Coordinates (θ, u of the others): an arc of the ellipse times real intervals."""
        a, b = _semi_axes(self.rho[boxes.panel])
        theta = (boxes.low[:, 0], boxes.high[:, 0])
        shifted = (theta[0] - math.pi / 2 - 1e-15, theta[1] - math.pi / 2 + 1e-15)  # sin θ = cos(θ − π/2)
        re = self._scaled(boxes, self.axis, outward.times(a, outward.cos(theta)))
        height = outward.times(b, outward.cos(shifted))
        im = self._stretched(boxes, self.axis, height)
        return self._with_real(boxes, 1, Rectangles(re, im))

    def filled(self, boxes: _Boxes) -> list[Rectangles]:
        """Coordinates (x, y in units of the semi-axes, u of the others)."""
        a, b = _semi_axes(self.rho[boxes.panel])
        re = self._scaled(boxes, self.axis, outward.times(a, (boxes.low[:, 0], boxes.high[:, 0])))
        height = outward.times(b, (boxes.low[:, 1], boxes.high[:, 1]))
        im = self._stretched(boxes, self.axis, height)
        return self._with_real(boxes, 2, Rectangles(re, im))


def suprema(
    integrand: Integrand,
    geometry: Geometry,
    scale: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    max_boxes: int = 4000,
) -> np.ndarray:
    """Proved upper bounds of log sup |f_i e^{−(V − level)}| on the ellipses of one axis: [m, P].

    scale [m]: the amplitudes are compared after subtraction of these logarithms; targets [P]: boxes below them are not
    refined further (steering); weights [P, d]: how much the potential varies along (θ, others), which decides where a
    box is halved. A panel that has used up its boxes keeps the bound it has.
    """
    count, d = targets.shape[0], len(geometry.others) + 1
    boxes = _grid_boxes(count, [0.0] + [-1.0] * (d - 1), [ANGLE] + [1.0] * (d - 1), [ARCS] + [2] * (d - 1))
    result = np.full((len(scale), count), -np.inf)
    used = np.zeros(count)
    while len(boxes.panel):
        bounds = integrand.logarithms(*geometry.arcs(boxes))
        score = (bounds - scale[:, None]).max(axis=0)
        used += np.bincount(boxes.panel, minlength=count)
        open_ = (score > targets[boxes.panel]) & (used[boxes.panel] < max_boxes)
        for row, bound in zip(result, bounds, strict=True):
            np.maximum.at(row, boxes.panel[~open_], bound[~open_])
        boxes = boxes.take(open_)
        if not len(boxes.panel):
            break
        width = (boxes.high - boxes.low) * weights[boxes.panel]
        boxes = boxes.halved(width.argmax(axis=1))
    return result


def holomorphic(integrand: Integrand, geometry: Geometry, depth: int = 6, max_boxes: int = 3000) -> np.ndarray:
    """For which panels everything is proved holomorphic on the filled ellipse times the real intervals: [P].

    Functions with poles or cuts of their own (tanh, atan, …): the filled ellipse is covered by rectangles on which they
    are holomorphic. What stands under a logarithm, a root or a negative power, u: it suffices that Re u > 0 (or < 0
    throughout) on the *boundary*, since u is holomorphic inside by induction over the nesting and Re u, a harmonic
    function, is least on the boundary. Boxes that resist are cut in two along every axis that matters, `depth` times.
    """
    proved = np.ones(len(geometry.rho), dtype=bool)
    others = len(geometry.others)
    if integrand.functions.holds(geometry.axis):
        boxes = _grid_boxes(len(proved), [-1.0, 0.0] + [-1.0] * others, [1.0] * (2 + others), [2, 1] + [1] * others)
        search = _Search(integrand.functions, geometry, 2, depth, max_boxes)
        search.run(proved, boxes, lambda b: integrand.regular(*geometry.filled(b)))
    if integrand.bases.holds(geometry.axis):
        boxes = _grid_boxes(len(proved), [0.0] + [-1.0] * others, [ANGLE] + [1.0] * others, [ARCS] + [1] * others)
        signs = integrand.signs(*((geometry.centres[0] + geometry.centres[1]) / 2).T)
        search = _Search(integrand.bases, geometry, 1, depth, max_boxes)
        search.run(
            proved,
            boxes.take(proved[boxes.panel]),
            lambda b: integrand.right_of_zero(signs[:, b.panel], *geometry.arcs(b)),
        )
    return proved


class _Search(NamedTuple):
    """A cover of the boxes of all panels; coordinate `first` + k belongs to the variable `others`[k]."""

    program: Program
    geometry: Geometry
    first: int
    depth: int
    max_boxes: int

    def run(self, proved: np.ndarray, boxes: _Boxes, good: Callable[[_Boxes], np.ndarray]) -> None:
        """Set proved[panel] to False where some box is not `good` after `depth` cuts."""
        others = enumerate(self.geometry.others)
        matters = [*range(self.first), *(self.first + k for k, i in others if self.program.holds(i))]
        used = np.zeros(len(proved))
        for level in range(self.depth + 1):
            if not len(boxes.panel):
                return
            bad = ~good(boxes)
            used += np.bincount(boxes.panel, minlength=len(proved))
            boxes = boxes.take(bad)
            proved[boxes.panel if level == self.depth else boxes.panel[used[boxes.panel] >= self.max_boxes]] = False
            boxes = boxes.take(proved[boxes.panel])
            for axis in matters:
                boxes = boxes.halved(np.full(len(boxes.panel), axis))
            if self.first == 2:  # the corners outside the ellipse are not needed
                near = np.maximum(np.maximum(boxes.low[:, 0], -boxes.high[:, 0]), 0.0)
                boxes = boxes.take(near**2 + boxes.low[:, 1] ** 2 <= 1 + 1e-9)


def points_needed(excess: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """The least N ≥ 2 with excess + log(32/15) − 2N log ρ − log(1 − ρ^{−2}) ≤ 0 (steering)."""
    with np.errstate(all="ignore"):
        n = (excess + math.log(32 / 15) - np.log1p(-(rho**-2.0))) / (2 * np.log(rho))
    return np.maximum(np.ceil(np.nan_to_num(n, nan=1e9, posinf=1e9)), 2)


def error_bound(log_m: float, rho: float, n: int) -> arb:
    """(32/15) M ρ^{−2N} / (1 − ρ^{−2}): what one axis adds to the error, per unit of volume."""
    if log_m == -math.inf:
        return arb(0)
    r = arb(rho)
    return (arb(log_m).exp() * 32 / 15 * r ** (-2 * n) / (1 - r**-2)).upper()


class Ellipses(NamedTuple):
    """nodes N and ρ [P, d]; log_m [d, m, P]: proved logarithms of the suprema, by axis, amplitude and panel."""

    nodes: np.ndarray
    rho: np.ndarray
    log_m: np.ndarray


def fit_ellipses(
    integrand: Integrand, panels: Panels, steered: Any, log_tolerance: np.ndarray, share: float
) -> Ellipses:
    """Proved suprema and numbers of nodes for every panel and axis, starting from the steered ρ.

    steered: `panelling.Plan`; share: the error of one axis of one panel is to be e^{−share} of the tolerances. Where
    analyticity is not proved, or the bound comes out far above the sampled one, a smaller ellipse is tried; where no
    ellipse is proved holomorphic, N is `HOPELESS`.
    """
    centres, halves = panels.centres(), panels.halves()
    count, d = centres[0].shape
    volume = np.log(2 * halves[1]).sum(axis=1)
    nodes, rho = np.full((count, d), float(HOPELESS)), steered.rho.copy()
    log_m = np.full((d, len(log_tolerance), count), np.inf)
    gap = max(1.0, 0.04 * float(-log_tolerance.min()))
    for axis in range(d):
        order = [axis, *(i for i in range(d) if i != axis)]
        open_, trial = np.arange(count), steered.rho[:, axis].copy()
        for _ in range(ATTEMPTS):
            bounds = np.full((len(log_tolerance), len(open_)), np.inf)
            good = holomorphic(integrand, _geometry(centres, halves, axis, trial, open_))
            some = open_[good]
            if len(some):
                targets = steered.excess[some, axis] + gap
                weights = steered.variation[some][:, order]
                geometry = _geometry(centres, halves, axis, trial, some)
                bounds[:, good] = suprema(integrand, geometry, log_tolerance, targets, weights)
            excess = (bounds - log_tolerance[:, None]).max(axis=0)
            n = points_needed(excess + volume[open_] + share, trial[open_])
            better = n < nodes[open_, axis]
            chosen = open_[better]
            nodes[chosen, axis], rho[chosen, axis] = n[better], trial[chosen]
            log_m[axis][:, chosen] = bounds[:, better]
            poor = nodes[open_, axis] > 1.3 * steered.nodes[open_, axis] + 4
            open_ = open_[poor & (better | (nodes[open_, axis] >= HOPELESS))]
            if not len(open_):
                break
            trial[open_] = 1 + (trial[open_] - 1) * SHRINK
    return Ellipses(nodes.astype(int), rho, log_m)


def _geometry(centres: Interval, halves: Interval, axis: int, rho: np.ndarray, some: np.ndarray) -> Geometry:
    return Geometry((centres[0][some], centres[1][some]), (halves[0][some], halves[1][some]), axis, rho[some])

"""Which panels, which ellipses, how many nodes: floating-point steering of Gauss–Legendre quadrature.

Idea
----
A panel costs Π N_j nodes, N_j ≈ (log M_j(ρ) + budget) / (2 log ρ) for the best ρ. M_j(ρ) is sampled on a ladder of
ellipses; a panel is halved along the axis that lowers the estimated cost most, as long as it lowers it. Nothing here is
proved and nothing needs to be: `ellipse` proves M_j for whatever panel and ρ it is given.

Reading order: `Plan`, `plan`, `subdivide`.
"""

import math
from typing import NamedTuple

import numpy as np

from numerics.gauss.ellipse import Geometry, holomorphic, points_needed
from numerics.gauss.integrand import Integrand
from numerics.gauss.outward import Interval

LADDER = np.array([1.12, 1.25, 1.4, 1.6, 1.9, 2.3, 2.8, 3.5, 4.5, 6.0, 9.0, 14.0])
THETA = np.linspace(0, math.pi, 9)
ACROSS = {1: 1, 2: 7, 3: 5}
COARSE, FINE, ZOOMS = {1: 41, 2: 13, 3: 7}, {1: 9, 2: 7, 3: 5}, 5
OVERHEAD = {1: 30.0, 2: 500.0, 3: 1500.0}
LONGEST = 160
CHUNK = 400_000
PROBE_DEPTH = 3
HOPELESS = 1e8


class Plan(NamedTuple):
    """For P panels: ρ and estimated N per axis [P, d], the sampled log sup on these ellipses relative to the
    tolerances [P, d], the variation of the potential along (θ or u) of every axis [P, d], the top on real points [P].
    """

    rho: np.ndarray
    nodes: np.ndarray
    excess: np.ndarray
    variation: np.ndarray
    top: np.ndarray

    def cost(self) -> np.ndarray:
        return np.prod(self.nodes, axis=1)


def plan(integrand: Integrand, low: np.ndarray, high: np.ndarray, log_tolerance: np.ndarray, budget: float) -> Plan:
    """low, high [P, d]; log_tolerance [m]; budget = log of how much smaller than the tolerance one error must be."""
    parts = max(1, math.ceil(len(low) * _points(low.shape[1]) / CHUNK))
    pieces = [
        _plan(integrand, a, b, log_tolerance, budget)
        for a, b in zip(np.array_split(low, parts), np.array_split(high, parts), strict=True)
        if len(a)
    ]
    return Plan(*(np.concatenate(rows) for rows in zip(*pieces, strict=True)))


def _points(d: int) -> int:
    return len(LADDER) * len(THETA) * ACROSS[d] ** (d - 1)


def _plan(integrand: Integrand, low: np.ndarray, high: np.ndarray, log_tolerance: np.ndarray, budget: float) -> Plan:
    count, d = low.shape
    centre, half = (low + high) / 2, (high - low) / 2
    log_volume = np.log(2 * half).sum(axis=1)
    rho, nodes, excess, variation = (np.zeros((count, d)) for _ in range(4))
    peak, top = _peak(integrand, centre, half, log_tolerance)
    rows = np.arange(count)
    for axis in range(d):
        values = _sampled(integrand, centre, half, log_tolerance, axis, peak)
        highest = np.maximum(top, values[:, 0].reshape(count, -1).max(axis=1))
        rings = values[:, 1:].reshape(count, len(LADDER), -1).max(axis=2)
        rings = np.maximum.accumulate(np.maximum(rings, highest[:, None]), axis=1)
        needed = points_needed(rings + (log_volume + budget)[:, None], LADDER[None])
        best = _holomorphic_rung(integrand, needed, (centre, centre), (half, half), axis)
        rho[:, axis], nodes[:, axis], excess[:, axis] = LADDER[best], needed[rows, best], rings[rows, best]
        variation[:, axis] = _total_variation(np.clip(values[rows, 1 + best], -1e6, 1e6), 1)
    return Plan(rho, nodes, excess, variation, top)


def _peak(
    integrand: Integrand, centre: np.ndarray, half: np.ndarray, log_tolerance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(u [P, d] in [−1, 1], log f e^{−V} there, relative to the tolerances): samples, then a zoom on the best of them."""
    count, d = centre.shape
    best, top = np.zeros((count, d)), np.full(count, -np.inf)
    reach, coarse = 1.0, COARSE[d]
    for _ in range(ZOOMS):
        steps = np.stack(np.meshgrid(*([np.linspace(-1, 1, coarse)] * d), indexing="ij"), axis=-1).reshape(-1, d)
        u = np.clip(best[:, None] + reach * steps[None], -1, 1)
        points = np.moveaxis(centre[:, None] + half[:, None] * u, -1, 0)
        logs = integrand.sample(*points) - log_tolerance.reshape(-1, 1, 1)
        values = np.broadcast_to(np.max(np.where(np.isnan(logs), -np.inf, logs), axis=0), u.shape[:2])
        at = values.argmax(axis=1)
        found = values[np.arange(count), at]
        best = np.where((found > top)[:, None], u[np.arange(count), at], best)
        top = np.maximum(top, found)
        reach, coarse = 2.5 * reach / coarse, FINE[d]
    return best, top


def _sampled(
    integrand: Integrand, centre: np.ndarray, half: np.ndarray, log_tolerance: np.ndarray, axis: int, peak: np.ndarray
) -> np.ndarray:
    """log |f e^{−V}| relative to the tolerances, on the panel itself (rung 0) and on the ellipses of one axis: an array
    with the axes panel, rung, angle, then one for every other variable; samples through the peak are among them.
    """
    count, d = centre.shape
    others = [i for i in range(d) if i != axis]
    long, short = np.append(1.0, (LADDER + 1 / LADDER) / 2), np.append(0.0, (LADDER - 1 / LADDER) / 2)
    above = np.arccos(np.clip(peak[:, axis, None] / long, -1, 1))[..., None]  # the angle above the peak, per rung
    theta = np.concatenate([np.broadcast_to(THETA, (*above.shape[:2], len(THETA))), above], axis=2)
    ring = long[:, None] * np.cos(theta) + 1j * short[:, None] * np.sin(theta)
    points = []
    for i in range(d):
        shape = [count] + [1] * (d + 1)
        c, r = centre[:, i].reshape(shape), half[:, i].reshape(shape)
        if i == axis:
            points.append(c + r * ring.reshape([*ring.shape] + [1] * (d - 1)))
        else:
            across = np.cos(np.linspace(0, math.pi, ACROSS[d]))
            lines = np.concatenate([np.broadcast_to(across, (count, len(across))), peak[:, i, None]], axis=1)
            shape[2 + 1 + others.index(i)] = lines.shape[1]
            points.append(c + r * lines.reshape(shape))
    logs = integrand.sample(*points) - log_tolerance.reshape([-1] + [1] * (d + 2))
    values = np.max(np.where(np.isnan(logs), np.inf, logs), axis=0)
    return np.broadcast_to(values, np.broadcast_shapes(values.shape, *(p.shape for p in points)))


def _holomorphic_rung(
    integrand: Integrand, needed: np.ndarray, centres: Interval, halves: Interval, axis: int
) -> np.ndarray:
    """The best rung of the ladder on which no pole or cut is met; `needed` [P, rungs] becomes huge where none is left."""
    best = needed.argmin(axis=1)
    if axis not in integrand.dangerous:
        return best
    below, above = np.full(len(needed), -1), best + 1  # good up to `below`, bad from `above` on
    trial = best.copy()
    while True:
        open_ = np.nonzero(above - below > 1)[0]
        if not len(open_):
            break
        c, r = ((ends[0][open_], ends[1][open_]) for ends in (centres, halves))
        good = holomorphic(integrand, Geometry(c, r, axis, LADDER[trial[open_]]), PROBE_DEPTH)
        below[open_[good]] = trial[open_[good]]
        above[open_[~good]] = trial[open_[~good]]
        trial = (below + above) // 2
    needed[np.arange(needed.shape[1])[None] > below[:, None]] = 1e9
    return needed.argmin(axis=1)


def _total_variation(values: np.ndarray, axis: int) -> np.ndarray:
    steps = np.abs(np.diff(np.nan_to_num(values, posinf=1e6, neginf=-1e6), axis=axis)).sum(axis=axis)
    return steps.reshape(len(values), -1).max(axis=1) + 1e-6


def subdivide(
    integrand: Integrand,
    low: np.ndarray,
    high: np.ndarray,
    log_tolerance: np.ndarray,
    budget: float,
    max_panels: int = 4000,
) -> tuple[np.ndarray, np.ndarray]:
    """The ends [P, d] of panels that fill the box [low, high], halved while the estimated cost falls."""
    d = len(low)
    done: list[tuple[np.ndarray, np.ndarray]] = []
    front = [(low, high)]
    while front:
        lows, highs = np.array([a for a, _ in front]), np.array([b for _, b in front])
        halves = _children(lows, highs)  # [P, d axes, 2 halves, d]
        stacked = [np.concatenate([x, y.reshape(-1, d)]) for x, y in zip((lows, highs), halves, strict=True)]
        found = plan(integrand, stacked[0], stacked[1], log_tolerance, budget)
        cost, idle = found.cost() + OVERHEAD[d], _negligible(found, stacked[0], stacked[1], budget)
        cost = np.where(idle, OVERHEAD[d] / 8, cost)
        own, split = cost[: len(front)], cost[len(front) :].reshape(len(front), d, 2).sum(axis=2)
        longest = found.nodes[: len(front)].max(axis=1)
        following = []
        for k, (a, b) in enumerate(front):
            axis = int(split[k].argmin())
            stuck = found.nodes[k] >= HOPELESS
            if stuck.any():  # no ellipse at all: the longest side on which that is so
                axis = int(np.where(stuck, (b - a) / (high - low), -1.0).argmax())
            elif longest[k] > LONGEST and not split[k, axis] < 0.9 * own[k]:
                axis = int(found.nodes[k].argmax())
            worth = split[k, axis] < 0.9 * own[k] or longest[k] > LONGEST
            room = len(done) + len(front) + len(following) < max_panels and bool(((b - a) > 1e-9 * (high - low)).all())
            if idle[k] or not worth or not room:
                done.append((a, b))
            else:
                following += [(halves[0][k, axis, s], halves[1][k, axis, s]) for s in (0, 1)]
        front = following
    return np.array([a for a, _ in done]), np.array([b for _, b in done])


def _negligible(found: Plan, low: np.ndarray, high: np.ndarray, budget: float) -> np.ndarray:
    return found.top + np.log(high - low).sum(axis=1) + budget < -6


def _children(lows: np.ndarray, highs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count, d = lows.shape
    first = np.broadcast_to(lows[:, None, None], (count, d, 2, d)).copy()
    second = np.broadcast_to(highs[:, None, None], (count, d, 2, d)).copy()
    for i in range(d):
        middle = (lows[:, i] + highs[:, i]) / 2
        second[:, i, 0, i] = middle
        first[:, i, 1, i] = middle
    return first, second

"""The box that holds all but a negligible part of ∫ |f| e^{−(V − level)}: found by sampling, proved on rectangles.

Idea
----
Floating-point samples find the minimum of V, the hull of the points where the integrand matters, and the size of the
integrals, to which the tolerances refer. What lies between the hull and the region of the tail proof is cut into slabs;
branch and bound over real boxes bounds the integral there. Boxes that resist are added to the hull.

Reading order: `lowest_point`, `Hull`, `find`.
"""

import math
from typing import NamedTuple

import numpy as np
from flint import arb
from scipy import optimize

from numerics.gauss.integrand import Integrand
from numerics.gauss.rectangles import Rectangles

STARTS = 3000
SCALES = (0.1, 1.0, 4.0, 20.0, 200.0)
GEOMETRIC = {1: 161, 2: 61, 3: 33}
LINEAR = {1: 2001, 2: 121, 3: 33}
NEGLIGIBLE = -12.0
FINEST = 1 / 16
MAX_BOXES = 60_000


def _finite_ends(low: np.ndarray, high: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    return np.maximum(low, np.where(np.isfinite(high), high, 0.0) - reach), np.minimum(
        high, np.where(np.isfinite(low), low, 0.0) + reach
    )


def lowest_point(integrand: Integrand, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, float]:
    """(w, V(w)): about the minimum of V on the domain. (nan, nan) where V is defined at no sample."""
    d = len(low)
    random = np.random.default_rng(0)
    clouds = [np.zeros((1, d))]
    for scale in SCALES:
        clouds.append(random.normal(size=(STARTS // len(SCALES), d)) * scale)
    a, b = _finite_ends(low, high, 10.0)
    clouds.append(a + (b - a) * random.random((STARTS, d)))
    points = np.clip(np.concatenate(clouds), low, high)
    values = _defined(np.broadcast_to(integrand.potential_at(*points.T), len(points)))  # of a constant it is one number
    order = np.argsort(values)
    best, lowest = points[order[0]], float(values[order[0]])
    if math.isinf(lowest):
        return np.full(d, np.nan), math.nan
    for start in points[order[:3]]:
        with np.errstate(all="ignore"):
            found = optimize.minimize(
                lambda x: min(float(_defined(integrand.potential_at(*np.clip(x, low, high)))), 1e300),
                start,
                method="L-BFGS-B",
                bounds=[
                    (None if math.isinf(p) else p, None if math.isinf(q) else q) for p, q in zip(low, high, strict=True)
                ],
                options={"maxiter": 60},
            )
        if np.isfinite(found.fun) and found.fun < lowest:
            best, lowest = np.clip(found.x, low, high), float(found.fun)
    return best, lowest


def _defined(values: np.ndarray) -> np.ndarray:
    """+∞ where floats overflow, to −∞ as well, or the function is not defined."""
    return np.where(np.isfinite(values), values, np.inf)


class Hull(NamedTuple):
    """The box [low, high], log ∫ |f_i| e^{−(V − level)} as sampled, and proved bounds of what lies outside it."""

    low: np.ndarray
    high: np.ndarray
    log_sizes: np.ndarray
    outside: tuple[arb, ...]


def find(integrand: Integrand, low: np.ndarray, high: np.ndarray, centre: np.ndarray, budget: float) -> Hull:
    """The hull inside the finite box [low, high]; the part outside is about e^{−budget} of the integrals."""
    a, b, log_sizes = _sampled(integrand, low, high, centre, budget)
    boxes = _slabs(low, high, a, b)
    log_tolerance = log_sizes - budget
    outside = np.full(len(log_sizes), -np.inf)
    done = 0
    while len(boxes[0]):
        bounds = integrand.logarithms(*(Rectangles((x, y)) for x, y in zip(boxes[0].T, boxes[1].T, strict=True)))
        done += len(boxes[0])
        volume = np.log(np.nextafter(boxes[1] - boxes[0], np.inf)).sum(axis=1)
        dead = (bounds - log_tolerance[:, None]).max(axis=0) + volume < NEGLIGIBLE
        outside = np.logaddexp(outside, np.logaddexp.reduce((bounds + volume)[:, dead], axis=1, initial=-np.inf))
        boxes = tuple(x[~dead] for x in boxes)
        small = (boxes[1] - boxes[0] < FINEST * (b - a)).all(axis=1) | (done > MAX_BOXES)
        if small.any():
            a, b = np.minimum(a, boxes[0][small].min(axis=0)), np.maximum(b, boxes[1][small].max(axis=0))
        boxes = tuple(x[~small] for x in boxes)
        boxes = _halved(integrand, *boxes)
    bounds = tuple(
        (arb(float(x) + 1e-9 * (1 + abs(float(x)))).exp()).upper() if x > -np.inf else arb(0) for x in outside
    )
    return Hull(a, b, log_sizes, bounds)


def _halved(integrand: Integrand, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both halves of every box, along the axis on which the potential varies most."""
    if not len(low):
        return low, high
    middle, half = (low + high) / 2, (high - low) / 2
    change = np.zeros_like(low)
    centre = integrand.potential_at(*middle.T)
    for i in range(low.shape[1]):
        for sign in (-1, 1):
            moved = middle.copy()
            moved[:, i] += sign * half[:, i]
            step = np.abs(integrand.potential_at(*moved.T) - centre)
            change[:, i] = np.maximum(change[:, i], np.nan_to_num(step, nan=1e30, posinf=1e30))
    axis = (change + 1e-9 * half / (half.max(axis=0) + 1e-300)).argmax(axis=1)
    rows = np.arange(len(low))
    first, second = high.copy(), low.copy()
    first[rows, axis] = second[rows, axis] = middle[rows, axis]
    return np.concatenate([low, second]), np.concatenate([first, high])


def _slabs(low: np.ndarray, high: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes that fill [low, high] without [a, b]."""
    lows, highs = [], []
    for i in range(len(low)):
        for x, y in ((low[i], a[i]), (b[i], high[i])):
            if x < y:
                lows.append([*a[:i], x, *low[i + 1 :]])
                highs.append([*b[:i], y, *high[i + 1 :]])
    d = len(low)
    return np.array(lows).reshape(-1, d), np.array(highs).reshape(-1, d)


def _sampled(
    integrand: Integrand, low: np.ndarray, high: np.ndarray, centre: np.ndarray, budget: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(a, b, log sizes): geometric samples around the minimum first, then finer and finer linear ones."""
    d = len(low)
    count = GEOMETRIC[d] // 2
    lines = []
    for c, x, y in zip(centre, low, high, strict=True):
        left, right = c - (c - x) * 2.0 ** np.linspace(0, -36, count), c + (y - c) * 2.0 ** np.linspace(0, -36, count)
        lines.append(np.unique(np.concatenate([left, [c], right])))
    a, b, sizes = low.copy(), high.copy(), np.zeros(len(integrand.amplitudes))
    for _ in range(4):
        logs = integrand.sample(*np.meshgrid(*lines, indexing="ij", sparse=True))
        logs = np.where(np.isnan(logs), -np.inf, logs)
        cells = [np.log(np.gradient(line)) if len(line) > 1 else np.zeros(1) for line in lines]
        weights = sum(np.meshgrid(*cells, indexing="ij", sparse=True))
        full = np.broadcast_to(logs, (len(logs), *(len(line) for line in lines)))
        sizes = np.logaddexp.reduce((full + weights).reshape(len(full), -1), axis=1)
        sizes = np.where(np.isfinite(sizes), sizes, np.max(sizes, initial=-700.0, where=np.isfinite(sizes)))
        volume = max(0.0, float(np.log(b - a).sum()))
        live = (full - sizes.reshape([-1] + [1] * d)).max(axis=0) > -(budget + volume + 8)
        for i, line in enumerate(lines):
            alive = np.nonzero(live.any(axis=tuple(j for j in range(d) if j != i)))[0]
            if len(alive):
                a[i], b[i] = line[max(alive[0] - 1, 0)], line[min(alive[-1] + 1, len(line) - 1)]
        lines = [np.linspace(x, y, LINEAR[d]) for x, y in zip(a, b, strict=True)]
    return a, b, sizes

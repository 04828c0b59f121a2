"""Where to put the grid: the minimum, the axes and scales, the shifts. Floating point throughout.

Nothing here carries any burden of proof: a bad choice costs time or digits, never correctness, because the trapezoid
rule proves its bounds for whatever grid it is given. All the numbers that leave this module are dyadic rationals with
few bits, so that the change of variables w = x0 + A y is exact.

* `minimum`: damped Newton descents from several starts, side by side.
* `axes`: eigenvectors of the Hessian, each scaled by the s with P(x0 + s v) − P(x0) = ½ (this survives a zero
  eigenvalue).
* `shift`: the a that lets the step h = 2πa / log(…M(a)…) be largest, M(a) estimated from samples.

Reading order: `minimum`, `axes`, `Samples`.
"""

import math

import numpy as np
from flint import arb, fmpq

from numerics.errors import NotCertified
from numerics.trapezoid.boxes import Boxes, log_mass, log_sum
from numerics.trapezoid.polynomial import FloatPolynomial, directional_parts
from numerics.trapezoid.shadow import FloatField
from numerics.trapezoid.waves import Field

SCALES = (0.3, 1.0, 3.0, 10.0, 100.0)
LENGTHS = np.array([5.0, 3.0, 2.0, 1.0, 0.5, 0.2, 0.05, 1e-2, 1e-3, 1e-5])
DESCENTS = 100
SAMPLES = 6000
WALKERS, WALKS = 64, 400


def dyadic(x: float, bits: int) -> fmpq:
    """x rounded to `bits` significant bits."""
    if x == 0:
        return fmpq(0)
    mantissa, exponent = math.frexp(x)
    return fmpq(round(mantissa * 2**bits)) * fmpq(2) ** (exponent - bits)


def minimum(p: Field, *, spread: bool) -> np.ndarray:
    """The lowest point that descents reach from the origin, or, with `spread`, from near and far as well.

    Damped Newton steps −|H|⁻¹ g, all starts at once; along each step the best of several lengths is taken, lengths > 1
    included, because at a degenerate minimum of order 2m the full step falls short by the factor 2m − 1.
    """
    value, dimension = FloatField(p), p.dimension
    random = np.random.default_rng(0)
    starts = [np.zeros(dimension)]
    if spread:
        starts += [random.normal(size=dimension) * scale for scale in SCALES for _ in range(2)]
    here = np.array(starts)
    with np.errstate(all="ignore"):
        heights = value(here)
        for _ in range(DESCENTS):
            trials = here[:, None] + LENGTHS[:, None] * _newton_steps(value, here)[:, None]
            found = value(trials.reshape(-1, dimension)).reshape(len(here), len(LENGTHS))
            found[~np.isfinite(found)] = np.inf
            best = found.argmin(axis=1)
            rows = np.arange(len(here))
            lower = found[rows, best] < heights - 1e-15 * np.abs(heights)
            if not lower.any():
                break
            here[lower], heights[lower] = trials[rows, best][lower], found[rows, best][lower]
    heights[~np.isfinite(heights)] = np.inf
    lowest = heights.min()
    if not np.isfinite(lowest):
        raise NotCertified("no minimum of the potential was found; centre the variables near it")
    return here[np.nonzero(heights <= lowest + 1e-9 * abs(lowest))[0][0]]


def _newton_steps(value: FloatField, points: np.ndarray) -> np.ndarray:
    """−|H|⁻¹ g at the points [n, d]; directions of no curvature get a step of the length of the gradient."""
    gradient, hessian = value.derivatives(points)
    bad = ~(np.isfinite(gradient).all(axis=1) & np.isfinite(hessian).all(axis=(1, 2)))
    gradient[bad], hessian[bad] = 0.0, np.eye(points.shape[1])
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), 1e-12 * np.abs(values).max(axis=1, keepdims=True) + 1e-30)
    along = np.einsum("nij,ni->nj", vectors, gradient)
    return -np.einsum("nij,nj->ni", vectors, along / size)


def axes(p: Field, centre: np.ndarray) -> np.ndarray:
    """The matrix A [d, d] whose columns are the scaled principal directions at `centre`."""
    d = len(centre)
    value = FloatField(p)
    hessian = value.derivatives(centre[None])[1][0]
    sizes = np.sqrt(np.abs(np.diag(hessian))) + 1e-300
    hessian = np.where(np.abs(hessian) < 1e-7 * np.outer(sizes, sizes), 0.0, hessian)
    coupled = np.count_nonzero(hessian - np.diag(np.diag(hessian))) > 0
    values, vectors = np.linalg.eigh(hessian) if coupled else (np.diag(hessian), np.eye(d))
    best = _scaled(value, centre, vectors)
    quadratic = np.linalg.norm(best, axis=0) * np.sqrt(np.maximum(values, 0.0))  # 1 where the Hessian tells the width
    mixed = d > 1 and value.polynomial.mixed
    if mixed and quadratic.min() < 0.5:  # its eigenvectors need not be the directions of the valley
        spread = np.linalg.eigh(_covariance(value, centre, best))[1]
        for other in (np.eye(d), spread):
            trial = _scaled(value, centre, other)
            if abs(np.linalg.det(trial)) > 1.3 * abs(np.linalg.det(best)):
                best = trial
    return best


def _scaled(value: FloatField, centre: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.stack([v * _half_width(value, centre, v) for v in vectors.T], axis=1)


def _covariance(value: FloatField, centre: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The covariance of e^{−P}, roughly: an affine-invariant ensemble of walkers (J. Goodman, J. Weare 2010)."""
    d, half = len(centre), WALKERS // 2
    random = np.random.default_rng(1)
    walkers = centre + random.normal(size=(WALKERS, d)) @ matrix.T
    heights = value(walkers)
    kept = []
    for step in range(WALKS):
        for mine, theirs in ((slice(0, half), slice(half, None)), (slice(half, None), slice(0, half))):
            stretch = (random.random(half) + 1) ** 2 / 2
            partners = walkers[theirs][random.integers(0, half, half)]
            trials = partners + stretch[:, None] * (walkers[mine] - partners)
            with np.errstate(all="ignore"):
                found = value(trials)
                gain = (d - 1) * np.log(stretch) + heights[mine] - found
            better = np.log(random.random(half)) < gain
            walkers[mine] = np.where(better[:, None], trials, walkers[mine])
            heights[mine] = np.where(better, found, heights[mine])
        if step >= WALKS // 2:
            kept.append(walkers.copy())
    return np.cov(np.concatenate(kept).T)


def _half_width(value: FloatField, centre: np.ndarray, direction: np.ndarray) -> float:
    """The larger s with P(centre ± s·direction) − P(centre) = ½."""
    lengths = 2.0 ** np.arange(-60, 61, 0.25)
    bottom = value(centre[None])[0]
    widths = []
    for sign in (1, -1):
        with np.errstate(all="ignore"):
            rise = value(centre + sign * lengths[:, None] * direction) - bottom
        above = np.nonzero(~(rise < 0.5))[0]
        widths.append(lengths[above[0]] if len(above) else 1.0)
    return float(max(widths))


class Samples:
    """Points with weights on the live region, for estimates of integrals and of masses on shifted lines.

    The points are the centres of the live boxes, refined where e^{−P} is large; beyond P > `cut` there are none.
    """

    def __init__(self, p: Field, live: Boxes, cut: float):
        d, value = p.dimension, FloatField(p)
        rough = np.log(2 * live.radii).sum(axis=1) - value(live.centres)
        boxes = log_mass(value, live, np.zeros(d), 1.0, log_sum(rough), max_boxes=SAMPLES + len(rough)).boxes
        self.points, self._log_weights = boxes.centres, np.log(2 * boxes.radii).sum(axis=1)
        self._shifted = [
            np.stack([FloatPolynomial(part, d)(self.points) for part in directional_parts(p.polynomial, _unit(d, j))])
            for j in range(d)
        ]
        self._waves = [(w.frequency, FloatField(Field(0 * p.polynomial, (w,)))(self.points)) for w in p.waves]
        self.values = self._real_part(0, 0.0)
        sides = [sign * boxes.radii[:, j : j + 1] * np.eye(d)[j] for j in range(d) for sign in (-1, 1)]
        self._edge = np.max([value(self.points + side) for side in sides], axis=0) > 0.75 * cut

    def log_integral(self, heights: np.ndarray) -> float:
        """log Σ weight·heights·e^{−P}."""
        with np.errstate(divide="ignore"):
            return log_sum(self._log_weights + np.log(heights) - self.values)

    def _real_part(self, axis: int, a: float) -> np.ndarray:
        """Re P(y + i a e_axis) at the points."""
        value = sum((a ** (2 * k) * term for k, term in enumerate(self._shifted[axis])), np.zeros(len(self.points)))
        for frequency, wave in self._waves:
            value = value + math.cosh(min(abs(float(arb(frequency[axis]))) * a, 300.0)) * wave
        return value

    def shift(self, axis: int, budget: float) -> float:
        """The a > 0 that maximises a / (log M(a) − log I + budget), as far as the samples can tell."""
        reference = self.log_integral(np.ones(len(self.values)))
        best, ratio = 0.05, -math.inf
        for a in np.geomspace(0.004, 50.0, 100):
            real_part = self._real_part(axis, float(a))
            if self._edge[int(np.argmin(real_part))]:
                break  # the mass moves out of the sampled region: no estimate beyond this shift
            moved = log_sum(self._log_weights - real_part)
            quality = a / (max(moved - reference, 0.0) + budget)
            if quality > ratio:
                best, ratio = float(a), quality
        return best


def _unit(d: int, j: int) -> list[fmpq]:
    return [fmpq(int(i == j)) for i in range(d)]

"""Where to put the grid: the minimum, the axes and scales, the shifts. Floating point throughout.

Nothing here carries any burden of proof: a bad choice costs time or digits, never correctness, because the trapezoid
rule proves its bounds for whatever grid it is given. All the numbers that leave this module are dyadic rationals with
few bits, so that the change of variables w = x0 + A y is exact.

* `minimum`: quasi-Newton descent (BFGS) from several starts.
* `axes`: eigenvectors of the Hessian, each scaled by the s with P(x0 + s v) − P(x0) = ½ (this survives a zero
  eigenvalue).
* `shift`: the a that lets the step h = 2πa / log(…M(a)…) be largest, M(a) estimated from samples.

Reading order: `minimum`, `axes`, `Samples`.
"""

import math

import numpy as np
from flint import fmpq, fmpq_mpoly
from scipy import optimize

from numerics.errors import NotCertified
from numerics.polynomial import FloatPolynomial, directional_parts

SCALES = (0.3, 1.0, 3.0, 10.0, 100.0)


def dyadic(x: float, bits: int) -> fmpq:
    """x rounded to `bits` significant bits."""
    if x == 0:
        return fmpq(0)
    mantissa, exponent = math.frexp(x)
    return fmpq(round(mantissa * 2**bits)) * fmpq(2) ** (exponent - bits)


def minimum(p: fmpq_mpoly, dimension: int, *, spread: bool) -> np.ndarray:
    """The lowest point that a descent from the origin reaches, or, with `spread`, descents from near and far."""
    value = FloatPolynomial(p, dimension)
    gradient = [FloatPolynomial(p.derivative(i), dimension) for i in range(dimension)]
    random = np.random.default_rng(0)
    starts = [np.zeros(dimension)]
    if spread:
        starts += [random.normal(size=dimension) * scale for scale in SCALES for _ in range(2)]
    best, lowest = np.zeros(dimension), math.inf
    with np.errstate(all="ignore"):
        for start in starts:
            found = optimize.minimize(
                lambda x: float(value(x[None])[0]),
                start,
                jac=lambda x: np.array([g(x[None])[0] for g in gradient]),
                method="BFGS",
                options={"maxiter": 100},
            )
            if np.isfinite(found.fun) and found.fun + 1e-9 * abs(found.fun) < lowest:
                best, lowest = found.x, found.fun
    if not np.isfinite(lowest):
        raise NotCertified("no minimum of the potential was found; centre the variables near it")
    return best


def axes(p: fmpq_mpoly, centre: np.ndarray) -> np.ndarray:
    """The matrix A [d, d] whose columns are the scaled principal directions at `centre`."""
    d = len(centre)
    value = FloatPolynomial(p, d)
    hessian = np.array(
        [[FloatPolynomial(p.derivative(i).derivative(j), d)(centre[None])[0] for j in range(d)] for i in range(d)]
    )
    sizes = np.sqrt(np.abs(np.diag(hessian))) + 1e-300
    hessian = np.where(np.abs(hessian) < 1e-7 * np.outer(sizes, sizes), 0.0, hessian)
    coupled = np.count_nonzero(hessian - np.diag(np.diag(hessian))) > 0
    vectors = np.linalg.eigh(hessian)[1] if coupled else np.eye(d)
    return np.stack([v * _half_width(value, centre, v) for v in vectors.T], axis=1)


def _half_width(value: FloatPolynomial, centre: np.ndarray, direction: np.ndarray) -> float:
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
    """A float grid on the live region, for estimates of integrals and of masses on shifted lines."""

    def __init__(self, p: fmpq_mpoly, low: np.ndarray, high: np.ndarray):
        d = len(low)
        count = {1: 1000, 2: 64, 3: 22}[d]
        margin = 0.25 * (high - low)
        lines = [np.linspace(a - m, b + m, count) for a, b, m in zip(low, high, margin, strict=True)]
        margins = np.stack(
            np.meshgrid(*([np.minimum(np.arange(count), np.arange(count)[::-1])] * d), indexing="ij"), -1
        )
        self._edge = margins.reshape(-1, d).min(axis=1) == 0
        self.points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, d)
        self.log_cell = float(np.log((high - low) * 1.5 / (count - 1)).sum())
        self._shifted = [
            np.stack([FloatPolynomial(part, d)(self.points) for part in directional_parts(p, _unit(d, j))])
            for j in range(d)
        ]
        self.values = self._shifted[0][0]

    def log_integral(self, heights: np.ndarray) -> float:
        """log Σ cell·heights·e^{−P}."""
        with np.errstate(divide="ignore"):
            return self.log_cell + float(np.logaddexp.reduce(np.log(heights) - self.values))

    def shift(self, axis: int, budget: float) -> float:
        """The a > 0 that maximises a / (log M(a) − log I + budget), as far as the samples can tell."""
        reference = self.log_integral(np.ones(len(self.values)))
        terms = self._shifted[axis]
        best, ratio = 0.05, -math.inf
        for a in np.geomspace(0.05, 50.0, 70):
            real_part = sum(a ** (2 * k) * term for k, term in enumerate(terms))
            if self._edge[int(np.argmin(real_part))]:
                break  # the mass moves out of the sampled region: no estimate beyond this shift
            log_mass = self.log_cell + float(np.logaddexp.reduce(-real_part))
            quality = a / (max(log_mass - reference, 0.0) + budget)
            if quality > ratio:
                best, ratio = float(a), quality
        return best


def _unit(d: int, j: int) -> list[fmpq]:
    return [fmpq(int(i == j)) for i in range(d)]

"""How well a prediction of a covariance matrix agrees with chains, when the entries' errors are correlated.

From means over stretches of draws, N of them in all chains: m_b of v and M_b of v vᵀ. With m̄ and Ĉ = M̄ − m̄ m̄ᵀ over all,

    I_b = M_b − m_b m̄ᵀ − m̄ m_bᵀ + m̄ m̄ᵀ,     mean Ĉ,     σ² = Var_b(I_b)/N

is the influence function of Ĉ averaged over stretch b. It is taken in coordinates in which the predicted covariance is the
identity; errors of different entries are then nearly independent (for independent Gaussian draws they are so exactly), so that

    χ²/dof = mean over the P(P + 1)/2 entries of (N − 3)/(N − 1) ((Ĉ − C)/σ)²

has a scatter near √(2/entries); the factor is that of Student's t. What remains of correlation enters its scatter: the predicted
correlations R of the errors give √(2 tr R²)/entries, a jackknife over chains another number. The jackknife of a square whose mean
is small counts its variance twice (4 χ²/dof² instead of 2/dof), which errs to the safe side.

A row of covariances, Cov(L_n, ℓ_z − L_n), is judged by Hotelling's T² with the errors' sampled covariance, exact for normal errors.

Reading order: `Influence`, `influence`, `square`, `Square`, `gap`, `hotelling`.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import f as fisher

from sampler.standardize import jackknife


class Influence(NamedTuple):
    """Ĉ (P, Q) and the means of its influence function over stretches, (chains, stretches, P, Q)."""

    value: np.ndarray
    series: np.ndarray

    @property
    def sem(self) -> np.ndarray:
        count = self.series.shape[0] * self.series.shape[1]
        return self.series.std(axis=(0, 1), ddof=1) / count**0.5

    def without(self, chain: int) -> "Influence":
        """That of the other chains, to first order."""
        series = np.delete(self.series, chain, axis=0)
        return Influence(series.mean(axis=(0, 1)), series)


def influence(first: np.ndarray, product: np.ndarray, left: np.ndarray, right: np.ndarray) -> Influence:
    """Cov(A v, B v) for the rows A = left and B = right."""
    x, y = first @ left.T, first @ right.T
    M = left @ product @ right.T
    a, b = x.mean(axis=(0, 1)), y.mean(axis=(0, 1))
    series = M - x[..., :, None] * b - a[:, None] * y[..., None, :] + np.outer(a, b)
    return Influence(series.mean(axis=(0, 1)), series)


class Square(NamedTuple):
    """χ²/dof, its scatter by the jackknife over chains, the largest |z|, and the number of entries."""

    value: float
    jackknife: float
    largest: float
    entries: int


def square(found: Influence, predicted: np.ndarray) -> Square:
    """χ²/dof of a symmetric matrix against a prediction in the same coordinates."""
    upper = np.triu_indices(len(predicted))
    value, z = _square(found, predicted, upper)
    left_out = np.array([_square(found.without(c), predicted, upper)[0] for c in range(len(found.series))])
    return Square(value, float(jackknife(np.array(value), left_out).sem), float(np.abs(z).max()), len(upper[0]))


def _square(found: Influence, predicted: np.ndarray, upper: tuple[np.ndarray, np.ndarray]) -> tuple[float, np.ndarray]:
    count = found.series.shape[0] * found.series.shape[1]
    z = ((found.value - predicted) / found.sem)[upper]
    return float((count - 3) / (count - 1) * np.mean(z**2)), z


def gap(found: Influence, predicted: np.ndarray) -> tuple[float, float]:
    """mean[(Ĉ − C)² − σ²] over the entries, the squared distance of a prediction without the noise, and its standard error."""
    upper = np.triu_indices(len(predicted))

    def distance(of: Influence) -> float:
        return float(np.mean((of.value - predicted)[upper] ** 2 - of.sem[upper] ** 2))

    left_out = np.array([distance(found.without(c)) for c in range(len(found.series))])
    return distance(found), float(jackknife(np.array(distance(found)), left_out).sem)


class Hotelling(NamedTuple):
    """F with (p, N − p) degrees of freedom, its p-value, and the slope of sampled on predicted with its standard error."""

    F: float
    p_value: float
    slope: float
    slope_sem: float


def hotelling(series: np.ndarray, predicted: np.ndarray) -> Hotelling:
    """T² of N independent rows (…, p) against a predicted mean, and the least-squares slope b of mean = b · predicted."""
    rows = series.reshape(-1, series.shape[-1])
    count, p = rows.shape
    error = np.atleast_2d(np.cov(rows, rowvar=False)) / count
    weighted = np.linalg.solve(error, predicted)
    # The inverse of a sampled covariance is too large by (N − 1)/(N − p − 2).
    information = float(predicted @ weighted) * (count - p - 2) / (count - 1)
    mean = rows.mean(axis=0)
    slope = float(mean @ weighted) / float(predicted @ weighted)
    off = mean - predicted
    F = float(off @ np.linalg.solve(error, off)) * (count - p) / (p * (count - 1))
    return Hotelling(F, float(fisher.sf(F, p, count - p)), slope, information**-0.5)

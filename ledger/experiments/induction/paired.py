"""Times of paired seeds: means, differences and their intervals, with censored times told honestly.

A run that had not formed induction after `most` steps has a time that is only known to be later. It counts as `most`, so that a
mean is the *restricted mean* E[min(time, most)], a lower bound of the mean time; such numbers are printed with ≥.

Intervals are bootstrap intervals over seeds (percentiles of 20,000 resamples), widened about the mean by √(S/(S − 1)) · t/z, t
and z the 97.5% points of Student's t with S − 1 degrees of freedom and of the normal law: plain percentiles of S = 8
values cover too little. p is that of the exact sign-flip test of a paired difference, two-sided: 2/2^S at the least.

Functions: `mean`, `difference`, `sign_flip`. Class: `Interval`.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t

RESAMPLES = 20_000


class Interval(NamedTuple):
    """A mean over seeds with its 95% interval; `bound`: some times were censored, and the mean is a lower bound."""

    mean: float
    low: float
    high: float
    bound: bool = False

    def __str__(self) -> str:
        return f"{'≥ ' if self.bound else ''}{self.mean:.0f} ({self.low:.0f} to {self.high:.0f})"

    def below(self, other: "Interval") -> bool:
        """Whether this interval ends before the other begins."""
        return self.high < other.low


def mean(times: np.ndarray, most: float) -> Interval:
    """The restricted mean of the times (∞ where censored) with its 95% interval."""
    times = np.asarray(times, float)
    found = _interval(np.minimum(times, most), bool(np.isinf(times).any()))
    return found._replace(high=min(found.high, most))


def difference(times: np.ndarray, others: np.ndarray, most: float) -> Interval:
    """min(time, most) − min(other, most), seed by seed: its mean and 95% interval. `bound` where a time of either is censored."""
    times, others = np.asarray(times, float), np.asarray(others, float)
    return _interval(
        np.minimum(times, most) - np.minimum(others, most), bool(np.isinf(times).any() or np.isinf(others).any())
    )


def sign_flip(differences: np.ndarray) -> float:
    """The exact two-sided p of the sign-flip test of mean 0, over all 2^S signs."""
    d = np.asarray(differences, float)
    signs = np.array(list(product((1, -1), repeat=len(d))))
    return float(np.mean(np.abs(signs @ d) >= abs(d.sum()) - 1e-9))


def _interval(values: np.ndarray, bound: bool) -> Interval:
    S, centre = len(values), float(values.mean())
    drawn = values[np.random.default_rng(0).integers(0, S, (RESAMPLES, S))].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    wide = np.sqrt(S / (S - 1)) * t.ppf(0.975, S - 1) / norm.ppf(0.975)
    return Interval(centre, centre + wide * float(low - centre), centre + wide * float(high - centre), bound)


__all__ = ["Interval", "difference", "mean", "sign_flip"]

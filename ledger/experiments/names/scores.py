"""How well predictions order what retraining gives: Spearman's correlation, query by query, with bootstrap intervals.

For leave-one-out the cases are the examples left out; for the linear datamodelling score (LDS; Park et al., arXiv 2303.14186)
they are random subsets, and the prediction of a subset is the sum of those of its examples. Scores are means over queries;
intervals resample the cases (95%, percentiles). Function: `spearman`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

RESAMPLED = 1000


class Score(NamedTuple):
    """The mean over queries, and the interval that holds 95% of the resampled means."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def spearman(
    predicted: Float[np.ndarray, "cases queries"], actual: Float[np.ndarray, "cases queries"], *, seed: int = 0
) -> Score:
    """The rank correlation over cases, averaged over queries."""
    rng, count = np.random.default_rng(seed), len(actual)
    drawn = rng.integers(count, size=(RESAMPLED, count))
    low, high = np.percentile([_mean(predicted[rows], actual[rows]) for rows in drawn], [2.5, 97.5])
    return Score(_mean(predicted, actual), float(low), float(high))


def _mean(x: np.ndarray, y: np.ndarray) -> float:
    a, b = (ranks - ranks.mean(axis=0) for ranks in (rankdata(v, axis=0) for v in (x, y)))
    with np.errstate(invalid="ignore"):
        return float(np.nanmean((a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))))

"""How well predictions order what retraining gives: Spearman's correlation, query by query, with bootstrap intervals.

For leave-one-out the cases are the examples left out; for the linear datamodelling score (LDS; Park et al., arXiv 2303.14186)
they are random subsets, and the prediction of a subset is the sum of those of its examples. Scores are means over queries;
intervals resample the cases (95%, percentiles). Function: `spearman`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

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
    times = np.array([np.bincount(rows, minlength=count) for rows in drawn])
    low, high = np.percentile(_means(predicted, actual, times), [2.5, 97.5])
    return Score(float(_means(predicted, actual, np.ones((1, count), int))[0]), float(low), float(high))


def _means(x: np.ndarray, y: np.ndarray, times: Int[np.ndarray, "samples cases"]) -> Float[np.ndarray, " samples"]:
    """The mean over queries of the correlations of ranks in each sample, which has case i so many `times`."""
    found = []
    for column, other in zip(x.T, y.T, strict=True):
        a, b = _ranks(column, times), _ranks(other, times)
        squares = (times * a**2).sum(axis=1) * (times * b**2).sum(axis=1)
        with np.errstate(invalid="ignore"):
            found.append((times * a * b).sum(axis=1) / np.sqrt(squares))
    return np.nanmean(found, axis=0)


def _ranks(
    v: Float[np.ndarray, " cases"], times: Int[np.ndarray, "samples cases"]
) -> Float[np.ndarray, "samples cases"]:
    """The ranks of the cases in each sample, less their mean; equal values share the mean of their ranks.

    Counted, not sorted: what is below in a sample is the sum of the times of all smaller values.
    """
    _, value = np.unique(v, return_inverse=True)
    of_value = times @ np.eye(value.max() + 1)[value]
    rank = of_value.cumsum(axis=1) - (of_value - 1) / 2
    return rank[:, value] - (times.sum(axis=1, keepdims=True) + 1) / 2

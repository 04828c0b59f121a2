"""From χ̂ of the behaviour to weights on the training strings.

Notation. χ̂ (sources, chains, N). Within each label the strings are ranked by χ̂ and the ranks made normal scores; the mean
score s over the sources and chains, standardised, becomes ρ = clip(1 ± a s, 0, 4) of mean 1 (`reweighting.weights`), a = 1.5.
+ asks for a higher φ, the equal-count rule, − for a lower one. One row X has the pseudo-inverse Xᵀ/|X|², so that this is the
pattern of `patterning.pattern` for one observable up to the ranks.

Ranks, because χ̂ is heavy-tailed: a few strings near the boundary have entries fifty times the rest. Within labels, because a weight
on all strings of one label is a shift of the logit, which is no rule. The labels are what training sees; *kinds are never used*.

Functions: `score`, `weights`, `shuffled`, `ratio`, `oracle`, `correlations`.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.stats import norm, rankdata

from sampler import reweighting
from sampler.data import parentheses

LOWER, UPPER, STRENGTH = 0.0, 4.0, 1.5


def normal_scores(chi: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Φ⁻¹((rank − ½)/count) of χ̂ (N,) within each label: mean 0 in each."""
    found = np.empty(len(chi))
    for label in np.unique(labels):
        own = labels == label
        found[own] = norm.ppf((rankdata(chi[own]) - 0.5) / own.sum())
    return found


def score(chi: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of the normal scores over all but the last axis of χ̂ (…, N)."""
    rows = chi.reshape(-1, chi.shape[-1])
    return np.mean([normal_scores(row, labels) for row in rows], axis=0)


def weights(s: np.ndarray, sign: float) -> np.ndarray:
    """ρ (N,) of mean 1."""
    return reweighting.weights(s, sign * STRENGTH, lower=LOWER, upper=UPPER).values


def shuffled(rho: np.ndarray, labels: np.ndarray, seeds: Sequence[int]) -> np.ndarray:
    """The same weights permuted within each label, another permutation for each seed: (seeds, N)."""
    found = np.empty((len(seeds), len(rho)))
    for row, seed in zip(found, seeds, strict=True):
        rng = np.random.default_rng(10_000 + seed)
        for label in np.unique(labels):
            own = np.flatnonzero(labels == label)
            row[own] = rho[rng.permutation(own)]
    return found


def oracle(kinds: np.ndarray, factor: float) -> np.ndarray:
    """Weight `factor` on DIPPING strings and 1 on the others, rescaled to mean 1: an upper guide, which looks at kinds."""
    rho = np.where(kinds == parentheses.DIPPING, factor, 1.0)
    return rho / rho.mean()


def ratio(rho: np.ndarray, kinds: np.ndarray) -> float:
    """Mean weight of DIPPING strings over that of SHORT ones: below 1 favours the equal-count rule."""
    rows = rho.reshape(-1, rho.shape[-1])
    return float(rows[:, kinds == parentheses.DIPPING].mean() / rows[:, kinds == parentheses.SHORT].mean())


def correlations(rows: np.ndarray) -> np.ndarray:
    """The correlation of each pair of rows (m, N): (m(m − 1)/2,)."""
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in combinations(rows, 2)])


__all__ = ["correlations", "normal_scores", "oracle", "ratio", "score", "shuffled", "weights"]

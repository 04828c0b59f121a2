"""What is believed of χ̂, by rules stated before anything was measured.

    reliability   of each component's row, from halves of independent chains (`induction.rules.reliability`)
    reproduced    a mode of the standardised matrix is interpreted only if, averaged over all ways to halve the chains, both
                  |u·u′| > 0.8 and |v·v′| > 0.8 between the modes of the halves that are matched to it
    share         the part of PC1 in the matrix before standardisation: s₁²/Σs² with the jackknife over chains, and free of noise,
                  uᵀX_a X_bᵀu / tr X_a X_bᵀ, since the noise of independent halves is not correlated
    regression    slope of direct on predicted responses through 0, its attenuation by the noise of the prediction taken out:
                  Σ y x̄ / Σ x_a x_b; r, the correlation as it stands; 95% intervals by leaving out one component at a time

Functions: `kinds` (a token's kind by its text), `directions`, `reproduced`, `shares`, `regression`.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import t as student

from sampler import standardize

KINDS = ("white space", "word after space", "word or part", "sign or digit")
LEAST = 0.8


def kinds(pieces: Sequence[str]) -> np.ndarray:
    """The kind of each token number, an index into `KINDS`."""

    def one(piece: str) -> int:
        if not piece.strip():
            return 0
        if not (piece.strip()[0].isalpha() or piece.strip()[0] == "_"):
            return 3
        return 1 if piece[0].isspace() else 2

    return np.array([one(piece) for piece in pieces])


def directions(of: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Sets of tokens as mixture directions s = N 1_S/|S| − 1: each kind, and the first quarter of the context.

    of (rows, T): the kinds → names (K,), directions (K, N).
    """
    sets = {name: of == i for i, name in enumerate(KINDS)}
    sets["early in context"] = np.broadcast_to(np.arange(of.shape[1]) < of.shape[1] // 4, of.shape)
    sets = {name: chosen.reshape(-1) for name, chosen in sets.items() if chosen.any() and not chosen.all()}
    return tuple(sets), np.stack([chosen / chosen.mean() - 1.0 for chosen in sets.values()])


def halves(groups: int) -> list[tuple[list[int], list[int]]]:
    """All ways to halve an even number of chains."""
    ways = [list(way) for way in combinations(range(groups // 2 * 2), groups // 2) if 0 in way]
    return [(way, [i for i in range(groups // 2 * 2) if i not in way]) for way in ways]


def reproduced(groups: np.ndarray, standard: Callable = standardize.standardize) -> tuple[np.ndarray, np.ndarray]:
    """(|u·u′|, |v·v′|) of each mode, means over halvings; both halves are matched to the modes of the whole; groups (G, k, n)."""

    def modes(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u, _, v = np.linalg.svd(standard(X), full_matrices=False)
        return u, v.T

    u, v = modes(groups.mean(axis=0))
    left, right = [], []
    for one, two in halves(len(groups)):
        pair = []
        for half in (one, two):
            a, b = modes(groups[half].mean(axis=0))
            place = linear_sum_assignment(-np.abs(u.T @ a) * np.abs(v.T @ b))[1]
            pair.append((a[:, place], b[:, place]))
        left.append(np.abs(np.sum(pair[0][0] * pair[1][0], axis=0)))
        right.append(np.abs(np.sum(pair[0][1] * pair[1][1], axis=0)))
    return np.mean(left, axis=0), np.mean(right, axis=0)


class Value(NamedTuple):
    """A number with its 95% interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"


def jackknifed(value: float, without: Sequence[float]) -> Value:
    """A statistic with the 95% t-interval of the jackknife."""
    found = standardize.jackknife(np.asarray(value), np.asarray(without))
    reach = float(student.ppf(0.975, len(without) - 1) * found.sem)
    return Value(float(value), float(value) - reach, float(value) + reach)


def shares(groups: np.ndarray) -> tuple[Value, Value]:
    """(s₁²/Σs², the same free of noise) of PC1 before standardisation."""

    def plain(x: np.ndarray) -> float:
        s = np.linalg.svd(x.mean(axis=0), compute_uv=False)
        return float(s[0] ** 2 / np.sum(s**2))

    def clean(x: np.ndarray) -> float:
        u = np.linalg.svd(x.mean(axis=0), full_matrices=False)[0][:, 0]
        G, total = len(x), x.sum(axis=0)
        # Σ_{a≠b} X_a X_bᵀ
        across = (total @ total.T - np.einsum("gkn,gln->kl", x, x)) / (G * (G - 1))
        return float(u @ across @ u / np.trace(across))

    return tuple(
        jackknifed(f(groups), [f(np.delete(groups, i, axis=0)) for i in range(len(groups))]) for f in (plain, clean)
    )  # type: ignore[return-value]


def regression(x: np.ndarray, y: np.ndarray) -> tuple[Value, Value]:
    """(slope, r) of y (components, K) on x (2, components, K), the predictions of two halves; see the module."""

    def slope(keep: np.ndarray) -> float:
        a, b, of = x[0][keep], x[1][keep], y[keep]
        return float(np.sum(of * (a + b) / 2) / np.sum(a * b))

    def r(keep: np.ndarray) -> float:
        return float(np.corrcoef(x.mean(axis=0)[keep].ravel(), y[keep].ravel())[0, 1])

    every = np.arange(len(y))
    found = jackknifed(slope(every), [slope(np.delete(every, i)) for i in every])
    # Fisher's z: the interval of a correlation stays below 1.
    z = jackknifed(np.arctanh(r(every)), [np.arctanh(r(np.delete(every, i))) for i in every])
    return found, Value(*(float(np.tanh(each)) for each in z))


__all__ = [
    "KINDS",
    "LEAST",
    "Value",
    "directions",
    "halves",
    "jackknifed",
    "kinds",
    "regression",
    "reproduced",
    "shares",
]

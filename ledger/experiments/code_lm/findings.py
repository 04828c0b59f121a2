"""What the parts of the experiment on code found, and the statistics that statements, tables and pictures share.

Classes: `Findings`, `Response`. Functions: `sem`, `spread` (of the reliability over halvings), `responses` (direct, predicted).
"""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np

from ledger.experiments.code_lm import measure, rules
from ledger.experiments.induction.rules import reliability


class Findings(NamedTuple):
    """names: components; sets, directions (K, N): mixtures; kinds, tokens: of the probed targets (rows, T); final, early: of
    `measure.measure` stacked over components; direct (2, moved, asked, chains), values and errors; loss: step → (mean, error);
    maps: step → `neighbours.maps`."""

    names: tuple[str, ...]
    sets: tuple[str, ...]
    directions: np.ndarray
    kinds: np.ndarray
    tokens: list[list[str]]
    final: Mapping[str, np.ndarray]
    early: Mapping[int, Mapping[str, np.ndarray]]
    direct: np.ndarray
    asked: tuple[int, ...]
    moved: tuple[int, ...]
    loss: Mapping[int, tuple[float, float]]
    last: int
    h: float
    h_reweighted: float
    digest: str
    maps: Mapping[int, dict[str, np.ndarray]]


class Response(NamedTuple):
    """Σ s χ̂/N and the direct response to each of `sets`, (components, K) each, with the errors of both; slope and r of the second
    on the first; δh; fresh: whether chains of their own gave the direct response."""

    sets: tuple[str, ...]
    predicted: np.ndarray
    direct: np.ndarray
    errors: tuple[np.ndarray, np.ndarray]
    slope: rules.Value
    r: rules.Value
    h: float
    fresh: bool


def sem(values: np.ndarray, axis: int) -> np.ndarray:
    """The standard error of the mean over an axis of independent values."""
    return values.std(axis=axis, ddof=1) / values.shape[axis] ** 0.5


def spread(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest reliability over the halvings; groups (chains, components, N)."""
    each = np.stack(
        [reliability(np.stack([groups[a].mean(axis=0), groups[b].mean(axis=0)])) for a, b in rules.halves(len(groups))]
    )
    return each.min(axis=0), each.max(axis=0)


def responses(found: Findings) -> dict[str, Response]:
    """By the way in which the direct response was had; direct and predicted share no draw."""
    x = measure.predicted(measure.groups(found.final), found.directions)  # (chains, components, K)
    return {"reweighted draws of other chains": _reweighted(found, x), "new chains": _fresh(found, x)}


def _reweighted(found: Findings, x: np.ndarray) -> Response:
    again = measure.reweighted(found.final["phi"], found.final["along"], found.h_reweighted).swapaxes(0, 1)
    # Two chains predict, the others answer: no draw is on both sides, nor in both predictions. All choices side by side.
    G = len(x)
    ways = list(combinations(range(G), 2)) if G <= 6 else [(2 * i, 2 * i + 1) for i in range(G // 2)]
    rest = [[i for i in range(G) if i not in way] for way in ways]
    halves = np.stack([np.concatenate([x[way[i]] for way in ways], axis=1) for i in (0, 1)])
    slope, r = rules.regression(halves, np.concatenate([again[keep].mean(axis=0) for keep in rest], axis=1))
    # Drawn from one choice; the regression is over all.
    one, two = list(ways[0]), rest[0]
    errors = sem(x, 0) * (G / 2) ** 0.5, sem(again, 0) * (G / len(two)) ** 0.5
    return Response(
        found.sets, x[one].mean(axis=0), again[two].mean(axis=0), errors, slope, r, found.h_reweighted, fresh=False
    )


def _fresh(found: Findings, x: np.ndarray) -> Response:
    pick = np.ix_(found.moved, found.asked)
    y, error = found.direct[0].mean(axis=2), np.sqrt(np.sum(found.direct[1] ** 2, axis=2)) / found.direct.shape[3]
    slope, r = rules.regression(np.stack([x[::2].mean(axis=0)[pick], x[1::2].mean(axis=0)[pick]]), y)
    sets = tuple(found.sets[k] for k in found.asked)
    return Response(sets, x.mean(axis=0)[pick], y, (sem(x, 0)[pick], error), slope, r, found.h, fresh=True)


__all__ = ["Findings", "Response", "responses", "sem", "spread"]

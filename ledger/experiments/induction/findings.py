"""What the parts of the induction experiment found, and how conditions are compared.

Class: `Findings`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ledger.experiments.induction import paired, rules
from ledger.experiments.induction.conditions import Made
from ledger.experiments.induction.paired import Interval


class Findings(NamedTuple):
    """kinds: of the tokens of each data set; after, early: χ̂ and φ after and before the transition, stacked over components; groups
    (chains, components, N); made, runs: weights and times of each condition; ladders: (mark, component) → `measure.ladder`."""

    most: int
    names: tuple[str, ...]
    heads: list[str]
    kinds: Mapping[str, np.ndarray]
    source: Mapping[str, np.ndarray]
    after: Mapping[str, np.ndarray]
    groups: np.ndarray
    ridge: float
    scores: Mapping[str, np.ndarray]
    loss: np.ndarray
    made: dict[str, Made]
    runs: dict[str, dict[str, np.ndarray]]
    held: Mapping[str, np.ndarray] | None = None
    earlier: Mapping[str, np.ndarray] | None = None
    early: Mapping[str, np.ndarray] | None = None
    ladders: Mapping[tuple[int, str], Mapping[str, np.ndarray]] = {}
    strengths: tuple[float, ...] = ()

    def times(self, name: str) -> np.ndarray:
        return self.runs[name]["times"]

    def mean(self, name: str) -> Interval:
        return paired.mean(self.times(name), self.most)

    def versus(self, name: str, other: str) -> Interval:
        """min(time, most) of a condition less that of another, on the seeds that both have."""
        a, b = self.times(name), self.times(other)
        count = min(len(a), len(b))
        return paired.difference(a[:count], b[:count], self.most)

    def ratio(self, name: str) -> float:
        made = self.made[name]
        rows = made.weights.reshape(-1, made.weights.shape[-1])
        return float(np.mean([rules.ratio(row, self.kinds[made.data]) for row in rows]))


__all__ = ["Findings"]

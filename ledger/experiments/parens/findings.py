"""What the parts of the parentheses experiment found, how conditions are compared, and how numbers are told.

Intervals are those of `induction.paired`: bootstrap over seeds, widened to Student's t.

Class: `Findings`. Functions: `told`, `stayed`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ledger.experiments.induction import paired
from ledger.experiments.induction.paired import Interval
from ledger.experiments.parens import retrain
from sampler.data import parentheses

LENGTHS = (retrain.LENGTH, *retrain.OTHERS)
STAYED = 0.05  # nat: a chain whose loss rose by more has left the solution


class Findings(NamedTuple):
    """source: `retrain.sources`; tries: (kernel, γ, ε asked) → `measure.attempt`; answers: `measure.answers` of each source; chi
    (sources, chains, N); made, runs: weights and behaviour of each condition."""

    strings: parentheses.Strings
    source: Mapping[str, np.ndarray]
    tries: Mapping[tuple[str, float, float], Mapping[str, np.ndarray]]
    answers: Sequence[Mapping[str, np.ndarray]]
    chi: np.ndarray
    made: Mapping[str, np.ndarray]
    runs: Mapping[str, Mapping[str, np.ndarray]]

    def share(self, name: str, length: int = retrain.LENGTH) -> np.ndarray:
        """The share of the deciding strings called nested, seed by seed."""
        return self.runs[name][f"yes {length}"][:, parentheses.EQUAL]

    def mean(self, name: str, length: int = retrain.LENGTH) -> Interval:
        found = paired.mean(self.share(name, length), np.inf)
        return found._replace(low=max(found.low, 0.0), high=min(found.high, 1.0))

    def versus(self, name: str, other: str, length: int = retrain.LENGTH) -> Interval:
        return paired.difference(self.share(name, length), self.share(other, length), np.inf)


def told(x: Interval, digits: int = 2) -> str:
    return f"{x.mean:.{digits}f} ({x.low:.{digits}f} to {x.high:.{digits}f})"


def stayed(run: Mapping[str, np.ndarray]) -> bool:
    """Whether every chain ended with a loss near that of the solution."""
    return bool((np.abs(run["last"]) < STAYED).all())


__all__ = ["LENGTHS", "STAYED", "Findings", "stayed", "told"]

"""Claims, evidence and verdicts: the vocabulary of the ledger.

A `Claim` is one statement of the primer with three functions that try to break it, one for each layer.
Each returns `Evidence`; `verdict` weighs the three:

    refuted   at least one layer contradicts the statement
    finding   all three layers support the *corrected* statement that the claim carries in `finding`
    holds     all three layers support the statement as printed
    open      no layer contradicts it, but evidence is owed
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from theory.graphs import Graph


class Layer(StrEnum):
    DERIVED = "derived"
    ENCLOSED = "enclosed"
    SAMPLED = "sampled"


class Status(StrEnum):
    HOLDS = "holds"
    REFUTED = "refuted"
    OPEN = "open"


class Verdict(StrEnum):
    HOLDS = "holds"
    FINDING = "finding"
    OPEN = "open"
    REFUTED = "refuted"


class Budget(StrEnum):
    QUICK = "quick"
    FULL = "full"

    @property
    def effort(self) -> int:
        """How many times the draws of a quick run: four on a full budget, for half the standard error."""
        return 4 if self is Budget.FULL else 1


@dataclass(frozen=True)
class Series:
    """One labelled curve of a figure: `style` is "line", "points" (with error bars `yerr`) or "band" (y ± yerr)."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    yerr: tuple[float, ...] | None = None
    style: str = "points"


@dataclass(frozen=True)
class Figure:
    """A figure as data: drawn by `ledger.report`, saved as numbers in the JSON."""

    title: str
    xlabel: str
    ylabel: str
    series: tuple[Series, ...]
    xlog: bool = False
    ylog: bool = False


@dataclass(frozen=True)
class Diagrams:
    """A family of graphs to draw: `vanishing[i]` holds the valences at which vertex i is zero, as in `graphs.surviving`."""

    title: str
    graphs: tuple[Graph, ...]
    vanishing: Mapping[int, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What one layer found: `summary` is one line for the table, `data` the JSON fields (digits, z, power_at, …)."""

    status: Status
    summary: str
    data: Mapping[str, Any] = field(default_factory=dict)
    figures: tuple[Figure | Diagrams, ...] = ()


@dataclass(frozen=True)
class Claim:
    """One statement of the primer and its three tests; `labels` lists every label of the row in the primer."""

    id: str
    labels: tuple[str, ...]
    section: str
    statement: str
    derived: Callable[[Budget], Evidence]
    enclosed: Callable[[Budget], Evidence]
    sampled: Callable[[Budget], Evidence]
    finding: str | None = None

    def test(self, layer: Layer) -> Callable[[Budget], Evidence]:
        return {Layer.DERIVED: self.derived, Layer.ENCLOSED: self.enclosed, Layer.SAMPLED: self.sampled}[layer]


def verdict(claim: Claim, evidence: Mapping[Layer, Evidence]) -> Verdict:
    """Weigh the layers: one refutation refutes, all three are needed to hold."""
    statuses = [evidence[layer].status if layer in evidence else Status.OPEN for layer in Layer]
    if Status.REFUTED in statuses:
        return Verdict.REFUTED
    if Status.OPEN in statuses:
        return Verdict.OPEN
    return Verdict.FINDING if claim.finding else Verdict.HOLDS

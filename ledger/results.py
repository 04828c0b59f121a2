"""What a run of the claims found, and how it is written down.

LayerResult   the evidence of one layer and its wall time
ClaimResult   a claim, its layers so far, and the verdict on them
Section       the applied section: the validated estimator on a network
Report        all of it, with the environment; `to_json` is what `verify --json` prints
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger import output
from ledger.claim import Claim, Evidence, Figure, Layer, Verdict, verdict

# Fields that a layer always reports, null where its test has no such number.
_FIELDS: dict[Layer, tuple[str, ...]] = {
    Layer.DERIVED: (),
    Layer.ENCLOSED: ("digits",),
    Layer.SAMPLED: ("z", "power_at"),
}


@dataclass(frozen=True)
class LayerResult:
    evidence: Evidence
    seconds: float


@dataclass(frozen=True)
class ClaimResult:
    claim: Claim
    layers: Mapping[Layer, LayerResult] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        return verdict(self.claim, {layer: result.evidence for layer, result in self.layers.items()})

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.layers.values())

    def to_json(self) -> dict[str, Any]:
        return {
            **describe(self.claim),
            **{layer.value: _layer_json(layer, self.layers.get(layer)) for layer in Layer},
            "verdict": self.verdict,
            "finding": self.claim.finding,
        }


@dataclass(frozen=True)
class Section:
    """The applied section as it is reported: numbers, figures, and a summary in sentences."""

    data: Mapping[str, Any]
    figures: tuple[Figure, ...]
    summary: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Report:
    claims: tuple[ClaimResult, ...]
    environment: Mapping[str, Any]
    seconds: float
    applied: Section | None = None
    interrupted: bool = False

    @property
    def summary(self) -> dict[str, int]:
        """How many claims received each verdict."""
        counts = Counter(result.verdict for result in self.claims)
        return {each.value: counts[each] for each in Verdict}

    @property
    def exit_code(self) -> int:
        return 1 if self.summary[Verdict.REFUTED] else 0

    def to_json(self) -> dict[str, Any]:
        applied = None
        if self.applied is not None:
            applied = {
                "summary": list(self.applied.summary),
                "seconds": round(self.applied.seconds, 3),
                **{key: item for key, item in self.applied.data.items() if key not in ("summary", "seconds")},
                "figures": list(self.applied.figures),
            }
        counts = {"claims": len(self.claims), **self.summary}
        report = {
            "claims": [result.to_json() for result in self.claims],
            "summary": {**counts, "seconds": round(self.seconds, 3), "interrupted": self.interrupted},
            "environment": self.environment,
            "applied": applied,
        }
        return output.plain(report)


def describe(claim: Claim) -> dict[str, Any]:
    """The claim itself, as `verify --list --json` prints it."""
    return {"id": claim.id, "labels": list(claim.labels), "section": claim.section, "statement": claim.statement}


def _layer_json(layer: Layer, result: LayerResult | None) -> dict[str, Any]:
    if result is None:
        return {"status": "not run"}
    evidence = result.evidence
    return {
        **dict.fromkeys(_FIELDS[layer]),
        **evidence.data,
        "status": evidence.status,
        "summary": evidence.summary,
        "seconds": round(result.seconds, 3),
        "figures": list(evidence.figures),
    }

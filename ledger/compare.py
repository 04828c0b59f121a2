"""How two results of different kinds meet: one rule for each pair, and no tolerance to tune.

    exact against a ball      the ball must contain the exact value; the digits are those of the worst point of the ball
    ball against ball         they must overlap
    estimate against exact    |estimate − prediction| ≤ Z_CRITICAL · √(sem² + truncation²)

A sampled comparison has two errors to state: the false-alarm rate of one comparison (FALSE_ALARM, two-sided normal) and its power,
the relative error of the formula that it would detect with probability POWER.

Reading order: `contains`, `overlap`, `meets`, `combine`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import sympy as sp
from flint import arb

from ledger.claim import Evidence, Status
from numerics.precision import ball as enclose

FALSE_ALARM = 1e-6
POWER = 0.99
Z_CRITICAL = NormalDist().inv_cdf(1 - FALSE_ALARM / 2)
Z_POWER = NormalDist().inv_cdf(POWER)


@dataclass(frozen=True)
class Enclosed:
    """Whether two results agree, and to how many decimal digits."""

    agrees: bool
    digits: float


@dataclass(frozen=True)
class Sampled:
    """A z-score and the smallest relative error of the prediction that the comparison would detect (see module)."""

    z: float
    power_at: float

    @property
    def agrees(self) -> bool:
        return abs(self.z) <= Z_CRITICAL

    @property
    def status(self) -> Status:
        return Status.HOLDS if self.agrees else Status.REFUTED

    def words(self, mean: float, sem: float, prediction: float) -> str:
        if not self.agrees:
            return (
                f"z = {self.z:+.1f} exceeds {Z_CRITICAL:.1f}: sampled {mean:.5g} ± {sem:.1g}, expected {prediction:.5g}"
            )
        seen = f"would see {100 * self.power_at:.2g}%" if math.isfinite(self.power_at) else "the formula is 0 here"
        return f"z = {self.z:+.1f}, {seen}"


def contains(found: arb, exact: sp.Expr) -> Enclosed:
    """Does the ball contain the exact value? The digits are relative, absolute when the exact value is 0."""
    return overlap(found, enclose(exact))


def overlap(first: arb, second: arb) -> Enclosed:
    """Do two balls overlap? The digits are those of the largest distance between their points, relative to the second."""
    gap, scale = abs(first - second), abs(second)
    if not second.contains(0):
        gap = gap / scale
    agrees = bool(first.overlaps(second))
    digits = float(-gap.upper().log() / arb(10).log())
    return Enclosed(agrees, digits if math.isfinite(digits) else float(first.rel_accuracy_bits()) * math.log10(2))


def meets(
    mean: float, sem: float, prediction: float, *, truncation: float = 0.0, scale: float | None = None
) -> Sampled:
    """The z-score of an estimate against a prediction whose own error is at most `truncation`.

    The power is relative to `scale` (default: the prediction): (Z_CRITICAL + Z_POWER) times the standard error over |scale|.
    """
    error = math.hypot(sem, truncation)
    size = abs(prediction if scale is None else scale)
    z = (mean - prediction) / error if error > 0 else math.inf
    return Sampled(z if math.isfinite(z) else math.inf, (Z_CRITICAL + Z_POWER) * error / size if size else math.inf)


def combine(parts: Sequence[Evidence]) -> Evidence:
    """Several comparisons of one claim: refuted if one is, the fewest digits, the largest |z|, the weakest power."""
    statuses = {part.status for part in parts}
    status = next(s for s in (Status.REFUTED, Status.OPEN, Status.HOLDS) if s in statuses)
    data: dict = {"parts": [part for p in parts for part in _parts(p)]}
    digits = [p.data["digits"] for p in parts if "digits" in p.data]
    z = [p.data["z"] for p in parts if "z" in p.data]
    power = [p.data["power_at"] for p in parts if "power_at" in p.data]
    if digits:
        data["digits"] = min(digits)
    if z:
        data["z"] = max(z, key=abs)
    if power:
        data["power_at"] = max(power)
    wanted = [p for p in parts if p.status is status]
    summary = "; ".join(dict.fromkeys(p.summary for p in wanted))
    return Evidence(status, summary, data, tuple(f for p in parts for f in p.figures))


def _parts(evidence: Evidence) -> list[dict]:
    """The single comparisons behind a piece of evidence: its own parts if it is a combination, else itself."""
    return evidence.data.get("parts") or [
        {"status": evidence.status.value, "summary": evidence.summary, **evidence.data}
    ]

"""Evidence from one comparison, in the words and with the fields that every claim reports alike.

    vanishes    derived     every difference between the two sides is identically zero
    encloses    enclosed    a ball meets an exact value (which it must contain) or another ball (which it must overlap)
    estimates   sampled     an estimate meets a prediction, with its z-score and its power

Claims combine such evidence with `ledger.compare.combine`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sympy as sp
from flint import arb

from ledger.claim import Evidence, Figure, Status
from ledger.compare import contains, meets, overlap

if TYPE_CHECKING:
    from sampler.diagnostics import Estimate

Figures = tuple[Figure, ...]
DECISIVE = 12


def vanishes(name: str, differences: Mapping[str, Any], words: str, **data: Any) -> Evidence:
    """Holds, in these words, if every difference (a number, an expression or a matrix of them) is zero once simplified."""
    left = {key: difference for key, difference in differences.items() if not _zero(difference)}
    data = {"differences": {key: str(left.get(key, 0)) for key in differences}, **data}
    if not left:
        return Evidence(Status.HOLDS, f"{name}: {words}", data)
    witness = "; ".join(f"{key} leaves {difference}" for key, difference in left.items())
    return Evidence(Status.REFUTED, f"{name}: {witness}", data)


def encloses(name: str, found: arb, expected: sp.Expr | arb, figures: Figures = (), **data: Any) -> Evidence:
    """The ball against an exact expected value or an expected ball; call it inside the `digits` scope of the balls.

    A wide ball meets anything: agreement to fewer than DECISIVE digits is evidence owed, not evidence.
    """
    agreement = overlap(found, expected) if isinstance(expected, arb) else contains(found, sp.sympify(expected))
    shown = expected.str(20) if isinstance(expected, arb) else str(expected)
    data = {"digits": round(agreement.digits, 1), "found": found.str(20), "expected": shown, **data}
    if agreement.agrees and agreement.digits < DECISIVE:
        words = f"{name}: the balls agree to {agreement.digits:.0f} digits only, fewer than {DECISIVE}"
        return Evidence(Status.OPEN, words, data, figures)
    if agreement.agrees:
        return Evidence(Status.HOLDS, f"{name}: {agreement.digits:.0f} digits", data, figures)
    other = expected.str(12) if isinstance(expected, arb) else str(sp.N(expected, 12))
    return Evidence(Status.REFUTED, f"{name}: integrals give {found.str(12)}, the formula {other}", data, figures)


def estimates(
    name: str,
    estimate: "Estimate",
    prediction: float,
    figures: Figures = (),
    *,
    truncation: float = 0.0,
    scale: float | None = None,
    **data: Any,
) -> Evidence:
    """A scalar estimate against a prediction whose own error is at most `truncation`; the power is relative to `scale`."""
    mean, sem = float(estimate.mean), float(estimate.sem)
    result = meets(mean, sem, prediction, truncation=truncation, scale=scale)
    data = {
        "z": result.z,
        "power_at": result.power_at,
        "mean": mean,
        "sem": sem,
        "ess": float(estimate.ess),
        "rhat": float(estimate.rhat),
        "prediction": prediction,
        "truncation": truncation,
        **data,
    }
    return Evidence(result.status, f"{name}: {result.words(mean, sem, prediction)}", data, figures)


def _zero(difference: Any) -> bool:
    if isinstance(difference, (sp.MatrixBase, sp.NDimArray)):
        return all(_zero(entry) for entry in sp.flatten(difference))
    numerator, denominator = map(sp.expand, sp.fraction(sp.together(difference)))  # enough for most of what vanishes
    return numerator == 0 != denominator or sp.simplify(difference) == 0

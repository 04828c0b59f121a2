"""What `threefold rlct` answers: the real log canonical threshold λ of K, its multiplicity m, and a certificate that is checked.

    ∫ e^{−tK} φ dw ~ C t^{−λ} (log t)^{m−1}

as JSON and on a terminal; `ledger.resolutions` draws the resolution.
"""

from typing import Any

from rich.console import Console
from rich.text import Text

from theory.rlct import RLCT


def answer(found: RLCT, shown: str, checked: bool | None) -> dict[str, Any]:
    """The result as plain values; `checked`: what the independent checker says, None where it was not asked."""
    return {
        "K": shown,
        "rlct": None if found.value is None else str(found.value),
        "multiplicity": found.multiplicity,
        "exact": found.exact,
        "lower": str(found.lower),
        "upper": str(found.upper),
        "method": found.method,
        "checked": checked,
        "certificate": found.certificate,
    }


def show(told: dict[str, Any], console: Console) -> None:
    if told["exact"]:
        head = f"λ = {told['rlct']}, multiplicity {told['multiplicity']}"
    elif told["rlct"] is not None:
        head = f"λ = {told['rlct']}, multiplicity not known"
    else:
        head = f"{told['lower']} ≤ λ ≤ {told['upper']}: the bracket did not close in time; raise --time-limit"
    console.print(Text(head, style="bold"), soft_wrap=True)
    console.print(Text(f"  {told['method']}"), soft_wrap=True)
    if told["checked"] is not None:
        words = "the certificate was verified again by code that did not make it"
        words = (
            words
            if told["checked"]
            else "the certificate was NOT accepted by the independent checker: do not use this answer"
        )
        console.print(Text(f"  {words}", style="dim" if told["checked"] else "bold red"), soft_wrap=True)

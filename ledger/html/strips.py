"""Numbers as small pictures that stand in a line of text.

    digits    a bar from 0 to 40 decimal digits, with the mark of the 12 below which agreement decides nothing
    score     a dot for z on the axis −5 … 5 standard errors, between the lines ±4.9 at which a comparison refutes
    power     a bar, longer for a finer test: the smallest relative error that would be detected, from 100 % down to 0.001 %

Each is an <svg> with its number in words for those who do not see it. The numbers stand beside the pictures; `strip` writes both.

Functions: `strip` (of the evidence of a layer), `digits`, `score`, `power`.
"""

import math

from ledger.claim import Layer
from ledger.compare import Z_CRITICAL
from ledger.evidence import DECISIVE
from ledger.html.frame import text
from ledger.report import mark
from ledger.results import LayerResult

_MOST_DIGITS = 40
_REACH = 5.0  # standard errors on either side of the axis
_DECADES = 5


def strip(layer: Layer, result: LayerResult | None) -> str:
    """The mark of a layer, its number, and the number's picture where it has one."""
    kind = "open" if result is None else result.evidence.status.value
    words = "not run" if result is None else result.evidence.summary
    sign, _, number = mark(layer, result).partition(" ")
    said = f' <span class="said">{text(number)}</span>' if number else ""
    values = {} if result is None else result.evidence.data
    drawn = ""
    if layer is Layer.ENCLOSED and _number(values.get("digits")):
        drawn = digits(values["digits"])
    elif layer is Layer.SAMPLED and _number(values.get("z")):
        drawn = score(values["z"]) + (power(values["power_at"]) if _number(values.get("power_at")) else "")
    return f'<span class="mark"><span class="{kind}" title="{text(words)}">{text(sign)}</span> {drawn}{said}</span>'


def digits(value: float) -> str:
    """A bar of decimal digits of agreement."""
    filled = 60 * min(max(value, 0.0), _MOST_DIGITS) / _MOST_DIGITS
    mark_at = 60 * DECISIVE / _MOST_DIGITS
    kind = "full" if value >= DECISIVE else "weak"
    inside = (
        '<rect class="ground" y="5" width="60" height="8" rx="2"/>'
        f'<rect class="{kind}" y="5" width="{filled:.1f}" height="8" rx="2"/>'
        f'<path class="line" d="M{mark_at:.0f} 2v14"/>'
    )
    return _svg(60, f"{value:.0f} digits", inside)


def score(z: float) -> str:
    """A dot on the axis of standard errors; beyond the axis an arrow at its end."""
    limit = 9 * Z_CRITICAL
    refutes = not abs(z) <= Z_CRITICAL
    kind = "bad" if refutes else "full"
    if abs(z) <= _REACH:
        dot = f'<circle class="{kind}" cx="{50 + 9 * z:.1f}" cy="9" r="3.4"/>'
    else:
        side = math.copysign(1, z) if z == z else 1
        dot = f'<path class="{kind}" d="M{50 + 50 * side:.0f} 9l{-7 * side:.0f} -4.5v9z"/>'
    inside = (
        f'<rect class="ground" x="{50 - limit:.1f}" y="4" width="{2 * limit:.1f}" height="10"/>'
        '<path class="line" d="M5 9h90M50 5.5v7M5 7v4M95 7v4"/>'
        f'<path class="limit" d="M{50 - limit:.1f} 2v14M{50 + limit:.1f} 2v14"/>{dot}'
    )
    words = f"z = {z:+.1f} on an axis from −5 to 5; beyond ±{Z_CRITICAL:.1f} it would refute"
    return _svg(100, words.replace("-", "−"), inside)


def power(value: float) -> str:
    """A bar for the smallest relative error that the comparison would detect, in decades; nothing where the formula is 0."""
    if not (math.isfinite(value) and value > 0):
        return ""
    filled = 40 * min(max(0.0, -math.log10(value)), _DECADES) / _DECADES
    ticks = "".join(f"M{40 * n // _DECADES} 13v2" for n in range(_DECADES + 1))
    inside = (
        '<rect class="ground" y="5" width="40" height="8" rx="2"/>'
        f'<rect class="full" y="5" width="{filled:.1f}" height="8" rx="2"/><path class="line" d="{ticks}"/>'
    )
    return _svg(40, f"would detect a relative error of {100 * value:.2g} %", inside, "spark power")


def _svg(width: int, words: str, inside: str, kind: str = "spark") -> str:
    return (
        f'<svg class="{kind}" role="img" viewBox="-1 0 {width + 2} 18" width="{width + 2}" height="18">'
        f"<title>{text(words)}</title>{inside}</svg> "
    )


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

"""Two reports of `threefold verify --json`, side by side: what became worse, what better, what is merely different.

    worse       a claim is gone, a verdict or a layer fell (holds, finding > open > refuted), digits fell by more than one, or the
                smallest error that a sample would detect grew by more than half
    better      the reverse of these, and claims that are new
    different   a statement, a finding or a z-score changed (seeds are fixed: z moves when code, versions or the machine do)

A layer that was run in one report only is not compared. Functions: `read`, `compare`, `show`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.text import Text

from ledger.claim import Layer
from theory.errors import BadInput

RANK = {"refuted": 0, "open": 1, "finding": 2, "holds": 2}
DIGITS, DETECTION, SCORE = 1.0, 1.5, 1e-6
LARGE = 1e300  # no number of a report is as large, and an integer may be too large for a float
KINDS = ("worse", "better", "different")
_COLOURS = {"worse": "bold red", "better": "green", "different": "yellow"}


class Change(NamedTuple):
    kind: str
    claim: str
    text: str


def read(path: Path) -> dict[str, Any]:
    """A report; raises `BadInput` for a file that is not one."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        claims = {claim["id"]: claim for claim in report["claims"]}
        for claim in claims.values():
            layers = [claim.get(layer.value) or {} for layer in Layer]
            if claim["verdict"] not in RANK or not all(isinstance(each.get("status", ""), str) for each in layers):
                raise ValueError("a verdict or a status")
        dict(report.get("environment") or {})
    except OSError as problem:
        raise BadInput(
            f"{path} cannot be read: {(problem.strerror or type(problem).__name__).lower()}; give a report"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadInput(f"{path} is not a report; make one with `threefold verify --json {path}`") from None
    return report


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """{"worse", "better", "different": [{"claim", "text"}], "same": how many claims, "environment": {name: [old, new]}}."""
    before, after = ({claim["id"]: claim for claim in report["claims"]} for report in (old, new))
    changes = [change for name in before | after for change in _claim(name, before.get(name), after.get(name))]
    touched = {change.claim for change in changes}
    first, second = (dict(report.get("environment") or {}) for report in (old, new))
    return {
        **{kind: [{"claim": c.claim, "text": c.text} for c in changes if c.kind == kind] for kind in KINDS},
        "same": len((before | after).keys() - touched),
        "environment": {
            key: [first.get(key), second.get(key)] for key in first | second if first.get(key) != second.get(key)
        },
    }


def _claim(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[Change]:
    if old is None or new is None:
        yield Change("worse", name, "the claim is gone") if new is None else Change("better", name, "a new claim")
        return
    if old["verdict"] != new["verdict"]:
        yield Change(_direction(old["verdict"], new["verdict"]), name, f"verdict: {old['verdict']} → {new['verdict']}")
    for field in ("statement", "finding"):
        if old.get(field) != new.get(field):
            yield Change("different", name, f"the {field} changed")
    for layer in Layer:
        first, second = old.get(layer.value) or {}, new.get(layer.value) or {}
        statuses = first.get("status"), second.get("status")
        if all(status in RANK for status in statuses):
            yield from (Change(kind, name, f"{layer}: {text}") for kind, text in _layer(first, second))


def _layer(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if old["status"] != new["status"]:
        yield _direction(old["status"], new["status"]), f"{old['status']} → {new['status']}"
    digits = _numbers(old, new, "digits")
    if digits and abs(digits[1] - digits[0]) > DIGITS:
        yield "worse" if digits[1] < digits[0] else "better", f"{digits[0]:.3g} → {digits[1]:.3g} digits"
    power = _numbers(old, new, "power_at")
    if power and max(power) > DETECTION * min(power):
        words = f"detects {100 * power[0]:.3g}% → {100 * power[1]:.3g}%"
        yield "worse" if power[1] > power[0] else "better", words
    scores = _numbers(old, new, "z")
    if scores and abs(scores[1] - scores[0]) > SCORE:
        yield "different", f"z = {scores[0]:.3g} → {scores[1]:.3g}"


def _direction(old: str, new: str) -> str:
    before, after = RANK[old], RANK[new]
    return "worse" if after < before else "better" if after > before else "different"


def _numbers(old: Mapping[str, Any], new: Mapping[str, Any], field: str) -> tuple[float, float] | None:
    found = old.get(field), new.get(field)
    finite = all(isinstance(x, (int, float)) and -LARGE < x < LARGE for x in found)
    return (float(found[0]), float(found[1])) if finite else None  # type: ignore[arg-type]


def show(found: Mapping[str, Any], console: Console) -> None:
    """The changes, the worst first."""
    for kind in KINDS:
        for change in found[kind]:
            console.print(Text(f"{kind:<10}", style=_COLOURS[kind]) + Text(f"{change['claim']}: {change['text']}"))
    for name, (old, new) in found["environment"].items():
        console.print(Text(f"{name}: {old} → {new}", style="dim"))
    counts = ", ".join(f"{len(found[kind])} {kind}" for kind in KINDS)
    console.print(f"{counts}; {found['same']} claims are the same")

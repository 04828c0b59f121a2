"""The evidence of one layer, folded: what was derived, enclosed or sampled, its pictures, and every number that was recorded.

    derived    the graphs and the trees of charts, drawn; the identities, one a row
    enclosed   the ladders, drawn; what the integrals gave beside what was expected, with the digits of agreement
    sampled    the figures; each comparison with its z, its power, and what is known of the chains (ESS, R-hat, diagnosis)

Functions: `layer` (of a claim), `pictures` (of figures anywhere).
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger import drawing, figures, resolutions
from ledger.claim import Diagrams, Figure, Layer, Status
from ledger.html import strips
from ledger.html.frame import data, short, text
from ledger.report import duration
from ledger.results import LayerResult
from theory.errors import BadInput

_HEADINGS = {Layer.DERIVED: "Derivation", Layer.ENCLOSED: "Integrals", Layer.SAMPLED: "Samples"}
# The fields of one comparison that have a column; the others are listed below the table.
_COLUMNS: Mapping[Layer, tuple[str, ...]] = {
    Layer.DERIVED: ("coefficient", "difference"),
    Layer.ENCLOSED: ("found", "expected", "digits"),
    Layer.SAMPLED: ("mean", "prediction", "z", "power_at", "ess", "rhat"),
}
_TITLES = {
    "mean": "sampled", "power_at": "detects", "ess": "ESS", "rhat": "R-hat", "coefficient": "coefficient, both roads",
    "found": "integrals", "digits": "digits",
}  # fmt: skip
_WITH_THE_NAME = ("status", "summary", "problem", "case", "sem", "diagnosis")
_CERTIFICATE = "threefold-rlct/"


def layer(which: Layer, result: LayerResult | None, prefix: str) -> str:
    """A <details> whose summary is the layer's column; `prefix` must be unique on the page."""
    head = f'<b>{which}</b> <span class="strip">{strips.strip(which, result)}</span>'
    if result is None:
        return f'<details><summary>{head}<span class="summary">not run</span></summary></details>'
    evidence = result.evidence
    opened = " open" if evidence.status is Status.REFUTED else ""
    return (
        f'<details{opened}><summary>{head}<span class="summary">{text(evidence.summary)}</span></summary>'
        f"<h4>{_HEADINGS[which]} · {text(duration(result.seconds))}</h4>"
        f"{pictures(evidence.figures, prefix)}{_trees(evidence.data, prefix)}{_numbers(which, evidence.data)}</details>"
    )


def pictures(drawn: Sequence[Figure | Diagrams], prefix: str) -> str:
    """Figures side by side where there is room; a family of graphs has a row to itself."""
    return f'<div class="figures">{"".join(map(_picture, drawn, _prefixes(prefix)))}</div>' if drawn else ""


def _prefixes(prefix: str) -> Iterator[str]:
    number = 0
    while True:
        yield f"{prefix}-f{number}"
        number += 1


def _picture(each: Figure | Diagrams, prefix: str) -> str:
    if isinstance(each, Diagrams):
        return f'<figure class="broad">{drawing.draw(each, prefix)}</figure>'
    return f"<figure>{figures.draw(each, prefix)}</figure>"


def _trees(values: Mapping[str, Any], prefix: str) -> str:
    """Every certificate of a resolution in the data, as its tree of charts."""
    drawn = []
    for number, (name, certificate) in enumerate(_certificates(values)):
        try:
            picture = resolutions.picture(certificate)
        except BadInput as problem:  # too large for one picture: the JSON has it
            drawn.append(f'<p class="soft note">{text(problem)}</p>')
            continue
        picture = re.sub(r'(\sid="|url\(#|\shref="#)', rf"\g<1>{prefix}-t{number}-", picture)
        picture = re.sub(r' xmlns="[^"]*"', "", picture).strip()
        drawn.append(f'<figure class="broad plate">{picture}<figcaption>{text(name)}</figcaption></figure>')
    return "".join(drawn)


def _certificates(values: Any, name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(values, Mapping):
        if str(values.get("format", "")).startswith(_CERTIFICATE):
            yield f"resolution of {', '.join(map(str, values.get('variables', ())))}: {name}".strip(" :"), values
            return
        label = str(values.get("case", values.get("K", values.get("problem", name))))
        for key, item in values.items():
            yield from _certificates(item, label or str(key))
    elif isinstance(values, (list, tuple)):
        for item in values:
            yield from _certificates(item, name)


def _numbers(which: Layer, values: Mapping[str, Any]) -> str:
    """The comparisons in a table, those without a number in a list, and what has no column folded below."""
    parts = values.get("parts")
    several = isinstance(parts, (list, tuple)) and all(isinstance(part, Mapping) for part in parts)
    rows = list(parts) if several and parts else [values]
    columns = [column for column in _COLUMNS[which] if any(column in row for row in rows)]
    measured = [row for row in rows if any(column in row for column in columns)]
    told = "".join(f"<li>{_words(row)}</li>" for row in rows if row not in measured and "summary" in row)
    hidden = {*_COLUMNS[which], *_WITH_THE_NAME} - {"summary"}
    rest = {key: value for key, value in values.items() if key not in hidden and key not in ("parts", "summary")}
    left = [{key: value for key, value in row.items() if key not in hidden} for row in rows if row is not values]
    if any(len(row) > 1 for row in left):
        rest["comparisons"] = [{"summary": "", **row} for row in left if len(row) > 1]
    fold = f'<details class="more"><summary>all other numbers</summary>{data(rest)}</details>' if rest else ""
    listed = f'<ul class="note">{told}</ul>' if told else ""
    return (_table(which, columns, measured) if measured else "") + listed + _diagnosis(rows) + fold


def _table(which: Layer, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    heads = "".join(f"<th>{text(_TITLES.get(column, column))}</th>" for column in columns)
    body = "".join(
        f'<tr><td class="long">{_words(row)}</td>{"".join(_cell(column, row) for column in columns)}</tr>'
        for row in rows
    )
    first = "identity" if which is Layer.DERIVED else "comparison"
    return f'<div class="wide numbers"><table><thead><tr><th>{first}</th>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _words(row: Mapping[str, Any]) -> str:
    """What was compared, and for which problem."""
    about = [figures.readable(str(row[key])) for key in ("case", "problem") if key in row]
    below = f' <span class="soft">{text("; ".join(about))}</span>' if about else ""
    return f"{text(row.get('summary', ''))}{below}"


def _cell(column: str, row: Mapping[str, Any]) -> str:
    value = row.get(column)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return f'<td class="long"><div class="cut">{text(figures.readable(short(value)))}</div></td>'
    if column == "z":
        drawn, number = strips.score(value), f"{value:+.2f}"
    elif column == "power_at":
        drawn, number = strips.power(value), f"{100 * value:.2g} %" if math.isfinite(value) else "–"
    elif column == "digits":
        drawn, number = strips.digits(value), f"{value:.1f}"
    elif column == "mean" and isinstance(row.get("sem"), float):
        drawn, number = "", f"{value:.8g} ± {row['sem']:.1g}"
    else:
        drawn, number = "", format(value, {"ess": ".0f", "rhat": ".4f"}.get(column, ".8g"))
    return f'<td class="number">{drawn}{text(number.replace("-", "−"))}</td>'


def _diagnosis(rows: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with the chains in sentences, where the run was diagnosed; and how the worst of them mixed."""
    told = [
        f'<li class="{"refuted" if each.get("severity") == "error" else "soft"}">{text(each.get("sentence", ""))}</li>'
        for row in rows
        if isinstance(row.get("diagnosis"), Mapping)
        for each in row["diagnosis"].get("findings", ())
    ]
    mixed = [(row["ess"], row["rhat"]) for row in rows if _finite(row.get("ess")) and _finite(row.get("rhat"))]
    words = ""
    if mixed:
        words = f"Chains: ESS at least {min(e for e, _ in mixed):.0f}, R-hat at most {max(r for _, r in mixed):.4f}."
    biased = [abs(row["z_continuous_time"]) for row in rows if _finite(row.get("z_continuous_time"))]
    if biased:
        words += f" Without the effect of the finite step in the prediction, z would be up to {max(biased):.3g}."
    listed = f"<ul>{''.join(told)}</ul>" if told else ""
    return (f'<p class="soft note">{text(words.strip())}</p>' if words else "") + listed


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)

"""The report as one web page that stands alone: no script, no style sheet and no picture from elsewhere.

It opens with the verdicts in one table; below, each claim has its statement, its finding, and the evidence of the three
layers folded in <details>; then the applied section and the environment. Every piece of text goes through `_text`.

Functions: `page` (of a report); `document` and `data` for other pages of the same style.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from ledger import drawing, figures, output
from ledger.claim import Diagrams, Figure, Layer, Status, Verdict
from ledger.report import counts, duration, label, mark
from ledger.run import ClaimResult, LayerResult, Report, Section

_STYLE = """
:root { color-scheme: light dark; --paper: #fdfdfb; --ink: #1c1e21; --soft: #667; --line: #d9d9d4; --wash: #f1f1ec;
  --holds: #1a7f4b; --finding: #9a6200; --open: #5a6472; --refuted: #c0262d; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e6e6e3; --soft: #9aa0a8; --line: #34383d;
  --wash: #1f2226; --holds: #4cc38a; --finding: #e5b04c; --open: #a3adb8; --refuted: #ff7b7b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 4rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1rem; margin: 0; }
a { color: inherit; } .soft { color: var(--soft); } .note { font-size: .88rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92rem; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; } td.name { white-space: nowrap; }
td.mark { white-space: nowrap; font-variant-numeric: tabular-nums; }
.holds { color: var(--holds); } .finding { color: var(--finding); } .open { color: var(--open); }
.refuted { color: var(--refuted); } .verdict { font-weight: 600; }
.counts { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin: .6rem 0; padding: 0; list-style: none; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; margin: .8rem 0; }
article header { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; }
article header .verdict { margin-left: auto; }
.callout { border-left: 3px solid var(--finding); padding-left: .8rem; }
details { border-top: 1px solid var(--line); padding: .4rem 0; } summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .9rem; font-size: .88rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; }
pre { background: var(--wash); padding: .5rem; margin: 0; max-height: 16rem; overflow: auto; font-size: .8rem; }
figure { margin: .8rem 0; overflow-x: auto; } figcaption { color: var(--soft); font-size: .88rem; }
.statements { list-style: none; padding: 0; } .statements li { margin: .4rem 0; padding-left: 1.4rem; text-indent: -1.4rem; }
svg { width: 100%; height: auto; min-width: 26rem; max-width: 46rem; display: block; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
@media (max-width: 40rem) { .statement { display: none; } table { font-size: .8rem; } th, td { padding-right: .4rem; }
  dl { grid-template-columns: 1fr; } dt { margin-top: .3rem; } }
"""


def page(report: Report) -> str:
    """The whole report as an HTML document."""
    pieces = [_opening(report), _overview(report.claims)]
    numbered = list(enumerate(report.claims))
    for section, members in groupby(numbered, key=lambda pair: pair[1].claim.section):
        heading = f"Section {section}" if section[:1].isdigit() else section
        pieces.append(f"<section><h2>{_text(heading)}</h2>")
        pieces.extend(_claim(number, result) for number, result in members)
        pieces.append("</section>")
    if report.applied is not None:
        pieces.append(_applied(report.applied))
    pieces.append(f'<section id="environment"><h2>Environment</h2>{data(report.environment)}</section>')
    return document("Threefold report", "\n".join(pieces))


def document(title: str, body: str) -> str:
    """A page that stands alone, in the style of the report."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _opening(report: Report) -> str:
    items = [f'<li class="verdict {each}">{_text(words)}</li>' for each, words in counts(report)]
    partial = '<p class="verdict refuted">The run was interrupted; this is what it had found.</p>'
    return (
        "<header><h1>Threefold report</h1>"
        '<p class="soft">Each claim is <b>derived</b> exactly, <b>enclosed</b> by integrals with bounded error, '
        "and <b>sampled</b> with error bars whose power is stated.</p>"
        f'<ul class="counts">{"".join(items)}<li class="soft">{_text(duration(report.seconds))}</li></ul>'
        f"{partial if report.interrupted else ''}</header>"
    )


def _overview(results: Sequence[ClaimResult]) -> str:
    rows = []
    for number, result in enumerate(results):
        marks = "".join(f'<td class="mark">{_mark(layer, result.layers.get(layer))}</td>' for layer in Layer)
        rows.append(
            f'<tr><td class="name"><a href="#claim-{number}">{_text(result.claim.id)}</a></td>'
            f'<td class="statement">{_text(result.claim.statement)}</td>{marks}<td>{_verdict(result.verdict)}</td></tr>'
        )
    return (
        '<div class="wide"><table><thead><tr><th>claim</th><th class="statement">statement</th><th>derived</th>'
        "<th>enclosed<br>digits</th><th>sampled<br>z · power at</th><th>verdict</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        '<p class="soft note">✓ supports, ✗ contradicts, … evidence owed, – not run. z is the distance from the '
        "prediction in standard errors; “power at” the smallest relative error of it that would be detected.</p>"
    )


def _claim(number: int, result: ClaimResult) -> str:
    claim = result.claim
    others = [each for each in claim.labels if each != claim.id]
    also = f'<span class="soft">{_text(", ".join(others))}</span>' if others else ""
    finding = f'<p class="callout"><b>Finding.</b> {_text(claim.finding)}</p>' if claim.finding else ""
    layers = "".join(_layer(f"c{number}{layer}", layer, result.layers.get(layer)) for layer in Layer)
    return (
        f'<article id="claim-{number}"><header><h3>{_text(claim.id)}</h3>{also}{_verdict(result.verdict)}</header>'
        f"<p>{_text(claim.statement)}</p>{finding}{layers}</article>"
    )


def _layer(prefix: str, layer: Layer, result: LayerResult | None) -> str:
    heading = f"{_mark(layer, result)} <b>{layer}</b>"
    if result is None:
        return f'<details><summary>{heading} <span class="soft">not run</span></summary></details>'
    evidence = result.evidence
    opened = " open" if evidence.status is Status.REFUTED else ""
    return (
        f"<details{opened}><summary>{heading}: {_text(evidence.summary)} "
        f'<span class="soft">({_text(duration(result.seconds))})</span></summary>'
        f"{_figures(evidence.figures, prefix)}{data(evidence.data)}</details>"
    )


def _applied(section: Section) -> str:
    words = "".join(f"<p>{_text(sentence)}</p>" for sentence in section.summary)
    maps = "".join(
        f"<figure>{figures.heat_map(matrix, f'm{number}')}</figure>"
        for number, matrix in enumerate(figures.matrices(section.data))
    )
    return (
        f'<section id="applied"><h2>Applied: the same estimator on a network</h2>{words}{maps}'
        f"{_figures(section.figures, 'applied')}"
        f"<details><summary>All numbers</summary>{data(section.data)}</details></section>"
    )


def _figures(drawn: Sequence[Figure | Diagrams], prefix: str) -> str:
    return "".join(f"<figure>{_picture(each, f'{prefix}f{n}')}</figure>" for n, each in enumerate(drawn))


def _picture(each: Figure | Diagrams, prefix: str) -> str:
    return drawing.draw(each, prefix) if isinstance(each, Diagrams) else figures.draw(each, prefix)


def data(values: Mapping[str, Any]) -> str:
    """The values as a list of names and what they are."""
    return f"<dl>{''.join(_entries(values))}</dl>" if values else ""


def _entries(data: Mapping[str, Any]) -> Iterator[str]:
    for key, value in output.plain(data).items():
        yield f"<dt>{_text(key)}</dt><dd>{_value(value)}</dd>"


def _value(value: Any) -> str:
    if isinstance(value, dict) and value and not any(isinstance(item, (dict, list)) for item in value.values()):
        return _text(", ".join(f"{key} {_short(item)}" for key, item in value.items()))
    if isinstance(value, list) and value and not any(isinstance(item, (dict, list)) for item in value):
        return _text(", ".join(map(_short, value)))
    if isinstance(value, list) and value and all(isinstance(item, dict) and "summary" in item for item in value):
        return f'<ol class="parts">{"".join(map(_part, value))}</ol>'
    nested = isinstance(value, (dict, list)) and value
    return f"<pre>{_text(output.dumps(value).rstrip())}</pre>" if nested else _text(_short(value))


def _part(part: Mapping[str, Any]) -> str:
    """One comparison of several: its summary, and its numbers folded below."""
    rest = {key: value for key, value in part.items() if key not in ("summary", "status")}
    return f"<li><details><summary>{_text(part['summary'])}</summary>{data(rest)}</details></li>"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "–" if value is None or value in ([], {}) else str(value)


def _mark(layer: Layer, result: LayerResult | None) -> str:
    kind = "open" if result is None else result.evidence.status.value
    return f'<span class="{kind}" title="{_text(label(result))}">{_text(mark(layer, result))}</span>'


def _verdict(verdict: Verdict) -> str:
    return f'<span class="verdict {verdict}">{verdict}</span>'


def _text(value: Any) -> str:
    return escape(str(value), quote=True)

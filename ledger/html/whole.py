"""The whole page of a report, from the findings to the environment.

Function: `page`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from ledger import figures
from ledger.claim import Layer, Status, Verdict
from ledger.html import anchors, formulas, layers, strips
from ledger.html.frame import data, document, text
from ledger.report import counts, duration
from ledger.results import ClaimResult, Report, Section

_TAKEN = ("main", "findings", "claims", "applied", "environment")
_NAMES: Mapping[str, str] = {
    "2": "Statistical mechanics",
    "3": "Susceptibilities",
    "4.1": "Geometry: the regular case",
    "4.2": "Geometry: the singular case",
    "5": "Patterning",
    "6": "Estimators",
    "A": "Proofs, and all orders",
    "The chain": "The exact law of the sampler",
}
_ENOUGH = 8  # comparisons from which on their z-scores are shown together
Entry = tuple[ClaimResult, list[str]]


def page(report: Report) -> str:
    """The whole report as an HTML document."""
    given = anchors.share([result.claim for result in report.claims], _TAKEN)
    entries = list(zip(report.claims, given, strict=True))
    chapters = [(name, list(members)) for name, members in groupby(_ordered(entries), key=_chapter)]
    pieces = [_opening(report), _found(entries), _overview(report, chapters)]
    for name, members in chapters:
        cards = "\n".join(_card(result, names) for result, names in members)
        pieces.append(f'<section id="{_section(name)}"><h2>{text(_title(name))}</h2>\n{cards}</section>')
    if report.applied is not None:
        pieces.append(_applied(report.applied))
    pieces.append(_environment(report))
    return document("Threefold report", "\n".join(pieces), _contents(report, chapters))


# ── order ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _ordered(entries: Sequence[Entry]) -> list[Entry]:
    """In the primer's order: by the numbers of the sections, then what has no number, as it comes."""
    chapters = list(dict.fromkeys(map(_chapter, entries)))
    return sorted(
        entries,
        key=lambda entry: (_numbers(entry[0].claim.section) or [99], chapters.index(_chapter(entry))),
    )


def _numbers(section: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", section)]


def _chapter(entry: Entry) -> str:
    """Section 4 is long and has two chapters; the others are one each."""
    section = entry[0].claim.section
    if not re.fullmatch(r"\d+(\.\d+)*", section):
        return section
    return ".".join(section.split(".")[:2]) if section.startswith("4.") else section.split(".")[0]


def _title(chapter: str) -> str:
    name = _NAMES.get(chapter)
    if chapter[:1].isdigit():
        return f"Section {chapter}: {name}" if name else f"Section {chapter}"
    if chapter == "A":
        return f"Appendix A: {name}"
    return f"{chapter}: {name[0].lower()}{name[1:]}" if name else chapter.capitalize()


def _short(chapter: str) -> str:
    if chapter[:1].isdigit():
        return f"§{chapter} {_NAMES.get(chapter, '')}".strip()
    return "Appendix A" if chapter == "A" else chapter


def _section(chapter: str) -> str:
    return f"chapter-{anchors.anchor(chapter)}"


# ── the parts of the page ─────────────────────────────────────────────────────────────────────────────────────────────


def _contents(report: Report, chapters: Sequence[tuple[str, list[Entry]]]) -> str:
    items = [
        '<li><a href="#main">Threefold report</a></li>',
        '<li><a href="#findings">Findings</a></li>',
        '<li><a href="#claims">All claims</a></li>',
    ]
    for name, members in chapters:
        links = "".join(
            f'<a class="{result.verdict}" href="#{names[0]}">{text(result.claim.id)}</a> ' for result, names in members
        )
        items.append(
            f'<li><a href="#{_section(name)}">{text(_short(name))}</a><div class="claims">{links.rstrip()}</div></li>'
        )
    if report.applied is not None:
        items.append('<li><a href="#applied">A network</a></li>')
    items.append('<li><a href="#environment">Environment</a></li>')
    return f'<nav aria-label="Contents"><ol>{"".join(items)}</ol></nav>\n'


def _opening(report: Report) -> str:
    items = "".join(f'<li class="verdict {each}">{text(words)}</li>' for each, words in counts(report))
    bars = "".join(
        f'<span class="{each}" style="flex: {report.summary[each]}" title="{text(words)}"></span>'
        for each, words in counts(report)
    )
    partial = '<p class="verdict refuted">The run was interrupted; this is what it had found.</p>'
    return (
        "<header><h1>Threefold report</h1>"
        "<p>Each claim of the theory is <b>derived</b> exactly, <b>enclosed</b> by integrals with bounded error, and "
        "<b>sampled</b> with error bars whose power is stated.</p>"
        f'<div class="share" aria-hidden="true">{bars}</div>'
        f'<ul class="counts">{items}<li class="soft">{text(duration(report.seconds))}, '
        f"{text(report.environment.get('budget', ''))} budget</li></ul>{partial if report.interrupted else ''}</header>"
    )


def _found(entries: Sequence[Entry]) -> str:
    """What a reader must know first: what needs a correction, what is contradicted, what is owed."""
    items = [item for wanted in (Verdict.REFUTED, Verdict.FINDING, Verdict.OPEN) for item in _items(entries, wanted)]
    none = "<p>None: every claim that was tested holds as printed.</p>"
    listed = f'<ul class="findings">{"".join(items)}</ul>' if items else none
    return f'<section id="findings"><h2>Findings</h2>{listed}</section>'


def _items(entries: Sequence[Entry], wanted: Verdict) -> Iterator[str]:
    for result, names in entries:
        if result.verdict is not wanted:
            continue
        if wanted is Verdict.FINDING:
            said = [result.claim.finding or ""]
        else:
            status = Status.REFUTED if wanted is Verdict.REFUTED else Status.OPEN
            said = [
                f"{layer}: {found.evidence.summary}"
                for layer, found in result.layers.items()
                if found.evidence.status is status
            ] or [f"not run: {', '.join(layer for layer in Layer if layer not in result.layers)}"]
        told = "".join(f"<p>{text(words)}</p>" for words in said)
        yield (
            f'<li class="{wanted}"><a class="name" href="#{names[0]}">{text(result.claim.id)}</a> '
            f'{_verdict(wanted)}<p class="soft note">{text(result.claim.statement)}</p>{told}</li>'
        )


def _overview(report: Report, chapters: Sequence[tuple[str, list[Entry]]]) -> str:
    rows = []
    for result, names in (entry for _, members in chapters for entry in members):
        marks = "".join(f'<td class="mark">{strips.strip(layer, result.layers.get(layer))}</td>' for layer in Layer)
        rows.append(
            f'<tr><td class="name"><a class="plain" href="#{names[0]}">{text(result.claim.id)}</a></td>'
            f'<td class="statement"><span>{text(result.claim.statement)}</span></td>{marks}'
            f'<td class="verdict {result.verdict}">{result.verdict}</td></tr>'
        )
    return (
        '<section id="claims" class="overview"><h2>All claims</h2><div class="wide"><table><thead><tr><th>claim</th>'
        '<th class="statement">statement</th><th>derived</th><th>enclosed<br>digits</th>'
        "<th>sampled<br>z · detects</th><th>verdict</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        '<p class="soft note">✓ supports, ✗ contradicts, … evidence owed, – not run. Digits: of agreement with the certified '
        "integrals, the worst case, on a bar to 40; below the mark at 12 they decide nothing. z: the distance of the sample "
        "from its prediction in standard errors, on an axis from −5 to 5; beyond the lines at ±4.9 it refutes. Detects: "
        "the smallest relative error of the formula that the sample would have shown, with a longer bar for a finer test.</p>"
        f"{_scores(report)}</section>"
    )


def _scores(report: Report) -> str:
    """All z-scores of the run beside the standard normal law that they should follow."""
    found = [
        part.get("z")
        for result in report.claims
        if (layer := result.layers.get(Layer.SAMPLED)) is not None
        for part in layer.evidence.data.get("parts", [layer.evidence.data])
    ]
    scores = [float(z) for z in found if isinstance(z, (int, float)) and not isinstance(z, bool)]
    if len(scores) < _ENOUGH:
        return ""
    return (
        f"<figure>{figures.z_histogram(scores, 'scores')}<figcaption>All {len(scores)} comparisons of samples with "
        "predictions: if every formula is right and every standard error honest, z follows the curve. Comparisons that share "
        "a run are correlated.</figcaption></figure>"
    )


def _card(result: ClaimResult, names: Sequence[str]) -> str:
    claim = result.claim
    others = [each for each in claim.labels if each != claim.id]
    also = f'<span class="soft">{text(", ".join(others))}</span>' if others else ""
    marks = "".join(f'<span class="anchors" id="{name}"></span>' for name in names[1:])
    finding = f'<p class="callout"><b class="finding">Finding.</b> {text(claim.finding)}</p>' if claim.finding else ""
    shown = formulas.shown(claim.id)
    words = f'<p class="words">{text(claim.statement)}</p>' if shown else f"<p>{text(claim.statement)}</p>"
    tested = "".join(layers.layer(layer, result.layers.get(layer), f"{names[0]}-{layer}") for layer in Layer)
    return (
        f'<article id="{names[0]}">{marks}<header><h3><a class="plain" href="#{names[0]}">{text(claim.id)}</a></h3>{also}'
        f'{_verdict(result.verdict)}</header>{shown}{words}{finding}<div class="layers">{tested}</div></article>'
    )


def _applied(section: Section) -> str:
    words = "".join(f"<p>{text(sentence)}</p>" for sentence in section.summary)
    maps = "".join(
        f'<figure class="broad">{figures.heat_map(matrix, f"applied-m{number}")}</figure>'
        for number, matrix in enumerate(figures.matrices(section.data))
    )
    return (
        '<section id="applied"><h2>Applied: the same estimator on a network</h2>'
        f'<p class="soft note">{text(duration(section.seconds))}</p>{words}'
        f'{layers.pictures(section.figures, "applied")}<div class="figures">{maps}</div>'
        f'<details class="more"><summary>all numbers</summary>{data(section.data)}</details></section>'
    )


def _environment(report: Report) -> str:
    seconds = {layer.value: 0.0 for layer in Layer}
    for result in report.claims:
        for layer, found in result.layers.items():
            seconds[layer] += found.seconds
    spent = {f"time, {layer}": duration(value) for layer, value in seconds.items() if value}
    return (
        '<section id="environment"><h2>Environment</h2><p>The same versions, budget and seeds give the same numbers on '
        f"the same kind of device.</p>{data({**report.environment, **spent})}</section>"
    )


def _verdict(verdict: Verdict) -> str:
    return f'<span class="verdict {verdict}">{verdict}</span>'

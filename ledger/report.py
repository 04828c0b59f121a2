"""The report in the terminal.

`show` prints one row a claim with the mark and the figure of each layer (digits of the enclosure; z-score and power of
the sampled test), then what needs words: refutations, findings, evidence owed, and the applied section. `watch` tells
the progress of a run on stderr. The page is `ledger.html`, the JSON `Report.to_json`.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ledger import run
from ledger.claim import Claim, Layer, Status, Verdict
from ledger.results import ClaimResult, LayerResult, Report
from ledger.run import Step

_MARKS = {Status.HOLDS: "✓", Status.REFUTED: "✗", Status.OPEN: "…"}
_COLOURS = {"holds": "green", "finding": "yellow", "open": "blue", "refuted": "bold red"}
_LEGEND = (
    "✓ supports  ✗ contradicts  … evidence owed  – not run\n"
    "enclosed: digits of agreement; sampled: z, then the smallest relative error that would have been detected"
)
_HEADINGS = ("claim", "statement", "derived", "enclosed", "sampled", "verdict")
_GAP = 2
# A run of a few claims is read for its evidence, a run of many for its verdicts.
_FEW = 3


def show(report: Report, console: Console) -> None:
    """Print the whole report."""
    console.print(_table(report.claims, console.width))
    console.print(Text(_LEGEND, style="dim"))
    for heading, colour, paragraphs in _sections(report):
        if paragraphs:
            console.print()
            console.print(Text(heading, style=f"bold {colour}"))
            for paragraph in paragraphs:
                console.print(Padding(paragraph, (0, 0, 0, 2)))
    console.print()
    console.print(summary_line(report))


def show_list(claims: Sequence[Claim], console: Console) -> None:
    """Print the claims without running them."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("claim", no_wrap=True, style="bold")
    table.add_column("also called")
    table.add_column("statement", ratio=1)
    for claim in claims:
        others = ", ".join(label for label in claim.labels if label != claim.id)
        table.add_row(Text(claim.id), Text(others), Text(claim.statement))
    console.print(table)


@contextmanager
def watch(console: Console) -> Iterator[run.Progress]:
    """Show the progress of a run: a live line on a terminal, otherwise one line for each finished layer."""
    if not console.is_terminal:
        yield lambda step: _plain_line(step, console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def tell(step: Step) -> None:
            layer = f" {step.layer}" if step.layer else ""
            bar.update(task, description=f"{Text(step.name).markup}{layer}", completed=step.done, total=step.total)

        yield tell


def mark(layer: Layer, result: LayerResult | None) -> str:
    """The cell of a layer: its mark, and the figure that says how much the mark is worth."""
    if result is None:
        return "–"
    data, sign = result.evidence.data, _MARKS[result.evidence.status]
    if layer is Layer.ENCLOSED and isinstance(data.get("digits"), (int, float)):
        return f"{sign} {data['digits']:.0f}"
    if layer is Layer.SAMPLED and isinstance(data.get("z"), (int, float)):
        return f"{sign} {data['z']:+.1f} · {_power(data.get('power_at'))}".replace("-", "−").removesuffix(" · ")
    return sign


def label(result: LayerResult | None) -> str:
    """The evidence of a layer in words."""
    return "not run" if result is None else result.evidence.summary


def counts(report: Report) -> list[tuple[Verdict, str]]:
    """The number of claims with each verdict, in words, leaving out what did not occur."""
    words = {
        Verdict.HOLDS: ("holds", "hold"),
        Verdict.FINDING: ("finding", "findings"),
        Verdict.OPEN: ("open", "open"),
        Verdict.REFUTED: ("refuted", "refuted"),
    }
    found = [(each, report.summary[each]) for each in Verdict]
    return [(each, f"{number} {words[each][number != 1]}") for each, number in found if number]


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def summary_line(report: Report) -> Text:
    total = len(report.claims)
    line = Text(f"{total} claim{'' if total == 1 else 's'}: ")
    for position, (each, words) in enumerate(counts(report)):
        line.append(", " if position else "").append(words, style=_COLOURS[each])
    line.append(f"  ({duration(report.seconds)}, {report.environment['budget']} budget)")
    return line.append("  interrupted", style="bold red") if report.interrupted else line


def _table(results: Sequence[ClaimResult], width: int) -> Table:
    """One row a claim; the statement is cut to what the other columns leave of `width`."""
    rows = [[Text(heading, style="bold") for heading in _HEADINGS], *(_row(result) for result in results)]
    others = sum(max(row[column].cell_len for row in rows) + _GAP for column in range(len(_HEADINGS)) if column != 1)
    table = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    for _ in _HEADINGS:
        table.add_column(no_wrap=True)
    for row in rows:
        row[1].truncate(max(12, width - others - _GAP), overflow="ellipsis")
        table.add_row(*row)
    return table


def _row(result: ClaimResult) -> list[Text]:
    statement = Text(" ".join(result.claim.statement.split()))
    cells = [_cell(layer, result.layers.get(layer)) for layer in Layer]
    return [
        Text(result.claim.id, style="bold"),
        statement,
        *cells,
        Text(result.verdict, style=_COLOURS[result.verdict]),
    ]


def _cell(layer: Layer, result: LayerResult | None) -> Text:
    return Text(mark(layer, result), style="dim" if result is None else _COLOURS[result.evidence.status])


def _sections(report: Report) -> Iterator[tuple[str, str, list[Text]]]:
    """Heading, colour and paragraphs of what is said in words below the table."""
    few = len(report.claims) <= _FEW
    yield "Evidence", "default", [text for result in report.claims if few for text in _evidence(result, set(Status))]
    refuted = [result for result in report.claims if result.verdict is Verdict.REFUTED and not few]
    yield "Refuted", "red", [text for result in refuted for text in _evidence(result, {Status.REFUTED})]
    findings = [result.claim for result in report.claims if result.verdict is Verdict.FINDING]
    yield "Findings", "yellow", [_paragraph(claim.id, claim.finding or "") for claim in findings]
    owed = [text for result in report.claims if not few for text in _evidence(result, {Status.OPEN})]
    yield "Evidence owed", "blue", owed
    if report.applied is not None:
        heading = f"Applied to a network ({duration(report.applied.seconds)})"
        yield heading, "default", [Text(sentence) for sentence in report.applied.summary]


def _evidence(result: ClaimResult, wanted: set[Status]) -> Iterator[Text]:
    for layer, found in result.layers.items():
        if found.evidence.status in wanted:
            yield _paragraph(f"{result.claim.id}, {layer}", found.evidence.summary)


def _paragraph(name: str, words: str) -> Text:
    return Text(f"{name}: ", style="bold").append(words, style="not bold")


def _power(power_at: object) -> str:
    """The detectable relative error as a percentage; text is shown as it is."""
    if isinstance(power_at, (int, float)):
        if not math.isfinite(power_at):  # the formula is 0: no relative error to state
            return ""
        return f"{100 * power_at:.2g} %"
    return "" if power_at is None else str(power_at)


def _plain_line(step: Step, console: Console) -> None:
    if step.layer is None:
        console.print(Text(step.name), soft_wrap=True)
    elif step.evidence is not None:
        sign = _MARKS[step.evidence.status]
        words = f"[{step.done + 1}/{step.total}] {step.name} {step.layer} {sign} {step.evidence.summary}"
        console.print(Text(words), soft_wrap=True)

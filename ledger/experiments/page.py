"""What an experiment leaves: results.nc, figures/*.svg, summary.json and a page that stands alone.

    index.html     question, statements (✓ holds, ✗ fails, … open, · shown), pictures, tables, environment; no script
    summary.json   {"experiment", "budget", "question", "statements": [{"text", "found"}], "numbers", "seconds", "environment"}
    results.nc     the labelled arrays (netCDF-4; xarray.open_datatree reads it)

Functions: `write`, `show`.
"""

import os
from collections.abc import Mapping
from html import escape
from typing import Any

from rich.console import Console
from rich.table import Table as Columns
from rich.text import Text

from ledger import output
from ledger.claim import Budget
from ledger.experiments.experiment import Experiment, Found, Picture, Result, Table
from ledger.experiments.folder import Folder

MARKS = {Found.HOLDS: "✓", Found.FAILS: "✗", Found.OPEN: "…", Found.SHOWN: "·"}
COLOURS = {Found.HOLDS: "green", Found.FAILS: "red", Found.OPEN: "yellow", Found.SHOWN: "dim"}
CLASSES = {Found.HOLDS: "holds", Found.FAILS: "refuted", Found.OPEN: "open", Found.SHOWN: "soft"}


def write(folder: Folder, experiment: Experiment, budget: Budget, result: Result, seconds: float) -> dict[str, Any]:
    """Write everything into the folder, each file whole or not at all; the summary is returned."""
    from ledger.machine import environment

    summary = {
        "experiment": experiment.name,
        "budget": budget,
        "question": experiment.question,
        "statements": [{"text": each.text, "found": each.found} for each in result.statements],
        "numbers": result.numbers,
        "seconds": seconds,
        "environment": environment(budget),
    }
    _data(folder, result.data)
    drawn = _pictures(folder, result.pictures)
    output.write(folder.path / "index.html", _page(experiment, result, drawn, summary))
    output.write(folder.path / "summary.json", output.dumps(summary))
    return summary


def show(experiment: Experiment, result: Result, folder: Folder, console: Console) -> None:
    """The statements and the tables on the terminal, and where the page is."""
    console.print(Text(experiment.question, style="bold"))
    for each in result.statements:
        console.print(Text(f"{MARKS[each.found]} ", style=COLOURS[each.found]) + Text(each.text))
    for table in result.tables:
        columns = Columns(title=table.title, title_justify="left", box=None)
        for name in table.columns:
            columns.add_column(Text(name))
        for row in table.rows:
            columns.add_row(*map(Text, row))
        console.print(columns)
    console.print(Text(f"written: {folder.path / 'index.html'}", style="dim"))


def _data(folder: Folder, data: Any) -> None:
    import xarray as xr

    tree = xr.DataTree.from_dict({"/": data} if isinstance(data, xr.Dataset) else data)
    path = folder.path / "results.nc"
    aside = path.with_suffix(".new")
    tree.to_netcdf(aside, engine="h5netcdf")
    os.replace(aside, path)


def _pictures(folder: Folder, pictures: Mapping[str, Picture]) -> dict[str, str]:
    from ledger import figures

    (folder.path / "figures").mkdir(exist_ok=True)
    drawn = {}
    for name, picture in pictures.items():
        prefix = f"p-{name}".replace(" ", "-")
        with figures.style(prefix):
            drawn[name] = figures.svg(picture.figure, prefix, picture.caption)
        alone = drawn[name].replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
        output.write(folder.path / "figures" / f"{name}.svg", alone.replace("currentColor", "#222222"))
    return drawn


def _page(experiment: Experiment, result: Result, drawn: Mapping[str, str], summary: Mapping[str, Any]) -> str:
    from ledger import html

    items = "".join(
        f'<li><span class="verdict {CLASSES[each.found]}" title="{each.found}">{MARKS[each.found]}</span> {escape(each.text)}</li>'
        for each in result.statements
    )
    pictures = "".join(
        f"<figure>{drawn[name]}<figcaption>{escape(picture.caption)}</figcaption></figure>"
        for name, picture in result.pictures.items()
    )
    tables = "".join(map(_table, result.tables))
    facts = {"command": f"threefold experiment {experiment.name} --budget {summary['budget']} --out {'DIR'}"}
    facts |= {"seconds": f"{summary['seconds']:.0f}"} | summary["environment"]
    body = (
        f"<header><h1>{escape(experiment.name)}</h1><p>{escape(experiment.question)}</p></header>"
        f'<ul class="statements">{items}</ul>{pictures}{tables}'
        f"<details><summary>All numbers</summary>{html.data(result.numbers)}</details>"
        f'<section id="environment"><h2>Environment</h2>{html.data(facts)}</section>'
    )
    return html.document(f"threefold: {experiment.name}", body)


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return (
        f'<h2>{escape(table.title)}</h2><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )

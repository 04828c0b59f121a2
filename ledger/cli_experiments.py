"""`threefold experiment`: the validated estimator on trained networks."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ledger import experiments
from ledger.claim import Budget
from ledger.options import Effort, Json, Targets, app
from theory.errors import BadInput


@app.command()
def experiment(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which experiment; see --list.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the experiments without running one.")] = False,
    budget: Effort = Budget.QUICK,
    out: Annotated[str | None, typer.Option("--out", metavar="DIR", help="The folder for data, figures, page.")] = None,
    json: Json = None,
) -> None:
    """Apply the estimator to a trained network, and compare with a truth that is had by another road.

    A run that was cut off goes on from its last finished part when it is started again with the same folder.

    \b
    threefold experiment --list
    threefold experiment digits --out digits
    threefold experiment dln --budget full --out dln
    """
    targets = Targets(json)
    if listing:
        rows = experiments.EXPERIMENTS
        found = [
            {"name": e.name, "question": e.question, "minutes": dict(e.minutes), "needs": [p.install for p in e.needs]}
            for e in rows
        ]
        targets.finish({"experiments": found}, lambda console: _show(console))
        return
    if name is None:
        raise BadInput("name an experiment (threefold experiment --list shows them)")
    chosen = experiments.named(name)
    if out is None:
        raise BadInput(f"give experiment {name} a folder: --out DIR")
    chosen.refuse(budget)
    from ledger.experiments import folder, page
    from ledger.machine import enable_double_precision

    screen = Console(stderr=True)
    place = folder.open_folder(
        Path(out), name, budget, lambda words: screen.print(Text(f"{name} · {words}", style="dim"))
    )
    began = time.monotonic()
    enable_double_precision()
    result = chosen.conduct(place, budget)
    summary = page.write(place, chosen, budget, result, time.monotonic() - began)
    targets.finish(summary, lambda console: page.show(chosen, result, place, console))


def _show(console: Console) -> None:
    table = Table("experiment", "question", "minutes, quick", "full", box=None)
    for each in experiments.EXPERIMENTS:
        times = [f"{each.minutes[b]:g}" if b in each.only else "–" for b in Budget]
        table.add_row(each.name, Text(each.question), *times)
    console.print(table)

"""`threefold compare`: two reports side by side."""

from pathlib import Path
from typing import Annotated

import typer

from ledger import regression
from ledger.options import Json, Targets, app


@app.command()
def compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A report of `threefold verify --json`.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="A later one.")],
    json: Json = None,
) -> None:
    """Compare two reports claim by claim; exit code 1 if anything became worse.

    \b
    threefold verify --json before.json
    threefold verify --json after.json
    threefold compare before.json after.json
    """
    targets = Targets(json)
    found = regression.compare(regression.read(Path(old)), regression.read(Path(new)))
    targets.finish(found, lambda console: regression.show(found, console))
    if found["worse"]:
        raise typer.Exit(1)

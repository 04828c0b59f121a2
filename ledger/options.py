"""What the commands of `threefold` share: the application, the options that they take, where their results go.

Reading order: the options, `Targets`, `posterior_of`.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ledger import output, report
from ledger.claim import Budget
from ledger.results import Report
from theory.errors import BadInput
from theory.expression import parse, parse_point, parse_variables

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Json = Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="Write the result as JSON; - is stdout.")]
Html = Annotated[
    str | None, typer.Option("--html", metavar="FILE", help="Write the report as one self-contained page.")
]
Loss = Annotated[str, typer.Argument(metavar="LOSS", help="The loss L, for example 'x**2/2 + x**4'.")]
Observables = Annotated[list[str], typer.Option("--observable", metavar="EXPR", help="An observable; repeatable.")]
Variables = Annotated[str, typer.Option("--vars", metavar="x,y", help="The variables, separated by commas.")]
At = Annotated[str | None, typer.Option("--at", metavar="0,1/2", help="The minimum; found when left out.")]
Prior = Annotated[str, typer.Option("--prior", metavar="EXPR", help="The prior density, up to a constant.")]
Effort = Annotated[Budget, typer.Option("--budget", help="quick: minutes. full: the error bars of the report.")]


class Targets:
    """Where the results go: checked before the work, written after it."""

    def __init__(self, json: str | None, page: str | None = None, option: str = "--html"):
        self.stdout = json == "-"
        self.json = None if json is None or self.stdout else Path(json)
        self.page = None if page is None else Path(page)
        if page == "-":
            raise BadInput(f"{option} needs the name of a file; only --json can go to stdout")
        if self.json is not None and self.json == self.page:
            raise BadInput(f"--json and {option} both name {self.json}; give them different files")
        for path in (self.json, self.page):
            if path is not None:
                output.refuse_unwritable(path)

    def finish(self, answer: Any, show: Callable[[Console], None]) -> None:
        """Print the answer, as JSON or as `show` does, and write the JSON file."""
        if self.stdout:
            sys.stdout.write(output.dumps(answer))
        else:
            show(Console())
        if self.json is not None:
            output.write(self.json, output.dumps(answer))

    def finish_report(self, result: Report) -> None:
        """Print and write a report, and leave with its exit code."""
        self.finish(result.to_json(), lambda console: report.show(result, console))
        if self.page is not None:
            from ledger import html  # draws with matplotlib, which takes a second to import

            output.write(self.page, html.page(result))
        raise typer.Exit(130 if result.interrupted else result.exit_code)


def posterior_of(loss: str, observables: Sequence[str], names: str, at: str | None, prior: str) -> dict[str, Any]:
    """The words that describe a posterior, as exact values."""
    variables = parse_variables(names)
    return {
        "loss": parse(loss, variables, what="loss"),
        "observables": tuple(parse(each, variables, what="observable") for each in observables),
        "variables": variables,
        "at": None if at is None else parse_point(at, variables),
        "prior": parse(prior, variables, what="prior"),
    }

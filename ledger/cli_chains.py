"""`threefold sample`: Langevin chains on a loss that is typed in."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ledger import output
from ledger.options import Json, Loss, Targets, Variables, app, posterior_of
from ledger.sampling import Kernel
from theory.errors import BadInput
from theory.minimum import locate


@app.command()
def sample(
    loss: Loss,
    variables: Variables,
    nbeta: Annotated[float, typer.Option("--nbeta", metavar="T", min=0, help="The inverse temperature t = nβ.")],
    observable: Annotated[
        list[str] | None, typer.Option("--observable", metavar="EXPR", help="An observable; repeatable.")
    ] = None,
    gamma: Annotated[float, typer.Option("--gamma", min=0, help="The localisation γ.")] = 0.0,
    at: Annotated[
        str | None, typer.Option("--at", metavar="0,1/2", help="The centre; a minimum when left out.")
    ] = None,
    kernel: Annotated[Kernel, typer.Option("--kernel", help="Which chain.")] = Kernel.SGLD,
    epsilon: Annotated[
        float | None, typer.Option("--epsilon", min=0, help="The step; for a bias of 2% of the LLC when left out.")
    ] = None,
    chains: Annotated[int, typer.Option("--chains", min=1, help="How many chains.")] = 8,
    draws: Annotated[int, typer.Option("--draws", min=4, help="Draws of each chain.")] = 2000,
    burn_in: Annotated[int, typer.Option("--burn-in", min=0, help="Steps that are thrown away.")] = 1000,
    thin: Annotated[int, typer.Option("--thin", min=1, help="Steps between two draws.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bits.")] = 0,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="FILE", help="Go on from here, if the file is there; kept up.")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE.nc", help="Write the draws, for xarray and ArviZ.")
    ] = None,
    plot: Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Draw traces and autocorrelation.")] = None,
    json: Json = None,
) -> None:
    """Sample exp(-nβ L - γ|w - w*|²/2) by Langevin chains: LLC, means and covariances with errors, and what is wrong with the run.

    \b
    threefold sample "x**2/2 + x**4" --vars x --nbeta 100 --observable "x**2"
    threefold sample "x**2*y**2" --vars x,y --at 0,0 --nbeta 100 --gamma 1 --kernel mala --epsilon 0.01 --plot traces.png
    """
    from ledger import sampling

    targets = Targets(json, plot, "--plot")
    given = posterior_of(loss, observable or [], variables, at, "1")
    names = {
        "--out": None if out is None else Path(out),
        "--checkpoint": None if checkpoint is None else Path(checkpoint),
    }
    for option, path in names.items():
        if path is not None:
            output.refuse_unwritable(path)
            if path.exists() and not path.is_file():  # it would be replaced by one
                raise BadInput(f"{option} {path} is not a plain file; choose another")
    if targets.page is not None and not targets.page.suffix:  # matplotlib would add one, and write elsewhere
        raise BadInput(f"--plot {targets.page} needs an ending that names a format, like .png or .svg")
    centre = given["at"] or locate(given["loss"], given["variables"], None)
    where = [centre[symbol] for symbol in given["variables"]]
    settings = sampling.Settings(
        kernel, nbeta, gamma, epsilon, chains, draws, burn_in, thin, seed, names["--checkpoint"]
    )
    console = Console(stderr=True)
    answer, run = sampling.sample(
        given["loss"], given["observables"], given["variables"], where, settings, True if console.is_terminal else None
    )
    targets.finish(answer, lambda console: sampling.show(answer, console))
    if names["--out"] is not None:
        run.save(names["--out"])
    if targets.page is not None:
        sampling.plot(run, targets.page)
    if answer["lost_chains"]:
        print(f"threefold: {run.message}", file=sys.stderr)
        raise typer.Exit(3)

"""The command line: `threefold verify`, `laplace`, `integrate`, `check`, `graphs`; further commands in the rooms `cli_*`.

Each command reads its words into exact values (`theory.expression`), refuses a path it could not write to, does the
work in the package that owns it, and prints a table or JSON. The rules for all of them stand in `main`:

    exit 0    done                              exit 2    bad input: one line on stderr, no traceback
    exit 1    a claim is refuted                exit 3    some chains were lost; the numbers rest on the others
    exit 130  interrupted; what was found has been written

With `--json -` nothing but JSON goes to stdout; progress goes to stderr. Heavy imports wait until a command needs them:
listing claims and expanding a posterior start without jax.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from ledger import answers, cli_chains, cli_compare, cli_experiments, cli_ising, cli_thresholds, output, report
from ledger.claim import Budget, Layer, Status
from ledger.labels import select
from ledger.machine import package_version
from ledger.options import At, Effort, Html, Json, Loss, Observables, Prior, Targets, Variables, app, posterior_of
from ledger.results import Report, describe
from ledger.run import run
from theory.errors import BadInput
from theory.expression import parse
from theory.minimum import locate

MAX_ORDER = 20
MANY = 8  # claims from which starting another process pays
OTHER_ROOMS = (cli_chains, cli_compare, cli_experiments, cli_ising, cli_thresholds)  # importing adds their commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code (see module)."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    try:
        code = app(arguments, prog_name="threefold", standalone_mode=False) or 0
        sys.stdout.flush()
        return code
    except BadInput as problem:
        return _complain(str(problem))
    except OSError as problem:
        return _complain(_unwritten(problem))
    except RecursionError:
        return _complain("the expression is nested too deeply; write it with fewer nested functions")
    except Exception as problem:
        if not hasattr(problem, "format_message"):  # a usage error of typer, or of the click that older ones import
            raise
        return _complain(_usage(problem))


@app.callback(invoke_without_command=True)
def threefold(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Verify linear-response theory in Bayesian learning: every claim derived, enclosed and sampled.

    \b
    threefold verify                       all claims, all layers
    threefold verify "eq 19" --html a.html one claim, with its figures
    threefold laplace "x**2/2 + x**3/6 + x**4/24" --observable x --vars x --order 3
    threefold check "x**2/2 + x**4" --observable "x**2" --vars x
    """
    if version:
        typer.echo(f"threefold {package_version('threefold') or '(not installed)'}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def verify(
    claims: Annotated[list[str] | None, typer.Argument(metavar="CLAIM", help="Ids or labels, like 'Lem 25'.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the claims without running them.")] = False,
    layer: Annotated[list[Layer] | None, typer.Option("--layer", help="Only this layer; repeatable.")] = None,
    budget: Effort = Budget.QUICK,
    network: Annotated[
        bool, typer.Option("--network/--no-network", help="Also apply the estimator to a network.")
    ] = True,
    json: Json = None,
    html: Html = None,
) -> None:
    """Take claims through the layers and print the verdicts.

    The estimator is applied to a network when all claims are run and the sampled layer is among the layers.

    \b
    threefold verify --list
    threefold verify --budget full --json report.json --html report.html
    threefold verify "eq 19" lem25 --layer derived --layer enclosed
    """
    from ledger.claims import all_claims

    targets = Targets(json, html)
    chosen = select(all_claims(), claims or [])
    if listing:
        found = {"claims": [describe(claim) for claim in chosen]}
        targets.finish(found, lambda console: report.show_list(chosen, console))
        return
    layers = layer or list(Layer)
    applied = _on_a_network if network and not claims and Layer.SAMPLED in layers else None
    with report.watch(Console(stderr=True)) as progress:
        jobs = (os.cpu_count() or 1) if len(chosen) >= MANY else 1
        result = run(chosen, layers, budget, progress, targets.json, applied=applied, jobs=jobs)
    targets.finish_report(result)


@app.command()
def laplace(
    loss: Loss,
    observable: Observables,
    variables: Variables,
    order: Annotated[int, typer.Option("--order", metavar="K", min=0, max=MAX_ORDER, help="The last power t^-K.")],
    at: At = None,
    prior: Prior = "1",
    json: Json = None,
) -> None:
    """Expand ⟨φ⟩, or the joint cumulant of several observables, in 1/t under exp(-t L)·prior, exactly.

    \b
    threefold laplace "x**2/2 + x**3/6 + x**4/24" --observable x --vars x --order 3
    threefold laplace "x**2 + y**2 + x*y**2" --observable x --observable "y**2" --vars x,y --order 2
    """
    targets = Targets(json)
    posterior = posterior_of(loss, observable, variables, at, prior)
    L, phi, w = posterior["loss"], posterior["observables"], posterior["variables"]
    minimum = locate(L, w, posterior["at"])
    answer = answers.series(L, phi, w, order=order, at=minimum, prior=posterior["prior"])
    targets.finish(answer, lambda console: answers.show_series(answer, console))


@app.command()
def integrate(
    loss: Loss,
    observable: Observables,
    variables: Variables,
    t: Annotated[str, typer.Option("--t", metavar="T", help="The inverse temperature t = nβ, exact.")],
    prior: Prior = "1",
    domain: Annotated[
        str | None,
        typer.Option(
            "--domain", metavar="'0,oo;-1,1'", help="An interval for each variable; all of R^d when left out."
        ),
    ] = None,
    digits: Annotated[int, typer.Option("--digits", metavar="N", min=1, max=1000, help="Decimal digits wanted.")] = 20,
    json: Json = None,
) -> None:
    """Enclose log Z, means and covariances under exp(-t L)·prior: decimals with a proved error, in up to four variables.

    \b
    threefold integrate "x**2/2 + x**4" --observable x**2 --vars x --t 100 --digits 40
    threefold integrate "(1 - a*tanh(b))**2" --observable a*b --vars a,b --t 10 --prior "exp(-a**2 - b**2)"
    """
    from ledger import enclosures
    from numerics.posterior import Posterior

    targets = Targets(json)
    given = posterior_of(loss, observable, variables, None, prior)
    where = None if domain is None else enclosures.domain(domain, given["variables"])
    temperature = parse(t, (), what="t")
    try:
        posterior = Posterior(given["loss"], given["variables"], temperature, given["prior"], digits, domain=where)
        answer = enclosures.integrals(posterior, given["observables"])
    except (OverflowError, ZeroDivisionError):  # where the rule is planned, in floats
        raise BadInput("a coefficient of t·L is below 1e-308 or above 1e308; rescale t or the variables") from None
    targets.finish(answer, lambda console: enclosures.show(answer, console))


@app.command()
def check(
    loss: Loss,
    observable: Observables,
    variables: Variables,
    perturbation: Annotated[
        str | None, typer.Option("--perturbation", metavar="EXPR", help="Respond to L + h·EXPR.")
    ] = None,
    at: At = None,
    prior: Prior = "1",
    budget: Effort = Budget.QUICK,
    json: Json = None,
    html: Html = None,
) -> None:
    """Take your own loss and observables through all three layers.

    \b
    threefold check "x**2/2 + x**4" --observable "x**2" --vars x
    threefold check "x**2 + y**2 + x*y**2" --observable x --perturbation "y**2" --vars x,y --html report.html
    """
    targets = Targets(json, html)
    posterior = posterior_of(loss, observable, variables, at, prior)
    change = None if perturbation is None else parse(perturbation, posterior["variables"], what="perturbation")
    from ledger import check as own

    claim = own.check(**posterior, perturbation=change)
    console = Console(stderr=True)
    with report.watch(console) as progress:
        result = run([claim], list(Layer), budget, progress if console.is_terminal else None, targets.json)
    _refuse_if_untreatable(result)
    targets.finish_report(result)


@app.command()
def graphs(
    marked: Annotated[int, typer.Option("--marked", metavar="M", min=0, max=6, help="How many observables; 0: log Z.")],
    order: Annotated[int, typer.Option("--order", metavar="K", min=1, max=5, help="The power t^-K.")],
    prior: Annotated[bool, typer.Option("--prior", help="With prior vertices: for a prior that is not flat.")] = False,
    vanishing: Annotated[
        list[str] | None,
        typer.Option("--vanishing", metavar="I:R", help="The R-th derivative of observable I is 0; repeatable."),
    ] = None,
    svg: Annotated[str | None, typer.Option("--svg", metavar="FILE", help="Draw them.")] = None,
    json: Json = None,
) -> None:
    """List the diagrams of a joint cumulant at one order of 1/t, in the primer's notation.

    \b
    threefold graphs --marked 2 --order 2 --vanishing 1:1 --svg figure4.svg     the four of Lemma 25, of ten
    threefold graphs --marked 1 --order 2 --prior
    """
    targets = Targets(json, svg, "--svg")
    with Console(stderr=True).status("generating graphs"):
        family = answers.family(marked, order, prior=prior, vanishing=vanishing or [])
    answer = answers.graphs(family)
    targets.finish(answer, lambda console: answers.show_graphs(answer, console))
    if targets.page is not None:
        from ledger import drawing

        output.write(targets.page, drawing.page(family))


def _on_a_network(budget: Budget, progress: Callable[[str], None]) -> Any:
    from ledger.network import applied

    return applied(budget, progress)


def _refuse_if_untreatable(result: Report) -> None:
    """When no layer could treat the user's own claim, its input is to blame: exit 2 with the reason."""
    found = [layer.evidence for layer in result.claims[0].layers.values()]
    if found and all(each.data.get("error") and each.status is Status.OPEN for each in found):
        untreatable = [each.summary.removeprefix("failed: ") for each in found if each.data["error"] == "BadInput"]
        if untreatable:
            raise BadInput(untreatable[0])


def _usage(problem: Any) -> str:
    """A usage error as one sentence, with the place to look for help."""
    message = problem.format_message().rstrip(".").replace("Value error, ", "")
    option = getattr(problem, "option_name", "--")
    minus = "; an expression that starts with a minus goes after --" if not option.startswith("--") else ""
    path = getattr(getattr(problem, "ctx", None), "command_path", "threefold")
    return f"{message[:1].lower()}{message[1:]}{minus} (see {path} --help)"


def _unwritten(problem: OSError) -> str:
    """A full disk or a closed pipe, met after the work; standard output is let go, so that leaving does not fail again."""
    if problem.filename is None and sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    where = "standard output" if problem.filename is None else problem.filename
    return f"{where} cannot be written: {(problem.strerror or type(problem).__name__).lower()}; choose another place"


def _complain(message: str) -> int:
    print(f"threefold: {' '.join(message.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())

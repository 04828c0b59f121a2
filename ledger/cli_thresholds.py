"""`threefold rlct`: real log canonical thresholds with certificates."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from ledger import output
from ledger.options import Json, Prior, Targets, Variables, app
from theory.errors import BadInput
from theory.expression import parse, parse_variables


class Domain(StrEnum):
    REAL = "real"
    NONNEGATIVE = "nonnegative"
    BOX = "box"


@app.command()
def rlct(
    expressions: Annotated[
        list[str],
        typer.Argument(metavar="EXPR…", help="K ≥ 0; or with --ideal the f_i of K = Σ f_i², repeated or after commas."),
    ],
    variables: Variables,
    ideal: Annotated[bool, typer.Option("--ideal", help="EXPR are generators: K is the sum of their squares.")] = False,
    at: Annotated[
        str | None, typer.Option("--at", metavar="0,1/2", help="The point, algebraic; the origin when left out.")
    ] = None,
    prior: Prior = "1",
    domain: Annotated[
        Domain, typer.Option("--domain", help="R^d, the orthant w ≥ 0, or the box [0, 1]^d.")
    ] = Domain.REAL,
    limit: Annotated[
        float, typer.Option("--time-limit", min=0, help="Seconds; then the bracket that was reached.")
    ] = 60.0,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Verify the certificate independently.")] = True,
    draw: Annotated[str | None, typer.Option("--draw", metavar="FILE.svg", help="Draw the resolution.")] = None,
    json: Json = None,
) -> None:
    """The real log canonical threshold λ and multiplicity m of K at a point, exact, with a certificate; or a proved bracket.

    \b
    threefold rlct "(y**2-x**3)**2" --vars x,y --draw tree.svg
    threefold rlct --ideal "a*b" "c*d" --vars a,b,c,d
    threefold rlct "tanh(x*y)**2" --vars x,y --json -
    """

    from ledger import thresholds
    from theory.rlct import rlct as of_function
    from theory.rlct import rlct_ideal

    targets = Targets(json, draw, "--draw")
    symbols = parse_variables(variables)
    words = [part for text in expressions for part in (text.split(",") if ideal else [text])]
    if not ideal and len(words) > 1:
        raise BadInput(
            f"{len(words)} expressions were given; with --ideal they are the generators of K, without it there is one K"
        )
    exact = [parse(text, symbols, what="generator" if ideal else "K") for text in words]
    point = None if at is None else _point(at, symbols)
    asked: dict[str, Any] = {"at": point, "prior": parse(prior, symbols, what="prior"), "domain": domain.value}
    with Console(stderr=True).status("resolving") as status:

        def progress(lower: Any, upper: Any, nodes: int) -> None:
            status.update(f"resolving: {lower} ≤ λ ≤ {upper}, {nodes} strata")

        search = {"time_limit": str(limit), "progress": progress}
        found = (
            rlct_ideal(exact, symbols, **asked, **search)
            if ideal
            else of_function(exact[0], symbols, **asked, **search)
        )
        status.update("verifying the certificate")
        checked = _verified(found.certificate, exact if ideal else exact[0], symbols, asked) if check else None
    shown = " + ".join(f"({f})**2" for f in exact) if ideal else str(exact[0])
    told = thresholds.answer(found, shown, checked)
    targets.finish(told, lambda console: thresholds.show(told, console))
    if targets.page is not None:
        from ledger import resolutions

        output.write(targets.page, resolutions.picture(found.certificate))
    if checked is False:
        raise typer.Exit(1)


def _verified(certificate: Any, K: Any, symbols: Any, asked: dict[str, Any]) -> bool:
    from theory.certificate import check

    return check(certificate, K, symbols, **asked)


def _point(text: str, symbols: Any) -> list[Any]:
    parts = text.split(",")
    if len(parts) != len(symbols):
        listed = ",".join(symbol.name for symbol in symbols)
        raise BadInput(
            f'the point "{text[:40]}" has {len(parts)} coordinates; give one algebraic number for each of {listed}'
        )
    return [parse(part, (), what=f"coordinate {symbol.name}") for part, symbol in zip(parts, symbols, strict=True)]

"""`threefold ising`: cluster and Metropolis chains on a lattice that is named or drawn, beside exact sums where they can be had."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ledger.options import Json, Targets, app
from theory.errors import BadInput

if TYPE_CHECKING:
    from numerics.ising import Lattice

MOST_LINES = 512
DRAWN = 2**20  # characters of a drawing that are read


class Chain(StrEnum):
    CLUSTERS = "clusters"
    METROPOLIS = "metropolis"
    HEAT_BATH = "heat-bath"


class Periodic(StrEnum):
    NONE = "none"
    ROWS = "rows"
    COLUMNS = "columns"
    BOTH = "both"


@app.command()
def ising(
    lattice: Annotated[
        str,
        typer.Argument(
            metavar="LATTICE",
            help="wall (Fig 2), room (Fig 3), torus:16, torus:16x20, free:8x10, or a file with a drawing.",
        ),
    ],
    beta: Annotated[str, typer.Option("--beta", metavar="B", help="The inverse temperature, exact: 0.44 or 11/25.")],
    probe: Annotated[
        list[str] | None, typer.Option("--probe", metavar="R,C", help="A spin by row and column; repeatable.")
    ] = None,
    field: Annotated[float, typer.Option("--field", metavar="H", help="A uniform field.")] = 0.0,
    coupling: Annotated[float, typer.Option("--coupling", metavar="J", help="The strength of every bond.")] = 1.0,
    periodic: Annotated[Periodic, typer.Option("--periodic", help="How a drawing wraps round.")] = Periodic.NONE,
    chain: Annotated[Chain, typer.Option("--chain", help="Which chain.")] = Chain.CLUSTERS,
    chains: Annotated[int, typer.Option("--chains", min=1, help="How many replicas.")] = 16,
    draws: Annotated[int, typer.Option("--draws", min=4, help="Kept states of each.")] = 2000,
    burn_in: Annotated[int, typer.Option("--burn-in", min=0, help="Sweeps that are thrown away.")] = 500,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bits.")] = 0,
    exact: Annotated[
        bool, typer.Option("--exact", help="Also sum exactly, with a proved error (no field, J > 0).")
    ] = False,
    json: Json = None,
) -> None:
    """Sample an Ising model: energy, order, and the response matrix Cov(s_p, M_R) with errors and autocorrelation times.

    A drawing has one line a row: # no spin, . a spin, a letter a spin of the region with that name.

    \b
    threefold ising wall --beta 0.33 --probe 10,5 --exact
    threefold ising room --beta 0.44 --probe 5,5 --probe 4,14 --probe 14,14
    threefold ising torus:32 --beta 0.4407 --chain metropolis --draws 20000
    """
    from theory.expression import parse

    targets = Targets(json)
    board = lattice_of(lattice, periodic)
    temperature = parse(beta, (), what="β")
    if not temperature.is_nonnegative:
        raise BadInput(f"β must be a number ≥ 0; it is {beta[:40]}")
    probes = dict(_site(text) for text in probe or [])
    if exact and (field or coupling <= 0):
        raise BadInput(
            "--exact sums terms ≥ 0, without field and with J > 0; leave out --field and give --coupling above 0"
        )
    with Console(stderr=True).status("sampling") as status:
        run = _run(board, float(temperature), probes, field, coupling, (chain, chains, draws, burn_in, seed))
        answer = describe(run)
        if exact:
            status.update("summing exactly")
            answer["exact"] = enclosed(board, temperature, probes, coupling)
    targets.finish(answer, lambda console: show(answer, console))


def lattice_of(text: str, periodic: Periodic) -> "Lattice":
    """The lattice by its name or from the file with its drawing."""
    from numerics.ising import Lattice, divided_room, wall_with_gap

    if text in ("wall", "room"):
        return wall_with_gap() if text == "wall" else divided_room()
    kind, _, size = text.partition(":")
    if kind in ("torus", "free") and size:
        lines = size.split("x")
        if len(lines) > 2 or not all(n.isdecimal() and 0 < int(n) <= MOST_LINES for n in lines):
            raise BadInput(
                f'a size is N or NxM with at most {MOST_LINES} lines, like torus:16 or free:8x10; it is "{size[:20]}"'
            )
        rows, columns = int(lines[0]), int(lines[-1])
        sites = [(r, c) for r in range(rows) for c in range(columns)]
        return Lattice(rows, columns, periodic=(kind == "torus", kind == "torus"), regions={"all": sites})
    try:
        with Path(text).open(encoding="utf-8") as file:
            drawing = file.read(DRAWN)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f'"{text[:60]}" is neither wall, room, torus:N nor free:NxM, and no drawing can be read there: {type(error).__name__}'
        ) from None
    return drawn(drawing, periodic)


def drawn(drawing: str, periodic: Periodic) -> "Lattice":
    """The lattice of a drawing; raises `BadInput` for ragged lines and for characters that mean nothing."""
    from numerics.ising import Lattice

    lines = drawing.strip("\n").split("\n")
    width = len(lines[0])
    if not width or len({len(line) for line in lines}) > 1 or max(width, len(lines)) > MOST_LINES:
        raise BadInput(f"a drawing needs lines of one length, at most {MOST_LINES} of at most {MOST_LINES} characters")
    mask, regions = [], {}
    for r, line in enumerate(lines):
        for c, character in enumerate(line):
            if character == "#":
                mask.append((r, c))
            elif character.isalpha():
                regions.setdefault(character, []).append((r, c))
            elif character not in ".·":
                raise BadInput(f'the drawing has "{character}" in row {r}, column {c}; it may hold # . and letters')
    wraps = (periodic in (Periodic.ROWS, Periodic.BOTH), periodic in (Periodic.COLUMNS, Periodic.BOTH))
    return Lattice(len(lines), width, mask, wraps, regions=dict(sorted(regions.items())))


def _site(text: str) -> tuple[str, tuple[int, int]]:
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise BadInput(f'a probe is a row and a column, like 10,5; it is "{text[:40]}"')
    row, column = map(int, parts)
    return f"({row},{column})", (row, column)


def _run(board: "Lattice", beta: float, probes: dict, field: float, coupling: float, settings: tuple) -> Any:
    import dataclasses

    import jax

    from sampler import ising as sampled

    chain, chains, draws, burn_in, seed = settings
    kernels = {
        Chain.CLUSTERS: sampled.swendsen_wang(),
        Chain.METROPOLIS: sampled.metropolis(),
        Chain.HEAT_BATH: sampled.heat_bath(),
    }
    whole = dataclasses.replace(board, fields=dict.fromkeys(board.sites, 1)) if field else board
    model = sampled.model(whole, probes, J=coupling, h=field)
    return sampled.run(
        jax.random.key(seed), model, beta, kernel=kernels[chain], chains=chains, draws=draws, burn_in=burn_in
    )


def describe(run: Any) -> dict[str, Any]:
    """The run's numbers, each with its error, ready for JSON."""
    from sampler.ising.record import to_dict

    n = run.model.spins
    return {
        "spins": n,
        "energy_per_spin": run.energy().scale(1 / n).to_dict(),
        "order": run.magnetisation(absolute=True).scale(1 / n).to_dict(),
        **to_dict(run),
    }


def enclosed(board: "Lattice", beta: Any, probes: dict, coupling: float) -> dict[str, Any]:
    """Cov(s_p, M_R) with a proved error: {probe: {region: ball}}."""
    from sympy import Rational

    from numerics.ising import subgraphs
    from numerics.precision import digits

    with digits(20):
        found = subgraphs.at(board, beta, probes, J=Rational(str(coupling)))
        return {p: {r: ball.str(12) for r, ball in row.items()} for p, row in found.response().items()}


def show(answer: dict[str, Any], console: Console) -> None:
    """A table of the response matrix between two lines."""
    energy, order = answer["energy_per_spin"], answer["order"]
    console.print(
        f"{answer['spins']} spins, β = {answer['beta']:.6g}, {answer['chain']}, {answer['sweeps']} sweeps\n"
        f"⟨H⟩/n = {energy['mean']:.6g} ± {energy['sem']:.1g}    ⟨|M|⟩/n = {order['mean']:.6g} ± {order['sem']:.1g}",
        highlight=False,
    )
    if (response := answer["response"]) is not None:
        probes, regions = (response["labels"][name] for name in ("probe", "region"))
        table = Table("probe", *(f"Cov(s_p, M_{r})" for r in regions))
        for i, p in enumerate(probes):
            cells = []
            for j, r in enumerate(regions):
                ball = answer.get("exact", {}).get(p, {}).get(r)
                known = "" if ball is None else f"\n{ball}"
                cells.append(f"{response['mean'][i][j]:.6g} ± {response['sem'][i][j]:.1g}{known}")
            table.add_row(p, *cells)
        console.print(table, highlight=False)
    time = answer["autocorrelation_time"]
    shown = "unknown" if time is None else f"{time:.3g} sweeps"
    console.print(f"τ_int of M²: {shown}; errors are one standard error", highlight=False)

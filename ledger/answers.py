"""What `threefold laplace` and `threefold graphs` answer: as JSON, and as lines on a terminal.

Reading order: `series` and `show_series`; `family`, `graphs` and `show_graphs`.
"""

import re
from collections.abc import Sequence
from typing import Any

import sympy as sp
from rich.console import Console
from rich.text import Text

from ledger.claim import Diagrams
from theory import laplace, notation
from theory.errors import BadInput
from theory.graphs import Graph, connected, surviving
from theory.jets import Point
from theory.minimum import lower_elsewhere
from theory.truncation import EXTRA, PERCENT, good_from

MATRIX_ORDER = 2  # up to here a graph prints as matrices and vectors, beyond it with indices


def series(
    loss: sp.Expr, phi: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, order: int, at: Point, prior: sp.Expr
) -> dict[str, Any]:
    """⟨φ⟩ or κ(φ_1, …, φ_m) to t^−order at the minimum `at`, with the terms after the cut as its error."""
    coefficients = laplace.cumulant(loss, phi, variables, order=order + EXTRA, at=at, prior=prior)
    return {
        "quantity": "expectation" if len(phi) == 1 else "cumulant",
        "loss": loss,
        "observables": phi,
        "variables": [symbol.name for symbol in variables],
        "at": at,
        "prior": prior,
        "order": order,
        "coefficients": [str(c) for c in coefficients[: order + 1]],
        "next": [str(c) for c in coefficients[order + 1 :]],
        "good_from": _good_from(coefficients, order),
        "note": lower_elsewhere(loss, variables, at),
    }


def _good_from(series: Sequence[Any], order: int) -> dict[str, str] | None:
    """From which t the series cut at t^−order is good to 1%; None when it is zero or has symbols."""
    if any(coefficient.free_symbols for coefficient in series):
        return None
    t = good_from(series, order)
    return None if t is None else {"relative": str(PERCENT), "t": str(t), "by": "next two terms"}


def show_series(answer: dict[str, Any], console: Console) -> None:
    phi = ", ".join(str(each) for each in answer["observables"])
    name = f"⟨{phi}⟩" if answer["quantity"] == "expectation" else f"κ({phi})"
    place = ", ".join(f"{symbol} = {value}" for symbol, value in answer["at"].items())
    console.print(Text(f"{name} at the minimum {place}", style="bold"))
    width = len(f"t^-{answer['order']}")
    for power, coefficient in enumerate(answer["coefficients"]):
        exponent = f"t^{-power}" if power else "t^0"
        console.print(Text(f"  {exponent:<{width}}  {coefficient}"), soft_wrap=True)
    if good := answer["good_from"]:
        words = f"good to {100 * sp.Rational(good['relative'])}% from t = {good['t']}, judged by the next two terms"
        console.print(Text(words), soft_wrap=True)
    if answer["note"]:
        console.print(Text(f"note: {answer['note']}", style="yellow"), soft_wrap=True)


def family(marked: int, order: int, *, prior: bool, vanishing: Sequence[str]) -> Diagrams:
    """The connected graphs, and which derivatives vanish (words `I:R`). Raises `BadInput` on other words."""
    dead = _valences(vanishing, marked)
    return Diagrams(_title(marked, order, dead), connected(marked, order, prior=prior), dead)


def graphs(family: Diagrams) -> dict[str, Any]:
    """The graphs that survive, each as JSON, and of how many."""
    left = surviving(family.graphs, family.vanishing)
    return {"family": family.title, "of": len(family.graphs), "graphs": [_graph(graph) for graph in left]}


def _graph(graph: Graph) -> dict[str, Any]:
    """One graph as JSON: rationals as strings, vertices ordered marked, prior, loss."""
    low = graph.order <= MATRIX_ORDER
    text, tex = (notation.matrix_notation, notation.matrix_tex) if low else (notation.index_notation, notation.tex)
    return {
        "weight": str(graph.weight),
        "automorphisms": graph.automorphisms,
        "prior": graph.prior,
        "loss": graph.loss,
        "edges": graph.edges,
        "notation": text(graph),
        "tex": tex(graph),
    }


def _valences(entries: Sequence[str], marked: int) -> dict[int, frozenset[int]]:
    """`I:R` for each vanishing derivative, observables counted from 1, as vertex → valences."""
    dead: dict[int, frozenset[int]] = {}
    for entry in entries:
        match = re.fullmatch(r"([1-9]):([1-9]\d?)", entry)
        if match is None or int(match[1]) > marked:
            raise BadInput(
                f"--vanishing takes I:R with observables I = 1 … {marked} and derivatives R ≥ 1, not {entry!r}"
            )
        vertex = int(match[1]) - 1
        dead[vertex] = dead.get(vertex, frozenset()) | {int(match[2])}
    return dead


def _title(marked: int, order: int, dead: dict[int, frozenset[int]]) -> str:
    names = ["φ", "ψ", "χ", "φ₄", "φ₅", "φ₆"][:marked]
    name = f"κ({', '.join(names)})" if marked > 1 else "⟨φ⟩" if marked else "log Z"
    zeros = ", ".join(
        f"D{'' if r == 1 else f'^{r}'}{names[i]} = 0" for i, rs in sorted(dead.items()) for r in sorted(rs)
    )
    return f"{name} at t^-{order}{', ' + zeros if zeros else ''}"


def show_graphs(answer: dict[str, Any], console: Console) -> None:
    left, of, title = len(answer["graphs"]), answer["of"], answer["family"]
    console.print(Text(f"{title}: {left} of {of} graphs" if left < of else f"{title}: {of} graphs", style="bold"))
    for graph in answer["graphs"]:
        console.print(Text(f"  {graph['notation']}"), soft_wrap=True)

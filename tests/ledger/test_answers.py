"""The answers of `laplace` and `graphs` on series that are known in closed form, and what a terminal shows of them."""

import io

import pytest
import sympy as sp
from rich.console import Console

from ledger import answers
from theory import notation
from theory.errors import BadInput

x = sp.Symbol("x", real=True)


def shown(show, answer, width: int = 40) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    show(answer, console)
    return console.file.getvalue().splitlines()


def test_a_tilted_gaussian() -> None:
    """L = (x−1)²/2 with prior e^x: the posterior is N(1 + 1/t, 1/t), so ⟨x²⟩ = 1 + 3/t + 1/t² and no more."""
    answer = answers.series((x - 1) ** 2 / 2, (x**2,), (x,), order=2, at={x: sp.S.One}, prior=sp.exp(x))
    assert (answer["coefficients"], answer["next"], answer["note"]) == (["1", "3", "1"], ["0", "0"], None)
    assert answer["quantity"] == "expectation" and answer["variables"] == ["x"] and answer["good_from"]["t"] == "0"
    assert shown(answers.show_series, answer) == [
        "⟨x**2⟩ at the minimum x = 1", "  t^0   1", "  t^-1  3", "  t^-2  1",
        "good to 1% from t = 0, judged by the next two terms",
    ]  # fmt: skip
    assert shown(answers.show_series, answer, 8)[-4:] == shown(answers.show_series, answer)[-4:], "cut nowhere"


def test_a_cumulant_of_a_loss_with_another_minimum() -> None:
    """Var x = 1/t for L = x²/2 near 0, no relative error where the series is 0, and the deeper minimum is told."""
    loss = x**2 / 2 - x**3 / 3 + x**4 / 20
    answer = answers.series(loss, (x, x), (x,), order=1, at={x: sp.S.Zero}, prior=sp.S.One)
    assert answer["quantity"] == "cumulant" and answer["coefficients"] == ["0", "1"] and len(answer["next"]) == 2
    first, *terms, note = shown(answers.show_series, answer)
    assert first == "κ(x, x) at the minimum x = 0" and terms[:2] == ["  t^0   0", "  t^-1  1"]
    assert note == f"note: {answer['note']}" and answer["note"]
    empty = answers.series(x**2 / 2, (x, x, x), (x,), order=1, at={x: sp.S.Zero}, prior=sp.S.One)
    assert empty["coefficients"] == ["0", "0"] and empty["good_from"] is None
    free = answers.series(
        sp.Symbol("k", positive=True) * x**2, (x**2,), (x,), order=1, at={x: sp.S.Zero}, prior=sp.S.One
    )
    assert free["good_from"] is None and len(shown(answers.show_series, free)) == 3


def test_derivatives_that_vanish_leave_fewer_graphs() -> None:
    """κ(φ, ψ) at 1/t is one edge, aᵀΣb; with Dφ = 0 it is gone (Lemma 20, Lemma 25)."""
    whole, dead = (answers.graphs(answers.family(2, 1, prior=False, vanishing=v)) for v in ((), ("1:1",)))
    assert whole["of"] == len(whole["graphs"]) == dead["of"] == 1 and dead["graphs"] == []
    (edge,) = whole["graphs"]
    assert (edge["weight"], edge["automorphisms"], edge["prior"], edge["loss"]) == ("1", 1, 0, 0)
    assert shown(answers.show_graphs, whole) == ["κ(φ, ψ) at t^-1: 1 graphs", f"  {edge['notation']}"]
    assert shown(answers.show_graphs, dead) == ["κ(φ, ψ) at t^-1, Dφ = 0: 0 of 1 graphs"]


def test_titles_name_what_vanishes() -> None:
    titles = [
        answers.family(m, 1, prior=False, vanishing=v).title for m, v in ((0, ()), (1, ()), (2, ("2:3", "1:1", "2:2")))
    ]
    assert titles == ["log Z at t^-1", "⟨φ⟩ at t^-1", "κ(φ, ψ) at t^-1, Dφ = 0, D^2ψ = 0, D^3ψ = 0"]
    assert answers.family(2, 1, prior=False, vanishing=("2:12", "1:1", "2:2")).vanishing == {0: {1}, 1: {2, 12}}


def test_graphs_print_as_matrices_to_second_order_and_with_indices_beyond() -> None:
    """ΣT, ⟨a, Σb⟩ need no indices; at order 3 they are summed by name. Every graph fits on one line of its own."""
    for order, text, tex in (
        (1, notation.matrix_notation, notation.matrix_tex),
        (2, notation.matrix_notation, notation.matrix_tex),
        (3, notation.index_notation, notation.tex),
    ):
        family = answers.family(1, order, prior=True, vanishing=())
        told = answers.graphs(family)
        of_order = [
            (told, graph) for told, graph in zip(told["graphs"], family.graphs, strict=True) if graph.order == order
        ]
        assert of_order and all(
            told["notation"] == text(graph) and told["tex"] == tex(graph) for told, graph in of_order
        )
        assert any(graph["prior"] for graph in told["graphs"])
        assert len(shown(answers.show_graphs, told)) == 1 + told["of"]
    assert max(map(len, shown(answers.show_graphs, told))) > 40


def test_titles_are_bold_and_notes_yellow() -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="standard", no_color=False)
    loss = x**2 / 2 - x**3 / 3 + x**4 / 20
    answers.show_series(answers.series(loss, (x,), (x,), order=1, at={x: sp.S.Zero}, prior=sp.S.One), console)
    answers.show_graphs(answers.graphs(answers.family(1, 1, prior=False, vanishing=())), console)
    printed = console.file.getvalue()
    assert "\x1b[1m⟨x⟩ at the minimum" in printed and "\x1b[33mnote: " in printed and "\x1b[1m⟨φ⟩ at t^-1" in printed


@pytest.mark.parametrize("word", ["3:1", "0:1", "1:0", "1", "1:100", "1:1 "])
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(BadInput, match="I = 1 … 2"):
        answers.family(2, 1, prior=False, vanishing=(word,))

"""Drawn graphs: every edge and vertex of the family is on the page, those that vanish in grey."""

import xml.etree.ElementTree as ET

import pytest

from ledger import drawing
from ledger.claim import Diagrams
from theory.errors import BadInput
from theory.graphs import connected

FOUR_OF_TEN = Diagrams("Figure 4", connected(2, 2), {0: frozenset({1})})


def test_the_file_is_svg_with_every_caption() -> None:
    page = drawing.page(FOUR_OF_TEN)
    root = ET.fromstring(page)
    assert root.tag.endswith("svg")
    texts = [node.text for node in root.iter() if node.tag.endswith("text")]
    assert {"½ tr(AΣBΣ)", "½ (Σb)·(Φ:Σ)", "−½ (Σb)·(T:ΣAΣ)", "−½ bᵀΣAΣ(T:Σ)"} <= set(texts)
    assert texts.count("φ") == texts.count("ψ") == 10


def test_removed_graphs_are_grey() -> None:
    grey = drawing.draw(FOUR_OF_TEN, "a").count(f"fill: {drawing._GREY}")
    assert grey > 0
    assert drawing.draw(Diagrams("all", FOUR_OF_TEN.graphs), "a").count(drawing._GREY) == 0


def test_each_edge_is_drawn_once(monkeypatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(drawing, "_edge", lambda *arguments: drawn.append("edge"))
    monkeypatch.setattr(drawing, "_loop", lambda *arguments: drawn.append("loop"))
    graphs = connected(1, 2, prior=True)
    drawing.draw(Diagrams("all", graphs), "a")
    assert drawn.count("loop") == sum(g.adjacency[v][v] for g in graphs for v in range(g.vertices))
    assert len(drawn) == sum(len(g.edges) for g in graphs)


@pytest.mark.parametrize(("marked", "order"), [(0, 1), (0, 2), (1, 1), (2, 1), (3, 2)])
def test_vertices_do_not_coincide(marked: int, order: int) -> None:
    for graph in connected(marked, order, prior=marked > 0):
        places = drawing._place(graph)
        for i, (x, y) in enumerate(places):
            assert abs(x) <= 1.001
            assert abs(y) <= 0.751
            assert all((x - u) ** 2 + (y - v) ** 2 > 0.05 for u, v in places[:i])


def test_too_many_are_refused() -> None:
    with pytest.raises(BadInput, match="1 to 150 graphs, not 1880"):
        drawing.draw(Diagrams("all", connected(2, 4)), "a")

"""Graphs drawn: the diagrams of Figure 4, of any number of marked vertices and any order.

    open circle     a marked vertex, with the name of its observable
    full dot        a loss vertex
    square          a prior vertex
    edge            Σ = H⁻¹; parallel edges are bent apart, self-loops are circles

The picture of a family shows each graph with its weight and value in the primer's notation; a graph that a hypothesis removes
(`graphs.surviving`) stays, in grey.

Reading order: `draw` (a family, as inline SVG), `page` (the same as a file of its own), `_place`.
"""

import math

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Circle, FancyArrowPatch

from ledger import figures
from ledger.claim import Diagrams
from theory.errors import BadInput
from theory.graphs import Graph, surviving
from theory.notation import OBSERVABLES, matrix_notation

MOST = 150  # graphs in one picture
_COLUMNS = 5
_RADIUS = 0.13
_GREY = "#7e858d"
Point = tuple[float, float]


def draw(family: Diagrams, prefix: str) -> str:
    """The family as an <svg> element; `prefix` must be unique on the page. Raises `BadInput` for more than `MOST` graphs."""
    count = len(family.graphs)
    if not 0 < count <= MOST:
        raise BadInput(f"a picture holds 1 to {MOST} graphs, not {count}; lower the order, or print them instead")
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    alive = set(surviving(family.graphs, family.vanishing))
    with figures.style(prefix):
        canvas = Canvas(figsize=(1.75 * columns, 1.65 * rows + 0.35), layout="constrained")
        canvas.suptitle(family.title, fontsize=10)
        for number, graph in enumerate(family.graphs):
            axes = canvas.add_subplot(rows, columns, number + 1)
            _graph(axes, graph, figures.INK if graph in alive else _GREY)
        return figures.svg(canvas, prefix, family.title)


def page(family: Diagrams) -> str:
    """The family as an SVG file."""
    inline = draw(family, "graphs")
    return inline.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" color="#202124"', 1) + "\n"


def _graph(axes: Axes, graph: Graph, colour: str) -> None:
    places = _place(graph)
    for i in range(graph.vertices):
        for j in range(i, graph.vertices):
            for number in range(graph.adjacency[i][j]):
                if i == j:
                    _loop(axes, places, i, number, colour)
                else:
                    _edge(axes, places[i], places[j], number - (graph.adjacency[i][j] - 1) / 2, colour)
    for vertex, place in enumerate(places):
        _vertex(axes, graph, vertex, place, colour)
    caption = matrix_notation(graph)
    caption = caption if len(caption) < 34 else f"{graph.weight}"
    axes.text(0, -1.25, caption, fontsize=7.5, color=colour, ha="center", va="center")
    axes.set(xlim=(-1.45, 1.45), ylim=(-1.35, 1.0), aspect="equal")
    axes.set_axis_off()


def _place(graph: Graph) -> list[Point]:
    """Kamada–Kawai positions, the longest extent turned horizontal, the first vertex to the left."""
    if graph.vertices == 1:
        return [(0.0, 0.0)]
    simple = nx.Graph()
    simple.add_nodes_from(range(graph.vertices))
    simple.add_edges_from((i, j) for i, j in graph.edges if i != j)
    found = nx.kamada_kawai_layout(simple, pos=nx.circular_layout(simple))
    places = np.array([found[v] for v in range(graph.vertices)])
    places -= places.mean(axis=0)
    places = places @ np.linalg.svd(places)[2].T
    if places[0, 0] > 0:
        places[:, 0] *= -1
    reach = 0.6 if graph.vertices == 2 else 1.0
    places *= min(reach / np.abs(places[:, 0]).max(), 0.75 / max(np.abs(places[:, 1]).max(), 1e-9))
    return [(float(x), float(y)) for x, y in places]


def _vertex(axes: Axes, graph: Graph, vertex: int, place: Point, colour: str) -> None:
    if vertex < graph.marked:
        name = OBSERVABLES[vertex][0] if vertex < len(OBSERVABLES) else f"φ{vertex + 1}"
        axes.add_patch(Circle(place, _RADIUS, facecolor="#ffffff", edgecolor=colour, linewidth=1.0, zorder=3))
        axes.text(*place, name, ha="center", va="center_baseline", fontsize=7, color="#111111", zorder=4)
    elif vertex < graph.marked + graph.prior:
        axes.plot(*place, marker="s", markersize=5, color=colour, zorder=3)
    else:
        axes.add_patch(Circle(place, 0.055, color=colour, zorder=3))


def _edge(axes: Axes, start: Point, end: Point, bend: float, colour: str) -> None:
    style = f"arc3,rad={0.45 * bend:.3f}"
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-", connectionstyle=style, color=colour, linewidth=1.0))


def _loop(axes: Axes, places: list[Point], vertex: int, number: int, colour: str) -> None:
    """A circle through the vertex, away from the other vertices; further loops are turned about it."""
    here = np.array(places[vertex])
    others = np.array([place for v, place in enumerate(places) if v != vertex] or [here - (1.0, 0.0)])
    away = here - others.mean(axis=0)
    if np.hypot(*away) < 0.2:  # in the middle of its neighbours: at a right angle to the line through them
        away = np.array([0.0, 1.0])
    angle = math.atan2(away[1], away[0]) + (number + 1) // 2 * (-1) ** number * 1.3
    radius = 0.2
    centre = (here[0] + radius * math.cos(angle), here[1] + radius * math.sin(angle))
    axes.add_patch(Circle(centre, radius, fill=False, edgecolor=colour, linewidth=1.0, zorder=1))

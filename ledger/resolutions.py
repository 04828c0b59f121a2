"""A resolution drawn: strata as boxes, charts as arrows, the path that decides the upper bound in red.

In each box stand the generators and what is proved of λ there; leaves are green.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import sympy as sp
from matplotlib.figure import Figure as Canvas

from ledger import figures
from theory.errors import BadInput
from theory.rlct import tree

MOST = 200  # boxes in one picture
RED = "#c5221f"
Certificate = Mapping[str, Any]


def picture(certificate: Certificate) -> str:
    """The tree of the resolution as an SVG file. Raises `BadInput` for more than `MOST` strata."""
    nodes, edges = tree(dict(certificate))
    if len(nodes) > MOST:
        raise BadInput(
            f"a picture holds at most {MOST} strata and this resolution has {len(nodes)}; use the JSON instead"
        )
    rows = _rows(certificate["root"], edges)
    depth = max(x for x, _ in rows.values()) + 1
    height = max(y for _, y in rows.values()) + 1
    proof = certificate.get("upper_proof", {})
    red, values = _deciding(certificate), _values(certificate)
    with figures.style("tree"):
        canvas = Canvas(figsize=(2.6 * depth + 0.6, 0.62 * height + 0.7), layout="constrained")
        axes = canvas.add_subplot()
        labels = {node["number"]: _short(node["label"]) for node in nodes}
        wide = {number: 0.05 + 0.0105 * max(len(label), 10) for number, label in labels.items()}
        for edge in edges:
            start, end = edge["from"], edge["to"]
            (x0, y0), (x1, y1) = rows[start], rows[end]
            colour = RED if (start, end) in red else figures.INK
            style = {"arrowstyle": "-|>", "color": colour, "lw": 0.8, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", (x1 - wide[end], -y1), (x0 + wide[start], -y0), arrowprops=style)
            label = {"ha": "center", "va": "bottom", "color": colour, "fontsize": 6}
            axes.text((x0 + x1) / 2, -(y0 + y1) / 2, edge["label"], **label)
        for node in nodes:
            x, y = rows[node["number"]]
            colour = RED if node["number"] == proof.get("node") else figures.INK
            box = {
                "boxstyle": "round,pad=0.3",
                "facecolor": "#e6f4ea" if node["leaf"] else "#ffffff",
                "edgecolor": colour,
            }
            words = f"{labels[node['number']]}\nλ {values[node['number']]}"
            axes.text(x, -y, words, fontsize=6.5, ha="center", va="center", bbox=box)
        axes.set(xlim=(-0.6, depth - 0.4), ylim=(-height + 0.4, 0.6))
        axes.set_axis_off()
        inline = figures.svg(canvas, "tree", "resolution")
    return inline.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" color="#202124"', 1) + "\n"


def _short(label: str) -> str:
    return label if len(label) <= 34 else label[:32] + " …"


def _values(certificate: Certificate) -> dict[int, str]:
    """What is proved of λ on each stratum: at a leaf its own bound, elsewhere the least of the children."""
    nodes = {node["number"]: node for node in certificate["nodes"]}

    @cache
    def least(number: int) -> sp.Expr:
        node = nodes[number]
        value = node["lower"]["value"]
        own = sp.oo if value == "infinite" else sp.Rational(value) / certificate["power"]
        return max(own, min(map(least, (child["node"] for child in node["children"])))) if "branch" in node else own

    return {number: "= ∞" if least(number) == sp.oo else f"≥ {least(number)}" for number in nodes}


def _rows(root: int, edges: list[dict[str, Any]]) -> dict[int, tuple[int, float]]:
    """(column, row) of each node: columns by the longest way from the root, rows in the order of a walk, parents in the middle."""
    below: dict[int, list[int]] = {}
    for edge in edges:
        below.setdefault(edge["from"], []).append(edge["to"])
    column, row, next_row = {root: 0}, {}, 0

    def walk(node: int) -> float:
        nonlocal next_row
        if node in row:
            return row[node]
        fresh = []
        for child in below.get(node, ()):
            if child not in column:
                column[child] = column[node] + 1
                fresh.append(child)
        heights = [walk(child) for child in fresh]
        row[node] = sum(heights) / len(heights) if heights else float(next_row)
        next_row += not heights
        return row[node]

    walk(root)
    return {node: (column[node], row[node]) for node in row}


def _deciding(certificate: Certificate) -> set[tuple[int, int]]:
    """The edges of the path that proves the upper bound."""
    children = {node["number"]: node.get("children", ()) for node in certificate["nodes"]}
    path = certificate.get("upper_proof", {}).get("path", ())
    return {(node, children[node][index]["node"]) for node, index in path}

r"""One graph in print: index notation, Einstein TeX, and for the low orders the matrix notation of the primer.

Index notation puts one letter on each half-edge: `-1/2 φ_ij ψ_k L_lpq Σ_il Σ_jp Σ_kq`. Matrix notation reduces the graph:

    1. a self-loop at a vertex D contracts two of its slots:        (D:Σ)
    2. a vertex left with two slots is a matrix A; it disappears into the edge it lies on, which becomes ΣAΣ,
       or closes on itself as a trace:                              tr(AΣ)
    3. a vertex left with one slot is a vector a; its neighbour D takes it as an argument:   D·Σa
    4. two vertices left alone with r ≥ 3 edges between them are contracted in full:         ⟨D, E⟩{Σ,Σ,Σ}

which turns every graph of order ≤ 2 with a marked vertex into one line, such as ½ (Σb)·(T:ΣAΣ) in Lemma 25. All graphs with at
most two independent loops reduce (k + 1 − m ≤ 2); one that does not, such as the tetrahedron, keeps the index notation.

Letters: a, A, Φ, D⁴φ are the derivatives of the first observable φ; b, B, Ψ, D⁴ψ those of the second; c, C, X, D⁴χ those of the
third; then D^rφ₄ …; T, Q, D⁵L those of the loss; p, P, D³p those of the logarithm of the prior.

Reading order: `matrix_notation`, `matrix_tex`, `index_notation`, `tex`; `_Reduction` is the four rules.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from theory.graphs import Graph

OBSERVABLES = (("φ", "aAΦ"), ("ψ", "bBΨ"), ("χ", "cCX"))
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_FRACTIONS = {"1/2": "½", "1/4": "¼", "1/6": "⅙", "1/8": "⅛", "1/3": "⅓"}
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_LETTERS = "ijklpqrsabcdefghmnouvwxyz"
_TEX = {
    "{": "_{",  # the only braces of the notation are those of ⟨D, E⟩{…}
    "φ": r"\varphi ",
    "ψ": r"\psi ",
    "χ": r"\chi ",
    "Σ": r"\Sigma ",
    "Φ": r"\Phi ",
    "Ψ": r"\Psi ",
    "ᵀ": r"^{\top}",
    "·": r"\cdot ",
    "⟨": r"\langle ",
    "⟩": r"\rangle ",
    "tr(": r"\operatorname{tr}(",
    ":": r"{:}",
}


def matrix_notation(graph: Graph) -> str:
    """The graph in the primer's letters, weight included: `−½ bᵀΣAΣ(T:Σ)`; index notation where it does not reduce."""
    body = _Reduction(graph).run()
    if body is None:
        return index_notation(graph)
    weight = _weight(graph)
    for fraction, sign in _FRACTIONS.items():
        weight = re.sub(rf"^(-?){fraction} ", rf"\1{sign} ", weight)
    return weight.replace("-", "−") + body


def matrix_tex(graph: Graph) -> str:
    r"""The same as TeX: `-\frac{1}{2} b^{\top}\Sigma A\Sigma (T{:}\Sigma )`."""
    body = _Reduction(graph).run()
    if body is None:
        return tex(graph)
    for text, replacement in _TEX.items():
        body = body.replace(text, replacement)
    sign = _weight(graph) if abs(graph.weight) == 1 else f"{sp.latex(graph.weight)} "
    return sign + re.sub("[⁰¹²³⁴-⁹]+", lambda power: f"^{{{power[0].translate(_PLAIN)}}}", body)


def index_notation(graph: Graph, names: Sequence[str] = ("φ", "ψ", "χ")) -> str:
    """The graph as index notation, for example `-1/2 φ_ij ψ_k L_lpq Σ_il Σ_jp Σ_kq`."""
    factors, edges = _indexed(graph, names)
    return _weight(graph) + " ".join(
        [*(f"{name}_{''.join(slots)}" for name, slots in factors), *(f"Σ_{i}{j}" for i, j in edges)]
    )


def tex(graph: Graph, names: Sequence[str] = (r"\varphi", r"\psi", r"\chi")) -> str:
    """The graph as TeX in Einstein notation: repeated indices are summed."""
    factors, edges = _indexed(graph, names)
    body = [*(f"{name}_{{{''.join(slots)}}}" for name, slots in factors), *(rf"\Sigma_{{{i}{j}}}" for i, j in edges)]
    return " ".join([*([] if graph.weight == 1 else [sp.latex(graph.weight)]), *body])


def _weight(graph: Graph) -> str:
    return "" if graph.weight == 1 else "-" if graph.weight == -1 else f"{graph.weight} "


def _indexed(graph: Graph, names: Sequence[str]) -> tuple[list[tuple[str, list[str]]], list[tuple[str, str]]]:
    """The name and the index letters of each vertex, and the pair of letters of each edge."""
    marked = list(names[: graph.marked]) + [f"{names[0]}^{i + 1}" for i in range(len(names), graph.marked)]
    factors = [(name, []) for name in (*marked, *["p"] * graph.prior, *["L"] * graph.loss)]
    letters = iter([letter + prime for prime in ("", "'", "''", "'''") for letter in _LETTERS])
    pairs = []
    for u, v in graph.edges:
        i, j = next(letters), next(letters)
        factors[u][1].append(i)
        factors[v][1].append(j)
        pairs.append((i, j))
    return factors, pairs


@dataclass(frozen=True)
class _Vertex:
    text: str
    compound: bool = False

    def contracted(self, how: str) -> "_Vertex":
        """(D:M) or (D·Mv); a second contraction of the same vertex goes into the same parentheses."""
        inner = self.text[1:-1] if self.compound else self.text
        return _Vertex(f"({inner}{how})", True)


@dataclass(frozen=True)
class _Edge:
    """An edge from u to v that carries a product of symmetric matrices, read from u to v."""

    u: int
    v: int
    factors: tuple[str, ...] = ("Σ",)

    def beyond(self, u: int) -> tuple[int, tuple[str, ...]]:
        """The other end, and the factors read from u towards it."""
        return (self.v, self.factors) if self.u == u else (self.u, self.factors[::-1])


class _Reduction:
    """The four rules of the module, applied until one expression is left or none applies."""

    def __init__(self, graph: Graph):
        self.vertices = {v: _Vertex(_derivative(graph, v)) for v in range(graph.vertices)}
        self.edges = [_Edge(u, v) for u, v in graph.edges]

    def run(self) -> str | None:
        while (done := self._finish()) is None:
            if not (self._loop() or self._matrix() or self._vector()):
                return None
        return done

    def _at(self, vertex: int) -> list[_Edge]:
        return [edge for edge in self.edges if vertex in (edge.u, edge.v)]

    def _finish(self) -> str | None:
        """A scalar: a trace, a bilinear form, or two tensors contracted in full."""
        ends = sorted(self.vertices, key=lambda v: (self.vertices[v].compound, v))
        if len(ends) == 1 and len(self.edges) == 1:
            return f"tr({self.vertices[ends[0]].text}{''.join(self.edges[0].factors)})"
        if len(ends) != 2 or any(edge.u == edge.v for edge in self.edges):
            return None
        u, v = (self.vertices[end] for end in ends)
        matrices = ["".join(edge.beyond(ends[0])[1]) for edge in self.edges]
        if len(matrices) >= 3:
            return f"⟨{u.text}, {v.text}⟩{{{','.join(sorted(matrices))}}}"
        if len(matrices) == 2:
            return None
        plain = matrices[0] == "Σ" and v.compound
        return f"(Σ{u.text})·{v.text}" if plain else f"{u.text}ᵀ{matrices[0]}{v.text}"

    def _loop(self) -> bool:
        """Rule 1: contract a self-loop of a vertex that has other slots (one that has none is finished)."""
        for edge in self.edges:
            if edge.u == edge.v:
                self.edges.remove(edge)
                self.vertices[edge.u] = self.vertices[edge.u].contracted(f":{''.join(edge.factors)}")
                return True
        return False

    def _matrix(self) -> bool:
        """Rule 2: a vertex with two slots becomes part of the edge it lies on."""
        for vertex in sorted(self.vertices, reverse=True):
            edges = self._at(vertex)
            if len(edges) == 2:
                (back, before), (forth, after) = (edge.beyond(vertex) for edge in edges)
                matrix = self.vertices.pop(vertex).text
                self.edges = [edge for edge in self.edges if edge not in edges]
                self.edges.append(_Edge(back, forth, (*before[::-1], matrix, *after)))
                return True
        return False

    def _vector(self) -> bool:
        """Rule 3: a vertex with one slot becomes an argument of its neighbour."""
        for vertex in sorted(self.vertices):
            edges = self._at(vertex)
            if len(edges) == 1:
                neighbour, factors = edges[0].beyond(vertex)
                self.edges.remove(edges[0])
                argument = "".join(factors[::-1]) + self.vertices.pop(vertex).text
                self.vertices[neighbour] = self.vertices[neighbour].contracted(f"·{argument}")
                return True
        return False


def _derivative(graph: Graph, vertex: int) -> str:
    """The letter of the derivative tensor that stands at a vertex."""
    r = graph.valence(vertex)
    if vertex < graph.marked:
        name, letters = OBSERVABLES[vertex] if vertex < len(OBSERVABLES) else (f"φ{chr(0x2081 + vertex)}", "")
    elif vertex < graph.marked + graph.prior:
        name, letters = "p", "pP"
    else:
        name, letters = "L", "\0\0TQ"
    return letters[r - 1] if r <= len(letters) else f"D{str(r).translate(_SUPERSCRIPTS) if r > 1 else ''}{name}"

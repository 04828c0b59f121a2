"""Connected multigraphs: the diagrams of the Laplace expansion.

The joint cumulant κ(φ_1, …, φ_m) under exp(−tL)·prior has, at order t^{−k}, one term for each connected multigraph with

    m  marked vertices   (φ_i, distinguishable, valence ≥ 1)
    V  loss vertices     (unmarked, valence ≥ 3)
    P  prior vertices    (unmarked, valence ≥ 1; only when `prior=True`)
    E  edges, self-loops allowed, with E − V = k,

with weight (−1)^V / |Aut|: each vertex is the derivative tensor of its function, each edge a Σ = H⁻¹. |Aut| counts l! 2^l
for l self-loops at a vertex, c! for c parallel edges, and the permutations of unmarked vertices that fix the graph
(primer, Appendix A and Figure 4, carried to all orders).

Generation: contracting an edge between a loss vertex and any neighbour gives a graph of the same order with one loss vertex
fewer, so all graphs arise from those without loss vertices by *splitting* vertices. Duplicates are removed by a canonical form
from colour refinement and individualisation, which also counts automorphisms without running over all permutations.

Reading order: `Graph`, `connected` and `generate` (the public entries), `surviving`, then the generator and the canonical form.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement, product
from math import factorial, prod

import sympy as sp

from theory.errors import BadInput

Matrix = tuple[tuple[int, ...], ...]  # adjacency with multiplicities; the diagonal counts self-loops


@dataclass(frozen=True)
class Graph:
    """A connected multigraph: vertices are ordered marked, prior, loss; `adjacency[i][i]` counts self-loops."""

    marked: int
    prior: int
    loss: int
    adjacency: Matrix
    automorphisms: int

    @property
    def weight(self) -> sp.Rational:
        """(−1)^V / |Aut|."""
        return sp.Rational((-1) ** self.loss, self.automorphisms)

    @property
    def vertices(self) -> int:
        return self.marked + self.prior + self.loss

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """All edges (i, j) with i ≤ j, parallel ones repeated."""
        n = range(self.vertices)
        return tuple((i, j) for i in n for j in n if i <= j for _ in range(self.adjacency[i][j]))

    @property
    def order(self) -> int:
        """The power of 1/t: E − V."""
        return len(self.edges) - self.loss

    def valence(self, vertex: int) -> int:
        return _valence(self.adjacency, vertex)


def connected(marked: int, order: int, *, prior: bool = False) -> tuple[Graph, ...]:
    """The connected multigraphs of the joint cumulant of `marked` observables at order t^{−order}.

    `marked = 0` gives the vacuum graphs of log Z. Sorted by number of loss vertices. Raises `BadInput` on negative numbers.

    For m = 2 there are 1, 10, 126, 1880, 32358 graphs at orders 1 … 5: the count grows by a factor that itself grows by about
    2.3 an order, and the time by that factor times the number of splits of a graph (about 35 from order 4 to 5).
    """
    return tuple(generate(marked, order, prior=prior))


def generate(marked: int, order: int, *, prior: bool = False) -> Iterator[Graph]:
    """The graphs of `connected` one by one, those with fewest loss vertices first; what has been generated is cached.

    The families with V loss vertices come from those with V − 1, so that the first graphs cost nothing of the last.
    """
    if marked < 0 or order < 0:
        raise BadInput(f"graphs.connected needs marked ≥ 0 and order ≥ 0, got marked={marked}, order={order}")
    most_prior = (order + 1 if marked == 0 else order + 1 - marked) if prior else 0
    # Valences bound the number of loss vertices: 2(V + k) = 2E ≥ 3V + P + m, so V ≤ 2k − m.
    for v in range(max(0, 2 * order - marked) + 1):
        for p in range(max(0, most_prior) + 1):
            for adjacency, symmetries in sorted(_family(marked, p, v, order).items()):
                yield Graph(marked, p, v, adjacency, _automorphisms(adjacency, symmetries))


def surviving(graphs: Iterable[Graph], vanishing: Mapping[int, frozenset[int] | set[int]]) -> tuple[Graph, ...]:
    """The graphs left when derivatives vanish: `vanishing[i]` holds the valences at which vertex i is zero.

    Lemma 25 (Dφ(w*) = 0): `surviving(connected(2, 2), {0: {1}})` has four graphs.
    """
    return tuple(g for g in graphs if not any(g.valence(i) in dead for i, dead in vanishing.items()))


@cache
def _family(marked: int, prior: int, loss: int, order: int) -> Mapping[Matrix, int]:
    """Canonical adjacency → number of vertex symmetries, for fixed numbers of vertices."""
    types = _types(marked, prior, loss)
    found: dict[Matrix, int] = {}
    for adjacency in _candidates(marked, prior, loss, order):
        canonical, symmetries = _canonical(adjacency, types)
        found[canonical] = symmetries
    return found


def _candidates(marked: int, prior: int, loss: int, order: int) -> Iterator[Matrix]:
    if marked + prior + loss == 0:
        return
    if loss == 0:
        yield from _without_loss(marked + prior, order)
    elif loss == 1 and marked + prior == 0:
        if order >= 1:
            yield ((order + 1,),)
    else:
        types = _types(marked, prior, loss - 1)
        for adjacency in _family(marked, prior, loss - 1, order):
            for vertex, kind in enumerate(types):
                yield from _splits(adjacency, vertex, least=3 if kind == "loss" else 1)


def _types(marked: int, prior: int, loss: int) -> tuple[object, ...]:
    """Marked vertices are told apart, prior and loss vertices only by kind."""
    return (*range(marked), *("prior",) * prior, *("loss",) * loss)


def _without_loss(n: int, edges: int) -> Iterator[Matrix]:
    """Connected multigraphs on n labelled vertices with the given number of edges, every valence ≥ 1."""
    slots = list(combinations_with_replacement(range(n), 2))
    for counts in _compositions(edges, len(slots)):
        rows = [[0] * n for _ in range(n)]
        for (i, j), c in zip(slots, counts, strict=True):
            rows[i][j] = rows[j][i] = c
        adjacency = tuple(map(tuple, rows))
        if _is_connected(adjacency) and all(_valence(adjacency, v) >= 1 for v in range(n)):
            yield adjacency


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def _splits(adjacency: Matrix, x: int, *, least: int) -> Iterator[Matrix]:
    """Every way to split a new loss vertex y off x: y takes some half-edges of x, and an edge joins x and y."""
    n, loops = len(adjacency), adjacency[x][x]
    others = [v for v in range(n) if v != x]
    for moved in product(*(range(adjacency[x][v] + 1) for v in others)):
        for whole in range(loops + 1):  # loops that move to y entirely
            for half in range(loops - whole + 1):  # loops that become edges x–y
                taken = sum(moved) + 2 * whole + half
                left = _valence(adjacency, x) - taken
                if taken < 2 or left + 1 < least:
                    continue
                rows = [[*row, 0] for row in adjacency] + [[0] * (n + 1)]
                for v, c in zip(others, moved, strict=True):
                    rows[x][v] = rows[v][x] = adjacency[x][v] - c
                    rows[n][v] = rows[v][n] = c
                rows[x][x], rows[n][n] = loops - whole - half, whole
                rows[x][n] = rows[n][x] = 1 + half
                yield tuple(map(tuple, rows))


def _valence(adjacency: Matrix, vertex: int) -> int:
    return sum(adjacency[vertex]) + adjacency[vertex][vertex]


def _is_connected(adjacency: Matrix) -> bool:
    seen, stack = {0}, [0]
    while stack:
        v = stack.pop()
        for u, c in enumerate(adjacency[v]):
            if c and u not in seen:
                seen.add(u)
                stack.append(u)
    return len(seen) == len(adjacency)


def _automorphisms(adjacency: Matrix, symmetries: int) -> int:
    """|Aut| = vertex symmetries × Π l! 2^l over self-loops × Π c! over parallel edges."""
    n = range(len(adjacency))
    loops = prod(factorial(adjacency[i][i]) * 2 ** adjacency[i][i] for i in n)
    parallel = prod(factorial(adjacency[i][j]) for i in n for j in n if i < j)
    return symmetries * loops * parallel


def _canonical(adjacency: Matrix, types: tuple[object, ...]) -> tuple[Matrix, int]:
    """The least adjacency over all orderings that refinement leaves open, and how many orderings attain it."""
    order = {kind: rank for rank, kind in enumerate(dict.fromkeys(types))}
    best: list[Matrix] = []
    attained = 0

    def search(colours: tuple[int, ...]) -> None:
        nonlocal attained
        colours = _refine(adjacency, colours)
        cells: dict[int, list[int]] = {}
        for v, c in enumerate(colours):
            cells.setdefault(c, []).append(v)
        open_cell = next((cells[c] for c in sorted(cells) if len(cells[c]) > 1), None)
        if open_cell is None:
            ranking = sorted(range(len(colours)), key=colours.__getitem__)
            leaf = tuple(tuple(adjacency[i][j] for j in ranking) for i in ranking)
            if not best or leaf < best[0]:
                best[:], attained = [leaf], 1
            elif leaf == best[0]:
                attained += 1
            return
        for v in open_cell:  # individualise one vertex of the first open cell: it goes before its cell mates
            search(tuple(2 * c - (u == v) for u, c in enumerate(colours)))

    search(tuple(order[kind] for kind in types))
    return best[0], attained


def _refine(adjacency: Matrix, colours: tuple[int, ...]) -> tuple[int, ...]:
    """Colour refinement to a stable partition; ranks depend on the graph alone and keep the order of the old colours."""
    n = range(len(colours))
    while True:
        signature = [
            (colours[v], adjacency[v][v], tuple(sorted((colours[u], adjacency[v][u]) for u in n if u != v))) for v in n
        ]
        rank = {s: r for r, s in enumerate(sorted(set(signature)))}
        refined = tuple(rank[s] for s in signature)
        if len(rank) == len(set(colours)):
            return refined
        colours = refined

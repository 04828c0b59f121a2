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
from typing import Any

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
    for v, p in _sizes(marked, order, prior):
        for adjacency, symmetries in sorted(_family(marked, p, v, order).items()):
            yield Graph(marked, p, v, adjacency, _automorphisms(adjacency, symmetries))


def surviving(graphs: Iterable[Graph], vanishing: Mapping[int, frozenset[int] | set[int]]) -> tuple[Graph, ...]:
    """The graphs left when derivatives vanish: `vanishing[i]` holds the valences at which vertex i is zero.

    Lemma 25 (Dφ(w*) = 0): `surviving(connected(2, 2), {0: {1}})` has four graphs.
    """
    return tuple(g for g in graphs if not any(g.valence(i) in dead for i, dead in vanishing.items()))


def _sizes(marked: int, order: int, prior: bool) -> list[tuple[int, int]]:
    """The numbers (V, P) that occur: P ≤ k + 1 − m and V ≤ 2k − m − P.

    A connected graph has E = V + k ≥ (m + P + V) − 1 edges, and the valences give 2E ≥ 3V + P + m.
    """
    most = [p for p in range(order + 2 - marked) if prior or p == 0]
    return sorted((v, p) for p in most for v in range(2 * order - marked - p + 1))


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
        for adjacency in _family(marked, prior, loss - 1, order):
            for vertex in range(len(adjacency)):
                yield from _splits(adjacency, vertex, least=1 if vertex < marked + prior else 3)


def _types(marked: int, prior: int, loss: int) -> tuple[int, ...]:
    """The first vertex that looks alike: marked vertices are told apart, prior and loss vertices only by kind."""
    return (*range(marked), *(marked,) * prior, *(marked + prior,) * loss)


def _without_loss(n: int, edges: int) -> Iterator[Matrix]:
    """Connected multigraphs on n labelled vertices with the given number of edges, every valence ≥ 1."""
    slots = list(combinations_with_replacement(range(n), 2))
    place = {slot: position for position, slot in enumerate(slots)}
    for counts in _compositions(edges, len(slots)):
        adjacency = tuple(tuple(counts[place[min(i, j), max(i, j)]] for j in range(n)) for i in range(n))
        if edges and _is_connected(adjacency):  # a single vertex is connected without an edge
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
    shares = [(0,) if v == x else range(c + 1) for v, c in enumerate(adjacency[x])]
    for moved in product(*shares):
        # Of the loops at x some move to y entirely, some become edges x–y, the others stay.
        for whole, half, stay in _compositions(adjacency[x][x], 3):
            taken = sum(moved) + 2 * whole + half
            left = _valence(adjacency, x) - taken
            if taken < 2 or left + 1 < least:
                continue
            rows, y = [list(row) for row in adjacency], list(moved)
            for v, c in enumerate(moved):
                rows[x][v] -= c
                rows[v][x] -= c
            rows[x][x], y[x] = stay, 1 + half
            yield (*((*row, y[v]) for v, row in enumerate(rows)), (*y, whole))


def _valence(adjacency: Matrix, vertex: int) -> int:
    return sum(adjacency[vertex]) + adjacency[vertex][vertex]


def _is_connected(adjacency: Matrix) -> bool:
    reached = {0}
    for _ in adjacency:  # as many steps as vertices reach all that can be reached
        reached |= {u for v in reached for u, c in enumerate(adjacency[v]) if c}
    return len(reached) == len(adjacency)


def _automorphisms(adjacency: Matrix, symmetries: int) -> int:
    """|Aut| = vertex symmetries × Π l! 2^l over self-loops × Π c! over parallel edges."""
    n = range(len(adjacency))
    loops = prod(factorial(adjacency[i][i]) * 2 ** adjacency[i][i] for i in n)
    parallel = prod(factorial(adjacency[i][j]) for i in n for j in n if i < j)
    return symmetries * loops * parallel


def _canonical(adjacency: Matrix, types: tuple[int, ...]) -> tuple[Matrix, int]:
    """The least adjacency over all orderings that refinement leaves open, and how many orderings attain it."""
    leaves = list(_leaves(adjacency, types))
    least = min(leaves)
    return least, leaves.count(least)


def _leaves(adjacency: Matrix, colours: tuple[Any, ...]) -> Iterator[Matrix]:
    """The adjacency in each of these orderings: refine, then let each vertex of the first open cell go before its cell mates."""
    ranks = _refine(adjacency, colours)
    open_cell = next((cell for cell in _cells(ranks) if len(cell) > 1), None)
    if open_cell is None:
        ranking = sorted(range(len(ranks)), key=ranks.__getitem__)
        yield tuple(tuple(adjacency[i][j] for j in ranking) for i in ranking)
    else:
        for v in open_cell:
            yield from _leaves(adjacency, tuple((rank, u != v) for u, rank in enumerate(ranks)))


def _cells(ranks: tuple[int, ...]) -> Iterator[list[int]]:
    """The vertices of each rank, 0 first."""
    for rank in sorted(set(ranks)):
        yield [v for v, r in enumerate(ranks) if r == rank]


def _refine(adjacency: Matrix, colours: tuple[Any, ...]) -> tuple[int, ...]:
    """Colour refinement to a stable partition; ranks depend on the graph alone and keep the order of the old colours."""
    n = range(len(colours))
    while True:
        signature = [(colours[v], adjacency[v][v], tuple(sorted((colours[u], adjacency[v][u]) for u in n))) for v in n]
        rank = {s: r for r, s in enumerate(sorted(set(signature)))}
        refined = tuple(rank[s] for s in signature)
        if len(rank) == len(set(colours)):
            return refined
        colours = refined

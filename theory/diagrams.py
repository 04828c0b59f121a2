"""The second road to the Laplace coefficients: sums over graphs of tensor contractions.

Every graph of `theory.graphs` stands for one number: put the derivative tensor of its function at each vertex (D^rφ_i at a
marked vertex, D^rL at a loss vertex, D^r log prior at a prior vertex, r the valence), Σ = H⁻¹ on each edge, contract, and
multiply by (−1)^V/|Aut|. The coefficient of t^{−k} in κ(φ_1, …, φ_m) is the sum over `graphs.connected(m, k)`; with m = 0 it is
that of log Z.

Shares no code with `theory.laplace`: tensors come from repeated differentiation here, and no Gaussian moment is taken.

A graph is contracted vertex by vertex. After some vertices, the open edges carry indices; `state` maps the tuple of open indices
to the value so far. A new vertex u closes the edges that lead to it and opens those to vertices not yet met:

    state'(i_rest, j_1 … j_p) = Σ_{closed, i_1 … i_p} state(i_closed, i_rest) · D_{i_closed i_1 … i_p} Σ_{i_1 j_1} … Σ_{i_p j_p}

with the self-loops of u contracted beforehand. The cost is d to the power of the number of edges open at a time, not of all.

Reading order: `cumulant` (the public entry), `Diagrams` (all tensors over one exact domain), `Diagrams.value`.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations_with_replacement, product
from typing import Any

import sympy as sp
from sympy.polys.constructor import construct_domain

from theory.errors import BadInput
from theory.graphs import Graph, connected

Indices = tuple[int, ...]


def cumulant(
    loss: sp.Expr,
    observables: Sequence[sp.Expr],
    variables: Sequence[sp.Symbol],
    *,
    order: int,
    at: Any = None,
    prior: Any = sp.S.One,
) -> sp.Expr:
    """The coefficient of t^{−order} (order ≥ 1) in κ(φ_1, …, φ_m), as a sum over graphs; arguments as in `theory.laplace`.

    Without observables: that of log Z after its Gaussian factor. `at` defaults to the origin and is not verified to be a
    minimum. Raises `BadInput` if it is not critical, or not nondegenerate.
    """
    if order < 1:
        raise BadInput(f"diagrams.cumulant sums connected graphs of order ≥ 1, got order={order}")
    flat = sp.sympify(prior).free_symbols.isdisjoint(variables)
    graphs = connected(len(observables), order, prior=not flat)
    diagrams = Diagrams(loss, observables, variables, graphs, at=at, prior=prior)
    return sp.Add(*(diagrams.value(graph) for graph in graphs)).expand()


class Diagrams:
    """The derivative tensors that some graphs need, at one point, over the smallest exact domain that holds them all."""

    def __init__(
        self,
        loss: sp.Expr,
        observables: Sequence[sp.Expr],
        variables: Sequence[sp.Symbol],
        graphs: Sequence[Graph],
        *,
        at: Any = None,
        prior: Any = sp.S.One,
    ):
        self.d = len(variables)
        point = _point(variables, at)
        sigma = _propagator(sp.sympify(loss), variables, point)
        # The functions by the kind of vertex: observables first, then log prior and the loss.
        functions = [*map(sp.sympify, observables), sp.log(prior), sp.sympify(loss)]
        ranks: dict[int, set[int]] = {}
        for kind, rank in {(kind, g.valence(v)) for g in graphs for v, kind in enumerate(_kinds(g))}:
            ranks.setdefault(kind, set()).add(rank)
        entries: dict[tuple[int, Indices], sp.Expr] = {}
        for kind in sorted(ranks):
            entries |= {((kind, i)): value for i, value in _tensors(functions[kind], ranks[kind], variables, point)}
        weights = [graph.weight for graph in graphs]
        self.domain, elements = construct_domain([*sigma, *entries.values(), *weights], extension=True)
        self._sigma = [elements[row * self.d : (row + 1) * self.d] for row in range(self.d)]
        self._tensors = {key: elements[self.d**2 + place] for place, key in enumerate(entries)}
        self._traced: dict[tuple[int, int, Indices], Any] = {}

    def value(self, graph: Graph) -> sp.Expr:
        """The graph's contribution, its weight included."""
        weight = self.domain.convert_from(sp.QQ(graph.weight.p, graph.weight.q), sp.QQ)
        return self.domain.to_sympy(weight * self.contract(graph))

    def contract(self, graph: Graph) -> Any:
        """The full contraction of the vertex tensors along the edges, without the weight, as an element of the domain."""
        kinds, order = _kinds(graph), _sweep(graph)
        state: dict[Indices, Any] = {(): self.domain.one}
        leads_to: list[int] = []  # where each open edge ends
        for met, u in enumerate(order, start=1):
            closed = [p for p, v in enumerate(leads_to) if v == u]
            rest = [p for p, v in enumerate(leads_to) if v != u]
            fresh = [v for v in order[met:] for _ in range(graph.adjacency[u][v])]
            state = self._absorb(state, closed, rest, (kinds[u], graph.adjacency[u][u]), len(fresh))
            leads_to = [*(leads_to[p] for p in rest), *fresh]
        return state.get((), self.domain.zero)

    def _absorb(
        self, state: dict[Indices, Any], closed: list[int], rest: list[int], vertex: tuple[int, int], fresh: int
    ) -> dict[Indices, Any]:
        """Contract one vertex with its closed edges, then carry each of its fresh edges over a Σ."""
        result: dict[Indices, Any] = {}
        for indices, value in state.items():
            here, kept = tuple(indices[p] for p in closed), tuple(indices[p] for p in rest)
            for new in product(range(self.d), repeat=fresh):
                if factor := self._trace(*vertex, here + new):
                    _add(result, kept + new, value * factor)
        for position in range(len(rest), len(rest) + fresh):
            result = self._carry(result, position)
        return result

    def _carry(self, state: dict[Indices, Any], position: int) -> dict[Indices, Any]:
        """Σ_i state(… i …) Σ_ij for the index at `position`."""
        result: dict[Indices, Any] = {}
        for indices, value in state.items():
            for j, propagator in enumerate(self._sigma[indices[position]]):
                if propagator:
                    _add(result, (*indices[:position], j, *indices[position + 1 :]), value * propagator)
        return result

    def _trace(self, kind: int, loops: int, indices: Indices) -> Any:
        """The component of a derivative tensor with `loops` pairs of its indices contracted by Σ."""
        indices = tuple(sorted(indices))
        if not loops:
            return self._tensors[kind, indices]
        if (kind, loops, indices) not in self._traced:
            self._traced[kind, loops, indices] = self.domain.sum(
                self._sigma[i][j] * self._trace(kind, loops - 1, (*indices, i, j))
                for i, j in product(range(self.d), repeat=2)
            )
        return self._traced[kind, loops, indices]


def _add(state: dict[Indices, Any], key: Indices, value: Any) -> None:
    state[key] = state[key] + value if key in state else value


def _kinds(graph: Graph) -> list[int]:
    """Which function stands at each vertex: observables 0 … m−1, log prior m, the loss m + 1."""
    m = graph.marked
    return [*range(m), *[m] * graph.prior, *[m + 1] * graph.loss]


@cache
def _sweep(graph: Graph) -> list[int]:
    """An order of the vertices that keeps few edges open: next is always the vertex that leaves the fewest."""
    order: list[int] = []
    while len(order) < graph.vertices:
        left = [v for v in range(graph.vertices) if v not in order]
        order.append(min(left, key=lambda v: _opened(graph, v, left)))
    return order


def _opened(graph: Graph, vertex: int, left: Sequence[int]) -> int:
    """How many more edges are open after a vertex: those to others that are left, less those to vertices met."""
    row = graph.adjacency[vertex]
    ahead = sum(row[u] for u in left if u != vertex)
    return ahead - sum(c for u, c in enumerate(row) if u not in left)


def _point(variables: Sequence[sp.Symbol], at: Any) -> dict[sp.Symbol, sp.Expr]:
    if at is None:
        return dict.fromkeys(variables, sp.S.Zero)
    values = [at[v] for v in variables] if hasattr(at, "keys") else at
    return dict(zip(variables, map(sp.sympify, values), strict=True))


def _propagator(loss: sp.Expr, variables: Sequence[sp.Symbol], point: dict[sp.Symbol, sp.Expr]) -> sp.Matrix:
    """Σ = H⁻¹ at a point where DL = 0 and det H ≠ 0."""
    place = tuple(point.values())
    if any(sp.simplify(sp.diff(loss, v).subs(point)) != 0 for v in variables):
        raise BadInput(f"{place} is not a critical point of {loss}; give the minimum in `at`")
    hessian = sp.hessian(loss, variables).subs(point)
    if sp.simplify(hessian.det()) == 0:
        raise BadInput(f"the Hessian of {loss} at {place} is degenerate; diagrams need Σ = H⁻¹")
    return hessian.inv()


def _tensors(
    f: sp.Expr, ranks: set[int], variables: Sequence[sp.Symbol], point: dict[sp.Symbol, sp.Expr]
) -> Iterator[tuple[Indices, sp.Expr]]:
    """The components of D^r f at the point for the ranks r, indices in ascending order."""
    derivatives: dict[Indices, sp.Expr] = {(): f}
    for rank in range(max(ranks) + 1):
        if rank:
            derivatives = {
                i: sp.diff(derivatives[i[:-1]], variables[i[-1]])
                for i in combinations_with_replacement(range(len(variables)), rank)
            }
        if rank in ranks:
            yield from ((i, sp.sympify(derivative).subs(point)) for i, derivative in derivatives.items())

"""The second road to the Laplace coefficients: sums over graphs of tensor contractions.

Every graph of `theory.graphs` stands for one number: put the derivative tensor of its function at each vertex (D^rφ_i at a
marked vertex, D^rL at a loss vertex, D^r log prior at a prior vertex, r the valence), Σ = H⁻¹ on each edge, contract, and
multiply by (−1)^V/|Aut|. The coefficient of t^{−k} in κ(φ_1, …, φ_m) is the sum over `graphs.connected(m, k)`.

Shares nothing with `theory.laplace` but the way a derivative at w* is written: tensors come from repeated differentiation here.

Reading order: `cumulant` (the public entry), `contract`, `tensor`; `index_notation` and `tex` print one graph.
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.graphs import Graph, connected

Tensor = Callable[[tuple[int, ...]], sp.Expr]  # indices (in any order) → component

LETTERS = "ijklpqrsabcdefghmnouvwxyz"


def cumulant(
    loss: sp.Expr,
    observables: Sequence[sp.Expr],
    variables: Sequence[sp.Symbol],
    *,
    order: int,
    at: Any = None,
    prior: Any = 1,
) -> sp.Expr:
    """The coefficient of t^{−order} (order ≥ 1) in κ(φ_1, …, φ_m), as a sum over graphs; arguments as in `theory.laplace`.

    `at` defaults to the origin and is not verified to be a minimum. Raises `BadInput` if it is not critical.
    """
    w = dict(zip(variables, at, strict=True)) if at is not None else dict.fromkeys(variables, sp.S.Zero)
    if any(sp.simplify(sp.diff(loss, v).subs(w)) != 0 for v in variables):
        raise BadInput(f"{tuple(w.values())} is not a critical point of {loss}")
    flat = sp.sympify(prior).free_symbols.isdisjoint(variables)
    sigma = sp.hessian(loss, variables).subs(w).inv()
    marked = [tensor(phi, variables, w) for phi in observables]
    loss_tensor, prior_tensor = tensor(loss, variables, w), tensor(sp.log(prior), variables, w)
    total = sp.S.Zero
    for graph in connected(len(observables), order, prior=not flat):
        vertices = [*marked, *[prior_tensor] * graph.prior, *[loss_tensor] * graph.loss]
        total += graph.weight * contract(graph, vertices, sigma)
    return sp.simplify(total)


def tensor(f: sp.Expr, variables: Sequence[sp.Symbol], w: dict) -> Tensor:
    """The derivative tensors of f at w: (i, j, …) ↦ ∂_i∂_j… f(w), memoised up to the order of indices."""
    derivatives: dict[tuple[int, ...], sp.Expr] = {(): sp.sympify(f)}
    values: dict[tuple[int, ...], sp.Expr] = {}

    def derivative(indices: tuple[int, ...]) -> sp.Expr:
        if indices not in derivatives:
            derivatives[indices] = sp.diff(derivative(indices[:-1]), variables[indices[-1]])
        return derivatives[indices]

    def component(indices: tuple[int, ...]) -> sp.Expr:
        key = tuple(sorted(indices))
        if key not in values:
            values[key] = sp.sympify(derivative(key)).subs(w)
        return values[key]

    return component


def contract(graph: Graph, vertices: Sequence[Tensor], sigma: sp.Matrix) -> sp.Expr:
    """The full contraction of the vertex tensors along the edges, without the graph's weight."""
    d, edges = sigma.rows, graph.edges
    ends = [(i, j) for i, j in product(range(d), repeat=2) if sigma[i, j] != 0]
    total = sp.S.Zero
    for assignment in product(ends, repeat=len(edges)):
        indices: list[list[int]] = [[] for _ in vertices]
        factor: sp.Expr = sp.S.One
        for (u, v), (i, j) in zip(edges, assignment, strict=True):
            indices[u].append(i)
            indices[v].append(j)
            factor *= sigma[i, j]
        for vertex, slots in zip(vertices, indices, strict=True):
            factor *= vertex(tuple(slots))
            if factor == 0:
                break
        total += factor
    return sp.expand(total)


def index_notation(graph: Graph, names: Sequence[str] = ("φ", "ψ")) -> str:
    """The graph as index notation, for example `-1/2 φ_ij ψ_k L_lpq Σ_il Σ_jp Σ_kq`."""
    slots, edges = _slots(graph)
    labels = _labels(graph, names)
    factors = [f"{label}_{''.join(s)}" if s else label for label, s in zip(labels, slots, strict=True)]
    return " ".join([str(graph.weight), *factors, *(f"Σ_{i}{j}" for i, j in edges)])


def tex(graph: Graph, names: Sequence[str] = (r"\phi", r"\psi")) -> str:
    """The graph as TeX in Einstein notation."""
    slots, edges = _slots(graph)
    labels = _labels(graph, names)
    factors = [f"{label}_{{{''.join(s)}}}" if s else label for label, s in zip(labels, slots, strict=True)]
    return " ".join([sp.latex(graph.weight), *factors, *(rf"\Sigma_{{{i}{j}}}" for i, j in edges)])


def _labels(graph: Graph, names: Sequence[str]) -> list[str]:
    marked = list(names[: graph.marked])
    if len(marked) < graph.marked:
        marked = [f"φ{i + 1}" for i in range(graph.marked)]
    return [*marked, *["p"] * graph.prior, *["L"] * graph.loss]


def _slots(graph: Graph) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Index letters per vertex, and the pair of letters of each edge."""
    letters = iter([*LETTERS, *(f"{a}'" for a in LETTERS), *(f"{a}''" for a in LETTERS)])
    slots: list[list[str]] = [[] for _ in range(graph.vertices)]
    pairs = []
    for u, v in graph.edges:
        i, j = next(letters), next(letters)
        slots[u].append(i)
        slots[v].append(j)
        pairs.append((i, j))
    return slots, pairs

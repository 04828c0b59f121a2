"""Graph counts against known numbers, weights against Gaussian moments, canonical forms against brute force."""

from itertools import permutations
from math import factorial

import networkx as nx
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.graphs import _canonical, _family, _refine, _sizes, _types, connected, generate, surviving

# Known counts (checked by hand to order 3, see the primer's Appendix A for the ten of the covariance).
COUNTS = [(1, 1, 2), (1, 2, 14), (1, 3, 128), (2, 1, 1), (2, 2, 10), (2, 3, 126), (3, 1, 0), (3, 2, 4), (3, 3, 88)]


@pytest.mark.parametrize(("marked", "order", "count"), COUNTS)
def test_counts(marked: int, order: int, count: int) -> None:
    assert len(connected(marked, order)) == count


@pytest.mark.parametrize(("marked", "order"), [(0, 2), (1, 2), (2, 2), (3, 2), (1, 3)])
@pytest.mark.parametrize("prior", [False, True])
def test_each_graph_is_connected_in_its_class_and_listed_once(marked: int, order: int, prior: bool) -> None:
    graphs = connected(marked, order, prior=prior)
    assert len({(g.prior, g.loss, g.adjacency) for g in graphs}) == len(graphs)
    for g in graphs:
        assert g.order == order
        assert nx.is_connected(nx.from_edgelist(g.edges, nx.MultiGraph))
        least = [1] * (g.marked + g.prior) + [3] * g.loss
        assert all(g.valence(v) >= low for v, low in enumerate(least))


def _moment_sum(marked: int, order: int) -> sp.Rational:
    """The cumulant of φ_i = e^x under L = e^x − 1 − x: in one variable with every derivative equal to 1 each graph is worth its
    weight, so Σ (−1)^V/|Aut| is the coefficient of t^{−order} in κ(e^x, …, e^x)."""
    return sum((g.weight for g in connected(marked, order)), sp.S.Zero)


@pytest.mark.parametrize(("marked", "order"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 3)])
def test_weights_sum_to_a_gamma_law(marked: int, order: int) -> None:
    """With L = e^x − 1 − x the posterior makes s = e^x a Gamma(t, rate t) variable: dx e^{−t(e^x − x)} = s^{t−1} e^{−ts} ds.

    Its cumulants are κ_m(s) = (m−1)! t^{1−m}, exactly: one power of 1/t only.
    """
    expected = factorial(marked - 1) if order == marked - 1 else 0
    assert _moment_sum(marked, order) == expected


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_vacuum_weights_sum_to_stirling(order: int) -> None:
    """The same potential: log Z is Stirling's series, Σ (−1)^V/|Aut| = B_{k+1}/(k(k+1))."""
    total = sum((g.weight for g in connected(0, order)), sp.S.Zero)
    assert total == sp.bernoulli(order + 1) / (order * (order + 1))


def test_prior_vertices_sum_to_the_gamma_law_with_shifted_shape() -> None:
    """With prior e^{x} (all derivatives of log prior beyond the first vanish) s is Gamma(t + 1, rate t): ⟨s⟩ = 1 + 1/t."""
    for order, expected in ((1, 1), (2, 0), (3, 0)):
        total = sum(
            (g.weight for g in connected(1, order, prior=True) if all(g.valence(1 + p) == 1 for p in range(g.prior))),
            sp.S.Zero,
        )
        assert total == expected


def test_lemma_25_keeps_four_of_ten() -> None:
    survivors = surviving(connected(2, 2), {0: {1}})
    assert [g.weight for g in survivors] == [sp.Rational(1, 2)] * 2 + [-sp.Rational(1, 2)] * 2


def test_a_graph_dies_of_any_derivative_that_vanishes() -> None:
    """Dφ = Dψ = 0: of Lemma 25 only ½ tr(AΣBΣ) is left, two parallel edges; D²φ = 0 as well leaves nothing; {} leaves all."""
    graphs = connected(2, 2)
    (left,) = surviving(graphs, {0: {1}, 1: {1}})
    assert (left.edges, left.weight) == (((0, 1), (0, 1)), sp.Rational(1, 2))
    assert surviving(graphs, {0: {1, 2}, 1: {1}}) == ()
    assert surviving(graphs, {}) == graphs


def _brute_force(adjacency, marked: int) -> tuple:
    n = len(adjacency)
    images = [
        tuple(tuple(adjacency[i][j] for j in order) for i in order)
        for order in (tuple(range(marked)) + p for p in permutations(range(marked, n)))
    ]
    return min(images), images.count(adjacency)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2), st.integers(1, 4), st.data())
def test_canonical_form_is_a_complete_invariant(marked: int, loss: int, data) -> None:
    """Relabelling never changes it, and its symmetries are those of the full permutation group."""
    n = marked + loss
    rows = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i, n):
            rows[i][j] = rows[j][i] = data.draw(st.integers(0, 2))
    adjacency = tuple(map(tuple, rows))
    shuffled = tuple(range(marked)) + tuple(data.draw(st.permutations(range(marked, n))))
    relabelled = tuple(tuple(adjacency[i][j] for j in shuffled) for i in shuffled)
    types = _types(marked, 0, loss)
    canonical, symmetries = _canonical(adjacency, types)
    assert _canonical(relabelled, types) == (canonical, symmetries)
    assert _brute_force(canonical, marked)[0] == _brute_force(adjacency, marked)[0]
    assert symmetries == _brute_force(adjacency, marked)[1]


@pytest.mark.parametrize("prior", [False, True])
def test_the_bounds_on_the_sizes_are_sharp(prior: bool) -> None:
    """Every pair (V, P) within the bounds occurs and none just outside; the empty graph (m = 0) is none."""
    for marked in range(5):
        for order in range(4 - marked // 2):
            sizes = set(_sizes(marked, order, prior))
            nothing = {(0, 0)} if marked == 0 else set()
            assert {(g.loss, g.prior) for g in connected(marked, order, prior=prior)} == sizes - nothing
            beyond = {(v + 1, p) for v, p in sizes} | {(v, p + prior) for v, p in sizes} | {(0, 0)}
            assert all(not _family(marked, p, v, order) for v, p in beyond - sizes)


def test_at_order_zero_there_are_no_graphs_with_edges_to_spare() -> None:
    """E = V edges, of which loss vertices alone would need 3V/2: nothing is left but the product of means."""
    assert [connected(m, 0, prior=True) for m in range(4)] == [()] * 4


def test_prior_vertices_come_only_when_asked_for() -> None:
    assert all(g.prior == 0 for g in generate(1, 2))
    assert tuple(generate(1, 2)) == connected(1, 2)


def test_refinement_of_a_path_is_by_the_distance_from_its_ends() -> None:
    """a–b–c–d–e: the ends have one neighbour; then c, with no end beside it, comes before b and d, with one.

    Colour refinement finds the orbits of a tree.
    """
    path = tuple(tuple(int(abs(i - j) == 1) for j in range(5)) for i in range(5))
    assert _refine(path, (0,) * 5) == (0, 2, 1, 2, 0)


def test_the_canonical_form_puts_a_chosen_vertex_before_its_cell_mates() -> None:
    """Two triangles abc, def: a comes first, then def (no neighbour of a), then b and c; every choice gives the same."""
    triangles = tuple(tuple(int(i != j and i // 3 == j // 3) for j in range(6)) for i in range(6))
    a, d, b = (0, 0, 0, 0, 1, 1), (0, 0, 1, 1, 0, 0), (1, 0, 0, 0, 0, 1)
    least = (a, d, (0, 1, 0, 1, 0, 0), (0, 1, 1, 0, 0, 0), b, (1, 0, 0, 0, 1, 0))
    assert _canonical(triangles, (0,) * 6) == (least, 2 * factorial(3) ** 2)


def test_negative_numbers_are_refused() -> None:
    for marked, order in ((-1, 2), (2, -1)):
        says = f"^graphs.connected needs marked ≥ 0 and order ≥ 0, got marked={marked}, order={order}$"
        with pytest.raises(BadInput, match=says):
            connected(marked, order)


def test_graphs_are_generated_lazily() -> None:
    """The first graphs of an order that has far too many come at once."""
    first = next(generate(2, 9))
    assert (first.loss, first.order) == (0, 9)


def test_order_four_of_the_covariance() -> None:
    """1880 graphs; their weights still sum to the Gamma law, which no missing or doubled graph would leave at 0."""
    graphs = connected(2, 4)
    assert len(graphs) == 1880
    assert sum((g.weight for g in graphs), sp.S.Zero) == 0

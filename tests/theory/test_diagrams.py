"""Road (a) against road (b): sums over diagrams equal Gaussian moments; single diagrams against hand contraction."""

from itertools import product
from math import factorial

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import diagrams, laplace
from theory.diagrams import Diagrams, _sweep
from theory.errors import BadInput
from theory.graphs import Graph, connected
from theory.tensors import generic_symmetric

x, y, z = sp.symbols("x y z", real=True)
rationals = st.fractions(min_value=-2, max_value=2, max_denominator=5).map(
    lambda q: sp.Rational(q.numerator, q.denominator)
)


@st.composite
def polynomials(draw, v: tuple[sp.Symbol, ...], degrees: range, terms: int = 4) -> sp.Expr:
    """A few monomials of the given degrees with rational coefficients."""
    total = sp.S.Zero
    for _ in range(terms):
        factors = draw(st.lists(st.sampled_from(v), min_size=degrees.start, max_size=degrees.stop - 1))
        total += draw(rationals) * sp.Mul(*factors)
    return total


@st.composite
def problems(draw, d: int, count: int):
    """H = MᵀM + 1 with random M, a random cubic and quartic part that 10|w|⁴ dominates, `count` random observables."""
    v = (x, y, z)[:d]
    m = sp.Matrix(d, d, [draw(rationals) for _ in range(d * d)])
    w = sp.Matrix(v)
    loss = (
        sp.expand((w.T * (m.T * m + sp.eye(d)) * w)[0] / 2) + draw(polynomials(v, range(3, 5))) + 10 * (w.T * w)[0] ** 2
    )
    return loss, [draw(polynomials(v, range(1, 5))) for _ in range(count)], v


PRIORS = [sp.S.One, sp.exp(x / 2 - x**2), 1 + x / 3 + x**2]


@pytest.mark.parametrize(("d", "examples"), [(1, 25), (2, 15), (3, 4)])
@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_diagrams_equal_moments_to_order_three(d: int, examples: int, prior) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(problems(d, 2))
    def check(problem) -> None:
        loss, (phi, psi), v = problem
        for observables in ([phi], [phi, psi]):
            series = laplace.cumulant(loss, observables, v, order=3, prior=prior, at=(0,) * d)
            for k in (1, 2, 3):
                assert diagrams.cumulant(loss, observables, v, order=k, prior=prior) == series[k]

    check()


@pytest.mark.parametrize(("count", "order"), [(3, 3), (4, 3)])
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_third_and_fourth_cumulants(count: int, order: int, data) -> None:
    loss, phis, v = data.draw(problems(2, count))
    series = laplace.cumulant(loss, phis, v, order=order, at=(0, 0))
    for k in range(1, order + 1):
        assert diagrams.cumulant(loss, phis, v, order=k) == series[k]


@settings(max_examples=8, deadline=None)
@given(problems(2, 0), st.sampled_from(PRIORS))
def test_the_sum_without_observables_is_log_z(problem, prior) -> None:
    loss, _, v = problem
    series = laplace.log_partition(loss, v, order=3, prior=prior, at=(0, 0))
    for k in (1, 2, 3):
        assert sp.expand(diagrams.cumulant(loss, [], v, order=k, prior=prior) - series[k]) == 0


@pytest.mark.parametrize("order", [1, 2, 3])
def test_symbolic_tensors(order: int) -> None:
    """Every derivative a symbol, the curvatures too: the two roads agree as rational functions."""
    loss = sp.Symbol("k") * x**2 / 2 + sp.Symbol("l") * y**2 / 2 + generic_symmetric("T", (x, y), 3)
    phi, psi = generic_symmetric("A", (x, y), 2), generic_symmetric("b", (x, y), 1)
    expected = laplace.cumulant(loss, (phi, psi), (x, y), order=order, at=(0, 0))[order]
    assert sp.simplify(diagrams.cumulant(loss, (phi, psi), (x, y), order=order) - expected) == 0


def test_a_number_field() -> None:
    """Coefficients with √2 stay exact: λ = √2 and α = 6√2, so t⟨x⟩ → −α/(2λ²) (eq 13)."""
    loss, root = x**2 / sp.sqrt(2) + sp.sqrt(2) * x**3 + x**4, sp.sqrt(2)
    for order in (1, 2):
        value = diagrams.cumulant(loss, [x], (x,), order=order)
        assert sp.simplify(value - laplace.expectation(loss, x, (x,), order=order, at=(0,))[order]) == 0
    assert sp.simplify(diagrams.cumulant(loss, [x], (x,), order=1) + 6 * root / (2 * root**2)) == 0


def by_hand(graph, loss, phis, v) -> sp.Expr:
    """The definition without any cleverness: one index for each half-edge, all of them summed."""
    d, m = len(v), graph.marked
    sigma = sp.hessian(loss, v).subs(dict.fromkeys(v, 0)).inv()
    functions = [*phis, *[loss] * graph.loss]
    total = sp.S.Zero
    for ends in product(product(range(d), repeat=2), repeat=len(graph.edges)):
        factor = sp.Mul(*(sigma[i, j] for i, j in ends))
        for vertex, f in enumerate(functions):
            slots = [
                e[side] for e, edge in zip(ends, graph.edges, strict=True) for side in (0, 1) if edge[side] == vertex
            ]
            for i in slots:
                f = sp.diff(f, v[i])
            factor *= f.subs(dict.fromkeys(v, 0))
        total += factor
    assert len(functions) == m + graph.loss
    return graph.weight * total


def test_each_graph_is_the_sum_over_all_indices() -> None:
    loss = x**2 + x * y / 2 + y**2 + x**3 / 3 - x * y**2 + x**2 * y / 2 + x**4 + y**4 / 3 + x**2 * y**2
    phis = [x + y**2 - x * y / 3 + x**3, y - x**2 / 2 + x * y**2]
    for graph in connected(2, 2):
        assert Diagrams(loss, phis, (x, y), [graph]).value(graph) == by_hand(graph, loss, phis, (x, y))


def test_one_variable_has_a_closed_form() -> None:
    """d = 1, L = λx²/2 + …: a graph is worth weight · Π derivatives / λ^E."""
    lam = sp.Rational(3, 2)
    loss = lam * x**2 / 2 + sum((sp.Rational(k, 7) * x**k / factorial(k) for k in range(3, 9)), sp.S.Zero)
    phi = sum((sp.Rational(k + 1, 5) * x**k / factorial(k) for k in range(1, 9)), sp.S.Zero)
    for graph in connected(1, 3):
        values = [sp.Rational(graph.valence(0) + 1, 5)]
        values += [sp.Rational(graph.valence(v), 7) for v in range(1, graph.vertices)]
        expected = graph.weight * sp.Mul(*values) / lam ** len(graph.edges)
        assert Diagrams(loss, [phi], (x,), [graph]).value(graph) == expected


def test_prior_tensors_enter() -> None:
    """⟨x⟩ for L = x²/2 and prior e^{bx}: the mean is b/t exactly."""
    b = sp.Symbol("b")
    assert diagrams.cumulant(x**2 / 2, [x], (x,), order=1, prior=sp.exp(b * x)) == b
    assert diagrams.cumulant(x**2 / 2, [x], (x,), order=2, prior=sp.exp(b * x)) == 0


def test_a_quadratic_in_two_variables() -> None:
    """⟨x²y⟩ under e^{−tL + bx + cy}, L = ½wᵀHw: Gaussian of mean Σ(b, c)/t and covariance Σ/t, exactly.

    Orders 1, 2, 3 of m_x²m_y + m_y S_xx + 2 m_x S_xy are 0, then 1/t² and 1/t³ of the two kinds.
    """
    b, c = sp.symbols("b c")
    loss = x**2 + x * y + y**2
    S = sp.Matrix([[2, 1], [1, 2]]).inv()
    m = S * sp.Matrix([b, c])
    expected = {1: 0, 2: m[1] * S[0, 0] + 2 * m[0] * S[0, 1], 3: m[0] ** 2 * m[1]}
    for k, value in expected.items():
        found = diagrams.cumulant(loss, [x**2 * y], (x, y), order=k, prior=sp.exp(b * x + c * y))
        assert sp.expand(found - value) == 0
    # Cov(x², xy) of order t⁻² is 2 S_xx S_xy, of order 1 nothing at this minimum.
    assert diagrams.cumulant(loss, [x**2, x * y], (x, y), order=2) == 2 * S[0, 0] * S[0, 1]
    assert diagrams.cumulant(loss, [x**2, x * y], (x, y), order=1) == 0


def test_a_flat_prior_asks_for_no_prior_vertices(monkeypatch) -> None:
    asked = []

    def spy(marked: int, order: int, *, prior: bool) -> tuple[Graph, ...]:
        asked.append(prior)
        return connected(marked, order, prior=prior)

    monkeypatch.setattr(diagrams, "connected", spy)
    for prior in (1, sp.Symbol("c"), sp.exp(x)):
        diagrams.cumulant(x**2, [x], (x,), order=1, prior=prior)
    assert asked == [False, False, True]


def test_the_domain_is_the_smallest_that_holds_the_tensors() -> None:
    graphs = connected(1, 1)
    assert Diagrams(x**2 / 2, [x], (x,), graphs).domain == sp.QQ
    assert Diagrams(x**2 / sp.sqrt(2), [x], (x,), graphs).domain == sp.QQ.algebraic_field(sp.sqrt(2))


def test_what_is_zero_is_not_carried() -> None:
    """L = x² + y²: no edge joins an x to a y; and where every component is zero the contraction is the zero of the domain."""
    graph = connected(2, 1)[0]
    found = Diagrams(x**2 + y**2, [x, y], (x, y), [graph])
    assert found._carry({(0,): found.domain.one}, 0) == {(0,): sp.QQ(1, 2)}
    assert found._absorb({(): found.domain.one}, [], [], (1, 0), 1) == {(1,): sp.QQ(1, 2)}
    assert Diagrams(x**2 + y**2, [x**2, y], (x, y), [graph]).contract(graph) == 0


def test_the_sweep_takes_the_vertex_that_leaves_the_fewest_edges_open() -> None:
    """Loss vertices a≡b–c=d joined by 3, 1 and 2 edges, a loop at a: alone they would open 3, 4, 3, 2 edges, so d is first.

    Then c closes 2 and opens 1 where a would open 3; then b closes 1 and opens 3 (net 2), a 3. A loop opens nothing.
    """
    path = ((1, 3, 0, 0), (3, 0, 1, 0), (0, 1, 0, 2), (0, 0, 2, 0))
    assert _sweep(Graph(0, 0, 4, path, 1)) == [3, 2, 1, 0]
    star = ((0, 1, 1, 1), (1, 0, 0, 0), (1, 0, 0, 0), (1, 0, 0, 0))
    assert _sweep(Graph(0, 0, 4, star, 1)) == [1, 0, 2, 3]
    # 2 opens the fewest (2); then 0 has 2 − 1, 1 has 5 − 1 and 3 has 3; then 1 has 3 − 3 and 3 has 3.
    house = ((0, 2, 1, 0), (2, 0, 1, 3), (1, 1, 0, 0), (0, 3, 0, 0))
    assert _sweep(Graph(0, 0, 4, house, 1)) == [2, 0, 1, 3]


def test_the_point_may_be_a_mapping_or_a_sequence() -> None:
    loss = (x - 1) ** 2 + (x - 1) ** 3
    assert diagrams.cumulant(loss, [x], (x,), order=1, at=(1,)) == diagrams.cumulant(
        loss, [x], (x,), order=1, at={x: 1}
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: diagrams.cumulant(x**2, [x], (x,), order=0),
            "diagrams.cumulant sums connected graphs of order ≥ 1, got order=0",
        ),
        (
            lambda: diagrams.cumulant(x**2 + x, [x], (x,), order=1),
            "(0,) is not a critical point of x**2 + x; give the minimum in `at`",
        ),
        (
            lambda: diagrams.cumulant(x**2 + x, [x], (x,), order=1, at=(1,)),
            "(1,) is not a critical point of x**2 + x; give the minimum in `at`",
        ),
        (
            lambda: diagrams.cumulant(x**4 + y**2, [x], (x, y), order=1),
            "the Hessian of x**4 + y**2 at (0, 0) is degenerate; diagrams need Σ = H⁻¹",
        ),
    ],
)
def test_bad_input_is_named(call, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        call()
    assert str(refused.value) == says


def test_a_point_has_one_coordinate_for_each_variable() -> None:
    with pytest.raises(ValueError, match="longer"):
        diagrams.cumulant(x**2, [x], (x,), order=1, at=(0, 0))

"""The exact linear programme against a floating solver, and its proofs against the definition of λ and m."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from theory.rlct import linear


@st.composite
def programmes(draw):
    n = draw(st.integers(1, 5))
    vector = st.tuples(*[st.integers(0, 3)] * n).filter(any)
    vectors = draw(st.lists(vector, min_size=1, max_size=8, unique=True))
    return vectors, draw(st.lists(st.integers(1, 4), min_size=n, max_size=n))


def solved(vectors, costs) -> linear.Solution:
    found = linear.solve(vectors, costs)
    assert found is not None
    return found


def dot(u, v):
    return sum(a * b for a, b in zip(u, v, strict=True))


def axes(n):
    return [tuple(int(k == i) for k in range(n)) for i in range(n)]


@given(programmes())
@settings(max_examples=150, deadline=None)
def test_value_and_both_proofs(programme):
    vectors, costs = programme
    n = len(costs)
    found = solved(vectors, costs)
    u, y = linear.interior(vectors, costs, found), found.dual
    assert dot(u, costs) == found.value == sum(y)
    assert min(u) >= 0 and all(dot(u, v) >= 1 for v in vectors)
    used = [sum(w * v[i] for w, v in zip(y, vectors, strict=True)) for i in range(n)]
    assert min(y) >= 0 and all(a <= c for a, c in zip(used, costs, strict=True))
    solution = linprog(costs, A_ub=-np.array(vectors), b_ub=-np.ones(len(vectors)))
    assert float(found.value) == pytest.approx(solution.fun, abs=1e-9)
    # strict complementarity: the multiplicity from the dual side equals the one from the primal side
    tight = [v for v in vectors if dot(u, v) == 1] + [e for e in axes(n) if dot(u, e) == 0]
    positive = [v for w, v in zip(y, vectors, strict=True) if w]
    positive += [e for i, e in enumerate(axes(n)) if used[i] < costs[i]]
    assert linear.rank(tight) == linear.rank(positive) == n + 1 - found.multiplicity


@given(programmes())
@settings(max_examples=60, deadline=None)
def test_multiplicity_is_one_more_than_the_dimension_of_the_optimal_face(programme):
    """The face is spanned by its vertices, found by trying every set of n tight constraints."""
    vectors, costs = programme
    n = len(costs)
    if n > 3:
        return
    found = solved(vectors, costs)
    constraints = [(v, 1) for v in vectors] + [(e, 0) for e in axes(n)]
    vertices = []
    for chosen in combinations(constraints, n):
        A = np.array([v for v, _ in chosen])
        if round(np.linalg.det(A)) == 0:
            continue
        u = np.linalg.solve(A, [r for _, r in chosen])
        feasible = all(v @ u >= r - 1e-9 for v, r in ((np.array(v), r) for v, r in constraints))
        if feasible and abs(u @ costs - float(found.value)) < 1e-9:
            vertices.append(u)
    spread = np.array(vertices) - vertices[0]
    assert found.multiplicity == 1 + np.linalg.matrix_rank(spread, tol=1e-7)


@pytest.mark.parametrize(
    ("vectors", "costs", "value", "multiplicity"),
    [
        ([(1, 1)], [1, 1], 1, 2),  # xy: a double pole
        ([(2, 0), (0, 4)], [1, 1], Fraction(3, 4), 1),  # x² + y⁴ as a function
        ([(1, 1, 0), (0, 1, 1), (1, 0, 1)], [1, 1, 1], Fraction(3, 2), 1),
        ([(3, 1)], [1, Fraction(1, 2)], Fraction(1, 3), 1),
    ],
)
def test_by_hand(vectors, costs, value, multiplicity):
    found = solved(vectors, costs)
    assert (found.value, found.multiplicity) == (value, multiplicity)


def test_the_unit_ideal_has_no_threshold():
    assert linear.solve([(0, 0), (1, 0)], [1, 1]) is None
    assert solved([], [1, 1]).value == 0


def test_homogeneous_weights():
    cusp = [(0, 2), (3, 0)]
    u = linear.homogeneous([cusp], [1, 1])
    assert u is not None and dot(u, cusp[0]) == dot(u, cusp[1]) >= 1
    assert linear.homogeneous([[(1, 0), (2, 0)]], [1, 1]) is None


@pytest.mark.parametrize("most", [-1, 0, 30])
@given(programmes())
@settings(max_examples=15, deadline=None)
def test_the_rule_for_the_entering_column_does_not_matter(most, programme):
    """Bland's rule from the first pivot on, from the second, or after thirty: one value, one multiplicity."""
    vectors, costs = programme
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear, "DEGENERATE_PIVOTS", most)
        found = solved(vectors, costs)
    solution = linprog(costs, A_ub=-np.array(vectors), b_ub=-np.ones(len(vectors)))
    assert float(found.value) == pytest.approx(solution.fun, abs=1e-9)
    assert found.multiplicity == solved(vectors[::-1], costs).multiplicity


def test_the_column_that_improves_most_enters_until_there_is_no_progress():
    """Of columns 1, 4 and 5 the second improves most; after `DEGENERATE_PIVOTS` without progress the first one is taken."""
    row, most = [0, 2, 0, -1, 7, 3], linear.DEGENERATE_PIVOTS
    assert linear._entering([1, 4, 5], row, most) == 4
    assert linear._entering([1, 4, 5], row, most + 1) == 1

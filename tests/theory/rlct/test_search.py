"""The search: interruptions at any moment, strata that grow, and what its certificate says in the end."""

import time
from fractions import Fraction
from itertools import pairwise

import pytest
import sympy as sp

from tests.theory.rlct.states import (
    FREE,
    SMALL,
    UNIT,
    R,
    X,
    Y,
    Z,
    one,
    r,
    split_of,
    stratum,
    x,
    y,
    z,
)
from theory.certificate import report
from theory.errors import BadInput
from theory.rlct import rlct, rlct_ideal, tree
from theory.rlct import search as searching
from theory.rlct.bounds import INFINITE
from theory.rlct.certify import bound, certificate, lower_proof
from theory.rlct.dependent import split_dependent
from theory.rlct.effort import OutOfTime, TooLarge
from theory.rlct.gram import factored, sum_of_squares
from theory.rlct.problem import read
from theory.rlct.search import Node, Search

a, b, c = sp.symbols("a b c", real=True)


PROBLEMS = {
    "cusp": [a**2 - b**3],
    "lines": [a * b * (a - b) * (a + 2 * b)],
    "irrational": [a**2 - 2 * b**2, a**3],
    "surface": [a**2 + b**3 + c**5],
    "chain": [(a**2 - 2 * b**3) ** 2 - a**3 * b**2 - a**4 * b**3],
    "square": [(a**2 - b**3) ** 2 - 4 * a * b**5 - b**7],
}


def started(name):
    variables = sorted(set().union(*(g.free_symbols for g in PROBLEMS[name])), key=str)
    return read([sp.expand(g) for g in PROBLEMS[name]], None, variables, None, 1, "real"), variables


@pytest.mark.parametrize("name", sorted(set(PROBLEMS) - {"chain"}))
def test_an_interrupted_search_goes_on(name, monkeypatch):
    """Cut off at a piece of simplification, the first ones or the last, then run again: the same answer, certified all the way."""
    problem, variables = started(name)
    finished = Search(problem.stratum)
    whole, last = finished.run(), len(finished.nodes)
    for moment in {1, 2, last // 2, last - 1, last}:
        search, calls = Search(problem.stratum), 0
        prepare = search._prepare

        def cut(node, prepare=prepare, moment=moment):
            nonlocal calls
            calls += 1
            if calls == moment:
                raise OutOfTime
            prepare(node)

        monkeypatch.setattr(search, "_prepare", cut)
        first = search.run()
        assert first.lower <= whole.lower == whole.upper <= first.upper
        assert report(certificate(problem, search), PROBLEMS[name], variables).accepted
        again = search.run()
        assert (again.lower, again.upper) == (whole.lower, whole.upper)
        assert report(certificate(problem, search), PROBLEMS[name], variables).accepted


@pytest.mark.parametrize("name", ["square", "surface", "chain"])
def test_bounds_of_nodes_that_are_stuck_reach_the_root(name, monkeypatch):
    """Two branchings and no more: what derivatives prove of the others counts above them too, and is accepted."""
    problem, variables = started(name)
    search, branch, calls = Search(problem.stratum), Search._branch, 0

    def twice(self, node):
        nonlocal calls
        calls += 1
        return branch(self, node) if calls <= 2 else None

    monkeypatch.setattr(Search, "_branch", twice)
    search.run()
    assert any(node.stuck for node in search.nodes)
    for node in (n for n in search.nodes if n.children):
        assert node.lower >= min(child.lower for child in node.children)
        assert node.upper <= min(child.upper for child in node.children)
    assert report(certificate(problem, search), PROBLEMS[name], variables).accepted


@pytest.mark.parametrize("name", ["cusp", "surface", "square"])
@pytest.mark.parametrize("also", [False, True], ids=["simplified", "tidied"])
def test_strata_that_grow_when_they_are_simplified_are_left_as_they_are(name, also, monkeypatch):
    """From the second stratum on nothing is simplified, or not even tidied: the bracket holds the value, and is accepted."""
    problem, variables = started(name)
    value, calls = rlct_ideal(PROBLEMS[name], variables).value, []

    def after_the_root(way):
        def grows(s, **how):
            calls.append(way)
            if len(calls) > 1:
                raise TooLarge
            return way(s, **how)

        return grows

    monkeypatch.setattr(searching, "simplify", after_the_root(searching.simplify))
    if also:
        monkeypatch.setattr(searching, "clean", after_the_root(searching.clean))
    rounds = iter(range(9))
    monkeypatch.setattr(searching, "late", lambda: next(rounds, None) is None)
    search = Search(problem.stratum)
    root = search.run()
    assert value and len(calls) > 1 and root.lower[0] <= 2 * value <= root.upper[0]
    left = [node for node in search.nodes[1:] if node.ready]
    assert left and all(node.own[0] <= node.own[1] for node in left)
    if also:
        assert all(not node.steps and node.own[1] == INFINITE for node in left)
    assert report(certificate(problem, search), PROBLEMS[name], variables).accepted


def test_ancestors_are_found_through_every_parent():
    """top → left, right → low, and a stranger; a node counts as its own."""
    top, left, right, low, stranger = (Node(k, stratum("ssaa", x), 0) for k in range(5))
    left.parents, right.parents, low.parents = [top], [top], [left, right]
    search = Search(stratum("ssaa", x))
    assert all(search._above(node, low) for node in (top, left, right, low))
    assert not any(search._above(low, node) for node in (top, left, right, stranger))
    assert not search._above(left, right) and not search._above(stranger, low)


def test_progress_only_narrows():
    problem, _ = started("square")
    seen = []
    Search(problem.stratum, progress=lambda **state: seen.append(state)).run()
    assert all(one["lower"] <= two["lower"] and one["upper"] >= two["upper"] for one, two in pairwise(seen))
    assert all(one["nodes"] <= two["nodes"] for one, two in pairwise(seen)) and seen[-1]["lower"] == seen[-1]["upper"]


def test_no_time_is_no_step():
    problem, _ = started("square")
    search = Search(problem.stratum, deadline=time.monotonic_ns() - 1)
    root = search.run()
    assert len(search.nodes) == 1 and root.lower < root.upper


@pytest.mark.parametrize(
    ("s", "changes"),
    [
        (stratum("ssaa", x * y**2), True),
        (stratum("ssaa", x**2 * y**2), False),
        (stratum("ssaa", x**2 * y**2, factor={Y: 1}), True),
        (stratum("ssaa", x * y**2, sign={X: 1}), False),
        (stratum("suaa", x**2 * y), True),
        (stratum("ssaa", x, y), False),
        (stratum("ssaa", x * y**2, uncertain=True), False),
        (stratum("sfaa", x, positive=[y]), False),
        (stratum("ssaa", x, nonzero=[0 * x]), False),
    ],
)
def test_a_change_of_sign(s, changes):
    """An odd power of a coordinate of either sign, for a single generator where there surely are points."""
    assert Search(s).changes_sign() is changes


@pytest.mark.parametrize(
    ("K", "variables", "value", "m"),
    [
        (a**2 * b**2 * c**2, (a, b, c), "1/2", 3),
        (a**2 * b**4, (a, b), "1/4", 1),
        ((a**2 + b**2) * c**2, (a, b, c), "1/2", 1),
        ((a**2 + b**2) ** 2, (a, b), "1/2", 1),
        ((a * b) ** 2 + (a * c) ** 2, (a, b, c), "1/2", 1),
        ((a**2 - b**3) ** 2 * b**2, (a, b), "5/16", 1),  # weights 3, 2: (3 + 2)/(12 + 4)
    ],
)
def test_answers_and_their_trees(K, variables, value, m):
    answer = rlct(K, variables)
    assert (answer.exact, answer.value, answer.multiplicity) == (True, sp.Rational(value), m)
    data = answer.certificate
    nodes, edges = tree(data)
    assert [n["number"] for n in nodes] == [n["number"] for n in data["nodes"]]
    for n, entry in zip(nodes, data["nodes"], strict=True):
        assert n["leaf"] == ("branch" not in entry) and n["value"] == entry["lower"]["value"]
        assert n["label"] == ", ".join(entry["result"]["generators"].values())
    assert [(e["from"], e["to"]) for e in edges] == [
        (n["number"], child["node"]) for n in data["nodes"] for child in n.get("children", ())
    ]


def test_the_edges_of_a_tree_name_charts_and_splits():
    children = [
        {"node": 1, "chart": "x", "sign": 1},
        {"node": 2, "chart": "x", "sign": -1},
        {"node": 3, "zero": "y"},
        {"node": 4, "nonzero": "y"},
    ]
    node = {"number": 0, "result": {"generators": {}}, "lower": {"value": "1"}, "children": children}
    _, edges = tree({"nodes": [node]})
    assert [e["label"] for e in edges] == ["chart x", "chart x < 0", "y = 0", "y != 0"]


def test_infinite_bounds_have_the_multiplicity_1():
    """So the format says; where nothing is known the multiplicity is as large as can be."""
    infinite = {"value": "infinite", "multiplicity": 1}
    assert bound(INFINITE, 2) == infinite and bound((Fraction(3), -2), 2) == {"value": "3/2", "multiplicity": 2}
    for s in (stratum("ssaa", one), stratum("ssaa", x, nonzero=[0 * x]), stratum("ssaa", x, positive=[-one])):
        assert lower_proof(s) == {**infinite, "dual": {}}
    assert lower_proof(stratum("ssaa", x + y)) == {"value": "0", "multiplicity": 3, "dual": {}}
    assert lower_proof(stratum("ssua", x * y * z)) == {"value": "1", "multiplicity": 2, "dual": {"0": "1"}}


def test_dependent_quantities_by_a_root():
    """y³ − 3y + √2 has a slope that is not proved away from its zeros: a root is adjoined to it, and y > 0 is kept in mind."""
    q = y**3 - 3 * y + r
    for kinds, sign in (("suau", {}), ("suau", {Y: 1}), ("sfau", {})):
        s = stratum(kinds, x * q, roots={R: r**2 - 2}, sign=sign)
        found = split_of(s, q, split_dependent)
        assert found is not None
        off, on = found
        assert off.nonzero == [q] and on.kind[Y] == SMALL and list(on.roots) == [R, Z] and on.kind[Z] == UNIT
        assert ([on.on(p) for p in on.positive] == [z]) == bool(sign) and not on.sign[Y] and s.kind[Y] in (UNIT, FREE)


def test_fractional_exponents_of_the_prior():
    answer = rlct_ideal([a**2 * b], (a, b), prior=sp.Abs(a) ** sp.Rational(1, 3))
    assert (answer.value, answer.multiplicity) == (min(sp.Rational(4, 3) / 4, sp.Rational(1, 2)), 1)


def test_charts_that_differ_by_names_are_one_node():
    """The charts of x³ + y³ + z³ are alike: each stratum is resolved once, the others refer to it by a renaming."""
    answer = rlct_ideal([a**3 + b**3 + c**3], (a, b, c))
    children = [child for n in answer.certificate["nodes"] for child in n.get("children", ())]
    assert (answer.value, answer.multiplicity, answer.exact) == (sp.Rational(1, 2), 2, True)
    shared = [child for child in children if "rename" in child]
    assert shared and len(answer.certificate["nodes"]) - 1 == len(children) - len(shared)
    seen = [child["node"] for child in children if "rename" not in child]
    assert len(seen) == len(set(seen)) and all(child["node"] in seen for child in shared)


def test_a_certificate_without_an_upper_bound():
    """Where nobody knows whether there is a point; the lower bound is that of the whole stratum."""
    problem, _ = started("cusp")
    problem.stratum.uncertain = True
    data = certificate(problem, Search(problem.stratum))
    assert data["upper"] == {"value": "infinite", "multiplicity": 1} and "upper_proof" not in data and not data["exact"]


def test_an_answer_in_words():
    """λ for K is half of that for max |g|; without a closed bracket neither a value nor a multiplicity is given."""
    closed, hasty = rlct_ideal([a**2 - b**3], (a, b)), rlct_ideal([(a**2 - b**3) ** 2 + b**7], (a, b), time_limit=0)
    assert (closed.value, closed.multiplicity, closed.lower, closed.upper) == (
        sp.Rational(5, 12),
        1,
        closed.value,
        closed.value,
    )
    assert hasty.multiplicity is None and (hasty.value is None) == (hasty.lower < hasty.upper) and not hasty.exact
    assert hasty.method == f"resolution, {hasty.charts} charts, not closed" and closed.charts > 1
    assert rlct_ideal([a + b**2], (a, b)).method == "Newton polyhedron after a change of coordinates"
    assert rlct_ideal([a * b], (a, b)).method == "Newton polyhedron, nondegenerate"


def test_times_that_are_none():
    for limit in (-1, -sp.oo, sp.I, sp.nan, sp.Symbol("t")):
        with pytest.raises(BadInput, match="time limit"):
            rlct_ideal([a], (a,), time_limit=limit)
    assert rlct_ideal([a], (a,), time_limit=sp.oo).exact and rlct_ideal([a], (a,), time_limit=0).value == sp.Rational(
        1, 2
    )
    with pytest.raises(BadInput, match="empty"):
        rlct_ideal([], (a,))


def test_progress_is_told_for_K():
    """In the scale of K, from bracket to bracket, and as far as the answer."""
    seen = []
    answer = rlct_ideal([(a**2 - b**3) ** 2 - 4 * a * b**5 - b**7], (a, b), progress=lambda *state: seen.append(state))
    assert all(low <= answer.value <= high for low, high, _ in seen) and seen[-1][:2] == (answer.value, answer.value)
    assert seen[-1][2] == answer.charts and all(isinstance(low, sp.Rational) for low, _, _ in seen)


@pytest.mark.parametrize(
    ("matrix", "factors"),
    [
        ([[2, 0], [0, 3]], [(2, [1, 0]), (3, [0, 1])]),
        ([[1, 1], [1, 1]], [(1, [1, 1])]),
        ([[0, 0], [0, 5]], [(5, [0, 1])]),
        ([[1, 2], [2, 5]], [(1, [1, 2]), (1, [0, 1])]),
        ([[1, 2], [2, 3]], None),
        ([[-1, 0], [0, 1]], None),
        ([[0, 1], [1, 1]], None),
        ([[1, 0, 1], [0, 0, 0], [1, 0, 1]], [(1, [1, 0, 1])]),
        ([[1, 0, 1], [0, 0, 0], [1, 0, 0]], None),
    ],
)
def test_completed_squares_of_matrices(matrix, factors):
    """G = Σ d rowᵀ row with d > 0, or G has a negative value."""
    found = factored([[Fraction(entry) for entry in row] for row in matrix])
    assert found == factors


def test_limits_of_sums_of_squares():
    """Not over Q, or too many monomials; the squares that are found add up to K."""
    assert sum_of_squares(a**2 + sp.sqrt(2) * a * b + b**2, (a, b)) is None
    assert sum_of_squares(sp.Add(*(a ** (2 * k) for k in range(1, 31))), (a,)) is None
    for K in (
        a**2 + a * b + b**2,
        2 * a**4 - 2 * a**2 * b + b**2,
        (a * b - c) ** 2 + a**4,
        a**2 * b**2 + (a - b) ** 2 / 3,
    ):
        found = sum_of_squares(sp.expand(K), (a, b, c))
        assert found is not None and min(found.weights) > 0
        assert sp.expand(sum(w * r**2 for w, r in zip(found.weights, found.roots, strict=True)) - K) == 0

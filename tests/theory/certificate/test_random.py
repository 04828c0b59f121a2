"""Every answer on random ideals is certified: exact ones and brackets, in any domain, with any prior exponent.

The search may be wrong in many ways, and the checker says so: a stratum that is empty, a shadow forgotten, a list that claims more
than was proved. Styles of ideals that met such mistakes are drawn often: a square plus a higher power, products plus a power.
"""

import copy

import pytest
import sympy as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.theory.certificate.test_forged import state
from theory.certificate import report
from theory.certificate.programme import lower_bound
from theory.certificate.refusal import Refused
from theory.rlct import rlct_ideal, search

X = sp.symbols("x y z w u", real=True)
x, y, z, w, _ = X
LIMIT = sp.Rational(1, 2)


@st.composite
def problems(draw, most=4):
    variables = X[: draw(st.integers(2, most))]
    coefficient = st.sampled_from([1, -1, 2, -3])

    def polynomial(terms, least, degree):
        exponents = st.lists(st.sampled_from(variables), min_size=least, max_size=degree)
        listed = draw(st.lists(st.tuples(coefficient, exponents), min_size=1, max_size=terms))
        return sum(c * sp.Mul(*e) for c, e in listed)

    style = draw(st.sampled_from(["sparse", "square", "product", "cone"]))
    if style == "sparse":
        found = [polynomial(4, 1, 5) for _ in range(draw(st.integers(1, 3)))]
    elif style == "square":
        found = [polynomial(3, 2, 3) ** 2 + polynomial(1, 5, 7), polynomial(1, 2, 4)]
    elif style == "product":
        found = [polynomial(2, 1, 3) * polynomial(2, 1, 3) + polynomial(1, 4, 6), polynomial(2, 3, 5)]
    else:
        found = [polynomial(4, 2, 2) ** 2 - draw(st.sampled_from(variables)) ** draw(st.sampled_from([5, 7]))]
    found = [g for g in map(sp.expand, found) if g != 0] or [variables[0]]
    h = draw(st.sampled_from([0, 0, 1, sp.Rational(-1, 2)]))
    how = {
        "domain": draw(st.sampled_from(["real", "real", "nonnegative"])),
        "prior": sp.Abs(variables[0]) ** h,
    }
    return found, variables, how


def certified(problem):
    generators, variables, how = problem
    answer = rlct_ideal(generators, variables, time_limit=LIMIT, **how)
    found = report(answer.certificate, generators, variables, **how)
    assert found.accepted, (generators, how, answer, found)
    data = answer.certificate
    assert answer.exact == data["exact"] == (data["lower"] == data["upper"])


EMPTY = [
    4 * x**4 - 12 * x**3 * z - 12 * x**2 * y**2 - 4 * x**2 * y * z + 13 * x**2 * z**2 + 18 * x * y**2 * z
    + 6 * x * y * z**2 - 6 * x * z**3 - y**5 + 9 * y**4 + 6 * y**3 * z - 5 * y**2 * z**2 - 2 * y * z**3 + z**4,
    x * y**2,
]  # fmt: skip
UNITS = [
    w**2 * x * y**3 + w * x * y**2 * z**2 + 2 * w * x * y**2 - x**4 * y**2 + 2 * x * y * z**2,
    2 * w**2 * y - w * x**2 * z,
]


WORSE_SIMPLIFIED = [
    w**2 * x**2 * y + x**2 * y**2 + 2 * x * y**3 + 2 * x * y * z**2 + y**4 + 2 * y**2 * z**2 + z**4,
    y**3 * z,
]


@pytest.mark.parametrize("opened", [0, 1, 2, 5])
@pytest.mark.parametrize(("generators", "variables"), [(WORSE_SIMPLIFIED, X[:4]), (EMPTY, X[:3]), (UNITS, X[:4])])
def test_a_search_that_is_cut_off_proves_what_it_says(generators, variables, opened, monkeypatch):
    """Whenever it ends, the bounds are those that its nodes prove: the simplified root of the first, 7/16 with m = 1, says less
    than the root as given, with m = 2, and no node proves more until the search is nearly done."""
    left = iter([False] * opened)
    monkeypatch.setattr(search, "late", lambda: next(left, True))
    answer = rlct_ideal(generators, variables, time_limit=60)
    assert not answer.exact
    assert report(answer.certificate, generators, variables).accepted


@given(problems())
@example((EMPTY, (x, y, z), {}))
@example((UNITS, (x, y, z, w), {}))
@settings(max_examples=40, deadline=None)
def test_every_answer_is_certified(problem):
    certified(problem)


@pytest.mark.slow
@given(problems(most=5))
@settings(max_examples=500, deadline=None)
def test_every_answer_is_certified_at_length(problem):
    certified(problem)


def leading(data, wanted):
    """The path from the root to a node, as in the proof of an upper bound."""
    ways = {data["root"]: []}
    for node in sorted(data["nodes"], key=lambda n: n["number"]):
        for k, child in enumerate(node.get("children", ())):
            ways.setdefault(child["node"], [*ways[node["number"]], [node["number"], k]])
    return ways[wanted]


def test_no_upper_bound_rests_on_a_stratum_that_is_empty():
    """The first example has one: where something is not 0 that is 0 there. A proof that takes its points is refused."""
    data = rlct_ideal(EMPTY, (x, y, z)).certificate
    assert (data["exact"], data["upper"]["value"]) == (True, "7/16")
    (empty,) = [n for n in data["nodes"] if "0" in n["result"]["nonzero"]]
    assert empty["lower"]["value"] == "infinite" and data["upper_proof"]["node"] != empty["number"]
    for uncertain in (True, False):
        forged = copy.deepcopy(data)
        forged["upper_proof"] |= {"path": leading(data, empty["number"]), "node": empty["number"]}
        for node in forged["nodes"]:
            if node["number"] == empty["number"]:
                node["given"]["uncertain"] = node["result"]["uncertain"] = uncertain
        found = report(forged, EMPTY, (x, y, z))
        assert not found.accepted and "empty" in found.reason, found


def test_only_an_empty_stratum_has_no_threshold():
    """y = 0 and y ≠ 0; −1 > 0: nothing to bound. Where y + z ≠ 0 there are points, and a threshold."""
    infinite = {"value": "infinite", "multiplicity": 1, "dual": {}}
    for lists, empty in (
        ({"nonzero": ["y"]}, True),
        ({"positive": ["-2 - y"]}, True),
        ({"positive": ["y"]}, True),
        ({"nonzero": ["y + z"]}, False),
        ({}, False),
    ):
        s = state({"y": "small", "z": "unit"}, ["y"], **lists)
        assert s.empty == s.uncertain == empty
        if empty:
            assert lower_bound(s, infinite).value is None
        else:
            with pytest.raises(Refused, match="infinite"):
                lower_bound(s, infinite)

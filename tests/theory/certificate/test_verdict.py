"""The tree of nodes and what follows from it: certificates written by hand, right ones and wrong ones."""

import copy

import pytest
import sympy as sp

from tests.theory.certificate.test_forged import bound, node, plain
from theory.certificate import check, report

x, y = sp.symbols("x y", real=True)
ROOT = plain({"x": "small", "y": "small"}, ["x", "y"])
CHART = {
    "x": plain({"x": "small", "y": "free"}, ["x", "x*y"], jacobian={"x": "1"}),
    "y": plain({"x": "free", "y": "small"}, ["x*y", "y"], jacobian={"y": "1"}),
}
BLOW = {"branch": "blow-up", "weights": {"x": 1, "y": 1}}
CHARTS = [{"node": 1, "chart": "x", "sign": 1}, {"node": 2, "chart": "y", "sign": 1}]


def written(**change):
    """K = x² + y², λ = 1 and m = 1, by one blow-up: in both charts 2 for max(|g|), 1 for K."""
    data = {
        "format": "threefold-rlct/1",
        "variables": ["x", "y"],
        "names": ["x", "y"],
        "point": {"x": "0", "y": "0"},
        "orientation": {"x": 1, "y": 1},
        "power": 2,
        "relation": {"kind": "squares", "weights": ["1", "1"], "roots": ["x", "y"]},
        "generators": {"0": "x", "1": "y"},
        "numbers": {},
        "root": 0,
        "nodes": [
            node(0, ROOT, bound("0", 1), branch=BLOW, children=CHARTS),
            node(1, CHART["x"], bound("2", 1, g0="2")),
            node(2, CHART["y"], bound("2", 1, g1="2")),
        ],
        "lower": {"value": "1", "multiplicity": 1},
        "upper": {"value": "1", "multiplicity": 1},
        "exact": True,
        "upper_proof": {
            "path": [[0, 1]],
            "node": 2,
            "at": "generic",
            "primal": {"y": "1"},
            "value": "2",
            "multiplicity": 1,
        },
    }
    return {**copy.deepcopy(data), **change}


def why(data, where=None):
    found = report(data, [x, y], (x, y))
    assert check(data, [x, y], (x, y)) == found.accepted == (not found.reason)
    assert found.accepted or found.node == where, found
    return found.reason


def test_a_certificate_by_hand():
    assert why(written()) == ""


@pytest.mark.parametrize(
    ("lower", "upper", "exact", "says"),
    [
        (("1", 1), ("1", 1), True, ""),
        (("1", 2), ("1", 1), False, ""),
        (("1/2", 1), ("1", 1), False, ""),
        (("1/2", 1), ("3", 1), False, ""),
        (("1", 1), ("infinite", 1), False, ""),
        (("1/2", 1), ("1", 1), True, "exact is not"),
        (("1", 1), ("1", 1), False, "exact is not"),
        (("1", 2), ("1", 1), True, "exact is not"),
        (("10/9", 1), ("2", 1), False, "lower bound is not proved"),
        (("infinite", 1), ("infinite", 1), True, "lower bound is not proved"),
        (("1/2", 1), ("8/9", 1), False, "upper bound is not proved"),
        (("1/2", 1), ("1", 2), False, "upper bound is not proved"),
    ],
)
def test_what_follows_from_the_nodes(lower, upper, exact, says):
    """λ = 1, m = 1: less may be claimed, more may not; a larger m is a smaller pair."""
    pairs = {key: {"value": v, "multiplicity": m} for key, (v, m) in (("lower", lower), ("upper", upper))}
    reason = why(written(**pairs, exact=exact))
    assert says in reason and bool(says) == bool(reason), reason


def test_an_upper_bound_needs_a_proof():
    data = written(lower={"value": "1", "multiplicity": 1}, upper={"value": "infinite", "multiplicity": 1}, exact=False)
    del data["upper_proof"]
    assert why(data) == ""
    for upper in ({"value": "1", "multiplicity": 1}, {"value": "1000000000", "multiplicity": 1}):
        assert "no proof of the upper bound" in why({**data, "upper": upper})
    assert "not a table" in why(written(upper_proof=[]))
    assert "no proof" in why(written(upper_proof=None))


@pytest.mark.parametrize(
    ("proof", "says"),
    [
        ({"path": [[0, 0]]}, "ends at another node"),
        ({"path": [[0, 2]]}, "broken"),
        ({"path": [[0, -1]]}, "broken"),
        ({"path": [[0, True]]}, "broken"),
        ({"path": [[0, "1"]]}, "broken"),
        ({"path": [[1, 0]]}, "broken"),
        ({"path": [[0, 1, 2]]}, "broken"),
        ({"path": [0]}, "broken"),
        ({"path": ["01"]}, "broken"),
        ({"path": [[0, 1], [2, 0]]}, "broken"),
        ({"path": [[0, 1], [0, 1]]}, "broken"),
        ({"path": []}, "ends at another node"),
        ({"path": None}, "`path` is missing"),
        ({"node": 1}, "ends at another node"),
        ({"node": None}, "ends at another node"),
        ({"node": 1, "path": [[0, 0]]}, "other coordinates"),
        ({"node": 1, "path": [[0, 0]], "primal": {"x": "1"}}, ""),
        ({"node": 0, "path": [], "primal": {"x": "1", "y": "1"}}, ""),
    ],
)
def test_the_path_of_an_upper_bound(proof, says):
    data = written()
    data["upper_proof"] |= proof
    reason = why(data)
    assert says in reason and bool(says) == bool(reason), reason


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"number": None}, None, "number of its own"),
        ({"number": True}, None, "number of its own"),
        ({"number": "1"}, None, "number of its own"),
        ({"number": 2}, None, "number of its own"),
        ({"number": 5}, 0, "a child is no node"),
        ({"more": 1}, 1, "other fields"),
        ({"branch": BLOW}, 1, "other fields"),
        ({"children": []}, 1, "other fields"),
        ({"steps": {}}, 1, "not a list"),
        ({"steps": [{"step": "leap"}]}, 1, "unknown step"),
        ({"steps": [{"step": "extract", "exponents": [1, 0]}]}, 1, "of the result"),
        ({"lower": bound("5/2", 1, g0="5/2")}, 1, "not feasible"),
        ({"lower": None}, 1, "not a table"),
        ({"given": CHART["y"], "result": CHART["y"], "lower": bound("2", 1, g1="2")}, 0, "child 1"),
        ({"given": CHART["y"]}, 1, "of the result"),
        ({"result": CHART["y"]}, 1, "of the result"),
        ({"given": None}, 1, "other fields"),
        ({"branch": None, "children": None}, None, ""),
        ({"lower": bound("1", 1, g0="1")}, None, "lower bound is not proved"),
    ],
)
def test_a_node_is_what_it_says(change, where, says):
    data = written()
    data["nodes"][1] |= change
    found = report(data, [x, y], (x, y))
    assert says in found.reason and bool(says) != found.accepted, found
    if where is not None and "number" not in change:
        assert found.node == where


@pytest.mark.parametrize("field", ["number", "given", "steps", "result", "lower"])
def test_a_node_has_all_its_fields(field):
    data = written()
    del data["nodes"][1][field]
    assert report(data, [x, y], (x, y)).reason


@pytest.mark.parametrize(
    ("child", "says"),
    [
        ({"node": 3}, "a child is no node"),
        ({"node": "1"}, "a child is no node"),
        ({"node": None}, "a child is no node"),
        ({"node": 2}, "child 2"),
        ({"node": 0}, "child 0"),
        ({"node": 2, "rename": {"x": "y", "y": "x"}, "negate": []}, ""),
        ({"node": 2, "rename": {"x": "y", "y": "x"}}, ""),
        ({"node": 2, "rename": {"x": "y", "y": "x"}, "negate": ["x", "y"]}, ""),
        ({"node": 2, "rename": {}}, "child 2"),
        ({"node": 1, "rename": {"x": "y", "y": "x"}}, "child 1"),
        ({"node": 1, "negate": ["x"]}, "without being renamed"),
        ({"node": 2, "rename": {"x": "y"}}, "two names to one"),
    ],
)
def test_a_child_starts_where_it_is_found(child, says):
    """The chart of x is that of y with the names exchanged; a node may serve for both."""
    data = written()
    data["nodes"][0]["children"][0] |= child
    reason = report(data, [x, y], (x, y)).reason
    assert says in reason and bool(says) == bool(reason), reason


def deeper():
    """As before, with the chart of x split on y: y ≠ 0 and y = 0."""
    data = written()
    apart = plain({"x": "small", "y": "unit"}, ["x", "x*y"], jacobian={"x": "1"})
    zeros = plain({"x": "small", "y": "small"}, ["x", "x*y"], jacobian={"x": "1"})
    branch = {"branch": "split", "on": "y", "steps": []}
    sides = [{"node": 3, "nonzero": "y"}, {"node": 4, "zero": "y"}]
    data["nodes"][1] = node(1, CHART["x"], bound("0", 1), branch=branch, children=sides)
    data["nodes"] += [node(3, apart, bound("2", 1, g0="2")), node(4, zeros, bound("2", 1, g0="2"))]
    return data


def test_the_value_of_a_node_is_the_least_of_its_children_or_its_own():
    assert why(deeper()) == ""
    for number in (3, 4):
        data = deeper()
        next(n for n in data["nodes"] if n["number"] == number)["lower"] = bound("3/2", 1, g0="3/2")
        assert "lower bound is not proved" in why(data)
        data["lower"], data["exact"] = {"value": "3/4", "multiplicity": 1}, False
        assert why(data) == ""
        data["lower"] = {"value": "7/9", "multiplicity": 1}
        assert "lower bound is not proved" in why(data)
        data["nodes"][1]["lower"] = bound("2", 1, g0="2")  # the node's own bound is as good as those of its children
        assert why(data) == ""
    shuffled = deeper()
    shuffled["nodes"] = shuffled["nodes"][::-1]
    assert why(shuffled) == ""


def test_the_nodes_form_no_cycle():
    """The function 1 depends on no coordinate: a chart of its blow-up, split on y, leads back to where the blow-up began."""
    free, small = plain({"x": "small", "y": "free"}, ["1"]), plain({"x": "small", "y": "small"}, ["1"])
    unit = plain({"x": "small", "y": "unit"}, ["1"])
    branch = {"branch": "split", "on": "y", "steps": []}
    sides = [{"node": 2, "nonzero": "y"}, {"node": 3, "zero": "y"}]
    for back in (1, 4):
        charts = [{"node": back, "chart": "x", "sign": 1}, {"node": 4, "chart": "y", "sign": 1}]
        nodes = [
            node(0, ROOT, bound("0", 1)),
            node(1, free, bound("0", 1), branch=branch, children=sides),
            node(2, unit, bound("0", 1)),
            node(3, small, bound("0", 1), branch=BLOW, children=charts),
            node(4, small, bound("0", 1)),
        ]
        data = written(nodes=nodes, lower={"value": "0", "multiplicity": 1}, exact=False)
        data["upper_proof"] |= {"path": [], "node": 0, "primal": {"x": "1", "y": "1"}}
        assert why(data) == ("the nodes form a cycle" if back == 1 else "")

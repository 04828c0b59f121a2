"""Branchings: the states of charts and of both sides of a split, and lists of children that are none."""

import pytest

from tests.theory.certificate.test_forged import ONE, p, state
from theory.certificate.branchings import MAX_WEIGHT, children
from theory.certificate.refusal import Refused

PLANE = {"x": "small", "y": "small"}
BLOW = {"branch": "blow-up", "weights": {"x": 1, "y": 1}}
CHARTS = [{"node": 1, "chart": "x", "sign": 1}, {"node": 2, "chart": "y", "sign": 1}]


def test_everything_is_pulled_back():
    """x → −x², y → y·x³ with x ≥ 0: the exponents of x add up, y keeps its own, both signs of x are needed."""
    s = state(
        {**PLANE, "z": "free", "r": "unit"},
        ["x*z + y"],
        roots={"r": "r**2 - 2 - y"},
        nonzero=["z + 1"],
        sign=["y"],
        jacobian={"x": "-1/2"},
        factor={"y": 2},
        shadowed=["z"],
    )
    s = s.but(positive=(p("z + y*x + 2"),))
    listed = [{"chart": "x", "sign": 1}, {"chart": "x", "sign": -1}, {"chart": "y", "sign": 1, "small": ["x"]}]
    found = [t for _, t in children(s, {"branch": "blow-up", "weights": {"x": 2, "y": 3}}, listed)]
    first, second, third = found
    assert second.generators["0"] in (p("x**2*z - x**3*y"), p("x**3*y - x**2*z")) and first.generators["0"] == p(
        "x**2*z + x**3*y"
    )
    assert second.roots == {"r": p("r**2 - 2 - x**3*y")} and second.positive == (p("z + 2"),)
    assert all(t.nonzero == (p("z + 1"),) and t.shadowed == {"z"} for t in found)
    for t in (first, second):
        assert (t.kind["x"], t.kind["y"], t.sign, t.factor) == ("small", "free", {"x", "y"}, {"y": 2, "x": 6})
        assert t.jacobian == {"x": 3}  # 2·½ + 3·1 − 1
    assert (third.kind["x"], third.kind["y"], third.sign) == ("small", "small", {"y"})
    assert third.generators["0"] == p("x*y**2*z + y**3") and third.factor == {"y": 6}
    assert third.jacobian == {"x": s.jacobian["x"], "y": 3}


def test_an_exponent_that_cancels_is_left_out():
    """Σ w (h + 1) − 1 = 0 for h = −½ on both."""
    s = state(PLANE, ["x + y"], jacobian={"x": "-1/2", "y": "-1/2"})
    assert [t.jacobian for _, t in children(s, BLOW, CHARTS)] == [{"y": s.jacobian["y"]}, {"x": s.jacobian["x"]}]


@pytest.mark.parametrize(
    ("branch", "listed", "says"),
    [
        (None, CHARTS, "not a table"),
        (BLOW, None, "not a table"),
        (BLOW, {}, "not a table"),
        (BLOW, [*CHARTS, "x"], "a child is not a table"),
        ({"branch": "fork"}, CHARTS, "unknown branching"),
        ({}, CHARTS, "unknown branching"),
        ({"branch": "blow-up"}, CHARTS, "no weights"),
        ({"branch": "blow-up", "weights": {}}, [], "no weights"),
        ({"branch": "blow-up", "weights": ["x", "y"]}, CHARTS, "no weights"),
        ({"branch": "blow-up", "weights": {"x": 1, "z": 1}}, CHARTS, "not small"),
        ({"branch": "blow-up", "weights": {"x": 1, "y": 0}}, CHARTS, "a weight"),
        ({"branch": "blow-up", "weights": {"x": 1, "y": -1}}, CHARTS, "a weight"),
        ({"branch": "blow-up", "weights": {"x": 1, "y": True}}, CHARTS, "a weight"),
        ({"branch": "blow-up", "weights": {"x": 1, "y": "1"}}, CHARTS, "a weight"),
        ({"branch": "blow-up", "weights": {"x": 1, "y": MAX_WEIGHT + 2}}, CHARTS, "a weight"),
        ({"branch": "blow-up", "weights": {"x": 1, "y": MAX_WEIGHT + 1}}, CHARTS, "a weight"),
        (BLOW, [{**CHARTS[0], "chart": "z"}, CHARTS[1]], "not one of the blown-up"),
        (BLOW, [{**CHARTS[0], "chart": 1}, CHARTS[1]], "not one of the blown-up"),
        (BLOW, [{**CHARTS[0], "sign": -1}, CHARTS[1]], "wrong sign"),
        (BLOW, [{**CHARTS[0], "sign": "1"}, CHARTS[1]], "wrong sign"),
        (BLOW, [{**CHARTS[0], "sign": None}, CHARTS[1]], "wrong sign"),
        (BLOW, [CHARTS[0], *CHARTS], "wrong sign"),
        (BLOW, [CHARTS[0], {**CHARTS[1], "small": "x"}], "not a list"),
        (BLOW, [CHARTS[0], {**CHARTS[1], "small": ["y"]}], "not a list"),
        (BLOW, [CHARTS[0], {**CHARTS[1], "small": ["z"]}], "did not come earlier"),
        (BLOW, CHARTS[:1], "missing"),
        (BLOW, [], "missing"),
    ],
)
def test_what_is_no_blow_up(branch, listed, says):
    s = state({**PLANE, "z": "free"}, ["x + y"])
    assert len(children(s, BLOW, CHARTS)) == 2
    with pytest.raises(Refused, match=says):
        children(s, branch, listed)


def test_the_largest_weight():
    s = state(PLANE, ["x + y"])
    listed = [CHARTS[0], *({"chart": "y", "sign": e} for e in (1, -1))]
    found = children(s, {"branch": "blow-up", "weights": {"x": 1, "y": MAX_WEIGHT}}, listed)
    assert found[0][1].generators["0"] == p(f"x + x**{MAX_WEIGHT}*y")


def test_a_direction_is_left_out_only_after_both_of_its_signs():
    s = state(PLANE, ["x + y"])
    branch = {"branch": "blow-up", "weights": {"x": 2, "y": 1}}
    plus, minus, other = (
        {"chart": "x", "sign": 1},
        {"chart": "x", "sign": -1},
        {"chart": "y", "sign": 1, "small": ["x"]},
    )
    assert [t.kind["x"] for _, t in children(s, branch, [plus, minus, other])] == ["small"] * 3
    with pytest.raises(Refused, match="did not come earlier"):
        children(s, branch, [plus, other, minus])


SPLIT = {"branch": "split", "on": "y + z", "steps": []}
STEP = {"step": "straighten", "variable": "z", "coordinate": "y + z", "a": "1", "b": "y", "proof": ONE}
SIDES = [{"node": 1, "nonzero": "y + z"}, {"node": 2, "zero": "y + z"}]
KINDS = {"x": "small", "y": "unit", "z": "free"}


def test_both_sides_of_a_split():
    s = state(KINDS, ["x*y + x*z"], nonzero=["z - 2"])
    (_, apart), (_, zeros) = children(s, {**SPLIT, "steps": [STEP]}, SIDES)
    assert apart.nonzero == (p("z - 2"), p("y + z")) and apart.kind == s.kind and not apart.uncertain
    assert zeros.kind["z"] == "small" and zeros.generators["0"] == p("x*z") and zeros.nonzero == (p("y + 2"),)


def test_a_split_on_a_coordinate():
    """z ≠ 0: a unit without exponents; z = 0: small with them, and without points perhaps if z ranges over an open set."""
    s = state(KINDS, ["x*z"], jacobian={"z": "1", "x": "2"}, factor={"z": 3, "x": 1})
    listed = [{"node": 1, "nonzero": "z"}, {"node": 2, "zero": "z"}]
    branch = {**SPLIT, "on": "z"}
    (_, apart), (_, zeros) = children(s, branch, listed)
    assert (apart.kind["z"], apart.jacobian, apart.factor) == ("unit", {"x": 2}, {"x": 1}) and not apart.uncertain
    assert (zeros.kind["z"], zeros.jacobian, zeros.factor) == ("small", s.jacobian, s.factor) and not zeros.uncertain
    (_, apart), (_, zeros) = children(s.but(shadowed=frozenset({"z"})), branch, listed)
    assert zeros.uncertain and not apart.uncertain and apart.shadowed == {"z"} and not zeros.shadowed
    assert not children(s.but(shadowed=frozenset({"y"})), branch, listed)[1][1].uncertain
    assert all(t.uncertain for _, t in children(s.but(uncertain=True), branch, listed))
    with pytest.raises(Refused, match="has a step"):
        children(s, {**branch, "steps": [STEP]}, listed)
    for q in ("z**2", "y*z", "z + 1"):
        with pytest.raises(Refused, match="not one step"):
            children(s, {**branch, "on": q}, [{"node": 1, "nonzero": q}, {"node": 2, "zero": q}])
    assert children(s, {**branch, "on": "2*z"}, [{"nonzero": "2*z"}, {"zero": "2*z"}])[1][1].kind["z"] == "small"


@pytest.mark.parametrize(
    ("branch", "listed", "says"),
    [
        ({**SPLIT, "steps": [STEP, STEP]}, SIDES, "not one step"),
        (SPLIT, SIDES, "not one step"),
        ({**SPLIT, "steps": {}}, SIDES, "not two children"),
        ({**SPLIT, "steps": [STEP]}, SIDES[:1], "not two children"),
        ({**SPLIT, "steps": [STEP]}, [*SIDES, SIDES[0]], "not two children"),
        ({**SPLIT, "steps": [STEP]}, SIDES[::-1], "not the one with"),
        ({**SPLIT, "steps": [STEP]}, [SIDES[0], {"node": 2, "zero": "y - z"}], "not the one with"),
        ({**SPLIT, "steps": [STEP]}, [{"node": 1, "nonzero": "y"}, SIDES[1]], "not the one with"),
        ({**SPLIT, "steps": [STEP]}, [{"node": 1, "zero": "y + z"}, SIDES[1]], "not the one with"),
        ({**SPLIT, "steps": [STEP], "on": "y + r"}, [{"nonzero": "y + r"}, {"zero": "y + r"}], "not on the stratum"),
        ({**SPLIT, "steps": [STEP], "on": "y + x"}, [{"nonzero": "y + x"}, {"zero": "y + x"}], "not on the stratum"),
        ({**SPLIT, "steps": [STEP], "on": "3"}, [{"nonzero": "3"}, {"zero": "3"}], "not on the stratum"),
        ({**SPLIT, "steps": ["straighten"]}, SIDES, "a step is not a table"),
    ],
)
def test_what_is_no_split(branch, listed, says):
    with pytest.raises(Refused, match=says):
        children(state(KINDS, ["x*y + x*z"]), branch, listed)


def test_apart_from_a_polynomial_with_dependent_quantities_there_are_points():
    """With r² = 2: r²·y − 2z is 2(y − z), and the norm of y·r + z is z² − 2y²; neither is 0 everywhere."""
    s = state({**KINDS, "r": "unit"}, ["x"], roots={"r": "r**2 - 2"})
    for q, a, b in (("r**2*y - 2*z", "-2", "r**2*y"), ("r*y + z", "1", "r*y")):
        step = {**STEP, "coordinate": q, "a": a, "b": b, "proof": {"rule": "constant"}}
        (_, apart), (_, zeros) = children(s, {**SPLIT, "on": q, "steps": [step]}, [{"nonzero": q}, {"zero": q}])
        assert not apart.uncertain and zeros.kind["z"] == "small"

"""Steps to the zeros of a polynomial: small coordinates known implicitly, roots adjoined, units that become functions."""

from fractions import Fraction
from typing import Any

import pytest

from tests.theory.certificate.test_forged import ONE, p, state
from theory.certificate.refusal import Refused
from theory.certificate.state import State
from theory.certificate.steps import carry_out, carry_out_at_zeros

ROOT2 = {"r": "r**2 - 2"}
SLOPE = {"times": "1", "less": "0", "unit": ONE}
FIXED = {"point": {}, "interval": ["-1", "-1"]}


def implicit(s: State, variable: str, coordinate: str, powers: Any, zeros: Any = None, **more: Any) -> State:
    step = {
        "step": "implicit",
        "variable": variable,
        "coordinate": coordinate,
        "powers": powers,
        "proof": SLOPE,
        **more,
    }
    return carry_out(s, step) if zeros is None else carry_out_at_zeros(s, {"cofactor": ONE, **step}, p(zeros))


def test_a_small_coordinate_that_is_known_implicitly():
    """f = x + z² + x²·z has ∂f/∂x = 1 on x = z = 0: f²·z becomes x²·z."""
    s = state({"x": "small", "z": "small", "y": "unit"}, ["z*x**2 + 2*z**3*x + z**5", "z*y"], nonzero=["y - 1"])
    found = implicit(s, "x", "x + z**2", {"0": 2})
    assert found.generators == {"0": p("x**2*z"), "1": p("z*y")}
    assert (found.kind, found.nonzero, found.uncertain, found.shadowed) == (s.kind, s.nonzero, False, set())
    for coordinate, powers, says in (
        ("x + z**2", {"0": 1}, "not a power"),
        ("x + z**2", {"0": 3}, "not exact"),
        ("x + z**2", {}, "not a power"),
        ("x + z**2", {"0": -1}, "no powers"),
        ("x + z**2", {"0": "2"}, "no powers"),
        ("x + z**2", None, "no powers"),
        ("x + z**2", {"0": 2, "1": 1}, "not exact"),
        ("x + z**2 + y", {"0": 2}, "not 0 on the stratum"),
        ("x**2 + z**2", {"0": 2}, "no proof"),
    ):
        with pytest.raises(Refused, match=says):
            implicit(s, "x", coordinate, powers)
    with pytest.raises(Refused, match="leaves points out"):
        implicit(state({"y": "unit", "z": "small"}, ["y*z + z"]), "y", "y + 1", {"0": 1})


def test_a_relation_holds_back_the_coordinate():
    s = state({"x": "small", "z": "small", "r": "unit"}, ["x"], roots={"r": "r**2 - 2 - x"})
    with pytest.raises(Refused, match="a relation holds"):
        implicit(s, "x", "x", {"0": 1})


@pytest.mark.parametrize("more", [{"sign": ["x"]}, {"jacobian": {"x": "1"}}, {"factor": {"x": 1}}])
def test_a_small_coordinate_with_a_boundary_is_not_replaced(more):
    with pytest.raises(Refused, match="sign or an exponent"):
        implicit(state({"x": "small", "z": "small"}, ["x + z"], **more), "x", "x + z", {"0": 1})


def test_zeros_along_a_unit():
    """Where y + 1 = 0 for a unit y: y is small, lists with y leave, their coordinates and those of f are shadowed."""
    kinds = {"x": "small", "y": "unit", "z": "free"}
    s = state(kinds, ["x*y + x", "x**2*z"], nonzero=["z + y", "z - 1"], positive=["z**2 + 1"])
    witness = {"point": {"z": "2"}, "interval": ["-1", "-1"]}
    found = implicit(s, "y", "y + 1", {"0": 1}, zeros="y + 1", witness=witness)
    assert found.kind == {**kinds, "y": "small"} and found.generators == {"0": p("x*y"), "1": p("x**2*z")}
    assert (found.nonzero, found.positive) == ((p("z - 1"),), (p("z**2 + 1"),))
    assert (found.shadowed, found.uncertain) == ({"z"}, False)
    bare = implicit(s, "y", "y + 1", {"0": 1}, zeros="-3*y - 3", cofactor={"rule": "constant"})
    assert (bare.shadowed, bare.uncertain) == ({"z"}, True)
    for shadowed, uncertain in (({"z"}, True), ({"y"}, True), (set(), False)):
        assert (
            implicit(
                s.but(shadowed=frozenset(shadowed)), "y", "y + 1", {"0": 1}, zeros="y + 1", witness=witness
            ).uncertain
            == uncertain
        )
    assert implicit(s.but(uncertain=True), "y", "y + 1", {"0": 1}, zeros="y + 1", witness=witness).uncertain
    plain = implicit(s.but(nonzero=(), shadowed=frozenset({"z"})), "y", "y + 1", {"0": 1}, zeros="y + 1", witness=FIXED)
    assert (plain.shadowed, plain.uncertain) == ({"z"}, False)
    restricted = implicit(
        state(kinds, ["x*y - x"], sign=["y"]),
        "y",
        "y - 1",
        {"0": 1},
        zeros="y - 1",
        witness={"point": {}, "interval": ["1", "1"]},
    )
    assert restricted.sign == set() and not restricted.positive and not restricted.uncertain
    with pytest.raises(Refused, match="wrong sign"):
        implicit(state(kinds, ["x*y + x"], sign=["y"]), "y", "y + 1", {"0": 1}, zeros="y + 1", witness=FIXED)


@pytest.mark.parametrize(
    ("zeros", "more", "says"),
    [
        ("y + 2", {}, "not exact"),
        ("x", {}, "is 0 on the stratum"),
        ("y + 1", {"cofactor": {"rule": "monomial"}}, ""),
        ("y + 1", {"cofactor": {"rule": "sturm", "variable": "z"}}, "no proof"),
        ("y + 1", {"proof": {**SLOPE, "times": "0"}}, "no proof"),
        ("y + 1", {"proof": {**SLOPE, "less": "1"}}, "no proof"),
        ("y + 1", {"proof": None}, "missing"),
        ("y + 1", {"proof": {"times": "y", "less": "1", "unit": {"rule": "constant", "sign": -1}}}, ""),
        ("y + 1", {"proof": {"times": "y", "less": "2", "unit": {"rule": "constant", "sign": -1}}}, "no proof"),
    ],
)
def test_the_slope_and_the_polynomial_of_a_split(zeros, more, says):
    """f = y + 1 and q agree up to a unit, and m·∂f/∂y − c·f has no zero: y − (y + 1) = −1, y − 2(y + 1) = −y − 2."""
    s = state({"x": "small", "y": "unit", "z": "free"}, ["x*y + x"])
    if says:
        with pytest.raises(Refused, match=says):
            implicit(s, "y", "y + 1", {"0": 1}, zeros=zeros, **more)
    else:
        assert implicit(s, "y", "y + 1", {"0": 1}, zeros=zeros, **more).kind["y"] == "small"


def test_the_zeros_are_those_of_the_reduced_polynomial():
    """With r² = 2 the polynomial r²·y + 2 is 2(y + 1)."""
    s = state({"x": "small", "y": "unit", "r": "unit"}, ["x*y + x"], roots=ROOT2)
    assert implicit(s, "y", "y + 1", {"0": 1}, zeros="r**2*y + 2").kind["y"] == "small"


@pytest.mark.parametrize(
    ("witness", "says"),
    [
        ({"point": {"z": "1"}, "interval": ["0", "1"]}, ""),
        ({"point": {"z": "1"}, "interval": ["1/2", "1/2"]}, ""),
        ({"point": {"z": "1", "y": "7"}, "interval": ["0", "1"]}, ""),
        ({"point": {"z": "1"}, "interval": ["1/2", "1"]}, "no zero"),
        ({"point": {"z": "1"}, "interval": ["0", "1/2"]}, "no zero"),
        ({"point": {"z": "1"}, "interval": ["1", "0"]}, "is empty"),
        ({"point": {"z": "1"}, "interval": ["1/3", "1/3"]}, "no zero"),
        ({"point": {"z": "1"}, "interval": ["-1", "1/3"]}, "no zero"),
        ({"point": {"z": "1"}, "interval": ["0"]}, "two ends"),
        ({"point": {"z": "1"}, "interval": ["0", "1", "2"]}, "two ends"),
        ({"point": {"z": "1"}}, "missing"),
        ({"point": None, "interval": ["0", "1"]}, "no point"),
        (["point"], "no point"),
        ({"point": {}, "interval": ["0", "1"]}, "no value"),
        ({"point": {"z": "1", "x": "0"}, "interval": ["0", "1"]}, "none of its own"),
        ({"point": {"z": "1", "r": "1"}, "interval": ["0", "1"]}, "none of its own"),
        ({"point": {"z": "0"}, "interval": ["-1", "1"]}, "the unit z"),
    ],
)
def test_witnesses(witness, says):
    """f = 2y − z and z = 1: it is 0 at y = ½."""
    s = state({"x": "small", "y": "free", "z": "unit", "r": "unit"}, ["2*x*y - x*z"], roots=ROOT2)
    if says:
        with pytest.raises(Refused, match=says):
            implicit(s, "y", "2*y - z", {"0": 1}, zeros="2*y - z", witness=witness)
    else:
        assert not implicit(s, "y", "2*y - z", {"0": 1}, zeros="2*y - z", witness=witness).uncertain


@pytest.mark.parametrize(
    ("kinds", "more", "point", "interval", "says"),
    [
        ({"z": "free"}, {}, "0", ["-1", "1"], ""),
        ({"z": "free"}, {"sign": ["z"]}, "0", ["-1", "1"], ""),
        ({"z": "free"}, {"sign": ["z"]}, "-1", ["-1", "1"], "gives z the wrong sign"),
        ({"z": "free"}, {}, "-1", ["-1", "1"], ""),
        ({"z": "unit"}, {"nonzero": ["y + 1"]}, "1", ["0", "1"], ""),
        ({"z": "unit"}, {"nonzero": ["2*y - 1"]}, "1", ["0", "1"], "not as it should"),
        ({"z": "unit"}, {"nonzero": ["4*y - 1"]}, "1", ["0", "1"], "not as it should"),
        ({"z": "unit"}, {"nonzero": ["4*y - 1"]}, "1", ["1/4", "1"], "not as it should"),
        ({"z": "unit"}, {"nonzero": ["y - 1"]}, "1", ["1/4", "1"], "not as it should"),
        ({"z": "unit"}, {"nonzero": ["4*y - 1"]}, "1", ["1/3", "1"], ""),
        ({"z": "unit"}, {"nonzero": ["4*y - 1"]}, "1", ["1/2", "1/2"], ""),
        ({"z": "unit"}, {"nonzero": ["2*y - z"]}, "1", ["1/2", "1/2"], "not as it should"),
        ({"z": "unit"}, {"positive": ["4*y - 1"]}, "1", ["1/3", "1"], ""),
        ({"z": "unit"}, {"positive": ["1 - 4*y"]}, "1", ["1/3", "1"], "not as it should"),
        ({"z": "unit"}, {"positive": ["1 - 4*y"]}, "1", ["1/2", "1/2"], "not as it should"),
        ({"z": "unit"}, {"nonzero": ["1 - 4*y"]}, "1", ["1/3", "1"], ""),
        ({"z": "unit"}, {"nonzero": ["8*y**2 - 10*y + 3"]}, "1", ["2/5", "4/5"], "not as it should"),
    ],
)
def test_what_is_listed_holds_at_a_witness(kinds, more, point, interval, says):
    """f = 2y − z for a free y: at its zero, and on all of the interval, what is listed with y has no zero and its sign."""
    s = state({"x": "small", "y": "free", **kinds}, ["2*x*y - x*z"], **more)
    witness = {"point": {"z": point}, "interval": interval}
    if says:
        with pytest.raises(Refused, match=says):
            implicit(s, "y", "2*y - z", {"0": 1}, zeros="2*y - z", witness=witness)
    else:
        assert not implicit(s, "y", "2*y - z", {"0": 1}, zeros="2*y - z", witness=witness).uncertain


def test_a_unit_does_not_meet_0_at_a_witness():
    s = state({"x": "small", "y": "unit"}, ["x*y**2 - x"])
    for interval, says in ((["1/2", "3"], ""), (["-3", "-1/2"], ""), (["0", "3"], "not as it should")):
        step = {"proof": {"times": "y", "less": "2", "unit": ONE}, "witness": {"point": {}, "interval": interval}}
        if says:
            with pytest.raises(Refused, match=says):
                implicit(s, "y", "y**2 - 1", {"0": 1}, zeros="y**2 - 1", **step)
        else:
            assert not implicit(s, "y", "y**2 - 1", {"0": 1}, zeros="y**2 - 1", **step).uncertain


def adjoin(s: State, relation: str, zeros: str, variable: Any = "z", root: Any = "r", **more: Any) -> State:
    step = {"step": "adjoin", "variable": variable, "root": root, "relation": relation, **more}
    return carry_out_at_zeros(s, step, p(zeros))


def test_a_root_is_added_to_the_coordinate():
    """z = √2 + (new z): in generators and lists; a unit z > 0 is listed as positive."""
    s = state({"x": "small", "z": "free"}, ["x*z + x"], nonzero=["z - 3"], positive=["z + 7"], shadowed=[])
    found = adjoin(s, "r**2 - 2", "2 - z**2")
    assert found.kind == {"x": "small", "z": "small", "r": "unit"} and found.roots == {"r": p("r**2 - 2")}
    assert (
        found.generators["0"] == p("x*z + x*r + x")
        and found.nonzero == (p("r - 3"),)
        and found.positive == (p("r + 7"),)
    )
    signed = adjoin(state({"x": "small", "z": "unit"}, ["x"], sign=["z"]), "r**2 - 2", "z**2 - 2")
    assert signed.positive == (p("r"),) and signed.sign == set() and signed.uncertain
    witness = {"point": {}, "interval": ["1", "2"]}
    assert not adjoin(s, "r**2 - 2", "z**2 - 2", witness=witness).uncertain
    assert adjoin(s.but(shadowed=frozenset({"z"})), "r**2 - 2", "z**2 - 2", witness=witness).uncertain
    assert adjoin(s.but(uncertain=True), "r**2 - 2", "z**2 - 2", witness=witness).uncertain


@pytest.mark.parametrize(
    ("kinds", "more", "relation", "zeros", "step", "says"),
    [
        ({"z": "free"}, {}, "r**2 - 2", "z**2 - 2", {"root": "x"}, "in use already"),
        ({"z": "free"}, {}, "r**2 - 2", "z**2 - 2", {"root": "u"}, "unknown name"),
        ({"z": "free"}, {}, "r**2 - 2", "z**2 - 2", {"root": None}, "unknown name"),
        ({"z": "small"}, {}, "r**2 - 2", "z**2 - 2", {}, "small coordinate"),
        ({"z": "free"}, {}, "r**2 - 3", "z**2 - 2", {}, "not that of the split"),
        ({"z": "free"}, {}, "r**2 - z", "z**2 - z", {}, "not that of the split"),
        ({"z": "free", "y": "unit"}, {}, "r**2 - y", "z**2 - y", {}, "more than numbers"),
        ({"z": "free", "y": "unit"}, {"roots": {"y": "y**2 - 2"}}, "r**2 - y", "z**2 - y", {}, ""),
        ({"z": "free", "y": "unit"}, {"roots": {"y": "y**2 - 2"}}, "y*r**2 - 1", "y*z**2 - 1", {}, "not a number"),
        ({"z": "free", "y": "unit"}, {"roots": {"y": "y**2 - 2 - z"}}, "r**2 - 2", "z**2 - 2", {}, "a relation holds"),
        ({"z": "free"}, {}, "r**2 - r", "z**2 - z", {}, "may be 0"),
        ({"z": "unit"}, {}, "r**2 - r", "z**2 - z", {}, ""),
        ({"z": "free"}, {"sign": ["z"]}, "r**2 - 2", "z**2 - 2", {}, "sign or an exponent"),
        ({"z": "free"}, {"jacobian": {"z": "1"}}, "r**2 - 2", "z**2 - 2", {}, "sign or an exponent"),
        ({"z": "free"}, {"factor": {"z": 1}}, "r**2 - 2", "z**2 - 2", {}, "sign or an exponent"),
        (
            {"z": "unit"},
            {"sign": ["z"]},
            "r**2 - 2",
            "z**2 - 2",
            {"witness": {"point": {}, "interval": ["-2", "-1"]}},
            "sign",
        ),
        (
            {"z": "unit"},
            {"sign": ["z"]},
            "r**2 - 2",
            "z**2 - 2",
            {"witness": {"point": {}, "interval": ["1", "2"]}},
            "",
        ),
        (
            {"z": "unit"},
            {},
            "r**3 - 2*r",
            "z**3 - 2*z",
            {"witness": {"point": {}, "interval": ["-1", "1"]}},
            "as it should",
        ),
    ],
)
def test_roots_that_may_be_adjoined(kinds, more, relation, zeros, step, says):
    s = state({"x": "small", **kinds}, ["x"], **more)
    if says:
        with pytest.raises(Refused, match=says):
            adjoin(s, relation, zeros, **step)
    else:
        assert adjoin(s, relation, zeros, **step).roots["r"] == p(relation)


def test_a_number_over_a_function_is_none():
    """y is a function of z, x of y: what holds x holds more than numbers."""
    kinds = {"z": "free", "y": "unit", "x": "unit"}
    s = state(kinds, ["1"], roots={"x": "x**2 - 5"})
    assert adjoin(s, "r**2 - x", "z**2 - x").kind["z"] == "small"


def cover(
    s: State, relation: str, zeros: str, variable: Any = "y", coordinate: Any = "r", slope: Any = SLOPE, **more: Any
) -> State:
    step = {
        "step": "cover",
        "variable": variable,
        "coordinate": coordinate,
        "relation": relation,
        "proof": slope,
        "cofactor": ONE,
    }
    return carry_out_at_zeros(s, {**step, **more}, p(zeros))


def test_a_unit_becomes_a_function():
    """r = y² − 2 − z is small, y = √(2 + z + r) no coordinate any more: without exponents, z in the shadow."""
    kinds = {"x": "small", "y": "unit", "z": "free"}
    s = state(kinds, ["x*y"], nonzero=["z + 2"])
    slope = {"times": "1", "less": "0", "unit": {"rule": "monomial"}}
    found = cover(s, "y**2 - 2 - z - r", "y**2 - 2 - z", slope=slope)
    assert found.kind == {**kinds, "r": "small"} and found.roots == {"y": p("y**2 - 2 - z - r")}
    assert (found.shadowed, found.uncertain, found.generators) == ({"z"}, True, {"0": p("x*y")})
    witness = {"point": {"z": "1"}, "interval": ["1", "2"]}
    assert not cover(s, "y**2 - 2 - z - r", "y**2 - 2 - z", slope=slope, witness=witness).uncertain
    for shadowed in ("y", "z"):
        t = s.but(shadowed=frozenset({shadowed}))
        assert cover(t, "y**2 - 2 - z - r", "y**2 - 2 - z", slope=slope, witness=witness).uncertain
    with pytest.raises(Refused, match="not as it should"):
        across = {"point": {"z": "1"}, "interval": ["-1", "2"]}
        cover(s, "y**2 - 2 - z - r", "y**2 - 2 - z", slope=slope, witness=across)


def test_linear_covers_are_met_everywhere():
    """3y = z − 1 − …: for z ≠ 1 there is such a unit y, whatever z is, unless y is held back."""
    kinds = {"x": "small", "y": "unit", "z": "free"}
    unit = {"unit": {"rule": "listed"}}
    relation, zeros = "3*y + z - 1 - r", "3*y + z - 1"
    s = state(kinds, ["x*y"], nonzero=["z - 1"])
    found = cover(s, relation, zeros, **unit)
    assert (found.shadowed, found.uncertain) == (set(), False)
    assert cover(s.but(shadowed=frozenset({"z"})), relation, zeros, **unit).uncertain is False
    held = cover(s.but(shadowed=frozenset({"y"})), relation, zeros, **unit)
    assert held.uncertain and held.shadowed == {"z"}
    assert cover(s, relation, zeros).uncertain and cover(s, relation, zeros).shadowed == {"z"}
    assert cover(state(kinds, ["x*y"], nonzero=["z - 1"], sign=["y"]), relation, zeros, **unit).uncertain
    assert cover(state(kinds, ["x*y"], nonzero=["z - 1"], positive=["y + 9"]), relation, zeros, **unit).uncertain
    assert not cover(state(kinds, ["x*y"], nonzero=["z - 1"], positive=["z + 9"]), relation, zeros, **unit).uncertain
    assert cover(s.but(uncertain=True), relation, zeros, **unit).uncertain


def test_a_free_coordinate_is_covered_where_it_is_not_0():
    kinds = {"x": "small", "y": "free", "z": "free"}
    s = state(kinds, ["x*y"], nonzero=["z - 1"], jacobian={"y": "1/2", "x": "1/3"}, factor={"y": 2, "x": 1})
    found = cover(s, "3*y + z - 1 - r", "3*y + z - 1", unit={"rule": "listed"})
    assert (found.kind["y"], found.jacobian, found.factor) == ("unit", {"x": Fraction(1, 3)}, {"x": 1})
    with pytest.raises(Refused, match="may be 0"):
        cover(s, "3*y + z - 1 - r", "3*y + z - 1")
    with pytest.raises(Refused, match="no proof"):
        cover(s, "3*y + z - 2 - r", "3*y + z - 2", unit={"rule": "listed"})
    with pytest.raises(Refused, match="no proof"):
        cover(s, "3*y - r", "3*y", unit={"rule": "constant"})


@pytest.mark.parametrize(
    ("relation", "zeros", "step", "says"),
    [
        ("3*y + z - r", "3*y + z", {"variable": "x"}, "small coordinate"),
        ("3*y + z - r", "3*y + z", {"coordinate": "z"}, "in use already"),
        ("3*y + z - 2*r", "3*y + z", {}, "not f - w"),
        ("3*y + z + r", "3*y + z", {}, "not f - w"),
        ("3*y + z", "3*y + z", {}, "not f - w"),
        ("z*y + 1 - r", "z*y + 1", {}, "not a number"),
        ("z - 1 - r", "z - 1", {}, "does not hold y"),
        ("3*y + z - r", "3*y - z", {}, "not exact"),
        ("y**2 - z - r", "y**2 - z", {}, "no proof"),
        ("3*y + z - r", "3*y + z", {"cofactor": {"rule": "sturm"}}, "no proof"),
        ("3*y + z - r", "3*y + z", {"unit": ONE}, "no proof"),
    ],
)
def test_wrong_covers(relation, zeros, step, says):
    s = state({"x": "small", "y": "unit", "z": "free"}, ["x*y"])
    assert cover(s, "3*y + z - r", "3*y + z").roots
    with pytest.raises(Refused, match=says):
        cover(s, relation, zeros, **step)


def test_covers_outside_a_split_or_below_a_relation():
    s = state({"x": "unit", "y": "unit", "z": "free"}, ["y"], roots={"x": "x**2 - 5 - y"})
    with pytest.raises(Refused, match="depends on the covered"):
        cover(s, "3*y + z - r", "3*y + z")
    t = state({"x": "unit", "y": "unit", "z": "small"}, ["y*z"], roots={"x": "x**2 - 5 - y*z"})
    assert list(cover(t, "3*y + 2 - r", "3*y + 2").roots) == ["x", "y"]  # on z = 0 the root x is √5

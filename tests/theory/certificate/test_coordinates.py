"""New coordinates: what a step makes of kinds, lists, measure and shadows, and what it may not be used for."""

from typing import Any

import pytest

from tests.theory.certificate.test_forged import ONE, p, state
from theory.certificate.refusal import Refused
from theory.certificate.state import State
from theory.certificate.steps import carry_out, carry_out_at_zeros

ROOT2 = {"r": "r**2 - 2"}


def straight(
    s: State, variable: str, a: str, b: str, zeros: Any = None, proof: Any = ONE, coordinate: Any = None
) -> State:
    f = coordinate or str(p(a) * p(variable) + p(b)).replace("^", "**")
    step = {"step": "straighten", "variable": variable, "coordinate": f, "a": a, "b": b, "proof": proof}
    return carry_out(s, step) if zeros is None else carry_out_at_zeros(s, step, p(zeros))


def test_a_small_coordinate_is_straightened():
    """x ← y·x + z² on x = z = 0, y ≠ 0, so the old x is (x − z²)/y; in positive polynomials an even power of y is multiplied."""
    s = state({"x": "small", "y": "unit", "z": "small"}, ["x*z + z**3", "y*x"])
    found = straight(s, "x", "y", "z**2", proof={"rule": "monomial"})
    assert found.kind == s.kind and found.generators == {"0": p("x*z - z**3 + y*z**3"), "1": p("x*y - z**2*y")}


def test_lists_and_relations_are_moved_as_well():
    """A free x ← 2x + y: it stays free, the lists are written in it, positive polynomials with their sign."""
    s = state(
        {"x": "free", "y": "unit", "r": "unit"},
        ["x"],
        nonzero=["x - 1"],
        positive=["1 - x", "x**2 - 2"],
        roots={"r": "r**2 - x - 5"},
    )
    found = straight(s, "x", "2", "y")
    assert found.kind == s.kind and found.roots == {"r": p("2*r**2 - x + y - 10")}
    assert found.nonzero == (p("x - y - 2"),) and found.positive == (p("2 - x + y"), p("x**2 - 2*x*y + y**2 - 8"))
    mirrored = straight(s, "x", "-2", "y", proof={"rule": "constant", "sign": -1})
    assert mirrored.positive == (p("2 + x - y"), p("x**2 - 2*x*y + y**2 - 8"))


@pytest.mark.parametrize("kind", ["small", "free"])
@pytest.mark.parametrize("more", [{"sign": ["x"]}, {"jacobian": {"x": "1"}}, {"factor": {"x": 1}}])
def test_what_has_a_boundary_or_an_exponent_does_not_give_way(kind, more):
    s = state({"x": kind, "z": "small"}, ["x"], **more)
    with pytest.raises(Refused, match="sign or an exponent"):
        straight(s, "x", "1", "z")
    assert straight(state({"x": kind, "z": "small"}, ["x"]), "x", "1", "z").generators["0"] == p("x - z")


def test_units_that_are_straightened():
    """x + z stays a unit on z = 0; x + y may be 0, and what was known of x is listed; so is x > 0 in either case."""
    kinds = {"x": "unit", "y": "unit", "z": "small"}
    stays, moves = (straight(state(kinds, ["x"]), "x", "1", b) for b in ("z", "y"))
    assert (stays.kind["x"], stays.nonzero, stays.positive) == ("unit", (), ())
    assert (moves.kind["x"], moves.nonzero, moves.positive) == ("free", (p("x - y"),), ())
    stays, moves = (straight(state(kinds, ["x"], sign=["x", "y"]), "x", "1", b) for b in ("z", "y"))
    assert (stays.kind["x"], stays.sign, stays.positive) == ("unit", {"y"}, (p("x"),))
    assert (moves.kind["x"], moves.sign, moves.positive, moves.nonzero) == ("free", {"y"}, (p("x - y"),), ())


def test_shadows_of_what_is_mixed():
    """Where x is shadowed, so becomes what a and b depend on, through r as well."""
    kinds = {"x": "free", "y": "unit", "z": "free", "r": "unit"}
    s = state(kinds, ["x"], shadowed=["x"], roots={"r": "r**2 - z**2 - 1"})
    assert straight(s, "x", "1", "r").shadowed == {"x", "z"}
    assert straight(s, "x", "y", "1", proof={"rule": "monomial"}).shadowed == {"x", "y"}
    assert straight(s.but(shadowed=frozenset({"z"})), "x", "y", "r", proof={"rule": "monomial"}).shadowed == {"z"}


@pytest.mark.parametrize(
    ("variable", "a", "b", "more", "says"),
    [
        ("x", "1", "x", {}, "holds the coordinate"),
        ("x", "x", "1", {}, "holds the coordinate"),
        ("x", "z", "1", {}, "no proof"),
        ("x", "1", "z", {"coordinate": "x - z"}, "not a·x"),
        ("r", "1", "z", {}, "not a coordinate"),
        ("y", "1", "z", {}, "not 0 on the stratum"),
        ("y", "1", "x*z", {}, "not 0 on the stratum"),
    ],
)
def test_wrong_straightening(variable, a, b, more, says):
    s = state({"x": "free", "y": "small", "z": "free", "r": "unit"}, ["y"], roots=ROOT2)
    with pytest.raises(Refused, match=says):
        straight(s, variable, a, b, **more)


def test_a_coordinate_in_a_relation():
    """It may be moved by other coordinates and scaled by a number, else the relation would have another leading coefficient."""
    s = state({"x": "free", "y": "unit", "z": "free", "r": "unit"}, ["x"], roots={"r": "r**2 - x - 2"})
    assert straight(s, "x", "3", "z").roots == {"r": p("3*r**2 - x + z - 6")}
    for a, b, says in (("y", "z", "is scaled"), ("1", "r", "by a dependent")):
        with pytest.raises(Refused, match=says):
            straight(s, "x", a, b, proof={"rule": "monomial"} if a == "y" else ONE)
    assert straight(s.but(roots={"r": p("r**2 - 2")}), "x", "y", "r", proof={"rule": "monomial"}).generators["0"] == p(
        "x - r"
    )


def test_straightening_in_a_split():
    """At the zeros of z + y the new z is small; a unit z is listed, and a shadowed one may leave no points."""
    s = state({"x": "small", "y": "free", "z": "unit"}, ["x*z + x*y"])
    found = straight(s, "z", "1", "y", zeros="z + y")
    assert (found.kind["z"], found.uncertain) == ("small", False)
    assert found.generators["0"] == p("x*z") and found.nonzero == (p("y"),)
    assert straight(s.but(shadowed=frozenset({"z"})), "z", "1", "y", zeros="z + y").uncertain
    assert not straight(s.but(shadowed=frozenset({"y"})), "z", "1", "y", zeros="z + y").uncertain
    assert straight(s, "z", "2", "2*y", zeros="-z - y").kind["z"] == "small"
    for variable, b, zeros, says in (("z", "y", "z - y", "not the polynomial"), ("x", "y", "x + y", "small one")):
        with pytest.raises(Refused, match=says):
            straight(s, variable, "1", b, zeros=zeros)
    alone = straight(state({"x": "small", "z": "free"}, ["x"]), "z", "1", "0", zeros="z")
    assert alone.kind["z"] == "small"
    none = straight(state({"x": "small", "z": "unit"}, ["x"]), "z", "1", "0", zeros="z")
    assert none.empty and none.uncertain  # z ≠ 0 at the points of z = 0


def squared(s, variable, scaled):
    return carry_out(s, {"step": "square", "variable": variable, "scaled": scaled})


@pytest.mark.parametrize(
    ("text", "scaled", "found"),
    [
        ("x**2*z + z**3", [], "x*z + z**3"),
        ("x**3*z + x*z**3", [], "x*z + z**3"),
        ("x**4*z + z**3", ["z"], "x**3*z + z**3"),  # z = z'/x: x³ z' + z'³/x³, times x³
        ("z + x*y", ["z"], "z + x*y"),  # z'/x + x y, times x
        ("x*z + y*z**2 + 2", ["z"], "x*z + y*z**2 + 2*x"),  # z' + y z'²/x² + 2, times x²
        ("x*z + 2", ["z"], "z + 2"),
        ("x*z + y", [], None),
        ("x*z*y + y*x**3 + x", ["z", "y"], None),
        ("x*z*y + y", ["z", "y"], "z*y + y"),
    ],
)
def test_squares_of_units(text, scaled, found):
    """x' = x² > 0 and z' = z·x: 2·(new exponent of x) is the old one less those of what is scaled, up to a power of x."""
    kinds = {"x": "unit", "y": "free", "z": "free"}
    for s in (state(kinds, [text]), state(kinds, nonzero=[text])):
        if found is None:
            with pytest.raises(Refused, match="even or odd"):
                squared(s, "x", scaled)
            continue
        moved = squared(s, "x", scaled)
        assert moved.sign == {"x"} and moved.kind == kinds
        assert [*moved.generators.values(), *moved.nonzero] == [p(found)]


@pytest.mark.parametrize(
    ("variable", "scaled", "more", "says"),
    [
        ("z", [], {}, "only a unit"),
        ("r", [], {}, "not a coordinate"),
        ("x", "z", {}, "not a list"),
        ("x", ["z", "z"], {}, "not a list"),
        ("x", ["x"], {}, "no coordinate"),
        ("x", ["r"], {}, "no coordinate"),
        ("x", ["z"], {"sign": ["z"]}, "with a sign"),
        ("x", [], {"positive": ["x + 1"]}, "holds what is squared"),
        ("x", ["z"], {"positive": ["z + 1"]}, "holds what is squared"),
        ("x", [], {"roots": {"r": "r**2 - x - 1"}}, "holds what is squared"),
        ("x", ["z"], {"roots": {"r": "r**2 - z - 1"}}, "holds what is squared"),
    ],
)
def test_wrong_squares(variable, scaled, more, says):
    s = state({"x": "unit", "z": "free", "r": "unit"}, ["x**2*z"], **{"roots": ROOT2, **more})
    with pytest.raises(Refused, match=says):
        squared(s, variable, scaled)


def test_squares_beside_signs_and_shadows():
    kinds = {"x": "unit", "y": "free", "z": "free"}
    s = state(kinds, ["x*z"], sign=["x", "z"], positive=["y + 1"], shadowed=["y"])
    assert squared(s, "x", ["z"]).sign == {"x", "z"} and squared(s, "x", ["z"]).shadowed == {"y"}
    assert squared(s.but(shadowed=frozenset({"z"})), "x", ["z"]).shadowed == {"x", "z"}
    assert squared(s.but(shadowed=frozenset({"z"})), "x", []).shadowed == {"z"}

"""States of strata: what is read, the normal form of the lists, when two states are one, renamings, and what does not count."""

from fractions import Fraction

import pytest

from tests.theory.certificate.test_forged import RING, p, plain, state
from theory.certificate.refusal import Refused
from theory.certificate.state import leave, listed_form, number_of, read, renamed, require_same, used

KINDS = {"x": "small", "y": "unit", "z": "free"}
WHOLE = {"jacobian": {"x": "1/2"}, "sign": ["y"], "factor": {"z": 2}, "nonzero": ["y + z"], "positive": ["z - 1"]}
RELATION = {"r": "r**2 - 2"}


def test_a_state_as_it_is_written():
    s = state({**KINDS, "r": "unit"}, ["x*y"], roots=RELATION, shadowed=["z"], uncertain=True, **WHOLE)
    assert s.of("small") == ["x"] and s.of("unit", "free") == ["y", "z"] and s.of("unit") == ["y"]
    assert (s.jacobian, s.sign, s.factor) == ({"x": Fraction(1, 2)}, {"y"}, {"z": 2})
    assert (s.nonzero, s.positive) == ((p("y + z"),), (p("z - 1"),))
    assert (s.shadowed, s.uncertain, s.empty) == ({"z"}, True, False)
    assert s.generators == {"0": p("x*y")} and s.roots == {"r": p("r**2 - 2")}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": []}, "kind of a state is not a table"),
        ({"roots": []}, "roots of a state is not a table"),
        ({"jacobian": None}, "jacobian of a state is not a table"),
        ({"factor": "x"}, "factor of a state is not a table"),
        ({"generators": ["x"]}, "generators of a state is not a table"),
        ({"sign": {}}, "sign of a state is not a list"),
        ({"nonzero": "x"}, "nonzero of a state is not a list"),
        ({"positive": {}}, "positive of a state is not a list"),
        ({"shadowed": None}, "shadowed of a state is not a list"),
        ({"kind": {**KINDS, "u": "small"}}, "kind of a state holds an unknown name"),
        ({"roots": {"u": "x"}}, "roots of a state holds an unknown name"),
        ({"jacobian": {"u": "1"}}, "jacobian of a state holds an unknown name"),
        ({"factor": {"u": 1}}, "factor of a state holds an unknown name"),
        ({"sign": ["u"]}, "sign of a state holds an unknown name"),
        ({"shadowed": ["u"]}, "shadowed of a state holds an unknown name"),
        ({"kind": {"x": "large"}}, "not small, unit or free"),
        ({"uncertain": 0}, "not true or false"),
        ({"uncertain": None}, "not true or false"),
        ({"roots": {"z": "z**2 - 2"}}, "is not a unit"),
        ({"roots": {"r": "r**2 - 2"}}, "is not a unit"),
        ({"roots": {"y": "x - 2"}}, "not monic"),
        ({"roots": {"y": "z*y - 2"}}, "not monic"),
        ({"factor": {"x": "1/2"}}, "exponent of the factor"),
        ({"factor": {"x": 0}}, "exponent of the factor"),
        ({"factor": {"x": -1}}, "exponent of the factor"),
        ({"jacobian": {"x": "-1"}}, "exponent of the jacobian"),
        ({"jacobian": {"x": "-2"}}, "exponent of the jacobian"),
        ({"jacobian": {"x": "0"}}, "exponent of the jacobian"),
        ({"sign": ["r"]}, "not in use"),
        ({"shadowed": ["r"]}, "no coordinate"),
        ({"shadowed": ["y"], "roots": {"y": "y**2 - 2"}}, "no coordinate"),
        ({"jacobian": {"y": "1"}}, "not small or free"),
        ({"factor": {"y": 1}}, "not small or free"),
        ({"jacobian": {"r": "1"}}, "not small or free"),
        ({"generators": {"0": "x*r"}}, "not in use"),
        ({"nonzero": ["r"]}, "not in use"),
        ({"positive": ["r"]}, "not in use"),
        ({"roots": {"y": "y - r"}}, "not in use"),
        ({"generators": {"zero": "x"}}, "number of a generator"),
        ({"generators": {"0": 1}}, "not a text"),
        ({"jacobian": {"x": 0.5}}, "not a rational number"),
    ],
)
def test_states_that_are_not_read(change, says):
    read(RING, plain(KINDS, ["x"]))
    with pytest.raises(Refused, match=says):
        read(RING, {**plain(KINDS, ["x"]), **change})


def test_a_state_has_its_fields_and_no_others():
    for key in plain(KINDS):
        with pytest.raises(Refused, match="other fields"):
            read(RING, leave(plain(KINDS), key))
    for data in ({**plain(KINDS), "more": []}, None, [], "state"):
        with pytest.raises(Refused, match="other fields"):
            read(RING, data)


def test_numbers_of_generators():
    assert number_of(12) == number_of("12") == "12" and number_of("9" * 9) == "9" * 9
    for value in (True, -1, "-1", "", "a", None, 1.0, "1" * 10):
        with pytest.raises(Refused, match="number of a generator"):
            number_of(value)


def test_lists_in_normal_form():
    """Restricted to x = 0; numbers, repetitions and units leave; a positive polynomial keeps its sign and its units."""
    s = state(
        KINDS, nonzero=["3 + x", "2*y*z + x", "-z", "y**2*z - y**3", "z - y"], positive=["4 - x", "2*y*z", "y*z", "-y"]
    )
    assert s.nonzero == (p("z"), p("y - z")) and s.positive == (p("y*z"), p("-y")) and not s.empty
    for lists, empty in (
        ({"nonzero": ["x"]}, True),
        ({"positive": ["x"]}, True),
        ({"positive": ["-3 + x"]}, True),
        ({"positive": ["3 + x"]}, False),
        ({"nonzero": ["-3 + x"]}, False),
        ({"nonzero": ["y", "x*y", "z"]}, True),
        ({"positive": ["z", "x"]}, True),
        ({"positive": ["x", "z"]}, True),
    ):
        s = state(KINDS, **lists)
        assert s.empty == s.uncertain == empty
    assert state(KINDS, nonzero=["x"]).but(nonzero=()).empty  # it stays so
    t = state({**KINDS, "r": "unit"}, roots=RELATION, nonzero=["r**2*z - 2"], positive=["r**2*z - 2*y", "r**3*z"])
    assert t.nonzero == (p("z - 1"),) and t.positive == (p("z - y"), p("r*z"))


def test_a_small_coordinate_has_no_shadow():
    s = state({"x": "small", "y": "unit", "z": "free"}, shadowed=["x", "y", "z"])
    assert s.shadowed == {"y", "z"}


def test_polynomials_in_listed_form():
    s = state({**KINDS, "r": "unit"}, roots=RELATION)
    for given, form in (
        ("-4*y**2*z + 2*y*x", "z"),
        ("r**2*y - 2*z*y", "z - 1"),
        ("x", "0"),
        ("-3", "1"),
        ("z**2*y - z", "z**2*y - z"),
    ):
        assert listed_form(s, p(given)) == p(form)


def test_reduction_modulo_relations():
    """√2 and its root: the last relation first, up to positive numbers; and relations that refer to each other end."""
    s = state({"x": "unit", "r": "unit"}, roots={"r": "r**2 - 2", "x": "x**2 - r"})
    assert s.reduce(p("x**4 - 3")) == p("-1") and s.reduce(p("x**5")) == p("x") and s.normal(p("-5*x**6")) == p("r")
    assert s.normal(p("x**8 - 4")) == p("0")
    t = state({"x": "unit", "r": "unit"}, roots={"r": "r - 2*x", "x": "x**2 - r"})
    assert t.normal(p("x**3")) == p("x") and t.normal(p("r**2")) == p("x") and t.reduce(p("-r")) == p("-x")


def test_what_a_polynomial_depends_on():
    """x is 0 here; r = √(2 + y), and through it y; the relation's small part does not count."""
    s = state({**KINDS, "r": "unit"}, roots={"r": "r**2 - 2 - y - x"})
    assert s.support(p("x + z")) == {"z"} and s.support(p("r")) == {"y"} and s.support(p("r*z + x*y")) == {"y", "z"}
    assert s.support(p("3")) == set()
    t = state({"x": "unit", "r": "unit", "y": "free", "z": "free"}, roots={"r": "r**2 - y - 2", "x": "x**2 - r - 2"})
    assert t.support(p("x*z")) == {"y", "z"} and s.on(p("x*y + z*x**2 + y")) == p("y")


SAME = {
    "jacobian": {"x": "1/2"},
    "sign": ["y"],
    "factor": {"z": 2},
    "nonzero": ["y + z"],
    "positive": ["z - 1"],
    "shadowed": ["z"],
}


@pytest.mark.parametrize(
    ("kinds", "generators", "change", "says"),
    [
        (KINDS, ["x*y", "z"], {}, ""),
        (KINDS, ["-3*x*y", "2*z"], {}, ""),
        (KINDS, ["x*y", "z"], {"shadowed": ["z", "y"]}, ""),
        (KINDS, ["x*y", "z"], {"uncertain": True}, ""),
        (KINDS, ["x*y", "z"], {"nonzero": ["-2*y**2 - 2*y*z"]}, ""),
        ({**KINDS, "x": "free"}, ["x*y", "z"], {}, "kind"),
        (KINDS, ["x*y", "z"], {"jacobian": {}}, "jacobian"),
        (KINDS, ["x*y", "z"], {"sign": []}, "sign"),
        (KINDS, ["x*y", "z"], {"factor": {"z": 1}}, "factor"),
        (KINDS, ["x*y", "x"], {}, "a generator"),
        (KINDS, ["z", "x*y"], {}, "a generator"),
        (KINDS, ["x*y"], {}, "a generator"),
        (KINDS, ["x*y", "z", "x"], {}, "a generator"),
        (KINDS, ["x*y", "z"], {"nonzero": []}, "`nonzero`"),
        (KINDS, ["x*y", "z"], {"nonzero": ["y - z"]}, "`nonzero`"),
        (KINDS, ["x*y", "z"], {"positive": ["1 - z"]}, "`positive`"),
        (KINDS, ["x*y", "z"], {"positive": ["z - 1", "z"]}, "`positive`"),
        (KINDS, ["x*y", "z"], {"shadowed": []}, "shadowed"),
        (KINDS, ["x*y", "z"], {"shadowed": ["y"]}, "shadowed"),
    ],
)
def test_two_states_are_one(kinds, generators, change, says):
    """The claimed one may promise less, and be written otherwise."""
    found, claimed = state(KINDS, ["x*y", "z"], **SAME), state(kinds, generators, **{**SAME, **change})
    if says:
        with pytest.raises(Refused, match=says):
            require_same(found, claimed, "result", numbered=True)
    else:
        require_same(found, claimed, "result", numbered=True)


def test_states_promise_no_more_than_was_found():
    sure, unsure, empty = (
        state({"x": "free"}),
        state({"x": "free"}, uncertain=True),
        state({"x": "free"}).but(empty=True),
    )
    require_same(sure, unsure, "result", numbered=True)
    require_same(empty, sure, "result", numbered=True)
    with pytest.raises(Refused, match="might be empty"):
        require_same(unsure, sure, "result", numbered=True)
    with pytest.raises(Refused, match="claimed to be empty"):
        require_same(sure, empty, "result", numbered=True)


def test_generators_of_children_are_a_set():
    one, other = state(KINDS, ["x*y", "z"]), state(KINDS, ["-z", "x*y", "z"])
    require_same(one, other, "child", numbered=False)
    with pytest.raises(Refused, match="generators of the child"):
        require_same(one, state(KINDS, ["x*y"]), "child", numbered=False)
    with pytest.raises(Refused, match="a generator"):
        require_same(one, other, "child", numbered=True)


def test_dependent_quantities_are_the_same_in_the_same_order():
    kinds = {"x": "unit", "r": "unit"}
    one, other = (
        state(kinds, roots=dict(order))
        for order in ((("x", "x - 2"), ("r", "r - 3")), (("r", "r - 3"), ("x", "x - 2")))
    )
    require_same(one, state(kinds, roots={"x": "-2*x + 4", "r": "r - 3"}), "result", numbered=True)
    for claimed, says in (
        (other, "dependent quantities"),
        (state(kinds, roots={"x": "x - 2"}), "dependent"),
        (state(kinds, roots={"x": "x - 2", "r": "r - 4"}), "relation"),
    ):
        with pytest.raises(Refused, match=says):
            require_same(one, claimed, "result", numbered=True)


def test_an_isomorphism_moves_everything():
    """x → z, z → x, y → −y."""
    s = state(
        {"x": "small", "y": "unit", "z": "free", "r": "unit"},
        ["x*y - z"],
        roots={"r": "r**2 - 2"},
        jacobian={"x": "1/2"},
        sign=["z"],
        factor={"x": 3},
        nonzero=["y + z"],
        positive=["z - y"],
        shadowed=["z"],
    )
    t = renamed(s, {"rename": {"x": "z", "z": "x"}, "negate": ["y"]})
    expected = state(
        {"z": "small", "y": "unit", "x": "free", "r": "unit"},
        ["-z*y - x"],
        roots={"r": "r**2 - 2"},
        jacobian={"z": "1/2"},
        sign=["x"],
        factor={"z": 3},
        nonzero=["x - y"],
        positive=["x + y"],
        shadowed=["x"],
    )
    for one, other in ((t, expected), (expected, t), (renamed(s, {"rename": {}}), s), (s, renamed(s, {"rename": {}}))):
        require_same(one, other, "child", numbered=True)
    moved = renamed(s, {"rename": {"x": "r", "r": "x"}})
    assert moved.roots == {"x": p("x**2 - 2")} and moved.generators["0"] == p("r*y - z")


@pytest.mark.parametrize(
    ("child", "says"),
    [
        ({}, "not a table"),
        ({"rename": []}, "not a table"),
        ({"rename": {}, "negate": "x"}, "not a table"),
        ({"rename": {"u": "x"}}, "unknown name"),
        ({"rename": {"x": "u"}}, "unknown name"),
        ({"rename": {}, "negate": ["u"]}, "unknown name"),
        ({"rename": {"x": "z"}}, "two names to one"),
        ({"rename": {"x": "y"}}, "two names to one"),
        ({"rename": {}, "negate": ["z"]}, "negates"),
        ({"rename": {}, "negate": ["r"]}, "negates"),
    ],
)
def test_what_is_no_isomorphism(child, says):
    s = state(KINDS, ["x*y - z"], sign=["z"])
    with pytest.raises(Refused, match=says):
        renamed(s, child)


def test_dependent_quantities_are_not_negated():
    s = state({"x": "small", "r": "unit"}, ["x"], roots=RELATION)
    with pytest.raises(Refused, match="negates"):
        renamed(s, {"rename": {}, "negate": ["r"]})
    assert renamed(s, {"rename": {"x": "y"}, "negate": ["x"]}).generators["0"] in (p("y"), p("-y"))


def test_coordinates_that_occur_nowhere_do_not_count():
    """x in a generator, y in a list, z in the factor; then none, but for one in a relation."""
    full = {"jacobian": {"x": "1", "z": "1"}, "sign": ["x", "y", "z"], "shadowed": ["y", "z"]}
    s = state(KINDS, ["x"], factor={"z": 1}, positive=["y"], **full)
    assert used(s) == s
    bare = used(state(KINDS, ["x"], nonzero=["z - 1"], **full))
    assert (bare.kind, bare.jacobian) == ({"x": "small", "z": "free"}, {"x": 1, "z": 1})
    assert (bare.sign, bare.shadowed) == ({"x", "z"}, {"z"})
    none = used(state(KINDS, ["1"], **full))
    assert (none.kind, none.jacobian, none.sign, none.shadowed) == ({}, {}, set(), set())
    held = used(state({"y": "unit", "r": "unit", "z": "free"}, ["1"], roots={"r": "r**2 - 2 - y"}))
    assert held.kind == {"y": "unit", "r": "unit"}

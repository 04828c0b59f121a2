"""Steps in the same coordinates: what each makes of a state, and every way in which it can be wrong."""

import pytest

from tests.theory.certificate.test_forged import ONE, p, state
from theory.certificate.refusal import Refused
from theory.certificate.steps import carry_out, carry_out_at_zeros

KINDS = {"x": "small", "y": "unit", "z": "free"}
STURM = {"rule": "sturm", "variable": "z"}


def after(s, name, **data):
    return carry_out(s, {"step": name, **data})


@pytest.mark.parametrize(
    "step", [None, [], "drop", {}, {"step": None}, {"step": ["drop"]}, {"step": "cover"}, {"step": "leap"}]
)
def test_what_is_no_step(step):
    with pytest.raises(Refused):
        carry_out(state(KINDS, ["x"]), step)
    with pytest.raises(Refused):
        carry_out_at_zeros(state(KINDS, ["x"]), step, p("z - 1"))


def test_steps_of_a_split_are_others_than_those_of_a_node():
    for name in ("square", "drop", "restrict"):
        with pytest.raises(Refused, match="unknown step"):
            carry_out_at_zeros(state(KINDS, ["x"]), {"step": name}, p("z - 1"))


def test_dropping():
    """A generator that is 0, also by r² = 2, or beside another one that is 1."""
    root = {"roots": {"r": "r**2 - 2"}}
    kinds = {**KINDS, "r": "unit"}
    for generators, i in ((["x", "x - x"], 1), (["x", "r**2*x - 2*x"], 1), (["x", "-3"], 0), (["x", "r**2"], 0)):
        found = after(state(kinds, generators, **root), "drop", generator=i)
        assert found.generators == {str(1 - i): state(kinds, generators, **root).generators[str(1 - i)]}
    for generators, i in ((["x", "y"], 0), (["x", "z"], 1), (["3"], 0), (["3", "x"], 0), (["x", "x - x"], 0)):
        with pytest.raises(Refused, match="dropped"):
            after(state(KINDS, generators), "drop", generator=i)
    for i in (2, None, "x", True):
        with pytest.raises(Refused, match="generator"):
            after(state(KINDS, ["x", "x - x"]), "drop", generator=i)


COMBINATION = {"generator": 0, "by": 1, "scale": 2, "times": "3*z", "from": "x*z + y", "with": "x - y"}


def test_combinations():
    """2(xz + y) − 3z(x − y) = −xz + 2y + 3yz, up to its sign."""
    s = state(KINDS, ["-x*z - y", "2*x - 2*y"])
    found = after(s, "combine", **COMBINATION)
    assert found.generators == {"0": p("x*z - 2*y - 3*y*z"), "1": s.generators["1"]}
    t = state({**KINDS, "r": "unit"}, ["x*r**2", "x - y"], roots={"r": "r**2 - 2"})
    step = {**COMBINATION, "from": "x", "with": "x - y", "times": "1", "scale": "1"}
    assert after(t, "combine", **step).generators["0"] == p("y")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scale": 0}, "scales by 0"),
        ({"scale": "1/2"}, "scales by 0"),
        ({"by": 0, "with": "x*z + y"}, "itself"),
        ({"from": "x*z - y"}, "starts from another"),
        ({"with": "x + y"}, "uses another"),
        ({"by": 2}, "no generator"),
        ({"generator": 2}, "no generator"),
        ({"times": "q"}, "unknown name"),
        ({"scale": None}, "not a rational"),
    ],
)
def test_wrong_combinations(change, says):
    with pytest.raises(Refused, match=says):
        after(state(KINDS, ["x*z + y", "x - y"]), "combine", **{**COMBINATION, **change})


def test_division():
    """By what has no zero, exactly; by r + z where r² = 2 and the generator is written without r² − z²."""
    s = state(KINDS, ["-2*x*z**2 - 2*x", "x"])
    assert after(s, "divide", generator=0, by="3*z**2 + 3", proof=STURM).generators == {"0": p("x"), "1": p("x")}
    for by, proof, says in (
        ("z**2 + 1", ONE, "no proof"),
        ("z - 1", STURM, "no proof"),
        ("z**2 + 2", STURM, "not exact"),
        ("x", STURM, "no proof"),
    ):
        with pytest.raises(Refused, match=says):
            after(s, "divide", generator=0, by=by, proof=proof)
    t = state({"x": "small", "z": "free", "r": "unit"}, ["r**3*x + 3*x"], roots={"r": "r**2 - 2"})
    proof = {"rule": "norm", "norm": "1", "proof": ONE}
    assert after(t, "divide", generator=0, by="2*r + 3", proof=proof).generators["0"] == p("x")


def pruning(generators, terms, kinds=KINDS, **more):
    return after(state(kinds, generators, **more), "prune", generator=0, terms=terms).generators["0"]


def test_pruning():
    """x²z² by the mean of x⁴ and z⁴ (or by x alone), whatever the power of a unit."""
    mean = {"1": "1/2", "2": "1/2"}
    kinds = {"x": "small", "y": "unit", "z": "small"}
    assert pruning(["x**2*z**2 + x*z", "x**4", "z**4"], [[[2, 0, 2, 0], mean]], kinds) == p("x*z")
    assert pruning(["x**2*z**2 + x*z", "x**4*y**9", "z**4"], [[[2, 0, 2, 0], mean]], kinds) == p("x*z")
    assert pruning(["x**2*z**2 + x*z", "x", "z"], [[[2, 0, 2, 0], {"1": 1}], [[1, 0, 1, 0], {"2": 1}]], kinds) == 0
    assert pruning(["x**3*z + x", "x**2*z"], [[[3, 0, 1, 0], {"1": 1}]]) == p("x")


@pytest.mark.parametrize(
    ("generators", "terms", "says"),
    [
        (["x**2*z**2 + x", "x**5", "z**4"], [[[2, 0, 2, 0], {"1": "1/2", "2": "1/2"}]], "not bounded"),
        (["x**2*z**2 + x", "x**4", "z**5"], [[[2, 0, 2, 0], {"1": "1/2", "2": "1/2"}]], "not bounded"),
        (["x**2*z**2 + x", "x**4", "z**4"], [[[2, 0, 2, 0], {"1": "1/2", "2": "1/3"}]], "add up"),
        (["x**2*z**2 + x", "x**4", "z**4"], [[[2, 0, 2, 0], {}]], "add up"),
        (["x**2*z**2 + x", "x**4", "z"], [[[2, 0, 2, 0], {"1": "-1", "2": "2"}]], "negative weight"),
        (["x**2*z**2 + x", "x**4", "z**4"], [[[2, 0, 2, 0], {"0": 1}]], "its own generator"),
        (["x**2*z**2 + x", "x + z"], [[[2, 0, 2, 0], {"1": 1}]], "no monomial"),
        (["x**2*z**2 + x", "x"], [[[2, 0, 2, 0], ["1"]]], "not a table"),
        (["x**2*z**2 + x", "x"], [[[2, 0, 2, 1], {"1": 1}]], "does not occur"),
        (["x**2*z**2 + x", "x"], [[[2, 0, 2, 0], {"1": 1}], [[2, 0, 2, 0], {"1": 1}]], "does not occur"),
        (["x**2*z**2 + x", "x"], [[[2, 0, 2, 0]]], "not exponents and weights"),
        (["x**2*z**2 + x", "x"], [[[2, 0, 2, 0], {"1": 1}, 3]], "not exponents and weights"),
        (["x**2*z**2 + x", "x"], ["ab"], "not exponents and weights"),
        (["x**2*z**2 + x", "x"], [["2020", {"1": 1}]], "not a list"),
        (["x**2*z**2 + x", "x"], {}, "not a list"),
        (["x**2*z**2 + x", "x"], None, "not a list"),
        (["x**2*z**2 + x", "x"], [[[2, 0, 2, 0], {"9": 1}]], "no generator"),
    ],
)
def test_wrong_pruning(generators, terms, says):
    with pytest.raises(Refused, match=says):
        pruning(generators, terms)


def test_as_many_terms_as_are_read():
    """20,000 terms are looked at and one of them is wrong; of one more the list is not read."""
    for count, says in ((20_000, "does not occur"), (20_001, "not a list")):
        with pytest.raises(Refused, match=says):
            pruning(["x**2", "x"], [[[3, 0, 0, 0], {"1": 1}]] * count)
    for count, says in ((20_000, "other terms than its own"), (20_001, "not a table")):
        with pytest.raises(Refused, match=says):
            after(state(KINDS, ["x**2"]), "spread", generator=0, into={str(k): [k, 0, 0, 0] for k in range(count)})


def test_spreading():
    """The new generators have numbers of their own, or that of the one that leaves; terms are those of the generator as it is."""
    s = state({"x": "small", "z": "small"}, ["x**2 + 3*z**2", "x"])
    found = after(s, "spread", generator=0, into={"0": [2, 0, 0, 0], "5": [0, 0, 2, 0]})
    assert found.generators == {"1": p("x"), "0": p("x**2"), "5": p("z**2")}
    t = state({"x": "small", "z": "small", "r": "unit"}, ["r**2*x**2 + z**2"], roots={"r": "r**2 - 2"})
    assert len(after(t, "spread", generator=0, into={"0": [2, 0, 0, 0], "5": [0, 0, 2, 0]}).generators) == 2
    for into, says in (
        ({"1": [2, 0, 0, 0], "5": [0, 0, 2, 0]}, "number of another"),
        ({"0": [2, 0, 0, 0], "5": [0, 0, 4, 0]}, "other terms"),
        ({"0": [2, 0, 0, 0]}, "other terms"),
        ({"0": [2, 0, 0, 0], "5": [0, 0, 2, 0], "6": [0, 0, 2, 0]}, "other terms"),
        ({"0": [2, 0, 0, 0], "five": [0, 0, 2, 0]}, "number of a generator"),
        ({"0": [2, 0, 0, 0], "5": "0020"}, "not a list"),
        ({"0": [2, 0, 0, 0], "5": [0, 0, 2.0, 0]}, "not a number"),
        ({"0": [2, 0, 0, 0], "5": [False, 0, 2, 0]}, "not a number"),
        ({"0": [2, 0, 0, 0], "5": [0, 0, -2, 0]}, "not a number"),
        ([[2, 0, 0, 0], [0, 0, 2, 0]], "not a table"),
    ):
        with pytest.raises(Refused, match=says):
            after(s, "spread", generator=0, into=into)


def test_extraction():
    """The power of a unit leaves without a trace; what was in the factor is added to."""
    s = state(KINDS, ["x**3*y*z - x**2*y", "x**2*y**2"], factor={"x": 1})
    found = after(s, "extract", exponents=[2, 1, 0, 0])
    assert found.generators == {"0": p("x*z - 1"), "1": p("y")} and found.factor == {"x": 3}
    assert after(state(KINDS, ["x*z"]), "extract", exponents=[1, 0, 1, 0]).factor == {"x": 1, "z": 1}
    t = state({"x": "small", "r": "unit"}, ["r**2*x - 2*x + x**2"], roots={"r": "r**2 - 2"})
    assert after(t, "extract", exponents=[2, 0, 0, 0]).generators["0"] == 1
    for exponents, says in (
        ([3, 0, 0, 0], "not exact"),
        ([2, 1, 0], "as many"),
        ([2, 1, 0, 0, 0], "as many"),
        ([0, 0, 0, 1], "not in use"),
        ([-1, 0, 0, 0], "not a number"),
        (None, "not a list"),
    ):
        with pytest.raises(Refused, match=says):
            after(s, "extract", exponents=exponents)


def test_promotion():
    """z divides what has no zero, or is positive; then it is a unit without exponents."""
    for lists in ({"nonzero": ["z*y - z**2"]}, {"positive": ["z*y - z**2"]}):
        s = state(KINDS, ["x"], factor={"z": 2, "x": 1}, jacobian={"z": "1", "x": "1/2"}, **lists)
        found = after(s, "promote", variable="z", polynomial="x + 2*z*y - 2*z**2")
        assert found.kind == {**KINDS, "z": "unit"} and found.factor == {"x": 1}
        assert found.jacobian == {"x": s.jacobian["x"]} and found.generators == s.generators
    for variable, polynomial, says in (
        ("x", "z*y - z**2", "only a free"),
        ("y", "z*y - z**2", "only a free"),
        (None, "z*y - z**2", "only a free"),
        (["z"], "z*y - z**2", "only a free"),
        ("z", "z", "not taken from"),
        ("z", "0", "not taken from"),
    ):
        with pytest.raises(Refused, match=says):
            after(s, "promote", variable=variable, polynomial=polynomial)
    t = state(KINDS, ["x"], nonzero=["z + y"])
    with pytest.raises(Refused, match="does not divide"):
        after(t, "promote", variable="z", polynomial="z + y")


def test_restriction_changes_nothing_more():
    s = state(KINDS, ["x*y + z"], nonzero=["z + x"], factor={"x": 1})
    assert carry_out(s, {"step": "restrict"}) == s

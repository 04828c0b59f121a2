"""Wrong statements in correct form: certificates and states made by hand to mislead, and how they are stopped.

Beside each stands why the step would be wrong. The rules that are right in a similar case are checked to be accepted.
"""

import copy
import itertools
import time
from fractions import Fraction

import pytest
import sympy as sp

from theory.certificate import branchings, check, report
from theory.certificate.polynomials import make_ring, parse
from theory.certificate.programme import lower_bound, upper_bound
from theory.certificate.refusal import Clock, Refused
from theory.certificate.state import read, require_same
from theory.certificate.steps import carry_out, carry_out_at_zeros
from theory.certificate.units import sign_of

RING = make_ring(["x", "y", "z", "r"])
ONE, LESS = {"rule": "constant", "sign": 1}, {"rule": "constant", "sign": -1}


def plain(kind, generators=(), **more):
    empty = {k: {} for k in ("roots", "jacobian", "factor")} | {
        k: [] for k in ("sign", "nonzero", "positive", "shadowed")
    }
    numbered = {str(i): g for i, g in enumerate(generators)}
    return {"kind": kind, "generators": numbered, "uncertain": False, **empty, **more}


def state(kind, generators=(), **more):
    return read(RING, plain(kind, generators, **more))


def p(text):
    return parse(RING, text)


def node(number, given, lower, **more):
    return {"number": number, "given": given, "steps": [], "result": copy.deepcopy(given), "lower": lower, **more}


def bound(value, multiplicity, **dual):
    return {"value": value, "multiplicity": multiplicity, "dual": {k.removeprefix("g"): v for k, v in dual.items()}}


def forged(h):
    """K = y² with prior |y|^h, blown up without need; in the chart of x, y is free with jacobian h.

    With the cost 1 for a free coordinate the weight 1 of x·y would be feasible, and λ ≥ 1/2; but λ = (h + 1)/2.
    """
    h = Fraction(h)
    jacobian = {"y": str(h)} if h else {}
    around = {"x": str(h + 1)} if h + 1 else {}
    first = plain({"x": "small", "y": "free"}, ["x*y"], jacobian={**around, **jacobian})
    second = plain({"x": "small", "y": "small"}, ["y"], jacobian={"y": str(h + 1)})
    root = plain({"x": "small", "y": "small"}, ["y"], jacobian=jacobian)
    charts = [{"node": 1, "chart": "x", "sign": 1}, {"node": 2, "chart": "y", "sign": 1, "small": ["x"]}]
    return {
        "format": "threefold-rlct/1",
        "variables": ["x", "y"],
        "names": ["x", "y"],
        "point": {"x": "0", "y": "0"},
        "orientation": {"x": 1, "y": 1},
        "power": 2,
        "relation": {"kind": "squares", "weights": ["1"], "roots": ["y"]},
        "generators": {"0": "y"},
        "numbers": {},
        "root": 0,
        "nodes": [
            node(0, root, bound("0", 1), branch={"branch": "blow-up", "weights": {"x": 1, "y": 1}}, children=charts),
            node(1, first, bound("1", 1, g0="1")),
            node(2, second, bound(str(h + 2), 1, g0=str(h + 2))),
        ],
        "lower": {"value": "1/2", "multiplicity": 1},
        "upper": {"value": "infinite", "multiplicity": 1},
        "exact": False,
    }


def test_a_free_coordinate_costs_no_more_than_its_own_exponent():
    x, y = sp.symbols("x y", real=True)
    for h in ("0", "1", "1/2"):
        assert check(forged(h), [y], (x, y), prior=sp.Abs(y) ** sp.Rational(h))
    found = report(forged("-1/2"), [y], (x, y), prior=1 / sp.sqrt(sp.Abs(y)))
    assert (found.accepted, found.node) == (False, 1) and "not feasible" in found.reason


def test_an_empty_stratum_is_uncertain():
    """Where x − 1 > 0, or x ≠ 0, or (x − 3)(x + 15) ≠ 0, there is no point with x = 0 (or x = 3)."""
    on = {"branch": "split", "on": "x", "steps": []}
    children = [{"node": 1, "nonzero": "x"}, {"node": 2, "zero": "x"}]
    for lists, empty in (
        ({"positive": ["x - 1"]}, True),
        ({"nonzero": ["x*y + x"]}, True),
        ({"positive": ["x + 1"]}, False),
    ):
        (_, apart), (_, at) = branchings.children(state({"x": "free", "y": "free"}, **lists), on, children)
        assert at.uncertain == empty and not apart.uncertain
    step = {"step": "straighten", "variable": "x", "coordinate": "x - 3", "a": "1", "b": "-3", "proof": ONE}
    for q, empty in (("x**2 + 12*x - 45", True), ("x**2 + 12*x - 46", False)):
        assert carry_out_at_zeros(state({"x": "free"}, nonzero=[q]), step, p("x - 3")).uncertain == empty
    assert carry_out(state({"x": "small", "y": "free"}, positive=["2*x - 2"]), {"step": "restrict"}).uncertain


def test_mixing_with_a_shadowed_coordinate_shadows():
    """x ranges over some open set, say 2 < x < 3; after x ← x − y and y ← y + x the new y is the old x: not free to be 0."""
    s = state({"x": "free", "y": "free"}, shadowed=["x"])
    s = carry_out(s, {"step": "straighten", "variable": "x", "coordinate": "x - y", "a": "1", "b": "-y", "proof": ONE})
    assert s.shadowed == {"x", "y"}
    t = state({"x": "free", "y": "free"}, shadowed=["x"])
    t = carry_out(t, {"step": "straighten", "variable": "y", "coordinate": "y + x", "a": "1", "b": "x", "proof": ONE})
    assert t.shadowed == {"x"}  # y + x takes every value when y does
    u = state({"x": "unit", "y": "free"}, shadowed=["y"])
    assert carry_out(u, {"step": "square", "variable": "x", "scaled": ["y"]}).shadowed == {"x", "y"}


def adjoined(kind, relation, on, **more):
    step = {"step": "adjoin", "variable": "x", "root": "r", "relation": relation, **more}
    return carry_out_at_zeros(state({"x": kind}), step, p(on))


def test_roots_that_are_adjoined():
    """A root is taken for a unit, so 0 must be none; a stratum has points only if there is a real root."""
    witness = {"point": {}, "interval": ["1", "2"]}
    s = adjoined("free", "r**2 - 2", "x**2 - 2", witness=witness)
    assert (s.kind, s.uncertain) == ({"x": "small", "r": "unit"}, False)
    assert adjoined("free", "r**2 - 2", "x**2 - 2").uncertain
    assert adjoined("unit", "r**2 - r", "x**2 - x", witness={"point": {}, "interval": ["1", "1"]}).kind["r"] == "unit"
    for kind, relation, on, more in (
        ("free", "r**2 - r", "x**2 - x", {}),
        ("free", "r**2 - 2", "x**2 - 3", {}),
        ("free", "r**2 + 1", "x**2 + 1", {"witness": witness}),
        ("small", "r**2 - 2", "x**2 - 2", {}),
        ("unit", "r**2 - r", "x**2 - x", {"witness": {"point": {}, "interval": ["-1/2", "1/2"]}}),
    ):
        with pytest.raises(Refused):
            adjoined(kind, relation, on, **more)
    with pytest.raises(Refused, match="unknown step"):
        carry_out(state({"x": "free"}), {"step": "adjoin", "variable": "x", "root": "r", "relation": "r**2 - 2"})


def test_norms():
    """α² = 2: α² − 3 and α + 1 are not 0, α² − 2 is; with β² = α as well, β² − α is."""
    s = adjoined("free", "r**2 - 2", "x**2 - 2")
    assert sign_of(s, p("r + 1"), {"rule": "norm", "norm": "1", "proof": ONE}) == 0
    assert sign_of(s, p("r**2 - 3"), {"rule": "constant", "sign": -1}) == -1
    t = state({"x": "small", "r": "unit", "y": "free"}, roots={"r": "r**2 - 2"})
    for q, norm in (("r**2 - 2", "1"), ("r**2 - 2", "0"), ("r + 1", "y"), ("r + y", "1")):
        with pytest.raises(Refused):
            sign_of(t, p(q), {"rule": "norm", "norm": norm, "proof": ONE})


@pytest.mark.parametrize(
    "kind, sign, polynomial, proof",
    [
        ("free", [], "x**2", {"rule": "signs", "sign": 1}),
        ("free", [], "x + 1", {"rule": "signs", "sign": 1}),
        ("free", [], "x + 1", {"rule": "sturm", "variable": "x"}),
        ("free", ["x"], "x", {"rule": "sturm", "variable": "x"}),
        ("free", [], "x**2 - 2*x + 1", {"rule": "sturm", "variable": "x"}),
        ("unit", [], "x**3 - 1", {"rule": "sturm", "variable": "x"}),
        ("unit", [], "x", {"rule": "sturm", "variable": "x", "sign": 1}),
        ("free", [], "x", {"rule": "monomial"}),
        ("free", [], "x**2 + x - 1", {"rule": "discriminant", "variable": "x", "leading": ONE, "discriminant": ONE}),
        ("free", [], "x**2 + 1", {"rule": "factors", "factors": [["x**2 + 1", 2, {"rule": "sturm", "variable": "x"}]]}),
        ("free", [], "x**2 + 1", {"rule": "listed"}),
        ("free", [], "x - x", {"rule": "constant"}),
        ("small", [], "x", {"rule": "sturm", "variable": "x"}),
    ],
)
def test_false_proofs(kind, sign, polynomial, proof):
    with pytest.raises(Refused):
        sign_of(state({"x": kind}, sign=sign), p(polynomial), proof)


@pytest.mark.parametrize(
    "kind, sign, polynomial, proof, found",
    [
        ("unit", [], "x**2 + 3*x**4", {"rule": "signs", "sign": 1}, 1),
        ("free", ["x"], "-x - 1", {"rule": "sturm", "variable": "x", "sign": -1}, -1),
        ("unit", ["x"], "x**2 + 2*x", {"rule": "sturm", "variable": "x", "sign": 1}, 1),
        ("unit", [], "x**2 + x + 1", {"rule": "sturm", "variable": "x", "sign": 1}, 1),
        ("unit", [], "x**3 + x", {"rule": "sturm", "variable": "x"}, 0),
        ("unit", [], "-2*x**5", {"rule": "monomial"}, 0),
        (
            "free",
            [],
            "x**2 + x + 1",
            {"rule": "discriminant", "variable": "x", "leading": ONE, "discriminant": LESS},
            1,
        ),
        ("small", [], "x - 7", {"rule": "constant", "sign": -1}, -1),
    ],
)
def test_true_proofs(kind, sign, polynomial, proof, found):
    assert sign_of(state({"x": kind}, sign=sign), p(polynomial), proof) == found


def test_charts_of_a_blow_up():
    """For each pattern of signs and parities: the charts listed are needed, and with one sign missing points are left out."""
    for weights, sign in itertools.product(
        ({"x": 1, "y": 1}, {"x": 2, "y": 3}, {"x": 2, "y": 4}), ([], ["y"], ["x", "y"])
    ):
        s = state({"x": "small", "y": "small"}, ["x*y"], sign=sign)
        both = [n for n in weights if n not in sign and (weights[n] % 2 == 0 or sign)]
        charts = [(n, e) for n in weights for e in ((1, -1) if n in both else (1,))]
        full = [{"node": 1, "chart": n, "sign": e} for n, e in charts]
        branch = {"branch": "blow-up", "weights": weights}
        assert len(branchings.children(s, branch, full)) == len(full)
        for k in range(len(full)):
            with pytest.raises(Refused, match="missing"):
                branchings.children(s, branch, full[:k] + full[k + 1 :])
        with pytest.raises(Refused):
            branchings.children(s, branch, [*full, full[0]])
        with pytest.raises(Refused, match="earlier"):
            branchings.children(s, branch, [{**full[0], "small": ["y"]}, *full[1:]])
    with pytest.raises(Refused, match="not small"):
        branchings.children(state({"x": "small", "y": "free"}), {"branch": "blow-up", "weights": {"x": 1, "y": 1}}, [])


def test_the_measure_in_a_chart():
    """|x|^a |y|^b dx dy with x = x², y = y x³: the power of x is 2a + 3b + 4 (two from x², three from y, less one)."""
    s = state({"x": "small", "y": "small"}, ["x + y"], jacobian={"x": "1/2", "y": "2"}, factor={"x": 1, "y": 5})
    full = [
        {"node": 1, "chart": "x", "sign": 1},
        {"node": 1, "chart": "x", "sign": -1},
        {"node": 1, "chart": "y", "sign": 1},
    ]
    (_, at), *_ = branchings.children(s, {"branch": "blow-up", "weights": {"x": 2, "y": 3}}, full)
    assert at.jacobian == {"x": 2 * Fraction(1, 2) + 3 * 2 + 4, "y": 2} and at.factor == {"x": 2 + 15, "y": 5}
    assert at.generators["0"] == p("x**2 + x**3*y") and at.kind == {"x": "small", "y": "free"}


@pytest.mark.parametrize(
    ("generators", "more", "along", "order", "value", "fits"),
    [
        (["x**2 - y**3"], {}, "x", 2, "1/2", True),  # ∂²/∂x² = 2
        (["x**2 - y**3"], {}, "y", 3, "1/3", True),
        (["x**2 - y**3"], {}, "x", 1, "1", False),  # ∂/∂x = 2x is 0 there
        (["x**2 - y**3"], {}, "x", 2, "2/3", False),  # more than the programme allows
        (
            ["x**2 - y**3"],
            {"jacobian": {"x": "3"}},
            "x",
            2,
            "1",
            False,
        ),  # |x|³ does not help where g vanishes away from x = 0
        (["x**2 - y**3"], {"jacobian": {"x": "-1/2"}}, "x", 2, "1/4", True),
        (["x**2 - y**3"], {"jacobian": {"x": "-1/2"}}, "x", 2, "1/2", False),
        (["x**2 - y**3"], {"factor": {"x": 2}}, "x", 2, "1/4", True),  # x²·g, of order 4 in x
        (["x**2 - y**3"], {"factor": {"x": 2}}, "x", 2, "1/2", False),
    ],
)
def test_bounds_by_derivatives(generators, more, along, order, value, fits):
    """Along x, {|x² − y³| < ε} has length ≤ C √ε whatever y is: λ ≥ 1/2."""
    s = state({"x": "small", "y": "small"}, generators, **more)
    data = {"value": value, "multiplicity": 2, "dual": {"0": value}, "along": along}
    data["derivatives"] = {"0": {"order": order, "proof": {"rule": "constant"}}}
    if fits:
        assert lower_bound(s, data) == (Fraction(value), 2)
        for wrong in (1, 3):
            with pytest.raises(Refused):
                lower_bound(s, {**data, "multiplicity": wrong})
    else:
        with pytest.raises(Refused):
            lower_bound(s, data)


def test_derivatives_are_along_one_coordinate_that_moves_nothing_else():
    """With g = x² + … along x and g' = y² + … along y, 1/2 + 1/2 would be claimed; (x − y)², (x + 2y)·(x − y) have ½."""
    s = state({"x": "small", "y": "small"}, ["x**2 - 2*x*y + y**2", "x**2 + x*y - 2*y**2"])
    both = {str(i): {"order": 2, "proof": {"rule": "constant"}} for i in range(2)}
    data = {"value": "1/2", "multiplicity": 2, "dual": {"0": "1/4", "1": "1/4"}, "along": "x", "derivatives": both}
    assert lower_bound(s, data) == (Fraction(1, 2), 2)
    for change in (
        {"value": "1", "dual": {"0": "1/2", "1": "1/2"}},
        {"along": "z"},
        {"derivatives": {}},
        {"along": None},
    ):
        with pytest.raises(Refused):
            lower_bound(s, {**data, **change})
    # r with r² = 2 + x moves with x: y·r − 2y − … may have other derivatives than its terms say.
    t = state({"x": "small", "y": "small", "r": "unit"}, ["r**2*y - x"], roots={"r": "r**2 - x - 2"})
    one = {"value": "1", "multiplicity": 2, "dual": {"0": "1"}, "derivatives": {"0": {"order": 1, "proof": LESS}}}
    with pytest.raises(Refused, match="relation"):
        lower_bound(t, {**one, "along": "x"})


def test_a_discriminant_is_by_a_coordinate():
    for name in ("q", "y", 2, None):
        proof = {"rule": "discriminant", "variable": name, "leading": ONE, "discriminant": LESS}
        with pytest.raises(Refused, match="not by a coordinate"):
            sign_of(state({"x": "free", "y": "small"}), p("x**2 + x + 1"), proof)


def test_terms_are_spread_only_where_none_takes_from_another():
    """x² + y² = 0 means x = y = 0; x² − y² = 0 and x + y = 0 do not, but x + y = 0 does where neither is negative."""
    for text, sign, into, fits in (
        ("x**2 + y**2", [], [[2, 0, 0, 0], [0, 2, 0, 0]], True),
        ("x**2 - y**2", [], [[2, 0, 0, 0], [0, 2, 0, 0]], False),
        ("x + y", [], [[1, 0, 0, 0], [0, 1, 0, 0]], False),
        ("x + y", ["x", "y"], [[1, 0, 0, 0], [0, 1, 0, 0]], True),
    ):
        s = state({"x": "small", "y": "small"}, [text], sign=sign)
        step = {"step": "spread", "generator": "0", "into": {str(i): v for i, v in enumerate(into)}}
        if fits:
            assert len(carry_out(s, step).generators) == 2
        else:
            with pytest.raises(Refused, match="one sign"):
                carry_out(s, step)


def test_a_term_is_pruned_as_it_stands_or_after_reduction():
    """With r² = 2, r²xy + x² is x² + 2xy: the term xy is bounded by the generator x."""
    s = state({"x": "small", "y": "small", "r": "unit"}, ["r**2*x*y + y**2", "x"], roots={"r": "r**2 - 2"})
    for exponents, left in (([1, 1, 0, 0], "y**2"), ([1, 1, 0, 2], "y**2")):
        step = {"step": "prune", "generator": "0", "terms": [[exponents, {"1": "1"}]]}
        assert carry_out(s, step).generators["0"] == p(left)
    with pytest.raises(Refused, match="does not occur"):
        carry_out(s, {"step": "prune", "generator": "0", "terms": [[[1, 1, 0, 1], {"1": "1"}]]})


def test_a_coordinate_is_promoted_by_a_listed_polynomial():
    step = {"step": "promote", "variable": "x", "polynomial": "x*y"}
    assert carry_out(state({"x": "free", "y": "free"}, nonzero=["x*y"]), step).kind["x"] == "unit"
    for listed, by in ((["y"], "x*y"), (["x*y"], "x - x"), (["x + y"], "x + y")):
        with pytest.raises(Refused, match="promoted coordinate"):
            carry_out(state({"x": "free", "y": "free"}, nonzero=listed), {**step, "polynomial": by})


def test_the_point_of_an_upper_bound():
    """It lies on the stratum: y = 0 where y is free, not where y is a unit, and 1 − y > 0."""
    proof = {"value": "1", "multiplicity": 1, "at": "generic", "primal": {"x": "1"}, "point": {"y": "0"}}
    free = state({"x": "small", "y": "free"}, ["x"], positive=["1 - y"])
    assert upper_bound(free, proof) == (1, 1)
    with pytest.raises(Refused, match="not positive at the point"):
        upper_bound(free, {**proof, "point": {"y": "2"}})
    with pytest.raises(Refused, match="sets a unit to 0"):
        upper_bound(state({"x": "small", "y": "unit"}, ["x"], positive=["1 - y"]), proof)


def test_a_claimed_state_may_shadow_more_but_not_less():
    s, shadowed = (state({"x": "free"}, ["x"], shadowed=names) for names in ([], ["x"]))
    require_same(s, shadowed, "result", numbered=True)
    with pytest.raises(Refused, match="shadowed"):
        require_same(shadowed, s, "result", numbered=True)


def test_the_clock_counts_seconds():
    before = time.monotonic_ns()
    clock = Clock(3)
    assert before + 3_000_000_000 <= clock.end <= time.monotonic_ns() + 3_000_000_000
    clock.tick()
    with pytest.raises(Refused, match="time limit"):
        Clock(-1).tick()


def test_a_relation_is_not_one_of_its_factors():
    """r² − 3r + 2 = 0 leaves r = 1 and r = 2: neither claim says what the other does. Where r² = 2 before, z² = r is z² = r³/2."""
    both, one = ({"x": "small", "r": "unit"}, {"r": "r**2 - 3*r + 2"}), ({"x": "small", "r": "unit"}, {"r": "r - 1"})
    found, claimed = (state(kind, roots=roots) for kind, roots in (both, one))
    for a, b in ((found, claimed), (claimed, found)):
        with pytest.raises(Refused, match="a relation of the result is not as claimed"):
            require_same(a, b, "result", numbered=True)
    kinds = {"x": "small", "r": "unit", "z": "unit"}
    plainly, reduced = (
        state(kinds, roots={"r": "r**2 - 2", "z": relation}) for relation in ("2*z**2 - r**3", "z**2 - r")
    )
    require_same(plainly, reduced, "result", numbered=True)

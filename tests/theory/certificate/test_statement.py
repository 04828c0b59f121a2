"""The root of a certificate and the caller's question: every field that says something else is refused for what it says."""

import copy

import pytest
import sympy as sp

from theory.certificate import report
from theory.certificate.statement import MAX_OPERATIONS
from theory.certificate.verdict import MAX_NODES, MAX_STEPS
from theory.rlct import rlct, rlct_ideal

x, y, z = sp.symbols("x y z", real=True)
CUSP = rlct_ideal([x**2 - y**3], (x, y)).certificate
CORNER = rlct((x - 1 + y**2) ** 2, (x, y), domain="box", at=[1, 0]).certificate
PRIOR = rlct_ideal([x * y**3], (x, y), prior=sp.Abs(x) ** sp.Rational(1, 2) * y**2).certificate
NUMBER = rlct_ideal([(x**2 - 2) ** 2 - y**3], (x, y), at=[sp.sqrt(2), 0]).certificate
SPAN = (x**2 - y * z) ** 2 + (y**2 - z * x) ** 2 + (z**2 - x * y) ** 2


def changed(certificate, **fields):
    return {**copy.deepcopy(certificate), **fields}


def why(certificate, K, variables, **how):
    """The reason of a refusal, nothing where the certificate is accepted."""
    found = report(certificate, K, variables, **how)
    assert found.accepted == (not found.reason)
    return found.reason


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, ""),
        ({"format": "threefold-rlct/2"}, "not a certificate of this format"),
        ({"more": 1}, "unknown fields"),
        ({"names": "xy"}, "names are not a list"),
        ({"exact": 1}, "exact is not true or false"),
        ({"exact": None}, "exact is not true or false"),
        ({"root": 7}, "there is no root node"),
        ({"root": "0"}, "`root` is missing"),
        ({"nodes": []}, "reasonable length"),
        ({"nodes": {}}, "reasonable length"),
        ({"nodes": [1]}, "a node is not a table"),
        ({"generators": []}, "`generators` is missing"),
        ({"generators": {"0": "x**2 - 2*y**3"}}, "a generator of the root"),
        ({"generators": {"0": "x**2 - y**3", "1": "x"}}, "a generator of the root"),
        ({"variables": ["y", "x"]}, "other variables"),
        ({"variables": ["x"]}, "the point is not one"),
        ({"variables": "xy"}, "`variables` is missing"),
        ({"variables": ["x", 1]}, "not a list of names"),
        ({"point": {"x": "0"}}, "the point is not one"),
        ({"point": {"x": "0", "y": "1"}}, "another y"),
        ({"point": {"x": "1", "y": "0"}}, "another x"),
        ({"point": {"x": "0", "y": "u"}}, "cannot be read"),
        ({"point": {"x": "0", "y": 0}}, "not a text"),
        ({"orientation": {"x": 1}}, "the point is not one"),
        ({"orientation": {"x": 1, "y": 2}}, "not 1 or -1"),
        ({"orientation": {"x": 1, "y": 1.0}}, "not 1 or -1"),
        ({"orientation": {"x": 1, "y": -1}}, "another function"),
        ({"numbers": {"r": "1"}}, "has no relation"),
        ({"numbers": {"x": "1"}}, "has no relation"),
        ({"numbers": {"r": "1", "q": "2"}}, "more than one"),
        ({"numbers": []}, "`numbers` is missing"),
        ({"power": 1}, "power"),
        ({"power": None}, "power"),
        ({"relation": None}, "`relation` is missing"),
        ({"relation": {"kind": "cubes", "weights": ["1"], "roots": ["x**2 - y**3"]}}, "neither squares"),
        ({"relation": {"kind": "squares", "weights": [], "roots": []}}, "as many weights"),
        ({"relation": {"kind": "squares", "weights": ["1", "1"], "roots": ["x**2 - y**3"]}}, "as many weights"),
        ({"relation": {"kind": "squares", "weights": ["0"], "roots": ["x**2 - y**3"]}}, "a weight is not positive"),
        ({"relation": {"kind": "squares", "weights": ["-1"], "roots": ["x**2 - y**3"]}}, "a weight is not positive"),
        ({"relation": {"kind": "squares", "weights": ["2"], "roots": ["x**2 - y**3"]}}, "another function"),
        ({"relation": {"kind": "squares", "weights": ["1"], "roots": ["x**2 + y**3"]}}, "another function"),
        ({"relation": {"kind": "squares", "weights": ["1", "1"], "roots": ["x**2 - y**3", "x"]}}, "another function"),
        ({"relation": {"kind": "squares", "weights": ["1"], "roots": ["y**3 - x**2"]}}, ""),
        ({"relation": {"kind": "squares", "weights": ["1/4"], "roots": ["2*y**3 - 2*x**2"]}}, ""),
        ({"relation": {"kind": "squares", "weights": ["1", "1"], "roots": ["x**2 - y**3", "0"]}}, ""),
        ({"relation": {"kind": "squares", "weights": ["1", "3"], "roots": ["x**2 - y**3", "0"]}}, ""),
        ({"relation": {"kind": "itself", "weights": ["1"], "roots": ["(x**2 - y**3)**2"]}}, "power"),
        ({"relation": {"kind": "itself", "weights": ["1", "1"], "roots": ["x", "y"]}}, "not one function"),
    ],
)
def test_fields_of_a_cusp(fields, says):
    reason = why(changed(CUSP, **fields), [x**2 - y**3], (x, y))
    assert says in reason and bool(says) == bool(reason), reason


@pytest.mark.parametrize("key", sorted(set(CUSP) - {"upper_proof"}))
def test_no_field_is_left_out(key):
    assert why({k: v for k, v in CUSP.items() if k != key}, [x**2 - y**3], (x, y))


@pytest.mark.parametrize(
    ("K", "variables", "how", "says"),
    [
        ([x**2 - y**3], (x, y), {}, ""),
        ([y**3 - x**2], (x, y), {}, ""),
        ((x**2 - y**3) ** 2, (x, y), {}, ""),
        ((x**2 - y**3) ** 2, None, {}, ""),
        ((x**2 - y**3,), (x, y), {}, ""),
        ([x**2 - y**3, sp.Integer(0)], (x, y), {}, ""),
        ([x**2 - y**3, x], (x, y), {}, "another function"),
        (x**2 - y**3, (x, y), {}, "another function"),
        ([x**2 - y**3], (x, y), {"prior": 2}, ""),
        ([x**2 - y**3], (x, y), {"prior": sp.exp(-(x**2)) * (1 + y)}, ""),
        ([x**2 - y**3], (x, y), {"prior": -1}, "known kind"),
        ([x**2 - y**3], (x, y), {"prior": y - 1}, "known kind"),
        ([x**2 - y**3], (x, y), {"prior": 1 + sp.Abs(x)}, "known kind"),
        ([x**2 - y**3], (x, y), {"prior": sp.exp(sp.Abs(x))}, "known kind"),
        ([x**2 - y**3], (x, y), {"prior": sp.cos(x)}, "known kind"),
        ([x**2 - y**3], (x, y), {"prior": x}, "known to be positive"),
        ([x**2 - y**3], (x, y), {"prior": x**2}, "not the prior"),
        ([x**2 - y**3], (x, y), {"prior": sp.Abs(y)}, "not the prior"),
        ([x**2 - y**3], (x, y), {"prior": 1 / sp.Abs(y)}, "cannot be integrated"),
        ([x**2 - y**3], (x, y), {"prior": sp.Abs(y) ** -2}, "cannot be integrated"),
        ([x**2 - y**3], (x, y), {"prior": sp.Abs(x) ** sp.sqrt(2)}, "known to be positive"),
        ([x**2 - y**3], (x, y), {"prior": z}, "unknown symbol"),
        ([x**2 - y**3 + z - z], (x, y), {}, ""),
        ([x**2 - y**3 + z], (x, y), {}, "unknown symbol"),
        ([x**2 - y**3], (x, y), {"prior": sp.Float(2)}, "not exact"),
        ([sp.Float(1) * x**2 - y**3], (x, y), {}, "not exact"),
        ([x**2 - y**3], (x, y), {"at": (0, 0)}, ""),
        ([x**2 - y**3], (x, y), {"at": {}}, ""),
        ([x**2 - y**3], (x, y), {"at": {y: 0}}, ""),
        ([x**2 - y**3], (x, y), {"at": {z: 0}}, "unknown symbol"),
        ([x**2 - y**3], (x, y), {"at": (0,)}, "another number of coordinates"),
        ([x**2 - y**3], (x, y), {"at": (0, 0, 0)}, "another number of coordinates"),
        ([x**2 - y**3], (x, y), {"at": (0, sp.I)}, "not real"),
        ([x**2 - y**3], (x, y), {"at": (0, z)}, "not real"),
        ([x**2 - y**3], (x, y), {"domain": {x: (-1, None)}}, ""),
        ([x**2 - y**3], (x, y), {"domain": {x: (None, 1), y: (-1, 1)}}, ""),
        ([x**2 - y**3], (x, y), {"domain": {z: (None, 1)}}, "unknown symbol"),
        ([x**2 - y**3], (x, y), {"domain": {x: (0, None)}}, "signs of the root"),
        ([x**2 - y**3], (x, y), {"domain": {x: (None, 0)}}, "on the other side"),
        ([x**2 - y**3], (x, y), {"domain": {x: (0, 0)}}, "no interior"),
        ([x**2 - y**3], (x, y), {"domain": {x: (1, None)}}, "not in the domain"),
        ([x**2 - y**3], (x, y), {"domain": {x: (None, -1)}}, "not in the domain"),
        ([x**2 - y**3], (x, y), {"domain": "disc"}, "unknown domain"),
        ([x**2 - y**3], (x, y), {"domain": None}, "unknown domain"),
        ([x**2 - y**3], (y, x), {}, "other variables"),
        ([x**2 - y**3], (x, y, z), {}, "other variables"),
        ((x**2 - y**3) ** 2, [x, y], {}, ""),
    ],
)
def test_questions_about_a_cusp(K, variables, how, says):
    reason = why(CUSP, K, variables, **how)
    assert says in reason and bool(says) == bool(reason), reason


def test_a_corner_on_the_far_side():
    """x ≤ 1 at x = 1: the local coordinate is 1 − x ≥ 0."""
    K, asked = (x - 1 + y**2) ** 2, {"domain": "box", "at": [1, 0]}
    assert CORNER["orientation"] == {"x": -1, "y": 1}
    assert not why(CORNER, K, (x, y), **asked)
    assert not why(CORNER, K, (x, y), at=[1, 0], domain={x: (None, 1), y: (0, sp.Rational(1, 2))})
    for how, says in (
        ({"domain": {x: (1, None), y: (0, None)}, "at": [1, 0]}, "on the other side"),
        ({"domain": {x: (None, 1)}, "at": [1, 0]}, "signs of the root"),
        ({"domain": "nonnegative", "at": [1, 0]}, "signs of the root"),
        ({"domain": "box"}, "another x"),
    ):
        assert says in why(CORNER, K, (x, y), **how)
    forged = changed(CORNER, orientation={"x": 1, "y": 1})
    assert "on the other side" in why(forged, K, (x, y), **asked)


@pytest.mark.parametrize(
    ("prior", "says"),
    [
        (sp.sqrt(sp.Abs(x)) * y**2, ""),
        (sp.sqrt(sp.Abs(-x)) * sp.Abs(y) * sp.Abs(y), ""),
        (7 * sp.sqrt(sp.Abs(x)) * y**2 * sp.exp(x - y), ""),
        (sp.sqrt(sp.Abs(x)) * y**4 * sp.Abs(y) ** -2, ""),
        (sp.sqrt(sp.Abs(x)) * y, "known to be positive"),
        (sp.sqrt(sp.Abs(x)) * y**3, "known to be positive"),
        (sp.sqrt(sp.Abs(x)), "not the prior"),
        (sp.Abs(x) * y**2, "not the prior"),
        (sp.sqrt(sp.Abs(y)) * x**2, "not the prior"),
    ],
)
def test_priors(prior, says):
    reason = why(PRIOR, [x * y**3], (x, y), prior=prior)
    assert says in reason and bool(says) == bool(reason), reason


def test_on_one_side_a_prior_needs_no_absolute_value():
    prior = sp.sqrt(x) * y
    data = rlct_ideal([x * y**3], (x, y), prior=prior, domain="nonnegative").certificate
    assert not why(data, [x * y**3], (x, y), prior=prior, domain="nonnegative")
    assert "known to be positive" in why(data, [x * y**3], (x, y), prior=prior, domain={x: (0, None)})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("-sqrt(2)", "another function"),
        ("sqrt(3)", "no root of its relation"),
        ("0", "or 0"),
        ("sqrt(-2)", ""),
        (2, "not a text"),
    ],
)
def test_the_number_of_a_root(value, says):
    """√2 in K is √2 in the certificate; the other root of r² − 2 gives another function."""
    K, at = [(x**2 - 2) ** 2 - y**3], [sp.sqrt(2), 0]
    assert not why(NUMBER, K, (x, y), at=at)
    (name,) = NUMBER["numbers"]
    reason = why(changed(NUMBER, numbers={name: value}), K, (x, y), at=at)
    assert reason and (says in reason or says == "another function"), reason
    assert why(changed(NUMBER, numbers={}), K, (x, y), at=at)


def test_a_span_is_of_rational_polynomials_with_the_same_span():
    K = sp.expand(SPAN)
    data = rlct(K, (x, y, z)).certificate
    assert "span" in data["relation"] and not why(data, K, (x, y, z))
    for span, says in (
        (data["relation"]["span"][:1], "another span"),
        ([*data["relation"]["span"], "x"], "another span"),
        ([f"pi*({g})" for g in data["relation"]["span"]], "rational polynomials"),
        (None, "`span` is missing"),
    ):
        assert says in why(changed(data, relation={**data["relation"], "span": span}), K, (x, y, z))
    both = {**data["relation"], "comparisons": []}
    assert "rational polynomials only" in why(changed(data, relation=both), K, (x, y, z))


def test_roots_and_generators_belong_to_each_other():
    """A generator less or more at the root, in a certificate that is right in itself: 0 ≤ λ ≤ ∞ needs no proof."""
    state = {
        "kind": {"x": "small", "y": "small"},
        "roots": {},
        "jacobian": {},
        "sign": [],
        "factor": {},
        "nonzero": [],
        "positive": [],
        "shadowed": [],
        "uncertain": False,
    }
    for generators, says in (
        ({"0": "x", "1": "y"}, ""),
        ({"0": "-3*x", "1": "y", "2": "x"}, ""),
        ({"0": "x"}, "a root has no generator"),
        ({"0": "x", "1": "y", "2": "x*y"}, "a generator has no root"),
        ({"0": "x + y", "1": "y"}, "a root has no generator"),
    ):
        node = {
            "number": 0,
            "given": {**state, "generators": generators},
            "steps": [],
            "result": {**state, "generators": generators},
            "lower": {"value": "0", "multiplicity": 1},
        }
        data = {
            "format": "threefold-rlct/1", "variables": ["x", "y"], "names": ["x", "y"], "point": {"x": "0", "y": "0"},
            "orientation": {"x": 1, "y": 1}, "power": 2,
            "relation": {"kind": "squares", "weights": ["1", "1"], "roots": ["x", "y"]},
            "generators": generators, "numbers": {}, "root": 0, "nodes": [node],
            "lower": {"value": "0", "multiplicity": 1}, "upper": {"value": "infinite", "multiplicity": 1}, "exact": False,
        }  # fmt: skip
        reason = why(data, [x, y], (x, y))
        assert says in reason and bool(says) == bool(reason), reason
        for field, value, what in (
            ("kind", {"x": "small", "y": "free"}, "not small at the root"),
            ("kind", {"x": "small", "y": "unit"}, "not small at the root"),
            ("factor", {"x": 1}, "not that of a problem"),
            ("nonzero", ["x"], "not that of a problem"),
            ("positive", ["x"], "not that of a problem"),
            ("uncertain", True, "not that of a problem"),
            ("jacobian", {"x": "1"}, "not the prior"),
            ("sign", ["x"], "not the domain"),
        ):
            other = {**node, "given": {**node["given"], field: value}, "result": {**node["result"], field: value}}
            assert what in why({**data, "nodes": [other]}, [x, y], (x, y))
        zero = {**data, "relation": {"kind": "squares", "weights": ["1"], "roots": ["0"]}}
        assert "identically 0" in why(zero, [sp.Integer(0)], (x, y))


def test_how_much_is_read():
    """Nodes, steps of a node, operations in K."""
    (first, *_) = CUSP["nodes"]
    assert "number of its own" in why(changed(CUSP, nodes=[first, first]), [x**2 - y**3], (x, y))
    assert "reasonable length" in why(changed(CUSP, nodes=[first] * (MAX_NODES + 1)), [x**2 - y**3], (x, y))
    data = copy.deepcopy(CUSP)
    root = next(n for n in data["nodes"] if n["number"] == data["root"])
    root["steps"] = [*root["steps"], *([{"step": "restrict"}] * (MAX_STEPS - len(root["steps"])))]
    assert not why(data, [x**2 - y**3], (x, y))
    root["steps"].append({"step": "restrict"})
    assert "the steps are not a list" in why(data, [x**2 - y**3], (x, y))
    large = sp.Add(*(x**k for k in range(2, MAX_OPERATIONS // 2 + 3)))
    assert "too large an expression" in why(CUSP, large, (x, y))

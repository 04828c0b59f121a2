"""Weak duality: which weights are accepted, by the definition written out again with sympy's ranks, and what is no bound at all."""

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.theory.certificate.test_forged import ONE, state
from theory.certificate.programme import Pair, lower_bound, rank, read_pair, upper_bound
from theory.certificate.refusal import Refused

NAMES = ("x", "y", "z")
GRID = [Fraction(0), Fraction(1, 4), Fraction(1, 3), Fraction(1, 2), Fraction(1), Fraction(2)]
exponents = st.tuples(*[st.integers(0, 3)] * 3)
measures = st.sampled_from([Fraction(0), Fraction(0), Fraction(1), Fraction(-1, 2), Fraction(1, 3)])


@st.composite
def monomial_states(draw):
    """(kinds, exponents of the generators, jacobian, factor): of units neither."""
    kinds = dict(zip(NAMES, draw(st.tuples(*[st.sampled_from(["small", "small", "free", "unit"])] * 3)), strict=True))
    rows = draw(st.lists(exponents, min_size=1, max_size=3, unique=True))
    h = {n: draw(measures) for n in NAMES if kinds[n] != "unit"}
    e = {n: draw(st.sampled_from([0, 0, 1, 2])) for n in NAMES if kinds[n] != "unit"}
    return kinds, rows, h, e


def built(kinds, texts, h, e, **more):
    jacobian = {n: str(v) for n, v in h.items() if v}
    return state(kinds, texts, jacobian=jacobian, factor={n: v for n, v in e.items() if v}, **more)


def written(row):
    return "*".join(["1", *(f"{n}**{k}" for n, k in zip(NAMES, row, strict=True))])


def ranked(rows):
    return (
        sp.Matrix([[sp.Rational(v.numerator, v.denominator) for v in map(Fraction, row)] for row in rows]).rank()
        if rows
        else 0
    )


@given(monomial_states(), st.data())
@settings(max_examples=60, deadline=None)
def test_lower_bounds_are_feasible_weights(drawn, data):
    """y ≥ 0 with Σ y_j (a_j + e) ≤ h + 1, for a free coordinate ≤ min(1, h + 1); the multiplicity is 1 + n − rank."""
    kinds, rows, h, e = drawn
    y = [data.draw(st.sampled_from(GRID)) for _ in rows]
    s = built(kinds, [written(row) for row in rows], h, e)
    places = [k for k, n in enumerate(NAMES) if kinds[n] != "unit"]
    full = [[row[k] + e[NAMES[k]] for k in places] for row in rows]
    cost = [h[NAMES[k]] + 1 if kinds[NAMES[k]] == "small" else min(Fraction(1), h[NAMES[k]] + 1) for k in places]
    load = [sum((w * row[i] for w, row in zip(y, full, strict=True)), Fraction(0)) for i in range(len(places))]
    tight = [row for w, row in zip(y, full, strict=True) if w]
    tight += [[int(i == k) for k in range(len(places))] for i in range(len(places)) if load[i] < cost[i]]
    m = 1 + len(places) - ranked(tight)
    bound = {"value": str(sum(y)), "multiplicity": m, "dual": {str(i): str(w) for i, w in enumerate(y)}}
    if any(a > c for a, c in zip(load, cost, strict=True)):
        with pytest.raises(Refused, match="not feasible"):
            lower_bound(s, bound)
        return
    assert lower_bound(s, bound) == (sum(y), m)
    with pytest.raises(Refused, match="do not add up"):
        lower_bound(s, {**bound, "value": str(sum(y) + Fraction(1, 9))})
    if sum(y):
        for wrong in {m - 1, m + 1} - {0}:
            with pytest.raises(Refused, match="multiplicity"):
                lower_bound(s, {**bound, "multiplicity": wrong})


@given(monomial_states(), st.lists(exponents, max_size=2), st.sampled_from(["generic", "origin"]), st.data())
@settings(max_examples=60, deadline=None)
def test_upper_bounds_are_feasible_weights(drawn, further, at, data):
    """u ≥ 0 with u·(a + e) ≥ 1 for all terms, on the small coordinates, at the origin the free ones too."""
    kinds, rows, h, e = drawn
    wanted = ("small",) if at == "generic" else ("small", "free")
    places = [k for k, n in enumerate(NAMES) if kinds[n] in wanted]
    assume(not set(further) & set(rows))
    s = built(kinds, [*map(written, rows[:-1]), " + ".join(map(written, [rows[-1], *dict.fromkeys(further)]))], h, e)
    u = [data.draw(st.sampled_from(GRID)) for _ in places]
    full = [[row[k] + e[NAMES[k]] for k in places] for row in {*rows, *further}]
    levels = [sum((a * b for a, b in zip(u, row, strict=True)), Fraction(0)) for row in full]
    cost = [h[NAMES[k]] + 1 for k in places]
    tight = [row for level, row in zip(levels, full, strict=True) if level == 1]
    tight += [[int(i == k) for k in range(len(u))] for i in range(len(u)) if not u[i]]
    m, value = 1 + len(u) - ranked(tight), sum((a * c for a, c in zip(u, cost, strict=True)), Fraction(0))
    proof = {"at": at, "primal": {NAMES[k]: str(v) for k, v in zip(places, u, strict=True)}}
    proof |= {"value": str(value), "multiplicity": m}
    if any(level < 1 for level in levels):
        with pytest.raises(Refused, match="a term is smaller"):
            upper_bound(s, proof)
    elif ranked(tight) < ranked([*tight, cost]):
        with pytest.raises(Refused, match="not spanned"):
            upper_bound(s, proof)
    else:
        assert upper_bound(s, proof) == (value, m)
        for change, says in (({"value": str(value - 1)}, "another value"), ({"multiplicity": m + 1}, "multiplicity")):
            with pytest.raises(Refused, match=says):
                upper_bound(s, {**proof, **change})


@given(st.lists(st.tuples(*[st.fractions(-3, 3, max_denominator=3)] * 3), max_size=4))
@settings(max_examples=30, deadline=None)
def test_ranks(rows):
    assert rank(rows) == ranked(rows)


def test_the_rank_of_nothing():
    assert rank([]) == rank([()]) == rank([(), ()]) == 0


def test_the_order_of_pairs():
    """Smaller λ first, for equal λ the larger m; no threshold at all comes last."""
    pairs = [
        Pair(Fraction(0), 1),
        Pair(Fraction(1, 2), 3),
        Pair(Fraction(1, 2), 1),
        Pair(Fraction(10**9), 1),
        Pair(None, 1),
    ]
    shuffled = [pairs[k] for k in (3, 1, 4, 0, 2)]
    assert sorted(shuffled, key=Pair.key) == pairs


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"value": "1"},
        {"value": "1", "multiplicity": 0},
        {"value": "1", "multiplicity": -1},
        {"value": "1", "multiplicity": True},
        {"value": "1", "multiplicity": "1"},
        {"value": "1", "multiplicity": 10**12 + 1},
        {"multiplicity": 1},
        {"value": None, "multiplicity": 1},
        {"value": "finite", "multiplicity": 1},
    ],
)
def test_what_is_no_pair(data):
    with pytest.raises(Refused):
        read_pair(data)


def test_what_is_a_pair():
    assert read_pair({"value": "1/2", "multiplicity": 10**12}) == (Fraction(1, 2), 10**12)
    assert read_pair({"value": "infinite", "multiplicity": 1}) == (None, 1)


def test_only_a_function_without_zeros_has_no_threshold():
    """1, or the unit y² with y² = 2, is one of the generators; with a factor the function vanishes where that does."""
    infinite = {"value": "infinite", "multiplicity": 1, "dual": {}}
    assert lower_bound(state({"x": "small"}, ["x", "3"]), infinite).value is None
    assert (
        lower_bound(state({"x": "small", "y": "unit"}, ["x", "y**2"], roots={"y": "y**2 - 2"}), infinite).value is None
    )
    assert lower_bound(state({"x": "small"}, ["x", "3"]), {"value": "infinite", "multiplicity": 1}).value is None
    for generators, more in (
        (["x", "3"], {"factor": {"x": 1}}),
        (["x"], {}),
        (["x - x"], {}),
        ([], {}),
        (["x + 1"], {}),
    ):
        with pytest.raises(Refused, match="infinite"):
            lower_bound(state({"x": "small"}, generators, **more), infinite)


def test_weights_belong_to_monomials_and_are_not_negative():
    s = state({"x": "small", "y": "small"}, ["x", "y", "x + y"])
    for dual in ({"0": "-1", "1": "2"}, {"7": "1"}, {"2": "1"}, {"0": "1/0"}, {"zero": "1"}, {"0": None}, ["0"], None):
        with pytest.raises(Refused):
            lower_bound(s, {"value": "1", "multiplicity": 1, "dual": dual})
    assert lower_bound(s, {"value": "0", "multiplicity": 7}) == (0, 7)  # λ > 0 needs no proof
    assert lower_bound(s, {"value": "2", "multiplicity": 1, "dual": {"0": "1", "1": "1"}}) == (2, 1)
    with pytest.raises(Refused, match="add up"):
        lower_bound(s, {"value": "1", "multiplicity": 1})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"at": "here"}, "neither generic"),
        ({"at": None}, "neither generic"),
        ({"primal": None}, "primal"),
        ({"primal": {"x": "1", "z": "0"}}, "other coordinates"),
        ({"primal": {"x": "-1"}}, "negative"),
        ({"primal": {"x": "1/2"}}, "smaller"),
        ({"primal": {}}, "smaller"),
        ({"point": []}, "not a table"),
        ({"value": "2"}, "another value"),
    ],
)
def test_what_proves_no_upper_bound(change, says):
    s = state({"x": "small", "y": "unit", "z": "free"}, ["x*y"])
    proof = {"at": "generic", "primal": {"x": "1"}, "value": "1", "multiplicity": 1}
    assert upper_bound(s, proof) == (1, 1)
    with pytest.raises(Refused, match=says):
        upper_bound(s, {**proof, **change})


def test_no_upper_bound_on_what_may_be_empty_or_at_a_shadow():
    """At the origin of z, which ranges over some open set only, there need be no point."""
    proof = {"at": "origin", "primal": {"x": "1"}, "value": "1", "multiplicity": 1}
    kind = {"x": "small", "z": "free", "y": "unit"}
    assert upper_bound(state(kind, ["x"]), proof) == upper_bound(state(kind, ["x"], shadowed=["y"]), proof) == (1, 1)
    for more, says in (({"shadowed": ["z"]}, "shadowed"), ({"uncertain": True}, "might be empty")):
        with pytest.raises(Refused, match=says):
            upper_bound(state(kind, ["x"], **more), proof)
    assert upper_bound(state(kind, ["x"], shadowed=["z"]), {**proof, "at": "generic"}) == (1, 1)


@pytest.mark.parametrize(
    ("kinds", "at", "more", "point", "says"),
    [
        ({"y": "free"}, "origin", {"nonzero": ["y"]}, {}, "may be 0"),
        ({"y": "free"}, "generic", {"nonzero": ["y"]}, {}, ""),
        ({"y": "free"}, "origin", {"nonzero": ["y + 1"]}, {}, ""),
        ({"y": "free", "r": "unit"}, "generic", {"nonzero": ["r + 1"], "roots": {"r": "r**2 - 2"}}, {}, ""),
        (
            {"y": "free", "r": "unit"},
            "origin",
            {"nonzero": ["r + y - 1"], "roots": {"r": "r**2 - 1 + y"}},
            {},
            "may be 0",
        ),
        ({"y": "free"}, "origin", {"positive": ["1 + y"]}, {}, ""),
        ({"y": "free"}, "origin", {"positive": ["y - 1"]}, {}, "not positive"),
        ({"y": "free"}, "origin", {"positive": ["1 + y"]}, {"y": "0"}, ""),
        ({"y": "free"}, "origin", {"positive": ["1 + y"]}, {"y": "1"}, "not there"),
        ({"y": "free"}, "generic", {"positive": ["1 + y"]}, {}, "no value is given"),
        ({"y": "free"}, "generic", {"positive": ["1 + y"]}, {"y": "-1"}, "not positive"),
        ({"y": "free"}, "generic", {"positive": ["1 + y"]}, {"y": "-1/2"}, ""),
        ({"y": "free"}, "generic", {"positive": ["1 + y"], "sign": ["y"]}, {"y": "-1/2"}, "wrong sign"),
        ({"y": "free"}, "generic", {"positive": ["1 + y"], "sign": ["y"]}, {"y": "0"}, ""),
        ({"y": "unit"}, "generic", {"positive": ["1 + y"], "sign": ["y"]}, {"y": "0"}, "wrong sign"),
        ({"y": "unit"}, "generic", {"positive": ["1 + y"], "sign": ["y"]}, {"y": "1/9"}, ""),
        ({"y": "unit"}, "generic", {"positive": ["1 + y"]}, {"y": "0"}, "unit to 0"),
        ({"y": "unit"}, "generic", {"positive": ["1 + y"]}, {"y": "-1/9"}, ""),
        ({"y": "unit"}, "generic", {"positive": ["1 + y"], "shadowed": ["y"]}, {"y": "1"}, "not at our choice"),
        ({"y": "unit"}, "generic", {"positive": ["1 + y"]}, {"y": "1", "x": "0"}, "not at our choice"),
        ({"y": "unit", "z": "free"}, "generic", {"positive": ["z - y**2"]}, {"y": "2", "z": "5"}, ""),
        ({"y": "unit", "z": "free"}, "generic", {"positive": ["z - y**2"]}, {"y": "2", "z": "4"}, "not positive"),
        ({"y": "unit", "z": "free"}, "generic", {"positive": ["z - y**2"]}, {"y": "2"}, "value"),
        ({"y": "unit", "z": "free"}, "generic", {"positive": ["z - y", "y - 1"]}, {"y": "2", "z": "1"}, "not positive"),
        ({"y": "unit", "z": "free"}, "generic", {"positive": ["z - y", "y - 1"]}, {"y": "1", "z": "2"}, "not positive"),
    ],
)
def test_the_points_of_upper_bounds(kinds, at, more, point, says):
    """K = x on strata where the lists hold at the point, or generically: only then is there a point to bound at."""
    s = state({"x": "small", **kinds}, ["x"], **more)
    proof = {"at": at, "primal": {"x": "1"}, "value": "1", "multiplicity": 1, "point": point}
    if says:
        with pytest.raises(Refused, match=says):
            upper_bound(s, proof)
    else:
        assert upper_bound(s, proof) == (1, 1)


def test_the_first_name_of_the_ring_needs_a_value_as_well():
    s = state({"y": "small", "x": "free"}, ["y"], positive=["x - 1"])
    proof = {"at": "generic", "primal": {"y": "1"}, "value": "1", "multiplicity": 1}
    assert upper_bound(s, {**proof, "point": {"x": "2"}}) == (1, 1)
    for point, says in (({}, "leaves a value open"), ({"x": "1"}, "not positive"), ({"x": "1/2"}, "not positive")):
        with pytest.raises(Refused, match=says):
            upper_bound(s, {**proof, "point": point})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"along": "r"}, "something else"),
        ({"along": 1}, "something else"),
        ({"derivatives": None}, "not a table"),
        ({"derivatives": {"7": {"order": 2, "proof": ONE}}}, "no generator"),
        ({"derivatives": {"0": 2}}, "no generator"),
        ({"derivatives": {"0": {"order": 0, "proof": ONE}}}, "order"),
        ({"derivatives": {"0": {"order": True, "proof": ONE}}}, "order"),
        ({"derivatives": {"0": {"order": "2", "proof": ONE}}}, "order"),
        ({"derivatives": {"0": {"order": 2, "proof": {"rule": "monomial"}}}}, ""),
        ({"derivatives": {"0": {"order": 3, "proof": ONE}}}, "no zero"),
        ({"derivatives": {"0": {"order": 1001, "proof": ONE}}}, "order"),
        ({"multiplicity": 2}, "says nothing"),
    ],
)
def test_derivatives_that_prove_nothing(change, says):
    s = state({"x": "small", "y": "small", "z": "unit", "r": "unit"}, ["x**2*z - y**3"], roots={"r": "r**2 - 2"})
    data = {"value": "1/2", "multiplicity": 3, "dual": {"0": "1/2"}, "along": "x"}
    data["derivatives"] = {"0": {"order": 2, "proof": {"rule": "monomial"}}}
    assert lower_bound(s, data) == (Fraction(1, 2), 3)
    if says:
        with pytest.raises(Refused, match=says):
            lower_bound(s, {**data, **change})


def test_bounds_by_derivatives_along_a_unit_and_beside_monomials():
    """Along the unit z, (z − 1)² + x has order 2; beside x⁴ and with the factor y: 1/2 + 1/4, but y allows no more than 1."""
    kinds = {"x": "small", "y": "small", "z": "unit"}
    derivatives = {"0": {"order": 2, "proof": ONE}}
    data = {
        "value": "3/4",
        "multiplicity": 3,
        "dual": {"0": "1/2", "1": "1/4"},
        "along": "z",
        "derivatives": derivatives,
    }
    generators = ["z**2 - 2*z + 1 + x", "x**4*z**5"]
    assert lower_bound(state(kinds, generators, factor={"y": 1}), data) == (Fraction(3, 4), 3)
    for more in ({"factor": {"y": 2}}, {"factor": {"x": 1}}, {"jacobian": {"x": "-1/3"}}):
        with pytest.raises(Refused, match="not feasible"):
            lower_bound(state(kinds, generators, **more), data)
    with pytest.raises(Refused, match="not feasible"):
        lower_bound(state(kinds, generators), {**data, "value": "1", "dual": {"0": "3/4", "1": "1/4"}})

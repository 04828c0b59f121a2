"""Proofs of signs: what is accepted holds at every point that is tried, and data that is no proof is refused for what it is."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.certificate.test_forged import LESS, ONE, p, state
from theory.certificate.refusal import Refused
from theory.certificate.units import MAX_DEPTH, norm, one_sign, sign_of

KINDS = ("small", "unit", "free")
NAMES = ("x", "y", "z")
POINTS = {"small": (0,), "unit": (-2, -1, 1, 3), "free": (-2, -1, 0, 1, 3)}


def text(terms):
    return " + ".join(f"{c}*x**{i}*y**{j}*z**{k}" for (i, j, k), c in terms.items()).replace("+ -", "- ")


def values(terms, kinds, sign):
    """The polynomial at all points of a grid that lie on the stratum."""
    lists = [[v for v in POINTS[kind] if v >= 0 or n not in sign] for n, kind in zip(NAMES, kinds, strict=True)]
    return [sum(c * x**i * y**j * z**k for (i, j, k), c in terms.items()) for x, y, z in product(*lists)]


def guesses():
    """Proofs by one rule, and by two of them."""
    simple = [{"rule": r} for r in ("constant", "monomial", "signs")]
    simple += [{"rule": "sturm", "variable": n} for n in NAMES]
    return simple + [
        {"rule": "discriminant", "variable": n, "leading": a, "discriminant": b}
        for n in NAMES
        for a in simple[::2]
        for b in simple[::2]
    ]


GUESSES = guesses()


@given(
    st.dictionaries(st.tuples(*[st.integers(0, 2)] * 3), st.integers(-3, 3).filter(bool), min_size=1, max_size=4),
    st.tuples(*[st.sampled_from(KINDS)] * 3),
    st.sets(st.sampled_from(NAMES)),
)
@settings(max_examples=40, deadline=None)
def test_what_is_proved_holds_at_sample_points(terms, kinds, sign):
    """Every guess at a proof: refused, or the polynomial has no zero on a grid, and the sign that was found."""
    s, seen = state(dict(zip(NAMES, kinds, strict=True)), sign=sorted(sign)), values(terms, kinds, sign)
    for proof in GUESSES:
        try:
            found = sign_of(s, p(text(terms)), proof)
        except Refused:
            continue
        assert all(seen) and all(v * found > 0 for v in seen if found), proof
        for claimed in (1, -1):
            if claimed == found:
                assert sign_of(s, p(text(terms)), {**proof, "sign": claimed}) == found
            else:
                with pytest.raises(Refused, match="the sign in a proof"):
                    sign_of(s, p(text(terms)), {**proof, "sign": claimed})


@given(
    st.dictionaries(st.tuples(*[st.integers(0, 3)] * 3), st.integers(-3, 3).filter(bool), min_size=1, max_size=3),
    st.sets(st.sampled_from(NAMES)),
)
@settings(max_examples=40, deadline=None)
def test_one_sign_is_that_of_every_term_by_itself(terms, sign):
    """A term takes the sign at points where it is not 0: on a grid each takes one only, and all the same."""
    s = state(dict.fromkeys(NAMES, "free"), sign=sorted(sign))
    seen = {(v > 0) - (v < 0) for key, c in terms.items() for v in values({key: c}, ("free",) * 3, sign)} - {0}
    assert one_sign(s, p(text(terms))) == (seen.pop() if len(seen) == 1 else 0)


@pytest.mark.parametrize(
    ("kind", "sign", "polynomial", "found"),
    [
        ("unit", [], "x**2 - 2*x + 1", None),  # 1 is a root
        ("unit", [], "x**4 + x**2", 1),
        ("unit", [], "-x**4 - x**2", -1),
        ("unit", [], "x**3 + x", 0),  # of either sign on either side
        ("free", [], "x**3 + x", None),
        ("unit", ["x"], "x**3 + x", 1),
        ("unit", ["x"], "-x**3 - x", -1),
        ("free", ["x"], "x**3 + x", None),
        ("free", ["x"], "x + 1", 1),
        ("free", ["x"], "x - 1", None),
        ("unit", ["x"], "x**2 + 3*x + 2", 1),  # −1 and −2 are not asked for
        ("unit", [], "x**2 + 3*x + 2", None),
        ("free", [], "x**2 + 3", 1),
        ("free", [], "-x**2 - 3", -1),
        ("unit", [], "x - 2*x**2", None),
    ],
)
def test_a_quantity_has_a_sign_where_it_may_be(kind, sign, polynomial, found):
    s, proof = state({"x": kind}, sign=sign), {"rule": "sturm", "variable": "x"}
    if found is None:
        with pytest.raises(Refused, match="real root"):
            sign_of(s, p(polynomial), proof)
    else:
        assert sign_of(s, p(polynomial), proof) == found


def test_sturm_is_of_the_only_quantity():
    s = state({"x": "free", "y": "free"})
    for polynomial, name in (("x**2 + y**2 + 1", "x"), ("x**2 + 1", "y"), ("x**2 + 1", None)):
        with pytest.raises(Refused, match="alone"):
            sign_of(s, p(polynomial), {"rule": "sturm", "variable": name})


@pytest.mark.parametrize("proof", [None, [], {}, {"rule": 1}, {"rule": "obvious"}, {"rule": None}])
def test_what_is_no_proof(proof):
    with pytest.raises(Refused):
        sign_of(state({"x": "free"}), p("1"), proof)


def test_a_name_that_is_not_in_use_has_no_sign():
    with pytest.raises(Refused, match="not in use"):
        sign_of(state({"x": "free"}), p("1 + z**2"), {"rule": "sturm", "variable": "z"})


def test_units_and_small_coordinates():
    """On x = 0 and y ≠ 0: y + x is y, a term in units; x·y is 0, y + 1 has two terms, z is free."""
    s = state({"x": "small", "y": "unit", "z": "free"})
    assert sign_of(s, p("y + x"), {"rule": "monomial"}) == 0
    for polynomial, says in (("x*y", "is 0"), ("y + 1", "one term"), ("y*z", "one term")):
        with pytest.raises(Refused, match=says):
            sign_of(s, p(polynomial), {"rule": "monomial"})


def test_a_listed_polynomial_proves_itself_and_its_multiples():
    """Up to numbers, powers of units and what is 0 on the stratum; a positive one has no zero either."""
    s = state({"x": "small", "y": "unit", "z": "free"}, nonzero=["y + z"], positive=["z - 1"])
    listed = {"rule": "listed"}
    for polynomial in ("y + z", "-3*y - 3*z", "y**3 + y**2*z", "y + z + x", "z - 1", "2*y - 2*y*z", "5"):
        assert sign_of(s, p(polynomial), listed) == 0
    for polynomial in ("y - z", "z + 1", "z*y + z**2", "x", "y + 2*z"):
        with pytest.raises(Refused):
            sign_of(s, p(polynomial), listed)


@pytest.mark.parametrize(
    ("factors", "fits"),
    [
        ([["x**2 + 1", 1, {"rule": "sturm", "variable": "x"}], ["y", 2, {"rule": "monomial"}]], True),
        ([["x**2 + 1", 1, {"rule": "sturm", "variable": "x"}], ["y", 1, {"rule": "monomial"}]], False),
        ([["x**2 + 1", 1, {"rule": "sturm", "variable": "x"}]], False),
        ([["x**2 + 1", 1, {"rule": "sturm", "variable": "x"}], ["y", 2, ONE]], False),
        ([["x**2*y**2 + y**2", 1, {"rule": "monomial"}]], False),
        ([], False),
        (None, False),
        ([["x**2 + 1", 1]], False),
        ([["x**2 + 1", 0, {"rule": "sturm", "variable": "x"}], ["y", 2, {"rule": "monomial"}]], False),
        ([["x**2 + 1", "1", {"rule": "sturm", "variable": "x"}], ["y", 2, {"rule": "monomial"}]], False),
        (["abc"], False),
    ],
)
def test_a_product_of_proved_factors(factors, fits):
    s, proof = state({"x": "free", "y": "unit"}), {"rule": "factors", "factors": factors}
    if fits:
        assert sign_of(s, p("-3*x**2*y**2 - 3*y**2"), proof) == 0  # up to a number
    else:
        with pytest.raises(Refused):
            sign_of(s, p("-3*x**2*y**2 - 3*y**2"), proof)


def test_as_many_factors_and_as_high_powers_as_are_read():
    s = state({"x": "unit"})
    many = [["x", 1, {"rule": "monomial"}]] * 100
    assert sign_of(s, p("x**100"), {"rule": "factors", "factors": many}) == 0
    assert sign_of(s, p("x**1000"), {"rule": "factors", "factors": [["x", 1000, {"rule": "monomial"}]]}) == 0
    for degree, factors in ((101, many + many[:1]), (1001, [["x", 1001, {"rule": "monomial"}]])):
        with pytest.raises(Refused):
            sign_of(s, p(f"x**{degree}"), {"rule": "factors", "factors": factors})


def nested():
    """A polynomial and a proof by each rule that rests on another one."""
    sturm = {"rule": "sturm", "variable": "x"}
    yield p("x**2 + 1"), {"rule": "factors", "factors": [["x**2 + 1", 1, sturm]]}
    yield p("x**2 + x + 1"), {"rule": "discriminant", "variable": "x", "leading": ONE, "discriminant": LESS}
    yield p("r + 1"), {"rule": "norm", "norm": "1", "proof": ONE}


@pytest.mark.parametrize(("polynomial", "proof"), list(nested()), ids=("factors", "discriminant", "norm"))
def test_how_deep_proofs_may_be_nested(polynomial, proof):
    s = state({"x": "free", "r": "unit"}, roots={"r": "r**2 - 2"})
    sign_of(s, polynomial, proof, MAX_DEPTH - 2)
    for depth in (MAX_DEPTH - 1, MAX_DEPTH):
        with pytest.raises(Refused, match="too deeply"):
            sign_of(s, polynomial, proof, depth)


@pytest.mark.parametrize(
    ("polynomial", "leading", "discriminant", "found"),
    [
        ("x**2 + x*y + y**2 + 1", ONE, {"rule": "signs"}, 1),  # y² − 4y² − 4
        ("-x**2 + x*y - y**2 - 1", LESS, {"rule": "signs"}, -1),
        ("x**2*y**2 + x**2 + y**2 + 1", {"rule": "signs"}, {"rule": "signs"}, 1),  # −4(y² + 1)²
        ("x**2 + x*y + y**2", ONE, {"rule": "signs"}, None),  # −3y² may be 0
        ("x**2*y + x + 1", {"rule": "monomial"}, LESS, None),  # the leading coefficient y has no sign
        ("x**2 + 3*x + 1", ONE, ONE, None),  # 5 > 0
        ("x**3 + 1", ONE, LESS, None),
        ("x + 1", ONE, LESS, None),
    ],
)
def test_discriminants(polynomial, leading, discriminant, found):
    s = state({"x": "free", "y": "free"})
    proof = {"rule": "discriminant", "variable": "x", "leading": leading, "discriminant": discriminant}
    if found is None:
        with pytest.raises(Refused):
            sign_of(s, p(polynomial), proof)
    else:
        assert sign_of(s, p(polynomial), proof) == found


def test_the_norm_is_the_product_over_the_roots():
    """α² = 2 + y: (a + bα)(a − bα) = a² − b²(2 + y), whatever the order in which several quantities leave."""
    s = state({"y": "free", "r": "unit"}, roots={"r": "r**2 - 2 - y"})
    assert norm(s, p("y + 3*r")) == p("y**2 - 9*y - 18")
    assert norm(s, p("y + 1")) == p("y + 1") and not norm(s, p("r**2 - y - 2"))
    t = state({"z": "free", "r": "unit", "x": "unit"}, roots={"r": "r**2 - 2", "x": "x**2 - 3"})
    assert norm(t, p("z - r - x")) == p("z**4 - 10*z**2 + 1") == norm(t, p("z - r - x"), ["r", "x"])
    assert norm(t, p("z - r - x"), ["r"]) == p("z**2 - 2*z*x + x**2 - 2")
    u = state({"z": "free", "r": "unit", "x": "unit"}, roots={"r": "r**2 - 2", "x": "x**2 - r"})
    assert norm(u, p("z - x")) == p("z**4 - 2")  # the fourth root of 2: x leaves first


def test_a_norm_is_claimed_as_it_is():
    t = state({"z": "free", "r": "unit", "x": "unit"}, roots={"r": "r**2 - 2", "x": "x**2 - 3"})
    proof = {"rule": "norm", "roots": ["x", "r"], "norm": "1", "proof": ONE}
    assert sign_of(t, p("r - x"), proof) == 0  # (α − β)(α + β) = −1
    assert sign_of(t, p("r - x"), {**proof, "norm": "-1", "proof": LESS}) == 0  # up to its sign
    for change in ({"roots": ["x", "z"]}, {"roots": "xr"}, {"roots": None}, {"norm": "2*x"}, {"proof": LESS}):
        with pytest.raises(Refused):
            sign_of(t, p("r - x"), {**proof, **change})
    with pytest.raises(Refused):
        sign_of(t, p("r**2 - 2"), {**proof, "norm": "0"})


def test_how_large_a_resultant_may_be():
    """Degrees 60 and 1 are taken, and 1000 terms and 2; not one more."""
    s = state({"y": "free", "r": "unit"}, roots={"r": "r - y"})
    assert norm(s, p("r**60")) == p("y**60")
    with pytest.raises(Refused, match="too large"):
        norm(s, p("r**61"))
    wide = " + ".join(f"y**{i}*r" for i in range(1000))
    assert norm(s, p(wide)) == p(" + ".join(f"y**{i + 1}" for i in range(1000)))
    with pytest.raises(Refused, match="too large"):
        norm(s, p(wide + " + y**1000*r"))

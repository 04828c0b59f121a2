"""Proofs that a polynomial has no zero on a stratum: against sympy's real roots and against values."""

import pytest
import sympy as sp
from flint import fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.rlct import units
from theory.rlct.polynomials import Ring
from theory.rlct.stratum import FREE, SMALL, UNIT, Stratum

RING = Ring(("x", "y", "z"))
coefficients = st.lists(st.integers(-4, 4), min_size=1, max_size=6)


def stratum(*kinds, sign=(0, 0, 0)):
    return Stratum(RING, list(kinds), [0] * 3, list(sign), [0] * 3, {})


def poly(terms):
    return RING.make({m: c for m, c in terms.items() if c})


@given(coefficients, st.booleans())
@settings(max_examples=150, deadline=None)
def test_sturm_counts_real_roots(values, nonnegative):
    x = sp.Symbol("x")
    p = sp.Poly(list(reversed(values)), x)
    if p.degree() < 1:
        return
    roots = [r for r in set(p.real_roots()) if not nonnegative or r >= 0]
    assert units.real_roots(fmpq_poly(values), nonnegative=nonnegative) == len(roots)


@given(
    st.dictionaries(st.tuples(*[st.integers(0, 2)] * 3), st.integers(-3, 3), min_size=1, max_size=5),
    st.tuples(*[st.sampled_from([SMALL, UNIT, FREE])] * 3),
    st.tuples(*[st.sampled_from([0, 1])] * 3),
)
@settings(max_examples=300, deadline=None)
def test_a_proved_polynomial_has_no_zero_at_sample_points(terms, kinds, sign):
    s, p = stratum(*kinds, sign=sign), poly(terms)
    proof = units.nonvanishing(s, p)
    if proof is None:
        return
    choices = []
    for kind, k in zip(kinds, sign, strict=True):
        values = {SMALL: [0], UNIT: [-2, -1, 1, 3], FREE: [-2, -1, 0, 1, 3]}[kind]
        choices.append([v for v in values if v >= 0 or not k])
    for a in choices[0]:
        for b in choices[1]:
            for c in choices[2]:
                value = sum(k * a ** m[0] * b ** m[1] * c ** m[2] for m, k in terms.items())
                assert value != 0
                assert "sign" not in proof or (value > 0) == (proof["sign"] > 0)


def test_the_zero_polynomial_is_never_proved():
    s = stratum(SMALL, FREE, FREE)
    assert units.nonvanishing(s, RING.make({})) is None
    assert units.definite(s, RING.make({})) is None
    square = poly({(0, 2, 0): 1, (0, 1, 1): 2, (0, 0, 2): 1})  # (y + z)²: its discriminant is 0, not negative
    assert units.nonvanishing(s, square) is None


def rule(s, p):
    """The rule by which p is proved to have no zero."""
    proof = units.nonvanishing(s, p)
    return proof and proof["rule"]


def test_rules():
    s = stratum(SMALL, UNIT, FREE)
    y, z, one = RING.gen(1), RING.gen(2), RING.one()
    assert rule(s, y**2 + y * z + z**2) == "discriminant"
    assert rule(s, 3 * y * (z**2 + one)) == "factors"
    assert rule(s, z**4 - z + one) == "sturm"
    assert units.nonvanishing(s, y + z) is None
    s.nonzero.append(y + z)
    assert rule(s, -2 * y - 2 * z + RING.gen(0)) == "listed"
    s.roots[1] = y**2 - 2 * one
    assert rule(s, y - one) == "norm"
    assert units.nonvanishing(s, y**2 - 2 * one) is None


@pytest.mark.parametrize(
    ("kinds", "sign", "p", "by", "value"),
    [
        ((UNIT, FREE, FREE), (0, 0, 0), {(0, 0, 0): -3}, "constant", -1),
        ((UNIT, FREE, FREE), (0, 0, 0), {(2, 0, 0): 1, (0, 2, 0): 3}, "signs", 1),
        ((UNIT, FREE, FREE), (0, 0, 0), {(2, 0, 0): -1, (0, 2, 0): -3}, "signs", -1),
        ((FREE, FREE, FREE), (0, 0, 0), {(2, 0, 0): 1, (0, 2, 0): 3}, None, 0),  # 0 at the origin
        ((UNIT, FREE, FREE), (0, 0, 0), {(1, 0, 0): 1, (0, 2, 0): 3}, None, 0),
        ((UNIT, FREE, FREE), (1, 0, 0), {(1, 0, 0): 1, (0, 2, 0): 3}, "signs", 1),
        ((UNIT, FREE, FREE), (0, 0, 0), {(3, 0, 0): 2}, "sturm", None),
        ((UNIT, UNIT, FREE), (0, 0, 0), {(3, 1, 0): 2}, "monomial", None),
        ((FREE, FREE, FREE), (0, 0, 0), {(3, 0, 0): 2}, None, 0),
        ((FREE, FREE, FREE), (0, 0, 0), {(2, 0, 0): 1, (1, 0, 0): 1, (0, 0, 0): 1}, "sturm", 1),
        ((FREE, FREE, FREE), (0, 0, 0), {(2, 0, 0): -1, (1, 0, 0): 1, (0, 0, 0): -1}, "sturm", -1),
        ((FREE, FREE, FREE), (0, 0, 0), {(1, 0, 0): 1, (0, 0, 0): 1}, None, 0),
        (
            (FREE, FREE, FREE),
            (1, 0, 0),
            {(3, 0, 0): 1, (1, 0, 0): -1, (0, 0, 0): 1},
            "sturm",
            1,
        ),  # x³ − x + 1: least value > 0
        ((UNIT, FREE, FREE), (0, 0, 0), {(3, 0, 0): 1, (2, 0, 0): 1, (1, 0, 0): 1}, "sturm", None),  # x(x² + x + 1)
        ((UNIT, FREE, FREE), (0, 0, 0), {(4, 0, 0): 1, (3, 0, 0): 1, (2, 0, 0): 1}, "sturm", 1),
        ((UNIT, FREE, FREE), (0, 0, 0), {(2, 0, 0): 1, (1, 0, 0): -1}, None, 0),  # x(x − 1)
        ((FREE, FREE, FREE), (0, 0, 0), {(2, 0, 0): 1, (1, 1, 0): 1, (0, 2, 0): 1, (0, 0, 0): 1}, "discriminant", 1),
        (
            (FREE, FREE, FREE),
            (0, 0, 0),
            {(2, 0, 0): -1, (1, 1, 0): 1, (0, 2, 0): -1, (0, 0, 0): -1},
            "discriminant",
            -1,
        ),
        ((FREE, FREE, FREE), (0, 0, 0), {(2, 0, 0): 1, (1, 1, 0): 1, (0, 2, 0): 1}, None, 0),
        ((FREE, FREE, FREE), (0, 0, 0), {(2, 0, 0): 1, (1, 1, 0): 3, (0, 2, 0): 1, (0, 0, 0): 1}, None, 0),  # a saddle
    ],
)
def test_which_rule_proves_what(kinds, sign, p, by, value):
    """By hand; `sign` is told where the polynomial has one."""
    proof = units.nonvanishing(stratum(*kinds, sign=sign), poly(p))
    assert (proof and proof["rule"]) == by
    if proof and value:
        assert proof["sign"] == value
    if proof and value is None:
        assert "sign" not in proof


def test_signs_that_all_terms_have():
    s = stratum(FREE, FREE, FREE, sign=(1, 0, 0))
    for p, found in (
        ({(1, 0, 0): 1, (0, 2, 0): 2}, 1),
        ({(1, 0, 0): -1, (0, 2, 0): -2}, -1),
        ({(1, 0, 0): 1, (0, 2, 0): -2}, 0),
        ({(0, 1, 0): 1}, 0),
        ({(1, 1, 0): 1}, 0),
        ({}, 0),
    ):
        assert units.common_sign(s, poly(p)) == found


def test_norms_leave_one_quantity_after_the_other():
    """α² = 2 and β² = α: the norm of z − β is z⁴ − 2."""
    s = stratum(UNIT, UNIT, FREE)
    x, y, z, one = RING.gen(0), RING.gen(1), RING.gen(2), RING.one()
    assert units.norm(s, x + y) == x + y
    s.roots = {0: x**2 - 2 * one, 1: y**2 - x}
    assert (
        units.norm(s, z - y) == z**4 - 2 * one
        and units.norm(s, 3 * z) in (z, 3 * z)
        and units.norm(s, x**2 * z - 2 * z) == 0
    )
    proof = units.nonvanishing(s, x - 3 * one)
    assert proof is not None and (proof["rule"], proof["roots"], proof["norm"]) == (
        "norm",
        ["y", "x"],
        "1",
    )  # 9 − 2, up to a number
    assert units.nonvanishing(s, z - x) is None and units.nonvanishing(s, y**2 - x) is None


def test_what_is_listed():
    s = stratum(SMALL, UNIT, FREE)
    y, z = RING.gen(1), RING.gen(2)
    for lists in ("nonzero", "positive"):
        t = s.copy()
        setattr(t, lists, [y + z])
        assert rule(t, 5 * y + 5 * z) == "listed" and rule(t, y - z) is None
        product = units.nonvanishing(t, (y + z) ** 2 * y)
        assert product and product["rule"] == "factors" and sorted(k for _, k, _ in product["factors"]) == [1, 2]


@pytest.mark.parametrize(
    ("coefficients", "count", "of_them"),
    [([-2, 0, 1], 2, 1), ([0, -1, 0, 1], 3, 2), ([2, 3, 1], 2, 0), ([1, 0, 1], 0, 0), ([1, -2, 1], 1, 1), ([5], 0, 0)],
)
def test_roots_are_those_on_the_whole_line_or_from_0_on(coefficients, count, of_them):
    """x² − 2, x³ − x, (x + 1)(x + 2), x² + 1, (x − 1)² and 5: different roots, each once."""
    p = fmpq_poly(coefficients)
    assert (units.real_roots(p), units.real_roots(p, nonnegative=True)) == (count, of_them)

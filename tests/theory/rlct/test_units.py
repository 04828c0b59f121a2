"""Proofs that a polynomial has no zero on a stratum: against sympy's real roots and against values."""

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


def test_rules():
    s = stratum(SMALL, UNIT, FREE)
    y, z, one = RING.gen(1), RING.gen(2), RING.one()
    assert units.nonvanishing(s, y**2 + y * z + z**2)["rule"] == "discriminant"
    assert units.nonvanishing(s, 3 * y * (z**2 + one))["rule"] == "factors"
    assert units.nonvanishing(s, z**4 - z + one)["rule"] == "sturm"
    assert units.nonvanishing(s, y + z) is None
    s.nonzero.append(y + z)
    assert units.nonvanishing(s, -2 * y - 2 * z + RING.gen(0))["rule"] == "listed"
    s.roots[1] = y**2 - 2 * one
    assert units.nonvanishing(s, y - one)["rule"] == "norm"
    assert units.nonvanishing(s, y**2 - 2 * one) is None

"""Bounds of one stratum and points in it, against the definition; and bounds of a polynomial on an interval."""

from fractions import Fraction

import pytest
from flint import fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.rlct.states import FREE, RING, SMALL, UNIT, R, X, Y, Z, one, r, strata, stratum, x, y, z
from theory.certificate.polynomials import roots_between
from theory.rlct import bounds, implicit
from theory.rlct.bounds import INFINITE, NOTHING, at, lower_bound, lower_costs, samples, upper_bound, witness


@pytest.mark.parametrize(
    ("s", "lower", "upper"),
    [
        (stratum("ssaa", x * y), (1, -2), (1, -2)),
        (stratum("ssaa", x**2, y**4), (Fraction(3, 4), -1), (Fraction(3, 4), -1)),
        (stratum("ssaa", x + y), NOTHING, (2, -1)),  # all monomials: x and y
        (stratum("ssaa", x + y, x**3), (Fraction(1, 3), -1), (2, -1)),
        (stratum("ssaa", x * y, jacobian={X: 1}), (1, -1), (1, -1)),
        (stratum("ssaa", x * y, jacobian={X: Fraction(-1, 2)}), (Fraction(1, 2), -1), (Fraction(1, 2), -1)),
        (stratum("ssaa", x * y, factor={X: 1}), (Fraction(1, 2), -1), (Fraction(1, 2), -1)),
        (stratum("suaa", x * y**3), (1, -1), (1, -1)),
        (stratum("sfaa", x * y), (1, -2), (1, -2)),  # at y = 0
        (stratum("sfaa", x * y, jacobian={Y: 3}), (1, -2), (1, -1)),
        (stratum("sfaa", x * y, jacobian={Y: Fraction(-1, 2)}), (Fraction(1, 2), -1), (Fraction(1, 2), -1)),
        (stratum("sfaa", x * y, shadowed=[Y]), (1, -2), (1, -1)),  # y need not come near 0
        (stratum("sfaa", x * y, nonzero=[y]), (1, -2), (1, -1)),
        (stratum("sfaa", x * y, nonzero=[y - one]), (1, -2), (1, -2)),
        (stratum("ssaa", x * y, uncertain=True), (1, -2), INFINITE),
        (stratum("ssaa", x * y, nonzero=[0 * x]), INFINITE, INFINITE),
        (stratum("ssaa", x * y, positive=[-one]), INFINITE, INFINITE),
        (stratum("ssaa", one), INFINITE, INFINITE),
        (stratum("ssaa"), NOTHING, NOTHING),
    ],
)
def test_bounds_by_hand(s, lower, upper):
    assert (lower_bound(s), upper_bound(s)) == (lower, upper)


def test_costs():
    """h + 1 where the coordinate is 0; elsewhere no more than 1."""
    s = stratum("sfua", x, jacobian={X: 2, Y: 2})
    assert lower_costs(s, [X, Y, Z]) == [3, 1, 1]
    assert lower_costs(stratum("sfua", x, jacobian={Y: Fraction(-1, 2)}), [X, Y]) == [1, Fraction(1, 2)]


@pytest.mark.parametrize(
    ("s", "zero", "exists"),
    [
        (stratum("suaa", x), (SMALL,), True),
        (stratum("suaa", x), (SMALL, FREE), False),  # no free coordinate to be 0
        (stratum("sfaa", x), (SMALL, FREE), True),
        (stratum("sfaa", x, shadowed=[Y]), (SMALL, FREE), False),
        (stratum("sfaa", x, shadowed=[Y]), (SMALL,), True),
        (stratum("sfaa", x, nonzero=[y]), (SMALL, FREE), False),
        (stratum("sfaa", x, nonzero=[y]), (SMALL,), True),
        (stratum("sfaa", x, positive=[y]), (SMALL, FREE), False),
        (stratum("sfaa", x, positive=[y]), (SMALL,), True),
        (stratum("sfaa", x, positive=[-y]), (SMALL,), True),
        (stratum("sfaa", x, positive=[-y], sign={Y: 1}), (SMALL,), False),
        (stratum("sfaa", x, positive=[y + one]), (SMALL, FREE), True),
        (stratum("sfaa", x, positive=[y - one]), (SMALL, FREE), False),
        (stratum("sfaa", x, positive=[-(y**2) - one]), (SMALL,), False),
        (stratum("sufa", x, positive=[y - z, z - one]), (SMALL,), True),
        (stratum("sufa", x, positive=[y - z], nonzero=[y - 2 * z]), (SMALL,), True),
        (stratum("sfaa", x, positive=[y], shadowed=[Y]), (SMALL,), False),  # y is not at our choice
        (stratum("sfau", x, positive=[r + y], roots={R: r**2 - 2}), (SMALL,), False),
        (stratum("sfau", x, nonzero=[r + y], roots={R: r**2 - 2}), (SMALL,), True),
        (stratum("sfau", x, nonzero=[r**2 * y - 2 * y], roots={R: r**2 - 2}), (SMALL,), False),
        (stratum("sfau", x, nonzero=[r + y], positive=[y], roots={R: r**2 - 2}), (SMALL,), True),
    ],
)
def test_points_of_a_stratum(s, zero, exists):
    """Values at which all that is listed is as it should be."""
    found = witness(s, zero)
    assert (found is not None) == exists
    if found:
        place = {RING.names.index(n): v for n, v in found.items()}
        place |= {i: Fraction(0) for i in range(4) if s.kind[i] in zero}
        assert all(at(q, place) > 0 for q in s.positive) and all(s.kind[i] in (UNIT, FREE, SMALL) for i in place)
        assert all(at(q, place) for q in s.nonzero if not q.degrees()[R])
        assert all(v > 0 or not s.sign[i] for i, v in place.items() if s.kind[i] not in zero)


@given(strata("sf"))
@settings(max_examples=30, deadline=None)
def test_the_bounds_do_not_contradict_each_other(s):
    assert lower_bound(s) <= upper_bound(s)


def test_samples_are_of_both_signs_and_none_is_0():
    for n in (1, 2, 3):
        found = list(samples(n))
        assert all(len(v) == n and all(v) for v in found) and len(set(found)) > 8
        assert all({c > 0 for v in found for c in v[i : i + 1]} == {True, False} for i in range(n))
        assert all(min(v) > 0 for v in found[:20])  # positive ones first
    assert list(samples(0)) == [()]


@given(
    st.dictionaries(st.integers(0, 4), st.integers(-5, 5).filter(bool), min_size=1, max_size=3),
    st.fractions(-3, 3, max_denominator=4),
    st.fractions(0, 2, max_denominator=5),
    st.sampled_from([1, 4, 64, 2**20]),
)
@settings(max_examples=100, deadline=None)
def test_what_is_bounded_away_from_0_has_no_root(terms, low, width, narrow):
    """And the sign that is asked for; a wide enough gap is seen on a narrow interval."""
    q = sum((c * y**k for k, c in terms.items()), 0 * y)
    s, high = stratum("sfaa", x), low + width / narrow
    p = fmpq_poly([terms.get(k, 0) for k in range(5)])
    value = at(q, {Y: low})
    for positive in (True, False):
        if implicit._bounded_away(s, q, Y, {}, low, high, positive):
            assert value and roots_between(p, low, high) == 0 and at(q, {Y: high}) and (value > 0 or not positive)
        elif narrow == 2**20:
            slope = sum(k * abs(c) * 5**k for k, c in terms.items())
            assert abs(value) <= slope * (high - low) or (positive and value < 0)


def test_where_a_polynomial_stays_away_from_0_at_a_point():
    s = stratum("sfaa", x)
    assert implicit._bounded_away(s, y - one, Y, {}, Fraction(2), Fraction(2), True)
    assert not implicit._bounded_away(s, y - one, Y, {}, Fraction(1), Fraction(1), False)
    assert not implicit._bounded_away(s, y - one, Y, {}, Fraction(1, 2), Fraction(2), False)  # 1 lies between
    assert not implicit._bounded_away(s, y - one, Y, {}, Fraction(1, 2), Fraction(1), False)  # and here at the end
    assert implicit._bounded_away(s, one - y, Y, {}, Fraction(2), Fraction(2), False)
    assert not implicit._bounded_away(s, one - y, Y, {}, Fraction(2), Fraction(2), True)


@given(st.integers(-7, 7), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_a_zero_is_enclosed(numerator, denominator):
    """Between the ends of an interval with a change of sign; narrow, or exact where the middle meets it."""
    f = denominator * y - numerator * one
    root = Fraction(numerator, denominator)
    for g in (f, -f):
        low, high = implicit._bisect(g, Y, {}, root - 1, root + Fraction(3, 4))
        assert low < root < high and (high - low <= Fraction(7, 4) / 2**implicit.HALVINGS or low + high == 2 * root)


def test_values_at_a_point():
    assert at(3 * x**2 * y - z + one, {X: Fraction(1, 2), Y: Fraction(4), Z: Fraction(-1)}) == 5
    assert at(0 * x, {}) == 0 and bounds.pair([(1, 1)], [1, 1]) == (1, -2) and bounds.pair([(0, 0)], [1, 1]) == INFINITE

"""The t from which a cut series is good: by definition, and against functions known in closed form."""

from math import isqrt

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.truncation import good_from

rationals = st.fractions(min_value=-20, max_value=20, max_denominator=7).map(
    lambda q: sp.Rational(q.numerator, q.denominator)
)


def fits(coefficients, order: int, relative, t) -> bool:
    partial = sum((c / t**k for k, c in enumerate(coefficients[: order + 1])), sp.S.Zero)
    error = sum((abs(c) / t**k for k, c in enumerate(coefficients) if k > order), sp.S.Zero)
    return bool(error <= relative * abs(partial))


@settings(max_examples=60, deadline=None)
@given(st.lists(rationals, min_size=3, max_size=6), st.integers(0, 2), st.sampled_from(["1/100", "1/3", "2"]))
def test_it_is_the_least_such_integer(coefficients, order: int, relative: str) -> None:
    relative, order = sp.Rational(relative), min(order, len(coefficients) - 2)
    t = good_from(coefficients, order, relative)
    if t is None:
        assert not any(coefficients[: order + 1])
        return
    assert all(fits(coefficients, order, relative, t + step) for step in (0, 1, 2, 10, 1000) if t + step > 0)
    # Just below, it fails somewhere on (t − 1, t]: least means that some real point there violates it.
    if t > 1:
        assert not all(fits(coefficients, order, relative, t - 1 + sp.Rational(k, 200)) for k in range(201))


def test_the_next_term_alone() -> None:
    """1 + 1/t within 1%: t = 100; 1/t − 3/t² within 1%: t = 300."""
    assert good_from((1, 1), 0) == 100
    assert good_from((0, 1, -3), 1) == 300
    assert good_from((sp.Rational(1, 3), sp.Rational(1, 3)), 0) == 100  # no rounding of thirds
    assert good_from((sp.Rational(1, 3), sp.Rational(1, 300)), 0) == 1
    assert good_from((0, -1, 3, 0), 1, sp.Rational(1, 10)) == 30


def test_irrational_coefficients() -> None:
    """1 + √2/t within 1%: t ≥ 100√2 = 141.4…"""
    assert good_from((1, sp.sqrt(2)), 0) == 142
    assert good_from((sp.exp(1), -sp.pi), 0) == 116  # 100π/e = 115.57…
    # √2 and π are not rounded to fewer digits than the answer has.
    fine = 10**15
    assert good_from((1, sp.sqrt(2)), 0, sp.Rational(1, fine)) == isqrt(2 * fine**2) + 1
    assert good_from((1, sp.pi), 0, sp.Rational(1, fine)) == 3141592653589794


def test_exact_series_are_good_everywhere() -> None:
    assert good_from((1, 0, 0), 0) == 0
    assert good_from((0, 2, 0, 0), 1) == 0
    assert good_from((-1, 2, 0), 1) == 0


def test_a_series_that_vanishes_has_no_relative_error() -> None:
    assert good_from((0, 0, 1), 1) is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: good_from((1, 1), 1), r"cut at t\^−1 needs the next term; 2 coefficients were given"),
        (lambda: good_from((1, 1), -1), r"cut at t\^−-1 needs the next term"),
        (lambda: good_from((1, sp.Symbol("a")), 0), r"coefficient a is not a real number; give values to \['a'\]"),
        (lambda: good_from((1, sp.I), 0), "coefficient I is not a real number"),
        (lambda: good_from((1, 1), 0, sp.S.Zero), "must be positive, got 0"),
    ],
)
def test_bad_input_is_named(call, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        call()

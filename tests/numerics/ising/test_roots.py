"""Descartes' rule against polynomials with known roots."""

import pytest
from flint import fmpq, fmpz_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.ising.roots import roots_between, sign_between
from theory.errors import BadInput


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-12, 12), st.integers(1, 5)), max_size=6), st.integers(-5, 5), st.booleans())
def test_every_root_is_found_once(numbers, lower, unbounded):
    """p = (w² + w + 1) Π (qw − p), roots repeated or not."""
    p = fmpz_poly([1, 1, 1])
    for a, b in numbers:
        p *= fmpz_poly([-a, b])
    upper = None if unbounded else lower + 4
    inside = sorted({fmpq(a, b) for a, b in numbers if lower < fmpq(a, b) and (unbounded or fmpq(a, b) < lower + 4)})
    found = roots_between(p, lower, upper)
    assert len(found) == len(inside)
    for (a, b), root in zip(found, inside, strict=True):
        assert a == root == b or a < root < b
    if not inside:
        point = fmpq(lower) + fmpq(1, 1000003)
        assert sign_between(p, lower, upper) == (1 if p(point) > 0 else -1)
    else:
        assert sign_between(p, lower, upper) == 0


def test_close_roots_are_separated():
    """(10⁶w − 1)(10⁶w − 2)(w² − 2) on (0, 2)."""
    p = fmpz_poly([-1, 10**6]) * fmpz_poly([-2, 10**6]) * fmpz_poly([-2, 0, 1])
    assert len(roots_between(p, 0, 2)) == 3
    assert sign_between(p, fmpq(1, 10), 1) == -1


def test_ends_do_not_count():
    p = fmpz_poly([0, -1, 1])  # w(w − 1)
    assert roots_between(p, 0, 1) == []
    assert sign_between(p, 0, 1) == -1
    assert sign_between(p, 1, None) == 1
    assert sign_between(fmpz_poly([7]), 0, None) == 1


def test_the_zero_polynomial():
    assert sign_between(fmpz_poly([]), 0, 1) == 0
    with pytest.raises(BadInput, match="vanishes everywhere"):
        roots_between(fmpz_poly([]), 0, 1)


def test_an_interval_runs_from_left_to_right() -> None:
    p = fmpz_poly([-1, 2])
    assert roots_between(p, fmpq(1, 2), fmpq(1, 2)) == []
    for count in (roots_between, sign_between):
        with pytest.raises(BadInput, match="runs the other way"):
            count(p, 1, 0)


def test_small_values_have_their_sign() -> None:
    """w, w³ and 1 between 0 and 1, and what is negative there: the size of the value says nothing."""
    for p, sign in (([0, 1], 1), ([0, 0, 0, 1], 1), ([1], 1), ([0, -1], -1), ([-1], -1), ([-1, 1], -1), ([1, -1], 1)):
        assert sign_between(fmpz_poly(p), 0, 1) == sign
    assert sign_between(fmpz_poly([-3, 1]), 3, None) == 1 and sign_between(fmpz_poly([3, -1]), 3, None) == -1

"""Wick sums: numbers of pairings, and moments by two roads."""

from math import factorial, prod

import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.wick import Gaussian, moment, pairings


@given(st.integers(0, 5))
def test_there_are_double_factorial_many_pairings(k: int) -> None:
    found = [frozenset(map(frozenset, p)) for p in pairings(tuple(range(2 * k)))]
    assert len(found) == len(set(found)) == prod(range(1, 2 * k, 2))
    assert not list(pairings(tuple(range(2 * k + 1))))


def covariances(d: int):
    return st.lists(st.integers(-3, 3), min_size=d * d, max_size=d * d).map(
        lambda m: sp.Matrix(d, d, m) * sp.Matrix(d, d, m).T
    )


@given(covariances(3), st.lists(st.integers(0, 2), max_size=6))
def test_the_recursion_equals_the_sum_over_pairings(covariance, indices) -> None:
    alpha = tuple(indices.count(i) for i in range(3))
    assert Gaussian(covariance.tolist(), sp.S.Zero, sp.S.One).monomial(alpha) == moment(indices, covariance)


@given(st.integers(1, 9), st.integers(0, 4))
def test_one_dimensional_moments_are_known(variance: int, k: int) -> None:
    """E x^{2k} = (2k)!/(2^k k!) σ^{2k}, a cited closed form."""
    found = Gaussian([[variance]], 0, 1).mean({(2 * k,): 1, (2 * k + 1,): 7})
    assert found == factorial(2 * k) // (2**k * factorial(k)) * variance**k


@settings(max_examples=50, deadline=None)
@given(covariances(2), st.integers(0, 3), st.integers(0, 3))
def test_moments_are_derivatives_of_the_generating_function(covariance, m: int, n: int) -> None:
    """A third road: E x^m y^n = ∂^m_s ∂^n_t exp(½ Σ) at 0."""
    s, t = sp.symbols("s t")
    v = sp.Matrix([s, t])
    generating = sp.exp((v.T * covariance * v)[0] / 2)
    expected = sp.diff(generating, *[s] * m, *[t] * n).subs({s: 0, t: 0}) if m + n else 1
    assert moment([0] * m + [1] * n, covariance) == expected


def test_any_commutative_ring_will_do() -> None:
    """Diagonal matrices are a ring without the integers: two Gaussians at once, 0 and 1 being matrices too."""
    zero, one = sp.ImmutableMatrix.zeros(2), sp.ImmutableMatrix.eye(2)
    pair = Gaussian([[sp.ImmutableMatrix.diag(2, 5)]], zero, one)
    assert pair.mean({(4,): one, (3,): one, (0,): 7 * one}) == sp.diag(3 * 2**2 + 7, 3 * 5**2 + 7)
    assert pair.mean({}) == zero


def test_a_moment_is_computed_once() -> None:
    """Without memory the number of steps of the recursion doubles with every degree."""
    gaussian = Gaussian([[sp.Rational(1, 3)]], sp.S.Zero, sp.S.One)
    assert gaussian.monomial((4,)) is gaussian.monomial((4,)) == sp.Rational(1, 3)

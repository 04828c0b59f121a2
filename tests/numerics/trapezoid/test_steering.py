"""The walkers that look for the shape of e^{−P}: invariant under scaling, and near the covariance of a Gaussian."""

import math
from fractions import Fraction

import numpy as np
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from numerics.trapezoid.shadow import FloatField
from numerics.trapezoid.steering import _covariance, dyadic
from numerics.trapezoid.waves import from_sympy

x, y = names = sp.symbols("x y", real=True)
R = sp.Rational


def covariance(loss: sp.Expr, matrix: np.ndarray) -> np.ndarray:
    return _covariance(FloatField(from_sympy(sp.expand(loss), names)), np.zeros(2), matrix)


def test_walkers_do_not_see_the_units() -> None:
    """In units 8 and ¼ all floats are multiplied by powers of two: the same walk, and A C Aᵀ for its covariance C."""
    loss, units = x**2 / 2 + x * y / 3 + y**4, np.diag([8.0, 0.25])
    plain = covariance(loss, np.eye(2))
    scaled = covariance(loss.subs({x: x / 8, y: 4 * y}, simultaneous=True), units)
    np.testing.assert_allclose(scaled, units @ plain @ units, rtol=1e-12)


def test_the_covariance_of_a_gaussian_is_met_roughly() -> None:
    """H = ((2, 1), (1, 3)), from a start that is too wide: along every direction within a third of H⁻¹.

    64 walkers over 200 kept steps are worth some 400 draws, and a third is five standard errors of their variance.
    """
    found = covariance(x**2 + x * y + R(3, 2) * y**2, 2 * np.eye(2))
    ratios = np.linalg.eigvals(np.array([[2, 1], [1, 3]]) @ found).real
    assert (ratios > 2 / 3).all() and (ratios < 3 / 2).all()


@given(st.floats(-1e100, 1e100).filter(lambda v: v == 0 or abs(v) > 1e-100), st.integers(1, 60))
def test_dyadic_numbers_are_the_nearest_with_so_many_bits(value: float, bits: int) -> None:
    found = dyadic(value, bits)
    rounded = Fraction(int(found.p), int(found.q))
    unit = Fraction(2) ** (math.frexp(value)[1] - bits)
    assert (rounded / unit).denominator == 1 and abs(rounded - Fraction(value)) <= unit / 2

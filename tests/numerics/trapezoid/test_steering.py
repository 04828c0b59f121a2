"""The walkers that look for the shape of e^{−P}: invariant under scaling, and near the covariance of a Gaussian."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.trapezoid.boxes import Boxes, cover
from numerics.trapezoid.shadow import FloatField
from numerics.trapezoid.steering import Samples, _covariance, _half_width, axes, dyadic, minimum
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


@given(st.integers(-20, 20), st.sampled_from([2, 4, 6]), st.integers(1, 5))
@settings(max_examples=15, deadline=None)
def test_an_axis_is_as_long_as_the_potential_takes_to_rise_by_a_half(octaves: int, power: int, factor: int) -> None:
    """P(s) − P(0) = ½ at s = (2 factor)^{−1/power}·2^{octaves} for P = factor·(x/2^{octaves})^power, to a quarter octave."""
    loss = factor * (x / sp.Integer(2) ** octaves) ** power + y**2 / 2
    value = FloatField(from_sympy(sp.expand(loss), names))
    exact = (2 * factor) ** (-1 / power) * 2.0**octaves
    for sign in (1, -1):
        found = _half_width(value, np.zeros(2), np.array([sign, 0.0]))
        assert exact * (1 - 1e-12) <= found <= exact * 2**0.25 * (1 + 1e-12)


def test_of_two_sides_the_wider_one_counts_and_one_that_never_rises_has_the_length_one() -> None:
    """x³/2 + 9x⁴ rises by ½ at −½ and, to the right, sooner; along x, −x² never does."""
    value = FloatField(from_sympy(x**3 / 2 + 9 * x**4 + y, names))
    right = max(r.real for r in np.roots([9, 0.5, 0, 0, -0.5]) if abs(r.imag) < 1e-9)
    for sign in (1, -1):
        found = _half_width(value, np.zeros(2), np.array([sign, 0.0]))
        assert right < 0.49 and 0.5 * (1 - 1e-12) <= found <= 0.5 * 2**0.25
    falling = _half_width(FloatField(from_sympy(-(x**2), names)), np.zeros(2), np.array([1.0, 0.0]))
    assert falling == 1.0


def test_axes_are_principal_directions_with_their_half_widths() -> None:
    """x² + xy + y² about (1, 2): along (1, ±1)/√2 with curvatures 3 and 1, rise ½ at 1/√3 and at 1, to a quarter octave."""
    u, v = x - 1, y - 2
    matrix = axes(from_sympy(sp.expand(u**2 + u * v + v**2), names), np.array([1.0, 2.0]))
    lengths = np.linalg.norm(matrix, axis=0)
    directions = np.abs(matrix / lengths)
    np.testing.assert_allclose(directions, np.full((2, 2), 0.5**0.5), rtol=1e-12)
    assert abs(matrix[:, 0] @ matrix[:, 1]) < 1e-12
    narrow, wide = sorted(lengths)
    assert (
        narrow * (1 + 1e-12) >= 3**-0.5 and narrow <= 3**-0.5 * 2**0.25 and wide * (1 + 1e-12) >= 1 and wide <= 2**0.25
    )


@pytest.mark.parametrize(("a", "b", "power"), [(13, -14, 2), (-30, 7, 4)])
def test_the_minimum_is_found_from_afar(a: int, b: int, power: int) -> None:
    """Of (x − a)^power + (y − b)² + (x − a)²(y − b)²/4, the only critical point, as well as floats can tell so far out."""
    u, v = x - a, y - b
    found = minimum(from_sympy(sp.expand(u**power + v**2 + u**2 * v**2 / 4), names), spread=True)
    assert np.abs(found - [a, b]).max() < (1e-3 if power == 2 else 0.05)


def test_of_two_wells_the_deeper_one_is_found_and_from_the_origin_the_near_one() -> None:
    """(x² − 100)²/100 + x: minima near −10 and 10; from the origin with spread the lower one at −10."""
    wells = from_sympy(sp.expand((x**2 - 100) ** 2 / 100 + x + y**2), names)
    assert abs(minimum(wells, spread=True)[0] + 10) < 0.2
    shifted = from_sympy(sp.expand(((x + 9) ** 2 - 100) ** 2 / 100 + (x + 9) + y**2), names)
    assert abs(minimum(shifted, spread=False)[0] - 1) < 0.2


def samples(loss: sp.Expr, reach: float, cut: float = 40.0) -> Samples:
    field = from_sympy(sp.expand(loss), names)
    return Samples(
        field,
        cover(FloatField(field), Boxes.around(np.array([reach, reach]), 8), cut, finest=np.full(2, 0.4)).live,
        cut,
    )


def test_sampled_integrals_are_near_the_integrals() -> None:
    """∫ e^{−P} and ∫ x² e^{−P} for P = x²/2 + y⁴: √(2π)·2Γ(5/4), twice, to a few parts in a hundred."""
    drawn = samples(x**2 / 2 + y**4, 12.0)
    true = math.log(math.sqrt(2 * math.pi) * 2 * math.gamma(1.25))
    for heights in (np.ones(len(drawn.values)), drawn.points[:, 0] ** 2):
        assert abs(drawn.log_integral(heights) - true) < 0.03


@pytest.mark.parametrize("axis", [0, 1])
def test_samples_know_the_real_part_on_shifted_lines(axis: int) -> None:
    """Re P(y + i a e) by complex arithmetic, waves included."""
    loss = x**2 + x * y**3 / 5 + y**4 + sp.cos(2 * x - y + 1) / 3 - sp.sin(3 * y) / 4
    drawn = samples(loss, 6.0)
    value, a = sp.lambdify(names, loss, "numpy"), 0.375
    beside = [drawn.points[:, 0] + 0j, drawn.points[:, 1] + 0j]
    beside[axis] = beside[axis] + 1j * a
    np.testing.assert_allclose(drawn._real_part(axis, a), value(*beside).real, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(drawn.values, value(drawn.points[:, 0], drawn.points[:, 1]), rtol=1e-9, atol=1e-9)


def test_the_shift_of_a_gaussian_is_the_best_one() -> None:
    """M(a) = I e^{a²/2} for P = |y|²/2, so a/(a²/2 + budget) is largest at a = √(2 budget); the ladder has steps of a tenth."""
    drawn = samples((x**2 + y**2) / 2, 16.0, cut=120.0)
    for budget in (5.0, 20.0):
        best = math.sqrt(2 * budget)
        for axis in (0, 1):
            assert best / 1.1 < drawn.shift(axis, budget) < best * 1.1

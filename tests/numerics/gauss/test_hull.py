"""The hull holds all but what is proved to lie outside; the minimum, the slabs and the halves by their contracts."""

import math

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, special

from numerics.gauss import gibbs_integrals, hull
from numerics.gauss.integrand import Integrand
from numerics.precision import ball, digits

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational
INF = math.inf


def integrand_of(potential, variables, fs=(sp.S.One,), level: float = 0.0) -> Integrand:
    return Integrand(potential, fs, variables, level)


@pytest.mark.parametrize(
    ("potential", "low", "high", "where"),
    [
        ((x - 3) ** 2 + (y + 40) ** 4 / 100, [-INF, -INF], [INF, INF], (3, -40)),
        ((x - 3) ** 2 + (y + 40) ** 2, [-1, -10], [1, 10], (1, -10)),  # at a corner
        ((x - 3) ** 2 + sp.cosh(y), [5, -INF], [INF, INF], (5, 0)),
        ((x + 3) ** 2 + sp.cosh(y), [-INF, 2], [-6, INF], (-6, 2)),
        (-sp.log(x) + x + y**2, [0, -INF], [INF, INF], (1, 0)),
        ((x**2 - 4) ** 2 / 4 + x / 5 + y**2, [-INF, -INF], [INF, INF], (-2.0246, 0)),  # the deeper of two wells
    ],
    ids=str,
)
def test_the_lowest_point_is_found_within_the_domain(potential, low, high, where) -> None:
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    with digits(15):
        integrand = integrand_of(potential, (x, y))
        best, value = hull.lowest_point(integrand, low, high)
    assert (best >= low).all() and (best <= high).all()
    np.testing.assert_allclose(best, where, atol=0.05)
    exact = float(potential.subs(dict(zip((x, y), map(sp.Float, where), strict=True))))
    assert value == pytest.approx(float(integrand.potential_at(*best)), rel=1e-12, abs=1e-12)
    assert value <= exact + 1e-3


def test_a_potential_that_is_nowhere_defined_has_no_lowest_point() -> None:
    with digits(15):
        best, value = hull.lowest_point(integrand_of(sp.log(-1 - x**2), (x,)), np.array([-INF]), np.array([INF]))
    assert np.isnan(best).all() and math.isnan(value)


@pytest.mark.parametrize(
    ("a", "b"),
    [([-1, 0, 1], [1, 1, 2]), ([-2, -3, 0], [3, 1, 4]), ([-2, 0, 1], [1, 5, 4]), ([-2, -3, 0], [3, 5, 4])],
    ids=str,
)
def test_slabs_fill_what_the_inner_box_leaves(a, b) -> None:
    """Every point of the outer box lies in the inner one or in exactly one slab (boundaries apart); the volumes add up."""
    low, high = np.array([-2.0, -3.0, 0.0]), np.array([3.0, 5.0, 4.0])
    a, b = np.array(a, dtype=float), np.array(b, dtype=float)
    lows, highs = hull._slabs(low, high, a, b)
    assert lows.shape == highs.shape and (lows < highs).all()
    assert (lows >= low).all() and (highs <= high).all()
    assert np.prod(highs - lows, axis=1).sum() + np.prod(b - a) == np.prod(high - low)
    points = np.random.default_rng(0).uniform(low, high, (500, 3))
    covers = ((points[:, None] > lows) & (points[:, None] < highs)).all(axis=2).sum(axis=1)
    assert (covers + ((points > a) & (points < b)).all(axis=1) == 1).all()


def test_boxes_are_halved_where_the_potential_varies_most() -> None:
    """V = 100x + y²: along x where the box is not much longer in y, and along y where it is; both halves fill the box."""
    low, high = np.array([[0.0, 0.0], [5.0, -100.0], [1.0, 1.0]]), np.array([[1.0, 2.0], [5.5, 100.0], [1.0, 2.0]])
    with digits(15):
        integrand = integrand_of(100 * x + y**2, (x, y))
        lows, highs = hull._halved(integrand, low, high)
        nothing = hull._halved(integrand, low[:0], high[:0])
    axes = [0, 1, 1]
    for k, axis in enumerate(axes):
        middle = (low[k] + high[k]) / 2
        first, second = high[k].copy(), low[k].copy()
        first[axis] = second[axis] = middle[axis]
        assert lows[k].tolist() == low[k].tolist() and highs[k].tolist() == first.tolist()
        assert lows[k + 3].tolist() == second.tolist() and highs[k + 3].tolist() == high[k].tolist()
    assert len(nothing[0]) == len(nothing[1]) == 0


@pytest.mark.parametrize("budget", [5.0, 25.0])
def test_the_mass_outside_a_hull_is_bounded(budget: float) -> None:
    """∫ and ∫ x² of e^{−(x − 1)²/2} on [−40, 60] outside [a, b] by erfc and scipy; the hull is not much too wide."""
    low, high = np.array([-40.0]), np.array([60.0])
    with digits(15):
        integrand = integrand_of((x - 1) ** 2 / 2, (x,), (sp.S.One, x**2))
        found = hull.find(integrand, low, high, np.array([1.0]), budget)
    (a,), (b,) = found.low, found.high
    root = math.sqrt(2 * math.pi)
    assert found.log_sizes == pytest.approx([math.log(root), math.log(2 * root)], abs=0.05)
    outside = root / 2 * (special.erfc((1 - a) / math.sqrt(2)) + special.erfc((b - 1) / math.sqrt(2)))
    assert outside <= float(found.outside[0]) <= root * math.exp(-budget)

    def second(s: float) -> float:
        return s**2 * math.exp(-((s - 1) ** 2) / 2)

    square = integrate.quad(second, -40, a)[0] + integrate.quad(second, b, 60)[0]
    assert square <= float(found.outside[1]) <= 2 * root * math.exp(-budget)
    assert -40 < a < 1 - math.sqrt(budget) and 1 + math.sqrt(budget) < b < 60
    assert b - a < 5 * math.sqrt(2 * (budget + 20))


def test_two_wells_are_both_in_the_hull_and_a_full_box_leaves_nothing_outside() -> None:
    with digits(15):
        wells = integrand_of((x**2 - 25) ** 2 / 10 + y**2, (x, y))
        found = hull.find(wells, np.full(2, -30.0), np.full(2, 30.0), np.array([5.0, 0.0]), 15.0)
        flat = integrand_of(sp.S.Zero, (x, y), (sp.S.One, sp.S.Zero))
        full = hull.find(flat, np.array([0.0, 1.0]), np.array([2.0, 4.0]), np.array([1.0, 2.0]), 15.0)
    assert found.low[0] < -5 and found.high[0] > 5 and found.high[1] < 20
    assert full.low.tolist() == [0, 1] and full.high.tolist() == [2, 4]
    assert full.outside == (0, 0) and full.log_sizes[0] == pytest.approx(math.log(6), abs=0.1)


def test_an_amplitude_that_overflows_far_away_has_a_finite_size() -> None:
    """cosh 2x is no float beyond 355, where e^{−x²/2} is 10⁻²⁷⁰⁰⁰; the size of f = 1 is √(2π) beside it."""
    with digits(15):
        gaussian = integrand_of(x**2 / 2, (x,), (sp.S.One, sp.cosh(2 * x)))
        found = hull.find(gaussian, np.array([-400.0]), np.array([400.0]), np.array([0.0]), 20.0)
    assert found.log_sizes[0] == pytest.approx(math.log(2 * math.pi) / 2, abs=0.1)
    assert np.isfinite(found.log_sizes).all()


@pytest.mark.parametrize(
    ("variables", "domain", "volume"), [((x,), [(0, 3)], 3), ((x, y), [(0, 2), (1, 4)], 6)], ids=str
)
def test_several_constants_may_be_integrated_together(variables, domain, volume: int) -> None:
    """V = 2 and f = 1, 5, −1/3 on a box: nothing depends on any variable."""
    with digits(12):
        found = gibbs_integrals(2, (1, 5, R(-1, 3)), variables, 1, domain=domain).unscaled()
        for f, value in zip((1, 5, R(-1, 3)), found, strict=True):
            assert value.overlaps(ball(f * volume * sp.exp(-2))) and value.rel_accuracy_bits() > 38

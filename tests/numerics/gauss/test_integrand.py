"""The three answers of an integrand agree: floats with numpy's own, bounds above the floats, holomorphic where it is proved."""

import numpy as np
import pytest
import sympy as sp

from numerics.gauss.integrand import SLACK, Integrand
from numerics.gauss.rectangles import Rectangles
from numerics.precision import digits

x, y = sp.symbols("x y", real=True)
V, AMPLITUDES, LEVEL = x**2 + sp.tanh(y) * x - y / 3 + sp.cosh(y), (x * y + 1, 1 / (2 + y), sp.sqrt(3 + x)), 0.75


@pytest.fixture(scope="module")
def integrand() -> Integrand:
    with digits(15):
        return Integrand(V, AMPLITUDES, (x, y), LEVEL)


def test_samples_are_the_expressions(integrand: Integrand) -> None:
    """V at real points, log |f e^{level − V}| at complex ones; undefined points do not stop the others."""
    points = np.array([0.3, -1.2, 2.0]), np.array([-0.5, 0.25, 1.5])
    potential, *fs = (sp.lambdify((x, y), f, "numpy") for f in (V, *AMPLITUDES))
    np.testing.assert_allclose(integrand.potential_at(*points), potential(*points), rtol=1e-13)
    beside = points[0] + 0.2j, points[1]
    expected = [np.log(np.abs(f(*beside))) + LEVEL - np.real(potential(*beside)) for f in fs]
    np.testing.assert_allclose(integrand.sample(*beside), expected, rtol=1e-12, atol=1e-12)
    assert np.isnan(integrand.sample(np.array([-4.0, 0.0]), np.zeros(2))[2]).tolist() == [True, False]


def test_bounds_lie_above_the_samples_and_meet_them_at_points(integrand: Integrand) -> None:
    random = np.random.default_rng(0)
    low = random.uniform(-1, 1, (2, 50))
    high, t = low + random.choice([0.0, 0.1, 1.0], 50), random.uniform(0, 1, (2, 20, 50))
    below = random.uniform(-0.3, 0.3, 50)
    boxes = Rectangles((low[0], high[0]), (below, below + 0.1)), Rectangles((low[1], high[1]))
    bounds = integrand.logarithms(*boxes)
    inside = low[0] + t[0] * (high[0] - low[0]) + 1j * (below + 0.1 * t[1]), low[1] + t[1] * (high[1] - low[1])
    assert bounds.shape == (3, 50) and (bounds[:, None] >= integrand.sample(*inside)).all()
    at = integrand.logarithms(Rectangles((low[0], low[0])), Rectangles((low[1], low[1])))
    sampled = integrand.sample(*low)
    excess = (at - sampled) / (1 + np.abs(sampled))
    assert (excess > 0).all() and (excess < 10 * SLACK).all()


def test_where_it_is_holomorphic_is_proved_or_not_claimed(integrand: Integrand) -> None:
    """tanh y has poles at ±iπ/2; 2 + y and 3 + x must stay on one side of 0, y by itself may be negative in 1/y but not in √y."""
    assert integrand.dangerous == {0, 1} and Integrand(x**2, (sp.S.One,), (x, y)).dangerous == frozenset()
    assert Integrand(x**2, (1 / (1 + y),), (x, y)).dangerous == {1}
    zero = np.zeros(3)
    height = np.array([0.5, 1.6, 1.5])
    boxes = Rectangles((zero, zero)), Rectangles((zero - 0.1, zero + 0.1), (zero, height))
    assert integrand.regular(*boxes).tolist() == [True, False, True]
    bases = Integrand(x**2, (1 / y, sp.sqrt(y + 2)), (x, y))
    centres = np.zeros(3), np.array([-3.0, -1.0, 1.0])
    signs = bases.signs(*centres)
    order = [bases.bases.floats(0.0, 5.0)[k] for k in range(2)]  # which of y and y + 2 comes first
    at = dict(zip(map(float, order), signs.tolist(), strict=True))
    assert at == {5.0: [-1, -1, 1], 7.0: [1, 1, 1]}
    boxes = Rectangles((zero, zero)), Rectangles((centres[1] - 0.5, centres[1] + 0.5))
    assert bases.right_of_zero(signs, *boxes).tolist() == [False, True, True]
    wide = Rectangles((zero, zero)), Rectangles((centres[1] - 1.5, centres[1] + 1.5))
    assert bases.right_of_zero(signs, *wide).tolist() == [False, False, False]


def test_constants_have_the_axes_of_the_points() -> None:
    """log |f e^{level − V}| at 3 × 4 points: the amplitudes come first, then the axes of the grid, of length 1 or full."""
    constant = Integrand(sp.S(2), (sp.S(3), sp.S(-5), sp.S(0)), (x, y), 1.5)
    grid = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0, 1.0, 2.0, 3.0]])
    found = constant.sample(*grid)
    assert found.ndim == 3 and len(found) == 3
    np.testing.assert_allclose(found[:2, 0, 0], np.log([3, 5]) - 0.5)
    assert (found[2] == -np.inf).all()
    mixed = Integrand(x**2, (sp.S(1), y), (x, y)).sample(*grid)
    np.testing.assert_allclose(np.broadcast_to(mixed, (2, 3, 4))[1, 2, 1:], np.log([1, 2, 3]) - 4)


def test_bounds_of_constants_and_of_zero() -> None:
    """log |f| + level − V exactly up to the slack; f = 0 has the bound −∞, and a pole on the box the bound +∞."""
    constant = Integrand(sp.S(-700), (sp.S(3), sp.S(0), 1 / x), (x,), -690.0)
    bounds = constant.logarithms(Rectangles((np.array([-1.0, 2.0]), np.array([1.0, 4.0]))))
    assert bounds.shape == (3, 2) and (bounds[1] < -600).all()
    assert (bounds[0] - (np.log(3) + 10) >= 0).all() and (bounds[0] - np.log(3) - 10 < 1e-7).all()
    assert bounds[2, 0] == np.inf and 0 <= bounds[2, 1] - (np.log(0.5) + 10) < 1e-7

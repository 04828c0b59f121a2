"""Steering of panels: what it promises is a partition; its estimates are near what they estimate."""

import math

import numpy as np
import pytest
import sympy as sp

from numerics.gauss import panelling
from numerics.gauss.integrand import Integrand
from numerics.gauss.panelling import _children, _negligible, _peak, plan, subdivide
from numerics.gauss.rule import _halved
from numerics.precision import digits

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational


@pytest.mark.parametrize(
    ("potential", "f", "low", "high"),
    [
        (x**2 / 2, 1 / (R(1, 100) + x**2), [-6.0], [8.0]),
        ((x**2 + y**2) * 20, sp.tanh(5 * x) + y, [-2.0, -1.0], [2.0, 3.0]),
        (x + y**2 * z**2 + z**2, sp.S.One, [0.0, -1.0, -2.0], [3.0, 1.0, 2.0]),
        (sp.S.Zero, x * y, [0.0, 0.0], [1.0, 2.0]),
    ],
    ids=str,
)
def test_panels_fill_the_box_once(potential, f, low, high) -> None:
    """Their volumes add up, and every point of the box lies inside exactly one (boundaries apart)."""
    variables = (x, y, z)[: len(low)]
    low, high = np.array(low), np.array(high)
    with digits(15), np.errstate(all="ignore"):
        lows, highs = subdivide(
            Integrand(potential, (f,), variables), low, high, np.full(1, -20.0), math.log(16 * len(low))
        )
    assert (lows < highs).all() and (lows >= low).all() and (highs <= high).all()
    assert np.prod(highs - lows, axis=1).sum() == pytest.approx(np.prod(high - low), rel=1e-12)
    points = np.random.default_rng(0).uniform(low, high, (300, len(low)))
    assert ((points[:, None] > lows) & (points[:, None] < highs)).all(axis=2).sum(axis=1).tolist() == [1] * 300
    assert f.is_polynomial() or len(lows) > 1  # a pole near the box is worth a cut


def test_the_number_of_panels_is_limited() -> None:
    hard = Integrand(sp.S.Zero, (1 / (R(1, 10**8) + x**2),), (x,))
    with digits(15), np.errstate(all="ignore"):
        lows, highs = subdivide(hard, np.array([-1.0]), np.array([1.0]), np.full(1, -30.0), 4.0, max_panels=6)
        more, _ = subdivide(hard, np.array([-1.0]), np.array([1.0]), np.full(1, -30.0), 4.0)
    assert len(lows) <= 7 < len(more) and (highs - lows).sum() == pytest.approx(2)


def test_children_are_the_halves_along_every_axis() -> None:
    low, high = np.array([[0.0, -1.0, 2.0], [1.0, 1.0, 1.0]]), np.array([[2.0, 3.0, 8.0], [2.0, 5.0, 1.5]])
    first, second = _children(low, high)
    assert first.shape == second.shape == (2, 3, 2, 3)
    for k in range(2):
        for axis in range(3):
            middle = (low[k, axis] + high[k, axis]) / 2
            for half in range(2):
                a, b = low[k].copy(), high[k].copy()
                (b if half == 0 else a)[axis] = middle
                assert first[k, axis, half].tolist() == a.tolist() and second[k, axis, half].tolist() == b.tolist()


def test_panels_are_halved_along_the_axis_of_the_largest_excess() -> None:
    low, high = np.array([[0.0, -1.0], [1.0, 1.0]]), np.array([[2.0, 3.0], [2.0, 5.0]])
    lows, highs = _halved(low, high, np.array([[1.0, 2.0], [5.0, 0.1]]))
    assert lows.tolist() == [[0, -1], [1, 1], [0, 1], [1.5, 1]] and highs.tolist() == [[2, 1], [1.5, 5], [2, 3], [2, 5]]


def test_the_peak_of_a_panel_is_found_and_is_the_top() -> None:
    """e^{−(x − 1)² − (y + 2)²/4}·5 on a panel that holds the peak, and on one that has it at a corner."""
    integrand = Integrand((x - 1) ** 2 + (y + 2) ** 2 / 4, (sp.S(5), sp.S.One), (x, y))
    centre, half = np.array([[0.0, 0.0], [5.0, 3.0]]), np.array([[2.0, 3.0], [1.0, 2.0]])
    u, top = _peak(integrand, centre, half, np.array([-3.0, 0.0]))
    np.testing.assert_allclose(centre + half * u, [[1, -2], [4, 1]], atol=0.05)
    np.testing.assert_allclose(top, [math.log(5) + 3, math.log(5) + 3 - 9 - 9 / 4], atol=0.01)


def test_plans_are_estimates_of_the_suprema_on_ellipses() -> None:
    """e^{2x + y} on a panel: log M(ρ) = 2(c + r a) + the top of y; the nodes are the fewest on the ladder with these."""
    integrand = Integrand(-2 * x - y, (sp.S.One,), (x, y))
    low, high = np.array([[0.0, 0.0]]), np.array([[4.0, 1.0]])
    found = plan(integrand, low, high, np.array([-20.0]), 3.0)
    for axis, slope in ((0, 2), (1, 1)):
        rho = float(found.rho[0, axis])
        half = (high - low)[0, axis] / 2
        assert rho in panelling.LADDER
        top = 9.0 - 2 * slope * half + slope * half + slope * half * (rho + 1 / rho) / 2
        assert found.excess[0, axis] == pytest.approx(top + 20, abs=0.02)

        def nodes(r: float, half=half, slope=slope) -> int:
            size = 9.0 - slope * half + slope * half * (r + 1 / r) / 2 + 20 + math.log(4) + 3
            return max(2, math.ceil((size + math.log(32 / 15) - math.log(1 - r**-2)) / (2 * math.log(r))))

        assert found.nodes[0, axis] == min(map(nodes, panelling.LADDER))
    assert found.top[0] == pytest.approx(29, abs=0.01) and found.cost()[0] == found.nodes[0, 0] * found.nodes[0, 1]
    assert found.variation.shape == (1, 2) and (found.variation > 0).all()


def test_many_panels_are_planned_in_pieces_with_the_same_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    integrand = Integrand(x**2 + y**4, (1 / (3 + x), sp.S.One), (x, y))
    low = np.random.default_rng(2).uniform(-2, 0, (9, 2))
    high = low + 0.75
    with digits(15):
        whole = plan(integrand, low, high, np.array([-10.0, -9.0]), 2.0)
        monkeypatch.setattr(panelling, "CHUNK", 2000)
        pieces = plan(integrand, low, high, np.array([-10.0, -9.0]), 2.0)
    for a, b in zip(whole, pieces, strict=True):
        np.testing.assert_allclose(a, b)


def test_what_lies_far_below_the_tolerance_is_negligible() -> None:
    """log(top·volume·e^{budget}) < −6."""
    found = panelling.Plan(*[np.zeros((3, 2))] * 4, top=np.array([-20.0, -12.0, -20.0]))
    low, high = np.zeros((3, 2)), np.array([[1.0, 1.0], [1.0, 1.0], [100.0, 1000.0]])
    assert _negligible(found, low, high, 5.0).tolist() == [True, True, False]
    assert _negligible(found, low, high, 7.0).tolist() == [True, False, False]


def test_poles_limit_the_ellipses_that_are_planned() -> None:
    """1/(x² + 1) on [−1, 1]: ρ < 1 + √2; e^{x} takes a larger one; with a pole inside nothing is left."""
    low, high = np.array([[-1.0]]), np.array([[1.0]])
    with digits(15), np.errstate(all="ignore"):
        pole = plan(Integrand(sp.S.Zero, (1 / (x**2 + 1),), (x,)), low, high, np.array([-60.0]), 3.0)
        entire = plan(Integrand(sp.S.Zero, (sp.exp(x),), (x,)), low, high, np.array([-60.0]), 3.0)
        inside = plan(Integrand(sp.S.Zero, (1 / (x + R(1, 2)),), (x,)), low, high, np.array([-60.0]), 3.0)
    assert 1.4 <= pole.rho[0, 0] < 1 + math.sqrt(2) < entire.rho[0, 0]
    assert pole.nodes[0, 0] < 60 and entire.nodes[0, 0] < 30 and inside.nodes[0, 0] >= panelling.HOPELESS

"""The radius of the series: its parts by the formulas of the module, the sum against the exact coefficients."""

import pytest
import sympy as sp
from flint import arb

from theory.singular import estimate, partition

x, y = sp.symbols("x y", real=True)
Z = partition(x**2 * y**2 * (1 + x + y), (x, y), poles_up_to=sp.Rational(5, 2))
((_, ((CHART,),)),) = Z.integral.summands


@pytest.fixture
def series() -> estimate._Series:
    """At t = 10⁴."""
    return estimate._Series([CHART], arb(10) ** 4, 6, 6)


def test_the_cut_has_the_radius_of_the_formula(series) -> None:
    """2 (max_{j≤k} |B_j| t^{−(k−j+1)/2} + |B_{k+1}|), once that is below what is wanted."""
    k, radius = series.cut(CHART, arb(10) ** -6)
    sizes = [series._block(CHART, series._inside(CHART, n))[1] for n in range(k + 1)]
    expected = 2 * (max((sizes[j] / arb(100) ** (k - j) for j in range(k)), key=arb.mid) + sizes[k])
    assert k > 1 and abs(radius / expected - 1) < 1e-10


def test_the_sum_and_what_the_last_coefficients_change(series) -> None:
    """Four blocks are the terms up to t^{−5/2}; four times the change of the interpolants is in the radius."""
    found = series.sum(CHART, 4)
    exact = estimate.ball(Z.series(sp.Integer(10) ** 4))
    assert abs(found.mid() - exact) < found.rad()
    blocks = [series._block(CHART, series._inside(CHART, n))[0] for n in range(4)]
    change = abs(sum((b.value - b.rough for b in blocks), arb(0)).mid())
    assert found.rad() >= 4 * change > 0


def test_a_series_that_has_the_digits_is_left_as_it_is(monkeypatch) -> None:
    """At t = 10⁶ nothing is left to the line; along it the integral is the same."""
    t = sp.Integer(10) ** 6
    line = estimate.inverted({CHART: arb.nan()}, t, 8)[CHART]

    def nothing_left(near, *_):
        assert not near
        return {}

    monkeypatch.setattr(estimate, "inverted", nothing_left)
    found = estimate.estimates([CHART], t)[CHART]
    assert abs(line.mid() - found.mid()) <= line.rad() + found.rad()
    assert line.rad() < 1e-6 * abs(found)

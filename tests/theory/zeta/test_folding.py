"""Charts in powers of their coordinates: the same Laurent coefficients, from lower orders."""

import pytest
import sympy as sp

from theory import zeta
from theory.zeta import Chart
from theory.zeta.balls import ball
from theory.zeta.folding import folded
from theory.zeta.precision import digits

x, y = sp.symbols("x y", real=True)
R = sp.Rational


def test_a_unit_in_high_powers_becomes_one_in_low_powers() -> None:
    (found,) = folded(Chart((x, y), (8, 6), (4, 0), 1 + y**2 + x**10 * y**6, 2))
    assert found.unit == 1 + y + x * y**3
    assert found.orders == (R(4, 5), 3)
    assert found.jacobian == (R(-1, 2), R(-1, 2))
    assert found.density == R(1, 10)


def test_what_knows_its_coordinate_itself_stays() -> None:
    for unit, density in ((1 + x**2 + x**3, 1), (1 + x**2, sp.exp(x)), (1 + sp.sin(x), 1), (2, 1 + x)):
        chart = Chart((x,), (2,), (0,), unit, density)
        assert folded(chart) == (chart,)
    half_line = Chart((x,), (2,), (0,), 1 + x**2, 1, (True,))
    assert folded(half_line) == (half_line,)


@pytest.mark.parametrize(
    ("unit", "density"),
    [
        (1 + x**2 + y**2 / 2, 1 + x - y**3 + x * y),
        (sp.exp(x**4 - y), 3 + x**2 * y + x**5),
        (1 + x**2 * y**2, sp.cos(x**2) * (1 + y)),
    ],
)
def test_two_roads_to_every_polar_coefficient(unit: sp.Expr, density: sp.Expr) -> None:
    """The exact coefficients of the chart as it is, and the sum of those of its pieces."""
    chart = Chart((x, y), (2, 4), (0, 1), unit, density)
    with digits(15):
        for s in zeta.candidates(chart, R(3, 2)):
            before, after = zeta.laurent(chart, s), zeta.laurent(folded(chart), s)
            polar = {before.order - j: c for j, c in enumerate(before.coefficients)}
            for j, c in enumerate(after.coefficients):
                polar[after.order - j] = polar.get(after.order - j, sp.S.Zero) - c
            for difference in polar.values():
                assert abs(ball(difference)) < 1e-12


def test_a_wrong_jacobian_would_show() -> None:
    chart = Chart((x,), (2,), (0,), 1 + x**2)
    (piece,) = folded(chart)
    wrong = Chart((x,), piece.orders, (0,), piece.unit, piece.density)
    with digits(15):
        assert (
            abs(ball(zeta.laurent(chart, R(1, 2)).coefficients[0] - zeta.laurent(piece, R(1, 2)).coefficients[0]))
            < 1e-12
        )
        assert zeta.laurent(wrong, R(1, 2)).order == 0

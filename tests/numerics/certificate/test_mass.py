"""The sides of boxes: counted by hand, weighed against sums and integrals at a higher precision."""

import pytest
from flint import arb, ctx, fmpq

from numerics.certificate.mass import Side, sides_of

INTERVAL, GRID = Side(fmpq(-1, 2), fmpq(5, 2), fmpq(0)), Side(fmpq(-2), fmpq(5), fmpq(1, 4))


def test_sides_have_a_centre_a_radius_and_points() -> None:
    assert (INTERVAL.centre, INTERVAL.radius, INTERVAL.points) == (1, fmpq(3, 2), 0)
    assert (GRID.centre, GRID.radius, GRID.points) == (fmpq(3, 8), fmpq(7, 8), 8)
    assert INTERVAL.halves() == (INTERVAL._replace(last=fmpq(1)), INTERVAL._replace(first=fmpq(1)))
    assert GRID.halves() == (GRID._replace(last=fmpq(1)), GRID._replace(first=fmpq(2)))
    assert list(sides_of([fmpq(7, 8), fmpq(3)], [fmpq(1, 4), fmpq(0)])) == [
        Side(fmpq(-3), fmpq(3), fmpq(1, 4)), Side(fmpq(-3), fmpq(3), fmpq(0)),
    ]  # fmt: skip


@pytest.mark.parametrize("side", [INTERVAL, GRID, GRID._replace(last=fmpq(-2))], ids=["interval", "grid", "point"])
@pytest.mark.parametrize("slope", [fmpq(0), fmpq(1, 3), fmpq(-7, 2), fmpq(1, 2**60)])
def test_weights_hold_the_sum_or_the_integral(side: Side, slope: fmpq) -> None:
    """∫ or step·Σ of e^{−slope·δ} about the centre, within both bounds, which differ by rounding alone where the slope is exact."""
    upper, lower = side.weight(arb(slope))
    with ctx.workprec(300):
        g, c = arb(slope), arb(side.centre)
        if side.step:
            points = [(side.first + k) * side.step for k in range(side.points)]
            truth = arb(side.step) * sum(((-g * (arb(p) - c)).exp() for p in points), arb(0))
        else:
            truth = 2 * (g * arb(side.radius)).sinh() / g if slope else 2 * arb(side.radius)
        assert not upper < truth and not lower > truth and upper - lower < truth * arb("1e-11")
        if not (slope == 0 or side.points == 1):
            assert upper > lower


def test_a_slope_that_is_not_known_widens_the_weight() -> None:
    """|slope| in [0, 1]: between 2r and 2 sinh r, whatever its sign."""
    r = arb(fmpq(3, 2))
    upper, lower = INTERVAL.weight(arb(0, 1))
    assert abs(upper - 2 * r.sinh()) < arb("1e-8") and lower == 2 * r

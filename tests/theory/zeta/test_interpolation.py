"""Laurent coefficients by interpolation against the exact ones, which are made of Taylor coefficients and finite parts."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import acb, arb, fmpq

from tests.theory.zeta.test_continuation import PROBLEMS
from theory import zeta
from theory.zeta import Chart, interpolation
from theory.zeta import grids as points
from theory.zeta.balls import ball
from theory.zeta.grids import Grid, _pieces, fitted_grids, resolves, units
from theory.zeta.precision import digits

x, y, z = NAMES = sp.symbols("x y z", real=True)
R = sp.Rational


def difference(charts: tuple[Chart, ...], s: sp.Rational, points: int) -> arb:
    """The largest error of a polar coefficient on a grid of so many points a piece."""
    half_line = ((0, 1, points), (1, 2, points), (2, 4, points), (4, 8, points), (8, 16, points))
    grids = {unit: Grid(tuple(half_line if half else half_line[:1] for half in unit[2])) for unit in units(charts)}
    found, errors = interpolation.polar_parts(charts, s, grids), [arb(0)]
    for c in charts:
        exact = zeta.laurent(c, s)
        assert len(found[c].value) == exact.order
        errors += [
            abs(a - ball(b)) / (1 + abs(ball(b))) for a, b in zip(found[c].value, exact.coefficients, strict=True)
        ]
    return max(errors, key=arb.upper)


@pytest.mark.parametrize(("names", "orders", "jacobian", "unit", "density", "up_to"), PROBLEMS)
def test_two_roads_to_every_polar_coefficient(names, orders, jacobian, unit, density, up_to) -> None:
    chart = Chart(names, orders, jacobian, unit, density).checked()
    with digits(20):
        for s in zeta.candidates(chart, up_to):
            assert difference((chart,), s, {1: 96, 2: 48}.get(len(names), 27)) < 1e-11


def test_sub_leading_poles_of_units_in_three_variables() -> None:
    """Up to three powers of t beyond the first: derivatives of order 6 in every variable."""
    chart = Chart(NAMES, (2, 2, 2), (0, 0, 1), sp.exp(x - y * z) * (1 + x * z / 2), sp.cos(y))
    with digits(20):
        for s in (R(1, 2), R(1), R(3, 2), R(2)):
            assert difference((chart,), s, 27) < 1e-10


def test_half_lines() -> None:
    charts = (Chart((x, y), (2, 2), (0, 0), 1 + x**2 + x**2 * y**2, 1 + x * y, (True, True)),)
    with digits(15):
        assert difference(charts, R(1, 2), 28) < 1e-8


def test_grids_converge_like_powers_of_the_ellipse() -> None:
    """u = 1 + 2y vanishes at y = −½, where ρ = 2 + √3: from 16 to 28 to 48 points the error falls like ρ^{−12}, then ρ^{−20}."""
    charts = (Chart((x, y), (2, 2), (0, 0), 1 + x + 2 * y),)
    with digits(40):
        errors = [difference(charts, R(1, 2), level) for level in (16, 28, 48)]
    rho = 2 + arb(3).sqrt()
    assert rho**-13 < errors[1] / errors[0] < rho**-10
    assert rho**-22 < errors[2] / errors[1] < rho**-17


def test_charts_are_added_at_their_own_orders() -> None:
    """One chart has a double pole at −½, the other a simple one."""
    charts = (Chart((x, y), (2, 2), (0, 0), 1 + x), Chart((x, y), (2, 2), (0, 1), 1 + y))
    with digits(20):
        assert difference(charts, R(1, 2), 28) < 1e-12
        assert difference(charts, R(1), 28) < 1e-10


def test_a_circle_of_complex_values_has_the_polar_coefficients() -> None:
    """ζ(−s) at 48 points of a circle around a double pole: the mean of ζ(−s_0+ε) ε^j is the coefficient of ε^{−j}."""
    chart = Chart((x, y), (2, 2), (0, 0), 1 + x / 2 + y / 3, sp.cos(y))
    with digits(20):
        grids = fitted_grids((chart,), fmpq(1, 2), 24, fmpq(1))
        epsilon = [(acb(0, 2 * arb.pi() * k / 48)).exp() / 8 for k in range(48)]
        nodes = [acb((arb(1) / 2 - e).real.mid(), (-e).imag.mid()) for e in epsilon]
        values = interpolation.values((chart,), nodes, grids)[chart].value
        for j, exact in zip((2, 1), zeta.laurent(chart, R(1, 2)).coefficients, strict=True):
            mean = sum((v * e**j for v, e in zip(values, epsilon, strict=True)), acb(0)) / 48
            assert abs(mean - ball(exact)) < 1e-15


def test_what_the_last_coefficients_change_is_more_than_the_error() -> None:
    """On grids fitted to 8, 11 and 14 digits: the error stays below the change."""
    chart = Chart((x, y), (2, 4), (0, 0), 1 + x + 2 * y)
    for wanted in (8, 11, 14):
        with digits(30):
            grids = fitted_grids((chart,), fmpq(1, 2), wanted, fmpq(1))
            for s in (R(1, 4), R(1, 2), R(3, 4)):
                value, rough = interpolation.polar_parts((chart,), s, grids)[chart]
                for a, b, exact in zip(value, rough, zeta.laurent(chart, s).coefficients, strict=True):
                    assert abs(a - ball(exact)) < abs(a - b) + arb(10) ** -20


def test_powers_from_one_s_to_the_next() -> None:
    chart = Chart((x, y), (2, 4), (0, 0), sp.exp(x * y) + x)
    with digits(20):
        grids, powers = fitted_grids((chart,), fmpq(1, 2), 15, fmpq(1)), interpolation.Powers()
        for s in (R(1, 4), R(1, 2), R(1), R(3, 4), R(5, 2)):
            again = interpolation.polar_parts((chart,), s, grids, powers)[chart].value
            alone = interpolation.polar_parts((chart,), s, grids)[chart].value
            assert all(a.overlaps(b) and a.rad() < abs(a) * 1e-10 for a, b in zip(again, alone, strict=True))


def test_the_remainder_of_geometric_coefficients() -> None:
    """5ρ^{−k}: the last ninth of 9m of them changes the value by 5ρ^{−8m}, and 5ρ^{−9m} is left; here ρ^m = 10."""
    assert interpolation.remaining(arb(5) / 10**8, arb(5)).overlaps(arb(5) / 10**9)
    assert interpolation.remaining(arb(3), arb(2)) == 3  # they do not fall yet


@pytest.mark.parametrize("wanted", [5, 15, 40])
def test_the_pieces_of_a_half_line_follow_each_other_until_the_gaussian_is_negligible(wanted) -> None:
    pieces = _pieces(wanted)
    assert pieces[:2] == [(0, 1), (1, 2)] and all(a[1] == b[0] for a, b in itertools.pairwise(pieces))
    assert (-(arb(pieces[-1][1]) ** 2) / 2).exp() < arb(10) ** -wanted


def test_values_of_a_gaussian_coordinate_are_absolute_moments() -> None:
    """∫_0^∞ x^{−2s} e^{−x²/2}/√(2π) = 1/2, 2/√(2π), 3/2 at s = −1, −3/2, −2."""
    chart = Chart((x,), (2,), (0,), gaussian=(True,))
    with digits(20):
        found = interpolation.values((chart,), [acb(-1), acb(-arb(3) / 2), acb(-2)], {})[chart].value
        for value, exact in zip(found, (arb(1) / 2, 2 / (2 * arb.pi()).sqrt(), arb(3) / 2), strict=True):
            assert abs(value - exact) < arb(10) ** -18


def test_grids_that_cannot_resolve_a_pole_say_so() -> None:
    """At −s the Taylor coefficient of order κs − h − 1 is taken: 16 kept coefficients do not have one of order 19, nor of 16."""
    unit, grid = 1 + x + y, Grid((((0, 1, 20),),) * 2)
    for orders, jacobian, s, known in (
        ((2, 4), (0, 0), R(1, 2), True), ((2, 4), (0, 0), R(5), False), ((4, 2), (0, 0), R(5), False),
        ((2, 4), (0, 12), R(5), True), ((1, 1), (0, 0), R(17), False), ((1, 1), (9, 9), R(17), True),
    ):  # fmt: skip
        chart = Chart((x, y), orders, jacobian, unit)
        assert resolves(dict.fromkeys(units((chart,)), grid), chart, s) is known


def points_needed(F: Callable[[Any], Any], low: int, high: int) -> int:
    """For the Chebyshev coefficients above 10^{−10} by numpy (on [0, 1] relative to the largest), an eighth more, and two."""
    parts = [lambda v, part=part: part(F(low + (high - low) * (v + 1) / 2)) for part in (np.real, np.imag)]
    real, imaginary = (np.polynomial.chebyshev.chebinterpolate(part, 200) for part in parts)
    sizes = np.hypot(real, imaginary)
    m = 1 + int(np.flatnonzero(sizes > 1e-10 * (1 if low else sizes.max())).max())
    return m + 2 + m // 8


@pytest.mark.parametrize(("real", "imaginary"), [(1, 0), (3, 0), (1, 8), (1, -8)])
@pytest.mark.parametrize("k", [2, 4])
def test_grids_are_fitted_to_the_coefficients_along_the_edges(k: int, real: int, imaginary: int) -> None:
    """Those of F = b u^{−s} on [0, 1] and of x^{−ks} F on the pieces beyond, at either end of the other coordinate."""
    chart = Chart((x, y), (k, 2), (0, 0), 1 + x**2 + x**2 * y / 2, 1 + x * y, (True, False))
    s = complex(real / 2, imaginary)
    with digits(20):
        grid = Grid.fit((chart,), [((fmpq(real, 2), fmpq(imaginary)), 10)], fmpq(1))

    def F(u, v):
        return (1 + u * v) * np.exp(-u * u / 2) / np.sqrt(2 * np.pi) * (1 + u * u + u * u * v / 2) ** -s

    for low, high, n in grid.axes[0]:
        needed = [points_needed(lambda u, e=e: F(u, e) * (u ** (-k * s) if low else 1), low, high) for e in (0, 1)]  # noqa: B023
        assert n == max(needed)
    assert [piece[:2] for piece in grid.axes[1]] == [(0, 1)]
    assert grid.axes[1][0][2] == max(points_needed(lambda v, e=e: F(e, v) * np.ones_like(v), 0, 1) for e in (0, 1))


@pytest.mark.parametrize("most", [400, 150, 60])
def test_grids_that_would_be_too_large_are_thinned_on_every_axis(most: int, monkeypatch) -> None:
    """No more points than may be, but not many fewer: a tenth less on every axis at a time. The error is below the change."""
    chart = Chart((x, y), (2, 4), (0, 0), 1 + x + 2 * y)
    with digits(20):
        (unit,) = units((chart,))
        whole = Grid.fit((chart,), [((fmpq(1, 2), fmpq(0)), 16)], fmpq(1))
        monkeypatch.setattr(points, "MOST_POINTS", most)
        thinned = Grid.fit((chart,), [((fmpq(1, 2), fmpq(0)), 16)], fmpq(1))
        assert whole.size > 400 >= most >= thinned.size > most * 7 // 10
        for before, after in zip(whole.axes, thinned.axes, strict=True):
            assert [piece[:2] for piece in before] == [piece[:2] for piece in after]
            assert all(4 <= n < m for (_, _, n), (_, _, m) in zip(after, before, strict=True))
        value, rough = interpolation.polar_parts((chart,), R(1, 2), {unit: thinned})[chart]
        for a, b, exact in zip(value, rough, zeta.laurent(chart, R(1, 2)).coefficients, strict=True):
            assert abs(a - ball(exact)) < abs(a - b)

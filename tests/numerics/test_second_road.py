"""Each road on small problems with irrational or skew boxes, priors and observables, by closed forms; and its own error."""

import numpy as np
import pytest
import sympy as sp
from flint import acb, acb_poly, arb, fmpq

from numerics import second_road
from numerics.certificate import Certificate, Shear
from numerics.errors import NotCertified
from numerics.precision import ball, digits
from numerics.problems import Problem
from theory.errors import BadInput

R = sp.Rational
x, y = sp.symbols("x y")


def problem(loss, variables, box, t=1, prior=sp.S.One, **known) -> Problem:
    return Problem(
        "one of the tests", sp.sympify(loss), variables, R(t), frozenset(), box, prior=sp.sympify(prior), **known
    )


def error(value: second_road.Value, exact: object) -> arb:
    with digits(50):
        return abs(value.ball - ball(exact))


def test_panels_end_where_the_box_ends() -> None:
    """∫ x² e^{−2x} over [√2/3, √5] with prior e^{−x}, to 30 digits: ends known to fewer would be seen."""
    low, high = sp.sqrt(2) / 3, sp.sqrt(5)
    found = second_road.panels(problem(x, (x,), ((low, high),), 2, sp.exp(-x)), x**2, 30)
    assert not found.proved and error(found, sp.integrate(x**2 * sp.exp(-3 * x), (x, low, high))) < arb("1e-29")
    assert found.ball.rad() < arb("1e-27")


def test_the_estimate_of_the_panels_covers_their_error_at_any_digits() -> None:
    for n in (8, 18):
        found = second_road.panels(problem(x**2, (x,), ((R(-1, 3), R(7, 3)),), 5), x + 1, n)
        exact = sp.integrate((x + 1) * sp.exp(-5 * x**2), (x, R(-1, 3), R(7, 3)))
        with digits(50):
            assert found.ball.overlaps(ball(exact)) and found.ball.rad() >= abs(ball(exact)) * arb(10) ** -n / 2


@pytest.mark.parametrize("f", [sp.S.One, x**2 * y, x])
def test_cubature_of_a_product_over_a_rectangle(f) -> None:
    """e^{−3(x + 2y)} (1 + x) f over [0, 1/2] × [−1/3, 1], and an integrand without variables."""
    box = ((sp.S.Zero, R(1, 2)), (R(-1, 3), sp.S.One))
    found = second_road.cubature(problem(x + 2 * y, (x, y), box, 3, 1 + x), f)
    exact = sp.integrate((1 + x) * f * sp.exp(-3 * x - 6 * y), (x, 0, R(1, 2)), (y, R(-1, 3), 1))
    assert not found.proved and error(found, exact) < arb("1e-8") * abs(ball(exact)) + found.ball.rad()
    assert found.ball.rad() < arb("1e-8") * abs(ball(exact))
    flat = second_road.cubature(problem(0, (x, y), box))
    assert error(flat, R(2, 3)) < arb("1e-12")


def test_cubature_of_an_odd_integrand_ends() -> None:
    """Its integral is 0, to which no relative error can be kept: the floor is a share of the integral of the absolute value."""
    found = second_road.cubature(problem(x**2, (x,), ((-2, 2),)), x**3, accuracy=1e-6)
    assert found.ball.contains(0) or abs(found.ball) < arb("1e-6")


def test_cubature_of_a_small_box_is_as_accurate() -> None:
    """A peak in a square of side 1/100: the floor is a share of the integral, not of the mean."""
    side, loss = (R(0), R(1, 100)), 10**7 * ((x - R(1, 250)) ** 2 + (y - R(1, 200)) ** 2)
    found = second_road.cubature(problem(loss, (x, y), (side, side)), accuracy=1e-8)
    exact = sp.prod(sp.integrate(sp.exp(-(10**7) * (x - m) ** 2), (x, *side)) for m in (R(1, 250), R(1, 200)))
    assert error(found, exact) < arb("1e-8") * ball(exact) and found.ball.rad() < arb("3e-8") * ball(exact)


def test_cubature_refuses_what_is_not_finite() -> None:
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(NotCertified, match=r"did not converge|left the float range"),
    ):
        second_road.cubature(problem(-(x**2), (x,), ((-1, 1),), 1000))


def test_grid_coordinates_are_a_substitution() -> None:
    """P(y) = t·loss + … − level and f(y) at w = shears(centre + matrix·y), the first shear outermost, at rational points."""
    centre, matrix = (fmpq(1, 3), fmpq(-2)), ((fmpq(1, 2), fmpq(3)), (fmpq(-1), fmpq(1, 4)))
    shears = (Shear(0, (((0, 2), fmpq(1, 2)), ((0, 0), fmpq(1)))), Shear(1, (((3, 0), fmpq(-1, 5)),)))
    c = Certificate(fmpq(7, 3), centre, matrix, fmpq(25, 8), (), (), (), None, (), arb(0), arb(0), 0, shears)  # pyright: ignore
    loss, f = x**2 + x * y / 2 - y, x - 3 * y
    v = [R(1, 3) + x / 2 + 3 * y, -2 - x + y / 4]
    bent = (v[0], v[1] - v[0] ** 3 / 5)  # the last shear comes first
    w = dict(zip((x, y), (bent[0] + bent[1] ** 2 / 2 + 1, bent[1]), strict=True))
    for prior, exponent, factor in ((sp.exp(x - y**2 / 3), x - y**2 / 3, sp.S.One), (1 + y**2, sp.S.Zero, 1 + y**2)):
        with digits(40):
            found = second_road._in_grid_coordinates(problem(loss, (x, y), (), 5, prior), f, c)
        for parts, expr in zip(found, (5 * loss - exponent - R(7, 3), f * factor), strict=True):
            for point in ((R(1, 2), R(-1, 3)), (R(2), R(3, 7))):
                exact = expr.subs(w, simultaneous=True).subs(dict(zip((x, y), point, strict=True)))
                with digits(40):
                    rows = acb_poly([part(acb(ball(point[0]))) for part in parts])
                    assert abs(rows(acb(ball(point[1]))) - acb(ball(exact))) < arb("1e-20")


def test_nested_quadrature_with_a_prior() -> None:
    """∫ (1 + x y) e^{−2x² − xy} e^{x − y²} by its Gaussian's mean and covariance, to 3 digits: the loss alone has no growth."""
    precision = sp.Matrix([[4, 1], [1, 2]])
    mean, covariance = precision.inv() * sp.Matrix([1, 0]), precision.inv()
    exact = 2 * sp.pi / sp.sqrt(precision.det()) * sp.exp(mean[0] / 2) * (1 + mean[0] * mean[1] + covariance[0, 1])
    found = second_road.nested(problem(x**2 + x * y / 2, (x, y), (), 2, sp.exp(x - y**2)), 1 + x * y, 3)
    with digits(30):
        assert found.proved and found.ball.overlaps(ball(exact)) and found.ball.rad() < arb("1e-3")


def test_the_line_with_a_prior() -> None:
    """∫ x² e^{−3x²/2} e^{−x² + x} dx = e^{1/10} √(2π/5) (1/5 + 1/25)."""
    found = second_road.line(problem(x**2 / 2, (x,), ((-8, 8),), 3, sp.exp(-(x**2) + x)), x**2, 20)
    with digits(40):
        exact = ball(sp.exp(R(1, 10)) * sp.sqrt(2 * sp.pi / 5) * (R(1, 5) + R(1, 25)))
        assert found.proved and found.ball.overlaps(exact) and found.ball.rad() < arb("1e-18")


def test_closed_forms_are_partition_times_mean() -> None:
    known = problem(x**2 / 2, (x,), ((-8, 8),), partition=sp.sqrt(2 * sp.pi), means=((x**2, R(3)), (x**4, None)))
    with digits(40):
        assert second_road.closed(known).ball.overlaps(ball(sp.sqrt(2 * sp.pi)))
        assert second_road.closed(known, x**2, 30).ball.overlaps(ball(3 * sp.sqrt(2 * sp.pi)))
        assert second_road.closed(known, x**2, 30).ball.rad() < arb("1e-28") and second_road.closed(known).proved
    for f, other in ((x**4, known), (x**6, known), (sp.S.One, problem(x**2, (x,), ((-8, 8),)))):
        with pytest.raises(BadInput, match="no closed form"):
            second_road.closed(other, f)


def test_nested_quadrature_is_for_polynomials() -> None:
    with pytest.raises(BadInput, match="is for polynomials"):
        second_road.nested(problem(x**2 + y**2 + sp.cos(x), (x, y), ((-4, 4), (-4, 4))), n=3)

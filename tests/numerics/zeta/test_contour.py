"""Keyhole integrals against closed forms, whatever the radius; Cauchy's formula on a rational function; what is refused."""

import pytest
import sympy as sp
from flint import acb, arb, fmpq

from numerics.errors import NotCertified
from numerics.precision import digits
from numerics.zeta import contour
from numerics.zeta.charts import Gaussian, chart
from theory.errors import BadInput

R = sp.Rational
x, y, z = sp.symbols("x y z")


@pytest.mark.parametrize("radius", [R(1, 4), R(1, 2), R(1, 10)])
@pytest.mark.parametrize("real, imag", [(fmpq(1, 3), fmpq(0)), (fmpq(-8, 5), fmpq(1, 2)), (fmpq(2), fmpq(-3, 2))])
def test_a_line_by_its_hypergeometric_function(radius, real, imag) -> None:
    """∫ x^{2z + 1/2} (1 + x)^{z − 1/3} dx = 2F1(⅓ − z, a + 1; a + 2; −1)/(a + 1), a = 2z + ½, for every keyhole."""
    problem = chart(x, (2,), jacobian=R(1, 2), unit=1 + x, density=(1 + x) ** R(-1, 3))
    with digits(20):
        at = acb(real, imag)
        a, b = 2 * at + acb(fmpq(1, 2)), at - acb(fmpq(1, 3))
        exact = acb(-1).hypgeom_2f1(-b, a + 1, a + 2) / (a + 1)
        found = contour.value(problem, at, 12, radius)
        assert found.overlaps(exact) and found.rad() < arb("1e-10") * (1 + abs(exact))


def test_monomials_in_the_plane_and_sums_of_charts() -> None:
    """1/((2z + 4/3)(z + 1)) · 3 and its sum with 1/(3z + 1); 3^z for the constant."""
    with digits(15):
        at = acb(fmpq(-2, 7), fmpq(1, 3))
        plane = chart((x, y), (2, 1), jacobian=(R(1, 3), 0), unit=3, density=3)
        exact = 3 * acb(3) ** at / (2 * at + acb(fmpq(4, 3))) / (at + 1)
        assert contour.value(plane, at, 6).overlaps(exact)
        assert contour.value([plane, chart(x, (3,))], at, 6).overlaps(exact + 1 / (3 * at + 1))


def test_cauchys_formula_on_a_rational_function() -> None:
    """2/δ² + 3/δ + 5 + 7δ + … with the next pole at distance 1: coefficients from 40 points of |δ| = ¼, to about 4⁻⁴⁰."""
    s = fmpq(1, 2)

    def value(at: acb) -> acb:
        d = at + acb(s)
        return 2 / d**2 + 3 / d + 5 + 7 * d + d**2 / (1 - d)

    found = contour.laurent((), s, 2, 5, circle=R(1, 4), points=40, accuracy=30, function=value)
    assert len(found.coefficients) == 5
    for c, exact in zip(found.coefficients, (2, 3, 5, 7, 1), strict=True):
        assert abs(c - exact) < arb("1e-20") and c.rad() == 0
    assert 0 <= found.noise < arb("1e-25")
    coarse = contour.laurent((), s, 2, 3, circle=R(1, 2), points=8, accuracy=30, function=value)
    assert abs(coarse.coefficients[0] - 2) > arb("1e-4")  # (1/2)⁸ and more: few points on a wide circle do not do


def test_what_the_contours_are_not_for() -> None:
    at = acb(fmpq(1, 3))
    for problem in (chart((x, y, z), (2, 1, 1)), chart(x, (2,), extents=Gaussian(fmpq(1)))):
        with pytest.raises(BadInput, match="one or two coordinates"):
            contour.value(problem, at)


@pytest.mark.parametrize("names", [(x,), (y, x)], ids=str)
def test_zeros_inside_the_keyhole_are_told(names) -> None:
    """1/5 + x vanishes within ¼ of the origin: the circle crosses the cut, and what is integrated there is not ζ. ζ(⅓) by 2F1."""
    problem, at = chart(names, (2,) * len(names), unit=R(1, 5) + x), acb(fmpq(1, 3))
    with pytest.raises(NotCertified, match="take a smaller radius"):
        contour.value(problem, at, 5)
    with digits(20):
        third = acb(fmpq(1, 3))
        exact = acb(fmpq(1, 5)) ** third * acb(-5).hypgeom_2f1(-third, acb(fmpq(5, 3)), acb(fmpq(8, 3))) / fmpq(5, 3)
        exact *= acb(fmpq(3, 5)) ** (len(names) - 1)
        found = contour.value(problem, third, 5, R(1, 10))
        assert found.overlaps(exact) and found.rad() < arb("1e-4")


@pytest.mark.parametrize(("points", "terms"), [(7, 1), (1, 1), (0, 1), (8, 0)])
def test_a_circle_has_an_even_number_of_points(points: int, terms: int) -> None:
    with pytest.raises(BadInput, match=f"not {points} and {terms}"):
        contour.laurent((), 1, 1, terms, circle=R(1, 4), points=points, function=lambda z: 1 / (z + 1))
    (found,) = contour.laurent((), 1, 1, 1, circle=R(1, 4), points=2, function=lambda z: 1 / (z + 1)).coefficients
    assert abs(found - 1) < arb("1e-20")

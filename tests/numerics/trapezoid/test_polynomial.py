"""Float polynomials: derivatives with their factorials, and which monomials couple variables."""

import numpy as np
import pytest
import sympy as sp

from numerics.trapezoid.polynomial import FloatPolynomial
from numerics.trapezoid.waves import from_sympy

x, y, z = sp.symbols("x y z", real=True)


@pytest.mark.parametrize(
    ("expr", "mixed"),
    [
        (x**4 + y**2 - 3, False),
        (x * y + z, True),
        (x**2 + y**3 * z, True),
        (x * y * z, True),
        (sp.S(2), False),
        (z**5, False),
    ],
)
def test_a_monomial_in_two_variables_is_mixed(expr, mixed: bool) -> None:
    assert FloatPolynomial(from_sympy(sp.sympify(expr), (x, y, z)).polynomial, 3).mixed is mixed


def test_gradients_and_hessians_are_those_of_sympy() -> None:
    expr = x**3 * y - 2 * x * y * z + z**4 / 2 + y**2 - x + 7
    points = np.array([[0.5, -1.0, 2.0], [3.0, 0.25, -0.5]])
    gradient, hessian = FloatPolynomial(from_sympy(expr, (x, y, z)).polynomial, 3).derivatives(points)
    for k, point in enumerate(points):
        at = dict(zip((x, y, z), point, strict=True))
        np.testing.assert_allclose(gradient[k], [float(expr.diff(v).subs(at)) for v in at], rtol=1e-13)
        np.testing.assert_allclose(
            hessian[k], np.array(sp.hessian(expr, tuple(at)).subs(at), float), rtol=1e-13, atol=1e-13
        )


def test_uncoupled_variables_have_no_mixed_derivatives() -> None:
    """x⁴ + 3y²: the Hessian is diagonal although no monomial says so, and a linear form has none at all."""
    points = np.array([[2.0, -1.0], [0.5, 3.0]])
    gradient, hessian = FloatPolynomial(from_sympy(x**4 + 3 * y**2, (x, y)).polynomial, 2).derivatives(points)
    assert gradient.tolist() == [[32, -6], [0.5, 18]]
    assert hessian.tolist() == [[[48, 0], [0, 6]], [[3, 0], [0, 6]]]
    gradient, hessian = FloatPolynomial(from_sympy(2 * x + 1, (x, y)).polynomial, 2).derivatives(points)
    assert gradient.tolist() == [[2, 0], [2, 0]] and not hessian.any()

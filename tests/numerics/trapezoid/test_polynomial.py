"""Float polynomials: derivatives with their factorials, and which monomials couple variables."""

import numpy as np
import pytest
import sympy as sp
from flint import fmpq

from numerics.errors import NotCertified
from numerics.trapezoid.polynomial import FloatPolynomial, affine, directional_parts, ring, terms_of, to_float
from numerics.trapezoid.polynomial import from_sympy as exact
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


R = sp.Rational


def terms(expr, variables) -> dict:
    return {alpha: fmpq(int(c.p), int(c.q)) for alpha, c in sp.Poly(expr, *variables).terms() if c}


@pytest.mark.parametrize(
    "expr",
    [
        sp.S(0),
        R(-3, 7),
        (x + 2 * y) ** 3 * (z - R(1, 2)) + x * (y + 1) ** 2,
        sp.Pow(x * y, 2) - x**2 * y**2 + z,
        (x**2 - 1) / (x - 1) * (x - 1) + y,
        ((x + y) ** 2 - x**2 - 2 * x * y) * 5,
        sp.cos(0) * x + sp.sqrt(4) * z**3,
    ],
    ids=str,
)
def test_polynomials_are_read_exactly_however_they_are_written(expr) -> None:
    """Factored, expanded or with terms that cancel."""
    assert terms_of(exact(expr, (x, y, z))) == terms(sp.expand(sp.simplify(expr)), (x, y, z))


@pytest.mark.parametrize(
    ("expr", "reason"),
    [(sp.sqrt(2) * x, "rational coefficients"), (sp.pi + x, "rational"), (x**-1, "is not one"), (sp.exp(x), "is not one"),
     (x ** R(1, 2) * y, "is not one"), (sp.oo + x, "is not one|rational"), ((x + sp.exp(y)) ** 2, "in x, y, z is needed")],
    ids=str,
)  # fmt: skip
def test_what_is_no_rational_polynomial_is_refused(expr, reason: str) -> None:
    with pytest.raises(NotCertified, match=reason):
        exact(expr, (x, y, z))


def test_affine_changes_of_three_variables_are_those_of_sympy() -> None:
    expr = x**2 * y - z**3 / 3 + x * z + 4
    offset, matrix = [fmpq(1, 2), fmpq(0), fmpq(-3)], [[1, 2, 0], [0, -1, 1], [5, 0, 1]]
    moved = affine(exact(expr, (x, y, z)), offset, [[fmpq(a) for a in row] for row in matrix])
    images = [
        R(int(o.p), int(o.q)) + sum(a * v for a, v in zip(row, (x, y, z), strict=True))
        for o, row in zip(offset, matrix, strict=True)
    ]
    assert terms_of(moved) == terms(expr.subs(dict(zip((x, y, z), images, strict=True)), simultaneous=True), (x, y, z))


def test_all_parts_along_an_oblique_direction() -> None:
    """Re p(y + i b v) = Σ b^{2k} p_k, every power of b, against sympy; a constant and a linear form have one part only."""
    b = sp.Symbol("b", real=True)
    expr, v = x**6 - 3 * x**2 * y * z**3 + y**4 - x * z + 2, (1, R(-1, 2), 3)
    beside = expr.subs({w: w + sp.I * b * e for w, e in zip((x, y, z), v, strict=True)}, simultaneous=True)
    expected = sp.Poly(sp.re(sp.expand(beside)), b).all_coeffs()[::-1][::2]
    found = directional_parts(exact(expr, (x, y, z)), [fmpq(int(R(e).p), int(R(e).q)) for e in v])
    assert [terms_of(part) for part in found] == [terms(part, (x, y, z)) for part in expected]
    for flat in (x - y + 1, sp.S(3)):
        assert len(directional_parts(exact(flat, (x, y, z)), [fmpq(1)] * 3)) == 1


def test_values_taylor_coefficients_and_absolute_values() -> None:
    """Of (2 − x)³ y − 5z² at points: T_β = ∂^β p/β!, Σ |c_α| r^α from above and no more than a relative 10⁻¹² larger."""
    expr = sp.expand((2 - x) ** 3 * y - 5 * z**2)
    p = FloatPolynomial(exact(expr, (x, y, z)), 3, also=[(0, 0, 3)])
    points = np.array([[0.5, -2.0, 3.0], [4.0, 0.25, -1.5]])
    taylor = p.taylor(points)
    for k, beta in enumerate(map(tuple, p.shifts.tolist())):
        derivative = expr
        for v, n in zip((x, y, z), beta, strict=True):
            derivative = sp.diff(derivative, v, n) / sp.factorial(n) if n else derivative
        for j, point in enumerate(points):
            at = dict(zip((x, y, z), map(R, point.tolist()), strict=True))
            assert taylor[j, k] == pytest.approx(float(derivative.subs(at)), rel=1e-13, abs=1e-12)
    assert (0, 0, 3) in set(map(tuple, p.shifts.tolist())) and p.positions([(0, 0, 0)]) == [0]
    assert [tuple(p.shifts[i]) for i in p.positions([(1, 1, 0), (0, 0, 3)])] == [(1, 1, 0), (0, 0, 3)]
    assert p(points) == pytest.approx(
        [float(expr.subs(dict(zip((x, y, z), map(R, q.tolist()), strict=True)))) for q in points]
    )
    radii = np.abs(points)
    exactly = [(2 + a) ** 3 * b + 5 * c**2 for a, b, c in radii.tolist()]
    found = p.absolute(radii)
    assert all(e <= f <= e * (1 + 1e-12) for e, f in zip(exactly, found, strict=True))


def test_many_sparse_terms_give_the_same_taylor_coefficients() -> None:
    """x⁸ + y⁸ + z⁸ has 25 derivatives of 729 that could be: kept sparsely, and the values are those of the small table."""
    p = FloatPolynomial(exact(x**8 + y**8 - z**8, (x, y, z)), 3)
    points = np.array([[1.5, -0.5, 2.0]])
    taylor = dict(zip(map(tuple, p.shifts.tolist()), np.asarray(p.taylor(points))[0].tolist(), strict=True))
    assert (
        taylor[3, 0, 0] == pytest.approx(56 * 1.5**5) and taylor[0, 8, 0] == 1 and taylor[0, 0, 7] == pytest.approx(-16)
    )
    infimum, middle, loss = p.bounds(points, np.array([[0.5, 0.25, 0.125]]))
    assert middle[0] == pytest.approx(1.5**8 + 0.5**8 - 2.0**8) and infimum[0] <= 1 + 0.25**8 - 2.125**8
    assert loss.shape == (1, 3) and loss[0].sum() == pytest.approx(middle[0] - infimum[0], rel=1e-9)


def test_the_loss_of_a_box_is_shared_out_by_axis() -> None:
    """p = 3x + y² at 0 on |x| ≤ 2, |y| ≤ 1: 6 for x, nothing for y (y² ≥ 0); of −y² its 1; of −xy halves."""
    box = np.zeros((1, 2)), np.array([[2.0, 1.0]])
    for expr, losses in ((3 * x + y**2, (6, 0)), (-(y**2), (0, 1)), (-x * y, (1, 1)), (x**2 * y, (8 / 3, 4 / 3))):
        infimum, middle, loss = FloatPolynomial(exact(expr, (x, y)), 2).bounds(*box)
        assert loss[0] == pytest.approx(losses, abs=1e-12) and middle[0] == 0
        assert infimum[0] == pytest.approx(-sum(losses), abs=1e-11)


def test_floats_of_coefficients_are_the_nearest_and_in_range() -> None:
    assert to_float(fmpq(1, 3)) == 1 / 3 and to_float(fmpq(0)) == 0.0 and to_float(fmpq(-7, 2)) == -3.5
    for value in (fmpq(10) ** 251, -(fmpq(10) ** 251), 1 / fmpq(10) ** 251, fmpq(10) ** 5000, 1 / fmpq(10) ** 5000):
        with pytest.raises(NotCertified, match="float range"):
            to_float(value)
    assert to_float(fmpq(10) ** 249) == 1e249 and ring(2).constant(fmpq(3)) == 3

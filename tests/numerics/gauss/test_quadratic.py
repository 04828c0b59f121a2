"""Exact integration of quadratic variables, against Gaussian moments and scipy."""

import pytest
import sympy as sp
from scipy import integrate

from numerics.gauss.domain import Domain
from numerics.gauss.quadratic import Reduced, _is_square_of_linear, _Moments, eliminate

x, y, z = sp.symbols("x y z", real=True)
R, oo = sp.Rational, sp.oo


def reduced(potential, amplitudes, variables, domain=None):
    return eliminate(Reduced(potential, tuple(map(sp.sympify, amplitudes)), Domain.of(variables, domain)))


def test_a_gaussian_is_closed_form():
    found = reduced((x**2 + 2 * y**2 + x * y) / 2 - x, (1, x, x * y, y**4), (x, y))
    assert found.domain.variables == ()
    a = sp.Matrix([[1, R(1, 2)], [R(1, 2), 2]])
    mean, cov = a.inv() * sp.Matrix([1, 0]), a.inv()
    z0 = 2 * sp.pi / sp.sqrt(a.det())
    fourth = mean[1] ** 4 + 6 * mean[1] ** 2 * cov[1, 1] + 3 * cov[1, 1] ** 2
    expected = (1, mean[0], mean[0] * mean[1] + cov[0, 1], fourth)
    for value, moment in zip(found.amplitudes, expected, strict=True):
        assert sp.simplify(value - z0 * moment) == 0
    assert sp.simplify(found.potential + (mean.T * a * mean)[0] / 2) == 0


def test_the_banana_loses_its_bend():
    found = reduced(2 * (y - x**2) ** 2 + x**2 / 2, (1, y), (x, y))
    assert found.eliminated == (y,)
    assert sp.expand(found.potential - x**2 / 2) == 0
    assert sp.simplify(found.amplitudes[1] / found.amplitudes[0] - x**2) == 0


@pytest.mark.parametrize("point", [R(1, 3), -2])
def test_output_weights_against_scipy(point):
    loss = (1 - x * sp.tanh(y)) ** 2 + (2 + x * sp.tanh(2 * y)) ** 2 + x**2 / 2 + y**2
    found = reduced(loss, (1, x**3), (x, y))
    assert found.eliminated == (x,)
    for f, amplitude in zip((1, x**3), found.amplitudes, strict=True):
        density = sp.lambdify(x, f * sp.exp(-loss.subs(y, point)), "math")
        direct = integrate.quad(density, -30, 30, epsabs=1e-13)[0]
        assert abs(float((amplitude * sp.exp(-found.potential)).subs(y, point)) - direct) < 1e-11


def test_the_largest_set_is_taken():
    loss = (1 - x * sp.tanh(z) - y * sp.tanh(2 * z)) ** 2 + (x**2 + y**2 + z**2) / 2
    assert set(reduced(loss, (1,), (x, y, z)).eliminated) == {x, y}


@pytest.mark.parametrize(
    ("potential", "amplitudes", "domain"),
    [
        ((x * y - 1) ** 2 + y**4, (1,), None),  # A = 2y² vanishes at y = 0
        (x**2 * sp.sin(y) + y**4, (1,), None),  # A changes sign
        (x**2 + y**4, (sp.cos(x),), None),  # the amplitude is not a polynomial in x
        (x**2 + y**4, (1,), [(0, oo), (-oo, oo)]),  # x is on a half line only
        (x**4 + y**4, (1,), None),
    ],
)
def test_what_is_left_alone(potential, amplitudes, domain):
    assert reduced(potential, amplitudes, (x, y), domain).eliminated == ()


def test_a_bounded_variable_may_keep_the_matrix_positive():
    found = reduced((x * y - 1) ** 2, (1,), (x, y), [(-oo, oo), (1, 2)])
    assert found.eliminated == (x,)


@pytest.mark.parametrize(
    ("part", "semidefinite"),
    [
        ((x * sp.tanh(z) - y + z**2) ** 2, True),
        (z**2 * (x + 1) ** 2, True),
        (sp.cosh(z) * x**2, True),
        (z * x**2, False),  # h changes sign
        ((x * y - 1) ** 2, False),  # g is not linear
        ((x + y) ** 3, False),
        ((x + y) ** 4, False),
        (x**2 * y**2, False),  # two factors
        (sp.cos(x) ** 2, False),
    ],
)
def test_squares_of_linear_forms_have_semidefinite_hessians(part, semidefinite):
    """h(z)·g(x, y; z)² with h ≥ 0 and g linear in x and y: its Hessian 2h ∇g∇gᵀ has rank one and is not negative."""
    assert bool(_is_square_of_linear(part, (x, y))) == semidefinite
    if semidefinite:
        hessian = sp.hessian(part, (x, y))
        assert sp.simplify(hessian.det()) == 0 and sp.simplify(hessian.trace() / 2).subs(z, -2) > 0


def test_gaussian_moments_are_derivatives_of_their_generating_function():
    """E[a^α] = ∂^α exp(μ·s + sᵀΣs/2) at s = 0, for a mean that is not 0 and correlated variables, up to order 4."""
    s = sp.symbols("s0 s1 s2")
    mean = sp.Matrix([R(1, 2), -2, 3])
    covariance = sp.Matrix([[2, R(1, 3), -1], [R(1, 3), 1, R(1, 2)], [-1, R(1, 2), 3]])
    vector = sp.Matrix(s)
    generating = sp.exp((mean.T * vector)[0] + (vector.T * covariance * vector)[0] / 2)
    moments = _Moments(mean, covariance)
    for alpha in ((0, 0, 0), (1, 0, 0), (0, 0, 2), (1, 1, 1), (0, 3, 0), (1, 2, 1)):
        derivative = generating
        for v, n in zip(s, alpha, strict=True):
            derivative = sp.diff(derivative, v, n) if n else derivative
        assert moments.moment(alpha) == derivative.subs(dict.fromkeys(s, 0))
    a = sp.symbols("a0 a1 a2")
    f = 3 * a[0] * a[1] - z * a[2] ** 2 + 7
    expected = 3 * (mean[0] * mean[1] + covariance[0, 1]) - z * (mean[2] ** 2 + covariance[2, 2]) + 7
    assert sp.expand(moments.expectation(f, a) - expected) == 0


@pytest.mark.parametrize(
    ("potential", "domain", "gone"),
    [
        (x**2 * (2 + sp.sin(y)) + y**4, None, (x,)),  # A = 4 + 2 sin y ≥ 2 by its infimum
        (x**2 * (1 + sp.sin(y)) + y**4, None, ()),  # A may vanish
        (x**2 + x * y + y**2 + z**4 + x * z**2, None, (x, y)),
        (x**2 + 3 * x * y + y**2 + z**4 + y**4, None, (x,)),  # the matrix of x and y is indefinite
        (x**2 - 3 * x * y + y**2 + z**4, [(-oo, oo), (0, 1), (-oo, oo)], (x,)),
        (-(x**2) + y**4 + z**4, None, ()),
        ((x - y * z) ** 2 + (y - z**2) ** 2 + z**2, None, (x, y)),
    ],
    ids=str,
)
def test_as_many_variables_go_as_are_proved_to_be_gaussian(potential, domain, gone):
    found = reduced(potential, (1,), (x, y, z), domain)
    assert found.eliminated == gone
    assert found.domain.variables == tuple(v for v in (x, y, z) if v not in gone)
    if gone == (x,):  # ∫ e^{−V} dx at a point, by completing the square with numbers
        at = {y: R(1, 3), z: R(1, 2)}
        v = sp.Poly(potential.subs(at), x)
        a, b, c = (v.coeff_monomial(x**k) for k in (2, 1, 0))
        expected = sp.sqrt(sp.pi / a) * sp.exp(b**2 / (4 * a) - c)
        value = (found.amplitudes[0] * sp.exp(-found.potential)).subs(at)
        assert abs(sp.N(value - expected, 30)) < 1e-25

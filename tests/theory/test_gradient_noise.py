"""Gradient noise at first order in ε: the identity for undefined functions, and the e-slope of the moment recursion."""

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import langevin, laplace
from theory.errors import BadInput
from theory.gradient_noise import density, field, mean_shift, noise_equation, of_covariance, of_mean, poisson

x, y, z, t = sp.symbols("x y z t", positive=True)
e, k = sp.symbols("e k", positive=True)
R = sp.Rational
small = st.fractions(min_value=-1, max_value=1, max_denominator=3).map(lambda q: R(q.numerator, q.denominator))


@pytest.mark.parametrize("v", [(x,), (x, y), (x, y, z)], ids=len)
def test_the_equation_for_undefined_functions(v) -> None:
    U, f, rho = (sp.Function(name)(*v) for name in ("U", "f", "rho"))
    C = sp.Matrix(len(v), len(v), lambda i, j: sp.Function(f"C{min(i, j)}{max(i, j)}")(*v))
    assert noise_equation(f, U, C, rho, v) == 0
    assert sp.expand(noise_equation(f, U, C, rho, v) - noise_equation(f, U, C, rho + f, v)) == 0


def solves(rho, U, C, v) -> bool:
    """∇ρ = −F, on which everything rests."""
    F = field(U, C, v)
    return all(sp.simplify((sp.diff(rho, a) + f).doit()) == 0 for a, f in zip(v, F, strict=True))


def test_one_dimension_for_undefined_energy_and_covariance() -> None:
    U, C = sp.Function("U")(x), sp.Function("C")(x)
    rho = density(U, [[C]], (x,))
    assert rho.has(sp.Integral) and solves(rho, U, [[C]], (x,))
    assert sp.simplify(sp.diff(rho, x) + (sp.diff(C, x) - C * sp.diff(U, x)) / 4) == 0
    assert density(x**4, [[1 + x**2]], (x,)) == sp.expand(-(1 + x**2) / 4 + x**4 / 4 + x**6 / 6)


def test_closed_cases_in_several_dimensions() -> None:
    U = x**2 / 2 + y**4 + x * y / 3 + x**2 * y
    v, one = (x, y), sp.eye(2)
    assert sp.expand(density(U, k * one, v) - k * U / 4) == 0
    c = 1 + U + U**2
    rho = density(U, c * one, v)
    assert solves(rho, U, c * one, v)
    assert sp.expand(rho - (-c + U + U**2 / 2 + U**3 / 3) / 4).free_symbols == set()
    separable, own = x**2 + x**4 + y**2 / 2, sp.diag(1 + x**2, 2 + y)
    both = density(x**2 + x**4, [[1 + x**2]], (x,)) + density(y**2 / 2, [[2 + y]], (y,))
    assert sp.expand(density(separable, own, v) - both).free_symbols == set()
    commuting = sp.Matrix([[2, 1], [1, 2]])  # with H of the quadratic energy
    assert solves(density(x**2 + x * y + y**2, commuting, v), x**2 + x * y + y**2, commuting, v)


def test_a_current_is_refused_with_its_witness() -> None:
    with pytest.raises(BadInput, match=r"drives a current: ∂x F_y − ∂y F_x = .*mean_shift"):
        density(x**2 + y**2 / 2, [[2, 1], [1, 1]], (x, y))
    for bad in ([[1, 2], [3, 1]], [[1]]):
        with pytest.raises(BadInput, match="symmetric 2×2"):
            density(x**2 + y**2, bad, (x, y))
    for U, phi in ((x**4, x), (x**2, sp.sin(x))):
        with pytest.raises(BadInput, match="quadratic energy"):
            poisson(phi, U, (x,))


def slopes(loss, phis, v, noise, order) -> list:
    """d/de at e = 0 of what the noise adds to the chain's coefficients, by the recursion with a symbolic step."""
    with_noise, without = (
        langevin.cumulant(loss, phis, v, e=e, order=order, at=(0,) * len(v), noise=n) for n in (noise, None)
    )
    return [sp.cancel(sp.diff(a - b, e).subs(e, 0)) for a, b in zip(with_noise, without, strict=True)]


def series_of(correction, loss, v, order) -> list:
    """(1/t) Σ factors · κ of observables polynomial in t, under the posterior, as a series in 1/t."""
    total = [sp.S.Zero] * (order + 1)
    for factor, observables in zip(correction.factors, correction.cumulants, strict=True):
        *plain, last = observables
        for (up, down), part in sp.Poly(sp.expand(last), t, 1 / t).terms():
            shift = up - down - 1
            found = laplace.cumulant(loss, (*plain, part), v, order=order + max(shift, 0), at=(0,) * len(v))
            for n, c in enumerate(found):
                if 0 <= n - shift <= order:
                    total[n - shift] += factor * c
    return [sp.expand(c) for c in total]


@settings(max_examples=3, deadline=None)
@given(small, small, small)
def test_one_dimension_against_the_recursion(a, b, c) -> None:
    """U = tL, C = tG with G moving: mean and covariance to t^−2, where the terms of ρ of order t² and t both enter."""
    loss, G = x**2 / 2 + a * x**3 / 6 + x**4 / 8, 1 + b * x + (1 + c) * x**2 / 3
    rho = density(t * loss, [[t * G]], (x,))
    phi, psi = x + b * x**2, x**2 - c * x
    noise = {(0, 0): G}
    assert slopes(loss, (phi,), (x,), noise, 2) == series_of(of_mean(phi, rho), loss, (x,), 2)
    assert slopes(loss, (phi, psi), (x,), noise, 2) == series_of(of_covariance(phi, psi, rho), loss, (x,), 2)


def test_a_density_without_its_first_term_is_refuted() -> None:
    loss, G = x**2 / 2 + x**3 / 6 + x**4 / 8, 1 + x + x**2 / 3
    rho, found = density(t * loss, [[t * G]], (x,)), slopes(loss, (x, x), (x,), {(0, 0): G}, 2)
    assert found == series_of(of_covariance(x, x, rho), loss, (x,), 2)
    for wrong in (rho + t * G / 4, rho / 2, -rho):
        assert found != series_of(of_covariance(x, x, wrong), loss, (x,), 2)


def test_isotropic_noise_that_follows_the_loss_against_the_recursion() -> None:
    """d = 2, C = t(1 + L) I."""
    loss = x**2 / 2 + y**2 + x * y / 3 + x**3 / 4 - x * y**2 / 5 + (x**2 + y**2) ** 2 / 2
    G = 1 + loss
    rho = density(t * loss, t * G * sp.eye(2), (x, y))
    noise = {(0, 0): G, (1, 1): G}
    assert slopes(loss, (x**2 + y,), (x, y), noise, 2) == series_of(of_mean(x**2 + y, rho), loss, (x, y), 2)


@settings(max_examples=2, deadline=None)
@given(small, small, small, small)
def test_a_current_against_the_recursion(a, b, c, d) -> None:
    """Quadratic U, C any matrix that moves: E φ by the Poisson equation, where ρ has no closed form."""
    loss = x**2 + y**2 / 2 + a * x * y / 2
    G = {(0, 0): 2 + b * x + y**2, (0, 1): 1 + c * x * y + x, (1, 1): 1 + d * y + x**2}
    C = t * sp.Matrix([[G[0, 0], G[0, 1]], [G[0, 1], G[1, 1]]])
    for phi in (x**2 + y, x * y - y**2, x**2 * y):
        shift = mean_shift(phi, t * loss, C, (x, y))
        assert slopes(loss, (phi,), (x, y), G, 3) == series_of(shift, loss, (x, y), 3)


def test_the_poisson_equation_of_a_quadratic_energy() -> None:
    U, phi = x**2 + y**2 / 2 + x * y / 3, x**3 * y - x * y + x
    u = poisson(phi, U, (x, y))
    image = (sp.diff(u, x, 2) + sp.diff(u, y, 2) - sp.diff(U, x) * sp.diff(u, x) - sp.diff(U, y) * sp.diff(u, y)) / 2
    mean = laplace.evaluate(laplace.expectation(U, phi, (x, y), order=2, at=(0, 0)), 1)
    assert sp.expand(image - phi + mean) == 0 and u.subs({x: 0, y: 0}) == 0

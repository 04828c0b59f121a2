"""Expectations, covariances, cumulants: Gaussian and quartic closed forms, products, moments against cumulants."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.posterior import Posterior, means
from numerics.precision import agreeing_digits, ball, digits
from theory.errors import BadInput

x, y, z = sp.symbols("x y z")
R = sp.Rational


def holds(value, exact, n):
    """The ball contains the exact number and has n digits."""
    with digits(n + 20):
        return value.overlaps(ball(exact)) and (agreeing_digits(value, exact) >= n - 1)


def test_the_quartic_posterior():
    posterior = Posterior(x**4, x, 16, digits=30)
    ratio = sp.gamma(R(3, 4)) / sp.gamma(R(1, 4))
    assert holds(posterior.expectation(x**2), ratio / 4, 30)
    assert holds(posterior.partition(), sp.gamma(R(1, 4)) / 4, 30)
    assert holds(posterior.log_partition(), sp.log(sp.gamma(R(1, 4)) / 4), 30)
    assert holds(posterior.covariance(x**2, x**2), (R(1, 4) - ratio**2) / 16, 30)
    assert holds(posterior.expectation(16 * x**4), R(1, 4), 30)


@settings(max_examples=10, deadline=None)
@given(
    st.integers(1, 4),
    st.fractions(-3, 3, max_denominator=4),
    st.fractions(R(1, 4), 3, max_denominator=4),
    st.integers(1, 500),
)
def test_gaussian_cumulants(m, mean, precision, t):
    posterior = Posterior(R(precision) * (x - R(mean)) ** 2 / 2, x, t, digits=20)
    expected = {1: R(mean), 2: 1 / (R(precision) * t)}.get(m, 0)
    value = posterior.cumulant([x] * m)
    assert holds(value, expected, 20)


def test_cumulants_survive_a_far_centre():
    """κ(x, x, x) is shift-invariant: 10⁻⁴ beside moments of size 10⁹."""
    near = Posterior(x**2 / 2 + x**3 / 6 + x**4 / 12, x, 100, digits=25).cumulant([x, x, x])
    w = x - 1000
    far = Posterior(w**2 / 2 + w**3 / 6 + w**4 / 12, x, 100, digits=25).cumulant([x, x, x])
    with digits(30):
        assert near.overlaps(far)
        assert agreeing_digits(near, far) >= 24


def test_mixed_cumulants_of_two_variables():
    """For N(0, Σ): κ(x², y²) = 2 Σ_xy², κ(x, y, xy) = Σ_xx Σ_yy + Σ_xy², κ(x,y,x,y) = 0."""
    t = 4
    posterior = Posterior(x**2 + x * y + y**2, [x, y], t, digits=25)
    sxx, sxy = R(2, 3) / t, -R(1, 3) / t
    assert holds(posterior.covariance(x**2, y**2), 2 * sxy**2, 25)
    assert holds(posterior.cumulant([x, y, x * y]), sxx**2 + sxy**2, 25)
    assert holds(posterior.covariance(x, y), sxy, 25)
    assert posterior.cumulant([x, y, x, y]).contains(0)
    assert float(posterior.cumulant([x, y, x, y]).rad()) < 1e-40


def test_three_variables():
    posterior = Posterior(x**4 + y**4 + z**2, [x, y, z], 2, digits=15)
    ratio = sp.gamma(R(3, 4)) / sp.gamma(R(1, 4)) / sp.sqrt(2)
    one, two = posterior.expectations([x**2 * y**2, x**2 * z**2])
    assert holds(one, ratio**2, 15)
    assert holds(two, ratio / 4, 15)


def test_priors_are_merged():
    """N(0, 1) prior times (1 + x²), loss x²/2: moments of N(0, 1/(t+1)) weighted by 1 + x²."""
    t = 3
    s = R(1, t + 1)
    posterior = Posterior(x**2 / 2, x, t, prior=sp.exp(-(x**2) / 2) * (1 + x**2), digits=25)
    assert holds(posterior.expectation(x**2), (s + 3 * s**2) / (1 + s), 25)
    plane = Posterior((x**2 + y**2) / 2, [x, y], t, prior=sp.exp(-(x**2) / 2 - y**2 / 2) * (1 + x**2), digits=25)
    assert holds(plane.expectation(x**2 * y**2), s * (s + 3 * s**2) / (1 + s), 25)


def test_an_interval_as_domain():
    posterior = Posterior(x, x, 2, domain=(0, sp.oo), digits=25)
    assert holds(posterior.cumulant([x, x, x]), R(2, 8), 25)
    uniform = Posterior(0, x, 1, domain=(0, 1), digits=25)
    assert holds(uniform.covariance(x, x), R(1, 12), 25)


def test_transcendental_observables():
    posterior = Posterior(x**2 / 2, x, 1, digits=25)
    assert holds(posterior.expectation(sp.cos(x)), sp.exp(-R(1, 2)), 25)
    assert holds(posterior.covariance(sp.exp(x), x), sp.exp(R(1, 2)), 25)


def test_a_coupled_plane_against_gauss_legendre():
    loss = x**2 / 2 + y**2 / 2 + x**3 / 6 + x * y**2 / 4 + x**4 / 8 + y**4 / 12
    posterior = Posterior(loss, [x, y], 3, digits=20)
    nodes, weights = np.polynomial.legendre.leggauss(160)
    a, b = np.meshgrid(7 * nodes, 7 * nodes, indexing="ij")
    mass = np.outer(weights, weights) * sp.lambdify((x, y), sp.exp(-3 * loss), "numpy")(a, b)
    cross = (a * b**2 * mass).sum() / mass.sum()
    assert abs(float(posterior.expectation(x * y**2)) - cross) < 1e-13


def test_the_response_identity():
    """Cov(L, ψ) = −d⟨ψ⟩/dt: a central difference in t, whose error is O(δ²)."""
    loss, delta = x**2 / 2 + x**3 / 6 + x**4 / 12, R(1, 10**8)
    with digits(40):
        up = Posterior(loss, x, 5 + delta, digits=35).expectation(x)
        down = Posterior(loss, x, 5 - delta, digits=35).expectation(x)
        slope = (up - down) / ball(2 * delta)
        covariance = Posterior(loss, x, 5, digits=30).covariance(loss, x)
        assert abs(slope + covariance) < 1e-15


def test_means_by_name():
    found = means(Posterior(x**2 / 2, x, 4), {"second": x**2, "one": 1})
    assert holds(found["second"], R(1, 4), 30)
    assert found["one"] == 1


REFUSED = [
    (lambda: Posterior(x**2, x, 0), "t > 0"),
    (lambda: Posterior(x**2, x, -3), "t > 0"),
    (lambda: Posterior(x**2, x, 10**400), "rescale the loss"),
    (lambda: Posterior(x**2, x, R(1, 10**300)), "t lies outside"),
    (lambda: Posterior(x**2 + y, x, 1), "not among the variables"),
    (lambda: Posterior(x**2, x, 1).expectation(y), "not among the variables"),
    (lambda: Posterior(x**2, x, 1).expectation(sp.Abs(x)), "Abs"),
    (lambda: Posterior(0.1 * x**2, x, 1), "1/10"),
    (lambda: Posterior("x**2", x, 1), "not the text"),
    (lambda: Posterior(x**2, sp.symbols("x a b c d"), 1), "1 to 4"),
    (lambda: Posterior(x**2, x, 1).cumulant([]), "at least one"),
    (lambda: Posterior(x**2 + y**2, [x, y], 1, domain=(0, 1)), "a pair .lower, upper. for each"),
    (lambda: Posterior(-(x**2), x, 1).partition(), "diverges"),
    (lambda: Posterior(x**2 - y**2, [x, y], 1).partition(), "ray"),
    (lambda: Posterior(x**2 * y**2, [x, y], 1).partition(), "could not be proved"),
]


@pytest.mark.parametrize(("action", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_refusals(action, reason):
    with pytest.raises(BadInput, match=reason):
        action()

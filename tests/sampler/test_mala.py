"""MALA has exp(−U) itself as its law: a Gaussian in closed form, a quartic by adaptive quadrature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from sampler import chain, diagnostics
from sampler.kernels.mala import mala
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.posterior import LocalPosterior

NO_DATA = np.zeros((1, 0))
H = np.array([[2.0, 0.6], [0.6, 1.0]])


def gaussian(w, z):
    return w @ H @ w / 2


def quartic(w, z):
    return w[0] ** 2 / 2 + w[0] ** 3 / 3 + w[0] ** 4 / 4


def identity(w):
    return w


def test_gaussian_covariance_is_the_inverse(agrees):
    """Entries known to about 1%; the SGLD law at this step is off by up to 25%."""
    p = LocalPosterior(gaussian, NO_DATA, jnp.zeros(2), 20.0, 5.0)
    P = 20 * np.asarray(H) + 5 * np.eye(2)
    epsilon = 1.0 / np.linalg.eigvalsh(P)[-1]
    run = chain.run(
        jax.random.key(0), mala(epsilon), p, chains=200, draws=500, burn_in=200, observables={"w": identity}
    )
    w = run.kept(run.observables["w"])
    assert agrees(diagnostics.covariance(w, w), np.linalg.inv(P))
    assert not agrees(diagnostics.covariance(w, w), np.linalg.inv(P @ (np.eye(2) - epsilon * P / 4)))
    assert 0.5 < run.kept(run.accepted).mean() < 1
    assert abs(run.stationarity()) < 4.9


def test_quartic_moments_are_those_of_quadrature(agrees, limit):
    """t = 6, far from Gaussian: mean, variance, third cumulant and nβ⟨L⟩ to 0.5–3%."""
    t, gamma = 6.0, 0.5

    def average(f):
        def weight(w):
            return np.exp(-t * (w**2 / 2 + w**3 / 3 + w**4 / 4) - gamma * w**2 / 2)

        return quad(lambda w: f(w) * weight(w), -4, 4, epsabs=1e-12)[0] / quad(weight, -4, 4, epsabs=1e-12)[0]

    p = LocalPosterior(quartic, NO_DATA, jnp.zeros(1), t, gamma)
    settings = {"chains": 400, "draws": 500, "burn_in": 200, "observables": {"w": lambda w: w[0]}}
    run = chain.run(jax.random.key(1), mala(0.15), p, **settings)
    w = run.trace("w")
    mean = average(lambda w: w)
    assert agrees(diagnostics.mean(w), mean, family=4)
    assert agrees(diagnostics.covariance(w, w), average(lambda w: (w - mean) ** 2), family=4)
    assert agrees(diagnostics.third_cumulant(w, w, w), average(lambda w: (w - mean) ** 3), family=4)
    energy = t * average(lambda w: w**2 / 2 + w**3 / 3 + w**4 / 4)
    assert agrees(llc(run), energy, family=4)
    assert abs(llc(chain.run(jax.random.key(1), sgld(0.15), p, **settings)).z(energy)) > limit()


@pytest.mark.parametrize("uphill", [True, False])
def test_a_proposal_is_taken_below_its_ratio_and_not_above(monkeypatch, uphill):
    """log α = U(w) − U(w′) + (|w′ − w + (ε/2)g|² − |w − w′ + (ε/2)g′|²)/(2ε) by hand, over two weights that move and not a third;
    a number a little below α accepts, one a little above it does not."""
    p = LocalPosterior(
        lambda w, z: jnp.sum(w**4) / 4 + z * w[0], jnp.array([0.5, 1.5]), jnp.array([0.2, -0.1, 0.3]), 3.0, 0.7,
        mask=jnp.array([True, True, False]),
    )  # fmt: skip
    xi = np.array([1.7, -0.4, 0.0]) if uphill else np.array([-1.7, 0.4, 0.0])
    epsilon, free, centre = 0.3, np.array([1, 1, 0]), np.array([0.2, -0.1, 0.3])
    w = np.array([0.8, -0.6, 0.3])

    def U(w):
        return 3 * (np.sum(w**4) / 4 + w[0]) + 0.35 * np.sum((w - centre) ** 2)

    def slope(w):
        return free * (3 * (w**3 + np.array([1, 0, 0])) + 0.7 * (w - centre))

    there = w - epsilon / 2 * slope(w) + np.sqrt(epsilon) * xi
    forth, back = (np.sum((b - a + epsilon / 2 * slope(a)) ** 2) for a, b in ((w, there), (there, w)))
    alpha = np.exp(U(w) - U(there) + (forth - back) / (2 * epsilon))
    assert (alpha < 1) == uphill
    monkeypatch.setattr("sampler.kernels.mala.noise", lambda key, like: jnp.asarray(xi + np.array([0, 0, 9.0])))
    kernel = mala(epsilon)
    state = kernel.init(jax.random.key(0), p, jnp.asarray(w))
    for factor, taken in ((1 - 1e-9, True), (1 + 1e-9, False)):
        monkeypatch.setattr(jax.random, "uniform", lambda key, shape, dtype, u=alpha * factor: jnp.asarray(u, dtype))
        after = kernel.step(jax.random.key(1), p, state)
        np.testing.assert_allclose(after.position, there if taken else w, rtol=1e-12)
        np.testing.assert_allclose(after.gradient, slope(there if taken else w), rtol=1e-12)
        assert float(after.accepted) == taken
    drift, square = kernel.virial(p, state)
    assert float(drift) == pytest.approx((w - centre) @ slope(w)) and float(square) == 0

"""Curvature by Lanczos against dense Hessians; the step against the bias that it was asked for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from sampler import chain, stepsize
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

rng = np.random.default_rng(0)
INPUTS, TARGETS = rng.normal(size=(200, 4)), rng.normal(size=(200, 2))
WEIGHTS = {"in": rng.normal(size=(3, 4)), "out": rng.normal(size=(2, 3))}


def network(w, z):
    return jnp.sum((w["out"] @ jnp.tanh(w["in"] @ z["x"]) - z["y"]) ** 2) / 2


def posterior(**options):
    data = {"x": jnp.asarray(INPUTS), "y": jnp.asarray(TARGETS)}
    return LocalPosterior(network, data, WEIGHTS, 50.0, 2.0, **options)


def dense(p):
    flat, unravel = ravel_pytree(p.centre)
    H = jax.hessian(lambda v: p.nbeta * p.mean_loss(unravel(v)))(flat) + p.gamma * jnp.eye(len(flat))
    return np.asarray(H)[np.ix_(p.moving, p.moving)]


@pytest.mark.parametrize("mask", [None, {"in": False, "out": True}])
def test_the_whole_spectrum_when_the_products_suffice(mask):
    p = posterior(mask=mask, microbatch=50)
    values = np.linalg.eigvalsh(dense(p))
    found = stepsize.curvature(p, iterations=50)
    assert found.dimension == len(values)
    np.testing.assert_allclose(found.largest, values[-1], rtol=1e-9)
    assert found.residual < 1e-6 * values[-1]
    np.testing.assert_allclose(found.theta[0], values, rtol=1e-6, atol=1e-6 * values[-1])


def test_few_products_bound_the_largest_from_below_and_say_how_near():
    p = posterior()
    values = np.linalg.eigvalsh(dense(p))
    found = stepsize.curvature(p, iterations=4, probes=3)
    assert found.largest <= values[-1] * (1 + 1e-12)
    assert np.abs(values - found.largest).min() <= found.residual * (1 + 1e-9)


def test_sums_over_the_spectrum(limit):
    """Σ λ and Σ λ² of 18 eigenvalues by 400 probes, with their errors; a factor d forgotten is 17 of 18 parts off."""
    p = posterior()
    values = np.linalg.eigvalsh(dense(p))
    found = stepsize.curvature(p, probes=400, iterations=10)
    for f in (lambda x: x, lambda x: x**2):
        estimate, sem = found.sum(f)
        assert abs(estimate - f(values).sum()) < limit() * sem
        assert 18 * sem < f(values).sum()


def test_gradient_noise():
    """tr G = (nβ)²/m Σ_j Var_i(∂_jℓ_i), from all 200 examples here."""
    p = posterior(batch_size=8)
    slopes = jax.vmap(lambda z: ravel_pytree(jax.grad(network)(p.centre, z))[0])(p.data)
    exact = 50.0**2 / 8 * np.asarray(slopes).var(axis=0, ddof=1).sum()
    np.testing.assert_allclose(stepsize.curvature(p, iterations=2, probes=1).of_noise, exact, rtol=1e-9)


def test_the_step_has_the_bias_that_it_promises(agrees):
    """One curvature: the LLC is (1 + b) d/2 exactly, and the excess that is announced b d/2."""
    p = LocalPosterior(lambda w, _: jnp.sum(w**2), jnp.zeros((1, 0)), jnp.zeros(5), 30.0, 0.0)
    chosen = stepsize.suggest(p, bias=0.2)
    assert chosen.curvature.largest == pytest.approx(60)
    assert chosen.u == pytest.approx(0.8 / 1.2)
    assert chosen.step_excess == pytest.approx(0.2 * 2.5)
    run = chain.run(jax.random.key(0), sgld(chosen.epsilon), p, chains=200, draws=200, burn_in=50)
    assert agrees(llc(run), 1.2 * 2.5)
    assert not agrees(llc(run), 2.5)
    assert "20%" in str(chosen)


def test_the_excess_by_minibatches(agrees):
    """ℓ_z = (w − z)²/2 with z = ±a: G = (nβ a)²/m, S = (ε + ε²G/4)/(1 − (1 − ελ/2)²); at small ε the excess is (ε/8)(λ + G)."""
    t, a, m = 40.0, 0.7, 4
    data = jnp.array([[a], [-a]] * 8)
    p = LocalPosterior(lambda w, z: jnp.sum((w - z) ** 2) / 2, data, jnp.zeros(1), t, 0.0, batch_size=m)
    chosen = stepsize.suggest(p, bias=0.005)
    run = chain.run(jax.random.key(1), sgld(chosen.epsilon), p, chains=1000, draws=150, burn_in=600, thin=20)
    G, u = (t * a) ** 2 / m, chosen.epsilon * t
    S = (chosen.epsilon + chosen.epsilon**2 * G / 4) / (1 - (1 - u / 2) ** 2)
    assert agrees(llc(run), t * S / 2)
    announced = chosen.step_excess + chosen.noise_excess
    # The variance of the 16 examples with divisor 15.
    assert announced == pytest.approx(t * S / 2 - 0.5, rel=0.1)


def test_refusals():
    with pytest.raises(BadInput, match="fraction"):
        stepsize.suggest(posterior(), bias=2.0)
    p = LocalPosterior(lambda w, _: -jnp.sum(w**2), jnp.zeros((1, 0)), jnp.zeros(2), 1.0, 0.0)
    with pytest.raises(BadInput, match="largest curvature"):
        stepsize.suggest(p)
    with pytest.raises(BadInput, match="probe"):
        stepsize.curvature(p, probes=0)

"""Curvature by Lanczos against dense Hessians; the step against the bias that it was asked for."""

from typing import Any

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
    return LocalPosterior(network, {"x": INPUTS, "y": TARGETS}, WEIGHTS, 50.0, 2.0, **options)


def dense(p):
    return np.asarray(hessian(p))[np.ix_(p.moving, p.moving)]


@jax.jit
def hessian(p):
    flat, unravel = ravel_pytree(p.centre)
    return jax.hessian(lambda v: p.nbeta * p.mean_loss(unravel(v)))(flat) + p.gamma * jnp.eye(len(flat))


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
    slopes = jax.jit(jax.vmap(lambda z: ravel_pytree(jax.grad(network)(p.centre, z))[0]))(p.data)
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


def known(of_noise=0.0):
    """Two probes with two Ritz values each, d = 6."""
    theta, weights = np.array([[1.0, 4.0], [2.0, 5.0]]), np.array([[0.25, 0.75], [0.5, 0.5]])
    return stepsize.Curvature(5.0, 0.01, 6, theta, weights, of_noise)


def test_sums_by_quadrature_are_means_over_probes():
    """6 (¼·1 + ¾·16) = 73.5 and 6 (½·4 + ½·25) = 87: mean 80.25, s/√2 = 6.75; one probe has no error."""
    assert known().sum(lambda x: x**2) == (80.25, pytest.approx(6.75))
    c = known()
    value, sem = stepsize.Curvature(4.0, 0.0, 6, c.theta[:1], c.weights[:1], 0.0).sum(lambda x: x**2)
    assert value == 73.5 and np.isnan(sem)


def test_a_suggestion_is_its_formulas(monkeypatch):
    """b = ⅓ gives u = 1 and ε = 1/5: Σ (ελ/8)/(1 − ελ/4) over both probes, and (ε/8) tr G."""
    monkeypatch.setattr(
        stepsize, "curvature", lambda posterior, **options: asked.append(options) or known(of_noise=20.0)
    )
    asked: list[dict] = []
    p: Any = None
    found = stepsize.suggest(p, bias=1 / 3)
    assert (found.u, found.epsilon, found.bias) == (pytest.approx(1), pytest.approx(0.2), 1 / 3)
    sums = [
        6 * sum(w * (x / 40) / (1 - x / 20) for w, x in zip(*row, strict=True))
        for row in (((0.25, 0.75), (1, 4)), ((0.5, 0.5), (2, 5)))
    ]
    assert found.step_excess == pytest.approx(np.mean(sums)) and found.step_excess_sem == pytest.approx(
        abs(sums[1] - sums[0]) / 2
    )
    assert found.noise_excess == pytest.approx(0.2 / 8 * 20)
    assert str(found) == (
        "ε = 0.2: ελ_max = 1 with λ_max ≥ 5 (± 0.01); the LLC comes out at most 33.3% too large by the step, about "
        f"{found.step_excess:.3g} ± {found.step_excess_sem:.1g} in all, and about 0.5 by minibatches. "
        "The slowest direction of curvature λ takes 2/(ελ) steps to forget."
    )
    assert stepsize.suggest(p).bias == 0.02 and asked[-1] == {"at": None, "key": 0, "probes": 4, "iterations": 30}
    monkeypatch.setattr(stepsize, "curvature", lambda posterior, **options: known())
    assert "by minibatches" not in str(stepsize.suggest(p))


@pytest.mark.parametrize("bias", [0.0, 1.0, -0.1])
def test_biases_that_are_no_fractions_are_refused(bias):
    p: Any = None
    with pytest.raises(BadInput, match=f"it is {bias}"):
        stepsize.suggest(p, bias=bias)


@pytest.mark.parametrize("largest", [0.0, -1.0, np.nan])
def test_no_step_suits_a_surface_that_is_not_curved_upwards(monkeypatch, largest):
    flat = stepsize.Curvature(largest, 0.0, 1, np.zeros((1, 1)), np.ones((1, 1)), 0.0)
    monkeypatch.setattr(stepsize, "curvature", lambda posterior, **options: flat)
    p: Any = None
    with pytest.raises(BadInput, match="give another point as `at`"):
        stepsize.suggest(p)

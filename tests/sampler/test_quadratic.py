"""Leading predictions against formulas written with dense tensors, and against a sampled network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from sampler import chain, quadratic, train
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.networks import mlp
from sampler.posterior import LocalPosterior
from sampler.susceptibility import influence_matrix
from theory.errors import BadInput

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
LOSS = train.decayed(mlp.cross_entropy, 0.02)


@pytest.fixture(scope="module")
def trained():
    found = train.minimise(LOSS, mlp.init(jax.random.key(0), (3, 2, 2)), (X, Y))
    assert found.gradient_norm < 1e-9
    return found.params


def test_predictions_are_the_dense_formulas(trained):
    """At γ = 0, ε = 0: eq 14 and eq 21 with T as a dense third derivative; at a finite step S by solving for it."""
    p = LocalPosterior(LOSS, (X, Y), trained, 1e4, 0.0)
    flat, unravel = ravel_pytree(p.centre)
    hessian = jax.hessian(lambda w: p.mean_loss(unravel(w)))
    H, T = (np.asarray(jax.jit(f)(flat)) for f in (hessian, jax.jacfwd(hessian)))
    probes = (X[:5], Y[:5])
    losses = jax.jit(lambda w: p.losses(unravel(w), probes))
    b, B = np.asarray(jax.jit(jax.jacrev(losses))(flat)), np.asarray(jax.jit(jax.hessian(losses))(flat)) - H
    found, Sigma, t = quadratic.curvature(p), np.linalg.inv(H), 1e4
    np.testing.assert_allclose(found.gradients(probes), b, atol=1e-8)
    np.testing.assert_allclose(found.covariance(b, b), b @ Sigma @ b.T / t, rtol=1e-8)
    np.testing.assert_allclose(found.llc(), len(flat) / 2, rtol=1e-10)
    eq21 = (np.einsum("pij,ij->p", B, Sigma) - b @ Sigma @ np.einsum("ijk,jk->i", T, Sigma)) / (2 * t**2)
    np.testing.assert_allclose(found.loss_covariance(probes), eq21, rtol=1e-6)
    epsilon = found.step(1.3)
    S = np.linalg.inv(H @ (np.eye(len(H)) - epsilon * t * H / 4))
    np.testing.assert_allclose(found.llc(epsilon), np.sum(H * S) / 2, rtol=1e-10)
    localised = found.localised(2e3)
    np.testing.assert_allclose(localised.llc(), np.sum(H * np.linalg.inv(H + 0.2 * np.eye(len(H)))) / 2, rtol=1e-10)


def test_sampled_network_meets_its_prediction(trained, agrees):
    """14 weights at nβ = 1e6, where the corrections of order 1/nβ lie below the errors of about 1%; the prediction
    without the step (u = 1) is refused."""
    p = LocalPosterior(LOSS, (X, Y), trained, 1e6, 1e5, {"layer0": True, "layer1": False})
    found = quadratic.curvature(p)
    assert len(found.values) == 8
    probes = (X[:4], Y[:4])
    epsilon = found.step(1.0)
    run = chain.run(jax.random.key(0), sgld(epsilon), p, chains=50, draws=600, burn_in=300, probes=probes)
    slopes = found.gradients(probes)
    assert agrees(llc(run), found.llc(epsilon))
    assert not agrees(llc(run), found.llc())
    assert agrees(influence_matrix(run), -found.covariance(slopes, slopes, epsilon))
    assert not agrees(influence_matrix(run), -found.covariance(slopes, slopes) / 2)


def test_refusals(trained):
    found = quadratic.curvature(LocalPosterior(LOSS, (X, Y), trained, 1e4, 0.0))
    with pytest.raises(BadInput):
        found.step(4.0)
    with pytest.raises(BadInput, match="stationary"):
        found.spread(found.step(2.0) * 2.1)
    wide = LocalPosterior(lambda w, z: w @ w, jnp.zeros((1, 0)), jnp.zeros(5000), 1.0, 0.0)
    with pytest.raises(BadInput, match="dense"):
        quadratic.curvature(wide)

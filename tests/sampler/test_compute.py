"""The same loss in bfloat16, rematerialised, in pieces: equal up to the rounding that was asked for."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import chain, compute
from sampler.kernels.sgld import sgld
from sampler.networks import mlp
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

RNG = np.random.default_rng(0)
DATA = (RNG.normal(size=(23, 6)), RNG.integers(0, 3, 23))


@cache
def centre():
    return jax.jit(partial(mlp.init, widths=(6, 8, 3)))(jax.random.key(0))


def posterior(loss=mlp.cross_entropy, dtype=jnp.float64, **options):
    return LocalPosterior(loss, DATA, jax.tree.map(lambda w: w.astype(dtype), centre()), 10.0, 1.0, **options)


@jax.jit
def drifts(p, w):
    return p.value_and_gradient(w, p.data)


losses = jax.jit(LocalPosterior.losses)


def gap(one, two):
    pairs = zip(*(map(np.asarray, jax.tree.leaves(tree)) for tree in (one, two)), strict=True)
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in pairs)


def test_pieces_and_rematerialisation_change_nothing_but_rounding():
    plain = posterior()
    exact, each = drifts(plain, centre()), losses(plain, centre(), plain.data)
    for pieces in (1, 4, 8, 23, 100):  # 23 examples: with and without a rest
        p = posterior(compute.rematerialised(mlp.cross_entropy), microbatch=pieces)
        assert gap(drifts(p, centre()), exact) < 1e-13
        assert gap(losses(p, centre(), p.data), each) < 1e-13
        np.testing.assert_allclose(p.centre_loss(), exact[0], rtol=1e-13)


def test_bfloat16_rounds_and_sums_do_not():
    """Eight bits: a relative error of 2⁻⁹ an operation, in the loss and its gradient, which stays in the weights' dtype."""
    exact = drifts(posterior(), centre())
    p = posterior(compute.computed_in(mlp.cross_entropy, jnp.bfloat16), jnp.float32)
    loss, gradient = drifts(p, p.centre)
    assert loss.dtype == jnp.float32 and gradient["layer0"]["weight"].dtype == jnp.float32
    assert 1e-5 < gap((loss, gradient), exact) < 5e-2
    many = LocalPosterior(
        compute.computed_in(lambda w, z: w[0] * z[0], jnp.bfloat16), np.ones((4096, 1)), jnp.ones(1), 1.0, 0.0
    )
    np.testing.assert_allclose(many.centre_loss(), 1.0, rtol=1e-6, err_msg="4096 ones do not add up in eight bits")
    assert (
        LocalPosterior(lambda w, z: w[0] * z[0], np.ones((300, 1)), jnp.ones(1, jnp.bfloat16), 1.0, 0.0).centre_loss()
        == 1.0
    )


def test_the_same_function_comes_back_and_chains_run_in_it():
    assert compute.computed_in(mlp.cross_entropy, "bfloat16") is compute.computed_in(mlp.cross_entropy, jnp.bfloat16)
    assert compute.rematerialised(mlp.cross_entropy) is compute.rematerialised(mlp.cross_entropy)
    p = posterior(compute.computed_in(mlp.cross_entropy, jnp.bfloat16), jnp.float32, microbatch=8)
    run = chain.run(0, sgld(1e-3), p, chains=2, draws=10, burn_in=5, probes=jax.tree.map(lambda x: x[:5], DATA))
    assert run.loss.dtype == np.float32 and np.ptp(run.loss) > 0 and run.probes.shape == (2, 10, 5)


def test_refusals():
    with pytest.raises(BadInput, match="floating"):
        compute.computed_in(mlp.cross_entropy, jnp.int32)
    with pytest.raises(BadInput, match="microbatch"):
        posterior(microbatch=0)

"""The adapter of blackjax: what it refuses. Its contract and its law are in `test_kernels`."""

import sys

import jax
import jax.numpy as jnp
import pytest

from sampler.kernels.nuts import nuts
from sampler.posterior import LocalPosterior
from theory.errors import BadInput


def test_without_blackjax_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "blackjax", None)
    with pytest.raises(BadInput, match="pip install blackjax"):
        nuts(0.1)


def test_minibatches_short_floats_and_no_doublings_are_refused():
    p = LocalPosterior(lambda w, z: w @ w + z[0], jnp.zeros((4, 1)), jnp.ones(2), 1.0, 0.0, None, 2)
    with pytest.raises(BadInput, match="batch_size=None"):
        nuts(0.1).init(jax.random.key(0), p, p.centre)
    with pytest.raises(BadInput):
        nuts(0.1, 0)
    short = LocalPosterior(lambda w, z: w @ w + z[0], jnp.zeros((4, 1)), jnp.ones(2, jnp.bfloat16), 1.0, 0.0)
    with pytest.raises(BadInput, match="32 bits"):
        nuts(0.1).init(jax.random.key(0), short, short.centre)


def test_single_precision_weights_beside_double_precision():
    """Weights of float32 where jax computes in float64: the chain runs, and keeps the dtype of the weights."""
    with jax.enable_x64(True):
        data, centre = jnp.zeros((4, 1), jnp.float32), jnp.ones(2, jnp.float32)
        p = LocalPosterior(lambda w, z: (w @ w + z[0]) / 2, data, centre, 10.0, 1.0)
        kernel, key = nuts(0.05), jax.random.key(0)
        state = kernel.step(key, p, kernel.init(key, p, p.centre))
        assert state.position.dtype == jnp.float32
        assert not bool((state.position == centre).all())

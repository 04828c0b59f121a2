"""The contract of a kernel, held by each of them; and single steps against recorded ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler.kernels import kernel as contract
from sampler.kernels.mala import mala
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

KERNELS = [sgld, mala]
CENTRE = {"a": jnp.array([1.0, 2.0], jnp.float32), "b": jnp.array([0.5, -0.5, 0.0])}


def loss(w, z):
    return jnp.sum((w["a"] - 1) ** 2) / 2 + jnp.sum(w["b"] ** 2) + z[0] * w["b"][0]


def posterior(mask=None):
    return LocalPosterior(loss, jnp.zeros((4, 1)), CENTRE, 10.0, 1.0, mask)


@pytest.mark.parametrize("make", KERNELS)
def test_state_keeps_shape_dtype_and_loss(make):
    kernel, p = make(0.01), posterior()
    state = kernel.init(jax.random.key(0), p, p.centre)
    after = jax.jit(kernel.step)(jax.random.key(1), p, state)
    for one, two in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
        assert (one.shape, one.dtype) == (two.shape, two.dtype)
    assert after.position["a"].dtype == jnp.float32
    assert after.position["b"].dtype == jnp.float64
    loss_there, gradient_there = p.value_and_gradient(after.position, p.data)
    np.testing.assert_allclose(after.loss, loss_there, rtol=1e-6)
    np.testing.assert_allclose(after.gradient["b"], gradient_there["b"], rtol=1e-6)


@pytest.mark.parametrize("make", KERNELS)
def test_step_size_is_an_array_leaf_and_checked(make):
    assert [float(leaf) for leaf in jax.tree.leaves(make(0.25))] == [0.25]
    for bad in (0.0, -1.0, np.nan, np.inf, np.ones(2)):
        with pytest.raises(BadInput):
            make(bad)


@pytest.mark.parametrize("make", KERNELS)
def test_clamped_weights_do_not_move(make):
    kernel, p = make(0.1), posterior({"a": False, "b": jnp.array([True, False, True])})
    state = kernel.init(jax.random.key(0), p, p.centre)
    for s in range(5):
        state = kernel.step(jax.random.key(s), p, state)
    np.testing.assert_array_equal(state.position["a"], CENTRE["a"])
    assert (np.asarray(state.position["b"]) != np.asarray(CENTRE["b"])).tolist() == [True, False, True]


@pytest.mark.parametrize("make", KERNELS)
def test_same_key_same_step(make):
    kernel, p = make(0.1), posterior()
    state = kernel.init(jax.random.key(0), p, p.centre)
    one, two, other = (kernel.step(jax.random.key(k), p, state) for k in (5, 5, 6))
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), one, two))
    assert not bool((one.position["b"] == other.position["b"]).all())


def test_noise_is_standard_and_of_each_dtype(limit):
    drawn = contract.noise(jax.random.key(3), {"a": jnp.zeros(20_000, jnp.float32), "b": jnp.zeros((100, 200))})
    assert drawn["a"].dtype == jnp.float32
    for part in drawn.values():
        flat = np.asarray(part, np.float64).ravel()
        assert abs(flat.mean()) * 20_000**0.5 < limit(4)
        assert abs((flat**2).mean() - 1) * 10_000**0.5 < limit(4)


def test_sgld_follows_a_recorded_trajectory(monkeypatch):
    """Three steps of an independent PyTorch sampler on ½(w−c)ᵀH(w−c) with weight decay, its noise given."""
    H = jnp.array([[2.0, 0.3, 0.0], [0.3, 1.0, 0.2], [0.0, 0.2, 0.5]])
    c, start = jnp.array([0.1, -0.2, 0.3]), jnp.array([1.0, -1.0, 0.5])
    nbeta, gamma, decay = 30.0, 2.0, 0.5
    recorded_noise = [
        [-0.1467950974849952, 0.7861412987235358, 0.9468216090039564],
        [-1.1143440212610307, 1.6907901257942333, -0.8948278791726386],
        [-0.3556250270062136, 1.2323857451651945, 0.13817266368739245],
    ]
    recorded = [
        [0.7488204902515004, -0.8453858701276464, 0.6024321609003956],
        [0.47242204907754753, -0.6172015405408099, 0.5070981350081766],
        [0.348001725364529, -0.4566396519451437, 0.5165603607799247],
    ]

    def quadratic(w, _):
        return (w - c) @ H @ (w - c) / 2 + decay / nbeta * w @ w / 2

    p = LocalPosterior(quadratic, jnp.zeros((1, 0)), start, nbeta, gamma)
    kernel = sgld(0.01)
    state = kernel.init(jax.random.key(0), p, start)
    for xi, w in zip(recorded_noise, recorded, strict=True):
        monkeypatch.setattr(contract, "noise", lambda key, like, xi=xi: jnp.array(xi))
        state = kernel.step(jax.random.key(0), p, state)
        np.testing.assert_allclose(state.position, w, rtol=1e-12)


def test_mala_refuses_minibatches_and_leaves_no_support():
    with pytest.raises(BadInput):
        mala(0.1).init(jax.random.key(0), LocalPosterior(loss, jnp.zeros((4, 1)), CENTRE, 1.0, 0.0, None, 2), CENTRE)
    half_line = LocalPosterior(lambda w, z: w[0] - jnp.log(w[0]), jnp.zeros((1, 0)), jnp.ones(1), 1.0, 0.0)
    kernel, step = mala(4.0), jax.jit(mala(4.0).step)
    state = kernel.init(jax.random.key(0), half_line, half_line.centre)
    accepted = []
    for s in range(200):
        state = step(jax.random.key(s), half_line, state)
        accepted.append(float(state.accepted))
        assert float(state.position[0]) > 0
        assert np.isfinite(state.loss)
    assert 0 < np.mean(accepted) < 1

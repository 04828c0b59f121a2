"""The convolutional network: its own sums against XLA's convolution, its sizes, what it refuses."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from sampler.networks import cnn
from theory.errors import BadInput


def reference(params, image):
    """The same network through XLA's convolution."""
    h = image[None]
    for i in range(len(params) - 1):
        layer = params[f"conv{i}"]
        dims = ("NHWC", "HWIO", "NHWC")
        h = jnp.tanh(
            jax.lax.conv_general_dilated(h, layer["weight"], (2, 2), "VALID", dimension_numbers=dims) + layer["bias"]
        )
    return h.reshape(-1) @ params["dense"]["weight"] + params["dense"]["bias"]


@pytest.mark.parametrize(("side", "channels", "kernel"), [(8, (1, 4), 3), (9, (1, 3, 5), 3), (7, (2, 3), 2)])
def test_it_is_a_convolution(side, channels, kernel):
    params = jax.jit(partial(cnn.init, side=side, channels=channels, kernel=kernel))(jax.random.key(0))
    image = np.random.default_rng(1).normal(size=(side, side, channels[0]))
    found, flat = jax.jit(lambda w, x: (cnn.apply(w, x), cnn.apply(w, x.reshape(-1))))(params, image)
    np.testing.assert_allclose(found, jax.jit(reference)(params, image), rtol=1e-12)
    np.testing.assert_allclose(flat, found, rtol=1e-12)


def test_sizes_and_loss():
    params = jax.jit(partial(cnn.init, side=8, channels=(1, 4), dtype=np.float32))(jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 9 * 4 + 4 + 9 * 4 * 10 + 10
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype("float32")}
    x, y = np.linspace(-1, 1, 64, dtype=np.float32), np.asarray(3)
    p = special.softmax(np.asarray(jax.jit(cnn.apply)(params, x)))
    np.testing.assert_allclose(jax.jit(cnn.cross_entropy)(params, (x, y)), -np.log(p[3]), rtol=1e-5)
    wide = np.asarray(cnn.init(jax.random.key(0), 64, (3, 40), kernel=5)["conv0"]["weight"])
    # 3000 normal weights: their standard deviation is known to 1.3%.
    assert abs(float(wide.std()) * 75**0.5 - 1) < 0.065


def test_refusals():
    for words in (
        {"side": 2, "channels": (1, 4)},
        {"side": 8, "channels": (1,)},
        {"side": 8, "channels": (1, 4, 4, 4)},
    ):
        with pytest.raises(BadInput):
            cnn.init(jax.random.key(0), **words)

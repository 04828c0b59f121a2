"""The convolutional network: its own sums against XLA's convolution, its sizes, what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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
    params = cnn.init(jax.random.key(0), side, channels, kernel=kernel)
    image = jax.random.normal(jax.random.key(1), (side, side, channels[0]))
    np.testing.assert_allclose(cnn.apply(params, image), reference(params, image), rtol=1e-12)
    np.testing.assert_allclose(cnn.apply(params, image.reshape(-1)), cnn.apply(params, image), rtol=1e-12)


def test_sizes_and_loss():
    params = cnn.init(jax.random.key(0), 8, (1, 4), dtype=np.float32)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 9 * 4 + 4 + 9 * 4 * 10 + 10
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype("float32")}
    x, y = jnp.linspace(-1, 1, 64, dtype=np.float32), jnp.asarray(3)
    p = jax.nn.softmax(cnn.apply(params, x))
    np.testing.assert_allclose(cnn.cross_entropy(params, (x, y)), -jnp.log(p[3]), rtol=1e-5)
    wide = cnn.init(jax.random.key(0), 64, (3, 40), kernel=5)["conv0"]["weight"]
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

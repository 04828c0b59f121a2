"""A small convolutional network as a plain pytree: {"conv0": {"weight", "bias"}, …, "dense": {"weight", "bias"}}.

    h_0 = image,   h_{i+1}[p] = tanh(Σ_q h_i[2p + q] · W_i[q] + b_i),   q in {0 … k−1}²,   logits = vec(h) W + b

Convolutions of stride 2 without padding, k and the channels read off the weights: a side of m pixels becomes ⌊(m − k)/2⌋ + 1. Each
is one matrix product of patches with weights, smooth in the weights to every order (as the expansions of `quadratic` want), and
cheap where chains share the images, since the patches of the first layer hold no weight.

Functions: `init`, `apply`, `cross_entropy`.
"""

from collections.abc import Sequence
from math import prod

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Scalar

from theory.errors import BadInput

STRIDE = 2
Layers = dict[str, dict[str, Float[Array, "..."]]]


def init(
    key: Key[Array, ""],
    side: int,
    channels: Sequence[int],
    *,
    kernel: int = 3,
    classes: int = 10,
    dtype: jnp.dtype | type = float,
) -> Layers:
    """Weights ∼ N(0, 1/fan-in), biases 0, for square images of `side` pixels and channels (of the image, of each layer …).

    Raises `BadInput` for sizes below 1, and where an image of some layer is smaller than the kernel.
    """
    if len(channels) < 2 or min(*channels, kernel, classes, side) < 1:
        raise BadInput(
            f"cnn.init: channels need those of the image and of one layer at least, all sizes positive; got side {side}, "
            f"channels {tuple(channels)}, kernel {kernel}, classes {classes}."
        )
    layers = {}
    *between, last = jax.random.split(key, len(channels))
    for i, (key, before, after) in enumerate(zip(between, channels[:-1], channels[1:], strict=True)):
        if side < kernel:
            raise BadInput(
                f"cnn.init: layer conv{i} sees {side} × {side} pixels and its kernel is {kernel}; take fewer layers."
            )
        layers[f"conv{i}"] = _layer(key, (kernel, kernel, before, after), dtype)
        side = (side - kernel) // STRIDE + 1
    return layers | {"dense": _layer(last, (side * side * channels[-1], classes), dtype)}


def _layer(key: Key[Array, ""], shape: tuple[int, ...], dtype: jnp.dtype | type) -> dict[str, Array]:
    *fan_in, fan_out = shape
    scale = 1 / prod(fan_in) ** 0.5
    return {"weight": scale * jax.random.normal(key, shape, dtype), "bias": jnp.zeros(fan_out, dtype)}


def apply(params: Layers, x: Float[Array, "..."]) -> Float[Array, " classes"]:
    """The logits of one square image, flat or with its axes (row, column, channel)."""
    for i in range(len(params) - 1):
        layer = params[f"conv{i}"]
        x = jnp.tanh(_convolved(x, layer["weight"]) + layer["bias"])
    return x.reshape(-1) @ params["dense"]["weight"] + params["dense"]["bias"]


def _convolved(x: Array, weight: Float[Array, "k k before after"]) -> Float[Array, "rows columns after"]:
    k, _, before, after = weight.shape
    side = round((x.size / before) ** 0.5)
    x = x.reshape(side, side, before)
    count = (side - k) // STRIDE + 1
    end = STRIDE * (count - 1) + 1
    patches = [x[r : r + end : STRIDE, c : c + end : STRIDE] for r in range(k) for c in range(k)]
    return jnp.stack(patches, axis=2).reshape(count, count, -1) @ weight.reshape(-1, after)


def cross_entropy(params: Layers, example: tuple[Float[Array, "..."], Int[Array, ""]]) -> Scalar:
    """ℓ_{(x,y)}(w) = −log softmax(logits(x))_y, in nats."""
    x, y = example
    return -jax.nn.log_softmax(apply(params, x))[y]

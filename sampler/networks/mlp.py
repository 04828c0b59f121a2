"""A multilayer perceptron as a plain pytree: {"layer0": {"weight", "bias"}, "layer1": …}.

    h_0 = x,   h_{i+1} = tanh(h_i W_i + b_i),   logits = h_k W_k + b_k,   ℓ_{(x,y)}(w) = −log softmax(logits)_y

Functions: `init`, `apply`, `cross_entropy`. A component for a restricted chain is a prefix mask, such as
{"layer0": True, "layer1": False}.
"""

from collections.abc import Sequence
from itertools import pairwise

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Scalar

from theory.errors import BadInput

Layers = dict[str, dict[str, Float[Array, "..."]]]


def init(key: Key[Array, ""], widths: Sequence[int], dtype: jnp.dtype | type = float) -> Layers:
    """Weights ∼ N(0, 1/fan-in), biases 0, for widths (inputs, hidden …, outputs)."""
    if len(widths) < 2 or min(widths) < 1:
        raise BadInput(f"mlp.init: widths need at least an input and an output, all positive; got {tuple(widths)}.")
    keys = jax.random.split(key, len(widths) - 1)
    layers = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
        weight = jax.random.normal(keys[i], (fan_in, fan_out), dtype) / fan_in**0.5
        layers[f"layer{i}"] = {"weight": weight, "bias": jnp.zeros(fan_out, dtype)}
    return layers


def apply(params: Layers, x: Float[Array, " inputs"]) -> Float[Array, " classes"]:
    """The logits of one example."""
    *hidden, last = (params[f"layer{i}"] for i in range(len(params)))
    for layer in hidden:
        x = jnp.tanh(x @ layer["weight"] + layer["bias"])
    return x @ last["weight"] + last["bias"]


def cross_entropy(params: Layers, example: tuple[Float[Array, " inputs"], Int[Array, ""]]) -> Scalar:
    """ℓ_{(x,y)}(w) = −log softmax(logits(x))_y, in nats."""
    x, y = example
    return -jax.nn.log_softmax(apply(params, x))[y]

"""A character model of the WaveNet kind: pairs of neighbours are merged layer by layer, as in Karpathy's "makemore".

Eight characters are embedded; three times the vectors of neighbouring places are put side by side and go through
x ↦ tanh(x W + b); the vector that is left gives the logits of the next character. Published
models have batch norm between W and tanh. At inference its statistics are fixed, and it is an affine map of each unit, which
`folded` merges into W and b:

    γ (xW − μ)/√(σ² + ε) + β = x W′ + b′,    W′ = W γ/√(σ² + ε),    b′ = β − μ γ/√(σ² + ε)

Parameters are {"embedding": {"weight"}, "layer0": {"weight", "bias"}, …, "head": {"weight", "bias"}}.

Functions: `folded`, `apply`, `cross_entropy`.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Scalar

Weights = dict[str, dict[str, Float[Array, "..."]]]
EPSILON = 1e-5


def folded(
    weight: Float[np.ndarray, "in out"], norm: Mapping[str, Float[np.ndarray, " out"]]
) -> dict[str, Float[np.ndarray, "..."]]:
    """W′ and b′ of a linear layer with the batch norm (gamma, beta, mean, var) that follows it, at inference."""
    scale = norm["gamma"] / np.sqrt(norm["var"] + EPSILON)
    return {"weight": weight * scale, "bias": norm["beta"] - norm["mean"] * scale}


def apply(params: Weights, context: Int[Array, " places"]) -> Float[Array, " characters"]:
    """The logits of the character that follows the context; places = 2^layers."""
    x = params["embedding"]["weight"][context]
    for i in range(len(params) - 2):
        layer = params[f"layer{i}"]
        x = jnp.tanh(x.reshape(x.shape[0] // 2, -1) @ layer["weight"] + layer["bias"])
    return x[0] @ params["head"]["weight"] + params["head"]["bias"]


def cross_entropy(params: Weights, example: tuple[Int[Array, " places"], Int[Array, ""]]) -> Scalar:
    """ℓ_z(w) = −log softmax(logits)_y for z = (context, y), in nats."""
    context, y = example
    return -jax.nn.log_softmax(apply(params, context))[y]

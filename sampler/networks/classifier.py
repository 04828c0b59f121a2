"""A causal transformer that says yes or no of a string: {"embedding", "position", "gain", "readout", "bias", "layer0": {…}, …}.

For tokens z_0 … z_n, the last one an end, and n(x) = x/√(mean x² + 10⁻⁶),

    x⁰_i = E[z_i] + P(i),
    y = x^l + Σ_h softmax_j≤i(q_i·k_j/√e) v_j W_O     of q, k, v = g ⊙ n(x^l) (W_Q, W_K, W_V), heads h of width e,
    x^{l+1} = y + max(0, g' ⊙ n(y) W_in + b) W_out,
    logit = g'' ⊙ n(x^L_n) · r + c,          ℓ(w) = ρ log(1 + exp(∓logit)),   − for label 1.

Only the end is read, so that the last layer is computed there alone.

Lengths. P has as many rows as a training string has tokens, N + 1. A string of another length n is stretched over it: P(i) is read
at iN/n, between two rows by a line (Chen et al., *Extending Context Window by Positional Interpolation*, 2023). At n = N nothing
is changed; at another n the rows are blends that training has not seen.

Functions: `init`, `logit`, `weighted` (the loss of an example with a weight).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Scalar

from sampler.networks.norm import rms_norm
from theory.errors import BadInput

Weights = dict[str, Any]


def init(
    key: Key[Array, ""],
    *,
    vocabulary: int,
    length: int,
    width: int,
    layers: int,
    hidden: int,
    dtype: jnp.dtype | type = jnp.float32,
) -> Weights:
    """Matrices ∼ N(0, 1/fan-in), E and P ∼ N(0, 1/width), gains 1, biases 0. Raises `BadInput` for a size below 1."""
    if min(vocabulary, length, width, layers, hidden) < 1:
        raise BadInput(f"classifier.init: all sizes must be positive; width = {width}, layers = {layers}.")
    keys = iter(jax.random.split(key, 3 + 6 * layers))

    def matrix(rows: int, columns: int, fan: int) -> Array:
        return jax.random.normal(next(keys), (rows, columns), dtype) * fan**-0.5

    weights: Weights = {
        "embedding": matrix(vocabulary, width, width),
        "position": matrix(length + 1, width, width),
        "readout": matrix(width, 1, width),
        "gain": jnp.ones(width, dtype),
        "bias": jnp.zeros((), dtype),
    }
    for i in range(layers):
        weights[f"layer{i}"] = {name: matrix(width, width, width) for name in ("W_Q", "W_K", "W_V", "W_O")} | {
            "W_in": matrix(width, hidden, width),
            "W_out": matrix(hidden, width, hidden),
            "b": jnp.zeros(hidden, dtype),
            "gain": jnp.ones(width, dtype),
            "gain_mlp": jnp.ones(width, dtype),
        }
    return weights


def positions(table: Float[Array, "rows width"], tokens: int) -> Float[Array, "tokens width"]:
    """P(i), the table stretched to so many tokens; the table itself where it has as many rows."""
    rows = table.shape[0]
    if rows == tokens:
        return table
    at = jnp.linspace(0.0, rows - 1.0, tokens, dtype=table.dtype)
    low = jnp.clip(jnp.floor(at).astype(int), 0, rows - 2)
    share = (at - low)[:, None]
    return (1 - share) * table[low] + share * table[low + 1]


def logit(weights: Weights, tokens: Int[Array, " T"], *, heads: int = 2) -> Scalar:
    """The logit of "yes", read at the last token. Raises `BadInput` where the heads do not divide the width."""
    T, width = tokens.shape[0], weights["embedding"].shape[1]
    if width % heads:
        raise BadInput(f"classifier.logit: heads must divide width; heads = {heads}, width = {width}.")
    x = weights["embedding"][tokens] + positions(weights["position"], T)
    layers = sum(name.startswith("layer") for name in weights)
    for i in range(layers):
        layer = weights[f"layer{i}"]
        first = T - 1 if i == layers - 1 else 0
        y = rms_norm(x, layer["gain"])
        k, v = (jnp.reshape(y @ layer[name], (T, heads, -1)) for name in ("W_K", "W_V"))
        q = jnp.reshape(y[first:] @ layer["W_Q"], (T - first, heads, -1))
        scores = jnp.einsum("ihe,jhe->hij", q, k) / q.shape[-1] ** 0.5
        causal = jnp.arange(first, T)[:, None] >= jnp.arange(T)
        pattern = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf), axis=-1)
        x = x[first:] + jnp.einsum("hij,jhe->ihe", pattern, v).reshape(T - first, width) @ layer["W_O"]
        x = x + jax.nn.relu(rms_norm(x, layer["gain_mlp"]) @ layer["W_in"] + layer["b"]) @ layer["W_out"]
    return (rms_norm(x[-1], weights["gain"]) @ weights["readout"])[0] + weights["bias"]


def weighted(weights: Weights, example: tuple[Int[Array, " T"], Float[Array, ""], Float[Array, ""]]) -> Scalar:
    """ρ log(1 + exp(−s·logit)), s = ±1, of an example (tokens, label 1 or 0, ρ), in nats."""
    tokens, label, rho = example
    return rho * jax.nn.softplus((1 - 2 * label) * logit(weights, tokens))


__all__ = ["init", "logit", "positions", "weighted"]

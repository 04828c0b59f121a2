"""An attention-only transformer with relative positions: {"embedding", "unembedding", "gain", "layer0": {…}, …}.

For tokens z_1 … z_T and heads h of width e = d_head, n(x) = x/√(mean x² + 10⁻⁶) the root-mean-square norm,

    x⁰_i = E[z_i],      y = g^l ⊙ n(x^l),      q, k, v = y W_Q, y W_K, y W_V,
    x^{l+1}_i = x^l_i + Σ_h Σ_{j≤i} softmax_j(q_i·k_j/√e + 3 b_h(i − j)) v_j W_O,
    ℓ_i(w) = −log softmax(g ⊙ n(x^L_i) U)_{z_{i+1}},      i < T.

b_h(r), one number for each head and distance r, is all that the network knows of positions; it starts at 0, and the factor 3 lets
it move as fast as the matrices under Adam. Two layers suffice for induction: a head that attends to the previous token (by b), and
one above it that finds an earlier copy of the present token by what the first wrote (Elhage et al., *A Mathematical Framework
for Transformer Circuits*, 2021).

A head's weights are columns of W_Q, W_K, W_V and rows of W_O (`sampler.components.head`) and its row of "distance".

Functions: `init`, `patterns`, `logits`, `token_losses`, and `weighted`, the loss of a sequence whose tokens have weights.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Scalar

from sampler.networks.norm import rms_norm
from theory.errors import BadInput

Weights = dict[str, Any]
GAIN = 3.0


def init(
    key: Key[Array, ""],
    *,
    vocabulary: int,
    context: int,
    width: int,
    layers: int,
    heads: int,
    dtype: jnp.dtype | type = jnp.float32,
) -> Weights:
    """Matrices ∼ N(0, 1/width), W_O half of that, gains 1, b = 0. Raises `BadInput` where the heads do not divide the width."""
    if min(vocabulary, context, width, layers, heads) < 1 or width % heads:
        raise BadInput(
            f"relative.init: all sizes must be positive and heads must divide width; heads = {heads}, width = {width}."
        )
    keys = iter(jax.random.split(key, 2 + 4 * layers))

    def matrix(rows: int, columns: int, scale: float = 1.0) -> Array:
        return jax.random.normal(next(keys), (rows, columns), dtype) * (scale * width**-0.5)

    weights: Weights = {
        "embedding": matrix(vocabulary, width),
        "unembedding": matrix(width, vocabulary),
        "gain": jnp.ones(width, dtype),
    }
    for i in range(layers):
        weights[f"layer{i}"] = {name: matrix(width, width) for name in ("W_Q", "W_K", "W_V")} | {
            "W_O": matrix(width, width, 0.5),
            "distance": jnp.zeros((heads, context), dtype),
            "gain": jnp.ones(width, dtype),
        }
    return weights


def _forward(weights: Weights, tokens: Int[Array, " T"]) -> tuple[Array, list[Array]]:
    """The residual stream after the last layer, and the attention pattern (heads, T, T) of each layer."""
    T = tokens.shape[0]
    x = weights["embedding"][tokens]
    causal = jnp.tril(jnp.ones((T, T), bool))
    apart = jnp.maximum(jnp.arange(T)[:, None] - jnp.arange(T), 0)
    patterns = []
    for i in range(sum(name.startswith("layer") for name in weights)):
        layer = weights[f"layer{i}"]
        heads, context = layer["distance"].shape
        if context < T:
            raise BadInput(f"relative: the distances reach {context} tokens; the sequence has {T}.")
        y = rms_norm(x, layer["gain"])
        q, k, v = (jnp.reshape(y @ layer[name], (T, heads, -1)).swapaxes(0, 1) for name in ("W_Q", "W_K", "W_V"))
        scores = jnp.einsum("hie,hje->hij", q, k) / q.shape[-1] ** 0.5 + GAIN * layer["distance"][:, apart]
        pattern = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf), axis=-1)
        patterns.append(pattern)
        x = x + jnp.einsum("hij,hje->hie", pattern, v).swapaxes(0, 1).reshape(T, -1) @ layer["W_O"]
    return x, patterns


def patterns(weights: Weights, tokens: Int[Array, " T"]) -> Float[Array, "layers heads T T"]:
    """How much position i of each head attends to position j."""
    return jnp.stack(_forward(weights, tokens)[1])


def logits(weights: Weights, tokens: Int[Array, " T"]) -> Float[Array, "T vocabulary"]:
    """g ⊙ n(x^L) U at every position."""
    return rms_norm(_forward(weights, tokens)[0], weights["gain"]) @ weights["unembedding"]


def token_losses(weights: Weights, tokens: Int[Array, " T+1"]) -> Float[Array, " T"]:
    """ℓ_i of the next token at the first T of T + 1 tokens, in nats: a `probe_loss` for `chain.run`."""
    scores = logits(weights, tokens[:-1])
    return jax.nn.logsumexp(scores, axis=-1) - jnp.take_along_axis(scores, tokens[1:, None], axis=-1)[:, 0]


def weighted(weights: Weights, example: tuple[Int[Array, " T+1"], Float[Array, " T"]]) -> Scalar:
    """(1/T) Σ_i ρ_i ℓ_i of one example (tokens, ρ): the loss of a sequence under token weights ρ of mean 1 over the data."""
    tokens, rho = example
    return jnp.mean(rho * token_losses(weights, tokens))


__all__ = ["init", "logits", "patterns", "token_losses", "weighted"]

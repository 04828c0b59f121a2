"""An attention-only transformer as a plain pytree: {"embedding", "layer0": {"W_Q", "W_K", "W_V", "W_O"}, …}.

For tokens z_1 … z_T, with heads h of width e = d_head,

    x⁰_i = E[z_i] + P[i],
    x^{l+1}_i = x^l_i + Σ_h Σ_{j≤i} softmax_j(q_i·k_j / √e) v_j W_O,    q, k, v = x^l W_Q, x^l W_K, x^l W_V,
    ℓ_z(w) = −(1/(T − 1)) Σ_{i<T} log softmax(x^L_i U)_{z_{i+1}}.

Columns h·e … (h + 1)·e of W_Q, W_K, W_V and the same rows of W_O belong to head h (`sampler.components.head`). Fewer key and value
heads than query heads (grouped-query attention) are told from the shapes.

In the first layer x⁰ W = E W [z_i] + P[i] W: a batch of more tokens than the vocabulary and the positions together takes fewer
products by tables E W and P W that all its sequences share. A function of one sequence does not know the batch, so `at_once` tells
it: how many sequences meet the same weights.

Functions: `init`, `logits`, `token_losses`, `next_token`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Scalar

from theory.errors import BadInput

Weights = dict[str, Any]


def init(
    key: Key[Array, ""],
    *,
    vocabulary: int,
    context: int,
    width: int,
    layers: int,
    heads: int,
    kv_heads: int | None = None,
    d_head: int | None = None,
    dtype: jnp.dtype | type = float,
) -> Weights:
    """Weights ∼ N(0, 1/fan-in), embeddings ∼ N(0, 1)·width^{−1/2}. Raises `BadInput` where heads do not divide."""
    kv_heads, d_head = kv_heads or heads, d_head or width // heads
    if min(vocabulary, context, width, layers, heads, kv_heads, d_head) < 1 or heads % kv_heads:
        raise BadInput(
            f"attention.init: all sizes must be positive and kv_heads must divide heads; heads = {heads}, kv_heads = {kv_heads}."
        )

    def matrix(key: Key[Array, ""], rows: int, columns: int, scale: float) -> Array:
        return jax.random.normal(key, (rows, columns), dtype) * scale

    keys = iter(jax.random.split(key, 3 + 4 * layers))
    inner, shared = heads * d_head, kv_heads * d_head
    weights: Weights = {
        "embedding": matrix(next(keys), vocabulary, width, width**-0.5),
        "position": matrix(next(keys), context, width, width**-0.5),
        "unembedding": matrix(next(keys), width, vocabulary, width**-0.5),
    }
    for i in range(layers):
        shapes = {"W_Q": (width, inner), "W_K": (width, shared), "W_V": (width, shared), "W_O": (inner, width)}
        weights[f"layer{i}"] = {name: matrix(next(keys), *shape, shape[0] ** -0.5) for name, shape in shapes.items()}
    return weights


def logits(
    weights: Weights, tokens: Int[Array, " T"], *, d_head: int, at_once: int = 1
) -> Float[Array, "T vocabulary"]:
    """x^L U at every position. at_once: how many sequences are computed with these weights (see the module)."""
    T = tokens.shape[0]
    embedding, position = weights["embedding"], weights["position"][:T]
    x = embedding[tokens] + position
    tables = at_once * T > len(embedding) + T
    causal = jnp.tril(jnp.ones((T, T), bool))
    for i in range(sum(name.startswith("layer") for name in weights)):
        layer = weights[f"layer{i}"]
        projected = (
            (embedding @ layer[name])[tokens] + position @ layer[name] if tables and i == 0 else x @ layer[name]
            for name in ("W_Q", "W_K", "W_V")
        )
        # Heads first: products over contiguous matrices.
        q, k, v = (jnp.reshape(y, (T, -1, d_head)).swapaxes(0, 1) for y in projected)
        group = q.shape[0] // k.shape[0]
        if group > 1:  # grouped queries: head h uses key and value head h // group
            k, v = (jnp.repeat(a, group, axis=0) for a in (k, v))
        scores = jnp.einsum("hie,hje->hij", q, k) / d_head**0.5
        pattern = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf), axis=-1)
        x = x + jnp.einsum("hij,hje->hie", pattern, v).swapaxes(0, 1).reshape(T, -1) @ layer["W_O"]
    return x @ weights["unembedding"]


def token_losses(weights: Weights, tokens: Int[Array, " T"], *, d_head: int, at_once: int = 1) -> Float[Array, " T-1"]:
    """−log softmax(x^L_i U)_{z_{i+1}} for i < T, in nats: a `probe_loss` for `chain.run`, with `functools.partial` for d_head."""
    scores = logits(weights, tokens, d_head=d_head, at_once=at_once)
    # The last position is dropped at the end: without it the product before would no longer be one matrix over a batch.
    seen = jnp.take_along_axis(scores, jnp.roll(tokens, -1)[:, None], axis=-1)[:, 0]
    return (jax.nn.logsumexp(scores, axis=-1) - seen)[:-1]


def next_token(d_head: int, *, at_once: int = 1) -> Callable[[Weights, Int[Array, " T"]], Scalar]:
    """The loss of one example, a row of tokens: the mean cross-entropy of the next token, in nats.

    at_once: the size of the batches (see the module). A chain on one head is faster without, since its slice of the first layer's
    matrices is not followed through the tables.
    """
    return partial(_next_token, d_head=d_head, at_once=at_once)


def _next_token(weights: Weights, tokens: Int[Array, " T"], *, d_head: int, at_once: int) -> Scalar:
    return jnp.mean(token_losses(weights, tokens, d_head=d_head, at_once=at_once))

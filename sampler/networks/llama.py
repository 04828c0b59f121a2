"""A Llama-type transformer as a plain pytree: {"embedding", "layer0": {…}, …, "norm"}.

For tokens z_1 … z_T, with norm(x) = γ x/√(mean x² + ε) and heads h of width e,

    x⁰ = E[z],    y = x + Σ_h softmax(R_i q_i · R_j k_j / √e)_{j≤i} v_j W_O,    x' = y + (silu(u W_1) ⊙ u W_3) W_2,    u = norm₂(y)

where q, k, v come from norm₁(x), R_i rotates adjacent pairs of coordinates by the angles i·base^{−2k/e} (RoPE), query head h reads
key and value head h // group (grouped queries), and the embedding is tied: logits = norm(x^L) Eᵀ. Rows are inputs: y = x W.

The names "layer*.W_Q" … "layer*.W_O" are those that `components.head` expects.

Functions: `logits`, `token_losses`, `next_token`, `patterns`. Class: `Shape`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from sampler.networks.norm import rms_norm

Weights = Mapping[str, Any]


class Shape(NamedTuple):
    """What the weights do not tell: the width of a head, the base of the rotation angles, ε of the norms."""

    d_head: int
    rope_base: float = 1e4
    epsilon: float = 1e-6


def layers_of(weights: Weights) -> int:
    return sum(name.startswith("layer") for name in weights)


def _rotated(x: Float[Array, "h T e"], base: float) -> Float[Array, "h T e"]:
    """R_i x_i: the pairs (x_0, x_1), (x_2, x_3), … turned by i·base^{−2k/e}."""
    _, T, e = x.shape
    angle = jnp.arange(T)[:, None] * base ** (-2.0 * jnp.arange(e // 2) / e)
    cos, sin = jnp.cos(angle).astype(x.dtype), jnp.sin(angle).astype(x.dtype)
    pairs = x.reshape(*x.shape[:2], e // 2, 2)
    a, b = pairs[..., 0], pairs[..., 1]
    return jnp.stack([a * cos - b * sin, a * sin + b * cos], axis=-1).reshape(x.shape)


def _attention(
    layer: Weights, x: Float[Array, "T d"], shape: Shape
) -> tuple[Float[Array, "T d"], Float[Array, "h T T"]]:
    """What attention adds to the residual stream, and its patterns."""
    T = x.shape[0]
    q, k, v = (jnp.reshape(x @ layer[name], (T, -1, shape.d_head)).swapaxes(0, 1) for name in ("W_Q", "W_K", "W_V"))
    q, k = _rotated(q, shape.rope_base), _rotated(k, shape.rope_base)
    if (group := q.shape[0] // k.shape[0]) > 1:
        k, v = (jnp.repeat(a, group, axis=0) for a in (k, v))
    scores = jnp.einsum("hie,hje->hij", q, k) / shape.d_head**0.5
    pattern = jax.nn.softmax(jnp.where(jnp.tril(jnp.ones((T, T), bool)), scores, -jnp.inf), axis=-1)
    return jnp.einsum("hij,hje->hie", pattern, v).swapaxes(0, 1).reshape(T, -1) @ layer["W_O"], pattern


def _residual(
    weights: Weights, tokens: Int[Array, " T"], shape: Shape
) -> tuple[Float[Array, "T d"], list[Float[Array, "h T T"]]]:
    """x^L, and the attention patterns of each layer."""
    x, patterns = jnp.asarray(weights["embedding"])[tokens], []
    for i in range(layers_of(weights)):
        layer = weights[f"layer{i}"]
        added, pattern = _attention(layer, rms_norm(x, layer["norm1"], shape.epsilon), shape)
        patterns.append(pattern)
        x = x + added
        u = rms_norm(x, layer["norm2"], shape.epsilon)
        x = x + (jax.nn.silu(u @ layer["W_1"]) * (u @ layer["W_3"])) @ layer["W_2"]
    return x, patterns


def logits(weights: Weights, tokens: Int[Array, " T"], *, shape: Shape) -> Float[Array, "T vocabulary"]:
    """The scores of the next token at every position."""
    x, _ = _residual(weights, tokens, shape)
    u = rms_norm(x, weights["norm"], shape.epsilon)
    # E uᵀ and its transpose, for u Eᵀ would turn the largest array there is.
    return jax.lax.dot_general(jnp.asarray(weights["embedding"]), u, (((1,), (1,)), ((), ()))).T


def patterns(weights: Weights, tokens: Int[Array, " T"], *, shape: Shape) -> Float[Array, "layers h T T"]:
    """How much position i of a head reads from position j ≤ i: rows sum to 1."""
    return jnp.stack(_residual(weights, tokens, shape)[1])


def token_losses(weights: Weights, tokens: Int[Array, " T"], *, shape: Shape) -> Float[Array, " T-1"]:
    """−log softmax(logits_i)_{z_{i+1}} for i < T, in nats."""
    scores = logits(weights, tokens, shape=shape)
    seen = jnp.take_along_axis(scores, jnp.roll(tokens, -1)[:, None], axis=-1)[:, 0]
    return (jax.nn.logsumexp(scores, axis=-1) - seen)[:-1]


def next_token(shape: Shape) -> Callable[[Weights, Int[Array, " T"]], Scalar]:
    """The loss of one example, a row of tokens: the mean cross-entropy of the next token, in nats."""
    return partial(_next_token, shape=shape)


def _next_token(weights: Weights, tokens: Int[Array, " T"], *, shape: Shape) -> Scalar:
    return jnp.mean(token_losses(weights, tokens, shape=shape))

"""Training the code model between checkpoints: AdamW on rows of the corpus, each stretch a part of its own.

    loss     mean over a batch of `BATCH` rows, drawn with replacement, of the next token's cross-entropy (nats a token)
    AdamW    (0.9, 0.99), decay 0.01 on matrices, gradient clipped at norm 1, rate 5·10⁻³ after 50 steps of warm-up, down to a
             tenth of it along a cosine over the whole training

A checkpoint is the whole state, weights and moments, by name of leaf: the next stretch goes on from it. Step k draws the same rows
however the training is cut into stretches.

Functions: `stretch`, `weights_of`, `held_out`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from sampler.components import names_of
from sampler.networks import relative

BATCH, RATE, WARM_UP = 32, 5e-3, 50


def initial(shape: Mapping[str, int], seed: int) -> relative.Weights:
    """The weights before training, in single precision; shape: vocabulary, context, width, layers, heads."""
    return relative.init(jax.random.key(seed), **shape, dtype=jnp.float32)


def _optimiser(steps: int) -> optax.GradientTransformation:
    def matrices(weights: Any) -> Any:
        return jax.tree_util.tree_map_with_path(
            lambda path, x: x.ndim == 2 and "distance" not in str(path[-1]), weights
        )

    rate = optax.warmup_cosine_decay_schedule(0.0, RATE, min(WARM_UP, steps // 2), max(steps, 2), RATE / 10)
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, b2=0.99, weight_decay=0.01, mask=matrices))


def _mean_loss(weights: Any, rows: Any) -> Any:
    return jnp.mean(jax.vmap(relative.token_losses, in_axes=(None, 0))(weights, rows))


@partial(jax.jit, static_argnums=4)
def _step(state: Any, number: Any, seed: Any, tokens: Any, steps: int) -> Any:
    weights, memory = state
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(1), seed), number)
    chosen = jax.random.randint(key, (BATCH,), 0, tokens.shape[0])
    loss, slope = jax.value_and_grad(_mean_loss)(weights, tokens[chosen])
    change, memory = _optimiser(steps).update(slope, memory, weights)
    return (optax.apply_updates(weights, change), memory), loss


def stretch(
    tokens: np.ndarray,
    shape: Mapping[str, int],
    seed: int,
    span: tuple[int, int],
    steps: int,
    before: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """The steps span[0] … span[1] − 1 of `steps`, from the checkpoint `before` (None: from the start).

    Returns {"w/<leaf>": weights, "m<i>": leaves of the optimiser's memory, "losses": of each step's batch}.
    """
    weights = initial(shape, seed)
    state = (weights, _optimiser(steps).init(weights))
    if before is not None:
        memory = [jnp.asarray(before[f"m{i}"]) for i in range(len(jax.tree.leaves(state[1])))]
        state = (weights_of(before, shape), jax.tree.unflatten(jax.tree.structure(state[1]), memory))
    losses, data = [], jnp.asarray(tokens)
    for number in range(*span):
        state, loss = _step(state, number, seed, data, steps)
        losses.append(loss)
    return (
        {f"w/{name}": np.asarray(leaf) for name, leaf in names_of(state[0]).items()}
        | {f"m{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state[1]))}
        | {"losses": np.array([float(x) for x in losses])}
    )


def weights_of(checkpoint: Mapping[str, np.ndarray], shape: Mapping[str, int]) -> relative.Weights:
    """The weights of a checkpoint as the network takes them."""
    like = initial(shape, 0)
    leaves = [jnp.asarray(checkpoint[f"w/{name}"]) for name in names_of(like)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


@jax.jit
def _losses(weights: Any, rows: Any) -> Any:
    return jax.lax.map(lambda row: relative.token_losses(weights, row), rows, batch_size=32)


def held_out(weights: relative.Weights, rows: np.ndarray) -> tuple[float, float]:
    """Mean loss of rows that no step saw, nats a token, and its standard error over rows."""
    each = np.asarray(_losses(weights, jnp.asarray(rows)), np.float64).mean(axis=1)
    return float(each.mean()), float(each.std(ddof=1) / len(each) ** 0.5)


__all__ = ["held_out", "initial", "stretch", "weights_of"]

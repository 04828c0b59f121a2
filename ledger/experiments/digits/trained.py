"""The networks on handwritten digits, from their first weights to a minimum: weights as one flat vector.

All are trained on 600 digits with a weight decay of 1e-3 written into the loss (so that it has proper minima): a stretch of Adam
with full batches, photographed at steps spread over its logarithm, then L-BFGS and Newton steps from its last point to a gradient
of 1e-9 in double precision. The small one sees the digits coarsely, in 4 × 4 pixels: the next order takes d² derivatives of third
and fourth order, and it has 118 weights where one of 8 × 8 pixels has 310.

Functions: `train`, `posterior`, `coarse`. Class: `Model`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from sampler import train as training
from sampler.data import digits
from sampler.networks import cnn, mlp
from sampler.posterior import LocalPosterior, Loss

WEIGHT_DECAY = 1e-3
EXAMPLES = 600
RATE = 0.01
SIDE = 8  # of the images, in pixels


class Model(NamedTuple):
    """A network by name: first weights from a seed, logits, loss with weight decay, and its layers as prefixes of a mask."""

    title: str
    init: Callable[[int], Any]
    apply: Callable[[Any, Any], Any]
    loss: Loss
    layers: tuple[str, ...]


def coarse(x: Float[Array, " 64"], side: int) -> Float[Array, " pixels"]:
    """The image in side × side pixels, each the mean of a square of the pixels of x."""
    if side == SIDE:
        return x
    return x.reshape(side, SIDE // side, side, SIDE // side).mean(axis=(1, 3)).reshape(-1)


def _perceptron(hidden: int, side: int = SIDE) -> Model:
    def loss(params: Any, example: Any) -> Array:
        return mlp.cross_entropy(params, (coarse(example[0], side), example[1]))

    return Model(
        f"perceptron {side**2}–{hidden}–10",
        lambda seed: mlp.init(jax.random.key(seed), (side**2, hidden, 10)),
        lambda params, x: mlp.apply(params, coarse(x, side)),
        training.decayed(loss, WEIGHT_DECAY),
        ("layer0", "layer1"),
    )


MODELS = {
    "mlp": _perceptron(8),
    "small mlp": _perceptron(4, side=4),
    "cnn": Model(
        "convolutions 3 × 3 × 4, stride 2, then 36–10",
        lambda seed: cnn.init(jax.random.key(seed), 8, (1, 4)),
        cnn.apply,
        training.decayed(cnn.cross_entropy, WEIGHT_DECAY),
        ("conv0", "dense"),
    ),
}


def train(*, model: str, steps: tuple[int, ...], seed: int = 0, examples: int = EXAMPLES) -> dict[str, Any]:
    """Train; "snapshots" are the flat weights after `steps` steps of Adam and "centre" those of the minimum w*."""
    chosen, data = MODELS[model], digits.load(examples)
    start, unravel = ravel_pytree(chosen.init(seed))
    x, y = jnp.asarray(data.x), jnp.asarray(data.y)

    def mean_loss(w: jax.Array) -> jax.Array:
        return jnp.mean(jax.vmap(chosen.loss, in_axes=(None, 0))(unravel(w), (x, y)))

    snapshots = _adam(mean_loss, start, steps)
    found = training.minimise(chosen.loss, unravel(jnp.asarray(snapshots[-1])), (data.x, data.y))

    def accuracy(images: np.ndarray, labels: np.ndarray) -> float:
        logits = jax.vmap(chosen.apply, in_axes=(None, 0))(found.params, jnp.asarray(images))
        return float(np.mean(np.argmax(np.asarray(logits), axis=1) == labels))

    return {
        "snapshots": snapshots,
        "losses": np.array([float(mean_loss(jnp.asarray(w))) for w in snapshots]),
        "centre": np.asarray(ravel_pytree(found.params)[0]),
        "loss": found.loss,
        "gradient_norm": found.gradient_norm,
        "accuracy": accuracy(data.x, data.y),
        "test_accuracy": accuracy(data.test_x, data.test_y),
    }


def _adam(mean_loss: Callable[[jax.Array], jax.Array], start: jax.Array, steps: tuple[int, ...]) -> np.ndarray:
    """The weights after each number of steps, which rise."""
    rule = optax.adam(RATE)

    @jax.jit
    def advance(w: jax.Array, state: Any, count: int) -> tuple[jax.Array, Any]:
        def step(_: int, both: Any) -> Any:
            w, state = both
            update, state = rule.update(jax.grad(mean_loss)(w), state)
            return optax.apply_updates(w, update), state

        return jax.lax.fori_loop(0, count, step, (w, state))

    w, state, done, seen = start, rule.init(start), 0, []
    for step in steps:
        w, state = advance(w, state, step - done)
        done = step
        seen.append(np.asarray(w))
    return np.array(seen)


def posterior(
    model: str,
    centre: np.ndarray,
    *,
    nbeta: float,
    gamma: float,
    layer: str | None = None,
    batch: int | None = None,
    dtype: Any = np.float64,
    examples: int = EXAMPLES,
) -> LocalPosterior:
    """The local posterior at flat weights; with `layer` that of one layer alone."""
    chosen, data = MODELS[model], digits.load(examples, dtype=dtype)
    weights = ravel_pytree(chosen.init(0))[1](jnp.asarray(centre))
    weights = jax.tree.map(lambda leaf: leaf.astype(dtype), weights)
    # A mask also where every weight moves: whole and restricted chains are then one program.
    mask = {name: layer in (None, name) for name in chosen.layers}
    return LocalPosterior(chosen.loss, (data.x, data.y), weights, nbeta, gamma, mask, batch)


def probes(where: LocalPosterior, count: int) -> Any:
    """The first examples of the data."""
    return jax.tree.map(lambda leaf: leaf[:count], where.data)

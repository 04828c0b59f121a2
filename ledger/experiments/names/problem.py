"""The network, its data and its weighted loss: the one place where the experiment's problem is put together.

    L_h(w) = (1/n) Σ_i (1 + h_i) ℓ_i(w) + (c/2)|w|²,    ℓ_i the cross entropy of example i, over the weights that are trained

h = 0 is training; h_i = −1 leaves example i out. The weight decay c is written in the loss, so that there is a minimum w*(h), and
it does not change with h.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from sampler import train
from sampler.data import names
from sampler.networks import wavenet
from theory.errors import BadInput


class Setting(NamedTuple):
    """n training pairs and `queries` held-out ones, the layers that are trained, the weight decay c."""

    n: int
    queries: int
    layers: tuple[str, ...]
    decay: float
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Problem:
    """data: (contexts, characters) of the n examples; ell: ℓ of (params, (context, character)); weighted: of (params, (context,
    character, 1 + h_i)), decay included; start: the published weights of the trained layers."""

    setting: Setting
    data: tuple[np.ndarray, np.ndarray]
    queries: tuple[np.ndarray, np.ndarray]
    ell: Callable[[Any, Any], Array]
    weighted: Callable[[Any, Any], Array]
    start: Any

    @cached_property
    def unravel(self) -> Callable[[Array], Any]:
        return ravel_pytree(self.start)[1]

    @cached_property
    def size(self) -> int:
        return ravel_pytree(self.start)[0].size


@lru_cache(maxsize=8)
def problem(setting: Setting) -> Problem:
    """Whole names at random, in order of the seed: the first pairs for training, those of the next names for queries.

    Raises `BadInput` for more examples than there are, and where the package of the data is missing.
    """
    examples, model = names.load(), jax.tree.map(jnp.asarray, names.model())
    order = np.random.default_rng(setting.seed).permutation(len(examples.words))
    at = np.concatenate([np.flatnonzero(examples.name == word) for word in order])
    if setting.n + setting.queries + 20 > len(at):
        raise BadInput(f"names: {setting.n} pairs and {setting.queries} queries are asked for; there are {len(at)}.")
    last = examples.name[at[setting.n - 1]]
    held_out = at[setting.n :][examples.name[at[setting.n :]] != last][: setting.queries]
    frozen = {name: layer for name, layer in model.items() if name not in setting.layers}

    def ell(params: Any, example: Any) -> Array:
        return wavenet.cross_entropy({**frozen, **params}, example)

    def counted(params: Any, example: Any) -> Array:
        return example[2] * ell(params, example[:2])

    def chosen(where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return examples.contexts[where], examples.characters[where]

    start = {name: model[name] for name in setting.layers}
    return Problem(
        setting, chosen(at[: setting.n]), chosen(held_out), ell, train.decayed(counted, setting.decay), start
    )


def with_weights(p: Problem, h: Float[np.ndarray, " n"] | float = 0.0) -> tuple[Array, ...]:
    """The data of L_h."""
    return (*map(jnp.asarray, p.data), jnp.broadcast_to(1.0 + jnp.asarray(h, float), (p.setting.n,)))


def minimum(*, setting: Sequence[Any]) -> dict[str, Any]:
    """w* of L_0 from the published weights, in double precision; what `train.minimise` says about it."""
    p = problem(Setting(*setting))
    found = train.minimise(p.weighted, p.start, with_weights(p), evaluations=20_000)
    return {
        "w": ravel_pytree(found.params)[0], "gradient": found.gradient_norm, "loss": found.loss,
        "evaluations": found.evaluations, "published": mean_loss(p, ravel_pytree(p.start)[0]),
        "trained": mean_loss(p, ravel_pytree(found.params)[0]),
    }  # fmt: skip


def mean_loss(p: Problem, w: Array) -> float:
    """The mean of ℓ over the training pairs."""
    return float(jnp.mean(losses(p.ell, p.unravel, w, p.data)))


@partial(jax.jit, static_argnums=(0, 1))
def losses(ell: Callable, unravel: Callable, w: Array, examples: Any) -> Float[Array, " examples"]:
    """ℓ of each example at the flat weights w."""
    return jax.vmap(ell, in_axes=(None, 0))(unravel(w), examples)


@partial(jax.jit, static_argnums=(0, 1))
def slopes(ell: Callable, unravel: Callable, w: Array, examples: Any) -> Float[Array, "examples d"]:
    """∇ℓ of each example."""
    return jax.vmap(jax.grad(lambda w, z: ell(unravel(w), z)), in_axes=(None, 0))(w, examples)

"""Training from scratch under weights on the examples, many paired seeds at once.

A seed decides the initial weights and the order of the batches and nothing else, so that seed k under two weightings differs in the
weighting alone: differences are paired. Each seed may have weights of its own. One network is trained after another: its arrays
stay in the cache, no threads wait for each other, and one program serves any number of them.

    loss      (1/B) Σ ρ_z ℓ_z over a batch of B strings drawn with replacement, ρ of mean 1 over the data
    share     of strings of equal count that are not nested, the part that is called nested: 1 for equal count, 0 for nested
    margin    φ, the mean logit on such strings

Optimiser: AdamW (0.9, 0.99), decay 0.1 on matrices, gradient clipped at norm 1, 800 steps of 64 strings; the rate rises to
3·10⁻³ in 50 steps and falls to 0 in the last 200, since at a constant rate without clipping some networks have not learned the
strings by then.

Functions: `train` (seeds × weights → what the networks do), `sources` (seeds → networks), `network`, `behaviour`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from sampler.data import parentheses
from sampler.networks import classifier

LENGTH, WIDTH, LAYERS, HIDDEN = 16, 16, 2, 32
BATCH, STEPS = 64, 800
RATE, WARM, COOL = 3e-3, 50, 200
OTHERS = (12, 20)
TEST, TEST_SEED = 500, 10**6


def initial(seed: jax.Array) -> classifier.Weights:
    """The weights of a seed before training, in single precision: 4,577 numbers."""
    key = jax.random.fold_in(jax.random.key(0), seed)
    return classifier.init(key, vocabulary=3, length=LENGTH, width=WIDTH, layers=LAYERS, hidden=HIDDEN)


def _optimiser() -> optax.GradientTransformation:
    pieces = [
        optax.linear_schedule(0.0, RATE, WARM),
        optax.constant_schedule(RATE),
        optax.linear_schedule(RATE, 0.0, COOL),
    ]
    rate = optax.join_schedules(pieces, [WARM, STEPS - COOL])
    matrices = partial(jax.tree.map, lambda x: x.ndim == 2)
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, b2=0.99, weight_decay=0.1, mask=matrices))


def _mean_loss(weights: Any, examples: Any) -> Any:
    return jnp.mean(jax.vmap(classifier.weighted, in_axes=(None, 0))(weights, examples))


@partial(jax.jit, static_argnames="steps")
def _trained(seed: Any, rho: Any, tokens: Any, labels: Any, steps: int) -> Any:
    """The weights of a seed under ρ after so many steps."""
    optimiser = _optimiser()

    def step(state: Any, number: Any) -> Any:
        weights, memory = state
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(1), seed), number)
        z = jax.random.randint(key, (BATCH,), 0, tokens.shape[0])
        slope = jax.grad(_mean_loss)(weights, (tokens[z], labels[z], rho[z]))
        change, memory = optimiser.update(slope, memory, weights)
        return (optax.apply_updates(weights, change), memory), None

    weights = initial(seed)
    return jax.lax.scan(step, (weights, optimiser.init(weights)), jnp.arange(steps))[0][0]


def fit(strings: parentheses.Strings, rho: np.ndarray, seeds: np.ndarray, steps: int = STEPS) -> classifier.Weights:
    """The networks of the seeds, stacked, trained under ρ, (N,) for all or (seeds, N) one each."""
    each = np.broadcast_to(np.asarray(rho, np.float32), (len(seeds), len(strings.labels)))
    arrays = jnp.asarray(strings.tokens), jnp.asarray(strings.labels, jnp.float32)
    found = [
        _trained(seed, jnp.asarray(row), *arrays, steps)
        for seed, row in zip(np.asarray(seeds, np.int32), each, strict=True)
    ]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *found)


@jax.jit
def _logits(weights: Any, tokens: Any) -> Any:
    return jax.vmap(classifier.logit, in_axes=(None, 0))(weights, tokens)


def logits(weights: classifier.Weights, tokens: np.ndarray) -> np.ndarray:
    """The logits of stacked networks, (networks, N)."""
    leaves, tree = jax.tree.flatten(weights)
    each = zip(*map(np.asarray, leaves), strict=True)
    return np.stack([_logits(jax.tree.unflatten(tree, one), tokens) for one in each])


def behaviour(weights: classifier.Weights, strings: parentheses.Strings) -> dict[str, np.ndarray]:
    """Of stacked networks: "train" (networks,) accuracy on the strings; "yes n" (networks, 4), the share of each kind of strings of
    length n that is called nested, for the training length and `OTHERS`; "margin" φ (networks,)."""
    found = {"train": _right(logits(weights, strings.tokens), strings.labels)}
    for length in (LENGTH, *OTHERS):
        tests = parentheses.testing(TEST, seed=TEST_SEED + length, length=length)
        out = logits(weights, tests.tokens).reshape(-1, len(parentheses.KINDS), TEST)
        found[f"yes {length}"] = (out > 0).mean(axis=2)
        if length == LENGTH:
            found["margin"] = out[:, parentheses.EQUAL].mean(axis=1)
    return found


def _right(out: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return ((out > 0) == (labels > 0.5)).mean(axis=1)


def train(
    strings: parentheses.Strings, rho: np.ndarray, seeds: np.ndarray, steps: int = STEPS
) -> dict[str, np.ndarray]:
    """`behaviour` of the seeds trained under ρ."""
    return behaviour(fit(strings, rho, seeds, steps), strings)


def sources(strings: parentheses.Strings, seeds: np.ndarray, steps: int = STEPS) -> dict[str, np.ndarray]:
    """Networks under weights 1, stacked: {"w/<name of a leaf>": array}, and their `behaviour`."""
    weights = fit(strings, np.ones(len(strings.labels)), seeds, steps)
    leaves = jax.tree_util.tree_leaves_with_path(weights)
    kept = {f"w/{jax.tree_util.keystr(p, simple=True, separator='.')}": np.asarray(x) for p, x in leaves}
    return kept | behaviour(weights, strings)


def network(found: Mapping[str, np.ndarray], number: int) -> classifier.Weights:
    """One network of `sources`."""
    weights: classifier.Weights = {}
    for name, leaf in found.items():
        if name.startswith("w/"):
            *rooms, last = name[2:].split(".")
            place = weights
            for room in rooms:
                place = place.setdefault(room, {})
            place[last] = leaf[number]
    return weights


__all__ = ["behaviour", "fit", "initial", "logits", "network", "sources", "train"]

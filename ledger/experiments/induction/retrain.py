"""Training from scratch under token weights, many paired seeds at once.

Idea. A seed decides the initial weights and the order of the batches and nothing else, so that seed k under two weightings differs
in the weighting alone: differences of times are paired. Each seed may have weights of its own (a shuffle for each seed). Training
stops when induction has formed, or at `most` steps: then the time is censored, and known only to be later. One network is trained
after another: its arrays stay in the cache, no threads wait for each other, and one program serves any number of them.

    loss      (1/TB) Σ ρ_z ℓ_z over a batch of B sequences drawn with replacement, ρ of mean 1 over the data
    time      first step at which the loss of second-copy tokens of *fresh* sequences is below ½ ln V, between evaluations by a line

Optimiser: AdamW (0.9, 0.99), decay 0.01 on matrices, gradient clipped at norm 1, 50 steps of warm-up, rate 3·10⁻³.

Functions: `train` (seeds × weights → times and curves), `source` (one seed → weights at checkpoints), `half_time`.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from sampler.data import induction
from sampler.networks import relative

VOCABULARY, WIDTH, LAYERS, HEADS, CONTEXT = 32, 32, 2, 2, 32
BATCH, EVERY, FRESH = 64, 20, 128
FRESH_SEED = 10**6
HALF = np.log(VOCABULARY) / 2


def initial(seed: jax.Array) -> relative.Weights:
    """The weights of a seed before training, in single precision."""
    key = jax.random.fold_in(jax.random.key(0), seed)
    return relative.init(
        key, vocabulary=VOCABULARY, context=CONTEXT, width=WIDTH, layers=LAYERS, heads=HEADS, dtype=jnp.float32
    )


def _optimiser() -> optax.GradientTransformation:
    def matrices(weights: Any) -> Any:
        return jax.tree_util.tree_map_with_path(
            lambda path, x: x.ndim == 2 and "distance" not in str(path[-1]), weights
        )

    rate = optax.linear_schedule(0.0, 3e-3, 50)
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, b2=0.99, weight_decay=0.01, mask=matrices))


def _mean_loss(weights: Any, tokens: Any, rho: Any) -> Any:
    return jnp.mean(jax.vmap(relative.weighted, in_axes=(None, 0))(weights, (tokens, rho)))


@partial(jax.jit, donate_argnums=0)
def _piece(state: Any, seed: Any, rho: Any, steps: Any, tokens: Any, fresh: Any) -> Any:
    """`EVERY` steps of a seed under ρ; then the mean loss of fresh tokens of each kind."""
    optimiser = _optimiser()

    def step(state: Any, number: Any) -> Any:
        weights, memory = state
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(1), seed), number)
        chosen = jax.random.randint(key, (BATCH,), 0, tokens.shape[0])
        slope = jax.grad(_mean_loss)(weights, tokens[chosen], rho[chosen])
        change, memory = optimiser.update(slope, memory, weights)
        return (optax.apply_updates(weights, change), memory), None

    state, _ = jax.lax.scan(step, state, steps)
    losses = jax.vmap(relative.token_losses, in_axes=(None, 0))(state[0], fresh[0])
    return state, jnp.einsum("nt,knt->k", losses, fresh[1])


def _fresh(count: int) -> tuple[jax.Array, jax.Array]:
    """Fresh sequences, and for each kind the indicator of its tokens over their number."""
    tokens, kinds = induction.sequences(count, seed=FRESH_SEED)
    shares = np.stack([(kinds == k) / (kinds == k).sum() for k in induction.KINDS]).astype(np.float32)
    return jnp.asarray(tokens), jnp.asarray(shares)


def _run(tokens: Any, rho: np.ndarray, seed: int, most: int, marks: tuple[int, ...] = ()) -> Any:
    """(curve (evaluations, kinds), weights at the marks) of one seed; with marks it goes on after induction has formed."""
    weights, fresh, curve, kept = initial(jnp.int32(seed)), _fresh(FRESH), [], []
    state, each = (weights, _optimiser().init(weights)), jnp.asarray(rho, jnp.float32)
    for begin in range(0, most, EVERY):
        state, losses = _piece(state, np.int32(seed), each, np.arange(begin, begin + EVERY), tokens, fresh)
        curve.append(np.asarray(losses))
        if begin + EVERY in marks:
            kept.append(jax.tree.map(np.array, state[0]))
        if not marks and curve[-1][induction.SECOND] < HALF:
            break
    return np.stack(curve), kept


def half_time(curve: np.ndarray) -> float:
    """The step at which a curve, one value after each `EVERY` steps, first falls below ½ ln V; infinite where it does not.

    The loss before the first step counts as ln V.
    """
    below = np.flatnonzero(curve < HALF)
    if not below.size:
        return np.inf
    i = int(below[0])
    before, after = (curve[i - 1] if i else 2 * HALF), curve[i]
    return EVERY * (i + float((before - HALF) / (before - after)))


def train(tokens: np.ndarray, rho: np.ndarray, seeds: np.ndarray, most: int) -> dict[str, np.ndarray]:
    """Train every seed from scratch under ρ, (n, T) for all or (seeds, n, T) one each.

    Returns times (seeds,) with ∞ where censored at `most`, curves (seeds, evaluations, kinds), the last value repeated where others
    went on, and at_half (seeds, kinds), the fresh losses at the evaluation after the time (the last one where censored).
    """
    each, data = np.broadcast_to(rho, (len(seeds), *np.shape(tokens[:, 1:]))), jnp.asarray(tokens)
    found = [_run(data, row, seed, most)[0] for row, seed in zip(each, seeds, strict=True)]
    longest = max(map(len, found))
    curves = np.stack([np.pad(curve, ((0, longest - len(curve)), (0, 0)), mode="edge") for curve in found])
    times = np.array([half_time(curve[:, induction.SECOND]) for curve in curves])
    last = np.where(
        np.isfinite(times), np.ceil(np.where(np.isfinite(times), times, 0) / EVERY) - 1, curves.shape[1] - 1
    )
    return {"times": times, "curves": curves, "at_half": curves[np.arange(len(times)), last.astype(int)]}


def source(tokens: np.ndarray, seed: int, marks: tuple[int, ...]) -> dict[str, np.ndarray]:
    """One seed under weights 1: {"<mark>/<name of a leaf>": array} at each mark, and its curve (evaluations, kinds)."""
    curve, kept = _run(jnp.asarray(tokens), np.ones(np.shape(tokens[:, 1:])), seed, max(marks), marks)
    found = {"curve": curve, "time": np.array(half_time(curve[:, induction.SECOND]))}
    for mark, weights in zip(sorted(marks), kept, strict=True):
        leaves = jax.tree_util.tree_leaves_with_path(weights)
        found |= {f"{mark}/{jax.tree_util.keystr(p, simple=True, separator='.')}": x for p, x in leaves}
    return found


def at(found: dict[str, np.ndarray], mark: int) -> relative.Weights:
    """The weights of `source` at a mark."""
    weights: relative.Weights = {}
    for name, leaf in found.items():
        mark_of, _, path = name.partition("/")
        if mark_of == str(mark):
            *rooms, last = path.split(".")
            place = weights
            for room in rooms:
                place = place.setdefault(room, {})
            place[last] = leaf
    return weights


def scores(weights: relative.Weights, count: int = 64) -> dict[str, np.ndarray]:
    """Prefix matching and previous-token attention of each head, (layers, heads), on [16 distinct tokens] twice.

    Prefix matching: from a token of the second copy, the attention to the token that followed its first occurrence.
    """
    rng = np.random.default_rng(FRESH_SEED)
    halves = np.stack([rng.permutation(VOCABULARY)[: CONTEXT // 2] for _ in range(count)])
    tokens = jnp.asarray(np.concatenate([halves, halves], axis=1))
    pattern = np.asarray(jax.jit(jax.vmap(relative.patterns, in_axes=(None, 0)))(weights, tokens)).mean(axis=0)
    second, every = np.arange(CONTEXT // 2, CONTEXT), np.arange(1, CONTEXT)
    return {
        "prefix": pattern[:, :, second, second - CONTEXT // 2 + 1].mean(axis=-1),
        "previous": pattern[:, :, every, every - 1].mean(axis=-1),
    }


__all__ = ["at", "half_time", "initial", "scores", "source", "train"]

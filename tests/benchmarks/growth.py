"""How the cost of sampling grows: with chains, draws, probes, weights and examples; beside blackjax, which does the same.

A tanh network 16–w–4 on random data by SGLD with minibatches, moments kept. Start-up and compilation are taken out: each number is
the second run of the same program.
"""

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import blackjax
import jax
import jax.numpy as jnp
import numpy as np

from sampler import chain
from sampler.kernels.sgld import sgld
from sampler.networks import mlp
from sampler.posterior import LocalPosterior
from tests.benchmarks.record import Row

N, BATCH, STEPS = 512, 32, 4000


def posterior(width: int = 32, batch: int = BATCH) -> LocalPosterior:
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(rng.normal(size=(N, 16)), jnp.float32), jnp.asarray(rng.integers(0, 4, N))
    weights = jax.tree.map(lambda a: a.astype(jnp.float32), mlp.init(jax.random.key(0), (16, width, 4)))
    return LocalPosterior(mlp.cross_entropy, (x, y), weights, 100.0, 10.0, batch_size=batch)


def sample(p: LocalPosterior, *, chains: int = 4, draws: int = 400, probes: int = 64) -> float:
    """Processor seconds of the second of two runs with five steps a draw."""

    def once() -> float:
        begin = time.process_time()
        observed: dict[str, Any] = (
            {"probes": tuple(part[:probes] for part in p.data), "keep": "moments"} if probes else {}
        )
        result = chain.run(
            0, sgld(1e-4), p, chains=chains, draws=draws, burn_in=0, every=5, evaluate="batch", **observed
        )
        jax.block_until_ready(result.mean("loss").mean)
        return time.process_time() - begin

    once()
    return once()


def ladder(what: str, unit: str, times: dict[int, float]) -> Iterator[Row]:
    for before, size in pairwise(times):
        yield Row(f"{what}, {before} {unit}", times[before], f"{size} {unit}", times[size])


def beside_blackjax() -> Row:
    """STEPS steps of SGLD from one point, no observables, in one compiled loop on both sides."""
    p = posterior()

    def gradient(w: Any, batch: Any) -> Any:
        def density(w: Any) -> jax.Array:
            apart = jax.tree.map(lambda a, b: jnp.sum((a - b) ** 2), w, p.centre)
            return -p.nbeta * jnp.mean(jax.vmap(p.loss, (None, 0))(w, batch)) - p.gamma / 2 * sum(
                jax.tree.leaves(apart)
            )

        return jax.grad(density)(w)

    kernel = blackjax.sgld(gradient)

    @jax.jit
    def loop(key: jax.Array) -> Any:
        def one(w: Any, key: jax.Array) -> tuple[Any, None]:
            chosen, noise = jax.random.split(key)
            i = jax.random.randint(chosen, (BATCH,), 0, N)
            return kernel.step(noise, w, jax.tree.map(lambda part: part[i], p.data), 1e-4), None

        return jax.lax.scan(one, p.centre, jax.random.split(key, STEPS))[0]

    def theirs() -> float:
        begin = time.process_time()
        jax.block_until_ready(loop(jax.random.key(0)))
        return time.process_time() - begin

    def ours() -> float:
        begin = time.process_time()
        result = chain.run(0, sgld(1e-4), p, chains=1, draws=1, burn_in=STEPS - 1, evaluate="batch")
        jax.block_until_ready(result.trace("loss"))
        return time.process_time() - begin

    theirs(), ours()
    return Row(
        f"{STEPS} steps of SGLD", min(ours() for _ in range(3)), "blackjax.sgld", min(theirs() for _ in range(3))
    )


def rows() -> Iterator[Row]:
    p = posterior()
    yield from ladder("SGLD", "chains", {k: sample(p, chains=k) for k in (1, 2, 4, 8, 16)})
    yield from ladder("SGLD", "draws", {k: sample(p, draws=k) for k in (200, 400, 800, 1600)})
    yield from ladder("SGLD", "probes", {k: sample(p, probes=k) for k in (32, 64, 128, 256)})
    yield from ladder("SGLD", "hidden units", {k: sample(posterior(k), probes=0) for k in (32, 64, 128, 256)})
    yield from ladder("SGLD", "examples a batch", {k: sample(posterior(batch=k), probes=0) for k in (16, 32, 64, 128)})
    yield beside_blackjax()

"""A step of a chain when only one attention head moves, beside a step of the whole chain.

An attention-only transformer of 0.8 million weights, batches of 16 × 64 tokens: one head of four in the lower and the upper layer,
with a mask (the chain carries everything) and restricted (`sampler.components.restrict`); the median of five runs each.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from sampler import chain, components
from sampler.kernels.sgld import sgld
from sampler.networks import attention
from sampler.posterior import LocalPosterior
from tests.benchmarks.record import Row

D_HEAD, STEPS = 64, 12


def step(posterior: LocalPosterior) -> float:
    """One step, from runs of STEPS and 3·STEPS steps with one draw: start-up and the draw's own cost cancel."""

    def run(steps: int) -> float:
        begin = time.process_time()
        result = chain.run(jax.random.key(0), sgld(1e-6), posterior, chains=1, draws=1, burn_in=steps)
        jax.block_until_ready(result.trace("loss"))
        return time.process_time() - begin

    run(1)
    return statistics.median((run(3 * STEPS) - run(STEPS)) / (2 * STEPS) for _ in range(5))


def rows() -> Iterator[Row]:
    key = jax.random.key(0)
    weights: Any = attention.init(key, vocabulary=512, context=64, width=256, layers=2, heads=4, dtype=jnp.float32)
    data = jax.random.randint(key, (64, 64), 0, 512)
    loss = attention.next_token(D_HEAD)
    whole = LocalPosterior(loss, data, weights, 10.0, 1.0, batch_size=16)
    full = step(whole)
    for layer, name in (("layer0", "lower"), ("layer1", "upper")):
        chosen = components.head(weights, layer, 1, d_head=D_HEAD)
        mask = components.mask(chosen, weights)
        masked = step(LocalPosterior(loss, data, weights, 10.0, 1.0, mask=mask, batch_size=16))
        yield Row("a step, the whole chain", full, f"one head, {name} layer, masked", masked)
        alone = step(components.restrict(whole, chosen).posterior)
        yield Row("a step, the whole chain", full, f"one head, {name} layer, restricted", alone)

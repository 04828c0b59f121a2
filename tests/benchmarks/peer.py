"""Against devinterp 2.0.1, in one run on one CPU: what a chain-step takes, a draw with observables, a matrix.

    python tests/benchmarks/peer.py --peer PYTHON [--repeat 3] [--wall]        (in the table: python -m tests.benchmarks peer)

Processor seconds on one thread on both sides; with `--wall`, wall seconds on all cores on both sides (for an idle machine).

PYTHON is an interpreter that has torch and devinterp 2.0.1 (another environment; `peer_devinterp.py` runs there). What a call costs
before its first step is taken out on both sides: times are slopes between a short and a long run, in turns, and the median counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

os.environ |= (
    {}
    if "--wall" in sys.argv
    else {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1", "OMP_NUM_THREADS": "1"}
)

import jax
import jax.numpy as jnp
import numpy as np

from sampler import chain, components
from sampler.kernels.sgld import sgld
from sampler.networks import attention
from sampler.posterior import LocalPosterior

sys.path.insert(0, str(Path(__file__).parents[2]))  # also as a script
from tests.benchmarks.record import Row, show

WALL = "--wall" in sys.argv
D_HEAD, LAYERS, HEADS, BATCH, CONTEXT = 64, 2, 4, 16, 64
RNG = np.random.default_rng(0)


def squared_error(w, example):
    x, y = example
    return jnp.sum((y - w["B"] @ (w["A"] @ x)) ** 2) / 2


def linear():
    """Deep linear 4-4-4 of true rank 2, 32 weights, n = 4096."""
    x = RNG.normal(size=(4096, 4)).astype(np.float32)
    eye = np.diag([1.0, 1, 0, 0]).astype(np.float32)
    return LocalPosterior(squared_error, (x, x @ eye), {"A": eye, "B": eye}, 492.0, 1.0, batch_size=256)


def transformer():
    weights = attention.init(
        jax.random.key(0), vocabulary=512, context=CONTEXT, width=256, layers=LAYERS, heads=HEADS, dtype=jnp.float32
    )
    data = jnp.asarray(RNG.integers(0, 512, (512, CONTEXT)))
    return LocalPosterior(attention.next_token(D_HEAD, at_once=BATCH), data, weights, 10.0, 1.0, batch_size=BATCH)


def token_losses(at_once):
    return partial(attention.token_losses, d_head=D_HEAD, at_once=at_once)


OBSERVED = token_losses(3 * BATCH)
ALONE = token_losses(1)


def seconds(work):
    clock = time.perf_counter if WALL else time.process_time
    began = clock()
    work()
    return clock() - began


def slope(work, short, long):
    """Seconds of one more draw."""
    return (seconds(partial(work, long)) - seconds(partial(work, short))) / (long - short)


def peer(python, case, short, long):
    def ask(draws):
        script = Path(__file__).with_name("peer_devinterp.py")
        out = subprocess.run(
            [python, script, case, str(draws), *["--wall"] * WALL], capture_output=True, text=True, check=True
        ).stdout
        return json.loads(out.splitlines()[-1])

    return (ask(long) - ask(short)) / (long - short)


def deep_linear(p, draws):
    chain.run(0, sgld(1e-4), p, chains=4, draws=draws, burn_in=0, evaluate="batch", every=500)


def bare_loop(p):
    """The loop that one would write by hand: gradient, localisation and noise, compiled once."""

    @partial(jax.jit, static_argnums=1)
    def run(key, steps):
        def step(w, key):
            chosen, noise = jax.random.split(key)
            batch = p.data[jax.random.randint(chosen, (BATCH,), 0, len(p.data))]
            g = jax.grad(lambda w: jnp.mean(jax.vmap(p.loss, (None, 0))(w, batch)))(w)
            leaves, tree = jax.tree.flatten(w)
            xi = tree.unflatten(
                [
                    jax.random.normal(k, x.shape)
                    for k, x in zip(jax.random.split(noise, len(leaves)), leaves, strict=True)
                ]
            )
            return jax.tree.map(lambda w, g, c, x: w - 5e-7 * (10.0 * g + w - c) + 1e-3 * x, w, g, p.centre, xi), None

        return jax.lax.scan(step, p.centre, jax.random.split(key, steps))[0]

    return lambda steps: jax.block_until_ready(run(jax.random.key(0), steps))


def plain(p, steps):
    chain.run(0, sgld(1e-6), p, chains=1, draws=1, burn_in=steps - 1, evaluate="batch", every=1)


def observed(p, probes, draws):
    """Three batches of token losses a draw, as the peer's default."""
    options = {"probes": probes, "probe_loss": OBSERVED, "evaluate": "batch", "keep": "moments", "every": 8}
    chain.run(0, sgld(1e-6), p, chains=1, draws=draws, burn_in=0, **options)


def matrix(p, probes):
    """The susceptibilities of 8 heads and of the whole to 1008 tokens; what is computed once is made here, and timed apart."""
    chains: list[Any] = [(p, token_losses(BATCH), probes)]
    alone = replace(p, loss=attention.next_token(D_HEAD))
    for layer in range(LAYERS):
        for head in range(HEADS):
            restricted = components.restrict(alone, components.head(p.centre, f"layer{layer}", head, d_head=D_HEAD))
            reading = restricted.reading(ALONE, probes)
            chains.append((restricted.posterior, reading.loss, reading.prepare(probes)))

    def sample(draws):
        for posterior, loss, examples in chains:
            options = {"probes": examples, "probe_loss": loss, "evaluate": "batch", "keep": "moments", "every": 8}
            run = chain.run(0, sgld(1e-6), posterior, chains=1, draws=draws, burn_in=0, **options)
            run.covariance("loss", "probes", centred=True).scale(-1.0)

    return sample


def rows(python, repeat=3):
    """Each case beside devinterp, and a step beside a bare loop."""
    p, lm = linear(), transformer()
    probes = jnp.asarray(RNG.integers(0, 512, (BATCH, CONTEXT)))
    three = jnp.asarray(RNG.integers(0, 512, (3 * BATCH, CONTEXT)))
    hand = bare_loop(lm)
    ours_matrix = matrix(lm, probes)
    cases = {
        "deep linear 4-4-4, 4 chains": (partial(deep_linear, p), 5_000, 50_000, "dln", 100, 500),
        "attention, three observable batches a draw": (partial(observed, lm, three), 8, 40, "attention", 5, 25),
        "attention, 8 heads + full × 1008 tokens": (ours_matrix, 8, 24, "matrix", 4, 12),
        "the same, beside its default of three training batches a draw": (ours_matrix, 8, 24, "matrix3", 4, 12),
    }
    for work, short, *_ in cases.values():
        work(short)
    for steps in (6, 26):
        hand(steps)
    plain(lm, 6)
    for name, (work, short, long, case, few, many) in cases.items():
        pairs = [(slope(work, short, long), peer(python, case, few, many)) for _ in range(repeat)]
        ours, theirs = (statistics.median(x) for x in zip(*pairs, strict=True))
        yield Row(name, ours, "devinterp", theirs)
    pairs = [(slope(partial(plain, lm), 6, 26), slope(hand, 6, 26)) for _ in range(2 * repeat + 1)]
    ours, theirs = sorted(pairs, key=lambda pair: pair[1] / pair[0])[repeat]
    yield Row("attention, a step", ours, "bare jitted loop", theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--wall", action="store_true", help="wall seconds on all cores")
    asked = parser.parse_args()
    show(rows(asked.peer, asked.repeat))


if __name__ == "__main__":
    main()

"""Run by `test_chain` in a process of its own, to be killed: a checkpointed run that prints a line a piece and a hash at the end.

python killed.py CHECKPOINT
"""

import hashlib
import sys

import jax
import jax.numpy as jnp
import numpy as np

from sampler import chain
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior


def loss(w, z):
    return jnp.sum((w - z) ** 2) / 2 + w[0] ** 4


def main(path):
    data = np.random.default_rng(0).normal(size=(20, 3))
    p = LocalPosterior(loss, data, np.zeros(3), 20.0, 1.0, batch_size=4)
    options = {"chains": 3, "draws": 60, "burn_in": 40, "checkpoint": path, "every": 10}
    run = chain.run(0, sgld(0.01), p, **options, progress=lambda done, draws: print(done, flush=True))
    parts = (run.loss, run.drift, run.square, np.asarray(run.position))
    print(hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest(), flush=True)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main(sys.argv[1])

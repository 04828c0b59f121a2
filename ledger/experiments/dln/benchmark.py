"""The estimate as it is used: minibatches of data, nβ = n/log n, chains that start at w* and have not settled.

The benchmark of local samplers (Hitchcock & Hoogland, arXiv 2507.21449) runs SGLD at the true parameter of deep linear networks of
growing size and compares λ̂ with Aoyagi's λ. Here beside it stands what separates the two: t⟨K⟩ at the same t and γ by the exact
sampler, where the network is small enough for it. Then

    λ̂ − λ = (λ̂ − t⟨K⟩) + (t⟨K⟩ − λ):    what the chain did, and what a finite temperature does.

The step is u/(nβ L c^{2−2/L} + γ), c the largest strength: u = ελ_max at the centre. Targets have no noise, so that the noise of
minibatches vanishes at w*. Function: `measure`.
"""

import time
from collections.abc import Sequence
from os import PathLike
from typing import Any

import jax.numpy as jnp
import numpy as np

from sampler import chain
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.networks import linear
from sampler.posterior import LocalPosterior


def measure(
    widths: Sequence[int], strengths: Sequence[float], *, n: int, batch: int, gamma: float, u: float, chains: int,
    burn_in: int, draws: int, seed: int, checkpoint: str | PathLike | None = None, progress: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """λ̂ of minibatch SGLD from the balanced centre: mean, sem, R-hat, and processor seconds (compilation included)."""
    rng, layers = np.random.default_rng(seed), len(widths) - 1
    x = rng.normal(size=(n, widths[0])).astype(np.float32)
    y = x @ linear.target(widths, strengths).T.astype(np.float32)
    centre = {name: jnp.asarray(w, jnp.float32) for name, w in linear.balanced(widths, strengths).items()}
    t = n / np.log(n)
    p = LocalPosterior(linear.squared_error, (x, y), centre, t, gamma, batch_size=min(batch, n))
    epsilon = u / (t * layers * max(strengths) ** (2 - 2 / layers) + gamma)
    began = time.process_time()
    options: dict[str, Any] = {
        "checkpoint": checkpoint,
        "progress": progress,
        "together": 1 if max(widths) > 64 else None,
    }
    run = chain.run(seed, sgld(epsilon), p, chains=chains, draws=draws, burn_in=burn_in, evaluate="batch", **options)
    found = llc(run)
    return {
        "mean": float(found.mean), "sem": float(found.sem), "rhat": float(found.rhat), "epsilon": epsilon, "t": t,
        "seconds": time.process_time() - began, "finite": float(run.finite.mean()),
    }  # fmt: skip

"""SGLD and blackjax's NUTS on deep linear networks of any widths with one compiled program for each depth.

Networks are padded to one width; the padding is clamped at 0 by the mask, so it changes no product, and d counts what moves. Steps
ε = u/Λ are those of a bound Λ ≥ λ_max(D²U) taken over draws of the exact sampler, tΣ_l σ_max(A_l)²σ_max(B_l)² + γ for the
Gauss–Newton part: away from the centre curvature is larger than at it, and SGLD with a step made for the centre leaves the finite
numbers sooner or later.

SGLD runs at u and 2u in one program; 2λ̂(u) − λ̂(2u) has lost the first order of the step (`theory.first_order`). Its chains start in
draws of the exact sampler at the same t: what is compared is the law. NUTS has no error of the step and starts at w*.

Functions: `sgld_pairs`, `nuts`.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sampler import chain
from sampler.diagnostics import Estimate
from sampler.kernels import nuts as reference
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.networks import linear
from sampler.posterior import LocalPosterior

STEP = 0.5
GAMMA = 10.0


def sgld_pairs(
    widths: Sequence[int], strengths: Sequence[float], temperatures: Sequence[float], starts: Sequence[np.ndarray], *,
    gamma: float, chains: int, draws: int, burn_in: int, pad: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """λ̂ at u and 2u for each t, (rungs, 2), its error, and the extrapolated pair; starts: layers (rungs, chains, out, in)."""
    p = posterior(widths, strengths, gamma, pad, np.float32)
    steps = np.array([STEP / bound(t, gamma, [w[i] for w in starts]) for i, t in enumerate(temperatures)])
    settings = {"nbeta": np.repeat(temperatures, 2).astype(float), "epsilon": np.outer(steps, (1, 2)).reshape(-1)}
    initial = {f"layer{i}": _padded(np.repeat(w[:, None, :chains], 2, 1), pad) for i, w in enumerate(starts)}
    initial = {name: w.reshape(-1, pad, pad).astype(np.float32) for name, w in initial.items()}
    plan = chain.Plan(chains, draws, burn_in, initial=initial)
    runs = chain.runs(seed, sgld(1e-4), p, settings, plan)
    found = [llc(run) for run in runs]
    mean, sem = (np.array([float(getattr(e, name)) for e in found]).reshape(-1, 2) for name in ("mean", "sem"))
    return {
        "mean": mean, "sem": sem, "epsilon": settings["epsilon"].reshape(-1, 2),
        "extrapolated": 2 * mean[:, 0] - mean[:, 1], "extrapolated_sem": np.hypot(2 * sem[:, 0], sem[:, 1]),
        "finite": np.array([run.finite.mean() for run in runs]).reshape(-1, 2),
        "virial": np.array([run.stationarity() for run in runs]).reshape(-1, 2),
    }  # fmt: skip


def nuts(
    widths: Sequence[int], strengths: Sequence[float], temperatures: Sequence[float], starts: Sequence[np.ndarray], *,
    gamma: float, chains: int, draws: int, burn_in: int, pad: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """λ̂ at each t by the no-U-turn sampler, from w*."""
    p = posterior(widths, strengths, gamma, pad, np.float64)
    steps = np.array([1 / bound(t, gamma, [w[i] for w in starts]) for i, t in enumerate(temperatures)])
    settings = {"nbeta": np.asarray(temperatures, float), "epsilon": steps}
    runs = chain.runs(seed, reference.nuts(1e-4), p, settings, chain.Plan(chains, draws, burn_in))
    found: list[Estimate] = [llc(run) for run in runs]
    return {name: np.array([float(getattr(e, name)) for e in found]) for name in ("mean", "sem", "rhat")}


def posterior(widths: Sequence[int], strengths: Sequence[float], gamma: float, pad: int, dtype: type) -> LocalPosterior:
    """exp(−tK − (γ/2)|w − w*|²) at the balanced centre, padded to squares; t is set by the runs."""
    centre = {name: jnp.asarray(_padded(w, pad), dtype) for name, w in linear.balanced(widths, strengths).items()}
    mask = {
        f"layer{i}": _padded(np.ones((above, below), bool), pad) for i, (below, above) in enumerate(pairwise(widths))
    }
    C = jnp.asarray(_padded(linear.target(widths, strengths), pad), dtype)[None]
    return LocalPosterior(linear.distance, C, centre, 1.0, gamma, jax.tree.map(jnp.asarray, mask))


def bound(t: float, gamma: float, layers: Sequence[np.ndarray]) -> float:
    """The largest tΣ_l σ_max(A_l)²σ_max(B_l)² + γ of some draws; layers (draws, out, in)."""
    sizes = []
    for each in range(len(layers)):
        above, below = (_product(part) for part in (layers[each + 1 :], layers[:each]))
        sizes.append(above**2 * below**2)
    return float(t * np.sum(sizes, axis=0).max() + gamma)


def _product(layers: Sequence[np.ndarray]) -> np.ndarray:
    """σ_max of the product of each draw; 1 for no layers."""
    if not layers:
        return np.ones(1)
    first, *rest = layers
    for layer in rest:
        first = layer @ first
    return np.linalg.norm(first, 2, axis=(-2, -1))


def _padded(x: np.ndarray, pad: int) -> np.ndarray:
    rows, columns = x.shape[-2:]
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, pad - rows), (0, pad - columns)])

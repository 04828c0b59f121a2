"""What the loss of a query does when data change weight along h, predicted at w*: first and second order, damped, and sampled.

Along h = s u, with b = (1/n) Σ u_i ∇ℓ_i and B = (1/n) Σ u_i ∇²ℓ_i at w*, T = D³L_0, a = ∇φ, A = ∇²φ, differentiate ∇L_h = 0:

    w′ = −H⁻¹ b,                w″ = −H⁻¹ (T[w′, w′] + 2Bw′)
    φ(w*(su)) = φ + s a·w′ + ½s² (a·w″ + w′ᵀAw′) + O(s³)

The first term is the influence function; with H + ρ for H it is damped. The next is of order s². What is left out is judged by the
contraction r = |w″|_H/(2|w′|_H) of the series of w, |x|_H² = xᵀHx: the stated error of the second order is
|a|_{H⁻¹} |w′|_H r²/(1 − r), as if the series were geometric, and there is no answer where r > ¼.

The Bayesian influence function is sampled in the coordinates y, w = w* + R⁻¹y with RᵀR = H + ρ, in which all curvatures are nearly
1: plain SGLD needs thousands of steps to cross the flattest directions of w, and tens in y. (ρ/2)|w − w*|² in the loss localises.

Functions: `series`, `influences`, `sampled`.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

from ledger.experiments.names.problem import Setting, problem, slopes, with_weights
from sampler import chain
from sampler.influence import influence
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior

BATCH = 100


def influences(*, setting: Sequence[Any], w: np.ndarray, H: np.ndarray, dampings: Sequence[float]) -> dict[str, Any]:
    """dφ_q/dh_i = −(1/n) a_q(H + ρ)⁻¹∇ℓ_i for every query and example, (dampings, queries, n), and the seconds of each.

    plain: −(1/n) a_q·∇ℓ_i, without a Hessian.
    """
    p = problem(Setting(*setting))
    at = jnp.asarray(w)
    a, b = (np.asarray(slopes(p.ell, p.unravel, at, part)) for part in (p.queries, p.data))
    found, seconds = [], []
    for damping in dampings:
        began = time.process_time()
        found.append(-cho_solve(cho_factor(H + damping * np.eye(len(H))), a.T).T @ b.T / p.setting.n)
        seconds.append(time.process_time() - began)
    return {"influence": np.array(found), "plain": -a @ b.T / p.setting.n, "seconds": np.array(seconds)}


def series(*, setting: Sequence[Any], w: np.ndarray, H: np.ndarray, h: np.ndarray) -> dict[str, Any]:
    """The terms of first and second order of φ_q(w*(h)) − φ_q(w*) for each row of h, (rows, queries), and the stated error."""
    p, began = problem(Setting(*setting)), time.process_time()
    factor, at = cho_factor(H), jnp.asarray(w)
    a, b = (np.asarray(slopes(p.ell, p.unravel, at, part)) for part in (p.queries, p.data))
    first = -cho_solve(factor, (h @ b).T / p.setting.n).T
    data = [(with_weights(p), with_weights(p, row)) for row in h]
    sources = np.array([_bent(p.weighted, p.unravel, at, d, v) for d, v in zip(data, first, strict=True)])
    second = -cho_solve(factor, sources.T).T
    curved = np.array([np.asarray(_curved(p.ell, p.unravel, at, p.queries, v)) for v in first])
    size = np.sqrt(np.einsum("ki,ki->k", first @ H, first))
    ratio = np.sqrt(np.einsum("ki,ki->k", second @ H, second)) / (2 * size)
    reach = np.sqrt(np.einsum("qi,iq->q", a, cho_solve(factor, a.T)))
    rest = size * ratio**2 / np.maximum(1 - ratio, 0.1)
    return {
        "first": first @ a.T, "second": (second @ a.T + curved) / 2, "error": rest[:, None] * reach,
        "ratio": ratio, "seconds": time.process_time() - began,
    }  # fmt: skip


@partial(jax.jit, static_argnums=(0, 1))
def _bent(weighted: Callable, unravel: Callable, w: Array, data: Any, v: Array) -> Float[Array, " d"]:
    """T[v, v] + 2Bv: the second derivative along v of ∇L_0, and twice the first of ∇L_h − ∇L_0."""

    def gradient(which: Any, w: Array) -> Array:
        return jax.grad(lambda w: jnp.mean(jax.vmap(weighted, in_axes=(None, 0))(unravel(w), which)))(w)

    def along(which: Any, s: Array) -> Array:
        return jax.jvp(lambda s: gradient(which, w + s * v), (s,), (jnp.ones_like(s),))[1]

    zero = jnp.zeros(())
    third = jax.jvp(partial(along, data[0]), (zero,), (jnp.ones_like(zero),))[1]
    return third + 2 * (along(data[1], zero) - along(data[0], zero))


@partial(jax.jit, static_argnums=(0, 1))
def _curved(ell: Callable, unravel: Callable, w: Array, queries: Any, v: Array) -> Float[Array, " queries"]:
    """vᵀ∇²φ_q v."""

    def one(query: Any) -> Array:
        def f(s: Array) -> Array:
            return ell(unravel(w + s * v), query)

        return jax.jvp(lambda s: jax.jvp(f, (s,), (1.0,))[1], (0.0,), (1.0,))[1]

    return jax.vmap(one)(queries)


def sampled(
    *, setting: Sequence[Any], w: np.ndarray, H: np.ndarray, t: float, rho: float, u: float, chains: int, draws: int,
    burn_in: int, thin: int, checkpoint: Any = None, progress: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """The Bayesian influence function: dφ_q/dh_i ≈ −(t/n) Cov(φ_q, ℓ_i) under minibatch SGLD at nβ = t, for every example.

    mean, sem, (queries, n), and what the chains say of themselves. u = εt, the step in units of the curvature in y.
    """
    p, began = problem(Setting(*setting)), time.process_time()
    inverse = jnp.asarray(solve_triangular(cholesky(H + rho * np.eye(len(H))), np.eye(len(H))), jnp.float32)
    centre = jnp.asarray(w, jnp.float32)

    def at(y: Array) -> Any:
        # Weights for each example share their rotation: it is one product for all of a batch.
        return p.unravel(centre + inverse @ y)

    def ell(y: Array, example: Any) -> Array:
        return p.ell(at(y), example)

    def local(y: Array, example: Any) -> Array:
        away = inverse @ y
        return ell(y, example) + p.setting.decay / 2 * jnp.sum((centre + away) ** 2) + rho / 2 * jnp.sum(away**2)

    def queries(y: Array) -> Array:
        return jax.vmap(ell, in_axes=(None, 0))(y, tuple(map(jnp.asarray, p.queries)))

    posterior = LocalPosterior(local, p.data, jnp.zeros(len(H), jnp.float32), t, 0.0, batch_size=BATCH)
    run = chain.run(
        0, sgld(u / t), posterior, chains=chains, draws=draws, burn_in=burn_in, thin=thin, evaluate="batch",
        observables={"queries": queries}, probes=p.data, probe_loss=ell, checkpoint=checkpoint, progress=progress,
    )  # fmt: skip
    found = influence(run, "queries", centred=False).scale(t / p.setting.n)
    return {
        "mean": found.mean, "sem": found.sem, "rhat": np.nanmax(run.mean("queries").rhat), "virial": run.stationarity(),
        "seconds": time.process_time() - began, "finite": run.finite.mean(),
    }  # fmt: skip

"""χ̂ of heads, embedding and unembedding for tokens in context, and the response to a mixed distribution, from chains.

    p(w) ∝ exp(−nβ L_A(w) − (γ/2)|w − w*|²),  w moving in C alone;    φ_C = L_P − L_P(w*),
    χ̂_z(φ_C) = −Cov(φ_C, ℓ_z − L_P),   z a token of P                                             (eq 31, Def 16)

A: rows of the posterior; P: the first `probes` of them. L is a mean over tokens. A mixed distribution (1 − h) q + h q′, q′ uniform
on a set S of tokens of P, adds h ℓ_s to L_A with s = |P| 1_S/|S| − 1, ℓ_s = (1/|P|) Σ_z s_z ℓ_z, so that to first order in h

    d⟨φ_C⟩/dh = −nβ Cov(φ_C, ℓ_s) = (nβ/|P|) Σ_z s_z χ_z.

On A it is the same as token weights ρ_z = 1 + h (|A|/|P|) s_z on P and 1 elsewhere (`mixed`), which chains of their own sample.

w* is no minimum of L_A: after a short training the gradient is not 0 and directions may curve down. γ holds the chain near w*, and
λ̂ = nβ⟨L_A − L_A(w*)⟩ is the free-energy slope of that ball, not a learning coefficient of a minimum; it may be negative.

A component moves by a mask, not by `components.restrict`: one program then serves all components, weightings and checkpoints.

Functions: `measure` (χ̂ chain by chain), `mixed` (⟨φ_C⟩ at ±h with the same noise), `predicted`.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from ledger.experiments.induction.measure import answers, components_of, token_losses
from sampler import chain, components, diagnostics
from sampler.kernels.sgld import sgld
from sampler.networks import relative
from sampler.posterior import LocalPosterior
from sampler.record import Run

NBETA, GAMMA, EPSILON = 500.0, 1000.0, 4e-4
BATCH, BURN_IN, THIN = 8, 40, 2
EVERY = 2  # draws in a piece of a run: one length for all of them is one program


def _tokens(weights: Any, example: Any) -> Any:
    return relative.token_losses(weights, example[0])


def _run(
    key: int, weights: relative.Weights, rows: np.ndarray, rho: np.ndarray, component: str, *, probes: int, draws: int
) -> Run:
    """One chain on a component under token weights ρ, with the losses of the tokens of the first `probes` rows at each draw."""
    data = jnp.asarray(rows), jnp.asarray(rho, jnp.float32)
    moving = components.mask(components_of(weights)[component], weights)
    posterior = LocalPosterior(relative.weighted, data, weights, NBETA, GAMMA, mask=moving, batch_size=BATCH)
    return chain.run(
        key, sgld(EPSILON), posterior, chains=1, draws=draws, burn_in=BURN_IN, thin=THIN,
        probes=(data[0][:probes], data[1][:probes]), probe_loss=_tokens, evaluate="batch", every=EVERY,
    )  # fmt: skip


def measure(
    weights: relative.Weights,
    rows: np.ndarray,
    component: str,
    *,
    probes: int,
    chains: int,
    draws: int,
    seed: int,
    directions: np.ndarray,
) -> dict[str, np.ndarray]:
    """chi (chains, N) token by token of the probes; phi (chains, draws); along (chains, draws, K): ℓ_s of each of `directions`
    (K, N); llc (chains,): nβ⟨L_A − L_A(w*)⟩; virial (chains,), z of the stationarity identity."""
    ones, centre = np.ones(rows[:, 1:].shape), token_losses(weights, rows[:probes])
    found: dict[str, list] = {name: [] for name in ("chi", "phi", "along", "llc", "virial")}
    for number in range(chains):
        run = _run(100_000 * seed + number, weights, rows, ones, component, probes=probes, draws=draws)
        losses = run.trace("probes")[0]
        phi, chi = answers(losses, centre)
        found["phi"].append(phi)
        found["chi"].append(chi.astype(np.float32))
        found["along"].append(losses @ directions.T / losses.shape[1])
        found["llc"].append(run.nbeta * run.trace("loss").mean())
        found["virial"].append(run.stationarity())
    return {name: np.array(values) for name, values in found.items()}


def groups(of: Mapping[str, np.ndarray]) -> np.ndarray:
    """χ of `measure`, stacked over components, as one matrix a chain: (chains, components, N) in double precision."""
    return of["chi"].swapaxes(0, 1).astype(float)


def mixed(
    weights: relative.Weights,
    rows: np.ndarray,
    component: str,
    *,
    probes: int,
    chains: int,
    draws: int,
    seed: int,
    direction: np.ndarray,
    h: float,
) -> dict[str, np.ndarray]:
    """direct (chains,): (⟨φ⟩_{+h} − ⟨φ⟩_{−h})/(2h nβ), each pair of chains driven by one noise, and its error (chains,) from the
    draws of the pair; Σ s χ/N is its first order (`predicted`)."""
    size, pairs = len(rows) / probes, []
    for number in range(chains):
        phi = []
        for sign in (1.0, -1.0):
            rho = np.ones(rows[:, 1:].shape)
            rho[:probes] += sign * h * size * direction.reshape(rho[:probes].shape)
            run = _run(100_000 * seed + number, weights, rows, rho, component, probes=probes, draws=draws)
            phi.append(run.trace("probes").mean(axis=2))
        pairs.append(diagnostics.mean((phi[0] - phi[1]) / (2 * h * NBETA)))
    return {"direct": np.array([each.mean for each in pairs]), "error": np.array([each.sem for each in pairs])}


def reweighted(phi: np.ndarray, along: np.ndarray, h: float) -> np.ndarray:
    """(⟨φ⟩_{+h} − ⟨φ⟩_{−h})/(2h nβ) by weights exp(∓nβ h ℓ_s) on the draws of each chain.

    phi (…, draws), along (…, draws, K) → (…, K).
    """
    away = NBETA * h * (along - along.mean(axis=-2, keepdims=True))

    def mean(sign: float) -> np.ndarray:
        w = np.exp(-sign * away)
        return np.sum(w * phi[..., None], axis=-2) / np.sum(w, axis=-2)

    return (mean(1.0) - mean(-1.0)) / (2 * h * NBETA)


def predicted(chi: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(1/N) Σ_z s_z χ_z for each direction: chi (…, N), directions (K, N) → (…, K)."""
    return chi @ directions.T / directions.shape[1]


__all__ = ["answers", "components_of", "groups", "measure", "mixed", "predicted", "reweighted", "token_losses"]

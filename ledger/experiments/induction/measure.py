"""χ̂ of heads, embedding and unembedding for every token, from restricted chains.

    p(v) ∝ exp(−nβ L_A(u*, v) − (γ/2)|v − v*|²),   v ∈ C,
    φ_C = L_P − L_P(w*),   χ̂_z(φ_C) = −Cov(φ_C, ℓ_z − L_P),   z a token of P                          (eq 31, Def 16)

A: the sequences of the posterior; P: those that are probed, A itself or held-out ones. L is the mean over *tokens*, so that loss
weights ρ on the tokens (mean 1) change ⟨φ_C⟩ to first order by −nβ Cov(φ_C, ℓ_s), ℓ_s = (1/N) Σ s_z ℓ_z, s = ρ − 1. Covariances are
about the means of a chain, one matrix a chain: independent chains tell signal from noise.

The chains move one component only, what lies before it is computed once for each sequence (`components.restrict`), in single
precision, and φ_C is read off the probes, so that a draw costs `THIN` gradients on 32 sequences and one partial forward pass.

Functions: `components_of`, `measure` (χ̂ chain by chain), `ladder` (⟨φ_C⟩ under other weights, same noise).
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sampler import chain, components
from sampler.components import Component
from sampler.kernels.sgld import sgld
from sampler.networks import relative
from sampler.posterior import LocalPosterior
from sampler.record import Run

NBETA, GAMMA, EPSILON = 500.0, 1000.0, 4e-4
BATCH, BURN_IN, THIN = 32, 100, 4


def components_of(weights: relative.Weights) -> dict[str, Component]:
    """The heads by layer and number, E and U: what χ̂ has rows for."""
    layers = sum(name.startswith("layer") for name in weights)
    heads = len(weights["layer0"]["distance"])
    d_head = weights["layer0"]["W_Q"].shape[1] // heads
    found = {
        f"l{i}h{h}": components.head(weights, f"layer{i}", h, d_head=d_head)
        for i in range(layers)
        for h in range(heads)
    }
    return found | {
        name: components.component(weights, leaf) for name, leaf in (("E", "embedding"), ("U", "unembedding"))
    }


def _tokens(weights: Any, example: Any) -> Any:
    return relative.token_losses(weights, example[0])


class _Sampler:
    """Chains on one component at a checkpoint: one compilation for all keys, probes and weights ρ of the posterior."""

    def __init__(self, weights: relative.Weights, tokens: np.ndarray, component: str):
        self.tokens = jnp.asarray(tokens)
        posterior = LocalPosterior(relative.weighted, _examples(tokens), weights, NBETA, GAMMA, batch_size=BATCH)
        self.restricted = components.restrict(posterior, components_of(weights)[component])
        self.reading = self.restricted.reading(_tokens, _examples(tokens))

    def run(self, key: int, draws: int, probes: Any, rho: np.ndarray | None = None) -> Run:
        """One chain with the losses of the probes' tokens at each draw; probes as `reading.prepare` leaves them."""
        posterior = self.restricted.posterior
        if rho is not None:
            posterior = posterior.moved(data=self.restricted.prepare((self.tokens, jnp.asarray(rho, jnp.float32))))
        return chain.run(
            key, sgld(EPSILON), posterior, chains=1, draws=draws, burn_in=BURN_IN, thin=THIN,
            probes=probes, probe_loss=self.reading.loss, evaluate="batch",
        )  # fmt: skip


def _examples(tokens: np.ndarray) -> tuple[Any, Any]:
    return jnp.asarray(tokens), jnp.ones(np.shape(tokens[:, 1:]), jnp.float32)


def answers(losses: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """φ (draws,) and χ̂ (N,) = −Cov(φ, ℓ_z − L) of one chain, from its token losses (draws, N) and those at w*."""
    L = losses.mean(axis=1)
    away = L - L.mean()
    # Σ_t away_t (ℓ_zt − L_t): the means of ℓ_z and L over the chain drop out, as away sums to 0.
    return L - float(np.mean(centre, dtype=np.float64)), -(away @ losses - away @ L) / len(L)


def measure(
    weights: relative.Weights,
    tokens: np.ndarray,
    component: str,
    *,
    probes: Mapping[str, np.ndarray],
    chains: Mapping[str, int],
    draws: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """χ̂ of a component for every token of each set of probes (name → sequences), from `chains[name]` chains of their own.

    "<name> chi" (chains, N), row by row of the probes; "<name> phi" (chains, draws); "<name> virial" (chains,), z of the identity.
    """
    sampler, found = _Sampler(weights, tokens, component), {}
    for place, (name, sequences) in enumerate(sorted(probes.items())):
        prepared, centre = sampler.reading.prepare(_examples(sequences)), token_losses(weights, sequences)
        phi, chi, virial = [], [], []
        for number in range(chains[name]):
            run = sampler.run(100_000 * seed + 1000 * place + number, draws, prepared)
            f, x = answers(run.trace("probes")[0], centre)
            phi.append(f)
            chi.append(x)
            virial.append(run.stationarity())
        found |= {
            f"{name} chi": np.array(chi, np.float32),
            f"{name} phi": np.array(phi),
            f"{name} virial": np.array(virial),
        }
    return found


def ladder(
    weights: relative.Weights,
    tokens: np.ndarray,
    component: str,
    *,
    rhos: np.ndarray,
    chains: int,
    draws: int,
    seed: int,
    observe: int,
) -> dict[str, np.ndarray]:
    """⟨φ_C⟩ under the posterior with token weights ρ, for each ρ of `rhos` (R, n, T) and for ρ = 1, with one noise for all.

    φ is read on the first `observe` sequences: phi (R + 1, chains, draws), that of ρ = 1 first; response (R, chains, draws): ℓ_s of
    the ρ = 1 chains, s = ρ − 1, over all sequences, from which the first-order response is −nβ Cov(φ, ℓ_s). The same keys drive all
    the chains, so that differences of φ have little noise.
    """
    sampler = _Sampler(weights, tokens, component)
    every = sampler.reading.prepare(_examples(tokens))
    some = sampler.reading.prepare(_examples(tokens[:observe]))
    centre, seen = float(np.mean(token_losses(weights, tokens[:observe]))), observe * rhos.shape[2]
    phi, response = np.empty((len(rhos) + 1, chains, draws)), np.empty((len(rhos), chains, draws))
    s = np.reshape(rhos, (len(rhos), -1)) - 1.0
    for number in range(chains):
        key = 100_000 * seed + number
        losses = sampler.run(key, draws, every, np.ones_like(rhos[0])).trace("probes")[0]
        phi[0, number] = losses[:, :seen].mean(axis=1) - centre
        response[:, number] = s @ losses.T / losses.shape[1]
        for k, rho in enumerate(rhos):
            phi[k + 1, number] = sampler.run(key, draws, some, rho).trace("probes")[0].mean(axis=1) - centre
    return {"phi": phi, "response": response}


@jax.jit
def _centre(weights: Any, tokens: Any) -> Any:
    return jax.vmap(relative.token_losses, in_axes=(None, 0))(weights, tokens)


def token_losses(weights: relative.Weights, tokens: np.ndarray) -> np.ndarray:
    """ℓ_z at the checkpoint for every token, (n, T)."""
    return np.asarray(_centre(weights, jnp.asarray(tokens)), np.float64)


__all__ = ["answers", "components_of", "ladder", "measure", "token_losses"]

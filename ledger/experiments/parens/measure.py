"""What a solution answers to: learning coefficients, and χ̂ of the behaviour φ for every training string.

    p(w) ∝ exp(−nβ L_n(w) − (γ/2)|w − w*|²),
    φ = mean logit on strings of equal count that are not nested: how much the network goes by the count
    χ̂_z = −Cov(φ, ℓ_z − L_n),  z a training string                                                     (eq 31)

Weights ρ of mean 1 on the strings change ⟨φ⟩ to first order by nβ Σ_z χ̂_z (ρ_z − 1)/n: weight on strings with χ̂_z > 0 raises φ.
No string with which φ is measured is a training string, and none has a label.

What decides whether a chain stays. The loss of a solution is nearly 0, and that of a wrong network about 1 nat. Leaving costs some
nβ = 482, but the d = 4577 directions gain by spreading: at small γ the network is expected to be lost at *equilibrium*, whatever
the step, and γ alone to keep it, |w − w*|² about d/γ. A chain may also stay because it has hardly moved yet; `attempt` tells what
each try did. ε is a share of that which `stepsize.suggest` takes from the curvature nβ λ_max + γ.

Functions: `suggested`, `attempt` (a try and its diagnosis), `answers` (χ̂ and λ̂).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ledger.experiments.parens import retrain
from sampler import chain, stepsize
from sampler.data import parentheses
from sampler.diagnosis import diagnose
from sampler.kernels.kernel import Kernel
from sampler.kernels.mala import mala
from sampler.kernels.preconditioned import preconditioned
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.networks import classifier
from sampler.posterior import LocalPosterior
from sampler.record import Run

NBETA, BATCH = 4000 / np.log(4000), 64
FEW = 500  # strings of the posterior of MALA, and of the curvature
EQUALS, EQUALS_SEED = 200, 5


def examples(strings: parentheses.Strings, count: int | None = None) -> tuple[Any, Any, Any]:
    """(tokens, labels, weights 1) as `classifier.weighted` reads them."""
    tokens, labels = strings.tokens[:count], strings.labels[:count]
    return jnp.asarray(tokens), jnp.asarray(labels, jnp.float32), jnp.ones(len(labels), jnp.float32)


def _equals() -> Any:
    tests = parentheses.testing(EQUALS, seed=EQUALS_SEED, length=retrain.LENGTH)
    return jnp.asarray(tests.tokens[tests.kinds == parentheses.EQUAL])


def margin(weights: classifier.Weights) -> Any:
    """φ(w)."""
    return jnp.mean(jax.vmap(classifier.logit, in_axes=(None, 0))(weights, _equals()))


def suggested(weights: classifier.Weights, strings: parentheses.Strings, gamma: float) -> dict[str, np.ndarray]:
    """ε of `stepsize.suggest` for a bias of 2% at most, the largest curvature of U and its residual, from `FEW` strings."""
    posterior = LocalPosterior(classifier.weighted, examples(strings, FEW), weights, NBETA, gamma)
    found = stepsize.suggest(posterior, bias=0.02, probes=2, iterations=15)
    return {
        "epsilon": np.array(found.epsilon),
        "largest": np.array(found.curvature.largest),
        "residual": np.array(found.curvature.residual),
    }


def _kernel(name: str, epsilon: float, weights: classifier.Weights) -> Kernel:
    """The kernel of a try. SGLD is the preconditioned kernel at D = 1, so that one program serves both."""
    if name == "mala":
        return mala(epsilon)

    def of(leaf: jax.Array) -> jax.Array:
        # Each leaf moves in proportion to the size of its entries.
        return jnp.full_like(leaf, 1.0 if name == "sgld" else jnp.mean(leaf * leaf) + 1e-2)

    return preconditioned(epsilon, jax.tree.map(of, jax.tree.map(jnp.asarray, weights)))


def attempt(
    weights: classifier.Weights,
    strings: parentheses.Strings,
    kernel: str,
    *,
    epsilon: float,
    gamma: float,
    draws: int,
    seed: int,
    chains: int = 2,
) -> dict[str, np.ndarray]:
    """One try: λ̂ and its error, ΔL at the end, virial z, R-hat, acceptance, and the diagnosis in words.

    MALA has a posterior of `FEW` strings at the same nβ; the others see minibatches of all. L is read on the first `FEW` strings.
    """
    few = kernel == "mala"
    data = examples(strings, FEW if few else None)
    posterior = LocalPosterior(classifier.weighted, data, weights, NBETA, gamma, batch_size=None if few else BATCH)
    run = chain.run(
        seed, _kernel(kernel, epsilon, weights), posterior, chains=chains, draws=draws, burn_in=2 * draws, thin=1 if few else 5,
        evaluate="all" if few else examples(strings, FEW),
    )  # fmt: skip
    return _told(run)


def _told(run: Run) -> dict[str, np.ndarray]:
    said, found = diagnose(run), llc(run)
    loss = run.trace("loss")
    return {
        "llc": np.array(float(found.mean)),
        "sem": np.array(float(found.sem)),
        "last": loss[:, -len(loss[0]) // 5 :].mean(axis=1),
        "virial": np.array(run.stationarity()),
        "rhat": np.array(float(found.rhat)),
        "accepted": np.array(float(run.mean("accepted").mean)),
        "severity": np.array(said.severity),
        "words": np.array(
            "; ".join(f"{f.check} {f.severity}" for f in said.findings if f.severity != "fine") or "fine"
        ),
    }


def answers(
    weights: classifier.Weights,
    strings: parentheses.Strings,
    *,
    epsilon: float,
    gamma: float,
    chains: int,
    draws: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """χ̂ of φ for every string, chain by chain: chi (chains, N), phi (chains, draws), and what `attempt` tells of the run."""
    data = examples(strings)
    posterior = LocalPosterior(classifier.weighted, data, weights, NBETA, gamma, batch_size=BATCH)
    run = chain.run(
        seed, sgld(epsilon), posterior, chains=chains, draws=draws, burn_in=100, thin=4, evaluate="batch",
        observables={"phi": margin}, probes=data,
    )  # fmt: skip
    losses, phi = run.trace("probes"), run.trace("phi")
    chi = np.stack([covariances(f, x) for f, x in zip(phi, losses, strict=True)])
    return {"chi": chi.astype(np.float32), "phi": phi} | _told(run)


def covariances(phi: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """χ̂_z = −Cov(φ, ℓ_z − L), of one chain: φ (draws,), ℓ (draws, N) → (N,)."""
    away = phi - phi.mean()
    # Σ_t away_t (ℓ_zt − L_t): the means over the chain drop out, as away sums to 0.
    return -(away @ (losses - losses.mean(axis=1, keepdims=True))) / len(phi)


__all__ = ["answers", "attempt", "covariances", "examples", "margin", "suggested"]

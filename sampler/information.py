"""Information criteria and the birational invariants behind them: WBIC, WAIC, λ from two temperatures, the singular fluctuation ν.

Notation. ℓ_i(w) = −log p(z_i|w), i = 1 … n; ⟨·⟩ at inverse temperature β = (nβ)/n, posterior ∝ exp(−β Σ ℓ_i) φ(w), where φ here is
flat but for the localisation exp(−γ|w − w*|²/2).

    WBIC = ⟨n L_n⟩ at β = 1/log n              F_n = −log ∫ exp(−nL_n)φ dw up to O_p(√log n)      (§4.2.3; Watanabe 2013, Th. 4)
    λ̂ = (⟨nL_n⟩_β₁ − ⟨nL_n⟩_β₂)/(1/β₁ − 1/β₂)  the RLCT, without knowing w*                        (Watanabe 2013, Cor. 3)
    T_n = −(1/n) Σ log⟨exp(−ℓ_i)⟩              Bayes training loss
    V_n = Σ (⟨ℓ_i²⟩ − ⟨ℓ_i⟩²)                  functional variance
    WAIC = T_n + (β/n) V_n                     E[generalisation loss] up to o(1/n)                 (Watanabe 2010, Th. 1)
    ν = lim (β/2) E[V_n]                       singular fluctuation; d/2 where regular and realisable

With them E[generalisation] = L(w*) + [(λ − ν)/β + ν]/n and E[training] = L(w*) + [(λ − ν)/β − ν]/n. For T_n, V_n and WAIC the
probes of the run are the data (`probes=posterior.data`), or a sample of them; the error of having a sample is not in the error
bar.

Errors: of the mean of the influence function of each statistic, a series over the draws (for T_n: −(1/n) Σ e^{−ℓ_i}/⟨e^{−ℓ_i}⟩).
The importance weights e^{−ℓ_i} of an example that the posterior fits badly have heavy tails; `WAIC.message` says where they have.

Sources: Watanabe, JMLR 11 (2010) 3571; JMLR 14 (2013) 867. Reading order: `wbic`, `rlct_from_two`, `waic`.
"""

from dataclasses import dataclass

import numpy as np

from sampler import diagnostics
from sampler.diagnostics import Estimate
from sampler.record import Run
from theory.errors import BadInput

HEAVY = 0.4  # V_i from which on e^{−ℓ_i} has tails that matter: the rule of Vehtari, Gelman and Gabry 2017 for WAIC


def wbic(run: Run, n: int) -> Estimate:
    """⟨n L_n⟩ at β = 1/log n, in nats, from a run at nβ = n/log n; n is the number of examples.

    Raises `BadInput` for a run at another temperature.
    """
    wanted = n / np.log(n) if n > 1 else np.nan
    if not abs(run.nbeta / wanted - 1) < 1e-4:
        raise BadInput(f"wbic: n = {n} needs a run at nβ = n/log n = {wanted:.6g}; this one is at {run.nbeta:.6g}.")
    found = run.mean("loss").scale(n)
    return Estimate(found.mean + n * run.centre_loss, found.sem, found.ess, found.rhat)


def rlct_from_two(one: Run, two: Run) -> Estimate:
    """λ̂ = (⟨L_n⟩₁ − ⟨L_n⟩₂)/(1/t₁ − 1/t₂), t = nβ, from runs of one posterior at two temperatures, chosen near n/log n.

    Needs no L_n(w*): right also where the centre is not the minimum. The runs must be independent (other keys); their errors are
    added in quadrature. Raises `BadInput` for equal temperatures.
    """
    gap = 1 / one.nbeta - 1 / two.nbeta
    if abs(gap) * max(one.nbeta, two.nbeta) < 1e-6:
        raise BadInput(f"rlct_from_two needs two temperatures; both runs are at nβ = {one.nbeta:g}.")
    a, b = one.mean("loss"), two.mean("loss")
    change = a.mean + one.centre_loss - b.mean - two.centre_loss
    ess = np.minimum(a.ess, b.ess)
    return Estimate(change / gap, np.hypot(a.sem, b.sem) / abs(gap), ess, np.fmax(a.rhat, b.rhat))


@dataclass(frozen=True)
class WAIC:
    """WAIC and its parts, each an `Estimate`, losses per example in nats; beta: β; message: what to know, empty when all is well.

    by_example (P,): V_i, the variance of each loss over the posterior.
    """

    waic: Estimate
    training: Estimate
    functional_variance: Estimate
    singular_fluctuation: Estimate
    by_example: np.ndarray
    beta: float
    message: str = ""


def waic(run: Run, n: int) -> WAIC:
    """WAIC = T_n + (β/n) V_n from a run whose probes are the n examples of its data, or P of them (V_n is then scaled by n/P).

    Raises `BadInput` for a run without probes or with more than n.
    """
    if run.probes is None or run.probes.shape[-1] > n:
        found = "none" if run.probes is None else run.probes.shape[-1]
        raise BadInput(f"waic: the probes must be the {n} examples of the data, or some of them; the run has {found}.")
    losses = run.trace("probes")
    beta, count = run.nbeta / n, losses.shape[-1]
    centred = losses - losses.mean(axis=(0, 1))
    square = centred**2
    variance = square.mean(axis=(0, 1))
    least = losses.min(axis=(0, 1))
    weights = np.exp(least - losses)
    evidence = weights.mean(axis=(0, 1))
    training = float(np.mean(least - np.log(evidence)))
    # Influence functions: series of the draws whose means move as the statistics do.
    of_training = training - np.mean(weights / evidence - 1, axis=-1)
    of_variance = n * square.mean(axis=-1)
    V = diagnostics.mean(of_variance)
    heavy = int(np.sum(variance > HEAVY))
    message = ""
    if heavy:
        message = (
            f"{heavy} of {count} examples have losses of variance above {HEAVY} over the posterior: ⟨exp(−ℓ)⟩ of these rests on "
            "few draws and WAIC is not to be trusted for them; cross-validate with those examples left out."
        )
    return WAIC(
        diagnostics.mean(of_training + beta / n * of_variance),
        diagnostics.mean(of_training),
        V,
        V.scale(beta / 2),
        variance,
        beta,
        message,
    )


__all__ = ["WAIC", "rlct_from_two", "waic", "wbic"]

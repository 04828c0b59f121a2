"""Per-sample susceptibilities: how an observable answers when one example gains weight.

    χ̂_z(φ) = −Cov(φ, ℓ_z − L_n)                                             (eq 31; Def 12)

Sign and scale: χ = (1/nβ) d⟨φ⟩/dh = −Cov, without a factor nβ. With φ = L_n − L_n(w*) on a chain restricted to a
component C (a mask), the braces of eq 34 are estimated, the factor Z_C/Z left out. Two estimators:

* same-chain (`susceptibility`): both factors from the restricted chain, −Cov_C(g, ℓ_z − L_n);
* mixed (`mixed`): −{⟨g (ℓ_z − L_n)⟩_C − ⟨g⟩_C ⟨ℓ_z − L_n⟩_full}, the second mean from an unrestricted chain (§6.4).

They have different targets; both carry error bars.

Reading order: `susceptibility`, `influence_matrix`, `mixed`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sampler import diagnostics, influence
from sampler.diagnostics import Estimate
from sampler.record import Run
from theory.errors import BadInput


def susceptibility(
    run: Run, observable: str = "loss", *, centred: bool = True, names: Sequence[str] | None = None
) -> Estimate:
    """χ̂_z(φ) = −Cov(φ, ℓ_z − L_n) for each probe z (eq 31): an estimate of shape (*φ, P), units of φ times loss.

    observable  the name of a recorded observable, or "loss" for φ = L_n − L_n(w*)
    centred     False leaves L_n out: −Cov(φ, ℓ_z), the response to adding z without taking from the rest (eq 32)
    names       labels of the probes, by default their numbers

    A run that kept moments will do. Raises `BadInput` when the run has no probes or no such observable.
    """
    influence.require_probes(run)
    chi = run.covariance(observable, "probes", centred=centred).scale(-1.0)
    extra = tuple(f"{observable}_{i}" for i in range(chi.mean.ndim - 1))
    return _label(chi, (*extra, "probe"), names)


def influence_matrix(run: Run, *, names: Sequence[str] | None = None) -> Estimate:
    """I_xz = −Cov(ℓ_x − L_n, ℓ_z − L_n) for all pairs of probes (Def 13): shape (P, P); more of the kind in `influence`."""
    return influence.influence(run, names=names)


def mixed(restricted: Run, full: Run, *, names: Sequence[str] | None = None) -> Estimate:
    """−{⟨g(ℓ_z − L_n)⟩_C − ⟨g⟩_C ⟨ℓ_z − L_n⟩_full}, g = L_n − L_n(w*) (eq 34): shape (P,).

    The errors of the two chains, which must be independent, are added in quadrature; `ess` is that of the first.
    Raises `BadInput` when the runs have different probes.
    """
    runs = (restricted, full)
    for run in runs:
        influence.require_probes(run)
    base = _probe_means(full)
    if base.mean.shape != _probe_means(restricted).mean.shape:
        raise BadInput(
            f"susceptibility.mixed: the runs have {_count(restricted)} and {_count(full)} probes; use the same."
        )
    braces, g = _braces(restricted, base.mean), restricted.mean("loss")
    sem = np.hypot(braces.sem, g.mean * base.sem)
    rhat = np.fmax(braces.rhat, base.rhat)
    return _label(Estimate(-braces.mean, sem, braces.ess, rhat), ("probe",), names)


def _probe_means(run: Run) -> Estimate:
    """⟨ℓ_z − L_n⟩ up to the constant L_n(w*), which the runs share: shape (P,)."""
    if run.moments is None:
        return diagnostics.mean(run.trace("probes") - run.trace("loss")[..., None])
    probes, loss = run.mean("probes"), run.mean("loss")
    # The errors of the two are added: their correlation is not kept.
    return replace(probes, mean=probes.mean - loss.mean, sem=probes.sem + loss.sem)


def _braces(run: Run, base: np.ndarray) -> Estimate:
    """⟨g (ℓ_z − L_n − base_z)⟩, g = L_n − L_n(w*)."""
    if run.moments is None or run.layout is None:
        g = run.trace("loss")[..., None]
        return diagnostics.mean(g * (run.trace("probes") - g - base))
    where, _ = run.layout.of("probes")
    return run.moments.mean_of_products(run.finite, 0, where, base, less=0)


def _count(run: Run) -> int:
    return run.mean("probes").mean.size


def _label(chi: Estimate, dims: tuple[str, ...], names: Sequence[str] | None) -> Estimate:
    names = tuple(names) if names is not None else tuple(str(i) for i in range(chi.mean.shape[-1]))
    if len(names) != chi.mean.shape[-1]:
        raise BadInput(f"susceptibility: {len(names)} names for {chi.mean.shape[-1]} probes.")
    return replace(chi, dims=dims, labels={d: names for d in dims if d in ("probe", "query")})

"""The local learning coefficient, nβ⟨L − L(w*)⟩ (§3.5, eq 23).

    λ̂ = nβ (⟨L_n⟩ − L_n(w*))

over kept draws only. At a regular minimum it tends to d/2, at a singular one to the RLCT; at finite γ and ε the value
of the SGLD chain itself is ½ tr(H S) to leading order, with P = H + (γ/nβ) I and S = [P(I − εnβP/4)]⁻¹ (see
`quadratic`). Compare it with that.

Three ways to the same number, which differ in variance and in what they assume:

    control       subtracts                                       mean 0 because            on
    None          nothing                                         –                         any run
    "virial"      c·Z, Z = (w−w*)·ĝ − square − d                  the chain is stationary   any run that has settled
    "martingale"  c·M, noise times Newton step (see `martingale`) the noise is independent  runs of `martingale.run`, settled or not

"virial" takes nearly all of the variance at a regular minimum (hundreds of times) and little at a singular one, where the
chain drifts along the zero set, Z has another mean and the estimate another bias: ask `Run.stationarity` first. c is fitted
on the other chains than the one that it is applied to (on the other half of a single chain), so that no draw helps to choose its
own correction. For "martingale" the theory of a quadratic says c = 1, and c is held between 0 and 1: where curvature changes too
fast for a Newton step to mean anything, it falls to 0 and does no harm. The error there is that of the means of blocks of draws, or
the scatter of the chains where that is larger: chains that drift have modes that no single one resolves.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from sampler import diagnostics, martingale
from sampler.diagnostics import Estimate
from sampler.record import Run
from theory.errors import BadInput

CONTROLS = (None, "virial", "martingale")


def llc(run: Run, *, control: str | bool | None = None) -> Estimate:
    """λ̂ = nβ(⟨L_n⟩ − L_n(w*)) with its standard error (dimensionless).

    control: None, "virial" (or True) or "martingale", as above. Without control a run that kept moments will do. Raises `BadInput`
    for another control, and where the run lacks what it needs.
    """
    control = {True: "virial", False: None}.get(control, control) if isinstance(control, bool) else control
    if control not in CONTROLS:
        raise BadInput(f"llc: control is None, 'virial' or 'martingale'; it is {control!r}.")
    if control is None:
        return run.mean("loss").scale(run.nbeta)
    if control == "virial":
        return diagnostics.mean(cross_fitted(run.nbeta * run.trace("loss"), run.virial[..., None]))
    energy, controls = martingale.blocks(run)
    return _with_scatter(cross_fitted(energy, controls[..., :1], factor=(0.0, 1.0)))


def _with_scatter(series: Float[np.ndarray, "chains blocks"]) -> Estimate:
    """The mean with the larger of two errors: that of the blocks and that of the chain means, which needs no stationarity."""
    found, chains = diagnostics.mean(series), len(series)
    if chains < 2:
        return found
    sem = np.maximum(found.sem, series.mean(axis=1).std(ddof=1) / chains**0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        return replace(found, sem=sem, ess=found.ess * (found.sem / sem) ** 2)


def cross_fitted(
    series: Float[np.ndarray, "chains draws"],
    fields: Float[np.ndarray, "chains draws k"],
    *,
    factor: tuple[float, float] = (-np.inf, np.inf),
) -> Float[np.ndarray, "chains draws"]:
    """s − c·Z, c for each chain by least squares of s on Z and a constant over the other chains, or a single chain's other half.

    factor: c is held between these two. With E Z = 0 and independent chains E(c·Z) = 0: no bias from the fit. The halves of one
    chain are independent only up to its correlation time. Raises `BadInput` for shapes that do not match.
    """
    if fields.shape[:2] != series.shape:
        raise BadInput(f"llc: the series has shape {series.shape} and its fields {fields.shape}; take one run.")
    if len(series) == 1:
        half = series.shape[1] // 2
        cut = [slice(0, half), slice(half, None)]
        parts = [(series[:, own], fields[:, own]) for own in cut]
        found = [s - z @ _slope(_gram(s_, z_), factor) for (s, z), (s_, z_) in zip(parts, parts[::-1], strict=True)]
        return np.concatenate(found, axis=1)
    grams = [_gram(s[None], z[None]) for s, z in zip(series, fields, strict=True)]
    whole = [np.sum(parts, axis=0) for parts in zip(*grams, strict=True)]
    fits = [_slope((whole[0] - own[0], whole[1] - own[1]), factor) for own in grams]
    return np.stack([s - z @ c for s, z, c in zip(series, fields, fits, strict=True)])


def _gram(s: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Σ aaᵀ and Σ a s of a = (1, Z)."""
    a = np.concatenate([np.ones((*s.shape, 1)), z], axis=-1).reshape(s.size, -1)
    return a.T @ a, a.T @ s.reshape(-1)


def _slope(sums: tuple[np.ndarray, np.ndarray], factor: tuple[float, float]) -> np.ndarray:
    """c of the fit c_0 + c·Z, between the two factors; 0 along fields that do not vary."""
    gram, right = sums
    centred = gram[1:, 1:] - np.outer(gram[1:, 0], gram[1:, 0]) / gram[0, 0]
    size = np.sqrt(np.maximum(np.diag(centred), 0.0))
    size = np.where(size > 0, size, 1.0)
    c, *_ = np.linalg.lstsq(
        centred / np.outer(size, size), (right[1:] - gram[1:, 0] * right[0] / gram[0, 0]) / size, rcond=1e-12
    )
    return np.clip(c / size, *factor)

"""Influence of examples on each other and on observables: covariances, correlations, third cumulants of losses.

    I_xz = −Cov(ℓ_x − L_n, ℓ_z − L_n)          influence matrix (Def 13): how the loss of x answers when z gains weight
    BIF(z, φ) = −Cov(ℓ_z, φ)                   Bayesian influence function, not centred on L_n (eq 32, without 1/(nβ))
    K(x, z) = +Cov(f_x, f_z), f_z = ℓ_z − ℓ_z(w*)   loss kernel (Def 31); the constants ℓ_z(w*) drop out
    κ₃(φ, ℓ_x, ℓ_z)                            (1/nβ)² d²⟨φ⟩/dh_x dh_z: the response to two examples at once

Signs. Where z gains weight, ℓ_z falls, and with it what is like z: influences are *minus* covariances here, so that I_zz ≤ 0.
Another implementation (devinterp's `bif`) returns +Cov or +Corr of losses that are not centred: it is
−influence(run, kind=…, centred=False). Centred means that weight given to z is taken from all data; without that, a shift that all
losses share, which no reweighting of data of fixed total weight can cause, makes every pair look related.

Errors. Covariances and cumulants: the error of the mean of the influence function of the statistic (see `diagnostics`).
Correlations: the delta method; r̂ = Ĉ/(σ_x σ_y) moves as the mean of xy − r(x² + y²)/2 of the standardised series, whose error it
gets. A series that does not vary has no correlation (NaN).

Reading order: `influence`, `loss_kernel`, `response_of_second_order`, `correlation`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from sampler import diagnostics
from sampler.diagnostics import BLOCK, Estimate
from sampler.record import Run
from theory.errors import BadInput

Kind = Literal["covariance", "correlation"]
KINDS = ("covariance", "correlation")


def influence(
    run: Run,
    query: str = "probes",
    *,
    kind: Kind = "covariance",
    centred: bool = True,
    names: Sequence[str] | None = None,
) -> Estimate:
    """−Cov(q, ℓ_z − L_n), or −Corr, for each probe z; q the losses of the probes (Def 13, shape (P, P)) or an observable, (*φ, P).

    query    "probes", "loss" (φ = L_n − L_n(w*)) or the name of an observable
    centred  subtract L_n from the losses of probes, queries included; False leaves it in (BIF, eq 32)
    names    labels of the probes, by default their numbers

    Units: of q times loss; none for kind="correlation". A run that kept moments answers for covariances of what it kept the
    products of. Raises `BadInput` for another kind, without probes, and for a wrong number of names.
    """
    if kind not in KINDS:
        raise BadInput(f"influence: kind is one of {', '.join(KINDS)}; it is {kind!r}.")
    require_probes(run)
    both = centred and query == "probes"
    if kind == "covariance":
        found = run.covariance(query, "probes", centred=centred, both=both)
    else:
        found = correlation(_series(run, query, centred=both), _series(run, "probes", centred=centred))
    return _labelled(found.scale(-1.0), query, names)


def loss_kernel(run: Run, *, kind: Kind = "covariance", names: Sequence[str] | None = None) -> Estimate:
    """K(x, z) = Cov(f_x, f_z), f_z = ℓ_z − ℓ_z(w*), of all pairs of probes (Def 31), or the correlation kernel: shape (P, P)."""
    return influence(run, kind=kind, centred=False, names=names).scale(-1.0)


def response_of_second_order(
    run: Run, observable: str = "loss", *, centred: bool = True, names: Sequence[str] | None = None
) -> Estimate:
    """κ₃(φ, ℓ_x, ℓ_z) = (1/nβ)² ∂²⟨φ⟩/∂h_x∂h_z at h = 0 for all pairs of probes, shape (*φ, P, P); centred: ℓ − L_n for ℓ.

    Sign +: two fields, two minus signs. Centred: the second derivative along L_n + h_x(ℓ_x − L_n) + h_z(ℓ_z − L_n).
    """
    require_probes(run)
    y = _series(run, "probes", centred=centred)
    return _labelled(diagnostics.third_cumulant(run.trace(observable), y, y), "pairs", names, observable)


def require_probes(run: Run) -> None:
    """Raises `BadInput` for a run without losses of probes."""
    if run.probes is None and run.moments is None:
        raise BadInput("this run recorded no probes; give chain.run `probes`, a pytree of examples.")


def correlation(x: Float[np.ndarray, "chains draws *A"], y: Float[np.ndarray, "chains draws *B"]) -> Estimate:
    """Corr(x, y) of traces, centred on the pooled means, shape (*A, *B), with delta-method errors; a block of columns at a time."""
    flat, rest = [], ()
    for trace in (x, y):
        trace = np.asarray(trace, np.float64)
        if trace.ndim < 2 or trace.shape[:2] != np.shape(x)[:2]:
            raise BadInput("influence: traces have the shape (chains, draws, …), with the same chains and draws.")
        values = trace.reshape(*trace.shape[:2], -1)
        values = values - values.mean(axis=(0, 1))
        rounding = 1e-14 * np.abs(trace).max(initial=0.0)
        spread = values.std(axis=(0, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            flat.append(values / np.where(spread > rounding, spread, np.nan))
        rest += trace.shape[2:]
    a, b = flat
    width = max(1, BLOCK // (a.shape[0] * a.shape[1] * b.shape[2]))
    blocks = [_correlation(a[..., i : i + width], b) for i in range(0, a.shape[2], width)]
    r, sem, ess, rhat = (np.concatenate(part).reshape(rest) for part in zip(*blocks, strict=True))
    return Estimate(r, sem, ess, rhat)


def _correlation(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    """r, sem, ess, R-hat of standardised columns, all pairs in order."""
    product = a[..., :, None] * b[..., None, :]
    r = product.mean(axis=(0, 1))
    series = product - r * (a[..., :, None] ** 2 + b[..., None, :] ** 2) / 2
    alive = np.isfinite(r).reshape(-1)
    found = diagnostics.mean(np.where(alive, series.reshape(*series.shape[:2], -1), 0.0))
    return (r.reshape(-1), *(np.where(alive, x, np.nan) for x in (found.sem, found.ess, found.rhat)))


def _series(run: Run, name: str, *, centred: bool) -> np.ndarray:
    trace = run.trace(name)
    return trace - run.kept(run.loss)[..., None] if centred else trace


def _labelled(found: Estimate, query: str, names: Sequence[str] | None, observable: str = "") -> Estimate:
    count = found.mean.shape[-1]
    names = tuple(names) if names is not None else tuple(map(str, range(count)))
    if len(names) != count:
        raise BadInput(f"influence: {len(names)} names for {count} probes.")
    pairs = query in ("probes", "pairs")
    head = observable or query
    extra = tuple(f"{head}_{i}" for i in range(found.mean.ndim - (2 if pairs else 1)))
    dims = (*extra, *(("query", "probe") if pairs else ("probe",)))
    return replace(found, dims=dims, labels={d: names for d in dims if d in ("query", "probe")})


__all__ = ["correlation", "influence", "loss_kernel", "require_probes", "response_of_second_order"]

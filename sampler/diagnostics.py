"""Averages over correlated draws, with error bars that are not too small.

Notation. A trace has the shape (chains, draws, …): C chains of N kept draws. All estimates pool the chains.

The error of a mean. Each chain is cut in half; with W the mean variance within the halves and B/N the variance of
their means, var⁺ = W(N−1)/N + B/N, and the autocorrelation at lag k is ρ_k = 1 − (W − c_k)/var⁺, c_k the mean
autocovariance. Geyer's initial monotone sequence sums ρ in pairs until a pair turns negative, and never lets a pair
exceed the one before: τ = −1 + 2 Σ_k (ρ_2k + ρ_2k+1), ESS = CN/τ, sem² = var⁺/ESS (Geyer 1992; Vehtari et al. 2021).
Where the chains disagree by more than that (their means scatter beyond the 99.9% point of χ² with C−1 degrees of
freedom), the scatter of the chains replaces it: slow modes that no chain resolves are then in the error bar.

The error of a covariance. Ĉ = mean of (x−x̄)(y−ȳ) with pooled means; the error is that of the mean of its influence
function (x−x̄)(y−ȳ) − Ĉ, a trace like any other. Per-chain centring would bias Ĉ by −τ/N; pooled, it is −τ/CN.

Reading order: `Estimate`, `mean`, `covariance`, `third_cumulant`, `split_rhat`, `autocorrelation`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any

import numpy as np
import scipy.fft
from scipy.special import chdtri

from theory.errors import BadInput

NUMBERS = ("mean", "sem", "ess", "rhat")
BLOCK = 2**22  # entries of a trace that are transformed at once


@dataclass(frozen=True)
class Estimate:
    """A sampled number, or an array of them: mean, standard error, effective sample size, split R-hat.

    All four have one shape. `dims` names the axes and `labels` their entries, where the maker knew them.
    """

    mean: np.ndarray
    sem: np.ndarray
    ess: np.ndarray
    rhat: np.ndarray
    dims: tuple[str, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def z(self, expected: Any) -> np.ndarray:
        """(mean − expected)/sem, the rule by which a sampled number meets an exact one."""
        gap = self.mean - np.asarray(expected, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(gap == 0, 0.0, gap / self.sem)

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> "Estimate":
        """The same change of shape for all four arrays; names of axes are dropped."""
        return Estimate(change(self.mean), change(self.sem), change(self.ess), change(self.rhat))

    def scale(self, factor: float) -> "Estimate":
        """The estimate of `factor` times the quantity."""
        return replace(self, mean=factor * self.mean, sem=abs(factor) * self.sem)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON (NaN becomes None)."""
        numbers = {name: _plain(getattr(self, name)) for name in NUMBERS}
        labelled = (
            {"dims": list(self.dims), "labels": {k: list(v) for k, v in self.labels.items()}} if self.dims else {}
        )
        return numbers | labelled

    def save(self, path: str | PathLike) -> None:
        """Write the four arrays and the labels to an .npz file."""
        labels: dict[str, Any] = {f"label_{k}": np.array(v) for k, v in self.labels.items()}
        np.savez(path, mean=self.mean, sem=self.sem, ess=self.ess, rhat=self.rhat, dims=np.array(self.dims), **labels)

    def __str__(self) -> str:
        if self.mean.ndim == 0:
            return f"{self.mean:.6g} ± {self.sem:.2g} (ess {self.ess:.0f}, R-hat {self.rhat:.4f})"
        axes = " × ".join(f"{d} {n}" for d, n in zip(self.dims or ("",) * self.mean.ndim, self.mean.shape, strict=True))
        low, high = (f(self.rhat) if np.isfinite(self.rhat).any() else np.nan for f in (np.nanmin, np.nanmax))
        ess = np.nanmin(self.ess) if np.isfinite(self.ess).any() else np.nan
        return f"[{axes}] mean\n{self.mean}\nsem\n{self.sem}\n(ess ≥ {ess:.0f}, R-hat {low:.4f} to {high:.4f})"


def mean(trace: np.ndarray) -> Estimate:
    """The mean of a trace (chains, draws, …) over chains and draws; the estimate has the shape of the rest.

    A constant trace has sem 0 and no ess or R-hat (NaN). Raises `BadInput` for fewer than 4 draws or for NaN.
    """
    trace = _checked(trace)
    rest = trace.shape[2:]
    flat = trace.reshape(*trace.shape[:2], -1)
    width = max(1, BLOCK // (flat.shape[0] * flat.shape[1]))
    blocks = [_mean(flat[..., i : i + width]) for i in range(0, flat.shape[2], width)]
    return _join(blocks, rest)


def covariance(x: np.ndarray, y: np.ndarray) -> Estimate:
    """Cov(x, y) of traces (chains, draws, *A) and (chains, draws, *B), centred on the pooled means: shape (*A, *B).

    Raises `BadInput` as `mean` does, and for traces of different chains or draws.
    """
    return _products(x, y)


def third_cumulant(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Estimate:
    """κ₃(x, y, z) = E[(x−x̄)(y−ȳ)(z−z̄)] of three traces, shape (*A, *B, *C).

    The influence function whose error is reported is xyz − κ₃ − x Cov(y,z) − y Cov(x,z) − z Cov(x,y), all centred.
    """
    return _products(x, y, z)


def split_rhat(trace: np.ndarray) -> np.ndarray:
    """√(var⁺/W) of the half chains (Gelman et al. 2013); NaN for a constant trace."""
    return mean(trace).rhat


def autocorrelation(trace: np.ndarray) -> np.ndarray:
    """ρ_k of a trace (chains, draws) at the lags 0 … draws/2 − 1, from the half chains, as the error of the mean uses it."""
    trace = _checked(trace)
    return _correlations(trace[..., None], trace.mean())[0][:, 0]


def _products(*traces: np.ndarray) -> Estimate:
    centred = []
    for trace in map(_checked, traces):
        flat = trace.reshape(*trace.shape[:2], -1)
        centred.append(flat - flat.mean(axis=(0, 1)))
    if len({c.shape[:2] for c in centred}) != 1:
        raise BadInput("diagnostics: the traces have different numbers of chains or draws; estimate them from one run.")
    rest = sum((np.shape(t)[2:] for t in traces), start=())
    first, *others = centred
    width = max(1, BLOCK // (first.shape[0] * first.shape[1] * int(np.prod([c.shape[2] for c in others]))))
    blocks = [_product_mean(first[..., i : i + width], *others) for i in range(0, first.shape[2], width)]
    return _join(blocks, rest)


def _product_mean(x: np.ndarray, y: np.ndarray, z: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    chains, draws = x.shape[:2]
    if z is None:
        series = np.einsum("cni,cnj->cnij", x, y)
    else:
        n = chains * draws
        xy, xz, yz = (np.einsum("cni,cnj->ij", a, b) / n for a, b in ((x, y), (x, z), (y, z)))
        series = np.einsum("cni,cnj,cnk->cnijk", x, y, z)
        series -= (
            x[:, :, :, None, None] * yz + y[:, :, None, :, None] * xz[:, None] + xy[..., None] * z[:, :, None, None]
        )
    return _mean(series.reshape(chains, draws, -1))


def _join(blocks: list[tuple[np.ndarray, ...]], shape: tuple[int, ...]) -> Estimate:
    mean, sem, ess, rhat = (np.concatenate(part).reshape(shape) for part in zip(*blocks, strict=True))
    return Estimate(mean, sem, ess, rhat)


def _checked(trace: np.ndarray) -> np.ndarray:
    trace = np.asarray(trace, np.float64)
    if trace.ndim < 2 or trace.shape[0] < 1 or trace.shape[1] < 4:
        raise BadInput(f"diagnostics: a trace needs the shape (chains, draws ≥ 4, …); it is {trace.shape}.")
    if not np.isfinite(trace).all():
        raise BadInput(
            "diagnostics: the trace holds NaN or infinite draws; leave the diverged chains out (`Run.kept`)."
        )
    return trace


def _mean(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """mean, sem, ess, rhat of (chains, draws, columns)."""
    chains, draws, columns = x.shape
    centre = x.mean(axis=(0, 1))
    total = 2 * chains * (draws // 2)
    rho, variance, within = _correlations(x, centre)
    still = variance <= (1e-14 * np.abs(centre)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = np.maximum(_geyer(rho), 1 / np.log10(total))
        sem = np.sqrt(variance * tau / (chains * draws))
        if chains > 1:
            scatter = x.mean(axis=1).var(axis=0, ddof=1) / chains
            excessive = scatter * (chains - 1) > sem**2 * chdtri(chains - 1, 1e-3)
            sem = np.where(excessive, np.sqrt(scatter), sem)
        ess = variance / sem**2
        rhat = np.sqrt(variance / within)
    nan = np.full(columns, np.nan)
    return centre, np.where(still, 0, sem), np.where(still, nan, ess), np.where(still, nan, rhat)


def _correlations(x: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ρ_k (lags, columns), var⁺ and W of the half chains of x (chains, draws, columns), whose mean is `centre`."""
    chains, draws, columns = x.shape
    half = draws // 2
    # In one array, with the zeros that make a circular correlation a plain one: traces are large, and copies cost.
    padded = np.zeros((2 * chains, scipy.fft.next_fast_len(2 * half, real=True), columns))
    halves = padded[:, :half]
    np.subtract(x[:, :half], centre, out=halves[:chains])
    np.subtract(x[:, draws - half :], centre, out=halves[chains:])
    means = halves.mean(axis=1, keepdims=True)
    halves -= means
    autocovariance = _autocovariance(padded, half)
    within = autocovariance[0] * half / (half - 1)
    variance = within * (half - 1) / half + means[:, 0].var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1 - (within - autocovariance) / variance
    rho[0] = 1
    return rho, variance, within


def _autocovariance(padded: np.ndarray, draws: int) -> np.ndarray:
    """c_k for k < draws, divisor N, of centred chains followed by zeros, averaged over the chains: (draws, columns)."""
    chains, size, _ = padded.shape
    parts = scipy.fft.rfft(padded, axis=1).view(np.float64)  # columns: real, imaginary, real, …
    squares = np.einsum("cfk,cfk->fk", parts, parts)
    power = (squares[:, ::2] + squares[:, 1::2]) / chains
    return scipy.fft.irfft(power, size, axis=0)[:draws] / draws


def _geyer(rho: np.ndarray) -> np.ndarray:
    """τ from autocorrelations (lags, columns) by the initial monotone sequence."""
    # The last lags rest on a handful of products: the sum ends before them, at the latest with the even lag of the last pair.
    pairs = max(1, (len(rho) - 1) // 2)
    even = rho[0 : 2 * pairs : 2]
    pair = even + rho[1 : 2 * pairs : 2]
    kept = np.cumprod(pair >= 0, axis=0, dtype=bool)
    kept[-1], kept[0] = False, True
    tau = -1 + 2 * np.where(kept, np.minimum.accumulate(np.where(kept, pair, np.inf), axis=0), 0).sum(axis=0)
    cut = kept.sum(axis=0)
    first_dropped = np.take_along_axis(even, np.minimum(cut, pairs - 1)[None], axis=0)[0]
    return tau + np.where(cut < pairs, np.maximum(first_dropped, 0), 0)


def _plain(x: Any) -> Any:
    numbers = np.asarray(x, float)
    plain = numbers.astype(object)
    plain[~np.isfinite(numbers)] = None
    return plain.tolist()

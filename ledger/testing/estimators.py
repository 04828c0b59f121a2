"""Estimators: their means over short runs of a known law, over every pair of draws, and their standard errors.

Reading order: `Traces`, `check_estimator`; `_unbiased`, `_exactly_unbiased`, `_calibrated`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtri

from ledger.testing.report import SEEN, Report, Row, row
from theory.errors import BadInput


@dataclass(frozen=True)
class Traces:
    """What an estimator is given: the losses of a run, draw by draw.

    loss: L_n(w) of each draw; probes: the losses ℓ_z(w) of P examples. The first `burn_in` draws are the burn-in and do not count.
    """

    loss: np.ndarray  # (chains, burn_in + draws)
    probes: np.ndarray  # (chains, burn_in + draws, P)
    centre_loss: float  # L_n(w*)
    nbeta: float
    burn_in: int


QUANTITIES = ("llc", "covariance", "susceptibility")


def check_estimator(
    estimate: Callable[[Traces], Mapping[str, Any]], *, short: int = 4000, long: int = 200, seed: int = 0
) -> Report:
    """Compare an estimator with exact expectations over `short` tiny runs, and its standard errors over `long` longer ones.

        llc             nβ(⟨L_n⟩ − L_n(w*))                                        a number
        covariance      Cov(ℓ_z, ℓ_z′) of the probes                                (P, P)
        susceptibility  χ_z = −Cov(L_n, ℓ_z − L_n)   (Def 16, φ = L_n)              (P,)

    estimate(traces) returns some of them: a value, or (value, standard error). The expectations are those of unbiased estimators
    (divisor N − 1), met over the random runs and, to the rounding of single precision, over the runs that hold every pair of draws
    (see module; an estimator that is right only for large N fails there). Where standard errors are given, Σz² over
    the long runs, whose draws are correlated, is compared with χ².
    Raises `BadInput` for a result with none of the three names or with another shape.
    """
    rng = np.random.default_rng(seed)
    rows = list(_unbiased(estimate, rng, short))
    if not rows:
        raise BadInput(f"the estimator returned none of {', '.join(QUANTITIES)}; return a mapping with at least one")
    return Report("estimator", (*rows, *_exactly_unbiased(estimate), *_calibrated(estimate, rng, long)))


NBETA, CENTRE_LOSS, PROBES = 100.0, 2.0, 3
TOGETHER = 200  # runs that are drawn at once
_H = np.array([[2.0, 0.5], [0.5, 1.0]])  # L = 2 + ½ wᵀHw, w ∼ N(0, (nβ H)⁻¹)
_A = np.array([[0.3, 0.1], [-0.2, 0.2], [0.0, -0.3]])  # ℓ_z = L + a_z·w + ½ c_z |w|²
_C = np.array([0.5, -0.25, 1.0])


def _traces(rng: np.random.Generator, runs: int, chains: int, draws: int, rho: float, burn_in: int) -> Iterator[Traces]:
    """w_{k+1} = ρ w_k + √(1−ρ²) N(0, S), stationary but for a burn-in that comes from far away."""
    root = np.linalg.cholesky(np.linalg.inv(NBETA * _H))
    for done in range(0, runs, TOGETHER):
        steps = rng.normal(size=(min(TOGETHER, runs - done) * chains, draws, 2)) @ root.T
        w = np.empty_like(steps)
        w[:, 0] = steps[:, 0]
        for k in range(1, draws):
            w[:, k] = rho * w[:, k - 1] + (1 - rho**2) ** 0.5 * steps[:, k]
        yield from _recorded(w, chains, root.sum(axis=1), burn_in)


def _recorded(w: np.ndarray, chains: int, far: np.ndarray, burn_in: int) -> Iterator[Traces]:
    """The losses at the draws w (runs · chains, draws, 2) run by run, after a burn-in that comes from six times `far`."""
    away = np.linspace(6, 0, burn_in, endpoint=False)[:, None] * far
    w = np.concatenate([np.broadcast_to(away, (len(w), burn_in, 2)), w], axis=1)
    loss = CENTRE_LOSS + np.einsum("cni,ij,cnj->cn", w, _H, w) / 2
    probes = loss[..., None] + w @ _A.T + _C * (w**2).sum(axis=-1)[..., None] / 2
    for k in range(0, len(w), chains):
        yield Traces(loss[k : k + chains], probes[k : k + chains], CENTRE_LOSS, NBETA, burn_in)


@cache
def _exact() -> dict[str, np.ndarray]:
    """Gaussian moments: Cov(a·w + ½wᵀAw, b·w + ½wᵀBw) = aᵀSb + ½ tr(ASBS)."""
    S = np.linalg.inv(NBETA * _H)
    matrices = _H + _C[:, None, None] * np.eye(2)
    AS = matrices @ S
    covariance = _A @ S @ _A.T + np.einsum("zij,yji->zy", AS, AS) / 2
    response = -np.einsum("ij,zji->z", _H @ S, _C[:, None, None] * S) / 2
    return {"llc": np.asarray(NBETA * np.trace(_H @ S) / 2), "covariance": covariance, "susceptibility": response}


def _values(found: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    for name, expected in _exact().items():
        if name in found:
            value = found[name]
            value, sem = value if isinstance(value, tuple) else (value, None)
            value = np.asarray(value, np.float64)
            if value.shape != expected.shape:
                raise BadInput(
                    f"the estimator's {name} has shape {value.shape}; for {PROBES} probes it has {expected.shape}"
                )
            yield name, value, None if sem is None else np.asarray(sem, np.float64)


def _unbiased(estimate: Callable, rng: np.random.Generator, runs: int) -> Iterator[Row]:
    """Two chains of five independent draws: a wrong divisor is 10% or 20% there."""
    seen: dict[str, list[np.ndarray]] = {}
    for traces in _traces(rng, runs, 2, 5, 0.0, 3):
        for name, value, _sem in _values(estimate(traces)):
            seen.setdefault(name, []).append(value)
    exact = _exact()
    for name, values in seen.items():
        mean, sem = np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / runs**0.5
        for at in np.ndindex(exact[name].shape):
            if at == tuple(sorted(at)):
                label = name + "".join(f"[{i}]" for i in at)
                yield row(label, float(exact[name][at]), float(mean[at]), float(sem[at]))


FIELD = 11  # a prime above the number of draws, so that two values at two draws determine a and b
_POINTS = np.array([[k - 5, k * k % FIELD - 4] for k in range(FIELD)]) / 4


def _every_pair() -> np.ndarray:
    """Runs (2, 5, 2) whose draw j is the point a + bj + j² mod 11: for i ≠ j each pair of points once, and no chain at rest."""
    j, lines = np.arange(10), np.array(list(np.ndindex(FIELD, FIELD)))
    return _POINTS[(lines[:, :1] + lines[:, 1:] * j + j * j) % FIELD].reshape(-1, 2, 5, 2)


def _exactly_unbiased(estimate: Callable) -> Iterator[Row]:
    """The mean over the runs that hold every pair of draws, against the moments of the points; of each quantity the worst entry."""
    seen: dict[str, list[np.ndarray]] = {}
    for traces in _recorded(_every_pair().reshape(-1, 5, 2), 2, np.ones(2), 3):
        for name, value, _sem in _values(estimate(traces)):
            seen.setdefault(name, []).append(value)
    (points,) = _recorded(_POINTS[None], 1, np.ones(2), 0)
    losses = np.column_stack([points.loss[0], points.probes[0]])
    moments = np.cov(losses.T, ddof=0)
    exact = {
        "llc": np.asarray(NBETA * (losses[:, 0].mean() - CENTRE_LOSS)),
        "covariance": moments[1:, 1:],
        "susceptibility": moments[0, 0] - moments[0, 1:],
    }
    size, rounding = float(np.abs(losses).max()), float(np.finfo(np.float32).eps)
    for name, values in seen.items():
        sem = rounding * (NBETA * size if name == "llc" else size**2)
        found = np.mean(values, axis=0)
        rows = [
            row(f"{name}, all pairs", float(x), float(y), sem)
            for x, y in zip(exact[name].flat, found.flat, strict=True)
        ]
        yield max(rows, key=lambda row: np.nan_to_num(abs(row.z), nan=np.inf))


def _calibrated(estimate: Callable, rng: np.random.Generator, runs: int) -> Iterator[Row]:
    """Four chains of 400 draws with ρ = 0.7: Σ z² of each quantity's first entry against χ²."""
    exact, scores = _exact(), {}
    for traces in _traces(rng, runs, 4, 400, 0.7, 50):
        for name, value, sem in _values(estimate(traces)):
            if sem is not None:
                first = (0,) * value.ndim
                scores.setdefault(name, []).append((value[first] - exact[name][first]) / sem[first])
    for name, z in scores.items():
        square = float(np.sum(np.square(z)))
        score = -float(ndtri(chdtrc(runs, square))) if np.isfinite(square) else np.inf
        width = (2 / runs) ** 0.5
        yield Row(f"error of {name}, mean z²", 1.0, square / runs, width, score, SEEN * width)

"""From a direction in data space to loss weights of mean 1, and what the way there costs (eq 35, Rem 32).

Idea. Loss weights ρ on n points change ⟨φ⟩ to first order by β X̂(ρ − 1) if their mean is 1. Weights of another mean change the
temperature too: the further term is −β (Σ(ρ_j − 1)) Cov(φ, L_n). So every map here ends at mean 1. What it may lose:

* size: ρ must not be negative; `reweight` refuses, `weights` projects onto the weights within bounds;
* direction: clipping and piecewise-linear maps bend it: `Weights.cosine` and `Weights.kept`;
* data: `Weights.effective_share` = (Σρ)²/(nΣρ²) falls with the variance of the weights;
* neutrality: at second order ⟨φ⟩ moves by (αβ)²/2 κ₃(φ, ℓ_s, ℓ_s), ℓ_s = Σ s_j ℓ_j, and that does not average to 0 over shuffles of
  s. Compare an intervention with its own shuffled weights, not with ρ = 1 alone.

Reading order: `Weights`; `reweight`, `weights`, `piecewise`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from theory.errors import BadInput


@dataclass(frozen=True)
class Weights:
    """Loss weights of mean 1 and what the way to them cost.

    values           (n,)
    effective_share  (Σw)²/(nΣw²), the share of the data that remains in effect
    cosine           cos of the angle between w − 1 and the wanted direction: 1 where nothing was clipped
    kept             ⟨w − 1, wanted⟩/⟨wanted, wanted⟩, the share of the first-order step that is left
    clipped          share of the points at a bound
    """

    values: np.ndarray
    effective_share: float
    cosine: float
    kept: float
    clipped: float

    def response(self, X: Any) -> np.ndarray:
        """X̂(w − 1): dμ/β to first order (eq 35), to compare with that of the wanted direction."""
        return np.asarray(X, float) @ (self.values - 1)


def reweight(s: Any, alpha: float) -> Weights:
    """ρ = 1 + α(s − s̄) (eq 35), of mean 1; then dμ = αβ X̂ s to first order. Raises `BadInput` where a weight is negative."""
    s = _vector(s, "reweight")
    wanted = alpha * (s - s.mean())
    if wanted.min() < -1:
        most = abs(alpha / wanted.min())
        raise BadInput(f"reweight: alpha = {alpha:g} turns a weight negative; take at most {most:.4g}, or `weights`.")
    return _weights(1 + wanted, wanted, np.zeros(len(s), bool))


def weights(loadings: Any, strength: float, *, lower: float = 0.0, upper: float = np.inf) -> Weights:
    """w = clip(1 + c + strength·z, lower, upper) of mean exactly 1, z the standardised loadings (Rem 32).

    c restores the mean that clipping takes, so that w is the point nearest to 1 + strength·z among all weights within the bounds
    of mean 1; it rises with strength·z. Constant loadings give w = 1. Raises `BadInput` unless 0 ≤ lower < 1 < upper.
    """
    z = _vector(loadings, "weights")
    if not 0 <= lower < 1 < upper:
        raise BadInput(
            f"weights: the bounds must satisfy 0 ≤ lower < 1 < upper; they are {lower:g} and {upper:g} (mean 1)."
        )
    z = z - z.mean()
    spread = z.std()
    wanted = strength * z / spread if spread > 0 else 0 * z
    plain = 1 + wanted

    def clip(c: float) -> np.ndarray:
        return np.clip(plain + c, lower, upper)

    low, high = lower - plain.max(), min(upper, 1 + np.ptp(plain)) - plain.min()
    for _ in range(200):
        c = (low + high) / 2
        low, high = (c, high) if clip(c).mean() < 1 else (low, c)
    w = clip((low + high) / 2)
    return _weights(w, wanted, (w <= lower) | (w >= upper))


def piecewise(loadings: Any, knots: Sequence[float], values: Sequence[float]) -> Weights:
    """The piecewise-linear map of Rem 32: `values` at the rising `knots`, linear between, constant outside, over its mean.

    Division by the mean keeps the temperature; without it the response has the further term −αβ (Σs) Cov(φ, L_n).
    """
    x, at, to = _vector(loadings, "piecewise"), np.asarray(knots, float), np.asarray(values, float)
    if at.ndim != 1 or at.shape != to.shape or len(at) < 2 or not (np.diff(at) > 0).all() or (to < 0).any():
        raise BadInput("piecewise: needs at least two rising knots and as many values ≥ 0.")
    w = np.interp(x, at, to)
    if not w.sum() > 0:
        raise BadInput("piecewise: every weight is 0; give a positive value where there are loadings.")
    return _weights(w / w.mean(), x - x.mean(), (x < at[0]) | (x > at[-1]))


def _weights(w: np.ndarray, wanted: np.ndarray, clipped: np.ndarray) -> Weights:
    size, got = float(wanted @ wanted), float((w - 1) @ (w - 1))
    along = float((w - 1) @ wanted)
    return Weights(
        w,
        float(w.sum() ** 2 / (len(w) * (w @ w))),
        along / np.sqrt(size * got) if size * got > 0 else 1.0,
        along / size if size > 0 else 1.0,
        float(clipped.mean()),
    )


def _vector(x: Any, who: str) -> np.ndarray:
    x = np.asarray(x, float)
    if x.ndim != 1 or not x.size or not np.isfinite(x).all():
        raise BadInput(f"{who}: needs a vector of finite numbers, one for each point; its shape is {x.shape}.")
    return x

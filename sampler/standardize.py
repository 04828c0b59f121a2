"""Standardisation of a susceptibility matrix (§6.3.2): what removes the unknown factor Z_C/Z of each component, and what does not.

X has one row for each component and one column for each data point, as in Def 16. (§6.3.2 itself speaks of the
transposed matrix: its
"column-wise z-scoring" is over the data, for each component.) Nothing here is called a row or a column; every function names
the axis that it averages over: `data` or `components`.

    centre        subtract the mean over data, for each component                                     reading (a)
    zscore        centre, then divide by the standard deviation over data, for each component
    standardize   zscore, then subtract the mean over components, for each data point                 reading (b)

What is estimated is χ̃_C = (Z/Z_C) χ_C, one unknown factor c_C > 0 a component (eq 34). `zscore` of a component is unchanged by
χ_C → c χ_C + s for every c > 0 and s, and changes sign for c < 0; so (b) does not see Z_C/Z, exactly. `centre`
removes s and keeps c. After (b) the means over data and over components are all 0; the standard deviations are 1 no longer.

Noise. The factor that (b) divides by is estimated from the same noisy entries. With independent errors of variance
τ² in the P entries
of a component of true standard deviation σ, E[ŝ²] = σ² + τ²(P−1)/P (divisor P): the z-scores are too small by a factor
σ/√(σ² + τ²(P−1)/P) ≈ 1 − τ²(P−1)/(2Pσ²), another one for each component. `attenuation` states it.

Errors. Given an `Estimate`, the answer is one: first-order error propagation through the derivative J of the map. The errors of the
entries of X are correlated (they come from the same draws) in a way that their standard errors do not tell, so that what is
returned is the bound that holds for any correlation, sem = Σ |J| sem(X); ess and R-hat are NaN. For the true errors take
`jackknife` on groups of chains.

Reading order: `centre`, `zscore`, `standardize`, `attenuation`, `jackknife`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from sampler.diagnostics import Estimate
from theory.errors import BadInput

Matrix = TypeVar("Matrix", np.ndarray, Estimate)


def centre(X: Matrix) -> Matrix:
    """X_Cz − (1/P) Σ_z X_Cz: each component's mean over data subtracted; shape (components, data), units of X."""
    x = _checked(X, 1)
    return _answer(X, x - x.mean(1, keepdims=True), lambda errors: _bound(x, errors, scores=False))


def zscore(X: Matrix) -> Matrix:
    """(X_Cz − mean_z X_C)/σ_C, σ_C² = (1/P) Σ_z (X_Cz − mean)² for each component; shape (components, data), no units.

    Raises `BadInput` when a component does not vary over the data (naming it), or for fewer than two data points.
    """
    x = _checked(X, 2)
    return _answer(X, _zscore(x, _names(X, len(x))), lambda errors: _bound(x, errors, scores=True))


def standardize(X: Matrix) -> Matrix:
    """`zscore` over data for each component, then the mean over components subtracted for each data point (§6.3.2 (b)).

    Unchanged by X_C → c_C X_C + s_C with any c_C > 0. One component alone becomes 0 and is refused. Raises
    `BadInput` as `zscore` does.
    """
    x = _checked(X, 2)
    if len(x) < 2:
        raise BadInput("standardize: subtracting the mean over components leaves nothing of a single one; use zscore.")
    z = _zscore(x, _names(X, len(x)))

    def errors_of_centred_scores(errors: np.ndarray) -> np.ndarray:
        """(1 − 1/K) of a component's own bound and 1/K of each other's: the derivative of z_C − (1/K) Σ_D z_D."""
        bound = _bound(x, errors, scores=True)
        return (1 - 2 / len(x)) * bound + bound.sum(0) / len(x)

    return _answer(X, z - z.mean(0), errors_of_centred_scores)


def attenuation(X: Estimate) -> np.ndarray:
    """σ_C/√(σ_C² + τ²(P−1)/P) for each component, by which noise shrinks its z-scores; τ² = mean of sem², errors independent.

    σ_C² is estimated by what the noise leaves of the variance over data; NaN where it leaves nothing. Shape (components,).
    """
    x = _checked(X, 2)
    observed = x.var(1)
    noise = np.mean(np.square(X.sem), axis=1) * (1 - 1 / x.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(observed > noise, np.sqrt((observed - noise) / observed), np.nan)


def jackknife(value: np.ndarray, without: Sequence[np.ndarray] | np.ndarray) -> Estimate:
    """A statistic of all chains with its error from leaving out one of G groups of chains at a time.

    value: the statistic on all chains, any shape; without: the G values without one group. sem² = (G−1)/G Σ_g (θ_(g)
    − θ̄)². Chains are
    independent, so correlations between the entries are accounted for. ess and R-hat are NaN. Raises `BadInput` for G < 2.
    """
    value, left_out = np.asarray(value, float), np.asarray(without, float)
    if left_out.ndim < 1 or len(left_out) < 2 or left_out.shape[1:] != value.shape:
        raise BadInput(
            f"jackknife: it needs two or more values of shape {value.shape}, one without each group; found {left_out.shape}."
        )
    groups = len(left_out)
    sem = np.sqrt((groups - 1) / groups * np.sum((left_out - left_out.mean(0)) ** 2, axis=0))
    unknown = np.full(value.shape, np.nan)
    return Estimate(value, sem, unknown, unknown)


def _checked(X: np.ndarray | Estimate, data: int) -> np.ndarray:
    x = np.asarray(X.mean if isinstance(X, Estimate) else X, float)
    if x.ndim != 2 or x.shape[0] < 1 or x.shape[1] < data:
        raise BadInput(
            f"standardize: it needs a matrix (components, data) with at least {data} data points; the shape is {x.shape}."
        )
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise BadInput(
            f"standardize: the entry of component {_names(X, len(x))[row]}, data point {column}, is {x[row, column]}; leave it out."
        )
    return x


def _names(X: np.ndarray | Estimate, count: int) -> Sequence[str]:
    """The labels of the components, by default their numbers."""
    if isinstance(X, Estimate) and X.dims and len(X.labels.get(X.dims[0], ())) == count:
        return X.labels[X.dims[0]]
    return [str(i) for i in range(count)]


def _zscore(x: np.ndarray, names: Sequence[str]) -> np.ndarray:
    change, size = x - x.mean(1, keepdims=True), np.abs(x).max(1)
    spread = x.std(1)
    # Rounding alone leaves a spread of a few units in the last place of the entries.
    still = spread <= 8 * np.finfo(float).eps * size
    if still.any():
        raise BadInput(
            f"standardize: component {names[int(np.argmax(still))]} does not vary over the data, so that it has no "
            "z-score; leave it out."
        )
    return change / spread[:, None]


def _bound(x: np.ndarray, errors: np.ndarray, *, scores: bool) -> np.ndarray:
    """Σ_y |J_zy| sem_y for each component, with J_zy = δ_zy − 1/P (centring) or [δ_zy − 1/P − Z_z Z_y/P]/σ (z-scores).

    Off the diagonal |J_zy| = |1 + Z_z Z_y|/(Pσ), on it |P − 1 − Z_z²|/(Pσ); centring has Z = 0, σ = 1.
    """
    points = x.shape[1]
    bound = np.empty_like(x)
    for row, (values, sems) in enumerate(zip(x, errors, strict=True)):
        spread = values.std() if scores else 1.0
        z = (values - values.mean()) / spread if scores else np.zeros(points)
        for k in range(points):
            weights = np.abs(1 + z[k] * z)
            weights[k] = abs(points - 1 - z[k] ** 2)
            bound[row, k] = weights @ sems / (points * spread)
    return bound


def _answer(X: Matrix, mean: np.ndarray, propagate: Callable[[np.ndarray], np.ndarray]) -> Matrix:
    """An array for an array; an estimate, with the bound on its error, for an estimate."""
    if not isinstance(X, Estimate):
        return mean
    unknown = np.full(mean.shape, np.nan)
    return replace(X, mean=mean, sem=propagate(np.asarray(X.sem, float)), ess=unknown, rhat=unknown)

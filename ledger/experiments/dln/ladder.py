"""From t⟨K⟩ on a ladder of temperatures to λ: logarithms and powers fitted, not assumed away.

Idea
----
Z(t) = ∫e^{−tK}φ dw is a sum over the poles of a zeta function. The first, at −λ and of order m, gives with x = log t

    Z ~ t^{−λ} P(x),    P(x) = ∂_u^{m−1} [e^{ux} g(u)] at u = 0,    log g(u) = const + κ₁u + κ₂u²/2 + κ₃u³/6 + …

and the localisation the next ones: near the most singular point of L layers |w − w*|² is of order t^{−1/L}. So

    t⟨K⟩ = −d log Z/d log t ≈ λ − P′(x)/P(x) + a t^{−1/L} + b t^{−2/L},        for m = 2:  P′/P = 1/(x + κ₁)

Fitted by weighted least squares are λ, freely, and a, b, κ₁ (where m > 1), κ₂ (m > 2), κ₃ (m > 3), held weakly to what is natural
in the units γ = 1, |C| ~ 1: see `PRIOR`. m is taken from theory. The same fit with m = 1 is kept beside it: how far it misses says
what the logarithms are worth. The error of λ is that of the fit, times √(χ²/ν) where that is above 1, and in quadrature the change
of λ when the ladder begins a rung later, by which what the model leaves out shows.

A case that is known exactly: for widths 1 and C = 0, g(u) = Γ(½ − u) 2^{(L−1)u} Γ(1 + u)^L.

Function: `fit`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares

from theory.errors import BadInput

# κ₁, κ₂, κ₃: mean and standard deviation, wide about the values of the case that is known. a, b: 0 ± 3(1 + λ).
PRIOR = ((3.0, 5.0), (10.0, 10.0), (10.0, 20.0))
POWERS = 3.0


class Fit(NamedTuple):
    """λ with its standard error, χ² and the rungs less the parameters of the fit, and what it fitted (λ, a, b, κ₁, …)."""

    value: float
    sem: float
    chi2: float
    freedom: int
    parameters: Float[np.ndarray, " k"]
    multiplicity: int
    layers: int

    def curve(self, t: np.ndarray) -> np.ndarray:
        """t⟨K⟩ by the fit."""
        return _model(self.parameters, np.log(t), self.multiplicity, self.layers)


def fit(
    temperatures: Float[np.ndarray, " rungs"], means: Float[np.ndarray, " rungs"], sems: Float[np.ndarray, " rungs"], *,
    multiplicity: int, layers: int,
) -> Fit:  # fmt: skip
    """λ̂ ± sem from t⟨K⟩ at each t; raises `BadInput` for a ladder of fewer than 8 rungs."""
    ladder = tuple(np.asarray(x, float) for x in (temperatures, means, sems))
    if len(ladder[0]) < 8:
        raise BadInput(
            f"dln: {len(ladder[0])} rungs are too few to fit powers and logarithms; give the ladder 8 or more."
        )
    found = _fit(ladder, multiplicity, layers)
    later = _fit(tuple(x[1:] for x in ladder), multiplicity, layers)
    return found._replace(sem=float(np.hypot(found.sem, found.value - later.value)))


def _fit(ladder: tuple[np.ndarray, ...], multiplicity: int, layers: int) -> Fit:
    t, y, s = ladder
    x, wide = np.log(t), POWERS * (1 + abs(y[-1]))
    held = ((0.0, wide), (0.0, wide), *PRIOR[: multiplicity - 1])
    mean, spread = np.array(held).T

    def residuals(p: np.ndarray) -> np.ndarray:
        return np.concatenate([(_model(p, x, multiplicity, layers) - y) / s, (p[1:] - mean) / spread])

    found = least_squares(residuals, np.array([y[-1], *mean]), x_scale="jac", max_nfev=2000)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    chi2, freedom = float(np.sum(found.fun[: len(t)] ** 2)), len(t) - len(found.x)
    sem = float(np.sqrt(covariance[0, 0]) * max(1.0, (chi2 / freedom) ** 0.5))
    return Fit(float(found.x[0]), sem, chi2, freedom, found.x, multiplicity, layers)


def _model(p: np.ndarray, x: np.ndarray, multiplicity: int, layers: int) -> np.ndarray:
    """λ − P′(x)/P(x) + a e^{−x/L} + b e^{−2x/L} for p = (λ, a, b, κ₁, κ₂, κ₃)."""
    power = np.exp(-x / layers)
    k1, k2, k3 = np.pad(p[3:], (0, 6 - len(p)))
    # P_n = ∂_u^n e^{ux}g, and P_n′ = n P_{n−1}; P_{n+1} = (x + κ₁)P_n + n κ₂ P_{n−1} + ½n(n − 1) κ₃ P_{n−2}.
    P = [np.zeros_like(x), np.zeros_like(x), np.ones_like(x)]
    for n in range(multiplicity - 1):
        P.append((x + k1) * P[-1] + n * k2 * P[-2] + n * (n - 1) / 2 * k3 * P[-3])
    return p[0] - (multiplicity - 1) * P[-2] / P[-1] + p[1] * power + p[2] * power**2

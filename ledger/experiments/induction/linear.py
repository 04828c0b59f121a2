"""How far the linear response reaches: predicted against realised changes of ⟨φ_C⟩ as the weights leave 1.

At weights ρ = 1 + s the posterior is exp(−nβ(L + ℓ_s) − …), ℓ_s = (1/N) Σ s_z ℓ_z, and (eq 25–26, eq 35)

    ⟨φ⟩_ρ − ⟨φ⟩_1 = −nβ Cov(φ, ℓ_s) + ½ (nβ)² κ₃(φ, ℓ_s, ℓ_s) + …

The right side is had from the chains at ρ = 1 alone, the left from chains at ρ driven by the same noise. s is made from other
chains (those of χ̂), so that its noise is not that of the prediction.

Function: `compare`.
"""

from typing import NamedTuple

import numpy as np

from ledger.experiments.induction.measure import NBETA
from sampler import diagnostics


class Response(NamedTuple):
    """Realised, first-order and second-order changes of ⟨φ⟩ for each ρ, (R,) each with standard errors; base: ⟨φ⟩ at ρ = 1."""

    realised: np.ndarray
    realised_sem: np.ndarray
    first: np.ndarray
    first_sem: np.ndarray
    second: np.ndarray
    second_sem: np.ndarray
    base: float
    base_sem: float

    @property
    def slope(self) -> tuple[np.ndarray, np.ndarray]:
        """Realised over first-order change, and its standard error with both errors taken as independent."""
        ratio = self.realised / self.first
        return ratio, np.abs(ratio) * np.hypot(self.realised_sem / self.realised, self.first_sem / self.first)


def compare(phi: np.ndarray, response: np.ndarray, nbeta: float = NBETA) -> Response:
    """From `measure.ladder`: phi (R + 1, chains, draws), response (R, chains, draws)."""
    base = diagnostics.mean(phi[0])
    changes = [diagnostics.mean(after - phi[0]) for after in phi[1:]]
    first = [diagnostics.covariance(phi[0], ell).scale(-nbeta) for ell in response]
    bent = [diagnostics.third_cumulant(phi[0], ell, ell).scale(nbeta**2 / 2) for ell in response]

    def both(estimates: list) -> tuple[np.ndarray, np.ndarray]:
        return np.array([float(e.mean) for e in estimates]), np.array([float(e.sem) for e in estimates])

    (a, da), (b, db), (c, dc) = both(changes), both(first), both(bent)
    return Response(a, da, b, db, b + c, np.hypot(db, dc), float(base.mean), float(base.sem))


__all__ = ["Response", "compare"]

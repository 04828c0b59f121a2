"""The gradient noise of minibatches: G with its first two derivatives and third cumulant, in the modes of the chain.

Batches of B examples drawn with replacement, b = t/B, s_z = Dℓ_z(w*) about its mean, H_z = D²ℓ_z, T_z = D³ℓ_z, E_z over the data:

    G        = b E_z[s sᵀ]                                       N = b² E_z[s∘s∘s]
    G′_{·l}  = b E_z[H_z e_l sᵀ + s (H_z e_l)ᵀ]
    G″:S     = b E_z[(T_z:S) sᵀ + s (T_z:S)ᵀ + 2 H_z S H_z] − 2b HSH

`Driven` turns them into what drives K and S₂ (see `law`): with R = S diag(a), for the slice k

    (e/2) [M + Mᵀ + G′·R_k] − (e²/4) N^k,      M_ij = G′_{jk,l} R_li = b [Rᵀ E_z(s_k H_z) + E_z(RᵀH_z e_k sᵀ)]_ij

at d + 2 products with Hessians of examples for each slice.

Reading order: `covariance`, `Driven`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from sampler.quadratic import derivatives
from sampler.quadratic.derivatives import Site
from sampler.quadratic.law import Matrix

if TYPE_CHECKING:
    from sampler.quadratic.dense import Curvature


def covariance(site: Site, W: Matrix, ratio: float) -> Matrix:
    """G = b Cov_z(Dℓ_z) in the modes."""
    s = slopes(site, W)
    return ratio * s.T @ s / len(s)


def slopes(site: Site, W: Matrix) -> Float[np.ndarray, "n d"]:
    """s_z for every example of the data."""
    found = np.asarray(derivatives.gradients(site.posterior.loss, site, site.posterior.data), np.float64) @ W
    return found - found.mean(axis=0)


@dataclass(frozen=True, eq=False)
class Driven:
    """What the noise of minibatches adds to the sources of K and S₂."""

    site: Site
    W: Matrix
    R: Matrix
    s: Float[np.ndarray, "n d"]
    H: Matrix
    ratio: float
    e: float

    @classmethod
    def of(cls, curvature: "Curvature", R: Matrix, e: float) -> "Driven":
        site, W = curvature.site, curvature.W
        ratio = curvature.t / float(site.posterior.batch_size or site.posterior.n)
        return cls(site, W, R, slopes(site, W), curvature.loss_hessian, ratio, e)

    def third(self, k: int) -> Matrix:
        """The slice k of (e/2) Σ_cyc G′R − (e²/4) N."""
        s, n, b, e, R = self.s, len(self.s), self.ratio, self.e, self.R
        weighted = derivatives.products(self.site, self._rows(self.W.T), jnp.asarray(s[:, k] / n, self.site.zero.dtype))
        sH = np.asarray(weighted, np.float64) @ self.W
        M = b * (R.T @ sH + (self._products(self.W[:, k]) @ R).T @ s / n)
        N = b**2 * (s * s[:, k : k + 1]).T @ s / n
        return e / 2 * (M + M.T + self._first(R[:, k])) - e**2 / 4 * N

    def second(self, m: Float[np.ndarray, " d"], C: Matrix) -> Matrix:
        """(e/2)(G′·m + ½ G″:S) with S = C Cᵀ."""
        s, n, b = self.s, len(self.s), self.ratio
        spans = (self.W @ C).T
        bent = derivatives.trace_bends(self.site.posterior.loss, self.site, self.site.posterior.data, self._rows(spans))
        TS = np.asarray(bent, np.float64) @ self.W
        square = np.zeros_like(self.H)
        for direction in spans:
            U = self._products(direction)
            square += U.T @ U / n
        HC = self.H @ C
        curved = b * ((TS.T @ s + s.T @ TS) / n + 2 * square - 2 * HC @ HC.T)
        return self.e / 2 * (self._first(m) + curved / 2)

    def _first(self, x: Float[np.ndarray, " d"]) -> Matrix:
        """G′·x, x in the modes."""
        once = self._products(self.W @ x).T @ self.s
        return self.ratio * (once + once.T) / len(self.s)

    def _products(self, direction: Float[np.ndarray, " d"]) -> Float[np.ndarray, "n d"]:
        """H_z v for every example, in the modes."""
        found = derivatives.products_each(
            self.site.posterior.loss, self.site, self.site.posterior.data, self._rows(direction)
        )
        return np.asarray(found, np.float64) @ self.W

    def _rows(self, directions: np.ndarray) -> jnp.ndarray:
        return jnp.asarray(directions, self.site.zero.dtype)

"""The next order of the chain: S₂, T∴K, Q:S and A:K, streamed slice by slice.

For each mode k the derivatives T^k = T[·, ·, w_k] and Q[w_k, w_k, ·, ·] are taken (d Hessian-vector products, differentiated
once and twice along w_k), K^k is made of T^k, everything that needs them is added up, and they are forgotten:

    Q:S = Σ_k S_k Q_kk     T∴K = Σ_k tr(T^k K^k)     T_ipq T_jrs S_pr S_qs = Σ_k S_k T^k S T^k     (A:K)_k = tr(A K^k)

d² derivatives of third and fourth order and O(d²) numbers held; matrix products of O(d⁴) in all. With minibatches S is not
diagonal in the modes: the slices along the columns of R = S diag(a) and of C, S = CCᵀ, come in addition.

Reading order: `Second`, `collect`, `covariance`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from sampler.quadratic import derivatives, jets, noise
from sampler.quadratic.derivatives import Site
from sampler.quadratic.law import Matrix
from sampler.quadratic.observables import Observable
from theory.errors import BadInput

if TYPE_CHECKING:
    from sampler.quadratic.dense import Curvature

LARGEST = 1000
MAX_BYTES = 2**31


@dataclass(frozen=True, eq=False)
class Second:
    """S₂, T∴K = T_ijk K_ijk, Q:S, T:S and m, in the modes."""

    S2: Matrix
    TK: float
    QS: Matrix
    TS: Float[np.ndarray, " d"]
    m: Float[np.ndarray, " d"]
    S: Matrix

    def learning_coefficient(self, H: Matrix) -> float:
        """l₁ = ½ tr(HS₂) + ½ mᵀHm + ½ m·(T:S) + (1/6) T∴K + ⅛ Q::(S, S)."""
        first = np.sum(H * self.S2) + self.m @ H @ self.m + self.m @ self.TS
        return float(first / 2 + self.TK / 6 + np.sum(self.QS * self.S) / 8)


def affordable(d: int) -> None:
    """Raises `BadInput` for more than 1000 weights."""
    if d > LARGEST:
        raise BadInput(
            f"quadratic: the next order takes d² third and fourth derivatives; {d} weights move and {LARGEST} is the most: "
            "ask for order=1, or restrict the weights that move."
        )


def collect(
    of: "Curvature", epsilon: float, hessians: Sequence[Float[np.ndarray, "p d d"]], *, second: bool = True
) -> tuple[Second | None, list[Float[np.ndarray, "p d"]]]:
    """S₂ and its companions, if wanted, and A:K for each row of Hessians A, in one pass over the slices."""
    law, W, site = of.law(epsilon), of.W, of.site
    d = len(law.p)
    affordable(d)
    S, R, C = law.S, law.R, law.root
    m = law.mean(of.bent(epsilon))
    noisy = None if law.diagonal else noise.Driven.of(of, R, law.e)
    KT, TT, QS, TK = np.zeros((d, d)), np.zeros((d, d)), np.zeros((d, d)), 0.0
    contracted = [np.zeros(A.shape[:2]) for A in hessians]
    for k in range(d):
        T, *Q = _slice(site, W, W[:, k], fourth=second)
        TR = driven = None
        if noisy is not None:
            (TR,) = _slice(site, W, W @ R[:, k])
            driven = noisy.third(k)
        K = law.third(k, T, TR, driven)
        for A, found in zip(hessians, contracted, strict=True):
            found[:, k] = A.reshape(len(A), -1) @ K.reshape(-1)
        if second:
            TC, QC = (T * C[k, k], Q[0] * S[k, k]) if law.diagonal else _slice(site, W, W @ C[:, k], fourth=True)
            KT += K @ T
            TT += TC @ law.times_S(TC).T
            QS += QC
            TK += float(np.sum(K * T))
    if not second:
        return None, contracted
    (Tm,) = _slice(site, W, W @ m)
    S2 = law.second(KT, Tm, QS, TT, None if noisy is None else noisy.second(m, C))
    return Second(S2, TK, QS, of.bent(epsilon), m, S), contracted


def covariance(of: "Curvature", phi: Observable, psi: Observable, epsilon: float) -> Float[np.ndarray, "p q"]:
    """The coefficient of t⁻² of Cov(φ, ψ): aᵀS₂b + ½ tr(ASBS) + R(φ, ψ) + R(ψ, φ).

        R(φ, ψ) = ½ (Sb)·(Φ:S) + ½ A_ij K_ijk b_k + mᵀASb

    DL_n(w*) = 0 at this order: S₂ is not needed where one of the two is L_n.
    """
    law, W, site = of.law(epsilon), of.W, of.site
    affordable(len(law.p))
    rows = (phi,) if psi is phi else (phi, psi)
    if (size := sum(map(len, rows)) * len(law.p) ** 2 * 8) > MAX_BYTES:
        raise BadInput(
            f"quadratic: the second derivatives of the observables take {size / 2**30:.1f} GiB and {MAX_BYTES >> 30} is the "
            "most: ask for fewer observables at a time."
        )
    key, general = ("second", float(epsilon)), all(f.phi is not None for f in rows)
    hessians = [jets.hessians(site, f, W.T) for f in rows]
    found, contracted = collect(of, epsilon, hessians, second=general and key not in of.known)
    if found is not None:
        of.known[key] = found
    spans, m = (W @ law.root).T, law.mean(of.bent(epsilon))
    jet = [
        (jets.gradients(site, f) @ W * (f.phi is not None), A, jets.trace_bends(site, f, spans) @ W, AK)
        for f, A, AK in zip(rows, hessians, contracted, strict=True)
    ]
    (a, A, PhiS, AK), (b, B, PsiS, BK) = jet[0], jet[-1]
    SA, SB = (law.spread[:, None] * X if law.diagonal else law.S @ X for X in (A, B))
    square = SA.reshape(len(A), -1) @ SB.transpose(0, 2, 1).reshape(len(B), -1).T / 2

    def crossed(A: np.ndarray, PhiS: np.ndarray, AK: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (PhiS / 2 + m @ A) @ law.times_S(b).T + AK @ b.T / 2

    whole = square + crossed(A, PhiS, AK, b) + crossed(B, PsiS, BK, a).T
    return whole + a @ of.next_order(epsilon).S2 @ b.T if general else whole


def _slice(site: Site, W: Matrix, direction: Float[np.ndarray, " d"], *, fourth: bool = False) -> list[Matrix]:
    """T[x, ·, ·] and, if `fourth`, Q[x, x, ·, ·] in the modes."""
    rows, x = (jnp.asarray(v, site.zero.dtype) for v in (W.T, direction))
    return [np.asarray(found, np.float64) @ W for found in derivatives.slices(site, x, rows, fourth=fourth)]

"""The next order of the chain: S₂, T∴K, Q:S and A:K, streamed slice by slice.

For each mode k the derivatives T^k = T[·, ·, w_k] and Q[w_k, w_k, ·, ·] are taken (d Hessian-vector products, differentiated
once and twice along w_k), K^k is made of T^k, everything that needs them is added up, and they are forgotten:

    Q:S = Σ_k S_k Q_kk     T∴K = Σ_k tr(T^k K^k)     T_ipq T_jrs S_pr S_qs = Σ_k S_k T^k S T^k     (A:K)_k = tr(A K^k)

d² derivatives of third and fourth order and O(d²) numbers held; matrix products of O(d⁴) in all. With minibatches S is not
diagonal in the modes: the slices along the columns of R = S diag(a) and of C, S = CCᵀ, come in addition.

One pass serves several chains at once, other γ and ε of one minimum: their modes are the same.

Reading order: `Second`, `collect`, `covariances`.
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


Point = tuple["Curvature", float]


class _Sums:
    """What one law wants of the slices: S₂ and its companions, if wanted, and A:K for each row of Hessians A."""

    def __init__(self, of: "Curvature", epsilon: float, hessians: Sequence[Float[np.ndarray, "p d d"]], second: bool):
        self.of, self.epsilon, self.law, self.hessians, self.second = of, epsilon, of.law(epsilon), hessians, second
        d = len(self.law.p)
        self.m = self.law.mean(of.bent(epsilon))
        self.noisy = None if self.law.diagonal else noise.Driven.of(of, self.law.R, self.law.e)
        self.KT, self.TT, self.QS, self.TK = np.zeros((d, d)), np.zeros((d, d)), np.zeros((d, d)), 0.0
        self.contracted = [np.zeros(A.shape[:2]) for A in hessians]

    def add(self, k: int, T: Matrix, Q: Sequence[Matrix]) -> None:
        """Take in T[·, ·, w_k], and Q[w_k, w_k, ·, ·] where S₂ is wanted."""
        law, C, site, W = self.law, self.law.root, self.of.site, self.of.W
        TR = driven = None
        if self.noisy is not None:
            (TR,) = _slice(site, W, W @ law.R[:, k])
            driven = self.noisy.third(k)
        K = law.third(k, T, TR, driven)
        for A, found in zip(self.hessians, self.contracted, strict=True):
            found[:, k] = A.reshape(len(A), -1) @ K.reshape(-1)
        if self.second:
            TC, QC = (T * C[k, k], Q[0] * law.spread[k]) if law.diagonal else _slice(site, W, W @ C[:, k], fourth=True)
            self.KT += K @ T
            self.TT += TC @ law.times_S(TC).T
            self.QS += QC
            self.TK += float(np.sum(K * T))

    def finish(self) -> Second | None:
        if not self.second:
            return None
        of, law, m = self.of, self.law, self.m
        (Tm,) = _slice(of.site, of.W, of.W @ m)
        driven = None if self.noisy is None else self.noisy.second(m, law.root)
        S2 = law.second(self.KT, Tm, self.QS, self.TT, driven)
        return Second(S2, self.TK, self.QS, of.bent(self.epsilon), m, law.S)


def collect(
    of: "Curvature", epsilon: float, hessians: Sequence[Float[np.ndarray, "p d d"]], *, second: bool = True
) -> tuple[Second | None, list[Float[np.ndarray, "p d"]]]:
    """S₂ and its companions, if wanted, and A:K for each row of Hessians A, in one pass over the slices."""
    sums = _Sums(of, epsilon, hessians, second)
    _stream([sums])
    return sums.finish(), sums.contracted


def _stream(wanted: Sequence[_Sums]) -> None:
    """One pass over the slices for all laws, which share their modes."""
    site, W, fourth = wanted[0].of.site, wanted[0].of.W, any(sums.second for sums in wanted)
    affordable(W.shape[1])
    for k in range(W.shape[1]):
        T, *Q = _slice(site, W, W[:, k], fourth=fourth)
        for sums in wanted:
            sums.add(k, T, Q)


def covariance(of: "Curvature", phi: Observable, psi: Observable, epsilon: float) -> Float[np.ndarray, "p q"]:
    """The coefficient of t⁻² of Cov(φ, ψ) of one chain; see `covariances`."""
    return covariances([(of, epsilon)], phi, psi)[0]


def covariances(points: Sequence[Point], phi: Observable, psi: Observable) -> list[Float[np.ndarray, "p q"]]:
    """The coefficient of t⁻² of Cov(φ, ψ), aᵀS₂b + ½ tr(ASBS) + R(φ, ψ) + R(ψ, φ), for several chains (curvature, ε) at once.

        R(φ, ψ) = ½ (Sb)·(Φ:S) + ½ A_ij K_ijk b_k + mᵀASb

    DL_n(w*) = 0 at this order: S₂ is not needed where one of the two is L_n. The slices, which are the costly part, are taken once
    for all; `Curvature.next_order` remembers what belongs to it. Raises `BadInput` unless the curvatures share their modes, as
    those of `Curvature.localised` do.
    """
    of = points[0][0]
    if any(other.vectors is not of.vectors or (other.D is not None and other is not of) for other, _ in points):
        raise BadInput(
            "quadratic: several chains at once must share their modes: take one curvature, unconditioned, and its `localised`."
        )
    W, site, d = of.W, of.site, len(of.free)
    affordable(d)
    rows = (phi,) if psi is phi else (phi, psi)
    if (size := sum(map(len, rows)) * d**2 * 8) > MAX_BYTES:
        raise BadInput(
            f"quadratic: the second derivatives of the observables take {size / 2**30:.1f} GiB and {MAX_BYTES >> 30} is the "
            "most: ask for fewer observables at a time."
        )
    general = all(f.phi is not None for f in rows)
    hessians = [jets.hessians(site, f, W.T) for f in rows]
    gradients = [jets.gradients(site, f) @ W * (f.phi is not None) for f in rows]
    wanted = [
        _Sums(each, epsilon, hessians, general and ("second", float(epsilon)) not in each.known)
        for each, epsilon in points
    ]
    _stream(wanted)
    return [_assembled(sums, rows, gradients, general=general) for sums in wanted]


def _assembled(
    sums: _Sums, rows: Sequence[Observable], gradients: Sequence[np.ndarray], *, general: bool
) -> Float[np.ndarray, "p q"]:
    """The coefficient of t⁻² from what was streamed for one law."""
    of, law, m = sums.of, sums.law, sums.m
    found = sums.finish()
    if found is not None:
        of.known["second", float(sums.epsilon)] = found
    spans = (of.W @ law.root).T
    bends = [jets.trace_bends(of.site, f, spans) @ of.W for f in rows]
    jet = list(zip(gradients, sums.hessians, bends, sums.contracted, strict=True))
    (a, A, PhiS, AK), (b, B, PsiS, BK) = jet[0], jet[-1]
    SA, SB = (law.spread[:, None] * X if law.diagonal else law.S @ X for X in (A, B))
    square = SA.reshape(len(A), -1) @ SB.transpose(0, 2, 1).reshape(len(B), -1).T / 2

    def crossed(A: np.ndarray, PhiS: np.ndarray, AK: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (PhiS / 2 + m @ A) @ law.times_S(b).T + AK @ b.T / 2

    whole = square + crossed(A, PhiS, AK, b) + crossed(B, PsiS, BK, a).T
    return whole + a @ of.next_order(sums.epsilon).S2 @ b.T if general else whole


def _slice(site: Site, W: Matrix, direction: Float[np.ndarray, " d"], *, fourth: bool = False) -> list[Matrix]:
    """T[x, ·, ·] and, if `fourth`, Q[x, x, ·, ·] in the modes."""
    rows, x = (jnp.asarray(v, site.zero.dtype) for v in (W.T, direction))
    return [np.asarray(found, np.float64) @ W for found in derivatives.slices(site, x, rows, fourth=fourth)]

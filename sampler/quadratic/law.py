"""S, m, K and S₂ of the chain in the eigenbasis of its precision: the formulas, in numpy.

Coordinates y with w − w* = W y, W = D^{1/2} V, in which Wᵀ P W = diag(p): there the chain is plain SGLD with step e = εt,

    a_i = 1 − e p_i/2,   π₂ = (1 − a_i a_j)/(e/2) = p_i + p_j − (e/2) p_i p_j,
    π₃ = (1 − a_i a_j a_k)/(e/2) = p_i + p_j + p_k − (e/2)(p_i p_j + p_j p_k + p_k p_i) + (e²/4) p_i p_j p_k

and the law of total cumulance gives, divided by e/2 so that e = 0 (the posterior) is an ordinary value, with R = S diag(a),

    S_ij  π₂ = 2 δ_ij + (e/2) G_ij
    K_ijk π₃ = −[T_ipq R_pj R_qk + T_jpq R_pi R_qk + T_kpq R_pi R_qj] + (e/2) Σ_cyc G′_{ij,l} R_lk − (e²/4) N_ijk
    S₂_ij π₂ = sym[−½ a_i T_jpq K_ipq − a_i (S(T·m + ½ Q:S))_ij] + (e/4) T_ipq T_jrs S_pr S_qs + (e/2)(G′_ij·m + ½ G″_ij:S)

sym[X] = X + Xᵀ. Full batches have no G, G′, N, and S is diagonal. K is never held: it is made slice by slice, K^k = K_{··k}.

Reading order: `Law`, its `covariance`, `third`, `second`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from theory.errors import BadInput

Matrix = Float[np.ndarray, "d d"]


@dataclass(frozen=True, eq=False)
class Law:
    """The stationary law of the chain with step e = εt and the precision diag(p); `noise` is G in these coordinates, or None.

    Raises `BadInput` unless 0 < p and e p < 4.
    """

    p: Float[np.ndarray, " d"]
    e: float
    noise: Matrix | None = None

    def __post_init__(self) -> None:
        p, u = self.p, self.e * self.p
        if p[0] <= 0:
            raise BadInput(
                f"quadratic: a stationary law needs P = D²L_n + γ/nβ positive definite; its lowest eigenvalue is {p[0]:.3g}: "
                "raise gamma above −nβ times that, or restrict the weights that move."
            )
        if not (self.e >= 0 and u[-1] < 4):
            raise BadInput(
                f"quadratic: a stationary law needs 0 ≤ ε nβ λ_max(P) < 4; it is {u[-1]:.3g} with λ_max = {p[-1]:.3g}: "
                "lower epsilon (`step`)."
            )

    @property
    def diagonal(self) -> bool:
        """Whether S is: full batches."""
        return self.noise is None

    @cached_property
    def a(self) -> Float[np.ndarray, " d"]:
        """The factors of one step, 1 − e p/2."""
        return 1 - self.e / 2 * self.p

    @cached_property
    def spread(self) -> Float[np.ndarray, " d"]:
        """The eigenvalues 1/[p(1 − ep/4)] of S for full batches."""
        return 1 / (self.p * (1 - self.e * self.p / 4))

    @cached_property
    def S(self) -> Matrix:
        """t Cov y."""
        if self.noise is None:
            return np.diag(self.spread)
        return self.solve(2 * np.eye(len(self.p)) + self.e / 2 * self.noise)

    @cached_property
    def root(self) -> Matrix:
        """C with S = C Cᵀ."""
        return np.diag(np.sqrt(self.spread)) if self.diagonal else np.linalg.cholesky(self.S)

    @cached_property
    def R(self) -> Matrix:
        """S diag(a)."""
        return self.S * self.a

    def times_S(self, x: np.ndarray) -> np.ndarray:
        """x S, for rows x."""
        return x * self.spread if self.diagonal else x @ self.S

    def mean(self, TS: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
        """m = −½ P⁻¹(T:S)."""
        return -TS / (2 * self.p)

    def solve(self, source: Matrix) -> Matrix:
        """X with X π₂ = source."""
        p = self.p
        return source / (p[:, None] + p - self.e / 2 * p[:, None] * p)

    def diagonal_third(self) -> Matrix:
        """κ_ij with K_iij = κ_ij T_iij for full batches."""
        p, x, e = self.p, self.a * self.spread, self.e
        pi, pj = p[:, None], p
        denominator = 2 * pi + pj - e / 2 * (pi**2 + 2 * pi * pj) + e**2 / 4 * pi**2 * pj
        return -(x[:, None] ** 2 + 2 * x[:, None] * x) / denominator

    def third(self, k: int, T: Matrix, TR: Matrix | None = None, driven: Matrix | None = None) -> Matrix:
        """The slice K^k from T^k = T[·, ·, k], TR = T[·, ·, R_k] (both needed unless S is diagonal) and the noise's part."""
        p, q, e = self.p, self.p[k], self.e
        pairs = p[:, None] * p
        denominator = p[:, None] + p + q - e / 2 * (pairs + q * (p[:, None] + p)) + e**2 / 4 * q * pairs
        if TR is None:
            x = self.a * self.spread
            return -T * (x[:, None] * x + x[k] * (x[:, None] + x)) / denominator
        once = TR @ self.R
        return (-(once + once.T + self.R.T @ T @ self.R) + (0 if driven is None else driven)) / denominator

    def second(self, TK: Matrix, Tm: Matrix, QS: Matrix, TT: Matrix, driven: Matrix | None = None) -> Matrix:
        """S₂ from Σ_k K^k T^k, T·m, Q:S, T_ipq T_jrs S_pr S_qs and the noise's part."""
        half = -self.a[:, None] * (TK / 2 + self.S @ (Tm + QS / 2))
        return self.solve(half + half.T + self.e / 4 * TT + (0 if driven is None else driven))

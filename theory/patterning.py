"""Patterning, exactly: which change of the data gives a wanted change of structure, to first order.

Idea. Data weights q on points z give the loss L = Σ q_z ℓ_z and the structural coordinates μ_j(q) = ⟨φ_j⟩ (eq 25). For every
direction c of the weights, whatever its sum,

    dμ/dh at q + hc = −nβ Σ_z c_z Cov(φ, ℓ_z) = nβ X c − nβ (Σ c) Cov(φ, L),   X_jz = χ_z(φ_j) = −Cov(φ_j, ℓ_z − L)

so that dμ = nβ X dq on the tangent space Σ dq = 0 (eq 26). What X does not see is the scale of q, that is the temperature: X q = 0.

The inverse problem is solved by X⁺ (eq 28–30), whose image is the row space of X. That space is orthogonal to q, hence tangent
(Σ dq = 0) if q is uniform, and in general *not* tangent otherwise. Two remedies have the same response: take the mass out along
q (X q = 0), or measure dq in the χ² norm Σ dq²/q, in which the minimum-norm solution is tangent for every q and does not
depend on how the data are cut into points.

Notation: X is k × n (observables × data), s_α its singular values, η the ridge, D = diag(q); matrices are sympy matrices with exact
entries, of any rank.

Reading order: `pseudo_inverse` (two roads), `penrose`, `modes`; `tangent_pseudo_inverse`, `weighted_pseudo_inverse`,
`largest_step`; `ridge`; `pseudo_inverse_derivative`, `second_order`, `noise_bias`. `QuadraticModel` is a posterior whose μ(q) and X
are rational, for counterexamples.

Sources: Penrose, Proc. Camb. Phil. Soc. 52 (1956); Decell, SIAM Review 7 (1965); Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from theory.errors import BadInput
from theory.rational import lowest_terms


def pseudo_inverse(X: sp.Matrix) -> sp.Matrix:
    """X⁺ = Gᵀ(GGᵀ)⁻¹(FᵀF)⁻¹Fᵀ from a full-rank factorisation X = FG: exact, any rank (0 for X = 0)."""
    F, G = factorise(X)
    return _right(G) * _left(F)


def factorise(X: sp.Matrix) -> tuple[sp.Matrix, sp.Matrix]:
    """X = FG with F (k × r) the pivot columns of X and G (r × n) the rows of its reduced echelon form."""
    echelon, pivots = sp.Matrix(X).rref()
    return X.extract(list(range(X.rows)), list(pivots)), echelon[: len(pivots), :]


def _right(G: sp.Matrix) -> sp.Matrix:
    """Gᵀ(GGᵀ)⁻¹, the right inverse of full row rank."""
    return G.T * (G * G.T).inv()


def _left(F: sp.Matrix) -> sp.Matrix:
    """(FᵀF)⁻¹Fᵀ, the left inverse of full column rank."""
    return (F.T * F).inv() * F.T


def spectral_pseudo_inverse(X: sp.Matrix) -> sp.Matrix:
    """X⁺ = Σ_α s_α⁻¹ v_α u_αᵀ (eq 30) without a root: Xᵀp(XXᵀ), p the polynomial with p(λ) = 1/λ at the eigenvalues λ ≠ 0.

    det(λ − XXᵀ) = λ^{k−r}(λ^r + a_1 λ^{r−1} + … + a_r) gives p(λ) = −(λ^{r−1} + a_1 λ^{r−2} + … + a_{r−1})/a_r (Decell 1965).
    """
    gram = X * X.T
    a = gram.charpoly().all_coeffs()
    while sp.expand(a[-1]) == 0:
        a.pop()
    if len(a) == 1:
        return sp.zeros(X.cols, X.rows)
    p = 0 * gram
    for coefficient in a[:-1]:
        p = p * gram + coefficient * sp.eye(X.rows)
    return -X.T * p / a[-1]


def penrose(X: sp.Matrix, P: sp.Matrix) -> dict[str, sp.Matrix]:
    """What is left of the four axioms that define P = X⁺: XPX = X, PXP = P, XP and PX symmetric (Penrose 1956)."""
    return {
        "XPX − X": X * P * X - X,
        "PXP − P": P * X * P - P,
        "XP − (XP)ᵀ": X * P - (X * P).T,
        "PX − (PX)ᵀ": P * X - (P * X).T,
    }


@dataclass(frozen=True)
class Mode:
    """One term of X = Σ_α s_α u_α v_αᵀ (eq 27): `u` a structure (k × 1), `v` a data pattern (n × 1), `s` > 0 the coupling."""

    s: sp.Expr
    u: sp.Matrix
    v: sp.Matrix


def modes(X: sp.Matrix) -> list[Mode]:
    """The modes with s > 0 from the exact eigenvectors of XXᵀ, largest coupling first (eq 27): X v = s u, Xᵀu = s v.

    For small matrices: the eigenvalues must be solvable in radicals. Inside a multiple singular value the basis is a choice.
    """
    found = []
    for eigenvalue, _, vectors in (X * X.T).eigenvects():
        if eigenvalue != 0:
            s = sp.sqrt(eigenvalue)
            for u in sp.GramSchmidt(vectors, orthonormal=True):
                found.append(Mode(s, u, X.T * u / s))
    return sorted(found, key=lambda mode: sp.N(mode.s), reverse=True)


def tangent_pseudo_inverse(X: sp.Matrix) -> sp.Matrix:
    """(XP)⁺ with P = 1 − 11ᵀ/n: the solution of least Euclidean norm among the tangent vectors, Σ dq = 0 (n × k)."""
    return pseudo_inverse(X * (sp.eye(X.cols) - sp.ones(X.cols) / X.cols))


def weighted_pseudo_inverse(X: sp.Matrix, q: Sequence[sp.Expr]) -> sp.Matrix:
    """D^{1/2}(X D^{1/2})⁺ = D Gᵀ(G D Gᵀ)⁻¹(FᵀF)⁻¹Fᵀ, X = FG: least squares of least χ² norm Σ dq_z²/q_z (n × k).

    With X q = 0 its columns sum to 0 for every q > 0. Raises `BadInput` for weights that are not n positive numbers.
    """
    q = [sp.sympify(weight) for weight in q]
    if len(q) != X.cols or any(weight.is_positive is False for weight in q):
        raise BadInput(f"the χ² norm needs {X.cols} positive weights q; it was given {q}: leave out points of weight 0")
    F, G = factorise(X)
    D = sp.diag(*q)
    return D * G.T * (G * D * G.T).inv() * _left(F)


def largest_step(q: Sequence[sp.Expr], dq: Sequence[sp.Expr]) -> sp.Expr:
    """The largest h with q + h dq ≥ 0: min q_z/(−dq_z) over dq_z < 0, oo, the least of nothing, if no weight falls."""
    steps = [weight / -change for weight, change in zip(q, dq, strict=True) if change < 0]
    return sp.Min(*steps)


def ridge(X: sp.Matrix, eta: sp.Expr) -> sp.Matrix:
    """R_η = (XᵀX + η)⁻¹Xᵀ (§6.5.2), computed as Xᵀ(XXᵀ + η)⁻¹, of Xᵀ where that is the smaller system; X⁺ as η → 0."""
    if X.rows > X.cols:
        return ridge(X.T, eta).T
    return X.T * (X * X.T + eta * sp.eye(X.rows)).inv()


def ridge_factor(sigma: sp.Expr, eta: sp.Expr) -> sp.Expr:
    """σ/(σ² + η), what R_η puts for 1/σ (§6.5.2): at most 1/(2√η), with equality at σ = √η only."""
    return sigma / (sigma**2 + eta)


def pseudo_inverse_derivative(X: sp.Matrix, E: sp.Matrix) -> sp.Matrix:
    """dX⁺ along E at constant rank: −X⁺EX⁺ + X⁺X⁺ᵀEᵀ(1 − XX⁺) + (1 − X⁺X)EᵀX⁺ᵀX⁺ (Golub and Pereyra 1973).

    Between modes α and β the first term is −E_αβ/(s_α s_β); the others, out of the range and into the kernel, are E/s_α².
    """
    P = pseudo_inverse(X)
    out, kernel = sp.eye(X.rows) - X * P, sp.eye(X.cols) - P * X
    return -P * E * P + P * P.T * E.T * out + kernel * E.T * P.T * P


def second_order(X: sp.Matrix, E: sp.Matrix, eta: sp.Expr = sp.S.Zero) -> sp.Matrix:
    """The h² coefficient of R_η(X + hE): with K = (XXᵀ + η)⁻¹ and M = EXᵀ + XEᵀ,

    Xᵀ K (M K M − E Eᵀ) K − Eᵀ K M K        (η = 0: of X⁺, for X of full row rank).
    """
    K = (X * X.T + eta * sp.eye(X.rows)).inv()
    M = E * X.T + X * E.T
    return X.T * K * (M * K * M - E * E.T) * K - E.T * K * M * K


def noise_bias(X: sp.Matrix, v: sp.Expr) -> sp.Matrix:
    """E[(X + noise)⁺] − X⁺ = −(n − k − 1) v Xᵀ(XXᵀ)⁻² + O(v²): independent entries of variance v, full row rank k ≤ n.

    A mode of strength s is misjudged by the factor 1 − (n − k − 1)v/s²: too strong a push if n = k, too weak if n > k + 1.
    """
    K = (X * X.T).inv()
    return -(X.cols - X.rows - 1) * v * X.T * K * K


@dataclass(frozen=True)
class QuadraticModel:
    """Losses ℓ_z(w) = ½ wᵀA_z w − b_zᵀw, flat prior: the posterior is Gaussian and everything is a rational function of q.

    losses: polynomials of degree ≤ 2 in `variables`; phis: polynomials; t = nβ.
    """

    losses: tuple[sp.Expr, ...]
    phis: tuple[sp.Expr, ...]
    variables: tuple[sp.Symbol, ...]
    t: sp.Expr

    def loss(self, q: Sequence[sp.Expr]) -> sp.Expr:
        """L = Σ q_z ℓ_z."""
        return sp.expand(sp.Add(*(weight * loss for weight, loss in zip(q, self.losses, strict=True))))

    def mean(self, f: sp.Expr, q: Sequence[sp.Expr]) -> sp.Expr:
        """⟨f⟩ = Σ_k (½ Σ:∂²)^k f / k! at the minimum, Σ = (t D²L)⁻¹: the moments of a Gaussian, for polynomials f."""
        hessian = sp.hessian(self.loss(q), self.variables)
        sigma = (self.t * hessian).inv()
        slope = sp.Matrix([sp.diff(self.loss(q), w) for w in self.variables]).subs(dict.fromkeys(self.variables, 0))
        place = -hessian.inv() * slope
        minimum = {w: place[i] for i, w in enumerate(self.variables)}
        total, term, k = sp.S.Zero, sp.expand(f), 0
        while term != 0:
            total += term.subs(minimum)
            k += 1
            second = sp.hessian(term, self.variables)
            term = sp.expand((sigma * second).trace() / (2 * k))
        return lowest_terms(total)

    def coordinates(self, q: Sequence[sp.Expr]) -> sp.Matrix:
        """μ(q) = (⟨φ_j⟩)_j (eq 25), for any positive weights, normalised or not."""
        return sp.Matrix([self.mean(phi, q) for phi in self.phis])

    def susceptibilities(self, q: Sequence[sp.Expr]) -> sp.Matrix:
        """X_jz = −Cov(φ_j, ℓ_z − L) (k × n)."""
        centred = [sp.expand(loss - self.loss(q)) for loss in self.losses]

        def covariance(f: sp.Expr, g: sp.Expr) -> sp.Expr:
            return self.mean(sp.expand(f * g), q) - self.mean(f, q) * self.mean(g, q)

        return sp.Matrix([[-covariance(phi, loss) for loss in centred] for phi in self.phis])

"""The formulas of section 4.1 and appendix A, as the primer prints them and in its letters.

Σ = H⁻¹, T = D³L, Q = D⁴L; a, A, Φ are the derivatives of φ at w*, b, B those of ψ, c, C those of χ; (T:M)_i = Σ_jk T_ijk M_jk;
p = D log prior. Each formula reads the derivatives off a `Problem` and knows nothing of how the coefficient is derived.

Reading order: that of the paper.
"""

from collections.abc import Callable

import sympy as sp

from ledger.coefficient import Problem
from theory.tensors import contract, dot, taylor
from theory.wick import moment

HALF, QUARTER = sp.Rational(1, 2), sp.Rational(1, 4)


def lemma_18(problem: Problem) -> sp.Expr:
    """eq 12: ½ [tr(AΣ) − (Σa)·(T:Σ)] for φ(w*) = 0."""
    data, (phi,) = problem.data, problem.taylor
    return ((phi.D2 * data.Sigma).trace() - dot(data.Sigma * phi.D1, data.T_Sigma)) / 2


def lemma_20(problem: Problem) -> sp.Expr:
    """eq 14: aᵀΣb for φ(w*) = ψ(w*) = 0."""
    phi, psi = problem.taylor
    return dot(phi.D1, problem.data.Sigma * psi.D1)


def eigenbasis(problem: Problem) -> sp.Expr:
    """eq 16: Σ_i a_i b_i/λ_i in the eigenbasis of H, for φ(w*) = ψ(w*) = 0."""
    phi, psi = problem.taylor
    total = sp.S.Zero
    for eigenvalue, _, vectors in problem.data.H.eigenvects():
        for v in sp.GramSchmidt([sp.Matrix(v) for v in vectors], orthonormal=True):
            total += dot(phi.D1, v) * dot(psi.D1, v) / eigenvalue
    return sp.radsimp(sp.expand(total))


def corollary_23(problem: Problem) -> sp.Expr:
    """eq 17: t χ(φ; ΔL) → IF(φ, ΔL) = −Dφᵀ H⁻¹ DΔL. The problem's second observable is −ΔL, so that κ = χ."""
    phi, minus_delta = problem.taylor
    return -dot(phi.D1, problem.data.H.LUsolve(-minus_delta.D1))


def example_24(problem: Problem) -> sp.Expr:
    """eq 18: t χ_z(φ) → −Σ_i (∂_iφ)(∂_iℓ_z)/λ_i in the eigenbasis of H. The second observable is −(ℓ_z − L)."""
    phi, _ = problem.taylor
    sample = taylor(problem.loss - problem.observables[1], problem.variables, problem.data.at)
    total = sp.S.Zero
    for eigenvalue, _, vectors in problem.data.H.eigenvects():
        for v in sp.GramSchmidt([sp.Matrix(v) for v in vectors], orthonormal=True):
            total -= dot(phi.D1, v) * dot(sample.D1, v) / eigenvalue
    return sp.radsimp(sp.expand(total))


def lemma_25_terms(problem: Problem) -> tuple[sp.Expr, ...]:
    """eq 19 without its factors: tr(AΣBΣ), (Σb)·(Φ:Σ), bᵀΣAΣ(T:Σ), (Σb)·(T:(ΣAΣ))."""
    data, (phi, psi) = problem.data, problem.taylor
    S, A, b = data.Sigma, phi.D2, psi.D1
    return (
        (A * S * psi.D2 * S).trace(),
        dot(S * b, contract(phi.D3, S)),
        dot(b, S * A * S * data.T_Sigma),
        dot(S * b, contract(data.T, S * A * S)),
    )


LEMMA_25_FACTORS = (HALF, HALF, -HALF, -HALF)


def lemma_25(problem: Problem, factors: tuple[sp.Rational, ...] = LEMMA_25_FACTORS) -> sp.Expr:
    """eq 19: ½ tr(AΣBΣ) + ½ (Σb)·(Φ:Σ) − ½ bᵀΣAΣ(T:Σ) − ½ (Σb)·(T:(ΣAΣ)) for Dφ(w*) = 0."""
    return sum((f * term for f, term in zip(factors, lemma_25_terms(problem), strict=True)), sp.S.Zero)


def example_27(problem: Problem) -> sp.Expr:
    """eq 21: ½ tr(BΣ) − ½ (Σb)·(T:Σ) for φ = L."""
    data, (_, psi) = problem.data, problem.taylor
    return ((psi.D2 * data.Sigma).trace() - dot(data.Sigma * psi.D1, data.T_Sigma)) / 2


def third_cumulant(problem: Problem) -> sp.Expr:
    """t² κ₃(φ, ψ, χ) → aᵀΣCΣb + aᵀΣBΣc + bᵀΣAΣc − T(Σa, Σb, Σc): the four trees on three marked vertices."""
    (f, g, h), S = problem.taylor, problem.data.Sigma
    trees = dot(f.D1, S * h.D2 * S * g.D1) + dot(f.D1, S * g.D2 * S * h.D1) + dot(g.D1, S * f.D2 * S * h.D1)
    return trees - apply(problem.data.T, S * f.D1, S * g.D1, S * h.D1)


def fourth_cumulant(problem: Problem) -> sp.Expr:
    """t³ κ₄ of linear observables → Σ over three pairings of (T·Σa·Σb) Σ (T·Σc·Σd) − Q(Σa, Σb, Σc, Σd)."""
    data = problem.data
    a, b, c, d = (data.Sigma * f.D1 for f in problem.taylor)
    Q = fourth_derivative(problem)

    def pair(u: sp.Matrix, v: sp.Matrix) -> sp.Matrix:
        n = range(data.H.rows)
        return sp.Matrix([sum((data.T[i, j, k] * u[j] * v[k] for j in n for k in n), sp.S.Zero) for i in n])

    exchanges = [(a, b, c, d), (a, c, b, d), (a, d, b, c)]
    return sum((dot(pair(u, v), data.Sigma * pair(w, z)) for u, v, w, z in exchanges), sp.S.Zero) - apply(Q, a, b, c, d)


def fourth_derivative(problem: Problem) -> sp.Array:
    """Q = D⁴L(w*)."""
    v, at = problem.variables, problem.data.at
    return sp.Array([[[[sp.diff(problem.loss, i, j, k, m).subs(at) for m in v] for k in v] for j in v] for i in v])


def apply(tensor: sp.Array, *vectors: sp.Matrix) -> sp.Expr:
    """The multilinear form: Σ D_{ij…} u_i v_j …"""
    for vector in vectors:
        tensor = sp.tensorcontraction(sp.tensorproduct(sp.Array(list(vector)), tensor), (0, 1))
    return sp.sympify(tensor)


def log_prior_gradient(problem: Problem) -> sp.Matrix:
    """p = D log prior(w*)."""
    return taylor(sp.log(problem.prior), problem.variables, problem.data.at).D1


def lemma_18_with_prior(problem: Problem) -> sp.Expr:
    """eq 12 for a prior that is not flat: ½ [tr(AΣ) − (Σa)·(T:Σ)] + aᵀΣp."""
    return lemma_18(problem) + dot(problem.taylor[0].D1, problem.data.Sigma * log_prior_gradient(problem))


def lemma_25_with_prior(problem: Problem) -> sp.Expr:
    """eq 19 for a prior that is not flat: one more term, bᵀΣAΣp."""
    S, (phi, psi) = problem.data.Sigma, problem.taylor
    return lemma_25(problem) + dot(psi.D1, S * phi.D2 * S * log_prior_gradient(problem))


# ── appendix A ────────────────────────────────────────────────────────────────────────────────────────────────────────


def isserlis_classes(problem: Problem, phi: sp.Expr, psi: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """E[φ₂ψ₂], E[φ₃ψ₁], E[φ₂ψ₁L₃] over N(0, Σ) as the primer gives them (Isserlis):

    ¼ tr(AΣ) tr(BΣ) + ½ tr(AΣBΣ);   ½ (Σb)·(Φ:Σ);   ¼ tr(AΣ)(Σb)·(T:Σ) + ½ bᵀΣAΣ(T:Σ) + ½ (Σb)·(T:(ΣAΣ)).
    """
    data, (f, g) = problem.data, _pair(problem, phi, psi)
    S, A, B, b = data.Sigma, f.D2, g.D2, g.D1
    return (
        QUARTER * (A * S).trace() * (B * S).trace() + HALF * (A * S * B * S).trace(),
        HALF * dot(S * b, contract(f.D3, S)),
        QUARTER * (A * S).trace() * dot(S * b, data.T_Sigma)
        + HALF * dot(b, S * A * S * data.T_Sigma)
        + HALF * dot(S * b, contract(data.T, S * A * S)),
    )


def wick_classes(problem: Problem, phi: sp.Expr, psi: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The same three numbers as sums over all pairings of indices, nothing grouped: 3, 3 and 15 pairings a term."""
    data, (f, g) = problem.data, _pair(problem, phi, psi)
    n = range(data.H.rows)

    def expectation(*factors: tuple[sp.Array, int]) -> sp.Expr:
        """E[Π D^r/r! (x, …, x)] by `theory.wick.moment`."""
        total, ranks = sp.S.Zero, [r for _, r in factors]
        for indices in sp.utilities.iterables.variations(n, sum(ranks), repetition=True):
            coefficient, start = sp.S.One, 0
            for tensor, r in factors:
                coefficient *= tensor[tuple(indices[start : start + r])] / sp.factorial(r)
                start += r
            if coefficient != 0:
                total += coefficient * moment(indices, data.Sigma)
        return total

    A, B, b = sp.Array(f.D2), sp.Array(g.D2), sp.Array(list(g.D1))
    return (
        expectation((A, 2), (B, 2)),
        expectation((f.D3, 3), (b, 1)),
        expectation((A, 2), (b, 1), (data.T, 3)),
    )


def lemma_33(phi: sp.Expr, psi: sp.Expr, signs: tuple[int, int, int] = (1, 1, -1)) -> Callable[[Problem], sp.Expr]:
    """eq 36: t²⟨φψ⟩ → E[φ₂ψ₂] + E[φ₃ψ₁] − E[φ₂ψ₁L₃] for Dφ(w*) = 0, φ(w*) = ψ(w*) = 0; the observable is the product."""

    def value(problem: Problem) -> sp.Expr:
        return sum((s * e for s, e in zip(signs, wick_classes(problem, phi, psi), strict=True)), sp.S.Zero)

    return value


def _pair(problem: Problem, phi: sp.Expr, psi: sp.Expr):
    return tuple(taylor(f, problem.variables, problem.data.at) for f in (phi, psi))

"""The stationary law of the discrete Langevin chain to second order, in closed form: the second road beside `theory.langevin`.

With ε = e/t, w = w* + h x, h = t^{−1/2}, one step of the chain is

    x' = F(x) + noise,   F(x) = A x − h (e/4) D T:xx − h² [(e/12) D Q:xxx + (e/2) γ D x],   A = I − (e/2) D H,

with D the preconditioner and conditional covariance C(x) = e D + (e²/4) D G(hx) D, third cumulant −h (e³/8) DDD N for gradient
noise of covariance t G and third cumulant t N. The cumulants of the stationary law,

    E x = h m + …,   Cov x = S + h² S₂ + …,   κ₃(x) = h K + …,

follow from the law of total cumulance, κ(x') = κ(x), one linear equation each:

    S  = A S Aᵀ + e D + (e²/4) D G D
    m  = −½ H⁻¹(T:S)                                                              E g = 0; e enters through S alone
    K  = A∘A∘A K + 3 places of κ(F₁, Ax, Ax) + 3 places of Cov(C₁, Ax) − (e³/8) D∘D∘D N
    S₂ = A S₂ Aᵀ + sym Cov(Ax, h F₁ + h² F₂) + Cov(F₁, F₁) + E C at order h²

No expansion of an integrand, no moments: tensors and matrix equations only, in any coordinates (H need not be diagonal, D H not
symmetric). e may be a symbol. For e → 0 all four are those of the posterior: S → H⁻¹, K → −T∘ΣΣΣ.

With `confinement` = c all four hold with P = H + c I for H; only the observables keep H (`Law.hessian`).

Notation as in `theory.tensors`; (T:M)_i = Σ_jk T_ijk M_jk. Reading order: `law`, `Law` and its methods (the discrete Lemmas 18, 20
and 25, Example 27 and the learning coefficient), then the four equations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import sympy as sp

from theory.langevin import Noise, locate_confined, refuse_unstable
from theory.rational import lowest_terms
from theory.tensors import LossData, Taylor, contract, dot, loss_data, taylor


@dataclass(frozen=True)
class Law:
    """S, m, K, S₂ of the chain: E x = h m, Cov x = S + h² S₂, κ₃(x) = h K; exact expressions.

    data, Q: the tensors of the potential that drives the chain, L + (c/2)|w − w*|² with c = `confinement` (P = H + c I for H).
    """

    data: LossData
    Q: sp.Array
    variables: tuple[sp.Symbol, ...]
    S: sp.Matrix
    m: sp.Matrix
    K: sp.Array
    S2: sp.Matrix
    confinement: sp.Expr = sp.S.Zero

    def mean(self, psi: sp.Expr) -> sp.Expr:
        """Lemma 18 for the chain: t(Eψ − ψ(w*)) → b·m + ½ tr(BS) = ½ [tr(BS) − b·H⁻¹(T:S)]."""
        f = self._taylor(psi)
        return lowest_terms(dot(f.D1, self.m) + (f.D2 * self.S).trace() / 2)

    def covariance(self, phi: sp.Expr, psi: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        """The coefficients of t⁻¹ and t⁻² of Cov(φ, ψ), any φ and ψ:

        aᵀSb                                                                                         (Lemma 20 for the chain)
        aᵀS₂b + ½ tr(ASBS) + {½ (Sb)·(Φ:S) + ½ A_ij K_ijk b_k + mᵀASb} + {φ ↔ ψ}               (Lemma 25 where a = 0)
        """
        f, g = self._taylor(phi), self._taylor(psi)
        second = dot(f.D1, self.S2 * g.D1) + (f.D2 * self.S * g.D2 * self.S).trace() / 2
        second += self._crossed(f, g) + self._crossed(g, f)
        return lowest_terms(dot(f.D1, self.S * g.D1)), lowest_terms(second)

    def _crossed(self, f: Taylor, g: Taylor) -> sp.Expr:
        """½ (Sb)·(Φ:S) + ½ A_ij K_ijk b_k + mᵀASb."""
        n = range(len(self.variables))
        k = sp.Add(*(f.D2[i, j] * self.K[i, j, l] * g.D1[l] for i in n for j in n for l in n))
        return (dot(self.S * g.D1, contract(f.D3, self.S)) + k) / 2 + dot(self.m, f.D2 * self.S * g.D1)

    def with_the_loss(self, psi: sp.Expr) -> sp.Expr:
        """Example 27 for the chain, t² Cov(L, ψ) → ½ tr(HSBS) + ½ H_ij K_ijk b_k: the terms in T:S cancel, exactly in e.

        Under a confinement c they do so up to ½ c (T:S)·P⁻¹Sb, P = H + c I.
        """
        f, H, n = self._taylor(psi), self.hessian, range(len(self.variables))
        k = sp.Add(*(H[i, j] * self.K[i, j, l] * f.D1[l] for i in n for j in n for l in n))
        left = self.confinement * dot(contract(self.data.T, self.S), self.data.Sigma * self.S * f.D1)
        return lowest_terms(((H * self.S * f.D2 * self.S).trace() + k + left) / 2)

    @property
    def hessian(self) -> sp.Matrix:
        """H of the loss itself, P − c I."""
        return self.data.H - self.confinement * sp.eye(len(self.variables))

    def learning_coefficient(self) -> tuple[sp.Expr, sp.Expr]:
        """l₀ and l₁ of t E[L − L(w*)] = l₀ + l₁/t + O(t⁻²):

        l₀ = ½ tr(HS),   l₁ = ½ tr(HS₂) + ½ m·Hm + ½ m·(T:S) + (1/6) T∴K + ⅛ Q::(S, S);

        without confinement Hm = −½ T:S, and the second and third terms are −⅛ (T:S)·H⁻¹(T:S).
        """
        H, m = self.hessian, self.m
        n, TS = range(len(self.variables)), contract(self.data.T, self.S)
        TK = sp.Add(*(self.data.T[i, j, k] * self.K[i, j, k] for i in n for j in n for k in n))
        QSS = sp.Add(*(self.Q[i, j, k, l] * self.S[i, j] * self.S[k, l] for i in n for j in n for k in n for l in n))
        first = ((H * self.S2).trace() + dot(m, H * m) + dot(m, TS)) / 2 + TK / 6 + QSS / 8
        return lowest_terms((H * self.S).trace() / 2), lowest_terms(first)

    def _taylor(self, f: sp.Expr) -> Taylor:
        return taylor(f, self.variables, self.data.at)


def law(
    loss: sp.Expr,
    variables: Sequence[sp.Symbol],
    *,
    e: Any,
    at: Any = None,
    gamma: Any = 0,
    confinement: Any = 0,
    noise: Noise | None = None,
    preconditioner: Any = None,
) -> Law:
    """The law of SGLD with step ε = e/t, to second order; arguments as in `theory.langevin.expectation`.

    noise[(i, j)] and noise[(i, j, k)]: the covariance and the third cumulant of the gradient over t, expressions in `variables`.
    Higher cumulants do not enter to this order. Raises `BadInput` when the chain is unstable at leading order.
    """
    variables, e, gamma, confinement = tuple(variables), sp.sympify(e), sp.sympify(gamma), sp.sympify(confinement)
    at = locate_confined(sp.sympify(loss), variables, at, confinement)
    square = sp.Add(*((v - at[v]) ** 2 for v in variables))
    loss = loss + confinement / 2 * square
    data = loss_data(loss, variables, at)
    d = len(variables)
    D = sp.eye(d) if preconditioner is None else sp.Matrix(preconditioner)
    refuse_unstable(D, data.H, e)
    Q = sp.Array(
        [[[[_at(data, loss, i, j, k, l) for l in variables] for k in variables] for j in variables] for i in variables]
    )
    chain = _Chain(data, Q, D, e, gamma, _GradientNoise(noise or {}, variables, data.at))
    S = chain.covariance()
    m = -data.Sigma * contract(data.T, S) / 2
    K = chain.third_cumulant(S)
    return Law(data, Q, variables, S, m, K, chain.second_covariance(S, m, K), confinement)


def _at(data: LossData, f: sp.Expr, *by: sp.Symbol) -> sp.Expr:
    return sp.sympify(sp.diff(f, *by).subs(data.at))


class _GradientNoise:
    """G, its first and second derivatives, and N at w*: plain nested values, symmetric in the noise indices."""

    def __init__(self, noise: Noise, variables: tuple[sp.Symbol, ...], at: Mapping[sp.Symbol, sp.Expr]):
        n = range(len(variables))

        def value(indices: tuple[int, ...], *by: sp.Symbol) -> sp.Expr:
            f = sp.sympify(noise.get(tuple(sorted(indices)), 0))
            return sp.sympify((sp.diff(f, *by) if by else f).subs(at))

        self.G = sp.Matrix(len(variables), len(variables), lambda i, j: value((i, j)))
        self.first = [sp.Matrix([[value((i, j), v) for j in n] for i in n]) for v in variables]
        self.second = [[sp.Matrix([[value((i, j), v, w) for j in n] for i in n]) for w in variables] for v in variables]
        self.N = sp.Array([[[value((i, j, k)) for k in n] for j in n] for i in n])


@dataclass(frozen=True)
class _Chain:
    data: LossData
    Q: sp.Array
    D: sp.Matrix
    e: sp.Expr
    gamma: sp.Expr
    noise: _GradientNoise

    @property
    def A(self) -> sp.Matrix:
        return sp.eye(self.D.rows) - self.e / 2 * self.D * self.data.H

    def _driven(self, G: sp.Matrix) -> sp.Matrix:
        """(e²/4) D G D: what gradient noise adds to the covariance of a step."""
        return self.e**2 / 4 * self.D * G * self.D

    def covariance(self) -> sp.Matrix:
        """S = A S Aᵀ + e D + (e²/4) D G D."""
        return _as_matrix(self._solve(sp.Array(self.e * self.D + self._driven(self.noise.G))))

    def third_cumulant(self, S: sp.Matrix) -> sp.Array:
        """K: κ(F₁, Ax, Ax)_ijk = −(e/2) D_ip T_pqr (AS)_jq (AS)_kr and Cov(C₁, Ax)_jk,i = (e²/4) (D ∂_l G D)_jk (AS)_il."""
        n, AS = range(self.D.rows), self.A * S
        quadratic = _along(_along(_along(self.data.T, self.D), AS, 1), AS, 2)
        driven = [self._driven(G) for G in self.noise.first]

        def entry(i: int, j: int, k: int) -> sp.Expr:
            moving = sp.Add(*(driven[l][j, k] * AS[i, l] for l in n))
            return moving - self.e / 2 * quadratic[i, j, k]

        cyclic = [[[entry(i, j, k) + entry(j, k, i) + entry(k, i, j) for k in n] for j in n] for i in n]
        thrice = reduce(lambda tensor, slot: _along(tensor, self.D, slot), range(3), self.noise.N)
        return self._solve(sp.Array(cyclic) - self.e**3 / 8 * thrice)

    def second_covariance(self, S: sp.Matrix, m: sp.Matrix, K: sp.Array) -> sp.Matrix:
        """S₂ from Cov(Ax, hF₁ + h²F₂), Cov(F₁, F₁) and E C:

        Cov(x, T:xx) = h [K:T + 2 S (T·m)],   Cov(x, Q:xxx) = 3 S (Q:S),   Cov(T:xx, T:xx) = 2 T∘SS∘T.
        """
        n, T, D, e = range(self.D.rows), self.data.T, self.D, self.e
        KT = sp.Matrix(D.rows, D.rows, lambda i, p: sp.Add(*(K[i, q, r] * T[p, q, r] for q in n for r in n)))
        Tm = sp.Matrix(D.rows, D.rows, lambda p, q: sp.Add(*(T[p, q, r] * m[r] for r in n)))
        QS = sp.Matrix(D.rows, D.rows, lambda p, q: sp.Add(*(self.Q[p, q, r, s] * S[r, s] for r in n for s in n)))
        drift = -e / 4 * (KT + 2 * S * Tm) - e / 4 * S * QS - e / 2 * self.gamma * S
        cross = self.A * drift * D
        TS = _along(_along(T, S, 1), S, 2)
        TT = sp.Matrix(D.rows, D.rows, lambda p, q: sp.Add(*(T[p, a, b] * TS[q, a, b] for a in n for b in n)))
        moved = sum((self._driven(G) * m[l] for l, G in enumerate(self.noise.first)), sp.zeros(D.rows))
        curved = sum((self._driven(self.noise.second[k][l]) * S[k, l] / 2 for k in n for l in n), sp.zeros(D.rows))
        return _as_matrix(self._solve(sp.Array(cross + cross.T + e**2 / 8 * D * TT * D + moved + curved)))

    def _solve(self, source: sp.Array) -> sp.Array:
        """The symmetric tensor X with X = A∘…∘A X + source."""
        rank, d = source.rank(), self.D.rows
        classes = sorted({tuple(sorted(index)) for index in sp.utilities.iterables.variations(range(d), rank, True)})
        unknown = {index: sp.Dummy() for index in classes}
        shape = (d,) * rank
        X = sp.Array([unknown[tuple(sorted(index))] for index in _indices(d, rank)], shape)
        mapped = reduce(lambda tensor, slot: _along(tensor, self.A, slot), range(rank), X)
        equations = [X[index] - mapped[index] - source[index] for index in classes]
        (solution,) = sp.linsolve(equations, list(unknown.values()))
        values = {index: lowest_terms(solution[i]) for i, index in enumerate(classes)}
        return sp.Array([values[tuple(sorted(index))] for index in _indices(d, rank)], shape)


def _along(tensor: sp.Array, matrix: sp.Matrix, slot: int = 0) -> sp.Array:
    """Σ_q M_pq tensor(… q …) with q in the given slot, which p takes."""
    rank = tensor.rank()
    moved = sp.tensorcontraction(sp.tensorproduct(sp.Array(matrix), tensor), (1, 2 + slot))
    order = [*range(1, slot + 1), 0, *range(slot + 1, rank)]
    return sp.permutedims(moved, order)


def _indices(d: int, rank: int) -> list[tuple[int, ...]]:
    return list(sp.utilities.iterables.variations(range(d), rank, True))


def _as_matrix(tensor: sp.Array) -> sp.Matrix:
    return sp.Matrix(tensor.tolist())

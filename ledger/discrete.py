"""The law of SGLD at a finite step in closed form, in the letters of its statement; `discrete_problems` are those it is tried on.

Step ε = e/t, w = w* + t^{−1/2} x, coordinates in which H is diagonal: H = diag(λ_i), a_i = 1 − eλ_i/2. `Closed` is what the
claims state; it knows nothing of how it was derived (`theory.stationary`: matrix equations, `theory.langevin`: moments).

Gradient noise: Cov(g|w) = t G(w), third cumulant t N; G' and G'' are the derivatives of G at w*.
Reading order: `Problem`, `Closed`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from typing import Any

import sympy as sp

from theory import langevin, laplace

HALF = sp.Rational(1, 2)


@dataclass(frozen=True)
class Problem:
    """A loss with minimum 0 at w = 0 and diagonal Hessian there, the step e, and the gradient noise.

    noise: cumulants of the gradient over t, as in `theory.langevin`. Or minibatches of B = t/ratio of the equally likely losses
    L + z·kick, z one of the labels, which add up to 0.
    """

    name: str
    loss: sp.Expr
    variables: tuple[sp.Symbol, ...]
    e: Any
    gamma: Any = sp.S.Zero
    noise: Any = field(default=None, hash=False)
    kick: sp.Expr = sp.S.Zero
    labels: tuple[int, ...] = ()
    ratio: sp.Rational = sp.S.One

    @property
    def losses(self) -> tuple[sp.Expr, ...]:
        return tuple(self.loss + label * self.kick for label in self.labels)

    @property
    def d(self) -> int:
        return len(self.variables)

    @cached_property
    def gradient_noise(self) -> dict:
        """The noise as it was given, or the cumulants of the minibatches."""
        if self.losses:
            return langevin.minibatch(self.losses, self.variables, ratio=self.ratio, order=4)
        return dict(self.noise or {})

    @property
    def chain(self) -> dict[str, Any]:
        """The settings of the chain for `theory`."""
        return {"e": self.e, "gamma": self.gamma, "noise": self.gradient_noise, "at": (0,) * self.d}

    def series(self, *observables: sp.Expr, order: int) -> tuple[sp.Expr, ...]:
        """The coefficients of the joint cumulant, from the moment recursion."""
        return _series(self, observables, order)

    def posterior_series(self, *observables: sp.Expr, order: int) -> tuple[sp.Expr, ...]:
        """The same coefficients of the posterior, the limit e → 0 without localisation and noise."""
        return _posterior_series(self.loss, observables, self.variables, order)

    def D(self, f: sp.Expr, *indices: int) -> sp.Expr:
        """A derivative at w*."""
        return _at_minimum(sp.sympify(f), self.variables, tuple(sorted(indices)))

    def tensor(self, f: sp.Expr, rank: int) -> Callable[..., sp.Expr]:
        """The derivative tensor of this rank at w*."""
        values = {i: self.D(f, *i) for i in product(range(self.d), repeat=rank)}
        return lambda *indices: values[indices]


@cache
def _series(problem: Problem, observables: tuple[sp.Expr, ...], order: int) -> tuple[sp.Expr, ...]:
    return langevin.cumulant(problem.loss, observables, problem.variables, order=order, **problem.chain)


@cache
def _posterior_series(
    loss: sp.Expr, observables: tuple[sp.Expr, ...], variables: tuple[sp.Symbol, ...], order: int
) -> tuple[sp.Expr, ...]:
    return laplace.cumulant(loss, observables, variables, order=order, at=(0,) * len(variables))


@cache
def _derivative(f: sp.Expr, variables: tuple[sp.Symbol, ...], indices: tuple[int, ...]) -> sp.Expr:
    return sp.diff(_derivative(f, variables, indices[:-1]), variables[indices[-1]]) if indices else f


@cache
def _at_minimum(f: sp.Expr, variables: tuple[sp.Symbol, ...], indices: tuple[int, ...]) -> sp.Expr:
    return _derivative(f, variables, indices).subs(dict.fromkeys(variables, 0))


class Closed:
    """S, m, K, S₂ and what follows, for one problem: E x = h m, Cov x = S + h² S₂, κ₃(x) = h K, h = t^{−1/2}."""

    def __init__(self, problem: Problem):
        p = self.problem = problem
        self.e, self.gamma, self.n = sp.sympify(p.e), sp.sympify(p.gamma), range(p.d)
        self.lam = [p.D(p.loss, i, i) for i in self.n]
        self.T, self.Q = p.tensor(p.loss, 3), p.tensor(p.loss, 4)

    def a(self, i: int) -> sp.Expr:
        """a_i = 1 − eλ_i/2."""
        return 1 - self.e * self.lam[i] / 2

    def G(self, i: int, j: int, *by: int) -> sp.Expr:
        """G_ij and its derivatives at w*."""
        f = self.problem.gradient_noise.get((min(i, j), max(i, j)), sp.S.Zero)
        return self.problem.D(sp.sympify(f), *by)

    def N(self, *indices: int) -> sp.Expr:
        f = self.problem.gradient_noise.get(tuple(sorted(indices)), sp.S.Zero)
        return self.problem.D(sp.sympify(f))

    @cached_property
    def S(self) -> sp.Matrix:
        """S_ij = (e δ_ij + (e²/4) G_ij)/(1 − a_i a_j); full batch S_ii = 1/(λ_i (1 − u_i/4))."""
        e = self.e
        return sp.Matrix(
            len(self.n),
            len(self.n),
            lambda i, j: (e * int(i == j) + e**2 / 4 * self.G(i, j)) / (1 - self.a(i) * self.a(j)),
        )

    @cached_property
    def m(self) -> list[sp.Expr]:
        """m_i = −½ (T:S)_i/λ_i."""
        return [-self.TS(i) / (2 * self.lam[i]) for i in self.n]

    def TS(self, i: int) -> sp.Expr:
        return _sum(self.T(i, j, k) * self.S[j, k] for j in self.n for k in self.n)

    @cached_property
    def K(self) -> dict[tuple[int, ...], sp.Expr]:
        """K_ijk (1 − a_i a_j a_k) = −(e/2) Σ_cyc T_ipq (S_pj a_j)(S_qk a_k) + (e²/4) Σ_cyc G'_jk,l S_li a_i − (e³/8) N_ijk."""
        e, a, S = self.e, self.a, self.S

        def part(i: int, j: int, k: int) -> sp.Expr:
            bent = _sum(self.T(i, p, q) * S[p, j] * a(j) * S[q, k] * a(k) for p in self.n for q in self.n)
            moved = _sum(self.G(j, k, l) * S[l, i] * a(i) for l in self.n)
            return -e / 2 * bent + e**2 / 4 * moved

        return {
            (i, j, k): (part(i, j, k) + part(j, k, i) + part(k, i, j) - e**3 / 8 * self.N(i, j, k))
            / (1 - a(i) * a(j) * a(k))
            for i, j, k in product(self.n, repeat=3)
        }

    @cached_property
    def S2(self) -> sp.Matrix:
        """S₂_ij (1 − a_i a_j) = sym[−(e/4) a_i T_jpq K_ipq − (e/2) a_i (T·m + ½ Q:S + γI)_jp S_pi]
        + (e²/8) T_ipq T_jrs S_pr S_qs + (e²/4)(G'_ij·m + ½ G''_ij:S)."""
        e, a, S, n = self.e, self.a, self.S, self.n

        def turned(i: int, j: int) -> sp.Expr:
            bent = _sum(self.T(j, p, q) * self.K[i, p, q] for p in n for q in n)
            pulled = _sum(self.pull(j, p) * S[p, i] for p in n)
            return -e / 4 * a(i) * bent - e / 2 * a(i) * pulled

        def entry(i: int, j: int) -> sp.Expr:
            both = _sum(self.T(i, p, q) * self.T(j, r, s) * S[p, r] * S[q, s] for p, q, r, s in product(n, repeat=4))
            noisy = _sum(self.G(i, j, l) * self.m[l] for l in n)
            noisy += _sum(self.G(i, j, k, l) * S[k, l] for k in n for l in n) / 2
            return (turned(i, j) + turned(j, i) + e**2 / 8 * both + e**2 / 4 * noisy) / (1 - a(i) * a(j))

        return sp.Matrix(len(n), len(n), entry)

    def pull(self, j: int, p: int) -> sp.Expr:
        """(T·m + ½ Q:S + γI)_jp."""
        return (
            _sum(self.T(j, p, k) * self.m[k] for k in self.n)
            + _sum(self.Q(j, p, r, s) * self.S[r, s] for r in self.n for s in self.n) / 2
            + self.gamma * int(j == p)
        )

    def mean(self, psi: sp.Expr) -> sp.Expr:
        """Lemma 18: t(Eψ − ψ*) → ½ [tr(BS) − b·H^{-1}(T:S)]."""
        b, B = self.problem.tensor(psi, 1), self.problem.tensor(psi, 2)
        traced = _sum(B(i, j) * self.S[i, j] for i in self.n for j in self.n)
        return (traced - _sum(b(i) * self.response(i) for i in self.n)) / 2

    def response(self, i: int) -> sp.Expr:
        """(H^{-1}(T:S))_i."""
        return self.TS(i) / self.lam[i]

    def first(self, phi: sp.Expr, psi: sp.Expr) -> sp.Expr:
        """Lemma 20: t Cov(φ, ψ) → aᵀSb."""
        a, b = self.problem.tensor(phi, 1), self.problem.tensor(psi, 1)
        return _sum(a(i) * self.S[i, j] * b(j) for i in self.n for j in self.n)

    def lemma25(self, phi: sp.Expr, psi: sp.Expr, *, both: bool = True) -> sp.Expr:
        """Dφ = 0: t² Cov(φ, ψ) → ½ tr(ASBS) + ½ (Sb)·(Φ:S) + ½ A_ij K_ijk b_k − ½ (T:S)ᵀH^{-1}ASb; `both` keeps ½ tr(ASBS)."""
        n, S, t = self.n, self.S, self.problem.tensor
        A, Phi, b, B = t(phi, 2), t(phi, 3), t(psi, 1), t(psi, 2)
        Sb = [_sum(S[i, j] * b(j) for j in n) for i in n]
        total = _sum(Sb[i] * Phi(i, j, k) * S[j, k] for i, j, k in product(n, repeat=3)) / 2
        total += _sum(A(i, j) * self.K[i, j, k] * b(k) for i, j, k in product(n, repeat=3)) / 2
        total -= _sum(self.response(i) * A(i, j) * Sb[j] for i in n for j in n) / 2
        if both:
            total += _sum(A(i, j) * S[j, k] * B(k, l) * S[l, i] for i, j, k, l in product(n, repeat=4)) / 2
        return total

    def skew(self, f: sp.Expr, g: sp.Expr, k: sp.Expr) -> sp.Expr:
        """t² κ₃ of three linear forms: Σ K_ijk a_i b_j c_k."""
        a, b, c = (self.problem.tensor(form, 1) for form in (f, g, k))
        return _sum(self.K[i, j, l] * a(i) * b(j) * c(l) for i, j, l in product(self.n, repeat=3))

    def second(self, phi: sp.Expr, psi: sp.Expr) -> sp.Expr:
        """t^{−2} of Cov(φ, ψ), any φ and ψ: R(φ, ψ) + R(ψ, φ) without its BB term + aᵀS₂b, R = Lemma 25."""
        a, b = self.problem.tensor(phi, 1), self.problem.tensor(psi, 1)
        across = _sum(a(i) * self.S2[i, j] * b(j) for i in self.n for j in self.n)
        return self.lemma25(phi, psi) + self.lemma25(psi, phi, both=False) + across

    def example27(self, psi: sp.Expr) -> sp.Expr:
        """t² Cov(L, ψ) → ½ tr(HSBS) + ½ Σ λ_i K_iij b_j."""
        b, B, S, n = self.problem.tensor(psi, 1), self.problem.tensor(psi, 2), self.S, self.n
        quadratic = _sum(self.lam[i] * S[i, k] * B(k, l) * S[l, i] for i, k, l in product(n, repeat=3))
        return (quadratic + _sum(self.lam[i] * self.K[i, i, j] * b(j) for i in n for j in n)) / 2

    @property
    def l0(self) -> sp.Expr:
        """½ tr(HS)."""
        return _sum(self.lam[i] * self.S[i, i] for i in self.n) / 2

    @property
    def l1(self) -> sp.Expr:
        """½ tr(HS₂) − ⅛ (T:S)·H^{-1}(T:S) + (1/6) T∴K + ⅛ Q::(S, S)."""
        n, S = self.n, self.S
        total = _sum(self.lam[i] * self.S2[i, i] for i in n) / 2 - _sum(self.TS(i) * self.response(i) for i in n) / 8
        total += _sum(self.T(i, j, k) * self.K[i, j, k] for i, j, k in product(n, repeat=3)) / 6
        return total + _sum(self.Q(i, j, k, l) * S[i, j] * S[k, l] for i, j, k, l in product(n, repeat=4)) / 8


def _sum(terms: Any) -> sp.Expr:
    return sp.Add(*terms)

"""The chain: the stationary law of SGLD at a finite step ε = e/t, to second order in 1/t. It is in no primer; it is derived here.

The posterior is the law of the chain only for ε → 0. At a finite step every statement of the primer has a discrete form,
which is what an estimate must be compared with. Each claim is taken through the layers:

    derived    closed form against the moment recursion: all tensors, noise and step symbols in d = 1; dense rational ones in d = 2
    enclosed   the chain's own kernel on a grid (no expansion): its coefficients in d = 1, its value at t = 2²⁰ in d = 2
    sampled    SGLD itself, full batches and minibatches, with the z-score of the posterior in the same run

Reading order: `LawClaim`, the quantities, `CLAIMS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ledger.claim import Budget, Claim, Evidence
from ledger.compare import combine
from ledger.discrete import Closed, Problem
from ledger.discrete_kernel import enclosed, enclosed_far
from ledger.discrete_problems import GENERIC, PAIR, R, batches, line, linear, observables, plane
from ledger.discrete_runs import Setting, sampled
from ledger.evidence import vanishes
from theory.rational import lowest_terms

SECTION = "The chain"
PAIRS = tuple(replace(PAIR, e=size) for size in (R(2, 5), R(2)))
LINES = (line(R(12, 25)), line(R(6, 5)), line(R(2)))  # u = 0.6, 1.5, 2.5
PLANES = (plane(R(2, 5)), plane(R(5, 3)))  # u up to 0.6, 2.5
BATCHES = (batches(R(12, 25)), batches(R(6, 5)))
FULL = tuple(Setting(p, seed=40 + i, chains=2048) for i, p in enumerate((*LINES, *PLANES, plane(R(1)))))
MINI = tuple(
    Setting(batches(size), t=t, seed=60 + i, chains=4096, draws=256)
    for i, (size, t) in enumerate(((R(3, 5), 12), (R(6, 5), 12), (R(2), 12), (R(6, 5), 24)))
)


@dataclass(frozen=True)
class Quantity:
    """A joint cumulant of observables and what the closed form says of its coefficients, {k: that of t^{−k}}."""

    name: str
    traces: Callable[[Problem], tuple[sp.Expr, ...]]
    formula: Callable[[Closed], dict[int, Any]]
    key: str
    scaled: bool = False  # the sampled quantity is t times the cumulant


@dataclass(frozen=True)
class LawClaim:
    """Quantities taken through the layers; `law` is the closed form (tests give wrong ones)."""

    quantities: tuple[Quantity, ...]
    generic: tuple[Problem, ...] = (GENERIC, *PAIRS)
    cases: tuple[Problem, ...] = (LINES[0], LINES[2])
    far: tuple[Problem, ...] = PLANES[1:]
    settings: tuple[Setting, ...] = (FULL[0], FULL[2], FULL[4])
    law: type[Closed] = Closed
    limits: Callable[["LawClaim"], dict[str, Any]] | None = None

    def derived(self, _: Budget) -> Evidence:
        """Closed form − recursion, identically, and the limits that the statement names."""
        differences = dict(self.limits(self)) if self.limits else {}
        for problem in self.generic:
            closed = self.law(problem)
            for q in self.quantities:
                formula = q.formula(closed)
                series = problem.series(*q.traces(problem), order=max(formula))
                for k, value in formula.items():
                    differences[f"{q.name}, t^−{k}, {problem.name}, e = {problem.e}"] = lowest_terms(series[k] - value)
        return vanishes(
            self.quantities[0].name, differences, f"closed form = moment recursion, {len(differences)} identities"
        )

    def enclosed(self, _: Budget) -> Evidence:
        parts = []
        for problem in self.cases:
            closed = self.law(problem)
            for q in self.quantities:
                traces = q.traces(problem)
                parts += enclosed(q.name, problem, lambda k, f=traces: k.cumulant(f), q.formula(closed))
        for problem in self.far:
            closed = self.law(problem)
            parts += [enclosed_far(q.name, problem, q.traces(problem), q.formula(closed)) for q in self.quantities]
        return combine(parts)

    def sampled(self, budget: Budget) -> Evidence:
        parts = []
        for setting in self.settings:
            closed, t = self.law(setting.problem), setting.t
            for q in self.quantities:
                parts.append(
                    sampled(
                        q.name, setting, q.key, q.traces(setting.problem), q.formula(closed),
                        factor=t if q.scaled else 1, effort=budget.effort,
                    )
                )  # fmt: skip
        return combine(parts)


def phi(p: Problem) -> sp.Expr:
    return observables(p.variables)[0]


def psi(p: Problem) -> sp.Expr:
    return observables(p.variables)[1]


def ends(p: Problem) -> tuple[sp.Expr, sp.Expr]:
    """The first variable and a linear form of all."""
    return p.variables[0], linear(p.variables)


COVARIANCE = Quantity("S", lambda p: ends(p), lambda c: {1: c.first(*ends(c.problem))}, "cov x")
LEMMA20 = Quantity(
    "aᵀSb", lambda p: (ends(p)[0] + psi(p), psi(p)),
    lambda c: {1: c.first(ends(c.problem)[0] + psi(c.problem), psi(c.problem))}, "cov x psi",
)  # fmt: skip
MEAN = Quantity("t(Eψ − ψ*)", lambda p: (psi(p),), lambda c: {1: c.mean(psi(c.problem))}, "psi")
SLOPE = Quantity("E x", lambda p: (p.variables[-1],), lambda c: {1: c.m[-1]}, "x mean")
THIRD = Quantity(
    "K", lambda p: (ends(p)[0], *ends(p)), lambda c: {2: c.skew(ends(c.problem)[0], *ends(c.problem))}, "K"
)  # fmt: skip
SECOND = Quantity(
    "S₂", lambda p: ends(p), lambda c: {1: c.first(*ends(c.problem)), 2: c.second(*ends(c.problem))}, "cov x"
)  # fmt: skip
GENERAL = Quantity(
    "Cov(φ, ψ)", lambda p: (ends(p)[0] + psi(p), psi(p)),
    lambda c: {2: c.second(ends(c.problem)[0] + psi(c.problem), psi(c.problem))}, "cov x psi",
)  # fmt: skip
LEMMA25 = Quantity(
    "Lemma 25", lambda p: (phi(p), psi(p)), lambda c: {2: c.lemma25(phi(c.problem), psi(c.problem))}, "cov phi psi"
)
EXAMPLE27 = Quantity("Ex. 27", lambda p: (p.loss, psi(p)), lambda c: {2: c.example27(psi(c.problem))}, "cov loss psi")
LLC = Quantity("t E L", lambda p: (p.loss,), lambda c: {1: c.l0, 2: c.l1}, "llc", scaled=True)


def _small_steps(law: Closed, value: sp.Expr, coefficient: int) -> sp.Expr:
    """The coefficient of e^k of a rational function without a pole at e = 0."""
    return sp.diff(lowest_terms(value), law.e, coefficient).subs(law.e, 0) / sp.factorial(coefficient)


def _third_is_even(claim: LawClaim) -> dict[str, Any]:
    """K = −T/λ³ {1 − 7u²/48 + O(e³)} without noise, d = 1: no term of order e."""
    law = claim.law(replace(GENERIC, noise={}))
    K, expansion = law.K[0, 0, 0], -law.T(0, 0, 0) / law.lam[0] ** 3
    return {
        "K at e = 0": _small_steps(law, K, 0) - expansion,
        "K at order e": _small_steps(law, K, 1),
        "K at order e²": _small_steps(law, K, 2) + 7 * expansion * law.lam[0] ** 2 / 48,
    }


def _quarter_trace(claim: LawClaim) -> dict[str, Any]:
    """Ex. 27 at order e is ¼ tr B, and l₁ has no term of order e (γ = 0, no noise)."""
    law = claim.law(replace(GENERIC, noise={}, gamma=sp.S.Zero))
    p, (q, s) = law.problem, sp.symbols("b B")
    probe = q * p.variables[0] + s * p.variables[0] ** 2 / 2
    return {
        "Ex. 27 at order e": _small_steps(law, law.example27(probe), 1) - s / 4,
        "l₁ at order e": _small_steps(law, law.l1, 1),
    }


CLAIMS_BY_ID: dict[str, tuple[str, LawClaim]] = {
    "chain S": (
        "SGLD with step ε = e/t: t Cov w → S, S_ij = (e δ_ij + (e²/4) G_ij)/(1 − a_i a_j), a_i = 1 − eλ_i/2 (full batch "
        "S_ii = 1/(λ_i(1 − eλ_i/4))), and t Cov(φ, ψ) → aᵀSb",
        LawClaim((COVARIANCE, LEMMA20)),
    ),
    "chain Lem 18": (
        "t(Eψ − ψ*) → ½ [tr(BS) − b·H⁻¹(T:S)] (H⁻¹, not S, in the second term), and t E(w − w*) → m, m_i = −½ (T:S)_i/λ_i",
        LawClaim((MEAN, SLOPE)),
    ),
    "chain K": (
        "t² κ₃(w) → K, K_ijk(1 − a_i a_j a_k) = −(e/2) Σ_cyc T_ipq S_pj a_j S_qk a_k + (e²/4) Σ_cyc G′_jk,l S_li a_i "
        "− (e³/8) N_ijk; full batch K = −T/λλλ {1 + O(e²)}, without a term of order e",
        LawClaim((THIRD,), limits=_third_is_even),
    ),
    "chain S₂": (
        "Cov w = S/t + S₂/t² + O(t⁻³), S₂_ij(1 − a_i a_j) = sym[−(e/4) a_i T_jpq K_ipq − (e/2) a_i (T·m + ½ Q:S + γI)_jp S_pi] + "
        "(e²/8) T_ipq T_jrs S_pr S_qs + (e²/4)(G′_ij·m + ½ G″_ij:S), and t⁻² of any Cov(φ, ψ) is R(φ,ψ) + R(ψ,φ) less its BB "
        "term + aᵀS₂b, R as in Lemma 25",
        LawClaim((SECOND, GENERAL)),
    ),
    "chain Lem 25": (
        "Dφ(w*) = 0: t² Cov(φ, ψ) → ½ tr(ASBS) + ½ (Sb)·(Φ:S) + ½ A_ij K_ijk b_k − ½ (T:S)ᵀH⁻¹ASb",
        LawClaim((LEMMA25,)),
    ),
    "chain Ex 27": (
        "t² Cov(L, ψ) → ½ tr(HSBS) + ½ Σ λ_i K_iij b_j = Laplace + (e/4) tr B + O(e²): the terms with (T:S) cancel exactly",
        LawClaim((EXAMPLE27,), limits=_quarter_trace),
    ),
    "chain LLC": (
        "t E[L − L*] = l₀ + l₁/t + O(t⁻²), l₀ = ½ tr(HS), l₁ = ½ tr(HS₂) − ⅛ (T:S)·H⁻¹(T:S) + (1/6) T∴K + ⅛ Q::(S,S); full batch "
        "l₀ = ½ Σ 1/(1 − eλ_i/4), and l₁ has no term of order e where γ = 0",
        LawClaim((LLC,), limits=_quarter_trace, settings=FULL),
    ),
    "chain minibatch": (
        "Batches of B = t/b drawn with replacement: the same S, K, Lemma 25 and LLC with G = b Cov(∇ℓ_z), N = b² κ₃(∇ℓ_z)",
        LawClaim((LLC, COVARIANCE, LEMMA25), cases=BATCHES[1:], far=(), settings=MINI),
    ),
}

CLAIMS: tuple[Claim, ...] = tuple(
    Claim(name, (name,), SECTION, statement, claim.derived, claim.enclosed, claim.sampled)
    for name, (statement, claim) in CLAIMS_BY_ID.items()
)

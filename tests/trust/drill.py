"""Thirty wrong statements, put in the place of the printed ones in a copy of the ledger.

A verification suite that calls everything true verifies nothing. Here the number of mistakes is known: `MISTAKES` lists them as
(claim, what was changed, the layers that are run with the change). Each is a change that a slip of the pen makes: a sign, a
factor ½ or 2, a term left out, two indices or tensors exchanged, a wrong λ or a wrong m. `conduct` copies the claims, exchanges
their layers and takes the copies through `ledger.run.run`; `as_printed` takes the claims themselves.

False alarms: the derived and enclosed layers have none. Where a layer is sampled, 1e-6 a comparison, seeds fixed.

Reading order: `Mistake`, the changes, `MISTAKES`, `conduct`. Run as a script for the table: `python -m tests.trust.drill`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ledger import formulas, identity, partition, regular
from ledger.claim import Budget, Claim, Evidence, Layer, Verdict
from ledger.claims import all_claims, appendix, section4, section4_singular, section4_thresholds, section5, section6
from ledger.claims import section6_components as components
from ledger.coefficient import CoefficientClaim, Problem
from ledger.results import Report
from ledger.run import run
from theory.tensors import dot

HALF, R = sp.Rational(1, 2), sp.Rational
EXACT = (Layer.DERIVED, Layer.ENCLOSED)
Test = Callable[[Budget], Evidence]


@dataclass(frozen=True)
class Mistake:
    """One wrong statement: in the copy of `claim`, `change` describes what differs, `tests` are the layers that were exchanged."""

    claim: str
    change: str
    tests: Mapping[Layer, Test]

    def copy(self, claim: Claim) -> Claim:
        """The claim with the wrong statement in its place."""
        return replace(claim, **{layer.value: test for layer, test in self.tests.items()})


def wrong(claim: str, change: str, test: Any, *layers: Layer) -> Mistake:
    """A mistake in an object that has the three layers as methods; all three, or those named."""
    return Mistake(claim, change, {layer: getattr(test, layer.value) for layer in layers or Layer})


def only(claim: str, change: str, layer: Layer, test: Test) -> Mistake:
    """A mistake in a function that is one layer of a claim."""
    return Mistake(claim, change, {layer: test})


def stated(test: CoefficientClaim, formula: Callable[[Problem], sp.Expr]) -> CoefficientClaim:
    """The coefficient claim with another formula, in at most two variables where the symbols fill pages."""
    return replace(test, formula=formula, generic=tuple(p for p in test.generic if len(p.variables) < 3))


# ── the changes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def trace(p: Problem) -> sp.Expr:
    """tr(AΣ)."""
    return (p.taylor[0].D2 * p.data.Sigma).trace()


def drift(p: Problem, which: int = 0) -> sp.Expr:
    """(Σa)·(T:Σ), or with b in the place of a."""
    return dot(p.data.Sigma * p.taylor[which].D1, p.data.T_Sigma)


def precision_for_covariance(p: Problem) -> sp.Expr:
    """aᵀHb: H where Σ belongs."""
    return sp.expand(dot(p.taylor[0].D1, p.data.H * p.taylor[1].D1))


def reversed_index(p: Problem) -> sp.Expr:
    """Σ_ij a_i Σ_ij b_{d+1−j}: the coordinates of b in the wrong order."""
    a, b = (f.D1 for f in p.taylor)
    return dot(a, p.data.Sigma * sp.Matrix(list(b)[::-1]))


def observables_exchanged(p: Problem) -> sp.Expr:
    """eq 19 with B for A in its third term."""
    data, (_, psi) = p.data, p.taylor
    S, third = data.Sigma, formulas.lemma_25_terms(p)[2]
    return formulas.lemma_25(p) + (third - dot(psi.D1, S * psi.D2 * S * data.T_Sigma)) / 2


def eq_19(*factors: sp.Rational) -> CoefficientClaim:
    return stated(section4.LEMMA_25, lambda p: formulas.lemma_25(p, factors))


def cubic_tree(p: Problem) -> sp.Expr:
    """T(Σa, Σb, Σc)."""
    return formulas.apply(p.data.T, *(p.data.Sigma * f.D1 for f in p.taylor))


def quartic_vertex(p: Problem) -> sp.Expr:
    """Q(Σa, Σb, Σc, Σd)."""
    return formulas.apply(formulas.fourth_derivative(p), *(p.data.Sigma * f.D1 for f in p.taylor))


def prior_term(p: Problem) -> sp.Expr:
    """bᵀΣAΣp."""
    S, (phi, psi) = p.data.Sigma, p.taylor
    return dot(psi.D1, S * phi.D2 * S * formulas.log_prior_gradient(p))


def in_one_dimension(k: int, formula: sp.Expr, family: Sequence[CoefficientClaim]) -> CoefficientClaim:
    return replace(family[k], formula=regular.in_one_dimension(formula))


def without_jacobian(crossings: Any) -> tuple[sp.Rational, int]:
    """λ = min 1/κ: blowing up is taken to preserve the measure."""
    return section4_thresholds.largest_pole([[(k, 0) for k, _ in point] for point in crossings])


def always_simple(crossings: Any) -> tuple[sp.Rational, int]:
    """m = 1, whatever meets."""
    return section4_thresholds.largest_pole(crossings)[0], 1


def smallest_half(exponents: tuple[int, int]) -> sp.Rational:
    """max 1/2a for min 1/2a."""
    return max(R(1, 2 * k) for k in exponents)


def gamma_shifted(ks: Any, js: Any, t: sp.Expr) -> sp.Expr:
    """Γ((j+1)/2k) for Γ((2j+1)/2k)."""
    pairs = list(zip(ks, js, strict=True))
    ratios = [sp.gamma(R(j + 1, 2 * k)) / sp.gamma(R(1, 2 * k)) for k, j in pairs]
    scales = [sp.factorial(2 * k) ** R(j, k) * t ** (-R(j, k)) for k, j in pairs]
    return sp.Mul(*ratios, *scales)


def plus_second_term(component: Any, k: int) -> Any:
    """eq 34 with + before ⟨g⟩_C ⟨Δℓ⟩_full."""
    change = component.population.centred(k)
    inside = component.posterior.expectations([component.g * component.slice(change), component.g])
    return -component.density * (inside[0] + inside[1] * component.population.posterior().expectation(change))


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────────

lam, alpha = regular.lam, regular.alpha
D, E = Layer.DERIVED, Layer.ENCLOSED

MISTAKES: tuple[Mistake, ...] = (
    wrong("eq 11", "d for d/2: t⟨L − L(w*)⟩ → d", replace(partition.EXPONENT, formula=lambda p: 2 * partition.exponent(p))),
    wrong("eq 11", "det(H)^−1 for det(H)^−1/2", replace(partition.DETERMINANT, formula=lambda p: 2 * partition.determinant(p))),
    wrong("Lem 18", "plus (Σa)·(T:Σ) in eq 12", stated(section4.LEMMA_18, lambda p: formulas.lemma_18(p) + drift(p))),
    wrong("Lem 18", "tr(AΣ) without its ½", stated(section4.LEMMA_18, lambda p: trace(p) - drift(p) / 2)),
    wrong("Lem 18", "no term with T in eq 12", stated(section4.LEMMA_18, lambda p: trace(p) / 2)),
    wrong("Ex 19", "t⟨x⟩ → +α/(2λ²)", in_one_dimension(0, alpha / (2 * lam**2), section4.EXAMPLE_19)),
    wrong("Ex 19", "t⟨x²⟩ → 1/(2λ)", in_one_dimension(1, 1 / (2 * lam), section4.EXAMPLE_19)),
    wrong("Lem 20", "H for Σ in eq 14", stated(section4.LEMMA_20, precision_for_covariance)),
    wrong("Lem 20", "b_{d+1−j} for b_j in eq 14", stated(section4.LEMMA_20, reversed_index)),
    wrong("eq 16", "Σ λ_i a_i b_i for Σ a_i b_i/λ_i", stated(section4.EIGENBASIS, precision_for_covariance)),
    wrong("Cor 23", "IF = +Dφᵀ H⁻¹ DΔL", stated(section4.COROLLARY_23, lambda p: -formulas.corollary_23(p))),
    wrong("Ex 24", "½ Σ a_i b_i/λ_i in eq 18", stated(section4.EXAMPLE_24, lambda p: formulas.example_24(p) / 2)),
    wrong("Lem 25", "plus ½ bᵀΣAΣ(T:Σ) in eq 19", eq_19(HALF, HALF, HALF, -HALF)),
    wrong("Lem 25", "¼ for ½ in the fourth term of eq 19", eq_19(HALF, HALF, -HALF, -HALF / 2)),
    wrong("Lem 25", "no ½ tr(AΣBΣ) in eq 19", eq_19(sp.S.Zero, HALF, -HALF, -HALF)),
    wrong("Lem 25", "B for A in the third term of eq 19", stated(section4.LEMMA_25, observables_exchanged)),
    wrong("Ex 26", "t²Cov(x², x) → −α/λ³", in_one_dimension(0, -alpha / lam**3, section4.EXAMPLE_26)),
    wrong("Ex 26", "t²κ₃ → +α/λ³", in_one_dimension(1, alpha / lam**3, section4.EXAMPLE_26)),
    wrong("Ex 27", "plus (Σb)·(T:Σ) in eq 21", stated(section4.EXAMPLE_27, lambda p: formulas.example_27(p) + drift(p, 1))),
    wrong("Lem 33", "no E[φ₃ψ₁] in eq 36", appendix._product(appendix.PAIR, (1, 0, -1))[0]),
    wrong(
        "App A, κ₃", "plus T(Σa, Σb, Σc)",
        replace(appendix.KAPPA_3, formula=lambda p: formulas.third_cumulant(p) + 2 * cubic_tree(p)),
    ),
    wrong(
        "App A, κ₄", "no Q(Σa, Σb, Σc, Σd)",
        replace(appendix.KAPPA_4, formula=lambda p: formulas.fourth_cumulant(p) + quartic_vertex(p)),
    ),
    wrong(
        "App A, prior", "minus bᵀΣAΣp",
        replace(appendix.COVARIANCE_WITH_PRIOR, formula=lambda p: formulas.lemma_25_with_prior(p) - 2 * prior_term(p)),
    ),
    wrong("eq 23", "max for min in λ", section4_singular.LearningCoefficient(smallest_half)),
    wrong("eq 24", "λ = min 1/κ, no Jacobian", section4_thresholds.LargestPole(without_jacobian), D),
    wrong("eq 24", "m = 1 where two divisors meet", section4_thresholds.LargestPole(always_simple), D),
    wrong("separable law", "Γ((j+1)/2k) for Γ((2j+1)/2k)", section4_thresholds.Separable(gamma_shifted)),
    only("eq 25", "β for nβ", D, lambda budget: section5.derive_eq_25(budget, scale=lambda n, beta: beta)),
    only("eq 33", "ℓ_z not centred", E, lambda _: identity.enclosed(
        replace(section6.PATH, direction=section6.LOSSES[section6.CHOSEN])
    )),
    only("eq 34", "plus ⟨g⟩_C ⟨Δℓ_z⟩", E, lambda _: components.enclose_component(
        components.ONE_WEIGHT[0], (2,), plus_second_term
    )),
)  # fmt: skip


def conduct(mistakes: Sequence[Mistake], layers: Sequence[Layer] = EXACT) -> list[Report]:
    """One report for each mistake: the copy of its claim, through those of `layers` that the mistake reaches."""
    printed = {claim.id: claim for claim in all_claims()}
    return [
        run([each.copy(printed[each.claim])], [layer for layer in layers if layer in each.tests], Budget.QUICK)
        for each in mistakes
    ]


def as_printed(mistakes: Sequence[Mistake], layers: Sequence[Layer] = EXACT) -> Report:
    """The same claims, unchanged."""
    names = {each.claim for each in mistakes}
    return run([claim for claim in all_claims() if claim.id in names], layers, Budget.QUICK)


def main() -> None:
    """Print the table of the drill."""
    start, caught = time.process_time(), 0
    for mistake, report in zip(MISTAKES, conduct(MISTAKES), strict=True):
        (result,) = report.claims
        found = {layer.value: f"{each.evidence.status} {each.seconds:.1f} s" for layer, each in result.layers.items()}
        caught += result.verdict is Verdict.REFUTED
        print(f"{mistake.claim:14s} {mistake.change:42s} {result.verdict:8s} {found}")
    print(f"{caught} of {len(MISTAKES)} refuted, {time.process_time() - start:.0f} s of processor")
    start = time.process_time()
    for result in as_printed(MISTAKES).claims:
        print(f"{result.claim.id:14s} {result.verdict:8s} {result.seconds:.1f} s")
    print(f"{time.process_time() - start:.0f} s of processor")


if __name__ == "__main__":
    main()

"""The ledger's comparisons must refute wrong formulas: signs, factors and missing terms, layer by layer.

False alarms: each sampled comparison refutes a true formula with probability 1e-6 (fixed seeds). The wrong formulas below lie far
beyond what the runs detect at 99%.
"""

from dataclasses import replace

import jax
import pytest
import sympy as sp

from ledger import identity
from ledger.claim import Budget, Layer, Status
from ledger.claims import all_claims, section3, section4, section6
from ledger.claims import section4_singular as singular
from ledger.coefficient import CoefficientClaim

QUICK = Budget.QUICK
HALF = sp.Rational(1, 2)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def lemma_25(*factors) -> CoefficientClaim:
    return replace(section4.LEMMA_25, formula=lambda problem: section4.lemma_25(problem, factors))


WRONG = {
    "the sign of the third term of eq 19": lemma_25(HALF, HALF, HALF, -HALF),
    "half of the fourth term of eq 19": lemma_25(HALF, HALF, -HALF, -HALF / 2),
    "no first term in eq 19": lemma_25(0, HALF, -HALF, -HALF),
    "no second term in eq 12": replace(
        section4.LEMMA_18, formula=lambda p: (p.taylor[0].D2 * p.data.Sigma).trace() / 2, cases=section4.LEMMA_18.cases[:1]
    ),
    "H for Σ in eq 14": replace(
        section4.LEMMA_20,
        formula=lambda p: sp.expand((p.taylor[0].D1.T * p.data.H * p.taylor[1].D1)[0]),
        cases=section4.LEMMA_20.cases[1:],
    ),
    "the sign of eq 20": replace(section4.EXAMPLE_26[0], formula=section4.in_one_dimension(2 * section4.alpha / section4.lam**3)),
    "a factor ½ in eq 21": replace(section4.EXAMPLE_27, formula=lambda p: section4.example_27(p) / 2),
    "a plus sign in eq 21": replace(
        section4.EXAMPLE_27,
        formula=lambda p: section4.example_27(p) + (p.taylor[1].D1.T * p.data.Sigma * p.data.T_Sigma)[0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong_formulas_are_refuted_by_the_derived_layer(what: str) -> None:
    claim = WRONG[what]
    generic = [p for p in claim.generic if len(p.variables) < 3]
    if "H for Σ" in what:  # where H = I the two cannot be told apart; the curved problem can
        generic = generic[-1:]
    assert replace(claim, generic=tuple(generic)).derived(QUICK).status is Status.REFUTED


@pytest.mark.parametrize("what", WRONG)
def test_wrong_formulas_are_refuted_by_the_enclosed_layer(what: str) -> None:
    assert WRONG[what].enclosed(QUICK).status is Status.REFUTED


@pytest.mark.parametrize("what", WRONG)
def test_wrong_formulas_are_refuted_by_the_sampled_layer(what: str) -> None:
    evidence = WRONG[what].sampled(QUICK)
    assert evidence.status is Status.REFUTED
    assert abs(evidence.data["z"]) > 4.89


def test_the_true_lemma_25_holds_and_the_continuous_time_law_does_not() -> None:
    """The same run: z of the discrete chain within bounds, z of the posterior's own value far outside."""
    evidence = section4.LEMMA_25.sampled(QUICK)
    (part,) = evidence.data["parts"]
    assert evidence.status is Status.HOLDS
    assert abs(part["z_continuous_time"]) > 10


@pytest.mark.parametrize("factor", [1, -2])
def test_wrong_response_identities_are_refuted(factor: int) -> None:
    wrong = replace(section6.PATH, factor=factor)
    assert identity.enclosed(wrong).status is Status.REFUTED
    assert identity.sampled(wrong, QUICK).status is Status.REFUTED


def test_a_forgotten_centring_is_refuted() -> None:
    """eq 33's path needs ℓ_z − L_n, not ℓ_z."""
    wrong = replace(section6.PATH, direction=section6.LOSSES[section6.CHOSEN])
    assert identity.enclosed(wrong).status is Status.REFUTED


def test_wrong_learning_coefficients_are_refuted_by_every_layer() -> None:
    wrong = singular.LearningCoefficient(
        lambda exponents: max(sp.Rational(1, 2 * k) for k in exponents) * sp.Rational(9, 10)
    )
    assert wrong.derived(QUICK).status is Status.REFUTED
    assert wrong.enclosed(QUICK).status is Status.REFUTED
    assert wrong.sampled(QUICK).status is Status.REFUTED


def test_the_logarithm_is_needed() -> None:
    """At t = 10⁴ t⟨K⟩ of x²y² is 0.41, not ½: without its correction λ would be refuted."""
    value = singular.mean_potential(1, 10**4)
    assert abs(float(value.mid()) - 0.5) > 0.08


def test_ids_and_labels_are_unique_and_complete() -> None:
    claims = all_claims()
    labels = [label for claim in claims for label in claim.labels]
    assert len(set(labels)) == len(labels)
    required = {
        "Thm 11", "eq 7", "Lem 18", "eq 12", "Ex 19", "eq 13", "Lem 20", "eq 14", "Lem 25", "eq 19",
        "Ex 26", "eq 20", "Ex 27", "eq 21", "eq 33", "eq 23",
    }  # fmt: skip
    assert required <= set(labels)
    assert all(claim.id in claim.labels for claim in claims)


@pytest.mark.parametrize("claim", all_claims(), ids=lambda claim: claim.id)
def test_true_claims_hold_in_the_exact_layers(claim) -> None:
    for layer in (Layer.DERIVED, Layer.ENCLOSED):
        evidence = claim.test(layer)(QUICK)
        assert evidence.status is Status.HOLDS, evidence.summary
        if layer is Layer.ENCLOSED:
            assert evidence.data["digits"] >= 15


@pytest.mark.slow
@pytest.mark.parametrize("claim", all_claims(), ids=lambda claim: claim.id)
def test_true_claims_hold_when_sampled(claim) -> None:
    evidence = claim.test(Layer.SAMPLED)(QUICK)
    assert evidence.status is Status.HOLDS, evidence.summary


def test_the_derivation_by_diagrams_refutes_a_wrong_term() -> None:
    problem = section4.generic(2, ((section4.A2, section4.PHI), (section4.B1, section4.B2)))
    assert section4.four_diagrams(problem).status is Status.HOLDS
    assert section4.four_diagrams(problem, (HALF, HALF, HALF, -HALF)).status is Status.REFUTED
    assert section3.derive_thm_11(QUICK).status is Status.HOLDS


def test_the_response_of_the_variance_has_a_sign() -> None:
    assert section4.response_of_the_variance().status is Status.HOLDS
    assert section4.response_of_the_variance(-section4.alpha / section4.lam**3).status is Status.REFUTED

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
from ledger.claims import all_claims, section6
from ledger.claims import section4_singular as singular

QUICK = Budget.QUICK


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


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
        "Def 4", "Def 5", "eq 5", "eq 6", "Rem 6", "Def 7", "Rem 8", "Def 9", "§3.2", "Def 10", "Thm 11", "eq 7", "Def 12", "eq 8",
        "eq 9", "Def 13", "§3.5", "Def 14", "eq 10", "Rem 15", "Def 16",
        "eq 11", "Lem 18", "eq 12", "Ex 19", "eq 13", "Lem 20", "eq 14", "Ex 21", "eq 15", "eq 16", "Def 22", "Cor 23", "eq 17",
        "Ex 24", "eq 18", "Lem 25", "eq 19", "Ex 26", "eq 20", "Ex 27", "eq 21", "Ex 27, text",
        "eq 22", "eq 23", "eq 24", "§4.2.1", "§4.2.2", "§4.2.3", "separable law", "slices", "DLN", "Lem 20′", "Lem 25′",
        "LLC susceptibility", "covariance rule",
        *(f"eq {k}" for k in range(25, 37)), "Def 31", "§6.2.2", "§6.3.2", "§6.4", "Rem 32", "§6.5.2", "Lem 33",
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

"""Section 6.5: wrong normalisations, ridge factors, second orders and biases are refuted by each layer."""

import numpy as np
import pytest
import sympy as sp

from ledger.claim import Budget, Status
from ledger.claims import section6_inverse as inverse
from ledger.claims import section6_patterning as batch
from ledger.compare import Z_CRITICAL
from ledger.patterning import MODEL, N
from theory import patterning

QUICK = Budget.QUICK
R = sp.Rational


def linear_damping(s, eta):
    return 1 / (s + eta)


WRONG = {
    "nβ for β in eq 35": lambda: batch.derive_eq_35(QUICK, scale=lambda n, beta: n * beta),
    "nβ for β in eq 35, enclosed": lambda: batch.enclose_eq_35(QUICK, factor=MODEL.t),
    "no temperature term for Σ s ≠ 0": lambda: batch.enclose_eq_35(QUICK, heat=False),
    "the transpose for X̂⁺": lambda: batch.derive_alignment(QUICK, inverse=lambda X: X.T),
    "half of the second order": lambda: batch.derive_rem_32(QUICK, factor=R(1, 2)),
    "half of the second order, enclosed": lambda: batch.enclose_rem_32(QUICK, factor=R(1, 2)),
    "2η for η in the ridge factor": lambda: inverse.derive_ridge(QUICK, factor=lambda s, eta: s / (s**2 + 2 * eta)),
    "the ridge factor 1/(σ + η), enclosed": lambda: inverse.enclose_ridge(QUICK, factor=linear_damping),
    "no factor σ, enclosed": lambda: inverse.enclose_ridge(QUICK, factor=lambda s, eta: 1 / (s**2 + eta)),
    "n − k in the bias": lambda: inverse.derive_noise(QUICK, degrees=lambda n, k: n - k),
    "another mean of the noise": lambda: inverse.enclose_noise(QUICK, shift=1),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_formulas_are_refuted_by_the_exact_layers(what: str) -> None:
    assert WRONG[what]().status is Status.REFUTED


SAMPLED_WRONG = {
    "nβ for β in eq 35": lambda: batch.sample_eq_35(QUICK, factor=float(MODEL.t)),
    "no temperature term for Σ s ≠ 0": lambda: batch.sample_eq_35(QUICK, heat=False),
    "the sign of the response of one weight": lambda: batch.sample_alignment(QUICK, sign=-1),
    "half of the second order": lambda: batch.sample_rem_32(QUICK, factor=0.5),
    "the ridge factor 1/(σ + η)": lambda: inverse.sample_ridge(QUICK, factor=linear_damping),
    "no ridge": lambda: inverse.sample_ridge(QUICK, factor=lambda s, eta: 1 / s),
    "estimation and inversion commute": lambda: inverse.sample_noise(QUICK, scale=0.0),
    "the sign of the bias": lambda: inverse.sample_noise(QUICK, scale=-1.0),
}


@pytest.mark.parametrize("what", SAMPLED_WRONG)
def test_wrong_formulas_are_refuted_by_the_sampled_layer(what: str) -> None:
    evidence = SAMPLED_WRONG[what]()
    assert evidence.status is Status.REFUTED and abs(evidence.data["z"]) > Z_CRITICAL


@pytest.mark.parametrize("claim", batch.CLAIMS, ids=lambda claim: claim.id)
def test_the_claims_hold_when_sampled_with_power(claim) -> None:
    evidence = claim.sampled(QUICK)
    assert evidence.status is Status.HOLDS, evidence.summary
    assert evidence.data["power_at"] < 0.1


def test_the_linear_range_is_where_the_second_order_is_a_tenth() -> None:
    """The certified ⟨u⟩ at that α: even part over odd part within a tenth of a tenth."""
    (alpha, *_) = batch.linear_range(batch.SHARP)
    h = R(*float(alpha.mid()).as_integer_ratio())
    low, middle, high = (
        MODEL.coordinates(tuple(R(1, N) * (1 + a * s) for s in batch.SHARP))[0] for a in (-h, 0, h)
    )  # fmt: skip
    ratio = abs(float(((low + high) / 2 - middle).mid()) / float(((high - low) / 2).mid()))
    assert 0.05 < ratio < 0.2


def test_the_finding_of_6_5_1_holds_its_numbers() -> None:
    third = R(1, 3)
    X = batch.LOCATION.susceptibilities((third,) * 3)
    assert sp.Matrix([[4, -1, -3], [1, 1, -2]]) == X
    s = patterning.pseudo_inverse(X) * sp.Matrix([0, 1])
    assert s[0] == R(-2, 15)
    claim = next(c for c in batch.CLAIMS if c.id == "§6.5.1")
    assert claim.finding and "−2/15" in claim.finding


def test_the_certified_noise_is_the_scatter_of_the_estimates() -> None:
    X, factors = inverse.certified_noise(inverse.GROUP)
    found = inverse.small_estimates(6 * inverse.DRAWS).reshape(-1, X.size)
    covariance = factors.reshape(len(factors), -1).T @ factors.reshape(len(factors), -1)
    assert np.allclose(found.mean(axis=0), X.ravel(), atol=5 * np.sqrt(np.diag(covariance).max() / len(found)))
    assert np.allclose(np.cov(found.T), covariance, atol=0.05 * np.diag(covariance).max())

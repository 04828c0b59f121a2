"""Section 5: wrong Jacobians, wrong modes and wrong inverses are refuted by each layer; the finding's numbers are computed."""

import pytest
import sympy as sp

from ledger.claim import Budget, Status
from ledger.claims import section5
from ledger.compare import Z_CRITICAL
from ledger.patterning import DRAWS, EVEN, MODEL, UNEVEN, sample, steps
from theory import patterning

QUICK = Budget.QUICK
R = sp.Rational


WRONG = {
    "eq 25 without n": lambda: section5.derive_eq_25(QUICK, scale=lambda n, beta: beta),
    "eq 25 without nβ": lambda: section5.enclose_eq_25(QUICK, factor=1),
    "the sign of eq 25": lambda: section5.enclose_eq_25(QUICK, factor=-MODEL.t),
    "s² for s in eq 27": lambda: section5.derive_eq_27(QUICK, coupling=lambda mode: mode.s**2),
    "eq 27 without nβ": lambda: section5.enclose_eq_27(QUICK, factor=1),
    "the transpose for the pseudo-inverse": lambda: section5.derive_eq_28(QUICK, inverse=lambda X: X.T),
    "some other right inverse": lambda: section5.derive_eq_28(
        QUICK, inverse=lambda X: patterning.pseudo_inverse(X) + sp.ones(X.cols, X.rows) / 7
    ),
    "eq 29 without 1/nβ": lambda: section5.enclose_eq_28(QUICK, factor=1),
    "eq 29 as printed at non-uniform q": lambda: section5.enclose_eq_28(QUICK, tangent=False),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_formulas_are_refuted_by_the_exact_layers(what: str) -> None:
    assert WRONG[what]().status is Status.REFUTED


SAMPLED_WRONG = {
    "eq 25 without nβ": lambda: section5.sample_eq_25(QUICK, factor=1.0),
    "the sign of eq 25": lambda: section5.sample_eq_25(QUICK, factor=-float(MODEL.t)),
    "eq 27 without nβ": lambda: section5.sample_eq_27(QUICK, factor=1.0),
    "eq 29 ten percent off": lambda: section5.sample_eq_28(QUICK, factor=0.9),
}


@pytest.mark.parametrize("what", SAMPLED_WRONG)
def test_wrong_formulas_are_refuted_by_the_sampled_layer(what: str) -> None:
    evidence = SAMPLED_WRONG[what]()
    assert evidence.status is Status.REFUTED and abs(evidence.data["z"]) > Z_CRITICAL


def test_the_printed_pattern_fails_when_sampled_at_non_uniform_weights() -> None:
    """X̂⁺dμ without the χ² norm: the mass of dq acts as a temperature, and the chains miss the target."""
    import numpy as np

    from ledger.patterning import exact

    run = sample(tuple(map(float, UNEVEN)), 0, DRAWS)
    inverse = np.linalg.pinv(run.X.mean)
    target = inverse.sum(axis=0)  # the target of given size whose printed dq has the largest mass
    target *= 0.08 / np.linalg.norm(target)
    dq = inverse @ target / float(MODEL.t)
    assert abs(dq.sum()) > 0.1
    h = exact([0.6 * min(-q / c for q, c in zip(map(float, UNEVEN), dq, strict=True) if c < 0)])[0]
    predicted = [(float(a), float(MODEL.t) * e) for a, e in zip(target, run.errors(dq), strict=True)]
    assert steps("printed", UNEVEN, exact(dq), h, predicted, QUICK, 60).status is Status.REFUTED


def test_the_finding_holds_its_numbers() -> None:
    X = section5.THREE_POINTS.susceptibilities(section5.THREE_Q)
    printed = patterning.pseudo_inverse(X)
    assert list(printed) == [R(-8, 35), R(8, 105), R(8, 21)]
    assert sum(printed) == R(8, 35)
    claim = next(c for c in section5.CLAIMS if c.id == "eq 28")
    assert claim.finding and all(word in claim.finding for word in ("(−8/35, 8/105, 8/21)", "8/35", "27/35"))
    chi2 = patterning.weighted_pseudo_inverse(X, section5.THREE_Q)
    assert list(chi2) == [R(-4, 11), R(2, 33), R(10, 33)]


@pytest.mark.parametrize("claim", section5.CLAIMS, ids=lambda claim: claim.id)
def test_the_claims_hold_when_sampled_with_power(claim) -> None:
    evidence = claim.sampled(QUICK)
    assert evidence.status is Status.HOLDS, evidence.summary
    assert evidence.data["power_at"] < 0.1


def test_the_even_weights_are_a_distribution() -> None:
    assert sum(EVEN) == sum(UNEVEN) == 1 and len(set(UNEVEN)) == len(UNEVEN)

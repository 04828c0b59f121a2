"""Section 4.1: wrong formulas must be refuted, layer by layer: signs, factors, missing terms.

False alarms: each sampled comparison refutes a true formula with probability 1e-6 (fixed seeds). The wrong formulas below lie far
beyond what the runs detect at 99%.
"""

from dataclasses import replace

import pytest
import sympy as sp

from ledger import formulas, partition, regular
from ledger.claim import Budget, Status
from ledger.claims import section4
from ledger.coefficient import CoefficientClaim
from numerics.precision import digits

QUICK = Budget.QUICK
HALF = sp.Rational(1, 2)


def lemma_25(*factors) -> CoefficientClaim:
    return replace(section4.LEMMA_25, formula=lambda problem: formulas.lemma_25(problem, factors))


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
    "a reversed index in eq 14": replace(
        section4.LEMMA_20,
        formula=lambda p: sp.expand((p.taylor[0].D1.T * p.data.Sigma * sp.Matrix(list(p.taylor[1].D1)[::-1]))[0]),
        cases=section4.LEMMA_20.cases[1:],
    ),
    "the sign of eq 20": replace(section4.EXAMPLE_26[0], formula=regular.in_one_dimension(2 * regular.alpha / regular.lam**3)),
    "a factor ½ in eq 21": replace(section4.EXAMPLE_27, formula=lambda p: formulas.example_27(p) / 2),
    "a plus sign in eq 21": replace(
        section4.EXAMPLE_27,
        formula=lambda p: formulas.example_27(p) + (p.taylor[1].D1.T * p.data.Sigma * p.data.T_Sigma)[0],
    ),
    "the eigenvalues for their inverses in eq 16": replace(
        section4.EIGENBASIS, formula=lambda p: sp.expand((p.taylor[0].D1.T * p.data.H * p.taylor[1].D1)[0])
    ),
    "the sign of IF in eq 17": replace(section4.COROLLARY_23, formula=lambda p: -formulas.corollary_23(p)),
    "the gradient of L − ℓ_z in eq 18": replace(section4.EXAMPLE_24, formula=lambda p: -formulas.example_24(p)),
    "d for d/2 in eq 11": replace(partition.EXPONENT, formula=lambda p: 2 * partition.exponent(p)),
    "det H^{−1} in eq 11": replace(partition.DETERMINANT, formula=lambda p: 2 * partition.determinant(p)),
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


def test_the_diagrams_refute_a_wrong_term() -> None:
    problem = regular.generic(2, ((regular.A2, regular.PHI), (regular.B1, regular.B2)))
    assert section4.four_diagrams(problem).status is Status.HOLDS
    assert section4.four_diagrams(problem, (HALF, HALF, HALF, -HALF)).status is Status.REFUTED


def test_the_response_of_the_variance_has_a_sign() -> None:
    assert section4.response_of_the_variance().status is Status.HOLDS
    assert section4.response_of_the_variance(-regular.alpha / regular.lam**3).status is Status.REFUTED


def test_a_wrong_gaussian_factor_is_refuted() -> None:
    """det(H)^{+1/2} instead of det(H)^{−1/2}, derived and enclosed."""
    assert partition.derive_partition(lambda problem: sp.sqrt(problem.data.H.det())).status is Status.REFUTED
    problem = partition.PARTITIONS[1]

    def inverted(problem, t):
        return partition.gaussian_factor(problem, t) + regular_log_determinant(problem)

    def regular_log_determinant(problem):
        return partition.ball(problem.data.H.det()).log()

    assert partition.enclose_partition(problem, inverted).status is Status.REFUTED
    with digits(30):
        assert partition.enclose_partition(problem).status is Status.HOLDS

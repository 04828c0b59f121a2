"""The closed forms of the discrete chain against the moment recursion, every tensor dense."""

from dataclasses import replace
from itertools import product

from ledger.discrete import HALF, Closed
from ledger.discrete_problems import PAIR, observables, x, y
from theory import stationary

PROBLEM = replace(PAIR, e=HALF)
CLOSED = Closed(PROBLEM)
PHI, PSI = observables(PROBLEM.variables)


def test_covariance_skewness_and_their_correction_are_those_of_the_matrix_equations() -> None:
    law = stationary.law(PROBLEM.loss, PROBLEM.variables, **PROBLEM.chain)
    for i, j in product(range(2), repeat=2):
        assert CLOSED.S[i, j] == law.S[i, j] and CLOSED.S2[i, j] == law.S2[i, j]
        assert all(CLOSED.K[i, j, k] == law.K[i, j, k] for k in range(2))


def test_moments_are_those_of_the_recursion() -> None:
    """Orders 1/t and 1/t² of means, covariances and a third cumulant."""
    low = [PROBLEM.loss, PHI, PSI]
    for psi in low:
        assert PROBLEM.series(psi, order=1)[1] == CLOSED.mean(psi)
    assert PROBLEM.series(PROBLEM.loss, order=2)[1:] == (CLOSED.l0, CLOSED.l1)
    assert [PROBLEM.series(v, order=1)[1] for v in (x, y)] == CLOSED.m
    assert PROBLEM.series(PSI, x, order=2)[1:] == (CLOSED.first(PSI, x), CLOSED.second(PSI, x))
    assert PROBLEM.series(PHI, PSI, order=2)[1:] == (0, CLOSED.lemma25(PHI, PSI)) == (0, CLOSED.second(PHI, PSI))
    assert PROBLEM.series(PROBLEM.loss, PSI, order=2)[2] == CLOSED.example27(PSI)
    assert PROBLEM.series(x, x + y, 2 * y, order=2)[2] == CLOSED.skew(x, x + y, 2 * y)

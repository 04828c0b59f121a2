"""Appendix A and what follows: wrong signs, classes and missing diagrams must be refuted."""

from dataclasses import replace

import pytest
import sympy as sp

from ledger import formulas
from ledger.claim import Budget, Status
from ledger.claims import appendix

QUICK = Budget.QUICK


WRONG = {
    "plus E[φ₂ψ₁L₃] in eq 36": appendix._product(appendix.PAIR, (1, 1, 1))[0],
    "no E[φ₃ψ₁] in eq 36": appendix._product(appendix.PAIR, (1, 0, -1))[0],
    "the sign of T in κ₃": replace(
        appendix.KAPPA_3,
        formula=lambda p: (
            formulas.third_cumulant(p) + 2 * formulas.apply(p.data.T, *(p.data.Sigma * f.D1 for f in p.taylor))
        ),
    ),
    "no Q in κ₄": replace(
        appendix.KAPPA_4,
        formula=lambda p: (
            formulas.fourth_cumulant(p)
            + formulas.apply(formulas.fourth_derivative(p), *(p.data.Sigma * f.D1 for f in p.taylor))
        ),
    ),
    "no prior in eq 12": replace(appendix.MEAN_WITH_PRIOR, formula=formulas.lemma_18),
    "no prior in eq 19": replace(appendix.COVARIANCE_WITH_PRIOR, formula=formulas.lemma_25),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_formulas_are_refuted_by_the_derived_layer(what: str) -> None:
    assert WRONG[what].derived(QUICK).status is Status.REFUTED


@pytest.mark.parametrize("what", WRONG)
def test_wrong_formulas_are_refuted_by_the_enclosed_layer(what: str) -> None:
    assert WRONG[what].enclosed(QUICK).status is Status.REFUTED


@pytest.mark.parametrize("what", WRONG)
def test_wrong_formulas_are_refuted_by_the_sampled_layer(what: str) -> None:
    evidence = WRONG[what].sampled(QUICK)
    assert evidence.status is Status.REFUTED
    assert abs(evidence.data["z"]) > 4.89


def test_wrong_isserlis_classes_are_refuted() -> None:
    assert appendix.fifteen_pairings().status is Status.HOLDS
    assert appendix.fifteen_pairings((5, 5, 5)).status is Status.REFUTED


def test_a_missing_graph_would_be_seen(monkeypatch) -> None:
    """Leave out one graph of the fourteen: the sum no longer equals the moments."""
    complete = appendix.diagrams.connected

    def incomplete(marked, order, *, prior=False):
        return complete(marked, order, prior=prior)[1:]

    monkeypatch.setattr(appendix.diagrams, "connected", incomplete)
    assert appendix.derive_all_orders().status is Status.REFUTED


def test_the_shift_of_the_mean_by_a_prior() -> None:
    """L = x²/2·λ and prior e^{bx}: ⟨x⟩ = b/(λt) exactly, which is aᵀΣp."""
    lam, b = sp.symbols("lambda b", positive=True)
    problem = appendix.Problem(
        lam * appendix.x**2 / 2, (appendix.x,), (appendix.x,), (sp.S.Zero,), sp.exp(b * appendix.x)
    )
    assert sp.simplify(formulas.lemma_18_with_prior(problem) - b / lam) == 0

"""Section 2: the exact layers hold, and wrong formulas are refuted by each layer that can see them."""

import pytest
import sympy as sp

from ledger.claim import Budget, Status
from ledger.claims import section2, section2_figures
from ledger.claims.section2_lattices import decides, leads
from sampler.diagnostics import Estimate

QUICK = Budget.QUICK
CLAIMS = {claim.id: claim for claim in section2.CLAIMS}
WRONG = [
    (section2.derive_eq_1, {"sign": 1}),
    (section2.enclose_eq_1, {"factor": -1}),
    (section2.derive_eq_2, {"states": 1}),
    (section2.sample_eq_2, {"states": 1}),
    (section2.derive_order, {"critical": sp.log(1 + sp.sqrt(2))}),
    (section2.derive_eq_3, {"factor": 1}),
    (section2.enclose_eq_3, {"factor": 1}),
    (section2.derive_eq_4, {"sign": -1}),
    (section2.enclose_eq_4, {"sign": -1}),
    (section2.sample_eq_4, {"sign": -1}),
    (section2_figures.derive_25, {"expected": 1}),
    (section2_figures.derive_26, {"mediator": "B"}),
]


@pytest.mark.parametrize(("layer", "change"), WRONG, ids=lambda item: getattr(item, "__name__", ""))
def test_wrong_formulas_are_refuted(layer, change) -> None:
    assert layer(QUICK, **change).status is Status.REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "change"),
    [
        (section2.sample_eq_1, {"factor": 2}),
        (section2.sample_order, {"yang": sp.Rational(87, 100)}),  # 0.9113 is true
        (section2.sample_eq_3, {"factor": 1}),
        (section2_figures.enclose_25, {"expected": 1}),
        (section2_figures.sample_25, {"expected": 1}),
        (section2_figures.sample_26, {"transpose": True}),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_more_wrong_formulas_are_refuted(layer, change) -> None:
    assert layer(QUICK, **change).status is Status.REFUTED


def test_orderings_that_are_not_told_apart_are_owed() -> None:
    def number(mean: float) -> Estimate:
        return Estimate(*map(sp.Float, (mean, 1.0, 100.0, 1.0)))  # pyright: ignore[reportArgumentType]

    assert leads("gap", number(20.0), number(1.0)).status is Status.HOLDS
    assert leads("gap", number(2.0), number(1.0)).status is Status.OPEN
    assert leads("gap", number(1.0), number(20.0)).status is Status.REFUTED
    assert decides("fact", {"so": True}, "yes").status is Status.HOLDS
    assert decides("fact", {"so": True, "not so": False}, "yes").summary == "fact: not so: not so"

"""Section 4.2 and eq 34, slices: right leading terms hold in all layers, wrong ones are refuted by each.

False alarms: 1e-6 a sampled comparison (fixed seeds); wrong terms are off by a third or more, the runs detect a seventh at 99%.
"""

import math

import pytest
import sympy as sp

from ledger.claim import Budget, Layer, Status
from ledger.claims import section4_slices as slices
from theory.singular import Leading

QUICK = Budget.QUICK
R = sp.Rational
x, y = slices.VARIABLES


def slice_keeps_its_weight(case) -> slices.Terms:
    """Z_C/Z as if λ_C = λ and m_C = m."""
    right = slices.leading_terms(case)
    return right._replace(weight=Leading(right.weight.coefficient, sp.S.Zero, 0))


def baseline_of_the_slice(case) -> slices.Terms:
    """⟨K⟩_C ⟨f⟩_C: the mean of f on the slice, where eq 34 has that of the whole."""
    right, free = slices.leading_terms(case), (case.free,)
    part = slices.integral(case.part, sp.S.One, free)
    height = slices.over(slices.integral(case.part, case.part, free), part)
    mean = slices.over(slices.integral(case.part, sp.expand(case.f.subs(case.at)), free), part)
    power, logs = height.power + mean.power, height.log_power + mean.log_power
    return right._replace(baseline=Leading(height.coefficient * mean.coefficient, power, logs))


def own_term_of_the_whole(case) -> slices.Terms:
    """t^{−3/2} for the own term on every slice."""
    right = slices.leading_terms(case)
    return right._replace(own=Leading(2 * right.own.coefficient, R(3, 2), 0))


@pytest.mark.parametrize("wrong", [baseline_of_the_slice, own_term_of_the_whole], ids=lambda f: f.__name__)
@pytest.mark.parametrize("layer", list(Layer))
def test_wrong_terms_are_refuted(wrong, layer: Layer) -> None:
    assert (
        getattr(slices.Slices(wrong, (slices.STEEP,), (slices.STEEP,), (100,)), layer)(QUICK).status is Status.REFUTED
    )


def test_a_wrong_weight_is_refuted() -> None:
    wrong = slices.Slices(slice_keeps_its_weight, (slices.STEEP,), ts=(100,))
    assert wrong.derived(QUICK).status is Status.REFUTED
    assert wrong.enclosed(QUICK).status is Status.REFUTED


def test_integrals_by_the_closed_form_of_one_variable() -> None:
    """∫ e^{−tcv⁴} v² φ(v) dv ~ Γ(¾)/(2√(2π)) (ct)^{−3/4}, and odd powers drop out."""
    found = slices.integral(3 * y**4, y**2 + 7 * y**3, (y,))
    assert (found.power, found.log_power) == (R(3, 4), 0)
    assert float(found.coefficient) == pytest.approx(
        math.gamma(0.75) / (2 * math.sqrt(2 * math.pi)) * 3**-0.75, rel=1e-12
    )

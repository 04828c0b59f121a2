"""Section 4.2, covariances: right leading terms hold in the exact layers, wrong ones are refuted by every layer.

False alarms: 1e-6 a sampled comparison (fixed seeds); wrong terms are off by half or more, the runs detect a fifth at 99%.
"""

from dataclasses import replace

import pytest
import sympy as sp

from ledger.claim import Budget, Layer, Status
from ledger.claims import section4_covariances as covariances
from ledger.claims import section4_uniqueness as uniqueness
from theory.singular import Leading, predict

pytestmark = pytest.mark.compiled
QUICK = Budget.QUICK
R = sp.Rational
x, y = covariances.x, covariances.y


def second_moment_alone(pair) -> Leading:
    """Lemma 20′ as if the sign means vanished: the formula of the two-sided case."""
    return Leading(pair.law.threshold * pair.law.mean(sp.expand(pair.f * pair.g), 1), sp.S.One, 0)


def half_for_threshold(pair) -> Leading:
    """½ for λ: every direction as if it were quadratic."""
    right = covariances.lemma_20(pair)
    return right._replace(coefficient=right.coefficient / (2 * pair.law.threshold))


def regular_order(pair) -> Leading:
    """t^{−2} whatever the sign mean."""
    right = covariances.susceptibility(pair)
    return Leading(right.coefficient, sp.S(2), 0)


def twice(pair) -> Leading:
    right = covariances.susceptibility(pair)
    return right._replace(coefficient=2 * right.coefficient)


def product_always(pair) -> Leading:
    """⟨fg⟩, as if covariances of positive functions were positive."""
    right = covariances.monomial_rule(pair)
    return right._replace(coefficient=abs(right.coefficient))


def second_term_forgotten(pair) -> Leading:
    """Lemma 25′ as if K and f were uncorrelated under the limit law but for E[sAa]."""
    law, half = pair.law, R(1, 2)
    lam = law.threshold
    mean = law.mean(sp.expand(sp.cancel(pair.f / pair.K) * pair.g), half)
    return Leading(sp.gamma(lam + R(3, 2)) / sp.gamma(lam) * mean, R(3, 2), 0)


WRONG = [
    (covariances.LEMMA_25, second_term_forgotten),
    (covariances.LEMMA_20, second_moment_alone),
    (covariances.LEMMA_20, half_for_threshold),
    (covariances.LLC, regular_order),
    (covariances.LLC, twice),
    (covariances.MONOMIAL, product_always),
]


@pytest.mark.parametrize(("claim", "wrong"), WRONG, ids=lambda each: getattr(each, "__name__", ""))
def test_wrong_leading_terms_are_refuted(claim, wrong) -> None:
    for layer in Layer:
        evidence = getattr(replace(claim, formula=wrong), layer)(QUICK)
        assert evidence.status is Status.REFUTED, (layer, evidence.summary)


def never_spread(_) -> sp.Expr:
    """0 also where the minimum set holds several distributions."""
    return sp.S.Zero


def always_spread(model) -> sp.Expr:
    return model.covariance_on_minimum + R(1, 10)


@pytest.mark.parametrize("wrong", [never_spread, always_spread], ids=lambda f: f.__name__)
@pytest.mark.parametrize("layer", list(Layer))
def test_wrong_statements_on_uniqueness_are_refuted(wrong, layer: Layer) -> None:
    assert getattr(uniqueness.Uniqueness(wrong), layer)(QUICK).status is Status.REFUTED


def test_the_rule_is_that_of_the_theory() -> None:
    """Two implementations of the rule agree wherever it decides."""
    for pair in (*covariances.MONOMIALS, *covariances.FURTHER):
        orders, f, g = (tuple(sp.degree(e, v) for v in (x, y)) for e in (pair.K, pair.f, pair.g))
        other, found = predict(orders, (0, 0), f, g).leading, covariances.monomial_rule(pair)
        assert (other is None) == (sp.simplify(found.coefficient) == 0)
        if other is not None:
            assert sp.simplify(other.coefficient - found.coefficient) == 0
            assert (other.power, other.log_power) == (found.power, found.log_power)


def test_the_named_covariance() -> None:
    """Cov(x, y) ~ −4/(log t)² for K = x²y² on [0, 1]²."""
    assert covariances.monomial_rule(covariances.MEANS_WIN) == Leading(sp.Integer(-4), sp.S.Zero, -2)

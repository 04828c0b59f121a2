"""Random problems: the derived coefficient lies in the ball that certified integrals give, and a neighbour of it does not."""

import math
from dataclasses import replace

import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.claim import Budget, Evidence, Status
from ledger.coefficient import CoefficientClaim, Problem
from ledger.compare import Z_CRITICAL, combine, contains, meets, overlap
from numerics.precision import digits

x, y = sp.symbols("x y", real=True)

small = st.fractions(min_value=-1, max_value=1, max_denominator=4).map(
    lambda q: sp.Rational(q.numerator, q.denominator)
)


@st.composite
def problems(draw, d: int) -> Problem:
    v = (x, y)[:d]
    squares = sum((w**2 for w in v), sp.S.Zero)
    loss = (
        squares / 2
        + draw(small) * x * v[-1] / 4
        + sum((draw(small) * w**2 * v[0] for w in v), sp.S.Zero) / 3
        + squares**2
    )
    phis = tuple(sum((draw(small) * m for m in (x, v[-1], x * v[-1], v[-1] ** 3)), sp.S.Zero) for _ in range(2))
    if draw(st.booleans()):
        phis = phis[:1]
    prior = draw(st.sampled_from([sp.S.One, sp.exp(x - x**2), 1 + x**2]))
    return Problem(loss, phis, v, (sp.S.Zero,) * d, prior)


def check_coefficient(problem: Problem, order: int) -> None:
    derived = problem.coefficients(order)[order]
    claim = CoefficientClaim("coefficient", lambda _: derived, order, (problem,), (problem,))
    evidence = claim.enclosed(Budget.QUICK)
    assert evidence.status is Status.HOLDS, evidence.summary
    nearby = derived + (1 + abs(derived)) / 10**12
    assert replace(claim, formula=lambda _: nearby).enclosed(Budget.QUICK).status is Status.REFUTED


@settings(max_examples=8, deadline=None)
@given(problems(d=1), st.integers(1, 3))
def test_one_variable(problem: Problem, order: int) -> None:
    check_coefficient(problem, order)


@settings(max_examples=4, deadline=None)
@given(problems(d=2), st.integers(1, 2))
def test_two_variables(problem: Problem, order: int) -> None:
    check_coefficient(problem, order)


def test_rules_of_comparison() -> None:
    with digits(30):
        third = arb(1) / 3
        assert contains(third, sp.Rational(1, 3)).agrees
        assert not contains(third, sp.Rational(1, 3) + sp.Rational(1, 10**25)).agrees
        assert contains(arb(0, arb("1e-20")), sp.S.Zero).digits == pytest.approx(20, abs=0.01)
        assert overlap(arb(1, arb("0.1")), arb("1.15", arb("0.1"))).agrees
        assert not overlap(arb(1, arb("0.01")), arb("1.15", arb("0.1"))).agrees
        # Overlapping balls count the digits of their farthest points, not of their midpoints.
        assert overlap(arb(1, arb("0.1")), arb(1, arb("0.1"))).digits < 0.8


def test_z_scores_and_power() -> None:
    """z = (m − p)/√(s² + τ²); at relative error `power_at` the expected |z| exceeds the bound by the 99% quantile 2.326."""
    result = meets(1.2, 0.03, 1.0, truncation=0.04, scale=2.0)
    assert result.z == pytest.approx(4.0)
    assert result.agrees
    assert result.power_at == pytest.approx((Z_CRITICAL + 2.3263) * 0.05 / 2, rel=1e-4)
    assert pytest.approx(4.8916, rel=1e-4) == Z_CRITICAL
    assert not meets(1.25, 0.03, 1.0, truncation=0.04).agrees
    assert not meets(1.0, 0.0, 1.1).agrees
    assert math.isinf(meets(0.0, 1.0, 0.0).power_at)


def test_combined_evidence_is_as_bad_as_its_worst_part() -> None:
    good = Evidence(Status.HOLDS, "good", {"digits": 20.0, "z": 1.0, "power_at": 0.01})
    weak = Evidence(Status.HOLDS, "weak", {"digits": 8.0, "z": -3.0, "power_at": 0.5})
    owed, bad = Evidence(Status.OPEN, "owed"), Evidence(Status.REFUTED, "bad")
    both = combine([good, weak])
    assert (both.status, both.data["digits"], both.data["z"], both.data["power_at"]) == (Status.HOLDS, 8.0, -3.0, 0.5)
    assert combine([good, owed]).status is Status.OPEN
    assert combine([good, owed, bad]).status is Status.REFUTED
    assert combine([good, bad]).summary == "bad"

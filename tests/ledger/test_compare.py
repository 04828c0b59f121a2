"""The rules of comparison against exact rational arithmetic: dyadic balls, whose ends are known without rounding."""

import math
from dataclasses import FrozenInstanceError, fields
from fractions import Fraction as F

import pytest
import sympy as sp
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from ledger.claim import Evidence, Status
from ledger.compare import Z_CRITICAL, Enclosed, Sampled, combine, contains, meets, overlap
from numerics.precision import digits

dyadic = st.integers(-(2**12), 2**12).map(lambda k: F(k, 64))
radius = st.integers(0, 2**8).map(lambda k: F(k, 64))


def as_ball(middle: F, r: F) -> arb:
    return arb(float(middle), float(r))


@given(dyadic, radius, dyadic, radius)
def test_two_balls_agree_when_they_meet_and_the_digits_are_those_of_their_farthest_points(m, r, n, s) -> None:
    """The farthest points are |m − n| + r + s apart, relative to the least point of the second ball unless that holds 0."""
    found = overlap(as_ball(m, r), as_ball(n, s))
    assert found.agrees == (abs(m - n) <= r + s)
    farthest, scale = abs(m - n) + r + s, abs(n) - s if abs(n) > s else F(1)
    if farthest == 0:
        assert found.digits == pytest.approx((2**63 - 1) * math.log10(2))  # the bits that flint gives to exact numbers
    elif s == 0 or scale == 1:
        assert found.digits == pytest.approx(-math.log10(farthest / scale), abs=1e-6)
    else:
        assert found.digits <= -math.log10(farthest / scale) + 1e-6


def test_an_exact_value_must_lie_in_the_ball() -> None:
    with digits(30):
        third = arb(1) / 3
        assert contains(third, sp.Rational(1, 3)).agrees
        assert not contains(third, sp.Rational(1, 3) + sp.Rational(1, 10**25)).agrees
        assert contains(arb(0, arb("1e-20")), sp.S.Zero).digits == pytest.approx(20, abs=0.01)
        assert contains(arb(1, arb("1e-20")) / 1000, sp.Rational(1, 1000)).digits == pytest.approx(20, abs=0.01)


def test_z_scores_and_power() -> None:
    """z = (m − p)/√(s² + τ²); at relative error `power_at` the expected |z| exceeds the bound by the 99% quantile 2.326."""
    result = meets(1.2, 0.03, 1.0, truncation=0.04, scale=2.0)
    assert result.z == pytest.approx(4.0)
    assert result.agrees and result.status is Status.HOLDS
    assert result.power_at == pytest.approx((Z_CRITICAL + 2.3263) * 0.05 / 2, rel=1e-4)
    assert pytest.approx(4.8916, rel=1e-4) == Z_CRITICAL
    off = meets(-0.75, 0.03, -1.0, truncation=0.04)
    assert off.z == pytest.approx(5.0) and not off.agrees and off.status is Status.REFUTED
    assert Sampled(-Z_CRITICAL, 0.1).agrees and not Sampled(math.nextafter(Z_CRITICAL, 9), 0.1).agrees
    assert off.power_at == pytest.approx((Z_CRITICAL + 2.3263) * 0.05, rel=1e-4)


@pytest.mark.parametrize("mean", [1.0, 1.1, math.nan])
def test_an_estimate_without_a_finite_error_agrees_with_nothing(mean: float) -> None:
    assert meets(mean, 0.0, 1.1).z == math.inf and not meets(mean, math.nan, 1.1).agrees


def test_where_the_formula_is_0_no_relative_error_is_seen() -> None:
    result = meets(0.0, 1.0, 0.0)
    assert math.isinf(result.power_at) and result.words(0.0, 1.0, 0.0) == "z = +0.0, the formula is 0 here"
    assert meets(1.0, 0.01, 1.0).words(1.0, 0.01, 1.0) == "z = +0.0, would see 7.2%"
    assert meets(1.2, 0.01, 1.0).words(1.2, 0.01, 1.0) == "z = +20.0 exceeds 4.9: sampled 1.2 ± 0.01, expected 1"


def test_combined_evidence_is_as_bad_as_its_worst_part() -> None:
    good = Evidence(Status.HOLDS, "good", {"digits": 20.0, "z": 1.0, "power_at": 0.01})
    weak = Evidence(Status.HOLDS, "weak", {"digits": 8.0, "z": -3.0, "power_at": 0.5})
    owed, bad = Evidence(Status.OPEN, "owed"), Evidence(Status.REFUTED, "bad")
    both = combine([good, weak])
    assert (both.status, both.data["digits"], both.data["z"], both.data["power_at"]) == (Status.HOLDS, 8.0, -3.0, 0.5)
    assert combine([good, owed]).status is Status.OPEN
    assert combine([good, owed, bad]).status is Status.REFUTED
    assert combine([good, bad]).summary == "bad" and combine([good, weak, good]).summary == "good; weak"
    assert set(combine([owed]).data) == {"parts"}
    nested = combine([both, owed])
    assert [part["summary"] for part in nested.data["parts"]] == ["good", "weak", "owed"]
    assert nested.data["digits"] == 8.0 and nested.data["parts"][0] == {
        "status": "holds",
        "summary": "good",
        **good.data,
    }


@pytest.mark.parametrize("value", [Enclosed(True, 20.0), Sampled(0.5, 0.1)], ids=lambda value: type(value).__name__)
def test_a_comparison_cannot_be_changed_afterwards(value: Enclosed | Sampled) -> None:
    for field in fields(value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, None)

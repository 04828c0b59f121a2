"""Evidence from one comparison: its status at the bounds, and every field of its data."""

import numpy as np
import pytest
import sympy as sp
from flint import arb

from ledger import evidence
from ledger.claim import Figure, Status
from ledger.compare import Z_CRITICAL, Enclosed
from ledger.evidence import encloses, estimates, vanishes
from numerics.precision import digits
from sampler.diagnostics import Estimate

x = sp.Symbol("x")
FIGURE = Figure("title", "x", "y", ())
SEVENTH = "0." + "142857" * 4  # 1/7


def test_what_is_left_of_a_difference_refutes() -> None:
    zero = {
        "number": 0,
        "expression": (x + 1) ** 2 - x**2 - 2 * x - 1,
        "matrix": sp.zeros(2),
        "array": sp.Array([[0, x - x]]),
    }
    right = vanishes("name", zero, "so it is", order=2)
    assert (right.status, right.summary) == (Status.HOLDS, "name: so it is")
    assert right.data == {"differences": dict.fromkeys(zero, "0"), "order": 2}
    for wrong in (x, sp.Matrix([[0, 0], [x, 0]]), sp.Array([0, 1])):
        found = vanishes("name", {**zero, "left": wrong}, "so it is")
        assert (found.status, found.summary) == (Status.REFUTED, f"name: left leaves {wrong}")
        assert found.data["differences"] == {**dict.fromkeys(zero, "0"), "left": str(wrong)}


@pytest.mark.parametrize("exact", [True, False])
def test_balls_are_told_to_20_digits(exact: bool) -> None:
    with digits(40):
        ball = arb(1) / 7
        found = encloses("name", ball, sp.Rational(1, 7) if exact else ball, (FIGURE,), t=3)
    assert found.status is Status.HOLDS and found.figures == (FIGURE,)
    assert found.data["found"].startswith(f"[{SEVENTH[:22]} +/-") and found.data["t"] == 3
    assert found.data["expected"] == ("1/7" if exact else found.data["found"])
    assert found.data["digits"] > 40 and found.data["digits"] == round(found.data["digits"], 1)


@pytest.mark.parametrize(("width", "status"), [("3e-13", Status.HOLDS), ("3e-12", Status.OPEN)])
def test_fewer_than_twelve_digits_are_owed(width: str, status: Status) -> None:
    """A ball of relative radius 3·10⁻¹³ has 12.5 digits, one of 3·10⁻¹² has 11.5."""
    found = encloses("name", arb(1, arb(width)), sp.S.One, (FIGURE,))
    assert (found.status, found.figures) == (status, (FIGURE,))
    assert found.data["digits"] == pytest.approx(-np.log10(float(width)), abs=0.06)


def test_twelve_digits_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for digits_found, status in ((12.0, Status.HOLDS), (11.999, Status.OPEN)):
        monkeypatch.setattr(evidence, "contains", lambda found, exact, d=digits_found: Enclosed(True, d))
        assert encloses("name", arb(1), sp.S.One).status is status


def test_a_refutation_tells_both_sides_to_12_digits() -> None:
    with digits(30):
        seventh, third = arb(1) / 7, arb(1) / 3
        for expected, shown in ((third, f"[0.{'3' * 12} +/- 3.34e-13]"), (sp.Rational(1, 3), "0." + "3" * 12)):
            found = encloses("name", seventh, expected)
            assert found.status is Status.REFUTED
            assert found.summary == f"name: integrals give [{SEVENTH[:14]} +/- 1.43e-13], the formula {shown}"


def test_an_estimate_keeps_its_numbers() -> None:
    estimate = Estimate(*(np.asarray(v) for v in (1.2, 0.03, 400.0, 1.01)))
    found = estimates("name", estimate, 1.0, (FIGURE,), truncation=0.04, scale=2.0, t=3)
    assert found.data == {
        "z": pytest.approx(4), "power_at": pytest.approx((Z_CRITICAL + 2.32635) * 0.025, rel=1e-5), "mean": 1.2, "sem": 0.03,
        "ess": 400.0, "rhat": 1.01, "prediction": 1.0, "truncation": 0.04, "t": 3,
    }  # fmt: skip
    assert (
        found.status is Status.HOLDS and found.figures == (FIGURE,) and found.summary == "name: z = +4.0, would see 18%"
    )
    assert estimates("name", estimate, 1.0).status is Status.REFUTED

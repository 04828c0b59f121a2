"""The response identity on a Gaussian, where every number of the evidence has a closed form.

L_h = (1 + h) w²/2 gives ⟨w²⟩_h = 1/(t(1 + h)). At h = 0 the response (1/t) d⟨w²⟩/dh and −Cov(w², w²/2) are both −1/t²; the
difference over ±δ is −1/(t²(1 − δ²)). The two losses w² and 0 with weights 1 + h and 1 − h have this mean.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp

from ledger import identity
from ledger.claim import Budget, Status
from ledger.compare import Z_CRITICAL, contains
from numerics.precision import digits
from sampler.diagnostics import Estimate

w = sp.Symbol("w", real=True)
T, DELTA = 50, sp.Rational(1, 4)
RESPONSE = identity.Response(
    "gaussian", (w**2, sp.S.Zero), (1 + identity.H, 1 - identity.H), w**2, w**2 / 2, (w,), T, DELTA, 0.01
)  # fmt: skip


def test_both_sides_are_enclosed() -> None:
    with digits(identity.DIGITS):
        for h in (sp.S.Zero, DELTA):
            assert sp.expand(RESPONSE.loss(h) - (1 + h) * w**2 / 2) == 0
        for ball in (RESPONSE.by_definition(), RESPONSE.claimed()):
            assert contains(ball, sp.Rational(-1, T**2)).agrees
        assert contains(replace(RESPONSE, factor=2).claimed(), sp.Rational(2, T**2)).agrees
        assert contains(RESPONSE.difference(DELTA), -1 / (T**2 * (1 - DELTA**2))).agrees
    right = identity.enclosed(RESPONSE)
    assert right.status is Status.HOLDS and 18 < right.data["digits"] < 60
    assert identity.enclosed(replace(RESPONSE, factor=1)).status is Status.REFUTED


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the three runs are said to have measured, and how they were asked for."""
    known: dict[str, Any] = {
        "low": (1 / (T * (1 - 0.25)), 3e-6), "high": (1 / (T * (1 + 0.25)), 4e-6), "fluctuation": (1 / T**2, 1.2e-6),
    }  # fmt: skip

    def runs(response, chains, draws, seed):
        known["asked"] = (response.factor, draws)
        return [Estimate(*(np.asarray(v) for v in (*known[k], 900.0, 1.01))) for k in ("low", "high", "fluctuation")]

    monkeypatch.setattr(identity, "_measured", runs)
    return known


def test_measured_response_and_fluctuation_meet(measured: dict[str, Any]) -> None:
    """sem of the response √(3² + 4²)·10⁻⁶/(2δt) = 5·10⁻⁶/25, of the fluctuation 1.2·10⁻⁶."""
    error = np.hypot(5e-6 / 25, 1.2e-6)
    found = identity.sampled(RESPONSE, Budget.FULL, draws=7)
    assert measured["asked"] == (-1, 28) and found.status is Status.HOLDS
    curvature = -1 / (T**2 * (1 - 0.25**2)) + 1 / T**2
    assert found.data == {
        "z": pytest.approx(0, abs=1e-9), "power_at": pytest.approx((Z_CRITICAL + 2.3263479) * error * T**2 * (1 - 0.25**2)),
        "response": pytest.approx(-1 / (T**2 * (1 - 0.25**2))), "response_sem": pytest.approx(2e-7),
        "fluctuation": 1 / T**2, "fluctuation_sem": 1.2e-6, "curvature": pytest.approx(curvature),
        "ess": 900.0, "rhat": 1.01, "t": T,
    }  # fmt: skip
    measured["high"] = (measured["high"][0] + 3 * 25 * error, 4e-6)
    assert identity.sampled(RESPONSE, Budget.QUICK).data["z"] == pytest.approx(3)
    assert identity.sampled(replace(RESPONSE, factor=1), Budget.QUICK).status is Status.REFUTED


def test_the_figure_shows_curve_tangent_and_points(measured: dict[str, Any]) -> None:
    (figure,) = identity.sampled(RESPONSE, Budget.QUICK).figures
    curve, tangent, points = figure.series
    h = np.linspace(-0.375, 0.375, 13)
    np.testing.assert_allclose(curve.x, h)
    np.testing.assert_allclose(curve.y, 1 / (T * (1 + h)), rtol=1e-12)
    np.testing.assert_allclose(tangent.x, h)
    np.testing.assert_allclose(tangent.y, (1 - h) / T, rtol=1e-12)  # from the sampled covariance times t
    assert (points.x, points.yerr) == ((-0.25, 0.25), (3e-6, 4e-6))
    assert points.y == (measured["low"][0], measured["high"][0])
    assert [series.style for series in figure.series] == ["line", "line", "points"]

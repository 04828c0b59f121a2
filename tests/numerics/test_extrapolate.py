"""Extrapolation against series that are known exactly."""

from fractions import Fraction

import pytest
import sympy as sp
from flint import arb

from numerics.extrapolate import coefficients
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from theory.errors import BadInput

R = sp.Rational
x, y = sp.symbols("x y")


def stirling(t):
    """log Γ(t) less its leading part: 1/(12t) − 1/(360t³) + 1/(1260t⁵) − …"""
    s = arb(t)
    return s.lgamma() - (s - arb(1) / 2) * s.log() + s - (2 * arb.pi()).log() / 2


def test_the_stirling_series():
    with digits(60):
        found = coefficients(stirling, order=5, target_digits=12)
        exact = [0, R(1, 12), 0, -R(1, 360), 0, R(1, 1260)]
        for c, value in zip(found, exact, strict=True):
            assert c.ball.contains(ball(value))
            assert c.ball.rad() < 1e-12
            assert c.proved_radius <= c.ball.rad()


def test_a_table_serves_as_well_as_a_function():
    with digits(60):
        table: dict[int | Fraction, arb] = {Fraction(10 + 3 * j): stirling(10 + 3 * j) for j in range(16)}
        found = coefficients(table, order=1)
        assert found[1].ball.contains(ball(R(1, 12)))
        assert found[1].truncation < 1e-9


def test_gamma_ratio_with_a_fractional_exponent():
    """Γ(t + ½)/Γ(t) ~ √t (1 − 1/(8t) + 1/(128t²) + 5/(1024t³) + …)."""
    with digits(50):
        found = coefficients(
            lambda t: (arb(t) + arb(1) / 2).gamma() / arb(t).gamma(),
            order=3,
            exponents=[Fraction(2 * k - 1, 2) for k in range(16)],
        )
        for c, value in zip(found, [1, -R(1, 8), R(1, 128), R(5, 1024)], strict=True):
            assert c.ball.contains(ball(value))
            assert c.ball.rad() < 1e-14


def test_logarithms():
    """t^{-1/2} (log t + 2) + t^{-3/2} (−log t + 1) + …, the rest from log(1 + 1/t)."""

    def f(t):
        s = arb(t)
        return (s.log() + 2 - s.log() / s + (1 + 1 / s).log()) / s.sqrt()

    terms = [(Fraction(2 * j + 1, 2), k) for j in range(7) for k in (1, 0)]
    with digits(50):
        found = coefficients(f, order=3, exponents=terms)
        for c, value in zip(found, [1, 2, -1, 1], strict=True):
            assert c.ball.contains(value)
            assert c.ball.rad() < 1e-13


def test_the_radii_of_the_values_are_carried_along():
    """Values blurred by 10⁻²⁰ give a proved radius no smaller than the blur, and still contain the truth."""
    with digits(60):
        blur = arb(0, arb(10) ** -20)
        found = coefficients(lambda t: stirling(t) + blur, order=2, target_digits=30)
        assert found[0].proved_radius >= arb(10) ** -20
        assert found[1].proved_radius > 64 * found[0].proved_radius
        assert found[1].ball.contains(ball(R(1, 12)))


@pytest.mark.parametrize("start", [2, 8, 64])
def test_the_error_estimate_is_honest_from_any_start(start):
    """F(t) = ∫₀^∞ e^{−u}/(1 + u/t) du = t e^t E₁(t), with coefficients (−1)^k k!: a factorially divergent series."""
    with digits(60):
        found = coefficients(lambda t: _euler(arb(t)), order=3, start=start)
        for c, value in zip(found, [1, -1, 2, -6], strict=True):
            assert c.ball.contains(value)


def _euler(s: arb) -> arb:
    """t e^t Γ(0, t)."""
    return s * s.exp() * s.gamma_upper(0)


def test_posterior_coefficients_in_one_and_two_variables():
    """t Cov(x, x) → 1/λ and t² Cov(x², x) → −2α/λ³; in the plane t⟨y²⟩ → 1/μ."""
    loss = x**2 + x**3 / 6 + x**4 / 12
    with digits(40):
        found = coefficients(lambda t: t * t * Posterior(loss, x, t, digits=38).covariance(x**2, x), order=2)
        assert found[0].ball.contains(ball(-R(2) / 8))
        assert all(c.ball.rad() < 1e-15 * abs(c.ball.mid()) for c in found)
        plane = loss + 3 * y**2 / 2 + x * y**2 / 3 + y**4 / 10
        found = coefficients(lambda t: t * Posterior(plane, [x, y], t, digits=38).expectation(y**2), order=2)
        assert found[0].ball.contains(ball(R(1, 3)))
        assert all(c.ball.rad() < 1e-14 * abs(c.ball.mid()) for c in found)


@pytest.mark.parametrize(
    ("values", "options", "reason"),
    [
        ({4: arb(1)}, {"order": 2}, "values at"),
        ({4: arb(1), 5: arb(1), 6: arb(1)}, {"order": 0, "exponents": [0, 1]}, "as many terms"),
        (stirling, {"order": 2, "exponents": [0, 1]}, "at least 4 terms"),
        (stirling, {"order": 0, "exponents": [0, 0]}, "differ"),
        ({1: arb(1), 2: arb(1), 4: arb(1)}, {"order": 0}, "t > 1"),
        (lambda t: arb.nan(), {"order": 0}, "finite"),
    ],
)
def test_refusals(values, options, reason):
    with pytest.raises(BadInput, match=reason):
        coefficients(values, **options)


def test_a_finite_series_is_solved_exactly() -> None:
    """3 − 2 log t/√t + 5/t from as many values as terms and from more; the last of the terms asked for is 0."""
    terms = [0, (R(1, 2), 1), 1, (R(3, 2), 2), 2]
    exact = (3, -2, 5, 0)
    with digits(50):
        table: dict[int | Fraction, arb] = {
            t: 3 - 2 * arb(t).log() / arb(t).sqrt() + 5 / arb(t) for t in (7, 1000, 64, 20)
        }
        found = coefficients(table, order=2, exponents=terms[:4])
        for c, value in zip(found, exact, strict=False):
            assert c.ball.contains(value) and c.proved_radius < 1e-40 and c.rungs == 4
        assert coefficients(dict(sorted(table.items())), order=2, exponents=terms)[0].ball.overlaps(found[0].ball)
        wrong = coefficients(table, order=2, exponents=[0, (R(1, 2), 0), 1, 2])
        assert wrong[1].truncation > 1e-3  # another term than the true one is seen by the change


def test_rungs_are_climbed_until_the_digits_are_there_and_no_further() -> None:
    """Values are asked for at start·2^j in turn, each once; more digits take more rungs, none more than there are terms."""
    seen: list[int] = []

    def series(t: int) -> arb:
        seen.append(t)
        return 1 / (1 + 1 / arb(t))  # Σ (−1)^k t^{−k}

    counts = []
    for wanted in (5, 12, 20):
        seen.clear()
        with digits(60):
            found = coefficients(series, order=1, start=8, target_digits=wanted)
            for c, value in zip(found, (1, -1), strict=True):
                assert c.ball.contains(value) and c.ball.rad() <= arb(10) ** -wanted
                assert c.ball.rad() < 2 * (c.proved_radius + c.truncation) and c.rungs <= len(seen)
        assert seen == [8 << j for j in range(len(seen))]
        counts.append(len(seen))
    assert counts[0] < counts[1] < counts[2] < 32
    seen.clear()
    with digits(60):
        coefficients(series, order=1, start=2, target_digits=50, max_rungs=6)
    assert len(seen) == 6


def test_wide_values_end_the_climb_and_the_narrowest_answer_is_kept() -> None:
    """Radii of 10⁻⁸ are amplified from rung to rung: the climb ends early, and c_1 has what the best rungs gave."""
    seen: list[int] = []

    def blurred(t: int) -> arb:
        seen.append(t)
        return 1 / (1 + 1 / arb(t)) + arb(0, 1e-8)

    with digits(60):
        found = coefficients(blurred, order=1, target_digits=30)
    assert len(seen) < 10
    assert all(c.ball.contains(value) for c, value in zip(found, (1, -1), strict=True))
    assert found[0].ball.rad() < 1e-6 and found[1].ball.rad() < 1e-3

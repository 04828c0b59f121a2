"""Derivatives by definition: closed forms, the covariances they must equal, the remainder, and where there is no derivative."""

import math

import pytest
import sympy as sp
from flint import arb, fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import perturbation
from numerics.perturbation import Perturbed
from numerics.posterior import Posterior
from numerics.precision import agreeing_digits, ball, digits
from theory.errors import BadInput

x, y = sp.symbols("x y")
R = sp.Rational


def holds(value, exact, n):
    with digits(n + 20):
        return value.overlaps(ball(exact)) and agreeing_digits(value, exact) >= n - 1


def test_a_gaussian_moves_rigidly():
    """L = x²/2, ΔL = x: ⟨x⟩_h = −h, Var_h = 1/t, log Z_h = ½ log(2π/t) + th²/2."""
    series = Perturbed(Posterior(x**2 / 2, x, 5, digits=25), x, 3)
    assert all(holds(c, e, 24) for c, e in zip(series.expectation(x), (0, -1, 0, 0), strict=True))
    assert all(holds(c, e, 24) for c, e in zip(series.cumulant([x, x]), (R(1, 5), 0, 0, 0), strict=True))
    expected = (sp.log(2 * sp.pi / 5) / 2, 0, R(5, 2), 0)
    assert all(holds(c, e, 24) for c, e in zip(series.log_partition(), expected, strict=True))
    assert all(
        holds(c, e * sp.sqrt(2 * sp.pi / 5), 24)
        for c, e in zip(series.moments([x])[0], (0, -1, 0, -R(5, 2)), strict=True)
    )


def test_a_gaussian_narrows():
    """ΔL = x²/2: ⟨x²⟩_h = 1/(t(1 + h))."""
    series = Perturbed(Posterior(x**2 / 2, x, 3, digits=20), x**2 / 2, 4).expectation(x**2)
    assert all(holds(c, R((-1) ** k, 3), 19) for k, c in enumerate(series))


COEFFICIENT = st.integers(-3, 3).map(lambda k: R(k, 4))


@settings(max_examples=8, deadline=None)
@given(COEFFICIENT, COEFFICIENT, COEFFICIENT, COEFFICIENT, st.sampled_from([1, 20, 1000]))
def test_by_definition_it_is_the_covariance(a, b, c, e, t):
    """dκ_m/dh = −t κ_{m+1}(…, ΔL), the second order too; the two sides share neither the integrand nor the algebra."""
    posterior = Posterior(x**2 / 2 + a * x**3 / 4 + x**4 / 4, x, t, digits=20)
    delta, phi, psi = b * x + c * x**2 + x**3 / 3, x + e * x**2, x
    means = Perturbed(posterior, delta, 2).expectation(phi)
    slope = Perturbed(posterior, delta).cumulant([phi, psi])[1]
    with digits(40):
        assert means[1].overlaps(-t * posterior.covariance(phi, delta))
        assert means[2].overlaps(R(t**2, 2).p * posterior.cumulant([phi, delta, delta]) / R(t**2, 2).q)
        assert slope.overlaps(-t * posterior.cumulant([phi, psi, delta]))
        assert means[1].rel_accuracy_bits() > 60 or means[1].contains(0)


@pytest.mark.parametrize("factor", [1, 2, -1])
def test_in_the_plane_a_wrong_factor_is_seen(factor):
    posterior = Posterior(x**2 / 2 + y**2 + x * y**2 / 3 + x**4 / 8 + y**4 / 12, (x, y), 7, digits=18)
    found = Perturbed(posterior, x * y**2).susceptibility(x)
    with digits(40):
        assert found.overlaps(factor * posterior.susceptibility(x, x * y**2)) is (factor == 1)


def test_the_remainder_covers_the_interpolation_error_and_is_not_much_larger():
    """N(u) = 1/(c − u) with c = 2ρ: on the circle |u| = ρ it is at most B = 1/ρ, and the terms left out fall like 2^{−k}."""
    for p, rho in ((1, 16), (2, 16), (3, 64)):
        c = fmpq(2 * rho)
        values = [1 / (c - k) for k in range(-p, p + 1)]
        inverse = fmpq_mat([[fmpq(k) ** j for j in range(2 * p + 1)] for k in range(-p, p + 1)]).inv()
        bounds = perturbation._remainder(p, fmpq(rho), 2)
        for j, bound in enumerate(bounds):
            coefficient = sum((inverse[j, k] * v for k, v in enumerate(values)), fmpq(0))
            error = abs(coefficient - 1 / c ** (j + 1))
            assert arb(error) <= bound / rho
            if error:
                assert float(bound / rho / arb(error)) < 2 ** (2 * p + 4)


@pytest.mark.parametrize(("p", "rho"), [(1, 16), (2, 7), (3, fmpq(31, 3))])
def test_the_remainder_is_rounded_upwards(p: int, rho) -> None:
    """Σ_{i≤j} |ω_i| ρ^{i−j} / (ρ Π (ρ² − k²)) with ω = u Π (u² − k²) by sympy: no less, and more by rounding alone."""
    u, r = sp.Symbol("u"), R(int(fmpq(rho).p), int(fmpq(rho).q))
    omega = sp.Poly(u * sp.prod(u**2 - k**2 for k in range(1, p + 1)), u)
    least = r * sp.prod(r**2 - k**2 for k in range(1, p + 1))
    found = perturbation._remainder(p, fmpq(rho), 3)
    with digits(60):
        for j, bound in enumerate(found):
            exact = ball(sum(abs(omega.coeff_monomial(u**i)) * r ** (i - j) for i in range(j + 1)) / least)
            assert bound.rad() == 0
            assert not bound < exact and bound - exact <= exact * arb("1e-14")


def test_without_the_remainder_the_truth_is_missed(monkeypatch):
    """The proved remainder is needed: with coarse nodes and no remainder the balls do not hold the derivative."""

    def missed(remainder):
        monkeypatch.setattr(perturbation, "_remainder", remainder)
        monkeypatch.setattr(perturbation, "LOG2_10", 0.4)  # nodes far coarser than the digits ask for
        series = Perturbed(Posterior(x**2 / 2 + x**4 / 4, x, 4, digits=40), x**2)
        found, _, work = series._series([sp.S.One, x**2], 40)
        with digits(work):
            ratio = found[x**2] / found[sp.S.One]
            exact = -4 * series.posterior.covariance(x**2, x**2)
            return not (arb(ratio[1]) - exact).contains(0)

    honest = perturbation._remainder
    assert not missed(honest)
    assert missed(lambda p, rho, order: [e / 1000 for e in honest(p, rho, order)])


def test_a_perturbation_that_vanishes():
    series = Perturbed(Posterior(x**2 / 2, x, 5, digits=20), sp.S.Zero, 1).expectation(x**2)
    assert holds(series[0], R(1, 5), 19)
    assert series[1].contains(0)
    assert float(series[1].rad()) < 1e-15


def test_where_there_is_no_derivative():
    with pytest.raises(BadInput, match="outgrow the loss"):
        Perturbed(Posterior(x**2 / 2, x, 1, digits=10), x**4).expectation(x)
    for order in (-1, 1.5):
        with pytest.raises(BadInput, match=f"whole order ≥ 0; it was given {order}"):
            Perturbed(Posterior(x**2 / 2, x, 1), x, order)  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadInput, match="at least one"):
        Perturbed(Posterior(x**2 / 2, x, 1), x).cumulant([])


def test_a_component_of_a_gaussian():
    """L = (x² + xy + y²)/2 at t: the marginal of y at b is N(0, 4/(3t)); given y = b, x is N(−b/2, 1/t)."""
    t, b = 3, R(1, 2)
    posterior = Posterior((x**2 + x * y + y**2) / 2, (x, y), t, digits=20)
    part = posterior.restricted({y: b})
    assert part.variables == (x,)
    assert holds(part.expectation(x), -b / 2, 19)
    assert holds(part.covariance(x, x), R(1, t), 19)
    variance = R(4, 3 * t)
    assert holds(
        posterior.component_weight({y: b}), sp.exp(-(b**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance), 19
    )
    assert holds(posterior.free_energy(), -sp.log(2 * sp.pi / t * 2 / sp.sqrt(3)), 19)


@pytest.mark.parametrize("at", [{}, {x: 0, y: 0}, {sp.Symbol("z"): 1}])
def test_what_is_no_component(at):
    with pytest.raises(BadInput, match="a component fixes some"):
        Posterior(x**2 + y**2, (x, y), 1).restricted(at)


def test_mutants_of_the_theorem_are_not_within_the_radius():
    """A derivative of t⟨φ⟩ instead of ⟨φ⟩, and a one-sided difference, are both far outside."""
    posterior = Posterior(x**2 / 2 + x**3 / 6 + x**4 / 12, x, 5, digits=20)
    found = Perturbed(posterior, x).expectation(x)[1]
    h = R(1, 2**20)
    with digits(40):
        moved = Posterior(posterior.loss + h * x, x, 5, digits=30).expectation(x)
        one_sided = (moved - posterior.expectation(x)) / arb(fmpq(1, 2**20))
        assert not found.overlaps(one_sided)
        assert math.isclose(float(found), float(one_sided), rel_tol=1e-5)


@pytest.mark.parametrize("prior", [sp.S.One, 2 + x, sp.exp(-x / 3)])
def test_on_an_interval_with_a_prior(prior) -> None:
    """L = x²/2 + x on [0, 2], ΔL = x²: ∂_h^k log Z = (−t)^k κ_k(ΔL), k ≤ 3, and the moments of f by their own Taylor series."""
    t, delta = 3, x**2
    posterior = Posterior(x**2 / 2 + x, x, t, prior=prior, digits=18, domain=[(0, 2)])
    series = Perturbed(posterior, delta, 3)
    found, moment = series.log_partition(), series.moments([x])[0]
    with digits(30):
        assert found[0].overlaps(posterior.partition().log())
        for k in (1, 2, 3):
            exact = arb(-t) ** k * posterior.cumulant([delta] * k) / math.factorial(k)
            assert found[k].overlaps(exact) and found[k].rel_accuracy_bits() > 50
            assert moment[k].overlaps(
                arb(-t) ** k * posterior.expectation(x * delta**k) * posterior.partition() / math.factorial(k)
            )
        assert series.susceptibility(x).overlaps(posterior.susceptibility(x, delta))
        assert series.expectations([x, delta])[1][1].overlaps(-t * posterior.covariance(delta, delta))


def test_digits_that_cancel_are_asked_for_again() -> None:
    """φ = x + 10⁹, L = x²/2, ΔL = x²/2: Var_h φ = 1/(t(1 + h)), where the squares of the means take 19 digits away."""
    series = Perturbed(Posterior(x**2 / 2, x, 5, digits=20), x**2 / 2).cumulant([x + 10**9] * 2)
    assert all(holds(c, e, 20) for c, e in zip(series, (R(1, 5), R(-1, 5)), strict=True))

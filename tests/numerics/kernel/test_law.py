"""The discretised chain against closed forms, the expansion, simulation; refusals; its error estimate.

The expansion (`theory.langevin`) and the kernel share no code: one knows only Taylor coefficients, the other only values of
the gradient.
"""

import math
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import extrapolate, kernel
from numerics.precision import agreeing_digits, ball, digits
from theory import autocorrelation, langevin, laplace
from theory.errors import BadInput

x, y = sp.symbols("x y", real=True)
R = sp.Rational
LINE = x**2 / 2 + (1 - sp.cos(x)) / 4 + (x - sp.sin(x)) / 2  # H = 5/4
PLANE = x**2 / 2 + y**2 + x * y / 3 + (1 - sp.cos(x + y)) / 4 + (x - sp.sin(x)) / 5 + (y - sp.sin(y)) / 3
KICK = 2 * x / 5 + sp.sin(x) ** 2 / 6


def total(series, t):
    return laplace.evaluate(series, sp.Integer(t))


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 5), st.integers(1, 9), st.integers(1, 3))
def test_a_linear_chain_is_exact(curvature, tenths, lag) -> None:
    """L = λw²/2: S = 1/(λ(1 − u/4)), lags a^k S, long-run variance Sτ(a), at every u below 4 (here up to 3.6)."""
    lam, u = R(curvature, 2), R(4 * tenths, 10)
    a, S, t = 1 - u / 2, 1 / (lam * (1 - u / 4)), 7
    with digits(25):
        k = kernel.stationary(lam * x**2 / 2, (x,), t, u / lam)
        assert k.covariance(x, x).contains(ball(S / t))
        assert agreeing_digits(k.covariance(x, x), S / t) >= 18
        assert agreeing_digits(k.lagged(x, x, lag), a**lag * S / t) >= 16 or a == 0
        assert k.lagged(x, x, -lag).overlaps(k.lagged(x, x, lag))
        assert agreeing_digits(k.long_run(x, x), S * (1 + a) / (1 - a) / t) >= 16
        assert agreeing_digits(k.from_start(x**2, lag), S * (1 - a ** (2 * lag)) / t) >= 16 or a == 0


@pytest.mark.parametrize("u", [R(3, 5), R(3, 2), R(5, 2)])
@pytest.mark.parametrize("noisy", ["", "gaussian", "batches"])
def test_one_dimension_meets_the_expansion(u, noisy) -> None:
    """Coefficients of Var w, t E L and Cov(w², w) from a ladder of t: 8 digits at leading order and 5 at the next.

    Distances, not balls: the truncation of the extrapolation is an estimate, and at u = 5/2 with batches the error exceeds it.
    """
    e = u * R(4, 5)
    losses = (LINE + KICK, LINE - KICK)
    gaussian = {(0, 0): 1 + sp.sin(x) / 3}
    noise = {"": None, "gaussian": gaussian, "batches": langevin.minibatch(losses, (x,), ratio=2, order=4)}[noisy]

    def at(t):
        given: dict[str, dict[str, Any]] = {
            "batches": {"losses": losses, "batch": t // 2},
            "gaussian": {"noise": gaussian},
        }
        with digits(28):
            return kernel.stationary(LINE, (x,), t, e, **given.get(noisy, {}))

    kernels = {64 << j: at(64 << j) for j in range(8)}
    for traces, first in (((x, x), 1), ((LINE,), 1), ((x**2, x), 2)):
        with digits(28):
            found = extrapolate.coefficients({t: k.cumulant(traces) for t, k in kernels.items()}, order=first + 1)
            series = langevin.cumulant(LINE, traces, (x,), e=e, order=first + 1, noise=noise)
            leading, following = (agreeing_digits(found[k].ball.mid(), series[k]) for k in (first, first + 1))
        print(f"u = {u}, {noisy or 'full batch'}, {traces}: {leading}, {following} digits")
        assert leading >= 8
        assert following >= 5


def test_two_dimensions_meet_the_expansion() -> None:
    """6 digits at leading order and 4 at the next, with a preconditioner and a localisation; H not diagonal."""
    D, e, gamma = sp.Matrix([[R(3, 2), R(1, 3)], [R(1, 3), 1]]), R(4, 5), R(1, 2)
    settings_: dict[str, Any] = {"gamma": gamma, "preconditioner": D}
    with digits(14):
        kernels = {t: kernel.stationary(PLANE, (x, y), t, e, **settings_) for t in (50, 100, 200, 400, 800, 1600, 3200)}
        for traces in ((PLANE,), (x, y)):
            found = extrapolate.coefficients({t: k.cumulant(traces) for t, k in kernels.items()}, order=2)
            series = langevin.cumulant(PLANE, traces, (x, y), e=e, order=2, **settings_)
            leading, following = (-math.log10(abs(float(found[k].ball.mid()) / float(series[k]) - 1)) for k in (1, 2))
            print(f"d = 2, {traces}: {leading:.1f}, {following:.1f} digits")
            assert found[1].ball.contains(ball(series[1]))
            assert leading >= 6
            assert following >= 4


@pytest.mark.parametrize("real", [True, False])
def test_gradient_noise_in_two_dimensions(real) -> None:
    """Minibatches of three kinds of example by their characteristic function; Gaussian noise G(w) by its density."""
    t, e = 400, R(4, 5)
    tame = sp.sin(x) * sp.sin(y) / 9
    losses = (PLANE + x / 3 + tame, PLANE - x / 6 + y / 4 - tame / 2, PLANE - x / 6 - y / 4 - tame / 2)
    noise: Any = langevin.minibatch(losses, (x, y), ratio=2, order=4 if real else 2)
    gaussian = {k: v for k, v in noise.items() if len(k) == 2}
    given_noise: dict[str, Any] = {"losses": losses, "batch": 200} if real else {"noise": gaussian}
    with digits(9):
        k = kernel.stationary(PLANE, (x, y), t, e, **given_noise)
        series = langevin.expectation(PLANE, PLANE, (x, y), e=e, order=3, noise=noise if real else gaussian)
        found = k.expectation(PLANE)
    left = 40 * abs(float(series[3])) / t**4
    assert abs(float(found.mid()) - float(total(series, t))) < float(found.rad()) + left
    assert float(found.rad()) < 1e-6 * float(found.mid())


def test_sums_of_lags_in_two_dimensions() -> None:
    """The Poisson equation on the plane against the expansion's, thinned."""
    with digits(16):
        found = kernel.stationary(PLANE, (x, y), 4000, R(4, 5)).long_run(x * y, y**2, 2)
    series = autocorrelation.long_run(PLANE, x * y, y**2, (x, y), e=R(4, 5), order=4, thin=2)
    assert float(found.mid()) == pytest.approx(float(total(series, 4000)), rel=1e-9)


def test_the_error_is_not_smaller_than_the_truth() -> None:
    """At few digits the radius must hold the number of many digits; for the width, the spacing and batches alike."""
    batches, noise = {"losses": (LINE + KICK, LINE - KICK), "batch": 3}, {"noise": {(0, 0): 1 + sp.cos(x) / 3}}
    extras: list[dict[str, Any]] = [{}, batches, noise]
    for size in (R(1, 4), R(2)):
        for extra in extras:
            with digits(30):
                fine = kernel.stationary(LINE, (x,), 6, size, **extra)
                exact = fine.expectation(LINE), fine.long_run(x, x**2)
            for n in (5, 8, 12):
                with digits(n):
                    k = kernel.stationary(LINE, (x,), 6, size, **extra)
                    coarse = k.expectation(LINE), k.long_run(x, x**2)
                assert all(a.overlaps(b) for a, b in zip(coarse, exact, strict=True)), (size, extra, n)


def test_a_simulation_agrees() -> None:
    """Batches of 3 at t = 6, far from any expansion: 400 000 states; false-alarm rate 1e-6, and 2% off would be seen."""
    rng, t, e, B = np.random.default_rng(3), 6, 1.2, 3
    with digits(12):
        k = kernel.stationary(LINE, (x,), t, R(6, 5), losses=(LINE + KICK, LINE - KICK), batch=B)
        predicted = float(k.covariance(x, x).mid())
    w = np.zeros(400_000)
    for _ in range(40):
        slope = w + np.sin(w) / 4 + (1 - np.cos(w)) / 2
        labels = 2 * rng.binomial(B, 0.5, w.size) / B - 1
        kick = 0.4 + np.sin(2 * w) / 6
        w = w - e / 2 * (slope + labels * kick) + np.sqrt(e / t) * rng.normal(size=w.size)
    v = (w - w.mean()) ** 2
    assert abs(v.mean() - predicted) < 4.9 * v.std() / math.sqrt(w.size)


def test_one_variable_may_stand_alone():
    a, b = (kernel.stationary(x**2 / 2, given, sp.Integer(100), sp.Rational(1, 4)) for given in (x, (x,)))
    assert a.expectation(x**2).overlaps(b.expectation(x**2))


def near(ball_, value, share=1e-9) -> bool:
    """The radius is an estimate: the midpoint lies within it and a relative 10⁻⁹, and the radius is small."""
    found, exact = float(ball_.mid()), float(value)
    scale = max(abs(exact), 1e-12)
    return abs(found - exact) <= float(ball_.rad()) + share * scale and float(ball_.rad()) < 1e-6 * scale


def test_cumulants_of_a_linear_chain() -> None:
    """N(3, S) about w* = 3: κ(x, x, x²) = 2S², κ(x², x²) = 2S² + 36S, κ(x, x, x) = 0; of one, the mean; of four, a refusal."""
    t, e = 20, R(1, 2)
    S = 1 / (1 - e / 4) / t
    with digits(15):
        k = kernel.stationary((x - 3) ** 2 / 2, (x,), t, e)
        assert near(k.cumulant((x,)), 3) and near(k.expectation(x**2), 9 + S)
        assert near(k.cumulant((x, x, (x - 3) ** 2)), 2 * S**2)
        assert near(k.cumulant((x**2, x**2)), 2 * S**2 + 36 * S) and near(k.covariance(x, x**2), 6 * S)
        assert near(k.cumulant(((x - 3) ** 2,) * 3), 8 * S**3)
        third = k.cumulant((x, x, x))
        assert abs(float(third.mid())) <= float(third.rad()) + 1e-16 and float(third.rad()) < 1e-9
        with pytest.raises(BadInput, match="one, two or three observables; there are 4"):
            k.cumulant((x,) * 4)
        assert near(k.from_start(x, 3), 3)
        assert k.from_start(x**2, 0).overlaps(arb(9))
        for steps in (1, 4):
            a = 1 - e / 2
            assert near(k.from_start((x - 3) ** 2, steps), S * (1 - a ** (2 * steps)))


@pytest.mark.parametrize("thin", [1, 2, 5])
def test_thinned_sums_of_a_linear_chain(thin: int) -> None:
    """Lags a^k: Σ = S(1 + a^s)/(1 − a^s), and with a² and 2S² for x², which is also the variance of the estimator of S."""
    t, e = 12, R(3, 5)
    a, S = (1 - e / 2) ** thin, 1 / (1 - e / 4) / t
    with digits(15):
        k = kernel.stationary(x**2 / 2, x, t, e)
        assert near(k.long_run(x, x, thin), S * (1 + a) / (1 - a))
        assert near(k.long_run(x**2, x**2, thin), 2 * S**2 * (1 + a**2) / (1 - a**2))
        assert near(k.estimator(x, x, thin), 2 * S**2 * (1 + a**2) / (1 - a**2))
        assert near(k.lagged(x**2, x**2, thin), 2 * S**2 * (1 - e / 2) ** (2 * thin))
        assert near(k.lagged(x, x, 0), S) and near(k.covariance(x, x), S)


def test_lags_forwards_and_backwards() -> None:
    """Cov(φ(w_k), ψ(w_0)) and Cov(φ(w_0), ψ(w_k)) differ for a chain that is not reversible; each is the other exchanged."""
    with digits(14):
        k = kernel.stationary(LINE, (x,), 6, 2)
        forward, backward = k.lagged(x**3, x**2, 2), k.lagged(x**3, x**2, -2)
        assert k.lagged(x**2, x**3, 2).overlaps(backward)
        assert abs(float((forward - backward).mid())) > 100 * float(forward.rad() + backward.rad())


CHAINS = [
    # options, curvature that acts, D, what the noise adds to e/t beside e² /4t
    ({"gamma": 3}, R(5, 4) + R(3, 10), 1, 0),
    ({"preconditioner": sp.Matrix([[R(9, 4)]])}, R(5, 4), R(9, 4), 0),
    ({"noise": {(0, 0): R(2, 3)}}, R(5, 4), 1, R(2, 3)),
    (
        {"noise": {(0, 0): R(2, 3)}, "preconditioner": sp.Matrix([[R(1, 4)]]), "gamma": 1},
        R(5, 4) + R(1, 10),
        R(1, 4),
        R(2, 3),
    ),
]


@pytest.mark.parametrize(("options", "curvature", "D", "G"), CHAINS, ids=str)
def test_linear_chains_with_every_option(options, curvature, D, G) -> None:
    """w' = w − (e/2t) D g + √(e D/t) ξ with g of slope t·curvature and covariance tG: S = (eD/t + e²D²G/4t)/(1 − a²)."""
    t, e = 10, R(2, 5)
    a = 1 - e * D * curvature / 2
    S = (e * D + e**2 * D**2 * G / 4) / t / (1 - a**2)
    with digits(15):
        k = kernel.stationary(R(5, 8) * x**2, (x,), t, e, **options)
        assert near(k.covariance(x, x), S) and near(k.covariance(x**2, x**2), 2 * S**2)
        assert near(k.long_run(x, x), S * (1 + a) / (1 - a))
        assert near(k.estimator(x, x), 2 * S**2 * (1 + a**2) / (1 - a**2))


def test_minibatches_of_a_linear_chain() -> None:
    """Losses w²/2 + b_i w, b = (2, −1, −1)/3, batch 4: the gradient has the variance t²·Var b/4 and the third moment of b."""
    t, e, B, shifts = 8, R(4, 5), 4, (R(2, 3), R(-1, 3), R(-1, 3))
    a = 1 - e / 2
    second, third = (sum(b**n for b in shifts) / 3 for n in (2, 3))
    S = (e / t + e**2 / 4 * second / B) / (1 - a**2)
    skew = -((e / 2) ** 3) * third / B**2 / (1 - a**3)
    with digits(15):
        k = kernel.stationary(x**2 / 2, (x,), t, e, losses=[x**2 / 2 + b * x for b in shifts], batch=B)
        assert near(k.covariance(x, x), S) and near(k.cumulant((x, x, x)), skew, 1e-8)
        assert abs(float(k.expectation(x).mid())) < 1e-13


def test_the_spread_may_be_given() -> None:
    """The Hessian tells it here as well: the same number from both."""
    with digits(12):
        own = kernel.stationary(LINE, (x,), 30, R(1, 2)).covariance(x, x)
        told = kernel.stationary(LINE, (x,), 30, R(1, 2), spread=[1.1]).covariance(x, x)
    assert abs(float((own - told).mid())) < 1e-11 * float(own.mid())


def test_the_plane_against_the_lyapunov_equation() -> None:
    """S = M S Mᵀ + (e/t) D, M = 1 − (e/2) D H, by scipy; the burn-in is Σ_{j<k} M^j (e/t) D M^{jᵀ}."""
    from scipy.linalg import solve_discrete_lyapunov

    D, t, e = sp.Matrix([[R(3, 2), R(1, 2)], [R(1, 2), 1]]), 50, R(3, 5)
    loss = x**2 / 2 + y**2 / 2 + x * y / 3
    H, D_ = np.array([[1, 1 / 3], [1 / 3, 1]]), np.array(D.tolist(), float)
    M, Q = np.eye(2) - float(e) / 2 * D_ @ H, float(e) / t * D_
    S = solve_discrete_lyapunov(M, Q)
    with digits(8):
        k = kernel.stationary(loss, (x, y), t, e, preconditioner=D)
        for (i, j), pair in {(0, 0): (x, x), (0, 1): (x, y), (1, 1): (y, y)}.items():
            assert float(k.covariance(*pair).mid()) == pytest.approx(S[i, j], rel=1e-6)
            assert float(k.lagged(*pair, 2).mid()) == pytest.approx((M @ M @ S)[i, j], rel=1e-6)
        twice = Q + M @ Q @ M.T
        assert float(k.from_start(x * y, 2).mid()) == pytest.approx(twice[0, 1], rel=1e-6)


@pytest.mark.parametrize("curvature", [R(1, 10**6), 10**4, 10**8])
def test_narrow_and_wide_laws(curvature) -> None:
    """u = eλ = 1 at any curvature: S = 1/λt(1 − 1/4), whatever the spacing of the grid is in these units."""
    with digits(12):
        k = kernel.stationary(curvature * x**2 / 2, (x,), 3, 1 / R(curvature))
        assert near(k.covariance(x, x), 1 / (3 * curvature * R(3, 4)))
        assert near(k.long_run(x, x), 3 / (3 * curvature * R(3, 4)))


def test_every_draw_is_taken_unless_told_otherwise():
    k = kernel.stationary(x**2 / 2, (x,), 50, R(1, 2))
    assert k.long_run(x, x).overlaps(k.long_run(x, x, 1)) and not k.long_run(x, x).overlaps(k.long_run(x, x, 2))

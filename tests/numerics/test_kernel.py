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
        with digits(36):
            return kernel.stationary(LINE, (x,), t, e, **given.get(noisy, {}))

    kernels = {64 << j: at(64 << j) for j in range(8)}
    for traces, first in (((x, x), 1), ((LINE,), 1), ((x**2, x), 2)):
        with digits(36):
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
    with digits(18):
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
    noise: Any = langevin.minibatch(losses, (x, y), ratio=2, order=4)
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


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: kernel.stationary(x**2 / 2 + x**4, (x,), 10, 1), "faster than linearly"),
        (lambda: kernel.stationary(x**2 / 2, (x,), 10, 5), "unstable at leading order"),
        (lambda: kernel.stationary(x**2 / 2 - 1 + sp.cos(x), (x,), 10, 1, at=(0,)), "degenerate"),
        (lambda: kernel.stationary(3 * x**2 + 5 * (sp.cos(x) - 1), (x,), 10, 1), "far out"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, losses=(LINE, LINE + x), batch=2), "mean of `losses`"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, losses=(LINE, LINE)), "both"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1, noise={(0, 0, 0): 1}), "pairs"),
        (lambda: kernel.stationary(LINE, (x,), -1, 1), "t > 0"),
        (lambda: kernel.stationary(x**2 + y**2 + sp.Symbol("z") ** 2, (x, y, sp.Symbol("z")), 1, 1), "one or two"),
        (lambda: kernel.stationary(LINE, (x,), 10, 1).long_run(x, x, 0), "one step apart"),
        (lambda: kernel.stationary(PLANE, (x, y), 10, R(1, 500)), "points"),
    ],
)
def test_refusals(call, says) -> None:
    with digits(15), pytest.raises(BadInput, match=says):
        call()


def test_powers_of_balls_around_zero() -> None:
    """A power of a ball with midpoint 0 must be finite (the library's own power is not)."""
    from numerics.transition import on_points, vector

    with digits(20):
        (value,) = on_points(x**2 + 1 / (1 + x) ** 3, (x,), [vector([arb(0, 1e-10)])])
        assert value.contains(1)


def test_one_variable_may_stand_alone():
    a, b = (kernel.stationary(x**2 / 2, given, sp.Integer(100), sp.Rational(1, 4)) for given in (x, (x,)))
    assert a.expectation(x**2).overlaps(b.expectation(x**2))

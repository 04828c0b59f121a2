"""Momenta: the exact law of a step at a quadratic, heat from minibatches, and a thermostat that takes it away."""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

from sampler import chain, diagnostics
from sampler.kernels.underdamped import Thermostat, baoab, sgnht
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

NBETA, STIFF, BATCH = 10.0, 0.8, 2
LAMBDA = NBETA * STIFF
# Examples at the corners of a cube: Cov_i(∇ℓ_i) = SPREAD² I, isotropic.
SPREAD = 0.4
CORNERS = SPREAD * np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
NOISE = NBETA**2 * SPREAD**2 / BATCH
OBSERVE = {"w": lambda w: w}


def shaken(w, z):
    return STIFF * w @ w / 2 + z @ w


def target(batch_size):
    return LocalPosterior(shaken, jnp.array(CORNERS), jnp.zeros(3), NBETA, 0.0, None, batch_size)


def one_step(kernel, gradient_noise):
    """The linear map of (w, p̂′) ↦ (w, p̂′) of one BAOAB step at U = λw²/2, and its noise covariance."""
    h, A = float(kernel.epsilon) ** 0.5, float(kernel.friction)
    c = np.exp(-A * h)
    kick = np.array([[1, 0], [-h * LAMBDA, 1]])  # two half kicks in a row, by one gradient
    glide = np.array([[1, h / 2], [0, 1]])
    rub = np.diag([1, c])
    after = glide @ rub @ glide
    F = after @ kick
    thermal = glide @ np.diag([0, 1 - c**2]) @ glide.T
    return F, thermal + h**2 * gradient_noise * np.outer(after[:, 1], after[:, 1])


@pytest.mark.parametrize("epsilon", [0.4, 0.1, 0.01])
def test_a_step_leaves_the_gaussian_invariant(epsilon):
    """By the Lyapunov equation, not by sampling: Var w = 1/λ to rounding at every step; ¼(1+c)²(E|p̂|² − 1) = 0."""
    kernel = baoab(epsilon, 1.5)
    S = solve_discrete_lyapunov(*one_step(kernel, 0.0))
    assert S[0, 0] == pytest.approx(1 / LAMBDA, rel=1e-12)
    heated = solve_discrete_lyapunov(*one_step(kernel, NOISE))
    assert heated[0, 0] > S[0, 0]


def test_one_step_of_the_kernel_is_that_map():
    """`move` on recorded numbers against the matrix: w′ and p̂′ with the noise given."""
    kernel = baoab(0.1, 1.5)
    h = 0.1**0.5
    w, p, xi = (jnp.array(x) for x in ([0.3, -0.2, 0.1], [1.0, 0.5, -0.7], [0.2, -1.0, 0.4]))
    moved, momentum = kernel.move(w, p - h / 2 * LAMBDA * w, LAMBDA * w, xi)
    F, _ = one_step(kernel, 0.0)
    c = np.exp(-1.5 * h)
    expected = F @ np.stack([w, p]) + np.outer([h / 2, 1], np.sqrt(1 - c**2) * xi)
    np.testing.assert_allclose(np.stack([moved, momentum]), expected, rtol=1e-12)


@pytest.fixture(scope="module")
def runs():
    sizes = {"chains": 64, "draws": 2500, "burn_in": 1500, "thin": 2, "observables": OBSERVE}
    kernels = {"baoab": baoab(0.05, 1.5), "sgnht": sgnht(0.025, 1.5, 0.3), "half": sgnht(0.0125, 1.5, 0.3)}
    return kernels, {name: chain.run(jax.random.key(7), k, target(BATCH), **sizes) for name, k in kernels.items()}


def variance(run):
    """Of each weight, all known to have mean 0, and with the same law: the mean square."""
    w = run.kept(run.observables["w"])
    return diagnostics.mean((w**2).mean(axis=2))


def test_minibatches_heat_baoab_by_the_exact_amount(runs, agrees, limit):
    kernels, drawn = runs
    exact = solve_discrete_lyapunov(*one_step(kernels["baoab"], NOISE))[0, 0]
    found = variance(drawn["baoab"])
    assert agrees(found, exact)
    assert not agrees(found, 1 / LAMBDA)
    assert exact > 1.5 / LAMBDA
    assert (limit() + 2.33) * found.sem / exact < 0.05
    assert abs(drawn["baoab"].stationarity()) < limit()
    without = diagnostics.mean(drawn["baoab"].kept(drawn["baoab"].drift) - 3)
    assert abs(without.z(0.0)) > limit(), "the square term of the virial identity is not 0 here"


def test_heat_is_of_first_order_in_the_step():
    for epsilon in (1e-4, 1e-6):
        heated = solve_discrete_lyapunov(*one_step(baoab(epsilon, 1.5), NOISE))[0, 0]
        first = epsilon**0.5 * NOISE / (2 * 1.5)
        assert heated * LAMBDA - 1 == pytest.approx(first, rel=3 * epsilon**0.5 + first)


def test_thermostat_takes_the_heat_away(runs, limit):
    """The bias left is O(ε): two steps, Richardson. Other variances are refuted: that of BAOAB at
    the finer step, and the fiftieth that a thermostat without effect was seen to leave in another implementation."""
    coarse, fine = (variance(runs[1][name]) for name in ("sgnht", "half"))
    mean, sem = 2 * fine.mean - coarse.mean, np.hypot(2 * fine.sem, coarse.sem)
    assert abs(mean - 1 / LAMBDA) < limit() * sem
    assert (limit() + 2.33) * sem * LAMBDA < 0.1
    assert abs(fine.mean * LAMBDA - 1) < 0.1
    heated = solve_discrete_lyapunov(*one_step(baoab(0.0125, 1.5), NOISE))[0, 0]
    for wrong in (heated, 0.02 / LAMBDA):
        assert abs(mean - wrong) > limit() * sem
    for name in ("sgnht", "half"):
        assert abs(runs[1][name].stationarity()) < limit()


def test_rates_of_the_thermostat_for_any_friction():
    kernel = sgnht(0.04, 1.5)
    h = 0.2
    for eta in (-3.0, -1e-9, 0.0, 1e-9, 2.0):
        c, s = kernel.rates(jnp.asarray(eta))
        assert float(c) == pytest.approx(np.exp(-eta * h))
        expected = 1.5 * (1 - np.exp(-2 * eta * h)) / eta if abs(eta) > 1e-3 else 2 * 1.5 * h
        assert float(s) ** 2 == pytest.approx(expected, rel=1e-6)


def test_what_must_be_positive():
    for make in (lambda: baoab(0.1, 0.0), lambda: sgnht(0.1, -1.0), lambda: sgnht(0.1, 1.0, 0.0)):
        with pytest.raises(BadInput):
            make()


W, P = np.array([0.3, -0.2, 0.1]), np.array([1.0, 0.5, -0.7])
G, XI = np.array([2.0, -1.0, 0.4]), np.array([0.2, -1.0, 0.4])


def state(memory) -> Any:
    return SimpleNamespace(position=jnp.asarray(W), gradient=jnp.asarray(G), memory=memory)


def place(batch_size=None) -> Any:
    """d = 2: one of three weights is clamped."""
    mask = jnp.array([True, True, False])
    return LocalPosterior(shaken, jnp.array(CORNERS), jnp.array([0.1, 0.1, 0.1]), NBETA, 0.0, mask, batch_size)


def test_the_terms_of_the_virial_are_their_formulas():
    """With p̂ = p − (h/2) ĝ, v = w − w*: v·ĝ, and ¼(1+c)²(|p̂|² − d), or −((1−c)/h) v·p̂ + ½ c(1+c)|p̂|² + ½ s² d − d at the
    friction of a half step of the thermostat."""
    h, v = 0.04**0.5, W - 0.1
    p = P - h / 2 * G
    drift, square = baoab(0.04, 1.5).virial(place(), state(jnp.asarray(P)))
    c = np.exp(-1.5 * h)
    assert float(drift) == pytest.approx(v @ G) and float(square) == pytest.approx((1 + c) ** 2 / 4 * (p @ p - 2))
    eta = 0.7 + h / 2 * (p @ p / 2 - 1) / 0.3
    c, s2 = np.exp(-eta * h), 1.5 * (1 - np.exp(-2 * eta * h)) / eta
    memory = Thermostat(jnp.asarray(P), jnp.asarray(0.7))
    drift, square = sgnht(0.04, 1.5, 0.3).virial(place(), state(memory))
    expected = -(1 - c) / h * (v @ p) + c * (1 + c) / 2 * (p @ p) + s2 * 2 / 2 - 2
    assert float(drift) == pytest.approx(v @ G) and float(square) == pytest.approx(expected)


def test_a_step_with_the_thermostat_is_its_pieces():
    """B, A, D, O, D, A by hand with unequal friction and mass; η moves by the kinetic energy of two free weights."""
    h, A, m = 0.04**0.5, 1.5, 0.3
    p = P - h / 2 * G
    w = W + h / 2 * p
    eta = 0.7 + h / 2 * (p @ p / 2 - 1) / m
    p = np.exp(-eta * h) * p + np.sqrt(A * (1 - np.exp(-2 * eta * h)) / eta) * XI
    expected = w + h / 2 * p, p, eta + h / 2 * (p @ p / 2 - 1) / m
    memory = Thermostat(jnp.asarray(P), jnp.asarray(0.7))
    moved, after = sgnht(0.04, A, m).move(jnp.asarray(2), jnp.asarray(W), memory, jnp.asarray(G), jnp.asarray(XI))
    for found, by_hand in zip((moved, *after), expected, strict=True):
        np.testing.assert_allclose(found, by_hand, rtol=1e-12)
    assert float(sgnht(0.04, A).mass) == 1.0


@pytest.mark.parametrize("make", [lambda: baoab(0.04, 1.5), lambda: sgnht(0.04, 1.5, 0.3)])
def test_a_step_ends_with_a_kick_by_the_new_gradient_and_starts_from_clamped_noise(make, monkeypatch):
    """p′ = p̂′ − (h/2) ĝ(w′); momenta at the start are noise on the weights that move, the friction is A."""
    kernel, p = make(), place()
    first = kernel.init(jax.random.key(0), p, p.centre)
    momentum = getattr(first.memory, "momentum", first.memory)
    assert (np.asarray(momentum)[:2] != 0).all() and float(momentum[2]) == 0
    assert float(getattr(first.memory, "friction", 1.5)) == 1.5
    xi = jnp.array([0.2, -1.0, 0.0])
    monkeypatch.setattr("sampler.kernels.underdamped.drawn", lambda key, posterior, position: (xi, key))
    after = kernel.step(jax.random.key(1), p, first)
    if isinstance(first.memory, Thermostat):
        moved, memory = kernel.move(p.dimension, first.position, first.memory, first.gradient, xi)
        hat, end = memory.momentum, after.memory.momentum
        assert float(after.memory.friction) == pytest.approx(float(memory.friction))
    else:
        (moved, hat), end = kernel.move(first.position, first.memory, first.gradient, xi), after.memory
    np.testing.assert_allclose(after.position, moved, rtol=1e-12)
    slope = np.where([True, True, False], NBETA * STIFF * np.asarray(moved), 0.0)
    np.testing.assert_allclose(after.gradient, slope, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(end, np.asarray(hat) - 0.2 / 2 * slope, rtol=1e-9)

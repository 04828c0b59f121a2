"""Preconditioned steps: what the published RMSprop kernel samples, by how much it is wrong, and that freezing it mends it.

The law of the adapting chain is checked where it can be had exactly: with α = 0, D depends on the position alone and the chain of
a single weight has a transition density, whose stationary vector is found on a grid.
"""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import chain, diagnostics
from sampler.kernels.preconditioned import SecondMoment, preconditioned, rmsprop
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

NBETA = 10.0
H = np.array([[2.0, 0.6], [0.6, 0.5]])
OBSERVE = {"w": lambda w: w}


def quadratic(w, z):
    return w @ z @ w / 2


def target(H):
    return LocalPosterior(quadratic, jnp.array(H)[None], jnp.zeros(len(H)), NBETA, 0.0)


def covariance(run):
    w = run.kept(run.observables["w"])
    return diagnostics.covariance(w, w)


def variance_on_a_grid(epsilon, floor, width=7.0, points=1201):
    """Var of the stationary law of w′ = w − (ε/2) D nβ w + √(εD) ξ, D = 1/(|w| + floor), from its transition matrix."""
    w = np.linspace(-width, width, points) / np.sqrt(NBETA)
    D = 1 / (np.abs(w) + floor)
    mean, spread = w - epsilon / 2 * D * NBETA * w, np.sqrt(epsilon * D)
    kernel = np.exp(-(((w[None, :] - mean[:, None]) / spread[:, None]) ** 2) / 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    # p (K − 1) = 0 and Σ p = 1.
    balance = np.vstack([(kernel - np.eye(points)).T[:-1], np.ones(points)])
    return float(np.linalg.solve(balance, np.eye(points)[-1]) @ w**2)


def test_the_limit_of_small_steps_has_the_variance_of_its_formula():
    """(1 + 2c)/(1 + c) with c = √(2/π) κσ/e, by the exact kernel at two steps and Richardson; at two floors."""
    for floor, epsilon in ((0.5, 0.004), (0.1, 0.001)):
        c = np.sqrt(2 / np.pi) / np.sqrt(NBETA) / floor
        one, two = (NBETA * variance_on_a_grid(e, floor) for e in (epsilon, epsilon / 2))
        assert 2 * two - one == pytest.approx((1 + 2 * c) / (1 + c), rel=2e-3)
        assert abs(2 * two - one - 1) > 0.2, "not the variance of exp(−U)"


@pytest.fixture(scope="module")
def published():
    """α = 0 at a finite step, as published: a single weight."""
    kernel = rmsprop(0.02, decay=0.0, floor=0.1)
    return chain.run(
        jax.random.key(2), kernel, target(np.eye(1)), chains=64, draws=3000, burn_in=300, observables=OBSERVE
    )


def test_published_kernel_has_the_biased_law_and_no_other(published, agrees, limit):
    found = covariance(published)
    assert agrees(found, [[variance_on_a_grid(0.02, 0.1)]])
    assert not agrees(found, [[1 / NBETA]])
    assert float(found.mean[0, 0]) * NBETA > 1.5
    assert abs(published.stationarity()) < limit(), "stationary it is, and says so"
    wrong = diagnostics.mean(published.kept(published.drift) - published.dimension)
    assert abs(wrong.z(0.0)) > limit()


@pytest.mark.parametrize("floor", [0.1, 1e-3])
def test_slow_average_keeps_part_of_the_bias_and_freezing_removes_it(floor, agrees, limit):
    """α = 0.99 and ε ≪ 1−α, in two dimensions: the bias of the published kernel, and the frozen one's exact covariance."""
    p, chains, adaptation, epsilon = target(H), 64, 300, 0.002
    sizes = {"chains": chains, "draws": 2500, "thin": 4, "burn_in": 2 * adaptation, "observables": OBSERVE}
    frozen = rmsprop(epsilon, floor=floor, adaptation=adaptation)
    gibbs = np.linalg.inv(NBETA * H)
    drifting = chain.run(jax.random.key(4), rmsprop(epsilon, floor=floor), p, **sizes)
    settled = chain.run(jax.random.key(4), frozen, p, **sizes)
    D = np.asarray(adapted(frozen, p, jax.random.key(4), chains, adaptation + 50))
    np.testing.assert_array_equal(D, adapted(frozen, p, jax.random.key(4), chains, adaptation))
    P = NBETA * H
    exact = np.mean([np.linalg.inv(P - epsilon / 4 * P @ np.diag(one) @ P) for one in D], axis=0)
    found, biased = covariance(settled), covariance(drifting)
    assert agrees(found, exact)
    assert not agrees(biased, exact)
    assert not agrees(biased, gibbs)
    root = np.linalg.inv(np.linalg.cholesky(gibbs))
    ratio = np.trace(root @ biased.mean @ root.T) / 2
    assert 1.02 < ratio < 2
    for run in (settled, drifting):
        assert abs(run.stationarity()) < limit()


def adapted(kernel, p, key, chains, steps):
    """D of each chain after some steps of the streams of `chain.run` with the same key."""

    def one(key):
        def step(state, number):
            return kernel.step(jax.random.fold_in(key, number + 1), p, state), None

        state = kernel.init(jax.random.fold_in(key, 0), p, p.centre)
        return kernel.preconditioner(jax.lax.scan(step, state, jnp.arange(steps))[0].memory)

    return jax.jit(jax.vmap(one))(jax.random.split(key, chains))


def test_frozen_rmsprop_is_the_preconditioned_kernel_bit_for_bit():
    p, key = target(H), jax.random.key(0)
    kernel = rmsprop(0.01, adaptation=1)
    state = kernel.init(key, p, jnp.array([0.3, -0.2]))
    other = preconditioned(0.01, kernel.preconditioner(state.memory))
    same = other.init(key, p, state.position)
    for s in range(3):
        state, same = (k.step(jax.random.key(s), p, x) for k, x in ((kernel, state), (other, same)))
    np.testing.assert_array_equal(state.position, same.position)
    unit, plain = preconditioned(0.01, jnp.ones(2)), sgld(0.01)
    np.testing.assert_array_equal(unit.step(key, p, same).position, plain.step(key, p, same).position)


def test_second_moment_as_printed():
    """v₋₁ = 1, v ← αv + (1−α)s², v̂ = v/(1 − α^{t+1}): three steps by hand, s the gradient of the loss without nβ and γ."""
    p = LocalPosterior(quadratic, jnp.array(H)[None], jnp.zeros(2), NBETA, 3.0)
    kernel = rmsprop(0.01, decay=0.9, initial=1.0, corrected=True)
    state = kernel.init(jax.random.key(0), p, jnp.array([1.0, -1.0]))
    v = np.ones(2)
    for t in range(3):
        v = 0.9 * v + 0.1 * (H @ np.asarray(state.position)) ** 2
        expected = 1 / (np.sqrt(v / (1 - 0.9 ** (t + 1))) + 0.1)
        np.testing.assert_allclose(kernel.preconditioner(state.memory), expected, rtol=1e-12)
        state = kernel.step(jax.random.key(t), p, state)


@pytest.mark.parametrize(
    "settings", [{"decay": 1.0}, {"decay": -0.1}, {"floor": 0.0}, {"initial": -1.0}, {"adaptation": 0}]
)
def test_rmsprop_refuses_values_out_of_range(settings):
    with pytest.raises(BadInput):
        rmsprop(0.1, **settings)


def test_preconditioned_refuses_what_is_not_positive_and_other_trees():
    for bad in (jnp.array([1.0, 0.0]), jnp.array([1.0, np.inf]), jnp.array([1.0, -1.0])):
        with pytest.raises(BadInput):
            preconditioned(0.1, bad)
    p = target(H)
    for D in ({"w": 1.0}, jnp.ones(3)):
        kernel = preconditioned(0.1, D)
        with pytest.raises(BadInput):
            kernel.step(jax.random.key(0), p, kernel.init(jax.random.key(0), p, p.centre))


def test_the_terms_of_the_virial_are_their_formulas():
    """v·ĝ and (ε/4) ĝ·Dĝ for a given D; v·Dĝ and (ε/4)|Dĝ|² + tr D − d for RMSprop, over the weight that moves."""
    p = LocalPosterior(quadratic, jnp.array(H)[None], jnp.array([0.5, 1.0]), NBETA, 3.0, jnp.array([True, False]))
    v, g = np.array([0.25, 0.0]), np.array([2.0, 0.0])
    state: Any = SimpleNamespace(position=jnp.array([0.75, 1.0]), gradient=jnp.asarray(g))
    drift, square = preconditioned(0.1, jnp.array([3.0, 5.0])).virial(p, state)
    assert float(drift) == pytest.approx(v @ g) and float(square) == pytest.approx(0.025 * 3 * 4)
    state.memory = SecondMoment(jnp.array([0.16, 0.01]), jnp.asarray(3))
    D = 1 / (0.4 + 0.1)
    drift, square = rmsprop(0.1).virial(p, state)
    assert float(drift) == pytest.approx(D * 0.5) and float(square) == pytest.approx(0.025 * (D * 2) ** 2 + D - 1)


def test_a_step_has_the_size_of_its_weight(monkeypatch):
    """w − (ε/2) D g + √(εD) ξ by hand, with D a number for one leaf and a row for the other."""
    xi = {"a": jnp.array([0.3, -1.0]), "b": jnp.array(2.0)}
    monkeypatch.setattr("sampler.kernels.preconditioned.drawn", lambda key, posterior, position: (xi, key))
    p = LocalPosterior(
        lambda w, _: jnp.sum(w["a"] ** 3) + w["b"], jnp.zeros((1, 0)), {"a": jnp.zeros(2), "b": jnp.zeros(())}, 4.0, 0.0
    )
    kernel = preconditioned(0.1, {"a": jnp.array([3.0, 0.5]), "b": 2.0})
    state = kernel.init(jax.random.key(0), p, {"a": jnp.array([1.0, -2.0]), "b": jnp.array(5.0)})
    after = kernel.step(jax.random.key(1), p, state).position
    D, g = np.array([3.0, 0.5]), 4 * 3 * np.array([1.0, 4.0])
    np.testing.assert_allclose(after["a"], [1, -2] - 0.05 * D * g + np.sqrt(0.1 * D) * [0.3, -1], rtol=1e-12)
    assert float(after["b"]) == pytest.approx(5 - 0.05 * 2 * 4 + np.sqrt(0.2) * 2)


def test_rmsprop_as_it_is_made_and_what_it_counts():
    """V₀ = 0, α = 0.99, e = 0.1 and no correction unless given; V is frozen after so many gradients, the first included."""
    kernel = rmsprop(0.01)
    assert [float(x) for x in (kernel.decay, kernel.floor, kernel.initial)] == [0.99, 0.1, 0.0] and not kernel.corrected
    p = target(H)
    frozen = rmsprop(0.01, decay=0.5, adaptation=2)
    state = frozen.init(jax.random.key(0), p, jnp.array([1.0, -1.0]))
    np.testing.assert_allclose(state.memory.V, 0.5 * (H @ [1.0, -1.0]) ** 2, rtol=1e-12)
    seen = [state]
    for t in range(3):
        seen.append(frozen.step(jax.random.key(t), p, seen[-1]))
    slope = H @ np.asarray(seen[1].position)
    np.testing.assert_allclose(seen[1].memory.V, 0.5 * np.asarray(state.memory.V) + 0.5 * slope**2, rtol=1e-12)
    assert [int(s.memory.k) for s in seen] == [1, 2, 2, 2]
    assert (seen[3].memory.V == seen[1].memory.V).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: rmsprop(0.1, decay=1.0), r"decay must lie in \[0, 1\); it is 1\.0"),
        (lambda: rmsprop(0.1, decay=-1e-9), "decay must lie"),
        (lambda: rmsprop(0.1, initial=np.inf), "initial must be finite"),
        (lambda: rmsprop(0.1, initial=-1e-9), "initial must be finite"),
        (lambda: rmsprop(0.1, adaptation=0), "at least 1; it is 0"),
        (lambda: rmsprop(0.1, adaptation=2**31 - 1), "adaptation counts gradients"),
        (lambda: rmsprop(0.1, floor=-1.0), "positive, finite floor"),
        (lambda: rmsprop(np.inf), "positive, finite step size epsilon"),
        (
            lambda: preconditioned(np.array([0.1, 0.2]), 1.0),
            r"one step size epsilon for all weights; its shape here is \(2,\)",
        ),
    ],
)
def test_what_is_out_of_range_is_named(make, words):
    with pytest.raises(BadInput, match=words):
        make()
    assert float(rmsprop(0.1, decay=0.0, initial=0.0, adaptation=1).adaptation) == 1

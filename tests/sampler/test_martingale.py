"""The control variate itself: mean 0 for any chain, zero variance where it promises so, and wrong ones that are refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import diagnostics, martingale
from sampler.kernels.mala import mala
from sampler.kernels.preconditioned import preconditioned, rmsprop
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior, dot
from theory.errors import BadInput

D = np.array([1.0, 3.0, 0.5])


def bent(w, z):
    """Neither convex nor quadratic, with noise from the data."""
    return jnp.sum((w - z) ** 2) / 2 + (w[0] * w[1]) ** 2 + jnp.cos(2 * w[2]) + w[0] * w[2] * z[1]


CASES = {"sgld": (sgld, None), "frozen": (lambda epsilon: preconditioned(epsilon, D), 2), "rmsprop": (rmsprop, 2)}


@pytest.mark.parametrize(("make", "batch_size"), CASES.values(), ids=CASES)
def test_mean_zero_from_the_first_step_on(make, batch_size, limit):
    """Chains that start far away, nowhere near stationary: the sum of M over 30 steps from there has mean 0, over 1500 chains."""
    data = jax.random.normal(jax.random.key(9), (5, 3))
    p = LocalPosterior(bent, data, jnp.zeros(3), 20.0, 1.0, batch_size=batch_size)
    options: dict[str, Any] = {"chains": 1500, "draws": 31, "burn_in": 0, "initial": jnp.array([2.0, -1.0, 0.4])}
    run = martingale.run(jax.random.key(3), make(0.003), p, order=2, **options)
    seen = run.trace("martingale")
    total = seen[:, -1, 1] - seen[:, 0, 1]
    assert abs(total.mean() / total.std() * 1500**0.5) < limit()
    assert seen[0, -1, 0] - seen[0, 0, 0] == 30
    # The virial of the same steps is not 0 there, and it tells how far |w − w*|² has gone.
    assert abs(diagnostics.mean(np.diff(seen, axis=1)[..., 2]).z(0.0)) > limit()


def test_the_growth_of_the_displacement_is_the_virial():
    """Σ virial + (|x_N|² − |x_0|²)/ε is a martingale: mean 0 over 1500 chains that are not stationary."""
    p = LocalPosterior(bent, jnp.ones((4, 3)), jnp.zeros(3), 20.0, 1.0)
    options: dict[str, Any] = {"chains": 1500, "draws": 21, "burn_in": 0, "initial": jnp.array([1.0, -1.0, 0.4])}
    run = martingale.run(
        jax.random.key(4), sgld(0.003), p, order=1, observables={"square": lambda w: jnp.sum(w**2)}, **options
    )
    seen, square = run.trace("martingale"), run.trace("square")
    total = (seen[:, -1, 2] - seen[:, 0, 2]) + (square[:, -1] - square[:, 0]) / 0.003
    assert abs(total.mean() / total.std() * 1500**0.5) < 4.9
    assert abs(np.mean(square[:, -1] - square[:, 0])) / 0.003 > 10 * total.std() / 1500**0.5


def test_a_quadratic_of_few_curvatures_leaves_the_ends_only():
    """With as many products as weights φ = nβ(L − L*) less M telescopes: φ_k − M_{k+1} = E φ + u(w_k) − u(w_{k+1}), with the
    solution u = ½ xᵀ(εI − ε²H/4)⁻¹x of the Poisson equation, by linear algebra; E φ = ½ Σ 1/(1 − ελ/4)."""
    H, gamma = jnp.diag(jnp.array([30.0, 60.0, 90.0])), 15.0
    p = LocalPosterior(lambda w, _: w @ H @ w / 2, jnp.zeros((1, 0)), jnp.zeros(3), 1.0, gamma)
    epsilon, P = 0.01, np.asarray(H) + gamma * np.eye(3)
    A = np.asarray(H) @ np.linalg.inv(epsilon * P - epsilon**2 / 4 * P @ P)
    options: dict[str, Any] = {"chains": 3, "draws": 200, "burn_in": 20}
    run = martingale.run(
        jax.random.key(6), sgld(epsilon), p, order=3, observables={"u": lambda w: w @ jnp.asarray(A) @ w / 2}, **options
    )
    phi, seen, u = run.trace("loss"), run.trace("martingale")[..., 1], run.trace("u")
    expected = 0.5 * np.sum(np.diag(H) / np.diag(P) / (1 - epsilon * np.diag(P) / 4))
    left = phi[:, :-1] - np.diff(seen, axis=1) - expected + np.diff(u, axis=1)
    # κ = θ_max/50 leaves a share (κ/θ)² of 0.4%, 0.1% and 0.04% of each mode's M, whose spread is up to 1/√(ελ) times that of φ.
    assert np.abs(left).max() < 0.05 * phi.std()
    assert np.diff(u, axis=1).std() > phi.std()


def test_a_wrong_factor_is_seen():
    """M with a factor 2 or the wrong sign has more variance than nothing; with factor 1 the variance of the mean falls tenfold."""
    H = jnp.diag(jnp.array([30.0, 60.0, 90.0]))
    p = LocalPosterior(lambda w, _: w @ H @ w / 2, jnp.zeros((1, 0)), jnp.zeros(3), 1.0, 0.0)
    run = martingale.run(jax.random.key(7), sgld(0.01), p, order=3, chains=200, draws=401, burn_in=50)
    energy, controls = martingale.blocks(run)
    energy, control = energy.mean(axis=1), controls[..., 0].mean(axis=1)
    variances = {factor: np.var(energy - factor * control) for factor in (0, 1, 2.2, -1)}
    assert variances[0] > 10 * variances[1]
    assert variances[2.2] > variances[0] < variances[-1]


def test_clamped_weights_and_exhausted_spaces():
    """One weight moves and three products are asked for; at the centre the gradient is 0: finite, and M uses the one direction."""
    p = LocalPosterior(
        lambda w, _: w["a"] ** 2 + w["b"] ** 2,
        jnp.zeros((1, 0)),
        {"a": 0.0, "b": 0.0},
        10.0,
        0.0,
        {"a": True, "b": False},
    )
    run = martingale.run(jax.random.key(8), sgld(0.02), p, order=3, chains=2, draws=50, burn_in=0)
    seen = run.trace("martingale")
    assert np.isfinite(seen).all()
    assert (seen[..., 3] == 0).all(), "the virial of a clamped leaf"
    x, g, xi = (jax.tree.map(jnp.asarray, {"a": v, "b": 0.0}) for v in (0.3, 6.0, 1.7))
    held = {"a": 5.0, "b": 5.0}
    found = martingale._control(lambda v: {"a": 20 * v["a"], "b": 0 * v["b"]}, (g, held), xi, jnp.asarray(0.02), 3)
    theta, keep = 20.0, 1 / (1 + 0.02**2)
    slow = 1 - 0.02 * theta / 4
    expected = keep * (
        1.7 * 6.0 / theta * (1 - 0.02 * theta / 2) / slow / 0.02**0.5 + (1 - 5 / 20) * (1.7**2 - 1) / 2 / slow
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert dot(x, g) == pytest.approx(1.8)


def test_bad_input_is_named():
    with pytest.raises(BadInput, match="not MALA"):
        martingale.controlled(mala(0.1))  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadInput, match="at least 1"):
        martingale.controlled(sgld(0.1), order=0)

"""The control variate itself: mean 0 for any chain, zero variance where it promises so, and wrong ones that are refused."""

from dataclasses import replace
from types import SimpleNamespace
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
from sampler.record import Run
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
    x, g, xi, held = (
        {"a": np.array(v), "b": np.array(u, float)} for v, u in ((0.3, 0), (6.0, 0), (1.7, 0), (5.0, 5.0))
    )

    @jax.jit
    def control(g, held, xi):
        return martingale._control(lambda v: {"a": 20 * v["a"], "b": 0 * v["b"]}, (g, held), xi, jnp.asarray(0.02), 3)

    found = control(g, held, xi)
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


def test_four_products_a_step_unless_another_number_is_given(monkeypatch):
    asked: list[Any] = []
    monkeypatch.setattr(
        martingale.chain, "run", lambda key, kernel, posterior, **options: asked.append((kernel, options))
    )
    p: Any = None
    martingale.run(jax.random.key(0), sgld(0.1), p, draws=7)
    martingale.run(jax.random.key(0), sgld(0.1), p, order=1, statistics={"other": martingale.sums})
    (one, first), (two, second) = asked
    orders = [martingale.controlled(sgld(0.1)).order, martingale.controlled(sgld(0.1), order=1).order]
    assert [one.order, two.order, *orders] == [4, 1, 4, 1]
    assert first == {"draws": 7, "statistics": {"martingale": martingale.sums}}
    assert second == {"statistics": {"other": martingale.sums, "martingale": martingale.sums}}


def made(draws, chains=2, leaves=3):
    """A run by hand: the losses, and what each of five steps a draw added to (steps, M, virial of each leaf)."""
    rng = np.random.default_rng(draws)
    loss, added = rng.normal(size=(chains, draws)), rng.normal(size=(chains, draws, 2 + leaves))
    added[..., 0] = 5
    known: dict[str, Any] = {
        "finite": np.ones(chains, bool),
        "centre_loss": 0.25,
        "nbeta": 4.0,
        "gamma": 0.0,
        "epsilon": 0.1,
    }
    known |= {"dimension": 2, "position": (), "seconds": 0.0, "probes": None}
    known |= dict.fromkeys(("drift", "square", "accepted"), loss)
    return Run(loss=loss, observables={"martingale": np.cumsum(added, axis=1)}, **known), loss, added


@pytest.mark.parametrize(
    ("draws", "options", "count", "length"),
    [
        (5, {}, 4, 1),
        (21, {}, 20, 1),
        (41, {}, 20, 2),
        (50, {}, 20, 2),
        (50, {"count": 4}, 4, 12),
        (9, {"count": 8}, 8, 1),
    ],
)
def test_a_draw_and_the_steps_after_it_are_of_one_block(draws, options, count, length):
    """The last `count` · `length` draws but one, which has no steps after it; sums of M and virials over the steps there."""
    run, loss, added = made(draws)
    energy, controls = martingale.blocks(run, **options)
    assert energy.shape == (2, count) and controls.shape == (2, count, 4)
    first = draws - 1 - count * length
    for k in range(count):
        here = slice(first + k * length, first + (k + 1) * length)
        after = slice(here.start + 1, here.stop + 1)
        np.testing.assert_allclose(energy[:, k], 4 * (loss[:, here] - 0.25).mean(axis=1), rtol=1e-12)
        np.testing.assert_allclose(
            controls[:, k], added[:, after, 1:].sum(axis=1) / (5 * length), rtol=1e-9, atol=1e-12
        )


def test_blocks_need_five_draws_and_the_record():
    with pytest.raises(BadInput, match="need 5 draws or more of each chain; there are 4"):
        martingale.blocks(made(4)[0])
    with pytest.raises(BadInput, match=r"sample with `martingale\.run`"):
        martingale.blocks(replace(made(9)[0], observables={}))


@pytest.mark.parametrize("order", [1, 4])
def test_the_control_is_its_formula_in_the_krylov_space(order):
    """A matrix of five weights with a negative and a small curvature, in two leaves: v and A from an orthonormal basis by QR and
    the Ritz vectors of numpy, with γD off the diagonal of H."""
    rng = np.random.default_rng(order)
    basis = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    H, epsilon = basis @ np.diag([-2.0, 0.3, 20.0, 35.0, 60.0]) @ basis.T, 0.05
    g, xi, held = rng.normal(size=5), rng.normal(size=5), np.array([1.0, 2.0, 0.5, 3.0, 1.5])

    def tree(v):
        return {"a": jnp.asarray(v[:2]), "b": jnp.asarray(v[2:]).reshape(3, 1)}

    def product(v):
        return tree(H @ np.concatenate([np.ravel(v["a"]), np.ravel(v["b"])]))

    powers = [g]
    for _ in range(order - 1):
        powers.append(H @ powers[-1] / 30)
    Q = np.linalg.qr(np.array(powers).T)[0]
    theta, s = np.linalg.eigh(Q.T @ H @ Q)
    r = Q @ s
    curved = theta / (theta**2 + (np.abs(theta).max() / 50) ** 2)
    slow = np.maximum(1 - epsilon * theta / 4, 0.25)
    v = r @ (curved * (1 - epsilon * theta / 2) / slow * (r.T @ g))
    localised = np.array([column @ (held * column) for column in r.T])
    A = r @ np.diag((theta - localised) * curved / slow / 2) @ r.T
    expected = xi @ v / epsilon**0.5 + xi @ A @ xi - np.trace(A)
    found = martingale._control(product, (tree(g), tree(held)), tree(xi), jnp.asarray(epsilon), order)
    assert float(found) == pytest.approx(expected, rel=1e-8)
    nothing = martingale._control(product, (tree(0 * g), tree(held)), tree(xi), jnp.asarray(epsilon), order)
    assert float(nothing) == 0


def test_the_virial_of_each_leaf_is_its_formula():
    """(w − w*)·Dg − (ε/4)|Dg|² − tr D, leaf by leaf; nothing of a clamped one."""
    p = LocalPosterior(
        lambda w, _: jnp.sum(w["a"]) + jnp.sum(w["b"]), jnp.zeros((1, 0)), {"a": jnp.ones(2), "b": jnp.zeros(3)}, 4.0, 0.0,
        mask={"a": True, "b": False},
    )  # fmt: skip
    position, slope = jnp.array([3.0, 0.0]), jnp.array([2.0, 5.0])
    state: Any = SimpleNamespace(position={"a": position, "b": jnp.ones(3)}, gradient={"a": slope, "b": jnp.ones(3)})
    D = {"a": jnp.array([0.5, 2.0]), "b": jnp.ones(3)}
    one, two = martingale._virial(p, state, D, jnp.asarray(0.8))
    assert float(one) == pytest.approx((2 * 1 - 1 * 10) - 0.2 * (1 + 100) - 2.5) and float(two) == 0


def test_a_step_adds_the_control_of_its_own_noise_and_preconditioner(monkeypatch):
    """One weight of curvature h = nβ·3 + γ and D = 4, a second one clamped: θ = Dh, g = √D nβ·3w without the pull of γ, γ → γD,
    and the share κ = θ/50; then the next step is added."""
    centre = {"a": jnp.array([0.25]), "b": jnp.zeros(1)}
    p = LocalPosterior(
        lambda w, z: z * w["a"][0] ** 2 * 1.5 + w["b"][0] ** 2, jnp.array([0.5, 1.5]), centre, 2.0, 5.0, {"a": True, "b": False}
    )  # fmt: skip
    epsilon, D = 0.01, 4.0
    kernel = martingale.controlled(preconditioned(epsilon, {"a": jnp.array([D]), "b": jnp.array([9.0])}), order=2)
    state = kernel.init(jax.random.key(0), p, {"a": jnp.array([1.0]), "b": jnp.zeros(1)})
    assert martingale.sums(p, state).tolist() == [0, 0, 0, 0]

    @jax.jit
    def step(xi, state):
        monkeypatch.setattr(martingale, "drawn", lambda key, *_: ({"a": xi[None], "b": jnp.zeros(1)}, key))
        return kernel.step(jax.random.key(1), p, state)

    expected = np.zeros(4)
    for xi in (0.7, -1.3):
        w = float(state.position["a"][0])
        theta, g, slope = D * (2 * 3 + 5), D**0.5 * 2 * 3 * w, 2 * 3 * w + 5 * (w - 0.25)
        curved, slow = 1 / (1 + 1 / 50**2), 1 - epsilon * theta / 4
        linear = xi * curved * g / theta * (1 - epsilon * theta / 2) / slow / epsilon**0.5
        square = curved * (1 - 5 * D / theta) / slow * (xi**2 - 1) / 2
        virial = (w - 0.25) * D * slope - epsilon / 4 * (D * slope) ** 2 - D
        expected += [1, linear + square, virial, 0]
        state = step(jnp.asarray(xi), state)
        np.testing.assert_allclose(martingale.sums(p, state), expected, rtol=1e-9)

"""The pieces of the parentheses experiment against answers known otherwise, and the whole of it on a tiny plan."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ledger.claim import Budget
from ledger.experiments import parens as experiment
from ledger.experiments.experiment import Found
from ledger.experiments.folder import open_folder
from ledger.experiments.parens import findings, measure, retrain, rules
from sampler.data import parentheses
from sampler.kernels.kernel import langevin
from sampler.kernels.preconditioned import Preconditioned, like
from sampler.networks import classifier


@pytest.fixture(scope="module")
def strings():
    return parentheses.training(60, seed=3)


def test_the_network_has_the_number_of_weights_that_is_said():
    assert sum(x.size for x in jax.tree.leaves(retrain.initial(jnp.int32(0)))) == 4577


def test_a_weight_is_a_repeated_string(strings):
    """The gradient of the weighted loss is that of strings repeated ρ times."""
    w = retrain.initial(jnp.int32(1))
    rho = np.random.default_rng(0).integers(0, 4, 12).astype(np.float32)
    tokens, labels = strings.tokens[:12], strings.labels[:12]

    def total(w, tokens, labels, rho):
        return jnp.sum(jax.vmap(classifier.weighted, in_axes=(None, 0))(w, (tokens, labels, rho)))

    again = np.repeat(np.arange(12), rho.astype(int))
    slope = jax.jit(jax.grad(total))
    one = slope(w, tokens, labels, rho)
    two = slope(w, tokens[again], labels[again], np.ones(len(again), np.float32))
    plain = slope(w, tokens, labels, np.ones(12, np.float32))
    for a, b, c in zip(*(jax.tree.leaves(x) for x in (one, two, plain)), strict=True):
        assert np.asarray(a) == pytest.approx(np.asarray(b), abs=2e-5)
        assert a.size == 1 or not np.allclose(a, c, atol=1e-3)


def test_seeds_are_paired(strings):
    """The same seed under the same weights is the same network, in whatever company; another weighting moves it."""
    one = retrain.fit(strings, np.ones(60), np.array([3, 5]), 3)
    two = retrain.fit(strings, np.stack([np.ones(60), np.linspace(0, 2, 60)]), np.array([5, 3]), 3)
    a, b, c = one["readout"][1], two["readout"][0], (one["readout"][0], two["readout"][1])
    assert np.asarray(a) == pytest.approx(np.asarray(b), abs=1e-6)
    assert not np.allclose(*c, atol=1e-6)


def test_covariances_are_minus_the_covariance_with_the_mean_loss_taken_out():
    rng = np.random.default_rng(1)
    phi, losses = rng.normal(size=40), rng.normal(size=(40, 7))
    chi = measure.covariances(phi, losses)
    L = losses.mean(axis=1)
    for z in range(7):
        assert chi[z] == pytest.approx(-np.cov(phi, losses[:, z] - L, bias=True)[0, 1], abs=1e-14)
    assert chi.sum() == pytest.approx(0, abs=1e-13)
    assert abs(chi[0] + np.cov(phi, losses[:, 0], bias=True)[0, 1]) > 1e-4


def test_a_weighted_gaussian_moves_phi_the_way_that_chi_says():
    """ℓ_z = a_z·w + |w|²/2, φ = b·w: the minimum moves by −Σ(ρ−1)a/n, so ⟨φ⟩ by −b·Σ(ρ−1)a/n; χ̂ has that sign."""
    rng = np.random.default_rng(2)
    a, b, n = rng.normal(size=(50, 3)), rng.normal(size=3), 50
    a -= a.mean(axis=0)
    w = rng.normal(size=(20_000, 3))  # the law at nβ = 1
    chi = measure.covariances(w @ b, w @ a.T)
    labels = np.repeat([0.0, 1.0], 25)
    for sign in (1, -1):
        rho = rules.weights(rules.score(chi[None, None], labels), sign)
        assert np.sign(-b @ ((rho - 1) @ a) / n) == sign


def test_sgld_is_the_preconditioned_kernel_at_one():
    """The same move bit for bit; at another D it is another one."""
    w = jax.tree.map(np.asarray, retrain.initial(jnp.int32(0)))
    rng = np.random.default_rng(0)
    g, xi = (jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape), x.dtype), w) for _ in range(2))
    for name, same in (("sgld", True), ("preconditioned", False)):
        kernel = measure._kernel(name, 1e-5, w)
        assert isinstance(kernel, Preconditioned)
        moved = langevin(kernel.epsilon, w, g, xi, like(kernel.D, w))
        plain = langevin(jnp.asarray(1e-5, kernel.epsilon.dtype), w, g, xi)
        equal = jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), moved, plain)
        assert all(jax.tree.leaves(equal)) == same


def test_scores_are_balanced_in_each_label_and_see_only_ranks(strings):
    chi = np.random.default_rng(3).normal(size=60)
    s = rules.normal_scores(chi, strings.labels)
    assert s == pytest.approx(rules.normal_scores(np.exp(5 * chi), strings.labels))
    for label in (0, 1):
        own = strings.labels == label
        assert s[own].sum() == pytest.approx(0, abs=1e-12)
        assert (np.argsort(s[own]) == np.argsort(chi[own])).all()
        assert rules.weights(s, 1.0)[own].mean() == pytest.approx(1, abs=0.05)
    assert rules.weights(s, -1.0).mean() == pytest.approx(1)


def test_shuffles_keep_the_weights_of_each_label_and_oracles_their_factor(strings):
    rho = rules.weights(np.random.default_rng(4).normal(size=60), 1.0)
    rows = rules.shuffled(rho, strings.labels, [0, 1])
    for row in rows:
        for label in (0, 1):
            own = strings.labels == label
            assert np.sort(row[own]) == pytest.approx(np.sort(rho[own]))
    assert not np.allclose(rows[0], rows[1])
    assert rules.ratio(rules.oracle(strings.kinds, 10.0), strings.kinds) == pytest.approx(10)
    assert rules.oracle(strings.kinds, 0.1).mean() == pytest.approx(1)


def test_behaviour_of_networks_that_know_nothing_is_their_bias(strings):
    w = jax.tree.map(lambda x: jnp.stack([x, x]), retrain.initial(jnp.int32(0)))
    w |= {"readout": 0 * w["readout"], "bias": jnp.array([2.0, -2.0], jnp.float32)}
    found = retrain.behaviour(w, strings)
    assert found["margin"] == pytest.approx([2, -2])
    assert found["train"] == pytest.approx([0.5, 0.5])
    for length in (16, 12, 20):
        assert (found[f"yes {length}"] == [[1] * 4, [0] * 4]).all()


@pytest.mark.slow
def test_the_whole_of_it_on_a_tiny_plan(tmp_path):
    plan = experiment.Plan(
        strings=200, seeds=3, sources=2, chains=2, draws=6, tried=4, steps=3,
        tries=(("sgld", 1e4, 0.0), ("mala", 3e5, 1e-7), ("preconditioned", 1e4, 1e-5)),
    )  # fmt: skip
    folder = open_folder(tmp_path / "parens", "parens", Budget.QUICK, lambda text: None)
    result = experiment.carry_out(folder, plan)
    assert set(result.data) == {"/training", "/solutions"}
    assert list(result.data["/training"].condition.values) == [
        "control", "+", "+ shuffled", "−", "− shuffled", "oracle 0.1", "oracle 10",
    ]  # fmt: skip
    assert all(s.found in Found for s in result.statements) and len(result.tables) == 3
    # Three steps learn nothing: no claim may hold.
    assert result.statements[0].found is Found.FAILS or result.statements[1].found is Found.FAILS
    assert findings.stayed({"last": np.array([0.01, 0.02])}) and not findings.stayed({"last": np.array([0.01, 1.0])})

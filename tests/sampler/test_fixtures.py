"""Recorded runs of the reference implementation, reproduced: its steps, its estimates, and the exact answers beside them."""

import json
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import chain, conventions, diagnostics
from sampler.kernels import kernel as contract
from sampler.kernels import preconditioned as preconditioned_room
from sampler.kernels import sgld as sgld_room
from sampler.llc import llc
from sampler.posterior import LocalPosterior
from sampler.susceptibility import mixed, susceptibility
from theory.errors import BadInput

FIXTURES = Path(__file__).parent / "fixtures"


@cache
def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


@cache
def traces():
    with np.load(FIXTURES / "fixture_traces.npz") as file:
        return {name: np.asarray(value, np.float64) for name, value in file.items()}


# Ten steps. The drift γ(w − w₀) + λw of a weight decay λ is that of one localisation γ + λ at the centre γw₀/(γ + λ).


@pytest.mark.parametrize("variant", ["sgld", "sgld_mask", "rmsprop", "rmsprop_mask"])
def test_ten_recorded_steps(variant, monkeypatch):
    tape = recorded("fixture_traj")
    H, c, w0 = (jnp.array(tape[name]) for name in ("H", "c", "w0"))
    run, settings = tape["runs"][variant], tape["runs"][variant]["settings"]
    gamma, decay = settings["localization"], settings["weight_decay"]

    def loss(w, _):
        return (w - c) @ H @ (w - c) / 2

    centre = gamma / (gamma + decay) * w0
    mask = None if run["mask"] is None else jnp.array(run["mask"])
    p = LocalPosterior(loss, jnp.zeros((1, 0)), centre, settings["nbeta"], gamma + decay, mask)
    if variant.startswith("sgld"):
        room, kernel = sgld_room, sgld_room.sgld(settings["lr"])
    else:
        room = preconditioned_room
        kernel = room.rmsprop(settings["lr"], decay=tape["alpha"], floor=tape["eps"])
    key = jax.random.key(0)
    state = kernel.init(key, p, w0)
    for xi, w in zip(run["noise"], run["w"][1:], strict=True):
        monkeypatch.setattr(contract, "noise", lambda key, like, xi=xi: jnp.array(xi))
        state = kernel.step(key, p, state)
        np.testing.assert_allclose(state.position, w, rtol=0, atol=1e-12)
    assert np.ptp(np.array(run["w"]), axis=0).max() > 0.1, "they went somewhere"


# Its estimates from its traces. Recorded in float32: 1e-6 is in units of the loss, whose mean is 2.5.


def test_learning_coefficient_with_its_burn_in():
    settings, z = recorded("fixture_traces")["cfg"], traces()
    steps = z["full/sampling_loss_micro"].mean(axis=(2, 3))
    initial = z["full/init_loss"].mean(axis=1)
    found = conventions.llc_with_burn_in(steps, initial, settings["n_beta"])
    unit = 1e-6 * settings["n_beta"]
    np.testing.assert_allclose(found.per_chain, z["out/llc_per_chain"], rtol=0, atol=unit)
    assert abs(found.std - z["out/llc_std"]) < unit
    burn_in = settings["num_burnin_steps"]
    assert steps.shape[1] == burn_in + settings["num_draws"] * settings["num_steps_bw_draws"]
    without = conventions.llc_with_burn_in(steps[:, burn_in:], initial, settings["n_beta"])
    assert abs(without.mean - found.mean) > 1e3 * unit, "burn-in counts"


def observed(chains):
    """Losses (chains, draws, P, tokens) in its order: the probe batch, then the training batch."""
    return np.concatenate([traces()[f"{chains}/loss_probe"], traces()[f"{chains}/loss_train"]], axis=2)


def test_influence_of_sequences_and_tokens():
    tokens, z = observed("full"), traces()
    sequences = tokens.mean(axis=3)
    # It averages over tokens in float32, and that one of the four feels it (1.5e-6).
    rounded = tokens.astype(np.float32).mean(axis=3)
    for found, name in (
        (conventions.bif(sequences), "bif_seq_corr"),
        (conventions.bif(sequences, covariance=True), "bif_seq_cov"),
        (conventions.bif_by_token(tokens), "bif_token_avg_corr"),
        (conventions.bif_of_chain_means(rounded), "bif_seq_corr_chainmean"),
    ):
        np.testing.assert_allclose(found, z[f"out/{name}"], rtol=0, atol=1e-6, err_msg=name)
    order = np.concatenate([z["full/input_ids_probe"], z["full/input_ids_train"]])
    np.testing.assert_array_equal(order, z["out/bif_batch_order_input_ids"])


def test_susceptibilities_of_tokens():
    z = traces()
    losses = {name: observed(name).reshape(*observed(name).shape[:2], -1) for name in ("f", "full")}
    means = {name: z[f"{name}/loss_train"].mean(axis=(2, 3)) for name in ("f", "full")}
    initial = float(z["f/init_loss"].mean())
    found = conventions.mixed_susceptibility(losses["f"], losses["full"], means["f"], means["full"], initial)
    np.testing.assert_allclose(found, z["out/sus"][:, 0], rtol=0, atol=1e-6)
    same_chain = np.mean(
        (means["f"] - means["f"].mean())[..., None] * (means["f"][..., None] - losses["f"]), axis=(0, 1)
    )
    assert np.abs(found - same_chain).max() > 1e-3, "the full chain's means are in it"


def test_conventions_refuse_what_would_pass_silently():
    """Diverged chains were averaged over the finite draws there."""
    losses = np.ones((2, 5, 3))
    losses[0, 4, 1] = np.inf
    for wrong in (losses, np.ones((2, 5)), np.ones((2, 0, 3))):
        with pytest.raises(BadInput):
            conventions.bif(wrong)
    with pytest.raises(BadInput):
        conventions.llc_with_burn_in(losses[..., 1], 0.0, 1.0)
    with pytest.raises(BadInput):
        conventions.mixed_susceptibility(np.ones((2, 5, 3)), np.ones((2, 5, 4)), np.ones((2, 5)), np.ones((2, 5)), 0.0)


# The Gaussian toy: losses ½(x·w − y)², eight for training and eight to probe; this sampler against the exact values.

MASKS = {
    "full": {"a": True, "b": True},
    "a": {"a": True, "b": False},
    "b1": {"a": False, "b": np.array([True, False])},
}


def squared_error(w, z):
    return (z["x"] @ jnp.concatenate([w["a"], w["b"]]) - z["y"]) ** 2 / 2


@cache
def toy(name):
    """The run on the weights of a mask, at the recorded settings, all 16 examples as probes."""
    tape = recorded("toy_sus_bif")
    settings, w0 = tape["cfg"], jnp.array(tape["w0"])
    examples = {"x": jnp.array(tape["X"]), "y": jnp.array(tape["Y"])}
    train = jax.tree.map(lambda leaf: leaf[:8], examples)
    centre = {"a": w0[:2], "b": w0[2:]}
    p = LocalPosterior(squared_error, train, centre, settings["n_beta"], settings["localization"], MASKS[name])
    sizes = {"chains": 64, "draws": 1500, "thin": 4, "burn_in": 500}
    # Other chains, other key: the mixed estimator adds their errors as independent.
    key = jax.random.key(20 + list(MASKS).index(name))
    return chain.run(key, sgld_room.sgld(settings["lr"]), p, probes=examples, **sizes)


def entries(tape, name):
    """An exact matrix, from its order to that of the examples."""
    order = np.argsort(tape["bif"]["index_order"])
    return np.array(tape["bif"][name])[np.ix_(order, order)]


def test_toy_influence_within_error_bars(agrees, limit):
    tape, run = recorded("toy_sus_bif"), toy("full")
    losses = run.kept(run.probes)
    found = diagnostics.covariance(losses, losses)
    assert agrees(found, entries(tape, "cov_exact_ula"))
    assert not agrees(found, entries(tape, "cov_exact_continuous")), "the step size must be seen"
    assert abs(run.stationarity()) < limit()
    n = losses.shape[0] * losses.shape[1]
    np.testing.assert_allclose(conventions.bif(losses, covariance=True) * (n - 1) / n, found.mean, rtol=1e-9)


def test_toy_correlations_within_error_bars(agrees):
    """The error of a correlation r is that of the mean of xy − r(x² + y²)/2, x and y standardised."""
    tape, losses = recorded("toy_sus_bif"), toy("full").kept(toy("full").probes)
    r = conventions.bif(losses)
    x = (losses - losses.mean(axis=(0, 1))) / losses.std(axis=(0, 1))
    i, j = np.triu_indices(16, 1)
    series = x[..., i] * x[..., j] - r[i, j] * (x[..., i] ** 2 + x[..., j] ** 2) / 2
    influence = diagnostics.mean(series)
    # The exact entries are rounded to six digits, far below an error bar.
    z = (r[i, j] - entries(tape, "corr_exact_ula")[i, j]) / influence.sem
    assert agrees(influence, influence.mean - z * influence.sem)


def test_toy_learning_coefficient_within_error_bars(agrees):
    exact, found = recorded("toy_sus_bif")["llc"], llc(toy("full"))
    assert agrees(found, exact["exact_ula"])
    assert not agrees(found, exact["exact_cont"])


@pytest.mark.parametrize("component", ["a", "b1"])
def test_toy_susceptibilities_within_error_bars(component, agrees, limit):
    """Both estimators, each against its own target and not the other's."""
    row = recorded("toy_sus_bif")["susceptibilities"]["rows"][component]
    order = np.argsort(row["ids"])
    plain, crossed = (np.array(row[f"exact_{n}"])[order] for n in ("plain_cov_same_component", "devinterp_formula"))
    run, full = toy(component), toy("full")
    same, mix = susceptibility(run), mixed(run, full)
    assert agrees(same, plain)
    assert agrees(mix, crossed)
    assert not agrees(same, crossed)
    assert not agrees(mix, plain)
    assert abs(run.stationarity()) < limit()
    theirs = conventions.mixed_susceptibility(
        run.kept(run.probes), full.kept(full.probes), run.kept(run.loss), full.kept(full.loss), run.centre_loss
    )
    np.testing.assert_allclose(theirs, mix.mean, rtol=1e-9, atol=1e-12)

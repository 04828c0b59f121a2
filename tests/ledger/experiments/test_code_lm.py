"""The pieces of the experiment on code against known answers at tiny sizes; a tiny whole run marked slow."""

from importlib.util import find_spec

import jax
import numpy as np
import pytest

from ledger import cli
from ledger.claim import Budget
from ledger.experiments import code_lm
from ledger.experiments.code_lm import measure, neighbours, pictures, rules, training
from ledger.experiments.folder import open_folder

SHAPE = {"vocabulary": 16, "context": 8, "width": 8, "layers": 2, "heads": 2}


def _rows(count, seed=0):
    return np.random.default_rng(seed).integers(0, 16, (count, 9)).astype(np.int32)


def test_training_goes_on_from_a_checkpoint_bit_for_bit():
    rows = _rows(20)
    whole = training.stretch(rows, SHAPE, 3, (0, 6), 6)
    first = training.stretch(rows, SHAPE, 3, (0, 2), 6)
    rest = training.stretch(rows, SHAPE, 3, (2, 6), 6, first)
    assert np.array_equal(whole["losses"], np.concatenate([first["losses"], rest["losses"]]))
    assert all(np.array_equal(whole[name], rest[name]) for name in whole if name.startswith(("w/", "m")))


def test_directions_are_mixtures_that_keep_the_mass():
    """(1 − h) q + h q′ has the mass of q: Σ s = 0, and q′ is uniform on its set and 0 elsewhere: s = −1."""
    of = np.random.default_rng(1).integers(0, 4, (6, 8))
    names, s = rules.directions(of)
    assert len(names) == 5 and np.allclose(s.sum(axis=1), 0, atol=1e-9)
    for i in range(4):
        inside = s[i][of.reshape(-1) == i]
        assert np.allclose(s[i][of.reshape(-1) != i], -1) and np.allclose(inside, of.size / len(inside) - 1)
    assert rules.kinds(["    ", " def", "ing", "(", "\n", "_x", "9"]).tolist() == [0, 1, 2, 3, 0, 2, 3]


def test_sum_of_per_token_answers_is_the_covariance_with_the_mixture():
    """−Cov(φ, ℓ_s) from its definition, and reweighting at small δh: both are the sum of s χ/N; a shifted s is not."""
    rng = np.random.default_rng(2)
    losses = rng.normal(size=(400, 48)) @ (np.eye(48) + 0.3 * rng.normal(size=(48, 48))) * 0.05
    s = rules.directions(rng.integers(0, 4, (6, 8)))[1]
    phi, chi = measure.answers(losses, np.zeros(48))
    along = losses @ s.T / 48
    exact = -np.array([np.cov(phi, a, bias=True)[0, 1] for a in along.T])
    assert np.allclose(measure.predicted(chi, s), exact, rtol=1e-9, atol=1e-15)
    assert np.allclose(measure.reweighted(phi, along, 1e-4), exact, rtol=1e-3, atol=1e-3 * np.abs(exact).max())
    assert not np.allclose(measure.predicted(chi, np.roll(s, 1, axis=1)), exact, rtol=0.1)


def _planted(noise, seed=0, G=4, k=6, n=300):
    """Matrices of two modes of sizes 1 and ½ with independent noise in each group."""
    rng = np.random.default_rng(seed)
    u, v = np.linalg.qr(rng.normal(size=(k, 2)))[0], np.linalg.qr(rng.normal(size=(n, 2)))[0]
    return (u * [1.0, 0.5]) @ v.T + noise * rng.normal(size=(G, k, n)) / n**0.5


def test_planted_modes_reproduce_and_noise_does_not():
    left, right = rules.reproduced(_planted(0.05), standard=np.asarray)
    assert min(left[0], right[0], left[1], right[1]) > 0.95 and right[2:].max() < rules.LEAST
    left, right = rules.reproduced(_planted(0.0) * 0 + _planted(1.0) - _planted(0.0), standard=np.asarray)
    assert right.max() < rules.LEAST


def test_share_free_of_noise_is_that_of_the_planted_matrix():
    """1/(1 + ¼) = 0.8; the plain share is pulled down by the noise, as six rows share it."""
    plain, clean = rules.shares(_planted(0.3, G=8))
    assert abs(clean.mean - 0.8) < 0.03 and plain.mean < clean.mean - 0.01
    assert clean.low < 0.8 < clean.high


def test_regression_takes_the_noise_of_the_predictions_out():
    """y = 2x with noise as large as x in each half: 2 is found, the naive slope 2·1/(1 + ½) is excluded."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 5))
    slope, r = rules.regression(x + rng.normal(size=(2, 40, 5)), 2 * x + 0.1 * rng.normal(size=x.shape))
    assert slope.low < 2 < slope.high and slope.low > 4 / 3 and 0.6 < r.mean < 0.95


def test_chains_move_one_component_and_answer_for_every_token():
    weights = training.initial(SHAPE, 0)
    rows = _rows(8)
    s = rules.directions(np.arange(32).reshape(4, 8) % 4)[1]
    found = measure.measure(weights, rows, "l1h0", probes=4, chains=2, draws=6, seed=0, directions=s)
    assert found["chi"].shape == (2, 32) and found["along"].shape == (2, 6, 5) and np.isfinite(found["llc"]).all()
    # L − L_P is centred over the probes, so that Σ χ = 0 within single precision.
    assert np.abs(found["chi"].sum(axis=1)).max() < 1e-4 * np.abs(found["chi"]).sum(axis=1).min()
    direct = measure.mixed(weights, rows, "l1h0", probes=4, chains=2, draws=6, seed=0, direction=s[0] * 0, h=0.1)[
        "direct"
    ]
    assert np.array_equal(direct, np.zeros(2))  # no mixture, the same noise: no response at all


def test_blanks_are_seen():
    assert pictures.printable("  a\n") == "··a⏎"


def test_without_the_package_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ledger.experiments.experiment.find_spec", lambda name: None)
    assert cli.main(["experiment", "code-lm", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "pip install tokenizers" in told and not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tokenizers") is None, reason="tokenizers is not installed")
def test_a_tiny_run(tmp_path):
    plan = code_lm.Plan(
        characters=200_000, context=16, width=16, steps=20, marks=(5, 20), sampled=(5,), rows=16, probes=8, draws=10,
        early_draws=6, direct_draws=6, held=32,
    )  # fmt: skip
    jax.config.update("jax_enable_x64", True)
    found = code_lm.carry_out(open_folder(tmp_path / "out", "code-lm", Budget.QUICK, print), plan)
    assert set(found.pictures) >= {"loss", "components", "tokens 5", "tokens 20"} and len(found.statements) > 8
    assert np.isfinite(found.data["chi"].values).all() and (found.data["chi_sem"].values > 0).all()


def test_neighbours_that_two_maps_share():
    """The same map moved and scaled shares all, another random one chance's share: 15/399 = .0376 (errors below .003)."""
    places = np.random.default_rng(0).normal(size=(400, 2))
    assert neighbours.shared(places, 3 * places + 1).mean == 1
    other = neighbours.shared(places, np.random.default_rng(1).normal(size=(400, 2)))
    assert abs(other.mean - 15 / 399) < 0.015
    assert other.low < 15 / 399 + 0.01 and other.mean < other.high


@pytest.mark.skipif(not neighbours.installed(), reason="umap-learn is not installed")
@pytest.mark.slow
def test_maps_of_planted_modes_agree_and_of_noise_do_not():
    agree = neighbours.maps(groups=_planted(0.05), seed=0)
    noise = neighbours.maps(groups=np.random.default_rng(0).normal(size=(4, 6, 300)), seed=0)
    kept, lost = (neighbours.shared(x["one"], x["two"]) for x in (agree, noise))
    assert kept.low > 0.3 > 0.15 > lost.high
    assert "shared by halves" in neighbours.picture(agree, np.arange(300) % 4, "planted").figure.axes[0].get_title()

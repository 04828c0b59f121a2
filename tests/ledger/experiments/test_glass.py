"""The pieces of the experiment on the pretrained model, at tiny sizes; the whole of it marked slow."""

from importlib.util import find_spec

import numpy as np
import pytest

from ledger import cli
from ledger.experiments import glass as experiment
from sampler.data import glass

needs = pytest.mark.skipif(find_spec("glassllm") is None, reason=f"glassllm is not installed ({glass.INSTALL})")


@needs
def test_samples_come_from_the_model_and_its_gradient_there_is_noise():
    """|∇L_n|² n/tr Cov = 1 in the mean at the optimum: within 5 of its errors there, and beyond 5 on random tokens."""
    own = experiment.samples(80, 12, seed=1)["tokens"]
    assert own.shape == (80, 12) and np.array_equal(own, experiment.samples(80, 12, seed=1)["tokens"])
    at_optimum = experiment.gradient(own)
    assert abs(at_optimum["ratio"] - 1) < 5 * at_optimum["ratio_sem"]
    elsewhere = experiment.gradient(np.random.default_rng(0).integers(4, 1024, (80, 12)).astype(np.int32))
    assert elsewhere["ratio"] > 1 + 5 * elsewhere["ratio_sem"] and elsewhere["loss"] > at_optimum["loss"] + 1


def test_without_the_package_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ledger.experiments.experiment.find_spec", lambda name: None)
    assert cli.main(["experiment", "glass", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "pip install --no-deps glassllm==0.1.0" in told and not (tmp_path / "out").exists()


@needs
@pytest.mark.slow
def test_the_quick_run(tmp_path):
    assert cli.main(["experiment", "glass", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "index.html").stat().st_size > 20_000

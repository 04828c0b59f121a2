"""Labelled arrays: what was sampled is in them, ArviZ reads them, one file holds them."""

import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from arviz_stats.base import array_stats

from sampler import chain, plots, results
from sampler.diagnostics import Estimate
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior
from theory.errors import BadInput


def loss(w, z):
    return jnp.sum((w["a"] - z) ** 2) / 2 + w["a"][0] ** 4


@pytest.fixture(scope="module")
def run():
    p = LocalPosterior(loss, np.linspace(-1, 1, 12).reshape(6, 2), {"a": jnp.zeros(2)}, 20.0, 1.0)
    starts = {"a": jnp.array([[0.0, 0.0], [1e3, 0.0], [0.1, 0.1]])}
    options = {"chains": 3, "draws": 60, "burn_in": 0, "observables": {"w": lambda w: w["a"]}, "probes": p.data[:4]}
    return chain.run(jax.random.key(1), sgld(0.02), p, initial=starts, **options)


def test_tree_has_the_groups_of_arviz(run, tmp_path):
    run.save(tmp_path / "run.nc")
    tree = results.load(tmp_path / "run.nc")
    assert set(tree.children) == {"posterior", "sample_stats", "log_likelihood"}
    kept = tree["posterior"].to_dataset().sel(chain=[0, 2])
    np.testing.assert_array_equal(kept["loss"], run.trace("loss"))
    np.testing.assert_array_equal(kept["w"], run.trace("w"))
    np.testing.assert_array_equal(-tree["log_likelihood"]["probe"].sel(chain=[0, 2]), run.trace("probes"))
    np.testing.assert_allclose(tree["sample_stats"]["virial"].sel(chain=[0, 2]), run.virial)
    assert tree.attrs["nbeta"] == 20.0 and "chain 1 at draw" in tree.attrs["message"]
    diverging = tree["sample_stats"]["diverging"].values
    assert diverging[[0, 2]].sum() == 0 and diverging[1].argmax() == run.diverged_at[1] and diverging[1, -1] == 1
    rhat = array_stats.rhat(kept["loss"].values, method="split", chain_axis=0, draw_axis=1)
    np.testing.assert_allclose(rhat, run.mean("loss").rhat)
    assert not list(tmp_path.glob("*.part"))


def test_estimates_keep_their_labels(tmp_path):
    numbers = np.arange(6.0).reshape(2, 3)
    named = Estimate(
        numbers, numbers / 10, numbers + 9, numbers, ("head", "probe"), {"head": ("a", "b"), "probe": ("x", "y", "z")}
    )
    for estimate in (named, Estimate(numbers, numbers, numbers, numbers), named.map(lambda x: x[0, 0])):
        results.save(estimate, tmp_path / "estimate.nc")
        again = results.estimate(results.load(tmp_path / "estimate.nc").to_dataset())
        assert (again.dims, dict(again.labels)) == (estimate.dims, dict(estimate.labels))
        np.testing.assert_array_equal(again.sem, estimate.sem)
    assert float(results.dataset(named)["mean"].sel(head="b", probe="y")) == 4.0


def test_what_is_no_file_of_results_is_refused(tmp_path):
    (tmp_path / "x.nc").write_text("no")
    for name in ("x.nc", "missing.nc"):
        with pytest.raises(BadInput, match=r"results\.load"):
            results.load(tmp_path / name)


def test_what_is_no_place_for_a_file_is_refused_and_left_as_it_was(tmp_path):
    """A pipe, a device and a folder are not replaced; a folder that is missing is named; a link goes on pointing to its file."""
    numbers = np.arange(3.0)
    estimate = Estimate(numbers, numbers, numbers, numbers)
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path(os.devnull), tmp_path, tmp_path / "missing" / "x.nc"):
        with pytest.raises(BadInput, match=r"results\.save: .*(not a file|cannot be written)"):
            results.save(estimate, place)
    assert (tmp_path / "pipe").is_fifo() and Path(os.devnull).is_char_device()
    (tmp_path / "link.nc").symlink_to(tmp_path / "real.nc")
    results.save(estimate, tmp_path / "link.nc")
    assert (tmp_path / "link.nc").is_symlink()
    np.testing.assert_array_equal(results.estimate(results.load(tmp_path / "real.nc").to_dataset()).mean, numbers)


def test_pictures(run, tmp_path):
    axes = plots.traces(run).axes[0]
    assert len(axes.lines) == 5, "two chains, their running means, the pooled mean"
    np.testing.assert_allclose(axes.lines[1].get_ydata()[-1], run.trace("loss")[0].mean())
    figure = plots.autocorrelation(run, "w", index=(1,))
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000
    with pytest.raises(BadInput, match="index"):
        plots.traces(run, "w")

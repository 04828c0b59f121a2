"""A sweep is its settings, each as a run of its own would be; on the grid they meet the exact law of the chain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import chain, plots, results, sweep
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

H = np.array([1.0, 2.0, 5.0])
PLAN = {"chains": 6, "draws": 400, "burn_in": 100, "thin": 5}


def key():
    return jax.random.key(4)


def loss(w, z):
    return jnp.sum(z * w**2) / 2


def posterior(**changes):
    return LocalPosterior(
        **({"loss": loss, "data": H[None], "centre": jnp.zeros(3), "nbeta": 10.0, "gamma": 1.0} | changes)
    )


@pytest.fixture(scope="module")
def grid():
    return sweep.sweep(key(), sgld(0.02), posterior(), nbeta=[5.0, 20.0], epsilon=[0.01, 0.03], **PLAN)


def test_each_setting_meets_the_law_of_its_own_chain(grid, limit):
    """½ Σ tλ S with S = 1/(P(1 − εP/4)), P = tλ + γ: the four settings are 0.2 to 1 apart, at standard errors of 0.02."""
    assert grid.axes == {"epsilon": (0.01, 0.03), "nbeta": (5.0, 20.0)}
    exact = np.empty((2, 2))
    for i, epsilon in enumerate(grid.axes["epsilon"]):
        for j, t in enumerate(grid.axes["nbeta"]):
            P = t * H + 1
            exact[i, j] = np.sum(t * H / (P * (1 - epsilon * P / 4))) / 2
    found = grid.map(llc)
    assert np.abs(found.z(exact)).max() < limit(4)
    assert found.sem.max() < 0.1 and np.abs(found.z(exact.T)).max() > limit(4), "which axis is which"
    for setting, run in grid:
        assert (run.epsilon, run.nbeta, run.gamma) == (setting["epsilon"], setting["nbeta"], 1.0)


def test_one_setting_is_the_run_itself():
    (one,) = sweep.sweep(key(), sgld(0.5), posterior(), epsilon=[0.02], **PLAN).runs
    np.testing.assert_array_equal(one.loss, chain.run(key(), sgld(0.02), posterior(), **PLAN).loss)


def test_a_setting_that_diverges_spoils_no_other():
    """ε λ_max = 4.08 in float32 overflows within 4000 steps."""
    p = posterior(centre=jnp.zeros(3, jnp.float32))
    grid = sweep.sweep(key(), sgld(0.02), p, epsilon=[0.02, 0.3], **PLAN)
    found = grid.map(llc)
    assert np.isfinite(found.mean[0]) and np.isnan(found.mean[1])
    assert "smaller step" in grid.runs[1].message


def test_moments_of_a_sweep_and_its_pictures(tmp_path, grid):
    sums = sweep.sweep(key(), sgld(0.02), posterior(), nbeta=[5.0, 20.0], epsilon=[0.01, 0.03], keep="moments", **PLAN)
    found = sums.map(lambda run: run.mean("loss"))
    np.testing.assert_allclose(found.mean, grid.map(lambda run: run.mean("loss")).mean, rtol=1e-10)
    results.save(found, tmp_path / "sweep.nc")
    again = results.estimate(results.load(tmp_path / "sweep.nc").to_dataset())
    np.testing.assert_array_equal(again.mean, found.mean)
    assert (again.dims, again.labels) == (found.dims, found.labels)
    axes = plots.sweep(found, of="L − L*", expected=0.1).axes[0]
    assert len(axes.containers) == 2 and axes.get_xlabel() == "nbeta"
    with pytest.raises(BadInput, match="labelled"):
        plots.sweep(llc(grid.runs[0]))


@pytest.mark.parametrize(
    "axes", [{}, {"nbeta": []}, {"epsilon": [0.1, 0.0]}, {"gamma": [-1.0]}, {"nbeta": [np.nan]}], ids=str
)
def test_refuses_values_that_are_no_settings(axes):
    with pytest.raises(BadInput):
        sweep.sweep(key(), sgld(0.02), posterior(), **axes, **PLAN)

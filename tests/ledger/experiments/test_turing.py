"""The noisy machine: its law, its structure, and the ranks that follow from it."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from ledger import cli
from ledger.experiments import turing


@pytest.fixture(autouse=True, scope="module")
def double_precision():
    with jax.enable_x64(True):
        yield


def test_the_tapes_have_a_law_and_w_star_is_its_minimum():
    z, weight = turing.tapes()
    q = weight / len(z)
    assert len(z) == 162 and q.sum() == pytest.approx(1, abs=1e-12)
    p = turing.posterior()
    assert max(float(jnp.abs(x).max()) for x in jax.tree.leaves(jax.grad(p.mean_loss)(p.centre))) < 1e-12
    curvature = jnp.linalg.eigvalsh(jax.hessian(lambda v: p.mean_loss(_unravel(p, v)))(_ravel(p)))
    assert curvature[0] > 0


def _ravel(p):
    return jax.flatten_util.ravel_pytree(p.centre)[0]


def _unravel(p, v):
    return jax.flatten_util.ravel_pytree(p.centre)[1](v)


def test_a_loss_by_hand():
    """z = (0, 1 → 1, 2): the controller errs with probability 1/(1 + e²), and then both symbols are written at random."""
    right = 1 / (1 + np.exp(-turing.CERTAIN))
    table = turing.true_weights()["A"]
    known = [np.exp([0, *row]) / np.exp([0, *row]).sum() for row in table]
    expected = -np.log(right * known[0][1] * known[1][2] + (1 - right) / 9)
    w = jax.tree.map(jnp.asarray, turing.true_weights())
    assert float(turing.loss(w, jnp.array([0, 1, 1, 2]))) == pytest.approx(expected, rel=1e-12)


def test_ranks_of_the_off_diagonal_block():
    """Structure, not numbers: zeros to rounding with separate subroutines, none where they share a row."""
    grid, shared = (turing.by_grid(kind, points=61) for kind in (False, True))
    A, in_B = slice(0, 3), slice(81, None)

    def values(chi, centre):
        return turing.singular_values(chi, A, in_B, centre=centre)

    baseline = np.random.default_rng(0).normal(size=162)
    blended = grid["product"] + grid["mean"][:, None] * baseline  # the bound of eq 34 holds whatever the baseline is
    assert values(grid["chi"], "rows")[1] < turing.ZERO < values(grid["chi"], "both")[1]
    assert values(grid["chi"], "both")[2] < turing.ZERO
    assert values(blended, "rows")[2] < turing.ZERO < values(blended, "rows")[1]
    assert values(blended, "both")[2] > 1e-3
    assert values(shared["chi"], "rows")[1] > 1e-3
    flipped = grid["chi"][np.roll(np.arange(6), 3)][:, turing.swapped(np.zeros(162))]
    np.testing.assert_allclose(flipped, grid["chi"], atol=1e-10 * np.abs(grid["chi"]).max())


@pytest.mark.slow
def test_the_quick_run(tmp_path):
    assert cli.main(["experiment", "turing", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "results.nc").exists()

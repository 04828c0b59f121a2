"""Error bars: the same numbers as arviz, calibrated against N(0, 1), and not fooled by chains that disagree."""

import json

import numpy as np
import pytest
from arviz_stats.base import array_stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import kstest

from sampler import diagnostics
from theory.errors import BadInput


def autoregressive(rng, shape, a):
    """Stationary x_k = a x_{k−1} + √(1−a²) ξ along axis 1: mean 0, variance 1."""
    noise = rng.normal(size=shape) * np.sqrt(1 - a * a)
    noise[:, 0] /= np.sqrt(1 - a * a)
    return lfilter([1], [1, -a], noise, axis=1)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), a=st.floats(-0.6, 0.8), chains=st.integers(2, 8), half=st.integers(100, 200))
def test_same_as_arviz(seed, a, chains, half):
    """ESS, R-hat and standard error are those of Vehtari et al. (2021), to rounding, where the chains agree."""
    x = autoregressive(np.random.default_rng(seed), (chains, 2 * half, 1), a)
    ours, axes = diagnostics.mean(x), {"chain_axis": 0, "draw_axis": 1}
    np.testing.assert_allclose(ours.rhat, array_stats.rhat(x[..., 0], method="split", **axes), rtol=1e-8)
    scatter = x.mean(axis=1).std(ddof=1) / np.sqrt(chains)
    ess = array_stats.ess(x[..., 0], method="mean", **axes)
    if ours.sem[0] == pytest.approx(scatter, rel=1e-12):
        assert ours.ess[0] < ess, "the scatter of the chains may only widen the error"
    else:
        np.testing.assert_allclose(ours.ess, ess, rtol=1e-8)
        np.testing.assert_allclose(ours.sem, array_stats.mcse(x[..., 0], method="mean", **axes), rtol=0.05)


@pytest.mark.parametrize("a", [-0.4, 0.0, 0.6, 0.9])
def test_z_scores_of_means_are_standard_normal(a):
    """4000 replicate runs of 4 × 500 draws. The mean of z² lies within 0.11 of 1 but for one time in 10⁶ (plus what a
    finite number of effective draws adds, Student's 2/ν); an error of 10% in the standard error moves it by 0.17."""
    x = autoregressive(np.random.default_rng(17), (4, 500, 4000), a)
    found = diagnostics.mean(x)
    z = found.z(0.0)
    room = 4.9 * (2 / 4000) ** 0.5

    def calibrated(z):
        return -room < np.mean(z**2) - 1 < room + 8 / np.median(found.ess)

    assert calibrated(z)
    assert kstest(z, "norm").pvalue > 1e-6
    assert np.mean(np.abs(z) > 4.9) <= 2 / 4000
    assert not calibrated(z * 1.1 if a < 0.8 else z * 1.15), "a standard error that is too small would be seen"
    assert not calibrated(z / 1.1), "one that is too large as well"
    assert not calibrated(z * 2**0.5), "and a factor ½ in the variance"


def test_naive_errors_are_rejected():
    """σ/√(CN), the error bar of independent draws, is four times too small at a = 0.9."""
    x = autoregressive(np.random.default_rng(3), (4, 500, 1000), 0.9)
    z = x.mean(axis=(0, 1)) / (x.std(axis=(0, 1)) / np.sqrt(2000))
    assert kstest(z, "norm").pvalue < 1e-6


def test_z_scores_of_covariances_and_cumulants_are_standard_normal():
    """1000 replicate runs: Cov(x, x + y/2) = 1, and κ₃(y, x, x) = 0 with y in each of the three places, where one term
    of the influence function left out would make mean z² = 2/3; it is 1 within 4.9·√(2/1000) = 0.22."""
    rng = np.random.default_rng(5)
    x, y = (autoregressive(rng, (4, 500, 1000), a).transpose(2, 0, 1) for a in (0.5, 0.3))
    scores = [[diagnostics.covariance(u, u + v / 2).z(1.0) for u, v in zip(x, y, strict=True)]]
    for places in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        runs = zip(x, y, strict=True)
        scores.append([diagnostics.third_cumulant(*(pair[k] for k in places)).z(0.0) for pair in runs])
    for z in map(np.array, scores):
        assert 0.78 < np.mean(z**2) < 1.22
        assert abs(z.mean()) < 0.25


def test_covariance_is_pooled_and_shaped():
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 50, 2)), rng.normal(size=(3, 50, 4, 2)), rng.normal(size=(3, 50))
    flat = np.concatenate([x.reshape(150, -1), y.reshape(150, -1)], axis=1)
    expected = np.cov(flat.T, bias=True)[:2, 2:].reshape(2, 4, 2)
    np.testing.assert_allclose(diagnostics.covariance(x, y).mean, expected, atol=1e-14)
    centred = [t - t.mean(axis=(0, 1)) for t in (x, y, z)]
    expected = np.einsum("cna,cnbd,cn->abd", *centred) / 150
    np.testing.assert_allclose(diagnostics.third_cumulant(x, y, z).mean, expected, atol=1e-14)


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 40, 7)), rng.normal(size=(2, 40, 3))
    whole = diagnostics.covariance(x, y)
    monkeypatch.setattr(diagnostics, "BLOCK", 100)
    for name in ("mean", "sem", "ess", "rhat"):
        np.testing.assert_allclose(getattr(diagnostics.covariance(x, y), name), getattr(whole, name), rtol=1e-12)


def test_chains_that_disagree_are_in_the_error():
    """Chains stuck at 0 and 1: the error is that of two points, not of 8000 draws."""
    x = np.random.default_rng(2).normal(size=(8, 1000)) * 0.1 + (np.arange(8) % 2)[:, None]
    found = diagnostics.mean(x)
    assert found.sem > 0.9 * x.mean(axis=1).std(ddof=1) / np.sqrt(8)
    assert found.rhat > 3
    assert found.ess < 10


def test_a_slow_mode_too_small_to_see_in_one_chain_is_in_the_error():
    """Offsets of 0.1 between 32 chains of unit noise: 250 replicates. The scatter of the chains has Student's z with
    31 degrees of freedom, mean z² = 1.07 ± 0.10; autocorrelations within the chains alone give 2 and more."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(32, 2000, 250)) + 0.1 * rng.normal(size=(32, 1, 250))
    assert 0.58 < np.mean(diagnostics.mean(x).z(0.0) ** 2) < 1.56


def test_constant_traces_and_refusals():
    still = diagnostics.mean(np.full((2, 10), 3.3))
    assert still.mean == pytest.approx(3.3)
    assert still.sem == 0
    assert np.isnan(still.ess)
    for bad in (np.zeros(5), np.zeros((2, 3)), np.full((2, 10), np.nan)):
        with pytest.raises(BadInput):
            diagnostics.mean(bad)
    with pytest.raises(BadInput):
        diagnostics.covariance(np.zeros((2, 10)), np.zeros((2, 11)))


def test_estimates_print_scale_and_save(tmp_path):
    x = np.random.default_rng(4).normal(size=(2, 100, 3))
    found = diagnostics.mean(x)
    np.testing.assert_allclose(found.scale(-2.0).mean, -2 * found.mean)
    np.testing.assert_allclose(found.scale(-2.0).sem, 2 * found.sem)
    json.dumps(diagnostics.mean(np.ones((2, 10))).to_dict(), allow_nan=False)
    assert "±" in str(diagnostics.mean(x[..., 0]))
    assert "ess" in str(found)
    found.save(tmp_path / "estimate.npz")
    with np.load(tmp_path / "estimate.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["sem"], found.sem)

"""Error bars: the same numbers as arviz, calibrated against N(0, 1), and not fooled by chains that disagree."""

import json
from typing import Any

import numpy as np
import pytest
from arviz_stats.base import array_stats  # pyright: ignore[reportPrivateImportUsage]
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import chi2, kstest

from sampler import diagnostics
from theory.errors import BadInput


def autoregressive(rng, shape, a):
    """Stationary x_k = a x_{k−1} + √(1−a²) ξ along axis 1: mean 0, variance 1."""
    noise = rng.normal(size=shape) * np.sqrt(1 - a * a)
    noise[:, 0] /= np.sqrt(1 - a * a)
    return lfilter([1], [1, -a], noise, axis=1)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), a=st.floats(-0.6, 0.8), chains=st.integers(2, 8), half=st.integers(100, 200))
@example(seed=4, a=0.5, chains=2, half=100)  # whose correlation is positive to the end
def test_same_as_arviz(seed, a, chains, half):
    """ESS, R-hat and standard error are those of Vehtari et al. (2021), to rounding, where the chains agree."""
    x = autoregressive(np.random.default_rng(seed), (chains, 2 * half, 1), a)
    axes: dict[str, Any] = {"chain_axis": 0, "draw_axis": 1}
    ours = diagnostics.mean(x)
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


def by_definition(x):
    """(ρ, var⁺, W) of chains (chains, draws) as the module defines them, with sums in place of transforms."""
    half = x.shape[1] // 2
    halves = [row[s] - x.mean() for row in x for s in (slice(half), slice(len(row) - half, None))]
    W = np.mean([np.var(h, ddof=1) for h in halves])
    variance = W * (half - 1) / half + np.var([h.mean() for h in halves], ddof=1)
    deviations = [h - h.mean() for h in halves]
    c = [np.mean([d[: half - k] @ d[k:] / half for d in deviations]) for k in range(half)]
    return np.array([1.0] + [1 - (W - ck) / variance for ck in c[1:]]), variance, W


@pytest.mark.parametrize("draws", [12, 13])
def test_autocorrelations_and_rhat_are_those_of_the_half_chains(draws):
    """The middle of an odd number of draws is in neither half."""
    x = 7 + autoregressive(np.random.default_rng(8), (3, draws), 0.5)
    rho, variance, W = by_definition(x)
    np.testing.assert_allclose(diagnostics.autocorrelation(x), rho, atol=1e-13)
    assert float(diagnostics.split_rhat(x)) == pytest.approx(np.sqrt(variance / W), rel=1e-12)
    found = diagnostics.mean(x)
    assert found.ess * found.sem**2 == pytest.approx(variance, rel=1e-12) and found.mean == pytest.approx(x.mean())


def test_antithetic_chains_have_the_size_that_arviz_gives_them():
    """More than the number of draws, as their means vary less than those of independent ones."""
    for seed in range(6):
        x = autoregressive(np.random.default_rng(seed), (1, 60 + 2 * seed), -0.9)
        expected: Any = array_stats.ess(x, method="mean", chain_axis=0, draw_axis=1)
        assert float(diagnostics.mean(x).ess) == pytest.approx(float(expected), rel=1e-8) and expected > x.size


def test_draws_that_alternate_are_worth_their_number_times_its_logarithm():
    x = np.tile([1.0, -1.0], (2, 50)) + 3
    assert diagnostics.mean(x).ess == pytest.approx(200 * np.log10(200), rel=1e-9)
    assert diagnostics.mean(x[:, :-1]).ess == pytest.approx(198 * np.log10(196), rel=1e-9)


@pytest.mark.parametrize("chains", [24, 32])
def test_the_scatter_of_the_chains_is_the_error_beyond_one_in_a_thousand(chains):
    """Means that are equally spaced: just within the 99.9% point of χ² the error is var⁺τ/CN, with τ summed by hand, just
    beyond it the scatter s²/C."""
    noise = np.random.default_rng(9).normal(size=(chains, 60))
    noise -= noise.mean(axis=1, keepdims=True)
    seen = []
    for c in np.geomspace(0.2, 1, 15):
        x = noise + c * np.linspace(-1, 1, chains)[:, None]
        rho, variance, _ = by_definition(x)
        tau, before = -1.0, np.inf
        pairs = rho[:28].reshape(-1, 2)  # 30 lags, the last two rest on too few products
        for k, (even, odd) in enumerate(pairs, 1):
            if even + odd < 0 or k == len(pairs):
                tau += max(even, 0)
                break
            before = min(before, even + odd)
            tau += 2 * before
        geyer, scatter = variance * tau / x.size, x.mean(axis=1).var(ddof=1) / chains
        seen.append(scatter / geyer > chi2.ppf(0.999, chains - 1) / (chains - 1))
        assert diagnostics.mean(x).sem ** 2 == pytest.approx(scatter if seen[-1] else geyer, rel=1e-8)
    assert any(seen) and not all(seen)


def test_columns_do_not_see_one_another():
    """One that scatters between chains, one that does not, one that stands still: each as if it were alone."""
    rng = np.random.default_rng(12)
    apart = rng.normal(size=(32, 60))
    apart += 0.4 * np.linspace(-1, 1, 32)[:, None] - apart.mean(axis=1, keepdims=True)
    x = np.stack([apart, autoregressive(rng, (32, 60), 0.5), np.full((32, 60), 2.0)], axis=-1)
    together = diagnostics.mean(x)
    for k in range(3):
        alone = diagnostics.mean(x[..., k])
        for field in ("mean", "sem", "ess", "rhat"):
            np.testing.assert_allclose(getattr(together, field)[k], getattr(alone, field), rtol=1e-12, atol=1e-14)
    assert together.sem[0] == pytest.approx(apart.mean(axis=1).std(ddof=1) / 32**0.5), "by the scatter"


def test_errors_of_products_are_those_of_their_influence_functions():
    """Every entry of arrays of different shapes, against numbers: (x−x̄)(y−ȳ), and xyz − x Cov(y,z) − y Cov(x,z) − z Cov(x,y)."""
    rng = np.random.default_rng(10)
    x, y, z = rng.normal(size=(3, 40, 2)), rng.normal(size=(3, 40, 4)), rng.normal(size=(3, 40, 3)) ** 2
    y[..., 1] += x[..., 0] * z[..., 1]
    pairs, triples = diagnostics.covariance(x, y), diagnostics.third_cumulant(x, y, z)
    for i, j, k in np.ndindex(2, 4, 3):
        u, v, w = (t - t.mean() for t in (x[..., i], y[..., j], z[..., k]))
        one = diagnostics.mean(u * v)
        two = diagnostics.mean(u * v * w - u * np.mean(v * w) - v * np.mean(u * w) - w * np.mean(u * v))
        for found, expected, place in ((pairs, one, (i, j)), (triples, two, (i, j, k))):
            for name in diagnostics.NUMBERS:
                np.testing.assert_allclose(getattr(found, name)[place], getattr(expected, name), rtol=1e-9, atol=1e-14)


def test_blocks_of_third_cumulants_change_nothing(monkeypatch):
    rng = np.random.default_rng(11)
    x, y, z = rng.normal(size=(2, 20, 5)), rng.normal(size=(2, 20, 3)), rng.normal(size=(2, 20, 2))
    whole = diagnostics.third_cumulant(x, y, z)
    widths = []
    plain = diagnostics._mean
    monkeypatch.setattr(diagnostics, "_mean", lambda s: widths.append(s.shape[2]) or plain(s))
    for block, expected in ((479, [6] * 5), (480, [12, 12, 6]), (1, [6] * 5), (10**6, [30])):
        monkeypatch.setattr(diagnostics, "BLOCK", block)
        widths.clear()
        found = diagnostics.third_cumulant(x, y, z)
        assert widths == expected
        np.testing.assert_allclose(found.sem, whole.sem, rtol=1e-12)
        widths.clear()
        diagnostics.mean(x)
        assert widths == {479: [5], 480: [5], 1: [1] * 5, 10**6: [5]}[block]


def test_scores_at_no_gap_and_without_an_error():
    found = diagnostics.mean(np.full((2, 10, 2), [3.0, 4.0]))
    assert found.z([3.0, 4.5]).tolist() == [0.0, -np.inf] and found.z([2.0, 4.0]).tolist() == [np.inf, 0.0]
    assert np.isnan(found.rhat).all() and (found.sem == 0).all()


def test_an_estimate_is_told_in_numbers_names_and_none():
    """NaN is no JSON; axes have names where they were given, else their sizes alone."""
    rows, labels = np.array([[1.0, 2.0, 3.0]]), {"probe": ("a", "b", "c")}
    named = diagnostics.Estimate(rows, rows / 10, rows * 100, np.array([[1.0, np.nan, 1.25]]), ("phi", "probe"), labels)
    assert named.to_dict() == {
        "mean": [[1.0, 2.0, 3.0]], "sem": [[0.1, 0.2, pytest.approx(0.3)]], "ess": [[100.0, 200.0, 300.0]],
        "rhat": [[1.0, None, 1.25]], "dims": ["phi", "probe"], "labels": {"probe": ["a", "b", "c"]},
    }  # fmt: skip
    assert str(named) == (f"[phi 1 × probe 3] mean\n{rows}\nsem\n{rows / 10}\n(ess ≥ 100, R-hat 1.0000 to 1.2500)")
    assert named.scale(2.0).labels == labels and named.scale(2.0).dims == ("phi", "probe")
    first = named.map(lambda x: x[0, 1:])
    assert (first.mean.tolist(), first.ess.tolist(), first.dims, first.labels) == ([2.0, 3.0], [200.0, 300.0], (), {})
    assert first.sem.tolist() == [0.2, pytest.approx(0.3)] and np.isnan(first.rhat[0]) and first.rhat[1] == 1.25
    still = diagnostics.mean(np.ones((2, 10, 2)))
    assert set(still.to_dict()) == set(diagnostics.NUMBERS)
    assert str(still) == "[ 2] mean\n[1. 1.]\nsem\n[0. 0.]\n(ess ≥ nan, R-hat nan to nan)"
    mean, sem, ess, rhat = map(np.asarray, (1.23456789, 0.0123, 456.7, 1.00126))
    one = diagnostics.Estimate(mean, sem, ess, rhat)
    assert str(one) == "1.23457 ± 0.012 (ess 457, R-hat 1.0013)"


def test_all_that_an_estimate_holds_is_saved(tmp_path):
    rows = np.arange(6.0).reshape(2, 3)
    found = diagnostics.Estimate(rows, rows + 1, rows + 2, rows + 3, ("phi", "probe"), {"probe": ("a", "b", "c")})
    found.save(tmp_path / "estimate.npz")
    with np.load(tmp_path / "estimate.npz", allow_pickle=False) as file:
        assert {name: file[name].tolist() for name in file.files} == {
            **{name: (rows + i).tolist() for i, name in enumerate(diagnostics.NUMBERS)},
            "dims": ["phi", "probe"], "label_probe": ["a", "b", "c"],
        }  # fmt: skip


def test_the_least_trace_and_what_is_less():
    """One chain of four draws has a mean and an error; rounding alone is no spread."""
    least = diagnostics.mean(np.array([[0.0, 1.0, 1.0, 0.0]]))
    assert least.mean == 0.5 and np.isfinite(least.sem)
    assert diagnostics.mean(1e8 + np.array([[0.0, 1e-7, 0.0, 1e-7]])).sem == 0
    assert diagnostics.mean(1e8 + np.array([[0.0, 1e-4, 0.0, 1e-4]])).sem > 0
    for bad, words in (
        (np.zeros((0, 10)), "draws ≥ 4"),
        (np.zeros((2, 3)), r"it is \(2, 3\)"),
        (np.full((2, 10), np.inf), "NaN"),
    ):
        with pytest.raises(BadInput, match=words):
            diagnostics.mean(bad)
    for x, y in ((np.zeros((2, 10)), np.zeros((1, 10))), (np.zeros((2, 10)), np.zeros((2, 11)))):
        with pytest.raises(BadInput, match="from one run"):
            diagnostics.covariance(x, y)

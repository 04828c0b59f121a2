"""Sums over blocks: the same means and covariances as the traces, error bars as honest, and memory that does not grow."""

import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from sampler import chain, diagnostics
from sampler.influence import loss_kernel
from sampler.kernels.sgld import sgld
from sampler.moments import BLOCKS, Moments
from sampler.posterior import LocalPosterior
from sampler.susceptibility import mixed, susceptibility
from tests.sampler.test_diagnostics import autoregressive
from theory.errors import BadInput


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    chains=st.integers(1, 3),
    cuts=st.lists(st.integers(1, 400), min_size=1, max_size=6),
    offset=st.floats(-1e6, 1e6),
)
def test_means_and_covariances_are_those_of_the_draws_however_they_arrive(seed, chains, cuts, offset):
    """To rounding; the second road is numpy's covariance of all draws at once."""
    draws = sum(cuts) + 8
    x = np.random.default_rng(seed).normal(size=(chains, draws, 3)) + offset
    x[..., 2] += x[..., 0]
    m = Moments(x[0, 0], 2, chains)
    for piece in np.split(x, np.cumsum(cuts), axis=1):
        m.add(piece)
    assert m.draws == draws
    kept = np.ones(chains, bool)
    flat = x.reshape(-1, 3)
    scale = np.finfo(float).eps * (1 + abs(offset)) * 64
    np.testing.assert_allclose(m.mean(kept).mean, flat.mean(axis=0), rtol=0, atol=scale)
    cov = np.cov(flat.T, ddof=0)
    np.testing.assert_allclose(m.covariance(kept, [0, 1], [0, 1, 2]).mean, cov[:2], rtol=0, atol=1e-9)
    both = m.covariance(kept, [0], [1, 2], less=1, row_less=1).mean
    y = flat - flat[:, [1]]
    np.testing.assert_allclose(both, np.cov(y.T, ddof=0)[[0]][:, [1, 2]], rtol=0, atol=1e-9)


@pytest.mark.parametrize("a", [0.0, 0.6, 0.95])
def test_error_bars_are_calibrated(a):
    """z-scores of means and covariances over 300 repetitions of 4 × 4000 draws are N(0, 1): Kolmogorov–Smirnov at 1e-4 each, and
    a variance within 25% (six standard errors); error bars of independent draws would fail for a > 0 (τ = 4, 39)."""
    rng = np.random.default_rng(5)
    x = autoregressive(rng, (4, 4000, 600), a)
    m = Moments(np.zeros(600), 600, 4) if a < 0 else Moments(np.zeros(600), 1, 4)
    m.add(x)
    kept = np.ones(4, bool)
    means = m.mean(kept).z(0.0)
    products = m.covariance(kept, [0], np.arange(1, 600)).z(0.0)[0]
    for z in (means[:300], products[:300]):
        assert kstest(z, "norm").pvalue > 1e-4
        assert 0.75 < np.mean(z**2) < 1.3
    traces = diagnostics.mean(x)
    np.testing.assert_allclose(m.mean(kept).rhat, traces.rhat, rtol=0.02)
    assert 0.85 < np.median(m.mean(kept).sem / traces.sem) < 1.15


def test_a_chain_that_is_lost_spoils_no_other():
    x = np.random.default_rng(0).normal(size=(3, 300, 2))
    x[1, 200] = np.nan
    m = Moments(np.zeros(2), 2, 3)
    m.add(x)
    kept = np.array([True, False, True])
    np.testing.assert_allclose(m.mean(kept).mean, x[kept].mean(axis=(0, 1)))
    assert np.isfinite(m.covariance(kept, [0], [1]).mean).all()


def loss(w, z):
    return jnp.sum((w - z) ** 2 * jnp.array([1.0, 3.0])) / 2


def posterior():
    return LocalPosterior(loss, np.random.default_rng(1).normal(size=(30, 2)), jnp.zeros(2), 30.0, 1.0)


def go(**options):
    p = posterior()
    options = {
        "chains": 4,
        "draws": 700,
        "burn_in": 50,
        "probes": p.data[:6],
        "observables": {"w": lambda w: w},
    } | options
    return chain.run(jax.random.key(2), sgld(0.01), p, **options)


def test_a_run_of_moments_answers_as_one_of_traces():
    whole, sums = go(), go(keep="pairs")
    for name in ("loss", "virial", "accepted", "w", "probes"):
        one, two = whole.mean(name), sums.mean(name)
        np.testing.assert_allclose(one.mean, two.mean, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(one.sem, two.sem, rtol=0.5, atol=1e-14)
    for pair in (("loss", "probes"), ("probes", "w"), ("w", "w")):
        one, two = whole.covariance(*pair), sums.covariance(*pair)
        np.testing.assert_allclose(one.mean, two.mean, atol=1e-12)
    centred = {"centred": True, "both": True}
    one, two = whole.covariance("probes", "probes", **centred), sums.covariance("probes", "probes", **centred)
    np.testing.assert_allclose(one.mean, two.mean, atol=1e-12)
    np.testing.assert_allclose(susceptibility(whole).mean, susceptibility(sums).mean, atol=1e-12)
    np.testing.assert_allclose(loss_kernel(whole).mean, loss_kernel(sums).mean, atol=1e-12)
    one, two = mixed(whole, whole), mixed(sums, sums)
    np.testing.assert_allclose(one.mean, two.mean, atol=1e-12)
    assert (two.sem > 0.5 * one.sem).all()
    assert abs(sums.stationarity()) < 4.9 and str(sums).startswith("4 chains × 700 draws")
    assert sums.to_dict()["draws"] == 700


def test_what_was_not_kept_is_told():
    sums = go(keep="moments")
    with pytest.raises(BadInput, match="keep='pairs'"):
        sums.covariance("probes", "probes")
    np.testing.assert_allclose(
        sums.covariance("probes", "loss").mean[:, ...], go().covariance("probes", "loss").mean, atol=1e-12
    )
    with pytest.raises(BadInput, match="keep='traces'"):
        sums.trace("loss")
    with pytest.raises(BadInput, match="recorded no"):
        sums.mean("v")
    with pytest.raises(BadInput, match="keep"):
        go(keep="everything")


def test_resume_of_moments_is_bit_identical(tmp_path):
    class Interrupted(Exception):
        pass

    def stop(done, draws):
        if done >= 300:
            raise Interrupted

    path = tmp_path / "run.npz"
    with pytest.raises(Interrupted):
        go(keep="moments", checkpoint=path, every=100, progress=stop)
    again = go(keep="moments", checkpoint=path, every=100)
    whole = go(keep="moments", every=100)
    assert all(
        (a == b).all() for a, b in zip(again.moments.arrays().values(), whole.moments.arrays().values(), strict=True)
    )


def test_memory_does_not_grow_with_draws():
    """The peak of what the host allocates: 100 times the draws, the same memory; the traces would take 100 times as much."""
    p = posterior()
    probes = np.random.default_rng(2).normal(size=(500, 2))

    def peak(draws, keep):
        options = {"chains": 2, "burn_in": 10, "probes": probes, "keep": keep, "every": 200}
        tracemalloc.start()
        chain.run(jax.random.key(0), sgld(0.01), p, draws=draws, **options)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(200, "moments")
    assert peak(20_000, "moments") < 1.25 * peak(200, "moments")
    assert peak(2000, "traces") > 4 * peak(200, "traces")
    assert BLOCKS == 128


def merged(x, size):
    """The means of whole blocks of `size` draws."""
    whole = x.shape[1] // size
    return x[:, : whole * size].reshape(len(x), whole, size, *x.shape[2:]).mean(axis=2)


def numbers(estimate):
    return [getattr(estimate, name) for name in diagnostics.NUMBERS]


@pytest.mark.parametrize(("draws", "size"), [(100, 1), (127, 1), (200, 2), (203, 2), (255, 2), (1021, 8)])
def test_errors_are_those_of_the_means_of_blocks(draws, size):
    """By hand, from the draws: whole blocks only, centred on the means of all draws; x and v less others where that was asked."""
    x = np.cumsum(np.random.default_rng(draws).normal(size=(3, draws, 5)), axis=1) / 9 + 40
    m = Moments(np.array([40.0, 39.0, 41.0, 40.0, 0.0]), 3, 3)
    for piece in np.array_split(x, 7, axis=1):
        m.add(piece)
    assert (m.size, m.full, m.open) == (size, draws // size, draws % size) and m.draws == draws
    kept = np.array([True, False, True])
    x = x[kept]
    assert np.allclose(m.mean(kept).mean, x.mean(axis=(0, 1)), rtol=1e-13)
    assert np.allclose(m.mean(kept).sem, diagnostics.mean(merged(x, size)).sem, rtol=1e-9)
    for less, row_less in ((None, None), (4, None), (None, 2), (4, 2), (3, 0)):
        found = m.covariance(kept, [0, 1], [1, 3, 4], less=less, row_less=row_less)
        u = x[..., [0, 1]] - (0 if row_less is None else x[..., [row_less]])
        v = x[..., [1, 3, 4]] - (0 if less is None else x[..., [less]])
        u, v = u - u.mean(axis=(0, 1)), v - v.mean(axis=(0, 1))
        product = u[..., :, None] * v[..., None, :]
        expected = diagnostics.mean(merged(product, size))
        np.testing.assert_allclose(found.mean, product.mean(axis=(0, 1)), rtol=1e-9, atol=1e-11)
        for name in ("sem", "ess", "rhat"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-7)


@pytest.mark.parametrize("draws", [100, 203, 1021])
def test_means_of_products_with_a_base(draws):
    """⟨x (v_j − v_l − base_j)⟩ and the error of its block means, by hand."""
    x = np.random.default_rng(draws).normal(size=(4, draws, 4)) + np.array([3.0, -2.0, 1.0, 5.0])
    m = Moments(np.array([2.5, -2.0, 0.0, 4.0]), 2, 4)
    m.add(x)
    kept, base = np.array([True, True, False, True]), np.array([0.7, -1.2])
    product = x[kept][..., [1]] * (x[kept][..., [2, 3]] - x[kept][..., [0]] - base)
    found, expected = m.mean_of_products(kept, 1, [2, 3], base, less=0), diagnostics.mean(merged(product, m.size))
    np.testing.assert_allclose(found.mean, product.mean(axis=(0, 1)), rtol=1e-12)
    for name in ("sem", "ess", "rhat"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9)


@pytest.mark.parametrize(("draws", "size", "span"), [(100, 1, 50), (101, 1, 50), (203, 2, 100), (206, 2, 102)])
def test_rhat_and_size_of_a_mean_are_those_of_single_draws(draws, size, span):
    """var⁺ and W of halves that are made of whole blocks, the middle block left out where there is one too many; constants have
    neither number."""
    x = np.random.default_rng(draws).normal(size=(2, draws, 2)) + np.array([0.0, 7.0])
    x[0, :, 0] += 1
    x[..., 1] = 7
    m = Moments(np.zeros(2), 1, 2)
    m.add(x)
    found = m.mean(np.ones(2, bool))
    whole = draws // size * size
    halves = np.concatenate([x[:, :span, 0], x[:, whole - span : whole, 0]])
    W = halves.var(axis=1, ddof=1).mean()
    variance = W * (span - 1) / span + halves.mean(axis=1).var(ddof=1)
    assert found.rhat[0] == pytest.approx(np.sqrt(variance / W), rel=1e-12)
    assert found.ess[0] == pytest.approx(variance / found.sem[0] ** 2, rel=1e-12)
    assert found.sem[1] == 0 and np.isnan([found.ess[1], found.rhat[1]]).all()


def test_parts_and_copies_of_the_sums_stand_alone():
    x = np.random.default_rng(3).normal(size=(3, 300, 2))
    m, again = Moments(x[0, 0], 1, 3), Moments(np.zeros(2), 1, 3)
    m.add(x[:, :150])
    stored = m.arrays()
    again.restore(stored)
    m.add(x[:, 150:])
    again.add(x[:, 150:])
    assert (stored["counts"] == [2, 75, 0]).all() and all(
        (a == b).all() for a, b in zip(m.arrays().values(), again.arrays().values(), strict=True)
    )
    part, alone = m.part(slice(1, 3)), Moments(x[0, 0], 1, 2)
    alone.add(x[1:])
    assert part.chains == 2 and m.chains == 3 and len(m.first) == 3
    for one, two in zip(numbers(part.mean(np.ones(2, bool))), numbers(alone.mean(np.ones(2, bool))), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12)

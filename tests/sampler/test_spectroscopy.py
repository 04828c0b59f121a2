"""Planted modes and clusters are found and believed; noise is not.

Matrices X = signal + noise in each of G groups; the false alarms of each test are stated where it is random.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from sampler import chain, patterning, spectroscopy, standardize
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior
from sampler.susceptibility import susceptibility
from theory.errors import BadInput

rng = np.random.default_rng(0)
K, P, G = 12, 60, 8
KIND = np.repeat([0, 1, 2], P // 3)
SIDE = np.repeat([0, 1], K // 2)


def planted(noise=0.3, seed=0):
    """Two modes: components in two groups, data of three kinds."""
    r = np.random.default_rng(seed)
    profiles = np.array([[2.0, -1.0, -1.0], [-0.5, 1.5, -1.0]])
    signal = profiles[SIDE][:, KIND]
    return signal + noise * r.normal(size=(G, K, P)), signal


def test_planted_modes_stand_above_noise_and_are_reliable():
    groups, signal = planted()
    found = spectroscopy.spectrum(groups, standard="centre", components=[f"c{i}" for i in range(K)])
    assert found.loud == 2
    assert (found.reliability[:2] > 0.9).all()
    assert (np.abs(found.reliability[2:]) < 0.5).all()
    # The planted ones, by linear algebra on the signal alone.
    u, s, _ = np.linalg.svd(signal - signal.mean(axis=1, keepdims=True), full_matrices=False)
    np.testing.assert_allclose(found.modes.s[:2], s[:2], rtol=0.02)
    assert (np.abs(np.sum(u[:, :2] * found.modes.u[:, :2], axis=0)) > 0.99).all()
    assert found.modes.observables[0] == "c0"
    assert "2 above" in str(found)


def test_shares_of_variance():
    """Σ over modes is 1 about the means; of ‖X‖² it is what the means leave: a constant row adds to the second only."""
    groups, _ = planted()
    shifted = groups + np.arange(K)[:, None]
    for raw in (groups, shifted):
        found = spectroscopy.spectrum(raw, standard=None)
        X = raw.mean(axis=0)
        assert found.share.sum() == pytest.approx(1)
        left = 1 - P * np.sum(X.mean(axis=1) ** 2) / np.sum(X**2)
        assert found.share_of_all.sum() == pytest.approx(left)


def test_correlated_noise_does_not_open_a_mode():
    """Noise that all entries of a column share in a group of chains: an edge for independent entries is passed by it.
    The edge from halves is not: of 40 matrices of pure noise few show a mode (largest of 20 splits)."""
    false, fooled = 0, 0
    for seed in range(40):
        r = np.random.default_rng(seed)
        noise = r.normal(size=(G, 1, P)) * r.normal(size=(1, K, 1)) + 0.1 * r.normal(size=(G, K, P))
        found = spectroscopy.spectrum(noise, standard="centre")
        false += found.loud > 0
        sem = noise.std(axis=0, ddof=1) / G**0.5
        fooled += patterning.modes(noise.mean(axis=0), sem=sem).loud[0]
    assert fooled > 30
    assert false < 15


@pytest.mark.parametrize("standard", ["centre", "zscore", "standardize"])
def test_pure_noise_shows_few_modes_however_it_is_standardised(standard):
    """The edge is the largest of 20 splits, so the noise of the whole passes it in few of 40 matrices; an edge too low by √2, as
    from halves that are standardised each by its own noise, is passed in three of four and more."""
    loud = low = 0
    for seed in range(40):
        noise = np.random.default_rng(seed).normal(size=(G, K, P)) * np.geomspace(0.1, 10, K)[:, None]
        found = spectroscopy.spectrum(noise, standard=standard)
        loud += found.loud > 0
        assert found.modes.edge is not None
        low += found.modes.s[0] > found.modes.edge / 2**0.5
    assert loud < 15
    assert low >= 30


def test_reliability_is_what_another_experiment_would_show():
    """The mean correlation of the first data pattern between independent experiments of the same size, 100 pairs: agreement within
    0.05, five of its standard errors; the split-half correlation itself lies further below."""
    noise, told, seen = 4.0, [], []
    for seed in range(100):
        a, b = planted(noise, 2 * seed)[0], planted(noise, 2 * seed + 1)[0]
        one, two = (spectroscopy.spectrum(x, standard="centre") for x in (a, b))
        told.append(one.reliability[0])
        seen.append(abs(one.modes.v[:, 0] @ two.modes.v[:, 0]))
    assert abs(np.mean(told) - np.mean(seen)) < 0.05
    assert np.mean(seen) < 0.95


def test_ends_of_a_mode():
    groups, _ = planted()
    found = spectroscopy.spectrum(groups, standard="centre", data=[f"{'abc'[k]}{i}" for i, k in enumerate(KIND)])
    top, bottom = spectroscopy.ends(found, 0, 20)
    assert len({name[0] for name, _ in top}) == 1
    assert top[0][1] >= top[-1][1] > bottom[-1][1] >= bottom[0][1]
    with pytest.raises(BadInput, match="modes 0"):
        spectroscopy.ends(found, 12)


def test_planted_clusters_are_found_and_stable():
    groups, _ = planted()
    data = spectroscopy.clusters(groups, 3, standard="centre", resamples=10)
    assert adjusted_rand_score(data.labels, KIND) == 1
    assert data.stability > 0.99
    assert (data.by_member > 0.99).all()
    components = spectroscopy.clusters(groups, 2, of="components", standard="centre", resamples=10)
    assert adjusted_rand_score(components.labels, SIDE) == 1
    assert components.stability > 0.99


def test_clusters_of_noise_are_not_stable():
    """Of pure noise: the mean adjusted Rand index between resamplings stays low (0.3 ± 0.1 here), by far below that of a signal."""
    noise = np.random.default_rng(5).normal(size=(G, K, P))
    found = spectroscopy.clusters(noise, 4, modes=3, standard="centre", resamples=20)
    assert found.stability < 0.7
    assert found.labels.max() == 3
    assert (np.diff(np.bincount(found.labels)) <= 0).all(), "numbered by size"


def test_standardisation_removes_the_unknown_factor():
    groups, _ = planted()
    factors = np.exp(rng.normal(size=K))[:, None]
    one, two = (spectroscopy.spectrum(x) for x in (groups, factors * groups))
    np.testing.assert_allclose(one.modes.s, two.modes.s, atol=1e-9)
    np.testing.assert_allclose(one.reliability[:-1], two.reliability[:-1], atol=1e-6)
    np.testing.assert_allclose(one.matrix, standardize.standardize(groups.mean(axis=0)), rtol=1e-12)
    assert not np.allclose(spectroscopy.spectrum(factors * groups, standard="centre").modes.s, one.modes.s)


def test_groups_from_runs():
    p = LocalPosterior(lambda w, z: jnp.sum((w - z) ** 2) / 2, jnp.zeros((2, 2)), jnp.zeros(2), 30.0, 0.0)
    masks = (jnp.array([True, False]), jnp.array([False, True]))
    probes = jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    runs = [
        chain.run(jax.random.key(i), sgld(0.01), p.moved(mask=mask), chains=7, draws=60, burn_in=20, probes=probes)
        for i, mask in enumerate(masks)
    ]
    groups = spectroscopy.by_groups(runs, 3)
    assert groups.shape == (3, 2, 3)
    first = replace(runs[1], finite=np.arange(7) < 3)
    np.testing.assert_allclose(groups[0, 1], susceptibility(first).mean)
    with pytest.raises(BadInput, match="do not make 8 groups"):
        spectroscopy.by_groups(runs, 8)
    with pytest.raises(BadInput, match="same probes"):
        spectroscopy.by_groups([runs[0], runs[1].select(slice(2))], 2)


def test_refusals():
    groups, _ = planted()
    with pytest.raises(BadInput, match="two or more groups"):
        spectroscopy.spectrum(groups[0])
    with pytest.raises(BadInput, match="standard is"):
        spectroscopy.spectrum(groups, standard="whiten")
    with pytest.raises(BadInput, match="a name for each"):
        spectroscopy.spectrum(groups, data=["one"])
    with pytest.raises(BadInput, match="count"):
        spectroscopy.clusters(groups, 60)

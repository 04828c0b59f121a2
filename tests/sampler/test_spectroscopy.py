"""Planted modes and clusters are found and believed; noise is not.

Matrices X = signal + noise in each of G groups; the false alarms of each test are stated where it is random.
"""

from dataclasses import dataclass, replace
from itertools import permutations
from types import SimpleNamespace
from typing import Any

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


@pytest.mark.parametrize("standard", spectroscopy.STANDARDS)
def test_clusters_see_the_modes_above_the_edge_of_their_own_standard(standard):
    """As many as the spectrum finds loud, one or two by the standard."""
    groups, _ = planted(noise=1.5)
    loud = spectroscopy.spectrum(groups, standard=standard).loud
    plain, asked = (
        spectroscopy.clusters(groups, 3, standard=standard, resamples=5, **o) for o in ({}, {"modes": loud})
    )
    np.testing.assert_array_equal(plain.labels, asked.labels)
    assert plain.stability == asked.stability


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


@pytest.mark.parametrize(("groups", "count"), [(2, 1), (3, 3), (4, 3), (5, 15), (6, 10), (7, 20), (9, 20)])
def test_splits_are_halves_each_counted_once(groups, count):
    """C(2h, h)/2 ways for each choice of the one that an odd number leaves out: all, or twenty of them beyond six groups."""
    found = spectroscopy._splits(groups, 3)
    assert len(found) == count
    for one, two in found:
        assert (
            len(one) == len(two) == groups // 2
            and len({*one, *two}) == 2 * (groups // 2)
            and {*one, *two} <= set(range(groups))
        )
    if groups <= 6:
        assert len({frozenset([frozenset(one), frozenset(two)]) for one, two in found}) == count
    else:
        assert found == spectroscopy._splits(groups, 3) != spectroscopy._splits(groups, 4)
        assert len({tuple(map(tuple, split)) for split in found}) > 10


@pytest.mark.parametrize("standard", [None, "centre", "zscore", "standardize"])
def test_a_spectrum_of_two_groups_by_hand(standard):
    """One split. The edge is the norm of half the difference under the whole's centring and spreads; r is v_a·v_b of the modes that
    are most like those of the whole, found by trying all matchings, with the sign of u_a·u_b; 2r/(1 + r) where r > 0."""
    r = np.random.default_rng(7)
    signal = np.outer([1.0, -1.0, 2.0], r.normal(size=6)) + 0.4 * np.outer([1.0, 1.0, -0.5], r.normal(size=6))
    groups = signal + 0.3 * r.normal(size=(2, 3, 6)) + np.array([[[1.0], [2.0], [3.0]]])
    found = spectroscopy.spectrum(groups, standard=standard)
    raw = groups.mean(axis=0)

    def change(X, whole):
        if standard is not None:
            X = X - X.mean(axis=1, keepdims=True)
        if standard in ("zscore", "standardize"):
            X = X / whole.std(axis=1, keepdims=True)
        return X - X.mean(axis=0) if standard == "standardize" else X

    def svd(X):
        return np.linalg.svd(X - X.mean(axis=1, keepdims=True), full_matrices=False)

    matrix = change(raw, raw)
    u, s, vt = svd(matrix)
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-12)
    np.testing.assert_allclose(found.modes.s, s, atol=1e-12)
    edge = svd(change((groups[0] - groups[1]) / 2, raw))[1][0]
    assert found.modes.edge == pytest.approx(edge) and found.loud == np.sum(s > edge)
    np.testing.assert_allclose(found.share, s**2 / np.sum(s**2), atol=1e-12)
    np.testing.assert_allclose(found.share_of_all, s**2 / np.sum(matrix**2), atol=1e-12)
    halves = [svd(change(g, g)) for g in groups]

    def order(half):
        likeness = np.abs(u.T @ half[0]) * np.abs(vt @ half[2].T)
        return max(permutations(range(3)), key=lambda p: sum(likeness[i, p[i]] for i in range(3)))

    (a, i), (b, j) = ((half, order(half)) for half in halves)
    known = 2 if standard == "standardize" else 3  # the last mode of reading (b) is rounding
    for k in range(known):
        c = np.sign(a[0][:, i[k]] @ b[0][:, j[k]]) * (a[2][i[k]] @ b[2][j[k]])
        assert found.reliability[k] == pytest.approx(2 * c / (1 + c) if c > 0 else c)
    assert str(found).splitlines()[0] == f"3 modes, {found.loud} above the noise edge {edge:.3g}"
    assert (
        str(found).splitlines()[1].startswith(f"    1  s = {s[0]:<10.4g} {100 * found.share[0]:5.1f}% of the variance")
    )


def test_modes_are_loud_up_to_the_first_quiet_one_and_all_where_there_is_no_noise():
    signal = np.random.default_rng(8).normal(size=(3, 6))
    assert spectroscopy.spectrum(np.stack([signal, signal]), standard=None).loud == 3
    assert spectroscopy.spectrum(np.stack([signal, -0.9 * signal]), standard=None).loud == 0


def test_no_mode_has_a_share_of_nothing():
    found = spectroscopy.spectrum(np.zeros((2, 2, 3)), standard=None)
    assert not found.share.any() and not found.share_of_all.any() and found.loud == 0
    alike = spectroscopy.spectrum(np.ones((2, 2, 3)), standard=None)  # all of it is the means
    assert not alike.share_of_all.any() and "nan" not in str(alike)


def test_the_edge_is_the_largest_of_all_splits_and_the_reliability_their_mean():
    """Three groups: three splits in pairs."""
    groups = np.random.default_rng(9).normal(size=(3, 2, 5)) + 3 * np.outer([1.0, -1.0], np.arange(5.0) - 2)
    found = spectroscopy.spectrum(groups, standard="centre")
    raw = groups - groups.mean(axis=2, keepdims=True)
    pairs = [(raw[i], raw[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert found.modes.edge == pytest.approx(max(np.linalg.norm((a - b) / 2, 2) for a, b in pairs))
    first = []
    for a, b in pairs:
        (u, _, v), (x, _, y) = np.linalg.svd(a), np.linalg.svd(b)
        first.append(np.sign(u[:, 0] @ x[:, 0]) * (v[0] @ y[0]))
    assert found.reliability[0] == pytest.approx(2 * np.mean(first) / (1 + np.mean(first)))


def test_the_ends_are_in_order_and_no_more_than_there_are():
    groups, _ = planted()
    found = spectroscopy.spectrum(groups, standard="centre")
    values = found.modes.v[:, 1]
    top, bottom = spectroscopy.ends(found, 1, 3)
    order = sorted(range(P), key=lambda i: values[i])
    assert top == [(str(i), float(values[i])) for i in order[::-1][:3]] and bottom == [
        (str(i), float(values[i])) for i in order[:3]
    ]
    assert [len(end) for end in spectroscopy.ends(found, 0)] == [10, 10]
    assert [len(end) for end in spectroscopy.ends(found, len(found.modes.s) - 1, 99)] == [P, P]
    for mode in (-1, len(found.modes.s)):
        with pytest.raises(BadInput, match=f"there is no mode {mode}"):
            spectroscopy.ends(found, mode)


def test_clusters_are_numbered_by_size_and_scored_member_by_member():
    """Components in three groups of correlated rows, of 1, 3 and 2: labels 2, 0 and 1. Without resampled differences all is 1."""
    patterns = np.eye(3) @ np.random.default_rng(10).normal(size=(3, 40))
    X = patterns[[0, 1, 1, 1, 2, 2]] * np.array([1, 2, -1 + 3, 4, 5, 0.5])[:, None]
    found = spectroscopy.clusters(np.stack([X, X]), 3, of="components", standard=None, resamples=3)
    assert (
        found.labels.tolist() == [2, 0, 0, 0, 1, 1] and found.stability == 1 and found.by_member.tolist() == [1.0] * 6
    )
    data = spectroscopy.clusters(np.stack([X.T, X.T]), 3, of="data", modes=3, standard="centre", resamples=2)
    assert len(data.labels) == 6
    for count, of in ((1, "data"), (6, "data"), (40, "components"), (2, "rows")):
        with pytest.raises(BadInput, match="count between 2 and their number less 1"):
            spectroscopy.clusters(np.stack([X.T, X.T]), count, of=of)  # pyright: ignore[reportArgumentType]


def test_a_member_whose_company_changes_is_scored_by_the_jaccard_index():
    """Component 2 goes with the first two in one group of chains and with the last two in the other, by turns of the resampling:
    the mean over resamples of |same ∩ here|/|same ∪ here| is found again from the clusterings of the four possible means."""
    rng = np.random.default_rng(11)
    a, b = rng.normal(size=(2, 30))
    one, two = np.stack([a, a, a, b, b]), np.stack([a, a, b, b, b])
    groups = np.stack([one, 0.5 * two])
    found = spectroscopy.clusters(groups, 2, of="components", standard=None, resamples=30, seed=5)
    assert found.labels.tolist() == [0, 0, 0, 1, 1]
    draws = np.random.default_rng(5)
    turned = sum(draws.integers(0, 2, 2).tolist() == [1, 1] for _ in range(30)) / 30
    assert 0 < turned < 1
    same = 1 - turned
    np.testing.assert_allclose(
        found.by_member, [same + turned * 2 / 3] * 2 + [same + turned / 5] + [same + turned * 2 / 3] * 2
    )
    between = adjusted_rand_score([0, 0, 0, 1, 1], [0, 0, 1, 1, 1])
    assert found.stability == pytest.approx(same + turned * between)


def test_as_many_groups_as_chains_and_no_fewer_than_two(monkeypatch):
    """Each group has one chain of the finite ones, in order."""
    seen = []
    monkeypatch.setattr(
        spectroscopy, "susceptibility", lambda run, name: seen.append(run.finite) or SimpleNamespace(mean=np.ones(4))
    )
    run: Any = Kept(np.array([True, False, True, True]))
    assert spectroscopy.by_groups([run, run], 3).shape == (3, 2, 4)
    assert [np.flatnonzero(finite).tolist() for finite in seen] == [[0], [2], [3]] * 2
    for groups in (1, 4):
        with pytest.raises(BadInput, match=f"3 finite chains do not make {groups} groups"):
            spectroscopy.by_groups([run], groups)


@dataclass(frozen=True)
class Kept:
    finite: np.ndarray


def test_what_is_no_stack_of_finite_matrices_is_refused():
    groups, _ = planted()
    for bad in (groups[:1], groups[0], np.where(groups > 1, np.inf, groups)):
        with pytest.raises(BadInput, match="two or more groups"):
            spectroscopy.spectrum(bad)
    for components, data in ((["a"] * (K - 1), None), (None, ["a"] * (P + 1))):
        with pytest.raises(BadInput, match="a name for each"):
            spectroscopy.spectrum(groups, components=components, data=data)
    assert spectroscopy.spectrum(groups[:2], data=["z"] * P).modes.data == ("z",) * P

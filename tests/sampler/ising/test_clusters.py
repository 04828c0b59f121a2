"""Clusters against scipy's connected components; averages over their signs against all the signs, one by one."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from numerics.ising import Lattice
from sampler import ising
from sampler.ising import measure
from sampler.ising.clusters import activate, bond_probability, label

ROWS, COLUMNS = 5, 6
PLACES = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
labelled = jax.jit(label)
plain, improved, site_maps = map(jax.jit, (measure.plain, measure.improved, measure.site_maps))


@jax.jit
def clustered(key, spins, c):
    return label(*activate(key, spins, jnp.float32(0.4), c, bond_probability))


def by_scipy(down, right, ghost):
    """The first site of every cluster plus one; 0 with the ghost."""
    pairs = [(PLACES[down], np.roll(PLACES, -1, 0)[down]), (PLACES[right], np.roll(PLACES, -1, 1)[right])]
    rows = np.concatenate([a for a, _ in pairs] + [PLACES[ghost]])
    columns = np.concatenate([b for _, b in pairs] + [np.full(ghost.sum(), PLACES.size)])
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(PLACES.size + 1,) * 2)
    component = connected_components(graph, directed=False)[1]
    first = {c: int(np.flatnonzero(component == c)[0]) + 1 for c in component}
    first[component[-1]] = 0
    return np.array([first[c] for c in component[:-1]]).reshape(ROWS, COLUMNS)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 0.3))
def test_labels_are_connected_components(seed, density, tied):
    rng = np.random.default_rng(seed)
    down, right = rng.random((2, ROWS, COLUMNS)) < density
    ghost = rng.random((ROWS, COLUMNS)) < tied
    found = labelled(*map(jnp.asarray, (down, right, ghost)))
    np.testing.assert_array_equal(found, by_scipy(down, right, ghost))


def test_a_snake_is_one_cluster():
    """The longest path there is, against the order of the labels: no number of rounds is built in."""
    down, right = np.zeros((2, ROWS, COLUMNS), bool)
    right[:, :-1] = True
    down[np.arange(ROWS - 1), np.where(np.arange(ROWS - 1) % 2, 0, COLUMNS - 1)] = True
    right[1::2, 2] = True
    assert set(np.ravel(labelled(down, right, np.zeros((ROWS, COLUMNS), bool)))) == {1}


def test_bond_probabilities():
    np.testing.assert_allclose(bond_probability(jnp.array([-1.0, 0.0, 0.5])), [0, 0, 1 - np.exp(-1)], rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_improved_estimators_are_averages_over_signs(seed):
    """Every assignment of signs to the free clusters, plain products averaged; couplings of both signs, fields, a mask."""
    rng = np.random.default_rng(seed)
    mask = [(0, 1), (2, 2)]
    sites = [(r, c) for r in range(3) for c in range(3) if (r, c) not in mask]
    regions = {"R": sites[:4], "S": sites[2:]}
    lattice = Lattice(3, 3, mask, (True, True), regions=regions)
    own = ising.Couplings.of(ising.couplings(lattice).present, *rng.normal(size=(3, 3, 3)))
    model = ising.model(lattice, {"one": sites[0], "two": sites[1:3], "three": sites[2:5]}, replaced=own)
    watched = measure.Watched(*map(jnp.asarray, (model.probes, model.regions, model.energies)))
    spins = jnp.asarray(own.present * rng.choice([-1.0, 1.0], (3, 3)), jnp.float32)
    c = ising.Couplings(*map(jnp.asarray, own))
    labels = clustered(jax.random.key(seed), spins, c)
    free = sorted(set(np.ravel(labels)) - {0})
    total: dict = {}
    for signs in product((1, -1), repeat=len(free)):
        turn = np.zeros(10)
        turn[free] = signs
        turn[0] = 1
        for name, value in plain((spins * turn[np.asarray(labels)]).astype(jnp.float32), watched).items():
            total[name] = total.get(name, 0) + np.asarray(value, float) / 2 ** len(free)
    found = improved(spins, labels, watched)
    for name in ("probe_mean", "region_mean", "pair", "regions", "square"):
        np.testing.assert_allclose(found[name], total[name], atol=1e-5)
    maps = site_maps(spins, labels, watched)
    np.testing.assert_allclose(maps["pair"][:, 0, 0], total["pair"][0], atol=1e-5)  # probe "one" is the site (0, 0)


@pytest.mark.compiled
def test_clusters_beat_metropolis_at_the_critical_point():
    """τ_int of M² in sweeps on 64 × 64 at β_c: 20 times less at least (about 100 measured); it would be 1 without clusters."""
    model = ising.model(Lattice(64, 64, periodic=(True, True)))
    beta = float(np.log(1 + np.sqrt(2)) / 2)
    settings_ = {"chains": 8, "start": "up"}
    fast = ising.run(jax.random.key(0), model, beta, draws=500, burn_in=100, **settings_)
    slow = ising.run(jax.random.key(0), model, beta, kernel=ising.metropolis(), draws=5000, burn_in=1500, **settings_)
    assert 3 < fast.autocorrelation_time() < 15
    assert slow.autocorrelation_time() > 20 * fast.autocorrelation_time()
    assert fast.square().z(slow.square().mean) ** 2 * fast.square().sem ** 2 < 24 * (
        fast.square().sem ** 2 + slow.square().sem ** 2
    )


@pytest.mark.slow
def test_the_gain_grows_with_the_lattice():
    """τ ~ L^2.17 for Metropolis and hardly at all for clusters (Nightingale and Blöte 1996; Swendsen and Wang 1987)."""
    beta, gains, times = float(np.log(1 + np.sqrt(2)) / 2), [], []
    for side, draws in ((16, 8000), (32, 16000), (64, 40000)):
        model = ising.model(Lattice(side, side, periodic=(True, True)))
        fast = ising.run(jax.random.key(1), model, beta, chains=8, draws=2000, burn_in=100)
        slow = ising.run(
            jax.random.key(2), model, beta, kernel=ising.metropolis(), chains=8, draws=draws, burn_in=4000, start="up"
        )
        times.append(slow.autocorrelation_time())
        gains.append(slow.autocorrelation_time() / fast.autocorrelation_time())
    assert gains[0] < gains[1] < gains[2]
    assert gains[2] > 20
    assert 1.7 < np.log2(times[2] / times[0]) / 2 < 2.6

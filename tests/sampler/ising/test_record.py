"""Labels, maps, modes and refusals; the arrays of a lattice against its bonds."""

from dataclasses import replace

import jax
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings

from numerics.ising import Lattice, divided_room, enumeration
from sampler import ising, spectroscopy
from sampler.ising import maps
from sampler.ising.record import to_dict
from tests.numerics.ising.strategies import lattices
from theory.errors import BadInput

ROOM = divided_room(6)
BETA = sp.Rational(2, 5)
PROBES = {"A": (1, 1), "B": (1, 4), "C": (4, 4)}


@pytest.fixture(scope="module")
def run():
    model = ising.model(ROOM, PROBES)
    return ising.run(jax.random.key(0), model, 0.4, chains=16, draws=2000, burn_in=100, sites=True)


@settings(max_examples=100, deadline=None)
@given(lattices(spins=20))
def test_the_energy_of_the_arrays_is_that_of_the_bonds(lattice):
    """H of a random state from the arrays, with rolled neighbours, and from the list of bonds; the colouring is proper."""
    c = ising.couplings(lattice, J=0.5, h=0.25)
    rng = np.random.default_rng(0)
    s = c.present * rng.choice([-1, 1], c.present.shape)
    rolled = -(c.down * s * np.roll(s, -1, 0) + c.right * s * np.roll(s, -1, 1) + c.field * s).sum()
    spins = [s[site] for site in lattice.sites]
    listed = -0.5 * sum(b * spins[i] * spins[j] for i, j, b in lattice.bonds)
    listed -= 0.25 * sum(f * x for f, x in zip(lattice.field_of, spins, strict=True))
    assert rolled == pytest.approx(listed, abs=1e-5)
    np.testing.assert_array_equal(c.colours.sum(0), c.present)
    for colour in c.colours:
        for bond, axis in ((c.down, 0), (c.right, 1)):
            assert not (bond * colour * np.roll(colour, -1, axis)).any()


def test_labels_and_shapes(run):
    response = run.response()
    assert response.dims == ("probe", "region")
    assert response.labels == {"probe": ("A", "B", "C"), "region": ("A", "B", "C")}
    assert run.covariance("B", "C").mean == response.mean[1, 2]
    np.testing.assert_allclose(run.by_chain().mean(0), response.mean, atol=1e-12)
    told = to_dict(run)
    assert told["chain"] == "Swendsen–Wang"
    assert np.shape(told["response"]["mean"]) == (3, 3)


def test_the_map_of_all_sites_is_exact(run, limit):
    """Cov(s_i, M_R) of every site against sums over states: 13 sites, 3 regions."""
    found = maps.response_map(run)
    exact = enumeration.moments(ROOM, {str(site): site for site in ROOM.sites})
    z = [
        (found.mean[(k, *site)] - float(exact.covariance(str(site), r).at(BETA, n=15).mid())) / found.sem[(k, *site)]
        for site in ROOM.sites
        for k, r in enumerate(ROOM.regions)
    ]
    # Student's t with 15 degrees of freedom: its 1e-8 point is 1.6 times wider than the normal one.
    assert np.abs(z).max() < 1.6 * limit(len(z))
    assert np.isnan(found.mean[:, 0, 0]).all()


def test_sites_find_their_region(run):
    found = maps.assignment(run)
    exact = enumeration.moments(ROOM, {str(site): site for site in ROOM.sites}).response()
    for site, row in exact.items():
        place = tuple(map(int, site.strip("()").split(",")))
        values = [float(entry.at(BETA, n=15).mid()) for entry in row.values()]
        if found.lead[place] > 6:
            assert found.region[place] == np.argmax(values)
    assert found.region[0, 0] == -1
    assert found.resolved(6).sum() > 8


def test_singular_values_have_errors(run):
    """σ of the exact matrix within the jackknife's errors; `spectroscopy` takes the same matrix, centred over the probes."""
    values, u, v = maps.probe_modes(run)
    exact = enumeration.moments(ROOM, PROBES)
    matrix = np.array([[float(exact.covariance(p, r).at(BETA, n=15).mid()) for r in ROOM.regions] for p in PROBES])
    assert np.abs(values.z(np.linalg.svd(matrix)[1])).max() < 8  # Student's t with 15 degrees of freedom, 1e-6
    np.testing.assert_allclose((u * values.mean) @ v.T, run.response().mean, atol=1e-10)
    spectrum = spectroscopy.spectrum(
        run.by_chain().transpose(0, 2, 1), standard=None, components=run.model.region_names
    )
    response = run.response().mean
    centred = np.linalg.svd(response - response.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(spectrum.modes.s, centred, rtol=1e-6, atol=1e-12 * centred[0])


def test_refusals(run):
    blind = replace(run, model=replace(run.model, probe_names=()), sums={})
    few = replace(run, traces={name: trace[:4] for name, trace in run.traces.items()})
    for call, message in (
        (lambda: run.covariance("A", "D"), "no region 'D'"),
        (lambda: run.covariance("D", "A"), "no probe 'D'"),
        (lambda: run.energy("A"), "no energy 'A'"),
        (lambda: blind.response(), "needs a probe and a region"),
        (lambda: maps.response_map(blind), "sites=True"),
        (lambda: maps.probe_modes(few), "4 chains say too little"),
        (lambda: ising.Couplings.of(np.zeros((2, 2)), 0, 0), "at least one spin"),
        (lambda: ising.Couplings.of(np.ones((1, 3)), 1.0, 0), "with themselves"),
        (lambda: ising.Couplings.of(np.ones((2, 3)), np.nan, 0), "not finite"),
        (lambda: ising.model(ROOM, perturbations={"H": ising.couplings(ROOM)}), "the energy itself"),
        (lambda: ising.model(ROOM, replaced=ising.couplings(Lattice(6, 6))), "another grid or mask"),
    ):
        with pytest.raises(BadInput, match=message):
            call()

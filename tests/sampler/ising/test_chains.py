"""Both samplers against sums over all states, Kaufman's torus and Yang's magnetisation; broken samplers must not pass.

False alarms: 1e-6 for each test (the limit of |z| grows with the number of entries), seeds fixed. The errors that the tests would
see are shown by the broken samplers at the end, which leave the limits far behind.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from numerics.ising import Lattice, enumeration, onsager, subgraphs, wall_with_gap
from numerics.ising.response import driven
from numerics.precision import digits
from sampler import ising
from sampler.ising import chains, clusters, single_spins
from sampler.ising.single_spins import Kernel
from theory.errors import BadInput

pytestmark = pytest.mark.compiled
REGIONS = {"R": [(0, 0), (0, 1), (1, 0), (3, 3)], "S": [(2, 2), (2, 3), (3, 3)]}
FRUSTRATED = {((0, 0), (0, 1)): -1, ((1, 0), (2, 0)): -2, ((2, 2), (2, 3)): 0, ((0, 3), (1, 3)): 2}
LATTICES = {
    "torus": Lattice(4, 4, periodic=(True, True), regions=REGIONS),
    "walls and gaps": Lattice(4, 4, mask=[(0, 2), (1, 2)], periodic=(True, False), regions=REGIONS),
    "frustrated": Lattice(4, 4, periodic=(False, True), couplings=FRUSTRATED, regions=REGIONS),
    "fields": Lattice(4, 4, mask=[(1, 1)], couplings=FRUSTRATED, fields={(0, 0): 1, (3, 1): -2}, regions=REGIONS),
}
PROBES = {"p": (0, 0), "far": (3, 2), "product": [(2, 1), (2, 2), (3, 3)], "pair": [(0, 3), (3, 0)]}
KERNELS = {"metropolis": ising.metropolis(), "heat bath": ising.heat_bath(), "clusters": ising.swendsen_wang()}
SETTINGS = {"chains": 16, "draws": 4000, "burn_in": 100}


def everything(run: ising.Run) -> dict:
    """All that a run estimates of a model with the regions R and S, by name."""
    return {
        "response": run.response(),
        "regions": run.region_covariance(),
        "energy": run.energy(),
        "square": run.square(),
        **{name: run.mean(name) for name in (*run.model.probe_names, "R", "S")},
    }


def exactly(lattice: Lattice, beta: sp.Rational, h: float = 1.0) -> dict:
    """The same from `enumeration`."""
    whole = replace(lattice, regions={**lattice.regions, "all": lattice.sites})
    bonds = {f"bond {i} {j}": [lattice.sites[i], lattice.sites[j]] for i, j, _ in lattice.bonds}
    ends = {f"site {site}": site for site in lattice.fields}
    found = enumeration.moments(whole, PROBES | bonds | ends, pairs=True)

    def number(ratio):
        return float(ratio.at(beta, h=sp.nsimplify(h), n=15).mid())

    energy = -sum(c * number(found.mean(f"bond {i} {j}")) for i, j, c in lattice.bonds)
    energy -= h * sum(f * number(found.mean(f"site {site}")) for site, f in lattice.fields.items())
    square = found.region_covariance("all", "all") + found.magnetisation("all") * found.magnetisation("all")
    names = tuple(lattice.regions)
    return {
        "response": np.array([[number(found.covariance(p, r)) for r in names] for p in PROBES]),
        "regions": np.array([[number(found.region_covariance(r, s)) for s in names] for r in names]),
        "energy": energy,
        "square": number(square),
        **{p: number(found.mean(p)) for p in PROBES},
        **{r: number(found.magnetisation(r)) for r in names},
    }


def scores(run: ising.Run, expected: dict) -> np.ndarray:
    return np.concatenate([np.ravel(estimate.z(expected[name])) for name, estimate in everything(run).items()])


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("name", LATTICES)
def test_every_chain_meets_the_sums_over_states(name, kernel, limit):
    lattice, beta = LATTICES[name], sp.Rational(2, 5)
    run = ising.run(jax.random.key(1), ising.model(lattice, PROBES, h=1.0), 0.4, kernel=kernel, **SETTINGS)
    z = scores(run, exactly(lattice, beta))
    assert np.abs(z).max() < limit(z.size)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_the_ends_of_the_temperature(kernel, beta, limit):
    """β = 0, where a checkerboard that always accepts would alternate for ever; β = 1, where two phases share the weight."""
    lattice = LATTICES["torus"]
    run = ising.run(jax.random.key(2), ising.model(lattice, PROBES), beta, kernel=kernel, **SETTINGS)
    z = scores(run, exactly(lattice, sp.nsimplify(beta)))
    assert np.abs(z).max() < limit(z.size)


@pytest.mark.parametrize("kernel", [ising.metropolis(), ising.heat_bath()], ids=lambda k: k.name)
def test_a_ring_of_four_is_ergodic(kernel, limit):
    """⟨s_0 s_1⟩ = (t + t³)/(1 + t⁴); with q = 1 the states ++−− would turn into each other and nothing else."""
    t = np.tanh(0.3)
    ring = Lattice(1, 4, periodic=(False, True))
    model = ising.model(ring, {"bond": [(0, 0), (0, 1)], "across": [(0, 0), (0, 2)]})
    run = ising.run(jax.random.key(3), model, 0.3, kernel=kernel, chains=64, draws=2000, burn_in=50)
    assert abs(run.mean("bond").z((t + t**3) / (1 + t**4))) < limit()
    assert abs(run.mean("across").z(2 * t**2 / (1 + t**4))) < limit()


@pytest.mark.parametrize("kernel", [ising.metropolis(), ising.swendsen_wang()], ids=lambda k: k.name)
def test_real_couplings(kernel, limit):
    """Couplings that are no integers, on an odd torus (three colours): 3 × 3 states summed here, one by one."""
    rng = np.random.default_rng(0)
    down, right, field = rng.normal(size=(3, 3, 3))
    lattice = Lattice(3, 3, periodic=(True, True), regions={"R": [(0, 0), (1, 1), (2, 0)]})
    own = ising.Couplings.of(np.ones((3, 3)), down, right, field)
    states = 1 - 2 * ((np.arange(512)[:, None] >> np.arange(9)) & 1).reshape(512, 3, 3)
    energy = -(
        (down * states * np.roll(states, -1, 1)) + (right * states * np.roll(states, -1, 2)) + field * states
    ).sum((1, 2))
    weight = np.exp(-0.5 * energy)
    weight /= weight.sum()
    m = states[:, [0, 1, 2], [0, 1, 0]].sum(1)
    s = states[:, 1, 2]
    covariance = weight @ (s * m) - (weight @ s) * (weight @ m)
    model = ising.model(lattice, {"p": (1, 2)}, replaced=own)
    run = ising.run(jax.random.key(4), model, 0.5, kernel=kernel, chains=16, draws=4000, burn_in=100)
    assert abs(run.covariance("p", "R").z(covariance)) < limit()
    assert abs(run.energy().z(weight @ energy)) < limit()
    assert abs(run.fluctuation("R", "H").z(-0.5 * (weight @ (m * energy) - (weight @ m) * (weight @ energy)))) < limit()


@pytest.mark.parametrize("kernel", [ising.metropolis(), ising.swendsen_wang()], ids=lambda k: k.name)
def test_kaufman_onsager_and_yang(kernel, limit):
    """32 × 32 against closed forms, no lattice swept: Kaufman's energy below, near and above β_c; far from it Onsager's energy and
    Yang's magnetisation (1 − sinh⁻⁴ 2β)^(1/8) of the infinite lattice (C. N. Yang, 1952), reached to 10⁻⁴ of their errors."""
    model, n = ising.model(Lattice(32, 32, periodic=(True, True))), 1024
    draws = (
        4000 if kernel.name == "metropolis" else 800
    )  # at β = 0.44 a sweep of clusters is worth some ten of the other
    settings = {"kernel": kernel, "chains": 8, "draws": draws, "burn_in": 500, "start": "up"}
    energies = {}
    for number, beta in enumerate(("3/10", "44/100", "1/2")):
        exact = n * float(onsager.torus_energy(32, 32, sp.Rational(beta)).mid())
        run = ising.run(jax.random.key(number), model, float(sp.Rational(beta)), **settings)
        energies[beta] = run.energy()
        assert abs(run.energy().z(exact)) < limit(5)
        assert run.energy().sem < 0.004 * abs(exact)
    assert abs(energies["3/10"].z(n * float(onsager.energy(sp.Rational(3, 10)).mid()))) < limit(5)
    order = run.magnetisation(absolute=True)
    assert abs(order.z(n * (1 - np.sinh(1.0) ** -4) ** (1 / 8))) < limit(5)
    assert order.sem < 2e-3 * order.mean


def test_the_divided_lattice_of_section_25(limit):
    """12 × 12 with wall and gap: a covariance of 0.02 met to a few per cent by clusters, and not told from 0 by Metropolis."""
    lattice, beta = wall_with_gap(12, 12), sp.Rational(1, 4)
    with digits(20):
        found = subgraphs.at(lattice, beta, {"p": (6, 3)})
        left, right = (float(found.covariance("p", r).mid()) for r in ("left", "right"))
    model = ising.model(lattice, {"p": (6, 3)})
    settings = {"chains": 16, "draws": 2000, "burn_in": 100}
    run = ising.run(jax.random.key(7), model, 0.25, **settings)
    assert np.abs(run.response().z([[left, right]])).max() < limit(3)
    assert abs(run.ratio("p", "left", "right").z(left / right)) < limit(3)
    assert run.covariance("p", "right").sem < right / 8
    plain = ising.run(jax.random.key(7), model, 0.25, kernel=ising.metropolis(), **settings)
    assert np.abs(plain.response().z([[left, right]])).max() < limit(2)
    with pytest.raises(BadInput, match="not told from 0"):
        plain.ratio("p", "left", "right")


def test_a_field_moves_the_magnetisation_by_the_susceptibility(limit):
    """Eq 4, measured: ⟨M_R⟩ at h = ±0.1 on the probe, against exact means, and the fluctuation against the exact slope."""
    lattice, site, beta = LATTICES["walls and gaps"], (0, 0), sp.Rational(2, 5)
    exact = enumeration.moments(driven(lattice, [site]))
    for h in (sp.Rational(-1, 10), sp.Rational(1, 10)):
        model = ising.model(driven(lattice, [site]), PROBES, h=float(h))
        run = ising.run(jax.random.key(8), model, 0.4, **SETTINGS)
        assert abs(run.mean("R").z(float(exact.magnetisation("R").at(beta, h=h).mid()))) < limit(3)
    quiet = ising.run(jax.random.key(9), ising.model(lattice, PROBES), 0.4, **SETTINGS)
    slope = 0.4 * float(enumeration.moments(lattice, {"p": site}).covariance("p", "R").at(beta).mid())
    measured = quiet.susceptibility()
    assert measured.dims == ("probe", "region")
    assert abs(measured.map(lambda m: m[0, 0]).z(slope)) < limit(3)


def broken_metropolis(x):
    return single_spins.PROPOSED * jnp.exp(-jnp.maximum(x / 2, 0.0))  # e^{−βΔE/2}: the factor 2 of ΔE forgotten


def threshold(x):
    return jnp.where(x <= 0, 1.0, 0.5 * jnp.exp(-x))  # a(x)/a(−x) = e^{−x}/2


BROKEN = {
    "half the energy": Kernel("broken", partial(single_spins.sweep, rule=broken_metropolis)),
    "no detailed balance": Kernel("broken", partial(single_spins.sweep, rule=threshold)),
    "bonds 1 − e^{−β}": Kernel("broken", partial(clusters.sweep, probability=lambda k: -jnp.expm1(-jnp.maximum(k, 0)))),
    "bonds for enemies": Kernel("broken", partial(clusters.sweep, probability=lambda k: -jnp.expm1(-2 * jnp.abs(k)))),
}


@pytest.mark.parametrize("kernel", BROKEN.values(), ids=BROKEN)
def test_a_broken_sampler_is_found_out(kernel, limit):
    lattice = LATTICES["frustrated"]
    run = ising.run(jax.random.key(1), ising.model(lattice, PROBES), 0.4, kernel=kernel, **SETTINGS)
    z = scores(run, exactly(lattice, sp.Rational(2, 5)))
    assert np.abs(z).max() > 3 * limit(z.size)


def test_the_same_key_gives_the_same_bits_and_another_beta_compiles_nothing():
    model = ising.model(LATTICES["torus"], PROBES)
    one, again = (ising.run(jax.random.key(1), model, 0.4, **SETTINGS) for _ in range(2))
    for name, trace in one.traces.items():
        np.testing.assert_array_equal(trace, again.traces[name])
    compiled = chains._run._cache_size()
    ising.run(jax.random.key(2), ising.model(LATTICES["frustrated"], PROBES), 0.1, **SETTINGS)
    assert chains._run._cache_size() == compiled


def test_a_run_goes_on_from_its_last_states():
    model = ising.model(LATTICES["torus"], PROBES)
    first = ising.run(jax.random.key(1), model, 0.4, chains=16, draws=4000, burn_in=0)
    second = ising.run(
        jax.random.key(1), model, 50.0, chains=16, draws=4000, burn_in=0, start=first.spins, kernel=ising.metropolis()
    )
    assert set(np.unique(second.spins)) <= {-1, 1}
    assert second.energy().mean < first.energy().mean


def test_refusals():
    model = ising.model(LATTICES["torus"], PROBES)
    for wrong, message in (
        ({"beta": -1.0}, "β must be"),
        ({"draws": 3}, "four draws"),
        ({"thin": 0}, "one sweep"),
        ({"start": "down"}, "'random', 'up'"),
        ({"start": np.zeros((2, 4, 4))}, "starting states"),
        ({"draws": 2**28, "sites": True}, "32 bits"),
    ):
        settings = {"beta": 0.4, "chains": 2, "draws": 4, "burn_in": 0} | wrong
        with pytest.raises(BadInput, match=message):
            ising.run(jax.random.key(0), model, **settings)

"""Eqs 1, 3 and 4 as identities between polynomials: formal derivatives on one side, sums of products on the other."""

import dataclasses
import math

import pytest
import sympy as sp
from flint import fmpq
from hypothesis import given, settings

from numerics.ising import Lattice, Laurent, enumeration, transfer, wall_with_gap
from numerics.ising.lattice import region_of
from numerics.ising.response import absolute_magnetisation, coupling_response, driven, energy, field_response, trend
from numerics.precision import digits
from tests.numerics.ising.strategies import lattices, probed
from theory.errors import BadInput


@settings(max_examples=20, deadline=None)
@given(lattices(spins=12))
def test_a_field_moves_the_magnetisation_by_the_covariance(lattice):
    """Eqs 3 and 4 for any fields, at any field strength: y∂_y⟨M_R⟩ = Σ_i f_i Cov(s_i, M_R), an identity in x and y."""
    found = transfer.moments(lattice, {str(site): site for site in lattice.fields})
    left = field_response(found.magnetisation("R"))
    right = found.magnetisation("R") * found.magnetisation("R") * 0  # with denominator Z², as the terms have
    for site, f in lattice.fields.items():
        right = right + found.covariance(str(site), "R") * f
    assert left == right


@settings(max_examples=20, deadline=None)
@given(probed(spins=12, field=(0, 0)))
def test_equation_4_at_zero_field(case):
    """d⟨M_R⟩/dh = +β Cov(M_R, s_p) for H − h s_p at h = 0, the covariance taken on the lattice that never had the field."""
    lattice, probes = case
    response = field_response(transfer.moments(driven(lattice, [probes["p"]])).magnetisation("R")).without_field()
    covariance = enumeration.moments(lattice, probes).covariance("p", "R")
    assert response == covariance
    assert (response == -covariance) == covariance.numerator.is_zero()


@settings(max_examples=12, deadline=None)
@given(probed(spins=10))
def test_equation_3_for_the_bonds(case):
    """A = −Σ c_ij s_i s_j: x∂_x⟨s_q⟩ = Σ c_ij (⟨s_q s_i s_j⟩ − ⟨s_q⟩⟨s_i s_j⟩), products of spins by s² = 1."""
    lattice, probes = case
    site = lattice.index
    query = frozenset(site[s] for s in probes["q"])
    products: dict[str, frozenset[int]] = {"q": query}
    for i, j, _ in lattice.bonds:
        products |= {f"{i},{j}": frozenset({i, j}), f"q,{i},{j}": query ^ {i, j}}
    named = {name: [lattice.sites[k] for k in places] for name, places in products.items() if places}
    found = transfer.moments(lattice, named, regions=[])

    one = found.partition / found.partition

    def mean(name):
        return found.mean(name) if name in named else one

    right = (mean("q") * mean("q")) * 0  # with denominator Z², as the terms have
    for i, j, c in lattice.bonds:
        right = right + (mean(f"q,{i},{j}") * one - mean("q") * mean(f"{i},{j}")) * c
    assert coupling_response(mean("q")) == right


@settings(max_examples=20, deadline=None)
@given(lattices(spins=12))
def test_equation_1(lattice):
    """−∂_β log Z = ⟨H⟩: the bonds' and the fields' part, each against a sum of averages."""
    bonds = {f"{i},{j}": [lattice.sites[i], lattice.sites[j]] for i, j, _ in lattice.bonds}
    found = transfer.moments(lattice, bonds | {str(site): site for site in lattice.fields}, regions=[])
    by_bonds = by_fields = (found.partition / found.partition) * 0
    for i, j, c in lattice.bonds:
        by_bonds = by_bonds - found.mean(f"{i},{j}") * c
    for site, f in lattice.fields.items():
        by_fields = by_fields - found.mean(str(site)) * f
    assert energy(found) == (by_bonds, by_fields)


def test_the_average_energy_is_the_average_over_the_density_of_states():
    lattice = Lattice(3, 4, mask=[(1, 1)], fields={(0, 0): 1}, couplings={((0, 0), (0, 1)): 3})
    counts, x, y = enumeration.density_of_states(lattice), fmpq(4, 3), fmpq(5, 4)
    weights = {levels: n * x ** levels[0] * y ** levels[1] for levels, n in counts.items()}
    bond_energy, field_energy = energy(transfer.moments(lattice, regions=[]))
    total = sum(weights.values(), fmpq(0))
    assert bond_energy.exact(x, y) == -sum((w * a for (a, _), w in weights.items()), fmpq(0)) / total
    assert field_energy.exact(x, y) == -sum((w * b for (_, b), w in weights.items()), fmpq(0)) / total


def test_the_response_in_numbers():
    """β Cov against ⟨M_R⟩ itself at small fields ±h: the odd part of a true function, to second order in h."""
    lattice, beta, h = wall_with_gap(4, 6), sp.Rational(2, 5), sp.Rational(1, 10**12)
    with digits(40):
        covariance = transfer.at(lattice, beta, {"p": (2, 1)}).covariance("p", "left")
        moved = transfer.at(driven(lattice, [(2, 1)]), beta, h=h).magnetisation("left")
        assert abs(moved * 10**12 - covariance * 2 / 5) < 1e-22
        assert abs(moved * 10**12 - covariance) > 1e-2  # without the factor β


def test_driving_a_driven_lattice_is_refused():
    with pytest.raises(BadInput, match="has fields already"):
        driven(Lattice(2, 2, fields={(0, 0): 1}), [(1, 1)])


def test_trends_of_known_functions():
    """⟨s_0 s_1⟩ = tanh β rises; its inverse falls; the variance of one spin in a field of its own is no function of β."""
    pair = transfer.moments(Lattice(1, 2), {"pp": [(0, 0), (0, 1)]})
    mean = pair.mean("pp")
    assert trend(mean) == 1
    assert trend(-mean) == -1
    assert trend(mean / mean) == 0
    hump = mean * (pair.partition / pair.partition - mean)  # t(1−t), greatest at t = 1/2
    assert trend(hump) == 0
    shifted = mean - Laurent.of({(0, 0): 1}) / Laurent.of({(0, 0): 2})
    with pytest.raises(BadInput, match="pole at some β"):
        trend(mean / shifted)


@pytest.mark.parametrize("size", [(3, 3), (3, 4), (4, 4), (4, 5)], ids=str)
def test_order_grows_with_beta(size):
    """Fig 1 on tori: ⟨|M|⟩ rises strictly on β > 0 (Descartes), from the mean of |2k − n| over coin tosses to n."""
    lattice = Lattice(*size, periodic=(True, True))
    n, order = len(lattice.sites), absolute_magnetisation(lattice)
    assert trend(order) == 1
    assert order.exact(1) == sum((fmpq(abs(2 * k - n) * math.comb(n, k), 2**n) for k in range(n + 1)), fmpq(0))
    assert n - order.at(10) < 1e-20
    assert order.at(10) < n


def test_a_field_breaks_the_symmetry_of_the_ground_states():
    """With a field on one side of the wall the far magnetisation is positive at every β > 0, and grows with β."""
    lattice = driven(wall_with_gap(4, 6), [(2, 1)])
    strong = dataclasses.replace(lattice, fields={(2, 1): 3})
    beta = sp.Rational(2, 5)
    weak, more = (transfer.moments(case).magnetisation("right").at(beta, h=1) for case in (lattice, strong))
    assert 0 < weak < more
    assert more < len(region_of(lattice, "right"))

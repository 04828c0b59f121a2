"""Enumeration, transfer and subgraphs agree with one another, with plain sums and with published counts."""

import dataclasses

import numpy as np
import pytest
import sympy as sp
from flint import arb, fmpq, fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.ising import Lattice, divided_room, enumeration, subgraphs, transfer, wall_with_gap
from numerics.ising.schedule import best, plan
from numerics.precision import agreeing_digits, digits
from tests.numerics.ising.strategies import lattices, plain_sums, probed
from theory.errors import BadInput


def torus(rows: int, columns: int) -> Lattice:
    return Lattice(rows, columns, periodic=(True, True))


@settings(max_examples=25, deadline=None)
@given(probed(spins=8))
def test_enumeration_is_the_plain_sum(case):
    lattice, probes = case
    found = enumeration.moments(lattice, probes, pairs=True)
    x, y = fmpq(5, 3), fmpq(7, 4)
    assert {key: sum_.exact(x, y) for key, sum_ in found.sums.items()} == plain_sums(lattice, probes, x, y)


@settings(max_examples=60, deadline=None)
@given(probed(spins=16))
def test_transfer_is_enumeration(case):
    lattice, probes = case
    assert transfer.moments(lattice, probes, pairs=True).sums == enumeration.moments(lattice, probes, pairs=True).sums


@settings(max_examples=25, deadline=None)
@given(probed(spins=16), st.fractions("1/20", 2, max_denominator=20))
def test_balls_hold_the_exact_function(case, beta):
    lattice, probes = case
    exact = enumeration.moments(lattice, probes)
    with digits(30):
        balls = transfer.at(lattice, beta, probes, J=sp.Rational(4, 5), h=sp.Rational(1, 3))
        for probe in probes:
            for region in lattice.regions:
                value = exact.covariance(probe, region).at(beta, sp.Rational(4, 5), sp.Rational(1, 3), n=30)
                assert balls.covariance(probe, region).overlaps(value)
                assert balls.covariance(probe, region).rad() < 1e-24


@settings(max_examples=25, deadline=None)
@given(probed(spins=16, coupling=(0, 2), field=(0, 2)), st.fractions("1/20", 1, max_denominator=20), st.booleans())
def test_proved_doubles_hold_the_exact_sums(case, beta, extended):
    """Twelve digits at least, and the true value inside: the rounding bound is tight enough to be of use and true."""
    lattice, probes = case
    found = subgraphs.at(lattice, beta, probes, h=sp.Rational(1, 3), pairs=True, extended=extended)
    with digits(30):
        for key, exact in transfer.at(lattice, beta, probes, h=sp.Rational(1, 3), pairs=True).sums.items():
            assert found.sums[key].overlaps(exact)
            assert exact.contains(0) or agreeing_digits(found.sums[key], exact) >= 12


@settings(max_examples=25, deadline=None)
@given(probed(spins=12, coupling=(-1, 1), field=(0, 0)))
def test_the_high_temperature_expansion_is_the_sum_over_states(case):
    """Σ_k g_k t^k · 2^n cosh^B = Z: with t = (u−1)/(u+1), 4u cosh² = (u+1)², the polynomials in u must agree."""
    lattice, probes = case
    by_state, by_subgraph = transfer.moments(lattice, probes), subgraphs.polynomials(lattice, probes)
    bonds, spins = len(lattice.bonds), len(lattice.sites)
    for key, graphs in by_subgraph.sums.items():
        expanded = sum(
            (
                int(g) * fmpq_poly([-1, 1]) ** k * fmpq_poly([1, 1]) ** (bonds - k)
                for k, g in enumerate(graphs.coeffs())
            ),
            fmpq_poly(0),
        )
        states = fmpq_poly([by_state.sums[key].terms().get((2 * e - bonds, 0), 0) for e in range(bonds + 1)])
        assert expanded * fmpq(2) ** spins == states * fmpq(2) ** bonds


@settings(max_examples=15, deadline=None)
@given(lattices(spins=14))
def test_every_order_of_visits_gives_the_same_sum(lattice):
    """Reading the lattice transposed or upside down changes the schedule, not the density of states."""

    def moved(site):
        return (lattice.columns - 1 - site[1], site[0])

    turned = Lattice(
        lattice.columns,
        lattice.rows,
        map(moved, lattice.mask),
        lattice.periodic[::-1],
        couplings={(moved(a), moved(b)): c for (a, b), c in lattice.couplings.items()},
        fields={moved(site): f for site, f in lattice.fields.items()},
    )
    assert transfer.moments(turned).partition == transfer.moments(lattice, regions=[]).partition


@settings(max_examples=20, deadline=None)
@given(probed(spins=12, field=(0, 0)))
def test_odd_averages_vanish_without_field(case):
    lattice, probes = case
    found = transfer.moments(lattice, probes)
    assert found.sums[None, "R"].is_zero()
    assert found.sums["p", None].is_zero()
    assert found.sums["q", None].is_zero() or len(list(probes["q"])) % 2 == 0


@settings(max_examples=20, deadline=None)
@given(lattices(spins=12))
def test_turning_the_field_is_turning_the_spins(lattice):
    """Z(x, y) = Z(x, 1/y) and Z_R(x, y) = −Z_R(x, 1/y)."""
    up = transfer.moments(lattice).sums
    down = transfer.moments(dataclasses.replace(lattice, fields={s: -f for s, f in lattice.fields.items()})).sums
    assert up[None, None] == down[None, None]
    assert up[None, "R"] == -down[None, "R"]


def test_the_density_of_states_counts_every_state():
    lattice = Lattice(3, 4, fields={(0, 0): 2}, couplings={((0, 0), (0, 1)): -1})
    counts = enumeration.density_of_states(lattice)
    assert sum(counts.values()) == 2**12
    assert max(counts) == (lattice.bond_degree - 2, 2)  # the one frustrated plaquette leaves one bond unsatisfied


def test_the_covariance_of_two_regions_is_bilinear():
    """Cov(M_R, M_R′) = Σ_{i∈R} Cov(s_i, M_R′), in either order of the names, with a field that makes the means matter."""
    lattice = dataclasses.replace(wall_with_gap(4, 5), fields={(1, 1): 2, (3, 4): -1})
    left = {str(site): site for site in lattice.regions["left"]}  # pyright: ignore[reportGeneralTypeIssues]
    with digits(30):
        found = transfer.at(lattice, sp.Rational(2, 5), left, h=sp.Rational(1, 7), pairs=True)
        for region in ("left", "right"):
            total = sum((found.covariance(site, region) for site in left), arb(0))
            assert total.overlaps(found.region_covariance("left", region))
            assert total.overlaps(found.region_covariance(region, "left"))
            assert total.rad() < 1e-25


def test_at_infinite_temperature_spins_are_independent():
    lattice = wall_with_gap(4, 6)
    found = transfer.moments(lattice, {"p": (2, 1)})
    assert found.covariance("p", "left").exact(1) == 1
    assert found.covariance("p", "right").exact(1) == 0
    assert found.partition.exact(1) == 2 ** len(lattice.sites)


def test_a_chain_has_the_textbook_correlations():
    """Open chain: ⟨s_0 s_k⟩ = tanh(βJ)^k; ring of n: (t^k + t^(n−k)) / (1 + t^n). t = (u−1)/(u+1)."""
    x, t = fmpq(3, 2), fmpq(5, 13)
    chain = transfer.moments(Lattice(1, 7), {"far": [(0, 0), (0, 6)], "near": [(0, 2), (0, 5)]})
    assert chain.mean("far").exact(x) == t**6
    assert chain.mean("near").exact(x) == t**3
    ring = transfer.moments(Lattice(1, 7, periodic=(False, True)), {"near": [(0, 1), (0, 4)]})
    assert ring.mean("near").exact(x) == (t**3 + t**4) / (1 + t**7)


# The number of states of energy 0 on n × k tori: OEIS A364781 (Kauers; Markström and Häggkvist et al., Phys. Rev. E 69, 046104).
ZERO_ENERGY = {(4, 3): 1346, (4, 4): 20524, (5, 4): 272682, (6, 4): 3961300, (6, 5): 226137622, (6, 6): 13172279424}


@pytest.mark.parametrize("size", ZERO_ENERGY, ids=str)
def test_published_numbers_of_states_of_energy_zero(size):
    assert transfer.moments(torus(*size)).partition.terms()[0, 0] == ZERO_ENERGY[size]


def test_the_first_published_levels_of_a_torus():
    """g = 2, 0, 2N, 4N, N² + 9N, 4N² + 24N for N sites, both sides above 5 (P. D. Beale, Phys. Rev. Lett. 76, 78)."""
    n, levels = 6 * 7, transfer.moments(torus(6, 7)).partition.terms()
    assert [levels.get((2 * n - 4 * k, 0), 0) for k in range(6)] == [
        2,
        0,
        2 * n,
        4 * n,
        n**2 + 9 * n,
        4 * n**2 + 24 * n,
    ]


def test_enumeration_of_25_spins():
    square = Lattice(5, 5, periodic=(True, True), regions={"row": [(0, c) for c in range(5)]})
    found = enumeration.moments(square, {"p": (2, 2)})
    assert sum(found.partition.terms().values()) == 2**25
    assert found.sums == transfer.moments(square, {"p": (2, 2)}).sums


def test_the_chinese_remainders_are_put_together():
    """108 spins: coefficients far beyond 64 bits, and a sum rule that knows them all."""
    room = divided_room(12)
    found = transfer.moments(room, {"p": (3, 3)})
    assert found.partition.exact(1) == 2 ** len(room.sites)
    assert max(abs(n) for n in found.sums["p", "A"].terms().values()) > 2**64
    with digits(25):
        assert (
            found.covariance("p", "C")
            .at(sp.Rational(2, 5), n=25)
            .overlaps(transfer.at(room, sp.Rational(2, 5), {"p": (3, 3)}).covariance("p", "C"))
        )


@pytest.mark.parametrize("rows", [6, 7, 8], ids=lambda rows: f"{rows * 10} spins")
def test_the_modulus_is_large_enough(rows):
    """60, 70 and 80 spins: below, at and beyond one word; Σ N = 2^n, and Σ N over M_R s_p = 0 but for p ∈ R."""
    strip = Lattice(rows, 10, regions={"all": [(r, c) for r in range(rows) for c in range(10)]})
    found = transfer.moments(strip, {"p": (2, 3)})
    assert found.partition.exact(1) == 2 ** (rows * 10) == found.sums["p", "all"].exact(1)


def test_a_truncated_expansion_is_the_beginning_of_the_whole():
    lattice = wall_with_gap(4, 6)
    whole, part = (subgraphs.polynomials(lattice, {"p": (2, 1)}, degree=d) for d in (None, 9))
    assert all(part.sums[key].coeffs() == whole.sums[key].truncate(10).coeffs() for key in whole.sums)


def test_tiny_covariances_keep_their_digits():
    """At β = 1/50 the far covariance is 10⁻¹⁵ of the near one; positive terms lose nothing."""
    lattice = Lattice(4, 12, regions={"far": [(0, 11)]})
    found = subgraphs.at(lattice, sp.Rational(1, 50), {"p": (3, 0)})
    with digits(40):
        exact = transfer.at(lattice, sp.Rational(1, 50), {"p": (3, 0)}).covariance("p", "far")
        assert exact < 1e-20
        assert agreeing_digits(found.covariance("p", "far"), exact) >= 12


def test_walls_make_sweeps_cheap():
    """A periodic lattice with a wall opens at the wall: 21 sites open for 20 × 20, against 40 without it."""
    assert best(wall_with_gap()).peak == 21
    assert best(divided_room()).peak == 18
    assert best(torus(20, 20)).peak == 40
    lattice = wall_with_gap(6, 8)
    assert best(lattice).cost <= plan(lattice, tuple(range(len(lattice.sites)))).cost


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: enumeration.moments(torus(5, 6)), "n = 30"),
        (lambda: enumeration.moments(Lattice(2, 13, couplings={((0, 0), (0, 1)): 10**8})), "n ≤ 25; this"),
        (lambda: enumeration.moments(Lattice(2, 2, couplings={((0, 0), (0, 1)): 10**8})), "histogram"),
        (lambda: transfer.at(torus(12, 12), sp.Rational(1, 3)), "keeps 24 sites open"),
        (lambda: transfer.moments(torus(12, 12)), "keeps 24 sites open"),
        (lambda: subgraphs.at(torus(20, 20), sp.Rational(1, 3)), "keeps 40 sites open"),
        (lambda: subgraphs.polynomials(torus(12, 12)), "keeps 24 sites open"),
        (lambda: subgraphs.at(torus(3, 3), sp.Rational(-1, 3)), "use `transfer.at`"),
        (lambda: subgraphs.at(Lattice(4, 200), 5), "range of doubles"),
        (lambda: subgraphs.polynomials(Lattice(2, 2, fields={(0, 0): 1})), "no fields"),
        (lambda: transfer.moments(wall_with_gap(4, 6), {"p": (0, 3)}), "is masked"),
        (lambda: transfer.moments(wall_with_gap(4, 6), regions=["up"]), "no region 'up'"),
        (lambda: transfer.moments(wall_with_gap(4, 6)).covariance("p", "left"), "no sum was taken"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(call, words):
    with pytest.raises(BadInput, match=words):
        call()


def test_the_partition_function_itself_has_its_prefactor():
    """Two spins: Z = 2x + 2/x; balls and doubles bring the factor e^{−βJ} back."""
    beta = sp.Rational(3, 7)
    with digits(20):
        expected = 4 * arb(fmpq(3, 7)).cosh()
        assert transfer.at(Lattice(1, 2), beta).partition.overlaps(expected)
        assert subgraphs.at(Lattice(1, 2), beta).partition.overlaps(expected)
        assert transfer.moments(Lattice(1, 2)).partition.at(beta, n=20).overlaps(expected)


def test_a_plan_cannot_be_changed_afterwards():
    found = best(torus(3, 3))
    for value in (found, found.visits[0]):
        for field in dataclasses.fields(value):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(value, field.name, None)


def test_doubles_are_the_format_unless_more_is_asked_for():
    """The radius is a multiple of the unit roundoff: 2⁻⁵³, or 2⁻⁶⁴ where the machine has the format of 80 bits."""
    plain, doubles, extended = (
        subgraphs.at(torus(3, 3), sp.Rational(1, 3), **options).partition.rel_accuracy_bits()  # pyright: ignore[reportArgumentType]
        for options in ({}, {"extended": False}, {"extended": True})
    )
    more = -int(np.log2(np.finfo(np.longdouble).eps)) - 52 if subgraphs._format(True) is np.longdouble else 0
    assert plain == doubles <= 53 and abs(extended - doubles - more) <= 1


def test_roundings_are_counted_upwards() -> None:
    """(1 − u)^{−D} − 1 with D = 2 bonds + 3 sites + 2 fields where tanh is exact: above Du by no more than D²u²."""
    lattice = Lattice(3, 3, fields={(0, 0): 1, (1, 2): 2})
    one = (np.float64(0.5), arb(0))
    tables = {"bond": {1: one}, "field": {1: one, 2: one}}
    roundings, u = 2 * 12 + 3 * 9 + 2 * 2, arb(2) ** -53
    with digits(40):
        found = subgraphs._relative(lattice, best(lattice), tables, np.float64)
        assert roundings * u < found < roundings * u + (roundings * u) ** 2
        tables["bond"][1] = (np.float64(0.5), arb("1e-10"))
        rough = subgraphs._relative(lattice, best(lattice), tables, np.float64)
        assert abs(rough - found - 12 * arb("1e-10")) < arb("1e-17")


def test_a_sweep_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three spins in a row, one open at a time: 2 + 2 + 2 steps; and 2 entries of Σ|c| + 1 = 3 by Σ|f| + 1 = 5 coefficients
    for each of 2 · 3 vectors, with no probe or one, and no region or one of two.
    """
    lattice = Lattice(1, 3, fields={(0, 0): 3, (0, 2): -1}, regions={"left": [(0, 0)], "right": [(0, 1), (0, 2)]})
    for name, size, call in (
        ("BALLS", 6, lambda: transfer.at(lattice, 1)),
        ("ENTRIES", 2 * 3 * 5 * 2 * 3, lambda: transfer.moments(lattice, {"p": (0, 1)})),
        ("ENTRIES", 2 * 3 * 5, lambda: transfer.moments(lattice, regions=[])),
    ):  # fmt: skip
        monkeypatch.setattr(transfer, name, size)
        call()
        monkeypatch.setattr(transfer, name, size - 1)
        with pytest.raises(BadInput, match="keeps 1 sites open"):
            call()

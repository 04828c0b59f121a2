"""The finding of §2.5: the left/right ratio of a probe's covariances falls strictly at every β > 0; there is no peak between."""

from fractions import Fraction

import pytest
import sympy as sp

from numerics.ising import Lattice, divided_room, onsager, subgraphs, transfer, wall_with_gap, walls
from numerics.ising.response import trend
from numerics.precision import agreeing_digits, digits
from theory.errors import BadInput

SIZES = [(4, 6), (6, 6), (6, 8), (8, 8)]


def left_half(lattice: Lattice) -> list[tuple[int, int]]:
    """The sites of the left half, one of every mirror pair about the row of the gap."""
    return sorted(site for site in lattice.regions["left"] if site[0] <= lattice.rows // 2)


@pytest.mark.parametrize("lines", SIZES, ids=str)
@pytest.mark.parametrize(
    "change", [lambda w: w, walls.without_gap, walls.without_seam], ids=["torus", "no gap", "no seam"]
)
def test_the_ratio_falls_strictly_from_every_probe(lines, change):
    """By Descartes' rule on the numerator of the derivative: a proof for all β > 0, one lattice and probe at a time."""
    lattice = change(wall_with_gap(*lines))
    found = walls.ratios(lattice, left_half(lattice))
    assert {trend(ratio) for ratio in found.values()} == {-1}


@pytest.mark.slow
@pytest.mark.parametrize("lines", [(8, 10), (10, 10), (10, 12)], ids=str)
def test_the_ratio_falls_strictly_on_larger_lattices(lines):
    lattice = wall_with_gap(*lines)
    probes = [(lines[0] // 2, lines[1] // 4), (0, 0), (lines[0] // 2, lines[1] // 2 - 1)]
    assert {trend(ratio) for ratio in walls.ratios(lattice, probes).values()} == {-1}


@pytest.mark.parametrize("lines", SIZES, ids=str)
def test_the_ends_of_the_curve(lines):
    """ρ → ∞ as 1/(c t^d) for β → 0, and |left|/|right| for β → ∞: read off the polynomials' first and last coefficients."""
    lattice = wall_with_gap(*lines)
    for probe in left_half(lattice):
        distance, paths = walls.shortest(lattice, probe, "right")
        graphs = subgraphs.polynomials(lattice, {"p": probe}, degree=distance)
        assert graphs.sums["p", "right"].coeffs() == [0] * distance + [paths]
        assert graphs.sums["p", "left"][0] == 1
    exact = walls.ratio(lattice, (0, 0))
    top, bottom = exact.numerator.in_u(), exact.denominator.in_u()
    assert max(exact.numerator.terms()) == max(exact.denominator.terms())
    assert Fraction(int(top.leading_coefficient()), int(bottom.leading_coefficient())) == walls.ground_ratio(lattice)


def test_the_curve_in_numbers_by_two_roads():
    """ρ at (4, 2) on the 8 × 8 lattice: the exact function against the proved doubles, which sweep subgraphs instead."""
    lattice, probe = wall_with_gap(8, 8), (4, 2)
    exact, before = walls.ratio(lattice, probe), None
    with digits(20):
        for beta in (sp.Rational(k, 20) for k in range(1, 21)):
            value, other = exact.at(beta, n=20), subgraphs.at(lattice, beta, {"p": probe})
            found = other.covariance("p", "left") / other.covariance("p", "right")
            assert found.overlaps(value)
            assert agreeing_digits(found, value) >= 11
            assert before is None or value < before
            before = value


def test_a_false_peak_would_be_seen():
    """The trend is no foregone conclusion: ρ² − 20ρ turns where ρ = 10, and `trend` says so."""
    ratio = walls.ratio(wall_with_gap(4, 6), (2, 1))
    assert trend(ratio * ratio - ratio * 20) == 0
    assert trend(-ratio) == 1


def test_the_seam_carries_more_than_the_gap():
    """§2.5 calls the way over the seam long; from the middle of the left half both are 3 bonds long on 8 columns (6 on 20).

    Near β_c the right covariance without the gap is most of the whole; without the seam it is a small part of it.
    """
    torus, probe = wall_with_gap(), (10, 5)
    assert walls.shortest(torus, probe, "right") == (6, 2)
    assert walls.shortest(walls.without_gap(torus), probe, "right") == (6, 1)
    assert walls.shortest(walls.without_seam(torus), probe, "right") == (6, 1)
    lattice, beta = wall_with_gap(12, 12), sp.Rational(33, 100)
    with digits(20):
        whole, seam, gap = (
            subgraphs.at(case, beta, {"p": (6, 3)}).covariance("p", "right")
            for case in (lattice, walls.without_gap(lattice), walls.without_seam(lattice))
        )
        assert seam > whole * 4 / 5
        assert gap < whole / 5


@pytest.mark.slow
def test_the_lattice_of_figure_2_itself():
    """20 × 20, gap row 10, probe (10, 5): ρ passes 25 at β = 33/100, on its way down from 1687 at β = 1/5."""
    lattice, before = wall_with_gap(), None
    with digits(20):
        for beta, low, high in ((20, 1687, 1688), (33, 25, 26), (44, 1, 2)):
            found = subgraphs.at(lattice, sp.Rational(beta, 100), {"p": (10, 5)})
            ratio = found.covariance("p", "left") / found.covariance("p", "right")
            assert low < ratio < high
            assert ratio.rel_accuracy_bits() > 33
            assert before is None or ratio < before
            before = ratio


def test_the_room_of_figure_3_near_the_critical_point():
    """A probe well inside a region couples most to its own; a probe of B beside A couples more to A.

    The statement of §2.6 depends on where the probes stand. The rest holds: upper A sees B ≫ C, lower A the reverse, B and C
    hardly see each other.
    """
    room = divided_room()
    probes = {"A up": (5, 5), "A down": (15, 5), "B": (5, 15), "C": (15, 15), "B at the door": (5, 10)}
    with digits(20):
        found = subgraphs.at(room, sp.Rational(44, 100), probes).response()
    for name in ("A up", "A down", "B", "C"):
        own = name[0]
        assert all(found[name][own] > found[name][other] for other in "ABC" if other != own)
    assert found["B at the door"]["A"] > found["B at the door"]["B"]
    assert found["A up"]["B"] > 2 * found["A up"]["C"]
    assert found["A down"]["C"] > 2 * found["A down"]["B"]
    assert found["B"]["A"] > 5 * found["B"]["C"]
    assert found["C"]["A"] > 5 * found["C"]["B"]


def test_the_small_room_by_two_roads():
    room, probes = divided_room(8), {"A": (2, 2), "B": (2, 5), "C": (5, 5)}
    exact = transfer.moments(room, probes)
    with digits(25):
        near = onsager.critical_beta()
        found = subgraphs.at(room, near, probes)
        for p in probes:
            for r in room.regions:
                assert found.covariance(p, r).overlaps(exact.covariance(p, r).at(near, n=25))


def test_shortest_paths_and_refusals():
    assert walls.shortest(Lattice(3, 3, regions={"corner": [(2, 2)]}), (0, 0), "corner") == (4, 6)
    split = Lattice(1, 5, mask=[(0, 2)], regions={"far": [(0, 4)]})
    with pytest.raises(BadInput, match="no path leads"):
        walls.shortest(split, (0, 0), "far")
    with pytest.raises(BadInput, match="without field"):
        walls.ratio(Lattice(1, 2, fields={(0, 0): 1}, regions={"left": [(0, 0)], "right": [(0, 1)]}), (0, 0))


def test_the_noise_floor_of_plain_sampling():
    """Var(s_p M_R) = ⟨M_R²⟩ − Cov², so n independent samples know Cov(s_p, M_right) to √(that/n) and no better.

    On 12 × 12 with 20,000 samples the covariance is below twice its noise at β ≤ 1/4 and far above it at 2/5: a plain chain,
    whose samples are not even independent, must lose the ratio at small β.
    """
    lattice, probe = wall_with_gap(12, 12), {"p": (6, 3)}
    with digits(20):
        for beta, visible in ((sp.Rational(1, 5), False), (sp.Rational(1, 4), False), (sp.Rational(2, 5), True)):
            found = subgraphs.at(lattice, beta, probe, pairs=True)
            signal = found.covariance("p", "right")
            noise = ((found.region_covariance("right", "right") - signal**2) / 20000).sqrt()
            assert bool(signal > 5 * noise) is visible
            assert visible or bool(signal < 2 * noise)

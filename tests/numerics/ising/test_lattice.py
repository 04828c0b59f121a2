"""Sites, bonds and regions; the lattices of the primer's figures; what is refused."""

import pytest

from numerics.ising import Lattice, divided_room, wall_with_gap
from numerics.ising.lattice import region_of, sites_of
from theory.errors import BadInput


@pytest.mark.parametrize(
    "rows, columns, periodic, bonds",
    [
        (4, 5, (False, False), 31),
        (4, 5, (True, True), 40),
        (4, 5, (True, False), 36),
        (4, 5, (False, True), 35),
        (1, 3, (False, True), 3),
    ],
)
def test_the_number_of_bonds(rows, columns, periodic, bonds):
    assert len(Lattice(rows, columns, periodic=periodic).bonds) == bonds


def test_a_masked_site_takes_its_bonds_along():
    lattice = Lattice(3, 3, mask=[(1, 1)])
    assert len(lattice.sites) == 8
    assert len(lattice.bonds) == 12 - 4
    assert lattice.drawing() == "···\n·#·\n···"


def test_couplings_reach_their_bond_in_either_order_and_zero_cuts_it():
    lattice = Lattice(2, 2, couplings={((0, 1), (0, 0)): -3, ((1, 0), (1, 1)): 0})
    assert lattice.bonds == ((0, 1, -3), (0, 2, 1), (1, 3, 1))
    assert lattice.bond_degree == 5


def test_figure_2():
    lattice = wall_with_gap()
    assert len(lattice.sites) == 400 - 19
    assert {name: len(sites) for name, sites in lattice.regions.items()} == {"left": 200, "right": 180}  # pyright: ignore[reportArgumentType]
    assert [c for r, c in lattice.sites if c == 10] == [10]
    neighbours = {
        lattice.sites[j if i == lattice.index[10, 10] else i]
        for i, j, _ in lattice.bonds
        if lattice.index[10, 10] in (i, j)
    }
    assert neighbours == {(10, 9), (10, 11)}


def test_figure_3():
    lattice = divided_room()
    assert len(lattice.sites) == 18 * 18 - 9
    sizes = {name: len(sites) for name, sites in lattice.regions.items()}  # pyright: ignore[reportArgumentType]
    assert sizes == {"A": 9 * 18, "B": 9 * 9, "C": 9 * 8}
    assert set(lattice.sites) == set().union(*lattice.regions.values())
    B, C = (region_of(lattice, name) for name in "BC")
    assert not any({i, j} <= B | C and not ({i, j} <= B or {i, j} <= C) for i, j, _ in lattice.bonds)


def test_lattices_are_values():
    assert Lattice(3, 3, mask=[(0, 0)]) == Lattice(3, 3, mask={(0, 0)})
    assert hash(Lattice(3, 3, mask=[(0, 0)])) == hash(Lattice(3, 3, mask={(0, 0)}))
    with pytest.raises(AttributeError):
        Lattice(3, 3).rows = 4  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Lattice(0, 3), "free rows needs more than 0"),
        (lambda: Lattice(3, 2, periodic=(False, True)), "periodic columns needs more than 2"),
        (lambda: Lattice(3, 3, mask=[(3, 0)]), r"\(3, 0\) lies outside the 3 × 3"),
        (lambda: Lattice(1, 1, mask=[(0, 0)]), "every site .* masked"),
        (lambda: Lattice(3, 3, mask=[(0, 0)], fields={(0, 0): 1}), r"\(0, 0\) is masked"),
        (lambda: Lattice(3, 3, fields={(0, 0): 0.5}), "integer multiples"),  # pyright: ignore[reportArgumentType]
        (lambda: Lattice(3, 3, couplings={((0, 0), (1, 1)): 2}), "no neighbours"),
        (lambda: Lattice(3, 3, couplings={((0, 0), (0, 2)): 2}), "no neighbours"),
        (lambda: Lattice(3, 3, regions={"a": [(5, 5)]}), "lies outside"),
        (lambda: region_of(wall_with_gap(), "middle"), "no region 'middle'; its regions are: left, right"),
        (lambda: sites_of(wall_with_gap(), (0, 10)), r"\(0, 10\) is masked"),
        (lambda: sites_of(Lattice(3, 3), []), "at least one site"),
        (lambda: sites_of(Lattice(3, 3), "ab"), r"a site is a pair \(row, column\); it was given 'a'"),  # pyright: ignore[reportArgumentType]
        (lambda: sites_of(Lattice(3, 3), None), "it was given None"),  # pyright: ignore[reportArgumentType]
        (lambda: sites_of(Lattice(3, 3), [(0, 1), (1, 1, 1)]), r"it was given \(1, 1, 1\)"),  # pyright: ignore[reportArgumentType]
        (lambda: Lattice(2.5, 3), "whole number of rows and columns; it was given 2.5 × 3"),  # pyright: ignore[reportArgumentType]
        (lambda: sites_of(Lattice(3, 3), [(0, 0), (0, 0)]), "one site twice"),
        (lambda: wall_with_gap(4, 6, wall=5), "does not split"),
        (lambda: divided_room(5), "at least 6 × 6"),
    ],
)
def test_bad_input_is_told_in_one_sentence(make, words):
    with pytest.raises(BadInput, match=words):
        make()

"""Averages from sums that are given, with rational numbers for sums; names in their order and unknown names."""

import pytest
from flint import fmpq

from numerics.ising import Lattice, Moments
from numerics.ising.moments import named
from theory.errors import BadInput

SUMS = {
    (None, None): fmpq(8), ("p", None): fmpq(2), ("q", None): fmpq(-3), (None, "R"): fmpq(5), (None, "S"): fmpq(1, 2),
    ("p", "R"): fmpq(7), ("p", "S"): fmpq(1), ("q", "R"): fmpq(-1), ("q", "S"): fmpq(4), (None, ("R", "S")): fmpq(11),
}  # fmt: skip
MOMENTS = Moments(SUMS)


def test_averages_are_quotients_of_sums() -> None:
    """⟨s_p⟩ = 2/8, ⟨M_R⟩ = 5/8, Cov(s_p, M_R) = 7/8 − 10/64, Cov(M_R, M_S) = 11/8 − (5/2)/64 in either order."""
    assert MOMENTS.partition == 8 and MOMENTS.mean("q") == fmpq(-3, 8) and MOMENTS.magnetisation("S") == fmpq(1, 16)
    assert MOMENTS.covariance("p", "R") == fmpq(7, 8) - fmpq(10, 64)
    assert MOMENTS.region_covariance("R", "S") == MOMENTS.region_covariance("S", "R") == fmpq(11, 8) - fmpq(5, 128)
    assert MOMENTS.response() == {
        "p": {"R": fmpq(7, 8) - fmpq(10, 64), "S": fmpq(1, 8) - fmpq(1, 64)},
        "q": {"R": fmpq(-1, 8) + fmpq(15, 64), "S": fmpq(4, 8) + fmpq(3, 128)},
    }


def test_names_come_once_and_in_their_order() -> None:
    assert MOMENTS.probes == ("p", "q") and MOMENTS.regions == ("R", "S")
    for ask, words in (
        (lambda: MOMENTS.mean("r"), r"probe 'r' and region None; the names are .*'p', 'q'"),
        (lambda: MOMENTS.covariance("p", "T"), "region 'T'"),
        (lambda: MOMENTS.region_covariance("R", "R"), r"region \('R', 'R'\)"),
    ):
        with pytest.raises(BadInput, match=words):
            ask()


def test_places_of_probes_and_of_all_or_some_regions() -> None:
    lattice = Lattice(2, 3, mask=[(0, 1)], regions={"a": [(0, 0)], "b": [(1, 1), (1, 2)]})
    probes, regions = named(lattice, {"p": (1, 0), "q": [(0, 2), (1, 2)]}, None)
    assert probes == {"p": {2}, "q": {1, 4}} and regions == {"a": {0}, "b": {3, 4}}
    assert named(lattice, {}, ["b"]) == ({}, {"b": {3, 4}}) and named(lattice, {}, [])[1] == {}
    with pytest.raises(BadInput, match="no region 'c'"):
        named(lattice, {}, ["c"])

"""Splits into the zeros of a polynomial and what lies apart from it: which can be made, and what they leave."""

import pytest

from tests.theory.rlct.states import FREE, RING, SMALL, UNIT, R, X, Y, Z, r, split_of, stratum, x, y, z
from theory.rlct import blowup, dependent
from theory.rlct.stratum import Stratum


def test_splits_that_can_be_made():
    """On z free; on y + z by z; on y² − 2 by a root; on y² − z − 1 by a cover or, as a factor, implicitly."""
    s = stratum("sufa", x * y + x * z, jacobian={X: 1})
    off, on = split_of(s, y + z, blowup.split)
    assert off.nonzero == [y + z] and on.kind[Z] == SMALL and on.generators[0] == x * z
    off, on = split_of(stratum("sufa", x * z, jacobian={Z: 1}, factor={Z: 2}), z, blowup.split)
    assert (off.kind[Z], off.jacobian[Z], off.factor[Z]) == (UNIT, 0, 0)
    assert (on.kind[Z], on.jacobian[Z], on.factor[Z], on.uncertain) == (SMALL, 1, 2, False)
    assert split_of(stratum("sufa", x * z, shadowed=[Z]), z, blowup.split)[1].uncertain
    assert blowup.split(stratum("suaa", x * y**2 - 2 * x), y**2 - 2) is None
    _, on = split_of(stratum("suaa", x * y**2 - 2 * x), y**2 - 2, dependent.split_dependent)
    assert R not in on.roots and list(on.roots) in ([Z], [Y]) and not on.uncertain
    _, on = split_of(stratum("sufa", x * (y**2 - z - 1)), y**2 - z - 1, dependent.split_implicit)
    assert on.kind[Y] == SMALL and on.generators[0] == x * y and not on.roots and not on.uncertain
    _, on = split_of(stratum("sufa", x * (y**2 - z - 1) + x**2 * y), y**2 - z - 1, dependent.split_dependent)
    assert list(on.roots) == [Y] and not on.uncertain


def test_what_is_listed_is_freed_of_units_before_a_unit_becomes_dependent():
    """y(z − 1) ≠ 0 says z ≠ 1 for a unit y, and no more when y is a function of z: that would be −z(z − 1) ≠ 0 at y + z = 0."""
    s = stratum("suua", x * (y + z), nonzero=[y * z - y])
    _, on = split_of(s, y + z, dependent.split_dependent)
    assert on.nonzero == [z - 1] and list(on.roots) == [Y]
    q = y**3 - 3 * y + r
    _, on = split_of(stratum("suau", x * q, roots={R: r**2 - 2}, nonzero=[y * r]), q, dependent.split_dependent)
    assert on.nonzero in ([r], [])


@pytest.mark.parametrize("shadowed", [[], [R], [Z], [Y]])
@pytest.mark.parametrize(("f", "touched"), [(y**2 - z - 1, {Y, Z, R}), (y**2 - 2, {Y, R})])
def test_what_is_listed_of_a_coordinate_that_gives_way(f, touched, shadowed):
    """f takes the name of y: what was listed of y is not so of f, and what that and f depend on runs through some open set."""
    s = stratum("suff", x * f**2, nonzero=[y + r, z + 3], positive=[y + 2, z**2 + 1], shadowed=shadowed)
    off, on = split_of(s, f, dependent.split_implicit)
    assert off.nonzero == [y + r, z + 3, f] and off.positive == s.positive and off.shadowed == s.shadowed
    assert on.kind[Y] == SMALL and on.generators[0] == x * y**2
    assert (on.nonzero, on.positive) == ([z + 3], [z**2 + 1])
    assert on.shadowed == (touched | set(shadowed)) - {Y} and on.uncertain is bool(touched & set(shadowed))


def test_solvable_coordinates_come_in_order():
    """Constant slope first, then free before units, then those that occur least."""
    s = stratum("fufa", x + y + z, x * y, x * z * y)
    assert blowup.solvable(s, x + y + z) == [Z, X, Y]
    assert blowup.solvable(s, x * z + y) == [Y, Z, X]
    assert blowup.solvable(s, x**2 + y**2) == []
    assert blowup.solvable(stratum("fufa", x, sign={X: 1}, jacobian={Z: 1}), x + y + z) == [Y]


def test_numbers_among_dependent_quantities():
    s = stratum("fuuu", x, roots={R: r**2 - 2, Z: z**2 - r - 3, Y: y - x - 2})
    assert dependent._numbers(s, {R, Z}) and not dependent._numbers(s, {R, Y}) and dependent._numbers(s, set())


def test_what_lies_apart_from_a_polynomial():
    s = stratum("fuau", x, roots={R: r**2 - 2})
    assert not blowup.away(s, x - r).stratum.uncertain
    assert not blowup.away(s, x).stratum.uncertain
    assert blowup.away(s, r**2 * x - 2 * x).stratum.uncertain  # 0 everywhere
    assert blowup.away(s, x - r).stratum.nonzero == [x - r] and s.nonzero == []


def test_pull_backs():
    s = stratum("ssfa", x)
    assert blowup.pull_back(s, x**3 * y + y**2 * z + x, {X: 2, Y: 1}, X, 1) == x**7 * y + x**2 * y**2 * z + x**2
    assert blowup.pull_back(s, x**3 * y + y**2 * z + x, {X: 2, Y: 1}, X, -1) == -(x**7) * y + x**2 * y**2 * z - x**2
    assert blowup.pull_back(s, x**3 * y, {X: 2, Y: 1}, Y, 1) == x**3 * y**7
    for sign, weights, count in (
        ({}, {X: 1, Y: 1}, 1),
        ({}, {X: 2, Y: 1}, 2),
        ({Y: 1}, {X: 1, Y: 1}, 2),
        ({X: 1}, {X: 2, Y: 1}, 1),
    ):
        assert len(blowup.charts(stratum("ssfa", x, sign=sign), weights, X)) == count


@pytest.mark.parametrize(
    ("generators", "q", "found"),
    [
        ([x * (y + z) + x**2, y * x], y + z, [x + y + z]),  # x·(y + z + x) is (y + z)·1 on x = 0
        ([x * (y - z) + x**2], y + z, []),
        ([(y + z) * x + x, y * x], y + z, []),
        ([x * (y + z) * (z**2 + 1) + x**2], y + z, [x + y + z + y * z**2 + z**3]),
        ([x * (y + z)], y + z, [y + z]),
    ],
)
def test_factors_that_vanish_at_the_same_points(generators, q, found):
    """Multiples of q on the stratum by a unit; q itself comes last."""
    s = stratum("sffa", *generators)
    lifts = dependent.lifts(s, q)
    assert [str(f) for f in lifts] == [str(f) for f in [*(f for f in found if f != q), q]]
    for f in lifts:
        proof = dependent.multiple(s, f, q)
        assert proof is not None and divmod(s.on(f), q)[1] == 0
    assert dependent.multiple(s, y - 2 * z, q) is None and dependent.multiple(s, x * y, q) is None


def test_factors_that_are_repeated():
    """(y + z + x²)² + x⁵·w… with w = 0: the square of f = y + z + x², which is q on x = 0 and another polynomial."""
    s = Stratum(RING, [FREE, FREE, SMALL, SMALL], [0] * 4, [0] * 4, [0] * 4, {0: (x + y + z**2) ** 2 + r**3 * x})
    assert dependent.repeated(s, x + y) == [x + y + z**2]
    assert dependent.repeated(s, x + y + z**2) == [] and dependent.repeated(s, x - y) == []
    plain = Stratum(RING, [FREE, FREE, SMALL, SMALL], [0] * 4, [0] * 4, [0] * 4, {0: (x + y + z**2) + r**3 * x})
    assert dependent.repeated(plain, x + y) == []

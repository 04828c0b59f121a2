"""Coordinates that are known only implicitly: where their slope has no zero, and where they have values at all."""

import pytest

from tests.theory.rlct.states import RING, R, Y, Z, one, r, stratum, x, y, z
from theory.rlct import bounds, implicit, units


@pytest.mark.parametrize(
    ("f", "powers"),
    [
        (y + one, {0: 1}),
        (y - one, None),
    ],
)
def test_powers_of_a_factor(f, powers):
    s = stratum("sufa", x * y + x, z * x)
    assert implicit.powers_of(s, Y, f) == powers


def test_powers_of_several_generators():
    f = y**2 + z
    s = stratum("sufa", x * f, z * f**3, z * x)
    assert implicit.powers_of(s, Y, f) == {0: 1, 1: 3}
    assert implicit.powers_of(stratum("sufa", x * f, z * f**3 * y), Y, f) is None
    assert implicit.powers_of(stratum("sufa", z * x), Y, f) == {}
    assert implicit.powers_of(stratum("sufu", x * f, roots={R: r**2 - 2 - y}), Y, f) is None


@pytest.mark.parametrize(
    ("s", "f", "proved"),
    [
        (stratum("sufa", x), y - one, True),
        (stratum("sufa", x), y**2 - z - one, True),  # 2y
        (stratum("sfua", x), y**2 - z, True),  # y·2y − 2(y² − z) = 2z
        (stratum("sfua", x), y**3 + z, True),
        (stratum("sffa", x), y**2 - z, False),  # both roots meet at z = 0
        (stratum("sfaa", x), y**2 - 2 * one, True),
        (stratum("sfaa", x), y**3 - 2 * y + one, True),  # squarefree: Bézout
        (stratum("sfaa", x), y**3 - 3 * y + 2 * one, False),  # (y − 1)²(y + 2)
        (stratum("sfaa", x), y**5 - y - one, True),
        (stratum("sffa", x), y**5 - y - z, False),
    ],
)
def test_slopes(s, f, proved):
    """∂f/∂y ≠ 0 where f = 0, or f and it have a common zero; m·∂f/∂y − c·f is checked at points."""
    found = implicit.slope(s, Y, f)
    assert bool(found) == proved
    if found:
        value = found["times"] * f.derivative(Y) - found["less"] * f
        assert units.nonvanishing(s, value) is not None


@pytest.mark.parametrize(
    ("s", "f", "exists"),
    [
        (stratum("suaa", x), y - one, True),
        (stratum("suaa", x), y + one, True),
        (stratum("suaa", x), y**2 - 2 * one, True),
        (stratum("suaa", x), y**2 + one, False),
        (stratum("suaa", x, sign={Y: 1}), y + one, False),
        (stratum("suaa", x, sign={Y: 1}), y - one, True),
        (stratum("suaa", x), y - 9 * one, False),  # beyond the grid
        (stratum("suaa", x), 16 * y + 3 * one, True),  # between neighbours of the grid
        (stratum("suaa", x), 16 * y - 3 * one, True),
        (stratum("suaa", x), 16 * y - 127 * one, True),  # the last two
        (stratum("suaa", x), 16 * y + 127 * one, True),
        (stratum("suaa", x), 16 * y - one, False),  # 0 lies between
        (stratum("suua", x), y - z, True),
        (stratum("suua", x, sign={Y: 1, Z: 1}), y + z, False),
        (stratum("suua", x, sign={Y: 1}), y + z, True),
        (stratum("suaa", x, nonzero=[y - one]), y - one, False),
        (stratum("suaa", x, nonzero=[y**6 - 63**3 * one]), y**2 - 63 * one, False),  # 0 where f is
        (stratum("suaa", x, nonzero=[50 * y**6 + y**2 - (50 * 63**3 + 63) * one]), y**2 - 63 * one, False),
        (stratum("suaa", x, nonzero=[y**6 - 63**3 * one - one]), y**2 - 63 * one, True),
        (stratum("suaa", x, nonzero=[y - one]), y**2 - one, True),
        (stratum("suaa", x, positive=[y]), y**2 - one, True),
        (stratum("suaa", x, positive=[y - 2 * one]), y**2 - one, False),
        (stratum("suua", x, positive=[z - 3 * one]), y - z, True),
        (stratum("suau", x, roots={R: r**2 - 2}), y - r, False),
        (stratum("suau", x, roots={R: r**2 - 2}, nonzero=[r * y - one]), y - one, False),
    ],
)
def test_witnesses_of_a_zero(s, f, exists):
    """The interval brings a change of sign, or the zero itself, where the lists hold: checked in rational numbers."""
    found = implicit.root_witness(s, Y, f)
    assert bool(found) == exists
    if found is None:
        return
    low, high = found["interval"]
    place = {RING.names.index(n): v for n, v in found["point"].items()}
    ends = [bounds.at(f, {**place, Y: e}) for e in (low, high)]
    assert (low < high and ends[0] * ends[1] < 0) or (low == high and ends == [0, 0])
    assert low <= high and not (low <= 0 <= high) and (low > 0 or not s.sign[Y])
    assert all(v > 0 or not s.sign[i] for i, v in place.items()) and Y not in place
    for q in (*s.nonzero, *s.positive):
        at_ends = [bounds.at(q, {**place, Y: e}) for e in (low, high)]
        assert all(at_ends) and (at_ends[0] > 0) == (at_ends[1] > 0)
        assert q in s.nonzero or min(at_ends) > 0


@pytest.mark.parametrize(
    ("s", "x_", "still"),
    [
        (stratum("suuu", x, roots={R: r**2 - 2 - y}), Y, False),
        (stratum("suuu", x, roots={R: r**2 - 2 - x * y}), Y, True),  # not to first order on x = 0
        (stratum("suuu", x, roots={R: r**2 - 2}), Y, True),
    ],
)
def test_what_moves_with_a_coordinate(s, x_, still):
    assert implicit.still(s, x_) is still


@pytest.mark.parametrize(
    ("s", "may"),
    [
        (stratum("suaa", x, sign={Y: 1}), True),
        (stratum("sfaa", x), True),
        (stratum("sfaa", x, sign={Y: 1}), False),
        (stratum("sfaa", x, jacobian={Y: 1}), False),
        (stratum("sfaa", x, factor={Y: 1}), False),
        (stratum("ssaa", x), False),
        (stratum("sfau", x, roots={R: r**2 - 2 - y}), False),
        (stratum("sfau", x, roots={R: r**2 - 2}), True),
    ],
)
def test_what_may_give_way(s, may):
    assert implicit.movable(s, Y) is may

"""Units that give way to their squares, and the equations over two elements behind it, by trying everything."""

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.rlct.states import UNIT, R, X, Y, Z, confirmed, r, strata, stratum, x, y, z
from theory.rlct import parity
from theory.rlct.parity import reduced, solution
from theory.rlct.polynomials import terms, used

equations = st.lists(st.tuples(st.integers(0, 31), st.integers(0, 1)), max_size=6)


def holds(system: list[tuple[int, int]], bits: int) -> bool:
    return all((row & bits).bit_count() % 2 == right for row, right in system)


@given(equations)
@settings(max_examples=60, deadline=None)
def test_elimination_finds_a_solution_where_there_is_one(system) -> None:
    """An equation that is left as 0 = 1 has none; without such ones the x that is found solves them all."""
    pivots: dict[int, tuple[int, int]] = {}
    contradiction = False
    for left, side in system:
        row, right = reduced(left, side, pivots)
        if row:
            pivots[row.bit_length()] = (row, right)
        contradiction |= not row and bool(right)
    solvable = any(holds(system, bits) for bits in range(32))
    assert contradiction is not solvable
    assert holds(system, solution(pivots)) is solvable


def test_what_is_not_decided_is_0() -> None:
    """Of x₂ + x₀ = 1, x₁ = r the solution with x₀ = 0."""
    for right, other in product((0, 1), repeat=2):
        assert solution({3: (0b101, right), 2: (0b010, other)}) == right << 2 | other << 1
    assert solution({}) == 0


def alike(s, y, scaled):
    """Whether in every generator and polynomial that is not 0 the numbers v_y − Σ v_z are all even or all odd."""
    for p in (*s.generators.values(), *s.nonzero):
        if len({(v[y] - sum(v[k] for k in scaled)) % 2 for v, _ in terms(p)}) > 1:
            return False
    held = [i for q in (*s.positive, *s.roots.values()) for i in used(q)]
    signed = any(s.sign[k] for k in scaled) and not s.sign[y]
    return not signed and not {y, *scaled} & {*held, *s.roots}


@given(strata("su"))
@settings(max_examples=30, deadline=None)
def test_numbers_that_are_even_or_odd_alike(s):
    """By trying all sets of coordinates; where they exist and a power of the unit is halved, the step is made."""
    s.kind[Y], s.factor[Y], s.jacobian[Y] = UNIT, 0, 0
    found = parity.scaling(s, Y)
    possible = [c for n in range(4) for c in combinations([X, Z, R], n) if alike(s, Y, c)]
    if found is None:
        assert not possible or s.positive
    else:
        assert tuple(found) in possible


@pytest.mark.parametrize(
    ("s", "possible"),
    [
        (stratum("suaa", x * y**2 + x), True),
        (stratum("suaa", x * y**3 + x * y), True),
        (stratum("suaa", x * y**2 + x * y + x), False),
        (stratum("susa", x * y**3 + z), True),
        (stratum("susa", x * y**3 + z, sign={X: 1, Z: 1}), False),
        (stratum("susa", x * y**3 + z, sign={X: 1}), True),
        (stratum("susa", x * y**3 + z, sign={Y: 1, X: 1, Z: 1}), True),
        (stratum("suaa", x * y**2 + x, positive=[y + 1]), False),
        (stratum("suaa", x * y**2 + x, nonzero=[y + 1]), False),
        (stratum("suaa", x * y**2 + x, nonzero=[y**2 + 1]), True),
        (stratum("suau", x * y**2 + x, roots={R: r**2 - y - 2}), False),
        (stratum("suau", x * y**2 + x, roots={R: r**2 - 2}), True),
        (stratum("sfaa", x * y**2 + x), False),
        (stratum("suaa", x * y + x * y**2 * 0 + x**3 * y), False),
    ],
)
def test_a_unit_in_squares_gives_way(s, possible):
    after = s.copy()
    found = parity.square_units(after)
    assert bool(found) == possible
    if found:
        confirmed(s, found, after)
        assert after.sign[Y] == 1 and sum(g.degrees()[Y] for g in after.generators.values()) <= 2


def test_squares_of_a_unit_are_halved():
    """y²·x + y⁻…: t³ − t has odd powers only: t(t² − 1) becomes, up to the unit t, t' − 1."""
    s = stratum("suaa", x * y**3 - x * y)
    assert parity.halved(s, x * y**3 - x * y, Y, []) == x * y - x
    assert parity.halved(s, y**4 * z + z**3, Y, [Z]) == y**3 * z + z**3
    assert parity.halved(s, 0 * x, Y, []) == 0
    t = stratum("sufa", x * y**2 + x, shadowed=[Z])
    parity.square(t, Y, [Z])
    assert t.shadowed == {Y, Z} and t.sign[Y] == 1
    u = stratum("sufa", x * y**2 + x, shadowed=[Z])
    parity.square(u, Y, [])
    assert u.shadowed == {Z}
    # z y³ + z⁴ would be z y³ + z⁴ again, and again
    assert parity.scaling(stratum("susa", z * y**3 + z**4), Y) == [Z]
    assert parity.square_units(stratum("susa", z * y**3 + z**4)) == []
    # a free coordinate with both powers is not yet a unit: nothing is squared before
    assert parity.square_units(stratum("sufa", x * y**2 + x, x * z**2 + x)) == []
    assert parity.square_units(stratum("suua", x * y**2 + x, x * z**2 + x)) != []

"""The state of a stratum: reduction, lists, shadows and numbers of generators, by hand and against the checker's."""

import pytest
from hypothesis import given, settings

from tests.theory.rlct.states import (
    ABSENT,
    FREE,
    RING,
    SMALL,
    UNIT,
    R,
    X,
    Y,
    Z,
    one,
    r,
    shown,
    strata,
    stratum,
    x,
    y,
    z,
)
from theory.rlct.polynomials import primitive


@given(strata())
@settings(max_examples=40, deadline=None)
def test_lists_are_tidied_as_the_checker_refines_them(s):
    """The same polynomials are left, up to the sign of those that are not 0; once tidy, nothing changes."""
    t = s.copy()
    changed = t.tidy_lists()
    found = shown(s)
    ours = {str(primitive(sign * q)) for q in t.nonzero if not q.is_constant() for sign in (1, -1)}
    theirs = {
        str(primitive(RING.make({tuple(map(int, v)): int(c) for v, c in q.to_dict().items()}))) for q in found.nonzero
    }
    assert ours == theirs
    theirs = {str(RING.make({tuple(map(int, v)): int(c) for v, c in q.to_dict().items()})) for q in found.positive}
    assert {str(q / int(q.content())) for q in t.positive if not q.is_constant()} == theirs
    assert changed == ((s.nonzero, s.positive) != (t.nonzero, t.positive)) and t.empty == found.empty
    assert not t.tidy_lists()


@pytest.mark.parametrize(
    ("nonzero", "positive", "left", "empty"),
    [
        ([3 * one + x], [2 * one + x], ([], []), False),
        ([-3 * one], [], ([], []), False),
        ([x], [], ([0 * x], []), True),
        ([], [x], ([], [0 * x]), True),
        ([], [x - one], ([], [-one]), True),
        ([z + x, 2 * z], [], ([z], []), False),
        ([y * z, y**2 * z - y**3], [], ([z, y - z], []), False),
        ([], [y * z, y * z + x], ([], [y * z]), False),
        ([], [x - z], ([], [-z]), False),
        ([y], [y], ([], [y]), False),
    ],
)
def test_what_is_left_of_lists(nonzero, positive, left, empty):
    """On x = 0, with a unit y: units leave what is not 0, and stay where the sign counts."""
    s = stratum("sufa", x, nonzero=nonzero, positive=positive)
    s.tidy_lists()
    assert [[str(q) for q in found] for found in (s.nonzero, s.positive)] == [[str(q) for q in found] for found in left]
    assert s.empty == empty


def test_reduction_modulo_relations():
    s = stratum("uafu", x, roots={R: r**2 - 2, X: x**2 - r})
    assert s.reduced(x**4 - 3) == -one and s.reduced(x**5) == x and s.normal(-5 * x**6) == r and s.normal(x**8 - 4) == 0
    assert s.bound(R) and s.bound(X) and not s.bound(Z)
    assert stratum("uafu", x).normal(-2 * x * z + 4 * z) == x * z - 2 * z


def test_what_a_polynomial_depends_on():
    s = stratum("sufu", x, roots={R: r**2 - 2 - y - x})
    assert (
        s.support(x + z) == {Z}
        and s.support(r) == {Y}
        and s.support(r * z + x * y) == {Y, Z}
        and s.support(3 * one) == set()
    )
    t = stratum("uffu", x, roots={R: r**2 - y - 2, X: x**2 - r - 2})
    assert t.support(x * z) == {Y, Z} and s.on(x * y + z * x**2 + y) == y


def test_shadows_fall_on_coordinates_that_are_not_0():
    s = stratum("sufu", x, roots={R: r**2 - 2}, shadowed=[Y])
    s.shade(X, Z, R)
    assert s.shadowed == {Y, Z}
    s.kind[Z] = SMALL
    s.shade()
    assert s.shadowed == {Y}


def test_copies_and_new_generators():
    s = stratum("sufa", x, x * y - z)
    t = s.copy()
    assert t.add(z) == 2 and t.add(y) == 3 and list(s.generators) == [0, 1]
    del t.generators[3]
    assert t.add(y) == 4 and t.copy().add(x) == 5  # a number is not given twice
    t.kind[0] = FREE
    t.nonzero.append(z)
    assert s.kind[0] == SMALL and not s.nonzero
    s.take(t)
    assert s.kind[0] == FREE and s.nonzero == [z] and s.generators == t.generators
    assert s.polynomials == [1] and s.monomials == {0: (1, 0, 0, 0), 2: (0, 0, 1, 0), 4: (0, 1, 0, 0)}
    assert s.where(FREE) == [X, Z] and s.where(UNIT, ABSENT) == [Y, R] and RING.names == ("x", "y", "z", "r")

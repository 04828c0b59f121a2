"""Steps and branchings of the search against the checker, which carries them out again with no code in common.

The checker says whether a step is sound; that it does what it is there for is said beside each, by hand.
"""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.theory.rlct.states import (
    CHECKED,
    FREE,
    RING,
    UNIT,
    R,
    X,
    Y,
    Z,
    confirmed,
    confirmed_children,
    one,
    r,
    split_of,
    strata,
    stratum,
    x,
    y,
    z,
)
from theory.certificate.polynomials import parse
from theory.rlct import blowup, coordinates, dependent, parity, steps, sublevel, units
from theory.rlct.polynomials import used

SURE = {"rule": "constant", "sign": 1}


@given(strata())
@settings(max_examples=20, deadline=None)
def test_straightening(s):
    for i, a, b in product(range(3), (one, -2 * one, y, 3 * x), (0 * x, x, y, y * z, z**2 - 1, -3 * one)):
        proof = units.nonvanishing(s, a)
        if proof and i not in used(a) and i not in used(b) and steps.may_straighten(s, i, a, b):
            after = s.copy()
            confirmed(s, steps.straighten(after, i, a, b, proof), after)


@given(strata())
@settings(max_examples=30, deadline=None)
def test_lists_extraction_and_promotion(s):
    s.tidy_lists()
    for step in (steps.restrict_lists, steps.promote, steps.extract):
        after = s.copy()
        found = step(after)
        if found:
            confirmed(s, found, after)
        else:
            assert after.kind == s.kind and after.factor == s.factor and after.generators == s.generators


@given(strata(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_pruning(s, closure):
    for i in list(s.generators):
        after = s.copy()
        found = steps.prune(after, i, s.monomials, closure=closure)
        if found:
            confirmed(s, found, after)


@given(strata())
@settings(max_examples=30, deadline=None)
def test_squares(s):
    after = s.copy()
    found = parity.square_units(after)
    if found:
        confirmed(s, found, after)


@given(strata("s"), st.tuples(*[st.integers(1, 3)] * 3), st.sampled_from([(X, Y), (Y, X, Z), (Z, X)]))
@settings(max_examples=20, deadline=None)
def test_blow_ups(s, weights, order):
    """All charts of a blow-up, those of later directions restricted to where the earlier ones vanish."""
    chosen = {i: weights[i] for i in order}
    children, seen = [], []
    for i in order:
        children += [blowup.restrict_chart(c, seen) if seen else c for c in blowup.charts(s, chosen, i)]
        seen.append(i)
    confirmed_children(s, {"branch": "blow-up", "weights": {RING.names[i]: w for i, w in chosen.items()}}, children)


@given(strata(), st.sampled_from([x, y, z, x - 1, y + z, y * z - 1, z - y**2, 2 * y + 3 * z + one]))
@settings(max_examples=30, deadline=None)
def test_splits(s, q):
    """On what is not settled already: q in units and free coordinates only."""
    assume(
        s.on(q) == q
        and units.nonvanishing(s, q) is None
        and not (len(q) == 1 and s.kind[next(i for i, d in enumerate(q.degrees()) if d)] != FREE)
    )
    ways = [blowup.split, dependent.split_implicit, dependent.split_repeated, dependent.split_dependent]
    for way in ways[:1] if len(q) == 1 else ways:
        split_of(s, q, way)


def test_a_step_for_each_purpose():
    """Common monomials leave; the factor counts small and free coordinates only."""
    s = stratum("sufa", x**2 * y * z - x**3 * y, x**2 * y**2, factor={X: 1})
    assert steps.extract(s) == {"step": "extract", "exponents": [2, 1, 0, 0]}
    assert s.factor == [3, 0, 0, 0] and s.generators == {0: z - x, 1: y} and steps.extract(s) is None
    t = stratum("sufa", x * y, nonzero=[y * z + x, z - 1], jacobian={Z: 2}, factor={Z: 1, X: 1})
    found = steps.promote(t)
    assert [f["variable"] for f in found] == ["z"] and (t.kind[Z], t.factor, t.jacobian) == (
        UNIT,
        [1, 0, 0, 0],
        [0] * 4,
    )
    assert steps.promote(stratum("sufa", x * y, positive=[z * y - z**2]))[0]["variable"] == "z"
    assert steps.promote(stratum("sufa", x * y, nonzero=[y + z])) == []


@pytest.mark.parametrize(
    ("kinds", "v", "monomials", "closure", "weights"),
    [
        ("ssaa", (2, 1, 0, 0), {0: (1, 1, 0, 0)}, False, {0: 1}),
        ("ssaa", (2, 1, 0, 0), {0: (3, 0, 0, 0)}, True, None),
        ("suaa", (2, 0, 0, 0), {0: (1, 5, 0, 0)}, False, {0: 1}),
        ("sfaa", (2, 0, 0, 0), {0: (1, 5, 0, 0)}, True, None),
        ("ssaa", (1, 1, 0, 0), {0: (2, 0, 0, 0), 1: (0, 2, 0, 0)}, True, {0: Fraction(1, 2), 1: Fraction(1, 2)}),
        ("ssaa", (1, 1, 0, 0), {0: (2, 0, 0, 0), 1: (0, 2, 0, 0)}, False, None),
        ("ssaa", (1, 1, 0, 0), {0: (2, 0, 0, 0), 1: (0, 3, 0, 0)}, True, None),
        ("ssaa", (2, 2, 0, 0), {0: (3, 0, 0, 0), 1: (0, 6, 0, 0)}, True, {0: Fraction(2, 3), 1: Fraction(1, 3)}),
        ("ssaa", (2, 2, 0, 0), {0: (3, 0, 0, 0), 1: (0, 7, 0, 0)}, True, None),
        (
            "sssa",
            (1, 1, 0, 0),
            {0: (2, 0, 0, 0), 1: (0, 2, 0, 0), 2: (0, 0, 1, 0)},
            True,
            {0: Fraction(1, 2), 1: Fraction(1, 2)},
        ),
        ("sssa", (1, 1, 0, 0), {0: (2, 0, 1, 0), 1: (0, 2, 0, 0)}, True, None),
        ("ssua", (1, 1, 0, 0), {0: (2, 0, 1, 0), 1: (0, 2, 3, 0)}, True, {0: Fraction(1, 2), 1: Fraction(1, 2)}),
    ],
)
def test_terms_that_monomials_dominate(kinds, v, monomials, closure, weights):
    """|x^v| ≤ C max |x^{v_j}| near 0 means: v lies above a mean of the v_j, in the coordinates that may be 0."""
    assert steps.dominated(stratum(kinds, x), v, monomials, closure=closure) == weights


def test_the_size_of_a_substitution():
    """C(n + d, d) terms for d-th powers of n + 1 terms, times those of the generator."""
    b = sum((y**k for k in range(1, 9)), 0 * y)
    assert steps.affordable(stratum("sfaa", x**8 + y), X, b)  # C(16, 8) = 12,870, for 2 terms below 50,000
    assert not steps.affordable(stratum("sfaa", x**8 + y + y**2 + y**3), X, b)  # for 4 terms above
    assert steps.affordable(stratum("sfaa", y**8 + y + y**2 + y**3), X, b)


@pytest.mark.parametrize(
    ("s", "i", "a", "b", "may"),
    [
        (stratum("sfaa", x), X, one, y * x * 0 + y**2, False),  # not 0 on the stratum
        (stratum("ssaa", x), X, one, y**2, True),
        (stratum("sfaa", x), Y, one, x * 0 + one, True),
        (stratum("sfaa", x, jacobian={Y: 1}), Y, one, x, False),
        (stratum("sfaa", x, factor={Y: 1}), Y, one, x, False),
        (stratum("sfaa", x, sign={Y: 1}), Y, one, x, False),
        (stratum("suaa", x, sign={Y: 1}), Y, one, x, True),
        (stratum("sufu", x, roots={R: r**2 - 2 - y}), Y, one, z, True),
        (stratum("sufu", x, roots={R: r**2 - 2 - y}), Y, z, one, False),
        (stratum("sufu", x, roots={R: r**2 - 2 - y}), Y, one, r, False),
        (stratum("sufu", x, roots={R: r**2 - 2 - y}), R, one, z, False),
        (stratum("sufu", x, roots={R: r**2 - 2}), Y, z, r, True),
    ],
)
def test_what_may_be_straightened(s, i, a, b, may):
    assert steps.may_straighten(s, i, a, b) is may


def test_a_unit_gives_way_and_is_remembered():
    s = stratum("sufa", x * y, sign={Y: 1})
    after = s.copy()
    confirmed(s, steps.straighten(after, Y, one, z, SURE), after)
    assert (after.kind[Y], after.sign[Y], after.positive, after.nonzero) == (FREE, 0, [y - z], [])
    t = stratum("susa", x * y)
    after = t.copy()
    confirmed(t, steps.straighten(after, Y, one, z, SURE), after)
    assert (after.kind[Y], after.nonzero) == (UNIT, [])


def test_checked_ring_is_the_same():
    assert parse(CHECKED, "x*y - r").to_dict() == (x * y - r).to_dict()


def test_a_new_coordinate_that_occurs_nowhere_else():
    """x² + y³ + z is smooth in z: it becomes z, whatever else it holds; not where z is restricted, or occurs twice."""
    for s in (stratum("sssa", x * (x**2 + y**3 + z + z * x)), stratum("sssa", (x**2 + y**3 + z * y + z) ** 2)):
        after = s.copy()
        confirmed(s, coordinates.bend(after), after)
        assert not after.polynomials
    for s in (
        stratum("sssa", x * (x**2 + y**3 + z**2)),
        stratum("sssa", x * (x**2 + y**3 + z), sign={Z: 1}),
        stratum("sssa", x * (x**2 + y**3 + z), jacobian={Z: 1}),
        stratum("sssa", x * (x**2 + y**3 + z), factor={Z: 1}),
        stratum("sssa", x * (x**2 + y**3 + z), z * x),
    ):
        assert coordinates.bend(s.copy()) == []


@pytest.mark.parametrize(
    ("s", "i", "order"),
    [
        (stratum("ssaa", x**2 - y**3), X, 2),
        (stratum("ssaa", x**2 - y**3), Y, 3),
        (stratum("ssaa", x**2 * y - y**3), X, None),  # ∂²/∂x² = 2y is 0
        (stratum("suaa", x**2 * y - y**3 * x), X, 1),
        (stratum("sfaa", x**3 + x * y**2 + x), X, 1),  # 3x² + y² + 1
        (stratum("sfaa", x**3 + x * y), X, 3),
    ],
)
def test_the_least_derivative_that_does_not_vanish(s, i, order):
    found = sublevel._orders(s, i)
    assert {j: d for j, (d, _) in found.items()} == ({0: order} if order else {})

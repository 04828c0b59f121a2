"""Steps and branchings of the search against the checker, which carries them out again with no code in common.

The checker says whether a step is sound; that it does what it is there for is said beside each, by hand.
"""

import json
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from theory.certificate import branchings as checked_branchings
from theory.certificate import state as checked
from theory.certificate import steps as checked_steps
from theory.certificate.polynomials import make_ring, parse
from theory.rlct import blowup, bounds, certify, coordinates, dependent, implicit, parity, steps, sublevel, units
from theory.rlct.polynomials import Ring, primitive, terms, used
from theory.rlct.stratum import ABSENT, FREE, SMALL, UNIT, Stratum

RING = Ring(("x", "y", "z", "r"))
CHECKED = make_ring(RING.names)
X, Y, Z, R = range(4)
x, y, z, r = (RING.gen(i) for i in range(4))
one = RING.one()
SURE = {"rule": "constant", "sign": 1}


def stratum(kinds: str, *generators: Any, **more: Any) -> Stratum:
    """Kinds as letters s, u, f, a; jacobian, factor and sign by place."""
    full = {"s": SMALL, "u": UNIT, "f": FREE, "a": ABSENT}
    given = [more.pop(key, {}) for key in ("jacobian", "sign", "factor")]
    jacobian, sign, factor = ([table.get(i, 0) for i in range(4)] for table in given)
    more["shadowed"] = frozenset(more.get("shadowed", ()))
    return Stratum(RING, [full[k] for k in kinds], jacobian, sign, factor, dict(enumerate(generators)), **more)


def shown(s: Stratum) -> checked.State:
    return checked.read(CHECKED, json.loads(json.dumps(certify.state(s))))


def confirmed(before: Stratum, found: Any, after: Stratum) -> None:
    """The checker comes from one state to the other by the same steps."""
    s = shown(before)
    for step in found if isinstance(found, list) else [found]:
        s = checked_steps.carry_out(s, json.loads(json.dumps(certify.plain(step))))
    checked.require_same(s, shown(after), "result", numbered=True)


def confirmed_children(before: Stratum, branch: dict, children: list) -> list[Stratum]:
    listed = [{"node": k, **certify.plain(child.label)} for k, child in enumerate(children)]
    branch = json.loads(json.dumps(certify.plain(branch)))
    for (_, found), child in zip(checked_branchings.children(shown(before), branch, listed), children, strict=True):
        checked.require_same(checked.used(found), checked.used(shown(child.stratum)), "child", numbered=False)
    return [child.stratum for child in children]


def split_of(before: Stratum, q: Any, way: Any) -> Any:
    """The states on both sides, as the checker finds them too; None where there is no split."""
    found = way(before, q)
    return found and confirmed_children(before, {"branch": "split", "on": q, "steps": found[1]}, found[0])


@st.composite
def strata(draw, kinds="suf", absent=True):
    """x, y, z of any kind with exponents, signs, lists; r absent."""
    letters = draw(st.tuples(*[st.sampled_from(kinds)] * 3))

    def polynomial(most):
        exponents = st.tuples(*[st.integers(0, 2)] * 3)
        found = draw(st.dictionaries(exponents, st.sampled_from([1, -1, 2, -3]), min_size=1, max_size=most))
        return RING.make({(*v, 0): c for v, c in found.items()}).primitive()[1]

    small = [i for i in range(3) if letters[i] != "u"]
    more = {
        "jacobian": {i: draw(st.sampled_from([0, 0, 1, Fraction(-1, 2)])) for i in small},
        "factor": {i: draw(st.sampled_from([0, 0, 2])) for i in small},
        "sign": {i: draw(st.sampled_from([0, 0, 1])) for i in range(3)},
        "nonzero": [primitive(polynomial(2)) for _ in range(draw(st.integers(0, 1)))],
        "positive": [polynomial(2) for _ in range(draw(st.integers(0, 1)))],
        "shadowed": [i for i in range(3) if letters[i] != "s" and draw(st.booleans())],
    }
    generators = [primitive(polynomial(3)) for _ in range(draw(st.integers(1, 3)))]
    found = stratum("".join(letters) + "a", *generators, **more)
    empty = found.copy()
    empty.tidy_lists()
    if empty.empty:  # of that nothing is asked
        found.nonzero, found.positive = [], []
    return found


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


def test_checked_ring_is_the_same():
    assert parse(CHECKED, "x*y - r").to_dict() == (x * y - r).to_dict()


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

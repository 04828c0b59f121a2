"""Keys of strata: the same for other names and signs of the coordinates, and an isomorphism where they are the same."""

from itertools import permutations, product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.theory.rlct.states import RING, R, X, Y, Z, one, r, strata, stratum, x, y, z
from theory.rlct.canonical import canonical
from theory.rlct.polynomials import primitive, terms
from theory.rlct.stratum import Stratum


def moved(s: Stratum, order, signs=(1, 1, 1, 1)) -> Stratum:
    """Coordinate i becomes order[i], with a sign."""

    def image(p):
        found = {}
        for v, c in terms(p):
            w, sign = [0] * 4, 1
            for i, k in enumerate(v):
                w[order[i]], sign = k, sign * signs[i] ** k
            found[tuple(w)] = sign * c
        return RING.make(found)

    back = [list(order).index(i) for i in range(4)]

    def put(table: list[Any]) -> list[Any]:
        return [table[i] for i in back]

    generators = {j: primitive(image(g)) for j, g in s.generators.items()}
    nonzero, positive = [primitive(image(q)) for q in s.nonzero], [image(q) for q in s.positive]
    roots = {order[i]: image(q) for i, q in s.roots.items()}
    shadowed = frozenset(order[i] for i in s.shadowed)
    return Stratum(
        RING,
        put(s.kind),
        put(s.jacobian),
        put(s.sign),
        put(s.factor),
        generators,
        nonzero,
        positive,
        roots,
        shadowed,
        s.uncertain,
    )


def content(s: Stratum, used):
    """What a state says, generators and non-zero polynomials up to their sign, in the coordinates that occur."""
    table = {i: (s.kind[i], s.jacobian[i], s.sign[i], s.factor[i], i in s.shadowed) for i in used}
    polys = [{str(primitive(q)) for q in listed} for listed in (s.generators.values(), s.nonzero)]
    return table, polys, {str(q) for q in s.positive}, {i: str(q) for i, q in s.roots.items()}


def isomorphic(s: Stratum, t: Stratum) -> bool:
    """Whether the keys agree; then the orders and flips of both give the isomorphism, which negates nothing with a sign."""
    one_key, other = canonical(s), canonical(t)
    assert one_key is not None and other is not None
    if one_key[0] != other[0]:
        return False
    to = dict(zip(one_key[1], other[1], strict=True))
    rest = iter(sorted(set(range(4)) - set(to.values())))
    whole = [to[i] if i in to else next(rest) for i in range(4)]
    flips = [-1 if i in to and (i in one_key[2]) != (to[i] in other[2]) else 1 for i in range(4)]
    assert all(e == 1 or not s.sign[i] for i, e in enumerate(flips))
    assert content(moved(s, whole, flips), to.values()) == content(t, to.values())
    return True


@given(strata(), st.permutations([0, 1, 2]), st.tuples(*[st.sampled_from([1, -1])] * 3))
@settings(max_examples=40, deadline=None)
def test_names_and_signs_do_not_matter(s, order, signs):
    """Signs of what may be negated, names where all coefficients are positive; with both a key may differ, but never mislead."""
    signs = [*(1 if s.sign[i] else e for i, e in enumerate(signs)), 1]
    assert isomorphic(s, moved(s, range(4), signs))
    isomorphic(s, moved(s, [*order, 3], signs))
    plain = s.copy()
    plain.generators = {j: RING.make({v: abs(c) for v, c in terms(g)}) for j, g in s.generators.items()}
    plain.nonzero, plain.positive = (
        [RING.make({v: abs(c) for v, c in terms(q)}) for q in qs] for qs in (s.nonzero, s.positive)
    )
    assert isomorphic(plain, moved(plain, [*order, 3]))


@given(strata(), strata())
@settings(max_examples=40, deadline=None)
def test_equal_keys_mean_that_some_renaming_fits(s, t):
    one_key, other = canonical(s), canonical(t)
    if one_key and other and one_key[0] == other[0]:
        used = other[1]
        fits = (
            content(moved(s, [*order, 3], [*signs, 1]), used) == content(t, used)
            for order in permutations(range(3))
            for signs in product((1, -1), repeat=3)
        )
        assert any(fits)


def test_what_tells_strata_apart():
    plain = stratum("ssfa", x**2 + y * z)
    others = [
        stratum("ssfa", x**2 - y * z, sign={Y: 1, Z: 1}),
        stratum("ssfa", x**3 + y * z),
        stratum("ssfa", x**2 + 2 * y * z),
        stratum("sssa", x**2 + y * z),
        stratum("ssfa", x**2 + y * z, jacobian={X: 1}),
        stratum("ssfa", x**2 + y * z, factor={X: 1}),
        stratum("ssfa", x**2 + y * z, sign={X: 1}),
        stratum("ssfa", x**2 + y * z, shadowed=[Z]),
        stratum("ssfa", x**2 + y * z, uncertain=True),
        stratum("ssfa", x**2 + y * z, nonzero=[z + one]),
        stratum("ssfa", x**2 + y * z, positive=[z + one]),
        stratum("ssfa", x**2 + y * z, x),
        stratum("ssfu", x**2 + y * z, r * x, roots={R: r**2 - 2}),
        stratum("ssfu", x**2 + y * z, r * x, roots={R: r**2 - 3}),
        stratum("ssfu", x**2 + y * z, r * x),
        stratum("ssfa", x**2 + y**2),
        stratum("ssfa", x**2 - y**2),
    ]
    keys = [canonical(s) for s in (plain, *others)]
    assert len({key[0] for key in keys if key}) == len(keys)


def test_signs_that_change_nothing():
    """x²+ yz and x² − yz; x + y and x − y; but not x² + y² and x² − y², nor a positive y and a positive −y with x·y beside."""

    def same(one, other):
        return canonical(one)[0] == canonical(other)[0]  # type: ignore[index]

    assert same(stratum("ssfa", x**2 + y * z), stratum("ssfa", x**2 - y * z))
    assert same(stratum("ssaa", x + y), stratum("ssaa", x - y)) and same(stratum("ssaa", x), stratum("ssaa", -x))
    assert same(stratum("ssfa", x**2 + y * z), stratum("sfsa", y * z - x**2))
    assert same(stratum("sfaa", x * y, positive=[y]), stratum("sfaa", x * y, positive=[-y]))
    assert not same(
        stratum("sfaa", x * y, positive=[y], sign={Y: 1}), stratum("sfaa", x * y, positive=[-y], sign={Y: 1})
    )
    assert not same(stratum("sfaa", x * y, positive=[y**2 - one]), stratum("sfaa", x * y, positive=[one - y**2]))
    assert same(stratum("sfaa", x * y, nonzero=[y - one]), stratum("sfaa", x * y, nonzero=[y + one]))


def test_a_key_is_not_looked_for_where_there_are_too_many_terms():
    line = sum((x**k for k in range(1, 751)), 0 * x)
    assert canonical(stratum("ssaa", line, line * y)) is not None
    assert canonical(stratum("ssaa", line, line * y + y)) is None

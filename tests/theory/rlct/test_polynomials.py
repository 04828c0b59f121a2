"""The search's algebra against sympy's, and the linear programme's small parts."""

import time
from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from theory.rlct import effort, linear
from theory.rlct import polynomials as po
from theory.rlct.effort import TooLarge

RING = po.Ring(("x", "y", "z"))
SYMBOLS = sp.symbols("x y z")
exponents = st.tuples(*[st.integers(0, 3)] * 3)
polynomials = st.dictionaries(exponents, st.integers(-5, 5).filter(bool), min_size=1, max_size=4)


def plain(p):
    return sp.sympify(po.text(p), locals=dict(zip(RING.names, SYMBOLS, strict=True)))


def of(terms):
    return sp.Add(*(c * sp.Mul(*(x**e for x, e in zip(SYMBOLS, v, strict=True))) for v, c in terms.items()))


@given(polynomials, polynomials, st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_parts_of_a_polynomial(terms, others, i):
    f, x, p = sp.expand(of(terms)), SYMBOLS[i], RING.make(terms)
    poly = sp.Poly(f, *SYMBOLS)
    assert sp.expand(plain(p) - f) == 0 and dict(po.terms(p)) == dict(poly.terms())
    assert sorted(po.monoms(p)) == sorted(poly.monoms()) and {SYMBOLS[k] for k in po.used(p)} == f.free_symbols
    assert sp.expand(plain(po.restrict(RING, p, [i])) - f.subs(x, 0)) == 0 and po.restrict(RING, p, []) == p
    parts = po.coefficients(RING, p, i)
    assert {k: sp.expand(plain(c)) for k, c in parts.items()} == {k: sp.expand(c) for (k,), c in sp.Poly(f, x).terms()}
    common = po.content(po.monoms(p))
    assert common == tuple(map(min, zip(*poly.monoms(), strict=True)))
    assert sp.expand(plain(po.divide_monomial(RING, p, common)) * plain(RING.monomial(common)) - f) == 0
    assert sp.expand(plain(po.times(p, RING.make(others))) - f * of(others)) == 0
    whole = po.primitive(-6 * p)
    assert whole == po.primitive(p) and whole.leading_coefficient() > 0 and whole.content() == 1
    assert po.is_monomial(p) == (len(terms) == 1)


@given(polynomials, polynomials, polynomials, st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_a_coordinate_gives_way_to_another(terms, scale, shift, i):
    """a^d·p at (x − b)/a."""
    a, b = (po.restrict(RING, RING.make(t), [i]) for t in (scale, shift))
    a = RING.one() if a.is_zero() else a
    f, x = of(terms), SYMBOLS[i]
    expected = sp.cancel(plain(a) ** sp.Poly(f, x).degree() * f.subs(x, (x - plain(b)) / plain(a)))
    assert sp.expand(plain(po.substitute(RING, RING.make(terms), i, a, b)) - expected) == 0


@given(polynomials, st.integers(1, 3), st.sampled_from([1, 2, -1, -3]), polynomials, st.booleans())
@settings(max_examples=25, deadline=None)
def test_division_by_a_relation(terms, d, lead, others, keep):
    """The remainder up to a number, which is positive where the sign is kept."""
    lower = RING.make({v: c for v, c in others.items() if v[0] < d})
    relation = lead * RING.gen(0) ** d + lower
    found = plain(po.modulo(RING, RING.make(terms), 0, relation, keep_sign=keep))
    expected = sp.rem(of(terms), plain(relation), SYMBOLS[0])
    if expected == 0:
        assert found == 0
        return
    ratio = sp.cancel(sp.expand(expected) / found)
    assert ratio.is_Rational and (ratio > 0 or not keep)


@given(polynomials, polynomials)
@settings(max_examples=10, deadline=None)
def test_factors_multiply_to_the_polynomial(terms, others):
    p = RING.make(terms) * RING.make(others) ** 2
    found = po.factors(p)
    assert sp.cancel(sp.prod(plain(q) ** k for q, k in found) / plain(p)).is_Rational
    assert sum(k for _, k in found) == sum(k for _, k in sp.factor_list(plain(p))[1])


def test_zero_and_limits():
    zero = RING.make({})
    assert (
        po.factors(zero) == []
        and po.primitive(zero) == zero
        and po.substitute(RING, zero, 0, RING.one(), RING.one()) == 0
    )
    wide = RING.make({(k, 0, 0): 1 for k in range(po.MAX_TERMS + 1)})
    tall = RING.context.constant(2**po.MAX_BITS) * RING.gen(0) ** 2
    for p in (wide, tall):
        assert po.factors(p) == [(p, 1)]
    assert po.factors(RING.context.constant(2 ** (po.MAX_BITS - 1)) * RING.gen(0) ** 2) == [(RING.gen(0), 2)]
    line, long = (RING.make({(k, 0, 0): 1 for k in range(n)}) for n in (50, effort.MAX_TERMS // 4))
    assert len(po.times(long, RING.make({(k, 0, 0): 1 for k in range(200)}))) == effort.MAX_TERMS // 4 + 199
    with pytest.raises(TooLarge):
        po.times(long, RING.make({(k, 0, 0): 1 for k in range(201)}))
    assert len(po.times(RING.make({(0, k, 0): 1 for k in range(80)}), line)) == 4000
    with pytest.raises(TooLarge):
        po.times(RING.make({(0, k, 0): 1 for k in range(81)}), line)
    with pytest.raises(TooLarge):
        po.times(RING.make({(k, 0, 0): 1 for k in range(50 * effort.MAX_TERMS // 50 + 1)}), line)


def test_sizes_at_the_limits():
    most = RING.make({(k, 0, 0): 1 for k in range(effort.MAX_TERMS)})
    bits = RING.context.constant(2**effort.MAX_BITS - 1)
    high = RING.gen(1) ** effort.MAX_DEGREE
    for p in (most, bits, high, RING.make({})):
        assert effort.sized(p) == p
    for p in (RING.context.constant(-(2**effort.MAX_BITS)), high * RING.gen(1), most + RING.gen(1)):
        with pytest.raises(TooLarge):
            effort.sized(p)


def test_the_end_of_a_piece_of_work():
    """After so long, or where the scope ends if that is sooner."""
    before = time.monotonic_ns()
    assert before + 10**9 <= effort.within(10**9) <= time.monotonic_ns() + 10**9
    with effort.until(before + 5):
        assert effort.within(10**9) == before + 5 and effort.within(-(10**9)) < before + 5


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=8))
@settings(max_examples=50, deadline=None)
def test_minimal_vectors(vectors):
    """Each vector is divided by one of them, and none of them by another."""
    kept = linear.minimal(vectors)

    def divides(w, v):
        return all(a <= b for a, b in zip(w, v, strict=True))

    assert set(kept) <= set(vectors) and all(any(divides(w, v) for w in kept) for v in vectors)
    assert not any(divides(w, v) for w in kept for v in kept if w != v) and len(set(kept)) == len(kept)


@given(
    st.lists(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=3), min_size=1, max_size=2),
    st.lists(st.integers(1, 4), min_size=3, max_size=3),
)
@settings(max_examples=50, deadline=None)
def test_homogeneous_weights_are_the_cheapest(groups, costs):
    """One value of at least 1 on each group, against scipy's linear programme."""
    rows = [group[0] for group in groups]
    equal = [[a - b for a, b in zip(v, group[0], strict=True)] for group in groups for v in group[1:]]
    sums = {"A_eq": equal, "b_eq": [0] * len(equal)} if equal else {}
    expected = linprog(costs, A_ub=[[-a for a in row] for row in rows], b_ub=[-1] * len(rows), **sums)
    u = linear.homogeneous(groups, costs)
    assert (u is None) == (expected.status != 0)
    if u is not None:
        assert min(u) >= 0
        for group in groups:
            levels = {sum(a * b for a, b in zip(u, v, strict=True)) for v in group}
            assert len(levels) == 1 and min(levels) >= 1
        assert float(sum(a * c for a, c in zip(u, costs, strict=True))) == pytest.approx(expected.fun, abs=1e-9)


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3).filter(any), min_size=1, max_size=6, unique=True), st.data())
@settings(max_examples=50, deadline=None)
def test_programmes_with_fractional_costs(vectors, data):
    """h + 1 for h > −1 in halves and thirds: the value by scipy, and both proofs."""
    cost = st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(4, 3), Fraction(5, 2), 2])
    costs = [data.draw(cost) for _ in range(3)]
    found = linear.solve(vectors, costs)
    assert found is not None
    expected = linprog([float(c) for c in costs], A_ub=[[-a for a in v] for v in vectors], b_ub=[-1] * len(vectors)).fun
    assert float(found.value) == pytest.approx(expected, abs=1e-9)
    assert sum(found.dual) == found.value == sum(u * c for u, c in zip(found.primal, costs, strict=True))
    assert min(found.primal) >= 0 and min(found.dual) >= 0
    assert all(sum(a * b for a, b in zip(found.primal, v, strict=True)) >= 1 for v in vectors)
    assert all(sum(y * v[i] for y, v in zip(found.dual, vectors, strict=True)) <= costs[i] for i in range(3))
    quick = linear.solve(vectors, costs, multiplicity=False)
    assert quick is not None and (quick.value, quick.multiplicity) == (found.value, 0)
    assert sum(quick.dual) == found.value


def test_a_degenerate_programme_ends():
    """Beale's kind: many ties, and more vectors than coordinates."""
    vectors = [tuple(int(b) for b in f"{k:06b}") for k in range(1, 64)]
    found = linear.solve(vectors, [1] * 6)
    assert found is not None and (found.value, found.multiplicity) == (6, 1)
    assert linear.interior(vectors, [1] * 6, found) == (1,) * 6

"""Arithmetic of expansions in powers of t and log t against sympy's polynomials in two independent symbols."""

from itertools import product

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.singular import LOG, Asymptotics, Leading, Ratio, Term
from theory.singular.expansion import NOTHING, ONE, collect, of_charts, quotient
from theory.zeta import Chart

t = sp.Symbol("t", positive=True)
R = sp.Rational
HALF = R(1, 2)


def made(table: dict[int, tuple[int, ...]], limit: sp.Expr = sp.oo) -> Asymptotics:
    """Powers of t^{−1/2}, those beyond the limit left out."""
    found = (
        Term(n * HALF, tuple(map(sp.Integer, c))) for n, c in sorted(table.items()) if any(c) and n * HALF <= limit
    )
    return collect(tuple(found), limit)


def flat(terms) -> dict[tuple[sp.Rational, int], sp.Expr]:
    """The coefficients that are not 0, by (power of 1/t, power of log t)."""
    return {(s, j): c for s, cs in terms for j, c in enumerate(cs) if c != 0}


tables = st.dictionaries(st.integers(0, 5), st.lists(st.integers(-2, 2), min_size=1, max_size=2).map(tuple), max_size=3)
limits = st.sampled_from([R(1), R(3, 2), R(2), R(3), sp.oo])


@settings(max_examples=15, deadline=None)
@given(tables, tables, limits, limits)
def test_sums_and_products_of_what_is_known(f, g, end, other) -> None:
    """What is kept are the coefficients of the whole up to the limit, and that is no smaller than need be."""
    one, two = made(f, end), made(g, other)
    whole = {}
    for (n, a), (m, b) in product(f.items(), g.items()):
        for (i, c), (j, d) in product(enumerate(a), enumerate(b)):
            key = ((n + m) * HALF, i + j)
            whole[key] = whole.get(key, 0) + c * d
    found = one * two
    assert flat(found.terms) == {k: c for k, c in whole.items() if c and k[0] <= found.limit}
    starts = [x.terms[0].power if x.terms else x.limit for x in (one, two)]
    if ONE not in (one, two):
        assert found.limit == min(one.limit + starts[1], two.limit + starts[0])
    total = {}
    for n, c in [*f.items(), *g.items()]:
        for j, a in enumerate(c):
            total[n * HALF, j] = total.get((n * HALF, j), 0) + a
    assert (one + two).limit == min(end, other)
    assert flat((one + two).terms) == {k: c for k, c in total.items() if c and k[0] <= min(end, other)}


@settings(max_examples=10, deadline=None)
@given(tables, limits, st.integers(-3, 3).filter(bool), st.integers(-1, 3))
def test_slopes_and_scales(table, limit, c: int, shift: int) -> None:
    """−t d/dt of the series, and c t^{−shift} times it, with the limit moved."""
    f = made(table, limit)
    assert sp.expand(f.slope().series(t) + t * sp.diff(f.series(t), t)) == 0
    assert f.slope().limit == limit
    scaled = f.scaled(sp.Integer(c), shift * HALF)
    assert sp.expand(scaled.series(t) - c * t ** (-shift * HALF) * f.series(t)) == 0
    assert scaled.limit == limit + shift * HALF
    assert sp.expand(f.scaled(sp.sqrt(2) + sp.pi).series(t) - sp.expand((sp.sqrt(2) + sp.pi) * f.series(t))) == 0


def test_equal_powers_are_collected_and_zeros_taken_out() -> None:
    """log 6 − log 2 − log 3 is 0, at the top and as all there is; lower coefficients stay in their place."""
    zero = sp.log(6) - sp.log(2) - sp.log(3)
    found = collect(
        [Term(R(2), (R(1), R(2))), Term(R(1), (R(3), zero)), Term(R(2), (R(0), R(-2))), Term(R(0), (zero,))], sp.oo
    )
    assert found.terms == (Term(1, (3,)), Term(2, (1,)))
    assert collect([Term(R(1), (R(5),)), Term(R(1), (R(0), R(0), R(7)))], R(3)) == Asymptotics(
        (Term(R(1), (R(5), R(0), R(7))),), R(3)
    )


def test_leading_terms_and_their_limits() -> None:
    """C t^{−a} (log t)^b with C = 1 too; nothing to all orders; nothing as far as is known."""
    f = Asymptotics((Term(R(1, 4), (R(5), R(2))), Term(R(1), (R(1),))), R(2))
    assert f.leading == Leading(2, R(1, 4), 1)
    assert (f.threshold, f.multiplicity) == (R(1, 4), 2)
    assert Leading(sp.S.One, R(3, 2), 2).at(t) == t ** R(-3, 2) * sp.log(t) ** 2
    assert Leading(sp.S.Zero, sp.oo, 0).at(t) == 0
    assert NOTHING.leading == Leading(sp.S.Zero, sp.oo, 0)
    assert NOTHING.first() is None
    with pytest.raises(BadInput, match="no pole of ζ\\(−s\\) lies at or below s = 2; raise poles_up_to"):
        Asymptotics((), R(2)).leading  # noqa: B018
    assert sp.simplify(f.leading_mean_potential() - (R(1, 4) - 2 / (5 + 2 * LOG))) == 0


def test_ratios_of_expansions() -> None:
    """(3L t^{−2} + …)/(2 t^{−1/2} + …)²: leading, as a rational function of L, and at a point."""
    top = made({4: (0, 3), 6: (1,)})
    below = made({1: (2,), 2: (1, 5)})
    ratio = Ratio(top, below, 2)
    assert ratio.leading == Leading(R(3, 4), 1, 1)
    assert ratio.leading_ratio() == (3 * LOG / 4, 1)
    assert sp.simplify(ratio.series(t) - top.series(t) / below.series(t) ** 2) == 0
    logs = Ratio(top, made({1: (2, 7)}), 2)
    assert logs.leading == Leading(R(3, 49), 1, -1)
    assert sp.simplify(logs.leading_ratio()[0] - 3 * LOG / (2 + 7 * LOG) ** 2) == 0
    assert Ratio(NOTHING, below, 2).leading == Leading(0, sp.oo, 0)
    assert Ratio(NOTHING, below, 2).leading_ratio() == (0, sp.oo)
    with pytest.raises(BadInput, match="begins with log t has no expansion in powers of t"):
        logs.expanded()


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("end", [R(5, 2), R(4)])
def test_ratios_as_one_expansion(n: int, end: sp.Rational) -> None:
    """Multiplied by Z^n they are the numerator as far as they reach: Z to t^{−end}, the numerator farther or not."""
    below = made({1: (2,), 2: (1, 3), 3: (-1,), 4: (5, 1), 5: (1,)}, end)
    for reach in (R(3), R(9)):
        top = made({2: (1, 1), 3: (4,), 5: (0, 2)}, reach)
        found = Ratio(top, below, n).expanded()
        assert found.limit == min(reach, end - HALF + 1) - n * HALF
        back = found
        for _ in range(n):
            back = back * below
        kept = {k: c for k, c in flat(top.terms).items() if k[0] <= back.limit}
        assert flat(back.terms) == kept
        assert back.limit > 1


def test_finitely_many_poles_are_all_taken() -> None:
    """∫_0^1 e^{−t√x} (1 + x) dx = 2/t² + 12/t⁴ up to e^{−t}, by u = √x; a constant unit scales t."""
    (first, second) = of_charts(
        (Chart((sp.Symbol("x", real=True),), (HALF,), (0,), 1, 1 + sp.Symbol("x", real=True)),), R(0)
    ).terms
    assert (first, second) == (Term(2, (2,)), Term(4, (12,)))


def test_a_loss_of_zero_is_a_constant() -> None:
    """∫ (1 + x) e^{−0t} = 3/2, once: whatever the limit."""
    x = sp.Symbol("x", real=True)
    found = of_charts((Chart((x,), (0,), (0,), 1, 1 + x),), R(1))
    assert found == Asymptotics((Term(0, (R(3, 2),)),), sp.oo)


def test_expansions_print() -> None:
    assert NOTHING.tex() == "0"
    assert ONE.tex() == "1"
    assert made({0: (3,), 1: (0, 2)}).tex() == r"3 + t^{-\frac{1}{2}}\left(2 L\right)"
    assert quotient(sp.gamma(R(5, 4)), sp.gamma(R(1, 4))) == R(1, 4)
    assert quotient(1 + sp.S.Zero, 1 + sp.sqrt(2)) == sp.sqrt(2) - 1

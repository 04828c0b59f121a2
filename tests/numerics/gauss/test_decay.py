"""Interval enclosures, minorants and tails over unbounded domains."""

import math

import numpy as np
import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from numerics.errors import NotCertified
from numerics.gauss.decay import _taylor_below, confine, lower_polynomial, majorant, minorants
from numerics.gauss.domain import Domain
from numerics.gauss.interval_polynomials import IntervalPolynomial
from numerics.gauss.intervals import Enclosure, is_nonnegative
from numerics.precision import digits
from theory.errors import BadInput

x, y = sp.symbols("x y")
R, oo = sp.Rational, sp.oo
PLANE = Domain.of((x, y), None)
MIXED = Domain.of((x, y), [(R(-1, 2), oo), (R(1, 3), 2)])

EXPRESSIONS = [
    x * sp.tanh(y) - x**3 / 3,
    (R(1, 3) - x * sp.tanh(y / 2)) ** 2,
    sp.sin(x * y) * y**2 + sp.atan(x),
    x * y / (2 + x**2 + sp.cos(y)),
    sp.exp(-(x**2) - 1) * x + sp.erf(y) ** 3,
    sp.log(2 + x**2 + y**4),
    sp.sqrt(1 + (x - y) ** 2),
    (3 + x**2) ** R(-3, 2) * y + sp.sech(x),
    sp.log(1 + sp.exp(x - 2 * y)),
    y * sp.log(R(1, 2) + 3 * sp.exp(-x) + sp.exp(x * y / 4)),
]
POTENTIALS = [
    (R(1, 3) - x * sp.tanh(y / 2)) ** 2 + (x**2 + y**2) / 2,
    sp.cosh(x) + y**2 + x * sp.sin(y),
    sp.log(1 + sp.exp(x + y)) + x**2 + y**4 + x * sp.atan(y),
    (1 - x * y) ** 2 + (x**2 + y**2) / 4,
    sp.expand((R(1, 3) - x * sp.tanh(y / 2)) ** 2) + x**2 + y**2,
    sp.exp(2 * x) - sp.exp(-3 - x**2) * y + x**4 + y**2,
]

places = st.fractions(min_value=-30, max_value=30, max_denominator=16)


def evaluated(terms, point):
    """Σ c w^α at a rational point, as a ball."""
    return sum(
        (arb(c) * math.prod(arb(w) ** e for w, e in zip(point, a, strict=True)) for a, c in terms.items()), arb(0)
    )


@settings(max_examples=25, deadline=None)
@given(places, places)
@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_enclosures_hold_the_values_on_the_plane(expr, a, b):
    p = Enclosure(PLANE)(expr)
    point = [fmpq(a.numerator, a.denominator), fmpq(b.numerator, b.denominator)]
    low = high = arb(0)
    for alpha, (lo, hi) in p.terms.items():
        monomial = math.prod((w**e for w, e in zip(point, alpha, strict=True)), start=fmpq(1))
        ends = sorted([lo * monomial, hi * monomial])
        low, high = low + arb(ends[0]), high + arb(ends[1])
    value = arb(str(sp.N(expr.subs({x: R(a), y: R(b)}), 30)))
    slack = arb(10) ** -20 * (1 + abs(value))
    assert not low > value + slack and not high < value - slack
    assert not abs(value) - slack > evaluated(majorant(p).to_dict(), [abs(w) for w in point])


@settings(max_examples=25, deadline=None)
@given(
    st.fractions(min_value=0, max_value=6, max_denominator=8),
    st.fractions(min_value=R(1, 3), max_value=2, max_denominator=9),
)
@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_enclosures_absorb_bounded_variables(expr, s, b):
    p = Enclosure(MIXED)(expr)
    low = high = arb(0)
    for (e,), (lo, hi) in p.terms.items():
        monomial = fmpq(s.numerator, s.denominator) ** e
        low, high = low + arb(lo * monomial), high + arb(hi * monomial)
    value = arb(str(sp.N(expr.subs({x: R(-1, 2) + R(s) ** 2, y: R(b)}), 30)))
    slack = arb(10) ** -20 * (1 + abs(value))
    assert not low > value + slack and not high < value - slack


@settings(max_examples=25, deadline=None)
@given(places, places)
@pytest.mark.parametrize("potential", POTENTIALS, ids=str)
def test_minorants_lie_below(potential, a, b):
    value = arb(str(sp.N(potential.subs({x: R(a), y: R(b)}), 30)))
    for p in minorants(potential, Enclosure(PLANE)):
        lower = evaluated(p.to_dict(), [fmpq(a.numerator, a.denominator), fmpq(b.numerator, b.denominator)])
        assert not lower > value + arb(10) ** -15 * (1 + abs(value))


@pytest.mark.parametrize("potential", POTENTIALS, ids=str)
def test_tails_hold(potential):
    """At m = 6 the tail is not negligible, and scipy sees it; the true mass outside is below the bound."""
    with digits(15):
        region = confine(potential, (sp.S.One, x**2), PLANE, fmpq(0), np.zeros(2), 6.0)
    f = sp.lambdify((x, y), sp.exp(-potential), "numpy")
    for k, power in enumerate((0, 2)):

        def g(b, a, power=power):
            with np.errstate(over="ignore"):
                return a**power * f(float(a), float(b))

        far = 12.0
        whole = integrate.dblquad(g, -far, far, -far, far, epsabs=1e-6, epsrel=1e-4)[0]
        inner = integrate.dblquad(
            g, region.low[0], region.high[0], region.low[1], region.high[1], epsabs=1e-6, epsrel=1e-4
        )[0]
        assert whole - inner < float(region.tails[k]) + 1e-3


def test_half_lines_and_intervals():
    domain = Domain.of((x, y), [(1, oo), (-oo, 0)])
    with digits(15):
        region = confine(2 * x - y + sp.sin(x * y), (sp.S.One,), domain, fmpq(2), np.array([1.0, 0.0]), 40.0)
    assert region.low[0] == 1 and region.high[1] == 0 and region.high[0] > 10 and region.low[1] < -20
    assert region.tails[0] < arb(10) ** -10


@pytest.mark.parametrize(
    "potential", [x**2, x**2 - y**2, x**2 + y**3, x**2 + sp.log(1 + y**2), sp.sin(x) + y**2, -sp.exp(y) + x**2 + y**2]
)
def test_no_growth_is_refused(potential):
    with digits(10), pytest.raises(NotCertified):
        confine(potential, (sp.S.One,), PLANE, fmpq(0), np.zeros(2), 40.0)


def test_the_refusal_names_a_direction():
    with digits(10), pytest.raises(NotCertified, match=r"direction \(0, -?1\)"):
        confine(x**2, (sp.S.One,), PLANE, fmpq(0), np.zeros(2), 40.0)


@pytest.mark.parametrize("domain", [[(1, 0), (0, 1)], [(0, 1)], [(0, sp.I), (0, 1)]])
def test_domains_are_intervals(domain):
    with pytest.raises(BadInput):
        Domain.of((x, y), domain)


def test_what_is_nonnegative():
    yes = [
        x**2,
        (x - y) ** 4,
        sp.exp(x),
        sp.cosh(x * y) + x**2,
        sp.log(1 + sp.exp(x)),
        2 * x**2 * sp.exp(y),
        sp.log(sp.cosh(x)),
    ]
    no = [x, x * y, x**3, sp.sin(x), x**2 - 1, sp.log(x), -sp.exp(x), sp.tanh(x)]
    assert all(map(is_nonnegative, yes)) and not any(map(is_nonnegative, no))


numbers = st.fractions(-4, 4, max_denominator=6).map(lambda q: fmpq(q.numerator, q.denominator))
intervals = st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))
powers = st.tuples(st.integers(0, 3), st.integers(0, 3))


def least(p, w):
    """The least value at w of a polynomial with coefficients in the intervals."""
    monomials = {alpha: math.prod((v**e for v, e in zip(w, alpha, strict=True)), start=fmpq(1)) for alpha in p.terms}
    return sum((min(a * monomials[alpha], b * monomials[alpha]) for alpha, (a, b) in p.terms.items()), fmpq(0))


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(powers, intervals, max_size=5), st.sampled_from([fmpq(1), fmpq(1, 32)]), numbers, numbers)
def test_exact_minorants_and_majorants_of_interval_polynomials(terms, absorb, v, w):
    p = IntervalPolynomial(2, terms)
    assert lower_polynomial(p, absorb)(v, w) <= least(p, (v, w))
    above = majorant(p)
    assert all(c > 0 for c in above.coeffs()) and above(abs(v), abs(w)) >= max(-least(p, (v, w)), -least(-p, (v, w)))


@pytest.mark.parametrize(
    ("alpha", "absorb", "touching"),
    [
        ((1, 0), fmpq(1, 32), (32, 1)),  # λw² = 1/λ
        ((3, 2), fmpq(1, 32), (32, 5)),
        ((0, 3), fmpq(1), (7, -1)),
        ((1, 1), fmpq(1, 32), (3, -3)),  # of equal degree: λ = 1
        ((3, 1), fmpq(1, 32), (-2, 2)),
        ((1, 2), fmpq(1, 2), (-2, 3)),
    ],
    ids=str,
)
def test_the_minorant_of_an_odd_monomial_touches_it(alpha, absorb, touching):
    """c w^α ≥ mid·w^α − r (λ w^β + w^γ/λ)/2 with equality where both of its powers are equal; β, γ even."""
    p = IntervalPolynomial(2, {alpha: (fmpq(-1), fmpq(5))})
    found = lower_polynomial(p, absorb)
    for sign in (1, -1):
        at = [fmpq(sign * v) for v in touching]
        assert found(*at) == least(p, at) if alpha != (0, 3) else found(*at) <= least(p, at)
    assert all(not any(e % 2 for e in beta) or beta == alpha for beta in map(tuple, found.monoms()))


def test_exact_coefficients_and_even_monomials_are_kept():
    p = IntervalPolynomial(2, {(1, 0): (fmpq(3), fmpq(3)), (2, 4): (fmpq(-1), fmpq(2)), (0, 0): (fmpq(1), fmpq(2))})
    assert lower_polynomial(p, fmpq(1, 32)).to_dict() == {(1, 0): 3, (2, 4): -1, (0, 0): 1}


@pytest.mark.parametrize("part", [sp.cosh(2 * x), sp.exp(y - x), sp.cosh(x) ** 3, sp.exp(x * y)], ids=str)
def test_taylor_polynomials_lie_below_and_touch(part):
    """1 + g²/2 ≤ cosh g, 1 + n g²/2 ≤ coshⁿ g and 1 + g + g²/2 + g³/6 ≤ e^g, with the contact of their order at g = 0."""
    below = _taylor_below(part)
    for a, b in ((0, 0), (1, 2), (-3, 1), (R(1, 2), R(-7, 3)), (2, 2)):
        assert below.subs({x: a, y: b}) <= part.subs({x: a, y: b})
    s = sp.Symbol("s")
    along = {x: s, y: 2 * s} if part.has(y) else {x: s}
    contact = 4 if isinstance(part, sp.exp) else 3
    assert sp.series((part - below).subs(along), s, 0, contact).removeO() == 0
    assert _taylor_below(sp.tanh(x)) is None and _taylor_below(sp.cosh(x) ** -2) is None and _taylor_below(x**2) is None


def test_a_box_has_no_tail():
    domain = Domain.of((x, y), [(R(1, 4), 2), (-1, 3)])
    with digits(10):
        region = confine(x + y**3, (sp.S.One, x, y), domain, fmpq(0), np.ones(2), 40.0)
    assert region.low.tolist() == [0.25, -1] and region.high.tolist() == [2, 3]
    assert region.tails == (0, 0, 0)


@pytest.mark.parametrize("side", [1, -1])
def test_the_tail_of_a_half_line_times_the_width_of_the_box(side):
    """V = 2σx on σx ≥ 1, y in an interval of length 10⁶: the mass beyond the region, e^{2 − 2·reach}/2·10⁶ at level 2."""
    domain = Domain.of((x, y), [(1, oo) if side > 0 else (-oo, -1), (-5, 10**6 - 5)])
    with digits(10):
        region = confine(2 * side * x, (sp.S.One, 3 * sp.cos(y)), domain, fmpq(2), np.array([side, 0.0]), 6.0)
    reach = region.high[0] if side > 0 else -region.low[0]
    assert (region.low[0] if side > 0 else region.high[0]) == side
    assert 1 < reach < 1e3
    true = 10**6 * math.exp(2 - 2 * reach) / 2
    assert all(float(tail) >= true * size for tail, size in zip(region.tails, (1, 3 * 0.6), strict=True))
    assert float(region.tails[1] / region.tails[0]) == pytest.approx(3, rel=1e-8)


def test_a_sum_with_exponentials_has_the_tail_of_its_terms():
    """cosh x e^{−x²} is ½ e^{x − x²} + ½ e^{−x − x²}: no enclosure of cosh is needed, and no confinement of e^{x} alone."""
    line = Domain.of((x,), None)
    with digits(10):
        region = confine(x**2, (sp.cosh(x), sp.S.One), line, fmpq(0), np.zeros(1), 6.0)
        with pytest.raises(NotCertified):
            confine(x**2, (sp.exp(x**3),), line, fmpq(0), np.zeros(1), 6.0)
    reach = region.high[0]
    assert region.low[0] == -reach
    outside = integrate.quad(lambda s: 2 * math.cosh(s) * math.exp(-(s**2)), reach, reach + 20)[0]
    assert outside < float(region.tails[0])


@pytest.mark.parametrize(
    ("potential", "ends", "direction"),
    [
        (x + y**2, [(0, oo), (-oo, oo)], None),
        (-x + y**2, [(0, oo), (-oo, oo)], r"\(1, 0\) of \(x, y\)"),
        (x - y**2, [(0, oo), (-oo, 0)], r"\(0, -1\) of \(x, y\)"),
        (sp.log(1 + x**2) + y**2, [(-oo, oo), (0, 1)], r"\(-1, 0\) of \(x, y\)"),
    ],
    ids=str,
)
def test_the_direction_that_is_named_lies_in_the_domain(potential, ends, direction):
    domain = Domain.of((x, y), ends)
    with digits(10):
        if direction is None:
            confine(potential, (sp.S.One,), domain, fmpq(0), np.zeros(2), 10.0)
        else:
            with pytest.raises(NotCertified, match=direction):
                confine(potential, (sp.S.One,), domain, fmpq(0), np.zeros(2), 10.0)


def test_logarithms_and_roots_of_unbounded_variables_must_see_positive_numbers():
    for part in (sp.log(x**2), sp.sqrt(x**2 - y), (x + 2) ** R(1, 3)):
        with digits(10), pytest.raises(NotCertified, match="could not be proved positive over the domain"):
            confine(x**4 + y**4 + part, (sp.S.One,), PLANE, fmpq(0), np.zeros(2), 10.0)

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
from numerics.gauss.decay import confine, majorant, minorants
from numerics.gauss.intervals import Domain, Enclosure, is_nonnegative
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

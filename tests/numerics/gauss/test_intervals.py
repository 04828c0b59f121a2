"""Interval polynomials, ranges of functions over bounded and unbounded variables, terms of sums, what is not negative."""

import math

import numpy as np
import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import enclosure
from numerics.errors import NotCertified
from numerics.gauss import gibbs_integrals
from numerics.gauss.domain import Domain
from numerics.gauss.interval_polynomials import IntervalPolynomial
from numerics.gauss.intervals import Enclosure, is_nonnegative, least, split
from numerics.precision import ball, digits
from theory.errors import BadInput

x, y, z = sp.symbols("x y z", real=True)
R, oo = sp.Rational, sp.oo
BOX = Domain.of((x, y), [(R(1, 3), 2), (-2, -1)])
STRIP = Domain.of((x, y), [(-oo, oo), (R(1, 2), 3)])
THIRTY_BITS = 4e-9  # the radius of a ball has 30 bits, so its ends are off by as much

rationals = st.fractions(-4, 4, max_denominator=6).map(lambda q: fmpq(q.numerator, q.denominator))
intervals = st.tuples(rationals, rationals).map(lambda pair: (min(pair), max(pair)))
exponents = st.tuples(st.integers(0, 3), st.integers(0, 3))
polynomials = st.dictionaries(exponents, intervals, max_size=4).map(lambda terms: IntervalPolynomial(2, terms))


def values(p: IntervalPolynomial, w: tuple) -> tuple[fmpq, fmpq]:
    """The least and the largest value of a member of p at w."""
    low = high = fmpq(0)
    for alpha, (a, b) in p.terms.items():
        monomial = math.prod((v**e for v, e in zip(w, alpha, strict=True)), start=fmpq(1))
        low, high = low + min(a * monomial, b * monomial), high + max(a * monomial, b * monomial)
    return low, high


def interval(p: IntervalPolynomial) -> tuple[float, float]:
    found = p.range()
    assert found is not None
    return float(arb(found[0])), float(arb(found[1]))


@settings(max_examples=20, deadline=None)
@given(polynomials, polynomials, st.integers(0, 4), rationals, rationals, st.floats(0, 1), st.floats(0, 1))
def test_members_of_the_operands_give_members_of_the_result(p, q, n, v, w, s, t):
    """g ∈ p and h ∈ q with coefficients anywhere in the intervals: g + h, g h, −g, gⁿ at a point."""
    at = (v, w)
    s, t = (fmpq(*u.as_integer_ratio()) for u in (s, t))
    g = sum(values(IntervalPolynomial(2, {a: ((1 - s) * c + s * d,) * 2}), at)[0] for a, (c, d) in p.terms.items())
    h = sum(values(IntervalPolynomial(2, {a: ((1 - t) * c + t * d,) * 2}), at)[0] for a, (c, d) in q.terms.items())
    for result, value in ((p + q, g + h), (p * q, g * h), (-p, -g), (p.power(n), g**n if n else fmpq(1))):
        low, high = values(result, at)
        assert low <= value <= high


def test_exact_polynomials_are_computed_exactly():
    """Point intervals: the product and the powers of sympy; terms that cancel are gone."""
    first, second = 2 * x**2 * y - x + R(1, 3), x + 3 * y**2

    def of(expr) -> IntervalPolynomial:
        terms = {alpha: fmpq(int(c.p), int(c.q)) for alpha, c in sp.Poly(expr, x, y).terms()}
        return IntervalPolynomial(2, {alpha: (c, c) for alpha, c in terms.items()})

    assert (of(first) * of(second)).terms == of(sp.expand(first * second)).terms
    assert of(first).power(3).terms == of(sp.expand(first**3)).terms
    assert (of(first) + -of(first)).terms == {}
    assert (-of(second)).terms == of(-second).terms


def test_even_powers_of_one_term_are_tight():
    """[−2, 1]² = [0, 4], [−2, 1]³ = [−8, 1], [1, 2]² = [1, 4], [−2, −1]² = [1, 4]; x³ becomes x⁶."""

    def power(a: int, b: int, n: int):
        ((alpha, (low, high)),) = IntervalPolynomial(2, {(3, 1): (fmpq(a), fmpq(b))}).power(n).terms.items()
        assert alpha == (3 * n, n)
        return int(low), int(high)

    assert power(-2, 1, 2) == (0, 4) and power(-2, 1, 3) == (-8, 1)
    assert power(1, 2, 2) == power(-2, -1, 2) == (1, 4) and power(-3, -2, 3) == (-27, -8)


def test_the_infimum_is_the_constant_where_the_rest_is_even_and_positive():
    def infimum(terms: dict):
        return IntervalPolynomial(2, {a: (fmpq(c), fmpq(c) + 1) for a, c in terms.items()}).infimum()

    assert infimum({(0, 0): -3, (2, 0): 1, (2, 4): 0}) == -3
    assert infimum({(2, 2): 1}) == 0 and infimum({}) == 0
    assert infimum({(0, 0): 5, (1, 1): 1}) is None  # odd in both
    assert infimum({(2, 1): 1}) is None and infimum({(1, 2): 1}) is None
    assert infimum({(0, 0): 5, (2, 0): -1}) is None
    assert IntervalPolynomial(2, {(0, 1): (fmpq(1), fmpq(1))}).range() is None
    assert IntervalPolynomial(2, {}).range() == (0, 0)


MONOTONE = [sp.exp, sp.tanh, sp.erf, sp.atan]


@pytest.mark.parametrize("function", MONOTONE, ids=str)
def test_monotone_functions_of_bounded_variables_have_their_exact_range(function):
    """f(x) on [1/3, 2] and f(y) on [−2, −1], the ends by sympy."""
    with digits(15):
        enclosure = Enclosure(BOX)
        for v, (a, b) in ((x, (R(1, 3), 2)), (y, (-2, -1))):
            low, high = interval(enclosure(function(v)))
            assert low == pytest.approx(float(function(a)), abs=THIRTY_BITS * 8) and low <= float(function(a)) + 1e-16
            assert high == pytest.approx(float(function(b)), abs=THIRTY_BITS * 8) and high >= float(function(b)) - 1e-16


@pytest.mark.parametrize(
    "function",
    [sp.sin, sp.cos, sp.sech, sp.erfc, sp.cosh, sp.sinh, sp.asinh, sp.log, sp.sqrt, lambda v: v**-3],
    ids=lambda function: function.__name__,
)
def test_ranges_over_bounded_variables_hold_the_values(function):
    """At samples of [1/3, 2], and at most three times as wide as they are spread."""
    samples = [float(function(R(1, 3) + R(k, 12))) for k in range(21)]
    with digits(15):
        low, high = interval(Enclosure(BOX)(function(x)))
    assert low <= min(samples) and max(samples) <= high
    spread = max(max(samples) - min(samples), max(map(abs, samples)) / 3)
    assert high - low < 8 * spread


@pytest.mark.parametrize(
    ("expr", "low", "high"),
    [
        (sp.tanh(x), -1, 1), (sp.erf(x), -1, 1), (sp.erfc(x), 0, 2), (sp.sech(x), 0, 1), (sp.sin(x), -1, 1),
        (sp.cos(x * y), -1, 1), (sp.atan(x), -math.pi / 2, math.pi / 2), (sp.exp(-(x**2) + 1), 0, math.e),
        (sp.exp(-(x**2) - y), 0, math.exp(-0.5)), ((x**2 + 4) ** -1, 0, 0.25), ((x**2 + 4) ** R(-3, 2), 0, 0.125),
        ((2 + sp.tanh(x)) ** -2, 0, 1), (sp.exp(sp.tanh(x)), math.exp(-1), math.e), (sp.sin(3), math.sin(3), math.sin(3)),
    ],
    ids=str,
)  # fmt: skip
def test_functions_of_a_line_have_their_own_bounds(expr, low, high):
    """1/2 ≤ y ≤ 3, x ∈ R: the range of the function by the bounds of its argument, and no wider."""
    with digits(15):
        found = interval(Enclosure(STRIP)(expr))
    assert found == pytest.approx((low, high), abs=8 * THIRTY_BITS)


def test_what_grows_is_enclosed_by_polynomials():
    """√(1 + x²) ∈ [0, 1]·(2 + x²); log(4 + x²) ∈ log 4 + [0, 1]·x²/4; |asinh x| ≤ |x|."""
    with digits(15):
        enclosure = Enclosure(STRIP)
        root, log, inverse = (enclosure(f) for f in (sp.sqrt(1 + x**2), sp.log(4 + x**2), sp.asinh(x)))
    assert root.terms == {(0,): (0, 2), (2,): (0, 1)}
    assert log.terms[2,] == (0, fmpq(1, 4)) and set(log.terms) == {(0,), (2,)}
    assert [float(arb(end)) for end in log.terms[0,]] == pytest.approx([math.log(4)] * 2)
    assert inverse.terms == {(1,): (-1, 1)}


def test_half_lines_are_squares():
    """x = 1 + s², y = 1/2 − s²; irrational ends are enclosed."""
    enclosure = Enclosure(Domain.of((x, y, z), [(1, oo), (-oo, R(1, 2)), (sp.sqrt(2), sp.pi)]))
    assert enclosure.count == 2
    assert enclosure(x).terms == {(0, 0): (1, 1), (2, 0): (1, 1)}
    assert enclosure(y).terms == {(0, 0): (fmpq(1, 2), fmpq(1, 2)), (0, 2): (-1, -1)}
    low, high = interval(enclosure(z))
    assert low <= math.sqrt(2) < low + 1e-8 and high - 1e-8 < math.pi <= high
    assert enclosure(x * y).terms == {
        (0, 0): (fmpq(1, 2), fmpq(1, 2)), (2, 0): (fmpq(1, 2), fmpq(1, 2)), (0, 2): (-1, -1), (2, 2): (-1, -1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("expr", "low"),
    [
        (3 + x**2 + sp.exp(x), 3),  # e^x ≥ 0, though it has no enclosure
        (2 + 5 * x**2 * sp.exp(x), 2),
        (sp.cosh(x) * 2 - 1 + sp.exp(y), math.exp(0.5) + 1),
        (sp.pi * sp.cosh(x * y) ** 3 - 2, math.pi - 2),
        (2 * sp.cosh(y), 2),  # by its exponentials on [1/2, 3] it is 0.85 at least
        (2 * sp.log(2 + sp.cosh(x)) + sp.sqrt(4 + sp.exp(x)), 2 * math.log(3) + 2),
        (sp.exp(-(x**2)) - 4, -4),
        (-sp.tanh(x) + y, -0.5),
        (x**2 - sp.cos(x), -1),
        ((x - y) ** 2 + 1, 1),
        (sp.S(7), 7),
    ],
    ids=str,
)
def test_infima_of_sums_are_sums_of_infima(expr, low):
    with digits(15):
        found = Enclosure(STRIP).infimum(expr)
    assert found is not None and float(arb(found)) == pytest.approx(low, abs=8 * THIRTY_BITS)


@pytest.mark.parametrize("expr", [x, -(x**2), x**3 + x**2, -sp.exp(x), x * sp.exp(x), x**2 - x * y], ids=str)
def test_what_has_no_infimum_has_none(expr):
    with digits(15):
        assert Enclosure(STRIP).infimum(expr) is None


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        (sp.exp(x), "grows over the domain"),
        (sp.cosh(x), "no bound"),
        (sp.tan(x), "no bound"),
        (1 / x, "proved positive"),
        (sp.sqrt(x), "proved positive"),
        (sp.sqrt(y - 1), "proved positive"),
        (y ** sp.sqrt(2), "proved positive"),
        (sp.log(x**2), "its logarithm needs it"),
        (sp.log(y - R(1, 2)), "its logarithm needs it"),
        (sp.log(3 + sp.exp(x) - sp.exp(-(x**2))), "no bound of log"),  # a negative multiple
        (sp.log(1 + sp.exp(x) * (1 + x**2)), "no bound of log"),  # a multiple that grows
    ],
    ids=str,
)
def test_what_has_no_enclosure_is_refused(expr, reason):
    with digits(15), pytest.raises(NotCertified, match=reason):
        Enclosure(STRIP)(expr)


@pytest.mark.parametrize("end", [R(1, 3), sp.sqrt(2), sp.pi, R(-1, 7), -sp.E, R(3, 8), 5, R(1, 10**20)], ids=str)
def test_ends_are_rounded_outward_by_a_unit_or_two(end):
    with digits(40):
        (low,), (high,) = (part.tolist() for part in Domain.of((x,), [(end, end + 1)]).float_ends())
        exact, above = ball(end), ball(end + 1)
        assert arb(low) <= exact and above <= arb(high)
        assert (arb(low) == exact) == (end in (R(3, 8), 5))
        assert exact < arb(math.nextafter(math.nextafter(low, 9e9), 9e9))
        assert above > arb(math.nextafter(math.nextafter(high, -9e9), -9e9))


def test_domains_know_their_unbounded_variables():
    domain = Domain.of((x, y, z), [(0, oo), (0, 1), (-oo, oo)])
    assert domain.unbounded == [0, 2]
    low, high = domain.float_ends()
    assert low.tolist() == [0, 0, -math.inf] and high.tolist() == [math.inf, 1, math.inf]
    assert domain.without([x]) == Domain((y, z), (domain.ends[1], domain.ends[2]))
    assert Domain.of((x, y), None).ends == ((-oo, oo),) * 2
    for bad in ([(0, 0), (0, 1)], [(0, 1)] * 3, [(0, 1), (2, sp.nan)]):
        with pytest.raises(BadInput):
            Domain.of((x, y), bad)


@pytest.mark.parametrize(
    ("expr", "terms"),
    [
        (2 * (x + 3 * (y + 1)), {(2, x), (6, y), (6, 1)}),
        (x * (y + 1), {(1, x * y), (1, x)}),
        (-5 * (x - 2 * y) ** 2 + 4, {(-5, (x - 2 * y) ** 2), (4, 1)}),
        ((x + 1) * sp.exp(y) / 2, {(R(1, 2), (x + 1) * sp.exp(y))}),
        (sp.pi * sp.tanh(x) - y / 3, {(sp.pi, sp.tanh(x)), (-R(1, 3), y)}),
        (sp.S(5), {(5, 1)}),
        (sp.Mul(3, sp.Add(x, 2), sp.Add(x, -1), evaluate=False), {(3, x**2), (3, x), (-6, 1)}),
        (sp.Mul(3, sp.Add(2 * x, 5), evaluate=False), {(6, x), (15, 1)}),
    ],
    ids=lambda value: f"{len(value)} terms" if isinstance(value, set) else str(value),
)
def test_sums_are_taken_apart_and_squares_kept(expr, terms):
    assert set(split(expr)) == terms
    assert sp.expand(sum(c * g for c, g in split(expr)) - expr) == 0


@pytest.mark.parametrize(
    "expr",
    [
        sp.S(0), sp.S(3), x**-2, (x * y) ** 2, (x**2 + 1) ** 3, (x**2 + y**4) ** -1, sp.sech(x), sp.erfc(x),
        sp.sqrt(x), x ** R(-1, 3), sp.exp(x) * y**2 + 2 * sp.cosh(x), sp.log(2 + x**2), sp.log(1 + x**2 * sp.exp(y)),
        sp.log(sp.cosh(x)) * x**2, 3 * (x - 1) ** 2 + (sp.exp(x) + 1) ** 5,
    ],
    ids=str,
)  # fmt: skip
def test_what_is_nonnegative_is_known(expr):
    assert is_nonnegative(expr)


@pytest.mark.parametrize(
    ("expr", "low"),
    [
        (sp.cosh(x) + 2 * sp.cosh(y) - 5, -2), (sp.cosh(x) ** 2 * (3 + x**2), 3), ((2 + y**2) ** R(3, 2), 2 * sp.sqrt(2)),
        (sp.log(2 + x**4), sp.log(2)), ((1 + sp.exp(x)) ** -2, 0), (sp.exp(x) * sp.sech(y), 0), (sp.pi * x**2 - sp.E, -sp.E),
        ((sp.cosh(x) - 3) ** 2, 0), (sp.sqrt(sp.cosh(x) - 1), 0), (2**x, 0), ((1 + x**2) ** y, 0),
    ],
    ids=str,
)  # fmt: skip
def test_what_lies_below_all_values(expr, low):
    """The bound that the rules promise, and values at random places above it."""
    assert least(expr) == low
    f = sp.lambdify((x, y), expr, "numpy")
    values = f(*np.random.default_rng(0).normal(scale=3, size=(2, 10**4)))
    assert np.all(values >= float(low) * (1 + 1e-12) - 1e-12)


@pytest.mark.parametrize(
    "expr", [sp.cosh(x) - x, -sp.cosh(x), sp.log(sp.exp(x)), (sp.cosh(x) - 2) ** 3, x * sp.cosh(x)], ids=str
)
def test_what_has_no_bound_by_these_rules(expr):
    assert least(expr) is None


@pytest.mark.parametrize(
    "expr",
    [
        sp.S(-1), x**-1, (x + 1) ** 3, -(x**2), x**2 - sp.exp(-x), sp.log(R(1, 2) + x**2), sp.log(1 + x),
        sp.log(2 - x**2), sp.log(x**2), sp.exp(x) * y, sp.erf(x), sp.asinh(x), x**2 + y, sp.log(sp.cosh(x) - 1),
    ],
    ids=str,
)  # fmt: skip
def test_what_may_be_negative_is_not_said_to_be_nonnegative(expr):
    assert not is_nonnegative(expr)


def test_a_root_of_a_bounded_variable_may_stand_beside_an_unbounded_one():
    """∫∫ exp(−x⁴ + x √(1 + y)) dx dy over R × [0, 1] is ∫ e^{−x⁴} (∫_1^{√2} 2s e^{xs} ds) dx."""
    s, line = sp.Symbol("s"), (-oo, oo)
    with digits(12):
        (value,) = gibbs_integrals(x**4 - x * sp.sqrt(1 + y), (1,), (x, y), 1, domain=[line, (0, 1)]).unscaled()
        (other,) = gibbs_integrals(x**4 - x * s, (2 * s,), (x, s), 1, domain=[line, (1, sp.sqrt(2))]).unscaled()
    assert value.overlaps(other) and value.rel_accuracy_bits() > 36


def test_logarithms_of_cosh_beside_another_variable():
    """(log cosh x + x²/9) + (1 − cos y + y²/4): the product of two integrals on the line; cosh^−2 of a product in the integrand."""
    along, across = sp.log(sp.cosh(x)) + x**2 / 9, 1 - sp.cos(y) + y**2 / 4
    with digits(12):
        both, over = gibbs_integrals(along + across, (1, sp.cosh(x * y) ** -2), (x, y), 3).unscaled()
        one, two = (enclosure.gibbs_integrals(loss, (1,), v, 3).unscaled()[0] for loss, v in ((along, x), (across, y)))
        assert both.overlaps(one * two) and both.rel_accuracy_bits() > 36
    f = sp.lambdify((x, y), sp.exp(-3 * (along + across)) / sp.cosh(x * y) ** 2, "numpy")
    u = np.linspace(-12, 12, 1201)  # the trapezoidal rule, exponentially accurate here
    assert float(over.mid()) == pytest.approx(f(*np.meshgrid(u, u)).sum() * (u[1] - u[0]) ** 2, rel=1e-9)

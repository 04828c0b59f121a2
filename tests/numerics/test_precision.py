"""Precision scopes, balls of exact expressions, agreement: against mpmath, which shares no code with Arb."""

from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from flint import arb, ctx, fmpq, fmpz
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.precision import (
    FUNCTIONS,
    GUARD_BITS,
    agreeing_digits,
    ball,
    current_digits,
    digits,
    expression,
    rational,
)
from theory.errors import BadInput

R = sp.Rational
EXPRESSIONS = [
    (sp.gamma(R(1, 4)), lambda: mpmath.gamma(mpmath.mpf(1) / 4)),
    (sp.sqrt(2) * sp.pi ** R(1, 3), lambda: mpmath.sqrt(2) * mpmath.cbrt(mpmath.pi)),
    (sp.log(2) - sp.EulerGamma, lambda: mpmath.log(2) - mpmath.euler),
    (sp.zeta(3), lambda: mpmath.zeta(3)),
    (sp.polygamma(2, R(1, 3)), lambda: mpmath.polygamma(2, mpmath.mpf(1) / 3)),
    (sp.zeta(3, R(1, 4)), lambda: mpmath.zeta(3, mpmath.mpf(1) / 4)),
    (sp.tanh(R(1, 3)) + sp.erf(1), lambda: mpmath.tanh(mpmath.mpf(1) / 3) + mpmath.erf(1)),
    (sp.besselk(1, 3), lambda: mpmath.besselk(1, 3)),
    (sp.Catalan * sp.GoldenRatio, lambda: mpmath.catalan * mpmath.phi),
    (sp.Rational(1, 3) ** R(5, 7), lambda: (mpmath.mpf(1) / 3) ** (mpmath.mpf(5) / 7)),
]


def test_scopes_nest_and_restore():
    before = ctx.prec
    with digits(30):
        assert current_digits() == 30
        with digits(10):
            assert current_digits() == 10
        assert current_digits() == 30
        with pytest.raises(ZeroDivisionError), digits(70):
            raise ZeroDivisionError
        assert current_digits() == 30
    assert ctx.prec == before


@pytest.mark.parametrize(("expr", "value"), EXPRESSIONS, ids=lambda e: str(e)[:20])
def test_balls_contain_the_value_and_are_narrow(expr, value):
    with mpmath.workdps(80), digits(40):
        b = ball(expr)
        with digits(80):
            truth = arb(mpmath.nstr(value(), 75))
            assert b.contains(truth)
        assert b.rel_accuracy_bits() > 38 * 3.33


@pytest.mark.parametrize(
    "bad",
    [sp.Symbol("x"), sp.log(-1), sp.I, sp.zoo, sp.Function("g")(1), sp.Float("0.1"), sp.nan, sp.sqrt(-2)],
    ids=str,
)
def test_what_is_not_a_real_number_is_refused(bad):
    with pytest.raises(BadInput):
        ball(bad)


@given(st.fractions())
def test_rational_is_exact(q):
    value = rational(q)
    assert Fraction(int(value.p), int(value.q)) == q


def test_floats_pass_only_where_they_are_what_they_say():
    assert rational(0.375) == rational(Fraction(3, 8))
    with pytest.raises(BadInput, match="1/10"):
        rational(0.1)


@pytest.mark.parametrize("n", [0, -1, 0.99, 100_001, 10**6, float("nan")])
def test_silly_precisions_are_refused(n):
    with pytest.raises(BadInput), digits(n):
        pass


@pytest.mark.parametrize("n", [1, 2, 15, 16, 333, 100_000])
def test_a_scope_has_the_least_bits_that_hold_its_digits(n):
    """2^{p−1} < 10^n ≤ 2^p beside the guard bits, and the digits come back from the bits."""
    with digits(n):
        p = ctx.prec - GUARD_BITS
        assert 2 ** (p - 1) < 10**n <= 2**p
        assert current_digits() == n


def test_a_precision_below_the_guard_bits_has_one_digit():
    with ctx.workprec(20):
        assert current_digits() == 1
    with ctx.workprec(GUARD_BITS + 7):  # 2⁷ > 10², and 2⁶ < 10²
        assert current_digits() == 2
    with ctx.workprec(GUARD_BITS + 6):
        assert current_digits() == 1


ARGUMENTS = {
    sp.log: (R(3, 7),), sp.coth: (R(2, 3),), sp.asin: (R(-1, 3),), sp.acos: (R(-1, 3),), sp.acosh: (R(7, 3),),
    sp.atanh: (R(-2, 3),), sp.beta: (R(1, 3), R(5, 2)), sp.polygamma: (3, R(2, 3)), sp.zeta: (R(5, 2),),
    sp.polylog: (R(5, 2), R(-1, 3)), sp.besseli: (2, R(3, 2)), sp.besselj: (R(1, 3), R(3, 2)), sp.besselk: (R(1, 2), R(3, 2)),
    sp.lowergamma: (R(5, 3), R(3, 2)), sp.uppergamma: (R(5, 3), R(3, 2)), sp.Abs: (-sp.pi,), sp.factorial: (R(7, 2),),
}  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_every_function_is_the_one_of_its_name(function):
    """At a point where no two of them agree, against the evaluation of sympy and mpmath."""
    tree = function(*ARGUMENTS.get(function, (R(5, 3),)), evaluate=False)
    with digits(30):
        value = ball(tree)
        assert value.rel_accuracy_bits() > 28 * 3.33
    with digits(70):
        assert value.overlaps(arb(str(sp.N(tree, 65))))


class Written(sp.Function):
    """A function that stays as it is written, under a name of its own."""


def test_second_arguments_count():
    with digits(30):
        assert ball(sp.log(5, 3, evaluate=False)).overlaps(ball(sp.log(5) / sp.log(3)))
        assert ball(sp.zeta(3, R(1, 4))).rel_accuracy_bits() > 90
        assert agreeing_digits(ball(sp.polylog(2, R(1, 2))), sp.pi**2 / 12 - sp.log(2) ** 2 / 2) >= 29
        assert agreeing_digits(ball(sp.polylog(2, 1, evaluate=False)), sp.pi**2 / 6) >= 29
    for s, z in ((2, 3), (2, R(3, 2)), (1, 1)):
        with pytest.raises(BadInput, match="not a finite real"):
            ball(sp.polylog(s, z, evaluate=False))
    with pytest.raises(BadInput, match="no rule"):
        ball(Written(2))


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        (sp.Pow(R(3, 2), -3, evaluate=False), R(8, 27)),
        (sp.Pow(-2, 3, evaluate=False), -8),
        (sp.Pow(R(9, 4), R(1, 2), evaluate=False), R(3, 2)),
        (sp.Pow(R(9, 4), R(-3, 2), evaluate=False), R(8, 27)),
        (sp.exp(sp.log(7), evaluate=False), 7),
        (sp.Pow(sp.E, sp.log(R(1, 3)), evaluate=False), R(1, 3)),
        (sp.Mul(3, R(-1, 6), evaluate=False), R(-1, 2)),
        (sp.Add(R(1, 3), R(1, 6), evaluate=False), R(1, 2)),
    ],
    ids=str,
)
def test_powers_sums_and_products_of_rationals(tree, value):
    with digits(30):
        found = ball(tree)
        assert agreeing_digits(found, value) >= 29
    with digits(60):
        assert found.overlaps(ball(value))


def test_balls_and_whole_numbers_pass_as_they_are():
    wide = arb(2, 0.5)
    assert ball(wide) is wide
    for seven in (7, fmpz(7), fmpq(7), sp.Integer(7), 7.0, Fraction(7)):
        assert ball(seven) == 7 and ball(seven).is_exact()


@pytest.mark.parametrize("text", ["1/2", "x", ""])
def test_text_is_no_expression(text):
    for reader in (expression, rational, ball):
        with pytest.raises(BadInput, match="not the text"):
            reader(text)


def test_what_sympy_does_not_understand_is_no_expression():
    with pytest.raises(BadInput, match="not an expression"):
        expression(object())
    with pytest.raises(BadInput, match="None was given"):
        expression(None)
    assert expression(3) == sp.Integer(3) and expression(sp.pi) is sp.pi


@pytest.mark.parametrize(
    "bad", [sp.pi, sp.oo, sp.nan, sp.zoo, sp.Symbol("x"), float("inf"), float("nan"), [1]], ids=str
)
def test_what_is_no_rational_number_is_refused(bad):
    with pytest.raises(BadInput):
        rational(bad)


@settings(max_examples=30, deadline=None)
@given(st.integers(-(2**40), 2**40), st.integers(0, 20))
def test_a_float_that_prints_as_what_it_is_passes(numerator, power):
    """A dyadic number passes where its printed digits are the number, and is refused where they are not."""
    value = numerator / 2**power
    printed = sp.Rational(str(sp.Float(value)))
    if printed == R(numerator, 2**power):
        assert rational(value) == fmpq(numerator, 2**power)
    else:
        with pytest.raises(BadInput, match="stands for"):
            rational(value)


def test_agreeing_digits_counts():
    with digits(30):
        assert agreeing_digits(arb("3.14159") - arb(0), sp.pi) == 6
        assert agreeing_digits(ball(sp.pi), sp.pi) >= 30
        assert agreeing_digits(arb(2), 1) == 0
        assert agreeing_digits(arb(1), 1) == 30
        assert agreeing_digits(arb("1e-9"), 0) in (8, 9)
        assert agreeing_digits(arb(1, 0.01), arb(1, 0.01)) == 1
        assert agreeing_digits(arb("nan"), 1) == 0
        assert agreeing_digits(arb(-3) / 1000, R(-3, 1000)) >= 30


@settings(max_examples=40, deadline=None)
@given(st.integers(-(10**6), 10**6).filter(bool), st.integers(1, 25), st.sampled_from([-1, 1]))
def test_agreement_is_the_relative_difference(size, power, sign):
    """|v − r|/|r| = 1.01·10^{−k}: k − 1 digits; 0.99·10^{−k}: k digits; whatever the sign and the size of r."""
    with digits(40):
        for share, expected in ((R(101, 100), power - 1), (R(99, 100), power)):
            value = ball(R(size, 7) * (1 + sign * share / 10**power))
            assert agreeing_digits(value, R(size, 7)) == expected


def test_agreement_with_zero_is_absolute():
    with digits(30):
        for reference in (0, arb(0, 1e-40)):
            assert agreeing_digits(ball(R(99, 10**8)), reference) == 6
            assert agreeing_digits(ball(R(-99, 10**8)), reference) == 6

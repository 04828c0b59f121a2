"""Precision scopes, balls of exact expressions, agreement: against mpmath, which shares no code with Arb."""

from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from numerics.precision import agreeing_digits, ball, current_digits, digits, rational
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


@pytest.mark.parametrize("n", [0, -1, 10**6, float("nan")])
def test_silly_precisions_are_refused(n):
    with pytest.raises(BadInput), digits(n):
        pass


def test_agreeing_digits_counts():
    with digits(30):
        assert agreeing_digits(arb("3.14159") - arb(0), sp.pi) == 6
        assert agreeing_digits(ball(sp.pi), sp.pi) >= 30
        assert agreeing_digits(arb(2), 1) == 0
        assert agreeing_digits(arb(1), 1) == 30
        assert agreeing_digits(arb("1e-9"), 0) in (8, 9)
        assert agreeing_digits(arb(1, 0.01), arb(1, 0.01)) == 1

"""Laurent series in ε against mpmath's Taylor coefficients and against identities."""

import mpmath as mp
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.zeta.series import Laurent, add, gamma, gamma_value, multiply, polygamma, power, reciprocal

R = sp.Rational
rationals = st.builds(R, st.integers(-9, 9), st.sampled_from([1, 2, 3, 4, 6]))


def number(value: sp.Expr) -> mp.mpf:
    return mp.mpf(str(sp.N(value, 40)))


@settings(max_examples=20, deadline=None)
@given(rationals, rationals.filter(bool))
def test_gamma_against_mpmath(a: sp.Rational, b: sp.Rational) -> None:
    """ε^order Γ(a + bε) at 0: by a contour of mpmath's Γ."""
    found = gamma(a, b, 4)
    with mp.workdps(30):
        away = min(abs(a + n) for n in range(12) if a + n != 0)  # the next pole of Γ
        radius = number(min(away, 1)) / (3 * abs(number(b)))

        def f(e):
            return mp.gamma(number(a) + number(b) * e) * e**found.order

        points = [radius * mp.expjpi(mp.mpf(2 * k + 1) / 48) for k in range(48)]
        for j, c in enumerate(found.coefficients):
            expected = mp.fsum(f(e) / e**j for e in points) / 48
            assert abs(expected - number(c)) < mp.mpf(10) ** -18 * (1 + abs(expected))


@settings(max_examples=40, deadline=None)
@given(rationals.filter(lambda a: not (a.is_integer and a <= 0)), st.integers(0, 3))
def test_gamma_and_polygamma_at_rational_points(a: sp.Rational, n: int) -> None:
    with mp.workdps(30):
        assert mp.almosteq(number(gamma_value(a)), mp.gamma(number(a)), mp.mpf(10) ** -25)
        assert abs(number(polygamma(n, a)) / mp.psi(n, number(a)) - 1) < mp.mpf(10) ** -20


def test_equal_constants_look_equal() -> None:
    assert polygamma(0, R(1, 2)) == -2 * sp.log(2) - sp.EulerGamma
    assert sp.expand(polygamma(0, R(5, 4)) - polygamma(0, R(1, 4)) - 4) == 0
    assert gamma_value(R(-3, 4)) == -sp.gamma(R(1, 4)) * R(4, 3)
    assert gamma_value(R(7, 2)) == 15 * sp.sqrt(sp.pi) / 8


def test_products_and_sums_line_up_poles() -> None:
    product = multiply([reciprocal(0, R(2), 3), reciprocal(R(1), R(1), 3)], 3)
    assert product == Laurent(1, (R(1, 2), R(-1, 2), R(1, 2)))
    total = add([Laurent(1, (R(1), R(2), R(3))), Laurent(0, (R(5), R(7), R(9)))], 3)
    assert total == Laurent(1, (1, 7, 10))


@pytest.mark.parametrize(("c", "a", "b"), [(R(2), R(1, 2), R(3)), (sp.Symbol("c", positive=True), R(-1), R(1, 4))])
def test_powers_are_exponentials(c: sp.Expr, a: sp.Rational, b: sp.Rational) -> None:
    e = sp.Symbol("e")
    expected = [sp.diff(c ** (a + b * e), e, j).subs(e, 0) / sp.factorial(j) for j in range(4)]
    assert all(sp.simplify(x - y) == 0 for x, y in zip(power(c, a, b, 4).coefficients, expected, strict=True))

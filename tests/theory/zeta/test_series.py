"""Laurent series in ε against mpmath's Taylor coefficients and against identities."""

import mpmath as mp
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.zeta.series import Laurent, add, cauchy, gamma, gamma_value, multiply, polygamma, power, reciprocal

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
    gauss = -sp.EulerGamma - sp.pi / (2 * sp.sqrt(3)) - R(3, 2) * sp.log(3)  # his theorem
    assert sp.expand(polygamma(0, R(1, 3)) - gauss) == 0
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


def test_sums_leave_out_what_lies_beyond() -> None:
    """ε^{−3}(1 + 2ε) + (5 + 7ε) to two coefficients, and to five; an empty sum."""
    far, near = Laurent(3, (R(1), R(2))), Laurent(0, (R(5), R(7)))
    assert add([far, near], 2) == add([near, far], 2) == Laurent(3, (1, 2))
    assert add([far, near], 5) == Laurent(3, (1, 2, 0, 5, 7))
    assert add([Laurent(1, (R(1), R(2))), Laurent(2, (R(5),))], 3) == Laurent(2, (5, 1, 2))
    assert add([], 2) == Laurent(0, (0, 0))


def test_products_of_series_of_unequal_length() -> None:
    assert cauchy((R(1), R(2)), (R(3), R(0), R(5)), 5) == (3, 6, 5, 10, 0)
    assert cauchy((R(1), R(2), R(4)), (R(3),), 2) == (3, 6)
    assert multiply([], 3) == Laurent(0, (1, 0, 0))
    assert multiply([Laurent(2, (R(1), R(3)))], 4) == Laurent(2, (1, 3, 0, 0))


@settings(max_examples=20, deadline=None)
@given(rationals, rationals.filter(bool), st.integers(1, 4))
def test_reciprocals_times_their_number_are_one(a: sp.Rational, k: sp.Rational, terms: int) -> None:
    """(α + κε) · 1/(α + κε) = 1 as far as there are terms, a pole where α = 0."""
    found = reciprocal(a, k, terms)
    assert found.order == (1 if a == 0 else 0) and len(found.coefficients) == terms
    product = multiply([Laurent(0, (a, k, *[sp.S.Zero] * terms)), found], terms)
    one = (0, 1, *[0] * terms) if a == 0 else (1, *[0] * terms)
    assert product.coefficients == one[:terms]


def test_orders_of_gamma_poles() -> None:
    """Γ(−2 + 3ε) = 1/(6ε) + (3/2 − γ)/2 + …, by Γ(1 + δ)/(δ(δ−1)(δ−2)); the number of terms is kept."""
    found = gamma(R(-2), R(3), 2)
    assert found.order == 1 and found.coefficients[0] == R(1, 6)
    assert sp.expand(found.coefficients[1] - (R(3, 4) - sp.EulerGamma / 2)) == 0
    assert [len(gamma(R(a), R(1), n).coefficients) for a in (0, 1, 2) for n in (1, 3)] == [1, 3] * 3

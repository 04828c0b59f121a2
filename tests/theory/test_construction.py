"""The rules by which functions are put together, compared part by part with what sympy would write."""

import pytest
import sympy as sp

from theory.construction import apply, power, product, total
from theory.magnitude import Measure

x, y = sp.symbols("x y", real=True)
s, c, f = sp.sin(x), sp.cos(x), sp.exp(x)
half = sp.Rational(1, 2)
plain = Measure().is_plain
ABSOLUTE = sp.Pow(s**2, half, evaluate=False)  # sympy on its own would look at signs and write Abs(sin(x))


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([x, y, x], 2 * x + y),
        ([2 * s, 3 * s], 5 * s),
        ([2 * s, x, -2 * s, 1], x + 1),
        ([s, -s], sp.S.Zero),
        ([s + x, c - s, 3], c + x + 3),
        ([s * c, s * c / 2, f], f + 3 * s * c / 2),
        ([s], s),
        ([], sp.S.Zero),
    ],
)
def test_totals(terms, expected) -> None:
    assert total([sp.sympify(term) for term in terms], plain) == expected


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ([x, y, x], x**2 * y),
        ([0, s], sp.S.Zero),
        ([s], s),
        ([], sp.S.One),
        ([s**2, s, x], x * s**3),
        ([s, s**-1, c], c),
        ([s, s**-1], sp.S.One),
        ([s, s**-1, 7], sp.Integer(7)),
        ([f, sp.exp(y), c], c * sp.exp(x + y)),
        ([f, sp.exp(-x), 2], sp.Integer(2)),
        ([2, s + 1], 2 * s + 2),
        ([-1, s + x], -s - x),
        ([1, s + x], s + x),
        ([x * s, y * s], x * y * s**2),
    ],
)
def test_products(factors, expected) -> None:
    assert product([sp.sympify(factor) for factor in factors], plain) == expected


def test_powers_that_were_left_are_left_in_products() -> None:
    assert set(product([ABSOLUTE, c], plain).args) == {ABSOLUTE, c}


def test_only_a_number_is_multiplied_into_a_sum() -> None:
    assert product([x, s + 1], plain) == x * (s + 1)
    assert set(product([sp.Integer(2), s + 1, c], plain).args) == {2, c, s + 1}
    assert product([s + 1, c + 1], plain) == (s + 1) * (c + 1)


@pytest.mark.parametrize(
    ("base", "exponent", "expected"),
    [
        (x + 1, 3, (x + 1) ** 3),
        (sp.Integer(8), sp.Rational(1, 3), sp.Integer(2)),
        (s, 0, sp.S.One),
        (s, 1, s),
        (s, 2, s**2),
        (f, 3, sp.exp(3 * x)),
        (sp.exp(s), half, sp.exp(s / 2)),
        (2 * x * s, 2, 4 * x**2 * s**2),
        (s**3, 2, s**6),
        (sp.sqrt(s), 2, s),
        (sp.sqrt(s), -4, s**-2),
        (s**2, half, ABSOLUTE),
    ],
)
def test_powers(base, exponent, expected) -> None:
    assert power(base, sp.sympify(exponent), plain) == expected


def test_functions_of_plain_arguments_have_their_values_and_others_are_left() -> None:
    assert apply(sp.cos, sp.pi, plain) == -1
    assert apply(sp.exp, sp.S.Zero, plain) == 1
    left = apply(sp.log, f, plain)
    assert isinstance(left, sp.log) and left.args == (f,)

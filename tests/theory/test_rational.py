"""Lowest terms against `sympy.cancel`, which multiplies out first."""

import pytest
import sympy as sp

from theory.rational import lowest_terms

a, b, c = sp.symbols("a b c")


@pytest.mark.parametrize(
    "expr",
    [
        1 / (a - b) - 1 / (a + b),
        (a**2 - b**2) / (a - b) / 6 + sp.Rational(3, 4) / (1 - a / 2) ** 3,
        (1 / a + 1 / b) / (1 / a - 1 / b),
        -(a**-3) * (b - 1 / c) ** -2,
        sp.Rational(7, 5) + 0 * a,
        sp.sqrt(2) * a / (a**2 - 2) - a / (a - sp.sqrt(2)),
        (sp.log(a) ** 2 - 1) / (sp.log(a) - 1),
        sp.sqrt(a) / a + 1,
    ],
)
def test_lowest_terms_are_those_of_cancel(expr) -> None:
    assert lowest_terms(expr) == sp.cancel(expr)


def test_zero_is_seen_and_what_is_almost_zero_is_not() -> None:
    telescoped = 1 / (a * (a + 1)) - 1 / a + 1 / (a + 1)
    assert lowest_terms(telescoped) == 0
    assert lowest_terms(telescoped + a**9 / 10**9) == a**9 / 10**9

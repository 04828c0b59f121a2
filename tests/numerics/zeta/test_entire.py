"""What counts as entire, and its values at complex points by sympy."""

import pytest
import sympy as sp
from flint import acb, arb, fmpq

from numerics.precision import digits
from numerics.zeta.entire import check_entire, evaluator, is_entire
from theory.errors import BadInput

R = sp.Rational
x, y, z = names = sp.symbols("x y z")

ENTIRE = (
    sp.pi * sp.exp(x), x**3 * y - z / 7, sp.exp(x * y), sp.sin(x + 1) * sp.cos(y), sp.sinh(x) ** 2 + sp.cosh(x - y), sp.erf(x / 2),
    sp.exp(sp.sin(x)) ** 3, (1 + sp.exp(-x)) ** 2 * z, sp.cos(1), x**4 * z**2 + x**4 + x * y**3 + 5, sp.E**2, sp.sqrt(3) / 2, x,
)  # fmt: skip
OTHERS = (
    1 / x, sp.sqrt(x), sp.log(1 + x), sp.tan(x), sp.exp(x) ** -2 + 1 / (1 + x), (1 + sp.exp(x)) ** R(1, 2), 2**x, sp.exp(1 / x),
    x + sp.sqrt(y), x * sp.log(y), sp.sin(sp.sqrt(x)), sp.gamma(x), (1 + x**2) ** -1, x**y,
)  # fmt: skip


@pytest.mark.parametrize("expr", ENTIRE, ids=str)
def test_entire_functions_have_sympys_values(expr) -> None:
    assert is_entire(expr)
    check_entire(expr, names)
    point = {x: R(3, 8) + sp.I / 5, y: R(-2, 3), z: 1 - sp.I}
    with digits(30):
        found = acb(evaluator(expr, names)([acb(fmpq(3, 8), fmpq(1, 5)), acb(fmpq(-2, 3)), acb(1, -1)]))
        for part, value in zip((found.real, found.imag), sp.N(expr.subs(point), 40).as_real_imag(), strict=True):
            assert abs(part - arb(str(value))) < arb("1e-28")
        real = evaluator(expr, names)([arb(fmpq(3, 8)), arb(fmpq(-2, 3)), arb(2)])
        expected = sp.N(expr.subs({x: R(3, 8), y: R(-2, 3), z: 2}), 40)
        assert isinstance(real, arb) and abs(real - arb(str(expected))) < arb("1e-28")


@pytest.mark.parametrize("expr", OTHERS, ids=str)
def test_what_has_poles_or_cuts_is_not_entire(expr) -> None:
    assert not is_entire(expr)
    with pytest.raises(BadInput, match="not built from polynomials"):
        check_entire(expr, names)


def test_entire_functions_must_be_real_and_of_the_charts_variables() -> None:
    with pytest.raises(BadInput, match="not built from"):
        check_entire(x + sp.I, names)
    with pytest.raises(BadInput, match=r"holds \['y', 'z'\]"):
        check_entire(x + y * z, (x,))


def test_gaps_between_powers_are_powers() -> None:
    gaps = evaluator(x**7 * y + x**3 * (2 - y**5) + 4 * x**2, names)([arb(2), arb(3), arb(0)])
    assert gaps == 2**7 * 3 + 2**3 * (2 - 3**5) + 4 * 2**2
    assert evaluator(x**5 * z**2, names)([arb(2), arb(7), arb(3)]) == 2**5 * 9
    assert evaluator(y**2 + y**3, names)([arb(5), arb(2), arb(3)]) == 12


def test_polynomials_need_rational_coefficients() -> None:
    with pytest.raises(BadInput, match="rational number"):
        evaluator(sp.sqrt(2) * x, names)

"""Taylor coefficients in one variable against differentiation and known series."""

import pytest
import sympy as sp

from theory.errors import BadInput
from theory.zeta.taylor import Removable, order_at_zero, taylor

x, y, e = sp.symbols("x y e", real=True)


@pytest.mark.parametrize(
    "f",
    [
        (1 + x + 2 * y) ** (e - sp.Rational(3, 2)),
        sp.exp(x * y) * (2 + x) ** -2,
        sp.cos(x + y) * sp.log(2 + x * y),
        2 ** (x * y) * sp.tanh(1 + x),
        (1 + x * y + sp.sin(x)) ** sp.Rational(1, 3),
        x**2 * sp.exp(x) + y,
    ],
    ids=str,
)
def test_against_derivatives(f: sp.Expr) -> None:
    point = {y: sp.Rational(1, 3), e: sp.Rational(2, 7)}
    for n, c in enumerate(taylor(f, x, 4)):
        expected = sp.diff(f, x, n).subs(x, 0) / sp.factorial(n)
        assert abs(sp.N((c - expected).subs(point), 30)) < sp.Float("1e-25")


def test_a_quotient_that_is_analytic() -> None:
    found = taylor(Removable(sp.tanh(x), x, 1), x, 4)
    assert found == [1, 0, sp.Rational(-1, 3), 0, sp.Rational(2, 15)]
    assert taylor(Removable(sp.sin(x * y), x, 1), x, 2) == [y, 0, -(y**3) / 6]


def test_removable_quotients_scale() -> None:
    quotient = Removable(sp.sin(x), x, 1)
    assert quotient.subs(x, 3 * x) == Removable(sp.sin(3 * x), x, 1) / 3
    assert quotient.subs(x, -x) == Removable(sp.sin(-x), x, 1) / -1
    assert Removable(0, x, 1) == 0
    assert sp.latex(quotient) == r"\frac{\sin{\left(x \right)}}{x}"


@pytest.mark.parametrize(("f", "order"), [(sp.tanh(x) - x, 3), (sp.cos(x), 0), (sp.exp(x**2) - 1, 2), (y, 0)])
def test_orders(f: sp.Expr, order: int) -> None:
    assert order_at_zero(f, x) == order


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (1 / x, "1/x has the factor x**(-1); it has no Taylor series at x = 0"),
        (sp.log(x), "log(x) is not analytic at x = 0; it has no Taylor series there"),
        (x ** sp.Rational(1, 2) * y, "sqrt(x)*y has the factor x**(1/2); it has no Taylor series at x = 0"),
        ((x + x**2) ** sp.Rational(1, 2), "sqrt(x**2 + x) is not analytic at x = 0, where its base vanishes"),
    ],
)
def test_what_is_not_analytic_is_refused(f: sp.Expr, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        taylor(f, x, 2)
    assert str(caught.value) == says

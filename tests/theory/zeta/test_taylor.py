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
        (sp.asin(x - 1), "asin(x - 1) is not analytic at x = 0; it has no Taylor series there"),
        (x ** sp.Rational(1, 2) * y, "sqrt(x)*y has the factor x**(1/2); it has no Taylor series at x = 0"),
        ((x + x**2) ** sp.Rational(1, 2), "sqrt(x**2 + x) is not analytic at x = 0, where its base vanishes"),
    ],
)
def test_what_is_not_analytic_is_refused(f: sp.Expr, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        taylor(f, x, 2)
    assert str(caught.value) == says


def _quotient(e: sp.Expr) -> sp.Expr:
    return e.replace(lambda part: isinstance(part, Removable), lambda part: part.args[0] / part.args[1] ** part.args[2])


@pytest.mark.parametrize("c", [-1, 3, sp.Rational(-2, 5)])
@pytest.mark.parametrize(
    ("f", "m"), [(sp.sin(x) ** 2, 2), (-sp.tanh(x), 1), (sp.tanh(x) - x, 3), (sp.cos(x * y) - 1, 2)]
)
def test_quotients_after_a_change_of_scale(f: sp.Expr, m: int, c: sp.Rational) -> None:
    """f(cx)/(cx)^m at a point, whatever the sign of f, and its value at 0."""
    point = {x: sp.Rational(1, 3), y: sp.Rational(5, 7)}
    moved = Removable(f, x, m).subs(x, c * x)
    assert abs(sp.N((_quotient(moved) - (f / x**m).subs(x, c * x)).subs(point), 25)) < sp.Float("1e-20")
    assert Removable(-sp.tan(x), x, 1) == -Removable(sp.tan(x), x, 1)
    assert Removable(f, x, m).subs(x, 0) == sp.limit(f / x**m, x, 0)


@pytest.mark.parametrize(
    ("f", "upto"),
    [
        ((1 + sp.sqrt(2) * x + y * x**2) ** sp.Rational(-1, 2), 4),
        ((2 + x * y - x**3) ** y, 4),
        ((x + 3 * x**2) ** 3 * (1 + x), 5),
        ((sp.sin(x) + x * y) ** 2, 4),
        (x**5 * sp.exp(x), 3),
        (y ** (x + 1) + sp.pi**x, 3),
        (Removable(sp.sin(x * y), y, 1) * sp.exp(x), 3),
        (sp.log(1 + x) * sp.atan(x + y) / (2 - x), 4),
        (sp.Integer(7), 2),
        (x, 0),
        (x, 3),
    ],
    ids=str,
)
def test_series_of_powers_and_products(f: sp.Expr, upto: int) -> None:
    """As many coefficients as were asked for, each the derivative over the factorial."""
    point, found = {y: sp.Rational(4, 3)}, taylor(f, x, upto)
    assert len(found) == upto + 1
    for n, c in enumerate(found):
        expected = sp.diff(_quotient(f), x, n).subs(x, 0) / sp.factorial(n)
        assert abs(sp.N((_quotient(c) - expected).subs(point), 30)) < sp.Float("1e-25")


def test_coefficients_that_are_zero_are_zero() -> None:
    """Those of sin(xy)/y without x² are no quotient 0/y."""
    assert [c == 0 for c in taylor(Removable(sp.sin(x * y), y, 1), x, 4)] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("f", "order"),
    [
        (sp.log(2 + x) + sp.log(3) - sp.log(6), 1),  # log(1 + x/2)
        (x**2 * sp.exp(x) + sp.sin(1) ** 2 + sp.cos(1) ** 2 - 1, 2),
        (sp.exp(x) * (1 + y) - 1 - y + (sp.log(6) - sp.log(3) - sp.log(2)) * x, 1),
        (sp.cosh(x) - 1 + (sp.log(6) - sp.log(3) - sp.log(2)) * x, 2),
        (sp.log(2 + x) + sp.log(3) - sp.log(5), 0),
    ],
    ids=str,
)
def test_coefficients_that_are_zero_without_being_written_so(f: sp.Expr, order: int) -> None:
    """log 2 + log 3 = log 6 and sin² 1 + cos² 1 = 1, at x⁰ as at x¹."""
    assert order_at_zero(f, x) == order


def test_orders_are_found_up_to_twelve() -> None:
    assert order_at_zero(sp.sin(x**12), x) == 12
    with pytest.raises(BadInput, match="vanishes at x = 0 to an order beyond 12, or identically"):
        order_at_zero(sp.sin(x**13), x)
    with pytest.raises(BadInput, match=r"sin\(x\) does not vanish to order 2 at x = 0; .* has a pole there"):
        taylor(Removable(sp.sin(x), x, 2), x, 1)


def test_quotients_print() -> None:
    assert str(Removable(sp.sin(x), x, 1)) == "(sin(x)/x)"
    assert str(Removable(sp.tanh(x) - x, x, 3)) in ("((-x + tanh(x))/x**3)", "((tanh(x) - x)/x**3)")

"""Constants and functions against mpmath; expressions on tensor grids against the same expressions point by point."""

from itertools import product
from typing import Any

import pytest
import sympy as sp
from flint import arb, ctx

from theory.errors import BadInput
from theory.zeta.balls import FUNCTIONS, ball, evaluator, is_zero, on_axes
from theory.zeta.precision import current_digits, digits, rational
from theory.zeta.taylor import Removable

x, y, z = NAMES = sp.symbols("x y z", real=True)


@pytest.mark.parametrize(
    "f",
    [
        sp.Integer(3),
        y,
        1 + x + 2 * y * z,
        (1 + x**2 * y) ** 3 * z,
        sp.sqrt(1 + x * y) - z ** sp.Rational(1, 3),
        sp.exp(x - y * z) * (1 + x * z / 2),
        sp.cos(y) + sp.tanh(x * y * z),
        1 + x * Removable(sp.tanh(y), y, 1) + Removable(sp.sin(x * z), x, 1),
    ],
)
def test_a_grid_at_once_and_point_by_point(f: sp.Expr) -> None:
    """The last coordinate runs fastest; no radius is larger than rounding makes it."""
    with digits(20):
        axes = [[arb(k + 1) / n for k in range(n)] for n in (3, 5, 4)]
        run, found = evaluator(f, NAMES), on_axes(f, NAMES, axes)
        assert len(found) == 60
        for at, value in zip(product(*axes), found, strict=True):
            assert value.overlaps(run(at))
            assert value.rad() < 1e-18


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f not in (sp.polygamma, sp.acosh)], ids=str)
def test_every_function_has_the_value_that_sympy_gives(function: Any) -> None:
    """At 3/10 and at 7/10."""
    for at in (sp.Rational(3, 10), sp.Rational(7, 10)):
        with digits(25):
            found = evaluator(function(x), (x,))([arb(rational(at))])
            assert abs(found - arb(str(sp.N(function(at), 30)))) < arb(10) ** -24


@pytest.mark.parametrize(
    "value",
    [
        sp.acosh(sp.Rational(13, 10)), sp.polygamma(0, sp.Rational(1, 3)), sp.polygamma(3, sp.Rational(2, 7)),
        sp.zeta(3, sp.Rational(1, 4)), sp.zeta(5), sp.Catalan + sp.EulerGamma / sp.E, sp.pi ** sp.sqrt(2),
        sp.Rational(5, 3) ** sp.Rational(-2, 3), 7 ** sp.Rational(1, 2) - sp.sqrt(3) / 5, sp.log(3) ** -4, sp.log(3) ** 5,
        2 ** sp.pi * sp.gamma(sp.Rational(1, 3)) ** 2,
    ],
    ids=str,
)  # fmt: skip
def test_constants_are_enclosed(value: sp.Expr) -> None:
    with digits(25):
        assert abs(ball(value) / arb(str(sp.N(value, 30))) - 1) < arb(10) ** -24


@pytest.mark.parametrize("coefficients", [(1, 0, -3, 1), (1, 0, 0, 0, -1, -1), (2, -5, -7, 3, 1), (1, 0, 0, 0, 0, -2)])
def test_algebraic_numbers_are_the_roots_of_their_number(coefficients: tuple[int, ...]) -> None:
    """The real ones in increasing order, and those only once the precision has changed."""
    poly = sp.Poly(coefficients, x)
    for n in (15, 30):
        with digits(n):
            for i, root in enumerate(sp.real_roots(poly)):
                assert abs(ball(sp.CRootOf(poly, i)) - arb(str(sp.N(root, n + 5)))) < arb(10) ** (1 - n)


def test_what_is_no_number_is_refused() -> None:
    with digits(20):
        known = arb(3)
        assert ball(known) is known
        with pytest.raises(BadInput, match=r"x \+ y holds the symbols \['x', 'y'\]; give them numbers first"):
            ball(x + y)
        with pytest.raises(BadInput, match="is not a finite real number as far as 19 digits can tell"):
            ball(1 / (sp.sin(1) ** 2 + sp.cos(1) ** 2 - 1))
        with pytest.raises(BadInput, match=r"no evaluation of besselj\(0, 1\) in ball arithmetic is known"):
            ball(sp.besselj(0, 1))


def test_zeros_are_told_from_what_is_nearly_zero() -> None:
    """By the digits of a ball or by an identity; where both fail, one sentence."""
    near = {n: sp.pi - sp.Rational(sp.N(sp.pi, n)) for n in (8, 17, 50, 120)}
    assert not any(is_zero(near[n]) for n in (8, 17, 50))
    with pytest.raises(BadInput, match="could not be decided: its ball contains 0 at 60 digits"):
        is_zero(near[120])
    assert is_zero(sp.sqrt(3) * sp.gamma(sp.Rational(1, 3)) * sp.gamma(sp.Rational(2, 3)) - 2 * sp.pi)
    assert is_zero(3 * sp.gamma(sp.Rational(4, 3)) - sp.gamma(sp.Rational(1, 3)))
    assert is_zero((x + 1) ** 2 - x**2 - 2 * x - 1) and is_zero(sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1)
    assert not is_zero(x) and not is_zero(sp.sin(x) ** 2 - sp.cos(x) ** 2)


VANISHING = [
    (sp.tanh(x), 1), (sp.sin(x) * sp.exp(x), 1), (sp.cosh(x) - 1, 2), (sp.log(1 + x), 1), (sp.sqrt(1 + x) - 1, 1),
    ((2 + x) ** -3 - sp.Rational(1, 8), 1), ((1 + x) ** (y + 1) - 1, 1), (sp.atan(x * y), 1), (sp.tan(x) - x, 3),
    (sp.exp(x * y) - 1 - x * y, 2), (3 * x + sp.pi * x**2, 1), ((1 + x) ** 3 / (1 + x * y) - 1, 1), (2 ** x - 1, 1),
    (x ** 2 * sp.sech(x), 2), (sp.asinh(x), 1), (sp.atanh(x * y), 1), (sp.cot(x + 1) - sp.cot(1), 1),
    (sp.loggamma(1 + x), 1), (sp.erf(x), 1), (sp.asin(x / 2), 1), (sp.gamma(1 + x) - 1, 1), (x * sp.coth(1 + x), 1),
    (x * sp.csch(1 + x), 1), (sp.acosh(2 + x) - sp.acosh(2), 1), (sp.tanh(x**2), 2), (sp.sinh(x**2 + x * y), 1),
]  # fmt: skip


@pytest.mark.parametrize(("f", "m"), VANISHING, ids=str)
@pytest.mark.parametrize("width", [sp.Rational(1, 3), sp.Rational(1, 100)])
def test_quotients_on_a_ball_around_zero(f: sp.Expr, m: int, width: sp.Rational) -> None:
    """f/x^m at points of the ball, and at 0 its limit; the radius falls with that of the ball; the cap of series is put back."""
    quotient, at, before = Removable(f, x, m), sp.Rational(3, 5), ctx.cap
    with digits(20):
        point = [arb(0).union(arb(rational(width))), arb(rational(at))]
        found = evaluator(quotient, (x, y))(point)
        for k in range(5):
            v = k * width / 4
            value = (f / x**m).subs({x: v, y: at}) if k else (sp.diff(f, x, m) / sp.factorial(m)).subs({x: 0, y: at})
            assert found.overlaps(arb(str(sp.N(value, 30))) + arb(0, 1e-25))
        assert found.rad() < 20 * rational(width) or f.has(sp.gamma, sp.loggamma)  # these are wide
    assert ctx.cap == before


def test_quotients_on_a_ball_that_is_too_wide_are_not_finite() -> None:
    """log(1 + x) on [−2, 2], and 1/(1 + 2x) − 1 across its pole, and what has no series: no number, and no error."""
    for f in (sp.log(1 + x), 1 / (1 + 2 * x) - 1, x * sp.polygamma(0, 1 + x)):
        before = ctx.cap
        assert not evaluator(Removable(f, x, 1), (x,))([arb(0, 2)]).is_finite()
        assert ctx.cap == before


def test_the_working_precision_is_a_scope() -> None:
    """n digits or one less inside, at more bits than they need; the old precision afterwards, after an error too."""
    before = ctx.prec
    for n in (1, 10, 15, 33, 60):
        with digits(n):
            assert n - 1 <= current_digits() <= n
            assert 3.33 * n + 20 < ctx.prec < 3.34 * n + 40
        with pytest.raises(ZeroDivisionError), digits(n):
            raise ZeroDivisionError
        assert ctx.prec == before

"""Expressions at points that are balls."""

import mpmath
import pytest
import sympy as sp
from flint import arb

from numerics.kernel.points import on_points, vector
from numerics.precision import digits
from theory.errors import BadInput

x, y = sp.symbols("x y", real=True)
R = sp.Rational
S = sp.S


def test_powers_of_balls_around_zero() -> None:
    """A power of a ball with midpoint 0 must be finite (the library's own power is not)."""
    with digits(20):
        (value,) = on_points(x**2 + 1 / (1 + x) ** 3, (x,), [vector([arb(0, 1e-10)])])
        assert value.contains(1)


EXPRESSIONS = (
    x**2 * y - 3, sp.exp(x) / (2 + y**2), (2 + x) ** sp.pi, (3 + x) ** R(1, 3) * sp.sqrt(y + 4), 2**x, sp.sin(x) * sp.cos(y),
    sp.log(3 + x) ** -2, S(5), sp.E ** (x * y), sp.pi + sp.sqrt(2) * x, (2 + x) ** (y / 2), sp.tanh(x - y),
)  # fmt: skip


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_expressions_on_points_have_the_values_of_mpmath(expr) -> None:
    points = ((0.5, -1.25), (-1.75, 2.0), (0.0, 0.25))
    f = sp.lambdify((x, y), expr, "mpmath")
    with digits(25), mpmath.workdps(30):
        found = on_points(expr, (x, y), [vector([arb(p[a]) for p in points]) for a in range(2)])
        assert found.shape == (3,) and found.dtype == object
        for value, point in zip(found, points, strict=True):
            assert abs(value - arb(mpmath.nstr(mpmath.mpf(f(*map(mpmath.mpf, point))), 28))) < arb("1e-24")


def test_what_has_no_value_on_the_points_is_refused() -> None:
    ys = [vector([arb(0), arb(1)])]
    for expr, words in (
        (1 / x, "not finite at every point"), (sp.log(x - 1), "not finite"), (y + x, "no rule for y"), (sp.floor(x), "no rule"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=words):
            on_points(expr, (x,), ys)

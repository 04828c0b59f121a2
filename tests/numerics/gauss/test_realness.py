"""Integrands that are complex or have poles are refuted at a witness that is what it is said to be; others are let pass."""

import re

import pytest
import sympy as sp

from numerics.errors import NotCertified
from numerics.gauss.intervals import Domain
from numerics.gauss.realness import refuse_complex
from theory.errors import BadInput

x, y = sp.symbols("x y", real=True)
R, oo = sp.Rational, sp.oo
SQUARE, LINE = Domain.of((x, y), [(-1, 1), (0, 1)]), Domain.of((x, y), [(-oo, oo), (0, 1)])


def places(text: str) -> list[dict]:
    """x = …, y = … as they are printed."""
    number = r"(-?[0-9.]+(?:e[+-]?[0-9]+)?)"
    return [
        dict(zip((x, y), map(sp.Float, found), strict=True))
        for found in re.findall(rf"x = {number}, y = {number}", text)
    ]


@pytest.mark.parametrize("domain", [SQUARE, LINE], ids=["square", "line"])
@pytest.mark.parametrize("inner", [x + R(9, 10), (x * y - R(1, 2)) / 1000, R(1, 10) - y, 100 * x - 40])
def test_what_changes_sign_is_refuted(inner, domain: Domain) -> None:
    """However small the values on one side are: a pole needs a point of either sign, a root or a logarithm a negative one."""
    for expr in (1 / inner, inner**-3 + x):
        with pytest.raises(NotCertified, match="pole in the domain") as told:
            refuse_complex([x**2, expr], domain)
        negative, positive = (inner.subs(point) for point in places(str(told.value)))
        assert negative < 0 < positive
    for expr in (sp.sqrt(inner), sp.log(inner) * y, inner ** R(-1, 3)):
        with pytest.raises(BadInput, match="not real") as told:
            refuse_complex([expr, x], domain)
        assert inner.subs(places(str(told.value))[0]) < 0


@pytest.mark.parametrize(
    "expr",
    [
        1 / (x + 2),
        (x**2 + y) ** -1,
        sp.sqrt(x + 1),
        sp.log(3 - x - y),
        (1 + y) ** -2,
        sp.exp(x - 3),
        sp.tan(x) + sp.coth(y + 1),
    ],
)
def test_what_keeps_its_sign_is_let_pass(expr) -> None:
    refuse_complex([expr], SQUARE)


def test_tangents_and_hyperbolic_cotangents_have_poles() -> None:
    """cos 2x changes sign at π/4, sinh(x − ½) at ½."""
    for expr in (sp.tan(2 * x), sp.coth(x - R(1, 2))):
        with pytest.raises(NotCertified, match="pole"):
            refuse_complex([expr], SQUARE)

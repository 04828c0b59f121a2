"""Integrands that are complex or have poles are refuted at a witness that is what it is said to be; others are let pass."""

import re

import numpy as np
import pytest
import sympy as sp

from numerics.errors import NotCertified
from numerics.gauss.domain import Domain
from numerics.gauss.realness import _points, refuse_complex
from theory.errors import BadInput

x, y, z, w = sp.symbols("x y z w", real=True)
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


def test_samples_lie_in_the_domain_and_reach_far() -> None:
    """Intervals are filled but for a thousandth, half lines and lines are sampled near their end and beyond a hundred."""
    domain = Domain.of((x, y, z, w), [(2, 4), (3, oo), (-oo, -1), (-oo, oo)])
    points = _points(domain)
    low, high = points.min(axis=0), points.max(axis=0)
    assert points.shape[1] == 4 and len(points) >= 100
    assert 2 < low[0] < 2.1 and 3.9 < high[0] < 4
    assert 3 < low[1] < 3.1 and high[1] > 100
    assert low[2] < -100 and -1.1 < high[2] < -1
    assert low[3] < -100 and high[3] > 100 and np.abs(points[:, 3]).min() < 0.1


def test_the_most_negative_sample_is_the_witness() -> None:
    """log(x + 9/10): the value that is shown is that at the point that is shown, and near the least one, −1/10."""
    with pytest.raises(BadInput, match=r"log\(x \+ 9/10\) sees x \+ 9/10 = -0\.\d+ at x = ") as told:
        refuse_complex([sp.log(x + R(9, 10))], SQUARE)
    (place,) = places(str(told.value))
    shown = float(re.findall(r"= (-0\.\d+) at", str(told.value))[0])
    assert -0.1 <= shown < -0.09 and abs(float(place[x]) + 0.9 - shown) < 2e-3


@pytest.mark.parametrize(
    "expr",
    [x**2 + sp.log(2) * y, sp.sqrt(3) * x, sp.exp(x), sp.pi**x, sp.tan(1) * x, (-x) ** 2, x**-2 * 0 + y],
    ids=str,
)
def test_constants_and_entire_functions_are_no_conditions(expr) -> None:
    refuse_complex([expr], LINE)

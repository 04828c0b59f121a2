"""Radii that are estimates hold the finer value, and the quadrature, from t = 2 on.

The cases are those where one part of a radius or another is easily too small: units that fall below 1 (the rule along the line
converges slowly, and far along it u^{−s} is steep), half-lines (many pieces), charts with far poles (blocks of the series without
a pole), and the usual ones.
"""

import random

import pytest
import sympy as sp
from flint import arb

from tests.theory.singular.reference import quadrature
from theory.singular import covariance, expectation, partition
from theory.zeta.precision import digits as working

x, y, z = sp.symbols("x y z", real=True)
PLAIN = [
    (x**2 * sp.exp(-3 * x / 2), (x,), "box"),
    (x**4 * sp.exp(-(x**2) / 2), (x,), "symmetric"),
    (x**4 * (2 * x**2 + sp.Rational(3, 2)), (x,), "gaussian"),
    (x**4 * (x + 1), (x,), "box"),
    (x**2 * y**4 * sp.exp(-x - y), (x, y), "box"),
    (x**2 * y**2 * (1 + x + y), (x, y), "box"),
    (x**4 + x * y**2 + y**6, (x, y), "box"),
    (x**4 + x**2 * y + y**4, (x, y), "box"),
]


def ratio(made, t: int, digits: tuple[int, int]) -> arb:
    """|error| over radius, the error against more digits."""
    rough, fine = (made.evaluate(t, d) for d in digits)
    with working(30):
        assert rough.is_finite() and fine.rad() < rough.rad()
        return (abs(rough.mid() - fine.mid()) / (rough.rad() - fine.rad())).mid()


@pytest.mark.parametrize("case", PLAIN, ids=str)
@pytest.mark.parametrize("t", [2, 10**4])
def test_more_digits_lie_in_the_ball(case, t):
    K, variables, domain = case
    assert ratio(partition(K, variables, domain=domain), t, (10, 18)) < 0.5


@pytest.mark.parametrize("t", [2, 100, 10**4])
@pytest.mark.parametrize("case", [case for case in PLAIN if len(case[1]) == 2], ids=str)
def test_quadrature_lies_in_the_ball(case, t):
    """A block of the series without a pole once passed for a remainder of 0: off by 2·10⁻⁶ at t = 100 for x⁴ + xy² + y⁶."""
    K, variables, domain = case
    found = partition(K, variables, domain=domain).evaluate(t, 10)
    assert abs(found.mid() - quadrature(K, sp.S.One, variables, t)) < found.rad() + abs(found) * 1e-12
    assert found.rad() < abs(found) * 1e-9


def test_more_digits_on_half_lines():
    """The plain rules beyond 1 keep their digits, and follow x^{−κs}."""
    Z = partition(x**4 * (2 * x**2 + sp.Rational(3, 2)), (x,), domain="gaussian")
    for digits in (10, 15, 20):
        found = Z.evaluate(2, digits)
        assert found.rad() < abs(found) * arb(10) ** (3 - digits)


def _drawn(seed: int, dimension: int) -> tuple:
    """An observable, and K of one of four kinds, by chance."""
    draw, names = random.Random(f"{seed} {dimension}"), (x, y, z)[:dimension]

    def monomial(high: int) -> sp.Expr:
        return sp.Mul(*(v ** draw.randint(0, high) for v in names))

    kind = ("polynomial", "exponential", "symmetric", "gaussian")[seed % 4]
    power = 1 if kind in ("polynomial", "exponential") else 2
    if kind in ("exponential", "symmetric"):
        unit = sp.exp(sp.Add(*(sp.Rational(draw.randint(-3, 3), 2) * v**power for v in names)))
    else:
        unit = 1 + sum(draw.randint(1, 4) * monomial(2) ** power for _ in range(draw.randint(1, 3)))
    K = sp.Mul(*(v ** (2 * draw.randint(1, 2)) for v in names)) * unit
    return (
        K,
        names,
        {"symmetric": "symmetric", "gaussian": "gaussian"}.get(kind, "box"),
        x * monomial(2),
        x + monomial(1),
    )


@pytest.mark.slow
@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("seed", range(20))
def test_more_digits_lie_in_the_ball_for_drawn_cases(seed, dimension):
    K, names, domain, f, g = _drawn(seed, dimension)
    made = (
        partition(K, names, domain=domain),
        expectation(K, f, names, domain=domain),
        covariance(K, f, g, names, domain=domain),
    )
    for t in (2, 100, 10**4, 10**8) if dimension < 3 else (100, 10**8):
        for each in made if dimension < 3 else made[seed % 3 : seed % 3 + 1]:
            if not each.proved:
                rough, fine = each.evaluate(t, 10), each.evaluate(t, 16)
                with working(30):
                    assert abs(rough.mid() - fine.mid()) <= rough.rad() + fine.rad()

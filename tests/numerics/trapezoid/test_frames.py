"""Shears and flags: exact changes of variables after which the growth shows."""

import pytest
import sympy as sp
from flint import fmpq

from numerics.certificate.witness import Shear
from numerics.trapezoid.frames import flag_basis, simplifying_shears
from numerics.trapezoid.polynomial import terms_of
from numerics.trapezoid.waves import from_sympy

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational


def polynomial(expr, variables) -> dict:
    return {alpha: fmpq(int(c.p), int(c.q)) for alpha, c in sp.Poly(expr, *variables).terms()}


@pytest.mark.parametrize(
    ("loss", "variables", "straight", "shears"),
    [
        # y = v + x²: the banana becomes a Gaussian
        ((y - x**2) ** 2 + x**2 / 4, (x, y), y**2 + x**2 / 4, [Shear(1, (((2, 0), fmpq(1)),))]),
        # z = v + xy, then y = v − x³
        (2 * (z - x * y) ** 2 + (y + x**3) ** 2 + x**2, (x, y, z), 2 * z**2 + y**2 + x**2, None),
        # the affine part of −b/2c stays: (y − x)² is no curved valley
        ((y - x) ** 2 + x**4, (x, y), (y - x) ** 2 + x**4, []),
        ((y - x**2) ** 4 + x**2, (x, y), (y - x**2) ** 4 + x**2, []),
        (x**2 * y**2 + x**4 + y**4, (x, y), x**2 * y**2 + x**4 + y**4, []),
        # a wave along y forbids to move it
        ((y - x**2) ** 2 + x**2 + sp.cos(y), (x, y), None, []),
    ],
)
def test_curved_valleys_are_straightened(loss, variables, straight, shears) -> None:
    field = from_sympy(sp.expand(loss), variables)
    found = simplifying_shears(field)
    assert shears is None or list(found) == shears
    for shear in found:
        field = field.sheared(shear)
    if straight is not None:
        assert terms_of(field.polynomial) == polynomial(sp.expand(straight), variables)


@pytest.mark.parametrize("angle", [R(1, 3), R(-7, 2)])
def test_a_flag_shows_each_power_along_its_own_axis(angle) -> None:
    """u⁶ + v² with u = x + ay, v = y − 2x: in the basis each monomial is a power of one coordinate."""
    u, v = x + angle * y, y - 2 * x
    field = from_sympy(sp.expand(u**6 + v**2), (x, y)).polynomial
    basis = flag_basis(field)
    assert basis is not None
    rows = [[basis[i, j] for j in range(2)] for i in range(2)]
    images = [sum((a * g for a, g in zip(row, field.context().gens(), strict=True)), 0 * field) for row in rows]
    moved = terms_of(field.compose(*images, ctx=field.context()))
    assert (6, 0) in moved and (0, 2) in moved and max(alpha[1] for alpha in moved) == 2
    assert flag_basis(from_sympy(x**2, (x, y)).polynomial) is None

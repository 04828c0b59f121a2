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


def moved(field, basis, d: int) -> dict:
    rows = [[basis[i, j] for j in range(d)] for i in range(d)]
    images = [sum((a * g for a, g in zip(row, field.context().gens(), strict=True)), 0 * field) for row in rows]
    return terms_of(field.compose(*images, ctx=field.context()))


def test_a_quadratic_top_becomes_a_sum_of_squares() -> None:
    """An ill-conditioned form in three variables, and one behind a quartic: no product of two coordinates is left of it."""
    form = 5 * x**2 + 4 * x * y + y**2 + (y - z) ** 2 / 1000 + x * z / 50
    for expr, squares in (
        (form, 3),
        ((x - y + z) ** 4 + (x + y) ** 2 + (x + y) * (2 * y + z) + 3 * (2 * y + z) ** 2, 2),
    ):
        field = from_sympy(sp.expand(expr), (x, y, z)).polynomial
        basis = flag_basis(field)
        assert basis is not None and basis.det() != 0
        found = moved(field, basis, 3)
        pure = [alpha for alpha in found if sum(alpha) == 2]
        inside = [alpha for alpha in pure if squares == 3 or not alpha[0]]
        assert sorted(max(alpha) for alpha in inside) == [2] * squares
        if squares == 2:
            assert found[4, 0, 0] > 0 and max(sum(alpha) for alpha in found if alpha[1] or alpha[2]) == 2


def test_three_powers_along_three_axes() -> None:
    """u⁸ + v⁴ + w² with oblique forms: the flag R³ ⊃ {u = 0} ⊃ {u = v = 0}, and mixed terms below the simplex."""
    u, v, w = x + y, y - 2 * z, x + 3 * z
    field = from_sympy(sp.expand(u**8 + v**4 + w**2), (x, y, z)).polynomial
    basis = flag_basis(field)
    assert basis is not None
    found = moved(field, basis, 3)
    assert {(8, 0, 0), (0, 4, 0), (0, 0, 2)} <= set(found)
    assert all(R(alpha[0], 8) + R(alpha[1], 4) + R(alpha[2], 2) <= 1 for alpha in found)


@pytest.mark.parametrize("expr", [sp.S(3), x**2 + y**2, (x + y + z) ** 2 + (x - z) ** 4, x * y], ids=str)
def test_constant_directions_have_no_flag(expr) -> None:
    assert flag_basis(from_sympy(sp.expand(expr), (x, y, z)).polynomial) is None


@pytest.mark.parametrize(
    "loss",
    [
        (y - x**2) ** 2 - y**3 * 0 + x**4 * y**2,  # the square of y has a coefficient that is no number
        -((y - x**2) ** 2) + y**4 + x**4,  # y⁴ beside
        (y - x**2) ** 3 + x**6,
        x**2 + y**2,
    ],
    ids=str,
)
def test_what_is_no_square_of_one_variable_is_not_sheared(loss) -> None:
    assert simplifying_shears(from_sympy(sp.expand(loss), (x, y))) == ()

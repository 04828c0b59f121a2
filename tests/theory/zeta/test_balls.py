"""Expressions on tensor grids against the same expressions point by point."""

from itertools import product

import pytest
import sympy as sp
from flint import arb

from theory.zeta.balls import evaluator, on_axes
from theory.zeta.precision import digits
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

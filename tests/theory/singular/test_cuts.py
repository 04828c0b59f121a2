"""Partition functions of K whose zeros are brought to normal crossings by cuts: against Gauss's rule and by hand."""

import numpy as np
import pytest
import sympy as sp
from flint import arb

from theory import singular, zeta
from theory.errors import BadInput
from theory.singular import Leading, partition
from theory.zeta.balls import ball
from theory.zeta.precision import digits
from theory.zeta.resolution import resolve

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational


def test_means_in_a_domain_that_was_cut() -> None:
    """(2x − 1)² on [−1, 1]: ⟨x⟩ → ½, ⟨x²⟩ → ¼, t⟨(2x − 1)²⟩ → ½, by a resolution; parts without zeros count for nothing."""
    maps = [
        zeta.Map((x,), m.new, tuple(sign * f for f in m.images))
        for sign in (1, -1) for m in resolve(2 * sign * x - 1, (x,))
    ]  # fmt: skip
    law = singular.limit_law((2 * x - 1) ** 2, (x,), domain="symmetric", resolution=maps)
    assert (law.mean(x), law.mean(x**2), law.mean(x**2 * (2 * x - 1) ** 2, 1)) == (R(1, 2), R(1, 4), R(1, 4))
    found = singular.expectation((2 * x - 1) ** 2, x**3, (x,), domain="symmetric", resolution=maps)
    assert found.leading == Leading(R(1, 8), 0, 0)


def test_zeros_that_miss_the_origin() -> None:
    """(x + y − 1)² on [0, 1]²: ∫_{−1}^1 (1 − |v|) e^{−tv²} dv = √(π/t) − 1/t up to e^{−t}; once it passed for a K without zeros."""
    Z = partition((x + y - 1) ** 2, (x, y))
    assert Z.leading[1:] == (R(1, 2), 0)
    with digits(20):
        assert abs(ball(Z.leading.coefficient) - arb.pi().sqrt()) < arb(10) ** -15
    value = Z.evaluate(50, 10)
    assert abs(value.mid() - (ball(sp.sqrt(sp.pi / 50)) - arb(1) / 50)) < value.rad() < 1e-6
    law = singular.limit_law((2 * x - 1) ** 2, (x,))
    assert (law.threshold, law.mean(x**2)) == (R(1, 2), R(1, 4))


@pytest.mark.parametrize("K", [x**2 + 1, sp.sin(x) ** 2 + 2, x**2 + y**2 + 1, (x * y - 1) ** 2 + 3], ids=str)
def test_a_minimum_that_is_not_zero_is_to_be_subtracted(K) -> None:
    with pytest.raises(BadInput, match="where its variables vanish; the theory needs min K = 0: subtract the minimum"):
        partition(K, (x, y), domain="symmetric")


@pytest.mark.parametrize(
    ("K", "names", "t"),
    [
        ((x + y - 1) ** 2, (x, y), 3),
        ((x + y - 1) ** 2, (x, y), 100),
        ((x + y - z) ** 2, (x, y, z), 100),
        ((y - x**2) ** 2 * (1 + x), (x, y), 100),
        (((x - y) * (2 - x - y)) ** 2, (x, y), 100),
    ],
    ids=str,
)
def test_resolutions_by_cuts_and_graphs(K, names, t) -> None:
    """Against 60 nodes of Gauss's rule a side: charts on which det Dπ is negative, or K has no zeros, were counted wrongly."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    expected = np.exp(-t * sp.lambdify(names, K, "numpy")(*np.meshgrid(*[(nodes + 1) / 2] * len(names), indexing="ij")))
    for _ in names:
        expected = expected @ (weights / 2)
    found = partition(K, names).evaluate(t, 8)
    assert abs(float(found.mid()) - float(expected)) < float(found.rad()) + 1e-11
    assert found.rad() < 1e-7 * found


def test_a_resolution_without_zeros_is_refused() -> None:
    u = sp.Symbol("u", positive=True)
    with pytest.raises(BadInput, match="has no zeros on the charts of this resolution; the theory needs min K = 0"):
        partition(x**2 + 1, (x,), resolution=[zeta.Map((x,), (u,), (u,))])

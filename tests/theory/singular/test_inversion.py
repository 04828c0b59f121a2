"""Mellin inversion along a line against iterated Gauss–Legendre quadrature, at t where no asymptotic series helps."""

import pytest
import sympy as sp
from flint import arb
from mpmath import mp

from theory.singular import partition
from theory.singular.estimate import estimates
from theory.singular.inversion import inverted
from theory.zeta.chart import charts

x, y, z = sp.symbols("x y z", real=True)


def quadrature(K, variables, t):
    """∫_{[0,1]^d} e^{−tK} by mpmath, 15 digits."""
    function = sp.lambdify(variables, sp.exp(-t * K), "mpmath")
    with mp.workdps(20):
        return mp.quad(function, *[[0, 1]] * len(variables))


@pytest.mark.parametrize("t", [2, 10, 100])
@pytest.mark.parametrize("K", [x**2 * y**2 * (1 + x + y), x**2 * y**4 * sp.exp(x - y / 2)], ids=str)
def test_small_t_against_quadrature(K, t):
    """The radius holds, and is small; a line that crossed the first pole would be off by its whole residue."""
    found = partition(K, (x, y), domain="box").evaluate(t, 8)
    assert isinstance(found, arb)
    exact = arb(str(quadrature(K, (x, y), t)))
    assert abs(found.mid() - exact) <= found.rad() + arb("1e-13")
    assert found.rad() < 1e-6 * abs(exact)


def test_integrals_of_different_size_along_one_line_have_their_own_digits():
    """At t = 10⁴ with K in the density: 10⁻⁴ of the other one."""
    K, t = x**2 * y**2 * (1 + x + y), sp.Integer(10) ** 4
    (c,), (small,) = charts(K, (x, y), domain="box"), charts(K, (x, y), domain="box", density=x**2 * y**2)
    found = inverted({c: arb.nan(), small: arb.nan()}, t, 9)
    assert found[small] < 1e-3 * found[c]
    assert all(value.rad() < 1e-7 * value for value in found.values())


def test_the_line_and_the_series_agree():
    """At t = 10⁶ both have their digits: two roads to one integral."""
    made = charts(x**2 * y**2 * (1 + x + y), (x, y), domain="box")
    t = sp.Integer(10) ** 6
    line, series = inverted(dict.fromkeys(made, arb.nan()), t, 8), estimates(made, t)
    for c in made:
        assert abs(line[c].mid() - series[c].mid()) <= line[c].rad() + series[c].rad()
        assert line[c].rad() < 1e-6 * abs(series[c])

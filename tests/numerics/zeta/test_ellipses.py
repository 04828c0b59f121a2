"""Bounds on Bernstein ellipses against dense samples and extremes at their ends; what a plan is made of."""

import cmath
import math
from itertools import pairwise

import pytest
import sympy as sp
from flint import acb, arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.precision import digits, rational
from numerics.zeta import ellipses
from numerics.zeta.charts import chart

R = sp.Rational
x, y, z = names = sp.symbols("x y z")


def on_ellipse(rho: float, turn: float) -> acb:
    w = cmath.rect(rho, 2 * math.pi * turn)
    return (1 + (acb(w) + 1 / acb(w)) / 2) / 2


UNITS = (
    ({2 + x: 2}, 1), ({2 + x: R(1, 3), 4 - x: R(-3, 2)}, 1 + x**2), ({3 + x + y: R(1, 2), 5 - x * y: -2}, 2 - x * y),
    ({6 + x - y + z: 3, 4 + z: R(-1, 2)}, sp.exp(x)), ({sp.exp(x): R(5, 2), 2 + sp.sin(x) / 3: 1}, 1 - x),
)  # fmt: skip


@pytest.mark.parametrize(("unit", "density"), UNITS)
@pytest.mark.parametrize("real, imag", [(fmpq(1, 2), 0), (fmpq(-7, 3), 0), (fmpq(-2, 5), 3), (fmpq(2), -1)])
def test_bounds_hold_all_over_the_torus(unit, density, real, imag) -> None:
    """Factors of orders other than 1, together and against each other, and densities: M ≥ |F_0| and Λ ≥ |log u|."""
    d = len(set().union(*(sp.sympify(p).free_symbols for p in (*unit, density))))
    problem = chart(names[:d], (2,) * d, unit=unit, density=(1 + x / 5) ** R(1, 2) * density)
    rho = (1.9, 2.3, 1.7)[:d]
    with digits(15):
        at = acb(real, imag) if imag else real
        found = ellipses.bounds(problem, at, rho)
        assert found is not None
        largest, log_unit = found
        assert largest.is_finite() and log_unit.is_finite()
        for k in range(40):
            point = dict(
                zip(
                    names, (on_ellipse(r, (0.37 * k * (i + 1) + 0.11 * i) % 1) for i, r in enumerate(rho)), strict=False
                )
            )
            value, log = acb(1), acb(0)
            for base, order in unit.items():
                q = fmpq(int(sp.numer(order)), int(sp.denom(order)))
                log += evaluate(base, point).log() * q
            value = (acb(at) * log).exp() * evaluate((1 + x / 5), point).sqrt() * evaluate(density, point)
            assert not abs(value) > largest and not abs(log) > log_unit


def evaluate(expr, point) -> acb:
    total = sp.lambdify(names, expr, [{"exp": acb.exp, "sin": acb.sin}])(*(point.get(v, acb(0)) for v in names))
    return acb(total)


def test_factors_that_meet_the_cut_have_no_bounds() -> None:
    """½ + x is 0 at −½, which lies inside E_ρ for ρ = 4 and outside for ρ = 3: (ρ + 1/ρ)/2 = 2 for ρ = 2 + √3."""
    near = chart(x, (2,), unit=R(1, 2) + x)
    assert ellipses.bounds(near, fmpq(1), (4.0,)) is None and ellipses.bounds(near, fmpq(1), (3.0,)) is not None


def test_the_arcs_cover_the_torus() -> None:
    """All angles of every coordinate but the first, of which the upper half is enough; halves cover the whole."""
    for d in range(1, 6):
        first, *others = ellipses._arcs(d, (2.0,) * d)
        for arcs, length in ((first, fmpq(1, 2)), *((arcs, fmpq(1)) for arcs in others)):
            ends = sorted((t - w, t + w) for t, w in arcs)
            assert ends[0][0] == 0 and ends[-1][1] == length and all(a[1] == b[0] for a, b in pairwise(ends))
    low, high = ellipses._halves((fmpq(1, 4), fmpq(1, 8)))
    assert (low[0] - low[1], low[0] + low[1], high[0] - high[1], high[0] + high[1]) == tuple(
        fmpq(k, 16) * 2 for k in (1, 2, 2, 3)
    )


def test_an_arc_holds_its_points_and_no_more() -> None:
    """The box over a quarter turn of E_2 from 0: x from ½ to (1 + 5/4)/2, y from 0 to ⅜."""
    box = ellipses._arc(fmpq(1, 8), fmpq(1, 8), 2.0)
    for k in range(11):
        assert box.overlaps(on_ellipse(2.0, k / 40))
    for found, low, high in ((box.real, 0.5, 1.125), (box.imag, 0, 0.375)):
        assert abs(found.lower() - low) < 0.3 and abs(found.upper() - high) < 0.3  # sines of intervals are not sharp


def test_a_narrower_plan_has_smaller_ellipses_and_more_nodes() -> None:
    plan = ellipses.Plan((8.0, 27.0), (10, 15), True, 1, 2.5)
    narrow = plan.narrower(2)
    assert narrow.counts == (12, 18) and narrow.good and (narrow.worst, narrow.loss) == (1, 2.5)
    assert [math.log(b) / math.log(a) for a, b in zip(plan.ellipses, narrow.ellipses, strict=True)] == pytest.approx(
        [5 / 6] * 2
    )
    assert not plan._replace(counts=(100, 200)).narrower(2).good and not plan.narrower(5).good


def test_arb_bounds_are_exact_numbers() -> None:
    found = ellipses.bounds(chart(x, (2,), unit=2 + x), fmpq(1), (2.0,))
    assert found is not None and all(isinstance(b, arb) and b.rad() == 0 for b in found)


def test_small_functions_have_small_bounds() -> None:
    """M is homogeneous in the density, and Λ of a unit near 1 is as near to 0: u = 1 + x/2000 on E_2, where |x| ≤ 9/8."""
    large, small = (
        ellipses.bounds(chart(x, (2,), unit=1 + x / 2000, density=k * (2 + x)), fmpq(1), (2.0,))
        for k in (1, R(1, 1024))
    )
    assert large is not None and small is not None
    assert abs(large[0] / small[0] / 1024 - 1) < arb("1e-6") and small[1] < arb("1e-3")


@settings(max_examples=12, deadline=None)
@given(st.fractions(-2, 2, max_denominator=5), st.integers(0, 8), st.floats(0, 6.28), st.floats(0, 6.28))
def test_bounds_on_ellipses(real, imag, first, second):
    """M ≥ |u^z b| and Λ ≥ |log u| at points of the ellipses, and on the box."""
    problem = chart((x, y), (2, 2), unit=2 + x + y, density=1 + x * y)
    with digits(15):
        at, rho = acb(rational(real), imag), (2.5, 3.0)
        found = ellipses.bounds(problem, at, rho)
        assert found is not None
        for r in (1.0, 2.4):
            p, q = (
                (1 + (acb(r * w) + 1 / acb(r * w)) / 2) / 2 for w in (cmath.exp(1j * first), cmath.exp(1j * second))
            )
            log = (2 + p + q).log()
            assert abs((at * log).exp() * (1 + p * q)) < found[0] and abs(log) < found[1]

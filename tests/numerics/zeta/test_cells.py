"""The expansion of one chart: factors that split off, boxes that must be cut, and rules too coarse in three coordinates."""

import pytest
import sympy as sp
from flint import acb, arb, fmpq

from numerics import zeta
from numerics.precision import digits
from numerics.zeta import cells, ellipses
from numerics.zeta.charts import Chart, chart
from numerics.zeta.moments import Axis
from numerics.zeta.resolution import resolved
from theory.errors import BadInput

R = sp.Rational
x, y, z = sp.symbols("x y z")


def line(c: fmpq, a: acb, b: acb) -> acb:
    """∫_0^1 x^a (c + x)^b dx = c^b 2F1(−b, a + 1; a + 2; −1/c)/(a + 1)."""
    return acb(c) ** b * acb(-1 / c).hypgeom_2f1(-b, a + 1, a + 2) / (a + 1)


@pytest.mark.parametrize("c", [fmpq(1, 3), fmpq(1, 20), fmpq(1, 500)])
@pytest.mark.parametrize("real, imag", [(fmpq(1, 7), 0), (fmpq(-4, 3), 0), (fmpq(-9, 10), fmpq(2, 3)), (fmpq(2), 5)])
def test_zeros_near_the_box_are_kept_off_by_cuts(c, real, imag) -> None:
    """The factor vanishes at −c: the nearer, the more the box is cut towards 0; the sum of the parts is 2F1."""
    with digits(20):
        at = acb(real, imag) if imag else real
        order, (value,) = cells.expand(chart(x, (2,), unit=R(int(c.p), int(c.q)) + x), at, 1)
        power = acb(at)
        assert order == 0 and acb(value).overlaps(line(c, 2 * power, power))
        assert acb(value).rad() < arb("1e-15") * (1 + abs(acb(value)))


def test_series_survive_cuts() -> None:
    """x²(1/50 + x) at −½: δ^{−1} at the part that holds 0 only, by differences of 2F1 at 2¹⁰ times the digits."""
    c = fmpq(1, 50)
    with digits(20):
        order, series = cells.expand(chart(x, (2,), unit=R(1, 50) + x), fmpq(-1, 2), 3)
        assert order == 1
    with digits(120):
        h = acb(arb(10) ** -30)

        def residual(shift: acb) -> acb:
            return line(c, 2 * (acb(fmpq(-1, 2)) + shift), acb(fmpq(-1, 2)) + shift) * shift

        below, above = residual(-h), residual(h)
        centre = (below + above) / 2
        exact = [centre.real, ((above - below) / (2 * h)).real]
        assert exact[0].rad() < arb("1e-60")
    with digits(25):
        for found, value in zip(series, exact, strict=False):
            assert abs(found - value) < arb("1e-16") * (1 + abs(value)) and found.rad() < arb("1e-16") * (
                1 + abs(value)
            )


@pytest.mark.parametrize("counts", [(4, 9, 9), (9, 4, 9), (9, 9, 4), (6, 5, 4)])
def test_too_few_nodes_in_three_coordinates_cost_radius_and_not_truth(counts, monkeypatch) -> None:
    """Each coordinate's error enters: all three coefficients of a rule that is too coarse in one of them hold the fine ones."""
    c = chart((x, y, z), (2, 1, 1), unit=3 + x + y * z, density=2 - x * z)
    at = acb(fmpq(-2, 5), fmpq(1, 3))
    with digits(12):
        _, fine = cells.expand(c, at, 3)
        plan = ellipses.Plan((3.0, 3.5, 3.0), counts, True, 0, 10.0)
        monkeypatch.setattr(ellipses.Plan, "steer", lambda c, z: plan)
        order, coarse = cells.expand(c, at, 3)
    assert order == 0
    for rough, good in zip(coarse, fine, strict=True):
        assert rough.overlaps(good) and rough.is_finite() and rough.real.rad() > 100 * good.real.rad()
    if counts != (6, 5, 4):  # the coarse axis is seen: without its error the ball would miss the truth
        assert abs(coarse[0].mid() - fine[0].mid()) > 10 * fine[0].rad()


def test_coordinates_that_nothing_couples_are_factors() -> None:
    """The groups of {x, z} and {y}, and the constants apart; their series multiply."""
    c = chart(
        (x, y, z), (1, 2, 0), jacobian=(1, 0, 2), unit={2 + x * z: 1, 3 + y: 2, 5: 1}, density=(1 + y) * (1 + z) * 7
    )
    constant, groups = cells._split(c)
    assert [g.variables for g in groups] == [(x, z), (y,)]
    assert [(g.orders, g.jacobian, len(g.factors)) for g in groups] == [((1, 0), (1, 2), 1), ((2,), (0,), 1)]
    assert constant.density == 7 and [f.base for f in constant.factors] == [5]
    n = 2
    with digits(20):
        order, (value,) = cells.expand(c, fmpq(n), 1)
        parts = (
            sp.integrate(x ** (n + 1) * z**2 * (2 + x * z) ** n * (1 + z), (x, 0, 1), (z, 0, 1)),
            sp.integrate(sp.expand(y ** (2 * n) * (3 + y) ** (2 * n) * (1 + y)), (y, 0, 1)),
        )
        exact = sp.prod(parts) * 7 * 5**n
        assert order == 0 and abs(value / arb(fmpq(int(exact.p), int(exact.q))) - 1) < arb("1e-18")


def test_exponents_and_poles_of_the_coordinates() -> None:
    """a = κz + h; −1 − a is told where it is a natural number, z exact and κ ≠ 0."""
    c = Chart((x, y, z), (fmpq(2), fmpq(1), fmpq(0)), (fmpq(0), fmpq(1, 2), fmpq(-1, 2)), (), sp.S.One, (fmpq(1),) * 3)
    assert cells.at(c, fmpq(-1, 2)) == [(-1, 0), (0, None), (fmpq(-1, 2), None)]
    assert cells.at(c, fmpq(-5, 2)) == [(-5, 4), (-2, 1), (fmpq(-1, 2), None)]
    assert [pole for _, pole in cells.at(c, fmpq(-1, 3))] == [None] * 3
    assert cells.at(c, acb(-1, 2)) == [(acb(-2, 4), None), (acb(fmpq(-1, 2), 2), None), (acb(fmpq(-1, 2)), None)]
    for h in (fmpq(-1), fmpq(-3, 2)):
        with pytest.raises(BadInput, match="where K does not vanish"):
            cells.at(Chart((x,), (fmpq(0),), (h,), (), sp.S.One, (fmpq(1),)), fmpq(1))


def test_a_factor_that_is_not_positive_is_told_with_its_place() -> None:
    """½ − x is 0 at the middle, ¾ − x negative at the far corner, −1 − x everywhere; and x + 2y is 0 at the origin alone."""
    for unit, words in (
        (R(1, 2) - x, r"x = 0\.5"), (R(3, 4) - x, "x = 1"), (-1 - x, r"x = 0\.5"), (R(1, 4) - x * y, "x = 0.5, y = 0.5"),
        ({R(-1): 1}, "any point"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=f"not positive at {words}"):
            cells.expand(chart((x, y), (2, 0), unit=unit), fmpq(1), 1)
    with pytest.raises(BadInput, match="after 24 cuts the factors"):
        cells.expand(chart((x, y), (0, 0), unit=x + 2 * y), fmpq(1, 2), 1)


def test_the_error_of_a_product_rule_is_its_formula() -> None:
    """M e^{Λδ} Σ_i Π_{j<i} Q_j · E_i · Π_{j>i} I_j, cut after δ², for three coordinates and for one."""
    d = sp.Symbol("d")
    tables = {
        "rule": [(1, 2, 0), (3, 0, 1), (2, 1, 1)], "integral": [(5, 1, 2), (1, 1, 1), (4, 0, 3)],
        "error": [(1, 0, 2), (2, 3, 0), (1, 1, 4)],
    }  # fmt: skip
    series = {name: [sum(c * d**l for l, c in enumerate(row)) for row in rows] for name, rows in tables.items()}
    for n in (3, 1):
        rules = [Axis(0, (), [], *([arb(c) for c in tables[name][i]] for name in tables)) for i in range(n)]
        found = cells._error((arb(7), arb(2)), rules, 3)
        parts = (
            sp.prod(series["rule"][:i]) * series["error"][i] * sp.prod(series["integral"][i + 1 : n]) for i in range(n)
        )
        exact = sp.Poly(sp.expand(sum(parts) * 7 * (1 + 2 * d + 2 * d**2)), d)
        assert found == [int(exact.coeff_monomial(d**l)) for l in range(3)]


def test_floats_steer_only():
    """A poor choice of ellipses costs nodes or radius; the ball stays true."""

    problem, keep = chart(x, (2,), unit=1 + x), ellipses.LADDER
    good = zeta.laurent(problem, R(1, 2), 3, 12)
    try:
        ellipses.LADDER = keep[:6]
        narrow = zeta.laurent(problem, R(1, 2), 3, 12)
    finally:
        ellipses.LADDER = keep
    assert all(a.overlaps(b) for a, b in zip(good.coefficients, narrow.coefficients, strict=True))


@pytest.mark.parametrize("counts", [(16, 5), (5, 16), (7, 6), (9, 9)])
@pytest.mark.parametrize("at", [acb(fmpq(-4, 5), fmpq(1, 3)), acb(fmpq(1, 7), 1), acb(fmpq(-5, 4), fmpq(1, 2))])
def test_too_few_nodes_cost_radius_and_not_truth(counts, at, monkeypatch):
    """The error bound alone: rules far too coarse still enclose the value of the fine ones, and not for free."""
    problem = chart((x, y), (2, 2), unit=1 + x + y, density=2 - x)
    with digits(15):
        fine = zeta.zeta(problem, at, 12)
        plan = ellipses.Plan((3.0, 3.0), counts, True, 0, 30.0)
        monkeypatch.setattr(ellipses.Plan, "steer", lambda c, z: plan)
        order, (coarse,) = cells.expand(resolved((problem,))[0], at, 1)
        assert order == 0 and coarse.overlaps(fine)
        assert coarse.is_finite() and abs(coarse.mid() - fine.mid()) > 1e-13

"""Every move of a chart keeps ∫ K^n φ, integrated exactly for natural n from the definition of a chart; and what is refused."""

from itertools import product

import pytest
import sympy as sp
from flint import fmpq

from numerics.zeta.charts import Chart, Gaussian, chart
from numerics.zeta.moves import blow_up, cut, normal, orthants, unit_box
from theory.errors import BadInput

R = sp.Rational
x, y, z = sp.symbols("x y z")


def number(q: fmpq) -> sp.Rational:
    return R(int(q.p), int(q.q))


def integral(c: Chart, n: int) -> sp.Expr:
    """∫ K^n φ over Π [0, B_i], monomial by monomial, wherever the factors stand in natural powers."""
    whole = c.density
    for base, order, jacobian in c.factors:
        power = number(order) * n + number(jacobian)
        assert base.is_number or (power.is_Integer and power >= 0)
        whole *= base**power
    total = sp.S.Zero
    for powers, q in sp.Poly(sp.expand(whole), *c.variables).terms():
        for e, order, h, side in zip(powers, c.orders, c.jacobian, c.extents, strict=True):
            assert isinstance(side, fmpq)
            a = e + number(order) * n + number(h) + 1
            q *= number(side) ** a / a
        total += q
    return sp.nsimplify(sp.simplify(total))


def box(K: sp.Expr, phi: sp.Expr, sides: dict[sp.Symbol, sp.Rational], low: int = 0) -> sp.Expr:
    """The same integral by sympy, over Π [0, B_i] or Π [−B_i, B_i] (low −1)."""
    return sp.integrate(sp.expand(K * phi), *((v, low * b, b) for v, b in sides.items()))


UNIT, DENSITY = 1 + x + 2 * y**2, 3 - x * y
SIDES = {x: R(3, 2), y: R(1, 2)}
PLAIN = chart((x, y), (1, 2), jacobian=(0, 1), unit=UNIT, density=DENSITY, extents=tuple(SIDES.values()))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_chart_is_its_integral(n: int) -> None:
    assert integral(PLAIN, n) == box((x * y**2 * UNIT) ** n, y * DENSITY, SIDES)


@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize(
    "moved",
    [
        lambda c: [normal(c)], lambda c: [unit_box(c)], lambda c: cut(c, 0), lambda c: cut(c, 1), lambda c: cut(c, 0, turned=True),
        lambda c: cut(c, 1, turned=True), lambda c: blow_up(c, {x: 1, y: 1}), lambda c: blow_up(c, {x: 2, y: 3}),
        lambda c: blow_up(c, {y: 2}), lambda c: [half for part in cut(c, 1, turned=True) for half in cut(part, 1)],
    ],
)  # fmt: skip
def test_moves_keep_the_integral(moved, n: int) -> None:
    """Of a chart with a unit, a density, a Jacobian and sides that are not 1."""
    assert sum(integral(c, n) for c in moved(PLAIN)) == integral(PLAIN, n)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_blow_ups_of_some_of_three_variables_keep_the_integral(n: int) -> None:
    c = chart((x, y, z), (2, 1, 0), jacobian=(1, 0, 2), unit=x**2 + y * z + 1, density=1 + z, extents=(1, 2, R(1, 3)))
    for weights in ({x: 1, z: 2}, {z: 1, y: 1}, {x: 1, y: 2, z: 1}):
        parts = blow_up(c, weights)
        assert len(parts) == len(weights) and sum(integral(part, n) for part in parts) == integral(c, n)


def test_blow_ups_bring_the_orders_together() -> None:
    """x = r, y = r² v for the weights (1, 2): K = x³y² has r^{3+4}, and dx dy = 2 r^{1+2−1} dr dv in the chart of y."""
    c = chart((x, y), (3, 2), jacobian=(R(1, 2), 1))
    of_x, of_y = blow_up(c, {x: 1, y: 2})
    assert (of_x.orders, of_y.orders) == ((7, 2), (3, 7))
    assert of_x.jacobian[0] == of_y.jacobian[1] == fmpq(1, 2) + 2 * 1 + 2
    assert (of_x.density, of_y.density) == (1, 2)


def test_the_normal_form_pulls_out_monomials_and_takes_roots() -> None:
    """x²y + x²y² = x²y(1 + y), and a factor in x³ alone makes x³ the variable, with dx = ⅓ s^{−2/3} ds."""
    c = normal(chart((x, y), (0, 1), unit={x**2 * y + x**2 * y**2: R(1, 2), 3: 2}, density=x * y**2))
    assert (c.orders, c.jacobian, c.density) == ((1, fmpq(3, 2)), (1, 2), 1)
    assert {(f.base, f.order) for f in c.factors} == {(y + 1, fmpq(1, 2)), (3, 2)}
    c = normal(chart(x, (2,), jacobian=1, unit=2 + x**3, density=1 + x**6, extents=2))
    assert (c.orders, c.jacobian, c.extents) == ((fmpq(2, 3),), (fmpq(-1, 3),), (8,))
    assert [f.base for f in c.factors] == [x + 2] and sp.expand(c.density - (1 + x**2) / 3) == 0
    mixed = chart(x, (2,), unit=2 + x**3, density=1 + x**2)  # x² and x³ have no root in common
    assert normal(mixed).extents == (1,) and normal(mixed).factors == mixed.factors
    entire = chart(x, (2,), unit=2 + x**2, density=sp.exp(x))
    assert normal(entire).orders == (2,)
    even = normal(chart(x, (2,), unit=2 + x**2, density=sp.Mul(x**2, sp.exp(x))))
    assert even.orders == (2,) and even.jacobian == (2,) and even.density == sp.exp(x)


def test_equal_factors_are_one_factor_and_those_without_a_power_are_none() -> None:
    c = normal(chart(x, (1,), unit={x + 1: 2, x**2 + x: -1}, density=(1 + x) ** R(1, 2)))
    assert [tuple(f) for f in c.factors] == [(x + 1, 1, fmpq(1, 2))] and c.orders == (0,)
    assert normal(chart(x, (1,), unit={x + 1: 2, 2 * x**2 + x: 1, x**2 + x: -2})).factors[0].base == 2 * x + 1


@pytest.mark.parametrize("n", [0, 1, 2])
def test_orthants_carry_the_integral_over_both_sides(n: int) -> None:
    """With |x|^h in the density, a unit that differs from side to side, and one that does not, which is then merged."""
    unit, density, sides = 2 + x * y, 1 + x, {x: R(1), y: R(2, 3)}
    charts = orthants((x, y), (2, 2), jacobian=(2, 0), unit=unit, density=density, extents=tuple(sides.values()))
    assert sum(integral(c, n) for c in charts) == box((x**2 * y**2 * unit) ** n, x**2 * density, sides, -1)
    (merged,) = orthants((x, y), (2, 2), unit=2 + x**2 * y**2)
    assert merged.density == 4 and integral(merged, n) == box(
        (x**2 * y**2 * (2 + x**2 * y**2)) ** n, sp.S.One, {x: R(1), y: R(1)}, -1
    )
    assert len(orthants((x, y), (2, 2), unit=2 + x)) == 2 and len(charts) == 4


def test_cut_axes_bear_no_order_beyond_the_middle() -> None:
    c = chart((x, y), (2, 3), jacobian=(1, 0), extents=(2, 4))
    near, far = cut(c, 0)
    assert near.orders == (2, 3) and near.extents == (1, 4) and far.orders == (0, 3) and far.jacobian == (0, 0)
    assert (x + 1, 2, 1) in far.factors and (2 - x, 2, 1) in cut(c, 0, turned=True)[1].factors
    assert (y + 2, 3, 0) in cut(c, 1)[1].factors
    assert len(cut(chart((x, y), (2, 0)), 1)[1].factors) == 1  # the constant 1 alone


def test_bare_charts_are_monomials_on_the_unit_box() -> None:
    assert chart((x, y), (2, 1), unit=3, density=2).bare()
    for other in ({"unit": 2 + x}, {"density": 1 + y}, {"extents": (1, 2)}):
        assert not chart((x, y), (2, 1), **other).bare()


def test_units_and_densities_are_read_as_products_of_powers() -> None:
    """√(1+x)/(2+x)² in the unit to the power e; a density's natural powers stay in it, the others become factors."""
    c = chart(
        x, (2,), unit={sp.sqrt(1 + x) / (2 + x) ** 2: 3}, density=(1 + x) ** 2 * (3 + x) ** -1 * (4 + x) ** R(3, 2)
    )
    assert {(f.base, f.order, f.jacobian) for f in c.factors} == {
        (1 + x, fmpq(3, 2), 0), (2 + x, -6, 0), (3 + x, 0, -1), (4 + x, 0, fmpq(3, 2)),
    }  # fmt: skip
    assert sp.expand(c.density - (1 + x) ** 2) == 0
    split = chart(x, (2,), unit=1 / (1 + x) + 1 / (2 + x))
    assert {(sp.expand(f.base), f.order) for f in split.factors} == {(2 * x + 3, 1), (x + 1, -1), (x + 2, -1)}
    exponential = chart(x, (2,), unit=sp.exp(x), density=sp.exp(-x))
    assert [f.base for f in exponential.factors] == [sp.exp(x)] and exponential.density == sp.exp(-x)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: chart((x, y), (2,)), "2 variables need 2 exponents; there are 1"),
        (lambda: chart((x, x), (2, 2)), "name x twice"),
        (lambda: chart(x, (2,), unit=0), "the unit of a chart is 0"),
        (lambda: chart(x, (2,), unit={1 + x: 1, sp.S.Zero: 2}), "the unit of a chart is 0"),
        (lambda: chart((x, y), (2, 2), jacobian=(1, 1, 1)), "2 variables need 2 exponents; there are 3"),
        (lambda: chart((x, y), (2, 2), extents=(1,)), "2 variables need 2 extents; there are 1"),
        (lambda: chart(x, (2,), extents=0), "the extent 0 of a coordinate is not positive"),
        (lambda: chart(x, (2,), extents=Gaussian(fmpq(0))), "not positive"),
        (lambda: chart((x, y), (2, 2), extents=(1, -1)), "the extent -1"),
        (lambda: chart((x, y), (2, R(-1, 2))), r"K = y\^\(-1/2\)"),
        (lambda: chart((x, y), (2, 0), jacobian=(0, R(-3, 2))), r"the density y\^\(-3/2\)"),
        (lambda: chart((x, y), (2, 2), density=1 + y, extents=(1, Gaussian(fmpq(1)))), "y occurs in the unit"),
        (lambda: cut(chart(x, (2,), extents=Gaussian(fmpq(1))), 0), "only a box can be cut"),
        (lambda: blow_up(PLAIN, {z: 1}), "it was given z: 1"),
        (lambda: blow_up(PLAIN, {x: 1, y: 0}), "it was given y: 0"),
        (lambda: blow_up(PLAIN, {x: R(1, 2)}), "it was given x: 1/2"),  # pyright: ignore[reportArgumentType]
        (
            lambda: blow_up(chart((x, y), (2, 2), extents=(Gaussian(fmpq(1)), 1)), {y: 1, x: 1}),
            "x runs over a half-line; a blow-up needs a box",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_one_sentence(make, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        make()


def test_a_gaussian_coordinate_may_stand_beside_what_is_moved() -> None:
    c = chart((x, y, z), (2, 2, 2), unit=2 + x, extents=(1, 1, Gaussian(fmpq(2))))
    for parts in (cut(c, 0), blow_up(c, {x: 1, y: 1}), [unit_box(c)], [normal(c)]):
        assert all(part.extents[2] == Gaussian(fmpq(2)) and part.orders[2] == 2 for part in parts)


def test_corners_are_counted_for_every_sign() -> None:
    """∫ over [−1, 1]³ of a density without symmetry: eight charts, each over one orthant."""
    density = (1 + x / 2) * (1 + y / 3) * (1 + z / 4)
    charts = orthants((x, y, z), (0, 0, 0), density=density)
    assert len(charts) == 8
    expected = {
        sp.prod(1 + R(s, 2 * k) for s, k in zip(signs, (2, 3, 4), strict=True)) for signs in product((1, -1), repeat=3)
    }
    assert {integral(c, 0) for c in charts} == expected

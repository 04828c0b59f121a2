"""Fans fill the orthant once, monomial maps cover the box once, and pull K back to normal crossings."""

from itertools import product

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import zeta
from theory.errors import BadInput
from theory.zeta.maps import Map, orthants
from theory.zeta.toric import fan, maps

x, y, z = sp.symbols("x y z", real=True)


def monomials(d: int):
    return st.lists(st.tuples(*[st.integers(0, 5)] * d), min_size=2, max_size=4, unique=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 3).flatmap(lambda d: monomials(d).map(lambda m: (d, m))))
def test_fans(problem) -> None:
    """The boxes' volumes add up to 1, the simplices {ξ in cone, Σξ ≤ 1} to 1/d!, and one monomial is least on each cone."""
    d, support = problem
    cones = fan(support, d)
    volume = sum(abs(sp.Matrix(cone).det()) / sp.Mul(*(sum(ray) for ray in cone)) for cone in cones)
    assert volume == 1
    for cone in cones:
        heights = [[sum(a * b for a, b in zip(m, ray, strict=True)) for ray in cone] for m in support]
        lowest = [min(column) for column in zip(*heights, strict=True)]
        assert lowest in heights


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 3).flatmap(lambda d: st.tuples(monomials(d), st.lists(st.integers(1, 9), min_size=d, max_size=d)))
)
def test_every_point_has_one_chart(problem) -> None:
    """A point e^{−ξ} with integer ξ has non-negative coordinates in one cone, or in several when it lies on their walls."""
    support, xi = problem
    inside, interior = 0, 0
    for cone in fan(support, len(xi)):
        eta = sp.Matrix(cone).T.LUsolve(sp.Matrix(xi))
        inside += all(e >= 0 for e in eta)
        interior += all(e > 0 for e in eta)
    assert inside >= 1
    assert interior <= 1


@pytest.mark.parametrize(
    "f",
    [x**4 + y**4 + x**2 * y**2, x**4 + y**6 + x * y**2, (x**2 + y**3) ** 2, x**2 * y**2 * (x**2 + 3 * y**2)],
    ids=str,
)
def test_the_maps_keep_integrals(f: sp.Expr) -> None:
    """∫ f^n over [0, 1]² is the sum over the charts, n = 1, 2, 3: exact."""
    for n in (1, 2, 3):
        direct = sp.integrate(sp.expand(f**n), (x, 0, 1), (y, 0, 1))
        total = 0
        for m in maps(sp.expand(f), (x, y)):
            u, v = m.new
            total += sp.integrate(sp.expand(m.pull(f) ** n * sp.Abs(m.jacobian())), (u, 0, 1), (v, 0, 1))
        assert sp.simplify(total - direct) == 0


def test_charts_are_normal_crossings() -> None:
    for m in maps(x**2 * y**2 + y**4 * z**2 + z**6 + x**8, (x, y, z)):
        (chart,) = zeta.pullback(x**2 * y**2 + y**4 * z**2 + z**6 + x**8, m)
        assert chart.unit.subs(dict.fromkeys(m.new, 0)) > 0


def test_degenerate_faces_are_refused() -> None:
    with pytest.raises(BadInput, match="is not proved positive on the domain"):
        [zeta.pullback((x - y) ** 2, m) for m in maps(sp.expand((x - y) ** 2), (x, y))]
    with pytest.raises(BadInput, match="is no polynomial in x, y"):
        maps(sp.exp(x) + y, (x, y))


def test_orthants_cover_symmetric_boxes() -> None:
    side = zeta.Side(True, extent=sp.Integer(2))
    found = orthants((x, y), (side, side))
    assert {tuple(f.subs(dict.fromkeys(m.new, 1)) for f in m.images) for m in found} == set(product((2, -2), repeat=2))


def test_a_map_after_another_takes_all_images_at_once() -> None:
    u, v = sp.symbols("u v", positive=True)
    after = Map((x, y), (u, v), (u, u * v + v)).then((v, u))
    assert after.images == (v, u * (v + 1))
    with pytest.raises(ValueError, match="shorter"):
        after.then((u,))


def test_pullbacks_carry_the_integral_over_the_image() -> None:
    """x = 1 − u, y = 2uv turns the box over: ∫ K^n φ over 0 ≤ y ≤ 2(1 − x), a density of several monomials, |det| = 2u."""
    u, v = sp.symbols("u v", positive=True)
    turned = Map.of({x: 1 - u, y: 2 * u * v}, (u, v))
    assert sp.expand(turned.jacobian() + 2 * u) == 0
    K, density = (1 - x) ** 2 * y**2, (1 + x) * y + 3
    charts = zeta.pullback(K, turned, density)
    (away,) = zeta.pullback(y**2, Map.of({x: (1 - u / 2) * (1 - v / 2), y: v}, (u, v)), 1)  # det = (v − 2)/4 < 0
    assert zeta.laurent(away, 0, 1).coefficients[-1] == sp.Rational(3, 8)
    for n in (0, 1, 2):
        direct = sp.integrate(sp.expand(K**n * density), (y, 0, 2 * (1 - x)), (x, 0, 1))
        assert sp.Add(*(zeta.laurent(c, -n, 1).coefficients[-1] for c in charts)) == direct


def test_symmetric_boxes_as_positive_coordinates() -> None:
    """x = ±B y with positive y; one image where the side is one-sided; half-lines are refused."""
    sides = (zeta.Side(True, extent=sp.Integer(2)), zeta.Side(False, extent=sp.Rational(1, 3)))
    found = orthants((x, y), sides)
    assert all(w.is_positive for m in found for w in m.new)
    assert [m.images for m in found] == [(s * 2 * m.new[0], m.new[1] / 3) for s, m in zip((1, -1), found, strict=True)]
    with pytest.raises(BadInput, match="a resolution needs a bounded domain"):
        orthants((x, y), (zeta.Side(True), zeta.Side(False, variance=sp.S.One)))


def test_determinants_are_products() -> None:
    """(u, uv(1 + u)) has the determinant u(1 + u), and (u²v, v/(1 + v)) has 2uv/(1 + v)²: factor by factor."""
    u, v = sp.symbols("u v", positive=True)
    assert Map((x, y), (u, v), (u, u * v * (1 + u))).jacobian() == u * (u + 1)
    assert Map((x, y), (u, v), (u**2 * v, v / (1 + v))).jacobian() == 2 * u * v / (v + 1) ** 2


def test_powers_of_algebraic_numbers_are_reduced() -> None:
    """r⁵ = r + 1 in products and determinants: no power of r above 4 is left, and the numbers are the same."""
    r = sp.CRootOf(x**5 - x - 1, 0)
    u, v = sp.symbols("u v", positive=True)
    made = Map((x, y), (u, v), (r**3 * u, r * v + u))
    pulled = made.pull(x**2 + y)
    assert sp.Poly(pulled, u, v).coeff_monomial(u**2) == sp.expand(r**2 + r)
    assert sp.expand(pulled - (r**2 + r) * u**2 - u - r * v) == 0
    assert abs(sp.N(made.jacobian() - r**4, 20)) < 1e-15
    assert abs(sp.N(Map((x, y), (u, v), (r**3 * u, r**3 * v)).jacobian() - r**2 - r, 20)) < 1e-15

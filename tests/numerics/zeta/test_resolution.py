"""The blow-ups that are chosen, the integrals that they keep, and what is refused."""

from itertools import product

import pytest
import sympy as sp
from flint import arb

from numerics.precision import ball, digits
from numerics.zeta import resolution
from numerics.zeta.charts import chart
from numerics.zeta.continuation import zeta
from numerics.zeta.resolution import polynomial, resolved
from theory.errors import BadInput

R = sp.Rational
x, y, z = sp.symbols("x y z", positive=True)
X, Y = sp.symbols("X Y")


def test_weights_bring_two_monomials_to_one_degree() -> None:
    """x³y and xy⁵z, none of them pure: 3a + b = a + 5b for (a, b) = (2, 1), without a common factor."""
    assert resolution._weights(x**3 * y + x * y**5 * z, (x, y, z)) == {x: 2, y: 1}
    assert resolution._weights(x**4 + y**6 + z**3, (x, y, z)) == {x: 3, y: 2, z: 4}


@pytest.mark.parametrize(
    ("K", "options"),
    [
        (x**2 + y**2, {"jacobian": (1, 2)}),
        (x**2 + y**2, {"extents": (1, 2), "density": 1 + x / 3}),
        (3 * x**2 * y + y**2 / 2, {"symmetric": False, "extents": (R(1, 2), 1)}),
        ((x - y) ** 2, {"symmetric": False, "density": 2 - x * y}),
        (-2 * x**2 * (x**2 + y**2), {"jacobian": (0, 2)}),
        ((x - 1) ** 2 + y**2, {"symmetric": False, "extents": (1, 1)}),
        ((1 - x) * y**2 + y**4, {"symmetric": False}),
    ],
)
@pytest.mark.parametrize("n", [0, 1])
def test_charts_of_a_polynomial_have_its_integrals(K, options, n: int) -> None:
    """ζ(n) = ∫ |K|^n Π|x|^h φ over the box by sympy: one box or all orthants, sides, densities and constants of either sign."""
    K, phi = (sp.sympify(e).subs({x: X, y: Y}) for e in (K, options.get("density", 1)))
    options = {**options, "density": phi}
    sides, powers = options.get("extents", (1, 1)), options.get("jacobian", (0, 0))
    exact = sp.S.Zero
    for signs in product((1, -1), repeat=2) if options.get("symmetric", True) else [(1, 1)]:
        image = {X: signs[0] * X, Y: signs[1] * Y}
        integrand = (K**n * phi).subs(image, simultaneous=True) * X ** powers[0] * Y ** powers[1]
        exact += sp.integrate(sp.expand(integrand), (X, 0, sides[0]), (Y, 0, sides[1]))
    exact = abs(exact)
    charts = polynomial(K, (X, Y), **options)
    found = zeta(charts, n, 12).real
    with digits(20):
        assert abs(found - ball(exact)) < arb("1e-11") * (1 + abs(ball(exact)))
        for c in charts:
            assert all(side == 1 for side in c.extents) and resolution._zero(c) is None


def test_what_is_no_polynomial_is_refused() -> None:
    for K, words in (
        (sp.S.Zero, "other than 0"), (sp.exp(X), "not a polynomial"), (sp.sqrt(2) * X**2, "rational coefficients"),
        (X**2 + sp.Symbol("c"), "rational coefficients|holds"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=words):
            polynomial(K, X)
    with pytest.raises(BadInput, match="name X twice"):
        polynomial(X**2, (X, Y, X))
    with pytest.raises(BadInput, match="complex values"):
        resolved((chart((X, Y), (2, 2), density=(X - 3) ** R(1, 2)),))
    with pytest.raises(BadInput, match="is not a polynomial; resolve it by hand"):
        resolved((chart((X, Y), (0, 0), unit=sp.sin(X) + Y),))


def test_signs_are_turned_to_be_positive_at_the_middle() -> None:
    """(x − 3)³ in the density is −(3 − x)³; of K only the size counts."""
    (c,) = resolved((chart(X, (2,), unit={X - 2: 3}, density=(X - 3) ** 3),))
    assert zeta([c], 1).real.overlaps(zeta([chart(X, (2,), unit={2 - X: 3}, density=-((3 - X) ** 3))], 1).real)
    bases = {f.base: (f.order, f.jacobian) for f in c.factors}
    assert bases[2 - X] == (3, 0) and zeta([c], 1).real < 0


def test_an_edge_of_the_polygon_is_blown_up_by_its_normal() -> None:
    """x⁴ + x²y + y³ from (4, 0): to (2, 1) the slope is 2 and to (0, 3) 4/3, so the weights are those of the steeper, (1, 2)."""
    assert resolution._weights(x**4 + x**2 * y + y**3, (x, y)) == {x: 1, y: 2}
    assert resolution._weights(x**4 + y**6, (x, y)) == {x: 3, y: 2}
    with pytest.raises(BadInput, match="no blow-up improves"):
        resolution._weights(x * y * z, (x, y, z))

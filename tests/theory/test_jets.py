"""Jets against sympy's own series and derivatives."""

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.jets import jets, multiply, point, power

x, y = sp.symbols("x y", real=True)
lam = sp.Symbol("lambda")

small = st.fractions(min_value=-3, max_value=3, max_denominator=4).map(
    lambda q: sp.Rational(q.numerator, q.denominator)
)


@st.composite
def analytic(draw) -> sp.Expr:
    """Random expressions that are analytic at the origin, built from polynomials and elementary functions."""
    f = sum((draw(small) * m for m in (x, y, x * y, x**2, y**3)), sp.S.Zero)
    function = draw(
        st.sampled_from([sp.exp, sp.sin, sp.cos, sp.tanh, sp.cosh, lambda u: sp.log(2 + u), lambda u: 1 / (3 + u)])
    )
    return function(f) * draw(st.sampled_from([sp.S.One, 1 + x, sp.exp(y), x - y**2])) + draw(small)


def parts(f: sp.Expr, variables, order: int, at=None) -> list[sp.Expr]:
    result = jets([f], variables, point(variables, at), [order])
    back = dict(zip(sp.symbols(f"_x0:{len(variables)}"), variables, strict=True))
    return [part.as_expr().subs(back) for part in result.parts[0]]


@settings(max_examples=40, deadline=None)
@given(analytic())
def test_parts_are_the_derivatives_along_every_ray(f: sp.Expr) -> None:
    """Second road: f(s w) has derivatives k! f_k(w) in s at 0, by sympy's differentiation of the whole expression."""
    s = sp.Symbol("s")
    along = f.subs({x: s * x, y: s * y}, simultaneous=True)
    for k, part in enumerate(parts(f, (x, y), 3)):
        expected = sp.diff(along, s, k).subs(s, 0) / sp.factorial(k)
        assert sp.simplify(part - expected) == 0


@given(small, small, st.integers(0, 5))
def test_a_shifted_polynomial_is_expanded_exactly(a, b, n) -> None:
    f = (x - 2 * y) ** n + a * x * y
    total = sp.Add(*parts(f, (x, y), max(n, 2), at=(a, b)))
    assert sp.expand(total - f.subs({x: x + a, y: y + b}, simultaneous=True)) == 0


def test_symbols_roots_and_constants_stay_exact() -> None:
    assert parts(lam * x**2 / 2 + sp.sqrt(2) * x, (x,), 2)[1] == sp.sqrt(2) * x
    assert sp.simplify(parts(sp.exp(1 + x), (x,), 2)[2] - sp.E * x**2 / 2) == 0


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (sp.Abs(x), "not known to be smooth"),
        (sp.Max(x, 0), "not known to be smooth"),
        (sp.Function("f")(x), "not known to be smooth"),
        (1 / x, "not real-analytic at x = 0"),
        (sp.sqrt(x), "not real-analytic"),
        (sp.log(x - 1), "not real-analytic"),
        (sp.Float(0.1) * x, "inexact number"),
    ],
)
def test_what_has_no_exact_jet_is_refused_by_name(f, says) -> None:
    with pytest.raises(BadInput, match=says):
        jets([f], (x,), point((x,), None), [3])


def test_a_point_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(BadInput, match="1 coordinates for 2 variables"):
        point((x, y), (1,))


@given(st.lists(st.integers(-5, 5), min_size=4, max_size=4), st.lists(st.integers(-5, 5), min_size=4, max_size=4))
def test_truncated_products_are_those_of_polynomials(f, g) -> None:
    h = sp.Symbol("h")
    product = sp.Poly(f[::-1], h) * sp.Poly(g[::-1], h)
    assert multiply(f, g, 0) == [product.coeff_monomial(h**k) for k in range(4)]


@given(st.lists(st.integers(-3, 3), min_size=3, max_size=3), st.integers(1, 9))
def test_powers_are_repeated_products(f, n) -> None:
    expected = f
    for _ in range(n - 1):
        expected = multiply(expected, f, 0)
    assert power(f, n, 0) == expected

"""Jets against sympy's own series and derivatives."""

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.jets import _derivatives, combination, exact, jets, multiply, point, power, summed

x, y = sp.symbols("x y", real=True)
lam, a = sp.symbols("lambda a")

small = st.fractions(min_value=-3, max_value=3, max_denominator=4).map(
    lambda q: sp.Rational(q.numerator, q.denominator)
)


@st.composite
def analytic(draw) -> sp.Expr:
    """Random expressions that are analytic at the origin, built from polynomials and elementary functions."""
    f = sum((draw(small) * m for m in (x, y, x * y, x**2, y**3)), sp.S.Zero)
    functions = [sp.exp, sp.sin, sp.cos, sp.tanh, sp.cosh, lambda u: sp.log(2 + u), lambda u: 1 / (3 + u)]
    powers = [lambda u: 2**u, lambda u: (4 + u) ** sp.Rational(1, 2), lambda u: (1 + x) ** u, lambda u: (2 + u) ** 3]
    function = draw(st.sampled_from(functions + powers))
    return function(f) * draw(st.sampled_from([sp.S.One, 1 + x, sp.exp(y), x - y**2])) + draw(small)


def parts(f: sp.Expr, variables, order: int, at=None) -> list[sp.Expr]:
    result = jets([f], variables, point(variables, at), [order])
    back = dict(zip(sp.symbols(f"_x0:{len(variables)}"), variables, strict=True))
    return [part.as_expr().subs(back) for part in result.parts[0]]


@settings(max_examples=25, deadline=None)
@given(analytic())
def test_parts_are_the_derivatives_along_every_ray(f: sp.Expr) -> None:
    """Second road: f(s w) has derivatives k! f_k(w) in s at 0, by sympy's differentiation of the whole expression."""
    s = sp.Symbol("s")
    along = f.subs({x: s * x, y: s * y}, simultaneous=True)
    for k, part in enumerate(parts(f, (x, y), 3)):
        difference = sp.Poly(part - along.subs(s, 0) / sp.factorial(k), x, y)
        assert all(sp.simplify(c) == 0 for c in difference.coeffs())
        along = sp.diff(along, s)


@given(small, small, st.integers(0, 5))
def test_a_shifted_polynomial_is_expanded_exactly(a, b, n) -> None:
    f = (x - 2 * y) ** n + a * x * y
    total = sp.Add(*parts(f, (x, y), max(n, 2), at=(a, b)))
    assert sp.expand(total - f.subs({x: x + a, y: y + b}, simultaneous=True)) == 0


@pytest.mark.parametrize(
    ("f", "series"),
    [
        (x * y, [0, 0, x * y, 0]),
        (x**2, [0, 0, x**2, 0]),
        (sp.sin(x), [0, x, 0, -(x**3) / 6]),
        (2**y, [1, y * sp.log(2), y**2 * sp.log(2) ** 2 / 2, y**3 * sp.log(2) ** 3 / 6]),
        ((1 + x) ** y, [1, 0, x * y, -(x**2) * y / 2]),
        ((1 + x) ** lam, [1, lam * x, lam * (lam - 1) * x**2 / 2, lam * (lam - 1) * (lam - 2) * x**3 / 6]),
    ],
)
def test_known_series(f, series) -> None:
    """Read in any textbook; the parts that vanish are there too, as zeros."""
    found = parts(f, (x, y), 3)
    assert [sp.expand(part - expected) for part, expected in zip(found, series, strict=True)] == [0, 0, 0, 0]


def test_symbols_roots_and_constants_stay_exact() -> None:
    assert parts(lam * x**2 / 2 + sp.sqrt(2) * x, (x,), 2)[1] == sp.sqrt(2) * x
    assert sp.simplify(parts(sp.exp(1 + x), (x,), 2)[2] - sp.E * x**2 / 2) == 0


@pytest.mark.parametrize(
    ("f", "options", "domain"),
    [
        (x / 3, {}, sp.QQ),
        (2 * x, {}, sp.QQ),
        (sp.sqrt(2) * x, {}, sp.QQ.algebraic_field(sp.sqrt(2))),
        (lam * x / 3, {}, sp.QQ.frac_field(lam)),
        (lam * x, {"extra": [a]}, sp.QQ.frac_field(a, lam)),
        (lam * x, {"field": False}, sp.QQ[lam]),
    ],
)
def test_the_domain_is_the_smallest_that_holds_the_constants(f, options, domain) -> None:
    result = jets([f], (x,), {x: sp.S.Zero}, [1], **options)
    assert result.domain.unify(sp.QQ) == domain.unify(sp.QQ)
    assert result.ring.ngens == 1


def test_elements_come_back_in_lowest_terms() -> None:
    result = jets([(lam**2 - a**2) / (lam - a) ** 2 * (2 + x)], (x,), {x: sp.S.Zero}, [0])
    found = result.expr(result.parts[0][0].coeff(1))
    assert sp.fraction(found) in ((2 * lam + 2 * a, lam - a), (-2 * (lam + a), a - lam), (2 * (lam + a), lam - a))


def test_polynomials_are_not_differentiated_and_functions_only_one_by_one(monkeypatch) -> None:
    """The power series of g(f) costs the derivatives of g alone, one for each order, however large f is."""
    _derivatives.cache_clear()  # others may have asked for those of the sine before
    differentiated = []

    def diff(f, *symbols):
        differentiated.append(f)
        return f.diff(*symbols)

    monkeypatch.setattr(sp, "diff", diff)
    parts((1 + x + y**2) ** 5 * (x - y) + x * y**3, (x, y), 4)
    assert differentiated == []
    parts(sp.sin((1 + x + y**2) ** 5 * (x - y)), (x, y), 4)
    assert [type(f) for f in differentiated] == [sp.sin, sp.cos, sp.Mul, sp.Mul]


def test_every_expression_has_its_order() -> None:
    assert [len(p) for p in jets([x, sp.exp(x)], (x,), {x: sp.S.Zero}, [1, 3]).parts] == [2, 4]
    with pytest.raises(ValueError, match="shorter"):
        jets([x, x], (x,), {x: sp.S.Zero}, [1])


SMOOTH_SAYS = (
    " is not known to be smooth in x, y; the theory needs polynomials and functions such as exp, log, sin, cos, tanh"
)
SINGULAR_SAYS = " is not real-analytic at x = 0, y = 1 ({}); choose another point"


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (2 * sp.Abs(x), "Abs(x)" + SMOOTH_SAYS),
        (sp.Max(x, 0), "Max(0, x)" + SMOOTH_SAYS),
        (sp.exp(sp.Function("f")(x)), "f(x)" + SMOOTH_SAYS),
        (sp.acot(x), "acot(x)" + SMOOTH_SAYS),  # it jumps from −π/2 to π/2 at 0
        (sp.Function("f")(lam) + sp.erf(x) + sp.atan2(x, y), "atan2(x, y)" + SMOOTH_SAYS),
        (3 + 1 / x, "1/x" + SINGULAR_SAYS.format("its base is 0 there")),
        (sp.sqrt(x), "sqrt(x)" + SINGULAR_SAYS.format("its base is 0 there")),
        ((y - 1) ** sp.Rational(9, 2), "(y - 1)**(9/2)" + SINGULAR_SAYS.format("its base is 0 there")),
        (sp.log(x - y), "log(x - y)" + SINGULAR_SAYS.format("a value there is I*pi")),
        (sp.log(x), "log(x)" + SINGULAR_SAYS.format("a value there is zoo")),
        (sp.I * x, "I" + SINGULAR_SAYS.format("a value there is I")),
        (sp.nan * x, "nan" + SINGULAR_SAYS.format("a value there is nan")),
        (sp.Float("0.25") * x, "0.25*x holds the inexact number 0.250000000000000; write it as a fraction"),
        (sp.Float(10) * x + sp.Float(9), "10.0*x + 9.0 holds the inexact number 9.00000000000000; write it as a fraction"),
        ("x", "an exact expression is needed, not the text 'x'; `theory.expression.parse` reads text"),
        ([x], "[x] is not a scalar expression"),
        (sp.true, "True is not a scalar expression"),
    ],
)  # fmt: skip
def test_what_has_no_exact_jet_is_refused_by_name(f, says) -> None:
    with pytest.raises(BadInput) as caught:
        jets([f], (x, y), point((x, y), (0, 1)), [3])
    assert str(caught.value) == says


@pytest.mark.parametrize("infinite", [sp.oo, -sp.oo, sp.zoo, sp.nan])
def test_infinities_are_refused_wherever_they_hide(infinite) -> None:
    with pytest.raises(BadInput, match="is not real-analytic at x = 0"):
        jets([sp.sin(lam + infinite) * x], (x,), {x: sp.S.Zero}, [1])


def test_points() -> None:
    assert point((x, y), None) == {x: 0, y: 0}
    assert point((x, y), (1, lam)) == {x: 1, y: lam}
    assert point((x, y), {y: 2, x: 1, lam: 5}) == {x: 1, y: 2}
    with pytest.raises(BadInput, match=r"^the point \(1\) has 1 coordinates for 2 variables$"):
        point((x, y), (1,))
    with pytest.raises(BadInput, match=r"^the point \(1, 2, 3\) has 3 coordinates for 2 variables$"):
        point((x, y), (1, 2, 3))
    with pytest.raises(BadInput, match=r"0\.500000000000000 holds the inexact number"):
        point((x,), (0.5,))


def test_exact_takes_what_is_exact() -> None:
    assert exact(3) == 3
    assert exact(lam / 2) == lam / 2


@given(st.lists(st.integers(-5, 5), min_size=4, max_size=4), st.lists(st.integers(-5, 5), min_size=4, max_size=4))
def test_truncated_products_are_those_of_polynomials(f, g) -> None:
    h = sp.Symbol("h")
    product = sp.Poly(f[::-1], h) * sp.Poly(g[::-1], h)
    assert multiply(f, g, 0) == [product.coeff_monomial(h**k) for k in range(4)]


class _Costly(int):
    """A number whose products with 0 are forbidden."""

    def __mul__(self, other):
        assert self and other
        return _Costly(int(self) * int(other))

    def __add__(self, other):
        return _Costly(int(self) + int(other))

    def __radd__(self, other):
        raise AssertionError("a sum begins at the zero of the ring")


def test_parts_that_vanish_cost_nothing() -> None:
    f, g = ([_Costly(c) for c in cs] for cs in ((0, 2, 0, 3), (5, 0, 7, 0, 1)))
    product = multiply(f, g, _Costly(0))
    assert product == [0, 10, 0, 29]
    assert all(isinstance(c, _Costly) for c in product)


@given(st.lists(st.integers(-3, 3), min_size=3, max_size=3), st.integers(1, 9))
def test_powers_are_repeated_products(f, n) -> None:
    expected = f
    for _ in range(n - 1):
        expected = multiply(expected, f, 0)
    assert power(f, n, 0) == expected


def test_sums_in_place_are_the_ring_s() -> None:
    """Terms that cancel leave no coefficient 0 behind, and what is added up is left as it was."""
    ring = jets([x, y], (x, y), {x: sp.S.Zero, y: sp.S.Zero}, [1, 1]).ring
    p, q = ring.gens
    pairs = [(p + q, p - q), (q, q), (p, 2 * q), (ring.zero, p)]
    assert summed(ring, pairs) == p**2 + 2 * p * q and len(summed(ring, pairs)) == 2
    assert combination(ring, [(ring.domain(2), p + q), (ring.domain(-2), q)]) == 2 * p
    assert len(combination(ring, [(ring.domain(1), p), (ring.domain(-1), p)])) == 0
    assert pairs == [(p + q, p - q), (q, q), (p, 2 * q), (ring.zero, p)]
    assert multiply([p, q], [p, -q], ring.zero) == [p**2, ring.zero] and not multiply([p, q], [p, -q], ring.zero)[1]

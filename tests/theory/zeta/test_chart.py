"""Charts read off expressions: contents, parities, scalings, refusals."""

from typing import Any

import mpmath as mp
import pytest
import sympy as sp
from flint import arb

from theory import zeta
from theory.errors import BadInput
from theory.zeta import Side, chart
from theory.zeta.balls import ball
from theory.zeta.content import content, summands
from theory.zeta.positivity import positive
from theory.zeta.precision import digits
from theory.zeta.taylor import Removable

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational


@pytest.mark.parametrize(
    ("expr", "powers", "signs", "rest"),
    [
        (3 * x**2 * y, (2, 1), (0, 1), 3),
        (sp.Abs(x) ** R(1, 2) * sp.sign(y), (R(1, 2), 0), (0, 1), 1),
        (x**2 * y + x * y**2, (1, 1), (1, 1), x + y),
        ((x + x * y) ** 2, (2, 0), (0, 0), (1 + y) ** 2),
        (sp.sqrt(x**2 + x**2 * y), (1, 0), (0, 0), sp.sqrt(1 + y)),
        (sp.Abs(x * y) ** 3, (3, 3), (0, 0), 1),
        (sp.tanh(x) ** 2 * sp.exp(y), (2, 0), (0, 0), Removable(sp.tanh(x), x, 1) ** 2 * sp.exp(y)),
        (x / (1 + x) - x, (2, 0), (0, 0), -1 / (1 + x)),
    ],
    ids=str,
)
def test_contents(expr, powers, signs, rest) -> None:
    found = content(expr, (x, y))
    assert found[:2] == (powers, signs)
    assert sp.simplify(found[2] - rest) == 0


def test_polynomial_densities_become_monomials() -> None:
    found = summands((1 + x) * (1 - x) * sp.Abs(y), (x, y))
    assert sorted((powers, rest) for powers, _, rest in found) == [((0, 1), 1), ((2, 1), -1)]


def test_odd_parts_of_symmetric_domains_go() -> None:
    charts = zeta.charts(x**2, (x,), domain="symmetric", density=(1 + x) ** 3)
    (monomial,) = zeta.charts(x**2, (x,), domain="symmetric", density=1)
    (square,) = zeta.charts(x**2, (x,), domain="symmetric", density=3 * x**2)
    for s in (R(1, 2), R(3, 2)):
        whole = zeta.laurent(charts, s, 1)
        parts = zeta.laurent((monomial, square), s, 1)
        assert whole == parts
    assert zeta.charts(x**2 * y**2, (x, y), domain="symmetric", density=x) == ()
    assert zeta.charts(x**2, (x,), domain="symmetric", density=sp.sin(x)) == ()


def test_units_that_are_not_even_have_two_charts() -> None:
    found = zeta.charts(x**2 * (2 + x), (x,), domain="symmetric")
    assert [c.unit for c in found] == [x + 2, 2 - x]


@pytest.mark.parametrize("size", [2, R(1, 3)])
def test_extents_scale(size) -> None:
    """∫_0^B (x²(1+x))^z/(3+x) dx = ∫_0^1 (B³y²(1/B + y))^z/(3+By) B dy."""
    one = zeta.charts(x**2 * (1 + x), (x,), domain=Side(False, extent=sp.sympify(size)), density=1 / (3 + x))
    other = zeta.charts(size**3 * x**2 * (R(1) / size + x), (x,), density=size / (3 + size * x))
    for s in (R(1, 2), 1):
        a, b = zeta.laurent(one, s), zeta.laurent(other, s)
        assert a.order == b.order
        assert all(sp.simplify(p - q) == 0 for p, q in zip(a.coefficients, b.coefficients, strict=True))


def test_variances_scale() -> None:
    """x ~ N(0, σ²) under x² is y ~ N(0, 1) under σ²y²."""
    wide = zeta.charts(x**2, (x,), domain=Side(True, variance=sp.Integer(5)), density=x**2)
    unit = zeta.charts(5 * x**2, (x,), domain="gaussian", density=5 * x**2)
    for s in (R(3, 2), R(5, 2)):
        (a,), (b,) = zeta.laurent(wide, s).coefficients, zeta.laurent(unit, s).coefficients
        assert sp.simplify(a - b) == 0


def test_half_gaussians_are_half() -> None:
    whole, half = (zeta.charts(x**4, (x,), domain=d) for d in ("gaussian", "half-gaussian"))
    for s in (R(1, 4), R(3, 4)):
        (a,), (b,) = zeta.laurent(whole, s).coefficients, zeta.laurent(half, s).coefficients
        assert sp.expand(a - 2 * b) == 0


@pytest.mark.parametrize(
    ("f", "far", "proved"),
    [
        (1 - x + x**2, True, True),
        (1 - 3 * x + x**2, True, False),
        (R(11, 10) - x, False, True),
        (R(11, 10) - x, True, False),
        (1 - x, False, False),
        (2 + sp.sin(5 * x), False, True),
        (Removable(sp.tanh(x), x, 1), False, True),
        (Removable(sp.tanh(x) ** 2 + sp.tanh(2 * x) ** 2, x, 2), False, True),
        (sp.exp(x) - R(3, 2), False, False),
        (Removable(sp.asinh(x), x, 1), False, True),
        (Removable(sp.cot(1 + x) - sp.cot(1), x, 1), False, False),
    ],
    ids=str,
)
def test_positivity_is_proved_or_has_a_witness(f, far, proved) -> None:
    assert (positive(f, [x], [far]) == "") is proved
    with pytest.raises(ValueError, match="shorter"):
        positive(x - y, [x, y], [far])


@pytest.mark.parametrize(
    ("K", "kwargs", "says"),
    [
        (x**3, {"domain": "symmetric"}, "x**3 changes its sign where x does; K must be ≥ 0, as a loss less its minimum is"),
        (sp.exp(x), {}, "exp(x) is not a normal crossing u·Π x_i^(2k_i) with a unit u > 0 and some k_i > 0; "
         "resolve its singularity first"),
        (x**2 * (1 - 2 * x), {}, "the factor 1 - 2*x of K is not proved positive on the domain (at x = 1.000 its value is -1.000); "
         "K is not a normal crossing there: resolve its zeros first, or shrink the domain"),
        (x**2, {"domain": "sphere"}, "domain 'sphere' is not one of box, symmetric, gaussian, half-gaussian"),
        (x**2, {"domain": {y: "box"}}, "domain None of x is not one of box, symmetric, gaussian, half-gaussian"),
        (x**2, {"domain": Side(False, extent=sp.S.Zero)}, "the domain of x has the size 0, which is not positive"),
        (x**2, {"density": x**-2}, "x**(-2) is not integrable at x = 0, where it behaves as x**(-2); it needs an exponent > −1"),
        (x**2, {"density": 1 / (1 - 2 * x)},
         "1/(1 - 2*x) is not proved analytic on the domain: 1 - 2*x may vanish there; shrink the domain"),
        (x**2, {"density": sp.Abs(x - R(1, 2))},
         "Abs(x - 1/2) is not analytic where it changes its sign, inside the domain; cut the domain there"),
        (x**2, {"density": sp.Piecewise((1, x > 0), (0, True))},
         "Piecewise((1, x > 0), (0, True)) is not known to be analytic; "
         "K and φ are made of powers and functions such as exp, cos, tanh"),
        (x**2, {"density": sp.sqrt(x), "domain": "symmetric"},
         "sqrt(x) holds a root of x, which is negative on half of the domain; write Abs(x)"),
    ],
)  # fmt: skip
def test_what_is_refused(K, kwargs, says) -> None:
    with pytest.raises(BadInput) as caught:
        zeta.charts(K, (x,), **kwargs)
    assert str(caught.value) == says


def values(K: sp.Expr, names: tuple[sp.Symbol, ...], density: sp.Expr, domain: Any, n: int) -> list[sp.Expr]:
    """ζ(n) of every chart: the integrals of K^n φ over the parts of the domain."""
    found = zeta.charts(K, names, domain=domain, density=density)
    return [zeta.laurent(c, -n, 1).coefficients[-1] for c in found]


HALF_LINE, WIDE = Side(False, variance=R(1, 3)), Side(True, variance=sp.Integer(5))
DENSITIES = [
    (x**2, sp.exp(x), "symmetric"),
    (x**2 * (3 + x), sp.exp(x / 2), "symmetric"),
    (x**2 * (3 + x), x + 2 * sp.Abs(x) ** R(1, 2), Side(True, extent=R(3, 2))),
    (x**4 * (1 + x**2), (1 + x) ** 3, Side(True, extent=R(1, 2))),
    (3 * x, sp.sqrt(x) * (1 - x) ** 2, Side(False, extent=sp.Integer(4))),
    (x**2, (1 - x) ** 3 + sp.Abs(x), WIDE),
    (x**2, (1 - x) ** 3, HALF_LINE),
    (x**2, sp.sign(x) * sp.sinh(x) * sp.Abs(x) ** R(1, 2), "symmetric"),
    (sp.Abs(x) ** R(3, 2) / (2 + x), 1 / (3 - x), "symmetric"),
]


@pytest.mark.parametrize(("K", "density", "domain"), DENSITIES, ids=str)
def test_charts_carry_the_whole_integral(K: sp.Expr, density: sp.Expr, domain: Any) -> None:
    """ζ(n) = ∫ K^n φ over the domain as it was given, by mpmath, mirror images, extents and variances included."""
    (side,) = chart.sides((x,), domain)
    low, high = (-1 if side.symmetric else 0) * side.extent, side.extent
    f = sp.lambdify(x, density, "mpmath")
    for n in (0, 1, 2):
        with mp.workdps(25):
            loss = sp.lambdify(x, K**n, "mpmath")
            if side.variance is None:
                edges, weight = [mp.mpf(low.p) / low.q, 0, mp.mpf(high.p) / high.q] if low else [0, high], None
            else:
                edges = [-30, -5, 0, 5, 30] if side.symmetric else [0, 1, 3, 10]
                weight = mp.mpf(side.variance.p) / side.variance.q

            def integrand(v, loss=loss, weight=weight):
                return loss(v) * f(v) * (mp.exp(-v * v / (2 * weight)) / mp.sqrt(2 * mp.pi * weight) if weight else 1)

            expected = arb(mp.nstr(mp.quad(integrand, edges), 24))
        with digits(20):
            found = sum((ball(value) for value in values(K, (x,), density, domain, n)), arb(0))
            assert abs(found - expected) < arb(10) ** -15 * (1 + abs(expected))


def test_mixed_domains_in_two_variables() -> None:
    """∫ x²y⁴ (x + y)² over [−2, 2] × N(0, 3): 64/5·E y⁴ + 16/3·E y⁶, and half of it on one side of y."""
    for symmetric, share in ((True, 1), (False, R(1, 2))):
        domain = {x: Side(True, extent=sp.Integer(2)), y: Side(symmetric, variance=sp.Integer(3))}
        found = sp.Add(*values(x**2 * y**4, (x, y), (x + y) ** 2, domain, 1))
        assert sp.simplify(found - share * (R(64, 5) * 27 + R(16, 3) * 15 * 27)) == 0


@pytest.mark.parametrize(
    "unit",
    [(1 - 2 * x + 2 * x**2) * (-2 - x) * -3, (-1 - x) ** 3 * (x - 2), (x - 3) ** 2 / (-1 - y),
     Removable(-sp.tanh(x), x, 1) * (x - 2), -Removable(sp.sin(y), y, 1),
     Removable(sp.sin(x) - x, x, 3) * (y - 2) ** 3, Removable(sp.sin(x) - x, x, 3) ** 2],
    ids=str,
)  # fmt: skip
def test_factors_of_a_unit_are_written_positive(unit: sp.Expr) -> None:
    """(−a)(−b) is ab, power by power, up to a sign that K has not: no factor is negative in the middle."""
    made = zeta.Chart((x, y), (2, 0), (0, 0), unit)
    middle = {x: R(1, 2), y: R(1, 2)}
    value = abs(sp.N(unit.xreplace({}).replace(lambda e: isinstance(e, Removable), _plain_quotient).subs(middle), 20))
    for exponent in (1, R(1, 2), R(-3, 2)):
        for raised in (made.raised(exponent), made.signed().unit ** exponent):
            found = sp.N(raised.replace(lambda e: isinstance(e, Removable), _plain_quotient).subs(middle), 20)
            assert abs(found / value**exponent - 1) < sp.Float("1e-15")


def _plain_quotient(e: Removable) -> sp.Expr:
    f, v, m = e.args
    return f / v**m


def test_densities_multiply_a_chart() -> None:
    """φ → φ x^{1/2} y² (1 + y), and φ → φ K^p: values of ζ move along."""
    made = zeta.Chart((x, y), (2, 4), (1, 0), 1 + x * y, 2 - x)
    more = made.times(sp.sqrt(x) * (y**2 + y**3))
    assert (more.jacobian, sp.expand(more.density - (2 - x) * (1 + y))) == ((R(3, 2), 2), 0)
    up = made.power(2)
    assert (up.jacobian, up.orders) == ((5, 8), (2, 4))
    whole = zeta.laurent(made, -3, 1).coefficients[-1]
    assert sp.expand(zeta.laurent(up, -1, 1).coefficients[-1] - whole) == 0
    assert zeta.laurent(made.power(-1), -4, 1).coefficients[-1] == whole


def test_which_coordinates_stand_alone() -> None:
    made = zeta.Chart((x, y, z), (2, 2, 2), (0, 0, 0), 1 + x, (1 + y) * sp.exp(z))
    assert made.free() == (False, True, False)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: zeta.Chart((x, y), (2,), (0, 0)), "a chart in 2 variables needs 2 orders, Jacobian exponents and sides"),
        (lambda: zeta.Chart((x, y), (2, 2), (0,)), "a chart in 2 variables needs 2 orders"),
        (lambda: zeta.Chart((x, y), (2, 2), (0, 0), 1, 1, (True,)), "a chart in 2 variables needs 2 orders"),
        (lambda: zeta.Chart((x,), (-1,), (0,)).checked(), "K = x**(-1)·… is unbounded near x = 0; orders must be ≥ 0"),
        (lambda: zeta.Chart((x,), (2,), (-1,)).checked(), "the density x**(-1) is not integrable at x = 0"),
        (lambda: zeta.Chart((x,), (2,), (0,), sp.sqrt(x - R(1, 2))).checked(), "is not proved analytic on the domain"),
        (lambda: zeta.Chart((x,), (2,), (0,), 1, sp.log(2 * x - 1)).checked(), "2*x - 1 may vanish there"),
        (lambda: zeta.Chart((x,), (2,), (0,), 1, 1 / (x - 2), (True,)).checked(), "x - 2 may vanish there"),
        (lambda: zeta.Chart((x,), (2,), (0,), x - 2).checked(), "is not proved positive on the domain"),
        (lambda: zeta.charts(x**2, (x,), density=1 / sp.sqrt(x)**3), "is not integrable at x = 0, where it behaves as"),
        (lambda: zeta.charts(x**2, (x,), domain=Side(True, variance=sp.Integer(-1))), "the domain of x has the size -1"),
        (lambda: zeta.charts(1 / x, (x,)), "1/x is not a normal crossing"),
        (lambda: zeta.charts(-(x**2), (x,)), "-x**2 is not a normal crossing"),
    ],
)  # fmt: skip
def test_charts_that_are_refused(make, says) -> None:
    with pytest.raises(BadInput) as caught:
        make()
    assert says in str(caught.value)


def test_what_lies_on_the_edge_is_taken() -> None:
    """κ = 0 and h = −½, roots of what is positive, and divisors beyond the chart."""
    for density in (sp.sqrt(1 + x), sp.log(2 + x), 1 / (2 - x), (x - 2) ** -1, 2 ** (x - 2)):
        assert zeta.Chart((x, y), (2, 0), (R(-1, 2), 0), 1, density).checked().density == density
    assert zeta.Chart((x,), (2,), (0,), 1, 1 / (2 + x), (True,)).checked()
    assert len(zeta.charts(x**3, (x,), domain="half-gaussian")) == 1
    assert len(zeta.charts(sp.Abs(x) ** 3, (x,), domain="symmetric", density=sp.Abs(x) ** R(-1, 2))) == 1


@pytest.mark.parametrize(
    ("expr", "powers", "signs", "rest"),
    [
        (sp.sqrt(1 - sp.cos(x)) * y, (1, 1), (0, 1), sp.sqrt(Removable(1 - sp.cos(x), x, 2))),
        (sp.sqrt(sp.sin(x)), (R(1, 2), 0), (-1, 0), sp.sqrt(Removable(sp.sin(x), x, 1))),
        (sp.sqrt(sp.tanh(x) - x), (R(3, 2), 0), (-1, 0), sp.sqrt(Removable(sp.tanh(x) - x, x, 3))),
        (sp.sqrt(x**4 + x**4 * y**2), (2, 0), (0, 0), sp.sqrt(1 + y**2)),
        (sp.sqrt(x**3 + x**3 * y), (R(3, 2), 0), (-1, 0), sp.sqrt(1 + y)),
        (sp.sqrt(x**6 * y**2 + x**8 * y**2), (3, 1), (0, 0), sp.sqrt(1 + x**2)),
        (sp.sin(x) ** 3 / sp.sinh(y), (3, -1), (1, 1), Removable(sp.sin(x), x, 1) ** 3 / Removable(sp.sinh(y), y, 1)),
        (sp.sign(x * y) ** 3 * sp.Abs(2 * x) / x**2, (-1, 0), (1, 1), 2),
        ((x**2 * y - 3 * x * y**3) ** -2, (-2, -2), (0, 0), (x - 3 * y**2) ** -2),
        (1 / (1 + x) + 1 / (1 - x) - 2, (2, 0), (0, 0), 2 / (1 - x**2)),
        ((x / (1 + y) - x) ** 2, (2, 2), (0, 0), (1 + y) ** -2),
        (sp.Integer(5), (0, 0), (0, 0), 5),
    ],
    ids=str,
)
def test_contents_of_roots_and_quotients(expr, powers, signs, rest) -> None:
    """|x|^p sign(x)^e times the rest; e = −1 where a root of x itself is taken; the product is the expression."""
    found = content(expr, (x, y))
    assert found[:2] == (powers, signs)
    plain = [f.replace(lambda e: isinstance(e, Removable), _plain_quotient) for f in (found[2], sp.sympify(rest))]
    for point in ({x: R(1, 3), y: R(2, 5)}, {x: R(1, 7), y: R(1, 2)}):
        value, other = (sp.N(f.subs(point), 25) for f in plain)
        assert abs(value - other) < sp.Float("1e-20")
        whole = value * point[x] ** powers[0] * point[y] ** powers[1]
        assert abs(whole - sp.N(expr.subs(point), 25)) < sp.Float("1e-20")


def test_densities_as_sums() -> None:
    """Monomials where there is nothing else, equal ones added and zeros left out; a product with another factor as a whole."""
    found = summands(sp.Abs(x) * (1 + y) ** 2 + 3 * y * sp.Abs(x) - 5 * y * sp.Abs(x), (x, y))
    assert sorted(found, key=str) == sorted([((1, 0), (0, 0), 1), ((1, 2), (0, 0), 1)], key=str)
    whole = summands((1 + x) * sp.exp(y), (x, y))
    assert len(whole) == 1 and whole[0][:2] == ((0, 0), (0, 0)) and sp.expand(whole[0][2] - (1 + x) * sp.exp(y)) == 0
    assert summands(0, (x, y)) == []


def test_what_a_proof_of_positivity_says() -> None:
    """A witness, the symbols it depends on, or how far was looked."""
    c = sp.Symbol("c", real=True)
    assert positive(sp.sqrt(2) - 1, [x], [False]) == "" == positive(sp.Integer(3), [], [])
    assert positive(sp.Integer(-1), [], []) == "it is -1" == positive(sp.Integer(-1), [x], [True])
    assert positive(1 + c**2 - x, [x], [False]) == "its sign depends on ['c']"
    assert positive(1 + 2 * x + c**2, [x], [False]) == ""
    assert positive(sp.exp(x), [x], [True]) == "it is not a polynomial in x, which runs to infinity"
    assert positive(1 - x + x**2, [x], [False], 1) == "1 pieces did not prove it"
    assert positive(1 - x + x**2, [x], [False], 50) == ""
    assert "its value is -0.5000" in positive(R(1, 2) - x, [x], [False])
    assert "at x = 0" in positive(x, [x], [False])
    for names in ([x, y], [y, x]):  # it is x that has to be cut
        assert positive(x**2 - x + R(3, 10) + y / 100, names, [False, False]) == ""
    for unbounded, proved in (
        ([False, False], True),
        ([True, False], False),
        ([False, True], True),
        ([True, True], False),
    ):
        assert (positive(2 + y + x * y - x, [x, y], unbounded) == "") is proved  # at y = 0 it is 2 − x


def test_candidates_are_read_off_even_functions() -> None:
    """2 + x (x + x³) is even, though it does not look it; polynomials have their own degrees, a Gaussian every second more."""
    odd_halves = [R(1, 2), R(3, 2), R(5, 2)]
    assert zeta.candidates(zeta.Chart((x,), (2,), (0,), 2 + x * (x + x**3)), 3) == odd_halves
    assert zeta.candidates(zeta.Chart((x,), (2,), (0,), 1, 1 + x**4), 9) == [R(1, 2), R(5, 2)]
    assert zeta.candidates(zeta.Chart((x,), (2,), (0,), 1, x + x**4, (True,)), 3) == [1, 2, R(5, 2), 3]
    assert zeta.candidates(zeta.Chart((x,), (2,), (0,), 1, 1 + x**2, (True,)), 3) == odd_halves
    assert zeta.candidates(zeta.Chart((x, y), (2, 0), (0, 0), 1 + x), R(3, 2)) == [R(1, 2), 1, R(3, 2)]
    assert zeta.candidates((zeta.Chart((x,), (2,), (0,)), zeta.Chart((x,), (3,), (1,))), 1) == [R(1, 2), R(2, 3)]


@pytest.mark.parametrize(
    "f",
    [
        sp.sqrt(sp.sin(x)) * sp.sqrt(sp.tanh(x)),
        sp.sqrt(x + x**2) * sp.sqrt(2 * x - x**2),
        sp.sqrt(x + x**2) * sp.sqrt(sp.sin(x)),
    ],
    ids=str,
)
def test_two_roots_of_one_sign_make_an_odd_function(f: sp.Expr) -> None:
    """√x √x is x on both sides, by complex square roots: odd, and no root any more."""
    powers, signs, rest = content(f, (x,))
    assert (powers, signs) == ((1,), (1,))
    plain = rest.replace(lambda e: isinstance(e, Removable), _plain_quotient)
    for at in (R(1, 3), R(-1, 3)):
        assert abs(sp.N(f.subs(x, at), 25) - at * sp.N(plain.subs(x, at), 25)) < sp.Float("1e-20")


def test_even_units_fold_and_other_variables_stay() -> None:
    """One chart for the two halves of an even unit, none where the density is odd; K need not hold every variable."""
    for unit in (1 + x**2, sp.cosh(x) * (2 + y)):
        assert zeta.charts(x**2 * unit, (x, y), domain={x: "symmetric", y: "box"}, density=x) == ()
        assert zeta.charts(x**2 * unit, (x, y), domain={x: "symmetric", y: "box"}, density=sp.sin(x)) == ()
        (made,) = zeta.charts(x**2 * unit, (x, y), domain={x: "symmetric", y: "box"}, density=1 + x)
        assert (made.orders, made.density) == ((2, 0), 2)

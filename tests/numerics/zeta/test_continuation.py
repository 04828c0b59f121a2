"""Zeta functions against closed forms, exact theory, keyhole contours and exact integrals; and what must be refused."""

from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from flint import acb, arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import enclosure, zeta
from numerics.errors import NotCertified
from numerics.posterior import Posterior
from numerics.precision import agreeing_digits, ball, digits, rational
from numerics.zeta import contour
from numerics.zeta.charts import Gaussian, chart
from numerics.zeta.moves import blow_up, cut, orthants
from numerics.zeta.resolution import polynomial, resolved
from theory import singular
from theory.errors import BadInput

R = sp.Rational
x, y, z = sp.symbols("x y z")
QUICK = settings(max_examples=12, deadline=None)
LOG_UNIT = 2 * (sp.log(2) - sp.log(1 + sp.sqrt(2)))  # ∫_0^1 ((1+x)^{−1/2} − 1) dx/x
AREA = sp.gamma(R(1, 4)) * sp.gamma(R(3, 2)) / sp.gamma(R(7, 4))  # of x² + y⁴ < 1

# name: (problem, λ, m, A_0 in closed form): by the residue integral, or by V(ε) ~ A_0 ε^λ (−log ε)^{m−1}/(λ (m−1)!).
TABLE = {
    "line": (lambda: chart(x, (2,), unit=1 + x), R(1, 2), 1, R(1, 2)),
    "line with a density": (lambda: chart(x, (4,), jacobian=1, density=3 + x, unit=2 + x), R(1, 2), 1, 3 / sp.sqrt(2) / 4),
    "plane, m = 2": (lambda: chart((x, y), (2, 2), unit=1 + x + y), R(1, 2), 2, R(1, 4)),
    "plane, m = 1": (
        lambda: chart((x, y), (2, 4), unit=1 + x),
        R(1, 4), 1, sp.Integral(x ** R(-1, 2) * (1 + x) ** R(-1, 4), (x, 0, 1)) / 4,
    ),
    "weights tie, both signs": (
        lambda: orthants((x, y), (2, 4), jacobian=(0, 1), unit=2 + x * y), R(1, 2), 2, 4 / sp.sqrt(2) / 8,
    ),
    "circle": (lambda: polynomial(x**2 + y**2, (x, y)), 1, 1, sp.pi),
    "ellipse": (lambda: polynomial(x**2 + x * y + y**2, (x, y)), 1, 1, 2 * sp.pi / sp.sqrt(3)),
    "ball": (lambda: polynomial(x**2 + y**2 + z**2, (x, y, z)), R(3, 2), 1, 2 * sp.pi),
    "A3": (lambda: polynomial(x**2 + y**4, (x, y)), R(3, 4), 1, R(3, 4) * AREA),
    "one blow-up": (
        lambda: polynomial(x**2 * y**2 * (x**2 + 3 * y**2), (x, y)),
        R(1, 3), 1, 4 * sp.Integral(x ** R(-2, 3) * (1 + 3 * x**2) ** R(-1, 3), (x, 0, sp.oo)) / 6,
    ),
    "crossing lines": (lambda: polynomial((x**2 - y**2) ** 2, (x, y)), R(1, 2), 2, R(1, 2)),
    "corner": (lambda: polynomial(x**2 + y, (x, y), symmetric=False), R(3, 2), 1, 1),
    "x²y² + z²": (lambda: polynomial(x**2 * y**2 + z**2, (x, y, z)), 1, 2, sp.pi),
    "x²y²z² with a unit": (lambda: chart((x, y, z), (2, 2, 2), unit={4 + x + y: 1, 1 + y: 2}), R(1, 2), 3, R(1, 16)),
    "Gaussian": (lambda: orthants((x, y), (2, 2), extents=Gaussian(fmpq(1))), R(1, 2), 2, 1 / (2 * sp.pi)),
}  # fmt: skip


def closed(expr):
    """A closed form to 25 digits: sympy where it has balls, mpmath for the integrals."""
    tree = sp.sympify(expr)
    if not tree.has(sp.Integral):
        return ball(tree)
    with mpmath.workdps(40):
        integrals = {i: sp.Float(_quad(i), 38) for i in tree.atoms(sp.Integral)}
        return arb(str(sp.N(tree.xreplace(integrals), 30))) + arb(0, 1e-25)


def _quad(integral):
    high, f = integral.limits[0][2], sp.lambdify(integral.limits[0][0], integral.function, "mpmath")
    middle = [0, 1, 10, mpmath.inf] if high == sp.oo else [0, 1]
    return mpmath.quad(lambda s: f(s**3) * 3 * s**2, middle)  # x = s³ tames the ends


@pytest.mark.parametrize("name", TABLE)
def test_the_first_pole(name):
    make, place, order, leading = TABLE[name]
    s, m, found = zeta.first_pole(make(), 20)
    with digits(30):
        assert (s, m) == (rational(place), order)
        assert agreeing_digits(found, closed(leading)) >= 18


def test_the_neighbours_of_the_table_are_refuted():
    """A dropped 1/κ, a forgotten orthant and the other convention for λ leave the balls."""
    with digits(30):
        for name in ("plane, m = 2", "circle", "A3", "x²y² + z²"):
            make, _, _, leading = TABLE[name]
            found = zeta.first_pole(make(), 15)[2]
            for wrong in (2, R(1, 2), R(1, 4), 1 + R(1, 10**14)):
                assert not found.overlaps(ball(leading) * ball(wrong))


def test_laurent_coefficients_of_a_double_pole():
    """x²y²(1 + x + y): A_1 = ½ ∫ (F(x,0) − F(0,0)) dx/x + ½ ∫ (F(0,y) − F(0,0)) dy/y, F = u^{−1/2}."""
    with digits(30):
        found = zeta.laurent(chart((x, y), (2, 2), unit=1 + x + y), R(1, 2), 3)
        assert found.order == 2
        assert agreeing_digits(found.coefficients[1], LOG_UNIT) >= 20
        assert not found.coefficients[1].overlaps(ball(-LOG_UNIT))
        half = zeta.laurent(chart((x, y), (2, 2), unit=1 + x), R(1, 2), 2)
        assert agreeing_digits(half.coefficients[1], LOG_UNIT / 2) >= 20


def hypergeometric(k1, h1, k2, h2, c):
    """ζ for x^{k1} y^{k2} (1 + c x), density x^{h1} y^{h2}: 2F1(−z, a+1; a+2; −c)/(a+1) · 1/(k2 z + h2 + 1)."""

    def value(point):
        a = k1 * point + h1
        line = acb(-c).hypgeom_2f1(-point, a + 1, a + 2) / (a + 1)
        return line / (k2 * point + h2 + 1)

    return value


@pytest.mark.parametrize(
    ("exponents", "s", "order"),
    [
        ((2, 0, 2, 0, 1), R(1, 2), 2),
        ((2, 0, 4, 0, 1), R(1, 4), 1),
        ((2, 1, 4, 3, 3), 1, 2),
        ((2, 0, 4, 0, 2), R(3, 2), 1),
    ],
)
def test_laurent_coefficients_by_cauchy_integrals_of_2f1(exponents, s, order):
    k1, h1, k2, h2, c = exponents
    found = zeta.laurent(chart((x, y), (k1, k2), jacobian=(h1, h2), unit=1 + c * x), s, 5, 20)
    other = contour.laurent(
        (), s, order, 5, circle=R(1, 16), points=80, accuracy=40, function=hypergeometric(*exponents)
    )
    with digits(30):
        assert found.order == order
        for mine, theirs in zip(found.coefficients, other.coefficients, strict=True):
            assert agreeing_digits(mine, theirs) >= 18


def test_laurent_coefficients_by_keyhole_contours():
    problem = chart(x, (2,), unit={1 + x: 1, 2 + x: R(1, 2)}, density=sp.exp(-x))
    for s in (R(1, 2), 1, R(3, 2)):
        found = zeta.laurent(problem, s, 4, 20)
        other = contour.laurent(problem, s, 1, 4, circle=R(1, 4), points=80, accuracy=22)
        with digits(25):
            for mine, theirs in zip(found.coefficients, other.coefficients, strict=True):
                assert agreeing_digits(mine, theirs) >= 16


def test_values_left_of_the_poles_by_nested_keyholes():
    """Both are proved: the balls must meet. z lies between the first and the second pole."""
    problem = chart((x, y), (2, 2), unit=1 + x + y)
    with digits(20):
        point = acb(fmpq(-9, 10), fmpq(1, 3))
        mine, theirs = zeta.zeta(problem, point), contour.value(problem, point, 5)
        assert mine.overlaps(theirs)
        assert theirs.real.rad() < 1e-6 and mine.real.rad() < 1e-18


@pytest.mark.parametrize("domain", singular.DOMAINS)
@pytest.mark.parametrize("powers", [(2,), (2, 2), (2, 4), (2, 2, 2), (2, 4, 4), (6, 2, 4)])
def test_partition_functions_against_the_exact_theory(domain, powers):
    names = (x, y, z)[: len(powers)]
    exact = singular.partition(sp.Mul(*(v**k for v, k in zip(names, powers, strict=True))), names, domain=domain)
    make = chart if domain == "box" else orthants
    extents = Gaussian(fmpq(1)) if domain == "gaussian" else 1
    found = zeta.partition_terms(make(names, powers, extents=extents), exact.terms[0].power + 2, 25)
    assert len(found) == len(exact.terms)
    with digits(25):
        for mine, theirs in zip(found, exact.terms, strict=True):
            coefficients = sp.Poly(theirs.polynomial, singular.LOG).all_coeffs()[::-1]
            assert mine.s == rational(theirs.power) and len(mine.polynomial) == len(coefficients)
            for a, b in zip(mine.polynomial, coefficients, strict=True):
                assert a.overlaps(ball(b)) and a.rad() < 1e-20


def test_partition_functions_against_the_posterior():
    """Z(t) by the trapezoid rule, with the Gaussian prior, and on an interval with a unit."""
    t = 300
    prior = sp.exp(-(x**2 + y**2) / 2)
    terms = zeta.partition_terms(orthants((x, y), (2, 2), extents=Gaussian(fmpq(1))), 12, 20)
    with digits(15):
        direct = Posterior(x**2 * y**2, (x, y), t, prior, 8).partition() / (2 * arb.pi())
        assert abs(direct - zeta.series_value(terms, t)) < 1e-8
    with digits(25):
        terms = zeta.partition_terms(chart(x, (2,), unit=1 + x), 14)
        direct = enclosure.integral(sp.exp(-2000 * x**2 * (1 + x)), x, (0, 1))
        last = abs(zeta.series_value(terms[-1:], 2000)).upper()
        assert abs(direct - zeta.series_value(terms, 2000)) < 4 * last < 1e-15
        assert abs(direct - zeta.series_value(terms[:3], 2000)) > 1e-9  # the terms left out are seen


def test_values_at_integers_are_exact_integrals():
    """ζ(n) = ∫ K^n φ is an integral of a polynomial."""
    K, density = x**2 * y * (1 + x + 2 * y + x * y), 1 + x - y / 3
    problem = chart((x, y), (2, 1), unit=1 + x + 2 * y + x * y, density=density)
    for n in (1, 2):
        exact = sp.integrate(sp.expand(K**n * density), (x, 0, 1), (y, 0, 1))
        with digits(25):
            assert agreeing_digits(zeta.zeta(problem, n).real, exact) >= 20
    K = x**2 * y**2 * (x**2 + 3 * y**2)
    exact = sp.integrate(sp.expand(K), (x, -1, 1), (y, -1, 1))
    with digits(25):
        assert agreeing_digits(zeta.zeta(polynomial(K, (x, y)), 1).real, exact) >= 20


def test_deep_poles_of_three_coordinates():
    """At −(1+n)/2 the triple pole of x²y²z²u has A_0 = ⅛ [x^n y^n z^n] u^{−(1+n)/2}."""
    u = 1 + (x + y + 2 * z) / 8
    for n in (0, 1):
        s = R(1 + n, 2)
        taylor = u ** (-s)
        for v in (x, y, z):
            taylor = sp.diff(taylor, v, n)
        exact = taylor.subs({x: 0, y: 0, z: 0}) / 8
        found = zeta.laurent(chart((x, y, z), (2, 2, 2), unit=u), s, 1, 12)
        with digits(20):
            assert found.order == 3
            assert agreeing_digits(found.leading, exact) >= 12


CASES = [
    ("x**4", 1, R(1, 4), 1),
    ("(x**2-y**3)**2", 2, R(5, 12), 1),
    ("(x**2+y**4)**2", 2, R(3, 8), 1),
    ("(x**3+y**5)**2", 2, R(4, 15), 1),
    ("(x**2*y-y**5)**2", 2, R(3, 10), 1),
    ("(x*y)**2+x**6+y**6", 2, R(1, 2), 2),
    ("(x*y)**2+(y*z)**2+(z*x)**2", 3, R(3, 4), 1),
    ("(x*y-z**2)**2", 3, R(1, 2), 1),
    ("((x+y)**2)**2", 2, R(1, 4), 1),
    ("(x*y*(x-y)*(x+y))**2", 2, R(1, 4), 1),
    ("(y-x**2)**2+x**8", 2, R(5, 8), 1),
]


@pytest.mark.parametrize(("K", "d", "place", "order"), CASES)
def test_thresholds_of_the_literature(K, d, place, order):
    """λ and m of singularities that need one or several blow-ups (tables of Arnold–Gusein-Zade–Varchenko, Watanabe, Lin)."""
    found = zeta.first_pole(polynomial(sp.sympify(K, locals={"x": x, "y": y, "z": z}), (x, y, z)[:d]), 15)
    assert found[:2] == (rational(place), order)
    with digits(20):
        assert found[2] > 0 and found[2].rel_accuracy_bits() >= 50


exponents = st.tuples(st.sampled_from([0, 1, 2, 3, 4, Fraction(1, 2)]), st.sampled_from([0, 1, 2, Fraction(-1, 2)]))


@QUICK
@given(st.lists(exponents, min_size=1, max_size=3), st.integers(1, 9))
def test_random_monomials(pairs, constant):
    """λ = min (h+1)/κ, m its multiplicity, A_0 = c^{−λ} Π_{I} 1/κ_i Π_{not I} 1/(h_i + 1 − κ_i λ)."""
    pairs = [(R(k), R(h)) for k, h in pairs]
    problem = chart((x, y, z)[: len(pairs)], [k for k, _ in pairs], jacobian=[h for _, h in pairs], unit=constant)
    slopes = [(h + 1) / k for k, h in pairs if k]
    if not slopes:
        with pytest.raises(BadInput):
            zeta.first_pole(problem)
        return
    place = min(slopes)
    leading = R(constant) ** (-place)
    for k, h in pairs:
        leading /= k if k and (h + 1) / k == place else h + 1 - k * place
    s, m, found = zeta.first_pole(problem, 20)
    assert (s, m) == (rational(place), slopes.count(place))
    with digits(25):
        assert agreeing_digits(found, leading) >= 19


points = st.tuples(st.fractions(-1, 2, max_denominator=7), st.fractions(Fraction(1, 5), 1, max_denominator=7))
coefficient = st.integers(1, 2)


@settings(max_examples=8, deadline=None)
@given(points, coefficient, coefficient, st.integers(1, 5))
def test_linearity_scaling_and_moves(point, a, b, c):
    """ζ is linear in φ, K → cK multiplies it by c^z, and cuts and blow-ups leave it alone."""
    with digits(20):
        at = acb(rational(point[0]), rational(point[1]))
        unit = 2 + a * x + b * y
        f, g = 1 + x * y, 3 - y**2
        one, two, both = (chart((x, y), (2, 3), jacobian=(1, 0), unit=unit, density=w) for w in (f, g, 2 * f - g))
        first = zeta.zeta(one, at)
        assert (2 * first - zeta.zeta(two, at)).overlaps(zeta.zeta(both, at))
        scaled = chart((x, y), (2, 3), jacobian=(1, 0), unit=c * unit, density=f)
        assert (first * acb(c) ** at).overlaps(zeta.zeta(scaled, at))
        assert first.overlaps(zeta.zeta(cut(one, c % 2, turned=True), at))
        assert first.overlaps(zeta.zeta(blow_up(one, {x: a, y: b}), at))
        assert first.real.rad() < 1e-15 * (1 + abs(first.real))
        assert not (first * acb(c + 1) ** at).overlaps(zeta.zeta(scaled, at))


@QUICK
@given(st.sampled_from(["line", "plane, m = 2", "A3", "one blow-up"]), st.integers(6, 14))
def test_more_digits_give_overlapping_balls(name, n):
    problem, place = TABLE[name][0](), TABLE[name][1]
    rough, fine = (zeta.laurent(problem, place, 3, k) for k in (n, 2 * n))
    with digits(2 * n):
        for a, b in zip(rough.coefficients, fine.coefficients, strict=True):
            assert a.overlaps(b) and b.rad() < 10 ** (-2 * n) * (1 + abs(b))


def test_poles_that_cancel_are_not_claimed():
    """x²(1 + x²/2) on [−1, 1]: poles at (2n+1)/2 only; the even ones are not even candidates."""
    problem = orthants(x, (2,), unit=2 + x**2)
    assert zeta.candidates(problem, 3) == [fmpq(1, 2), fmpq(3, 2), fmpq(5, 2)]
    both = orthants(x, (2,), unit=2 + x)  # here they are candidates, and cancel between the two sides
    found = zeta.poles(both, 2)
    assert [(p.s, p.at_least) for p in found] == [(fmpq(1, 2), 1), (fmpq(1), 0), (fmpq(3, 2), 1), (fmpq(2), 0)]
    with pytest.raises(NotCertified, match="contains 0"):
        _ = zeta.laurent(both, 1).order


def test_refusals():
    with pytest.raises(BadInput, match="not integrable"):
        chart(x, (2,), jacobian=-1)
    with pytest.raises(BadInput, match="unbounded"):
        chart(x, (-2,))
    with pytest.raises(BadInput, match=r"x = 0\.5"):
        zeta.first_pole(chart(x, (2,), unit=(x - R(1, 2)) ** 2))
    with pytest.raises(BadInput, match=r"not positive|not proved positive"):
        zeta.first_pole(polynomial((x**2 + y**2 - R(1, 3)) ** 2, (x, y)))
    with pytest.raises(BadInput, match="not built from"):
        chart(x, (2,), unit=1 + sp.log(1 + x))
    with pytest.raises(BadInput, match="not among the variables"):
        chart(x, (2,), unit=1 + y)
    with pytest.raises(BadInput, match="Gaussian coordinate must stand alone"):
        chart(x, (2,), unit=1 + x, extents=Gaussian(fmpq(1)))
    with pytest.raises(BadInput, match="unbounded"):
        zeta.first_pole(chart((x, y), (1, 1), unit={x + y: -3}))
    with pytest.raises(BadInput, match="not integrable"):
        zeta.first_pole(chart((x, y), (1, 1), density=(x + y) ** -2))
    with pytest.raises(BadInput, match="possible pole"):
        zeta.zeta(chart(x, (2,)), R(-1, 2))
    with pytest.raises(BadInput, match="too near a pole"):
        zeta.zeta(chart(x, (2,)), acb(fmpq(-1, 2)))
    with pytest.raises(BadInput, match="entire"):
        zeta.first_pole(chart(x, (0,), unit=1 + x))


def test_an_entire_unit_and_a_negative_power():
    """tanh²: (sinh x/…) is no polynomial; (cosh x)^{−2} e^{x} is a unit all the same. ζ(1) = ∫ x² e^x/cosh² x."""
    problem = chart(x, (2,), unit={sp.cosh(x): -2, sp.exp(x): 1})
    with digits(20):
        exact = enclosure.integral(x**2 * sp.exp(x) / sp.cosh(x) ** 2, x, (0, 1))
        assert agreeing_digits(zeta.zeta(problem, 1).real, exact) >= 15


def test_resolution_keeps_the_volume():
    """The charts of a resolution carry the whole mass: ζ(0) = ∫ φ, a half-integer power included."""
    charts = polynomial((y**2 - x**3) ** 2, (x, y), jacobian=(R(1, 2), 0))
    assert set(resolved(charts)) == set(charts)
    with digits(20):
        assert agreeing_digits(zeta.zeta(charts, 0).real, 4 * R(2, 3)) >= 18


@pytest.mark.parametrize("h", [R(1, 2), R(3)])
@pytest.mark.parametrize("place", [R(1, 3), R(2)])
def test_a_gaussian_coordinate_with_a_jacobian(h, place):
    """∫_0^∞ x^{2z+h} e^{−x²/2σ²} dx/√(2πσ²) by mpmath's quadrature, at exact z and at a ball about it."""
    problem = chart(x, (2,), jacobian=h, extents=Gaussian(fmpq(5, 4)))
    with mpmath.workdps(25):
        variance, power = mpmath.mpf(5) / 4, mpmath.mpf(int((2 * place + h).p)) / int((2 * place + h).q)
        expected = mpmath.quad(lambda u: u**power * mpmath.exp(-(u**2) / (2 * variance)), [0, 1, 4, 20])
        expected /= mpmath.sqrt(2 * mpmath.pi * variance)
    with digits(30):
        for point in (place, arb(rational(place), 1e-25)):
            assert abs(zeta.zeta(problem, point).real / arb(mpmath.nstr(expected, 24)) - 1) < 1e-17


def test_three_coefficients_are_the_default() -> None:
    """∫ x^{2z} dx = 1/(2z + 1) is 1/(2δ) at z = −½ + δ."""
    found = zeta.laurent(chart(x, (2,)), R(1, 2))
    assert len(found.coefficients) == 3 and all(
        c.overlaps(ball(e)) for c, e in zip(found.coefficients, (R(1, 2), 0, 0), strict=True)
    )

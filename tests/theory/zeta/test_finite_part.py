"""Finite parts: closed forms against product integration, and both against mpmath on the subtracted integral."""

from functools import lru_cache

import mpmath as mp
import pytest
import sympy as sp
from flint import arb

from theory.zeta.balls import ball
from theory.zeta.finite_part import Axis, FinitePart, finite_part, gauss_moment, unit_moment
from theory.zeta.precision import digits
from theory.zeta.taylor import taylor

x, y = sp.symbols("x y", positive=True)
R = sp.Rational
ONE = sp.S.One
ELEMENTARY = [1 / (1 + x), (1 + x) ** R(-5, 2), (1 + x + x**2) ** -2, (2 + 3 * x) ** R(3, 2)]


EDGE, RADIUS, POINTS, TERMS = (
    mp.mpf(1) / 10,
    mp.mpf(3) / 10,
    128,
    55,
)  # (δ/r)^55 < 1e−26; the G are analytic for |x| < 2/3


@lru_cache
def cauchy(g: sp.Expr) -> list[mp.mpf]:
    """Taylor coefficients of G by the trapezoid rule on a circle."""
    f = sp.lambdify(x, g, "mpmath")
    with mp.workdps(45):
        circle = [RADIUS * mp.expjpi(mp.mpf(2 * k) / POINTS) for k in range(POINTS)]
        powers, found = [f(v) for v in circle], []
        for _ in range(TERMS):
            found.append(mp.fsum(powers).real / POINTS)
            powers = [p / v for p, v in zip(powers, circle, strict=True)]
    return found


def subtracted(g: sp.Expr, alpha: sp.Rational, logs: int) -> mp.mpf:
    """∫_δ^1 by tanh-sinh quadrature, and on [0, δ] the Taylor series of G term by term."""
    f = sp.lambdify(x, g, "mpmath")
    with mp.workdps(32):
        a = mp.mpf(alpha.p) / alpha.q
        total = mp.quad(lambda v: v ** (a - 1) * mp.log(v) ** logs * f(v), [EDGE, 1])
        return total + mp.fsum(c * below(a + m, logs, EDGE) for m, c in enumerate(cauchy(g)))


def below(a: mp.mpf, logs: int, edge: mp.mpf) -> mp.mpf:
    """f.p.∫_0^δ x^{a−1} log^j x dx for j = 0, 1."""
    log = mp.log(edge)
    if a == 0:
        return log ** (logs + 1) / (logs + 1)
    return edge**a * (1 / a if logs == 0 else log / a - 1 / a**2)


def close(found, expected: mp.mpf, n: int) -> bool:
    with mp.workdps(60):
        middle = mp.mpf(found.mid().str(50, radius=False))
        return abs(middle - expected) < mp.mpf(10) ** -n * (1 + abs(expected)) and float(found.rad()) < 10.0**-n * (
            1 + abs(float(expected))
        )


@pytest.mark.parametrize("alpha", [R(0), R(-1), R(1, 2), R(-3, 2), R(1, 3), R(2)])
@pytest.mark.parametrize("g", ELEMENTARY, ids=str)
def test_closed_forms_are_the_integral(g: sp.Expr, alpha: sp.Rational) -> None:
    """Two roads of the package (closed form or not, product integration) and a third."""
    with digits(25):
        closed = ball(finite_part(g, [Axis(x, alpha, 0, ONE)]))
        number = ball(FinitePart(g, Axis(x, alpha, 0, ONE)))
    expected = subtracted(g, alpha, 0)
    assert close(closed, expected, 22)
    assert close(number, expected, 22)


@pytest.mark.parametrize("alpha", [R(0), R(-2), R(1, 2), R(-1, 3)])
def test_logarithms(alpha: sp.Rational) -> None:
    g = sp.exp(-x) / (2 + x)
    with digits(25):
        assert close(ball(FinitePart(g, Axis(x, alpha, 1, ONE))), subtracted(g, alpha, 1), 22)


def test_what_has_a_closed_form_has_it() -> None:
    assert finite_part((1 + x) ** R(-1, 2), [Axis(x, R(0), 0, ONE)]) == 2 * sp.log(2) - 2 * sp.log(1 + sp.sqrt(2))
    assert finite_part(x**2 + 3, [Axis(x, R(-2), 1, ONE)]) == R(-3, 4)
    assert finite_part(sp.S.Zero, [Axis(x, R(0), 0, ONE)]) == 0


@pytest.mark.parametrize(("alpha", "logs"), [(R(1, 2), 0), (R(-1, 2), 1), (R(-2), 0), (R(-2), 1), (R(0), 2), (R(3), 1)])
def test_half_lines(alpha: sp.Rational, logs: int) -> None:
    """f.p.∫_0^∞ x^{α−1} log^j x (1 + x²) e^{−x²/2}: Γ functions against product integration."""
    g = (1 + x**2) * sp.exp(-(x**2) / 2)
    axis = Axis(x, alpha, logs, sp.oo)
    closed = finite_part(g, [axis])
    assert not closed.has(FinitePart)
    with digits(25):
        assert abs(ball(closed) - ball(FinitePart(g, axis))) < 1e-22


def test_two_dimensions() -> None:
    """1/(1 + x + y)² over x^{−1}, y^{−1/2}: in y by arctangents, the rest in x by quadrature."""
    axes = [Axis(x, R(0), 0, ONE), Axis(y, R(1, 2), 0, ONE)]
    with digits(22):
        found = ball(finite_part((1 + x + y) ** -2, axes))

    def inner(v):  # ∫_0^1 y^{−1/2} (a + y)^{−2} dy, a = 1 + x
        a = 1 + v
        return 1 / (a * (1 + a)) + mp.atan(1 / mp.sqrt(a)) / a ** mp.mpf(1.5)

    with mp.workdps(40):
        expected = mp.quad(lambda v: (inner(v) - inner(mp.mpf(0))) / v, [0, mp.mpf("0.1"), 1])
    assert close(found, expected, 19)


def test_bound_variables_are_bound() -> None:
    c = sp.Symbol("c", positive=True)
    value = finite_part((1 + c * x) ** R(-1, 3), [Axis(x, R(0), 0, ONE)])
    assert value.free_symbols == {c}
    same = finite_part((1 + c * y) ** R(-1, 3), [Axis(y, R(0), 0, ONE)])
    assert same == value
    (part,) = value.atoms(FinitePart)
    bound = part.axes[0].variable
    assert value.subs(bound, 7) == value
    assert value.subs(c, 2).free_symbols == set()
    slope = sp.diff(value, c).subs(c, 1)
    with digits(20):
        h = R(1, 10**8)
        expected = (ball(value.subs(c, 1 + h)) - ball(value.subs(c, 1 - h))) * (10**8) / 2
        assert abs(ball(slope) - expected) < 1e-12


def test_it_prints() -> None:
    value = finite_part((1 + x) ** R(-1, 3), [Axis(x, R(-1, 2), 1, ONE)])
    assert sp.latex(value).startswith(r"\operatorname{f.p.}\int_0^{1}")
    assert str(value) == "FinitePart((x_1 + 1)**(-1/3), (x_1, -1/2, 1, 1))"


def test_taylor_coefficients_are_residues() -> None:
    """M(δ) near α = −2: δ·M → G_2, by the values at α = −2 ± δ."""
    g = sp.exp(x) / (1 + x)
    delta = R(1, 10**6)
    with digits(30):
        up, down = (ball(FinitePart(g, Axis(x, R(-2) + s * delta, 0, ONE))) for s in (1, -1))
        residue = (up - down) / 2 / 10**6
        assert abs(residue - ball(taylor(g, x, 2)[2])) < 1e-10


@pytest.mark.parametrize("logs", [0, 1, 2, 3])
@pytest.mark.parametrize("alpha", [R(1, 2), R(-5, 3), R(4), R(0), R(-2)])
def test_moments_of_the_unit_interval(alpha: sp.Rational, logs: int) -> None:
    """∫ x^{α−1} log^j x = (d/dα)^j 1/α, and 0 where the pole is all there is."""
    a = sp.Symbol("a")
    assert unit_moment(alpha, logs) == (sp.diff(1 / a, a, logs).subs(a, alpha) if alpha else 0)


@pytest.mark.parametrize("rate", [R(1, 2), R(1, 3), R(5)])
@pytest.mark.parametrize(("alpha", "logs"), [(R(1, 2), 2), (R(3), 1), (R(0), 0), (R(-1), 1), (R(-2), 2), (R(-3, 2), 1)])
def test_moments_of_gaussians_of_any_width(rate: sp.Rational, alpha: sp.Rational, logs: int) -> None:
    """By the definition: beyond 1 the integral, below 1 term by term, a pole left out."""
    with mp.workdps(40):
        a, c = mp.mpf(alpha.p) / alpha.q, mp.mpf(rate.p) / rate.q
        expected = mp.quad(lambda v: v ** (a - 1) * mp.log(v) ** logs * mp.exp(-c * v * v), [1, 2, 4, 8, 16])
        for n in range(60):
            if a + 2 * n:
                power = (-1) ** logs * mp.factorial(logs) / (a + 2 * n) ** (logs + 1)
                expected += (-c) ** n / mp.factorial(n) * power
    with digits(25):
        assert close(ball(gauss_moment(alpha, logs, rate)), expected, 20)


def test_sums_of_gaussians_of_several_widths_on_a_half_line() -> None:
    """f.p.∫ x^{−2} [3x e^{−x²} + (1 + x³) e^{−2x²} y], at α = −1, is a sum of moments; what is no such sum stays."""
    g = 3 * x * sp.exp(-(x**2)) + (1 + x**3) * sp.exp(-2 * x**2) * y
    found = finite_part(g, [Axis(x, R(-1), 0, sp.oo)])
    expected = 3 * gauss_moment(R(0), 0, ONE) + y * (gauss_moment(R(-1), 0, 2 * ONE) + gauss_moment(R(2), 0, 2 * ONE))
    assert sp.simplify(found - expected) == 0
    for other in (sp.exp(-(x**2)) / (1 + x), sp.exp(x**2), sp.exp(-(x**2) - x), sp.exp(-x), 1 + x):
        assert finite_part(other, [Axis(x, R(1), 0, sp.oo)]).has(FinitePart)


def test_products_of_axes_are_products() -> None:
    """f.p.∫∫ x^{−3/2} log x · y^{−2} log² y (2 + x)(1 + y) e^{−y²/2}: one factor for each, in any order of the axes."""
    f, g = 2 + x, (1 + y) * sp.exp(-(y**2) / 2)
    first, second = Axis(x, R(-1, 2), 1, ONE), Axis(y, R(-1), 2, sp.oo)
    product = finite_part(f, [first]) * finite_part(g, [second])
    for axes in ([first, second], [second, first]):
        assert sp.expand(finite_part(f * g, axes) - product) == 0
    assert finite_part(R(5, 2), []) == R(5, 2)


CLOSED = [
    (1 / (1 + x), [R(0), R(-1), R(-2), R(1, 2), R(-3, 2), R(3), R(1, 3)]),
    ((1 + x) ** R(-1, 2), [R(0), R(-1), R(-2), R(1), R(2)]),
    ((2 + 3 * x) ** R(3, 2) * (1 - x), [R(0), R(-2), R(1)]),
    (sp.sqrt(4 - x) / (1 + x), [R(0), R(-1), R(1)]),
    ((2 + 3 * x) ** R(-1, 2) / (1 + x), [R(1), R(2)]),
    ((3 + x) ** -2 / (1 + 2 * x), [R(-2), R(-1, 2), R(2)]),
]


@pytest.mark.parametrize(("g", "alpha"), [(g, a) for g, alphas in CLOSED for a in alphas], ids=str)
def test_rational_integrands_and_square_roots_are_integrated(g: sp.Expr, alpha: sp.Rational) -> None:
    """In closed form, down to f.p. x^{−3}, with the value of the product integration."""
    axis = Axis(x, alpha, 0, ONE)
    closed = finite_part(g, [axis])
    assert not closed.has(FinitePart)
    with digits(20):
        assert abs(ball(closed) - ball(FinitePart(g, axis))) < arb(10) ** -15


def test_what_a_finite_part_prints_as() -> None:
    x1, x2 = sp.symbols("x_1 x_2", positive=True)
    value = FinitePart(sp.exp(x1), Axis(x1, R(-1, 2), 2, ONE), Axis(x2, R(1), 1, sp.oo))
    assert sp.latex(value) == (
        r"\operatorname{f.p.}\int_0^{1}\int_0^{\infty}\frac{1}{x_{1}^{\frac{3}{2}}} \log^{2} x_{1} \log x_{2} "
        r"\left(e^{x_{1}}\right)\,dx_{1}\,dx_{2}"
    )
    assert sp.latex(FinitePart(sp.exp(x1), Axis(x1, R(1, 2), 0, ONE))).startswith(r"\int_0^{1}")
    assert sp.latex(FinitePart(sp.exp(x1), Axis(x1, R(0), 0, ONE))).startswith(r"\operatorname{f.p.}\int_0^{1}")


def test_bound_names_do_not_meet_free_ones() -> None:
    """A free x_1 in the integrand is not caught by the bound x_1."""
    free = sp.Symbol("x_1", positive=True)
    value = finite_part(sp.exp(free * x), [Axis(x, R(1), 0, ONE)])
    assert value.free_symbols == {free}
    with digits(20):
        assert abs(ball(value.subs(free, 2)) - ball((sp.exp(2) - 1) / 2)) < arb(10) ** -15
    assert FinitePart(sp.exp(free * x), Axis(x, R(1), 0, ONE)).diff(y) == 0


@pytest.mark.parametrize("alpha", [R(0), R(-1)])
@pytest.mark.parametrize("g", [(2 + 3 * x) ** R(-1, 2) / (1 + x), (5 - 2 * x) ** R(-3, 2) / (1 + x)], ids=str)
def test_square_roots_whose_value_at_zero_is_irrational(g: sp.Expr, alpha: sp.Rational) -> None:
    """sympy's integration of rational functions once ended in an error of its own here."""
    with digits(20):
        assert close(ball(finite_part(g, [Axis(x, alpha, 0, ONE)])), subtracted(g, alpha, 0), 17)

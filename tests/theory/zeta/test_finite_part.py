"""Finite parts: closed forms against product integration, and both against mpmath on the subtracted integral."""

from functools import lru_cache

import mpmath as mp
import pytest
import sympy as sp

from theory.zeta.balls import ball
from theory.zeta.finite_part import Axis, FinitePart, finite_part
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

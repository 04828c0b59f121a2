"""Bounds on boxes against values at many points of them, and sharp where one term is all there is."""

import random
from itertools import product

import mpmath
import pytest
import sympy as sp
from flint import acb, arb, ctx, fmpq

from numerics.certificate import exact_field
from numerics.certificate.local_bounds import Amplitude, Potential, Taylor
from tests.numerics.certificate.test_exact_field import at

x, y = names = sp.symbols("x y", real=True)
R = sp.Rational
POTENTIALS = (
    x**4 - 3 * x * y + y**2 / 2, x**2 * y**2 - x**3 + y / 3, x**2 + sp.cos(3 * x - y) * 2, y**4 + sp.sin(x + 1) - sp.cos(2 * y) / 3,
)  # fmt: skip


def boxes(count: int):
    """Centres on shifted lines, radii, and points of the box: its corners and others."""
    draw = random.Random(0)
    for _ in range(count):
        centre = [acb(draw.randint(-8, 8), draw.choice([0, 1])) / 4, acb(arb(draw.randint(-8, 8)) / 4)]
        radii = [arb(draw.randint(1, 8)) / draw.choice([4, 64]) for _ in range(2)]
        inner = [[draw.randint(-16, 16) / 16 for _ in range(2)] for _ in range(12)]
        yield (
            centre,
            radii,
            [[arb(s) * r for s, r in zip(c, radii, strict=True)] for c in (*product((-1, 1), repeat=2), *inner)],
        )


def field(expr):
    return exact_field._field(expr, names)


@pytest.mark.parametrize("expr", POTENTIALS, ids=str)
def test_the_potential_stays_between_its_bounds(expr) -> None:
    p = field(expr)
    bounds = Potential(p)
    for centre, radii, offsets in boxes(20):
        local = bounds.local(centre, radii)
        assert local.value.overlaps(at(p, centre).real) and min(local.costs) >= 0
        for delta in offsets:
            rest = at(p, [z + d for z, d in zip(centre, delta, strict=True)]).real - local.value
            rest -= sum((s * d for s, d in zip(local.slopes, delta, strict=True)), arb(0))
            assert not rest < -local.below and not rest > local.above


def test_the_bounds_of_one_term_are_its_extremes() -> None:
    """x²: between 0 and r² about any line; x³ at c: 3cδ² + δ³; cos x at 0: δ²/2 down, nothing up, at most 2."""
    r = arb(fmpq(1, 4))
    for z in (acb(2), acb(-1, 3)):
        local = Potential(field(x**2)).local([z, acb(5)], [r, r])
        assert (local.below, local.above) == (0, fmpq(1, 16)) and local.slopes[0] == 2 * z.real and local.slopes[1] == 0
    cubic = Potential(field(x**3)).local([acb(-2), acb(0)], [r, r])
    assert (cubic.below, cubic.above) == (6 * r * r + r**3, r**3) and cubic.costs[1] == 0
    assert cubic.costs[0] == float(6 * r * r + r**3)
    wave = Potential(field(sp.cos(x))).local([acb(0), acb(0)], [r, r])
    assert abs(wave.below - r * r / 2) < arb("1e-14") and wave.above < arb("1e-14") and wave.slopes[0].contains(0)
    wide = Potential(field(sp.cos(x))).local([acb(0), acb(0)], [arb(9), r])
    assert abs(wide.below - 2) < arb("1e-12")
    turned = Potential(field(sp.sin(x))).local(
        [acb(0), acb(0)], [arb.pi() * 3 / 2, r]
    )  # sin u = −1 is the farthest from u
    assert abs(turned.below - 1 - arb.pi() * 3 / 2) < arb("1e-12")
    steep = Potential(field(sp.sin(x))).local([acb(0), acb(0)], [r, r])
    assert (
        abs(steep.below - r**3 / 6) < arb("1e-14")
        and abs(steep.above - r**3 / 6) < arb("1e-14")
        and steep.slopes[0] == 1
    )


def small_boxes():
    """Boxes about 2⁻⁶⁰ wide: what the bounds leave out is less than the last of 96 bits. With corners, and the two in mpmath."""
    for k, c, turn in product((3, 5, 7, 11), (acb(0), acb(1.5), acb(-1.5), acb(0.75, 1)), (1, -1)):
        with ctx.workprec(96):
            radii = [arb(2) ** -60 * k, (arb(2) ** -60 / k).mid()][::turn]
        centre = [c, acb(0.25)]
        places = [mpmath.mpmathify(complex(z)) for z in centre]
        yield (
            centre,
            radii,
            places,
            [[s * exact(r) for s, r in zip(signs, radii, strict=True)] for signs in product((-1, 1), repeat=2)],
        )


def exact(value: arb) -> mpmath.mpf:
    mantissa, exponent = value.man_exp()
    return mpmath.ldexp(mpmath.mpf(int(mantissa)), int(exponent))


@pytest.mark.parametrize(
    "expr",
    [
        x**3 / 3,
        x**3 / 7 + y**2 / 3,
        sp.cos(x),
        sp.sin(x / 3),
        -sp.sin(x / 3),
        sp.cos(x / 3 + 1) - y**2 / 7,
        -sp.cos(x / 3 + y / 7),
    ],
    ids=str,
)
def test_the_bounds_of_the_potential_hold_to_the_last_bit(expr) -> None:
    """P less its linear part at the corners, by mpmath with 400 bits: squares, cubes and waves attain their bounds there."""
    value, *slopes = (sp.lambdify(names, e, "mpmath") for e in (expr, expr.diff(x), expr.diff(y)))
    bounds = Potential(field(expr))
    with mpmath.workprec(400):
        for centre, radii, places, corners in small_boxes():
            with ctx.workprec(96):
                local = bounds.local(centre, radii)
            for delta in corners:
                linear = value(*places) + sum(slope(*places) * d for slope, d in zip(slopes, delta, strict=True))
                rest = mpmath.re(value(*(z + d for z, d in zip(places, delta, strict=True))) - linear)
                assert -exact(local.below) <= rest <= exact(local.above)


@pytest.mark.parametrize(
    "expr", [x / 3 + R(1, 7), x**2 / 7 - y / 3 + 1, sp.sin(x / 3), sp.sin(x) + x / 3 + R(1, 7)], ids=str
)
def test_the_bounds_of_the_amplitude_hold_to_the_last_bit(expr) -> None:
    """|f| at the corners by mpmath with 400 bits; what is linear attains its bounds there."""
    value = sp.lambdify(names, expr, "mpmath")
    bounds = Amplitude(field(expr))
    with mpmath.workprec(400):
        for centre, radii, places, corners in small_boxes():
            with ctx.workprec(96):
                sup, inf = bounds.sup_and_inf(centre, radii)
            for delta in corners:
                size = abs(value(*(z + d for z, d in zip(places, delta, strict=True))))
                assert exact(inf) <= size <= exact(sup)


@pytest.mark.parametrize("expr", [sp.S(-3), x * y - 1, x**2 - sp.cos(x + y), x * sp.sin(2 * y) + 1, sp.cos(x)], ids=str)
def test_the_amplitude_stays_between_its_bounds(expr) -> None:
    f = field(expr)
    bounds = Amplitude(f)
    for centre, radii, offsets in boxes(20):
        sup, inf = bounds.sup_and_inf(centre, radii)
        sizes = [abs(at(f, [z + d for z, d in zip(centre, delta, strict=True)])) for delta in offsets]
        assert inf >= 0 and not any(size > sup or size < inf for size in sizes)


def test_the_amplitude_of_one_term_is_known_sharply() -> None:
    """3 and x − 1 have their extremes at the ends of the box; cos x with Im x = 1 moves by |δ| cosh 1 and no more."""
    r = arb(fmpq(1, 4))
    assert Amplitude(field(sp.S(-3))).sup_and_inf([acb(0), acb(0)], [r, r]) == (3, 3)
    assert Amplitude(field(x - 1)).sup_and_inf([acb(3), acb(0)], [r, r]) == (fmpq(9, 4), fmpq(7, 4))
    assert Amplitude(field(x - 1)).sup_and_inf([acb(1), acb(0)], [r, r]) == (r, 0)
    assert Amplitude(field(sp.S(0))).sup_and_inf([acb(1), acb(0)], [r, r]) == (0, 0)
    for radius, most in ((r, 1 + r), (arb(5), arb(3))):  # cos x moves by |δ| on the real line, and by 2 at most
        sup, inf = Amplitude(field(sp.cos(x))).sup_and_inf([arb(0), arb(0)], [radius, r])
        assert abs(sup - most) < arb("1e-12") and abs(inf - max(2 - most, arb(0))) < arb("1e-12")
    sup, inf = Amplitude(field(sp.cos(x))).sup_and_inf([acb(0, 1), acb(0)], [r, r])
    assert abs(sup - arb(1).cosh() * (1 + r)) < arb("1e-12") and abs(inf - arb(1).cosh() * (1 - r)) < arb("1e-12")


def test_taylor_coefficients_are_derivatives() -> None:
    """T_β = ∂^β p/β! at a complex point, by sympy; the axes share a term by their part of its degree."""
    expr = x**3 * y + 2 * x * y**2 - 5
    taylor = Taylor(field(expr).polynomial)
    point = {x: R(1, 2) + sp.I, y: R(-3, 4)}
    for beta, found in zip(taylor.exponents, taylor([acb(fmpq(1, 2), 1), acb(fmpq(-3, 4))]), strict=True):
        i, j = beta
        exact = sp.expand((expr.diff(x, i, y, j) / sp.factorial(i) / sp.factorial(j)).subs(point))
        parts = exact.as_real_imag()
        assert found == acb(*(fmpq(int(q.p), int(q.q)) for q in parts))
    named = [{taylor.exponents[k]: share for k, share in shares if share} for shares in taylor.shares]
    assert named[0][3, 1] == 0.75 and named[1][3, 1] == 0.25 and (0, 2) not in named[0]

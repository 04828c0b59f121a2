"""Rectangles in float64: every value at a point of a rectangle lies in the rectangle's image."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.gauss.compiled import Program
from numerics.gauss.rectangles import METHODS, Rectangles, apply, power

x, y = sp.symbols("x y")
R = sp.Rational

reals = st.integers(-4096, 4096).map(lambda k: k / 1024)
widths = st.sampled_from([0.0, 1e-9, 1e-3, 0.2, 1.0, 6.0])
fractions = st.floats(0, 1)


def rectangle(a, b, u, v):
    """[a, a + u] + i [b, b + v], with room for the sums' rounding in the tests below."""
    return Rectangles((np.array([a]), np.array([a + u])), (np.array([b]), np.array([b + v])))


def holds(r, value):
    ends = (*r.re, *r.imaginary)
    low, high, below, above = (float(np.broadcast_to(e, (1,))[0]) for e in ends)
    return low <= value.real <= high and below <= value.imag <= above


EXACT = {
    sp.exp: mpmath.exp, sp.sin: mpmath.sin, sp.cos: mpmath.cos, sp.sinh: mpmath.sinh, sp.cosh: mpmath.cosh,
    sp.sech: mpmath.sech, sp.tanh: mpmath.tanh, sp.log: mpmath.log, sp.erf: mpmath.erf, sp.erfc: mpmath.erfc,
    sp.atan: mpmath.atan, sp.asinh: mpmath.asinh, sp.tan: mpmath.tan, sp.gamma: mpmath.gamma,
}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(reals, reals, widths, widths, fractions, fractions)
@pytest.mark.parametrize("function", EXACT, ids=lambda f: f.__name__)
def test_images_hold_the_values(function, a, b, u, v, s, t):
    point = mpmath.mpc(min(a + s * u, a + u), min(b + t * v, b + v))
    image = apply(function, rectangle(a, b, u, v))
    if bool(np.all(image.finite())):  # elsewhere nothing is claimed, not even that the point is no pole
        with mpmath.workdps(40):
            assert holds(image, EXACT[function](point))
        assert holds(apply(function, rectangle(a, b, 0.0, 0.0)), EXACT[function](mpmath.mpc(a, b)))


@pytest.mark.parametrize("a", [-2.5, -0.5, -0.1, 0.0, 0.75])
@pytest.mark.parametrize("b", [-3.0, -0.875, -0.25, 0.0, 0.5, 1.5])
def test_the_image_under_asinh_is_the_least_rectangle(a, b):
    """Ends are attained at points of the sides (here on a grid that has them); where a cut is met nothing is claimed."""
    image = apply(sp.asinh, rectangle(a, b, 1.0, 0.5))
    meets = a <= 0 <= a + 1 and max(abs(b), abs(b + 0.5)) >= 1
    assert bool(np.all(image.finite())) == (not meets)
    if meets:
        assert [float(end[0]) for end in (*image.re, *image.imaginary)] == [-np.inf, np.inf] * 2
    else:
        x, y = np.meshgrid(a + np.linspace(0, 1, 41), b + np.linspace(0, 0.5, 41))
        values = [complex(mpmath.asinh(complex(*at))) for at in zip(x.ravel(), y.ravel(), strict=True)]
        for side, parts in ((image.re, np.real(values)), (image.imaginary, np.imag(values))):
            assert abs(float(side[0][0]) - parts.min()) < 1e-11 and abs(float(side[1][0]) - parts.max()) < 1e-11


@pytest.mark.parametrize("a", [0.125, 0.75, 40.0])
@pytest.mark.parametrize("b", [-3.0, -0.5, -0.25, 0.0, 1.5])
def test_the_image_under_the_logarithm_is_the_least_rectangle(a, b):
    """|z| and arg z have their extremes at corners or on the real axis, which are all among the points of the grid."""
    image = apply(sp.log, rectangle(a, b, 1.0, 0.5))
    x, y = np.meshgrid(a + np.linspace(0, 1, 5), b + np.linspace(0, 0.5, 5))
    values = [complex(mpmath.log(complex(*at))) for at in zip(x.ravel(), y.ravel(), strict=True)]
    for side, parts in ((image.re, np.real(values)), (image.imaginary, np.imag(values))):
        assert abs(float(side[0][0]) - parts.min()) < 1e-11 and abs(float(side[1][0]) - parts.max()) < 1e-11


@pytest.mark.parametrize("function", EXACT, ids=lambda f: f.__name__)
def test_rectangles_of_one_array_do_not_see_one_another(function):
    """One in every quadrant, and one across the origin: each image holds the value at its own corner, or is not finite."""
    a, b = np.array([0.75, -2.25, -0.75, 2.25, -0.25]), np.array([0.5, 0.375, -0.75, -0.625, -0.125])
    image = apply(function, Rectangles((a, a + 0.5), (b, b + 0.25)))
    assert image.finite()[0]
    for k in np.nonzero(image.finite())[0]:
        each = Rectangles((image.re[0][k], image.re[1][k]), (image.imaginary[0][k], image.imaginary[1][k]))
        assert holds(each, EXACT[function](mpmath.mpc(a[k], b[k])))


def test_the_logarithm_near_the_unit_circle_and_powers_hold_their_last_bits():
    """log|z| about 0 and z^{1/3}, for points of the circle rounded to floats, against 40 digits."""
    for k in range(1, 40):
        a, b = np.cos(k / 26), np.sin(k / 26)
        with mpmath.workdps(40):
            assert holds(apply(sp.log, rectangle(a, b, 0.0, 0.0)), mpmath.log(mpmath.mpc(a, b)))
            assert holds(power(rectangle(a, b, 0.0, 0.0), R(1, 3)), mpmath.cbrt(mpmath.mpc(a, b)))


def test_the_image_under_erf_is_that_of_the_mean_value():
    """erf(middle) ± half the diagonal times max |erf′| = 2 e^{max y² − min x²}/√π."""
    image = apply(sp.erf, rectangle(0.5, 0.25, 0.5, 0.25))
    middle, reach = complex(mpmath.erf(0.75 + 0.375j)), np.hypot(0.25, 0.125) * 2 * np.exp(0.25 - 0.25) / np.sqrt(np.pi)
    for side, part in ((image.re, middle.real), (image.imaginary, middle.imag)):
        assert [float(end[0]) for end in side] == pytest.approx([part - reach, part + reach], abs=1e-8)


@pytest.mark.parametrize("function", EXACT, ids=lambda f: f.__name__)
def test_the_image_of_a_point_is_narrow(function):
    """To 10⁻⁹ the value, in every quadrant; no wider than rounding makes it."""
    for a, b in ((0.75, 0.5), (2.25, -0.375), (-0.75, -0.5), (-2.25, 0.375)):
        image, value = apply(function, rectangle(a, b, 0.0, 0.0)), complex(EXACT[function](mpmath.mpc(a, b)))
        for side, part in ((image.re, value.real), (image.imaginary, value.imag)):
            assert part - 1e-9 < float(side[0][0]) < float(side[1][0]) < part + 1e-9


@settings(max_examples=60, deadline=None)
@given(
    reals, reals, widths, widths, fractions, fractions, st.sampled_from([-3, -1, 2, 3, 5, R(1, 2), R(-3, 2), R(1, 3)])
)
def test_powers_hold_the_values(a, b, u, v, s, t, q):
    point = mpmath.mpc(min(a + s * u, a + u), min(b + t * v, b + v))
    r = rectangle(a, b, u, v)
    with np.errstate(all="ignore"):
        image = r**q if isinstance(q, int) else power(r, q)
    if bool(np.all(image.finite())):
        with mpmath.workdps(40):
            assert holds(image, mpmath.power(point, q if isinstance(q, int) else mpmath.mpf(q.p) / q.q))


@settings(max_examples=60, deadline=None)
@given(reals, reals, widths, widths, reals, reals, widths, widths, fractions, fractions)
def test_sums_and_products_hold_the_values(a, b, u, v, c, d, p, q, s, t):
    first, second = rectangle(a, b, u, v), rectangle(c, d, p, q)
    z = mpmath.mpc(min(a + s * u, a + u), min(b + t * v, b + v))
    w = mpmath.mpc(min(c + t * p, c + p), min(d + s * q, d + q))
    with mpmath.workdps(60):
        assert holds(first * second, z * w)
        assert holds(first + second, z + w)
        assert holds(first + -second, z - w)
        assert holds(first.square(), z * z)


@pytest.mark.parametrize(
    ("function", "box"),
    [
        (sp.tanh, (-1, 1, 1.5, 1.6)),
        (sp.log, (-1, 1, -0.1, 0.1)),
        (sp.atan, (-0.1, 0.1, 0.5, 1.5)),
        (sp.tan, (1.5, 1.6, -1, 1)),
        (sp.gamma, (-0.5, 0.5, -0.1, 0.1)),
        (sp.sech, (-1, 1, 1.0, 2.0)),
    ],
)
def test_a_pole_or_a_cut_gives_the_whole_plane(function, box):
    a, b, c, d = box
    r = Rectangles((np.array([a]), np.array([b])), (np.array([c]), np.array([d])))
    assert not apply(function, r).finite().any()


def test_a_root_of_a_negative_number_gives_the_whole_plane():
    r = Rectangles((np.array([-2.0]), np.array([-1.0])))
    assert not power(r, R(1, 2)).finite().any()
    assert not Rectangles((np.array([-1.0]), np.array([1.0]))).reciprocal().finite().any()


def test_overflow_proves_nothing():
    huge = Rectangles((np.array([1e300]), np.array([1e300])))
    with np.errstate(all="ignore"):
        assert not (huge * huge).finite().any()
        assert not huge.exp().finite().any()
        assert huge.tanh().finite().all()


def test_wide_rectangles_stay_tight():
    wide = Rectangles((np.array([-5.0]), np.array([8.0])), (np.array([0.0]), np.array([0.3])))
    assert apply(sp.tanh, wide).largest()[0] < 1.6
    assert METHODS[sp.erf](Rectangles(wide.re)).largest()[0] < 1.001


def test_a_program_agrees_in_its_four_arithmetics():
    from flint import arb

    from numerics.precision import digits

    expr = (R(1, 3) - x * sp.tanh(y / 2)) ** 2 + sp.erf(x * y) / 7 + sp.sqrt(3 + x**2) - sp.exp(sp.sin(y)) / (1 + y**2)
    program = Program([expr, x * expr], (x, y))
    with digits(20):
        nodes = [np.array([arb(a)], dtype=object) for a in (0.5, -1.25)]
        balls = [np.asarray(v, dtype=object).reshape(-1)[0] for v in program.balls(*nodes)]
    boxes = program.boxes(*(Rectangles((np.array([a]), np.array([a]))) for a in (0.5, -1.25)))
    for f, c, b, r in zip(program.floats(0.5, -1.25), program.floats(0.5 + 0j, -1.25 + 0j), balls, boxes, strict=True):
        assert abs(float(f) - float(b)) < 1e-14 and abs(complex(c) - float(b)) < 1e-14
        assert r.re[0][0] <= float(b) <= r.re[1][0] and r.re[1][0] - r.re[0][0] < 1e-10


REAL = {**EXACT, sp.coth: mpmath.coth, sp.digamma: mpmath.digamma}
TURNS = {sp.sin: (R(1, 2), 2), sp.cos: (0, 2)}  # extrema at (first + k)·π, those of value 1 at every second


def real_range(function, a, b):
    """The range of the function on [a, b], where it is bounded there, from its values at the ends and its extrema."""
    points = [mpmath.mpf(a), mpmath.mpf(b)]
    if function in TURNS:
        first = mpmath.mpf(float(TURNS[function][0]))
        points += [(first + k) * mpmath.pi for k in range(-10, 11) if a < (first + k) * mpmath.pi < b]
    if function in (sp.cosh, sp.sech) and a < 0 < b:
        points.append(mpmath.mpf(0))
    values = [REAL[function](p) for p in points]
    return min(values), max(values)


@settings(max_examples=25, deadline=None)
@given(st.integers(-6144, 6144).map(lambda k: k / 1024), st.sampled_from([0.0, 1e-6, 1e-3, 0.25, 1.5, 4.0, 9.0]))
@pytest.mark.parametrize(
    "function", [f for f in METHODS if f not in (sp.tan, sp.log)], ids=lambda f: getattr(f, "__name__", str(f))
)
def test_real_intervals_have_the_range_of_the_function(function, a, u):
    """Without an imaginary part: both ends are proved, and within 10⁻⁹ of the true ones."""
    image = apply(function, Rectangles((np.array([a]), np.array([a + u]))))
    assert image.im is None
    with mpmath.workdps(30):
        low, high = real_range(function, a, a + u)
        slack = 3e-9 * max(abs(low), abs(high), 1)
        assert low - slack <= mpmath.mpf(float(image.re[0][0])) <= low
        assert high <= mpmath.mpf(float(image.re[1][0])) <= high + slack


@pytest.mark.parametrize(
    ("function", "a", "b"),
    [
        (sp.tan, -1.5, 1.5), (sp.tan, 1.75, 4.5), (sp.log, 0.125, 40.0), (sp.log, 1e-300, 1e300), (sp.atan, -3.0, 100.0),
        (sp.asinh, -3.0, 50.0), (sp.coth, 0.5, 3.0), (sp.coth, -3.0, -0.5), (sp.digamma, 0.5, 9.0), (sp.gamma, 2.0, 6.0),
    ],
    ids=str,
)  # fmt: skip
def test_monotone_branches_hold_their_ends(function, a, b):
    """Between poles the range is that of the ends; functions without a method of their own may be wider (a few times)."""
    image = apply(function, Rectangles((np.array([a]), np.array([b]))))
    with mpmath.workdps(30):
        low, high = sorted((REAL[function](mpmath.mpf(a)), REAL[function](mpmath.mpf(b))))
        assert float(image.re[0][0]) <= low and high <= float(image.re[1][0])
        if function is sp.log:
            assert float(image.re[1][0]) - float(image.re[0][0]) <= float(high - low) * (1 + 1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(-40, 40), st.integers(0, 30), st.sampled_from([-4, -3, -2, -1, 0, 1, 2, 3, 4, 5]))
def test_powers_of_real_intervals_are_tight(k, width, n):
    """Even powers have their minimum 0 where 0 is inside, negative ones no bound there; else the ends decide."""
    a, b = k / 8, (k + width) / 8
    with np.errstate(all="ignore"):
        image = Rectangles((np.array([a]), np.array([b]))) ** n
    low, high = (float(np.broadcast_to(e, (1,))[0]) for e in image.re)
    if n < 0 and a <= 0 <= b:
        assert not image.finite().any()
        return
    ends = [R(k, 8) ** n, R(k + width, 8) ** n]
    exact = (min(ends) if n % 2 or a > 0 or b < 0 or n == 0 else sp.S.Zero), max(ends)
    room = 1e-14 * max(abs(float(e)) for e in (*exact, 1))
    assert low <= exact[0] <= low + (room if n in (0, 1, 2, 4, -1, -2, -4) or a > 0 or b < 0 else 1e9)
    assert high - (room if n in (0, 1, 2, 4, -1, -2, -4) or a > 0 or b < 0 else 1e9) <= exact[1] <= high


def test_nothing_is_proved_from_an_infinite_end():
    """An infinite end says that an operand was not proved, and what goes through balls is not proved then either; the image has a
    lower and an upper end all the same.
    """
    inf = np.inf
    with np.errstate(all="ignore"):
        for function in (sp.atan, sp.coth, sp.asinh, sp.gamma, sp.log, sp.tanh, sp.tan):
            for ends in ((1.0, inf), (-inf, 1.0), (-inf, inf)):
                real = Rectangles((np.array([ends[0]]), np.array([ends[1]])))
                image = apply(function, real)
                assert not image.finite().any() and image.re[0] < image.re[1], (function, ends)
            for part in ((1.0, inf), (-inf, -1.0)):
                flat = Rectangles((np.array([2.0]), np.array([3.0])), (np.array([part[0]]), np.array([part[1]])))
                if function in (sp.atan, sp.asinh, sp.gamma):
                    assert not apply(function, flat).finite().any(), (function, part)


@pytest.mark.parametrize("end", range(4))
def test_a_rectangle_is_bounded_where_all_its_ends_are_finite(end):
    """Of three rectangles the second has one infinite end, any of the four."""
    ends = [np.array([v, v, v]) for v in (-1.0, 2.0, -3.0, 4.0)]
    ends[end][1] *= np.inf
    assert Rectangles((ends[0], ends[1]), (ends[2], ends[3])).finite().tolist() == [True, False, True]
    assert Rectangles((ends[0], ends[1])).finite().tolist() == [True, end > 1, True]


def test_the_size_of_a_rectangle_is_that_of_its_farthest_corner():
    r = Rectangles(
        (np.array([-4.0, 1.0, 0.0]), np.array([2.0, 3.0, 0.0])),
        (np.array([-3.0, 0.0, -7.0]), np.array([1.0, 4.0, 2.0])),
    )
    assert r.largest() == pytest.approx([5, 5, 7], rel=1e-11) and (r.largest() >= [5, 5, 7]).all()
    assert Rectangles((np.array([-4.0]), np.array([3.0]))).largest() == 4
    nan = Rectangles((np.array([np.nan]), np.array([1.0])), (np.array([0.0]), np.array([1.0])))
    assert nan.largest() == np.inf


@pytest.mark.parametrize("q", [R(1, 2), R(-1, 2), R(5, 3), R(-7, 2)], ids=str)
def test_roots_of_positive_intervals_are_tight(q):
    """On [1/4, 9] the ends decide, to 10⁻⁹; across 0 nothing is proved, in the left half-plane off the axis a branch is."""
    image = power(Rectangles((np.array([0.25]), np.array([9.0]))), q)
    low, high = sorted((0.25 ** float(q), 9.0 ** float(q)))
    assert low * (1 - 1e-9) <= image.re[0][0] <= low and high <= image.re[1][0] <= high * (1 + 1e-9)
    across = Rectangles((np.array([-1.0]), np.array([1.0])), (np.array([-0.1]), np.array([0.1])))
    assert not power(across, q).finite().any()
    above = Rectangles((np.array([-2.0]), np.array([-1.0])), (np.array([0.5]), np.array([0.75])))
    image = power(above, q)
    assert image.finite().all()
    with mpmath.workdps(30):
        for point in (mpmath.mpc(-2, 0.5), mpmath.mpc(-1, 0.75), mpmath.mpc(-1.5, 0.625)):
            assert holds(image, mpmath.power(point, mpmath.mpf(q.p) / q.q))


def test_products_of_a_real_and_a_complex_rectangle():
    """Either order; and a constant is one point, as near as a float."""
    from flint import arb

    z = Rectangles((np.array([1.0]), np.array([2.0])), (np.array([-3.0]), np.array([4.0])))
    for product in (z * Rectangles.constant(arb(-2)), Rectangles.constant(arb(-2)) * z):
        ends = [float(e[0]) for e in (*product.re, *product.imaginary)]
        assert ends == pytest.approx([-4, -2, -8, 6], rel=1e-14)
    for shift in (z + Rectangles.constant(arb(5)), Rectangles.constant(arb(5)) + z):
        assert [float(e[0]) for e in (*shift.re, *shift.imaginary)] == pytest.approx([6, 7, -3, 4], rel=1e-14)
    third = Rectangles.constant(arb(1) / 3)
    assert 0 < float(third.re[1]) - float(third.re[0]) < 1e-15 and float(third.re[0]) < 1 / 3 < float(third.re[1])

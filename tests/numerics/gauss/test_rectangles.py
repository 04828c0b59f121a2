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

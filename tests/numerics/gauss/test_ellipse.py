"""Bernstein ellipses: suprema and analyticity proved on them, numbers of nodes; against points of the ellipse and closed forms."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.gauss.ellipse import (
    Geometry,
    Panels,
    _Boxes,
    error_bound,
    fit_ellipses,
    holomorphic,
    points_needed,
    suprema,
)
from numerics.gauss.integrand import Integrand
from numerics.gauss.panelling import plan
from numerics.precision import digits

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational


def geometry(centres, halves, axis: int, rho) -> Geometry:
    """Exact centres and half-widths [P][d]."""
    c, r = np.array(centres, dtype=float), np.array(halves, dtype=float)
    return Geometry((c, c), (r, r), axis, np.array(rho, dtype=float))


@pytest.mark.parametrize("axis", [0, 1])
def test_suprema_of_exponentials_are_met(axis: int) -> None:
    """|e^{αx + βy}| on c + r E_ρ times a real side is largest at the right ends: αc + |α| r a, a = (ρ + 1/ρ)/2."""
    alpha, beta, level = R(3, 2), R(-1, 2), 0.75
    centres, halves, rho = [[1.0, -2.0], [0.25, 3.0]], [[0.5, 1.0], [2.0, 0.125]], [2.0, 1.5]
    g = geometry(centres, halves, axis, rho)
    integrand = Integrand(-alpha * x - beta * y, (sp.S.One, sp.S(7)), (x, y), level)
    with digits(15):
        found = suprema(integrand, g, np.zeros(2), np.full(2, -np.inf), np.ones((2, 2)), max_boxes=600)
    for k in range(2):
        stretch = [(rho[k] + 1 / rho[k]) / 2 if i == axis else 1.0 for i in range(2)]
        true = level + sum(
            float(c) * centres[k][i] + abs(float(c)) * halves[k][i] * stretch[i] for i, c in enumerate((alpha, beta))
        )
        assert true <= found[0, k] <= true + 0.1
        assert true + math.log(7) <= found[1, k] <= true + math.log(7) + 0.1


def test_suprema_along_the_short_axis_and_off_both() -> None:
    """|e^{x²}| of z = a cos θ + i b sin θ: largest at θ = 0; |e^{−x²}| at θ = π/2, e^{b²}; a polynomial by sampling."""
    rho = 2.0
    a, b = (rho + 1 / rho) / 2, (rho - 1 / rho) / 2
    g = geometry([[0.0]], [[1.0]], 0, [rho])
    polynomial = x**3 - x / 2 + R(1, 4)
    with digits(15):
        integrand = Integrand(x**2, (sp.S.One, sp.exp(2 * x**2), polynomial * sp.exp(x**2)), (x,))
        found = suprema(integrand, g, np.zeros(3), np.full(1, -np.inf), np.ones((1, 1)), max_boxes=2000)[:, 0]
    theta = np.linspace(0, 2 * np.pi, 100_001)
    points = a * np.cos(theta) + 1j * b * np.sin(theta)
    truths = [b**2, a**2, math.log(np.abs(points**3 - points / 2 + 0.25).max())]
    for bound, true in zip(found, truths, strict=True):
        assert true - 1e-9 <= bound <= true + 0.1


def test_a_panel_out_of_boxes_keeps_the_bound_it_has() -> None:
    """With few boxes the bounds are larger, never smaller; boxes below the target are left as they are."""
    g = geometry([[0.5, 0.0]], [[1.0, 2.0]], 0, [1.75])
    integrand = Integrand(sp.cosh(x) - sp.sin(3 * x * y), (x + y,), (x, y))
    with digits(15):
        bounds = [
            float(suprema(integrand, g, np.zeros(1), np.full(1, -np.inf), np.ones((1, 2)), max_boxes=n)[0, 0])
            for n in (1, 40, 400, 4000)
        ]
        lax = float(suprema(integrand, g, np.zeros(1), np.full(1, 1e9), np.ones((1, 2)))[0, 0])
    assert bounds == sorted(bounds, reverse=True) and bounds[0] > bounds[-1] + 0.1
    assert lax == bounds[0]
    random = np.random.default_rng(0)
    theta, u = random.uniform(0, 2 * np.pi, (2, 4000))
    a, b = (1.75 + 1 / 1.75) / 2, (1.75 - 1 / 1.75) / 2
    inside = 0.5 + a * np.cos(theta) + 1j * b * np.sin(theta), 2 * np.cos(u)
    assert integrand.sample(*inside).max() <= bounds[-1]


POLES = [
    # atan(x/s) has its cuts from ±is outward, tanh(s x) its first poles at ±iπ/2s, tan its own at ±π/2
    (lambda s: sp.atan(x / s), lambda s: 1j * s),
    (lambda s: sp.tanh(sp.pi * x / (2 * s)), lambda s: 1j * s),
    (lambda s: sp.tan(sp.pi * x / (2 * s)), lambda s: s),
    (lambda s: 1 / (x**2 + s**2), lambda s: 1j * s),
    (lambda s: sp.log(s - x), lambda s: s),
    (lambda s: (x + s) ** R(-1, 2), lambda s: -s),
    (lambda s: sp.asinh(x / s), lambda s: 1j * s),
]


@pytest.mark.parametrize("shift", [0, 3])
@pytest.mark.parametrize(("function", "place"), POLES, ids=["atan", "tanh", "tan", "power", "log", "root", "asinh"])
def test_what_is_holomorphic_inside_is_proved_and_a_singularity_inside_is_not(function, place, shift: int) -> None:
    """ρ = 2, half-width 1/2: semi-axes 5/8 and 3/8 about the centre; the singular point 15% outside or inside them."""
    for factor, inside in ((R(23, 20), False), (R(17, 20), True)):
        s = factor * (R(5, 8) if sp.im(place(1)) == 0 else R(3, 8))
        integrand = Integrand(y**2, (function(s).subs(x, x - shift),), (x, y))
        with digits(15), np.errstate(all="ignore"):
            proved = holomorphic(integrand, geometry([[shift, 0.0]], [[0.5, 2.0]], 0, [2.0]))
            across = holomorphic(integrand, geometry([[shift, 0.0]], [[0.5, 2.0]], 1, [2.0]))
        assert proved.tolist() == [not inside]
        assert across.tolist() == [True]  # along y everything is entire


def test_each_panel_is_judged_by_itself() -> None:
    """1/(x − 1) and tanh on four panels: far from the poles, with the pole 1 in the ellipse, with iπ/2 in it, far again."""
    integrand = Integrand(x**2, (1 / (x - 1), sp.tanh(x)), (x,))
    g = geometry([[3.0], [0.5], [0.0], [-5.0]], [[1.0], [0.5], [0.5], [0.5]], 0, [1.5, 3.0, 7.0, 2.0])
    with digits(15), np.errstate(all="ignore"):
        assert holomorphic(integrand, g).tolist() == [True, False, False, True]


@pytest.mark.parametrize("depth", [0, 1])
def test_the_first_cover_is_the_ellipse_itself(depth: int) -> None:
    """tan has its poles at ±π/2, beyond the semi-axis 5/4 of ρ = 2: the two quarters of the ellipse's box hold none."""
    integrand = Integrand(x**2, (sp.tan(x),), (x,))
    with digits(15), np.errstate(all="ignore"):
        assert holomorphic(integrand, geometry([[0.0]], [[1.0]], 0, [2.0]), depth).tolist() == [True]
        assert holomorphic(integrand, geometry([[0.5]], [[1.0]], 0, [2.0]), depth).tolist() == [False]


def test_other_variables_count_over_their_whole_sides() -> None:
    """1/(x² + y): the poles ±i√y reach the ellipse of half axis 3/4 where y ≤ 9/16 on the side of y."""
    integrand = Integrand(x**2, (1 / (x**2 + y),), (x, y))
    g = geometry([[0.0, 2.0], [0.0, 2.0], [0.0, -2.0]], [[1.0, 1.25], [1.0, 1.75], [0.25, 1.5]], 0, [2.0, 2.0, 1.5])
    with digits(15), np.errstate(all="ignore"):
        assert holomorphic(integrand, g).tolist() == [True, False, True]


def test_each_of_several_other_variables_has_its_own_side() -> None:
    """x = ½ + u and z = −2 + 4u beside an ellipse of y, over the boxes of u that are given."""
    g, panel = geometry([[0.5, 1.0, -2.0]], [[1.0, 2.0, 4.0]], 1, [2.0]), np.zeros(1, dtype=int)
    for find, own in ((g.arcs, 1), (g.filled, 2)):
        low, high = np.array([[0.1] * own + [-0.5, 0.5]]), np.array([[0.2] * own + [-0.25, 0.75]])
        x_side, ellipse, z_side = find(_Boxes(panel, low, high))
        assert [float(end[0]) for end in (*x_side.re, *z_side.re)] == pytest.approx([0, 0.25, 0, 1], abs=1e-12)
        assert x_side.im is None and z_side.im is None and ellipse.im is not None


@settings(max_examples=40, deadline=None)
@given(st.floats(-5, 5), st.floats(0.01, 3), st.floats(1.01, 12), st.floats(0, 2 * math.pi), st.floats(-1, 1))
def test_rectangles_of_arcs_and_of_the_filled_ellipse_hold_its_points(c, r, rho, theta, u) -> None:
    """The point c + r (a cos θ + i b sin θ) lies in the rectangle of every arc with θ in it, and inner points in theirs."""
    g = geometry([[c, 0.5]], [[r, 2.0]], 0, [rho])
    a, b = (rho + 1 / rho) / 2, (rho - 1 / rho) / 2
    half = theta % math.pi  # the upper half
    around = np.array([[half - 0.01, u - 0.125]]), np.array([[half + 0.25, u + 0.125]])
    ring, side = g.arcs(_Boxes(np.zeros(1, dtype=int), *around))
    point = c + r * (a * math.cos(half) + 1j * b * math.sin(half))
    assert ring.re[0][0] <= point.real <= ring.re[1][0] and ring.imaginary[0][0] <= point.imag <= ring.imaginary[1][0]
    assert side.im is None and side.re[0][0] <= 0.5 + 2 * u <= side.re[1][0]
    assert ring.re[1][0] - ring.re[0][0] <= r * a * 0.27 and side.re[1][0] - side.re[0][0] <= 0.5 + 1e-12
    p, q = math.cos(half), math.sin(half)
    around = np.array([[p - 0.1, q - 0.1, u]]), np.array([[p, q, u]])
    box, side = g.filled(_Boxes(np.zeros(1, dtype=int), *around))
    assert box.re[0][0] <= point.real <= box.re[1][0] and box.imaginary[0][0] <= point.imag <= box.imaginary[1][0]
    assert box.re[1][0] - box.re[0][0] <= r * a * 0.1 + 1e-9 and side.re[1][0] - side.re[0][0] < 1e-12


@settings(max_examples=60, deadline=None)
@given(st.floats(-30, 300), st.floats(1.05, 14))
def test_no_fewer_nodes_would_do(excess: float, rho: float) -> None:
    """The least N ≥ 2 with (32/15) e^{excess} ρ^{−2N}/(1 − ρ^{−2}) ≤ 1."""

    def error(n: int) -> float:
        return excess + math.log(32 / 15) - 2 * n * math.log(rho) - math.log(1 - rho**-2)

    n = int(points_needed(np.array([excess]), np.array([rho]))[0])
    assert n >= 2 and error(n) <= 1e-9 and (n == 2 or error(n - 1) > -1e-9)
    assert float(error_bound(excess, rho, n)) == pytest.approx(math.exp(error(n)), rel=1e-6)
    assert error_bound(-math.inf, rho, n) == 0
    assert points_needed(np.array([math.inf, math.nan]), np.array([2.0, 2.0])).tolist() == [1e9, 1e9]


def test_fitted_ellipses_are_good_enough_and_not_too_costly() -> None:
    """Error of each axis ≤ e^{−share} of the tolerance, suprema above the samples; 1/(x² + 1/25) needs ρ < 1.22 on [−1, 1]."""
    integrand = Integrand((x**2 + y**2) / 2, (1 / (x**2 + R(1, 25)), y + 2), (x, y))
    lower, upper = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 1.0], [2.0, 3.0]])
    log_tolerance, share = np.full(2, -25.0), 3.0
    with digits(15), np.errstate(all="ignore"):
        steered = plan(integrand, lower, upper, log_tolerance, share)
        panels = Panels(*(tuple(tuple(map(arb, row)) for row in ends.tolist()) for ends in (lower, upper)))
        fitted = fit_ellipses(integrand, panels, steered, log_tolerance, share)
    assert fitted.nodes.shape == fitted.rho.shape == (2, 2) and fitted.log_m.shape == (2, 2, 2)
    assert 1.05 < fitted.rho[0, 0] < (1 / 5 + math.sqrt(1 + 1 / 25))  # (ρ − 1/ρ)/2 = 1/5
    for k in range(2):
        volume = float(np.prod(upper[k] - lower[k]))
        for axis in range(2):
            rho, n = fitted.rho[k, axis], int(fitted.nodes[k, axis])
            assert 2 <= n <= 400
            for i in range(2):
                error = volume * float(error_bound(float(fitted.log_m[axis, i, k]), float(rho), n))
                assert error <= math.exp(-25.0 - share) * 1.01
            theta = np.linspace(0, np.pi, 200)
            ring = np.exp(1j * theta)
            centre, half = (lower[k] + upper[k]) / 2, (upper[k] - lower[k]) / 2
            points = [np.linspace(lower[k, i], upper[k, i], 41)[:, None] for i in range(2)]
            points[axis] = (centre[axis] + half[axis] * (rho * ring + 1 / (rho * ring)) / 2)[None]
            assert (integrand.sample(*points).reshape(2, -1).max(axis=1) <= fitted.log_m[axis, :, k]).all()


def test_centres_and_half_widths_of_panels_are_enclosed() -> None:
    third = arb(1) / 3
    panels = Panels(((arb(0), third),), ((arb(1), arb(2)),))
    for (low, high), exact in ((panels.centres(), (R(1, 2), R(7, 6))), (panels.halves(), (R(1, 2), R(5, 6)))):
        for a, b, e in zip(low[0], high[0], exact, strict=True):
            assert R(float(a)) < e < R(float(b)) and b - a < 1e-15


@pytest.mark.parametrize("theta", [0.0, 1e-17, 1e-9, 0.5, math.pi / 2, 2.0, math.nextafter(math.pi, 0), math.pi, 3.2])
@pytest.mark.parametrize("rho", [1.001, 2.0, 9.5])
def test_a_single_angle_has_its_point_in_its_rectangle(theta: float, rho: float) -> None:
    """To the last digit, where sin θ vanishes as well: the rectangle of [θ, θ] holds c + r (a cos θ + i b sin θ) of mpmath."""
    g = geometry([[0.0]], [[1.0]], 0, [rho])
    (ring,) = g.arcs(_Boxes(np.zeros(1, dtype=int), np.array([[theta]]), np.array([[theta]])))
    with mpmath.workdps(40):
        a, b = ((mpmath.mpf(rho) + s / mpmath.mpf(rho)) / 2 for s in (1, -1))
        point = a * mpmath.cos(theta), b * mpmath.sin(theta)
        for (low, high), exact in zip((ring.re, ring.imaginary), point, strict=True):
            assert float(low[0]) <= exact <= float(high[0])
            assert float(high[0]) - float(low[0]) < 1e-10

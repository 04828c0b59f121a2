"""Float polynomials with verified bounds, branch and bound, flags and tails: against exact rational evaluation."""

import math

import numpy as np
import pytest
import sympy as sp
from flint import acb, arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.errors import NotCertified
from numerics.precision import digits
from numerics.trapezoid import waves
from numerics.trapezoid.boxes import Boxes, cover, exceeds, log_mass, log_sum
from numerics.trapezoid.frames import flag_basis
from numerics.trapezoid.gridsum import inflated_exp
from numerics.trapezoid.polynomial import FloatPolynomial, affine, directional_parts, from_sympy, terms_of, to_float
from numerics.trapezoid.shadow import FloatField, Majorants
from numerics.trapezoid.tails import Frame, certify

x, y = sp.symbols("x y")
R = sp.Rational
ONE = [[fmpq(1), fmpq(0)], [fmpq(0), fmpq(1)]]
ZERO = [fmpq(0), fmpq(0)]

coefficients = st.lists(st.fractions(-5, 5, max_denominator=9), min_size=9, max_size=9)
centres = st.tuples(st.floats(-30, 30), st.floats(-30, 30))
sizes = st.tuples(st.floats(1e-6, 8), st.floats(1e-6, 8))


def polynomial(cs):
    expr = sum(R(c) * x**i * y**j for c, (i, j) in zip(cs, ((i, j) for i in range(3) for j in range(3)), strict=True))
    return from_sympy(sp.sympify(expr), (x, y))


@settings(max_examples=100, deadline=None)
@given(coefficients, centres, sizes)
def test_box_bounds_hold_at_points_of_the_box(cs, centre, radius):
    p = polynomial(cs)
    bound = FloatPolynomial(p, 2).bounds(np.array([centre]), np.array([radius]))[0][0]
    for a in (-1, -0.5, 0, 0.25, 1):
        for b in (-1, 0, 0.75, 1):
            point = [fmpq(*(c + s * r).as_integer_ratio()) for c, s, r in zip(centre, (a, b), radius, strict=True)]
            value = p(*point)
            inside = all(
                abs(q - fmpq(*c.as_integer_ratio())) <= fmpq(*r.as_integer_ratio())
                for q, c, r in zip(point, centre, radius, strict=True)
            )
            assert not inside or value >= fmpq(*float(bound).as_integer_ratio())


@settings(max_examples=100, deadline=None)
@given(coefficients, centres)
def test_lower_bounds_at_points(cs, point):
    p = polynomial(cs)
    below = FloatPolynomial(p, 2).below(np.array([point]))[0]
    exact = p(*(fmpq(*c.as_integer_ratio()) for c in point))
    assert fmpq(*float(below).as_integer_ratio()) <= exact
    assert float(arb(exact)) - below < 1e-9 * (1 + abs(below)) + 1e-7


def exact_centred_form(p, centre, radius):
    """T_0 − Σ_odd |T_β| r^β + Σ_even min(T_β, 0) r^β in rationals, with T_β from repeated differentiation."""
    c, r = ([fmpq(*v.as_integer_ratio()) for v in vector] for vector in (centre, radius))
    total, i, along = fmpq(0), 0, p
    while not along.is_zero() or i == 0:
        j, current = 0, along
        while not current.is_zero() or j == 0:
            coefficient = current(*c) / (math.factorial(i) * math.factorial(j))
            reach = r[0] ** i * r[1] ** j
            if i == j == 0:
                total += coefficient
            elif i % 2 or j % 2:
                total -= abs(coefficient) * reach
            else:
                total += min(coefficient, fmpq(0)) * reach
            current, j = current.derivative(1), j + 1
        along, i = along.derivative(0), i + 1
    return total


scales = st.integers(-30, 30)


@settings(max_examples=250, deadline=None)
@given(coefficients, centres, sizes, st.tuples(scales, scales, scales, scales), st.booleans())
def test_float_bounds_lie_below_the_exact_centred_form(cs, centre, radius, powers, cancelling):
    """Huge and small coefficients, centres and radii; shifted powers, in which almost everything cancels."""
    u, v = (centre[0] * 10.0 ** powers[0], centre[1] * 10.0 ** powers[1])
    box = (radius[0] * 10.0 ** powers[2], radius[1] * 10.0 ** powers[3])
    p = polynomial(cs)
    if cancelling:
        a, b = (fmpq(*w.as_integer_ratio()) for w in (u, v))
        p = affine(p, [-a, -b], ONE)
    try:
        shadow = FloatPolynomial(p, 2)
        bound = shadow.bounds(np.array([[u, v]]), np.array([box]))[0][0]
        below = shadow.below(np.array([[u, v]]))[0]
    except NotCertified:
        assert any(abs(power) > 10 for power in powers) or cancelling
        return
    exact = exact_centred_form(p, (u, v), box)
    slack = shadow.epsilon * shadow.absolute(np.array([[abs(u) + box[0], abs(v) + box[1]]]))[0]
    assert (
        exact - 3 * fmpq(*float(slack + 1e-270).as_integer_ratio()) <= fmpq(*float(bound).as_integer_ratio()) <= exact
    )
    assert fmpq(*float(below).as_integer_ratio()) <= p(*(fmpq(*w.as_integer_ratio()) for w in (u, v)))


def test_underflow_is_covered():
    """x^12 at 1e-40 underflows; with a coefficient of 1e240 the lost part 1e-240 must be in the error term."""
    p = FloatPolynomial(from_sympy(-(10**240) * x**12 + y, (x, y)), 2)
    point = np.array([[1e-40, 0.0]])
    exact = -(fmpq(10) ** 240) * fmpq(*(1e-40).as_integer_ratio()) ** 12
    assert fmpq(*float(p.below(point)[0]).as_integer_ratio()) <= exact < 0
    assert fmpq(*float(p.bounds(point, np.zeros((1, 2)))[0][0]).as_integer_ratio()) <= exact
    above = Majorants([from_sympy(10**240 * x**12, (x, y))]).above(point)[0, 0]
    assert fmpq(*float(above).as_integer_ratio()) >= -exact


@pytest.mark.parametrize("poison", [math.nan, math.inf, 1e200])
def test_poison_is_refused(poison):
    p = FloatPolynomial(from_sympy(x**4 + x * y + y**2, (x, y)), 2)
    point, unit = np.array([[poison, 1.0]]), np.array([[1.0, 1.0]])
    with np.errstate(all="ignore"):
        for bound in (p.below, p.absolute, lambda q: p.bounds(q, unit), lambda q: p.bounds(unit, np.abs(q))):
            with pytest.raises(NotCertified, match="float range"):
                bound(point)
        with pytest.raises(NotCertified, match="float range"):
            Majorants([from_sympy(x**4, (x, y))]).above(point)
    for log_value in (math.nan, math.inf):
        with pytest.raises(NotCertified, match="finite"):
            inflated_exp(log_value)
    assert math.isnan(log_sum(np.array([0.0, math.nan])))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-800, 700), min_size=1, max_size=40))
def test_sums_of_exponentials_are_bounded(logs):
    """exp and log of the C library, against balls: the slack covers what they are off."""
    with digits(30):
        assert sum((arb(v).exp() for v in logs), arb(0)) < inflated_exp(log_sum(np.array(logs)))


@settings(max_examples=150, deadline=None)
@given(coefficients, centres, sizes, st.fractions(-4, 4, max_denominator=7), st.fractions(-20, 20, max_denominator=9))
def test_bounds_of_waves_hold_at_points_of_the_box(cs, centre, radius, k, phase):
    expr = sum(R(c) * x**i * y**j for c, (i, j) in zip(cs, ((i, j) for i in range(3) for j in range(3)), strict=True))
    field = waves.from_sympy(sp.expand(expr + 3 * sp.cos(R(k) * x - y + R(phase)) - 2 * sp.sin(2 * y)), (x, y))
    shadow = FloatField.on_line(field, 0, fmpq(1, 3))
    infimum = shadow.bounds(np.array([centre]), np.array([radius]))[0][0]
    with digits(40):
        for s in (-1.0, -0.3, 0.0, 0.6, 1.0):
            for t in (-1.0, 0.0, 0.5, 1.0):
                point = [centre[0] + s * radius[0] * (1 - 1e-12), centre[1] + t * radius[1] * (1 - 1e-12)]
                z = [acb(arb(point[0]), arb(1) / 3), acb(arb(point[1]))]
                value = sum(
                    (acb(arb(c)) * z[0] ** i * z[1] ** j for (i, j), c in terms_of(field.polynomial).items()), acb(0)
                )
                for w in field.waves:
                    angle = arb(w.phase) + sum((arb(f) * v for f, v in zip(w.frequency, z, strict=True)), acb(0))
                    a, b = (arb(next(iter(terms_of(q).values()), 0)) for q in (w.cosine, w.sine))
                    value += a * angle.cos() + b * angle.sin()
                assert value.real > infimum
                assert (
                    field.majorant(0, fmpq(1, 3))(*(fmpq(*abs(v).as_integer_ratio()) for v in point))
                    >= abs(value).lower()
                )


def test_a_box_is_cut_into_equal_parts():
    """|y_i| ≤ r_i in 3 × 3 parts: centres 0 and ±⅔ r_i in every combination, half sides r_i/3."""
    found = Boxes.around(np.array([3.0, 6.0]), 3)
    expected = {(a, b) for a in (-2, 0, 2) for b in (-4, 0, 4)}
    assert {tuple(np.round(centre, 12).tolist()) for centre in found.centres} == expected and len(found.centres) == 9
    assert np.allclose(found.radii, [1.0, 2.0], rtol=1e-12) and (found.radii >= [1.0, 2.0]).all()


def test_a_wave_adds_its_amplitude_and_no_more():
    """|x² + 3 cos 2x + 4 sin 2x| ≤ r² + 5, to rounding."""
    field = waves.from_sympy(x**2 + 3 * sp.cos(2 * x) + 4 * sp.sin(2 * x), (x,))
    for r in (0.5, 2.0):
        bound = FloatField(field).absolute(np.array([[r]]))[0]
        assert r**2 + 5 <= bound <= (r**2 + 5) * (1 + 1e-11)


def test_the_centred_form_is_sharp_for_a_shifted_square():
    p = FloatPolynomial(from_sympy((x - 3) ** 2 + y**2, (x, y)), 2)
    infimum, middle, _ = p.bounds(np.array([[5.0, 0.0]]), np.array([[1.0, 1.0]]))
    assert middle[0] == 4
    assert -1e-9 <= infimum[0] <= 1  # the true infimum is 1, the centred form gives 4 − 4


def test_exceeds_agrees_with_the_minimum():
    p = FloatPolynomial(from_sympy(x**4 - 2 * x**2 + y**2 + 1 + x * y / 2, (x, y)), 2)
    grid = np.linspace(-3, 3, 601)
    lowest = float(p(np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)).min())
    box = Boxes.around(np.array([3.0, 3.0]))
    assert exceeds(p, box, lowest - 1e-3)
    assert not exceeds(p, box, lowest + 1e-3)


def test_cover_leaves_nothing_out():
    p = FloatPolynomial(from_sympy((x**2 - 1) ** 2 * 4 + (y - x) ** 2, (x, y)), 2)
    found = cover(p, Boxes.around(np.array([6.0, 6.0]), 4), 10.0, finest=np.array([0.3, 0.3]))
    assert (found.dead_infimum > 10).all()
    points = np.random.default_rng(1).uniform(-6, 6, size=(4000, 2))
    low = points[p(points) <= 10]
    hit = np.any(np.all(np.abs(low[:, None] - found.live.centres) <= found.live.radii, axis=2), axis=1)
    assert hit.all()
    dead = np.any(np.all(np.abs(points[:, None] - found.dead.centres) <= found.dead.radii, axis=2), axis=1)
    assert (p(points[dead]) > 10).all()


def test_log_mass_bounds_the_integral_closely():
    p = FloatPolynomial(from_sympy((x**2 + y**2) / 2, (x, y)), 2)
    mass = log_mass(p, Boxes.around(np.array([40.0, 40.0]), 8), np.zeros(2), 0.5, 1.8)
    assert math.log(2 * math.pi) < mass.log_total < math.log(2 * math.pi) + 1.5


def test_directional_parts_are_the_real_part_on_a_shifted_line():
    expr = x**4 + 3 * x**2 * y - y**3 + 5 * x * y + y**6
    parts = directional_parts(from_sympy(expr, (x, y)), [fmpq(2), fmpq(-1)])
    b = R(3, 7)
    expected = sp.re(sp.expand(expr.subs({x: R(1, 3) + 2 * sp.I * b, y: R(5, 2) - sp.I * b}, simultaneous=True)))
    found = sum((p(fmpq(1, 3), fmpq(5, 2)) * fmpq(3, 7) ** (2 * k) for k, p in enumerate(parts)), fmpq(0))
    assert R(int(found.p), int(found.q)) == expected


def test_affine_substitution():
    p = affine(from_sympy(x * y, (x, y)), [fmpq(1), fmpq(2)], [[fmpq(1), fmpq(1)], [fmpq(0), fmpq(3)]])
    assert p(fmpq(1), fmpq(1)) == 15


@pytest.mark.parametrize("value", [fmpq(10) ** 400, fmpq(1, 10**300)])
def test_coefficients_out_of_the_float_range_are_refused(value):
    with pytest.raises(NotCertified):
        to_float(value)


def test_the_tail_certificate_is_true_along_random_rays():
    expr = 20 * x**2 + 3 * y**4 + 5 * x * y + 2 * y**3
    tail = certify(from_sympy(expr, (x, y)), Frame(ONE, ONE, ZERO), 30.0)
    assert tail is not None
    radii = [float(arb(r)) for r in tail.radii]
    for s in np.geomspace(1, 1e6, 40):
        for angle in np.linspace(0, 2 * math.pi, 61):
            u, v = math.cos(angle), math.sin(angle)
            scale = (s / max(abs(u) ** 2, abs(v) ** 4)) if max(abs(u), abs(v)) > 0 else 1
            point = (radii[0] * u * scale**0.5, radii[1] * v * scale**0.25)
            n = max((point[0] / radii[0]) ** 2, (point[1] / radii[1]) ** 4)
            assert 20 * point[0] ** 2 + 3 * point[1] ** 4 + 5 * point[0] * point[1] + 2 * point[1] ** 3 >= 30 * n * (
                1 - 1e-9
            )


def test_the_tail_bound_covers_integral_and_grid_sum():
    p = from_sympy(x**2 + y**4, (x, y))
    with digits(15):
        tail = certify(p, Frame(ONE, ONE, ZERO), 12.0)
        assert tail is not None
        rx, ry = (float(arb(r)) for r in tail.radii)
        h = 0.25
        xs, ys = np.meshgrid(np.arange(-80, 81) * h, np.arange(-80, 81) * h)
        n = np.maximum((xs / rx) ** 2, (ys / ry) ** 4)
        outside = n > 1
        grid_sum = h * h * float(((1 + xs**2) * np.exp(-(xs**2) - ys**4))[outside].sum())
        model = h * h * float(((1 + rx**2 * n) * np.exp(-12 * n))[outside].sum())
        bound = float(tail.bound(from_sympy(1 + x**2, (x, y)), [h, h]))
        assert grid_sum <= model <= bound < 30 * model


@pytest.mark.parametrize("expr", [x**2 - y**4, x**3 + y**2, x**2 * y**2 - x**6 + y**6, (x - y) ** 2])
def test_no_certificate_where_there_is_no_growth(expr):
    assert certify(from_sympy(sp.expand(expr), (x, y)), Frame(ONE, ONE, ZERO), 30.0) is None


def test_the_flag_finds_the_oblique_direction():
    basis = flag_basis(from_sympy(sp.expand((x + 2 * y) ** 6 + (x - y) ** 2), (x, y)))
    assert basis is not None
    assert basis[0, 1] + 2 * basis[1, 1] == 0  # the second basis vector kills x + 2y
    assert flag_basis(from_sympy(sp.expand((x + y) ** 4), (x, y))) is None


@pytest.mark.parametrize("finest", [(0.5, 0.05), (0.03, 2.0), (0.2, 0.2)], ids=str)
def test_live_boxes_are_fine_along_every_axis(finest):
    """Each side of a live box is at most that of `finest`, and more than half of it where a box was cut for it alone."""
    p = FloatPolynomial(from_sympy(x**2 + 40 * y**2 + x * y, (x, y)), 2)
    fine = np.array(finest)
    found = cover(p, Boxes.around(np.array([5.0, 5.0]), 2), 8.0, finest=fine)
    assert (found.live.radii <= fine).all() and (found.live.radii > fine / 2 * (1 - 1e-9)).any()
    assert (found.dead_infimum > 8).all() and len(found.dead_infimum) == len(found.dead.centres)
    points = np.random.default_rng(4).uniform(-5, 5, (3000, 2))
    everywhere = (
        np.concatenate([found.live.centres, found.dead.centres]),
        np.concatenate([found.live.radii, found.dead.radii]),
    )
    assert np.any(np.all(np.abs(points[:, None] - everywhere[0]) <= everywhere[1], axis=2), axis=1).all()


def test_a_cover_out_of_boxes_leaves_the_rest_alive():
    """Nothing is lost: what is not proved dead is live, however coarse; a joined cover keeps the dead boxes of both."""
    p = FloatPolynomial(from_sympy(x**2 + y**2, (x, y)), 2)
    found = cover(p, Boxes.around(np.array([9.0, 9.0]), 4), 4.0, finest=np.full(2, 1e-3), max_boxes=40)
    low = np.random.default_rng(5).uniform(-2, 2, (500, 2))
    low = low[(low**2).sum(axis=1) <= 4]
    assert np.any(np.all(np.abs(low[:, None] - found.live.centres) <= found.live.radii, axis=2), axis=1).all()
    assert len(found.live.centres) < 200 and (found.live.radii > 1e-3).any()
    again = cover(p, found.live, 4.0, finest=np.full(2, 0.5))
    joined = again.joined(found)
    assert joined.live is again.live and len(joined.dead.centres) == len(again.dead.centres) + len(found.dead.centres)
    assert sorted(joined.dead_infimum) == sorted([*again.dead_infimum, *found.dead_infimum])
    assert (p(joined.dead.centres) >= joined.dead_infimum).all()


def test_exceeding_is_not_claimed_when_boxes_run_out():
    p = FloatPolynomial(from_sympy((x**2 + y**2 - 1) ** 2 + R(1, 1000), (x, y)), 2)
    box = Boxes.around(np.array([2.0, 2.0]))
    assert exceeds(p, box, 0.0, max_boxes=20_000) and not exceeds(p, box, 0.0, max_boxes=50)
    assert exceeds(p, Boxes(np.zeros((0, 2)), np.zeros((0, 2))), 1e9)
    quadratic = FloatPolynomial(from_sympy(x**2 + y**2, (x, y)), 2)
    assert exceeds(quadratic, Boxes(np.array([[3.0, 0.0]]), np.array([[1.0, 1.0]])), 3.9)
    assert not exceeds(quadratic, Boxes(np.array([[3.0, 0.0], [0.0, 0.0]]), np.ones((2, 2))), 3.9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(centres, sizes), min_size=1, max_size=4), st.data())
def test_halves_cover_their_box(boxes, data):
    """Along the axis asked for, and no wider than a relative 10⁻¹²; the first halves are the lower ones."""
    whole = Boxes(np.array([c for c, _ in boxes]), np.array([r for _, r in boxes]))
    axis = np.array([data.draw(st.integers(0, 1)) for _ in boxes])
    found, n = whole.halved(axis), len(boxes)
    assert len(found.centres) == 2 * n
    for k in range(n):
        i, j = axis[k], 1 - axis[k]
        low, high = whole.centres[k] - whole.radii[k], whole.centres[k] + whole.radii[k]
        first, second = (
            (found.centres[m] - found.radii[m] for m in (k, k + n)),
            (found.centres[m] + found.radii[m] for m in (k, k + n)),
        )
        (low_1, low_2), (high_1, high_2) = first, second
        assert low_1[i] <= low[i] and high_2[i] >= high[i] and high_1[i] >= low_2[i]
        assert max(low_1[j], low_2[j]) <= low[j] and min(high_1[j], high_2[j]) >= high[j]
        room = 1e-11 * (np.abs(whole.centres[k]) + whole.radii[k])
        assert (
            abs(high_1[i] - whole.centres[k][i]) <= room[i]
            and high_2[i] - high[i] <= room[i]
            and high_1[j] - high[j] <= room[j]
        )


@pytest.mark.parametrize("widths", [(0.0, 0.0), (0.5, 0.0), (0.5, 2.0)], ids=str)
def test_masses_count_every_side_with_its_width(widths):
    """Σ Π(2r_i + w_i) e^{−inf P} ≥ ∫ e^{−P} Π(1 + w_i/2r_i) for the final boxes; at no width it is within the gap of ∫."""
    p = FloatPolynomial(from_sympy(x**2 / 2 + y**4 + x * y / 3, (x, y)), 2)
    mass = log_mass(p, Boxes.around(np.array([12.0, 5.0]), 8), np.array(widths), 0.7, 1.0)
    again = np.log(2 * mass.boxes.radii + widths).sum(axis=1) - mass.infimum
    assert mass.log_total == pytest.approx(math.log(np.exp(again).sum()), rel=1e-12)
    grid = np.stack(np.meshgrid(np.linspace(-12, 12, 961), np.linspace(-5, 5, 801), indexing="ij"), axis=-1).reshape(
        -1, 2
    )
    true = math.log(np.exp(-p(grid)).sum() * (24 / 960) * (10 / 800))
    assert true <= mass.log_total
    if not any(widths):
        assert mass.log_total <= true + 2 * 0.7
    assert (p(mass.boxes.centres) >= mass.infimum).all()
    few = log_mass(p, Boxes.around(np.array([12.0, 5.0]), 8), np.array(widths), 1e-6, 1.0, max_boxes=80)
    assert few.log_total >= mass.log_total - 0.7 and len(few.boxes.centres) <= 80 + 64


def test_sums_of_no_logarithms_and_of_far_ones():
    assert log_sum(np.array([])) == -math.inf and log_sum(np.array([-math.inf])) == -math.inf
    assert log_sum(np.array([1e300, 0.0])) == 1e300 and log_sum(np.full(4, -2000.0)) == pytest.approx(
        math.log(4) - 2000
    )

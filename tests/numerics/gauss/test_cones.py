"""Linear minorants below their terms and touching them, cones below potentials, tails that are exact, integrals in closed form."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.errors import NotCertified
from numerics.gauss import cones, gibbs_integrals
from numerics.gauss.cones import Cone, growth
from numerics.gauss.domain import Domain
from numerics.gauss.intervals import Enclosure
from numerics.precision import ball, digits
from numerics.trapezoid.polynomial import ring

x, y, z = sp.symbols("x y z", real=True)
R, oo = sp.Rational, sp.oo
LINE, PLANE = Domain.of((x,), None), Domain.of((x, y), None)
STRIP = Domain.of((x, z), [(-oo, oo), (R(-1, 2), 2)])
# each with the signs of the slopes of its pieces
PARTS = [
    (sp.log(sp.cosh(x)), "-0+"), (sp.log(3 + sp.exp(2 * x)), "0+"), (sp.log(sp.exp(x - 1) / 7 + 2 * sp.exp(-x)), "-+"),
    (sp.sqrt(1 + x**2), "-0+"), (sp.sqrt(2 * (x - 3) ** 2 + (x + 1) ** 4 + R(1, 5)), "-0+"), (sp.exp(2 * x - 1), "0+"),
    (sp.exp(-x / 3), "-0"), (sp.cosh(x + 2), "-0+"), (x**2, "-0+"), ((3 * x - 1) ** 6, "-0+"), (sp.sin(x), "0"),
    (sp.tanh(3 * x) ** 3, "0"), (sp.log(2 * sp.exp(x) - sp.exp(x - x**2)), ""),
]  # fmt: skip


def slopes(pieces) -> set[str]:
    return {"+" if p.a[0] > 0 else "-" if p.a[0] < 0 else "0" for p in pieces}


@pytest.mark.parametrize("c", [R(1), R(5, 3), sp.pi, R(-2), -sp.sqrt(2)], ids=str)
@pytest.mark.parametrize(("part", "signs"), PARTS, ids=str)
def test_pieces_lie_below_the_term(part, signs, c):
    """At 4001 places. Of a negative multiple nothing is known, unless it is bounded."""
    places = np.linspace(-40, 40, 4001)
    f = sp.lambdify(x, c * part, "numpy")(places)
    with digits(15):
        pieces = list(cones._pieces(c, part, Enclosure(LINE)))
    assert slopes(pieces) == set(signs if c > 0 or signs == "0" else "")
    for p in pieces:
        assert np.all(float(p.a[0]) * places + float(p.b) <= f + 1e-9 * (1 + np.abs(f)))


@pytest.mark.parametrize("c", [R(2, 3), -sp.sqrt(3)], ids=str)
@pytest.mark.parametrize(
    ("part", "slope", "there"), [(x, 1, 0), (-x / 7, R(-1, 7), 0), (sp.S(5), 0, 5), (2 * x - R(1, 3), 2, R(-1, 3))]
)
def test_linear_terms_are_their_own_pieces(part, slope, there, c):
    with digits(15):
        (piece,) = cones._pieces(c, part, Enclosure(LINE))
        assert piece.a[0].overlaps(ball(c * slope)) and abs(piece.b - ball(c * there)) < 1e-8


@pytest.mark.parametrize(
    ("part", "at", "gap"),
    [
        (sp.log(sp.cosh(x)), 20, 0), (sp.log(3 + sp.exp(2 * x)), 20, 0), (sp.sqrt(1 + x**2), -30, 1 / 60), (x**2, 3, 0),
        ((x - 1) ** 4, -2, 0), (sp.exp(x), 9, 0), (sp.exp(x), 0, 0), (sp.cosh(x), 3, math.exp(-3) / 2), (sp.cosh(x), -9, 0),
    ],
    ids=str,
)  # fmt: skip
def test_pieces_touch_the_term(part, at, gap):
    with digits(15):
        pieces = list(cones._pieces(sp.S.One, part, Enclosure(LINE)))
    nearest = max(float(p.a[0]) * at + float(p.b) for p in pieces)
    assert float(part.subs(x, at)) - nearest == pytest.approx(gap, abs=3e-5 * max(1, abs(nearest)))


@pytest.mark.parametrize("c", [R(3), R(-3)], ids=str)
@pytest.mark.parametrize(
    "part", [x + z**2, sp.log(sp.exp(x - z) + 2), sp.sin(z), z * sp.exp(-z), sp.sqrt(1 + (x + z) ** 2)], ids=str
)
def test_bounded_variables_are_absorbed(part, c):
    f = sp.lambdify((x, z), c * part, "numpy")
    u, v = np.meshgrid(np.linspace(-20, 20, 201), np.linspace(-0.5, 2, 101))
    with digits(15):
        pieces = list(cones._pieces(c, part, Enclosure(STRIP)))
    assert pieces or c < 0
    for p in pieces:
        assert np.all(float(p.a[0]) * u + float(p.b) <= f(u, v) + 1e-6)


forms = st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.integers(-6, 6)).map(
    lambda c: c[0] * x + c[1] * y + R(c[2], 2)
)
shapes = st.sampled_from(
    [
        lambda g: sp.log(sp.cosh(g)),
        lambda g: sp.log(1 + sp.exp(g)),
        lambda g: sp.sqrt(1 + g**2),
        lambda g: g**2,
        lambda g: g / 5,
        sp.sin,
    ]
)
terms = st.tuples(st.integers(1, 7), shapes, forms).map(lambda c: R(c[0], 3) * c[1](c[2]))


@settings(max_examples=60, deadline=None)
@given(st.lists(terms, min_size=1, max_size=6), st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
def test_potentials_lie_above_their_cones(parts, centre):
    """At a thousand places near and far. Where a gap in the directions makes it flat, there is none."""
    V = sp.expand(sp.Add(*parts))
    with digits(15):
        cone = growth(V, Enclosure(PLANE), fmpq(0), centre, 50.0)
    rng = np.random.default_rng(0)
    s = rng.normal(size=(2, 1000)) * np.exp(rng.normal(size=1000) * 2)
    value = sp.lambdify((x, y), V, "numpy")
    if cone is None:
        return
    s0, c, b = np.array([float(arb(q)) for q in cone.centre]), float(cone.c), float(cone.b)
    with np.errstate(over="ignore"):
        found = value(*s)
    below = c * np.abs(s - s0[:, None]).sum(axis=0) - b
    finite = np.isfinite(found)
    assert c > 0 and finite.sum() > 500 and np.all(below[finite] <= found[finite] + 1e-9 * (1 + np.abs(found[finite])))
    assert np.all(cone.enclosing >= np.abs(s0) + float(arb(cone.radius)))


def test_slopes_that_vary_are_no_slopes():
    """y z with z bounded is linear in y, but not with one slope."""
    with digits(15):
        assert (
            list(cones._pieces(sp.S.One, y * z, Enclosure(Domain.of((x, y, z), [(-oo, oo), (-oo, oo), (1, 2)])))) == []
        )


def test_the_weights_of_a_term_have_the_sum_one():
    parts = ((3, sp.cosh(x)), (7, sp.sqrt(1 + x**2 + y**2)))
    with digits(15):
        terms = [list(cones._pieces(sp.S(c), part, Enclosure(PLANE))) for c, part in parts]
    weights = cones._weights(terms, (1, -1))
    assert weights is not None and len(weights) == sum(map(len, terms)) and min(weights) >= 0
    assert sum(weights[: len(terms[0])], fmpq(0)) == sum(weights[len(terms[0]) :], fmpq(0)) == 1


def test_the_slope_is_the_best_there_is():
    """|x| + |y| under log cosh: c = 1; 1/2 where √(1 + x² + y²) has to serve both; the level and the centre are in b."""
    with digits(15):
        cosh = growth(sp.log(sp.cosh(x)) + sp.log(sp.cosh(y)), Enclosure(PLANE), fmpq(3), (0.0, 0.0), 50.0)
        root = growth(sp.sqrt(1 + x**2 + y**2), Enclosure(PLANE), fmpq(0), (1.0, -2.0), 50.0)
    assert cosh is not None and root is not None
    assert float(cosh.c) == pytest.approx(1, rel=1e-5) and float(cosh.b) == pytest.approx(3 + 2 * math.log(2), rel=1e-5)
    assert float(root.c) == pytest.approx(0.5, rel=1e-5) and float(root.b) == pytest.approx(1.5, rel=1e-4)
    assert 50 < float(cosh.c) * float(arb(cosh.radius)) - float(cosh.b) < 100


@pytest.mark.parametrize("power", [0, 1, 4])
@pytest.mark.parametrize(("centre", "radius"), [(fmpq(0), fmpq(3)), (fmpq(-1, 2), fmpq(8))])
def test_the_tail_on_a_line_is_exact(power, centre, radius):
    """∫ |s|^n e^{b − c|s − s₀|} outside the box, for s₀ = 0 by the incomplete gamma function; else (|s₀| + u)^n in its place."""
    c, b = arb(3) / 2, arb(1) / 4
    with digits(20):
        cone = Cone((centre,), c, b, radius, np.array([20.0]))
        (u,) = ring(1).gens()
        found = cone.bound(u**power, [0.0])
    away, cut = abs(float(arb(centre))), float(arb(radius))
    exact = (
        2
        * mpmath.exp(0.25)
        * mpmath.quad(lambda u: (away + u) ** power * mpmath.exp(-1.5 * u), [cut, cut + 5, cut + 60])
    )
    assert float(found) == pytest.approx(float(exact), rel=1e-12)


def test_the_tail_in_the_plane_counts_the_corners_twice_and_nothing_else():
    c, cut = 3.0, 1.0
    with digits(20):
        found = float(
            Cone((fmpq(0),) * 2, arb(3), arb(0), fmpq(1), np.ones(2)).bound(ring(2).gens()[0] ** 0, [0.0] * 2)
        )
    corners = (2 / c * math.exp(-c * cut)) ** 2
    assert found == pytest.approx(2 * (2 / c) ** 2 * math.exp(-c * cut), rel=1e-12)
    assert found - corners == pytest.approx((2 / c) ** 2 * (1 - (1 - math.exp(-c * cut)) ** 2), rel=1e-12)


def of_cosh(t) -> sp.Expr:
    """∫ cosh^{−t} over the line."""
    return sp.sqrt(sp.pi) * sp.gamma(R(t) / 2) / sp.gamma(R(t + 1) / 2)


CLOSED = [
    (sp.log(sp.cosh(x)) + sp.log(sp.cosh(y)), 2, None, of_cosh(2) ** 2),
    (sp.log(sp.cosh(x - y + 3)) + sp.log(sp.cosh(x + 2 * y - 30)), 3, None, of_cosh(3) ** 2 / 3),
    (sp.sqrt(1 + x**2 + y**2), 5, None, 2 * sp.pi * sp.exp(-5) * R(6, 25)),
    (sp.log(sp.cosh(x)) + y, 4, [(-oo, oo), (0, 1)], of_cosh(4) * (1 - sp.exp(-4)) / 4),
    (sp.log(sp.cosh(x)) + y**2, 2, None, of_cosh(2) * sp.sqrt(sp.pi / 2)),
    (sp.log(1 + sp.exp(x)) - x / 3 + sp.log(1 + sp.exp(-y)) + y / 2, 3, None, 1 / R(2) * sp.gamma(R(3, 2)) ** 2 / 2),
]


@pytest.mark.parametrize(("loss", "t", "domain", "value"), CLOSED, ids=str)
def test_integrals_in_closed_form(loss, t, domain, value):
    with digits(12):
        (found,) = gibbs_integrals(loss, (1,), (x, y), t, domain=domain).unscaled()
        assert found.overlaps(ball(value)) and found.rel_accuracy_bits() > 36


def test_logistic_regression_without_a_prior():
    """Four examples that no line through 0 separates; with three of them the likelihood stays near 1 far out, and is refused."""
    examples = [-x - y / 2, x - y, y + x / 3, y - x]
    loss = sp.Add(*(sp.log(1 + sp.exp(-g)) for g in examples))
    with digits(10):
        one, mean = gibbs_integrals(loss, (1, x), (x, y), 3).unscaled()
        with pytest.raises(NotCertified, match="no proof that the potential grows"):
            gibbs_integrals(sp.Add(*(sp.log(1 + sp.exp(-g)) for g in examples[1:3])), (1,), (x, y), 3)
    u = np.linspace(-40, 40, 2001)  # the trapezoidal rule on what is analytic
    a, b = np.meshgrid(u, u)
    weights = np.exp(-3 * sum(np.logaddexp(0, -sp.lambdify((x, y), g, "numpy")(a, b)) for g in examples))
    assert float(mean.mid()) / float(one.mid()) == pytest.approx((a * weights).sum() / weights.sum(), rel=1e-8)


@pytest.mark.parametrize(
    ("V", "domain"),
    [
        (sp.log(sp.cosh(x + y)), [(-oo, oo)] * 2),  # flat along x = −y
        (sp.log(sp.cosh(x)) - y, [(-oo, oo)] * 2),
        (sp.log(sp.cosh(x)) + sp.log(1 + y**2), [(-oo, oo)] * 2),  # grows, but not linearly
        (sp.log(sp.cosh(x)) - sp.log(sp.cosh(y)) + y**2, [(-oo, oo)] * 2),  # grows, and no rule sees it
        (sp.sqrt(1 + x**2) + sp.cosh(y), [(-oo, oo), (0, oo)]),  # a half line
    ],
    ids=str,
)
def test_where_no_cone_is_found(V, domain):
    with digits(12):
        assert growth(V, Enclosure(Domain.of((x, y), domain)), fmpq(0), (0.0, 0.0), 50.0) is None

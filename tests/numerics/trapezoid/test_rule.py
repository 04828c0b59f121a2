"""The certified trapezoid rule: closed forms, honesty at doubled digits, the theorem under mutation, refusals."""

import math
import random

import numpy as np
import pytest
import sympy as sp
from flint import arb, fmpq

from numerics import certificate, enclosure, second_road, trapezoid
from numerics.errors import NotCertified
from numerics.precision import ball, digits
from numerics.problems import entry
from numerics.trapezoid import lines, rule
from theory.errors import BadInput

x, y, z = sp.symbols("x y z")
R = sp.Rational


def unscaled(result):
    return [b * (-arb(result.level)).exp() for b in result.balls]


def quartic(t):
    """∫ e^{−t x⁴} dx."""
    return 2 * sp.gamma(R(5, 4)) / R(t) ** R(1, 4)


CLOSED_FORMS = [
    (x**2 / 2, [x], 1, 1, sp.sqrt(2 * sp.pi), 60),
    (x**4, [x], 16, 1, quartic(16), 40),
    ((x - 50) ** 4, [x], 16, x, 50 * quartic(16), 30),
    (x**2 + y**4, [x, y], 1, 1, sp.sqrt(sp.pi) * quartic(1), 30),
    (x**4 + y**6, [x, y], 1, 1, quartic(1) * sp.gamma(R(1, 6)) / 3, 20),
    (x**2 + 2 * x * y + (1 + R(1, 10**8)) * y**2, [x, y], 1, 1, sp.pi * 10**4, 25),
    ((x + y) ** 4 + (x - 2 * y) ** 2, [x, y], 3, 1, quartic(3) * sp.sqrt(sp.pi / 3) / 3, 25),
    ((x + y) ** 2 / 2 + (x - y + 5) ** 2 / 2, [x, y], 100, x**2, sp.pi / 100 * (R(25, 4) + R(1, 200)), 25),
    ((x**2 + y**2 + z**2) / 2, [x, y, z], 2, x**2 * z**2, sp.pi ** R(3, 2) / 4, 15),
    (x**2 + (x + y) ** 4 + (y - z) ** 2, [x, y, z], 1, 1, sp.pi * quartic(1), 12),
]


@pytest.mark.parametrize(("loss", "variables", "t", "f", "value", "n"), CLOSED_FORMS, ids=lambda e: str(e)[:24])
def test_closed_forms(loss, variables, t, f, value, n):
    with digits(n):
        b = unscaled(trapezoid.gibbs_integrals(loss, [f], variables, t))[0]
        assert b.rel_accuracy_bits() >= math.floor(3.32 * n)
    with digits(2 * n):
        assert b.overlaps(ball(value))
        assert abs(b.mid() - ball(value)) <= b.rad()


def random_part(draw, v):
    kind = draw.choice(["flat4", "flat6", "wells", "quadratic", "cubic", "near"])
    v = v - R(draw.randint(-40, 40), 4)
    return {
        "flat4": v**4,
        "flat6": v**6 / 6 + v**2 / 50,
        "wells": (v**2 - draw.randint(1, 3)) ** 2 / 4 + v / 10,
        "quadratic": v**2 / 2,
        "cubic": v**2 / 2 + v**3 / 6 + v**4 / 12,
        "near": v**2 / draw.choice([100, 10**4, 10**8]) + v**4 / 100,
    }[kind]


def random_problem(seed):
    draw = random.Random(seed)
    d = draw.choice([1, 1, 2, 2, 2, 3])
    variables = (x, y, z)[:d]
    forms = list(variables)
    if draw.random() < 0.6:
        forms = [
            v + R(draw.randint(-4, 4), 4) * w for v, w in zip(variables, (*variables[1:], variables[0]), strict=True)
        ]
        if sp.Matrix([[form.coeff(v) for v in variables] for form in forms]).det() == 0:
            forms = list(variables)
    loss = sp.expand(sum(random_part(draw, form) for form in forms))
    return loss, variables, draw.choice([1, 10, 1000])


@pytest.mark.parametrize("seed", range(25, 55))
def test_a_ball_contains_the_ball_at_twice_the_digits(seed):
    loss, variables, t = random_problem(seed)
    n = {1: 20, 2: 14, 3: 6}[len(variables)]
    fs = [1, x, x**2]
    with digits(n):
        coarse = trapezoid.gibbs_integrals(loss, fs, variables, t)
    with digits(2 * n if n > 6 else 11):
        fine = trapezoid.gibbs_integrals(loss, fs, variables, t)
        rescale = (arb(coarse.level) - arb(fine.level)).exp()
        for wide, narrow in zip(coarse.balls, fine.balls, strict=True):
            assert wide.overlaps(narrow * rescale)
        assert coarse.balls[0].rel_accuracy_bits() >= math.floor(3.32 * n)
        if len(variables) == 1:
            other = enclosure.gibbs_integrals(loss, fs, x, t)
            rescale = (arb(fine.level) - arb(other.level)).exp()
            assert all(a.overlaps(b * rescale) for a, b in zip(fine.balls, other.balls, strict=True))


MUTANTS = [
    x**2 / 2,
    x**4,
    x**2 / 2 + x**3 / 6 + x**4 / 12,
    (x**2 - 2) ** 2 / 4,
    x**4 + x,
    x**2 + x**6 / 10,
    (x - 3) ** 2 / 2 + x**4 / 7,
    x**4 - x**2 / 2 + x / 3,
]


def misses(divisor, monkeypatch):
    """How many of the mutants' balls miss the truth when the proved masses are divided by `divisor`."""
    honest = lines.line_masses
    monkeypatch.setattr(lines, "line_masses", lambda *a: tuple(m / divisor for m in honest(*a)))
    count = 0
    for loss in MUTANTS:
        with digits(20):
            b = unscaled(trapezoid.gibbs_integrals(loss, [1], [x], 5))[0]
        with digits(40):
            truth = enclosure.gibbs_integrals(loss, [1], x, 5).unscaled()[0]
            count += not b.overlaps(truth)
    return count


def test_the_mass_bound_is_needed(monkeypatch):
    """Dividing the bound M by e⁴ makes most balls miss the truth; undivided none does: the test sees the theorem."""
    with monkeypatch.context() as patch:
        assert misses(arb(1), patch) == 0
    with monkeypatch.context() as patch:
        assert misses(arb(4).exp(), patch) >= len(MUTANTS) / 2


def test_the_tail_is_needed(monkeypatch):
    """Cutting the live region short without saying so makes balls miss the truth."""
    honest = rule._live_boxes

    def short(problem, p, tail):
        boxes = honest(problem, p, tail)
        keep = np.all(np.abs(boxes.live.centres) < 2, axis=1)
        return boxes._replace(live=boxes.live.take(keep))

    monkeypatch.setattr(rule, "_live_boxes", short)
    with digits(15):
        b = unscaled(trapezoid.gibbs_integrals(x**2 / 2, [1], [x], 1))[0]
        assert not b.overlaps(ball(sp.sqrt(2 * sp.pi)))


def test_the_certificate_tells_the_error():
    with digits(25):
        result = trapezoid.gibbs_integrals(x**2 / 2 + y**4, [1], [x, y], 3)
        c = result.certificate
        assert len(c.steps) == len(c.shifts) == len(c.masses) == len(c.line_tails) == 2
        quadrature = sum(
            2 * m / (2 * arb.pi() * arb(a) / arb(h)).expm1()
            for m, a, h in zip(c.masses, c.shifts, c.steps, strict=True)
        )
        determinant = abs(arb(c.matrix[0][0] * c.matrix[1][1] - c.matrix[0][1] * c.matrix[1][0]))
        assert quadrature * determinant < result.balls[0].rad() * arb("1.001")
        assert result.level == 0


def test_many_observables_in_one_pass():
    loss = x**2 / 2 + y**2 + x * y**2 / 3 + x**4 / 8 + y**4 / 12
    fs = [x**i * y**j for i in range(4) for j in range(4)]
    with digits(25):
        together = trapezoid.gibbs_integrals(loss, fs, [x, y], 7)
        alone = trapezoid.gibbs_integrals(loss, [x**3 * y**2], [x, y], 7)
        assert together.balls[14].overlaps(alone.balls[0])
        assert together.balls[1].contains(0)


def test_a_prior_with_a_cross_term_above_the_simplex():
    with digits(15):
        b = unscaled(
            trapezoid.gibbs_integrals(x**2 * y**2, [1], [x, y], R(1, 2), prior=sp.exp(-(x**2) / 2 - y**2 / 2))
        )[0]
        # ∫ sqrt(2π/(1+x²)) e^{−x²/2} dx = sqrt(2π) e^{1/4} K_0(1/4)
        assert b.overlaps(ball(sp.sqrt(2 * sp.pi) * sp.exp(R(1, 4)) * sp.besselk(0, R(1, 4))))


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (x**2 - y**2, "ray"),
        (x**3 + y**2, "ray"),
        ((x + y) ** 2 - x**4, "ray"),
        (x**2, "could not be proved"),
        ((1 - x * y) ** 2, "could not be proved"),
        (x**2 + sp.tanh(y) ** 2, "polynomials"),
        (x**2 + sp.sqrt(2) * y**2, "rational"),
    ],
    ids=str,
)
def test_refusals(loss, reason):
    with digits(10), pytest.raises(BadInput, match=reason):
        trapezoid.gibbs_integrals(loss, [1], [x, y], 1)


def test_a_grid_too_large_is_refused():
    with digits(20), pytest.raises(NotCertified, match="max_points"):
        trapezoid.gibbs_integrals(x**2 + y**2, [1], [x, y], 1, max_points=100)


CURVED = [
    ((y - x**2) ** 2 + x**2 / 4, (x, y), 2, sp.pi, 1),
    ((y - x**2) ** 2 + x**4 + (z - x * y) ** 2, (x, y, z), 1, sp.pi * quartic(1), 2),
    ((z - x**2 - y**2 / 3) ** 2 + (y - x**2) ** 2 + x**2 / 4, (x, y, z), 2, sp.pi * sp.sqrt(sp.pi / 2), 2),
]


@pytest.mark.parametrize(("loss", "variables", "t", "value", "shears"), CURVED, ids=lambda e: str(e)[:24])
def test_curved_valleys_are_straightened(loss, variables, t, value, shears):
    with digits(15):
        result = trapezoid.gibbs_integrals(loss, [1, x * y], variables, t)
        assert unscaled(result)[0].overlaps(ball(value))
        assert unscaled(result)[1].contains(0)
        assert len(result.certificate.shears) == shears


def test_a_certificate_with_a_shear_is_checked():
    loss = (y - x**2) ** 2 + x**2 / 4
    with digits(12):
        c = trapezoid.gibbs_integrals(loss, [y], (x, y), 2).certificate
        assert certificate.check(c, loss, (x, y), 2, f=y).overlaps(ball(sp.pi))
    (shear,) = c.shears
    for terms in ((((2, 0), fmpq(1, 2)),), (((1, 1), fmpq(1)),), ()):
        with pytest.raises(NotCertified, match="certificate fails"):
            certificate.check(c._replace(shears=(shear._replace(terms=terms),)), loss, (x, y), 2, f=y)


def test_four_variables():
    w = sp.Symbol("w")
    with digits(7):
        loss = (x**2 + y**2 + z**2 + w**2) / 2 + x * y / 2
        found = unscaled(trapezoid.gibbs_integrals(loss, [1, x * y, w**2 * z**2], (x, y, z, w), 1))
        total = 4 * sp.pi**2 * 2 / sp.sqrt(3)
        for b, mean in zip(found, (1, -R(2, 3), 1), strict=True):
            assert b.overlaps(ball(total * mean))
        with pytest.raises(NotCertified, match="max_points"):
            trapezoid.gibbs_integrals(loss, [1], (x, y, z, w), 1, max_points=1000)
    with pytest.raises(BadInput, match="1 to 4 variables"):
        trapezoid.gibbs_integrals(x**2, [1], sp.symbols("a:5"), 1)


def test_wells_far_apart_and_rotated_valleys():
    """Live cells only: two wells 2000 widths apart, and a valley of ratio 10⁴ across the axes (ill-conditioned flag)."""
    with digits(12):
        far = unscaled(trapezoid.gibbs_integrals((x**2 - 10**6) ** 2 / 10**6 + y**2, [1, x], (x, y), 1))
        line = enclosure.gibbs_integrals((x**2 - 10**6) ** 2 / 10**6, [1], x, 1).unscaled()[0]
        assert far[0].overlaps(line * ball(sp.sqrt(sp.pi)))
        u, v = (x + 2 * y) / 2, x - y
        valley = unscaled(trapezoid.gibbs_integrals(u**4 + v**2 / 10**8 + z**2, [1], (x, y, z), 1))[0]
        assert valley.overlaps(ball(sp.Rational(2, 3) * quartic(1) * 10**4 * sp.pi))


HYPERBOLAS = [
    (1 - x * y) ** 2 + x**2 + y**2,
    (x * y - 1) ** 2 + x**2 / 2 + y**2 + x**2 * y / 3,
    x**2 * y**2 + x**2 + y**2 + x**2 * y + x * y**2 / 2,
]


@pytest.mark.parametrize("loss", HYPERBOLAS, ids=str)
def test_squares_are_completed_where_the_leading_form_is_semidefinite(loss):
    """x²y² lies above the simplex of x² and y², and a part of it absorbs xy, x²y and xy²; against other quadratures."""
    with digits(12):
        c = trapezoid.gibbs_integrals(loss, [1], (x, y), 1).certificate
        claimed = c.value * (-arb(c.level)).exp()
        assert certificate.check(c, loss, (x, y), 1).overlaps(claimed)
        assert c.tail.squares
        problem = entry("hyperbola", loss, (x, y), 1, "", 9, means=((x, None),))
        assert abs(second_road.cubature(problem).ball.mid() / claimed - 1) < 1e-7
        if loss == HYPERBOLAS[-1]:  # the others take half a minute
            other = second_road.nested(problem, n=3)
            assert other.ball.overlaps(claimed)
            assert other.ball.rel_accuracy_bits() > 7
    beta, mu, share = c.tail.squares[0]
    for squares in (((beta, mu, share * 3), *c.tail.squares[1:]), ((beta, mu, -share),), ((beta, (3, 3), share),)):
        with pytest.raises(NotCertified, match="'growth'"):
            certificate.check(c._replace(tail=c.tail._replace(squares=squares)), loss, (x, y), 1)


PLANE_MUTANTS = [
    x**2 / 2 + y**2, x**4 + y**2, x**2 / 2 + x**3 / 6 + x**4 / 12 + y**4, (x**2 - 2) ** 2 / 4 + y**4 + y,
    x**4 + x + y**2 + y**6 / 10,
]  # fmt: skip


def test_the_mass_bound_is_needed_in_the_plane(monkeypatch):
    """As above for products of two variables, against the product of two certified integrals on the line."""
    honest = lines.line_masses

    def missed(divisor):
        monkeypatch.setattr(lines, "line_masses", lambda *a: tuple(m / divisor for m in honest(*a)))
        count = 0
        for loss in PLANE_MUTANTS:
            with digits(15):
                b = unscaled(trapezoid.gibbs_integrals(loss, [1], [x, y], 3))[0]
            along_x, along_y = loss.subs(y, 0), loss.subs(x, 0) - loss.subs({x: 0, y: 0})
            with digits(40):
                truth = arb(1)
                for part, v in ((along_x, x), (along_y, y)):
                    truth *= enclosure.gibbs_integrals(part, [1], v, 3).unscaled()[0]
                count += not b.overlaps(truth)
        return count

    assert missed(arb(1)) == 0
    assert missed(arb(4).exp()) > len(PLANE_MUTANTS) / 2


def test_frames_lead_from_the_grid_to_the_coordinates():
    """u = S y + shift: y itself, w − centre, w, and B w for the frame that is given and for the flag; S S⁻¹ = 1."""
    centre, matrix = [fmpq(3), fmpq(-1)], [[fmpq(2), fmpq(1)], [fmpq(0), fmpq(1, 2)]]
    given = [[1, 2], [R(1, 3), -1]]
    form = rule.from_sympy(sp.expand((x + y) ** 6 + (x - y) ** 2), (x, y)).polynomial
    frames = rule._frames(form, centre, matrix, given)
    one = [[fmpq(1), fmpq(0)], [fmpq(0), fmpq(1)]]
    for f in frames:
        product = [
            [sum((a * b for a, b in zip(row, col, strict=True)), fmpq(0)) for col in zip(*f.inverse, strict=True)]
            for row in f.matrix
        ]
        assert product == one
    assert frames[0].matrix == one and frames[0].shift == [0, 0]
    assert frames[1].matrix == frames[2].matrix == matrix and frames[1].shift == [0, 0] and frames[2].shift == centre
    assert frames[3].matrix == [[2, 2], [fmpq(2, 3), fmpq(-1, 6)]] and frames[3].shift == [0, 0]
    assert len(frames) == 5 and len(rule._frames(form, centre, matrix, None)) == 4


def test_a_frame_may_be_given():
    """The same integral with and without; a frame that is no basis helps nothing and harms nothing."""
    loss = (x + 2 * y) ** 4 + (x - y) ** 2
    with digits(12):
        plain, framed = (
            unscaled(trapezoid.gibbs_integrals(loss, [1], [x, y], 1, frame=f))[0] for f in (None, [[1, 2], [1, -1]])
        )
        assert plain.overlaps(ball(quartic(1) * sp.sqrt(sp.pi) / 3)) and framed.overlaps(plain)


@pytest.mark.parametrize("loss", [x**2 - y**4, -x + y**2, x**4 + y**4 - 5 * x**2 * y**2, x**3 + y**4], ids=str)
def test_the_ray_that_is_named_falls(loss):
    """The top coefficient along it is negative, by sympy."""
    with digits(10), pytest.raises(BadInput, match="along the ray") as told:
        trapezoid.gibbs_integrals(loss, [1], [x, y], 1)
    found = str(told.value).split("along the ray (")[1].split(")")[0]
    a, b = map(int, found.split(","))
    s = sp.Symbol("s", positive=True)
    assert sp.Poly(loss.subs({x: a * s, y: b * s}, simultaneous=True), s).LC() < 0


def test_levels_centres_and_determinants_are_those_of_the_problem():
    """(x − 1000)² + (y + 3)²/100 + 77: the centre near the minimum, the level near 77t, the axes √(1/2t) and √(50/t) long."""
    with digits(10):
        c = trapezoid.gibbs_integrals((x - 1000) ** 2 + (y + 3) ** 2 / 100 + 77, [1], [x, y], 2).certificate
    assert abs(float(arb(c.centre[0])) - 1000) < 0.05 and abs(float(arb(c.centre[1])) + 3) < 0.5
    assert abs(float(arb(c.level)) - 154) < 0.1
    assert c.determinant == abs(c.matrix[0][0] * c.matrix[1][1] - c.matrix[0][1] * c.matrix[1][0])
    assert 0.5 <= abs(float(arb(c.matrix[0][0]))) < 0.6 and 5 <= abs(float(arb(c.matrix[1][1]))) < 6

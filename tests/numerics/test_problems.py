"""The table of problems: closed forms, second roads, honesty at doubled digits, and what must be refused."""

import random

import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import enclosure, problems, second_road, trapezoid
from numerics.errors import NotCertified
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from numerics.problems import MAY_LIE, MAY_REFUSE, TABLE, select
from theory.errors import BadInput

x, y, z = sp.symbols("x y z")
R = sp.Rational
NAMES = [problem.name for problem in TABLE]
PLANE = [problem for problem in select(dimension=2) if problem.name not in MAY_REFUSE]
LINE = select(dimension=1)
SLOW_NESTED = {"two wells and a sheared line", "oblique valley", "cross term with gaussian prior"}
WANTED = {1: 30, 2: 20, 3: 6}


def posterior_of(problem, n):
    return Posterior(problem.loss, problem.variables, problem.t, prior=problem.prior, digits=n)


def test_the_table_is_well_formed():
    assert len(set(NAMES)) == len(NAMES) >= 20
    assert set(NAMES) >= MAY_REFUSE | MAY_LIE
    for problem in TABLE:
        assert len(problem.box) == len(problem.variables)
        assert all(low < high for low, high in problem.box)
        assert problem.means
        assert problem.observables == tuple(phi for phi, _ in problem.means)
    assert {p.name for p in TABLE if p.partition is None} == {"tilted wells", "cubic terms"}


def test_no_enclosure_may_lie():
    assert frozenset() == MAY_LIE


def test_selection_by_tags():
    assert {p.name for p in select("double well", "steep")} == {"two steep wells"}
    assert {p.name for p in select(dimension=3)} == {"gaussian in space", "one flat direction", "two quartics"}
    assert select() == TABLE
    hard = [
        "steep",
        "flat",
        "double well",
        "shifted",
        "degenerate",
        "nearly degenerate",
        "rotated valley",
        "non-polynomial",
    ]
    assert all(select(tag) for tag in hard)
    with pytest.raises(BadInput, match="the tags are"):
        select("impossible")


@pytest.mark.parametrize("problem", TABLE, ids=NAMES)
def test_closed_forms_lie_in_the_balls(problem):
    n = WANTED[len(problem.variables)]
    posterior = posterior_of(problem, n)
    try:
        means = dict(zip(problem.observables, posterior.expectations(problem.observables), strict=True))
        partition = posterior.partition()
    except NotCertified:
        assert problem.name in MAY_REFUSE
        return
    with digits(2 * n + 20):
        assert problem.partition is None or partition.overlaps(ball(problem.partition))
        assert partition.rel_accuracy_bits() >= 3.32 * n
        for phi, value in problem.means:
            assert value is None or means[phi].overlaps(ball(value))


@pytest.mark.parametrize("problem", [p for p in LINE if p.polynomial], ids=lambda p: p.name)
def test_the_trapezoid_rule_agrees_on_the_line(problem):
    """`acb.integral` behind the posterior, the trapezoid rule as the second road: both proved."""
    posterior = posterior_of(problem, 25)
    for f in (sp.S.One, *problem.observables):
        other = second_road.line(problem, f, 25)
        assert other.proved
        with digits(60):
            mean = posterior.expectation(f) * posterior.partition()
            assert other.ball.overlaps(mean)


@pytest.mark.parametrize("problem", LINE, ids=lambda p: p.name)
def test_unproved_roads_agree_on_the_line(problem):
    for f in (sp.S.One, *problem.observables):
        posterior = posterior_of(problem, 20)
        exact = posterior.expectation(f) * posterior.partition()
        scale = float(abs(posterior.partition())) * (1 + abs(float(posterior.expectation(f))))
        for other, tolerance in ((second_road.panels(problem, f, 15), 1e-14), (second_road.cubature(problem, f), 1e-8)):
            assert not other.proved
            assert abs(float(other.ball.mid()) - float(exact)) < tolerance * scale


@pytest.mark.parametrize("problem", [p for p in PLANE if p.name not in SLOW_NESTED], ids=lambda p: p.name)
def test_nested_quadrature_agrees_in_the_plane(problem):
    other = second_road.nested(problem, n=4)
    partition = posterior_of(problem, 15).partition()
    assert other.proved
    with digits(30):
        assert other.ball.overlaps(partition)
        assert other.ball.rel_accuracy_bits() > 10


@pytest.mark.slow
@pytest.mark.parametrize("problem", PLANE, ids=lambda p: p.name)
def test_nested_quadrature_of_the_means(problem):
    posterior = posterior_of(problem, 20)
    for f in (sp.S.One, *problem.observables):
        with digits(40):
            assert second_road.nested(problem, f, 7).ball.overlaps(posterior.expectation(f) * posterior.partition())


@pytest.mark.parametrize("problem", select(dimension=2), ids=lambda p: p.name)
def test_cubature_agrees_in_the_plane(problem):
    """Also where the posterior refuses: there the closed form is the other road."""
    other = second_road.cubature(problem, accuracy=1e-8)
    exact = (
        float(ball(problem.partition)) if problem.name in MAY_REFUSE else float(posterior_of(problem, 15).partition())
    )
    assert abs(float(other.ball.mid()) / exact - 1) < 1e-6
    assert not other.proved


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gaussian in space", "two quartics"])
def test_cubature_agrees_in_space(name):
    problem = next(p for p in TABLE if p.name == name)
    other = second_road.cubature(problem, accuracy=1e-5)
    assert abs(float(other.ball.mid()) / float(second_road.closed(problem).ball) - 1) < 1e-4


def test_roads_refuse_what_they_are_not_for():
    plane, line = select(dimension=2)[0], select(dimension=1)[0]
    for road, problem in [(second_road.line, plane), (second_road.nested, line), (second_road.panels, plane)]:
        with pytest.raises(BadInput, match="is for d in"):
            road(problem)
    with pytest.raises(BadInput, match="no closed form"):
        second_road.closed(line, x**8)


# --- honesty: the ball at n digits contains the ball at 2n digits ------------------------------------------------------


def random_part(draw, v):
    v = v - R(draw.randint(-120, 120), 8)
    return {
        "flat4": v**4 / draw.choice([1, 100]),
        "flat6": v**6 / 6 + v**2 / 50,
        "wells": (v**2 - R(draw.randint(2, 7), 2)) ** 2 / 4 + v / draw.randint(7, 30),
        "steep": v**2 * draw.choice([50, 10**4]),
        "broad": v**2 / draw.choice([10, 10**4]),
        "cubic": v**2 / 2 + v**3 / 6 + v**4 / 12,
        "near": v**2 / draw.choice([100, 10**4, 10**8]) + v**4 / 100,
    }[draw.choice(["flat4", "flat6", "wells", "steep", "broad", "cubic", "near"])]


def random_posterior(seed, d):
    """(loss, variables, t): parts along the coordinates or sheared ones, weakly coupled now and then."""
    draw = random.Random(seed)
    variables = (x, y, z)[:d]
    forms = list(variables)
    if draw.random() < 0.6:
        for i in range(d - 1):
            forms[i] = forms[i] + R(draw.randint(-4, 4), 4) * forms[i + 1]
    loss = sum((random_part(draw, form) for form in forms), sp.S.Zero)
    if d > 1 and draw.random() < 0.4:
        loss += (forms[0] - forms[1]) ** 2 / draw.randint(2, 9)
    return sp.expand(loss), variables, draw.choice([R(1, 2), R(1), R(10), R(1000)])


def both_roads(loss, variables, t, n):
    """All certified integrals of 1, x, x² at n digits, on the same scale: the trapezoid rule's, and for d = 1 acb's."""
    fs = [1, x, x**2]
    with digits(n):
        result = trapezoid.gibbs_integrals(
            loss, fs, variables, t, max_points=10**6 if len(variables) == 3 else 4 * 10**7
        )
        scale = (-arb(result.level)).exp()
        roads = [[b * scale for b in result.balls]]
        if len(variables) == 1:
            roads.append(list(enclosure.gibbs_integrals(loss, fs, x, t).unscaled()))
    return roads


def assert_honest(seed, d, n):
    """A ball b ± r contains the finer ball up to that one's own radius: |b − b'| ≤ r + r', with r' ≪ r."""
    loss, variables, t = random_posterior(seed, d)
    coarse, fine = both_roads(loss, variables, t, n), both_roads(loss, variables, t, 2 * n)
    with digits(4 * n):
        for road in coarse:
            for reference in fine:
                for wide, narrow in zip(road, reference, strict=True):
                    assert wide.overlaps(narrow)
                    assert narrow.rad() < wide.rad() / 10**3
        for road in coarse:
            assert road[0].rel_accuracy_bits() >= 3.32 * n


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_balls_on_the_line_are_honest(seed):
    assert_honest(seed, 1, 20)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**9))
def test_balls_in_the_plane_are_honest(seed):
    assert_honest(seed, 2, 10)


@pytest.mark.slow
@pytest.mark.parametrize(("d", "count", "n"), [(1, 220, 25), (2, 220, 12)])
def test_hundreds_of_balls_are_honest(d, count, n):
    """One and two variables; three are in `test_honesty`."""
    for seed in range(count):
        assert_honest(10**6 + seed, d, n)


# --- a clear error, never a number -------------------------------------------------------------------------------------

REFUSED = {
    "falls without bound, d = 1": (lambda: Posterior(-(x**4), x, 1), "diverges"),
    "odd degree, d = 1": (lambda: Posterior(x**3, x, 1), "diverges"),
    "constant, d = 1": (lambda: Posterior(0, x, 1), "confines"),
    "bounded potential": (lambda: Posterior(sp.tanh(x) ** 2, x, 1), "could not be bounded"),
    "grows on one side only": (lambda: Posterior(sp.exp(x), x, 1), "could not be bounded"),
    "logarithm too slow": (lambda: Posterior(sp.log(1 + x**2) / 2, x, 1), "could not be bounded"),
    "prior beats loss": (lambda: Posterior(x**2, x, 1, prior=sp.exp(2 * x**2)), "diverges"),
    "saddle": (lambda: Posterior(x**2 - y**2, (x, y), 1), "ray"),
    "flat line": (lambda: Posterior((x - y) ** 2, (x, y), 1), "could not be proved"),
    "flat axes": (lambda: Posterior(x**2 * y**2, (x, y), 1), "could not be proved"),
    "flat hyperbola": (lambda: Posterior((1 - x * y) ** 2, (x, y), 1), "could not be proved"),
    "hidden descent": (lambda: Posterior((x + y) ** 2 - x**4, (x, y), 1), "ray"),
    "flat line in space": (lambda: Posterior(x**2 + (y - z) ** 2, (x, y, z), 1), "could not be proved"),
    "pole": (lambda: Posterior(x**2, x, 1, prior=1 / x**2), "non-zero"),
    "pole inside": (lambda: Posterior(x**2, x, 1, prior=1 / (x - 1)), "non-zero"),
    "imaginary": (lambda: Posterior(x**2 + sp.I * x, x, 1), "imaginary"),
    "imaginary observable": (lambda: Posterior(x**2, x, 1, prior=sp.exp(sp.I * x)), "imaginary"),
    "negative under a root": (lambda: Posterior(x**2, x, 1, prior=sp.sqrt(x)), "positive"),
    "logarithm of a negative": (lambda: Posterior(x**2 + sp.log(x), x, 1), "positive"),
    "kink": (lambda: Posterior(sp.Abs(x), x, 1), "analytic"),
    "kink in the plane": (lambda: Posterior(x**2 + sp.Abs(y), (x, y), 1), "analytic"),
    "step": (lambda: Posterior(x**2, x, 1, prior=sp.Heaviside(x)), "analytic"),
    "piecewise": (lambda: Posterior(sp.Piecewise((x**2, x > 0), (x**4, True)), x, 1), "analytic"),
    "maximum": (lambda: Posterior(sp.Max(x, 0) ** 2 + x**2, x, 1), "analytic"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_clear_error_and_never_a_number(name):
    build, reason = REFUSED[name]
    with pytest.raises(BadInput, match=reason) as caught:
        build().partition()
    assert len(str(caught.value)) > 30


def test_the_formulas_of_the_table_are_formulas():
    """single_well and double_well at another c, against the certified integral."""
    for c in (R(1, 2), R(3)):
        with digits(30):
            assert enclosure.integral(sp.exp(-(x**4) - 2 * c * x**2), x).overlaps(ball(problems.single_well(c)))
            assert enclosure.integral(sp.exp(-(x**4) + 2 * c * x**2), x).overlaps(ball(problems.double_well(c)))
            assert enclosure.integral(sp.exp(-3 * x**6), x).overlaps(ball(problems.pure_power(6, 3)))

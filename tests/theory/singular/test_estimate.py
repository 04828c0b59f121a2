"""The radius of the series: its parts by the formulas of the module, the sum against the exact coefficients."""

import pytest
import sympy as sp
from flint import arb

from theory.singular import estimate, partition
from theory.zeta.precision import digits

x, y = sp.symbols("x y", real=True)
Z = partition(x**2 * y**2 * (1 + x + y), (x, y), poles_up_to=sp.Rational(5, 2))
((_, ((CHART,),)),) = Z.integral.summands


@pytest.fixture
def series() -> estimate._Series:
    """At t = 10⁴."""
    return estimate._Series([CHART], arb(10) ** 4, 6, 6)


def test_the_cut_has_the_radius_of_the_formula(series) -> None:
    """2 (max_{j≤k} |B_j| t^{−(k−j+1)/2} + |B_{k+1}|), once that is below what is wanted."""
    k, radius = series.cut(CHART, arb(10) ** -6)
    sizes = [series._block(CHART, series._inside(CHART, n))[1] for n in range(k + 1)]
    expected = 2 * (max((sizes[j] / arb(100) ** (k - j) for j in range(k)), key=arb.mid) + sizes[k])
    assert k > 1 and abs(radius / expected - 1) < 1e-10


def test_the_sum_and_what_the_last_coefficients_change(series) -> None:
    """Four blocks are the terms up to t^{−5/2}; four times the change of the interpolants is in the radius."""
    found = series.sum(CHART, 4)
    exact = estimate.ball(Z.series(sp.Integer(10) ** 4))
    assert abs(found.mid() - exact) < found.rad()
    blocks = [series._block(CHART, series._inside(CHART, n))[0] for n in range(4)]
    change = abs(sum((b.value - b.rough for b in blocks), arb(0)).mid())
    assert found.rad() >= 4 * change > 0


def test_a_series_that_has_the_digits_is_left_as_it_is(monkeypatch) -> None:
    """At t = 10⁶ nothing is left to the line; along it the integral is the same."""
    t = sp.Integer(10) ** 6
    line = estimate.inverted({CHART: arb.nan()}, t, 8)[CHART]

    def nothing_left(near, *_):
        assert not near
        return {}

    monkeypatch.setattr(estimate, "inverted", nothing_left)
    found = estimate.estimates([CHART], t)[CHART]
    assert abs(line.mid() - found.mid()) <= line.rad() + found.rad()
    assert line.rad() < 1e-6 * abs(found)


@pytest.mark.parametrize("budget", [2500, 1800, 1])
def test_a_series_that_costs_too_much_is_made_coarser(budget, monkeypatch) -> None:
    """At t = 10⁶ and 12 digits: a digit less at a time until it is affordable, 6 digits at least; the radius holds still."""
    t, made, plain = sp.Integer(10) ** 6, [], estimate._Series
    with digits(20):
        exact = estimate.inverted({CHART: arb.nan()}, t, 18)[CHART]

    class Watched(plain):
        def __init__(self, charts, tau, wanted, *lengths):
            super().__init__(charts, tau, wanted, *lengths)
            made.append((wanted, self.work()))

    monkeypatch.setattr(estimate, "_Series", Watched)
    monkeypatch.setattr(estimate, "affordable", lambda _: budget)
    monkeypatch.setattr(estimate, "inverted", lambda *_: {})
    with digits(12):
        found = estimate.estimates([CHART], t)[CHART]
    last = next(k for k, (wanted, work) in enumerate(made) if work <= budget or wanted == 6)
    assert last > 0 and [wanted for wanted, _ in made[: last + 1]] == list(range(12, 11 - last, -1))
    assert min(wanted for wanted, _ in made) == max(6, 12 - last)
    assert abs(found.mid() - exact) <= found.rad() < 1e-3 * found


def test_a_longer_series_that_costs_too_much_is_left_to_the_line(monkeypatch) -> None:
    """At t = 10³ more than seven blocks would be needed: the shorter series is what there is, with a radius that holds."""
    t, asked = sp.Integer(10) ** 3, []
    exact = estimate.inverted({CHART: arb.nan()}, t, 12)[CHART]

    def line(near, *_):
        asked.append(dict(near))
        return {}

    monkeypatch.setattr(estimate, "affordable", lambda _: 2000)
    monkeypatch.setattr(estimate, "inverted", line)
    with digits(6):
        found = estimate.estimates([CHART], t)[CHART]
    assert [list(near) for near in asked] == [[CHART]] and asked[0][CHART].overlaps(found)
    assert abs(found.mid() - exact) <= found.rad() < 1e-2 * found


def cut_as_told(monkeypatch, t: sp.Rational, cut, value: int | arb = 7) -> tuple[arb, dict]:
    """What `estimates` finds, and what it leaves to the line, where a series gives this cut and this sum."""
    left: dict = {}
    monkeypatch.setattr(estimate._Series, "cut", lambda *_: cut)
    monkeypatch.setattr(estimate._Series, "sum", lambda *_: arb(value))
    monkeypatch.setattr(estimate, "inverted", lambda near, *_: left.update(near) or {})
    with digits(6):
        return estimate.estimates([CHART], t)[CHART], left


@pytest.mark.parametrize("t", [16, 20])
@pytest.mark.parametrize("own", [0, 30])
def test_the_far_faces_are_in_the_radius(t, own, monkeypatch) -> None:
    """u ≥ 1 and λ = ½: e^{−t} √t of the value, beside the radius of the series, here so many times t·e^{−t}."""
    radius = own * t * (-arb(t)).exp()
    found, _ = cut_as_told(monkeypatch, sp.Integer(t), (3, radius))
    expected = radius + 7 * (-arb(t)).exp() * arb(t).sqrt()
    assert found.mid() == 7 and abs(found.rad() / expected - 1) < 1e-6


@pytest.mark.parametrize(("share", "good"), [(99, True), (101, False)])
def test_a_hundred_times_the_wanted_radius_is_good_enough(share, good, monkeypatch) -> None:
    """6 digits of 7 and of 1/7; e^{−1000} for the far faces."""
    for value in (arb(7), arb(1) / 7):
        found, left = cut_as_told(monkeypatch, sp.Integer(1000), (3, share * value / 10**6), value)
        assert (left == {}) is good and found.contains(value)


def test_where_no_cut_was_met_the_line_is_all_there_is(monkeypatch) -> None:
    found, left = cut_as_told(monkeypatch, sp.Integer(1000), 0)
    assert not found.is_finite() and list(left) == [CHART]


def test_what_is_good_enough_is_not_left_to_the_line_when_more_would_cost_too_much(monkeypatch) -> None:
    """A longer series is asked for, and nothing may be spent: a cut of radius 0 stays, one of radius 1 goes to the line."""

    def longer(radius):
        def cut(series, c, _):
            series.best[c] = 3, arb(radius)
            return estimate.BLOCKS

        return cut

    monkeypatch.setattr(estimate, "affordable", lambda _: 0)
    for radius, good in ((0, True), (1, False)):
        left: dict = {}
        monkeypatch.setattr(estimate._Series, "cut", longer(radius))
        monkeypatch.setattr(estimate._Series, "sum", lambda *_: arb(7))
        monkeypatch.setattr(estimate, "inverted", lambda near, *_, left=left: left.update(near) or {})
        with digits(6):
            found = estimate.estimates([CHART], sp.Integer(1000))[CHART]
        assert (left == {}) is good and found.overlaps(arb(7, radius))

"""Estimated exponents and log powers: sequences with known blocks, crossings with known poles, honest refusals."""

from fractions import Fraction
from itertools import product

import pytest
import sympy as sp
from flint import acb, arb
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import exponents as exponents_module
from numerics.exponents import _corners, estimated_coefficients, exponents
from numerics.posterior import Posterior
from numerics.precision import ball, digits, rational
from theory.errors import BadInput
from theory.singular import partition

x, y = sp.symbols("x y")
R = sp.Rational


def holds(block, exponent):
    with digits(100):
        return block.ball.contains(arb(rational(exponent)))


def series(blocks, t, n=60):
    """Σ t^{−λ} Σ_k c_k (log t)^k for blocks (λ, [c_0, c_1, …])."""
    with digits(n):
        T = arb(rational(t))
        L = T.log()
        return sum(
            (T ** -arb(rational(lam)) * sum((ball(c) * L**k for k, c in enumerate(cs)), arb(0)) for lam, cs in blocks),
            arb(0),
        )


@st.composite
def block_lists(draw):
    gaps = draw(st.lists(st.sampled_from([R(1, 3), R(1, 2), R(2, 3), R(1)]), min_size=2, max_size=3))
    lam, found = draw(st.sampled_from([R(1, 4), R(1, 2), R(5, 6)])), []
    for gap in gaps:
        logs = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3 if not found else 2))
        found.append((lam, [R(c * draw(st.sampled_from([1, -1])), 3) for c in logs]))
        lam += gap
    return found


@settings(max_examples=25, deadline=None)
@given(block_lists())
def test_blocks_of_a_finite_sum_are_found(blocks):
    found = exponents(lambda t: series(blocks, t), count=1, ratio=16, max_rungs=25)
    assert found[0].multiplicity == len(blocks[0][1])
    assert found[0].guess == Fraction(int(blocks[0][0].p), int(blocks[0][0].q))
    assert holds(found[0], blocks[0][0])


@pytest.mark.parametrize("a", [1, 2, 3, 4])
def test_normal_crossings_from_certified_integrals(a):
    """K = x^{2a} y² with a Gaussian prior: ∫dy is 1/√(1 + 2t x^{2a}). The poles up to 1 by the closed form of `theory.singular`."""
    exact = partition(x ** (2 * a) * y**2, (x, y), domain="gaussian", poles_up_to=1)

    def value(t):
        return Posterior(x**2 / 2, x, 1, prior=1 / sp.sqrt(1 + 2 * t * x ** (2 * a)), digits=60).partition()

    found = exponents(value, count=len(exact.terms), ratio=16, max_rungs=19)
    assert len(found) >= min(2, len(exact.terms))
    for block, term in zip(found, exact.terms, strict=False):
        assert holds(block, term.power)
        assert block.multiplicity == term.multiplicity
    assert found[0].guess == Fraction(int(exact.threshold.p), int(exact.threshold.q))


def test_a_regular_model_has_no_logarithm():

    def regular(t):
        return Posterior(x**2 / 2 + x**3 / 6 + x**4 / 12, x, t, digits=60).partition()

    first, second = exponents(regular, count=2)
    assert (first.guess, first.multiplicity) == (Fraction(1, 2), 1)
    assert (second.guess, second.multiplicity) == (Fraction(3, 2), 1)


def test_a_dense_spectrum_is_not_overstated():
    """Poles a sixth apart, all with logarithms: what is reported holds the truth, and what is not resolved is not reported."""
    blocks = [(R(1, 3), [5, -1, 2]), (R(1, 2), [1, 1]), *((R(1, 2) + R(k, 6), [1, k]) for k in range(1, 30))]
    truth = [lam for lam, _ in blocks]
    for ratio in (2, 4, 8, 16, 64):
        found = exponents(lambda t: series(blocks, t, 80), count=3, ratio=ratio, max_rungs=25)
        for block, lam, (_, logs) in zip(found, truth, blocks, strict=False):
            assert holds(block, lam)
            assert block.multiplicity == len(logs)


def test_coefficients_of_estimated_terms():
    blocks = [(R(1, 2), [3, 2]), (R(3, 2), [-1]), (R(5, 2), [4])]
    table = {2**10 * 16**j: series(blocks, 2**10 * 16**j) for j in range(13)}
    found, coefficients = estimated_coefficients(table, order=1)
    assert [(e.guess, e.multiplicity) for e in found[:2]] == [(Fraction(1, 2), 2), (Fraction(3, 2), 1)]
    assert coefficients[0].ball.overlaps(arb(2))
    assert coefficients[1].ball.overlaps(arb(3))
    assert not coefficients[0].ball.overlaps(arb(3))


def test_no_corner_of_the_radii_moves_a_positive_root_further():
    """(x − ½)(x − ¼) with radii 10⁻⁶: to first order a root moves by |δP|/|P′|, and all four corners stay within the two."""
    polynomial = [arb(c, 1e-6) for c in (0.125, -0.75)]

    def roots(a):
        middle, wide = -a[1] / 2, ((a[1] / 2) ** 2 - a[0]).sqrt()
        return middle - wide, middle + wide

    centre, *two = (roots(corner) for corner in _corners(polynomial))
    for k, expected in enumerate((1e-6 * (1 + 0.25) / 0.25, 1e-6 * (1 + 0.5) / 0.25)):
        moved = max(abs(found[k] - centre[k]) for found in two)
        assert abs(moved / expected - 1) < 1e-4
        assert (two[0][k] - centre[k]) * (two[1][k] - centre[k]) < 0
        for signs in product((-1, 1), repeat=2):
            corner = roots([a.mid() + s * arb(a.rad()) for a, s in zip(polynomial, signs, strict=True)])
            assert abs(corner[k] - centre[k]) < moved * (1 + arb("1e-4"))


@pytest.mark.parametrize(("drift", "told"), [("0.0002", True), ("0.0003", True), ("0.00037", False), ("0.0006", False)])
def test_an_exponent_is_told_where_its_error_is_less_than_a_hundredth(drift: str, told: bool) -> None:
    """4^{−j/2} with radii that hide a second block; the last two values are exact and fall with λ = ½ + drift, so that the estimate
    changes by the drift (and some 10⁻⁹ for the balls of the roots) where the ladder ends earlier: 30 times that is the error.
    """
    with digits(40):
        values = [arb(4) ** (-arb(j) / 2 - (arb(drift) if j == 8 else 0)) for j in range(9)]
        table = {4**j: v * (1 + arb(0, "1e-12") if j < 7 else 1) for j, v in enumerate(values)}
    if not told:
        with pytest.raises(BadInput, match="no exponent could be resolved"):
            exponents(table)
        return
    (found,) = exponents(table)
    assert float(found.ball.rad()) == pytest.approx(30 * float(drift), abs=1e-7)
    assert abs(float(found.ball.mid()) - 0.5 - float(drift)) < 1e-8


def test_wide_balls_give_no_guess():
    table = {2**10 * 4**j: series([(R(1, 2), [1, 1]), (R(1), [1])], 2**10 * 4**j) for j in range(9)}
    wide = {t: v + arb(0, float(abs(v)) * 1e-3) for t, v in table.items()}
    with pytest.raises(BadInput, match="no exponent could be resolved"):
        exponents(wide)


@pytest.mark.parametrize(
    ("ladder", "reason"),
    [
        ({2: 1, 4: 1}, "at least 7 rungs"),
        (dict.fromkeys(range(2, 12), 1), "geometric"),
        (dict.fromkeys(range(9), 1), "geometric"),
        ({-(2**k): 1 for k in range(9)}, "geometric"),
        ({2**k: float("nan") for k in range(8)}, "finite"),
    ],
)
def test_refusals(ladder, reason):
    with pytest.raises(BadInput, match=reason):
        exponents({t: arb(v) for t, v in ladder.items()})


def test_no_more_blocks_are_told_than_there_are() -> None:
    """3 t^{−1/2} alone: one block however many are asked for, and its terms are one power without a logarithm."""
    found = exponents(lambda t: series([(R(1, 2), [3])], t), count=4, max_rungs=9)
    assert [(block.guess, block.multiplicity) for block in found] == [(Fraction(1, 2), 1)]
    assert found[0].terms == [(Fraction(1, 2), 0)]


def test_terms_count_the_logarithms_down_and_need_a_guess() -> None:
    block = exponents(lambda t: series([(R(2, 3), [1, -2, 5])], t), max_rungs=9)[0]
    assert block.terms == [(Fraction(2, 3), 2), (Fraction(2, 3), 1), (Fraction(2, 3), 0)]
    with pytest.raises(BadInput, match="has no rational guess"):
        _ = block._replace(guess=None).terms


@settings(max_examples=30, deadline=None)
@given(st.fractions(-3, 3, max_denominator=40), st.fractions(Fraction(1, 10**4), Fraction(1, 3), max_denominator=10**4))
def test_the_simplest_fraction_of_an_interval(middle, half) -> None:
    """The least denominator of all fractions in [middle − half, middle + half], found by trying them in turn."""
    low, high = middle - half, middle + half
    q = next(q for q in range(1, 10**5) if -(-low * q // 1) <= high * q)
    found = exponents_module._between(low, high)
    assert low <= found <= high and found.denominator == q


def test_a_guess_is_a_hit_rarer_than_one_in_a_thousand() -> None:
    """A ball of width w holds a fraction of denominator q with odds of about w q²."""
    with digits(30):
        for q, width, told in ((1, "0.0004", True), (1, "0.0006", False), (3, "5e-5", True), (3, "6e-5", False)):
            ball_ = arb(1) / q + arb(0, arb(width))
            assert (exponents_module._simplest(ball_) == Fraction(1, q)) is told


def test_exact_values_have_double_roots_that_cannot_be_isolated() -> None:
    """2^{−j} (1 + j) at t = 4^j is t^{−1/2} (1 + log₄ t) exactly: the system of two blocks has the root ½ twice."""
    found = exponents({4**j: arb(2) ** -j * (1 + j) for j in range(5, 18)}, count=2)
    assert [(block.guess, block.multiplicity) for block in found] == [(Fraction(1, 2), 2)]


@pytest.mark.parametrize(
    ("outside", "error", "apart"),
    [
        (0.95, 1e-3, True),  # the members are within 0.1 of the mean, the root outside is 0.45 from it
        (0.85, 1e-3, False),  # 0.35, not four times as far
        (0.05, 1e-3, True),
        (0.15, 1e-3, False),
        (0.95, 0.46, False),  # nearer than the error
        (0.95, 1e-9, False),  # a threefold root that is moved by 10⁻⁹ splits by about 10⁻³
    ],
)
def test_a_cluster_stands_apart_from_the_other_roots(outside: float, error: float, apart: bool) -> None:
    """Farther from the mean than the error, and four times as far as the farthest member, on either side."""
    cluster = [acb(0.4), acb(0.5, 0.05), acb(0.6)]
    table = [acb(outside), *cluster] if outside < 0.4 else [*cluster, acb(outside)]
    assert exponents_module._apart(table, int(outside < 0.4), 3, error) is apart


def test_rungs_are_asked_for_in_turn_until_the_digits_are_there() -> None:
    """At start·ratio^j, each once; more digits take more rungs; a table of the same rungs gives no less; few rungs are the end."""
    blocks = [(R(1, 2), [3, 1]), (R(1), [-2]), (R(3, 2), [1]), (R(2), [5]), (R(5, 2), [1]), (R(3), [2]), (R(7, 2), [1])]
    seen: list[int] = []

    def value(t: int) -> arb:
        seen.append(t)
        return series(blocks, t, 80)

    counts = []
    for wanted in (2, 6):
        seen.clear()
        found = exponents(value, start=16, ratio=8, target_digits=wanted)
        assert holds(found[0], R(1, 2)) and found[0].ball.rad() < arb(10) ** -wanted and found[0].multiplicity == 2
        assert seen == [16 * 8**j for j in range(len(seen))] and len(seen) % 2 == 1
        counts.append(len(seen))
        table: dict[int | Fraction, arb] = {t: series(blocks, t, 80) for t in seen}
        assert holds(exponents(table)[0], R(1, 2))
    assert counts[0] < counts[1]
    for most in (counts[1], counts[1] + 3):
        seen.clear()
        exponents(value, start=16, ratio=8, target_digits=60, max_rungs=most)
        assert len(seen) == most


def test_a_ladder_may_be_given_in_any_order_and_must_rise() -> None:
    blocks = [(R(1, 2), [3]), (R(3, 2), [1])]
    table: dict[int | Fraction, arb] = {Fraction(2**j, 3): series(blocks, R(2**j, 3)) for j in range(14, 3, -1)}
    assert exponents(table)[0].guess == Fraction(1, 2)
    for places in ([2, 4, 8, 16, 32, 64, 129], [1, 2, 4, 8, 16, 32]):
        with pytest.raises(BadInput, match=r"geometric|at least 7 rungs"):
            exponents({t: arb(1) for t in places})


def test_a_double_root_splits_like_the_root_of_its_error() -> None:
    """0.4 and 0.6 are one double root if the error is about 0.01, and two roots if it is 10⁻⁶; a single root is always whole."""
    pair = [acb(0.4), acb(0.6)]
    assert exponents_module._apart(pair, 0, 2, 1e-2) and not exponents_module._apart(pair, 0, 2, 1e-6)
    assert exponents_module._apart(pair, 0, 1, 1e-6) and exponents_module._apart(pair, 1, 1, 1e-6)


def test_a_value_that_is_zero_ends_the_search() -> None:
    """t^{−1/2} − 2^{18}/t vanishes at t = 4^{18}: as the last but one it makes the system of one block singular; elsewhere it is a
    value like the others.
    """
    blocks = [(R(1, 2), [1]), (R(1), [-(2**18)])]
    for last in (18, 19, 20):
        table: dict[int | Fraction, arb] = {4**j: series(blocks, 4**j) for j in range(8, last + 1)}
        if last == 19:
            with pytest.raises(BadInput, match="no exponent could be resolved from 12 rungs"):
                exponents(table, count=2)
        else:
            assert [block.guess for block in exponents(table, count=2)] == [Fraction(1, 2), 1]

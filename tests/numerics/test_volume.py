"""Volumes: the expansion from ζ against brackets by boxes, against exact slices and against elementary areas."""

import math

import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import volume, zeta
from numerics.errors import NotCertified
from numerics.precision import agreeing_digits, ball, digits, rational
from numerics.zeta.charts import Gaussian, chart, orthants
from numerics.zeta.resolution import polynomial
from theory.errors import BadInput

R = sp.Rational
x, y, z = sp.symbols("x y z")
QUICK = settings(max_examples=15, deadline=None)

PROBLEMS = {
    "line": (lambda: chart(x, (2,), unit=1 + x), 400),
    "m = 2": (lambda: chart((x, y), (2, 2), unit=1 + x + y), 24),
    "m = 2, a density": (lambda: chart((x, y), (2, 4), jacobian=(0, 1), unit=2 + x, density=1 + x * y), 24),
    "both signs": (lambda: orthants((x, y), (2, 2), unit=3 + x * y), 12),
    "a blow-up": (lambda: polynomial(x**2 * y**2 * (x**2 + 3 * y**2), (x, y)), 24),
    "m = 3": (lambda: chart((x, y, z), (2, 2, 2), unit=4 + x + y), 12),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_expansion_lies_in_the_bracket(name):
    """Two roads: residues of ζ, and boxes. The next term of the expansion is far below the width of the bracket."""
    make, pieces = PROBLEMS[name]
    problem, level = make(), R(1, 10**6)
    first = zeta.threshold(problem)[0]
    terms = volume.expansion(problem, first + 1, 12)
    with digits(15):
        boxes = volume.bracket(problem, level, pieces)
        found = volume.value(terms, level)
        assert boxes.overlaps(found)
        assert boxes.rad() < found / 40
        for wrong in _wrong(terms):
            assert not boxes.overlaps(volume.value(wrong, level))


def _wrong(terms):
    """The wrong sign of the logarithm; a term for the density of states, without the factor 1/s; Γ(s) from Z(t) left in."""
    signs = [t._replace(polynomial=tuple(c * (-1) ** j for j, c in enumerate(t.polynomial))) for t in terms]
    if len(terms[0].polynomial) > 1:
        yield signs
        yield [t._replace(polynomial=t.polynomial[:1]) for t in terms]  # the multiplicity dropped
    yield [t._replace(polynomial=tuple(c * t.s for c in t.polynomial)) for t in terms]
    yield [t._replace(polynomial=tuple(c * arb(t.s + 1).gamma() for c in t.polynomial)) for t in terms]


@pytest.mark.parametrize(
    "problem",
    [
        chart(x, (2,), unit=1 + x),
        chart(x, (3,), jacobian=R(1, 2), unit={2 + x: R(1, 2)}, density=1 + x**2, extents=2),
        chart((x, y), (2, 2), unit=1 + x),
        chart((x, y), (2, 4), jacobian=(0, 1), unit=2 + x),
        orthants((x, y), (4, 2), unit=2 + x**2),
    ],
    ids=str,
)
def test_the_expansion_meets_the_slices_to_15_digits(problem):
    level = R(1, 10**8)
    terms, exact = volume.expansion(problem, 4, 25), volume.slices(problem, level, 20)
    with digits(25):
        found = volume.value(terms, level)
        assert agreeing_digits(exact, found) >= 15
        assert volume.bracket(problem, level, 20).overlaps(exact)


@pytest.mark.parametrize(
    ("K", "d", "area", "place"),
    [
        (x**2 + y**2, 2, sp.pi, 1),
        (2 * x**2 + 3 * y**2, 2, sp.pi / sp.sqrt(6), 1),
        (x**2 + y**2 + z**2, 3, sp.pi * R(4, 3), R(3, 2)),
        (x**2 + y**4, 2, sp.gamma(R(1, 4)) * sp.gamma(R(3, 2)) / sp.gamma(R(7, 4)), R(3, 4)),
    ],
)
def test_areas_of_ellipsoids(K, d, area, place):
    """Where {K < ε} lies inside the box, V is the one term c ε^λ."""
    found = volume.law(polynomial(K, (x, y, z)[:d]), 20)
    with digits(22):
        assert (found.exponent, found.multiplicity) == (rational(place), 1)
        assert agreeing_digits(found.constant, area) >= 18


def test_the_law_is_the_limit():
    """x²y² on [0, 1]²: V = √ε (1 + ½ log 1/ε) exactly, c = ½; the law alone is off by 2/log(1/ε)."""
    problem = chart((x, y), (2, 2))
    law = volume.law(problem)
    with digits(25):
        assert (law.exponent, law.multiplicity) == (fmpq(1, 2), 2)
        assert law.constant.overlaps(ball(R(1, 2)))
        for power in (4, 40):
            level = R(1, 10**power)
            exact = volume.slices(problem, level)
            log = arb(10).log() * power
            assert agreeing_digits(exact, arb(rational(level)).sqrt() * (1 + log / 2)) >= 20
            assert (exact / law(level)).overlaps(1 + 2 / log)
            assert agreeing_digits(volume.value(volume.expansion(problem, 1), level), exact) >= 18


exponents = st.tuples(st.sampled_from([1, 2, 3, 4]), st.sampled_from([0, 1, 2]))


@QUICK
@given(st.lists(exponents, min_size=1, max_size=3), st.integers(2, 30))
def test_monomials_by_conditioning_on_one_coordinate(pairs, inverse):
    """W_{d+1}(η) = ∫_0^1 W_d(η/x^κ) x^h dx, as a derivative in η of the mass: checked by the mean of n brackets."""
    kappa, h = [fmpq(k) for k, _ in pairs], [fmpq(p) for _, p in pairs]
    eta, n = fmpq(1, inverse), 200
    with digits(15):
        direct = volume.monomial([*kappa, fmpq(2)], [*h, fmpq(1)], arb(eta))
        low = high = arb(0)
        for i in range(n):
            left, right = fmpq(i, n), fmpq(i + 1, n)
            mass = arb((right**2 - left**2) / 2)
            low += mass * volume.monomial(kappa, h, arb(eta / right**2))
            high += mass * (
                volume.monomial(kappa, h, arb(eta / left**2)) if left else volume.monomial(kappa, h, arb(2))
            )
        assert not direct < low and not direct > high
        assert high - low < arb(1) / 10


@QUICK
@given(st.integers(1, 12), st.integers(1, 5))
def test_scaling_moves_the_level(c, n):
    """V_{cK}(ε) = V_K(ε/c)."""
    with digits(20):
        one, scaled = chart((x, y), (2, 2), unit=1 + x), chart((x, y), (2, 2), unit=c * (1 + x))
        assert volume.slices(scaled, R(c, 10**n * 20)).overlaps(volume.slices(one, R(1, 10**n * 20)))
        assert volume.slices(one, R(1, 10**n * 20)) < volume.slices(one, R(2, 10**n * 20))


def test_samples_for_a_plot():
    rows = volume.samples(chart((x, y), (2, 2)), [R(1, 10), R(1, 1000)], 1)
    assert all(abs(r[1] - math.sqrt(r[0]) * (1 - math.log(r[0]) / 2)) < 1e-12 for r in rows)
    assert all(level > 0 and expansion > law for level, expansion, law in rows)


def test_refusals():
    with pytest.raises(BadInput, match="level"):
        volume.bracket(chart(x, (2,)), 0)
    with pytest.raises(BadInput, match="at most one"):
        volume.slices(chart((x, y), (2, 2), unit=1 + x + y), R(1, 10))
    with pytest.raises(BadInput, match="Gaussian"):
        volume.bracket(orthants(x, (2,), extents=Gaussian(fmpq(1))), R(1, 10))
    for extents in (Gaussian(fmpq(1)), (1, Gaussian(fmpq(1)))):
        with pytest.raises(BadInput, match="on boxes"):
            volume.slices(chart((x, y), (2, 1), extents=extents), R(1, 10))
    with pytest.raises(NotCertified, match="monotone"):
        volume.slices(chart(x, (2,), unit=1 - 3 * x + R(5, 2) * x**2), R(1, 10))
    with pytest.raises(NotCertified, match="not proved positive"):
        volume.bracket(chart(x, (2,), unit=(x - R(1, 3)) ** 2), R(1, 10))

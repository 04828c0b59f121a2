"""Volumes: the expansion from ζ against brackets by boxes, against exact slices and against elementary areas."""

import math

import mpmath
import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import volume, zeta
from numerics.errors import NotCertified
from numerics.precision import agreeing_digits, ball, digits, rational
from numerics.zeta.charts import Gaussian, chart
from numerics.zeta.moves import orthants
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


@settings(max_examples=8, deadline=None)
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


def phase_type(orders, powers, eta):
    """Π 1/(h + 1)·P(Σ k_i E_i/(h_i + 1) > log 1/η), E_i exponential: x_i^{h_i + 1} is uniform. By the generator's exponential."""
    rates = [mpmath.mpf(h + 1) / k for k, h in zip(orders, powers, strict=True) if k]
    whole = mpmath.fprod(1 / mpmath.mpf(h + 1) for h in powers)
    if not rates:
        return mpmath.mpf(0)
    generator = mpmath.zeros(len(rates))
    for i, rate in enumerate(rates):
        generator[i, i] = -rate
        if i + 1 < len(rates):
            generator[i, i + 1] = rate
    moved = mpmath.expm(generator * mpmath.log(1 / mpmath.mpf(eta)))
    return whole * mpmath.fsum(moved[0, j] for j in range(len(rates)))


@pytest.mark.parametrize("eta", [R(1, 1000), R(1, 3), R(99, 100)])
@pytest.mark.parametrize(
    ("orders", "powers"),
    [
        ((2,), (0,)),
        ((3,), (1,)),
        ((2, 2), (0, 0)),  # m = 2
        ((2, 3), (0, 0)),
        ((2, 4), (0, 1)),  # m = 2: 1/2 twice
        ((4, 6, 2), (1, 2, 0)),  # m = 3
        ((2, 2, 5), (0, 0, 3)),  # m = 2 and another one
        ((1, 2, 3, 4), (0, 0, 0, 0)),
        ((2, 0), (1, 3)),  # a free coordinate
        ((0, 3, 0, 3), (2, 0, 1, 1)),
        ((0, 0), (1, 2)),  # K = 1 nowhere below η
    ],
    ids=str,
)
def test_monomials_are_sums_of_exponential_waiting_times(orders, powers, eta):
    """∫ x^h over {x^κ < η} = what is left of Σ κ_i E_i/(h_i + 1) > log 1/η, sharply."""
    kappa, h = [fmpq(k) for k in orders], [fmpq(p) for p in powers]
    with digits(20):
        found = volume.monomial(kappa, h, ball(eta))
        assert not any(orders) or found.rel_accuracy_bits() > 50
    with mpmath.workdps(30):
        # the set {x^κ < η} is where the waiting time is long; without coordinates it is empty
        expected = phase_type(orders, powers, mpmath.mpf(eta.p) / eta.q)
        assert abs(mpmath.mpf(found.mid().str(28, radius=False)) - expected) < mpmath.mpf(10) ** -18


def test_at_one_and_above_all_of_the_box_counts_and_a_ball_across_one_holds_both_sides():
    kappa, h = [fmpq(2), fmpq(3)], [fmpq(1), fmpq(3)]
    with digits(15):
        for eta in (arb(1), arb(5), arb(1) / 3 + 1):
            assert volume.monomial(kappa, h, eta).overlaps(arb(1) / 8) and volume.monomial(kappa, h, eta).rad() < 1e-15
        across = volume.monomial(kappa, h, arb(1, 0.25))
        below = volume.monomial(kappa, h, arb(3) / 4)
        assert across.contains(below) and across.contains(arb(1) / 8) and across.rad() < (arb(1) / 8 - below) * 0.51
        assert volume.monomial([fmpq(0)], [fmpq(1)], arb(2)).overlaps(arb(1) / 2)


DENSITIES = [sp.S(3), x, -x, 1 - 2 * x, x * y - R(1, 4), -1 - y]


@pytest.mark.parametrize("density", DENSITIES, ids=str)
def test_brackets_of_densities_of_either_sign(density):
    """V of x²y on [0, 1]² is linear in the density: each monomial by waiting times; −φ gives −V."""
    level = R(1, 50)
    with mpmath.workdps(20):
        true = sum(
            float(c) * phase_type((2, 1), alpha, mpmath.mpf(1) / 50)
            for alpha, c in sp.Poly(density, x, y).terms()
        )  # fmt: skip
    with digits(15):
        plus = volume.bracket(chart((x, y), (2, 1), density=density), level, 12)
        minus = volume.bracket(chart((x, y), (2, 1), density=-density), level, 12)
    assert float(plus.lower()) <= true <= float(plus.upper())
    assert float(minus.lower()) <= -true <= float(minus.upper())
    assert float(plus.rad()) == pytest.approx(float(minus.rad()), rel=1e-6, abs=1e-12) and plus.rad() < 0.04


def test_brackets_of_cells_away_from_the_axes():
    """K = x²(1 + x)³, φ = x (1 + x)^{1/2} on [0, 2], cut into few cells: the root and the mass by mpmath; tighter with more."""
    problem = chart(x, (2,), jacobian=1, unit={1 + x: 3}, density=(1 + x) ** R(1, 2), extents=2)
    with mpmath.workdps(20):
        root = mpmath.findroot(lambda s: s**2 * (1 + s) ** 3 - 1, 0.6)
        true = mpmath.quad(lambda s: s * mpmath.sqrt(1 + s), [0, root])
    radii = []
    with digits(15):
        for pieces in (3, 12, 48):
            found = volume.bracket(problem, 1, pieces)
            assert float(found.lower()) <= true <= float(found.upper())
            radii.append(float(found.rad()))
        exact = volume.slices(problem, 1, 15)
    assert radii[0] > 2 * radii[1] > 4 * radii[2]
    assert abs(float(exact) - float(true)) < 1e-13 and exact.rel_accuracy_bits() > 45


SLICED = [
    # y² x (1 + x) < ε: all y where x (1 + x) < ε, y < √(ε/x(1 + x)) beyond
    (chart((x, y), (1, 2), unit=1 + x), R(1, 10), lambda s: 1, lambda s, u: u ** mpmath.mpf(0.5)),
    # y is free of K and has the density y²
    (chart((x, y), (2, 0), jacobian=(0, 2), unit=1 + x), R(1, 10), lambda s: mpmath.mpf(1) / 3, lambda s, u: 0),
    (chart((x, y), (1, 3), jacobian=(1, 1), unit=1 + x), 3, lambda s: s / 2, lambda s, u: s / 2),
    (
        chart((x, y), (1, 3), jacobian=(1, 1), unit=1 + x),
        R(3, 2),
        lambda s: s / 2,
        lambda s, u: s / 2 * u ** mpmath.mpf(2 / 3),
    ),
    (chart(x, (3,), unit=2 - x, density=3 + x), R(1, 2), lambda s: 3 + s, lambda s, u: 0),
    (chart((x, y), (2, 2), unit=R(3, 2), density=5), R(1, 10), lambda s: 5, lambda s, u: 5 * u ** mpmath.mpf(0.5)),
]


@pytest.mark.parametrize(("problem", "level", "below", "beyond"), SLICED)
def test_slices_are_integrals_of_slices(problem, level, below, beyond):
    """V = ∫ (mass of the slice at x) dx: `below` where K(x, 1) < ε, `beyond` as a function of x and ε/K(x, 1) elsewhere."""
    unit = sp.Mul(*(f.base**f.order.p for f in problem.factors))
    top = sp.lambdify(x, x ** int(problem.orders[0]) * unit, "mpmath")
    with mpmath.workdps(20):
        epsilon = mpmath.mpf(level.p) / level.q if isinstance(level, sp.Rational) else mpmath.mpf(level)
        root = (
            mpmath.findroot(lambda s: top(s) - epsilon, (0, 1), solver="anderson")
            if top(mpmath.mpf(1)) > epsilon
            else 1
        )
        true = mpmath.quad(below, [0, root]) + (
            mpmath.quad(lambda s: beyond(s, epsilon / top(s)), [root, 1]) if root < 1 else 0
        )
    with digits(15):
        exact = volume.slices(problem, level, 15)
        assert volume.bracket(problem, level, 30).overlaps(exact)
        assert exact.rel_accuracy_bits() > 45
    assert abs(float(exact) - float(true)) < 1e-13


def test_a_law_takes_a_ball_or_an_exact_level():
    """c ε^λ (log 1/ε)^{m−1} with λ = 3/2, m = 3 at ε = 1/8."""
    law = volume.Law(fmpq(3, 2), 3, arb(5))
    with digits(20):
        expected = 5 * R(1, 8) ** R(3, 2) * sp.log(8) ** 2
        assert agreeing_digits(law(R(1, 8)), expected) >= 19 and agreeing_digits(law(arb(1) / 8), expected) >= 19
        with pytest.raises(BadInput, match="ε > 0"):
            law(0)
        with pytest.raises(BadInput, match="ε > 0"):
            volume.value([], arb(0, 1))


def test_more_refusals():
    with digits(15):
        with pytest.raises(NotCertified, match="touches"):
            volume.slices(chart(x, (2,), unit=1 + x), 2)
        with pytest.raises(NotCertified, match="does not vanish"):
            volume.slices(chart((x, y), (0, 2), unit=1 + x), R(1, 2))
        with pytest.raises(NotCertified, match="not proved positive on"):
            volume.slices(chart(x, (2,), density=x - R(1, 2)), R(1, 10))
        with pytest.raises(BadInput, match="at most one"):
            volume.slices(chart((x, y, z), (2, 2, 2)), R(1, 10))


def test_slices_do_not_ask_which_coordinate_is_the_coupled_one():
    with digits(20):
        first = volume.slices(chart((x, y), (1, 3), jacobian=(0, 2), unit=1 + x**2, density=2 + x), R(1, 20))
        second = volume.slices(chart((x, y), (3, 1), jacobian=(2, 0), unit=1 + y**2, density=2 + y), R(1, 20))
        assert first.overlaps(second) and first.rel_accuracy_bits() > 60


def test_constant_factors_scale_the_level_and_the_mass() -> None:
    """K = 8√5 x², φ = 3√2 y²: V = √(ε/8√5) · √2."""
    problem = chart(
        (x, y), (2, 0), unit={sp.Integer(2): 3, sp.Integer(5): R(1, 2)}, jacobian=(0, 2), density=3 * sp.sqrt(2)
    )
    with digits(20):
        expected = sp.sqrt(R(1, 100) / 8 / sp.sqrt(5)) * sp.sqrt(2)
        for found in (volume.slices(problem, R(1, 100)), volume.bracket(problem, R(1, 100))):
            assert agreeing_digits(found, expected) >= 18

"""Expectations, covariances, cumulants: Gaussian and quartic closed forms, products, moments against cumulants."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.utilities.iterables import multiset_partitions

from numerics import gauss, trapezoid
from numerics.errors import NotCertified
from numerics.posterior import Posterior, joint_cumulant, means, products_of_subsets
from numerics.precision import agreeing_digits, ball, digits
from theory.errors import BadInput

x, y, z = sp.symbols("x y z")
R = sp.Rational


def holds(value, exact, n):
    """The ball contains the exact number and has n digits."""
    with digits(n + 20):
        return value.overlaps(ball(exact)) and (agreeing_digits(value, exact) >= n - 1)


def test_the_quartic_posterior():
    posterior = Posterior(x**4, x, 16, digits=30)
    ratio = sp.gamma(R(3, 4)) / sp.gamma(R(1, 4))
    assert holds(posterior.expectation(x**2), ratio / 4, 30)
    assert holds(posterior.partition(), sp.gamma(R(1, 4)) / 4, 30)
    assert holds(posterior.log_partition(), sp.log(sp.gamma(R(1, 4)) / 4), 30)
    assert holds(posterior.covariance(x**2, x**2), (R(1, 4) - ratio**2) / 16, 30)
    assert holds(posterior.expectation(16 * x**4), R(1, 4), 30)


@settings(max_examples=10, deadline=None)
@given(
    st.integers(1, 4),
    st.fractions(-3, 3, max_denominator=4),
    st.fractions(R(1, 4), 3, max_denominator=4),
    st.integers(1, 500),
)
def test_gaussian_cumulants(m, mean, precision, t):
    posterior = Posterior(R(precision) * (x - R(mean)) ** 2 / 2, x, t, digits=20)
    expected = {1: R(mean), 2: 1 / (R(precision) * t)}.get(m, 0)
    value = posterior.cumulant([x] * m)
    assert holds(value, expected, 20)


def test_cumulants_survive_a_far_centre():
    """κ(x, x, x) is shift-invariant: 10⁻⁴ beside moments of size 10⁹."""
    near = Posterior(x**2 / 2 + x**3 / 6 + x**4 / 12, x, 100, digits=25).cumulant([x, x, x])
    w = x - 1000
    far = Posterior(w**2 / 2 + w**3 / 6 + w**4 / 12, x, 100, digits=25).cumulant([x, x, x])
    with digits(30):
        assert near.overlaps(far)
        assert agreeing_digits(near, far) >= 24


def test_mixed_cumulants_of_two_variables():
    """For N(0, Σ): κ(x², y²) = 2 Σ_xy², κ(x, y, xy) = Σ_xx Σ_yy + Σ_xy², κ(x,y,x,y) = 0."""
    t = 4
    posterior = Posterior(x**2 + x * y + y**2, [x, y], t, digits=25)
    sxx, sxy = R(2, 3) / t, -R(1, 3) / t
    assert holds(posterior.covariance(x**2, y**2), 2 * sxy**2, 25)
    assert holds(posterior.cumulant([x, y, x * y]), sxx**2 + sxy**2, 25)
    assert holds(posterior.covariance(x, y), sxy, 25)
    assert posterior.cumulant([x, y, x, y]).contains(0)
    assert float(posterior.cumulant([x, y, x, y]).rad()) < 1e-40


def test_three_variables():
    posterior = Posterior(x**4 + y**4 + z**2, [x, y, z], 2, digits=15)
    ratio = sp.gamma(R(3, 4)) / sp.gamma(R(1, 4)) / sp.sqrt(2)
    one, two = posterior.expectations([x**2 * y**2, x**2 * z**2])
    assert holds(one, ratio**2, 15)
    assert holds(two, ratio / 4, 15)


def test_priors_are_merged():
    """N(0, 1) prior times (1 + x²), loss x²/2: moments of N(0, 1/(t+1)) weighted by 1 + x²."""
    t = 3
    s = R(1, t + 1)
    posterior = Posterior(x**2 / 2, x, t, prior=sp.exp(-(x**2) / 2) * (1 + x**2), digits=25)
    assert holds(posterior.expectation(x**2), (s + 3 * s**2) / (1 + s), 25)
    plane = Posterior((x**2 + y**2) / 2, [x, y], t, prior=sp.exp(-(x**2) / 2 - y**2 / 2) * (1 + x**2), digits=25)
    assert holds(plane.expectation(x**2 * y**2), s * (s + 3 * s**2) / (1 + s), 25)


def test_an_interval_as_domain():
    posterior = Posterior(x, x, 2, domain=(0, sp.oo), digits=25)
    assert holds(posterior.cumulant([x, x, x]), R(2, 8), 25)
    uniform = Posterior(0, x, 1, domain=(0, 1), digits=25)
    assert holds(uniform.covariance(x, x), R(1, 12), 25)


def test_transcendental_observables():
    posterior = Posterior(x**2 / 2, x, 1, digits=25)
    assert holds(posterior.expectation(sp.cos(x)), sp.exp(-R(1, 2)), 25)
    assert holds(posterior.covariance(sp.exp(x), x), sp.exp(R(1, 2)), 25)


def test_a_coupled_plane_against_gauss_legendre():
    loss = x**2 / 2 + y**2 / 2 + x**3 / 6 + x * y**2 / 4 + x**4 / 8 + y**4 / 12
    posterior = Posterior(loss, [x, y], 3, digits=20)
    nodes, weights = np.polynomial.legendre.leggauss(160)
    a, b = np.meshgrid(7 * nodes, 7 * nodes, indexing="ij")
    mass = np.outer(weights, weights) * sp.lambdify((x, y), sp.exp(-3 * loss), "numpy")(a, b)
    cross = (a * b**2 * mass).sum() / mass.sum()
    assert abs(float(posterior.expectation(x * y**2)) - cross) < 1e-13


def test_the_response_identity():
    """Cov(L, ψ) = −d⟨ψ⟩/dt: a central difference in t, whose error is O(δ²)."""
    loss, delta = x**2 / 2 + x**3 / 6 + x**4 / 12, R(1, 10**8)
    with digits(40):
        up = Posterior(loss, x, 5 + delta, digits=35).expectation(x)
        down = Posterior(loss, x, 5 - delta, digits=35).expectation(x)
        slope = (up - down) / ball(2 * delta)
        covariance = Posterior(loss, x, 5, digits=30).covariance(loss, x)
        assert abs(slope + covariance) < 1e-15


def test_means_by_name():
    found = means(Posterior(x**2 / 2, x, 4), {"second": x**2, "one": 1})
    assert holds(found["second"], R(1, 4), 30)
    assert found["one"] == 1


REFUSED = [
    (lambda: Posterior(x**2, x, 0), "t > 0"),
    (lambda: Posterior(x**2, x, -3), "t > 0"),
    (lambda: Posterior(x**2, x, 10**400), "rescale the loss"),
    (lambda: Posterior(x**2, x, R(1, 10**300)), "t lies outside"),
    (lambda: Posterior(x**2 + y, x, 1), "not among the variables"),
    (lambda: Posterior(x**2, x, 1).expectation(y), "not among the variables"),
    (lambda: Posterior(x**2, x, 1).expectation(sp.Abs(x)), "Abs"),
    (lambda: Posterior(0.1 * x**2, x, 1), "1/10"),
    (lambda: Posterior("x**2", x, 1), "not the text"),
    (lambda: Posterior(x**2, sp.symbols("x a b c d"), 1), "1 to 4"),
    (lambda: Posterior(x**2, x, 1).cumulant([]), "at least one"),
    (lambda: Posterior(x**2 + y**2, [x, y], 1, domain=(0, 1)), "a pair .lower, upper. for each"),
    (lambda: Posterior(-(x**2), x, 1).partition(), "diverges"),
    (lambda: Posterior(x**2 - y**2, [x, y], 1).partition(), "ray"),
    (lambda: Posterior(x**2 * y**2, [x, y], 1).partition(), "could not be proved"),
]


@pytest.mark.parametrize(("action", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_refusals(action, reason):
    with pytest.raises(BadInput, match=reason):
        action()


def test_free_energies_and_responses_have_their_signs():
    """Z = √(2π/t) e^{−tc} for x²/2 + c: F = −log Z; χ(x; ΔL = x) = −Var x = −1/t; χ(x², x²) = −2/t²."""
    t, c = R(7, 2), 300
    posterior = Posterior(x**2 / 2 + c, x, t, digits=20)
    log = sp.log(2 * sp.pi / t) / 2 - t * c
    assert holds(posterior.log_partition(), log, 20) and holds(posterior.free_energy(), -log, 20)
    assert holds(posterior.partition(), sp.sqrt(2 * sp.pi / t) * sp.exp(-t * c), 20)
    assert holds(posterior.susceptibility(x, x), -1 / t, 20)
    assert holds(posterior.susceptibility(x**2, x**2), -2 / t**2, 20)
    assert holds(posterior.susceptibility(x, 3 * x + 5), -3 / t, 20)


def test_components_and_their_weights():
    """A Gaussian in the plane with the box prior e^{−y}: the marginal density of y at u* is Z_C/Z, in either order of names."""
    loss, t = x**2 + x * y + y**2, 3
    for names in ([x, y], [y, x]):
        posterior = Posterior(loss, names, t, prior=sp.exp(-y), digits=15)
        part = posterior.restricted({y: R(1, 2)})
        assert part.variables == (x,) and part.digits == 15
        assert holds(part.expectation(x), -R(1, 4), 15)  # x² + x/2 is least at −1/4
        assert holds(part.partition(), sp.sqrt(sp.pi / t) * sp.exp(-t * (R(1, 4) - R(1, 16)) - R(1, 2)), 15)
        # ∝ exp(−t·(3/4) y² − y): mean −2/(3t), variance 2/(3t)
        mean, variance = -R(2, 3) / t, R(2, 3) / t
        density = sp.exp(-((R(1, 2) - mean) ** 2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)
        assert holds(posterior.component_weight({y: R(1, 2)}), density, 15)


def test_a_component_keeps_its_own_interval():
    posterior = Posterior(x + y**2, [x, y], 2, domain=[(1, sp.oo), (-1, 3)], digits=12)
    assert holds(posterior.restricted({y: 2}).partition(), sp.exp(-10) / 2, 12)
    assert holds(posterior.restricted({x: 2}).expectation(1), 1, 12)
    assert holds(
        posterior.restricted({x: 2}).partition(),
        sp.exp(-4) * sp.sqrt(sp.pi / 8) * (sp.erf(sp.sqrt(2)) + sp.erf(3 * sp.sqrt(2))),
        12,
    )
    for at in ({}, {x: 1, y: 1}, {z: 1}, {x: 1, z: 1}):
        with pytest.raises(BadInput, match="a component fixes some"):
            posterior.restricted(at)


def test_domains_are_pairs_in_every_form():
    """One variable: the pair, a list of one pair; two: as many pairs as variables, of two ends each."""
    forms: list[Any] = [(0, 2), [0, 2], [(0, 2)], ((0, 2),)]
    for domain in forms:
        assert holds(Posterior(0, x, 1, domain=domain, digits=12).partition(), 2, 12)
    box = Posterior(sp.S.Zero, [x, y], 1, domain=[(0, 2), (1, 4)], digits=12)
    assert holds(box.partition(), 6, 12) and holds(box.expectation(x + 10 * y), 26, 12)
    refused: list[Any] = [
        ([x, y], [(0, 1)]),
        ([x, y], [(0, 1)] * 3),
        ([x, y], [0, 1]),
        ([x, y], [(0, 1, 2), (0, 1)]),
        (x, (0, 1, 2)),
    ]
    for variables, domain in refused:
        with pytest.raises(BadInput, match=r"a pair .lower, upper. for each"):
            Posterior(x**2, variables, 1, domain=domain)


def test_integrals_carry_their_level():
    """e^{−level}·balls are ∫ f e^{−tL} prior, at the digits asked for here, not those of the posterior."""
    posterior = Posterior(x**2 / 2 + 50, x, 4, prior=1 + x**2, digits=5)
    scaled = posterior.integrals([1, x**2, x], 30)
    assert abs(float(arb(scaled.level)) - 200) < 1
    with digits(40):
        one, square, odd = scaled.unscaled()
        root = sp.sqrt(sp.pi / 2) * sp.exp(-200)
        assert one.overlaps(ball(root * R(5, 4))) and one.rel_accuracy_bits() > 95
        assert square.overlaps(ball(root * (R(1, 4) + R(3, 16)))) and odd.contains(0)


def test_integrals_of_one_pass_and_of_another_share_a_level():
    """Observables asked for one after the other, at the same digits, are on one scale."""
    posterior = Posterior(x**4 / 4 - x, x, 10, digits=20)
    before = posterior.integrals([1], 25)
    after = posterior.integrals([x, x**2 * sp.exp(x)], 25)
    assert before.level == after.level
    fresh = Posterior(x**4 / 4 - x, x, 10, digits=20).integrals([x, x**2 * sp.exp(x)], 25)
    for a, b in zip(after.unscaled(), fresh.unscaled(), strict=True):
        assert a.overlaps(b)


def test_constants_and_vanishing_cumulants():
    posterior = Posterior(x**2 / 2, x, 2, digits=20)
    assert posterior.expectation(R(2, 3)) == arb(2) / 3 or posterior.expectation(R(2, 3)).overlaps(ball(R(2, 3)))
    assert holds(posterior.expectation(sp.sqrt(2)), sp.sqrt(2), 20)
    third = posterior.cumulant([x, x, x])
    assert third.contains(0) and float(third.rad()) < 1e-20
    assert holds(posterior.cumulant([x**2]), R(1, 2), 20)
    assert [float(v) for v in posterior.expectations([])] == []


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 4), st.data())
def test_joint_cumulants_are_sums_over_partitions(count, data):
    """κ = Σ_π (−1)^{|π|−1} (|π|−1)! Π_{B∈π} m(B) over all partitions of the indices, with moments that are any numbers."""
    subsets = [s for size in range(1, count + 1) for s in combinations(range(count), size)]
    moments = {s: data.draw(st.integers(-9, 9)) for s in subsets}
    expected = 0
    for blocks in multiset_partitions(list(range(count))):
        sign = (-1) ** (len(blocks) - 1) * math.factorial(len(blocks) - 1)
        expected += sign * math.prod(moments[tuple(sorted(block))] for block in blocks)
    assert joint_cumulant(moments) == expected


def test_products_of_subsets_are_expanded_and_ordered():
    found = products_of_subsets([x + 1, y, x - 1])
    assert list(found) == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]
    assert found[0, 2] == x**2 - 1 and found[0, 1, 2] == sp.expand(y * (x**2 - 1))


def test_digits_lost_to_cancellation_are_won_back():
    """Var of 10¹² + x for N(0, 1): 24 digits cancel, and 15 are there all the same."""
    posterior = Posterior(x**2 / 2, x, 1, digits=15)
    far = x + 10**12
    value = posterior.cumulant([far, far])
    with digits(30):
        assert value.overlaps(arb(1)) and value.rel_accuracy_bits() >= 49
        fourth = posterior.cumulant([far] * 4)
        assert fourth.contains(0)


def test_both_rules_that_fail_are_named():
    """x²y² in the plane is confined by neither; a box with a pole is not asked of the trapezoid rule."""
    with pytest.raises(NotCertified, match=r"trapezoid rule.*Gauss–Legendre panels"):
        Posterior(x**2 * y**2, [x, y], 1, digits=5).partition()
    with pytest.raises(NotCertified, match="pole") as told:
        Posterior(sp.S.Zero, [x, y], 1, prior=1 / x, domain=[(-1, 1), (0, 1)], digits=5).partition()
    assert "trapezoid" not in str(told.value)
    smooth = Posterior(sp.cosh(x) + y**2, [x, y], 1, digits=8)
    assert holds(smooth.partition(), 2 * sp.besselk(0, 1) * sp.sqrt(sp.pi), 8) and not smooth.certificates


def test_certificates_are_kept_by_observable():
    posterior = Posterior(x**2 + y**2, [x, y], 1, digits=8)
    posterior.expectations([x**2, y**4])
    assert set(posterior.certificates) == {sp.S.One, x**2, y**4}
    assert posterior.certificates[x**2].value.overlaps(ball(sp.pi / 2) * arb(posterior.certificates[x**2].level).exp())


@pytest.mark.parametrize("power", [-60, -30, 30, 60])
def test_extreme_temperatures_are_taken(power):
    t = R(10) ** power
    assert holds(Posterior(x**2 / 2, x, t, digits=10).expectation(x**2), 1 / t, 10)


def test_an_answer_that_is_no_number_is_refused():
    """A width of 10^−100 is not found from float samples: a sentence, not a ball that is the whole line."""
    posterior = Posterior(x**2 / 2, x, 10**200, digits=10)
    for answer in (posterior.log_partition, lambda: posterior.expectation(x**2), lambda: posterior.covariance(x, x)):
        with pytest.raises(NotCertified, match="rescale the variables"):
            answer()


def test_a_prior_with_foreign_symbols_is_refused():
    with pytest.raises(BadInput, match=r"'y'.*not among the variables x"):
        Posterior(x**2, x, 1, prior=sp.exp(-y * x**2))
    with pytest.raises(BadInput, match="1 to 4 variables; it was given 0"):
        Posterior(sp.S.One, [], 1)


def test_variables_named_twice_and_domains_without_ends_are_refused():
    for call in (
        lambda: Posterior(x**2 + y**2, (x, y, x), 1),
        lambda: gauss.gibbs_integrals(x**2, [1], [x, x], 1, domain=[(0, 1), (0, 1)]),
        lambda: trapezoid.gibbs_integrals(x**2, [1], [x, x], 1),
    ):
        with pytest.raises(BadInput, match="name x twice"):
            call()
    for domain, words in ((3, "it was given 3"), ((None, None), "None was given"), ((0, None), "None was given")):
        with pytest.raises(BadInput, match=words):
            Posterior(x**2, x, 1, domain=domain, digits=5).partition()  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadInput, match="at least one amplitude"):
        trapezoid.gibbs_integrals(x**2, [], [x], 1)


def test_three_variables_go_to_panels_where_the_grid_has_no_bound() -> None:
    """1/(1 + x²) has poles; over three variables it has the mean that it has over one."""
    alone = Posterior(x**2 / 2, x, 4, digits=10).expectation(1 / (1 + x**2))
    among = Posterior((x**2 + y**2 + z**2) / 2, (x, y, z), 4, digits=4).expectation(1 / (1 + x**2))
    assert among.overlaps(alone) and among.rad() < 1e-4

"""Wrong formulas of sections 6.1–6.3: eq 34's terms, the same-chain mean, the bias of χ̂, the standardisation."""

from dataclasses import replace

import pytest
import sympy as sp
from flint import arb

from ledger.claim import Budget, Status
from ledger.claims import section6, section6_components, section6_estimator
from ledger.evidence import encloses
from ledger.population import CURVED, DIGITS
from ledger.restricted import Component, symbolic_eq_34
from numerics.precision import digits
from sampler import standardize
from sampler.susceptibility import susceptibility

QUICK = Budget.QUICK
COMPONENT = section6_components.ONE_WEIGHT[0]


# ── eq 34 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def means(component: Component, k: int) -> tuple[arb, arb, arb, arb]:
    """⟨gΔ⟩_C, ⟨g⟩_C, ⟨Δ⟩_C, ⟨Δ⟩_full."""
    change = CURVED.centred(k)
    inside = component.slice(change)
    both, g, restricted = component.posterior.expectations([component.g * inside, component.g, inside])
    return both, g, restricted, CURVED.posterior().expectation(change)


def plus_second_term(component: Component, k: int) -> arb:
    both, g, _, full = means(component, k)
    return -component.density * (both + g * full)


def no_baseline(component: Component, k: int) -> arb:
    return -component.density * means(component, k)[0]


WRONG = {
    "the sign of the second term": plus_second_term,
    "no second term": no_baseline,
    "the restricted mean for the full one": lambda component, k: -component.density * component.same_chain(k),
    "no Z_C/Z": lambda component, k: -component.braces(k),
    "the sign": lambda component, k: component.density * component.braces(k),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_forms_of_eq_34_are_refuted_by_the_enclosed_layer(what: str) -> None:
    assert section6_components.enclose_component(COMPONENT, (2,), WRONG[what]).status is Status.REFUTED


def restricted_mean(full, part, g, change, at):
    ratio = part.integral(sp.S.One) / full.integral(sp.S.One)
    return -ratio * part.covariance(g, change.subs(at))


def without_density(full, part, g, change, at):
    return symbolic_eq_34(full, part, g, change, at) * full.integral(sp.S.One) / part.integral(sp.S.One)


@pytest.mark.parametrize("wrong", [restricted_mean, without_density])
def test_wrong_forms_of_eq_34_are_refuted_by_the_derived_layer(wrong) -> None:
    differences = section6_components.response_of_component(wrong)
    assert all(difference != 0 for difference in differences.values())


def same_chain(component: Component, budget: Budget):
    return susceptibility(component.population.run(budget, component.free, seed=34))


def test_the_same_chain_estimator_has_another_target() -> None:
    """Against eq 34 it is refuted; against the covariance of the restricted posterior it holds: both are what they say they are."""
    assert section6_components.sample_eq_34(QUICK, same_chain).status is Status.REFUTED
    with digits(DIGITS):
        targets = [float((-COMPONENT.same_chain(k)).mid()) for k in range(CURVED.size)]
        true = [float((-COMPONENT.braces(k)).mid()) for k in range(CURVED.size)]
    row = same_chain(COMPONENT, QUICK)
    assert (abs(row.z(targets)) < 4.89).all()
    assert abs(row.z(true)).max() > 20
    assert targets[3] * true[3] < 0, "on a held-out point even the sign differs"


@pytest.mark.slow
def test_eq_34_with_two_free_weights_and_one_clamped() -> None:
    """d = 3, C = {v, s}: certified integrals over R³ and R²."""
    assert section6_components.enclose_component(section6_components.TWO_OF_THREE, (1,)).status is Status.HOLDS


def test_the_third_model_is_what_it_says() -> None:
    model = section6_components.THREE_WEIGHTS
    assert [sp.diff(model.loss, w).subs(model.minimum) for w in model.variables] == [0, 0, 0]
    assert sp.hessian(model.loss, model.variables).subs(model.minimum).is_positive_definite


# ── eq 31, Def 31, §6.2.2 ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_kernel_is_not_the_influence_matrix() -> None:
    """−K has no vanishing average: uncentred, it is refuted where I holds."""
    with digits(DIGITS):
        K = section6.kernel(CURVED)
        centred = CURVED.response(CURVED.centred(0), CURVED.towards(1))
        assert encloses("−K", centred, -K[0][1]).status is Status.REFUTED


def no_fourth_cumulant(kappa, t, phi, change, direction):
    return -2 * t * kappa([phi, direction, direction])


def half_the_third(kappa, t, phi, change, direction):
    return -(t**2) * kappa([phi, change, direction, direction]) - t * kappa([phi, direction, direction])


@pytest.mark.parametrize("wrong", [no_fourth_cumulant, half_the_third])
def test_wrong_bias_coefficients_are_refuted(wrong) -> None:
    assert section6_estimator._second_difference(wrong).status is Status.REFUTED


def test_every_data_set_is_counted_once() -> None:
    q = tuple(map(sp.Rational, ("1/2", "1/3", "1/6")))
    sets = list(section6_estimator.data_sets(4, q))
    assert len(sets) == 15
    assert sum(weight for _, weight in sets) == 1
    assert sum(weight * q_n[0] for q_n, weight in sets) == q[0]
    variance = sum(weight * (q_n[1] - q[1]) ** 2 for q_n, weight in sets)
    assert variance == q[1] * (1 - q[1]) / 4


def test_the_estimator_is_biased_at_beta_1_and_the_skewness_counts() -> None:
    """E χ̂ over all data sets of two points: χ itself and the formula without κ₃ are refuted."""
    population, model = section6_estimator.gaussian_population(section6_estimator.VALUES, section6_estimator.COUNTS, 2)
    ((_, phi),) = population.observables
    two, point = sp.Integer(2), sp.Rational(section6_estimator.VALUES[section6_estimator.PROBE])
    with digits(DIGITS):
        mean = section6_estimator.expected_chi(population, phi, 2, section6_estimator.PROBE)
        symmetric = replace(model, third=sp.S.Zero)
        for wrong in (0, symmetric.relative_bias(point, two, two)):
            assert encloses("E χ̂", mean, model.chi(point, two) * (1 + wrong)).status is Status.REFUTED


# ── §6.3.2 ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def centred_balls(rows):
    return [[x - sum(row, arb(0)) / len(row) for x in row] for row in rows]


def test_centring_alone_does_not_remove_the_density() -> None:
    """Reading (a) in the place of (b), in each layer."""
    derived = section6_components.derive_standardisation(QUICK, section6_components.centred)
    assert derived.status is Status.REFUTED
    assert section6_components.enclose_standardisation(QUICK, centred_balls).status is Status.REFUTED
    assert section6_components.sample_standardisation(QUICK, standardize.centre).status is Status.REFUTED

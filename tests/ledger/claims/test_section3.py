"""Section 3's wrong formulas: each is refuted by the layers that can see it, at the power the runs state."""

from dataclasses import replace

import pytest
import sympy as sp
from flint import arb

from ledger import identity
from ledger.claim import Budget, Status
from ledger.claims import section3, section3_components, section3_observables
from ledger.densities import PHI, beta, delta, ell, h, loss, m, n, normalised, over, q, under, z
from ledger.evidence import encloses, estimates
from ledger.population import CURVED, DIGITS, TRAINED, Population, entry, u, v
from ledger.population import PHI as CURVED_PHI
from numerics.precision import digits
from sampler.susceptibility import influence_matrix, susceptibility
from theory.response import influence_function, response

QUICK = Budget.QUICK


def test_the_instance_is_what_it_says() -> None:
    """w* = 0 is the minimum, labels are orthogonal to it, held-out points carry no mass."""
    gradient = [sp.diff(CURVED.loss, w).subs(CURVED.minimum) for w in (u, v)]
    assert gradient == [0, 0]
    assert sp.hessian(CURVED.loss, (u, v)).subs(CURVED.minimum).is_positive_definite
    assert [k for k, mass in enumerate(CURVED.q) if mass] == list(TRAINED)
    assert sum(CURVED.q) == 1
    assert sum(CURVED.towards(4)) == 0


def test_evidence_that_is_too_wide_is_owed() -> None:
    """A wide ball meets anything: that is neither support nor contradiction."""
    with digits(DIGITS):
        found = arb(12)
        assert encloses("cube", found, sp.Integer(12)).status is Status.HOLDS
        assert encloses("cube", found, sp.Integer(13)).status is Status.REFUTED
        assert encloses("cube", found + arb(0, 1e-3), sp.Integer(12)).status is Status.OPEN


def test_the_posterior_needs_n_times_beta() -> None:
    assert section3.enclose_def_5(QUICK, lambda b: b).status is Status.REFUTED


def test_a_direction_with_mass_needs_its_centring() -> None:
    """(q + hδ)/(1 + hm) has the direction L^δ − mL; without −mL it is another response."""
    wrong = replace(section3.COORDINATES[3], direction=section3.along(section3.HEAVY))
    assert identity.enclosed(wrong).status is Status.REFUTED
    kept = response(under(lambda at: (q(at) + h * delta(at)) / (1 + h * m)), PHI, h) / (n * beta)
    assert normalised(kept + under().covariance(PHI, loss(delta))) != 0


@pytest.mark.parametrize("factor", [1, -2])
def test_thm_11_in_a_signed_direction(factor: int) -> None:
    assert identity.enclosed(replace(section3.SIGNED_RESPONSE, factor=factor)).status is Status.REFUTED


@pytest.mark.slow
def test_the_sampled_response_has_a_sign() -> None:
    with digits(DIGITS):
        chi = -CURVED.posterior().covariance(CURVED_PHI, section3.along(section3.MIXTURE))
    quarter = sp.Rational(1, 4)
    assert CURVED.sampled_response("phi", section3.MIXTURE, quarter, -chi, QUICK).status is Status.REFUTED


def test_the_response_of_a_cumulant_has_a_sign() -> None:
    assert section3.enclose_cumulants(QUICK, sign=1).status is Status.REFUTED


def test_eq_8_without_its_centring_is_refuted() -> None:
    """−Cov(φ, ℓ_z): its average over q is −Cov(φ, L), not 0, and it is not the response to mass moved."""
    uncentred = -under().covariance(PHI, ell(z))
    assert normalised(over(q(z) * uncentred)) != 0
    with digits(DIGITS):
        posterior = CURVED.posterior()
        average = -posterior.covariance(CURVED_PHI, CURVED.along(CURVED.q))
        assert encloses("average", average, sp.S.Zero).status is Status.REFUTED
        expected = float(CURVED.response(CURVED_PHI, CURVED.towards(0)).mid())
    run = CURVED.run(QUICK)
    for wrong in (susceptibility(run, "phi", centred=False), susceptibility(run, "phi").scale(-1.0)):
        assert estimates("wrong", entry(wrong, 0), expected).status is Status.REFUTED


def test_the_two_influence_matrices_differ() -> None:
    """The sampled matrix is the one with both losses centred; the other reading is refuted, and no average is lost on it."""
    found = influence_matrix(CURVED.run(QUICK))
    with digits(DIGITS):
        other = -CURVED.posterior().covariance(CURVED.losses[1], CURVED.centred(2))
        other_response = CURVED.response(CURVED.losses[1], CURVED.towards(2))
        both = -CURVED.posterior().covariance(CURVED.centred(1), CURVED.centred(2))
        assert encloses("query not centred", other_response, both).status is Status.REFUTED
    assert estimates("query not centred", entry(found, 1, 2), float(other.mid())).status is Status.REFUTED


def test_the_counterexample_of_def_13_is_computed_right() -> None:
    """The closed form in the finding against certified integrals of the same two losses."""
    x = sp.Symbol("x", real=True)
    losses = (sp.Rational(3, 4) * x**2 - x, sp.Rational(1, 4) * x**2 + x)
    gaussian = Population("Gaussian", losses, (1, 1), (x,), 1, 0.3)
    both, free = section3_observables.gaussian_influence((1, -1), (sp.Rational(3, 2), sp.Rational(1, 2)), 1)
    with digits(DIGITS):
        for i in range(2):
            for j in range(2):
                centred = -gaussian.posterior().covariance(gaussian.centred(i), gaussian.centred(j))
                alone = -gaussian.posterior().covariance(losses[i], gaussian.centred(j))
                assert encloses("centred", centred, both[i, j]).status is Status.HOLDS
                assert encloses("free", alone, free[i, j]).status is Status.HOLDS
    assert both == both.T
    assert free != free.T
    assert both * sp.ones(2, 1) == free * sp.ones(2, 1) == sp.zeros(2, 1)
    assert str(both[0, 0]) in section3_observables.DEF_13_FINDING


def test_component_losses_need_their_density() -> None:
    """⟨φ_C⟩ without Z_C/Z is not the limit of narrow Gaussians."""
    component = section3_components.ATTENTION
    with digits(DIGITS):
        weight, mean = section3_components.smeared(component, 2**40)
        without = component.expectation() / component.density
        assert abs(weight * mean - component.expectation()) < arb(2) ** -30
        assert abs(weight * mean - without) > arb(1) / 50


def undamped(*arguments, damping):
    return influence_function(*arguments)


def overdamped(*arguments, damping):
    return influence_function(*arguments, damping=2 * damping)


@pytest.mark.parametrize("wrong", [undamped, overdamped])
def test_a_localisation_damps_the_influence_function(wrong) -> None:
    assert section3_observables.derive_damped(QUICK, wrong).status is Status.REFUTED
    case = section3_observables.localised_claim(wrong)
    assert case.enclosed(QUICK).status is Status.REFUTED


def test_the_sampled_layer_sees_the_damping() -> None:
    evidence = section3_observables.localised_claim(undamped).sampled(QUICK)
    assert evidence.status is Status.REFUTED
    assert abs(evidence.data["z"]) > 10

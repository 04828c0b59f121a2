"""The chain: wrong laws must be refuted by every layer that they concern, the posterior by the runs."""

from dataclasses import replace
from functools import cached_property

import pytest
import sympy as sp

from ledger.claim import Budget, Status
from ledger.claims import chain_identities, chain_law, chain_orders, chain_preconditioner, chain_time
from ledger.claims.chain_law import CLAIMS_BY_ID
from ledger.discrete import Closed
from ledger.discrete_problems import GENERIC
from theory import stationary

QUICK = Budget.QUICK


def claim(name: str, law: type[Closed]):
    """One problem in each layer is enough to refute."""
    return replace(CLAIMS_BY_ID[name][1], law=law, far=(), cases=chain_law.LINES[2:], settings=chain_law.FULL[2:3])


def refuted_everywhere(wrong) -> bool:
    layers = (wrong.derived, wrong.enclosed, wrong.sampled)
    return all(layer(QUICK).status is Status.REFUTED for layer in layers)


class PosteriorCovariance(Closed):
    @cached_property
    def S(self):
        return sp.diag(*(1 / c for c in self.lam))


class WrongResponse(Closed):
    def response(self, i):
        """S(T:S) for H⁻¹(T:S)."""
        return sum((self.S[i, j] * self.TS(j) for j in self.n), sp.S.Zero)


class ForgottenFactor(Closed):
    @cached_property
    def K(self):
        """a_j missing from one leg."""
        return {key: value / self.a(key[0]) for key, value in super().K.items()}


class FirstOrderInK(Closed):
    @cached_property
    def K(self):
        return {key: value - self.e / 10 * self.T(*key) / self.lam[key[0]] ** 2 for key, value in super().K.items()}


class NoNumerator(chain_time.Times):
    tau = staticmethod(lambda rho: 1 / (1 - rho))


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("chain S", PosteriorCovariance),
        ("chain LLC", PosteriorCovariance),
        ("chain Lem 18", WrongResponse),
        ("chain Lem 25", WrongResponse),
        ("chain K", ForgottenFactor),
        ("chain K", FirstOrderInK),
        ("chain S₂", ForgottenFactor),
        ("chain Ex 27", FirstOrderInK),
    ],
)
def test_wrong_laws_are_refuted_by_every_layer(name, law) -> None:
    assert refuted_everywhere(claim(name, law))


def test_the_small_step_limits_have_teeth() -> None:
    """An O(e) term in K is refuted by the statement's own limits, whatever the recursion says."""
    limits = CLAIMS_BY_ID["chain K"][1].limits
    assert limits is not None
    right, wrong = (limits(replace(CLAIMS_BY_ID["chain K"][1], law=law)) for law in (Closed, FirstOrderInK))
    assert all(sp.simplify(value) == 0 for value in right.values())
    assert sp.simplify(wrong["K at order e"]) != 0


def test_standard_errors_without_their_numerator_are_refuted() -> None:
    for q, sample in ((chain_time.SE_LLC, "spread llc"), (chain_time.SE_QUADRATIC, "spread cov")):
        power = 2 if sample == "spread llc" else 3
        wrong = chain_time.TimeClaim(
            (q,),
            chain_time._spread(q, sample, lambda s, power=power: s.t**power * s.draws),
            cases=chain_law.LINES[:1],
            law=NoNumerator,
        )
        assert refuted_everywhere(wrong)


def test_wrong_identities_and_corrections_are_refuted() -> None:
    assert chain_identities.derive_identities(2).status is Status.REFUTED
    assert chain_identities.enclose_identities(2).status is Status.REFUTED
    assert chain_identities.enclose_first_order(-1).status is Status.REFUTED
    assert chain_identities.sample_first_order(QUICK, 0).status is Status.REFUTED
    assert chain_identities.sample_first_order(QUICK, -1).status is Status.REFUTED


def test_a_preconditioner_that_is_forgotten_is_refuted() -> None:
    def forgotten(p, D):
        return chain_preconditioner.scaled_law(p, sp.eye(2))

    assert chain_preconditioner.derive_preconditioner(forgotten).status is Status.REFUTED
    assert chain_preconditioner.enclose_preconditioner(forgotten).status is Status.REFUTED
    assert chain_preconditioner.sample_preconditioner(QUICK, forgotten).status is Status.REFUTED


def test_the_posterior_is_rejected_by_the_same_runs() -> None:
    """Every full-batch and minibatch setting rejects the continuous-time LLC, and the z-scores as a whole do not."""
    evidence = chain_orders.sample_any_order(QUICK)
    assert evidence.status is Status.HOLDS, evidence.summary
    scores = [s for s in evidence.data["scores"] if s["quantity"] == "llc"]
    assert len(scores) >= 12
    assert all(abs(s["z_continuous_time"]) > 6 for s in scores)
    assert chain_orders.sample_any_order(QUICK, law=PosteriorCovariance).status is Status.REFUTED


def test_batches_without_their_noise_are_refuted() -> None:
    class Silent(Closed):
        def G(self, i, j, *by):
            return sp.S.Zero

    wrong = replace(CLAIMS_BY_ID["chain minibatch"][1], law=Silent, settings=chain_law.MINI[1:2])
    assert refuted_everywhere(wrong)


def test_the_closed_form_is_that_of_the_matrix_equations() -> None:
    """The formulas in the eigenbasis against `theory.stationary`, all tensors symbols."""
    law, closed = stationary.law(GENERIC.loss, GENERIC.variables, **GENERIC.chain), Closed(GENERIC)
    assert sp.cancel(law.S[0, 0] - closed.S[0, 0]) == 0
    assert sp.cancel(law.K[0, 0, 0] - closed.K[0, 0, 0]) == 0
    assert sp.cancel(law.S2[0, 0] - closed.S2[0, 0]) == 0

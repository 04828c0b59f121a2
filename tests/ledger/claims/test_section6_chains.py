"""Section 6.4: a wrong drift, a forgotten localisation and the continuous-time law must be refuted."""

import pytest
import sympy as sp

from ledger.claim import Budget, Status
from ledger.claims import section6_chains

QUICK = Budget.QUICK


def test_a_drift_without_its_half_is_refuted() -> None:
    assert section6_chains.derive().status is Status.HOLDS
    assert section6_chains.derive(sp.S.One).status is Status.REFUTED


def test_the_sampled_chain_meets_its_own_law_and_not_the_target() -> None:
    evidence = section6_chains.sample(QUICK)
    assert evidence.status is Status.HOLDS, evidence.summary
    assert max(abs(part.get("z_target", 0)) for part in evidence.data["parts"]) > 10


def test_a_forgotten_localisation_is_refuted() -> None:
    assert section6_chains.sample(QUICK, gamma=sp.S.Zero).status is Status.REFUTED


def test_the_network_is_the_expression() -> None:
    """The loss that is sampled and the loss that is expanded are written twice; they must agree."""
    w = {"u": 1.0, "v": [0.7, -0.2]}
    values = {section6_chains.u: 1, section6_chains.a: sp.Rational(7, 10), section6_chains.b: -sp.Rational(1, 5)}
    for x, loss in zip(section6_chains.INPUTS, section6_chains.losses(), strict=True):
        assert float(section6_chains._regression(w, float(x))) == pytest.approx(float(loss.subs(values)), rel=1e-12)

"""The drill: each of thirty wrong statements is refuted by at least one layer, and none of the printed ones is.

False alarms: none in the exact layers; 1e-6 a sampled comparison, seeds fixed. Each mistake lies far beyond what the sampled runs
detect at 99%.
"""

from collections import Counter

import jax
import pytest

from ledger.claim import Layer, Status, Verdict
from tests.trust.drill import EXACT, MISTAKES, Mistake, as_printed, conduct

SAMPLED = [each for each in MISTAKES if Layer.SAMPLED in each.tests]
FEW = [each for each in SAMPLED if each.change.startswith(("t⟨x⟩ →", "no term with T", "t²Cov(x², x)"))]


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def name(mistake: Mistake) -> str:
    return f"{mistake.claim}: {mistake.change}"


def test_there_are_thirty_mistakes_and_no_two_are_the_same() -> None:
    assert len({name(each) for each in MISTAKES}) == len(MISTAKES) == 30
    assert len(Counter(each.claim for each in MISTAKES)) >= 20


@pytest.mark.parametrize("mistake", MISTAKES, ids=name)
def test_every_mistake_is_refuted(mistake: Mistake) -> None:
    (report,) = conduct([mistake])
    assert report.claims[0].verdict is Verdict.REFUTED, report.to_json()["claims"]
    assert report.exit_code == 1


def test_no_printed_statement_is_refuted() -> None:
    """The same claims unchanged, in the layer where most mistakes show; both exact layers, and sampling, in the slow run."""
    report = as_printed(MISTAKES, (Layer.DERIVED,))
    assert [each.layers[Layer.DERIVED].evidence.status for each in report.claims] == [Status.HOLDS] * len(report.claims)
    assert report.exit_code == 0


@pytest.mark.parametrize("mistake", FEW, ids=name)
def test_a_few_are_refuted_by_sampling_alone(mistake: Mistake) -> None:
    (report,) = conduct([mistake], (Layer.SAMPLED,))
    assert report.claims[0].verdict is Verdict.REFUTED, report.to_json()["claims"]


@pytest.mark.slow
@pytest.mark.parametrize("layer", EXACT)
def test_no_printed_statement_is_refuted_by_an_exact_layer(layer: Layer) -> None:
    report = as_printed(MISTAKES, (layer,))
    assert {each.layers[layer].evidence.status for each in report.claims} == {Status.HOLDS}


@pytest.mark.slow
@pytest.mark.parametrize("mistake", SAMPLED, ids=name)
def test_the_sampled_layer_refutes_what_it_can_see(mistake: Mistake) -> None:
    """b = (1, 1) in the second problem of Lem 20 and b is a number in the first: there the reversed index changes nothing."""
    (report,) = conduct([mistake], (Layer.SAMPLED,))
    blind = mistake.change.startswith("b_{d+1−j}")
    assert report.claims[0].layers[Layer.SAMPLED].evidence.status is (Status.HOLDS if blind else Status.REFUTED)

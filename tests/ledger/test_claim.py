"""The verdict as a table, and the values of the ledger, which nobody can change."""

from dataclasses import FrozenInstanceError, fields
from itertools import product

import pytest

from ledger.claim import Budget, Claim, Diagrams, Evidence, Figure, Layer, Series, Status, Verdict, verdict


def claim(finding: str | None = None) -> Claim:
    tests = (lambda budget, status=status: Evidence(status, "") for status in Status)
    return Claim("eq 1", ("eq 1",), "1", "it is so", *tests, finding)


@pytest.mark.parametrize("finding", [None, "it is otherwise"])
def test_one_refutation_refutes_and_all_three_are_needed_to_hold(finding: str | None) -> None:
    for statuses in product((None, *Status), repeat=3):
        evidence = {layer: Evidence(status, "") for layer, status in zip(Layer, statuses, strict=True) if status}
        if Status.REFUTED in statuses:
            expected = Verdict.REFUTED
        elif set(statuses) == {Status.HOLDS}:
            expected = Verdict.FINDING if finding else Verdict.HOLDS
        else:
            expected = Verdict.OPEN
        assert verdict(claim(finding), evidence) is expected


def test_each_layer_has_its_own_test() -> None:
    statuses = {layer: claim().test(layer)(Budget.QUICK).status for layer in Layer}
    assert statuses == {Layer.DERIVED: Status.HOLDS, Layer.ENCLOSED: Status.REFUTED, Layer.SAMPLED: Status.OPEN}
    assert [budget.effort for budget in (Budget.QUICK, Budget.FULL)] == [1, 4]


def test_axes_are_linear_and_nothing_vanishes_unless_it_is_said() -> None:
    figure = Figure("title", "x", "y", ())
    assert (figure.xlog, figure.ylog) == (False, False)
    assert Diagrams("title", ()).vanishing == {} and Evidence(Status.OPEN, "owed").data == {}


@pytest.mark.parametrize(
    "value",
    [
        Series("f", (0.0,), (1.0,)),
        Figure("title", "x", "y", ()),
        Diagrams("title", ()),
        Evidence(Status.HOLDS, "good"),
        claim(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_was_found_cannot_be_changed_afterwards(value) -> None:
    for field in fields(value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, None)

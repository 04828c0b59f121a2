"""A run loses nothing, weighs the layers, and reports in the promised fields."""

import json
import os
import signal
from fractions import Fraction

import jax
import numpy as np
import pytest
import sympy as sp
from flint import arb

from ledger import output
from ledger.claim import Budget, Layer, Verdict
from ledger.claims import all_claims
from ledger.results import Section
from ledger.run import Step, run
from tests.ledger.fakes import claim, raises, says
from theory.errors import BadInput

EXACT = (Layer.DERIVED, Layer.ENCLOSED)


def verify(*claims, layers=tuple(Layer), **options):
    return run(claims, layers, Budget.QUICK, **options)


@pytest.mark.parametrize(
    ("layers", "finding", "expected"),
    [
        (("holds", "holds", "holds"), None, Verdict.HOLDS),
        (("holds", "holds", "holds"), "only on average", Verdict.FINDING),
        (("holds", "open", "holds"), None, Verdict.OPEN),
        (("holds", "open", "refuted"), None, Verdict.REFUTED),
        (("refuted", "holds", "holds"), "only on average", Verdict.REFUTED),
    ],
)
def test_the_verdict_weighs_three_layers(layers, finding, expected):
    derived, enclosed, sampled = map(says, layers)
    report = verify(claim(derived=derived, enclosed=enclosed, sampled=sampled, finding=finding))
    assert report.claims[0].verdict is expected
    assert report.summary == {each.value: int(each is expected) for each in Verdict}
    assert report.exit_code == (1 if expected is Verdict.REFUTED else 0)


def test_layers_that_did_not_run_leave_the_claim_open():
    report = verify(claim(), layers=[Layer.DERIVED])
    found = report.to_json()["claims"][0]
    assert found["verdict"] == "open" and report.exit_code == 0
    assert found["enclosed"] == found["sampled"] == {"status": "not run"}


def test_json_has_the_fields_of_the_design():
    report = verify(claim(labels=("Lem 2",), sampled=says("holds")), claim("eq 4", finding="it is 2"))
    data = json.loads(output.dumps(report.to_json()))
    assert set(data) == {"claims", "summary", "environment", "applied"}
    first, second = data["claims"]
    assert list(first) == [
        "id",
        "labels",
        "section",
        "statement",
        "derived",
        "enclosed",
        "sampled",
        "verdict",
        "finding",
    ]
    assert first["labels"] == ["eq 3", "Lem 2"]
    for layer in Layer:
        assert {"status", "summary", "seconds", "figures"} <= set(first[layer])
        assert first[layer]["figures"][0]["series"][0]["x"] == [10.0, 100.0, None]
    assert first["enclosed"]["digits"] == 38.2
    assert first["sampled"]["z"] is None and first["sampled"]["power_at"] is None
    assert second["sampled"]["z"] == -0.43 and second["sampled"]["power_at"] == 0.021
    assert second["verdict"] == "finding" and second["finding"] == "it is 2"
    assert data["summary"] | {"seconds": 0} == {
        "claims": 2, "holds": 1, "finding": 1, "open": 0, "refuted": 0, "seconds": 0, "interrupted": False,
    }  # fmt: skip
    assert {"python", "threefold", "sympy", "python-flint", "jax", "budget", "seed", "platform"} <= set(
        data["environment"]
    )


@pytest.mark.parametrize(
    ("problem", "summary"),
    [
        (RuntimeError("diverged\nat step 3"), "failed: RuntimeError: diverged at step 3"),
        (BadInput("the loss is not smooth"), "failed: the loss is not smooth"),
        (ZeroDivisionError(), "failed: ZeroDivisionError"),
        (RecursionError("deep"), "failed: RecursionError: deep"),
    ],
)
def test_a_failing_layer_costs_only_itself(problem, summary):
    report = verify(claim(enclosed=raises(problem)), claim("eq 4"))
    broken, sound = report.to_json()["claims"]
    assert broken["enclosed"]["status"] == "open" and broken["enclosed"]["summary"] == summary
    assert broken["derived"]["status"] == broken["sampled"]["status"] == "holds"
    assert broken["verdict"] == "open" and sound["verdict"] == "holds"


def test_an_interruption_keeps_what_was_found(tmp_path):
    kept = tmp_path / "report.json"
    report = verify(claim(), claim("eq 4", sampled=raises(KeyboardInterrupt())), claim("eq 5"), keep=kept)
    assert report.interrupted
    first, second, third = report.to_json()["claims"]
    assert first["verdict"] == "holds"
    assert second["enclosed"]["digits"] == 38.2 and second["sampled"] == {"status": "not run"}
    assert third["derived"] == {"status": "not run"}
    assert json.loads(kept.read_text())["summary"]["interrupted"] is True


def test_the_report_is_kept_after_every_claim(tmp_path):
    kept = tmp_path / "report.json"
    seen = []

    def look(step: Step) -> None:
        if step.name == "eq 4" and step.evidence is None and kept.exists():
            seen.append(json.loads(kept.read_text()))

    verify(claim(), claim("eq 4"), keep=kept, progress=look)
    assert seen[0]["claims"][0]["verdict"] == "holds" and seen[0]["summary"]["interrupted"] is True
    assert json.loads(kept.read_text())["summary"]["interrupted"] is False


def test_a_report_that_cannot_be_kept_does_not_end_the_run(tmp_path):
    assert verify(claim(), keep=tmp_path / "gone" / "report.json").claims[0].verdict is Verdict.HOLDS


def test_progress_tells_each_layer_before_and_after():
    steps: list[Step] = []
    verify(claim(), claim("eq 4"), layers=EXACT, progress=steps.append)
    assert [(step.name, step.layer, step.done, step.evidence is not None) for step in steps] == [
        (name, layer, done, after)
        for done, name in enumerate(["eq 3", "eq 4"])
        for layer in EXACT
        for after in (False, True)
    ]


def test_layers_run_in_their_own_order_and_once():
    assert list(verify(claim(), layers=[Layer.ENCLOSED, Layer.DERIVED, Layer.ENCLOSED]).claims[0].layers) == list(EXACT)


def test_sampling_is_in_double_precision():
    def precision(budget):
        return says("holds", bits=jax.numpy.zeros(1).dtype.itemsize * 8)(budget)

    before = jax.config.read("jax_enable_x64")
    try:
        jax.config.update("jax_enable_x64", False)
        found = verify(claim(sampled=precision)).to_json()["claims"][0]["sampled"]
    finally:
        jax.config.update("jax_enable_x64", before)
    assert found["bits"] == 64


def test_the_applied_section_is_reported():
    matrix = {"rows": ["a"], "columns": ["b"], "values": np.ones((1, 1)), "sem": [[0.1]]}

    def applied(budget, progress):
        progress("training")
        return Section({"matrix": matrix}, (), ("It works.",), 0.0)

    steps: list[Step] = []
    found = verify(claim(), applied=applied, progress=steps.append).to_json()["applied"]
    assert found["matrix"]["values"] == [[1.0]] and found["summary"] == ["It works."]
    assert steps[-1].name == "training" and steps[-1].layer is None


def test_a_failing_applied_section_costs_only_itself():
    report = verify(claim(), applied=lambda budget, progress: 1 / 0)
    assert report.applied is not None and report.applied.summary == ("failed: ZeroDivisionError: division by zero",)
    assert report.claims[0].verdict is Verdict.HOLDS


def test_values_become_plain():
    value = {
        "exact": sp.Rational(1, 2),
        "fraction": Fraction(1, 3),
        "large": 2**60,
        "small": 7,
        "nan": float("nan"),
        "inf": np.float64("inf"),
        "scalar": np.float32(0.5),
        "array": np.arange(3),
        "jax": jax.numpy.arange(2),
        "ball": arb(1),
        "verdict": Verdict.HOLDS,
        "set": {"b", "a"},
        "true": np.bool_(True),
        1: (1, [None]),
    }
    assert json.loads(output.dumps(value)) == {
        "exact": "1/2", "fraction": "1/3", "large": str(2**60), "small": 7, "nan": None, "inf": None, "scalar": 0.5,
        "array": [0, 1, 2], "jax": [0, 1], "ball": str(arb(1)), "verdict": "holds", "set": ["a", "b"], "true": True,
        "1": [1, [None]],
    }  # fmt: skip


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.json"
    output.write(path, "old")
    output.write(path, "new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
    link = tmp_path / "link"
    link.symlink_to(path)
    output.write(link, "through")
    assert link.is_symlink() and path.read_text() == "through"


def test_what_cannot_be_written_is_refused_early(tmp_path):
    for path in (tmp_path, tmp_path / "none" / "a.json", tmp_path / ("x" * 300)):
        with pytest.raises(BadInput, match=r"folder|file"):
            output.refuse_unwritable(path)
    output.refuse_unwritable(tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_two_processes_find_what_one_finds():
    """One of the ledger's own claims in another process: the same evidence, z-scores included, and no other layer run."""
    chosen = [each for each in all_claims() if each.id == "Def 5"]
    layers = [Layer.ENCLOSED, Layer.SAMPLED]
    steps: list[Step] = []
    with jax.enable_x64(True):
        alone = run(chosen, layers, Budget.QUICK)
    shared = run(chosen, layers, Budget.QUICK, progress=steps.append, applied=applied_section, jobs=2)
    for one, other in zip(alone.claims, shared.claims, strict=True):
        assert [one.layers[each].evidence.summary for each in layers] == [
            other.layers[each].evidence.summary for each in layers
        ]
        assert set(other.layers) == set(layers)
    assert shared.applied is not None and shared.applied.data == {"budget": "quick", "bits": 64}
    assert {step.name for step in steps} == {"starting", "Def 5"}


def applied_section(budget, progress):
    """A function of a module, which another process can find."""
    progress("here")
    return Section({"budget": str(budget), "bits": jax.numpy.zeros(1).dtype.itemsize * 8}, (), (), 0.0)


def ends(budget, progress):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_costs_only_what_it_did():
    chosen = [each for each in all_claims() if each.id in ("eq 2", "Def 5")]
    report = run(chosen, [Layer.ENCLOSED], Budget.QUICK, applied=ends, jobs=2)
    assert report.applied is not None and "ended from outside" in report.applied.summary[0]
    assert [each.claim.id for each in report.claims] == [each.id for each in chosen]
    assert [each.layers[Layer.ENCLOSED].evidence.data["digits"] >= 15 for each in report.claims] == [True, True]

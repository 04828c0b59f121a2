"""Two reports side by side."""

import io
import json
import re
from copy import deepcopy

import pytest
from rich.console import Console

from ledger import cli, regression
from theory.errors import BadInput


def claim(name, **layers):
    return {
        "id": name, "statement": f"{name} is so", "finding": "", "verdict": "holds",
        "derived": {"status": "holds"}, "enclosed": {"status": "holds", "digits": 20.0},
        "sampled": {"status": "holds", "z": 0.5, "power_at": 0.02}, **layers,
    }  # fmt: skip


REPORT = {"claims": [claim("eq 1"), claim("eq 2")], "environment": {"numpy": "2.3.0", "jax": "0.10.2"}}


def changed(path, value, report=REPORT):
    """The report with one value of its first claim replaced."""
    other = deepcopy(report)
    *way, last = path
    place = other["claims"][0]
    for step in way:
        place = place[step]
    place[last] = value
    return other


@pytest.mark.parametrize(
    ("path", "value", "kind", "text"),
    [
        (("verdict",), "refuted", "worse", "verdict: holds → refuted"),
        (("verdict",), "finding", "different", "verdict: holds → finding"),
        (("derived", "status"), "open", "worse", "derived: holds → open"),
        (("enclosed", "digits"), 12.5, "worse", "enclosed: 20 → 12.5 digits"),
        (("enclosed", "digits"), 18.5, "worse", "enclosed: 20 → 18.5 digits"),
        (("enclosed", "digits"), 30, "better", "enclosed: 20 → 30 digits"),
        (("sampled", "power_at"), 0.2, "worse", "sampled: detects 2% → 20%"),
        (("sampled", "power_at"), 0.031, "worse", "sampled: detects 2% → 3.1%"),
        (("sampled", "z"), -1.5, "different", "sampled: z = 0.5 → -1.5"),
        (("statement",), "other", "different", "the statement changed"),
    ],
)
def test_each_change_is_told(path, value, kind, text):
    found = regression.compare(REPORT, changed(path, value))
    assert found[kind] == [{"claim": "eq 1", "text": text}]
    assert sum(len(found[other]) for other in regression.KINDS) == 1 and found["same"] == 1


def test_the_reverse_of_worse_is_better():
    for path, value in ((("verdict",), "open"), (("enclosed", "digits"), 3.0), (("sampled", "power_at"), 0.5)):
        other = changed(path, value)
        assert len(regression.compare(REPORT, other)["worse"]) == len(regression.compare(other, REPORT)["better"]) == 1


def test_every_step_down_is_worse():
    """refuted < open < finding, holds."""
    for kind, before, after in (
        ("worse", "open", "refuted"), ("worse", "finding", "open"), ("better", "refuted", "open"),
        ("different", "finding", "holds"),
    ):  # fmt: skip
        old, new = (changed(("verdict",), verdict) for verdict in (before, after))
        assert regression.compare(old, new)[kind] == [{"claim": "eq 1", "text": f"verdict: {before} → {after}"}]


def test_scores_may_move_by_a_millionth():
    old = changed(("sampled", "z"), 0.0)
    assert not regression.compare(old, changed(("sampled", "z"), 1e-6))["different"]
    assert regression.compare(old, changed(("sampled", "z"), 1.5e-6))["different"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"claims": [claim("eq 1", sampled=None)], "environment": None}, None),
        ({"claims": [{"id": "eq 1", "verdict": "open"}]}, None),
        ({"claims": [claim("eq 1", sampled={"status": 3})]}, "is not a report"),
        ({"claims": [claim("eq 1", verdict="perhaps")]}, "is not a report"),
        ({"environment": "numpy"}, "is not a report"),
    ],
)
def test_what_is_a_report(tmp_path, change, words):
    """A layer or the environment may be missing; a verdict is one of four, a status a word, the environment a mapping."""
    (path := tmp_path / "report.json").write_text(json.dumps({**REPORT, **change}))
    if words is None:
        assert regression.read(path) == {**REPORT, **change}
    else:
        with pytest.raises(BadInput, match=words):
            regression.read(path)


def test_what_is_worse_is_red_and_versions_are_dim():
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard", no_color=False)
    other = changed(("verdict",), "refuted", {**REPORT, "environment": {"numpy": "2.4.0"}})
    regression.show(regression.compare(REPORT, other), console)
    printed = console.file.getvalue()
    assert re.search("\x1b\\[1;31mworse     (\x1b\\[0m\x1b\\[1;31m)?eq 1: verdict: holds → refuted", printed)
    assert "\x1b[2mnumpy: 2.3.0 → 2.4.0\x1b[0m" in printed and "\x1b[2mjax: 0.10.2 → None\x1b[0m" in printed


def test_what_is_small_or_was_not_run_is_not_told():
    for path, value in (
        (("enclosed", "digits"), 19.5),
        (("enclosed", "digits"), 19.0),
        (("enclosed", "digits"), -1e300),
        (("enclosed", "digits"), 1e300),
        (("enclosed", "digits"), 10**400),
        (("sampled", "power_at"), 0.025),
        (("sampled", "power_at"), 0.03),
        (("sampled", "z"), 0.5 + 5e-7),
        (("sampled",), {"status": "not run"}),
    ):
        found = regression.compare(REPORT, changed(path, value))
        assert [found[kind] for kind in regression.KINDS] == [[], [], []] and found["same"] == 2


def test_claims_that_are_gone_and_new_and_other_versions():
    other = {"claims": [claim("eq 1"), claim("eq 3")], "environment": {"numpy": "2.4.0", "jax": "0.10.2"}}
    found = regression.compare(REPORT, other)
    assert found["worse"] == [{"claim": "eq 2", "text": "the claim is gone"}]
    assert found["better"] == [{"claim": "eq 3", "text": "a new claim"}]
    assert found["environment"] == {"numpy": ["2.3.0", "2.4.0"]}


def test_the_command(tmp_path, capsys):
    a, b, bad = (tmp_path / name for name in ("a.json", "b.json", "bad.json"))
    a.write_text(json.dumps(REPORT))
    b.write_text(json.dumps(changed(("verdict",), "refuted")))
    bad.write_text('{"claims": [{"id": "eq 1"}]}')
    assert cli.main(["compare", str(a), str(a)]) == 0
    assert "0 worse, 0 better, 0 different; 2 claims are the same" in capsys.readouterr().out
    assert cli.main(["compare", str(a), str(b)]) == 1
    assert "verdict: holds → refuted" in capsys.readouterr().out
    for other, words in ((bad, "is not a report; make one with"), (tmp_path / "none", "cannot be read: no such file")):
        assert cli.main(["compare", str(a), str(other)]) == 2
        printed = capsys.readouterr()
        assert words in printed.err and printed.err.count("\n") == 1 and not printed.out

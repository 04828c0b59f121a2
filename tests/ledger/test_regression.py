"""Two reports side by side."""

import json
from copy import deepcopy

import pytest

from ledger import cli, regression


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
        (("enclosed", "digits"), 30, "better", "enclosed: 20 → 30 digits"),
        (("sampled", "power_at"), 0.2, "worse", "sampled: detects 2% → 20%"),
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


def test_what_is_small_or_was_not_run_is_not_told():
    for path, value in (
        (("enclosed", "digits"), 19.5),
        (("sampled", "power_at"), 0.025),
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

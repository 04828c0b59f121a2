"""What an experiment leaves, and what the command refuses before any work."""

import json
import re
import sys
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from ledger import cli, experiments
from ledger.claim import Budget
from ledger.experiments.experiment import Experiment, Found, Package, Picture, Result, Statement, Table

MINUTES = dict.fromkeys(Budget, 1.0)
ROW = Experiment("trial", "Is two and two four?", MINUTES, dict.fromkeys(Budget, 0.1))


def add(x):
    return {"sum": x + 2}


def conduct(folder, budget):
    total = float(folder.part("add", add, x=2)["sum"])
    figure = Figure(figsize=(4, 3))
    figure.subplots().errorbar([0, 1], [total, total], [0.1, 0.1])
    return Result(
        xr.Dataset({"sum": ("run", [total])}, coords={"run": ["only"]}, attrs={"title": "a sum"}),
        (Statement(f"the sum is {total:g} ± 0 <exact>", Found.HOLDS), Statement("it is not 5", Found.FAILS)),
        {"sums": Picture(figure, "Sums with error bars")},
        (Table("All sums", ("run", "sum"), (("0", f"{total:g} ± 0"),)),),
        {"sum": total},
    )


@pytest.fixture
def trial(monkeypatch):
    def install(row=ROW):
        monkeypatch.setattr(experiments, "EXPERIMENTS", (row,))

    module = ModuleType("ledger.experiments.trial")
    module.conduct = conduct
    monkeypatch.setitem(sys.modules, "ledger.experiments.trial", module)
    install()
    return install


def test_what_it_leaves(trial, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["experiment", "trial", "--out", str(out), "--json", "-"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary == json.loads((out / "summary.json").read_text())
    assert summary["numbers"] == {"sum": 4} and [s["found"] for s in summary["statements"]] == ["holds", "fails"]
    page = (out / "index.html").read_text()
    assert "&lt;exact&gt;" in page and "Sums with error bars" in page and "it is not 5" in page and "All sums" in page
    assert not re.search(r"(src|href)=\"(?!#)", page)  # nothing from outside
    assert (out / "figures" / "sums.svg").read_text().startswith("<svg xmlns=")
    kept = xr.open_datatree(out / "results.nc", engine="h5netcdf").to_dataset()
    assert float(kept["sum"].sel(run="only")) == 4 and kept.attrs == {"title": "a sum"}
    assert cli.main(["experiment", "trial", "--out", str(out)]) == 0
    assert "add: kept" in capsys.readouterr().err


def test_bad_requests_cost_nothing(trial, tmp_path, capsys):
    def refusal(*words):
        assert cli.main(["experiment", *words]) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and printed.err.count("\n") == 1
        return printed.err

    out = str(tmp_path / "out")
    assert "there is no experiment 'none'; choose one of trial" in refusal("none", "--out", out)
    assert "--out DIR" in refusal("trial")
    assert "name an experiment" in refusal()
    trial(Experiment("trial", "?", MINUTES, dict.fromkeys(Budget, 0.1), (Package("glass_x", "pip install glass-x"),)))
    assert "needs glass_x, which is not installed; install it with `pip install glass-x`" in refusal(
        "trial", "--out", out
    )
    trial(Experiment("trial", "?", MINUTES, dict.fromkeys(Budget, 1e6)))
    assert "needs 1e+06 GiB of memory" in refusal("trial", "--out", out)
    trial(Experiment("trial", "?", MINUTES, dict.fromkeys(Budget, 0.1), only=(Budget.FULL,)))
    assert "has no quick budget; use --budget full" in refusal("trial", "--out", out)
    assert not (tmp_path / "out").exists()


def test_the_list(trial, capsys):
    assert cli.main(["experiment", "--list", "--json", "-"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["experiments"]
    assert row["name"] == "trial" and row["question"] == "Is two and two four?"
    assert cli.main(["experiment", "--list"]) == 0
    assert "Is two and two four?" in capsys.readouterr().out


def test_every_experiment_of_the_list_has_its_module():
    for row in experiments.EXPERIMENTS:
        assert callable(row.conduct), row.name
        assert row.question.endswith("?") and set(row.minutes) == set(row.memory) == set(Budget)
        assert row.minutes[Budget.QUICK] <= 2 and row.minutes[Budget.FULL] <= 45


def test_numbers_are_plain(trial, tmp_path):
    assert cli.main(["experiment", "trial", "--out", str(tmp_path / "o"), "--json", str(tmp_path / "s.json")]) == 0
    assert np.isfinite(json.loads((tmp_path / "s.json").read_text())["seconds"])

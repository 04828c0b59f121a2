"""The mutants are programs, none of them the source itself, and the runner tells the killed from those that live."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation import changes, trial
from tests.mutation.__main__ import interval, modules, selection

SOURCE = '''
"""Words."""

def clipped(x: int = 3, *, low: bool = True) -> int:
    """Other words."""
    if x < 0 or not low:
        raise ValueError("below 0 by %d" % (0 - x))
    x += 1
    return min(x * 2, sorted([x], reverse=True)[1:][0])
'''


@pytest.mark.parametrize("module", ["theory.wick", "sampler.llc", "ledger.compare"])
def test_every_change_is_another_program(module: str) -> None:
    source = trial.path_of(module).read_text()
    plain, seen = ast.unparse(ast.parse(source)), set()
    count = len(changes.changes(ast.parse(source)))
    for k in range(0, count, 3):
        tree, change = changes.mutated(source, k)
        compile(tree, module, "exec")
        assert ast.unparse(tree) != plain, change
        seen.add(ast.unparse(tree))
    assert len(seen) >= count // 4


def test_a_small_source_has_these_changes() -> None:
    told = {change.told for change in changes.changes(ast.parse(SOURCE))}
    assert told == {
        "3 → 4", "True → False", "x < 0 → x <= 0", "0 → 1", "x < 0 or not low → x < 0 and (not low)", "not low → low",
        "if x < 0 or not low → if not (x < 0 or not low)", "x += 1 → x -= 1", "x += 1 → pass", "1 → 2", "min → max",
        "x * 2 → x / 2", "2 → 3", "sorted([x], reverse=True) → sorted([x])", "1: → :",
    }  # fmt: skip


def test_tests_are_found_by_their_imports() -> None:
    assert selection("theory.wick")[0] == "tests/theory/test_wick.py"
    assert selection("sampler.quadratic.jets") == selection("sampler.quadratic") != []
    assert "sampler.kernels.sgld" in modules(["sampler.kernels"])
    with pytest.raises(SystemExit, match="no module of the house"):
        modules(["theory.nothing"])


def test_the_interval_is_exact() -> None:
    """Clopper–Pearson at its ends, from (1 − p)^n = α/2, and at 1 of 2 from the binomial sums p², 1 − (1 − p)²."""
    low, high = interval(20, 20)
    assert high == 1 and low**20 == pytest.approx(0.025)
    low, high = interval(1, 2)
    assert 1 - (1 - low) ** 2 == pytest.approx(0.025) and 1 - high**2 == pytest.approx(0.025)


def test_a_run_kills_and_remembers(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    line = [
        sys.executable,
        "-m",
        "tests.mutation",
        "theory.wick",
        "--each",
        "3",
        "--patience",
        "10",
        "--results",
        str(results),
    ]
    first = subprocess.run(line, cwd=trial.ROOT, capture_output=True, text=True, check=True).stdout
    assert "3 of 3 killed" in first
    record = json.loads(results.read_text())["theory.wick"]
    assert set(record["outcomes"].values()) <= {trial.KILLED, trial.ENDLESS}
    alive = next(iter(record["outcomes"]))
    record["outcomes"][alive] = trial.LIVES  # what is kept is not run again
    results.write_text(json.dumps({"theory.wick": record}))
    second = subprocess.run(line, cwd=trial.ROOT, capture_output=True, text=True, check=True).stdout
    assert "2 of 3 killed" in second and alive in second

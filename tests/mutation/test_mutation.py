"""The mutants are programs, none of them the source itself, and the runner tells the killed from those that live."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation import __main__ as runner
from tests.mutation import changes, reach, trial
from tests.mutation.__main__ import (
    DEFAULT,
    changes_of,
    digest,
    drawn,
    every_test,
    holds,
    interval,
    modules,
    selection,
    statement,
)

SOURCE = '''
"""Words."""

if TYPE_CHECKING:
    from collections.abc import Sequence as Many

def clipped(x: int = 3, *, low: bool = True) -> int:
    """Other words."""
    if x < 0 or not low:
        raise ValueError("below 0 by %d" % (0 - x))
    x += 1
    return min(x * 2, sorted([x], reverse=True)[1:][0], *map(max, zip([x], [x], strict=True)))
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
        "x * 2 → x / 2", "2 → 3", "max → min", "without reverse=True", "1: without its lower",
    }  # fmt: skip


def test_every_change_has_a_name_of_its_own_and_is_drawn_alike() -> None:
    every = modules(DEFAULT)
    assert "sampler.kernels.sgld" in every
    names = [f"{module}:{change.name}" for module in every for change in changes_of(module)]
    assert len(names) == len(set(names)) > 20000
    assert len(drawn(every, 500, 1)) == 500 and drawn(every, 5, 1) == drawn(every, 5, 1) != drawn(every, 5, 2)
    assert len(drawn(["theory.wick"], 10**6, 0)) == len(changes_of("theory.wick"))
    one, two = (drawn(names, 10**6, 0) for names in (["theory.wick"], ["theory.wick", "theory.jets"]))
    assert [each for each in two if each[0] == "theory.wick"] == one
    assert modules(["sampler.kernels", "sampler.kernels.sgld"]) == modules(["sampler.kernels"])
    with pytest.raises(SystemExit, match="no module of the house"):
        modules(["theory.nothing"])


def test_a_mutant_meets_the_tests_that_ran_its_line_the_cheapest_first() -> None:
    k, change = next((k, c) for k, c in enumerate(changes_of("theory.wick")) if c.line > 20)
    known = {change.line: ["a", "b", "c"], change.line + 1: ["d"]}
    tests = {
        str(file.relative_to(trial.ROOT)): reach.digest(file.read_text())
        for file in trial.ROOT.glob("tests/**/test_*.py")
    }
    found = reach.Reach({"a": 3.0, "b": 1.0, "c": 2.0, "d": 0.1}, {"theory/wick.py": known}, tests)
    assert selection("theory.wick", k, 10, found) == (["b", "c", "a"], 6.0)
    assert selection("theory.wick", k, 0.5, found) == (["b"], 1.0)
    unseen = reach.Reach(found.cost, {"theory/wick.py": {1: ["a"], 2: ["d"]}}, tests)
    assert selection("theory.wick", k, 10, unseen)[0] == ["d", "a"]  # runs at import: every test of the module
    named = reach.Reach(found.cost | {"e[theory.wick]": 1.5, "e[theory.jets]": 1}, unseen.lines, tests)
    assert selection("theory.wick", k, 10, named)[0] == ["d", "e[theory.wick]", "a"]  # and what names it
    assert selection("theory.jets", 0, 10, found) == ([], 0.0)
    older = reach.Reach(found.cost, found.lines, tests | {"tests/theory/test_wick.py": "another"})
    assert selection("theory.wick", k, 11.5, older) == (["tests/theory/test_wick.py", "b", "c"], 13.0)


def test_a_line_within_a_statement_counts_as_its_first() -> None:
    lines = trial.path_of("tests.mutation.test_mutation").read_text().splitlines()
    inside = next(n for n, line in enumerate(lines, start=1) if line.strip().startswith('"a mark"'))
    assert statement("tests.mutation.test_mutation", inside) == inside - 1
    assert MARK == ("a mark",)


MARK = (
    "a mark",
)  # fmt: skip


def test_what_became_of_a_mutant() -> None:
    """A test that fails, a mutant that passes, tests that do not exist: in a process that has nothing of the house loaded."""
    inverted = next(k for k, c in enumerate(changes_of("theory.wick")) if c.told.startswith("if "))
    alone = "tests/mutation/test_mutation.py::test_the_interval_is_exact"
    asked = f"""if True:
        from tests.mutation import trial
        from tests.mutation.__main__ import collected, sound
        told = [trial.run("theory.wick", k, tests).what for k, tests in (
            ({inverted}, ["tests/theory/test_wick.py"]), (None, ["{alone}", "--deselect={alone}"]))]
        print([*told, sound("{alone}"), sound("{alone}_not"), collected(["{alone}_not"])])
    """
    line = [sys.executable, "-c", asked]
    told = subprocess.run(line, cwd=trial.ROOT, capture_output=True, text=True, check=True).stdout
    assert ast.literal_eval(told) == [trial.KILLED, trial.OTHERS, True, False, False]


def test_the_interval_is_exact() -> None:
    """Clopper–Pearson at its ends, from (1 − p)^n = α/2, and at 1 of 2 from the binomial sums p², 1 − (1 − p)²."""
    low, high = interval(20, 20)
    assert high == 1 and low**20 == pytest.approx(0.025)
    low, high = interval(1, 2)
    assert 1 - (1 - low) ** 2 == pytest.approx(0.025) and 1 - high**2 == pytest.approx(0.025)


def test_a_run_kills_and_remembers(tmp_path: Path) -> None:
    folder, results = tmp_path / "reached", tmp_path / "results.json"
    line = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.mutation.reach",
        "-p",
        "no:cacheprovider",
        "tests/theory/test_wick.py::test_the_recursion_equals_the_sum_over_pairings",
    ]
    subprocess.run(line, cwd=trial.ROOT, env={**os.environ, "REACHED": str(folder)}, capture_output=True, check=True)
    line = [sys.executable, "-m", "tests.mutation", "theory.wick", "--number", "3", "--jobs", "1"]
    line += ["--reached", str(folder), "--results", str(results)]
    first = subprocess.run(line, cwd=trial.ROOT, capture_output=True, text=True, check=True).stdout
    assert "3 of 3 killed" in first
    kept = json.loads(results.read_text())
    assert {record["what"] for record in kept.values()} <= {trial.KILLED, trial.ENDLESS}
    assert any(record["by"].startswith("tests/theory/test_wick.py::test_") for record in kept.values())
    alive = next(iter(kept))
    kept[alive]["what"] = trial.LIVES
    results.write_text(json.dumps(kept))
    second = subprocess.run([*line, "--show"], cwd=trial.ROOT, capture_output=True, text=True, check=True).stdout
    assert "2 of 3 killed" in second and alive in second and "not run" not in second
    del kept[alive]
    told = runner.table(drawn(["theory.wick"], 3, 0), kept, "")
    assert "2 of 2 killed" in told and "1 more were drawn and not run" in told


def test_what_is_kept_holds_until_its_module_or_for_survivors_a_test_changes(tmp_path: Path) -> None:
    source, tests = digest([trial.path_of("theory.wick")]), every_test()
    killed = {"source": source, "tests": "others", "what": trial.KILLED, "by": "a test"}
    assert holds(killed, "theory.wick") and not holds(killed, "theory.jets") and not holds(None, "theory.wick")
    assert not holds({**killed, "what": trial.LIVES}, "theory.wick")
    assert holds({**killed, "what": trial.LIVES, "tests": tests}, "theory.wick")


def test_a_change_is_put_into_the_functions_that_are_there() -> None:
    """(3 + 1) − 1 = 3 becomes 5 in a function within one that remembers; what is at import is no function's."""
    asked = """if True:
        from tests.mutation import resident
        from tests.mutation.__main__ import changes_of
        from theory.recursion import for_moments

        def number(module, told):
            return next(k for k, change in enumerate(changes_of(module)) if change.told.endswith(told))

        before = for_moments(3)(1)
        pairs = resident.within("theory.recursion", number("theory.recursion", "top + 1 + degree"))
        at_import = resident.within("theory.escape", number("theory.escape", "without frozen=True"))
        print([before, [one.co_name for one, _ in pairs], resident.install(pairs), for_moments(3)(1), at_import])
        print([resident.install(pairs)])  # the plain code is gone
    """
    line = [sys.executable, "-c", asked]
    told = subprocess.run(line, cwd=trial.ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [ast.literal_eval(one) for one in told] == [[3, ["for_moments"], True, 5, []], [False]]


def test_a_process_with_the_tests_collected_tells_the_killed_from_those_that_live() -> None:
    asked = """if True:
        from tests.mutation import resident, trial
        from tests.mutation.__main__ import changes_of

        test = "tests/theory/test_wick.py::test_the_recursion_equals_the_sum_over_pairings"
        inverted = next(k for k, change in enumerate(changes_of("theory.wick")) if change.told.startswith("if "))

        def work(run):
            for k, tests in ((inverted, [test]), (None, [test]), (None, [test + "_not"])):
                yield run("theory.wick", k, tests)[:2]

        print(list(resident.results(work, [test.split("::")[0]])))
    """
    line = [sys.executable, "-c", asked]
    told = subprocess.run(line, cwd=trial.ROOT, capture_output=True, text=True, check=True).stdout
    (killed, by), *others = ast.literal_eval(told)
    assert killed == trial.KILLED and by.startswith("tests/theory/test_wick.py::test_")
    assert others == [[trial.LIVES, ""], [trial.OTHERS, ""]]


def test_a_test_that_runs_for_ever_is_named() -> None:
    asked = """if True:
        import resource, sys, time
        from tests.mutation import resident

        resident._limit(time.process_time(), resource.RLIM_INFINITY, "a test", 1)
        while True:
            pass
    """
    ended = subprocess.run([sys.executable, "-c", asked], cwd=trial.ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (trial.OUT_OF_TIME, "a test")


@pytest.mark.parametrize("alone", [trial.LIVES, trial.ENDLESS, trial.KILLED])
def test_what_takes_too_long_once_and_passes_alone_is_not_killed_by_it(
    monkeypatch: pytest.MonkeyPatch, alone: str
) -> None:
    """The first answer names a test; where it passes alone, at what it costs the sources, the other is asked without it."""
    slow, quick = "tests/a.py::slow", "tests/a.py::quick"
    line = {changes_of("theory.wick")[0].line: [slow, quick]}
    monkeypatch.setattr(
        runner, "reached", lambda folder: reach.Reach({slow: 1, quick: 2}, {"theory/wick.py": line}, {})
    )
    monkeypatch.setattr(reach.Reach, "newer", lambda self, file: [])
    ends = {(None, slow): trial.LIVES, (0, slow): alone, (0, f"{quick} --deselect={slow}"): trial.LIVES}
    asked = []

    def run(module: str, k: int | None, tests: list[str], seconds: float | None = None) -> trial.Outcome:
        asked.append((k, " ".join(tests), seconds))
        return (
            trial.Outcome(trial.ENDLESS, slow, 1, 1)
            if len(asked) == 1
            else trial.Outcome(ends[asked[-1][:2]], "", 7, 7)
        )

    record = runner.meet(("theory.wick", 0, ""), 60, Path(), run)
    assert (record["what"], record["by"]) == (alone, "" if alone == trial.LIVES else slow)
    assert asked[:3] == [(0, f"{slow} {quick}", 3), (None, slow, None), (0, slow, 7)]
    if alone == trial.LIVES:
        assert asked[3:] == [(0, f"{quick} --deselect={slow}", 3)]

"""Does a test notice when one small thing is changed? `python -m tests.mutation [MODULE …]` changes it and runs the tests.

`--number` changes are drawn by `--seed` from all `changes` of the modules (by default `theory` and `numerics`, the estimators
of `sampler` and the comparison rules of `ledger`), each as likely as any other, so that the share killed has an exact interval
(95%, Clopper–Pearson). A mutant meets the tests that ran the changed line (`reach`: the default run once under `coverage`, kept
in `.reach`), the cheapest first, until one fails, and before them the files of tests that are newer than that; a line that runs at
import alone meets all tests that ran its module. A test that kills must pass on the sources as they stand, in a process of its own.

Results are kept in `results.json`, each with the hash of its module and the test that killed; a mutant is not run again while the
module is the same, but what lives is, once a test is newer. Survivors that compute the same stand in EQUIVALENT.md with the reason.
"""

import argparse
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from scipy.stats import beta

from tests.mutation import changes, reach, resident, trial

ROOT = trial.ROOT
REACH = ROOT / ".reach"
NEWER = 10.0  # processor seconds that a file of tests is taken to cost before it is known
LEFT_OUT = [f"--ignore=tests/{name}" for name in ("notebooks", "docs", "mutation")]
RESULTS = Path(__file__).with_name("results.json")
EQUIVALENT = Path(__file__).with_name("EQUIVALENT.md")
ESTIMATORS = (
    "llc", "susceptibility", "influence", "information", "martingale", "control", "correction", "moments", "diagnostics",
    "diagnosis", "reweighting", "standardize", "spectroscopy", "stepsize", "patterning", "posterior", "conventions", "quadratic",
    "kernels",
)  # fmt: skip
RULES = ("compare", "coefficient", "evidence", "identity", "claim", "answers", "discrete", "regression")
DEFAULT = ("theory", "numerics", *(f"sampler.{name}" for name in ESTIMATORS), *(f"ledger.{name}" for name in RULES))
Drawn = tuple[str, int, str]  # module, number of the change, its name
Results = dict[str, dict[str, str]]
Run = Callable[..., trial.Outcome]


def modules(names: Iterable[str]) -> list[str]:
    """The modules with these names, and those of packages among them, each once."""
    found = []
    for name in names:
        directory = ROOT.joinpath(*name.split("."))
        files = sorted(directory.rglob("*.py")) if directory.is_dir() else [trial.path_of(name)]
        if not all(file.is_file() for file in files):
            raise SystemExit(f"{name} is no module of the house: give one as theory.jets or numerics")
        found += [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    return list(dict.fromkeys(found))


@cache
def changes_of(module: str) -> list[changes.Change]:
    return changes.changes(ast.parse(trial.path_of(module).read_text()))


def statement(module: str, line: int) -> int:
    """The first line of the innermost statement on this line: a line of its own is not always told apart when it runs."""
    tree = ast.parse(trial.path_of(module).read_text())
    around = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or line)
    ]
    return max(around, default=line)


def drawn(chosen: Iterable[str], number: int, seed: int) -> list[Drawn]:
    """So many of all changes of these modules, each as likely as any other; a change of one module leaves the draws in others."""
    every = [(module, k, change.name) for module in chosen for k, change in enumerate(changes_of(module))]

    def lot(one: Drawn) -> bytes:
        return hashlib.sha256(f"{seed} {one[0]}:{one[2]}".encode()).digest()

    return sorted(every, key=lot)[:number]


def collect(folder: Path) -> None:
    """The default run under coverage; only tests that pass are kept."""
    print("python -m pytest under coverage, to see which test runs which line: half an hour on two cores", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    line = [sys.executable, "-m", "pytest", "-q", "-n", str(os.cpu_count()), "-p", "tests.mutation.reach", *LEFT_OUT]
    subprocess.run(line, cwd=ROOT, env={**os.environ, "REACHED": str(folder)}, check=False)


reached = cache(reach.read)


def _file(module: str) -> str:
    return str(trial.path_of(module).relative_to(ROOT))


def selection(module: str, k: int, patience: float, found: reach.Reach) -> tuple[list[str], float]:
    """Files of tests that are newer than what is known of them, then the tests that ran the line of the k-th change, the cheapest
    first, within `patience` processor seconds; and their cost."""
    file, line = _file(module), changes_of(module)[k].line
    tests = found.newer(file)
    newer, spent = set(tests), NEWER * len(tests)
    for test in found.tests(file, line, statement(module, line)):
        if spent > patience:
            break
        if test.split("::")[0] not in newer:
            tests.append(test)
            spent += found.cost[test]
    return tests, spent


@cache
def sound(test: str, run: Run = trial.run) -> bool:
    """Whether the test passes alone on the sources as they stand."""
    return run("", None, [test]).what == trial.LIVES


def collected(tests: Sequence[str]) -> bool:
    """Whether these tests can be collected from the sources as they stand."""
    return trial.run("", None, ["--collect-only", *tests]).what == trial.LIVES


def meet(
    one: Drawn, patience: float, folder: Path, run: Run = trial.run, among: tuple[str, ...] = ("tests",)
) -> dict[str, str]:
    """The record of one mutant before the tests in these folders."""
    module, k, _ = one
    tests, cost = selection(module, k, patience, reached(folder))
    tests = [test for test in tests if test.startswith(among)]
    what, by, unsound = trial.LIVES, "", list[str]()
    while tests:
        chosen = [*tests, *(f"--deselect={test}" for test in unsound)]
        what, by, *_ = run(module, k, chosen, cost)
        if what == trial.ENDLESS:
            # What others had left in memory may have made its tests cheap: measure, and try again.
            again = [by] if by else chosen
            plain = run(module, None, again)
            what, failed, *_ = run(module, k, again, plain.processor if by else max(cost, plain.processor))
            if by and what == trial.LIVES:
                unsound.append(by)  # it only took longer here
                tests = [test for test in tests if test != by]
                continue
            by = failed or by
        if what == trial.OTHERS:
            files = sorted({test.split("::")[0] for test in tests})
            tests, what = [] if files == tests else files, trial.LIVES
        elif what == trial.KILLED and by == trial.IMPORT and not collected(chosen):
            raise SystemExit(
                f"pytest cannot collect {', '.join(tests)} from the sources as they stand: mend them first"
            )
        elif what == trial.KILLED and "::" in by and not sound(by, run):
            unsound.append(by)
            tests, what, by = [test for test in tests if test != by], trial.LIVES, ""
        else:
            break
    return {"source": digest([trial.path_of(module)]), "tests": every_test(), "what": what, "by": by}


def digest(files: Iterable[Path]) -> str:
    return reach.digest("".join(file.read_text() for file in files))


@cache
def every_test() -> str:
    return digest(sorted((ROOT / "tests").rglob("test_*.py")))


def holds(record: dict[str, str] | None, module: str) -> bool:
    """Whether what is kept of a mutant need not be run again."""
    if record is None or record["source"] != digest([trial.path_of(module)]):
        return False
    return record["what"] != trial.LIVES or record["tests"] == every_test()


def examine(todo: Sequence[Drawn], patience: float, folder: Path, jobs: int) -> Iterator[tuple[str, dict[str, str]]]:
    """(name, record) of every mutant, in the order in which they end. Those that a process with the quick tests collected can have
    in its functions meet these first; what is not killed by them meets all its tests."""
    swapped = [one for one in todo if one[0].startswith(resident.PACKAGES) and resident.within(*one[:2])]
    others = [one for one in todo if one not in swapped]
    if swapped:
        folders = tuple(f"tests/{name}/" for name in resident.PACKAGES)
        found = reached(folder)
        files = {file for module in {one[0] for one in swapped} for file in found.files_of(_file(module))}
        for number, record in resident.results(
            lambda run: _pool(swapped, patience, folder, jobs, run, folders),
            sorted(file for file in files if file.startswith(folders)),
            found.cost,
        ):
            module, _, name = one = swapped[number]
            if record["what"] in (trial.KILLED, trial.ENDLESS):
                yield f"{module}:{name}", record
            else:
                others.append(one)
    for number, record in _pool(others, patience, folder, jobs, trial.run, ("tests",)):
        module, _, name = others[number]
        yield f"{module}:{name}", record


def _pool(
    todo: Sequence[Drawn], patience: float, folder: Path, jobs: int, run: Run, among: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str]]]:
    """(which, record) of every mutant."""
    with ProcessPoolExecutor(jobs, get_context("fork"), _remember, (run,)) as pool:
        futures: dict[Future, int] = {pool.submit(_met, one, patience, folder, among): k for k, one in enumerate(todo)}
        for future in as_completed(futures):
            yield futures[future], future.result()


_run: Run = trial.run


def _remember(run: Run) -> None:
    global _run
    _run = run


def _met(one: Drawn, patience: float, folder: Path, among: tuple[str, ...]) -> dict[str, str]:
    return meet(one, patience, folder, _run, among)


def interval(killed: int, run: int) -> tuple[float, float]:
    """Clopper–Pearson, 95%."""
    low = float(beta.ppf(0.025, killed, run - killed + 1)) if killed else 0.0
    high = float(beta.ppf(0.975, killed + 1, run - killed)) if killed < run else 1.0
    return low, high


def table(sample: Sequence[Drawn], results: Results, equivalent: str) -> str:
    """A line for each package, every survivor, and the score."""
    run, alive = Counter[str](), Counter[str]()
    survivors, older, missing = [], 0, 0
    for module, _, name in sample:
        record, full = results.get(f"{module}:{name}"), f"{module}:{name}"
        if record is None:
            missing += 1
            continue
        package = module.rpartition(".")[0] or module
        run[package] += 1
        older += not holds(record, module)
        if record["what"] == trial.LIVES:
            alive[package] += 1
            survivors.append((full, full in equivalent))
    lines = [f"{package:24} {run[package]:4} run, {alive[package]:3} live" for package in sorted(run)]
    lines += [f"    {name}{'   (equivalent)' if known else ''}" for name, known in sorted(survivors)]
    if total := run.total():
        killed, known = total - len(survivors), sum(known for _, known in survivors)
        low, high = interval(killed, total)
        lines.append(f"{killed} of {total} killed: {killed / total:.3f} [{low:.3f}, {high:.3f}]")
        if known:
            low, high = interval(killed, total - known)
            lines.append(
                f"without the {known} that compute the same: {killed / (total - known):.3f} [{low:.3f}, {high:.3f}]"
            )
    if missing:
        lines.append(
            f"{missing} more were drawn and not run: those that are killed end first, so that the share is too high"
        )
    return "\n".join([*lines, *([f"{older} of these are older than their module or than a test"] if older else [])])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", default=DEFAULT, metavar="MODULE")
    parser.add_argument("--number", type=int, default=400, help="changes drawn from all modules (default 400)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=60, help="processor seconds of tests a mutant (default 60)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time (default: the processors)"
    )
    parser.add_argument("--show", action="store_true", help="print what is kept and run nothing")
    parser.add_argument("--reach", action="store_true", help="collect anew which test runs which line")
    parser.add_argument("--reached", type=Path, default=REACH, metavar="FOLDER", help="where that is kept")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="where results are kept")
    arguments = parser.parse_args()
    kept: Results = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    sample = drawn(modules(arguments.modules), arguments.number, arguments.seed)
    todo = [one for one in sample if not holds(kept.get(f"{one[0]}:{one[2]}"), one[0])]
    if todo and not arguments.show:
        if arguments.reach or not arguments.reached.is_dir():
            collect(arguments.reached)
        trial.warm()
        reached(arguments.reached)
        for done, (name, record) in enumerate(
            examine(todo, arguments.patience, arguments.reached, arguments.jobs), start=1
        ):
            kept[name] = record
            print(f"\r[{done}/{len(todo)}] {record['what']}: {name}"[:118], end="\x1b[K", flush=True)
            arguments.results.write_text(json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n")
        print()
    equivalent = EQUIVALENT.read_text() if EQUIVALENT.exists() else ""
    print(table(sample, kept, equivalent))


if __name__ == "__main__":
    main()

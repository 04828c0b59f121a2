"""Does a test notice when one small thing is changed? `python -m tests.mutation [MODULE …]` changes it and runs the tests.

For each module (by default all of `theory` and `numerics`, the estimators of `sampler` and the comparison rules of `ledger`)
`--each` changes are drawn by `--seed` from all of `changes`, and each mutant meets the tests that import the module, the mirrored
file first, until one fails (`trial`). Results are kept in `results.json` under the hash of the module and its tests, and only
what is new is run. The table gives for each module how many lived, and for the whole the share killed with its exact 95% interval
(Clopper–Pearson), since the changes were drawn at random. Survivors that compute the same stand in EQUIVALENT.md with the reason.
"""

import argparse
import ast
import hashlib
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scipy.stats import beta

from tests.mutation import changes, trial

ROOT = trial.ROOT
RESULTS = Path(__file__).with_name("results.json")
EQUIVALENT = Path(__file__).with_name("EQUIVALENT.md")
ESTIMATORS = (
    "llc", "susceptibility", "influence", "information", "martingale", "control", "correction", "moments", "diagnostics",
    "diagnosis", "reweighting", "standardize", "spectroscopy", "stepsize", "patterning", "posterior", "conventions", "quadratic",
    "kernels",
)  # fmt: skip
RULES = ("compare", "coefficient", "evidence", "identity", "claim", "answers", "discrete", "regression")
DEFAULT = ("theory", "numerics", *(f"sampler.{name}" for name in ESTIMATORS), *(f"ledger.{name}" for name in RULES))


def modules(names: Sequence[str]) -> list[str]:
    """The modules with these names, and those of packages among them."""
    found = []
    for name in names:
        directory = ROOT.joinpath(*name.split("."))
        files = sorted(directory.rglob("*.py")) if directory.is_dir() else [trial.path_of(name)]
        if not all(file.is_file() for file in files):
            raise SystemExit(f"{name} is no module of the house: give one as theory.jets or numerics")
        found += [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    return found


def selection(module: str) -> list[str]:
    """The test files that import the module, the mirrored one first, the shorter before the longer."""
    pattern = _imports(module)
    package, _, stem = module.rpartition(".")
    mirrored = ROOT / "tests" / Path(*package.split(".")) / f"test_{stem}.py"
    found = {file for file in (ROOT / "tests").rglob("test_*.py") if pattern.search(file.read_text())}
    if mirrored.is_file():
        found.add(mirrored)
    if not found:  # the package's tests reach it through its neighbours
        found = set((ROOT / "tests" / Path(*package.split("."))).glob("test_*.py"))
    if not found and package:
        return selection(package)
    return [
        str(f.relative_to(ROOT))
        for f in sorted(found, key=lambda f: (f != mirrored, f.parts[-2] != package, f.stat().st_size))
    ]


def _imports(module: str) -> re.Pattern[str]:
    package, _, stem = module.rpartition(".")
    return re.compile(
        rf"^\s*(from {re.escape(package)} import [^\n]*\b{stem}\b|(from|import) {re.escape(module)}\b"
        rf"|from {re.escape(package)} import \([^)]*\b{stem}\b)",
        re.MULTILINE,
    )


def key(module: str, tests: Sequence[str]) -> str:
    digest = hashlib.sha256(trial.path_of(module).read_bytes())
    for test in tests:
        digest.update((ROOT / test).read_bytes())
    return digest.hexdigest()[:16]


class Bench:
    """Tests with what they cost on the sources as they stand, each measured when it is first needed."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.plain: dict[str, trial.Outcome] = {}

    def meets(self, module: str, k: int, tests: Sequence[str]) -> str:
        """The first outcome of a mutant that isn't life, within `patience` processor seconds of sound tests."""
        spent = 0.0
        for test in tests:
            if spent > self.patience:
                break
            if test not in self.plain:
                self.plain[test] = trial.run(module, None, [test])
            if self.plain[test].what != trial.LIVES:
                continue
            spent += self.plain[test].cost.processor
            outcome = trial.run(module, k, [test], self.plain[test].cost)
            if outcome.what != trial.LIVES:
                return outcome.what
        return trial.LIVES


def examine(module: str, draw: tuple[int, int], known: dict[str, Any], bench: Bench) -> Iterator[dict[str, Any]]:
    """The record of a module, yielded again after each mutant; draw: how many, by which seed."""
    each, seed = draw
    tests = selection(module)
    every = changes.changes(ast.parse(trial.path_of(module).read_text()))
    drawn = random.Random(f"{seed} {module}").sample(range(len(every)), min(each, len(every)))
    record = known.get(module, {})
    if record.get("key") != key(module, tests):
        record = {"key": key(module, tests), "changes": len(every), "outcomes": {}}
    for k in drawn:
        if every[k].name not in record["outcomes"]:
            record["outcomes"][every[k].name] = bench.meets(module, k, tests)
            yield record
    yield record


def interval(killed: int, run: int) -> tuple[float, float]:
    """Clopper–Pearson, 95%."""
    low = float(beta.ppf(0.025, killed, run - killed + 1)) if killed else 0.0
    high = float(beta.ppf(0.975, killed + 1, run - killed)) if killed < run else 1.0
    return low, high


def table(records: dict[str, Any], equivalent: str) -> str:
    """A line for each module, survivors below it, the score at the end."""
    lines, run, killed, excused = [], 0, 0, 0
    for module, record in records.items():
        outcomes = record["outcomes"]
        alive = [name for name, what in outcomes.items() if what == trial.LIVES]
        known = [name for name in alive if f"{module}:{name}" in equivalent]
        endless = sum(what == trial.ENDLESS for what in outcomes.values())
        run, killed, excused = run + len(outcomes), killed + len(outcomes) - len(alive), excused + len(known)
        older = "" if record["key"] == key(module, selection(module)) else "  (source or tests are newer)"
        lines.append(
            f"{module:42} {len(outcomes):4} of {record['changes']:5}  for ever {endless:2}  live {len(alive):3}{older}"
        )
        lines += [f"    {name}{'   (equivalent)' if name in known else ''}" for name in alive]
    if run:
        low, high = interval(killed, run)
        lines.append(
            f"{killed} of {run} killed: {killed / run:.3f} [{low:.3f}, {high:.3f}]"
            f"; {excused} of {run - killed} survivors are listed as equivalent"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", default=DEFAULT, metavar="MODULE")
    parser.add_argument("--each", type=int, default=8, help="changes drawn in each module (default 8)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=120, help="processor seconds of tests a mutant (default 120)")
    parser.add_argument("--show", action="store_true", help="print what is kept and run nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="where results are kept")
    arguments = parser.parse_args()
    kept: dict[str, Any] = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    chosen = modules(arguments.modules)
    if not arguments.show:
        trial.warm()
        bench = Bench(arguments.patience)
        for number, module in enumerate(chosen, start=1):
            for record in examine(module, (arguments.each, arguments.seed), kept, bench):
                kept[module] = record
                alive = sum(what == trial.LIVES for what in record["outcomes"].values())
                print(
                    f"\r[{number}/{len(chosen)}] {module}: {len(record['outcomes'])} run, {alive} live",
                    end="\x1b[K",
                    flush=True,
                )
                arguments.results.write_text(
                    json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n"
                )
            print()
    equivalent = EQUIVALENT.read_text() if EQUIVALENT.exists() else ""
    print(table({module: kept[module] for module in chosen if module in kept}, equivalent))


if __name__ == "__main__":
    main()

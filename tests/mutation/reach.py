"""Which tests run which lines of the house: a plugin of pytest, `python -m pytest -p tests.mutation.reach`.

Every test is a context of `coverage`; what it ran, whether it passed and what it cost are written when the process ends, a file for
each process of xdist, into the folder that `REACHED` in the environment names. `read` puts them together.
"""

import hashlib
import json
import os
import re
import resource
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ("theory", "numerics", "sampler", "ledger")


@dataclass(frozen=True)
class Reach:
    """cost: processor seconds of every test that passed; lines: {file: {line: the tests that ran it}}; files: the hash of each
    file of tests, as it was then."""

    cost: dict[str, float]
    lines: dict[str, dict[int, list[str]]]
    files: dict[str, str] = field(default_factory=dict)

    def tests(self, file: str, *lines: int) -> list[str]:
        """The tests that ran the first of these lines that any ran, or any line of the module where these run at import, and what
        names the module; the cheapest first."""
        known = self.lines.get(file, {})
        found = next((known[line] for line in lines if known.get(line)), [])
        named = f"[{module_of(file)}]"
        found = found or {test for tests in known.values() for test in tests} | {
            test for test in self.cost if test.endswith(named)
        }
        return sorted(found, key=lambda test: (self.cost[test], test))

    def files_of(self, file: str) -> set[str]:
        """The files of tests that ran a line of the module, and those that are newer."""
        return self._ran(file) | {*self.newer(file)}

    def _ran(self, file: str) -> set[str]:
        return {test.split("::")[0] for tests in self.lines.get(file, {}).values() for test in tests}

    def newer(self, file: str) -> list[str]:
        """The files of tests that are not as they were, of those that ran the module or import it by name."""
        known = self._ran(file)
        package, _, stem = module_of(file).rpartition(".")
        imports = re.compile(
            rf"^from {re.escape(package)} import ([^\n]*|\([^)]*)\b{stem}\b|^(from|import) {re.escape(package)}\.{stem}\b",
            re.MULTILINE,
        )
        found = []
        for test in sorted((ROOT / "tests").rglob("test_*.py")):
            name, text = str(test.relative_to(ROOT)), test.read_text()
            if self.files.get(name) != digest(text) and (name in known or imports.search(text)):
                found.append(name)
        return found


def module_of(file: str) -> str:
    """The name by which a file of the house is imported."""
    return file.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read(folder: Path) -> Reach:
    cost: dict[str, float] = {}
    files: dict[str, str] = {}
    lines: dict[str, dict[int, list[str]]] = {}
    for part in sorted(folder.glob("*.json")):
        found = json.loads(part.read_text())
        cost |= found["cost"]
        files |= found["files"]
        names = found["names"]
        for file, run in found["lines"].items():
            for line, numbers in run.items():
                here = lines.setdefault(file, {}).setdefault(int(line), [])
                here += [names[k] for k in numbers]
    passed = {file: {line: [t for t in ts if t in cost] for line, ts in run.items()} for file, run in lines.items()}
    return Reach(cost, passed, files)


def _used() -> float:
    return sum(sum(resource.getrusage(whose)[:2]) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


class Recorder:
    def __init__(self, folder: Path) -> None:
        import coverage

        self.folder, self.cost, self.passed = folder, dict[str, float](), dict[str, bool]()
        self.coverage = coverage.Coverage(
            data_file=None, config_file=False, include=[f"{ROOT / package}/*" for package in HOUSE], messages=False
        )
        self.coverage.start()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: Any) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        before = _used()
        yield
        self.cost[item.nodeid] = _used() - before
        self.coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed[report.nodeid] = report.passed and self.passed.get(report.nodeid, True)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        names: dict[str, int] = {}
        lines: dict[str, dict[str, list[int]]] = {}
        for file in data.measured_files():
            reached = {
                str(line): [names.setdefault(context, len(names)) for context in contexts if context]
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            lines[str(Path(file).relative_to(ROOT))] = {line: tests for line, tests in reached.items() if tests}
        cost = {test: round(seconds, 3) for test, seconds in self.cost.items() if self.passed.get(test)}
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.json"
        files = {
            name: digest((ROOT / name).read_text()) for name in sorted({test.split("::")[0] for test in self.cost})
        }
        part.write_text(json.dumps({"cost": cost, "names": list(names), "lines": lines, "files": files}))


def pytest_configure(config: pytest.Config) -> None:
    folder = os.environ.get("REACHED")
    if folder and (hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None)):
        config.pluginmanager.register(Recorder(Path(folder)), "reach-recorder")

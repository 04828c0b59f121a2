"""One mutant against its tests, in a fork of a process that has the outside packages loaded and nothing of the house.

Nothing is written: the module under test is compiled from its changed syntax tree when it is imported. A mutant is *killed* by a
failing test or an error at import, *runs for ever* when it takes more than four times the processor seconds of the sources as
they stand and ten more (or twelve times their wall time and a minute), and *lives* when all its tests pass. Where the tests asked
for do not exist with it (cases that are named after values of the house) it *has other tests*: nobody would be told of that.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType
from typing import NamedTuple

from tests.conftest import COMPILED
from tests.mutation import changes

ROOT = Path(__file__).parents[2]
OUTSIDE = (
    "numpy",
    "scipy.stats",
    "scipy.integrate",
    "sympy",
    "flint",
    "mpmath",
    "networkx",
    "hypothesis",
    "pytest",
    "xarray",
    "jax",
)
KILLED, ENDLESS, LIVES, OTHERS = "killed", "runs for ever", "lives", "has other tests"
NOT_SWAPPED, OUT_OF_TIME = 7, 8
UNSWAPPED = "has no function in memory"
_OF_EXIT = {
    0: LIVES,
    4: OTHERS,
    5: OTHERS,
    NOT_SWAPPED: UNSWAPPED,
    OUT_OF_TIME: ENDLESS,
}  # pytest: passed, no such test, no test
Body = Callable[[str, int | None, Sequence[str], int], int]

IMPORT = "import"


class Outcome(NamedTuple):
    """What became of it, by which test (`IMPORT` where the tests could not be collected; with nothing where it is not known),
    processor and wall seconds."""

    what: str
    by: str
    processor: float
    wall: float


class _Loader(importlib.machinery.SourceFileLoader):
    """A module as its k-th change makes it."""

    def __init__(self, name: str, path: str, k: int) -> None:
        super().__init__(name, path)
        self.k = k

    def get_code(self, fullname: str) -> CodeType:
        tree, _ = changes.mutated(Path(self.path).read_text(), self.k)
        return compile(tree, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, module: str, path: Path, k: int) -> None:
        self.module, self.path, self.k = module, path, k

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.module:
            return None
        places = [str(self.path.parent)] if self.path.name == "__init__.py" else None
        loader = _Loader(fullname, str(self.path), self.k)
        return importlib.util.spec_from_file_location(
            fullname, self.path, loader=loader, submodule_search_locations=places
        )


class _Witness:
    """The first test that fails, told through a pipe."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe

    def pytest_runtest_logreport(self, report: object) -> None:
        if getattr(report, "failed", False):
            os.write(self.pipe, (str(getattr(report, "nodeid", "")) + "\n").encode())


def path_of(module: str) -> Path:
    """The file of a module of the house."""
    stem = ROOT.joinpath(*module.split("."))
    return stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")


def warm() -> None:
    """Load the outside packages once; no thread starts (jax opens its backend at first use only, in the forks)."""
    os.environ["MUTANT_UNDER_TEST"] = "1"
    for name, value in COMPILED.items():  # most mutants run the same compiled programs as the sources do
        os.environ.setdefault(name, value)
    for package in OUTSIDE:
        importlib.import_module(package)


def run(
    module: str, k: int | None, tests: Sequence[str], seconds: float | None = None, body: Body | None = None
) -> Outcome:
    """The k-th mutant of `module` (None: the module as it stands) against `tests`, which cost the sources so many seconds; `body`
    runs them and returns pytest's code (by default from nothing of the house)."""
    start = time.monotonic()
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(here)
        _child(module, k, tests, seconds, there, body or _anew)
    os.close(there)
    longest = 3000.0 if seconds is None else 12 * seconds + 60
    ended, status, used = os.wait4(child, os.WNOHANG)
    while not ended and time.monotonic() - start < longest:
        time.sleep(0.02)
        ended, status, used = os.wait4(child, os.WNOHANG)
    if not ended:
        os.killpg(child, signal.SIGKILL)
        _, status, used = os.wait4(child, 0)
    with os.fdopen(here) as pipe:
        os.set_blocking(here, False)  # a grandchild that was left behind may hold the other end
        by = pipe.readline().strip() or IMPORT
    costs = used.ru_utime + used.ru_stime, time.monotonic() - start
    if not ended or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)):
        return Outcome(ENDLESS, "", *costs)
    if os.WIFSIGNALED(status):
        return Outcome(KILLED, signal.Signals(os.WTERMSIG(status)).name, *costs)
    what = _OF_EXIT.get(os.WEXITSTATUS(status), KILLED)
    return Outcome(what, by if what in (KILLED, ENDLESS) else "", *costs)


def limit(seconds: float) -> float:
    """Processor seconds after which tests that take the sources so many are said to run for ever."""
    return 4 * seconds + 10


def silence() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _child(module: str, k: int | None, tests: Sequence[str], seconds: float | None, pipe: int, body: Body) -> None:
    os.setpgid(0, 0)
    silence()
    if seconds is not None:
        soft = int(limit(seconds))
        resource.setrlimit(resource.RLIMIT_CPU, (soft, soft + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    code = 1
    try:
        os.chdir(ROOT)
        code = body(module, k, tests, pipe)
    finally:
        os._exit(code)


def _anew(module: str, k: int | None, tests: Sequence[str], pipe: int) -> int:
    """The house is imported with the module changed."""
    import pytest

    if k is not None:
        sys.meta_path.insert(0, _Finder(module, path_of(module), k))
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return int(pytest.main([*options, *tests], plugins=[_Witness(pipe)]))

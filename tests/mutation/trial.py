"""One mutant against its tests, in a fork of a process that has the outside packages loaded and nothing of the house.

Nothing is written: the module under test is compiled from its changed syntax tree when it is imported. A mutant is *killed* by a
failing test or an error at import, *runs for ever* when it takes more than four times the processor seconds of the sources as
they stand and ten more (or twelve times their wall time and a minute), and *lives* when all its tests pass.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType
from typing import NamedTuple

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
# Most mutants run the same compiled programs as the sources do: jax keeps them on disk, by what they compute.
COMPILED = {
    "JAX_COMPILATION_CACHE_DIR": str(Path(tempfile.gettempdir()) / "threefold-compiled"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}
KILLED, ENDLESS, LIVES, BROKEN = "killed", "runs for ever", "lives", "broken"


class Cost(NamedTuple):
    """Processor seconds and seconds on the wall."""

    processor: float
    wall: float


class Outcome(NamedTuple):
    what: str
    cost: Cost


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


def path_of(module: str) -> Path:
    """The file of a module of the house."""
    stem = ROOT.joinpath(*module.split("."))
    return stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")


def warm() -> None:
    """Load the outside packages once; no thread starts (jax opens its backend at first use only, in the forks)."""
    os.environ["MUTANT_UNDER_TEST"] = "1"
    for name, value in COMPILED.items():
        os.environ.setdefault(name, value)
    for package in OUTSIDE:
        importlib.import_module(package)


def run(module: str, k: int | None, tests: Sequence[str], plain: Cost | None = None) -> Outcome:
    """The k-th mutant of `module` (None: the module as it stands) against `tests`; `plain` is what the latter cost."""
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        _child(module, k, tests, plain)
    limit = 12 * plain.wall + 60 if plain else 3000.0
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() - start > limit:
            os.killpg(child, signal.SIGKILL)
            _, status, used = os.wait4(child, 0)
            return Outcome(ENDLESS, Cost(used.ru_utime + used.ru_stime, time.monotonic() - start))
        time.sleep(0.02)
    cost = Cost(used.ru_utime + used.ru_stime, time.monotonic() - start)
    if os.WIFSIGNALED(status):
        return Outcome(ENDLESS if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else KILLED, cost)
    code = os.WEXITSTATUS(status)
    return Outcome({0: LIVES, 5: BROKEN}.get(code, KILLED), cost)


def _child(module: str, k: int | None, tests: Sequence[str], plain: Cost | None) -> None:
    os.setpgid(0, 0)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    if plain is not None:
        seconds = int(4 * plain.processor + 10)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    code = 1
    try:
        os.chdir(ROOT)
        import pytest

        if k is not None:
            sys.meta_path.insert(0, _Finder(module, path_of(module), k))
        code = int(pytest.main(["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
    finally:
        os._exit(code)

"""Mutants in forks of one process that has the tests collected: the changed code is put into the functions that are there.

`trial` begins each mutant with nothing of the house, as a change that runs at import needs; here a change within a function costs
no more than the tests that it meets. What was remembered (`functools.cache`) is forgotten first. jax opens its backend in the forks
only, since its threads would not survive one: no test may compute with jax when it is imported.
"""

import ast
import functools
import gc
import json
import os
import resource
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any

import pytest
from jax._src import xla_bridge

from tests.mutation import changes, trial

PACKAGES = ("theory", "numerics", "sampler", "ledger")
_COMPREHENSIONS = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")


def within(module: str, k: int) -> list[tuple[CodeType, CodeType]]:
    """(code as it stands, code with the k-th change) of the outermost functions that the change alters; none where it alters what
    runs at import."""
    path = trial.path_of(module)
    source = path.read_text()
    plain = compile(ast.parse(source), str(path), "exec", dont_inherit=True)
    changed = compile(changes.mutated(source, k)[0], str(path), "exec", dont_inherit=True)
    return list(_differing(plain, changed) or [])


def _differing(plain: CodeType, changed: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """None where these two differ in themselves, not in functions within them."""
    if _shell(plain) != _shell(changed):
        return None
    found = []
    for one, other in zip(_codes(plain), _codes(changed), strict=True):
        if one == other:
            continue
        if one.co_name in _COMPREHENSIONS:
            return None
        if one.co_flags & 0x2:  # CO_NEWLOCALS: a function; else the body of a class
            found.append((one, other))
        elif (inner := _differing(one, other)) is None:
            return None
        else:
            found += inner
    return found


def _codes(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _shell(code: CodeType) -> tuple[object, ...]:
    constants = [None if isinstance(c, CodeType) else (type(c), repr(c)) for c in code.co_consts]
    return code.co_code, constants, code.co_names, code.co_varnames


def install(pairs: Iterable[tuple[CodeType, CodeType]]) -> bool:
    """Give the functions of this process their other code; whether there were functions with each."""
    functions = [each for each in gc.get_objects() if type(each) is FunctionType]
    for plain, changed in pairs:
        found = [f for f in functions if f.__code__ == plain and f.__code__.co_filename == plain.co_filename]
        if not found or any(f.__code__.co_freevars != changed.co_freevars for f in found):
            return False
        for function in found:
            function.__code__ = changed
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper):
            each.cache_clear()
    return True


class Resident:
    """A plugin of pytest: instead of running the tests it hands `run` to `work`, whose results are written, a line each. `cost`:
    processor seconds of the tests on the sources as they stand; each of several has its own limit where that is known."""

    def __init__(
        self, work: Callable[[Callable[..., trial.Outcome]], Iterable[object]], pipe: int, cost: Mapping[str, float]
    ) -> None:
        self.work, self.pipe, self.cost, self.failed = work, pipe, cost, ""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items: dict[str, list[pytest.Item]] = defaultdict(list)
        for item in session.items:
            self.items[item.nodeid].append(item)
            self.items[item.nodeid.split("::")[0]].append(item)
        if xla_bridge.backends_are_initialized():
            raise pytest.UsageError(
                "a test computes with jax when it is imported, and forks would hang: move that into the test"
            )
        for result in self.work(self.run):
            os.write(self.pipe, (json.dumps(result) + "\n").encode())
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed = self.failed or (report.nodeid if report.failed else "")

    def run(self, module: str, k: int | None, tests: Sequence[str], seconds: float | None = None) -> trial.Outcome:
        """As `trial.run`."""
        return trial.run(module, k, tests, seconds, self._body)

    def _body(self, module: str, k: int | None, tests: Sequence[str], pipe: int) -> int:
        if k is not None and not install(within(module, k)):
            return trial.NOT_SWAPPED
        left_out = {test.removeprefix("--deselect=") for test in tests if test.startswith("--")}
        asked = [test for test in tests if not test.startswith("--")]
        if not all(test in self.items for test in asked):
            return pytest.ExitCode.USAGE_ERROR
        chosen = [item for test in asked for item in self.items[test] if item.nodeid not in left_out]
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        for item, after in zip(chosen, [*chosen[1:], None], strict=True):
            if len(chosen) > 1 and item.nodeid in self.cost:
                _limit(time.process_time() + trial.limit(self.cost[item.nodeid]), hard, item.nodeid, pipe)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self.failed:
                os.write(pipe, self.failed.encode())
                return pytest.ExitCode.TESTS_FAILED
        return pytest.ExitCode.OK if chosen else pytest.ExitCode.NO_TESTS_COLLECTED


def _limit(seconds: float, hard: int, test: str, pipe: int) -> None:
    """End this process when it has used so many processor seconds, and say in which test."""

    def end(*_: object) -> None:
        os.write(pipe, test.encode())
        os._exit(trial.OUT_OF_TIME)

    signal.signal(signal.SIGXCPU, end)
    soft = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def results(
    work: Callable[[Callable[..., trial.Outcome]], Iterable[Any]],
    paths: Sequence[str],
    cost: Mapping[str, float] | None = None,
) -> Iterator[Any]:
    """What `work` yields, as JSON has it, in a process where the tests of these paths are collected and it may `run` mutants."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(here)
        code = 1
        try:
            trial.silence()
            os.chdir(trial.ROOT)
            code = int(
                pytest.main(
                    ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *paths],
                    plugins=[Resident(work, there, cost or {})],
                )
            )
        finally:
            os._exit(code)
    os.close(there)
    with os.fdopen(here) as lines:
        yield from map(json.loads, lines)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(
            "pytest cannot collect the tests (see python -m pytest --collect-only), or one computes with jax when it is imported"
        )

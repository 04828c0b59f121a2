"""Random input for everything that reads text: the expression parsers and every command line.

Each input has a number, and the number is its seed: `text_number(n)` and `line_number(n)` are the same on every machine; `texts`
and `command_lines` make them.

What must hold of each, within LIMIT seconds:

    a parser          returns real expressions in the names allowed, or raises `BadInput` with one line
    a command line    exits with 0, 1, 2 or 3; never a traceback; at 2 exactly one line on stderr and nothing on stdout

Reading order: `judge_text`, `judge_line`, `text_faults`, `line_faults`.
Run as a script to look for faults: `python -m tests.trust.fuzz FIRST COUNT`.
"""

import io
import random
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import sympy as sp

from ledger.cli import main as command_line
from tests.trust.command_lines import BROKEN, line
from tests.trust.texts import NAMES, text
from theory.errors import BadInput
from theory.expression import parse, parse_point, parse_variables

LIMIT = 20.0
VARIABLES = tuple(sp.Symbol(name, real=True) for name in NAMES)
EXIT_CODES = (0, 1, 2, 3)


class Fault(NamedTuple):
    """Something that must not happen: the number of the input, the input, and what came of it."""

    number: int
    what: str
    problem: str


class Hang(BaseException):
    """The time limit; no handler of `Exception` may swallow it."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `Hang` in the block after so many seconds, and again should it be swallowed."""

    def stop(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def judge_text(words: str) -> str | None:
    """What is wrong with the way the three parsers take a text; None if nothing is."""
    readers: tuple[Callable[[], object], ...] = (
        lambda: parse(words, VARIABLES),
        lambda: parse_variables(words),
        lambda: tuple(parse_point(words, VARIABLES[:1]).values()),
    )
    for reader in readers:
        try:
            with limited(LIMIT):
                found = reader()
        except BadInput as refused:
            if len(str(refused).splitlines()) != 1:
                return f"the refusal is not one line: {str(refused)!r:.200}"
            continue
        except Hang:
            return f"no answer in {LIMIT:g} s"
        except Exception as problem:
            return f"{type(problem).__name__}: {problem!s:.200}"
        for value in found if isinstance(found, tuple) else (found,):
            if not isinstance(value, sp.Expr) or value.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I):
                return f"not a real expression: {value!s:.200}"
            if isinstance(found, sp.Expr) and not value.free_symbols <= set(VARIABLES):
                return f"unknown names: {value.free_symbols}"
    return None


def judge_line(arguments: Sequence[str]) -> tuple[str | None, int | None]:
    """(what is wrong with the way the command line takes these arguments, its exit code)."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with limited(LIMIT), redirect_stdout(out), redirect_stderr(err):
            code = command_line(list(arguments))
    except Hang:
        return f"no answer in {LIMIT:g} s", None
    except SystemExit as leaving:
        return f"left by SystemExit({leaving.code})", None
    except BaseException as problem:
        return f"{type(problem).__name__}: {problem!s:.200}", None
    if code not in EXIT_CODES:
        return f"exit code {code}", code
    if "Traceback" in err.getvalue() + out.getvalue():
        return "a traceback", code
    if code == 2 and (
        out.getvalue() or err.getvalue().count("\n") != 1 or not err.getvalue().startswith("threefold: ")
    ):
        return f"exit 2 with stdout {out.getvalue()!r:.200} and stderr {err.getvalue()!r:.400}", code
    return None, code


def text_number(n: int) -> str:
    return text(random.Random(f"text {n}"))


def line_number(n: int) -> list[str]:
    return line(random.Random(f"line {n}"))


def broken_files(folder: Path) -> dict[str, str]:
    """The files that `compare` and `ising` are given, by their place holders."""
    paths = {}
    for n, content in enumerate(BROKEN):
        path = folder / f"{n}.json"
        path.write_bytes(content.encode("latin-1"))
        paths[f"BROKEN{n}"] = str(path)
    return paths


def text_faults(numbers: range) -> list[Fault]:
    """Parsers: every fault among the inputs with these numbers."""
    found = ((n, text_number(n)) for n in numbers)
    return [Fault(n, words, problem) for n, words in found if (problem := judge_text(words)) is not None]


def line_faults(numbers: range, folder: Path, tell: Callable[[list[str], int | None, float], object] = lambda *_: None):
    """Command lines: every fault among the inputs with these numbers."""
    paths, found = broken_files(folder), []
    for n in numbers:
        arguments = [paths.get(word, word) for word in line_number(n)]
        start = time.process_time()
        problem, code = judge_line(arguments)
        tell(arguments, code, time.process_time() - start)
        if problem is not None:
            found.append(Fault(n, shlex.join(line_number(n)), problem))
    return found


def main() -> None:
    """Look for faults among COUNT texts and COUNT command lines from number FIRST on; print them and where the time went."""
    first, texts, lines = map(int, sys.argv[1:4])
    spent: dict[tuple[str, int | None], list[float]] = {}

    def tell(arguments: list[str], code: int | None, seconds: float) -> None:
        spent.setdefault((arguments[0], code), []).append(seconds)
        if seconds > 5:
            print(f"slow, {seconds:.1f} s: {shlex.join(arguments)[:200]}", file=sys.stderr, flush=True)

    start = time.process_time()
    for fault in text_faults(range(first, first + texts)):
        print(f"text {fault.number} {fault.what[:200]!r}\n    {fault.problem}")
    print(f"{texts} texts: {time.process_time() - start:.1f} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for fault in line_faults(range(first, first + lines), Path(folder), tell):
            print(f"line {fault.number} {fault.what[:300]}\n    {fault.problem}", flush=True)
    for (command, code), seconds in sorted(spent.items(), key=str):
        print(f"{command:12s} {code!s:5s} {len(seconds):5d} lines {sum(seconds):7.1f} s, longest {max(seconds):.1f}")


if __name__ == "__main__":
    main()

"""The parts of an experiment on disk: what is done is done.

The idea. `folder.part("train", train, width=8, seed=0)` calls `train(width=8, seed=0)` and keeps the arrays that it returns; the
next time, with the same arguments and the same program, it reads them. Nothing stale is read: arrays count by their bytes,
functions by their program and by all functions, classes and constants of the experiment that they refer to. Files are written
aside and moved into place.

A function that takes an argument named `checkpoint` gets a path where a long chain may keep its state (`chain.run`'s `checkpoint`);
the file is removed when the part is done. One that takes `progress` gets True on a terminal and None elsewhere.

Functions: `open_folder`. Class: `Folder`.
"""

import hashlib
import inspect
import json
import os
import re
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ledger import output
from ledger.claim import Budget
from theory.errors import BadInput

MARK = "experiment.json"
GIVEN = ("checkpoint", "progress")

Arrays = dict[str, np.ndarray]


class Folder:
    """Where one experiment keeps its parts, and what it tells meanwhile."""

    def __init__(self, path: Path, name: str, tell: Callable[[str], object]):
        self.path, self.name, self.tell = path, name, tell
        (path / "parts").mkdir(parents=True, exist_ok=True)

    def part(self, name: str, make: Callable[..., Mapping[str, Any]], **arguments: Any) -> Arrays:
        """The arrays that `make(**arguments)` returns, computed once (see the module).

        Values may be arrays, numbers or strings; they come back as arrays. Raises `BadInput` for values that are not.
        """
        path = self.path / "parts" / f"{name}-{_key(make, arguments)}.npz"
        if (kept := _read(path)) is not None:
            self.tell(f"{name}: kept")
            return kept
        began = time.monotonic()
        self.tell(f"{name}: …")
        chain = path.with_suffix(".chain")
        offered = {"checkpoint": chain, "progress": True if sys.stderr.isatty() else None}
        wanted = {key: offered[key] for key in GIVEN if key in inspect.signature(make).parameters}
        made = {key: np.asarray(value) for key, value in make(**arguments, **wanted).items()}
        for key, value in made.items():
            if value.dtype == object:
                raise BadInput(f"part {name}: {key} is not an array of numbers or text; give arrays")
        aside = path.with_suffix(".new")
        with open(aside, "wb") as file:
            np.savez_compressed(file, **made)  # type: ignore[arg-type]
        os.replace(aside, path)
        chain.unlink(missing_ok=True)
        self.tell(f"{name}: {time.monotonic() - began:.1f} s")
        return made


def open_folder(path: Path, name: str, budget: Budget, tell: Callable[[str], object]) -> Folder:
    """The folder of an experiment, made or gone on with; raises `BadInput` where it cannot be written or holds something else."""
    mark = path / MARK
    try:
        if path.exists() and not path.is_dir():
            raise BadInput(f"--out {path} is a file; give the name of a folder")
        if path.exists() and any(path.iterdir()) and not mark.exists():
            raise BadInput(f"--out {path} holds other things; give a new folder or one of an earlier run")
        path.mkdir(parents=True, exist_ok=True)
        if mark.exists() and (owner := _owner(mark)) != name:
            raise BadInput(f"--out {path} holds the experiment {owner}; give {name} a folder of its own")
        output.refuse_unwritable(mark)
    except OSError as problem:
        raise BadInput(
            f"--out {path} cannot be written: {(problem.strerror or type(problem).__name__).lower()}; choose another folder"
        ) from None
    output.write(mark, output.dumps({"experiment": name, "budget": budget}))
    return Folder(path, name, tell)


def _owner(mark: Path) -> str:
    try:
        return str(json.loads(mark.read_text(encoding="utf-8"))["experiment"])
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{mark} cannot be read; remove it or choose another folder") from None


def _read(path: Path) -> Arrays | None:
    """What a part left, None for nothing or for half of something."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return None


def _key(make: Callable[..., Any], arguments: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    _feed(digest, make, set())
    for name in sorted(arguments):
        digest.update(name.encode())
        _feed(digest, arguments[name], set())
    return digest.hexdigest()[:16]


def _feed(digest: Any, value: Any, seen: set[int]) -> None:
    """Add what decides a number: bytes of arrays, programs of functions, and the rest by its text."""
    if isinstance(value, partial):
        _feed(digest, (value.func, value.args, value.keywords), seen)
    elif isinstance(value, FunctionType):
        _feed_function(digest, value, seen)
    elif isinstance(value, type):
        digest.update(value.__qualname__.encode())
        if id(value) not in seen and _own(value.__module__):
            seen.add(id(value))
            _feed(digest, {name: item for name, item in vars(value).items() if isinstance(item, FunctionType)}, seen)
    elif callable(value) and not hasattr(value, "__array__"):
        digest.update(f"{type(value).__module__}.{getattr(value, '__qualname__', type(value).__qualname__)}".encode())
        if isinstance(inner := getattr(value, "__wrapped__", None), FunctionType):  # a jitted function
            _feed_function(digest, inner, seen)
    elif isinstance(value, Mapping):
        for key, item in sorted(value.items(), key=lambda pair: str(pair[0])):
            digest.update(str(key).encode())
            _feed(digest, item, seen)
    elif isinstance(value, (set, frozenset)):
        _feed(digest, sorted(value, key=repr), seen)
    elif isinstance(value, (tuple, list)):
        digest.update(f"{type(value).__name__}{len(value)}".encode())
        for item in value:
            _feed(digest, item, seen)
    elif hasattr(value, "__array__"):
        array = np.asarray(value)
        digest.update(f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    else:
        digest.update(re.sub(r" at 0x[0-9a-f]+", "", repr(value)).encode())


def _feed_function(digest: Any, function: FunctionType, seen: set[int]) -> None:
    """The program of a function and all that it refers to in the modules of its experiment: functions, classes and constants.

    Read from memory, not from the file, which may have been edited since it was imported. Packages beside the experiment's
    count by name; their version is in the summary.
    """
    digest.update(function.__qualname__.encode())
    if id(function) in seen or not _own(function.__module__):
        return
    seen.add(id(function))
    names: set[str] = set()
    _feed_code(digest, function.__code__, function.__doc__, names)
    _feed(digest, [function.__defaults__, function.__kwdefaults__ or {}], seen)
    _feed(digest, [cell.cell_contents for cell in function.__closure__ or ()], seen)
    for name in sorted(names & function.__globals__.keys()):
        value = function.__globals__[name]
        digest.update(name.encode())
        if not isinstance(value, ModuleType):
            _feed(digest, value, seen)
        elif _own(value.__name__):
            _feed(digest, {each: vars(value)[each] for each in names & vars(value).keys()}, seen)


def _feed_code(digest: Any, code: CodeType, doc: str | None, names: set[str]) -> None:
    digest.update(code.co_code)
    names.update(code.co_names)
    digest.update(repr(code.co_names).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _feed_code(digest, constant, None, names)
        elif constant != doc or doc is None:
            digest.update(repr(sorted(constant, key=repr) if isinstance(constant, frozenset) else constant).encode())


def _own(module: str) -> bool:
    """Whether a module is one of an experiment (or a test of them)."""
    return module.startswith(("ledger.experiments.", "test", "__main__"))

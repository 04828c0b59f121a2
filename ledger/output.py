"""Files written whole or not at all, and values made plain enough for JSON.

A run may take an hour, so two promises are kept here: a path that cannot be written is refused before the work starts
(`refuse_unwritable`), and a file is replaced in one step (`write`), so that an interruption never leaves half a file.
"""

import json
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from theory.errors import BadInput


def plain(value: Any) -> Any:
    """`value` in the vocabulary of JSON: exact numbers become strings, a float that is not finite becomes null."""
    if value is None or isinstance(value, (bool, str)):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, int):
        return int(value) if abs(value) < 2**53 else str(int(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (np.ndarray, np.generic)) or type(value).__module__.startswith("jax"):
        return plain(np.asarray(value).tolist())
    return str(value)


def dumps(value: Any) -> str:
    """Strict JSON, readable and ending in a newline."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def refuse_unwritable(path: Path) -> None:
    """Raise `BadInput` now if `write(path, …)` could not succeed later."""
    target = path.resolve()
    try:
        if target.is_dir():
            raise BadInput(f"{path} is a folder; give the name of a file in it")
        if target.exists() and not os.access(target, os.W_OK):
            raise BadInput(f"{path} cannot be written: permission denied; choose another file")
        if not target.exists() or target.is_file():
            descriptor, probe = tempfile.mkstemp(dir=target.parent)
            os.close(descriptor)
            os.unlink(probe)
    except OSError as problem:
        reason = (problem.strerror or type(problem).__name__).lower()
        raise BadInput(f"{path} cannot be written: {reason}; choose a file in an existing folder") from None


def write(path: Path, text: str) -> None:
    """Replace the file in one step; what is not a plain file (a pipe, /dev/null) is written to directly."""
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
            return
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as problem:
        raise BadInput(f"{path} cannot be written: {problem.strerror or type(problem).__name__}") from None


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask

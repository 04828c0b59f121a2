"""How a checker says no: one exception inside, which never leaves the package, and the clock that bounds the work."""

import time
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Refused(Exception):
    """Something in the certificate is not verified; the message says what."""


def require(condition: bool, reason: str) -> None:
    """Go on only if the condition holds."""
    if not condition:
        raise Refused(reason)


def field(table: Mapping[str, Any], key: str, kind: type[T]) -> T:
    """table[key], which must be a dict, a list, a string …"""
    value = table.get(key)
    if not isinstance(value, kind):
        raise Refused(f"`{key}` is missing or is no {kind.__name__}")
    return value


class Clock:
    """A limit of `seconds` for one check; `tick` is called before every piece of work."""

    def __init__(self, seconds: int) -> None:
        self.end = time.monotonic_ns() + seconds * 10**9

    def tick(self) -> None:
        """Refuses to go on after the end."""
        require(time.monotonic_ns() < self.end, "the time limit of the check is reached")

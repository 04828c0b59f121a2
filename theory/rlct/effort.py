"""Limits of time and of size on algebra: what is too long is given up, and a bracket remains.

Pseudo-division by relations that refer to each other, resultants and expansions may grow without bound, and one of them may
take longer than the whole search was given. So the pieces of algebra ask here before they go on:

    until       a scope with an end; within it `spend` raises `OutOfTime` once the end has passed
    within      the end of a piece of work that may take so long, but no longer than the present scope
    spend       called between pieces of work, each of which is bounded in size
    sized       a polynomial itself, or `TooLarge`
    attempt     the result of a function, None where it is `TooLarge`: then another way is tried

`OutOfTime` passes through everything up to the search, which keeps the strata that it had.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

R = TypeVar("R")
MAX_TERMS = 4_000  # of a polynomial after a substitution or a division
MAX_BITS = 4_000  # of its coefficients
MAX_DEGREE = 20_000

_end: ContextVar[int | None] = ContextVar("end", default=None)


class TooLarge(Exception):
    """A polynomial became too large to go on with."""


class OutOfTime(Exception):
    """The end of the scope has passed."""


@contextmanager
def until(end: int | None) -> Iterator[None]:
    """A scope that ends at `end` (nanoseconds of the monotonic clock, None: never)."""
    token = _end.set(end)
    try:
        yield
    finally:
        _end.reset(token)


def within(nanoseconds: int) -> int:
    """The end for work that starts now: after so long, or where the present scope ends if that is sooner."""
    mine, end = time.monotonic_ns() + nanoseconds, _end.get()
    return mine if end is None else min(mine, end)


def late() -> bool:
    """Whether the end has passed."""
    end = _end.get()
    return end is not None and time.monotonic_ns() > end


def spend() -> None:
    """Raises `OutOfTime` when the end has passed."""
    if late():
        raise OutOfTime


def sized(p: Any) -> Any:
    """p itself; raises `TooLarge` beyond the limits above."""
    if len(p) > MAX_TERMS or (len(p) and max(map(int, p.degrees())) > MAX_DEGREE):
        raise TooLarge
    if len(p) and max(int(abs(c)).bit_length() for c in p.coeffs()) > MAX_BITS:
        raise TooLarge
    return p


def attempt(f: Callable[..., R], *args: Any) -> R | None:
    """f(*args), or None where that is too large."""
    try:
        return f(*args)
    except TooLarge:
        return None

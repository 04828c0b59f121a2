"""A line of the performance record: what was timed, beside what, and the ratio of the two, in one run.

A ratio is of the other to ours where something else does the same work (×29: it takes 29 times as long), and of the later to the
earlier where the same work grows (order, dimension, chains). Seconds are of the processor, but for programs started beside.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

WIDTHS = (62, 10, 34, 10, 9)


class Row(NamedTuple):
    """`seconds` of the work, and of the other work of that name (None: nothing to compare with), in the order of the ratio."""

    what: str
    seconds: float
    beside: str = ""
    other: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.other is None else self.other / self.seconds

    def __str__(self) -> str:
        ratio = "" if self.ratio is None else f"×{self.ratio:.3g}"
        other = "" if self.other is None else seconds(self.other)
        cells = (self.what, seconds(self.seconds), self.beside, other, ratio)
        padded = (f"{cell:{'<' if i in (0, 2) else '>'}{WIDTHS[i]}}" for i, cell in enumerate(cells))
        return "  ".join(padded).rstrip()


def seconds(value: float) -> str:
    return f"{value:.3f} s" if value >= 0.1 else f"{1e3 * value:.3f} ms"


def growth(what: str, sizes: Iterable[Any], work: Callable[[Any], Any], unit: str = "") -> Iterator[Row]:
    """The work at each size beside the size before: the ratio is by how much it grew."""
    before: tuple[Any, float] | None = None
    for size in sizes:
        spent, _ = timed(lambda size=size: work(size))
        if before is not None:
            yield Row(f"{what}, {unit} {before[0]}", before[1], f"{unit} {size}", spent)
        before = size, spent


def timed(work: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> tuple[float, Any]:
    """The best of three runs, of more where they are short (others disturb), of one that takes over a second; and its result."""
    best, result, spent, count = float("inf"), None, 0.0, 0
    while count == 0 or (best < 1 and (count < 3 or (spent < 0.3 and count < 20))):
        start = clock()
        result = work()
        last = clock() - start
        best, spent, count = min(best, last), spent + last, count + 1
    return best, result


def show(rows: Iterable[Row]) -> list[Row]:
    """Print each row when it is there."""
    shown = []
    for row in rows:
        print(row, flush=True)
        shown.append(row)
    return shown

"""The grid points that may matter, as intervals along the last axis.

Idea
----
The live boxes of `boxes.cover` are cut into rows: a box that meets the row with outer indices (k_1, …, k_{d−1}) adds an
interval of last indices to it, and overlapping intervals of a row are joined. The number of cells is therefore that of
the live region itself, however it lies: a rotated valley or two wells far apart cost no more than their volume.

Notation: k ∈ Z^d grid indices, h steps.
Reading order: `Rows`, `live_rows`, `runs`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from numerics.errors import NotCertified
from numerics.trapezoid.boxes import Boxes

MARGIN = 1e-6
GAP = 6
MAX_PIECES = 30_000_000


class Rows(NamedTuple):
    """n intervals of the grid: outer indices [n, d−1], and the first and last index along the last axis, both [n]."""

    outer: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def take(self, which: slice | np.ndarray) -> "Rows":
        return Rows(self.outer[which], self.first[which], self.last[which])

    def batches(self, size: int) -> Iterator["Rows"]:
        """Consecutive intervals with about `size` cells together."""
        ends = np.cumsum(self.last - self.first + 1)
        cuts = np.searchsorted(ends, np.arange(size, ends[-1] + size, size)) + 1 if len(ends) else []
        start = 0
        for stop in cuts:
            if stop > start:
                yield self.take(slice(start, int(stop)))
                start = int(stop)


def live_rows(boxes: Boxes, h: np.ndarray, max_points: int) -> Rows:
    """Every grid point in one of the boxes, in one interval each. Raises `NotCertified` beyond max_points of them."""
    slack = 1e-12 * (np.abs(boxes.centres) + boxes.radii)
    bounds = [(boxes.centres + s * (boxes.radii + slack)) / h + s * MARGIN for s in (-1, 1)]
    if not all(np.isfinite(b).all() and (np.abs(b) < 2.0**40).all() for b in bounds):
        raise NotCertified("the grid leaves the range of indices; rescale the variables")
    low, high = np.ceil(bounds[0]).astype(np.int64), np.floor(bounds[1]).astype(np.int64)
    meets = (low <= high).all(axis=1)
    low, high = low[meets], high[meets]
    outer = np.zeros((len(low), 0), dtype=np.int64)
    for axis in range(len(h) - 1):  # one copy of the box for every index that it meets along the axis
        counts = high[:, axis] - low[:, axis] + 1
        _refuse_beyond(int(counts.sum()), min(MAX_PIECES, 4 * max_points + 10**6))
        copies = np.repeat(np.arange(len(low)), counts)
        index = np.arange(len(copies)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low[:, axis], counts)
        low, high = low[copies], high[copies]
        outer = np.concatenate([outer[copies], index[:, None]], axis=1)
    joined = _joined(outer, low[:, -1], high[:, -1])
    _refuse_beyond(int((joined.last - joined.first + 1).sum()), max_points)
    return joined


def _refuse_beyond(cells: int, max_points: int) -> None:
    if cells > max_points:
        raise NotCertified(
            f"the grid would have {cells} live cells, more than max_points = {max_points}; ask for fewer digits"
        )


def _joined(outer: np.ndarray, first: np.ndarray, last: np.ndarray) -> Rows:
    """Intervals of the same row that overlap or touch become one."""
    if not len(first):
        return Rows(outer, first, last)
    code = np.zeros(len(first), dtype=np.int64)
    for column in outer.T:
        column = column - column.min()
        span = int(column.max()) + 1
        if int(code.max(initial=0)) + 1 > 2**62 // span:
            raise NotCertified("the grid leaves the range of indices; rescale the variables")
        code = code * span + column
    order = np.lexsort((first, code))
    outer, first, last = outer[order], first[order], last[order]
    row = np.concatenate([[0], np.cumsum(np.diff(code[order]) != 0)])
    base = int(first.min())
    width = int(last.max()) - base + 2
    if int(row[-1]) + 1 > 2**62 // width:
        raise NotCertified("the grid leaves the range of indices; rescale the variables")
    reached = np.maximum.accumulate(row * width + last - base)  # the row number dominates: a new row starts afresh
    new = np.concatenate([[True], (row * width + first - base)[1:] > reached[:-1] + 1])
    new[1:] |= np.diff(row) != 0
    starts = np.nonzero(new)[0]
    return Rows(outer[starts], first[starts], np.maximum.reduceat(last, starts))


def cells_of(rows: Rows) -> np.ndarray:
    """The grid indices of all the cells, [cells, d], interval after interval."""
    lengths = rows.last - rows.first + 1
    ends = np.cumsum(lengths)
    last = np.arange(int(lengths.sum())) - np.repeat(ends - lengths - rows.first, lengths)
    return np.concatenate([np.repeat(rows.outer, lengths, axis=0), last[:, None]], axis=1)


def runs(rows: Rows, below: np.ndarray, cutoff: float) -> tuple[Rows, np.ndarray, np.ndarray]:
    """(runs to be summed, a lower bound of P on each, the lower bounds of P at the cells left out).

    below: lower bounds of P on the cells of `rows`. Every cell with a bound ≤ cutoff is in a run; so are the cells in
    gaps of at most GAP.
    """
    alive = np.nonzero(below <= cutoff)[0]
    if not len(alive):
        return rows.take(slice(0, 0)), below[:0], below
    lengths = rows.last - rows.first + 1
    interval = np.repeat(np.arange(len(lengths)), lengths)
    starts_flat = np.cumsum(lengths) - lengths
    new = np.concatenate([[True], (np.diff(alive) > GAP + 1) | (np.diff(interval[alive]) != 0)])
    begin = alive[new]
    end = alive[np.concatenate([np.nonzero(new)[0][1:] - 1, [len(alive) - 1]])]
    steps = np.zeros(len(below) + 1, dtype=np.int64)
    np.add.at(steps, begin, 1)
    np.add.at(steps, end + 1, -1)
    summed = np.cumsum(steps)[:-1] > 0
    which = interval[begin]
    offset = rows.first[which] - starts_flat[which]
    least = np.minimum.reduceat(np.append(below, np.inf), np.stack([begin, end + 1], axis=1).ravel())[::2]
    return Rows(rows.outer[which], begin + offset, end + offset), least, below[~summed]


__all__ = ["Rows", "cells_of", "live_rows", "runs"]

"""The grid sum Π h_j Σ_k f(hk) e^{−P(hk)} in ball arithmetic, over the live points only.

Idea
----
The live boxes of `boxes.cover` give, row by row, an interval that holds all grid points
outside the dead boxes. In it P is evaluated in float64 with a proved error; points where P is certainly large are
left out and their contribution is bounded. The others are summed row by row: with the outer coordinates fixed P is a
polynomial in the last one, and the row moments Σ_k k^i e^{−P} serve every f. A row whose least P is large needs fewer
bits.

Notation: k ∈ Z^d grid indices, h steps, E_k = e^{−P(hk)}.
Reading order: `grid_sums`, `Sums`.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from flint import arb, arb_poly, ctx, fmpq, fmpq_mpoly

from numerics.boxes import Cover
from numerics.errors import NotCertified
from numerics.polynomial import FloatPolynomial, terms_of
from numerics.precision import LOG2_10, current_digits

Terms = dict[tuple[int, ...], arb]
LEAST_BITS = 48
MARGIN = 1e-6
BATCH = 20_000


class Sums(NamedTuple):
    """For every f: the sum over the live points, and a bound of all that was left out within the certified region."""

    sums: list[arb]
    errors: list[arb]
    points: int


def inflated_exp(log_value: float) -> arb:
    """An upper bound of e^{log_value}, the float rounding of the logarithm and of the sums behind it included."""
    return (arb(float(log_value)) + arb(1e-9 + 1e-13 * min(abs(float(log_value)), 1e300))).exp().upper()


def grid_sums(
    p: fmpq_mpoly,
    fs: Sequence[fmpq_mpoly],
    majorants: Sequence[fmpq_mpoly],
    steps: Sequence[fmpq],
    boxes: Cover,
    estimates: Sequence[float],
    budget: float,
    max_points: int,
) -> Sums:
    """Π h Σ_k f(hk) e^{−P(hk)} over the grid points in `boxes`, for every f; `estimates` are log ∫|f|e^{−P},
    not proved.
    """
    d = len(steps)
    h = np.array([float(arb(step)) for step in steps])
    shadow = FloatPolynomial(p, d)
    bounds = [FloatPolynomial(g, d) for g in majorants]
    chunks = list(_chunks(boxes, h))
    cells = sum(int((rows.last - rows.first + 1).sum()) for rows in chunks)
    if cells > max_points:
        raise NotCertified(
            f"the grid would have {cells} cells, more than max_points = {max_points}; ask for fewer digits"
        )
    corner = (np.abs(boxes.live.centres) + boxes.live.radii).max(axis=0) + h
    heights = [float(np.log(g.absolute(corner[None])[0])) for g in bounds]
    log_cell = float(np.log(h).sum())
    cutoff = budget + 3 + max(a + math.log(cells + 1) + log_cell - e for a, e in zip(heights, estimates, strict=True))
    loose = math.log2(float(shadow.absolute(corner[None])[0]) + 2)
    bits = math.ceil(current_digits() * LOG2_10 + loose) + 24
    summer = _Summer(p, fs, steps, bits)
    skipped = -math.inf
    for rows in chunks:
        skipped = np.logaddexp(skipped, _sum_rows(summer, shadow, h, rows, cutoff))
    errors = [
        _dead(boxes, h, g) + inflated_exp(height + log_cell + skipped)
        for g, height in zip(bounds, heights, strict=True)
    ]
    return Sums(summer.results(), errors, summer.points)


class Rows(NamedTuple):
    """Rows of the grid: outer indices [n, d−1], and the first and last index along the last axis, both [n]."""

    outer: np.ndarray
    first: np.ndarray
    last: np.ndarray


def _chunks(boxes: Cover, h: np.ndarray) -> Iterator[Rows]:
    """All rows that meet a live box, in one chunk for d ≤ 2 and by planes of the first axis for d = 3."""
    slack = 1e-12 * (np.abs(boxes.live.centres) + boxes.live.radii)
    low = (boxes.live.centres - boxes.live.radii - slack) / h
    high = (boxes.live.centres + boxes.live.radii + slack) / h
    if len(h) == 1:
        yield Rows(np.zeros((1, 0), dtype=int), np.floor([low.min()]).astype(int), np.ceil([high.max()]).astype(int))
    elif len(h) == 2:
        yield _rows_of_plane(low, high, ())
    else:
        for k in range(math.floor(low[:, 0].min()), math.ceil(high[:, 0].max()) + 1):
            meets = (low[:, 0] <= k + MARGIN) & (high[:, 0] >= k - MARGIN)
            if meets.any():
                yield _rows_of_plane(low[meets, 1:], high[meets, 1:], (k,))


def _rows_of_plane(low: np.ndarray, high: np.ndarray, prefix: tuple[int, ...]) -> Rows:
    """The rows of one plane, the hull of the boxes that meet each; low, high: box bounds [m, 2] in units of the steps."""
    rows = np.arange(math.floor(low[:, 0].min()), math.ceil(high[:, 0].max()) + 1)
    first, last = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    for part in range(0, len(low), 4096):  # bounds the size of the table rows × boxes
        a, b = low[part : part + 4096], high[part : part + 4096]
        meets = (a[:, 0] <= rows[:, None] + MARGIN) & (b[:, 0] >= rows[:, None] - MARGIN)
        first = np.minimum(first, np.where(meets, a[:, 1], np.inf).min(axis=1))
        last = np.maximum(last, np.where(meets, b[:, 1], -np.inf).max(axis=1))
    found = np.isfinite(first)
    rows = rows[found]
    outer = np.concatenate([np.full((len(rows), len(prefix)), prefix, dtype=int), rows[:, None]], axis=1)
    return Rows(outer, np.floor(first[found]).astype(int), np.ceil(last[found]).astype(int))


def _sum_rows(summer: "_Summer", shadow: FloatPolynomial, h: np.ndarray, rows: Rows, cutoff: float) -> float:
    """Add the live points of the rows; return log Σ e^{−P} of the points left out, from proved lower bounds of P."""
    lengths = rows.last - rows.first + 1
    starts = np.concatenate([[0], np.cumsum(lengths)])
    last = np.arange(starts[-1]) - np.repeat(starts[:-1] - rows.first, lengths)
    points = np.concatenate([np.repeat(rows.outer, lengths, axis=0), last[:, None]], axis=1) * h
    pieces = range(0, len(points), BATCH)
    below = np.concatenate([shadow.below(points[i : i + BATCH]) for i in pieces])
    alive = below <= cutoff
    for outer, a, b in zip(rows.outer.tolist(), starts[:-1], starts[1:], strict=True):
        chosen = alive[a:b]
        if chosen.any():
            summer.add(tuple(outer), last[a:b][chosen].tolist(), float(below[a:b][chosen].min()))
    rest = below[~alive]
    return float(np.logaddexp.reduce(-rest)) if len(rest) else -math.inf


def _dead(boxes: Cover, h: np.ndarray, g: FloatPolynomial) -> arb:
    """A bound of the grid sum over the dead boxes: a side 2r holds at most 2r/h + 1 points."""
    if not len(boxes.dead.centres):
        return arb(0)
    weight = np.log(2 * boxes.dead.radii + h).sum(axis=1) - boxes.dead_infimum
    height = np.log(g.absolute(np.abs(boxes.dead.centres) + boxes.dead.radii))
    return inflated_exp(float(np.logaddexp.reduce(weight + height)))


class _Summer:
    """Accumulates Σ k^α E_k for every monomial α that some f needs."""

    def __init__(self, p: fmpq_mpoly, fs: Sequence[fmpq_mpoly], steps: Sequence[fmpq], bits: int):
        self.bits, self.points, self._prefix = bits, 0, None
        self._steps, self._fs = steps, [terms_of(f) for f in fs]
        self._row: Terms = {}
        with ctx.workprec(bits + 32):
            self._terms = {alpha: arb(c * _power(steps, alpha)) for alpha, c in terms_of(p).items()}
        needed = {alpha for f in self._fs for alpha in f}
        self._moments = {alpha: arb(0) for alpha in needed}
        self._top = max((alpha[-1] for alpha in needed), default=0)

    def add(self, outer: tuple[int, ...], last: list[int], least: float) -> None:
        """The row with outer indices fixed and the last index in `last`; P ≥ `least` there."""
        if outer[:1] != self._prefix and outer:
            self._prefix = outer[:1]
            with ctx.workprec(self.bits + 32):
                self._row = _fix_first(self._terms, outer[0])
        terms = self._row if outer else self._terms
        with ctx.workprec(self.bits + 32):
            for index in outer[1:]:
                terms = _fix_first(terms, index)
        with ctx.workprec(max(LEAST_BITS, self.bits - max(0, int(least / math.log(2))))):
            exponent = -_univariate(terms)
            weights = [exponent(k).exp() for k in last]
            row = [sum(weights, arb(0))]
            for _ in range(self._top):
                weights = [e * k for e, k in zip(weights, last, strict=True)]
                row.append(sum(weights, arb(0)))
        with ctx.workprec(self.bits):
            for alpha in self._moments:
                scale = math.prod(k**e for k, e in zip(outer, alpha[:-1], strict=True))
                self._moments[alpha] += row[alpha[-1]] * scale
        self.points += len(last)

    def results(self) -> list[arb]:
        """Π h Σ_α c_α h^α Σ_k k^α E_k for every f."""
        with ctx.workprec(self.bits):
            cell = arb(math.prod(self._steps, start=fmpq(1)))
            return [
                cell
                * sum((arb(c * _power(self._steps, alpha)) * self._moments[alpha] for alpha, c in f.items()), arb(0))
                for f in self._fs
            ]


def _power(steps: Sequence[fmpq], alpha: tuple[int, ...]) -> fmpq:
    return math.prod((step**e for step, e in zip(steps, alpha, strict=True)), start=fmpq(1))


def _fix_first(terms: Terms, index: int) -> Terms:
    """The polynomial with its first variable replaced by an integer."""
    result: Terms = {}
    for alpha, c in terms.items():
        value = c * index ** alpha[0]
        result[alpha[1:]] = result[alpha[1:]] + value if alpha[1:] in result else value
    return result


def _univariate(terms: Terms) -> arb_poly:
    degree = max(alpha[0] for alpha in terms)
    return arb_poly([terms.get((k,), 0) for k in range(degree + 1)])

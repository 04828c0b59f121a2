"""Confirms the masses M_j on shifted lines, for `certificate.check`.

Idea
----
On a box Re P lies within [−ρ₋, ρ₊] of a linear function (`local_bounds`), and the exponential of the linear part is
integrated (or summed over its grid points) in closed form. Two-sided bounds follow, so a mass is either confirmed or
*refuted*. A variable that is already summed is not widened to an interval: its boxes are ranges of grid indices, and
count their points exactly.

Reading order: `Side`, `confirm_mass`.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flint import acb, arb, fmpq

from numerics.certificate.exact_field import ExactField
from numerics.certificate.growth import enclosing, tail_bound
from numerics.certificate.local_bounds import Amplitude, Potential
from numerics.certificate.witness import Certificate, require

MAX_BOXES = 200_000
NEARLY_ZERO = arb(2) ** -20


class Side(NamedTuple):
    """One side of a box: an interval of y (step 0), or the grid points first·step, …, last·step."""

    first: fmpq
    last: fmpq
    step: fmpq

    @property
    def centre(self) -> fmpq:
        return (self.first + self.last) / 2 * (self.step or 1)

    @property
    def radius(self) -> fmpq:
        return (self.last - self.first) / 2 * (self.step or 1)

    @property
    def points(self) -> int:
        """Grid points, 0 for an interval."""
        return int((self.last - self.first + 1).p) if self.step else 0

    def halves(self) -> tuple["Side", "Side"]:
        middle = (self.first + self.last) / 2
        if not self.step:
            return self._replace(last=middle), self._replace(first=middle)
        below = fmpq(middle.floor())
        return self._replace(last=below), self._replace(first=below + 1)

    def weight(self, slope: arb) -> tuple[arb, arb]:
        """Bounds of ∫ e^{−slope·δ} dδ = 2 sinh(slope·r)/slope, or of step·Σ e^{−slope·δ}: upper, lower."""
        if self.points == 1:
            return arb(self.step), arb(self.step)
        size = abs(slope)
        high, low = size.upper(), max(size.lower(), arb(0))
        if self.step:
            n, half = self.points, arb(self.step) / 2

            def total(g: arb) -> arb:
                return arb(self.step) * (n * g * half).sinh() / (g * half).sinh()

            flat, bulge = n * arb(self.step), (n * high * half).cosh()
        else:
            r = arb(self.radius)

            def total(g: arb) -> arb:
                return 2 * (g * r).sinh() / g

            flat, bulge = 2 * r, (high * r).cosh()
        scale = NEARLY_ZERO / (arb(self.radius) + 1)
        return (total(high) if high > scale else flat * bulge).upper(), (total(low) if low > scale else flat).lower()


class _Piece(NamedTuple):
    """A box with proved bounds of its share of the mass; `axis` is where to halve it, `gap` = log (upper − lower)."""

    gap: float
    sides: tuple[Side, ...]
    upper: arb
    lower: arb
    axis: int


def _log(x: arb) -> float:
    """log of a positive number, for steering."""
    if not x.is_finite():
        return math.inf
    return float(x.mid().log()) if x.mid() > 0 else -math.inf


class _Line:
    """|f e^{−P}| on the lines y + i a e_axis."""

    def __init__(self, p: ExactField, f: ExactField, axis: int, a: fmpq):
        self._p, self._f, self._axis, self._a = Potential(p), Amplitude(f), axis, a

    def piece(self, sides: tuple[Side, ...]) -> _Piece:
        z = [acb(arb(s.centre), arb(self._a)) if i == self._axis else arb(s.centre) for i, s in enumerate(sides)]
        radii = [arb(s.radius) for s in sides]
        local = self._p.local(z, radii)
        sup, inf = self._f.sup_and_inf(z, radii)
        upper = sup * (local.below - local.value).exp()
        lower = inf * (-local.above - local.value).exp()
        for side, slope in zip(sides, local.slopes, strict=True):
            high, low = side.weight(slope)
            upper, lower = upper * high, lower * low
        costs = [-1.0 if s.points == 1 else c for s, c in zip(sides, local.costs, strict=True)]
        if max(costs) <= 0:  # no curvature at all: the longest side
            costs = [-1.0 if s.points == 1 else float(arb(s.radius)) for s in sides]
        upper, lower = upper.upper(), max(lower.lower(), arb(0))
        return _Piece(_log(upper - lower), sides, upper, lower, costs.index(max(costs)))


def confirm_mass(p: ExactField, f: ExactField, axis: int, c: Certificate) -> None:
    """M_axis ≥ Π_{i<axis} h_i Σ ∫ |f e^{−P}|(y + i a e_axis): boxes inside {N ≤ 1}, the tail bound outside."""
    growth, a, claimed = c.line_tails[axis], c.shifts[axis], c.masses[axis]
    steps = [h if i < axis else fmpq(0) for i, h in enumerate(c.steps)]
    tail = tail_bound(growth, f.majorant(axis, a), steps)
    line = _Line(p, f, axis, a)
    pieces = [line.piece(tuple(sides_of(enclosing(growth), steps)))]
    name = f"M_{axis + 1}"
    while True:
        upper = sum((piece.upper for piece in pieces), tail)
        if upper <= claimed:
            return
        lower = sum((piece.lower for piece in pieces), arb(0))
        require(not lower > claimed, "mass", f"{name} ≥ {lower.str(5)} on the line Im y_{axis + 1} = {a}", claimed)
        if len(pieces) > MAX_BOXES or pieces[0].gap == -math.inf:
            require(False, "mass", f"{name} ≤ {upper.str(5)} is all that {len(pieces)} boxes prove", claimed)
        pieces = _refined(line, pieces)


def _refined(line: _Line, pieces: list[_Piece]) -> list[_Piece]:
    """Halve the box with the largest gap, again and again, until there are a fifth more."""
    heap = [(-piece.gap, i, piece) for i, piece in enumerate(pieces)]
    heapq.heapify(heap)
    for i in range(len(pieces), len(pieces) + len(pieces) // 5 + 16):
        piece = heap[0][2]
        if piece.gap == -math.inf:
            break
        first, second = (
            line.piece((*piece.sides[: piece.axis], half, *piece.sides[piece.axis + 1 :]))
            for half in piece.sides[piece.axis].halves()
        )
        heapq.heapreplace(heap, (-first.gap, heap[0][1], first))
        heapq.heappush(heap, (-second.gap, i, second))
    return [piece for _, _, piece in heap]


def sides_of(enclosing: Sequence[fmpq], steps: Sequence[fmpq]) -> Iterator[Side]:
    for e, h in zip(enclosing, steps, strict=True):
        last = fmpq((e / h).floor()) if h else e
        yield Side(-last, last, h)

"""Branch and bound over boxes: lower bounds, live hulls, and sums Σ volume·e^{−inf P}.

Idea
----
A box is a centre and half-widths; `FloatPolynomial.bounds` gives a proved infimum on each of many boxes at once.
Boxes that are not good enough are halved along the axis that costs the bound most.

* `exceeds(P, box, target)` proves P ≥ target on a box.
* `cover(P, box, cut)` splits a box into *live* boxes and *dead* boxes, P > cut on the dead ones.
* `log_mass(P, box, …)` refines until Σ w e^{−inf P} is near the integral it bounds.

Centres and half-widths are floats; every box is widened by a relative 2^−40, far more than the rounding of the cuts, so
that the pieces of a box always cover it.

Reading order: `Boxes`, `exceeds`, `cover`, `log_mass`.
"""

import math
from typing import NamedTuple, Protocol

import numpy as np

from numerics.errors import NotCertified

WIDEN = 1 + 2.0**-40
NEGLIGIBLE = 8.0


class Boxes(NamedTuple):
    """n boxes |y − centres| ≤ radii, both [n, d]."""

    centres: np.ndarray
    radii: np.ndarray

    @staticmethod
    def around(radii: np.ndarray, pieces: int = 1) -> "Boxes":
        """The box |y_i| ≤ radii_i cut into `pieces` equal parts along each axis."""
        d = len(radii)
        steps = (2 * np.arange(pieces) + 1 - pieces) / pieces
        grid = np.stack(np.meshgrid(*([steps] * d), indexing="ij"), axis=-1).reshape(pieces**d, d)
        return Boxes(grid * radii, np.broadcast_to(radii / pieces, grid.shape) * WIDEN)

    def take(self, which: np.ndarray) -> "Boxes":
        return Boxes(self.centres[which], self.radii[which])

    def halved(self, axis: np.ndarray) -> "Boxes":
        """Both halves of every box along its axis."""
        rows = np.arange(len(axis))
        radii = self.radii.copy()
        radii[rows, axis] *= 0.5
        left, right = self.centres.copy(), self.centres.copy()
        left[rows, axis] -= radii[rows, axis]
        right[rows, axis] += radii[rows, axis]
        slack = 2.0**-50 * np.abs(self.centres)
        return Boxes(
            np.concatenate([left, right]), np.concatenate([radii, radii]) * WIDEN + np.concatenate([slack, slack])
        )


def _joined(parts: list[Boxes], d: int) -> Boxes:
    if not parts:
        return Boxes(np.zeros((0, d)), np.zeros((0, d)))
    return Boxes(np.concatenate([p.centres for p in parts]), np.concatenate([p.radii for p in parts]))


def log_sum(logs: np.ndarray) -> float:
    """log Σ e^{logs}; −∞ for none. The terms are ≤ 1 and summed pairwise, so that the error is some units of 2^−53."""
    if not len(logs):
        return -math.inf
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).sum())) if math.isfinite(top) else top


class Bounded(Protocol):
    """What a float shadow offers: see `FloatPolynomial.bounds`."""

    dimension: int

    def bounds(self, centres: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...


def exceeds(p: Bounded, boxes: Boxes, target: float, max_boxes: int = 20_000) -> bool:
    """Is P ≥ target proved on all the boxes? False as soon as a centre shows the contrary, or when boxes run out."""
    done = 0
    while len(boxes.centres):
        infimum, middle, loss = p.bounds(*boxes)
        if (middle < target).any():
            return False
        done += len(middle)
        if done > max_boxes:
            return False
        open_ = infimum < target
        boxes = boxes.take(open_).halved(loss[open_].argmax(axis=1))
    return True


class Cover(NamedTuple):
    """Live boxes, and dead ones with their proved infima [n] (all > cut)."""

    live: Boxes
    dead: Boxes
    dead_infimum: np.ndarray

    def joined(self, other: "Cover") -> "Cover":
        """This cover of the other's live boxes in the place of them."""
        d = self.live.centres.shape[1]
        infimum = np.concatenate([self.dead_infimum, other.dead_infimum])
        return Cover(self.live, _joined([self.dead, other.dead], d), infimum)


def cover(p: Bounded, boxes: Boxes, cut: float, *, finest: np.ndarray, max_boxes: int = 40_000) -> Cover:
    """Split the boxes until each is dead (P > cut proved) or no wider than `finest`; when boxes run out the
    rest is live.
    """
    live, dead, infima = [], [], []
    done = 0
    while len(boxes.centres):
        infimum, _, loss = p.bounds(*boxes)
        killed = infimum > cut
        dead.append(boxes.take(killed))
        infima.append(infimum[killed])
        wide = boxes.radii > finest
        small = ~killed & ~wide.any(axis=1)
        live.append(boxes.take(small))
        going = ~killed & ~small
        done += int(going.sum())
        if done > max_boxes:
            live.append(boxes.take(going))
            break
        share = np.where(wide[going], loss[going] + 1e-300, 0.0)
        boxes = boxes.take(going).halved(share.argmax(axis=1))
    d = p.dimension
    return Cover(_joined(live, d), _joined(dead, d), np.concatenate(infima))


class Mass(NamedTuple):
    """Boxes with proved infima and log Σ weight·e^{−infimum}."""

    boxes: Boxes
    infimum: np.ndarray
    log_total: float


def log_mass(
    p: Bounded, boxes: Boxes, widths: np.ndarray, gap: float, reference: float, max_boxes: int = 40_000
) -> Mass:
    """Refine until log Σ w e^{−inf P} exceeds its midpoint estimate by less than `gap`; w = Π (2 r_i + widths_i).

    reference: about the least value that the logarithm can have; boxes that are negligible beside it are left alone. Any
    stopping point gives a valid upper bound, so running out of boxes costs digits only. Raises `NotCertified` when the
    sum leaves the float range.
    """
    infimum, middle, loss = p.bounds(*boxes)
    while True:
        log_weight = np.log(2 * boxes.radii + widths).sum(axis=1)
        upper, estimate = log_weight - infimum, log_weight - middle
        total, guess = log_sum(upper), log_sum(estimate)
        chosen = (upper > reference - NEGLIGIBLE) & (middle - infimum > gap / 4)
        if total < max(guess, reference) + gap or not chosen.any():
            break
        room = max_boxes - len(upper)
        if chosen.sum() > room:  # the worst ones first
            worst = np.argsort(-np.where(chosen, upper, -np.inf))[: max(room, 0)]
            chosen = np.zeros(len(upper), dtype=bool)
            chosen[worst] = True
            if room <= 0:
                break
        fresh = boxes.take(chosen).halved(loss[chosen].argmax(axis=1))
        fresh_bounds = p.bounds(*fresh)
        boxes = _joined([boxes.take(~chosen), fresh], p.dimension)
        infimum, middle, loss = (
            np.concatenate([old[~chosen], new]) for old, new in zip((infimum, middle, loss), fresh_bounds, strict=True)
        )
    if not np.isfinite(total):
        raise NotCertified("the mass on a shifted line left the float range; rescale the variables")
    return Mass(boxes, infimum, float(total))

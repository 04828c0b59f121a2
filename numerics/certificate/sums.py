"""Confirms the error and the grid sum, for `certificate.check`.

Reading order: `confirm_error`, `confirm_sum`.
"""

import math
from collections.abc import Sequence

from flint import arb, ctx, fmpq, fmpq_mpoly

from numerics.certificate.exact_field import ExactField, ExactWave, terms_of
from numerics.certificate.growth import enclosing
from numerics.certificate.local_bounds import Amplitude, Potential
from numerics.certificate.mass import Side, sides_of
from numerics.certificate.witness import Certificate, require

COARSE_BITS = 96
DEEPER = 30

BallTerms = dict[tuple[int, ...], arb]


def confirm_error(c: Certificate, tail: arb) -> arb:
    """|det A| (Σ_j 2 M_j/(e^{2πa_j/h_j} − 1) + tail), proved to be no larger than the claimed radius."""
    error = tail
    for a, h, mass in zip(c.shifts, c.steps, c.masses, strict=True):
        error += 2 * mass / (2 * arb.pi() * arb(a / h)).expm1()
    error *= arb(c.determinant)
    require(error <= c.value.rad(), "error", f"Σ 2 q_j M_j and the tail come to {error.str(5)}", c.value.rad())
    return error


def confirm_sum(c: Certificate, p: ExactField, f: ExactField, error: arb, max_points: int) -> arb:
    """The grid sum again, in balls; with all errors it must lie in the claimed ball."""
    scale = arb(c.determinant) * arb(math.prod(c.steps, start=fmpq(1)))
    sides = tuple(sides_of(enclosing(c.tail), c.steps))
    radius = c.value.rad()
    points = math.prod(side.points for side in sides)
    height = arb(f.majorant()(*enclosing(c.tail))) + 1
    floor = (scale * points * height / radius).log() if radius > 0 else arb(ctx.prec)
    total, dead = _Grid(p, f, c.steps).sum(sides, float(floor) + DEEPER, max_points)
    total, error = total * scale, error + dead * scale
    distance = abs(total - c.value.mid()) + error
    require(distance <= radius, "sum", f"the grid sums to {total.str(12)} ± {error.str(5)}", c.value)
    return total + arb(0, error.upper())


class _Grid:
    """Σ_k f(hk) e^{−P(hk)} over ranges of indices; ranges where P is proved large are bounded instead."""

    def __init__(self, p: ExactField, f: ExactField, steps: Sequence[fmpq]):
        self._bits = ctx.prec
        with ctx.workprec(COARSE_BITS):
            self._p, self._f = Potential(p), Amplitude(f)
        self._p_terms, self._f_terms = (self._in_indices(q.polynomial, steps) for q in (p, f))
        self._steps = steps
        self._p_waves, self._f_waves = ([_GridWave(w, steps) for w in q.waves] for q in (p, f))
        self._leaf = 5 ** len(steps)

    @staticmethod
    def _in_indices(q: fmpq_mpoly, steps: Sequence[fmpq]) -> BallTerms:
        return {
            alpha: arb(c * math.prod((h**e for h, e in zip(steps, alpha, strict=True)), start=fmpq(1)))
            for alpha, c in terms_of(q).items()
        }

    def sum(self, sides: tuple[Side, ...], cut: float, max_points: int) -> tuple[arb, arb]:
        """(the sum over the points kept, a bound of Σ |f| e^{−P} over the ranges with inf P > cut)."""
        total, dead, stack, left = arb(0), arb(0), [sides], max_points
        while stack:
            box = stack.pop()
            with ctx.workprec(COARSE_BITS):
                lost, axis = self._outcome(box, cut)
            if lost is not None:
                dead += lost
            elif (points := math.prod(side.points for side in box)) <= self._leaf:
                left -= points
                require(left >= 0, "sum", f"more than max_points = {max_points} points are not negligible", self._steps)
                total += self._points(box, self._p_terms, self._f_terms, ())
            else:
                stack += [(*box[:axis], half, *box[axis + 1 :]) for half in box[axis].halves()]
        return total, dead

    def _outcome(self, box: tuple[Side, ...], cut: float) -> tuple[arb | None, int]:
        """A bound of the sum over the box if P > cut there, and the axis to halve otherwise."""
        z, radii = [arb(s.centre) for s in box], [arb(s.radius) for s in box]
        local = self._p.local(z, radii)
        slopes = [abs(s) * r for s, r in zip(local.slopes, radii, strict=True)]
        infimum = local.value - local.below - sum(slopes, arb(0))
        if infimum > cut:
            sup, _ = self._f.sup_and_inf(z, radii)
            return (math.prod(s.points for s in box) * sup * (-infimum).exp()).upper(), 0
        costs = [c + float(s.mid()) for c, s in zip(local.costs, slopes, strict=True)]
        costs = [-1.0 if s.points == 1 else c for c, s in zip(costs, box, strict=True)]
        return None, costs.index(max(costs))

    def _points(self, box: tuple[Side, ...], p: BallTerms, f: BallTerms, index: tuple[int, ...]) -> arb:
        if not box:
            exponent, value = p.get((), arb(0)), f.get((), arb(0))
            exponent += sum((wave(index) for wave in self._p_waves), arb(0))
            return (value + sum((wave(index) for wave in self._f_waves), arb(0))) * (-exponent).exp()
        first, last = int(box[0].first.p), int(box[0].last.p)
        return sum(
            (self._points(box[1:], _fixed(p, k), _fixed(f, k), (*index, k)) for k in range(first, last + 1)), arb(0)
        )


class _GridWave:
    """A wave at grid points."""

    def __init__(self, wave: ExactWave, steps: Sequence[fmpq]):
        self._wave, self._steps = wave, steps

    def __call__(self, index: tuple[int, ...]) -> arb:
        y = [h * k for h, k in zip(self._steps, index, strict=True)]
        angle = arb(self._wave.phase + sum((k * x for k, x in zip(self._wave.frequency, y, strict=True)), fmpq(0)))
        return arb(self._wave.cosine(*y)) * angle.cos() + arb(self._wave.sine(*y)) * angle.sin()


def _fixed(terms: BallTerms, k: int) -> BallTerms:
    """The first variable replaced by the integer k."""
    result: BallTerms = {}
    for alpha, c in terms.items():
        value = c * k ** alpha[0] if alpha[0] else c
        result[alpha[1:]] = result[alpha[1:]] + value if alpha[1:] in result else value
    return result

"""The shifted lines of theorem T2: where to shift, and proved bounds of the masses M_j there.

Idea
----
The shift a_j is chosen from samples; then the growth of Re P(y + i a_j e_j) is proved, and M_j = ∫ |f e^{−P}| on the shifted
lines is bounded by boxes inside {N ≤ 1} and by the tail theorem outside. If the bound comes out much larger than the
samples promised, a smaller shift is tried; the best step wins.

Reading order: `Problem`, `Line`, `bounded_line`, `line_masses`.
"""

import math
from typing import NamedTuple

import numpy as np
from flint import arb, fmpq, fmpq_mpoly

from numerics.errors import NotCertified
from numerics.trapezoid import gridsum, steering
from numerics.trapezoid.boxes import Boxes, log_mass, log_sum
from numerics.trapezoid.shadow import FloatField, Majorants
from numerics.trapezoid.tails import Frame, Tail, certify
from numerics.trapezoid.waves import Field, cosh_above

ORIGIN = fmpq(0)
PIECES = {1: 32, 2: 16, 3: 8, 4: 4}


class Problem(NamedTuple):
    """P(y), the f(y), the majorants of the f, the frames in which tails may be certified, the budget Λ."""

    p: Field
    fs: tuple[Field, ...]
    majorants: tuple[fmpq_mpoly, ...]
    frames: tuple[Frame, ...]
    budget: float

    @property
    def dimension(self) -> int:
        return self.p.dimension


class Line(NamedTuple):
    """The bound on one family of shifted lines: shift a, step h, and M for every f."""

    shift: fmpq
    step: fmpq
    masses: tuple[arb, ...]
    tail: Tail


def first_certificate(
    problem: Problem, m: float, axis: int | None = None, a: fmpq = ORIGIN, likely: Frame | None = None
) -> Tail | None:
    """The growth of Re P on the lines shifted by a, in the first frame where it is proved; None if in none.

    The waves are ≥ −Σ amplitude·cosh(κ_axis a) there, for all smaller shifts too.
    """
    dips = [w.amplitude * cosh_above(w.frequency[axis or 0] * a) for w in problem.p.waves]
    polynomial = problem.p.polynomial - sum(dips, fmpq(0))
    for frame in problem.frames if likely is None else (likely, *(f for f in problem.frames if f is not likely)):
        found = certify(polynomial, frame, m, axis=axis, a=a)
        if found is not None:
            return found
    return None


def bounded_line(
    problem: Problem, axis: int, samples: steering.Samples, estimates: list[float], steps: list[float], frame: Frame
) -> Line:
    """The shift, the step and the proved masses M_axis; a smaller shift is tried where the bound comes out poor."""
    d = problem.dimension
    wanted = problem.budget + math.log(4 * d)
    a = samples.shift(axis, wanted)
    reference = samples.log_integral(np.ones(len(samples.values)))  # M ≥ |∫ e^{−P}| on every line
    best: Line | None = None
    for attempt in range(14):
        if attempt >= 6 and best is not None:
            break
        shift = steering.dyadic(a, 8)
        tail = first_certificate(problem, problem.budget / 2 + 30, axis, shift, frame)
        if tail is not None:
            masses = line_masses(problem, axis, shift, tail, steps, reference)
            excess = max(float(m.log()) - e for m, e in zip(masses, estimates, strict=True))
            if not math.isfinite(excess):
                a *= 0.75
                continue
            step = _floor_dyadic(2 * math.pi * a / (wanted + max(excess, 0.0)))
            if best is None or step > best.step:
                best = Line(shift, step, masses, tail)
            if excess < 0.6 * wanted:
                break
            if excess > 2 * wanted:
                a *= 0.6
        a *= 0.75 if tail is not None else 0.6
    if best is None:
        raise NotCertified("the decay on shifted lines could not be proved in any frame; give `frame`, or add a prior")
    return best


def _floor_dyadic(x: float) -> fmpq:
    mantissa, exponent = math.frexp(x)
    return fmpq(math.floor(mantissa * 512)) * fmpq(2) ** (exponent - 9)


def line_masses(
    problem: Problem, axis: int, a: fmpq, tail: Tail, steps: list[float], reference: float
) -> tuple[arb, ...]:
    """Proved upper bounds of M_axis for every f: boxes inside {N ≤ 1}, the tail bound outside."""
    d = problem.dimension
    widths = np.array(steps + [0.0] * (d - len(steps)))
    gap = max(1.2, 0.05 * problem.budget)
    mass = log_mass(
        FloatField.on_line(problem.p, axis, a), Boxes.around(tail.enclosing, PIECES[d]), widths, gap, reference
    )
    log_weights = np.log(2 * mass.boxes.radii + widths).sum(axis=1) - mass.infimum
    majorants = [f.majorant(axis, a) for f in problem.fs]
    heights = np.log(Majorants(majorants).above(np.abs(mass.boxes.centres) + mass.boxes.radii))
    outside = tail.bounds(majorants, widths.tolist())
    return tuple(
        (gridsum.inflated_exp(log_sum(log_weights + height)) + rest).upper()
        for rest, height in zip(outside, heights.T, strict=True)
    )

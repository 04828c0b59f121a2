"""How fine and how wide a grid has to be for the current digits, with a coarser and a narrower one that show its errors.

Reading order: `three_grids`, `_spreads`.
"""

import math
from collections.abc import Callable, Sequence

from flint import arb

from numerics.kernel.points import vector
from numerics.kernel.transition import Grid, Step
from numerics.precision import current_digits
from theory.errors import BadInput

COARSER, NARROWER = 1.1, 1.1
MOST_POINTS = 6000
FEWEST = 8  # digits that a grid is made for at least: below, the two errors are not yet exponentially small
DOUBLES = 15  # digits of a matrix in doubles


def three_grids(step: Step, curvatures: Sequence[float], spread: Sequence[float] | None) -> list[Grid]:
    """The finest grid, a coarser one and a narrower one, for the current digits.

    The spacing that makes exp(−2π²e/δ²), and the half-width that makes exp(−X²/2S), the precision of the *coarser* grids.
    """
    doubles = step.d == 2 and step.noisy
    nats = max(FEWEST, min(current_digits(), DOUBLES) if doubles else current_digits()) * math.log(10)
    e = float(step.e)
    widths = list(spread) if spread is not None else _spreads(step, curvatures)
    spacings = [min(math.pi * math.sqrt(2 * e / nats), width) / COARSER for width in widths]
    halves = [NARROWER * width * math.sqrt(2 * nats) for width in widths]

    def grid(coarser: float, dropped: Callable[[int], int]) -> Grid:
        steps = tuple(_dyadic(coarser * delta) for delta in spacings)
        sides = (math.ceil(half / delta) for half, delta in zip(halves, steps, strict=True))
        return Grid(steps, tuple(m - dropped(m) for m in sides))

    finest = grid(1, lambda _: 0)
    if math.prod(finest.sizes) > MOST_POINTS:
        raise BadInput(
            f"the kernel would need {math.prod(finest.sizes)} points for {current_digits()} digits at e = {step.e}; "
            f"ask for fewer digits or take a larger step ({MOST_POINTS} is the most)"
        )
    # The narrower box loses a node at least, or nothing would be seen of its width.
    return [finest, grid(COARSER, lambda _: 0), grid(1, lambda m: math.ceil(m * (1 - 1 / NARROWER)))]


def _spreads(step: Step, curvatures: Sequence[float]) -> list[float]:
    """√S_i of the linear chain, S = (e + added)/(1 − a²); 1 + t^{−1/2} leaves room for the rest of the loss."""
    if min(curvatures) <= 0:
        raise BadInput("the Hessian at w* does not bound the chain; give `spread`, its rough standard deviations")
    e, zero = float(step.e), [vector([arb(0)]) for _ in step.variables]
    extra = [0.0] * step.d
    if step.noise:
        extra = [float(step.added(zero)[i][i][0].mid()) for i in range(step.d)]
    if step.losses:
        kicks = step.kicks(zero)
        extra = [sum(float(k[i][0].mid()) ** 2 for k in kicks) / len(kicks) / step.batch for i in range(step.d)]
    factors = [1 - e * c / 2 for c in curvatures]
    room = 1 + 1 / math.sqrt(float(step.t))
    return [room * math.sqrt((e + x) / (1 - a * a)) for a, x in zip(factors, extra, strict=True)]


def _dyadic(delta: float) -> float:
    """delta > 0 rounded down to twelve binary places, or to eight digits where it is small."""
    unit = 2.0 ** max(12, 8 - math.frexp(delta)[1])
    return math.floor(delta * unit) / unit

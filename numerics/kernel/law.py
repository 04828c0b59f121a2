"""The chain solved on three grids: its law, lags, sums over lags and burn-in as balls with estimated errors.

Reading order: `Kernel` (all grids), `_Solved` (one of them), `_refined` (digits beyond doubles).
"""

import math
from collections.abc import Callable, Sequence
from functools import cached_property, reduce
from operator import mul
from typing import Any

import numpy as np
import scipy.linalg
from flint import arb, ctx

from numerics.kernel.points import Vector, floats, on_points, vector
from numerics.kernel.transition import Grid, Step, transition
from theory.errors import BadInput

SAFETY = 4


class Kernel:
    """The chain on three grids; every method gives a ball: the finest grid's number ± the estimated error (see module)."""

    def __init__(self, step: Step, grids: Sequence[Grid]):
        self.step = step
        self.points = math.prod(grids[0].sizes)
        self._solved = [_Solved(step, grid) for grid in grids]

    def expectation(self, phi: Any) -> arb:
        """E φ."""
        return self._estimated(lambda s: s.mean(s.values(phi)))

    def cumulant(self, observables: Sequence[Any]) -> arb:
        """The joint cumulant of one, two or three observables: beyond the mean, the mean of the product of the fluctuations."""
        if len(observables) == 1:
            return self.expectation(observables[0])
        if not 2 <= len(observables) <= 3:
            raise BadInput(f"the kernel gives cumulants of one, two or three observables; there are {len(observables)}")
        return self._estimated(lambda s: s.mean(reduce(mul, map(s.fluctuation, observables))))

    def covariance(self, phi: Any, psi: Any) -> arb:
        """Cov(φ, ψ)."""
        return self.cumulant((phi, psi))

    def lagged(self, phi: Any, psi: Any, lag: int) -> arb:
        """Cov(φ(w_k), ψ(w_0)), k = `lag`."""
        if lag < 0:
            phi, psi, lag = psi, phi, -lag
        return self._estimated(lambda s: s.mean(s.fluctuation(psi) * s.after(s.fluctuation(phi), lag)))

    def long_run(self, phi: Any, psi: Any, thin: int = 1) -> arb:
        """Σ_{k∈Z} Cov(φ(w_{sk}), ψ(w_0)), s = `thin`."""
        return self._estimated(lambda s: s.summed(s.fluctuation(phi), s.fluctuation(psi), _thinned(thin)))

    def estimator(self, phi: Any, psi: Any, thin: int = 1) -> arb:
        """V in Var Ĉ = V/(NC), Ĉ the sample covariance of φ and ψ: the long-run variance of φ̃ψ̃."""

        def value(s: "_Solved") -> arb:
            both = s.fluctuation(phi) * s.fluctuation(psi)
            both = both - s.mean(both)
            return s.summed(both, both, _thinned(thin))

        return self._estimated(value)

    def from_start(self, phi: Any, steps: int) -> arb:
        """E[φ(w_k) | w_0 = w*], k = `steps`."""
        return self._estimated(lambda s: s.after(s.values(phi), steps)[s.grid.centre])

    def _estimated(self, value: Callable[["_Solved"], arb]) -> arb:
        finest, *others = (value(solved) for solved in self._solved)
        error = SAFETY * sum((abs(finest - other) for other in others), arb(0))
        return finest + arb(0, error.upper())


class _Solved:
    """One grid: P and its law, and what follows from them."""

    def __init__(self, step: Step, grid: Grid):
        self.step, self.grid = step, grid
        self.operator = transition(step, grid)
        self.place = step.place(grid.points())
        self.exact_start = vector([arb(c) for c in self.operator.dense[grid.centre]])
        self._factors: dict[int, Any] = {}

    @cached_property
    def law(self) -> Vector:
        """π: (I − P + 1cᵀ)ᵀ π = c, c the doubles of the row P(w*, ·)."""
        c = self.exact_start

        def apply(law: Vector) -> Vector:
            return law - self.operator.push(law) + c * law.sum()

        law = _refined(apply, self._solver(1, transposed=True), c)
        return law / law.sum()

    def values(self, phi: Any) -> Vector:
        return on_points(phi, self.step.variables, self.place)

    def mean(self, f: Vector) -> arb:
        return (self.law * f).sum()

    def fluctuation(self, phi: Any) -> Vector:
        f = self.values(phi)
        return f - self.mean(f)

    def after(self, f: Vector, steps: int) -> Vector:
        if not isinstance(steps, int | np.integer) or steps < 0:
            raise BadInput(f"the chain makes a whole number of steps ≥ 0; it was given {steps}")
        for _ in range(steps):
            f = self.operator.after(f)
        return f

    def summed(self, f: Vector, g: Vector, thin: int) -> arb:
        return self.mean(g * self.poisson(f, thin) + f * self.poisson(g, thin) - f * g)

    def poisson(self, f: Vector, thin: int) -> Vector:
        """u with (1 − P^s) u = f, for Σπf = 0: (I − P^s + 1cᵀ) u = f has cᵀu = 0."""
        c = self.exact_start
        return _refined(lambda u: u - self.after(u, thin) + (c * u).sum(), self._solver(thin), f)

    def _solver(self, thin: int, *, transposed: bool = False) -> Callable[[np.ndarray], np.ndarray]:
        if thin not in self._factors:
            power = np.linalg.matrix_power(self.operator.dense, thin)
            matrix = np.eye(len(power)) - power + self.operator.dense[self.grid.centre][None, :]
            self._factors[thin] = scipy.linalg.lu_factor(matrix)
        return lambda b: scipy.linalg.lu_solve(self._factors[thin], b, trans=int(transposed))


def _refined(apply: Callable[[Vector], Vector], solve: Callable[[np.ndarray], np.ndarray], b: Vector) -> Vector:
    """x with apply(x) = b: x += solve(b − apply(x)) until a correction no longer shrinks or lies below the precision."""
    x = vector([arb(0)] * len(b))
    residual, before = b, math.inf
    while True:
        size = max(abs(c.mid()) for c in residual)
        if size == 0:
            return x
        # Residuals may be far below the smallest double: each is scaled to one.
        correction = solve(floats(residual / size))
        moved = vector(c.mid() for c in x + size * vector(map(arb, correction)))
        largest = float(size) * float(np.abs(correction).max())
        if not largest < before / 16:
            return x
        x, before = moved, largest
        if largest <= 2.0**-ctx.prec * max(float(abs(c)) for c in x):
            return x
        residual = b - apply(x)


def _thinned(thin: int) -> int:
    if not isinstance(thin, int | np.integer) or thin < 1:
        raise BadInput(f"draws are a whole number of steps, and at least one step apart; thin = {thin}")
    return thin

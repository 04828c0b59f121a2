"""The integrand f e^{−(V − level)}: compiled for steering, for bounds on boxes, and for sums at nodes.

Idea
----
One object answers the three questions that quadrature asks: about how large (floats), at most how large on these
complex boxes (proved), and exactly what at this node (balls); and a fourth, where it is holomorphic: functions with
poles or cuts of their own are bounded where they are holomorphic (`regular`), and what stands under a logarithm, a root
or a negative power must stay on one side of the imaginary axis (`right_of_zero`).

Reading order: `Integrand`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp

from numerics.gauss.compiled import Program, collected, singularities
from numerics.gauss.rectangles import Rectangles

SLACK = 1e-11  # float logarithms of bounds: rounding of V − level and of log, relative to their sizes


class Integrand:
    """The f e^{−(V − level)} of one problem, compiled for boxes (as written) and for nodes (collected in powers)."""

    def __init__(self, potential: Any, amplitudes: Sequence[Any], variables: Sequence[sp.Symbol], level: float = 0.0):
        self.variables = tuple(variables)
        self.potential, self.amplitudes = potential, tuple(amplitudes)
        self.program = Program([potential, *amplitudes], variables)
        self.nodes = Program([collected(e, variables) for e in (potential, *amplitudes)], variables)
        parts = singularities((potential, *amplitudes), variables)
        self.functions, self.bases = Program(parts.functions, variables), Program(parts.bases, variables)
        self.signed = np.array(parts.signed, dtype=bool)
        self.level = level

    @property
    def dangerous(self) -> frozenset[int]:
        """The variables on which something that is not entire depends."""
        return frozenset(i for i in range(len(self.variables)) if self.functions.holds(i) or self.bases.holds(i))

    def potential_at(self, *points: Any) -> np.ndarray:
        """Steering: V at real points, nan where undefined."""
        return np.asarray(self.program.floats(*points)[0])

    def sample(self, *points: Any) -> np.ndarray:
        """Steering: log |f_i e^{−(V − level)}| [m, …] at real or complex points, nan where undefined."""
        v, *fs = (np.asarray(value) for value in self.program.floats(*points))
        plain = np.zeros((1,) * max(map(np.ndim, points)))  # constants have the axes of the points as well
        with np.errstate(all="ignore"):
            rise = self.level - np.real(v) + plain
            return np.stack(np.broadcast_arrays(*(np.log(np.abs(f)) + rise for f in fs)))

    def logarithms(self, *boxes: Rectangles) -> np.ndarray:
        """Proved upper bounds of log |f_i e^{−(V − level)}| [m, n]."""
        v, *fs = self.program.boxes(*boxes)
        with np.errstate(all="ignore"):
            rows = []
            for f in fs:
                size = np.log(f.largest())
                bound = self.level - v.re[0] + size
                slack = SLACK * (1 + np.abs(v.re[0]) + abs(self.level) + np.where(np.isfinite(size), np.abs(size), 0.0))
                rows.append(np.where(np.isnan(bound), np.inf, bound + slack))
        shape = np.broadcast_shapes(*(b.re[0].shape for b in boxes))
        return np.stack([np.broadcast_to(row, shape) for row in rows])

    def regular(self, *boxes: Rectangles) -> np.ndarray:
        """On which boxes every function with poles or cuts of its own is proved holomorphic [n]."""
        good = np.ones(np.broadcast_shapes(*(b.re[0].shape for b in boxes)), dtype=bool)
        for value in self.functions.boxes(*boxes):
            good &= value.finite()
        return good

    def signs(self, *centres: np.ndarray) -> np.ndarray:
        """The signs that the bases are expected to have [bases, n] (steering), +1 where a negative one is forbidden."""
        values = np.stack([np.broadcast_to(v, centres[0].shape) for v in self.bases.floats(*centres)])
        return np.where(self.signed[:, None] & (values < 0), -1.0, 1.0)

    def right_of_zero(self, signs: np.ndarray, *boxes: Rectangles) -> np.ndarray:
        """On which boxes sign·(real part of every base) > 0 is proved [n]."""
        good = np.ones(np.broadcast_shapes(*(b.re[0].shape for b in boxes)), dtype=bool)
        for sign, value in zip(signs, self.bases.boxes(*boxes), strict=True):
            good &= np.where(sign > 0, value.re[0] > 0, value.re[1] < 0)
        return good

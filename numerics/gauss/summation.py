"""Tensor Gauss–Legendre sums over panels in ball arithmetic, many amplitudes in one pass.

Idea
----
Variable i of a panel lies along axis i of an array, so that numpy's broadcasting computes what depends on few variables
only on their small grid. The heights e^{−(V − level)} are computed once; for every amplitude the axes on which it does
not depend are summed first, once for all amplitudes. Panels that contribute little are summed with fewer bits.

Reading order: `panel_sums`, `_tensor_rule`, `_Contractions`.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from numerics.gauss.ellipse import Ellipses, Panels, error_bound
from numerics.gauss.integrand import Integrand

SLICE = 100_000
LEAST_BITS = 64
EXP = np.frompyfunc(arb.exp, 1, 1)


@lru_cache(maxsize=1024)
def _rule(n: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """The nodes of the n-point Gauss–Legendre rule on [−1, 1] and half its weights."""
    nodes, weights = np.empty(n, dtype=object), np.empty(n, dtype=object)
    with ctx.workprec(bits):
        for k in range(n):
            nodes[k], w = arb.legendre_p_root(n, k, weight=True)
            weights[k] = w / 2
    return nodes, weights


def panel_sums(integrand: Integrand, level: fmpq, panels: Panels, fitted: Ellipses, tops: np.ndarray) -> list[arb]:
    """Σ over the panels of the tensor rules, with their error bounds in the radius.

    tops: about the logarithm of what each panel contributes; small contributions need fewer bits.
    """
    m = len(integrand.amplitudes)
    totals = [arb(0)] * m
    for k, (lower, upper) in enumerate(zip(panels.lower, panels.upper, strict=True)):
        volume = math.prod(((b - a) for a, b in zip(lower, upper, strict=True)), start=arb(1))
        nodes = [int(n) for n in fitted.nodes[k]]
        spare = math.floor(float(tops.max() - tops[k]) / math.log(2)) if np.isfinite(tops[k]) else 0
        with ctx.workprec(max(LEAST_BITS, ctx.prec - spare)):
            parts = _tensor_rule(integrand, level, lower, upper, nodes)
        for i in range(m):
            error = sum(
                (error_bound(float(fitted.log_m[j, i, k]), float(fitted.rho[k, j]), n) for j, n in enumerate(nodes)),
                arb(0),
            )
            totals[i] += volume * (parts[i] + arb(0, error.upper()))
    return totals


def _tensor_rule(
    integrand: Integrand, level: fmpq, lower: tuple[arb, ...], upper: tuple[arb, ...], nodes: list[int]
) -> list[arb]:
    """The means of the f e^{−(V − level)} over the panel by the tensor rule; variable i lies along axis i."""
    d = len(nodes)
    bits = 32 * math.ceil(ctx.prec / 32)
    values, weights = [], []
    for i, n in enumerate(nodes):
        x, w = _rule(n, bits)
        shape = [1] * d
        shape[i] = n
        values.append((x * ((upper[i] - lower[i]) / 2) + (lower[i] + upper[i]) / 2).reshape(shape))
        weights.append(w)
    rows = max(1, SLICE // max(1, math.prod(nodes[1:])))
    totals: list[Any] = [arb(0)] * len(integrand.amplitudes)
    for start in range(0, nodes[0], rows):
        some = [values[0][start : start + rows], *values[1:]]
        v, *fs = integrand.nodes.balls(*some)
        size = [len(some[0]), *nodes[1:]]
        height = np.broadcast_to(np.asarray(EXP(arb(level) - v), dtype=object), size)
        contracted = _Contractions(height, [weights[0][start : start + rows], *weights[1:]])
        for i, f in enumerate(fs):
            totals[i] = totals[i] + contracted.total(np.asarray(f, dtype=object), integrand.nodes.depends[1 + i])
    return totals


class _Contractions:
    """Σ w_1 … w_d f e^{−V}: the axes on which f does not depend are summed first, once for all f."""

    def __init__(self, heights: np.ndarray, weights: list[np.ndarray]):
        self.heights, self.weights = heights, weights
        self._memory: dict[tuple[int, ...], np.ndarray] = {}

    def _over(self, axes: tuple[int, ...]) -> np.ndarray:
        """The heights summed over `axes` (kept with length 1)."""
        if not axes:
            return self.heights
        if axes not in self._memory:
            self._memory[axes] = _contract(self._over(axes[1:]), axes[0], self.weights[axes[0]])
        return self._memory[axes]

    def total(self, f: np.ndarray, depends: frozenset[int]) -> Any:
        free = tuple(i for i in range(len(self.weights)) if i not in depends)
        result = self._over(free) * f
        for axis in depends:
            result = _contract(result, axis, self.weights[axis])
        return np.asarray(result, dtype=object).reshape(-1)[0]


def _contract(values: np.ndarray, axis: int, weights: np.ndarray) -> np.ndarray:
    return np.expand_dims(np.moveaxis(values, axis, -1) @ weights, axis)

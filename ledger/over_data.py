"""Means over data of a regression with the slope c(w) = x d(y) and the truth 0, by quadrature: a road beside the chains of §4.2.3.

Given the data, which enter through ξ ∼ N(0, 1) alone, x is integrated by hand, y on a grid, and ξ by Gauss–Hermite; each value
comes with its change when both rules are refined. `factor` is d, in the symbol `y`.

Reading order: `expected_free_energy`, `expected_generalisation`, `expected_wbic`.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import sympy as sp

y = sp.Symbol("y", real=True)
NODES = 60


@lru_cache
def _grid(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Midpoints u of y = sinh(u)/16 with the weights of N(0, 1): fine where the posterior is narrow."""
    u = (np.arange(points) + 0.5) * 2 * np.arcsinh(16 * 9.0) / points - np.arcsinh(16 * 9.0)
    values = np.sinh(u) / 16
    weights = np.exp(-(values**2) / 2) * np.cosh(u)
    return values, weights / weights.sum()


def _over_data(function: Callable[[np.ndarray], np.ndarray], nodes: int) -> float:
    """E over ξ ∼ N(0, 1)."""
    xi, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return float((weights * function(xi)).sum() / weights.sum())


def _refined(value: Callable[[int, int], float]) -> tuple[float, float]:
    """(value, change when both rules are refined)."""
    fine = value(NODES, 4000)
    return fine, abs(fine - value(NODES // 2, 2000))


def expected_wbic(factor: sp.Expr, n: int) -> tuple[float, float]:
    """E[⟨½nc² − √n ξ c⟩] at β = 1/log n; given y, x is Gaussian with precision p = 1 + nβd² and mean β√n ξ d/p."""
    d_of, beta = sp.lambdify(y, factor), 1 / np.log(n)

    def value(nodes: int, points: int) -> float:
        at, weights = _grid(points)
        d = d_of(at) * np.ones_like(at)
        p = 1 + n * beta * d**2

        def of_data(xi: np.ndarray) -> np.ndarray:
            mean = beta * n**0.5 * xi[:, None] * d / p
            posterior = weights * p**-0.5 * np.exp(p * mean**2 / 2)
            energy = n * d**2 * (1 / p + mean**2) / 2 - n**0.5 * xi[:, None] * d * mean
            return (posterior * energy).sum(axis=1) / posterior.sum(axis=1)

        return _over_data(of_data, nodes)

    return _refined(value)


def expected_free_energy(factor: sp.Expr, n: int) -> tuple[float, float]:
    """E[F_n − nL_n(w*)] = −E log Z_1(n, ξ)."""
    return _refined(lambda nodes, points: _energy(factor, n, nodes, points))


def expected_generalisation(factor: sp.Expr, n: int) -> tuple[float, float]:
    """n E[G_n] = n (E[F_{n+1}] − E[F_n])."""
    return _refined(
        lambda nodes, points: n * (_energy(factor, n + 1, nodes, points) - _energy(factor, n, nodes, points))
    )


def _energy(factor: sp.Expr, size: int, nodes: int, points: int) -> float:
    """−E log Z, x integrated by hand, y on a grid, ξ by Gauss–Hermite."""
    at, weights = _grid(points)
    d = sp.lambdify(y, factor)(at) * np.ones_like(at)
    p = 1 + size * d**2
    return _over_data(
        lambda xi: -np.log((weights * p**-0.5 * np.exp(size * xi[:, None] ** 2 * d**2 / (2 * p))).sum(axis=1)), nodes
    )

"""Second roads for the tests of `theory.singular`: enclosures of monomial integrals, and quadrature on the logarithmic scale."""

from functools import lru_cache

import numpy as np
import sympy as sp
from flint import acb, arb, ctx, fmpq


def monomial(k: tuple[int, int], h: tuple[int, int], t: int, bits: int = 200) -> arb:
    """∫_{[0,1]²} e^{−t x^{k_1} y^{k_2}} x^{h_1} y^{h_2}, enclosed.

    y exactly: ∫ y^h e^{−c y^k} dy = c^{−s} γ(s, c)/k, s = (h+1)/k, by Γ(s) − Γ(s, c) where c = t x^{k_1} ≥ 1 and by 1F1 below;
    then a certified integral over ξ = −log x.
    """
    before = ctx.prec
    ctx.prec = bits
    try:
        s = acb(fmpq(h[1] + 1, k[1]))

        def large(xi, _):
            c = t * (-k[0] * xi).exp()
            return (-(h[0] + 1) * xi).exp() * c ** (-s) * (s.gamma() - c.gamma_upper(s)) / k[1]

        def small(xi, _):
            c = t * (-k[0] * xi).exp()
            return (-(h[0] + 1) * xi).exp() * (-c).hypgeom_1f1(s, s + 1) / (h[1] + 1)

        edge = acb(t).log() / k[0]
        far = edge + arb(bits) * arb(2).log() / (h[0] + 1)
        total = acb.integral(large, 0, edge) + acb.integral(small, edge, far)
        rest = (-(h[0] + 1) * far.real).exp() / ((h[0] + 1) * (h[1] + 1))
        return total.real + arb(0, rest.upper())
    finally:
        ctx.prec = before


@lru_cache
def _rule(panels: int, nodes: int, end: float) -> tuple[np.ndarray, np.ndarray]:
    points, weights = np.polynomial.legendre.leggauss(nodes)
    edges = np.linspace(0, end, panels + 1)
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    xi = (middle[:, None] + half[:, None] * points).ravel()
    return np.exp(-xi), (half[:, None] * weights).ravel() * np.exp(-xi)


def in_three(K: sp.Expr, weights: list, names: tuple, t: float, end: float = 38.0) -> np.ndarray:
    """∫_{[0,1]³} e^{−tK} weight for each weight, by 40 panels of 10 nodes in each −log: about 12 digits."""
    loss, densities = sp.lambdify(names, K, "numpy"), [sp.lambdify(names, f, "numpy") for f in weights]
    x, w = _rule(40, 10, end)
    grid = np.meshgrid(x, x, indexing="ij")
    total = np.zeros(len(weights))
    for a, wa in zip(x, w, strict=True):
        e = np.exp(-t * loss(a, *grid))
        total += [wa * (w @ (e * f(a, *grid)) @ w) for f in densities]
    return total


def quadrature(K: sp.Expr, weight: sp.Expr, names: tuple, t: float, panels: int = 80) -> float:
    """∫_{[0,1]²} e^{−tK} weight, panels of Gauss rules in −log x, −log y: about 13 digits."""
    loss, density = (sp.lambdify(names, f, "numpy") for f in (K, weight))
    x, w = _rule(panels, 12, 40.0)
    grid = np.meshgrid(x, x, indexing="ij")
    return float(w @ (np.exp(-t * loss(*grid)) * density(*grid) * np.ones_like(grid[0])) @ w)

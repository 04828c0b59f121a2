"""Zeta functions ζ(z) = ∫ K^z φ of normal crossings, exactly: poles, orders, Laurent coefficients (eq 24).

    charts(K, variables, domain=…, density=…)   K a monomial times a positive analytic unit, as normal-crossing charts;
    Chart, Map, pullback, toric                 charts given directly, or made by the maps of a resolution: their ζ is summed;
    poles(charts, up_to)                        all candidates with orders and polar coefficients; what is no pole says so;
    threshold(charts)                           (λ, m, A_0) of the first one;
    laurent(charts, s, beyond)                  ζ(−s + ε) as far as wanted.

Coefficients are exact: rationals, Γ, ψ, ζ(n), logarithms, and where no closed form is known finite parts of integrals
(`FinitePart`), which print, and which `balls` evaluates. Second roads: `numerics.zeta` (proved balls from other formulas) and the
contour integrals there.

Reading order: `series` and `taylor` (the arithmetic), `finite_part`, `content`, `chart`, `continuation`, then `maps`, `toric`;
`balls`, `quadrature`, `folding`, `grids`, `weights`, `interpolation`, `positivity` for numbers and proofs.

Reference: S. Watanabe, "Algebraic Geometry and Statistical Learning Theory" (2009), chapters 2 and 4.
"""

from theory.zeta import toric
from theory.zeta.chart import SIDES, Chart, Side, charts
from theory.zeta.continuation import Pole, candidates, laurent, poles, threshold
from theory.zeta.finite_part import Axis, FinitePart
from theory.zeta.maps import Map, pullback
from theory.zeta.series import Laurent

__all__ = [
    "SIDES", "Axis", "Chart", "FinitePart", "Laurent", "Map", "Pole", "Side", "candidates", "charts", "laurent",
    "poles", "pullback", "threshold", "toric",
]  # fmt: skip

"""Gradient noise at first order in ε, for any energy and any covariance that depends on the place.

A step w' = w − (ε/2) g + √ε ξ with E[g|w] = ∇U and Cov(g|w) = C(w) is P = 1 + ε𝓛 + ε²(𝓐 + ⅛ C:D²) + …, and its stationary law is

    π_ε = Π [1 + ε (r + ρ − mean)] + O(ε²),       r = ¼(½|∇U|² − ΔU) without noise (`theory.first_order`),  ρ for the noise:

    ∫ (⅛ C:D²f + ρ 𝓛f) e^{−U} = 0 for every f.                                                                     (1)

Integrated by parts, with the field F = ¼(div C − C∇U), (div C)_i = Σ_j ∂_j C_ij: `noise_equation`, for undefined U, C, ρ and f,

    ⅛ C:D²f + ρ 𝓛f = e^{U} div[e^{−U}(⅛ C∇f + ½ρ∇f)] − ½ ∇f·(∇ρ + F),                                          (2)

so that (1) holds iff e^{−U}(∇ρ + F) has no divergence, and certainly if ∇ρ = −F. This is closed where F is a gradient (`density`):

    d = 1                        ρ = −¼ C + ¼ ∫ C U' dw                                      one integral, any U and C
    C = c I                      ρ = ¼ c U
    C = c(U) I                   ρ = −¼ c(U) + ¼ ∫ c dU
    C = Σ_i c_i(w_i) e_i e_iᵀ and U = Σ_i U_i(w_i)                                             a sum of the first

Elsewhere the noise drives a current round the minimum and ρ solves an elliptic equation without closed form; but for one observable
the Poisson equation is enough, 𝓛u = φ − ⟨φ⟩ gives by (1)

    E_ε φ = [without noise] − (ε/8) ⟨C:D²u⟩ + O(ε²),                                                            (3)

with u a polynomial for quadratic U (`mean_shift`). The preconditioned chain is the plain one in v, w = D^{1/2} v.
C must not grow with 1/ε: minibatches of a posterior exp(−tL) have C = t G (see `theory.langevin`), and (1) is first order in ε at
fixed t.

Reading order: `density`, `of_mean`, `of_covariance`, `mean_shift` (public), `field`, `noise_equation`.
"""

from collections.abc import Sequence
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.first_order import Correction, laplacian

QUARTER, EIGHTH = sp.Rational(1, 4), sp.Rational(1, 8)


def density(energy: sp.Expr, covariance: Any, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """ρ up to a constant, for `covariance` C a matrix of expressions; raises `BadInput` where F is no gradient.

    The integral of a line through the origin, ρ(w) = −∫_0^1 F(sw)·w ds in several variables; in one ∫ C U' stays an
    unevaluated integral where sympy knows no antiderivative.
    """
    v, F = tuple(variables), field(energy, covariance, variables)
    if len(v) == 1:
        (w,), c = v, sp.Matrix(covariance)[0, 0]
        return sp.expand(-c * QUARTER + QUARTER * sp.integrate(sp.expand(c * sp.diff(energy, w)), w))
    for i, a in enumerate(v):
        for j, b in enumerate(v[:i]):
            curl = sp.simplify(sp.diff(F[i], b) - sp.diff(F[j], a))
            if curl != 0:
                raise BadInput(
                    f"the noise drives a current: ∂{b} F_{a} − ∂{a} F_{b} = {curl} is not 0, so its correction has no "
                    "closed density; use mean_shift for one observable, or the recursion of theory.langevin"
                )
    s = sp.Dummy("s", positive=True)
    along = sp.Add(*(f.subs({a: s * a for a in v}) * a for f, a in zip(F, v, strict=True)))
    return sp.expand(-sp.integrate(sp.expand(along), (s, 0, 1)))


def field(energy: sp.Expr, covariance: Any, variables: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """F = ¼(div C − C∇U)."""
    v, C = tuple(variables), sp.Matrix(covariance)
    if C.shape != (len(v), len(v)) or C != C.T:
        raise BadInput(
            f"the covariance of {len(v)} gradient components is a symmetric {len(v)}×{len(v)} matrix; got {C}"
        )
    return [
        QUARTER * sp.Add(*(sp.diff(C[i, j], b) - C[i, j] * sp.diff(energy, b) for j, b in enumerate(v)))
        for i in range(len(v))
    ]


def of_mean(phi: sp.Expr, rho: sp.Expr) -> Correction:
    """What the noise adds to E_ε φ, over ε: Cov(φ, ρ)."""
    return Correction((sp.Rational(1),), ((phi, rho),))


def of_covariance(phi: sp.Expr, psi: sp.Expr, rho: sp.Expr) -> Correction:
    """What the noise adds to Cov_ε(φ, ψ), over ε: κ₃(φ, ψ, ρ)."""
    return Correction((sp.Rational(1),), ((phi, psi, rho),))


def noise_equation(
    f: sp.Expr, energy: sp.Expr, covariance: Any, rho: sp.Expr, variables: Sequence[sp.Symbol]
) -> sp.Expr:  # fmt: skip
    """⅛ C:D²f + ρ𝓛f + ½ ∇f·(∇ρ + F) less e^{U} times the divergence of e^{−U}(⅛ C∇f + ½ρ∇f): 0 for every U, C, ρ and f."""
    v, C, F = tuple(variables), sp.Matrix(covariance), field(energy, covariance, variables)
    n = range(len(v))
    slopes = [sp.diff(f, a) for a in v]
    curved = EIGHTH * sp.Add(*(C[i, j] * sp.diff(f, v[i], v[j]) for i in n for j in n))
    generator = (laplacian(f, v) - sp.Add(*(sp.diff(energy, v[i]) * slopes[i] for i in n))) / 2
    left = sp.Add(*(slopes[i] * (sp.diff(rho, v[i]) + F[i]) for i in n)) / 2
    flow = [EIGHTH * sp.Add(*(C[i, j] * slopes[j] for j in n)) + rho * slopes[i] / 2 for i in n]
    divergence = sp.Add(*(sp.diff(flow[i], v[i]) - sp.diff(energy, v[i]) * flow[i] for i in n))
    return sp.expand(curved + rho * generator + left - divergence)


def mean_shift(phi: sp.Expr, energy: sp.Expr, covariance: Any, variables: Sequence[sp.Symbol]) -> Correction:
    """(3): −⅛ ⟨C:D²u⟩ with 𝓛u = φ − ⟨φ⟩, for quadratic U and polynomial φ, closed whatever the noise does."""
    v, C = tuple(variables), sp.Matrix(covariance)
    u = poisson(phi, energy, v)
    pairs = [(i, j) for i in range(len(v)) for j in range(len(v))]
    return Correction((-EIGHTH,), ((sp.expand(sp.Add(*(C[i, j] * sp.diff(u, v[i], v[j]) for i, j in pairs))),),))


def poisson(phi: sp.Expr, energy: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """The polynomial u without constant term with 𝓛u = φ − ⟨φ⟩, 𝓛 = ½(Δ − ∇U·∇), for quadratic U.

    Raises `BadInput` for any other U or φ: then no polynomial solves it.
    """
    v = tuple(variables)
    if not (energy.is_polynomial(*v) and sp.Poly(energy, *v).total_degree() == 2 and phi.is_polynomial(*v)):
        raise BadInput(
            f"a polynomial solution needs a quadratic energy and a polynomial observable, not {energy}, {phi}"
        )
    degree = sp.Poly(phi, *v).total_degree()
    monomials = [m for m in sp.itermonomials(v, degree) if m != 1]
    unknown = [sp.Dummy() for _ in monomials]
    u = sp.Add(*(c * m for c, m in zip(unknown, monomials, strict=True)))
    slopes = sp.Add(*(sp.diff(energy, a) * sp.diff(u, a) for a in v))
    residual = sp.Poly(sp.expand((laplacian(u, v) - slopes) / 2 - phi), *v)
    (found,) = sp.linsolve([c for powers, c in residual.terms() if any(powers)], unknown)
    return u.subs(dict(zip(unknown, found, strict=True)))


__all__ = ["density", "field", "mean_shift", "noise_equation", "of_covariance", "of_mean", "poisson"]

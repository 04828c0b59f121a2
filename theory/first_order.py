"""The step of the chain to first order in ε, for any loss: singular, anharmonic, far from a minimum. No expansion in 1/t.

One full-batch step of size ε for U = tL + (γ/2)|w − w*|² is P = 1 + ε𝓛 + ε²𝓐 + …, 𝓛 = ½(Δ − ∇U·∇). Its stationary law is

    π_ε = Π [1 + (ε/4)(½|∇U|² − ΔU − mean)] + O(ε²),

so that, with averages under the posterior Π ∝ e^{−U} and integrating by parts,

    E_ε φ       = ⟨φ⟩ + (ε/8) [⟨Δφ⟩ − Cov(φ, ΔU)] + O(ε²)
    Cov_ε(φ,ψ)  = Cov(φ,ψ) + (ε/4)⟨∇φ·∇ψ⟩ + (ε/8)[Cov(Δφ,ψ) + Cov(φ,Δψ)] − (ε/8) κ₃(φ,ψ,ΔU) + O(ε²).

*Sketch.* Stationarity at order ε² asks ∫ (𝓐f + r𝓛f) e^{−U} = 0 for every f. With r = ¼(½|∇U|² − ΔU) the integrand is a
divergence: `density_equation`, for undefined U and f. Then E_ε φ = ⟨φ⟩ + ε Cov(φ, r), and ⟨φ|∇U|²⟩ = ⟨Δφ⟩ + ⟨φΔU⟩.

Each right-hand side is a posterior average; estimated from draws of the chain itself it is off by O(ε) of itself, so that
subtracting it leaves O(ε²) (`sampler.correction`).

The noise of minibatches adds another term at this order, in `theory.gradient_noise`.

Reading order: `Correction`, `of_mean`, `of_covariance`, `density_equation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

EIGHTH = sp.Rational(1, 8)


@dataclass(frozen=True)
class Correction:
    """ε × Σ_i factors[i] × κ(cumulants[i]), κ of one observable its mean: what the step adds to a mean or a covariance."""

    factors: tuple[sp.Rational, ...]
    cumulants: tuple[tuple[sp.Expr, ...], ...]


def of_mean(phi: sp.Expr, energy: sp.Expr, variables: Sequence[sp.Symbol]) -> Correction:
    """(E_ε φ − ⟨φ⟩)/ε = ⅛ ⟨Δφ⟩ − ⅛ Cov(φ, ΔU), U = `energy`."""
    return Correction((EIGHTH, -EIGHTH), ((laplacian(phi, variables),), (phi, laplacian(energy, variables))))


def of_covariance(phi: sp.Expr, psi: sp.Expr, energy: sp.Expr, variables: Sequence[sp.Symbol]) -> Correction:
    """(Cov_ε − Cov)/ε = ¼ ⟨∇φ·∇ψ⟩ + ⅛ [Cov(Δφ, ψ) + Cov(φ, Δψ)] − ⅛ κ₃(φ, ψ, ΔU)."""
    slopes = sp.expand(sp.Add(*(sp.diff(phi, v) * sp.diff(psi, v) for v in variables)))
    cumulants = (
        (slopes,),
        (laplacian(phi, variables), psi),
        (phi, laplacian(psi, variables)),
        (phi, psi, laplacian(energy, variables)),
    )
    return Correction((2 * EIGHTH, EIGHTH, EIGHTH, -EIGHTH), cumulants)


def laplacian(f: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """Δf = Σ_i ∂_i² f."""
    return sp.expand(sp.Add(*(sp.diff(f, v, 2) for v in variables)))


def density_equation(f: sp.Expr, energy: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """e^{U} times (𝓐f + r𝓛f) e^{−U} less the divergence of a field times e^{−U}, r = ¼(½|∇U|² − ΔU): 0 for every U and f.

    𝓐f = ⅛ Σ_ij ∂_iU ∂_jU ∂_ijf − ¼ Σ_ij ∂_iU ∂_ijjf + ⅛ Σ_ij ∂_iijjf is the ε² term of E f(w − (ε/2)∇U + √ε ξ).
    """
    v = tuple(variables)
    d = {a: sp.diff(energy, a) for a in v}
    second = sp.Add(*(d[a] * d[b] * sp.diff(f, a, b) for a in v for b in v)) / 8
    third = sp.Add(*(d[a] * sp.diff(f, a, b, b) for a in v for b in v)) / 4
    fourth = sp.Add(*(sp.diff(f, a, a, b, b) for a in v for b in v)) / 8
    r = (sp.Add(*(d[a] ** 2 for a in v)) / 2 - laplacian(energy, v)) / 4
    generator = (laplacian(f, v) - sp.Add(*(d[a] * sp.diff(f, a) for a in v))) / 2
    # The fields ⅛∇Δf + ⅛D²U∇f − ⅛D²f∇U + ½r∇f.
    lap = laplacian(f, v)
    fields = {
        a: sp.diff(lap, a) / 8
        + sp.Add(*(sp.diff(energy, a, b) * sp.diff(f, b) - d[b] * sp.diff(f, a, b) for b in v)) / 8
        + r * sp.diff(f, a) / 2
        for a in v
    }  # fmt: skip
    divergence = sp.Add(*(sp.diff(field, a) - d[a] * field for a, field in fields.items()))
    return sp.expand(second - third + fourth + r * generator - divergence)

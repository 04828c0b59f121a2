"""Linear response of a posterior, derived by differentiation under the integral sign.

A posterior expectation ⟨φ⟩_h = ∫ φ e^{−E_h} p / ∫ e^{−E_h} p whose exponent E_h depends on a parameter h has, exactly and for every
loss, prior and observable,

    d⟨φ⟩_h/dh = −Cov_h(φ, ∂E_h/∂h)                                                       (quotient rule).

With E_h = nβ(L + hΔL) this is the fluctuation–dissipation theorem χ(φ; ΔL) = (1/nβ) d⟨φ⟩/dh = −Cov(φ, ΔL) (Thm 11, eq 7); with
E_ρ = β Σ_j ρ_j ℓ_j it is the weight derivative at finite n (eq 33). The integrals stay symbolic: one integral sign stands for the
integral over all weights, and nothing is assumed of the functions under it but that they may be differentiated there.

Reading order: `Posterior` (symbolic), `response`, `linearize`; `influence_function` is Def 22.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from theory.tensors import dot, loss_data, taylor

W = sp.Symbol("w", real=True)


@dataclass(frozen=True)
class Posterior:
    """The symbolic posterior ∝ exp(−exponent)·prior; `exponent` is an expression in w and in parameters."""

    exponent: sp.Expr
    prior: sp.Expr

    def integral(self, f: sp.Expr) -> sp.Expr:
        return sp.Integral(f * sp.exp(-self.exponent) * self.prior, (W, -sp.oo, sp.oo))

    def expectation(self, f: sp.Expr) -> sp.Expr:
        return self.integral(f) / self.integral(sp.S.One)

    def covariance(self, f: sp.Expr, g: sp.Expr) -> sp.Expr:
        return self.expectation(f * g) - self.expectation(f) * self.expectation(g)


def response(posterior: Posterior, phi: sp.Expr, parameter: sp.Symbol, at: Any = 0) -> sp.Expr:
    """d⟨φ⟩/d(parameter) at the given value, as integrals under the posterior there, constants pulled out of them."""
    return linearize(posterior.expectation(phi).diff(parameter).doit(integrals=False).subs(parameter, at))


def linearize(expr: sp.Expr) -> sp.Expr:
    """Use the linearity of every integral: split sums, pull out what does not depend on w; then expand."""

    def split(integral: sp.Integral) -> sp.Expr:
        total = sp.S.Zero
        for term in sp.Add.make_args(sp.expand(integral.function, power_exp=False)):
            constant, rest = term.as_independent(W)
            total += constant * sp.Integral(sp.powsimp(rest), *integral.limits)
        return total

    return sp.expand(expr.replace(lambda node: isinstance(node, sp.Integral), split))


def influence_function(
    loss: sp.Expr, phi: sp.Expr, delta: sp.Expr, variables: Sequence[sp.Symbol], at: Any = None
) -> sp.Expr:
    """IF(φ, ΔL) = −Dφ(w*)ᵀ H⁻¹ DΔL(w*) (Def 22); χ = IF/t + O(t⁻²) (Cor 23, eq 17)."""
    data = loss_data(loss, variables, at)
    a, b = taylor(phi, variables, data.at).D1, taylor(delta, variables, data.at).D1
    return -sp.simplify(dot(a, data.Sigma * b))

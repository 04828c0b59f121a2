"""Linear response of a posterior, derived by differentiation under the integral sign.

A posterior expectation ⟨φ⟩_h = ∫ φ e^{−E_h} p / ∫ e^{−E_h} p whose exponent E_h depends on a parameter h has, exactly and for every
loss, prior and observable,

    d⟨φ⟩_h/dh = −Cov_h(φ, ∂E_h/∂h)                                                       (quotient rule).

With E_h = nβ(L + hΔL) this is the fluctuation–dissipation theorem χ(φ; ΔL) = (1/nβ) d⟨φ⟩/dh = −Cov(φ, ΔL) (Thm 11, eq 7); with
E_ρ = β Σ_j ρ_j ℓ_j it is the weight derivative at finite n (eq 33). The integrals stay symbolic: one integral sign stands for the
integral over all weights, and nothing is assumed of the functions under it but that they may be differentiated there.

**Every cumulant.** The joint cumulants are derivatives of one generating function,
κ(φ_1, …, φ_m) = ∂_{s_1} … ∂_{s_m} log ∫ exp(−E_h + Σ s_i φ_i) p at s = 0, and ∂_h log ∫ exp(−E_h + s·φ) p =
−⟨∂E_h/∂h⟩_{h,s}. Exchange the derivatives:

    d κ_h(φ_1, …, φ_m)/dh = −κ_h(φ_1, …, φ_m, ∂E_h/∂h) + Σ_i κ_h(φ_1, …, ∂φ_i/∂h, …, φ_m)          (`response_of_cumulant`),

the sum being absent when the observables are held fixed. With E_h = nβ(L + hΔL) each derivative in h appends −nβ ΔL:
d Cov/dh = −nβ κ₃(φ, ψ, ΔL), and d²⟨φ⟩/dh² = (nβ)² κ₃(φ, ΔL, ΔL).

**Components.** `Posterior.slice` clamps some of the variables, w = (u, v) with u = u*: the weight-refined posterior of a
component, whose partition function is Z_C.

Reading order: `Posterior` (symbolic), `differentiate`, `response`, `response_of_cumulant`, `linearize`, `fubini`;
`influence_function` is Def 22, with the damping that a localisation causes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.tensors import dot, loss_data, taylor

W = sp.Symbol("w", real=True)


@dataclass(frozen=True)
class Posterior:
    """The symbolic posterior ∝ exp(−exponent)·prior over the whole line of each variable.

    exponent, prior: expressions in `variables` and in parameters, usually with undefined functions. One variable W stands
    for all the weights; several are needed only where some of them are clamped.
    """

    exponent: sp.Expr
    prior: sp.Expr
    variables: tuple[sp.Symbol, ...] = (W,)

    def integral(self, f: sp.Expr) -> sp.Expr:
        return sp.Integral(f * sp.exp(-self.exponent) * self.prior, *((v, -sp.oo, sp.oo) for v in self.variables))

    def expectation(self, f: sp.Expr) -> sp.Expr:
        return self.integral(f) / self.integral(sp.S.One)

    def covariance(self, f: sp.Expr, g: sp.Expr) -> sp.Expr:
        return self.expectation(f * g) - self.expectation(f) * self.expectation(g)

    def cumulant(self, observables: Sequence[sp.Expr]) -> sp.Expr:
        """κ(φ_1, …, φ_m) = m(S) − Σ_{B ⊊ S, B ∋ 1} κ(B) m(S∖B), m the moments: the recursion over the block of the first."""
        first, *others = observables
        kappa = self.expectation(sp.Mul(*observables))
        for size in range(len(others)):
            for block in combinations(range(len(others)), size):
                rest = [phi for i, phi in enumerate(others) if i not in block]
                kappa -= self.cumulant([first, *(others[i] for i in block)]) * self.expectation(sp.Mul(*rest))
        return kappa

    def slice(self, at: Mapping[sp.Symbol, sp.Expr]) -> "Posterior":
        """The posterior of the other variables, those in `at` clamped (weight-refined, eq 34); Z_C is its integral of 1."""
        free = tuple(v for v in self.variables if v not in at)
        if not free or len(free) + len(at) != len(self.variables):
            names = ", ".join(map(str, self.variables))
            raise BadInput(
                f"a slice of the posterior over {names} must clamp some of these variables and leave one free"
            )
        return Posterior(self.exponent.subs(at), self.prior.subs(at), free)


def differentiate(expr: sp.Expr, parameter: sp.Symbol, at: Any = 0, *, times: int = 1) -> sp.Expr:
    """The derivative of an expression in posterior integrals, under the integral signs, at the given value."""
    return linearize(expr.diff(parameter, times).subs(parameter, at))


def response(posterior: Posterior, phi: sp.Expr, parameter: sp.Symbol, at: Any = 0) -> sp.Expr:
    """d⟨φ⟩/d(parameter) at the given value, as integrals under the posterior there, constants pulled out of them."""
    return differentiate(posterior.expectation(phi), parameter, at)


def response_of_cumulant(
    posterior: Posterior, observables: Sequence[sp.Expr], parameter: sp.Symbol, at: Any = 0
) -> sp.Expr:
    """dκ(φ_1, …, φ_m)/dh = −κ(φ_1, …, φ_m, ∂_h E) + Σ_i κ(φ_1, …, ∂_h φ_i, …, φ_m): the statement, proved in the module's text.

    Nothing is differentiated but the exponent and the observables; m ≥ 1, any number of observables.
    """
    if not observables:
        raise BadInput("`response_of_cumulant` needs at least one observable")
    claimed = -posterior.cumulant([*observables, posterior.exponent.diff(parameter)])
    for i, phi in enumerate(observables):
        if (moved := sp.diff(phi, parameter)) != 0:
            claimed += posterior.cumulant([*observables[:i], moved, *observables[i + 1 :]])
    return linearize(claimed.subs(parameter, at))


def linearize(expr: sp.Expr) -> sp.Expr:
    """Use the linearity of every integral: split sums, pull out what does not depend on its variable; then expand."""
    return sp.expand(expr.replace(_is_integral, _split(_alone)))


def fubini(expr: sp.Expr) -> sp.Expr:
    """Linearity, and nested integrals ∫dz a(z) ∫dw b(z, w) as one double integral, its variables in the order of their names.

    The interchange is Fubini's theorem; it is used formally, for integrands that are absolutely integrable. Integrals whose bound
    variables would clash are left as they stand.
    """
    return sp.expand(expr.replace(_is_integral, _split(_merged)))


def _is_integral(node: sp.Basic) -> bool:
    return isinstance(node, sp.Integral)


def _split(finish: Callable[[sp.Expr, sp.Tuple], sp.Expr]) -> Callable[[sp.Integral], sp.Expr]:
    """One variable after the other: split along the sum, pull constants out; `finish` integrates what is left of a term."""

    def split(integral: sp.Integral) -> sp.Expr:
        inner = integral.function
        for limit in integral.limits:
            total = sp.S.Zero
            for term in sp.Add.make_args(sp.expand(inner)):
                constant, rest = term.as_independent(limit[0])
                total += constant * finish(rest, limit)
            inner = total
        return inner

    return split


def _alone(rest: sp.Expr, limit: sp.Tuple) -> sp.Expr:
    return sp.Integral(sp.powsimp(rest), limit)


def _merged(rest: sp.Expr, limit: sp.Tuple) -> sp.Expr:
    """The integral of a product, with the integrals among its factors drawn into one."""
    factors = sp.Mul.make_args(rest)
    nested = [factor for factor in factors if _is_integral(factor)]
    others = sp.Mul(*(factor for factor in factors if not _is_integral(factor)))
    bound = [limit[0], *(v for integral in nested for v in integral.variables)]
    clash = len(set(bound)) < len(bound) or set(bound[1:]) & others.free_symbols
    if not nested or clash:
        return _alone(rest, limit)
    limits = sorted([limit, *(each for integral in nested for each in integral.limits)], key=lambda each: str(each[0]))
    return sp.Integral(sp.powsimp(sp.Mul(others, *(integral.function for integral in nested))), *limits)


def influence_function(
    loss: sp.Expr,
    phi: sp.Expr,
    delta: sp.Expr,
    variables: Sequence[sp.Symbol],
    at: Any = None,
    *,
    damping: Any = 0,
) -> sp.Expr:
    """IF_g(φ, ΔL) = −Dφ(w*)ᵀ (H + gI)⁻¹ DΔL(w*), g = `damping` ≥ 0; g = 0 is Def 22, and χ = IF/t + O(t⁻²) (Cor 23, eq 17).

    Damping comes from localisation (§6.4): e^{−tL − (γ/2)|w−w*|²} with γ = g t is e^{−t(L + (g/2)|w−w*|²)} exactly,
    the posterior of
    a loss with the same minimum, the same gradients there and Hessian H + gI; so under it χ = IF_g/t + O(t⁻²). For a γ that
    does not grow with t there is no damping at this order: g = γ/t → 0, and −(γ/t²)·(−aᵀΣ²b) joins the terms of order t⁻².
    """
    data = loss_data(loss, variables, at)
    a, b = taylor(phi, variables, data.at).D1, taylor(delta, variables, data.at).D1
    damped = data.H + sp.sympify(damping) * sp.eye(len(a))
    return -sp.simplify(dot(a, damped.inv() * b))

"""Component observables on a finite data space: φ_C = δ(u − u*) [L − L(w*)], and eq 34 for its susceptibilities.

W = U × C with coordinates w = (u, v); C holds the variables v that move, u is clamped at u*. With g(v) = L(u*, v) − L(w*) and
⟨·⟩_C the posterior of v at u = u* (density ∝ e^{−nβL(u*, v)}, partition function Z_C),

    ⟨φ_C⟩ = (Z_C/Z) ⟨g⟩_C,
    χ_z(φ_C) = −(Z_C/Z) {⟨g (ℓ_z − L)⟩_C − ⟨g⟩_C ⟨ℓ_z − L⟩_full}                                             (eq 34).

Z_C/Z is the posterior's density of u at u*. The means are mixed: the last one is taken under the full posterior, because it comes
from the derivative of Z. Without Z_C/Z the braces remain, χ̃ = (Z/Z_C) χ, which restricted and full chains estimate together.

    enclosed   the response by definition, the derivative of (Z_{C,h}/Z_h) ⟨g⟩_{C,h}, against eq 34, all of it certified
    sampled    two Metropolis-adjusted chains, one clamped and one full, and `sampler.susceptibility.mixed`, against the
               response by definition divided by Z_C/Z

    derived    `response_of_component`: the derivative of ∫ g e^{−nβL_h(u*, v)} dv / ∫∫ e^{−nβL_h} du dv with undefined functions

Reading order: `Component`, `eq_34`, `symbolic_eq_34`, `response_of_component`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sympy as sp
from flint import arb

from ledger.claim import Budget
from ledger.population import Direction, Population, changes
from numerics.perturbation import Perturbed
from numerics.posterior import Posterior
from theory.response import Posterior as Symbolic
from theory.response import differentiate, linearize

if TYPE_CHECKING:
    import numpy as np

    from sampler.diagnostics import Estimate


@dataclass(frozen=True)
class Component:
    """The component C of a population's weights whose variables are `free`; the others are clamped at w*."""

    population: Population
    free: tuple[sp.Symbol, ...]

    @property
    def name(self) -> str:
        return f"{self.population.name}, C = {{{', '.join(map(str, self.free))}}}"

    def slice(self, f: sp.Expr) -> sp.Expr:
        """f(u*, v)."""
        return sp.expand(f.subs(self.clamped))

    @property
    def g(self) -> sp.Expr:
        """g(v) = L(u*, v) − L(w*)."""
        return self.slice(self.population.excess)

    @property
    def clamped(self) -> dict[sp.Symbol, sp.Expr]:
        """u = u*."""
        return {v: w for v, w in self.population.minimum.items() if v not in self.free}

    @cached_property
    def posterior(self) -> Posterior:
        """The weight-refined posterior of v at u = u*."""
        return self.population.posterior().restricted(self.clamped)

    @cached_property
    def density(self) -> arb:
        """Z_C/Z, the posterior density of u at u*."""
        return self.population.posterior().component_weight(self.clamped)

    def expectation(self) -> arb:
        """⟨φ_C⟩ = (Z_C/Z) ⟨g⟩_C."""
        return self.density * self.posterior.expectation(self.g)

    def response(self, delta: Direction) -> arb:
        """χ(φ_C) by definition: (1/nβ) d⟨φ_C⟩_h/dh along q + hδ, where ⟨φ_C⟩_h = ∫ g e^{−nβL_h(u*, v)} dv / Z_h, g held fixed."""
        part = Perturbed(self.posterior, self.slice(self.population.along(delta)))
        ((above, above_slope),) = part.moments([self.g])
        ((below, below_slope),) = self.population.perturbed(delta).moments([sp.S.One])
        return (above_slope / below - above * below_slope / below**2) / self.population.t

    def braces(self, k: int) -> arb:
        """⟨g Δℓ_k⟩_C − ⟨g⟩_C ⟨Δℓ_k⟩_full, Δℓ_k = ℓ_k − L."""
        change = self.population.centred(k)
        both, g = self.posterior.expectations([self.g * self.slice(change), self.g])
        return both - g * self.population.posterior().expectation(change)

    def same_chain(self, k: int) -> arb:
        """⟨g Δℓ_k⟩_C − ⟨g⟩_C ⟨Δℓ_k⟩_C: the covariance on the restricted posterior alone, which is not eq 34."""
        return self.posterior.covariance(self.g, self.slice(self.population.centred(k)))

    def estimate(self, budget: Budget) -> "Estimate":
        """−braces for every point, from two independent chains (§6.4)."""
        from sampler.susceptibility import mixed

        return mixed(self.population.run(budget, self.free, seed=34), self.population.run(budget))

    def replicates(self, budget: Budget, groups: int) -> tuple["np.ndarray", "np.ndarray"]:
        """−braces for every point from the same chains, and again without each of `groups` groups of chains: for the jackknife."""
        import numpy as np

        part, full = self.population.run(budget, self.free, seed=34), self.population.run(budget)
        g = part.trace("loss")[..., None]
        change, base = changes(part), changes(full)
        # Means over groups of chains (groups, P or 1): the statistic is a function of their averages.
        means = [np.stack([np.mean(x[k::groups], axis=(0, 1)) for k in range(groups)]) for x in (g * change, g, base)]

        def value(both, height, baseline):
            return -(both - height * baseline)

        without = [value(*((m.sum(0) - m[k]) / (groups - 1) for m in means)) for k in range(groups)]
        return value(*(m.mean(0) for m in means)), np.stack(without)


Braces = Callable[[Component, int], arb]


def eq_34(component: Component, k: int) -> arb:
    """χ_k(φ_C) = −(Z_C/Z) {⟨g Δℓ_k⟩_C − ⟨g⟩_C ⟨Δℓ_k⟩_full}."""
    return -component.density * component.braces(k)


# ── the derivation ────────────────────────────────────────────────────────────────────────────────────────────────────

_U, _V, _U_STAR, _H, _C = sp.symbols("u v u_star h c", real=True)
_N_BETA = sp.Symbol("n", positive=True) * sp.Symbol("beta", positive=True)


def symbolic_eq_34(
    full: Symbolic, part: Symbolic, g: sp.Expr, change: sp.Expr, at: Mapping[sp.Symbol, sp.Expr]
) -> sp.Expr:
    """−(Z_C/Z) {⟨gΔℓ⟩_C − ⟨g⟩_C ⟨Δℓ⟩_full} with integrals as symbols."""
    ratio = part.integral(sp.S.One) / full.integral(sp.S.One)
    return -ratio * (part.expectation(g * change.subs(at)) - part.expectation(g) * full.expectation(change))


def response_of_component(formula: Callable = symbolic_eq_34) -> dict[str, sp.Expr]:
    """(1/nβ) d⟨φ_C⟩_h/dh minus eq 34, for undefined L(u, v), ΔL(u, v) and prior: one entry for each way φ_C may be read.

    φ_C held fixed, as an observable is (Def 10): g = L(u*, v) − L(w*) with the L of h = 0. If instead φ_C follows the distribution,
    g_h = L_h(u*, v) − L_h(w*), the derivative of g adds (1/nβ)(Z_C/Z)⟨ΔL(u*, ·) − ΔL(w*)⟩_C, which is no part of χ.
    """
    loss, delta, prior = (sp.Function(name)(_U, _V) for name in ("L", "DeltaL", "p"))
    at = {_U: _U_STAR}
    moved = Symbolic(_N_BETA * (loss + _H * delta), prior, (_U, _V))
    full = Symbolic(_N_BETA * loss, prior, (_U, _V))
    moved_part, part = moved.slice(at), full.slice(at)
    here = sp.Function("L")(_U_STAR, _V) - _C  # c = L(w*)
    change_here = sp.Function("DeltaL")(_U_STAR, _V) - sp.Symbol("d", real=True)  # d = ΔL(w*)

    def component(g: sp.Expr) -> sp.Expr:
        return moved_part.integral(g) / moved.integral(sp.S.One)

    claimed = formula(full, part, here, delta, at)
    ratio = part.integral(sp.S.One) / full.integral(sp.S.One)
    following = ratio * part.expectation(change_here) / _N_BETA
    fixed = differentiate(component(here), _H) / _N_BETA - linearize(claimed)
    carried = differentiate(component(here + _H * change_here), _H) / _N_BETA - linearize(claimed + following)
    return {"φ_C fixed": sp.expand(fixed), "φ_C following q_h": sp.expand(carried)}

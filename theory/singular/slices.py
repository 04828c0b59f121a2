"""Components of a singular model: a slice u = u* of parameter space, its own exponents, and the baseline that may hide them.

The component observable is φ_C = δ(u − u*) g (Definition 31; g = K restricted is the per-component loss). With Z_C[·] the integrals
over the slice,

    Z_C/Z ~ const · t^{λ − λ_C} (log t)^{m_C − m},   t ⟨K⟩_C → λ_C,

λ_C and m_C those of K(u*, ·): the coordinates u are gone, their powers went into the constant. The susceptibility (eq 34) is

    χ(φ_C) = −(Z_C/Z) { ⟨g f⟩_C − ⟨g⟩_C ⟨f⟩ }.

The second term, the *baseline*, knows the slice only through ⟨g⟩_C; the first is what the component says. In a regular model both
are t^{−2} (relative to Z_C/Z). Here ⟨f⟩ of the full model can be as large as t^{−1/2}, and the baseline can then be of the order of
the first term, or dominate it: `Slice.warning` says so.

Reading order: `component`, `Slice`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import exact
from theory.singular.expansion import Leading
from theory.singular.model import Model
from theory.singular.moments import Cumulant
from theory.zeta.balls import is_zero
from theory.zeta.chart import Domain, sides


@dataclass(frozen=True)
class Slice:
    """The slice `fixed` of `whole`: `part` is the posterior on it."""

    whole: Model
    part: Model
    fixed: tuple[tuple[sp.Symbol, sp.Expr], ...]

    @property
    def threshold(self) -> sp.Rational:
        """λ_C."""
        return self.part.integral().expansion(0).threshold

    @property
    def multiplicity(self) -> int:
        """m_C."""
        return self.part.integral().expansion(0).multiplicity

    @property
    def weight(self) -> Leading:
        """Z_C/Z ~ C t^{−(λ_C − λ)} (log t)^{m_C − m}."""
        return _divide(self.part.integral().expansion(0).leading, self.whole.integral().expansion(0).leading)

    def first_term(self, f: Any, g: Any = None) -> Leading:
        """−(Z_C/Z) ⟨g f⟩_C, leading; g = K by default."""
        on = self._on_slice(f) * self._weight_function(g)
        return _negative(_multiply(self.weight, Cumulant(self.part, (on,)).leading))

    def baseline(self, f: Any, g: Any = None) -> Leading:
        """(Z_C/Z) ⟨g⟩_C ⟨f⟩ with ⟨f⟩ of the full model, leading."""
        local = Cumulant(self.part, (self._weight_function(g),)).leading
        return _multiply(_multiply(self.weight, local), Cumulant(self.whole, (exact(f),)).leading)

    def susceptibility(self, f: Any, g: Any = None) -> Leading:
        """χ(φ_C), leading: the larger of the two terms, their sum at a tie. Raises `BadInput` where a tie cancels."""
        first, baseline = self.first_term(f, g), self.baseline(f, g)
        if _order(first) != _order(baseline):
            return min(first, baseline, key=_order)
        total = sp.expand(first.coefficient + baseline.coefficient)
        if first.coefficient != 0 and is_zero(total):
            raise BadInput("the two terms of the susceptibility cancel at leading order; evaluate them at finite t")
        return first._replace(coefficient=total)

    def warning(self, f: Any, g: Any = None) -> str:
        """ "" when the component's own term leads; else that the baseline is of its order, or dominates it."""
        first, baseline = _order(self.first_term(f, g)), _order(self.baseline(f, g))
        if first < baseline:
            return ""
        if first == baseline:
            return "the baseline <phi_C><f> of eq 34 is of the same order as the component's own term"
        return "the baseline <phi_C><f> of eq 34 dominates the component's own term"

    def _on_slice(self, f: Any) -> sp.Expr:
        return exact(f).subs(dict(self.fixed))

    def _weight_function(self, g: Any) -> sp.Expr:
        return self.part.K if g is None else self._on_slice(g)


def component(
    K: sp.Expr,
    variables: Sequence[sp.Symbol],
    fixed: Mapping[sp.Symbol, Any],
    *,
    domain: Domain = "box",
    prior: Any = 1,
) -> Slice:
    """The slice on which the variables of `fixed` have the given values. Raises `BadInput` where K vanishes identically on it."""
    at = {v: exact(value) for v, value in fixed.items()}
    unknown = [v for v in at if v not in variables]
    rest = tuple(v for v in variables if v not in at)
    if unknown or not rest:
        raise BadInput(f"a slice fixes some but not all of {', '.join(map(str, variables))}; it was given {at}")
    restricted, density = exact(K).subs(at), exact(prior).subs(at)
    if restricted == 0:
        raise BadInput(
            f"K vanishes identically on the slice {at}: the component's loss is 0 there, and it has no exponents"
        )
    where = {v: domain[v] for v in rest} if isinstance(domain, Mapping) else domain
    for v, side in zip(variables, sides(variables, domain), strict=True):
        if v in at and side.variance is not None:  # the density of N(0, σ²) at u* belongs to Z_C
            density *= sp.exp(-(at[v] ** 2) / (2 * side.variance)) / sp.sqrt(2 * sp.pi * side.variance)
    return Slice(
        Model(K, variables, domain=domain, prior=prior),
        Model(restricted, rest, domain=where, prior=density),
        tuple(at.items()),
    )


def _order(leading: Leading) -> tuple[sp.Expr, int]:
    return leading.power, -leading.log_power


def _multiply(a: Leading, b: Leading) -> Leading:
    if a.coefficient == 0 or b.coefficient == 0:
        return Leading(sp.S.Zero, sp.oo, 0)
    return Leading(a.coefficient * b.coefficient, a.power + b.power, a.log_power + b.log_power)


def _divide(a: Leading, b: Leading) -> Leading:
    return Leading(sp.gammasimp(a.coefficient / b.coefficient), a.power - b.power, a.log_power - b.log_power)


def _negative(a: Leading) -> Leading:
    return a._replace(coefficient=-a.coefficient)

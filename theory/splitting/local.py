"""The posterior near a degenerate minimum: Gaussian directions and a singular rest, put together.

With K∘ψ = ½ Σ d_i x_i² + g(y) (`theory.splitting.normal_form`) and weights ½ for x_i, w_j for y_j such that the lowest part g_0 of
g has weight 1,

    ∫ e^{−tK} f φ = Σ_n (−t)^n/n! ∫ e^{−t(½ Σ d_i x_i² + g_0)} (g − g_0)^n (fφ)∘ψ |det Dψ|.

A monomial of weight w gives t^{−λ−w}, so that each power of 1/t takes finitely many terms; their integrals are those of
`theory.singular`.

Reading order: `Local`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import exact
from theory.singular.expansion import NOTHING, Asymptotics, Ratio
from theory.singular.limit import LimitLaw
from theory.singular.model import Model
from theory.singular.moments import joint_numerator
from theory.splitting.normal_form import Splitting
from theory.splitting.steps import cut, ring_over


@dataclass(frozen=True)
class Local:
    """e^{−t(K − K(w*))} φ near w*, in the coordinates of a splitting.

    Only what is near w* counts: elsewhere K > K(w*) is assumed, and what is left out is O(e^{−ct}). Raises `BadInput` at a saddle,
    and where the residual is not led by a positive quasi-homogeneous part with an isolated zero (there Taylor series do not reach).
    """

    splitting: Splitting
    prior: sp.Expr = sp.S.One

    @cached_property
    def weights(self) -> dict[sp.Symbol, sp.Rational]:
        """What a coordinate is worth in powers of 1/t: ½ for x, 1/n for y where y^n is the lowest pure power in g."""
        s = self.splitting
        found = dict.fromkeys(s.regular, sp.Rational(1, 2))
        for y in s.singular:
            alone = sp.expand(s.residual.subs(dict.fromkeys([v for v in s.singular if v != y], 0)))
            if alone == 0:
                raise BadInput(
                    f"the residual {s.residual} of {s.K} has no power of {y} alone up to degree {s.order}: its zeros may reach "
                    f"out of every neighbourhood of {s.at}; split to a larger order, or use theory.singular on a domain"
                )
            found[y] = sp.Rational(1, min(n for (n,) in sp.Poly(alone, y).monoms()))
        return found

    @cached_property
    def _parts(self) -> tuple[sp.Expr, sp.Expr, sp.Rational]:
        """(g_0, g − g_0, the least weight in g − g_0 over 1)."""
        s = self.splitting
        if s.residual == 0:
            return sp.S.Zero, sp.S.Zero, sp.S.One
        lowest, rest, excess = sp.S.Zero, sp.S.Zero, sp.oo
        for monomial, c in sp.Poly(s.residual, *s.singular).terms():
            weight = sum(n * self.weights[y] for n, y in zip(monomial, s.singular, strict=True))
            term = c * sp.Mul(*(y**n for n, y in zip(monomial, s.singular, strict=True)))
            if weight < 1:
                raise BadInput(
                    f"the residual {s.residual} is not led by a quasi-homogeneous part: {term} is lower than its pure powers"
                )
            lowest, rest = (lowest + term, rest) if weight == 1 else (lowest, rest + term)
            excess = min(excess, weight - 1) if weight > 1 else excess
        return lowest, rest, excess

    @cached_property
    def model(self) -> Model:
        """½ Σ d_i x_i² + g_0."""
        s = self.splitting
        if any(d.is_nonpositive for d in s.eigenvalues):
            raise BadInput(f"{s.K} has no minimum at {s.at}: its quadratic part has the coefficients {s.eigenvalues}")
        squares = sp.Add(*(d * x**2 / 2 for d, x in zip(s.eigenvalues, s.regular, strict=True)))
        return Model(squares + self._parts[0], s.coordinates, domain="symmetric")

    @cached_property
    def law(self) -> LimitLaw:
        """The limit law at w*; its observables are `pull`ed ones."""
        return LimitLaw(self.model)

    def pull(self, f: Any) -> sp.Expr:
        """f∘ψ as far as it is known."""
        return self.splitting.pull(f, self.splitting.order - 1)

    @cached_property
    def reach(self) -> sp.Rational:
        """Terms of expectations are right below t^{−reach}: K is known to degree N, φ |det Dψ| to N − 2."""
        least, N = min(self.weights.values()), self.splitting.order
        return min((N + 1) * least - 1, (N - 1) * least)

    def integral(self, observable: Any = 1) -> Asymptotics:
        """∫ e^{−t(K − K(w*))} f φ near w*, up to t^{−reach} relative to ∫ e^{−tK}."""
        _, rest, excess = self._parts
        start = self.model.integral().expansion(0).threshold
        total, n, factor = NOTHING, 0, self._density(observable)
        while factor != 0 and (n == 0 or n * excess < self.reach):
            series = self.model.integral(factor).expansion(self.reach + n)
            total = total + series.scaled(sp.Integer(-1) ** n / sp.factorial(n), sp.Integer(-n))
            n, factor = n + 1, sp.expand(factor * rest)
        kept = tuple(term for term in total.terms if term.power < start + self.reach)
        return Asymptotics(kept, (start + self.reach + kept[-1].power) / 2 if kept else start)

    def _density(self, observable: Any) -> sp.Expr:
        """f∘ψ · φ∘ψ · |det Dψ|."""
        s = self.splitting
        product = s.pull(exact(observable) * self.prior, s.order - 2)
        ring = ring_over(s.coordinates, [product, s.jacobian])
        f, j = ring.from_expr(sp.expand(product)), ring.from_expr(sp.expand(s.jacobian))
        value = cut(f * j, s.order - 2).as_expr(*s.coordinates)
        return -value if s.jacobian.subs(dict.fromkeys(s.coordinates, 0)).is_negative else value

    def cumulant(self, observables: Sequence[Any]) -> Ratio:
        """κ(φ_1, …) of the posterior near w*."""
        observables = [exact(f) for f in observables]
        n, Z = len(observables), self.integral()

        def integral(block: tuple[int, ...]) -> Asymptotics:
            return self.integral(sp.Mul(*(observables[i] for i in block)))

        return Ratio(joint_numerator(n, integral, Z), Z, n)

    def expectation(self, phi: Any) -> Ratio:
        """⟨φ⟩ of the posterior near w*."""
        return self.cumulant([phi])

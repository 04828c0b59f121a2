"""Posterior expectations, covariances and joint cumulants as balls.

Idea
----
The Gibbs posterior of a loss L at inverse temperature t with prior density φ₀ (normalised or not) is

    Π(dw) = e^{−t L(w)} φ₀(w) dw / Z,   Z = ∫ e^{−tL} φ₀ dw,   w ∈ R^d, d = 1, 2, 3.

Every quantity here is a rational function of the moments ∫ f e^{−tL} φ₀, which come as balls from certified quadrature
(`enclosure` for d = 1, `trapezoid` for d = 2, 3); what is computed from them in ball arithmetic is enclosed too.

Joint cumulants by the recursion over the block that holds the first observable,

    κ(S) = m(S) − Σ_{B ⊊ S, B ∋ min S} κ(B) m(S∖B),   m(S) = ⟨Π_{i∈S} φ_i⟩.

Subtraction loses digits. The result shows it in its radius, and the calculation is repeated at a higher working
precision until the digits asked for are there.

Reading order: `Posterior`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import sympy as sp
from flint import arb

from numerics import enclosure, trapezoid
from numerics.analytic import exact, refuse_non_analytic
from numerics.certificate import Certificate
from numerics.enclosure import Domain, Scaled
from numerics.precision import LOG2_10, Exact, digits, rational
from theory.errors import BadInput

ATTEMPTS = 4


class Posterior:
    """The posterior ∝ e^{−t·loss} prior on R^d (d ≤ 3), or on a product of intervals for d = 1.

    loss, prior: sympy expressions in `variables` with exact coefficients (floats only where they are exact, such as
    0.5); t > 0: integer or rational; digits: the relative accuracy, in decimal digits, that the answers aim at.
    `domain`: for d = 1 the pair (lower, upper), ±sympy.oo allowed.

    The answers are `flint.arb` balls that contain the true value whatever happens; where the value is (or may be)
    zero, relative accuracy means nothing and the ball is small beside the moments it came from instead. Print and
    compare balls inside `with digits(n)`. Raises `BadInput` for divergent, complex-valued and non-analytic integrands
    and for foreign symbols; `NotCertified` where no proof is found.

    certificates: for d = 2, 3, {φ: the certificate of the integral ∫ φ e^{−t·loss} prior computed last};
    `certificate.check(c, loss, variables, t, prior=prior, f=φ)` proves each again by other means.
    """

    def __init__(
        self,
        loss: object,
        variables: Sequence[sp.Symbol] | sp.Symbol,
        t: Exact,
        prior: object = 1,
        digits: int = 30,
        *,
        domain: Domain | None = None,
    ):
        self.variables = (variables,) if isinstance(variables, sp.Symbol) else tuple(variables)
        self.loss, self.prior, self.t, self.digits = exact(loss), exact(prior), rational(t), int(digits)
        self.domain = domain
        self._cache: dict[tuple[int, sp.Expr], arb] = {}
        self._level: dict[int, arb] = {}
        self.certificates: dict[sp.Expr, Certificate] = {}
        self._check()

    def _check(self) -> None:
        if not 1 <= len(self.variables) <= 3:
            raise BadInput(f"`Posterior` integrates over 1, 2 or 3 variables; it was given {len(self.variables)}")
        if not self.t > 0:
            raise BadInput(f"`Posterior` needs t > 0; it was given t = {self.t}")
        if self.domain is not None and len(self.variables) > 1:
            raise BadInput("`Posterior` takes a domain for one variable only; drop it, or integrate out the others")
        for expr in (self.loss, self.prior):
            self._check_expression(expr)

    def _check_expression(self, expr: sp.Expr) -> None:
        refuse_non_analytic(expr)
        foreign = expr.free_symbols - set(self.variables)
        if foreign:
            names = ", ".join(map(str, self.variables))
            raise BadInput(f"{expr} holds {sorted(map(str, foreign))}, which are not among the variables {names}")

    def partition(self) -> arb:
        """Z = ∫ e^{−t·loss} prior dw."""
        return self._to_accuracy(lambda work: self._unnormalised(sp.S.One, work) * (-self._level[work]).exp())

    def log_partition(self) -> arb:
        """log Z."""
        return self._to_accuracy(lambda work: self._unnormalised(sp.S.One, work).log() - self._level[work])

    def expectation(self, phi: object) -> arb:
        """⟨φ⟩ = (1/Z) ∫ φ e^{−t·loss} prior dw."""
        return self.expectations([phi])[0]

    def expectations(self, phis: Sequence[object]) -> tuple[arb, ...]:
        """⟨φ⟩ for every φ, from one pass over the grid."""
        fs = [self._observable(phi) for phi in phis]
        self._compute(fs, self.digits + 3)
        return tuple(self._to_accuracy(lambda work, f=f: self._moment(f, work)) for f in fs)

    def covariance(self, phi: object, psi: object) -> arb:
        """Cov(φ, ψ) = ⟨φψ⟩ − ⟨φ⟩⟨ψ⟩."""
        return self.cumulant([phi, psi])

    def cumulant(self, observables: Sequence[object]) -> arb:
        """The joint cumulant κ(φ_1, …, φ_m), m ≥ 1, of any number of observables (repetitions allowed)."""
        fs = [self._observable(phi) for phi in observables]
        if not fs:
            raise BadInput("`Posterior.cumulant` needs at least one observable")
        return self._to_accuracy(lambda work: self._cumulant(fs, work))

    def _observable(self, phi: object) -> sp.Expr:
        f = exact(phi)
        self._check_expression(f)
        return f

    def _cumulant(self, fs: Sequence[sp.Expr], work: int) -> arb:
        full = tuple(range(len(fs)))
        subsets = [s for size in range(1, len(fs) + 1) for s in combinations(full, size)]
        products = {s: sp.expand(sp.Mul(*(fs[i] for i in s))) for s in subsets}
        self._compute(list(products.values()), work)
        with digits(work):
            moment = {s: self._moment(products[s], work) for s in subsets}
            kappa: dict[tuple[int, ...], arb] = {}
            for s in subsets:
                kappa[s] = moment[s]
                for size in range(1, len(s)):
                    for others in combinations(s[1:], size - 1):
                        block = (s[0], *others)
                        rest = tuple(i for i in s if i not in block)
                        kappa[s] -= kappa[block] * moment[rest]
        return kappa[full]

    def _moment(self, f: sp.Expr, work: int) -> arb:
        if not f.free_symbols and f.is_Rational:
            return arb(rational(f))
        return self._unnormalised(f, work) / self._unnormalised(sp.S.One, work)

    def _unnormalised(self, f: sp.Expr, work: int) -> arb:
        """e^{level}·∫ f e^{−t·loss} prior at `work` digits."""
        if (work, f) not in self._cache:
            self._compute([f], work)
        return self._cache[work, f]

    def _compute(self, fs: Sequence[sp.Expr], work: int) -> None:
        """One pass of quadrature over the integrals that are not known yet."""
        missing = [f for f in dict.fromkeys([sp.S.One, *fs]) if (work, f) not in self._cache]
        if not missing:
            return
        with digits(work):
            scaled = self._integrate(missing)
            level = self._level.setdefault(work, arb(scaled.level))
            factor = (level - arb(scaled.level)).exp()
            for f, value in zip(missing, scaled.balls, strict=True):
                self._cache[work, f] = value * factor

    def _integrate(self, fs: Sequence[sp.Expr]) -> Scaled:
        if len(self.variables) == 1:
            domain = self.domain or enclosure.REAL_LINE
            return enclosure.gibbs_integrals(self.loss, fs, self.variables[0], self.t, prior=self.prior, domain=domain)
        result = trapezoid.gibbs_integrals(self.loss, fs, self.variables, self.t, prior=self.prior)
        self.certificates.update(zip(fs, result.certificates, strict=True))
        return Scaled(result.level, result.balls)

    def _to_accuracy(self, compute: Callable[[int], arb]) -> arb:
        """Repeat `compute(work)` at growing working digits until its ball has the digits asked for.

        A ball that still contains zero after the working digits were doubled is returned as it is.
        """
        work, needed = self.digits + 3, math.ceil(self.digits * LOG2_10)
        value = arb.nan()
        for _ in range(ATTEMPTS):
            with digits(work):
                value = compute(work)
            held = value.rel_accuracy_bits()
            if held >= needed or value.is_zero() or (value.contains(0) and work > 2 * self.digits):
                break
            work += 3 + (
                math.ceil((needed - held) / LOG2_10) if held > 0 and not value.contains(0) else self.digits + 3
            )
        return value


def means(posterior: Posterior, observables: Mapping[str, object]) -> dict[str, arb]:
    """⟨φ⟩ by name, from one pass: {name: ball}."""
    return dict(zip(observables, posterior.expectations(list(observables.values())), strict=True))

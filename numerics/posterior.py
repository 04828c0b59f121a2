"""Posterior expectations, covariances and joint cumulants as balls.

Idea
----
The Gibbs posterior of a loss L at inverse temperature t with prior density φ₀ (normalised or not) is

    Π(dw) = e^{−t L(w)} φ₀(w) dw / Z,   Z = ∫ e^{−tL} φ₀ dw,   w ∈ R^d or a product of intervals.

Every quantity here is a rational function of the moments ∫ f e^{−tL} φ₀, which come as balls from certified quadrature:
`enclosure` for d = 1; for d ≥ 2 `trapezoid` (polynomials with sines and cosines on R^d, d ≤ 4), else `gauss` (other analytic
functions, bounded domains, d ≤ 3). What is computed from them in ball arithmetic is enclosed too.

Joint cumulants by the recursion over the block that holds the first observable,

    κ(S) = m(S) − Σ_{B ⊊ S, B ∋ min S} κ(B) m(S∖B),   m(S) = ⟨Π_{i∈S} φ_i⟩.

Subtraction loses digits. The result shows it in its radius, and the calculation is repeated at a higher working
precision until the digits asked for are there.

A *component* C holds the variables v that move while the others, u, stay at u*: its posterior is ∝ e^{−tL(u*, v)} φ₀(u*, v),
with the partition function Z_C, and Z_C/Z is the posterior's marginal density of u at u* (what stands before the braces of
eq 34).

Reading order: `Posterior`, `joint_cumulant`; derivatives along L + hΔL in `perturbation`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

import sympy as sp
from flint import arb, ctx, fmpq

from numerics import enclosure, gauss, trapezoid
from numerics.analytic import exact, refuse_non_analytic, refuse_repeated
from numerics.certificate import Certificate
from numerics.enclosure import Domain, Scaled
from numerics.errors import NotCertified
from numerics.precision import LOG2_10, Exact, digits, rational
from theory.errors import BadInput

ATTEMPTS = 4
MOST_T = fmpq(10**300)


class Posterior:
    """The posterior ∝ e^{−t·loss} prior on R^d (d ≤ 4) or on a product of intervals (d ≤ 3).

    loss, prior: sympy expressions in `variables` with exact coefficients (floats only where they are exact, such as
    0.5); t > 0: integer or rational; digits: the relative accuracy, in decimal digits, that the answers aim at.
    `domain`: a pair (lower, upper) for every variable, ±sympy.oo allowed (for d = 1 the pair itself will do); all of R^d
    unless given.

    The answers are `flint.arb` balls that contain the true value whatever happens; where the value is (or may be)
    zero, relative accuracy means nothing and the ball is small beside the moments it came from instead. Print and
    compare balls inside `with digits(n)`. Raises `BadInput` for divergent, complex-valued and non-analytic integrands
    and for foreign symbols; `NotCertified` where no proof is found.

    certificates: of the trapezoid rule, {φ: the certificate of the integral ∫ φ e^{−t·loss} prior computed last};
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
        domain: Domain | Sequence[Domain] | None = None,
    ):
        self.variables = (variables,) if isinstance(variables, sp.Symbol) else tuple(variables)
        self.loss, self.prior, self.t, self.digits = exact(loss), exact(prior), rational(t), int(digits)
        self.intervals = self._intervals(domain)
        self._cache: dict[tuple[int, sp.Expr], arb] = {}
        self._level: dict[int, fmpq] = {}
        self.certificates: dict[sp.Expr, Certificate] = {}
        self._check()

    def _check(self) -> None:
        if not 1 <= len(self.variables) <= 4:
            raise BadInput(f"`Posterior` integrates over 1 to 4 variables; it was given {len(self.variables)}")
        refuse_repeated(self.variables)
        if not self.t > 0:
            raise BadInput(f"`Posterior` needs t > 0; it was given t = {self.t}")
        if not 1 / MOST_T < self.t < MOST_T:
            raise BadInput(
                "`Posterior` looks for its nodes in floating point: t lies outside [10^−300, 10^300]; rescale the loss"
            )
        for expr in (self.loss, self.prior):
            self._check_expression(expr)

    def _intervals(self, domain: Any) -> tuple[Domain, ...]:
        """One interval for every variable."""
        d = len(self.variables)
        if domain is None:
            return (enclosure.REAL_LINE,) * d
        pairs: tuple[Any, ...] = tuple(domain) if isinstance(domain, Iterable) else (domain,)
        if d == 1 and not (len(pairs) == 1 and isinstance(pairs[0], Sequence)):
            pairs = (pairs,)
        if len(pairs) != d or not all(isinstance(pair, Sequence) and len(pair) == 2 for pair in pairs):
            raise BadInput(
                f"`Posterior` needs a pair (lower, upper) for each of its {d} variables as domain; it was given {domain}"
            )
        return tuple((pair[0], pair[1]) for pair in pairs)

    def _check_expression(self, expr: sp.Expr) -> None:
        refuse_non_analytic(expr)
        foreign = expr.free_symbols - set(self.variables)
        if foreign:
            names = ", ".join(map(str, self.variables))
            raise BadInput(f"{expr} holds {sorted(map(str, foreign))}, which are not among the variables {names}")

    def partition(self) -> arb:
        """Z = ∫ e^{−t·loss} prior dw."""
        return self._to_accuracy(lambda work: self._unnormalised(sp.S.One, work) * (-arb(self._level[work])).exp())

    def log_partition(self) -> arb:
        """log Z."""
        return self._to_accuracy(self._log_partition)

    def _log_partition(self, work: int) -> arb:
        return self._unnormalised(sp.S.One, work).log() - arb(self._level[work])

    def free_energy(self) -> arb:
        """F = −log Z (in units of one nat; divide by t for the free energy per inverse temperature)."""
        return self._to_accuracy(lambda work: -self._log_partition(work))

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

    def susceptibility(self, phi: object, perturbation: object) -> arb:
        """χ(φ; ΔL) = −Cov(φ, ΔL) (Thm 11); by definition, as a derivative, in `perturbation.Perturbed.susceptibility`."""
        fs = [self._observable(f) for f in (phi, perturbation)]
        return self._to_accuracy(lambda work: -self._cumulant(fs, work))

    def restricted(self, at: Mapping[sp.Symbol, object]) -> "Posterior":
        """The posterior of the component whose variables are not in `at`, the others held at the values given there.

        Raises `BadInput` for symbols that are not variables and where no variable is left to move.
        """
        fixed = {v: exact(value) for v, value in at.items()}
        foreign = [v for v in fixed if v not in self.variables]
        free = tuple(v for v in self.variables if v not in fixed)
        if foreign or not free or not fixed:
            raise BadInput(
                f"a component fixes some of the variables {', '.join(map(str, self.variables))} and leaves some free; "
                f"it was given values for {', '.join(map(str, fixed)) or 'none'}"
            )
        domain = [pair for v, pair in zip(self.variables, self.intervals, strict=True) if v in free]
        return Posterior(
            self.loss.subs(fixed), free, sp.Rational(int(self.t.p), int(self.t.q)), prior=self.prior.subs(fixed),
            digits=self.digits, domain=domain,
        )  # fmt: skip

    def component_weight(self, at: Mapping[sp.Symbol, object]) -> arb:
        """Z_C/Z = ∫ e^{−tL(u*, v)} φ₀(u*, v) dv / ∫∫ e^{−tL} φ₀: the posterior density of the variables in `at` at these values."""
        part = self.restricted(at)
        return self._to_accuracy(lambda work: (part._log_partition(work) - self._log_partition(work)).exp())

    def integrals(self, fs: Sequence[object], digits: int) -> Scaled:
        """∫ f e^{−t·loss} prior = e^{−level}·balls[i], to about `digits` digits of ∫ |f| e^{−t·loss} prior."""
        observables = [self._observable(f) for f in fs]
        self._compute(observables, digits)
        return Scaled(self._level[digits], tuple(self._unnormalised(f, digits) for f in observables))

    def _observable(self, phi: object) -> sp.Expr:
        f = exact(phi)
        self._check_expression(f)
        return f

    def _cumulant(self, fs: Sequence[sp.Expr], work: int) -> arb:
        products = products_of_subsets(fs)
        self._compute(list(products.values()), work)
        with digits(work):
            return joint_cumulant({subset: self._moment(f, work) for subset, f in products.items()})

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
            level = self._level.setdefault(work, scaled.level)
            factor = arb(level - scaled.level).exp()
            for f, value in zip(missing, scaled.balls, strict=True):
                self._cache[work, f] = value * factor

    def _integrate(self, fs: Sequence[sp.Expr]) -> Scaled:
        found, certificates = _integrals(
            self.loss, tuple(fs), self.variables, self.t, self.prior, self.intervals, ctx.prec
        )
        self.certificates.update(zip(fs, certificates, strict=False))  # none where the trapezoid rule was not used
        return found

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
        if not value.is_finite():
            raise NotCertified(
                "the normalisation could not be told from zero, the posterior may be far too narrow or too wide for the "
                "search for its nodes; rescale the variables"
            )
        return value


@lru_cache(maxsize=4096)
def _integrals(
    loss: sp.Expr, fs: tuple[sp.Expr, ...], variables: tuple[sp.Symbol, ...], t: fmpq, prior: sp.Expr,
    intervals: tuple[Domain, ...], _: int,
) -> tuple[Scaled, tuple[Certificate, ...]]:  # fmt: skip
    """∫ f e^{−t·loss} prior for every f at the current precision, and the certificates of the trapezoid rule.

    Remembered for all posteriors, since the layers of a claim and neighbouring claims ask for the same; the last argument is the
    precision.
    """
    if len(variables) == 1:
        return enclosure.gibbs_integrals(loss, fs, variables[0], t, prior=prior, domain=intervals[0]), ()
    if any(ends != enclosure.REAL_LINE for ends in intervals):
        return gauss.gibbs_integrals(loss, fs, variables, t, prior=prior, domain=intervals), ()
    try:
        result = trapezoid.gibbs_integrals(loss, fs, variables, t, prior=prior)
    except NotCertified as refusal:
        if len(variables) > 3:
            raise
        try:
            return gauss.gibbs_integrals(loss, fs, variables, t, prior=prior, domain=intervals), ()
        except NotCertified as other:
            raise NotCertified(f"{refusal} (trapezoid rule); {other} (Gauss–Legendre panels)") from None
    return Scaled(result.level, result.balls), result.certificates


Subset = tuple[int, ...]


def products_of_subsets(fs: Sequence[sp.Expr]) -> dict[Subset, sp.Expr]:
    """{S: Π_{i∈S} f_i, expanded} for the non-empty subsets S of the indices, small ones first."""
    full = range(len(fs))
    subsets = [subset for size in range(1, len(fs) + 1) for subset in combinations(full, size)]
    return {subset: sp.expand(sp.Mul(*(fs[i] for i in subset))) for subset in subsets}


def joint_cumulant(moment: Mapping[Subset, Any]) -> Any:
    """κ of all the indices from the moments m(S), small subsets first: numbers, balls or power series."""
    kappa: dict[Subset, Any] = {}
    for s in moment:
        kappa[s] = moment[s]
        for size in range(1, len(s)):
            for others in combinations(s[1:], size - 1):
                block = (s[0], *others)
                kappa[s] = kappa[s] - kappa[block] * moment[tuple(i for i in s if i not in block)]
    return kappa[max(kappa, key=len)]


def means(posterior: Posterior, observables: Mapping[str, object]) -> dict[str, arb]:
    """⟨φ⟩ by name, from one pass: {name: ball}."""
    return dict(zip(observables, posterior.expectations(list(observables.values())), strict=True))

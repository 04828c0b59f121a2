"""Section 4.2 and eq 34: what a component sees of a singular model, and when the rest of the model drowns it.

For a slice u = u* of K = x^{2a} y^{2b} the susceptibility of φ_C = δ(u − u*) K is, by eq 34,

    χ(φ_C) = −(Z_C/Z) {⟨K f⟩_C − ⟨K⟩_C ⟨f⟩_full}: the component's own term, and the baseline.

With λ, m of the whole and λ_C, m_C of the slice, Z_C/Z ~ C t^{λ−λ_C} (log t)^{m_C−m}. For f = s√K a the own term is, relative to
that, t^{−3/2}, or less where signs cancel on the slice, and the baseline is λ_C t^{−1} ⟨f⟩ ~ t^{−3/2} whenever the sign mean of
the *whole* does not vanish: then it is of the order of the own term, or dominates it. At a nondegenerate minimum both are t^{−2}.

Three leading terms each, from exponents and Γ functions by `leading_terms`; derived from the poles of ζ, enclosed by quadrature,
sampled by two chains. At finite t, as in `ledger.singular`.

Reading order: `Case`, `integral`, `leading_terms`, `Slices`, `CLAIMS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import sympy as sp
from flint import arb

from ledger.claim import Budget, Evidence
from ledger.compare import combine
from ledger.evidence import encloses, estimates, vanishes
from ledger.singular import at_finite_t, certified, claim, run
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from theory import singular
from theory.singular import Leading

R = sp.Rational
x, y = VARIABLES = sp.symbols("x y", real=True)
DIGITS = 18


@dataclass(frozen=True)
class Case:
    """K = x^{2a} y^{2b} under N(0, 1)², the variable `fixed` held at `value`, and a per-sample loss f."""

    name: str
    K: sp.Expr
    fixed: sp.Symbol
    value: sp.Rational
    f: sp.Expr

    @property
    def at(self) -> dict[sp.Symbol, sp.Rational]:
        return {self.fixed: self.value}

    @property
    def free(self) -> sp.Symbol:
        return y if self.fixed == x else x

    @property
    def part(self) -> sp.Expr:
        """K(u*, ·)."""
        return self.K.subs(self.at)

    @cached_property
    def slice(self) -> singular.Slice:
        return singular.component(self.K, VARIABLES, self.at, domain="gaussian")


PRODUCT = Case("x²y² at x = 1", x**2 * y**2, x, R(1), x * y * (1 + x * y))
FLAT = Case("x²y⁴ at x = 1", x**2 * y**4, x, R(1), x * y**2 * (1 + x))
STEEP = Case("x²y⁴ at y = 1", x**2 * y**4, y, R(1), x * y**2 * (1 + x))
CASES = (PRODUCT, FLAT, STEEP)


class Terms(NamedTuple):
    """Z_C/Z; the component's own term −⟨Kf⟩_C; the baseline ⟨K⟩_C⟨f⟩; both without the factor Z_C/Z."""

    weight: Leading
    own: Leading
    baseline: Leading


def integral(K: sp.Expr, f: sp.Expr, variables: tuple[sp.Symbol, ...]) -> Leading:
    """Z[f] ~ C t^{−λ}(log t)^{m−1} for K = c Π x_i^{2k_i}, f a polynomial, under N(0, 1): from exponents and Γ functions.

    For x^p: λ = min (p_i+1)/2k_i over the even p; minimal coordinates give 2/(2k_i √(2π)), the others E|x|^{p − 2k_i λ}.
    """
    c, orders = sp.Poly(K, *variables).coeffs()[0], sp.Poly(K, *variables).monoms()[0]
    found: dict[tuple[sp.Rational, int], sp.Expr] = {}
    for powers, factor in sp.Poly(f, *variables).terms():
        if any(p % 2 for p in powers):
            continue
        ratios = [R(p + 1, k) for p, k in zip(powers, orders, strict=True)]
        lam = min(ratios)
        value = factor * c**-lam * sp.gamma(lam) / sp.factorial(ratios.count(lam) - 1)
        for p, k, ratio in zip(powers, orders, ratios, strict=True):
            q = p - k * lam
            moment = 2 ** (q / 2) * sp.gamma((q + 1) / 2) / sp.sqrt(sp.pi)
            value *= sp.Integer(2) / (k * sp.sqrt(2 * sp.pi)) if ratio == lam else moment
        key = (lam, -ratios.count(lam))
        found[key] = found.get(key, sp.S.Zero) + value
    lam, order = min(found)
    return Leading(found[lam, order], lam, -order - 1)


def over(a: Leading, b: Leading) -> Leading:
    return Leading(a.coefficient / b.coefficient, a.power - b.power, a.log_power - b.log_power)


def leading_terms(case: Case) -> Terms:
    """The three leading terms, by `integral`; Z_C holds the density of N(0, 1) at u*."""
    free, on_slice = (case.free,), case.f.subs(case.at)
    part, whole = integral(case.part, sp.S.One, free), integral(case.K, sp.S.One, VARIABLES)
    density = sp.exp(-(case.value**2) / 2) / sp.sqrt(2 * sp.pi)
    weight = over(part, whole)
    own = over(integral(case.part, sp.expand(case.part * on_slice), free), part)
    height, mean = (
        over(integral(case.part, case.part, free), part),
        over(integral(case.K, sp.expand(case.f), VARIABLES), whole),
    )
    return Terms(
        weight._replace(coefficient=density * weight.coefficient),
        own._replace(coefficient=-own.coefficient),
        Leading(height.coefficient * mean.coefficient, height.power + mean.power, height.log_power + mean.log_power),
    )  # fmt: skip


Formula = Callable[[Case], Terms]


@dataclass(frozen=True)
class Slices:
    """Orders and constants of Z_C/Z and of the two terms of eq 34, as the formula gives them."""

    formula: Formula = leading_terms
    cases: tuple[Case, ...] = CASES
    drawn: tuple[Case, ...] = (FLAT, STEEP)
    ts: tuple[int, ...] = (100, 400)
    t: int = 20

    def derived(self, _: Budget) -> Evidence:
        """Against the poles of the zeta functions of the whole and of the slice."""
        differences: dict[str, Any] = {}
        for case in self.cases:
            for name, found, expected in zip(Terms._fields, poles(case), self.formula(case), strict=True):
                ratio = sp.simplify(sp.gammasimp(found.coefficient / expected.coefficient))
                differences[f"{case.name}, {name}: constant"] = ratio - 1
                differences[f"{case.name}, {name}: power"] = found.power - expected.power
                differences[f"{case.name}, {name}: log power"] = sp.Integer(found.log_power - expected.log_power)
        own, baseline = self.formula(STEEP)[1:]
        differences["the baseline dominates across the other divisor"] = sp.Integer(bool(own.power <= baseline.power))
        differences["and the theory says so"] = sp.Integer("dominates" not in STEEP.slice.warning(STEEP.f))
        return vanishes(
            "slices", differences, f"Z_C/Z, own term and baseline of {len(self.cases)} slices from the poles of ζ"
        )

    def enclosed(self, _: Budget) -> Evidence:
        with digits(DIGITS):
            return combine([self._enclose(case, t) for case in self.cases for t in self.ts])

    def _enclose(self, case: Case, t: int) -> Evidence:
        """Certified integrals against the exact values at t, times formula/leading: 1 for a right formula."""
        claimed, leading = self.formula(case), poles(case)
        parts = []
        for name, found, exact, a, b in zip(
            Terms._fields, quadrature(case, t), at_t(case, t), claimed, leading, strict=True
        ):
            factor = ball(a.at(sp.Integer(t)) / b.at(sp.Integer(t)))
            parts.append(encloses(f"{name}, t = {t}, {case.name}", found, exact * factor))
        return combine(parts)

    def sampled(self, budget: Budget) -> Evidence:
        return combine([self._sample(case, budget, 340 + 2 * i) for i, case in enumerate(self.drawn)])

    def _sample(self, case: Case, budget: Budget, seed: int) -> Evidence:
        """−⟨Kf⟩_C and ⟨K⟩_C⟨f⟩ by a chain on the slice and one on all weights; Z_C/Z by the density of x given y, averaged."""
        t, free = self.t, (case.free,)
        on_slice = sp.expand(case.part * case.f.subs(case.at))
        observables = {"f": case.f}
        if case.fixed == x:
            observables["density"] = conditional_density(case, t)
        part = run(case.part, free, t, budget, {"Kf": on_slice, "K": case.part}, epsilon=0.05, seed=seed)
        whole = run(case.K, VARIABLES, t, budget, observables, epsilon=0.05, seed=seed + 1)
        height, mean = part.mean("K"), whole.mean("f")
        found = {"own": part.mean("Kf").scale(-1), "baseline": _product(height, mean)}
        if case.fixed == x:
            found["weight"] = whole.mean("density")
        with digits(DIGITS):
            exact = dict(zip(Terms._fields, (float(b.mid()) for b in quadrature(case, t)), strict=True))
        claimed, leading = self.formula(case)._asdict(), dict(zip(Terms._fields, poles(case), strict=True))
        parts = []
        for name, estimate in found.items():
            at, limit = (float(sp.N(each[name].at(sp.Integer(t)))) for each in (claimed, leading))
            prediction = at_finite_t(exact[name], limit, at)
            parts.append(estimates(f"{name}, {case.name}", estimate, prediction, scale=at, t=t))
        return combine(parts)


def poles(case: Case) -> Terms:
    """The leading terms from the exact expansions of `theory.singular`."""
    weight = case.slice.weight
    return Terms(weight, over(case.slice.first_term(case.f), weight), over(case.slice.baseline(case.f), weight))


def at_t(case: Case, t: int) -> tuple[arb, arb, arb]:
    """The three numbers at t from the poles, all of them."""
    part, free, on_slice = case.part, (case.free,), case.f.subs(case.at)
    density = ball(sp.exp(-(case.value**2) / 2) / sp.sqrt(2 * sp.pi))
    one, whole = (
        singular.partition(K, names, domain="gaussian").evaluate(t, DIGITS)
        for K, names in ((part, free), (case.K, VARIABLES))
    )
    own, height = (
        singular.expectation(part, sp.expand(g), free, domain="gaussian").evaluate(t, DIGITS)
        for g in (part * on_slice, part)
    )
    mean = singular.expectation(case.K, sp.expand(case.f), VARIABLES, domain="gaussian").evaluate(t, DIGITS)
    return density * one / whole, -own, height * mean


def quadrature(case: Case, t: int) -> tuple[arb, arb, arb]:
    """The same by certified integrals that know no expansion."""
    whole = _posterior(case.K, t)
    mean = whole.expectation(sp.expand(case.f))  # first: one pass over the plane gives Z as well
    part, on_slice = whole.restricted(case.at), case.f.subs(case.at)
    own, height = part.expectations([sp.expand(case.part * on_slice), case.part])
    return whole.component_weight(case.at), -own, height * mean


@cache
def _posterior(K: sp.Expr, t: int) -> Posterior:
    """The whole posterior, which slices of one K share."""
    return certified(K, VARIABLES, t, DIGITS)


def conditional_density(case: Case, t: int) -> sp.Expr:
    """p(x = u*|y) = √(1 + 2ty^{2b}) e^{−u*²(1 + 2ty^{2b})/2}/√(2π), whose mean over y is Z_C/Z, for K = x² y^{2b}."""
    precision = 1 + 2 * t * case.K.subs(x, 1)
    return sp.sqrt(precision) * sp.exp(-(case.value**2) * precision / 2) / sp.sqrt(2 * sp.pi)


def _product(a: Any, b: Any) -> Any:
    """The estimate of a product of two independent means."""
    from sampler.diagnostics import Estimate

    sem = ((a.mean * b.sem) ** 2 + (b.mean * a.sem) ** 2) ** 0.5
    return Estimate(a.mean * b.mean, sem, min(a.ess, b.ess), max(a.rhat, b.rhat))


_SLICES = Slices()

CLAIMS = (
    claim(
        "slices",
        "Z_C/Z ~ C t^{λ−λ_C}(log t)^{m_C−m} for a slice u = u* of a normal crossing; of the two terms of eq 34 the baseline "
        "⟨K⟩_C⟨f⟩ can be of the order of the component's own term −⟨Kf⟩_C, or dominate it: t^{−3/2} against t^{−2} for K = x²y⁴ "
        "at y = y*",
        _SLICES,
    ),
)  # fmt: skip

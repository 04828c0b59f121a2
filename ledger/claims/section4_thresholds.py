"""Section 4.2: the largest pole of the zeta function, and the one singular family whose posterior is known exactly.

eq 24. ζ(z) = ∫ K^z φ dw has its largest pole at z = −λ, of order m. On a resolution of K with divisors E_i, along which K
vanishes to the order κ_i and the Jacobian and the prior to the order h_i,

    λ = min_i (h_i + 1)/κ_i,      m = the largest number of divisors with this value that meet in a point,

and λ, m govern Z(t) ~ C t^{−λ}(log t)^{m−1} and V(ε) ~ c ε^λ(−log ε)^{m−1}. The cases are monomials, priors that tie a pole, a
curve with a cusp and one with a node; the last two are no normal crossings until they are blown up.

Separable law. K = Σ x_i^{2k_i}/(2k_i)! over R^d: even moments are Γ functions times powers of t, t⟨K⟩ = Σ 1/(2k_i) at every t.

Reading order: `Case`, `largest_pole`, `LargestPole`; `moment`, `Separable`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp
from flint import acb, arb, fmpq

from ledger.claim import Budget, Evidence, Figure, Series, Status
from ledger.compare import combine
from ledger.evidence import encloses, estimates, vanishes
from ledger.singular import at_finite_t, certified, claim, run
from numerics import volume, zeta
from numerics.posterior import Posterior
from numerics.precision import ball, digits, rational
from theory import certificate, singular
from theory.errors import BadInput
from theory.rlct import RLCT, rlct

R = sp.Rational
x, y, z = sp.symbols("x y z", real=True)
DIGITS = 24
Divisor = tuple[int, int]
Pole = tuple[sp.Rational, int]


@dataclass(frozen=True)
class Case:
    """K with the prior |w|^h, and the divisors (κ, h) through each crossing point of a resolution."""

    name: str
    K: sp.Expr
    crossings: tuple[tuple[Divisor, ...], ...]
    powers: tuple[int, ...] = (0, 0)

    @property
    def variables(self) -> tuple[sp.Symbol, ...]:
        return (x, y, z)[: len(self.powers)]

    @property
    def prior(self) -> sp.Expr:
        return sp.Mul(*(v**h for v, h in zip(self.variables, self.powers, strict=True)))

    @property
    def even_prior(self) -> sp.Expr:
        return sp.Mul(*(sp.Abs(v) ** h for v, h in zip(self.variables, self.powers, strict=True)))


CUSP = Case("cusp (y² − x³)²", (y**2 - x**3) ** 2, (((12, 4), (2, 0)), ((12, 4), (6, 2)), ((12, 4), (4, 1))))
NODE = Case("node (y² − x²)²", (y**2 - x**2) ** 2, (((4, 1), (2, 0)), ((4, 1), (2, 0))))
CROSSINGS = (
    Case("x²y²", x**2 * y**2, (((2, 0), (2, 0)),)),
    Case("x²y⁴", x**2 * y**4, (((2, 0), (4, 0)),)),
    Case("x⁴y², prior |x|", x**4 * y**2, (((4, 1), (2, 0)),), (1, 0)),
    Case("x⁴y², prior |x|³", x**4 * y**2, (((4, 3), (2, 0)),), (3, 0)),
)
BLOWN_UP = (Case("x² + y⁴", x**2 + y**4, (((4, 2), (2, 1)),)),)
DRAWN = (CUSP, NODE)  # their certificates stay with the evidence, and the report draws the trees
CUBE = Case("x²y²z²", x**2 * y**2 * z**2, (((2, 0), (2, 0), (2, 0)),), (0, 0, 0))


def largest_pole(crossings: Sequence[Sequence[Divisor]]) -> Pole:
    """(λ, m): the least (h + 1)/κ over all divisors, and how many of those that attain it meet."""
    values = [[R(h + 1, k) for k, h in point] for point in crossings]
    least = min(min(point) for point in values)
    return least, max(point.count(least) for point in values)


@dataclass(frozen=True)
class LargestPole:
    """eq 24 with λ and m as the formula reads them off the divisors."""

    formula: Callable[[Sequence[Sequence[Divisor]]], Pole] = largest_pole

    def derived(self, _: Budget) -> Evidence:
        """Resolution on strata, the certificate verified by other code; where K is (toric to) a crossing, the poles of ζ too."""
        cases = (*CROSSINGS, *BLOWN_UP, CUBE, CUSP, NODE)
        wrong: list[str] = []
        resolved: list[dict[str, Any]] = []
        for case in cases:
            found, accepted = _resolution(case)
            if case in DRAWN:
                resolved.append({"case": case.name, "certificate": found.certificate})
            if not (found.exact and accepted):
                wrong.append(f"{case.name}: the certificate is not accepted")
            roads = {"resolution": (found.value, found.multiplicity), **_expansion(case)}
            expected = self.formula(case.crossings)
            wrong += [
                f"{case.name}: by {road} the largest pole is −{pole[0]} of order {pole[1]}, expected −{expected[0]} of "
                f"order {expected[1]}"
                for road, pole in roads.items()
                if pole != expected
            ]
        data = {"cases": [case.name for case in cases], "wrong": wrong, "resolutions": resolved}
        if wrong:
            return Evidence(Status.REFUTED, wrong[0], data)
        return Evidence(Status.HOLDS, f"largest pole of {len(cases)} K, every certificate verified by other code", data)

    def enclosed(self, _: Budget) -> Evidence:
        parts = [self._order(case) for case in (*CROSSINGS, *BLOWN_UP, CUSP, NODE)]
        parts += [self._partition(case, t) for case in (*CROSSINGS, *BLOWN_UP) for t in (100, 200)]
        return combine([*parts, self._volume()])

    def _order(self, case: Case) -> Evidence:
        """The pole and its order proved by the Laurent series, in balls, on charts that numerics makes for itself."""
        s, m, leading = _pole(case, DIGITS)
        lam, order = self.formula(case.crossings)
        if (rational(lam), order) == (s, m):
            return Evidence(
                Status.HOLDS, "order proved by the Laurent series", {"case": case.name, "A_0": leading.str(15)}
            )
        return Evidence(
            Status.REFUTED, f"{case.name}: a pole of order {m} at −{s} is proved, not {order} at −{lam}", {}
        )

    def _factor(self, case: Case, t: arb) -> arb:
        """t^{λ−λ_f} (log t)^{m_f−m}: 1 when the formula is right."""
        s, m, _ = _pole(case, DIGITS)
        lam, order = self.formula(case.crossings)
        return ((arb(s) - arb(rational(lam))) * t.log()).exp() * t.log() ** (order - m)

    def _partition(self, case: Case, t: int) -> Evidence:
        """Z(t) on [0, 1]² by quadrature against the poles of ζ: what the sum leaves out is O(e^{−t})."""
        box = [(0, 1)] * len(case.variables)
        posterior = Posterior(case.K, case.variables, t, prior=case.prior, digits=DIGITS, domain=box)
        with digits(DIGITS):
            series = zeta.series_value(zeta.partition_terms(charts(case, symmetric=False), 1, DIGITS), t)
            expected = series * self._factor(case, arb(t)) + arb(0, (arb(-t).exp()).upper())
            return encloses(f"Z({t}), {case.name}", posterior.partition(), expected)

    def _volume(self) -> Evidence:
        """V(ε) of the cusp in closed form against the poles of ζ."""
        ladder = tuple(R(1, 10**k) for k in (8, 9, 10))
        with digits(DIGITS):
            terms = volume.expansion(charts(CUSP), 4, DIGITS)
            law = volume.law(charts(CUSP), DIGITS)
            found = [cusp_volume(e) for e in ladder]
            rows = tuple(float(e) for e in ladder)
            figure = Figure(
                "K = (y² − x³)²: the volume {K < ε} in [−1, 1]²", "ε", "V(ε)",
                (
                    Series("closed form", rows, tuple(float(v) for v in found)),
                    Series("c ε^(5/12)", rows, tuple(float(law(e)) for e in ladder), style="line"),
                ),
                xlog=True, ylog=True,
            )  # fmt: skip
            return combine(
                [
                    encloses(
                        f"V({e}), {CUSP.name}", v,
                        volume.value(terms, e) * self._factor(CUSP, 1 / arb(rational(e))) + arb(0, arb(rational(e)) ** 4),
                        (figure,) if e == ladder[0] else (),
                    )
                    for e, v in zip(ladder, found, strict=True)
                ]
            )  # fmt: skip

    def sampled(self, budget: Budget) -> Evidence:
        return combine([self._sample(case, step, budget) for case, step in ((CROSSINGS[0], 0.04), (CUSP, 0.015))])

    def _sample(self, case: Case, step: float, budget: Budget, t: int = 20) -> Evidence:
        """t⟨K⟩ = −d log Z/d log t under N(0, 1) by MALA; the approach to λ − (m−1)/log t from certified integrals."""
        from sampler.llc import llc

        estimate = llc(run(case.K, case.variables, t, budget, epsilon=step, seed=24))
        value = t * float(certified(case.K, case.variables, t, 12).expectation(case.K).mid())
        s, m, _ = _pole(case, 12)
        lam, order = self.formula(case.crossings)
        log = float(sp.log(t))
        prediction = at_finite_t(value, float(R(int(s.p), int(s.q))), float(lam)) - (order - m) / log
        return estimates(case.name, estimate, prediction, scale=float(lam), t=t)


@cache
def _resolution(case: Case) -> tuple[RLCT, bool]:
    """λ and m with their certificate, and whether other code accepts it; remembered, so that other formulas meet the same one."""
    found = rlct(case.K, case.variables, prior=case.even_prior)
    return found, certificate.check(found.certificate, case.K, case.variables, prior=case.even_prior)


@cache
def _expansion(case: Case) -> dict[str, Any]:
    try:
        Z = singular.partition(case.K, case.variables, domain="box", prior=case.prior)
    except BadInput:  # the zeros of K are no coordinate planes, and no monomial map makes them so
        return {}
    return {"Mellin inversion": (Z.threshold, Z.multiplicity)}


@cache
def _pole(case: Case, accuracy: int) -> tuple[fmpq, int, arb]:
    """The first pole, proved on charts that numerics makes for itself."""
    return zeta.first_pole(charts(case), accuracy)


@cache
def charts(case: Case, *, symmetric: bool = True) -> tuple[zeta.Chart, ...]:
    return zeta.polynomial(case.K, case.variables, jacobian=case.powers, symmetric=symmetric)


def cusp_volume(level: sp.Rational) -> arb:
    """The area of |y² − x³| < δ = √ε in [−1, 1]², by hypergeometric functions: 2 ∫ [min(1, √(x³+δ)) − √(x³−δ)_+] dx.

    ∫_0^X √(x³+δ) dx = X √δ ₂F₁(−½, ⅓; 4/3; −X³/δ), ∫_{−δ^{1/3}}^0 = δ^{5/6} B(⅓, 3/2)/3, and with x³ = δ/s
    ∫ √(x³−δ) dx = (δ^{5/6}/3) ∫_δ^1 s^{−11/6} √(1−s) ds, an incomplete Beta function.
    """
    delta = arb(rational(level)).sqrt()
    third = (1 - delta) ** (arb(1) / 3)
    scale = delta ** (arb(5) / 6) / 3

    def beta(a: arb, b: arb) -> arb:
        return a.gamma() * b.gamma() / (a + b).gamma()

    above = third * delta.sqrt() * _gauss(arb(-1) / 2, arb(1) / 3, arb(4) / 3, -((1 - delta) / delta)) + (1 - third)
    left = scale * beta(arb(1) / 3, arb(3) / 2)
    a = arb(-5) / 6
    below = scale * (beta(a, arb(3) / 2) - delta**a / a * _gauss(a, arb(-1) / 2, a + 1, delta))
    return 2 * (above + left - below)


def _gauss(a: arb, b: arb, c: arb, at: arb) -> arb:
    return acb(at).hypgeom_2f1(acb(a), acb(b), acb(c)).real


# ── Separable law ─────────────────────────────────────────────────────────────────────────────────────────────────────

Orders = tuple[int, ...]


def separable(ks: Orders) -> sp.Expr:
    """K = Σ x_i^{2k_i}/(2k_i)!."""
    return sp.Add(*(v ** (2 * k) / sp.factorial(2 * k) for v, k in zip((x, y, z), ks, strict=False)))


def moment(ks: Orders, js: Orders, t: sp.Expr) -> sp.Expr:
    """⟨Π x_i^{2j_i}⟩ = Π ((2k_i)!)^{j_i/k_i} Γ((2j_i+1)/2k_i)/Γ(1/2k_i) · t^{−Σ j_i/k_i}."""
    return sp.Mul(
        *(
            sp.factorial(2 * k) ** R(j, k) * sp.gamma(R(2 * j + 1, 2 * k)) / sp.gamma(R(1, 2 * k)) * t ** (-R(j, k))
            for k, j in zip(ks, js, strict=True)
        )
    )


def monomial(js: Orders) -> sp.Expr:
    return sp.Mul(*(v ** (2 * j) for v, j in zip((x, y, z), js, strict=False)))


@dataclass(frozen=True)
class Separable:
    """The separable law, with the moments as the formula gives them; t⟨K⟩ is a sum of such moments."""

    formula: Callable[[Orders, Orders, sp.Expr], sp.Expr] = moment

    def potential(self, ks: Orders, t: sp.Expr) -> sp.Expr:
        """t⟨K⟩ from the formula's moments."""
        units = [tuple(k if i == at else 0 for i, k in enumerate(ks)) for at in range(len(ks))]
        return t * sp.Add(*(self.formula(ks, js, t) / sp.factorial(2 * max(js)) for js in units))

    def derived(self, _: Budget) -> Evidence:
        """One variable by integration, several by Mellin inversion, and t⟨K⟩ = Σ 1/2k_i."""
        t = sp.Symbol("t", positive=True)
        differences: dict[str, Any] = {}
        for k in (1, 2, 3):
            weight = sp.exp(-t * separable((k,)))
            norm = _half(weight)
            for j in (1, 2, 3):
                value = _half(x ** (2 * j) * weight) / norm
                differences[f"k = {k}, j = {j}"] = sp.gammasimp(sp.powsimp(value / self.formula((k,), (j,), t))) - 1
        for ks, js in (((1, 2), (1, 1)), ((2, 3), (2, 1)), ((2, 2, 1), (1, 0, 2))):
            names = (x, y, z)[: len(ks)]
            leading = singular.expectation(separable(ks), monomial(js), names, domain="symmetric").leading
            differences[f"k = {ks}, j = {js}"] = sp.gammasimp(sp.powsimp(leading.at(t) / self.formula(ks, js, t))) - 1
            total = sp.gammasimp(self.potential(ks, t))
            differences[f"t⟨K⟩, k = {ks}"] = total - sp.Add(*(R(1, 2 * k) for k in ks))
            virial = singular.potential(separable(ks), names, domain="symmetric").leading.coefficient
            differences[f"−d log Z/d log t, k = {ks}"] = sp.gammasimp(total - virial)
        return vanishes("moments", differences, f"{len(differences)} identities, t a symbol")

    def enclosed(self, _: Budget) -> Evidence:
        parts = []
        with digits(DIGITS):
            for ks, js, t in (((1, 2), (1, 1), 3), ((2, 3), (2, 1), 7), ((3, 2), (0, 3), 40)):
                posterior = Posterior(separable(ks), (x, y), t, digits=DIGITS)
                value = ball(sp.gammasimp(self.formula(ks, js, sp.Integer(t))))
                parts.append(encloses(f"⟨{monomial(js)}⟩, k = {ks}", posterior.expectation(monomial(js)), value))
                found = posterior.expectation(separable(ks)) * t
                parts.append(encloses(f"t⟨K⟩, k = {ks}", found, ball(self.potential(ks, sp.Integer(t)))))
        return combine(parts)

    def sampled(self, budget: Budget) -> Evidence:
        """t⟨K⟩ and ⟨x²y²⟩ by MALA without a prior."""
        from sampler.llc import llc

        ks, js, t = (1, 2), (1, 1), 3
        chains = run(separable(ks), (x, y), t, budget, {"m": monomial(js)}, epsilon=0.25, seed=25, domain="flat")
        return combine(
            [
                estimates("t⟨K⟩", llc(chains), float(self.potential(ks, sp.Integer(t)))),
                estimates("⟨x²y²⟩", chains.mean("m"), float(self.formula(ks, js, sp.Integer(t)))),
            ]
        )


def _half(f: sp.Expr) -> sp.Expr:
    """∫_0^∞ f dx."""
    u = sp.Symbol("u", positive=True)
    return sp.integrate(f.subs(x, u), (u, 0, sp.oo))


_EQ_24 = LargestPole()
_SEPARABLE = Separable()

CLAIMS = (
    claim(
        "eq 24",
        "ζ(z) = ∫ K^z φ dw has its largest pole at z = −λ, of order m: λ = min (h_i+1)/κ_i over the divisors of a resolution, "
        "m the number of those that meet; Z(t) ~ C t^{−λ}(log t)^{m−1}, V(ε) ~ c ε^λ(−log ε)^{m−1}",
        _EQ_24,
    ),
    claim(
        "separable law",
        "K = Σ x_i^{2k_i}/(2k_i)! on R^d: ⟨Π x_i^{2j_i}⟩ = Π ((2k_i)!)^{j_i/k_i} Γ((2j_i+1)/2k_i)/Γ(1/2k_i) t^{−Σ j_i/k_i}, and "
        "t⟨K⟩ = Σ 1/(2k_i) at every t",
        _SEPARABLE,
    ),
)  # fmt: skip

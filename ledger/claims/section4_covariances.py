"""Section 4.2: covariances where the minimum is singular. Lemma 20′, LLC susceptibilities, monomials.

The lemmas of Section 4.1 ask that observables vanish at w*. Where K vanishes on a whole set, what counts is how they vanish on
that set, and everything else follows from poles of zeta functions (`theory.singular`):

    Lem 20′   t Cov(f, f') → λ E_μ[aa'] − c_λ² E_μ[sa] E_μ[sa'],  f = s√K a,  c_λ = Γ(λ+½)/Γ(λ)
    LLC χ     Cov(K, f) = −d⟨f⟩/dt ~ t^{−3/2}, t^{−1−ν} or t^{−2}: which one, the signs decide
    Lem 25′   t^{3/2} Cov(KA, f) → Γ(λ+3/2)/Γ(λ) E_μ[sAa] − λ c_λ E_μ[A] E_μ[sa]; t^{−2} where the sign means vanish
    rule      covariances of monomials: order and sign from their exponents alone

Each statement names a leading term C t^{−a}(log t)^b. It is derived from the exact numerator Z[fg]Z − Z[f]Z[g], enclosed by
quadrature that knows no expansion, and sampled by MALA, at finite t with the corrections of `ledger.singular`.

Reading order: `Pair`, `LeadingOrder`, the formulas, `CLAIMS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import sympy as sp
from flint import arb

from ledger.claim import Budget, Evidence, Figure, Series
from ledger.compare import combine
from ledger.evidence import encloses, estimates, vanishes
from ledger.singular import at_finite_t, certified, claim, run
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from theory import singular
from theory.singular import Leading, LimitLaw
from theory.zeta.balls import ball as constant

R = sp.Rational
x, y = sp.symbols("x y", real=True)
DIGITS = 24
HALF = R(1, 2)


@dataclass(frozen=True)
class Pair:
    """Cov(f, g) under e^{−tK} and the domain of all three layers: "gaussian" (N(0, 1)), "box" ([0, 1]^d), "flat" (R^d).

    K must be quasi-homogeneous on the flat domain; the theory then works on a symmetric box, which differs by O(e^{−ct}).
    """

    name: str
    K: sp.Expr
    f: sp.Expr
    g: sp.Expr
    domain: str = "gaussian"
    step: float = 0.05

    @property
    def variables(self) -> tuple[sp.Symbol, ...]:
        return tuple(v for v in (x, y) if self.K.has(v))

    @property
    def _theory_domain(self) -> str:
        return "symmetric" if self.domain == "flat" else self.domain

    @cached_property
    def law(self) -> LimitLaw:
        return singular.limit_law(self.K, self.variables, domain=self._theory_domain)

    @cached_property
    def derived(self) -> singular.Cumulant:
        return singular.covariance(self.K, self.f, self.g, self.variables, domain=self._theory_domain)

    def certified(self, t: int, wanted: int = DIGITS) -> Any:
        """Cov(f, g) at t, by quadrature."""
        if self.domain == "gaussian":
            return certified(self.K, self.variables, t, wanted).covariance(self.f, self.g)
        box = [(0, 1)] * len(self.variables) if self.domain == "box" else None
        return Posterior(self.K, self.variables, t, digits=wanted, domain=box).covariance(self.f, self.g)

    def sampled(self, t: int, budget: Budget, seed: int) -> Any:
        from sampler import diagnostics

        chains = run(
            self.K, self.variables, t, budget, {"f": self.f, "g": self.g}, epsilon=self.step, seed=seed, domain=self.domain
        )  # fmt: skip
        return diagnostics.covariance(chains.trace("f"), chains.trace("g"))


@cache
def _evaluated(pair: Pair, t: int, wanted: int) -> arb:
    """Cov(f, g) at t from poles and logarithms; formulas about one pair share it."""
    return pair.derived.evaluate(sp.Integer(t), wanted)


Formula = Callable[[Pair], Leading]


@dataclass(frozen=True)
class LeadingOrder:
    """Cov(f, g) ~ C t^{−a}(log t)^b for all pairs, C, a and b as the formula gives them."""

    name: str
    formula: Formula
    generic: tuple[Pair, ...]
    cases: tuple[Pair, ...]
    drawn: tuple[Pair, ...]
    ts: tuple[int, ...] = (100, 400)
    t: int = 20
    identities: Callable[[Formula], dict[str, Any]] | None = None

    def derived(self, _: Budget) -> Evidence:
        """C, a, b of the exact numerator against the formula."""
        differences = dict(self.identities(self.formula)) if self.identities else {}
        for pair in (*self.generic, *self.cases):
            found, expected = pair.derived.leading, self.formula(pair)
            if (
                expected.coefficient == 0
            ):  # the constants cancel: the covariance is of smaller order than the formula's terms
                smaller = (found.power, -found.log_power) > (expected.power, -expected.log_power)
                differences[f"{pair.name}: of smaller order"] = sp.S.Zero if smaller else found.coefficient
                continue
            differences[f"{pair.name}: power"] = found.power - expected.power
            differences[f"{pair.name}: log power"] = found.log_power - expected.log_power
            differences[f"{pair.name}: coefficient"] = _reduced(found.coefficient - expected.coefficient)
        pairs = len(self.generic) + len(self.cases)
        return vanishes(
            self.name, differences, f"order, sign and constant of {pairs} covariances from the exact numerators"
        )

    def enclosed(self, _: Budget) -> Evidence:
        return combine([self._enclose(pair) for pair in self.cases])

    def _enclose(self, pair: Pair) -> Evidence:
        if pair.domain == "flat":
            return self._enclose_exactly(pair)
        with digits(DIGITS):
            limit, expected = pair.derived.leading, self.formula(pair)
            found = {t: pair.certified(t) for t in self.ts}
            predictions = {
                t: at_finite_t(
                    _evaluated(pair, t, DIGITS), ball(limit.at(sp.Integer(t))), ball(expected.at(sp.Integer(t)))
                )
                for t in self.ts
            }
            figure = self._figure(pair, expected, found)
            return combine(
                [
                    encloses(
                        f"{pair.name}, t = {t}",
                        found[t],
                        predictions[t],
                        (figure,) if t == self.ts[0] else (),
                        K=str(pair.K),
                    )
                    for t in self.ts
                ]
            )

    def _enclose_exactly(self, pair: Pair) -> Evidence:
        """K quasi-homogeneous on R^d, f and g of half its weight: t Cov is its limit at every t."""
        with digits(DIGITS):
            c, found = self.formula(pair).coefficient, self.ts[0] * pair.certified(self.ts[0])
            return encloses(f"{pair.name}, every t", found, constant(c), K=str(pair.K))

    def _figure(self, pair: Pair, expected: Leading, found: dict[int, Any]) -> Figure:
        ladder = tuple(10.0 ** (k / 2) for k in range(2, 17))
        scale = {t: float(t**expected.power * sp.log(t) ** -expected.log_power) for t in (*ladder, *found)}
        series = [float(_evaluated(pair, round(t), 8).mid()) * scale[t] for t in ladder]
        power = f"t^{expected.power}" + (f" (log t)^{-expected.log_power}" if expected.log_power else "")
        return Figure(
            f"{self.name}, {pair.name}: the approach to the limit", "t = nβ", f"{power} Cov",
            (
                Series("certified integrals", tuple(map(float, found)), tuple(float(b.mid()) * scale[t] for t, b in found.items())),
                Series("poles and logarithms", ladder, tuple(series), style="line"),
                Series("limit", (ladder[0], ladder[-1]), (float(sp.N(expected.coefficient)),) * 2, style="line"),
            ),
            xlog=True,
        )  # fmt: skip

    def sampled(self, budget: Budget) -> Evidence:
        return combine([self._sample(pair, budget, 200 + i) for i, pair in enumerate(self.drawn)])

    def _sample(self, pair: Pair, budget: Budget, seed: int) -> Evidence:
        limit, expected = (
            float(sp.N(each.at(sp.Integer(self.t)))) for each in (pair.derived.leading, self.formula(pair))
        )
        prediction = at_finite_t(float(pair.certified(self.t, 12).mid()), limit, expected)
        return estimates(pair.name, pair.sampled(self.t, budget, seed), prediction, scale=expected, t=self.t)


def _reduced(value: sp.Expr) -> sp.Expr:
    return sp.simplify(sp.gammasimp(sp.expand(value)))


# ── Lemma 20′ ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ONE_SIDED = Pair("x⁴", x**4, x**2 * (1 + x), x**2 - x**4 / 2)
TWO_ORDERS = Pair("x²y⁴", x**2 * y**4, x * y**2 * (1 + x + y), x * y**2 * (1 - x))
CROSS = Pair("x²y²", x**2 * y**2, x * y * (1 + x), x * y * (1 - x + y))
BLOWN_UP = Pair("x⁴ + y⁴ + x²y²", x**4 + y**4 + x**2 * y**2, x**2, y**2 + x * y, "flat")
BLOCKS = Pair("x²/2 + y⁴", x**2 / 2 + y**4, x + y**2, x - 2 * y**2)
REGULAR = Pair("x²/2 + y²", x**2 / 2 + y**2, x + 2 * y, x - y, "flat")


def lemma_20(pair: Pair) -> Leading:
    """λ E_μ[aa'] − c_λ² E_μ[sa] E_μ[sa'], where E_μ[aa'] = lim ∫K^{z−1} ff'φ/∫K^z φ and E_μ[sa] = lim ∫K^{z−½} fφ/∫K^z φ."""
    law, f, g = pair.law, pair.f, pair.g
    c = sp.gamma(law.threshold + HALF) / sp.gamma(law.threshold)
    first = law.threshold * law.mean(sp.expand(f * g), 1)
    return Leading(first - c**2 * law.mean(f, HALF) * law.mean(g, HALF), sp.S.One, 0)


def regular_limit(formula: Formula) -> dict[str, Any]:
    """A nondegenerate minimum: λ = d/2, and the lemma is aᵀΣb (Lemma 20)."""
    pair = REGULAR
    at = dict.fromkeys(pair.variables, 0)
    a, b = (sp.Matrix([sp.diff(f, v).subs(at) for v in pair.variables]) for f in (pair.f, pair.g))
    sigma = sp.hessian(pair.K, pair.variables).subs(at).inv()
    return {"Lemma 20 at a nondegenerate minimum": formula(pair).coefficient - (a.T * sigma * b)[0]}


# ── LLC susceptibilities ──────────────────────────────────────────────────────────────────────────────────────────────


def with_potential(name: str, K: sp.Expr, f: sp.Expr, step: float = 0.05) -> Pair:
    return Pair(name, K, K, f, step=step)


SUSCEPTIBILITIES = (
    with_potential("one-sided x⁴", x**4, x**2 * (1 + x)),
    with_potential("one-sided x²y⁴", x**2 * y**4, x * y**2 * (1 + x)),
    with_potential("regular order, x²y²", x**2 * y**2, x * y * (1 + x * y * (1 + x**2))),
    with_potential("between, x⁶", x**6, x**3 * (1 + x)),
)


def susceptibility(pair: Pair) -> Leading:
    """Cov(K, f), f = s√K a with even part f₊: the first of the three that is not 0.

    ½ c_λ E_μ[sa] t^{−3/2};  ν ⟨f₊⟩ for K = x^{2k}, f₊ = x^{k+1}, ν = (k+1)/2k: ν Γ(ν+λ)/Γ(λ) t^{−1−ν};  λ E_μ[f₊/K] t^{−2}.
    """
    law, f = pair.law, sp.expand(pair.g)
    one_sided = sp.gamma(law.threshold + HALF) / sp.gamma(law.threshold) * law.mean(f, HALF)
    if sp.simplify(one_sided) != 0:
        return Leading(one_sided / 2, R(3, 2), 0)
    even = sp.expand((f + f.subs({v: -v for v in pair.variables[:1]}, simultaneous=True)) / 2)
    if len(pair.variables) == 1:
        order = sp.degree(pair.K, x)
        lowest = min(n for (n,) in sp.Poly(even, x).monoms())
        if lowest < order:
            nu, c = R(lowest, order), even.coeff(x, lowest)
            return Leading(c * nu * sp.gamma(nu + law.threshold) / sp.gamma(law.threshold), 1 + nu, 0)
    return Leading(law.threshold * law.mean(even, 1), sp.S(2), 0)


# ── Lemma 25′ ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def weighted(name: str, K: sp.Expr, A: sp.Expr, f: sp.Expr, domain: str = "gaussian") -> Pair:
    return Pair(name, K, sp.expand(K * A), f, domain)


STEEP = weighted("x⁴, A = 1 + x²", x**4, 1 + x**2, x**2 * (1 + x))
MIXED = weighted("x²y⁴, A = 1 + xy", x**2 * y**4, 1 + x * y, x * y**2 * (1 + x))
BOUNDED = weighted("x⁴y² on the box, A = 1 + y", x**4 * y**2, 1 + y, x**2 * y * (1 + y), "box")


def lemma_25(pair: Pair) -> Leading:
    """Γ(λ+3/2)/Γ(λ) E_μ[sAa] − λ c_λ E_μ[A] E_μ[sa], where E_μ[sAa] = lim ∫K^{z−½} A f φ/∫K^z φ."""
    law, A = pair.law, sp.cancel(pair.f / pair.K)
    lam, f = law.threshold, pair.g
    first = sp.gamma(lam + R(3, 2)) / sp.gamma(lam) * law.mean(sp.expand(A * f), HALF)
    c = sp.gamma(lam + HALF) / sp.gamma(lam)
    return Leading(first - lam * c * law.mean(A) * law.mean(f, HALF), R(3, 2), 0)


def without_signs(formula: Formula) -> dict[str, Any]:
    """x²y², A = A_0 + βxy, f = xy(a_0 + αxy) inside a square: the lemma gives 0, and t² Cov → λ(λ+1)(αA_0 + βa_0) − λ²A_0α."""
    A0, beta, a0, alpha, K = 2, 3, 5, 7, x**2 * y**2
    pair = Pair("x²y²", K, sp.expand(K * (A0 + beta * x * y)), x * y * (a0 + alpha * x * y), "flat")
    limit = R(3, 4) * (alpha * A0 + beta * a0) - R(1, 4) * A0 * alpha
    found = pair.derived.leading
    return {
        "t^(3/2) Cov, no signs": formula(pair).coefficient,
        "t² Cov": found.coefficient - limit,
        "power": found.power - 2,
    }


# ── Covariances of monomials ──────────────────────────────────────────────────────────────────────────────────────────


def on_box(orders: tuple[int, int], f: tuple[int, int], g: tuple[int, int]) -> Pair:
    K, a, b = (x ** e[0] * y ** e[1] for e in (orders, f, g))
    return Pair(f"Cov({a}, {b}), K = {K}", K, a, b, "box", 0.02)


MEANS_WIN = on_box((2, 2), (1, 0), (0, 1))
PRODUCT_WINS = on_box((2, 2), (1, 0), (2, 0))
TIE = on_box((2, 2), (1, 1), (1, 2))
POWERS = on_box((2, 4), (0, 1), (0, 2))
MONOMIALS = (MEANS_WIN, PRODUCT_WINS, TIE, POWERS)
FURTHER = tuple(
    on_box(orders, f, g)
    for orders in ((2, 2), (2, 4), (4, 6))
    for f in ((1, 0), (0, 1), (2, 1))
    for g in ((1, 0), (0, 2), (1, 1), (3, 0))
)


def monomial_rule(pair: Pair) -> Leading:
    """⟨fg⟩, −⟨f⟩⟨g⟩ or their sum: compare (λ_fg + λ, m_fg + m) with (λ_f + λ_g, m_f + m_g), from exponents alone.

    ⟨x^τ⟩ ~ C t^{−(λ_τ−λ)}(log t)^{m_τ−m}, C from λ_i = (τ_i+1)/κ_i.
    """
    orders, f, g = (tuple(sp.degree(e, v) for v in (x, y)) for e in (pair.K, pair.f, pair.g))
    one, of_f, of_g = (_integral(orders, e) for e in ((0, 0), f, g))
    both = _integral(orders, tuple(a + b for a, b in zip(f, g, strict=True)))
    product = Leading(both[0] / one[0], both[1] - one[1], both[2] - one[2])
    means = Leading(-of_f[0] * of_g[0] / one[0] ** 2, of_f[1] + of_g[1] - 2 * one[1], of_f[2] + of_g[2] - 2 * one[2])
    first, second = (product.power, -product.log_power), (means.power, -means.log_power)
    if first == second:
        return product._replace(coefficient=product.coefficient + means.coefficient)
    return product if first < second else means


def _integral(orders: tuple[int, ...], powers: tuple[int, ...]) -> tuple[sp.Expr, sp.Rational, int]:
    """(C, λ, m) in Z[x^powers] ~ C t^{−λ}(log t)^{m−1} on [0, 1]^d."""
    lam = min(R(p + 1, k) for p, k in zip(powers, orders, strict=True))
    ties = [R(p + 1, k) == lam for p, k in zip(powers, orders, strict=True)]
    factors = [R(1, k) if tie else 1 / (p + 1 - k * lam) for tie, p, k in zip(ties, powers, orders, strict=True)]
    return sp.gamma(lam) / sp.factorial(sum(ties) - 1) * sp.Mul(*factors), lam, sum(ties)


LEMMA_20 = LeadingOrder(
    "Lemma 20′", lemma_20, (BLOCKS, CROSS), (ONE_SIDED, TWO_ORDERS, BLOWN_UP), (ONE_SIDED, TWO_ORDERS), identities=regular_limit
)  # fmt: skip
LLC = LeadingOrder(
    "Cov(K, f)",
    susceptibility,
    SUSCEPTIBILITIES[1:3],
    (SUSCEPTIBILITIES[0], SUSCEPTIBILITIES[3]),
    SUSCEPTIBILITIES[::3],
)
LEMMA_25 = LeadingOrder("Lemma 25′", lemma_25, (BOUNDED,), (STEEP, MIXED), (STEEP,), identities=without_signs)
MONOMIAL = LeadingOrder("monomials", monomial_rule, FURTHER, MONOMIALS, MONOMIALS[:2], t=50)


CLAIMS = (
    claim(
        "Lem 20′",
        "f, f' = O(√K): t Cov(f, f') → λ E_μ[aa'] − c_λ² E_μ[sa] E_μ[sa'], λ E_μ[aa'] = λ lim ∫K^{z−1}ff'φ/∫K^z φ, "
        "E_μ[sa] = lim ∫K^{z−½}fφ/∫K^z φ (z → −λ), c_λ = Γ(λ+½)/Γ(λ); at a nondegenerate minimum it is aᵀΣb",
        LEMMA_20,
    ),
    claim(
        "LLC susceptibility",
        "Cov(K, f) = −d⟨f⟩/dt: ½ c_λ E_μ[sa] t^{−3/2} if the sign mean is not 0, else λ E_μ[f₊/K] t^{−2}, or between: "
        "ν Γ(λ+ν)/Γ(λ) t^{−1−ν}, ν = (k+1)/2k, for K = x^{2k}, f = x^k(1+x)",
        LLC,
    ),
    claim(
        "Lem 25′",
        "f = s√K a: t^{3/2} Cov(KA, f) → Γ(λ+3/2)/Γ(λ) E_μ[sAa] − λ c_λ E_μ[A] E_μ[sa]; where the sign means vanish it is t^{−2}: "
        "λ(λ+1)(αA_0+βa_0) − λ²A_0α for K = x²y², A = A_0 + βxy, f = xy(a_0 + αxy)",
        LEMMA_25,
    ),
    claim(
        "covariance rule",
        "Monomials: (λ_fg+λ, m_fg+m) against (λ_f+λ_g, m_f+m_g), the smaller first entry wins, then the larger second: Cov ~ ⟨fg⟩, "
        "−⟨f⟩⟨g⟩, or their sum; Cov(x, y) ~ −4/(log t)² for K = x²y²",
        MONOMIAL,
    ),
)  # fmt: skip

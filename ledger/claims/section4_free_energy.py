"""Section 4.2.3: what the threshold governs in Bayesian learning. The free energy, WBIC and the generalisation error.

    F_n = nL_n(w*) + λ log n − (m−1) log log n + O_p(1),   WBIC = ⟨nL_n⟩ at β = 1/log n = nL_n(w*) + λ log n + O_p(√log n),
    E[G_n] = λ/n + o(1/n).

The models are regressions y = c(w)X + N(0, 1) with X = ±1 and the truth c = 0, c(w) = x d(y), prior N(0, 1). The data enter through
ξ = Σ X_i y_i/√n ∼ N(0, 1) alone, Σ(ℓ_i(w) − ℓ_i(w*)) = ½nc² − √n ξ c, and x can be integrated by hand:

    Z_β(n, ξ) = ⟨(1 + nβd²)^{−1/2} exp(½ β²n ξ²d²/(1 + nβd²))⟩_y.

Derived: the expansion of Z, and that the terms with ξ are O(1). Enclosed: F_n and WBIC for given data, E[G_n] over all data of
a coin. Sampled: many data sets, one a chain, for the expectations over data, which are statements of probability; F_n by
thermodynamic integration, −log Z = ∫_0^1 ⟨n(L_n − L_n(w*))⟩_β dβ, each chain at a β of its own.

Reading order: `Regression`, `FreeEnergy`, the leading terms, the coin, `many_data_sets`,
`CLAIMS`; means over data by quadrature are in `ledger.over_data`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from math import comb
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, fmpq, fmpq_poly

from ledger.claim import Budget, Evidence
from ledger.compare import combine
from ledger.evidence import encloses, estimates, vanishes
from ledger.over_data import expected_free_energy, expected_generalisation, expected_wbic
from ledger.singular import claim, resolved
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from theory import singular

R = sp.Rational
x, y, z = sp.symbols("x y z", real=True)
b = sp.Symbol("beta", real=True)
DIGITS = 18
MOMENTS = 38
REACH = 14
SIZE = 100
N = sp.Symbol("n", positive=True)
Formula = Callable[[sp.Expr, int, sp.Expr], sp.Expr]


@dataclass(frozen=True)
class Regression:
    """c(w) = x d(y): the slope of a regression whose truth has slope 0; K = ½c²."""

    name: str
    d: sp.Expr

    @property
    def slope(self) -> sp.Expr:
        return x * self.d

    @property
    def K(self) -> sp.Expr:
        return self.slope**2 / 2

    @property
    def invariants(self) -> tuple[sp.Expr, int]:
        """(λ, m), by resolution: what the formulas are given."""
        return resolved(self.K, (x, y))

    @cached_property
    def expansion(self) -> singular.Partition:
        """Z(n) by Mellin inversion: where the leading terms come from that the formulas are compared with."""
        return singular.partition(self.K, (x, y), domain="gaussian")

    def marginal(self, n: sp.Expr, xi: sp.Expr) -> sp.Expr:
        """The posterior of y at β = 1 over N(0, 1): x integrated."""
        spread = 1 + n * self.d**2
        return spread ** R(-1, 2) * sp.exp(n * xi**2 * self.d**2 / (2 * spread))


PRODUCT = Regression("c = xy", y)
SKEW = Regression("c = xy²", y**2)


def free_energy(lam: sp.Expr, m: int, n: sp.Expr) -> sp.Expr:
    """F_n − nL_n(w*) up to O_p(1)."""
    return lam * sp.log(n) - (m - 1) * sp.log(sp.log(n))


def wbic(lam: sp.Expr, m: int, n: sp.Expr) -> sp.Expr:
    """WBIC − nL_n(w*) up to O_p(√log n)."""
    return lam * sp.log(n)


def generalisation(lam: sp.Expr, m: int, n: sp.Expr) -> sp.Expr:
    """E[G_n] up to o(1/n)."""
    return lam / n


@dataclass(frozen=True)
class FreeEnergy:
    """The three asymptotic laws, each as its formula gives it."""

    free_energy: Formula = free_energy
    wbic: Formula = wbic
    generalisation: Formula = generalisation

    def derived(self, _: Budget) -> Evidence:
        """−log Z(n) less the formula is constant in n; data terms are O(1); ⟨nL⟩ at 1/log n; E[G_n] = E[F_{n+1}] − E[F_n]."""
        differences: dict[str, Any] = {}
        for K, names in ((PRODUCT.K, (x, y)), (SKEW.K, (x, y)), (x**4 * y**2, (x, y)), (x**2 * y**2 * z**2, (x, y, z))):
            lam, m = resolved(K, names)
            of_energy, of_wbic, of_error = _leading(K, names)
            differences[f"F_n, K = {K}"] = sp.expand(self.free_energy(lam, m, N) - of_energy)
            differences[f"WBIC, K = {K}"] = sp.expand(self.wbic(lam, m, N) - of_wbic)
            differences[f"E[G_n], K = {K}"] = sp.simplify(self.generalisation(lam, m, N) - of_error)
        for model in (PRODUCT, SKEW):
            for k in (1, 2, 3, 4, 6):
                differences[f"(√n ξ)^{k}⟨c^{k}⟩, {model.name}: grows"] = sp.Integer(_grows(model, k))
        return vanishes(
            "§4.2.3", differences, "−log Z, its change with n, its slope in β; the terms with ξ^k are O(1), so O_p(1)"
        )

    def enclosed(self, _: Budget) -> Evidence:
        with digits(DIGITS):
            parts = [self._free_energy(model, n, xi) for model in (PRODUCT, SKEW) for n, xi in ((100, 0), (10**4, 1))]
            parts += [self._wbic(model, t) for model in (PRODUCT, SKEW) for t in (100, 1000)]
            parts += [self._generalisation(n) for n in (20, 60)]
            return combine(parts)

    def _free_energy(self, model: Regression, n: int, xi: int) -> Evidence:
        """F_n − nL_n(w*) for data with this ξ: quadrature against Σ_k (√n ξ)^k ⟨c^k⟩/k! from the poles of ζ."""
        found, series = _given_data(model, n, xi)
        change = (self.free_energy(*model.invariants, N) - leading_free_energy(model.expansion)).subs(N, n)
        return encloses(f"F_{n}, ξ = {xi}, {model.name}", found, -series.log() + ball(change))

    def _wbic(self, model: Regression, t: int) -> Evidence:
        """⟨nL_n⟩ − nL_n(w*) at β = 1/log n for data with ξ = 0; n is the number with n/log n = t."""
        n = (-(arb(-1) / t).lambertw(-1)).exp()
        found, exact = _tempered(model, t)
        change = _at(self.wbic(*model.invariants, N) - leading_wbic(model.expansion), n)
        return encloses(f"WBIC at t = {t}, {model.name}", n.log() * found, n.log() * exact + change)

    def _generalisation(self, n: int) -> Evidence:
        """n E[G_n] of a coin, p(±1|w) = ½(1 ± xy) on [−1, 1]², truth ½: by definition and by E[F_{n+1}] − E[F_n], all data summed.

        The prediction is ½(1 ± ⟨xy⟩), so that G_n = −½ log(1 − ⟨xy⟩²).
        """
        by_definition, by_difference = _coin(n)
        invariants = resolved(x**2 * y**2, (x, y))  # K = −½ log(1 − x²y²) ≍ x²y²
        leading = _leading(x**2 * y**2 / 2, (x, y), "symmetric")[2]
        change = sp.simplify(N * (self.generalisation(*invariants, N) - leading))
        expected = n * by_difference + ball(change.subs(N, n))
        return encloses(f"n E[G_n], n = {n}, a coin", n * by_definition, expected)

    def sampled(self, budget: Budget) -> Evidence:
        return combine(
            [self._sample_free_energy(budget), self._sample_wbic(budget), self._sample_generalisation(budget)]
        )

    def _sample_free_energy(self, budget: Budget) -> Evidence:
        """E[F_n − nL_n(w*)] over data sets by thermodynamic integration."""
        n, model = SIZE, PRODUCT
        found = _integrated(model, n, budget)
        exact, error = expected_free_energy(model.d, n)
        leading = leading_free_energy(model.expansion)
        change, scale = (float(e.subs(N, n)) for e in (self.free_energy(*model.invariants, N) - leading, leading))
        return estimates("E[F_n] − nL_n(w*)", found, exact + change, truncation=error, scale=scale, n=n)

    def _sample_wbic(self, budget: Budget) -> Evidence:
        """E[WBIC − nL_n(w*)] over data sets, one a chain."""
        n, model = SIZE, PRODUCT
        chains = many_data_sets(model, n, 1 / float(np.log(n)), budget, 431)
        exact, error = expected_wbic(model.d, n)
        leading = leading_wbic(model.expansion)
        change, scale = (float(e.subs(N, n)) for e in (self.wbic(*model.invariants, N) - leading, leading))
        return estimates("E[WBIC]", chains.mean("energy").scale(n), exact + change, truncation=error, scale=scale, n=n)

    def _sample_generalisation(self, budget: Budget) -> Evidence:
        """n E[G_n], G_n = −E_y log⟨p(y|w)⟩/q(y) by Gauss–Hermite in y; the bias of the logarithm of a mean by halves."""
        n, model = SIZE, PRODUCT
        c = many_data_sets(model, n, 1.0, budget, 432).trace("slope")
        half = c.shape[1] // 2
        each = n * (2 * predictive_error(c) - (predictive_error(c[:, :half]) + predictive_error(c[:, half:])) / 2)
        found = over_data_sets(each)
        exact, error = expected_generalisation(model.d, n)
        leading = leading_generalisation(model.expansion)
        change = float((N * (self.generalisation(*model.invariants, N) - leading)).subs(N, n))
        return estimates("n E[G_n]", found, exact + change, truncation=error, scale=float(N * leading), n=n)


@cache
def _leading(
    K: sp.Expr, variables: tuple[sp.Symbol, ...], domain: str = "gaussian"
) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The leading terms of F_n, WBIC and E[G_n] from the expansion of Z, remembered for other formulas."""
    Z = singular.partition(K, variables, domain=domain)
    return leading_free_energy(Z), leading_wbic(Z), leading_generalisation(Z)


@cache
def _grows(model: Regression, k: int) -> bool:
    """Does (√n ξ)^k ⟨c^k⟩ grow with n?"""
    leading = singular.expectation(model.K, model.slope**k, (x, y), domain="gaussian").leading
    return bool(leading.coefficient != 0 and (R(k, 2) - leading.power, leading.log_power) > (0, 0))


def leading_free_energy(Z: singular.Partition) -> sp.Expr:
    """−log Z(n) without its constant."""
    return sp.expand(Z.free_energy(N) + sp.log(Z.leading.coefficient))


def leading_wbic(Z: singular.Partition) -> sp.Expr:
    """−∂ log Z(nβ)/∂β at β = 1/log n is log n · t⟨K⟩ at t = n/log n."""
    return sp.limit(Z.leading_mean_potential(), singular.LOG, sp.oo) * sp.log(N)


def leading_generalisation(Z: singular.Partition) -> sp.Expr:
    """E[G_n] = E[F_{n+1}] − E[F_n] = F'(n) + o(1/n)."""
    return sp.limit(N * sp.diff(Z.free_energy(N), N), N, sp.oo) / N


def _at(expr: sp.Expr, n: arb) -> arb:
    """A linear form in log n and log log n at a ball."""
    first, second = sp.Dummy("l"), sp.Dummy("ll")
    poly = sp.Poly(sp.expand(expr).subs(sp.log(sp.log(N)), second).subs(sp.log(N), first), first, second)
    return sum((ball(c) * n.log() ** i * n.log().log() ** j for (i, j), c in poly.terms()), arb(0))


@cache
def _given_data(model: Regression, n: int, xi: int) -> tuple[arb, arb]:
    """F_n − nL_n(w*) for data with this ξ by quadrature, and Z_1(n, ξ) by its series; at DIGITS, as `_tempered` and `_coin` are."""
    weight, ends = model.marginal(sp.Integer(n), sp.Integer(xi)), (-REACH, REACH)
    middle = Posterior(y**2 / 2, (y,), 1, prior=weight, digits=DIGITS, domain=ends).partition()
    tails = (arb(xi**2 - REACH**2) / 2).exp()  # the weight is at most e^{ξ²/2}, and ∫_Y^∞ e^{−y²/2} < e^{−Y²/2}/Y
    return -((middle + arb(0, tails.upper())) / (2 * arb.pi()).sqrt()).log(), series_in_data(model, n, xi)


@cache
def _tempered(model: Regression, t: int) -> tuple[arb, arb]:
    """⟨L_n⟩ − L_n(w*) times t at β = t/n for data with ξ = 0: by quadrature, and from the poles of ζ."""
    spread = 1 + t * model.d**2
    posterior = Posterior(y**2 / 2, (y,), 1, prior=spread ** R(-1, 2), digits=DIGITS)
    exact = singular.potential(model.K, (x, y), domain="gaussian").evaluate(t, DIGITS)
    return posterior.expectation(t * model.d**2 / (2 * spread)), exact


def series_in_data(model: Regression, n: int, xi: int) -> arb:
    """Z_1(n, ξ) = Σ_k (√n ξ)^{2k} Z[c^{2k}]/(2k)!, as a ball.

    c = x d is a mixture of centred Gaussians, its density falls with |c|, hence n⟨c^{k+2}⟩ ≤ (k+1)⟨c^k⟩ and the ratio of the terms
    with k + 2 and k is at most ξ²/(k+2): what is left out is less than the last term.
    """
    total, last = arb(0), arb(0)
    for k in range(0, MOMENTS if xi else 1, 2):
        moment = singular.partition(model.K, (x, y), domain="gaussian", observable=model.slope**k).evaluate(n, DIGITS)
        last = moment * arb(n * xi**2) ** (k // 2) / ball(sp.factorial(k))
        total += last
    return total + arb(0, last.upper()) if xi else total


def coin_integral(heads: int, tails: int, power: int = 0) -> fmpq:
    """∫∫ (1+c)^heads (1−c)^tails c^power over [−1, 1]²/4, c = xy, exactly: the mean of c^j is 1/(j+1)² for even j, 0 for odd."""
    poly = fmpq_poly([1, 1]) ** heads * fmpq_poly([1, -1]) ** tails * fmpq_poly([0, 1]) ** power
    return sum((a / (j + 1) ** 2 for j, a in enumerate(poly.coeffs()) if j % 2 == 0), fmpq(0))


def binomial_weight(n: int, k: int) -> arb:
    """The probability of k heads among n under the truth."""
    return arb(comb(n, k)) / arb(2) ** n


def coin_free_energy(n: int) -> arb:
    """E[F_n] − n log 2, all data summed."""
    return -sum((binomial_weight(n, k) * arb(coin_integral(k, n - k)).log() for k in range(n + 1)), arb(0))


@cache
def _coin(n: int) -> tuple[arb, arb]:
    """E[G_n] of the coin by definition, and E[F_{n+1}] − E[F_n]."""
    by_definition = arb(0)
    for k in range(n + 1):
        mean = arb(coin_integral(k, n - k, 1) / coin_integral(k, n - k))
        by_definition -= binomial_weight(n, k) * (1 - mean**2).log() / 2
    return by_definition, coin_free_energy(n + 1) - coin_free_energy(n)


@cache
def _integrated(model: Regression, n: int, budget: Budget) -> Any:
    """E[F_n − nL_n(w*)] by chains: β = s³ with one s in each of equal strata of [0, 1], dβ = 3s² ds."""
    rng = np.random.default_rng(430)
    count = 2048 * budget.effort
    s = (np.arange(count) + rng.random(count)) / count
    energy = many_data_sets(model, n, s**3, budget, 430).trace("energy").mean(axis=1)
    return over_data_sets(3 * s**2 * n * energy)


def many_data_sets(model: Regression, n: int, beta: float | np.ndarray, budget: Budget, seed: int) -> Any:
    """One chain for each data set: ξ and β are clamped weights that start where they are put. "energy" is L_n − L_n(w*)."""
    import jax
    import jax.numpy as jnp

    from sampler import chain
    from sampler.kernels.mala import mala
    from sampler.lower import lower, lower_loss
    from sampler.posterior import LocalPosterior

    chains, names = 2048 * budget.effort, (x, y, z, b)
    rng = np.random.default_rng(seed)
    signs, noise = rng.choice([-1.0, 1.0], size=(chains, n)), rng.standard_normal((chains, n))
    xi = (signs * noise).sum(axis=1) / n**0.5
    energy = model.slope**2 / 2 - z * model.slope / sp.sqrt(n)
    moving = jnp.array([True, True, False, False])
    posterior = LocalPosterior(lower_loss(b * energy, names), jnp.zeros((1, 0)), jnp.zeros(4), n, 1.0, mask=moving)
    start = jnp.stack(
        [jnp.zeros(chains), jnp.zeros(chains), jnp.asarray(xi), jnp.asarray(beta * np.ones(chains))], axis=1
    )
    return chain.run(
        jax.random.key(seed), mala(0.03), posterior, chains=chains, draws=200, burn_in=600, thin=8, initial=start,
        observables={"slope": lower(model.slope, names), "energy": lower(energy, names)},
    )  # fmt: skip


def over_data_sets(each: np.ndarray) -> Any:
    """The mean over independent data sets."""
    from sampler.diagnostics import Estimate

    sem = each.std(ddof=1) / len(each) ** 0.5
    return Estimate(np.array(each.mean()), np.array(sem), np.array(len(each)), np.array(1.0))


def predictive_error(c: np.ndarray) -> np.ndarray:
    """−E_y log⟨exp(yc − ½c²)⟩ for each chain (rows of c), y ∼ N(0, 1): the Kullback–Leibler divergence of the prediction."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(16)
    weights = weights / weights.sum()
    ratios = (np.log(np.exp(u * c - c**2 / 2).mean(axis=1)) for u in nodes)
    return -np.einsum("i,ij->j", weights, np.stack(list(ratios)))


_FREE_ENERGY = FreeEnergy()

CLAIMS = (
    claim(
        "§4.2.3",
        "F_n = nL_n(w*) + λ log n − (m−1) log log n + O_p(1); WBIC = ⟨nL_n⟩ at β = 1/log n = nL_n(w*) + λ log n + O_p(√log n); "
        "E[G_n] = λ/n + o(1/n)",
        _FREE_ENERGY,
    ),
)  # fmt: skip

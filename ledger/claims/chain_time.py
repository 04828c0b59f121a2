"""The chain in time: lags, standard errors of means and of covariances, burn-in.

A prediction of the standard error comes before the run: an estimate is compared with SE's that no draw has been used for. τ(ρ) =
(1 + ρ)/(1 − ρ) is the number of draws that count as one, ρ the factor of one draw; draws are s steps apart, C chains of N draws.

Reading order: `Times` (the formulas), `InTime` and the quantities, `TimeClaim`, what the layers sample, `CLAIMS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import sympy as sp
from flint import arb

from ledger.claim import Budget, Claim, Evidence
from ledger.claims.chain_law import LINES, PAIRS, SECTION, ends, phi, psi
from ledger.compare import combine, meets
from ledger.discrete import Closed, Problem
from ledger.discrete_kernel import enclosed
from ledger.discrete_problems import GENERIC, R, plane
from ledger.discrete_runs import Setting, observe, start
from ledger.evidence import estimates, vanishes
from numerics import kernel
from theory import autocorrelation, laplace
from theory.rational import lowest_terms

THIN = 2
WIDE = tuple(
    Setting(p, seed=80 + i, chains=28672, draws=48) for i, p in enumerate((LINES[0], LINES[2], plane(R(5, 3))))
)


SIMPLER = replace(
    GENERIC,
    loss=GENERIC.loss.subs(
        dict(zip(sp.symbols("lambda T Q", positive=True), (R(5, 4), R(2, 5), R(2, 7)), strict=True))
    ),
    gamma=R(1, 3),
    noise={(0, 0): sp.Symbol("G")},
    name="e and G symbols, d = 1",
)


def tau(rho: sp.Expr) -> sp.Expr:
    """(1 + ρ)/(1 − ρ)."""
    return (1 + rho) / (1 - rho)


class Times(Closed):
    """Leading order in time, S not diagonal: what the claims state; tests change one piece."""

    tau = staticmethod(tau)

    def lag(self, f: sp.Expr, g: sp.Expr, k: int) -> sp.Expr:
        """t Cov(f(w_k), g(w_0)) → Σ_ij a_i(f) a_i^k S_ij b_j."""
        a, b = self.problem.tensor(f, 1), self.problem.tensor(g, 1)
        return sp.Add(*(a(i) * self.a(i) ** k * self.S[i, j] * b(j) for i in self.n for j in self.n))

    def quadratic_lag(self, f: sp.Expr, g: sp.Expr, k: int) -> sp.Expr:
        """Df = Dg = 0: t² Cov(f(w_k), g(w_0)) → ½ Σ_ij A_ij (SBS)_ij a_i^k a_j^k."""
        A, B = (sp.Matrix(len(self.n), len(self.n), self.problem.tensor(h, 2)) for h in (f, g))
        SBS = self.S * B * self.S
        return sp.Add(*(A[i, j] * SBS[i, j] * (self.a(i) * self.a(j)) ** k for i in self.n for j in self.n)) / 2

    def se_llc(self, s: int) -> sp.Expr:
        """CN SE² → ½ Σ_ij λ_i λ_j S_ij² τ(a_i^{2s})."""
        return (
            sp.Add(
                *(
                    self.lam[i] * self.lam[j] * self.S[i, j] ** 2 * self.tau(self.a(i) ** (2 * s))
                    for i in self.n
                    for j in self.n
                )
            )
            / 2
        )

    def se_mean(self, f: sp.Expr, s: int) -> sp.Expr:
        """t CN SE² → Σ_ij b_i S_ij b_j τ(a_i^s)."""
        b = self.problem.tensor(f, 1)
        return sp.Add(*(b(i) * self.S[i, j] * b(j) * self.tau(self.a(i) ** s) for i in self.n for j in self.n))

    def se_linear(self, f: sp.Expr, g: sp.Expr, s: int) -> sp.Expr:
        """t² V → Σ_ij τ(a_i^s a_j^s) [f_i (Sf)_i g_j (Sg)_j + f_i (Sg)_i g_j (Sf)_j]."""
        f_, g_ = (self.problem.tensor(h, 1) for h in (f, g))
        Sf, Sg = ([sp.Add(*(self.S[i, j] * h(j) for j in self.n)) for i in self.n] for h in (f_, g_))
        return sp.Add(
            *(
                self.tau((self.a(i) * self.a(j)) ** s) * (f_(i) * Sf[i] * g_(j) * Sg[j] + f_(i) * Sg[i] * g_(j) * Sf[j])
                for i in self.n
                for j in self.n
            )
        )

    def se_quadratic(self, f: sp.Expr, g: sp.Expr, s: int) -> sp.Expr:
        """Df = 0: t³ V → ½ Σ A_ij (SAS)_ij b_l (Sb)_l τ(a_i^s a_j^s a_l^s) + Σ (ASb)_j (SASb)_j τ(a_j^s)
        + Σ (Sb)_i A_ij (SAS)_jp b_p τ(a_i^s a_j^s a_p^s)."""
        n, S, a = self.n, self.S, [self.a(i) ** s for i in self.n]
        A, b = (
            sp.Matrix(len(n), len(n), self.problem.tensor(f, 2)),
            sp.Matrix([self.problem.tensor(g, 1)(i) for i in n]),
        )
        SAS, Sb = S * A * S, S * b
        ASb, SASb = A * Sb, S * A * Sb
        total = sum((ASb[j] * SASb[j] * self.tau(a[j]) for j in n), sp.S.Zero)
        for i, j, l in product(n, repeat=3):
            both = A[i, j] * SAS[i, j] * b[l] * Sb[l] / 2 + Sb[i] * A[i, j] * SAS[j, l] * b[l]
            total += both * self.tau(a[i] * a[j] * a[l])
        return total

    def burn_in(self, k: int) -> sp.Expr:
        """t E[L_k − L*] → ½ Σ_i λ_i S_ii (1 − a_i^{2k})."""
        return sp.Add(*(self.lam[i] * self.S[i, i] * (1 - self.a(i) ** (2 * k)) for i in self.n)) / 2


@dataclass(frozen=True)
class InTime:
    """One quantity in time: its series (a function of `theory.autocorrelation`), its kernel value, its formula {order: value}."""

    name: str
    series: Callable[..., tuple[sp.Expr, ...]]
    measure: Callable[[kernel.Kernel, Problem], arb]
    formula: Callable[[Times], sp.Expr]
    order: int

    def expand(self, p: Problem, order: int) -> tuple[sp.Expr, ...]:
        return self.series(p, order=order)


def _quadratic(p: Problem) -> sp.Expr:
    """½ wAw, A dense."""
    v, w = p.variables[0], p.variables[-1]
    return v**2 + v * w / 3 - w**2 / 5


def _series(function: Callable, *picks: Callable[[Problem], sp.Expr], **extra: Any) -> Callable[..., tuple]:
    def series(p: Problem, *, order: int) -> tuple[sp.Expr, ...]:
        return function(p.loss, *(pick(p) for pick in picks), p.variables, order=order, **p.chain, **extra)

    return series


def _loss(p: Problem) -> sp.Expr:
    return p.loss


def _second(p: Problem) -> sp.Expr:
    return ends(p)[1]


LAG = InTime(
    "Cov(ψ_k, x_0)", _series(autocorrelation.lagged, psi, _second, lag=3),
    lambda k, p: k.lagged(psi(p), _second(p), 3), lambda c: c.lag(psi(c.problem), _second(c.problem), 3), 1,
)  # fmt: skip
LAG2 = InTime(
    "Cov(½wAw_k, L_0)", _series(autocorrelation.lagged, _quadratic, _loss, lag=2),
    lambda k, p: k.lagged(_quadratic(p), p.loss, 2), lambda c: c.quadratic_lag(_quadratic(c.problem), c.problem.loss, 2), 2,
)  # fmt: skip
SE_LLC = InTime(
    "CN SE(LLC)²", _series(autocorrelation.long_run, _loss, _loss, thin=THIN),
    lambda k, p: k.long_run(p.loss, p.loss, THIN), lambda c: c.se_llc(THIN), 2,
)  # fmt: skip
SE_MEAN = InTime(
    "CN SE(ψ)²", _series(autocorrelation.long_run, psi, psi, thin=THIN),
    lambda k, p: k.long_run(psi(p), psi(p), THIN), lambda c: c.se_mean(psi(c.problem), THIN), 1,
)  # fmt: skip
SE_LINEAR = InTime(
    "V, linear", _series(autocorrelation.estimator, psi, _second, thin=THIN),
    lambda k, p: k.estimator(psi(p), _second(p), THIN), lambda c: c.se_linear(psi(c.problem), _second(c.problem), THIN), 2,
)  # fmt: skip
SE_QUADRATIC = InTime(
    "V, Lemma 25", _series(autocorrelation.estimator, phi, psi, thin=THIN),
    lambda k, p: k.estimator(phi(p), psi(p), THIN), lambda c: c.se_quadratic(phi(c.problem), psi(c.problem), THIN), 3,
)  # fmt: skip
BURN_IN = InTime(
    "t E[L_k − L*]", _series(autocorrelation.from_start, _loss, steps=2),
    lambda k, p: k.from_start(p.loss, 2), lambda c: c.burn_in(2), 1,
)  # fmt: skip


@dataclass(frozen=True)
class TimeClaim:
    """Quantities in time through the layers; `sample` compares the run with the law (tests give wrong ones)."""

    quantities: tuple[InTime, ...]
    sample: Callable[[type[Times], Budget], Evidence]
    generic: tuple[Problem, ...] = (SIMPLER, *PAIRS)
    cases: tuple[Problem, ...] = (LINES[0], LINES[2])
    law: type[Times] = Times

    def derived(self, _: Budget) -> Evidence:
        differences = {}
        for p in self.generic:
            law = self.law(p)
            for q in self.quantities:
                *lower, top = q.expand(p, q.order)
                differences[f"{q.name}, {p.name}, e = {p.e}"] = lowest_terms(top - q.formula(law))
                differences[f"{q.name}, {p.name}, e = {p.e}, lower orders"] = sp.Add(*map(abs, lower))
        return vanishes(self.quantities[0].name, differences, "closed form = Poisson equation of the moment recursion")

    def enclosed(self, _: Budget) -> Evidence:
        parts = []
        for p in self.cases:
            for q in self.quantities:
                parts += enclosed(q.name, p, lambda k, q=q, p=p: q.measure(k, p), {q.order: q.formula(self.law(p))})
        return combine(parts)

    def sampled(self, budget: Budget) -> Evidence:
        return self.sample(self.law, budget)


def _spread(q: InTime, key: str, factor: Callable[[Setting], Any]) -> Callable[[type[Times], Budget], Evidence]:
    """The variance of the chains' means, times N and a power of t, against the law with the formula at leading order.

    What the finite N changes is in the prediction (`variance_of_mean`), as far as theory gives it for this quantity.
    """

    def sample(law: type[Times], budget: Budget) -> Evidence:
        parts = []
        for setting in WIDE:
            p, t, n = setting.problem, sp.Integer(setting.t), setting.draws * budget.effort
            series = q.expand(p, q.order + 2)
            exchanged = (q.formula(law(p)) - series[q.order]) / t**q.order / n
            variance = _finite(q, p, t, n, series) + exchanged
            scale = float(factor(setting))
            last = abs(float(series[-1] / t ** (len(series) - 1) / n)) * scale
            found = observe(setting, budget.effort)[key].scale(scale)
            parts.append(
                estimates(
                    f"{q.name}, {p.name}", found, float(variance) * scale, truncation=last, t=setting.t, step=str(p.e)
                )
            )
        return combine(parts)

    return sample


def _finite(q: InTime, p: Problem, t: sp.Expr, n: int, series: tuple[sp.Expr, ...]) -> sp.Expr:
    """Var of the mean of n draws: V/n, and for means the term in 1/n²."""
    pick = {SE_LLC.name: _loss, SE_MEAN.name: psi}.get(q.name)
    if pick is None:
        return laplace.evaluate(series, t) / n
    whole = autocorrelation.variance_of_mean(
        p.loss, pick(p), p.variables, order=q.order + 2, draws=n, thin=THIN, **p.chain
    )
    return laplace.evaluate(whole, t)


def _sample_lags(law: type[Times], budget: Budget) -> Evidence:
    parts = []
    for setting in WIDE:
        p, t = setting.problem, sp.Integer(setting.t)
        f, g = ends(p)
        series = autocorrelation.lagged(p.loss, f, g, p.variables, lag=THIN, order=4, **p.chain)
        prediction = laplace.evaluate(series, t) + (law(p).lag(f, g, THIN) - series[1]) / t
        last = abs(float(series[-1])) / setting.t**4
        found = observe(setting, budget.effort)["lag"]
        scale = float(law(p).first(f, g) / t)
        parts.append(estimates(f"lag {THIN}, {p.name}", found, float(prediction), truncation=last, scale=scale))
    return combine(parts)


def _sample_burn_in(law: type[Times], budget: Budget) -> Evidence:
    parts = []
    for setting, steps in ((WIDE[0], 2), (WIDE[2], 2)):
        p, t = setting.problem, sp.Integer(setting.t)
        series = autocorrelation.from_start(p.loss, p.loss, p.variables, steps=steps, order=4, **p.chain)
        prediction = float(t * laplace.evaluate(series, t) + law(p).burn_in(steps) - series[1])
        last = abs(float(series[-1])) / setting.t**3
        found = start(setting, steps, budget.effort)
        stationary = float(t * laplace.evaluate(p.series(p.loss, order=4), t))
        away = meets(float(found.mean), float(found.sem), stationary).z
        parts.append(estimates(f"k = {steps}, {p.name}", found, prediction, truncation=last, z_stationary=away))
    return combine(parts)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "chain lags", ("chain lags",), SECTION,
        "t Cov(f(w_k), g(w_0)) → Σ a_i^k f_i S_ij g_j; for Df = Dg = 0 t² Cov → ½ Σ A_ij (SBS)_ij a_i^k a_j^k",
        *(lambda c: (c.derived, c.enclosed, c.sampled))(TimeClaim((LAG, LAG2), _sample_lags)),
    ),
    Claim(
        "chain SE", ("chain SE",), SECTION,
        "C chains of N draws, s steps apart: CN SE(LLC)² → ½ Σ λ_i λ_j S_ij² τ(a_i^{2s}), t CN SE(b·w)² → Σ b_i S_ij b_j τ(a_i^s), "
        "τ(ρ) = (1 + ρ)/(1 − ρ), and −(1/N²) Σ |k| c_k beyond",
        *(lambda c: (c.derived, c.enclosed, c.sampled))(
            TimeClaim((SE_LLC, SE_MEAN), _spread(SE_LLC, "spread llc", lambda s: s.t**2 * s.draws))
        ),
    ),
    Claim(
        "chain SE of covariances", ("chain SE of covariances",), SECTION,
        "Var Ĉ = V/(CN): linear t²V → Σ τ(a_i^s a_j^s)[f_i(Sf)_i b_j(Sb)_j + f_i(Sb)_i b_j(Sf)_j]; Dφ = 0: t³V → "
        "½ Σ A_ij(SAS)_ij b_l(Sb)_l τ(a_i^s a_j^s a_l^s) + Σ (ASb)_j(SASb)_j τ(a_j^s) + "
        "Σ (Sb)_i A_ij(SAS)_jp b_p τ(a_i^s a_j^s a_p^s)",
        *(lambda c: (c.derived, c.enclosed, c.sampled))(
            TimeClaim((SE_LINEAR, SE_QUADRATIC), _spread(SE_QUADRATIC, "spread cov", lambda s: s.t**3 * s.draws))
        ),
    ),
    Claim(
        "chain burn-in", ("chain burn-in",), SECTION,
        "From w*: t E[L(w_k) − L*] → ½ Σ λ_i S_ii (1 − a_i^{2k})",
        *(lambda c: (c.derived, c.enclosed, c.sampled))(TimeClaim((BURN_IN,), _sample_burn_in)),
    ),
)  # fmt: skip

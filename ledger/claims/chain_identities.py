"""The chain at any step and for any U: identities that are exact, and the first order in ε, which needs no Laplace expansion.

    E ĝ = 0,   E[(w − w*)·ĝ] = d + (ε/4) E|ĝ|²                          at every ε, batch and temperature; ĝ the step's gradient
    E_ε φ = ⟨φ⟩ + (ε/8)[⟨Δφ⟩ − Cov(φ, ΔU)] + O(ε²)                      at every U, singular ones too

The first is tried on Laplace's problems, minibatches among them; the second on `SHALLOW`, whose minimum is nearly quartic.

Reading order: the three layers of the identities, `SHALLOW` and the three layers of the first order, `CLAIMS`.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import sympy as sp
from flint import arb

from ledger.claim import Budget, Claim, Evidence
from ledger.claims.chain_law import FULL, LINES, MINI, PAIRS, SECTION, psi
from ledger.compare import combine, meets
from ledger.discrete import Problem
from ledger.discrete_kernel import KERNEL_DIGITS, kernel_at
from ledger.discrete_problems import GENERIC, R, batches, plane
from ledger.discrete_runs import Setting, observe
from ledger.evidence import encloses, estimates, vanishes
from numerics import extrapolate, kernel
from numerics.posterior import Posterior
from numerics.precision import digits
from theory import first_order, laplace
from theory.rational import lowest_terms


def derive_identities(factor: Any = 1) -> Evidence:
    """E_ξ f(w') − f(w) for every monomial to degree 3 has mean zero order by order in 1/t, with the noise in E[g g]."""
    differences = {}
    for p in (
        replace(GENERIC, gamma=sp.S.Zero, noise={(0, 0): sp.Symbol("G")}),
        *(replace(q, noise={}, gamma=sp.S.Zero) for q in PAIRS),
    ):
        names = sp.symbols(f"g0:{p.d}")
        # The observables may not depend on t: g/t for g, and ε g = e (g/t).
        slopes = {g: sp.diff(p.loss, v) for g, v in zip(names, p.variables, strict=True)}
        means = [p.series(s, order=2) for s in slopes.values()]
        differences |= {f"E g_{i}, {p.name}, e = {p.e}": sp.Add(*map(abs, m)) for i, m in enumerate(means)}
        inside = sp.Add(*(v * slopes[g] for g, v in zip(names, p.variables, strict=True)))
        outside = sp.Add(*(slopes[g] ** 2 for g in names)) * factor
        one, two = p.series(inside, order=2), p.series(outside, order=2)
        noise = [0, sum((p.gradient_noise.get((i, i), 0) for i in range(p.d)), sp.S.Zero), 0]
        for k in (1, 2):
            # t E[w·∇L] = d + (e/4) (t E|∇L|² + tr G)
            left = one[k] - (p.d if k == 1 else 0) - p.e / 4 * (two[k] + noise[k])
            differences[f"virial, t^−{k}, {p.name}, e = {p.e}"] = lowest_terms(left)
    return vanishes("virial and E g = 0", differences, f"{len(differences)} coefficients vanish identically")


def enclose_identities(factor: Any = 1) -> Evidence:
    """The same under the chain's kernel at one t, no expansion: full batch, real minibatches, and d = 2."""
    parts = []
    for p, t in ((LINES[0], 64), (LINES[2], 64), (batches(R(6, 5)), 16), (plane(R(5, 3)), 2**16)):
        with digits(KERNEL_DIGITS if p.d == 1 else 20):
            found = kernel_at(p, t)
            slope = found.expectation(sp.sqrt(t) * sp.diff(p.loss, p.variables[0]))
            square = sum((sp.diff(p.loss, v) ** 2 for v in p.variables), sp.S.Zero)
            if p.labels:
                square += sp.diff(p.kick, p.variables[0]) ** 2 * 2 / int(t / p.ratio)
            inside = sp.Add(*(v * sp.diff(p.loss, v) for v in p.variables))
            value = found.expectation(t * inside - factor * p.e / 4 * t * square)
            parts.append(encloses(f"E g, {p.name}", slope, sp.S.Zero))
            parts.append(encloses(f"virial, {p.name}", value, sp.Integer(p.d)))
    return combine(parts)


def sample_identities(budget: Budget) -> Evidence:
    """(w−w*)·ĝ − (ε/4)|ĝ|² = d in runs with full batches and with minibatches."""
    parts = []
    for setting in (*FULL[::2], *MINI):
        found = observe(setting, budget.effort)["virial"]
        parts.append(estimates(f"virial − d, {setting.problem.name}", found, 0.0, scale=float(setting.problem.d)))
    return combine(parts)


SINGULAR = sp.Symbol("x", real=True)
SHALLOW = 2 * (SINGULAR**2 / 2 + R(19, 20) * (sp.cos(SINGULAR) - 1) + (SINGULAR - sp.sin(SINGULAR)) / 5)
"""U with a minimum that is nearly quartic and skew: U'' = 1/10 at 0 and ≈ 2 far out; no Laplace expansion would do at t = 1."""


RATES = range(10, 52, 3)
"""1/ε on the ladder to ε = 0: steps that are close together, since a finer grid costs more than another rung."""


def derive_first_order() -> Evidence:
    """The density equation for undefined U and f; and the series of the chain to order e, every tensor a symbol."""
    v = sp.symbols("x y", real=True)
    differences: dict[str, Any] = {}
    for d in (1, 2):
        U, f = sp.Function("U")(*v[:d]), sp.Function("f")(*v[:d])
        differences[f"density, d = {d}"] = first_order.density_equation(f, U, v[:d])
    p = replace(GENERIC, noise={})
    x, e = p.variables[0], p.e
    found = p.series(psi(p), order=2)
    # E_ε ψ = ⟨ψ⟩ + (e/8t)[⟨Δψ⟩ − t Cov(ψ, ΔL)]: one power of t less in the covariance.
    slope = laplace.expectation(
        p.loss, sp.diff(psi(p), x, 2), p.variables, order=1, at=(0,), prior=sp.exp(-p.gamma * x**2 / 2)
    )
    curved = laplace.cumulant(
        p.loss, (psi(p), sp.diff(p.loss, x, 2)), p.variables, order=2, at=(0,), prior=sp.exp(-p.gamma * x**2 / 2)
    )
    for k in (1, 2):
        differences[f"order e, t^−{k}"] = lowest_terms(sp.diff(found[k], e).subs(e, 0) - (slope[k - 1] - curved[k]) / 8)
    return vanishes("first order in ε", differences, "a divergence for every U and f; the chain's series at order e")


def _average(posterior: Posterior, observables: tuple[sp.Expr, ...]) -> arb:
    """⟨φ⟩ of one observable, the joint cumulant of several."""
    first, *others = observables
    return posterior.cumulant(observables) if others else posterior.expectation(first)


def enclose_first_order(factor: Any = 1) -> Evidence:
    """Slopes in ε of the kernel's mean and covariance at ε → 0 against certified posterior averages, U not Laplace."""
    v, parts = (SINGULAR,), []
    f, g = SINGULAR**2, SINGULAR + SINGULAR**3 / 9
    mean, both = first_order.of_mean(f, SHALLOW, v), first_order.of_covariance(f, g, SHALLOW, v)
    with digits(30):
        posterior = Posterior(SHALLOW, v, 1, digits=30)
        for name, correction, quantity in (
            ("E", mean, lambda k: k.expectation(f)), ("Cov", both, lambda k: k.covariance(f, g)),
        ):  # fmt: skip
            slopes = [_average(posterior, c) for c in correction.cumulants]
            wanted = sum(
                (arb(int(c.p)) / int(c.q) * s for c, s in zip(correction.factors, slopes, strict=True)), arb(0)
            )
            found = extrapolate.coefficients({n: quantity(_shallow(n)) for n in RATES}, order=1)
            parts.append(encloses(f"d{name}/dε", found[1].ball, factor * wanted))
    return combine(parts)


@cache
def _shallow(n: int) -> kernel.Kernel:
    """The chain with ε = 1/n."""
    with digits(32):
        return kernel.stationary(SHALLOW, (SINGULAR,), 1, R(1, n), at=(0,), spread=(1,))


def sample_first_order(budget: Budget, factor: float = 1.0) -> Evidence:
    """SGLD at a small ε on the same U: the mean less its first-order correction (from certified integrals) is the posterior's."""
    setting = Setting(
        Problem("shallow", SHALLOW, (SINGULAR,), R(1, 4)), t=1, seed=97, chains=2048, draws=400, thin=8, burn_in=800
    )
    f = SINGULAR**2
    found = observe(setting, budget.effort).controlled(f)
    with digits(20):
        exact = _shallow(4).expectation(f)
        posterior = Posterior(SHALLOW, (SINGULAR,), 1, digits=20)
        correction = first_order.of_mean(f, SHALLOW, (SINGULAR,))
        slopes = [_average(posterior, c) for c in correction.cumulants]
        slope = sum(float(c) * float(s.mid()) for c, s in zip(correction.factors, slopes, strict=True))
        gibbs = float(posterior.expectation(f).mid())
    # What the kernel says of the higher orders stands beside the formula; the slope alone is tested.
    higher = float(exact.mid()) - gibbs - slope / 4
    away = meets(float(found.mean), float(found.sem), gibbs).z
    return estimates(
        "E w²", found, gibbs + factor * slope / 4 + higher, scale=slope / 4, z_continuous_time=away, step="1/4"
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "chain identities", ("chain virial", "chain identities"), SECTION,
        "At any step, batch and temperature: E ĝ = 0 and E[(w − w*)·ĝ] = d + (ε/4) E|ĝ|², ĝ the gradient that the step uses",
        lambda _: derive_identities(), lambda _: enclose_identities(), sample_identities,
    ),
    Claim(
        "chain first order in ε", ("chain first order in ε",), SECTION,
        "Any U, singular ones too: E_ε φ = ⟨φ⟩ + (ε/8)[⟨Δφ⟩ − Cov(φ, ΔU)] + O(ε²), and Cov_ε(φ,ψ) = Cov + (ε/4)⟨∇φ·∇ψ⟩ + "
        "(ε/8)[Cov(Δφ,ψ) + Cov(φ,Δψ)] − (ε/8) κ₃(φ,ψ,ΔU) + O(ε²)",
        lambda _: derive_first_order(), lambda _: enclose_first_order(), sample_first_order,
    ),
)  # fmt: skip

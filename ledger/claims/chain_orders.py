"""The chain to any order in 1/t, and all z-scores at once.

The moment recursion of `theory.langevin` goes to any order. Its coefficients tend to the posterior's as e → 0; the kernel has
them; and the estimates of all runs scatter about its numbers as N(0, 1), in units of standard errors that were predicted before
any draw was made.

Reading order: `derive_any_order`, `enclose_any_order`, `scores`, `sample_any_order`, `CLAIMS`.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp
from scipy.special import chdtr, chdtrc

from ledger.claim import Budget, Claim, Evidence, Status
from ledger.claims.chain_law import FULL, LINES, MINI, SECTION, ends, phi, psi
from ledger.compare import FALSE_ALARM, combine
from ledger.discrete import Closed
from ledger.discrete_kernel import enclosed
from ledger.discrete_problems import GENERIC, R, line, plane
from ledger.discrete_runs import Setting, observe, predicted, predicted_error
from ledger.evidence import vanishes
from theory import langevin, laplace
from theory.rational import lowest_terms

MORE = tuple(
    Setting(p, seed=60 + i, chains=2048) for i, p in enumerate((line(R(4, 5)), plane(R(1, 2)), plane(R(3, 2))))
)


def derive_any_order() -> Evidence:
    """e → 0 is the posterior, d = 1 with all tensors symbols and d = 3; four orders where all is rational."""
    x, y, z = sp.symbols("x y z", real=True)
    space = x**2 / 2 + y**2 + z**2 / 3 + x * y / 4 + x * y * z / 2 + z**3 / 5 + (x**2 + y**2 + z**2) ** 2
    p, differences = replace(GENERIC, noise={}, gamma=sp.S.Zero), {}
    for name, loss, traces, variables in (
        ("d = 1", p.loss, (p.variables[0] ** 2, psi(p)), (x,)), ("d = 3", space, (x * y + z**2, z + x**2), (x, y, z)),
    ):  # fmt: skip
        limit = laplace.cumulant(loss, traces, variables, order=2, at=(0,) * len(variables))
        found = _to_zero(loss, traces, variables, 2)
        differences |= {
            f"{name}, t^−{k}": lowest_terms(a - b) for k, (a, b) in enumerate(zip(found, limit, strict=True))
        }
    return vanishes("any order", differences, "the chain's coefficients at e → 0 are the posterior's")


def _to_zero(loss: sp.Expr, traces: tuple, variables: tuple, order: int) -> list[sp.Expr]:
    """The coefficients with e a symbol, at e = 0."""
    e = sp.Symbol("e", positive=True)
    series = langevin.cumulant(loss, traces, variables, e=e, order=order, at=(0,) * len(variables))
    return [lowest_terms(c).subs(e, 0) for c in series]


def enclose_any_order() -> Evidence:
    """The kernel's first coefficients against the recursion's, u = 1.5 and 2.5."""
    parts = []
    for p in LINES[1:]:
        for name, traces, orders in (("t E L", (p.loss,), (1, 2, 3)), ("Cov(φ, ψ)", (phi(p), psi(p)), (2, 3))):
            series = p.series(*traces, order=max(orders))
            parts += enclosed(name, p, lambda k, f=traces: k.cumulant(f), {k: series[k] for k in orders})
    return combine(parts)


def scores(budget: Budget, law: type[Closed] = Closed) -> list[dict[str, Any]]:
    """z of the LLC, the third cumulant and Lemma 25's covariance in every setting, with standard errors predicted."""
    found = []
    for setting in (*FULL, *MINI, *MORE):
        p, run, closed = setting.problem, observe(setting, budget.effort), law(setting.problem)
        f, g = phi(p), psi(p)
        x, form = ends(p)
        for kind, traces, formula, factor in (
            ("llc", (p.loss,), {1: closed.l0, 2: closed.l1}, setting.t),
            ("K", (x, x, form), {2: closed.skew(x, x, form)}, 1),
            ("cov", (f, g), {2: closed.lemma25(f, g)}, 1),
        ):
            value, _ = predicted(setting, traces, formula)
            error = predicted_error(setting, kind, budget.effort)
            posterior = p.posterior_series(*traces, order=3)
            limit = float(laplace.evaluate(posterior, sp.Integer(setting.t)))
            mean = float(run[f"plain {kind}"].mean)
            found.append({
                "problem": p.name, "t": setting.t, "quantity": kind, "z": (mean - factor * value) / error,
                "z_continuous_time": (mean - factor * limit) / error, "predicted_sem": error,
                "sem": float(run[f"plain {kind}"].sem),
            })  # fmt: skip
    return found


def sample_any_order(budget: Budget, law: type[Closed] = Closed) -> Evidence:
    """All z-scores at once: Σ z² is χ² and they look normal (Kolmogorov–Smirnov), at FALSE_ALARM; no error bar is sampled."""
    from scipy.stats import kstest  # half a second to import, which no other claim needs

    found = scores(budget, law)
    z = np.array([s["z"] for s in found])
    total, number = float(np.sum(z**2)), len(z)
    tails = 2 * float(min(chdtrc(number, total), chdtr(number, total))), float(kstest(z, "norm").pvalue)
    away = max((s["z_continuous_time"] for s in found if s["quantity"] == "llc"), key=abs)
    agrees = min(tails) > FALSE_ALARM
    words = (
        f"{number} z-scores in {len(found) // 3} settings: Σz² = {total:.1f} (p = {tails[0]:.2g}), KS p = {tails[1]:.2g}; the "
        f"posterior's LLC is off by up to {abs(away):.0f} standard errors"
    )
    data = {
        "z": float(z[np.argmax(np.abs(z))]),
        "power_at": None,
        "p_chi2": tails[0],
        "p_ks": tails[1],
        "z_continuous_time": away,
        "scores": found,
    }
    return Evidence(Status.HOLDS if agrees else Status.REFUTED, words, data)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "chain any order", ("chain any order", "chain e→0"), SECTION,
        "The moment recursion gives the law to any order in 1/t, at e → 0 the posterior's; estimates scatter about it as N(0, 1) "
        "in units of standard errors predicted beforehand",
        lambda _: derive_any_order(), lambda _: enclose_any_order(), sample_any_order,
    ),
)  # fmt: skip

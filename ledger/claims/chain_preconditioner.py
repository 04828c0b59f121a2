"""The chain with a preconditioner, w′ = w − (ε/2) D g + √ε D^{1/2} ξ, where D commutes with nothing.

With D = RRᵀ it is the plain chain for U(Rv) in v, w = Rv. That is how it is sampled here; the law in w is that of `scaled_law`.

Reading order: `PLAN`, `tilted`, `scaled_law`, the three layers, `CLAIMS`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import sympy as sp
from flint import arb

from ledger.claim import Budget, Claim, Evidence
from ledger.claims.chain_law import PAIRS, SECTION
from ledger.compare import combine, meets
from ledger.discrete import Problem
from ledger.discrete_problems import R, plane
from ledger.discrete_runs import Setting, observe
from ledger.evidence import encloses, estimates, vanishes
from numerics import kernel
from numerics.precision import digits
from theory import langevin, laplace

PLAN = sp.Matrix([[R(3, 2), R(1, 3)], [R(1, 3), R(2, 3)]])
"""A preconditioner that commutes with nothing."""


def tilted(size: Any) -> Problem:
    """The plane with a Hessian that is not diagonal."""
    p = plane(size)
    x, y = p.variables
    return replace(p, name=f"tilted, e = {size}", loss=p.loss + x * y / 4)


def scaled_law(p: Problem, D: sp.Matrix) -> tuple[sp.Matrix, sp.Matrix, sp.Expr]:
    """S_w = (H − (e/4) H D H)^{-1}, m_w = −½ H^{-1}(T:S_w), l₀ = ½ tr(H S_w)."""
    n = range(p.d)
    H, T = sp.Matrix(p.d, p.d, p.tensor(p.loss, 2)), p.tensor(p.loss, 3)
    S = (H - p.e / 4 * H * D * H).inv()
    TS = sp.Matrix([sp.Add(*(T(i, j, k) * S[j, k] for j in n for k in n)) for i in n])
    return S, -H.inv() * TS / 2, (H * S).trace() / 2


def derive_preconditioner(law: Callable = scaled_law) -> Evidence:
    differences = {}
    for p in (replace(PAIRS[0], noise={}), tilted(R(2, 5))):
        S, m, l0 = law(p, PLAN)
        chain = p.chain | {"preconditioner": PLAN}

        def first(*traces: sp.Expr, p: Problem = p, chain: dict = chain) -> sp.Expr:
            return langevin.cumulant(p.loss, traces, p.variables, order=1, **chain)[1]

        for i, v in enumerate(p.variables):
            differences[f"m_{i}, {p.name}"] = first(v) - m[i]
            differences |= {f"S_{i}{j}, {p.name}": first(v, w) - S[i, j] for j, w in enumerate(p.variables)}
        differences[f"l₀, {p.name}"] = first(p.loss) - l0
    return vanishes("preconditioner", differences, f"{len(differences)} coefficients of dense problems, exactly")


@cache
def _scaled_kernel(p: Problem, t: int) -> kernel.Kernel:
    with digits(22):
        return kernel.stationary(p.loss, p.variables, t, p.e, at=(0, 0), preconditioner=PLAN)


def enclose_preconditioner(law: Callable = scaled_law, t: int = 2**20) -> Evidence:
    """The chain in d = 2 with D: the kernel at t = 2²⁰, the next three orders from the recursion beside the formula."""
    p, parts = tilted(R(4, 5)), []
    S, m, l0 = law(p, PLAN)
    x, y = p.variables
    chain = p.chain | {"preconditioner": PLAN}
    for name, traces, value in (("S", (x, y), S[0, 1]), ("m", (y,), m[1]), ("l₀", (p.loss,), l0)):
        series = langevin.cumulant(p.loss, traces, p.variables, order=4, **chain)
        with digits(22):
            whole = sum((c / sp.Integer(t) ** k for k, c in enumerate(series)), sp.S.Zero) + (value - series[1]) / t
            # The last term stands for what is left out.
            found = _scaled_kernel(p, t).cumulant(traces) + arb(0, float(abs(series[4])) / t**4)
            parts.append(encloses(name, found, whole, problem=p.name))
    return combine(parts)


def sample_preconditioner(budget: Budget, law: Callable = scaled_law) -> Evidence:
    """w = Rv with D = RRᵀ: SGLD on L(Rv) in v is the preconditioned chain in w."""
    p = tilted(R(4, 5))
    root, (x, y) = PLAN.cholesky(), p.variables
    pulled = root * sp.Matrix([x, y])
    moved = replace(p, loss=p.loss.subs({x: pulled[0], y: pulled[1]}, simultaneous=True), name=p.name + " in v")
    setting = Setting(moved, seed=91, chains=2048)
    S, m, l0 = law(p, PLAN)
    run, t, parts = observe(setting, budget.effort), sp.Integer(setting.t), []
    chain = p.chain | {"preconditioner": PLAN}
    for name, traces, value in (("S", (x, y), S[0, 1]), ("m", (y,), m[1]), ("l₀", (p.loss,), l0)):
        series = langevin.cumulant(p.loss, traces, p.variables, order=4, **chain)
        prediction = float(laplace.evaluate(series, t) + (value - series[1]) / t)
        found = run.controlled(*(trace.subs({x: pulled[0], y: pulled[1]}, simultaneous=True) for trace in traces))
        limit = p.posterior_series(*traces, order=3)
        away = meets(float(found.mean), float(found.sem), float(laplace.evaluate(limit, t))).z
        parts.append(
            estimates(
                name, found, prediction, truncation=abs(float(series[4] / t**4)), z_continuous_time=away, step=str(p.e)
            )
        )
    return combine(parts)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "chain preconditioner", ("chain preconditioner",), SECTION,
        "w′ = w − (ε/2)Dg + √ε D^{1/2}ξ: S_w = (H − (e/4)HDH)⁻¹, m_w = −½H⁻¹(T:S_w), l₀ = ½ tr(HS_w), stable iff e λ_max(DH) < 4; "
        "it is the plain chain for U(D^{1/2}v)",
        lambda _: derive_preconditioner(), lambda _: enclose_preconditioner(), sample_preconditioner,
    ),
)  # fmt: skip

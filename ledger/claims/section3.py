"""Section 3: the fluctuation–dissipation theorem, exact for every posterior.

The instances are chosen far from the regular large-t regime on purpose: two wells at low t, a degenerate minimum, a quartic
valley in two variables. Nothing is expanded in any layer.
"""

import sympy as sp

from ledger import identity
from ledger.claim import Budget, Claim, Evidence, Status
from ledger.compare import combine
from ledger.identity import H, Response
from theory.response import Posterior, W, linearize, response

x, y = sp.symbols("x y", real=True)


def perturbed(
    name: str, loss: sp.Expr, delta_loss: sp.Expr, phi: sp.Expr, variables, t: int, delta, step: float
) -> Response:
    """L_h = L + hΔL as two losses with weights 2 and 2h (their mean is L_h)."""
    weights = (sp.Integer(2), 2 * H)
    return Response(name, (loss, delta_loss), weights, phi, delta_loss, tuple(variables), t, sp.Rational(delta), step)


TWO_WELLS = perturbed("two wells", x**4 / 4 - x**2 / 2 + x / 5, x**2 / 2 - x, x + x**2 / 2, (x,), 3, "1/4", 0.25)
DEGENERATE = perturbed("degenerate minimum", x**4, x**2 + x, x**2 - x / 2, (x,), 5, "1/4", 0.1)
VALLEY = perturbed(
    "two variables", x**2 * y**2 + x**4 / 2 + y**4 / 3, x * y + x, x**2 + x * y - y, (x, y), 4, "1/8", 0.1
)


def derive_thm_11(_: Budget) -> Evidence:
    """Differentiate ⟨φ⟩_h under the integral sign with undefined L, ΔL, φ, p: the difference from −Cov must vanish."""
    n, beta, h = sp.symbols("n beta h", positive=True)
    loss, delta, phi, prior = (sp.Function(name)(W) for name in ("L", "DeltaL", "phi", "p"))
    measured = response(Posterior(n * beta * (loss + h * delta), prior), phi, h) / (n * beta)
    claimed = -linearize(Posterior(n * beta * loss, prior).covariance(phi, delta))
    difference = sp.expand(measured - claimed)
    data = {"difference": str(difference)}
    if difference == 0:
        return Evidence(Status.HOLDS, "quotient rule under the integral sign, for undefined L, ΔL, φ and prior", data)
    return Evidence(Status.REFUTED, f"(1/nβ) d⟨φ⟩/dh + Cov(φ, ΔL) = {difference}", data)


def enclose_thm_11(_: Budget) -> Evidence:
    return combine([identity.enclosed(instance) for instance in (TWO_WELLS, DEGENERATE, VALLEY)])


def sample_thm_11(budget: Budget) -> Evidence:
    return combine([identity.sampled(instance, budget) for instance in (TWO_WELLS, DEGENERATE)])


CLAIMS = (
    Claim(
        "Thm 11",
        ("Thm 11", "Def 10", "eq 7"),
        "3.3",
        "χ(φ; ΔL) = (1/nβ) d⟨φ⟩_h/dh at h = 0 = −Cov(φ, ΔL), exactly, for every posterior",
        derive_thm_11,
        enclose_thm_11,
        sample_thm_11,
    ),
)

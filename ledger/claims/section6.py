"""Section 6.1: data weights. The empirical counterpart of the fluctuation–dissipation theorem, exact at finite n.

L_n^ρ = (1/n) Σ_j ρ_j ℓ_{z_j} (eq 32). Then ∂⟨φ⟩_ρ/∂ρ_i at ρ = 1 is −β Cov_n(φ, ℓ_{z_i}) (eq 33), and along the path
ρ_j = (1−h) + n h δ_ij the response (1/nβ) d⟨φ⟩/dh is χ̂_{z_i} = −Cov_n(φ, ℓ_{z_i} − L_n).

The instance is a model with a two-fold symmetric, non-Gaussian posterior: ℓ_z(w) = (w² − z)²/4 on four data points at β = 1.
"""

import sympy as sp

from ledger import identity
from ledger.claim import Budget, Claim, Evidence, Status
from ledger.compare import combine
from ledger.identity import H, Response
from theory.response import Posterior, W, linearize, response

w = sp.Symbol("w", real=True)
DATA = tuple(map(sp.Rational, ("1/2", "1", "-1/4", "3/4")))
N = len(DATA)
LOSSES = tuple((w**2 - z) ** 2 / 4 for z in DATA)
PHI = w**2
CHOSEN = 2  # the data point z_i whose weight is changed


def _weights(of_chosen: sp.Expr, of_others: sp.Expr) -> tuple[sp.Expr, ...]:
    return tuple(sp.sympify(of_chosen if j == CHOSEN else of_others) for j in range(N))


# t = nβ = n, and L_h = (1/n) Σ ρ_j ℓ_j: the derivative of L_h in ρ_i is ℓ_i/n.
WEIGHT = Response(
    "one weight", LOSSES, _weights(1 + H, sp.S.One), PHI, LOSSES[CHOSEN] / N, (w,), N, sp.Rational(1, 2), 0.3
)
PATH = Response(
    "path to δ_z", LOSSES, _weights(1 - H + N * H, 1 - H), PHI, LOSSES[CHOSEN] - sp.Add(*LOSSES) / N, (w,), N,
    sp.Rational(1, 4), 0.3,
)  # fmt: skip


def derive_eq_33(_: Budget) -> Evidence:
    """Both identities for undefined ℓ_i, φ, prior, and an undefined sum R of the other losses."""
    n, beta, rho, h = sp.symbols("n beta rho h", positive=True)
    loss, rest, phi, prior = (sp.Function(name)(W) for name in ("ell", "R", "phi", "p"))
    base = Posterior(beta * (loss + rest), prior)
    by_weight = response(Posterior(beta * (rho * loss + rest), prior), phi, rho, at=1)
    weight_difference = sp.expand(by_weight + beta * linearize(base.covariance(phi, loss)))
    along_path = response(Posterior(beta * ((1 - h) * (loss + rest) + n * h * loss), prior), phi, h) / (n * beta)
    path_difference = sp.expand(along_path + linearize(base.covariance(phi, loss - (loss + rest) / n)))
    data = {"weight": str(weight_difference), "path": str(path_difference)}
    if weight_difference == 0 and path_difference == 0:
        return Evidence(Status.HOLDS, "weight derivative and path response, for undefined losses, φ and prior", data)
    return Evidence(Status.REFUTED, f"left over: {weight_difference} (weight), {path_difference} (path)", data)


def enclose_eq_33(_: Budget) -> Evidence:
    return combine([identity.enclosed(instance) for instance in (WEIGHT, PATH)])


def sample_eq_33(budget: Budget) -> Evidence:
    return combine([identity.sampled(instance, budget, seed=33) for instance in (WEIGHT, PATH)])


CLAIMS = (
    Claim(
        "eq 33",
        ("eq 32", "eq 33"),
        "6.1",
        "∂⟨φ⟩_ρ/∂ρ_i at ρ = 1 is −β Cov_n(φ, ℓ_{z_i}), exactly at finite n; along ρ_j = (1−h) + n h δ_ij the response is χ̂_{z_i}",
        derive_eq_33,
        enclose_eq_33,
        sample_eq_33,
    ),
)

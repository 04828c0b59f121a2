"""Section 4.1: the regular case. H positive definite, flat prior, one minimum.

The formulas are those of `ledger.formulas`. Each is tried on problems whose derivative tensors are all symbols (derived), and on
problems with numbers (enclosed, sampled).

Reading order: the problems, further derivations, the claims.
"""

from collections.abc import Callable
from dataclasses import replace

import sympy as sp

from ledger import partition
from ledger.claim import Diagrams, Evidence, Status
from ledger.coefficient import CoefficientClaim, Problem
from ledger.evidence import vanishes
from ledger.formulas import (
    LEMMA_25_FACTORS,
    corollary_23,
    eigenbasis,
    example_24,
    example_27,
    lemma_18,
    lemma_20,
    lemma_25,
    lemma_25_terms,
)
from ledger.regular import (
    A1,
    A2,
    B1,
    B2,
    B3,
    PHI,
    QUARTIC_1D,
    QUARTIC_2D,
    ROTATED_2D,
    SYMBOLIC_1D,
    alpha,
    claim,
    curved,
    generic,
    lam,
    one_d,
    x,
    y,
)
from theory import diagrams, graphs, laplace
from theory.notation import matrix_notation
from theory.response import Posterior, W, influence_function, linearize
from theory.tensors import generic_symmetric

LEMMA_18 = CoefficientClaim(
    "t⟨φ⟩", lemma_18, 1,
    generic=(generic(1, ((A1, A2),)), generic(2, ((A1, A2),)), generic(3, ((A1, A2),)),
             curved((generic_symmetric("a", (x, y), 1) + generic_symmetric("A", (x, y), 2),))),
    cases=(Problem(QUARTIC_1D, (x**2 - x / 2,), (x,)), Problem(QUARTIC_2D, (x**2 + x * y - x / 3 + y / 4,), (x, y))),
)  # fmt: skip

LEMMA_20 = CoefficientClaim(
    "t Cov(φ, ψ)", lemma_20, 1,
    generic=(generic(1, ((A1, A2), (B1, B2))), generic(2, ((A1, A2), (B1, B2))), generic(3, ((A1, A2), (B1, B2))),
             curved((generic_symmetric("a", (x, y), 1), generic_symmetric("b", (x, y), 1)))),
    cases=(Problem(QUARTIC_1D, (x, sp.sin(x)), (x,)), Problem(QUARTIC_2D, (x + 3 * y + y**2, x + y / 2), (x, y))),
)  # fmt: skip

LEMMA_25 = CoefficientClaim(
    "t² Cov(φ, ψ)", lemma_25, 2,
    generic=(generic(1, ((A2, PHI), (B1, B2, B3))), generic(2, ((A2, PHI), (B1, B2, B3))), generic(3, ((A2, PHI), (B1, B2))),
             curved((generic_symmetric("A", (x, y), 2), generic_symmetric("b", (x, y), 1)))),
    cases=(Problem(QUARTIC_2D, (x**2 + x * y + x**3 / 8, x + y / 2 - x**2 / 4), (x, y)),),
)  # fmt: skip

EIGENBASIS = CoefficientClaim(
    "t Cov(φ, ψ)", eigenbasis, 1,
    generic=(generic(1, ((A1, A2), (B1, B2))), generic(3, ((A1,), (B1,))),
             curved((generic_symmetric("a", (x, y), 1), generic_symmetric("b", (x, y), 1)))),
    cases=(Problem(ROTATED_2D, (x - y / 3 + y**2, x + y / 2 - x * y), (x, y)),),
)  # fmt: skip

# The second observable is −ΔL, so that κ(φ, −ΔL) = χ(φ; ΔL).
COROLLARY_23 = CoefficientClaim(
    "t χ(φ; ΔL)", corollary_23, 1,
    generic=(generic(1, ((A1, A2), (B1, B2))), generic(2, ((A1, A2), (B1, B2))),
             curved((generic_symmetric("a", (x, y), 1), generic_symmetric("b", (x, y), 1)))),
    cases=(Problem(ROTATED_2D, (x + y**2 / 2, y / 2 - x + x**2), (x, y)),),
)  # fmt: skip

# Two data points ℓ_z = L ± δ; the second observable is −(ℓ_z − L).
EXAMPLE_24 = CoefficientClaim(
    "t χ_z(φ)", example_24, 1,
    generic=(generic(2, ((A1, A2), (B1, B2))), curved((generic_symmetric("a", (x, y), 1), generic_symmetric("b", (x, y), 1)))),
    cases=(Problem(ROTATED_2D, (x - y / 4 + x * y, -(x / 3 - y / 2 + x * y / 4)), (x, y)),),
)  # fmt: skip

EXAMPLE_27 = CoefficientClaim(
    "t² Cov(L, ψ)", example_27, 2,
    generic=(generic(1, ((B1, B2),), loss_observable=True), generic(2, ((B1, B2),), loss_observable=True),
             generic(3, ((B1, B2),), loss_observable=True)),
    cases=(Problem(QUARTIC_2D, (QUARTIC_2D, y**2 - x / 2 - x**2 / 8), (x, y)),),
)  # fmt: skip


EXAMPLE_19 = (
    one_d("t⟨x⟩", -alpha / (2 * lam**2), 1, (x,)),
    one_d("t⟨x²⟩", 1 / lam, 1, (x**2,)),
    one_d("t⟨L−L(w*)⟩", sp.Rational(1, 2), 1, (QUARTIC_1D,), symbolic=(SYMBOLIC_1D,)),
)
EXAMPLE_26 = (
    one_d("t²Cov(x², x)", -2 * alpha / lam**3, 2, (x**2, x)),
    one_d("t²κ₃(x, x, x)", -alpha / lam**3, 2, (x, x, x)),
)


# Linear regression ℓ_i = ½ (y_i − x_i·w)² on three points whose least squares fit is w* = 0: the loss is exactly quadratic.
REGRESSION_X = ((1, 0), (1, 1), (0, 2))
REGRESSION_Y = (sp.Rational(1, 4), -sp.Rational(1, 4), sp.Rational(1, 8))
REGRESSION = tuple((b - u * x - v * y) ** 2 / 2 for (u, v), b in zip(REGRESSION_X, REGRESSION_Y, strict=True))
REGRESSION_LOSS = sp.expand(sum(REGRESSION, sp.S.Zero) / 3)


def leverage(problem: Problem) -> sp.Expr:
    """Ex 27 for a quadratic loss: t² Cov(L, ℓ_z − L) → ½ (tr(ΣD²ℓ_z) − d), which is minus t² χ_z(L)."""
    data, (_, centred) = problem.data, problem.taylor
    d = len(problem.variables)
    hessian_z = centred.D2 + data.H
    return ((data.Sigma * hessian_z).trace() - d) / 2


RESPONSES = tuple(Problem(REGRESSION_LOSS, (REGRESSION_LOSS, f - REGRESSION_LOSS), (x, y)) for f in REGRESSION)


def average_response(formula: Callable[[Problem], sp.Expr] = leverage) -> Evidence:
    """Over the data points the responses add to zero, though each one need not vanish."""
    values = [formula(problem) for problem in RESPONSES]
    words = ", ".join(map(str, values))
    holds = sum(values) == 0 and any(values)
    summary = f"linear regression on three points: −t²χ_z(L) = {words}, sum {sum(values)}"
    return Evidence(Status.HOLDS if holds else Status.REFUTED, summary, {"values": [str(v) for v in values]})


def symbolic_regression() -> Problem:
    """One point (u, v) with label b against a quadratic loss with H = I: D²ℓ_z = (u, v)(u, v)ᵀ."""
    u, v, b = sp.symbols("u v b", real=True)
    loss = (x**2 + y**2) / 2
    return Problem(loss, (loss, (b - u * x - v * y) ** 2 / 2 - loss), (x, y), (sp.S.Zero, sp.S.Zero))


QUADRATIC_RESPONSE = CoefficientClaim(
    "t² Cov(L, ℓ_z−L)", leverage, 2,
    generic=(symbolic_regression(),),
    cases=RESPONSES[::2],
)  # fmt: skip

QUADRATIC_FINDING = (
    "For exactly quadratic L the text says that the LLC does not respond to data perturbations at leading order. That holds "
    "for the average over q only. For one data point the first term of eq 21 stays: "
    "χ_z(L) = −(tr(ΣD²ℓ_z) − d)/(2t²) + O(t⁻³); in linear regression tr(ΣD²ℓ_z) is n times the leverage of z. "
    "Counterexample: ℓ_i = ½(y_i − x_i·w)² with x = (1,0), (1,1), (0,2), y = ¼, −¼, ⅛; w* = 0 and "
    "−t²χ_z(L) = {values}, which add to 0."
)


# ── further derivations ───────────────────────────────────────────────────────────────────────────────────────────────


def four_diagrams(problem: Problem, factors: tuple[sp.Rational, ...] = LEMMA_25_FACTORS) -> Evidence:
    """Figure 4: of the ten graphs of the covariance at order 2, four survive Dφ(w*) = 0, one for each term of eq 19."""
    ten = graphs.connected(2, 2)
    survivors = graphs.surviving(ten, {0: {1}})
    engine = diagrams.Diagrams(problem.loss, problem.observables, problem.variables, survivors, at=problem.data.at)
    values = [engine.value(g) for g in survivors]
    terms = [f * term for f, term in zip(factors, lemma_25_terms(problem), strict=True)]
    unmatched = [t for t in terms if not any(sp.expand(t - v) == 0 for v in values)]
    holds = len(survivors) == len(terms) and not unmatched
    family = Diagrams(
        "The ten diagrams of t²Cov(φ, ψ); Dφ = 0 removes those in grey (Figure 4)", ten, {0: frozenset({1})}
    )
    found = {"graphs": [matrix_notation(g) for g in survivors], "of": len(ten)}
    if holds:
        return Evidence(
            Status.HOLDS, f"{len(survivors)} of {found['of']} diagrams survive, one for each term", found, (family,)
        )
    return Evidence(Status.REFUTED, f"no diagram equals the term {unmatched}", found)


def moving_minimum(problem: Problem) -> Evidence:
    """Def 22 by the implicit function theorem: D(L + hΔL)(w*_h) = 0 gives dw*_h/dh = −H⁻¹DΔL, and IF = dφ(w*_h)/dh."""
    h = sp.Symbol("h")
    phi, delta = problem.observables
    at = problem.data.at
    speed = sp.symbols(f"s1:{len(problem.variables) + 1}")
    path = {v: at[v] + h * s for v, s in zip(problem.variables, speed, strict=True)}
    gradient = [
        sp.diff(problem.loss + h * delta, v).subs(path, simultaneous=True).diff(h).subs(h, 0) for v in problem.variables
    ]
    (solution,) = sp.linsolve(gradient, speed)
    moved = phi.subs(path, simultaneous=True).diff(h).subs(h, 0).subs(dict(zip(speed, solution, strict=True)))
    claimed = influence_function(problem.loss, phi, delta, problem.variables, problem.at)
    return vanishes("IF(φ, ΔL)", {"dφ(w*_h)/dh": moved - claimed}, "is the speed of φ at the moving minimum")


def companion(problem: Problem, top: int = 5) -> Evidence:
    """Cov(L, ψ) = −d⟨ψ⟩/dt, order by order: the coefficient of t^{−k−1} is k times that of ⟨ψ⟩ at t^{−k}, with any prior.

    The problem's observables are L and ψ.
    """
    means = replace(problem, observables=problem.observables[1:]).coefficients(top - 1)
    covariances = problem.coefficients(top)
    wrong = [k for k, c in enumerate(means) if sp.simplify(k * c - covariances[k + 1]) != 0]
    if not wrong:
        return Evidence(Status.HOLDS, f"Cov(L, ψ) = −d⟨ψ⟩/dt to order {top}", {"orders": top})
    return Evidence(Status.REFUTED, f"Cov(L, ψ) ≠ −d⟨ψ⟩/dt at order {wrong[0] + 1}", {"orders": top})


def response_of_the_variance(slope: sp.Expr = alpha / lam**3) -> Evidence:
    """For L + hx: d Cov_h(x, x)/dh = −t κ₃(x, x, x) exactly, so t d/dh Cov_h(x, x) → −lim t² κ₃ = α/λ³ (eq 20).

    The first step by differentiating under the integral with undefined L and prior, the limit also by the moving minimum:
    Cov_h ≈ 1/(t L''(w*_h)) with dw*_h/dh = −1/L''.
    """
    t, h = sp.symbols("t h", positive=True)
    loss, prior = (sp.Function(name)(W) for name in ("L", "p"))
    moved, still = Posterior(t * (loss + h * W), prior), Posterior(t * loss, prior)
    measured = linearize(moved.covariance(W, W).diff(h).doit(integrals=False).subs(h, 0))
    m1, m2, m3 = (linearize(still.expectation(W**k)) for k in (1, 2, 3))
    difference = sp.expand(measured + t * (m3 - 3 * m1 * m2 + 2 * m1**3))
    by_cumulant = -laplace.cumulant(SYMBOLIC_1D, (x, x, x), (x,), order=2)[2]
    second = sp.diff(SYMBOLIC_1D, x, 2)
    by_minimum = (sp.diff(1 / second, x) * (-1 / second)).subs(x, 0)
    data = {"identity": str(difference), "by_cumulant": str(by_cumulant), "by_minimum": str(sp.simplify(by_minimum))}
    if difference == 0 and sp.simplify(by_cumulant - slope) == 0 and sp.simplify(by_minimum - slope) == 0:
        return Evidence(Status.HOLDS, f"d Cov_h(x, x)/dh = −t κ₃, and t d/dh Cov_h(x, x) → {slope} by two roads", data)
    return Evidence(Status.REFUTED, f"t d/dh Cov_h(x, x) → {by_cumulant}, not {slope}", data)


def cancellation(problem: Problem) -> Evidence:
    """With φ = L the second and third terms of eq 19 cancel identically (A = H, Φ = T)."""
    _, second, third, _ = lemma_25_terms(problem)
    difference = sp.simplify(second - third)
    status = Status.HOLDS if difference == 0 else Status.REFUTED
    return Evidence(status, f"terms 2 and 3 of eq 19 differ by {difference} at φ = L", {"difference": str(difference)})


# ── claims ────────────────────────────────────────────────────────────────────────────────────────────────────────────


CLAIMS = (
    partition.CLAIM,
    claim(
        "Lem 18", ("Lem 18", "eq 12"),
        "φ(w*) = 0 ⇒ ⟨φ⟩ = (1/2t) [tr(AΣ) − (Σa)·(T:Σ)] + O(t⁻²)",
        (LEMMA_18,),
    ),
    claim(
        "Ex 19", ("Ex 19", "eq 13"),
        "L = (λ/2)x² + (α/6)x³ + (γ/24)x⁴, α² < 3λγ: t⟨x⟩ → −α/(2λ²), t⟨x²⟩ → 1/λ, t⟨L − L(w*)⟩ → d/2",
        EXAMPLE_19,
    ),
    claim(
        "Lem 20", ("Lem 20", "eq 14", "Ex 21", "eq 15"),
        "φ(w*) = ψ(w*) = 0 ⇒ Cov(φ, ψ) = (1/t) aᵀΣb + O(t⁻²); t Cov(x, x) → 1/λ",
        (LEMMA_20, one_d("t Cov(x, x)", 1 / lam, 1, (x, x))),
    ),
    claim(
        "eq 16", ("eq 16",),
        "In the eigenbasis of H: Cov(φ, ψ) = (1/t) Σ_i a_i b_i/λ_i + O(t⁻²); the flattest directions dominate",
        (EIGENBASIS,),
    ),
    claim(
        "Cor 23", ("Cor 23", "Def 22", "eq 17"),
        "χ(φ; ΔL) = (1/t) IF(φ, ΔL) + O(t⁻²) with IF(φ, ΔL) = −Dφᵀ H⁻¹ DΔL (no 1/t in IF itself)",
        (COROLLARY_23,),
        lambda: moving_minimum(generic(2, ((A1, A2), (B1, B2)))),
    ),
    claim(
        "Ex 24", ("Ex 24", "eq 18"),
        "χ_z(φ) = −(1/t) Σ_i (∂_iφ)(∂_iℓ_z)/λ_i + O(t⁻²), as DL(w*) = 0",
        (EXAMPLE_24,),
    ),
    claim(
        "Lem 25", ("Lem 25", "eq 19", "Fig 4"),
        "Dφ(w*) = 0 ⇒ t² Cov(φ, ψ) = ½ tr(AΣBΣ) + ½ (Σb)·(Φ:Σ) − ½ bᵀΣAΣ(T:Σ) − ½ (Σb)·(T:(ΣAΣ)) + O(1/t)",
        (LEMMA_25,),
        lambda: four_diagrams(generic(2, ((A2, PHI), (B1, B2)))),
    ),
    claim(
        "Ex 26", ("Ex 26", "eq 20"),
        "One dimension: t² Cov(x², x) → −2α/λ³, t² κ₃(x, x, x) → −α/λ³, and t d/dh Cov_h(x, x) → α/λ³ for L + hx",
        EXAMPLE_26,
        response_of_the_variance,
    ),
    claim(
        "Ex 27", ("Ex 27", "eq 21"),
        "φ = L − L(w*): t² Cov(L, ψ) → ½ tr(BΣ) − ½ (Σb)·(T:Σ); exactly, Cov(L, ψ) = −d⟨ψ⟩/dt",
        (EXAMPLE_27,),
        lambda: cancellation(generic(2, ((B1, B2),), loss_observable=True)),
        lambda: companion(generic(1, ((B1, B2),), loss_observable=True)),
    ),
    claim(
        "Ex 27, text", ("Ex 27, text",),
        "For quadratic L (T = 0) the responses t²χ_z(L) → −½ (tr(ΣD²ℓ_z) − d) average to 0 over q",
        (QUADRATIC_RESPONSE,),
        average_response,
        finding=QUADRATIC_FINDING.format(values=", ".join(str(leverage(p)) for p in RESPONSES)),
    ),
)  # fmt: skip

"""Section 4.1: the regular case. H positive definite, flat prior, one minimum.

Each formula below is written as the primer prints it, in its letters: Σ = H⁻¹, T = D³L; a, A, Φ are the derivatives of φ at
w*, b, B those of ψ; (T:M)_i = Σ_jk T_ijk M_jk. Nothing in a formula knows how it is derived.

Reading order: the formulas, the problems they are tried on, the claims.
"""

from collections.abc import Callable

import sympy as sp

from ledger.claim import Budget, Claim, Diagrams, Evidence, Status
from ledger.coefficient import CoefficientClaim, Problem
from ledger.compare import combine
from theory import diagrams, graphs, laplace
from theory.notation import matrix_notation
from theory.response import Posterior, W, linearize
from theory.tensors import contract, dot, generic_symmetric

x, y, z = sp.symbols("x y z", real=True)
lam, alpha, gamma = sp.symbols("lambda alpha gamma", positive=True)


# ── formulas ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def lemma_18(problem: Problem) -> sp.Expr:
    """eq 12: ½ [tr(AΣ) − (Σa)·(T:Σ)] for φ(w*) = 0."""
    data, (phi,) = problem.data, problem.taylor
    return ((phi.D2 * data.Sigma).trace() - dot(data.Sigma * phi.D1, data.T_Sigma)) / 2


def lemma_20(problem: Problem) -> sp.Expr:
    """eq 14: aᵀΣb for φ(w*) = ψ(w*) = 0."""
    phi, psi = problem.taylor
    return dot(phi.D1, problem.data.Sigma * psi.D1)


def lemma_25_terms(problem: Problem) -> tuple[sp.Expr, ...]:
    """eq 19 without its factors: tr(AΣBΣ), (Σb)·(Φ:Σ), bᵀΣAΣ(T:Σ), (Σb)·(T:(ΣAΣ))."""
    data, (phi, psi) = problem.data, problem.taylor
    S, A, b = data.Sigma, phi.D2, psi.D1
    return (
        (A * S * psi.D2 * S).trace(),
        dot(S * b, contract(phi.D3, S)),
        dot(b, S * A * S * data.T_Sigma),
        dot(S * b, contract(data.T, S * A * S)),
    )


LEMMA_25_FACTORS = (sp.Rational(1, 2), sp.Rational(1, 2), -sp.Rational(1, 2), -sp.Rational(1, 2))


def lemma_25(problem: Problem, factors: tuple[sp.Rational, ...] = LEMMA_25_FACTORS) -> sp.Expr:
    """eq 19: ½ tr(AΣBΣ) + ½ (Σb)·(Φ:Σ) − ½ bᵀΣAΣ(T:Σ) − ½ (Σb)·(T:(ΣAΣ)) for Dφ(w*) = 0."""
    return sum((f * term for f, term in zip(factors, lemma_25_terms(problem), strict=True)), sp.S.Zero)


def example_27(problem: Problem) -> sp.Expr:
    """eq 21: ½ tr(BΣ) − ½ (Σb)·(T:Σ) for φ = L."""
    data, (_, psi) = problem.data, problem.taylor
    return ((psi.D2 * data.Sigma).trace() - dot(data.Sigma * psi.D1, data.T_Sigma)) / 2


def in_one_dimension(formula: sp.Expr):
    """A formula in λ, α, γ of L = (λ/2)x² + (α/6)x³ + (γ/24)x⁴, read off at the problem's own coefficients."""

    def value(problem: Problem) -> sp.Expr:
        (v,) = problem.variables
        derivatives = {
            s: sp.diff(problem.loss, v, k).subs(problem.data.at) for s, k in ((lam, 2), (alpha, 3), (gamma, 4))
        }
        return sp.sympify(formula).subs(derivatives)

    return value


# ── problems ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def generic(d: int, observables: tuple[tuple[tuple[str, int], ...], ...], *, loss_observable: bool = False) -> Problem:
    """Every derivative tensor a symbol, in coordinates with H = I (the formulas are tensorial, so nothing is lost)."""
    v = (x, y, z)[:d]
    loss = sum((w**2 for w in v), sp.S.Zero) / 2 + generic_symmetric("T", v, 3) + generic_symmetric("Q", v, 4)
    phis = tuple(sum((generic_symmetric(name, v, r) for name, r in parts), sp.S.Zero) for parts in observables)
    return Problem(loss, ((loss,) if loss_observable else ()) + phis, v, (sp.S.Zero,) * d)


def curved(observables: tuple[sp.Expr, ...]) -> Problem:
    """The same with a Hessian that is not diagonal, H = [[2, 1], [1, 3]], in two variables."""
    loss = x**2 + x * y + sp.Rational(3, 2) * y**2 + generic_symmetric("T", (x, y), 3)
    return Problem(loss, observables, (x, y), (sp.S.Zero, sp.S.Zero))


QUARTIC_1D = x**2 / 2 + x**3 / 6 + x**4 / 24
QUARTIC_2D = x**2 / 2 + y**2 + x**3 / 8 + x * y**2 / 4 + x**4 / 24 + y**4 / 12
SYMBOLIC_1D = lam * x**2 / 2 + alpha * x**3 / 6 + gamma * x**4 / 24
A1, A2, PHI, B1, B2, B3 = ("a", 1), ("A", 2), ("Phi", 3), ("b", 1), ("B", 2), ("Psi", 3)


def one_dimensional(*observables: sp.Expr) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Example 19's loss, symbolic and with numbers."""
    return (Problem(SYMBOLIC_1D, observables, (x,)),), (Problem(QUARTIC_1D, observables, (x,)),)


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
    cases=(Problem(QUARTIC_1D, (x, sp.sin(x)), (x,)), Problem(QUARTIC_2D, (x + y + y**2, x + y), (x, y))),
)  # fmt: skip

LEMMA_25 = CoefficientClaim(
    "t² Cov(φ, ψ)", lemma_25, 2,
    generic=(generic(1, ((A2, PHI), (B1, B2, B3))), generic(2, ((A2, PHI), (B1, B2, B3))), generic(3, ((A2, PHI), (B1, B2))),
             curved((generic_symmetric("A", (x, y), 2), generic_symmetric("b", (x, y), 1)))),
    cases=(Problem(QUARTIC_2D, (x**2 + x * y + x**3 / 8, x + y / 2 - x**2 / 4), (x, y)),),
)  # fmt: skip

EXAMPLE_27 = CoefficientClaim(
    "t² Cov(L, ψ)", example_27, 2,
    generic=(generic(1, ((B1, B2),), loss_observable=True), generic(2, ((B1, B2),), loss_observable=True),
             generic(3, ((B1, B2),), loss_observable=True)),
    cases=(Problem(QUARTIC_2D, (QUARTIC_2D, y**2 - x / 2 - x**2 / 8), (x, y)),),
)  # fmt: skip


def _one_d(
    name: str, formula: sp.Expr, order: int, observables: tuple[sp.Expr, ...], symbolic=None
) -> CoefficientClaim:
    symbolic_problems, cases = one_dimensional(*observables)
    if symbolic is not None:
        symbolic_problems = (Problem(SYMBOLIC_1D, symbolic, (x,)),)
    return CoefficientClaim(name, in_one_dimension(formula), order, symbolic_problems, cases)


EXAMPLE_19 = (
    _one_d("t⟨x⟩", -alpha / (2 * lam**2), 1, (x,)),
    _one_d("t⟨x²⟩", 1 / lam, 1, (x**2,)),
    _one_d("t⟨L−L(w*)⟩", sp.Rational(1, 2), 1, (QUARTIC_1D,), symbolic=(SYMBOLIC_1D,)),
)
EXAMPLE_26 = (
    _one_d("t²Cov(x², x)", -2 * alpha / lam**3, 2, (x**2, x)),
    _one_d("t²κ₃(x, x, x)", -alpha / lam**3, 2, (x, x, x)),
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


def companion(problem: Problem, top: int = 5) -> Evidence:
    """Cov(L, ψ) = −d⟨ψ⟩/dt, order by order: the coefficient of t^{−k−1} is k times that of ⟨ψ⟩ at t^{−k}."""
    psi = problem.observables[1]
    means = laplace.expectation(problem.loss, psi, problem.variables, order=top - 1, at=problem.at)
    covariances = laplace.cumulant(problem.loss, (problem.loss, psi), problem.variables, order=top, at=problem.at)
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


def _claim(
    claim_id: str,
    labels: tuple[str, ...],
    statement: str,
    tests: tuple[CoefficientClaim, ...],
    *more: Callable[[], Evidence],
    finding: str | None = None,
) -> Claim:
    """A claim from coefficient tests; `more` are further derivations, functions without arguments."""

    def derived(budget: Budget) -> Evidence:
        return combine([*(test.derived(budget) for test in tests), *(derivation() for derivation in more)])

    def enclosed(budget: Budget) -> Evidence:
        return combine([test.enclosed(budget) for test in tests])

    def sampled(budget: Budget) -> Evidence:
        return combine([test.sampled(budget) for test in tests])

    return Claim(claim_id, labels, "4.1", statement, derived, enclosed, sampled, finding)


CLAIMS = (
    _claim(
        "Lem 18", ("Lem 18", "eq 12"),
        "φ(w*) = 0 ⇒ ⟨φ⟩ = (1/2t) [tr(AΣ) − (Σa)·(T:Σ)] + O(t⁻²)",
        (LEMMA_18,),
    ),
    _claim(
        "Ex 19", ("Ex 19", "eq 13"),
        "L = (λ/2)x² + (α/6)x³ + (γ/24)x⁴, α² < 3λγ: t⟨x⟩ → −α/(2λ²), t⟨x²⟩ → 1/λ, t⟨L − L(w*)⟩ → d/2",
        EXAMPLE_19,
    ),
    _claim(
        "Lem 20", ("Lem 20", "eq 14", "Ex 21", "eq 15"),
        "φ(w*) = ψ(w*) = 0 ⇒ Cov(φ, ψ) = (1/t) aᵀΣb + O(t⁻²); t Cov(x, x) → 1/λ",
        (LEMMA_20, _one_d("t Cov(x, x)", 1 / lam, 1, (x, x))),
    ),
    _claim(
        "Lem 25", ("Lem 25", "eq 19", "Fig 4"),
        "Dφ(w*) = 0 ⇒ t² Cov(φ, ψ) = ½ tr(AΣBΣ) + ½ (Σb)·(Φ:Σ) − ½ bᵀΣAΣ(T:Σ) − ½ (Σb)·(T:(ΣAΣ)) + O(1/t)",
        (LEMMA_25,),
        lambda: four_diagrams(generic(2, ((A2, PHI), (B1, B2)))),
    ),
    _claim(
        "Ex 26", ("Ex 26", "eq 20"),
        "One dimension: t² Cov(x², x) → −2α/λ³, t² κ₃(x, x, x) → −α/λ³, and t d/dh Cov_h(x, x) → α/λ³ for L + hx",
        EXAMPLE_26,
        response_of_the_variance,
    ),
    _claim(
        "Ex 27", ("Ex 27", "eq 21"),
        "φ = L − L(w*): t² Cov(L, ψ) → ½ tr(BΣ) − ½ (Σb)·(T:Σ); exactly, Cov(L, ψ) = −d⟨ψ⟩/dt",
        (EXAMPLE_27,),
        lambda: cancellation(generic(2, ((B1, B2),), loss_observable=True)),
        lambda: companion(generic(1, ((B1, B2),), loss_observable=True)),
    ),
    _claim(
        "Ex 27, text", ("Ex 27, text",),
        "For quadratic L (T = 0) the responses t²χ_z(L) → −½ (tr(ΣD²ℓ_z) − d) average to 0 over q",
        (QUADRATIC_RESPONSE,),
        average_response,
        finding=QUADRATIC_FINDING.format(values=", ".join(str(leverage(p)) for p in RESPONSES)),
    ),
)  # fmt: skip

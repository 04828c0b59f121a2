"""Section 3.5: the observables. Per-sample losses and the influence matrix, the population loss, component losses.

Every identity is exact but for two expansions that say so: the learning coefficient of a regular minimum, and the
influence function under a localisation. Component losses are in `section3_components`.
"""

from collections.abc import Callable

import sympy as sp
from flint import arb

from ledger.claim import Budget, Claim, Evidence
from ledger.claims import section3_components as components
from ledger.coefficient import CoefficientClaim, Problem
from ledger.compare import combine
from ledger.densities import (
    LOSS,
    LOSS_AGAIN,
    PHI,
    PRIOR,
    beta,
    ell,
    h,
    n,
    normalised,
    over,
    q,
    under,
    x,
    z,
)  # fmt: skip
from ledger.evidence import encloses, estimates, vanishes
from ledger.population import CURVED, DIGITS, TRAINED, entry, u, v
from numerics.perturbation import Perturbed
from numerics.precision import digits, rational
from theory.response import Posterior, W, differentiate, influence_function, linearize, response
from theory.tensors import generic_symmetric

t = sp.Symbol("t", positive=True)


# ── Def 13: the influence matrix ──────────────────────────────────────────────────────────────────────────────────────


def derive_def_13(_: Budget) -> Evidence:
    """The two readings with undefined q and ℓ: averages over columns and rows, symmetry, their difference, a moving baseline."""
    base = under()
    centred = -base.covariance(ell(x) - LOSS_AGAIN, ell(z) - LOSS)
    swapped = -base.covariance(ell(z) - LOSS_AGAIN, ell(x) - LOSS)
    free_query = -base.covariance(ell(x), ell(z) - LOSS)
    of_loss = -base.covariance(LOSS_AGAIN, ell(z) - LOSS)
    c = sp.Symbol("c", real=True)
    towards = Posterior(n * beta * ((1 - h) * LOSS + h * ell(z)), PRIOR)
    # In ⟨ℓ_x − L_h⟩_h the baseline moves with the distribution as well.
    baseline = response(towards, ell(x) - (1 - h) * LOSS_AGAIN - h * ell(z), h) / (n * beta)
    moved = centred - base.expectation(ell(z) - LOSS) / (n * beta)
    differences = {
        "centred: average over data z": over(q(z) * centred),
        "centred: average over queries x": over(q(x) * centred, x),
        "centred: symmetric": centred - swapped,
        "query not centred: average over data z": over(q(z) * free_query),
        "query not centred: average over queries is χ_z(L)": over(q(x) * free_query, x) - of_loss,
        "the difference is χ_z(L)": free_query - centred - of_loss,
        "ℓ_x − ℓ_x(w*) is not centred": free_query + base.covariance(ell(x) - c, ell(z) - LOSS),
        "a baseline that moves": baseline - moved,
    }
    differences = {name: normalised(difference) for name, difference in differences.items()}
    return vanishes(
        "two readings of I_xz", differences, "their averages, symmetry and difference χ_z(L), undefined q and ℓ"
    )


def enclose_def_13(_: Budget) -> Evidence:
    """dℓ_x/dh by definition against both readings; the average over queries; certified on points in and out of the data."""
    posterior = CURVED.posterior()
    with digits(DIGITS):
        parts = []
        for query, point in ((1, 2), (4, 0)):
            free = CURVED.response(CURVED.losses[query], CURVED.towards(point))
            centred = CURVED.response(CURVED.centred(query), CURVED.towards(point))
            both = -posterior.covariance(CURVED.centred(query), CURVED.centred(point))
            parts.append(encloses(f"I_{query}{point}, both centred", centred, both))
            parts.append(
                encloses(
                    f"the readings differ by χ_{point}(L)", free - centred, CURVED.susceptibility(CURVED.loss, point)
                )
            )
        columns = sum(
            (rational(CURVED.q[k]) * posterior.covariance(CURVED.centred(k), CURVED.centred(4)) for k in TRAINED),
            arb(0),
        )
        parts.append(encloses("average over queries, centred", columns, sp.S.Zero))
    return combine(parts)  # fmt: skip


def sample_def_13(budget: Budget) -> Evidence:
    """`influence_matrix` of one run, entry by entry, against the responses of the centred losses, certified by definition."""
    from sampler.susceptibility import influence_matrix

    found = influence_matrix(CURVED.run(budget))
    with digits(DIGITS):
        return combine(
            [
                estimates(
                    f"I_{query}{point}",
                    entry(found, query, point),
                    float(CURVED.response(CURVED.centred(query), CURVED.towards(point)).mid()),
                )
                for query, point in ((0, 0), (0, 1), (1, 2), (1, 4))
            ]
        )


def gaussian_influence(
    slopes: tuple[int, ...], curvatures: tuple[sp.Rational, ...], at: int
) -> tuple[sp.Matrix, sp.Matrix]:
    """(I, I with the query not centred) for ℓ_k = a_k w²/2 − b_k w, q uniform, mean a 1 and mean b 0: the posterior is N(0, 1/t).

    Cov(ℓ_x, ℓ_z) = a_x a_z/(2t²) + b_x b_z/t, and ℓ_z − L has a_z − 1 in place of a_z.
    """
    a, b = sp.Matrix(curvatures), sp.Matrix(slopes)
    change = a - sp.ones(len(a), 1)
    slope_part = b * b.T / at
    return -(change * change.T / (2 * at**2) + slope_part), -(a * change.T / (2 * at**2) + slope_part)


def _matrix(matrix: sp.Matrix) -> str:
    return "[" + "; ".join(", ".join(map(str, matrix.row(i))) for i in range(matrix.rows)) + "]"


_COUNTEREXAMPLE = gaussian_influence((1, -1), (sp.Rational(3, 2), sp.Rational(1, 2)), 1)
DEF_13_FINDING = (
    "Def 13 writes the query's loss centred, Δℓ_x = ℓ_x − L; the sentence before it takes φ = ℓ_x, not centred; the "
    "sentence after it "
    "calls the population version the loss kernel K (Def 31). These are three matrices. With both losses centred I = −PKPᵀ, "
    "P = 1 − 1qᵀ: symmetric, rows and columns average to 0 over q. With the query not centred (and equally with ℓ_x − "
    "ℓ_x(w*)) it is "
    "−KPᵀ = I + 1 χ(L)ᵀ: only its averages over data vanish, those over queries are χ_z(L), and it is symmetric only "
    "if every χ_z(L) "
    "is 0. −K itself has neither average. The definition's letter gives the first. Counterexample: ℓ_1 = ¾w² − w, ℓ_2 = ¼w² + w, "
    f"q = (½, ½), nβ = 1: I = {_matrix(_COUNTEREXAMPLE[0])} with both centred, {_matrix(_COUNTEREXAMPLE[1])} with the "
    f"query not centred."
)


# ── §3.5: the population loss and the learning coefficient ────────────────────────────────────────────────────────────


def _coordinates(d: int) -> tuple[sp.Symbol, ...]:
    return sp.symbols("x y z", real=True)[:d]


def _generic_loss(d: int) -> sp.Expr:
    """H = I and every third and fourth derivative a symbol."""
    w = _coordinates(d)
    quadratic = sum((c**2 for c in w), sp.S.Zero) / 2
    return quadratic + generic_symmetric("T", w, 3) + generic_symmetric("Q", w, 4)


_GENERIC = {d: Problem(_generic_loss(d), (_generic_loss(d),), _coordinates(d), (sp.S.Zero,) * d) for d in (1, 2, 3)}
LEARNING_COEFFICIENT = CoefficientClaim(
    "t⟨L − L(w*)⟩", lambda problem: sp.Rational(len(problem.variables), 2), 1,
    generic=tuple(_GENERIC.values()),
    cases=(Problem(CURVED.excess, (CURVED.excess,), (u, v), (sp.S.Zero, sp.S.Zero)),),
)  # fmt: skip


def free_energy(_: Budget) -> Evidence:
    """t⟨K⟩ = −∂ log Z/∂ log t and its response dλ/dh = t d⟨K⟩/dh, for undefined K and prior."""
    K, p = (sp.Function(name)(W) for name in ("K", "p"))
    posterior = Posterior(t * K, p)
    log_z = sp.log(posterior.integral(sp.S.One))
    slope = t * differentiate(log_z, t, t) + linearize(t * posterior.expectation(K))
    companion = differentiate(posterior.expectation(PHI), t, t) + linearize(posterior.covariance(K, PHI))
    differences = {"t⟨K⟩ = −∂ log Z/∂ log t": sp.expand(slope), "d⟨φ⟩/dt = −Cov(K, φ)": sp.expand(companion)}
    return vanishes("LLC as a derivative", differences, "for undefined K, φ and prior")


def derive_llc(budget: Budget) -> Evidence:
    return combine([free_energy(budget), LEARNING_COEFFICIENT.derived(budget)])


def enclose_llc(budget: Budget) -> Evidence:
    """−∂ log Z/∂ log t from certified partition functions at nβ = 4, where it is far from d/2; and the limit d/2."""
    at = CURVED.t
    with digits(DIGITS):
        slope = Perturbed(CURVED.posterior(), CURVED.excess).log_partition()[1]
        mean = at * CURVED.posterior().expectation(CURVED.excess)
        exact = encloses("nβ⟨L − L(w*)⟩ at nβ = 4", -slope, mean)
    return combine([exact, LEARNING_COEFFICIENT.enclosed(budget)])


def sample_llc(budget: Budget) -> Evidence:
    """The estimator at nβ = 4 against the slope of the certified free energy; SGLD near the limit."""
    from sampler.llc import llc

    with digits(DIGITS):
        slope = Perturbed(CURVED.posterior(), CURVED.excess).log_partition()[1]
    here = estimates("nβ⟨L − L(w*)⟩ at nβ = 4", llc(CURVED.run(budget)), float(-slope.mid()))
    return combine([here, LEARNING_COEFFICIENT.sampled(budget)])


# ── Cor 23 under a localisation ───────────────────────────────────────────────────────────────────────────────────────

G = sp.Symbol("g", positive=True)


def localised(loss: sp.Expr, damping: sp.Expr, variables: tuple[sp.Symbol, ...]) -> sp.Expr:
    """L + (g/2)|w − w*|², w* = 0: e^{−tL − (γ/2)|w−w*|²} with γ = g t is e^{−t·this}."""
    return sp.expand(loss + damping / 2 * sum(w**2 for w in variables))


def damped(loss: sp.Expr, damping: sp.Expr, formula: Callable = influence_function) -> Callable[[Problem], sp.Expr]:
    """t χ → IF_g = −aᵀ(H + gI)⁻¹b, where H belongs to the loss without its localisation."""

    def value(problem: Problem) -> sp.Expr:
        phi, minus_delta = problem.observables
        return formula(loss, phi, -minus_delta, problem.variables, problem.minimum, damping=damping)

    return value


_TILT = (generic_symmetric("a", _coordinates(2), 1), -generic_symmetric("b", _coordinates(2), 1))
_X, _Y = _coordinates(2)
_CURVED_2D = _X**2 + _X * _Y + sp.Rational(3, 2) * _Y**2 + generic_symmetric("T", (_X, _Y), 3)
_CASE = (CURVED.excess, sp.Rational(1, 2), (u + v / 2 - u * v, -(v - u / 3 + u**2)))


def localised_response(
    loss: sp.Expr, damping: sp.Expr, observables: tuple, variables: tuple, formula=influence_function
):
    """t χ(φ; ΔL) = −t Cov(φ, ΔL) of the localised posterior, as a claim about the coefficient of 1/t."""
    minimum = tuple(sp.S.Zero for _ in variables)
    problem = Problem(localised(loss, damping, variables), observables, variables, minimum)
    return CoefficientClaim("t χ, localised", damped(loss, damping, formula), 1, (problem,), (problem,))


def derive_damped(_: Budget, formula: Callable = influence_function) -> Evidence:
    """γ = g t is exactly a loss with Hessian H + gI; its leading response is IF_g; a fixed γ damps one order later."""
    loss = sp.Function("L")(W)
    gamma = sp.Symbol("gamma", positive=True)
    exponent = t * (loss + G / 2 * W**2) - (t * loss + gamma / 2 * W**2).subs(gamma, G * t)
    H2 = sp.Matrix(2, 2, sp.symbols("h11 h12 h12 h22", real=True))
    e = sp.Symbol("e", positive=True)
    inverse = (H2 + e * sp.eye(2)).inv()
    later = (inverse.diff(e).subs(e, 0) + H2.inv() ** 2).applyfunc(sp.simplify)
    exact = vanishes(
        "γ = g t", {"exponents": sp.expand(exponent), "(H + γ/t)⁻¹ − Σ + (γ/t)Σ²": later}, "a loss with Hessian H + gI"
    )
    return combine([exact, localised_response(_CURVED_2D, G, _TILT, (_X, _Y), formula).derived(Budget.QUICK)])


def localised_claim(formula: Callable = influence_function) -> CoefficientClaim:
    loss, damping, observables = _CASE
    return localised_response(loss, damping, observables, (u, v), formula)


# ── claims ────────────────────────────────────────────────────────────────────────────────────────────────────────────

CLAIMS = (
    Claim(
        "Def 13", ("Def 13",), "3.5",
        "I_xz = χ_z(Δℓ_x) = −Cov(ℓ_x − L, ℓ_z − L): symmetric, rows and columns average to 0 over q; with the query "
        "not centred it is "
        "I + 1χ(L)ᵀ",
        derive_def_13, enclose_def_13, sample_def_13, DEF_13_FINDING,
    ),
    Claim(
        "§3.5", ("§3.5",), "3.5",
        "nβ⟨L − L(w*)⟩ = −∂ log Z/∂ log nβ (Z = ∫e^{−nβ(L−L(w*))}φ) at every nβ; it tends to d/2 at a regular minimum",
        derive_llc, enclose_llc, sample_llc,
    ),
    *components.CLAIMS,
    Claim(
        "Cor 23, localised", ("Cor 23, localised",), "3.5",
        "Beyond: under e^{−tL − (γ/2)|w−w*|²} with γ = g t, t χ → −Dφᵀ(H + gI)⁻¹DΔL; for a fixed γ the damping is of order t⁻²",
        derive_damped, lambda budget: localised_claim().enclosed(budget), lambda budget: localised_claim().sampled(budget),
    ),
)  # fmt: skip

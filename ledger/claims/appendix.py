"""Appendix A: Gaussian moments and diagrams, and what follows from them at every order.

Lemma 33 with its three Gaussian expectations, then beyond the primer: the coefficient of every order as a sum over connected
graphs, higher cumulants, and priors that are not flat.

Reading order: the coefficient claims, `all_orders`, the claims.
"""

from collections import Counter
from dataclasses import replace

import sympy as sp
from flint import arb

from ledger.claim import Budget, Claim, Evidence
from ledger.claims.section4 import companion
from ledger.coefficient import CoefficientClaim, Problem, Sampling
from ledger.compare import combine
from ledger.evidence import encloses, vanishes
from ledger.formulas import (
    fourth_cumulant,
    isserlis_classes,
    lemma_18_with_prior,
    lemma_25_with_prior,
    lemma_33,
    third_cumulant,
    wick_classes,
)
from ledger.regular import A1, A2, B1, B2, B3, PHI, QUARTIC_1D, ROTATED_2D, claim, curved, generic, x, y
from numerics import extrapolate
from numerics.posterior import Posterior
from numerics.precision import digits
from theory import diagrams, wick
from theory.graphs import connected
from theory.tensors import generic_symmetric

C1, C2 = ("c", 1), ("C", 2)


# ── Lemma 33 ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _product(problem: Problem, signs: tuple[int, int, int] = (1, 1, -1)) -> tuple[CoefficientClaim, Problem]:
    """t²⟨φψ⟩ for the problem's two observables."""
    phi, psi = problem.observables
    product = Problem(problem.loss, (sp.expand(phi * psi),), problem.variables, problem.at)
    return CoefficientClaim("t²⟨φψ⟩", lemma_33(phi, psi, signs), 2, (product,), (product,)), product


PAIR = Problem(ROTATED_2D, (x**2 - x * y / 3 + y**3 / 4, x + 2 * y / 3 - x**2 / 4), (x, y))
GENERIC_PAIRS = (generic(1, ((A2, PHI), (B1, B2, B3))), generic(2, ((A2, PHI), (B1, B2))))


def classes(problem: Problem) -> Evidence:
    """The three Gaussian expectations grouped by the primer (Isserlis) against the sums over all pairings."""
    grouped, plain = (f(problem, *problem.observables) for f in (isserlis_classes, wick_classes))
    names = ("E[φ₂ψ₂]", "E[φ₃ψ₁]", "E[φ₂ψ₁L₃]")
    differences = {name: g - p for name, g, p in zip(names, grouped, plain, strict=True)}
    return vanishes(f"Isserlis (d = {len(problem.variables)})", differences, "three expectations")


def fifteen_pairings(expected: tuple[int, ...] = (3, 6, 6)) -> Evidence:
    """The pairings of φ₂ψ₁L₃ fall into classes of 3 (φ₂ on itself), 6 (ψ₁ on φ₂) and 6 (ψ₁ on L₃ and φ₂ on L₃)."""
    vertex = (0, 0, 1, 2, 2, 2)  # the half-edges of φ₂, ψ₁, L₃

    def graph(pairing: wick.Pairing) -> tuple:
        return tuple(sorted(tuple(sorted((vertex[p], vertex[q]))) for p, q in pairing))

    counts = Counter(graph(pairing) for pairing in wick.pairings(range(6)))
    found = tuple(sorted(counts.values()))
    return vanishes("15 pairings", {"classes": sp.Integer(found != expected)}, " + ".join(map(str, found)))


def enclose_classes(problem: Problem) -> Evidence:
    """E over N(0, Σ) as certified integrals of e^{−½ xᵀHx}."""
    v, at = problem.variables, problem.data.at
    parts = [_taylor_parts(f, v, at) for f in (*problem.observables, problem.loss)]
    (phi, psi, loss) = parts
    integrands = (phi[2] * psi[2], phi[3] * psi[1], phi[2] * psi[1] * loss[3])
    with digits(40):
        gaussian = Posterior(loss[2], v, 1, digits=40)
        return combine(
            [
                encloses(name, gaussian.expectation(f), expected)
                for name, f, expected in zip(
                    ("E[φ₂ψ₂]", "E[φ₃ψ₁]", "E[φ₂ψ₁L₃]"),
                    integrands,
                    isserlis_classes(problem, *problem.observables),
                    strict=True,
                )
            ]
        )


def _taylor_parts(f: sp.Expr, variables: tuple[sp.Symbol, ...], at: dict) -> dict[int, sp.Expr]:
    """The homogeneous Taylor parts of degree ≤ 3 about w*."""
    h = sp.Symbol("h")
    line = f.subs({v: at[v] + h * v for v in variables}, simultaneous=True)
    return {k: sp.expand(sp.diff(line, h, k).subs(h, 0) / sp.factorial(k)) for k in range(4)}


def _lemma_33() -> Claim:
    numbers, _ = _product(PAIR)
    symbols = [_product(problem)[0] for problem in GENERIC_PAIRS]

    def derived(budget: Budget) -> Evidence:
        return combine([*(c.derived(budget) for c in symbols), *map(classes, GENERIC_PAIRS), fifteen_pairings()])

    return Claim(
        "Lem 33",
        ("Lem 33", "eq 36"),
        "A",
        "Dφ(w*) = 0, φ(w*) = ψ(w*) = 0 ⇒ ⟨φψ⟩ = t⁻² {E[φ₂ψ₂] + E[φ₃ψ₁] − E[φ₂ψ₁L₃]} + O(t⁻³), E over N(0, Σ), by Isserlis",
        derived,
        lambda budget: combine([numbers.enclosed(budget), enclose_classes(PAIR)]),
        numbers.sampled,
    )


# ── beyond the primer ─────────────────────────────────────────────────────────────────────────────────────────────────

KAPPA_3 = CoefficientClaim(
    "t² κ₃(φ, ψ, χ)", third_cumulant, 2,
    generic=(generic(1, ((A1, A2), (B1, B2), (C1, C2))), generic(2, ((A1, A2), (B1, B2), (C1,)))),
    cases=(Problem(ROTATED_2D, (x + x * y / 2, x + y**2 / 2, x - x**2 / 3), (x, y)),),
)  # fmt: skip
# A quartic term strong enough for κ₄ to stand out of its noise.
STIFF_2D = x**2 + x * y + sp.Rational(3, 2) * y**2 + x**2 * y / 3 + x**4 / 2 + y**4 / 4
KAPPA_4 = CoefficientClaim(
    "t³ κ₄", fourth_cumulant, 3,
    generic=(generic(1, ((A1,), (A1,), (B1,), (B1,))), generic(2, ((A1,), (B1,), (A1,), (C1,)))),
    cases=(Problem(STIFF_2D, (x, x, x, x - y / 2), (x, y)),),
    sampling=Sampling(t=60),
)  # fmt: skip

PRIOR = sp.exp(x / 2 - y / 3 - x**2 / 4) * (1 + y**2 / 3)
_SYMBOLIC_PRIOR = sp.exp(generic_symmetric("p", (x, y), 1) + generic_symmetric("P", (x, y), 2))


def _with_prior(problem: Problem, prior: sp.Expr = _SYMBOLIC_PRIOR) -> Problem:
    return Problem(problem.loss, problem.observables, problem.variables, problem.at or (sp.S.Zero,) * 2, prior)


MEAN_WITH_PRIOR = CoefficientClaim(
    "t⟨φ⟩ with a prior", lemma_18_with_prior, 1,
    generic=(_with_prior(generic(2, ((A1, A2),))), _with_prior(curved((generic_symmetric("a", (x, y), 1),)))),
    cases=(_with_prior(Problem(ROTATED_2D, (x - y / 2 + x**2,), (x, y)), PRIOR),),
)  # fmt: skip
COVARIANCE_WITH_PRIOR = CoefficientClaim(
    "t² Cov(φ, ψ) with a prior", lemma_25_with_prior, 2,
    generic=(_with_prior(generic(2, ((A2,), (B1, B2)))),),
    cases=(_with_prior(Problem(ROTATED_2D, (x**2 + x * y / 2, x + y / 3 - y**2 / 4), (x, y)), PRIOR),),
)  # fmt: skip

# Everything at once: three observables, a prior, no vanishing derivative, orders 2 and 3 of a third cumulant.
FULL = Problem(QUARTIC_1D, (x + x**2 / 3, x - x**2 / 4, sp.sin(x)), (x,), (sp.S.Zero,), sp.exp(x / 3) / (1 + x**2 / 4))
ORDERS = (1, 2, 3, 4)


def derive_all_orders() -> Evidence:
    """Graphs against moments, and the number of graphs, for symbolic tensors and for the problem with numbers."""
    symbolic = _with_prior(generic(2, ((A1, A2), (B1,))))
    differences: dict[str, sp.Expr] = {}
    for name, problem, orders in (("symbols", symbolic, (1, 2)), ("numbers", FULL, ORDERS)):
        moments = problem.coefficients(max(orders))
        for k in orders:
            differences[f"{name}, t^−{k}"] = by_graphs(problem, k) - moments[k]
    known = {(1, 1): 2, (1, 2): 14, (1, 3): 128, (2, 1): 1, (2, 2): 10, (2, 3): 126, (3, 2): 4, (3, 3): 88}
    for (m, k), count in known.items():
        differences[f"graphs of {m} at t^−{k}"] = sp.Integer(len(connected(m, k)) - count)
    return vanishes(
        "κ", differences, f"graphs equal moments to order {ORDERS[-1]}, prior included; {sum(known.values())} graphs"
    )


def by_graphs(problem: Problem, order: int) -> sp.Expr:
    return diagrams.cumulant(
        problem.loss, problem.observables, problem.variables, order=order, at=problem.at, prior=problem.prior
    )


def enclose_all_orders() -> Evidence:
    """All coefficients to order 4 from one ladder of certified integrals."""

    def value(t: int) -> arb:
        return Posterior(FULL.loss, FULL.variables, t, prior=FULL.prior, digits=60).cumulant(FULL.observables)

    with digits(60):
        found = extrapolate.coefficients(value, order=ORDERS[-1], target_digits=18)
        return combine([encloses(f"t^−{k}", found[k].ball, by_graphs(FULL, k)) for k in ORDERS])


ALL_ORDERS = CoefficientClaim(
    "t² κ₃ with a prior", lambda problem: by_graphs(problem, 2), 2, generic=(FULL,), cases=(FULL,)
)


def _all_orders() -> Claim:
    return Claim(
        "App A, all orders",
        ("App A, all orders",),
        "A",
        "The coefficient of t^−k in κ(φ_1, …, φ_m) is the sum over connected multigraphs with m marked vertices, V loss vertices "
        "of valence ≥ 3, prior vertices of valence ≥ 1 and E − V = k, each weighted by (−1)^V/|Aut|",
        lambda _: derive_all_orders(),
        lambda _: enclose_all_orders(),
        ALL_ORDERS.sampled,
    )


CLAIMS = (
    _lemma_33(),
    _all_orders(),
    claim(
        "App A, κ₃", ("App A, κ₃",),
        "t² κ₃(φ, ψ, χ) → aᵀΣCΣb + aᵀΣBΣc + bᵀΣAΣc − T(Σa, Σb, Σc)",
        (KAPPA_3,), section="A",
    ),
    claim(
        "App A, κ₄", ("App A, κ₄",),
        "t³ κ₄ of linear observables → Σ over 3 pairings of (T·Σa·Σb)ᵀΣ(T·Σc·Σd) − Q(Σa, Σb, Σc, Σd)",
        (KAPPA_4,), section="A",
    ),
    claim(
        "App A, prior", ("App A, prior",),
        "With p = D log prior: t⟨φ⟩ gains aᵀΣp (eq 12), t²Cov(φ, ψ) gains bᵀΣAΣp (eq 19, Dφ = 0)",
        (MEAN_WITH_PRIOR, COVARIANCE_WITH_PRIOR),
        # The exact companion knows nothing of the prior: it holds at every order with one.
        lambda: companion(replace(FULL, observables=(FULL.loss, FULL.observables[0])), top=8),
        section="A",
    ),
)  # fmt: skip

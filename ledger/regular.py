"""The regular case: problems with symbols and with numbers, and claims made of coefficients.

generic(d, parts)      every derivative tensor a symbol, H = I
curved(observables)    a Hessian that is not diagonal, T symbols
QUARTIC_1D, QUARTIC_2D, ROTATED_2D, QUARTIC_3D     numbers, for the layers that integrate and sample
one_d(…)               Example 19's loss, symbolic and with numbers
claim(…)               a claim whose layers are those of several `CoefficientClaim`s
"""

from collections.abc import Callable

import sympy as sp

from ledger.claim import Budget, Claim, Evidence
from ledger.coefficient import CoefficientClaim, Problem
from ledger.compare import combine
from theory.tensors import generic_symmetric

x, y, z = sp.symbols("x y z", real=True)
lam, alpha, gamma = sp.symbols("lambda alpha gamma", positive=True)


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
# H = [[2, 1], [1, 3]]: no axis is an eigenvector.
ROTATED_2D = x**2 + x * y + sp.Rational(3, 2) * y**2 + x**3 / 6 - x**2 * y / 8 + (x**2 + y**2) ** 2 / 8
QUARTIC_2D = x**2 / 2 + y**2 + x**3 / 8 + x * y**2 / 4 + x**4 / 24 + y**4 / 12
SYMBOLIC_1D = lam * x**2 / 2 + alpha * x**3 / 6 + gamma * x**4 / 24
A1, A2, PHI, B1, B2, B3 = ("a", 1), ("A", 2), ("Phi", 3), ("b", 1), ("B", 2), ("Psi", 3)


def in_one_dimension(formula: sp.Expr):
    """A formula in λ, α, γ of L = (λ/2)x² + (α/6)x³ + (γ/24)x⁴, read off at the problem's own coefficients."""

    def value(problem: Problem) -> sp.Expr:
        (v,) = problem.variables
        derivatives = {
            s: sp.diff(problem.loss, v, k).subs(problem.data.at) for s, k in ((lam, 2), (alpha, 3), (gamma, 4))
        }
        return sp.sympify(formula).subs(derivatives)

    return value


def one_dimensional(*observables: sp.Expr) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """Example 19's loss, symbolic and with numbers."""
    return (Problem(SYMBOLIC_1D, observables, (x,)),), (Problem(QUARTIC_1D, observables, (x,)),)


def one_d(name: str, formula: sp.Expr, order: int, observables: tuple[sp.Expr, ...], symbolic=None) -> CoefficientClaim:
    symbolic_problems, cases = one_dimensional(*observables)
    if symbolic is not None:
        symbolic_problems = (Problem(SYMBOLIC_1D, symbolic, (x,)),)
    return CoefficientClaim(name, in_one_dimension(formula), order, symbolic_problems, cases)


def claim(
    claim_id: str,
    labels: tuple[str, ...],
    statement: str,
    tests: tuple[CoefficientClaim, ...],
    *more: Callable[[], Evidence],
    section: str = "4.1",
    finding: str | None = None,
) -> Claim:
    """A claim from coefficient tests; `more` are further derivations, functions without arguments."""

    def derived(budget: Budget) -> Evidence:
        return combine([*(test.derived(budget) for test in tests), *(derivation() for derivation in more)])

    def enclosed(budget: Budget) -> Evidence:
        return combine([test.enclosed(budget) for test in tests])

    def sampled(budget: Budget) -> Evidence:
        return combine([test.sampled(budget) for test in tests])

    return Claim(claim_id, labels, section, statement, derived, enclosed, sampled, finding)

"""A user's own claim through the three layers.

Given a loss, observables and perhaps a perturbation ΔL, the claim is what the expansion engine derives for them:

    with a perturbation      χ(φ; ΔL) = −Cov(φ, ΔL) = Σ_k c_k t^{−k} for each observable φ
    without                  κ(φ_1, …, φ_m) = Σ_k c_k t^{−k} (m = 1: the expectation)

    derived    the coefficients by two roads: Gaussian moments of the expanded integrand, and the sum over diagrams
    enclosed   the leading coefficient from certified integrals; with a perturbation also the response by definition
    sampled    SGLD at a finite step against the law of the discrete chain, at a t where the series is good; with a prior that is
               not flat, Metropolis-adjusted chains against the certified value at that t

Reading order: `check`, `_test`, `_derive`, `_plan`.
"""

import math
from collections.abc import Sequence
from typing import Any

import sympy as sp

from ledger import identity
from ledger.claim import Budget, Claim, Evidence, Status
from ledger.coefficient import HIGHER_ORDERS, CoefficientClaim, Problem, Sampling
from ledger.compare import combine
from ledger.identity import H, Response
from theory import diagrams
from theory.errors import BadInput
from theory.jets import exact
from theory.minimum import locate, lower_elsewhere

ORDER = 2  # derived by both roads
LAST = 4  # orders searched for the first coefficient that is not zero


def check(
    loss: sp.Expr,
    observables: Sequence[sp.Expr],
    perturbation: sp.Expr | None,
    variables: Sequence[sp.Symbol],
    at: Any = None,
    prior: sp.Expr | int = 1,
) -> Claim:
    """The claim for the user's problem; run it like any other. Raises `BadInput` before any long work.

    Up to three observables without a perturbation (joint cumulant), any number with one. Coefficients must be numbers.
    """
    variables, loss, prior = tuple(variables), exact(loss), exact(prior)
    observables = tuple(exact(phi) for phi in observables)
    if not observables:
        raise BadInput("check needs at least one observable")
    if perturbation is None and len(observables) > 3:
        raise BadInput(f"check takes at most three observables without a perturbation, got {len(observables)}")
    w = locate(loss, variables, at)
    if witness := lower_elsewhere(loss, variables, w):
        raise BadInput(f"the posterior over the whole space is not concentrated where it is expanded: {witness}")
    point = tuple(w[v] for v in variables)
    groups = [observables] if perturbation is None else [(phi, -exact(perturbation)) for phi in observables]
    tests = [_test(Problem(loss, group, variables, point, prior)) for group in groups]
    responses = (
        [] if perturbation is None else [_response(loss, phi, exact(perturbation), variables) for phi in observables]
    )
    if prior != 1:
        responses = []  # the response by definition is stated for the flat prior

    def derived(_: Budget) -> Evidence:
        return combine([_derive(test) for test in tests])

    def enclosed(budget: Budget) -> Evidence:
        return combine([*(test.enclosed(budget) for test in tests), *map(identity.enclosed, responses)])

    def sampled(budget: Budget) -> Evidence:
        return combine([test.sampled(budget) for test in tests])

    statement = "; ".join(_statement(test, perturbation) for test in tests)
    return Claim("your claim", ("your claim",), "check", statement, derived, enclosed, sampled)


def _test(problem: Problem) -> CoefficientClaim:
    """The leading coefficient beyond t⁰ as a claim, with a plan for sampling it."""
    coefficients = problem.coefficients(LAST)
    order = next((k for k, c in enumerate(coefficients) if k and c != 0), 1)
    name = f"t{'' if order == 1 else '⁰¹²³⁴'[order]} {_symbol(problem)}"
    value = coefficients[order]
    return CoefficientClaim(name, lambda _: value, order, (problem,), (problem,), _plan(problem, order))


def _symbol(problem: Problem) -> str:
    names = ", ".join(map(str, problem.observables))
    return f"⟨{names}⟩" if len(problem.observables) == 1 else f"κ({names})"


def _plan(problem: Problem, order: int) -> Sampling:
    """A quarter of the stable step of the stiffest direction; the least t at which the last terms are small beside the leading."""
    stiffest = max(float(sp.re(sp.N(value))) for value in problem.data.H.eigenvals())
    e = sp.Rational(1, max(1, math.ceil(stiffest))) if stiffest >= 1 else sp.Integer(math.floor(1 / stiffest))
    coefficients = [abs(float(sp.N(c))) for c in problem.coefficients(order + HIGHER_ORDERS)]
    leading = coefficients[order] or 1.0
    t = max([30.0, *((1000 * c / leading) ** (1 / (k - order)) for k, c in enumerate(coefficients) if k >= order + 3)])
    return Sampling(t=math.ceil(t), e=e)


def _derive(test: CoefficientClaim) -> Evidence:
    """Moments against diagrams, order by order."""
    (problem,) = test.generic
    coefficients = problem.coefficients(max(ORDER, test.order))
    data: dict[str, Any] = {"coefficients": [str(c) for c in coefficients]}
    for k in range(1, ORDER + 1):
        other = diagrams.cumulant(
            problem.loss, problem.observables, problem.variables, order=k, at=problem.at, prior=problem.prior
        )
        if sp.simplify(other - coefficients[k]) != 0:
            return Evidence(
                Status.REFUTED, f"{test.name}: order {k} is {coefficients[k]} by moments, {other} by diagrams", data
            )
    series = " + ".join(f"({c})/t^{k}" if k else str(c) for k, c in enumerate(coefficients) if c != 0) or "0"
    return Evidence(Status.HOLDS, f"{_symbol(problem)} = {series} + …, by moments and by diagrams", data)


def _response(loss: sp.Expr, phi: sp.Expr, delta: sp.Expr, variables: tuple[sp.Symbol, ...]) -> Response:
    """The response by definition at t = 30, for the enclosed layer."""
    weights = (sp.Integer(2), 2 * H)
    return Response("response by definition", (loss, delta), weights, phi, delta, variables, 30, sp.Rational(1, 8), 0.0)


def _statement(test: CoefficientClaim, perturbation: sp.Expr | None) -> str:
    (problem,) = test.generic
    coefficients = problem.coefficients(max(ORDER, test.order))
    series = " + ".join(f"({c})·t^−{k}" if k else str(c) for k, c in enumerate(coefficients) if c != 0) or "0"
    left = _symbol(problem) if perturbation is None else f"χ({problem.observables[0]}; {perturbation})"
    return f"L = {problem.loss}: {left} = {series} + …"

"""Claims about one coefficient of 1/t, taken through the three layers.

The statement under test: for observables φ_1, …, φ_m and every loss with a nondegenerate minimum,

    κ(φ_1, …, φ_m) = formula · t^{−k} + O(t^{−k−1})          (m = 1: the expectation)

where `formula` is what the primer prints, written in the letters of the primer, and knows nothing of how it was derived.

    derived    the expansion engine derives the coefficient for losses and observables whose derivative tensors are all symbols;
               the difference from the formula must vanish identically, and so must all lower orders
    enclosed   certified integrals on a ladder of t give the coefficient as a ball, which must contain the formula's value
    sampled    SGLD at one t and a finite step; the exact law of the discrete chain supplies the step's effect and the higher
               orders, so that the formula itself is what the z-score tests (with a prior: Metropolis-adjusted chains, whose
               law is the posterior, and certified integrals for the higher orders)

                   prediction = formula · t^{−k} + (chain − posterior)_k t^{−k} + Σ_{j>k} chain_j t^{−j}

Reading order: `Problem`, `CoefficientClaim`, its methods `derived`, `enclosed`, `sampled`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import sympy as sp
from flint import arb

from ledger import polynomials
from ledger.claim import Budget, Evidence, Figure, Series, Status
from ledger.compare import combine, meets
from ledger.evidence import encloses, estimates
from numerics import extrapolate
from numerics.posterior import Posterior
from numerics.precision import digits
from theory import langevin, laplace
from theory.jets import point
from theory.rational import lowest_terms
from theory.tensors import LossData, Taylor, loss_data, taylor

if TYPE_CHECKING:
    from sampler.diagnostics import Estimate

DIGITS = {1: 40, 2: 40, 3: 30}  # of each certified integral, by the number of variables
TARGET_DIGITS = {1: 20, 2: 20, 3: 16}  # of the extrapolated coefficient
HIGHER_ORDERS = 6  # orders beyond the tested one in the sampled prediction


@dataclass(frozen=True)
class Problem:
    """A loss with its minimum and the observables, in exact expressions."""

    loss: sp.Expr
    observables: tuple[sp.Expr, ...]
    variables: tuple[sp.Symbol, ...]
    at: tuple[sp.Expr, ...] | None = None
    prior: sp.Expr = sp.S.One

    @cached_property
    def data(self) -> LossData:
        """H, Σ, T at the minimum."""
        return loss_data(self.loss, self.variables, self.at)

    @property
    def minimum(self) -> dict[sp.Symbol, sp.Expr]:
        """w*: `at` as it was given, else as it was found."""
        return point(self.variables, self.at) if self.at is not None else self.data.at

    @cached_property
    def taylor(self) -> tuple[Taylor, ...]:
        """Value, gradient, Hessian and third derivative of each observable at the minimum."""
        return tuple(taylor(phi, self.variables, self.data.at) for phi in self.observables)

    def coefficients(self, order: int) -> tuple[sp.Expr, ...]:
        """The posterior's expansion of the joint cumulant."""
        return laplace.cumulant(self.loss, self.observables, self.variables, order=order, at=self.at, prior=self.prior)

    def chain_coefficients(self, order: int, e: sp.Rational) -> tuple[sp.Expr, ...]:
        """The same under the discrete chain with step e/t."""
        return _of_chain(self, order, e)

    def __str__(self) -> str:
        names = ", ".join(map(str, self.observables))
        return f"L = {self.loss}, φ = {names}"


@dataclass(frozen=True)
class Sampling:
    """How long to sample: `chains` chains of `draws` draws, `thin` steps apart, at inverse temperature t with step e/t."""

    t: int = 30
    e: sp.Rational = sp.S.Half
    chains: int = 512
    draws: int = 800
    thin: int = 4
    seed: int = 20260722

    def at(self, budget: Budget) -> "Sampling":
        """The same plan with the draws of this budget."""
        return replace(self, draws=self.draws * budget.effort)


@dataclass(frozen=True)
class CoefficientClaim:
    """κ(observables) = formula(problem) t^{−order} + O(t^{−order−1}), with the problems to try it on."""

    name: str
    formula: Callable[[Problem], sp.Expr]
    order: int
    generic: tuple[Problem, ...]
    cases: tuple[Problem, ...]
    sampling: Sampling = Sampling()

    def derived(self, budget: Budget) -> Evidence:
        """The engine's coefficient minus the formula, for symbolic derivative tensors."""
        return combine([self._derive(problem) for problem in self.generic])

    def _derive(self, problem: Problem) -> Evidence:
        *lower, coefficient = problem.coefficients(self.order)
        difference = lowest_terms(coefficient - self.formula(problem))
        if difference != 0:
            difference = sp.simplify(difference)
        d = len(problem.variables)
        symbols = len(
            set().union(*(f.free_symbols for f in (problem.loss, *problem.observables))) - set(problem.variables)
        )
        data = {
            "dimension": d,
            "symbols": symbols,
            "coefficient": str(coefficient),
            "difference": str(difference),
            "lower_orders": [str(c) for c in lower],
        }
        if difference == 0 and not any(lower):
            return Evidence(Status.HOLDS, f"{self.name}: identity in {symbols} symbols (d = {d})", data)
        witness = f"differs by {difference}" if difference != 0 else f"lower orders {lower} do not vanish"
        return Evidence(Status.REFUTED, f"{self.name}: derived coefficient {witness} (d = {d})", data)

    def enclosed(self, budget: Budget) -> Evidence:
        """The coefficient extrapolated from certified integrals, as a ball that must contain the formula's value."""
        return combine([self._enclose(problem) for problem in self.cases])

    def _enclose(self, problem: Problem) -> Evidence:
        expected = self.formula(problem)
        ball, ladder = extrapolated(problem, self.order)
        with digits(DIGITS.get(len(problem.variables), 30)):
            figure = self._ladder_figure(ladder, expected, problem)
            return encloses(self.name, ball, expected, (figure,), problem=str(problem))

    def _ladder_figure(self, ladder: Mapping[int, arb], expected: sp.Expr, problem: Problem) -> Figure:
        t = tuple(float(t) for t in ladder)
        y = tuple(float(t**self.order * value.mid()) for t, value in ladder.items())
        k = _power(self.order)
        return Figure(
            f"{self.name}: {problem}",
            "t = nβ",
            f"t{k} κ",
            (
                Series("certified integrals", t, y),
                Series("formula", (min(t), max(t)), (float(expected),) * 2, style="line"),
            ),
            xlog=True,
        )

    def sampled(self, budget: Budget) -> Evidence:
        """SGLD against the formula, the step and the higher orders accounted for by the law of the discrete chain."""
        return combine([self._sample(problem, self.sampling.at(budget)) for problem in self.cases])

    def _sample(self, problem: Problem, plan: Sampling) -> Evidence:
        return self._sample_chain(problem, plan) if problem.prior == 1 else self._sample_adjusted(problem, plan)

    def _sample_adjusted(self, problem: Problem, plan: Sampling) -> Evidence:
        """With a prior: Metropolis-adjusted chains sample the posterior itself; certified integrals supply the higher orders."""
        derived, expected = problem.coefficients(self.order)[self.order], self.formula(problem)
        ball = Posterior(problem.loss, problem.variables, plan.t, prior=problem.prior, digits=20)
        power = float(plan.t) ** -self.order
        prediction = float(ball.cumulant(problem.observables).mid()) + float(expected - derived) * power
        estimate = estimate_cumulant(problem, plan, adjusted=True)
        known = {"t": plan.t, "prior": str(problem.prior), "problem": str(problem)}
        return estimates(f"{self.name} at t = {plan.t}", estimate, prediction, scale=float(expected) * power, **known)

    def _sample_chain(self, problem: Problem, plan: Sampling) -> Evidence:
        top = self.order + HIGHER_ORDERS
        chain, posterior = problem.chain_coefficients(top, plan.e), problem.coefficients(top)
        expected = self.formula(problem)
        step_effect = chain[self.order] - posterior[self.order]
        powers = [sp.Rational(1, plan.t) ** k for k in range(top + 1)]
        prediction = sum(
            ((expected + step_effect if k == self.order else c) * powers[k] for k, c in enumerate(chain)), sp.S.Zero
        )
        continuous = prediction - sum(
            ((c - p) * powers[k] for k, (c, p) in enumerate(zip(chain, posterior, strict=True))), sp.S.Zero
        )
        truncation = abs(float(chain[-1] * powers[-1]))
        scale = float(expected * powers[self.order])
        estimate = estimate_cumulant(problem, plan)
        mean, sem = float(estimate.mean), float(estimate.sem)
        figure = self._sample_figure(problem, plan, expected, chain, posterior, mean, sem)
        return estimates(
            self.name,
            estimate,
            float(prediction),
            (figure,),
            truncation=truncation,
            scale=scale,
            z_continuous_time=meets(mean, sem, float(continuous), truncation=truncation).z,
            t=plan.t,
            step=str(plan.e),
            problem=str(problem),
        )

    def _sample_figure(self, problem, plan, expected, chain, posterior, mean, sem) -> Figure:
        ts = tuple(plan.t * 2 ** (j / 8) for j in range(-8, 25))
        k = self.order

        def curve(coefficients):
            return tuple(sum(float(c) * t ** (k - j) for j, c in enumerate(coefficients)) for t in ts)

        factor = float(plan.t) ** k
        return Figure(
            f"{self.name}: {problem}",
            "t = nβ",
            f"t{_power(k)} κ",
            (
                Series(f"discrete chain, ε = e/t with e = {plan.e}", ts, curve(chain), style="line"),
                Series("posterior", ts, curve(posterior), style="line"),
                Series("formula (t → ∞)", (ts[0], ts[-1]), (float(expected),) * 2, style="line"),
                Series("sampled ± 1 s.e.", (float(plan.t),), (mean * factor,), (sem * factor,)),
            ),
            xlog=True,
        )


@lru_cache(maxsize=256)
def _of_chain(problem: Problem, order: int, e: sp.Rational) -> tuple[sp.Expr, ...]:
    return langevin.cumulant(problem.loss, problem.observables, problem.variables, e=e, order=order, at=problem.at)


@lru_cache(maxsize=256)
def extrapolated(problem: Problem, order: int) -> tuple[arb, Mapping[int, arb]]:
    """The coefficient of t^{−order} as a ball, and the certified cumulants that it comes from by t; no formula enters."""
    d = len(problem.variables)
    wanted, target = DIGITS.get(d, 30), TARGET_DIGITS.get(d, 16)
    ladder: dict[int, arb] = {}

    def value(t: int) -> arb:
        posterior = Posterior(problem.loss, problem.variables, t, prior=problem.prior, digits=wanted)
        ladder[t] = posterior.cumulant(problem.observables)
        return ladder[t]

    with digits(wanted):
        return extrapolate.coefficients(value, order=order, target_digits=target)[order].ball, ladder


@lru_cache(maxsize=256)
def estimate_cumulant(problem: Problem, plan: Sampling, *, adjusted: bool = False) -> "Estimate":
    """The joint cumulant of the problem's observables, sampled at t = plan.t with step plan.e/t from its minimum.

    SGLD, or with `adjusted` its Metropolis-adjusted form, whose law is the posterior at any step; the variance is reduced by
    control variates that are exact for the chain (`sampler.control`). A prior enters as a change of the loss by −log(prior)/t.
    Remembered, as `extrapolated` is: other formulas about one problem meet one run.
    """
    import jax
    import jax.numpy as jnp

    from sampler import chain, control
    from sampler.kernels.mala import mala
    from sampler.kernels.sgld import sgld
    from sampler.posterior import LocalPosterior

    centre = jnp.asarray([float(w) for w in problem.minimum.values()])
    loss, data = polynomials.target(problem.loss - sp.log(problem.prior) / plan.t, problem.variables)
    posterior = LocalPosterior(loss, data, centre, plan.t, 0.0)
    kernel = (mala if adjusted else sgld)(float(plan.e) / plan.t)
    observables = {str(i): phi for i, phi in enumerate(dict.fromkeys(problem.observables))}
    run = chain.run(
        jax.random.key(plan.seed),
        kernel,
        posterior,
        chains=plan.chains,
        draws=plan.draws,
        burn_in=burn_in(problem, plan),
        thin=plan.thin,
        observables={"w": polynomials.itself},
        statistics={"fields": control.statistic(kernel, posterior, degree=_degree(len(problem.variables)))},
    )
    run = polynomials.recorded(run, observables, problem.variables)
    names = {phi: name for name, phi in observables.items()}
    traces = [run.trace(names[phi]) for phi in problem.observables]
    return control.cumulant(traces, run.trace("fields"))


def _degree(d: int) -> int:
    """The degree of the control variates: 4 where that makes no more than 60 monomials, less in many variables."""
    return max(k for k in (1, 2, 3, 4) if k == 1 or math.comb(d + k, k) <= 61)


def burn_in(problem: Problem, plan: Sampling) -> int:
    """Steps after which the slowest direction has forgotten its start to e^{−15}: 30/(e λ_min) for small steps."""
    hessian = sp.hessian(problem.loss, problem.variables).subs(problem.minimum)
    slowest = min(float(sp.re(sp.N(value))) for value in hessian.eigenvals())
    return int(30 / (float(plan.e) * slowest)) + 10


def _power(k: int) -> str:
    return "" if k == 1 else "⁰¹²³⁴⁵⁶⁷⁸⁹"[k] if k < 10 else f"^{k}"

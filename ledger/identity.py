"""Exact response identities, taken through the enclosed and the sampled layer.

The statement under test holds for every posterior, with no limit taken: for exponents E_h(w) = t·L_h(w),

    (1/t) d⟨φ⟩_h/dh |_{h=0} = −Cov(φ, ∂_h L_h)                                              (eq 7; eq 33 with a weight for h)

    enclosed   both sides from certified integrals: the derivative by its definition, from the moments of the posteriors at other
               h with a proved remainder (`numerics.perturbation`), and the covariance
    sampled    both sides from Metropolis-adjusted chains, whose stationary law is the posterior itself: no step-size bias, no
               expansion. Three independent runs at h = −δ, 0, +δ; the curvature that a finite δ leaves in the
               difference comes from the certified integrals

Reading order: `Response`, `enclosed`, `sampled`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import sympy as sp
from flint import arb

from ledger.claim import Budget, Evidence, Figure, Series
from ledger.compare import meets
from ledger.evidence import encloses
from numerics.perturbation import Perturbed
from numerics.posterior import Posterior
from numerics.precision import digits, rational

if TYPE_CHECKING:
    from sampler.diagnostics import Estimate

DIGITS = 25
H = sp.Symbol("h", real=True)


@dataclass(frozen=True)
class Response:
    """One instance: losses[j](w) with weights[j](h), so that L_h = Σ_j weights[j](h) losses[j] / n, and the observable φ.

    t = nβ. `direction` is ∂_h L_h at h = 0, as the statement claims it; `factor` the claimed factor of Cov (−1).
    `delta` is the finite h of the sampled difference, `step` the step of the chains.
    """

    name: str
    losses: tuple[sp.Expr, ...]
    weights: tuple[sp.Expr, ...]
    phi: sp.Expr
    direction: sp.Expr
    variables: tuple[sp.Symbol, ...]
    t: int
    delta: sp.Rational
    step: float
    factor: int = -1

    def loss(self, h: sp.Rational) -> sp.Expr:
        terms = (weight.subs(H, h) * loss for weight, loss in zip(self.weights, self.losses, strict=True))
        return sp.expand(sp.Add(*terms) / len(self.losses))

    def posterior(self, h: sp.Rational) -> Posterior:
        return Posterior(self.loss(h), self.variables, self.t, digits=DIGITS)

    @property
    def tangent(self) -> sp.Expr:
        """dL_h/dh at h = 0, from the path itself."""
        slopes = (weight.diff(H).subs(H, 0) * loss for weight, loss in zip(self.weights, self.losses, strict=True))
        return sp.expand(sp.Add(*slopes) / len(self.losses))

    def by_definition(self) -> arb:
        """(1/t) d⟨φ⟩_h/dh at h = 0, a ball: the moments at other h along the tangent of the path, the remainder proved."""
        return Perturbed(self.posterior(sp.S.Zero), self.tangent).susceptibility(self.phi)

    def difference(self, delta: sp.Rational) -> arb:
        """(⟨φ⟩_δ − ⟨φ⟩_{−δ})/(2δt), a ball."""
        low, high = (self.posterior(sign * delta).expectation(self.phi) for sign in (-1, 1))
        return (high - low) / arb(rational(2 * delta * self.t))

    def claimed(self) -> arb:
        """factor · Cov(φ, direction), a ball."""
        return self.factor * self.posterior(sp.S.Zero).covariance(self.phi, self.direction)


def enclosed(response: Response) -> Evidence:
    """The derivative by its definition against the covariance, both certified."""
    with digits(DIGITS):
        return encloses(response.name, response.by_definition(), response.claimed())


def sampled(response: Response, budget: Budget, *, chains: int = 1024, draws: int = 1000, seed: int = 11) -> Evidence:
    """Three Metropolis-adjusted runs: the response measured, against the fluctuation measured."""
    delta, scale = response.delta, 2 * float(response.delta) * response.t
    low, high, fluctuation = _measured(replace(response, factor=-1), chains, draws * budget.effort, seed)
    measured = (float(high.mean) - float(low.mean)) / scale
    sem = (float(high.sem) ** 2 + float(low.sem) ** 2) ** 0.5 / scale
    with digits(DIGITS):
        curvature = float((response.difference(delta) - response.by_definition()).mid())
    predicted = response.factor * float(fluctuation.mean) + curvature
    error = (sem**2 + float(fluctuation.sem) ** 2) ** 0.5
    result = meets(measured, error, predicted)
    data = {
        "z": result.z,
        "power_at": result.power_at,
        "response": measured,
        "response_sem": sem,
        "fluctuation": float(fluctuation.mean),
        "fluctuation_sem": float(fluctuation.sem),
        "curvature": curvature,
        "ess": float(fluctuation.ess),
        "rhat": float(fluctuation.rhat),
        "t": response.t,
    }
    words = result.words(measured, error, predicted)
    figure = _figure(response, low, high, fluctuation)
    return Evidence(result.status, f"{response.name}: {words}", data, (figure,))


@lru_cache(maxsize=64)
def _measured(response: Response, chains: int, draws: int, seed: int) -> tuple["Estimate", "Estimate", "Estimate"]:
    """⟨φ⟩ at h = −δ and +δ, Cov(φ, direction) at 0; the claimed factor does not enter, and other factors meet the same runs."""
    from sampler import diagnostics

    traces = _runner(response, chains, draws, seed)
    low, high = (diagnostics.mean(traces(h, number)[0]) for number, h in enumerate((-response.delta, response.delta)))
    return low, high, diagnostics.covariance(*traces(sp.S.Zero, 2))


def _runner(response: Response, chains: int, draws: int, seed: int) -> Callable:
    """h, number of the run → the traces of φ and of the direction; one compilation for all h, which enters as data."""
    import jax
    import jax.numpy as jnp

    from sampler import chain
    from sampler.kernels.mala import mala
    from sampler.lower import lower, lower_loss
    from sampler.posterior import LocalPosterior

    n = len(response.losses)
    labels = sp.symbols(f"rho0:{n}", real=True)
    loss = lower_loss(
        sp.Add(*(r * f for r, f in zip(labels, response.losses, strict=True))), response.variables, labels
    )
    observables = {
        "phi": lower(response.phi, response.variables),
        "direction": lower(response.direction, response.variables),
    }
    centre = jnp.zeros(len(response.variables))

    def run(h: sp.Rational, number: int) -> tuple:
        weights = jnp.diag(jnp.asarray([float(weight.subs(H, h)) for weight in response.weights]))
        posterior = LocalPosterior(loss, weights, centre, response.t, 0.0)
        key = jax.random.fold_in(jax.random.key(seed), number)
        result = chain.run(
            key,
            mala(response.step),
            posterior,
            chains=chains,
            draws=draws,
            burn_in=300,
            thin=4,
            observables=observables,
        )
        return result.trace("phi"), result.trace("direction")

    return run


def _figure(response: Response, low, high, fluctuation) -> Figure:
    """⟨φ⟩_h: certified curve, sampled points, and the tangent that the fluctuation predicts."""
    delta = float(response.delta)
    grid = [response.delta * sp.Rational(k, 4) for k in range(-6, 7)]
    curve = [float(response.posterior(h).expectation(response.phi).mid()) for h in grid]
    middle, slope = curve[6], response.factor * float(fluctuation.mean) * response.t
    hs = tuple(float(h) for h in grid)
    return Figure(
        f"{response.name}: φ = {response.phi}",
        "h",
        "⟨φ⟩_h",
        (
            Series("certified integrals", hs, tuple(curve), style="line"),
            Series("tangent from the sampled covariance", hs, tuple(middle + slope * h for h in hs), style="line"),
            Series(
                "sampled ± 1 s.e.",
                (-delta, delta),
                (float(low.mean), float(high.mean)),
                (float(low.sem), float(high.sem)),
            ),
        ),
    )

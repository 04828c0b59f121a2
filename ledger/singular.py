"""What the claims of Section 4.2 share: one posterior in three forms, and how a limit is compared at finite t.

The posterior is ∝ e^{−tK(w)} N(w; 0, 1): for `theory.singular` a Gaussian domain, for `numerics` a loss with a prior, for the
sampler a loss with localisation γ = 1 about 0, so that all three treat the same measure.

A singular limit is reached like 1/log t or like a small power of 1/t. No layer therefore compares with the limit itself: the
exact value at t, less the derived limit, is added to what the *formula* under test says (`at_finite_t`). A right formula then
predicts the value at t, a wrong one is off by its own error.

Reading order: `claim`, `at_finite_t`, `resolved`, `certified`, `run`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import sympy as sp

from ledger.claim import Budget, Claim, Evidence
from numerics.posterior import Posterior
from theory import certificate
from theory.rlct import RLCT, rlct, rlct_ideal

if TYPE_CHECKING:
    from sampler.record import Run

DIGITS = 24


class Layers(Protocol):
    """A statement with its three tests."""

    def derived(self, _: Budget) -> Evidence: ...
    def enclosed(self, _: Budget) -> Evidence: ...
    def sampled(self, budget: Budget) -> Evidence: ...


def claim(name: str, statement: str, tests: Layers, finding: str | None = None) -> Claim:
    """A claim of Section 4.2 with one label, its id."""
    return Claim(name, (name,), "4.2", statement, tests.derived, tests.enclosed, tests.sampled, finding)


def at_finite_t(value: Any, limit: sp.Expr, formula: sp.Expr) -> Any:
    """value(t) − limit + formula: what the formula predicts at t."""
    return value - limit + formula


def resolved(K: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[sp.Expr, int]:
    """(λ, m) by resolution on strata, m = 0 where its bracket is open; (nan, 0) unless other code verifies the certificate."""
    return _resolved(K, tuple(variables))


@lru_cache(maxsize=256)
def _resolved(K: sp.Expr, variables: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, int]:
    """Remembered, as `_run` is: other formulas about one K meet one resolution, and one run."""
    return _verified(rlct(K, variables), K, variables)


def resolved_ideal(generators: Sequence[sp.Expr], variables: Sequence[sp.Symbol]) -> tuple[sp.Expr, int]:
    """(λ, m) of K = Σ g_j²; as `resolved`."""
    return _resolved_ideal(tuple(generators), tuple(variables))


@lru_cache(maxsize=256)
def _resolved_ideal(generators: tuple[sp.Expr, ...], variables: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, int]:
    return _verified(rlct_ideal(generators, variables), list(generators), variables)


def _verified(found: RLCT, K: Any, variables: Sequence[sp.Symbol]) -> tuple[sp.Expr, int]:
    if found.value is None or not certificate.check(found.certificate, K, variables):
        return sp.nan, 0
    return found.value, found.multiplicity or 0


def gaussian(variables: Sequence[sp.Symbol]) -> sp.Expr:
    """e^{−|w|²/2}, the prior up to its normalisation."""
    return sp.exp(-sp.Add(*(v**2 for v in variables)) / 2)


def certified(K: sp.Expr, variables: Sequence[sp.Symbol], t: int, digits: int = DIGITS) -> Posterior:
    """The posterior ∝ e^{−tK} N(0, 1), by certified quadrature."""
    return Posterior(K, variables, t, prior=gaussian(variables), digits=digits)


def run(
    K: sp.Expr,
    variables: Sequence[sp.Symbol],
    t: int,
    budget: Budget,
    observables: Mapping[str, sp.Expr] | None = None,
    *,
    epsilon: float,
    seed: int,
    domain: str = "gaussian",
    chains: int = 512,
    draws: int = 400,
    burn_in: int = 1000,
    thin: int = 8,
) -> "Run":
    """Metropolis-adjusted chains of that posterior, whose law is exact at any step; `observables` are expressions by name.

    domain: "gaussian" (N(0, 1), γ = 1), "flat" (R^d, γ = 0) or "box" ([0, 1]^d, γ = 0: outside, K = ∞ and proposals are rejected).
    """
    named = tuple((observables or {}).items())
    return _run(K, tuple(variables), t, named, epsilon, seed, domain, chains, draws * budget.effort, burn_in, thin)


@lru_cache(maxsize=8)
def _run(
    K: sp.Expr, variables: tuple[sp.Symbol, ...], t: int, observables: tuple[tuple[str, sp.Expr], ...], epsilon: float,
    seed: int, domain: str, chains: int, draws: int, burn_in: int, thin: int,
) -> "Run":  # fmt: skip
    import jax
    import jax.numpy as jnp

    from sampler import chain
    from sampler.kernels.mala import mala
    from sampler.lower import lower, lower_loss
    from sampler.posterior import LocalPosterior

    loss = lower_loss(K, variables)
    centre = jnp.full(len(variables), 0.5 if domain == "box" else 0.0)
    posterior = LocalPosterior(
        _inside(loss) if domain == "box" else loss, jnp.zeros((1, 0)), centre, t, 1.0 if domain == "gaussian" else 0.0
    )
    return chain.run(
        jax.random.key(seed),
        mala(epsilon),
        posterior,
        chains=chains,
        draws=draws,
        burn_in=burn_in,
        thin=thin,
        observables={name: lower(f, variables) for name, f in observables},
    )


def _inside(loss: Callable) -> Callable:
    """The loss on [0, 1]^d, ∞ elsewhere."""
    import jax.numpy as jnp

    return lambda w, example: jnp.where(jnp.all((w > 0) & (w < 1)), loss(w, example), jnp.inf)

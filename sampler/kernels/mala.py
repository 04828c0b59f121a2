"""The Metropolis-adjusted Langevin algorithm: the same move, accepted or not, with exp(−U) as its exact law.

    w′ = w − (ε/2) g(w) + √ε ξ,    g = ∇U
    log α = U(w) − U(w′) + [ |w′ − w + (ε/2) g(w)|² − |w − w′ + (ε/2) g(w′)|² ] / (2ε)

A proposal whose U is infinite or NaN lies outside the support and is rejected. The rule needs U exactly, so a
posterior with minibatches is refused.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, Scalar, ScalarLike

from sampler.kernels.kernel import State, exact_drift, langevin, noise, pytree, start, step_size
from sampler.posterior import LocalPosterior, Params, dot
from theory.errors import BadInput


@pytree
@dataclass(frozen=True, eq=False)
class MALA:
    """The kernel; build it with `mala(epsilon)`, which checks the step size."""

    epsilon: Array

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State:
        if posterior.batch_size is not None:
            raise BadInput(
                "mala accepts or rejects by the full loss; give LocalPosterior batch_size=None, or use sgld."
            )
        return start(key, posterior, position)

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State:
        key, accept_key = jax.random.split(key)

        def move() -> Params:
            xi = posterior.clamp(noise(key, state.position))
            return langevin(self.epsilon, state.position, state.gradient, xi)

        def once() -> Params:
            return jax.lax.cond(self.epsilon > 0, move, lambda: state.position)

        # On a CPU, XLA works out a cheap value again in each kernel that reads it, and ξ has ten readers here; a branch, though it
        # is always taken, is worked out once.
        position = jax.lax.platform_dependent(cpu=once, default=move)
        proposed = self.init(key, posterior, position)

        def leap(origin: State, end: State) -> Scalar:
            """|end − origin + (ε/2) g(origin)|² / (2ε), minus the logarithm of the proposal's density."""

            def part(a, b, g):
                e = self.epsilon.astype(a.dtype)
                return b - a + e / 2 * g

            gap = posterior.clamp(jax.tree.map(part, origin.position, end.position, origin.gradient))
            squared = dot(gap, gap)
            return squared / (2 * self.epsilon.astype(squared.dtype))

        # The losses are subtracted before nβ multiplies them: in float32 the difference of energies would be lost.
        rest = jnp.zeros_like(state.loss)
        log_ratio = posterior.energy(state.position, rest) - posterior.energy(position, proposed.loss - state.loss)
        log_ratio += leap(state, proposed) - leap(proposed, state)
        uniform = jax.random.uniform(accept_key, (), log_ratio.dtype)
        accept = jnp.isfinite(log_ratio) & (jnp.log(uniform) < log_ratio)
        kept = jax.tree.map(lambda new, old: jnp.where(accept, new, old), proposed, state)
        return kept._replace(accepted=accept.astype(state.accepted.dtype))

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]:
        """(w − w*)·g, of mean d under exp(−U), and 0."""
        return exact_drift(posterior, state)


def mala(epsilon: ScalarLike) -> MALA:
    """MALA with step size ε > 0 (an array leaf: changing it compiles nothing again)."""
    return MALA(step_size(epsilon))

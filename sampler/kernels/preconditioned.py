"""Langevin steps of a different size for each weight: a diagonal preconditioner D, given once or adapted by RMSprop.

    w′ = w − (ε/2) D [nβ ∇L_m(w) + γ(w − w*)] + √(ε D) ξ,    ξ ∼ N(0, I)

*Frozen* D (`preconditioned`). w = D^{1/2} v is plain SGLD for U(D^{1/2} v). At a quadratic U = ½ wᵀPw the stationary covariance is

    S = (P − (ε/4) P D P)⁻¹          (full batch; S = (I−εDP/2) S (I−εPD/2) + εD + (ε²/4) D G D with gradient noise G)

stable iff ε λ_max(DP) < 4, and E[(w − w*)·ĝ] = d + (ε/4) E[ĝ·D ĝ] holds for every U, step and batch.

*Adapted* D (`rmsprop`), elementwise, from the loss gradient s = ∇L_m alone:

    V ← αV + (1−α) s²,    D = 1/(√V̂ + e),    V̂ = V, or V/(1 − α^k) after k gradients

It is what Hitchcock & Hoogland print as Algorithm 3 (V₀ = 1, corrected) and what devinterp runs (V₀ = 0, as it stands). D then
depends on w, and the step leaves out the divergence of D (the Γ of Li et al. 2016), so exp(−U) is *not* its law however small
the step. For a single weight and ε ≪ 1−α the law is

    p(w) ∝ (|L′(w)| + e) exp(−U(w)),

the Itô equation dw = −½ D U′ dt + √D dW. At a Gaussian of standard deviation σ and L′ = κw the variance is multiplied by
(1 + 2c)/(1 + c), c = √(2/π) κσ/e: by up to 2, and by 2 for e = 0. A slower average (α → 1 at the given ε) lowers it, a larger e
too; neither removes it. `adaptation` does: after that many gradients V stays, and the chain has the law of frozen D,
each chain its own D. Take a burn-in longer than `adaptation`. For the adapting chain what holds exactly is

    E[(w − w*)·D ĝ] = E[tr D] + (ε/4) E|D ĝ|²,

which says that it is stationary, not that it is right.

Sources: Li, Chen, Carlson & Carin 2016 (pSGLD); Hitchcock & Hoogland, Algorithm 3.

Reading order: `Preconditioned`, `RMSprop`, their makers.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Int, Key, Scalar, ScalarLike

from sampler.kernels.kernel import State, drawn, langevin, positive, pytree, start, step_size
from sampler.posterior import LocalPosterior, Params, dot
from theory.errors import BadInput

NEVER = np.iinfo(np.int32).max


@pytree
@dataclass(frozen=True, eq=False)
class Preconditioned:
    """SGLD with a frozen diagonal D; build it with `preconditioned(epsilon, D)`."""

    epsilon: Array
    D: Params

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State:
        return start(key, posterior, position)

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State:
        xi, batch_key = drawn(key, posterior, state.position)
        D = like(self.D, state.position)
        return start(batch_key, posterior, langevin(self.epsilon, state.position, state.gradient, xi, D))

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]:
        """(w − w*)·ĝ and (ε/4) ĝ·D ĝ: their means differ by d."""
        drift = dot(posterior.displacement(state.position), state.gradient)
        scaled = jax.tree.map(jnp.multiply, like(self.D, state.gradient), state.gradient)
        return drift, self.epsilon.astype(drift.dtype) / 4 * dot(state.gradient, scaled)


class SecondMoment(NamedTuple):
    """V, and k, the number of gradients that it has seen."""

    V: Params
    k: Int[Array, ""]


@pytree
@dataclass(frozen=True, eq=False)
class RMSprop:
    """SGLD with D from a running second moment of the gradient; build it with `rmsprop(epsilon, …)`."""

    epsilon: Array
    decay: Array
    floor: Array
    initial: Array
    adaptation: Int[Array, ""]
    corrected: bool = field(default=False, metadata={"static": True})

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State:
        V = jax.tree.map(lambda w: jnp.broadcast_to(self.initial.astype(w.dtype), w.shape), position)
        return self._seen(posterior, start(key, posterior, position), SecondMoment(V, jnp.zeros((), jnp.int32)))

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State:
        xi, batch_key = drawn(key, posterior, state.position)
        position = langevin(self.epsilon, state.position, state.gradient, xi, self.preconditioner(state.memory))
        return self._seen(posterior, start(batch_key, posterior, position), state.memory)

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]:
        """(w − w*)·Dĝ and (ε/4)|Dĝ|² + tr D − d: their means differ by d, adapting or frozen."""
        D = self.preconditioner(state.memory)
        scaled = jax.tree.map(jnp.multiply, D, state.gradient)
        trace = jax.tree.reduce(jnp.add, jax.tree.map(jnp.sum, posterior.clamp(D)))
        drift = dot(posterior.displacement(state.position), scaled)
        square = self.epsilon.astype(drift.dtype) / 4 * dot(scaled, scaled)
        return drift, square + (trace - posterior.dimension).astype(drift.dtype)

    def average(self, V: Params, slope: Params) -> Params:
        """αV + (1−α) s²."""

        def mix(v, s):
            a = self.decay.astype(v.dtype)
            return a * v + (1 - a) * s**2

        return jax.tree.map(mix, V, slope)

    def preconditioner(self, memory: SecondMoment) -> Params:
        """D = 1/(√V̂ + e)."""

        def scale(v):
            share = 1 - self.decay.astype(v.dtype) ** memory.k if self.corrected else jnp.ones((), v.dtype)
            return 1 / (jnp.sqrt(v / share) + self.floor.astype(v.dtype))

        return jax.tree.map(scale, memory.V)

    def _seen(self, posterior: LocalPosterior, state: State, memory: SecondMoment) -> State:
        """The state with the gradient at its position counted into V, unless V is frozen."""

        def slope(g, away):
            """∇L_m = (ĝ − γ(w − w*))/nβ."""
            return (g - jnp.asarray(posterior.gamma, g.dtype) * away) / jnp.asarray(posterior.nbeta, g.dtype)

        adapting = memory.k < self.adaptation
        away = posterior.clamp(posterior.displacement(state.position))
        fresh = self.average(memory.V, jax.tree.map(slope, state.gradient, away))
        V = jax.tree.map(lambda new, old: jnp.where(adapting, new, old), fresh, memory.V)
        return state._replace(memory=SecondMoment(V, memory.k + adapting))


def preconditioned(epsilon: ScalarLike, D: Params) -> Preconditioned:
    """SGLD with step size ε > 0 and the frozen diagonal preconditioner D, a tree like the weights with positive entries.

    A leaf of D may be anything that broadcasts to its leaf of the weights. Raises `BadInput` for entries that are not
    positive and finite. For a D that is not diagonal, change the variables of the loss instead: w = D^{1/2} v.
    """
    D = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), D)
    for leaf in jax.tree.leaves(D):
        if not isinstance(leaf, Tracer) and not (np.isfinite(leaf) & (np.asarray(leaf) > 0)).all():
            raise BadInput("preconditioned: the entries of D must be positive and finite; it has others.")
    return Preconditioned(step_size(epsilon), D)


def rmsprop(
    epsilon: ScalarLike,
    *,
    decay: ScalarLike = 0.99,
    floor: ScalarLike = 0.1,
    initial: ScalarLike = 0.0,
    corrected: bool = False,
    adaptation: int | None = None,
) -> RMSprop:
    """RMSprop-preconditioned SGLD with step size ε > 0; biased, unless it is frozen after `adaptation` gradients.

    decay       α in [0, 1); floor: e > 0; initial: V₀ ≥ 0
    corrected   V̂ = V/(1 − α^k). Algorithm 3 as printed is initial=1, corrected=True; devinterp's is the default.
    adaptation  the number of gradients that V sees, the one at the start included; None: all, as published

    Raises `BadInput` for values out of these ranges.
    """
    decay, initial = jnp.asarray(decay, float), jnp.asarray(initial, float)
    if not isinstance(decay, Tracer) and not 0 <= float(decay) < 1:
        raise BadInput(f"rmsprop: decay must lie in [0, 1); it is {float(decay)}.")
    if not isinstance(initial, Tracer) and not 0 <= float(initial) < np.inf:
        raise BadInput(f"rmsprop: initial must be finite and not negative; it is {float(initial)}.")
    if adaptation is not None and not 1 <= adaptation < NEVER:
        raise BadInput(f"rmsprop: adaptation counts gradients and must be at least 1; it is {adaptation}.")
    last = jnp.asarray(NEVER if adaptation is None else adaptation, jnp.int32)
    return RMSprop(step_size(epsilon), decay, positive(floor, "floor"), initial, last, corrected)


def like(D: Params, weights: Params) -> Params:
    """D in the shapes and dtypes of the weights; raises `BadInput` where the trees do not match."""
    if jax.tree.structure(D) != jax.tree.structure(weights):
        raise BadInput("preconditioned: D is not a tree like the weights; give one leaf of D for each leaf of them.")
    try:
        return jax.tree.map(lambda w, d: jnp.broadcast_to(d.astype(w.dtype), w.shape), weights, D)
    except ValueError as error:
        raise BadInput(f"preconditioned: a leaf of D does not broadcast to its leaf of the weights: {error}") from None

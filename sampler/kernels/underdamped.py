"""Langevin dynamics with momenta p and unit masses, in time steps h = √ε: with given friction, or with a thermostat.

Both kernels are symmetric splittings of one step into kicks (B), drifts (A), a thermostat (D) and an exact Ornstein–Uhlenbeck
move of the momenta (O):

    B   p̂ = p − (h/2) ĝ(w)
    A   w ← w + (h/2) p̂
    D   η ← η + (h/2)(|p̂|²/d − 1)/m                       (only with a thermostat)
    O   p̂′ = c p̂ + s ξ,   c = e^{−ηh},   s² = A (1 − c²)/η
    D, A, B again, with p̂′

`baoab` holds η = A fixed, so s² = 1 − c² (Leimkuhler & Matthews 2013). The law is exp(−U − |p|²/2) up to O(h²) = O(ε); at a
quadratic U the law of w is exp(−U) *exactly*, for every h below the stability limit ε λ_max < 4, and Var p = 1 − ελ/4. The noise
of minibatches heats it: with gradient noise G I the covariance at a quadratic is P⁻¹(1 + hG/2A) to first order in h.

`sgnht` lets η move (Ding et al. 2014; in this order of the pieces Leimkuhler & Shang 2016): the extended law is

    exp(−U − |p|²/2 − (m d/2)(η − A)²)  up to O(ε),

and gradient noise G I of constant size shifts η, by hG/2, and nothing else as long as εG ≪ 1. Where εG is of order 1 the step no
longer resolves the friction that it needs and the law is wrong (half the variance at εG = 1.8, stiffness 8, m = 0.3; 3% at 0.4).
η starts at A, so the burn-in must cover its relaxation as well (of the order √m in time, and 1/A).

What holds exactly when stationary, for every U, step and batch (v = w − w*, from the stationarity of |v|² and v·p̂):

    E[v·ĝ] = E[ −((1−c)/h) v·p̂ + ½ c(1+c)|p̂|² + ½ s² d ],      and for constant c     E[v·ĝ] = d + ¼(1+c)² (E|p̂|² − d);

and for the thermostat also E[|p̂|² + |p̂′|²] = 2d.

Reading order: `kick`, `drift`, `rub`; `BAOAB` and its `move` (a step with its noise given); `SGNHT`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, Scalar, ScalarLike

from sampler.kernels.kernel import State, drawn, noise, positive, pytree, start, step_size
from sampler.posterior import LocalPosterior, Params, dot


def kick(h: Array, momentum: Params, gradient: Params) -> Params:
    """p − (h/2) g."""
    return jax.tree.map(lambda p, g: p - h.astype(p.dtype) / 2 * g, momentum, gradient)


def drift(h: Array, position: Params, momentum: Params) -> Params:
    """w + (h/2) p."""
    return jax.tree.map(lambda w, p: w + h.astype(w.dtype) / 2 * p, position, momentum)


def rub(c: Array, s: Array, momentum: Params, noise: Params) -> Params:
    """c p + s ξ."""
    return jax.tree.map(lambda p, xi: c.astype(p.dtype) * p + s.astype(p.dtype) * xi, momentum, noise)


@pytree
@dataclass(frozen=True, eq=False)
class BAOAB:
    """Underdamped Langevin dynamics at friction A; build it with `baoab(epsilon, friction)`. The memory is p."""

    epsilon: Array
    friction: Array

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State:
        key, momentum_key = jax.random.split(key)
        return start(key, posterior, position, posterior.clamp(noise(momentum_key, position)))

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State:
        xi, batch_key = drawn(key, posterior, state.position)
        position, momentum = self.move(state.position, state.memory, state.gradient, xi)
        after = start(batch_key, posterior, position)
        return after._replace(memory=kick(jnp.sqrt(self.epsilon), momentum, after.gradient))

    def move(self, position: Params, momentum: Params, gradient: Params, noise: Params) -> tuple[Params, Params]:
        """B, A, O, A with the noise given: w′ and p̂′, before the last kick."""
        h = jnp.sqrt(self.epsilon)
        c = jnp.exp(-self.friction * h)
        p = kick(h, momentum, gradient)
        position = drift(h, position, p)
        p = rub(c, jnp.sqrt(1 - c**2), p, noise)
        return drift(h, position, p), p

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]:
        """v·ĝ and ¼(1+c)²(|p̂|² − d): their means differ by d."""
        h = jnp.sqrt(self.epsilon)
        p = kick(h, state.memory, state.gradient)
        product = dot(posterior.displacement(state.position), state.gradient)
        c = jnp.exp(-self.friction * h).astype(product.dtype)
        return product, (1 + c) ** 2 / 4 * (dot(p, p) - posterior.dimension)


class Thermostat(NamedTuple):
    """The momenta p and the friction η."""

    momentum: Params
    friction: Scalar


@pytree
@dataclass(frozen=True, eq=False)
class SGNHT:
    """Stochastic gradient Nosé–Hoover dynamics; build it with `sgnht(epsilon, friction, mass)`."""

    epsilon: Array
    friction: Array
    mass: Array

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State:
        key, momentum_key = jax.random.split(key)
        state = start(key, posterior, position)
        momentum = posterior.clamp(noise(momentum_key, position))
        return state._replace(memory=Thermostat(momentum, self.friction.astype(state.loss.dtype)))

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State:
        xi, batch_key = drawn(key, posterior, state.position)
        position, memory = self.move(posterior.dimension, state.position, state.memory, state.gradient, xi)
        after = start(batch_key, posterior, position)
        p = kick(jnp.sqrt(self.epsilon), memory.momentum, after.gradient)
        return after._replace(memory=Thermostat(p, memory.friction))

    def move(
        self, d: Scalar, position: Params, memory: Thermostat, gradient: Params, noise: Params
    ) -> tuple[Params, Thermostat]:
        """B, A, D, O, D, A with the noise given: w′, p̂′ and η′, before the last kick."""
        h = jnp.sqrt(self.epsilon)
        p = kick(h, memory.momentum, gradient)
        position = drift(h, position, p)
        eta = self.warm(d, p, memory.friction)
        c, s = self.rates(eta)
        p = rub(c, s, p, noise)
        return drift(h, position, p), Thermostat(p, self.warm(d, p, eta))

    def warm(self, d: Scalar, momentum: Params, eta: Scalar) -> Scalar:
        """η + (h/2)(|p|²/d − 1)/m."""
        rate = jnp.sqrt(self.epsilon) / (2 * self.mass)
        return eta + rate.astype(eta.dtype) * (dot(momentum, momentum) / d - 1).astype(eta.dtype)

    def rates(self, eta: Scalar) -> tuple[Array, Array]:
        """c = e^{−ηh} and s = √(A(1 − e^{−2ηh})/η), for every real η (s² = 2Ah at η = 0)."""
        h = jnp.sqrt(self.epsilon).astype(eta.dtype)
        x = 2 * eta * h
        small = jnp.abs(x) < 1e-30
        share = jnp.where(small, 1.0, -jnp.expm1(-x) / jnp.where(small, 1.0, x))
        return jnp.exp(-x / 2), jnp.sqrt(2 * h * self.friction.astype(eta.dtype) * share)

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]:
        """v·ĝ and −((1−c)/h) v·p̂ + ½ c(1+c)|p̂|² + ½ s² d − d: their means differ by d."""
        d, v = posterior.dimension, posterior.displacement(state.position)
        h = jnp.sqrt(self.epsilon)
        p = kick(h, state.memory.momentum, state.gradient)
        product = dot(v, state.gradient)
        c, s = self.rates(self.warm(d, p, state.memory.friction))
        square = -(1 - c) / h * dot(v, p) + c * (1 + c) / 2 * dot(p, p) + s**2 * d / 2 - d
        return product, square.astype(product.dtype)


def baoab(epsilon: ScalarLike, friction: ScalarLike) -> BAOAB:
    """BAOAB with time step √ε and friction A > 0 (in units of 1/time: A = √λ is fast for stiffness λ)."""
    return BAOAB(step_size(epsilon), positive(friction, "friction"))


def sgnht(epsilon: ScalarLike, friction: ScalarLike, mass: ScalarLike = 1.0) -> SGNHT:
    """The thermostat with time step √ε, noise 2A, A > 0, and thermal mass m > 0 (time²; 1 as published)."""
    return SGNHT(step_size(epsilon), positive(friction, "friction"), positive(mass, "thermal mass"))

"""A control variate for chains that have not settled: the chain's own noise, weighed by the Newton step at each state.

The idea. The noise ξ of a step is independent of all that came before it. So for any v that is a function of the past,

    M = ξ·v   and   ξ·Aξ − tr A        have mean 0 exactly: at any step size, batch, start or preconditioner, stationary or not.

Subtracted from a time average they leave its expected value as it is, whatever that is; no identity of the stationary law is used.
That matters at singular minima, where chains drift along the zero set for their whole life: there the virial identity fails, and
fields that rest on it pull the estimate towards something else.

Which v. On a quadratic U = ½ xᵀHx, H = nβD²L + γ, the sum over the future of nβL given the present, less its mean, is the
quadratic form u(x) = (1/2ε) xᵀ(1 − γH⁻¹)(1 − εH/4)⁻¹x (Poisson's equation), and all that a chain's average of nβL fluctuates by,
but for its two ends, is what the noise does to u:

    M = ξ·p/√ε + …,    H p = nβ∇L,    p the Newton step: w − (nearest point of the zero set) to first order when γ is small,

with factor 1. p is taken in the Krylov space of g = nβ∇L_m, from `order` Hessian-vector products on the minibatch of the step: with
Ritz values θ and vectors r of H there (Lanczos, orthogonalised twice)

    v = Σ_r f(θ) (1 − εθ/2)/(1 − εθ/4) (r·g) r,    A = ½ Σ_r (θ − γ)f(θ)/(1 − εθ/4) r rᵀ,    f(θ) = θ/(θ² + κ²),    κ = θ_max/50

exact for the discrete chain on a quadratic of at most `order` weights; κ holds flat directions and small negative curvature down.
With a preconditioner D, g → √D g, H → √D H √D, γ → γD. Each product costs about two gradients: use it where draws are what one
has few of, or where slow chains need a small error. Where hundreds of directions of different curvature matter, a few
products see a small part of the variance; with noisy gradients p is noisy too: compare the error with that without control.

Reading order: `run` (samples with it), `blocks` (what an estimate is made of), `Controlled` (the kernel).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Scalar, UInt32

from sampler import chain
from sampler.kernels.kernel import State, drawn, pytree
from sampler.kernels.preconditioned import Preconditioned, RMSprop, like
from sampler.kernels.sgld import SGLD
from sampler.posterior import LocalPosterior, Params, dot
from sampler.record import Run
from theory.errors import BadInput

NAME = "martingale"
STEPS, CONTROL, VIRIAL = 0, 1, 2  # places in the sums: steps taken, M, then the virial terms of each leaf
BLOCKS = 20
FLAT = 0.02  # κ/θ_max

Langevin = SGLD | Preconditioned | RMSprop


def run(
    key: Key[Array, ""],
    kernel: Langevin,
    posterior: LocalPosterior,
    *,
    order: int = 4,
    statistics: Mapping[str, Callable[[LocalPosterior, State], Array]] | None = None,
    **options: Any,
) -> Run:
    """`chain.run` with the same options, key and draws, that records the control variate beside the rest (as "martingale").

    order: Hessian-vector products a step, ≥ 1. Then `llc.llc(run, control="martingale")`. Raises `BadInput` for kernels other than
    sgld, preconditioned and rmsprop, and as `chain.run` does.
    """
    statistics = {**(statistics or {}), NAME: sums}
    return chain.run(key, controlled(kernel, order=order), posterior, statistics=statistics, **options)


def blocks(
    run: Run, count: int = BLOCKS
) -> tuple[Float[np.ndarray, "chains blocks"], Float[np.ndarray, "chains blocks k"]]:
    """Means of nβ(L_n − L_n(w*)) over blocks of draws, and those of (M, virial of each leaf) over the steps of the same blocks.

    A draw and the steps that follow it go together, so the last draw is left out. Raises `BadInput` for a run without the record
    and for fewer than 5 draws.
    """
    if NAME not in run.observables:
        raise BadInput("this run recorded no martingale; sample with `martingale.run`, or llc(run, control='virial').")
    energy, seen = run.nbeta * run.trace("loss"), run.trace(NAME)
    draws = energy.shape[1] - 1
    if draws < 4:
        raise BadInput(f"martingale: blocks need 5 draws or more of each chain; there are {draws + 1}.")
    count = min(count, draws)
    length = draws // count
    first = draws - count * length
    energy = energy[:, first:draws].reshape(len(energy), count, length).mean(axis=2)
    change = np.diff(seen[:, first::length], axis=1)
    return energy, change[..., CONTROL:] / change[..., :1]


class Controls(NamedTuple):
    """What the kernel remembers: its own memory, the key of the state's minibatch, and sums over all steps so far."""

    kernel: Any
    batch: UInt32[Array, "..."]
    sums: Float[Array, " k"]


def sums(_: LocalPosterior, state: State) -> Float[Array, " k"]:
    """(steps taken, Σ M, Σ virial of each leaf): a statistic for `chain.run` with a `Controlled` kernel."""
    return state.memory.sums


@pytree
@dataclass(frozen=True, eq=False)
class Controlled:
    """A Langevin kernel, its draws unchanged, that adds up the control variate of every step; build it with `controlled`."""

    epsilon: Array
    kernel: Langevin
    order: int = field(metadata={"static": True})

    @property
    def own(self) -> Langevin:
        return replace(self.kernel, epsilon=self.epsilon)

    def init(self, key: Key[Array, ""], posterior: LocalPosterior, position: Params) -> State:
        state = self.own.init(key, posterior, position)
        zeros = jnp.zeros(VIRIAL + len(jax.tree.leaves(position)), state.loss.dtype)
        return state._replace(memory=Controls(state.memory, jax.random.key_data(key), zeros))

    def step(self, key: Key[Array, ""], posterior: LocalPosterior, state: State) -> State:
        remembered, state = state.memory, state._replace(memory=state.memory.kernel)
        noise, batch_key = drawn(key, posterior, state.position)
        batch = posterior.minibatch(jax.random.wrap_key_data(remembered.batch, impl=jax.random.key_impl(key)))
        D = _preconditioner(self.own, state)
        root = jax.tree.map(jnp.sqrt, D)

        def gradient(w: Params) -> Params:
            return posterior.value_and_gradient(w, batch)[1]

        _, hessian = jax.linearize(gradient, state.position)

        def H(v: Params) -> Params:
            return _times(root, hessian(_times(root, v)))

        pull = jax.tree.map(lambda x: jnp.asarray(posterior.gamma, x.dtype) * x, posterior.displacement(state.position))
        slope = posterior.clamp(jax.tree.map(jnp.subtract, state.gradient, pull))
        held = jax.tree.map(lambda d: jnp.asarray(posterior.gamma, d.dtype) * d, D)
        control = _control(H, (_times(root, slope), held), noise, self.epsilon, self.order)
        virial = _virial(posterior, state, D, self.epsilon)
        added = jnp.stack([jnp.ones_like(control), control, *virial]).astype(remembered.sums.dtype)
        state = self.own.step(key, posterior, state)
        return state._replace(memory=Controls(state.memory, jax.random.key_data(batch_key), remembered.sums + added))

    def virial(self, posterior: LocalPosterior, state: State) -> tuple[Scalar, Scalar]:
        return self.own.virial(posterior, state._replace(memory=state.memory.kernel))


def controlled(kernel: Langevin, *, order: int = 4) -> Controlled:
    """The kernel with the control variate of `order` Hessian-vector products a step; raises `BadInput` for other kernels."""
    if not isinstance(kernel, SGLD | Preconditioned | RMSprop):
        raise BadInput(f"martingale knows the kernels sgld, preconditioned and rmsprop, not {type(kernel).__name__}.")
    if order < 1:
        raise BadInput(
            f"martingale: order counts Hessian-vector products a step and must be at least 1; it is {order}."
        )
    return Controlled(kernel.epsilon, kernel, order)


def _control(
    H: Callable[[Params], Params], slope: tuple[Params, Params], noise: Params, epsilon: Array, order: int
) -> Scalar:
    """ξ·v/√ε + ξ·Aξ − tr A in the Krylov space of g = nβ∇L_m, H the Hessian of U; slope: g, and γD on the diagonal of H."""
    g, held = slope
    tiny = jnp.finfo(jax.tree.leaves(g)[0].dtype).tiny
    size = jnp.sqrt(dot(g, g))
    basis, images = [_scaled(1 / (size + tiny), g)], []
    for _ in range(order):
        image = H(basis[-1])
        images.append(image)
        rest = image
        for q in basis + basis:
            rest = _plus(rest, -dot(q, rest), q)
        # Once the space is exhausted what is left is rounding, and no direction.
        left, whole = jnp.sqrt(dot(rest, rest)), jnp.sqrt(dot(image, image))
        alive = left > 1e-4 * whole
        basis.append(_scaled(jnp.where(alive, 1 / (left + tiny), 0.0), rest))
    basis = basis[:order]
    T = jnp.stack([jnp.stack([dot(q, image) for image in images]) for q in basis])
    theta, s = jnp.linalg.eigh((T + T.T) / 2)
    along = s.T @ jnp.stack([dot(q, noise) for q in basis])
    # |r|², 1 but for directions that do not exist: the mean of (ξ·r)².
    norm = s.T**2 @ jnp.stack([dot(q, q) for q in basis])
    localised = jnp.stack([jnp.stack([dot(q, _times(held, p)) for p in basis]) for q in basis])
    epsilon = epsilon.astype(theta.dtype)
    curved = theta**2 / (theta**2 + (FLAT * jnp.abs(theta).max()) ** 2 + tiny)
    slow = jnp.maximum(1 - epsilon * theta / 4, 0.25)
    inverse = jnp.where(curved > 0, curved / jnp.where(theta == 0, 1.0, theta), 0.0)
    newton = inverse * s[0] * size
    share = curved - inverse * jnp.sum(s * (localised @ s), axis=0)
    linear = along * newton * (1 - epsilon * theta / 2) / slow / jnp.sqrt(epsilon)
    square = share / slow * (along**2 - norm) / 2
    return jnp.sum(linear + square)


def _virial(posterior: LocalPosterior, state: State, D: Params, epsilon: Array) -> list[Scalar]:
    """(w − w*)·Dĝ − (ε/4)|Dĝ|² − tr D of each leaf: mean 0 for a stationary chain, else −(growth of |w − w*|² per step)/ε."""
    away = posterior.displacement(state.position)

    def term(x, g, d):
        move = d * g
        return jnp.sum(x * move) - epsilon.astype(x.dtype) / 4 * jnp.sum(move**2) - jnp.sum(d)

    return jax.tree.leaves(jax.tree.map(term, away, state.gradient, posterior.clamp(D)))


def _preconditioner(kernel: Langevin, state: State) -> Params:
    match kernel:
        case Preconditioned():
            return like(kernel.D, state.position)
        case RMSprop():
            return kernel.preconditioner(state.memory)
        case _:
            return jax.tree.map(jnp.ones_like, state.position)


def _times(a: Params, b: Params) -> Params:
    return jax.tree.map(jnp.multiply, a, b)


def _scaled(c: Array, x: Params) -> Params:
    return jax.tree.map(lambda leaf: c.astype(leaf.dtype) * leaf, x)


def _plus(x: Params, c: Array, y: Params) -> Params:
    return jax.tree.map(lambda a, b: a + c.astype(a.dtype) * b, x, y)


__all__ = ["Controlled", "Controls", "blocks", "controlled", "run", "sums"]

"""Minimise a mean loss to a small gradient, so that a Taylor expansion at w* is one about a minimum.

The idea. The formulas of Section 4 start from DL(w*) = 0. Stopping where a validation loss looks flat leaves a gradient
that shifts every estimate; here the full-batch loss is minimised by L-BFGS and then polished by Newton steps, whose
linear systems are solved by conjugate gradients on Hessian-vector products. The gradient norm that was reached is part
of the answer.

Weight decay changes the minimum, so it belongs to the loss and not to the optimiser: `decayed` writes it there.
Double precision (`jax.config.update("jax_enable_x64", True)`) is needed for gradients below about 1e-4.

What a method of its own needs (one that goes on from a minimum to that of changed data, say) is public too: the loss with its
gradient, and products with the Hessian, as functions of the flat weights w, `unravel(w)` their tree.

Reading order: `decayed`, `minimise`; then `value_and_gradient`, `hessian_product`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree, Scalar
from scipy.optimize import minimize

from sampler.posterior import Example, Loss, Params, as_arrays, dot
from theory.errors import BadInput


@dataclass(frozen=True)
class Trained:
    """w*, the mean loss there, the norm of its gradient, and the evaluations of L-BFGS and Newton steps it took."""

    params: Params
    loss: float
    gradient_norm: float
    evaluations: int
    newton_steps: int

    def __str__(self) -> str:
        work = f"{self.evaluations} evaluations and {self.newton_steps} Newton steps"
        return f"loss {self.loss:.6g}, |gradient| {self.gradient_norm:.1e} after {work}"


@lru_cache(maxsize=256)
def decayed(loss: Loss, weight_decay: float) -> Loss:
    """ℓ_z(w) + (c/2)|w|², c the weight decay; the same arguments give back the same function."""

    def with_decay(params: Any, example: Any) -> Scalar:
        return loss(params, example) + weight_decay / 2 * dot(params, params)

    return with_decay


def minimise(
    loss: Loss,
    params: Params,
    data: PyTree[Array],
    *,
    tolerance: float = 1e-9,
    evaluations: int = 5000,
    newton_steps: int = 30,
    progress: Callable[[int, float], object] | None = None,
) -> Trained:
    """Minimise L_n(w) = (1/n) Σ ℓ_{z_i}(w) from `params` until |∇L_n| ≤ tolerance, or as far as the budget goes.

    progress is called as progress(evaluations so far, loss). The result says how far it got; nothing is raised for a
    gradient that stayed large. Raises `BadInput` for a loss that is not finite at the start.
    """
    start, unravel = ravel_pytree(as_arrays(params))
    data = as_arrays(data)
    count = 0

    def objective(w: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal count
        value, slope = value_and_gradient(loss, unravel, jnp.asarray(w, start.dtype), data)
        count += 1
        if progress:
            progress(count, float(value))
        return float(value), np.asarray(slope, np.float64)

    if not np.isfinite(first := objective(np.asarray(start))[0]):
        raise BadInput(f"train.minimise: the loss at the start is {first}; begin where it is finite.")
    options = {"maxiter": evaluations, "maxfun": evaluations, "maxcor": 40, "ftol": 0.0, "gtol": tolerance / 10}
    found = minimize(objective, np.asarray(start, np.float64), jac=True, method="L-BFGS-B", options=options)
    w, (value, slope), steps = jnp.asarray(found.x, start.dtype), objective(found.x), 0
    norm = float(np.linalg.norm(slope))
    while norm > tolerance and steps < newton_steps:
        trial = w - _newton_direction(loss, unravel, w, jnp.asarray(slope, w.dtype), data)
        trial_value, trial_slope = objective(np.asarray(trial))
        steps += 1
        if not (trial_norm := float(np.linalg.norm(trial_slope))) < norm:
            break
        w, value, slope, norm = trial, trial_value, trial_slope, trial_norm
    return Trained(unravel(w), value, norm, count, steps)


def _flat_loss(loss: Loss, unravel: Callable, w: Array, data: Example) -> Scalar:
    return jnp.mean(jax.vmap(loss, in_axes=(None, 0))(unravel(w), data))


@partial(jax.jit, static_argnums=(0, 1))
def value_and_gradient(
    loss: Loss, unravel: Callable[[Array], Params], w: Float[Array, " d"], data: PyTree[Array]
) -> tuple[Scalar, Float[Array, " d"]]:
    """L_n and DL_n at the flat weights w. Compiled once for the same functions and shapes."""
    return jax.value_and_grad(partial(_flat_loss, loss, unravel))(w, data)


@partial(jax.jit, static_argnums=(0, 1))
def hessian_product(
    loss: Loss, unravel: Callable[[Array], Params], w: Float[Array, " d"], data: PyTree[Array], v: Float[Array, " d"]
) -> Float[Array, " d"]:
    """D²L_n v at the flat weights w. Compiled once for the same functions and shapes."""
    gradient = jax.grad(partial(_flat_loss, loss, unravel))
    return jax.jvp(lambda w: gradient(w, data), (w,), (v,))[1]


@partial(jax.jit, static_argnums=(0, 1))
def _newton_direction(loss: Loss, unravel: Callable, w: Array, slope: Array, data: Example) -> Array:
    product = partial(hessian_product, loss, unravel, w, data)
    return jax.scipy.sparse.linalg.cg(product, slope, tol=1e-6, maxiter=2 * w.size)[0]

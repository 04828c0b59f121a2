"""Take the step size out of an estimate, to first order in ε, from the same draws.

SGLD with full gradients at step ε samples, for any U = nβL_n + (γ/2)|w − w*|² (`theory.first_order`),

    E_ε φ = ⟨φ⟩ + (ε/8) [⟨Δφ⟩ − Cov(φ, ΔU)] + O(ε²),

singular and anharmonic U included. `laplacians` are the functions to record beside φ, `mean` subtracts the bracket, estimated
from the draws themselves; what is left of the step is O(ε²). Δ is over the weights that move and exact: d Hessian-vector products
a draw.

Reading order: `laplacians` (to record), `mean` (to estimate).
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Scalar

from sampler import diagnostics
from sampler.diagnostics import Estimate
from sampler.posterior import LocalPosterior
from sampler.record import Run
from theory.errors import BadInput

MOST_WEIGHTS = 1000
ENERGY = "laplacian of U"
Function = Callable[[Any], Scalar]


def laplacians(posterior: LocalPosterior, observables: Mapping[str, Function]) -> dict[str, Function]:
    """{name: φ, "laplacian of name": Δφ, …, "laplacian of U": ΔU} for `chain.run`; "loss" (ΔL_n) is always among them.

    observables: scalar functions of the weights. Raises `BadInput` for a minibatch posterior, whose law has further terms
    of order ε, and for more than 1000 weights that move.
    """
    if posterior.batch_size is not None:
        raise BadInput("correction.laplacians: the step is known to first order for full batches; set batch_size=None.")
    moving = posterior.moving
    if moving.size > MOST_WEIGHTS:
        raise BadInput(
            f"correction.laplacians: {moving.size} weights move and {MOST_WEIGHTS} is the most for exact traces."
        )
    functions: dict[str, Function] = dict(observables)
    for name, phi in {**observables, "loss": posterior.mean_loss}.items():
        functions[f"laplacian of {name}"] = _laplacian(phi, moving)
    of_loss, d = functions["laplacian of loss"], moving.size
    functions[ENERGY] = lambda w: posterior.nbeta * of_loss(w) + posterior.gamma * d
    return functions


def mean(run: Run, name: str = "loss") -> Estimate:
    """⟨φ⟩ − (ε/8)[⟨Δφ⟩ − Cov(φ, ΔU)] with its standard error, all three from the draws of one run of SGLD.

    name: an observable given to `laplacians`, or "loss" for L_n − L_n(w*). Raises `BadInput` when its Laplacian was not recorded.
    """
    phi, of_phi, of_energy = run.trace(name), run.trace(f"laplacian of {name}"), run.trace(ENERGY)
    fluctuation = (phi - phi.mean()) * (of_energy - of_energy.mean())
    return diagnostics.mean(phi - run.epsilon / 8 * (of_phi - fluctuation))


def _laplacian(f: Function, moving: np.ndarray) -> Function:
    """w ↦ Σ_i ∂_i² f over the weights that move."""

    def laplacian(w: Any) -> Scalar:
        flat, unravel = ravel_pytree(w)
        slope = jax.grad(lambda v: f(unravel(v)))

        def second(i):
            direction = jnp.zeros_like(flat).at[i].set(1.0)
            return jax.jvp(slope, (flat,), (direction,))[1][i]

        return jnp.sum(jax.vmap(second)(jnp.asarray(moving)))

    return laplacian

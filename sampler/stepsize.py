"""A step size from the curvature of U, with the bias that it costs.

The idea. At a minimum with curvatures λ_i of U, a chain of SGLD with full gradients is stable iff u_i = ελ_i < 4 for all i, and
its LLC is ½ Σ 1/(1 − u_i/4) instead of d/2 (see `kernels.sgld`). So ε = u/λ_max with

    u = 4b/(1 + b)      makes the LLC too large by the fraction b at most,

by less where the spectrum is broad: by ½ Σ (u_i/4)/(1 − u_i/4) in all. Minibatches of size m add heat, (ε/8) tr G to leading
order, G = (nβ)²/m Cov_i(∇ℓ_i). Both are estimated here, as is λ_max, from Hessian-vector products alone:

    Lanczos from random unit vectors: the largest Ritz value is at most λ_max, and an eigenvalue lies within `residual` of it;
    Σ_i f(λ_i) = d E[zᵀf(H)z] over unit z ≈ d/P Σ_z Σ_k s_0k² f(θ_k)          (stochastic Lanczos quadrature)

What is measured is the curvature at one point, the centre by default. At a singular minimum a chain meets larger ones on its
way along the zero set: measure again at `Run.position`, and ask `diagnosis` for the bias that a run has had.

Source: Ubaru, Chen and Saad, SIAM J. Matrix Anal. 38 (2017), for the quadrature. Reading order: `suggest`, `curvature`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from sampler.kernels.kernel import noise
from sampler.posterior import LocalPosterior, Params, as_arrays, dot
from theory.errors import BadInput

EXAMPLES = 512  # examples from which the gradient noise is estimated


@dataclass(frozen=True)
class Curvature:
    """The spectrum of D²U on the weights that move, as P probes of k Ritz values see it.

    largest: the largest Ritz value, ≤ λ_max; residual: an eigenvalue lies this near to it; dimension: d
    theta, weights  (P, k): Σ_i f(λ_i) ≈ d/P Σ weights·f(theta); of_noise: tr G, 0 for a full batch
    """

    largest: float
    residual: float
    dimension: int
    theta: Float[np.ndarray, "probes k"]
    weights: Float[np.ndarray, "probes k"]
    of_noise: float

    def sum(self, f: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
        """Σ_i f(λ_i) and its standard error over the probes (NaN for one probe)."""
        values = self.dimension * np.sum(self.weights * f(self.theta), axis=1)
        spread = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")
        return float(values.mean()), spread


@dataclass(frozen=True)
class StepSize:
    """ε with what it costs: u = ελ_max; the excess of the LLC by the step, and by minibatches (absolute, to leading order)."""

    epsilon: float
    u: float
    bias: float
    step_excess: float
    step_excess_sem: float
    noise_excess: float
    curvature: Curvature

    def __str__(self) -> str:
        c = self.curvature
        return (
            f"ε = {self.epsilon:.3g}: ελ_max = {self.u:.3g} with λ_max ≥ {c.largest:.4g} (± {c.residual:.1g}); the LLC comes out "
            f"at most {100 * self.bias:.3g}% too large by the step, about {self.step_excess:.3g} ± "
            f"{self.step_excess_sem:.1g} in all"
            + (f", and about {self.noise_excess:.3g} by minibatches" if self.noise_excess else "")
            + ". The slowest direction of curvature λ takes 2/(ελ) steps to forget."
        )


def suggest(
    posterior: LocalPosterior,
    *,
    bias: float = 0.02,
    at: Params | None = None,
    key: Key[Array, ""] | int = 0,
    probes: int = 4,
    iterations: int = 30,
) -> StepSize:
    """The step of SGLD whose LLC is too large by the fraction `bias` at most (full batch, leading order): ε = 4b/((1 + b)λ_max).

    at: where the curvature is measured, the centre by default. Costs probes × iterations Hessian-vector products on all data
    (`posterior.microbatch` bounds the memory of each) and keeps `iterations` copies of the weights. Raises `BadInput` for a bias
    not in (0, 1), and where U has no positive curvature.
    """
    if not 0 < bias < 1:
        raise BadInput(f"stepsize.suggest: bias is a fraction between 0 and 1; it is {bias}.")
    found = curvature(posterior, at=at, key=key, probes=probes, iterations=iterations)
    if not found.largest > 0:
        raise BadInput(
            f"stepsize.suggest: the largest curvature found is {found.largest:.3g}; give another point as `at`, or gamma > 0."
        )
    u = 4 * bias / (1 + bias)
    epsilon = u / found.largest
    excess, sem = found.sum(lambda x: (epsilon * x / 8) / (1 - np.minimum(epsilon * x, u) / 4))
    return StepSize(epsilon, u, bias, excess, sem, epsilon / 8 * found.of_noise, found)


def curvature(
    posterior: LocalPosterior,
    *,
    at: Params | None = None,
    key: Key[Array, ""] | int = 0,
    probes: int = 4,
    iterations: int = 30,
) -> Curvature:
    """The spectrum of D²U = nβ D²L_n + γ on the weights that move, from `probes` Lanczos runs of `iterations` products each."""
    if probes < 1 or iterations < 1:
        raise BadInput(f"stepsize.curvature needs a probe and an iteration at least; it got {probes} and {iterations}.")
    w = posterior.centre if at is None else as_arrays(at)
    key = jax.random.key(key) if isinstance(key, int) else key
    d = int(posterior.dimension)
    steps = min(iterations, d)
    theta, weights, residuals = [], [], []
    for one in jax.random.split(key, probes):
        diagonal, beside = (np.asarray(x, np.float64) for x in _lanczos(posterior, w, one, steps))
        values, s = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], -1))  # of T, whose lower triangle is enough
        theta.append(values)
        weights.append(s[0] ** 2)
        residuals.append(abs(beside[-1] * s[-1, -1]))
    best = int(np.argmax([values[-1] for values in theta]))
    of_noise = 0.0 if posterior.batch_size is None else float(_noise_trace(posterior, w)) / posterior.batch_size
    return Curvature(float(theta[best][-1]), float(residuals[best]), d, np.array(theta), np.array(weights), of_noise)


@partial(jax.jit, static_argnames="steps")
def _lanczos(posterior: LocalPosterior, w: Params, key: Key[Array, ""], steps: int) -> tuple[Array, Array]:
    """The two diagonals of T from a random vector; each new vector is made orthogonal twice to all before it."""

    def H(v: Params) -> Params:
        return jax.jvp(lambda x: posterior.value_and_gradient(x, posterior.data)[1], (w,), (v,))[1]

    def unit(v: Params) -> tuple[Params, Array]:
        size = jnp.sqrt(dot(v, v))
        return jax.tree.map(lambda leaf: leaf / jnp.maximum(size, jnp.finfo(leaf.dtype).tiny), v), size

    first, _ = unit(posterior.clamp(noise(key, w)))
    held = jax.tree.map(lambda leaf: jnp.zeros((steps, *leaf.shape), leaf.dtype).at[0].set(leaf), first)

    def step(state, k):
        held, q = state
        image = H(q)
        along = dot(q, image)
        for _ in range(2):
            parts = jax.tree.map(lambda Q, x: jnp.tensordot(Q, x, axes=x.ndim), held, image)
            overlaps = jax.tree.reduce(jnp.add, parts)
            image = jax.tree.map(lambda Q, x, c=overlaps: x - jnp.tensordot(c, Q, axes=1), held, image)
        q, size = unit(image)
        held = jax.tree.map(lambda Q, x: Q.at[k + 1].set(x, mode="drop"), held, q)
        return (held, q), (along, size)

    _, found = jax.lax.scan(step, (held, first), jnp.arange(steps))
    return found


@jax.jit
def _noise_trace(posterior: LocalPosterior, w: Params) -> Array:
    """(nβ)² Σ_j Var_i(∂_jℓ_i), from at most `EXAMPLES` examples spread over the data, one at a time."""
    count = min(EXAMPLES, posterior.n)
    chosen = np.linspace(0, posterior.n - 1, count).round().astype(int)
    examples: Any = jax.tree.map(lambda leaf: leaf[chosen], posterior.data)

    def slope(example: Any) -> Params:
        return posterior.clamp(jax.grad(posterior.loss)(w, example))

    def add(total, example):
        s = slope(example)
        return (jax.tree.map(jnp.add, total[0], s), total[1] + dot(s, s)), None

    zeros = jax.tree.map(jnp.zeros_like, w)
    (mean, square), _ = jax.lax.scan(add, (zeros, jnp.zeros((), jax.tree.leaves(w)[0].dtype)), examples)
    return posterior.nbeta**2 * (square - dot(mean, mean) / count) / max(count - 1, 1)


__all__ = ["Curvature", "StepSize", "curvature", "suggest"]

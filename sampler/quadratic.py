"""What the estimators should give near a regular minimum: leading order in 1/t, at the chain's own step size.

Notation. t = nβ, H = D²L_n(w*) on the weights that move, P = H + (γ/t) I. The full-batch SGLD chain with step ε has

    t Cov(w) = S = [P (I − εtP/4)]⁻¹,        stable iff u = ε t λ_max(P) < 4

(for ε → 0, the posterior itself: S = P⁻¹), and so, with a = Dφ(w*), b = Dψ(w*), A = D²φ, B = D²ψ:

    t⟨L − L*⟩ = ½ tr(H S) + O(1/t)                                                             (LLC; eq 12)
    t Cov(φ, ψ) = aᵀ S b + O(1/t)                                                              (eq 14)
    t² Cov(L, ψ) = ½ tr(HSBS) + ½ (Sb)·(T:S) − ½ bᵀP⁻¹(T:P⁻¹HP⁻¹) − ½ (T:S)ᵀP⁻¹H S b + O(1/t)          (eq 19, φ = L)

The third term, from the third cumulant of the chain, is that of ε → 0, from which it differs by O(u²) of itself; the
others are exact in ε. At γ = 0, ε = 0 the last line is eq 21. Dense Hessians: for d up to a few thousand weights.

Reading order: `curvature`, then `Curvature.llc`, `.covariance`, `.loss_covariance`.
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from sampler.posterior import Example, LocalPosterior
from theory.errors import BadInput

LARGEST = 4000


@dataclass(frozen=True, eq=False)
class Curvature:
    """H = V diag(λ) Vᵀ on the moving weights of a posterior; `free` indexes them among all weights.

    P and S have the same eigenvectors, so one decomposition serves every γ, nβ and ε.
    """

    posterior: LocalPosterior
    free: Int[np.ndarray, " d"]
    values: Float[np.ndarray, " d"]
    vectors: Float[np.ndarray, "d d"]

    def localised(self, gamma: float) -> "Curvature":
        """The same minimum under another γ."""
        return replace(self, posterior=replace(self.posterior, gamma=gamma))

    @property
    def t(self) -> float:
        """nβ."""
        return float(self.posterior.nbeta)

    @property
    def precision(self) -> Float[np.ndarray, " d"]:
        """The eigenvalues of P = H + (γ/t) I, ascending."""
        return self.values + float(self.posterior.gamma) / self.t

    def step(self, u: float) -> float:
        """The step ε with ε t λ_max(P) = u; raises `BadInput` unless 0 < u < 4, where the chain is stable."""
        if not 0 < u < 4:
            raise BadInput(f"quadratic: the chain is stable for 0 < u = ε nβ λ_max(P) < 4; u is {u}.")
        return u / (self.t * float(self.precision[-1]))

    def spread(self, epsilon: float = 0.0) -> Float[np.ndarray, " d"]:
        """The eigenvalues of S = [P(I − εtP/4)]⁻¹; raises `BadInput` unless 0 < P and εtP < 4."""
        P = self.precision
        u = epsilon * self.t * P
        if P[0] <= 0 or u[-1] >= 4:
            raise BadInput(
                f"quadratic: P has eigenvalues {P[0]:.3g} … {P[-1]:.3g}, ε nβ λ_max = {u[-1]:.3g}; a stationary law "
                "needs them positive and the last below 4: raise gamma or lower epsilon."
            )
        return 1 / (P * (1 - u / 4))

    def llc(self, epsilon: float = 0.0) -> float:
        """½ tr(H S)."""
        return float(self.values @ self.spread(epsilon)) / 2

    def covariance(
        self, a: Float[np.ndarray, "p d"], b: Float[np.ndarray, "q d"], epsilon: float = 0.0
    ) -> Float[np.ndarray, "p q"]:
        """(1/t) aᵀ S b for the rows of a and b (eq 14)."""
        return (a @ self.vectors * self.spread(epsilon)) @ (b @ self.vectors).T / self.t

    def gradients(self, examples: Example, *, centred: bool = True) -> Float[np.ndarray, "p d"]:
        """Dℓ_z(w*) on the moving weights, for each example; minus DL_n(w*) when centred."""
        slopes = np.asarray(_slopes(self.posterior, self.free, examples))
        return slopes - np.asarray(_slope(self.posterior, self.free)) if centred else slopes

    def loss_covariance(self, examples: Example, epsilon: float = 0.0) -> Float[np.ndarray, " p"]:
        """Cov(L_n, ℓ_z − L_n) to order t⁻² (eq 19 with φ = L_n) for each example, −χ_z; loss²."""
        s, h, p, V = self.spread(epsilon), self.values, self.precision, self.vectors
        shs = s * h * s
        directions = jnp.asarray(V.T)
        # Rows v_kᵀ D²ℓ_z v_k and D(v_kᵀ D²L v_k): for M = V diag(m) Vᵀ, tr(M D²ℓ_z) and T:M are m @ rows.
        curved = shs @ np.asarray(_curvings(self.posterior, self.free, directions, examples)) - shs @ h
        bends = np.asarray(_bends(self.posterior, self.free, directions)) @ V
        linear = s * (s @ bends) - (h / p**2 @ bends) / p - s * h / p * (s @ bends)
        return (curved + self.gradients(examples) @ V @ linear) / (2 * self.t**2)


def curvature(posterior: LocalPosterior) -> Curvature:
    """The eigensystem of D²L_n(w*) on the weights that move; raises `BadInput` for more than 4000 of them."""
    free = posterior.moving
    if len(free) > LARGEST:
        raise BadInput(
            f"quadratic.curvature forms a dense Hessian; {len(free)} weights move and {LARGEST} is the most."
        )
    H = np.asarray(_hessian(posterior, free), np.float64)
    values, vectors = np.linalg.eigh((H + H.T) / 2)
    return Curvature(posterior, free, values, vectors)


def _dtype(posterior: LocalPosterior) -> jnp.dtype:
    return ravel_pytree(posterior.centre)[0].dtype


def _mean(posterior: LocalPosterior, free: Array, v: Array, examples: Example | None = None) -> Array:
    """L_n(w* + v), v on the moving weights."""
    flat, unravel = ravel_pytree(posterior.centre)
    return posterior.mean_loss(unravel(flat.at[free].add(v)), examples)


@jax.jit
def _hessian(posterior: LocalPosterior, free: Array) -> Array:
    gradient = jax.grad(partial(_mean, posterior, free))
    zero = jnp.zeros(len(free), _dtype(posterior))
    columns = jnp.eye(len(free), dtype=zero.dtype)
    return jax.lax.map(lambda v: jax.jvp(gradient, (zero,), (v,))[1], columns, batch_size=16)


@jax.jit
def _slope(posterior: LocalPosterior, free: Array) -> Array:
    return jax.grad(partial(_mean, posterior, free))(jnp.zeros(len(free), _dtype(posterior)))


@jax.jit
def _slopes(posterior: LocalPosterior, free: Array, examples: Example) -> Array:
    zero = jnp.zeros(len(free), _dtype(posterior))

    def slope(example: Example) -> Array:
        alone = jax.tree.map(lambda leaf: leaf[None], example)
        return jax.grad(lambda v: _mean(posterior, free, v, alone))(zero)

    return jax.lax.map(slope, examples)


@jax.jit
def _curvings(posterior: LocalPosterior, free: Array, directions: Array, examples: Example) -> Array:
    """vᵀ D²ℓ_z v at w*, for each direction v and each example."""
    flat, unravel = ravel_pytree(posterior.centre)
    zero = jnp.zeros(len(free), directions.dtype)

    def losses(w: Array) -> Array:
        return posterior.losses(unravel(flat.at[free].add(w)), examples)

    def curving(v: Array) -> Array:
        return jax.jvp(lambda x: jax.jvp(losses, (x,), (v,))[1], (zero,), (v,))[1]

    return jax.lax.map(curving, directions, batch_size=16)


@jax.jit
def _bends(posterior: LocalPosterior, free: Array, directions: Array) -> Array:
    """D(vᵀ D²L v) at w*, for each direction v."""
    loss = partial(_mean, posterior, free)
    zero = jnp.zeros(len(free), directions.dtype)

    def bend(v: Array) -> Array:
        def along(w: Array) -> Array:
            return jax.jvp(lambda x: jax.jvp(loss, (x,), (v,))[1], (w,), (v,))[1]

        return jax.grad(along)(zero)

    return jax.lax.map(bend, directions, batch_size=16)

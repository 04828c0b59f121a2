"""From the minimum of some data to that of other weights of the same data, and never off the branch that joins them.

The branch. w*(sh), 0 ≤ s ≤ 1, leaves w* = w*(0) as a smooth curve as long as the Hessian of L_{sh} stays positive definite. A
minimiser that is let loose on L_h may end in another basin; here s rises in steps, and each step is taken by Newton's method and
only accepted where that contracts from its first move on (Deuflhard, Newton Methods for Nonlinear Problems, 2004, §2.1):

    θ = |δ_{k+1}|/|δ_k| ≤ ½ for all moves δ_k,     |x|² = xᵀHx, H the Hessian at w*

Otherwise, or where conjugate gradients meet a direction of no curvature, the step is halved. Below `SHORTEST` the branch is said
to end: at a fold, if the curvature along its own tangent has fallen to little of what it was at w* (`softness`).

Linear systems are solved by conjugate gradients with H⁻¹ in front (single precision is enough for that): some ten products.

A symmetry. Rotations of the ten coordinates of the embedding, undone in the first layer, change neither a loss nor |w|²: a minimum
is an orbit of them, and H vanishes along its 45 directions Q at w*. (λ/2)|Qᵀ(w − w*)|² is added to each loss. It takes one point of
the orbit and moves no value: where the sum is stationary, Qᵀ(w − w*) = 0, since gradients of losses are orthogonal to the orbit.

Reading order: `Frame`, `follow`, `solve`.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ledger.experiments.names.problem import Problem, with_weights
from sampler import train
from theory.errors import BadInput

TOLERANCE = 1e-9  # of |∇L_h| at the end of the branch; its sum with λQQᵀ(w − w*) goes to half of that
ON_THE_WAY = 1e-6
SHORTEST = 1 / 64
MOVES = 15
Vector = Float[np.ndarray, " d"]


class Frame(NamedTuple):
    """w*, H + λQQᵀ, its inverse in single precision, and √λ Q."""

    w: Vector
    H: Float[np.ndarray, "d d"]
    inverse: Float[np.ndarray, "d d"]
    held: Float[np.ndarray, "d k"]

    def size(self, x: np.ndarray) -> np.ndarray:
        """|x|, of each row."""
        return np.sqrt(np.einsum("...i,...i->...", x @ self.H, x))

    def preconditioned(self, r: Vector) -> Vector:
        """H⁻¹r in single precision."""
        return (self.inverse @ r.astype(np.float32)).astype(float)

    def gradient(self, p: Problem, w: Vector, data: Any) -> Vector:
        """∇L_h + λQQᵀ(w − w*)."""
        slope = np.asarray(train.value_and_gradient(p.weighted, p.unravel, jnp.asarray(w), data)[1])
        return slope + self.held @ (self.held.T @ (w - self.w))

    def product(self, p: Problem, w: Vector, data: Any, v: Vector) -> Vector:
        """(∇²L_h + λQQᵀ)v."""
        bent = train.hessian_product(p.weighted, p.unravel, jnp.asarray(w), data, jnp.asarray(v))
        return np.asarray(bent) + self.held @ (self.held.T @ v)


class Followed(NamedTuple):
    """Where a branch was followed to: s (1 at its end), w, |∇L_{sh}|, accepted steps, and products with Hessians in all.

    softness: xᵀ∇²L x/xᵀHx there for the softest x that two inverse iterations from the tangent find; 1 where the end was reached.
    """

    s: float
    w: Vector
    gradient: float
    steps: int
    products: int
    softness: float = 1.0


def follow(p: Problem, at: Frame, h: Float[np.ndarray, " n"]) -> Followed:
    """w*(h) along its branch, or as far as that goes."""
    w, s, step, steps, products = at.w, 0.0, 1.0, 0, 0
    norm = float(np.linalg.norm(at.gradient(p, w, with_weights(p))))
    while s < 1 and step >= SHORTEST:
        wanted = min(1.0, s + step)
        tolerance = TOLERANCE / 2 if wanted == 1 else ON_THE_WAY
        found, reached, spent = _newton(p, at, w, with_weights(p, wanted * h), tolerance)
        products += spent
        if reached <= tolerance:
            w, norm, s, step, steps = found, reached, wanted, 2 * step, steps + 1
        else:
            step /= 2
    found = Followed(s, w, norm, steps, products)
    return found if s == 1 else found._replace(softness=_softness(p, at, w, h, s))


def _softness(p: Problem, at: Frame, w: Vector, h: Float[np.ndarray, " n"], s: float) -> float:
    data = with_weights(p, s * h)
    b = at.gradient(p, w, with_weights(p, h)) - at.gradient(p, w, data)
    x, _ = solve(p, at, w, data, b)
    x, _ = solve(p, at, w, data, at.H @ x / at.size(x))
    return float(x @ at.product(p, w, data, x) / at.size(x) ** 2)


def _newton(p: Problem, at: Frame, w: Vector, data: Any, tolerance: float) -> tuple[Vector, float, int]:
    """(w, |gradient|, products); the gradient is infinite where the moves do not contract."""
    last, products = np.inf, 0
    slope = at.gradient(p, w, data)
    for _ in range(MOVES):
        if (norm := float(np.linalg.norm(slope))) <= tolerance:
            return w, norm, products
        try:
            move, spent = solve(p, at, w, data, -slope)
        except BadInput:
            break
        length, products = float(at.size(move)), products + spent
        # Below the rounding of the gradient, lengths say nothing.
        if not length <= last / 2 and norm > 100 * tolerance:
            break
        w, last = w + move, length
        slope = at.gradient(p, w, data)
    return w, np.inf, products


def solve(
    p: Problem, at: Frame, w: Vector, data: Any, b: Vector, *, accuracy: float = 1e-2, most: int = 300
) -> tuple[Vector, int]:
    """x with (∇²L_h(w) + λQQᵀ)x = b, to `accuracy` in the norm of H⁻¹, and how many products it took.

    Raises `BadInput` where a direction without positive curvature is met: w is near no minimum of L_h.
    """
    x, r = np.zeros_like(b), b
    z = at.preconditioned(r)
    v, rz = z, float(r @ z)
    goal = accuracy**2 * rz
    for count in range(most):
        if rz <= goal:
            return x, count
        Av = at.product(p, w, data, v)
        if not (curvature := float(v @ Av)) > 0:
            raise BadInput(
                "names: the Hessian of the changed loss is not positive definite here; take smaller changes."
            )
        alpha = rz / curvature
        x, r = x + alpha * v, r - alpha * Av
        z = at.preconditioned(r)
        rz, old = float(r @ z), rz
        v = z + rz / old * v
    return x, most

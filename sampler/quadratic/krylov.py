"""Linear algebra with the precision known by its products alone: conjugate gradients for many right-hand sides, Lanczos.

The operator is the precision in the coordinates of the chain, w − w* = D^{1/2} x,

    P x = D^{1/2} H D^{1/2} x + c D x,     c = γ/t,

at one Hessian-vector product each. `solve` finds (αI + βP) x = b for all rows b at once and hands back the *true* residual
b − (αI + βP) x, computed anew, so that rounding shows; and the lowest Rayleigh quotient that it met, whose sign tells whether the
operator is positive.

Reading order: `Precision`, `solve`, `forms` and `pairs`, `Scale`, `ends`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Scalar

from sampler.kernels.kernel import pytree
from sampler.quadratic import derivatives
from sampler.quadratic.derivatives import Site


@pytree
@dataclass(frozen=True, eq=False)
class Precision:
    """P at a site; root = D^{1/2} on the moving weights, confinement = γ/t."""

    site: Site
    root: Float[Array, " d"]
    confinement: Scalar

    def __call__(self, x: Float[Array, "k d"]) -> Float[Array, "k d"]:
        w = self.root * x
        return self.root * (derivatives.products(self.site, w) + self.confinement * w)


class Solved(NamedTuple):
    """b, x and b − (αI + βP)x, rows; the lowest Rayleigh quotient of αI + βP met on the way, and the iterations."""

    b: np.ndarray
    x: np.ndarray
    residual: np.ndarray
    lowest: float
    iterations: int


class Scale(NamedTuple):
    """The lowest and the highest eigenvalue of an operator A, and the relative rounding η of its products."""

    least: float
    most: float
    rounding: float

    def bound(self, x: Solved, y: Solved) -> np.ndarray:
        """Of the error of a·A⁻¹b for all pairs of rows: |r_a||r_b|/least + η (most |x_a||x_b| + |a||x_b| + |x_a||b|)."""
        (a, r, x_a), (b, s, x_b) = ([np.linalg.norm(v, axis=1) for v in (w.b, w.residual, w.x)] for w in (x, y))
        rounded = self.most * np.outer(x_a, x_b) + np.outer(a, x_b) + np.outer(x_a, b)
        return np.outer(r, s) / self.least + self.rounding * rounded


class Sides(NamedTuple):
    """Sb for rows b in two parts: P⁻¹b, and (I − eP/4)⁻¹b with the factor e/4; None at ε = 0, where it is b itself times 0."""

    inverse: Solved
    bounded: Solved | None
    quarter: float

    @property
    def value(self) -> np.ndarray:
        """Sb."""
        return self.inverse.x + (self.quarter * self.bounded.x if self.bounded else 0)


class Ritz(NamedTuple):
    """An extreme Ritz value θ and the norm r of its residual: P has an eigenvalue in [θ − r, θ + r].

    The highest θ lies below λ_max and the lowest above λ_min.
    """

    value: float
    residual: float


def solve(
    P: Precision, b: Any, shift: tuple[float, float] = (0.0, 1.0), *, tolerance: float, limit: int = 10_000
) -> Solved:
    """(αI + βP) x = b for each row b, to |residual| ≤ tolerance |b| or as far as `limit` iterations go; (α, β) = shift.

    Stops where a Rayleigh quotient is not positive: the caller looks at `lowest`.
    """
    b = jnp.asarray(b, P.site.zero.dtype)
    *rows, lowest, iterations = _conjugate_gradients(P, b, jnp.asarray(shift, b.dtype), tolerance, limit)
    b, x, residual = (np.asarray(v, np.float64) for v in (b, *rows))
    return Solved(b, x, residual, float(lowest), int(iterations))


@jax.jit
def _conjugate_gradients(
    P: Precision, b: Array, shift: Array, tolerance: float, limit: int
) -> tuple[Array, Array, Array, Array]:
    def apply(x: Array) -> Array:
        return shift[0] * x + shift[1] * P(x)

    enough = tolerance**2 * jnp.sum(b * b, axis=1)

    def unfinished(state: tuple) -> Array:
        _, _, _, rr, lowest, k = state
        return (k < limit) & (lowest > 0) & jnp.any(rr > enough)

    def step(state: tuple) -> tuple:
        x, r, q, rr, lowest, k = state
        active = rr > enough  # a finished row stays as it is
        Aq = apply(q)
        curved, length = jnp.sum(q * Aq, axis=1), jnp.sum(q * q, axis=1)
        quotient = jnp.where(active, curved / jnp.where(length > 0, length, 1), jnp.inf)
        alpha = jnp.where(active & (curved > 0), rr / jnp.where(curved > 0, curved, 1), 0)[:, None]
        x, r = x + alpha * q, r - alpha * Aq
        after = jnp.sum(r * r, axis=1)
        q = jnp.where(active[:, None], r + (after / jnp.where(rr > 0, rr, 1))[:, None] * q, q)
        return x, r, q, after, jnp.minimum(lowest, jnp.min(quotient)), k + 1

    start = (jnp.zeros_like(b), b, b, jnp.sum(b * b, axis=1), jnp.asarray(jnp.inf, b.dtype), jnp.zeros((), int))
    x, _, _, _, lowest, k = jax.lax.while_loop(unfinished, step, start)
    return x, b - apply(x), lowest, k


@jax.jit
def _apply(P: Precision, x: Array) -> Array:
    return P(x[None])[0]


def forms(x: Solved) -> np.ndarray:
    """b·A⁻¹b row by row from A x = b − r: b·x + x·r, up to r·A⁻¹r."""
    return np.sum((x.b + x.residual) * x.x, axis=1)


def pairs(x: Solved, y: Solved) -> np.ndarray:
    """a·A⁻¹b for all pairs of rows, up to r_a·A⁻¹r_b."""
    return x.b @ y.x.T + x.x @ y.residual.T


def ends(key: Key[Array, ""], P: Precision, steps: int) -> tuple[Ritz, Ritz]:
    """The lowest and the highest Ritz value after `steps` steps of Lanczos with full reorthogonalisation, from a random start."""
    d, dtype = P.root.shape[0], P.site.zero.dtype
    steps = min(steps, d)
    basis, alpha, beta = np.zeros((steps, d)), np.zeros(steps), np.zeros(steps)
    q = np.asarray(jax.random.normal(key, (d,)), np.float64)
    q = q / np.linalg.norm(q)
    for k in range(steps):
        basis[k] = q
        r = np.array(_apply(P, jnp.asarray(q, dtype)), np.float64)
        alpha[k] = q @ r
        for _ in range(2):  # twice is enough
            r -= basis[: k + 1].T @ (basis[: k + 1] @ r)
        beta[k] = np.linalg.norm(r)
        if beta[k] <= 1e-14 * np.abs(alpha[: k + 1]).max():
            steps = k + 1
            break
        q = r / beta[k]
    T = np.diag(alpha[:steps]) + np.diag(beta[: steps - 1], 1) + np.diag(beta[: steps - 1], -1)
    values, vectors = np.linalg.eigh(T)
    # Products are rounded, and the Ritz values with them.
    residuals = np.abs(beta[steps - 1] * vectors[-1]) + float(jnp.finfo(dtype).eps) * np.abs(values).max()
    return Ritz(float(values[0]), float(residuals[0])), Ritz(float(values[-1]), float(residuals[-1]))

"""Retraining: w*(h) for given weights of the data, to a stated gradient.

From w*(0) by L-BFGS in the coordinates y = R(w − w*), H = RᵀR the exact Hessian factorised once, in which the loss is |y|²/2 to
second order: it takes tens of evaluations and not thousands, and its line search keeps to the basin of w*. What it leaves above
`TOLERANCE` (in the norm of the gradient) is handed to `train.minimise`; the norm that was reached stands beside every answer.

A symmetry. Rotations of the ten coordinates of the embedding, undone in the first layer, change neither a loss nor |w|²: the
minimum is an orbit of them, and H vanishes along its 45 directions. All gradients are orthogonal to these, so H + λ_max QQᵀ, Q an
orthonormal basis of them, has the same solutions as H and is positive definite.

Functions: `hessian`, `rotations`, `retrained`.
"""

import time
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float
from scipy.linalg import cholesky, eigvalsh, solve_triangular
from scipy.optimize import minimize

from ledger.experiments.names.problem import Problem, Setting, losses, problem, with_weights
from sampler import train
from sampler.posterior import LocalPosterior
from sampler.quadratic import derivatives
from theory.errors import BadInput

TOLERANCE = 1e-9
STEPS = 300


def hessian(*, setting: Sequence[Any], w: np.ndarray) -> dict[str, Any]:
    """H = D²L_0(w*), exact, from d Hessian-vector products, λ_max QQᵀ added; the extreme eigenvalues, and |HQ| beside them."""
    p, began = problem(Setting(*setting)), time.process_time()
    posterior = LocalPosterior(p.weighted, with_weights(p), p.unravel(jnp.asarray(w)), 1.0, 0.0)
    site = derivatives.Site.of(posterior, min(p.setting.n, 500), 16)
    H = np.asarray(derivatives.products(site, jnp.eye(p.size)))
    H = (H + H.T) / 2
    Q, (highest,) = rotations(p, w), eigvalsh(H, subset_by_index=[p.size - 1] * 2)
    along = float(np.abs(H @ Q).max()) if Q.size else 0.0
    H += highest * Q @ Q.T
    (lowest,) = eigvalsh(H, subset_by_index=[0, 0])
    spent = time.process_time() - began
    return {"H": H, "lowest": lowest, "highest": highest, "symmetric": Q.shape[1], "along": along, "seconds": spent}


def rotations(p: Problem, w: np.ndarray) -> Float[np.ndarray, "d 45"]:
    """An orthonormal basis of the directions (CA, −A W) of the orbit, A antisymmetric; empty unless both layers are trained."""
    if not {"embedding", "layer0"} <= set(p.setting.layers):
        return np.zeros((p.size, 0))
    params, directions = p.unravel(jnp.asarray(w)), []
    C, W = params["embedding"]["weight"], params["layer0"]["weight"]
    still, width = jax.tree.map(jnp.zeros_like, params), C.shape[1]
    for i, j in combinations(range(width), 2):
        A = jnp.zeros((width, width)).at[i, j].set(1.0).at[j, i].set(-1.0)
        moved = jnp.einsum("ij,pjk->pik", -A, W.reshape(2, width, -1)).reshape(W.shape)
        tangent = {**still, "embedding": {"weight": C @ A}, "layer0": {**still["layer0"], "weight": moved}}
        directions.append(ravel_pytree(tangent)[0])
    return np.linalg.qr(np.array(directions).T)[0]


def retrained(
    *, setting: Sequence[Any], w: np.ndarray, H: np.ndarray, h: np.ndarray, progress: Any = None
) -> dict[str, Any]:
    """w*(h) for each row of h: the losses of the queries there, the norm of the gradient, steps, distance |w*(h) − w*|.

    Raises `BadInput` where H is not positive definite: then w* is no minimum.
    """
    p, began = problem(Setting(*setting)), time.process_time()
    try:
        R = cholesky(H)
    except np.linalg.LinAlgError:
        raise BadInput(
            "names: the Hessian at w* is not positive definite: w* is no minimum; raise the weight decay."
        ) from None
    rows = [_minimum(p, w, R, row) for row in h]
    numbers = {
        name: np.array([row[i] for row in rows])
        for i, name in enumerate(("queries", "gradient", "evaluations", "moved"))
    }
    return numbers | {"seconds": time.process_time() - began}


def _minimum(p: Problem, start: np.ndarray, R: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, float, int, float]:
    data, count, reached = with_weights(p, h), 0, (start, np.inf)

    def objective(y: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal count, reached
        w = start + solve_triangular(R, y)
        value, slope = train._value_and_gradient(p.weighted, p.unravel, jnp.asarray(w), data)
        slope, count = np.asarray(slope), count + 1
        if (norm := float(np.linalg.norm(slope))) < reached[1]:
            reached = w, norm
        return float(value), solve_triangular(R, slope, trans="T")

    options = {"maxiter": STEPS, "maxfun": STEPS, "maxcor": 30, "ftol": 0.0, "gtol": TOLERANCE / 30}
    minimize(objective, np.zeros(len(start)), jac=True, method="L-BFGS-B", options=options)
    w, norm = reached
    if norm > TOLERANCE:
        found = train.minimise(p.weighted, p.unravel(jnp.asarray(w)), data, tolerance=TOLERANCE)
        w, norm, count = np.asarray(ravel_pytree(found.params)[0]), found.gradient_norm, count + found.evaluations
    queries = np.asarray(losses(p.ell, p.unravel, jnp.asarray(w), p.queries))
    return queries, norm, count, float(np.linalg.norm(w - start))

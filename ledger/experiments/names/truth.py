"""Retraining: w*(h) for given weights of the data, to a stated gradient, on the branch that leaves w*.

The exact Hessian at w* is made once; `newton` goes from w* to w*(h) with it. Where a branch ends before the change is made, the
minimum that L-BFGS reaches from there is taken, and said to be another one.

Functions: `hessian`, `frame`, `rotations`, `at_rest`, `retrained`.
"""

import time
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve, eigvalsh

from ledger.experiments.names.newton import TOLERANCE, Frame, follow
from ledger.experiments.names.problem import Problem, Setting, losses, problem, with_weights
from sampler import train
from sampler.posterior import LocalPosterior
from sampler.quadratic import derivatives
from theory.errors import BadInput


def hessian(*, setting: Sequence[Any], w: np.ndarray) -> dict[str, Any]:
    """H = D²L_0(w*), exact, from d Hessian-vector products, λQQᵀ added, λ = λ_max; its inverse in single precision, √λ Q.

    The extreme eigenvalues, and |HQ| before, stand beside them. Raises `BadInput` where w* is no minimum.
    """
    p, began = problem(Setting(*setting)), time.process_time()
    posterior = LocalPosterior(p.weighted, with_weights(p), p.unravel(jnp.asarray(w)), 1.0, 0.0)
    site = derivatives.Site.of(posterior, min(p.setting.n, 500), 16)
    H = np.asarray(derivatives.products(site, jnp.eye(p.size)))
    H = (H + H.T) / 2
    Q, (highest,) = rotations(p, w), eigvalsh(H, subset_by_index=[p.size - 1] * 2)
    along = float(np.abs(H @ Q).max()) if Q.size else 0.0
    held = np.sqrt(highest) * Q
    H += held @ held.T
    try:
        inverse = cho_solve(cho_factor(H), np.eye(p.size))
    except np.linalg.LinAlgError:
        raise BadInput(
            "names: the Hessian at w* is not positive definite: w* is no minimum; raise the weight decay."
        ) from None
    return {
        "H": H, "inverse": inverse.astype(np.float32), "held": held, "lowest": eigvalsh(H, subset_by_index=[0, 0])[0],
        "highest": highest, "symmetric": Q.shape[1], "along": along, "seconds": time.process_time() - began,
    }  # fmt: skip


def frame(w: np.ndarray, curved: Mapping[str, np.ndarray]) -> Frame:
    """What `newton` works with, from the answer of `hessian`."""
    return Frame(w, *(np.asarray(curved[name]) for name in ("H", "inverse", "held")))


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


def at_rest(setting: Setting, w: np.ndarray) -> np.ndarray:
    """φ_q(w*)."""
    p = problem(setting)
    return np.asarray(losses(p.ell, p.unravel, jnp.asarray(w), p.queries))


def retrained(*, setting: Sequence[Any], at: Sequence[np.ndarray], h: np.ndarray) -> dict[str, Any]:
    """w*(h) for each row of h: the losses of the queries there, |∇L_h|, steps of weight, products with Hessians, |w*(h) − w*|.

    "branch" is the part of the change that the branch from w* was followed to, 1 where its end was reached; "softness" as in
    `newton`.
    """
    p, known, began = problem(Setting(*setting)), Frame(*at), time.process_time()
    names = ("queries", "gradient", "branch", "softness", "steps", "products", "moved")
    rows = [_minimum(p, known, row) for row in h]
    return dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True)) | {
        "seconds": time.process_time() - began
    }


def _minimum(p: Problem, at: Frame, h: np.ndarray) -> tuple[np.ndarray, float, float, float, int, int, float]:
    s, w, _, steps, products, softness = follow(p, at, h)
    data = with_weights(p, h)
    if s < 1:
        found = train.minimise(p.weighted, p.unravel(jnp.asarray(w)), data, tolerance=TOLERANCE)
        w = np.asarray(ravel_pytree(found.params)[0])
    slope = np.asarray(train.value_and_gradient(p.weighted, p.unravel, jnp.asarray(w), data)[1])
    queries = np.asarray(losses(p.ell, p.unravel, jnp.asarray(w), p.queries))
    return queries, float(np.linalg.norm(slope)), s, softness, steps, products, float(np.linalg.norm(w - at.w))

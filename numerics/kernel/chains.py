"""Which chains the kernel takes: preconditioners, batches and noise, and what has no stationary law.

Reading order: `preconditioner_of`, `frame_of`, `batches_of`, `refuse_far_growth`.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from flint import arb

from numerics.kernel.points import Vector, vector
from numerics.kernel.transition import Step
from theory.errors import BadInput
from theory.jets import exact

FAR = (10**4, 10**6, 10**8)


def preconditioner_of(given: Any, d: int) -> sp.Matrix:
    D = (
        sp.eye(d)
        if given is None
        else sp.Matrix([given] if isinstance(given, int | sp.Expr) else given).applyfunc(exact)
    )
    if D.shape != (d, d) or D.free_symbols:
        raise BadInput(f"the preconditioner is a constant {d} × {d} matrix; it was given {D.tolist()}")
    return D


def frame_of(D: sp.Matrix, H: sp.Matrix) -> tuple[tuple[tuple[sp.Expr, ...], ...], list[float]]:
    """C with CCᵀ = D exactly and CᵀHC nearly diagonal, and that diagonal: D^{1/2} (Cholesky) times a rational rotation."""
    root = D.cholesky()
    if D.rows == 1:
        return ((root[0, 0],),), [float(D[0, 0] * H[0, 0])]
    M = np.array((root.T * H * root).evalf().tolist(), float)
    half_angle = math.atan2(2 * M[0, 1], M[0, 0] - M[1, 1]) / 4
    tau = sp.Rational(round(math.tan(half_angle) * 64), 64)
    c, s = (1 - tau**2) / (1 + tau**2), 2 * tau / (1 + tau**2)
    rotation = sp.Matrix([[c, -s], [s, c]])
    C = (root * rotation).applyfunc(sp.nsimplify)
    R = np.array(rotation.tolist(), float)
    return tuple(tuple(row) for row in C.tolist()), list(np.diag(R.T @ M @ R))


def batches_of(loss: sp.Expr, losses: Any, batch: int | None, noise: Any, d: int) -> tuple[tuple[sp.Expr, ...], int]:
    if (losses is None) != (batch is None):
        raise BadInput("minibatches need both `losses` and `batch`; one of them is missing")
    if noise and any(len(indices) != 2 for indices in noise):
        raise BadInput("the kernel takes Gaussian noise, pairs (i, j) only; give `losses` and `batch` for the real one")
    for indices, value in (noise or {}).items():
        if not all(index in range(d) for index in indices):
            raise BadInput(f"the noise of the gradient has the indices 0 to {d - 1}; it was given {indices}")
        if len(set(indices)) == 1 and exact(value).is_negative:
            raise BadInput(f"a variance cannot be negative; the noise {indices} is {value}")
    if losses is None or batch is None:
        return (), 1
    if noise:
        raise BadInput("gradient noise is either `noise` or that of `losses` and `batch`, not both")
    if not isinstance(batch, int) or batch < 1:
        raise BadInput(f"a batch holds at least one loss; it was given {batch}")
    parts = tuple(exact(part) for part in losses)
    if not parts:
        raise BadInput("`losses` is empty; the chain's drift is the mean gradient of at least one")
    if sp.simplify(sp.Add(*parts) / len(parts) - loss).free_symbols:
        raise BadInput("the mean of `losses` is not `loss`; the chain's drift is the mean gradient")
    return parts, batch


def refuse_far_growth(step: Step) -> None:
    """Far out each gradient must grow at most linearly and the mean step must contract."""
    angles = [0, 3, 6, 9] if step.d == 1 else list(range(12))
    rays = [(math.cos(math.pi * k / 6 + 0.1 * (step.d - 1)), math.sin(math.pi * k / 6 + 0.1)) for k in angles]
    rays = [(math.copysign(1, r[0]),) for r in rays] if step.d == 1 else rays
    for ray in rays:
        y = [vector([arb(c) * far for far in FAR]) for c in ray]
        norms = [float(sum((c[k] ** 2 for c in y), arb(0)).sqrt()) for k in range(len(FAR))]
        for kick in [[a - b for a, b in zip(y, step.drift(y), strict=True)], *step.kicks(y)]:
            ratios = [_norm(kick, k) / norms[k] for k in range(len(FAR))]
            if ratios[2] > 8 * ratios[1] > 64 * ratios[0]:
                raise BadInput(
                    "the gradient grows faster than linearly, so the explicit chain has no stationary law: it escapes; "
                    "take a loss with bounded Hessian"
                )
        if _norm(step.drift(y), 2) > 1.0001 * norms[2]:
            raise BadInput(
                "far out the step moves away from w*, so the chain has no stationary law; take a smaller e or a larger gamma"
            )


def _norm(y: Sequence[Vector], k: int) -> float:
    return float(sum((c[k] ** 2 for c in y), arb(0)).sqrt().mid())

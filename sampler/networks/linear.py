"""Deep linear networks, x ↦ W_L ⋯ W_1 x, and true parameters at which their learning coefficient is known.

The idea. With inputs of covariance I and targets C x the mean loss is, for any number of examples and without a single one of them,

    K(w) = ½ |W_L ⋯ W_1 − C|²      (`distance`, with C for its one example)

so its learning coefficient is Aoyagi's (`theory.known.deep_linear`). The zero set {W_L ⋯ W_1 = C} is singular and not all of its
points are alike: the local coefficient λ(w*) is smallest where every layer has the least rank that it can have, the rank r of C.
There are both kinds here:

    balanced   every layer is diag(c_1^{1/L}, …, c_r^{1/L}, 0, …): the most singular point, λ(w*) is Aoyagi's λ
    lopsided   identities, and all of C in the last layer: λ(w*) is larger, that of a smooth zero set

and `local_threshold` says λ(w*) for two layers of any ranks. A sampler that starts at a lopsided point and stays near it sees that
larger λ; one that wanders over the zero set, as it does for t → ∞ at fixed γ, sees the smallest λ that it can reach.

Layers are {"layer0": W_1, …}, W_l of shape (H_l, H_{l−1}).

Source: M. Aoyagi, Consideration on the learning efficiency of multiple-layered neural networks with linear units (2024).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
import sympy as sp
from jaxtyping import Array, Float, Scalar

from theory import known
from theory.errors import BadInput

Layers = dict[str, Any]  # {"layer0": Float[Array, "out in"], …}


def product(params: Layers) -> Float[Array, "out in"]:
    """W_L ⋯ W_1."""
    first, *rest = (params[f"layer{i}"] for i in range(len(params)))
    for layer in rest:
        first = layer @ first
    return first


def apply(params: Layers, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
    """W_L ⋯ W_1 x for one example, layer by layer."""
    for i in range(len(params)):
        x = params[f"layer{i}"] @ x
    return x


def squared_error(params: Layers, example: tuple[Float[Array, " inputs"], Float[Array, " outputs"]]) -> Scalar:
    """ℓ_{(x, y)}(w) = ½ |y − W_L ⋯ W_1 x|²."""
    x, y = example
    return jnp.sum((y - apply(params, x)) ** 2) / 2


def distance(params: Layers, target: Float[Array, "out in"]) -> Scalar:
    """K(w) = ½ |W_L ⋯ W_1 − C|²: the mean of `squared_error` over inputs of covariance I with the targets C x."""
    return jnp.sum((product(params) - target) ** 2) / 2


def target(widths: Sequence[int], strengths: Sequence[float]) -> Float[np.ndarray, "out in"]:
    """C = diag(c_1, …, c_r, 0, …); any other C of that rank is this one in other coordinates. Raises `BadInput` for r too large."""
    _checked(widths, strengths)
    C = np.zeros((widths[-1], widths[0]))
    np.fill_diagonal(C[: len(strengths), : len(strengths)], strengths)
    return C


def balanced(widths: Sequence[int], strengths: Sequence[float]) -> Layers:
    """The most singular true parameter: each layer diag(c_1^{1/L}, …, c_r^{1/L}, 0, …)."""
    _checked(widths, strengths)
    root = np.asarray(strengths, float) ** (1 / (len(widths) - 1))
    layers = {}
    for i, (below, above) in enumerate(pairwise(widths)):
        layers[f"layer{i}"] = target((below, above), root.tolist())
    return layers


def lopsided(widths: Sequence[int], strengths: Sequence[float]) -> Layers:
    """A true parameter with all of C in the last layer and identities below: full ranks, λ(w*) = inputs × outputs/2, m = 1.

    Near it W_L = C (W_{L−1} ⋯ W_1)⁺ + …, a smooth zero set. Raises `BadInput` for a hidden layer narrower than the input.
    """
    if min(widths[:-1]) < widths[0]:
        raise BadInput(
            f"linear.lopsided: a hidden layer of {tuple(widths)} is narrower than the {widths[0]} inputs; take wider ones."
        )
    layers = {f"layer{i}": np.eye(above, below) for i, (below, above) in enumerate(pairwise(widths[:-1]))}
    last = np.zeros((widths[-1], widths[-2]))
    last[:, : widths[0]] = target(widths, strengths)
    return layers | {f"layer{len(layers)}": last}


def local_threshold(widths: Sequence[int], rank: int, ranks: tuple[int, int]) -> known.Threshold:
    """λ(w*), m of two layers at a true parameter with rank W_1 = a, rank W_2 = b and rank W_2W_1 = r.

    Coordinates split into a regular part and a smaller network of rank 0 at its origin:

        λ(w*) = [r(M + N) − r²]/2 + [(N − r)(a − r) + (b − r)(M − a)]/2 + λ₀(M − a, H − a − b + r, N − b)

    M inputs, H hidden units, N outputs, λ₀ Aoyagi's λ at rank 0 (0 without hidden units, inputs or outputs). a = b = r gives
    Aoyagi's λ of rank r itself. Raises `BadInput` for ranks that no such parameter has.
    """
    M, H, N = widths
    a, b = ranks
    if not (rank <= min(a, b) and a <= min(M, H) and b <= min(H, N) and a + b - rank <= H):
        raise BadInput(
            f"linear.local_threshold: widths {tuple(widths)} have no layers of ranks {ranks} with a product of rank {rank}."
        )
    left = (M - a, H - a - b + rank, N - b)
    inner = known.reduced_rank(*left, 0) if min(left) else known.Threshold(sp.Integer(0), 1)
    regular = rank * (M + N) - rank**2 + (N - rank) * (a - rank) + (b - rank) * (M - a)
    return known.Threshold(sp.Rational(regular, 2) + inner.value, inner.multiplicity)


def _checked(widths: Sequence[int], strengths: Sequence[float]) -> None:
    if len(widths) < 2 or min(widths) < 1:
        raise BadInput(f"linear: widths need at least an input and an output, all positive; got {tuple(widths)}.")
    if len(strengths) > min(widths):
        raise BadInput(f"linear: rank {len(strengths)} is above the width {min(widths)} of a layer of {tuple(widths)}.")

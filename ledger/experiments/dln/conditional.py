"""The local posterior of a deep linear network, sampled without a step size: a second road to nβ⟨K⟩ at any temperature.

Idea
----
Under exp(−tK(w) − (γ/2)|w − w*|²), K = ½|W_L ⋯ W_1 − C|², one layer given the others is Gaussian. With A W_l B the product, and the
singular values A = P diag(σ) Uᵀ, B = V diag(τ) Qᵀ, the entries of X = Uᵀ W_l V are independent,

    precision  p_ij = t σ_i² τ_j² + γ,        mean  x_ij = [t σ_i τ_j (PᵀCQ)_ij + γ (Uᵀ W_l* V)_ij]/p_ij

and each draw is exact. Layers drawn in turn move slowly along the orbits (W_l, W_{l+1}) → (g W_l, W_{l+1} g⁻¹), on which K does
not change: at large t the others hold a layer. So between two sweeps each hidden space is moved by g = exp(uvᵀ), u and v Gaussian
and of several sizes, and the move is accepted with probability

    min{1, |det g|^{H_{l−1} − H_{l+1}} exp[(γ/2)(|w − w*|² − |w′ − w*|²)]}

since the density of g is that of g⁻¹. Acceptance knows nothing of t: the chain mixes as well at t = 10¹⁴ as at 10².

What is averaged is E[tK | the other layers] of every layer of a sweep, ½ Σ_ij tσ_i²τ_j²/p_ij + tK(mean): the same mean as tK and
less noise. An identity checks the whole: E[(w − w*)·∇U] = d, which for C = 0 and w* = 0 reads 2L t⟨K⟩ + γ⟨|w|²⟩ = d.

Functions: `energies`, `exactly` (a part of the experiment).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from sampler import diagnostics
from sampler.networks import linear

Matrices = Float[np.ndarray, "chains out in"]
SIZES = (0.03, 0.1, 0.3, 1.0)


class Chains(NamedTuple):
    """energy: E[tK | …] of each draw; square: |w − w*|²; weights: the last draw of each layer, (rungs, chains, out, in)."""

    energy: Float[np.ndarray, "rungs chains draws"]
    square: Float[np.ndarray, "rungs chains draws"]
    weights: tuple[Float[np.ndarray, "rungs chains out in"], ...]
    accepted: float


def energies(
    centre: Sequence[np.ndarray], target: np.ndarray, temperatures: Sequence[float], *,
    gamma: float = 1.0, chains: int = 64, draws: int = 200, burn_in: int = 100, seed: int = 0,
) -> Chains:  # fmt: skip
    """Independent chains at each t of `temperatures`, all started at the centre w*: (W_1*, …, W_L*)."""
    rng, rungs = np.random.default_rng(seed), len(temperatures)
    t = np.repeat(np.asarray(temperatures, float), chains)[:, None, None]
    home = [np.asarray(layer, float) for layer in centre]
    layers = [np.repeat(layer[None], rungs * chains, axis=0) for layer in home]
    energy, square = np.zeros((2, draws, rungs * chains))
    accepted = []
    for sweep in range(burn_in + draws):
        found = np.mean([_redraw(rng, layers, home, target, t, gamma, each) for each in range(len(layers))], axis=0)
        for below in range(len(layers) - 1):
            accepted.append(_along_orbit(rng, layers, home, gamma, below))
        if sweep >= burn_in:
            energy[sweep - burn_in] = found
            square[sweep - burn_in] = sum(_squares(layer - own) for layer, own in zip(layers, home, strict=True))

    def by_rung(x: np.ndarray) -> np.ndarray:
        return x.T.reshape(rungs, chains, draws)

    weights = tuple(layer.reshape(rungs, chains, *layer.shape[1:]) for layer in layers)
    return Chains(by_rung(energy), by_rung(square), weights, float(np.mean(accepted)) if accepted else 1.0)


def exactly(
    *, widths: Sequence[int], strengths: Sequence[float], temperatures: Sequence[float], gamma: float,
    size: tuple[int, int], seed: int, lopsided: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """t⟨K⟩ on the ladder by the exact sampler, from w*: mean, sem, R-hat; and the last weights."""
    chains_, draws = size
    centre = (linear.lopsided if lopsided else linear.balanced)(widths, strengths)
    found = energies(
        list(centre.values()), linear.target(widths, strengths), temperatures,
        gamma=gamma, chains=chains_, draws=draws, burn_in=30 + draws // 4, seed=seed,
    )  # fmt: skip
    estimates = [diagnostics.mean(energy) for energy in found.energy]
    numbers = {name: np.array([float(getattr(e, name)) for e in estimates]) for name in ("mean", "sem", "rhat")}
    # Short chains show too little of their own correlation; independent chains show all of it.
    scatter = found.energy.mean(axis=2).std(axis=1, ddof=1) / chains_**0.5
    numbers["sem"] = np.maximum(numbers["sem"], scatter)
    return numbers | {f"layer{i}": w for i, w in enumerate(found.weights)}


def _redraw(
    rng: np.random.Generator, layers: list[Matrices], home: list[np.ndarray], target: np.ndarray, t: np.ndarray,
    gamma: float, each: int,
) -> Float[np.ndarray, " chains"]:  # fmt: skip
    """Draw layer `each` given the others, in place; E[tK | the others]."""
    above, below = _product(layers[each + 1 :]), _product(layers[:each])
    P, sigma, U = _singular(above, len(target))
    V, tau, Q = _singular(below, target.shape[1])
    seen = P.mT @ target @ Q
    rows, columns = home[each].shape
    r, c = min(rows, seen.shape[-2]), min(columns, seen.shape[-1])
    scale = np.zeros((len(t), rows, columns))
    scale[:, :r, :c] = sigma[:, :r, None] * tau[:, None, :c]
    pull = np.zeros_like(scale)
    pull[:, :r, :c] = seen[:, :r, :c]
    precision = t * scale**2 + gamma
    mean = (t * scale * pull + gamma * (U.mT @ home[each] @ V)) / precision
    layers[each] = U @ (mean + rng.normal(size=scale.shape) / np.sqrt(precision)) @ V.mT
    # |A M B − C|²: inside the ranges of A and B entry by entry, and what C has outside.
    missed = _squares(scale * mean - pull) + _squares(seen) - _squares(pull)
    return (t * scale**2 / precision).sum(axis=(1, 2)) / 2 + t[:, 0, 0] * missed / 2


def _along_orbit(
    rng: np.random.Generator, layers: list[Matrices], home: list[np.ndarray], gamma: float, below: int
) -> float:
    """W_l ← g W_l, W_{l+1} ← W_{l+1} g⁻¹, g = exp(uvᵀ) = 1 + uvᵀ(e^c − 1)/c, c = v·u, once for each size; the share accepted."""
    share = 0.0
    for size in SIZES:
        W, X = layers[below], layers[below + 1]
        count, hidden = W.shape[:2]
        u, v = rng.normal(size=(2, count, hidden)) * (size / hidden) ** 0.5
        c = np.einsum("ci,ci->c", u, v)
        forth, back = (s * np.expm1(s * c) / np.where(c == 0, 1, s * c) for s in (1, -1))
        forth, back = np.where(c == 0, 1, forth), np.where(c == 0, -1, back)
        new = W + (forth[:, None] * u)[:, :, None] * np.einsum("ci,cij->cj", v, W)[:, None, :]
        other = X + np.einsum("cij,cj->ci", X, back[:, None] * u)[:, :, None] * v[:, None, :]
        before = _squares(W - home[below]) + _squares(X - home[below + 1])
        after = _squares(new - home[below]) + _squares(other - home[below + 1])
        log_ratio = c * (W.shape[2] - X.shape[1]) + gamma / 2 * (before - after)
        accept = (np.log(rng.uniform(size=count)) < log_ratio)[:, None, None]
        layers[below], layers[below + 1] = np.where(accept, new, W), np.where(accept, other, X)
        share += float(accept.mean()) / len(SIZES)
    return share


def _product(layers: list[Matrices]) -> Matrices | None:
    """The product of some layers, the lowest first; None for no layers."""
    if not layers:
        return None
    first, *rest = layers
    for layer in rest:
        first = layer @ first
    return first


def _singular(matrix: Matrices | None, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(left, values, right) of a full decomposition; of the identity for None. Singular values keep what squares would lose."""
    if matrix is None:
        return np.eye(size)[None], np.ones((1, size)), np.eye(size)[None]
    left, values, right = np.linalg.svd(matrix)
    return left, values, right.mT


def _squares(x: np.ndarray) -> Float[np.ndarray, " chains"]:
    return np.sum(x * x, axis=(-2, -1))

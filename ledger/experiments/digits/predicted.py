"""What theory says of Cov(ℓ_x − L_n, ℓ_z − L_n) and of the learning coefficient, for chains of any nβ, γ, ε around one minimum.

At a confinement c = γ/nβ and a step e = ε nβ the coefficients do not know nβ,

    Cov = C₁/nβ + C₂/nβ² + …,        λ̂ = l₀ + l₁/nβ + …,

so that one *law* (c, u) with u = e λ_max(P), e = 0 for the posterior itself, serves every nβ. All laws of a network share the
modes of its Hessian and the slices of the third and fourth derivatives: they are made in one pass (`sampler.quadratic.second`).

How far the series may be trusted is decided before any draw, from theory alone. In the coordinates of the probes in which the whole
C₁/nβ + C₂/nβ² is the identity, let N be the number of draws, σ the standard errors that the linear chain must have there (`noise`),
δ the part of C₂/nβ² and r = ‖δ‖ its largest eigenvalue in absolute value. A chain is called

    Laplace-valid     u < 4, C₁/nβ + C₂/nβ² positive and r² mean(δ²/σ²) ≤ 0.1

and its stretches (`sampled`) ten times as long as the slowest memory of a product of weights, 1/(1 − max a²) steps. Here
r² mean(δ²/σ²) is the excess of χ²/dof that the third order would cause if orders fell like a geometric series (a guess, and
used as one). The excess that leaving out the second order causes, mean(δ²/σ²), is a prediction and not a guess.

Reading order: `orders`, `Law`, `noise`, `outlook`; beside it `layer`, and `minibatch` (leading order).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ledger.experiments.digits import trained
from sampler import quadratic
from sampler.quadratic import second

ALLOWED = 0.1  # of the excess of χ²/dof by what is left out
MEMORIES = 10  # in a stretch


class Law(NamedTuple):
    """The chains of one confinement and one u: coefficients of the covariances (P, P) and of λ̂; e = ε nβ.

    modes (P, d): the gradients of the probes in the eigenbasis of P; S (d,) or (d, d), a (d,): nβ Cov and the factors of a step.
    """

    confinement: float
    u: float
    e: float
    leading: np.ndarray
    next: np.ndarray
    llc: np.ndarray
    modes: np.ndarray
    S: np.ndarray
    a: np.ndarray

    def covariance(self, nbeta: float, order: int) -> np.ndarray:
        return self.leading / nbeta + (self.next / nbeta**2 if order == 2 else 0)

    def learning_coefficient(self, nbeta: float, order: int) -> float:
        return float(self.llc[0] + (self.llc[1] / nbeta if order == 2 else 0))

    def whitening(self, nbeta: float) -> np.ndarray:
        """C^{−1/2}, symmetric, of C = C₁/nβ + C₂/nβ² where that is positive, else of C₁/nβ."""
        whole = self.covariance(nbeta, 2)
        return _inverse_root(whole if np.linalg.eigvalsh(whole)[0] > 0 else self.covariance(nbeta, 1))


def _inverse_root(C: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(C)
    return vectors / np.sqrt(values) @ vectors.T


def orders(
    *, model: str, centre: np.ndarray, laws: Sequence[tuple[float, float]], count: int, **data: Any
) -> dict[str, Any]:
    """The coefficients of all laws (c, u) for the first `count` digits, stacked.

    Modes and slopes in double precision, the slices of the next order in single: that rounds it at about 1e-6 of itself.
    """
    point: dict[str, Any] = {"nbeta": 1.0, "gamma": laws[0][0]} | data
    where = trained.posterior(model, centre, **point)
    base = quadratic.curvature(where)
    single = replace(base, posterior=trained.posterior(model, centre, dtype=np.float32, **point), known={})
    curvatures = [single.localised(c) for c, _ in laws]
    points = [(each, each.step(u) if u else 0.0) for each, (_, u) in zip(curvatures, laws, strict=True)]
    phi = single.losses(trained.probes(single.posterior, count))
    further = second.covariances(points, phi, phi)
    slopes = base.gradients(trained.probes(where, count))
    llc = [(each.llc(e), each.llc(e, order=2) - each.llc(e)) for each, e in points]
    return {
        "e": np.array([e for _, e in points]),
        "leading": np.stack([each.covariance(slopes, slopes, e).values for each, e in points]),
        "next": np.stack(further),
        "llc": np.array(llc),
        "modes": slopes @ base.W,
        "S": np.stack([each.spread(e) for each, e in points]),
        "a": np.stack([each.law(e).a for each, e in points]),
        "hessian": base.values,
        "message": base.message,
    }


def minibatch(
    *, model: str, centre: np.ndarray, nbeta: float, confinement: float, u: float, batch: int, count: int, **data: Any
) -> dict[str, Any]:
    """The leading law of the chain whose gradients see `batch` examples, S with their noise; "full" leaves the noise out."""
    where = trained.posterior(model, centre, nbeta=nbeta, gamma=confinement * nbeta, batch=batch, **data)
    noisy = quadratic.curvature(where)
    epsilon = noisy.step(u)
    slopes, law = noisy.gradients(trained.probes(where, count)), noisy.law(epsilon)
    modes = slopes @ noisy.W
    return {
        "e": epsilon * nbeta,
        "leading": modes @ law.S @ modes.T,
        "full": modes * noisy.spread(epsilon) @ modes.T,
        "llc": np.array([noisy.llc(epsilon), 0.0]),
        "full_llc": float((noisy.precision - confinement) @ noisy.spread(epsilon)) / 2,
        "modes": modes,
        "S": law.S,
        "a": law.a,
    }


def layer(
    *, model: str, centre: np.ndarray, layer: str, nbeta: float, confinement: float, u: float, count: int, **data: Any
) -> dict[str, Any]:
    """nβ² χ_z(φ_C) = −nβ² Cov(L_n, ℓ_z − L_n) with one layer C alone moving (Def 16), to leading order (Lemma 25 for the chain).

    "continuous": for ε → 0, Lemma 25 itself; "llc": l₀ of the restricted chain; "e": its ε nβ.
    """
    where = trained.posterior(model, centre, nbeta=nbeta, gamma=confinement * nbeta, layer=layer, **data)
    theory = quadratic.curvature(where)
    epsilon, examples = theory.step(u), trained.probes(where, count)
    return {
        "e": epsilon * nbeta,
        "discrete": -(nbeta**2) * theory.loss_covariance(examples, epsilon).values,
        "continuous": -(nbeta**2) * theory.loss_covariance(examples).values,
        "llc": theory.llc(epsilon),
    }


def law(found: dict[str, Any], laws: Sequence[tuple[float, float]], wanted: tuple[float, float]) -> Law:
    """One law of `orders`."""
    i = list(laws).index(wanted)
    return Law(
        *wanted, float(found["e"][i]), found["leading"][i], found["next"][i], found["llc"][i], found["modes"], found["S"][i],
        found["a"][i],
    )  # fmt: skip


def noise(law: Law, nbeta: float, draws: int) -> np.ndarray:
    """The covariance of sampled covariances, all pairs of pairs (P, P, P, P), whitened, for N draws of the linear chain:

        (1/N) Σ_ij τ(a_i a_j) [y_pi (S y_r)_i y_qj (S y_s)_j + y_pi (S y_s)_i y_qj (S y_r)_j],     τ(ρ) = (1 + ρ)/(1 − ρ),

    y the whitened gradients in the modes, scaled to y S yᵀ = 1: what C₂ adds to a variance is taken to move as the leading part
    does. With gradient noise symmetrised in (pq) ↔ (rs). For the posterior (e = 0) independent draws are meant: τ = 1.
    """
    white = law.whitening(nbeta) / nbeta**0.5
    y = _inverse_root(white @ law.leading @ white) @ white @ law.modes
    Sy = y * law.S if law.S.ndim == 1 else y @ law.S
    P, d = y.shape
    M = (y[:, None, :] * Sy[None]).reshape(P * P, d)
    rho = np.outer(law.a, law.a) if law.e else np.zeros((d, d))
    joint = (M @ ((1 + rho) / (1 - rho)) @ M.T).reshape(P, P, P, P)  # (p, r, q, s)
    V = joint.transpose(0, 2, 1, 3) + joint.transpose(0, 2, 3, 1)
    return (V + V.transpose(2, 3, 0, 1)) / (2 * draws)


class Outlook(NamedTuple):
    """What is known before the first draw: r, the excess of χ²/dof without C₂, the guess of what C₃ adds, the scatter of χ²/dof,
    and how many times the slowest memory fits into a stretch."""

    largest: float
    excess: float
    guess: float
    scatter: float
    memories: float

    @property
    def valid(self) -> bool:
        return self.guess <= ALLOWED and self.memories >= MEMORIES


def outlook(law: Law, nbeta: float, draws: int, stretch: int) -> Outlook:
    """r, mean(δ²/σ²), r² mean(δ²/σ²) (infinite where the two orders do not make a covariance), √(2 tr R²)/entries."""
    i, j = np.triu_indices(len(law.leading))
    V = noise(law, nbeta, draws)[i, j][:, i, j]
    sigma = np.sqrt(np.diag(V))
    white = law.whitening(nbeta)
    delta = white @ law.next @ white.T / nbeta**2
    r = float(np.abs(np.linalg.eigvalsh(delta)).max())
    excess = float(np.mean((delta[i, j] / sigma) ** 2))
    R = V / np.outer(sigma, sigma)
    positive = law.u < 4 and np.linalg.eigvalsh(law.covariance(nbeta, 2))[0] > 0
    guess = r**2 * excess if positive else np.inf
    memories = stretch * (1 - float(np.max(law.a**2))) if law.e else float(stretch)
    return Outlook(r, excess, guess, float(np.sqrt(2 * np.sum(R**2)) / len(sigma)), memories)

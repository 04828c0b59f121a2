"""From χ̂ to token weights: the rules, chosen before any training, and what each is measured against.

Notation. X (k components × N tokens) has the rows χ̂_z(φ_C), z-scored over the tokens; a score s (N,) becomes weights
ρ = clip(1 ± a s/σ_s, 0, 3) of mean 1 (`reweighting.weights`). *No rule sees the kind of a token.* A token with χ̂_z(φ_C) < 0 is one
that gets worse when C is disturbed: C serves it. Weight on such tokens ("accelerate") is weight on what C does, so that all rules
use −χ̂; in the language of patterning the target is dμ_C < 0, a lower loss along C.

    raw C       −X_C                       one component
    raw pm      −Σ X_C over the heads whose prefix matching on a probe exceeds ½ (both of the upper layer)
    pc1         first mode of X as it is: rows centred over data, not over components
    mode j      j-th mode of the standardised matrix (each token's mean over components subtracted)
    pinv, ridge dq = Xᵀ(XXᵀ + η)⁻¹ dμ for a target dμ (`patterning.pattern`): −1 on the induction heads ("pm"), on all heads
                ("heads"), on all components ("all"), 0 elsewhere

Why the pseudo-inverse fails when it aims at the heads. Let c be the direction of the induction tokens: their indicator, centred;
used to explain, never in a rule. The induction in dq is c·dq = ⟨(XXᵀ + η)⁻¹Xc, dμ⟩. At η = 0 these are the coefficients of the
*regression* of c on the rows, as η → ∞ the *correlations* Xc. The rows share c; a head whose own row adds nothing to what the
other rows say of c has a coefficient of the wrong sign or none, however well it correlates (`leverage`). To ask for the heads
alone is to ask that the others stay, and that forbids induction. The target that works is what induction does to all components,
dμ ∝ Xc. Its part that can be known without labels is the first left singular vector, with which the pseudo-inverse *is* pc1.

Functions: `scores`, `edge`, `leverage`; weights: `weights`, `ratio`, `at_ratio`, `by_class`, `shuffled`.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.optimize import brentq
from scipy.stats import rankdata

from sampler import patterning, reweighting, spectroscopy, standardize
from sampler.data.induction import SECOND
from theory.errors import BadInput

LOWER, UPPER = 0.0, 3.0


def scores(X: np.ndarray, components: Sequence[str], heads: Sequence[str], ridge: float) -> dict[str, np.ndarray]:
    """All scores from χ̂ (k, N), by name; `heads`: the induction heads; ridge: η for z-scored rows."""
    Z = standardize.zscore(X)
    aimed = np.isin(components, heads)
    found = {f"raw {name}": -row for name, row in zip(components, Z, strict=True)}
    found["raw pm"] = -Z[aimed].sum(axis=0)
    u, _, vt = np.linalg.svd(Z, full_matrices=False)
    found["pc1"] = -vt[0] * np.sign(u[:, 0].sum())
    centred = patterning.modes(standardize.standardize(X))
    for j in range(len(components) - 1):
        # The sign is that of the loadings on the induction heads.
        found[f"mode {j + 1}"] = -centred.v[:, j] * np.sign(centred.u[aimed, j].sum())
    targets = {
        "pm": -1.0 * aimed,
        "heads": -1.0 * np.array([n not in ("E", "U") for n in components]),
        "all": -np.ones(len(X)),
    }
    for name, target in targets.items():
        found[f"pinv {name}"] = patterning.pattern(Z, target, 1.0).dq
        found[f"ridge {name}"] = patterning.pattern(Z, target, 1.0, ridge=ridge).dq
    return found


def edge(groups: np.ndarray) -> float:
    """The noise edge of the z-scored matrix, from halves of the chains: (G, k, N) → a singular value."""
    return float(spectroscopy.spectrum(groups, standard="zscore").modes.edge or 0.0)


def leverage(X: np.ndarray, kinds: np.ndarray, ridge: float) -> np.ndarray:
    """(1 + η/N)(XXᵀ + η)⁻¹Xc for z-scored X (k, N) and c the standardised indicator of the second copy: (k,), no units.

    With η = 0 these are regression coefficients, with η = ∞ the correlations Xc/N.
    """
    Z, c = standardize.zscore(X), standardised(kinds == SECOND)
    if np.isinf(ridge):
        return Z @ c / len(c)
    return (1 + ridge / len(c)) * np.linalg.solve(Z @ Z.T + ridge * np.eye(len(Z)), Z @ c)


def standardised(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, float) - np.mean(x)
    return x / x.std()


def weights(score: np.ndarray, strength: float) -> np.ndarray:
    """ρ (N,) = clip(1 + c + strength·z(score), 0, 3) of mean 1."""
    return reweighting.weights(score, strength, lower=LOWER, upper=UPPER).values


def ratio(rho: np.ndarray, kinds: np.ndarray) -> float:
    """Mean weight of second-copy tokens over that of the rest."""
    second = kinds == SECOND
    return float(rho[second].mean() / rho[~second].mean())


def at_ratio(score: np.ndarray, sign: float, wanted: float, kinds: np.ndarray) -> np.ndarray:
    """The weights of a score whose strength gives the wanted ratio; labels set one number, for a fair comparison.

    Raises `BadInput` where no strength below 5 reaches it.
    """

    def off(strength: float) -> float:
        return ratio(weights(score, sign * strength), kinds) - wanted

    # The other sign too: weights from a χ̂ of few draws may lie on the wrong side of 1.
    for low, high in ((1e-6, 5.0), (-5.0, -1e-6)):
        if off(low) * off(high) <= 0:
            return weights(score, sign * float(brentq(off, low, high, xtol=1e-4)))
    raise BadInput(f"no strength of this score gives second-copy tokens {wanted:.3g} times the weight of the others.")


def by_class(rho: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(between, within): the class means of ρ, and ρ with the class means taken out, at least 0; both of mean 1."""
    between = np.empty_like(rho)
    for kind in np.unique(kinds):
        between[kinds == kind] = rho[kinds == kind].mean()
    within = np.maximum(1 + rho - between, 0)
    return between, within / within.mean()


def shuffled(rho: np.ndarray, seeds: Sequence[int]) -> np.ndarray:
    """The same weights permuted over all tokens, another permutation for each seed: (seeds, N)."""
    return np.stack([np.random.default_rng(10_000 + seed).permutation(rho) for seed in seeds])


def area(score: np.ndarray, kinds: np.ndarray) -> float:
    """The probability that a second-copy token scores above another (area under the curve)."""
    second = kinds == SECOND
    n = second.sum()
    return float((rankdata(score)[second].sum() - n * (n + 1) / 2) / (n * (~second).sum()))


def reliability(groups: np.ndarray) -> np.ndarray:
    """Split-half reliability of each component's row, (G, k, N) → (k,): mean correlation r of halves of the chains → 2r/(1 + r)."""
    half = len(groups) // 2
    ways = [list(way) for way in combinations(range(2 * half), half) if 0 in way]
    found = []
    for one in ways:
        two = [i for i in range(2 * half) if i not in one]
        a, b = groups[one].mean(axis=0), groups[two].mean(axis=0)
        found.append([np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)])
    r = np.mean(found, axis=0)
    return 2 * r / (1 + r)


def shared(groups: np.ndarray) -> tuple[float, float]:
    """Mean correlation of the rows of different components, (G, k, N) → (of χ̂, of its noise: halves of the chains subtracted)."""
    half = len(groups) // 2
    noise = groups[:half].mean(axis=0) - groups[half : 2 * half].mean(axis=0)
    off = ~np.eye(groups.shape[1], dtype=bool)
    return float(np.corrcoef(groups.mean(axis=0))[off].mean()), float(np.corrcoef(noise)[off].mean())


__all__ = [
    "area",
    "at_ratio",
    "by_class",
    "edge",
    "leverage",
    "ratio",
    "reliability",
    "scores",
    "shared",
    "shuffled",
    "weights",
]

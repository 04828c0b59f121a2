"""Reading a susceptibility matrix: its modes, which of them are real, and the clusters of data points and components.

X (components × data points, Def 16) is estimated from chains. Chains are independent, so that the same matrix from several groups
of chains says what is signal and what is noise, however the entries of one estimate are correlated. Everything here rests on that:

* a *mode* X = Σ s u vᵀ (eq 27) is reliable if the halves of the chains find the same one. With v, v′ the data patterns of a mode in
  the two halves, matched by |u·u′||v·v′|, its split-half correlation is r = v·v′ (sign set by u), and that of all chains
  2r/(1 + r) (Spearman–Brown), averaged over several splits;
* the noise edge is the largest singular value of (X_a − X_b)/2, which has the noise of (X_a + X_b)/2 and nothing else, in the
  units of the standardised whole: modes below it are not told from noise (halves standardised each by its own spread would not
  do: what is noise in them makes up their spread, and their difference comes out too small);
* a *clustering* is stable if groups of chains drawn again with replacement give the same one (adjusted Rand index).

Share of variance: s²/Σs² of the centred matrix (means over data taken out of each component, as `patterning.modes` does), and of
‖X‖² as it stands, where the rest is the means' own.

Matrices are standardised first (`sampler.standardize`): by reading (b), which removes the unknown factor of each component, by
"zscore", "centre", or not at all.

Reading order: `by_groups` (runs → matrices), `spectrum`, `ends`, `clusters`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score

from sampler import patterning, standardize
from sampler.patterning import Modes
from sampler.record import Run
from sampler.susceptibility import susceptibility
from theory.errors import BadInput

Groups = Float[np.ndarray, "G k n"]
STANDARDS: dict[str | None, Callable[[np.ndarray], np.ndarray]] = {
    "standardize": standardize.standardize,
    "zscore": standardize.zscore,
    "centre": standardize.centre,
    None: np.asarray,
}
SPLITS = 20


def by_groups(runs: Sequence[Run], groups: int, *, observable: str = "loss") -> Groups:
    """X once from each of `groups` groups of chains, (groups, components, probes); one run a component, the same probes in each.

    Chains that are not finite are left out. Raises `BadInput` for fewer finite chains than groups, and for other probes.
    """
    rows = []
    for run in runs:
        chains = np.flatnonzero(run.finite)
        if groups < 2 or len(chains) < groups:
            raise BadInput(
                f"spectroscopy: {len(chains)} finite chains do not make {groups} groups; take two or more, and more chains."
            )
        parts = [
            replace(run, finite=np.isin(np.arange(len(run.finite)), part)) for part in np.array_split(chains, groups)
        ]
        rows.append([susceptibility(part, observable).mean for part in parts])
    if len({row[0].shape for row in rows}) != 1 or rows[0][0].ndim != 1:
        raise BadInput("spectroscopy: the runs need the same probes, and an observable that is one number.")
    return np.stack(rows, axis=1)


@dataclass(frozen=True)
class Spectrum:
    """The modes of the standardised matrix, and how far to believe each.

    matrix (k, n): what was decomposed; modes: u, s, v with names (`patterning.Modes`), `edge` the noise edge from halves of chains
    share, share_of_all (r,)  part of the variance about the means over data, and of ‖X‖² with the means in it; 0 of 0
    reliability (r,)          correlation of the data pattern with that of another experiment of the same size (Spearman–Brown)
    loud                      how many leading modes stand above the edge
    """

    matrix: Float[np.ndarray, "k n"]
    modes: Modes
    share: Float[np.ndarray, " r"]
    share_of_all: Float[np.ndarray, " r"]
    reliability: Float[np.ndarray, " r"]
    loud: int

    def __str__(self) -> str:
        head = f"{len(self.modes.s)} modes, {self.loud} above the noise edge {self.modes.edge:.3g}"
        return "\n".join(
            [head]
            + [
                f"  {i + 1:3d}  s = {s:<10.4g} {100 * share:5.1f}% of the variance, reliability {r:5.2f}"
                for i, (s, share, r) in enumerate(zip(self.modes.s, self.share, self.reliability, strict=True))
            ]
        )


def spectrum(
    groups: Groups,
    *,
    standard: str | None = "standardize",
    components: Sequence[str] | None = None,
    data: Sequence[str] | None = None,
    seed: int = 0,
) -> Spectrum:
    """Modes of the mean over groups, standardised, with reliability and noise edge from splits of the groups in two.

    groups    (G, k, n) the same matrix from independent groups of chains (`by_groups`), G ≥ 2
    standard  "standardize", "zscore", "centre" or None; halves are standardised by themselves, like the whole

    All splits in equal halves are used, or 20 of them. Raises `BadInput` for fewer than two groups and for bad shapes.
    """
    groups = _checked(groups)
    change = _standard(standard)
    raw = groups.mean(axis=0)
    matrix = change(raw)
    found = patterning.modes(matrix)
    edges, reliable = [], []
    for one, two in _splits(len(groups), seed):
        a, b = groups[one].mean(axis=0), groups[two].mean(axis=0)
        edges.append(patterning.modes(_scaled((a - b) / 2, raw, standard)).s[0])
        reliable.append(_agreement(found, patterning.modes(change(a)), patterning.modes(change(b))))
    edge = float(np.max(edges))
    r = np.mean(reliable, axis=0)
    names = replace(
        found,
        edge=edge,
        observables=tuple(components) if components is not None else found.observables,
        data=tuple(data) if data is not None else found.data,
    )
    if len(names.observables) != matrix.shape[0] or len(names.data) != matrix.shape[1]:
        raise BadInput(
            f"spectroscopy: the matrix is {matrix.shape}; give a name for each component and each data point, or none."
        )
    power, norm = found.s**2, np.sum(matrix**2)
    quiet = np.flatnonzero(found.s <= edge)
    loud = int(quiet[0]) if quiet.size else len(found.s)
    # r ≤ 0 says that the halves share nothing; 2r/(1 + r) would run away below 0.
    corrected = np.where(r > 0, 2 * r / (1 + np.maximum(r, 0)), r)
    return Spectrum(matrix, names, _share(power, power.sum()), _share(power, norm), corrected, loud)


def _share(power: np.ndarray, whole: float) -> np.ndarray:
    """No mode has a share of nothing."""
    return power / whole if whole else np.zeros_like(power)


def ends(found: Spectrum, mode: int, count: int = 10) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """The data points at the ends of a mode (0: the first): (name, v) of the `count` largest, then of the smallest."""
    r = len(found.modes.s)
    if not 0 <= mode < r:
        raise BadInput(f"spectroscopy.ends: there are modes 0 … {r - 1}; there is no mode {mode}.")
    v, names = found.modes.v[:, mode], found.modes.data
    order = np.argsort(v)
    count = min(count, len(v))
    return [(names[i], float(v[i])) for i in order[::-1][:count]], [(names[i], float(v[i])) for i in order[:count]]


@dataclass(frozen=True)
class Clusters:
    """labels, one for each point or component, numbered by falling size; stability: adjusted Rand index under resampling of groups,
    of the whole clustering; by_member: how often a member's companions are the same (mean Jaccard index of its cluster)."""

    labels: Int[np.ndarray, " m"]
    stability: float
    by_member: Float[np.ndarray, " m"]


def clusters(
    groups: Groups,
    count: int,
    *,
    of: Literal["data", "components"] = "data",
    modes: int | None = None,
    standard: str | None = "standardize",
    resamples: int = 50,
    seed: int = 0,
) -> Clusters:
    """`count` clusters of the data points (k-means on their loadings s·v in the leading modes) or of the components (average
    linkage on 1 − correlation of their rows), with their stability under resampling of the groups of chains.

    modes: how many modes the data points are seen in, by default those above the noise edge (one at least). Raises `BadInput`
    for a count that the members cannot fill.
    """
    groups = _checked(groups)
    change = _standard(standard)
    members = groups.shape[2 if of == "data" else 1]
    if of not in ("data", "components") or not 2 <= count < members:
        raise BadInput(
            f"spectroscopy.clusters: of is 'data' or 'components', and count between 2 and their number less 1: {of!r}, {count}."
        )
    r = (modes or max(1, spectrum(groups, standard=standard, seed=seed).loud)) if of == "data" else 0

    def cut(X: np.ndarray) -> np.ndarray:
        if of == "components":
            distance = 1 - np.corrcoef(X)
            return AgglomerativeClustering(count, metric="precomputed", linkage="average").fit_predict(distance)
        found = patterning.modes(X)
        return KMeans(count, n_init=10, random_state=seed).fit_predict(found.v[:, :r] * found.s[:r])

    labels = cut(change(groups.mean(axis=0)))
    order = np.argsort(-np.bincount(labels, minlength=count), kind="stable")
    labels = np.argsort(order)[labels]
    rng = np.random.default_rng(seed)
    scores, companions = [], []
    for _ in range(resamples):
        chosen = rng.integers(0, len(groups), len(groups))
        other = cut(change(groups[chosen].mean(axis=0)))
        scores.append(adjusted_rand_score(labels, other))
        same, here = labels[:, None] == labels, other[:, None] == other
        companions.append((same & here).sum(axis=1) / (same | here).sum(axis=1))
    return Clusters(labels, float(np.mean(scores)), np.mean(companions, axis=0))


def _scaled(noise: np.ndarray, whole: np.ndarray, standard: str | None) -> np.ndarray:
    """The standardisation of the whole, its spreads held, applied to a difference."""
    if standard is None:
        return noise
    noise = standardize.centre(noise)
    if standard != "centre":
        noise = noise / whole.std(axis=1, keepdims=True)
    return noise - noise.mean(axis=0) if standard == "standardize" else noise


def _agreement(found: Modes, a: Modes, b: Modes) -> np.ndarray:
    """v_a·v_b for each mode of the whole, after both halves are matched to it; the sign is that of u_a·u_b."""

    def matched(half: Modes) -> np.ndarray:
        likeness = np.abs(found.u.T @ half.u) * np.abs(found.v.T @ half.v)
        return linear_sum_assignment(-likeness)[1]

    i, j = matched(a), matched(b)
    along = np.einsum("kr,kr->r", a.u[:, i], b.u[:, j])
    return np.sign(along) * np.einsum("nr,nr->r", a.v[:, i], b.v[:, j])


def _splits(groups: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """Ways to cut the groups in two halves of equal size (an odd one is left out): all of them, or `SPLITS` at random."""
    half = groups // 2
    if groups <= 6:
        found = [
            (list(one), list(two))
            for one in combinations(range(groups), half)
            for two in combinations(sorted(set(range(groups)) - set(one)), half)
            if one < two
        ]
        return found[:SPLITS]
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(groups) for _ in range(SPLITS)]
    return [(list(order[:half]), list(order[half : 2 * half])) for order in orders]


def _standard(standard: str | None) -> Callable[[np.ndarray], np.ndarray]:
    if standard not in STANDARDS:
        raise BadInput(f"spectroscopy: standard is one of {', '.join(map(str, STANDARDS))}; it is {standard!r}.")
    return STANDARDS[standard]


def _checked(groups: Groups) -> np.ndarray:
    groups = np.asarray(groups, float)
    if groups.ndim != 3 or len(groups) < 2 or not np.isfinite(groups).all():
        raise BadInput(
            f"spectroscopy: it needs finite matrices of two or more groups of chains, (G, k, n); found {groups.shape}."
        )
    return groups


__all__ = ["Clusters", "Spectrum", "by_groups", "clusters", "ends", "spectrum"]

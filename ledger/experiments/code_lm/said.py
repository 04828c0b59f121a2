"""What the experiment on code says, in sentences with intervals and verdicts.

The rules of the verdicts are those of `rules`, stated before anything was measured. Function: `statements`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ledger.experiments.code_lm import measure, rules
from ledger.experiments.code_lm.findings import Findings, Response, sem, spread
from ledger.experiments.experiment import Found, Statement
from ledger.experiments.induction.rules import reliability
from sampler import spectroscopy

GROUPS, CLUSTERS = 3, 4


def statements(
    found: Findings,
    groups: np.ndarray,
    cosines: tuple[np.ndarray, np.ndarray],
    kept: Sequence[int],
    responses: Mapping[str, Response],
) -> tuple[Statement, ...]:
    """All of them. groups (chains, components, N); cosines: |u·u′|, |v·v′| of each mode; kept: the modes that pass."""
    return (
        _trained(found),
        _reliable(found, groups),
        _leading(groups),
        _modes(cosines, kept),
        *_clusters(found, groups, kept),
        _sums(found, groups),
        _slopes(found),
        _stationary(found),
        *(_direct(name, response) for name, response in responses.items()),
        *(_early(found, mark) for mark in found.early),
    )


def _each(names: Sequence[str], values: np.ndarray) -> str:
    return ", ".join(f"{name} {x:.2f}" for name, x in zip(names, values, strict=True))


def _trained(found: Findings) -> Statement:
    mean, error = found.loss[found.last]
    return Statement(
        f"After {found.last} steps the held-out loss is {mean:.3f} ± {error:.3f} nat a token (uniform {np.log(512):.2f}); "
        f"text of digest {found.digest}. One training seed."
    )


def _reliable(found: Findings, groups: np.ndarray) -> Statement:
    chains, draws = found.final["phi"].shape[1:]
    r = reliability(groups)
    scatter = ", ".join(f"{n} {lo:.2f}–{hi:.2f}" for n, lo, hi in zip(found.names, *spread(groups), strict=True))
    return Statement(
        f"Split-half reliability of χ̂ from {chains} independent chains of {draws} draws, {groups.shape[2]} tokens in context: "
        f"{_each(found.names, r)} (range over halvings: {scatter}).",
        Found.HOLDS if r.min() > 0.5 else Found.OPEN,
    )


def _leading(groups: np.ndarray) -> Statement:
    plain, clean = rules.shares(groups)
    return Statement(
        f"Before standardisation (the mean of χ̂ over tokens is 0 by definition): PC1 carries {plain} of the sum of squares, "
        f"{clean} of the part that independent chains share (95%, jackknife over chains). Published figures are 0.95–0.99.",
        Found.FAILS if clean.high < 0.95 else Found.HOLDS if clean.low > 0.9 else Found.OPEN,
    )


def _modes(cosines: tuple[np.ndarray, np.ndarray], kept: Sequence[int]) -> Statement:
    left, right = cosines
    told = ", ".join(f"mode {i + 1} {left[i]:.2f}/{right[i]:.2f}" for i in range(min(5, len(left))))
    passed = (
        f"It passes {', '.join(f'mode {i + 1}' for i in kept)}." if kept else "No mode passes: none is interpreted."
    )
    return Statement(
        f"Rule stated in advance: a mode of the standardised matrix is interpreted only if |u·u′| and |v·v′| between "
        f"independent halves both exceed {rules.LEAST}. {told}. {passed}",
        Found.HOLDS if kept else Found.FAILS,
    )


def _clusters(found: Findings, groups: np.ndarray, kept: Sequence[int]) -> list[Statement]:
    of_heads = spectroscopy.clusters(groups, GROUPS, of="components", resamples=30)
    of_tokens = spectroscopy.clusters(groups, CLUSTERS, modes=max(1, len(kept)), resamples=10)
    parts = "; ".join(
        " ".join(n for n, k in zip(found.names, of_heads.labels, strict=True) if k == i) for i in range(GROUPS)
    )
    return [
        Statement(
            f"{what}; adjusted Rand index {of.stability:.2f} under resampling of the chains.",
            Found.SHOWN if of.stability > rules.LEAST else Found.OPEN,
        )
        for what, of in ((f"Groups of components: {parts}", of_heads), (f"{CLUSTERS} clusters of tokens", of_tokens))
    ]


def _sums(found: Findings, groups: np.ndarray) -> Statement:
    each = _each(found.names, reliability(measure.predicted(groups, found.directions)))
    return Statement(
        f"Reliability of the same χ̂ summed over sets of tokens ({', '.join(found.sets)}; table below): {each}; from "
        f"{len(found.sets)} numbers a component, so that these coefficients are rough."
    )


def _slopes(found: Findings) -> Statement:
    llc = found.final["llc"]
    each = ", ".join(
        f"{n} {m:.1f} ± {e:.1f}" for n, m, e in zip(found.names, llc.mean(axis=1), sem(llc, 1), strict=True)
    )
    return Statement(
        f"nβ⟨L − L(w*)⟩ at nβ = {measure.NBETA:g}, γ = {measure.GAMMA:g}: {each}. w* is no minimum of L: these are slopes of "
        "the free energy of the ball that γ holds, not learning coefficients of a minimum."
    )


def _stationary(found: Findings) -> Statement:
    worst = float(np.abs(found.final["virial"]).max())
    return Statement(
        f"Stationarity: the largest |z| of the virial identity over {found.final['virial'].size} chains is {worst:.1f}.",
        Found.HOLDS if worst < 4.5 else Found.FAILS,
    )


def _direct(name: str, of: Response) -> Statement:
    slope = of.slope
    inside, narrow = slope.low <= 1 <= slope.high, slope.high - slope.low < 1
    note = (
        ""
        if of.fresh
        else " To first order this slope is 1 by construction, as all chains stand on both sides in turn: it tests finite δh "
        "alone, and r how well two chains foretell the others."
    )
    return Statement(
        f"Direct response to a mixed distribution ({name}, δh = ±{of.h:g}) against Σ s χ̂/N: slope {slope}, r {of.r} (95%, "
        "jackknife over components; the noise of Σ s χ̂ taken out of the slope, not of r). The sum against the undivided "
        f"difference of ⟨φ⟩/nβ then has slope {1 / (2 * of.h * slope.mean):.3g}, where 1/2δh = {1 / (2 * of.h):.3g} is expected "
        f"(published: about 1/δh, r about 0.96).{note}",
        Found.SHOWN if not of.fresh else Found.FAILS if not inside else Found.HOLDS if narrow else Found.OPEN,
    )


def _early(found: Findings, mark: int) -> Statement:
    groups = measure.groups(found.early[mark])
    u, v = rules.reproduced(groups)
    return Statement(
        f"At step {mark}: reliability {_each(found.names, reliability(groups))}; mode 1 reproduces {u[0]:.2f}/{v[0]:.2f}, mode 2 "
        f"{u[1]:.2f}/{v[1]:.2f}."
    )


__all__ = ["statements"]

"""What the experiment on code says: statements with intervals, tables, labelled data.

Class: `Findings`. Function: `result`.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ledger.experiments.code_lm import measure, neighbours, pictures, rules
from ledger.experiments.experiment import Found, Picture, Result, Statement, Table
from ledger.experiments.induction.rules import reliability
from sampler import spectroscopy, standardize

GROUPS, CLUSTERS, ENDS = 3, 4, 6


class Findings(NamedTuple):
    """names: components; sets, directions (K, N): mixtures; kinds, tokens: of the probed targets (rows, T); final, early: of
    `measure.measure` stacked over components; direct (2, moved, asked, chains), values and errors; loss: step → (mean, error);
    maps: step → `neighbours.maps`."""

    names: tuple[str, ...]
    sets: tuple[str, ...]
    directions: np.ndarray
    kinds: np.ndarray
    tokens: list[list[str]]
    final: Mapping[str, np.ndarray]
    early: Mapping[int, Mapping[str, np.ndarray]]
    direct: np.ndarray
    asked: tuple[int, ...]
    moved: tuple[int, ...]
    loss: Mapping[int, tuple[float, float]]
    last: int
    h: float
    h_reweighted: float
    digest: str
    maps: Mapping[int, dict[str, np.ndarray]]


def result(found: Findings) -> Result:
    """Statements, pictures, tables and data of what was found."""
    groups = measure.groups(found.final)
    left, right = rules.reproduced(groups)
    spectrum = spectroscopy.spectrum(groups, components=found.names)
    kept = [i for i in range(len(found.names) - 1) if left[i] > rules.LEAST and right[i] > rules.LEAST]
    said, numbers = _told(found, groups, (left, right), kept)
    drawn: dict[str, Picture] = {
        "loss": pictures.losses(list(found.loss), *np.array(list(found.loss.values())).T),
        "components": _components(found, groups),
    }
    drawn |= {f"tokens {mark}": _embedding(found, mark, measure.groups(of)) for mark, of in found.early.items()}
    drawn[f"tokens {found.last}"] = _embedding(found, found.last, groups)
    for mark, places in found.maps.items():
        drawn[f"map {mark}"] = neighbours.picture(places, found.kinds.reshape(-1), f"step {mark}")
    for i in kept[:3] or [0]:
        warning = (
            "" if i in kept else " This mode does not reproduce between independent halves: not to be interpreted."
        )
        drawn[f"text mode {i + 1}"] = pictures.text(
            found.tokens[:8], spectrum.modes.v[:, i].reshape(found.kinds.shape)[:8], f"mode {i + 1}",
            f"Probed text, the colour behind each token its loading in mode {i + 1} of the standardised matrix; |v·v′| = "
            f"{right[i]:.2f} between halves of the chains.{warning}",
        )  # fmt: skip
    for name, (x, y, errors, slope, r) in _responses(found).items():
        drawn[name] = pictures.responses(x, y, errors, slope, r, name)
        numbers[name] = {"slope": slope._asdict(), "r": r._asdict()}
    return Result(_data(found, groups), said, drawn, _tables(found, groups, spectrum, (left, right), kept), numbers)


def _sem(values: np.ndarray, axis: int) -> np.ndarray:
    return values.std(axis=axis, ddof=1) / values.shape[axis] ** 0.5


def _told(
    found: Findings, groups: np.ndarray, cosines: tuple[np.ndarray, np.ndarray], kept: list[int]
) -> tuple[tuple[Statement, ...], dict[str, Any]]:
    chains, draws = found.final["phi"].shape[1:]
    r, said = reliability(groups), []
    mean, error = found.loss[found.last]
    said.append(
        Statement(
            f"After {found.last} steps the held-out loss is {mean:.3f} ± {error:.3f} nat a token (uniform {np.log(512):.2f}); "
            f"text of digest {found.digest}. One training seed."
        )
    )
    each = ", ".join(f"{name} {x:.2f}" for name, x in zip(found.names, r, strict=True))
    scatter = ", ".join(f"{n} {lo:.2f}–{hi:.2f}" for n, lo, hi in zip(found.names, *_spread(groups), strict=True))
    said.append(
        Statement(
            f"Split-half reliability of χ̂ from {chains} independent chains of {draws} draws, {groups.shape[2]} tokens in context: "
            f"{each} (range over halvings: {scatter}).",
            Found.HOLDS if r.min() > 0.5 else Found.OPEN,
        )
    )
    plain, clean = rules.shares(groups)
    said.append(
        Statement(
            f"Before standardisation (the mean of χ̂ over tokens is 0 by definition): PC1 carries {plain} of the sum of squares, "
            f"{clean} of the part that independent chains share (95%, jackknife over chains). Published figures are 0.95–0.99.",
            Found.FAILS if clean.high < 0.95 else Found.HOLDS if clean.low > 0.9 else Found.OPEN,
        )
    )
    left, right = cosines
    told = ", ".join(f"mode {i + 1} {left[i]:.2f}/{right[i]:.2f}" for i in range(min(5, len(left))))
    said.append(
        Statement(
            f"Rule stated in advance: a mode of the standardised matrix is interpreted only if |u·u′| and |v·v′| between "
            f"independent halves both exceed {rules.LEAST}. {told}. "
            + (
                f"It passes {', '.join(f'mode {i + 1}' for i in kept)}."
                if kept
                else "No mode passes: none is interpreted."
            ),
            Found.HOLDS if kept else Found.FAILS,
        )
    )
    of_heads = spectroscopy.clusters(groups, GROUPS, of="components", resamples=30)
    of_tokens = spectroscopy.clusters(groups, CLUSTERS, modes=max(1, len(kept)), resamples=10)
    parts = "; ".join(
        " ".join(n for n, k in zip(found.names, of_heads.labels, strict=True) if k == i) for i in range(GROUPS)
    )
    for what, of in ((f"Groups of components: {parts}", of_heads), (f"{CLUSTERS} clusters of tokens", of_tokens)):
        said.append(
            Statement(
                f"{what}; adjusted Rand index {of.stability:.2f} under resampling of the chains.",
                Found.SHOWN if of.stability > rules.LEAST else Found.OPEN,
            )
        )
    x = measure.predicted(groups, found.directions)
    coarse = reliability(x)
    each = ", ".join(f"{n} {v:.2f}" for n, v in zip(found.names, coarse, strict=True))
    said.append(
        Statement(
            f"Reliability of the same χ̂ summed over sets of tokens ({', '.join(found.sets)}; table below): {each}; from "
            f"{len(found.sets)} numbers a component, so that these coefficients are rough."
        )
    )
    llc = found.final["llc"]
    each = ", ".join(
        f"{n} {m:.1f} ± {e:.1f}" for n, m, e in zip(found.names, llc.mean(axis=1), _sem(llc, 1), strict=True)
    )
    said.append(
        Statement(
            f"nβ⟨L − L(w*)⟩ at nβ = {measure.NBETA:g}, γ = {measure.GAMMA:g}: {each}. w* is no minimum of L: these are slopes of "
            "the free energy of the ball that γ holds, not learning coefficients of a minimum."
        )
    )
    worst = float(np.abs(found.final["virial"]).max())
    said.append(
        Statement(
            f"Stationarity: the largest |z| of the virial identity over {found.final['virial'].size} chains is {worst:.1f}.",
            Found.HOLDS if worst < 4.5 else Found.FAILS,
        )
    )
    for name, (_, _, _, slope, r_direct) in _responses(found).items():
        fresh = name.startswith("new chains")
        h = found.h if fresh else found.h_reweighted
        inside, narrow = slope.low <= 1 <= slope.high, slope.high - slope.low < 1
        note = (
            ""
            if fresh
            else " To first order this slope is 1 by construction, as all chains stand on both sides in turn: it tests finite δh "
            "alone, and r how well two chains foretell the others."
        )
        said.append(
            Statement(
                f"Direct response to a mixed distribution ({name}, δh = ±{h:g}) against Σ s χ̂/N: slope {slope}, r {r_direct} (95%, "
                "jackknife over components; the noise of Σ s χ̂ taken out of the slope, not of r). The sum against the undivided "
                f"difference of ⟨φ⟩/nβ then has slope {1 / (2 * h * slope.mean):.3g}, where 1/2δh = {1 / (2 * h):.3g} is expected "
                f"(published: about 1/δh, r about 0.96).{note}",
                Found.SHOWN if not fresh else Found.FAILS if not inside else Found.HOLDS if narrow else Found.OPEN,
            )
        )
    for mark, of in found.early.items():
        early = measure.groups(of)
        u, v = rules.reproduced(early)
        each = ", ".join(f"{n} {x:.2f}" for n, x in zip(found.names, reliability(early), strict=True))
        said.append(
            Statement(
                f"At step {mark}: reliability {each}; mode 1 reproduces {u[0]:.2f}/{v[0]:.2f}, mode 2 {u[1]:.2f}/{v[1]:.2f}."
            )
        )
    return tuple(said), {"reliability": dict(zip(found.names, r.tolist(), strict=True)), "modes": [i + 1 for i in kept]}


def _spread(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest reliability over the halvings."""
    each = np.stack(
        [reliability(np.stack([groups[a].mean(axis=0), groups[b].mean(axis=0)])) for a, b in rules.halves(len(groups))]
    )
    return each.min(axis=0), each.max(axis=0)


def _components(found: Findings, groups: np.ndarray) -> Picture:
    low, high = _spread(groups)
    phi, llc = found.final["phi"].mean(axis=2), found.final["llc"]
    return pictures.heads(
        found.names,
        {
            "reliability": ((low + high) / 2, (high - low) / 2),
            "⟨φ⟩, nat": (phi.mean(axis=1), _sem(phi, 1)),
            "nβ⟨L − L(w*)⟩": (llc.mean(axis=1), _sem(llc, 1)),
        },
    )


def _embedding(found: Findings, mark: int, groups: np.ndarray) -> Picture:
    u = np.linalg.svd(standardize.standardize(groups.mean(axis=0)), full_matrices=False)[0][:, :2]
    one, two = rules.halves(len(groups))[0]
    a, b = (standardize.standardize(groups[half].mean(axis=0)).T @ u for half in (one, two))
    return pictures.embedding(
        (a + b) / 2, np.abs(a - b) / 2, found.kinds.reshape(-1), rules.reproduced(groups)[1], f"step {mark}"
    )


def _responses(found: Findings) -> dict[str, Any]:
    """name → (predicted, direct, their errors, slope, r); direct and predicted share no draw."""
    chi = measure.groups(found.final)
    x = measure.predicted(chi, found.directions)  # (G, k, K)
    error = _sem(x, 0)
    again = measure.reweighted(found.final["phi"], found.final["along"], found.h_reweighted).swapaxes(0, 1)
    # Two chains predict, the others answer: no draw is on both sides, nor in both predictions. All choices side by side.
    G, out = len(chi), {}
    ways = list(combinations(range(G), 2)) if G <= 6 else [(2 * i, 2 * i + 1) for i in range(G // 2)]
    a, b = (np.concatenate([x[way[i]] for way in ways], axis=1) for i in (0, 1))
    rest = [[i for i in range(G) if i not in way] for way in ways]
    y = np.concatenate([again[keep].mean(axis=0) for keep in rest], axis=1)
    # Drawn from one choice; the regression is over all.
    one, two = list(ways[0]), rest[0]
    out["reweighted draws of other chains"] = (
        x[one].mean(axis=0), again[two].mean(axis=0), (error * (G / 2) ** 0.5, _sem(again, 0) * (G / len(two)) ** 0.5),
        *rules.regression(np.stack([a, b]), y),
    )  # fmt: skip
    a, b = x[::2].mean(axis=0), x[1::2].mean(axis=0)
    pick = np.ix_(found.moved, found.asked)
    y, sem = found.direct[0].mean(axis=2), np.sqrt(np.sum(found.direct[1] ** 2, axis=2)) / found.direct.shape[3]
    halved = np.stack([a[pick], b[pick]])
    out["new chains"] = (x.mean(axis=0)[pick], y, (error[pick], sem), *rules.regression(halved, y))
    return out


def _tables(found: Findings, groups: np.ndarray, spectrum: Any, cosines: Any, kept: list[int]) -> tuple[Table, ...]:
    left, right = cosines
    rows = tuple(
        (str(i + 1), f"{spectrum.modes.s[i]:.3g}", f"{left[i]:.2f}", f"{right[i]:.2f}", "yes" if i in kept else "no")
        for i in range(len(found.names) - 1)  # the mean over components is taken out: one mode less
    )
    modes = Table(
        "Modes of the standardised matrix",
        ("mode", "s", "|u·u′|", "|v·v′|", "interpreted"),
        rows,
    )
    x = measure.predicted(groups, found.directions)
    value, spread = x.mean(axis=0) * 1e4, _sem(x, 0) * 1e4
    sums = Table(
        f"Response to a mixture with each set, Σ s χ̂/N in 10⁻⁴ nat², ± one standard error over {len(groups)} chains",
        ("component", *found.sets),
        tuple(
            (name, *(f"{v:+.2f} ± {e:.2f}" for v, e in zip(value[i], spread[i], strict=True)))
            for i, name in enumerate(found.names)
        ),
    )
    error = _sem(np.stack([standardize.zscore(g) for g in groups]), 0)
    ends, T = [], found.kinds.shape[1]
    for i in kept[:3]:
        u, v = spectrum.modes.u[:, i], spectrum.modes.v[:, i]
        noise = np.sqrt(np.sum((u[:, None] * error) ** 2, axis=0)) / spectrum.modes.s[i]
        order = np.argsort(v)
        for at in (*order[:ENDS], *order[-ENDS:]):
            row, place = divmod(int(at), T)
            before = "".join(map(pictures.printable, found.tokens[row][max(0, place - 8) : place]))
            shown = f"{before}[{pictures.printable(found.tokens[row][place])}]"
            ends.append((str(i + 1), shown, f"{v[at]:+.3f} ± {noise[at]:.3f}"))
    if not ends:
        return modes, sums
    return (
        modes,
        sums,
        Table("Tokens at the ends of the modes that passed", ("mode", "context [token]", "v"), tuple(ends)),
    )


def _data(found: Findings, groups: np.ndarray) -> xr.Dataset:
    k, shape = len(found.names), found.kinds.shape
    where = ("component", "row", "position")
    chi, llc = groups.mean(axis=0), found.final["llc"]
    x = measure.predicted(groups, found.directions)
    return xr.Dataset(
        {
            "chi": (where, chi.reshape(k, *shape).astype(np.float32)),
            "chi_sem": (where, _sem(groups, 0).reshape(k, *shape).astype(np.float32)),
            "reliability": ("component", reliability(groups)),
            "mixture": (("component", "set"), x.mean(axis=0)),
            "mixture_sem": (("component", "set"), _sem(x, 0)),
            "llc": ("component", llc.mean(axis=1)),
            "llc_sem": ("component", _sem(llc, 1)),
            "token": (("row", "position"), np.array(found.tokens)),
            "kind": (("row", "position"), found.kinds),
        },
        coords={"component": list(found.names), "set": list(found.sets)},
    )


__all__ = ["Findings", "result"]

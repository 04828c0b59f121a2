"""Deep linear networks: does the learning coefficient that is sampled tend to the one that is known?

Idea. For x ↦ W_L ⋯ W_1 x with a true product of rank r, λ and m are Aoyagi's (`theory.known.deep_linear`). At one t the estimate
t⟨K⟩ misses λ for four reasons, which are taken apart here:

    temperature   (m − 1)/log t, t^{−1/L}, …: a ladder of t up to 10¹², sampled without a step size, extrapolates to λ      `ladder`
    step          SGLD at two steps, and blackjax's NUTS, against that exact sampler at the same t                       `chains`
    centre        λ(w*) of the true parameter that chains stay near is Aoyagi's only at the most singular one             `centres`
    patience      chains from w*, with minibatches at nβ = n/log n, have not settled: networks up to a million weights   `benchmark`
                  and devinterp's in the same processor time, where it is installed                                    `peer`

Rules fixed in advance: the rungs and networks below; each error is a standard error; γ = 1 on the ladder and 10 for the chains.

    conditional.py  the exact sampler     ladder.py  extrapolation       chains.py  SGLD and NUTS      centres.py  the point matters
    benchmark.py    as it is used         peer.py    devinterp      pictures.py, said.py

Source: M. Aoyagi (2024), λ and m; R. Hitchcock, J. Hoogland, From Global to Local: a scalable benchmark for local posterior
sampling, arXiv 2507.21449, for the benchmark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ledger.claim import Budget
from ledger.experiments.dln import benchmark, centres, chains, conditional, ladder, peer, pictures, said
from ledger.experiments.experiment import Result
from ledger.experiments.folder import Folder
from theory import known

WARM = (1e2, 1e3)
FITTED = tuple(10.0**k for k in range(4, 13))
RUNGS = WARM + FITTED
GAMMA = 1.0  # on the ladder and in the benchmark; that of the chains is `chains.GAMMA`
PAD = 6


class Network(NamedTuple):
    """Widths (inputs, hidden …, outputs) and the rank of the truth, whose singular values lie between 0.7 and 1.5."""

    widths: tuple[int, ...]
    rank: int

    @property
    def name(self) -> str:
        return "-".join(map(str, self.widths)) + f" rank {self.rank}"

    @property
    def strengths(self) -> tuple[float, ...]:
        return tuple(np.linspace(1.5, 0.7, self.rank).tolist()) if self.rank > 1 else (1.0,) * self.rank

    @property
    def size(self) -> int:
        return sum(a * b for a, b in pairwise(self.widths))

    @property
    def threshold(self) -> known.Threshold:
        return known.deep_linear(self.widths, self.rank)


NETWORKS = tuple(
    Network(widths, rank)
    for widths, rank in (
        ((1, 1, 1), 0), ((2, 2, 2), 0), ((2, 2, 2), 1), ((2, 3, 2), 0), ((2, 4, 2), 1), ((3, 3, 3), 0), ((3, 3, 3), 1),
        ((4, 2, 4), 1), ((4, 4, 4), 2), ((4, 6, 3), 0), ((5, 3, 4), 2), ((6, 6, 6), 3),
        ((1, 1, 1, 1), 0), ((2, 2, 2, 2), 0), ((2, 2, 2, 2), 1), ((3, 3, 3, 3), 1), ((3, 5, 4, 3), 0), ((4, 3, 2, 4), 1),
        ((4, 4, 4, 4), 2), ((5, 5, 5, 5), 2),
        ((2, 2, 2, 2, 2), 1), ((3, 2, 3, 4, 3), 1), ((3, 3, 3, 3, 3), 1), ((4, 4, 4, 4, 4), 2),
        ((2, 2, 2, 2, 2, 2), 1), ((3, 3, 3, 3, 3, 3), 2),
    )
)  # fmt: skip
SMALL = (Network((2, 2, 2), 0), Network((2, 2, 2), 1), Network((4, 4, 4), 2))


@dataclass(frozen=True)
class Size:
    """A budget in numbers: (chains, draws) of each sampler (`beside`: the exact one beside chains, whose errors are larger), the
    temperatures of the chains, and the networks of the benchmark."""

    exact: tuple[int, int]
    beside: tuple[int, int]
    sgld: tuple[int, int]
    nuts: tuple[int, int]
    temperatures: tuple[float, ...]
    benchmark: tuple[
        tuple[Network, int, int], ...
    ]  # network, steps of burn-in and as many draws, draws of the exact sampler
    networks: tuple[Network, ...] = NETWORKS
    small: tuple[Network, ...] = SMALL


def _wide(width: int, layers: int = 3) -> Network:
    return Network((width,) * (layers + 1), width // 2)


SIZES = {
    Budget.QUICK: Size(
        (36, 60), (32, 30), (24, 1500), (8, 240), (1e2, 1e3),
        ((SMALL[2], 800, 200), (_wide(8), 800, 100), (_wide(64), 800, 40)),
    ),
    Budget.FULL: Size(
        (96, 500), (96, 500), (64, 4000), (16, 1000), (1e2, 1e3, 1e4),
        (
            (SMALL[2], 8000, 800), (_wide(8), 8000, 400), (_wide(32), 8000, 200), (_wide(64), 4000, 100),
            (_wide(128), 1500, 40), (_wide(256), 500, 20), (_wide(512, 4), 250, 0),
        ),
    ),
}  # fmt: skip


def conduct(folder: Folder, budget: Budget) -> Result:
    """The four comparisons and their verdicts."""
    return report(folder, SIZES[budget])


def report(folder: Folder, size: Size) -> Result:
    """The experiment at any size."""
    rungs = _ladders(folder, size)
    steps = _steps(folder, size)
    no_turn = _no_turn(folder, size, steps)
    points = centres.dataset(folder, RUNGS, size.exact)
    used = _used(folder, size)
    data = {"/ladder": rungs, "/chains": steps, "/nuts": no_turn, "/centres": points, "/benchmark": used}
    numbers = {
        "within": float((abs(rungs.z) <= said.LIMIT).mean()),
        "networks": rungs.sizes["network"],
        "largest_relative_error": float((rungs.fitted_sem / rungs.threshold).max()),
        "sgld_largest_z": float(abs(steps.z).max()),
        "nuts_largest_z": float(abs(no_turn.z).max()),
    }
    statements = said.statements(rungs, steps, no_turn, points, used)
    return Result(data, statements, pictures.all_of(data), said.tables(rungs, no_turn, points, used), numbers)


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sampled(
    *, widths: Sequence[int], strengths: Sequence[float], temperatures: Sequence[float], size: tuple[int, int],
    exact: tuple[int, int], seed: int,
) -> dict[str, Any]:  # fmt: skip
    """SGLD at u and 2u beside the exact sampler, at the same t and γ."""
    count, draws = size
    truth = conditional.exactly(
        widths=widths, strengths=strengths, temperatures=temperatures, gamma=chains.GAMMA,
        size=(max(exact[0], count), exact[1]), seed=seed,
    )  # fmt: skip
    starts = [truth[f"layer{i}"] for i in range(len(widths) - 1)]
    found = chains.sgld_pairs(
        widths, strengths, temperatures, starts, gamma=chains.GAMMA, chains=count, draws=draws, burn_in=draws // 4,
        pad=PAD, seed=seed,
    )  # fmt: skip
    return found | {"exact": truth["mean"], "exact_sem": truth["sem"]} | {k: truth[k] for k in truth if "layer" in k}


def referred(
    *, widths: Sequence[int], strengths: Sequence[float], temperatures: Sequence[float], size: tuple[int, int],
    starts: Sequence[np.ndarray], seed: int,
) -> dict[str, Any]:  # fmt: skip
    """NUTS from w*; `starts` only choose its leapfrog step."""
    count, draws = size
    return chains.nuts(
        widths, strengths, temperatures, starts, gamma=chains.GAMMA, chains=count, draws=draws, burn_in=draws // 4,
        pad=PAD, seed=seed,
    )  # fmt: skip


# ── data ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _ladders(folder: Folder, size: Size) -> xr.Dataset:
    t, rows = np.array(RUNGS), []
    use = slice(len(WARM), None)
    for seed, network in enumerate(size.networks):
        found = folder.part(
            f"ladder {network.name}", conditional.exactly, widths=network.widths, strengths=network.strengths, temperatures=RUNGS,
            gamma=GAMMA, size=size.exact, seed=seed,
        )  # fmt: skip
        value, multiplicity = float(network.threshold.value), network.threshold.multiplicity
        layers = len(network.widths) - 1
        fits = [
            ladder.fit(t[use], found["mean"][use], found["sem"][use], multiplicity=m, layers=layers)
            for m in (multiplicity, 1)
        ]
        rows.append({
            "energy": found["mean"], "energy_sem": found["sem"], "curve": fits[0].curve(t), "threshold": value,
            "multiplicity": multiplicity, "layers": layers, "weights": network.size, "fitted": fits[0].value,
            "fitted_sem": fits[0].sem, "z": (fits[0].value - value) / fits[0].sem, "chi2": fits[0].chi2,
            "freedom": fits[0].freedom, "without_logs": fits[1].value, "without_logs_sem": fits[1].sem,
            "without_logs_z": (fits[1].value - value) / fits[1].sem,
        })  # fmt: skip
    return _stacked(rows, size.networks, {"t": t}, {"energy", "energy_sem", "curve"})


def _steps(folder: Folder, size: Size) -> xr.Dataset:
    t, rows = np.array(size.temperatures), []
    for seed, network in enumerate(size.networks):
        found = folder.part(
            f"chains {network.name}", sampled, widths=network.widths, strengths=network.strengths,
            temperatures=size.temperatures, size=size.sgld, exact=size.beside, seed=100 + seed,
        )  # fmt: skip
        sem = np.hypot(found["extrapolated_sem"], found["exact_sem"])
        row = {k: found[k] for k in ("extrapolated", "extrapolated_sem", "exact", "exact_sem")}
        row |= {"one": found["mean"][:, 0], "one_sem": found["sem"][:, 0], "two": found["mean"][:, 1]}
        row |= {"two_sem": found["sem"][:, 1], "z": (found["extrapolated"] - found["exact"]) / sem}
        row |= {"finite": found["finite"].min(axis=1), "virial": np.abs(found["virial"]).max(axis=1)}
        rows.append(row)
    return _stacked(rows, size.networks, {"t": t}, set(rows[0]))


def _no_turn(folder: Folder, size: Size, steps: xr.Dataset) -> xr.Dataset:
    t, rows = np.array(size.temperatures), []
    for seed, network in enumerate(size.small):
        kept = folder.part(
            f"chains {network.name}", sampled, widths=network.widths, strengths=network.strengths,
            temperatures=size.temperatures, size=size.sgld, exact=size.beside,
            seed=100 + size.networks.index(network),
        )  # fmt: skip
        found = folder.part(
            f"nuts {network.name}", referred, widths=network.widths, strengths=network.strengths,
            temperatures=size.temperatures, size=size.nuts, seed=200 + seed,
            starts=[kept[f"layer{i}"] for i in range(len(network.widths) - 1)],
        )  # fmt: skip
        there = steps.sel(network=network.name)
        sem = np.hypot(found["sem"], there.extrapolated_sem)
        rows.append({
            "nuts": found["mean"], "nuts_sem": found["sem"], "sgld": there.extrapolated.values,
            "sgld_sem": there.extrapolated_sem.values, "exact": there.exact.values,
            "exact_sem": there.exact_sem.values, "z": ((there.extrapolated - found["mean"]) / sem).values,
            "z_exact": ((found["mean"] - there.exact) / np.hypot(found["sem"], there.exact_sem)).values,
        })  # fmt: skip
    return _stacked(rows, size.small, {"t": t}, set(rows[0]))


def _used(folder: Folder, size: Size) -> xr.Dataset:
    rows = []
    for network, draws, exact in size.benchmark:
        posed: dict[str, Any] = {
            "widths": network.widths, "strengths": network.strengths, "n": 10_000, "batch": 256, "gamma": GAMMA,
            "chains": 4 if network.size < 1e5 else 2, "seed": 0,
        }  # fmt: skip
        found = folder.part(f"benchmark {network.name}", benchmark.measure, u=0.1, burn_in=draws, draws=draws, **posed)
        row = {k: float(v) for k, v in found.items()} | {"exact": np.nan, "exact_sem": np.nan}
        if exact:
            truth = folder.part(
                f"benchmark, exact, {network.name}", conditional.exactly, widths=network.widths, strengths=network.strengths,
                temperatures=(float(found["t"]),), gamma=GAMMA, size=(4, exact), seed=1,
            )  # fmt: skip
            row |= {"exact": float(truth["mean"][0]), "exact_sem": float(truth["sem"][0])}
        row |= dict.fromkeys(("peer", "peer_sem", "peer_rhat", "peer_own", "peer_steps", "peer_seconds"), np.nan)
        if peer.installed():
            given = {name: row[name] for name in ("epsilon", "t", "seconds")}
            theirs = folder.part(f"devinterp {network.name}", peer.measure, **given, **posed)
            row |= {"peer": theirs["mean"], "peer_sem": theirs["sem"], "peer_rhat": theirs["rhat"]}
            row |= {"peer_own": theirs["its_own"], "peer_steps": theirs["steps"], "peer_seconds": theirs["seconds"]}
        row |= {"steps": 2 * draws, "threshold": float(network.threshold.value), "weights": network.size}
        rows.append(row)
    return _stacked(rows, [network for network, *_ in size.benchmark], {}, set())


def _stacked(
    rows: Sequence[dict[str, Any]], networks: Sequence[Network], axis: dict[str, np.ndarray], long: set[str]
) -> xr.Dataset:
    dims = {name: ("network", *(axis if name in long else ())) for name in rows[0]}
    arrays = {name: (dims[name], np.array([row[name] for row in rows])) for name in rows[0]}
    return xr.Dataset(arrays, {"network": [n.name for n in networks], **axis})

"""The answer of the experiment on code: statements (`said`), `tables`, `pictures` and labelled data, put together.

Function: `result`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ledger.experiments.code_lm import measure, neighbours, pictures, rules, said
from ledger.experiments.code_lm.findings import Findings, Response, responses, sem, spread
from ledger.experiments.code_lm.tables import tables
from ledger.experiments.experiment import Picture, Result
from ledger.experiments.induction.rules import reliability
from sampler import spectroscopy, standardize


def result(found: Findings) -> Result:
    """Statements, pictures, tables and data of what was found."""
    groups = measure.groups(found.final)
    left, right = cosines = rules.reproduced(groups)
    spectrum = spectroscopy.spectrum(groups, components=found.names)
    kept = [i for i in range(len(found.names) - 1) if left[i] > rules.LEAST and right[i] > rules.LEAST]
    answered = responses(found)
    numbers = {
        "reliability": dict(zip(found.names, reliability(groups).tolist(), strict=True)),
        "modes": [i + 1 for i in kept],
    } | {name: {"slope": of.slope._asdict(), "r": of.r._asdict()} for name, of in answered.items()}
    return Result(
        _data(found, groups),
        said.statements(found, groups, cosines, kept, answered),
        _drawn(found, groups, spectrum, right, kept) | _responses(answered),
        tables(found, groups, spectrum, cosines, kept),
        numbers,
    )


def _drawn(
    found: Findings, groups: np.ndarray, spectrum: Any, cosines: np.ndarray, kept: Sequence[int]
) -> dict[str, Picture]:
    drawn = {
        "loss": pictures.losses(list(found.loss), *np.array(list(found.loss.values())).T),
        "components": _components(found, groups),
    }
    for mark, of in (*found.early.items(), (found.last, found.final)):
        drawn[f"tokens {mark}"] = _embedding(found, mark, measure.groups(of))
    for mark, places in found.maps.items():
        drawn[f"map {mark}"] = neighbours.picture(places, found.kinds.reshape(-1), f"step {mark}")
    for i in kept[:3] or [0]:
        warning = (
            "" if i in kept else " This mode does not reproduce between independent halves: not to be interpreted."
        )
        drawn[f"text mode {i + 1}"] = pictures.text(
            found.tokens[:8], spectrum.modes.v[:, i].reshape(found.kinds.shape)[:8], f"mode {i + 1}",
            f"Probed text, the colour behind each token its loading in mode {i + 1} of the standardised matrix; |v·v′| = "
            f"{cosines[i]:.2f} between halves of the chains.{warning}",
        )  # fmt: skip
    return drawn


def _responses(answered: Mapping[str, Response]) -> dict[str, Picture]:
    return {
        name: pictures.responses(of.sets, (of.predicted, of.direct), of.errors, (of.slope, of.r), name)
        for name, of in answered.items()
    }


def _components(found: Findings, groups: np.ndarray) -> Picture:
    low, high = spread(groups)
    phi, llc = found.final["phi"].mean(axis=2), found.final["llc"]
    return pictures.heads(
        found.names,
        {
            "reliability": ((low + high) / 2, (high - low) / 2),
            "⟨φ⟩, nat": (phi.mean(axis=1), sem(phi, 1)),
            "nβ⟨L − L(w*)⟩": (llc.mean(axis=1), sem(llc, 1)),
        },
    )


def _embedding(found: Findings, mark: int, groups: np.ndarray) -> Picture:
    u = np.linalg.svd(standardize.standardize(groups.mean(axis=0)), full_matrices=False)[0][:, :2]
    one, two = rules.halves(len(groups))[0]
    a, b = (standardize.standardize(groups[half].mean(axis=0)).T @ u for half in (one, two))
    return pictures.embedding(
        (a + b) / 2, np.abs(a - b) / 2, found.kinds.reshape(-1), rules.reproduced(groups)[1], f"step {mark}"
    )


def _data(found: Findings, groups: np.ndarray) -> xr.Dataset:
    k, shape = len(found.names), found.kinds.shape
    where = ("component", "row", "position")
    chi, llc = groups.mean(axis=0), found.final["llc"]
    x = measure.predicted(groups, found.directions)
    return xr.Dataset(
        {
            "chi": (where, chi.reshape(k, *shape).astype(np.float32)),
            "chi_sem": (where, sem(groups, 0).reshape(k, *shape).astype(np.float32)),
            "reliability": ("component", reliability(groups)),
            "mixture": (("component", "set"), x.mean(axis=0)),
            "mixture_sem": (("component", "set"), sem(x, 0)),
            "llc": ("component", llc.mean(axis=1)),
            "llc_sem": ("component", sem(llc, 1)),
            "token": (("row", "position"), np.array(found.tokens)),
            "kind": (("row", "position"), found.kinds),
        },
        coords={"component": list(found.names), "set": list(found.sets)},
    )


__all__ = ["result"]

"""The result of the induction experiment: labelled data, tables and pictures. What is said of them is in `statements`.

Every condition that was trained is in the first table, with its times seed by seed.

Function: `result`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ledger.experiments.experiment import Result, Table
from ledger.experiments.induction import linear, pictures, rules, statements
from ledger.experiments.induction.findings import Findings
from sampler import diagnostics
from sampler.data import induction


def result(found: Findings) -> Result:
    """The whole answer."""
    said = statements.made(found)
    tables = [_conditions(found), _components(found), _rules(found)]
    drawn = {"times": pictures.times(found)}
    data = {"/training": _training(found), "/susceptibilities": _susceptibilities(found)}
    if found.ladders:
        responses = {where: linear.compare(part["phi"], part["response"]) for where, part in found.ladders.items()}
        said += statements.linearity(found, responses)
        tables.append(_responses(found, responses))
        drawn["linear"] = pictures.linear(found.strengths, responses)
        data["/linear"] = _ladder_data(found, responses)
    targets = statements.targets_of(found)
    said += statements.inverse(found, targets)
    drawn["targets"] = pictures.targets(statements.RIDGES, targets)
    numbers = {
        name: {"times": _censored(found.times(name), found.most), "ratio": found.ratio(name)} for name in found.runs
    }
    return Result(data, tuple(said), drawn, tuple(tables), {"most": found.most, "conditions": numbers})


def _censored(times: np.ndarray, most: float) -> list[Any]:
    return [round(float(t), 1) if np.isfinite(t) else f"> {most}" for t in times]


def _conditions(found: Findings) -> Table:
    rows = []
    for name, run in found.runs.items():
        control = "held control" if name.startswith("held") else "control"
        second = run["at_half"][:, [induction.BACKGROUND, induction.FIRST]].mean(axis=0)
        rows.append(
            (
                name,
                f"{found.ratio(name):.3f}",
                " ".join(f"{t:.0f}" if np.isfinite(t) else "–" for t in run["times"]),
                str(found.mean(name)),
                str(found.versus(name, control)),
                f"{second[0]:.2f} / {second[1]:.2f}",
            )
        )
    columns = (
        "condition",
        "ratio",
        "time by seed",
        "mean (95%)",
        "less control, paired (95%)",
        "background / first copy then",
    )
    return Table(
        f"Steps until induction forms; – means not by {found.most}, and ≥ a mean with such times counted as {found.most}",
        columns,
        tuple(rows),
    )


def _components(found: Findings) -> Table:
    kinds, rows = found.kinds["train"], []
    for i, (name, r) in enumerate(zip(found.names, rules.reliability(found.groups), strict=True)):
        phi = diagnostics.mean(found.after["train phi"][i])
        z = rules.standardised(found.groups.mean(axis=0)[i])
        means = " / ".join(f"{z[kinds == k].mean():+.2f}" for k in induction.KINDS)
        rows.append(
            (
                name,
                f"{phi.mean:.4f} ± {phi.sem:.4f}",
                f"{r:.2f}",
                f"{rules.area(-z, kinds):.3f}",
                means,
                f"{np.abs(found.after['train virial'][i]).max():.1f}",
            )
        )
    columns = (
        "component",
        "⟨φ⟩, nat",
        "reliability",
        "area, second copy",
        "mean z: " + " / ".join(induction.NAMES),
        "largest virial |z|",
    )
    return Table("χ̂ after the transition", columns, tuple(rows))


def _rules(found: Findings) -> Table:
    kinds, rows = found.kinds["train"], []
    for name, score in found.scores.items():
        ratios = [rules.ratio(rules.weights(score, value), kinds) for value in (1.0, -1.0)]
        rows.append(
            (
                name,
                f"{rules.area(score, kinds):.3f}",
                *(f"{x:.2f}" for x in ratios),
                "yes" if f"{name} +" in found.runs else "no",
            )
        )
    columns = ("rule", "area, second copy", "ratio, accelerate", "ratio, delay", "trained")
    return Table("Every score that was made of χ̂, trained or not", columns, tuple(rows))


def _responses(found: Findings, responses: Mapping[tuple[int, str], linear.Response]) -> Table:
    rows = []
    for (mark, name), r in responses.items():
        for i, a in enumerate(found.strengths):
            cells = ((r.realised, r.realised_sem), (r.first, r.first_sem), (r.second, r.second_sem))
            rows.append((str(mark), name, f"{a:+g}", *(f"{1e3 * x[i]:+.2f} ± {1e3 * e[i]:.2f}" for x, e in cells)))
    columns = ("step", "component", "strength", "realised, 10⁻³ nat", "first order", "second order")
    return Table("Change of ⟨φ⟩ under pc1 weights", columns, tuple(rows))


def _training(found: Findings) -> xr.Dataset:
    names, seeds = list(found.runs), max(len(run["times"]) for run in found.runs.values())
    table = np.full((len(names), seeds), np.nan)
    for row, name in zip(table, names, strict=True):
        row[: len(found.times(name))] = found.times(name)
    means = [found.mean(name) for name in names]
    return xr.Dataset(
        {
            "time": (
                ("condition", "seed"),
                table,
                {"units": "steps", "censored": f"inf: later than {found.most}; nan: not trained"},
            ),
            "mean": ("condition", [m.mean for m in means]),
            "low": ("condition", [m.low for m in means]),
            "high": ("condition", [m.high for m in means]),
            "ratio": ("condition", [found.ratio(name) for name in names]),
        },
        {"condition": names, "seed": np.arange(seeds)},
    )


def _susceptibilities(found: Findings) -> xr.Dataset:
    phi = [diagnostics.mean(x) for x in found.after["train phi"]]
    chi = found.groups.mean(axis=0)
    error = found.groups.std(axis=0, ddof=1) / np.sqrt(len(found.groups))
    return xr.Dataset(
        {
            "chi": (("component", "token"), chi.astype(np.float32), {"units": "nat²"}),
            "chi_sem": (("component", "token"), error.astype(np.float32), {"note": f"from {len(found.groups)} chains"}),
            "phi": ("component", [float(e.mean) for e in phi], {"units": "nat"}),
            "phi_sem": ("component", [float(e.sem) for e in phi]),
            "reliability": ("component", rules.reliability(found.groups)),
            "kind": ("token", found.kinds["train"]),
            "loss": ("token", found.loss.astype(np.float32)),
        },
        {"component": list(found.names)},
    )


def _ladder_data(found: Findings, responses: Mapping[tuple[int, str], linear.Response]) -> xr.Dataset:
    fields = ("realised", "realised_sem", "first", "first_sem", "second", "second_sem")
    where = [f"{mark} {name}" for mark, name in responses]
    return xr.Dataset(
        {f: (("where", "strength"), np.stack([getattr(r, f) for r in responses.values()])) for f in fields},
        {"where": where, "strength": list(found.strengths)},
    )


__all__ = ["result"]

"""The answer of the parentheses experiment: statements (`said`), `tables`, `pictures` and labelled data, put together.

Function: `result`.
"""

import numpy as np
import xarray as xr

from ledger.experiments.experiment import Result
from ledger.experiments.parens import pictures, rules, said
from ledger.experiments.parens.findings import LENGTHS, Findings
from ledger.experiments.parens.tables import tables
from sampler.data import parentheses


def result(found: Findings) -> Result:
    """The whole answer."""
    numbers = {
        name: {"share": [round(float(x), 4) for x in found.share(name)], "ratio": rules.ratio(rho, found.strings.kinds)}
        for name, rho in found.made.items()
    }
    drawn = {"shares": pictures.shares(found), "solutions": pictures.solutions(found)}
    data = {"/training": _training(found), "/solutions": _solutions(found)}
    return Result(data, said.statements(found), drawn, tables(found), numbers)


def _training(found: Findings) -> xr.Dataset:
    names = list(found.made)
    means = [[found.mean(name, n) for n in LENGTHS] for name in names]
    return xr.Dataset(
        {
            "yes": (
                ("condition", "length", "seed", "kind"),
                np.stack([[found.runs[name][f"yes {n}"] for n in LENGTHS] for name in names]),
            ),
            "phi": (("condition", "seed"), np.stack([found.runs[name]["margin"] for name in names])),
            "share": (("condition", "length"), [[m.mean for m in row] for row in means]),
            "low": (("condition", "length"), [[m.low for m in row] for row in means]),
            "high": (("condition", "length"), [[m.high for m in row] for row in means]),
        },
        {"condition": names, "length": list(LENGTHS), "kind": list(parentheses.NAMES)},
    )


def _solutions(found: Findings) -> xr.Dataset:
    return xr.Dataset(
        {
            "chi": (
                ("solution", "chain", "string"),
                found.chi.astype(np.float32),
                {"units": "nat", "note": "error: scatter of chains"},
            ),
            "llc": ("solution", [float(run["llc"]) for run in found.answers]),
            "llc_sem": ("solution", [float(run["sem"]) for run in found.answers]),
            "phi": ("solution", found.source["margin"]),
            "kind": ("string", found.strings.kinds),
        }
    )


__all__ = ["result"]

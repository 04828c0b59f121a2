"""Runs and estimates as labelled arrays, in one portable file.

    tree(run)         an xarray DataTree in ArviZ's groups:
                      posterior        loss (L_n − L_n(w*)) and the observables, (chain, draw, …)
                      sample_stats     virial, its two terms, acceptance_rate, diverging
                      log_likelihood   −ℓ_z of the probes, (chain, draw, probe)
                      attributes       nβ, γ, ε, d, thin, seconds, message, …
    save, load        the same as one netCDF-4 file (HDF5, written by h5netcdf); `arviz` reads it too
    dataset(x)        an `Estimate` as a Dataset with the variables mean, sem, ess, rhat and the labels as coordinates

A run that kept moments has the means and errors of its series in a group "moments" instead of draws. Diverged chains are in the
tree, marked in `diverging`; leave them out with `.sel(chain=…)`. Files are written aside and moved into place.

Functions: `tree`, `save`, `load`, `dataset`.
"""

import os
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sampler.diagnostics import NUMBERS, Estimate
from sampler.record import Run
from theory.errors import BadInput

CONSTANTS = ("nbeta", "gamma", "epsilon", "dimension", "centre_loss", "draws", "thin", "seconds", "message")


def tree(run: Run) -> xr.DataTree:
    """The run as a DataTree (see the module)."""
    everything: dict[str, Any] = {"/": xr.Dataset(attrs={name: getattr(run, name) for name in CONSTANTS})}
    everything["/"].attrs["inference_library"] = "threefold"
    if run.moments is not None and run.layout is not None:
        names = [*run.layout.places, *(["probes"] if run.layout.probes else [])]
        sets = [dataset(run.mean(name), prefix=f"{name}_") for name in names]
        everything["/moments"] = xr.merge(sets).assign(finite=("chain", run.finite))
        return xr.DataTree.from_dict(everything)
    chains, draws = run.loss.shape
    coordinates = {"chain": np.arange(chains), "draw": np.arange(draws)}

    def group(series: dict[str, np.ndarray]) -> xr.Dataset:
        variables = {n: (("chain", "draw", *(f"{n}_dim_{i}" for i in range(x.ndim - 2))), x) for n, x in series.items()}
        return xr.Dataset(variables, coords=coordinates)

    diverging = np.zeros((chains, draws), np.int8)
    for c in np.flatnonzero(~run.finite):
        start = 0 if run.diverged_at is None else run.diverged_at[c]
        diverging[c, start:] = 1
    excess = np.asarray(run.loss, np.float64) - run.centre_loss
    everything["/posterior"] = group({"loss": excess, **run.observables})
    with np.errstate(invalid="ignore"):  # a diverged chain holds inf − inf
        virial = np.asarray(run.drift, np.float64) - np.asarray(run.square, np.float64) - run.dimension
    stats = {"virial": virial, "drift": run.drift, "square": run.square, "acceptance_rate": run.accepted}
    everything["/sample_stats"] = group(stats | {"diverging": diverging})
    if run.probes is not None:
        seen = xr.Dataset({"probe": (("chain", "draw", "probe_number"), -np.asarray(run.probes))}, coords=coordinates)
        everything["/log_likelihood"] = seen
    return xr.DataTree.from_dict(everything)


def dataset(estimate: Estimate, *, prefix: str = "") -> xr.Dataset:
    """mean, sem, ess and rhat with the dims and labels of the estimate; unnamed dims are called dim_0, dim_1, …"""
    dims = estimate.dims or tuple(f"{prefix}dim_{i}" for i in range(np.ndim(estimate.mean)))
    labels = {dim: list(names) for dim, names in estimate.labels.items() if dim in dims}
    variables = {f"{prefix}{name}": (dims, np.asarray(getattr(estimate, name))) for name in NUMBERS}
    return xr.Dataset(variables, coords=labels)


def estimate(data: xr.Dataset) -> Estimate:
    """The estimate that `dataset` was made of."""
    dims = tuple(str(dim) for dim in data["mean"].dims)
    labels = {dim: tuple(str(x) for x in data.coords[dim].values) for dim in dims if dim in data.coords}
    named = dims if any(not dim.startswith("dim_") for dim in dims) else ()
    return Estimate(*(data[name].values for name in NUMBERS), dims=named, labels=labels)


def save(what: Run | Estimate, path: str | PathLike) -> None:
    """Write a run or an estimate to one netCDF file, in one step; raises `BadInput` where none can be written."""
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        raise BadInput(f"results.save: {path} is not a file that can be replaced; give the name of a file in a folder")
    aside = target.with_name(target.name + ".part")
    data = tree(what) if isinstance(what, Run) else dataset(what)
    try:
        data.to_netcdf(aside, engine="h5netcdf")
        os.replace(aside, target)
    except OSError as problem:
        aside.unlink(missing_ok=True)
        raise BadInput(f"results.save: {path} cannot be written: {problem.strerror or problem}") from None


def load(path: str | PathLike) -> xr.DataTree:
    """The labelled arrays of a file, in memory; raises `BadInput` for what cannot be read."""
    try:
        with xr.open_datatree(path, engine="h5netcdf") as file:
            return file.load()
    except (OSError, ValueError) as error:
        raise BadInput(f"results.load: {path} is not a file of results that can be read: {error}") from None

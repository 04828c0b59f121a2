"""Experiments: the validated estimator on trained networks, where the truth can be had by another road.

Each is one module with a function `conduct(folder, budget) -> Result` and a row here. A run is a sequence of parts
(`folder.Folder.part`); a part that is done lies on disk, so that a run that was cut off goes on where it was.

    experiment.py  what an experiment is and what it returns          folder.py  its parts on disk
    page.py        data file, figures, page and summary of a result   conduct    one experiment from beginning to end

An experiment's folder holds index.html, summary.json, results.nc (xarray, netCDF-4), figures/*.svg and parts/.
"""

from ledger.experiments.experiment import Experiment, Package

EXPERIMENTS: tuple[Experiment, ...] = ()


def named(name: str) -> Experiment:
    """The experiment of that name; raises `BadInput` with the names that there are."""
    from theory.errors import BadInput

    for experiment in EXPERIMENTS:
        if experiment.name == name:
            return experiment
    known = ", ".join(each.name for each in EXPERIMENTS)
    raise BadInput(f"there is no experiment {name!r}; choose one of {known} (threefold experiment --list)")


__all__ = ["EXPERIMENTS", "Experiment", "Package", "named"]

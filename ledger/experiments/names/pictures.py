"""The pictures of the experiment."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ledger.experiments.experiment import Picture


def all_of(
    groups: Mapping[str, xr.Dataset], scored: xr.Dataset, damped: np.ndarray, bayes: Mapping[str, np.ndarray]
) -> dict[str, Picture]:
    """Predicted against retrained; the scores; the Bayesian influence against the damped one."""
    return {
        "retraining": Picture(
            _retraining(groups),
            "Change of the queries' losses: predicted against retrained (first order; with the next, and its stated error).",
        ),
        "scores": Picture(
            _scores(scored), "Rank correlations with retraining, mean over queries, with 95% bootstrap intervals."
        ),
        "bayesian": Picture(
            _bayesian(damped, bayes),
            "Bayesian influence (± 1 standard error) against the damped influence function of the same ρ, the 400 largest.",
        ),
    }


def _retraining(groups: Mapping[str, xr.Dataset]) -> Figure:
    figure = Figure(figsize=(7.0, 6.4), layout="constrained")
    for axis, (name, g) in zip(figure.subplots(2, 2).flat, groups.items(), strict=True):
        change = g.change.values.ravel()
        error = np.minimum(g.error.values.ravel(), 10 * np.abs(change).max())
        axis.plot(change, g.first.values.ravel(), ".", ms=3, color="C1", label="first order", rasterized=True)
        both = (g.first + g.second).values.ravel()
        axis.errorbar(change, both, error, fmt=".", ms=3, lw=0.5, color="C0", label="next order", rasterized=True)
        ends = np.array([change.min(), change.max()])
        axis.plot(ends, ends, color="grey", lw=0.8)
        reach = 1.5 * np.abs(change).max()
        axis.set(title=name, xlabel="retrained, nats", ylabel="predicted, nats", ylim=(-reach, reach))
    figure.axes[0].legend()
    return figure


def _scores(d: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.8, 3.4), layout="constrained")
    axes = figure.subplots()
    order = d.sel(case="left out").sortby("value").prediction.values
    rows = np.arange(len(order))
    for shift, (case, label) in enumerate((("left out", "leave-one-out"), ("subsets", "LDS"))):
        row = d.sel(case=case, prediction=order)
        spread = np.abs(np.array([row.value - row.low, row.high - row.value]))
        axes.errorbar(row.value, rows + 0.15 * shift, xerr=spread, fmt="o", ms=4, lw=1, color=f"C{shift}", label=label)
    axes.set_yticks(rows, order)
    axes.set(xlabel="Spearman correlation")
    axes.legend()
    return figure


def _bayesian(damped: np.ndarray, bayes: Mapping[str, np.ndarray]) -> Figure:
    figure = Figure(figsize=(4.6, 4.0), layout="constrained")
    axes = figure.subplots()
    x = damped.ravel()
    large = np.argsort(-np.abs(x))[:400]
    y, e = (bayes[k].ravel()[large] for k in ("mean", "sem"))
    axes.errorbar(x[large], y, e, fmt=".", ms=3, lw=0.5, color="C0", rasterized=True)
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, ends, color="grey", lw=0.8)
    axes.set(xlabel="damped influence function, nats", ylabel="Bayesian influence, nats")
    return figure

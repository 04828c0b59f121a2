"""The pictures of the experiment."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ledger.experiments.experiment import Picture
from ledger.experiments.names.said import CONTRACTING, WEIGHT


def all_of(
    groups: Mapping[str, xr.Dataset], scored: xr.Dataset, damped: np.ndarray, bayes: Mapping[str, np.ndarray]
) -> dict[str, Picture]:
    """Predicted against retrained; the scores; the Bayesian influence against the damped one."""
    return {
        "retraining": Picture(
            _retraining(groups),
            "Change of the queries' losses: predicted against retrained (influence function; with the next order in the weight).",
        ),
        "scores": Picture(
            _scores(scored), "Rank correlations with retraining, mean over queries, with 95% bootstrap intervals."
        ),
        "bayesian": Picture(
            _bayesian(damped, bayes),
            "Bayesian influence (± 1 standard error) at the larger nβ against its chain's leading order, the 400 largest.",
        ),
    }


def _retraining(groups: Mapping[str, xr.Dataset]) -> Figure:
    figure = Figure(figsize=(7.0, 6.6), layout="constrained")
    for axis, (name, g) in zip(figure.subplots(2, 2).flat, groups.items(), strict=True):
        series = g.sel(road=WEIGHT)
        once, both = (series.terms.sel(order=slice(k)).sum("order").values for k in (1, 2))
        use = (series.ratio.values <= CONTRACTING) & (g.branch.values == 1)
        change, error = g.change.values, series.error.values
        axis.plot(change.ravel(), once.ravel(), ".", ms=3, color="C1", label="influence function", rasterized=True)
        rest = {"ms": 3, "color": "grey", "label": "next order, r > ½ or the branch ends", "rasterized": True}
        axis.plot(change[~use].ravel(), both[~use].ravel(), "x", **rest)
        told = {
            "fmt": ".",
            "ms": 3,
            "lw": 0.6,
            "color": "C0",
            "label": "next order, its stated error",
            "rasterized": True,
        }
        axis.errorbar(change[use].ravel(), both[use].ravel(), error[use].ravel(), **told)
        ends = np.array([change.min(), change.max()])
        axis.plot(ends, ends, color="grey", lw=0.8)
        reach = 1.5 * np.abs(change).max()
        axis.set(title=name, xlabel="retrained, nats", ylabel="predicted, nats", ylim=(-reach, reach))
    marks, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(marks, labels, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
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
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
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
    axes.set(xlabel="damped influence function / (1 − u/4), nats", ylabel="Bayesian influence, nats")
    return figure

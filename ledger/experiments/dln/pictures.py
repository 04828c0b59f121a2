"""The pictures of the experiment."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ledger.experiments.experiment import Picture


def all_of(data: Mapping[str, xr.Dataset]) -> dict[str, Picture]:
    """One picture for each group of the data."""
    return {
        "ladder": Picture(
            _ladder(data["/ladder"]),
            "1 − t⟨K⟩/λ on the ladder (points, ± 1 standard error) and the fits through t ≥ 10⁴ (lines), by multiplicity m. "
            "For m > 1 the deviation falls like (m − 1)/(λ log t): no temperature that a network is sampled at makes it small.",
        ),
        "extrapolated": Picture(
            _extrapolated(data["/ladder"]),
            "The limit of the ladder over Aoyagi's λ, ± 1 standard error; open: the fit without logarithms, where m > 1.",
        ),
        "chains": Picture(
            _chains(data["/chains"], data["/nuts"]),
            "SGLD over the exact sampler at the same t and γ: at steps u and 2u, with the step taken out; and NUTS. ± 1 standard "
            "error.",
        ),
        "centres": Picture(
            _centres(data["/centres"]),
            "t⟨K⟩ from a lopsided true parameter, held near (γ = 100) and loosely (γ = 1). Dashed: λ(w*); dotted: Aoyagi's λ.",
        ),
        "benchmark": Picture(
            _benchmark(data["/benchmark"]),
            "Minibatch SGLD from w* at nβ = n/log n (± 1 standard error), and the exact sampler at the same t, over Aoyagi's λ.",
        ),
    }


def _ladder(d: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for name in d.network.values:
        row = d.sel(network=name)
        colour, scale = f"C{int(row.multiplicity) - 1}", row.threshold.item()
        off, error = 1 - row.energy / scale, row.energy_sem / scale
        seen = off > 2 * error
        axes.errorbar(d.t[seen], off[seen], error[seen], fmt=".", ms=4, lw=0.8, color=colour)
        curve = 1 - row.curve / scale
        axes.plot(d.t[2:], np.where(curve > 0, curve, np.nan)[2:], color=colour, lw=0.7)
    for m in np.unique(d.multiplicity):
        axes.plot([], [], color=f"C{int(m) - 1}", label=f"m = {int(m)}")
    axes.set(xscale="log", yscale="log", xlabel="t", ylabel="1 − t⟨K⟩/λ", ylim=(1e-4, 1))
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _extrapolated(d: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.4, 1.0 + 0.2 * d.sizes["network"]), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(d.sizes["network"])[::-1]
    logs = (d.multiplicity > 1).values
    style = {"fmt": "o", "ms": 4, "lw": 1}
    bare = (d.without_logs / d.threshold).values, (d.without_logs_sem / d.threshold).values
    axes.errorbar(bare[0][logs], rows[logs], xerr=bare[1][logs], color="C1", mfc="none", label="without log t", **style)
    axes.errorbar(
        d.fitted / d.threshold, rows, xerr=d.fitted_sem / d.threshold, color="C0", label="with log t", **style
    )
    axes.axvline(1, color="grey", lw=0.8)
    names = [f"{name}, m = {int(m)}" for name, m in zip(d.network.values, d.multiplicity.values, strict=True)]
    axes.set_yticks(rows, names, fontsize=7)
    axes.set(xlabel="extrapolated λ / Aoyagi's λ")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure


def _chains(d: xr.Dataset, n: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots(d.sizes["t"], 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    where = np.arange(d.sizes["network"])
    series = (("one", "u", "C2"), ("two", "2u", "C1"), ("extrapolated", "step taken out", "C0"))
    for axis, t in zip(axes, d.t.values, strict=True):
        at = d.sel(t=t)
        for shift, (name, label, colour) in enumerate(series):
            place = where + 0.2 * (shift - 1)
            axis.errorbar(
                place,
                at[name] / at.exact,
                at[f"{name}_sem"] / at.exact,
                fmt=".",
                ms=4,
                lw=0.8,
                color=colour,
                label=label,
            )
        for name in n.network.values:
            row = n.sel(network=name, t=t)
            place = list(d.network.values).index(name) + 0.4
            axis.errorbar(place, row.nuts / row.exact, row.nuts_sem / row.exact, fmt="s", ms=3, lw=0.8, color="C3")
        axis.errorbar([], [], [], fmt="s", ms=3, color="C3", label="NUTS")
        axis.axhline(1, color="grey", lw=0.8)
        axis.set(ylabel=f"λ̂/exact, t = {t:g}")
    axes[-1].set_xticks(where, d.network.values, rotation=90, fontsize=6)
    marks, labels = axes[0].get_legend_handles_labels()
    figure.legend(marks, labels, loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    return figure


def _centres(d: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    panels = figure.subplots(-(-d.sizes["network"] // 2), 2, sharex=True, squeeze=False).flat
    for axis, name in zip(panels, d.network.values, strict=False):
        row = d.sel(network=name)
        for colour, gamma in zip(("C1", "C0"), d.gamma.values, strict=True):
            at = row.sel(gamma=gamma)
            axis.errorbar(d.t, at.energy, at.energy_sem, fmt=".-", ms=4, lw=0.8, color=colour, label=f"γ = {gamma:g}")
        axis.axhline(row.local, ls="--", color="grey", lw=0.8)
        axis.axhline(row.aoyagi, ls=":", color="grey", lw=1.2)
        low = min(row.aoyagi.item(), row.energy.isel(t=0).min().item())
        axis.set(xscale="log", title=name, ylabel="t⟨K⟩", xlabel="t", ylim=(low - 0.3, row.local.item() + 0.3))
    marks, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(marks, labels, loc="outside upper center", ncols=2, frameon=False)
    return figure


def _benchmark(d: xr.Dataset) -> Figure:
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    style = {"fmt": "o", "ms": 4, "lw": 1}
    axes.errorbar(
        d.weights, d["mean"] / d.threshold, d["sem"] / d.threshold, color="C0", label="minibatch SGLD from w*", **style
    )
    axes.errorbar(
        d.weights, d.exact / d.threshold, d.exact_sem / d.threshold, color="C3", label="exact, same t", **style
    )
    if np.isfinite(d.peer).any():
        beside = d.weights * 1.08
        axes.errorbar(beside, d.peer / d.threshold, d.peer_sem / d.threshold, color="C2", label="devinterp", **style)
    axes.axhline(1, color="grey", lw=0.8)
    axes.set(xscale="log", xlabel="weights", ylabel="t⟨K⟩/λ")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure

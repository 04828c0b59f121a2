"""Pictures of a run: traces, autocorrelations, sweeps.

Each function draws into the axes that it is given, or makes a figure, and gives the figure back.

    plots.traces(run, "loss")            each chain, with running means and the pooled mean
    plots.autocorrelation(run, "loss")   ρ_k of the pooled chains against the lag in steps, and where Geyer's sum stops
    plots.sweep(found)                   an estimate on a grid (`sweep.Sweep.map`) with error bars

Functions: `traces`, `autocorrelation`, `sweep`.
"""

from typing import Any

import numpy as np

from sampler import diagnostics
from sampler.diagnostics import Estimate
from sampler.record import Run
from theory.errors import BadInput

INK, MUTED = "#222222", "#8a8a8a"


def _axes(axes: Any) -> Any:
    if axes is not None:
        return axes
    from matplotlib.figure import Figure

    return Figure(figsize=(7, 3.2), layout="constrained").subplots()


def _column(run: Run, name: str, index: tuple[int, ...]) -> np.ndarray:
    trace = run.trace(name)
    if trace.ndim - 2 != len(index):
        raise BadInput(f"plots: {name} has values of shape {trace.shape[2:]}; give the index of one number of them.")
    return trace[(slice(None), slice(None), *index)]


def traces(run: Run, name: str = "loss", *, index: tuple[int, ...] = (), axes: Any = None) -> Any:
    """The trace of each finite chain, thin, its running mean, thick, and mean ± standard error, dashed; gives back the figure."""
    axes, trace = _axes(axes), _column(run, name, index)
    steps = run.thin * np.arange(1, trace.shape[1] + 1)
    for chain in trace:
        (line,) = axes.plot(steps, chain, lw=0.5, alpha=0.35)
        axes.plot(steps, np.cumsum(chain) / np.arange(1, len(chain) + 1), lw=1.6, color=line.get_color())
    pooled = diagnostics.mean(trace)
    axes.axhline(float(pooled.mean), color=INK, ls="--", lw=1)
    axes.axhspan(*(float(pooled.mean + s * pooled.sem) for s in (-1, 1)), color=MUTED, alpha=0.3, lw=0)
    axes.set(xlabel="step after burn-in", ylabel="L − L*" if name == "loss" else name, title=str(pooled))
    return axes.figure


def autocorrelation(
    run: Run, name: str = "loss", *, index: tuple[int, ...] = (), lags: int | None = None, axes: Any = None
) -> Any:
    """ρ_k against the lag, noise of ±2/√(CN) shaded, and the time τ that the standard error uses; gives back the figure."""
    axes, trace = _axes(axes), _column(run, name, index)
    rho = diagnostics.autocorrelation(trace)
    estimate = diagnostics.mean(trace)
    tau = trace.size / float(estimate.ess)
    shown = min(lags or int(max(20, 6 * tau)), len(rho) - 1)
    axes.vlines(run.thin * np.arange(shown + 1), 0, rho[: shown + 1], color=INK, lw=1)
    axes.axhspan(*(s * 2 / np.sqrt(trace.size) for s in (-1, 1)), color=MUTED, alpha=0.3, lw=0)
    axes.axhline(0, color=INK, lw=0.6)
    axes.set(
        xlabel="lag (steps)",
        ylabel=f"autocorrelation of {name}",
        title=f"τ = {tau:.3g} draws, ess = {float(estimate.ess):.0f}",
    )
    return axes.figure


def sweep(found: Estimate, *, of: str = "", expected: Any = None, axes: Any = None) -> Any:
    """Mean ± standard error along the last axis of the grid, one line for each setting of the others; gives back the figure.

    expected: numbers to draw beside them, shape of the grid or a scalar. Raises `BadInput` for an estimate without labels.
    """
    if not found.dims or any(dim not in found.labels for dim in found.dims):
        raise BadInput("plots.sweep: the estimate has no labelled axes; give it what `Sweep.map` returns.")
    axes, *_ = [_axes(axes)]
    *others, last = found.dims
    x = np.array([float(value) for value in found.labels[last]])
    for at in np.ndindex(*found.mean.shape[:-1]):
        label = ", ".join(f"{dim} = {found.labels[dim][i]}" for dim, i in zip(others, at, strict=True))
        axes.errorbar(x, found.mean[at], found.sem[at], marker="o", ms=3, capsize=2, label=label or None)
    if expected is not None:
        for row in np.broadcast_to(expected, found.mean.shape).reshape(-1, len(x)):
            axes.plot(x, row, color=MUTED, lw=1, zorder=0)
    if len(x) > 1 and x.min() > 0 and x.max() > 8 * x.min():
        axes.set_xscale("log")
    axes.set(xlabel=last, ylabel=of)
    if others:
        axes.legend(fontsize=8)
    return axes.figure

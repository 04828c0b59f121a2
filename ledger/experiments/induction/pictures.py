"""The pictures of the induction experiment: times by seed, targets and ridges, linear response."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ledger.experiments.experiment import Picture
from sampler.diagnostics import Estimate

BLUE, RED, GREY = "#3b82c4", "#d1495b", "#888888"


def times(found: Any) -> Picture:
    """Every condition: a point for each seed, the mean with its 95% interval."""
    names = list(found.runs)
    figure = Figure(figsize=(7.2, 1.2 + 0.2 * len(names)), layout="constrained")
    axes = figure.subplots()
    for row, name in enumerate(names):
        colour = GREY if "shuffled" in name or "control" in name else RED if "−" in name or "½" in name else BLUE
        t = np.minimum(found.times(name), found.most)
        axes.plot(t, np.full(len(t), row) + 0.18, "|", color=colour, markersize=5, alpha=0.7)
        m = found.mean(name)
        error = [[max(m.mean - m.low, 0)], [max(m.high - m.mean, 0)]]
        axes.errorbar([m.mean], [row], xerr=error, fmt=">" if m.bound else "o", color=colour, markersize=4, capsize=2)
    axes.axvline(found.mean("control").mean, color=GREY, linewidth=0.8, linestyle=":")
    axes.axvline(found.most, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("steps until induction forms")
    return Picture(
        figure,
        "Time at which induction forms: ticks are seeds, points means with 95% intervals over seeds; ▸ marks a lower bound (some "
        f"seeds not by {found.most} steps). Blue: accelerate; red: delay; grey: control and shuffled weights.",
    )


def targets(ridges: Sequence[float], found: Mapping[str, Estimate]) -> Picture:
    """How much weight the induction tokens get, by target and ridge."""
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    labels = {
        "pm": "target: induction heads",
        "heads": "target: all heads",
        "all": "target: all components",
        "pc1": "leading mode",
    }
    for k, ((name, values), marker) in enumerate(zip(found.items(), "osD ", strict=True)):
        axes.errorbar(
            np.arange(len(ridges)) + 0.06 * (k - 1.5),  # beside each other, lest bars hide bars
            values.mean,
            values.sem,
            capsize=2,
            linestyle="--" if name == "pc1" else "-",
            marker=marker.strip() or None,
            label=labels[name],
        )
    axes.axhline(1.0, color=GREY, linewidth=0.8)
    axes.set_xticks(range(len(ridges)), [f"{r:g}" if np.isfinite(r) else "∞" for r in ridges])
    axes.set_xlabel("ridge η in units of the squared noise edge")
    axes.set_ylabel("weight, second copy / rest")
    figure.legend(fontsize=8, frameon=False, loc="outside upper center", ncols=2)
    return Picture(
        figure,
        "What a target makes of the induction tokens (accelerate): above 1 they gain weight. The pseudo-inverse is the left end; "
        "at the right end dq ∝ Xᵀdμ. Bars: one standard error, by the jackknife over chains.",
    )


def linear(strengths: Sequence[float], responses: Mapping[tuple[int, str], Any]) -> Picture:
    """Realised against predicted changes of ⟨φ⟩."""
    names = list(dict.fromkeys(name for _, name in responses))
    marks = list(dict.fromkeys(mark for mark, _ in responses))
    figure = Figure(figsize=(2.6 * len(names) + 0.6, 2.5 * len(marks)), layout="constrained")
    panels = figure.subplots(len(marks), len(names), squeeze=False)
    for (mark, name), r in responses.items():
        axes = panels[marks.index(mark), names.index(name)]
        axes.errorbar(
            strengths,
            1e3 * r.realised,
            1e3 * r.realised_sem,
            fmt="o",
            color=BLUE,
            markersize=4,
            capsize=2,
            label="realised",
        )
        for values, errors, colour, label in (
            (r.first, r.first_sem, GREY, "first order"),
            (r.second, r.second_sem, RED, "second order"),
        ):
            axes.errorbar(strengths, 1e3 * values, 1e3 * errors, color=colour, linewidth=1, capsize=2, label=label)
        axes.set_title(f"step {mark}, {name}", fontsize=9)
    panels[0, 0].legend(fontsize=7, frameon=False)
    figure.supxlabel("strength of the pc1 weights", fontsize=9)
    figure.supylabel("change of ⟨φ⟩, 10⁻³ nat", fontsize=9)
    return Picture(
        figure,
        "The reach of the linear response: change of the expected component loss when the posterior's data are weighted, against "
        "the prediction −nβ Cov(φ, ℓ_s) from chains without weights (bars: one standard error).",
    )


__all__ = ["linear", "targets", "times"]

"""The pictures of the parentheses experiment: the rule that each network learned, λ̂ of the solutions.

Functions: `shares`, `solutions`.
"""

import numpy as np
from matplotlib.figure import Figure

from ledger.experiments.experiment import Picture
from ledger.experiments.parens.findings import Findings, stayed

BLUE, RED, GREY = "#3b82c4", "#d1495b", "#888888"


def shares(found: Findings) -> Picture:
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    axes = figure.subplots()
    for row, name in enumerate(found.made):
        colour = BLUE if name in ("+", "oracle 0.1") else RED if name in ("−", "oracle 10") else GREY
        x, m = found.share(name), found.mean(name)
        axes.plot(x, np.full(len(x), row) + 0.2, "|", color=colour, alpha=0.7)
        axes.errorbar([m.mean], [row], xerr=[[m.mean - m.low], [m.high - m.mean]], fmt="o", color=colour, capsize=2)
    axes.set_yticks(range(len(found.made)), list(found.made))
    axes.invert_yaxis()
    axes.set_xlabel("share of equal-count, not nested strings called nested")
    return Picture(
        figure,
        "Which rule was learned: ticks are seeds, points means with 95% intervals. 1 is the equal-count rule, 0 the nested one.",
    )


def solutions(found: Findings) -> Picture:
    figure = Figure(figsize=(5.0, 3.0), layout="constrained")
    axes = figure.subplots()
    for i, run in enumerate(found.answers):
        axes.errorbar(
            [found.source["margin"][i]],
            [run["llc"]],
            [run["sem"]],
            fmt="o",
            capsize=2,
            color=BLUE if stayed(run) else GREY,
        )
    axes.set_xlabel("φ of the solution")
    axes.set_ylabel("λ̂")
    return Picture(
        figure,
        "λ̂ of the solutions against the rule that they follow; bars one standard error, grey where a chain left. φ is a mean over "
        "fixed strings, and exact.",
    )


__all__ = ["shares", "solutions"]

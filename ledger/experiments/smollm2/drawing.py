"""What the experiment draws: scores of the heads, susceptibilities of tokens, and these against their leading order.

Functions: `heads`, `tokens`, `leading_order`.
"""

from collections.abc import Collection, Mapping

import numpy as np
from matplotlib.figure import Figure

from ledger.experiments.code_lm import pictures
from ledger.experiments.experiment import Picture
from ledger.experiments.smollm2.measure import Head
from ledger.figures import COLOURS


def heads(
    chosen: Collection[Head], scores: Mapping[str, np.ndarray], of: Mapping[str, np.ndarray], names: list[str]
) -> Picture:
    """Attention scores, with errors over rows of random tokens, and nβ⟨L − L(w*)⟩ of each head."""

    def scored(kind: str) -> tuple[np.ndarray, np.ndarray]:
        x = np.stack([scores[kind][:, each.layer, each.number] for each in chosen])
        return x.mean(axis=1), x.std(axis=1, ddof=1) / x.shape[1] ** 0.5

    return pictures.heads(
        names,
        {
            "reads what followed before": scored("repeating"),
            "reads the token before": scored("looking_back"),
            "nβ⟨L − L(w*)⟩": (of["llc"], of["llc_sem"]),
        },
    )


def tokens(of: Mapping[str, np.ndarray], names: list[str]) -> Picture:
    """χ̂ of the tokens, sorted for each head, with a band of one standard error."""
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    for name, chi, sem, colour in zip(names, of["chi"], of["chi_sem"], COLOURS, strict=False):
        order = np.argsort(chi)
        axes.plot(chi[order], lw=1, label=name, color=colour)
        axes.fill_between(range(len(order)), (chi - sem)[order], (chi + sem)[order], alpha=0.25, lw=0, color=colour)
    axes.set(xlabel="token, sorted by χ̂ for each head", ylabel="χ̂ ± standard error, nat²")
    axes.set_yscale("symlog", linthresh=float(np.median(of["chi_sem"])))
    axes.legend(fontsize=8, frameon=False, title="head")
    return Picture(
        figure,
        "Susceptibilities of the probed tokens, sorted; the band is one standard error, the scale linear below it.",
    )


def leading_order(of: Mapping[str, np.ndarray], names: list[str]) -> Picture:
    """χ̂ with its error against the leading order, a panel a head."""
    figure = Figure(figsize=(8, 2.6 * -(-len(names) // 3)), layout="constrained")
    panels = figure.subplots(-(-len(names) // 3), min(3, len(names)), squeeze=False).ravel()
    for axes, name, chi, sem, linear, colour in zip(
        panels, names, of["chi"], of["chi_sem"], of["linear"], COLOURS, strict=False
    ):
        axes.errorbar(linear, chi, sem, fmt=".", ms=3, lw=0.6, color=colour, rasterized=True)
        axes.axline((0, 0), slope=1, lw=0.8, color="gray")
        axes.set_title(f"head {name}", fontsize=9)
        axes.ticklabel_format(axis="both", style="sci", scilimits=(0, 0))
        axes.tick_params(labelsize=7)
    for axes in panels[len(names) :]:
        axes.axis("off")
    figure.supxlabel("leading order, nat²", fontsize=9)
    figure.supylabel("χ̂ ± standard error, nat²", fontsize=9)
    return Picture(figure, "χ̂ of each probed token against its leading order in 1/γ; grey: slope 1.")


__all__ = ["heads", "leading_order", "tokens"]

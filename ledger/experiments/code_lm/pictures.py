"""What the experiment draws: χ̂ of tokens as a colour behind the text, modes, checkpoints, responses.

Functions: `text`, `embedding`, `heads`, `responses`, `losses`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from ledger.experiments.code_lm.rules import KINDS, Value
from ledger.experiments.experiment import Picture
from ledger.figures import COLOURS

ACROSS, LINES = 92, 24


def printable(piece: str) -> str:
    """A token's text with its blanks and line ends made visible."""
    shown = piece.replace("\n", "⏎").replace("\t", "→").replace(" ", "·")
    return "".join(c if c.isprintable() and ord(c) < 0x2E80 else "�" for c in shown)


def text(tokens: Sequence[Sequence[str]], loadings: np.ndarray, name: str, caption: str) -> Picture:
    """Rows of tokens, each over a patch whose colour is its loading in a mode, blue below and red above 0."""
    limit = float(np.quantile(np.abs(loadings), 0.98))
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, ACROSS), ylim=(LINES, 0))
    axes.axis("off")
    line = 0
    for row, values in zip(tokens, loadings, strict=True):
        at = 0
        for piece, value in zip(map(printable, row), values, strict=True):
            if at + len(piece) > ACROSS:
                line, at = line + 1, 0
            if line >= LINES:
                break
            # Half strength keeps dark text readable on every patch.
            colour = colormaps["coolwarm"](0.5 + 0.5 * float(np.clip(value / limit, -1, 1)))
            axes.add_patch(_patch(at, line, len(piece), colour))
            axes.text(
                at + len(piece) / 2, line + 0.5, piece, ha="center", va="center", fontsize=7, family="monospace",
                parse_math=False, color="black",
            )  # fmt: skip
            at += len(piece)
        line += 2
    axes.set_title(f"{name}, colour from −{limit:.2g} to {limit:.2g}", fontsize=9)
    return Picture(figure, caption)


def _patch(at: float, line: float, width: float, colour: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((at + 0.05, line + 0.05), width - 0.1, 0.9, facecolor=colour, edgecolor="none")


def embedding(scores: np.ndarray, error: np.ndarray, kinds: np.ndarray, cosines: np.ndarray, name: str) -> Picture:
    """Tokens by their scores in the first two modes of the standardised matrix; the bar at a corner is the median error."""
    figure = Figure(figsize=(6, 4.4), layout="constrained")
    axes = figure.subplots()
    for kind, label in enumerate(KINDS):
        own = scores[kinds == kind]
        axes.plot(own[:, 0], own[:, 1], ".", ms=2, color=COLOURS[kind], label=label, rasterized=True, alpha=0.6)
    low = scores.min(axis=0)
    axes.errorbar(*low, yerr=np.median(error[:, 1]), xerr=np.median(error[:, 0]), fmt="none", capsize=3, color="gray")
    told = ", ".join(f"mode {i + 1} |v·v′| = {c:.2f}" for i, c in enumerate(cosines[:2]))
    axes.set(xlabel="score in mode 1", ylabel="score in mode 2", title=f"{name}; {told}")
    axes.legend(fontsize=7, frameon=False, markerscale=3)
    return Picture(
        figure,
        f"{name}: tokens in context by principal components of the standardised susceptibilities; the grey cross is the median "
        "standard error of a score (halves of the chains).",
    )


def heads(names: Sequence[str], found: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Picture:
    """Rows of panels, one quantity each, value ± error over components."""
    figure = Figure(figsize=(7, 2.2 * len(found)), layout="constrained")
    for axes, (label, (value, error)) in zip(
        figure.subplots(len(found), squeeze=False)[:, 0], found.items(), strict=True
    ):
        axes.errorbar(names, value, error, fmt="o", capsize=3, color=COLOURS[0])
        axes.axhline(0, lw=0.7, color="gray")
        axes.set_ylabel(label)
    return Picture(
        figure,
        "By component: "
        + "; ".join(found)
        + ". Bars: of the reliability the range over all ways to halve the chains, of the others "
        "one standard error over independent chains.",
    )


def responses(
    sets: Sequence[str],
    values: tuple[np.ndarray, np.ndarray],
    errors: tuple[np.ndarray, np.ndarray],
    found: tuple[Value, Value],
    how: str,
) -> Picture:
    """Predicted and direct responses, (components, K) each, a colour a set, with their errors, slope, r and the line of slope 1."""
    figure = Figure(figsize=(5.5, 4.4), layout="constrained")
    axes = figure.subplots()
    (x, y), (dx, dy) = (tuple(np.asarray(each) * 1e5 for each in pair) for pair in (values, errors))
    for k, name in enumerate(sets):
        colour = COLOURS[k % len(COLOURS)]
        axes.errorbar(x[:, k], y[:, k], dy[:, k], dx[:, k], fmt="o", ms=3, lw=0.8, color=colour, label=name)
    ends = np.array([min(x.min(), y.min()), max(x.max(), y.max())])
    axes.plot(ends, ends, lw=0.8, color="gray")
    axes.set(xlabel="Σ s χ̂/N, per token, 10⁻⁵ nat²", ylabel="direct, 10⁻⁵ nat²")
    axes.set_title(f"{how}: slope {found[0]}, r {found[1]}", fontsize=8)
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    return Picture(
        figure,
        f"Response to mixed distributions: {how}, against the sum of per-token susceptibilities, one point a component; bars are "
        "standard errors, grey: slope 1.",
    )


def losses(steps: Sequence[int], values: np.ndarray, errors: np.ndarray) -> Picture:
    """Held-out loss at the checkpoints."""
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    axes.errorbar(steps, values, errors, fmt="o-", capsize=3, color=COLOURS[0])
    axes.set(xscale="log", xlabel="step", ylabel="held-out loss, nat a token")
    return Picture(figure, "Loss of rows that no step saw, at each checkpoint, ± one standard error over rows.")


__all__ = ["embedding", "heads", "losses", "printable", "responses", "text"]

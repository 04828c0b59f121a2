"""The pictures of the experiment: every point with its error bar, predictions as lines or hollow marks.

Functions: `squares`, `entries`, `distances`, `coefficients`, `layers`, `along`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from ledger.experiments.digits.study import WAYS, LayerRow, Point, Row, Study

COLOURS = {
    ("continuous", 1): "#c9a227",
    ("continuous", 2): "#e07b39",
    ("discrete", 1): "#6b8e9f",
    ("discrete", 2): "#2a9d6f",
}
NAMES = {
    way: f"{way[0]}{'-time' if way[0] == 'continuous' else ' chain'}, {'1/nβ' if way[1] == 1 else '1/nβ + 1/nβ²'}"
    for way in WAYS
}
WINDOW = (0.8, 1.25)


def squares(study: Study) -> Figure:
    """χ²/dof of each setting, by each way of predicting; hollow: what theory expected before the draws."""
    rows = study.rows
    figure, axes = _axes(7.2, 4.2)
    for k, way in enumerate(WAYS):
        x = np.arange(len(rows)) + (k - 1.5) * 0.17
        value = np.array([row.squares[way].value for row in rows])
        error = [max(row.squares[way].jackknife, row.outlook.scatter) for row in rows]
        axes.errorbar(x, value, _log_safe(value, error), fmt="o", ms=4, capsize=2, color=COLOURS[way], label=NAMES[way])
        axes.scatter(
            x, [row.expected[way] for row in rows], marker="D", s=34, facecolors="none", edgecolors=COLOURS[way]
        )
    axes.axhspan(*WINDOW, color="#2a9d6f", alpha=0.15, lw=0)
    axes.set_yscale("log")
    axes.set_xticks(range(len(rows)), [_short(row) for row in rows], fontsize=7)
    axes.set_ylabel("χ²/dof, 300 entries" if rows[0].squares[WAYS[0]].entries == 300 else "χ²/dof")
    axes.set_title(study.title, fontsize=10)
    _above(figure)
    return figure


def entries(row: Row, title: str) -> Figure:
    """Left: nβ Cov of pairs of digits, sampled against predicted. Right: their z-scores in order, against those of a normal law."""
    figure = Figure(figsize=(8.4, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    upper = np.triu_indices(len(row.plain.value))
    x, y, e = (m[upper] for m in (row.predicted["discrete", 2], row.plain.value, row.plain.sem))
    left.errorbar(x, y, e, fmt="o", ms=2.5, lw=0.8, color=COLOURS["discrete", 2], rasterized=True)
    small = float(np.median(np.abs(x)) / 3)
    for set_scale in (left.set_xscale, left.set_yscale):
        set_scale("symlog", linthresh=small)
    ends = np.array([x.min(), x.max()])
    left.plot(ends, ends, lw=0.8, color="gray")
    left.set_xlabel("nβ Cov predicted: discrete chain, two orders", fontsize=8)
    left.set_ylabel("nβ Cov sampled", fontsize=8)
    left.set_title(title, fontsize=9)
    left.tick_params(labelsize=6)
    quantile = norm.ppf((np.arange(len(x)) + 0.5) / len(x))
    for way in (("continuous", 2), ("discrete", 1), ("discrete", 2)):
        white = _whitened(row, way)
        right.plot(quantile, np.sort(white[upper]), ".", ms=3, color=COLOURS[way], label=NAMES[way])
    right.plot(quantile, quantile, lw=0.8, color="gray")
    right.set_ylim(-12, 12)
    right.set_xlabel("quantile of the normal law", fontsize=8)
    right.set_ylabel("z of whitened entries (error bar 1)", fontsize=8)
    right.legend(fontsize=7, frameon=False)
    return figure


def _whitened(row: Row, way: tuple[str, int]) -> np.ndarray:
    return (row.found.value - row.whitened[way]) / row.found.sem


def distances(study: Study, law: tuple[float, float]) -> Figure | None:
    """Root mean square distance of sampled from predicted entries, noise taken off, as nβ varies at one (c, u)."""
    rows = sorted(
        (row for row in study.rows if (row.setting.confinement, row.setting.u) == law),
        key=lambda row: row.setting.nbeta,
    )
    if len(rows) < 2:
        return None
    figure, axes = _axes(6.4, 4.0)
    nbeta = np.array([row.setting.nbeta for row in rows])
    for k, way in enumerate(WAYS):
        square, sem = np.array([row.gaps[way] for row in rows]).T
        x, seen = nbeta * 1.04 ** (k - 1.5), square > sem
        value = np.sqrt(np.where(seen, square, np.maximum(square, 0) + 2 * sem))
        low = np.where(seen, value - np.sqrt(np.maximum(square - sem, 0)), 0)
        high = np.where(seen, np.sqrt(np.maximum(square + sem, 0)) - value, 0)
        axes.errorbar(
            x[seen],
            value[seen],
            (low[seen], high[seen]),
            fmt="o",
            ms=4,
            capsize=2,
            color=COLOURS[way],
            label=NAMES[way],
        )
        limits = {"fmt": "o", "ms": 3, "mfc": "none", "capsize": 2, "color": COLOURS[way], "uplims": True}
        axes.errorbar(x[~seen], value[~seen], 0.3 * value[~seen], label=None if seen.any() else NAMES[way], **limits)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("nβ")
    axes.set_ylabel("rms relative error of the prediction")
    axes.set_title(f"{study.title}: γ/nβ = {law[0]:g}, u = {law[1]:g}", fontsize=10)
    _above(figure)
    return figure


def coefficients(study: Study) -> Figure:
    """λ̂ sampled and predicted, relative to the discrete chain's two orders, at each setting; NUTS relative to the posterior's."""
    rows = [*study.rows, *([study.nuts] if study.nuts else [])]
    figure, axes = _axes(7.2, 3.8)
    x = np.arange(len(rows))
    bases = np.array([row.llc_predicted["continuous" if row is study.nuts else "discrete", 2] for row in rows])
    for way in WAYS:
        value = np.array([row.llc_predicted[way] for row in rows]) / bases
        axes.plot(x, value, "_", ms=16, mew=1.6, color=COLOURS[way], label=NAMES[way])
    mean, sem = np.array([row.llc for row in rows]).T
    axes.errorbar(x, mean / bases, sem / bases, fmt="o", ms=4, capsize=2, color="#3b82c4", label="sampled")
    axes.set_xticks(x, [_short(row) for row in rows], fontsize=7)
    axes.set_ylabel("λ̂ / prediction for the chain")
    axes.set_title(study.title, fontsize=10)
    _above(figure)
    return figure


def layers(rows: Sequence[LayerRow], title: str) -> Figure:
    """nβ² χ_z(φ_C) of each layer, sampled against predicted."""
    figure = Figure(figsize=(4.2 * len(rows), 3.8), layout="constrained")
    for axes, row in zip(np.atleast_1d(figure.subplots(1, len(rows))), rows, strict=True):
        axes.errorbar(row.predicted, row.mean, row.sem, fmt="o", ms=3, lw=0.9, color="#3b82c4")
        ends = np.array([row.predicted.min(), row.predicted.max()])
        axes.plot(ends, ends, lw=0.8, color="gray")
        axes.set_xlabel("(nβ)² χ predicted for the chain", fontsize=8)
        axes.set_ylabel("(nβ)² χ sampled", fontsize=8)
        axes.set_title(f"{title}, {row.name}", fontsize=9)
    return figure


def along(study: Study) -> Figure:
    """λ̂ along the training; hollow where the diagnosis finds no minimum there."""
    points = study.along
    figure, axes = _axes(6.8, 4.0)
    x = np.arange(len(points))

    def draw(chosen: Callable[[Point], bool], face: str | None, label: str) -> None:
        use = np.array([chosen(p) for p in points])
        if use.any():
            mean, sem = (np.array([getattr(p, name) for p in points]) for name in ("llc", "sem"))
            axes.errorbar(x[use], mean[use], sem[use], fmt="o", ms=5, mfc=face, capsize=2, color="#3b82c4", label=label)

    draw(lambda p: p.at_minimum, None, "λ̂ about a minimum")
    draw(lambda p: not p.at_minimum, "none", "nβ⟨L − L(w₀)⟩, no minimum at w₀: no learning coefficient")
    predicted = np.array([p.predicted for p in points])
    axes.plot(
        x, predicted, "_", ms=16, mew=1.6, color=COLOURS["discrete", 2], label="quadratic prediction, where P > 0"
    )
    axes.axhline(0, lw=0.6, color="gray")
    axes.set_yscale("symlog", linthresh=10)
    axes.set_xticks(x, ["w*" if p.step < 0 else f"{p.step}" for p in points])
    axes.set_xlabel("steps of Adam")
    axes.set_ylabel("nβ⟨L_n − L_n(w₀)⟩")
    axes.set_title(study.title, fontsize=10)
    _above(figure)
    return figure


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _above(figure: Figure) -> None:
    """The legend over the axes, where it hides no point."""
    figure.legend(loc="outside upper center", ncols=3, fontsize=7, frameon=False)


def _log_safe(value: np.ndarray, error: Sequence[float]) -> np.ndarray:
    """Error bars that stay above zero."""
    return np.array([np.minimum(error, 0.9 * value), error])


def _short(row: Row) -> str:
    s = row.setting
    mark = "" if row.valid else " ✗"
    step = f"u = {s.u:g}" if s.u else "NUTS"
    return f"nβ {s.nbeta:.0e}{mark}\nγ {s.gamma:.0e}\n{step}".replace("e+0", "e")

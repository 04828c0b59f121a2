"""Figures as inline SVG: they follow the colours of the page, need nothing from outside, and are equal bit for bit.

A `ledger.claim.Figure` is data; `draw` is the one place that makes a picture of it, and `heat_map` draws a labelled
matrix. Text, axes and ticks take the text colour of the surrounding page (`currentColor`), so that they can be read on
a dark page too; every id is prefixed, because several figures share one page.
"""

import io
import re
import textwrap
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas

from ledger.claim import Figure, Series
from ledger.compare import Z_CRITICAL

INK = "#012345"  # stands for the page's text colour until the picture is written
# Each stands out from a light page and from a dark one: contrast 3 or more with both.
COLOURS = ("#3b82c4", "#d9722e", "#2a9d6f", "#b565c9", "#a98514", "#d1495b", "#6b8e9f", "#9a7749")
_MARKERS = "osD^vP*X"
_SHADES = 41
_MOST_TICKS = 34
_MOST_NUMBERS = 150
_TITLE_WIDTH = 74  # characters of a line above a figure
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Matrix:
    """A matrix with names for its rows and columns, and the standard error of each entry where known."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    sem: np.ndarray | None = None
    quantity: str = ""


def draw(figure: Figure, prefix: str) -> str:
    """The figure as an <svg> element; `prefix` must be unique on the page."""
    with style(prefix):
        canvas = Canvas(figsize=(6.4, 3.8), layout="constrained")
        axes = canvas.add_subplot()
        for number, series in enumerate(figure.series):
            _plot(axes, series, number, figure)
        title = readable(figure.title)
        axes.set_title(textwrap.fill(_plain(title), _TITLE_WIDTH), fontsize=10)
        axes.set_xlabel(_plain(figure.xlabel))
        axes.set_ylabel(_plain(figure.ylabel))
        axes.set_xscale("log" if figure.xlog else "linear")
        axes.set_yscale("log" if figure.ylog else "linear")
        if axes.get_legend_handles_labels()[1]:
            axes.legend(fontsize=8, frameon=False)
        return svg(canvas, prefix, title)


def z_histogram(scores: Sequence[float], prefix: str) -> str:
    """z-scores in bins of half a standard error, beside N(0, 1); what lies beyond ±6 is counted in the last bins."""
    edges = np.arange(-6.0, 6.01, 0.5).tolist()
    x = np.linspace(-6.0, 6.0, 121)
    with style(prefix):
        canvas = Canvas(figsize=(6.4, 2.3), layout="constrained")
        axes = canvas.add_subplot()
        axes.hist(
            np.clip(np.nan_to_num(scores, nan=6.0), -6.0, 6.0), edges, color=COLOURS[0], alpha=0.55, label="comparisons"
        )
        expected = len(scores) * 0.5 * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        axes.plot(x, expected, color=COLOURS[1], label="N(0, 1)")
        for limit in (-Z_CRITICAL, Z_CRITICAL):
            axes.axvline(limit, color=COLOURS[5], linewidth=0.8, linestyle="--")
        axes.set_xlabel("z")
        axes.set_ylabel("comparisons")
        axes.legend(fontsize=8, frameon=False)
        return svg(canvas, prefix, f"Histogram of {len(scores)} z-scores beside the standard normal density")


def readable(words: str) -> str:
    """Python's notation for a polynomial in the notation of a paper: x**2*y → x²·y."""
    raised = re.sub(r"\*\*(\d+)(?![\d.])", lambda power: power[1].translate(_RAISED), words)
    return re.sub(r"(?<=[\w)²³¹⁰⁴-⁹])\*(?=[\w(])", "·", raised).replace(" +/- ", " ± ")


def heat_map(matrix: Matrix, prefix: str) -> str:
    """The matrix in colours, symmetric about 0, with a colour bar; the numbers too where there is room."""
    rows, columns = matrix.values.shape
    with style(prefix):
        height = 1.6 + min(0.34 * rows, 7.0) + 0.05 * max(map(len, matrix.columns), default=0)
        canvas = Canvas(figsize=(7.2, height), layout="constrained")
        axes = canvas.add_subplot()
        largest = float(np.max(np.abs(matrix.values), initial=0, where=np.isfinite(matrix.values))) or 1.0
        colours = matplotlib.colormaps["RdBu_r"].resampled(_SHADES)
        mesh = axes.pcolormesh(matrix.values, cmap=colours, vmin=-largest, vmax=largest)
        axes.invert_yaxis()
        _label(axes, matrix)
        if rows * columns <= _MOST_NUMBERS and columns <= 12:
            _write_numbers(axes, matrix, largest)
        bar = canvas.colorbar(mesh, ax=axes, label=_plain(matrix.quantity), fraction=0.05, pad=0.02)
        bar.outline.set_visible(False)  # type: ignore[operator]  # the stubs call a patch a function
        axes.set_title(textwrap.fill(_plain(matrix.title), _TITLE_WIDTH), fontsize=10)
        return svg(canvas, prefix, matrix.title)


def _plot(axes: Axes, series: Series, number: int, figure: Figure) -> None:
    """One curve; points that a logarithmic axis cannot show, and what is not a number, are left out."""
    x, y = np.asarray(series.x, dtype=float), np.asarray(series.y, dtype=float)
    error = None if series.yerr is None else np.asarray(series.yerr, dtype=float)
    shown = np.isfinite(x) & np.isfinite(y)
    shown &= ((x > 0) | (not figure.xlog)) & ((y > 0) | (not figure.ylog))
    x, y, error = x[shown], y[shown], None if error is None else np.nan_to_num(error[shown])
    if not x.size:
        return
    colour, label = COLOURS[number % len(COLOURS)], _plain(series.label)
    if series.style == "band" and error is not None:
        axes.fill_between(x, y - error, y + error, color=colour, alpha=0.25, linewidth=0)
        axes.plot(x, y, color=colour, label=label)
    elif series.style in ("line", "band"):
        axes.plot(x, y, color=colour, label=label)
    else:
        marker = _MARKERS[number % len(_MARKERS)]
        axes.errorbar(x, y, error, fmt=marker, color=colour, markersize=4.5, capsize=2.5, label=label)


def _label(axes: Axes, matrix: Matrix) -> None:
    """Name the rows and columns, every k-th where there are too many."""
    for axis, names in ((axes.yaxis, matrix.rows), (axes.xaxis, matrix.columns)):
        step = -(-len(names) // _MOST_TICKS)
        axis.set_ticks(np.arange(len(names))[::step] + 0.5, [_plain(name) for name in names[::step]])
    axes.tick_params(length=0, labelsize=8)
    if sum(map(len, matrix.columns)) > 50:
        axes.tick_params("x", labelrotation=90)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _write_numbers(axes: Axes, matrix: Matrix, largest: float) -> None:
    for (row, column), value in np.ndenumerate(matrix.values):
        error = "" if matrix.sem is None else f"\n±{matrix.sem[row, column]:.1g}"
        colour = "#ffffff" if abs(value) > 0.65 * largest else "#111111"
        axes.text(column + 0.5, row + 0.5, f"{value:.2g}{error}", ha="center", va="center", fontsize=7, color=colour)


@contextmanager
def style(prefix: str):
    ink = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK)
    clean = {"svg.hashsalt": prefix, "svg.fonttype": "none", "axes.spines.top": False, "axes.spines.right": False}
    settings: dict[Any, Any] = {**matplotlib.rcParamsDefault, **ink, **clean, "font.size": 9.5}
    del settings["backend"]  # a notebook's choice, which `rc_context` would not restore
    with matplotlib.rc_context(settings):
        yield


def svg(canvas: Canvas, prefix: str, title: str) -> str:
    canvas.patch.set_visible(False)
    for axes in canvas.axes:
        axes.patch.set_visible(False)
    stream = io.StringIO()
    FigureCanvasSVG(canvas).print_svg(stream, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _inline(stream.getvalue(), prefix, title)


def _inline(document: str, prefix: str, title: str) -> str:
    """The <svg> element of an SVG document, without namespaces and metadata, in the colours and the letters of the page."""
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", element, flags=re.S)
    element = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", element).replace("xlink:href", "href").replace(INK, "currentColor")
    element = _shorter(element)
    element = re.sub(r'(\sid="|url\(#|\shref="#)', rf"\g<1>{prefix}-", element)
    element = re.sub(r'<svg([^>]*?) width="[^"]*"', r"<svg\1", element, count=1)
    element = re.sub(r'<svg([^>]*?) height="[^"]*"', r"<svg\1", element, count=1)
    return element.replace(
        "<svg", f'<svg role="img" aria-label="{_attribute(title)}" font-family="sans-serif"', 1
    ).strip()


def _shorter(element: str) -> str:
    """The same picture in fewer characters: names that nothing refers to, fonts, blanks, and the third decimal of a point go."""
    names = {name for pair in re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', element) for name in pair}

    def tag(found: re.Match[str]) -> str:
        words = re.sub(r'\sid="([^"]*)"', lambda id: id[0] if id[1] in names else "", found[0])
        words = re.sub(r"font-family: [^;\"]*;? ?", "", words)
        words = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", words)
        return re.sub(r"\s+", " ", re.sub(r"(\d\.\d\d)\d+", r"\1", words)).replace(" >", ">")

    element = re.sub(r"<[^>]+>", tag, re.sub(r">\s+<", "><", element))
    return re.sub(r"<g></g>|<defs></defs>|(?<=>)\s+(?=<)", "", element)


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _plain(text: Any) -> str:
    """Text that is shown as it is: a dollar sign would start a formula."""
    return str(text).replace("$", r"\$")


def matrices(data: Any, name: str = "") -> Sequence[Matrix]:
    """Every matrix in the data: names in `rows` and `columns` (or `labels`), entries in `values` or `mean`."""
    if not isinstance(data, dict):
        return ()
    values = data.get("values", data.get("mean"))
    rows, columns = data.get("rows", data.get("labels")), data.get("columns", data.get("labels"))
    if values is None or not isinstance(rows, (list, tuple)) or not isinstance(columns, (list, tuple)):
        return [matrix for key, item in data.items() for matrix in matrices(item, str(key))]
    entries = np.asarray(values, dtype=float)
    if entries.shape != (len(rows), len(columns)) or not entries.size:
        return ()
    sem = np.asarray(data.get("sem", []), dtype=float)
    names = tuple(map(str, rows)), tuple(map(str, columns))
    return [
        Matrix(
            str(data.get("title", data.get("quantity", name))),
            *names,
            entries,
            sem if sem.shape == entries.shape else None,
            str(data.get("quantity", "")),
        )
    ]

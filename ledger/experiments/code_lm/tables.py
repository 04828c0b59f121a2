"""The tables of the experiment on code: modes, responses to mixtures, tokens at the ends of the modes.

Function: `tables`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ledger.experiments.code_lm import measure, pictures
from ledger.experiments.code_lm.findings import Findings, sem
from ledger.experiments.experiment import Table
from sampler import standardize

ENDS, BEFORE = 6, 8


def tables(
    found: Findings, groups: np.ndarray, spectrum: Any, cosines: tuple[np.ndarray, np.ndarray], kept: Sequence[int]
) -> tuple[Table, ...]:
    """The third one only where a mode passed the rule."""
    ends = _ends(found, groups, spectrum, kept)
    return (_modes(found, spectrum, cosines, kept), _sums(found, groups), *([ends] if ends.rows else []))


def _modes(found: Findings, spectrum: Any, cosines: tuple[np.ndarray, np.ndarray], kept: Sequence[int]) -> Table:
    left, right = cosines
    rows = tuple(
        (str(i + 1), f"{spectrum.modes.s[i]:.3g}", f"{left[i]:.2f}", f"{right[i]:.2f}", "yes" if i in kept else "no")
        for i in range(len(found.names) - 1)  # the mean over components is taken out: one mode less
    )
    return Table("Modes of the standardised matrix", ("mode", "s", "|u·u′|", "|v·v′|", "interpreted"), rows)


def _sums(found: Findings, groups: np.ndarray) -> Table:
    x = measure.predicted(groups, found.directions) * 1e4
    rows = tuple(
        (name, *(f"{v:+.2f} ± {e:.2f}" for v, e in zip(values, errors, strict=True)))
        for name, values, errors in zip(found.names, x.mean(axis=0), sem(x, 0), strict=True)
    )
    title = f"Response to a mixture with each set, Σ s χ̂/N in 10⁻⁴ nat², ± one standard error over {len(groups)} chains"
    return Table(title, ("component", *found.sets), rows)


def _ends(found: Findings, groups: np.ndarray, spectrum: Any, kept: Sequence[int]) -> Table:
    error = sem(np.stack([standardize.zscore(g) for g in groups]), 0)
    rows, T = [], found.kinds.shape[1]
    for i in kept[:3]:
        u, v = spectrum.modes.u[:, i], spectrum.modes.v[:, i]
        noise = np.sqrt(np.sum((u[:, None] * error) ** 2, axis=0)) / spectrum.modes.s[i]
        order = np.argsort(v)
        for at in (*order[:ENDS], *order[-ENDS:]):
            row, place = divmod(int(at), T)
            before = "".join(map(pictures.printable, found.tokens[row][max(0, place - BEFORE) : place]))
            shown = f"{before}[{pictures.printable(found.tokens[row][place])}]"
            rows.append((str(i + 1), shown, f"{v[at]:+.3f} ± {noise[at]:.3f}"))
    return Table("Tokens at the ends of the modes that passed", ("mode", "context [token]", "v"), tuple(rows))


__all__ = ["tables"]

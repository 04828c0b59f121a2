"""The point matters: λ(w*) of a true parameter that is not the most singular one, by resolution and by sampling.

Idea. At w* with identities below and all of C in the last layer the zero set of K is smooth of codimension inputs × outputs, and
λ(w*) = inputs × outputs/2 > λ. Chains held near w* (γ = 100) see it at any t that can be reached; held loosely (γ = 1) they find,
as t grows, more singular points, and t⟨K⟩ turns towards Aoyagi's λ: those points weigh e^{−γ·distance²/2} t^{λ(w*) − λ}.

`theory.rlct` resolves K at points of every rank of two small networks, and knows neither formula.

Functions: `dataset`, `statements`, `table`.
"""

from typing import Any

import numpy as np
import sympy as sp
import xarray as xr

from ledger.experiments.dln import conditional, ladder
from ledger.experiments.experiment import Found, Statement, Table
from ledger.experiments.folder import Folder
from sampler.networks import linear
from theory import known
from theory.rlct import rlct_ideal

LOPSIDED: tuple[tuple[tuple[int, ...], int], ...] = (((2, 2, 2), 0), ((3, 3, 3), 0), ((4, 4, 4), 2), ((3, 3, 3, 3), 1))
GAMMAS = (1.0, 100.0)
# Two layers at a true parameter, of the ranks of W_1, W_2 and their product: ones on the diagonal of W_1 from the first hidden unit
# up, and of W_2 so that they share as many hidden units as the rank of the product.
RESOLVED = (
    ((1, 1, 1), 0, (0, 0)), ((2, 2, 2), 0, (0, 0)), ((2, 2, 2), 0, (1, 0)), ((2, 2, 2), 0, (1, 1)), ((2, 2, 2), 0, (2, 0)),
    ((2, 2, 2), 1, (1, 1)), ((2, 2, 2), 1, (2, 1)), ((2, 3, 2), 0, (0, 0)), ((2, 3, 2), 0, (2, 0)), ((2, 3, 2), 1, (1, 1)),
)  # fmt: skip


def dataset(folder: Folder, temperatures: tuple[float, ...], size: tuple[int, int]) -> xr.Dataset:
    """Resolved thresholds (point), and t⟨K⟩ from lopsided centres with the limits of their ladders (network, gamma, t)."""
    found = folder.part("resolved points", resolved, points=RESOLVED)
    t = np.array(temperatures)
    energy, sem = np.zeros((2, len(LOPSIDED), len(GAMMAS), len(t)))
    local, fitted, error = np.zeros((3, len(LOPSIDED)))
    for i, (widths, rank) in enumerate(LOPSIDED):
        local[i] = widths[0] * widths[-1] / 2
        for j, gamma in enumerate(GAMMAS):
            part = folder.part(
                f"centre {'-'.join(map(str, widths))} gamma {gamma:g}", conditional.exactly, widths=widths,
                temperatures=temperatures, strengths=(1.0,) * rank, gamma=gamma, size=size, seed=300 + 10 * i + j, lopsided=True,
            )  # fmt: skip
            energy[i, j], sem[i, j] = part["mean"], part["sem"]
        late = t >= 1e5
        # A smooth zero set: powers of 1/t and no logarithms. Errors below the rounding of the sampler are none.
        fit = ladder.fit(t[late], energy[i, 1, late], np.maximum(sem[i, 1, late], 1e-6), multiplicity=1, layers=1)
        fitted[i], error[i] = fit.value, fit.sem
    names = ["-".join(map(str, widths)) + f" rank {rank}" for widths, rank in LOPSIDED]
    aoyagi = [float(known.deep_linear(*each).value) for each in LOPSIDED]
    return xr.Dataset(
        {
            "energy": (("network", "gamma", "t"), energy), "energy_sem": (("network", "gamma", "t"), sem),
            "local": ("network", local), "aoyagi": ("network", aoyagi), "fitted": ("network", fitted),
            "fitted_sem": ("network", error), **{k: ("point", v) for k, v in found.items()},
        },
        {"network": names, "gamma": list(GAMMAS), "t": t},
    )  # fmt: skip


def resolved(*, points: Any) -> dict[str, Any]:
    """(λ, m) at each point as text: by resolution, by `local_threshold`, and Aoyagi's."""
    rows = {"widths": [], "ranks": [], "resolution": [], "formula": [], "global": []}
    for widths, rank, ranks in points:
        answer = resolution(widths, rank, ranks)
        rows["widths"].append("-".join(map(str, widths)))
        rows["ranks"].append(f"{ranks[0]}, {ranks[1]} → {rank}")
        rows["resolution"].append(f"{answer.value}, {answer.multiplicity}" if answer.exact else "not decided")
        for name, known_ in (
            ("formula", linear.local_threshold(widths, rank, ranks)), ("global", known.deep_linear(widths, rank)),
        ):  # fmt: skip
            rows[name].append(f"{known_.value}, {known_.multiplicity}")
    return {name: np.array(values) for name, values in rows.items()}


def resolution(widths: tuple[int, int, int], rank: int, ranks: tuple[int, int]) -> Any:
    """λ(w*) by `theory.rlct` at two layers with ones for singular values."""
    inputs, hidden, outputs = widths
    a, b = ranks
    first = sp.Matrix(np.eye(hidden, inputs, dtype=int) * (np.arange(inputs) < a))
    second = sp.zeros(outputs, hidden)
    for i in range(b):
        second[i, i if i < rank else a + i - rank] = 1
    W1, W2 = (
        sp.Matrix(m.rows, m.cols, lambda i, j, n=name: sp.Symbol(f"{n}{i}{j}", real=True))
        for name, m in (("a", first), ("b", second))
    )
    variables, point = [*W1, *W2], [*first, *second]
    return rlct_ideal(list(W2 * W1 - second * first), variables, at=dict(zip(variables, point, strict=True)))


def statements(d: xr.Dataset) -> tuple[Statement, ...]:
    agree = int((d.resolution == d.formula).sum())
    z = (d.fitted - d.local) / d.fitted_sem
    loose = d.energy.sel(gamma=GAMMAS[0]).isel(t=-1)
    sem = d.energy_sem.sel(gamma=GAMMAS[0]).isel(t=-1)
    moved = int(((d.local - loose) > 5 * sem).sum())
    shown = "; ".join(
        f"{name}: {loose.sel(network=name).item():.3f} ± {sem.sel(network=name).item():.3f}, λ(w*) = "
        f"{d.local.sel(network=name).item():g}, Aoyagi {d.aoyagi.sel(network=name).item():g}"
        for name in d.network.values
    )
    return (
        Statement(
            f"Resolution at w* (`theory.rlct`) gives (λ, m) of the local formula at {agree} of {d.sizes['point']} true parameters "
            "of all ranks; it is Aoyagi's where every layer has rank r, and not everywhere else.",
            Found.HOLDS if agree == d.sizes["point"] else Found.FAILS,
        ),
        Statement(
            f"Held near a lopsided w* (γ = {GAMMAS[1]:g}) t⟨K⟩ tends to λ(w*) = inputs × outputs/2, not to Aoyagi's λ: largest |z| "
            f"{float(abs(z).max()):.1f} over {d.sizes['network']} networks, standard errors ≤ {float(d.fitted_sem.max()):.1g}.",
            Found.HOLDS if float(abs(z).max()) <= 3 else Found.FAILS,
        ),
        Statement(
            f"Held loosely (γ = {GAMMAS[0]:g}) it has left λ(w*) by more than 5 standard errors at t = {d.t.values[-1]:.0e} in "
            f"{moved} of {d.sizes['network']}: {shown}."
        ),
    )


def table(d: xr.Dataset) -> Table:
    columns = ("widths", "ranks of W₁, W₂ → W₂W₁", "λ(w*), m by resolution", "by the formula", "Aoyagi")
    rows = zip(*(d[k].values.astype(str) for k in ("widths", "ranks", "resolution", "formula", "global")), strict=True)
    return Table(
        "Local thresholds at true parameters of two layers", columns, tuple(tuple(map(str, row)) for row in rows)
    )

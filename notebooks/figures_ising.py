"""Figures 1, 2 and 3 of the primer: `python notebooks/figures_ising.py 1` (or 2, or 3) writes figure1.png next to this file.

Keys are fixed, so a figure is the same each time. What the primer's text does not say is stated here and on the figures:

    Fig 1   ⟨|M|⟩ and ⟨H⟩ against β on tori; snapshots at β = 0.25, 0.44, 0.55            about one minute of processor time
    Fig 2   wall in column 10, gap in row 10, probe (10, 5); β = 0.15 … 0.6                about three minutes (two of them exact sums)
    Fig 3   wall in row 10; probes (5,5) (15,5) | (4,14) (6,16) | (14,14) (15,16); β = 0.44     about twenty seconds

Error bars are two standard errors. "Metropolis" is the experiment of the primer: 20,000 samples, one a sweep, each chain an experiment.
"""

import sys
from pathlib import Path

import jax
import matplotlib

jax.config.update("jax_enable_x64", True)
matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from matplotlib.colors import ListedColormap

from ledger.claims.section2_figures import recovery
from ledger.claims.section2_lattices import FIGURE_2, FIGURE_3, SAMPLES, exact_response, sample
from numerics.ising import Lattice, onsager
from numerics.precision import digits
from sampler import ising
from sampler.ising import maps
from theory.errors import BadInput

HERE = Path(__file__).parent
CRITICAL = np.log(1 + np.sqrt(2)) / 2
COLOURS = {"left": "tab:blue", "right": "tab:orange", "A": "tab:blue", "B": "tab:orange", "C": "tab:red"}
SPINS = ListedColormap(["#f4f1ea", "#bbbbbb", "#27374d"])  # down, masked, up


def save(figure, number: int) -> None:
    path = HERE / f"figure{number}.png"
    figure.savefig(path, metadata={"Software": None})
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def points(axes, x, estimates, label: str, colour: str, scale: float = 1.0, marker: str = "o") -> None:
    mean, sem = (scale * np.array([float(getattr(e, name)) for e in estimates]) for name in ("mean", "sem"))
    axes.errorbar(x, mean, 2 * sem, fmt=marker, ms=3.5, capsize=2, lw=1, color=colour, label=label)


# ── Fig 1 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def figure_1() -> None:
    betas = [*np.arange(0.1, 0.36, 0.05), 0.38, 0.4, 0.42, 0.44, 0.46, 0.48, 0.5, 0.55, 0.6]
    figure, axes = plt.subplots(2, 3, figsize=(9.5, 6.4), dpi=110, layout="constrained")
    large = Lattice(64, 64, periodic=(True, True))
    for k, (beta, place) in enumerate(zip((0.25, 0.44, 0.55), axes[0], strict=True)):
        run = sample(large, beta, chains=1, draws=4, burn_in=300, seed=10 + k)
        place.imshow(run.spins[0], cmap=SPINS, vmin=-1, vmax=1)
        place.set(xticks=[], yticks=[], title=f"64 × 64, β = {beta}")
    order, energy, spread = axes[1]
    fine = np.linspace(CRITICAL, 0.6, 200)
    order.plot(fine, np.maximum(1 - np.sinh(2 * fine) ** -4.0, 0) ** 0.125, color="black", lw=1, label="∞ (Yang)")
    order.plot([0.1, CRITICAL], [0, 0], color="black", lw=1)
    for side, colour in ((8, "tab:green"), (20, "tab:blue"), (64, "tab:purple")):
        torus = Lattice(side, side, periodic=(True, True))
        runs = [
            sample(torus, b, chains=8, draws=300 if side > 50 else 1000, burn_in=100, seed=k)
            for k, b in enumerate(betas)
        ]
        absolute = [r.magnetisation(absolute=True) for r in runs]
        points(order, betas, absolute, f"{side} × {side}", colour, 1 / side**2)
        points(spread, betas, [r.square() for r in runs], f"{side} × {side}", colour, 1 / side**2)
        if side == 20:
            points(energy, betas, [r.energy() for r in runs], "20 × 20, clusters", colour, 1 / side**2)
            plain = [
                sample(torus, b, kernel=ising.metropolis(), chains=1, draws=SAMPLES, burn_in=1000, start="up", seed=k)
                for k, b in enumerate(betas)
            ]
            points(
                order,
                betas,
                [r.magnetisation(absolute=True) for r in plain],
                "20 × 20, Metropolis",
                "tab:red",
                1 / 400,
                "x",
            )
    grid = [sp.Rational(k, 100) for k in range(10, 61)]
    with digits(15):
        exact = [float(onsager.torus_energy(20, 20, b).mid()) for b in grid]
    energy.plot([float(b) for b in grid], exact, color="black", lw=1, label="20 × 20, exact (Kaufman)")
    order.set(title="order parameter", xlabel="β", ylabel="⟨|M|⟩/n")
    energy.set(title="energy", xlabel="β", ylabel="⟨H⟩/n")
    spread.set(title="⟨M²⟩/n, improved estimator", xlabel="β", yscale="log")
    for place in axes[1]:
        place.axvline(CRITICAL, color="grey", lw=0.8, ls=":")
        place.legend(fontsize=7, frameon=False)
    save(figure, 1)


# ── Fig 2 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

BETAS_2 = tuple(map(sp.Rational, ("0.15", "0.20", "0.25", "0.30", "0.33", "0.36", "0.40", "0.44", "0.50", "0.60")))


def figure_2() -> None:
    lattice, probes = FIGURE_2
    betas = [float(b) for b in BETAS_2]
    figure, (board, curves, ratios) = plt.subplots(1, 3, figsize=(12, 4.1), dpi=105, layout="constrained")
    draw_regions(board, lattice, probes)
    board.set_title("wall, gap (10, 10), probe (10, 5)")
    exact = np.array([[float(x.mid()) for x in exact_response(lattice, b, probes)[0]] for b in BETAS_2])
    clusters = [sample(lattice, b, probes, draws=2500, seed=k) for k, b in enumerate(betas)]
    plain = [
        sample(lattice, b, probes, kernel=ising.metropolis(), draws=SAMPLES, burn_in=1000, start="up", seed=50 + k)
        for k, b in enumerate(betas)
    ]
    alone = np.array([within_chains(run) for run in plain])  # (β, experiments, left and right)
    for k, name in enumerate(lattice.regions):
        curves.plot(betas, exact[:, k], color=COLOURS[name], lw=1, label=f"{name}: enclosed")
        points(curves, betas, [run.covariance("probe", name) for run in clusters], f"{name}: clusters", COLOURS[name])
        low, high = np.quantile(alone[..., k], (0.05, 0.95), axis=1)
        curves.fill_between(betas, low, high, color=COLOURS[name], alpha=0.2, label=f"{name}: 20,000 Metropolis, 90%")
    curves.set(yscale="symlog", xlabel="β", ylabel="Cov(s_p, M)", title="covariances")
    curves.set_yscale("symlog", linthresh=0.1)
    ratios.plot(betas, exact[:, 0] / exact[:, 1], color="black", lw=1, label="equilibrium, enclosed")
    found = [(b, ratio) for b, run in zip(betas, clusters, strict=True) if (ratio := ratio_or_none(run)) is not None]
    points(ratios, [b for b, _ in found], [r for _, r in found], "equilibrium, clusters", "tab:blue")
    for k, b in enumerate(betas):
        values = alone[k, :, 0] / alone[k, :, 1]
        shown = values[values > 0]
        label = "20,000 Metropolis samples, each a dot" if k == 0 else None
        ratios.plot([b] * len(shown), shown, ".", color="tab:red", ms=4, alpha=0.6, label=label)
        if (negative := int((values < 0).sum())) > 0:
            ratios.text(b, 0.32, f"{negative} < 0", fontsize=6, ha="center", color="tab:red")
    ratios.axhline(25, color="grey", lw=0.8, ls="--")
    ratios.text(0.5, 27, "25", fontsize=7, color="grey")
    ratios.set(yscale="log", ylim=(0.25, 3e5), xlabel="β", title="left/right: it falls")
    for place in (curves, ratios):
        place.axvline(CRITICAL, color="grey", lw=0.8, ls=":")
        place.legend(fontsize=7, frameon=False)
    save(figure, 2)
    print("β, enclosed ratio, clusters:")
    for b, (left, right), run in zip(betas, exact, clusters, strict=True):
        print(f"  {b:.2f}  {left / right:10.4g}   {ratio_or_none(run) or 'Cov(s_p, M_right) not told from 0'}")


def within_chains(run) -> np.ndarray:
    """The sample covariances of each chain by itself, (chains, regions)."""
    pair, probe, region = (np.asarray(run.traces[k], float).mean(1) for k in ("pair", "probe", "region"))
    return pair[:, 0] - probe[:, :1] * region


def ratio_or_none(run):
    try:
        return run.ratio("probe", "left", "right")
    except BadInput:
        return None


def draw_regions(axes, lattice: Lattice, probes: dict) -> None:
    picture = np.full((lattice.rows, lattice.columns, 3), 0.25)
    for site in lattice.sites:
        picture[site] = 0.93
    for name, sites in lattice.regions.items():
        for site in sites:
            picture[site] = 0.55 + 0.45 * np.array(matplotlib.colors.to_rgb(COLOURS[name]))
    axes.imshow(picture.clip(0, 1))
    for name, (r, c) in probes.items():
        axes.plot(c, r, "*", color="black", ms=8)
        if len(probes) > 1:
            axes.text(c + 0.6, r - 0.4, name, fontsize=7)
    axes.set(xticks=range(0, lattice.columns, 5), yticks=range(0, lattice.rows, 5))


# ── Fig 3 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def figure_3() -> None:
    lattice, probes = FIGURE_3
    beta = sp.Rational(44, 100)
    run = sample(lattice, float(beta), probes, chains=16, draws=3000, burn_in=200, seed=0, sites=True)
    plain = sample(
        lattice, float(beta), probes, kernel=ising.metropolis(), chains=1, draws=SAMPLES, burn_in=2000, seed=1
    )
    exact = np.array([[float(x.mid()) for x in row] for row in exact_response(lattice, beta, probes)])
    response, sampled = run.response(), plain.response()
    figure, (board, matrix, assigned, modes) = plt.subplots(1, 4, figsize=(14, 4.2), dpi=100, layout="constrained")
    draw_regions(board, lattice, probes)
    board.set_title("regions and probes")
    matrix.imshow(response.mean, cmap="Blues", aspect="auto")
    for (i, j), value in np.ndenumerate(response.mean):
        text = f"{value:.2f} ± {response.sem[i, j]:.2f}\nexact {exact[i, j]:.2f}\n20,000: {sampled.mean[i, j]:.1f} ± {sampled.sem[i, j]:.1f}"
        matrix.text(j, i, text, ha="center", va="center", fontsize=6.5, color="white" if value > 25 else "black")
    matrix.set(xticks=range(3), xticklabels=list(lattice.regions), yticks=range(6), yticklabels=list(probes))
    matrix.set_title("Cov(s_p, M_r), β = 0.44, ± 1 s.e.")
    found = maps.assignment(run)
    picture = np.full((20, 20, 3), 0.25)
    for k, name in enumerate(lattice.regions):
        picture[found.region == k] = 0.55 + 0.45 * np.array(matplotlib.colors.to_rgb(COLOURS[name]))
    assigned.imshow(picture.clip(0, 1))
    counts = recovery(run)
    assigned.set_title(f"region of the largest response:\n{counts['right']} of {counts['sites']} sites their own")
    values, _, patterns = maps.probe_modes(run)
    for k in range(3):
        label = f"σ{'₁₂₃'[k]} = {values.mean[k]:.1f} ± {values.sem[k]:.1f}"
        modes.plot(range(3), patterns[:, k], "osD"[k] + "-", label=label)
    modes.axhline(0, color="grey", lw=0.8)
    modes.set(xticks=range(3), xticklabels=list(lattice.regions), title="singular vectors over the regions")
    modes.legend(fontsize=8, frameon=False)
    save(figure, 3)
    z = response.z(exact)
    print(
        f"18 entries: largest |z| against the enclosed matrix {np.abs(z).max():.2f}; σ = {values.mean} ± {values.sem}"
    )


if __name__ == "__main__":
    wanted = sys.argv[1:]
    figures = {"1": figure_1, "2": figure_2, "3": figure_3}
    if len(wanted) != 1 or wanted[0] not in figures:
        sys.exit("usage: python notebooks/figures_ising.py 1|2|3")
    figures[wanted[0]]()

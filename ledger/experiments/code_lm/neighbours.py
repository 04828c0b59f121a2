"""Tokens by UMAP of their standardised susceptibilities, and how much of the picture another set of chains would draw again.

A map of neighbours always shows islands, of noise too. Beside it therefore stands the share of each token's `NEAREST` nearest
neighbours on the map that the maps of two independent halves of the chains have in common, and what chance gives, NEAREST/(N − 1).

`umap-learn` is optional (`pip install umap-learn`). Source: L. McInnes, J. Healy, J. Melville, UMAP, arXiv 1802.03426.

Functions: `installed`, `maps`, `shared`, `picture`.
"""

import warnings
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from matplotlib.figure import Figure
from sklearn.neighbors import NearestNeighbors

from ledger.experiments.code_lm import rules
from ledger.experiments.experiment import Picture
from ledger.figures import COLOURS
from sampler import standardize

NEAREST = 15


def installed() -> bool:
    """Whether `umap-learn` is there."""
    return find_spec("umap") is not None


def maps(*, groups: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Places (N, 2) of the tokens for all chains and for two halves of them; groups (chains, components, N)."""
    one, two = rules.halves(len(groups))[0]
    return {
        "whole": _map(groups.mean(axis=0), seed),
        "one": _map(groups[one].mean(axis=0), seed),
        "two": _map(groups[two].mean(axis=0), seed + 1),
    }


def _map(chi: np.ndarray, seed: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        umap = import_module("umap")
        tokens = standardize.standardize(chi).T
        return np.asarray(umap.UMAP(n_neighbors=NEAREST, random_state=seed, n_jobs=1).fit_transform(tokens))


def shared(a: np.ndarray, b: np.ndarray) -> rules.Value:
    """The mean share of NEAREST nearest neighbours that two maps of the same tokens have in common, ± 1.96 errors over tokens."""

    def nearest(places: np.ndarray) -> np.ndarray:
        found = NearestNeighbors(n_neighbors=NEAREST + 1).fit(places).kneighbors(return_distance=False)
        # A token is its own nearest; among ties another may stand first.
        return np.array([[j for j in row if j != i][:NEAREST] for i, row in enumerate(found)])

    each = np.array([len(set(x) & set(y)) / NEAREST for x, y in zip(nearest(a), nearest(b), strict=True)])
    half = 1.96 * each.std(ddof=1) / len(each) ** 0.5
    return rules.Value(float(each.mean()), float(each.mean() - half), float(each.mean() + half))


def picture(found: dict[str, np.ndarray], kinds: np.ndarray, name: str) -> Picture:
    """The map of all chains, a colour a kind of token."""
    figure = Figure(figsize=(6, 4.4), layout="constrained")
    axes = figure.subplots()
    for kind, label in enumerate(rules.KINDS):
        own = found["whole"][kinds == kind]
        axes.plot(own[:, 0], own[:, 1], ".", ms=2, color=COLOURS[kind], label=label, rasterized=True, alpha=0.6)
    kept, chance = shared(found["one"], found["two"]), NEAREST / (len(kinds) - 1)
    axes.set(xticks=[], yticks=[], title=f"{name}; neighbours shared by halves {kept}, by chance {chance:.3f}")
    axes.legend(fontsize=7, frameon=False, markerscale=3)
    return Picture(
        figure,
        f"{name}: UMAP of the standardised susceptibilities of tokens in context. Two independent halves of the chains share "
        f"{kept} of each token's {NEAREST} nearest neighbours on their maps (95%, tokens taken as independent); chance gives "
        f"{chance:.3f}.",
    )


__all__ = ["installed", "maps", "picture", "shared"]

"""Means and covariances from a stream of draws, with error bars, in memory that does not grow with the number of draws.

The idea. Draws come in pieces. Each chain keeps sums over *blocks* of b consecutive draws, at most `BLOCKS` of them: when they are
full, neighbours merge and b doubles. For values v (loss, virial terms, observables, probes; K + P numbers a draw) and rows x (its
first K, or all) a block holds Σ v, Σ v² and Σ x vᵀ, all about a fixed reference v⁰ (the values at w*) and in double precision, so
that nothing cancels. Memory: chains × BLOCKS × rows × values.

Errors. The means of blocks are again a stationary series, of 64 to 128 members a chain, and the error of its mean is that of
`diagnostics.mean`: Geyer's sum over the blocks' own autocorrelations, or the scatter of the chains. For a covariance the series is
that of the influence function (x − x̄)(v − v̄): its block means follow from the sums after the event,

    (1/b) Σ (x − x̄)(v − v̄) = (1/b) Σ x v − x̄ (1/b) Σ v − (1/b) Σ x v̄ + x̄ v̄,

so means and centres need not be known while the draws pass. `ess` of a mean is in draws; of a covariance it is that of the blocks,
a lower bound. The draws of an unfinished block count in the mean and not in its error.

Reading order: `Moments.add`, `Moments.mean`, `Moments.covariance`.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from sampler import diagnostics
from sampler.diagnostics import Estimate

BLOCKS = 128


@dataclass
class Moments:
    """Sums over blocks of draws, leading axes (chains, BLOCKS); the last block is the unfinished one.

    reference: v⁰ (V,). rows: how many of the V values have their products kept (the first ones). size: draws in a block; full:
    finished blocks; open: draws in the unfinished one. first, square (chains, BLOCKS + 1, V): Σ v, Σ v². product (…, rows, V).
    """

    reference: Float[np.ndarray, " V"]
    rows: int
    chains: int
    size: int = 1
    full: int = 0
    open: int = 0

    def __post_init__(self) -> None:
        V = len(self.reference)
        self.first = np.zeros((self.chains, BLOCKS + 1, V))
        self.square = np.zeros_like(self.first)
        self.product = np.zeros((self.chains, BLOCKS + 1, self.rows, V))

    @property
    def draws(self) -> int:
        """Draws of each chain so far."""
        return self.size * self.full + self.open

    def add(self, values: Float[np.ndarray, "chains draws V"]) -> None:
        """Take in the next draws of every chain."""
        v = np.asarray(values, np.float64) - self.reference
        while v.shape[1]:
            here, v = v[:, : self.size - self.open], v[:, self.size - self.open :]
            self.first[:, self.full] += here.sum(axis=1)
            self.square[:, self.full] += np.einsum("cnv,cnv->cv", here, here)
            self.product[:, self.full] += here[..., : self.rows].swapaxes(1, 2) @ here
            self.open += here.shape[1]
            if self.open == self.size:
                self.full, self.open = self.full + 1, 0
                if self.full == BLOCKS:
                    self._merge()

    def _merge(self) -> None:
        """Neighbouring blocks become one, of twice the size."""
        half = BLOCKS // 2
        for sums in (self.first, self.square, self.product):
            sums[:, :half] = sums[:, :-1:2] + sums[:, 1::2]
            sums[:, half:] = 0
        self.size, self.full = 2 * self.size, half

    def mean(self, kept: Bool[np.ndarray, " chains"]) -> Estimate:
        """⟨v⟩ of the kept chains, shape (V,)."""
        first, square = self.first[kept], self.square[kept]
        blocks = diagnostics.mean(first[:, : self.full] / self.size)
        mean = first.sum(axis=(0, 1)) / (len(first) * self.draws)
        within, variance = self._variances(first, square)
        with np.errstate(divide="ignore", invalid="ignore"):
            ess, rhat = variance / blocks.sem**2, np.sqrt(variance / within)
        still = blocks.sem == 0
        ess, rhat = np.where(still, np.nan, ess), np.where(still, np.nan, rhat)
        return Estimate(mean + self.reference, blocks.sem, ess, rhat)

    def _variances(self, first: np.ndarray, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W and var⁺ of the half chains (see `diagnostics`), from whole blocks."""
        half = self.full // 2
        n = half * self.size
        spans = (slice(0, half), slice(self.full - half, self.full))
        sums, squares = (np.stack([x[:, s].sum(axis=1) for s in spans], axis=1) for x in (first, square))
        means = sums / n
        within = np.mean(squares / n - means**2, axis=(0, 1)) * n / max(n - 1, 1)
        between = means.reshape(-1, means.shape[-1]).var(axis=0, ddof=1)
        return within, within * (n - 1) / n + between

    def covariance(
        self, kept: Bool[np.ndarray, " chains"], rows: Any, columns: Any, *, less: Any = None, row_less: Any = None
    ) -> Estimate:
        """Cov(x_i − x_r, v_j − v_l) of the kept chains, i in rows, j in columns: shape (i, j), centred on the pooled means.

        less, row_less: the numbers l and r of the values that are subtracted; None for nothing.
        """
        first, product = self.first[kept], self.product[kept]
        total = len(first) * self.draws
        row, column, products = first[..., rows], first[..., columns], product[:, :, rows][..., columns]
        if row_less is not None:
            row, products = row - first[..., [row_less]], products - product[:, :, [row_less]][..., columns]
        if less is not None:
            beside = product[:, :, rows][..., [less]]
            if row_less is not None:
                beside = beside - product[:, :, [row_less]][..., [less]]
            column, products = column - first[..., [less]], products - beside
        x, y = row.sum(axis=(0, 1)) / total, column.sum(axis=(0, 1)) / total
        mean = products.sum(axis=(0, 1)) / total - x[:, None] * y
        series = products - x[:, None] * column[..., None, :] - row[..., :, None] * y
        blocks = diagnostics.mean(series[:, : self.full] / self.size + x[:, None] * y)
        return Estimate(mean, blocks.sem, blocks.ess, blocks.rhat)

    def mean_of_products(
        self, kept: Bool[np.ndarray, " chains"], row: int, columns: Any, base: Float[np.ndarray, " J"], *, less: int
    ) -> Estimate:
        """⟨x (v_j − v_l − base_j)⟩ of the kept chains, x the value `row`, j in columns, l = less: shape (J,)."""
        first, product = self.first[kept], self.product[kept][:, :, row]
        shift = self.reference[columns] - self.reference[less] - base
        v = first[..., columns] - first[..., [less]]
        count = np.full(BLOCKS + 1, self.size)
        count[self.full] = self.open
        # x = x⁰ + x′, v = v⁰ + v′: the sums hold x′, v′ and x′v′.
        series = product[..., columns] - product[..., [less]] + self.reference[row] * (v + shift * count[:, None])
        series = series + first[..., [row]] * shift
        series[:, self.full + 1 :] = 0
        blocks = diagnostics.mean(series[:, : self.full] / self.size)
        mean = series[:, : self.full + 1].sum(axis=(0, 1)) / (len(first) * self.draws)
        return Estimate(mean, blocks.sem, blocks.ess, blocks.rhat)

    def part(self, chains: slice) -> "Moments":
        """Those of some of the chains."""
        other = copy(self)
        other.first, other.square, other.product = self.first[chains], self.square[chains], self.product[chains]
        other.chains = len(other.first)
        return other

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything, for a checkpoint."""
        counts = np.array([self.size, self.full, self.open])
        return {
            "reference": self.reference,
            "first": self.first,
            "square": self.square,
            "product": self.product,
            "counts": counts,
        }

    def restore(self, stored: Mapping[str, np.ndarray]) -> None:
        """Go on from `arrays`."""
        self.first, self.square, self.product = (stored[name].copy() for name in ("first", "square", "product"))
        self.reference = stored["reference"]
        self.size, self.full, self.open = (int(x) for x in stored["counts"])

"""The grid sum Π h_j Σ_k f(hk) e^{−P(hk)} in ball arithmetic, over the live points only.

Idea
----
`rows.live_rows` lists the grid points outside the dead boxes as intervals along the last axis. There P is evaluated in
float64 with a proved error; points where P is certainly large are left out and their contribution is bounded. What
remains are *runs* of consecutive points. On a run, with the outer coordinates fixed and i = k_d − middle, P is a
combination of i^m, cos(ηi) and sin(ηi), and so is every f: two products with tables that depend on the length of the run
alone give all the values of P and, after the exponential, all the moments Σ i^m e^{−P}. A run whose least P is large
needs fewer bits.

Notation: k ∈ Z^d grid indices, h steps, E_k = e^{−P(hk)}, o exponents of the outer indices k_1, …, k_{d−1}.
Reading order: `grid_sums`, `Sums`, `_Summer`.
"""

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from flint import arb, arb_mat, arb_poly, ctx, fmpq

from numerics.errors import NotCertified
from numerics.precision import LOG2_10, current_digits
from numerics.trapezoid.boxes import Cover, log_sum
from numerics.trapezoid.polynomial import terms_of
from numerics.trapezoid.rows import Rows, cells_of, live_rows, runs
from numerics.trapezoid.shadow import FloatField, Majorants
from numerics.trapezoid.waves import Field, Wave, constant_value

LEAST_BITS = 48
BATCH = 100_000
FLUSH = 4096


class Sums(NamedTuple):
    """For every f: the sum over the live points, and a bound of all that was left out within the certified region."""

    sums: list[arb]
    errors: list[arb]
    points: int


def inflated_exp(log_value: float) -> arb:
    """An upper bound of e^{log_value}, the float rounding of the logarithm and of the sums behind it included.

    The terms behind it are sums of a few logarithms of floats (each ≤ 750, wrong by some 10^−13 with a libm that keeps
    within four units in the last place) and an infimum; `log_sum` adds positive numbers pairwise. 10^−9 is ample.
    """
    if math.isnan(log_value) or log_value == math.inf:
        raise NotCertified("a float bound is not a finite number; rescale the variables")
    if log_value == -math.inf:
        return arb(0)
    return (arb(float(log_value)) + arb(1e-9 + 1e-13 * abs(float(log_value)))).exp().upper()


def grid_sums(
    p: Field,
    fs: Sequence[Field],
    majorants: Sequence[Any],
    steps: Sequence[fmpq],
    boxes: Cover,
    estimates: Sequence[float],
    budget: float,
    max_points: int,
) -> Sums:
    """Π h Σ_k f(hk) e^{−P(hk)} over the grid points in `boxes`, for every f.

    majorants: polynomials g ≥ |f|; estimates: log ∫|f|e^{−P}, not proved; max_points: of the live cells.
    """
    h = np.array([float(arb(step)) for step in steps])
    shadow, bounds = FloatField(p), Majorants(majorants)
    rows = live_rows(boxes.live, h, max_points)
    cells = int((rows.last - rows.first + 1).sum())
    corner = (np.abs(boxes.live.centres) + boxes.live.radii).max(axis=0) + h
    heights = np.log(bounds.above(corner[None])[0]).tolist()
    log_cell = float(np.log(h).sum())
    cutoff = budget + 3 + max(a + math.log(cells + 1) + log_cell - e for a, e in zip(heights, estimates, strict=True))
    loose = math.log2(float(shadow.absolute(corner[None])[0]) + 2)
    bits = math.ceil(current_digits() * LOG2_10 + loose) + 24
    summer = _Summer(p, fs, steps, bits)
    skipped = -math.inf
    for batch in rows.batches(BATCH):
        below = shadow.below(cells_of(batch) * h)
        live, least, left_out = runs(batch, below, cutoff)
        summer.add(live, least)
        skipped = np.logaddexp(skipped, log_sum(-left_out))
    errors = [
        dead + inflated_exp(height + log_cell + float(skipped))
        for dead, height in zip(_dead(boxes, h, bounds), heights, strict=True)
    ]
    return Sums(summer.results(), errors, summer.points)


def _dead(boxes: Cover, h: np.ndarray, bounds: Majorants) -> list[arb]:
    """Bounds of the grid sums over the dead boxes: a side 2r holds at most 2r/h + 1 points."""
    weight = np.log(2 * boxes.dead.radii + h).sum(axis=1) - boxes.dead_infimum
    heights = np.log(bounds.above(np.abs(boxes.dead.centres) + boxes.dead.radii))
    return [inflated_exp(log_sum(weight + height)) for height in heights.T]


class _Summer:
    """Accumulates Σ k^α E_k, Σ k^α cos(θ) E_k and Σ k^α sin(θ) E_k for every monomial and wave that some f needs."""

    def __init__(self, p: Field, fs: Sequence[Field], steps: Sequence[fmpq], bits: int):
        self.bits, self.points = bits, 0
        self._steps, self._fs, self._waves = steps, fs, p.waves
        with ctx.workprec(bits + 32):
            terms = {alpha: arb(-c * _power(steps, alpha)) for alpha, c in terms_of(p.polynomial).items()}
            self._outer = sorted({alpha[:-1] for alpha in terms})
            self._degree = max(alpha[-1] for alpha in terms)
            self._coefficients = arb_mat(
                [[terms.get((*o, m), arb(0)) for m in range(self._degree + 1)] for o in self._outer]
            )
        parts = [q for f in fs for q in (f.polynomial, *(q for w in f.waves for q in (w.cosine, w.sine)))]
        needed = {alpha for q in parts for alpha in terms_of(q)}
        self._needed = sorted({alpha[:-1] for alpha in needed}) or [(0,) * (len(steps) - 1)]
        self._top = max((alpha[-1] for alpha in needed), default=0)
        self._angles = list(dict.fromkeys((w.frequency, w.phase) for f in fs for w in f.waves))
        self._rows: list[list[arb]] = []
        self._indices: list[list[int]] = []
        width = (self._top + 1) * (1 + 2 * len(self._angles))
        self._moments = arb_mat(len(self._needed), width)
        frequencies = ([w.frequency for w in p.waves], [frequency for frequency, _ in self._angles])
        turns = (tuple(frequency[-1] * steps[-1] for frequency in row) for row in frequencies)
        self._functions = (self._degree, self._top, *turns)
        self._binomials = cache(self._make_binomials)

    def add(self, rows: Rows, least: np.ndarray) -> None:
        """The runs of points in `rows`; P ≥ least[n] on each."""
        if not len(least):
            return
        outer = rows.outer.tolist()
        with ctx.workprec(self.bits + 32):
            monomials = [[_integer_power(k, o) for o in self._outer] for k in outer]
            coefficients = (arb_mat(monomials) * self._coefficients).tolist()
        spans = zip(outer, coefficients, rows.first.tolist(), rows.last.tolist(), least.tolist(), strict=True)
        for k, row, first, last, low in spans:
            bits = max(LEAST_BITS, self.bits - max(0, int(low / math.log(2))))
            self._add_run(k, row, first, last, 16 * math.ceil(bits / 16))

    def _add_run(self, k: list[int], row: list[arb], first: int, last: int, bits: int) -> None:
        count, middle = last - first + 1, (first + last) // 2
        values, moments = _tables(count, bits, *self._functions)
        waves = [self._rotation(w.frequency, w.phase, k, middle) for w in self._waves]
        with ctx.workprec(bits):
            combination = arb_poly(row)(arb_poly([middle, 1])).coeffs()
            combination += [arb(0)] * (self._degree + 1 - len(combination))
            for wave, (c, s) in zip(self._waves, waves, strict=True):
                a, b = (arb(constant_value(q)) for q in (wave.cosine, wave.sine))
                combination += [-(a * c + b * s), -(b * c - a * s)]
            weights = [v.exp() for v in (arb_mat(1, len(combination), combination) * values).entries()]
            local = (arb_mat(1, count, weights) * moments).entries()
        self._indices.append(k)
        self._rows.append(self._about_zero(local, k, middle))
        self.points += count
        if len(self._rows) >= FLUSH:
            self._flush()

    def _rotation(self, frequency: Sequence[fmpq], phase: fmpq, k: Sequence[int], middle: int) -> tuple[arb, arb]:
        """cos and sin of κ·hk + φ at the middle of a run."""
        angle = phase + sum((f * h * i for f, h, i in zip(frequency, self._steps, (*k, middle), strict=True)), fmpq(0))
        with ctx.workprec(self.bits + 32):
            return arb(angle).cos(), arb(angle).sin()

    def _about_zero(self, local: list[arb], k: list[int], middle: int) -> list[arb]:
        """Moments of k_d in the place of those of i = k_d − middle, cos θ and sin θ in the place of cos ηi and sin ηi."""
        n = self._top + 1
        with ctx.workprec(self.bits):
            for j, (frequency, phase) in enumerate(self._angles):
                c, s = self._rotation(frequency, phase, k, middle)
                at = n * (1 + 2 * j)
                for m in range(at, at + n):
                    local[m], local[m + n] = (
                        c * local[m] - s * local[m + n],
                        s * local[m] + c * local[m + n],
                    )
            if not self._top or not middle:
                return local
            blocks = arb_mat(len(local) // n, n, local) * self._binomials(middle)
            return blocks.entries()

    def _make_binomials(self, middle: int) -> arb_mat:
        """[j, m] = binom(m, j) middle^{m−j}."""
        n = self._top + 1
        with ctx.workprec(self.bits):
            return arb_mat([[math.comb(m, j) * middle ** (m - j) if j <= m else 0 for m in range(n)] for j in range(n)])

    def _flush(self) -> None:
        if not self._rows:
            return
        with ctx.workprec(self.bits):
            outer = arb_mat([[_integer_power(k, o) for k in self._indices] for o in self._needed])
            self._moments += outer * arb_mat(self._rows)
        self._rows, self._indices = [], []

    def results(self) -> list[arb]:
        """Π h Σ_α c_α h^α Σ_k k^α E_k for every f, and likewise for its waves."""
        self._flush()
        n = self._top + 1
        position = {o: i for i, o in enumerate(self._needed)}
        with ctx.workprec(self.bits):
            cell = arb(math.prod(self._steps, start=fmpq(1)))

            def contract(q: Any, block: int) -> arb:
                return sum(
                    (
                        arb(c * _power(self._steps, alpha)) * self._moments[position[alpha[:-1]], block * n + alpha[-1]]
                        for alpha, c in terms_of(q).items()
                    ),
                    arb(0),
                )

            def wave_part(w: Wave) -> arb:
                block = 1 + 2 * self._angles.index((w.frequency, w.phase))
                return contract(w.cosine, block) + contract(w.sine, block + 1)

            return [cell * (contract(f.polynomial, 0) + sum((wave_part(w) for w in f.waves), arb(0))) for f in self._fs]


@lru_cache(maxsize=1024)
def _tables(
    count: int, bits: int, degree: int, top: int, waves: tuple[fmpq, ...], angles: tuple[fmpq, ...]
) -> tuple[arb_mat, arb_mat]:
    """The functions of i that make up P, [functions, count], and those of the moments, [count, functions]; angles a step."""
    indices = [i - (count - 1) // 2 for i in range(count)]
    with ctx.workprec(bits + 16):
        exponent: list[list[Any]] = [[i**m for i in indices] for m in range(degree + 1)]
        for angle in waves:
            exponent += _cycles(angle, indices)
        powers: list[list[Any]] = [[i**m for i in indices] for m in range(top + 1)]
        moments = list(powers)
        for angle in angles:
            for cycle in _cycles(angle, indices):
                moments += [[a * b for a, b in zip(cycle, power, strict=True)] for power in powers]
        return arb_mat(exponent), arb_mat(moments).transpose()


def _cycles(angle: fmpq, indices: list[int]) -> list[list[arb]]:
    return [[arb(angle * i).cos() for i in indices], [arb(angle * i).sin() for i in indices]]


def _power(steps: Sequence[fmpq], alpha: tuple[int, ...]) -> fmpq:
    return math.prod((step**e for step, e in zip(steps, alpha, strict=True)), start=fmpq(1))


def _integer_power(k: Sequence[int], exponents: tuple[int, ...]) -> int:
    return math.prod(i**e for i, e in zip(k, exponents, strict=True))

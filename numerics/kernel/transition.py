"""One step of SGLD as a matrix on a grid: the discretised transition of the chain, exponentially accurate for analytic gradients.

Idea. In y, where w = w* + t^{−1/2} C y and C Cᵀ = D (the preconditioner), one step at size ε = e/t is

    y' = f(y) + √e ξ,    f(y) = y − (e/2) Cᵀ [t^{1/2} ∇L(w) + (γ/t) C y],    ξ ~ N(0, I),

so each coordinate of y' has independent noise of variance e. The trapezoidal rule turns densities into vectors over the nodes
and the step into a matrix P: (Pf)(y) = Σ_{y'} P(y, y') f(y'), a sum over a uniform grid. Seen backwards the step has variance e
too, so the error of the rule falls like exp(−2π²e/δ²), δ the spacing, and that of cutting at ±X like exp(−X²/2S).

Minibatches. The mean of B gradients drawn from equally likely ℓ_z is a mixture of very many Gaussian steps, but its characteristic
function is a power, whatever B is, and the density is its Fourier sum over a lattice of k (trapezoidal again):

    E e^{ik·y'} = e^{ik·f(y) − e|k|²/2} [ (1/n) Σ_z e^{−i k·σ_z(y)/B} ]^B,    σ_z = (e/2) Cᵀ t^{1/2} (∇ℓ_z − ∇L).

Precision. In d = 1, and in d = 2 with full batches (where the density is a product over the coordinates), the entries are balls of
the current precision. In d = 2 with gradient noise they are doubles.

Notation: m nodes on either side of 0 on each axis, N = 2m + 1; points are listed with the last axis fastest.
Reading order: `Step` (the chain), `Grid`, `transition` (the matrix as an operator).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import sympy as sp
from flint import acb, arb, arb_mat, arb_poly, ctx

from numerics.kernel.points import Vector, floats, on_points, vector
from numerics.precision import ball


@dataclass(frozen=True)
class Step:
    """The chain in exact expressions: see `numerics.kernel.stationary`. `frame` is C, as balls; `at` is w*."""

    loss: sp.Expr
    variables: tuple[sp.Symbol, ...]
    at: tuple[sp.Expr, ...]
    t: sp.Expr
    e: sp.Expr
    gamma: sp.Expr
    frame: tuple[tuple[sp.Expr, ...], ...]
    noise: Mapping[tuple[int, ...], sp.Expr]
    losses: tuple[sp.Expr, ...]
    batch: int

    @property
    def d(self) -> int:
        return len(self.variables)

    @property
    def noisy(self) -> bool:
        """Is there gradient noise beside ξ?"""
        return bool(self.noise) or bool(self.losses)

    @cached_property
    def _half(self) -> arb:
        """(e/2) t^{1/2}."""
        return ball(self.e) / 2 * ball(self.t).sqrt()

    def place(self, y: Sequence[Vector]) -> list[Vector]:
        """w = w* + t^{−1/2} C y."""
        h, C = 1 / ball(self.t).sqrt(), self._frame
        return [ball(c) + h * sum(C[i][j] * y[j] for j in range(self.d)) for i, c in enumerate(self.at)]

    def drift(self, y: Sequence[Vector]) -> list[Vector]:
        """f(y)."""
        C, n = self._frame, range(self.d)
        kick = self._kick(self.loss, self.place(y))
        pull = ball(self.e * self.gamma / self.t / 2)
        back = [sum(C[k][i] * C[k][j] * y[j] for j in n for k in n) for i in n]
        return [y[i] - kick[i] - pull * back[i] for i in n]

    def kicks(self, y: Sequence[Vector]) -> list[list[Vector]]:
        """σ_z(y), for each z."""
        w = self.place(y)
        return [self._kick(loss - self.loss, w) for loss in self.losses]

    def added(self, y: Sequence[Vector]) -> list[list[Vector]]:
        """(e²/4) Cᵀ G C: the covariance that Gaussian gradient noise adds to a step."""
        w, C, n = self.place(y), self._frame, range(self.d)
        G = [[on_points(self.noise.get((min(i, j), max(i, j)), 0), self.variables, w) for j in n] for i in n]
        quarter = ball(self.e**2 / 4)
        return [[quarter * sum(C[k][i] * G[k][l] * C[l][j] for k in n for l in n) for j in n] for i in n]

    def _kick(self, loss: sp.Expr, w: Sequence[Vector]) -> list[Vector]:
        """(e/2) t^{1/2} Cᵀ ∇loss."""
        slopes = [on_points(sp.diff(loss, v), self.variables, w) for v in self.variables]
        return [self._half * sum(self._frame[k][i] * slopes[k] for k in range(self.d)) for i in range(self.d)]

    @property
    def _frame(self) -> list[list[arb]]:
        return [[ball(c) for c in row] for row in self.frame]


@dataclass(frozen=True)
class Grid:
    """The nodes −mδ … mδ on each axis; spacings δ are exact dyadic numbers."""

    spacings: tuple[float, ...]
    sides: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(2 * m + 1 for m in self.sides)

    @property
    def centre(self) -> int:
        """The number of the point y = 0."""
        return math.prod(self.sizes) // 2

    def axis(self, a: int) -> list[arb]:
        return [arb(self.spacings[a]) * i for i in range(-self.sides[a], self.sides[a] + 1)]

    def points(self) -> list[Vector]:
        """The coordinates of all points, one array for each axis."""
        nodes = list(product(*(self.axis(a) for a in range(len(self.sides)))))
        return [vector([node[a] for node in nodes]) for a in range(len(self.sides))]


class Operator:
    """The matrix P as what it does: `after(f)` = P f, `push(π)` = π P, and `dense`, P in doubles."""

    dense: np.ndarray

    def after(self, f: Vector) -> Vector:
        raise NotImplementedError

    def push(self, law: Vector) -> Vector:
        raise NotImplementedError


def transition(step: Step, grid: Grid) -> Operator:
    """The discretised step; balls where the module says so, doubles else."""
    if step.d == 2 and step.noisy:
        return _Doubles(_density_of_characteristic(step, grid) if step.losses else _density_of_normal(step, grid))
    y = grid.points()
    f, variance = step.drift(y), ball(step.e)
    if step.losses:
        return _Line(_mixtures(step, grid, f[0], step.kicks(y)))
    if step.noise:
        return _Line(_normals(grid, 0, f[0], variance + step.added(y)[0][0]))
    tables = [_normals(grid, a, f[a], vector([variance] * len(f[a]))) for a in range(step.d)]
    return _Line(tables[0]) if step.d == 1 else _Plane(*tables)


class _Line(Operator):
    """d = 1: the rows P(y, ·)."""

    def __init__(self, rows: list[list[arb]]):
        self.rows = arb_mat(rows)
        self.dense = np.array([[float(c) for c in row] for row in rows])

    def after(self, f: Vector) -> Vector:
        return vector((self.rows * _column(f)).entries())

    def push(self, law: Vector) -> Vector:
        return vector((arb_mat(1, len(law), list(law)) * self.rows).entries())


class _Plane(Operator):
    """d = 2, P(y, y') = A(y, y'₁) B(y, y'₂)."""

    def __init__(self, first: list[list[arb]], second: list[list[arb]]):
        self.first, self.second = np.array(first, dtype=object), np.array(second, dtype=object)
        self.columns = arb_mat(first).transpose()
        self.rows = arb_mat(second)
        self.across = self.rows.transpose()
        a, b = (np.array([[float(c) for c in row] for row in table]) for table in (first, second))
        self.dense = (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)

    def after(self, f: Vector) -> Vector:
        """Σ_{ij} A(y, i) f(i, j) B(y, j)."""
        inner = arb_mat(self.first.shape[1], self.second.shape[1], list(f)) * self.across
        return (self.first * np.array(inner.transpose().tolist(), dtype=object)).sum(axis=1)

    def push(self, law: Vector) -> Vector:
        weighted = arb_mat((self.second * law[:, None]).tolist())
        return vector((self.columns * weighted).entries())


class _Doubles(Operator):
    def __init__(self, dense: np.ndarray):
        self.dense = dense

    def after(self, f: Vector) -> Vector:
        return vector(map(arb, self.dense @ floats(f)))

    def push(self, law: Vector) -> Vector:
        return vector(map(arb, floats(law) @ self.dense))


def _normals(grid: Grid, a: int, means: Vector, variances: Vector) -> list[list[arb]]:
    """δ N(iδ; f, v) = δ N(0; f, v) e^{−i²δ²/2v} (e^{fδ/v})^i for all i; both arms are Σ_i e^{−i²δ²/2v} s^i at s = e^{±fδ/v} s."""
    delta, m = arb(grid.spacings[a]), grid.sides[a]
    bells: dict[int, arb_poly] = {}  # one for all rows where the variance is the same ball
    rows = []
    for f, v in zip(means, variances, strict=True):
        if id(v) not in bells:
            bells[id(v)] = _bell((-(delta * delta) / (2 * v)).exp(), m)
        centre = delta * (-(f * f) / (2 * v)).exp() / (2 * arb.pi() * v).sqrt()
        tilt, bell = (f * delta / v).exp(), bells[id(v)] * centre
        right, left = (bell(arb_poly([0, s])).coeffs() for s in (tilt, 1 / tilt))
        rows.append([*reversed(left[1:]), *right])
    return rows


def _bell(q: arb, m: int) -> arb_poly:
    """Σ_{i≤m} q^{i²} s^i: each coefficient the one before times a ratio that shrinks by q²."""
    coefficients, ratio, shrink = [arb(1)], q, q * q
    for _ in range(m):
        coefficients.append(coefficients[-1] * ratio)
        ratio = ratio * shrink
    return arb_poly(coefficients)


def _lattice(grid: Grid, a: int, e: float, nats: float) -> tuple[float, int]:
    """The spacing of k and the number of k > 0: no echo within the box, e^{−ek²/2} below the grid's own error."""
    period = 2.5 * grid.spacings[a] * (grid.sides[a] + 1)
    spacing = 2 * math.pi / period
    return spacing, math.ceil(math.sqrt(2 * nats / e) / spacing)


def _mixtures(step: Step, grid: Grid, means: Vector, kicks: list[list[Vector]]) -> list[list[arb]]:
    """d = 1: (δΔ/2π) [1 + 2 Σ_{k>0} (cos ky' Re + sin ky' Im) E e^{iky'}], Δ the spacing of the lattice."""
    spacing, count = _lattice(grid, 0, float(step.e), ctx.prec * math.log(2))
    dk, e, n, B = arb(spacing), ball(step.e), len(step.losses), step.batch
    damping = [(-e * (dk * k) ** 2 / 2).exp() for k in range(1, count + 1)]
    real, imaginary = [], []
    for j, f in enumerate(means):
        turn = acb(0, dk * f).exp()
        turns = [acb(0, -dk * kick[0][j] / B).exp() for kick in kicks]
        value, powers = acb(1), [acb(1)] * n
        row = []
        for damp in damping:
            value = value * turn
            powers = [p * r for p, r in zip(powers, turns, strict=True)]
            row.append(value * damp * (sum(powers, acb(0)) / n) ** B)
        real.append([c.real for c in row])
        imaginary.append([c.imag for c in row])
    axis = grid.axis(0)
    cosines, sines = (
        arb_mat([[function(dk * k * y) for y in axis] for k in range(1, count + 1)]) for function in (arb.cos, arb.sin)
    )
    sums = (arb_mat(real) * cosines + arb_mat(imaginary) * sines).tolist()
    scale = arb(grid.spacings[0]) * dk / (2 * arb.pi())
    return [[scale * (1 + 2 * c) for c in row] for row in sums]


def _density_of_characteristic(step: Step, grid: Grid) -> np.ndarray:
    """d = 2: the Fourier sum over a lattice of (k₁, k₂), in doubles; the terms at −k are the conjugates of those at k."""
    y = grid.points()
    f = [floats(c) for c in step.drift(y)]
    kicks = [[floats(c) for c in kick] for kick in step.kicks(y)]
    e, lattices, waves = float(step.e), [], []
    for a in range(2):
        spacing, count = _lattice(grid, a, float(step.e), 40.0)
        k = spacing * np.arange(-count if a else 0, count + 1)
        lattices.append(k)
        nodes = grid.spacings[a] * np.arange(-grid.sides[a], grid.sides[a] + 1)
        twice = 1 if a else np.where(k > 0, 2, 1)
        waves.append(spacing * grid.spacings[a] / (2 * np.pi) * twice * np.exp(-1j * np.outer(nodes, k)))
    rows = []
    for j in range(len(f[0])):
        phase = [[np.exp(-1j * k * kick[a][j] / step.batch) for kick in kicks] for a, k in enumerate(lattices)]
        mixed = np.mean([np.outer(p, q) for p, q in zip(*phase, strict=True)], axis=0)
        turn = [np.exp(1j * k * f[a][j] - e * k**2 / 2) for a, k in enumerate(lattices)]
        rows.append((waves[0] @ (_power(mixed, step.batch) * np.outer(*turn)) @ waves[1].T).real.ravel())
    return np.array(rows)


def _power(z: np.ndarray, n: int) -> np.ndarray:
    """zⁿ for n ≥ 1 by squaring: numpy's way through logarithms takes eight times as long."""
    half = _power(z * z, n // 2) if n > 1 else None
    return z if half is None else half * z if n % 2 else half


def _density_of_normal(step: Step, grid: Grid) -> np.ndarray:
    """d = 2: N(y'; f(y), eI + (e²/4) Cᵀ G C), in doubles."""
    y = grid.points()
    nodes, f = np.array([floats(c) for c in y]), np.array([floats(c) for c in step.drift(y)])
    V = np.array([[floats(c) for c in row] for row in step.added(y)]) + float(step.e) * np.eye(2)[:, :, None]
    inverse, root = np.linalg.inv(V.transpose(2, 0, 1)), np.sqrt(np.linalg.det(V.transpose(2, 0, 1)))
    gap = nodes[:, None, :] - f[:, :, None]
    exponent = np.einsum("ixy,xij,jxy->xy", gap, inverse, gap)
    return math.prod(grid.spacings) * np.exp(-exponent / 2) / (2 * np.pi * root[:, None])


def _column(values: Vector) -> arb_mat:
    return arb_mat(len(values), 1, list(values))

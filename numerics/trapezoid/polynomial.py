"""Exact polynomials in d variables and their verified float shadows.

Idea
----
The certified trapezoid rule asks two things of a polynomial: exact changes of variables (`flint.fmpq_mpoly`, rational
coefficients), and fast *lower bounds* on many boxes at once. The second is done in float64, with every rounding error
bounded and subtracted, so that the bounds are proved all the same.

**Centred Taylor form.** On the box |y − c| ≤ r, with Taylor coefficients T_β(c),

    inf P ≥ T_0 − Σ_{β odd} |T_β| r^β + Σ_{β even ≠ 0} min(T_β, 0) r^β,

where β is even when every β_i is. The rounding errors of all the T_β together cost at most ε Σ_α |c_α| (|c| + r)^α with
ε = 16 (number of monomials + degree + 10) 2^−53: this is the binomial theorem applied to the absolute values.

**Underflow.** In the error term |c| + r is replaced by max(|c| + r, δ), δ^D = 10^−140 for the total degree D. A product
that underflows is then smaller than its bound by 10^−168, so that the flushed part is covered too; what a coefficient
(10^−250 to 10^250) times a monomial may lose is below `TINY`. **Overflow** makes an infinity or a NaN, and every bound is
refused unless it is finite.

Notation: α, β, γ exponents in N^d, c box centres [n, d], r half-widths [n, d].
Reading order: `ring`, `terms_of`, `from_sympy`, `affine`, `directional_parts`, `FloatPolynomial`.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx
from scipy import sparse

from numerics.errors import NotCertified
from numerics.precision import rational

Exponents = tuple[int, ...]
UNIT_ROUNDOFF = 2.0**-53
TINY = 1e-280


@cache
def ring(dimension: int) -> fmpq_mpoly_ctx:
    """Q[y_0, …, y_{d−1}]."""
    return fmpq_mpoly_ctx.get([f"y{i}" for i in range(dimension)], "lex")


def terms_of(p: fmpq_mpoly) -> dict[Exponents, fmpq]:
    """{exponents: coefficient}, the exponents plain integers."""
    return {tuple(map(int, alpha)): c for alpha, c in zip(p.monoms(), p.coeffs(), strict=True)}


def from_sympy(expr: sp.Expr, variables: tuple[sp.Symbol, ...]) -> fmpq_mpoly:
    """The exact polynomial `expr`, expanded or not; raises `NotCertified` if it is not one with rational coefficients."""
    direct = _in_ring(expr, dict(zip(variables, ring(len(variables)).gens(), strict=True)), ring(len(variables)))
    if direct is not None:
        return direct
    expr = sp.expand(expr)
    if not expr.is_polynomial(*variables):
        raise NotCertified(
            f"a polynomial in {', '.join(map(str, variables))} is needed here, and {expr} is not one; expand it, or "
            "integrate one variable at a time"
        )
    poly = sp.Poly(expr, *variables)
    if not all(c.is_Rational for c in poly.coeffs()):
        raise NotCertified(
            f"the certified rule needs rational coefficients; {expr} has others; round them to rationals"
        )
    return ring(len(variables)).from_dict({exponents: rational(c) for exponents, c in poly.terms()})


def _in_ring(expr: Any, images: dict[Any, fmpq_mpoly], context: fmpq_mpoly_ctx) -> fmpq_mpoly | None:
    """`expr` computed in the ring, where it is made of rationals, variables, sums, products and powers; else None."""
    if expr in images:
        return images[expr]
    if expr.is_Rational and expr.is_finite:
        return context.constant(rational(expr))
    if expr.is_Pow and expr.exp.is_Integer and expr.exp >= 0:
        base = _in_ring(expr.base, images, context)
        return None if base is None else base ** int(expr.exp)
    if not (expr.is_Add or expr.is_Mul):
        return None
    parts: list[fmpq_mpoly] = []
    for part in expr.args:
        image = _in_ring(part, images, context)
        if image is None:
            return None
        parts.append(image)
    return sum(parts[1:], parts[0]) if expr.is_Add else math.prod(parts[1:], start=parts[0])


def affine(p: fmpq_mpoly, offset: list[fmpq], matrix: list[list[fmpq]]) -> fmpq_mpoly:
    """p(offset + matrix·y), exactly."""
    context = p.context()
    y = context.gens()
    images = [
        sum((a * v for a, v in zip(row, y, strict=True)), context.constant(b))
        for row, b in zip(matrix, offset, strict=True)
    ]
    return p.compose(*images, ctx=context)


def directional_parts(p: fmpq_mpoly, direction: list[fmpq]) -> list[fmpq_mpoly]:
    """[p_0, p_1, …] with Re p(y + i b v) = Σ_k b^{2k} p_k(y): p_k = (−1)^k D_v^{2k} p / (2k)!."""
    parts, current, k = [p], p, 0
    while True:
        for _ in range(2):
            current = sum((v * current.derivative(i) for i, v in enumerate(direction)), 0 * p)
        k += 1
        if current.is_zero():
            return parts
        parts.append(current * fmpq((-1) ** k, math.factorial(2 * k)))


def to_float(value: fmpq) -> float:
    """The nearest float; raises `NotCertified` beyond the range in which the error analysis holds."""
    try:
        result = int(value.p) / int(value.q)
    except OverflowError:
        result = math.inf
    if (result == 0 and value != 0) or (result != 0 and not 1e-250 < abs(result) < 1e250):
        raise NotCertified(f"a coefficient of size {result:.1g} leaves the float range; rescale the variables")
    return result


class Support(NamedTuple):
    """What follows from the exponents alone: all γ ≤ some α, and where c_α binom(α, β) stands in the matrix of the T_β."""

    exponents: np.ndarray  # α [n, d]
    shifts: np.ndarray  # γ [m, d], the constant first
    odd: np.ndarray
    shares: np.ndarray
    floor: float
    taylor: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # row α − β, column β, number of α, binom(α, β)


@lru_cache(maxsize=2048)
def _support(terms: tuple[Exponents, ...], also: tuple[Exponents, ...]) -> Support:
    dimension = len(terms[0])
    below = {gamma for alpha in (*terms, *also) for gamma in product(*(range(a + 1) for a in alpha))}
    shifts = sorted(below, key=lambda g: (sum(g), g))
    index = {gamma: i for i, gamma in enumerate(shifts)}
    entries = [
        (index[tuple(a - b for a, b in zip(alpha, beta, strict=True))], index[beta], k, math.prod(map(math.comb, alpha, beta)))
        for k, alpha in enumerate(terms)
        for beta in product(*(range(a + 1) for a in alpha))
    ]  # fmt: skip
    rows, columns, source, binomials = (np.array(column) for column in zip(*entries, strict=True))
    table = np.array(shifts, dtype=int).reshape(-1, dimension)
    degree = table.sum(axis=1)
    return Support(
        np.array(terms, dtype=int).reshape(len(terms), dimension), table, np.any(table % 2, axis=1),
        table / np.maximum(degree, 1)[:, None], 10.0 ** (-140 / max(int(degree.max()), 1)),
        (rows, columns, source, binomials.astype(float)),
    )  # fmt: skip


class FloatPolynomial:
    """A polynomial in float64 with vectorised, verified lower bounds on boxes.

    p: the polynomial, or its terms. `also`: exponents of which Taylor coefficients are wanted even where they vanish.
    """

    def __init__(self, p: fmpq_mpoly | Mapping[Exponents, fmpq], dimension: int, also: Sequence[Exponents] = ()):
        terms = (terms_of(p) if isinstance(p, fmpq_mpoly) else p) or {(0,) * dimension: fmpq(0)}
        self.dimension, self._support = dimension, _support(tuple(terms), tuple(also))
        self.exponents, self.shifts = self._support.exponents, self._support.shifts
        self.coefficients = np.array([to_float(c) for c in terms.values()])
        degrees = self.exponents.max(axis=0)
        self.epsilon = 16 * (2 * len(self.shifts) + int(degrees.sum()) + 10) * UNIT_ROUNDOFF

    @property
    def mixed(self) -> bool:
        """Does some monomial hold two variables?"""
        return bool(((self.exponents > 0).sum(axis=1) > 1).any())

    def positions(self, exponents: Sequence[Exponents]) -> list[int]:
        """Where the Taylor coefficients T_β of these β stand."""
        rows = [tuple(row) for row in self.shifts.tolist()]
        return [rows.index(beta) for beta in exponents]

    @cached_property
    def _taylor(self) -> np.ndarray | sparse.csr_array:
        """Dᵀ with T_β(c) = Σ_γ D[β, γ] c^γ, D[β, γ] = c_{β+γ} binom(β+γ, β); sparse where most entries vanish."""
        rows, columns, source, binomials = self._support.taylor
        values, m = self.coefficients[source] * binomials, len(self.shifts)
        if 12 * len(values) < m * m:
            return sparse.csr_array((values, (rows, columns)), shape=(m, m))
        matrix = np.zeros((m, m))
        matrix[rows, columns] = values
        return matrix

    def taylor(self, centres: np.ndarray) -> np.ndarray:
        """T_β at the centres, [n, m]."""
        return self.monomials(centres, self.shifts) @ self._taylor

    def monomials(self, points: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        """points^exponents: [n, d], [m, d] → [n, m]."""
        powers = np.empty((max(int(exponents.max(initial=0)), 1) + 1, self.dimension, len(points)))
        powers[0], powers[1] = 1.0, points.T
        for e in range(2, len(powers)):
            np.multiply(powers[e - 1], powers[1], out=powers[e])
        result = powers[exponents[:, 0], 0]
        for i in range(1, self.dimension):
            result *= powers[exponents[:, i], i]
        return result.T

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values at points [n, d] → [n], without error bound."""
        return self.monomials(points, self.exponents) @ self.coefficients

    def derivatives(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradients [n, d] and Hessians [n, d, d] at points [n, d], without error bound."""
        d, n = self.dimension, len(points)
        taylor = self.taylor(points)
        gradient, hessian = np.zeros((n, d)), np.zeros((n, d, d))
        for k, beta in enumerate(self.shifts):
            axes = np.repeat(np.arange(d), beta) if beta.sum() <= 2 else ()
            if len(axes) == 1:
                gradient[:, axes[0]] = taylor[:, k]
            elif len(axes) == 2:
                i, j = axes
                hessian[:, i, j] = hessian[:, j, i] = taylor[:, k] * (2 if i == j else 1)
        return gradient, hessian

    def absolute(self, radii: np.ndarray) -> np.ndarray:
        """Σ |c_α| radii^α, inflated to an upper bound: it bounds |P(z)| for complex |z_i| ≤ radii_i."""
        reach = np.maximum(radii, self._support.floor)
        return _finite(self.monomials(reach, self.exponents) @ np.abs(self.coefficients) * (1 + self.epsilon) + TINY)

    def below(self, points: np.ndarray) -> np.ndarray:
        """Proved lower bounds of the values at (exactly represented) points."""
        return _finite(self(points) - self.epsilon * self.absolute(np.abs(points)) - TINY)

    def local(self, centres: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(T_β [n, m], r^β [n, m], error [n]): Taylor coefficients at the centres, and what rounding may have cost."""
        taylor = self.taylor(centres)
        reach = self.monomials(radii, self.shifts)
        return taylor, reach, self.epsilon * self.absolute(np.abs(centres) + radii) + TINY

    def infimum(self, taylor: np.ndarray, reach: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(the centred form [n], what each axis costs it [n, d])."""
        losses = np.where(self._support.odd, np.abs(taylor), np.maximum(-taylor, 0.0)) * reach
        losses[:, 0] = 0.0
        return taylor[:, 0] - losses.sum(axis=1) - error, losses @ self._support.shares

    def bounds(self, centres: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(inf [n], value at centre [n], loss [n, d]): a proved lower bound on each box, and what each axis
        costs it.
        """
        taylor, reach, error = self.local(centres, radii)
        infimum, loss = self.infimum(taylor, reach, error)
        return _finite(infimum), taylor[:, 0], loss


def _finite(bounds: np.ndarray) -> np.ndarray:
    if not np.isfinite(bounds).all():
        raise NotCertified("a bound left the float range; rescale the variables")
    return bounds

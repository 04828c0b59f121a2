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

Notation: α, β, γ exponents in N^d, c box centres [n, d], r half-widths [n, d].
Reading order: `ring`, `terms_of`, `from_sympy`, `affine`, `directional_parts`, `FloatPolynomial`.
"""

import math
from functools import cache
from itertools import product

import numpy as np
import sympy as sp
from flint import fmpq, fmpq_mpoly, fmpq_mpoly_ctx

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
    return {tuple(int(e) for e in alpha): c for alpha, c in p.to_dict().items()}


def from_sympy(expr: sp.Expr, variables: tuple[sp.Symbol, ...]) -> fmpq_mpoly:
    """The exact polynomial `expr`; raises `NotCertified` if it is not one with rational coefficients."""
    if not expr.is_polynomial(*variables):
        raise NotCertified(
            f"in two and three variables the certified rule needs polynomials; {expr} is not one in "
            f"{', '.join(map(str, variables))}; expand it to a polynomial, or integrate one variable at a time"
        )
    poly = sp.Poly(expr, *variables)
    if not all(c.is_Rational for c in poly.coeffs()):
        raise NotCertified(
            f"the certified rule needs rational coefficients; {expr} has others; round them to rationals"
        )
    return ring(len(variables)).from_dict({exponents: rational(c) for exponents, c in poly.terms()})


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


class FloatPolynomial:
    """A polynomial in float64 with vectorised, verified lower bounds on boxes."""

    def __init__(self, p: fmpq_mpoly, dimension: int):
        terms = terms_of(p) or {(0,) * dimension: fmpq(0)}
        self.dimension = dimension
        self.exponents = np.array(list(terms), dtype=int).reshape(len(terms), dimension)
        self.coefficients = np.array([to_float(c) for c in terms.values()])
        degrees = self.exponents.max(axis=0)
        below = {gamma for alpha in terms for gamma in product(*(range(a + 1) for a in alpha))}
        self.shifts = np.array(sorted(below, key=lambda g: (sum(g), g)), dtype=int).reshape(-1, dimension)
        self.degrees = degrees
        self._taylor = self._taylor_matrix(terms)
        self._odd = (self.shifts % 2).any(axis=1)
        monomials = len(self.shifts)
        self.epsilon = 16 * (2 * monomials + int(degrees.sum()) + 10) * UNIT_ROUNDOFF

    def _taylor_matrix(self, terms: dict[Exponents, fmpq]) -> np.ndarray:
        """D with T_β(c) = Σ_γ D[β, γ] c^γ, D[β, γ] = c_{β+γ} binom(β+γ, β)."""
        index = {tuple(gamma): i for i, gamma in enumerate(self.shifts.tolist())}
        matrix = np.zeros((len(index), len(index)))
        for alpha, c in zip(terms, self.coefficients, strict=True):
            for beta in product(*(range(a + 1) for a in alpha)):
                gamma = tuple(a - b for a, b in zip(alpha, beta, strict=True))
                matrix[index[beta], index[gamma]] = c * math.prod(map(math.comb, alpha, beta))
        return matrix

    def monomials(self, points: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        """points^exponents: [n, d], [m, d] → [n, m]."""
        result = np.ones((len(points), len(exponents)))
        for i in range(self.dimension):
            powers = np.ones((len(points), int(exponents[:, i].max(initial=0)) + 1))
            np.cumprod(np.broadcast_to(points[:, i : i + 1], powers[:, 1:].shape), axis=1, out=powers[:, 1:])
            result *= powers[:, exponents[:, i]]
        return result

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values at points [n, d] → [n], without error bound."""
        return self.monomials(points, self.exponents) @ self.coefficients

    def absolute(self, radii: np.ndarray) -> np.ndarray:
        """Σ |c_α| radii^α, inflated to an upper bound: it bounds |P(z)| for complex |z_i| ≤ radii_i."""
        return self.monomials(radii, self.exponents) @ np.abs(self.coefficients) * (1 + self.epsilon) + TINY

    def below(self, points: np.ndarray) -> np.ndarray:
        """Proved lower bounds of the values at (exactly represented) points."""
        return self(points) - self.epsilon * self.absolute(np.abs(points)) - TINY

    def bounds(self, centres: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(inf [n], value at centre [n], loss [n, d]): a proved lower bound on each box, and what each axis
        costs it.
        """
        taylor = self.monomials(centres, self.shifts) @ self._taylor.T
        reach = self.monomials(radii, self.shifts)
        losses = np.where(self._odd, np.abs(taylor), np.maximum(-taylor, 0.0)) * reach
        losses[:, 0] = 0.0
        error = self.epsilon * self.absolute(np.abs(centres) + radii) + TINY
        infimum = taylor[:, 0] - losses.sum(axis=1) - error
        if not np.isfinite(infimum).all():
            raise NotCertified("a box bound left the float range; rescale the variables")
        share = self.shifts / np.maximum(self.shifts.sum(axis=1, keepdims=True), 1)
        return infimum, taylor[:, 0], losses @ share

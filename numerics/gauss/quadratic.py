"""Variables in which the potential is quadratic, integrated exactly.

Idea
----
With V = ½ aᵀA(b) a − aᵀη(b) + c(b), A(b) positive definite for every b of the domain, and f polynomial in a,

    ∫_{R^n} f e^{−V} da = (2π)^{n/2} |A|^{−1/2} E[f(a)] e^{−W(b)},   W = c − ½ ηᵀA⁻¹η,   a ~ N(A⁻¹η, A⁻¹),

which is an analytic integrand in b alone: output weights of a network, or the y of (y − x²)², cost nothing. Exact in
symbols. The Gaussian moments follow from Stein's identity, μ = A⁻¹η, Σ = A⁻¹:

    E[a_i a^β] = μ_i E[a^β] + Σ_j β_j Σ_ij E[a^{β − e_j}].

**Positive definite.** V is a sum of terms; the Hessian in a of a square c·g², c > 0, g linear in a, is semidefinite, so A
is at least the sum S of the constant Hessians of the other terms, a matrix of numbers. If S does not suffice, the
leading minors of A are bounded below over the domain (`intervals.Enclosure.infimum`).

Reading order: `Reduced`, `eliminate`.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import sympy as sp

from numerics.gauss.domain import Domain
from numerics.gauss.intervals import Enclosure, is_nonnegative, split


class Reduced(NamedTuple):
    """∫ f e^{−potential} over the domain for every f in `amplitudes`; `eliminated`: what was integrated already."""

    potential: Any
    amplitudes: tuple[Any, ...]
    domain: Domain
    eliminated: tuple[sp.Symbol, ...] = ()


def eliminate(problem: Reduced) -> Reduced:
    """The problem with as many variables as possible integrated exactly; the problem itself where none can be."""
    lines = [
        v
        for v, ends in zip(problem.domain.variables, problem.domain.ends, strict=True)
        if all(e.is_infinite for e in ends)
    ]
    for count in range(len(lines), 0, -1):
        for chosen in combinations(lines, count):
            reduced = _eliminated(problem, chosen)
            if reduced is not None:
                return reduced
    return problem


def _eliminated(problem: Reduced, a: tuple[sp.Symbol, ...]) -> Reduced | None:
    v = problem.potential
    if not all(expr.is_polynomial(*a) for expr in (v, *problem.amplitudes)):
        return None
    matrix = sp.hessian(v, a).applyfunc(sp.expand)
    if matrix.has(*a):
        return None
    rest = problem.domain.without(a)
    if not _is_positive_definite(v, matrix, a, rest):
        return None
    zero = dict.fromkeys(a, 0)
    eta = sp.Matrix([-sp.diff(v, x) for x in a]).subs(zero)
    determinant = matrix.det(method="berkowitz")
    inverse = matrix.adjugate() / determinant
    mean = inverse * eta
    potential = v.subs(zero) - (eta.T * matrix.adjugate() * eta)[0] / (2 * determinant)
    if not matrix.free_symbols and potential.is_polynomial(*rest.variables):
        potential = sp.expand(potential)
    factor = sp.sqrt((2 * sp.pi) ** len(a) / determinant)
    moments = _Moments(mean, inverse)
    amplitudes = tuple(factor * moments.expectation(f, a) for f in problem.amplitudes)
    return Reduced(potential, amplitudes, rest, a)


class _Moments:
    """E[a^α] for a ~ N(μ, Σ)."""

    def __init__(self, mean: Any, covariance: Any):
        self.mean, self.covariance = mean, covariance
        self._known: dict[tuple[int, ...], Any] = {(0,) * len(mean): sp.S.One}

    def expectation(self, f: Any, a: Sequence[sp.Symbol]) -> Any:
        terms = sp.Poly(f, *a).terms()
        return sp.Add(*(c * self.moment(tuple(map(int, alpha))) for alpha, c in terms))

    def moment(self, alpha: tuple[int, ...]) -> Any:
        if alpha not in self._known:
            i = next(k for k, e in enumerate(alpha) if e)
            beta = tuple(e - (k == i) for k, e in enumerate(alpha))
            total = self.mean[i] * self.moment(beta)
            for j, e in enumerate(beta):
                if e:
                    lower = tuple(x - (k == j) for k, x in enumerate(beta))
                    total += e * self.covariance[i, j] * self.moment(lower)
            self._known[alpha] = total
        return self._known[alpha]


def _is_positive_definite(v: Any, matrix: Any, a: tuple[sp.Symbol, ...], rest: Domain) -> bool:
    constant = sp.zeros(len(a), len(a))
    sums_of_squares = True
    for hessian, semidefinite in _hessians(v, a):
        if not hessian.free_symbols:
            constant += hessian
        elif not semidefinite:
            sums_of_squares = False
    if sums_of_squares and all(bool(m > 0) for m in _leading_minors(constant)):
        return True
    enclosure = Enclosure(rest)
    bounds = (enclosure.infimum(sp.expand(m)) for m in _leading_minors(matrix))
    return all(low is not None and low > 0 for low in bounds)


def _hessians(v: Any, a: tuple[sp.Symbol, ...]) -> Iterator[tuple[Any, bool]]:
    """The Hessian in a of every term of V, and whether it is known to be semidefinite."""
    for coefficient, part in split(v):
        if part.has(*a):
            yield _hessian(coefficient * part, a), bool(coefficient > 0) and _is_square_of_linear(part, a)


def _hessian(expr: Any, a: tuple[sp.Symbol, ...]) -> Any:
    return sp.hessian(expr, a).applyfunc(sp.expand)


def _is_square_of_linear(part: Any, a: tuple[sp.Symbol, ...]) -> bool:
    """part = h(b)·g², h ≥ 0, g linear in a."""
    inside = [f for f in sp.Mul.make_args(part) if f.has(*a)]
    outside = [f for f in sp.Mul.make_args(part) if not f.has(*a)]
    if len(inside) != 1 or not isinstance(inside[0], sp.Pow) or inside[0].args[1] != 2:
        return False
    g = inside[0].args[0]
    return g.is_polynomial(*a) and _hessian(g, a).is_zero_matrix and is_nonnegative(sp.Mul(*outside))


def _leading_minors(matrix: Any) -> Iterator[Any]:
    for n in range(1, matrix.rows + 1):
        yield matrix[:n, :n].det(method="berkowitz")

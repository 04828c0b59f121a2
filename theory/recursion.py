"""The moment recursion: the stationary law of any chain whose step is given by its conditional cumulants, order by order.

A chain near a point, in the scale x = t^{1/2}(w − w*), h = t^{−1/2}, is known through the conditional cumulants κ_α(x; h) of its
next state x' given x: series in h whose coefficient of h^j is a polynomial of degree ≤ |α| + j (for |α| = 1 and j = 0: the linear
map F_0). Its one-step operator on monomials follows from them,

    P x^{e_i+β} = Σ_{γ≤β} C(β,γ) κ_{e_i+γ}(x; h) · P x^{β−γ},            P f = E[f(x') | x],

and the part of P x^α at h^j has degree ≤ |α| + j. A step made of several random maps in turn (kick, drift, friction, …) is the
product of theirs, P = P_1 P_2 … P_n, the first to act written first. Stationarity, E[P x^α] = E[x^α], determines the moments
m_α = Σ_k h^k m_α^{(k)}: at each order of h and each degree one linear system

    m_α^{(k)} − [top degree of P x^α at h^0] m^{(k)} = Σ_{(j,β): j > 0 or |β| < |α|} [h^j x^β](P x^α) m_β^{(k−j)},

never singular for |eigenvalues of F_0| < 1. Degrees at most |α| + k occur, so the recursion ends.

Nothing else is assumed: the noise may depend on the place and need not be Gaussian, the map need not be a gradient step, the linear
map need not be symmetric or diagonal. The coefficients lie in any exact field: Q, an algebraic extension, rational functions of
the parameters. (There are no floats here; a float is served by the rational that it is.)

Reading order: `Stage` (one random map), `Recursion` (the chain made of stages), `stable` (|eigenvalues| < 1, decided exactly).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import combinations_with_replacement, product
from math import comb, prod
from operator import sub
from typing import Any

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from theory.jets import Jets, combination, multiply, summed
from theory.laplace import cumulant_from_moments

Monomial = tuple[int, ...]
Graded = list[Any]
"""Σ_j h^j f_j(x): the list of the polynomials f_j."""


class Stage:
    """One random map x → x', given by its conditional cumulants; `orders(n)`: how many orders of h a monomial of degree n needs.

    Equal maps are equal stages.
    """

    def __init__(self, ring: Any, kappa: Mapping[Monomial, Graded], orders: Callable[[int], int]):
        self.ring, self.kappa, self.orders = ring, kappa, orders
        self._steps: dict[Monomial, Graded] = {(0,) * ring.ngens: [ring.one] + [ring.zero] * (orders(0) - 1)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stage) and self._data == other._data

    def __hash__(self) -> int:
        return hash(self._data)

    @cached_property
    def _data(self) -> tuple:
        return self.ring, self.orders, frozenset((alpha, tuple(parts)) for alpha, parts in self.kappa.items())

    def step(self, alpha: Monomial) -> Graded:
        """P x^α = E[(x')^α | x] as a series in h of polynomials in x."""
        if alpha not in self._steps:
            i = next(k for k, power in enumerate(alpha) if power)
            beta = (*alpha[:i], alpha[i] - 1, *alpha[i + 1 :])
            products: list[list[tuple[Any, Any]]] = [[] for _ in range(self.orders(sum(alpha)))]
            for gamma in product(*(range(b + 1) for b in beta)):
                kappa = self.kappa.get(tuple(g + (k == i) for k, g in enumerate(gamma)))
                if kappa is not None:
                    rest = self.step(tuple(map(sub, beta, gamma)))
                    factor = self.ring.domain(prod(map(comb, beta, gamma)))
                    for j in range(len(products)):
                        part = kappa[j] * factor
                        for k in range(j, len(products)):
                            products[k].append((part, rest[k - j]))
            self._steps[alpha] = [summed(self.ring, pairs) for pairs in products]
        return self._steps[alpha]

    def apply(self, graded: Graded) -> Graded:
        """P f for f = Σ_j h^j f_j, to the order to which f is known."""
        return pulled_back(self.step, graded, self.ring)


def pulled_back(step: Callable[[Monomial], Graded], graded: Graded, ring: Any) -> Graded:
    """Σ_j h^j Σ_α f_{j,α} P x^α, truncated at the length of f."""
    return [image(step, graded, k, ring) for k in range(len(graded))]


def image(step: Callable[[Monomial], Graded], graded: Graded, k: int, ring: Any) -> Any:
    """[h^k] P f = Σ_{j≤k} Σ_α f_{j,α} [h^{k−j}] P x^α."""
    parts = enumerate(graded[: k + 1])
    return combination(ring, ((c, step(alpha)[k - j]) for j, part in parts for alpha, c in part.items()))


@dataclass(frozen=True)
class _Known:
    """What has been worked out about a chain, whatever its observables; chains of equal stages share it."""

    stages: tuple[Stage, ...]
    steps: dict[Monomial, Graded] = field(default_factory=dict)
    moments: dict[int, dict[Monomial, Any]] = field(default_factory=lambda: defaultdict(dict))
    resolvents: dict[tuple[int, int], DomainMatrix] = field(default_factory=dict)


@lru_cache(maxsize=32)
def _known(stages: tuple[Stage, ...], top: int, symmetric: bool) -> _Known:
    return _Known(stages)


class Recursion:
    """The moments of the chain whose step is the `stages` in turn, to order h^top, and means and cumulants of its observables.

    jets: the ring and its coefficients; observables: their graded Taylor parts at w*, f_j of degree ≤ j.
    symmetric: whether (x, h) → (−x, −h) leaves the chain as it is, so that moments of odd |α| + k vanish.
    """

    def __init__(
        self, jets: Jets, stages: Sequence[Stage], observables: Sequence[Sequence[Any]], top: int, *, symmetric: bool = True
    ):  # fmt: skip
        self.jets, self.ring, self.domain = jets, jets.ring, jets.domain
        self.d, self.top = jets.ring.ngens, top
        self.observables, self.symmetric = observables, symmetric
        known = _known(tuple(stages), top, symmetric)
        self.stages, self._steps = known.stages, known.steps
        self._moments, self._resolvents = known.moments, known.resolvents
        self._means: dict[tuple[int, ...], list[Any]] = {}

    def cumulant(self, indices: Sequence[int]) -> tuple[sp.Expr, ...]:
        """Coefficients of κ of the observables with these indices (repetition allowed)."""
        indices = tuple(indices)
        series = cumulant_from_moments(indices, self._mean_of_product, lambda f, g: multiply(f, g, self.domain.zero))
        if len(indices) == 1:  # constants drop out of all other cumulants
            series[0] = series[0] + self.observables[indices[0]][0].coeff(1)
        return tuple(self.jets.expr(c) for c in series)

    def _mean_of_product(self, block: tuple[int, ...]) -> list[Any]:
        """E Π_{i in block} (φ_i − φ_i(w*)) as a series in 1/t."""
        key = tuple(sorted(block))
        if key not in self._means:
            product = [self.ring.one] + [self.ring.zero] * self.top
            for i in key:
                product = multiply(self.centred(i), product, self.ring.zero)
            self._means[key] = self.mean(product)
        return self._means[key]

    def mean(self, graded: Sequence[Any]) -> list[Any]:
        """E of Σ_j h^j f_j(x) as a series in h² = 1/t."""
        return [self._mean(enumerate(graded[: k + 1]), k) for k in range(0, len(graded), 2)]

    def _mean(self, parts: Iterable[tuple[int, Any]], k: int) -> Any:
        """The coefficient of h^k in E Σ_j h^j f_j(x), from pairs (j, f_j)."""
        total = self.domain.zero
        for j, part in parts:
            known = self._moments[k - j]
            for alpha, c in part.items():
                value = known[alpha] if alpha in known else self.moment(alpha, k - j)
                if value:
                    total = total + c * value
        return total

    def moment(self, alpha: Monomial, k: int) -> Any:
        """The coefficient of h^k in E[x^α]."""
        known = self._moments[k]
        if alpha not in known:
            degree = sum(alpha)
            if self.symmetric and degree % 2 != k % 2:
                known[alpha] = self.domain.zero
            elif degree == 0:
                known[alpha] = self.domain.one if k == 0 else self.domain.zero
            else:
                known.update(self._solve(degree, k))
        return known[alpha]

    def _solve(self, degree: int, k: int) -> dict[Monomial, Any]:
        """m = (leading matrix of this degree) m + (everything already known)."""
        alphas = list(monomials(self.d, degree))
        column = []
        for alpha in alphas:
            first, *later = self.step(alpha)[: k + 1]
            lower = {beta: c for beta, c in first.items() if sum(beta) < degree}
            column.append([self._mean([(0, lower), *enumerate(later, 1)], k)])
        solution = self.resolvent(degree) * DomainMatrix(column, (len(column), 1), self.domain)
        return {alpha: solution[i, 0].element for i, alpha in enumerate(alphas)}

    def resolvent(self, degree: int, steps: int = 1) -> DomainMatrix:
        """(1 − M^s)⁻¹, M the step on monomials of this degree at leading order."""
        if (degree, steps) not in self._resolvents:
            leading = self.leading(degree) ** steps
            self._resolvents[degree, steps] = (leading.eye(leading.shape, self.domain) - leading).to_field().inv()
        return self._resolvents[degree, steps]

    def leading(self, degree: int) -> DomainMatrix:
        """The step on monomials of this degree at leading order: row α holds the top part of P x^α at h^0."""
        alphas = list(monomials(self.d, degree))
        rows = [[self.step(a)[0].get(b, self.domain.zero) for b in alphas] for a in alphas]
        return DomainMatrix(rows, (len(rows), len(rows)), self.domain)

    def centred(self, i: int) -> Graded:
        """Observable i without its value at w*, as a series in h."""
        return [self.ring.zero, *self.observables[i][1:]]

    def step(self, alpha: Monomial) -> Graded:
        """P x^α of a whole step, to the order that a moment of x^α can need."""
        if alpha not in self._steps:
            *before, last = self.stages
            graded = last.step(alpha)
            for stage in reversed(before):
                graded = stage.apply(graded)
            self._steps[alpha] = graded
        return self._steps[alpha]


@lru_cache(maxsize=256)
def for_moments(top: int) -> Callable[[int], int]:
    """A moment of degree n is wanted to h^{top − n}: observables have degree ≤ j at h^j."""
    return lambda degree: top + 1 - degree


def monomials(d: int, degree: int) -> Iterator[Monomial]:
    """The exponent vectors of d variables and this degree."""
    for indices in combinations_with_replacement(range(d), degree):
        yield unit(d, indices)


def unit(d: int, indices: Sequence[int]) -> Monomial:
    """The exponent vector of Π_i x_i over `indices`."""
    return tuple(sum(1 for i in indices if i == k) for k in range(d))


def stable(matrix: sp.Matrix) -> bool | None:
    """Whether all eigenvalues lie inside the unit circle, exactly (Schur and Cohn); None where the entries are not rational.

    A real polynomial p of degree n ≥ 1 has its zeros inside the circle iff |p(0)| < |leading coefficient| and so has
    (a_n p(z) − a_0 z^n p(1/z))/z, of degree n − 1.
    """
    if not all(sp.sympify(c).is_Rational for c in matrix):
        return None
    coefficients = matrix.charpoly().all_coeffs()
    while len(coefficients) > 1:
        first, last = coefficients[0], coefficients[-1]
        if abs(last) >= abs(first):
            return False
        coefficients = [first * a - last * b for a, b in zip(coefficients[:-1], coefficients[:0:-1], strict=True)]
    return True

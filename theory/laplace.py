"""Laplace expansions to any order, exactly: log Z, posterior expectations and joint cumulants.

For the posterior Π ∝ exp(−tL)·prior with one nondegenerate minimum w*, scale w = w* + h x with h = t^{−1/2}. Then

    exp(−t(L − L(w*)))·prior = exp(−½ xᵀHx) · W(x; h),     W = exp(−Σ_{k≥3} h^{k−2} L_k(x)) · Σ_k h^k p_k(x),

where L_k and p_k are the degree-k Taylor parts of the loss and the prior. Hence ⟨φ⟩ = E[φ(w* + hx) W] / E[W] with E over
N(0, Σ), Σ = H⁻¹: a quotient of power series in h whose odd powers vanish. This is Lemma 33 (eq 36) of the primer carried to all
orders; Lemmas 18, 20 and 25 are its first coefficients. The sum over diagrams (`theory.graphs`) is the second road to the same
numbers, in `theory.diagrams`.

The series are asymptotic: the coefficients are exact, the sum at finite t is not.

Reading order: `expectation`, `cumulant`, `log_partition` (public), `Expansion` (the one computation behind them),
`cumulant_from_moments`.
"""

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import sympy as sp
from sympy.polys.matrices import DomainMatrix
from sympy.polys.polyerrors import CoercionFailed

from theory.errors import BadInput
from theory.jets import Jets, exact, jets, multiply
from theory.minimum import locate
from theory.wick import Gaussian

FLAT = sp.S.One  # the flat prior


def expectation(
    loss: sp.Expr, phi: sp.Expr, variables: Sequence[sp.Symbol], *, order: int, at: Any = None, prior: Any = FLAT
) -> tuple[sp.Expr, ...]:
    """The coefficients (c_0, …, c_order) of ⟨φ⟩ = Σ_k c_k t^{−k} (eq 12 is c_1 for φ(w*) = 0).

    loss, phi, prior: sympy expressions in `variables`, analytic at the minimum; other symbols are exact parameters.
    at: the minimum (mapping or sequence), verified; None finds it. Raises `BadInput` (see `theory.minimum`).
    """
    return Expansion(loss, [phi], variables, order=order, at=at, prior=prior).cumulant([0])


def cumulant(
    loss: sp.Expr,
    observables: Sequence[sp.Expr],
    variables: Sequence[sp.Symbol],
    *,
    order: int,
    at: Any = None,
    prior: Any = FLAT,
) -> tuple[sp.Expr, ...]:
    """The coefficients (c_0, …, c_order) of the joint cumulant κ(φ_1, …, φ_m) = Σ_k c_k t^{−k}.

    Two observables: the covariance (Lemma 20 is c_1, Lemma 25 is c_2). Arguments as in `expectation`.
    """
    if not observables:
        raise BadInput("a joint cumulant needs at least one observable; `log_partition` is the cumulant of none")
    expansion = Expansion(loss, observables, variables, order=order, at=at, prior=prior)
    return expansion.cumulant(range(len(observables)))


def log_partition(
    loss: sp.Expr, variables: Sequence[sp.Symbol], *, order: int, at: Any = None, prior: Any = FLAT
) -> tuple[sp.Expr, ...]:
    """The coefficients (c_0, …, c_order) of log{Z e^{tL(w*)} (t/2π)^{d/2} det(H)^{1/2}} (the O(1/t) of eq 11).

    c_0 = log prior(w*), which is 0 for the flat prior.
    """
    return Expansion(loss, [], variables, order=order, at=at, prior=prior).log_partition()


class Expansion:
    """The expansion of one posterior and several observables to order t^{−order}; moments are shared and memoised."""

    def __init__(
        self,
        loss: sp.Expr,
        observables: Sequence[sp.Expr],
        variables: Sequence[sp.Symbol],
        *,
        order: int,
        at: Any = None,
        prior: Any = FLAT,
    ):
        if not isinstance(order, int) or order < 0:
            raise BadInput(f"order must be an integer ≥ 0, got {order!r}")
        self.order = order
        self.at = locate(loss, variables, at)
        expressions = [exact(loss), exact(prior), *observables]
        try:  # a polynomial ring is enough when nothing divides by a symbol
            self._prepare(expressions, variables)
        except CoercionFailed:
            self._prepare(expressions, variables, field=True)
        self._moments: dict[tuple[int, ...], list[Any]] = {}

    def _prepare(self, expressions: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, field: bool = False) -> None:
        top = 2 * self.order
        orders = [top + 2] + [top] * (len(expressions) - 1)
        self.jets: Jets = jets(expressions, variables, self.at, orders, field=field)
        loss, prior, *self.observables = (list(p) for p in self.jets.parts)
        ring, domain = self.jets.ring, self.jets.domain
        self.prior_at_minimum = prior[0].coeff(1)
        if not self.prior_at_minimum:
            raise BadInput(f"the prior {expressions[1]} vanishes at the minimum; the expansion needs prior(w*) ≠ 0")
        self.gaussian = Gaussian(inverse(hessian(loss[2], ring), domain), domain.zero, domain.one)
        # Only the ratio to prior(w*) matters to expectations; log_partition adds log prior(w*) back.
        scale = ring(inverse([[self.prior_at_minimum]], domain)[0][0])
        weight = exponential([-part for part in loss[3:]], top, ring)
        self.weight = multiply(weight, [part * scale for part in prior], ring.zero)

    def cumulant(self, indices: Sequence[int]) -> tuple[sp.Expr, ...]:
        """Coefficients of κ of the observables with these indices (repetition allowed)."""
        indices, domain = tuple(indices), self.jets.domain
        series = cumulant_from_moments(indices, self._moment, lambda f, g: multiply(f, g, domain.zero))
        if len(indices) == 1:  # constants drop out of all other cumulants
            series[0] = series[0] + self.observables[indices[0]][0].coeff(1)
        return tuple(self.jets.expr(c) for c in series)

    def log_partition(self) -> tuple[sp.Expr, ...]:
        domain = self.jets.domain
        partition = self._raw(self.weight)
        rest = [self.jets.expr(c) for c in logarithm(partition, domain)]
        return (sp.log(self.jets.expr(self.prior_at_minimum)), *rest[1:])

    def _moment(self, block: tuple[int, ...]) -> list[Any]:
        """⟨Π_{i in block} (φ_i − φ_i(w*))⟩ as a series in 1/t; without the constants the arithmetic stays small."""
        key = tuple(sorted(block))
        if key not in self._moments:
            ring = self.jets.ring
            product = self.weight
            for i in block:
                product = multiply([ring.zero, *self.observables[i][1:]], product, ring.zero)
            self._moments[key] = divide(self._raw(product), self._raw(self.weight))
        return self._moments[key]

    def _raw(self, graded: Sequence[Any]) -> list[Any]:
        """E over N(0, Σ) of the coefficients of h^0, h^2, …: a series in 1/t."""
        return [self.gaussian.mean(part) for part in graded[::2]]


def hessian(quadratic: Any, ring: Any) -> list[list[Any]]:
    """H from the degree-2 part ½ xᵀHx of the loss."""
    d = ring.ngens

    def entry(i: int, j: int) -> Any:
        return quadratic.diff(ring.gens[i]).diff(ring.gens[j]).coeff(1)

    return [[entry(i, j) for j in range(d)] for i in range(d)]


def inverse(matrix: list[list[Any]], domain: Any) -> list[list[Any]]:
    """The inverse, over the field of fractions; raises `CoercionFailed` if it does not lie in `domain` itself."""
    d, field = len(matrix), domain.get_field()
    result = DomainMatrix(matrix, (d, d), domain).to_field().inv()
    return [[domain.convert_from(result[i, j].element, field) for j in range(d)] for i in range(d)]


def exponential(exponent: Sequence[Any], top: int, ring: Any) -> list[Any]:
    """exp(Σ_{k≥1} h^k V_k) to h^top for graded V (exponent[0] = V_1): j E_j = Σ_i i V_i E_{j−i}."""
    series = [ring.one]
    for j in range(1, top + 1):
        total = ring.add(
            [exponent[i - 1] * series[j - i] * ring.domain(i) for i in range(1, min(j, len(exponent)) + 1)]
        )
        series.append(total * ring.domain.convert_from(sp.QQ(1, j), sp.QQ))
    return series


def divide(numerator: Sequence[Any], denominator: Sequence[Any]) -> list[Any]:
    """The quotient of power series whose denominator starts with 1."""
    quotient: list[Any] = []
    for k, value in enumerate(numerator):
        for i in range(k):
            value = value - quotient[i] * denominator[k - i]
        quotient.append(value)
    return quotient


def logarithm(series: Sequence[Any], domain: Any) -> list[Any]:
    """log of a power series that starts with 1: k c_k = k s_k − Σ_{i<k} i c_i s_{k−i}."""
    result: list[Any] = [domain.zero]
    for k in range(1, len(series)):
        total = series[k] * domain(k)
        for i in range(k):
            total = total - result[i] * series[k - i] * domain(i)
        result.append(total * domain.convert_from(sp.QQ(1, k), sp.QQ))
    return result


def cumulant_from_moments(
    indices: tuple[int, ...], moment: Callable[[tuple[int, ...]], Any], multiply: Callable[[Any, Any], Any]
) -> Any:
    """κ(1, …, m) = Σ over set partitions π of (−1)^{|π|−1} (|π|−1)! Π_{B in π} E[Π_{i in B} φ_i], for series or numbers."""
    terms = []
    for partition in set_partitions(indices):
        term = moment(partition[0])
        for block in partition[1:]:
            term = multiply(term, moment(block))
        factor = prod(-j for j in range(1, len(partition)))
        terms.append([c * factor for c in term])
    return list(map(lambda *coefficients: sum(coefficients), *terms))


def set_partitions(items: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    """All partitions of `items` (with repetition allowed, positions are told apart) into blocks."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for partition in set_partitions(rest):
        yield [(first,), *partition]
        for i, block in enumerate(partition):
            yield [*partition[:i], (first, *block), *partition[i + 1 :]]


def evaluate(coefficients: Sequence[sp.Expr], t: Any) -> sp.Expr:
    """The truncated series Σ_k c_k t^{−k} at an exact t > 0 or a symbol; raises `BadInput` for any other number."""
    t = exact(t)
    if t.is_number and not (t.is_positive and t.is_finite):
        raise BadInput(f"an expansion in 1/t is evaluated at a finite t > 0; it was given t = {t}")
    return sp.Add(*(c / t**k for k, c in enumerate(coefficients)))

"""Gaussian moments by Wick's theorem (Isserlis), exactly.

For x ~ N(0, Σ): E[x_{i_1} … x_{i_{2k}}] = Σ over the (2k−1)!! pairings of Π Σ_{i_p i_q}; odd moments vanish.

Two roads to the same number: `moment` sums over explicit `pairings`; `Gaussian` integrates polynomials by the
recursion E[x_i x^β] = Σ_j Σ_ij β_j E[x^{β−e_j}] (integration by parts), memoised, over any exact ring.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp

Pairing = tuple[tuple[int, int], ...]


def pairings(items: Sequence[int]) -> Iterator[Pairing]:
    """All perfect matchings of `items`: (2k−1)!! of them for 2k items, none for an odd number."""
    if not items:
        yield ()
        return
    first, rest = items[0], items[1:]
    for i, partner in enumerate(rest):
        for tail in pairings((*rest[:i], *rest[i + 1 :])):
            yield ((first, partner), *tail)


def moment(indices: Sequence[int], covariance: sp.Matrix) -> sp.Expr:
    """E[Π_p x_{i_p}] for x ~ N(0, covariance), as the sum over pairings (Isserlis)."""
    slots = tuple(range(len(indices)))
    return sp.Add(*(sp.Mul(*(covariance[indices[p], indices[q]] for p, q in pi)) for pi in pairings(slots)))


class Gaussian:
    """The linear functional E over N(0, Σ) on polynomials: `Gaussian(covariance, zero, one).mean(polynomial)`.

    `covariance` is a square nested sequence of ring elements; polynomials are mappings {exponents: coefficient}
    (sympy's `PolyElement` is one).
    """

    def __init__(self, covariance: Sequence[Sequence[Any]], zero: Any, one: Any):
        self.covariance, self.zero = covariance, zero
        self._moments: dict[tuple[int, ...], Any] = {(0,) * len(covariance): one}

    def monomial(self, alpha: tuple[int, ...]) -> Any:
        """E[x^α]."""
        if sum(alpha) % 2:
            return self.zero
        known = self._moments.get(alpha)
        if known is None:
            i = next(k for k, power in enumerate(alpha) if power)
            beta = _lower(alpha, i)
            known = sum(
                (
                    self.covariance[i][j] * power * self.monomial(_lower(beta, j))
                    for j, power in enumerate(beta)
                    if power
                ),
                self.zero,
            )
            self._moments[alpha] = known
        return known

    def mean(self, polynomial: Any) -> Any:
        """E[p(x)]."""
        return sum((c * self.monomial(tuple(alpha)) for alpha, c in polynomial.items()), self.zero)


def _lower(alpha: tuple[int, ...], i: int) -> tuple[int, ...]:
    return (*alpha[:i], alpha[i] - 1, *alpha[i + 1 :])

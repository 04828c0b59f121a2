"""Integer polynomials in a fixed list of names: the few operations that the search makes again and again.

An ideal's generators matter only up to a non-zero rational factor, so they are kept *primitive*: integer coefficients
without a common divisor, the leading one positive. Arithmetic and factorisation are FLINT's (`fmpz_mpoly`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import Ordering, fmpz_mpoly_ctx

from theory.rlct.effort import MAX_TERMS as MOST
from theory.rlct.effort import TooLarge, sized, spend

Poly = Any  # flint.fmpz_mpoly
Exponents = tuple[int, ...]


MAX_TERMS, MAX_BITS = 2000, 2000  # beyond which a polynomial is not factored


@dataclass(frozen=True)
class Ring:
    """Z[names]; every chart of one resolution uses the same ring, a coordinate keeps the name of the one it replaces."""

    names: tuple[str, ...]

    @cached_property
    def context(self) -> Any:
        return fmpz_mpoly_ctx.get(self.names, Ordering.degrevlex)

    def gen(self, i: int) -> Poly:
        return self.context.gen(i)

    def one(self) -> Poly:
        return self.context.constant(1)

    def make(self, terms: Mapping[Exponents, Any]) -> Poly:
        return self.context.from_dict(dict(terms))

    def monomial(self, exponents: Sequence[int]) -> Poly:
        return self.context.from_dict({tuple(exponents): 1})


def terms(p: Poly) -> list[tuple[Exponents, int]]:
    return [(tuple(map(int, v)), int(c)) for v, c in p.terms()]


def monoms(p: Poly) -> list[Exponents]:
    return [tuple(map(int, v)) for v in p.monoms()]


def primitive(p: Poly) -> Poly:
    """The multiple of p with coprime integer coefficients and a positive leading one."""
    if p.is_zero():
        return p
    p = p.primitive()[1]
    return -p if p.leading_coefficient() < 0 else p


def content(exponents: Iterable[Exponents]) -> Exponents:
    """The exponents of the largest monomial that divides all of them."""
    return tuple(map(min, zip(*exponents, strict=True)))


def divide_monomial(ring: Ring, p: Poly, by: Exponents) -> Poly:
    if not any(by):
        return p
    return ring.make({tuple(a - b for a, b in zip(v, by, strict=True)): c for v, c in terms(p)})


def restrict(ring: Ring, p: Poly, zero: Sequence[int]) -> Poly:
    """p with the variables of the given indices set to 0."""
    kept = {v: c for v, c in p.terms() if not any(v[i] for i in zero)}
    return ring.make(kept)


def coefficients(ring: Ring, p: Poly, i: int) -> dict[int, Poly]:
    """p as a polynomial in variable i: degree → coefficient."""
    parts: dict[int, dict[Exponents, Any]] = {}
    for v, c in terms(p):
        parts.setdefault(v[i], {})[(*v[:i], 0, *v[i + 1 :])] = c
    return {k: ring.make(part) for k, part in parts.items()}


def substitute(ring: Ring, p: Poly, i: int, a: Poly, b: Poly) -> Poly:
    """a^d · p with x_i replaced by (x_i − b)/a, where d is the degree of p in x_i."""
    parts = coefficients(ring, p, i)
    d = max(parts, default=0)
    if not d:
        return p
    shifted, total, power = ring.gen(i) - b, ring.make({}), ring.one()
    for k in range(d + 1):
        spend()
        if k in parts:
            total = sized(total + times(parts[k], power) * a ** (d - k))
        power = times(power, shifted) if k < d else power
    return total


def times(p: Poly, q: Poly) -> Poly:
    """p·q; raises `TooLarge` where that is foreseen to be."""
    if len(p) * len(q) > 50 * MOST:
        raise TooLarge
    return sized(p * q)


def modulo(ring: Ring, p: Poly, i: int, relation: Poly, *, keep_sign: bool = False) -> Poly:
    """p, times a power of the leading coefficient of the relation in x_i (an even one to keep the sign), reduced modulo it.

    The result is kept primitive on the way, with its sign. Raises `TooLarge`.
    """
    parts = coefficients(ring, relation, i)
    degree = max(parts)
    top = parts[degree]
    while not p.is_zero() and int(p.degrees()[i]) >= degree:
        d = int(p.degrees()[i])
        lead = coefficients(ring, p, i)[d]
        p = top * p - lead * ring.gen(i) ** (d - degree) * relation
        if keep_sign:
            p = top * p
        spend()
        p = sized(p if p.is_zero() else p.primitive()[1])
    return p


def factors(p: Poly) -> list[tuple[Poly, int]]:
    """Irreducible factors and powers; p itself where it is too large to be factored in reasonable time."""
    if p.is_zero():
        return []
    if len(p) > MAX_TERMS or max(int(abs(c)).bit_length() for c in p.coeffs()) > MAX_BITS:
        return [(p, 1)]
    spend()
    try:
        return list(p.factor()[1])
    except OverflowError:  # the library sorts factors by machine integers
        return [(p, 1)]


def is_monomial(p: Poly) -> bool:
    return len(p) == 1


def used(p: Poly) -> list[int]:
    """The indices of the variables that occur in p."""
    return [i for i, d in enumerate(p.degrees()) if d > 0]


def text(p: Poly) -> str:
    """p in the notation of Python and sympy."""
    return str(p).replace("^", "**")

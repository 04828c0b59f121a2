"""The two bounds of a stratum, and a point in it.

The *value* of a stratum is the least pair (λ, −m) over its points; pairs are ordered by λ, and for equal λ a larger
multiplicity comes first: exactly the order of growth of ∫ e^{−tK}.

    lower_bound    by the monomial generators alone
    upper_bound    by all monomials of all generators, at a point that exists
    witness        such a point.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import prod
from typing import Any

from theory.rlct import linear
from theory.rlct.effort import attempt, spend
from theory.rlct.polynomials import Exponents, Poly, restrict, terms, used
from theory.rlct.stratum import FREE, SMALL, UNIT, Stratum
from theory.rlct.units import norm

Pair = tuple[Fraction, int]  # (λ, −m)
INFINITE: Pair = (Fraction(10**9), 0)  # a point where the function does not vanish, or no point at all
NOTHING: Pair = (Fraction(0), -(10**9))


def exponent_rows(s: Stratum, numbers: list[int], variables: list[int]) -> list[Exponents]:
    """factor + exponents of every term of the generators, on the given variables."""
    rows = {tuple(v[i] + s.factor[i] for i in variables) for j in numbers for v, _ in terms(s.generators[j])}
    return linear.minimal(list(rows))


def lower_bound(s: Stratum) -> Pair:
    """The monomial generators alone: a smaller ideal."""
    if s.empty:
        return INFINITE
    variables = s.where(SMALL, FREE)
    rows = exponent_rows(s, list(s.monomials), variables)
    return pair(rows, lower_costs(s, variables)) if rows else NOTHING


def lower_costs(s: Stratum, variables: list[int]) -> list[Any]:
    """h + 1; for a free coordinate (or a unit) min(1, h + 1), good both where it is 0 and where it is not."""
    costs = [s.jacobian[i] + 1 for i in variables]
    return [c if s.kind[i] == SMALL else min(Fraction(1), c) for i, c in zip(variables, costs, strict=True)]


def upper_bound(s: Stratum) -> Pair:
    """All monomials of all generators: a larger ideal; at the points where no free coordinate is 0, and where all are.

    The latter counts only if none of the polynomials recorded as non-zero forbids it.
    """
    if s.uncertain or s.empty:
        return INFINITE
    if not s.generators:
        return NOTHING
    choices = [kinds for kinds in ((SMALL,), (SMALL, FREE)) if witness(s, kinds) is not None]
    if not choices:
        return INFINITE
    bounds = []
    for kinds in choices:
        variables = s.where(*kinds)
        bounds.append(pair(exponent_rows(s, list(s.generators), variables), [s.jacobian[i] + 1 for i in variables]))
    return min(bounds)


def witness(s: Stratum, zero: tuple[str, ...]) -> dict[str, Fraction] | None:
    """Rational values of the unit and free coordinates at a point of the stratum, those of the kinds in `zero` being 0.

    Without `positive` polynomials a point outside a hypersurface is wanted, and there is one unless that is everything.
    """
    fixed = s.where(*zero)
    if FREE in zero and (not s.where(FREE) or s.shadowed & set(s.where(FREE))):
        return None
    conditions = [restrict(s.ring, q, fixed) for q in (*s.nonzero, *s.positive)]
    if any(q.is_zero() for q in conditions):
        return None
    there = s.copy()
    for i in fixed:
        there.kind[i] = SMALL
    if any((n := attempt(norm, there, q)) is None or n.is_zero() for q in conditions[: len(s.nonzero)]):
        return None
    loose = [i for i, kind in enumerate(s.kind) if kind in (UNIT, FREE) and kind not in zero and i not in s.roots]
    if not s.positive:
        return {}
    if any((s.shadowed | s.roots.keys()) & set(used(q)) for q in s.positive):
        return None
    nonzero = [q for q in conditions[: len(s.nonzero)] if not s.roots.keys() & set(used(q))]
    positive = conditions[len(s.nonzero) :]
    for values in samples(len(loose)):
        spend()
        point = dict(zip(loose, values, strict=True))
        if any(s.sign[i] and v < 0 for i, v in point.items()):
            continue
        if all(at(q, point) for q in nonzero) and all(at(q, point) > 0 for q in positive):
            return {s.ring.names[i]: v for i, v in point.items()}
    return None


def samples(n: int) -> Iterator[tuple[Fraction, ...]]:
    """Some points with non-zero coordinates, spread by a fixed pseudo-random pattern."""
    grid = [Fraction(a, b) for a, b in ((1, 1), (1, 2), (2, 1), (1, 5), (5, 1), (3, 4), (1, 17), (17, 1))]
    state = 12345
    for trial in range(1 + 200 * (n > 0)):
        values = []
        for _ in range(n):
            state = (1103515245 * state + 12345) % 2**31
            values.append(grid[(state >> 16) % 8] * (-1 if trial > 60 and (state >> 20) % 2 else 1))
        yield tuple(values)


def at(p: Poly, point: dict[int, Fraction]) -> Fraction:
    return Fraction(sum(c * prod(point[i] ** a for i, a in enumerate(v) if a) for v, c in terms(p)))


def pair(rows: list[Exponents], costs: list[Any]) -> Pair:
    found = linear.solve(rows, costs)
    return INFINITE if found is None else (found.value, -found.multiplicity)

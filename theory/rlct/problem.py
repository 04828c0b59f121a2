"""Read a problem: K or generators, a point, a prior and a domain become an ideal on the stratum {0}.

K ≥ 0 is brought to the form K ≍ max_j |g_j|^power near the point: a sum of squares with positive weights gives its roots
(power 2), visible or found by `theory.rlct.gram`; anything else is the only generator itself (power 1). Functions that are not
polynomials go through `theory.rlct.analytic`. Coordinates are measured from the point, and reflected where the domain
lies below it (x ≤ 1 at x = 1), so that a restricted coordinate is always ≥ 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import lcm
from typing import Any

import sympy as sp
from sympy.polys.constructor import construct_domain

from theory.errors import BadInput
from theory.jets import exact
from theory.minimum import point as read_point
from theory.rlct import analytic
from theory.rlct.domain import local, read_domain, read_prior
from theory.rlct.gram import sum_of_squares
from theory.rlct.polynomials import Poly, Ring, monoms, primitive
from theory.rlct.stratum import ABSENT, SMALL, UNIT, Stratum

SPARES = 4  # names kept for algebraic numbers
MAX_DEGREE = 400
MAX_TERMS = 20_000


@dataclass(frozen=True)
class Problem:
    """The stratum to resolve, and how its generators are related to what was asked."""

    variables: tuple[sp.Symbol, ...]
    point: dict[sp.Symbol, sp.Expr]
    orientation: dict[sp.Symbol, int]
    stratum: Stratum
    power: int
    relation: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    shown: str = "K"


def read(
    generators: Sequence[sp.Expr] | None,
    K: Any,
    variables: Sequence[sp.Symbol],
    at: Any,
    prior: Any,
    domain: Any,
    *,
    rearrange: bool = False,
) -> Problem:
    """The problem for K (or, when given, for Σ g_i² of the generators). Raises `BadInput`.

    `rearrange` puts the coordinates of the ring in another order (`arranged`), which decides between equally good steps.
    """
    variables = tuple(variables)
    if not variables or len(set(variables)) < len(variables):
        raise BadInput("the variables must be a non-empty list of different symbols")
    origin = read_point(variables, at)
    for v, value in origin.items():
        if not (value.is_algebraic and value.is_real):
            raise BadInput(
                f"the coordinate {v} = {value} is not a real algebraic number; move the point to the origin first"
            )
    signs, orientation = read_domain(domain, variables, origin)
    shift = {v: origin[v] + orientation[v] * v for v in variables}
    given = [exact(g) for g in generators] if generators is not None else [exact(K)]
    for g in given:
        unknown = g.free_symbols - set(variables)
        if unknown:
            raise BadInput(f"{g} holds the unknown symbol {min(unknown, key=str)}; list it among the variables")
    moved = [local(g, shift) for g in given]
    if generators is not None:
        roots, weights, power, span = moved, [sp.S.One] * len(moved), 2, moved
    else:
        roots, weights, power, span = squares(moved[0], variables)
    relation: dict[str, Any] = {
        "kind": "squares" if power == 2 else "itself",
        "weights": [str(w) for w in weights],
        "roots": [str(r) for r in roots],
    }
    polynomials, comparisons = analytic.polynomial_ideal(span, variables, power)
    if span is not roots:
        relation["span"] = [str(g) for g in span]
    if comparisons:
        relation["comparisons"] = comparisons
    asked, signs = variables, dict(zip(variables, signs, strict=True))
    variables = arranged(polynomials, variables) if rearrange else variables
    names = [v.name for v in variables]
    spares = [name for k in range(1, 99) if (name := f"root{k}") not in names][:SPARES]
    ring = Ring((*names, *spares))
    polys, number = integer_polynomials(ring, polynomials, variables)
    refuse_trivial(polys, given, origin, variables)
    restricted = [signs[v] for v in variables]
    if power == 1:
        refuse_negative(polynomials[0], variables, restricted, given[0])
    jacobian = read_prior(prior, variables, shift, restricted)
    n, none = len(variables), [0] * SPARES
    kind = [SMALL] * n + [ABSENT] * SPARES
    stratum = Stratum(
        ring,
        kind,
        [*jacobian, *none],
        [*restricted, *none],
        [0] * len(kind),
        {j: p for j, p in enumerate(polys) if p != 0},
    )
    numbers = {}
    if number:
        stratum.kind[n], stratum.roots[n] = UNIT, number[1]
        numbers[ring.names[n]] = str(number[0])
    return Problem(asked, origin, orientation, stratum, power, relation, numbers, _listed(given))


def arranged(polynomials: Sequence[sp.Expr], variables: Sequence[sp.Symbol]) -> tuple[sp.Symbol, ...]:
    """The variables in the order in which they occur together, those of low degree first."""
    polys = [sp.Poly(p, *variables) for p in polynomials]
    degree = [max((m[i] for p in polys for m in p.monoms()), default=0) for i in range(len(variables))]
    order: dict[sp.Symbol, None] = {}
    for p in sorted(polys, key=lambda p: p.total_degree()):
        for m in p.monoms():
            for i in sorted((i for i, a in enumerate(m) if a), key=lambda i: degree[i]):
                order.setdefault(variables[i])
    return (*order, *(v for v in variables if v not in order))


def squares(K: sp.Expr, variables: tuple[sp.Symbol, ...]) -> tuple[list[sp.Expr], list[sp.Expr], int, list[sp.Expr]]:
    """(roots, weights, 2, basis of their span) when K is known to be Σ w_i r_i² with w_i > 0, else ([K], [1], 1, [K])."""
    terms = sp.Add.make_args(K)
    found = [_square(t) for t in terms]
    if all(f is not None for f in found):
        return _weighted([f for f in found if f])
    if K.is_polynomial(*variables):
        factored = _square(sp.factor(K)) if len(terms) <= 400 else None
        if factored:
            return _weighted([factored])
        completed = complete(K, list(variables))
        if completed and len(completed) > 1:
            return _weighted(completed)
        proved = sum_of_squares(K, variables)
        if proved:
            return list(proved.roots), list(proved.weights), 2, list(proved.span)
    itself = [K]
    return itself, [sp.S.One], 1, itself


def _weighted(
    found: Sequence[tuple[sp.Expr, sp.Expr]],
) -> tuple[list[sp.Expr], list[sp.Expr], int, list[sp.Expr]]:
    roots = [r for _, r in found]
    return roots, [w for w, _ in found], 2, roots


def _square(term: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(w, r) with term = w r², w > 0 a number."""
    weight, roots = sp.S.One, []
    for factor in sp.Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        if factor.is_number:
            weight *= factor
        elif exponent.is_Integer and exponent > 0 and exponent % 2 == 0:
            roots.append(base ** (exponent / 2))
        else:
            return None
    return (weight, sp.Mul(*roots)) if weight.is_positive else None


def complete(K: sp.Expr, variables: list[sp.Symbol]) -> list[tuple[sp.Expr, sp.Expr]] | None:
    """K = Σ w r² by completing squares in variables with a positive constant leading coefficient; None when it gets stuck."""
    if K == 0:
        return []
    single = _square(sp.factor(K))
    if single:
        return [single]
    for x in variables:
        p = sp.Poly(K, x)
        a = p.coeff_monomial(x**2)
        if p.degree() == 2 and a.is_number and a.is_positive:
            b, c = p.coeff_monomial(x), p.coeff_monomial(1)
            rest = complete(sp.expand(c - b**2 / (4 * a)), variables)
            return None if rest is None else [(a, x + b / (2 * a)), *rest]
    return None


def integer_polynomials(
    ring: Ring, given: Sequence[sp.Expr], variables: Sequence[sp.Symbol]
) -> tuple[list[Poly], tuple[sp.Expr, Poly] | None]:
    """Primitive integer multiples of the polynomials; irrational algebraic coefficients are polynomials in one number.

    The second value is then that number and its minimal polynomial, in the first spare name.
    """
    polys = [sp.Poly(g, *variables) for g in given]
    for g, p in zip(given, polys, strict=True):
        if p.total_degree() > MAX_DEGREE or len(p.terms()) > MAX_TERMS:
            raise BadInput(
                f"{str(g)[:60]} has degree {p.total_degree()} and {len(p.terms())} terms; that is too large to resolve"
            )
    listed = [c for p in polys for _, c in p.terms()]
    irrational = next((c for c in listed if not (c.is_algebraic and c.is_real)), None)
    if irrational is not None:
        raise BadInput(f"the coefficient {irrational} is not a real algebraic number; only those are resolved")
    domain, elements = construct_domain(listed, extension=True)
    number = None
    spare = len(variables)
    if domain.is_Algebraic:
        relation = [sp.Rational(str(c)) for c in reversed(domain.mod.to_list())]
        scale = lcm(*(int(c.q) for c in relation))
        minimal = primitive(ring.make({_at(ring, spare, k): int(c * scale) for k, c in enumerate(relation) if c}))
        number = sp.sympify(domain.ext.as_expr()), minimal
    found, position = [], 0
    for p in polys:
        terms: dict[tuple[int, ...], sp.Rational] = {}
        for m, _ in p.terms():
            element = elements[position]
            position += 1
            coordinates = reversed(element.to_list()) if domain.is_Algebraic else [element]
            for k, c in enumerate(coordinates):
                if c:
                    key = (*m, k, *[0] * (len(ring.names) - len(m) - 1))
                    terms[key] = sp.Rational(str(c))
        scale = lcm(*(int(c.q) for c in terms.values()))
        found.append(primitive(ring.make({m: int(c * scale) for m, c in terms.items()})))
    return found, number


def _at(ring: Ring, i: int, k: int) -> tuple[int, ...]:
    return tuple(k if j == i else 0 for j in range(len(ring.names)))


def refuse_trivial(
    polys: Sequence[Poly], given: Sequence[sp.Expr], origin: Mapping, variables: Sequence[sp.Symbol]
) -> None:
    shown = "(" + ", ".join(f"{v} = {origin[v]}" for v in variables) + ")"
    if all(p.is_zero() for p in polys):
        raise BadInput(f"{_listed(given)} is identically 0: it has no threshold; give a K that is not")
    for p in polys:
        if any(not any(v[: len(variables)]) for v in monoms(p)):
            raise BadInput(f"{_listed(given)} does not vanish at {shown}; choose a zero of it with at=")


def refuse_negative(P: sp.Expr, variables: Sequence[sp.Symbol], signs: Sequence[int], K: sp.Expr) -> None:
    """Raise `BadInput` when K < 0 along some curve x_i = c_i s^{w_i} into the point, as the lowest order in s shows."""
    terms = sp.Poly(P, *variables).terms()
    for weights, c in curves(len(variables), signs):
        orders = [sum(w * a for w, a in zip(weights, v, strict=True)) for v, _ in terms]
        lowest = min(orders)
        lead = sum(
            coefficient * sp.Mul(*(b**a for b, a in zip(c, v, strict=True)))
            for (v, coefficient), order in zip(terms, orders, strict=True)
            if order == lowest
        )
        if lead < 0:
            s = sp.Symbol("s", positive=True)
            curve = ", ".join(f"{x} = {b * s**w}" for x, b, w in zip(variables, c, weights, strict=True))
            raise BadInput(
                f"{_listed([K])} takes negative values near the point, as on {curve} (measured from it) for small s > 0; "
                "a threshold needs K >= 0"
            )


def curves(n: int, signs: Sequence[int]) -> Iterator[tuple[list[int], list[sp.Rational]]]:
    """Weights and directions in a fixed pseudo-random pattern; restricted coordinates stay positive."""
    state = 2024
    sizes = [sp.Rational(a, b) for a, b in ((1, 1), (1, 2), (2, 1), (3, 1), (1, 3), (1, 8), (8, 1), (1, 1))]
    for trial in range(40 + 20 * n):
        weights, c = [], []
        for i in range(n):
            state = (1103515245 * state + 12345) % 2**31
            digit = state >> 12
            weights.append(1 if trial < 20 else (1, 2, 3, 4, 1, 6, 5, 2)[digit % 8])
            minus = (digit >> 3) % 2 and not signs[i]
            c.append(sizes[(digit >> 4) % 8] * (-1 if minus else 1))
        yield weights, c


def _listed(given: Sequence[sp.Expr]) -> str:
    text = str(given[0]) if len(given) == 1 else "the ideal of " + ", ".join(map(str, given))
    return text if len(text) < 200 else text[:200] + "…"

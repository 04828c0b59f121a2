"""Checking a proof that a polynomial does not vanish on a stratum.

The proof is about p0, p with the small coordinates set to 0; it names a rule and the rule's data:

    constant      p0 is a number
    monomial      p0 has one term, in units
    signs         all terms have one sign where the coordinates may be, and one of them holds units alone
    sturm         p0 is a polynomial in one quantity, without a real root where that quantity may be
    discriminant  p0 = A x² + B x + C with A of one sign and B² − 4 A C < 0: both are proved in turn
    listed        p0 is one of `nonzero` or `positive`, up to a number and powers of units
    norm          the resultants of p0 with relations give a polynomial that does not vanish, which is proved
    factors       p0 is a product of polynomials, each of which is proved

`sign_of` returns +1 or −1 where p0 has that sign on all of the stratum and 0 where it is only known not to vanish; it
refuses a proof that does not prove. Everything may be read modulo the relations, which hold on the stratum.

Source: S. Basu, R. Pollack, M.-F. Roy, Algorithms in Real Algebraic Geometry (2006), chapter 2 (Sturm, discriminants).
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from theory.certificate.polynomials import (
    Poly,
    coefficients,
    degree,
    limited,
    names_in,
    parse,
    power,
    primitive,
    product,
    roots_between,
    univariate,
    value_at,
)
from theory.certificate.refusal import Refused, require
from theory.certificate.state import FREE, UNIT, State, listed_form

MAX_DEPTH = 30


def sign_of(state: State, p: Poly, proof: Any, depth: int = 0) -> int:
    """The sign of p on the stratum, 0 when it is only known to have no zero there; refused without a valid proof."""
    require(depth < MAX_DEPTH, "a proof is nested too deeply")
    require(isinstance(proof, dict) and isinstance(proof.get("rule"), str), "a proof is not a table with a rule")
    require(proof["rule"] in RULES, f"unknown rule {proof['rule']!r:.40}")
    require(names_in(p) <= state.kind.keys(), "a polynomial holds a name that is not in use")
    raw = state.on(p)
    reduced = state.on(state.reduce(raw))
    reason = ""
    for p0 in [raw] if raw == reduced else [raw, reduced]:
        try:
            require(bool(p0), "the polynomial is 0 on the stratum")
            found = RULES[proof["rule"]](state, p0, proof, depth)
            require("sign" not in proof or proof["sign"] == found != 0, "the sign in a proof is not the one proved")
            return found
        except Refused as refusal:
            reason = str(refusal)
    raise Refused(f"no proof that {str(raw).replace('^', '**'):.80} has no zero: {reason}")


def _constant(state: State, p0: Poly, proof: Any, depth: int) -> int:
    require(p0.is_constant(), "it is not a number")
    return 1 if p0.leading_coefficient() > 0 else -1


def _monomial(state: State, p0: Poly, proof: Any, depth: int) -> int:
    require(len(p0) == 1 and all(state.kind[n] == UNIT for n in names_in(p0)), "it is not one term in units")
    return 0


def _signs(state: State, p0: Poly, proof: Any, depth: int) -> int:
    sign = one_sign(state, p0)
    require(sign != 0, "its terms do not have one sign")
    names = state.ring.names()
    units = [all(state.kind[names[i]] == UNIT for i, e in enumerate(v) if e) for v in p0.monoms()]
    require(any(units), "none of its terms holds units alone")
    return sign


def one_sign(state: State, p: Poly) -> int:
    """The sign (≥ 0 or ≤ 0) that all terms have where the coordinates may be; 0 when they have none in common."""
    loose = [i for i, n in enumerate(state.ring.names()) if n not in state.sign]
    if any(v[i] % 2 for v in p.monoms() for i in loose):
        return 0
    signs = {1 if c > 0 else -1 for c in p.coeffs()}
    return signs.pop() if len(signs) == 1 else 0


def _sturm(state: State, p0: Poly, proof: Any, depth: int) -> int:
    held = names_in(p0)
    require(len(held) == 1 and proof.get("variable") in held, "it does not depend on that one quantity alone")
    name = held.pop()
    q = univariate(p0, name, {})
    positive, zero = name in state.sign, state.kind[name] == FREE
    roots = roots_between(q, Fraction(0) if positive else None, None)
    at_zero = value_at(q, Fraction(0)) == 0
    if not positive and not zero:
        roots -= at_zero
    if positive and zero:
        roots += at_zero
    require(roots == 0, "it has a real root there")
    right = value_at(q, Fraction(1)) > 0
    left = right if positive else value_at(q, Fraction(-1)) > 0
    return 0 if left != right else 1 if right else -1


def _discriminant(state: State, p0: Poly, proof: Any, depth: int) -> int:
    name = proof.get("variable")
    require(isinstance(name, str) and name in state.of(UNIT, FREE), "the discriminant is not by a coordinate")
    require(degree(p0, name) == 2, "it is not of second degree")
    zero = state.ring.constant(0)
    c, b, a = (coefficients(p0, name).get(k, zero) for k in range(3))
    sign = sign_of(state, a, proof.get("leading"), depth + 1)
    require(sign != 0, "the leading coefficient is not proved to have one sign")
    discriminant = limited(product(b, b) - 4 * product(a, c))
    require(sign_of(state, discriminant, proof.get("discriminant"), depth + 1) < 0, "the discriminant is not negative")
    return sign


def _listed(state: State, p0: Poly, proof: Any, depth: int) -> int:
    q = listed_form(state, p0)
    listed = [*state.nonzero, *(listed_form(state, r) for r in state.positive)]
    require(q.is_constant() or any(q == r for r in listed), "it is not among the listed ones")
    return 0


def _norm(state: State, p0: Poly, proof: Any, depth: int) -> int:
    order = proof.get("roots", list(reversed(list(state.roots))))
    require(
        isinstance(order, list) and all(n in state.roots for n in order), "a norm is by other than dependent quantities"
    )
    claimed = parse(state.ring, proof.get("norm"))
    require(primitive(norm(state, p0, order)) == primitive(claimed), "the norm is not the one claimed")
    sign_of(state, claimed, proof.get("proof"), depth + 1)
    return 0


def norm(state: State, p: Poly, order: list[str] | None = None) -> Poly:
    """The resultants with the relations of the dependent quantities in p, one after the other: 0 where p is 0."""
    found = primitive(state.on(p))
    for name in reversed(list(state.roots)) if order is None else order:
        if name in names_in(found):
            relation = state.on(state.roots[name])
            require(degree(relation, name) * degree(found, name) <= 60, "a resultant is too large")
            require(len(relation) * len(found) <= 2_000, "a resultant is too large")
            found = primitive(limited(state.on(found.resultant(relation, name))))
    return found


def _factors(state: State, p0: Poly, proof: Any, depth: int) -> int:
    factors = proof.get("factors")
    require(isinstance(factors, list) and 0 < len(factors) <= 100, "the factors are not a list")
    whole = state.ring.constant(1)
    for entry in _triples(factors):
        q = parse(state.ring, entry[0])
        require(isinstance(entry[1], int) and 0 < entry[1] <= 1_000, "the power of a factor is not a number > 0")
        whole = product(whole, power(q, entry[1]))
        sign_of(state, q, entry[2], depth + 1)
    require(state.normal(state.on(whole)) == state.normal(p0), "the product of the factors is another polynomial")
    return 0


def _triples(entries: Iterable[Any]) -> Iterable[list[Any]]:
    for entry in entries:
        require(
            isinstance(entry, list | tuple) and len(entry) == 3, "a factor is not a polynomial, a power and a proof"
        )
        yield list(entry)


RULES = {
    "constant": _constant,
    "monomial": _monomial,
    "signs": _signs,
    "sturm": _sturm,
    "discriminant": _discriminant,
    "listed": _listed,
    "norm": _norm,
    "factors": _factors,
}

"""Proofs that a polynomial does not vanish on a stratum, as data that can be checked again.

On the stratum the small coordinates are 0, so only p0 = p|_{small = 0} counts, a polynomial in units and free coordinates.
A proof is a dictionary with one of these rules (`sign` is +1 or −1 where the rule proves p0 > 0 or p0 < 0):

    constant      p0 is a non-zero number
    signs         every term has the sign s wherever the coordinates are, and one of them involves units alone
    sturm         p0 depends on one coordinate and has no real root where that coordinate may be (count by Sturm's sequence)
    discriminant  p0 = A x² + B x + C with A of one sign and B² − 4AC < 0, both proved in turn
    listed        p0 is, up to a number, one of the polynomials recorded as non-zero on the stratum
    norm          the resultants of p0, one after the other, with the relations (on the stratum) of the dependent quantities
                  listed in `roots`, of those that occur, give `norm`, which is proved
    factors       p0 is a product of polynomials that are each proved (a unit coordinate needs no more: rule "monomial")
"""

import itertools
from collections.abc import Iterable
from typing import Any

from flint import fmpq_poly

from theory.rlct.effort import TooLarge, attempt, sized, spend
from theory.rlct.polynomials import Poly, coefficients, factors, monoms, primitive, terms, text, times, used
from theory.rlct.stratum import UNIT, Stratum

Proof = dict[str, Any]
RESULTANT_DEGREE, RESULTANT_SIZE = 48, 400  # products of the two degrees, of the two numbers of terms
STURM_DEGREE = 150


def nonvanishing(s: Stratum, p: Poly) -> Proof | None:
    """A proof that p has no zero on the stratum, or None when none was found."""
    spend()
    return attempt(_nonvanishing, s, p)


def _nonvanishing(s: Stratum, p: Poly) -> Proof | None:
    p0 = s.on(p)
    if p0.is_zero():
        return None
    found = definite(s, p0)
    if found:
        return found
    if _monomial_unit(s, p0):
        return {"rule": "monomial"}
    if _listed(s, p0):
        return {"rule": "listed"}
    p0 = s.on(s.reduced(p0))
    if p0.is_zero():
        return None
    found = factors(p0)
    if len(found) == 1 and found[0][1] == 1:
        return _norm(s, p0) if s.roots.keys() & set(used(p0)) else None
    proofs = []
    for q, power in found:
        proof = nonvanishing(s, q)
        if proof is None:
            return None
        proofs.append([text(q), int(power), proof])
    return {"rule": "factors", "factors": proofs}


def _norm(s: Stratum, p0: Poly) -> Proof | None:
    """Eliminate the algebraic numbers by resultants with their relations; p0 divides the result modulo the relations."""
    found = _eliminated(s, p0)
    proof = None if found.is_zero() or s.roots.keys() & set(used(found)) else nonvanishing(s, found)
    if proof is None:
        return None
    names = [s.ring.names[i] for i in reversed(s.roots)]
    return {"rule": "norm", "roots": names, "norm": text(found), "proof": proof}


def norm(s: Stratum, p: Poly) -> Poly:
    """The resultants of p on the stratum with the relations, one after the other: 0 where p is. Raises `TooLarge`."""
    p0 = s.on(p)
    return _eliminated(s, s.on(s.reduced(p0))) if s.roots else p0


def _eliminated(s: Stratum, p0: Poly) -> Poly:
    found = p0
    for i, relation in reversed(s.roots.items()):
        if found.is_zero() or not int(found.degrees()[i]):
            continue
        other = s.on(relation)
        degrees = int(found.degrees()[i]) * int(other.degrees()[i])
        if degrees > RESULTANT_DEGREE or len(found) * len(other) > RESULTANT_SIZE:
            raise TooLarge
        spend()
        found = primitive(sized(s.on(found.resultant(other, s.ring.names[i]))))
    return found


def _monomial_unit(s: Stratum, p0: Poly) -> bool:
    return len(p0) == 1 and all(s.kind[i] == UNIT for i in used(p0))


def _listed(s: Stratum, p0: Poly) -> bool:
    if not (s.nonzero or s.positive):
        return False
    wanted = primitive(p0)
    return any(wanted == primitive(q0) for q0 in (s.on(q) for q in (*s.nonzero, *s.positive)) if not q0.is_zero())


def definite(s: Stratum, p0: Poly) -> Proof | None:
    """A proof that p0, free of small coordinates, is everywhere positive or everywhere negative."""
    if p0.is_zero():
        return None
    if p0.is_constant():
        return {"rule": "constant", "sign": 1 if p0.leading_coefficient() > 0 else -1}
    sign = common_sign(s, p0)
    if sign and any(_strict(s, v) for v, _ in terms(p0)):
        return {"rule": "signs", "sign": sign}
    variables = used(p0)
    if len(variables) == 1:
        return _sturm(s, p0, variables[0])
    for i in variables:
        found = _discriminant(s, p0, i)
        if found:
            return found
    return None


def common_sign(s: Stratum, p: Poly) -> int:
    """+1 or −1 when every term of p has that sign (or is 0) on the domain; 0 when that is not clear."""
    signs = set()
    for v, c in terms(p):
        if any(a % 2 and not s.sign[i] for i, a in enumerate(v)):
            return 0
        signs.add(c > 0)
    return (1 if signs.pop() else -1) if len(signs) == 1 else 0


def _strict(s: Stratum, exponents: Iterable[int]) -> bool:
    return all(not a or s.kind[i] == UNIT for i, a in enumerate(exponents))


def _sturm(s: Stratum, p0: Poly, i: int) -> Proof | None:
    if int(p0.degrees()[i]) > STURM_DEGREE:
        return None
    spend()
    coeffs = [0] * (max(v[i] for v in monoms(p0)) + 1)
    for v, c in terms(p0):
        coeffs[v[i]] = int(c)
    p = fmpq_poly(coeffs)
    if s.kind[i] == UNIT:
        while p[0] == 0:  # the factor x is a unit
            p = fmpq_poly(list(p)[1:])
    roots = real_roots(p, nonnegative=bool(s.sign[i]))
    if roots:
        return None
    lowest = next(k for k, c in enumerate(coeffs) if c)
    proof: Proof = {"rule": "sturm", "variable": s.ring.names[i]}
    if s.sign[i] or lowest % 2 == 0:  # otherwise the sign is that of an odd power of a unit of either sign
        proof["sign"] = 1 if fmpq_poly(coeffs)(1) > 0 else -1
    return proof


def real_roots(p: fmpq_poly, *, nonnegative: bool = False) -> int:
    """The number of different real roots, or of those in [0, ∞), by Sturm's theorem."""
    if p.degree() <= 0:
        return 0
    p = p / p.gcd(p.derivative())
    zero = 1 if nonnegative and p[0] == 0 else 0
    if zero:
        p = fmpq_poly(list(p)[1:])
    sequence = [p, p.derivative()]
    while sequence[-1].degree() > 0:
        sequence.append(-(sequence[-2] % sequence[-1]))
    top = [q.leading_coefficient() for q in sequence if q != 0]
    bottom = (
        [q[0] for q in sequence]
        if nonnegative
        else [c * (-1) ** q.degree() for q, c in zip(sequence, top, strict=False)]
    )
    return zero + _variations(bottom) - _variations(top)


def _variations(values: Iterable[Any]) -> int:
    signs = [v > 0 for v in values if v != 0]
    return sum(a != b for a, b in itertools.pairwise(signs))


def _discriminant(s: Stratum, p0: Poly, i: int) -> Proof | None:
    spend()
    parts = coefficients(s.ring, p0, i)
    if set(parts) - {0, 1, 2} or 2 not in parts:
        return None
    zero = s.ring.make({})
    leading = definite(s, parts[2])
    if not leading or "sign" not in leading:
        return None
    middle = parts.get(1, zero)
    below = definite(s, times(middle, middle) - 4 * times(parts[2], parts.get(0, zero)))
    if not below or below.get("sign") != -1:
        return None
    name = s.ring.names[i]
    return {
        "rule": "discriminant",
        "variable": name,
        "sign": leading["sign"],
        "leading": leading,
        "discriminant": below,
    }

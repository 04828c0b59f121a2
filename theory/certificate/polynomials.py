"""Polynomials with integer coefficients in the names of a certificate, and the few operations a checker needs.

They are read from text in expanded form, `3*x**2*y - z + 1`, and from nothing else: no text is evaluated. Most equalities
that are checked hold up to a rational factor; `primitive` takes one polynomial from each such class.

    parse, parse_rational         from text
    degree, holds, coefficients   as a polynomial in one of the names
    affine, monomial_map          the two kinds of substitution: x → (x − b)/a, times a^degree; names → monomials
    remainder                     modulo a relation whose leading coefficient is a number
    roots_between                 the number of real roots on an interval, by Sturm's theorem

Every operation refuses an operand beyond the limits below, so no certificate can keep the checker busy for ever.
Source: J. von zur Gathen, J. Gerhard, Modern Computer Algebra (2013), chapters 4 and 6.
"""

import itertools
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import comb
from typing import Any

from flint import fmpq, fmpq_poly, fmpz_mpoly, fmpz_mpoly_ctx

from theory.certificate.refusal import Refused, require

Poly = fmpz_mpoly
Ring = fmpz_mpoly_ctx

MAX_TEXT = 1_000_000
MAX_TERMS = 20_000
MAX_DEGREE = 1_000_000
MAX_POWER = 1_000
MAX_DIGITS = 2_000
MAX_NAMES = 200

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,99}", re.ASCII)
_RATIONAL = re.compile(r"(-?[0-9]{1,2000})(?:/([0-9]{1,2000}))?", re.ASCII)
_TERM = re.compile(r"\s*([+-])?\s*([A-Za-z_0-9]+(?:\*\*[0-9]+)?(?:\*[A-Za-z_0-9]+(?:\*\*[0-9]+)?)*)\s*", re.ASCII)


def make_ring(names: Iterable[str]) -> Ring:
    """Z[names]."""
    names = tuple(names)
    require(0 < len(names) <= MAX_NAMES, f"between 1 and {MAX_NAMES} names are read")
    require(all(isinstance(n, str) and _NAME.fullmatch(n) for n in names), "a name is not an identifier")
    require(len(set(names)) == len(names), "a name is given twice")
    return fmpz_mpoly_ctx.get(names, "lex")


def parse_rational(value: Any) -> Fraction:
    """The rational number "a/b" or "a", or an integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        require(value.bit_length() < 4 * MAX_DIGITS, "a number is too long")
        return Fraction(value)
    if not isinstance(value, str):
        raise Refused(f"{value!r:.60} is not a rational number")
    match = _RATIONAL.fullmatch(value)
    bottom = int(match[2] or 1) if match else 0
    if match is None or bottom == 0:
        raise Refused(f"{value!r:.60} is not a rational number")
    return Fraction(int(match[1]), bottom)


def parse(ring: Ring, text: Any) -> Poly:
    """The polynomial written in expanded form."""
    require(isinstance(text, str) and 0 < len(text) <= MAX_TEXT, "a polynomial is not a text of reasonable length")
    position, places, found = 0, {name: i for i, name in enumerate(ring.names())}, {}
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or (position > 0 and match[1] is None):
            raise Refused(f"{text!r:.60} is not a polynomial")
        exponents, number = [0] * len(places), -1 if match[1] == "-" else 1
        for factor in match[2].replace("**", "^").split("*"):
            base, _, power = factor.partition("^")
            require(len(power) <= 5 and len(base) <= MAX_DIGITS, f"{text!r:.60} is not a polynomial of reasonable size")
            if base.isdigit():
                require(not power, f"{text!r:.60} is not in expanded form")
                number *= int(base)
            else:
                require(base in places, f"{text!r:.60} holds an unknown name")
                exponents[places[base]] += int(power or 1)
        key = tuple(exponents)
        found[key] = found.get(key, 0) + number
        position = match.end()
    return limited(ring.from_dict({k: c for k, c in found.items() if c}))


def limited(p: Poly) -> Poly:
    """p itself, refused when it is too large to go on with."""
    require(len(p) <= MAX_TERMS, f"a polynomial has more than {MAX_TERMS} terms")
    require(all(int(d) <= MAX_DEGREE for d in p.degrees()) if len(p) else True, "a degree is too high")
    return p


def product(p: Poly, q: Poly) -> Poly:
    """p·q within the limits."""
    require(len(p) * len(q) <= 100 * MAX_TERMS, "a product of polynomials is too large")
    return limited(p * q)


def power(p: Poly, k: int) -> Poly:
    """p^k within the limits."""
    require(0 <= k <= MAX_DEGREE, "an exponent is too high")
    small = len(p) < 2 or (k <= MAX_POWER and comb(min(len(p) - 1, 60) + k, k) <= 5 * MAX_TERMS)
    require(small, "a power of a polynomial is too large")
    return limited(p**k)


def primitive(p: Poly) -> Poly:
    """p up to a rational factor: content 1 and a positive leading coefficient."""
    return p if not p else positive_part(p) * (1 if p.leading_coefficient() > 0 else -1)


def positive_part(p: Poly) -> Poly:
    """p up to a positive rational factor: content 1."""
    return p if not p else p.primitive()[1] * (1 if p.primitive()[0] > 0 else -1)


def place(ring: Ring, name: str) -> int:
    """The place of a name in the exponents."""
    require(name in ring.names(), f"unknown name {name!r:.60}")
    return ring.names().index(name)


def names_in(p: Poly) -> set[str]:
    """The names that occur in p."""
    return {name for name, d in zip(p.context().names(), p.degrees(), strict=True) if int(d) > 0} if p else set()


def degree(p: Poly, name: str) -> int:
    """The degree of p ≠ 0 in a name (0 for p = 0)."""
    return int(p.degrees()[place(p.context(), name)]) if p else 0


def coefficients(p: Poly, name: str) -> dict[int, Poly]:
    """{k: c_k} with p = Σ c_k·name^k and c_k free of the name."""
    ring, i = p.context(), place(p.context(), name)
    parts: dict[int, dict[tuple[int, ...], Any]] = {}
    for exponents, c in p.to_dict().items():
        parts.setdefault(int(exponents[i]), {})[(*exponents[:i], 0, *exponents[i + 1 :])] = c
    return {k: ring.from_dict(terms) for k, terms in parts.items()}


def without(p: Poly, names: Iterable[str]) -> Poly:
    """p with these names set to 0."""
    ring = p.context()
    gone = [place(ring, name) for name in names]
    return ring.from_dict({e: c for e, c in p.to_dict().items() if not any(e[i] for i in gone)})


def affine(p: Poly, name: str, a: Poly, b: Poly, *, even: bool = False) -> Poly:
    """a^d·p with the name replaced by (name − b)/a; d is the degree of p in it, or the next even number."""
    parts, d = coefficients(p, name), degree(p, name)
    moved = generator(p.context(), name) - b
    found = p.context().constant(0)
    for k, c in parts.items():
        found += product(product(c, power(moved, k)), power(a, d - k + (d % 2 if even else 0)))
    return limited(found)


def monomial_map(p: Poly, images: Mapping[str, tuple[int, Mapping[str, int]]]) -> Poly:
    """p with each name replaced by sign·Π name^k, given as {name: (sign, {name: k})}."""
    ring = p.context()
    table = {place(ring, n): (s, {place(ring, m): k for m, k in to.items()}) for n, (s, to) in images.items()}
    found: dict[tuple[int, ...], Any] = {}
    for exponents, c in p.to_dict().items():
        image, sign = [0 if i in table else int(e) for i, e in enumerate(exponents)], 1
        for i, (s, to) in table.items():
            sign = -sign if s < 0 and exponents[i] % 2 else sign
            for j, k in to.items():
                image[j] += k * int(exponents[i])
        key = tuple(image)
        require(max(key) <= MAX_DEGREE, "a degree is too high")
        found[key] = found.get(key, 0) + sign * c
    return ring.from_dict({e: c for e, c in found.items() if c})


def generator(ring: Ring, name: str) -> Poly:
    """The name as a polynomial."""
    return ring.gen(place(ring, name))


def quotient(p: Poly, q: Poly) -> Poly:
    """p/q up to a positive rational factor; refused when q does not divide p."""
    require(bool(q), "a division by 0")
    whole, rest = divmod(p, positive_part(q))
    require(not rest, "a division is not exact")
    return whole


def remainder(p: Poly, relation: Poly, name: str) -> Poly:
    """p modulo the relation, as a polynomial in the name, up to a positive rational factor."""
    parts = coefficients(relation, name)
    d = max(parts)
    require(d > 0 and parts[d].is_constant(), "the leading coefficient of a relation is not a number")
    lead = parts[d].leading_coefficient()
    relation, lead = (relation, lead) if lead > 0 else (-relation, -lead)
    while p and degree(p, name) >= d:
        k = degree(p, name)
        p = limited(lead * p - product(coefficients(p, name)[k] * generator(p.context(), name) ** (k - d), relation))
    return positive_part(p)


def univariate(p: Poly, name: str, values: Mapping[str, Fraction]) -> fmpq_poly:
    """p as a polynomial in one name, with values for all others that occur."""
    ring, i = p.context(), place(p.context(), name)
    others = {place(ring, n): v for n, v in values.items() if n != name}
    found: dict[int, Fraction] = {}
    for exponents, c in p.to_dict().items():
        term = Fraction(int(c))
        for j, e in enumerate(exponents):
            if e and j != i:
                require(j in others, f"no value is given for {ring.names()[j]}")
                require(int(e) <= 500, "a degree is too high to evaluate")
                term *= others[j] ** int(e)
        found[int(exponents[i])] = found.get(int(exponents[i]), Fraction(0)) + term
    top = max(found, default=0)
    parts = [found.get(k, Fraction(0)) for k in range(top + 1)]
    return fmpq_poly([fmpq(c.numerator, c.denominator) for c in parts])


def value_at(p: fmpq_poly, x: Fraction) -> Fraction:
    """p(x)."""
    value = p(fmpq(x.numerator, x.denominator))
    return Fraction(int(value.p), int(value.q))


def roots_between(p: fmpq_poly, low: Fraction | None, high: Fraction | None) -> int:
    """The number of different real roots of p ≠ 0 in the open interval (low, high), None for no bound."""
    require(p.degree() >= 0 and p.degree() <= 500, "a polynomial of one variable is 0 or of too high a degree")
    if p.degree() == 0 or (low is not None and high is not None and low >= high):
        return 0
    p = p // p.gcd(p.derivative())
    chain = [p, p.derivative()]
    while chain[-1].degree() > 0:
        chain.append(-(chain[-2] % chain[-1]))
        if chain[-1].degree() < 0:
            raise Refused("Sturm's sequence of a polynomial with a double root")
    ends = (_signs(chain, low, below=True), _signs(chain, high, below=False))
    inside = _changes(ends[0]) - _changes(ends[1])
    return inside - (high is not None and value_at(p, high) == 0)


def _signs(chain: list[fmpq_poly], x: Fraction | None, *, below: bool) -> list[int]:
    values = [_at_infinity(q, below) if x is None else value_at(q, x) for q in chain]
    return [(v > 0) - (v < 0) for v in values]


def _at_infinity(q: fmpq_poly, below: bool) -> Fraction | fmpq:
    """A number with the sign of q far out."""
    lead = q.coeffs()[-1]
    return -lead if below and q.degree() % 2 else lead


def _changes(signs: list[int]) -> int:
    kept = [s for s in signs if s]
    return sum(s != t for s, t in itertools.pairwise(kept))

"""Simplify a stratum without blowing up: the ideal by its monomials and units, the coordinates by straightening.

After each of these the passes of `tidy` are repeated:

    subtract      one generator from another, times a monomial, where that leaves fewer terms
    recoordinate  a sum that occurs in factors of the generators, or often, becomes a coordinate (`coordinates`)
    eliminate     a coordinate from a generator, with another generator that is linear in it (only in `triangular`).

The first two lower (number of generators with several terms, number of terms), so they end. Neural-network ideals collapse
here: after a blow-up of one layer, matrix products turn into products of new coordinates.
"""

from collections import Counter
from itertools import product as pairs
from math import gcd

from theory.rlct.coordinates import MAX_TERMS, recoordinate
from theory.rlct.effort import spend
from theory.rlct.parity import square_units
from theory.rlct.polynomials import coefficients, terms, used
from theory.rlct.steps import Step, combine
from theory.rlct.stratum import Stratum
from theory.rlct.tidy import clean

MAX_ELIMINATIONS = 20


def simplify(s: Stratum) -> list[Step]:
    """Rewrite s in place and return the steps; a unit ideal ends with the single generator 1, and an empty stratum is left."""
    steps = clean(s)
    while s.polynomials and not s.empty:
        found = subtract(s) or square_units(s) or recoordinate(s)
        if not found:
            break
        steps += found
        steps += clean(s)
    return steps


def triangular(s: Stratum) -> list[Step]:
    """Eliminate coordinates from generators, then simplify, and so on; symmetries of the ideal may be lost."""
    steps: list[Step] = []
    for _ in range(MAX_ELIMINATIONS):
        found = eliminate(s) if len(s.polynomials) > 1 and not s.empty else []
        if not found:
            break
        steps += found
        steps += clean(s)
        steps += simplify(s)
    return steps


def subtract(s: Stratum) -> list[Step]:
    """The best g_i ← c g_i − q g_j with q a monomial: cancels more terms than it adds."""
    many = s.polynomials
    if sum(len(s.generators[j]) for j in many) > MAX_TERMS:
        return []
    listed = {j: terms(s.generators[j]) for j in many}
    occurring = {j: set(used(s.generators[j])) for j in many}
    best, found = 0, None
    for i in many:
        for j in many:
            spend()
            if i == j or len(listed[j]) > 2 * len(listed[i]) + 1 or not occurring[i] >= occurring[j]:
                continue
            votes: Counter = Counter()
            for (v, c), (w, d) in pairs(listed[i], listed[j]):
                quotient = tuple(a - b for a, b in zip(v, w, strict=True))
                if min(quotient) >= 0:
                    common = gcd(int(c), int(d))
                    c1, d1 = int(c) // common, int(d) // common
                    votes[quotient, c1 if d1 > 0 else -c1, abs(d1)] += 1
            for (quotient, c, d), count in votes.items():
                gain = 2 * count - len(listed[j])
                if gain > best:
                    best, found = gain, (i, j, quotient, c, d)
    if not found:
        return []
    i, j, quotient, c, d = found
    return [combine(s, i, d, c * s.ring.monomial(quotient), j)]


def eliminate(s: Stratum) -> list[Step]:
    """g_i ← c g_i − q g_j with a polynomial q, where that makes g_i depend on fewer coordinates."""
    ring, many = s.ring, s.polynomials
    best, found = 0, None
    for i in many:
        gi = s.generators[i]
        variables = set(used(gi))
        for j in many:
            gj = s.generators[j]
            if i == j or not variables >= set(used(gj)):
                continue
            for x in used(gj):
                if int(gi.degrees()[x]) != 1 or int(gj.degrees()[x]) != 1:
                    continue
                pi, pj = coefficients(ring, gi, x)[1], coefficients(ring, gj, x)[1]
                c, (scale, unit) = int(pj.content()), (pj.content(), pj.primitive()[1])
                spend()
                q, rest = divmod(pi, unit)
                if not rest.is_zero():
                    continue
                new = scale * gi - q * gj
                gain = len(variables) - len(used(new))
                if gain > best and len(new) <= 2 * len(gi) + 10:
                    best, found = gain, (i, c, q, j)
    if not found:
        return []
    i, c, q, j = found
    return [combine(s, i, c, q, j)]

"""Potentials that grow like |w| only: linear minorants in every orthant, and the tails that follow.

Idea
----
log cosh g, log(1 + e^g), √(1 + g²) grow linearly, and no polynomial minorant (`decay`) sees it. But each term of such a V lies
above a few *linear* functions,

    log Σ c_j e^{g_j} ≥ g_j + log c_j,      √(c g² + …) ≥ ±√c g,      e^g ≥ e^a (1 + g − a),      cosh g ≥ ½ e^a (1 ± g − a),
    g^n ≥ a^{n−1} (±n g − (n − 1) a) for even n and a > 0,

and so above each of their convex combinations. In each of the 2^d orthants σ about a centre s₀ linear programming looks for the
combination that grows fastest; whatever weights it finds, rounded to rationals,

    V ≥ A·(s − s₀) + B,     σ_k A_k ≥ c > 0 for every k,     so that     V ≥ c Σ_k |s_k − s₀_k| + B,

is then a statement about balls. Outside the box |s_k − s₀_k| ≤ R the integral of u^α e^{−c Σ u} is a product of factorials and of
one incomplete gamma function.

Variables on bounded intervals are absorbed by the infima of `intervals`; half lines are not taken. Notation: s the unbounded
variables, u_k = |s_k − s₀_k|.
Reading order: `growth`, `Cone`, `_pieces`.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import chain, product
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize
import sympy as sp
from flint import arb, fmpq, fmpq_mpoly

from numerics.analytic import exponent_and_amplitude, terms_apart
from numerics.gauss.intervals import Enclosure, is_nonnegative, split
from numerics.precision import ball
from numerics.trapezoid import steering

WEIGHT_BITS = 20
TANGENTS = (0, 1, 3, 9)  # where lines touch what grows faster than any line


class Piece(NamedTuple):
    """A linear function a·s + b below a term; b a lower bound."""

    a: tuple[arb, ...]
    b: arb

    def times(self, scale: arb) -> "Piece":
        """Below the multiple by scale > 0."""
        return Piece(tuple(scale * x for x in self.a), scale * self.b)


class Cone(NamedTuple):
    """V − level ≥ c Σ_k u_k − b everywhere; `enclosing`: |s_k| ≤ enclosing_k holds the box u_k ≤ `radius`."""

    centre: tuple[fmpq, ...]
    c: arb
    b: arb
    radius: fmpq
    enclosing: np.ndarray

    def bound(self, majorant: fmpq_mpoly, _: Sequence[float]) -> arb:
        """A bound of ∫ |f| e^{−(V − level)} outside the box, |f| ≤ g(|s_1|, …), the coefficients of g ≥ 0:

        Σ_k ∫_{u_k > R} g(|s₀| + u) e^{b − c Σ u}, where ∫ over s_j of u_j^n e^{−c u_j} is 2 n!/c^{n+1}.
        """
        ring = majorant.context()
        shifted = majorant.compose(*(x + abs(s) for x, s in zip(ring.gens(), self.centre, strict=True)), ctx=ring)
        total = arb(0)
        for alpha, coefficient in shifted.to_dict().items():
            whole = math.prod((2 * arb(n).fac() / self.c ** (n + 1) for n in alpha), start=arb(coefficient))
            total += whole * sum(map(self._beyond, alpha), arb(0))
        return (total * self.b.exp()).upper()

    def _beyond(self, n: int) -> arb:
        """The share of u^n e^{−cu} beyond the radius: e^{−x} Σ_{i≤n} x^i/i!, x = cR."""
        x = self.c * arb(self.radius)
        return (-x).exp() * sum((x**i / arb(i).fac() for i in range(n + 1)), arb(0))


def growth(potential: Any, enclosure: Enclosure, level: fmpq, centre: Sequence[float], m: float) -> Cone | None:
    """V − level ≥ c Σ |s_k − s₀_k| − b, proved, with a box beyond which e^{−m} or so is left; None where no such c is found.

    centre: s₀ (steering).
    """
    if not enclosure.domain.lines:
        return None
    start = tuple(steering.dyadic(float(s), 24) for s in centre)
    terms = [list(_pieces(coefficient, part, enclosure)) for coefficient, part in split(potential)]
    slopes, bottoms = [], []
    for signs in product((1, -1), repeat=enclosure.count):
        weights = _weights(terms, signs)
        if weights is None:
            return None
        chosen = [(arb(w), piece) for w, piece in zip(weights, chain(*terms), strict=True)]
        slope = [sum((w * piece.a[k] for w, piece in chosen), arb(0)) for k in range(enclosure.count)]
        slopes += [(sign * a).lower() for sign, a in zip(signs, slope, strict=True)]
        there = sum((a * arb(s) for a, s in zip(slope, start, strict=True)), arb(0))
        bottoms.append((there + sum((w * piece.b for w, piece in chosen), arb(0))).lower())
    c, b = min(slopes), arb(level) - min(bottoms)
    if not c > 0:
        return None
    radius = steering.dyadic((m + max(0.0, float(b)) + 10) / float(c), 24)
    return Cone(start, c, b, radius, np.array([float(abs(arb(s)) + arb(radius)) * (1 + 1e-12) for s in start]))


def _weights(terms: list[list[Piece]], signs: Sequence[int]) -> list[fmpq] | None:
    """For the pieces of each term weights ≥ 0 with the sum 1 that make the least σ_k A_k large; rational."""
    if not all(terms):
        return None
    counts = [len(term) for term in terms]
    rises = np.array([[float(x) for x in piece.a] for piece in chain(*terms)]).T * np.array(signs)[:, None]
    sums = np.zeros((len(terms), sum(counts) + 1))
    for row, (end, count) in enumerate(zip(np.cumsum(counts), counts, strict=True)):
        sums[row, end - count : end] = 1
    least = np.hstack([-rises, np.ones((len(signs), 1))])  # c − σ_k A_k ≤ 0
    bounds = [(0.0, 1.0)] * sum(counts) + [(None, None)]
    costs = [0.0] * sum(counts) + [-1.0]
    found = scipy.optimize.linprog(costs, least, np.zeros(len(signs)), sums, np.ones(len(terms)), bounds)
    if found.x is None or not found.x[-1] > 0:
        return None
    result, values = [], iter(found.x)
    for count in counts:
        raw = [fmpq(round(max(0.0, next(values)) * 2**WEIGHT_BITS)) for _ in range(count)]
        result += [w / sum(raw, fmpq(0)) for w in raw]
    return result


def _pieces(coefficient: Any, part: Any, enclosure: Enclosure) -> Iterator[Piece]:
    """Linear functions below coefficient · part."""
    linear = _affine(coefficient * part, enclosure)
    if linear is not None:
        yield linear
        return
    if coefficient > 0:
        scale = ball(coefficient)
        for piece in _rising(part, enclosure):
            yield piece.times(scale)
    low = enclosure.infimum(coefficient * part)
    if low is not None:
        yield Piece((arb(0),) * enclosure.count, arb(low))


def _rising(part: Any, enclosure: Enclosure) -> Iterator[Piece]:
    """The linear minorants of what grows, by the table of the module."""
    if isinstance(part, sp.log):
        terms = terms_apart(part.args[0])
        if all(map(is_nonnegative, terms)):
            for exponent, c in map(exponent_and_amplitude, terms):
                if c.is_number and c > 0:
                    yield from _above(-exponent, enclosure, arb(1), ball(c).log())
    elif isinstance(part, sp.exp):
        for at in TANGENTS:
            yield from _above(part.args[0], enclosure, arb(at).exp(), (1 - at) * arb(at).exp())
    elif isinstance(part, sp.cosh):
        for at in TANGENTS:
            yield from _both(part.args[0], enclosure, arb(at).exp() / 2, (1 - at) * arb(at).exp() / 2)
    elif isinstance(part, sp.Pow) and part.exp == sp.S.Half:
        squares = list(split(part.base))
        if all(c > 0 and is_nonnegative(g) for c, g in squares):
            for c, g in squares:
                if isinstance(g, sp.Pow) and g.exp == 2:
                    yield from _both(g.base, enclosure, ball(sp.sqrt(c)), arb(0))
    elif isinstance(part, sp.Pow) and part.exp.is_Integer and part.exp > 0 and part.exp % 2 == 0:
        n = int(part.exp)
        for at in TANGENTS[1:]:
            yield from _both(part.base, enclosure, n * arb(at) ** (n - 1), (1 - n) * arb(at) ** n)


def _both(g: Any, enclosure: Enclosure, scale: arb, shift: arb) -> Iterator[Piece]:
    """scale · |g| + shift lies above scale · (±g) + shift."""
    yield from _above(g, enclosure, scale, shift)
    yield from _above(-g, enclosure, scale, shift)


def _above(g: Any, enclosure: Enclosure, scale: arb, shift: arb) -> Iterator[Piece]:
    """scale · g + shift for scale > 0, where g is linear."""
    found = _affine(g, enclosure)
    if found is not None:
        scaled = found.times(scale)
        yield Piece(scaled.a, scaled.b + shift)


def _affine(g: Any, enclosure: Enclosure) -> Piece | None:
    """g as a·s + (a function of the bounded variables), the latter by a lower bound; None where it is something else."""
    names = [enclosure.domain.variables[i] for i in enclosure.unbounded]
    if not g.is_polynomial(*names):
        return None
    poly = sp.Poly(g, *names)
    slopes = [poly.coeff_monomial(v) for v in names]
    if poly.total_degree() > 1 or any(a.free_symbols for a in slopes):
        return None
    low = enclosure.infimum(poly.coeff_monomial(1))
    return None if low is None else Piece(tuple(map(ball, slopes)), arb(low))

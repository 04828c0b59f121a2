"""K as a sum of squares, found and proved exactly: K = zᵀ G z with monomials z and a rational matrix G ≥ 0.

The squares are worth more than K itself: K = Σ w_j r_j² with w_j > 0 is comparable with max_j r_j², and the ideal of the r_j is
resolved where the single function K would not be. Every G of the largest rank gives the same ideal: then every r that occurs in
some such sum lies in the span of the r_j.

    monomials   that may occur in an r: n leaves when 2n is neither a term of K nor a product of two other ones
    centre      G + t·1 > 0 with t as small as it gets, by Newton's method for τ t − log det(G + t·1) with growing τ: G ends in the
                middle of all that are possible
    faces       the kernel of G, rounded to simple rationals, leaves K = (B z)ᵀ G' (B z)
    matrices    G' from the linear equations over Q, what they leave free rounded from the centre
    factored    G' = L D Lᵀ with D ≥ 0: the proof

Balls and rounding only suggest. What is returned is an identity of rational polynomials, proved again by `theory.certificate`.
Where no G is found nothing is said of K, for there are K ≥ 0 that are no sum of squares.

Source: P. Parrilo, Semidefinite programming relaxations for semialgebraic problems (2003); H. Peyrl, P. Parrilo, Computing sum of
squares decompositions with rational coefficients (2008); J. Löfberg, Pre- and post-processing sum-of-squares programs (2009).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations_with_replacement, product
from math import prod
from typing import NamedTuple

import sympy as sp
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from theory.rlct.effort import OutOfTime, spend, until, within
from theory.rlct.polynomials import Exponents

Terms = Mapping[Exponents, Fraction]
Matrix = list[list[Fraction]]
Places = list[tuple[Exponents, list[tuple[int, int]]]]

MAX_BOX, MAX_CANDIDATES, MAX_MONOMIALS, MAX_FREE = 100_000, 1_000, 24, 60
SECONDS = 15
BITS = 128  # of the balls
GROWTH, LAST = 10, 10**14  # τ, and where it ends
GAP = 100  # between two pivots of G, for the smaller one to be rounded to 0
SIMPLE = 60  # largest denominator of a number in the kernel
DENOMINATORS = (1, 2, 12, 60, 2**10, 2**20, 2**40)  # to which free entries are rounded in turn


class Squares(NamedTuple):
    """K = Σ w_j r_j² with w_j > 0; `span` is the simplest basis of the span of the r_j over Q."""

    weights: tuple[sp.Expr, ...]
    roots: tuple[sp.Expr, ...]
    span: tuple[sp.Expr, ...]


def sum_of_squares(K: sp.Expr, variables: tuple[sp.Symbol, ...]) -> Squares | None:
    """The squares of polynomials over Q whose sum is K; None where none are found, in a few seconds or the present scope."""
    try:
        with until(within(SECONDS * 10**9)), ctx.workprec(BITS):
            return _proved(K, variables)
    except (OutOfTime, ZeroDivisionError):  # FLINT's word for a matrix that its balls do not tell from a singular one
        return None


@lru_cache(maxsize=64)
def _proved(K: sp.Expr, variables: tuple[sp.Symbol, ...]) -> Squares | None:
    spend()
    terms = sp.Poly(K, *variables).terms()
    if not all(c.is_Rational for _, c in terms):
        return None
    found = _decompose({tuple(map(int, v)): Fraction(int(c.p), int(c.q)) for v, c in terms})
    if found is None:
        return None
    weights, z, rows = found
    reduced = fmpq_mat([[_fmpq(c) for c in row] for row in rows]).rref()[0].tolist()
    simplest = [[Fraction(int(c.p), int(c.q)) for c in row] for row in reduced]
    roots, span = (tuple(_polynomial(z, row, variables) for row in matrix) for matrix in (rows, simplest))
    return Squares(tuple(map(_rational, weights)), roots, span)


def _decompose(K: Terms) -> tuple[list[Fraction], list[Exponents], Matrix] | None:
    """Weights, monomials, and the coefficients of the roots in them."""
    z = monomials(K)
    if z is None:
        return None
    places = _places(z)
    if not K.keys() <= dict(places).keys() or sum(len(pairs) - 1 for _, pairs in places) > MAX_FREE:
        return None
    G = centre(K, len(z), places)
    for basis, near in faces(G, len(z)) if G else ():
        for exact in matrices(K, z, basis, near):
            spend()
            pivots = factored(exact)
            if pivots:
                return [d for d, _ in pivots], z, [_combined(row, basis) for _, row in pivots]
    return None


def monomials(K: Terms) -> list[Exponents] | None:
    """All that may occur in a square of a sum for K, of low degree first; None where they are too many."""
    axes = list(zip(*K, strict=True))
    ranges = [range(-(-min(a) // 2), max(a) // 2 + 1) for a in axes]
    if prod(map(len, ranges)) > MAX_BOX:
        return None
    degrees = [sum(v) for v in K]
    z = {n for n in product(*ranges) if min(degrees) <= 2 * sum(n) <= max(degrees)}
    while len(z) <= MAX_CANDIDATES:
        spend()
        sums = {_sum(a, b) for a in z for b in z if a < b}
        kept = {n for n in z if (double := _sum(n, n)) in K or double in sums}
        if len(kept) == len(z):
            return sorted(z, key=lambda n: (sum(n), n)) if len(z) <= MAX_MONOMIALS else None
        z = kept
    return None


def _sum(a: Exponents, b: Exponents) -> Exponents:
    return tuple(i + j for i, j in zip(a, b, strict=True))


def _places(z: Sequence[Exponents]) -> Places:
    """Every product of two monomials, and the entries of G that are its coefficients (off the diagonal they count twice)."""
    found: dict[Exponents, list[tuple[int, int]]] = defaultdict(list)
    for i, j in combinations_with_replacement(range(len(z)), 2):
        found[_sum(z[i], z[j])].append((i, j))
    return list(found.items())


def centre(K: Terms, n: int, places: Places) -> Matrix | None:
    """A matrix near the middle of all G ≥ 0 with zᵀ G z = K; None where it seems that there are none."""
    start, directions = [[Fraction(0)] * n for _ in range(n)], []
    for v, pairs in places:
        times = [1 if i == j else 2 for i, j in pairs]
        for i, j in pairs:
            start[i][j] = start[j][i] = K.get(v, Fraction(0)) / sum(times)
        for (i, j), count in zip(pairs[1:], times[1:], strict=True):
            (a, b), D = pairs[0], arb_mat(n, n)
            D[i, j] = D[j, i] = 1
            D[a, b] = D[b, a] = -arb(count) / times[0]
            directions.append(D)
    G = arb_mat([[arb(fmpq(c.numerator, c.denominator)) for c in row] for row in start])
    one = arb_mat([[int(i == j) for j in range(n)] for i in range(n)])
    t = arb(1 + max(sum(map(abs, row)) for row in start).__ceil__())
    tau = GROWTH
    while directions:
        spend()
        inverse = (G + t * one).inv()
        moved = [(inverse * D).mid() for D in (one, *directions)]
        slope = arb_mat([[tau * (k == 0) - W.trace()] for k, W in enumerate(moved)])
        hessian = arb_mat([W.entries() for W in moved]) * arb_mat([W.transpose().entries() for W in moved]).transpose()
        step = hessian.mid().solve(-slope.mid()).mid().entries()
        decrement = sum((-a * b for a, b in zip(slope.entries(), step, strict=True)), arb(0)).mid().sqrt()
        length = 1 if decrement < arb(1) / 4 else 1 / (1 + decrement)
        t = (t + length * step[0]).mid()
        for D, s in zip(directions, step[1:], strict=True):
            G += length * s * D
        G = G.mid()
        if decrement < arb(1) / 2:
            if t < 0 or tau >= LAST:
                break
            if t * tau > 2 * n:
                return None
            tau *= GROWTH
    return [[_fraction(c) for c in row] for row in G.tolist()]


def faces(G: Matrix, n: int) -> Iterator[tuple[Matrix, Matrix]]:
    """(B, G') with G near Bᵀ G' B: rows of B in echelon form, as many as G has pivots before a gap; the widest gap first."""
    order, pivots = _pivots(G)
    gaps = [(pivots[r - 1] / pivots[r] if pivots[r] > 0 else LAST, r) for r in range(1, n) if pivots[r - 1] > 0]
    ranks = [r for ratio, r in sorted(gaps, reverse=True) if ratio >= GAP]
    everything = [n] if pivots[-1] > 0 else []
    for rank in [*everything, *ranks] if not ranks or pivots[-1] * GAP > pivots[0] else [*ranks, *everything]:
        chosen, others = order[:rank], order[rank:]
        basis = [[Fraction(i == k) for k in range(n)] for i in chosen]
        if others:
            block = arb_mat([[_ball(G[i][j]) for j in chosen] for i in chosen])
            solved = block.solve(arb_mat([[_ball(G[i][j]) for j in others] for i in chosen])).mid().tolist()
            for row, values in zip(basis, solved, strict=True):
                for j, c in zip(others, values, strict=True):
                    row[j] = _fraction(c).limit_denominator(SIMPLE)
        yield basis, [[G[i][j] for j in chosen] for i in chosen]


def _pivots(G: Matrix) -> tuple[list[int], list[Fraction]]:
    """Elimination with the largest diagonal entry as pivot: the order of the rows, and the pivots."""
    rest = [[_ball(c) for c in row] for row in G]
    left, order, pivots = list(range(len(G))), [], []
    while left:
        k = max(left, key=lambda i: _fraction(rest[i][i]))
        left.remove(k)
        order.append(k)
        pivots.append(_fraction(rest[k][k]))
        if pivots[-1] > 0:
            for i in left:
                ratio = rest[i][k] / rest[k][k]
                for j in left:
                    rest[i][j] = (rest[i][j] - ratio * rest[k][j]).mid()
    return order, pivots


def matrices(K: Terms, z: Sequence[Exponents], basis: Matrix, near: Matrix) -> Iterator[Matrix]:
    """Rational G' with (B z)ᵀ G' (B z) = K, nearer and nearer to `near`; none when there is no such matrix."""
    pairs = list(combinations_with_replacement(range(len(basis)), 2))
    columns = [_product(z, basis[i], basis[j], 1 if i == j else 2) for i, j in pairs]
    rows = sorted({v for column in columns for v in column} | K.keys())
    listed = [*columns, K]
    system = fmpq_mat([[_fmpq(column.get(v, Fraction(0))) for column in listed] for v in rows])
    reduced, rank = system.rref()
    equations = [[Fraction(int(c.p), int(c.q)) for c in row] for row in reduced.tolist()[:rank]]
    bound = {next(k for k, c in enumerate(row) if c): row for row in equations}
    if len(pairs) in bound:
        return
    free = [k for k in range(len(pairs)) if k not in bound]
    for denominator in DENOMINATORS if free else DENOMINATORS[:1]:
        values = {k: Fraction(round(near[pairs[k][0]][pairs[k][1]] * denominator), denominator) for k in free}
        solved = {k: row[-1] - sum((row[f] * values[f] for f in free), Fraction(0)) for k, row in bound.items()}
        entry = {pair: {**values, **solved}[k] for k, pair in enumerate(pairs)}
        yield [[entry[min(i, j), max(i, j)] for j in range(len(basis))] for i in range(len(basis))]


def _product(z: Sequence[Exponents], a: list[Fraction], b: list[Fraction], count: int) -> dict[Exponents, Fraction]:
    found: dict[Exponents, Fraction] = defaultdict(Fraction)
    for (m, c), (n, d) in product(zip(z, a, strict=True), zip(z, b, strict=True)):
        if c and d:
            found[_sum(m, n)] += count * c * d
    return found


def factored(G: Matrix) -> list[tuple[Fraction, list[Fraction]]] | None:
    """(d, row) with G = Σ d rowᵀ row and d > 0, by completing squares; None when G ≥ 0 is not so."""
    rest, found = [row[:] for row in G], []
    for k in range(len(G)):
        d = rest[k][k]
        if d < 0 or (d == 0 and any(rest[k])):
            return None
        if d:
            row = [c / d for c in rest[k]]
            found.append((d, row))
            rest = [[c - d * a * b for c, b in zip(old, row, strict=True)] for old, a in zip(rest, row, strict=True)]
    return found


def _combined(row: list[Fraction], basis: Matrix) -> list[Fraction]:
    return [sum((c * b[k] for c, b in zip(row, basis, strict=True)), Fraction(0)) for k in range(len(basis[0]))]


def _polynomial(z: Sequence[Exponents], row: Sequence[Fraction], variables: Sequence[sp.Symbol]) -> sp.Expr:
    return sp.Add(
        *(
            _rational(c) * sp.Mul(*(x**k for x, k in zip(variables, n, strict=True)))
            for n, c in zip(z, row, strict=True)
        )
    )


def _rational(c: Fraction) -> sp.Expr:
    return sp.Rational(c.numerator, c.denominator)


def _fmpq(c: Fraction) -> fmpq:
    return fmpq(c.numerator, c.denominator)


def _ball(c: Fraction) -> arb:
    return arb(_fmpq(c))


def _fraction(ball: arb) -> Fraction:
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)

"""The steps of the splitting lemma, on polynomials truncated at a total degree.

Elements of a sympy `PolyRing` whose first generators are u (or x), the rest y; coefficients in one exact field. The numbering is
that of `theory.splitting`.

Reading order: `Jet`, `compose`, `diagonal_form` (1), `ridge` (2), `quadratic_form` (3), `square_root` (4), `inverse` (5).
"""

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyRing

from theory.errors import BadInput
from theory.jets import jets

Poly = Any  # a sympy PolyElement
Matrix = list[list[Any]]


class Jet:
    """The Taylor polynomial of K at a point, as a table of monomials over one exact field."""

    def __init__(self, K: sp.Expr, variables: tuple[sp.Symbol, ...], at: tuple[sp.Expr, ...], order: int):
        made = jets([K], variables, dict(zip(variables, at, strict=True)), [order])
        self.domain, self.size, self.order = made.domain, len(variables), order
        self.parts = made.parts[0]

    @property
    def constants(self) -> list[sp.Expr]:
        return [self.domain.to_sympy(c) for part in self.parts for c in part.values()]

    def part(self, k: int) -> Poly:
        return self.parts[k]

    def hessian(self) -> Matrix:
        quadratic, gens = self.parts[2], self.parts[2].ring.gens
        return [[quadratic.diff(a).diff(b).coeff(1) for b in gens] for a in gens]

    def compose(self, inner: Sequence[Poly], ring: Any, order: int) -> Poly:
        total = ring.zero
        for part in self.parts:
            total += substitute(part, inner, ring, order, lambda c: ring.domain.convert_from(c, self.domain))
        return total


def substitute(p: Poly, inner: Sequence[Poly], ring: Any, order: int, convert: Any) -> Poly:
    """p(inner), truncated; powers are shared."""
    powers: list[list[Poly]] = [[ring.one] for _ in inner]
    total = ring.zero
    for monomial, c in p.terms():
        product = ring(convert(c))
        for table, g, n in zip(powers, inner, monomial, strict=True):
            while len(table) <= n:
                table.append(cut(table[-1] * g, order))
            product = cut(product * table[n], order)
        total += product
    return total


def compose(p: Poly, inner: Sequence[Poly], ring: Any, order: int) -> Poly:
    return substitute(p, inner, ring, order, lambda c: c)


def cut(p: Poly, degree: int) -> Poly:
    """The terms of total degree ≤ degree."""
    return p.ring.from_dict({m: c for m, c in p.items() if sum(m) <= degree})


def dot(row: Sequence[Any], columns: Sequence[Poly], ring: Any) -> Poly:
    return sum((c * column for c, column in zip(row, columns, strict=True) if c), ring.zero)


def ring_over(symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr]) -> Any:
    """A polynomial ring in `symbols` that holds these expressions."""
    constants = [c for e in expressions for c in sp.Poly(sp.expand(e), *symbols).coeffs()]
    domain, _ = sp.construct_domain([*constants, sp.S.One], field=True, extension=True)
    return PolyRing(list(symbols), domain)


def diagonal_form(H: Matrix, domain: Any) -> tuple[Matrix, list[Any]]:
    """(A, diag) with AᵀHA = diag, the zeros last: symmetric elimination (Lagrange)."""
    d = len(H)
    H = [list(row) for row in H]
    A = [[domain.one if i == j else domain.zero for j in range(d)] for i in range(d)]

    def add(i: int, j: int, c: Any) -> None:  # new coordinate j: column j += c · column i
        for row in A:
            row[j] += c * row[i]
        for row in H:
            row[j] += c * row[i]
        for k in range(d):
            H[j][k] += c * H[i][k]

    done: list[int] = []
    for _ in range(d):
        rest = [i for i in range(d) if i not in done]
        pivot = next((i for i in rest if H[i][i]), None)
        if pivot is None:
            pair = next(((i, j) for i in rest for j in rest if H[i][j]), None)
            if pair is None:
                break
            add(pair[1], pair[0], domain.one)
            pivot = pair[0]
        for j in rest:
            if j != pivot and H[pivot][j]:
                add(pivot, j, -H[pivot][j] / H[pivot][pivot])
        done.append(pivot)
    columns = [*sorted(done), *(i for i in range(d) if i not in done)]
    return [[row[j] for j in columns] for row in A], [H[j][j] for j in columns]


def ridge(f: Poly, D: Sequence[Any], y: Sequence[Poly], ring: Any, order: int) -> list[Poly]:
    """σ(y) with ∂_u f(σ(y), y) = 0 to degree order − 1."""
    rank = len(D)
    slopes = [f.diff(ring.gens[i]) for i in range(rank)]
    sigma = [ring.zero] * rank
    if not y:
        return sigma
    for degree in range(2, order):
        values = [compose(s, [*sigma, *y], ring, degree) for s in slopes]
        sigma = [a - v.quo_ground(e) for a, v, e in zip(sigma, values, D, strict=True)]
    return sigma


def quadratic_form(f: Poly, rank: int, ring: Any) -> list[list[Poly]]:
    """M with f = ½ uᵀMu: c u^α y^β gives 2c ∂_i∂_j u^α/(k(k−1)), k = |α| ≥ 2."""
    M = [[ring.zero] * rank for _ in range(rank)]
    for monomial, c in f.terms():
        k = sum(monomial[:rank])
        if k < 2:
            raise BadInput(f"a term of degree {k} in the nondegenerate directions is left; the series do not close")
        part = ring.from_dict({monomial: c * ring.domain.convert_from(sp.QQ(2, k * (k - 1)), sp.QQ)})
        for i in range(rank):
            for j in range(rank):
                M[i][j] += part.diff(ring.gens[i]).diff(ring.gens[j])
    return M


def square_root(M: list[list[Poly]], D: Sequence[Any], ring: Any, degree: int) -> list[list[Poly]]:
    """S = (D⁻¹M)^{1/2} = Σ_n binom(½, n) (D⁻¹M − I)^n to this degree."""
    rank = len(D)
    one = [[ring.one if i == j else ring.zero for j in range(rank)] for i in range(rank)]
    E = [[cut(M[i][j].quo_ground(D[i]), degree) - one[i][j] for j in range(rank)] for i in range(rank)]
    total, power, binomial = [list(row) for row in one], one, sp.S.One
    for n in range(1, degree + 1):
        power = _matmul(power, E, ring, degree)
        binomial *= (sp.Rational(1, 2) - (n - 1)) / n
        c = ring.domain.from_sympy(binomial)
        total = [[a + c * b for a, b in zip(r, s, strict=True)] for r, s in zip(total, power, strict=True)]
    return total


def _matmul(A: list[list[Poly]], B: list[list[Poly]], ring: Any, degree: int) -> list[list[Poly]]:
    size = range(len(A))
    return [[cut(sum((A[i][k] * B[k][j] for k in size), ring.zero), degree) for j in size] for i in size]


def inverse(S: list[list[Poly]], rank: int, ring: Any, degree: int) -> list[Poly]:
    """u(x, y) with S(u, y) u = x, by u ← x − (S − I) u."""
    x, y = list(ring.gens[:rank]), list(ring.gens[rank:])
    excess = [
        cut(sum(((S[i][j] - (1 if i == j else 0)) * x[j] for j in range(rank)), ring.zero), degree) for i in range(rank)
    ]
    u = x
    for step in range(2, degree + 1):
        u = [a - compose(e, [*u, *y], ring, step) for a, e in zip(x, excess, strict=True)]
    return u


def determinant(rows: list[list[Poly]], ring: Any, degree: int) -> Poly:
    """By expansion along the first row, truncated."""
    if not rows:
        return ring.one
    total = ring.zero
    for j, entry in enumerate(rows[0]):
        if entry:
            minor = [[*row[:j], *row[j + 1 :]] for row in rows[1:]]
            total += (-1) ** j * cut(entry * determinant(minor, ring, degree), degree)
    return cut(total, degree)

"""Monomial maps that bring a polynomial to normal crossings on [0, 1]^d: the toric charts of its Newton polyhedron.

With ξ = −log x the box is the orthant ξ ≥ 0, and x^a = e^{−a·ξ}. Cut the orthant by simplicial cones with generators
σ_1, …, σ_d (integer vectors). x_i = Π_j y_j^{σ_j,i} maps [0, 1]^d onto the part of the box over the cone, so that

    the cones of a fan that fills the orthant give maps that cover the box once (no partition of unity, and the generators need
    not be a lattice basis: |det Dπ| = |det σ| Π y_j^{|σ_j| − 1}).

Cutting along the hyperplane (a − b)·ξ = 0 of two exponents a, b makes one of x^a, x^b divide the other in every chart. It is done
by star subdivisions: while an edge (σ_i, σ_j) crosses it, the crossing point becomes a new ray in all cones with that edge; the
new edges do not cross. When for all pairs of vertices of the support this is done one monomial divides all others in
each chart: f = y^κ u with u(0) ≠ 0. That u > 0 on the whole box (as for a sum of squares that is nondegenerate) is checked by
`Chart.checked`; if it fails the polynomial needs more than monomial maps, and `theory.rlct` may have them.

Reading order: `maps`, `fan`.
"""

from collections.abc import Sequence
from math import gcd

import sympy as sp

from theory.errors import BadInput
from theory.zeta.maps import Map

Ray = tuple[int, ...]
Cone = tuple[Ray, ...]
MOST = 400


def maps(f: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[Map, ...]:
    """Monomial maps of [0, 1]^d that cover [0, 1]^d once and in which f has one monomial that divides all others."""
    variables = tuple(variables)
    if not f.is_polynomial(*variables):
        raise BadInput(f"{f} is no polynomial in {', '.join(map(str, variables))}; its toric charts are not known")
    support = _corners([m for m, _ in sp.Poly(f, *variables).terms()])
    fresh = tuple(sp.Symbol(v.name, positive=True) for v in variables)
    return tuple(
        Map(variables, fresh, tuple(sp.Mul(*map(sp.Pow, fresh, [ray[i] for ray in cone])) for i in range(len(fresh))))
        for cone in fan(support, len(variables))
    )


def fan(support: Sequence[Ray], d: int) -> list[Cone]:
    """Simplicial cones that fill the orthant and on each of which one a·ξ, a in the support, is the least."""
    cones: list[Cone] = [tuple(tuple(int(i == j) for j in range(d)) for i in range(d))]
    finished = []
    while cones:
        cone = cones.pop()
        edge = _crossing(cone, support)
        if edge is None:
            finished.append(cone)
            continue
        if len(cones) + len(finished) > MOST:
            raise BadInput(f"the toric charts of this polynomial are more than {MOST}; give a resolution of your own")
        i, j, p, q = edge
        ray = _primitive(tuple(q * a + p * b for a, b in zip(cone[i], cone[j], strict=True)))
        for k in (i, j):
            cones.append((*cone[:k], ray, *cone[k + 1 :]))
    return finished


def _crossing(cone: Cone, support: Sequence[Ray]) -> tuple[int, int, int, int] | None:
    """(i, j, p, q): a hyperplane (a−b)·ξ = 0 cuts the edge of σ_i and σ_j at qσ_i + pσ_j; a, b both least somewhere."""
    heights = {a: tuple(sum(x * y for x, y in zip(a, ray, strict=True)) for ray in cone) for a in support}
    lowest = [a for a in support if not any(b != a and _below(heights[b], heights[a]) for b in support)]
    if len(lowest) < 2:
        return None
    difference = [x - y for x, y in zip(heights[lowest[0]], heights[lowest[1]], strict=True)]
    up, down = max(difference), min(difference)  # of both signs, as neither is below the other
    return difference.index(up), difference.index(down), up, -down


def _below(f: Ray, g: Ray) -> bool:
    return all(x <= y for x, y in zip(f, g, strict=True)) and f != g


def _corners(exponents: Sequence[Ray]) -> list[Ray]:
    """The exponents that no other one divides."""
    return [a for a in exponents if not any(_below(b, a) for b in exponents)]


def _primitive(ray: Ray) -> Ray:
    divisor = gcd(*ray)
    return tuple(x // divisor for x in ray)

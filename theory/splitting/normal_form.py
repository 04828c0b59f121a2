"""`split`: the normal form ½ Σ d_i x_i² + g(y) and the coordinates ψ in which K has it (eq 22).

Reading order: `split`, `Splitting`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyRing

from theory.errors import BadInput
from theory.jets import exact, jets, point
from theory.splitting.steps import (
    Jet,
    Poly,
    compose,
    cut,
    determinant,
    diagonal_form,
    dot,
    inverse,
    quadratic_form,
    ridge,
    ring_over,
    square_root,
)  # fmt: skip


@dataclass(frozen=True)
class Splitting:
    """K∘ψ = K(w*) + ½ Σ eigenvalues_i x_i² + residual(y) up to degree `order`; images are the coordinates of ψ."""

    variables: tuple[sp.Symbol, ...]
    K: sp.Expr
    at: tuple[sp.Expr, ...]
    regular: tuple[sp.Symbol, ...]
    singular: tuple[sp.Symbol, ...]
    eigenvalues: tuple[sp.Expr, ...]
    residual: sp.Expr
    images: tuple[sp.Expr, ...]
    order: int

    @property
    def corank(self) -> int:
        return len(self.singular)

    @property
    def coordinates(self) -> tuple[sp.Symbol, ...]:
        return (*self.regular, *self.singular)

    @property
    def normal_form(self) -> sp.Expr:
        """½ Σ d_i x_i² + g(y)."""
        return sp.Add(*(d * x**2 / 2 for d, x in zip(self.eigenvalues, self.regular, strict=True))) + self.residual

    def pull(self, f: Any, degree: int) -> sp.Expr:
        """f∘ψ to this total degree; ψ is known to degree `order` − 1."""
        if degree > self.order - 1:
            raise BadInput(
                f"ψ is known to degree {self.order - 1}; for f∘ψ to degree {degree} split with order={degree + 1}"
            )
        base = dict(zip(self.variables, self.at, strict=True))
        made = jets([exact(f)], self.variables, base, [degree])
        parts, convert = made.parts[0], made.domain.to_sympy
        inner = [sp.expand(g - a) for g, a in zip(self.images, self.at, strict=True)]
        ring = ring_over(self.coordinates, [*inner, *(convert(c) for part in parts for c in part.values())])
        moved = [cut(ring.from_expr(g), degree) for g in inner]
        total = ring.zero
        for part in parts:
            for monomial, c in part.terms():
                product = ring(ring.domain.from_sympy(convert(c)))
                for g, n in zip(moved, monomial, strict=True):
                    for _ in range(n):
                        product = cut(product * g, degree)
                total += product
        return total.as_expr(*self.coordinates)

    @cached_property
    def jacobian(self) -> sp.Expr:
        """det Dψ, to degree `order` − 2."""
        ring = ring_over(self.coordinates, self.images)
        rows = [[ring.from_expr(g).diff(x) for x in ring.gens] for g in map(sp.expand, self.images)]
        return determinant(rows, ring, self.order - 2).as_expr(*self.coordinates)

    def defect(self) -> sp.Expr:
        """K∘ψ less its normal form, with the terms of degree ≤ `order` that are left: 0 when the splitting is right."""
        whole = Jet(self.K, self.variables, self.at, self.order)
        ring = ring_over(self.coordinates, [*self.images, self.normal_form, *whole.constants])
        moved = [ring.from_expr(sp.expand(g - a)) for g, a in zip(self.images, self.at, strict=True)]
        value = whole.compose(moved, ring, self.order)
        return (value - ring.from_expr(sp.expand(self.normal_form))).as_expr(*self.coordinates)


def split(
    K: sp.Expr,
    variables: Sequence[sp.Symbol],
    *,
    order: int,
    at: Any = None,
    names: tuple[str, str] = ("x", "y"),
) -> Splitting:
    """The splitting of K at the critical point `at` (the origin) to total degree `order` ≥ 2.

    The new coordinates are x1, …, xr and y1, …; K is analytic there, with exact coefficients. Raises `BadInput` where `at` is not
    critical.
    """
    variables = tuple(variables)
    if not isinstance(order, int) or order < 2:
        raise BadInput(f"the order of a splitting is an integer ≥ 2; it was {order!r}")
    base = point(variables, at)
    origin = tuple(base[v] for v in variables)
    whole = Jet(exact(K), variables, origin, order)
    d, domain = len(variables), whole.domain
    if any(whole.part(1).values()):
        raise BadInput(f"{K} is not critical at {origin}: its gradient there is not 0; give a critical point with at=")
    hessian = whole.hessian()
    A, diagonal = diagonal_form(hessian, domain)
    rank = sum(bool(e) for e in diagonal)
    xs = tuple(sp.Symbol(f"{names[0]}{i + 1}", real=True) for i in range(rank))
    ys = tuple(sp.Symbol(f"{names[1]}{i + 1}", real=True) for i in range(d - rank))
    ring = PolyRing([*xs, *ys], domain)
    gens, u, y = ring.gens, ring.gens[:rank], ring.gens[rank:]
    linear = [dot(row, gens, ring) for row in A]
    f = whole.compose(linear, ring, order)  # K in the coordinates (u, y)
    D = diagonal[:rank]
    sigma = ridge(f, D, y, ring, order)
    g = compose(f, [*sigma, *y], ring, order)
    shifted = compose(f, [*(a + b for a, b in zip(u, sigma, strict=True)), *y], ring, order) - g
    root = square_root(quadratic_form(shifted, rank, ring), D, ring, order - 2)
    back = inverse(root, rank, ring, order - 1)  # u as a function of (x, y)
    inner = [*(cut(a + b, order - 1) for a, b in zip(back, sigma, strict=True)), *y]
    images = [dot(row, inner, ring) for row in A]

    def expr(p: Poly) -> sp.Expr:
        return p.as_expr(*xs, *ys)

    residual = g - ring(g.coeff(1))
    return Splitting(
        variables,
        exact(K) - domain.to_sympy(g.coeff(1)),
        origin,
        xs,
        ys,
        tuple(domain.to_sympy(e) for e in D),
        expr(residual),
        tuple(a + expr(cut(p, order - 1)) for a, p in zip(origin, images, strict=True)),
        order,
    )

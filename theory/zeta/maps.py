"""Charts of a resolution: maps from unit boxes that cover the domain once, and what they make of K and φ.

A `Map` x = π(y), y in [0, 1]^d, is given by the images of the old coordinates. K∘π must be a monomial times a unit, and

    ∫ K^z φ dx = Σ_charts ∫_{[0,1]^d} (K∘π)^z (φ∘π) |det Dπ| dy                                      (`pullback`).

Whether the images of the boxes cover the domain once and no more is the business of whoever made the maps; `orthants` and
`theory.zeta.toric` make theirs so by construction.

Reading order: `Map`, `pullback`, `orthants`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import sympy as sp
from flint import arb

from theory.errors import BadInput
from theory.jets import exact
from theory.zeta.balls import evaluator
from theory.zeta.chart import Chart, Side
from theory.zeta.content import content, summands


@dataclass(frozen=True)
class Map:
    """x_i = images[i](y), y in [0, 1]^d; the new variables should be positive symbols."""

    old: tuple[sp.Symbol, ...]
    new: tuple[sp.Symbol, ...]
    images: tuple[sp.Expr, ...]

    @staticmethod
    def of(images: Mapping[sp.Symbol, Any], new: Sequence[sp.Symbol]) -> "Map":
        return Map(tuple(images), tuple(new), tuple(exact(f) for f in images.values()))

    def jacobian(self) -> sp.Expr:
        """det Dπ, factored."""
        return _factored(sp.Matrix(self.images).jacobian(list(self.new)).det(method="berkowitz"), self.new)

    def pull(self, f: Any) -> sp.Expr:
        """f∘π, its polynomial factors multiplied out."""
        image = exact(f).subs(dict(zip(self.old, self.images, strict=True)), simultaneous=True)
        parts = sp.Mul.make_args(image)
        return sp.Mul(*(reduced(sp.expand(p)) if p.is_polynomial(*self.new) else p for p in parts))

    def then(self, images: Sequence[sp.Expr]) -> "Map":
        """π after y = images of the same new variables."""
        step = dict(zip(self.new, images, strict=True))
        return Map(self.old, self.new, tuple(sp.factor_terms(f.subs(step, simultaneous=True)) for f in self.images))


def reduced(p: sp.Expr) -> sp.Expr:
    """An expanded polynomial, powers of the algebraic numbers `CRootOf` in it reduced by their minimal polynomials."""
    for root in p.atoms(sp.CRootOf):
        name = sp.Dummy()
        p = sp.expand(sp.rem(p.xreplace({root: name}), root.poly.as_expr(name), name).xreplace({name: root}))
    return p


def _factored(f: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """Factored over Q; over algebraic numbers only the monomial is taken out."""
    if not f.has(sp.CRootOf):
        return sp.factor(f)
    top, bottom = sp.fraction(sp.together(f))
    return reduced(sp.expand(top)) / bottom


def pullback(K: sp.Expr, chart_map: Map, density: Any = 1) -> tuple[Chart, ...]:
    """∫ K^z φ over the image of the map as charts. Raises `BadInput` where K∘π is not a monomial times a unit."""
    y = chart_map.new
    orders, _, unit = content(chart_map.pull(K), y)
    det = chart_map.jacobian()
    powers, _, rest = content(det, y)
    if evaluator(rest, y)([arb(1) / 2] * len(y)) < 0:  # |det|; it has one sign on the box
        rest = -rest
    found: dict[tuple, sp.Expr] = {}
    for h, _, b in summands(chart_map.pull(density), y):
        key = tuple(p + q for p, q in zip(h, powers, strict=True))
        found[key] = found.get(key, sp.S.Zero) + b * rest
    made = (Chart(y, orders, h, unit, b) for h, b in found.items())
    return tuple(c.checked() for c in made if c.density != 0)


def orthants(variables: Sequence[sp.Symbol], where: Sequence[Side]) -> tuple[Map, ...]:
    """The maps x = ±B y of a box or symmetric domain. Raises `BadInput` for half-lines."""
    fresh = tuple(sp.Symbol(f"{v.name}", positive=True) for v in variables)
    if any(side.variance is not None for side in where):
        raise BadInput(
            "a resolution needs a bounded domain; take domain='symmetric' and put the Gaussian into the prior: what is left out "
            "is smaller than every power of 1/t when K > 0 there"
        )
    signs = product(*((1, -1) if side.symmetric else (1,) for side in where))
    return tuple(
        Map(tuple(variables), fresh, tuple(s * side.extent * y for s, side, y in zip(sign, where, fresh, strict=True)))
        for sign in signs
    )

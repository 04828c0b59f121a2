"""From charts to charts with the same integral ∫ K^z φ for every z.

All exact:
* `normal` pulls the monomial content out of every p_j, and replaces x_i^g by x_i where only powers of x_i^g occur.
* `cut` halves the box along an axis; the half away from 0 gets κ_i = h_i = 0 and the factor x_i among its p_j. It may be
  turned round, which brings what happens at the far end to the origin.
* `blow_up` with weights w: x_i = r^{w_i} y_i for i in the centre, max_i y_i = 1: one chart for every i. On [0, 1]^d it is
  an exact partition, so no partition of unity is needed.
* `orthants` gives the charts of a box or a Gaussian around 0.

Reading order: `orthants`, `normal`, `cut`, `blow_up`, `unit_box`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import gcd
from typing import Any

import sympy as sp
from flint import fmpq

from numerics.zeta.charts import Chart, Factor, Gaussian, chart
from theory.errors import BadInput


def orthants(
    variables: Sequence[sp.Symbol] | sp.Symbol,
    orders: Sequence[object],
    *,
    jacobian: Sequence[object] | object = 0,
    unit: object | Mapping[object, object] = 1,
    density: object = 1,
    extents: Sequence[object] | object = 1,
) -> tuple[Chart, ...]:
    """K = Π |x_i|^{orders_i} · unit, φ = Π |x_i|^{jacobian_i} · density on Π [−B_i, B_i] (or R under Gaussians), as charts.

    One chart for every orthant, x_i → −x_i; orthants with equal integrals are merged. Arguments as in `chart`.
    """
    whole = chart(variables, orders, jacobian=jacobian, unit=unit, density=density, extents=extents)
    found: dict[tuple, int] = {}
    for signs in product((1, -1), repeat=whole.dimension):
        flip = {v: s * v for v, s in zip(whole.variables, signs, strict=True) if s < 0}
        factors = tuple(f._replace(base=_flip(f.base, flip)) for f in whole.factors)
        key = (factors, _flip(whole.density, flip))
        found[key] = found.get(key, 0) + 1
    return tuple(replace(whole, factors=f, density=count * b) for (f, b), count in found.items())


def _flip(expr: Any, images: dict) -> Any:
    return _tidy(expr.subs(images, simultaneous=True)) if images else expr


def _tidy(expr: Any) -> Any:
    return sp.expand(expr) if expr.is_Add or expr.is_polynomial() else sp.Mul(*map(sp.expand, sp.Mul.make_args(expr)))


def normal(c: Chart) -> Chart:
    """The same integral, with x_i^g → x_i where every factor is a polynomial in x_i^g, monomial contents pulled out and
    constant factors gathered.
    """
    orders, h, factors = list(c.orders), list(c.jacobian), []
    for p, e, f in c.factors:
        rest, content = _content(p, c.variables)
        for i, power in enumerate(content):
            orders[i] += e * power
            h[i] += f * power
        if rest != 1:
            factors.append(Factor(rest, e, f))
    rest, content = _content(c.density, c.variables)
    h = [a + power for a, power in zip(h, content, strict=True)]
    c = replace(c, orders=tuple(orders), jacobian=tuple(h), factors=_merged(factors), density=rest)
    for i in range(c.dimension):
        c = _root(c, i)
    return c


def _content(p: Any, variables: tuple[sp.Symbol, ...]) -> tuple[Any, tuple[int, ...]]:
    """(q, α) with p = x^α q, for a polynomial p; anything else is left alone, but for its monomial factors."""
    if not p.is_polynomial(*variables):
        rest, content = sp.S.One, [0] * len(variables)
        for part in sp.Mul.make_args(p):
            if part.is_polynomial(*variables):
                part, powers = _content(part, variables)
                content = [a + b for a, b in zip(content, powers, strict=True)]
            rest *= part
        return rest, tuple(content)
    if not p.free_symbols:
        return p, (0,) * len(variables)
    poly = sp.Poly(p, *variables)
    content = tuple(min(column) for column in zip(*poly.monoms(), strict=True))
    if not any(content):
        return p, content
    terms = {tuple(a - b for a, b in zip(m, content, strict=True)): q for m, q in poly.terms()}
    return sp.Poly(terms, *variables).as_expr(), content


def _merged(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    table: dict[Any, tuple[fmpq, fmpq]] = {}
    for p, e, f in factors:
        old = table.get(p, (fmpq(0), fmpq(0)))
        table[p] = (old[0] + e, old[1] + f)
    return tuple(Factor(p, e, f) for p, (e, f) in table.items() if e or f)


def _root(c: Chart, i: int) -> Chart:
    """x_i → x_i^{1/g}, g the largest with all factors polynomials in x_i^g: dx^{…} gains the factor 1/g."""
    v, side = c.variables[i], c.extents[i]
    held = [e for e in (c.density, *(f.base for f in c.factors)) if v in e.free_symbols]
    if isinstance(side, Gaussian) or not held or not all(e.is_polynomial(v) for e in held):
        return c
    powers = [m for e in held for (m,) in sp.Poly(e, v).monoms()]
    g = gcd(*powers)
    if g < 2:
        return c

    def image(e: Any) -> Any:
        return sp.Add(*(q * v ** (m // g) for (m,), q in sp.Poly(e, v).terms())) if v in e.free_symbols else e

    return replace(
        c,
        orders=_put(c.orders, i, c.orders[i] / g),
        jacobian=_put(c.jacobian, i, (c.jacobian[i] + 1) / g - 1),
        factors=tuple(f._replace(base=sp.expand(image(f.base))) for f in c.factors),
        density=_tidy(image(c.density)) / g,
        extents=_put(c.extents, i, side**g),
    )


def _put(values: tuple, i: int, value: Any) -> tuple:
    return (*values[:i], value, *values[i + 1 :])


def cut(c: Chart, axis: int, *, turned: bool = False) -> tuple[Chart, Chart]:
    """The chart on x_axis ≤ B/2 and the one on x_axis ≥ B/2; `turned`: in the latter x_axis runs from B down to B/2."""
    v, side = c.variables[axis], c.extents[axis]
    if isinstance(side, Gaussian):
        raise BadInput(f"{v} runs over a half-line; only a box can be cut")
    half = sp.Rational(int(side.p), int(side.q)) / 2
    image = 2 * half - v if turned else half + v
    factors = [f._replace(base=_flip(f.base, {v: image})) for f in c.factors]
    if c.orders[axis] or c.jacobian[axis]:
        factors.append(Factor(image, c.orders[axis], c.jacobian[axis]))
    near = replace(c, extents=_put(c.extents, axis, side / 2))
    far = replace(
        near,
        orders=_put(c.orders, axis, fmpq(0)),
        jacobian=_put(c.jacobian, axis, fmpq(0)),
        factors=_merged(factors),
        density=_flip(c.density, {v: image}),
    )
    return near, far


def blow_up(c: Chart, weights: Mapping[sp.Symbol, int]) -> tuple[Chart, ...]:
    """x_i = r^{w_i} y_i, max y_i = 1, for the variables in `weights` (positive integers): one normal chart for each.

    In the chart of i the variable x_i stands for r. Raises `BadInput` for unknown variables, weights that are not
    positive integers and Gaussian coordinates.
    """
    for v, w in weights.items():
        if v not in c.variables or not isinstance(w, int) or w < 1:
            raise BadInput(f"a blow-up needs positive integer weights of the chart's variables; it was given {v}: {w}")
        if isinstance(c.extents[c.variables.index(v)], Gaussian):
            raise BadInput(f"{v} runs over a half-line; a blow-up needs a box, on which its charts are boxes too")
    c = unit_box(c)
    return tuple(_face(c, weights, v) for v in weights)


def _face(c: Chart, weights: Mapping[sp.Symbol, int], v: sp.Symbol) -> Chart:
    images = {w: w * v**p for w, p in weights.items() if w != v} | {v: v ** weights[v]}
    i = c.variables.index(v)
    indices = [(c.variables.index(w), p) for w, p in weights.items()]
    order = sum((p * c.orders[j] for j, p in indices), fmpq(0))
    h = sum((p * (c.jacobian[j] + 1) for j, p in indices), fmpq(-1))
    return normal(
        replace(
            c,
            orders=_put(c.orders, i, order),
            jacobian=_put(c.jacobian, i, h),
            factors=tuple(f._replace(base=_flip(f.base, images)) for f in c.factors),
            density=_flip(c.density, images) * weights[v],
        )
    )


def unit_box(c: Chart) -> Chart:
    """x_i = B_i y_i: every extent 1, the constants B_i^{κ_i z + h_i + 1} among the factors."""
    images, factors, sides = {}, [], []
    for v, order, h, side in zip(c.variables, c.orders, c.jacobian, c.extents, strict=True):
        if isinstance(side, Gaussian) or side == 1:
            sides.append(side)
            continue
        number = sp.Rational(int(side.p), int(side.q))
        images[v] = number * v
        factors.append(Factor(number, order, h + 1))
        sides.append(fmpq(1))
    if not images:
        return c
    moved = [f._replace(base=_flip(f.base, images)) for f in c.factors]
    return replace(c, factors=_merged([*moved, *factors]), density=_flip(c.density, images), extents=tuple(sides))

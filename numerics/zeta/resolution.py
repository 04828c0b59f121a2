"""From a polynomial to normal-crossing charts, as far as blow-ups at corners of boxes lead.

Idea
----
A chart on [0, 1]^d is in normal crossings if no factor p of K or of the density vanishes on the box. Zeros at the *corners*
of the box are removed by exact moves, until none is left:

* p vanishes at a corner other than the origin: halve the box along an axis on which the corner has coordinate 1, and turn the
  far half round; the corner comes to the origin.
* p vanishes at the origin (and holds no monomial factor): a weighted blow-up. If p holds a pure power x_i^{a_i} of each of
  its variables the weights are lcm(a)/a_i; in the plane, those of an edge of the Newton polygon. Otherwise two monomials
  x^α, x^β of p with α_i > β_i and α_j < β_j are compared, and the plane x_i = x_j = 0 is blown up with weights
  (β_j − α_j, α_i − β_i).

The parts have to come out as charts, or the polynomial is refused: nothing is assumed.

Where it ends: zeros of p that meet no corner (a circle inside the box, a Newton-degenerate polynomial whose faces vanish
at points other than 1) are refused with their chart when a zeta function is evaluated. Change the coordinates first, or give
the charts yourself.

Reading order: `polynomial`, `resolved`.

Reference: A. N. Varchenko, "Newton polyhedra and estimation of oscillating integrals", Funct. Anal. Appl. 10 (1976).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations, product
from typing import Any

import sympy as sp
from flint import fmpq

from numerics.analytic import exact, refuse_repeated
from numerics.zeta.charts import Chart, Factor, chart
from numerics.zeta.moves import blow_up, cut, normal, orthants, unit_box
from theory.errors import BadInput

MOVES = 400


def polynomial(
    K: object,
    variables: Sequence[sp.Symbol] | sp.Symbol,
    *,
    jacobian: Sequence[object] | object = 0,
    density: object = 1,
    extents: Sequence[object] | object = 1,
    symmetric: bool = True,
) -> tuple[Chart, ...]:
    """Charts for ∫ |K|^z Π|x_i|^{jacobian_i} density over Π [−B_i, B_i] (symmetric) or Π [0, B_i], K a polynomial.

    K is factored over Q; the factors are resolved at the corners of the box. Raises `BadInput`.
    """
    names = (variables,) if isinstance(variables, sp.Symbol) else tuple(variables)
    refuse_repeated(names)
    tree = exact(K)
    if not tree.is_polynomial(*names) or tree.is_zero:
        raise BadInput(f"{tree} is not a polynomial in {', '.join(map(str, names))} other than 0")
    constant, parts = sp.factor_list(tree, *names)
    if not constant.is_Rational:
        raise BadInput(f"{tree} needs rational coefficients")
    unit: dict[Any, int] = dict(parts) | ({abs(constant): 1} if abs(constant) != 1 else {})
    make = orthants if symmetric else lambda *a, **k: (chart(*a, **k),)
    return resolved(make(names, (0,) * len(names), jacobian=jacobian, unit=unit, density=density, extents=extents))


@cache
def resolved(charts: tuple[Chart, ...]) -> tuple[Chart, ...]:
    """Charts with the same ζ whose factors vanish at no corner of their boxes, all on unit boxes, all factors positive at
    the middle. Raises `BadInput` if `MOVES` moves are not enough.
    """
    queue, done = [_prepared(c) for c in charts], []
    for _ in range(MOVES):
        if not queue:
            return tuple(done)
        c = queue.pop()
        found = _zero(c)
        if found is None:
            done.append(c)
            continue
        corner, p = found
        if any(corner):
            queue += [_prepared(part) for part in cut(c, corner.index(1), turned=True)]
        else:
            queue += [_prepared(part) for part in blow_up(c, _weights(p, c.variables))]
    raise BadInput(
        f"{MOVES} blow-ups and cuts do not bring K to normal crossings; resolve it by hand, and give the charts"
    )


def _prepared(c: Chart) -> Chart:
    """Normal form on the unit box; signs turned so that every |p| is p at the middle of the box."""
    c = normal(unit_box(normal(c)))
    for v, order, h in zip(c.variables, c.orders, c.jacobian, strict=True):
        if order < 0:
            raise BadInput(f"K is unbounded near {v} = 0 of a chart: its order there is {order}")
        if not h > -1:
            raise BadInput(f"the density is not integrable near {v} = 0 of a chart: it has the factor {v}^({h})")
    middle = dict.fromkeys(c.variables, sp.Rational(1, 2))
    factors, density = [], c.density
    for p, e, f in c.factors:
        if p.subs(middle).is_negative:
            if f.q != 1:
                raise BadInput(
                    f"the density holds ({p})^({f}), and {p} is negative at the middle of the box: complex values"
                )
            p, density = sp.expand(-p), density * (-1) ** int(f.p)
        if e == 0 and f.q == 1 and f > 0 and not p.free_symbols:
            density *= p ** int(f.p)
        else:
            factors.append(Factor(p, e, f))
    return replace(c, factors=tuple(factors), density=density)


def _zero(c: Chart) -> tuple[tuple[int, ...], Any] | None:
    """A corner of the box at which a factor vanishes, the origin first, and the factor."""
    for f in c.factors:
        held = [v for v in c.variables if v in f.base.free_symbols]
        for corner in product((0, 1), repeat=len(held)):
            if f.base.subs(dict(zip(held, corner, strict=True))).is_zero:
                where = dict(zip(held, corner, strict=True))
                return tuple(where.get(v, 0) for v in c.variables), f.base
    return None


def _weights(p: Any, variables: tuple[sp.Symbol, ...]) -> dict[sp.Symbol, int]:
    """A blow-up that brings the Newton polyhedron of p nearer to an orthant."""
    held = [v for v in variables if v in p.free_symbols]
    if not p.is_polynomial(*held):
        raise BadInput(f"{p} vanishes at the origin of a chart and is not a polynomial; resolve it by hand")
    monomials = sp.Poly(p, *held).monoms()
    pure = [min((m[i] for m in monomials if m[i] == sum(m)), default=0) for i in range(len(held))]
    if len(held) == 2:
        return _edge(held, monomials)
    if all(pure) and len(held) <= 4:
        common = math.lcm(*pure)
        return {v: common // a for v, a in zip(held, pure, strict=True)}
    for alpha, beta in combinations(sorted(monomials, key=sum), 2):
        change = [a - b for a, b in zip(alpha, beta, strict=True)]
        up, down = ([i for i, c in enumerate(change) if sign * c > 0] for sign in (1, -1))
        if up and down:
            i, j = up[0], down[0]
            g = math.gcd(change[i], change[j])
            return {held[i]: -change[j] // g, held[j]: change[i] // g}
    raise BadInput(f"{p} vanishes at the origin of a chart in a way that no blow-up improves")


def _edge(held: list[sp.Symbol], monomials: list[tuple[int, ...]]) -> dict[sp.Symbol, int]:
    """The normal of the edge of the Newton polygon that starts on the first axis."""
    start = min(m for m in monomials if m[1] == 0)
    slopes = {m: fmpq(start[0] - m[0], m[1]) for m in monomials if m[1] > 0 and m[0] < start[0]}
    steepest = max(slopes.values())
    return {held[0]: int(steepest.q), held[1]: int(steepest.p)}


__all__ = ["polynomial", "resolved"]

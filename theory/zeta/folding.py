"""Charts in powers of their coordinates: x^g → x where the unit knows x as x^g only.

Blow-ups leave units such as 1 + x^{10} + y^{10}. On [0, 1], with y = x^g,

    ∫ x^{α−1+κε} F(x^g) dx = (1/g) ∫ y^{α/g−1+(κ/g)ε} F(y) dy:

the exponents of the chart are divided by g, its Taylor coefficients have g times lower orders, and fewer points interpolate it. A
polynomial density is cut by residues of its powers mod g, one chart each: x^r b_r(x^g).

Reading order: `folded`, `_step`.
"""

from dataclasses import replace
from functools import lru_cache
from math import gcd

import sympy as sp

from theory.zeta.chart import Chart


@lru_cache(maxsize=1024)
def folded(c: Chart) -> tuple[Chart, ...]:
    """Charts with the same ζ in sum, their coordinates replaced by the highest powers that the unit allows."""
    found = (c,)
    for i, v in enumerate(c.variables):
        if c.unit.has(v) and not c.gaussian[i]:
            found = tuple(piece for each in found for piece in _folded(each, i))
    return found


def _folded(c: Chart, i: int) -> tuple[Chart, ...]:
    v, g = c.variables[i], _step(c.unit, c.variables[i])
    if not c.density.is_polynomial(v):
        g = gcd(g, _step(c.density, v))
    if g == 1:
        return (c,)
    parts: dict[int, sp.Expr] = {0: c.density}
    if c.density.is_polynomial(v) and c.density.has(v):
        parts = {}
        for (n,), q in sp.Poly(c.density, v).terms():
            parts[n % g] = parts.get(n % g, sp.S.Zero) + q * v ** (n - n % g)
    return tuple(
        replace(
            c,
            orders=(*c.orders[:i], c.orders[i] / g, *c.orders[i + 1 :]),
            jacobian=(*c.jacobian[:i], (c.jacobian[i] + 1 + r) / g - 1, *c.jacobian[i + 1 :]),
            unit=_lowered(c.unit, v, g),
            density=_lowered(b, v, g) / g,
        )
        for r, b in parts.items()
    )


def _step(f: sp.Expr, v: sp.Symbol) -> int:
    """The largest g for which v shows in f in powers of v^g only."""
    if f.is_Pow and f.base == v and f.exp.is_Integer:
        return abs(int(f.exp))
    if f == v:
        return 1
    return gcd(*(_step(a, v) for a in f.args)) if f.args else 0


def _lowered(f: sp.Expr, v: sp.Symbol, g: int) -> sp.Expr:
    """v^g → v."""
    return f.xreplace({p: v ** (p.exp / g) for p in f.atoms(sp.Pow) if p.base == v and p.exp.is_Integer})

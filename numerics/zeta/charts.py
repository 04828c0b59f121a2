"""Normal-crossing charts: the form in which a zeta function is computed.

Idea
----
A chart is a box Π [0, B_i] (B_i = ∞ under a Gaussian weight) with

    |K| = Π x_i^{κ_i} · Π_j |p_j(x)|^{e_j},      φ = Π x_i^{h_i} · Π_j |p_j(x)|^{f_j} · b(x),

κ_i ≥ 0, h_i > −1, e_j, f_j rational; the p_j are entire functions without zeros on the box (u = Π |p_j|^{e_j} is the
*unit*); b is entire. A problem is a tuple of charts: its zeta function is the sum of theirs. That the p_j have no zeros is
not assumed but proved where it is used (`cells`); `resolution` leads to such charts from others, by `moves`.

Notation: κ orders of K, h orders of the density (the Jacobian of a resolution included), (p_j, e_j, f_j) factors.
Reading order: `Factor`, `Chart`, `chart`.

Reference: S. Watanabe, "Algebraic Geometry and Statistical Learning Theory" (2009), chapter 2 (resolution and ζ).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sympy as sp
from flint import fmpq

from numerics.analytic import exact, refuse_repeated
from numerics.precision import rational
from numerics.zeta.entire import check_entire, is_entire
from theory.errors import BadInput


class Factor(NamedTuple):
    """p^order in K, p^jacobian in the density."""

    base: Any
    order: fmpq
    jacobian: fmpq


class Gaussian(NamedTuple):
    """The half-line x ≥ 0 with the weight e^{−x²/(2 variance)}/√(2π variance) as the extent of a coordinate."""

    variance: fmpq


Extent = fmpq | Gaussian


@dataclass(frozen=True)
class Chart:
    """K = Π x^κ Π p^e and φ = Π x^h Π p^f b on Π [0, B]: see `chart` for the public constructor."""

    variables: tuple[sp.Symbol, ...]
    orders: tuple[fmpq, ...]
    jacobian: tuple[fmpq, ...]
    factors: tuple[Factor, ...]
    density: Any
    extents: tuple[Extent, ...]

    @property
    def dimension(self) -> int:
        return len(self.variables)

    def bare(self) -> bool:
        """Is the chart a pure monomial on the unit box, constant factors apart?"""
        free = set().union(self.density.free_symbols, *(f.base.free_symbols for f in self.factors))
        return not free and all(extent == 1 for extent in self.extents)


def chart(
    variables: Sequence[sp.Symbol] | sp.Symbol,
    orders: Sequence[object],
    *,
    jacobian: Sequence[object] | object = 0,
    unit: object | Mapping[object, object] = 1,
    density: object = 1,
    extents: Sequence[object] | object = 1,
) -> Chart:
    """The chart K = Π x_i^{orders_i} · unit, φ = Π x_i^{jacobian_i} · density, on Π [0, extents_i].

    orders ≥ 0, jacobian > −1: rational (2k_i and h_i of a normal crossing). unit: an expression, or {p: e} for Π p^e;
    p a polynomial with rational coefficients, or built from polynomials by exp, sin, cos, sinh, cosh, erf; an expression
    with powers in it is split by itself. density: of the same kind. extents: positive rationals, or `Gaussian(variance)`
    for a coordinate that neither the unit nor the density holds. Raises `BadInput`.
    """
    names = (variables,) if isinstance(variables, sp.Symbol) else tuple(variables)
    refuse_repeated(names)
    kappa, h, sides = _tuple(orders, len(names)), _tuple(jacobian, len(names)), _extents(extents, len(names))
    for name, order, power in zip(names, kappa, h, strict=True):
        if order < 0:
            raise BadInput(f"K = {name}^({order}) … is unbounded near {name} = 0; orders must be ≥ 0")
        if not power > -1:
            raise BadInput(f"the density {name}^({power}) is not integrable at {name} = 0; it needs an exponent > −1")
    pairs = unit.items() if isinstance(unit, Mapping) else [(unit, 1)]
    factors = [Factor(p, rational(e) * power, fmpq(0)) for base, e in pairs for p, power in _powers(exact(base))]
    if any(f.base.is_zero for f in factors):
        raise BadInput("the unit of a chart is 0: ζ needs a K that vanishes on a null set only")
    entire = []
    for p, power in _powers(exact(density)):
        if power.q == 1 and power > 0:
            entire.append(p ** int(power.p))
        else:
            factors.append(Factor(p, fmpq(0), power))
    b = sp.Mul(*entire)
    for expr in (*(f.base for f in factors), b):
        check_entire(expr, names)
    made = Chart(names, kappa, h, tuple(factors), b, sides)
    for name, side in zip(names, sides, strict=True):
        if isinstance(side, Gaussian) and any(name in e.free_symbols for e in (b, *(f.base for f in factors))):
            raise BadInput(
                f"a Gaussian coordinate must stand alone, and {name} occurs in the unit or the density; "
                f"take a box in {name} and put exp(-{name}**2/2) in the density"
            )
    return made


def _tuple(values: Any, d: int) -> tuple[fmpq, ...]:
    values = tuple(values) if isinstance(values, Sequence) else (values,) * d
    if len(values) != d:
        raise BadInput(f"{d} variables need {d} exponents; there are {len(values)}")
    return tuple(rational(v) for v in values)


def _extents(values: Any, d: int) -> tuple[Extent, ...]:
    values = values if isinstance(values, Sequence) and not isinstance(values, Gaussian) else (values,) * d
    if len(values) != d:
        raise BadInput(f"{d} variables need {d} extents; there are {len(values)}")
    sides = tuple(Gaussian(rational(v.variance)) if isinstance(v, Gaussian) else rational(v) for v in values)
    for side in sides:
        if not (side.variance if isinstance(side, Gaussian) else side) > 0:
            raise BadInput(f"the extent {side} of a coordinate is not positive")
    return sides


def _powers(expr: Any) -> list[tuple[Any, fmpq]]:
    """expr as Π p^power, the powers rational; polynomials are not factored."""
    found = []
    for part in sp.Mul.make_args(sp.together(expr) if expr.is_Add and not is_entire(expr) else expr):
        base, power = part.as_base_exp()
        if base == sp.E or not power.is_Rational:
            base, power = part, sp.S.One
        found.append((base, rational(power)))
    return found

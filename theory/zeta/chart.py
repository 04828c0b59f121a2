"""Normal-crossing charts: the integrals ∫ K^z φ with K = u Π x_i^{κ_i} and φ = b Π x_i^{h_i}.

A `Chart` is one orthant: every coordinate runs over [0, 1], or over [0, ∞) with the weight e^{−x²/2}/√(2π). κ_i ≥ 0 and h_i are
rational; u and b are analytic there, u > 0 (proved by `checked`). A problem is a tuple of charts, and its zeta function the sum
of theirs: the orthants of [−1, 1]^d, or the charts of a resolution, the Jacobian being part of h and b.

    charts(K, variables, domain=…, density=…)    from a K that is a monomial times a unit, on a domain;
    Chart(variables, orders, jacobian, unit, density, gaussian).checked()   directly, say from a resolution.

A `Side` says where a coordinate runs; "box" is [0, 1], "symmetric" [−1, 1], "gaussian" R under N(0, 1), "half-gaussian" its
right half (of mass ½). Other extents and variances are scaled to these: K and φ take up the constants.

Densities are read as products of |x|^r, x^n, sign x and analytic factors. Over two-sided coordinates the orthants are added:
where u is even only the even part of the density is left, otherwise there are two charts.

Reading order: `Side`, `Chart`, `charts`, `crossing`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import sympy as sp
from flint import arb

from theory.errors import BadInput
from theory.jets import SMOOTH, exact
from theory.zeta.balls import evaluator
from theory.zeta.content import Powers, content, known, summands
from theory.zeta.positivity import positive
from theory.zeta.taylor import Removable


class Side(NamedTuple):
    """[0, extent], or [0, ∞) with the density of N(0, variance); and its mirror image where `symmetric`."""

    symmetric: bool
    extent: sp.Expr = sp.S.One
    variance: sp.Expr | None = None


SIDES = {
    "box": Side(False),
    "symmetric": Side(True),
    "gaussian": Side(True, variance=sp.S.One),
    "half-gaussian": Side(False, variance=sp.S.One),
}
Domain = str | Side | Mapping[sp.Symbol, "str | Side"]


@dataclass(frozen=True)
class Chart:
    """K = unit · Π x^orders, φ = density · Π x^jacobian on [0, 1]^d, with [0, ∞) and e^{−x²/2}/√(2π) where `gaussian`."""

    variables: tuple[sp.Symbol, ...]
    orders: tuple[sp.Rational, ...]
    jacobian: tuple[sp.Rational, ...]
    unit: sp.Expr = sp.S.One
    density: sp.Expr = sp.S.One
    gaussian: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        d = len(self.variables)
        object.__setattr__(self, "orders", tuple(map(sp.Rational, self.orders)))
        object.__setattr__(self, "jacobian", tuple(map(sp.Rational, self.jacobian)))
        object.__setattr__(self, "unit", exact(self.unit))
        object.__setattr__(self, "density", exact(self.density))
        object.__setattr__(self, "gaussian", tuple(self.gaussian) or (False,) * d)
        if not len(self.orders) == len(self.jacobian) == len(self.gaussian) == d:
            raise BadInput(f"a chart in {d} variables needs {d} orders, Jacobian exponents and sides")

    def checked(self) -> "Chart":
        """This chart, once u > 0 and the integrability of the density are proved. Raises `BadInput` otherwise."""
        for v, order, h in zip(self.variables, self.orders, self.jacobian, strict=True):
            if order < 0:
                raise BadInput(f"K = {v}**({order})·… is unbounded near {v} = 0; orders must be ≥ 0")
            if h <= -1:
                raise BadInput(f"the density {v}**({h}) is not integrable at {v} = 0; its exponent must be > −1")
        for f in (self.unit, self.density):
            _refuse_nonanalytic(f, self.variables, self.gaussian)
        witness = _witness(self.unit, self.variables, self.gaussian)
        if witness:
            raise BadInput(
                f"the factor {self.unit} of K is not proved positive on the domain ({witness}); "
                "K is not a normal crossing there: resolve its zeros first, or shrink the domain"
            )
        return self

    def times(self, density: sp.Expr) -> "Chart":
        """φ → φ · density, a product of powers and analytic factors in the coordinates (all ≥ 0) of the chart."""
        powers, _, rest = content(density, self.variables)
        jacobian = tuple(h + p for h, p in zip(self.jacobian, powers, strict=True))
        return replace(self, jacobian=jacobian, density=self.density * rest)

    def power(self, p: sp.Rational) -> "Chart":
        """φ → φ K^p."""
        jacobian = tuple(h + p * k for h, k in zip(self.jacobian, self.orders, strict=True))
        return replace(self, jacobian=jacobian, density=self.density * self.raised(p))

    def raised(self, exponent: sp.Expr) -> sp.Expr:
        """u^exponent, factor by factor, each with the sign that it has in the middle of the chart taken out (u > 0)."""
        return sp.Mul(*(base ** (n * exponent) for base, n in self._positive_factors()))

    def signed(self) -> "Chart":
        """The same chart, u written as a product of positive factors."""
        return replace(self, unit=sp.Mul(*(base**n for base, n in self._positive_factors())))

    def _positive_factors(self) -> list[tuple[sp.Expr, sp.Expr]]:
        found = []
        for factor in sp.Mul.make_args(self.unit):
            base, n = factor.as_base_exp() if factor.has(*self.variables) and factor.is_Pow else (factor, sp.S.One)
            negative = bool(base.is_negative)
            if base.has(*self.variables) and not base.free_symbols - set(self.variables):
                negative = evaluator(base, self.variables)([arb(1) / 2] * len(self.variables)) < 0
            if negative and isinstance(base, Removable):
                base = Removable(-base.args[0], *base.args[1:])
            elif negative:
                base = -base
            found.append((base, n))
        return found

    def free(self) -> tuple[bool, ...]:
        """Which coordinates stand alone: not in u, and in the density as powers only."""
        return tuple(not self.unit.has(v) and self.density.is_polynomial(v) for v in self.variables)


def _refuse_nonanalytic(f: sp.Expr, variables: tuple[sp.Symbol, ...], gaussian: tuple[bool, ...]) -> None:
    """Roots, logarithms and divisors must keep away from 0 on the chart."""
    for node in sp.preorder_traversal(f):
        if not node.has(*variables) or node.is_Atom or isinstance(node, (sp.Add, sp.Mul, Removable)):
            continue
        if node.is_Pow and not node.exp.has(*variables):
            base = sp.S.One if node.exp.is_Integer and node.exp > 0 else node.base
        elif isinstance(node, sp.log):
            base = node.args[0]
        elif node.is_Pow or isinstance(node, SMOOTH):
            base = sp.S.One
        else:
            raise BadInput(f"{node} is not analytic where it changes its sign, inside the domain; cut the domain there")
        if base.has(*variables) and _witness(base, variables, gaussian) and _witness(-base, variables, gaussian):
            raise BadInput(f"{node} is not proved analytic on the domain: {base} may vanish there; shrink the domain")


@cache
def _witness(unit: sp.Expr, variables: tuple[sp.Symbol, ...], gaussian: tuple[bool, ...]) -> str:
    held = [(v, g) for v, g in zip(variables, gaussian, strict=True) if unit.has(v)]
    return positive(unit, [v for v, _ in held], [g for _, g in held])


def sides(variables: Sequence[sp.Symbol], domain: Domain) -> tuple[Side, ...]:
    """One `Side` a variable. Raises `BadInput` for unknown names and for variables that a mapping leaves out."""
    found = []
    for v in variables:
        given = domain.get(v) if isinstance(domain, Mapping) else domain
        side = SIDES.get(given) if isinstance(given, str) else given
        if not isinstance(side, Side):
            where = f" of {v}" if isinstance(domain, Mapping) else ""
            raise BadInput(f"domain {given!r}{where} is not one of {', '.join(SIDES)}")
        extent, variance = exact(side.extent), None if side.variance is None else exact(side.variance)
        for size in (extent, variance):
            if size is not None and not size.is_positive:
                raise BadInput(f"the domain of {v} has the size {size}, which is not positive")
        found.append(Side(side.symmetric, extent, variance))
    return tuple(found)


def charts(
    K: sp.Expr, variables: Sequence[sp.Symbol], *, domain: Domain = "box", density: Any = 1
) -> tuple[Chart, ...]:
    """The orthants of ∫ K^z φ on the domain, for K a monomial times a positive analytic unit; () when it vanishes by symmetry.

    density: |x|^h x^n b(x) and sums of these. Raises `BadInput` where K is no normal crossing or φ is not integrable.
    """
    variables = tuple(variables)
    where = sides(variables, domain)
    orders, unit = crossing(K, variables, where)
    found: dict[tuple, sp.Expr] = {}
    for powers, signs, rest in summands(density, variables):
        refuse_roots(density, variables, where, powers, signs)
        for chart in _orthants(Chart(variables, orders, powers, unit, rest), signs, where):
            key = (chart.jacobian, chart.unit, chart.gaussian)
            found[key] = found.get(key, sp.S.Zero) + chart.density
    made = (Chart(variables, orders, h, u, b, g) for (h, u, g), b in found.items())
    return tuple(c.checked() for c in made if c.density != 0)


def crossing(
    K: sp.Expr, variables: Sequence[sp.Symbol], where: Sequence[Side]
) -> tuple[tuple[sp.Rational, ...], sp.Expr]:
    """(κ, u) with K = u Π |x_i|^{κ_i}. Raises `BadInput` where K changes its sign across a coordinate plane."""
    K = known(K, variables)
    powers, signs, unit = content(K, variables)
    odd = [v for v, s, side in zip(variables, signs, where, strict=True) if s % 2 and side.symmetric]
    low = [v for v, p in zip(variables, powers, strict=True) if p < 0]
    if odd:
        raise BadInput(f"{K} changes its sign where {odd[0]} does; K must be ≥ 0, as a loss less its minimum is")
    if low or not any(powers) or unit.is_nonpositive:
        raise BadInput(
            f"{K} is not a normal crossing u·Π x_i^(2k_i) with a unit u > 0 and some k_i > 0; resolve its singularity first"
        )
    return powers, unit


def refuse_roots(
    density: Any, variables: Sequence[sp.Symbol], where: Sequence[Side], powers: Powers, signs: Sequence[int]
) -> None:
    for v, side, p, s in zip(variables, where, powers, signs, strict=True):
        if s == -1 and side.symmetric:
            raise BadInput(f"{density} holds a root of {v}, which is negative on half of the domain; write Abs({v})")
        if p <= -1:
            raise BadInput(
                f"{density} is not integrable at {v} = 0, where it behaves as {v}**({p}); it needs an exponent > −1"
            )


def _orthants(chart: Chart, signs: Sequence[int], where: Sequence[Side]) -> list[Chart]:
    """The chart scaled to unit sides, with the mirror images of symmetric sides added."""
    found = [replace(chart, gaussian=tuple(side.variance is not None for side in where))]
    for i, (v, side, sign) in enumerate(zip(chart.variables, where, signs, strict=True)):
        size = side.extent if side.variance is None else sp.sqrt(side.variance)
        found = [_scaled(c, i, size, side.variance is None) for c in found]
        if side.symmetric:
            found = [image for c in found for image in _folded(c, v, -1 if sign else 1)]
    return found


def _scaled(c: Chart, i: int, size: sp.Expr, interval: bool) -> Chart:
    if size == 1:
        return c
    v = c.variables[i]
    volume = size ** (c.jacobian[i] + (1 if interval else 0))
    unit = _plain(c.unit.subs(v, size * v), c.variables) * size ** c.orders[i]
    return replace(c, unit=unit, density=_plain(c.density.subs(v, size * v), c.variables) * volume)


def _folded(c: Chart, v: sp.Symbol, sign: int) -> list[Chart]:
    """The chart with its image under v → −v; `sign` is the parity of what the powers |v| leave out."""
    unit, density = _plain(c.unit.subs(v, -v), c.variables), sign * c.density.subs(v, -v)
    if not c.unit.has(v) or unit == _plain(c.unit, c.variables):
        total = _plain(c.density + density, c.variables)
        return [replace(c, density=total)] if total != 0 else []
    return [c, replace(c, unit=unit, density=density)]


def _plain(f: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """Polynomials multiplied out, factor by factor, so that equal units look equal."""
    return sp.Mul(*(sp.expand(p) if p.is_polynomial(*variables) else p for p in sp.Mul.make_args(f)))

"""Taylor jets of analytic expressions, exactly.

A *jet* of order N of f at w* is the list of its homogeneous parts f_0, …, f_N,

    f(w* + x) = Σ_k f_k(x) + O(|x|^{N+1}),   f_k(x) = Σ_{|α|=k} (∂^α f)(w*)/α! · x^α,

polynomials in the displacement x over an exact coefficient domain: the rationals where possible, else the field that
the constants of the problem generate (symbols λ, α, …, algebraic numbers such as √2, transcendental ones such as e,
each of the latter as an independent generator).

The jet is computed by truncated power-series arithmetic on the expression tree: sums and products part by part, and
f(c + u) = Σ_k f^{(k)}(c)/k! u^k at every elementary function. No expression is ever differentiated as a whole, so
nothing swells.

Reading order: `jets` (the public entry: several expressions over one common domain), `Jets`, `_Tree` (the walk).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, repeat
from typing import Any

import sympy as sp
from sympy.polys.constructor import construct_domain
from sympy.polys.domains import PolynomialRing
from sympy.polys.rings import PolyElement, PolyRing

from theory.errors import BadInput

Part = Any  # a sympy PolyElement; its coefficient type depends on the domain
Point = Mapping[sp.Symbol, sp.Expr]

SMOOTH = (
    sp.exp, sp.log, sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh, sp.tanh, sp.atan, sp.asinh, sp.erf, sp.sec, sp.csc, sp.cot,
    sp.asin, sp.acos, sp.atanh, sp.sech, sp.coth, sp.csch, sp.erfc, sp.gamma, sp.loggamma,
)  # fmt: skip


@dataclass(frozen=True)
class Jets:
    """Jets of several expressions over one ring: `parts[i][k]` is the degree-k part of the i-th expression."""

    ring: PolyRing
    parts: tuple[tuple[Part, ...], ...]

    @property
    def domain(self) -> Any:
        return self.ring.domain

    def expr(self, element: Any) -> sp.Expr:
        """An element of the coefficient domain as a sympy expression, in lowest terms."""
        return sp.factor_terms(sp.sympify(self.domain.to_sympy(element)))


def point(variables: Sequence[sp.Symbol], at: Point | Sequence[Any] | None) -> dict[sp.Symbol, sp.Expr]:
    """The base point as a dictionary; None is the origin. Raises `BadInput` on a wrong length or an inexact number."""
    if at is None:
        return dict.fromkeys(variables, sp.S.Zero)
    values = [exact(value) for value in ([at[v] for v in variables] if isinstance(at, Mapping) else at)]
    try:
        return dict(zip(variables, values, strict=True))
    except ValueError:
        where = f"the point ({', '.join(map(str, values))})"
        raise BadInput(f"{where} has {len(values)} coordinates for {len(variables)} variables") from None


def exact(value: Any) -> sp.Expr:
    """A number or expression with every float refused: exact layers take rationals and symbols only."""
    if isinstance(value, str):
        raise BadInput(f"an exact expression is needed, not the text {value!r}; `theory.expression.parse` reads text")
    expr = sp.sympify(value)
    floats = expr.atoms(sp.Float) if isinstance(expr, sp.Basic) else set()
    if floats:
        raise BadInput(f"{expr} holds the inexact number {min(floats)}; write it as a fraction")
    if not isinstance(expr, sp.Expr):
        raise BadInput(f"{expr} is not a scalar expression")
    return expr


def refuse_nonsmooth(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> None:
    """Raise `BadInput` at the first function of `variables` that is not known to be analytic on its domain."""
    for node in sp.preorder_traversal(expr):
        arithmetic = node.is_Atom or isinstance(node, (sp.Add, sp.Mul, sp.Pow))
        if node.has(*variables) and not arithmetic and not (isinstance(node, SMOOTH) and len(node.args) == 1):
            raise BadInput(
                f"{node} is not known to be smooth in {', '.join(map(str, variables))}; "
                "the theory needs polynomials and functions such as exp, log, sin, cos, tanh"
            )


def jets(
    expressions: Sequence[sp.Expr],
    variables: Sequence[sp.Symbol],
    at: Point,
    orders: Sequence[int],
    *,
    extra: Sequence = (),
    field: bool = True,
) -> Jets:
    """The jets of `expressions` at the point `at`, to the given orders, over one common exact domain.

    `extra` are further constants that the domain must contain (a step size, a localisation). `field=False` prefers a
    polynomial ring over Q to its field of fractions: much faster with many symbols, where nothing divides by one.
    Raises `BadInput` where an expression is not analytic at the point.
    """
    trees = [_Tree(exact(f), variables, at, order) for f, order in zip(expressions, orders, strict=True)]
    constants = [c for tree in trees for c in tree.constants] + [exact(c) for c in extra]
    domain = _domain(constants, field)
    ring = PolyRing([f"_x{i}" for i in range(len(variables))], domain)
    return Jets(ring, tuple(tree.parts(ring) for tree in trees))


def _domain(constants: list[sp.Expr], field: bool) -> Any:
    """The smallest exact domain with all constants: Q, a number field, Q(symbols) or Q[symbols], or the expression field."""
    domain, _ = construct_domain([*constants, sp.S.One], field=field, extension=True)
    if domain.is_ZZ:
        return sp.QQ
    if domain.is_PolynomialRing and domain.domain.is_ZZ:
        return PolynomialRing(sp.QQ, domain.symbols)
    return domain


_Z = sp.Dummy("z")


@lru_cache(maxsize=4096)
def _derivatives(function: sp.Expr, centre: sp.Expr, order: int) -> tuple[sp.Expr, ...]:
    """The derivatives of a function of `_Z` at the centre, from the 0th to this order."""
    derivatives = accumulate(repeat(_Z, order), sp.diff, initial=function)
    return tuple(sp.simplify(f.subs(_Z, centre)) for f in derivatives)


class _Tree:
    """One expression prepared for power-series evaluation: its constants first, then its parts over any ring."""

    def __init__(self, expr: sp.Expr, variables: Sequence[sp.Symbol], at: Point, order: int):
        self.expr, self.variables, self.at, self.order = expr, tuple(variables), at, order
        self.derivatives: dict[sp.Expr, list[sp.Expr]] = {}
        self.constants: list[sp.Expr] = []
        self._collect(expr)

    def _collect(self, node: sp.Expr) -> None:
        if node in self.at:
            self.constants.append(sp.sympify(self.at[node]))
        elif not node.has(*self.variables):
            self.constants.append(self._finite(node, node))
        elif isinstance(node, (sp.Add, sp.Mul)):
            for child in node.args:
                self._collect(child)
        elif _natural_power(node):
            self._collect(node.base)
        else:
            function, inner = self._elementary(node)
            self._collect(inner)
            centre = sp.simplify(inner.subs(self.at))
            if isinstance(node, sp.Pow) and inner == node.base and centre == 0:  # x**(5/2) has two finite derivatives
                raise self._singular(node, "its base is 0 there")
            values = _derivatives(function(_Z), centre, self.order)
            taylor = [self._finite(node, value) / sp.factorial(k) for k, value in enumerate(values)]
            self.derivatives[node] = taylor
            self.constants.extend(taylor)
            self.constants.append(centre)

    def _elementary(self, node: sp.Expr):
        """A node as (one-variable function, inner expression): c**g is exp(g log c), g**r with rational r stays."""
        if isinstance(node, sp.Pow):
            base, exponent = node.args
            if not exponent.has(*self.variables):
                return (lambda z: z**exponent), base
            if not base.has(*self.variables):
                return (lambda z: base**z), exponent
            return sp.exp, exponent * sp.log(base)
        refuse_nonsmooth(node, self.variables)
        return node.func, node.args[0]

    def _finite(self, node: sp.Expr, value: sp.Expr) -> sp.Expr:
        if value.has(sp.zoo, sp.nan, sp.oo, -sp.oo) or value.is_real is False:
            raise self._singular(node, f"a value there is {value}")
        return value

    def _singular(self, node: sp.Expr, why: str) -> BadInput:
        where = ", ".join(f"{v} = {self.at[v]}" for v in self.variables)
        return BadInput(f"{node} is not real-analytic at {where} ({why}); choose another point")

    def parts(self, ring: PolyRing) -> tuple[Part, ...]:
        memo: dict[sp.Expr, list[Part]] = {}
        return tuple(self._series(self.expr, ring, memo))

    def _series(self, node: sp.Expr, ring: PolyRing, memo: dict[sp.Expr, list[Part]]) -> list[Part]:
        if node not in memo:
            memo[node] = self._evaluate(node, ring, memo)
        return memo[node]

    def _evaluate(self, node: sp.Expr, ring: PolyRing, memo: dict[sp.Expr, list[Part]]) -> list[Part]:
        zero, order = ring.zero, self.order

        def constant(value: sp.Expr) -> list[Part]:
            return [ring(ring.domain.from_sympy(sp.sympify(value)))] + [zero] * order

        if node in self.at:
            series = constant(self.at[node])
            if order:
                series[1] = ring.gens[self.variables.index(node)]
            return series
        if not node.has(*self.variables):
            return constant(node)
        if isinstance(node, sp.Add):
            children = [self._series(child, ring, memo) for child in node.args]
            return [ring.add([c[k] for c in children]) for k in range(order + 1)]
        if isinstance(node, sp.Mul):
            product = self._series(node.args[0], ring, memo)
            for child in node.args[1:]:
                product = multiply(product, self._series(child, ring, memo), zero)
            return product
        if _natural_power(node):
            return power(self._series(node.base, ring, memo), int(node.exp), zero)
        _, inner = self._elementary(node)
        u = [zero, *self._series(inner, ring, memo)[1:]]
        coefficients = [ring.domain.from_sympy(c) for c in self.derivatives[node]]
        series = [ring(coefficients[order])] + [zero] * order
        for c in reversed(coefficients[:-1]):  # Horner: f(c + u) = c_0 + u (c_1 + u (c_2 + …))
            series = multiply(series, u, zero)
            series[0] = series[0] + ring(c)
        return series


def _natural_power(node: sp.Expr) -> bool:
    return isinstance(node, sp.Pow) and bool(node.exp.is_Integer and node.exp.is_positive)


def multiply(f: Sequence[Any], g: Sequence[Any], zero: Any) -> list[Any]:
    """The product of two graded series, truncated at the shorter one's order; parts that are 0 are never multiplied."""
    pairs = ([(f[i], g[k - i]) for i in range(k + 1) if f[i] and g[k - i]] for k in range(min(len(f), len(g))))
    if isinstance(zero, PolyElement):
        return [summed(zero.ring, products) for products in pairs]
    return [sum((a * b for a, b in products), zero) for products in pairs]


def summed(ring: PolyRing, products: Iterable[tuple[Part, Part]]) -> Part:
    """Σ f g over pairs of polynomials of the ring: one polynomial, which every term of every product is added to in place."""
    total, zero, times = ring.zero, ring.domain.zero, ring.monomial_mul
    get = total.get
    for f, g in products:
        terms = list(g.items())
        for alpha, a in f.items():
            for beta, b in terms:
                gamma = times(alpha, beta)
                total[gamma] = get(gamma, zero) + a * b
    total.strip_zero()
    return total


def combination(ring: PolyRing, terms: Iterable[tuple[Any, Part]]) -> Part:
    """Σ c f over pairs of a coefficient and a polynomial, added up in place."""
    total, zero = ring.zero, ring.domain.zero
    get = total.get
    for c, f in terms:
        for alpha, a in f.items():
            total[alpha] = get(alpha, zero) + c * a
    total.strip_zero()
    return total


def power(f: Sequence[Any], n: int, zero: Any) -> list[Any]:
    """f**n for n ≥ 1 by repeated squaring, truncated."""
    result: list[Any] | None = None
    square = list(f)
    while True:
        if n & 1:
            result = square if result is None else multiply(result, square, zero)
        n >>= 1
        if not n:
            assert result is not None
            return result
        square = multiply(square, square, zero)

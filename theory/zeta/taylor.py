"""Taylor coefficients in one variable at 0, with whatever else an expression holds left as it is.

    f(x) = Σ_n f_n x^n,   f_n expressions in the other symbols,

by truncated power series on the expression tree: sums, products, and with u = u_0 + u_1 x + …, for any exponent ν free of x,

    u^ν = Σ_m u_0^{ν−m} d_m x^m,   d_0 = 1,   m d_m = Σ_{i=1}^m (iν − m + i) u_i u_0^{i−1} d_{m−i}     (J. C. P. Miller),

where the d_m are polynomials in the u_i. Any other elementary function is expanded around u_0 by its derivatives.

A `Removable` is f/x^m for an f that vanishes to order m at x = 0, such as tanh(x)/x: analytic, though it does not look it.

Reading order: `taylor`, `Removable`, `order_at_zero`, `_series`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sympy as sp
from sympy.polys.rings import PolyRing

from theory.errors import BadInput

HIGHEST = 12  # how far `order_at_zero` looks
ARGUMENT = sp.Dummy()


class Removable(sp.Expr):
    """f/x^m, f of order m at x = 0."""

    is_commutative = True
    is_real = True

    def __new__(cls, f: Any, x: Any, m: Any) -> sp.Expr:
        f, x, m = sp.sympify(f), sp.sympify(x), sp.Integer(m)
        if f == 0:
            return sp.S.Zero
        c, symbol = x.as_coeff_Mul()  # after a substitution x → cx
        front, f = (sp.S.NegativeOne, -f) if f.as_coeff_Mul()[0].is_negative else (sp.S.One, f)
        return front / c**m * sp.Expr.__new__(cls, f, symbol, m)

    def _eval_subs(self, old: Any, new: Any) -> Any:
        return taylor(self, old, 0)[0] if old == self.args[1] and new == 0 else None

    def _latex(self, printer: Any) -> str:
        return printer._print(sp.Mul(self.args[0], sp.Pow(self.args[1], -self.args[2], evaluate=False), evaluate=False))

    def _sympystr(self, printer: Any) -> str:
        f, x, m = self.args
        top = f"({printer._print(f)})" if f.is_Add else printer._print(f)
        return f"({top}/{printer._print(x**m)})"


def order_at_zero(f: sp.Expr, x: sp.Symbol) -> int:
    """The order of the zero of f at x = 0. Raises `BadInput` beyond 12."""
    if not f.has(x):
        return 0
    for n in range(HIGHEST + 1):
        if sp.simplify(taylor(f, x, n)[n]) != 0:
            return n
    raise BadInput(f"{f} vanishes at {x} = 0 to an order beyond {HIGHEST}, or identically")


def taylor(f: sp.Expr, x: sp.Symbol, upto: int) -> list[sp.Expr]:
    """[f_0, …, f_upto]. Raises `BadInput` where f is not analytic at x = 0."""
    series = _series(sp.sympify(f), x, upto)
    if any(c.has(sp.zoo, sp.nan, sp.oo) for c in series):
        raise BadInput(f"{f} is not analytic at {x} = 0; it has no Taylor series there")
    return series


def _series(f: sp.Expr, x: sp.Symbol, n: int) -> list[sp.Expr]:
    zeros = [sp.S.Zero] * n
    if f == x:
        return [sp.S.Zero, sp.S.One, *zeros][: n + 1]
    if not f.has(x):
        return [f, *zeros]
    if isinstance(f, Removable):
        inner, v, m = f.args
        if v == x:
            series = _series(inner, x, n + int(m))
            if any(sp.simplify(c) != 0 for c in series[: int(m)]):
                raise BadInput(f"{inner} does not vanish to order {m} at {x} = 0; {f} has a pole there")
            return series[int(m) :]
        return [Removable(c, v, m) if c != 0 else c for c in _series(inner, x, n)]
    if f.is_Add:
        columns = zip(*(_series(g, x, n) for g in f.args), strict=True)
        return [sp.Add(*column) for column in columns]
    if f.is_Mul:
        return _product(f.args, x, n)
    if f.is_Pow and not f.exp.has(x) and f.base != sp.E:
        return _power(f.base, f.exp, x, n)
    return _elementary(f, x, n)


def _elementary(f: sp.Expr, x: sp.Symbol, n: int) -> list[sp.Expr]:
    """outer(inner) by the derivatives of `outer` at inner(0) and Horner's rule; c^g as exp(g log c)."""
    if f.is_Pow:
        outer, inner = sp.exp, f.exp if f.base == sp.E else f.exp * sp.log(f.base)
    else:
        outer, inner = f.func, f.args[0]
    u = _series(inner, x, n)
    coefficients = [_derivative(outer, k).subs(ARGUMENT, u[0]) / sp.factorial(k) for k in range(n + 1)]
    u = [sp.S.Zero, *u[1:]]
    series = [coefficients[n], *[sp.S.Zero] * n]
    for c in reversed(coefficients[:-1]):
        series = _multiply(series, u)
        series[0] += c
    return series


@cache
def _derivative(outer: type[sp.Function], k: int) -> sp.Expr:
    """outer^{(k)}, at `ARGUMENT`."""
    return sp.diff(_derivative(outer, k - 1), ARGUMENT) if k else outer(ARGUMENT)


def _product(factors: Sequence[sp.Expr], x: sp.Symbol, n: int) -> list[sp.Expr]:
    """The power of x apart."""
    shift = sp.Add(*(g.as_base_exp()[1] for g in factors if g.as_base_exp()[0] == x))
    if not shift.is_Integer or shift < 0:
        raise BadInput(f"{sp.Mul(*factors)} has the factor {x}**({shift}); it has no Taylor series at {x} = 0")
    if shift > n:
        return [sp.S.Zero] * (n + 1)
    series = [sp.S.One, *[sp.S.Zero] * (n - int(shift))]
    for g in factors:
        if g.as_base_exp()[0] != x:
            series = _multiply(series, _series(g, x, n - int(shift)))
    return [sp.S.Zero] * int(shift) + series


def _power(base: sp.Expr, nu: sp.Expr, x: sp.Symbol, n: int) -> list[sp.Expr]:
    if base == x:
        return _product([base**nu], x, n)
    u = _series(base, x, n)
    if u[0] == 0:
        if nu.is_Integer and nu >= 0:
            return _product([base] * int(nu), x, n) if nu else [sp.S.One, *[sp.S.Zero] * n]
        raise BadInput(f"{base**nu} is not analytic at {x} = 0, where its base vanishes")
    d = _miller(u, nu, n)
    return [u[0] ** (nu - m) * d[m] for m in range(n + 1)]


def _miller(u: Sequence[sp.Expr], nu: sp.Expr, n: int) -> list[sp.Expr]:
    """d_0, …, d_n: by polynomial arithmetic where the u_i are polynomials over Q."""
    symbols = sorted(set().union(nu.free_symbols, *(c.free_symbols for c in u)), key=str)
    rational = bool(symbols) and all(_is_rational_polynomial(c, symbols) for c in (*u, nu))
    if rational:
        ring = PolyRing(symbols, sp.QQ)
        coefficients, power = [ring.from_expr(sp.expand(c)) for c in u], ring.from_expr(sp.expand(nu))
        one, finish = ring.one, lambda p: p.as_expr()
    else:
        coefficients, power, one, finish = list(u), nu, sp.S.One, sp.expand
    d, lead = [one], [one]
    for m in range(1, n + 1):
        total = 0 * one
        for i in range(1, m + 1):
            if coefficients[i] != 0:
                total += (i * power - (m - i)) * coefficients[i] * lead[i - 1] * d[m - i]
        d.append(total * sp.QQ(1, m) if rational else sp.expand(total / m))
        lead.append(lead[-1] * coefficients[0])
    return [finish(p) for p in d]


def _is_rational_polynomial(c: sp.Expr, symbols: Sequence[sp.Symbol]) -> bool:
    return c.is_polynomial(*symbols) and all(q.is_Rational for q in sp.Poly(c, *symbols).coeffs())


def _multiply(f: Sequence[sp.Expr], g: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Cut at the shorter one."""
    length = min(len(f), len(g))
    return [sp.Add(*(f[i] * g[k - i] for i in range(k + 1) if f[i] != 0 and g[k - i] != 0)) for k in range(length)]

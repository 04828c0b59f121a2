"""Expressions as products of |x|^r, sign x and analytic factors: what charts are read off.

    content(f)    f = rest · Π |x_i|^{p_i} sign(x_i)^{e_i};
    summands(f)   the same for a sum: monomials where there is nothing else, f as a whole otherwise.

Polynomial factors give up their monomial content, sums of fractions are brought over one denominator, and an analytic factor that
vanishes at x_i = 0, such as tanh x, gives up its order and stays as a `Removable` quotient.

Reading order: `content`, `summands`, `known`.
"""

from collections.abc import Sequence
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import SMOOTH, exact
from theory.zeta.taylor import Removable, order_at_zero

Powers = tuple[sp.Rational, ...]


def summands(density: Any, variables: Sequence[sp.Symbol]) -> list[tuple[Powers, tuple[int, ...], sp.Expr]]:
    """The density as a sum of (|x| powers, parities, analytic rest): monomials where it has no other factors."""
    density = known(density, variables)
    spread = sp.expand(density, power_base=False, power_exp=False, log=False)
    parts = [content(term, variables) for term in sp.Add.make_args(spread)]
    if not any(rest.has(*variables) for _, _, rest in parts):
        table: dict[tuple, sp.Expr] = {}
        for powers, signs, rest in parts:
            key = (powers, signs)
            table[key] = table.get(key, sp.S.Zero) + rest
        return [(*key, rest) for key, rest in table.items() if rest != 0]
    return [content(density, variables)]


def known(expr: Any, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """An exact expression of powers, |x|, sign x and analytic functions."""
    expr = exact(expr)
    for node in sp.preorder_traversal(expr):
        arithmetic = node.is_Atom or isinstance(node, (sp.Add, sp.Mul, sp.Pow, sp.Abs, sp.sign, Removable))
        if node.has(*variables) and not arithmetic and not isinstance(node, SMOOTH):
            raise BadInput(
                f"{node} is not known to be analytic; K and φ are made of powers and functions such as exp, cos, tanh"
            )
    return expr


def content(expr: Any, variables: Sequence[sp.Symbol]) -> tuple[Powers, tuple[int, ...], sp.Expr]:
    """(p, e, rest) with expr = rest · Π |x_i|^{p_i} sign(x_i)^{e_i}; the rest holds no factor x_i that shows."""
    powers, signs, rest = [sp.S.Zero] * len(variables), [0] * len(variables), sp.S.One
    for factor in sp.Mul.make_args(_prepared(exact(expr))):
        base, exponent = factor.as_base_exp() if factor.is_Pow else (factor, sp.S.One)
        inner = base.args[0] if isinstance(base, (sp.Abs, sp.sign)) else base
        if inner in variables and exponent.is_Rational:
            i = list(variables).index(inner)
            powers[i] += 0 if isinstance(base, sp.sign) else exponent
            signs[i] += 0 if isinstance(base, sp.Abs) else exponent
        elif base.is_Add and base.has(*variables) and base.is_polynomial(*variables) and exponent.is_Rational:
            monomial, base = _polynomial_content(base, variables)
            for i, n in enumerate(monomial):
                powers[i] += n * exponent
                signs[i] += n * exponent if exponent.is_integer else 0 if n % 2 == 0 else sp.Rational(1, 2)
            rest *= base**exponent
        elif base.has(*variables) and exponent.is_Rational and not base.is_polynomial(*variables):
            for i, v in enumerate(variables):
                n = order_at_zero(base, v)
                powers[i] += n * exponent
                signs[i] += n * exponent if exponent.is_integer else 0 if n % 2 == 0 else sp.Rational(1, 2)
                base = Removable(base, v, n) if n else base
            rest *= base**exponent
        else:
            rest *= factor
    parities = tuple(int(s) % 2 if s == int(s) else -1 for s in signs)
    return tuple(map(sp.Rational, powers)), parities, rest


def _prepared(expr: sp.Expr) -> sp.Expr:
    """|xy| as |x| |y|, sign(xy) as sign x · sign y; sums of fractions over one denominator."""
    expr = sp.Mul(*(_one_fraction(f) for f in sp.Mul.make_args(expr)))
    if not expr.has(sp.Abs, sp.sign):
        return expr
    return expr.replace(
        lambda e: isinstance(e, (sp.Abs, sp.sign)) and e.args[0].is_Mul,
        lambda e: sp.Mul(*(e.func(f) for f in e.args[0].args)),
    )


def _one_fraction(f: sp.Expr) -> sp.Expr:
    base, exponent = f.as_base_exp()
    if not base.is_Add or base.is_polynomial() or not base.is_rational_function():
        return f
    top, bottom = sp.fraction(sp.together(base))
    return (sp.expand(top) / bottom) ** exponent if exponent.is_Integer else f


def _polynomial_content(p: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[tuple[int, ...], sp.Expr]:
    poly = sp.Poly(p, *variables)
    monomial = tuple(min(column) for column in zip(*poly.monoms(), strict=True))
    if not any(monomial):
        return monomial, p
    terms = {tuple(a - b for a, b in zip(m, monomial, strict=True)): c for m, c in poly.terms()}
    return monomial, sp.Poly(terms, *variables).as_expr()

"""Build sums, products, powers and functions of expressions in a time that is known beforehand.

sympy simplifies while it builds, and asks its assumption system about signs and reality to do so. For polynomials
that is quick and welcome; for nested functions it can take minutes, as in log1p(sinh(tan(cosh((2 - exp(x))**999))**3)).
Here *plain* expressions (variables and numbers under + * and powers) go to sympy as they are. Where a function
occurs inside, only rules that hold for all real numbers and look at one level are applied:

    exp(a)*exp(b) = exp(a + b)      exp(a)**r = exp(r*a)      b**r * b**s = b**(r + s)      (b*c)**n = b**n * c**n
"""

from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import Any

import sympy as sp

IsPlain = Callable[[Any], bool]
_ORDER: Any = cmp_to_key(sp.Basic.compare)


def total(terms: Sequence[Any], is_plain: IsPlain) -> sp.Expr:
    """The sum, with like terms collected."""
    plain = sp.Add(*(term for term in terms if is_plain(term)))
    coefficients: dict[Any, Any] = {}
    for term in terms:
        for part in () if is_plain(term) else sp.Add.make_args(term):
            coefficient, rest = part.as_coeff_Mul()
            coefficients[rest] = coefficients.get(rest, sp.S.Zero) + coefficient
    parts = [product([coefficient, rest], is_plain) for rest, coefficient in coefficients.items() if coefficient != 0]
    return _joined(sp.Add, plain, parts)


def product(factors: Sequence[Any], is_plain: IsPlain) -> sp.Expr:
    """The product, with equal bases and exponentials collected."""
    plain: Any = sp.Mul(*(factor for factor in factors if is_plain(factor)))
    rest = [factor for factor in factors if not is_plain(factor)]
    if plain == 0 or not rest:
        return plain
    if len(rest) == 1 and isinstance(rest[0], sp.Add) and isinstance(plain, sp.Rational):
        return total([product([plain, term], is_plain) for term in rest[0].args], is_plain)
    exponents: dict[Any, Any] = {}
    inside: list[Any] = []
    for factor in (part for whole in rest for part in sp.Mul.make_args(whole)):
        base, exponent = (factor.base, factor.exp) if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        if isinstance(factor, sp.exp):
            inside.append(factor.args[0])
        else:
            exponents[base] = exponents.get(base, sp.S.Zero) + exponent
    parts = [power(base, exponent, is_plain) for base, exponent in exponents.items()]
    if inside:
        parts.append(apply(sp.exp, total(inside, is_plain), is_plain))
    return _joined(sp.Mul, plain, [part for part in parts if part != 1])


def power(base: Any, exponent: Any, is_plain: IsPlain) -> sp.Expr:
    """base**exponent for a rational exponent."""
    if is_plain(base) or exponent in (0, 1):
        return sp.Pow(base, exponent)
    if isinstance(base, sp.exp):
        return apply(sp.exp, product([exponent, base.args[0]], is_plain), is_plain)
    if exponent.is_Integer and isinstance(base, sp.Mul):
        return product([power(factor, exponent, is_plain) for factor in base.args], is_plain)
    if exponent.is_Integer and isinstance(base, sp.Pow):
        return power(base.base, base.exp * exponent, is_plain)
    return sp.Pow(base, exponent, evaluate=False)


def apply(function: Callable[..., sp.Expr], argument: Any, is_plain: IsPlain) -> sp.Expr:
    """The function of the argument; of a constant like exp(0) or cos(pi), its value."""
    return function(argument, evaluate=is_plain(argument))


def _joined(operation: Any, plain: sp.Expr, rest: list[sp.Expr]) -> sp.Expr:
    """The sum or product of a plain part and others that no longer merge, in sympy's own order."""
    if not rest:
        return plain
    parts = [part for part in operation.make_args(plain) if part != operation.identity] + rest
    return operation(*sorted(parts, key=_ORDER), evaluate=False)

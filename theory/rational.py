"""Rational functions in lowest terms.

`sympy.cancel` first multiplies an expression out over one common denominator, of which a nested formula has thousands of terms.
In the field of fractions of its symbols every sum and product of the formula is reduced on the way, and nothing swells.
"""

import sympy as sp
from sympy.polys.polyerrors import CoercionFailed


def lowest_terms(expr: sp.Expr) -> sp.Expr:
    """The expression as a quotient of two polynomials without common factor, 0 iff it vanishes identically.

    Anything but a rational function over Q (√2, log λ) is left to `sympy.cancel`.
    """
    symbols = sorted(expr.free_symbols, key=sp.default_sort_key)
    if not symbols:
        return sp.cancel(expr)
    field = sp.QQ.frac_field(*symbols)
    try:
        return field.to_sympy(field.from_sympy(expr))
    except (CoercionFailed, ValueError):
        return sp.cancel(expr)

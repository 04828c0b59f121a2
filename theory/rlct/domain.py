"""The domain and the prior near the point: restricted coordinates, and exponents of |w|^h."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import exact


def read_domain(domain: Any, variables: Sequence[sp.Symbol], origin: Mapping) -> tuple[list[int], dict[sp.Symbol, int]]:
    """Which coordinates are restricted at the point, and which are reflected."""
    if domain == "real":
        bounds = dict.fromkeys(variables, (None, None))
    elif domain == "nonnegative":
        bounds = dict.fromkeys(variables, (0, None))
    elif domain == "box":
        bounds = dict.fromkeys(variables, (0, 1))
    elif isinstance(domain, Mapping):
        unknown = set(domain) - set(variables)
        if unknown:
            raise BadInput(f"the domain bounds {min(unknown, key=str)}, which is not a variable")
        bounds = {v: tuple(domain.get(v, (None, None))) for v in variables}
    else:
        raise BadInput(
            f'the domain {domain!r} is not "real", "nonnegative", "box" or a dictionary of bounds such as {{x: (0, None)}}'
        )
    signs, orientation = [], {}
    for v in variables:
        low, high = (None if b is None else exact(b) for b in bounds[v])
        value = origin[v]
        if (low is not None and (value - low).is_negative) or (high is not None and (high - value).is_negative):
            raise BadInput(f"the point {v} = {value} lies outside the domain; choose one inside with at=")
        at_low, at_high = low is not None and value == low, high is not None and value == high
        if at_low and at_high:
            raise BadInput(f"the domain of {v} is the single point {value}; leave {v} out of the variables")
        signs.append(int(at_low or at_high))
        orientation[v] = -1 if at_high else 1
    return signs, orientation


def read_prior(
    prior: Any, variables: Sequence[sp.Symbol], shift: Mapping[sp.Symbol, sp.Expr], signs: Sequence[int]
) -> list[Any]:
    """The exponents h of a prior that is |w|^h times a positive factor near the point."""
    expr = exact(prior)
    unknown = expr.free_symbols - set(variables)
    if unknown:
        raise BadInput(
            f"the prior {expr} holds the unknown symbol {min(unknown, key=str)}; list it among the variables"
        )
    exponents: list[Any] = [sp.S.Zero] * len(variables)
    for factor in sp.Mul.make_args(local(expr, shift)):
        base, power = factor.as_base_exp()
        absolute = isinstance(base, sp.Abs)
        inner = base.args[0] if absolute else base
        keeps_sign = not absolute and not (power.is_Integer and power % 2 == 0)
        value = inner.subs(dict.fromkeys(variables, 0))
        if value.is_nonzero and value.is_finite:
            if keeps_sign and value.is_negative:
                raise BadInput(f"the prior {expr} is negative at the point; a prior is positive")
            continue
        for part in sp.Mul.make_args(sp.factor(inner)):
            symbol, k = part.as_base_exp()
            if part.is_number:
                if keeps_sign and part.is_negative:
                    raise BadInput(f"the prior {expr} is negative beside the point; a prior is positive")
                continue
            h = k * power
            if symbol not in variables or not h.is_Rational:
                raise BadInput(f"the prior {expr} is not a monomial |w|^h times a positive factor at the point")
            i = list(variables).index(symbol)
            if not (absolute or signs[i] or (h.is_Integer and h % 2 == 0)):
                raise BadInput(f"the prior {expr} changes sign at the point; write Abs({symbol}) for |{symbol}|")
            exponents[i] += h
    for v, h in zip(variables, exponents, strict=True):
        if h <= -1:
            raise BadInput(f"the prior {expr} is not integrable at the point: |{v}|^({h}) needs an exponent above -1")
    return [int(h) if h.is_Integer else Fraction(int(h.p), int(h.q)) for h in exponents]


def local(g: sp.Expr, shift: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    moving = {v: e for v, e in shift.items() if v != e}
    return g.subs(moving, simultaneous=True) if moving else g

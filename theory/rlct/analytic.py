"""From analytic functions to polynomials, by proved comparisons only.

Near the point (the origin) a function g is written as g = P·(positive unit) with a polynomial P, by these rules:

    unit        g(0) ≠ 0: P = ±1
    product     P is the product of the P's of the factors (integer powers likewise)
    one atom    g depends on the variables only through u: g = c (u − u0)^k (1 + …), c ≠ 0 the first Taylor coefficient that
                does not vanish. tanh u, exp u − 1, log(1 + u) give u; 1 − cos u, log cosh u give u²; u − tanh u gives u³
    coordinate  a variable x that occurs only inside functions of x alone gives way to one of
                    X = f(x) − f(0), f'(0) ≠ 0      (it occurs in f(x) alone),
                    X = exp(x/n) − 1                (exp, sinh, cosh, tanh of rational multiples of x),
                    X = tan(x/2n)                   (sin, cos, tan of rational multiples of x),
                and the others become rational functions of X, whose denominators are units. X = x·unit, so the prior |x|^h and the
                measure change by a positive factor; a restricted x keeps x ≥ 0 (X = −(f(x) − f(0)) when f decreases)
    sum         K = Σ K_i with every K_i ≥ 0 near the point: K ≍ max P_i (only for K itself).

Where none applies the function is refused. Every use is returned as data (`rule`, what, by what).
"""

import operator
from collections.abc import Sequence
from functools import reduce
from math import lcm
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import refuse_nonsmooth

MAX_ORDER = 16
HYPERBOLIC = (sp.exp, sp.sinh, sp.cosh, sp.tanh, sp.coth, sp.sech)
CIRCULAR = (sp.sin, sp.cos, sp.tan, sp.sec)
Comparison = dict[str, Any]


class Unproved(Exception):
    """No rule applies to this expression."""


def polynomial_ideal(
    generators: Sequence[sp.Expr], variables: Sequence[sp.Symbol], power: int
) -> tuple[list[sp.Expr], list[Comparison]]:
    """Polynomials with max |P_j| ≍ max |g_j| near the origin, and the comparisons used (none for polynomials).

    For power 1 the sign of the single generator is kept. Raises `BadInput` for a function that no rule covers.
    """
    if all(g.is_polynomial(*variables) for g in generators):
        return list(generators), []
    for g in generators:
        refuse_nonsmooth(g, variables)
    changed, log = new_coordinates(list(generators), variables)
    found: list[sp.Expr] = []
    for g in changed:
        try:
            found += [germ(g, variables, log)]
        except Unproved as problem:
            parts = summands(g, variables, log) if power == 1 else None
            if parts is None:
                raise BadInput(
                    f"no comparison of {g} with a polynomial is proved ({problem}); "
                    "replace it by polynomials that generate the same ideal and use rlct_ideal"
                ) from None
            found += [sp.Add(*parts)]
    return found, log


def value(g: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """g at the origin; refused when that is not a finite real number."""
    found = g.subs(dict.fromkeys(variables, 0))
    if not found.is_number or found.has(sp.nan, sp.zoo, sp.oo, -sp.oo) or found.is_real is False:
        raise BadInput(f"{g} is not a finite real number at the point; choose another point")
    return sp.S.Zero if found.is_zero else sp.simplify(found)


def germ(g: sp.Expr, variables: Sequence[sp.Symbol], log: list[Comparison]) -> sp.Expr:
    """P with g = P·(positive unit)."""
    if g.is_polynomial(*variables):
        return g
    start = value(g, variables)
    if start.is_nonzero:
        log.append({"rule": "unit", "function": str(g), "value": str(start)})
        return sp.S.One if start.is_positive else -sp.S.One
    if isinstance(g, sp.Mul):
        return sp.Mul(*(germ(f, variables, log) for f in g.args))
    base, exponent = g.as_base_exp()
    if isinstance(g, sp.Pow) and exponent.is_Integer and exponent > 0:
        return germ(base, variables, log) ** exponent
    numerator, denominator = sp.fraction(sp.together(g))
    if denominator.has(*variables):
        below = value(denominator, variables)
        if below.is_zero:
            raise BadInput(f"{g} has a pole at the point; choose another point")
        log.append({"rule": "unit", "function": str(denominator), "value": str(below)})
        return germ(numerator, variables, log) * (1 if below.is_positive else -1)
    if isinstance(g, sp.Add):
        factored = sp.factor(g)
        if isinstance(factored, (sp.Mul, sp.Pow)):
            return germ(factored, variables, log)
    return atom(g, variables, log)


def atom(g: sp.Expr, variables: Sequence[sp.Symbol], log: list[Comparison]) -> sp.Expr:
    """The rule for a function of one u: c (u − u0)^k up to a positive unit."""
    t = sp.Dummy("t", real=True)
    for u in inner_arguments(g, variables):
        through = g.subs(u, t)
        if through.free_symbols & set(variables):
            continue
        u0 = value(u, variables)
        order, coefficient = first_coefficient(through, t, u0)
        log.append(
            {"rule": "one atom", "function": str(g), "atom": str(u), "order": order, "coefficient": str(coefficient)}
        )
        inner = germ(sp.expand(u - u0) if u.is_polynomial(*variables) else u - u0, variables, log)
        return inner**order * (1 if coefficient.is_positive else -1)
    raise Unproved(f"{g} is a sum that depends on more than one function argument")


def inner_arguments(g: sp.Expr, variables: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """Arguments of functions and bases of powers, the smallest first, then single variables."""
    found = []
    for node in sp.preorder_traversal(g):
        if isinstance(node, sp.Function) and node.has(*variables):
            found.append(node.args[0])
        elif isinstance(node, sp.Pow) and not (node.exp.is_Integer and node.exp > 0) and node.base.has(*variables):
            found.append(node.base)
    found += [v for v in variables if g.has(v)]
    return sorted(dict.fromkeys(found), key=lambda u: (-u.count_ops(), str(u)))


def first_coefficient(f: sp.Expr, t: sp.Symbol, t0: sp.Expr) -> tuple[int, sp.Expr]:
    """Order and coefficient of the first non-vanishing Taylor term of f at t0 after the constant, f(t0) being 0."""
    derivative = f
    for k in range(1, MAX_ORDER + 1):
        derivative = sp.diff(derivative, t)
        at = derivative.subs(t, t0)
        at = sp.simplify(at) if not at.is_Rational else at
        if at.is_nonzero and at.is_real:
            return k, at / sp.factorial(k)
        if not at.is_zero:
            raise Unproved(f"it is not decided whether {at} is 0")
    raise Unproved(f"{f} vanishes to order {MAX_ORDER} or more")


def summands(g: sp.Expr, variables: Sequence[sp.Symbol], log: list[Comparison]) -> list[sp.Expr] | None:
    """For K = Σ K_i with K_i ≥ 0: the P_i, as even powers; terms are grouped by the variables they share."""
    groups: list[list[sp.Expr]] = []
    for term in sp.Add.make_args(sp.expand(g)):
        if not term.has(*variables):
            continue
        sharing = [group for group in groups if any(t.free_symbols & term.free_symbols for t in group)]
        groups = [group for group in groups if group not in sharing] + [[*reduce(operator.iadd, sharing, []), term]]
    if len(groups) < 2:
        return None
    found = []
    for group in groups:
        part = sp.Add(*group)
        part -= value(part, variables)
        try:
            p = germ(part, variables, log)
        except Unproved:
            return None
        found.append(p)
    log.append({"rule": "sum", "parts": [str(p) for p in found]})
    return found


def new_coordinates(
    generators: list[sp.Expr], variables: Sequence[sp.Symbol]
) -> tuple[list[sp.Expr], list[Comparison]]:
    """Replace variables that occur only in functions of themselves, when some sum needs it."""
    log: list[Comparison] = []
    for x in variables:
        calls = {node for g in generators for node in sp.preorder_traversal(g) if _calls(node, x)}
        if not calls or not any(isinstance(g, sp.Add) or g.has(sp.Add) for g in generators):
            continue
        masked = [g.xreplace({c: sp.Dummy() for c in calls}) for g in generators]
        if any(m.has(x) for m in masked):
            continue
        change = _coordinate(calls, x)
        if change is None:
            continue
        coordinate, table = change
        generators = [sp.together(g.xreplace(table)) for g in generators]
        log.append({"rule": "coordinate", "variable": str(x), "coordinate": str(coordinate)})
    return generators, log


def _calls(node: sp.Basic, x: sp.Symbol) -> bool:
    """A function whose argument is a number times x."""
    return isinstance(node, sp.Function) and node.args[0].has(x) and (node.args[0] / x).is_Rational is True


def _coordinate(calls: set, x: sp.Symbol) -> tuple[sp.Expr, dict] | None:
    """The new coordinate as a function of x, and each call in terms of it (which takes the name x)."""
    if len(calls) == 1:
        (call,) = calls
        slope, start = sp.diff(call, x).subs(x, 0), call.subs(x, 0)
        if slope.is_Rational and slope != 0 and start.is_Rational:
            sign = 1 if slope > 0 else -1
            return sign * (call - start), {call: sign * x + start}
    n = reduce(lcm, (int((c.args[0] / x).q) for c in calls), 1)
    if all(isinstance(c, HYPERBOLIC) for c in calls):
        e = 1 + x  # exp(x_old/n)
        table = {}
        for c in calls:
            k = int(n * c.args[0] / x)
            plus, minus = e**k, e**-k
            table[c] = {
                sp.exp: plus, sp.sinh: (plus - minus) / 2, sp.cosh: (plus + minus) / 2,
                sp.tanh: (e ** (2 * k) - 1) / (e ** (2 * k) + 1), sp.coth: (e ** (2 * k) + 1) / (e ** (2 * k) - 1),
                sp.sech: 2 / (plus + minus),
            }[type(c)]  # fmt: skip
        return sp.exp(x / n) - 1, table
    if all(isinstance(c, CIRCULAR) for c in calls):
        z = sp.Dummy("z")
        table = {}
        for c in calls:
            k = int(n * c.args[0] / x)
            turn = sp.expand((1 + sp.I * z) ** (2 * abs(k)))  # ((1 + i t)/(1 − i t))^k times (1 + t²)^k
            cosine, sine = _parts(turn, z)
            scale = (1 + z**2) ** abs(k)
            sine = sine if k > 0 else -sine
            rational = {
                sp.cos: cosine / scale, sp.sin: sine / scale, sp.tan: sine / cosine, sp.sec: scale / cosine,
            }[type(c)]  # fmt: skip
            table[c] = rational.subs(z, x)
        return sp.tan(x / (2 * n)), table
    return None


def _parts(turn: sp.Expr, z: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    """Real and imaginary part of a polynomial in i·z."""
    p = sp.Poly(turn, z, extension=sp.I)
    real, imaginary = sp.S.Zero, sp.S.Zero
    for (k,), c in p.terms():
        real += sp.re(c) * z**k
        imaginary += sp.im(c) * z**k
    return real, imaginary

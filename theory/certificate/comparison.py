"""Functions that are comparable with polynomials near the origin, derived again from named rules.

    unit          a factor that is analytic and not 0 at the origin is left out
    one atom      φ(u) with φ analytic at u(0), φ(u) = c (u − u(0))^k (1 + …), c ≠ 0: comparable with (u − u(0))^k
    coordinate    X(x), analytic in x alone with X(0) = 0 ≠ X'(0) (> 0 for a restricted x), replaces x
    sum           K = Σ K_i, each K_i ≥ 0 near the origin: comparable with max_i K_i

A certificate names the rules it used; the names, atoms and coordinates are hints, everything else is derived here.

Source: S. Watanabe, Algebraic Geometry and Statistical Learning Theory (2009), section 7.8 (equivalent functions).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import sympy as sp

from theory.certificate.refusal import Refused, require

Terms = dict[tuple[int, ...], sp.Expr]
Read = Callable[[Any, Sequence[sp.Symbol]], sp.Expr]

ENTIRE = (sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.tanh, sp.atan, sp.asinh, sp.erf)
MAX_ORDER = 20


class Local(NamedTuple):
    """The local coordinates, and the names of those restricted to x ≥ 0."""

    symbols: tuple[sp.Symbol, ...]
    sign: frozenset[str]


def is_zero(e: Any, symbols: Sequence[sp.Symbol] = ()) -> bool:
    """True when the expression is proved to vanish identically."""
    e = sp.expand(sp.sympify(e))
    if e.is_Rational or e == 0:
        return bool(e == 0)
    if not e.free_symbols:
        if e.is_algebraic:
            t = sp.Dummy("t")
            return bool(sp.minimal_polynomial(e, t) == t)
        return bool(e.is_zero is True or sp.simplify(e) == 0)
    if e.is_polynomial(*symbols):
        return all(is_zero(c) for c in sp.Poly(e, *symbols).coeffs())
    return bool(sp.expand(sp.numer(sp.together(e))) == 0)


def terms_of(e: sp.Expr, symbols: Sequence[sp.Symbol]) -> Terms:
    """A polynomial as {exponents: number}."""
    require(bool(e.is_polynomial(*symbols)), "something that should be a polynomial is none")
    found = sp.Poly(sp.expand(e), *symbols).as_dict()
    return {v: c for v, c in found.items() if not is_zero(c)}


def compared(local: Local, roots: Sequence[sp.Expr], rules: Any, given: Sequence[sp.Expr], read: Read) -> list[sp.Expr]:
    """Polynomials comparable with the roots, by the rules of a certificate."""
    require(
        isinstance(rules, list) and all(isinstance(r, dict) for r in rules), "the comparisons are not a list of tables"
    )
    require(len(rules) <= 200, "there are too many comparisons")
    known = ("unit", "one atom", "coordinate", "sum", "product")
    require(all(r.get("rule") in known for r in rules), "unknown rule of comparison")
    for rule in rules:
        if rule["rule"] == "coordinate":
            roots = _in_coordinate(local, roots, rule, read)
    atoms = [read(r.get("atom"), local.symbols) for r in rules if r["rule"] == "one atom"]
    if not any(r["rule"] == "sum" for r in rules):
        return [_polynomial(local, r, atoms) for r in roots]
    require(len(roots) == 1, "a sum is compared for K itself only")
    parts = [_polynomial(local, r, atoms, definite=True) for r in sp.Add.make_args(roots[0])]
    if len(given) == 1:
        _require_positive_sum(local, given[0], parts)
        return list(given)
    return parts


def _polynomial(local: Local, e: sp.Expr, atoms: Sequence[sp.Expr], *, definite: bool = False) -> sp.Expr:
    """P with e = P·(positive unit); with `definite` also e ≥ 0 near the origin."""
    found = sp.Integer(1)
    for factor in sp.Mul.make_args(sp.factor_terms(e)):
        p, s = _signed_factor(local, factor, atoms)
        found *= p * s
    require(not definite or _nonnegative(local, found), "a term of a sum is not known to be non-negative")
    return found


def _signed_factor(local: Local, factor: sp.Expr, atoms: Sequence[sp.Expr]) -> tuple[sp.Expr, sp.Expr]:
    """(P, s) with factor = P·(unit of sign s = ±1)."""
    base, exponent = factor.as_base_exp()
    if exponent.is_Integer and exponent > 0 and not factor.is_polynomial(*local.symbols):
        p, s = _signed_factor(local, base, atoms) if exponent != 1 else _base(local, base, atoms)
        return p**exponent, s**exponent
    return _base(local, factor, atoms)


def _base(local: Local, e: sp.Expr, atoms: Sequence[sp.Expr]) -> tuple[sp.Expr, sp.Expr]:
    value = _at_origin(e, local.symbols)
    if value is not None and not is_zero(value):
        require(_analytic(e, local.symbols) and value.is_real is True, "a factor is not known to be a unit")
        require(value.is_positive is True or value.is_negative is True, "the sign of a unit is not known")
        return sp.Integer(1), sp.Integer(1 if value.is_positive else -1)
    if e.is_polynomial(*local.symbols):
        return sp.expand(e), sp.Integer(1)
    if e.is_rational_function(*local.symbols):
        top, bottom = sp.fraction(sp.cancel(sp.together(e)))
        below = _at_origin(bottom, local.symbols)
        if below is None or below.is_nonzero is not True:
            raise Refused("a denominator vanishes at the origin")
        return sp.expand(top), sp.Integer(1 if below.is_positive else -1)
    inside = sorted((f.args[0] for f in e.atoms(sp.Function, sp.exp)), key=sp.default_sort_key)
    for u in (*atoms, *inside):
        try:
            return _one_atom(local, e, u, atoms)
        except Refused:
            continue
    raise Refused("no rule compares a function with a polynomial")


def _one_atom(local: Local, e: sp.Expr, u: sp.Expr, atoms: Sequence[sp.Expr]) -> tuple[sp.Expr, sp.Expr]:
    t = sp.Symbol("t_atom", real=True)
    phi = e.subs(u, t)
    require(
        not phi.free_symbols & set(local.symbols) and bool(phi.has(t)), "the function does not depend on the atom alone"
    )
    start = _at_origin(u, local.symbols)
    require(start is not None and _analytic(u, local.symbols), "an atom is not analytic")
    require(_analytic(phi, (t,), {t: start}), "a function is not analytic at its atom's value")
    require(is_zero(phi.subs(t, start)), "a function of one atom is not 0 at the origin")
    derivative = phi
    for k in range(1, MAX_ORDER + 1):
        derivative = derivative.diff(t)
        c = sp.simplify(derivative.subs(t, start))
        if not is_zero(c):
            require(c.is_positive is True or c.is_negative is True, "the sign of a coefficient is not known")
            p, s = _signed_factor(local, sp.expand(u - start) if u.is_polynomial(*local.symbols) else u - start, atoms)
            return p**k, s**k * (1 if c.is_positive else -1)
    raise Refused("a function of one atom vanishes to too high an order")


def _at_origin(e: sp.Expr, symbols: Sequence[sp.Symbol]) -> sp.Expr | None:
    value = e.subs(dict.fromkeys(symbols, 0))
    return value if value.is_finite and not value.free_symbols else None


def _analytic(e: sp.Expr, symbols: Sequence[sp.Symbol], at: Mapping[sp.Symbol, Any] | None = None) -> bool:
    """True when e is built from analytic functions, none of them at a singular point near `at` (the origin)."""
    where = dict.fromkeys(symbols, 0) if at is None else dict(at)
    if not e.free_symbols & set(symbols) or e in symbols:
        return True
    if not all(_analytic(a, symbols, at) for a in e.args):
        return False
    if isinstance(e, (sp.Add | sp.Mul, ENTIRE)):
        return True
    if isinstance(e, sp.log):
        return e.args[0].subs(where).is_positive is True
    if isinstance(e, sp.tan):
        return sp.cos(e.args[0]).subs(where).is_nonzero is True
    if isinstance(e, sp.Pow):
        base, exponent = e.as_base_exp()
        if exponent.is_Integer and exponent >= 0:
            return True
        value = base.subs(where)
        return bool(value.is_nonzero if exponent.is_Integer else exponent.is_real and value.is_positive)
    return False


def _in_coordinate(local: Local, roots: Sequence[sp.Expr], rule: Mapping[str, Any], read: Read) -> list[sp.Expr]:
    """The roots with x replaced by the inverse of X(x)."""
    x = next((s for s in local.symbols if s.name == rule.get("variable")), None)
    if x is None:
        raise Refused("a coordinate replaces an unknown variable")
    X = read(rule.get("coordinate"), local.symbols)
    require(
        X.free_symbols == {x} and _analytic(X, (x,)) and is_zero(X.subs(x, 0)), "a coordinate is not one of x alone"
    )
    slope = X.diff(x).subs(x, 0)
    rising = slope.is_positive is True
    require(
        rising or (slope.is_negative is True and x.name not in local.sign), "a coordinate is not monotone as it should"
    )
    found = []
    for root in roots:
        moved = _replaced(root, x, X)
        require(moved is not None, f"a function cannot be written in the coordinate {X!s:.60}")
        found.append(moved)
    return found


def _replaced(e: sp.Expr, x: sp.Symbol, X: sp.Expr) -> sp.Expr | None:
    """e as a function of the new coordinate, which takes the name x."""
    if x not in e.free_symbols:
        return e
    t, new = sp.Dummy("t", real=True), sp.Dummy("new", real=True)
    for f in sorted((f for f in X.atoms(sp.Function, sp.exp) if f.free_symbols == {x}), key=sp.default_sort_key):
        rest = X.subs(f, t)
        if x in rest.free_symbols or not rest.is_polynomial(t) or sp.degree(rest, t) != 1:
            continue
        value = sp.solve(rest - new, t)[0]
        for moved in (e.subs(f, t).subs(t, value), _written(e, f, x, value)):
            if x not in moved.free_symbols:
                return moved.subs(new, x)
    return None


def _written(e: sp.Expr, f: sp.Expr, x: sp.Symbol, value: sp.Expr) -> sp.Expr:
    """e through f = exp(x/n) or tan(x/2n), which has this value in the new coordinate."""
    rate = sp.expand(f.args[0] / x)

    def times(g: sp.Expr) -> sp.Expr:
        return sp.expand(g.args[0] / x / rate)

    def turned(g: sp.Expr) -> sp.Expr:
        z = ((1 + sp.I * value) / (1 - sp.I * value)) ** (times(g) / 2)
        cosine, sine = (z + 1 / z) / 2, (z - 1 / z) / (2 * sp.I)
        exact = {sp.sin: sine, sp.cos: cosine, sp.tan: sine / cosine}[g.func]
        return sp.cancel(sp.together(sp.expand_complex(sp.cancel(sp.together(exact)))))

    if isinstance(f, sp.exp):
        hyperbolic = e.rewrite([sp.tanh, sp.sinh, sp.cosh], sp.exp)
        e = hyperbolic.replace(lambda g: isinstance(g, sp.exp) and times(g).is_Integer, lambda g: value ** times(g))
    elif isinstance(f, sp.tan):
        e = e.replace(lambda g: isinstance(g, sp.sin | sp.cos | sp.tan) and (times(g) / 2).is_Integer, turned)
    return e


def essential(e: sp.Expr, symbols: Sequence[sp.Symbol]) -> sp.Expr:
    """A polynomial without its factors that are not 0 at the origin."""
    found = sp.Integer(1)
    for factor, k in sp.factor_list(sp.expand(e), *symbols)[1]:
        found *= factor**k if is_zero(factor.subs(dict.fromkeys(symbols, 0))) else 1
    return found


def _nonnegative(local: Local, p: sp.Expr) -> bool:
    """Every factor of the polynomial is a square, or has non-negative terms where the coordinates may be."""
    loose = [i for i, s in enumerate(local.symbols) if s.name not in local.sign]
    constant, factors = sp.factor_list(sp.expand(p), *local.symbols)
    for factor, k in factors:
        terms = terms_of(factor, local.symbols)
        plain = all(c.is_positive is True and all(v[i] % 2 == 0 for i in loose) for v, c in terms.items())
        if k % 2 and not plain:
            return False
    return constant.is_positive is True


def _require_positive_sum(local: Local, given: sp.Expr, parts: Sequence[sp.Expr]) -> None:
    """The generator is Σ c_i P_i with c_i > 0, for non-negative P_i: comparable with their maximum."""
    weights = sp.symbols(f"c0:{len(parts)}")
    difference = sp.expand(given - sum(c * p for c, p in zip(weights, parts, strict=True)))
    equations = sp.Poly(difference, *local.symbols).coeffs()
    solved = sp.linsolve(equations, *weights)
    require(bool(solved), "the generator is not a sum of the parts")
    values = next(iter(solved))
    require(all(c.is_positive is True for c in values), "the generator is not a sum of the parts with positive weights")

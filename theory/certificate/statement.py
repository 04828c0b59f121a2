"""Does the root of a certificate describe the caller's K, at the caller's point, with the caller's prior and domain?

In local coordinates, w = point + orientation·x, the caller's K must be Σ w_j r_j² with w_j > 0, or r_1, and the g_j of the root
must be the r_j (those that are not 0), each up to a factor that is bounded above and below near the point:

    polynomial r_j    g_j = c·r_j with a number c ≠ 0, which may hold an algebraic number of the root
    span              the g_j and the r_j have the same span over Q: |r_j| ≤ C max|g_i| and |g_j| ≤ C max|r_i|
    other r_j         by rules that are derived again: `theory.certificate.comparison`

The prior must be Π|w_i − p_i|^{h_i} times something positive and continuous at the point; the domain gives the signs.
What is certified is a threshold of |K|: for "itself", that K ≥ 0 is left to the caller.

Source: S. Watanabe, Algebraic Geometry and Statistical Learning Theory (2009), section 4.1 and theorem 6.6.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import sympy as sp

from theory import expression
from theory.certificate.comparison import Local, compared, essential, is_zero, terms_of
from theory.certificate.polynomials import Poly
from theory.certificate.programme import rank
from theory.certificate.refusal import Refused, field, require
from theory.certificate.state import SMALL, UNIT, State
from theory.errors import BadInput

MAX_OPERATIONS = 50_000


class Problem(NamedTuple):
    """What the caller asks: K or the list of its generators, and where."""

    K: Any
    variables: Any
    at: Any
    prior: Any
    domain: Any


class Asked(NamedTuple):
    """The problem in local coordinates: the symbols, K as weights and roots in one, prior exponents, signs."""

    symbols: tuple[sp.Symbol, ...]
    parts: tuple[sp.Expr, ...]
    squares: bool
    exponents: dict[str, Fraction]
    sign: frozenset[str]


def text_expression(text: Any, symbols: Sequence[sp.Symbol]) -> sp.Expr:
    """An expression of the certificate, read by the safe grammar of `theory.expression`."""
    require(isinstance(text, str), "an expression is not a text")
    try:
        return expression.parse(text, symbols)
    except BadInput as error:
        raise Refused(f"an expression cannot be read: {error}") from None


def require_root(certificate: Mapping[str, Any], root: State, problem: Problem) -> int:
    """The power in K ≍ max|g_j|^power; refused unless the root's state describes the problem."""
    asked = _localise(certificate, problem)
    names = [s.name for s in asked.symbols]
    numbers = _numbers(certificate, root)
    require(set(root.kind) == {*names, *numbers}, "the root has other coordinates than the problem")
    require(all(root.kind[n] == SMALL for n in names), "a variable is not small at the root")
    empty = not (root.factor or root.nonzero or root.positive or root.shadowed or root.uncertain)
    require(empty and set(root.roots) == set(numbers), "the root's state is not that of a problem")
    require(root.jacobian == asked.exponents, "the jacobian of the root is not the prior")
    require(root.sign == asked.sign, "the signs of the root are not the domain")
    return _require_relation(certificate, root, asked, numbers)


def _localise(certificate: Mapping[str, Any], problem: Problem) -> Asked:
    names = field(certificate, "variables", list)
    point, orientation = field(certificate, "point", dict), field(certificate, "orientation", dict)
    require(all(isinstance(n, str) for n in names), "the variables are not a list of names")
    require(set(point) == set(names) == set(orientation), "the point is not one in the variables")
    require(all(o in (1, -1) and isinstance(o, int) for o in orientation.values()), "an orientation is not 1 or -1")
    several = isinstance(problem.K, list | tuple)
    parts = tuple(sp.sympify(g) for g in (problem.K if several else [problem.K]))
    prior = sp.sympify(problem.prior)
    free = {s.name: s for e in (*parts, prior) for s in e.free_symbols}
    given = [free.get(n, sp.Symbol(n)) for n in names] if problem.variables is None else list(problem.variables)
    require([getattr(v, "name", None) for v in given] == names, "the certificate is in other variables")
    require(
        set().union(*(e.free_symbols for e in (*parts, prior))) <= set(given), "K or the prior holds an unknown symbol"
    )
    require(sum(sp.count_ops(e) for e in parts) <= MAX_OPERATIONS, "K is too large an expression")
    require(not any(e.has(sp.Float) for e in (*parts, prior)), "K or the prior holds a number that is not exact")
    for table in (problem.at, problem.domain):
        require(
            not isinstance(table, Mapping) or set(table) <= set(given), "the point or the domain has an unknown symbol"
        )
    symbols = tuple(sp.Symbol(n, real=True) for n in names)
    where = _point(problem.at, given)
    for n, v in zip(names, given, strict=True):
        require(is_zero(text_expression(point[n], ()) - where[v]), f"the point has another {n}")
    sign = _signs(problem.domain, given, where, orientation)
    # Two substitutions: the caller's symbols may have the names of the local ones without being real.
    to = {v: where[v] + orientation[v.name] * s for v, s in zip(given, symbols, strict=True)}
    parts = tuple(e.subs(to, simultaneous=True) for e in parts)
    exponents = _prior(prior.subs(to, simultaneous=True), symbols, sign)
    return Asked(symbols, parts, several, exponents, sign)


def _point(at: Any, given: Sequence[sp.Symbol]) -> dict[sp.Symbol, sp.Expr]:
    if at is None:
        return {v: sp.Integer(0) for v in given}
    values = [at.get(v, 0) for v in given] if isinstance(at, Mapping) else list(at)
    require(len(values) == len(given), "the point has another number of coordinates")
    found = {v: sp.sympify(c) for v, c in zip(given, values, strict=True)}
    require(all(c.is_number and c.is_real for c in found.values()), "the point is not real")
    return found


def _signs(
    domain: Any, given: Sequence[sp.Symbol], where: Mapping[sp.Symbol, sp.Expr], orientation: Mapping[str, int]
) -> frozenset[str]:
    """The coordinates restricted to x ≥ 0: those whose range begins or ends at the point."""
    fixed = {"real": (None, None), "nonnegative": (0, None), "box": (0, 1)}
    require(isinstance(domain, Mapping) or (isinstance(domain, str) and domain in fixed), "unknown domain")
    found = set()
    for v in given:
        low, high = domain.get(v, (None, None)) if isinstance(domain, Mapping) else fixed[domain]
        above = None if low is None else where[v] - sp.sympify(low)
        below = None if high is None else sp.sympify(high) - where[v]
        for gap, side in ((above, 1), (below, -1)):
            if gap is None:
                continue
            if is_zero(gap):
                require(v.name not in found, "the domain has no interior")
                require(orientation[v.name] == side, f"the domain is on the other side of the point in {v.name}")
                found.add(v.name)
            else:
                require(gap.is_positive is True, "the point is not in the domain")
    return frozenset(found)


def _prior(prior: sp.Expr, symbols: Sequence[sp.Symbol], sign: frozenset[str]) -> dict[str, Fraction]:
    """The exponents h of the prior Π|x|^h·(something positive and continuous near 0)."""
    found: dict[str, Fraction] = {}
    for factor in sp.Mul.make_args(sp.powsimp(prior)):
        base, exponent = factor.as_base_exp()
        inside = base.args[0] if isinstance(base, sp.Abs) else base
        x = next((s for s in symbols if is_zero(inside - s) or is_zero(inside + s)), None)
        if x is None:
            _require_positive(factor, symbols)
            continue
        even = exponent.is_Integer and exponent % 2 == 0
        allowed = isinstance(base, sp.Abs) or even or (is_zero(inside - x) and x.name in sign)
        require(bool(exponent.is_Rational and allowed), "the prior is not known to be positive")
        found[x.name] = found.get(x.name, Fraction(0)) + Fraction(int(exponent.p), int(exponent.q))
    require(all(h > -1 for h in found.values()), "the prior cannot be integrated")
    return {n: h for n, h in found.items() if h}


def _require_positive(factor: sp.Expr, symbols: Sequence[sp.Symbol]) -> None:
    value = factor.subs(dict.fromkeys(symbols, 0))
    smooth = factor.is_polynomial(*symbols) or (isinstance(factor, sp.exp) and factor.args[0].is_polynomial(*symbols))
    require(value.is_positive is True and bool(smooth or not factor.free_symbols), "the prior is not of a known kind")


def _numbers(certificate: Mapping[str, Any], root: State) -> dict[str, sp.Expr]:
    """The algebraic numbers of the root, each a root of its relation."""
    numbers = field(certificate, "numbers", dict)
    require(len(numbers) <= 1, "there is more than one irrational number at the root")
    found = {}
    for name, text in numbers.items():
        require(root.kind.get(name) == UNIT and name in root.roots, f"the number {name!r:.40} has no relation")
        value = text_expression(text, ())
        relation = root.roots[name]
        require(value.is_real is True and value.is_zero is False, "a number of the root is not real, or 0")
        require(is_zero(_as_expression(relation, {name: value})), "a number is no root of its relation")
        found[name] = value
    return found


def _as_expression(p: Poly, values: Mapping[str, sp.Expr]) -> sp.Expr:
    names = p.context().names()
    total = sp.Integer(0)
    for exponents, c in p.to_dict().items():
        term = sp.Integer(int(c))
        for n, e in zip(names, exponents, strict=True):
            if e:
                require(n in values, f"{n} has no value at the root")
                term *= values[n] ** int(e)
        total += term
    return total


def _require_relation(certificate: Mapping[str, Any], root: State, asked: Asked, numbers: Mapping[str, sp.Expr]) -> int:
    """K = Σ w_j r_j² or r_1, and the generators are comparable with the r_j."""
    relation = field(certificate, "relation", dict)
    kind, weights, texts = (
        field(relation, "kind", str),
        field(relation, "weights", list),
        field(relation, "roots", list),
    )
    require(kind in ("squares", "itself"), "the relation is neither squares nor itself")
    require(len(weights) == len(texts) > 0, "there are not as many weights as roots")
    w = [text_expression(t, ()) for t in weights]
    require(all(c.is_positive is True for c in w), "a weight is not positive")
    roots = [text_expression(t, asked.symbols) for t in texts]
    require(kind == "squares" or len(roots) == 1, "K itself is not one function")
    if not (kind == "squares" and asked.squares and _same_parts(asked, w, roots)):
        K = sp.Add(*(g**2 for g in asked.parts)) if asked.squares else asked.parts[0]
        claimed = sp.Add(*(c * r**2 for c, r in zip(w, roots, strict=True))) if kind == "squares" else w[0] * roots[0]
        require(is_zero(K - claimed, asked.symbols), "K is another function")
    power = 2 if kind == "squares" else 1
    require(certificate.get("power") == power, "the power is not that of the relation")
    values = {**{s.name: s for s in asked.symbols}, **numbers}
    given = [_as_expression(g, values) for g in root.generators.values()]
    local = Local(asked.symbols, asked.sign)
    roots = [r for r in roots if not is_zero(r, asked.symbols)]
    if "span" in relation:
        require("comparisons" not in relation and not numbers, "a span is of rational polynomials only")
        spanning = [text_expression(t, asked.symbols) for t in field(relation, "span", list)]
        _require_same_span(local, roots, spanning)
        roots = spanning
    _require_compared(local, roots, given, relation)
    return power


def _require_same_span(local: Local, one: Sequence[sp.Expr], other: Sequence[sp.Expr]) -> None:
    """Each of the polynomials in one list is a combination of those in the other, with rational numbers."""
    ones, others = ([terms_of(g, local.symbols) for g in gs] for gs in (one, other))
    require(all(c.is_Rational for g in (*ones, *others) for c in g.values()), "a span is of rational polynomials only")
    ranks = [_rank(gs) for gs in (ones, others, [*ones, *others])]
    require(ranks[0] == ranks[1] == ranks[2], "the roots have another span")


def _rank(polynomials: Sequence[Mapping[tuple[int, ...], sp.Expr]]) -> int:
    monomials = sorted({v for g in polynomials for v in g})
    rows = [tuple(Fraction(int(c.p), int(c.q)) for v in monomials for c in [g.get(v, sp.S.Zero)]) for g in polynomials]
    return rank(rows)


def _same_parts(asked: Asked, weights: Sequence[sp.Expr], roots: Sequence[sp.Expr]) -> bool:
    """The usual case without squaring: the roots are the caller's generators, each with weight 1."""
    parts = [g for g in asked.parts if not is_zero(g, asked.symbols)]
    kept = [r for r in roots if not is_zero(r, asked.symbols)]
    if len(parts) != len(kept) or any(c != 1 for c in weights):
        return False
    return all(is_zero(g - r, asked.symbols) for g, r in zip(parts, kept, strict=True))


def _require_compared(
    local: Local, roots: Sequence[sp.Expr], given: Sequence[sp.Expr], relation: Mapping[str, Any]
) -> None:
    """Every root is comparable with a generator and every generator with a root."""
    require(bool(roots), "K is identically 0")
    rules = relation.get("comparisons")
    found = list(roots)
    if rules is not None:
        found = compared(local, roots, rules, given, text_expression)
        found, given = ([essential(g, local.symbols) for g in gs] for gs in (found, given))
    theirs = [terms_of(g, local.symbols) for g in given]
    ours = [terms_of(g, local.symbols) for g in found]
    for g in ours:
        require(any(_proportional(g, h) for h in theirs), "a root has no generator")
    for h in theirs:
        require(any(_proportional(g, h) for g in ours), "a generator has no root")


def _proportional(g: Mapping[tuple[int, ...], sp.Expr], h: Mapping[tuple[int, ...], sp.Expr]) -> bool:
    if g.keys() != h.keys() or not g:
        return False
    first = next(iter(g))
    return all(is_zero(g[first] * h[v] - g[v] * h[first]) for v in g)

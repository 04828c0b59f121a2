"""Minima of a potential: found, or verified to be one, with a witness when it is not.

The Laplace expansion is a statement about one nondegenerate minimum w*. `locate` checks, exactly:

* DL(w*) = 0 and H = D²L(w*) positive definite (leading minors). With symbolic coefficients a minor whose sign is undecided is
  *assumed* positive, as the formulas themselves assume; a minor known to be ≤ 0 is refused;
* a polynomial with rational coefficients must not fall to −∞ along a line through w*.

Whether w* is the *global* minimum matters as soon as the posterior over the whole space is meant; `lower_elsewhere` looks for a
witness against it: in one variable a proof (Sturm sequences), in several the lines through w* with small integer directions, for
non-polynomials a lattice around w*. The last two refute but do not prove.

Reading order: `locate`, `lower_elsewhere` (public), `_find`, the refusals.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import gcd
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import Point, exact, point, refuse_nonsmooth


def locate(loss: sp.Expr, variables: Sequence[sp.Symbol], at: Any = None) -> dict[sp.Symbol, sp.Expr]:
    """The minimum of `loss`: `at` verified, or found when `at` is None (the lowest local minimum).

    Raises `BadInput` when the potential falls to −∞ along a line, when `at` is no critical point, a saddle or a degenerate
    minimum, and, without `at`, when no minimum can be found exactly or two are equally low.
    """
    loss = exact(loss)
    if not variables:
        raise BadInput("the potential needs at least one variable")
    refuse_nonsmooth(loss, variables)
    w = point(variables, at) if at is not None else _find(loss, variables)
    _refuse_noncritical(loss, variables, w)
    _refuse_degenerate(loss, variables, w)
    if _is_rational_polynomial(loss, variables):
        for direction in _directions(len(variables)):
            _refuse_unbounded(loss, variables, w, direction)
    return w


def lower_elsewhere(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point) -> str | None:
    """A witness, in words, that `w` is not the unique global minimum; None when none was found."""
    if loss.free_symbols - set(variables):
        return None
    if loss.is_polynomial(*variables):
        found = (_lower_on_line(loss, variables, w, direction) for direction in _directions(len(variables)))
    else:
        found = (_lower_at(loss, variables, w, steps) for steps in _lattice(len(variables)))
    return next((witness for witness in found if witness), None)


def _find(loss: sp.Expr, variables: Sequence[sp.Symbol]) -> dict[sp.Symbol, sp.Expr]:
    """The origin if it is a minimum (in one variable: with nothing lower elsewhere), else the lowest of all local minima."""
    origin = point(variables, None)
    gradient = [sp.diff(loss, v) for v in variables]
    at_origin = all(_is_zero(sp.simplify(g.subs(origin))) for g in gradient)
    several = len(variables) > 1
    if at_origin and _is_minimum(loss, variables, origin) and (several or not lower_elsewhere(loss, variables, origin)):
        return origin
    if not _is_rational_polynomial(loss, variables):
        if at_origin:
            return origin
        raise BadInput(f"no exact minimum of {loss} is known (the origin is not critical); give one with at=")
    candidates = ([origin] if at_origin else []) + _critical_points(gradient, variables)
    minima = [w for w in candidates if _is_minimum(loss, variables, w)]
    if not minima:
        for direction in _directions(len(variables)):
            _refuse_unbounded(loss, variables, origin, direction)
        if candidates:
            return candidates[0]  # refused by `locate` with the reason
        raise BadInput(f"{loss} has no real critical point that could be found exactly; give the minimum with at=")
    lowest = minima[0]
    for w in minima[1:]:
        if (loss.subs(w) - loss.subs(lowest)).is_negative:
            lowest = w
    tie = next((w for w in minima if w != lowest and _is_zero(loss.subs(w) - loss.subs(lowest))), None)
    if tie:
        raise BadInput(f"{loss} has two minima that are equally low, {_show(lowest)} and {_show(tie)}; choose with at=")
    return lowest


def _is_rational_polynomial(loss: sp.Expr, variables: Sequence[sp.Symbol]) -> bool:
    return loss.is_polynomial(*variables) and not loss.free_symbols - set(variables)


def _is_minimum(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point) -> bool:
    try:
        _refuse_degenerate(loss, variables, w)
    except BadInput:
        return False
    return True


def _critical_points(gradient: list[sp.Expr], variables: Sequence[sp.Symbol]) -> list[dict]:
    """Real solutions of DL = 0 other than the origin, as far as sympy finds them exactly."""
    if all(g == 0 for g in gradient):
        return []
    if len(variables) == 1:
        (x,) = variables
        roots = set(sp.Poly(gradient[0], x).real_roots())
        return [{x: r} for r in sorted(roots - {sp.S.Zero}, key=sp.Abs)]
    try:
        solutions = sp.solve_poly_system(gradient, *variables) or []
    except (NotImplementedError, sp.PolynomialError):
        return []
    real = [dict(zip(variables, s, strict=True)) for s in solutions if all(sp.sympify(c).is_real for c in s)]
    return [w for w in real if any(w.values())]


def _refuse_noncritical(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point) -> None:
    for v in variables:
        slope = sp.simplify(sp.diff(loss, v).subs(w))
        if not slope.is_finite and slope.is_finite is not None:
            raise BadInput(f"{loss} is not differentiable at {_show(w)}; choose another point")
        if not _is_zero(slope):
            raise BadInput(
                f"{_show(w)} is not a critical point of {loss}: its derivative in {v} is {slope} there; "
                "leave at= out to have the minimum found"
            )


def _refuse_degenerate(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point) -> None:
    """Leading principal minors of the Hessian: each must be positive, or undecided for symbolic coefficients."""
    hessian = sp.hessian(loss, variables).subs(w)
    for k in range(1, len(variables) + 1):
        minor = sp.simplify(hessian[:k, :k].det(method="berkowitz"))
        if minor.is_positive or (minor.is_positive is None and minor.free_symbols):
            continue
        determinant = sp.simplify(hessian.det(method="berkowitz"))
        if _is_zero(determinant):
            raise BadInput(
                f"the Hessian of {loss} at {_show(w)} is degenerate (determinant 0); the Laplace expansion needs a "
                "nondegenerate minimum, a degenerate one belongs to the singular theory"
            )
        kind = "a maximum" if (-hessian).is_positive_definite else "a saddle"
        raise BadInput(
            f"{_show(w)} is {kind} of {loss}, not a minimum: the leading Hessian minor of size {k} is {minor}; "
            "leave at= out to have the minimum found"
        )


def _line(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point, direction: tuple[int, ...]) -> sp.Poly:
    s = sp.Dummy("s", real=True)
    along = {v: w[v] + s * c for v, c in zip(variables, direction, strict=True)}
    return sp.Poly(sp.expand(loss.subs(along, simultaneous=True) - loss.subs(w)), s, extension=True)


def _refuse_unbounded(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point, direction: tuple[int, ...]) -> None:
    q = _line(loss, variables, w, direction)
    if q.degree() > 0 and (q.degree() % 2 or sp.sympify(q.LC()).is_negative):
        raise BadInput(
            f"{loss} is unbounded below: along direction {_tuple(direction)} it behaves as {q.LC()}*s**{q.degree()}; "
            "add a term that grows, or restrict the problem"
        )


def _lower_on_line(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point, direction: tuple[int, ...]) -> str | None:
    """L − L(w) = s² q(s) on the line w + s·direction: q must have no real zero."""
    q = _line(loss, variables, w, direction)
    if q.is_zero or not (q.domain.is_QQ or q.domain.is_ZZ):
        return None
    quotient, remainder = sp.div(q, sp.Poly(q.gen**2, q.gen))
    if not remainder.is_zero or (quotient.count_roots() == 0 and quotient.LC() > 0):
        return None
    turning = set(q.diff(q.gen).real_roots()) if q.degree() > 1 else set()
    zeros = set(quotient.real_roots()) if quotient.degree() > 0 else set()
    values = {s: sp.sympify(q.eval(s)) for s in turning | zeros if s != 0}
    for s in sorted(values, key=lambda s: (not values[s].is_negative, sp.Abs(s))):
        value = values[s]
        if not value.is_positive:
            where = {v: w[v] + s * c for v, c in zip(variables, direction, strict=True)}
            return f"the value of {loss} at {_show(where)} is {'lower than' if value.is_negative else 'as low as'} at {_show(w)}"
    return None


def _lower_at(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point, steps: tuple[sp.Rational, ...]) -> str | None:
    p = {v: w[v] + s for v, s in zip(variables, steps, strict=True)}
    if (loss.subs(p) - loss.subs(w)).is_negative:
        return f"the value of {loss} at {_show(p)} is lower than at {_show(w)}"
    return None


def _directions(d: int) -> Iterator[tuple[int, ...]]:
    """Primitive integer directions up to sign with entries in −2 … 2 (d ≤ 3), −1 … 1 (d = 4, 5), axes and pairs beyond."""
    reach = 2 if d <= 3 else 1
    if d > 5:
        for i in range(d):
            for j in range(i, d):
                for sign in (1, -1):
                    yield tuple(1 if k == i else sign if k == j else 0 for k in range(d))
        return
    for c in product(range(-reach, reach + 1), repeat=d):
        lead = next((k for k in c if k), 0)
        if lead > 0 and gcd(*c) == 1:
            yield c


def _lattice(d: int) -> Iterator[tuple[sp.Rational, ...]]:
    reach = {1: 40, 2: 8, 3: 3}.get(d, 1)
    yield from product([sp.Rational(k, 2) for k in range(-reach, reach + 1)], repeat=d)


def _is_zero(value: sp.Expr) -> bool:
    return bool(value == 0 or sp.simplify(value) == 0)


def _show(w: Point) -> str:
    return "(" + ", ".join(f"{v} = {value}" for v, value in w.items()) + ")"


def _tuple(direction: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, direction)) + ")"

"""Minima of a potential: found, or verified to be one, with a witness when it is not.

The Laplace expansion is a statement about one nondegenerate minimum w*. `locate` checks, exactly:

* DL(w*) = 0 and H = D²L(w*) positive definite (leading minors). With symbolic coefficients a minor whose sign is undecided is
  *assumed* positive, as the formulas themselves assume; a minor known to be ≤ 0 is refused;
* a polynomial with rational coefficients must not fall to −∞ along a line through w*.

Whether w* is the *global* minimum matters as soon as the posterior over the whole space is meant; `lower_elsewhere` looks for a
witness against it: in one variable a proof (all zeros and turning points of L − L(w*), at a rational w*), in several the lines
through w* with small integer directions, for non-polynomials a lattice around w*. The last two refute but do not prove.

Reading order: `locate`, `lower_elsewhere` (public), `_find`, the refusals.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations, product
from math import gcd, prod
from operator import add, sub
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import Point, exact, point, refuse_nonsmooth

DIVISION_FREE = "berkowitz"  # a determinant that never divides by a pivot, whose vanishing may be hard to see


def locate(loss: sp.Expr, variables: Sequence[sp.Symbol], at: Any = None) -> dict[sp.Symbol, sp.Expr]:
    """The minimum of `loss`: `at` verified, or found when `at` is None.

    Found is the lowest local minimum; in several variables the origin wherever it is one, lowest or not.

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
    at_origin = all(_is_zero(g.subs(origin)) for g in gradient)
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
    if len(variables) == 1:
        (x,) = variables
        roots = dict.fromkeys(sp.Poly(gradient[0], x).real_roots())
        return [{x: r} for r in sorted(roots, key=sp.Abs) if r != 0]
    try:
        solutions = sp.solve_poly_system(gradient, *variables) or []
    except (NotImplementedError, sp.PolynomialError):
        return []
    real = [s for s in solutions if any(s) and all(sp.sympify(c).is_real for c in s)]
    return [{v: s[i] for i, v in enumerate(variables)} for s in real]


def _refuse_noncritical(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point) -> None:
    for v, derivative in zip(variables, _gradient(loss, variables, w), strict=True):
        slope = sp.simplify(derivative)
        if slope.is_finite is False:
            raise BadInput(f"{loss} is not differentiable at {_show(w)}; choose another point")
        if slope != 0:
            raise BadInput(
                f"{_show(w)} is not a critical point of {loss}: its derivative in {v} is {slope} there; "
                "leave at= out to have the minimum found"
            )


def _refuse_degenerate(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point) -> None:
    """Leading principal minors of the Hessian: each must be positive, or undecided for symbolic coefficients."""
    hessian = _hessian(loss, variables, w)
    for last in range(len(variables)):
        minor = sp.simplify(hessian[: last + 1, : last + 1].det(method=DIVISION_FREE))
        if minor.is_positive or (minor.is_positive is None and minor.free_symbols):
            continue
        if _is_zero(hessian.det(method=DIVISION_FREE)):
            raise BadInput(
                f"the Hessian of {loss} at {_show(w)} is degenerate (determinant 0); the Laplace expansion needs a "
                "nondegenerate minimum, a degenerate one belongs to the singular theory"
            )
        kind = "a maximum" if (-hessian).is_positive_definite else "a saddle"
        raise BadInput(
            f"{_show(w)} is {kind} of {loss}, not a minimum: the leading Hessian minor of size {last + 1} is {minor}; "
            "leave at= out to have the minimum found"
        )


def _gradient(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point) -> list[sp.Expr]:
    """DL(w)."""
    if not _is_rational_polynomial(loss, variables):
        return [sp.diff(loss, v).subs(w) for v in variables]
    around = _around(loss, tuple(variables), tuple(w[v] for v in variables))
    return [around.coeff_monomial(v) for v in variables]


def _hessian(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point) -> sp.Matrix:
    """D²L(w)."""
    if not _is_rational_polynomial(loss, variables):
        return sp.hessian(loss, variables).subs(w)
    around = _around(loss, tuple(variables), tuple(w[v] for v in variables))
    return sp.Matrix([[around.coeff_monomial(u * v) * (1 + (u == v)) for v in variables] for u in variables])


def _moved(variables: Sequence[sp.Symbol], w: Point, steps: Sequence[Any]) -> dict[sp.Symbol, sp.Expr]:
    return {v: w[v] + steps[i] for i, v in enumerate(variables)}


def _line(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point, direction: tuple[int, ...]) -> sp.Poly:
    """L(w + s·direction) − L(w), a polynomial in s."""
    around = _around(loss, tuple(variables), tuple(w[v] for v in variables))
    coefficients = defaultdict(lambda: around.domain.zero)
    for powers, c in around.as_dict(native=True).items():
        coefficients[sum(powers),] += c * prod(map(pow, direction, powers))
    if around.domain.is_EX:
        found = {power: sp.expand(around.domain.to_sympy(c)) for power, c in coefficients.items()}
        return sp.Poly(found, sp.Dummy())
    return sp.Poly.from_dict(coefficients, sp.Dummy(), domain=around.domain)


@lru_cache(maxsize=256)
def _around(loss: sp.Expr, variables: tuple[sp.Symbol, ...], w: tuple[sp.Expr, ...]) -> sp.Poly:
    """L(w + x) − L(w), a polynomial in x."""
    there = dict(zip(variables, w, strict=True))
    moved = loss.subs(_moved(variables, there, variables))
    return sp.Poly(sp.expand(moved - loss.subs(there)), *variables)


def _refuse_unbounded(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point, direction: tuple[int, ...]) -> None:
    q = _line(loss, variables, w, direction)
    if not q.is_zero and (q.degree() % 2 or sp.sympify(q.LC()).is_negative):
        raise BadInput(
            f"{loss} is unbounded below: along direction {_tuple(direction)} it behaves as {q.LC()}*s**{q.degree()}; "
            "add a term that grows, or restrict the problem"
        )


def _lower_on_line(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point, direction: tuple[int, ...]) -> str | None:
    """q(s) = L(w + s·direction) − L(w) falls to 0 or below away from s = 0 only if it does so at a zero or a turning point."""
    q = _line(loss, variables, w, direction)
    if q.is_zero or not (q.domain.is_QQ or q.domain.is_ZZ):
        return None
    zeros = [s for s in q.real_roots() if s != 0]
    below = [s for s in q.diff().real_roots() if q.as_expr().subs(q.gen, s).is_negative]
    if not zeros + below:
        return None
    s = min(below or zeros, key=sp.Abs)
    how = "lower than" if below else "as low as"
    return f"the value of {loss} at {_show(_moved(variables, w, [s * c for c in direction]))} is {how} at {_show(w)}"


def _lower_at(loss: sp.Expr, variables: Sequence[sp.Symbol], w: Point, steps: tuple[sp.Rational, ...]) -> str | None:
    p = _moved(variables, w, steps)
    if (loss.subs(p) - loss.subs(w)).is_negative:
        return f"the value of {loss} at {_show(p)} is lower than at {_show(w)}"
    return None


def _directions(d: int) -> Iterator[tuple[int, ...]]:
    """Primitive integer directions up to sign with entries in −2 … 2 (d ≤ 3), −1 … 1 (d = 4, 5), axes and pairs beyond."""
    if d > 5:
        axes = [tuple(int(k == i) for k in range(d)) for i in range(d)]
        yield from axes
        for one, other in combinations(axes, 2):
            yield tuple(map(add, one, other))
            yield tuple(map(sub, one, other))
        return
    reach = 2 if d <= 3 else 1
    primitive = [c for c in product(range(-reach, reach + 1), repeat=d) if gcd(*c) == 1]
    yield from sorted({max(c, tuple(-k for k in c)) for c in primitive})


def _lattice(d: int) -> Iterator[tuple[sp.Rational, ...]]:
    """Steps in ½Z^d with entries up to 20 (d = 1), 4 (d = 2), 3/2 (d = 3) or 1/2 in size."""
    reach = {1: 40, 2: 8, 3: 3}.get(d, 1)
    yield from product([sp.Rational(k, 2) for k in range(-reach, reach + 1)], repeat=d)


def _is_zero(value: sp.Expr) -> bool:
    return sp.simplify(value) == 0


def _show(w: Point) -> str:
    return "(" + ", ".join(f"{v} = {value}" for v, value in w.items()) + ")"


def _tuple(direction: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, direction)) + ")"

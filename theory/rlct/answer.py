"""The public functions: `rlct` of K, `rlct_ideal` of Σ f_i², `rlct_component` of a slice of K, and their result."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.minimum import point as read_point
from theory.rlct import certify, problem
from theory.rlct.bounds import INFINITE, NOTHING, Pair
from theory.rlct.effort import until
from theory.rlct.search import Search

DEFAULT_LIMIT = 60  # seconds
FIRST_ATTEMPT = 3  # seconds in the order of the variables that was given
Progress = Callable[[sp.Rational, sp.Rational, int], None]


@dataclass(frozen=True)
class RLCT:
    """A bracket (λ, m) with its certificate; `exact` when it is closed.

    `value` is λ when lower = upper, else None; `multiplicity` is m when `exact`, else None. `method` says in words how the
    answer was found. `certificate` (plain JSON data, see `theory.rlct.format`) is written when it is first asked for.
    """

    value: sp.Rational | None
    multiplicity: int | None
    exact: bool
    lower: sp.Rational
    upper: sp.Expr
    method: str
    charts: int
    _problem: problem.Problem = field(repr=False, compare=False)
    _search: Search = field(repr=False, compare=False)

    @cached_property
    def certificate(self) -> dict[str, Any]:
        return certify.certificate(self._problem, self._search)


def rlct(
    K: sp.Expr,
    variables: Sequence[sp.Symbol],
    *,
    at: Any = None,
    prior: Any = 1,
    domain: Any = "real",
    time_limit: Any = None,
    progress: Progress | None = None,
) -> RLCT:
    """λ and m of K ≥ 0 at the point `at` (default: the origin), with the prior |w|^h and the domain near the point.

    `domain`: "real" (R^d), "nonnegative" (w ≥ 0), "box" ([0, 1]^d), or {variable: (low, high)} with None for no bound.
    `time_limit` in seconds (None: 60; sympy.oo: none): when it is up, the bracket reached so far is returned with
    exact=False. `progress(lower, upper, nodes)` is called after every step. Raises `BadInput` when K is identically 0, does
    not vanish at the point, takes negative values near it, holds an unknown symbol, or a function for which no comparison
    with a polynomial is proved.
    """
    return _solve(partial(problem.read, None, K, variables, at, prior, domain), time_limit, progress)


def rlct_ideal(
    generators: Sequence[sp.Expr],
    variables: Sequence[sp.Symbol],
    *,
    at: Any = None,
    prior: Any = 1,
    domain: Any = "real",
    time_limit: Any = None,
    progress: Progress | None = None,
) -> RLCT:
    """λ and m of f_1² + … + f_k²: half the real log canonical threshold of the ideal of the f_i. Arguments as in `rlct`."""
    if not len(generators):
        raise BadInput("the list of generators is empty; give at least one function")
    return _solve(partial(problem.read, list(generators), None, variables, at, prior, domain), time_limit, progress)


def rlct_component(
    K: sp.Expr,
    variables: Sequence[sp.Symbol],
    component: Sequence[sp.Symbol],
    *,
    at: Any = None,
    prior: Any = 1,
    domain: Any = "real",
    time_limit: Any = None,
    progress: Progress | None = None,
) -> RLCT:
    """λ_C and m_C of the slice K(u*, ·): the refined learning coefficient of the component C (§4.2.2), the others held at `at`.

    component: the variables of C, some of `variables`. The prior is restricted to the slice, factors of the others at u*. Neither
    λ_C ≤ λ nor λ_C ≥ λ holds in general: (x² + y² + z² − w)² has ½, its slice w = 0 has ¾. Other arguments as in `rlct`.
    Raises `BadInput` as it does, for a component that is empty or not among the variables, and for a prior that vanishes at u*.
    """
    strange = [symbol for symbol in component if symbol not in variables]
    if strange or not component:
        listed = ", ".join(map(str, variables))
        raise BadInput(f"the component {list(map(str, component))} is no part of {listed}; name at least one of these")
    place = read_point(variables, at)
    fixed = {symbol: value for symbol, value in place.items() if symbol not in component}
    density = sp.sympify(prior).subs(fixed)
    if density == 0 or not density.is_finite:
        raise BadInput(
            f"the prior {prior} is {density} on the slice {fixed}; the component has no measure of its own there"
        )
    return rlct(
        sp.sympify(K).subs(fixed),
        component,
        at={symbol: place[symbol] for symbol in component},
        prior=density,
        domain=domain if not isinstance(domain, dict) else {s: ends for s, ends in domain.items() if s in component},
        time_limit=time_limit,
        progress=progress,
    )


def _solve(read: Callable[..., problem.Problem], time_limit: Any, progress: Progress | None) -> RLCT:
    """Search in the given order of the variables for a while, then in another one; the better bracket is the answer."""
    limit = sp.sympify(DEFAULT_LIMIT if time_limit is None else time_limit)
    if not limit.is_extended_nonnegative:
        raise BadInput(
            f"the time limit {time_limit} is not a number of seconds; give a positive number, or sympy.oo for none"
        )
    start = time.monotonic_ns()
    deadline = start + int(limit * 10**9) if limit.is_finite else None
    with until(deadline):
        asked = read()
    best: list[Pair] = [NOTHING, INFINITE]

    def report(lower: Pair, upper: Pair, nodes: int) -> None:
        best[:] = max(best[0], lower), min(best[1], upper)
        if progress:
            progress(_rational(best[0], asked.power), _rational(best[1], asked.power), nodes)

    first = time.monotonic_ns() + FIRST_ATTEMPT * 10**9
    search = Search(asked.stratum, deadline=first if deadline is None else min(first, deadline), progress=report)
    search.run()
    if not search.root.closed and (deadline is None or time.monotonic_ns() < deadline):
        with until(deadline):
            other = read(rearrange=True)
        if other.stratum.ring == asked.stratum.ring:
            search.deadline = deadline
            search.run()
        else:
            again = Search(other.stratum, deadline=deadline, progress=report)
            again.run()
            if again.root.closed or again.root.lower > search.root.lower:
                asked, search = other, again
    return _answer(asked, search)


def _answer(asked: problem.Problem, search: Search) -> RLCT:
    root = search.root
    if asked.power == 1 and search.changes_sign():
        raise BadInput(
            f"{asked.shown} takes negative values near the point (it changes sign there); a threshold needs K >= 0"
        )
    exact = root.closed
    lower, upper = _rational(root.lower, asked.power), _rational(root.upper, asked.power)
    return RLCT(
        value=lower if lower == upper else None,
        multiplicity=-root.upper[1] if exact else None,
        exact=exact,
        lower=lower,
        upper=upper,
        method=_method(search),
        charts=len(search.nodes),
        _problem=asked,
        _search=search,
    )


def _rational(pair: Pair, power: int) -> Any:
    return sp.oo if pair >= INFINITE else sp.Rational(pair[0].numerator, pair[0].denominator * power)


def _method(search: Search) -> str:
    root = search.root
    if not root.closed:
        return f"resolution, {len(search.nodes)} charts, not closed"
    if root.children:
        return f"resolution, {len(search.nodes)} charts"
    changed = any(step["step"] in ("straighten", "implicit") for step in root.steps)
    return "Newton polyhedron after a change of coordinates" if changed else "Newton polyhedron, nondegenerate"

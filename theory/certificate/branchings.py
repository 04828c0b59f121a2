"""Branchings: from the state of a node to the states that its children must have, with no point left out.

blow-up   For weights w > 0 of small coordinates x_1 … x_k the points near 0 are covered by charts x_i = ε x_i^{w_i},
          x_j = x_j x_i^{w_j}: one for every i, and for both ε unless one of them already gives x_i both signs or x_i ≥ 0. The
          charts' points lie on x_i = 0; those in direction x_j ≠ 0 for a j that came earlier are not needed again.
split     The points with q ≠ 0, and those with q = 0.

A child is a table {"node": number, …}; `children` pairs each with the state that its node must start from.

Source: H. Hauser, Resolution of singularities (2003); S. Watanabe (2009), section 3.5 (weighted blow-ups).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from theory.certificate.polynomials import Poly, monomial_map, names_in, parse, primitive
from theory.certificate.refusal import require
from theory.certificate.state import FREE, SMALL, UNIT, State, leave, refine
from theory.certificate.steps import carry_out_at_zeros
from theory.certificate.units import norm

MAX_WEIGHT = 1_000


def children(state: State, branch: Any, listed: Any) -> list[tuple[Any, State]]:
    """The children as claimed, each with the state found for it; refused when they leave out a point."""
    require(isinstance(branch, dict) and isinstance(listed, list), "a branching is not a table with a list of children")
    require(all(isinstance(child, dict) for child in listed), "a child is not a table")
    if branch.get("branch") == "blow-up":
        return _blow_up(state, branch.get("weights"), listed)
    require(branch.get("branch") == "split", "unknown branching")
    return _split(state, branch, listed)


def _blow_up(state: State, weights: Any, listed: list[Any]) -> list[tuple[Any, State]]:
    require(isinstance(weights, dict) and len(weights) > 0, "a blow-up has no weights")
    for n, w in weights.items():
        require(n in state.of(SMALL), f"{n!r:.40} is blown up, but is not small")
        require(isinstance(w, int) and not isinstance(w, bool) and 0 < w <= MAX_WEIGHT, "a weight is not a number > 0")
    signed = bool(state.sign & weights.keys())
    needed = {n: [1, -1] if n not in state.sign and (w % 2 == 0 or signed) else [1] for n, w in weights.items()}
    seen: dict[str, set[int]] = {n: set() for n in weights}
    found = []
    for child in listed:
        chart, sign, small = child.get("chart"), child.get("sign"), child.get("small", [])
        require(isinstance(chart, str) and chart in weights, "a chart is not one of the blown-up coordinates")
        require(isinstance(sign, int) and sign in needed[chart] and sign not in seen[chart], "a chart has a wrong sign")
        require(isinstance(small, list) and chart not in small, "the small directions of a chart are not a list")
        done = [n for n in weights if seen[n] == set(needed[n])]
        require(all(n in done for n in small), "a chart leaves out a direction that did not come earlier")
        seen[chart].add(sign)
        found.append((child, _chart(state, weights, (chart, sign), small, signed)))
    require(all(seen[n] == set(needed[n]) for n in weights), "a chart of a blow-up is missing")
    return found


def _chart(state: State, weights: Mapping[str, int], at: tuple[str, int], small: list[str], signed: bool) -> State:
    """The state in the chart x_i = ε x_i^{w_i}, x_j = x_j x_i^{w_j}."""
    chart, sign = at
    images = {n: (1, {n: 1, chart: w}) for n, w in weights.items()}
    images[chart] = (sign, {chart: weights[chart]})

    def up(p: Poly) -> Poly:
        return monomial_map(p, images)

    h = sum((w * (state.jacobian.get(n, Fraction(0)) + 1) for n, w in weights.items()), Fraction(-1))
    e = sum(w * state.factor.get(n, 0) for n, w in weights.items())
    return refine(
        state.but(
            kind={**state.kind, **{n: SMALL if n == chart or n in small else FREE for n in weights}},
            roots={n: up(p) for n, p in state.roots.items()},
            jacobian=leave(state.jacobian, chart) | ({chart: h} if h else {}),
            sign=state.sign | ({chart} if signed else set()),
            factor=leave(state.factor, chart) | ({chart: e} if e else {}),
            generators={i: up(g) for i, g in state.generators.items()},
            nonzero=tuple(map(up, state.nonzero)),
            positive=tuple(map(up, state.positive)),
        )
    )


def _split(state: State, branch: Any, listed: list[Any]) -> list[tuple[Any, State]]:
    q = parse(state.ring, branch.get("on"))
    steps = branch.get("steps", [])
    require(len(listed) == 2 and isinstance(steps, list), "a split has not two children")
    others, zeros = listed
    for child, key in ((others, "nonzero"), (zeros, "zero")):
        require(key in child and parse(state.ring, child[key]) == q, f"a child of a split is not the one with {key}")
    require(
        names_in(q) <= state.kind.keys() and state.on(q) == q and not q.is_constant(), "a split is not on the stratum"
    )
    alone = next((n for n in state.of(FREE) if names_in(q) == {n} and len(q) == 1 and q.total_degree() == 1), None)
    if alone is not None:
        require(not steps, "a split on a coordinate has a step")
        apart = state.but(
            kind={**state.kind, alone: UNIT},
            factor=leave(state.factor, alone),
            jacobian=leave(state.jacobian, alone),
        )
        uncertain = state.uncertain or alone in state.shadowed
        at_zeros = state.but(kind={**state.kind, alone: SMALL}, uncertain=uncertain)
        return [(others, refine(apart)), (zeros, refine(at_zeros))]
    require(len(steps) == 1, "a split has not one step")
    # Where q is 0 at all points, none are left; with dependent quantities only the norm tells.
    empty = bool(names_in(q) & state.roots.keys()) and not norm(state, state.on(state.reduce(q)))
    apart = state.but(nonzero=(*state.nonzero, primitive(q)), uncertain=state.uncertain or empty)
    return [(others, refine(apart)), (zeros, carry_out_at_zeros(state, steps[0], q))]

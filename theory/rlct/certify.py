"""Write the certificate of a search: the nodes that the two bounds need, as plain data (see `theory.rlct.format`)."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from theory.rlct import linear
from theory.rlct.bounds import INFINITE, Pair, lower_costs, witness
from theory.rlct.format import FORMAT
from theory.rlct.polynomials import text
from theory.rlct.problem import Problem
from theory.rlct.search import Node, Search
from theory.rlct.stratum import ABSENT, FREE, SMALL, Stratum


def certificate(problem: Problem, search: Search) -> dict[str, Any]:
    """The certificate of a finished (or interrupted) search."""
    root = search.root
    needed: dict[int, Node] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if node.number not in needed:
            needed[node.number] = node
            if node.own[0] < root.lower:
                stack += node.children
    upper = upper_proof(search)
    for number, _ in upper.get("path", []) if upper else []:
        needed[number] = search.nodes[number]
    if upper:
        needed[upper["node"]] = search.nodes[upper["node"]]
    for node in list(needed.values()):  # an upper path may pass through a node whose children are not needed otherwise
        for child in node.children if node.number in {k for k, _ in (upper or {}).get("path", [])} else ():
            needed.setdefault(child.number, child)
    result = {
        "format": FORMAT,
        "variables": [v.name for v in problem.variables],
        "names": list(problem.stratum.ring.names),
        "point": {v.name: str(c) for v, c in problem.point.items()},
        "orientation": {v.name: k for v, k in problem.orientation.items()},
        "numbers": problem.numbers,
        "generators": {str(j): text(g) for j, g in problem.stratum.generators.items()},
        "power": problem.power,
        "relation": problem.relation,
        "root": 0,
        "nodes": [describe(needed[k], set(needed)) for k in sorted(needed)],
        "lower": bound(root.lower, problem.power),
        "upper": bound(root.upper, problem.power),
        "exact": root.closed,
    }
    if upper:
        result["upper_proof"] = upper
    return result


def bound(pair: Pair, power: int) -> dict[str, Any]:
    if pair >= INFINITE:
        return {"value": "infinite", "multiplicity": 1}
    return {"value": str(pair[0] / power), "multiplicity": -pair[1]}


def describe(node: Node, kept: set[int]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "number": node.number,
        "given": state(node.given),
        "steps": [plain(step) for step in node.steps],
        "result": state(node.simple),
        "lower": plain(node.sublevel) if node.sublevel else lower_proof(node.simple),
    }
    if node.children and all(c.number in kept for c in node.children):
        found["branch"] = plain(node.branch)
        found["children"] = [
            {"node": c.number, **plain(edge)} for c, edge in zip(node.children, node.edges, strict=True)
        ]
    return found


def state(s: Stratum) -> dict[str, Any]:
    names = s.ring.names
    return {
        "kind": {x: k for x, k in zip(names, s.kind, strict=True) if k != ABSENT},
        "roots": {names[i]: text(r) for i, r in s.roots.items()},
        "jacobian": {x: str(h) for x, h in zip(names, s.jacobian, strict=True) if h},
        "sign": [x for x, k in zip(names, s.sign, strict=True) if k],
        "factor": {x: int(e) for x, e in zip(names, s.factor, strict=True) if e},
        "generators": {str(j): text(g) for j, g in s.generators.items()},
        "nonzero": [text(q) for q in s.nonzero],
        "positive": [text(q) for q in s.positive],
        "shadowed": [names[i] for i in sorted(s.shadowed)],
        "uncertain": s.uncertain,
    }


def plain(value: Any) -> Any:
    """JSON data: polynomials and rationals become strings."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    return str(value) if isinstance(value, Fraction) else text(value)


def lower_proof(s: Stratum) -> dict[str, Any]:
    if s.empty:
        return {"value": "infinite", "multiplicity": 1, "dual": {}}
    variables = s.where(SMALL, FREE)
    costs = lower_costs(s, variables)
    rows = {j: tuple(m[i] + s.factor[i] for i in variables) for j, m in s.monomials.items()}
    minimal = linear.minimal(list(rows.values()))
    found = linear.solve(minimal, costs)
    if found is None:
        return {"value": "infinite", "multiplicity": 1, "dual": {}}
    number = {row: j for j, row in rows.items()}
    dual = {str(number[row]): str(y) for row, y in zip(minimal, found.dual, strict=True) if y}
    m = len(variables) + 1 if not minimal else found.multiplicity
    return {"value": str(found.value), "multiplicity": m, "dual": dual}


def upper_proof(search: Search) -> dict[str, Any] | None:
    """The path to a node whose own upper bound is that of the root, and the primal solution there."""
    target = search.root.upper
    path: list[list[int]] = []
    node = search.root
    while node.own[1] != target:
        step = next(((k, c) for k, c in enumerate(node.children) if c.upper == target), None)
        if step is None:
            return None
        path.append([node.number, step[0]])
        node = step[1]
    s = node.simple
    if target >= INFINITE or not s.generators:
        return None
    for label, kinds in (("generic", (SMALL,)), ("origin", (SMALL, FREE))):
        point = witness(s, kinds)
        if point is None:
            continue
        variables = s.where(*kinds)
        rows = linear.minimal(
            [tuple(v[i] + s.factor[i] for i in variables) for g in s.generators.values() for v in _exponents(g)]
        )
        costs = [s.jacobian[i] + 1 for i in variables]
        found = linear.solve(rows, costs)
        if found and (found.value, -found.multiplicity) == target:
            u = linear.interior(rows, costs, found)
            return {
                "path": path, "node": node.number, "at": label,
                "point": {x: str(v) for x, v in point.items()},
                "primal": {s.ring.names[i]: str(a) for i, a in zip(variables, u, strict=True)},
                "value": str(found.value), "multiplicity": found.multiplicity,
            }  # fmt: skip
    return None


def _exponents(g: Any) -> Sequence[tuple[int, ...]]:
    return [tuple(map(int, v)) for v in g.monoms()]

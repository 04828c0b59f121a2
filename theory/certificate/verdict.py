"""The whole certificate: root, nodes, bounds, and what follows from them.

Order of the checks: the data can be read; the root's state is that of the problem; in every node the steps lead from `given` to
`result` and the lower bound of `result` is proved; every branching leaves out no point and its children start from the states
found; the nodes form no cycle; the lower bound at the root is at least the one claimed; the path of the upper bound leads
to a stratum that has points, and its bound is proved; `exact` is true if and only if the two agree.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from theory.certificate import branchings, programme
from theory.certificate.polynomials import Ring, make_ring
from theory.certificate.programme import Pair
from theory.certificate.refusal import Clock, Refused, field, require
from theory.certificate.state import State, read, renamed, require_same, used
from theory.certificate.statement import Problem, require_root
from theory.certificate.steps import carry_out

FORMAT = "threefold-rlct/1"
MAX_NODES = 20_000
MAX_STEPS = 2_000
SECONDS = 600
TOP = [
    "format",
    "variables",
    "names",
    "point",
    "orientation",
    "power",
    "relation",
    "generators",
    "numbers",
    "root",
    "nodes",
    "lower",
    "upper",
    "exact",
    "upper_proof",
]


class Report(NamedTuple):
    """`accepted`, and otherwise the first thing that is not verified (`reason`) and the node where (None: at the top)."""

    accepted: bool
    reason: str
    node: int | None


class _Node(NamedTuple):
    number: int
    given: State
    result: State
    lower: Pair
    branch: Any
    children: Any


def report(
    certificate: Any, K: Any, variables: Any = None, *, at: Any = None, prior: Any = 1, domain: Any = "real"
) -> Report:
    """Like `check`, with the reason for a refusal."""
    where: list[int | None] = [None]
    try:
        _verify(certificate, Problem(K, variables, at, prior, domain), where)
    except Refused as refusal:
        return Report(False, str(refusal), where[0])
    except RecursionError:
        return Report(False, "the certificate is nested too deeply", where[0])
    except Exception as error:  # Total on any data: whatever cannot be treated is not verified.
        return Report(False, f"the certificate cannot be read ({type(error).__name__}: {error!s:.200})", where[0])
    return Report(True, "", None)


def check(
    certificate: Any, K: Any, variables: Any = None, *, at: Any = None, prior: Any = 1, domain: Any = "real"
) -> bool:
    """True when the certificate proves its bounds for K (an expression, or generators g_j of K = Σ g_j²).

    `variables`: the symbols in the order of the certificate (None: those of K, by name); `at`, `prior`, `domain` as for
    `theory.rlct.rlct`. Never raises: whatever is not understood or not verified is not accepted; `report` says what it was.
    """
    return report(certificate, K, variables, at=at, prior=prior, domain=domain).accepted


def _verify(certificate: Any, problem: Problem, where: list[int | None]) -> None:
    clock = Clock(SECONDS)
    require(
        isinstance(certificate, dict) and certificate.get("format") == FORMAT,
        "this is not a certificate of this format",
    )
    require(set(certificate) <= set(TOP), "the certificate has unknown fields")
    require(isinstance(certificate.get("names"), list), "the names are not a list")
    require(isinstance(certificate.get("exact"), bool), "exact is not true or false")
    ring = make_ring(certificate["names"])
    nodes = _read_nodes(ring, certificate.get("nodes"), clock, where)
    root = field(certificate, "root", int)
    require(root in nodes, "there is no root node")
    require_same(_top_state(ring, certificate, nodes[root]), nodes[root].given, "root", numbered=True)
    power = require_root(certificate, nodes[root].given, problem)
    edges = {n: _edges(node, nodes, clock, where) for n, node in nodes.items()}
    where[0] = None
    _require_bounds(certificate, nodes, edges, power)


def _top_state(ring: Ring, certificate: Mapping[str, Any], root: _Node) -> State:
    """The root's state with the generators of the top level."""
    generators = field(certificate, "generators", dict)
    plain = {key: {} for key in ("kind", "roots", "jacobian", "factor")}
    lists: dict[str, Any] = {key: [] for key in ("sign", "nonzero", "positive", "shadowed")}
    kinds = dict.fromkeys(ring.names(), "small")
    top = read(ring, {**plain, **lists, "kind": kinds, "generators": generators, "uncertain": False})
    return root.given.but(generators=top.generators)


def _read_nodes(ring: Ring, data: Any, clock: Clock, where: list[int | None]) -> dict[int, _Node]:
    require(isinstance(data, list) and 0 < len(data) <= MAX_NODES, "the nodes are not a list of reasonable length")
    nodes: dict[int, _Node] = {}
    for entry in data:
        require(isinstance(entry, dict), "a node is not a table")
        number = entry.get("number")
        require(
            isinstance(number, int) and not isinstance(number, bool) and number not in nodes,
            "a node has no number of its own",
        )
        where[0] = number
        required, more = {"number", "given", "steps", "result", "lower"}, {"branch", "children"}
        require(set(entry) in (required, required | more), "a node has other fields than it should")
        given, result = read(ring, entry["given"]), read(ring, entry["result"])
        require(isinstance(entry["steps"], list) and len(entry["steps"]) <= MAX_STEPS, "the steps are not a list")
        state = given
        for step in entry["steps"]:
            clock.tick()
            state = carry_out(state, step)
        require_same(state, result, "result", numbered=True)
        lower = programme.lower_bound(result, entry["lower"])
        nodes[number] = _Node(number, given, result, lower, entry.get("branch"), entry.get("children"))
    return nodes


def _edges(node: _Node, nodes: Mapping[int, _Node], clock: Clock, where: list[int | None]) -> list[int]:
    """The numbers of the children, each of which starts from the state found for it."""
    if node.branch is None:
        return []
    where[0] = node.number
    found = []
    for child, state in branchings.children(node.result, node.branch, node.children):
        clock.tick()
        number = child.get("node")
        require(isinstance(number, int) and number in nodes, "a child is no node")
        if "rename" in child:
            require_same(renamed(used(state), child), used(nodes[number].given), f"child {number}", numbered=False)
        else:
            require("negate" not in child, "a child is negated without being renamed")
            require_same(used(state), used(nodes[number].given), f"child {number}", numbered=False)
        found.append(number)
    return found


def _require_bounds(
    certificate: Mapping[str, Any], nodes: Mapping[int, _Node], edges: Mapping[int, list[int]], power: int
) -> None:
    values = _values(nodes, edges)
    lower, upper = programme.read_pair(certificate.get("lower")), programme.read_pair(certificate.get("upper"))
    found = _of_function(values[certificate["root"]], power)
    require(lower.key() <= found.key(), "the lower bound is not proved by the nodes")
    proof = certificate.get("upper_proof")
    if proof is None:
        require(upper.value is None, "there is no proof of the upper bound")
    else:
        require(isinstance(proof, dict), "the proof of the upper bound is not a table")
        at = _followed(certificate["root"], proof, nodes, edges)
        bound = _of_function(programme.upper_bound(nodes[at].result, proof), power)
        require(bound.key() <= upper.key(), "the upper bound is not proved")
    require(lower.key() <= upper.key(), "the lower bound is above the upper bound")
    require(certificate["exact"] == (lower == upper), "exact is not what the bounds say")


def _of_function(pair: Pair, power: int) -> Pair:
    return Pair(None if pair.value is None else pair.value / Fraction(power), pair.multiplicity)


def _values(nodes: Mapping[int, _Node], edges: Mapping[int, list[int]]) -> dict[int, Pair]:
    """The bound of each node: its own, or the least of its children's when that is more."""
    values: dict[int, Pair] = {}
    state: dict[int, bool] = {}
    for start in nodes:
        stack = [start]
        while stack:
            n = stack[-1]
            if n in values:
                stack.pop()
            elif n not in state:
                state[n] = True
                require(all(c in values or c not in state for c in edges[n]), "the nodes form a cycle")
                stack += [c for c in edges[n] if c not in values]
            else:
                require(all(c in values for c in edges[n]), "the nodes form a cycle")
                below = [values[c] for c in edges[n]]
                own = nodes[n].lower
                values[n] = max([own, min(below, key=Pair.key)], key=Pair.key) if below else own
                stack.pop()
    return values


def _followed(root: int, proof: Mapping[str, Any], nodes: Mapping[int, _Node], edges: Mapping[int, list[int]]) -> int:
    """The node at the end of the path of the upper bound."""
    path = field(proof, "path", list)
    require(len(path) <= len(nodes), "the path of the upper bound is too long")
    at = root
    for entry in path:
        require(
            isinstance(entry, list | tuple) and len(entry) == 2 and entry[0] == at,
            "the path of the upper bound is broken",
        )
        k = entry[1]
        require(
            isinstance(k, int) and not isinstance(k, bool) and 0 <= k < len(edges[at]),
            "the path of the upper bound is broken",
        )
        at = edges[at][k]
    require(proof.get("node") == at, "the path of the upper bound ends at another node")
    return at

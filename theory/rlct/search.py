"""Best-first branch and bound over strata: a bracket at any time, an exact answer when it closes.

The value of a node is the least value of its children, so its bracket is (least lower, least upper). The node to open next
is found from the root by going to a child with the least lower bound: only such nodes can raise the bound of the root, and
those whose lower bound is no smaller than the upper bound of the root are never opened.

A stratum isomorphic to one that is known already (and is not an ancestor) becomes a second parent of that node.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from theory.rlct import blowup, branching, dependent
from theory.rlct.canonical import canonical
from theory.rlct.polynomials import Poly
from theory.rlct.reduce import simplify, triangular
from theory.rlct.steps import Step
from theory.rlct.stratum import INFINITE, NOTHING, Pair, Stratum, lower_bound, upper_bound


@dataclass
class Node:
    """A stratum as it arose, the steps that simplified it, and the branching below it."""

    number: int
    given: Stratum
    depth: int
    parents: list["Node"] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    simple: Stratum | None = None  # after the steps
    lower: Pair = NOTHING
    upper: Pair = INFINITE
    own: tuple[Pair, Pair] = (NOTHING, INFINITE)  # bounds of the stratum itself, whatever its children say
    branch: dict[str, Any] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)  # for each child: its label, and a renaming if shared
    stuck: bool = False

    @property
    def closed(self) -> bool:
        return self.lower >= self.upper


class Search:
    """The tree under one stratum; `run` opens nodes until the root closes or the time is up."""

    def __init__(self, root: Stratum, *, deadline: int | None = None, progress: Callable[..., None] | None = None):
        self.nodes: list[Node] = []
        self.known: dict[Any, tuple[Node, list[int], frozenset[int]]] = {}
        self.deadline, self.progress = deadline, progress
        self.root = self._node(root, 0)
        self._prepare(self.root)

    def run(self) -> Node:
        root = self.root
        while not root.closed:
            if self._late():
                break
            node = self._next()
            if node is None:
                break
            self._expand(node)
            if self.progress:
                self.progress(lower=root.lower, upper=root.upper, nodes=len(self.nodes))
        return root

    def _late(self) -> bool:
        return self.deadline is not None and time.monotonic_ns() > self.deadline

    def changes_sign(self) -> bool:
        """Whether a stratum shows that a single generator changes sign: an odd power of a coordinate times a unit."""
        for node in self.nodes:
            s = node.simple
            if s is None or s.uncertain or len(s.generators) != 1 or s.polynomials or s.positive:
                continue
            (exponents,) = s.monomials.values()
            odd = (e + a for i, (e, a) in enumerate(zip(s.factor, exponents, strict=True)) if not s.sign[i])
            if any(k % 2 for k in odd):
                return True
        return False

    def _node(self, stratum: Stratum, depth: int) -> Node:
        node = Node(len(self.nodes), stratum, depth)
        self.nodes.append(node)
        return node

    def _prepare(self, node: Node) -> None:
        """Simplify the stratum and bound it."""
        s = node.given.copy()
        node.steps = simplify(s, self._late)
        node.own = lower_bound(s), upper_bound(s)
        if s.polynomials and node.own[0] < node.own[1]:
            further = s.copy()
            steps = triangular(further, self._late)
            own = lower_bound(further), upper_bound(further)
            better = own[0] >= node.own[0] and own[1] <= node.own[1]
            if steps and better and (own != node.own or branching.splitters(further)):
                s, node.own = further, own
                node.steps += steps
        node.simple = s
        node.lower = max(node.lower, node.own[0])
        node.upper = min(node.upper, node.own[1])

    def _next(self) -> Node | None:
        """The open node with the least lower bound; None when all nodes that matter are stuck."""
        top = self.root.upper
        node = self.root
        if self._done(node, top):
            return None
        while node.children:
            open_children = [c for c in node.children if not self._done(c, top)]
            if not open_children:
                return None
            node = min(open_children, key=lambda c: (c.lower, c.depth, c.number))
        return node

    def _done(self, node: Node, top: Pair) -> bool:
        if node.closed or node.stuck or node.lower >= top:
            return True
        return bool(node.children) and all(self._done(c, top) for c in node.children)

    def _expand(self, node: Node) -> None:
        found = None if node.simple and _exhausted(node.simple, node.own[0]) else self._branch(node)
        if found is None:
            node.stuck = True
            return
        node.branch, children = found
        for child in children:
            self._attach(node, child)
        self._update(node)

    def _branch(self, node: Node) -> tuple[dict[str, Any], list[blowup.Child]] | None:
        s = node.simple
        assert s is not None
        wanted = branching.splitters(s)
        for q in [*wanted, *(p for w in wanted for p in branching.hurdles(s, w))]:
            found = dependent.split_repeated(s, q) or blowup.split(s, q) or dependent.split_implicit(s, q)
            if found:
                return _split_branch(q, *found)
        for q in wanted:
            found = dependent.split_dependent(s, q)
            if found:
                return _split_branch(q, *found)
        proposals = branching.blowups(s)
        if proposals:
            return self._blow_up(
                s, min(proposals, key=lambda w: _outlook(s, w, self._late)) if len(proposals) > 1 else proposals[0]
            )
        for q in branching.free_coordinates(s):
            found = blowup.split(s, q)
            if found:
                return _split_branch(q, *found)
        return None

    def _blow_up(self, s: Stratum, weights: branching.Weights) -> tuple[dict[str, Any], list[blowup.Child]]:
        children: list[blowup.Child] = []
        seen: list[int] = []
        full: set[Any] = set()
        for i in weights:
            for child in blowup.charts(s, weights, i):
                key = canonical(child.stratum)
                if key and key[0] in full:
                    children.append(child)  # shared with an earlier chart
                    continue
                if seen:
                    child = blowup.restrict_chart(child, seen)
                elif key:
                    full.add(key[0])
                children.append(child)
            seen.append(i)
        names = s.ring.names
        return {"branch": "blow-up", "weights": {names[i]: w for i, w in weights.items()}}, children

    def _attach(self, node: Node, child: blowup.Child) -> None:
        key = canonical(child.stratum)
        if key is not None and key[0] in self.known:
            other, order, flips = self.known[key[0]]
            if not self._above(other, node):
                names = node.given.ring.names
                pairs = list(zip(key[1], order, strict=True))
                renaming = {names[a]: names[b] for a, b in pairs}
                negated = [names[a] for a, b in pairs if (a in key[2]) != (b in flips)]
                node.children.append(other)
                node.edges.append({**child.label, "rename": renaming, "negate": negated})
                other.parents.append(node)
                return
        new = self._node(child.stratum, node.depth + 1)
        new.parents.append(node)
        new.lower = max(NOTHING, node.own[0])
        node.children.append(new)
        node.edges.append(child.label)
        if key is not None:
            self.known.setdefault(key[0], (new, key[1], key[2]))
        self._prepare(new)

    def _above(self, candidate: Node, node: Node) -> bool:
        """Whether `candidate` is `node` or one of its ancestors."""
        stack, seen = [node], set()
        while stack:
            current = stack.pop()
            if current is candidate:
                return True
            if current.number not in seen:
                seen.add(current.number)
                stack += current.parents
        return False

    def _update(self, node: Node) -> None:
        """Carry bounds from the children up to the root."""
        stack = [node]
        while stack:
            current = stack.pop()
            lower = max(current.own[0], min(c.lower for c in current.children))
            upper = min(current.own[1], min(c.upper for c in current.children))
            if lower > current.lower or upper < current.upper:
                current.lower, current.upper = max(lower, current.lower), min(upper, current.upper)
                stack += current.parents


def _exhausted(s: Stratum, lower: Pair) -> bool:
    """Whether an uncertain stratum, if it has points, attains its lower bound: then no branching can help."""
    if not s.uncertain:
        return False
    certain = s.copy()
    certain.uncertain, certain.positive, certain.shadowed = False, [], frozenset()
    return lower >= upper_bound(certain)


def _outlook(s: Stratum, weights: branching.Weights, late: Callable[[], bool]) -> tuple[int, int]:
    """How complicated the charts of a blow-up are once they are simplified: several-term generators, and their size."""
    known: dict[Any, tuple[int, int]] = {}
    scores = []
    for i in weights:
        if late():
            break
        chart = blowup.charts(s, weights, i)[0].stratum
        key = canonical(chart)
        if key is None or key[0] not in known:
            simplify(chart, late)
            triangular(chart, late)
            left = chart.polynomials
            size = sum(len(chart.generators[j]) * int(chart.generators[j].total_degree()) for j in left)
            scores.append((len(left), size))
            if key:
                known[key[0]] = scores[-1]
        else:
            scores.append(known[key[0]])
    return sum(many for many, _ in scores), sum(size for _, size in scores)


def _split_branch(
    q: Poly, children: list[blowup.Child], steps: list[Step]
) -> tuple[dict[str, Any], list[blowup.Child]]:
    return {"branch": "split", "on": q, "steps": steps}, children

"""Best-first branch and bound over strata: a bracket at any time, an exact answer when it closes.

The value of a node is the least value of its children, so its bracket is (least lower, least upper). The node to open next
is found from the root by going to a child with the least lower bound: only such nodes can raise the bound of the root, and
those whose lower bound is no smaller than the upper bound of the root are never opened.

A stratum isomorphic to one that is known already (and is not an ancestor) becomes a second parent of that node.

When the time is up in the middle of a piece of work, that work is left undone: a node is branched completely or not at all, and
a stratum that could not be simplified stays as it arose (not `ready`), with the lower bound of its parent.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from theory.rlct import blowup, branching, dependent
from theory.rlct.bounds import INFINITE, NOTHING, Pair, lower_bound, upper_bound
from theory.rlct.canonical import canonical
from theory.rlct.effort import OutOfTime, TooLarge, attempt, late, until
from theory.rlct.polynomials import Poly
from theory.rlct.reduce import simplify, triangular
from theory.rlct.steps import Step
from theory.rlct.stratum import Stratum
from theory.rlct.sublevel import sublevel_bound
from theory.rlct.tidy import clean

LAST_WORDS = 2 * 10**8  # nanoseconds for a bound of the root when the time is up
Branch = tuple[dict[str, Any], list[blowup.Child]]


@dataclass
class Node:
    """A stratum as it arose, the steps that simplified it, and the branching below it."""

    number: int
    given: Stratum
    depth: int
    parents: list["Node"] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    simple: Stratum = field(init=False)  # after the steps
    ready: bool = False  # whether it has been simplified
    lower: Pair = NOTHING
    upper: Pair = INFINITE
    own: tuple[Pair, Pair] = (NOTHING, INFINITE)  # bounds of the stratum itself, whatever its children say
    branch: dict[str, Any] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)  # for each child: its label, and a renaming if shared
    stuck: bool = False
    sublevel: dict[str, Any] = field(default_factory=dict)  # a lower bound by derivatives, where that is better

    def __post_init__(self) -> None:
        self.simple = self.given.copy()

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
        self.root.own = self.root.lower, self.root.upper = lower_bound(root), upper_bound(root)

    def run(self) -> Node:
        root = self.root
        with until(self.deadline):
            while not root.closed and not late():
                node = self._next()
                if node is None:
                    break
                try:
                    self._expand(node)
                except OutOfTime:
                    break
                if self.progress:
                    self.progress(lower=root.lower, upper=root.upper, nodes=len(self.nodes))
        if not root.closed:
            with until(time.monotonic_ns() + LAST_WORDS):
                self._bound_by_derivatives(root)
        return root

    def changes_sign(self) -> bool:
        """Whether a stratum shows that a single generator changes sign: an odd power of a coordinate times a unit."""
        for node in self.nodes:
            s = node.simple
            if s.uncertain or s.empty or len(s.generators) != 1 or s.polynomials or s.positive:
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
        found = attempt(_simplified, node.given) or attempt(_cleaned, node.given) or _untouched(node.given)
        node.simple, node.steps, node.own = found
        node.ready = True
        node.lower, node.upper = node.own  # what the strata before simplification would give is not what is proved

    def _next(self) -> Node | None:
        """The open node with the least lower bound; None when all nodes that matter are stuck."""
        top = self.root.upper
        node = self.root
        if self._done(node, top):
            return None
        while node.children:
            open_children = (c for c in node.children if not self._done(c, top))  # some, for the node is not done
            node = min(open_children, key=lambda c, least=node.own[0]: (max(c.lower, least), c.depth, c.number))
        return node

    def _done(self, node: Node, top: Pair) -> bool:
        if node.closed or node.stuck or node.lower >= top:
            return True
        return bool(node.children) and all(self._done(c, top) for c in node.children)

    def _expand(self, node: Node) -> None:
        if not node.ready:
            self._prepare(node)
            self._carry(node.parents)
            return
        found = None if _exhausted(node.simple, node.own[0]) else attempt(self._branch, node)
        if found is None:
            node.stuck = True
            self._bound_by_derivatives(node)
            return
        node.branch, children = found
        fresh = [new for child in children if (new := self._attach(node, child))]
        try:
            for new in fresh:
                self._prepare(new)
        finally:
            self._carry([node])

    def _bound_by_derivatives(self, node: Node) -> None:
        """Raise the lower bound of a node that is not resolved, where that helps."""
        try:
            found = attempt(sublevel_bound, node.simple)
        except OutOfTime:
            return
        if found and found[0] > node.own[0]:
            node.sublevel = found[1]
            node.own = found[0], node.own[1]
            node.lower = max(node.lower, node.own[0])
            self._carry(node.parents)

    def _branch(self, node: Node) -> Branch | None:
        s = node.simple
        wanted = branching.splitters(s)
        for q in [*wanted, *(p for w in wanted for p in branching.hurdles(s, w))]:
            for way in (dependent.split_repeated, blowup.split, dependent.split_implicit):
                found = attempt(way, s, q)
                if found:
                    return _split_branch(q, *found)
        for q in wanted:
            found = attempt(dependent.split_dependent, s, q)
            if found:
                return _split_branch(q, *found)
        proposals = branching.blowups(s)
        ranked = sorted(proposals, key=lambda w: _outlook(s, w)) if len(proposals) > 1 else proposals
        for weights in ranked:
            found = attempt(self._blow_up, s, weights)
            if found:
                return found
        for q in branching.free_coordinates(s):
            found = attempt(blowup.split, s, q)
            if found:
                return _split_branch(q, *found)
        return None

    def _blow_up(self, s: Stratum, weights: branching.Weights) -> Branch:
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

    def _attach(self, node: Node, child: blowup.Child) -> Node | None:
        """Make the child a node, and return it; None where it is one that is known."""
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
                return None
        new = self._node(child.stratum, node.depth + 1)
        new.parents.append(node)
        node.children.append(new)
        node.edges.append(child.label)
        if key is not None:
            self.known.setdefault(key[0], (new, key[1], key[2]))
        return new

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

    def _carry(self, nodes: list[Node]) -> None:
        """Carry bounds from the children of these nodes up to the root."""
        stack = nodes[:]
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


def _simplified(given: Stratum) -> tuple[Stratum, list[Step], tuple[Pair, Pair]]:
    s = given.copy()
    steps = simplify(s)
    own = lower_bound(s), upper_bound(s)
    if s.polynomials and own[0] < own[1]:
        further = s.copy()
        more = attempt(triangular, further)
        if more:
            bounds = lower_bound(further), upper_bound(further)
            better = bounds[0] >= own[0] and bounds[1] <= own[1]
            if better and (bounds != own or branching.splitters(further)):
                return further, steps + more, bounds
    return s, steps, own


def _cleaned(given: Stratum) -> tuple[Stratum, list[Step], tuple[Pair, Pair]]:
    s = given.copy()
    steps = clean(s)
    return s, steps, (lower_bound(s), upper_bound(s))


def _untouched(given: Stratum) -> tuple[Stratum, list[Step], tuple[Pair, Pair]]:
    return given.copy(), [], (lower_bound(given), INFINITE)


def _outlook(s: Stratum, weights: branching.Weights) -> tuple[int, int]:
    """How complicated the charts of a blow-up are once they are simplified: several-term generators, and their size."""
    known: dict[Any, tuple[int, int]] = {}
    scores = []
    for i in weights:
        try:
            chart = blowup.charts(s, weights, i)[0].stratum
            key = canonical(chart)
            if key is None or key[0] not in known:
                simplify(chart)
                triangular(chart)
        except TooLarge:
            return 10**9, 10**9
        if key is None or key[0] not in known:
            left = chart.polynomials
            size = sum(len(chart.generators[j]) * int(chart.generators[j].total_degree()) for j in left)
            scores.append((len(left), size))
            if key:
                known[key[0]] = scores[-1]
        else:
            scores.append(known[key[0]])
    return sum(many for many, _ in scores), sum(size for _, size in scores)


def _split_branch(q: Poly, children: list[blowup.Child], steps: list[Step]) -> Branch:
    return {"branch": "split", "on": q, "steps": steps}, children

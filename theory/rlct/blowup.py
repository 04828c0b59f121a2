"""Weighted blow-ups and splittings: how one stratum becomes several, with the cover written down.

**Blow-up** with weights w on a set C of small coordinates. In the chart of i ∈ C and sign ε

    x_i = ε s^{w_i},    x_j = s^{w_j} t_j   (j ∈ C, j ≠ i),        measure  |s|^{Σ_C w_j (h_j+1) − 1} Π |t_j|^{h_j} ds dt.

Where |x_i|^{1/w_i} is the largest of its kind all |t_j| ≤ 1, so the charts cover a neighbourhood, and the value of the stratum is
the least value over the points s = 0 of all charts. ε = −1 is needed only when w_i is even, or when s is restricted to
s ≥ 0, which it is when some coordinate of C is restricted. In the chart s takes the name of x_i and t_j that of x_j.
Points where an earlier chart's direction does not vanish were met there: in later charts that t_j is small, else it is free.

**Split** on a polynomial q in units and free coordinates: the points with q ≠ 0 (q is listed as non-zero; a free coordinate
becomes a unit) and the points with q = 0, where q becomes a small coordinate in place of some x with q = a·x + b, a a unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from theory.rlct import units
from theory.rlct.implicit import movable
from theory.rlct.polynomials import Poly, coefficients, is_monomial, monoms, terms, used
from theory.rlct.steps import Step, affordable, straighten
from theory.rlct.stratum import FREE, SMALL, UNIT, Stratum


@dataclass(frozen=True)
class Child:
    """One stratum of a branching: how to name it in the certificate, and its state."""

    label: dict[str, Any]
    stratum: Stratum


def charts(s: Stratum, weights: dict[int, int], i: int) -> list[Child]:
    """The charts (one or two signs) of direction i, all other coordinates of C free."""
    restricted = any(s.sign[j] for j in weights)
    both = not s.sign[i] and (restricted or weights[i] % 2 == 0)
    return [_chart(s, weights, i, epsilon, restricted) for epsilon in ((1, -1) if both else (1,))]


def _chart(s: Stratum, weights: dict[int, int], i: int, epsilon: int, restricted: bool) -> Child:
    c = s.copy()
    c.roots = {j: pull_back(s, g, weights, i, epsilon) for j, g in s.roots.items()}
    c.generators = {j: c.normal(pull_back(s, g, weights, i, epsilon)) for j, g in s.generators.items()}
    c.nonzero = [pull_back(s, g, weights, i, epsilon) for g in s.nonzero]
    c.positive = [pull_back(s, g, weights, i, epsilon) for g in s.positive]
    c.factor[i] = sum(w * s.factor[j] for j, w in weights.items())
    c.jacobian[i] = sum(w * (s.jacobian[j] + 1) for j, w in weights.items()) - 1
    c.sign[i] = int(restricted)
    for j in weights:
        if j != i:
            c.kind[j] = FREE
    return Child({"chart": s.ring.names[i], "sign": epsilon}, c)


def pull_back(s: Stratum, p: Poly, weights: dict[int, int], i: int, epsilon: int) -> Poly:
    moved = {}
    for v, c in terms(p):
        k = v[i]
        total = sum(w * v[j] for j, w in weights.items())
        moved[(*v[:i], total, *v[i + 1 :])] = -c if epsilon < 0 and k % 2 else c
    return s.ring.make(moved)


def restrict_chart(child: Child, small: Sequence[int]) -> Child:
    """The points of a chart at which the given coordinates are 0."""
    s = child.stratum.copy()
    for j in small:
        s.kind[j] = SMALL
    return Child({**child.label, "small": [s.ring.names[j] for j in small]}, s)


def split(s: Stratum, q: Poly) -> tuple[list[Child], list[Step]] | None:
    """[points with q ≠ 0, points with q = 0] and the step that made q a coordinate; None when no coordinate can give way."""
    if is_monomial(q):
        x = used(q)[0]
        off, on = s.copy(), s.copy()
        off.kind[x], off.factor[x], off.jacobian[x] = UNIT, 0, 0
        on.uncertain |= x in on.shadowed
        on.kind[x] = SMALL
        on.shade()
        return [Child({"nonzero": q}, off), Child({"zero": q}, on)], []
    for x in solvable(s, q):
        parts = coefficients(s.ring, q, x)
        a, b = parts[1], parts.get(0, s.ring.make({}))
        proof = units.nonvanishing(s, a) if affordable(s, x, b) else None
        if proof is None:
            continue
        on = s.copy()
        on.tidy_lists()
        if on.kind[x] == UNIT:
            (on.positive if on.sign[x] else on.nonzero).append(s.ring.gen(x))
        on.kind[x], on.sign[x] = FREE, 0
        step = straighten(on, x, a, b, proof)
        on.kind[x] = SMALL
        on.uncertain |= x in s.shadowed
        on.shade()
        return [away(s, q), Child({"zero": q}, on)], [step]
    return None


def away(s: Stratum, q: Poly) -> Child:
    """The points with q ≠ 0. With dependent quantities q may be 0 everywhere, as its norm tells. Raises `TooLarge`."""
    found = s.copy()
    found.uncertain |= bool(s.roots.keys() & set(used(q))) and units.norm(s, q).is_zero()
    found.nonzero.append(q)
    return Child({"nonzero": q}, found)


def solvable(s: Stratum, q: Poly) -> list[int]:
    """Coordinates in which q is linear and that may give way to q, the simplest first."""
    degrees = q.degrees()
    found = []
    for x in used(q):
        if int(degrees[x]) == 1 and movable(s, x):
            a = coefficients(s.ring, q, x)[1]
            occurrences = sum(1 for g in s.generators.values() for v in monoms(g) if v[x])
            found.append((not a.is_constant(), s.kind[x] == UNIT, occurrences, x))
    return [x for *_, x in sorted(found)]

"""One sweep over the sites, whatever the vectors are made of.

Idea
----
The sweep carries, beside the vector that ends in Z, a vector for every pair (probe, region) already met. With the rule
"apply s_i" of the representation at hand, a visit to site i does, for p ∋ i and R ∋ i,

    V_p ← s_i V_p,   V_pR ← s_i V_pR;        V_R ← V_R + s_i V,   V_pR ← V_pR + s_i V_p,

    V_RR′ ← V_RR′ + s_i V_R′ [i ∈ R] + s_i V_R [i ∈ R′] + V [i ∈ both],

so that at the end V_p, V_R, V_pR, V_RR′ are the sums Z_p, Z_R, Z_pR of `moments`: no derivative is taken numerically and no second
sweep is made. A probe not yet met has V_p = V, a region not yet met V_R = 0; neither is stored. Without fields s ↦ −s makes the
sum of an odd number of spins 0: V_p and V_R then go as soon as no other vector is fed by them.

Reading order: `Rules` (what a representation supplies), `Basis`, `run`.
"""

from collections.abc import Container, Iterable, Mapping
from itertools import combinations_with_replacement
from typing import Any, Protocol, TypeVar

from numerics.ising.moments import Key, Places
from numerics.ising.schedule import Schedule, Visit

Vector = Any


class Rules(Protocol):
    """How the vectors of a representation change. `spin` returns a new vector; the others may change their first argument.

    `add` leaves its second argument as it is.
    """

    def unit(self) -> Vector:
        """The vector before the first visit."""
        ...

    def prepare(self, vector: Vector, visit: Visit) -> Vector:
        """Room for what the visit brings."""
        ...

    def enter(self, vector: Vector, visit: Visit) -> Vector:
        """The new site with its bonds and its field."""
        ...

    def spin(self, vector: Vector, axis: int) -> Vector:
        """s_i applied, i the site on this axis: a new vector."""
        ...

    def add(self, one: Vector, other: Vector) -> Vector: ...

    def close(self, vector: Vector, axis: int) -> Vector:
        """The sum over the site on this axis."""
        ...


class Basis:
    """What the bases of numpy vectors share: entries along the first axis, one binary digit for every open site."""

    def prepare(self, vector: Vector, visit: Visit) -> Vector:
        return vector

    def _split(self, vector: Vector, axis: int) -> Vector:
        """The vector as [before, axis, after, *entry]."""
        return vector.reshape(1 << axis, 2, -1, *vector.shape[1:])


R = TypeVar("R", bound=Rules)


def run(schedule: Schedule, rules: Rules, probes: Places, regions: Places, pairs: bool = False) -> Mapping[Key, Vector]:
    """The final vectors by (probe or None, region or None), and by (None, (region, region)) where `pairs` are wanted."""
    twos = list(combinations_with_replacement(regions, 2)) if pairs else []
    vectors: dict[Key, Vector] = {(None, None): rules.unit()}
    idle = _idle(schedule, probes, regions, pairs)
    for number, visit in enumerate(schedule.visits):
        vectors = {key: rules.enter(rules.prepare(v, visit), visit) for key, v in vectors.items()}
        vectors = _probe(vectors, rules, visit, probes)
        gone = {key for key, end in idle.items() if number > end}
        vectors = _collect(vectors, rules, visit, regions, gone) | _collect_pairs(vectors, rules, visit, regions, twos)
        vectors = {key: v for key, v in vectors.items() if idle.get(key) != number}
        for axis in visit.closed:
            vectors = {key: rules.close(v, axis) for key, v in vectors.items()}
    keys: list[Key] = [(p, r) for p in (None, *probes) for r in (None, *regions)]
    keys += [(None, two) for two in twos]
    return {key: vectors[key] if key in vectors else 0 * vectors[None, None] for key in keys}


def _idle(schedule: Schedule, probes: Places, regions: Places, pairs: bool) -> dict[Key, int]:
    """{key: the visit after which V_p or V_R feeds no other vector}, for those whose sum is 0 by s ↦ −s."""
    if any(visit.field for visit in schedule.visits):
        return {}
    turns = {visit.site: number for number, visit in enumerate(schedule.visits)}

    def last(sites: Iterable[int]) -> int:
        return max((turns[site] for site in sites), default=-1)

    met, gathered = (last(site for sites in places.values() for site in sites) for places in (probes, regions))
    idle: dict[Key, int] = {(None, r): max(met, gathered if pairs else -1) for r in regions}
    return idle | {(p, None): max(last(sites), gathered) for p, sites in probes.items() if len(sites) % 2}


def _probe(vectors: dict[Key, Vector], rules: Rules, visit: Visit, probes: Places) -> dict[Key, Vector]:
    found = dict(vectors)
    for p in (name for name, sites in probes.items() if visit.site in sites):
        source = p if (p, None) in vectors else None
        for r in [r for q, r in vectors if q == source]:
            found[p, r] = rules.spin(vectors[source, r], visit.axis)
    return found


def _collect(
    vectors: dict[Key, Vector], rules: Rules, visit: Visit, regions: Places, gone: Container[Key]
) -> dict[Key, Vector]:
    found = dict(vectors)
    met = [name for name, sites in regions.items() if visit.site in sites]
    for p in [p for p, r in vectors if r is None] if met else []:
        for r in (r for r in met if (p, r) not in gone):
            turned = rules.spin(vectors[p, None], visit.axis)
            found[p, r] = rules.add(turned, vectors[p, r]) if (p, r) in vectors else turned
    return found


def _collect_pairs(
    vectors: dict[Key, Vector], rules: Rules, visit: Visit, regions: Places, twos: list[tuple[str, str]]
) -> dict[Key, Vector]:
    """V_RR′ after the visit, from the vectors before it."""
    found: dict[Key, Vector] = {}
    for r, s in twos:
        terms = [vectors[None, (r, s)]] if (None, (r, s)) in vectors else []
        for inside, other in ((r, s), (s, r)):
            if visit.site in regions[inside] and (None, other) in vectors:
                terms.append(rules.spin(vectors[None, other], visit.axis))
        if visit.site in regions[r] & regions[s]:
            twice = rules.spin(rules.spin(vectors[None, None], visit.axis), visit.axis)  # s_i² = 1: a copy
            terms.append(twice)
        if terms:
            total = terms[0]
            for term in terms[1:]:
                total = rules.add(total, term)
            found[None, (r, s)] = total
    return found

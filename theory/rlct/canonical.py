"""A key that is equal for strata that differ by the names and signs of their coordinates: each need be resolved only once.

Coordinates are coloured by what is known of them, and the colours refined by the terms they occur in until they no longer split;
of coordinates that stay alike the first is singled out and the refinement repeated. Equal keys prove isomorphism (the key
is the whole state, written in the canonical order); isomorphic strata may, rarely, get different keys, which costs only time.
"""

from typing import Any

from theory.rlct.parity import reduced, solution
from theory.rlct.polynomials import terms
from theory.rlct.stratum import ABSENT, FREE, SMALL, UNIT, Stratum

Key = tuple[Any, ...]
KINDS = (SMALL, UNIT, FREE, ABSENT)  # as numbers, whose hash is the same in every run
LARGE = 1500  # terms beyond which a key is not worth its time


def canonical(s: Stratum) -> tuple[Key, list[int], frozenset[int]] | None:
    """(key, order, flips): the coordinates in canonical order, and those to be replaced by their negative; None when too large."""
    lists = [(1, [(v, abs(int(c))) for v, c in terms(g)]) for g in s.generators.values()]
    lists += [(2, [(v, abs(int(c))) for v, c in terms(g)]) for g in s.nonzero]
    lists += [(3, [(v, abs(int(c))) for v, c in terms(g)]) for g in s.positive]
    lists += [(4, [(v, abs(int(c))) for v, c in terms(g)]) for g in s.roots.values()]
    if sum(len(listed) for _, listed in lists) > LARGE:
        return None
    n = len(s.kind)
    sparse = [(tag, [(c, [(i, a) for i, a in enumerate(v) if a]) for v, c in listed]) for tag, listed in lists]
    present = {i for _, listed in sparse for _, v in listed for i, _ in v} | {i for i in range(n) if s.factor[i]}
    colours = [
        hash((1, KINDS.index(s.kind[i]), s.jacobian[i], s.sign[i], s.factor[i], i in s.shadowed, i in s.roots))
        if i in present
        else 0
        for i in range(n)
    ]
    colours = _refined(colours, sparse)
    while True:
        groups: dict[int, list[int]] = {}
        for i in sorted(present):
            groups.setdefault(colours[i], []).append(i)
        tied = [members for _, members in sorted(groups.items()) if len(members) > 1]
        if not tied:
            break
        colours[tied[0][0]] = hash((colours[tied[0][0]], 1))
        colours = _refined(colours, sparse)
    order = sorted(present, key=lambda i: colours[i])
    key, flips = _written(s, order)
    return key, order, flips


def _refined(colours: list[int], lists: list) -> list[int]:
    count = len(set(colours))
    while True:
        marks: list[list[int]] = [[] for _ in colours]
        for tag, listed in lists:
            hashes = [hash((c, tuple(sorted([(colours[i], a) for i, a in v])))) for c, v in listed]
            whole = hash((tag, tuple(sorted(hashes))))
            for h, (_, v) in zip(hashes, listed, strict=True):
                for i, a in v:
                    marks[i].append(hash((whole, h, a)))
        colours = [hash((c, tuple(sorted(m)))) if m else c for c, m in zip(colours, marks, strict=True)]
        if len(set(colours)) == count:
            return colours
        count = len(set(colours))


def _written(s: Stratum, order: list[int]) -> tuple[Key, frozenset[int]]:
    """The state in canonical order and signs, and the coordinates that change sign for it.

    x → −x changes the sign of the terms odd in x, and generators matter up to sign. Term by term, a sign is made + where a
    change not yet decided allows it: elimination over the field of two elements. What remains is the same for all choices of signs.
    """
    coordinates = tuple(
        (s.kind[i], s.jacobian[i], s.sign[i], s.factor[i], i in s.shadowed, i in s.roots) for i in order
    )
    polys = [(0, g) for g in s.generators.values()] + [(1, g) for g in s.nonzero] + [(2, g) for g in s.positive]
    listed = sorted((tag, sorted((tuple(v[i] for i in order), c) for v, c in terms(g))) for tag, g in polys)
    listed.sort(key=lambda item: (item[0], [(v, abs(c)) for v, c in item[1]]))
    n = len(order)
    free = [not s.sign[i] and not s.bound(i) for i in order]
    pivots: dict[int, tuple[int, int]] = {}  # leading bit → (row, right-hand side)
    written = []
    for number, (tag, terms_of) in enumerate(listed):
        signs = []
        for v, c in terms_of:
            row = sum(1 << k for k in range(n) if v[k] % 2 and free[k])
            if tag < 2:
                row |= 1 << (n + number)
            row, negative = reduced(row, int(c < 0), pivots)
            if row:
                pivots[row.bit_length()] = (row, negative)
                negative = 0
            signs.append(negative)
        written.append((tag, tuple((v, -abs(c) if k else abs(c)) for (v, c), k in zip(terms_of, signs, strict=True))))
    # a relation is written with its dependent coordinate; its signs are not normalised, so a change of sign is not shared there
    relations = tuple(
        (order.index(i), tuple(sorted((tuple(v[k] for k in order), c) for v, c in terms(g))))
        for i, g in s.roots.items()
    )
    flips = frozenset(order[k] for k in range(n) if solution(pivots) >> k & 1)
    return (s.uncertain, coordinates, tuple(dict.fromkeys(written)), relations), flips

"""New coordinates without a blow-up, chosen because they make the generators simpler.

Candidates are f = a·x + b with a a unit on the stratum:

    an irreducible factor of a generator, linear in x;
    c1·x + c2·q with a monomial q, when many pairs of terms of the generators are c1·k·x^k·m and c2·x^(k−1)·q·m (powers completed).

A few candidates are carried out on copies, and the one that lowers the score (number of generators with several terms, number of
terms) most is kept. Where nothing helps, a factor that is smooth in a small coordinate which occurs nowhere else is taken (`bend`).
"""

from collections import Counter
from itertools import product as pairs
from math import gcd

from theory.rlct import units
from theory.rlct.effort import TooLarge
from theory.rlct.implicit import implicit, movable, powers_of, slope
from theory.rlct.polynomials import Poly, coefficients, content, divide_monomial, factors, monoms, terms, used
from theory.rlct.steps import Step, may_straighten, straighten
from theory.rlct.stratum import FREE, SMALL, UNIT, Stratum
from theory.rlct.tidy import clean, score

MAX_TERMS = 400  # beyond this size the searches for fewer terms are not worth their time
TRIALS = 12  # changes of coordinates that are carried out on a copy to see whether they help


def recoordinate(s: Stratum) -> list[Step]:
    """The change of coordinates that lowers the score most, among the most promising ones."""
    current = score(s)
    if current[1] > MAX_TERMS:
        return []
    best, found = current, None
    tried = 0
    for x, a, b in candidates(s):
        if tried == TRIALS:
            break
        proof = units.nonvanishing(s, a)
        if proof is None or not may_straighten(s, x, a, b):
            continue
        tried += 1
        trial = s.copy()
        try:
            steps = [straighten(trial, x, a, b, proof), *clean(trial, closure=False)]
        except TooLarge:
            continue
        if not trial.empty and score(trial) < best:
            best, found = score(trial), (trial, steps)
    if not found:
        return bend(s)
    trial, steps = found
    s.take(trial)
    return steps


def bend(s: Stratum) -> list[Step]:
    """A factor that is smooth in a small coordinate, which occurs nowhere else, becomes that coordinate."""
    for j in s.polynomials:
        for f, _ in factors(s.generators[j]):
            if len(f) == 1 or not s.on(f).is_zero():
                continue
            for x in used(f):
                if s.kind[x] != SMALL or s.jacobian[x] or s.factor[x] or s.sign[x]:
                    continue
                powers = powers_of(s, x, f)
                proof = slope(s, x, f) if powers else None
                if powers and proof:
                    return [implicit(s, x, f, powers, proof)]
    return []


def candidates(s: Stratum) -> list[tuple[int, Poly, Poly]]:
    """(x, a, b): factors of generators linear in x, then sums that many pairs of terms share."""
    ring, found, seen = s.ring, [], set()
    elsewhere = Counter(k for g in s.generators.values() for v in monoms(g) for k in range(len(v)) if v[k])
    for j in s.polynomials:
        g = s.generators[j]
        rest = divide_monomial(ring, g, content(monoms(g)))
        for q, _ in factors(rest):
            if len(q) == 1:
                continue
            for x in used(q):
                if int(q.degrees()[x]) != 1:
                    continue
                parts = coefficients(ring, q, x)
                key = (x, str(q))
                if key not in seen:
                    seen.add(key)
                    a, b = parts[1], parts.get(0, ring.make({}))
                    found.append(((not a.is_constant(), len(b) * elsewhere[x], len(b)), x, a, b))
    found.sort(key=lambda item: item[0])
    return [item[1:] for item in found[:TRIALS]] + shared_sums(s)


def shared_sums(s: Stratum) -> list[tuple[int, Poly, Poly]]:
    """c1·x + c2·q with a monomial q, voted for by pairs of terms c1·k·x^k·m, c2·x^(k−1)·q·m in one generator."""
    votes: Counter = Counter()
    changeable = [x for x in s.where(SMALL, UNIT, FREE) if movable(s, x) or _plain(s, x)]
    for j in s.polynomials:
        listed = terms(s.generators[j])
        if len(listed) > 60:
            continue
        for (v, c), (w, d) in pairs(listed, listed):
            if v == w:
                continue
            difference = tuple(b - a for a, b in zip(v, w, strict=True))
            for x in changeable:
                if difference[x] == -1 and all(e >= 0 for k, e in enumerate(difference) if k != x):
                    votes[x, difference, _ratio(int(c) * v[x], int(d))] += 1
    chosen = sorted(votes.items(), key=lambda item: -item[1])[: TRIALS // 2]
    result = []
    for (x, difference, (c, d)), _ in chosen:
        q = tuple(e if k != x else 0 for k, e in enumerate(difference))
        result.append((x, s.ring.context.constant(c), d * s.ring.monomial(q)))
    return result


def _plain(s: Stratum, x: int) -> bool:
    return s.kind[x] == SMALL and not (s.sign[x] or s.jacobian[x] or s.factor[x])


def _ratio(c: int, d: int) -> tuple[int, int]:
    common = gcd(c, d)
    return (c // common, d // common) if c > 0 else (-c // common, -d // common)

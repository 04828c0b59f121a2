"""Where to branch: which polynomial to split on, or which weighted blow-up to make.

First the polynomials in units and free coordinates that stand in the way of a monomial or of a new coordinate:

    a generator that is x^c·r with r0 = r|_{small = 0} not 0: the irreducible factors of r0
    a generator whose part linear in the small coordinates is Σ a_x(units, free)·x: the irreducible factors of an a_x
    a free coordinate that divides a monomial, or carries a Jacobian exponent.

Otherwise a blow-up, with the weights of an optimal primal solution of the linear programme of all monomials of the ideal: the
divisor that attains the current upper bound. Among several optima the one for which most terms are initial.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import gcd, lcm

from theory.rlct import linear, units
from theory.rlct.polynomials import Poly, content, divide_monomial, factors, monoms, primitive, terms, used
from theory.rlct.stratum import FREE, SMALL, Stratum

Weights = dict[int, int]
PROPOSALS = 6


def splitters(s: Stratum) -> list[Poly]:
    """Irreducible polynomials to split on, the simplest and most frequent first."""
    votes: dict[str, list] = {}
    for j in s.polynomials:
        for rank, p in _obstacles(s, s.generators[j]):
            for q, _ in factors(p):
                if units.nonvanishing(s, q) is None:
                    entry = votes.setdefault(str(primitive(q)), [rank, 0, q])
                    entry[0] = min(entry[0], rank)
                    entry[1] += 1
    ordered = sorted(votes.values(), key=lambda e: (e[0], len(e[2]), e[2].total_degree(), -e[1]))
    mirrored = [s.ring.gen(x) for x in s.where(FREE) if any(_mirror(s, e[2], x) in votes for e in ordered)]
    return (
        mirrored
        + [q for *_, q in ordered]
        + [q for q in _free_factors(s) if str(q) not in votes and all(q != m for m in mirrored)]
    )


def _mirror(s: Stratum, q: Poly, x: int) -> str:
    """The text of q(−x), if that differs from q."""
    if s.sign[x] or len(q) == 1 or not q.degrees()[x]:
        return ""
    gens = [-s.ring.gen(i) if i == x else s.ring.gen(i) for i in range(len(s.kind))]
    other = primitive(q.compose(*gens))
    return "" if other == primitive(q) else str(other)


def _obstacles(s: Stratum, g: Poly) -> Iterator[tuple[int, Poly]]:
    rest = divide_monomial(s.ring, g, content(monoms(g)))
    p0 = s.on(rest)
    if not p0.is_zero():
        if not p0.is_constant():
            yield 0, p0
        return
    small = s.where(SMALL)
    parts: dict[int, dict] = {}
    for v, c in terms(rest):
        present = [i for i in small if v[i]]
        if len(present) == 1 and v[present[0]] == 1:
            x = present[0]
            if not (s.jacobian[x] or s.factor[x] or s.sign[x]):
                parts.setdefault(x, {})[(*v[:x], 0, *v[x + 1 :])] = c
    coefficients = [s.ring.make(part) for part in parts.values()]
    if any(units.nonvanishing(s, a) for a in coefficients):
        return  # smooth, but not linear in that coordinate
    for a in coefficients:
        yield 1, a


def _free_factors(s: Stratum) -> list[Poly]:
    """Free coordinates with an exponent in the factor or the Jacobian, or dividing a generator."""
    found = []
    for x in s.where(FREE):
        divides = any(all(v[x] for v in monoms(g)) for g in s.generators.values())
        if s.factor[x] or s.jacobian[x] or divides:
            found.append(s.ring.gen(x))
    return found


def hurdles(s: Stratum, q: Poly) -> list[Poly]:
    """What keeps q from becoming a coordinate: irreducible factors of ∂q/∂x, for the x where there are fewest.

    A free x with a boundary or an exponent at 0 cannot give way; x itself comes first then.
    """
    fixed = [x for x in used(q) if s.kind[x] == FREE and (s.sign[x] or s.jacobian[x] or s.factor[x])]
    if fixed:
        return [s.ring.gen(x) for x in fixed]
    best: list[Poly] | None = None
    for x in used(q):
        if s.kind[x] == SMALL or x in s.roots:
            continue
        slope = s.on(q.derivative(x))
        found = [p for p, _ in factors(slope) if units.nonvanishing(s, p) is None]
        if best is None or sum(map(len, found)) < sum(map(len, best)):
            best = found
    return best or []


def free_coordinates(s: Stratum) -> list[Poly]:
    """The free coordinates that occur in generators with several terms."""
    return [s.ring.gen(x) for x in s.where(FREE) if any(s.generators[j].degrees()[x] for j in s.polynomials)]


def blowups(s: Stratum) -> list[Weights]:
    """Weights of blow-ups, the most promising first."""
    variables = s.where(SMALL)
    costs = [s.jacobian[i] + 1 for i in variables]
    proposals: list[Weights] = []
    everything = _rows(s, list(s.generators), variables)
    sets = [(everything, costs), (everything, [1] * len(costs))]
    sets += [(_rows(s, [j], variables), costs) for j in s.polynomials]
    if len(variables) > 2:
        sets += [
            (everything, _tilted(costs, k)) for k in range(2 * len(variables))
        ]  # other vertices of the optimal face
    solutions = [found.primal for rows, c in sets if (found := linear.solve(rows, c, multiplicity=False))]
    many = s.polynomials
    groups = {j: initial(s, j, variables) for j in many}
    if many:
        lowest = min(many, key=lambda j: min(sum(v) for v in monoms(s.generators[j])))
        for chosen in (many, [lowest]):
            solutions += _homogeneous([groups[j] for j in chosen], costs)
    for u in solutions:
        w = _primitive(u, variables)
        if len(w) > 1 and w not in proposals:
            proposals.append(w)
    ranked = sorted((_merit(s, w), k) for k, w in enumerate(proposals))[:PROPOSALS]
    return [proposals[k] for merit, k in ranked if merit[0] == ranked[0][0][0]]


def initial(s: Stratum, j: int, variables: list[int]) -> list[tuple[int, ...]]:
    """The exponents of g_j that no other divides, without their common part: the other terms only change units before these."""
    rows = _rows(s, [j], variables)
    common = content(rows)
    return [tuple(a - b for a, b in zip(v, common, strict=True)) for v in rows]


def _homogeneous(groups: list[list[tuple[int, ...]]], costs: list) -> list[tuple[Fraction, ...]]:
    """Some weights that are constant and positive on each group."""
    groups = [group for group in groups if len(group) > 1]
    if not groups:
        return []
    found = []
    for k in range(-1, 2 * len(costs)):
        u = linear.homogeneous(groups, costs if k < 0 else _tilted(costs, k))
        if u is None:
            return []
        found.append(u)
    return found


def _tilted(costs: list, k: int) -> list:
    """The costs, scaled and slightly changed in a fixed pseudo-random pattern that depends on k."""
    return [64 * c + (i * i + 5 * i * k + 3 * k * k + k) % 7 - 3 for i, c in enumerate(costs)]


def _rows(s: Stratum, numbers: list[int], variables: list[int]) -> list[tuple[int, ...]]:
    return linear.minimal([tuple(v[i] for i in variables) for j in numbers for v in monoms(s.generators[j])])


def _primitive(u: tuple[Fraction, ...], variables: list[int]) -> Weights:
    scale = lcm(*(a.denominator for a in u))
    whole = [int(a * scale) for a in u]
    common = gcd(*whole) or 1
    return {i: k // common for i, k in zip(variables, whole, strict=True) if k}


def _merit(s: Stratum, w: Weights) -> tuple[int, int, int]:
    """Fewer terms that are not initial, then fewer coordinates, then smaller weights."""
    beyond = 0
    variables = list(w)
    for j in s.polynomials:
        orders = [sum(k * a for k, a in zip(w.values(), v, strict=True)) for v in initial(s, j, variables)]
        beyond += sum(o > min(orders) for o in orders) if max(orders) else len(s.generators[j])
    return beyond, len(w), sum(w.values())

"""Squares: a unit x that occurs, up to factors x in other coordinates, only through x², gives way to x².

If there are r_z ∈ {0, 1} such that in every generator the number v_x − Σ_z r_z v_z is even for all exponents v, or odd for all,
then z' = z·x^{r_z} and x' = x² are coordinates near every point with x ≠ 0 (x' > 0), and the generators are, up to powers of x,
polynomials in them. Odd networks need this: Σ a_i (t_i³ − t_i) is Σ a_i' (t_i' − 1), and t_i = 1 and t_i = −1 are one point.

The r_z solve linear equations over the field of two elements, one for every two terms of a generator.
"""

from itertools import pairwise

from theory.rlct.polynomials import Exponents, Poly, terms, used
from theory.rlct.steps import Step
from theory.rlct.stratum import FREE, UNIT, Stratum


def square_units(s: Stratum) -> list[Step]:
    """The step for the first unit for which it is possible and makes a generator with several powers of x simpler."""
    if any(_worth(s, y) for y in s.where(FREE)):
        return []  # that coordinate may become a unit too: squaring all of them at once keeps what is symmetric
    for x in s.where(UNIT):
        if s.bound(x) or not _worth(s, x):
            continue
        scaled = scaling(s, x)
        if scaled is not None and _simpler(s, x, scaled):
            return [square(s, x, scaled)]
    return []


def _worth(s: Stratum, x: int) -> bool:
    """Whether some generator holds powers of x that differ by 2 or more."""
    for j in s.polynomials:
        powers = [v[x] for v, _ in terms(s.generators[j])]
        if max(powers) - min(powers) > 1:
            return True
    return False


def _simpler(s: Stratum, x: int, scaled: list[int]) -> bool:
    """Whether the degrees in x become smaller: without that the step could be repeated for ever."""
    many = [s.generators[j] for j in s.polynomials]
    return sum(int(halved(s, g, x, scaled).degrees()[x]) for g in many) < sum(int(g.degrees()[x]) for g in many)


def scaling(s: Stratum, x: int) -> list[int] | None:
    """The z with r_z = 1, or None when the equations have no solution."""
    allowed = [z for z in range(len(s.kind)) if z != x and not s.bound(z) and not (s.sign[z] and not s.sign[x])]
    if x in s.roots or any(x in used(q) for q in s.positive):
        return None
    pivots: dict[int, tuple[int, int]] = {}
    for p in (*s.generators.values(), *s.nonzero):
        for (v, _), (w, _) in pairwise(terms(p)):
            row = sum(1 << z for z in allowed if (v[z] - w[z]) % 2)
            row, right = reduced(row, (v[x] - w[x]) % 2, pivots)
            if row:
                pivots[row.bit_length()] = (row, right)
            elif right:
                return None
    chosen = solution(pivots)
    found = [z for z in allowed if chosen >> z & 1]
    return None if any(z in used(q) for z in found for q in s.positive) else found


def square(s: Stratum, x: int, scaled: list[int]) -> Step:
    """x ← x² > 0 and z ← z·x for the z in `scaled`; every polynomial is multiplied by a power of x first."""
    s.tidy_lists()
    s.generators = {j: s.normal(halved(s, g, x, scaled)) for j, g in s.generators.items()}
    s.nonzero = [halved(s, q, x, scaled) for q in s.nonzero]
    s.sign[x] = 1
    if s.shadowed & set(scaled):
        s.shade(x)
    names = s.ring.names
    return {"step": "square", "variable": names[x], "scaled": [names[z] for z in scaled]}


def halved(s: Stratum, p: Poly, x: int, scaled: list[int]) -> Poly:
    moved: dict[Exponents, int] = {}
    listed = [(v, v[x] - sum(v[z] for z in scaled), c) for v, c in terms(p)]
    lowest = min((e for _, e, _ in listed), default=0)
    for v, e, c in listed:
        moved[(*v[:x], (e - lowest) // 2, *v[x + 1 :])] = c
    return s.ring.make(moved)


def reduced(row: int, right: int, pivots: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """An equation row·x = right over two elements, less the pivots that it leads with."""
    while row and row.bit_length() in pivots:
        other, side = pivots[row.bit_length()]
        row, right = row ^ other, right ^ side
    return row, right


def solution(pivots: dict[int, tuple[int, int]]) -> int:
    """Bits x with row·x = right-hand side for every pivot row, the undecided ones 0."""
    x = 0
    for lead in sorted(pivots):
        row, right = pivots[lead]
        if (right ^ (bin(row & x).count("1") & 1)) & 1:  # x has lower bits only
            x |= 1 << (lead - 1)
    return x

"""Passes that need no choice: units divided out, dominated terms dropped, common monomials extracted, until nothing changes.

1  zero generators leave, proved units are divided out, sums of one sign become their terms
2  terms dominated by monomial generators leave; the common monomial moves into the factor.
"""

from theory.rlct import units
from theory.rlct.effort import spend
from theory.rlct.polynomials import Poly, content, divide_monomial, factors, is_monomial, monoms
from theory.rlct.steps import Step, divide, drop, extract, promote, prune, restrict_lists, spread
from theory.rlct.stratum import UNIT, Stratum


def score(s: Stratum) -> tuple[int, int]:
    many = s.polynomials
    return len(many), sum(len(s.generators[j]) for j in many)


def clean(s: Stratum, *, closure: bool = True) -> list[Step]:
    """Passes 1 and 2, until nothing changes."""
    steps = restrict_lists(s) + promote(s)
    settled: dict[int, Poly] = {}
    while not s.empty:
        spend()
        before = len(steps)
        for i in list(s.generators):
            if i in settled and settled[i] == s.generators[i]:
                continue
            steps += _normalise(s, i)
            if i in s.generators:
                settled[i] = s.generators[i]
        for i, g in s.generators.items():
            if g.is_constant():
                steps += [drop(s, j) for j in list(s.generators) if j != i]
                return steps
        steps += _prune_all(s, closure=closure)
        step = extract(s) if s.generators else None
        if step:
            steps.append(step)
            settled = {}
        if len(steps) == before:
            break
    return steps


def _normalise(s: Stratum, i: int) -> list[Step]:
    """Divide by unit monomials and proved factors; spread a sum of one sign."""
    g = s.generators[i]
    if g.is_zero():
        return [drop(s, i)]
    steps: list[Step] = []
    common = content(monoms(g))
    unit_part = tuple(a if s.kind[k] == UNIT else 0 for k, a in enumerate(common))
    if any(unit_part):
        steps.append(divide(s, i, s.ring.monomial(unit_part), {"rule": "monomial"}))
        g = s.generators[i]
    if is_monomial(g):
        return steps
    rest = divide_monomial(s.ring, g, content(monoms(g)))
    proof = units.nonvanishing(s, rest)
    if proof:
        return [*steps, divide(s, i, rest, proof)]
    if units.common_sign(s, g):
        return [*steps, spread(s, i)]
    found = factors(rest)
    if len(found) > 1:
        for q, power in found:
            proof = units.nonvanishing(s, q)
            if proof:
                for _ in range(power):
                    steps.append(divide(s, i, q, proof))
    return steps


def _prune_all(s: Stratum, *, closure: bool) -> list[Step]:
    steps = []
    monomials = s.monomials
    for i in list(s.generators):
        own = i in monomials
        step = prune(s, i, monomials, closure=closure and not own)
        if step:
            steps.append(step)
            if s.generators[i].is_zero():
                steps.append(drop(s, i))
                monomials.pop(i, None)
            elif is_monomial(s.generators[i]):
                monomials[i] = next(iter(monoms(s.generators[i])))
    return steps

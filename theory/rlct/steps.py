"""The elementary steps on one stratum: each rewrites the ideal or the coordinates and leaves every threshold unchanged.

A step is applied to a `Stratum` in place and returned as data; polynomials in it are written out when the certificate is.
Generators are compared up to a non-zero rational factor.

    drop        g_i = 0 is left out
    combine     g_i ← scale·g_i − times·g_by                                  (the ideal is the same)
    prune       terms of g_i leave that lie in the integral closure of the monomial generators (|term| ≤ C·max |x^{v_j}|)
    divide      g_i ← g_i/p, p proved non-zero on the stratum
    spread      g_i, whose terms all have one sign on the domain, becomes the list of its terms
    extract     a monomial common to all generators moves into the factor
    straighten  new coordinate x := f = a·x + b with a proved non-zero; the old one is (x − b)/a
    promote     a free coordinate that divides a listed non-zero polynomial (small coordinates set to 0) is a unit
    square      see `theory.rlct.parity`
    implicit    see `theory.rlct.implicit`
    restrict    the listed polynomials are restricted to the stratum; numbers and repetitions leave the lists

`straighten` needs h_x = e_x = 0 and no sign condition unless x is a unit; if x is small, f vanishes on the stratum.
"""

from fractions import Fraction
from math import comb
from typing import Any

from theory.rlct import linear, units
from theory.rlct.effort import spend
from theory.rlct.polynomials import (
    Exponents,
    Poly,
    content,
    divide_monomial,
    monoms,
    primitive,
    substitute,
    terms,
    used,
)
from theory.rlct.stratum import FREE, UNIT, Stratum

Step = dict[str, Any]
MAX_TERMS = 50_000  # an estimate of the terms after a substitution above which it is not made


def drop(s: Stratum, i: int) -> Step:
    del s.generators[i]
    return {"step": "drop", "generator": i}


def combine(s: Stratum, i: int, scale: int, times: Poly, by: int) -> Step:
    one, other = s.generators[i], s.generators[by]
    s.generators[i] = s.normal(scale * one - times * other)
    step = {"step": "combine", "generator": i, "scale": int(scale), "times": times, "by": by}
    return {**step, "from": one, "with": other}


def divide(s: Stratum, i: int, by: Poly, proof: units.Proof) -> Step:
    s.generators[i] = s.normal(s.generators[i] / by)
    return {"step": "divide", "generator": i, "by": by, "proof": proof}


def spread(s: Stratum, i: int) -> Step:
    exponents = [v for v, _ in terms(s.generators.pop(i))]
    return {"step": "spread", "generator": i, "into": {s.add(s.ring.monomial(v)): list(v) for v in exponents}}


def extract(s: Stratum) -> Step | None:
    """Move the common monomial of all generators into the factor; unit coordinates in it are simply left out."""
    common = content([v for g in s.generators.values() for v in monoms(g)])
    if not any(common):
        return None
    for j, g in s.generators.items():
        s.generators[j] = divide_monomial(s.ring, g, common)
    s.factor = [e + (k if s.kind[i] != UNIT else 0) for i, (e, k) in enumerate(zip(s.factor, common, strict=True))]
    return {"step": "extract", "exponents": list(common)}


def prune(s: Stratum, i: int, monomials: dict[int, Exponents], *, closure: bool) -> Step | None:
    """Leave out the terms of g_i that the monomial generators (other than g_i) dominate."""
    others = {j: m for j, m in monomials.items() if j != i}
    if not others:
        return None
    kept, gone = {}, []
    for v, c in terms(s.generators[i]):
        spend()
        weights = dominated(s, v, others, closure=closure)
        if weights is None:
            kept[v] = c
        else:
            gone.append([list(v), weights])
    if not gone:
        return None
    s.generators[i] = primitive(s.ring.make(kept))
    return {"step": "prune", "generator": i, "terms": gone}


def dominated(
    s: Stratum, v: Exponents, monomials: dict[int, Exponents], *, closure: bool
) -> dict[int, Fraction] | None:
    """Weights w_j ≥ 0 with Σ w_j = 1 and Σ w_j v_j ≤ v on small and free coordinates, if there are any."""
    places = [k for k, kind in enumerate(s.kind) if kind != UNIT]
    for j, m in monomials.items():
        if all(m[k] <= v[k] for k in places):
            return {j: Fraction(1)}
    if not closure:
        return None
    inside = [j for j, m in monomials.items() if all(v[k] or not m[k] for k in places)]
    if len(inside) < 2:
        return None
    support = [k for k in places if v[k]]
    found = linear.solve(
        [tuple(monomials[j][k] for k in support) for j in inside], [v[k] for k in support], multiplicity=False
    )
    if found is None or found.value < 1:
        return None
    return {j: y / found.value for j, y in zip(inside, found.dual, strict=True) if y}


def restrict_lists(s: Stratum) -> list[Step]:
    """Only the restrictions to the stratum of the listed polynomials count."""
    return [{"step": "restrict"}] if s.tidy_lists() else []


def promote(s: Stratum) -> list[Step]:
    """Free coordinates that divide a polynomial recorded as non-zero are units."""
    steps: list[Step] = []
    for q in () if s.empty else (*s.nonzero, *s.positive):
        q0 = s.on(q)
        common = content(monoms(q0))
        for x in s.where(FREE):
            if common[x]:
                s.kind[x], s.factor[x], s.jacobian[x] = UNIT, 0, 0
                steps.append({"step": "promote", "variable": s.ring.names[x], "polynomial": q})
    return steps


def straighten(s: Stratum, x: int, a: Poly, b: Poly, proof: units.Proof) -> Step:
    """New coordinate a·x + b in place of x."""
    ring = s.ring
    s.tidy_lists()
    f = a * ring.gen(x) + b
    if (
        x in s.shadowed
    ):  # a·x + b with x in an open set does not run through all values for every value of what is in a and b
        s.shade(*s.support(a), *s.support(b))
    if s.kind[x] == UNIT:
        old = ring.gen(x)
        if s.sign[x]:
            s.positive.append(old)
        elif not s.on(b).is_zero():
            s.nonzero.append(old)
        s.kind[x] = UNIT if s.on(b).is_zero() else FREE
        s.sign[x] = s.jacobian[x] = 0
    s.roots = {i: substitute(ring, relation, x, a, b) for i, relation in s.roots.items()}
    s.generators = {j: s.normal(substitute(ring, g, x, a, b)) for j, g in s.generators.items()}
    s.nonzero = [q for q in (substitute(ring, q, x, a, b) for q in s.nonzero) if not q.is_constant()]
    s.positive = [_signed_substitute(s, q, x, a, b) for q in s.positive]
    return {"step": "straighten", "variable": ring.names[x], "coordinate": f, "a": a, "b": b, "proof": proof}


def _signed_substitute(s: Stratum, q: Poly, x: int, a: Poly, b: Poly) -> Poly:
    """As `substitute`, but multiplied by an even power of a, so that the sign is kept."""
    degree = int(q.degrees()[x])
    moved = substitute(s.ring, q, x, a, b)
    return moved * a if degree % 2 else moved


def affordable(s: Stratum, x: int, b: Poly) -> bool:
    """Whether replacing x by a polynomial with one term more than b keeps the generators at a workable size."""
    for g in s.generators.values():
        degree = int(g.degrees()[x])
        if degree and len(g) * comb(len(b) + degree, degree) > MAX_TERMS:
            return False
    return True


def may_straighten(s: Stratum, x: int, a: Poly, b: Poly) -> bool:
    """Whether a·x + b may become a coordinate in place of x (a's proof is asked for separately)."""
    if not affordable(s, x, b) or (
        s.bound(x) and (x in s.roots or not a.is_constant() or s.roots.keys() & set(used(b)))
    ):
        return False
    if s.kind[x] == UNIT:
        return True
    if s.sign[x] or s.jacobian[x] or s.factor[x]:
        return False
    return s.kind[x] == FREE or s.on(b).is_zero()

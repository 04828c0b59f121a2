"""A coordinate that is known only implicitly: f itself, where f = 0 and ∂f/∂x ≠ 0.

By the implicit function theorem (f, the other coordinates) are coordinates near every such point. If x occurs in the generators
only through powers of f, nothing else need be known: f takes the name of x (`implicit`). Otherwise x is kept as a function of f
and the other coordinates (`cover`), or, where f depends on x alone, as an algebraic number plus a new coordinate (`adjoin`).

What is lost is the range of the other coordinates, which becomes some open set; that it is not empty is shown by a rational point
on which f changes sign along x (a *witness*).

∂f/∂x ≠ 0 where f = 0 is proved by a combination m·∂f/∂x − c·f that does not vanish on the stratum: m = 1, c = 0, or
m = x, c = the degree of f in x (Euler), or for one variable the cofactors of Bézout's identity.
"""

from fractions import Fraction
from typing import Any

from flint import fmpq_poly

from theory.rlct import units
from theory.rlct.bounds import at, samples
from theory.rlct.effort import spend
from theory.rlct.polynomials import Poly, coefficients, primitive, used
from theory.rlct.steps import Step
from theory.rlct.stratum import ABSENT, FREE, SMALL, UNIT, Stratum

GRID = [Fraction(k, 8) for k in range(-64, 65) if k]
HALVINGS = 24
MAX_DEGREE = 60  # of a polynomial for which Bézout's identity is written out


def implicit(s: Stratum, x: int, f: Poly, powers: dict[int, int], proof: dict[str, Any]) -> Step:
    """New small coordinate f in place of x at the points of the stratum where f = 0; every generator is f^k·(without x)."""
    ring = s.ring
    found: dict[str, Any] | None = None
    s.tidy_lists()
    for j, k in powers.items():
        s.generators[j] = s.normal(s.generators[j] / f**k * ring.gen(x) ** k)
    if s.kind[x] != SMALL:
        found = root_witness(s, x, f)
        lost = [q for q in (*s.nonzero, *s.positive) if x in used(q)]
        touched = s.support(f).union({x}, *map(s.support, lost))
        s.uncertain |= found is None or bool(touched & s.shadowed)
        s.shade(*touched)
        s.nonzero = [q for q in s.nonzero if x not in used(q)]
        s.positive = [q for q in s.positive if x not in used(q)]
    s.kind[x], s.sign[x], s.jacobian[x] = SMALL, 0, 0
    s.shade()
    step = {"step": "implicit", "variable": ring.names[x], "coordinate": f, "powers": powers, "proof": proof}
    return {**step, "witness": found} if found else step


def root_witness(s: Stratum, x: int, f: Poly) -> dict[str, Any] | None:
    """Values of the other coordinates and an interval of x on which f changes sign, inside the stratum."""
    f0 = s.on(f)
    conditions = [(s.on(q), False) for q in s.nonzero]
    conditions += [(s.on(q), True) for q in s.positive]
    if s.roots.keys() & {i for q in (f0, *(q for q, _ in conditions)) for i in used(q)}:
        return None
    others = sorted({i for q in (f0, *(q for q, _ in conditions)) for i in used(q)} - {x})
    grid = [v for v in GRID if v > 0 or not s.sign[x]]
    for values in samples(len(others)):
        point = dict(zip(others, values, strict=True))
        if any(s.sign[i] and v < 0 for i, v in point.items()):
            continue
        spend()
        along = {k: at(c, point) for k, c in coefficients(s.ring, f0, x).items()}
        line = [sum((c * v**k for k, c in along.items()), Fraction(0)) for v in grid]
        for k in range(len(grid) - 1):
            if not line[k] and all(_bounded_away(s, q, x, point, grid[k], grid[k], strict) for q, strict in conditions):
                return {"point": {s.ring.names[i]: v for i, v in point.items()}, "interval": [grid[k], grid[k]]}
            if line[k] * line[k + 1] >= 0 or (grid[k] < 0 < grid[k + 1] and s.kind[x] == UNIT):
                continue
            low, high = _bisect(f0, x, point, grid[k], grid[k + 1])
            if all(_bounded_away(s, q, x, point, low, high, strict) for q, strict in conditions):
                named = {s.ring.names[i]: v for i, v in point.items()}
                return {"point": named, "interval": [low, high]}
    return None


def _bisect(f0: Poly, x: int, point: dict[int, Fraction], low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    below = at(f0, {**point, x: low}) > 0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        value = at(f0, {**point, x: middle})
        if not value:
            break
        low, high = (middle, high) if (value > 0) == below else (low, middle)
    return low, high


def _bounded_away(
    s: Stratum, q: Poly, x: int, point: dict[int, Fraction], low: Fraction, high: Fraction, positive: bool
) -> bool:
    """|q(low)| exceeds what q can change on the interval: (high − low)·Σ k |c_k| max|x|^{k−1}."""
    parts = {k: at(c, point) for k, c in coefficients(s.ring, q, x).items()}
    size = max(abs(low), abs(high))
    change = (high - low) * sum(k * abs(c) * size ** (k - 1) for k, c in parts.items() if k)
    value = at(q, {**point, x: low})
    return value > change if positive else abs(value) > change


def adjoin(s: Stratum, x: int, q: Poly) -> Step | None:
    """x = α + new small coordinate, at the points where x is a real root α of the irreducible q; None when no name is left."""
    ring = s.ring
    spare = next((i for i, kind in enumerate(s.kind) if kind == ABSENT), None)
    if spare is None:
        return None
    s.tidy_lists()
    found = root_witness(s, x, q)
    s.uncertain |= found is None or x in s.shadowed
    alpha = ring.gen(spare)
    images = [alpha + ring.gen(x) if i == x else ring.gen(i) for i in range(len(s.kind))]
    swapped = [alpha if i == x else ring.gen(i) for i in range(len(s.kind))]
    s.roots[spare] = primitive(q.compose(*swapped))
    s.kind[spare] = UNIT
    s.generators = {j: s.normal(g.compose(*images)) for j, g in s.generators.items()}
    s.nonzero = [s.normal(g.compose(*images)) for g in s.nonzero]
    s.positive = [s.reduced(g.compose(*images)) for g in s.positive]
    s.kind[x], s.sign[x], s.jacobian[x] = SMALL, 0, 0
    s.shade()
    step = {"step": "adjoin", "variable": ring.names[x], "root": ring.names[spare], "relation": s.roots[spare]}
    return {**step, "witness": found} if found else step


def cover(s: Stratum, x: int, f: Poly, *, solved: bool) -> Step | None:
    """New small coordinate w = f where f = 0; the unit x stays, as a function of w and the other coordinates (f − w = 0).

    `solved`: f is linear in x with a number in front, and its other part does not vanish, so f = 0 can be met everywhere.
    """
    ring = s.ring
    spare = next((i for i, kind in enumerate(s.kind) if kind == ABSENT), None)
    if spare is None:
        return None
    s.tidy_lists()
    met = solved and not s.sign[x] and x not in s.shadowed and all(x not in used(q) for q in s.positive)
    found = None if met else root_witness(s, x, f)
    touched = set() if met else s.support(f) | {x}
    s.uncertain |= bool(touched & s.shadowed) or not (met or found)
    s.kind[x], s.factor[x], s.jacobian[x] = UNIT, 0, 0
    s.roots[x] = f - ring.gen(spare)
    s.kind[spare] = SMALL
    s.shade(*touched)
    s.generators = {j: s.normal(g) for j, g in s.generators.items()}
    step = {"step": "cover", "variable": ring.names[x], "coordinate": ring.names[spare], "relation": s.roots[x]}
    return {**step, "witness": found} if found else step


def powers_of(s: Stratum, x: int, f: Poly) -> dict[int, int] | None:
    """k for every generator f^k·(polynomial without x); None when some generator is not of that form."""
    found: dict[int, int] = {}
    if s.bound(x):
        return None
    for j, g in s.generators.items():
        if not g.degrees()[x]:
            continue
        k = 0
        while True:
            spend()
            q, rest = divmod(g, f)
            if not rest.is_zero():
                break
            g, k = q, k + 1
        if g.degrees()[x] or not k:
            return None
        found[j] = k
    return found


def slope(s: Stratum, x: int, f: Poly) -> dict[str, Any] | None:
    """Proof that ∂f/∂x ≠ 0 where f = 0: m·∂f/∂x − c·f does not vanish on the stratum, for some m and c."""
    derivative, ring = f.derivative(x), s.ring
    zero, degree = ring.make({}), int(f.degrees()[x])
    for m, c in ((ring.one(), zero), *((ring.gen(x), k * ring.one()) for k in range(degree, 0, -1))):
        proof = units.nonvanishing(s, m * derivative - c * f)
        if proof:
            return {"times": m, "less": c, "unit": proof}
    f0 = s.on(f)
    return _bezout(s, x, f0) if used(f0) == [x] else None


def _bezout(s: Stratum, x: int, f0: Poly) -> dict[str, Any] | None:
    """m·f0' − c·f0 = a non-zero integer, for a squarefree f0 in x alone."""
    values = {k: int(c.leading_coefficient()) for k, c in coefficients(s.ring, f0, x).items()}
    if max(values) > MAX_DEGREE:
        return None
    p = fmpq_poly([values.get(k, 0) for k in range(max(values) + 1)])
    common, m, c = p.derivative().xgcd(p)
    if common.degree() > 0:
        return None
    scale = m.denom() * c.denom()

    def lifted(q: fmpq_poly) -> Poly:
        n = len(s.kind)
        return s.ring.make(
            {tuple(k if i == x else 0 for i in range(n)): int(a) for k, a in enumerate((q * scale).coeffs())}
        )

    times, less = lifted(m), -lifted(c)
    proof = units.nonvanishing(s, times * s.ring.one() * f0.derivative(x) - less * f0)
    return {"times": times, "less": less, "unit": proof} if proof else None


def still(s: Stratum, x: int) -> bool:
    """Whether no dependent quantity moves with x, to first order, at the points of the stratum."""
    return all(s.on(relation.derivative(x)).is_zero() for relation in s.roots.values() if relation.degrees()[x])


def movable(s: Stratum, x: int) -> bool:
    """Whether a unit or free coordinate may give way to another."""
    if s.bound(x):
        return False
    return s.kind[x] == UNIT or (s.kind[x] == FREE and not (s.sign[x] or s.jacobian[x] or s.factor[x]))

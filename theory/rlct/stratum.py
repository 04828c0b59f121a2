"""A stratum of a chart, and the ideal on it: the state that every step of the resolution rewrites.

Coordinates of a chart are of three kinds at the points of the stratum:

    small   the coordinate is 0 there (the germ is taken around 0),
    unit    it is any non-zero real constant,
    free    it is any real constant, 0 included.

The function under study is, near every such point p and up to bounded factors, Π x_i^{e_i} · max_j |g_j|; the measure is
Π |x_i|^{h_i} dx. `factor` holds e, `jacobian` h, `generators` the g_j by number. A coordinate with `sign` 1 is restricted to
x_i ≥ 0 (then a unit is positive); `positive` lists polynomials that are > 0 at the points of the stratum, `nonzero` those that
do not vanish. `roots` gives, for a unit that is no coordinate but a *dependent* quantity, the relation that it satisfies: an
algebraic number (only earlier such numbers occur in the relation), or a function of the coordinates in it, analytic because the
derivative of the relation does not vanish.

After a change of coordinates that is known only implicitly the `shadowed` coordinates range over an open set that is not
described further; a stratum that may be empty for such a reason is `uncertain` and gives no upper bound.

The *value* of the stratum is the least pair (λ, −m) over its points; pairs are ordered by λ, and for equal λ a larger
multiplicity comes first: exactly the order of growth of ∫ e^{−tK}.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

from theory.rlct import linear
from theory.rlct.polynomials import Exponents, Poly, Ring, is_monomial, modulo, monoms, primitive, restrict, terms, used

SMALL, UNIT, FREE, ABSENT = "small", "unit", "free", "absent"
Pair = tuple[Fraction, int]  # (λ, −m)
REDUCTIONS = 12  # rounds after which a reduction modulo relations that refer to each other is left as it is
INFINITE: Pair = (Fraction(10**9), 0)  # a point where the function does not vanish
NOTHING: Pair = (Fraction(0), -(10**9))


@dataclass
class Stratum:
    """See the module's docstring; lists are indexed by the variables of `ring`."""

    ring: Ring
    kind: list[str]
    jacobian: list[Any]  # int or Fraction
    sign: list[int]
    factor: list[int]
    generators: dict[int, Poly]
    nonzero: list[Poly] = field(default_factory=list)
    positive: list[Poly] = field(default_factory=list)
    roots: dict[int, Poly] = field(default_factory=dict)
    shadowed: frozenset[int] = frozenset()
    uncertain: bool = False
    next: int = 0

    def __post_init__(self) -> None:
        self.next = max(self.next, max(self.generators, default=-1) + 1)

    def copy(self) -> "Stratum":
        return Stratum(
            self.ring, self.kind[:], self.jacobian[:], self.sign[:], self.factor[:], dict(self.generators),
            self.nonzero[:], self.positive[:], dict(self.roots), self.shadowed, self.uncertain, self.next,
        )  # fmt: skip

    def normal(self, p: Poly) -> Poly:
        """p reduced modulo the relations of the dependent quantities, primitive."""
        return primitive(self.reduced(p)) if self.roots else primitive(p)

    def reduced(self, p: Poly) -> Poly:
        """p modulo the relations, up to a positive factor: the last relation first, until nothing changes."""
        for _ in range(REDUCTIONS):
            before = p
            for i, relation in reversed(self.roots.items()):
                p = modulo(self.ring, p, i, relation, keep_sign=True)
            if p == before:
                break
        return p

    def bound(self, i: int) -> bool:
        """Whether coordinate i is one of, or occurs in, the relations of the dependent coordinates."""
        return any(i in used(relation) for relation in self.roots.values())

    def take(self, other: "Stratum") -> None:
        """Become a copy of another state of the same stratum."""
        self.__dict__.update(other.__dict__)

    def add(self, p: Poly) -> int:
        number = self.next
        self.generators[number] = p
        self.next += 1
        return number

    def where(self, *kinds: str) -> list[int]:
        return [i for i, k in enumerate(self.kind) if k in kinds]

    @property
    def polynomials(self) -> list[int]:
        """Numbers of the generators with more than one term."""
        return [j for j, g in self.generators.items() if not is_monomial(g)]

    @property
    def monomials(self) -> dict[int, Exponents]:
        return {j: next(iter(monoms(g))) for j, g in self.generators.items() if is_monomial(g)}


def exponent_rows(s: Stratum, numbers: list[int], variables: list[int]) -> list[Exponents]:
    """factor + exponents of every term of the generators, on the given variables."""
    rows = {tuple(v[i] + s.factor[i] for i in variables) for j in numbers for v, _ in terms(s.generators[j])}
    return linear.minimal(list(rows))


def lower_bound(s: Stratum) -> Pair:
    """The monomial generators alone: a smaller ideal. Free coordinates count as small without their |x|^h ≤ const."""
    variables = s.where(SMALL, FREE)
    costs = [s.jacobian[i] + 1 if s.kind[i] == SMALL else Fraction(1) for i in variables]
    rows = exponent_rows(s, list(s.monomials), variables)
    return pair(rows, costs) if rows else NOTHING


def upper_bound(s: Stratum) -> Pair:
    """All monomials of all generators: a larger ideal; at the points where no free coordinate is 0, and where all are.

    The latter counts only if none of the polynomials recorded as non-zero forbids it.
    """
    if s.uncertain:
        return INFINITE
    if not s.generators:
        return NOTHING
    choices = [kinds for kinds in ((SMALL,), (SMALL, FREE)) if witness(s, kinds) is not None]
    if not choices:
        return INFINITE
    bounds = []
    for kinds in choices:
        variables = s.where(*kinds)
        bounds.append(pair(exponent_rows(s, list(s.generators), variables), [s.jacobian[i] + 1 for i in variables]))
    return min(bounds)


def witness(s: Stratum, zero: tuple[str, ...]) -> dict[str, Fraction] | None:
    """Rational values of the unit and free coordinates at a point of the stratum, those of the kinds in `zero` being 0.

    Without `positive` polynomials a point outside a hypersurface is wanted, and there is one unless that is everything.
    """
    fixed = s.where(*zero)
    if FREE in zero and (not s.where(FREE) or s.shadowed & set(s.where(FREE))):
        return None
    conditions = [restrict(s.ring, q, fixed) for q in (*s.nonzero, *s.positive)]
    if any(q.is_zero() for q in conditions):
        return None
    if any(len(s.roots.keys() & set(used(q))) > 1 for q in conditions):
        return None
    loose = [i for i, kind in enumerate(s.kind) if kind in (UNIT, FREE) and kind not in zero and i not in s.roots]
    if not s.positive:
        return {}
    if any((s.shadowed | s.roots.keys()) & set(used(q)) for q in s.positive):
        return None
    nonzero = [q for q in conditions[: len(s.nonzero)] if not s.roots.keys() & set(used(q))]
    positive = conditions[len(s.nonzero) :]
    for values in samples(len(loose)):
        point = dict(zip(loose, values, strict=True))
        if any(s.sign[i] and v < 0 for i, v in point.items()):
            continue
        if all(at(q, point) for q in nonzero) and all(at(q, point) > 0 for q in positive):
            return {s.ring.names[i]: v for i, v in point.items()}
    return None


def samples(n: int) -> Iterator[tuple[Fraction, ...]]:
    """Some points with non-zero coordinates, spread by a fixed pseudo-random pattern."""
    grid = [Fraction(a, b) for a, b in ((1, 1), (1, 2), (2, 1), (1, 5), (5, 1), (3, 4), (1, 17), (17, 1))]
    state = 12345
    for trial in range(1 + 200 * (n > 0)):
        values = []
        for _ in range(n):
            state = (1103515245 * state + 12345) % 2**31
            values.append(grid[(state >> 16) % 8] * (-1 if trial > 60 and (state >> 20) % 2 else 1))
        yield tuple(values)


def at(p: Poly, point: dict[int, Fraction]) -> Fraction:
    return Fraction(sum(c * prod(point[i] ** a for i, a in enumerate(v) if a) for v, c in terms(p)))


def pair(rows: list[Exponents], costs: list[Any]) -> Pair:
    found = linear.solve(rows, costs)
    return INFINITE if found is None else (found.value, -found.multiplicity)

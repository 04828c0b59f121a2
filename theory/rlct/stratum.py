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

The steps change a stratum in place. Where the listed polynomials contradict each other on it, so that it has no points, it is
`empty`: nothing is asked of its threshold.

After a change of coordinates that is known only implicitly the `shadowed` coordinates range over an open set that is not
described further; a stratum that may be empty for such a reason is `uncertain` and gives no upper bound.
"""

from dataclasses import dataclass, field
from typing import Any

from theory.rlct.effort import sized
from theory.rlct.polynomials import (
    Exponents,
    Poly,
    Ring,
    content,
    divide_monomial,
    is_monomial,
    modulo,
    monoms,
    primitive,
    restrict,
    used,
)

SMALL, UNIT, FREE, ABSENT = "small", "unit", "free", "absent"
REDUCTIONS = 12  # rounds after which a reduction modulo relations that refer to each other is left as it is


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
        """p reduced modulo the relations of the dependent quantities, primitive. Raises `TooLarge`."""
        return primitive(self.reduced(p)) if self.roots else primitive(sized(p))

    def reduced(self, p: Poly) -> Poly:
        """p modulo the relations, up to a positive factor: the last relation first, until nothing changes."""
        for _ in range(REDUCTIONS):
            before = p
            for i, relation in reversed(self.roots.items()):
                p = modulo(self.ring, p, i, relation, keep_sign=True)
            if p == before:
                break
        return p

    def on(self, p: Poly) -> Poly:
        """p on the stratum: the small coordinates set to 0."""
        return restrict(self.ring, p, self.where(SMALL))

    def support(self, p: Poly) -> set[int]:
        """The coordinates on which p depends on the stratum, through dependent quantities too."""
        found: set[int] = set()
        waiting = set(used(self.on(p)))
        while waiting:
            i = waiting.pop()
            if i not in found:
                found.add(i)
                waiting |= set(used(self.on(self.roots[i]))) if i in self.roots else set()
        return found - self.roots.keys()

    def tidy_lists(self) -> bool:
        """Restrict the listed polynomials to the stratum, without powers of units in `nonzero`; whether that changed them.

        Repetitions leave, and numbers that are as they should be.
        """
        before = self.nonzero, self.positive
        nonzero = [self._without_units(self.on(self.normal(self.on(q)))) for q in self.nonzero]
        positive = [self.on(self.reduced(self.on(q))) for q in self.positive]
        self.nonzero, self.positive = _essential(nonzero), _essential(positive)
        return before != (self.nonzero, self.positive)

    def _without_units(self, q: Poly) -> Poly:
        if q.is_zero():
            return q
        common = content(monoms(q))
        units = tuple(a if self.kind[i] == UNIT else 0 for i, a in enumerate(common))
        return primitive(divide_monomial(self.ring, q, units))

    @property
    def empty(self) -> bool:
        """Whether a listed polynomial, once restricted, is 0, or a number below 0 where it should be positive."""
        return any(q.is_zero() for q in (*self.nonzero, *self.positive)) or any(
            q.is_constant() and q.leading_coefficient() < 0 for q in self.positive
        )

    def shade(self, *coordinates: int) -> None:
        """These coordinates range over some open set only; small and dependent ones do not count."""
        both = self.shadowed | set(coordinates)
        self.shadowed = frozenset(i for i in both if self.kind[i] in (UNIT, FREE) and i not in self.roots)

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


def _essential(listed: list[Poly]) -> list[Poly]:
    found: list[Poly] = []
    for q in listed:
        if not (q.is_constant() and not q.is_zero() and q.leading_coefficient() > 0) and q not in found:
            found.append(q)
    return found

"""The state of a stratum: which points, which function, which measure, as the certificate's format defines it.

The points of a stratum S are described by the kinds of the coordinates (0, non-zero, any), their signs, the polynomials of
`nonzero` and `positive`, and the relations of the dependent quantities. S itself may be smaller than this description D:

    lower bounds need only   S ⊂ D,
    upper bounds need        there is a non-empty open set W of values of the `shadowed` coordinates such that every point of D
                             with shadowed part in W belongs to S  (promised unless the stratum is `uncertain`).

`read` takes a state from plain data, `refine` puts the lists into one normal form, `require_same` compares two states:
everything must agree, except that the claimed state may promise less (more shadowed coordinates, or uncertain).

Source: S. Watanabe, Algebraic Geometry and Statistical Learning Theory (2009), section 2.6 (local coordinates, charts).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from theory.certificate.polynomials import (
    Poly,
    Ring,
    coefficients,
    degree,
    monomial_map,
    names_in,
    parse,
    parse_rational,
    positive_part,
    primitive,
    remainder,
    without,
)
from theory.certificate.refusal import Refused, require

SMALL, UNIT, FREE = "small", "unit", "free"
FIELDS = (
    "kind roots jacobian sign factor generators nonzero positive shadowed uncertain".split()  # noqa: SIM905
)
MAX_ROUNDS = 12


@dataclass(frozen=True)
class State:
    """See the module's docstring and `theory.rlct.format`; absent names are not in use."""

    ring: Ring
    kind: Mapping[str, str]
    roots: Mapping[str, Poly]
    jacobian: Mapping[str, Fraction]
    sign: frozenset[str]
    factor: Mapping[str, int]
    generators: Mapping[str, Poly]
    nonzero: tuple[Poly, ...]
    positive: tuple[Poly, ...]
    shadowed: frozenset[str]
    uncertain: bool
    empty: bool = False  # proved to have no points; never read, always found

    def of(self, *kinds: str) -> list[str]:
        """The coordinates of these kinds (dependent quantities are none)."""
        return [n for n, k in self.kind.items() if k in kinds and n not in self.roots]

    def on(self, p: Poly) -> Poly:
        """p on the stratum: the small coordinates set to 0."""
        return without(p, self.of(SMALL))

    def reduce(self, p: Poly) -> Poly:
        """p modulo the relations, the last one first, up to a positive rational factor."""
        for _ in range(MAX_ROUNDS):
            before = p
            for name in reversed(list(self.roots)):
                p = remainder(p, self.roots[name], name)
            if p == before:
                break
        return positive_part(p)

    def normal(self, p: Poly) -> Poly:
        """One polynomial for all that agree with p up to a rational factor modulo the relations."""
        return primitive(self.reduce(p))

    def support(self, p: Poly) -> set[str]:
        """The coordinates on which p depends on the stratum, through dependent quantities too."""
        found, todo = set(), names_in(self.on(p))
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo |= names_in(self.on(self.roots[name])) if name in self.roots else set()
        return found - set(self.roots)

    def but(self, **changes: Any) -> "State":
        """The state with some fields replaced."""
        return replace(self, **changes)


def leave(table: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The table without some names."""
    return {n: v for n, v in table.items() if n not in names}


def number_of(value: Any) -> str:
    """The number of a generator, as text."""
    require(isinstance(value, int | str) and not isinstance(value, bool), "the number of a generator is not a number")
    text = str(value)
    require(text.isdigit() and len(text) <= 9, "the number of a generator is not a number")
    return text


def read(ring: Ring, data: Any) -> State:
    """A state from plain data."""
    require(isinstance(data, dict) and sorted(data) == sorted(FIELDS), "a state has other fields than it should")
    names = set(ring.names())
    for key in ("kind", "roots", "jacobian", "factor", "generators"):
        require(isinstance(data[key], dict), f"{key} of a state is not a table")
    for key in ("sign", "nonzero", "positive", "shadowed"):
        require(isinstance(data[key], list), f"{key} of a state is not a list")
    for key in ("kind", "roots", "jacobian", "factor", "sign", "shadowed"):
        require(all(n in names for n in data[key]), f"{key} of a state holds an unknown name")
    require(all(k in (SMALL, UNIT, FREE) for k in data["kind"].values()), "a kind is not small, unit or free")
    require(isinstance(data["uncertain"], bool), "uncertain is not true or false")
    roots = {n: parse(ring, p) for n, p in data["roots"].items()}
    for n, p in roots.items():
        require(data["kind"].get(n) == UNIT, f"the dependent quantity {n} is not a unit")
        require(
            degree(p, n) > 0 and coefficients(p, n)[degree(p, n)].is_constant(), f"the relation of {n} is not monic"
        )
    jacobian = {n: parse_rational(h) for n, h in data["jacobian"].items()}
    factor = {n: parse_rational(e) for n, e in data["factor"].items()}
    require(all(e.denominator == 1 and e > 0 for e in factor.values()), "an exponent of the factor is not a number > 0")
    require(all(h > -1 and h for h in jacobian.values()), "an exponent of the jacobian is not above -1, or is 0")
    state = State(
        ring,
        dict(data["kind"]),
        roots,
        jacobian,
        frozenset(data["sign"]),
        {n: int(e) for n, e in factor.items()},
        {number_of(i): parse(ring, p) for i, p in data["generators"].items()},
        tuple(parse(ring, p) for p in data["nonzero"]),
        tuple(parse(ring, p) for p in data["positive"]),
        frozenset(data["shadowed"]),
        data["uncertain"],
    )
    coordinates = set(state.of(SMALL, UNIT, FREE))
    require(state.sign <= state.kind.keys(), "a name with a sign is not in use")
    require(state.shadowed <= coordinates, "something is shadowed that is no coordinate")
    require(jacobian.keys() | factor.keys() <= set(state.of(SMALL, FREE)), "an exponent of something not small or free")
    return refine(state)


def refine(state: State) -> State:
    """The lists on the stratum, in normal form: numbers and repetitions leave, units leave those of `nonzero`.

    A 0 among them, or a negative number in `positive`, says that the stratum is empty. It stays so, and gives no upper bound.
    """
    held = (*state.roots.values(), *state.generators.values(), *state.nonzero, *state.positive)
    require(all(names_in(p) <= state.kind.keys() for p in held), "a polynomial holds a name that is not in use")
    nonzero, positive, empty = [], [], state.empty
    for p in state.nonzero:
        q = listed_form(state, p)
        empty = empty or not q
        nonzero += [] if q.is_constant() or q in nonzero else [q]
    for p in state.positive:
        q = positive_part(state.on(state.reduce(state.on(p))))
        empty = empty or not q or (q.is_constant() and q.leading_coefficient() < 0)
        positive += [] if q.is_constant() or q in positive else [q]
    # Only units and free coordinates have points to range over.
    shadowed = state.shadowed & set(state.of(UNIT, FREE))
    uncertain = state.uncertain or empty
    lists = {"nonzero": tuple(nonzero), "positive": tuple(positive)}
    return state.but(**lists, shadowed=shadowed, uncertain=uncertain, empty=empty)


def listed_form(state: State, p: Poly) -> Poly:
    """p on the stratum up to numbers and powers of units."""
    p = state.on(state.reduce(state.on(p)))
    units = {n for n, k in state.kind.items() if k == UNIT}
    ring = state.ring
    if not p:
        return p
    least = [min(int(e[i]) for e in p.monoms()) if n in units else 0 for i, n in enumerate(ring.names())]
    terms = {tuple(int(x) - m for x, m in zip(e, least, strict=True)): c for e, c in p.to_dict().items()}
    return primitive(ring.from_dict(terms))


def require_same(found: State, claimed: State, what: str, *, numbered: bool) -> None:
    """The claimed state agrees with the one that was found; generators by number, or as a set."""
    for key in ("kind", "jacobian", "sign", "factor"):
        require(getattr(found, key) == getattr(claimed, key), f"{key} of the {what} is not as claimed")
    require(list(found.roots) == list(claimed.roots), f"the dependent quantities of the {what} are not as claimed")
    same = all(primitive(found.roots[n]) == primitive(claimed.roots[n]) for n in found.roots)
    require(same or _same_relations(found, claimed), f"a relation of the {what} is not as claimed")
    ours, theirs = ({i: claimed.normal(p) for i, p in s.generators.items()} for s in (found, claimed))
    if numbered:
        require(ours == theirs, f"a generator of the {what} is not as claimed")
    else:
        require(_bag(ours.values()) == _bag(theirs.values()), f"the generators of the {what} are not as claimed")
    require(_bag(found.nonzero) == _bag(claimed.nonzero), f"`nonzero` of the {what} is not as claimed")
    require(_bag(found.positive) == _bag(claimed.positive), f"`positive` of the {what} is not as claimed")
    require(found.shadowed <= claimed.shadowed, f"more coordinates of the {what} are shadowed than claimed")
    require(claimed.uncertain or not found.uncertain, f"the {what} might be empty, against the claim")
    require(found.empty or not claimed.empty, f"the {what} is claimed to be empty, and is not known to be")


def _same_relations(found: State, claimed: State) -> bool:
    """Each relation agrees modulo the ones before it."""
    for k, name in enumerate(found.roots):
        earlier = claimed.but(roots=dict(list(claimed.roots.items())[:k]))
        if earlier.normal(found.roots[name]) != earlier.normal(claimed.roots[name]):
            return False
    return True


def _bag(polynomials: Iterable[Poly]) -> set[str]:
    return {str(p) for p in polynomials}


def renamed(state: State, child: Any) -> State:
    """The state with the names of an isomorphism, {"rename": {a: b}, "negate": [a]}."""
    rename, negate = child.get("rename"), child.get("negate", [])
    require(isinstance(rename, dict) and isinstance(negate, list), "an isomorphism is not a table and a list")
    names = set(state.ring.names())
    require(all(n in names for n in (*rename, *rename.values(), *negate)), "an isomorphism holds an unknown name")
    to = {n: rename.get(n, n) for n in state.kind}
    require(len(set(to.values())) == len(to), "an isomorphism sends two names to one")
    if any(n in state.sign or n not in state.kind or n in state.roots for n in negate):
        raise Refused("an isomorphism negates something that has a sign, or is no coordinate")
    images = {n: (-1 if n in negate else 1, {m: 1}) for n, m in to.items()}
    return refine(
        state.but(
            kind={to[n]: k for n, k in state.kind.items()},
            roots={to[n]: monomial_map(p, images) for n, p in state.roots.items()},
            jacobian={to[n]: h for n, h in state.jacobian.items()},
            sign=frozenset(to[n] for n in state.sign),
            factor={to[n]: e for n, e in state.factor.items()},
            generators={i: monomial_map(p, images) for i, p in state.generators.items()},
            nonzero=tuple(monomial_map(p, images) for p in state.nonzero),
            positive=tuple(monomial_map(p, images) for p in state.positive),
            shadowed=frozenset(to[n] for n in state.shadowed),
        )
    )


def used(state: State) -> State:
    """The state without the coordinates that occur in no polynomial and no factor: they change no threshold."""
    held = set(state.factor) | set(state.roots)
    for p in (*state.roots.values(), *state.generators.values(), *state.nonzero, *state.positive):
        held |= names_in(p)
    gone = set(state.kind) - held
    return state.but(
        kind=leave(state.kind, *gone),
        jacobian=leave(state.jacobian, *gone),
        sign=state.sign - gone,
        shadowed=state.shadowed - gone,
    )

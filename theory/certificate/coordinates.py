"""The steps that change coordinates on a stratum, carried out again; and those that move to the zeros of a polynomial.

    straighten   x ← a·x + b, with a ≠ 0 on the stratum
    square       x ← x² for a unit x, z ← z·x
    implicit     x ← f where ∂f/∂x ≠ 0 and f = 0
    adjoin       x ← x − α at the roots α of a polynomial
    cover        f becomes a small coordinate w, and x an analytic function of the others with f(x, …) = w

A step of a node must keep all points. So implicit, adjoin and cover, which keep those with f = 0, are accepted there for a
small x only (whose f is 0 on the stratum); for other x they belong to a split, which passes the polynomial `zeros`, q.

Shadows: the promise of `state` is that the points of D with shadowed part in an open set W belong to S. If x is shadowed
and the new coordinate mixes it with y, this remains true only with y shadowed as well.

Source: S. G. Krantz, H. R. Parks, The Implicit Function Theorem (2002), chapter 2.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from theory.certificate.polynomials import (
    Poly,
    affine,
    coefficients,
    degree,
    generator,
    limited,
    monomial_map,
    names_in,
    parse,
    parse_rational,
    place,
    primitive,
    product,
    quotient,
    roots_between,
    univariate,
    value_at,
)
from theory.certificate.refusal import Refused, field, require
from theory.certificate.state import FREE, SMALL, UNIT, State, leave
from theory.certificate.units import norm, sign_of


def straighten(state: State, step: Any, zeros: Poly | None = None) -> State:
    """x ← f = a·x + b."""
    x = _coordinate(state, step)
    f, a, b = (parse(state.ring, step.get(key)) for key in ("coordinate", "a", "b"))
    require(f == a * generator(state.ring, x) + b, "the new coordinate is not a·x + b")
    require(x not in names_in(a) | names_in(b), "a or b holds the coordinate that is replaced")
    sign_of(state, a, step.get("proof"))
    if any(x in names_in(p) for p in state.roots.values()):
        require(a.is_constant(), "a coordinate in a relation is scaled")
        require(not names_in(b) & state.roots.keys(), "a coordinate in a relation is moved by a dependent quantity")
    here = not state.on(b)
    if state.kind[x] == SMALL:
        require(here and zeros is None, "the new coordinate of a small one is not 0 on the stratum")
    elif zeros is not None:
        require(primitive(f) == primitive(zeros), "the new coordinate is not the polynomial of the split")
    mixed = (state.support(a) | state.support(b)) if x in state.shadowed else set()
    state = _loosen(state, x, stays=here and zeros is None)
    moved = {
        "generators": {i: primitive(affine(g, x, a, b)) for i, g in state.generators.items()},
        "roots": {n: affine(p, x, a, b) for n, p in state.roots.items()},
        "nonzero": tuple(affine(p, x, a, b) for p in state.nonzero),
        "positive": tuple(affine(p, x, a, b, even=True) for p in state.positive),
        "shadowed": state.shadowed | mixed,
    }
    if zeros is None:
        return state.but(**moved)
    uncertain = state.uncertain or x in state.shadowed
    return state.but(**moved, kind={**state.kind, x: SMALL}, uncertain=uncertain)


def _coordinate(state: State, step: Mapping[str, Any]) -> str:
    x = step.get("variable")
    require(isinstance(x, str) and x in state.of(SMALL, UNIT, FREE), "what is replaced is not a coordinate")
    return str(x)


def _loosen(state: State, x: str, *, stays: bool) -> State:
    """x as a coordinate that may be replaced: no exponents and no sign; what was known of a unit goes into the lists."""
    if state.kind[x] != UNIT:
        bare = x not in state.sign and x not in state.jacobian and x not in state.factor
        require(bare, f"{x} is replaced, but has a sign or an exponent")
        return state
    this = generator(state.ring, x)
    if x in state.sign:
        state = state.but(positive=(*state.positive, this), sign=state.sign - {x})
    elif not stays:
        state = state.but(nonzero=(*state.nonzero, this))
    return state if stays else state.but(kind={**state.kind, x: FREE})


def square(state: State, step: Any, zeros: Poly | None = None) -> State:
    """x ← x² for a unit x, z ← z·x for the scaled z."""
    x, scaled = _coordinate(state, step), step.get("scaled")
    require(state.kind[x] == UNIT and zeros is None, "only a unit can be squared")
    require(isinstance(scaled, list) and len(set(map(str, scaled))) == len(scaled), "the scaled names are not a list")
    require(x not in scaled and all(z in state.of(SMALL, UNIT, FREE) for z in scaled), "a scaled name is no coordinate")
    require(x in state.sign or not state.sign & set(scaled), "a coordinate with a sign is scaled by one without")
    touched = {x, *scaled}
    held = [names_in(p) for p in (*state.roots.values(), *state.positive)]
    require(all(not touched & names for names in held), "a relation or a positive polynomial holds what is squared")
    mixed = {x} if state.shadowed & set(scaled) else set()
    i, others = place(state.ring, x), [place(state.ring, z) for z in scaled]

    def halved(p: Poly) -> Poly:
        numbers = {tuple(v): int(v[i]) - sum(int(v[j]) for j in others) for v in p.monoms()}
        least = min(numbers.values(), default=0)
        require(
            all((k - least) % 2 == 0 for k in numbers.values()), "a polynomial is not even or odd in what is squared"
        )
        terms = {tuple(map(int, v)): c for v, c in p.to_dict().items()}
        return state.ring.from_dict({(*v[:i], (numbers[v] - least) // 2, *v[i + 1 :]): c for v, c in terms.items()})

    return state.but(
        generators={n: halved(g) for n, g in state.generators.items()},
        nonzero=tuple(halved(p) for p in state.nonzero),
        sign=state.sign | {x},
        shadowed=state.shadowed | mixed,
    )


def implicit(state: State, step: Any, zeros: Poly | None = None) -> State:
    """x ← f at the points where f = 0."""
    x = _coordinate(state, step)
    f = parse(state.ring, step.get("coordinate"))
    require(all(x not in names_in(p) for p in state.roots.values()), "a relation holds the coordinate that is replaced")
    _check_slope(state, f, x, step)
    if state.kind[x] == SMALL:
        require(zeros is None and not state.on(f), "the new coordinate of a small one is not 0 on the stratum")
        state = _loosen(state, x, stays=True)
        return state.but(generators=_in_powers(state, f, x, step.get("powers")))
    _check_zeros(state, f, zeros, step)
    sign = x in state.sign
    state = _loosen(state, x, stays=False)
    leaving = [(p, p in state.positive) for p in (*state.nonzero, *state.positive) if x in names_in(p)]
    coordinates = state.support(f).union(*(state.support(p) for p, _ in leaving)) | {x}
    uncertain = state.uncertain or "witness" not in step or bool(coordinates & state.shadowed)
    if "witness" in step:
        _check_witness(state.but(sign=state.sign | ({x} if sign else set())), f, x, step["witness"], leaving)
    return state.but(
        generators=_in_powers(state, f, x, step.get("powers")),
        kind={**state.kind, x: SMALL},
        nonzero=tuple(p for p in state.nonzero if x not in names_in(p)),
        positive=tuple(p for p in state.positive if x not in names_in(p)),
        shadowed=(state.shadowed | coordinates) - {x},
        uncertain=uncertain,
    )


def _in_powers(state: State, f: Poly, x: str, powers: Any) -> dict[str, Poly]:
    """The generators, where f^k·(no x) becomes x^k·(no x)."""
    require(
        isinstance(powers, dict) and all(isinstance(k, int) and 0 <= k <= 1_000 for k in powers.values()), "no powers"
    )
    found = {}
    for i, g in state.generators.items():
        k = powers.get(i, 0)
        if x not in names_in(g) and not k:
            found[i] = g
            continue
        rest = g
        for _ in range(k):
            rest = quotient(rest, f)
        require(x not in names_in(rest), "a generator is not a power of the new coordinate times the others")
        found[i] = primitive(product(rest, generator(state.ring, x) ** k))
    return found


def _check_slope(state: State, f: Poly, x: str, step: Mapping[str, Any]) -> None:
    """∂f/∂x has no zero where f = 0: m·∂f/∂x − c·f has none at all."""
    slope = field(step, "proof", dict)
    m, c = parse(state.ring, slope.get("times")), parse(state.ring, slope.get("less"))
    sign_of(state, limited(product(m, f.derivative(x)) - product(c, f)), slope.get("unit"))


def _check_zeros(state: State, f: Poly, zeros: Poly | None, step: Mapping[str, Any]) -> None:
    """f = q·(unit) on the stratum."""
    if zeros is None:
        raise Refused("a step of a node leaves points out")
    f0, q = state.on(f), state.on(zeros)
    require(bool(f0) and bool(q), "the polynomial of a split is 0 on the stratum")
    if divmod(f0, primitive(q))[1]:
        f0, q = state.reduce(f0), state.reduce(q)
    sign_of(state, quotient(f0, q), step.get("cofactor"))


def _check_witness(state: State, f: Poly, x: str, witness: Any, lists: Iterable[tuple[Poly, bool]]) -> None:
    """At the values of the witness f has a zero between a and b, where the listed polynomials are as they should."""
    require(isinstance(witness, dict) and isinstance(witness.get("point"), dict), "a witness has no point")
    ends = field(witness, "interval", list)
    require(len(ends) == 2, "the interval of a witness has not two ends")
    low, high = map(parse_rational, ends)
    point = {str(n): parse_rational(v) for n, v in witness["point"].items()}
    for n, v in point.items():
        require(n in state.of(UNIT, FREE), f"a witness gives a value to {n:.40}, which has none of its own")
        require(v != 0 or state.kind[n] == FREE, f"a witness sets the unit {n} to 0")
        require(v >= 0 or n not in state.sign, f"a witness gives {n} the wrong sign")
    require(low <= high, "the interval of a witness is empty")
    require(low >= 0 or x not in state.sign, f"a witness gives {x} the wrong sign")
    g = univariate(state.on(f), x, point)
    ends_of_f = value_at(g, low), value_at(g, high)
    crosses = ends_of_f[0] * ends_of_f[1] < 0 if low < high else ends_of_f[0] == 0
    require(crosses, "a witness shows no zero")
    for p, positive in lists:
        q = univariate(p, x, point)
        at_ends = value_at(q, low), value_at(q, high)
        clear = all(at_ends) and (low == high or roots_between(q, low, high) == 0)
        require(clear and (at_ends[0] > 0 or not positive), "a listed polynomial is not as it should at a witness")


def _fresh(state: State, name: Any) -> str:
    require(isinstance(name, str) and name in state.ring.names(), "a new quantity has an unknown name")
    require(name not in state.kind, f"the name {name} is in use already")
    return str(name)


def adjoin(state: State, step: Any, zeros: Poly | None = None) -> State:
    """x = α + (new small x) at the roots α of q."""
    x, alpha = _coordinate(state, step), _fresh(state, step.get("root"))
    if zeros is None or state.kind[x] == SMALL:
        raise Refused("a root is adjoined outside a split, or to a small coordinate")
    relation = parse(state.ring, step.get("relation"))
    require(all(x not in names_in(p) for p in state.roots.values()), "a relation holds the coordinate that is replaced")
    q = monomial_map(relation, {alpha: (1, {x: 1})})
    require(x not in names_in(relation) and primitive(q) == primitive(zeros), "the relation is not that of the split")
    others = names_in(relation) - {alpha}
    require(all(n in state.roots and not _spanned(state, n) for n in others), "the relation holds more than numbers")
    require(_leading(relation, alpha).is_constant(), "the leading coefficient of a relation is not a number")
    if state.kind[x] == FREE:
        constant = coefficients(relation, alpha).get(0, state.ring.constant(0))
        least = norm(state, constant)
        require(bool(least) and least.is_constant(), "a root that may be 0 is taken for a unit")
    sign, unit = x in state.sign, state.kind[x] == UNIT
    uncertain = state.uncertain or "witness" not in step or x in state.shadowed
    if "witness" in step:
        nowhere = [(generator(state.ring, x), sign)] if unit else []
        _check_witness(state, q, x, step["witness"], nowhere)
    state = _loosen(state, x, stays=False)
    one, b = state.ring.constant(1), -generator(state.ring, alpha)
    return state.but(
        kind={**state.kind, x: SMALL, alpha: UNIT},
        roots={**state.roots, alpha: relation},
        generators={i: affine(g, x, one, b) for i, g in state.generators.items()},
        nonzero=tuple(affine(p, x, one, b) for p in state.nonzero),
        positive=tuple(affine(p, x, one, b) for p in state.positive),
        uncertain=uncertain,
    )


def _spanned(state: State, name: str) -> Iterable[str]:
    """The coordinates in the relation of a dependent quantity, also through others."""
    found, todo = set(), [name]
    while todo:
        n = todo.pop()
        for other in names_in(state.roots[n]) - found if n in state.roots else ():
            found.add(other)
            todo.append(other)
    return found - set(state.roots)


def _leading(p: Poly, name: str) -> Poly:
    require(degree(p, name) > 0, f"a relation does not hold {name}")
    return coefficients(p, name)[degree(p, name)]


def cover(state: State, step: Any, zeros: Poly | None = None) -> State:
    """The zeros of f: w = f is a small coordinate, x an analytic function of w and the others."""
    x, w = _coordinate(state, step), _fresh(state, step.get("coordinate"))
    require(state.kind[x] != SMALL, "a small coordinate is covered")
    relation = parse(state.ring, step.get("relation"))
    f = relation + generator(state.ring, w)
    require(w not in names_in(f) and names_in(f) <= state.kind.keys(), "a covering relation is not f - w")
    require(_leading(f, x).is_constant(), "the leading coefficient of a relation is not a number")
    _check_zeros(state, f, zeros, step)
    _check_slope(state, f, x, step)
    if state.kind[x] == FREE:
        require("unit" in step, "a root that may be 0 is taken for a unit")
    if "unit" in step:
        sign_of(state, coefficients(f, x).get(0, state.ring.constant(0)), step["unit"])
    for p in state.roots.values():
        require(not state.on(p.derivative(x)), "a relation depends on the covered coordinate on the stratum")
    # f = a·x + b with a number a and b ≠ 0: a unit x = −b/a whatever the others are.
    loose = x not in state.sign | state.shadowed and all(x not in names_in(p) for p in state.positive)
    everywhere = degree(f, x) == 1 and "unit" in step and loose
    coordinates = set() if everywhere else state.support(f) | {x}
    uncertain = state.uncertain or bool(coordinates & state.shadowed) or ("witness" not in step and not everywhere)
    this = generator(state.ring, x)
    if "witness" in step:
        nowhere = [(this, x in state.sign)] if state.kind[x] == UNIT else []
        _check_witness(state, f, x, step["witness"], nowhere)
    return state.but(
        kind={**state.kind, w: SMALL, x: UNIT},
        roots={**state.roots, x: relation},
        jacobian=leave(state.jacobian, x),
        factor=leave(state.factor, x),
        shadowed=(state.shadowed | coordinates) - {x},
        uncertain=uncertain,
    )

"""The steps of a node that rewrite the generators and lists in the same coordinates, carried out again.

On a stratum the function is F = Π|x_i|^{e_i} max_j |g_j|; near each point it may be changed by factors that are bounded
above and below. `carry_out` returns the state after a step, or refuses it; steps that change coordinates are in
`theory.certificate.coordinates`.

    drop, combine    generators of the same ideal
    divide           by a polynomial without zeros on the stratum
    prune            |x^v| ≤ C Π|g_j|^{w_j} ≤ C max_j |g_j|: such a term of another generator may go
    spread           terms of one sign: |Σ t| = Σ |t|
    extract          a common monomial joins Π|x_i|^{e_i}
    restrict         the lists are read on the stratum (they always are here)
    promote          a coordinate that divides something without zeros has none

Source: S. Lin, Algebraic Methods for Evaluating Integrals in Bayesian Statistics (thesis, Berkeley 2011), chapter 4.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from theory.certificate.coordinates import adjoin, cover, implicit, square, straighten
from theory.certificate.polynomials import (
    limited,
    parse,
    parse_rational,
    place,
    primitive,
    product,
    quotient,
)
from theory.certificate.refusal import require
from theory.certificate.state import FREE, SMALL, UNIT, State, leave, listed_form, number_of, refine
from theory.certificate.units import one_sign, sign_of

Rule = Callable[[State, Any], State]


def carry_out(state: State, step: Any) -> State:
    """The state after one step of a node."""
    require(isinstance(step, dict) and isinstance(step.get("step"), str), "a step is not a table with a name")
    require(step["step"] in RULES, f"unknown step {step['step']!r:.40}")
    return refine(RULES[step["step"]](state, step))


def _chosen(state: State, value: Any) -> str:
    i = number_of(value)
    require(i in state.generators, f"there is no generator {i}")
    return i


def _with(state: State, i: str, p: Any) -> State:
    return state.but(generators={**state.generators, i: primitive(p)})


def _drop(state: State, step: Any) -> State:
    i = _chosen(state, step.get("generator"))
    others = leave(state.generators, i)
    one = any(p.is_constant() and p for p in map(state.normal, others.values()))
    require(one or not state.normal(state.generators[i]), "the dropped generator is not 0, and none of the others is 1")
    return state.but(generators=others)


def _combine(state: State, step: Any) -> State:
    i, j = _chosen(state, step.get("generator")), _chosen(state, step.get("by"))
    p, r, q = (parse(state.ring, step.get(key)) for key in ("from", "with", "times"))
    c = parse_rational(step.get("scale"))
    require(c.denominator == 1 and c != 0 and i != j, "a combination scales by 0, or uses a generator on itself")
    require(state.normal(p) == state.normal(state.generators[i]), "a combination starts from another generator")
    require(state.normal(r) == state.normal(state.generators[j]), "a combination uses another generator")
    return _with(state, i, limited(int(c) * p - product(q, r)))


def _divide(state: State, step: Any) -> State:
    i = _chosen(state, step.get("generator"))
    p = parse(state.ring, step.get("by"))
    sign_of(state, p, step.get("proof"))
    g = state.generators[i]
    if divmod(g, primitive(p))[1]:
        g = state.reduce(g)
    return _with(state, i, quotient(g, p))


def _prune(state: State, step: Any) -> State:
    i = _chosen(state, step.get("generator"))
    names, terms = state.ring.names(), dict(state.generators[i].to_dict())
    if not all(tuple(v) in terms for v, _ in _pairs(step.get("terms"))):
        terms = dict(state.reduce(state.generators[i]).to_dict())
    matter = [k for k, n in enumerate(names) if n in state.of(SMALL, FREE)]
    for v, weights in _pairs(step.get("terms")):
        require(tuple(v) in terms, "a pruned term does not occur")
        require(isinstance(weights, dict), "the weights of a pruned term are not a table")
        mean = [Fraction(0)] * len(names)
        for number, text in weights.items():
            j, w = _chosen(state, number), parse_rational(text)
            require(j != i and w >= 0, "a pruned term is bounded by its own generator, or with a negative weight")
            require(len(state.generators[j]) == 1, "a pruned term is bounded by a generator that is no monomial")
            mean = [m + w * int(e) for m, e in zip(mean, state.generators[j].monoms()[0], strict=True)]
        require(sum(map(parse_rational, weights.values())) == 1, "the weights of a pruned term do not add up to 1")
        require(all(mean[k] <= v[k] for k in matter), "a pruned term is not bounded by the other generators")
        del terms[tuple(v)]
    return _with(state, i, state.ring.from_dict(terms))


def _pairs(entries: Any) -> list[tuple[list[int], Any]]:
    require(isinstance(entries, list) and len(entries) <= 20_000, "the pruned terms are not a list")
    for entry in entries:
        require(isinstance(entry, list | tuple) and len(entry) == 2, "a pruned term is not exponents and weights")
        require(isinstance(entry[0], list | tuple), "the exponents of a pruned term are not a list")
    return [(list(v), weights) for v, weights in entries]


def _spread(state: State, step: Any) -> State:
    i, into = _chosen(state, step.get("generator")), step.get("into")
    require(isinstance(into, dict) and len(into) <= 20_000, "the terms of a spread generator are not a table")
    others = leave(state.generators, i)
    require(all(number_of(k) not in others for k in into), "a spread generator takes the number of another one")
    for g in (state.generators[i], state.reduce(state.generators[i])):
        if sorted(tuple(map(int, v)) for v in g.monoms()) == sorted(map(_exponents, into.values())):
            require(one_sign(state, g) != 0, "the terms of a spread generator do not have one sign")
            terms = {number_of(k): state.ring.from_dict({_exponents(v): 1}) for k, v in into.items()}
            return state.but(generators={**others, **terms})
    require(False, "a generator is spread into other terms than its own")
    return state


def _exponents(v: Any) -> tuple[int, ...]:
    require(isinstance(v, list | tuple), "exponents are not a list")
    require(
        all(isinstance(e, int) and not isinstance(e, bool) and e >= 0 for e in v), "an exponent is not a number >= 0"
    )
    return tuple(v)


def _extract(state: State, step: Any) -> State:
    v = _exponents(step.get("exponents"))
    names = state.ring.names()
    require(len(v) == len(names), "the exponents are not as many as the names")
    require(all(n in state.kind for n, e in zip(names, v, strict=True) if e), "a name that is not in use is extracted")
    monomial = state.ring.from_dict({v: 1})
    divided = {}
    for i, g in state.generators.items():
        divided[i] = quotient(state.reduce(g) if divmod(g, monomial)[1] else g, monomial)
    out = set(state.of(SMALL, FREE))
    gained = {n: state.factor.get(n, 0) + e for n, e in zip(names, v, strict=True) if e and n in out}
    return state.but(generators=divided, factor={**state.factor, **gained})


def _restrict(state: State, step: Any) -> State:
    return state


def _promote(state: State, step: Any) -> State:
    name, q = step.get("variable"), parse(state.ring, step.get("polynomial"))
    require(isinstance(name, str) and name in state.of(FREE), "only a free coordinate can become a unit")
    i = place(state.ring, name)
    listed = listed_form(state, q)
    among = [*state.nonzero, *(listed_form(state, r) for r in state.positive)]
    require(bool(q) and listed in among, "the promoted coordinate is not taken from a listed polynomial")
    require(all(v[i] > 0 for v in listed.monoms()), "the promoted coordinate does not divide the listed polynomial")
    return state.but(
        kind={**state.kind, name: UNIT}, factor=leave(state.factor, name), jacobian=leave(state.jacobian, name)
    )


RULES: dict[str, Rule] = {
    "drop": _drop,
    "combine": _combine,
    "divide": _divide,
    "prune": _prune,
    "spread": _spread,
    "extract": _extract,
    "restrict": _restrict,
    "promote": _promote,
    "square": square,
    "straighten": straighten,
    "implicit": implicit,
}


def carry_out_at_zeros(state: State, step: Any, q: Any) -> State:
    """The state at the points where q = 0, by the step of a split."""
    require(isinstance(step, dict), "a step is not a table")
    rules = {"straighten": straighten, "implicit": implicit, "adjoin": adjoin, "cover": cover}
    name = step.get("step")
    require(isinstance(name, str) and name in rules, "a split is carried out by an unknown step")
    return refine(rules[str(name)](state, step, zeros=q))  # type: ignore[operator]

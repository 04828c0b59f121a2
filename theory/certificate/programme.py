"""The two linear programmes of a monomial ideal: weak duality and the dimension of the optimal face, checked exactly.

For rows r_j ≥ 0 (exponents) and costs c = h + 1 the function max_j |x|^{r_j} with measure |x|^h dx has the threshold

    λ = min {u·c : u ≥ 0, u·r_j ≥ 1} = max {Σ y_j : y ≥ 0, Σ_j y_j r_j ≤ c},        m = 1 + dim {optimal u}.

Any feasible y proves λ ≥ Σ y_j; every optimal u then has u·r_j = 1 where y_j > 0 and u_i = 0 where the inequality is strict, so
m ≤ 1 + n − rank of these. Any feasible u proves λ ≤ u·c; if c lies in the span of the constraints that are tight at u, all
points near u on them have the same cost, so m ≥ 1 + n − rank of these.

Free coordinates in a lower bound: at points where such an x is not 0 the row entry does not count, which only helps, and
where it is 0 the cost is h + 1. The cost min(1, h + 1) is good for both (1 alone would not be for h < 0).

Lower bounds by derivatives: where ∂^d g/∂x^d ≠ 0, the set {|g| < ε} has length ≤ C ε^{1/d} along x, uniformly in the other
coordinates. So ∫ Π |g_j|^{−β_j} |x|^{−α} dx is bounded when α + Σ β_j d_j < 1 (Hölder), and such g_j, all along one x, count
as x^{d_j}. Any pole's order is at most the number of coordinates.

Source: S. Lin (thesis, Berkeley 2011), section 4.3; A. Schrijver, Theory of Linear and Integer Programming (1986), chapter 7.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from flint import fmpq, fmpq_mat

from theory.certificate.polynomials import Poly, names_in, parse_rational, univariate, value_at
from theory.certificate.refusal import Refused, field, require
from theory.certificate.state import FREE, SMALL, UNIT, State, number_of
from theory.certificate.units import norm, sign_of

Row = tuple[Fraction, ...]


class Pair(NamedTuple):
    """(λ, m), with λ None for infinity. Smaller λ first; for equal λ the larger m first."""

    value: Fraction | None
    multiplicity: int

    def key(self) -> tuple[bool, Fraction, int]:
        """Sorts pairs from the smallest."""
        return self.value is None, self.value or Fraction(0), -self.multiplicity


def read_pair(data: Any) -> Pair:
    """The pair {"value": …, "multiplicity": …}."""
    require(isinstance(data, dict), "a bound is not a table")
    m = data.get("multiplicity")
    require(isinstance(m, int) and not isinstance(m, bool) and 1 <= m <= 10**12, "a multiplicity is not a number > 0")
    value = data.get("value")
    return Pair(None if value == "infinite" else parse_rational(value), m)


def rank(rows: list[Row]) -> int:
    """The rank of rational rows."""
    if not rows or not rows[0]:
        return 0
    return int(fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows]).rank())


def lower_bound(state: State, data: Any) -> Pair:
    """The bound of a node, proved by its dual weights for the monomials among the generators."""
    claimed, dual = read_pair(data), data.get("dual", {})
    require(isinstance(dual, dict), "the dual weights are not a table")
    if claimed.value is None and state.empty:
        return claimed  # there is no point to bound
    if claimed.value is None:
        one = any(p.is_constant() and p for p in map(state.normal, state.generators.values()))
        require(one and not state.factor, "an infinite threshold of a function that may vanish")
        return claimed
    along = data.get("along")
    orders = {} if along is None else _orders(state, along, data.get("derivatives"))
    coordinates = state.of(SMALL, FREE) if along is None else state.of(SMALL, UNIT, FREE)
    places = [state.ring.names().index(n) for n in coordinates]
    cost = [state.jacobian.get(n, Fraction(0)) + 1 for n in coordinates]
    loose = [state.kind[n] != SMALL or n == along for n in coordinates]
    cost = [min(c, Fraction(1)) if free else c for free, c in zip(loose, cost, strict=True)]
    total, load, tight = Fraction(0), [Fraction(0)] * len(places), []
    for number, text in dual.items():
        i, y = number_of(number), parse_rational(text)
        require(i in state.generators and y >= 0, "a dual weight is negative, or of no generator")
        g = state.generators[i]
        require(len(g) == 1 or i in orders, "a dual weight is given to a generator that is no monomial")
        powers = {n: k for n, k in zip(coordinates, _at(g, places), strict=True) if state.kind[n] != UNIT}
        powers = {along: orders[i]} if i in orders else powers
        row = tuple(Fraction(powers.get(n, 0) + state.factor.get(n, 0)) for n in coordinates)
        total, load = total + y, [have + y * r for have, r in zip(load, row, strict=True)]
        tight += [row] if y > 0 else []
    require(total == claimed.value, "the dual weights do not add up to the bound")
    require(all(have <= c for have, c in zip(load, cost, strict=True)), "the dual weights are not feasible")
    if along is not None:
        require(claimed.multiplicity == len(coordinates), "a bound by derivatives says nothing of the multiplicity")
        return claimed
    if total == 0:
        return claimed  # λ > 0 for every function that is not identically 0
    strict = [k for k, (have, c) in enumerate(zip(load, cost, strict=True)) if have < c]
    tight += [_unit(k, len(places)) for k in strict]
    require(claimed.multiplicity == 1 + len(places) - rank(tight), "the multiplicity of a lower bound is not as proved")
    return claimed


def _at(monomial: Poly, places: list[int]) -> list[int]:
    return [int(monomial.monoms()[0][k]) for k in places]


def _orders(state: State, along: Any, derivatives: Any) -> dict[str, int]:
    """For generators g the d for which ∂^d g/∂x^d has no zero: {|g| < ε} has length ≤ C ε^{1/d} in x, as for x^d."""
    require(isinstance(along, str) and along in state.of(SMALL, UNIT, FREE), "a derivative is by something else than x")
    require(all(along not in names_in(p) for p in state.roots.values()), "a derivative is by something in a relation")
    require(isinstance(derivatives, dict), "the derivatives are not a table")
    found = {}
    for number, entry in derivatives.items():
        i = number_of(number)
        require(i in state.generators and isinstance(entry, dict), "a derivative is of no generator")
        d, p = entry.get("order"), state.generators[i]
        if not isinstance(d, int) or isinstance(d, bool) or not 0 < d <= 1_000:
            raise Refused("the order of a derivative is not a number > 0")
        for _ in range(d):
            p = p.derivative(along)
        sign_of(state, p, entry.get("proof"))
        found[i] = d
    return found


def _unit(k: int, n: int) -> Row:
    return tuple(Fraction(k == i) for i in range(n))


def upper_bound(state: State, proof: Mapping[str, Any]) -> Pair:
    """The bound at one point of a stratum that has points, proved by the primal weights for all terms."""
    require(not state.uncertain, "the upper bound is taken on a stratum that might be empty")
    at = proof.get("at")
    require(at in ("generic", "origin"), "the upper bound is neither generic nor at the origin")
    free = state.of(FREE)
    if at == "origin":
        require(not state.shadowed & set(free), "a free coordinate is set to 0, but it is shadowed")
    _check_point(state, proof.get("point", {}), free if at == "origin" else [])
    coordinates = state.of(SMALL) + (free if at == "origin" else [])
    places = [state.ring.names().index(n) for n in coordinates]
    cost = tuple(state.jacobian.get(n, Fraction(0)) + 1 for n in coordinates)
    primal = field(proof, "primal", dict)
    require(primal.keys() <= set(coordinates), "the primal weights are of other coordinates")
    u = [parse_rational(primal.get(n, 0)) for n in coordinates]
    require(all(v >= 0 for v in u), "a primal weight is negative")
    tight = [_unit(k, len(u)) for k, v in enumerate(u) if v == 0]
    for g in state.generators.values():
        for v in g.monoms():
            row = tuple(Fraction(int(v[k]) + state.factor.get(n, 0)) for k, n in zip(places, coordinates, strict=True))
            level = sum((a * b for a, b in zip(u, row, strict=True)), Fraction(0))
            require(level >= 1, "a term is smaller than the primal weights allow")
            tight += [row] if level == 1 else []
    claimed = read_pair(proof)
    require(
        claimed.value == sum((a * b for a, b in zip(u, cost, strict=True)), Fraction(0)),
        "the upper bound has another value",
    )
    require(rank(tight) == rank([*tight, cost]), "the costs are not spanned by what is tight")
    require(claimed.multiplicity == 1 + len(u) - rank(tight), "the multiplicity of an upper bound is not as proved")
    return claimed


def _check_point(state: State, point: Any, zero: list[str]) -> None:
    """The stratum has a point with these coordinates 0: `nonzero` generically, `positive` at the point that is given."""
    require(isinstance(point, dict), "the point of an upper bound is not a table")
    there = state.but(kind={**state.kind, **dict.fromkeys(zero, SMALL)})
    for p in state.nonzero:
        require(bool(norm(there, there.reduce(there.on(p)))), "a polynomial of `nonzero` may be 0 at all points there")
    if not state.positive:
        return
    values: dict[str, Fraction] = {n: Fraction(0) for n in zero}
    for n, text in point.items():
        v = parse_rational(text)
        require(n in state.of(UNIT, FREE) and n not in state.shadowed, "the point sets what is not at our choice")
        require(n not in zero or v == 0, "the point at the origin is not there")
        require(v > 0 or n not in state.sign or (v == 0 and state.kind[n] == FREE), "the point has a wrong sign")
        require(v != 0 or state.kind[n] == FREE, "the point sets a unit to 0")
        values[n] = v
    for p in state.positive:
        _check_positive(p, values)


def _check_positive(p: Poly, values: Mapping[str, Fraction]) -> None:
    name = p.context().names()[0]
    q = univariate(p, name, values)
    require(q.degree() <= 0 or name in values, "the point leaves a value open")
    require(value_at(q, values.get(name, Fraction(0))) > 0, "a polynomial of `positive` is not positive at the point")

"""Where analytic Gibbs integrands decay: polynomial minorants over unbounded domains, and tails proved from them.

Idea
----
Outside a large box the integral of |f| e^{−V} must be *proved* small. `intervals` encloses every term of V by a
polynomial with interval coefficients in the unbounded variables. For a *minorant* of V less is needed: terms that are ≥ 0
(squares, exponentials, cosh, log(1 + …)) may be dropped, or replaced by their low Taylor polynomials, e^g ≥ 1 + g + g²/2 +
g³/6, cosh g ≥ 1 + g²/2. From the intervals a minorant with exact coefficients: [a, b] w^α ≥ a w^α for even α, and for
odd α, about the middle of the interval,

    c w^α ≥ −|c| (λ w^β + w^γ/λ) / 2,   β + γ = 2α, β and γ even.

`tails.certify` then proves its growth and gives the box and the bound of the tail. On half lines, x = l + s², the Jacobian
is |2s| ≤ 1 + s². Where V grows like |w| only, there is no such minorant, and `cones` takes its place.

Notation: P the minorant, s the unbounded coordinates, m and N as in `tails`.
Reading order: `minorants`, `Region`, `confine`.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from flint import arb, fmpq, fmpq_mat, fmpq_mpoly

from numerics.analytic import apart, exponent_and_amplitude
from numerics.errors import NotCertified
from numerics.gauss import cones
from numerics.gauss.domain import Domain
from numerics.gauss.interval_polynomials import ONE, ZERO, Exponents, IntervalPolynomial
from numerics.gauss.intervals import Enclosure, is_nonnegative, split
from numerics.precision import ball
from numerics.trapezoid import steering
from numerics.trapezoid.frames import flag_basis
from numerics.trapezoid.polynomial import ring
from numerics.trapezoid.tails import Frame, Tail, certify

DROPPING = ("functions", "squares", "nothing")
ABSORBED = (ONE, fmpq(1, 32), fmpq(1, 1024))


def minorants(potential: Any, enclosure: Enclosure) -> Iterator[fmpq_mpoly]:
    """Polynomials P ≤ V over the domain, in the unbounded coordinates.

    First terms ≥ 0 that are not polynomials are dropped, then also squares of polynomials such as (1 − xy)², then none;
    each with several λ for the odd monomials.
    """
    for dropping in DROPPING:
        total = IntervalPolynomial(enclosure.count, {})
        for coefficient, part in split(potential):
            total = total + _below(coefficient, part, enclosure, dropping)
        uncertain = any(a < b and any(e % 2 for e in alpha) for alpha, (a, b) in total.terms.items())
        for absorb in ABSORBED if uncertain else ABSORBED[:1]:
            yield lower_polynomial(total, absorb)


def _droppable(coefficient: Any, part: Any, enclosure: Enclosure, dropping: str) -> bool:
    if dropping == "nothing" or not bool(coefficient > 0) or not is_nonnegative(part):
        return False
    if not part.is_polynomial(*enclosure.domain.variables):
        return True
    return dropping == "squares" and isinstance(part, sp.Pow) and part.args[0].is_Add


def _below(coefficient: Any, part: Any, enclosure: Enclosure, dropping: str) -> IntervalPolynomial:
    """An interval polynomial below c·g."""
    if _droppable(coefficient, part, enclosure, dropping):
        return IntervalPolynomial(enclosure.count, {})
    try:
        return enclosure(coefficient * part)
    except NotCertified:
        if not coefficient > 0:
            raise
        taylor = _taylor_below(part)
        if taylor is not None:
            return enclosure(sp.expand(coefficient * taylor))
        if is_nonnegative(part):
            return IntervalPolynomial(enclosure.count, {})
        raise


def _taylor_below(part: Any) -> Any:
    if isinstance(part, sp.cosh):
        return 1 + part.args[0] ** 2 / 2
    if isinstance(part, sp.exp):
        g = part.args[0]
        return 1 + g + g**2 / 2 + g**3 / 6
    if isinstance(part, sp.Pow) and isinstance(part.args[0], sp.cosh) and part.args[1].is_Integer and part.args[1] > 0:
        return 1 + part.args[1] * part.args[0].args[0] ** 2 / 2
    return None


def lower_polynomial(p: IntervalPolynomial, absorb: fmpq) -> fmpq_mpoly:
    """P ≤ every member of p: c w^α ≥ −|c| (λ w^β + w^γ/λ)/2 for odd α, the middle of the interval kept as it is."""
    terms: dict[Exponents, fmpq] = {}

    def add(alpha: Exponents, c: fmpq) -> None:
        terms[alpha] = terms.get(alpha, ZERO) + c

    for alpha, (low, high) in p.terms.items():
        if low == high or not any(e % 2 for e in alpha):
            add(alpha, low)
            continue
        radius = (high - low) / 2
        add(alpha, (low + high) / 2)
        upper, lower = [], []
        turn = 1
        for e in alpha:
            step = turn if e % 2 else 0
            turn = -turn if e % 2 else turn
            upper.append(e + step)
            lower.append(e - step)
        weight = absorb if sum(upper) > sum(lower) else ONE
        add(tuple(upper), -radius * weight / 2)
        add(tuple(lower), -radius / weight / 2)
    return ring(p.count).from_dict({alpha: c for alpha, c in terms.items() if c != 0})


def majorant(p: IntervalPolynomial) -> fmpq_mpoly:
    """g with coefficients ≥ 0 and |member of p| ≤ g(|w|)."""
    return ring(p.count).from_dict({alpha: max(abs(a), abs(b)) for alpha, (a, b) in p.terms.items()})


class Region(NamedTuple):
    """Float ends of a box [d] inside the domain, and for every amplitude a bound of ∫ |f| e^{−(V − level)} outside it."""

    low: np.ndarray
    high: np.ndarray
    tails: tuple[arb, ...]


def confine(
    potential: Any, amplitudes: Sequence[Any], domain: Domain, level: fmpq, centre: np.ndarray, m: float
) -> Region:
    """A box outside which ∫ |f| e^{−(V − level)} is bounded, V ≥ level + m N there.

    level, centre: near the minimum of V (steering). Raises `NotCertified` naming what stands in the way.
    """
    low, high = domain.float_ends()
    if not domain.unbounded:
        return Region(low, high, tuple(arb(0) for _ in amplitudes))
    enclosure = Enclosure(domain)
    tails, reach = [], np.zeros(enclosure.count)
    proofs: dict[Any, Tail | cones.Cone] = {}
    for f in amplitudes:
        bound = arb(0)
        for exponent, factor in _groups(f, enclosure):
            if exponent not in proofs:
                proofs[exponent] = _growth(potential + exponent, enclosure, level, centre, m)
            tail = proofs[exponent]
            reach = np.maximum(reach, tail.enclosing)
            bound += tail.bound(majorant(enclosure(factor) * _jacobian(enclosure)), [0.0] * enclosure.count)
        tails.append((bound * _volume(domain)).upper())
    if not all(b.is_finite() for b in tails):
        raise NotCertified("an amplitude grows too fast for the tail bound; lower its degree, or add a confining prior")
    for k, i in enumerate(enclosure.unbounded):
        a, b = domain.ends[i]
        if a.is_infinite and b.is_infinite:
            low[i], high[i] = -reach[k], reach[k]
        elif b.is_infinite:
            high[i] = _beyond(low[i] + reach[k] ** 2 * (1 + 1e-9), 1)
        else:
            low[i] = _beyond(high[i] - reach[k] ** 2 * (1 + 1e-9), -1)
    return Region(low, high, tuple(tails))


def _beyond(x: float, sign: int) -> float:
    """A little farther, for the rounding of the sum."""
    return x + sign * 1e-12 * abs(x)


def _volume(domain: Domain) -> arb:
    sides = [ball(b) - ball(a) for i, (a, b) in enumerate(domain.ends) if i not in domain.unbounded]
    return math.prod(sides, start=arb(1))


def _jacobian(enclosure: Enclosure) -> IntervalPolynomial:
    """Π |2s| ≤ Π (1 + s²) over the half lines."""
    result = IntervalPolynomial.constant(enclosure.count, ONE, ONE)
    for k, i in enumerate(enclosure.unbounded):
        if not all(e.is_infinite for e in enclosure.domain.ends[i]):
            square = tuple(2 * int(j == k) for j in range(enclosure.count))
            result = result * IntervalPolynomial(
                enclosure.count, {(0,) * enclosure.count: (ONE, ONE), square: (ONE, ONE)}
            )
    return result


def _groups(f: Any, enclosure: Enclosure) -> list[tuple[Any, Any]]:
    """f = Σ factor·e^{−exponent}, every factor with a polynomial majorant."""
    try:
        enclosure(f)
    except NotCertified:
        pass
    else:
        return [(sp.S.Zero, f)]
    terms = sp.Add.make_args(sp.expand(apart(f)))
    return [exponent_and_amplitude(term) for term in terms]


def _growth(potential: Any, enclosure: Enclosure, level: fmpq, centre: np.ndarray, m: float) -> Tail | cones.Cone:
    _require_real(potential, enclosure)
    for p in minorants(potential, enclosure):
        for frame in _frames(p, [centre[i] for i in enclosure.unbounded], enclosure):
            found = certify(p - level, frame, m)
            if found is not None:
                return found
    cone = cones.growth(potential, enclosure, level, [centre[i] for i in enclosure.unbounded], m)
    if cone is not None:
        return cone
    raise NotCertified(_no_growth(potential, enclosure.domain, centre))


def _require_real(expr: Any, enclosure: Enclosure) -> None:
    """Logarithms and roots in unbounded variables must be proved to see positive numbers."""
    names = [enclosure.domain.variables[i] for i in enclosure.unbounded]
    for part in sp.preorder_traversal(expr):
        inner = None
        if isinstance(part, sp.log) or (
            isinstance(part, sp.Pow) and part.args[0] != sp.E and not part.args[1].is_Integer
        ):
            inner = part.args[0]
        if inner is not None and inner.has(*names):
            low = enclosure.infimum(inner)
            if low is None or not low > 0:
                raise NotCertified(f"{inner} could not be proved positive over the domain, where {part} needs it")


def _frames(p: fmpq_mpoly, centre: list[float], enclosure: Enclosure) -> Iterator[Frame]:
    d = enclosure.count
    zero, one = [ZERO] * d, [[fmpq(int(i == j)) for j in range(d)] for i in range(d)]
    yield Frame(one, one, zero)
    middle = [steering.dyadic(float(c), 24) for c in centre] if enclosure.domain.lines else zero
    if any(middle):
        yield Frame(one, one, [-c for c in middle])
    if d > 1:
        matrix = _principal(p, middle)
        if fmpq_mat(matrix).det() != 0:
            inverse = fmpq_mat(matrix).inv().tolist()
            yield Frame(
                inverse, matrix, [-sum((a * c for a, c in zip(row, middle, strict=True)), ZERO) for row in inverse]
            )
        adapted = flag_basis(p)
        if adapted is not None:
            yield Frame(adapted.inv().tolist(), adapted.tolist(), zero)


def _principal(p: fmpq_mpoly, centre: list[fmpq]) -> list[list[fmpq]]:
    """The principal axes of the Hessian at `centre`, rounded (steering)."""
    d = len(centre)
    second = [[float(arb(p.derivative(i).derivative(j)(*centre))) for j in range(d)] for i in range(d)]
    return [[steering.dyadic(float(x), 16) for x in row] for row in np.linalg.eigh(np.array(second))[1]]


def _no_growth(potential: Any, domain: Domain, centre: np.ndarray) -> str:
    """The direction along which the potential seems to grow least."""
    values = sp.lambdify(domain.variables, potential, modules=["scipy", "numpy"])
    worst, direction = math.inf, None
    choices = [
        [0]
        if i not in domain.unbounded
        else [s for s, e in zip((-1, 1), domain.ends[i], strict=True) if e.is_infinite] + [0]
        for i in range(len(domain.variables))
    ]
    with np.errstate(all="ignore"):
        for v in product(*choices):
            if any(v):
                rise = float(np.real(values(*(centre + 1e3 * np.array(v)))))
                if rise < worst or math.isnan(rise):
                    worst, direction = rise, v
    names = ", ".join(map(str, domain.variables))
    slow = (
        f"; along the direction {direction} of ({names}) it reaches only {worst:.3g} at distance 1000"
        if direction
        else ""
    )
    return (
        f"no proof that the potential grows at infinity was found{slow}: the integral may diverge; add a confining prior or "
        "restrict the domain"
    )

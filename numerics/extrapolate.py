"""Coefficients of an asymptotic series from a ladder of temperatures.

Idea
----
A posterior quantity has an expansion F(t) ~ Σ_i c_i g_i(t) as t → ∞, with known functions g_i(t) = t^{−λ_i} (log
t)^{k_i} and unknown c_i. Take N values F(t_j) on a geometric ladder t_j = start·2^j and solve the N × N system

    Σ_{i<N} c_i g_i(t_j) = F(t_j),   j = 0, …, N−1,

in ball arithmetic (for g_i = t^{−i} this is Richardson extrapolation). Powers of two keep everything dyadic. With
ratio 2 the error of c_0 falls like 2^{−N²/2}, faster than the coefficients of an asymptotic series grow, so more
rungs always help, until the radii of the F(t_j), amplified by about t^{λ_i}, take over.

**What is proved and what is estimated.** Each result has two errors, added up in `ball`:
* `proved_radius`: the solution of the linear system for the true F(t_j) lies in the ball of this radius. This is
  proved.
* `truncation`: what the neglected terms do. This is *estimated*, not proved: SAFETY times the change of c_i when the
  smallest t and the last term are dropped. It is generous once the ladder has reached the asymptotic regime, since that
  change is about the error of the smaller system; on dense ladders, and on ladders that start too early, the error has been seen
  to exceed four times the change.

Notation: N rungs, λ_i exponents, k_i log powers, A_ji = g_i(t_j).
Reading order: `coefficients`, `Coefficient`.

Reference: C. Brezinski and M. Redivo Zaglia, "Extrapolation Methods" (1991), chapter 2 (the E-algorithm solves this
system).
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from flint import arb, arb_mat, ctx

from numerics.precision import LOG2_10, Exact, digits, rational
from theory.errors import BadInput

SAFETY = 10
MAX_RUNGS = 32

Term = Exact | tuple[Exact, int]
"""An exponent λ, for t^{−λ}, or a pair (λ, k), for t^{−λ} (log t)^k."""


class Coefficient(NamedTuple):
    """One coefficient: `ball` = midpoint ± (proved_radius + truncation); only the first part of the radius is
    proved.
    """

    ball: arb
    proved_radius: arb
    truncation: arb
    rungs: int


def coefficients(
    values: Callable[[int], arb] | Mapping[int | Fraction, arb],
    *,
    order: int,
    exponents: Sequence[Term] | None = None,
    start: int = 64,
    target_digits: int = 15,
    max_rungs: int = MAX_RUNGS,
) -> tuple[Coefficient, ...]:
    """(c_0, …, c_order) of F(t) ~ Σ_i c_i t^{−λ_i} (log t)^{k_i}, t → ∞; without `exponents` of F(t) ~ Σ_k c_k t^{−k}.

    values: either the function t ↦ ball of F(t), called at t = start·2^j until `target_digits` relative digits are
    reached or no rung helps any more, or a mapping {t: ball} of which every entry is used. The balls should be
    narrow: c_i has about the digits of F less λ_i log₁₀ t_max. exponents: terms in the order of decreasing size, at
    least order + 2 of them (one is sacrificed to the error estimate); they bound the number of rungs. Values are
    asked for at whatever precision the caller's function chooses; the linear algebra is done at enough precision to
    cost nothing.

    Raises `BadInput` for too few values or terms, repeated terms, t ≤ 1 or a ball that is not finite.
    """
    terms = _terms(exponents, max_rungs)
    if order < 0 or len(terms) < order + 2:
        raise BadInput(f"c_0 … c_{order} need at least {order + 2} terms in `exponents`; there are {len(terms)}")
    if isinstance(values, Mapping):
        return _from_table(values, terms, order)
    return _climb(values, terms, order, start, target_digits)


def _terms(exponents: Sequence[Term] | None, count: int) -> list[tuple[Fraction, int]]:
    if exponents is None:
        return [(Fraction(k), 0) for k in range(count)]
    terms = []
    for term in exponents:
        exponent, log_power = term if isinstance(term, tuple) else (term, 0)
        value = rational(exponent)
        terms.append((Fraction(int(value.p), int(value.q)), log_power))
    if len(set(terms)) < len(terms):
        raise BadInput("the terms in `exponents` must differ from one another")
    return terms


def _from_table(table: Mapping[int | Fraction, arb], terms: list, order: int) -> tuple[Coefficient, ...]:
    ladder = sorted((Fraction(t), value) for t, value in table.items())
    if len(ladder) > len(terms):
        raise BadInput(f"{len(ladder)} values need as many terms in `exponents`; there are {len(terms)}")
    if len(ladder) < order + 2:
        raise BadInput(f"c_0 … c_{order} need values at {order + 2} or more t; there are {len(ladder)}")
    now, before = _solve(ladder, terms, order), _solve(ladder[1:], terms, order)
    return tuple(_coefficient(a, b, len(ladder)) for a, b in zip(now, before, strict=True))


def _climb(
    values: Callable[[int], arb], terms: list, order: int, start: int, target_digits: int
) -> tuple[Coefficient, ...]:
    """Add rungs until every coefficient has its digits, or the proved radii have outgrown the truncation."""
    ladder: list[tuple[Fraction, arb]] = []
    best: list[Coefficient] = []
    before: list[arb] = []
    while len(ladder) < len(terms):
        t = start << len(ladder)
        ladder.append((Fraction(t), values(t)))
        if len(ladder) <= order:
            continue
        now = _solve(ladder, terms, order)
        if before:
            fresh = [_coefficient(a, b, len(ladder)) for a, b in zip(now, before, strict=True)]
            best = [min(pair, key=_radius) for pair in zip(fresh, best, strict=True)] if best else fresh
            if _reached(best, target_digits) or all(c.proved_radius > c.truncation for c in fresh):
                break
        before = now
    return tuple(best)


def _radius(c: Coefficient) -> float:
    """log₂ of the total radius, for comparison only."""
    total = c.proved_radius + c.truncation
    return float(total.log()) if total > 0 else float("-inf")


def _reached(best: list[Coefficient], target_digits: int) -> bool:
    largest = max(abs(c.ball.mid()) for c in best)
    for c in best:
        scale = largest if c.ball.contains(0) else abs(c.ball.mid())
        if not c.proved_radius + c.truncation <= scale * arb(10) ** -target_digits:
            return False
    return True


def _coefficient(now: arb, before: arb, rungs: int) -> Coefficient:
    truncation = (SAFETY * abs(now.mid() - before.mid())).upper()
    return Coefficient(now + arb(0, truncation), now.rad(), truncation, rungs)


def _solve(ladder: Sequence[tuple[Fraction, arb]], terms: list, order: int) -> list[arb]:
    """The first order + 1 unknowns of the square system, by the inverse matrix at ample precision."""
    size = len(ladder)
    for t, value in ladder:
        if not t > 1 or not value.is_finite():
            raise BadInput(f"the ladder needs t > 1 and finite balls; at t = {t} it has {value}")
    held = max(value.mid().bits() for _, value in ladder)
    spread = float(ladder[-1][0] / ladder[0][0])
    largest_power = max(float(exponent) for exponent, _ in terms[:size])
    bits = ctx.prec + held + 8 * size + int(4 * size * (1 + largest_power) * max(1.0, _log2(spread)))
    with digits(bits / LOG2_10):
        weights = _weights(tuple(t for t, _ in ladder), tuple(terms[:size]), order, ctx.prec)
        return [sum((w * value for w, (_, value) in zip(row, ladder, strict=True)), arb(0)) for row in weights]


@lru_cache(maxsize=64)
def _weights(ts: tuple[Fraction, ...], terms: tuple[tuple[Fraction, int], ...], order: int, _: int) -> list[list[arb]]:
    """The first order + 1 rows of A⁻¹ at the current precision, the last argument: many quantities climb one ladder."""
    return arb_mat([[_basis(t, term) for term in terms] for t in ts]).inv().tolist()[: order + 1]


def _log2(x: float) -> float:
    return float(arb(x).log() / arb(2).log())


def _basis(t: Fraction, term: tuple[Fraction, int]) -> arb:
    exponent, log_power = term
    x = arb(rational(t))
    if exponent.denominator == 1:
        return x ** (-int(exponent)) * x.log() ** log_power
    return x ** arb(rational(-exponent)) * x.log() ** log_power

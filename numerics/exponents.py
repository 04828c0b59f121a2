"""Exponents and powers of log t *estimated* from a ladder of temperatures, where `extrapolate` assumes them.

Idea
----
A posterior quantity of a singular model behaves like

    F(t) ~ Σ_i t^{−λ_i} P_i(log t),   deg P_i = m_i − 1,   t → ∞.

On a geometric ladder t_j = start·r^j each block is an exponential times a polynomial in j, so the sequence F(t_j) obeys a
linear recurrence with the characteristic polynomial Π_i (x − r^{−λ_i})^{m_i}, as far as finitely many blocks matter.
Prony's method reads it off: solve the Hankel system

    Σ_{k<N} a_k F_{j+k} = −F_{j+N},   j = 0, …, N − 1     (the last 2N rungs),

and find the roots of x^N + Σ a_k x^k. What is left out splits a root of multiplicity m into a cluster: the *mean* of −log_r
over the cluster is then far more stable than its members. So the multiplicity is chosen as the size of the cluster whose
mean moves least when the system changes, among the clusters that keep well apart from the other roots.

**What is proved.** Nothing about λ and m: they are estimates, and a guess is called a guess. Ball arithmetic is used to see
how many blocks the values can resolve at all (a Hankel system that is singular within the radii ends the search). The error
bar is SAFETY times the largest change of the estimate when one block or two are dropped (unless no further block is visible
within the radii), when the ladder begins and ends earlier, and when the recurrence moves to two opposite corners of its
radii. A wide ladder helps most: blocks whose
r^{−λ} lie close together are told apart late, and before that the changes may look smaller than the error is (of 771 blocks
reported for 300 random spectra 2 were wrong, both for poles a sixth apart on a ladder of ratio 2; none of them had a guess).

Notation: N blocks (with multiplicity), n rungs, r the ratio of the ladder.
Reading order: `exponents`, `Exponent`, `_clusters`.

Reference: G. Plonka and M. Tasche, "Prony methods for recovery of structured functions", GAMM-Mitteilungen 37 (2014), §2
(recalled).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from flint import acb, acb_poly, arb, arb_mat

from numerics.extrapolate import Coefficient, Term, coefficients
from numerics.precision import LOG2_10, digits, rational
from theory.errors import BadInput

MAX_RUNGS = 24
SAFETY = 30
RARE = Fraction(1, 1000)
SPARE_DIGITS = 30
UNRESOLVED = 0.01
ISOLATING_BITS = 2**15


class Exponent(NamedTuple):
    """One block t^{−λ} P(log t): `ball` holds λ with its *estimated* error, `multiplicity` is deg P + 1, also estimated.

    guess: the simplest rational in the ball, if a chance hit on one so simple is rarer than one in a thousand; else None.
    """

    ball: arb
    multiplicity: int
    guess: Fraction | None

    @property
    def terms(self) -> list[Term]:
        """The terms t^{−λ} (log t)^k, k = m − 1, …, 0, for `extrapolate.coefficients`; needs the guess."""
        if self.guess is None:
            raise BadInput(
                f"the exponent {self.ball.str(8)} has no rational guess; give the ladder more rungs or digits"
            )
        return [(self.guess, k) for k in range(self.multiplicity - 1, -1, -1)]


Roots = list[acb]
Ladder = list[tuple[Fraction, arb]]


def exponents(
    values: Callable[[int], arb] | Mapping[int | Fraction, arb],
    *,
    count: int = 1,
    start: int = 2**10,
    ratio: int = 4,
    target_digits: int = 6,
    max_multiplicity: int = 4,
    max_rungs: int = MAX_RUNGS,
) -> tuple[Exponent, ...]:
    """The first `count` blocks of F(t) ~ Σ t^{−λ_i} P_i(log t), in the order of increasing λ, with estimated errors.

    values: the function t ↦ ball of F(t), called at t = start·ratio^j until the last of the blocks has `target_digits` digits
    after the point, or a mapping {t: ball} on a geometric ladder. Give narrow balls: each resolved block costs digits. Fewer
    than `count` blocks come back when the ladder does not resolve more (each λ to less than 0.01). For a partition function pass
    Z itself, not log Z.

    Raises `BadInput` for a ladder that is not geometric, for fewer than 7 rungs, for balls that are not finite, and when not even
    one block is resolved.
    """
    found: tuple[Exponent, ...] = ()
    if isinstance(values, Mapping):
        ladder = sorted((Fraction(t), value) for t, value in values.items())
        found = _estimate(_checked(ladder), count, max_multiplicity)
    else:
        ladder = []
        for j in range(max_rungs):
            t = start * ratio**j
            ladder.append((Fraction(t), values(t)))
            if len(ladder) >= 7 and len(ladder) % 2 == 1:
                found = min(found, _estimate(_checked(ladder), count, max_multiplicity), key=_rank)
                if len(found) == count and found[-1].ball.rad() < arb(10) ** -target_digits:
                    break
    if not found:
        raise BadInput(
            f"no exponent could be resolved from {len(ladder)} rungs: the values are too wide, or the ladder starts too early"
        )
    return found


def estimated_coefficients(
    values: Mapping[int | Fraction, arb], *, order: int, max_multiplicity: int = 4
) -> tuple[tuple[Exponent, ...], tuple[Coefficient, ...]]:
    """The blocks found by `exponents` and, with their guesses assumed, the coefficients c_0 … c_order of their terms."""
    found = exponents(values, count=len(values), max_multiplicity=max_multiplicity)
    known = [e for e in found if e.guess is not None]
    terms = [term for e in known for term in e.terms]
    ladder = dict(sorted(values.items())[-len(terms) :])
    return tuple(known), coefficients(ladder, order=order, exponents=terms)


def _checked(ladder: Ladder) -> Ladder:
    if len(ladder) < 7:
        raise BadInput(f"exponents need at least 7 rungs; the ladder has {len(ladder)}")
    ratios = {b[0] / a[0] for a, b in pairwise(ladder)} if ladder[0][0] > 0 else set()
    if len(ratios) != 1 or not min(ratios) > 1:
        raise BadInput("exponents need a geometric ladder: t_j = start·r^j with one ratio r > 1")
    for t, value in ladder:
        if not value.is_finite():
            raise BadInput(f"the ladder needs finite balls; at t = {t} it has {value}")
    return ladder


def _estimate(ladder: Ladder, count: int, max_multiplicity: int) -> tuple[Exponent, ...]:
    values = [value for _, value in ladder]
    held = max(value.mid().bits() for value in values) / LOG2_10
    with digits(2 * held + SPARE_DIGITS):
        ratio = arb(rational(ladder[1][0] / ladder[0][0])).log()
        best: tuple[Exponent, ...] = ()
        for size in range(1, (len(values) - 1) // 2 + 1):
            back = (
                1 if size > 2 else (len(values) - 2 * size) // 2
            )  # few blocks: the drift along the ladder is the error
            windows = [values[-2 * size :], values[-2 * size - back : -back]]
            if _prony(values[-2 * size - 2 :]) is None and len(values) > 2 * size + 2:
                # No further block is visible within the radii: what the next one would do cannot be seen in one fewer.
                windows.append(values[-2 * size - 2 : -2])
            else:
                windows += [values[-2 * fewer :] for fewer in (size - 1, size - 2) if fewer > 0]
            polynomials = [_prony(window) for window in windows]
            if any(polynomial is None for polynomial in polynomials):
                break
            now, *others = (p for p in polynomials if p is not None)
            roots = [_roots(corner, ratio) for corner in (*_corners(now), *(_corners(p)[0] for p in others))]
            if any(not found for found in roots):
                continue
            best = min(best, tuple(_clusters(roots, count, max_multiplicity)), key=_rank)
        return best


def _rank(found: Sequence[Exponent]) -> tuple[int, float]:
    """More blocks first, then a smaller error of the worst."""
    return (-len(found), max((float(block.ball.rad()) for block in found), default=math.inf))


def _prony(values: Sequence[arb]) -> list[arb] | None:
    """a_0 … a_{N−1} of the recurrence through 2N values; None where the system is singular within the radii."""
    n = len(values) // 2
    hankel = arb_mat([[values[j + k] for k in range(n)] for j in range(n)])
    try:
        solution = hankel.solve(arb_mat([[-values[j + n]] for j in range(n)]))
    except ZeroDivisionError:
        return None
    found = solution.entries()
    return found if all(a.is_finite() and (a.rad() < abs(a.mid()) or a.rad() < 1) for a in found) else None


def _corners(polynomial: Sequence[arb]) -> list[list[arb]]:
    """The midpoints, and the polynomials at two opposite corners of the radii: all added, and all subtracted.

    Roots r^{−λ} are positive, and of all corners these two change the value at a positive x most, by Σ rad(a_k) x^k.
    """
    return [[(a.mid() + sign * arb(a.rad())).mid() for a in polynomial] for sign in (0, 1, -1)]


def _roots(polynomial: Sequence[arb], log_ratio: arb) -> Roots:
    """−log_r of the roots of x^N + Σ a_k x^k, by increasing real part; nothing where they could not be isolated."""
    try:
        roots = acb_poly([*polynomial, 1]).roots(maxprec=ISOLATING_BITS)
    except ValueError:
        return []
    found = [-z.log() / log_ratio for z in roots if not z.contains(0)]
    return sorted(found, key=lambda z: (float(z.real.mid()), abs(float(z.imag.mid()))))


def _clusters(tables: list[Roots], count: int, max_multiplicity: int) -> list[Exponent]:
    """Blocks one after another: the cluster sizes whose means move least. tables: at the midpoint, at two corners of the radii,
    one rung earlier, with one block and with two blocks fewer.
    """
    found: list[Exponent] = []
    first, reach = 0, min(map(len, tables))
    while len(found) < count:
        options = []
        for m in range(1, min(max_multiplicity, reach - first) + 1):
            centre, *others = (_mean(table, first, m) for table in tables)
            error = float(SAFETY * max(abs(other - centre).upper() for other in others))
            if _apart(tables[0], first, m, error):
                options.append((error, m, centre))
        if not options:
            break
        error, m, centre = min(options, key=lambda option: option[0])
        if not error < UNRESOLVED:
            break
        ball = centre.mid() + arb(0, error + float(centre.rad()))
        found.append(Exponent(ball, m, _simplest(ball)))
        first += m
    return found


def _apart(table: Roots, first: int, m: int, error: float) -> bool:
    """Are the roots outside farther from the mean than its error, and four times as far as the members of the cluster?"""
    centre = _mean(table, first, m)
    spread = max(float(abs(z - centre)) for z in table[first : first + m])
    if m > 1 and spread > 10 * error ** (1 / m):  # an m-fold root that is moved by η splits by about η^{1/m}
        return False
    return all(max(4 * spread, error) < float(abs(z - centre)) for z in (*table[:first], *table[first + m :]))


def _mean(exponents_found: Roots, first: int, m: int) -> arb:
    return sum((z.real for z in exponents_found[first : first + m]), arb(0)) / m


def _simplest(ball: arb) -> Fraction | None:
    """The fraction of least denominator q in the ball, if a random ball of this size holds one with odds below 1 in 1000."""
    low, high = (_fraction(end) for end in (ball.lower(), ball.upper()))
    guess = _between(low, high)
    return guess if (high - low) * guess.denominator**2 < RARE else None


def _fraction(x: arb) -> Fraction:
    man, exp = x.mid().man_exp()
    return Fraction(int(man)) * Fraction(2) ** int(exp)


def _between(low: Fraction, high: Fraction) -> Fraction:
    """The simplest fraction in [low, high] (Stern–Brocot)."""
    whole = math.floor(low)
    if whole == low:
        return Fraction(whole)
    if whole + 1 <= high:
        return Fraction(whole + 1)
    return whole + 1 / _between(1 / (high - whole), 1 / (low - whole))


__all__ = ["Exponent", "estimated_coefficients", "exponents"]

"""Zeta functions ζ(z) = ∫ |K|^z φ and their Laurent series at the poles, as balls.

Idea
----
ζ is holomorphic for Re z > −λ and continues to a meromorphic function with poles on the negative axis (eq 24). On a
normal-crossing chart the poles lie among −(h_i + 1 + n)/κ_i, and at z = −s + δ

    ζ(−s + δ) = Σ_{j ≥ 0} A_j δ^{j−M},

M at most the number of coordinates with such a pole at −s. `laurent` encloses the A_j: the order of the pole is proved as
soon as the ball of A_0 excludes 0; a ball that encloses 0 proves nothing about the order and is reported as it is.

From the Laurent series follow, term by term and with L = log t, Λ = −log ε,

    Z(t) = ∫ e^{−tK} φ ~ Σ_s t^{−s} [δ^{−1}] Γ(s − δ) ζ(−s + δ) e^{δL}              (`partition_terms`),
    V(ε) = ∫_{K<ε} φ   ~ Σ_s ε^{s} [δ^{−1}] ζ(−s + δ) e^{δΛ}/(s − δ)                (`numerics.volume`).

Notation: s > 0 the place of a pole z = −s, A_j Laurent coefficients, M order, λ = min s, m its order.
Reading order: `zeta`, `laurent`, `Laurent`, `first_pole`, `poles`, `partition_terms`.

Second roads: `contour` (integrals on keyhole contours), `theory.singular` (exact, monomials), Beta, Gamma and 2F1 functions.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from flint import acb, arb, arb_series, fmpq

from numerics.errors import NotCertified
from numerics.precision import Exact, digits, rational
from numerics.zeta import cells
from numerics.zeta.charts import Chart, Gaussian
from numerics.zeta.moments import Series, capped, multiply
from numerics.zeta.resolution import resolved
from theory.errors import BadInput

Problem = Chart | Sequence[Chart]
ATTEMPTS = 5


class Laurent(NamedTuple):
    """ζ(−s + δ) = Σ_j coefficients[j] δ^{j − bound} + …: balls; the order of the pole is at most `bound`."""

    s: fmpq
    bound: int
    coefficients: tuple[arb, ...]

    @property
    def order(self) -> int:
        """The order of the pole, proved. Raises `NotCertified` if the balls leave it open."""
        if self.bound and self.coefficients[0].contains(0):
            raise NotCertified(
                f"at z = −{self.s} a pole of order {self.bound} is possible, and the ball of its coefficient contains 0 "
                f"({self.coefficients[0].str(3)}): the order is at least {self.at_least} and not known further"
            )
        return self.bound

    @property
    def at_least(self) -> int:
        """The largest order that the balls prove (0 if none)."""
        proved = (self.bound - j for j, c in enumerate(self.coefficients) if not c.contains(0))
        return max(0, next(proved, 0))

    @property
    def leading(self) -> arb:
        """A_0."""
        return self.coefficients[0]


class Pole(NamedTuple):
    """z = −s: a possible order, the order proved (at least; equal to `bound` when settled), and the polar coefficients."""

    s: fmpq
    bound: int
    at_least: int
    coefficients: tuple[arb, ...]


class Term(NamedTuple):
    """scale^{±s} Σ_j polynomial[j] log^j: one pole of an expansion."""

    s: fmpq
    polynomial: tuple[arb, ...]


def charts_of(problem: Problem) -> tuple[Chart, ...]:
    """The charts of a problem, resolved at the corners of their boxes."""
    given = (problem,) if isinstance(problem, Chart) else tuple(problem)
    if not given:
        raise BadInput("a zeta function needs at least one chart")
    return resolved(given)


def zeta(problem: Problem, z: Exact | acb | arb, accuracy: int = 20) -> acb:
    """ζ(z), by continuation, at any z that is no pole; about `accuracy` digits. z exact, or a ball.

    Raises `BadInput` where z is (or may be) a pole, and for factors that are not positive on their boxes.
    """
    charts = charts_of(problem)
    if not isinstance(z, arb | acb):
        return _at(charts, rational(z), accuracy)
    box = acb(z)
    middle = acb(box.real.mid(), box.imag.mid())
    value = _at(charts, middle, accuracy)
    if not (box - middle).is_zero():  # ζ(z) − ζ(mid) lies in (z − mid) · hull of ζ'
        with digits(accuracy + 6):
            value += (box - middle) * sum((cells.expand(c, box, 2)[1][1] for c in charts), acb(0))
    if not value.is_finite():
        raise BadInput(f"{z} is too near a pole of the zeta function, or holds one; give an exact z, or a smaller ball")
    return value


def _at(charts: Sequence[Chart], point: fmpq | acb, accuracy: int) -> acb:
    def value() -> list:
        total = acb(0)
        for c in charts:
            order, (term,) = cells.expand(c, point, 1)
            if order:
                raise BadInput(
                    f"z = {point} is a possible pole of the zeta function; ask `laurent` for its series there"
                )
            total += term
        return [total]

    return _to_accuracy(value, accuracy)[0]


def laurent(problem: Problem, s: Exact, terms: int = 3, accuracy: int = 20) -> Laurent:
    """The Laurent series of ζ at z = −s up to (and with) the coefficient of δ^{terms − 1 − bound}; s rational.

    Three coefficients unless told otherwise.
    """
    place, charts = rational(s), charts_of(problem)
    bound = max(_possible_order(c, place) for c in charts)
    if terms < 1:
        raise BadInput(f"a Laurent series needs at least one term; it was asked for {terms}")

    def value() -> Series:
        total = [arb(0)] * terms
        for c in charts:
            order, series = cells.expand(c, -place, terms)
            if order > bound:
                raise NotCertified(
                    f"a cut has raised the possible order of the pole at −{place}; this should not happen"
                )
            shifted = [*[arb(0)] * (bound - order), *series]
            total = [x + y for x, y in zip(total, shifted, strict=False)]
        return total

    return Laurent(place, bound, tuple(_to_accuracy(value, accuracy)))


def _to_accuracy(value, accuracy: int) -> list:
    """Repeat at growing precision until every coefficient has its digits: relative to itself, or, should it contain 0,
    relative to the largest of them.
    """
    work, found = accuracy + 6, []
    for _ in range(ATTEMPTS):
        with digits(work):
            found = value()
        scale = max((abs(c).mid() for c in found if c.is_finite()), default=arb(0)) + arb(10) ** -accuracy
        missing = 0
        for c in found:
            size = abs(c).lower() if not c.contains(0) else scale
            radius = c.real.rad() + c.imag.rad()
            if not radius.is_finite():
                missing = max(missing, 5)
            elif radius > 0:
                missing = max(missing, accuracy + math.ceil(_log10(radius / size)))
        if missing <= 0:
            break
        work += missing + 2
    return found


def _log10(x: arb) -> float:
    return float(x.log().mid()) / math.log(10)


def _ladder(c: Chart, i: int) -> Iterator[fmpq]:
    """The possible poles s of coordinate i, increasing."""
    order, h = c.orders[i], c.jacobian[i]
    if order == 0:
        return iter(())
    v = c.variables[i]
    alone = v not in c.density.free_symbols and all(v not in f.base.free_symbols for f in c.factors)
    if isinstance(c.extents[i], Gaussian):
        return ((h + 1 + 2 * n) / order for n in count())
    return iter([(h + 1) / order]) if alone else ((h + 1 + n) / order for n in count())


def _possible_order(c: Chart, s: fmpq) -> int:
    """How many coordinates have a possible pole at −s."""
    return sum(s in _up_to(_ladder(c, i), s) for i in range(c.dimension))


def _up_to(ladder: Iterator[fmpq], limit: fmpq) -> list[fmpq]:
    found = []
    for s in ladder:
        if s > limit:
            break
        found.append(s)
    return found


def candidates(problem: Problem, up_to: Exact) -> list[fmpq]:
    """All s ≤ up_to at which −s can be a pole, increasing."""
    limit = rational(up_to)
    charts = charts_of(problem)
    return sorted({s for c in charts for i in range(c.dimension) for s in _up_to(_ladder(c, i), limit)})


def threshold(problem: Problem) -> tuple[fmpq, int]:
    """(λ, the number of coordinates that attain it): the first pole of a density that is positive on the deepest stratum.

    Read off the exponents; that the charts are in normal crossings is proved only by a call of `laurent` or `zeta`.
    """
    charts = charts_of(problem)
    first = [next(_ladder(c, i)) for c in charts for i in range(c.dimension) if c.orders[i]]
    if not first:
        laurent(charts, 1, 1, 5)  # proves that no factor vanishes, or refuses the one that does
        raise BadInput("K has no zeros on these charts: ζ is entire, and there is no first pole")
    return min(first), max(_possible_order(c, min(first)) for c in charts)


def first_pole(problem: Problem, accuracy: int = 20) -> tuple[fmpq, int, arb]:
    """(λ, m, A_0): the largest pole −λ of ζ, its order, and ζ(z) ~ A_0 (z + λ)^{−m}; all proved.

    Raises `NotCertified` if A_0 may be 0: the density vanishes or changes its sign on the deepest stratum.
    """
    place, _ = threshold(problem)
    found = laurent(problem, place, 1, accuracy)
    return place, found.order, found.leading


def poles(problem: Problem, up_to: Exact, accuracy: int = 20) -> list[Pole]:
    """Every possible pole −s with s ≤ up_to, with its polar part; a Pole with at_least < bound is not settled.

    Candidates whose polar coefficients all enclose 0 stay in the list with at_least = 0.
    """
    found = []
    for s in candidates(problem, up_to):
        bound = max(_possible_order(c, s) for c in charts_of(problem))
        series = laurent(problem, s, bound, accuracy)
        found.append(Pole(s, bound, series.at_least, series.coefficients))
    return found


def polar_polynomial(pole: Pole | Laurent, weight: Series) -> tuple[arb, ...]:
    """[δ^{−1}] weight(δ) ζ(−s + δ) e^{δL} as a polynomial in L, lowest power first."""
    m = pole.bound
    product = multiply(weight, list(pole.coefficients), m)
    return tuple(product[m - 1 - j] / math.factorial(j) for j in range(m))


def partition_terms(problem: Problem, up_to: Exact, accuracy: int = 20) -> list[Term]:
    """Z(t) = ∫ e^{−tK} φ ~ Σ t^{−s} Σ_j polynomial[j] (log t)^j over the poles s ≤ up_to."""
    terms = []
    with digits(accuracy + 6):
        for pole in poles(problem, up_to, accuracy):
            with capped(pole.bound):
                gamma = arb_series([arb(pole.s), -1]).gamma().coeffs()
            terms.append(Term(pole.s, polar_polynomial(pole, gamma)))
    return terms


def series_value(terms: Sequence[Term], t: Exact | arb) -> arb:
    """Σ t^{−s} P_s(log t) at t, at the current precision."""
    x = t if isinstance(t, arb) else arb(rational(t))
    log = x.log()
    total = arb(0)
    for term in terms:
        total += (-log * term.s).exp() * sum((c * log**j for j, c in enumerate(term.polynomial)), arb(0))
    return total


__all__ = [
    "Laurent",
    "Pole",
    "Term",
    "candidates",
    "charts_of",
    "first_pole",
    "laurent",
    "partition_terms",
    "polar_polynomial",
    "poles",
    "series_value",
    "threshold",
    "zeta",
]  # fmt: skip

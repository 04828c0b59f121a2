"""Signs of integer polynomials on intervals, proved by Descartes' rule of signs.

Idea
----
The number of roots of q in (0, ∞), with multiplicity, is the number v(q) of sign changes among the coefficients of q, less
an even number: none for v = 0, exactly one for v = 1. The interval (a, b) is carried to (0, ∞) by w = (a + bs)/(1 + s),
(a, ∞) by w = a + s. Where v ≥ 2 the interval is halved; for a polynomial without multiple roots this ends (Vincent,
Collins, Akritas). All in exact rational arithmetic.

Reading order: `variations`, `roots_between`, `sign_between`.
Reference: G. E. Collins, A. G. Akritas, "Polynomial real root isolation using Descartes' rule of signs", SYMSAC 1976.
"""

from itertools import pairwise

from flint import fmpq, fmpq_poly, fmpz_poly

from numerics.precision import Exact, rational
from theory.errors import BadInput

Interval = tuple[fmpq, fmpq]


def variations(p: fmpq_poly, lower: fmpq, upper: fmpq | None) -> int:
    """v of p carried from (lower, upper) to (0, ∞); upper None stands for ∞."""
    if upper is None:
        moved = p(fmpq_poly([lower, 1]))
    else:
        unit = p(fmpq_poly([lower, upper - lower]))
        reversed_ = fmpq_poly([unit[k] for k in range(p.degree(), -1, -1)])
        moved = reversed_(fmpq_poly([1, 1]))
    signs = [c > 0 for c in moved.coeffs() if c != 0]
    return sum(one != other for one, other in pairwise(signs))


def roots_between(p: fmpz_poly, lower: Exact, upper: Exact | None) -> list[Interval]:
    """Intervals (a, b) with rational ends, in order, each with exactly one root of p, all roots in (lower, upper).

    A root at a bisection point comes as (a, a). `upper` None stands for ∞. Raises `BadInput` for the zero polynomial, and for
    lower > upper.
    """
    if p == 0:
        raise BadInput("the zero polynomial vanishes everywhere; it has no isolated roots")
    q = fmpq_poly(p)
    simple = q // q.gcd(q.derivative()) if q.degree() > 0 else q
    low, high = rational(lower), None if upper is None else rational(upper)
    if high is not None and low > high:
        raise BadInput(f"roots are counted from left to right; the interval ({low}, {high}) runs the other way")
    return sorted(_isolate(simple, low, high))


def _isolate(p: fmpq_poly, low: fmpq, high: fmpq | None) -> list[Interval]:
    found = variations(p, low, high)
    if found == 0:
        return []
    if high is None:
        high = _bound(p, low)
    if found == 1:
        return [(low, high)]
    middle = (low + high) / 2
    at_middle = [(middle, middle)] if p(middle) == 0 else []
    return _isolate(p, low, middle) + at_middle + _isolate(p, middle, high)


def _bound(p: fmpq_poly, low: fmpq) -> fmpq:
    """Beyond every root (Cauchy): 1 + max |c_k / c_n|, and beyond low."""
    leading = abs(p[p.degree()])
    return abs(low) + 1 + max(abs(c) / leading for c in p.coeffs())


def sign_between(p: fmpz_poly, lower: Exact, upper: Exact | None) -> int:
    """The sign of p on the whole open interval: 1 or −1 where p has no root there (proved), 0 where it has one."""
    if p == 0 or roots_between(p, lower, upper):
        return 0
    low = rational(lower)
    inside = low + 1 if upper is None else (low + rational(upper)) / 2
    return 1 if fmpq_poly(p)(inside) > 0 else -1

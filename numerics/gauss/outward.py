"""Arrays of real intervals in float64, every rounding outward: the arithmetic beneath `rectangles`.

* +, −, ×, / are correctly rounded by IEEE 754, so one step of `nextafter` outward makes each end a proved one.
* exp, sin, cos, tanh, sinh, cosh of the C library are assumed right to a relative 2^−40 (4096 units in the last place;
  what libraries promise is below 5), and are widened by that.

An interval is a pair of arrays (lo, hi) that broadcast; (−∞, ∞) says that nothing is proved.

Reading order: `rounded`, `widened`, then the operations and functions.

Reference: W. Tucker, *Validated Numerics*, Princeton 2011, chapters 2 and 3.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

Interval = tuple[np.ndarray, np.ndarray]
LIBRARY_ERROR = 2.0**-40
FAR = 2.0**30
CAP = 690.0


def rounded(lo: Any, hi: Any) -> Interval:
    """One unit in the last place outward; what is undefined becomes the whole line."""
    lo, hi = np.nextafter(lo, -np.inf), np.nextafter(hi, np.inf)
    bad = np.isnan(lo) | np.isnan(hi)
    return (np.where(bad, -np.inf, lo), np.where(bad, np.inf, hi)) if bad.any() else (lo, hi)


def widened(lo: Any, hi: Any) -> Interval:
    """Room for the errors of library functions."""
    return rounded(lo - np.abs(lo) * LIBRARY_ERROR - 1e-300, hi + np.abs(hi) * LIBRARY_ERROR + 1e-300)


def plus(a: Interval, b: Interval) -> Interval:
    """a + b."""
    return rounded(a[0] + b[0], a[1] + b[1])


def negative(a: Interval) -> Interval:
    """−a, which needs no rounding."""
    return -a[1], -a[0]


def times(a: Interval, b: Interval) -> Interval:
    """a · b, for two intervals that may depend on each other or not."""
    ends = [x * y for x in a for y in b]
    return rounded(
        np.minimum(np.minimum(ends[0], ends[1]), np.minimum(ends[2], ends[3])),
        np.maximum(np.maximum(ends[0], ends[1]), np.maximum(ends[2], ends[3])),
    )


def largest(a: Interval) -> np.ndarray:
    """max |x| over the interval."""
    return np.maximum(np.abs(a[0]), np.abs(a[1]))


def smallest(a: Interval) -> np.ndarray:
    """min |x| over the interval."""
    return np.maximum(np.maximum(a[0], -a[1]), 0.0)


def square(a: Interval) -> Interval:
    """a², never below 0."""
    lo, hi = rounded(smallest(a) ** 2, largest(a) ** 2)
    return np.maximum(lo, 0.0), hi


def reciprocal(a: Interval) -> Interval:
    """1/a; the whole line where 0 is inside (or an end is infinite, which proves nothing)."""
    bad = (a[0] <= 0) & (a[1] >= 0) | ~np.isfinite(a[0]) | ~np.isfinite(a[1])
    lo, hi = rounded(1 / np.where(bad, 1.0, a[1]), 1 / np.where(bad, 1.0, a[0]))
    return np.where(bad, -np.inf, lo), np.where(bad, np.inf, hi)


def increasing(function: Callable[[Any], Any], a: Interval) -> Interval:
    """The values of an increasing function of the library."""
    return widened(function(a[0]), function(a[1]))


def cos(a: Interval) -> Interval:
    """cos a; [−1, 1] unless the interval is known to avoid an extremum kπ (which ones it holds decides with slack)."""
    slack = 1e-6
    wild = ~(largest(a) < FAR)
    lo, hi = np.where(wild, 0.0, a[0]), np.where(wild, 0.0, a[1])
    ends = widened(np.minimum(np.cos(lo), np.cos(hi)), np.maximum(np.cos(lo), np.cos(hi)))
    turn = 2 * math.pi
    top = wild | (np.floor((hi + slack) / turn) >= np.ceil((lo - slack) / turn))
    bottom = wild | (np.floor((hi + slack) / turn - 0.5) >= np.ceil((lo - slack) / turn - 0.5))
    return np.where(bottom, -1.0, np.maximum(ends[0], -1.0)), np.where(top, 1.0, np.minimum(ends[1], 1.0))


HALF_PI = rounded(math.pi / 2, math.pi / 2)


def sin(a: Interval) -> Interval:
    return cos(plus(a, negative(HALF_PI)))


def exp(a: Interval) -> Interval:
    lo, hi = increasing(np.exp, a)
    return np.maximum(lo, 0.0), hi


def cosh(a: Interval) -> Interval:
    lo, hi = widened(np.cosh(smallest(a)), np.cosh(largest(a)))
    return np.maximum(lo, 1.0), hi


def sinh(a: Interval) -> Interval:
    return increasing(np.sinh, a)


def tanh(a: Interval) -> Interval:
    lo, hi = increasing(np.tanh, a)
    return np.maximum(lo, -1.0), np.minimum(hi, 1.0)


def sech(a: Interval) -> Interval:
    near, far = np.minimum(smallest(a), CAP), largest(a)
    lo, hi = widened(np.where(far < CAP, 1 / np.cosh(np.minimum(far, CAP)), 0.0), 1 / np.cosh(near))
    return np.maximum(lo, 0.0), np.minimum(hi, 1.0)


def ends_of(value: arb) -> Interval:
    """The interval of one ball."""
    lo, hi = float(value.lower()), float(value.upper())
    return np.asarray(math.nextafter(lo, -math.inf)), np.asarray(math.nextafter(hi, math.inf))

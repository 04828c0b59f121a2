"""Arrays of complex rectangles in float64, every rounding outward: fast proved ranges of analytic expressions.

Idea
----
A bound of an integrand on some thousand boxes is wanted, and a few digits of it are enough. A `Rectangles` holds n
intervals [lo, hi] of real parts and, unless everything is real, n intervals [ilo, ihi] of imaginary parts; the
operations act on whole arrays at once and their results contain every value of the operation on the operands.

* +, −, ×, / are correctly rounded by IEEE 754, so one step of `nextafter` outward makes each end a proved one.
* exp, sin, cos, tanh, sinh, cosh of the C library are assumed right to a relative 2^−40 (4096 units in the last place;
  what libraries promise is below 5), and are widened by that.
* For other functions (log, roots, atan, erf, gamma) each rectangle goes through `flint.acb`, with `analytic=True`:
  a rectangle that meets a branch cut gives the whole plane.

A rectangle that cannot be bounded (a pole, overflow, an undefined operation) is the *whole* plane, (−∞, ∞): an infinite
end is the sign of "not proved", and `finite` tells the others.

Formulas: z² = (x² − y²) + 2ixy with tight squares; 1/z = z̄/|z|²; and, so that wide rectangles stay tight,

    tanh(x + iy) = (T + i S sin 2y) / (1 + S cos 2y),   T = tanh 2x, S = sech 2x.

Reading order: `Rectangles`, `apply`, `power`.

Reference: W. Tucker, *Validated Numerics*, Princeton 2011, chapters 2 and 3.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from flint import acb, arb, ctx
from scipy import special

from numerics.analytic import FUNCTIONS as ACB_FUNCTIONS
from numerics.analytic import BoxFunction

Interval = tuple[np.ndarray, np.ndarray]
LIBRARY_ERROR = 2.0**-40
ELEMENT_BITS = 64
FAR = 2.0**30
CAP = 690.0
ERF_SLOPE = 1.1283791671 / 2 * (1 + 1e-9)  # 2/√π, times half the diagonal


def _outward(lo: Any, hi: Any) -> Interval:
    """One unit in the last place outward; what is undefined becomes the whole line."""
    lo, hi = np.nextafter(lo, -np.inf), np.nextafter(hi, np.inf)
    bad = np.isnan(lo) | np.isnan(hi)
    return (np.where(bad, -np.inf, lo), np.where(bad, np.inf, hi)) if bad.any() else (lo, hi)


def _widened(lo: Any, hi: Any) -> Interval:
    """Room for the errors of library functions."""
    return _outward(lo - np.abs(lo) * LIBRARY_ERROR - 1e-300, hi + np.abs(hi) * LIBRARY_ERROR + 1e-300)


def interval_sum(a: Interval, b: Interval) -> Interval:
    return _outward(a[0] + b[0], a[1] + b[1])


def _negative(a: Interval) -> Interval:
    return -a[1], -a[0]


def interval_product(a: Interval, b: Interval) -> Interval:
    ends = [x * y for x in a for y in b]
    return _outward(
        np.minimum(np.minimum(ends[0], ends[1]), np.minimum(ends[2], ends[3])),
        np.maximum(np.maximum(ends[0], ends[1]), np.maximum(ends[2], ends[3])),
    )


def _largest(a: Interval) -> np.ndarray:
    return np.maximum(np.abs(a[0]), np.abs(a[1]))


def _smallest(a: Interval) -> np.ndarray:
    return np.maximum(np.maximum(a[0], -a[1]), 0.0)


def _square(a: Interval) -> Interval:
    lo, hi = _outward(_smallest(a) ** 2, _largest(a) ** 2)
    return np.maximum(lo, 0.0), hi


def _reciprocal(a: Interval) -> Interval:
    """The whole line where 0 is inside (or an end is infinite, which proves nothing)."""
    bad = (a[0] <= 0) & (a[1] >= 0) | ~np.isfinite(a[0]) | ~np.isfinite(a[1])
    lo, hi = _outward(1 / np.where(bad, 1.0, a[1]), 1 / np.where(bad, 1.0, a[0]))
    return np.where(bad, -np.inf, lo), np.where(bad, np.inf, hi)


def _increasing(function: Callable[[Any], Any], a: Interval) -> Interval:
    return _widened(function(a[0]), function(a[1]))


def interval_cos(a: Interval) -> Interval:
    """[−1, 1] unless the interval is known to avoid an extremum kπ (which ones it holds decides with slack)."""
    slack = 1e-6
    wild = ~(_largest(a) < FAR)
    lo, hi = np.where(wild, 0.0, a[0]), np.where(wild, 0.0, a[1])
    ends = _widened(np.minimum(np.cos(lo), np.cos(hi)), np.maximum(np.cos(lo), np.cos(hi)))
    turn = 2 * math.pi
    top = wild | (np.floor((hi + slack) / turn) >= np.ceil((lo - slack) / turn))
    bottom = wild | (np.floor((hi + slack) / turn - 0.5) >= np.ceil((lo - slack) / turn - 0.5))
    return np.where(bottom, -1.0, np.maximum(ends[0], -1.0)), np.where(top, 1.0, np.minimum(ends[1], 1.0))


HALF_PI = _outward(math.pi / 2, math.pi / 2)


def _sin(a: Interval) -> Interval:
    return interval_cos(interval_sum(a, _negative(HALF_PI)))


def _exp(a: Interval) -> Interval:
    lo, hi = _increasing(np.exp, a)
    return np.maximum(lo, 0.0), hi


def _cosh(a: Interval) -> Interval:
    lo, hi = _widened(np.cosh(_smallest(a)), np.cosh(_largest(a)))
    return np.maximum(lo, 1.0), hi


def _sinh(a: Interval) -> Interval:
    return _increasing(np.sinh, a)


def _tanh(a: Interval) -> Interval:
    lo, hi = _increasing(np.tanh, a)
    return np.maximum(lo, -1.0), np.minimum(hi, 1.0)


def _sech(a: Interval) -> Interval:
    near, far = np.minimum(_smallest(a), CAP), _largest(a)
    lo, hi = _widened(np.where(far < CAP, 1 / np.cosh(np.minimum(far, CAP)), 0.0), 1 / np.cosh(near))
    return np.maximum(lo, 0.0), np.minimum(hi, 1.0)


class Rectangles:
    """Intervals re = (lo, hi) and im = (lo, hi), arrays that broadcast; im is None where everything is real."""

    __slots__ = ("im", "re")
    __array_ufunc__ = None

    def __init__(self, re: Interval, im: Interval | None = None):
        self.re, self.im = re, im

    @staticmethod
    def constant(value: arb) -> "Rectangles":
        """The rectangle of one real ball."""
        return Rectangles(_ends(value))

    @property
    def imaginary(self) -> Interval:
        return (np.zeros(()), np.zeros(())) if self.im is None else self.im

    def finite(self) -> np.ndarray:
        """Which rectangles are bounded."""
        ok = np.isfinite(self.re[0]) & np.isfinite(self.re[1])
        return ok if self.im is None else ok & np.isfinite(self.im[0]) & np.isfinite(self.im[1])

    def largest(self) -> np.ndarray:
        """Upper bounds of |z|."""
        if self.im is None:
            return _largest(self.re)
        return np.nan_to_num(np.hypot(_largest(self.re), _largest(self.im)) * (1 + LIBRARY_ERROR), nan=np.inf)

    def __add__(self, other: "Rectangles") -> "Rectangles":
        if self.im is None or other.im is None:
            return Rectangles(interval_sum(self.re, other.re), other.im if self.im is None else self.im)
        return Rectangles(interval_sum(self.re, other.re), interval_sum(self.im, other.im))

    def __neg__(self) -> "Rectangles":
        return Rectangles(_negative(self.re), None if self.im is None else _negative(self.im))

    def __mul__(self, other: "Rectangles") -> "Rectangles":
        if self.im is None and other.im is None:
            return Rectangles(interval_product(self.re, other.re))
        if self.im is None:
            return Rectangles(interval_product(self.re, other.re), interval_product(self.re, other.imaginary))
        if other.im is None:
            return other * self
        return Rectangles(
            interval_sum(interval_product(self.re, other.re), _negative(interval_product(self.im, other.im))),
            interval_sum(interval_product(self.re, other.im), interval_product(self.im, other.re)),
        )

    def square(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(_square(self.re))
        double = (2 * self.re[0], 2 * self.re[1])
        return Rectangles(
            interval_sum(_square(self.re), _negative(_square(self.im))), interval_product(double, self.im)
        )

    def reciprocal(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(_reciprocal(self.re))
        inverse = _reciprocal(interval_sum(_square(self.re), _square(self.im)))
        return Rectangles(interval_product(self.re, inverse), interval_product(_negative(self.im), inverse))

    def __pow__(self, n: int) -> "Rectangles":
        if n < 0:
            return (self**-n).reciprocal()
        if n == 0:
            return Rectangles((np.ones(()), np.ones(())))
        half = self ** (n // 2) if n > 1 else None
        if half is None:
            return self
        return half.square() if n % 2 == 0 else half.square() * self

    def exp(self) -> "Rectangles":
        size = _exp(self.re)
        if self.im is None:
            return Rectangles(size)
        return Rectangles(interval_product(size, interval_cos(self.im)), interval_product(size, _sin(self.im)))

    def sin(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(_sin(self.re))
        return Rectangles(
            interval_product(_sin(self.re), _cosh(self.im)), interval_product(interval_cos(self.re), _sinh(self.im))
        )

    def cos(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(interval_cos(self.re))
        return Rectangles(
            interval_product(interval_cos(self.re), _cosh(self.im)),
            _negative(interval_product(_sin(self.re), _sinh(self.im))),
        )

    def cosh(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(_cosh(self.re))
        return Rectangles(
            interval_product(_cosh(self.re), interval_cos(self.im)), interval_product(_sinh(self.re), _sin(self.im))
        )

    def sinh(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(_sinh(self.re))
        return Rectangles(
            interval_product(_sinh(self.re), interval_cos(self.im)), interval_product(_cosh(self.re), _sin(self.im))
        )

    def sech(self) -> "Rectangles":
        return self.cosh().reciprocal()

    def tanh(self) -> "Rectangles":
        """Proved holomorphic where finite: the denominator |cosh z|²·2/cosh 2x stays positive."""
        if self.im is None:
            bad = ~self.finite()
            lo, hi = _tanh(self.re)
            return Rectangles((np.where(bad, -np.inf, lo), np.where(bad, np.inf, hi)))
        x2, y2 = (2 * self.re[0], 2 * self.re[1]), (2 * self.im[0], 2 * self.im[1])
        sech = _sech(x2)
        inverse = _reciprocal(interval_sum((np.ones(()), np.ones(())), interval_product(sech, interval_cos(y2))))
        return Rectangles(
            interval_product(_tanh(x2), inverse), interval_product(interval_product(sech, _sin(y2)), inverse)
        )

    def tan(self) -> "Rectangles":
        """tan z = −i tanh iz."""
        turned = Rectangles(_negative(self.imaginary), self.re).tanh()
        re, im = turned.imaginary, _negative(turned.re)
        return Rectangles(re, None if self.im is None else im)

    def log(self) -> "Rectangles":
        """On the right half-plane log|z| + i arg z, arg from the corners; elsewhere through `flint`."""
        if not (self.re[0] > 0).all():
            return self.elementwise(ACB_FUNCTIONS[sp.log])
        bad = ~self.finite()
        if self.im is None:
            size, angle = self.re, None
        else:
            size = (
                np.hypot(self.re[0], _smallest(self.im)) * (1 - LIBRARY_ERROR),
                np.hypot(self.re[1], _largest(self.im)) * (1 + LIBRARY_ERROR),
            )
            corners = [np.arctan2(y, x) for x in self.re for y in self.im]
            angle = _widened(np.minimum.reduce(corners), np.maximum.reduce(corners))
        lo, hi = _widened(np.log(size[0]), np.log(size[1]))
        return Rectangles((np.where(bad, -np.inf, lo), np.where(bad, np.inf, hi)), angle)

    def right_power(self, q: float) -> "Rectangles":
        """z^q = e^{q log z} on the right half-plane; the rounding of q to a float is within the widening."""
        exponent, logarithm = (np.array(q), np.array(q)), self.log()
        scaled = interval_product(logarithm.re, exponent)
        turned = None if logarithm.im is None else interval_product(logarithm.im, exponent)
        return Rectangles(scaled, turned).exp()

    def erf(self) -> "Rectangles":
        """Monotone on reals; else by the mean value, erf′ = 2 e^{−z²}/√π, |e^{−z²}| ≤ e^{max y² − min x²}."""
        if self.im is None:
            return Rectangles(_increasing(special.erf, self.re))
        x, y = (0.5 * (side[0] + side[1]) for side in (self.re, self.im))
        middle = special.erf(x + 1j * y)
        steepest = _exp(interval_sum(_square(self.im), _negative(_square(self.re))))[1]
        reach = np.hypot(self.re[1] - self.re[0], self.im[1] - self.im[0]) * steepest * ERF_SLOPE
        reach = reach + np.abs(middle) * 2.0**-36
        return Rectangles(
            _outward(middle.real - reach, middle.real + reach), _outward(middle.imag - reach, middle.imag + reach)
        )

    def asinh(self) -> "Rectangles":
        """Off the cuts {iy : |y| ≥ 1}: the real part rises with x and, in size, with |y|; the imaginary part rises with y and, in
        size, falls with |x| (they are sgn x · acosh α and asin β, 2α and 2β the sum and the difference of |z + i| and |z − i|).
        """
        if self.im is None:
            return Rectangles(_increasing(np.arcsinh, self.re))
        x, y = self.re, self.im
        narrow, wide, near, far = _smallest(x), _largest(x), _smallest(y), _largest(y)
        real = [
            np.real(np.arcsinh(end + 1j * np.where(out, far, near)))
            for end, out in ((x[0], x[0] <= 0), (x[1], x[1] >= 0))
        ]
        imaginary = [
            np.imag(np.arcsinh(np.where(out, narrow, wide) + 1j * end))
            for end, out in ((y[0], y[0] <= 0), (y[1], y[1] >= 0))
        ]
        cut = (narrow == 0) & (far >= 1)
        lo, hi = _widened(*real)
        below, above = _widened(*imaginary)
        return Rectangles(
            (np.where(cut, -np.inf, lo), np.where(cut, np.inf, hi)),
            (np.where(cut, -np.inf, below), np.where(cut, np.inf, above)),
        )

    def elementwise(self, function: BoxFunction) -> "Rectangles":
        """Each rectangle through `flint.acb`; where the answer is not finite, the whole plane."""
        shape = np.broadcast_shapes(self.re[0].shape, self.imaginary[0].shape)
        parts = [np.broadcast_to(p, shape).ravel() for p in (*self.re, *self.imaginary)]
        rows = np.empty((4, parts[0].size))
        with ctx.workprec(ELEMENT_BITS):
            for k, (a, b, c, d) in enumerate(zip(*(p.tolist() for p in parts), strict=True)):
                rows[:, k] = (-np.inf, np.inf, -np.inf, np.inf)
                if math.isfinite(a) and math.isfinite(b) and math.isfinite(c) and math.isfinite(d):
                    value = function(acb(arb(a).union(arb(b)), arb(c).union(arb(d))), True)
                    if value.is_finite():
                        rows[:2, k], rows[2:, k] = _ends(value.real), _ends(value.imag)
        re, im = (rows[0].reshape(shape), rows[1].reshape(shape)), (rows[2].reshape(shape), rows[3].reshape(shape))
        return Rectangles(re, None if self.im is None and np.isfinite(re[0]).all() else im)


def _ends(value: arb) -> Interval:
    lo, hi = float(value.lower()), float(value.upper())
    return np.asarray(math.nextafter(lo, -math.inf)), np.asarray(math.nextafter(hi, math.inf))


METHODS: dict[Any, Callable[[Rectangles], Rectangles]] = {
    sp.exp: Rectangles.exp,
    sp.sin: Rectangles.sin,
    sp.cos: Rectangles.cos,
    sp.sinh: Rectangles.sinh,
    sp.cosh: Rectangles.cosh,
    sp.sech: Rectangles.sech,
    sp.tanh: Rectangles.tanh,
    sp.tan: Rectangles.tan,
    sp.log: Rectangles.log,
    sp.erf: Rectangles.erf,
    sp.asinh: Rectangles.asinh,
    sp.erfc: lambda z: Rectangles((np.ones(()), np.ones(()))) + -z.erf(),
}


def apply(function: Any, z: Rectangles) -> Rectangles:
    """A function of `analytic.FUNCTIONS` on rectangles; the whole plane where it is not proved holomorphic."""
    method = METHODS.get(function)
    return method(z) if method is not None else z.elementwise(ACB_FUNCTIONS[function])


def power(z: Rectangles, exponent: sp.Rational) -> Rectangles:
    """z^q for a rational q that is not an integer; the whole plane where the cut (−∞, 0] is met."""
    if (z.re[0] > 0).all():
        return z.right_power(float(exponent))
    if exponent == sp.S.Half:
        return z.elementwise(lambda w, analytic: w.sqrt(analytic=analytic))
    q = acb(arb(int(exponent.p)) / int(exponent.q))
    return z.elementwise(lambda w, analytic: w.pow(q, analytic=analytic))

"""Arrays of complex rectangles in float64, every rounding outward: fast proved ranges of analytic expressions.

Idea
----
A bound of an integrand on some thousand boxes is wanted, and a few digits of it are enough. A `Rectangles` holds n
intervals [lo, hi] of real parts and, unless everything is real, n intervals [ilo, ihi] of imaginary parts; the
operations act on whole arrays at once and their results contain every value of the operation on the operands.

* The real and imaginary parts are computed by `outward`, whose ends are proved.
* Functions that are not made of these (roots, atan, gamma) take each rectangle through `flint.acb`, with `analytic=True`:
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
from numerics.gauss import outward
from numerics.gauss.outward import Interval

ELEMENT_BITS = 64
ERF_SLOPE = 1.1283791671 / 2 * (1 + 1e-9)  # 2/√π, times half the diagonal


class Rectangles:
    """Intervals re = (lo, hi) and im = (lo, hi), arrays that broadcast; im is None where everything is real."""

    __slots__ = ("im", "re")
    __array_ufunc__ = None

    def __init__(self, re: Interval, im: Interval | None = None):
        self.re, self.im = re, im

    @staticmethod
    def constant(value: arb) -> "Rectangles":
        """The rectangle of one real ball."""
        return Rectangles(outward.ends_of(value))

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
            return outward.largest(self.re)
        return np.nan_to_num(
            np.hypot(outward.largest(self.re), outward.largest(self.im)) * (1 + outward.LIBRARY_ERROR), nan=np.inf
        )

    def __add__(self, other: "Rectangles") -> "Rectangles":
        if self.im is None or other.im is None:
            return Rectangles(outward.plus(self.re, other.re), other.im if self.im is None else self.im)
        return Rectangles(outward.plus(self.re, other.re), outward.plus(self.im, other.im))

    def __neg__(self) -> "Rectangles":
        return Rectangles(outward.negative(self.re), None if self.im is None else outward.negative(self.im))

    def __mul__(self, other: "Rectangles") -> "Rectangles":
        if self.im is None and other.im is None:
            return Rectangles(outward.times(self.re, other.re))
        if self.im is None:
            return Rectangles(outward.times(self.re, other.re), outward.times(self.re, other.imaginary))
        if other.im is None:
            return other * self
        return Rectangles(
            outward.plus(outward.times(self.re, other.re), outward.negative(outward.times(self.im, other.im))),
            outward.plus(outward.times(self.re, other.im), outward.times(self.im, other.re)),
        )

    def square(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(outward.square(self.re))
        double = (2 * self.re[0], 2 * self.re[1])
        return Rectangles(
            outward.plus(outward.square(self.re), outward.negative(outward.square(self.im))),
            outward.times(double, self.im),
        )

    def reciprocal(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(outward.reciprocal(self.re))
        inverse = outward.reciprocal(outward.plus(outward.square(self.re), outward.square(self.im)))
        return Rectangles(outward.times(self.re, inverse), outward.times(outward.negative(self.im), inverse))

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
        size = outward.exp(self.re)
        if self.im is None:
            return Rectangles(size)
        return Rectangles(outward.times(size, outward.cos(self.im)), outward.times(size, outward.sin(self.im)))

    def sin(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(outward.sin(self.re))
        return Rectangles(
            outward.times(outward.sin(self.re), outward.cosh(self.im)),
            outward.times(outward.cos(self.re), outward.sinh(self.im)),
        )

    def cos(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(outward.cos(self.re))
        return Rectangles(
            outward.times(outward.cos(self.re), outward.cosh(self.im)),
            outward.negative(outward.times(outward.sin(self.re), outward.sinh(self.im))),
        )

    def cosh(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(outward.cosh(self.re))
        return Rectangles(
            outward.times(outward.cosh(self.re), outward.cos(self.im)),
            outward.times(outward.sinh(self.re), outward.sin(self.im)),
        )

    def sinh(self) -> "Rectangles":
        if self.im is None:
            return Rectangles(outward.sinh(self.re))
        return Rectangles(
            outward.times(outward.sinh(self.re), outward.cos(self.im)),
            outward.times(outward.cosh(self.re), outward.sin(self.im)),
        )

    def sech(self) -> "Rectangles":
        return self.cosh().reciprocal()

    def tanh(self) -> "Rectangles":
        """Proved holomorphic where finite: the denominator |cosh z|²·2/cosh 2x stays positive."""
        if self.im is None:
            bad = ~self.finite()
            lo, hi = outward.tanh(self.re)
            return Rectangles((np.where(bad, -np.inf, lo), np.where(bad, np.inf, hi)))
        x2, y2 = (2 * self.re[0], 2 * self.re[1]), (2 * self.im[0], 2 * self.im[1])
        sech = outward.sech(x2)
        inverse = outward.reciprocal(outward.plus((np.ones(()), np.ones(())), outward.times(sech, outward.cos(y2))))
        return Rectangles(
            outward.times(outward.tanh(x2), inverse), outward.times(outward.times(sech, outward.sin(y2)), inverse)
        )

    def tan(self) -> "Rectangles":
        """tan z = −i tanh iz."""
        turned = Rectangles(outward.negative(self.imaginary), self.re).tanh()
        re, im = turned.imaginary, outward.negative(turned.re)
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
                np.hypot(self.re[0], outward.smallest(self.im)) * (1 - outward.LIBRARY_ERROR),
                np.hypot(self.re[1], outward.largest(self.im)) * (1 + outward.LIBRARY_ERROR),
            )
            corners = [np.arctan2(y, x) for x in self.re for y in self.im]
            angle = outward.widened(np.minimum.reduce(corners), np.maximum.reduce(corners))
        lo, hi = outward.widened(np.log(size[0]), np.log(size[1]))
        return Rectangles((np.where(bad, -np.inf, lo), np.where(bad, np.inf, hi)), angle)

    def right_power(self, q: float) -> "Rectangles":
        """z^q = e^{q log z} on the right half-plane; the rounding of q to a float is within the widening."""
        exponent, logarithm = (np.array(q), np.array(q)), self.log()
        scaled = outward.times(logarithm.re, exponent)
        turned = None if logarithm.im is None else outward.times(logarithm.im, exponent)
        return Rectangles(scaled, turned).exp()

    def erf(self) -> "Rectangles":
        """Monotone on reals; else by the mean value, erf′ = 2 e^{−z²}/√π, |e^{−z²}| ≤ e^{max y² − min x²}."""
        if self.im is None:
            return Rectangles(outward.increasing(special.erf, self.re))
        x, y = (0.5 * (side[0] + side[1]) for side in (self.re, self.im))
        middle = special.erf(x + 1j * y)
        steepest = outward.exp(outward.plus(outward.square(self.im), outward.negative(outward.square(self.re))))[1]
        reach = np.hypot(self.re[1] - self.re[0], self.im[1] - self.im[0]) * steepest * ERF_SLOPE
        reach = reach + np.abs(middle) * 2.0**-36
        return Rectangles(
            outward.rounded(middle.real - reach, middle.real + reach),
            outward.rounded(middle.imag - reach, middle.imag + reach),
        )

    def asinh(self) -> "Rectangles":
        """Off the cuts {iy : |y| ≥ 1}: the real part rises with x and, in size, with |y|; the imaginary part rises with y and, in
        size, falls with |x| (they are sgn x · acosh α and asin β, 2α and 2β the sum and the difference of |z + i| and |z − i|).
        """
        if self.im is None:
            return Rectangles(outward.increasing(np.arcsinh, self.re))
        x, y = self.re, self.im
        narrow, wide, near, far = outward.smallest(x), outward.largest(x), outward.smallest(y), outward.largest(y)
        real = [
            np.real(np.arcsinh(end + 1j * np.where(out, far, near)))
            for end, out in ((x[0], x[0] <= 0), (x[1], x[1] >= 0))
        ]
        imaginary = [
            np.imag(np.arcsinh(np.where(out, narrow, wide) + 1j * end))
            for end, out in ((y[0], y[0] <= 0), (y[1], y[1] >= 0))
        ]
        cut = (narrow == 0) & (far >= 1)
        lo, hi = outward.widened(*real)
        below, above = outward.widened(*imaginary)
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
                        rows[:2, k], rows[2:, k] = outward.ends_of(value.real), outward.ends_of(value.imag)
        re, im = (rows[0].reshape(shape), rows[1].reshape(shape)), (rows[2].reshape(shape), rows[3].reshape(shape))
        return Rectangles(re, None if self.im is None and np.isfinite(re[0]).all() else im)


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

"""Precision as a scope, and the passage from exact expressions to balls.

Idea
----
A *ball* (`flint.arb`) is a midpoint with a radius; every operation on balls returns a ball that contains the true
result whenever the operands contain theirs. How *small* the ball is depends on the working precision, which is a scope:

    with digits(40):
        b = ball(sp.gamma(sp.Rational(1, 4)))     # about 40 correct decimal digits, proved

Inside the scope arithmetic carries `GUARD_BITS` more bits than the n digits need, so that short computations still end
with n digits. The scope bounds no error by itself: the ball does, and a careless computation gives a wide ball, not a
wrong one.

Notation: p is the number of bits, p = ⌈n log₂ 10⌉ + GUARD_BITS.

Reading order: `digits`, `current_digits`, `expression`, `rational`, `ball`, `agreeing_digits`.

Reference: F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic", IEEE Trans. Comput.
66 (2017).
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import sympy as sp
from flint import acb, arb, ctx, fmpq, fmpz

from theory.errors import BadInput

GUARD_BITS = 32
LOG2_10 = math.log2(10)

Exact = int | Fraction | fmpq | fmpz | sp.Expr
"""What counts as an exact value: integers, rationals of any make, and exact sympy expressions."""


@contextmanager
def digits(n: float) -> Iterator[None]:
    """Work with n decimal digits inside the `with` block; the precision before it comes back at the end.

    Scopes nest, and an inner one may be coarser than the outer one. Raises `BadInput` unless 1 ≤ n ≤ 100 000.
    """
    if not 1 <= n <= 100_000:
        raise BadInput(f"`precision.digits` needs a number of decimal digits between 1 and 100000; it was given {n}")
    before = ctx.prec
    ctx.prec = math.ceil(n * LOG2_10) + GUARD_BITS
    try:
        yield
    finally:
        ctx.prec = before


def current_digits() -> int:
    """The n of the innermost `digits(n)`: the decimal digits that remain once the guard bits are set aside."""
    return max(1, math.floor((ctx.prec - GUARD_BITS) / LOG2_10))


def expression(value: object) -> Any:
    """`value` as a sympy expression; text is refused, since sympy would evaluate it. Raises `BadInput`."""
    if isinstance(value, str):
        raise BadInput(f"an expression is needed, not the text {value!r}; build it from sympy symbols")
    try:
        tree = sp.sympify(value)
    except sp.SympifyError as error:
        raise BadInput(f"{value!r} is not an expression that sympy understands") from error
    if tree is None:
        raise BadInput("an expression is needed, and None was given")
    return tree


def rational(value: object) -> fmpq:
    """The exact rational number `value` as `fmpq`.

    Integers, `Fraction`, `fmpq`, sympy rationals. A float is taken only where its printed form is its exact binary
    value (0.5, 3.0, but not 0.1): otherwise the three layers could silently treat different numbers. Raises
    `BadInput`.
    """
    if isinstance(value, fmpq):
        return value
    if isinstance(value, int | fmpz):
        return fmpq(value)
    if isinstance(value, Fraction):
        return fmpq(value.numerator, value.denominator)
    number = expression(value)
    if isinstance(number, sp.Rational) and number.is_finite:
        return fmpq(int(number.p), int(number.q))
    if isinstance(number, sp.Float):
        return _exact_float(number)
    raise BadInput(f"a rational number is needed here, and {value} is not one; write it as sympy.Rational(p, q)")


def _exact_float(number: sp.Float) -> fmpq:
    stored, printed = sp.Rational(number), sp.Rational(str(number))
    if stored != printed:
        raise BadInput(f"the float {number} stands for {stored}, not for {printed}; write sympy.Rational({printed!s})")
    return fmpq(int(stored.p), int(stored.q))


CONSTANTS: dict[sp.Basic, Callable[[], arb]] = {
    sp.pi: arb.pi,
    sp.E: arb.const_e,
    sp.EulerGamma: arb.const_euler,
    sp.Catalan: arb.const_catalan,
    sp.GoldenRatio: lambda: (1 + arb(5).sqrt()) / 2,
}


def _real(z: acb) -> arb:
    return z.real


FUNCTIONS: dict[Any, Callable[..., arb]] = {
    sp.exp: arb.exp,
    sp.log: lambda x, *base: x.log() / base[0].log() if base else x.log(),
    sp.sin: arb.sin,
    sp.cos: arb.cos,
    sp.tan: arb.tan,
    sp.cot: arb.cot,
    sp.sinh: arb.sinh,
    sp.cosh: arb.cosh,
    sp.tanh: arb.tanh,
    sp.coth: arb.coth,
    sp.sech: arb.sech,
    sp.asin: arb.asin,
    sp.acos: arb.acos,
    sp.atan: arb.atan,
    sp.asinh: arb.asinh,
    sp.acosh: arb.acosh,
    sp.atanh: arb.atanh,
    sp.erf: arb.erf,
    sp.erfc: arb.erfc,
    sp.erfi: arb.erfi,
    sp.gamma: arb.gamma,
    sp.loggamma: arb.lgamma,
    sp.digamma: arb.digamma,
    sp.factorial: lambda x: (x + 1).gamma(),
    sp.beta: lambda x, y: x.gamma() * y.gamma() / (x + y).gamma(),
    sp.polygamma: lambda n, x: _real(acb(x).polygamma(n)),
    sp.zeta: lambda s, a=None: s.zeta() if a is None else s.zeta(a),
    sp.polylog: lambda s, z: _real(acb(z).polylog(s)) if z <= 1 else arb.nan(),
    sp.LambertW: lambda x: x.lambertw(),
    sp.besseli: lambda n, x: x.bessel_i(n),
    sp.besselj: lambda n, x: x.bessel_j(n),
    sp.besselk: lambda n, x: x.bessel_k(n),
    sp.lowergamma: lambda s, x: x.gamma_lower(s),
    sp.uppergamma: lambda s, x: x.gamma_upper(s),
    sp.Abs: lambda x: abs(x),
}


def ball(expr: object) -> arb:
    """A ball that contains the exact real number `expr`, at the current precision.

    `expr`: a ball (returned as it is), a number that `rational` takes, or a sympy expression without symbols made of
    rationals, π, e, γ, Catalan's constant, the golden ratio, sums, products, powers and the functions in `FUNCTIONS`.
    The tree is evaluated in ball arithmetic, so the answer is proved. Raises `BadInput` for free symbols, for a
    function without a rule, and where the value is not a finite real number (a pole, the logarithm of a negative
    number).
    """
    if isinstance(expr, arb):
        return expr
    if isinstance(expr, fmpq | fmpz | int):
        return arb(expr)
    tree = expression(expr)
    if tree.free_symbols:
        raise BadInput(f"`precision.ball` needs a constant; {tree} still holds {sorted(map(str, tree.free_symbols))}")
    value = _evaluate(tree)
    if not value.is_finite():
        raise BadInput(f"{tree} is not a finite real number as far as {current_digits()} digits can tell")
    return value


def _evaluate(tree: sp.Basic) -> arb:
    if tree in CONSTANTS:
        return CONSTANTS[tree]()
    if isinstance(tree, sp.Number):
        return arb(rational(tree))
    if isinstance(tree, sp.Pow):
        return _power(tree)
    if not isinstance(tree, sp.Add | sp.Mul) and tree.func not in FUNCTIONS:
        raise BadInput(f"`precision.ball` has no rule for {tree}; the functions it knows are the keys of `FUNCTIONS`")
    values = [_evaluate(part) for part in tree.args]
    if isinstance(tree, sp.Add):
        return sum(values, arb(0))
    if isinstance(tree, sp.Mul):
        return math.prod(values, start=arb(1))
    return FUNCTIONS[tree.func](*values)


def _power(tree: sp.Pow) -> arb:
    base, exponent = tree.args
    if isinstance(exponent, sp.Integer):
        return _evaluate(base) ** int(exponent)
    if exponent == sp.S.Half:
        return _evaluate(base).sqrt()
    if base == sp.E:
        return _evaluate(exponent).exp()
    return _evaluate(base) ** _evaluate(exponent)


def agreeing_digits(value: arb, reference: arb | Exact) -> int:
    """How many decimal digits of `value` and `reference` certainly agree: ⌊−log₁₀ (|value − reference| / |reference|)⌋.

    The difference is bounded from above, both radii included, so the figure is a lower bound of the agreement. Where
    the reference may be zero the difference is taken absolutely; equal exact numbers agree to `current_digits()`; 0
    means that no digit is certain.
    """
    held = current_digits()
    with digits(2 * held + 20):
        target = ball(reference)
        difference = abs(value - target).upper()
        scale = abs(target).lower()
        if not difference.is_finite():
            return 0
        if difference.is_zero():
            return held
        relative = difference / scale if scale > 0 else difference
        return max(0, math.floor(float(-(relative.log() / arb.const_log10()).upper())))

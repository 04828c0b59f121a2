"""Real-analytic expressions as functions of complex boxes.

Idea
----
Rigorous quadrature (`acb.integral`) asks for the integrand on complex boxes and, when it passes `analytic=True`, for
the promise that the integrand is holomorphic on the whole box; where that fails the answer must be non-finite.
`compile_acb` turns a sympy expression in one variable into such a function. Entire and meromorphic functions need no
care, since boxes around poles evaluate to non-finite values by themselves; functions with branch cuts (log,
non-integer powers, atan, asinh) look at the flag.

What is refused, with a sentence: functions that are not real-analytic (Abs, Heaviside, Piecewise, floor, Max, …),
expressions that hold the imaginary unit, and functions without a rule.

`check_real` proves that logarithms and non-integer powers see positive arguments on a real interval and that
denominators do not vanish there, so that the integrand is real and finite: otherwise it names the point.

Notation: x the variable, z a complex box, g an inner expression.
Reading order: `refuse_non_analytic`, `compile_acb`, `check_real`.

Reference: F. Johansson, "Numerical integration in arbitrary-precision ball arithmetic", ICMS 2018.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import acb, acb_poly, arb, fmpq, fmpq_poly

from numerics.errors import NotCertified
from numerics.precision import ball, expression, rational
from theory.errors import BadInput

BoxFunction = Callable[[acb, bool], acb]
ORIGIN = fmpq(0)

NON_ANALYTIC = (
    sp.Abs,
    sp.sign,
    sp.Heaviside,
    sp.DiracDelta,
    sp.Piecewise,
    sp.floor,
    sp.ceiling,
    sp.Max,
    sp.Min,
    sp.Mod,
    sp.re,
    sp.im,
    sp.conjugate,
    sp.arg,
)


def refuse_non_analytic(expr: sp.Basic) -> None:
    """Raise `BadInput` if `expr` holds a function that is not real-analytic, or the imaginary unit."""
    found = expr.atoms(*NON_ANALYTIC)
    if found:
        raise BadInput(
            f"certified quadrature needs an analytic integrand; {expr} holds {min(found, key=str)}; "
            "split the domain at the kink, or smooth it"
        )
    if expr.has(sp.I):
        raise BadInput(f"certified quadrature needs a real integrand; {expr} holds the imaginary unit")


def refuse_repeated(variables: Sequence[sp.Symbol]) -> None:
    """Raise `BadInput` if a variable of integration is named twice."""
    twice = [v for k, v in enumerate(variables) if v in variables[:k]]
    if twice:
        raise BadInput(f"the variables {', '.join(map(str, variables))} name {twice[0]} twice; they must differ")


def _cut_on_imaginary_axis(function: Callable[[acb], acb]) -> BoxFunction:
    """atan and asinh: holomorphic off the cuts {iy : |y| ≥ 1}."""

    def evaluate(z: acb, analytic: bool) -> acb:
        if analytic and z.real.contains(0) and not abs(z.imag) < 1:
            return acb(arb.nan(), arb.nan())
        return function(z)

    return evaluate


def _plain(function: Callable[[acb], acb]) -> BoxFunction:
    return lambda z, analytic: function(z)


FUNCTIONS: dict[Any, BoxFunction] = {
    **{
        kind: _plain(function)
        for kind, function in {
            sp.exp: acb.exp,
            sp.sin: acb.sin,
            sp.cos: acb.cos,
            sp.tan: acb.tan,
            sp.sinh: acb.sinh,
            sp.cosh: acb.cosh,
            sp.tanh: acb.tanh,
            sp.coth: acb.coth,
            sp.sech: acb.sech,
            sp.erf: acb.erf,
            sp.erfc: acb.erfc,
            sp.gamma: acb.gamma,
            sp.digamma: acb.digamma,
        }.items()
    },
    sp.log: lambda z, analytic: z.log(analytic=analytic),
    sp.atan: _cut_on_imaginary_axis(acb.atan),
    sp.asinh: _cut_on_imaginary_axis(acb.asinh),
}


def compile_acb(expr: sp.Basic, variable: sp.Symbol, centre: fmpq = ORIGIN) -> BoxFunction:
    """The function (z, analytic) ↦ expr(z) on complex boxes, at the current precision.

    Polynomial parts are evaluated in powers of z − centre, which keeps boxes near the centre tight. Rational
    coefficients are exact up to the working precision, so compile inside the `digits` scope that uses it. Raises
    `BadInput` for functions without a rule.
    """
    expr = sp.sympify(expr)
    if not expr.has(variable):
        constant = acb(ball(expr))
        return lambda z, analytic: constant
    if expr.is_polynomial(variable):
        return _polynomial(expr, variable, centre)
    if isinstance(expr, sp.Pow):
        return _power(expr, variable, centre)
    if isinstance(expr, sp.Add | sp.Mul):
        parts = [compile_acb(part, variable, centre) for part in _polynomial_first(expr, variable)]
        if isinstance(expr, sp.Add):
            return lambda z, analytic: sum((part(z, analytic) for part in parts[1:]), parts[0](z, analytic))
        return lambda z, analytic: math.prod((part(z, analytic) for part in parts[1:]), start=parts[0](z, analytic))
    # sympy writes digamma(x) as polygamma(0, x)
    head = sp.digamma if expr.func == sp.polygamma and expr.args[0] == 0 else expr.func
    if head not in FUNCTIONS:
        raise BadInput(
            f"certified quadrature has no rule for {expr}; the functions it knows are in `analytic.FUNCTIONS`"
        )
    outer, inner = FUNCTIONS[head], compile_acb(expr.args[-1], variable, centre)
    return lambda z, analytic: outer(inner(z, analytic), analytic)


def _polynomial_first(expr: sp.Basic, variable: sp.Symbol) -> list[sp.Basic]:
    """The operands of a sum or product, the polynomial ones gathered into one."""
    polynomial = [part for part in expr.args if part.is_polynomial(variable)]
    others = [part for part in expr.args if not part.is_polynomial(variable)]
    return [expr.func(*polynomial), *others] if polynomial else others


@lru_cache(maxsize=1024)
def coefficients(polynomial: sp.Basic, variable: sp.Symbol) -> tuple[Any, ...]:
    """The coefficients of a polynomial, the constant first."""
    return tuple(reversed(sp.Poly(polynomial, variable).all_coeffs()))


def _polynomial(expr: sp.Basic, variable: sp.Symbol, centre: fmpq) -> BoxFunction:
    middle, powers = acb(centre), coefficients(expr, variable)
    if all(c.is_Rational for c in powers):
        exact_polynomial = fmpq_poly([rational(c) for c in powers])
        polynomial = acb_poly(exact_polynomial(fmpq_poly([centre, 1])))
    else:
        polynomial = acb_poly([ball(c) for c in powers])(acb_poly([middle, 1]))
    if centre == 0:
        return lambda z, analytic: polynomial(z)
    return lambda z, analytic: polynomial(z - middle)


def _power(expr: sp.Pow, variable: sp.Symbol, centre: fmpq) -> BoxFunction:
    base, exponent = expr.args
    if base == sp.E:
        inner = compile_acb(exponent, variable, centre)
        return lambda z, analytic: inner(z, analytic).exp()
    if exponent.has(variable):
        raise BadInput(f"certified quadrature has no rule for {expr}; write the power as exp(exponent*log(base))")
    root = compile_acb(base, variable, centre)
    if isinstance(exponent, sp.Integer):
        power = int(exponent)
        return lambda z, analytic: root(z, analytic) ** power
    if exponent == sp.S.Half:
        return lambda z, analytic: root(z, analytic).sqrt(analytic=analytic)
    power = acb(ball(exponent))
    return lambda z, analytic: root(z, analytic).pow(power, analytic=analytic)


def _conditions(expr: sp.Basic, variable: sp.Symbol) -> Iterator[tuple[sp.Basic, str, sp.Basic]]:
    """Pairs (g, what g must be on the domain, where it stands): positive, non-negative or non-zero."""
    for part in sp.preorder_traversal(expr):
        if isinstance(part, sp.log) and part.has(variable):
            yield part.args[0], "positive", part
        if isinstance(part, sp.Pow) and part.args[0].has(variable):
            base, exponent = part.args
            if isinstance(exponent, sp.Integer):
                if exponent < 0:
                    yield base, "non-zero", part
            elif exponent.is_positive:
                yield base, "non-negative", part
            else:
                yield base, "positive", part


def check_real(expr: sp.Basic, variable: sp.Symbol, lower: arb, upper: arb) -> None:
    """Prove that `expr` is real and finite on [lower, upper] by interval bisection.

    Raises `BadInput` naming a point where a logarithm or a root sees a negative number, `NotCertified` where forty
    bisections do not decide.
    """
    for inner, condition, where in _conditions(expr, variable):
        function = compile_acb(inner, variable)
        queue = deque([(lower, upper, 0)])
        while queue:
            a, b, depth = queue.popleft()
            value = function(acb(a.union(b)), False).real
            if value > 0 or (condition == "non-zero" and value < 0):
                continue
            middle = ((a + b) / 2).mid()
            at_middle = function(acb(middle), False).real
            if condition != "non-zero" and at_middle < 0:
                raise BadInput(
                    f"the integrand is not real: {where} sees {inner} = {float(at_middle):.3g} at {variable} = "
                    f"{float(middle):.6g}; restrict the domain"
                )
            if depth == 40:
                if condition == "non-negative" and (a == lower or b == upper):
                    continue  # a root that vanishes at an end of the domain is continuous there
                raise NotCertified(
                    f"{inner} could not be proved {condition} near {variable} = {float(middle):.6g}, where {where} "
                    "needs it; restrict the domain or substitute the singularity away"
                )
            queue += [(a, middle, depth + 1), (middle, b, depth + 1)]


def apart(expr: sp.Basic) -> sp.Basic:
    """cosh and sinh by their exponentials; but cosh^q with q < 0 as it is, since it is bounded and they are not."""
    if not expr.has(sp.cosh, sp.sinh) or is_over_cosh(expr):
        return expr
    parts = expr.func(*map(apart, expr.args))
    return parts.rewrite([parts.func], sp.exp) if isinstance(parts, sp.cosh | sp.sinh) else parts


@lru_cache(maxsize=1024)
def terms_apart(expr: sp.Basic) -> tuple[sp.Basic, ...]:
    """The terms of the expanded sum, cosh and sinh by their exponentials."""
    return sp.Add.make_args(sp.expand(apart(expr), power_exp=False))


def is_over_cosh(expr: sp.Basic) -> bool:
    """cosh^q with q < 0."""
    return isinstance(expr, sp.Pow) and isinstance(expr.base, sp.cosh) and bool(expr.exp.is_negative)


@lru_cache(maxsize=1024)
def exponent_and_amplitude(expr: Any) -> tuple[Any, Any]:
    """(V, f) with expr = f · exp(−V): the exponential factors of a product are merged into V."""
    exponent, amplitude = sp.S.Zero, sp.S.One
    for factor in sp.Mul.make_args(sp.powsimp(sp.sympify(expr))):
        base, power = factor.as_base_exp()
        if isinstance(factor, sp.exp):
            exponent -= factor.args[0]
        elif isinstance(base, sp.exp):
            exponent -= base.args[0] * power
        elif base == sp.E:
            exponent -= power
        else:
            amplitude *= factor
    return exponent, amplitude


def exact(expr: Any) -> Any:
    """`expr` as a sympy expression whose floats are replaced by the exact rationals they stand for (see `rational`)."""
    tree = expression(expr)
    floats = {number: sp.Rational(*_fraction(number)) for number in tree.atoms(sp.Float)}
    return tree.xreplace(floats) if floats else tree


def _fraction(number: sp.Float) -> tuple[int, int]:
    value = rational(number)
    return int(value.p), int(value.q)

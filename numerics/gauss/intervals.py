"""Enclosures of analytic expressions over unbounded domains by polynomials with interval coefficients.

Idea
----
Every expression is enclosed by a polynomial in the unbounded variables,

    g(w) ∈ Σ_α [a_α, b_α] w^α   for all w in the domain,

the bounded variables being absorbed by the intervals: polynomials exactly, tanh, sin, cos, erf, atan, sech by
constants, e^g with g bounded above by [0, e^{sup g}], 1/g and roots with g ≥ g₀ > 0 by constants or by convexity, sums
and products as interval polynomials. The intervals have exact rational ends. A variable on a half line, x = l + s² or
x = u − s², is written in s ∈ R.

Notation: w the coordinates (s on half lines), α exponents; λ below: a positive rational.
Reading order: `Enclosure`, `split`, `least`; the polynomials stand in `interval_polynomials`.
"""

from collections.abc import Iterator
from typing import Any

import sympy as sp
from flint import arb, fmpq

from numerics.analytic import apart, exponent_and_amplitude, terms_apart
from numerics.errors import NotCertified
from numerics.gauss.domain import Domain
from numerics.gauss.interval_polynomials import ONE, ZERO, Bounds, IntervalPolynomial
from numerics.precision import ball, rational


def _bounds(value: arb) -> Bounds:
    """Rational ends of a ball."""
    if value.is_exact():
        return _dyadic(value), _dyadic(value)
    return _dyadic(value.lower()), _dyadic(value.upper())


def _dyadic(value: arb) -> fmpq:
    mantissa, exponent = value.man_exp()
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


def _constant_range(function: Any, whole: tuple[arb, arb], inner: IntervalPolynomial, monotone: bool) -> Bounds:
    """The range of a bounded function: of a monotone one, from the ends of its argument where these are known."""
    known = inner.range()
    if known is not None and monotone:
        low, high = function(arb(known[0])), function(arb(known[1]))
    elif known is not None:
        low = high = function(arb(known[0]).union(arb(known[1])))
    else:
        low, high = whole
    return _dyadic(low.lower()), _dyadic(high.upper())


def _half_pi() -> arb:
    return arb.pi() / 2


class Enclosure:
    """Interval polynomials of expressions over one domain. The coordinates are the unbounded variables."""

    def __init__(self, domain: Domain):
        self.domain = domain
        self.unbounded = domain.unbounded
        self.count = len(self.unbounded)
        self._memory: dict[Any, IntervalPolynomial] = {}
        self._variables = {v: self._variable(i) for i, v in enumerate(domain.variables)}

    def _variable(self, i: int) -> IntervalPolynomial:
        low, high = self.domain.ends[i]
        if i not in self.unbounded:
            return IntervalPolynomial.constant(self.count, _bounds(ball(low))[0], _bounds(ball(high))[1])
        k = self.unbounded.index(i)
        unit = tuple(int(j == k) for j in range(self.count))
        square = tuple(2 * e for e in unit)
        if low.is_infinite and high.is_infinite:
            return IntervalPolynomial(self.count, {unit: (ONE, ONE)})
        if high.is_infinite:
            return self._number(low) + IntervalPolynomial(self.count, {square: (ONE, ONE)})
        return self._number(high) + IntervalPolynomial(self.count, {square: (-ONE, -ONE)})

    def _number(self, value: Any) -> IntervalPolynomial:
        bounds = (rational(value),) * 2 if value.is_Rational else _bounds(ball(value))
        return IntervalPolynomial.constant(self.count, *bounds)

    def __call__(self, expr: Any) -> IntervalPolynomial:
        """The enclosure of `expr`. Raises `NotCertified` where no rule gives one."""
        if expr not in self._memory:
            self._memory[expr] = self._enclose(expr)
        return self._memory[expr]

    def _enclose(self, expr: Any) -> IntervalPolynomial:
        if expr in self._variables:
            return self._variables[expr]
        if not expr.free_symbols:
            return self._number(expr)
        if isinstance(expr, sp.Add | sp.Mul):
            if isinstance(expr, sp.Add) and expr.is_polynomial(*self.domain.variables):
                expr = sp.expand(expr)
            parts = [self(part) for part in expr.args]
            total = parts[0]
            for part in parts[1:]:
                total = total + part if isinstance(expr, sp.Add) else total * part
            return total
        if isinstance(expr, sp.Pow) and expr.args[0] != sp.E:
            return self._power(*expr.args)
        if isinstance(expr, sp.log):
            return self._logarithm(expr.args[0])
        argument = expr.args[1] if isinstance(expr, sp.Pow) else expr.args[0]
        return self._function(sp.exp if isinstance(expr, sp.Pow) else expr.func, self(argument), expr)

    def _power(self, base: Any, exponent: Any) -> IntervalPolynomial:
        """gⁿ exactly; 0 < g^q ≤ g₀^q for q < 0 ≤ g₀ = inf g; 0 ≤ g^q ≤ (1 + g)^⌈q⌉ else."""
        if exponent.is_Integer and exponent >= 0:
            if base.is_polynomial(*self.domain.variables) and base.is_Add:
                return self(sp.expand(base ** int(exponent)))
            return self(base).power(int(exponent))
        low = self.infimum(base)
        if low is None or not low > 0 or not exponent.is_Rational:
            raise NotCertified(
                f"{base} could not be proved positive over the domain, where {base}**({exponent}) needs it"
            )
        if exponent < 0:
            top = _dyadic((arb(low) ** ball(exponent)).upper())
            return IntervalPolynomial.constant(self.count, ZERO, top)
        whole = -(-exponent.p // exponent.q)  # a plain integer, which sympy's ceilings are not
        return (self._number(sp.S.One) + self(base)).power(whole) * self._unit()

    def _unit(self) -> IntervalPolynomial:
        """The factor [0, 1]: 0 ≤ v ≤ p implies v ∈ [0, 1]·p."""
        return IntervalPolynomial.constant(self.count, ZERO, ONE)

    def _function(self, function: Any, inner: IntervalPolynomial, expr: Any) -> IntervalPolynomial:
        one = arb(1)
        table = {
            sp.tanh: (arb.tanh, (-one, one), True), sp.erf: (arb.erf, (-one, one), True),
            sp.erfc: (lambda x: x.erfc(), (arb(0), arb(2)), False), sp.sech: (arb.sech, (arb(0), one), False),
            sp.atan: (arb.atan, (-_half_pi(), _half_pi()), True),
            sp.sin: (arb.sin, (-one, one), False), sp.cos: (arb.cos, (-one, one), False),
        }  # fmt: skip
        if function in table:
            return IntervalPolynomial.constant(
                self.count, *_constant_range(table[function][0], *_pair(table[function], inner))
            )
        known = inner.range()
        if function is sp.exp:
            argument = expr.args[-1]
            bottom = None if known is not None else self.infimum(-argument)
            top = known[1] if known is not None else None if bottom is None else -bottom
            if top is None:
                raise NotCertified(f"{expr} grows over the domain")
            low = _dyadic(arb(known[0]).exp().lower()) if known is not None else ZERO
            return IntervalPolynomial.constant(self.count, low, _dyadic(arb(top).exp().upper()))
        if function in (sp.sinh, sp.cosh) and known is not None:
            return self(apart(expr))
        if function is sp.asinh:  # |asinh g| ≤ |g|
            return _symmetric(inner)
        raise NotCertified(f"no bound of {expr} over the domain is known")

    def _logarithm(self, argument: Any) -> IntervalPolynomial:
        """log g₀ ≤ log u ≤ log g₀ + u/g₀ − 1 for u ≥ g₀ > 0; where u grows exponentially, as 1 + e^g, by its exponents."""
        low = self.infimum(argument)
        if low is None or not low > 0:
            raise NotCertified(f"{argument} could not be proved positive over the domain, where its logarithm needs it")
        start = _bounds(arb(low).log())
        try:
            inner = self(argument)
        except NotCertified:
            return self._logarithm_of_exponentials(argument)
        rise = inner * IntervalPolynomial.constant(self.count, 1 / low, 1 / low) + self._number(sp.S.NegativeOne)
        return rise * self._unit() + IntervalPolynomial.constant(self.count, *start)

    def _logarithm_of_exponentials(self, argument: Any) -> IntervalPolynomial:
        """|log u − log Σ c| ≤ Σ |g| for u = Σ c e^g with constants c > 0."""
        terms = [exponent_and_amplitude(term) for term in terms_apart(argument)]
        if not all(c.is_number and c.is_positive for _, c in terms):
            raise NotCertified(f"no bound of log({argument}) over the domain is known")
        total = self._number(sp.log(sp.Add(*(c for _, c in terms))))
        return sum((_symmetric(self(exponent)) for exponent, _ in terms), total)

    def infimum(self, expr: Any) -> fmpq | None:
        """A proved lower bound of `expr` over the domain: sums of terms each bounded below; None where none is found."""
        total = ZERO
        for coefficient, part in split(expr):
            low = self._term_infimum(coefficient, part)
            if low is None:
                return self._enclosed_infimum(expr)
            total += low
        direct = self._enclosed_infimum(expr)
        return total if direct is None else max(total, direct)

    def _enclosed_infimum(self, expr: Any) -> fmpq | None:
        try:
            return self(expr).infimum()
        except NotCertified:
            return None

    def _term_infimum(self, coefficient: Any, part: Any) -> fmpq | None:
        direct = self._enclosed_infimum(coefficient * part)
        low = least(part) if coefficient > 0 else None
        if low is None:
            return direct
        bound = _bounds(ball(coefficient * low))[0]
        return bound if direct is None else max(direct, bound)


def _pair(entry: Any, inner: IntervalPolynomial) -> tuple[Any, IntervalPolynomial, bool]:
    return entry[1], inner, entry[2]


def _symmetric(p: IntervalPolynomial) -> IntervalPolynomial:
    """An enclosure of every g with |g| ≤ |p|: intervals [−c, c]."""
    sizes = {alpha: max(abs(a), abs(b)) for alpha, (a, b) in p.terms.items()}
    return IntervalPolynomial(p.count, {alpha: (-c, c) for alpha, c in sizes.items()})


def split(expr: Any) -> Iterator[tuple[Any, Any]]:
    """The terms (c, g), c a constant, of expr = Σ c·g, sums of multiples opened but no square."""
    for term in sp.Add.make_args(expr):
        number, rest = term.as_independent(*term.free_symbols) if term.free_symbols else (term, sp.S.One)
        if rest.is_Add:
            for c, g in split(rest):
                yield number * c, g
        elif rest.is_Mul and any(f.is_Add for f in rest.args) and rest.is_polynomial():
            for c, g in split(sp.expand(rest)):
                yield number * c, g
        else:
            yield number, rest


def is_nonnegative(expr: Any) -> bool:
    """Is the expression ≥ 0 for all real values of its symbols? Sufficient rules only."""
    return _at_least(0, least(expr))


def least(expr: Any) -> Any | None:
    """A number below all values that the expression takes for real symbols, where it is real; None where no rule has one.

    cosh ≥ 1; exponentials, sech, erfc, even powers and roots are ≥ 0; sums of positive multiples and constants have the sum of
    the bounds, products, powers and logarithms of what is known to be ≥ 0 that of theirs.
    """
    if not expr.free_symbols:
        return expr if expr.is_extended_real else None
    if isinstance(expr, sp.cosh):
        return sp.S.One
    if isinstance(expr, sp.exp | sp.sech | sp.erfc):
        return sp.S.Zero
    if isinstance(expr, sp.Add):
        terms = [(c, g, least(g)) for c, g in split(expr)]
        if all(low is not None and (g == 1 or bool(c > 0)) for c, g, low in terms):
            return sum((c * low for c, _, low in terms), sp.S.Zero)
    if isinstance(expr, sp.Mul):
        lows = [least(factor) for factor in expr.args]
        if all(_at_least(0, low) for low in lows):
            return sp.Mul(*lows)
    if isinstance(expr, sp.log):
        low = least(expr.args[0])
        if _at_least(1, low):
            return sp.log(low)
    if isinstance(expr, sp.Pow):
        base, exponent = expr.args
        low = least(base)
        if exponent.is_number and exponent.is_positive and _at_least(0, low):
            return low**exponent
        if not exponent.is_Integer or exponent % 2 == 0 or _at_least(0, low):
            return sp.S.Zero
    return None


def _at_least(number: int, low: Any | None) -> bool:
    return low is not None and bool(low >= number)

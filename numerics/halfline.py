"""Proved bounds of analytic expressions on a half line, and of the tails of Gibbs integrals.

Idea
----
On the half line x = R + σs, s ≥ 0, σ = ±1, an expression g is enclosed by a polynomial in s with *interval
coefficients*:

    g(R + σs) ∈ p₀ + p₁ s + … + p_n sⁿ   for every s ≥ 0.

Polynomials are enclosed exactly (Taylor shift). Bounded functions (sin, cos, tanh, atan, erf, …) become constant
intervals, a decaying exponential becomes [0, e^{sup}], roots and logarithms of positive polynomials are enclosed by
convexity, and sums and products are those of interval polynomials.

**Tail.** If V ≥ v₀ + v₁ s with v₁ > 0 and |f| ≤ Σ F_k s^k on the half line, then

    ∫ |f| e^{−V} ds ≤ e^{−v₀} Σ_k F_k k! / v₁^{k+1}.

A *minorant* of V is enough, so terms c·e^{g} with c > 0 may grow: e^g ≥ 1 + g + g²/2 + g³/6 for every real g.

Reading order: `enclose` (and its rules), `minorant`, `tail`.
"""

import math
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import arb, arb_poly

from numerics.analytic import coefficients, exponent_and_amplitude, is_over_cosh, terms_apart
from numerics.errors import NotCertified
from numerics.precision import ball


class NotFromHere(NotCertified):
    """A rule needs a sign that is not proved on the half line; it may hold on one that starts farther out."""


def _interval(low: arb, high: arb) -> arb:
    return low.lower().union(high.upper())


def _supremum(p: arb_poly) -> arb | None:
    """sup over s ≥ 0 when no coefficient of positive degree can be positive, else None (unbounded or unknown)."""
    return p[0].upper() if all(p[k] <= 0 for k in range(1, p.length())) else None


def _infimum(p: arb_poly) -> arb | None:
    return p[0].lower() if all(p[k] >= 0 for k in range(1, p.length())) else None


def _monotone(function: Any, p: arb_poly, low: arb, high: arb) -> arb_poly:
    """An increasing function with the range (low, high)."""
    inf, sup = _infimum(p), _supremum(p)
    return arb_poly([_interval(low if inf is None else function(inf), high if sup is None else function(sup))])


def _periodic(function: Any, p: arb_poly) -> arb_poly:
    return arb_poly([function(p[0]) if p.length() <= 1 else _interval(arb(-1), arb(1))])


def _exp(p: arb_poly) -> arb_poly:
    sup = _supremum(p)
    if sup is None:
        raise NotCertified("an exponential grows on the tail")
    return arb_poly([p[0].exp() if p.length() <= 1 else _interval(arb(0), sup.exp())])


def _sech(p: arb_poly) -> arb_poly:
    return arb_poly([p[0].sech() if p.length() <= 1 else _interval(arb(0), arb(1))])


def _asinh(p: arb_poly) -> arb_poly:
    """asinh u lies between 0 and u."""
    return arb_poly([p[0].asinh()]) if p.length() <= 1 else p * _interval(arb(0), arb(1))


RULES: dict[Any, Any] = {
    sp.exp: _exp,
    sp.sin: lambda p: _periodic(arb.sin, p),
    sp.cos: lambda p: _periodic(arb.cos, p),
    sp.sech: _sech,
    sp.tanh: lambda p: _monotone(arb.tanh, p, arb(-1), arb(1)),
    sp.erf: lambda p: _monotone(arb.erf, p, arb(-1), arb(1)),
    sp.erfc: lambda p: 1 - _monotone(arb.erf, p, arb(-1), arb(1)),
    sp.atan: lambda p: _monotone(arb.atan, p, -arb.pi() / 2, arb.pi() / 2),
    sp.asinh: _asinh,
}


def enclose(expr: sp.Basic, variable: sp.Symbol, start: arb, sign: int) -> arb_poly:
    """The interval polynomial p with expr(start + sign·s) ∈ p(s) for every s ≥ 0.

    Raises `NotCertified` where no rule gives one (for instance a growing exponential).
    """
    if not expr.has(variable):
        return arb_poly([ball(expr)])
    if expr.is_polynomial(variable):
        return arb_poly([ball(c) for c in coefficients(expr, variable)])(arb_poly([start, sign]))
    if isinstance(expr, sp.Add | sp.Mul):
        parts = [enclose(part, variable, start, sign) for part in expr.args]
        return sum(parts, arb_poly([0])) if isinstance(expr, sp.Add) else math.prod(parts, start=arb_poly([1]))
    if isinstance(expr, sp.Pow) and expr.args[0] != sp.E:
        return _power(sp.Pow(*expr.args, evaluate=False), variable, start, sign)
    if isinstance(expr, sp.log):
        return _logarithm(expr.args[0], variable, start, sign)
    if expr.func not in RULES:
        raise NotCertified(f"no bound of {expr} on a half line is known")
    return RULES[expr.func](enclose(expr.args[0], variable, start, sign))


def _power(expr: sp.Pow, variable: sp.Symbol, start: arb, sign: int) -> arb_poly:
    """g^q: exact for q = 0, 1, 2, …; 0 ≤ g^q ≤ (inf g)^q for q < 0, inf cosh = 1; (a+bs)^{nq} ≤ g^q ≤ (1+g)^⌈q⌉ else."""
    base, exponent = expr.args
    if is_over_cosh(expr):
        return arb_poly([_interval(arb(0), arb(1))])
    inner = enclose(base, variable, start, sign)
    if isinstance(exponent, sp.Integer) and exponent >= 0:
        return inner ** int(exponent)
    negative = _infimum(-inner)
    if isinstance(exponent, sp.Integer) and negative is not None and negative > 0:
        flipped = _power(sp.Pow(-base, exponent, evaluate=False), variable, start, sign)
        return flipped if exponent % 2 == 0 else -flipped
    inner, q = _positive(expr, variable, start, sign), ball(exponent)
    low = inner[0].lower()
    if inner.length() <= 1:
        return arb_poly([inner[0] ** q])
    if exponent < 0:
        return arb_poly([_interval(arb(0), low**q)])
    above, below = (1 + inner) ** math.ceil(exponent), _root_below(inner, exponent)
    return arb_poly([_interval(below[k], above[k]) for k in range(max(below.length(), above.length()))])


def _positive(power: sp.Pow, variable: sp.Symbol, start: arb, sign: int) -> arb_poly:
    """The enclosure of the base of a power, proved to increase from a positive number."""
    inner = enclose(power.base, variable, start, sign)
    low = _infimum(inner)
    if low is None or not low > 0 or not power.exp.is_Rational:
        raise NotFromHere(f"{power.base} could not be proved positive on a tail, where {power} needs it")
    return inner


def _root_below(inner: arb_poly, exponent: sp.Basic) -> arb_poly:
    """A minorant of p^q, q > 0, for p of degree n with coefficients ≥ 0 and p₀ > 0.

    p(s) ≥ (a + bs)^n with a = p₀^{1/n} and b the largest that every coefficient allows; so p^q ≥ (a + bs)^{nq}, and the
    fractional part r of nq is dropped by (a + bs)^r ≥ a^r.
    """
    n = inner.length() - 1
    a = (inner[0].lower() ** (arb(1) / n)).lower()
    ratios = [inner[k].lower() / (math.comb(n, k) * a ** (n - k)) for k in range(1, n + 1)]
    b = min((max(arb(0), ratio.lower()) ** (arb(1) / k)).lower() for k, ratio in enumerate(ratios, 1))
    whole = math.floor(n * exponent)
    fraction = (a ** ball(n * exponent - whole)).lower()
    return arb_poly([a, max(arb(0), b)]) ** whole * fraction


def _logarithm(argument: sp.Basic, variable: sp.Symbol, start: arb, sign: int) -> arb_poly:
    """log u with u ≥ u₀ > 0: log u₀ ≤ log u ≤ log u₀ + u/u₀ − 1; a growing exponential is taken out of u first."""
    terms = terms_apart(argument)
    for term in terms:
        exponent, amplitude = exponent_and_amplitude(term)
        if not amplitude.has(variable) and amplitude.is_positive and exponent.has(variable):
            growth = enclose(-exponent, variable, start, sign)
            if _infimum(growth) is not None and growth.length() > 1:
                rest = sp.expand(sum(sp.powsimp(other * sp.exp(exponent)) for other in terms))
                return growth + _logarithm(rest, variable, start, sign)
    inner = enclose(sp.Add(*terms), variable, start, sign)
    low = _infimum(inner)
    if low is None or not low > 0:
        raise NotFromHere(f"{argument} could not be proved positive on a tail, where its logarithm needs it")
    if inner.length() <= 1:
        return arb_poly([inner[0].log()])
    above = low.log() + inner * (1 / low) - 1
    return arb_poly([_interval(low.log() if k == 0 else arb(0), above[k]) for k in range(above.length())])


def minorant(expr: sp.Basic, variable: sp.Symbol, start: arb, sign: int) -> arb_poly:
    """An interval polynomial p whose lower end bounds expr(start + sign·s) from below for every s ≥ 0.

    Like `enclose`, but terms c·exp(g), c > 0, may grow: e^g ≥ 1 + g + g²/2 + g³/6 (the remainder e^ξ g⁴/24 ≥ 0), and of
    c·g^q, c > 0, only the lower bound is used.
    """
    total = arb_poly([0])
    for term, factor, power in _terms(expr, variable):
        if isinstance(power, sp.Pow) and power.exp.is_Rational and not power.exp.is_Integer and factor.is_positive:
            inner = _positive(power, variable, start, sign)
            if inner.length() > 1 and power.exp > 0:
                total += ball(factor) * _root_below(inner, power.exp)
                continue
        total += _term_below(term, variable, start, sign)
    return total


@lru_cache(maxsize=1024)
def _terms(expr: sp.Basic, variable: sp.Symbol) -> tuple[tuple[sp.Basic, sp.Basic, sp.Basic], ...]:
    """The terms of the expanded sum, each with its constant factor and the rest.

    cosh and sinh grow through one of their two exponentials; apart, each of these has a bound.
    """
    return tuple((term, *term.as_independent(variable)) for term in terms_apart(expr))


def _term_below(term: sp.Basic, variable: sp.Symbol, start: arb, sign: int) -> arb_poly:
    try:
        return enclose(term, variable, start, sign)
    except NotCertified:
        exponent, amplitude = exponent_and_amplitude(term)
        if amplitude.has(variable) or not amplitude.is_positive:
            raise
        g = enclose(-exponent, variable, start, sign)
        return ball(amplitude) * (1 + g + g**2 * (arb(1) / 2) + g**3 * (arb(1) / 6))


def tail(
    potential: sp.Basic, amplitude: sp.Basic, variable: sp.Symbol, start: arb, sign: int
) -> tuple[arb, arb] | None:
    """(v₀, B) with ∫ |amplitude| e^{−potential} over the half line from `start` ≤ e^{−v₀} B; None if not proved there.

    None asks for a `start` farther out, as `NotFromHere` does. Raises `NotCertified` where no rule applies at any start.
    """
    v = minorant(potential, variable, start, sign)
    slopes = [v[k].lower() for k in range(1, v.length())]
    if not slopes or not slopes[0] > 0 or any(not slope >= 0 for slope in slopes):
        return None
    f = enclose(amplitude, variable, start, sign)
    bound = sum((abs(f[k]).upper() * arb(k).fac() / slopes[0] ** (k + 1) for k in range(f.length())), arb(0))
    return v[0].lower(), bound.upper()

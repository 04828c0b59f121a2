"""Laurent series in ε with exact coefficients: the few that zeta functions are made of.

A `Laurent` is ε^{−order} Σ_j coefficients[j] ε^j, cut after a given number of coefficients. The building blocks are

    1/(α + κε),      c^{a+bε} = c^a Σ_j (b log c)^j ε^j/j!,      Γ(a + bε) = Γ(a) exp Σ_{n≥1} ψ^{(n−1)}(a) (bε)^n/n!,

and at a pole of Γ, with δ = bε and N = −a,   Γ(−N + δ) = Γ(1+δ)/(δ (δ−1) … (δ−N)).

Γ and ψ at rational arguments are brought to arguments in (0, 1] by their recurrences, and ψ there is written with γ, π and
logarithms (Gauss), so that equal constants look equal. Nothing here is simplified by trial.

Reading order: `Laurent`, `multiply`, `reciprocal`, `power`, `gamma`, `polygamma`, `gamma_value`.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import sympy as sp


class Laurent(NamedTuple):
    """ε^{−order} Σ_j coefficients[j] ε^j + …"""

    order: int
    coefficients: tuple[sp.Expr, ...]


def tidy(value: sp.Expr) -> sp.Expr:
    """Products multiplied out; nothing else."""
    return sp.expand(value, power_base=False, power_exp=False, log=False)


def cauchy(f: Sequence[sp.Expr], g: Sequence[sp.Expr], terms: int) -> tuple[sp.Expr, ...]:
    """The first coefficients of the product of two power series."""

    def coefficient(k: int) -> sp.Expr:
        pairs = ((f[i], g[k - i]) for i in range(k + 1) if i < len(f) and k - i < len(g))
        return tidy(sp.Add(*(a * b for a, b in pairs if a != 0 and b != 0)))

    return tuple(coefficient(k) for k in range(terms))


def multiply(factors: Iterable[Laurent], terms: int) -> Laurent:
    """The product, with this many coefficients; every factor must hold as many."""
    order, series = 0, (sp.S.One,)
    for factor in factors:
        order, series = order + factor.order, cauchy(series, factor.coefficients, terms)
    return Laurent(order, (series + (sp.S.Zero,) * terms)[:terms])


def add(summands: Sequence[Laurent], terms: int) -> Laurent:
    """The sum, with `terms` coefficients from the highest pole on."""
    order = max((f.order for f in summands), default=0)
    total = [sp.S.Zero] * terms
    for f in summands:
        for j, c in enumerate(f.coefficients[: max(0, terms - (order - f.order))]):
            total[j + order - f.order] += c
    return Laurent(order, tuple(tidy(c) for c in total))


def reciprocal(alpha: sp.Expr, kappa: sp.Expr, terms: int) -> Laurent:
    """1/(α + κε)."""
    if alpha == 0:
        return Laurent(1, (1 / sp.sympify(kappa), *[sp.S.Zero] * (terms - 1)))
    return Laurent(0, tuple((-kappa) ** j / sp.sympify(alpha) ** (j + 1) for j in range(terms)))


def power(c: sp.Expr, a: sp.Expr, b: sp.Expr, terms: int) -> Laurent:
    """c^{a + bε} for c > 0."""
    c = sp.sympify(c)
    log = sp.expand_log(sp.log(c))
    return Laurent(0, tuple(tidy(c**a * (b * log) ** j / sp.factorial(j)) for j in range(terms)))


def gamma(a: sp.Rational, b: sp.Rational, terms: int) -> Laurent:
    """Γ(a + bε), b ≠ 0 where a is a pole."""
    a = sp.Rational(a)
    if a.is_integer and a <= 0:
        n = int(-a)
        parts = [gamma(sp.S.One, b, terms), *(reciprocal(sp.Integer(-j), b, terms) for j in range(n + 1))]
        return multiply(parts, terms)
    exponent = [polygamma(n - 1, a) * b**n / sp.factorial(n) for n in range(1, terms)]
    series = [sp.S.One]  # j E_j = Σ_i i V_i E_{j−i}
    for j in range(1, terms):
        series.append(tidy(sp.Add(*(i * exponent[i - 1] * series[j - i] for i in range(1, j + 1))) / j))
    front = gamma_value(a)
    return Laurent(0, tuple(tidy(front * c) for c in series))


@cache
def gamma_value(a: sp.Rational) -> sp.Expr:
    """Γ(a), by Γ(a+1) = aΓ(a) from an argument in (0, 1]; a not 0, −1, −2, …"""
    base, steps = _fraction(a)
    up, down = (sp.Mul(*(base + k for k in passed)) for passed in (range(steps), range(steps, 0)))
    return sp.gamma(base) * up / down


@cache
def polygamma(n: int, a: sp.Rational) -> sp.Expr:
    """ψ^{(n)}(a), by ψ^{(n)}(a+1) = ψ^{(n)}(a) + (−1)^n n!/a^{n+1} from an argument in (0, 1]."""
    base, steps = _fraction(a)
    up, down = (sp.Add(*((base + k) ** (-n - 1) for k in passed)) for passed in (range(steps), range(steps, 0)))
    start = sp.expand_log(sp.expand_func(sp.polygamma(n, base))) if n == 0 else sp.polygamma(n, base)
    return sp.expand(start + (-1) ** n * sp.factorial(n) * (up - down))


def _fraction(a: sp.Rational) -> tuple[sp.Rational, int]:
    """a = base + steps with base in (0, 1]."""
    steps = int(sp.ceiling(a)) - 1
    return a - steps, steps

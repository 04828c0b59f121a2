"""Normal crossings: zeta poles, and partition functions with powers of log t.

For K = c Π x_i^{2k_i} (a normal crossing, c > 0) and an observable g = Π x_i^{τ_i},

    ζ_g(z) = ∫ K^z g φ dw          is a product over coordinates, meromorphic with poles on the negative axis (eq 24),
    Z_g(t) = ∫ e^{−tK} g φ dw ~ Σ_{s} t^{−s} P_s(log t),      P_s(L) = [ε^{−1}] Γ(s−ε) ζ_g(−s+ε) e^{εL},

by Mellin inversion; s runs over the poles of ζ_g(−s). The smallest is the real log canonical threshold λ and its order the
multiplicity m. Since t⟨K⟩ = −d log Z/d log t,

    t⟨K⟩ = λ − P_λ'(L)/P_λ(L) + (powers of 1/t) = λ − (m−1)/log t + …                                            (eq 23).

Domains (one factor each): "gaussian" R with N(0, 1); "symmetric" [−1, 1]; "box" [0, 1] (both with Lebesgue measure).
On boxes the sum is finite and misses only e^{−t}; with the Gaussian prior the series converges when Σ k_i > 1.

Where it ends: K must be a monomial with even exponents and the observable a monomial. Other K need a resolution first.

Reading order: `partition` (public), `Asymptotics`, `poles`, `_factor` (one coordinate).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import exact

EPS = sp.Symbol("epsilon")
LOG = sp.Symbol("L", real=True)
DOMAINS = ("box", "symmetric", "gaussian")
Coordinate = tuple[sp.Rational, int]  # (k_i, τ_i)


@dataclass(frozen=True)
class Term:
    """One pole: t^{−power} · polynomial(L), L = log t."""

    power: sp.Rational
    polynomial: sp.Expr

    @property
    def multiplicity(self) -> int:
        return int(sp.degree(self.polynomial, LOG)) + 1 if self.polynomial.has(LOG) else 1


@dataclass(frozen=True)
class Asymptotics:
    """Z(t) as Σ t^{−s} P_s(log t) over the poles computed, in increasing s."""

    terms: tuple[Term, ...]

    @property
    def threshold(self) -> sp.Rational:
        """λ: the largest pole of ζ is at −λ."""
        return self.terms[0].power

    @property
    def multiplicity(self) -> int:
        """m: the order of that pole."""
        return self.terms[0].multiplicity

    @property
    def leading(self) -> tuple[sp.Expr, sp.Rational, int]:
        """(C, λ, m − 1) with Z ~ C t^{−λ} (log t)^{m−1}."""
        term = self.terms[0]
        return sp.Poly(term.polynomial, LOG).LC(), term.power, term.multiplicity - 1

    def series(self, t: sp.Expr) -> sp.Expr:
        """The truncated series at t, exact."""
        return sp.Add(*(t ** (-term.power) * term.polynomial.subs(LOG, sp.log(t)) for term in self.terms))

    def mean_potential(self, t: sp.Expr) -> sp.Expr:
        """t⟨K⟩ = −d log Z/d log t from the truncated series, exact; never expanded in 1/log t."""

        def slope(term: Term) -> sp.Expr:
            polynomial = term.power * term.polynomial - sp.diff(term.polynomial, LOG)
            return t ** (-term.power) * polynomial.subs(LOG, sp.log(t))

        return sp.Add(*map(slope, self.terms)) / self.series(t)

    def leading_mean_potential(self) -> sp.Expr:
        """λ − P'(L)/P(L): t⟨K⟩ up to powers of 1/t, a rational function of L = log t."""
        term = self.terms[0]
        return sp.together(term.power - sp.diff(term.polynomial, LOG) / term.polynomial)


def partition(
    K: sp.Expr, variables: Sequence[sp.Symbol], *, domain: str = "box", observable: Any = 1, poles_up_to: Any = None
) -> Asymptotics:
    """Z_g(t) = ∫ e^{−tK} g φ dw for a normal crossing K and a monomial g, with all poles s ≤ `poles_up_to`.

    `poles_up_to` defaults to λ + 2. Raises `BadInput` when K is not c·Πx_i^{2k_i}, g is not a monomial or is odd where that
    makes the integral vanish, or the domain is unknown.
    """
    if domain not in DOMAINS:
        raise BadInput(f"domain {domain!r} is not one of {', '.join(DOMAINS)}")
    scale, exponents = _monomial(K, variables, "K")
    if any(k % 2 for k in exponents) or not scale.is_positive or not any(exponents):
        raise BadInput(f"{K} is not a normal crossing c·Π x_i^(2k_i) with c > 0; resolve its singularity first")
    factor, powers = _monomial(observable, variables, "the observable")
    if domain != "box" and any(p % 2 for p in powers):
        raise BadInput(f"the integral of the odd observable {observable} over the {domain} domain is identically 0")
    coordinates = [(sp.Rational(k, 2), powers[i]) for i, k in enumerate(exponents)]
    largest = [sp.Rational(p + 1) / (2 * k) for k, p in coordinates if k]
    limit = sp.Rational(poles_up_to) if poles_up_to is not None else min(largest) + 2
    found = poles(coordinates, domain, limit)
    if not found:
        raise BadInput(f"no pole of ζ(−s) lies at or below s = {limit}; raise poles_up_to")
    return Asymptotics(tuple(Term(s, sp.expand(factor * _contribution(s, coordinates, domain, scale))) for s in found))


def poles(coordinates: Sequence[Coordinate], domain: str, limit: sp.Rational) -> list[sp.Rational]:
    """The poles s ≤ limit of ζ(−s), sorted: (τ_i+1)/(2k_i), and with the Gaussian prior (τ_i+1+2n)/(2k_i)."""
    found = set()
    for k, p in coordinates:
        ladder = count(p + 1, 2) if domain == "gaussian" else [p + 1]
        if k:
            found.update(takewhile(lambda s: s <= limit, (sp.Rational(n) / (2 * k) for n in ladder)))
    return sorted(found)


def _contribution(s: sp.Rational, coordinates: Sequence[Coordinate], domain: str, scale: sp.Expr) -> sp.Expr:
    """[ε^{−1}] Γ(s−ε) ζ(−s+ε) e^{εL}: the coefficient of t^{−s}, a polynomial in L."""
    factors = [_factor(s, k, p, domain) for k, p in coordinates]
    order = sum(valuation for valuation, _ in factors)
    regular = sp.gamma(s - EPS) * scale ** (EPS - s) * sp.exp(EPS * LOG) * sp.Mul(*(f for _, f in factors))
    coefficient = sp.diff(regular, EPS, order - 1).subs(EPS, 0) / sp.factorial(order - 1)
    return sp.expand(sp.expand_func(sp.simplify(coefficient)))


def _factor(s: sp.Rational, k: sp.Rational, power: int, domain: str) -> tuple[int, sp.Expr]:
    """∫ |x|^{2kz+τ} over one coordinate at z = −s+ε as (order of the pole, that power of ε times the factor)."""
    if domain == "gaussian":
        # E|x|^{2kz+τ} = 2^{kz+τ/2} Γ(kz + (τ+1)/2)/√π; near a pole of Γ, Γ(−n+δ) = Γ(1+δ)/(δ (δ−1) … (δ−n)).
        argument, delta = -k * s + sp.Rational(power + 1, 2), k * EPS
        outside = 2 ** (-k * s + delta + sp.Rational(power, 2)) / sp.sqrt(sp.pi)
        if argument.is_integer and argument <= 0:
            n = int(-argument)
            return 1, outside * sp.gamma(1 + delta) / (k * sp.Mul(*(delta - j for j in range(1, n + 1))))
        return 0, outside * sp.gamma(argument + delta)
    alpha = sp.Integer(power + 1) - 2 * k * s
    sides = sp.Integer(2 if domain == "symmetric" else 1)
    if alpha == 0:
        return 1, sides / (2 * k)
    return 0, sides / (alpha + 2 * k * EPS)


def _monomial(f: Any, variables: Sequence[sp.Symbol], name: str) -> tuple[sp.Expr, tuple[int, ...]]:
    f = exact(f)
    if not f.is_polynomial(*variables) or len(sp.Poly(f, *variables).terms()) != 1:
        raise BadInput(
            f"{name} = {f} is not a monomial in {', '.join(map(str, variables))}; resolve its singularity first"
        )
    ((powers, coefficient),) = sp.Poly(f, *variables).terms()
    return coefficient, powers

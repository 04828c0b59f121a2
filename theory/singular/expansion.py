"""Expansions in powers of t and of log t: Σ t^{−s} P_s(log t), exactly, with where they stop.

`Asymptotics` holds the terms with s ≤ limit; what it leaves out is o(t^{−limit}), or O(e^{−ct}) where limit is ∞. Sums and
products keep track of the limit. Ratios are never expanded in 1/log t: they stay ratios of polynomials.

Notation: L = log t; P_s(L) = Σ_j coefficients[j] L^j; λ the smallest s, m − 1 the degree of P_λ.

Reading order: `Term`, `Asymptotics`, `Leading`, `Ratio`, `of_charts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sympy as sp

from theory.errors import BadInput
from theory.zeta import continuation as zeta
from theory.zeta.balls import is_zero
from theory.zeta.chart import Chart
from theory.zeta.finite_part import FinitePart
from theory.zeta.series import cauchy, gamma, tidy

LOG = sp.Symbol("L", real=True)


class Leading(NamedTuple):
    """C t^{−power} (log t)^{log_power}: exact. C = 0 (then power is ∞) when all powers of 1/t vanish."""

    coefficient: sp.Expr
    power: sp.Expr
    log_power: int

    def at(self, t: Any) -> sp.Expr:
        """The leading term as an expression in t."""
        return (
            self.coefficient * t ** (-self.power) * sp.log(t) ** self.log_power if self.coefficient != 0 else sp.S.Zero
        )


class Term(NamedTuple):
    """t^{−power} Σ_j coefficients[j] L^j."""

    power: sp.Rational
    coefficients: tuple[sp.Expr, ...]

    @property
    def polynomial(self) -> sp.Expr:
        return sp.Add(*(c * LOG**j for j, c in enumerate(self.coefficients)))

    @property
    def multiplicity(self) -> int:
        """1 + the degree in L."""
        return len(self.coefficients)

    def slope(self) -> "Term":
        """−d/dL of the term: t^{−s} (s P − P')."""
        shifted = [*(j * c for j, c in enumerate(self.coefficients) if j), sp.S.Zero]
        return Term(
            self.power, tuple(tidy(self.power * c - d) for c, d in zip(self.coefficients, shifted, strict=True))
        )


@dataclass(frozen=True)
class Asymptotics:
    """Σ t^{−s} P_s(log t) over all s ≤ limit, in increasing s; ∞ for `limit` when only O(e^{−ct}) is missing."""

    terms: tuple[Term, ...]
    limit: sp.Expr = sp.oo

    @property
    def threshold(self) -> sp.Rational:
        """λ: the largest pole of ζ is at −λ."""
        return self._first().power

    @property
    def multiplicity(self) -> int:
        """m: the order of that pole."""
        return self._first().multiplicity

    @property
    def leading(self) -> Leading:
        """(C, λ, m − 1) with Z ~ C t^{−λ} (log t)^{m−1}."""
        if not self.terms and self.limit == sp.oo:
            return Leading(sp.S.Zero, sp.oo, 0)
        term = self._first()
        return Leading(term.coefficients[-1], term.power, term.multiplicity - 1)

    def _first(self) -> Term:
        found = self.first()
        if found is None:
            raise BadInput(f"no pole of ζ(−s) lies at or below s = {self.limit}; raise poles_up_to")
        return found

    def first(self) -> Term | None:
        """The first term, its top coefficient proved not to be 0; None if all are 0."""
        for term in self.terms:
            coefficients = term.coefficients
            while coefficients and is_zero(coefficients[-1]):
                coefficients = coefficients[:-1]
            if coefficients:
                return Term(term.power, coefficients)
        return None

    def series(self, t: sp.Expr) -> sp.Expr:
        """The truncated series at t, exact."""
        return sp.Add(*(t ** (-term.power) * term.polynomial.subs(LOG, sp.log(t)) for term in self.terms))

    def slope(self) -> "Asymptotics":
        """−t d/dt, term by term."""
        return collect([term.slope() for term in self.terms], self.limit)

    def mean_potential(self, t: sp.Expr) -> sp.Expr:
        """t⟨K⟩ = −d log Z/d log t (2.3) from the truncated series, exact; never expanded in 1/log t."""
        return self.slope().series(t) / self.series(t)

    def leading_mean_potential(self) -> sp.Expr:
        """λ − P'(L)/P(L): t⟨K⟩ up to powers of 1/t, a rational function of L = log t."""
        term = self._first()
        return sp.together(term.power - sp.diff(term.polynomial, LOG) / term.polynomial)

    def free_energy(self, n: sp.Expr) -> sp.Expr:
        """−log of the leading term at t = n: λ log n − (m−1) log log n − log C, the F_n of a realizable model less nL_n(w*)."""
        c, power, logs = self.leading
        return power * sp.log(n) - logs * sp.log(sp.log(n)) - sp.log(c)

    def tex(self) -> str:
        """The series in TeX, L for log t."""
        parts = []
        for term in self.terms:
            body = sp.latex(sp.collect(term.polynomial, LOG))
            parts.append(rf"t^{{-{sp.latex(term.power)}}}\left({body}\right)" if term.power else body)
        return " + ".join(parts) or "0"

    def __add__(self, other: "Asymptotics") -> "Asymptotics":
        limit = sp.Min(self.limit, other.limit)
        return collect([f for f in (*self.terms, *other.terms) if f.power <= limit], limit)

    def __mul__(self, other: "Asymptotics") -> "Asymptotics":
        if ONE in (self, other):
            return other if self == ONE else self
        limit = sp.Min(self.limit + other._start(), other.limit + self._start())
        products = []
        for f in self.terms:
            for g in other.terms:
                if f.power + g.power <= limit:
                    size = f.multiplicity + g.multiplicity - 1
                    products.append(Term(f.power + g.power, cauchy(f.coefficients, g.coefficients, size)))
        return collect(products, limit)

    def _start(self) -> sp.Expr:
        return self.terms[0].power if self.terms else self.limit

    def scaled(self, c: sp.Expr, shift: sp.Expr = sp.S.Zero) -> "Asymptotics":
        """c t^{−shift} times this."""
        if c == 1 and shift == 0:
            return self
        terms = [Term(f.power + shift, tuple(_times(c, a) for a in f.coefficients)) for f in self.terms]
        return Asymptotics(tuple(terms), self.limit + shift)


@dataclass(frozen=True)
class Ratio:
    """numerator/base^n, exact: what is said of it is never expanded in 1/log t."""

    numerator: Asymptotics
    base: Asymptotics
    n: int

    @property
    def leading(self) -> Leading:
        """(C, a, b) with C t^{−a} (log t)^b; C = 0 where the numerator is 0 to all orders."""
        if not self.numerator.terms and self.numerator.limit == sp.oo:
            return Leading(sp.S.Zero, sp.oo, 0)
        top, below = self.numerator.leading, self.base.leading
        c = quotient(top.coefficient, below.coefficient**self.n)
        return Leading(c, top.power - self.n * below.power, top.log_power - self.n * below.log_power)

    def leading_ratio(self) -> tuple[sp.Expr, sp.Expr]:
        """(R(L), a): t^{−a} R(L) up to powers of 1/t, R = P_N/P^n a rational function of L = log t."""
        top, below = self.numerator.first(), self.base.first()
        if top is None or below is None:
            return sp.S.Zero, sp.oo
        return sp.cancel(top.polynomial / below.polynomial**self.n), top.power - self.n * below.power

    def series(self, t: sp.Expr) -> sp.Expr:
        """The ratio of the truncated expansions at t, exact."""
        return self.numerator.series(t) / self.base.series(t) ** self.n

    def expanded(self) -> Asymptotics:
        """As one expansion in powers of t, where the base begins without a logarithm (m = 1). Raises `BadInput` otherwise."""
        c, power, logs = self.base.leading
        if logs:
            raise BadInput(
                "a ratio whose denominator begins with log t has no expansion in powers of t; use leading_ratio()"
            )
        rest = Asymptotics(self.base.terms[1:], self.base.limit).scaled(-1 / c, -power)
        inverse, factor = ONE, ONE
        while factor.terms and rest.terms and factor.terms[0].power + rest.terms[0].power <= rest.limit:
            factor = factor * rest
            inverse = inverse + factor
        total = self.numerator
        for _ in range(self.n):
            total = total * Asymptotics(inverse.terms, rest.limit)
        return total.scaled(1 / c**self.n, -self.n * power)


def quotient(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """a/b with Γ functions cancelled; finite parts are left as they stand."""
    if a.has(FinitePart) or b.has(FinitePart):
        return a / b
    return sp.radsimp(sp.gammasimp(a / b)) if (a / b).has(sp.gamma) else sp.radsimp(sp.cancel(a / b))


def _times(c: sp.Expr, a: sp.Expr) -> sp.Expr:
    return sp.Add(*(c * term for term in sp.Add.make_args(a))) if c.is_Rational else tidy(c * a)


ONE = Asymptotics((Term(sp.S.Zero, (sp.S.One,)),))
NOTHING = Asymptotics(())


def collect(terms: Sequence[Term], limit: sp.Expr) -> Asymptotics:
    """Terms of equal power added, in increasing power; coefficients, multiplied out already, that are 0 are taken out."""
    table: dict[sp.Rational, list[sp.Expr]] = {}
    for power, coefficients in terms:
        row = table.setdefault(power, [])
        row += [sp.S.Zero] * (len(coefficients) - len(row))
        for j, c in enumerate(coefficients):
            row[j] += c
    found = []
    for power in sorted(table):
        row = table[power]
        while row and _vanishes(row[-1]):
            row.pop()
        if row:
            found.append(Term(power, tuple(row)))
    return Asymptotics(tuple(found), limit)


def _vanishes(c: sp.Expr) -> bool:
    """Only sums can be 0 without looking it; those with finite parts are looked at when they lead (`Asymptotics.leading`)."""
    return c == 0 if not c.is_Add or c.has(FinitePart) else is_zero(c)


def of_charts(charts: Sequence[Chart], limit: sp.Expr) -> Asymptotics:
    """∫ e^{−tK} φ over the charts: all poles s ≤ limit; all there are, and limit ∞, when they are finitely many.

    At a pole, ζ(−s+ε) = Σ_j A_j ε^{j−M} and Γ(s−ε) = Σ_i γ_i ε^i give t^{−s} Σ_j G_j L^{M−1−j}/(M−1−j)!, G = γA      (1.2).
    """
    if not any(any(c.orders) for c in charts):  # K = 0: Z does not depend on t
        return collect([Term(sp.S.Zero, (zeta.laurent(charts, sp.S.Zero, 1).coefficients[-1],))], sp.oo)
    if zeta.finite(charts):
        highest = max((s for c in charts for s in _all_poles(c)), default=sp.S.Zero)
        return collect([_term(charts, s) for s in zeta.candidates(charts, highest)], sp.oo)
    return collect([_term(charts, s) for s in zeta.candidates(charts, limit)], limit)


def _all_poles(c: Chart) -> list[sp.Rational]:
    found = []
    for i, (v, k, h) in enumerate(zip(c.variables, c.orders, c.jacobian, strict=True)):
        degree = sp.Poly(c.density, v).degree() if c.density.has(v) else 0
        if k and not c.gaussian[i]:
            found.append((h + 1 + degree) / k)
    return found


def _term(charts: Sequence[Chart], s: sp.Rational) -> Term:
    order, coefficients = zeta.laurent(charts, s)
    if not order:
        return Term(s, ())
    series = cauchy(gamma(s, sp.Integer(-1), order).coefficients, coefficients, order)
    return Term(s, tuple(tidy(series[order - 1 - j] / sp.factorial(j)) for j in range(order)))

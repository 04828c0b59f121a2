"""Expectations, covariances and joint cumulants under e^{−tK} φ for singular K: ratios of expansions with logarithms.

With Z[g] = ∫ e^{−tK} g φ and n observables,

    κ(g_1, …, g_n) = N/Z^n,    N = Σ_π (−1)^{|π|−1} (|π|−1)! Z^{n−|π|} Π_{B∈π} Z[Π_{i∈B} g_i],

so ⟨g⟩ = Z[g]/Z and Cov(f, g) = (Z[fg] Z − Z[f] Z[g])/Z². N and Z are expansions Σ t^{−s} P_s(log t), multiplied exactly; which of
the two terms of a covariance wins, and with which sign, is read off N, ties included. The ratio is never expanded in 1/log t: its
first factor P_N(L)/P(L)^n is `.leading_ratio()`, its limit form C t^{−a} (log t)^b is `.leading`.

Reading order: `Cumulant`, `partition`, `expectation`, `covariance`, `cumulant`, `potential`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import sympy as sp
from flint import arb

from theory.errors import BadInput
from theory.jets import exact
from theory.laplace import set_partitions
from theory.singular.expansion import LOG, NOTHING, ONE, Asymptotics, Leading, Ratio
from theory.singular.model import Integral, Model, balls
from theory.zeta.chart import Domain
from theory.zeta.maps import Map
from theory.zeta.precision import digits, rational

SPANS = (0, 1, 2, 4, 6)
NO_INTEGRAL = Integral(())


@dataclass(frozen=True)
class Partition(Asymptotics):
    """Z[g](t): its expansion, and a ball at any t."""

    integral: Integral = NO_INTEGRAL

    @property
    def proved(self) -> bool:
        """Does the ball of `evaluate` contain the integral? False: what the series leaves out is estimated, not bounded."""
        return self.integral.proved

    def evaluate(self, t: Any, digits: int = 10) -> arb:
        """Z[g](t) as a ball, to `digits` digits where the series reaches so far; see `proved`."""
        return _to_digits(lambda: self.integral.ball(_positive(t)), digits, self.proved)


@dataclass(frozen=True)
class Cumulant:
    """t^shift κ(g_1, …, g_n): numerator N and denominator Z^n as expansions, exact, and a ball at any t."""

    model: Model
    observables: tuple[sp.Expr, ...]
    shift: int = 0

    @cached_property
    def _integrals(self) -> dict[tuple[int, ...], Integral]:
        indices = tuple(range(len(self.observables)))
        blocks = {tuple(b) for partition in set_partitions(indices) for b in partition}
        return {b: self.model.integral(sp.Mul(*(self.observables[i] for i in b))) for b in blocks}

    def ratio(self, span: Any = 2) -> Ratio:
        """N/Z^n, with the poles of every integral up to `span` beyond its first."""
        n, Z = len(self.observables), self.model.integral().expansion(span)
        N = joint_numerator(n, lambda block: self._integrals[block].expansion(span), Z)
        return Ratio(N.scaled(sp.S.One, sp.Integer(-self.shift)), Z, n)

    @cached_property
    def _first(self) -> Ratio:
        """With poles enough for the first term of N; N empty when it is 0."""
        limit = sp.S.Zero
        if self._independent():
            return Ratio(NOTHING, self.model.integral().expansion(0), len(self.observables))
        for span in SPANS:
            found = self.ratio(span)
            limit = found.numerator.limit
            if found.numerator.first() is not None or limit == sp.oo:
                return found
        names = ", ".join(map(str, self.observables))
        raise BadInput(
            f"the cumulant of {names} has no term down to t^(−{limit}) relative to Z^{len(self.observables)}"
        )

    def _independent(self) -> bool:
        """Do the observables fall into two groups in different blocks, the prior being a product over blocks?"""
        if len(self.observables) < 2 or len(self.model.integral().summands) > 1:
            return False
        groups: list[set[int]] = []
        for f in self.observables:
            held = {i for i, block in enumerate(self.model.blocks) if f.has(*block.variables)}
            joined = [g for g in groups if g & held]
            groups = [g for g in groups if not g & held] + [held.union(*joined)]
        return len(groups) > 1

    @property
    def leading(self) -> Leading:
        """(C, a, b) with κ ~ C t^{−a} (log t)^b, exact; C = 0 where κ vanishes to all orders."""
        return self._first.leading

    def leading_ratio(self) -> tuple[sp.Expr, sp.Expr]:
        """(P_N(L)/P(L)^n, a): κ = t^{−a} times this rational function of L = log t, up to powers of 1/t."""
        return self._first.leading_ratio()

    def series(self, t: sp.Expr, span: Any = 2) -> sp.Expr:
        """The ratio of the truncated expansions at t, exact."""
        return self.ratio(span).series(t)

    @property
    def proved(self) -> bool:
        """Does the ball of `evaluate` contain the value? See `Partition.proved`."""
        return self.model.integral().proved and all(integral.proved for integral in self._integrals.values())

    def evaluate(self, t: Any, digits: int = 10) -> arb:
        """The cumulant at t as a ball, to `digits` digits where the series reaches so far; see `proved`."""
        t = _positive(t)

        def ball() -> arb:
            n = len(self.observables)
            Z, *found = balls([self.model.integral(), *self._integrals.values()], t)
            values = dict(zip(self._integrals, found, strict=True))
            total = arb(0)
            for blocks in set_partitions(tuple(range(n))):
                weight = prod(-j for j in range(1, len(blocks)))
                total += weight * prod((values[tuple(b)] for b in blocks), start=arb(1)) / Z ** len(blocks)
            return total * arb(rational(t)) ** self.shift

        return _to_digits(ball, digits, self.proved)

    def tex(self) -> str:
        """The leading ratio in TeX, log t written out."""
        ratio, a = self.leading_ratio()
        body = sp.latex(ratio.subs(LOG, sp.log(sp.Symbol("t", positive=True))))
        return body if a in (0, sp.oo) else rf"t^{{{sp.latex(-a)}}}\,{body}"


def joint_numerator(n: int, integral: Callable[[tuple[int, ...]], Asymptotics], Z: Asymptotics) -> Asymptotics:
    """N = Σ_π (−1)^{|π|−1} (|π|−1)! Z^{n−|π|} Π_{B∈π} Z[B] over the set partitions of 0, …, n−1."""
    total = NOTHING
    for blocks in set_partitions(tuple(range(n))):
        weight = prod(-j for j in range(1, len(blocks)))
        term = ONE
        for factor in [*(integral(tuple(b)) for b in blocks), *[Z] * (n - len(blocks))]:
            term = term * factor
        total = total + term.scaled(sp.Integer(weight))
    return total


def _positive(t: Any) -> sp.Rational:
    """t as an exact rational; a binary number such as 1e8 is taken where its printed form is its value."""
    value = sp.sympify(t) if not isinstance(t, str) else t
    if isinstance(value, sp.Float) and sp.Rational(value) == sp.Rational(str(value)):
        value = sp.Rational(value)
    value = exact(value)
    if not (value.is_Rational and value.is_positive):
        raise BadInput(f"t must be a positive rational number to be evaluated at; it was {t}")
    return value


def _to_digits(ball: Callable[[], arb], wanted: int, proved: bool) -> arb:
    """Precision is raised until the relative radius is 10^{−wanted}, or raising it stops helping; once for estimates."""
    if not isinstance(wanted, int) or not 1 <= wanted <= 1000:
        raise BadInput(f"the number of digits must lie between 1 and 1000; it was {wanted}")
    work, before = wanted + (6 if proved else 3), None
    while True:
        with digits(work):
            value = ball()
        if not proved:
            return value
        short = _missing(value, wanted)
        if short <= 0 or (before is not None and short > before - 2) or work > 8 * wanted + 200:
            return value
        work, before = work + min(short, work) + 5, short


def _missing(value: arb, wanted: int) -> int:
    if not value.is_finite() or value.contains(0):
        return wanted if not (value.is_finite() and value.rad() == 0) else 0
    ratio = value.rad() / abs(value).lower()
    return 0 if ratio == 0 else wanted + int((ratio.log() / arb(10).log()).upper().ceil().unique_fmpz() or 0)


def partition(
    K: sp.Expr,
    variables: Sequence[sp.Symbol],
    *,
    domain: Domain = "box",
    prior: Any = 1,
    observable: Any = 1,
    poles_up_to: Any = None,
    resolution: Sequence[Map] | None = None,
) -> Partition:
    """Z[g](t) = ∫ e^{−tK} g φ dw (eq 24, 1.1) with all poles s ≤ `poles_up_to`.

    By default those up to 2 beyond the first, or 1 where units couple coordinates.

    K: a sum of blocks in disjoint variables, each u Π x_i^{2k_i} with a positive analytic unit u, or a polynomial that monomial
    maps or `resolution` bring to that form. domain: "box" [0, 1], "symmetric" [−1, 1], "gaussian" N(0, 1), "half-gaussian" its
    right half, a `theory.zeta.Side`, or a mapping from variables to these. prior, observable: sums of products of |x|^h, x^n and
    analytic factors. Raises `BadInput`.
    """
    model = Model(K, variables, domain=domain, prior=prior, resolution=resolution)
    integral = model.integral(observable)
    if not integral.summands:
        raise BadInput(f"the integral of the odd observable {observable} over the {domain} domain is identically 0")
    if poles_up_to is None:
        poles_up_to = integral.first() + (2 if integral.proved else 1)
    series = integral.up_to(poles_up_to)
    if not series.terms:
        raise BadInput(f"no pole of ζ(−s) lies at or below s = {poles_up_to}; raise poles_up_to")
    return Partition(series.terms, series.limit, integral)


def expectation(
    K: sp.Expr,
    phi: Any,
    variables: Sequence[sp.Symbol],
    *,
    domain: Domain = "box",
    prior: Any = 1,
    resolution: Sequence[Map] | None = None,
) -> Cumulant:
    """⟨φ⟩ = Z[φ]/Z (2.1), a ratio of expansions with logarithms. Arguments as in `partition`."""
    return cumulant(K, [phi], variables, domain=domain, prior=prior, resolution=resolution)


def covariance(
    K: sp.Expr,
    phi: Any,
    psi: Any,
    variables: Sequence[sp.Symbol],
    *,
    domain: Domain = "box",
    prior: Any = 1,
    resolution: Sequence[Map] | None = None,
) -> Cumulant:
    """Cov(φ, ψ) = (Z[φψ] Z − Z[φ] Z[ψ])/Z²: order, sign and constant from the exact numerator. Arguments as in `partition`."""
    return cumulant(K, [phi, psi], variables, domain=domain, prior=prior, resolution=resolution)


def cumulant(
    K: sp.Expr,
    observables: Sequence[Any],
    variables: Sequence[sp.Symbol],
    *,
    domain: Domain = "box",
    prior: Any = 1,
    resolution: Sequence[Map] | None = None,
) -> Cumulant:
    """The joint cumulant κ(φ_1, …, φ_n). Arguments as in `partition`."""
    if not observables:
        raise BadInput("a joint cumulant needs at least one observable; `partition` is Z itself")
    model = Model(K, variables, domain=domain, prior=prior, resolution=resolution)
    return Cumulant(model, tuple(exact(phi) for phi in observables))


def potential(
    K: sp.Expr,
    variables: Sequence[sp.Symbol],
    *,
    order: int = 1,
    domain: Domain = "box",
    prior: Any = 1,
    resolution: Sequence[Map] | None = None,
) -> Cumulant:
    """t^n κ_n(K), n = `order`: t⟨K⟩ for n = 1 (2.3), t² Var K for n = 2, … (2.4). Arguments as in `partition`."""
    if not isinstance(order, int) or order < 1:
        raise BadInput(f"the order of a cumulant of K is an integer ≥ 1; it was {order}")
    model = Model(K, variables, domain=domain, prior=prior, resolution=resolution)
    return Cumulant(model, (model.K,) * order, order)

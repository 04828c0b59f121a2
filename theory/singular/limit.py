"""The limit law of a singular posterior: how far up, where, and on which log-scale.

Under e^{−tK} φ, as t → ∞ and jointly independent,

    tK ⇒ Gamma(λ, 1);    position ⇒ μ, the residue measure on the deepest stratum,

        E_μ[F] = lim_{z→−λ} ∫K^z F φ / ∫K^z φ,    density Π_{i∉I} x_i^{h_i − κ_i λ} u^{−λ} b on E_I = {x_I = 0}, |I| = m;

and on the log-scale (κ_i (−log x_i)/log t)_{i∈I} ⇒ Dirichlet(1, …, 1), uniform on the simplex with m corners. Hence, for bounded F,

    t^p ⟨K^p F⟩ → Γ(λ+p)/Γ(λ) E_μ[F],                                                                     (`scaled_mean`)
    t^{p+q} Cov(K^p F, K^q G) → Γ(λ+p+q)/Γ(λ) E_μ[FG] − Γ(λ+p)Γ(λ+q)/Γ(λ)² E_μ[F] E_μ[G].                 (`covariance`)

Read backwards, with g = K^p F, the first line needs no resolution to be stated: E_μ[g/K^p] = lim ∫K^{z−p} g φ/∫K^z φ. That is
`LimitLaw.mean(g, p)`, and the lemmas of `theory.singular.lemmas` are written with it. Finite t: `theory.singular.moments`, which
keeps the logarithms (the limits are reached like 1/log t when m > 1).

Reading order: `LimitLaw`, `limit_law`, `dirichlet_moment`, `strata`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import sympy as sp

from theory.errors import BadInput
from theory.jets import exact
from theory.singular.expansion import Leading
from theory.singular.model import Model
from theory.zeta import continuation as zeta
from theory.zeta.balls import is_zero
from theory.zeta.chart import Chart, Domain
from theory.zeta.finite_part import FinitePart
from theory.zeta.maps import Map
from theory.zeta.series import gamma_value
from theory.zeta.taylor import taylor


class Stratum(NamedTuple):
    """One chart's part of the deepest stratum: x_I = 0, with the residue measure `density` in the other coordinates."""

    chart: Chart
    vanishing: tuple[sp.Symbol, ...]
    density: sp.Expr


@dataclass(frozen=True)
class LimitLaw:
    """λ, m and the residue measure μ of e^{−tK} φ as t → ∞."""

    model: Model

    @cached_property
    def _leading(self) -> Leading:
        return self.model.integral().expansion(0).leading

    @property
    def threshold(self) -> sp.Rational:
        """λ, the shape of the limit Γ(λ, 1) of tK."""
        return self._leading[1]

    @property
    def multiplicity(self) -> int:
        """m."""
        return self._leading[2] + 1

    def rise(self, p: Any) -> sp.Expr:
        """E (tK)^p in the limit: Γ(λ+p)/Γ(λ)."""
        return rise(self.threshold, p)

    def mean(self, g: Any, p: Any = 0) -> sp.Expr:
        """E_μ[g/K^p] = lim_{z→−λ} ∫K^{z−p} g φ/∫K^z φ, for g = O(K^p). Raises `BadInput` where g is not.

        One block: by the Laurent coefficients of that quotient; sums of blocks, where K^{z−p} is no product: by t^p⟨g⟩.
        """
        g, p = exact(g), sp.Rational(p)
        if len([b for b in self.model.blocks if b.K != 0]) == 1:
            return self._by_residues(g, p)
        return self._by_moments(g, p)

    def _by_residues(self, g: sp.Expr, p: sp.Rational) -> sp.Expr:
        below = self._coefficient(sp.S.One, sp.S.Zero)
        return _ratio(self._coefficient(g, p), below)

    def _coefficient(self, g: sp.Expr, p: sp.Rational) -> sp.Expr:
        """The coefficient of (z+λ)^{−m} in ∫K^{z−p} g φ."""
        total = sp.S.Zero
        for c, blocks in self.model.integral(g).summands:
            value = c
            for charts in blocks:
                if not any(any(chart.orders) for chart in charts):
                    value *= zeta.laurent(charts, sp.S.Zero, 1).coefficients[-1]
                    continue
                moved = [chart.power(-p) for chart in charts]
                for chart in moved:
                    self._refuse_unbounded(chart, g, p)
                order, coefficients = zeta.laurent(moved, self.threshold)
                high = [a for a in coefficients[: max(0, order - self.multiplicity)] if not is_zero(a)]
                if high:
                    raise BadInput(_not_small(g, p))
                value *= coefficients[order - self.multiplicity] if order >= self.multiplicity else sp.S.Zero
            total += value
        return total

    def _refuse_unbounded(self, chart: Chart, g: sp.Expr, p: sp.Rational) -> None:
        for k, h in zip(chart.orders, chart.jacobian, strict=True):
            if k and (h + 1) / k < self.threshold:
                raise BadInput(_not_small(g, p))

    def _by_moments(self, g: sp.Expr, p: sp.Rational) -> sp.Expr:
        c, power, logs = self._leading
        series = self.model.integral(g).expansion(p + 1)
        before = [term for term in series.terms if term.power < power + p]
        term = next((term for term in series.terms if term.power == power + p), None)
        if before or (term is not None and term.multiplicity > logs + 1):
            raise BadInput(_not_small(g, p))
        if term is None or term.multiplicity < logs + 1:
            return sp.S.Zero
        return _ratio(term.coefficients[logs], c * self.rise(p))

    def scaled_mean(self, F: Any, p: Any = 0) -> sp.Expr:
        """lim t^p ⟨K^p F⟩ = Γ(λ+p)/Γ(λ) E_μ[F]."""
        return self.rise(p) * self.mean(F)

    def covariance(self, F: Any, p: Any, G: Any, q: Any) -> sp.Expr:
        """lim t^{p+q} Cov(K^p F, K^q G)."""
        F, G, p, q = exact(F), exact(G), sp.Rational(p), sp.Rational(q)
        joint = self.rise(p + q) * self.mean(F * G)
        return _neat(joint - self.rise(p) * self.rise(q) * self.mean(F) * self.mean(G))

    def strata(self) -> tuple[Stratum, ...]:
        """The deepest strata of the charts, block by block, with the (unnormalised) residue density on them."""
        summands = []
        for front, blocks in self.model.integral().summands:
            held = [charts for charts in blocks if any(any(c.orders) for c in charts)]
            first = [zeta.threshold(charts) for charts in held]
            depth = sum(lam for lam, _, _ in first), sum(1 - m for _, m, _ in first)
            summands.append((depth, front, held))
        deepest = min(depth for depth, _, _ in summands)
        return tuple(
            each._replace(density=front * each.density)
            for depth, front, held in summands if depth == deepest for charts in held for each in strata(charts)
        )  # fmt: skip


def limit_law(
    K: sp.Expr,
    variables: Sequence[sp.Symbol],
    *,
    domain: Domain = "box",
    prior: Any = 1,
    resolution: Sequence[Map] | None = None,
) -> LimitLaw:
    """The limit law of e^{−tK} φ. Arguments and errors as in `theory.singular.partition`."""
    return LimitLaw(Model(K, variables, domain=domain, prior=prior, resolution=resolution))


def rise(lam: sp.Rational, p: Any) -> sp.Expr:
    """Γ(λ+p)/Γ(λ)."""
    p = sp.Rational(p)
    if p.is_Integer and p >= 0:
        return sp.rf(lam, p)
    return gamma_value(lam + p) / gamma_value(lam)


def dirichlet_moment(powers: Sequence[int]) -> sp.Rational:
    """E Π w_i^{n_i} for w uniform on the simplex with m corners: (m−1)! Π n_i!/(m−1+Σ n_i)!."""
    m = len(powers)
    return sp.Mul(sp.factorial(m - 1), *map(sp.factorial, powers)) / sp.factorial(m - 1 + sum(powers))


def strata(charts: Sequence[Chart]) -> list[Stratum]:
    """x_I = 0 of every chart in which the first pole has its full order."""
    lam, m, _ = zeta.threshold(charts)
    found = []
    for c in charts:
        vanishing = [i for i, (k, h) in enumerate(zip(c.orders, c.jacobian, strict=True)) if k and (h + 1) / k == lam]
        if len(vanishing) != m:
            continue
        weight = sp.Mul(*(1 / c.orders[i] for i in vanishing))
        for i, (v, k, h) in enumerate(zip(c.variables, c.orders, c.jacobian, strict=True)):
            if i not in vanishing:
                weight *= v ** (h - k * lam) * (sp.exp(-(v**2) / 2) / sp.sqrt(2 * sp.pi) if c.gaussian[i] else 1)
            elif c.gaussian[i]:
                weight /= sp.sqrt(2 * sp.pi)
        density = c.raised(-lam) * c.density
        for i in vanishing:
            density = taylor(density, c.variables[i], 0)[0]
        density *= weight
        if density != 0:
            found.append(Stratum(c, tuple(c.variables[i] for i in vanishing), density))
    return found


def _not_small(g: sp.Expr, p: sp.Rational) -> str:
    return f"{g} is not O(K^{p}) near the zeros of K, so that its mean under the residue measure is infinite"


def _ratio(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    return sp.S.Zero if a == 0 else _neat(a / b)


def _neat(value: sp.Expr) -> sp.Expr:
    """Γ functions cancelled; finite parts stay."""
    value = sp.expand(value) if value.has(FinitePart) else value
    return sp.gammasimp(value) if value.has(sp.gamma) and not value.has(FinitePart) else sp.radsimp(value)

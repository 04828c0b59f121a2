"""Section 4.2.1: essential uniqueness, and what becomes of per-sample losses without it.

If all of the minimum set {K = 0} is one distribution, f_z = ℓ_z − ℓ_z(w*) vanishes on it, whatever z, and Cov(f_z, f_z') falls
like 1/t (Lemma 20′). One loss on the minimum set is not enough: on a circle of different distributions with the same loss f_z
varies, and the covariance tends to that over the circle.

Reading order: `Model`, `derived_limit`, `Uniqueness`, `CLAIMS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import sympy as sp
from flint import arb

from ledger.claim import Budget, Evidence
from ledger.claims.section4_covariances import Pair
from ledger.compare import combine
from ledger.evidence import encloses, estimates, vanishes
from ledger.singular import claim
from numerics.precision import ball, digits

R = sp.Rational
x, y = sp.symbols("x y", real=True)
DIGITS = 24
HALF = R(1, 2)


@dataclass(frozen=True)
class Model:
    """Mean m(w) of a Gaussian model with the truth N(0, 1) at X = 1, so that ℓ_z = ½|z − m(w)|² and L = ½|m|² + const.

    minimum: the components of {K = 0}, each parametrised by θ ∈ [−π, π]; w* is the first at θ = 0. points: z and z'.
    """

    name: str
    mean: tuple[sp.Expr, ...]
    minimum: tuple[dict[sp.Symbol, sp.Expr], ...]
    points: tuple[tuple[sp.Expr, ...], tuple[sp.Expr, ...]]
    step: float

    @property
    def loss(self) -> sp.Expr:
        return sp.Add(*(m**2 for m in self.mean)) / 2

    def at(self, expr: sp.Expr, component: int = 0, angle: sp.Expr = sp.S.Zero) -> sp.Expr:
        return expr.subs({v: value.subs(THETA, angle) for v, value in self.minimum[component].items()})

    @property
    def K(self) -> sp.Expr:
        return sp.expand(self.loss - self.at(self.loss))

    def f(self, z: tuple[sp.Expr, ...]) -> sp.Expr:
        """ℓ_z − ℓ_z(w*) = ½|m|² − z·m less its value at w*."""
        change = self.loss - sp.Add(*(a * m for a, m in zip(z, self.mean, strict=True)))
        return sp.expand(change - self.at(change))

    @cached_property
    def pair(self) -> Pair:
        return Pair(self.name, self.K, self.f(self.points[0]), self.f(self.points[1]), step=self.step)

    def restricted(self, z: tuple[sp.Expr, ...]) -> list[sp.Expr]:
        """f_z on each component of the minimum set, a function of θ."""
        return [sp.simplify(self.at(self.f(z), i, THETA)) for i in range(len(self.minimum))]

    @cached_property
    def covariance_on_minimum(self) -> sp.Expr:
        """lim Cov(f_z, f_z'): the covariance over the minimum set (θ uniform), 0 where both are constant on it."""
        f, g = (self.restricted(z) for z in self.points)
        if not any(f) or not any(g):
            return sp.S.Zero
        a, b = f[0], g[0]

        def average(h: sp.Expr) -> sp.Expr:
            return sp.integrate(sp.expand(h), (THETA, -sp.pi, sp.pi)) / (2 * sp.pi)

        return sp.simplify(average(a * b) - average(a) * average(b))


THETA = sp.Symbol("theta", real=True)
UNIQUE = Model(
    "c(w) = xy²", (x * y**2,), ({x: sp.S.Zero, y: THETA}, {x: THETA, y: sp.S.Zero}), ((R(1, 2),), (R(-2),)), 0.05
)
CIRCLE = Model(
    "m(w) = (x, y, x² + y² − 1)", (x, y, x**2 + y**2 - 1),
    ({x: sp.cos(THETA) / sp.sqrt(2), y: sp.sin(THETA) / sp.sqrt(2)},),
    ((R(1), R(1), R(0)), (R(2), R(-1), R(0))), 0.02,
)  # fmt: skip


def on_circle(model: Model, t: sp.Expr) -> sp.Expr:
    """Cov(f_z, f_z') of CIRCLE at t, up to O(e^{−t/8}): K = ½u², u = |w|² − ½ ∼ N(−1/2t, 1/t), the angle uniform and independent.

    ½ (z₁z₁' + z₂z₂')⟨|w|²⟩ + Var K, Var K = ¼ Var u².
    """
    z, other = model.points
    planar = z[0] * other[0] + z[1] * other[1]
    return planar * (HALF - 1 / (2 * t)) / 2 + 1 / (2 * t**2) + 1 / (4 * t**3)


def derived_limit(model: Model) -> sp.Expr:
    """lim Cov(f_z, f_z') without a look at the minimum set: from the poles of ζ, or from the exact law of |w|²."""
    if model is CIRCLE:
        t = sp.Symbol("t", positive=True)
        return sp.limit(on_circle(model, t), t, sp.oo)
    leading = model.pair.derived.leading
    return leading.coefficient if leading.power == 0 else sp.S.Zero


@dataclass(frozen=True)
class Uniqueness:
    """§4.2.1: f_z vanishes on the minimum set if that is one distribution, and Cov(f_z, f_z') then tends to 0; else it does not."""

    formula: Callable[[Model], sp.Expr] = attrgetter("covariance_on_minimum")

    def derived(self, _: Budget) -> Evidence:
        differences: dict[str, Any] = {}
        for model in (UNIQUE, CIRCLE):
            for i in range(len(model.minimum)):
                differences[f"K on component {i} of {model.name}"] = sp.simplify(model.at(model.K, i, THETA))
        for i, value in enumerate(UNIQUE.restricted(sp.symbols("z1:2", real=True))):
            differences[f"f_z on component {i}, all z"] = value
        for model in (UNIQUE, CIRCLE):
            differences[f"limit, {model.name}"] = sp.simplify(self.formula(model) - derived_limit(model))
        differences["order 1/t"] = UNIQUE.pair.derived.leading.power - 1
        words = "f_z vanishes on {K = 0} for all z, Cov(f_z, f_z') → 0; two distributions on {K = 0}: f_z does not, and Cov → "
        return vanishes("§4.2.1", differences, words + str(CIRCLE.covariance_on_minimum))

    def enclosed(self, _: Budget) -> Evidence:
        parts = []
        with digits(DIGITS):
            for t in (100, 400):
                pair = UNIQUE.pair
                value = pair.derived.evaluate(t, DIGITS) + ball(self.formula(UNIQUE) - derived_limit(UNIQUE))
                parts.append(encloses(f"{UNIQUE.name}, t = {t}", pair.certified(t), value))
            t = 600
            shift = on_circle(CIRCLE, sp.Integer(t)) - derived_limit(CIRCLE)
            value = ball(shift + self.formula(CIRCLE)) + arb(0, (arb(-t) / 8).exp().upper())
            parts.append(encloses(f"{CIRCLE.name}, t = {t}", CIRCLE.pair.certified(t), value))
        return combine(parts)

    def sampled(self, budget: Budget, t: int = 20) -> Evidence:
        parts = []
        for seed, model in enumerate((UNIQUE, CIRCLE)):
            change = float(self.formula(model) - derived_limit(model))
            prediction = float(model.pair.certified(t, 12).mid()) + change
            parts.append(estimates(model.name, model.pair.sampled(t, budget, 421 + seed), prediction, t=t))
        return combine(parts)


_UNIQUENESS = Uniqueness()

CLAIMS = (
    claim(
        "§4.2.1",
        "One distribution on the whole minimum set ⇒ f_z = ℓ_z − ℓ_z(w*) vanishes on it, and Cov(f_z, f_z') → 0 like 1/t; "
        "without it Cov tends to the covariance over the minimum set",
        _UNIQUENESS,
    ),
)  # fmt: skip

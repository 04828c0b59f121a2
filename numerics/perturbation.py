"""Derivatives of posterior quantities along L + hΔL, by their definition and with a proved remainder.

Idea
----
Perturb the loss: L_h = L + hΔL, with moments N_f(h) = ∫ f e^{−tL_h} φ₀ dw. A susceptibility is the derivative of ⟨φ⟩_h =
N_φ(h)/N_1(h) at h = 0; that it is also −t Cov(φ, ΔL) is a theorem (Thm 11), which nothing here uses.

**Theorem.** Let the posteriors at h = ±R be integrable for f² and 1. Then N_f is analytic on |h| ≤ R and bounded there by

    B = Σ_± (∫ e^{−tL_{±R}} φ₀ · ∫ f² e^{−tL_{±R}} φ₀)^{1/2}.

With nodes h_k = kη, |k| ≤ p, pη < R, ω(u) = u Π_{k≤p} (u² − k²), ρ = R/η, and q the polynomial through N_f(h_k), the
Taylor coefficients at 0 satisfy

    | [h^j] N_f − [h^j] q | ≤ η^{−j} · B / (ρ Π_{k≤p} (ρ² − k²)) · Σ_{i≤j} |ω_i| ρ^{i−j}.

*Proof.* |e^{−tζΔL}| = e^{−t Re ζ ΔL} ≤ e^{−tRΔL} + e^{tRΔL} for |ζ| ≤ R, and Cauchy–Schwarz gives B. In u = h/η Hermite's
formula is N_f(u) − q(u) = (2πi)^{−1} ∮_{|ζ|=ρ} N_f(ζ) ω(u) / (ω(ζ)(ζ − u)) dζ; expand ω(u)/(ζ − u) in powers of u, and
|ω| ≥ ρ Π(ρ² − k²) on the circle.  ∎

So the moments become power series in h with balls as coefficients, and everything made of moments (means, cumulants, log Z) is
computed in series arithmetic. Few nodes with a tiny η at more digits are cheaper than many: a first derivative takes the two
posteriors at ±η, the one at 0 and two coarse ones at ±R.

Where it ends: L − RΔL and L + RΔL must both be integrable for some R > 0. Where they are not (ΔL outgrows L), h ↦ ⟨φ⟩_h is not
defined on both sides of 0 and there is no derivative; this is said.

Notation: t, L, φ₀ of the posterior; p = ⌈(order + 1)/2⌉.
Reading order: `Perturbed`, `_remainder`.
"""

import math
from collections.abc import Callable, Sequence

import sympy as sp
from flint import arb, arb_series, ctx, fmpq, fmpq_mat

from numerics.analytic import exact
from numerics.posterior import Posterior, joint_cumulant, products_of_subsets
from numerics.precision import LOG2_10, digits
from theory.errors import BadInput

Value = Callable[[dict[sp.Expr, arb_series], fmpq], arb_series]
COARSE = 6
SHRINKING = 10
MILD = 20
ATTEMPTS = 3


class Perturbed:
    """The posteriors of L + hΔL near h = 0: Taylor coefficients in h of what `Posterior` gives at h = 0.

    perturbation: ΔL, an analytic expression in the posterior's variables; order: the highest power of h. The answers are tuples of
    order + 1 balls, the coefficients of h⁰ … h^order, with about the posterior's digits; they contain the true values
    whatever happens. The prior must be ≥ 0, as a prior is.

    Raises `BadInput` where L ± RΔL is not integrable however small R is taken.
    """

    def __init__(self, posterior: Posterior, perturbation: object, order: int = 1):
        if not isinstance(order, int) or order < 0:
            raise BadInput(f"`Perturbed` needs a whole order ≥ 0; it was given {order}")
        self.posterior, self.perturbation, self.order = posterior, exact(perturbation), order
        self._half = (order + 2) // 2
        self._posteriors: dict[fmpq, Posterior] = {fmpq(0): posterior}
        self._radius: fmpq | None = None

    def log_partition(self) -> tuple[arb, ...]:
        """log Z_h."""
        return self._to_accuracy([sp.S.One], lambda series, level: series[sp.S.One].log() - arb(level))

    def expectation(self, phi: object) -> tuple[arb, ...]:
        """⟨φ⟩_h."""
        return self.cumulant([phi])

    def expectations(self, phis: Sequence[object]) -> tuple[tuple[arb, ...], ...]:
        """⟨φ⟩_h for every φ, from one pass over the grid at each h."""
        self._series([sp.S.One, *map(exact, phis)], self.posterior.digits)
        return tuple(self.expectation(phi) for phi in phis)

    def cumulant(self, observables: Sequence[object]) -> tuple[arb, ...]:
        """The joint cumulant κ_h(φ_1, …, φ_m)."""
        fs = products_of_subsets([exact(phi) for phi in observables])
        if not fs:
            raise BadInput("`Perturbed.cumulant` needs at least one observable")

        def value(series: dict[sp.Expr, arb_series], _: fmpq) -> arb_series:
            return joint_cumulant({subset: series[f] / series[sp.S.One] for subset, f in fs.items()})

        return self._to_accuracy([sp.S.One, *fs.values()], value)

    def moments(self, fs: Sequence[object]) -> tuple[tuple[arb, ...], ...]:
        """∫ f e^{−tL_h} φ₀ dw for every f, from one pass over the grid at each h."""
        wanted = [exact(f) for f in fs]
        self._series(wanted, self.posterior.digits)
        return tuple(self._to_accuracy([f], lambda series, level, f=f: series[f] * arb(-level).exp()) for f in wanted)

    def susceptibility(self, phi: object) -> arb:
        """χ(φ; ΔL) = (1/t) d⟨φ⟩_h/dh at h = 0 (Def 10), by definition."""
        with digits(self.posterior.digits + 3):
            return self.expectation(phi)[1] / arb(self.posterior.t)

    def _to_accuracy(self, fs: list[sp.Expr], value: Value) -> tuple[arb, ...]:
        """The coefficients of `value` of the moments' series, at growing digits until those wanted are held."""
        wanted, goal = self.posterior.digits, math.ceil(self.posterior.digits * LOG2_10)
        result: tuple[arb, ...] = ()
        for _ in range(ATTEMPTS):
            series, level, work = self._series(fs, wanted)
            with digits(work):
                found = value(series, level)
                result = tuple(arb(found[k]) for k in range(self.order + 1))
            missing = [goal - b.rel_accuracy_bits() for b in result if not b.contains(0)]
            if not missing or max(missing) <= 0:
                break
            wanted += math.ceil(max(missing) / LOG2_10) + 1
        return result

    def _at(self, h: fmpq) -> Posterior:
        """The posterior of L + hΔL."""
        if h not in self._posteriors:
            base = self.posterior
            loss = base.loss + sp.Rational(int(h.p), int(h.q)) * self.perturbation
            self._posteriors[h] = Posterior(
                sp.expand(loss) if loss.is_polynomial(*base.variables) else loss, base.variables, base.t, prior=base.prior,
                digits=base.digits, domain=base.intervals,
            )  # fmt: skip
        return self._posteriors[h]

    def _series(self, fs: list[sp.Expr], wanted: int) -> tuple[dict[sp.Expr, arb_series], fmpq, int]:
        """The moments' series times e^{level}, the level, and the working digits."""
        fs = list(dict.fromkeys(fs))
        radius, bounds, coarse_level = self._bounds(fs)
        p, K = self._half, self.order
        halvings = math.ceil((wanted + 3) * LOG2_10 / (2 * p + 1 - K)) + math.ceil(math.log2(p)) + 1
        eta, rho = radius / fmpq(2) ** halvings, fmpq(2) ** halvings
        work = wanted + 3 + math.ceil(K * halvings / LOG2_10)
        nodes = [k * eta for k in range(-p, p + 1)]
        found = [self._at(h).integrals(fs, work) for h in nodes]
        level = found[p].level
        ctx.cap = max(ctx.cap, K + 1)
        series = {}
        with digits(work):
            inverse = fmpq_mat([[fmpq(k) ** j for j in range(2 * p + 1)] for k in range(-p, p + 1)]).inv()
            scale = [arb(level - part.level).exp() for part in found]
            for i, f in enumerate(fs):
                values = [part.balls[i] * s for part, s in zip(found, scale, strict=True)]
                bound = bounds[f] * arb(level - coarse_level).exp()
                coefficients = [
                    sum((arb(inverse[j, k]) * v for k, v in enumerate(values)), arb(0)) + arb(0, (bound * e).upper())
                    for j, e in zip(range(K + 1), _remainder(p, rho, K), strict=True)
                ]
                series[f] = arb_series([c / arb(eta) ** j for j, c in enumerate(coefficients)], prec=K + 1)
        return series, level, work

    def _bounds(self, fs: list[sp.Expr]) -> tuple[fmpq, dict[sp.Expr, arb], fmpq]:
        """(R, {f: e^{level} B}, level)."""
        square = sp.expand(self.perturbation**2)
        wanted = [sp.S.One, *(sp.expand(f**2) for f in fs)]
        base = self.posterior.integrals([*wanted, square], COARSE)
        radius = self._radius or self._scale(base.balls[-1] / base.balls[0])
        for _ in range(SHRINKING):
            try:
                sides = [self._at(sign * radius).integrals(wanted, COARSE) for sign in (-1, 1)]
            except BadInput:
                radius /= 4
                continue
            with digits(COARSE):
                scaled = [[b * arb(base.level - side.level).exp() for b in side.balls] for side in sides]
                bounds = {f: sum(((s[0] * s[i]).sqrt() for s in scaled), arb(0)).upper() for i, f in enumerate(fs, 1)}
                # Far from 0 the bound is true and useless: new wells of the perturbed loss rule it.
                near = all(side[i] < MILD * base.balls[i] for side in scaled for i in range(len(wanted)))
            if near:
                self._radius = radius
                return radius, bounds, base.level
            radius /= 4
        raise BadInput(
            f"⟨·⟩_h has no proved derivative along L + h({self.perturbation}): e^(−t(L ± hΔL)) could not be integrated for "
            f"h = {float(radius):.2g}; the perturbation may outgrow the loss, then use the covariance instead"
        )

    def _scale(self, mean_square: arb) -> fmpq:
        """About 1/(t · root mean square of ΔL), a power of two: there the perturbed integrals are still like those at 0."""
        size = float(mean_square.mid()) * float(arb(self.posterior.t)) ** 2
        return fmpq(2) ** (-math.ceil(math.log2(size) / 2) if size > 1e-290 else 0)


def _remainder(p: int, rho: fmpq, order: int) -> list[arb]:
    """|[u^j](N − q)| / B for j ≤ order: Σ_{i≤j} |ω_i| ρ^{i−j} / (ρ Π (ρ² − k²))."""
    omega = [fmpq(0), fmpq(1)]
    for k in range(1, p + 1):
        shifted = [fmpq(0), fmpq(0), *omega]
        omega = [a - k * k * b for a, b in zip(shifted, [*omega, fmpq(0), fmpq(0)], strict=True)]
    least = rho * math.prod((rho * rho - k * k for k in range(1, p + 1)), start=fmpq(1))
    return [
        arb(sum((abs(omega[i]) * rho ** (i - j) for i in range(j + 1)), fmpq(0)) / least).upper()
        for j in range(order + 1)
    ]


__all__ = ["Perturbed"]

"""Predictions for any number of weights: no dense Hessian, leading order, with an error for everything.

S = P⁻¹ + (e/4)(I − eP/4)⁻¹ is two linear systems, solved by conjugate gradients in the coordinates of the chain, w − w* = D^{1/2}x.

* Covariances. With P x_a = a − r_a for both factors, a·P⁻¹b = a·x_b + x_a·r_b up to r_a·P⁻¹r_b ≤ |r_a||r_b|/p_min; `sem` holds
  that bound plus an estimate of rounding, η(λ_max |x_a||x_b| + |a||x_b| + |x_a||b|) with η = 4 units of the dtype. p_min is the
  smallest of γ/t and the Rayleigh quotients met: at a minimum (H ≥ 0) γ/t is a proved one.
* Traces, from N random vectors z of signs, E zzᵀ = I (Hutchinson):

      tr(HS) = E[z·(I − eP/4)⁻¹z − c z·DSz],     tr(AS) = E[zᵀA Sz],     T:S = E T[z, Sz, ·]

  means with standard errors of the N values, `ess` = N; the solver's error is added. At γ = ε = 0 the first is d, with no error.
* λ_max from below by Lanczos; `step` takes the Ritz value plus its residual.

Not here, since it takes the dense eigensystem: the next order, minibatch noise, and χ_z(L_n) at a finite step, whose K mixes three
modes (`loss_covariance` is that of ε → 0).

Reading order: `iterative`, then `Iterative.step`, `.llc`, `.covariance`, `.mean`, `.loss_covariance`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from sampler.diagnostics import Estimate
from sampler.posterior import Example, LocalPosterior, Params
from sampler.quadratic import derivatives, jets, krylov, observables
from sampler.quadratic.derivatives import Site
from sampler.quadratic.krylov import Precision, Ritz, Scale, Sides, Solved
from sampler.quadratic.observables import MEAN_LOSS, Observable, label
from theory.errors import BadInput

Rows = Observable | Float[np.ndarray, "p d"]


@dataclass(frozen=True, eq=False)
class Iterative:
    """P = H + (γ/t) I on the moving weights, known by its products; `lowest`, `highest`: its Ritz values under D.

    samples  N, the random vectors of a trace; tolerance: |residual|/|b| at which conjugate gradients stop
    """

    posterior: LocalPosterior
    free: Int[np.ndarray, " d"]
    D: Float[np.ndarray, " d"] | None
    key: Key[Array, ""]
    lowest: Ritz
    highest: Ritz
    samples: int
    tolerance: float
    steps: int
    microbatch: int | None = None
    width: int = 32
    known: dict[Any, Any] = field(default_factory=dict, repr=False)

    mean_loss = MEAN_LOSS

    @property
    def site(self) -> Site:
        return Site(self.posterior, jnp.asarray(self.free), self.microbatch, self.width)

    @property
    def t(self) -> float:
        """nβ."""
        return float(self.posterior.nbeta)

    @property
    def confinement(self) -> float:
        """c = γ/t."""
        return float(self.posterior.gamma) / self.t

    @property
    def root(self) -> np.ndarray:
        """D^{1/2}."""
        return np.ones(len(self.free)) if self.D is None else np.sqrt(self.D)

    @property
    def operator(self) -> Precision:
        return _operator(self.site, self.root, self.confinement)

    @property
    def message(self) -> str:
        """Residuals that rounding or the limit of iterations kept above the tolerance; empty when there are none yet."""
        worst = self.known.get("residual", 0.0)
        if worst <= 2 * self.tolerance:
            return ""
        return (
            f"conjugate gradients stopped at a residual of {worst:.1g}, above the tolerance {self.tolerance:.1g}: "
            f"{self.site.zero.dtype} limits it at this condition; take a posterior in float64 or a larger gamma."
        )

    def localised(self, gamma: float) -> "Iterative":
        """The same minimum under another γ; raises `BadInput` where P is then not positive."""
        posterior = replace(self.posterior, gamma=gamma)
        moved = replace(self, posterior=posterior, known={})
        if self.D is None:
            by = moved.confinement - self.confinement
            low, high = (Ritz(r.value + by, r.residual) for r in (self.lowest, self.highest))
        else:
            low, high = krylov.ends(self.key, moved.operator, self.steps)
        if low.value <= 0:
            raise _indefinite(low.value, self.t)
        return replace(moved, lowest=low, highest=high)

    def step(self, u: float) -> float:
        """The step ε with ε t λ = u, λ the highest Ritz value plus its residual; raises `BadInput` unless 0 < u < 4."""
        if not 0 < u < 4:
            raise BadInput(f"quadratic: the chain is stable for 0 < u = ε nβ λ_max(P) < 4; u is {u}.")
        return u / (self.t * (self.highest.value + self.highest.residual))

    def losses(self, examples: Example, *, centred: bool = True, names: Sequence[str] | None = None) -> Observable:
        """ℓ_z − L_n for each example (ℓ_z when not centred)."""
        return observables.losses(self.posterior, examples, centred=centred, names=names)

    def observable(self, f: Callable[[Any], Any], *, names: Sequence[str] | None = None) -> Observable:
        """The entries of f(w), any smooth function of all weights of the posterior."""
        return observables.function(self.posterior, f, names=names)

    def gradients(self, examples: Example, *, centred: bool = True) -> Float[np.ndarray, "p d"]:
        """Dℓ_z(w*) on the moving weights, for each example; minus DL_n(w*) when centred."""
        return jets.gradients(self.site, self.losses(examples, centred=centred))

    def llc(self, epsilon: float = 0.0) -> Estimate:
        """½ tr(HS), a mean over the random vectors; the bound on what the solver left is added to its standard error."""
        z, e = self._signs(), self._e(epsilon)
        y = self._solved("traces", z * self.root, e)
        P, M, c = self._scale(y), self._bounded_scale(e), self.confinement
        values, error = -c * krylov.forms(y.inverse), c * P.bound(y.inverse, y.inverse).max()
        if y.bounded is None:
            values += np.sum(z * z, axis=1)
        else:
            values -= c * e / 4 * krylov.forms(y.bounded)
            first = y.bounded if self.D is None else self._solve(z, (1.0, -e / 4))
            values += krylov.forms(first)
            error += M.bound(first, first).max() + c * e / 4 * M.bound(y.bounded, y.bounded).max()
        return _over_samples(values / 2, error / 2)

    def covariance(self, a: Rows, b: Rows, epsilon: float = 0.0) -> Estimate:
        """(1/t) aᵀSb for all pairs (Lemma 20), a and b observables or their gradients in rows; `sem` bounds the solver's error."""
        e = self._e(epsilon)
        rows = [self._gradients(f) * self.root for f in ((a,) if a is b else (a, b))]
        sides = [self._sides(x, e) for x in rows]
        first, last = sides[0], sides[-1]
        value = krylov.pairs(first.inverse, last.inverse)
        error = self._scale(*sides).bound(first.inverse, last.inverse)
        if first.bounded is not None and last.bounded is not None:
            value += e / 4 * krylov.pairs(first.bounded, last.bounded)
            error += e / 4 * self._bounded_scale(e).bound(first.bounded, last.bounded)
        both = [f for f in (a, b) if isinstance(f, Observable)]
        dims, labels = label(*both) if len(both) == 2 else ((), {})
        nan = np.full(value.shape, np.nan)
        return Estimate(value / self.t, error / self.t, nan, nan, dims, labels)

    def mean(self, phi: Observable, epsilon: float = 0.0) -> Estimate:
        """⟨φ⟩ − φ(w*) = (1/2t) [tr(AS) − (P⁻¹a)·(T:S)] (Lemma 18 for the chain), a mean over the random vectors."""
        z, e = self._signs(), self._e(epsilon)
        Sz = self.root * self._solved("traces", z * self.root, e).value
        shift = self.root * self._solve(jets.gradients(self.site, phi) * self.root).x
        values = jets.mixed(self.site, phi, z, Sz) - shift @ self._thirds(("bent", e), z, Sz).T
        return _over_samples(values / (2 * self.t), self._inexact(values) / (2 * self.t), *label(phi))

    def loss_covariance(self, examples: Example, epsilon: float = 0.0) -> Estimate:
        """Cov(L_n, ℓ_z − L_n) to order t⁻² under the posterior (Lemma 25, Ex 27), −χ_z; a mean over the random vectors:

            ½ E[D²ψ[z, SHSz] − T[z, SHSz, Sb] + c T[z, Sz, SSb]],   SHS = S − c SS

        Raises `BadInput` for ε > 0: the third cumulant of the chain mixes three modes and takes `curvature`.
        """
        if epsilon:
            raise BadInput(
                "quadratic.iterative: loss_covariance is that of the posterior, ε = 0; at a finite step the third cumulant "
                "needs the dense eigensystem: restrict the weights that move to 5000 and use quadratic.curvature."
            )
        z, c, probes = self._signs(), self.confinement, self.losses(examples)
        Sz = self.root * self._solved("traces", z * self.root, 0.0).value
        SHSz = Sz - c * self._posterior(Sz, "squares") if c else Sz
        g = self._posterior(jets.gradients(self.site, probes))
        values = jets.mixed(self.site, probes, z, SHSz) - g @ self._thirds(("squared", 0.0), z, SHSz).T
        if c:
            values += c * self._posterior(g) @ self._thirds(("bent", 0.0), z, Sz).T
        return _over_samples(values / (2 * self.t**2), self._inexact(values) / (2 * self.t**2), *label(probes))

    def _posterior(self, b: np.ndarray, key: str | None = None) -> np.ndarray:
        """(H + c I)⁻¹ b."""
        scaled = self.root * b
        return self.root * (self._solved(key, scaled, 0.0).value if key else self._solve(scaled).x)

    def _signs(self) -> np.ndarray:
        if "z" not in self.known:
            signs = jax.random.rademacher(self.key, (self.samples, len(self.free)), dtype=jnp.int8)
            self.known["z"] = np.asarray(signs, np.float64)
        return self.known["z"]

    def _thirds(self, key: tuple[str, float], x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """T[x, y, ·] row by row, remembered."""
        if key not in self.known:
            dtype = self.site.zero.dtype
            third = derivatives.thirds(self.site, jnp.asarray(x, dtype), jnp.asarray(y, dtype))
            self.known[key] = np.asarray(third, np.float64)
        return self.known[key]

    def _gradients(self, rows: Rows) -> np.ndarray:
        return jets.gradients(self.site, rows) if isinstance(rows, Observable) else np.asarray(rows, np.float64)

    def _solved(self, name: str, b: np.ndarray, e: float) -> Sides:
        if (name, e) not in self.known:
            self.known[name, e] = self._sides(b, e)
        return self.known[name, e]

    def _sides(self, b: np.ndarray, e: float) -> Sides:
        return Sides(self._solve(b), self._solve(b, (1.0, -e / 4)) if e else None, e / 4)

    def _solve(self, b: np.ndarray, shift: tuple[float, float] = (0.0, 1.0)) -> Solved:
        found = krylov.solve(self.operator, b, shift, tolerance=self.tolerance)
        if found.lowest <= 0:
            raise _indefinite(found.lowest, self.t) if shift[0] == 0 else _unstable()
        sizes = np.linalg.norm(b, axis=1)
        relative = np.linalg.norm(found.residual, axis=1) / np.where(sizes > 0, sizes, 1)
        self.known["residual"] = max(self.known.get("residual", 0.0), float(relative.max(initial=0.0)))
        return found

    def _scale(self, *sides: Sides) -> Scale:
        """p_min of P, which errs to the low side where H ≥ 0 and γ > 0, and the rounding of its products."""
        floor = self.confinement * float(np.min(self.root) ** 2)
        met = min([self.lowest.value, *(s.inverse.lowest for s in sides)])
        return Scale(min(met, floor) if floor else met, self.highest.value + self.highest.residual, self._rounding)

    def _inexact(self, values: np.ndarray) -> np.ndarray:
        """An estimate of what inexact solutions change in a mean: κ (|r|/|b| + η) of the root mean square of its values."""
        scale = self._scale()
        relative = scale.most / scale.least * (self.known.get("residual", 0.0) + self._rounding)
        return relative * np.sqrt(np.mean(values**2, axis=-1))

    def _bounded_scale(self, e: float) -> Scale:
        """Of I − eP/4."""
        return Scale(1 - self._u(e) / 4, 1.0, self._rounding)

    @property
    def _rounding(self) -> float:
        return 4 * float(jnp.finfo(self.site.zero.dtype).eps)

    def _u(self, e: float) -> float:
        return e * (self.highest.value + self.highest.residual)

    def _e(self, epsilon: float) -> float:
        """εt; raises `BadInput` for a minibatch chain and an unstable step."""
        e = float(epsilon) * self.t
        if e and self.posterior.batch_size is not None:
            raise BadInput(
                "quadratic.iterative: the noise of minibatches needs a dense matrix equation; set batch_size=None, or use "
                "quadratic.curvature on at most 5000 weights."
            )
        if not (e >= 0 and self._u(e) < 4):
            raise _unstable(self._u(e))
        return e


def iterative(
    posterior: LocalPosterior,
    *,
    key: Key[Array, ""] | int = 0,
    samples: int = 64,
    preconditioner: Params | None = None,
    tolerance: float | None = None,
    microbatch: int | None = None,
    width: int = 32,
    steps: int = 80,
) -> Iterative:
    """P = D²L_n(w*) + γ/nβ on any number of weights, by its products.

    key, samples    the random vectors of traces; at least 8, since their scatter is the error
    preconditioner  the frozen diagonal D of `kernels.preconditioned`
    tolerance       of conjugate gradients: 1e-8 in float64 and 1e-5 in float32 unless given
    microbatch      how many examples are differentiated at once (None: all); width: how many directions at once
    steps           of Lanczos, for the ends of the spectrum

    Raises `BadInput` where Lanczos meets a direction in which P is not positive.
    """
    if samples < 8:
        raise BadInput(f"quadratic.iterative: a standard error takes at least 8 random vectors; samples is {samples}.")
    site, free = Site.of(posterior, microbatch, width), posterior.moving
    D = None if preconditioner is None else site.diagonal(preconditioner)
    c = float(posterior.gamma) / float(posterior.nbeta)
    key = jax.random.key(key) if isinstance(key, int) else key
    low, high = krylov.ends(key, _operator(site, np.ones(len(free)) if D is None else np.sqrt(D), c), steps)
    if not (np.isfinite(low.value) and np.isfinite(high.value)):
        raise BadInput(
            "quadratic.iterative: products with the Hessian at the centre are not finite; is the loss smooth there?"
        )
    if low.value <= 0:
        raise _indefinite(low.value, float(posterior.nbeta))
    if tolerance is None:
        tolerance = 1e-8 if site.zero.dtype == jnp.float64 else 1e-5
    return Iterative(posterior, free, D, key, low, high, samples, tolerance, steps, microbatch, width)


def _operator(site: Site, root: np.ndarray, c: float) -> Precision:
    dtype = site.zero.dtype
    return Precision(site, jnp.asarray(root, dtype), jnp.asarray(c, dtype))


def _over_samples(values: np.ndarray, bound: Any, dims: tuple[str, ...] = (), labels: Any = None) -> Estimate:
    """The mean over the last axis, its standard error and the bound added to it."""
    n = values.shape[-1]
    mean = values.mean(axis=-1)
    sem = values.std(axis=-1, ddof=1) / n**0.5 + bound
    return Estimate(mean, sem, np.full(mean.shape, float(n)), np.full(mean.shape, np.nan), dims, labels or {})


def _indefinite(value: float, t: float) -> BadInput:
    return BadInput(
        f"quadratic: P = D²L_n + γ/nβ is not positive definite: a direction has the curvature {value:.3g}; raise gamma by more "
        f"than {-value * t:.3g}, train further, or restrict the weights that move."
    )


def _unstable(u: float | None = None) -> BadInput:
    found = "" if u is None else f"; it is {u:.3g}"
    return BadInput(f"quadratic: a stationary law needs 0 ≤ ε nβ λ_max(P) < 4{found}: lower epsilon (`step`).")

"""One model with data weights, taken through the enclosed and the sampled layer: how far does a change of weights move ⟨φ⟩?

The statement under test is linear: along a direction c of the data weights, dμ/dh = `expected`, a formula with X or X⁺ in it.

    enclosed   the formula from certified covariances; the derivative from certified expectations at q ± hc
    sampled    the formula from a Metropolis-adjusted chain at q; then two further chains, at q + hc and q − hc with an h that moves
               the weights by a large share of themselves. What the finite h leaves in the difference comes from certified integrals

The model is a nonlinear regression y ≈ ux + vx² + uv/2 on five points with quartic terms in place of a prior: not Gaussian, no
symmetry, two weights, t = nβ = 3. The observables are u, v and uv.

Reading order: `MODEL`, `directed`, `Sample`, `sample`, `steps`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import sympy as sp
from flint import arb

from ledger.claim import Budget, Evidence, Figure, Series
from ledger.compare import combine, meets
from ledger.evidence import encloses
from numerics import patterning
from numerics.patterning import DataModel, step
from numerics.precision import digits

if TYPE_CHECKING:
    from sampler.diagnostics import Estimate

DIGITS = patterning.DIGITS
DRAWS = 250  # of each of 512 chains, on a quick budget
SEED = 5
u, v = sp.symbols("u v", real=True)
POINTS = (("-1", "1/2"), ("-1/2", "-1/3"), ("1/3", "1"), ("3/4", "1/4"), ("1", "-1/2"))
N = len(POINTS)


def _loss(x: sp.Rational, y: sp.Rational) -> sp.Expr:
    return sp.expand((y - u * x - v * x**2 - u * v / 2) ** 2 / 2 + (u**4 + v**4) / 8)


MODEL = DataModel(tuple(_loss(sp.Rational(x), sp.Rational(y)) for x, y in POINTS), (u, v, u * v), (u, v), sp.Integer(3))
BETA = MODEL.t / N
EVEN = (sp.Rational(1, N),) * N
EVEN_FLOATS = (1 / N,) * N
UNEVEN = tuple(sp.Rational(weight, 20) for weight in (2, 6, 4, 5, 3))


def directed(name: str, q: Sequence, c: Sequence, expected: Sequence[arb], model: DataModel = MODEL) -> Evidence:
    """dμ/dh along c at q from certified expectations, against the expected balls, observable by observable."""
    with digits(DIGITS):
        moved = model.derivative(tuple(q), c)
        return combine(
            [
                encloses(name, found, ball, observable=str(phi), direction=[str(sp.N(x, 8)) for x in c])
                for phi, found, ball in zip(model.phis, moved, expected, strict=True)
            ]
        )


@dataclass(frozen=True)
class Sample:
    """One run at given weights: traces of φ (chains, draws, k), of ℓ (chains, draws, n) and of the weights w of the model."""

    phi: Any
    losses: Any
    w: Any
    q: tuple[float, ...]

    @cached_property
    def fields(self) -> Any:
        """The control fields of the draws, of mean 0 under the chain's law, standardised."""
        import numpy as np

        from sampler import control

        return control.standardised(np.asarray(_fields()(self.w, np.asarray([self.q]))))

    @cached_property
    def _means(self) -> "list[Estimate]":
        from sampler import control

        return [control.mean(self.phi[..., j], self.fields) for j in range(self.phi.shape[-1])]

    def mean(self, j: int) -> "Estimate":
        return self._means[j]

    def covariance(self, j: int, c: Sequence[float]) -> "Estimate":
        """Cov(φ_j, Σ c_z ℓ_z)."""
        from sampler import control

        return control.cumulant([self.phi[..., j], self.losses @ [float(x) for x in c]], self.fields)

    def errors(self, c: Sequence[float]) -> list[float]:
        """Standard errors of Cov(φ_j, ℓ_c) without control variates, as they stand in X̂."""
        from sampler import diagnostics

        return [float(sem) for sem in diagnostics.covariance(self.phi, self.losses @ [float(x) for x in c]).sem]

    @cached_property
    def X(self) -> "Estimate":
        """X̂_jz = −Cov(φ_j, ℓ_z − Σ q ℓ) with plain standard errors (eq 31)."""
        from sampler import diagnostics

        return diagnostics.covariance(self.phi, self.losses - (self.losses @ list(self.q))[..., None]).scale(-1.0)


@lru_cache(maxsize=32)
def sample(q: tuple[float, ...], number: int, draws: int) -> Sample:
    """The run number `number` at weights q, by a chain whose law is the posterior itself; one compilation for all q."""
    return fresh_sample(q, number, draws, 512)


def fresh_sample(q: tuple[float, ...], number: int, draws: int, chains: int) -> Sample:
    """`sample` with any number of chains, and not kept."""
    import jax

    from sampler import chain

    _, kernel, observables = _compiled()
    key = jax.random.fold_in(jax.random.key(SEED), number)
    run = chain.run(
        key, kernel, _posterior([q]), chains=chains, draws=draws, burn_in=200, thin=2, observables=observables
    )
    return Sample(run.trace("phi"), run.trace("losses"), run.trace("w"), tuple(q))


@lru_cache(maxsize=1)
def _fields() -> Callable:
    """(draws of w, q) ↦ control fields, compiled once."""
    import jax

    from sampler import control

    # The data are the only leaf that is traced: `control.fields` reads the temperature as a number.
    (_, *constants), tree = jax.tree.flatten(_posterior([EVEN_FLOATS]))

    def field(w: Any, q: Any) -> Any:
        posterior = jax.tree.unflatten(tree, [q, *constants])
        return jax.vmap(jax.vmap(control.fields(_compiled()[1], posterior, degree=4)))(w)

    return jax.jit(field)


def _posterior(q: Any) -> Any:
    """The posterior at weights q, an array (1, n)."""
    import jax.numpy as jnp

    from sampler.posterior import LocalPosterior

    return LocalPosterior(_compiled()[0], jnp.asarray(q), jnp.zeros(len(MODEL.variables)), float(MODEL.t), 0.0)


@lru_cache(maxsize=1)
def _compiled() -> tuple:
    """The loss (w, q) ↦ Σ q_z ℓ_z(w), the kernel and the observables: the same objects for every run."""
    import jax.numpy as jnp

    from sampler.kernels.mala import mala
    from sampler.lower import lower, lower_loss

    labels = sp.symbols(f"q0:{N}", real=True)
    loss = lower_loss(MODEL.loss(labels), MODEL.variables, labels)
    phis = [lower(phi, MODEL.variables) for phi in MODEL.phis]
    losses = [lower(term, MODEL.variables) for term in MODEL.losses]
    observables = {
        "phi": lambda w: jnp.stack([f(w) for f in phis]),
        "losses": lambda w: jnp.stack([f(w) for f in losses]),
        "w": lambda w: w,
    }
    return loss, mala(0.5), observables


def exact(numbers: Any) -> tuple[sp.Rational, ...]:
    """Floats as the exact rational numbers that they are, so that chain and integrals see the same weights."""
    return tuple(sp.Rational(*float(x).as_integer_ratio()) for x in numbers)


def steps(
    name: str,
    q: Sequence,
    c: Sequence,
    h: sp.Rational,
    predicted: Sequence[tuple[float, float]],
    budget: Budget,
    number: int,
) -> Evidence:
    """(⟨φ⟩_{q+hc} − ⟨φ⟩_{q−hc})/2h from runs `number` and `number` + 1, against dμ/dh as (value, standard error) for each φ_j.

    The power is relative to the largest of the predicted changes.
    """  # fmt: skip
    draws = DRAWS * budget.effort
    high, low = (
        sample(tuple(map(float, step(tuple(q), c, sign * h))), number + i, draws) for i, sign in enumerate((1, -1))
    )
    with digits(DIGITS):
        far, near = MODEL.moved(tuple(q), c, h), MODEL.derivative(tuple(q), c)
        curvature = [float((a - b).mid()) for a, b in zip(far, near, strict=True)]
    scale = max(abs(value) for value, _ in predicted)
    parts = []
    for j, (value, error) in enumerate(predicted):
        ends = [run.mean(j) for run in (low, high)]
        measured = float(ends[1].mean - ends[0].mean) / (2 * float(h))
        sem = float(ends[0].sem ** 2 + ends[1].sem ** 2) ** 0.5 / (2 * float(h))
        result = meets(measured, (sem**2 + error**2) ** 0.5, value + curvature[j], scale=scale)
        data = {
            "z": result.z, "power_at": result.power_at, "measured": measured, "measured_sem": sem, "predicted": value,
            "predicted_sem": error, "curvature": curvature[j], "observable": str(MODEL.phis[j]), "h": float(h),
        }  # fmt: skip
        words = result.words(measured, sem, value + curvature[j])
        parts.append(Evidence(result.status, f"{name}: {words}", data, (_figure(name, q, c, h, j, value, ends),)))
    return combine(parts)


def _figure(name: str, q, c, h: sp.Rational, j: int, slope: float, ends) -> Figure:
    """⟨φ_j⟩ along q + hc: certified curve, sampled ends, predicted tangent."""
    grid = [h * sp.Rational(k, 3) for k in range(-3, 4)]
    curve = [float(MODEL.coordinates(step(tuple(q), c, x))[j].mid()) for x in grid]
    hs = tuple(float(x) for x in grid)
    return Figure(
        f"{name}: φ = {MODEL.phis[j]}",
        "h",
        "⟨φ⟩ at q + h dq",
        (
            Series("certified integrals", hs, tuple(curve), style="line"),
            Series("predicted tangent", hs, tuple(curve[3] + slope * x for x in hs), style="line"),
            Series(
                "sampled ± 1 s.e.",
                (hs[0], hs[-1]),
                tuple(float(end.mean) for end in ends),
                tuple(float(end.sem) for end in ends),
            ),
        ),
    )

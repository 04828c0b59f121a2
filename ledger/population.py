"""A finite data space: every data distribution is a vector, every average over data a sum, every posterior certified.

The sample space has K points with losses ℓ_1(w), …, ℓ_K(w) (polynomials), and q = counts/Σ counts. A data set that holds the points
with these counts has L_n = L: population and empirical posterior are then one, and both readings of a claim are tested at once.
Points with count 0 are held out: they can be probed, and mass can be moved to them.

A *direction* δ is a vector of K rationals, any signs, any sum: L^δ = Σ_k δ_k ℓ_k, and L_h = L + h L^δ belongs to q + hδ.

    derivative    dF/dh by a central difference of balls, its remainder estimated from a second one and allowed for in full
    Population    losses, counts, t = nβ; certified posterior, responses by definition, and Metropolis-adjusted runs

The responses by definition contain no covariance: they are what a covariance formula is tested against, by certified
integrals (`encloses`) and by the chain's covariances (`estimates`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import sympy as sp
from flint import arb

from ledger.claim import Budget, Evidence
from ledger.evidence import estimates
from numerics.perturbation import Perturbed
from numerics.posterior import Posterior
from numerics.precision import digits, rational

if TYPE_CHECKING:
    from sampler.diagnostics import Estimate
    from sampler.record import Run

DIGITS = 25
Direction = Sequence[sp.Rational | int]
_H = sp.Symbol("h", real=True)


@dataclass(frozen=True)
class Population:
    """K points with losses, frequencies and t = nβ; `centre` is w*, `observables` are recorded by every run by name."""

    name: str
    losses: tuple[sp.Expr, ...]
    counts: tuple[int, ...]
    variables: tuple[sp.Symbol, ...]
    t: int
    step: float
    observables: tuple[tuple[str, sp.Expr], ...] = ()
    digits: int = DIGITS
    centre: tuple[sp.Expr, ...] | None = None
    _known: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def size(self) -> int:
        return len(self.losses)

    @cached_property
    def q(self) -> tuple[sp.Rational, ...]:
        return tuple(sp.Rational(c, sum(self.counts)) for c in self.counts)

    @cached_property
    def loss(self) -> sp.Expr:
        """L = Σ_k q_k ℓ_k."""
        return self.along(self.q)

    @property
    def minimum(self) -> dict[sp.Symbol, sp.Expr]:
        """w*, by default the origin."""
        return dict(zip(self.variables, self.centre or (sp.S.Zero,) * len(self.variables), strict=True))

    @property
    def excess(self) -> sp.Expr:
        """K = L − L(w*)."""
        return sp.expand(self.loss - self.loss.subs(self.minimum))

    def along(self, delta: Direction) -> sp.Expr:
        """L^δ = Σ_k δ_k ℓ_k."""
        return sp.expand(sp.Add(*(d * f for d, f in zip(delta, self.losses, strict=True))))

    def centred(self, k: int) -> sp.Expr:
        """Δℓ_k = ℓ_k − L."""
        return sp.expand(self.losses[k] - self.loss)

    def towards(self, k: int) -> tuple[sp.Rational, ...]:
        """The direction δ_k − q: mass moves from q to the point k (§3.2 with q′ = δ_k)."""
        return tuple(sp.Integer(j == k) - mass for j, mass in enumerate(self.q))

    def posterior(self, delta: Direction | None = None, h: sp.Rational = sp.S.Zero) -> Posterior:
        """The certified posterior of q, or of q + hδ."""
        mass = self.q if delta is None else tuple(a + h * b for a, b in zip(self.q, delta, strict=True))
        if mass not in self._known:
            self._known[mass] = Posterior(self.along(mass), self.variables, self.t, digits=self.digits)
        return self._known[mass]

    def perturbed(self, delta: Direction, order: int = 1) -> Perturbed:
        """The posteriors of q + hδ as power series in h, to h^order."""
        return Perturbed(self.posterior(), self.along(delta), order)

    def response(self, phi: sp.Expr, delta: Direction) -> arb:
        """χ by definition: (1/nβ) d⟨φ⟩/dh along q + hδ, with nothing but moments at other h in it."""
        return self.perturbed(delta).susceptibility(phi)

    def sampled_response(
        self, name: str, delta: Direction, size: sp.Rational, claimed: arb, budget: Budget, mass: Any = 1
    ) -> Evidence:
        """(⟨φ⟩_h − ⟨φ⟩_{−h})/(2h nβ) from two runs at ±h = ±`size`, against the claimed χ.

        `name`: the recorded observable; `mass`: what (q + hδ) is divided by, an expression in h. What a finite h leaves beyond
        the derivative, h²χ″/6 + …, comes from certified means and goes into the prediction.
        """
        from sampler import diagnostics

        phi = dict(self.observables)[name]
        path = sp.Matrix([(a + _H * b) / mass for a, b in zip(self.q, delta, strict=True)])
        tangent = tuple(path.diff(_H).subs(_H, 0))

        def weights(at: sp.Rational) -> tuple[sp.Rational, ...]:
            return tuple(path.subs(_H, at))

        def certified(at: sp.Rational) -> arb:
            return Posterior(self.along(weights(at)), self.variables, self.t, digits=self.digits).expectation(phi)

        with digits(self.digits):
            finite = (certified(size) - certified(-size)) / arb(rational(2 * size * self.t))
            rest = finite - self.response(phi, tangent)
        up, down = (
            diagnostics.mean(self.run(budget, weights=weights(sign * size), seed=40 + sign, draws=400).trace(name))
            for sign in (1, -1)
        )
        scale = 2 * float(size) * self.t
        measured = replace(up, mean=(up.mean - down.mean) / scale, sem=(up.sem**2 + down.sem**2) ** 0.5 / scale)
        return estimates(f"χ({name}) by response", measured, float((claimed + rest).mid()), scale=float(claimed.mid()))

    def susceptibility(self, phi: sp.Expr, k: int) -> arb:
        """χ_k(φ) = −Cov(φ, ℓ_k − L), certified (eq 8)."""
        return -self.posterior().covariance(phi, self.centred(k))

    def run(self, budget: Budget, free: tuple[sp.Symbol, ...] | None = None, **settings: Any) -> "Run":
        """A Metropolis-adjusted run with every point as a probe; `free`: the variables that move, the rest clamped at w*.

        settings: `chains`, `draws` (of the quick budget), `seed`; `weights`, a vector that replaces q; `examples`: sample from the
        data set with the counts of q, example by example. Runs over q are kept, the last few, so that several claims
        can look at one.
        """
        run = _run.__wrapped__ if "weights" in settings else _run
        return run(self, budget, free or self.variables, tuple(sorted(settings.items())))


@lru_cache(maxsize=6)
def _run(population: Population, budget: Budget, free: tuple[sp.Symbol, ...], settings: tuple) -> "Run":
    import jax
    import jax.numpy as jnp

    from sampler import chain
    from sampler.kernels.mala import mala
    from sampler.lower import lower
    from sampler.posterior import LocalPosterior

    plan: dict[str, Any] = {"chains": 1024, "draws": 800, "seed": 3, "weights": population.q, "examples": False} | dict(
        settings
    )
    points = jnp.eye(population.size)
    # One example stands for any weights, signed ones too; a data set with the counts of q has the same L_n.
    data = jnp.asarray([[float(w) for w in plan["weights"]]])
    if plan["examples"]:
        data = jnp.repeat(points, jnp.asarray(population.counts), axis=0)
    mask = jnp.asarray(
        [variable in free for variable in population.variables]
    )  # given even if all move: one compilation
    centre = jnp.asarray([float(w) for w in population.minimum.values()])
    target = LocalPosterior(_loss(population), data, centre, population.t, 0.0, mask)
    return chain.run(
        jax.random.key(plan["seed"]),
        mala(population.step),
        target,
        chains=plan["chains"],
        draws=plan["draws"] * budget.effort,
        burn_in=300,
        thin=4,
        observables={name: lower(phi, population.variables) for name, phi in population.observables},
        probes=points,
    )


def losses_of(run: "Run") -> Any:
    """ℓ_z(w) of every point and draw, (chains, draws, points)."""
    assert run.probes is not None, "every run of a population has its points as probes"
    return run.kept(run.probes)


def changes(run: "Run") -> Any:
    """ℓ_z(w) − L(w) of every point and draw."""
    return losses_of(run) - run.kept(run.loss)[..., None]


def _loss(population: Population) -> Callable:
    """Σ_k e_k ℓ_k(w): the loss of the point k is that of the example e = (0, …, 1, …, 0)."""
    from sampler.lower import lower_loss

    labels = sp.symbols(f"e0:{population.size}", real=True)
    mixed = sp.Add(*(e * f for e, f in zip(labels, population.losses, strict=True)))
    return lower_loss(mixed, population.variables, labels)


def entry(estimate: "Estimate", *index: int) -> "Estimate":
    """One number of an array of estimates."""
    return replace(
        estimate,
        **{name: getattr(estimate, name)[index] for name in ("mean", "sem", "ess", "rhat")},
        dims=(),
        labels={},
    )


# ── an instance ───────────────────────────────────────────────────────────────────────────────────────────────────────

u, v, s = sp.symbols("u v s", real=True)
HALF, THIRD, QUARTER = (sp.Rational(1, k) for k in (2, 3, 4))


def curved_regression(
    points: Sequence[tuple[sp.Rational | int, sp.Rational | int]], bend: sp.Expr, linear: sp.Expr, x: sp.Symbol
) -> tuple[sp.Expr, ...]:
    """ℓ_{(x, y)}(w) = ½ (y − f(x; w))², f = linear(x; w) + bend(w): the negative log-likelihood of unit Gaussian noise."""
    return tuple((y - linear.subs(x, a) - bend) ** 2 / 2 for a, y in points)


_x = sp.Symbol("x", real=True)
# Three points of the data set with labels that make w* = 0 the minimum (the residuals are orthogonal to x and x²), two held out.
CURVED = Population(
    "curved regression",
    curved_regression(
        ((1, HALF), (-1, QUARTER), (2, -HALF), (-2, THIRD), (HALF, -1)),
        (u**2 + u * v + 2 * v**2) / 4, u * _x + v * _x**2, _x,
    ),
    (3, 2, 1, 0, 0), (u, v), t=4, step=0.25,
    observables=(("phi", u**2 - v), ("psi", v + u * v), ("u", u), ("v", v)),
)  # fmt: skip
PHI, PSI = (phi for _, phi in CURVED.observables[:2])
TRAINED = (0, 1, 2)
HELD_OUT = (3, 4)

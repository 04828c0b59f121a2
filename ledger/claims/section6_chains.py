"""Section 6.4: the chains that estimate. SGLD on a component, localised at w*, with the other weights clamped.

    v ← v − (ε/2)[nβ ∇_v L_m(u*, v) + γ(v − v*)] + √ε ξ,   ξ ∼ N(0, I),   u = u*

Its target is exp{−nβ L_n(u*, v) − (γ/2)|v − v*|²} on C, reached as ε → 0. At a finite step the chain has a law of its own, known
to any order (`theory.langevin`), and it is this law that a sample must meet; the table shows the z of the target beside it.

The instance is a regression with three weights, f_w(x) = u (v₁x + v₂x² + v₁²x³/4), four data points, realisable at
w* = (1, 1, ½); C is (v₁, v₂).

Reading order: the model, `derive`, `enclose`, `sample`.
"""

from functools import cache

import sympy as sp
from flint import arb

from ledger.claim import Budget, Claim, Evidence
from ledger.compare import combine, meets
from ledger.evidence import encloses, estimates, vanishes
from numerics import extrapolate
from numerics.posterior import Posterior, means
from numerics.precision import digits
from theory import langevin, laplace

u, a, b = sp.symbols("u v1 v2", real=True)
INPUTS = tuple(map(sp.Rational, ("-1", "1/2", "1", "-3/2")))
CENTRE = {u: sp.S.One, a: sp.S.One, b: sp.Rational(1, 2)}
COMPONENT = (a, b)
GAMMA = sp.Integer(3)
HALF = sp.Rational(1, 2)
STEP = sp.Rational(1, 3)
ORDER = 7
T = 40


def model(x: sp.Expr) -> sp.Expr:
    """f_w(x) = u (v₁x + v₂x² + v₁²x³/4)."""
    return u * (a * x + b * x**2 + a**2 * x**3 / 4)


def losses() -> tuple[sp.Expr, ...]:
    """ℓ_z(w) = ½ (f_w(x_z) − f_{w*}(x_z))²."""
    return tuple((model(x) - model(x).subs(CENTRE)) ** 2 / 2 for x in INPUTS)


def component_loss() -> sp.Expr:
    """L_n(u*, v)."""
    return sp.expand(sp.Add(*losses()).subs(u, CENTRE[u]) / len(INPUTS))


def localisation() -> sp.Expr:
    """exp{−(γ/2)|v − v*|²}."""
    return sp.exp(-GAMMA * sum(((v - CENTRE[v]) ** 2 for v in COMPONENT), sp.S.Zero) / 2)


OBSERVABLES = {"g": component_loss(), "v₁ − v₁*": a - CENTRE[a]}
AT = tuple(CENTRE[v] for v in COMPONENT)


@cache
def chain_series(name: str, gamma: sp.Expr = GAMMA, step: sp.Expr = STEP) -> tuple[sp.Expr, ...]:
    return langevin.expectation(component_loss(), OBSERVABLES[name], COMPONENT, e=step, order=ORDER, at=AT, gamma=gamma)


def target_series(name: str, order: int = ORDER) -> tuple[sp.Expr, ...]:
    return laplace.expectation(component_loss(), OBSERVABLES[name], COMPONENT, order=order, at=AT, prior=localisation())


def derive(drift: sp.Expr = HALF) -> Evidence:
    """The generator of one step leaves exp(−U) in place, U = nβL + (γ/2)|v − v*|²; the chain's series at ε → 0 is the target's.

    (E f(v′) − f(v))/ε → ½Δf − drift ∇U·∇f, and e^{−U} times it is the divergence of ½e^{−U}∇f for drift ½: its integral is 0.
    """
    eps, gamma, t, x, y = sp.symbols("epsilon gamma t x y", positive=True)
    xi, eta = sp.symbols("xi eta", real=True)
    loss, f = (sp.Function(name)(x, y) for name in ("L", "f"))
    U = t * loss + gamma * (x**2 + y**2) / 2
    # One step to first order in ε: √ε ξ in each coordinate; E ξ² = 1, E ξ = 0.
    moved = sum(
        (sp.diff(f, v) * (-eps * drift * sp.diff(U, v) + sp.sqrt(eps) * n) for v, n in ((x, xi), (y, eta))), sp.S.Zero
    ) + sum(
        (sp.diff(f, v, w) * eps * n * m / 2 for v, n in ((x, xi), (y, eta)) for w, m in ((x, xi), (y, eta))), sp.S.Zero
    )
    mean = sp.expand(moved).subs({xi**2: 1, eta**2: 1}).subs({xi: 0, eta: 0})
    flow = sum((sp.diff(sp.exp(-U) * sp.diff(f, v), v) for v in (x, y)), sp.S.Zero) / 2
    e = sp.Symbol("e")
    limits = {
        f"{name}, t^−{k}": sp.limit(c, e, 0) - target
        for name in OBSERVABLES
        for k, (c, target) in enumerate(zip(chain_series_in(name, e, 2), target_series(name, 2), strict=True))
    }
    differences = {"generator": sp.simplify(mean / eps * sp.exp(-U) - flow), **limits}
    return vanishes(
        "SGLD on C",
        differences,
        "the generator is a divergence under exp(−U); the chain's series at ε → 0 is the target's",
    )


def chain_series_in(name: str, e: sp.Symbol, order: int) -> tuple[sp.Expr, ...]:
    """The chain's series with the step a symbol."""
    return langevin.expectation(component_loss(), OBSERVABLES[name], COMPONENT, e=e, order=order, at=AT, gamma=GAMMA)


def enclose() -> Evidence:
    """Certified integrals over C at u = u*: ⟨φ⟩ under the target, coefficient by coefficient."""
    parts = []
    with digits(30):
        for name in OBSERVABLES:
            found = extrapolate.coefficients(lambda t, name=name: _means(t)[name], order=2, target_digits=15)
            expected = target_series(name, 2)
            parts += [encloses(f"{name}, t^−{k}", found[k].ball, expected[k]) for k in (1, 2)]
    return combine(parts)


@cache
def _means(t: int) -> dict[str, arb]:
    return means(Posterior(component_loss(), COMPONENT, t, prior=localisation(), digits=30), OBSERVABLES)


def sample(budget: Budget, gamma: sp.Expr = GAMMA) -> Evidence:
    """One run of the clamped chain: ⟨g⟩ and ⟨v₁⟩ against the discrete law, and the virial identity, exact at any step."""
    import jax
    import jax.numpy as jnp

    from sampler import chain, control, diagnostics
    from sampler.kernels.sgld import sgld
    from sampler.lower import lower
    from sampler.posterior import LocalPosterior

    kernel = sgld(float(STEP) / T)
    posterior = LocalPosterior(
        _regression, jnp.asarray([float(x) for x in INPUTS]), {"u": jnp.ones(()), "v": jnp.asarray([1.0, 0.5])}, T,
        float(GAMMA), mask={"u": False, "v": True},
    )  # fmt: skip
    phis = {name: lower(phi, COMPONENT) for name, phi in OBSERVABLES.items()}
    run = chain.run(
        jax.random.key(64), kernel, posterior, chains=512, draws=600 * budget.effort, burn_in=400, thin=4,
        observables={
            **{name: (lambda w, f=f: f(w["v"])) for name, f in phis.items()},
            "u": lambda w: w["u"],
            "fields": control.fields(kernel, posterior, degree=4),
            "identity": lambda w: _virial(posterior, kernel, w),
        },
    )  # fmt: skip
    parts = [_meets_the_chain(name, control.mean(run.trace(name), run.trace("fields")), gamma) for name in OBSERVABLES]
    virial = diagnostics.mean(run.trace("identity"))
    parts.append(estimates("(v−v*)·ĝ − (ε/4)|ĝ|²", virial, float(len(COMPONENT))))
    moved = float(abs(run.trace("u") - 1.0).max())
    parts.append(vanishes("clamped", {"u − u*": 0 if moved == 0 else sp.Float(moved)}, "u did not move"))
    return combine(parts)


def _regression(w, x):
    """ℓ_z(w) as a network would be written: parameters and one example."""
    v = w["v"]

    def f(u, v1, v2):
        return u * (v1 * x + v2 * x**2 + v1**2 * x**3 / 4)

    return (f(w["u"], v[0], v[1]) - f(1.0, 1.0, 0.5)) ** 2 / 2


def _virial(posterior, kernel, w):
    """(v − v*)·ĝ − (ε/4)|ĝ|², whose mean is the number of weights that move, at any step."""
    from sampler.posterior import dot

    _, gradient = posterior.value_and_gradient(w, posterior.data)
    return dot(posterior.displacement(w), gradient) - kernel.epsilon / 4 * dot(gradient, gradient)


def _meets_the_chain(name: str, estimate, gamma: sp.Expr) -> Evidence:
    def total(series: tuple[sp.Expr, ...]) -> float:
        return float(sum((c / sp.Integer(T) ** k for k, c in enumerate(series)), sp.S.Zero))

    law, target = chain_series(name, gamma), target_series(name)
    truncation = abs(float(law[-1])) / T**ORDER
    away = meets(float(estimate.mean), float(estimate.sem), total(target), truncation=truncation).z
    known = {"z_target": away, "t": T, "step": str(STEP), "gamma": str(GAMMA)}
    return estimates(f"⟨{name}⟩_C", estimate, total(law), truncation=truncation, **known)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "§6.4",
        ("§6.4",),
        "6.4",
        "SGLD on C with u clamped and localisation γ targets exp{−nβL_n − (γ/2)|w − w*|²} on C as ε → 0; at step ε = e/t its law "
        "is that of the discrete chain, order by order, with E[(v − v*)·ĝ] = d + (ε/4)E|ĝ|² exactly",
        lambda _: derive(),
        lambda _: enclose(),
        sample,
    ),
)

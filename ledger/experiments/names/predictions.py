"""What the loss of a query does when data change weight by h, predicted at w*: order by order, damped, and sampled.

Two roads lead from w* = w(0) to w*(h) = w(1), and both have power series, w = w* + s w₁ + s² w₂ + …:

    in the weight     ∇L_{sh}(w(s)) = 0                   w₁ = −H⁻¹ b,  b = ∇L_h(w*):        the influence function
    about Newton      ∇L_h(w(s)) = (1 − s) ∇L_h(w*)       w₁ = −(∇²L_h(w*))⁻¹ b:             one Newton step with the changed data

In the second the curvature that an example takes away with it (its leverage) is in every order; the first expands in that, too.
The term of order k comes from those before it, one linear system each: the coefficient of s^k in the equation, w_k left out, is
−∇²L w_k. φ(w(s)) is expanded likewise. The sum of two orders is the answer; its stated error is what the third is, and what would
follow if the series went on like a geometric one:

    |φ₃| + |a|_{H⁻¹} |w₃|_H r/(1 − r),     r = max(|w₂|_H/|w₁|_H, |w₃|_H/|w₂|_H),     a = ∇φ, |x|_H² = xᵀHx

and there is no answer where r > ½.

The Bayesian influence function is sampled in the coordinates y, w = w* + R⁻¹y with RᵀR = H + λQQᵀ + ρ, in which all curvatures at
w* are 1: plain SGLD needs thousands of steps to cross the flattest directions of w, and a few in y. The loss gets (ρ/2)|w − w*|²,
which localises, and (λ/2)|Qᵀ(w − w*)|² (see `newton`). To leading order in 1/nβ the chain of step ε then gives the damped
influence function times 1/(1 − u/4), u = ε nβ, exactly (Lemma 20 for the chain, `sampler.quadratic`).

What R-hat does not see. Directions that are flat at w* are the ones that y stretches most, and away from w* they may be the
stiffest: with three layers and 120 examples the largest curvature where chains were was 100 to 250 times that at w*, and stable
there is u < 4/100. Such chains are thrown back and forth at each step and mix at once; their spread is made by the step and does
not shrink with 1/nβ. (At nβ = 10 n, u = ½: slope 31 ± 15 on the leading order, 4.6 times the energy, R-hat 1.02; u = 1/20: 1.4 ±
0.4, and 1.00.) Two numbers, both 1 for the quadratic law of the chain, tell it:

    energy      nβ⟨L − L*⟩ / [½d/(1 − u/4)]
    curvature   4x/(1 + x)/u,  x = E[square]/d of the virial identity: the curvature that steps meet (`sampler.diagnosis`)

Functions: `series`, `influences`, `sampled`.
"""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from math import factorial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

from ledger.experiments.names.newton import Frame, solve
from ledger.experiments.names.problem import Problem, Setting, problem, slopes, with_weights
from sampler import chain
from sampler.influence import influence
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

ORDERS = 3


def influences(*, setting: Sequence[Any], w: np.ndarray, H: np.ndarray, dampings: Sequence[float]) -> dict[str, Any]:
    """dφ_q/dh_i = −(1/n) a_q(H + ρ)⁻¹∇ℓ_i for every query and example, (dampings, queries, n), and the seconds of each.

    plain: −(1/n) a_q·∇ℓ_i, without a Hessian.
    """
    p = problem(Setting(*setting))
    a, b = (np.asarray(slopes(p.ell, p.unravel, jnp.asarray(w), part)) for part in (p.queries, p.data))
    found, seconds = [], []
    for damping in dampings:
        began = time.process_time()
        found.append(-cho_solve(cho_factor(H + damping * np.eye(len(H))), a.T).T @ b.T / p.setting.n)
        seconds.append(time.process_time() - began)
    return {"influence": np.array(found), "plain": -a @ b.T / p.setting.n, "seconds": np.array(seconds)}


def series(*, setting: Sequence[Any], at: Sequence[np.ndarray], h: np.ndarray, newton: bool) -> dict[str, Any]:
    """The terms of φ_q(w*(h)) − φ_q(w*) of orders 1, 2 and 3 for each row of h, (3, rows, queries); in the weight, or about Newton.

    "error" (rows, queries): the stated error of the first two; "ratio" (rows,): r, infinite where ∇²L_h(w*) is not positive.
    """
    p, known, began = problem(Setting(*setting)), Frame(*at), time.process_time()
    a = np.asarray(slopes(p.ell, p.unravel, jnp.asarray(known.w), p.queries))
    reach = np.sqrt(np.einsum("qi,iq->q", a, cho_solve(cho_factor(known.H), a.T)))
    terms, ratio, error = (
        np.full((ORDERS, len(h), len(a)), np.nan),
        np.full(len(h), np.inf),
        np.full((len(h), len(a)), np.inf),
    )
    for i, row in enumerate(h):
        try:
            curve = _curve(p, known, row, newton=newton)
        except BadInput:
            continue
        terms[:, i] = [np.asarray(_answer(p.ell, p.unravel, k, curve, p.queries)) for k in range(1, ORDERS + 1)]
        one, two, three = known.size(curve[1:])
        r = ratio[i] = max(two / one, three / two) if one else 0.0
        error[i] = np.abs(terms[-1, i]) + reach * three * (r / (1 - r) if r < 1 else np.inf)
    return {"terms": terms, "error": error, "ratio": ratio, "seconds": time.process_time() - began}


def _curve(p: Problem, at: Frame, h: Float[np.ndarray, " n"], *, newton: bool) -> Float[np.ndarray, "4 d"]:
    """w*, w₁, w₂, w₃."""
    data, changed = with_weights(p), with_weights(p, h)
    end = changed if newton else data  # whose Hessian stands at w_k, and where the equation begins
    b = at.gradient(p, at.w, changed)
    curve = np.array([at.w, *np.zeros((ORDERS, len(b)))])
    for k in range(1, ORDERS + 1):
        if k == 1:
            source = b - (0 if newton else at.gradient(p, at.w, data))
        else:
            source = np.asarray(_equation(p.weighted, p.unravel, k, curve[:k], (end, changed)))
        curve[k], _ = solve(p, at, at.w, end, -source, accuracy=1e-8)
    return curve


def _coefficient(f: Callable[[Array], Array], order: int) -> Array:
    """The coefficient of s^order of f at 0."""

    def derivative(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
        return lambda s: jax.jvp(f, (s,), (jnp.ones_like(s),))[1]

    for _ in range(order):
        f = derivative(f)
    return f(jnp.zeros(())) / factorial(order)


def _along(curve: Float[Array, "k d"], s: Array) -> Float[Array, " d"]:
    """w* + s w₁ + s² w₂ + …"""
    w = curve[-1]
    for earlier in reversed(curve[:-1]):
        w = s * w + earlier
    return w


@partial(jax.jit, static_argnums=(0, 1, 2))
def _equation(
    weighted: Callable, unravel: Callable, order: int, curve: Float[Array, "k d"], data: tuple[Any, Any]
) -> Float[Array, " d"]:
    """The coefficient of ∇L, of weights that go from those of data[0] to those of data[1], along a curve that stops before this
    order. About Newton both are the changed ones."""

    def gradient(s: Array) -> Array:
        examples = (*data[0][:-1], (1 - s) * data[0][-1] + s * data[1][-1])

        def loss(w: Array) -> Array:
            return jnp.mean(jax.vmap(weighted, in_axes=(None, 0))(unravel(w), examples))

        return jax.grad(loss)(_along(curve, s))

    return _coefficient(gradient, order)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _answer(
    ell: Callable, unravel: Callable, order: int, curve: Float[Array, "k d"], queries: Any
) -> Float[Array, " queries"]:
    """The coefficient of φ_q along the curve."""
    return jax.vmap(lambda q: _coefficient(lambda s: ell(unravel(_along(curve, s)), q), order))(queries)


def sampled(
    *, setting: Sequence[Any], at: Sequence[np.ndarray], t: float, rho: float, u: float, size: tuple[int, int, int, int],
    checkpoint: Any = None, progress: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """The Bayesian influence function: dφ_q/dh_i ≈ −(t/n) Cov(φ_q, ℓ_i) under SGLD at nβ = t, for every example.

    mean, sem, (queries, n), and what the chains say of themselves (energy, curvature: see the module). u = εt, the step in units of
    the curvature in y; size: chains, draws, burn-in, thinning.
    """
    p, known, began = problem(Setting(*setting)), Frame(*at), time.process_time()
    local, ell, queries = _in_y(p.setting, known.w.tobytes(), known.H.tobytes(), known.held.tobytes(), rho)
    posterior = LocalPosterior(local, p.data, jnp.zeros(len(known.w), jnp.float32), t, 0.0)
    chains, draws, burn_in, thin = size
    run = chain.run(
        0, sgld(u / t), posterior, chains=chains, draws=draws, burn_in=burn_in, thin=thin,
        observables={"queries": queries}, probes=p.data, probe_loss=ell, checkpoint=checkpoint, progress=progress,
    )  # fmt: skip
    found = influence(run, "queries", centred=False).scale(t / p.setting.n)
    about, heat, d = run.mean("queries"), llc(run), len(known.w)
    x = float(np.mean(run.kept(run.square))) / d
    return {
        "mean": found.mean, "sem": found.sem, "rhat": np.nanmax(about.rhat), "ess": np.nanmin(about.ess),
        "virial": run.stationarity(), "seconds": time.process_time() - began, "finite": run.finite.mean(),
        "energy": heat.mean * (2 - u / 2) / d, "energy_sem": heat.sem * (2 - u / 2) / d, "curvature": 4 * x / (1 + x) / u,
    }  # fmt: skip


@lru_cache(maxsize=2)
def _in_y(setting: Setting, w: bytes, H: bytes, held: bytes, rho: float) -> tuple[Callable, Callable, Callable]:
    """ℓ with what localises, ℓ, and the losses of the queries, as functions of y (`sampled`).

    Arrays come as bytes, which compare by what they hold: all temperatures get the same functions, and share one program.
    """
    p, centre = problem(setting), np.frombuffer(w)
    d = len(centre)
    root = cholesky(np.frombuffer(H).reshape(d, d) + rho * np.eye(d))
    inverse = jnp.asarray(solve_triangular(root, np.eye(d)), jnp.float32)
    centre, held_ = (jnp.asarray(x, jnp.float32) for x in (centre, np.frombuffer(held).reshape(d, -1)))

    def moved(y: Array) -> Any:
        # All examples share this product: it is one for the batch.
        return p.unravel(centre + inverse @ y)

    def ell(y: Array, example: Any) -> Array:
        return p.ell(moved(y), example)

    def local(y: Array, example: Any) -> Array:
        away = inverse @ y
        near = p.setting.decay * jnp.sum((centre + away) ** 2) + rho * jnp.sum(away**2) + jnp.sum((away @ held_) ** 2)
        return ell(y, example) + near / 2

    def queries(y: Array) -> Array:
        return jax.vmap(ell, in_axes=(None, 0))(y, tuple(map(jnp.asarray, p.queries)))

    return local, ell, queries

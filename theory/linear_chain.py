"""Quadratic losses with batches of any size: the stationary law exactly, at every t, nothing expanded.

For ℓ_z = ½ wᵀH_z w + b_z·w + … the step with a batch mean is linear in w with random coefficients,

    w' = w − (e/2) D (∇ℓ_batch + (γ/t) w) + √(e/t) D^{1/2} ξ = A_batch w + β_batch + noise,

and maps polynomials of degree r to such: the moments of degree ≤ r solve one finite linear system each (`theory.recursion` with
h^0 alone). This covers B = O(1), where the noise of the batch moves w by O(1), the law is not Gaussian at any order, and no
expansion in 1/t exists.

* All H_z alike: A is fixed, and every cumulant tensor of the law is given by that of one kick,

      X_r = A^{⊗r} X_r + κ_r(kick),        d = 1:  κ_r(w) = κ_r(kick)/(1 − a^r)                   (`linear_chain_cumulants`)

* H_z different: moments only (`expectation`), and only the low ones exist. That of even degree r is finite iff the spectral
  radius of E[A^{⊗r}] on symmetric tensors is below 1 (decided exactly); beyond, the law has a power-law tail (Kesten 1973), and
  the moment is refused.

Not covered: B = O(1) for losses that are not quadratic. There e is the only small parameter.

Reading order: `expectation`, `linear_chain_cumulants`, `kick_cumulants` (public).
"""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement, product
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import exact, jets, point
from theory.langevin import Step, minibatch
from theory.rational import lowest_terms
from theory.recursion import Recursion, Stage, stable, unit

Cumulants = Mapping[tuple[int, ...], sp.Expr]


def expectation(
    losses: Sequence[sp.Expr], phi: sp.Expr, variables: Sequence[sp.Symbol], *, e: Any, t: Any, batch: int,
    replacement: bool = True, gamma: Any = 0, preconditioner: Any = None,
) -> sp.Expr:  # fmt: skip
    """E φ under the stationary law, exactly: φ a polynomial, each batch `batch` of the equally likely quadratic `losses`.

    e, t: the step is ε = e/t at inverse temperature t; gamma: localisation γ|w|²/2 at the origin; replacement: whether a
    loss can occur twice in a batch. Raises `BadInput` where a loss is not quadratic, or where the moments that φ needs
    do not exist: for odd degree this is decided by the next even one.
    """
    v, e, t, gamma, phi = tuple(variables), exact(e), exact(t), exact(gamma), exact(phi)
    for loss in losses:
        if not loss.is_polynomial(*v) or sp.Poly(loss, *v).total_degree() > 2:
            raise BadInput(f"the exact law needs quadratic losses; {loss} is not one")
    if not phi.is_polynomial(*v):
        raise BadInput(f"the exact law gives the moments of polynomials; {phi} is not one in {', '.join(map(str, v))}")
    degree = sp.Poly(phi, *v).total_degree()
    even = degree + degree % 2
    scaling = sp.eye(len(v)) if preconditioner is None else sp.Matrix(preconditioner).applyfunc(exact)
    noise = minibatch(losses, v, ratio=t / batch, order=even, batch=None if replacement else batch)
    noise = {indices: value for indices, value in noise.items() if value != 0}
    mean = sp.Add(*losses) / len(losses) + gamma / t * sp.Add(*(a**2 for a in v)) / 2
    expressions = [mean, phi, *noise.values()]
    orders = [2, degree, *map(len, noise)]
    taylor = jets(expressions, v, point(v, None), orders, extra=[e, t, *scaling])
    convert = taylor.domain.from_sympy
    loss_part, observable, *parts = (taylor.ring.add(list(graded)) for graded in taylor.parts)
    step = Step(taylor.ring, convert(e), [[convert(c) for c in row] for row in scaling.tolist()])
    # at fixed t in w itself: covariance e D/t, r-th cumulant t^{1−r} of what is divided by t
    given = {source: [part * convert(t ** (1 - len(source)))] for source, part in zip(noise, parts, strict=True)}
    kappa = step.conditional_cumulants([loss_part], {})
    for alpha in [unit(len(v), pair) for pair in combinations_with_replacement(range(len(v)), 2)]:
        kappa[alpha] = [kappa[alpha][0] * convert(1 / t)]
    for source, series in given.items():
        for target in combinations_with_replacement(range(len(v)), len(source)):
            alpha, weight = unit(len(v), target), step.contraction(target, source)
            known = kappa.get(alpha, [taylor.ring.zero])
            kappa[alpha] = [known[0] + series[0] * weight]
    chain = Recursion(taylor, [Stage(taylor.ring, kappa, lambda _: 1)], [], 0, symmetric=False)
    _refuse_heavy_tails(chain, even)
    return taylor.expr(chain.mean([observable])[0])


def _refuse_heavy_tails(chain: Recursion, degree: int) -> None:
    """Even moments exist iff E[A^{⊗r}] is a contraction; that of degree r implies those below."""
    for r in range(2, degree + 1, 2):
        matrix = chain.leading(r)
        if stable(sp.Matrix([[chain.jets.expr(c) for c in row] for row in matrix.to_list()])) is False:
            raise BadInput(
                f"the stationary law has no moment of degree {r}: batches of different curvature give it a power-law tail; "
                "take a smaller step e or a larger batch"
            )


def linear_chain_cumulants(matrix: Any, kick: Cumulants, order: int) -> dict[tuple[int, ...], sp.Expr]:
    """The cumulants κ(w_i, w_j, …) of the law of w' = A w + kick up to `order`, from those of the kick, independent of w.

    kick[(i, j, …)], sorted indices; absent ones are 0. Raises `BadInput` unless the eigenvalues of A lie inside the unit circle.
    """
    A = sp.Matrix(matrix).applyfunc(exact)
    if stable(A) is False:
        raise BadInput(f"the linear chain with matrix {A.tolist()} has no stationary law: an eigenvalue has size ≥ 1")
    d, found = A.rows, {}
    for r in range(1, order + 1):
        indices = list(combinations_with_replacement(range(d), r))
        unknown = {i: sp.Dummy() for i in indices}
        equations = []
        for i in indices:
            moved = sp.Add(
                *(
                    sp.Mul(*(A[a, b] for a, b in zip(i, j, strict=True)), unknown[tuple(sorted(j))])
                    for j in product(range(d), repeat=r)
                )
            )
            equations.append(unknown[i] - moved - exact(kick.get(i, 0)))
        (solution,) = sp.linsolve(equations, list(unknown.values()))
        found |= {i: lowest_terms(value) for i, value in zip(indices, solution, strict=True)}
    return found


def kick_cumulants(
    losses: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, e: Any, t: Any, batch: int, order: int,
    replacement: bool = True,
) -> dict[tuple[int, ...], sp.Expr]:  # fmt: skip
    """κ_r of −(e/2) ∇ℓ_batch + √(e/t) ξ less its linear part, for losses of one Hessian: what `linear_chain_cumulants` takes."""
    v, e, t = tuple(variables), exact(e), exact(t)
    noise = minibatch(losses, v, ratio=t / batch, order=order, batch=None if replacement else batch)
    mean = sp.Add(*losses) / len(losses)
    found = {(i,): -e / 2 * sp.diff(mean, a).subs(dict.fromkeys(v, 0)) for i, a in enumerate(v)}
    for indices, value in noise.items():
        if value.has(*v):
            raise BadInput("losses of different curvature give kicks that depend on the place; use expectation")
        r = len(indices)
        heat = e / t if r == 2 and indices[0] == indices[1] else 0
        found[indices] = (-e / 2) ** r * t ** (1 - r) * value + heat
    return found


__all__ = ["expectation", "kick_cumulants", "linear_chain_cumulants"]

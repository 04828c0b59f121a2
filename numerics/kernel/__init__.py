"""The stationary law of SGLD at a finite step, from the chain itself: its transition on a grid, solved for law and correlations.

Idea. The chain w' = w − (ε/2) D g(w) + √ε D^{1/2} ξ, ε = e/t, has no density in closed form, but in one and two variables its
transition can be written down on a grid (`kernel.transition`), and then everything is linear algebra:

    the law              π = πP
    expectations         E φ = Σ π φ
    lags                 Cov(φ(w_k), ψ(w_0)) = Σ π ψ̃ P^k φ̃,                      φ̃ = φ − Eφ
    long-run variances   Σ_{k∈Z} Cov(φ(w_{sk}), ψ(w_0)) = Σ π (ψ̃ u_φ + φ̃ u_ψ − φ̃ψ̃),    (1 − P^s) u_φ = φ̃
    burn-in              E[φ(w_k) | w_0 = w*] = (P^k φ)(w*)

No expansion in 1/t or e is made, no Gaussian shape assumed: a road to the law that shares nothing with `theory.langevin`.

**What is proved and what is estimated.** Nothing here is proved. Every number is a ball whose radius is an *estimated* error: the
same number from a coarser grid and from a narrower box, `law.SAFETY` times the two changes added up. Both errors fall exponentially
with the squares of the fineness and the width, so the changes far exceed the errors of the number itself, which is of the finest.

Solving. Doubles factorise I − P + 1cᵀ; corrections from residuals in balls then bring the digits of the current precision. In two
variables with gradient noise the matrix itself is in doubles and so are the results.

Reading order: `stationary`; `law.Kernel`, what it answers; `transition`, one step on a grid; `grids`, how fine and how wide;
`chains`, what is taken; `points`, expressions on a grid.
Reference: K. E. Atkinson, "The Numerical Solution of Integral Equations of the Second Kind" (1997), chapter 4 (Nyström's method).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from numerics.kernel.chains import batches_of, frame_of, preconditioner_of, refuse_far_growth
from numerics.kernel.grids import three_grids
from numerics.kernel.law import Kernel
from numerics.kernel.transition import Step
from theory.errors import BadInput
from theory.jets import exact
from theory.langevin import refuse_unstable
from theory.minimum import locate


def stationary(
    loss: sp.Expr, variables: sp.Symbol | Sequence[sp.Symbol], t: Any, e: Any, *, at: Any = None, gamma: Any = 0,
    noise: Mapping[tuple[int, ...], sp.Expr] | None = None, losses: Sequence[sp.Expr] | None = None, batch: int | None = None,
    preconditioner: Any = None, spread: Sequence[float] | None = None,
) -> Kernel:  # fmt: skip
    """The chain with step ε = e/t for U = tL + (γ/2)|w − w*|², in one or two variables, at the current precision.

    noise[(i, j)]: Gaussian gradient noise of covariance t G_ij(w), as in `theory.langevin`. Or losses and batch: g is t times the
    mean gradient of `batch` of the equally likely `losses`, drawn with replacement; their mean must be `loss`. preconditioner: D,
    constant, symmetric, positive definite. spread: rough standard deviations of t^{1/2}(w − w*) in the frame of D^{1/2}HD^{1/2},
    for losses whose Hessian at w* does not tell.

    Raises `BadInput` for an unstable chain, for gradients that grow faster than linearly (the explicit chain then has no stationary
    law), for three variables or more, and for a grid that would need more than `grids.MOST_POINTS` points.
    """
    variables = (variables,) if isinstance(variables, sp.Symbol) else tuple(variables)
    if len(variables) not in (1, 2):
        raise BadInput(f"the kernel is discretised in one or two variables; there are {len(variables)}")
    loss, t, e, gamma = exact(loss), exact(t), exact(e), exact(gamma)
    if not (t.is_positive and e.is_positive):
        raise BadInput(f"the kernel needs t > 0 and a step e > 0; they are {t} and {e}")
    where = locate(loss, variables, at)
    D = preconditioner_of(preconditioner, len(variables))
    hessian = sp.hessian(loss, variables).subs(where)
    refuse_unstable(D, hessian, e)
    frame, curvatures = frame_of(D, hessian)
    batches = batches_of(loss, losses, batch, noise, len(variables))
    if spread is not None and (len(spread) != len(variables) or not min(spread) > 0):
        raise BadInput(
            f"`spread` is one positive number for each of the {len(variables)} variables; it was given {spread}"
        )
    step = Step(
        loss, variables, tuple(sp.sympify(where[v]) for v in variables), t, e, gamma, frame, dict(noise or {}), *batches
    )
    refuse_far_growth(step)
    return Kernel(step, three_grids(step, curvatures, spread))


__all__ = ["Kernel", "stationary"]

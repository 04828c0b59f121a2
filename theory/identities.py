"""Identities that hold exactly for the stationary discrete chain, at any step, batch size, loss and temperature.

The chain w' = w − (ε/2) D g + √ε D^{1/2} ξ, with g the gradient that the step really used (a minibatch's, localisation included)
and ξ ~ N(0, I) independent of (w, g), leaves its law unchanged. So for every polynomial f of v = w − w*

    E[ E_ξ f(v − (ε/2) D g + √ε D^{1/2} ξ) − f(v) ] = 0,

a polynomial in v and g under one expectation: nothing else is known of g, nothing is expanded. The low degrees are

    f = v_i             E[(D g)_i] = 0
    f = v·D^{−1}v       E[v·g] = d + (ε/4) E[g·D g]                                                     (virial)
    f = v_i v_j         E[v_i (D g)_j + v_j (D g)_i] = 2 D_ij + (ε/2) E[(D g)_i (D g)_j]

With g = ∇U and ε → 0 these are Stein's identities of e^{−U}, E[∇U·∇F − ΔF] = 0 for F = f.

Used as control variates (every such field has mean 0) and as tests of stationarity (a chain that has not settled fails them).
`theory.langevin` satisfies them order by order, `sampler.control` records them.

Reading order: `step_identity` (public), `virial`.
"""

from collections.abc import Sequence
from itertools import product
from math import factorial
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.jets import exact


def step_identity(
    f: sp.Expr, variables: Sequence[sp.Symbol], gradient: Sequence[sp.Symbol], *, epsilon: Any, preconditioner: Any = None
) -> sp.Expr:  # fmt: skip
    """E_ξ f(v − (ε/2) D g + √ε D^{1/2} ξ) − f(v), a polynomial in v (`variables`) and g (`gradient`) with stationary mean 0.

    f: a polynomial in `variables`, which stand for w − w*. epsilon: ε, a number or a symbol; preconditioner: a constant symmetric
    matrix D (the identity unless given). Raises `BadInput` where f is no polynomial or the lists differ in length.
    """
    f, epsilon = sp.expand(exact(f)), exact(epsilon)
    names, g = tuple(variables), tuple(gradient)
    if len(names) != len(g) or set(names) & set(g):
        raise BadInput(f"{len(names)} variables need as many gradient symbols of their own; there are {len(g)}")
    if not f.is_polynomial(*names):
        raise BadInput(f"the field must be a polynomial in {', '.join(map(str, names))}; {f} is not")
    d = len(names)
    D = sp.eye(d) if preconditioner is None else sp.Matrix(preconditioner).applyfunc(exact)
    drift = -epsilon / 2 * D * sp.Matrix(g)
    total, term, n = sp.S.Zero, f, 0
    while term != 0:  # E_ξ f(m + √ε D^{1/2} ξ) = exp(½ ε D:∂²) f(m)
        total += term / factorial(n)
        n += 1
        pairs = product(range(d), repeat=2)
        term = sp.expand(sp.Add(*(epsilon * D[i, j] * sp.diff(term, names[i], names[j]) for i, j in pairs)) / 2)
    moved = total.subs({v: v + drift[i] for i, v in enumerate(names)})  # the drift holds no variable, only g
    return sp.expand(moved - f)


def virial(
    variables: Sequence[sp.Symbol], gradient: Sequence[sp.Symbol], *, epsilon: Any, preconditioner: Any = None
) -> sp.Expr:
    """v·g − (ε/4) g·D g − d, with stationary mean 0: half the average of nβ-losses hides in v·g."""
    v = sp.Matrix(tuple(variables))
    D = sp.eye(len(v)) if preconditioner is None else sp.Matrix(preconditioner).applyfunc(exact)
    inside = (v.T * D.inv() * v)[0]
    identity = step_identity(inside, variables, gradient, epsilon=epsilon, preconditioner=D)
    return sp.expand(-identity / exact(epsilon))


__all__ = ["step_identity", "virial"]

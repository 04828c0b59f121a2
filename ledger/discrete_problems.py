"""The problems on which the law of SGLD at a finite step (`ledger.discrete`) is tried, and observables to try it with.

Any loss with a diagonal Hessian at 0 and any noise would do: their coefficients are arbitrary, but dense and without symmetry, so
that no term of a statement vanishes by chance.
Reading order: `GENERIC`, `PAIR`; then those with a bounded Hessian, which chains run on: `line`, `plane`, `batches`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from ledger.discrete import Problem

R = sp.Rational
x, y = sp.symbols("x y", real=True)
lam, e, gamma, T_, Q_, G_, G1, G2, N_ = sp.symbols("lambda e gamma T Q G G1 G2 N", positive=True)

GENERIC = Problem(
    "any loss and noise, d = 1",
    lam * x**2 / 2 + T_ * x**3 / 6 + Q_ * x**4 / 24,
    (x,),
    e,
    gamma,
    {(0, 0): G_ + G1 * x + G2 * x**2 / 2, (0, 0, 0): N_},
)
"""Every tensor is a symbol, noise and localisation included."""

PAIR = Problem(
    "two variables with noise",
    x**2 / 2 + R(3, 4) * y**2 + x**3 / 3 - R(2, 5) * x**2 * y + x * y**2 / 4 + y**3 / 7
    + x**4 / 9 - x**3 * y / 6 + R(3, 8) * x**2 * y**2 + x * y**3 / 5 + y**4 / 3,
    (x, y),
    e,
    R(2, 3),
    {(0, 0): 2 + x / 3 - y + x**2 / 5 + x * y, (0, 1): R(1, 2) + y / 4 - x**2 / 7, (1, 1): 1 - x / 6 + y**2 / 2,
     (0, 0, 0): R(1, 2), (0, 0, 1): R(-1, 3), (0, 1, 1): R(1, 5), (1, 1, 1): R(2, 7)},
)  # fmt: skip
"""Dense rational tensors of every kind, e a symbol."""


def line(size: Any) -> Problem:
    """d = 1, bounded Hessian: H = 5/4, T = ½, Q = −¼."""
    return Problem(f"line, e = {size}", x**2 / 2 + (1 - sp.cos(x)) / 4 + (x - sp.sin(x)) / 2, (x,), sp.sympify(size))


def plane(size: Any) -> Problem:
    """d = 2, bounded Hessian: H = diag(1, 3/2), dense T and Q."""
    s, r = x + y, y - x / 2
    loss = x**2 / 2 + R(3, 4) * y**2 + (s - sp.sin(s)) / 4 + (r - sp.sin(r)) / 3 + sp.cos(s) / 6 - R(1, 6) + s**2 / 12
    return Problem(f"plane, e = {size}", loss, (x, y), sp.sympify(size))


def batches(size: Any, ratio: Any = 4) -> Problem:
    """The line with minibatches of two kinds of example, B = t/ratio drawn with replacement; the noise depends on w."""
    problem = line(size)
    kick = 2 * x / 5 + sp.sin(x) ** 2 / 6
    return replace(problem, name=f"batches, e = {size}", kick=kick, labels=(1, 1, -2), ratio=sp.sympify(ratio))


def linear(variables: Sequence[sp.Symbol]) -> sp.Expr:
    """x, or x/2 + y."""
    return variables[0] if len(variables) == 1 else variables[0] / 2 + variables[1]


def observables(variables: Sequence[sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    """φ with Dφ = 0 and ψ with all its derivatives, in one or two variables."""
    v, w = variables[0], variables[-1]
    if len(variables) == 1:
        return v**2 + v**3 / 3, v + v**2 / 4 + v**3 / 7
    return v**2 - v * w / 3 + w**2 / 2 + v**2 * w / 4 - w**3 / 5, v - w / 2 + v * w / 3 + w**2 / 6

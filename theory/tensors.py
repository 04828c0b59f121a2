"""Taylor data at a minimum, in the letters of the primer, and the contractions that its formulas use.

    H = D²L, Σ = H⁻¹, T = D³L, Q = D⁴L     the loss
    a = Dφ,  A = D²φ,  Φ = D³φ             an observable (b, B, Ψ for a second one)
    (T:M)_i = Σ_jk T_ijk M_jk              a symmetric 3-tensor against a matrix

Tensors of order 3 are sympy arrays; vectors are column matrices. A formula can then be written as the primer prints it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import sympy as sp

from theory.errors import BadInput
from theory.minimum import locate


@dataclass(frozen=True)
class Taylor:
    """Derivatives of one function at w*: `D1` column vector, `D2` matrix, `D3` array of shape (d, d, d)."""

    value: sp.Expr
    D1: sp.Matrix
    D2: sp.Matrix
    D3: sp.Array


@dataclass(frozen=True)
class LossData:
    """H, Σ, T of the loss at its minimum `at`."""

    at: dict[sp.Symbol, sp.Expr]
    H: sp.Matrix
    Sigma: sp.Matrix
    T: sp.Array

    @property
    def T_Sigma(self) -> sp.Matrix:
        """(T:Σ)_i = Σ_jk T_ijk Σ_jk."""
        return contract(self.T, self.Sigma)


def taylor(f: sp.Expr, variables: Sequence[sp.Symbol], at: dict[sp.Symbol, sp.Expr]) -> Taylor:
    """The first three derivatives of f at the point `at`."""
    f = sp.sympify(f)
    gradient = [sp.diff(f, v) for v in variables]
    second = [[sp.diff(g, v) for v in variables] for g in gradient]
    third = [[[sp.diff(c, v).subs(at) for v in variables] for c in row] for row in second]
    return Taylor(
        f.subs(at),
        sp.Matrix([g.subs(at) for g in gradient]),
        sp.Matrix([[c.subs(at) for c in row] for row in second]),
        sp.Array(third),
    )


def loss_data(loss: sp.Expr, variables: Sequence[sp.Symbol], at: Any = None) -> LossData:
    """H, Σ and T at the minimum, which is verified or found as in `theory.minimum.locate`."""
    w = locate(loss, variables, at)
    derivatives = taylor(loss, variables, w)
    return LossData(w, derivatives.D2, derivatives.D2.inv(), derivatives.D3)


def contract(tensor: sp.Array, matrix: sp.Matrix) -> sp.Matrix:
    """(T:M)_i = Σ_jk T_ijk M_jk, a column vector."""
    d = matrix.rows
    if tensor.shape != (d, d, d):
        raise BadInput(f"a 3-tensor of shape {(d, d, d)} is needed against a {d}×{d} matrix, got shape {tensor.shape}")
    return sp.Matrix([sp.Add(*(tensor[i, j, k] * matrix[j, k] for j in range(d) for k in range(d))) for i in range(d)])


def dot(u: sp.Matrix, v: sp.Matrix) -> sp.Expr:
    """The Euclidean dot product u · v."""
    return (u.T * v)[0, 0]


def generic_symmetric(name: str, variables: Sequence[sp.Symbol], order: int) -> sp.Expr:
    """The homogeneous polynomial (1/r!) S_{i…} x_i … with one symbol for each component of a symmetric r-tensor S.

    `generic_symmetric("T", (x, y), 3)` has the four symbols T111, T112, T122, T222; its third derivative tensor is T.
    """
    d = len(variables)
    total = sp.S.Zero
    for indices in combinations_with_replacement(range(d), order):
        component = sp.Symbol(name + "".join(str(i + 1) for i in indices), real=True)
        repeats = sp.Mul(*(sp.factorial(indices.count(i)) for i in set(indices)))
        total += component * sp.Mul(*(variables[i] for i in indices)) / repeats
    return total

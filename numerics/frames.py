"""Coordinates in which the growth of a polynomial shows.

Idea
----
The tail theorem wants pure even powers of every coordinate to dominate. A quadratic along one oblique direction
beside a sextic along another does not look like that in most coordinates: there the top form is the sextic alone, and
vanishes along a line. The *flag* of the polynomial repairs this, exactly and whatever the angle. Let K_0 = R^d, and
K_{i+1} the directions of K_i along which the top form of P restricted to K_i is constant (a linear system with
rational coefficients). In a basis adapted to R^d ⊃ K_1 ⊃ K_2 … the coordinates along the complement of K_1 carry the
highest power, those along the complement of K_2 in K_1 the next one, and the mixed terms of a sum of such parts stay
below the simplex.

Notation: B the matrix whose columns are the adapted basis; u = B⁻¹ w.
Reading order: `flag_basis`.
"""

import sympy as sp
from flint import fmpq, fmpq_mat, fmpq_mpoly

from numerics.polynomial import affine, ring, terms_of


def flag_basis(p: fmpq_mpoly) -> fmpq_mat | None:
    """The matrix B of the adapted basis, or None where P is constant on a subspace (then no frame shows growth)."""
    d = p.context().nvars()
    subspace = sp.eye(d)
    columns = []
    while subspace.cols:
        top = _top_form(_restricted(p, subspace))
        if top is None:
            return None
        kernel = _kernel(top, subspace.cols)
        complement = kernel.T.nullspace() if kernel.cols else sp.eye(subspace.cols).columnspace()
        columns += [subspace * v for v in complement]
        subspace = subspace * kernel if kernel.cols else sp.zeros(d, 0)
    basis = sp.Matrix.hstack(*columns)
    return fmpq_mat([[fmpq(int(x.p), int(x.q)) for x in basis.row(i)] for i in range(d)])


def _restricted(p: fmpq_mpoly, subspace: sp.Matrix) -> fmpq_mpoly:
    """P on the span of the columns, as a polynomial in their coefficients (padded to d variables with zeros)."""
    d = subspace.rows
    padded = sp.Matrix.hstack(subspace, sp.zeros(d, d - subspace.cols))
    rows = [[fmpq(int(x.p), int(x.q)) for x in padded.row(i)] for i in range(d)]
    return affine(p, [fmpq(0)] * d, rows)


def _top_form(p: fmpq_mpoly) -> fmpq_mpoly | None:
    terms = terms_of(p)
    degree = max((sum(alpha) for alpha in terms), default=0)
    if degree == 0:
        return None
    return ring(p.context().nvars()).from_dict({alpha: c for alpha, c in terms.items() if sum(alpha) == degree})


def _kernel(top: fmpq_mpoly, count: int) -> sp.Matrix:
    """The directions v among the first `count` with D_v top = 0, as columns."""
    gradients = [terms_of(top.derivative(i)) for i in range(count)]
    monomials = sorted({alpha for g in gradients for alpha in g})
    system = sp.Matrix(
        [[sp.Rational(int(g[a].p), int(g[a].q)) if a in g else sp.S.Zero for g in gradients] for a in monomials]
    )
    null = system.nullspace()
    return sp.Matrix.hstack(*null) if null else sp.zeros(count, 0)

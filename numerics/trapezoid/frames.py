"""Coordinates in which the growth of a polynomial shows.

Idea
----
The tail theorem wants pure even powers of every coordinate to dominate. A quadratic along one oblique direction
beside a sextic along another does not look like that in most coordinates: there the top form is the sextic alone, and
vanishes along a line. The *flag* of the polynomial repairs this, exactly and whatever the angle. Let K_0 = R^d, and
K_{i+1} the directions of K_i along which the top form of P restricted to K_i is constant (a linear system with
rational coefficients). In a basis adapted to R^d ⊃ K_1 ⊃ K_2 … the coordinates along the complement of K_1 carry the
highest power, those along the complement of K_2 in K_1 the next one, and the mixed terms of a sum of such parts stay
below the simplex. Where the top form is quadratic the basis is made conjugate, so that an ill-conditioned form becomes a
sum of squares.

Some valleys are curved. If P = c w_i² + b(w) w_i + a(w) with a constant c > 0 and b, a polynomials in the other variables,
the *shear* w_i = v_i + q(v), q the terms of degree ≥ 2 of −b/2c, has Jacobian 1 and straightens the valley: the banana
(y − x²)² + x²/4 becomes a Gaussian. Shears are applied while they make the polynomial shorter.

Notation: B the matrix whose columns are the adapted basis; u = B⁻¹ w.
Reading order: `flag_basis`, `simplifying_shears`.
"""

import sympy as sp
from flint import fmpq, fmpq_mat, fmpq_mpoly

from numerics.certificate.witness import Shear
from numerics.trapezoid.polynomial import affine, ring, terms_of
from numerics.trapezoid.waves import Field


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
        columns += [subspace * v for v in _conjugate(top, complement)]
        subspace = subspace * kernel if kernel.cols else sp.zeros(d, 0)
    basis = sp.Matrix.hstack(*columns)
    return fmpq_mat([[fmpq(int(x.p), int(x.q)) for x in basis.row(i)] for i in range(d)])


def _conjugate(top: fmpq_mpoly, vectors: list[sp.Matrix]) -> list[sp.Matrix]:
    """For a quadratic top form the vectors made conjugate to each other (Gram–Schmidt), exactly; else as they are."""
    terms = terms_of(top)
    if any(sum(alpha) != 2 for alpha in terms):
        return vectors
    k = vectors[0].rows
    form = sp.zeros(k, k)
    for alpha, c in terms.items():
        i, j = (axis for axis, e in enumerate(alpha) for _ in range(e))
        form[i, j] += sp.Rational(int(c.p), 2 * int(c.q))
        form[j, i] += sp.Rational(int(c.p), 2 * int(c.q))
    found: list[sp.Matrix] = []
    for v in vectors:
        for u in found:
            square = (u.T * form * u)[0]
            v = v - u * ((u.T * form * v)[0] / square) if square else v
        found.append(v)
    return found


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


def simplifying_shears(field: Field) -> tuple[Shear, ...]:
    """Shears that leave the polynomial with fewer terms, to be applied one after the other."""
    shears: list[Shear] = []
    for _ in range(2 * field.dimension):
        found = [shear for i in range(field.dimension) if (shear := _shear(field, i)) is not None]
        trials = [(len(terms_of(field.sheared(shear).polynomial)), shear) for shear in found]
        best = min(trials, default=None, key=lambda trial: trial[0])
        if best is None or best[0] >= len(terms_of(field.polynomial)):
            break
        shears.append(best[1])
        field = field.sheared(best[1])
    return tuple(shears)


def _shear(field: Field, axis: int) -> Shear | None:
    """The shear that completes the square in one variable, without its affine part; None where there is none."""
    terms = terms_of(field.polynomial)
    powers = {alpha: alpha[axis] for alpha in terms if alpha[axis]}
    squares = [alpha for alpha, power in powers.items() if power == 2]
    if max(powers.values(), default=0) != 2 or len(squares) != 1 or sum(squares[0]) != 2:
        return None
    c = terms[squares[0]]
    if not c > 0 or any(wave.frequency[axis] != 0 for wave in field.waves):
        return None
    moved = []
    for alpha, power in powers.items():
        rest = tuple(e if i != axis else 0 for i, e in enumerate(alpha))
        if power == 1 and sum(rest) > 1:
            moved.append((rest, -terms[alpha] / (2 * c)))
    return Shear(axis, tuple(moved)) if moved else None

"""A slow, independent checker of the certificates of the trapezoid rule, in ball arithmetic throughout.

Idea
----
`trapezoid` searches in floating point and proves with verified float64 bounds. What it finds is written down in a
`Certificate`, and here every inequality behind the error bound is proved again by other means: exact rational
polynomials and Arb balls, no float64, no code in common with the search. A reader who trusts this file and python-flint
need not trust the search.

With v = x₀ + A y, w = v or w = shears(v) (polynomial maps with Jacobian 1, composed exactly), P(y) = t·loss + (exponent
of the prior) − level, f the amplitude, steps h_j, shifts a_j, the claim is

    | e^{level} ∫ f e^{−t·loss} prior dw − |det A| Π h_j Σ_k f(hk) e^{−P(hk)} | ≤ |det A| Σ_j 2 M_j / (e^{2πa_j/h_j} − 1)

(theorem T2 of `trapezoid`), and the ball in the certificate is to hold everything the left side allows. Checked are

1. *frame*: |det A| is what is claimed, and the frames of the tails are inverse to their inverses, all exactly;
2. *growth* (theorem T4 of `tails`): Re P(y + i b e_j) ≥ m N(u) for N ≥ 1, 0 ≤ b ≤ a_j, by branch and bound on the faces;
3. *tail*: the bound of the grid sum outside {N ≤ 1};
4. *mass*: M_j ≥ Π_{i<j} h_i Σ ∫ |f e^{−P}|(y + i a_j e_j), from the Taylor coefficients of P at complex points;
5. *error*: the radius covers Σ_j 2 q_j M_j and the tail;
6. *sum*: the grid is summed again, and sum and errors lie in the claimed ball.

Reading order: `check`, then `witness` (the data), `exact_field`, `local_bounds`, `confirm_growth`, `confirm_mass`,
`confirm_sum`.
"""

import math
from collections.abc import Sequence

import sympy as sp
from flint import arb, ctx, fmpq, fmpq_mat

from numerics.certificate.exact_field import ExactField, problem, sheared, substituted
from numerics.certificate.growth import confirm_growth, enclosing, tail_bound
from numerics.certificate.mass import confirm_mass
from numerics.certificate.sums import COARSE_BITS, confirm_error, confirm_sum
from numerics.certificate.witness import Certificate, Growth, Shear, require
from numerics.precision import Exact


def check(
    certificate: Certificate,
    loss: object,
    variables: Sequence[sp.Symbol],
    t: Exact,
    *,
    prior: object = 1,
    f: object = 1,
    max_points: int = 20_000_000,
) -> arb:
    """A ball that contains ∫ f e^{−t·loss} prior dw, all inequalities behind it proved here; it lies in the claimed ball.

    loss, f: polynomials with sines and cosines in `variables`, rational coefficients; prior: such an f times exp(such a
    loss); t > 0; max_points: how many grid points are summed at most, a few minutes' work (the steps are the certificate's).
    Raises `NotCertified`, with the inequality that fails (or could not be decided), if the certificate does not hold.
    """
    c, names = certificate, tuple(variables)
    potential, amplitude = problem(loss, prior, f, names, t)
    _confirm_shapes(c, len(names))
    _confirm_frame(c)
    p, g = _in_grid_coordinates(c, potential).minus(c.level), _in_grid_coordinates(c, amplitude)
    with ctx.workprec(COARSE_BITS):
        confirm_growth(p, c.tail, "the growth of P")
        bound = tail_bound(c.tail, g.majorant(), c.steps)
        require(
            not bound > c.tail_bound, "tail", f"the tail of the grid sum is bounded by {bound.str(5)}", c.tail_bound
        )
        for axis, (shift, growth) in enumerate(zip(c.shifts, c.line_tails, strict=True)):
            confirm_growth(p, growth, f"the growth of Re P on the lines shifted along axis {axis + 1}", axis, shift)
            confirm_mass(p, g, axis, c)
    with ctx.workprec(_bits(c)):
        error = confirm_error(c, bound)
        return confirm_sum(c, p, g, error, max_points) * (-arb(c.level)).exp()


def outside(
    c: Certificate, loss: object, variables: Sequence[sp.Symbol], t: Exact, *, prior: object = 1, f: object = 1
) -> tuple[tuple[fmpq, ...], arb]:
    """(e, B): outside |y_i| ≤ e_i, w = centre + matrix·y, the integral of |f| e^{−t·loss} prior e^{level} dy is ≤ B.

    Proved here from the growth of the potential alone, for other quadratures that need a bounded region. Raises
    `NotCertified` as `check` does.
    """
    potential, amplitude = problem(loss, prior, f, tuple(variables), t)
    _confirm_shapes(c, len(variables))
    _confirm_frame(c)
    p, g = _in_grid_coordinates(c, potential).minus(c.level), _in_grid_coordinates(c, amplitude)
    with ctx.workprec(COARSE_BITS):
        confirm_growth(p, c.tail, "the growth of P")
        return tuple(enclosing(c.tail)), tail_bound(c.tail, g.majorant(), [fmpq(0)] * len(variables)).upper()


def _in_grid_coordinates(c: Certificate, field: ExactField) -> ExactField:
    """The field at w(y): first the shears, the first one outermost, then v = centre + matrix·y."""
    for shear in c.shears:
        field = sheared(field, shear)
    return substituted(field, c.centre, c.matrix)


def _bits(c: Certificate) -> int:
    """Enough bits for the sum to be much finer than the claimed radius."""
    scale = max([abs(c.value).upper(), *(m * arb(c.determinant) for m in c.masses)])
    radius = c.value.rad()
    if not (scale > 0 and radius > 0):
        return 4 * COARSE_BITS
    return COARSE_BITS + max(0, math.ceil(float((scale / radius).log()) / math.log(2)))


def _confirm_shapes(c: Certificate, d: int) -> None:
    lists = (c.centre, c.matrix, c.steps, c.shifts, c.masses, c.line_tails)
    require(all(len(part) == d for part in lists), "shape", f"the problem has {d} variables", [len(x) for x in lists])
    balls = (*c.masses, c.tail_bound, c.value)
    require(all(b.is_finite() for b in balls), "shape", "masses, the tail bound and the value must be finite", balls)
    require(all(h > 0 for h in c.steps), "steps", "every step must be > 0", c.steps)
    require(all(a > 0 for a in c.shifts), "shifts", "every shift must be > 0", c.shifts)
    require(all(len(row) == d for row in c.matrix), "shape", f"rows need {d} entries", c.matrix)
    for shear in c.shears:
        monomials = [alpha for alpha, _ in shear.terms]
        sound = shear.axis in range(d) and _exponents(monomials, d)
        require(sound, "shear", f"the axis is one of {d}, and so many exponents ≥ 0 belong to each monomial", shear)
    for growth in (c.tail, *c.line_tails):
        parts = (growth.matrix, growth.inverse, growth.shift, growth.radii, growth.powers)
        require(all(len(x) == d for x in parts), "shape", f"a frame needs {d} entries", [len(x) for x in parts])
        rows = (*growth.matrix, *growth.inverse)
        require(all(len(row) == d for row in rows), "shape", f"rows need {d} entries", rows)
        monomials = [alpha for beta, mu, _ in growth.squares for alpha in (beta, mu)]
        require(_exponents(monomials, d), "shape", f"a square needs {d} exponents ≥ 0", growth.squares)
        sound = growth.m > 0 and all(r > 0 for r in growth.radii) and all(n > 0 and n % 2 == 0 for n in growth.powers)
        require(sound, "growth", "m and the radii must be > 0, the powers even", growth[3:])


def _exponents(monomials: Sequence[tuple[int, ...]], d: int) -> bool:
    return all(len(alpha) == d and min(alpha) >= 0 for alpha in monomials)


def _confirm_frame(c: Certificate) -> None:
    determinant = abs(fmpq_mat([list(row) for row in c.matrix]).det())
    require(determinant == c.determinant, "frame", f"|det A| = {determinant}", c.determinant)
    require(determinant > 0, "frame", "the matrix A is singular", c.matrix)
    d = len(c.matrix)
    identity = fmpq_mat([[fmpq(int(i == j)) for j in range(d)] for i in range(d)])
    for growth in (c.tail, *c.line_tails):
        s, inverse = (fmpq_mat([list(row) for row in m]) for m in (growth.matrix, growth.inverse))
        require(s * inverse == identity, "frame", "S·S⁻¹ is not the identity", growth.matrix)


__all__ = ["Certificate", "Growth", "Shear", "check", "outside"]

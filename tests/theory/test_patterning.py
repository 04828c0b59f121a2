"""Exact patterning against sympy's own pseudo-inverse, direct differentiation and brute minimisation."""

import random

import pytest
import sympy as sp

from theory import patterning
from theory.errors import BadInput

R = sp.Rational
x, y = sp.symbols("x y", real=True)


def rational_matrix(rng: random.Random, k: int, n: int, rank: int) -> sp.Matrix:
    def entries(a: int, b: int) -> sp.Matrix:
        return sp.Matrix(a, b, lambda *_: R(rng.randint(-6, 6), rng.randint(1, 4)))

    return entries(k, rank) * entries(rank, n) if rank else sp.zeros(k, n)


SHAPES = [(1, 1, 1), (2, 4, 2), (4, 2, 2), (3, 3, 3), (3, 5, 2), (4, 4, 1), (2, 3, 0)]


@pytest.mark.parametrize(("k", "n", "rank"), SHAPES)
def test_two_roads_and_sympy_agree_for_every_rank(k: int, n: int, rank: int) -> None:
    X = rational_matrix(random.Random(10 * k + n), k, n, rank)
    P = patterning.pseudo_inverse(X)
    assert all(axiom.is_zero_matrix for axiom in patterning.penrose(X, P).values())
    assert patterning.spectral_pseudo_inverse(X) == P
    assert X.pinv() == P
    F, G = patterning.factorise(X)
    assert F * G == X and F.cols == X.rank()


def test_the_axioms_tell_a_wrong_inverse() -> None:
    X = sp.Matrix([[1, 2, -3], [1, 1, -2]])
    left = patterning.penrose(X, X.T)
    assert list(left) == ["XPX − X", "PXP − P", "XP − (XP)ᵀ", "PX − (PX)ᵀ"]
    assert not left["XPX − X"].is_zero_matrix
    assert not left["PXP − P"].is_zero_matrix
    # A right inverse that is not the least: only PX is not symmetric.
    right = patterning.penrose(sp.Matrix([[1, 1]]), sp.Matrix([1, 0]))
    assert [name for name, rest in right.items() if not rest.is_zero_matrix] == ["PX − (PX)ᵀ"]


def test_modes_rebuild_the_matrix() -> None:
    X = sp.Matrix([[2, 1, 0, -2], [1, -2, 2, 0]])  # XXᵀ = 9: one double singular value
    found = patterning.modes(X)
    assert [mode.s for mode in found] == [3, 3]
    assert sum((m.s * m.u * m.v.T for m in found), sp.zeros(2, 4)) == X


def test_modes_are_orthonormal_and_come_largest_first() -> None:
    """X = 3 u₁v₁ᵀ + u₂v₂ᵀ with rational orthonormal vectors; and the projection along (1, 1, 1), double value 1, kernel 1."""
    u1, u2 = sp.Matrix([1, 2, 2]) / 3, sp.Matrix([2, 1, -2]) / 3
    v1, v2 = sp.Matrix([3, 4]) / 5, sp.Matrix([-4, 3]) / 5
    first, second = patterning.modes(3 * u1 * v1.T + u2 * v2.T)
    assert (first.s, second.s) == (3, 1)
    assert first.u * first.v.T == u1 * v1.T and second.u * second.v.T == u2 * v2.T
    assert first.u.dot(first.u) == 1 == second.v.dot(second.v)
    projection = sp.eye(3) - sp.ones(3, 3) / 3
    found = patterning.modes(projection)
    assert [mode.s for mode in found] == [1, 1]
    for side in ([mode.u for mode in found], [mode.v for mode in found]):
        basis = sp.Matrix.hstack(*side)
        assert basis.T * basis == sp.eye(2)
    assert sum((m.u * m.v.T for m in found), sp.zeros(3, 3)) == projection


def test_of_the_zero_matrix_nothing_can_be_asked() -> None:
    for found in (
        patterning.pseudo_inverse(sp.zeros(2, 3)),
        patterning.weighted_pseudo_inverse(sp.zeros(2, 3), (1, 2, 3)),
    ):
        assert found == sp.zeros(3, 2)


@pytest.mark.parametrize("q", [(R(1, 3),) * 3, (R(1, 2), R(1, 4), R(1, 4)), (R(1, 10), R(3, 5), R(3, 10))])
def test_the_norm_decides_whether_mass_is_kept(q: tuple) -> None:
    """Rows with X q = 0: X⁺dμ ⊥ q; in the χ² norm and on the tangent space Σ dq = 0; all reach dμ."""
    X = sp.Matrix([[1, 2, 0], [1, -1, 0]])
    X[:, 2] = -(X[:, :2] * sp.Matrix(q[:2])) / q[2]
    dmu = sp.Matrix([R(1, 7), R(-2, 5)])
    plain = patterning.pseudo_inverse(X) * dmu
    chi2 = patterning.weighted_pseudo_inverse(X, q) * dmu
    tangent = patterning.tangent_pseudo_inverse(X) * dmu
    assert plain.dot(sp.Matrix(q)) == 0
    assert sum(chi2) == 0 and sum(tangent) == 0
    assert X * plain == X * chi2 == X * tangent == dmu
    assert (sum(plain) == 0) == (len(set(q)) == 1)
    assert plain.dot(plain) <= chi2.dot(chi2)
    assert sum(a**2 / b for a, b in zip(chi2, q, strict=True)) <= sum(a**2 / b for a, b in zip(tangent, q, strict=True))


def test_the_chi_square_norm_is_least_among_random_solutions() -> None:
    rng = random.Random(3)
    q = [R(1, 2), R(1, 8), R(1, 8), R(1, 4)]
    X = sp.Matrix([[1, -2, 3, 0]])
    X[0, 3] = -(X[0, 0] * q[0] + X[0, 1] * q[1] + X[0, 2] * q[2]) / q[3]
    best = patterning.weighted_pseudo_inverse(X, q)
    kernel = sp.Matrix.hstack(*X.nullspace())
    size = sum(a**2 / b for a, b in zip(best, q, strict=True))
    for _ in range(20):
        other = best + kernel * sp.Matrix([R(rng.randint(-9, 9), 7) for _ in range(kernel.cols)])
        assert X * other == X * best
        assert sum(a**2 / b for a, b in zip(other, q, strict=True)) >= size


def test_weights_that_are_no_distribution_are_refused() -> None:
    with pytest.raises(BadInput, match="positive weights"):
        patterning.weighted_pseudo_inverse(sp.Matrix([[1, -1]]), (1, 0))
    with pytest.raises(BadInput, match="2 positive weights"):
        patterning.weighted_pseudo_inverse(sp.Matrix([[1, -1]]), (1,))


def test_the_largest_step_keeps_the_weights_positive() -> None:
    q, dq = (R(1, 2), R(1, 4), R(1, 4)), (R(-1, 3), R(1, 3), 0)
    assert patterning.largest_step(q, dq) == R(3, 2)
    assert patterning.largest_step(q, (0, 0, 0)) == sp.oo
    with pytest.raises(ValueError, match="shorter"):
        patterning.largest_step(q, dq[:2])


@pytest.mark.parametrize(("k", "n", "rank"), SHAPES)
def test_the_ridge_has_two_forms_and_the_pseudo_inverse_as_its_limit(k: int, n: int, rank: int) -> None:
    X, eta = rational_matrix(random.Random(k + 7 * n), k, n, rank), sp.Symbol("eta", positive=True)
    form = patterning.ridge(X, eta).applyfunc(sp.cancel)
    other = ((X.T * X + eta * sp.eye(n)).inv() * X.T).applyfunc(sp.cancel)
    assert (form - other).applyfunc(sp.cancel).is_zero_matrix
    assert form.subs(eta, 0) == patterning.pseudo_inverse(X)


def test_second_order_and_derivative_are_those_of_the_curve() -> None:
    rng, h = random.Random(5), sp.Symbol("h")
    X, E = rational_matrix(rng, 2, 3, 2), rational_matrix(rng, 2, 3, 2)
    curve = patterning.ridge(X + h * E, 0).applyfunc(sp.cancel)
    assert curve.diff(h).subs(h, 0) == patterning.pseudo_inverse_derivative(X, E)
    assert (curve.diff(h, 2).subs(h, 0) / 2 - patterning.second_order(X, E)).applyfunc(sp.cancel).is_zero_matrix


def test_derivatives_of_the_inverse_and_of_the_ridge_in_every_shape() -> None:
    """Full column rank: (XᵀX)⁻¹Xᵀ along X + hE. Rank one: X = f gᵀ has X⁺ = g fᵀ/(|f|²|g|²), for moving f and g."""
    h, zero = sp.Symbol("h"), {sp.Symbol("h"): 0}
    X, E = sp.Matrix([[1, 2], [0, 1], [-1, 3]]), sp.Matrix([[2, -1], [1, 1], [0, 3]])
    curve = X + h * E
    expected = ((curve.T * curve).inv() * curve.T).diff(h).subs(zero)
    assert (patterning.pseudo_inverse_derivative(X, E) - expected).applyfunc(sp.cancel).is_zero_matrix
    f, g = sp.Matrix([1 + h, 2, -1]), sp.Matrix([3, 1 - h, h])
    expected = (g * f.T / (f.dot(f) * g.dot(g))).diff(h).subs(zero)
    X, E = (f * g.T).subs(zero), (f * g.T).diff(h).subs(zero)
    assert patterning.pseudo_inverse_derivative(X, E) == expected
    X, E, eta = sp.Matrix([[1, 2, 0]]), sp.Matrix([[0, 1, -1]]), R(1, 3)
    curve = (X + h * E).T / ((X + h * E) * (X + h * E).T + sp.Matrix([[eta]]))[0]
    assert patterning.second_order(X, E, eta) == curve.diff(h, 2).subs(zero) / 2


def test_the_ridge_factor_is_the_ridge_of_a_number() -> None:
    s, eta = sp.symbols("s eta", positive=True)
    assert patterning.ridge_factor(s, eta) == patterning.ridge(sp.Matrix([[s]]), eta)[0]
    assert sp.simplify(patterning.ridge_factor(sp.sqrt(eta), eta) - 1 / (2 * sp.sqrt(eta))) == 0
    assert patterning.ridge_factor(sp.Integer(3), sp.Integer(2)) == R(3, 11)


@pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 2), (2, 3), (2, 4), (1, 4)])
def test_noise_biases_the_inverse_by_its_mean_second_order(k: int, n: int) -> None:
    """Of Σ_ij e_ij e_kl over independent entries only the squares have a mean: v Σ_ij of the second order along E_ij."""
    X, v = rational_matrix(random.Random(k + n), k, n, k), sp.Symbol("v", positive=True)
    units = [sp.Matrix(k, n, lambda a, b, i=i, j=j: int((a, b) == (i, j))) for i in range(k) for j in range(n)]
    mean = sum((v * patterning.second_order(X, unit) for unit in units), sp.zeros(n, k))
    assert (patterning.noise_bias(X, v) - mean).applyfunc(sp.expand).is_zero_matrix


def test_the_loss_of_the_model_is_weighted() -> None:
    model = patterning.QuadraticModel((x**2, x + 1), (x,), (x,), sp.Integer(2))
    assert model.loss((2, 3)) == 2 * x**2 + 3 * x + 3
    # Minimum −3/4, Σ = 1/(2·4): ⟨x⁴⟩ = m⁴ + 6m²Σ + 3Σ².
    assert model.mean(x**4, (2, 3)) == R(81, 256) + 6 * R(9, 16) / 8 + R(3, 64)
    with pytest.raises(ValueError, match="longer"):
        model.loss((2,))


def test_the_gaussian_model_knows_its_moments_and_its_response() -> None:
    model = patterning.QuadraticModel((x**2 / 2 + y**2, (x - y - 1) ** 2), (x**2, x**2 * y), (x, y), sp.Integer(2))
    q, h = (R(1, 3), R(2, 3)), sp.Symbol("h")
    # L = (x²/2 + y²)/3 + 2(x − y − 1)²/3: mean m and covariance S by hand from its Hessian.
    hessian = sp.Matrix([[R(5, 3), -R(4, 3)], [-R(4, 3), 2]])
    m, S = hessian.inv() * sp.Matrix([R(4, 3), -R(4, 3)]), (2 * hessian).inv()
    by_hand = [m[0] ** 2 + S[0, 0], m[1] * (m[0] ** 2 + S[0, 0]) + 2 * m[0] * S[0, 1]]
    assert model.coordinates(q) == sp.Matrix(by_hand)
    X = model.susceptibilities(q)
    slope = model.coordinates((q[0] + h, q[1] - h)).diff(h).subs(h, 0)
    assert (slope - 2 * X * sp.Matrix([1, -1])).applyfunc(sp.simplify).is_zero_matrix
    assert (X * sp.Matrix(q)).applyfunc(sp.simplify).is_zero_matrix

"""Structural coordinates of a Gaussian, where μ(q) is a rational function of the weights, and matrices with rational entries."""

import pytest
import sympy as sp
from flint import arb, arb_mat

from numerics import patterning
from numerics.errors import NotCertified
from numerics.patterning import DataModel, modes, pseudo_inverse, rationals, ridge, step, weighted_pseudo_inverse
from numerics.precision import ball, digits
from theory.errors import BadInput

w, h = sp.symbols("w h", real=True)
R = sp.Rational
# ℓ_z = a(w − z)²/2: the posterior is N(m, v), m = Σ qaz/Σ qa, v = 1/(t Σ qa), and ⟨w⟩ = m, ⟨w²⟩ = m² + v.
POINTS, T = ((R(1), R(-1)), (R(3), R(1, 2)), (R(2), R(2))), R(8)
MODEL = DataModel(tuple(a * (w - z) ** 2 / 2 for a, z in POINTS), (w, w**2), (w,), T)
Q, C = (R(1, 4), R(1, 4), R(1, 2)), (R(1), R(-1, 2), R(1, 3))


def mu(q) -> list[sp.Expr]:
    weight = sum(x * a for x, (a, _) in zip(q, POINTS, strict=True))
    mean = sum(x * a * z for x, (a, z) in zip(q, POINTS, strict=True)) / weight
    return [mean, mean**2 + 1 / (T * weight)]


ALONG = mu(step(Q, C, h))


def meet(found, expected) -> bool:
    with digits(30):
        return all(b.overlaps(ball(e)) and b.rad() < 1e-12 for b, e in zip(found, expected, strict=True))


def test_coordinates_and_their_derivatives() -> None:
    """dμ/dh = −t Cov(φ, ℓ_c) and d²μ/dh² = t² κ₃(φ, ℓ_c, ℓ_c), each from its own integrals."""
    assert meet(MODEL.coordinates(Q), mu(Q))
    first, second = ([f.diff(h, n).subs(h, 0) for f in ALONG] for n in (1, 2))
    assert meet(MODEL.derivative(Q, C), first) and meet(MODEL.curvature(Q, C), second)
    assert meet(MODEL.covariance(Q, C), [-f / T for f in first]) and meet(MODEL.third(Q, C), [f / T**2 for f in second])
    gap = [(f.subs(h, R(1, 8)) - f.subs(h, R(-1, 8))) * 4 for f in ALONG]
    assert meet(MODEL.moved(Q, C, R(1, 8)), gap)


def test_susceptibilities_are_the_jacobian_on_distributions() -> None:
    """t X_jz = dμ_j/dh along the direction e_z − q, which keeps the sum of the weights."""
    X = MODEL.susceptibilities(Q)
    for z in range(3):
        direction = tuple(R(int(i == z)) - x for i, x in enumerate(Q))
        slopes = [f.diff(h).subs(h, 0) for f in mu(step(Q, direction, h))]
        assert meet([X[j, z] for j in range(2)], [f / T for f in slopes])
    with pytest.raises(BadInput, match="sum to 2: divide"):
        MODEL.susceptibilities(tuple(2 * x for x in Q))
    with pytest.raises(BadInput, match="3 data points and was given 2 weights"):
        MODEL.loss(Q[:2])
    for short, long in ((Q, C[:2]), (Q[:2], C)):
        with pytest.raises(BadInput, match=f"{len(short)} weights, and the direction has {len(long)} entries"):
            MODEL.moved(short, long, R(1, 8))
    with pytest.raises(BadInput, match="a step h other than 0"):
        MODEL.moved(Q, C, R(0))


EXACT = sp.Matrix([[1, 2, -1], [R(1, 2), 0, 3]])


def balls(matrix: sp.Matrix) -> arb_mat:
    return arb_mat([[ball(entry) for entry in matrix.row(i)] for i in range(matrix.rows)])


def test_inverses_are_those_of_exact_matrices() -> None:
    D, X = sp.diag(*Q), balls(EXACT)
    with digits(30):
        for found, expected in (
            (pseudo_inverse(X), EXACT.pinv()),
            (ridge(X, R(1, 3)), EXACT.T * (EXACT * EXACT.T + sp.eye(2) / 3).inv()),
            (weighted_pseudo_inverse(X, Q), D * EXACT.T * (EXACT * D * EXACT.T).inv()),
        ):
            assert (found.nrows(), found.ncols()) == (3, 2) and meet(found.entries(), list(expected))
        dependent = balls(sp.Matrix([[1, 2, 3], [2, 4, 6]]))
        for inverse in (pseudo_inverse, modes, lambda X: weighted_pseudo_inverse(X, Q)):
            with pytest.raises(NotCertified, match="not proved independent"):
                inverse(dependent)
        with pytest.raises(BadInput, match="3 columns and was given 2 weights"):
            weighted_pseudo_inverse(dependent, Q[:2])
        assert ridge(dependent, 1).ncols() == 2
        assert rationals(patterning.column([R(3, 8), arb("-0.25")])) == (R(3, 8), R(-1, 4))


def test_modes_are_orthonormal_and_add_up() -> None:
    """X = Σ s u vᵀ with s² the eigenvalues of XXᵀ = ((6, −5/2), (−5/2, 37/4)), the larger first."""
    with digits(30):
        X = balls(EXACT)
        found = modes(X)
        roots = sorted((EXACT * EXACT.T).eigenvals(), key=float, reverse=True)
        assert meet([s * s for s, _, _ in found], roots)
        assert meet([s * s for s, _, _ in modes(balls(EXACT / 100))], [root / 10**4 for root in roots])
        total = sum((u * v.transpose() * s for s, u, v in found), arb_mat(2, 3))
        assert meet(total.entries(), list(EXACT))
        for side in (1, 2):
            one, two = (mode[side] for mode in found)
            products = [(a.transpose() * b)[0, 0] for a, b in ((one, one), (two, two), (one, two))]  # pyright: ignore[reportAttributeAccessIssue]
            assert meet(products, [1, 1, 0])
        with pytest.raises(NotCertified, match="distinct"):
            modes(balls(sp.Matrix([[1, 0, 0], [0, 1, 0]])))

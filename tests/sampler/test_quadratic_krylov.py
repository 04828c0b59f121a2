"""Conjugate gradients, Lanczos and their bounds on a matrix of six rows, against numpy; and what a wrong solution costs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import quadratic
from sampler.posterior import LocalPosterior
from sampler.quadratic import krylov
from sampler.quadratic.derivatives import Site
from sampler.quadratic.krylov import Scale, Sides, Solved

CURVED = np.diag([0.0, 1.0, 1.0, 4.0, 9.0, 9.0])
ROOT = np.array([1.0, 2.0, 0.5, 1.0, 1.5, 1.0])
CONFINED = 0.25
DENSE = ROOT[:, None] * (CURVED + CONFINED * np.eye(6)) * ROOT


def loss(w, z):
    return w @ z @ w / 2


def posterior(curved: np.ndarray = CURVED) -> LocalPosterior:
    """nβ = 8, γ/nβ = ¼."""
    return LocalPosterior(loss, jnp.asarray(curved)[None], jnp.zeros(6), 8.0, 2.0)


@pytest.fixture(scope="module")
def operator() -> krylov.Precision:
    with jax.enable_x64(True):
        return krylov.Precision(Site.of(posterior(), None, 6), jnp.asarray(ROOT), jnp.asarray(CONFINED))


ROWS = np.random.default_rng(0).normal(size=(3, 6)) * [[1.0], [0.0], [5.0]]


@pytest.mark.parametrize("shift", [(0.0, 1.0), (1.0, -0.02)])
def test_systems_are_solved_and_their_true_residual_is_told(operator, shift) -> None:
    """The product is D^½ H D^½ + cD; a row of zeros stays; the lowest quotient lies between the lowest eigenvalue and those of
    the rows."""
    A = shift[0] * np.eye(6) + shift[1] * DENSE
    found = krylov.solve(operator, ROWS, shift, tolerance=1e-12)
    np.testing.assert_allclose(found.x, np.linalg.solve(A, ROWS.T).T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.residual, ROWS - found.x @ A, atol=1e-13)
    assert (
        (found.b == ROWS).all() and (found.x[1] == 0).all() and (np.linalg.norm(found.residual, axis=1) < 1e-10).all()
    )
    quotients = [row @ A @ row / (row @ row) for row in ROWS[[0, 2]]]
    assert np.linalg.eigvalsh(A)[0] * (1 - 1e-12) <= found.lowest <= min(quotients)
    assert 4 <= found.iterations <= 8  # six eigenvalues, all different


def test_a_limit_of_one_is_one_step_of_steepest_descent(operator) -> None:
    """x = b (b·b)/(b·Ab) row by row, to a tolerance that one step does not reach; none where it is reached at once."""
    found = krylov.solve(operator, ROWS[[0, 2]], tolerance=1e-9, limit=1)
    for x, r, b in zip(found.x, found.residual, ROWS[[0, 2]], strict=True):
        np.testing.assert_allclose(x, b * (b @ b) / (b @ DENSE @ b), rtol=1e-12)
        np.testing.assert_allclose(r, b - DENSE @ x, atol=1e-12)
    assert found.iterations == 1
    easy = krylov.solve(operator, np.eye(6)[:2], tolerance=1e-9)  # two eigenvectors
    assert easy.iterations == 1 and easy.lowest == pytest.approx(0.25)
    np.testing.assert_allclose(easy.x[:, :2], np.diag(1 / np.diag(DENSE)[:2]), rtol=1e-12)
    done = krylov.solve(operator, ROWS[[0, 2]], tolerance=2.0)
    assert done.iterations == 0 and (done.x == 0).all() and (done.residual == ROWS[[0, 2]]).all()


def test_a_negative_direction_stops_the_iteration(operator) -> None:
    """I − P/10 along the axis where P is 9·1.5² + … is negative at once, and the row is left as it was."""
    found = krylov.solve(operator, np.eye(6)[[0, 4]], (1.0, -0.1), tolerance=1e-9)
    assert found.lowest == pytest.approx(1 - DENSE[4, 4] / 10) and found.iterations == 1
    assert (found.x[1] == 0).all() and found.x[0, 0] == pytest.approx(1 / (1 - 0.025))


def test_forms_of_inexact_solutions_are_wrong_by_their_residuals_alone() -> None:
    """b·A⁻¹b = b·x + x·r + r·A⁻¹r and a·A⁻¹b likewise, for any x; the bound covers what is left out."""
    rng = np.random.default_rng(1)
    A = DENSE + 0.1 * np.ones((6, 6))
    inverse, (least, *_, most) = np.linalg.inv(A), np.linalg.eigvalsh(A)

    def inexact(rows: int) -> Solved:
        b = rng.normal(size=(rows, 6))
        x = b @ inverse + 0.01 * rng.normal(size=(rows, 6))
        return Solved(b, x, b - x @ A, 1.0, 3)

    one, two = inexact(3), inexact(2)
    left = np.einsum("pi,ij,pj->p", one.residual, inverse, one.residual)
    np.testing.assert_allclose(krylov.forms(one), np.einsum("pi,ij,pj->p", one.b, inverse, one.b) - left, rtol=1e-9)
    left = one.residual @ inverse @ two.residual.T
    np.testing.assert_allclose(krylov.pairs(one, two), one.b @ inverse @ two.b.T - left, rtol=1e-9, atol=1e-12)
    exact = Scale(least, most, 0.0)
    assert (np.abs(left) <= exact.bound(one, two)).all()
    rounded = Scale(2.0, 5.0, 1e-3).bound(one, two)
    norm = np.linalg.norm
    for i, j in np.ndindex(3, 2):
        (a, x, r), (b, y, s) = ([norm(v[k]) for v in (w.b, w.x, w.residual)] for w, k in ((one, i), (two, j)))
        assert rounded[i, j] == pytest.approx(r * s / 2 + 1e-3 * (5 * x * y + a * y + x * b), rel=1e-12)
    assert (Sides(one, None, 0.5).value == one.x).all()
    assert np.allclose(Sides(one, inexact(3)._replace(x=2 * one.x), 0.5).value, 2 * one.x)


@pytest.mark.parametrize("steps", [1, 2, 3, 6, 20])
def test_ritz_values_have_an_eigenvalue_within_their_residual(operator, steps) -> None:
    """From inside the spectrum; all of it after as many steps as weights, and no fewer than two eigenvalues' worth after two."""
    values = np.linalg.eigvalsh(DENSE)
    low, high = krylov.ends(jax.random.key(3), operator, steps)
    for ritz, end in ((low, values[0]), (high, values[-1])):
        assert (
            np.abs(values - ritz.value).min() <= ritz.residual and values[0] - 1e-12 <= ritz.value <= values[-1] + 1e-12
        )
        if steps >= 6:
            assert ritz.value == pytest.approx(end, rel=1e-10) and ritz.residual < 1e-10
    if steps == 1:
        q = np.asarray(jax.random.normal(jax.random.key(3), (6,)))
        q = q / np.linalg.norm(q)
        image = DENSE @ q
        assert low == high and low.value == pytest.approx(q @ image)
        assert low.residual == pytest.approx(np.linalg.norm(image - low.value * q))
    else:
        assert low.value < high.value


def test_lanczos_stops_where_its_space_is_exhausted(operator) -> None:
    """A multiple of one, P = (4 + ¼) I, has one Ritz value and no residual but rounding."""
    site = Site.of(posterior(4 * np.eye(6)), None, 6)
    low, high = krylov.ends(jax.random.key(0), krylov.Precision(site, jnp.ones(6), jnp.asarray(0.25)), 6)
    assert low == high and low.value == pytest.approx(4.25) and low.residual == pytest.approx(0, abs=1e-14)
    assert low.residual >= 4.25 * np.finfo(float).eps


def test_the_lowest_eigenvalue_is_not_overrated() -> None:
    """Two steps of Lanczos do not see the flat direction; c min D, its eigenvalue, is what the bounds divide by."""
    D = np.array([0.09, 4.0, 0.25, 1.0, 2.25, 1.0])
    found = quadratic.iterative(posterior(), samples=8, preconditioner=jnp.asarray(D), steps=2)
    assert found.lowest.value > 1.1 * CONFINED * 0.09
    scale = found._scale()
    assert (
        scale.least
        == pytest.approx(CONFINED * 0.09)
        == np.linalg.eigvalsh(np.sqrt(D)[:, None] * (CURVED + 0.25 * np.eye(6)) * np.sqrt(D))[0]
    )
    assert scale.most == found.highest.value + found.highest.residual and scale.rounding == 4 * np.finfo(float).eps
    free = quadratic.iterative(LocalPosterior(loss, jnp.eye(6)[None], jnp.zeros(6), 8.0, 0.0), samples=8)
    assert free._scale().least == free.lowest.value == pytest.approx(1)

"""Patterns from estimated matrices: against the exact layer, against Monte Carlo noise, and on bad input."""

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize

from sampler import patterning, reweighting
from sampler.diagnostics import Estimate
from theory import patterning as exactly
from theory.errors import BadInput

RNG = np.random.default_rng(11)


def centred(k: int, n: int, q=None) -> np.ndarray:
    X = RNG.standard_normal((k, n))
    return X - (X @ (np.full(n, 1 / n) if q is None else q))[:, None]


def to_exact(X: np.ndarray) -> sp.Matrix:
    return sp.Matrix(X.shape[0], X.shape[1], [sp.Rational(*float(a).as_integer_ratio()) for a in X.ravel()])


@pytest.mark.parametrize("k, n", [(1, 4), (3, 5), (4, 3), (2, 2)])
def test_a_uniform_pattern_is_the_exact_pseudo_inverse(k: int, n: int) -> None:
    X, target = centred(k, n), RNG.standard_normal(k)
    P = np.linalg.pinv(X, rcond=1e-12)
    found = patterning.pattern(X, target, 7.0)
    assert np.allclose(found.dq, P @ target / 7, atol=1e-12)
    assert abs(found.dq.sum()) < 1e-12
    assert np.allclose(found.predicted + found.residual, target)
    assert np.allclose(found.predicted, X @ P @ target)


def test_a_weighted_pattern_is_the_exact_one_in_the_chi_square_norm() -> None:
    q = np.array([0.1, 0.3, 0.25, 0.35])
    X, target = centred(2, 4, q), np.array([0.3, -0.2])
    expected = exactly.weighted_pseudo_inverse(to_exact(X), [sp.Rational(str(a)) for a in q]) * sp.Matrix(list(target))
    found = patterning.pattern(X, target, 2.0, q=list(q))
    assert np.allclose(found.dq, np.array(expected, float).ravel() / 2, atol=1e-12)
    assert abs(found.dq.sum()) < 1e-12 and np.allclose(2 * X @ found.dq, target)
    falls = q + found.largest_step * found.dq
    assert falls.min() == pytest.approx(0, abs=1e-12)


def test_a_constant_added_to_a_row_changes_nothing() -> None:
    X, target = centred(2, 5), [1.0, -1.0]
    shifted = X + np.array([[3.0], [-2.0]])
    assert np.allclose(patterning.pattern(X, target, 1.0).dq, patterning.pattern(shifted, target, 1.0).dq)


def test_the_ridge_damps_each_mode_by_its_factor() -> None:
    X, eta = centred(3, 6), 0.7
    found = patterning.modes(X)
    for alpha in range(3):
        written = patterning.pattern(X, found.u[:, alpha], 1.0, ridge=eta)
        factor = float(exactly.ridge_factor(sp.Float(found.s[alpha]), sp.Float(eta)))
        assert np.allclose(written.dq, factor * found.v[:, alpha])


@pytest.mark.parametrize(
    "k, n, ridge, weighted",
    [
        (2, 6, 0.0, False),
        (2, 5, 0.0, True),
        (3, 6, 0.4, True),
        (5, 4, 0.0, False),
        (5, 4, 0.3, True),
        (1, 3, 0.1, False),
    ],
)
def test_the_delta_method_is_the_derivative_of_the_pattern(k, n, ridge, weighted) -> None:
    q = list(np.arange(1.0, n + 1) / np.arange(1.0, n + 1).sum()) if weighted else None
    X, target = centred(k, n), RNG.standard_normal(k)
    sem = RNG.uniform(0.5, 2, (k, n))
    jacobian = np.zeros((n, k, n))
    for i in range(k):
        for j in range(n):
            E = np.zeros((k, n))
            E[i, j] = 1e-5
            high, low = (patterning.pattern(X + sign * E, target, 3.0, ridge=ridge, q=q).dq for sign in (1, -1))
            jacobian[:, i, j] = (high - low) / 2e-5
    expected = np.sqrt(np.einsum("zij,ij->z", jacobian**2, sem**2))
    found = patterning.pattern(X, target, 3.0, ridge=ridge, q=q, sem=sem)
    assert found.sem is not None
    assert np.allclose(found.sem, expected, rtol=1e-5)


def test_noise_as_large_as_a_mode_is_told() -> None:
    X = centred(2, 40)
    X[1] = X[0] + 1e-3 * X[1]
    found = patterning.pattern(X, [1.0, 0.0], 1.0, sem=np.full(X.shape, 0.05))
    assert "not trustworthy" in found.message
    eta = patterning.suggest_ridge(X, sem=np.full(X.shape, 0.05))
    assert eta == pytest.approx(0.05**2 * (np.sqrt(2) + np.sqrt(40)) ** 2)
    assert "not trustworthy" not in patterning.pattern(X, [1.0, 0.0], 1.0, ridge=eta, sem=0.05).message
    assert patterning.pattern(X, [1.0, 1.0], 1.0, sem=1e-6).message == ""


def test_the_noise_edge_is_the_norm_of_noise() -> None:
    tops = [np.linalg.norm(0.3 * RNG.standard_normal((60, 300)), 2) for _ in range(5)]
    assert np.mean(tops) == pytest.approx(patterning.noise_edge(np.full((60, 300), 0.3)), rel=0.03)


def test_an_estimate_brings_its_errors_and_its_names() -> None:
    X = centred(2, 3)
    estimate = Estimate(
        X, 0 * X + 0.01, X, X, ("observable", "probe"), {"observable": ("a", "b"), "probe": ("r", "s", "t")}
    )
    found = patterning.modes(estimate)
    assert found.observables == ("a", "b") and found.data == ("r", "s", "t")
    assert found.edge is not None and found.loud.all()
    assert patterning.pattern(estimate, [0.1, 0.2], 1.0).sem is not None


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_the_bias_is_that_of_noisy_inverses(ridge: float) -> None:
    """Monte Carlo with correlated Gaussian noise; the factors of the covariance are the noise matrices."""
    X = 3 * centred(2, 4)
    factors = 0.08 * RNG.standard_normal((5, 2, 4))
    draws = 200_000
    noise = np.einsum("da,aij->dij", RNG.standard_normal((draws, 5)), factors)

    def inverse(A):
        AT = np.swapaxes(A, -1, -2)
        return AT @ np.linalg.inv(A @ AT + ridge * np.eye(2))

    # Antithetic pairs remove the first order.
    mean = (inverse(X + noise) + inverse(X - noise)) / 2 - inverse(X)
    sem = mean.std(axis=0) / np.sqrt(draws)
    found = patterning.bias(X, factors, ridge=ridge)
    assert (np.abs(mean.mean(axis=0) - found) < 5 * sem + 0.05 * np.abs(found).max()).all()


def test_the_bias_of_independent_noise_is_the_exact_one() -> None:
    X = centred(2, 5)
    units = np.eye(10).reshape(10, 2, 5)
    expected = np.array(exactly.noise_bias(to_exact(X), sp.Rational(1, 100)), float)
    assert np.allclose(patterning.bias(X, 0.1 * units), expected)


def test_points_weighted_against_their_profile_are_counted() -> None:
    places = np.array([[4.0, -1, -3], [1.0, 1, -2]])
    found = patterning.pattern(places, [0.0, 1.0], 1.0)
    assert found.against == pytest.approx(1 / 3)
    assert found.dq[0] == pytest.approx(-2 / 15)
    assert patterning.pattern(places, [0.0, 1.0], 1.0, ridge=1e6).against == 0


def test_weights_are_the_nearest_point_within_the_bounds() -> None:
    loadings = RNG.standard_normal(12) ** 3
    mapped = reweighting.weights(loadings, 1.4, lower=0.0, upper=2.5)
    z = (loadings - loadings.mean()) / loadings.std()
    wanted = 1 + 1.4 * z
    best = minimize(
        lambda w: ((w - wanted) ** 2).sum(), np.ones(12), jac=lambda w: 2 * (w - wanted), bounds=[(0, 2.5)] * 12,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 12}, method="SLSQP", options={"ftol": 1e-14},
    )  # fmt: skip
    assert np.allclose(mapped.values, best.x, atol=1e-5)
    assert mapped.values.mean() == pytest.approx(1, abs=1e-12)
    assert (np.diff(mapped.values[np.argsort(loadings)]) >= -1e-12).all()
    assert 0 < mapped.cosine < 1 and 0 < mapped.clipped < 1
    assert mapped.effective_share == pytest.approx(1 / (1 + mapped.values.var()))


def test_gentle_weights_keep_the_direction() -> None:
    loadings = RNG.uniform(-1, 1, 50)
    mapped = reweighting.weights(loadings, -0.4)
    assert mapped.cosine == pytest.approx(1) and mapped.kept == pytest.approx(1) and mapped.clipped == 0
    X = centred(3, 50)
    z = (loadings - loadings.mean()) / loadings.std()
    assert np.allclose(mapped.response(X), X @ (-0.4 * z))
    assert np.allclose(reweighting.weights(np.ones(5), 2.0).values, 1)


def test_reweight_centres_and_refuses_negative_weights() -> None:
    s = np.array([2.0, 0.0, 1.0])
    assert np.allclose(reweighting.reweight(s, 0.5).values, [1.5, 0.5, 1.0])
    with pytest.raises(BadInput, match="at most 1"):
        reweighting.reweight(s, 1.5)


def test_the_piecewise_map_has_mean_one() -> None:
    mapped = reweighting.piecewise([-3.0, 0.0, 0.5, 1.0, 4.0], [0.0, 1.0], [0.2, 1.0])
    plain = np.array([0.2, 0.2, 0.6, 1.0, 1.0])
    assert np.allclose(mapped.values, plain / plain.mean())
    assert mapped.clipped == pytest.approx(0.4)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: patterning.modes(np.zeros(3)), "finite matrix"),
        (lambda: patterning.modes(np.full((2, 2), np.nan)), "finite matrix"),
        (lambda: patterning.pattern(np.eye(2), [1.0], 1.0), "one finite number for each of 2"),
        (lambda: patterning.pattern(np.eye(2), [1.0, 1.0], 0.0), "nbeta > 0"),
        (lambda: patterning.pattern(np.eye(2), [1.0, 1.0], 1.0, ridge=-1), "ridge ≥ 0"),
        (lambda: patterning.pattern(np.eye(2), [1.0, 1.0], 1.0, q=[0.5, 0.4]), "sum 1"),
        (lambda: patterning.modes(np.eye(2), sem=-np.ones((2, 2))), "not negative"),
        (lambda: patterning.suggest_ridge(np.eye(2)), "needs the noise"),
        (lambda: reweighting.weights([1.0, 2.0], 1.0, lower=1.5), "lower < 1 < upper"),
        (lambda: reweighting.weights([], 1.0), "vector of finite numbers"),
        (lambda: reweighting.piecewise([1.0], [1.0, 0.0], [1.0, 1.0]), "rising knots"),
        (lambda: reweighting.piecewise([1.0], [0.0, 1.0], [0.0, 0.0]), "every weight is 0"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(call, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        call()


def test_a_matrix_without_signal_says_so() -> None:
    found = patterning.pattern(np.ones((2, 4)), [1.0, 0.0], 1.0)
    assert np.all(found.dq == 0) and "zero once centred" in found.message
    tall = patterning.pattern(np.array([[1.0, -1.0], [2.0, -2.0]]), [2.0, -1.0], 1.0)
    assert "out of reach" in tall.message

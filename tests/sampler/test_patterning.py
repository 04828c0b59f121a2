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


@pytest.mark.parametrize("weighted", [False, True])
def test_modes_and_their_edge_are_those_of_the_weighted_matrix(weighted: bool) -> None:
    """X less its q-mean, times √(nq): singular vectors up to a sign, the largest entry of each u positive; the edge from the row
    and the column of sem·√(nq) with the largest sums of squares."""
    X, sem = RNG.standard_normal((3, 5)), RNG.uniform(0.5, 2, (3, 5))
    q = np.array([0.1, 0.15, 0.2, 0.25, 0.3]) if weighted else np.full(5, 0.2)
    Y = np.array([[(X[i, j] - sum(X[i] * q)) * np.sqrt(5 * q[j]) for j in range(5)] for i in range(3)])
    found = patterning.modes(X, sem=sem, q=list(q) if weighted else None)
    np.testing.assert_allclose((found.u * found.s) @ found.v.T, Y, atol=1e-12)
    np.testing.assert_allclose(found.s, np.sqrt(np.linalg.eigvalsh(Y @ Y.T)[::-1]), atol=1e-12)
    np.testing.assert_allclose(found.u.T @ found.u, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(found.v.T @ found.v, np.eye(3), atol=1e-12)
    assert all(column[np.abs(column).argmax()] > 0 for column in found.u.T)
    variance = [[sem[i, j] ** 2 * 5 * q[j] for j in range(5)] for i in range(3)]
    edge = max(map(sum, variance)) ** 0.5 + max(map(sum, zip(*variance, strict=True))) ** 0.5
    assert found.edge == pytest.approx(edge)
    assert patterning.suggest_ridge(X, sem=sem, q=list(q)) == pytest.approx(edge**2)
    assert (found.observables, found.data) == (("0", "1", "2"), ("0", "1", "2", "3", "4"))
    assert patterning.modes(X).edge is None and patterning.modes(X).loud.all()
    at = patterning.Modes(found.u, np.array([3.0, 2.0, 1.0]), found.v, 2.0, (), ())
    assert at.loud.tolist() == [True, False, False]


def test_the_numbers_of_a_pattern_are_those_of_its_definitions() -> None:
    """nβ = 4, unequal q, a target out of reach: X dq, the noise of it for this dq, the first weight to reach 0."""
    q = np.array([0.1, 0.3, 0.25, 0.35])
    X, sem, target = RNG.standard_normal((3, 4)), RNG.uniform(0.1, 0.2, (3, 4)), np.array([0.3, -0.2, 0.5])
    found = patterning.pattern(X, target, 4.0, ridge=0.3, q=list(q), sem=sem)
    W = np.diag(np.sqrt(4 * q))
    Y = (X - (X @ q)[:, None]) @ W
    np.testing.assert_allclose(found.dq, W @ Y.T @ np.linalg.inv(Y @ Y.T + 0.3 * np.eye(3)) @ target / 4, atol=1e-13)
    np.testing.assert_allclose(found.predicted, 4 * X @ found.dq, atol=1e-13)
    np.testing.assert_allclose(found.residual, target - 4 * X @ found.dq, atol=1e-13)
    assert found.noise is not None
    noise = [4 * np.sqrt(sum((sem[i, j] * found.dq[j]) ** 2 for j in range(4))) for i in range(3)]
    np.testing.assert_allclose(found.noise, noise, rtol=1e-12)
    assert found.largest_step == pytest.approx(min(-a / b for a, b in zip(q, found.dq, strict=True) if b < 0))
    profile = (X - (X @ q)[:, None]).T @ target
    assert found.against == np.mean([a * b < 0 for a, b in zip(found.dq, profile, strict=True)])
    missed = np.linalg.norm(found.residual) / np.linalg.norm(target)
    assert missed > 0.1 and found.message.startswith(f"{100 * missed:.0f}% of the target is out of reach")
    plain = patterning.pattern(X, target, 4.0)
    assert plain.sem is None and plain.noise is None


def test_nothing_to_move_never_reaches_zero() -> None:
    found = patterning.pattern(centred(2, 4), [0.0, 0.0], 1.0)
    assert found.largest_step == np.inf and found.against == 0 and found.message == ""


def test_a_dependent_row_is_seen_as_such_to_rounding() -> None:
    """The same row twice: of two targets the mean is reached, and no singular value of 1e-17 is inverted."""
    row = centred(1, 6)
    found = patterning.pattern(np.vstack([row, row * (1 + 1e-15)]), [1.0, 3.0], 1.0)
    np.testing.assert_allclose(found.predicted, [2.0, 2.0], rtol=1e-12)
    np.testing.assert_allclose(found.dq, 2 * row[0] / np.sum(row**2), rtol=1e-12)
    apart = patterning.pattern(np.vstack([row, row + 1e-10 * centred(1, 6)]), [1.0, 3.0], 1.0)
    np.testing.assert_allclose(apart.predicted, [1.0, 3.0], atol=1e-4)


def test_what_is_told_of_targets_and_modes_at_their_limits() -> None:
    """A tenth out of reach is not told, a little more is; a ridge of s² is enough for the faintest mode, a little less is not."""
    X = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    for missed, told in ((0.0999, False), (0.1001, True)):
        message = patterning.pattern(X, [np.sqrt(1 - missed**2), missed], 1.0).message
        assert message == ("10% of the target is out of reach to first order." if told else "")
    pair = np.array([[2.0, -2.0, 0.0, 0.0], [0.0, 0.0, 0.25, -0.25]])  # s² = 8 and 1/8
    sem = np.full((2, 4), 0.2)  # edge 0.4 + 0.28
    one, two, three = (patterning.pattern(pair, [1.0, 0.0], 1.0, ridge=r, sem=sem) for r in (0.0, 0.1249, 0.1251))
    assert "1 of 2 modes lie below the noise edge 0.683 " in one.message
    assert "(suggest_ridge gives 0.466)" in two.message and "modes" not in three.message
    uneven = patterning.pattern(pair, [1.0, 0.0], 1.0, q=[0.1, 0.1, 0.4, 0.4], sem=sem)  # edge 0.4 + √(2 · 0.04 · 1.6)
    assert "1 of 2 modes lie below the noise edge 0.758 " in uneven.message


@pytest.mark.parametrize(("k", "n", "ridge"), [(2, 4, 0.0), (3, 5, 0.4), (3, 2, 0.7)])
def test_the_bias_is_half_the_second_derivative(k: int, n: int, ridge: float) -> None:
    """N = g E with g ∼ N(0, 1): E[R(X + N)] − R(X) = ½ d²R(X + hE)/dh² to second order, summed over several E."""
    X, noise = RNG.standard_normal((k, n)), RNG.standard_normal((3, k, n))

    def inverse(A: np.ndarray) -> np.ndarray:
        return A.T @ np.linalg.inv(A @ A.T + ridge * np.eye(k))

    h = 1e-3
    expected = sum((inverse(X + h * E) + inverse(X - h * E) - 2 * inverse(X)) / (2 * h**2) for E in noise)
    found = patterning.bias(X, noise, ridge=ridge)
    assert found.shape == (n, k)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(found).max())


def test_names_and_errors_of_an_estimate_are_used_where_it_has_them() -> None:
    X = centred(2, 3)
    nan = np.full(X.shape, np.nan)
    cases: list[tuple[tuple[str, ...], dict, tuple]] = [
        (("a", "b"), {"b": ("r", "s", "t")}, (("0", "1"), ("r", "s", "t"))),
        (("a",), {"a": ("u", "v")}, (("0", "1"), ("0", "1", "2"))),
        ((), {}, (("0", "1"), ("0", "1", "2"))),
    ]
    for dims, labels, expected in cases:
        found = patterning.modes(Estimate(X, 0 * X + 0.1, nan, nan, dims, labels))
        assert (found.observables, found.data) == expected
        assert found.edge == pytest.approx(0.1 * (3**0.5 + 2**0.5))
    assert patterning.modes(Estimate(X, 0 * X + 0.1, nan, nan), sem=0.2).edge == pytest.approx(0.2 * (3**0.5 + 2**0.5))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"q": [0.2, 0.3, 0.4, 0.1, 0.0]}, "5 positive weights"),
        ({"q": [0.3, 0.3, 0.5, -0.1, 0.0]}, "5 positive weights"),
        ({"q": [0.2, 0.3, 0.3, 0.2]}, "5 positive weights"),
        ({"q": [0.2, 0.2, 0.2, 0.2, 0.200002]}, "of sum 1"),
        ({"nbeta": np.inf}, "nbeta > 0"),
        ({"nbeta": np.nan}, "nbeta > 0"),
        ({"ridge": np.nan}, "ridge ≥ 0"),
        ({"target": [1.0, np.inf]}, "one finite number"),
        ({"sem": np.full((2, 5), np.inf)}, "finite and not negative"),
    ],
)
def test_refusals_of_a_pattern(options: dict, words: str) -> None:
    """Weights whose sum is 1 to a millionth will do."""
    given = {"target": [1.0, 0.0], "nbeta": 1.0, **options}
    with pytest.raises(BadInput, match=words):
        patterning.pattern(centred(2, 5), given.pop("target"), given.pop("nbeta"), **given)
    assert patterning.pattern(centred(2, 5), [1.0, 0.0], 1.0, q=[0.2, 0.2, 0.2, 0.2, 0.2000005]).dq.shape == (5,)
    with pytest.raises(BadInput, match="finite matrix"):
        patterning.modes(np.zeros((2, 0)))

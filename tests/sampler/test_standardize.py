"""Standardisation: the group it is blind to, its errors, and input that has no standardised form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.diagnostics import Estimate
from sampler.standardize import attenuation, centre, jackknife, standardize, zscore
from theory.errors import BadInput

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 7)) * [[1.0], [10.0], [0.1]] + [[0.0], [5.0], [-2.0]]


def estimate(mean: np.ndarray, sem: np.ndarray | float, **labels) -> Estimate:
    unknown = np.full(np.shape(mean), np.nan)
    return Estimate(np.asarray(mean), np.broadcast_to(sem, np.shape(mean)), unknown, unknown, **labels)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3), st.lists(st.floats(-10, 10), min_size=3, max_size=3))
def test_scale_and_shift_of_a_component_are_not_seen(scales: list[float], shifts: list[float]) -> None:
    moved = np.array(scales)[:, None] * X + np.array(shifts)[:, None]
    # A shift s of entries of size c costs s/c of their digits.
    lost = 1 + max(abs(s) / c for s, c in zip(shifts, np.array(scales) * X.std(1), strict=True))
    np.testing.assert_allclose(standardize(moved), standardize(X), atol=1e-13 * lost)
    np.testing.assert_allclose(centre(moved), np.array(scales)[:, None] * centre(X), atol=1e-12 * (1 + max(scales)))


def test_centring_keeps_the_scale_and_a_negative_scale_flips_the_sign() -> None:
    c = np.array([[2.0], [3.0], [4.0]])
    assert not np.allclose(centre(c * X), centre(X))
    np.testing.assert_allclose(zscore(-c * X), -zscore(X), atol=1e-13)


def test_means_and_deviations() -> None:
    z, both = zscore(X), standardize(X)
    np.testing.assert_allclose(z.mean(1), 0, atol=1e-14)
    np.testing.assert_allclose(z.std(1), 1)
    np.testing.assert_allclose(both.mean(1), 0, atol=1e-14)
    np.testing.assert_allclose(both.mean(0), 0, atol=1e-14)
    assert not np.allclose(both.std(1), 1)


@pytest.mark.parametrize("function", [centre, zscore, standardize])
def test_the_error_is_the_largest_that_any_correlation_allows(function) -> None:
    """Σ |J| sem by finite differences; and it is reached by errors that are fully correlated with the signs of J."""
    sem = np.abs(RNG.normal(size=X.shape)) * X.std(1, keepdims=True)
    found = function(estimate(X, sem)).sem
    expected, step = np.zeros_like(X), 1e-5
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            nudge = np.zeros_like(X)
            nudge[i, j] = step * X[i].std()
            slope = (function(X + nudge) - function(X - nudge)) / (2 * nudge[i, j])
            expected += np.abs(slope) * sem[i, j]
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_labels_survive_and_ess_is_not_invented() -> None:
    labelled = estimate(X, 0.1, dims=("component", "probe"), labels={"component": ("a", "b", "c")})
    answer = standardize(labelled)
    assert answer.dims == ("component", "probe")
    assert answer.labels["component"] == ("a", "b", "c")
    assert np.isnan(answer.ess).all()


def test_the_jackknife_of_a_mean_is_its_standard_error_and_lies_below_the_bound() -> None:
    """For a mean the jackknife is exact: s/√G. For z-scores it estimates what the bound dominates."""
    draws = RNG.normal(size=(40, *X.shape)) * 0.1 + X / X.std(1, keepdims=True)
    without = np.array([np.delete(draws, g, axis=0).mean(0) for g in range(40)])
    plain = jackknife(draws.mean(0), without)
    np.testing.assert_allclose(plain.sem, draws.std(0, ddof=1) / np.sqrt(40))
    scores = jackknife(standardize(draws.mean(0)), np.array([standardize(each) for each in without]))
    bound = standardize(estimate(draws.mean(0), plain.sem))
    assert (scores.sem < 1.02 * bound.sem).all()


def test_noise_shrinks_scores_by_the_attenuation() -> None:
    """A known matrix with noise of known size, many times over: ratio of the scores to the true ones, and what is
    estimated for it."""
    true, noise, repeats = zscore(X), 0.3, 4000
    noisy = [true + noise * RNG.normal(size=true.shape) for _ in range(repeats)]
    slopes = [np.sum(zscore(x) * true) / true.size for x in noisy]
    points = true.shape[1]
    first_order = 1 - noise**2 * (points - 1) / (2 * points)
    spread = np.std(slopes) / np.sqrt(repeats)
    # The projection on the truth loses the same amount as the variance gains, up to order τ⁴.
    assert abs(np.mean(slopes) - first_order) < 4.9 * spread + noise**4
    known = np.mean([attenuation(estimate(x, noise)) for x in noisy[:200]])
    assert abs(known - first_order) < 0.02


def test_the_least_that_is_enough() -> None:
    """Two components have half their difference, two points the scores ±1, one point the centre 0, two groups half their gap."""
    first, second = zscore(X[:2])
    np.testing.assert_allclose(standardize(X[:2]), np.array([first - second, second - first]) / 2, atol=1e-15)
    np.testing.assert_allclose(zscore(X[:, :2]), np.sign(X[:, :2] - X[:, 1::-1]), rtol=1e-12)
    assert (centre(X[:1, :1]) == 0).all()
    np.testing.assert_allclose(jackknife(X[0], X[1:3]).sem, np.abs(X[1] - X[2]) / 2)


def test_refusals() -> None:
    constant = X.copy()
    constant[1] = 3.7
    with pytest.raises(BadInput, match="component 1 does not vary"):
        zscore(constant)
    names = estimate(constant, 0.1, dims=("component", "probe"), labels={"component": ("attn", "mlp", "norm")})
    with pytest.raises(BadInput, match="component mlp does not vary"):
        standardize(names)
    with pytest.raises(BadInput, match="single one"):
        standardize(X[:1])
    with pytest.raises(BadInput, match="at least 2 data points"):
        zscore(X[:, :1])
    with pytest.raises(BadInput, match=r"\(components, data\)"):
        centre(X[0])
    broken = X.copy()
    broken[2, 4] = np.nan
    with pytest.raises(BadInput, match="component 2, data point 4, is nan"):
        centre(broken)
    with pytest.raises(BadInput, match="jackknife"):
        jackknife(X, X[None])


def test_two_points_are_enough_and_one_is_not() -> None:
    """With two points scores are ±1; three components of them, centred: the signs less their mean."""
    signs = np.sign(X[:, :2] - X[:, 1::-1])
    np.testing.assert_allclose(standardize(X[:, :2]), signs - signs.mean(0), atol=1e-12)
    assert attenuation(estimate(X[:, :2], 0.0)).tolist() == [1.0, 1.0, 1.0]
    for function in (zscore, standardize, lambda x: attenuation(estimate(x, 0.1))):
        with pytest.raises(BadInput, match="at least 2 data points"):
            function(X[:, :1])
    for function, empty in ((centre, X[:, :0]), (centre, X[:0]), (zscore, X[:0])):
        with pytest.raises(BadInput, match="the shape is"):
            function(empty)


def test_the_attenuation_is_the_formula_and_unknown_where_noise_is_all() -> None:
    """Scores ±1 in equal numbers: observed variance c², τ² the mean of two squares, divisor P = 4."""
    sem = np.array([[0.1, 0.3, 0.1, 0.3], [0.2, 0.2, 0.2, 0.2], [2.0, 2.0, 2.0, 2.0]])
    x = np.array([[1.0], [2.0], [1.0]]) * [1, -1, 1, -1] + 5
    first, second, third = attenuation(estimate(x, sem))
    assert first == pytest.approx(np.sqrt(1 - 0.05 * 3 / 4)) and second == pytest.approx(np.sqrt(1 - 0.01 * 3 / 4))
    assert np.isnan(third)


@pytest.mark.parametrize("function", [centre, zscore, standardize])
def test_an_estimate_has_the_numbers_of_its_array_and_no_ess_or_rhat(function) -> None:
    given = Estimate(X, 0.1 + 0 * X, 100 + 0 * X, 1.0 + 0 * X)
    found = function(given)
    np.testing.assert_array_equal(found.mean, function(X))
    assert np.isnan(found.ess).all() and np.isnan(found.rhat).all() and found.rhat.shape == X.shape
    assert isinstance(function(X), np.ndarray)


def test_the_jackknife_names_its_numbers() -> None:
    """sem² = (G−1)/G Σ (θ_g − θ̄)² about the mean of the G values, not about the value of all."""
    without = np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]])
    found = jackknife(np.array([9.0, 5.0]), without)
    assert (
        found.mean.tolist() == [9.0, 5.0] and found.sem[0] == pytest.approx(np.sqrt(2 / 3 * 14)) and found.sem[1] == 0
    )
    assert np.isnan(found.ess).all() and np.isnan(found.rhat).all()
    for value, bad in (
        (np.zeros(2), np.zeros((1, 2))),
        (np.zeros(2), np.zeros((3, 3))),
        (np.array(0.0), np.array(1.0)),
    ):
        with pytest.raises(BadInput, match="two or more values of shape"):
            jackknife(value, bad)


def test_spread_by_rounding_alone_is_none_and_little_more_is_some() -> None:
    """Entries near 1000 have a unit of 1.1e-13 in the last place: half of it in spread is rounding, twenty units are not."""
    unit = np.spacing(1000.0)
    for number, still in ((1, True), (40, False)):
        x = np.stack([1000 + number * unit * np.array([0, 1, 0, 1]), np.arange(4.0)])
        for sign in (1, -1):
            if still:
                with pytest.raises(BadInput, match="component 0 does not vary"):
                    zscore(sign * x)
            else:
                np.testing.assert_allclose(zscore(sign * x)[0], sign * np.array([-1, 1, -1, 1]), rtol=1e-12)


def test_components_without_labels_of_their_own_are_numbered() -> None:
    """Labels of another axis, or of another length, name no component."""
    constant = X.copy()
    constant[2] = 1.0
    for dims, labels in (
        ((), {"component": ("a", "b", "c")}),
        (("component", "probe"), {"probe": ("a", "b", "c")}),
        (("component", "probe"), {"component": ("a", "b")}),
    ):
        with pytest.raises(BadInput, match="component 2 does not vary"):
            zscore(estimate(constant, 0.1, dims=dims, labels=labels))
    broken = X.copy()
    broken[0, 5] = np.inf
    named = {"dims": ("component", "probe"), "labels": {"component": ("a", "b", "c")}}
    with pytest.raises(BadInput, match="component a, data point 5, is inf"):
        centre(estimate(broken, 0.1, **named))

"""The estimators of the reference implementation on arrays of a few numbers, entry by entry, and the arrays that they refuse."""

import numpy as np
import pytest

from sampler import conventions
from theory.errors import BadInput

RNG = np.random.default_rng(4)


def test_a_learning_coefficient_is_the_gap_of_each_chain():
    """nβ = 4: means 2 and 5 less 1, or less 1 and 3; divisor C in the scatter, which is 0 for one chain."""
    losses = np.array([[1.0, 3.0], [4.0, 6.0]])
    one, two = (conventions.llc_with_burn_in(losses, initial, 4.0) for initial in (1.0, np.array([1.0, 3.0])))
    assert (one.per_chain.tolist(), one.mean, one.std) == ([4.0, 16.0], 10.0, 6.0)
    assert (two.per_chain.tolist(), two.mean, two.std) == ([4.0, 8.0], 6.0, 2.0)
    assert conventions.llc_with_burn_in(losses[:1], 1.0, 4.0).std == 0


def test_influences_pool_the_chains():
    """Sums over all draws of all chains, with divisor N − 1; a correlation is that of the same sums."""
    losses = RNG.normal(size=(2, 5, 3)) + np.array([[[0.0]], [[3.0]]])
    away = losses.reshape(10, 3) - losses.mean(axis=(0, 1))
    covariance = np.array([[sum(away[:, i] * away[:, j]) / 9 for j in range(3)] for i in range(3)])
    sizes = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(conventions.bif(losses, covariance=True), covariance, rtol=1e-12)
    np.testing.assert_allclose(conventions.bif(losses), covariance / sizes[:, None] / sizes, rtol=1e-12)
    means = losses.mean(axis=0)
    np.testing.assert_allclose(conventions.bif_of_chain_means(losses), np.corrcoef(means.T), rtol=1e-12)


def test_correlations_of_tokens_are_averaged_over_pairs():
    losses = RNG.normal(size=(2, 6, 3, 2))
    found = conventions.bif_by_token(losses)
    for x, z in np.ndindex(3, 3):
        pairs = [
            np.corrcoef(losses[:, :, x, s].ravel(), losses[:, :, z, t].ravel())[0, 1] for s in (0, 1) for t in (0, 1)
        ]
        assert found[x, z] == pytest.approx(np.mean(pairs), rel=1e-12)


def test_the_mixed_susceptibility_is_its_formula():
    """⟨φL⟩ − ⟨φℓ⟩ − ⟨φ⟩(⟨L⟩_full − ⟨ℓ⟩_full), chains of other numbers and lengths in the two runs."""
    part, full = RNG.normal(size=(2, 5, 3)), RNG.normal(size=(3, 4, 3))
    L, other = RNG.normal(size=(2, 5)), RNG.normal(size=(3, 4))
    phi = L - 0.7
    expected = [
        np.mean(phi * L) - np.mean(phi * part[..., k]) - np.mean(phi) * (np.mean(other) - np.mean(full[..., k]))
        for k in range(3)
    ]
    found = conventions.mixed_susceptibility(part, full, L, other, 0.7)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    for wrong in (
        (part, full, L[:, :4], other), (part, full, L[:1], other), (part, full, L, other[:2]), (part, full, L, other[:, 1:]),
        (part[..., :2], full, L, other),
    ):  # fmt: skip
        with pytest.raises(BadInput, match="different chains, draws or examples"):
            conventions.mixed_susceptibility(*wrong, 0.7)


def test_refusals_name_the_trace_and_its_axes():
    good, bad = np.ones((2, 3, 2)), np.full((2, 3, 2), np.nan)
    for call, words in (
        (lambda: conventions.llc_with_burn_in(good, 0.0, 1.0), "losses needs 2 axes"),
        (lambda: conventions.bif(good[0]), r"losses needs 3 axes, none of them empty; its shape is \(3, 2\)"),
        (lambda: conventions.bif(good[:, :0]), "none of them empty"),
        (lambda: conventions.bif_by_token(good), "losses needs 4 axes"),
        (lambda: conventions.bif_of_chain_means(good[0]), "losses needs 3 axes"),
        (lambda: conventions.bif(bad), "losses hold NaN"),
        (
            lambda: conventions.mixed_susceptibility(good[0], good, good[..., 0], good[..., 0], 0.0),
            "restricted needs 3",
        ),
        (lambda: conventions.mixed_susceptibility(good, good[0], good[..., 0], good[..., 0], 0.0), "full needs 3"),
        (lambda: conventions.mixed_susceptibility(good, good, good, good[..., 0], 0.0), "restricted_mean needs 2"),
        (lambda: conventions.mixed_susceptibility(good, good, good[..., 0], good, 0.0), "full_mean needs 2"),
    ):
        with pytest.raises(BadInput, match=words):
            call()

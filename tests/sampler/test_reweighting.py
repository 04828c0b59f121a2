"""Loss weights: closed forms on a handful of points, the projection by its conditions, and what each map says that it cost."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.reweighting import Weights, piecewise, reweight, weights
from theory.errors import BadInput

SQUARE: Any = [[0.0, 1.0]]


def check_costs(found: Weights, wanted: np.ndarray, bounded: np.ndarray) -> None:
    """The four numbers from their definitions."""
    w, n = found.values, len(found.values)
    assert found.effective_share == pytest.approx(w.sum() ** 2 / (n * np.sum(w**2)), rel=1e-12)
    assert found.cosine == pytest.approx(np.sum((w - 1) * wanted) / np.linalg.norm(w - 1) / np.linalg.norm(wanted))
    assert found.kept == pytest.approx(np.sum((w - 1) * wanted) / np.sum(wanted**2))
    assert found.clipped == pytest.approx(np.mean(bounded))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    loadings=st.lists(st.floats(-5, 5), min_size=2, max_size=8).filter(lambda x: np.std(x) > 1e-3),
    strength=st.floats(0.1, 20),
    sign=st.sampled_from([1, -1]),
    lower=st.floats(0, 0.9),
    upper=st.floats(1.1, 4) | st.just(np.inf),
)
def test_weights_are_shifted_and_clipped_to_mean_one(loadings, strength, sign, lower, upper):
    """w = clip(v + c) is the nearest point of mean 1 within the bounds iff one c serves all points that are at no bound, and those
    at a bound would be beyond it (Karush, Kuhn and Tucker)."""
    x = np.array(loadings)
    wanted = sign * strength * (x - x.mean()) / x.std()
    found = weights(x, sign * strength, lower=lower, upper=upper)
    w = found.values
    assert w.mean() == pytest.approx(1, abs=1e-9) and w.min() >= lower and w.max() <= upper
    free = (w > lower) & (w < upper)
    shift = w - 1 - wanted
    if free.any():
        c, room = shift[free].mean(), 1e-9 * (1 + strength)
        assert np.ptp(shift[free]) < room
        assert (shift[w <= lower] >= c - room).all() and (shift[w >= upper] <= c + room).all()
    check_costs(found, wanted, ~free)


def test_weights_that_all_sit_at_a_bound_and_weights_that_none_does():
    """Two points pushed apart without end become 0 and 2, or stop at the nearer bound: 2 − upper below is 2 less the other."""
    assert weights([-1.0, 1.0], 50.0).values == pytest.approx([0, 2], abs=1e-9)
    assert weights([-1.0, 1.0], 50.0, upper=1.5).values == pytest.approx([0.5, 1.5])
    assert weights([-1.0, 1.0], 50.0, lower=0.25).values == pytest.approx([0.25, 1.75])
    assert weights([-1.0, 1.0], 0.5).values == pytest.approx([0.5, 1.5]) and weights([-1.0, 1.0], 0.5).clipped == 0
    assert weights([-1.0, 1.0], 0.5, lower=0.0, upper=3.0).kept == pytest.approx(1)


def test_where_nothing_is_wanted_nothing_is_lost():
    for found in (weights([3.0, 3.0, 3.0], 2.0), weights([1.0, 2.0], 0.0), reweight([1.0, 2.0], 0.0)):
        assert found.values == pytest.approx(np.ones(len(found.values)), abs=1e-12)
        assert (found.cosine, found.kept, found.clipped, found.effective_share) == (1.0, 1.0, 0.0, pytest.approx(1))


@pytest.mark.parametrize("alpha", [0.5, -0.5, 1.0])
def test_the_plain_map_is_the_formula_and_goes_to_zero_but_not_below(alpha):
    """Mean 1 and α(s − s̄) beyond it; a weight of 0 is allowed, a negative one is refused with the α that makes it 0."""
    s = np.array([2.0, 0.0, 1.0])
    found = reweight(s, alpha)
    assert found.values == pytest.approx(1 + alpha * (s - 1))
    check_costs(found, alpha * (s - 1), np.zeros(3))
    assert found.response([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]]) == pytest.approx([-alpha, -alpha])
    assert reweight(s, alpha / abs(alpha)).values.min() == 0
    with pytest.raises(BadInput, match=r"alpha = 4 turns a weight negative; take at most 0\.5,"):
        reweight(2 * s, 4.0)
    with pytest.raises(BadInput, match=r"at most 0\.25,"):
        reweight([-4.0, 0.0, 4.0], -1.0)


def test_piecewise_maps_count_what_lies_beyond_their_knots():
    """At a knot is not beyond it; the direction is compared with that of the loadings."""
    x = np.array([-2.0, -1.0, 0.0, 1.0, 3.0])
    found = piecewise(x, [-1.0, 0.0, 1.0], [0.0, 1.0, 3.0])
    assert found.values == pytest.approx(np.array([0, 0, 1, 3, 3]) / 1.4)
    check_costs(found, x - x.mean(), np.array([1, 0, 0, 0, 1]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: weights([1.0, 2.0], 1.0, lower=-0.1), "lower < 1 < upper"),
        (lambda: weights([1.0, 2.0], 1.0, lower=1.0), "lower < 1 < upper"),
        (lambda: weights([1.0, 2.0], 1.0, upper=1.0), "lower < 1 < upper"),
        (lambda: weights([[1.0, 2.0]], 1.0), r"weights: .* shape is \(1, 2\)"),
        (lambda: weights([1.0, np.nan], 1.0), "weights: needs a vector of finite"),
        (lambda: reweight([], 1.0), "reweight: needs a vector"),
        (lambda: piecewise([np.inf], [0.0, 1.0], [0.0, 1.0]), "piecewise: needs a vector"),
        (lambda: piecewise([1.0], [0.0], [1.0]), "rising knots"),
        (lambda: piecewise([1.0], [0.0, 0.0], [1.0, 1.0]), "rising knots"),
        (lambda: piecewise([1.0], [0.0, 1.0], [1.0]), "rising knots"),
        (lambda: piecewise([1.0], [0.0, 1.0], [-0.1, 1.0]), "rising knots"),
        (lambda: piecewise([1.0], SQUARE, SQUARE), "rising knots"),
        (lambda: piecewise([-1.0], [0.0, 1.0], [0.0, 1.0]), "every weight is 0"),
    ],
)  # fmt: skip
def test_refusals(call, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        call()

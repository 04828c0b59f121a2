"""The local posterior: energy, gradient, masks and what it refuses."""

from dataclasses import FrozenInstanceError
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler.posterior import LocalPosterior, dot, size_of, widened
from theory.errors import BadInput

DATA = (np.arange(12.0).reshape(6, 2), np.arange(6.0))
CENTRE = {"a": np.array([0.5, -1.0]), "b": {"c": np.array(2.0)}}


def loss(params, example):
    inputs, target = example
    return (inputs @ params["a"] + params["b"]["c"] - target) ** 2 / 2


def posterior(**changes):
    fields = {"loss": loss, "data": DATA, "centre": CENTRE, "nbeta": 3.0, "gamma": 0.5} | changes
    return LocalPosterior(**fields)


def test_gradient_is_that_of_the_energy_written_out():
    w = {"a": jnp.array([0.1, 0.2]), "b": {"c": jnp.array(0.3)}}
    residual = DATA[0] @ np.array([0.1, 0.2]) + 0.3 - DATA[1]
    away = np.array([0.1 - 0.5, 0.2 + 1.0, 0.3 - 2.0])
    by_hand = 3.0 * np.append(residual @ DATA[0], residual.sum()) / 6 + 0.5 * away
    p = posterior()
    value, g = p.value_and_gradient(w, p.data)
    np.testing.assert_allclose(np.append(g["a"], g["b"]["c"]), by_hand, rtol=1e-13)
    np.testing.assert_allclose(value, (residual**2).mean() / 2, rtol=1e-13)
    np.testing.assert_allclose(p.energy(w, value), 3 * (residual**2).mean() / 2 + 0.25 * away @ away, rtol=1e-13)


@pytest.mark.parametrize(
    ("mask", "dimension", "free"),
    [
        (None, 3, [1, 1, 1]),
        (True, 3, [1, 1, 1]),
        ({"a": True, "b": False}, 2, [1, 1, 0]),
        ({"a": np.array([False, True]), "b": {"c": True}}, 2, [0, 1, 1]),
    ],
)
def test_mask_is_a_prefix_or_a_slice(mask, dimension, free):
    p = posterior(mask=mask)
    assert int(p.dimension) == dimension
    _, g = p.value_and_gradient({"a": jnp.ones(2), "b": {"c": jnp.array(1.0)}}, p.data)
    np.testing.assert_array_equal(np.append(g["a"], g["b"]["c"]) != 0, np.array(free, bool))


def test_is_a_pytree_with_static_loss():
    p = posterior(batch_size=2)
    leaves, tree = jax.tree.flatten(p)
    again = tree.unflatten(leaves)
    assert again.loss is loss
    assert again.batch_size == 2
    assert len(leaves) == 6


def test_fields_cannot_be_assigned_to():
    """As a leaf of a compiled program it must not change; `moved` makes another one."""
    posterior: Any = LocalPosterior(lambda w, z: w[0] * z[0], jnp.ones((2, 1)), jnp.ones(1), 1.0, 0.0)
    with pytest.raises(FrozenInstanceError):
        posterior.nbeta = 2.0


def test_minibatch_is_drawn_with_replacement():
    p = posterior(batch_size=6)
    drawn = np.stack([p.minibatch(jax.random.key(s))[1] for s in range(40)])
    assert drawn.shape == (40, 6)
    assert any(len(set(row)) < 6 for row in drawn.tolist())


@pytest.mark.parametrize(
    "changes",
    [
        {"nbeta": 0.0},
        {"nbeta": np.inf},
        {"gamma": -1.0},
        {"batch_size": 0},
        {"batch_size": 7},
        {"data": (np.full((6, 2), np.nan), DATA[1])},
        {"data": (DATA[0], DATA[1][:5])},
        {"data": ()},
        {"centre": {"a": np.array([np.nan, 0.0]), "b": {"c": np.array(2.0)}}},
        {"centre": {"a": np.array([1j, 0.0]), "b": {"c": np.array(2.0)}}},
        {"loss": lambda w, z: z[0]},
        {"loss": lambda w, z: jnp.log(w["a"][1])},
        {"mask": {"a": True}},
        {"mask": False},
        {"mask": {"a": 1.0, "b": 0.0}},
    ],
    ids="-".join,
)
def test_refuses_in_one_sentence(changes):
    with pytest.raises(BadInput) as error:
        posterior(**changes)
    assert len(str(error.value)) > 20


@pytest.mark.parametrize("size", [1, 4, 5])
@pytest.mark.parametrize("microbatch", [None, 1, 2, 4, 9])
def test_no_more_than_a_microbatch_is_taken_at_once(size, microbatch):
    """The mean of 1, 4, 9, … over the examples, (n+1)(2n+1)/6; and the greatest number of examples in one total."""
    seen = []

    def total(examples):
        seen.append(size_of(examples))
        return jnp.sum(examples**2)

    found = posterior(microbatch=microbatch)._mean(total, jnp.arange(1.0, size + 1))
    assert found == pytest.approx((size + 1) * (2 * size + 1) / 6)
    assert max(seen) == min(microbatch or size, size)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nbeta": 0.0}, r"nbeta must be positive and finite; it is 0\.0"),
        ({"nbeta": np.nan}, "nbeta must be positive"),
        ({"gamma": -1e-9}, "gamma must be finite and not negative"),
        ({"gamma": np.inf}, "gamma must be finite"),
        ({"batch_size": 0}, "between 1 and n = 6; it is 0"),
        ({"batch_size": 7}, "between 1 and n = 6; it is 7"),
        ({"microbatch": 0}, "microbatch counts examples and must be at least 1; it is 0"),
        ({"data": (DATA[0], np.full(6, np.inf))}, "the data hold NaN or infinite"),
        ({"data": (DATA[0], DATA[1][:5])}, r"same leading axis n ≥ 1; found \(6, 2\), \(5,\)"),
        ({"data": (DATA[0][:0], DATA[1][:0])}, r"found \(0, 2\), \(0,\)"),
        ({"data": (np.array(1.0), np.array(2.0))}, r"found \(\), \(\)"),
        ({"data": ()}, "found no arrays"),
        ({"centre": {"a": np.array([np.inf, 0.0]), "b": {"c": np.array(2.0)}}}, "the centre hold NaN"),
        ({"centre": {"a": np.array([1j, 0.0]), "b": {"c": np.array(2.0)}}}, "complex leaf"),
        ({"centre": {}, "loss": lambda w, z: 1.0}, "the centre holds no weights"),
        ({"loss": lambda w, z: z[0]}, r"one real scalar; it is float64\[2\]"),
        ({"loss": lambda w, z: jnp.array(1)}, r"one real scalar; it is int64\[\]"),
        ({"loss": lambda w, z: (w["a"][0], w["a"][1])}, r"it is float64\[\], float64\[\]"),
        ({"loss": lambda w, z: jnp.log(w["a"][1])}, "the loss at the centre is nan"),
        ({"mask": {"a": True}}, "not a prefix of the centre's tree"),
        ({"mask": False}, "clamps every weight"),
        ({"mask": {"a": 1.0, "b": 0.0}}, "a leaf of the mask is not boolean"),
    ],
)
def test_what_is_wrong_is_named(changes, words):
    with pytest.raises(BadInput, match=words):
        posterior(**changes)


def test_the_least_and_the_most_that_is_allowed():
    for changes in (
        {"gamma": 0.0},
        {"batch_size": 1},
        {"batch_size": 6},
        {"microbatch": 1},
        {"mask": {"a": np.array([False, True]), "b": False}},
    ):
        posterior(**changes)
    one = LocalPosterior(lambda w, z: w["x"] * 1.0, np.zeros((1, 0)), {"x": 3}, 1.0, 0.0)
    assert one.n == 1 and one.centre["x"].dtype == jnp.float64 and float(one.centre_loss()) == 3


def test_moving_weights_are_numbered_in_the_order_of_the_flat_vector():
    assert posterior().moving.tolist() == [0, 1, 2]
    assert posterior(mask={"a": np.array([False, True]), "b": True}).moving.tolist() == [1, 2]
    tangent = {"a": jnp.array([3.0, 4.0]), "b": {"c": jnp.array(5.0)}}
    clamped = posterior(mask={"a": np.array([False, True]), "b": False}).clamp(tangent)
    assert clamped["a"].tolist() == [0, 4] and float(clamped["b"]["c"]) == 0
    assert posterior().clamp(tangent) is tangent


@pytest.mark.parametrize("microbatch", [None, 4])
def test_losses_and_means_of_given_examples(microbatch):
    """All data unless others are given; any function of weights and example in place of the loss."""
    p = posterior(microbatch=microbatch)
    w = {"a": jnp.array([0.1, 0.2]), "b": {"c": jnp.array(0.3)}}
    each = (DATA[0] @ [0.1, 0.2] + 0.3 - DATA[1]) ** 2 / 2
    at_centre = (DATA[0] @ [0.5, -1.0] + 2.0 - DATA[1]) ** 2 / 2
    part = jax.tree.map(lambda x: jnp.asarray(x[:5]), DATA)
    np.testing.assert_allclose(p.losses(w, p.data), each, rtol=1e-12)
    np.testing.assert_allclose(p.losses(w, part), each[:5], rtol=1e-12)
    np.testing.assert_allclose(p.losses(w, part, lambda w, z: z[0] * w["b"]["c"]), 0.3 * DATA[0][:5], rtol=1e-12)
    for found, expected in (
        (p.mean_loss(w), each), (p.mean_loss(w, part), each[:5]),
        (p.centre_loss(), at_centre), (p.centre_loss(part), at_centre[:5]),
    ):  # fmt: skip
        assert float(found) == pytest.approx(expected.mean())


def test_what_is_moved_keeps_the_rest_and_is_not_checked():
    p = posterior(batch_size=2, microbatch=3, mask=True)
    other = p.moved(nbeta=-1.0)
    assert other.nbeta == -1.0 and other.loss is loss and (other.batch_size, other.microbatch) == (2, 3)
    assert other.mask is p.mask and other.gamma is p.gamma and other.data is p.data


def test_sums_of_short_floats_are_kept_wide():
    """257 ones in bfloat16 would stop at 256."""
    ones = jnp.ones(257, jnp.bfloat16)
    assert float(dot({"a": ones}, {"a": ones})) == 257 and widened(ones).dtype == jnp.float32
    assert (
        widened(jnp.ones(2)).dtype == jnp.float64
        and float(dot((jnp.array([2.0, 3.0]), jnp.array(4.0)), (jnp.array([5.0, 7.0]), jnp.array(11.0)))) == 75
    )


def test_the_examples_of_a_batch_are_those_that_the_key_draws():
    """Two leaves cut alike, and every example at times (one would be missed with probability 6(5/6)^180 = 3e-14)."""
    p = posterior(batch_size=3)
    inputs, targets = p.minibatch(jax.random.key(0))
    for row, number in zip(np.asarray(inputs), np.asarray(targets), strict=True):
        np.testing.assert_array_equal(row, DATA[0][int(number)])
    seen = np.concatenate([np.asarray(p.minibatch(jax.random.key(s))[1]) for s in range(60)])
    assert set(seen) == set(range(6))

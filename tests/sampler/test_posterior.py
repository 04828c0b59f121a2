"""The local posterior: energy, gradient, masks and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler.posterior import LocalPosterior, size_of
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

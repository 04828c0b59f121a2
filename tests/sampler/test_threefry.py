"""The straight code makes the published blocks, and the numbers of `jax.random` bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.threefry import STRAIGHT, block, straight

DRAWS = {
    "split": lambda key: jax.random.key_data(jax.random.split(key, (3, 5))),
    "fold_in": lambda key: jax.random.key_data(jax.random.fold_in(key, 2**31 + 7)),
    "bits 8": lambda key: jax.random.bits(key, (5, 3), jnp.uint8),
    "bits 16": lambda key: jax.random.bits(key, (5, 3), jnp.uint16),
    "bits 32": lambda key: jax.random.bits(key, (2, 5, 3), jnp.uint32),
    "uniform": lambda key: jax.random.uniform(key, (7,)),
    "normal": lambda key: jax.random.normal(key, (7, 3)),
    "integers": lambda key: jax.random.randint(key, (9,), -4, 17),
    "permutation": lambda key: jax.random.permutation(key, 11),
    "nothing": lambda key: jax.random.bits(key, (0,)),
}
DOUBLE = {
    "bits 64": lambda key: jax.random.bits(key, (5, 3), jnp.uint64),
    "uniform": lambda key: jax.random.uniform(key, (7,), jnp.float64),
    "normal": lambda key: jax.random.normal(key, (7,), jnp.float64),
    "fold_in": lambda key: jax.random.key_data(jax.random.fold_in(key, jnp.int64(2**32 + 5))),
}


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_known_answers_of_random123(key, counter, expected) -> None:
    """`kat_vectors` of Random123 for threefry2x32 with 20 rounds."""
    key, counter = (tuple(map(jnp.uint32, words)) for words in (key, counter))
    assert tuple(map(int, block(key, counter))) == expected


@pytest.mark.parametrize("name", DRAWS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_number_is_that_of_jax(name: str, seed: int) -> None:
    key = jax.random.key(seed)
    np.testing.assert_array_equal(DRAWS[name](straight(key)), DRAWS[name](key))


@pytest.mark.parametrize("name", DOUBLE)
def test_in_double_precision_too(name: str) -> None:
    with jax.enable_x64(True):
        key = jax.random.key(2**40 + 3)
        np.testing.assert_array_equal(DOUBLE[name](straight(key)), DOUBLE[name](key))


@pytest.mark.parametrize("name", ["uniform", "integers", "fold_in"])
def test_many_keys_at_once_and_compiled(name: str) -> None:
    keys = jax.random.split(jax.random.key(1), 6)
    found = jax.jit(jax.vmap(DRAWS[name]))(straight(keys))
    np.testing.assert_array_equal(found, np.stack([DRAWS[name](key) for key in keys]))


def test_seeds_and_other_generators() -> None:
    """The key of a seed is that of jax; keys of another generator stay what they are."""
    seeded = jax.random.key(77, impl=STRAIGHT)
    np.testing.assert_array_equal(jax.random.key_data(seeded), jax.random.key_data(jax.random.key(77)))
    assert straight(seeded) is seeded
    other = jax.random.key(0, impl="rbg")
    assert straight(other) is other

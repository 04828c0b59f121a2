"""The classifier against a plain numpy transcription, its positions and its loss."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler.networks import classifier
from theory.errors import BadInput


@pytest.fixture(scope="module")
def weights():
    sizes = {"vocabulary": 3, "length": 6, "width": 8, "layers": 2, "hidden": 5}
    w = jax.jit(partial(classifier.init, **sizes, dtype=jnp.float64))(jax.random.key(0))
    return jax.tree.map(lambda x: np.asarray(x) + 0.1 * np.cos(np.arange(x.size)).reshape(x.shape), w)


def by_hand(w, tokens, heads=2):
    """All positions of all layers, loops over heads and positions."""

    def norm(x, g):
        return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-6) * g

    x = w["embedding"][tokens] + w["position"]
    e = x.shape[1] // heads
    for i in range(2):
        layer = w[f"layer{i}"]
        y = norm(x, layer["gain"])
        out = np.zeros_like(x)
        for h in range(heads):
            own = slice(h * e, (h + 1) * e)
            q, k, v = (y @ layer[n][:, own] for n in ("W_Q", "W_K", "W_V"))
            for t in range(len(tokens)):
                a = np.exp(k[: t + 1] @ q[t] / np.sqrt(e))
                out[t] += (a / a.sum()) @ v[: t + 1] @ layer["W_O"][own]
        x = x + out
        x = x + np.maximum(norm(x, layer["gain_mlp"]) @ layer["W_in"] + layer["b"], 0) @ layer["W_out"]
    return (norm(x[-1], w["gain"]) @ w["readout"])[0] + w["bias"]


def test_the_logit_is_that_of_a_plain_transcription(weights):
    logit = jax.jit(classifier.logit, static_argnames="heads")
    for seed in range(3):
        tokens = np.random.default_rng(seed).integers(0, 3, 7)
        assert float(logit(weights, tokens)) == pytest.approx(by_hand(weights, tokens), abs=1e-10)
        assert float(logit(weights, tokens, heads=1)) != pytest.approx(by_hand(weights, tokens), abs=1e-6)


def test_positions_are_those_of_the_table_and_stretched_by_a_line(weights):
    table = weights["position"]
    assert (classifier.positions(table, 7) == table).all()
    rows = np.asarray(table)
    for tokens in (5, 10):
        at = np.linspace(0, 6, tokens)
        wanted = np.stack([np.interp(at, np.arange(7), column) for column in rows.T], axis=1)
        assert np.asarray(classifier.positions(table, tokens)) == pytest.approx(wanted, abs=1e-12)


def test_the_loss_is_the_cross_entropy_times_the_weight(weights):
    tokens, weighted = np.array([0, 0, 1, 1, 0, 1, 2]), jax.jit(classifier.weighted)
    p = 1 / (1 + np.exp(-by_hand(weights, tokens)))
    for label, wanted in ((1.0, -np.log(p)), (0.0, -np.log(1 - p))):
        got = weighted(weights, (tokens, np.asarray(label), np.asarray(2.5)))
        assert float(got) == pytest.approx(2.5 * wanted, rel=1e-9)


def test_sizes_are_checked(weights):
    with pytest.raises(BadInput, match="positive"):
        classifier.init(jax.random.key(0), vocabulary=3, length=6, width=0, layers=2, hidden=5)
    with pytest.raises(BadInput, match="divide"):
        classifier.logit(weights, jnp.zeros(7, int), heads=3)

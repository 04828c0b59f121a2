"""The Llama-type forward against the code of a package that has one, and against a sum written by hand."""

from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import components
from sampler.data import glass
from sampler.networks import llama
from theory.errors import BadInput

D, HEADS, SHARED, E, VOCABULARY = 8, 4, 2, 4, 11


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    sizes = {"W_Q": (D, HEADS * E), "W_K": (D, SHARED * E), "W_V": (D, SHARED * E), "W_O": (HEADS * E, D)}
    sizes |= {"W_1": (D, 6), "W_3": (D, 6), "W_2": (6, D), "norm1": (D,), "norm2": (D,)}

    def layer():
        return {name: rng.normal(size=size) * 0.5 for name, size in sizes.items()}

    weights = {
        "embedding": rng.normal(size=(VOCABULARY, D)),
        "norm": rng.normal(size=D),
        "layer0": layer(),
        "layer1": layer(),
    }
    return weights, llama.Shape(E, 50.0, 1e-3), np.array([3, 1, 4, 1, 5, 9])


def by_hand(weights, tokens, shape):
    """The formula of the module, position by position and head by head, with complex numbers for the rotations."""

    def norm(x, gamma):
        return gamma * x / np.sqrt(np.mean(x**2) + shape.epsilon)

    def turned(x, i):
        z = (x[0::2] + 1j * x[1::2]) * np.exp(1j * i * shape.rope_base ** (-2 * np.arange(E // 2) / E))
        return np.stack([z.real, z.imag], axis=1).ravel()

    x = [weights["embedding"][z] for z in tokens]
    for name in ("layer0", "layer1"):
        w = weights[name]
        u = [norm(a, w["norm1"]) for a in x]
        out = []
        for i in range(len(tokens)):
            heads = []
            for h in range(HEADS):
                g = h // (HEADS // SHARED)
                q = turned(u[i] @ w["W_Q"][:, h * E : (h + 1) * E], i)
                scores = [q @ turned(u[j] @ w["W_K"][:, g * E : (g + 1) * E], j) / E**0.5 for j in range(i + 1)]
                p = np.exp(scores) / np.sum(np.exp(scores))
                heads.append(sum(p[j] * (u[j] @ w["W_V"][:, g * E : (g + 1) * E]) for j in range(i + 1)))
            out.append(x[i] + np.concatenate(heads) @ w["W_O"])
        x = []
        for y in out:
            v = norm(y, w["norm2"])
            a = v @ w["W_1"]
            x.append(y + (a / (1 + np.exp(-a)) * (v @ w["W_3"])) @ w["W_2"])
    return np.array([norm(a, weights["norm"]) @ weights["embedding"].T for a in x])


def test_logits_are_those_of_the_formula(small):
    weights, shape, tokens = small
    with jax.enable_x64(True):
        found = llama.logits(jax.tree.map(jnp.asarray, weights), tokens, shape=shape)
        np.testing.assert_allclose(found, by_hand(weights, tokens, shape), rtol=1e-11)
        losses = llama.token_losses(jax.tree.map(jnp.asarray, weights), tokens, shape=shape)
    expected = -np.diag(jax.nn.log_softmax(by_hand(weights, tokens, shape))[:-1][:, tokens[1:]])
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_patterns_are_those_of_the_first_layer(small):
    """softmax(R_i q_i · R_j k_j/√e), by complex numbers, for a head that shares its keys."""
    weights, shape, tokens = small
    with jax.enable_x64(True):
        found = np.asarray(llama.patterns(jax.tree.map(jnp.asarray, weights), tokens, shape=shape))
    assert found.shape == (2, HEADS, 6, 6) and np.allclose(found.sum(axis=-1), 1) and not np.triu(found, 1).any()
    x, w = weights["embedding"][tokens], weights["layer0"]
    u = w["norm1"] * x / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + shape.epsilon)
    turn = np.exp(1j * np.arange(6)[:, None] * shape.rope_base ** (-2 * np.arange(E // 2) / E))
    q, k = (
        (u @ w[name][:, at * E : (at + 1) * E]).reshape(6, -1, 2) @ [1, 1j] * turn
        for name, at in (("W_Q", 3), ("W_K", 1))
    )
    p = np.exp(np.real(q @ k.conj().T) / E**0.5) * np.tri(6)
    np.testing.assert_allclose(found[0, 3], p / p.sum(axis=1, keepdims=True), rtol=1e-11)


def test_wrong_pairs_of_coordinates_are_seen(small):
    """Rotating halves (the other convention) gives other logits."""
    weights, shape, tokens = small
    swapped = np.argsort(np.concatenate([np.arange(0, E, 2), np.arange(1, E, 2)]))
    order = np.concatenate([h * E + swapped for h in range(HEADS)])
    other = {**weights, "layer0": {**weights["layer0"], "W_Q": weights["layer0"]["W_Q"][:, order]}}
    assert np.abs(by_hand(weights, tokens, shape) - llama.logits(other, tokens, shape=shape)).max() > 1e-2


def test_heads_of_grouped_queries_are_components(small):
    weights, shape, _ = small
    own = components.head(weights, "layer1", 3, d_head=shape.d_head, shared=False)
    assert own.size == 2 * D * E and components.head(weights, "layer1", 3, d_head=shape.d_head).size == 4 * D * E


def test_bad_requests_are_told():
    with pytest.raises(BadInput, match="the languages are en, pt; 'de' is none of them"):
        glass.load("de")


@pytest.mark.skipif(find_spec("glassllm") is None, reason=f"glassllm is not installed ({glass.INSTALL})")
def test_the_pretrained_model_is_that_of_its_package(tmp_path):
    from glassllm import load_pretrained

    model = glass.load()
    tokens = np.random.default_rng(0).integers(0, 1024, (2, 48))
    theirs = load_pretrained("en")[0].forward(tokens).data
    ours = jax.jit(jax.vmap(lambda z: llama.logits(model.weights, z, shape=model.shape)))(tokens)
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()
    assert sum(x.size for x in jax.tree.leaves(model.weights)) == 852_608
    rows = glass.encode(model, "Alice was beginning to get very tired of sitting by her sister on the bank. " * 9, 40)
    assert rows.shape[1] == 40 and model.tokenizer.decode(rows[0].tolist()).startswith("Alice was")
    (tmp_path / "en.npz").write_bytes(b"something else")
    with pytest.raises(BadInput, match=r"en.npz is not the file of glassllm 0.1.0"):
        glass.load(folder=tmp_path)

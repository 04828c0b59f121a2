"""The network with relative positions and the sequences it learns, against loops written out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import components
from sampler.data import induction
from sampler.networks import relative
from sampler.posterior import LocalPosterior
from theory.errors import BadInput


def weights_of(seed=0, **sizes):
    sizes = {"vocabulary": 7, "context": 6, "width": 8, "layers": 2, "heads": 2} | sizes
    weights = relative.init(jax.random.key(seed), **sizes, dtype=jnp.float64)
    noise = np.random.default_rng(seed)
    return jax.tree.map(lambda x: np.asarray(x) + 0.3 * noise.normal(size=x.shape), weights)


def by_hand(w, tokens):
    """Token losses with one loop over positions and one over heads."""
    norm = lambda x, g: x / np.sqrt((x**2).mean() + 1e-6) * g  # noqa: E731
    T = len(tokens) - 1
    x = [w["embedding"][t].copy() for t in tokens[:-1]]
    for layer in (w["layer0"], w["layer1"]):
        y = [norm(v, layer["gain"]) for v in x]
        new = [v.copy() for v in x]
        e = 4
        for h in range(2):
            own = slice(h * e, (h + 1) * e)
            for i in range(T):
                s = np.array(
                    [
                        (y[i] @ layer["W_Q"][:, own]) @ (y[j] @ layer["W_K"][:, own]) / np.sqrt(e)
                        + 3 * layer["distance"][h, i - j]
                        for j in range(i + 1)
                    ]
                )
                p = np.exp(s - s.max())
                p /= p.sum()
                new[i] += sum(p[j] * (y[j] @ layer["W_V"][:, own]) for j in range(i + 1)) @ layer["W_O"][own]
        x = new
    losses = []
    for i in range(T):
        scores = norm(x[i], w["gain"]) @ w["unembedding"]
        losses.append(np.log(np.exp(scores).sum()) - scores[tokens[i + 1]])
    return np.array(losses)


def test_token_losses_by_hand():
    w, tokens = weights_of(), np.array([3, 1, 4, 1, 5, 2, 6])
    token_losses = jax.jit(relative.token_losses)
    losses = token_losses(w, tokens)
    np.testing.assert_allclose(losses, by_hand(w, tokens), rtol=1e-12)
    rho = np.array([0.0, 2, 1, 1, 0.5, 1.5])
    np.testing.assert_allclose(jax.jit(relative.weighted)(w, (tokens, rho)), np.mean(rho * losses), rtol=1e-12)
    moved = w | {"layer1": w["layer1"] | {"distance": w["layer1"]["distance"] + np.array([[0.1], [0.2]])}}
    np.testing.assert_allclose(token_losses(moved, tokens), losses, rtol=1e-9)  # only differences count


def test_patterns_are_causal_and_sum_to_one():
    found = np.asarray(jax.jit(relative.patterns)(weights_of(), np.arange(6)))
    assert found.shape == (2, 2, 6, 6)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-12)
    assert np.abs(np.triu(found, 1)).max() == 0


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match="heads must divide width"):
        weights_of(width=9)
    with pytest.raises(BadInput, match="the distances reach 6 tokens; the sequence has 8"):
        relative.patterns(weights_of(), jnp.zeros(8, jnp.int32))


@jax.jit
def slopes(posterior, w):
    return jax.value_and_grad(posterior.mean_loss)(w)


@pytest.mark.parametrize("chosen", ["layer0 head", "layer1 head", "embedding", "unembedding"])
def test_a_restricted_chain_reads_the_same_losses_and_gradients(chosen):
    w = weights_of()
    tokens = np.random.default_rng(1).integers(0, 7, (5, 7))
    data = (tokens, np.random.default_rng(2).uniform(0, 2, (5, 6)))
    posterior = LocalPosterior(relative.weighted, data, w, 10.0, 1.0)
    part = components.head(w, chosen[:6], 1, d_head=4) if "head" in chosen else components.component(w, chosen)
    restricted = components.restrict(posterior, part)
    v = {name: np.asarray(leaf) + 0.1 for name, leaf in restricted.posterior.centre.items()}
    whole = jax.tree.map(np.asarray, restricted.merge(v))
    loss, slope = slopes(restricted.posterior, v)
    wanted, gradient = jax.tree.map(np.asarray, slopes(posterior, whole))
    np.testing.assert_allclose(loss, wanted, rtol=1e-12)
    reading = restricted.reading(lambda w, z: relative.token_losses(w, z[0]), data)
    read = jax.jit(jax.vmap(reading.loss, in_axes=(None, 0)))(v, reading.prepare(data))
    np.testing.assert_allclose(read, [by_hand(whole, row) for row in tokens], rtol=1e-10)
    for name, leaf in part.take(gradient).items():
        np.testing.assert_allclose(slope[name], leaf, rtol=1e-9, atol=1e-12)
    if "layer1" in chosen:  # the lower layer and the upper layer's other head are not computed again
        assert 0 < restricted.kept < 20_000


def test_sequences_are_what_they_say():
    tokens, kinds = induction.sequences(3000, seed=0)
    assert tokens.shape == (3000, 33) and kinds.shape == (3000, 32)
    shares = [(kinds == k).mean() for k in induction.KINDS]
    # n = 11 tokens on average; the first copy loses a target where it starts at position 0.
    assert shares[induction.SECOND] == pytest.approx(10 / 32, abs=0.005) and shares[induction.BREAK] == 1 / 32
    starts = np.mean([1 / (17 - n) for n in range(8, 15)])
    assert shares[induction.FIRST] == pytest.approx((11 - starts) / 32, abs=0.005)
    for row, kind in zip(tokens[:200], kinds[:200], strict=True):
        second = np.flatnonzero(np.isin(kind, (induction.SECOND, induction.BREAK))) + 1
        first = np.flatnonzero(kind == induction.FIRST) + 1
        copy = row[second]
        assert (np.diff(second) == 1).all() and 8 <= len(second) <= 14 and second[0] >= 16
        assert (row[first] == copy[len(copy) - len(first) :]).all() and len(copy) - len(first) in (0, 1)


def test_the_chain_underneath_has_its_probabilities():
    tokens, kinds = induction.sequences(4000, seed=1)
    plain = (kinds[:, 1:] == induction.BACKGROUND) & (kinds[:, :-1] == induction.BACKGROUND)
    before, after = tokens[:, 1:-1][plain], tokens[:, 2:][plain]
    counts = np.zeros((32, 32))
    np.add.at(counts, (before, after), 1)
    ranked = -np.sort(-counts, axis=1)
    assert (ranked[:, 4:] == 0).all()
    assert ranked[:, :4].sum(axis=0) / counts.sum() == pytest.approx(induction.PROBABILITIES, abs=0.02)


def test_segments_that_do_not_fit_are_refused():
    with pytest.raises(BadInput, match=r"2 ≤ least ≤ most ≤ 16 \(half of the length\)"):
        induction.sequences(10, seed=0, segment=(8, 20))
    assert np.array_equal(induction.sequences(10, seed=3).tokens, induction.sequences(10, seed=3).tokens)

"""Components by name, one attention head, and posteriors of a component alone: equal to the masked one, and cheaper."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import chain, components
from sampler.kernels.sgld import sgld
from sampler.llc import llc
from sampler.networks import attention, mlp
from sampler.partial_evaluation import split
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

D_HEAD = 4
LOSS = attention.next_token(D_HEAD)


@pytest.fixture(scope="module")
def transformer():
    """Three query heads sharing one key and value head, wider heads than width / heads."""
    key = jax.random.key(3)
    sizes = {"vocabulary": 11, "context": 6, "width": 8, "layers": 2, "heads": 3, "kv_heads": 1, "d_head": D_HEAD}
    weights = jax.jit(partial(attention.init, **sizes, dtype=jnp.float64))(key)
    return LocalPosterior(LOSS, jax.random.randint(key, (7, 6), 0, 11), weights, 20.0, 1.0)


def on_host(tree):
    """In numpy, which compiles nothing."""
    return jax.tree.map(np.asarray, tree)


@jax.jit
def drifts(posterior, w):
    """(L_n, ĝ) at w, on all data."""
    return posterior.value_and_gradient(w, posterior.data)


losses_of = jax.jit(LocalPosterior.losses, static_argnums=3)


def test_names_globs_and_preview(transformer):
    weights = transformer.centre
    assert "layer0.W_Q" in components.names_of(weights)
    layer = components.component(weights, "layer1.*")
    assert set(layer.entries) == {"layer1.W_Q", "layer1.W_K", "layer1.W_V", "layer1.W_O"}
    both = components.component(weights, ["*.W_O", "position"])
    assert set(both.entries) == {"layer0.W_O", "layer1.W_O", "position"}
    sliced = components.component(weights, {"layer?.W_Q": np.s_[:, 2:4], "position": np.s_[1]})
    assert sliced.size == 2 * 8 * 2 + 8
    assert "layer0.W_Q" in sliced.preview()
    assert "(8, 2)" in sliced.preview()
    assert sliced.preview().splitlines()[-1].endswith("40")


def test_a_head_of_grouped_queries(transformer):
    """Head 2 has its own columns of W_Q and rows of W_O and the group's only key and value head."""
    head = components.head(transformer.centre, "layer1", 2, d_head=D_HEAD)
    moved = head.put(transformer.centre, jax.tree.map(jnp.zeros_like, head.take(transformer.centre)))
    layer = {name: np.asarray(moved["layer1"][name]) for name in ("W_Q", "W_K", "W_V", "W_O")}
    assert not layer["W_Q"][:, 8:].any()
    assert layer["W_Q"][:, :8].all()
    assert not layer["W_K"].any()
    assert not layer["W_O"][8:].any()
    assert layer["W_O"][:8].all()
    alone = components.head(transformer.centre, "layer1", 2, d_head=D_HEAD, shared=False)
    assert set(alone.entries) == {"layer1.W_Q", "layer1.W_O"}
    # A head that is switched off changes the logits by exactly its own contribution.
    off = {**transformer.centre, "layer1": {**transformer.centre["layer1"], "W_O": moved["layer1"]["W_O"]}}
    tokens = transformer.data[0]
    logits = jax.jit(partial(attention.logits, d_head=D_HEAD))
    assert not np.allclose(logits(off, tokens), logits(transformer.centre, tokens))


def test_tables_of_the_first_layer_are_its_projections(transformer):
    """E W and P W once for a batch: the same losses and gradient, and fewer products where the batch has more tokens than both."""
    batch, many = transformer.data, len(transformer.data)
    tabled = attention.next_token(D_HEAD, at_once=many)

    def mean(loss):
        return lambda w: jnp.mean(jax.vmap(loss, (None, 0))(w, batch))

    (value, gradient), (expected, slope) = (
        jax.jit(jax.value_and_grad(mean(f)))(transformer.centre) for f in (tabled, LOSS)
    )
    assert np.isclose(value, expected, rtol=1e-13)
    for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(slope), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    costs = [jax.jit(mean(f)).lower(transformer.centre).cost_analysis()["flops"] for f in (tabled, LOSS)]
    assert costs[0] < costs[1]
    # One sequence of six tokens beside eleven words: tables would cost more, and are not made.
    few = jax.make_jaxpr(partial(attention.logits, d_head=D_HEAD, at_once=1))(transformer.centre, batch[0])
    assert str(few) == str(jax.make_jaxpr(partial(attention.logits, d_head=D_HEAD))(transformer.centre, batch[0]))


CHOICES = {
    "head below": lambda w: components.head(w, "layer0", 1, d_head=D_HEAD),
    "head above": lambda w: components.head(w, "layer1", 0, d_head=D_HEAD, shared=False),
    "layer": lambda w: components.component(w, "layer0.*"),
    "embedding rows": lambda w: components.component(w, {"embedding": np.s_[2:5]}),
    "columns that split a head": lambda w: components.component(
        w, {"layer0.W_Q": np.s_[:, 3:6], "layer1.W_O": np.s_[5:7, :]}
    ),
    "a corner": lambda w: components.component(w, {"layer1.W_V": np.s_[1:3, 0:2], "unembedding": np.s_[..., 4]}),
    "scattered columns": lambda w: components.component(w, {"layer0.W_O": np.s_[:, [0, 5]], "position": np.s_[::2]}),
    "everything": lambda w: components.component(w, "*"),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_the_restricted_posterior_is_the_masked_one(transformer, choice):
    """Loss, gradient and probe losses at a point away from the centre, against the whole model with a mask."""
    chosen = CHOICES[choice](transformer.centre)
    masked = LocalPosterior(
        LOSS, transformer.data, transformer.centre, 20.0, 1.0, mask=components.mask(chosen, transformer.centre)
    )
    assert int(masked.dimension) == chosen.size
    restricted = components.restrict(transformer, chosen)
    start, probes = chosen.take(on_host(transformer.centre)), np.asarray(transformer.data)[:3]
    v = jax.tree.map(lambda x: x + 0.1 * np.cos(np.arange(x.size, dtype=x.dtype)).reshape(x.shape), start)

    @jax.jit
    def answers(p, v, prepared):
        return p.value_and_gradient(v, p.data), p.losses(v, prepared), restricted.merge(v)

    (loss, gradient), seen, whole = answers(restricted.posterior, v, restricted.prepare(probes))
    expected, full = drifts(masked, whole)
    assert np.isclose(loss, expected, rtol=1e-13)
    assert not np.isclose(loss, masked.centre_loss(), rtol=1e-6)
    for name, part in chosen.take(on_host(full)).items():
        np.testing.assert_allclose(gradient[name], part, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(seen, losses_of(masked, whole, probes), rtol=1e-12)


@pytest.mark.parametrize("choice", ["head above", "scattered columns"])
def test_readings_of_a_component_are_those_of_the_whole_model(transformer, choice):
    """Losses of tokens, by a chain on the component and by the whole model at the same weights."""
    losses = partial(attention.token_losses, d_head=D_HEAD)
    restricted = components.restrict(transformer, CHOICES[choice](transformer.centre))
    reading = restricted.reading(losses, transformer.data)
    v = jax.tree.map(lambda x: x + 0.2, on_host(restricted.posterior.centre))
    seen = losses_of(restricted.posterior, v, reading.prepare(transformer.data), reading.loss)
    expected = jax.jit(lambda v: jax.vmap(losses, (None, 0))(restricted.merge(v), transformer.data))(v)
    np.testing.assert_allclose(seen, expected, rtol=1e-12)
    assert seen.shape == (len(transformer.data), transformer.data.shape[1] - 1)


def test_a_component_of_another_model():
    """A perceptron layer, with a loss that calls jitted functions; only activations below the layer are kept."""
    key = jax.random.key(1)
    weights = jax.jit(partial(mlp.init, widths=(3, 5, 4, 2), dtype=jnp.float64))(key)
    data = (jax.random.normal(key, (6, 3)), np.arange(6) % 2)
    posterior = LocalPosterior(jax.jit(mlp.cross_entropy), data, weights, 6.0, 0.5)
    chosen = components.component(weights, "layer1.*")
    restricted = components.restrict(posterior, chosen)
    assert restricted.kept < 8 * (5 + 5 + 4)
    loss, _ = drifts(restricted.posterior, chosen.take(weights))
    assert np.isclose(loss, posterior.centre_loss(), rtol=1e-13)


def test_a_loop_over_layers_is_taken_whole():
    weights = {"stack": np.arange(12.0).reshape(3, 2, 2) / 10, "out": np.ones(2)}

    def loss(w, x):
        return jax.lax.scan(lambda x, a: (jnp.tanh(a @ x), None), x, w["stack"])[0] @ w["out"]

    posterior = LocalPosterior(loss, jnp.ones((4, 2)), weights, 1.0, 0.0)
    for chosen in ("out", "stack"):
        part = components.component(weights, chosen)
        restricted = components.restrict(posterior, part)
        v = jax.tree.map(lambda x: x + 0.3, part.take(weights))
        moved, whole = jax.jit(lambda v, r=restricted: (r.posterior.mean_loss(v), posterior.mean_loss(r.merge(v))))(v)
        assert np.isclose(moved, whole, rtol=1e-6)
    assert (
        components.restrict(posterior, components.component(weights, "out")).kept == 2 * weights["out"].dtype.itemsize
    )


def test_it_is_cheaper():
    """Arithmetic of one gradient as XLA counts it: one head of four, below and above, against the whole model."""
    rng, sizes = np.random.default_rng(0), {"vocabulary": 64, "context": 16, "width": 64, "layers": 2, "heads": 4}
    shapes = jax.eval_shape(partial(attention.init, **sizes, dtype=jnp.float32), jax.random.key(0))
    weights = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(leaf.dtype) / 8, shapes)
    loss, data = attention.next_token(16), rng.integers(0, 64, (8, 16))
    posterior = LocalPosterior(loss, data, weights, 1.0, 1.0)

    def operations(p, w):
        return jax.jit(lambda w, batch: p.value_and_gradient(w, batch)).lower(w, p.data).cost_analysis()["flops"]

    whole = operations(posterior, weights)
    shares = []
    for layer in ("layer0", "layer1"):
        chosen = components.head(weights, layer, 1, d_head=16)
        shares.append(operations(components.restrict(posterior, chosen).posterior, chosen.take(weights)) / whole)
    assert shares[0] < 0.5
    assert shares[1] < 0.25


def test_memory_is_bounded(transformer):
    chosen = components.component(transformer.centre, "layer1.W_O")
    bounded = components.restrict(transformer, chosen, max_bytes=10)
    assert bounded.kept == 0
    assert bounded.posterior.data is transformer.data
    v = chosen.take(transformer.centre)
    assert np.isclose(drifts(bounded.posterior, v)[0], transformer.centre_loss(), rtol=1e-12)


def test_a_restricted_chain_agrees_with_the_masked_one():
    """The learning coefficient of one of two layers of a linear network, by both chains: |z| < 4.9 (false alarm 1e-6)."""
    weights = {"a": jnp.array([1.0, 0.5]), "b": jnp.array([1.0, -1.0])}

    def loss(w, example):
        x, y = example
        return (y - jnp.sum(w["a"] * w["b"] * x)) ** 2 / 2

    key = jax.random.key(2)
    x = jax.random.normal(key, (50, 2))
    data = (x, x @ jnp.array([1.0, -0.5]))
    posterior = LocalPosterior(loss, data, weights, 50.0, 1.0)
    chosen = components.component(weights, "b")
    masked = LocalPosterior(loss, data, weights, 50.0, 1.0, mask=components.mask(chosen, weights))
    settings = {"chains": 64, "draws": 200, "burn_in": 100, "thin": 5}
    one = llc(chain.run(jax.random.key(5), sgld(0.01), masked, **settings))
    two = llc(chain.run(jax.random.key(6), sgld(0.01), components.restrict(posterior, chosen).posterior, **settings))
    assert abs(float(one.mean - two.mean)) < 4.9 * float(np.hypot(one.sem, two.sem))
    assert abs(float(one.mean)) > 10 * float(one.sem)


@pytest.mark.parametrize(
    ("choose", "says"),
    [
        (lambda w: components.component(w, "layer9.*"), "no weight is named 'layer9.\\*'"),
        (lambda w: components.component(w, {"position": np.s_[:, :, 1]}), "does not fit position"),
        (lambda w: components.component(w, {"position": np.s_[3:3]}), "chooses nothing of position"),
        (lambda w: components.component(w, []), "at least one weight"),
        (lambda w: components.head(w, "layer0", 3, d_head=D_HEAD), "heads 0 … 2; there is no head 3"),
        (lambda w: components.head(w, "layer0", 0, d_head=5), "do not divide"),
        (lambda w: components.head(w, "layer7", 0, d_head=4), "no weight is named 'layer7.W_Q'"),
    ],
)
def test_refusals(transformer, choose, says):
    with pytest.raises(BadInput, match=says):
        choose(transformer.centre)


def test_a_mask_and_a_component_are_one_too_many(transformer):
    chosen = components.component(transformer.centre, "position")
    masked = LocalPosterior(
        LOSS, transformer.data, transformer.centre, 1.0, 0.0, mask=components.mask(chosen, transformer.centre)
    )
    with pytest.raises(BadInput, match="without a mask"):
        components.restrict(masked, chosen)


def test_a_loss_that_ignores_the_component():
    """Nothing moves: the value is kept whole."""
    once, each, kept = split(lambda w, z: jnp.sum(z**2), {"a": jnp.ones(2)}, {"a": (0, None)}, jnp.ones(3))
    assert kept in (4, 8)
    assert float(each({"a": jnp.zeros(2)}, once(jnp.arange(3.0)))) == 5.0

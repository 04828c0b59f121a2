"""Sums of products kept apart: random linear programs, several streams, and that (y V) W is computed as y (V W) where it pays."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler import components
from sampler.partial_evaluation import split
from sampler.posterior import LocalPosterior

ROWS, WIDTH, INNER = 5, 6, 2
STEPS = ("right", "left", "add", "twice", "bend", "branch")


def stream(steps: tuple[str, ...]):
    """A residual stream x ← x + (x A) B, with products on either side, sums with itself and a bend (tanh) between."""

    def loss(w: Any, x: Any) -> Any:
        for i, step in enumerate(steps):
            A, B, C = w[f"layer{i}"]["A"], w[f"layer{i}"]["B"], w[f"layer{i}"]["C"]
            if step == "right":
                x = x + jnp.tanh(x @ A) @ B
            elif step == "left":
                x = x + (C @ (x @ A)) @ B
            elif step == "add":
                x = (x @ A) @ B + x
            elif step == "twice":
                y = (x @ A) @ B
                x = x + y + y
            elif step == "bend":
                x = jnp.tanh(x + (x @ A) @ B)
            else:
                x = (x @ A) @ B + jnp.tanh(x @ A) @ B + x
        return jnp.sum((x @ w["out"]) ** 2)

    return loss


def weights(count: int) -> Any:
    rng = np.random.default_rng(count)
    shapes = {"A": (WIDTH, INNER), "B": (INNER, WIDTH), "C": (ROWS, ROWS)}
    layers = {f"layer{i}": {name: rng.normal(size=s) / 2 for name, s in shapes.items()} for i in range(count)}
    return layers | {"out": rng.normal(size=(WIDTH, 7))}


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=4).map(tuple),
    chosen=st.data(),
    batch=st.sampled_from([0, 1, 100]),
)
def test_a_split_stream_is_the_stream(steps, chosen, batch):
    """Value and gradient at a point away from the centre, whichever leaves move, whole or in slices, and whatever pays."""
    w, loss = weights(len(steps)), stream(steps)
    layer = f"layer{chosen.draw(st.integers(0, len(steps) - 1))}"
    part: Any = chosen.draw(
        st.sampled_from(
            ["*", {"B": np.s_[1:, :]}, {"A": np.s_[:, :1]}, {"A": np.s_[:, 1:], "B": np.s_[1:, :]}, {"C": np.s_[:2]}]
        )
    )
    names = f"{layer}.*" if part == "*" else {f"{layer}.{name}": index for name, index in part.items()}
    component = components.component(w, names)
    x = np.random.default_rng(7).normal(size=(ROWS, WIDTH))
    moving = {n: (list(components.names_of(w)).index(n), _range(index)) for n, index in component.entries.items()}
    once, each, _ = split(loss, w, moving, x, batch=batch)
    v = jax.tree.map(lambda a: a + 0.3 * np.cos(np.arange(a.size)).reshape(a.shape), component.take(w))
    value, gradient = jax.jit(jax.value_and_grad(lambda v: each(v, once(x))))(v)
    expected, full = jax.jit(lambda v: jax.value_and_grad(loss)(component.put(jax.tree.map(jnp.asarray, w), v), x))(v)
    np.testing.assert_allclose(value, expected, rtol=1e-11)
    for name, slope in component.take(jax.tree.map(np.asarray, full)).items():
        np.testing.assert_allclose(gradient[name], slope, rtol=1e-8, atol=1e-9 * float(np.abs(slope).max() + 1))


def _range(index: Any) -> Any:
    if index is components.WHOLE:
        return None
    cut = [(axis, s) for axis, s in enumerate(index if isinstance(index, tuple) else (index,)) if s != slice(None)]
    ((axis, s),) = cut
    # All slices that leave the end open stop at INNER.
    return axis, s.start or 0, s.stop or INNER


def products(posterior: LocalPosterior) -> int:
    """Multiplications in all matrix products of the gradient over the data, counted in the program."""
    closed = jax.make_jaxpr(jax.grad(lambda v, d: jnp.sum(jax.vmap(posterior.loss, (None, 0))(v, d))))(
        posterior.centre, posterior.data
    )
    return sum(_products(e) for e in closed.jaxpr.eqns)


def _products(equation: Any) -> int:
    inner = equation.params.get("jaxpr")
    if inner is not None:
        return sum(_products(e) for e in inner.eqns)
    if equation.primitive.name != "dot_general":
        return 0
    left = equation.invars[0].aval.shape
    (contracted, _), _ = equation.params["dimension_numbers"]
    return equation.outvars[0].aval.size * int(np.prod([left[a] for a in contracted]))


@pytest.mark.parametrize(("batch", "tokens", "pays"), [(8, 64, True), (2, 1, False)])
def test_a_frozen_matrix_is_multiplied_into_the_weights_where_it_pays(batch, tokens, pays):
    """x + (y V) through an unembedding four times as wide: width · vocabulary for a token without, inner · vocabulary with."""
    width, inner, vocabulary = 32, 4, 128
    rng = np.random.default_rng(0)
    w = {
        "V": jnp.asarray(rng.normal(size=(inner, width))),
        "U": jnp.asarray(rng.normal(size=(width, vocabulary))),
    }

    def loss(w, z):
        x, y = z
        return jnp.mean(jax.nn.logsumexp((x + y @ w["V"]) @ w["U"], axis=-1))

    data = (jnp.asarray(rng.normal(size=(batch, tokens, width))), jnp.asarray(rng.normal(size=(batch, tokens, inner))))
    posterior = LocalPosterior(loss, data, w, 10.0, 1.0)
    part = components.component(w, "V")
    apart = components.restrict(posterior, part)
    # Logits and the two backward products, y (V U) each, and V U with its own backward product.
    folded = 2 * batch * tokens * inner * vocabulary + 2 * inner * width * vocabulary
    # y V and its backward product, and two products with U.
    plain = 2 * batch * tokens * width * vocabulary + 2 * batch * tokens * inner * width
    assert products(apart.posterior) == (folded if pays else plain)
    assert (folded < plain) == pays
    if pays:  # too little room for a row of logits a token: a row of the width is kept, and U is read at each step
        limit = batch * tokens * (width + inner) * 8
        less = components.restrict(posterior, part, max_bytes=limit)
        assert 0 < less.kept < apart.kept
        assert products(less.posterior) == plain

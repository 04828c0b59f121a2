"""Training, the perceptron and the digits."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import TypeCheckError, jaxtyped

from sampler import diagnostics, train
from sampler.data import digits
from sampler.networks import mlp
from theory.errors import BadInput


def test_minimise_finds_the_ridge_solution():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 4)), rng.normal(size=30)

    def loss(w, z):
        return (z[0] @ w - z[1]) ** 2 / 2

    seen = []
    found = train.minimise(train.decayed(loss, 0.1), np.zeros(4), (X, y), progress=lambda *at: seen.append(at))
    np.testing.assert_allclose(found.params, np.linalg.solve(X.T @ X / 30 + 0.1 * np.eye(4), X.T @ y / 30), rtol=1e-8)
    assert found.gradient_norm < 1e-9
    assert seen[-1][0] == found.evaluations
    assert train.decayed(loss, 0.1) is train.decayed(loss, 0.1)


def test_newton_polishes_what_the_line_search_leaves():
    """Rosenbrock's valley, near its end: L-BFGS, cut short, leaves a gradient that Newton steps remove."""

    def loss(w, z):
        return (1 - w["x"]) ** 2 + 100 * (w["y"] - w["x"] ** 2) ** 2

    start, data = {"x": jnp.array(0.999), "y": jnp.array(0.9985)}, jnp.zeros((1, 0))
    cut = train.minimise(loss, start, data, evaluations=3, newton_steps=0)
    found = train.minimise(loss, start, data, evaluations=3)
    assert cut.gradient_norm > 1e-6
    assert found.gradient_norm < 1e-9
    np.testing.assert_allclose([found.params["x"], found.params["y"]], 1, rtol=1e-9)
    with pytest.raises(BadInput):
        train.minimise(lambda w, z: jnp.log(w[0]), -np.ones(1), data)


def test_perceptron_by_hand():
    params = mlp.init(jax.random.key(0), (3, 4, 2))
    x = np.array([0.1, -0.2, 0.3])
    first, second = (jax.tree.map(np.asarray, params[f"layer{i}"]) for i in (0, 1))
    logits = np.tanh(x @ first["weight"] + first["bias"]) @ second["weight"] + second["bias"]
    np.testing.assert_allclose(mlp.apply(params, jnp.array(x)), logits, rtol=1e-12)
    nll = np.log(np.exp(logits).sum()) - logits[1]
    np.testing.assert_allclose(mlp.cross_entropy(params, (jnp.array(x), jnp.array(1))), nll, rtol=1e-12)
    with pytest.raises(BadInput):
        mlp.init(jax.random.key(0), (3,))


def test_digits_are_standardised_and_split_by_seed(monkeypatch):
    d = digits.load(500, seed=3)
    assert (d.x.shape, d.test_x.shape) == ((500, 64), (1297, 64))
    assert abs(d.x.mean()) < 1e-12
    assert abs(d.x.std() - 1) < 1e-12
    np.testing.assert_array_equal(d.y, digits.load(500, seed=3).y)
    assert (d.y != digits.load(500, seed=4).y).any()
    with pytest.raises(BadInput):
        digits.load(0)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(BadInput, match="pip install scikit-learn"):
        digits.load()


def test_signatures_are_what_they_say():
    """Shapes of public signatures, checked at run time."""
    params = mlp.init(jax.random.key(0), (3, 4, 2))
    checked = jaxtyped(mlp.apply, typechecker=beartype)
    assert checked(params, jnp.zeros(3)).shape == (2,)
    with pytest.raises(TypeCheckError):
        checked(params, jnp.zeros((3, 1, 1)))
    loss = jaxtyped(mlp.cross_entropy, typechecker=beartype)(params, (jnp.zeros(3), jnp.array(1)))
    assert loss.shape == ()
    with pytest.raises(TypeCheckError):
        jaxtyped(diagnostics.mean, typechecker=beartype)([1.0, 2.0])

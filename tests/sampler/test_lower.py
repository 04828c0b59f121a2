"""Lowering against sympy's own evaluation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.lower import lower, lower_loss
from theory.errors import BadInput

x, y, z = sp.symbols("x y z")
EXPRESSIONS = [
    x**2 + y**2 / 3 + sp.Rational(1, 7) * x * y**3,
    sp.exp(-(x**2)) * sp.cos(y) + sp.log(2 + x**2) - sp.sqrt(3) * sp.tanh(x * y),
    sp.sqrt(1 + x**2) / (2 + sp.sin(y)) + sp.pi * sp.erf(x) + sp.loggamma(3 + y**2),
    (1 + x**2) ** sp.Rational(2, 3) + sp.atan(y) ** 3 + (2 + x**2) ** (-2),
    sp.Integer(5),
]


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(point=st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
def test_value_is_that_of_sympy(expr, point):
    exact = float(expr.subs({x: sp.Float(point[0], 30), y: sp.Float(point[1], 30)}).evalf(30))
    assert abs(float(lower(expr, (x, y))(jnp.array(point))) - exact) <= 1e-13 * (1 + abs(exact))


def test_gradient_is_that_of_sympy():
    expr, point = EXPRESSIONS[1], (0.3, -0.7)
    exact = [float(expr.diff(v).subs({x: point[0], y: point[1]}).evalf(20)) for v in (x, y)]
    np.testing.assert_allclose(jax.grad(lower(expr, (x, y)))(jnp.array(point)), exact, rtol=1e-13)


def test_rationals_round_once():
    third = sp.Rational(10**40 + 1, 3 * 10**40)
    assert float(lower(third * x, (x,))(jnp.ones(1))) == 1 / 3


def test_dtype_follows_the_weights():
    assert lower(EXPRESSIONS[1], (x, y))(jnp.ones(2, jnp.float32)).dtype == jnp.float32


def test_example_symbols_carry_data():
    loss = lower_loss(x**2 + z * y, (x, y), (z,))
    assert float(loss(jnp.array([2.0, 3.0]), jnp.array([5.0]))) == 19.0
    assert lower_loss(x**2 + z * y, (x, y), (z,)) is loss, "the same expression must not compile again"


@pytest.mark.parametrize(
    "expr",
    [
        sp.Abs(x),
        sp.Max(x, y),
        sp.Heaviside(x),
        sp.Function("f")(x),
        sp.Piecewise((x, x > 0), (0, True)),
        x + z,
        sp.I * x,
    ],
)
def test_refuses_what_it_cannot_follow(expr):
    with pytest.raises(BadInput):
        lower(expr, (x, y))

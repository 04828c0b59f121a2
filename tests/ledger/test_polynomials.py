"""Quartics as data: the same values, gradients and draws as the expression lowered as it stands."""

from functools import cache

import jax
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import coefficient, polynomials
from ledger.coefficient import Problem, Sampling
from ledger.regular import QUARTIC_1D, ROTATED_2D, x, y, z
from sampler.lower import lower_loss
from theory.errors import BadInput

VARIABLES = (x, y, z)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@st.composite
def quartics(draw):
    variables = VARIABLES[: draw(st.integers(1, 3))]
    monomials = sorted(sp.itermonomials(variables, 4), key=sp.default_sort_key)
    terms = draw(st.lists(st.tuples(st.sampled_from(monomials), st.fractions(-4, 4, max_denominator=9)), max_size=6))
    return sp.Add(*(sp.Rational(c.numerator, c.denominator) * m for m, c in terms)), variables


@cache
def value_and_slope(function):
    return jax.jit(jax.value_and_grad(function))


@settings(max_examples=40, deadline=None)
@given(quartics(), st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_values_and_gradients_are_those_of_the_expression(quartic, point) -> None:
    loss, variables = quartic
    function, data = polynomials.target(loss, variables)
    w = np.asarray(point[: len(variables)])
    value, slope = value_and_slope(function)(w, data[0])
    at = dict(zip(variables, map(sp.Rational, point), strict=False))
    assert abs(float(value) - float(loss.subs(at))) < 1e-11
    assert np.abs(np.asarray(slope) - [float(loss.diff(v).subs(at)) for v in variables]).max() < 1e-11


def test_one_function_serves_all_quartics_and_others_stand_alone() -> None:
    functions = {polynomials.target(f, (x, y))[0] for f in (ROTATED_2D, x**2 + y**4, sp.sqrt(2) * x**2 + y**2)}
    assert len(functions) == 1
    for loss in (x**6 + y**2, sp.exp(x) - x + y**2, x**2 + y**2 - sp.log(1 + x**2)):
        function, data = polynomials.target(loss, (x, y))
        assert function is lower_loss(loss, (x, y)) and data.shape == (1, 0)


@pytest.mark.parametrize("loss", [x**2 + sp.Symbol("a") * x, sp.I * x**2, sp.Abs(x)])
def test_what_cannot_be_followed_is_refused(loss) -> None:
    with pytest.raises(BadInput):
        polynomials.target(loss, (x,))


def test_the_draws_are_those_of_the_expression(monkeypatch) -> None:
    """The same seed, the loss lowered as it stands: the estimate differs by rounding alone."""
    problem = Problem(QUARTIC_1D, (x**2, sp.erf(x)), (x,))
    plan = Sampling(chains=16, draws=40)
    as_data = coefficient.estimate_cumulant.__wrapped__(problem, plan)
    monkeypatch.setattr(polynomials, "MOST_VARIABLES", 0)
    as_it_stands = coefficient.estimate_cumulant.__wrapped__(problem, plan)
    assert abs(float(as_data.mean - as_it_stands.mean)) < 1e-9 * float(as_it_stands.sem)

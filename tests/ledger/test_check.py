"""A user's own claim: right ones hold in three layers, wrong input is refused before any work."""

import jax
import pytest
import sympy as sp

from ledger.check import check
from ledger.claim import Budget, Layer, Status
from theory.errors import BadInput

x, y = sp.symbols("x y", real=True)
LOSS = x**2 + x**3 / 3 + x**4


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize(
    ("loss", "observables", "perturbation", "variables", "prior"),
    [
        (LOSS, [x**2], x, (x,), 1),
        (LOSS, [x], None, (x,), sp.exp(-(x**2)) * (1 + x**2)),
        (x**2 + y**2 + x * y / 2 + x**2 * y / 3 + x**4 + y**4, [x, y], None, (x, y), 1),
    ],
)
def test_three_layers_answer(loss, observables, perturbation, variables, prior) -> None:
    claim = check(loss, observables, perturbation, variables, None, prior)
    for layer in Layer:
        evidence = claim.test(layer)(Budget.QUICK)
        assert evidence.status is Status.HOLDS, (layer, evidence.summary)


def test_the_statement_prints_the_series() -> None:
    assert check(LOSS, [x**2], x, (x,)).statement == "L = x**4 + x**3/3 + x**2: χ(x**2; x) = (1/2)·t^−2 + …"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((x**2 - x**3, [x], None, (x,)), "unbounded below"),
        ((x**4 + y**4 - x**2 + y**2, [x], None, (x, y), (0, 0)), "saddle"),
        ((x**4 - 3 * x**3 + x**2, [x], None, (x,), (0,)), "lower than"),
        ((sp.Abs(x), [x], None, (x,)), "smooth"),
        ((LOSS, [], None, (x,)), "at least one observable"),
        ((LOSS, [x] * 4, None, (x,)), "at most three"),
    ],
)
def test_bad_input_is_refused_at_once(args, says) -> None:
    with pytest.raises(BadInput, match=says):
        check(*args)

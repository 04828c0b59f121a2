"""What the theory returns are values: they are cached and shared, so that nobody may change one in place."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
import sympy as sp

from theory import chain_notation, first_order, patterning, stationary
from theory.escape import escapes
from theory.graphs import connected
from theory.jets import jets, point
from theory.magnitude import Measure
from theory.recursion import _known
from theory.response import Posterior
from theory.tensors import loss_data, taylor

x = sp.Symbol("x", real=True)
LOSS = x**2 / 2 + x**4
LAW = stationary.law(LOSS, (x,), e=sp.S.Half)

VALUES: dict[str, Callable[[], Any]] = {
    "Correction": lambda: first_order.of_mean(x, LOSS, (x,)),
    "Escape": lambda: escapes(LOSS, (x,)),
    "Formula": lambda: chain_notation.formulas()["S"],
    "Graph": lambda: connected(2, 1)[0],
    "Jets": lambda: jets([LOSS], (x,), point((x,), None), [2]),
    "Law": lambda: LAW,
    "LossData": lambda: loss_data(LOSS, (x,)),
    "Mode": lambda: patterning.modes(sp.Matrix([[2]]))[0],
    "Piece": lambda: chain_notation.Piece(0, sp.S.One, (("a", (0,)),), (0,)),
    "Posterior": lambda: Posterior(LOSS, sp.S.One),
    "QuadraticModel": lambda: patterning.QuadraticModel((LOSS,), (x,), (x,), sp.S.One),
    "Size": lambda: Measure().size(x),
    "Taylor": lambda: taylor(LOSS, (x,), {x: sp.S.Zero}),
    "Term": lambda: chain_notation.formulas()["S"].left[0],
    "_Chain": lambda: stationary._Chain(
        LAW.data, LAW.Q, sp.eye(1), sp.S.Half, sp.S.Zero, stationary._GradientNoise({}, (x,), LAW.data.at)
    ),
    "_Known": lambda: _known((), 1, True),
}


@pytest.mark.parametrize("name", VALUES)
def test_no_field_of_a_value_can_be_set(name: str) -> None:
    value = VALUES[name]()
    assert type(value).__name__ == name
    for field in fields(value):
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, None)

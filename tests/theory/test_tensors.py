"""The letters of the primer."""

import pytest
import sympy as sp

from theory.errors import BadInput
from theory.tensors import contract, generic_symmetric, loss_data, taylor

x, y = sp.symbols("x y", real=True)


def test_contraction_against_components() -> None:
    data = taylor(generic_symmetric("T", (x, y), 3), (x, y), {x: 0, y: 0})
    T111, T112, T122, T222 = sp.symbols("T111 T112 T122 T222", real=True)
    matrix = sp.Matrix([[2, 3], [3, 5]])
    assert contract(data.D3, matrix) == sp.Matrix([2 * T111 + 6 * T112 + 5 * T122, 2 * T112 + 6 * T122 + 5 * T222])


def test_loss_data_at_a_shifted_minimum() -> None:
    data = loss_data((x - 1) ** 2 + 2 * y**2 + (x - 1) ** 3 + (x - 1) ** 4, (x, y))
    assert data.at == {x: 1, y: 0}
    assert sp.diag(2, 4) == data.H
    assert data.T_Sigma == sp.Matrix([3, 0])


def test_generic_tensors_have_one_symbol_a_component() -> None:
    assert len(generic_symmetric("Q", (x, y), 4).free_symbols - {x, y}) == 5


def test_shapes_are_checked() -> None:
    with pytest.raises(BadInput, match="3-tensor of shape"):
        contract(sp.Array([[1, 2], [3, 4]]), sp.eye(2))

"""The letters of the primer."""

from dataclasses import FrozenInstanceError

import pytest
import sympy as sp

from theory.errors import BadInput
from theory.tensors import contract, dot, generic_symmetric, loss_data, taylor

x, y = sp.symbols("x y", real=True)


def test_contraction_against_components() -> None:
    data = taylor(generic_symmetric("T", (x, y), 3), (x, y), {x: 0, y: 0})
    T111, T112, T122, T222 = sp.symbols("T111 T112 T122 T222", real=True)
    matrix = sp.Matrix([[2, 3], [3, 5]])
    assert contract(data.D3, matrix) == sp.Matrix([2 * T111 + 6 * T112 + 5 * T122, 2 * T112 + 6 * T122 + 5 * T222])


def test_taylor_data_of_a_polynomial_read_off_its_coefficients() -> None:
    """f = 7 + 2u − 3v + (5u² + 8uv − v²)/2 + u²v in u = x − 1, v = y + 2."""
    u, v = x - 1, y + 2
    data = taylor(7 + 2 * u - 3 * v + (5 * u**2 + 8 * u * v - v**2) / 2 + u**2 * v, (x, y), {x: 1, y: -2})
    assert data.value == 7
    assert sp.Matrix([2, -3]) == data.D1
    assert sp.Matrix([[5, 4], [4, -1]]) == data.D2
    assert sp.Array([[[0, 2], [2, 0]], [[2, 0], [0, 0]]]) == data.D3


def test_a_constant_has_taylor_data_too() -> None:
    data = taylor(3, (x,), {x: 0})
    assert (data.value, data.D1, data.D2) == (3, sp.Matrix([0]), sp.Matrix([[0]]))


def test_loss_data_at_a_shifted_minimum() -> None:
    data = loss_data((x - 1) ** 2 + 2 * y**2 + (x - 1) ** 3 + (x - 1) ** 4, (x, y))
    assert data.at == {x: 1, y: 0}
    assert sp.diag(2, 4) == data.H
    assert data.T_Sigma == sp.Matrix([3, 0])
    for record, name in ((data, "Sigma"), (taylor(x, (x, y), data.at), "D1")):
        with pytest.raises(FrozenInstanceError):
            setattr(record, name, sp.eye(2))


def test_loss_data_at_the_minimum_that_is_named() -> None:
    """Of the two equally low wells of (x² − 1)², the left one."""
    data = loss_data((x**2 - 1) ** 2, (x,), (-1,))
    assert data.at == {x: -1}
    assert (data.H[0, 0], data.Sigma[0, 0], data.T[0, 0, 0]) == (8, sp.Rational(1, 8), -24)


def test_generic_tensors_have_one_symbol_a_component() -> None:
    assert len(generic_symmetric("Q", (x, y), 4).free_symbols - {x, y}) == 5


def test_dot() -> None:
    assert dot(sp.Matrix([2, 3, 5]), sp.Matrix([7, -1, 4])) == 14 - 3 + 20


def test_shapes_are_checked() -> None:
    says = "^a 3-tensor of shape (2, 2, 2) is needed against a 2×2 matrix, got shape (1, 2)$"
    with pytest.raises(BadInput, match=says.replace("(", r"\(").replace(")", r"\)")):
        contract(sp.Array([[1, 2]]), sp.eye(2))

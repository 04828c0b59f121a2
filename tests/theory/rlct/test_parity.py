"""Equations over the field of two elements, against all assignments."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from theory.rlct.parity import reduced, solution

equations = st.lists(st.tuples(st.integers(0, 31), st.integers(0, 1)), max_size=6)


def holds(row: int, right: int, x: int) -> bool:
    return (row & x).bit_count() % 2 == right


@given(equations)
@settings(max_examples=60, deadline=None)
def test_elimination_finds_a_solution_where_there_is_one(given_equations) -> None:
    """An equation that is left as 0 = 1 has none; without such ones the x that is found solves them all."""
    pivots: dict[int, tuple[int, int]] = {}
    contradiction = False
    for equation in given_equations:
        row, right = reduced(*equation, pivots)
        if row:
            pivots[row.bit_length()] = (row, right)
        contradiction |= not row and bool(right)
    solvable = any(all(holds(*e, x) for e in given_equations) for x in range(32))
    assert contradiction is not solvable
    if solvable:
        assert all(holds(*e, solution(pivots)) for e in given_equations)


def test_what_is_not_decided_is_0() -> None:
    """Of x₂ + x₀ = 1, x₁ = r the solution with x₀ = 0."""
    for right, other in product((0, 1), repeat=2):
        assert solution({3: (0b101, right), 2: (0b010, other)}) == right << 2 | other << 1
    assert solution({}) == 0

"""What tables are kept by is compared by value, and does not change."""

from dataclasses import FrozenInstanceError

import pytest

from theory.rlct.polynomials import Ring


def test_rings_of_the_same_names_are_the_same():
    """One key of a table, and one context."""
    assert {Ring(("x", "y")): 1}[Ring(("x", "y"))] == 1 and Ring(("x", "y")) != Ring(("y", "x"))
    with pytest.raises(FrozenInstanceError):
        Ring(("x",)).names = ("y",)  # type: ignore[misc]

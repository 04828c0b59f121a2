"""What theory computes with are values: a dataclass is frozen unless it stands here as one that is filled step by step."""

from dataclasses import FrozenInstanceError, is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

import theory
from theory.rlct.polynomials import Ring

ROOT = Path(theory.__file__).parent
FILLED = {
    "theory.notation._Vertex", "theory.notation._Edge", "theory.rlct.search.Node", "theory.rlct.stratum.Stratum",
}  # fmt: skip


def test_dataclasses_are_frozen():
    """Caches and shared strata hold them: one that could be changed would change what was found before."""
    loose = set()
    for path in ROOT.rglob("*.py"):
        name = ".".join((ROOT.name, *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for each in vars(import_module(name)).values():
            if isinstance(each, type) and is_dataclass(each) and each.__module__ == name:
                loose |= set() if vars(each)["__dataclass_params__"].frozen else {f"{name}.{each.__name__}"}
    assert loose == FILLED


def test_rings_of_the_same_names_are_the_same():
    """One key of a table, and one context."""
    assert {Ring(("x", "y")): 1}[Ring(("x", "y"))] == 1 and Ring(("x", "y")) != Ring(("y", "x"))
    with pytest.raises(FrozenInstanceError):
        Ring(("x",)).names = ("y",)  # type: ignore[misc]

"""The one-way flow theory → numerics → sampler → ledger, the exactness of theory, results that nobody changes, small rooms."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from tests.mutation.reach import module_of

ROOT = Path(__file__).parents[1]
# Everything a package may import of the four, and what it may not import from outside.
MAY_IMPORT = {
    "theory": {"theory"},
    "numerics": {"theory", "numerics"},
    "sampler": {"theory", "numerics", "sampler"},
    "ledger": {"theory", "numerics", "sampler", "ledger"},
}
FORBIDDEN = {
    "theory": {"jax", "jaxtyping", "numpy", "scipy", "mpmath", "matplotlib", "tests"},
    "numerics": {"jax", "jaxtyping", "optax", "blackjax", "matplotlib", "tests"},
    "sampler": {"matplotlib", "typer", "rich", "tests"},
    "ledger": {"tests"},
}
# Two rooms of `sampler` show things to people.
SHOWN = {"sampler/plots.py": {"matplotlib"}, "sampler/progress.py": {"rich"}}
# Made in one place and changed there while it grows: the tree of a search, its polynomials, sums over draws.
GROWING = {"theory.rlct.search.Node", "theory.rlct.stratum.Stratum", "sampler.moments.Moments"}
LONGEST_ROOM, LONGEST_ROW = 330, 400  # lines; rows of claims and of test cases, each by itself
FILES = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]
NAMES = [path.relative_to(ROOT).as_posix() for path in FILES]


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The top-level package of every import, wherever it stands in the file, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield ("" if node.level else (node.module or "").split(".")[0]), node.lineno


def floating(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every float or complex literal and every use of `float`, `complex`, `evalf` and `lambdify`, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
            yield repr(node.value), node.lineno
        elif isinstance(node, ast.Name) and node.id in ("float", "complex"):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and node.attr in ("evalf", "lambdify"):
            yield node.attr, node.lineno


def test_the_walker_sees_imports_and_floats():
    tree = ast.parse(
        "def f():\n    import jax.numpy\n    from numpy.linalg import inv\n    return float(1) + 0.5 + x.evalf()"
    )
    assert [name for name, _ in imported(tree)] == ["jax", "numpy"]
    assert sorted(name for name, _ in floating(tree)) == ["0.5", "evalf", "float"]


def test_there_is_something_to_check():
    assert {name.split("/")[0] for name in NAMES} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_imports_flow_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    forbidden = (FORBIDDEN[package] | set(MAY_IMPORT) - MAY_IMPORT[package]) - SHOWN.get(
        path.relative_to(ROOT).as_posix(), set()
    )
    found = [(name, line) for name, line in imported(ast.parse(path.read_text(encoding="utf-8"))) if name in forbidden]
    assert found == []


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.relative_to(ROOT).parts[0] == "theory"], ids=lambda p: p.name
)
def test_theory_is_exact(path):
    assert list(floating(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "module", [module_of(name) for name in NAMES if "@dataclass" in (ROOT / name).read_text(encoding="utf-8")]
)
def test_results_do_not_change(module):
    """Caches and shared strata hold them: one that could be changed would change what was found before."""
    every = vars(importlib.import_module(module)).values()
    own = [c for c in every if isinstance(c, type) and is_dataclass(c) and c.__module__ == module]
    assert own
    for c in own:
        assert c.__dataclass_params__.frozen is (f"{module}.{c.__qualname__}" not in GROWING), c


def test_no_room_is_too_long():
    tests = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "tests").rglob("*.py"))]
    lines = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in (*NAMES, *tests)}
    rows = {name for name in lines if name.startswith(("ledger/claims/", "tests/"))}
    assert {name: n for name, n in lines.items() if n > (LONGEST_ROW if name in rows else LONGEST_ROOM)} == {}

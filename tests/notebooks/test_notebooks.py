"""Every notebook runs from top to bottom, ends in its assertion, and its committed form belongs to its source."""

import importlib.util
from pathlib import Path

import jupytext
import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted(NOTEBOOKS.glob("[0-9]*.py"))


def _build():
    spec = importlib.util.spec_from_file_location("notebooks_build", NOTEBOOKS / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_notebooks() -> None:
    assert SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_it_runs_and_asserts_its_claim(source: Path) -> None:
    notebook = _build().execute(source)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "assert" in code[-1].source
    assert any("holds" in output.get("text", "") for output in code[-1].outputs)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_executed_file_has_the_same_cells(source: Path) -> None:
    written = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert [c.source for c in written.cells] == [c.source for c in jupytext.read(source).cells]
    assert all(c.outputs or c.execution_count for c in written.cells if c.cell_type == "code")


def test_a_failing_cell_fails_the_build(tmp_path: Path) -> None:
    broken = tmp_path / "99_broken.py"
    broken.write_text("# %%\nassert 1 + 1 == 3\n")
    with pytest.raises(Exception, match="AssertionError"):
        _build().execute(broken)

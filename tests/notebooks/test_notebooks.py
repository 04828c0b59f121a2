"""Every notebook runs with its solutions, ends in its assertion, and its committed form belongs to its source."""

import ast
import importlib.util
import re
from functools import lru_cache
from pathlib import Path

import jupytext
import nbformat
import pytest

from ledger.claims import all_claims
from ledger.html.anchors import anchor

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted(NOTEBOOKS.glob("[0-9]*.py"))
LONGEST_FUNCTION = 10
LARGEST = 300_000
DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\[([^\]]+)\]\(report\.html#([^)]*)\)")
each = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def _build():
    spec = importlib.util.spec_from_file_location("notebooks_build", NOTEBOOKS / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _prose(source: Path) -> str:
    return "\n".join(cell.source for cell in jupytext.read(source).cells if cell.cell_type == "markdown")


def _solutions(source: Path) -> list[str]:
    """The code that is folded away in the exercises."""
    return [code for block in DETAILS.findall(_prose(source)) for code in CODE.findall(block)]


@lru_cache
def _anchors() -> dict[str, str]:
    """{label: the anchor of its claim}, for every id and every label of the ledger."""
    return {label: anchor(claim.id) for claim in all_claims() for label in (claim.id, *claim.labels)}


def test_there_are_notebooks() -> None:
    assert [source.stem[:2] for source in SOURCES] == [f"{k:02}" for k in range(9)]


@each
def test_it_runs_with_its_solutions_and_asserts_its_claim(source: Path) -> None:
    solutions = _solutions(source)
    notebook = _build().execute(source, more=solutions)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    last = code[-1 - len(solutions)]
    assert "assert" in last.source
    assert any("holds" in output.get("text", "") for output in last.outputs)


@each
def test_the_executed_file_has_the_same_cells(source: Path) -> None:
    written = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert [c.source for c in written.cells] == [c.source for c in jupytext.read(source).cells]
    assert all(c.outputs or c.execution_count for c in written.cells if c.cell_type == "code")
    assert not any(output.output_type == "error" for c in written.cells for output in c.get("outputs", []))
    assert source.with_suffix(".ipynb").stat().st_size < LARGEST


@each
def test_its_functions_fit_a_glance(source: Path) -> None:
    for code in (source.read_text(encoding="utf-8"), *_solutions(source)):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < LONGEST_FUNCTION, (
                    f"{node.name} is longer than {LONGEST_FUNCTION} lines"
                )


@each
def test_it_has_a_question_and_two_exercises_with_solutions(source: Path) -> None:
    prose = _prose(source)
    assert "**The question.**" in prose and "change me" in source.read_text(encoding="utf-8")
    exercises = prose[prose.index("## Exercises") :].split("<details>")[0]
    assert re.findall(r"^(\d)\. ", exercises, re.MULTILINE) == ["1", "2"]
    solutions = DETAILS.findall(prose)
    assert len(solutions) == 1 and "1." in solutions[0] and "2." in solutions[0]
    if source.stem != "00_three_layers":  # its solutions are in words
        assert len(_solutions(source)) == 2 and all("assert" in code for code in _solutions(source))


@each
def test_its_labels_lead_to_claims(source: Path) -> None:
    for label, target in LINK.findall(_prose(source)):
        assert _anchors().get(label) == target, f"[{label}](report.html#{target})"


@each
def test_the_labels_that_it_teaches_are_linked(source: Path) -> None:
    """A label in brackets is a link, as soon as the ledger has the claim."""
    bare = re.findall(r"\[((?:eq|Lem|Ex|Def|Thm|Cor|Fig|Rem|§|chain)[^\]]*)\](?!\()", _prose(source))
    assert not [label for label in bare if label in _anchors()]


def test_a_failing_cell_fails_the_build(tmp_path: Path) -> None:
    broken = tmp_path / "99_broken.py"
    broken.write_text("# %%\nassert 1 + 1 == 3\n")
    with pytest.raises(Exception, match="AssertionError"):
        _build().execute(broken)


def test_a_failing_solution_fails_the_build(tmp_path: Path) -> None:
    fine = tmp_path / "98_fine.py"
    fine.write_text("# %%\na = 1\n")
    assert len(_build().execute(fine, more=["assert a == 1"]).cells) == 2
    with pytest.raises(Exception, match="AssertionError"):
        _build().execute(fine, more=["assert a == 2"])

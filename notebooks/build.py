"""Execute the notebooks: `python notebooks/build.py [NAME …]` writes NAME.ipynb from NAME.py, outputs included.

The `.py` file (jupytext, percent format) is what is edited; the `.ipynb` is generated from it. Text and figures in the outputs are kept,
cell timings and other traces of the machine are not.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent


def execute(source: Path, more: Sequence[str] = ()) -> nbformat.NotebookNode:
    """The executed notebook, with `more` code cells after its own; raises on the first cell that fails."""
    notebook = jupytext.read(source)
    notebook.cells += [nbformat.v4.new_code_cell(code) for code in more]
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(HERE.parent)}}
    ).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata.pop("execution", None)
        # Warnings and progress on stderr name files of the machine that ran the notebook.
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata.pop("language_info", None)
    return notebook


def main(names: list[str]) -> None:
    for source in sorted(HERE.glob("[0-9]*.py")):
        if not names or source.stem in names:
            nbformat.write(execute(source), source.with_suffix(".ipynb"))
            print(f"wrote {source.with_suffix('.ipynb').name}")


if __name__ == "__main__":
    main(sys.argv[1:])

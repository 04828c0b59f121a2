"""The code of the documentation pages runs as it stands."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = [
    pytest.param(code, id=f"{path.stem}: {title}")
    for path in sorted(DOCS.glob("*.md"))
    for title, section in re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", path.read_text(encoding="utf-8"), re.M | re.S)
    for code in re.findall(r"```python\n(.*?)```", section, re.S)
]


def test_there_are_pages():
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("code", BLOCKS)
def test_a_block_runs(code, capsys):
    for package in ("equinox", "flax"):
        if package in code and find_spec(package) is None:
            pytest.skip(f"{package} is not installed; it is in the extra 'test'")
    exec(compile(code, "page", "exec"), {"__name__": "page"})
    printed = capsys.readouterr().out
    assert "±" in printed and "nan" not in printed


@pytest.mark.parametrize("code", BLOCKS)
def test_a_block_is_short(code):
    lines = [line for line in code.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert len(lines) - len(imports) <= 15

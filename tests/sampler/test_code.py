"""The corpus of code: what is left out, that encoding loses nothing, and its refusals."""

from importlib.util import find_spec

import numpy as np
import pytest

from sampler.data import code
from theory.errors import BadInput

needs = pytest.mark.skipif(find_spec("tokenizers") is None, reason="tokenizers is not installed")


def test_tests_and_encodings_are_left_out(tmp_path):
    for name in ("a.py", "test/b.py", "sub/tests/c.py", "encodings/d.py", "sub/e.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    found = code.text(folder=tmp_path)
    assert sorted(found.splitlines()) == ["# a.py", "# sub/e.py"]
    assert code.text(3, folder=tmp_path) == found[:3]


@needs
def test_pieces_put_together_are_the_text():
    source = "def f(x):\n    return [x, x + 1]\n\n\nclass A:\n    pass\n" * 40
    found = code.encode(source, 300)
    assert "".join(found.pieces[i] for i in found.ids) == source and found.ids.max() < 300
    assert len(found.ids) < len(source) / 2 and found.characters == len(source)
    assert np.array_equal(found.ids, code.encode(source, 300).ids)


def test_rows_and_refusals(tmp_path, monkeypatch):
    assert code.rows(np.arange(10), 4).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    with pytest.raises(BadInput, match="do not make a row"):
        code.rows(np.arange(3), 4)
    with pytest.raises(BadInput, match="no Python source"):
        code.text(folder=tmp_path)
    monkeypatch.setattr(code, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match="pip install tokenizers"):
        code.encode("x")

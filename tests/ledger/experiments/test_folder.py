"""Parts of an experiment are computed once, and never read when something that decides them has changed."""

from functools import partial

import numpy as np
import pytest

from ledger.claim import Budget
from ledger.experiments.folder import open_folder
from theory.errors import BadInput


class Calls:
    """Counts, without being one of the things that decide a number."""

    def __init__(self):
        self.made = []


CALLS = Calls()


def squares(n, power=2):
    CALLS.made.append(n)
    return {"x": np.arange(n) ** power, "sum": float(np.sum(np.arange(n) ** power)), "name": "squares"}


def twice(value, by):
    CALLS.made.append("twice")
    return {"x": by(value)}


SCALE = 3


def scaled(x):
    """Refers to a constant and to a function of this module."""
    return {"x": SCALE * helper(x)}


def helper(x):
    return np.asarray(x) + 1


def interrupted(n, checkpoint, progress):
    checkpoint.write_text("half")
    raise KeyboardInterrupt


@pytest.fixture
def folder(tmp_path):
    CALLS.made.clear()
    return open_folder(tmp_path / "out", "trial", Budget.QUICK, lambda words: None)


def test_a_part_is_computed_once(folder):
    first, second = folder.part("a", squares, n=4), folder.part("a", squares, n=4)
    assert CALLS.made == [4]
    assert second["x"].tolist() == [0, 1, 4, 9] and float(second["sum"]) == 14 and str(second["name"]) == "squares"
    assert first.keys() == second.keys()


def test_other_arguments_are_another_part(folder):
    folder.part("a", squares, n=4)
    assert folder.part("a", squares, n=4, power=3)["x"].tolist() == [0, 1, 8, 27]
    x = np.arange(3.0)
    for value, by in ((x, np.sin), (x + 1e-12, np.sin), (x.astype(np.float32), np.sin), (x, partial(np.add, 1))):
        folder.part("b", twice, value=value, by=by)
    assert CALLS.made == [4, 4] + 4 * ["twice"]


def test_constants_and_functions_that_are_referred_to_count(folder, monkeypatch):
    assert folder.part("s", scaled, x=1)["x"] == 6
    monkeypatch.setitem(scaled.__globals__, "SCALE", 4)
    assert folder.part("s", scaled, x=1)["x"] == 8
    monkeypatch.setitem(scaled.__globals__, "helper", lambda x: np.asarray(x) + 2)
    assert folder.part("s", scaled, x=1)["x"] == 12
    folder.part("s", scaled, x=1)
    assert len(list((folder.path / "parts").glob("s-*.npz"))) == 3


def test_a_damaged_part_is_computed_again(folder):
    folder.part("a", squares, n=4)
    (kept,) = (folder.path / "parts").glob("a-*.npz")
    kept.write_bytes(kept.read_bytes()[:60])
    assert folder.part("a", squares, n=4)["x"].tolist() == [0, 1, 4, 9]
    assert CALLS.made == [4, 4]


def test_an_interruption_leaves_the_checkpoint_and_no_part(folder):
    with pytest.raises(KeyboardInterrupt):
        folder.part("c", interrupted, n=1)
    assert [path.suffix for path in (folder.path / "parts").iterdir()] == [".chain"]


def test_values_must_be_arrays(folder):
    with pytest.raises(BadInput, match=r"part d: x is not an array.*give arrays"):
        folder.part("d", twice, value=object(), by=lambda value: value)


def test_folders_of_others_are_refused(tmp_path, folder):
    with pytest.raises(BadInput, match=r"holds the experiment trial; give other a folder of its own"):
        open_folder(tmp_path / "out", "other", Budget.QUICK, print)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(BadInput, match=r"holds other things; give a new folder"):
        open_folder(tmp_path / "mine", "trial", Budget.QUICK, print)
    with pytest.raises(BadInput, match=r"is a file; give the name of a folder"):
        open_folder(tmp_path / "mine" / "thesis.tex", "trial", Budget.QUICK, print)
    with pytest.raises(BadInput, match=r"cannot be written"):
        open_folder(tmp_path / "mine" / "thesis.tex" / "out", "trial", Budget.QUICK, print)

"""Random input is answered or refused in one line, never by a traceback, a silence or a hang (see `tests.trust.fuzz`).

Five hundred inputs here, 21 000 in the slow run: 18 000 texts, each to three parsers, and 3000 command lines. The numbers are the
seeds, so a fault that is found can be looked at alone: `judge_line(line_number(n))`.
"""

from pathlib import Path

import pytest

from tests.trust import fuzz, texts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """Files named by a random line land here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_few_texts() -> None:
    assert fuzz.text_faults(range(350)) == []


def test_every_hostile_text() -> None:
    assert [(words[:50], problem) for words in texts.HOSTILE if (problem := fuzz.judge_text(words))] == []


def test_a_few_lines(folder: Path) -> None:
    codes: list[int | None] = []
    assert fuzz.line_faults(range(150), folder, lambda _, code, __: codes.append(code)) == []
    assert codes.count(0) >= 10, "nearly all is refused: the lines do not reach the work"


def test_the_judges_see_what_must_not_happen(monkeypatch) -> None:
    """A traceback, a silence, two lines, an answer beside a refusal, and a hang."""

    def two_lines(_: object) -> int:
        fuzz.sys.stderr.write("threefold: one\nthreefold: two\n")
        return 2

    def beside(_: object) -> int:
        print("an answer")
        fuzz.sys.stderr.write("threefold: no\n")
        return 2

    def fails(*_: object) -> int:
        raise ValueError("inside")

    def hangs(*_: object) -> int:
        while True:
            pass

    monkeypatch.setattr(fuzz, "LIMIT", 0.2)
    for wrong in (two_lines, beside, fails, hangs, lambda _: 2, lambda _: 7):
        monkeypatch.setattr(fuzz, "command_line", wrong)
        assert fuzz.judge_line(["laplace"])[0] is not None
    for wrong in (fails, hangs, lambda *_: fuzz.sp.oo, lambda *_: fuzz.sp.Symbol("z"), lambda *_: fuzz.sp.I):
        monkeypatch.setattr(fuzz, "parse", wrong)
        assert fuzz.judge_text("x") is not None


@pytest.mark.slow
def test_many_texts() -> None:
    assert fuzz.text_faults(range(10_000, 28_000)) == []


@pytest.mark.slow
def test_many_lines(folder: Path) -> None:
    assert fuzz.line_faults(range(10_000, 13_000), folder) == []

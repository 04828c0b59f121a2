"""When the world fails: full disks, torn files, missing packages, numbers that are not finite, and SIGKILL at any moment.

Each failure must end in one sentence (exit code 2 or 3) or in a result that is complete; no output is ever half a file, and what
was cut off goes on to the same bytes. The moments of the kills are drawn with fixed seeds over the length of an undisturbed run: a
handful here, a hundred in the slow run.
"""

import json
import os
import random
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ledger import cli, output
from ledger.claim import Budget
from ledger.experiments import EXPERIMENTS, experiment
from ledger.experiments.folder import open_folder
from sampler.components import component
from tests.trust import killed
from theory.errors import BadInput

LAPLACE = ("laplace", "x**2 + x**3 + x**4", "--observable", "x", "--vars", "x", "--order", "1")
SAMPLE = ("sample", "x**2/2 + x**4", "--vars", "x", "--epsilon", "0.001", "--chains", "2", "--seed", "3")
SHORT = ("--draws", "8", "--burn-in", "4", "--thin", "1", "--nbeta", "100")
LONG = ("--draws", "4000", "--burn-in", "4000", "--thin", "20", "--nbeta", "100", "--observable", "x**2")
VERIFY = ("verify", "Ex 19", "Lem 20", "--layer", "derived", "--json")


def refusal(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    """The one line that the command line says at exit code 2."""
    assert cli.main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.err.startswith("threefold: ") and "Traceback" not in said.err, said.err
    return said.err


# ── output ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/dev/full", "/proc/version", "/proc/new", "/nowhere/a.json", "/dev/null/a.json", "/", "a" * 300]
)
def test_a_place_that_takes_nothing_is_named(capsys, path: str) -> None:
    assert f"{path} " in refusal(capsys, *LAPLACE, "--json", path)


def test_only_plain_files_are_replaced(capsys, tmp_path: Path) -> None:
    """Draws and checkpoints are moved into place: a pipe or a device there would be gone."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for option in ("--out", "--checkpoint"):
        assert f"{option} {pipe} is not a plain file" in refusal(capsys, *SAMPLE, *SHORT, option, str(pipe))
    assert pipe.is_fifo()


def test_a_picture_needs_a_format(capsys, tmp_path: Path) -> None:
    refusal(capsys, *SAMPLE, *SHORT, "--plot", str(tmp_path / "traces"))
    refusal(capsys, *SAMPLE, *SHORT, "--plot", str(tmp_path / "traces.xyz"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("how", [(), ("--json", "-")])
def test_a_full_standard_output_is_one_line(how: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        found = subprocess.run(
            killed.command(*LAPLACE, *how), cwd=killed.ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert found.returncode == 2
    assert (
        found.stderr == "threefold: standard output cannot be written: no space left on device; choose another place\n"
    )


def test_a_disk_that_fills_up_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "report.json"
    output.write(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.os, "replace", full)
    with pytest.raises(BadInput, match="space"):
        output.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


# ── torn input ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_report_torn_anywhere_is_refused_by_compare(capsys, tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole.json", tmp_path / "torn.json"
    assert cli.main([*VERIFY, str(whole)]) == 0
    assert cli.main(["compare", str(whole), str(whole)]) == 0
    content = whole.read_bytes().rstrip()
    capsys.readouterr()
    for length in range(0, len(content), max(1, len(content) // 60)):
        torn.write_bytes(content[:length])
        refusal(capsys, "compare", str(whole), str(torn))
        refusal(capsys, "compare", str(torn), str(whole))


def test_a_checkpoint_torn_anywhere_is_refused(capsys, tmp_path: Path) -> None:
    path, torn = tmp_path / "whole.npz", tmp_path / "torn.npz"
    assert cli.main([*SAMPLE, *SHORT, "--checkpoint", str(path)]) == 0
    content = path.read_bytes()
    capsys.readouterr()
    for length in range(0, len(content), -(-len(content) // 8)):
        torn.write_bytes(content[:length])
        assert str(torn) in refusal(capsys, *SAMPLE, *SHORT, "--checkpoint", str(torn))
    torn.write_bytes(content)
    assert "other settings" in refusal(capsys, *SAMPLE, *SHORT, "--gamma", "1", "--checkpoint", str(torn))


def squares(n: int) -> dict[str, object]:
    return {"x": np.arange(n) ** 2, "name": "squares"}


def test_a_part_torn_anywhere_is_made_again(tmp_path: Path) -> None:
    said: list[str] = []
    folder = open_folder(tmp_path / "out", "trial", Budget.QUICK, said.append)
    folder.part("a", squares, n=50)
    (path,) = (tmp_path / "out" / "parts").glob("*.npz")
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        said.clear()
        assert folder.part("a", squares, n=50)["x"].tolist() == [k**2 for k in range(50)]
        assert said[0] == "a: …", f"{length} of {len(content)} bytes were taken for the whole"


# ── what is missing, and what is no number ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asked", [each for each in EXPERIMENTS if each.needs], ids=lambda each: each.name)
def test_a_missing_package_is_named_with_its_installation(
    capsys, monkeypatch, tmp_path: Path, asked: experiment.Experiment
) -> None:
    monkeypatch.setattr(experiment, "find_spec", lambda module: None)
    budget = "--budget", str(asked.only[0])
    told = refusal(capsys, "experiment", asked.name, *budget, "--out", str(tmp_path / "out"))
    assert "pip install" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("nbeta", ["0", "-1", "nan", "inf", "1e999"])
def test_a_temperature_that_is_none_is_refused(capsys, nbeta: str) -> None:
    refusal(capsys, *SAMPLE, "--nbeta", nbeta, "--draws", "8")


@pytest.mark.parametrize(
    ("loss", "more"),
    [
        ("1/x", ("--at", "0")), ("log(x)", ("--at", "0")), ("exp(exp(x**2))", ("--at", "10")), ("-x**4", ("--at", "1")),
        ("sqrt(x)", ("--at", "-1")), ("x**2", ("--at", "0", "--epsilon", "nan")), ("x**2", ("--at", "0", "--epsilon", "0")),
        ("x**4", ("--at", "1", "--epsilon", "1e9")), ("x**2", ("--at", "0", "--gamma", "inf")),
    ],
)  # fmt: skip
def test_a_loss_that_leaves_the_finite_numbers_is_told(capsys, loss: str, more: tuple[str, ...]) -> None:
    words = ("sample", loss, "--vars", "x", "--epsilon", "10", "--nbeta", "100", "--chains", "2", "--draws", "8", *more)
    assert cli.main(words) in (2, 3)
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "nan" not in said.out.lower(), said


@pytest.mark.parametrize("t", ["0", "-1", "1/0", "0*1", "log(1)"])
def test_no_integral_without_a_temperature(capsys, t: str) -> None:
    refusal(capsys, "integrate", "x**2", "--observable", "x", "--vars", "x", "--t", t)


@pytest.mark.parametrize(
    ("loss", "t"), [("x**4 + x**2", "1e400"), ("x**4 + y**2", "1e-400"), ("1e-400*x**4 + y**2", "1")]
)
def test_no_integral_beyond_the_range_of_floats(capsys, loss: str, t: str) -> None:
    names = "x,y" if "y" in loss else "x"
    refusal(capsys, "integrate", loss, "--observable", "x", "--vars", names, "--t", t)


def test_a_component_without_weights_is_refused() -> None:
    weights = {"a": np.zeros((2, 3)), "none": np.zeros((0, 3))}
    for chosen in ([], {}, "b", {"a": np.s_[2:]}, {"a": np.s_[:, 3:]}, {"a": np.zeros((2, 3), bool)}, "none"):
        with pytest.raises(BadInput):
            component(weights, chosen)


# ── SIGKILL ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def kill_verify(folder: Path, kills: int) -> None:
    """The report is absent or whole at every moment; a later run writes it."""
    path = folder / "report.json"
    whole, seconds = killed.whole(killed.command(*VERIFY, str(path)))
    assert whole.returncode == 0
    verdicts = [claim["verdict"] for claim in json.loads(path.read_text())["claims"]]
    rng = random.Random(kills)
    for n in range(kills):
        if n % 2:
            path.unlink(missing_ok=True)
        killed.struck(killed.command(*VERIFY, str(path)), seconds * rng.uniform(0.3, 1.1))
        if path.exists():
            report = json.loads(path.read_text())
            assert len(report["claims"]) == len(verdicts) and "interrupted" in report["summary"]
    again, _ = killed.whole(killed.command(*VERIFY, str(path)))
    assert again.returncode == 0
    report = json.loads(path.read_text())
    assert [claim["verdict"] for claim in report["claims"]] == verdicts and not report["summary"]["interrupted"]


def kill_sample(folder: Path, kills: int) -> None:
    """After any number of kills the run goes on, and ends with the draws of a run that was left alone."""
    words = (*SAMPLE, *LONG, "--json", "-", "--checkpoint")
    whole, seconds = killed.whole(killed.command(*words, str(folder / "whole.npz")))
    assert whole.returncode == 0, whole.stderr
    rng = random.Random(kills)
    path = folder / "cut.npz"
    struck = tries = 0
    while struck < kills and tries < 4 * kills:  # a resumed run is shorter, and may end before it is struck
        tries += 1
        struck += killed.struck(killed.command(*words, str(path)), seconds * rng.uniform(0.1, 0.8))
        if path.exists():
            with np.load(path, allow_pickle=False) as file:
                done = int(file["steps"])
            if done == 84_000 or tries % 10 == 9:  # all 4000 + 20 · 4000 steps are done: begin again
                path.unlink()
    assert struck
    again, _ = killed.whole(killed.command(*words, str(path)))
    assert _timeless(again.stdout) == _timeless(whole.stdout)
    with np.load(path, allow_pickle=False) as cut, np.load(folder / "whole.npz", allow_pickle=False) as left_alone:
        assert cut.files == left_alone.files
        assert all(cut[name].tobytes() == left_alone[name].tobytes() for name in cut.files)


def kill_experiment(folder: Path, kills: int) -> None:
    """The parts are absent or whole; the run goes on to the same arrays and the same sentences."""
    whole, seconds = killed.whole(killed.experiment(folder / "whole"))
    assert whole.returncode == 0, whole.stderr
    rng = random.Random(kills)
    for _ in range(kills):
        killed.struck(killed.experiment(folder / "cut"), seconds * rng.uniform(0.2, 0.9))
        for part in (folder / "cut" / "parts").glob("*.npz"):
            assert _arrays(part) == _arrays(folder / "whole" / "parts" / part.name)
    again, _ = killed.whole(killed.experiment(folder / "cut"))
    assert again.returncode == 0, again.stderr
    first, second = (json.loads((folder / name / "summary.json").read_text()) for name in ("cut", "whole"))
    assert first["statements"] == second["statements"] and first["statements"]
    parts = [sorted(path.name for path in (folder / name / "parts").glob("*.npz")) for name in ("cut", "whole")]
    assert parts[0] == parts[1] and len(parts[0]) == 3


def _timeless(answer: str) -> object:
    """An answer without how long it took."""

    def without(value: object) -> object:
        if isinstance(value, dict):
            return {key: without(item) for key, item in value.items() if "seconds" not in key}
        return [without(item) for item in value] if isinstance(value, list) else value

    return without(json.loads(answer))


def _arrays(path: Path) -> dict[str, bytes]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name].tobytes() for name in file.files if "seconds" not in name}


def test_verify_survives_a_few_kills(tmp_path: Path) -> None:
    kill_verify(tmp_path, 3)


def test_sample_survives_a_few_kills(tmp_path: Path) -> None:
    kill_sample(tmp_path, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("kill", "kills"), [(kill_verify, 50), (kill_sample, 44), (kill_experiment, 6)])
def test_a_hundred_kills(tmp_path: Path, kill, kills: int) -> None:
    kill(tmp_path, kills)

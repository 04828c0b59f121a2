"""`threefold ising`: named and drawn lattices, exact sums beside the samples, one line for bad input."""

import json

import pytest

from ledger.cli import main

FAST = ["--chains", "4", "--draws", "400", "--burn-in", "50"]


def test_a_drawing_beside_exact_sums(tmp_path, capsys) -> None:
    """AA#BB over AA.BB at β = 2/5: the sampled matrix within 6 standard errors of the enclosed one."""
    drawing = tmp_path / "wall.txt"
    drawing.write_text("AA#BB\nAA.BB\n")
    assert main(["ising", str(drawing), "--beta", "2/5", "--probe", "0,0", "--exact", "--json", "-", *FAST]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["spins"] == 9
    assert answer["response"]["labels"] == {"probe": ["(0,0)"], "region": ["A", "B"]}
    for j, region in enumerate("AB"):
        exact = float(answer["exact"]["(0,0)"][region].strip("[]").split(" +/- ")[0])
        assert abs(answer["response"]["mean"][0][j] - exact) < 6 * answer["response"]["sem"][0][j]
    assert main(["ising", str(drawing), "--beta", "0.4", "--probe", "0,0", *FAST]) == 0
    shown = capsys.readouterr().out
    assert "Cov(s_p, M_B)" in shown
    assert "τ_int" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no drawing can be read"),
        (["torus:0"], "a size is N or NxM"),
        (["torus:2"], "periodic rows"),
        (["room", "--probe", "0,0"], "masked"),
        (["room", "--probe", "5"], "a row and a column"),
        (["room", "--exact", "--field", "1"], "without field"),
        (["room", "--beta", "-1"], "≥ 0"),
        (["room", "--beta", "x"], "x"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, message, capsys) -> None:
    beta = [] if "--beta" in arguments else ["--beta", "0.4"]
    assert main(["ising", *arguments, *beta, *FAST]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize(
    ("drawing", "message"), [("AB\nA\n", "one length"), ("A?\n", 'has "?"'), ("", "one length"), ("##\n", "masked")]
)
def test_drawings_that_mean_nothing(drawing, message, tmp_path, capsys) -> None:
    file = tmp_path / "drawing.txt"
    file.write_text(drawing)
    assert main(["ising", str(file), "--beta", "0.4", *FAST]) == 2
    assert message in capsys.readouterr().err

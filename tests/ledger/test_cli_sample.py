"""`threefold sample`: numbers with errors, and a chain that is lost is told, in words and by the exit code."""

import json

import pytest

from ledger import cli
from tests.ledger.lines import answer, refused

QUADRATIC = ["sample", "x**2/2", "--vars", "x"]


def test_sample_answers_with_errors_and_files(capsys, tmp_path):
    """⟨x²⟩ = 1/(nβ + γ) on x²/2 with a Metropolis-adjusted chain, within 4.9 standard errors of 3%."""
    words = [*QUADRATIC, "--nbeta", "50", "--gamma", "10", "--observable", "x**2", "--kernel", "mala", "--draws", "400"]
    words += ["--epsilon", "0.02", "--out", str(tmp_path / "draws.nc"), "--plot", str(tmp_path / "a.png")]
    found = answer(capsys, *words)
    (square,) = found["expectations"]
    assert abs(square["mean"] - 1 / 60) < 4.9 * square["sem"] < 0.15 / 60
    assert abs(found["llc"]["mean"] - 50 / 60 / 2) < 4.9 * found["llc"]["sem"]
    assert found["lost_chains"] == [] and found["diagnosis"]["ok"]
    assert (tmp_path / "draws.nc").stat().st_size > 1000 < (tmp_path / "a.png").stat().st_size
    assert cli.main(words) == 0
    assert "LLC" in capsys.readouterr().out


LOSING = ["sample", "log(1+x)**2/2", "--vars", "x", "--at", "0", "--nbeta", "10", "--epsilon", "0.06"]


def test_sample_tells_of_lost_chains(capsys):
    """Past x = −1 the loss is not a number: some chains get there, the others are used, and exit 3 says so."""
    words = [*LOSING, "--draws", "200", "--thin", "1", "--burn-in", "0"]
    assert cli.main([*words, "--json", "-"]) == 3
    streams = capsys.readouterr()
    found = json.loads(streams.out)
    lost = len(found["lost_chains"])
    assert 0 < lost < 8 and len(found["diverged_at"]) == lost and found["run"]["finite_chains"] == 8 - lost
    assert found["llc"]["mean"] is not None
    assert streams.err.startswith(f"threefold: {lost} of 8 chains left the finite numbers (chain ")


def test_sample_goes_on_from_a_checkpoint(capsys, tmp_path):
    words = [*QUADRATIC, "--nbeta", "50", "--draws", "100", "--checkpoint", str(tmp_path / "run.npz")]
    whole, again = answer(capsys, *words), answer(capsys, *words)
    assert whole["llc"] == again["llc"]
    assert "other settings" in refused(capsys, *words, "--seed", "1")


@pytest.mark.parametrize(
    "words",
    [
        ["--nbeta", "0"],
        ["--nbeta", "nan"],
        ["--nbeta", "10", "--epsilon", "0"],
        ["--nbeta", "10", "--epsilon", "50"],
        ["--nbeta", "10", "--kernel", "hmc"],
        ["--nbeta", "10", "--out", "/nowhere/at/all.nc"],
        ["--nbeta", "10", "--at", "1,2"],
    ],
    ids=" ".join,
)
def test_sample_refuses_in_one_line(capsys, words):
    refused(capsys, *QUADRATIC, *words)

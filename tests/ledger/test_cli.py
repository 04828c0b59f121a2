"""The command line: exit codes, one clear line for bad input, JSON alone on stdout, and no jax where none is needed."""

import importlib
import json
import math
import subprocess
import sys
from fractions import Fraction

import pytest

from ledger import cli, labels
from ledger.claim import Budget, Layer
from ledger.results import Section
from tests.ledger.fakes import claim, raises, says
from tests.ledger.lines import answer, refused
from theory.errors import BadInput

CLAIMS = (
    claim("eq 3", labels=("eq 4",)),
    claim("Lem 25", labels=("eq 19",), finding="It is one half."),
    claim("§6.3.2"),
    claim("Ex 19", sampled=says("open", "owed")),
)
WRONG = claim("eq 99", derived=says("refuted"))
SERIES = ["laplace", "x**2/2 + x**3/6 + x**4/24", "--observable", "x", "--vars", "x", "--order", "2"]


@pytest.fixture
def ledger(monkeypatch):
    """Puts claims in the place of the primer's, and a quick section in the place of the network."""

    def use(*claims, section=None):
        monkeypatch.setattr(importlib.import_module("ledger.claims"), "all_claims", lambda: claims)
        monkeypatch.setattr(
            cli, "_on_a_network", section or (lambda budget, progress: Section({}, (), ("Applied.",), 0.0))
        )

    use(*CLAIMS)
    return use


def test_verify_prints_a_table(ledger, capsys):
    assert cli.main(["verify"]) == 0
    out = capsys.readouterr().out
    assert "Lem 25: It is one half." in out and "4 claims: 2 hold, 1 finding, 1 open" in out and "Applied." in out


def test_verify_json(ledger, capsys):
    found = answer(capsys, "verify", "--budget", "full")
    assert [each["verdict"] for each in found["claims"]] == ["holds", "finding", "holds", "open"]
    assert found["environment"]["budget"] == "full"
    assert found["applied"]["summary"] == ["Applied."]


def test_a_refuted_claim_exits_1(ledger, capsys):
    ledger(*CLAIMS, WRONG)
    assert answer(capsys, "verify", code=1)["summary"]["refuted"] == 1


@pytest.mark.parametrize("arguments", [["--no-network"], ["eq 3"], ["--layer", "derived"]])
def test_the_network_is_left_out(ledger, capsys, arguments):
    ledger(*CLAIMS, section=raises(AssertionError()))
    assert answer(capsys, "verify", *arguments)["applied"] is None


def test_layers_are_chosen(ledger, capsys):
    [found] = answer(capsys, "verify", "eq 3", "--layer", "enclosed", "--layer", "derived")["claims"]
    assert found["sampled"] == {"status": "not run"} and found["enclosed"]["digits"] == 38.2


def test_files_are_written(ledger, capsys, tmp_path):
    page, data = tmp_path / "a.html", tmp_path / "a.json"
    assert cli.main(["verify", "eq 3", "--html", str(page), "--json", str(data)]) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(data.read_text())["summary"]["interrupted"] is False
    assert "eq 3" in capsys.readouterr().out


def test_an_interruption_exits_130_with_what_was_found(ledger, capsys, tmp_path):
    ledger(claim("eq 1"), claim("eq 2", enclosed=raises(KeyboardInterrupt())), claim("eq 3"))
    page, data = tmp_path / "a.html", tmp_path / "a.json"
    assert cli.main(["verify", "--html", str(page), "--json", str(data)]) == 130
    found = json.loads(data.read_text())
    assert found["summary"]["interrupted"] is True and found["claims"][0]["verdict"] == "holds"
    assert "interrupted" in page.read_text() and "interrupted" in capsys.readouterr().out


def test_list(ledger, capsys):
    assert cli.main(["verify", "--list"]) == 0
    assert "Lem 25" in capsys.readouterr().out
    found = answer(capsys, "verify", "--list")
    assert set(found) == {"claims"} and len(found["claims"]) == 4
    assert all(list(each) == ["id", "labels", "section", "statement"] for each in found["claims"])
    assert [each["id"] for each in answer(capsys, "verify", "--list", "Lemma 25")["claims"]] == ["Lem 25"]


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        ([], ["eq 3", "Lem 25", "§6.3.2", "Ex 19"]),
        (["eq 19"], ["Lem 25"]),
        (["EQ19", "Equation (3)"], ["eq 3", "Lem 25"]),
        (["eq", "19", "lem25"], ["Lem 25"]),
        (["Eq.", "4"], ["eq 3"]),
        (["6.3.2"], ["§6.3.2"]),
        (["section 6.3.2", "Example 19"], ["§6.3.2", "Ex 19"]),
    ],
)
def test_names_of_claims(names, ids):
    assert [each.id for each in labels.select(CLAIMS, names)] == ids


@pytest.mark.parametrize(
    ("names", "hint"), [(["eq 29"], '"eq 19"'), (["eq", "29"], '"eq 19"'), (["eq 3", "zz"], '"zz"')]
)
def test_unknown_names_of_claims(names, hint):
    with pytest.raises(BadInput, match="verify --list") as problem:
        labels.select(CLAIMS, names)
    assert hint in str(problem.value)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["nonsense"], "no such command"),
        (["--nonsense"], "no such option"),
        (["verify", "--nonsense"], "verify --help"),
        (["verify", "--layer", "guessed"], "derived"),
        (["verify", "--budget", "huge"], "quick"),
        (["verify", "eq 29"], "did you mean"),
        (["verify", "--html", "-"], "file"),
        (["verify", "--html", "no/such/folder/a.html"], "folder"),
        (["verify", "--json", "a.out", "--html", "a.out"], "different"),
        (["laplace"], "missing argument"),
        (["integrate", "-(x**2)", "--observable", "x", "--vars", "x", "--t", "1"], "goes after --"),
        (["integrate", "x**3", "--observable", "x", "--vars", "x", "--t", "1"], "diverges"),
        (["integrate", "x**2", "--observable", "x", "--vars", "x", "--t", "-1"], "t > 0"),
        (["integrate", "x**2", "--observable", "x", "--vars", "x", "--t", "1", "--domain", "0,1;0,1"], "semicolons"),
        (["integrate", "x**2", "--observable", "x", "--vars", "x", "--t", "1", "--domain", "1,0"], "interval"),
        (["integrate", "x**2*y**2", "--observable", "x", "--vars", "x,y", "--t", "1"], "could not be proved"),
        ([*SERIES[:4]], "--vars"),
        ([*SERIES, "--at", "1"], "critical"),
        ([*SERIES, "--at", "1,2"], "2 coordinates for 1 variable"),
        ([*SERIES, "--order", "99"], "20"),
        ([*SERIES, "--order", "x"], "--order"),
        (["laplace", "x**2 + z", *SERIES[2:]], 'name "z"'),
        (["laplace", "__import__('os')", *SERIES[2:]], "unknown"),
        (["laplace", "9**9**9**9", *SERIES[2:]], "exponent"),
        (["laplace", "abs(x)", *SERIES[2:]], "smooth"),
        (["laplace", "x**4", *SERIES[2:]], "degenerate"),
        (["laplace", "-x**2", *SERIES[2:]], "goes after --"),
        (["laplace", "x\n+", *SERIES[2:]], "column"),
        (["graphs", "--marked", "2", "--order", "0"], "--order"),
        (["graphs", "--marked", "2", "--order", "2", "--vanishing", "3:1"], "I = 1 … 2"),
        (["graphs", "--marked", "2", "--order", "2", "--vanishing", "1"], "takes I:R"),
        (["graphs", "--marked", "2", "--order", "2", "--svg", "-"], "--svg needs the name of a file"),
        (["check", "x**2"], "--observable"),
        (["check", "x**2", "--observable", "x", "--vars", "x,x"], "twice"),
    ],
)
def test_bad_input_is_one_clear_line(ledger, capsys, arguments, hint):
    assert hint in refused(capsys, *arguments)


def test_a_path_is_refused_before_the_work(ledger, capsys, tmp_path):
    ledger(claim(derived=raises(AssertionError("it ran"))))
    refused(capsys, "verify", "--json", str(tmp_path))


def test_laplace(capsys):
    assert cli.main(SERIES) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:4]] == [
        ["t^0", "0"],
        ["t^-1", "-1/2"],
        ["t^-2", "1/24"],
    ]
    found = answer(capsys, *SERIES)
    assert (
        found["coefficients"] == ["0", "-1/2", "1/24"]
        and found["quantity"] == "expectation"
        and found["at"] == {"x": "0"}
    )


def test_laplace_says_from_which_t_it_is_good(capsys):
    """⟨x⟩ = −1/(2t) − 1/(4t²) + …: the next two terms, of which the JSON holds the values, are 1% of the sum from t on."""
    found = answer(capsys, *SERIES)
    t, (c3, c4) = int(found["good_from"]["t"]), map(Fraction, found["next"])
    partial = [Fraction(c) for c in found["coefficients"]]

    def ratio(t):
        return (abs(c3) / t**3 + abs(c4) / t**4) / abs(sum(c / t**k for k, c in enumerate(partial)))

    assert found["good_from"]["relative"] == "1/100"
    assert ratio(Fraction(t)) <= Fraction(1, 100) < ratio(Fraction(t - 1))
    assert cli.main(SERIES) == 0
    assert f"good to 1% from t = {t}" in capsys.readouterr().out


def test_laplace_with_symbols_has_no_such_t(capsys):
    assert cli.main(["laplace", "x**2/2 - x**2/2 + x**2", "--observable", "x**3", "--vars", "x", "--order", "1"]) == 0
    assert "good to" not in capsys.readouterr().out  # the series is 0: nothing to be relative to


def test_graphs(capsys, tmp_path):
    svg = tmp_path / "figure4.svg"
    command = ["graphs", "--marked", "2", "--order", "2", "--vanishing", "1:1", "--svg", str(svg)]
    found = answer(capsys, *command)
    assert found["family"] == "κ(φ, ψ) at t^-2, Dφ = 0" and found["of"] == 10
    assert [graph["notation"] for graph in found["graphs"]][1] == "½ (Σb)·(Φ:Σ)"
    assert {graph["weight"] for graph in found["graphs"]} == {"1/2", "-1/2"}
    assert svg.read_text(encoding="utf-8").startswith("<svg xmlns=")
    assert cli.main(["graphs", "--marked", "1", "--order", "1", "--prior"]) == 0
    assert capsys.readouterr().out.splitlines() == ["⟨φ⟩ at t^-1: 3 graphs", "  ½ tr(AΣ)", "  aᵀΣp", "  −½ (Σa)·(T:Σ)"]
    assert answer(capsys, "graphs", "--marked", "0", "--order", "3")["graphs"][1]["notation"].startswith("1/48 L_ikp")


def test_integrate(capsys):
    """∫ over the quarter plane and a Gaussian: closed forms inside the stated errors."""
    words = ["--vars", "x,y", "--t", "2", "--domain", "0,oo;-oo,oo", "--digits", "15", "--json", "-"]
    assert cli.main(["integrate", "x**2/2 + y**2/2", "--observable", "x", "--observable", "x*y", *words]) == 0
    answer = json.loads(capsys.readouterr().out)
    value, error = (float(answer["log_partition"][key]) for key in ("value", "error"))
    assert abs(value - math.log(math.pi / 2)) <= error + 1e-15
    mean = answer["expectations"][0]
    assert abs(float(mean["value"]) - 1 / math.sqrt(math.pi)) <= float(mean["error"]) + 1e-15
    assert [each["observables"] for each in answer["covariances"]] == [["x", "x"], ["x", "x*y"], ["x*y", "x*y"]]
    assert float(answer["covariances"][1]["error"]) < 1e-10
    assert cli.main(["integrate", "x**2/2", "--observable", "x**2", "--vars", "x", "--t", "1"]) == 0
    assert "1.0000000000000000000" in capsys.readouterr().out


def test_laplace_of_several_observables(capsys):
    found = answer(
        capsys, "laplace", "x**2/2 + y**2", "--observable", "x", "--observable", "x+y", "--vars", "x,y", "--order", "1",
        "--at", "0,0", "--prior", "exp(x)",
    )  # fmt: skip
    assert found["coefficients"] == ["0", "1"] and found["quantity"] == "cumulant" and found["prior"] == "exp(x)"


def test_check(monkeypatch, capsys, tmp_path):
    seen = {}

    def own(**problem):
        seen.update(problem)
        return claim("your claim", statement=f"about {problem['loss']}")

    monkeypatch.setattr(importlib.import_module("ledger.check"), "check", own)
    found = answer(capsys, "check", "x**2/2", "--observable", "x", "--perturbation", "x**3", "--vars", "x", "--at", "0")
    assert found["claims"][0]["verdict"] == "holds" and found["applied"] is None
    [x] = seen["variables"]
    assert seen["perturbation"] == x**3 and seen["at"] == {x: 0} and seen["prior"] == 1 and seen["observables"] == (x,)
    page = tmp_path / "a.html"
    assert cli.main(["check", "x**2", "--observable", "x", "--vars", "x", "--html", str(page)]) == 0
    assert "about x**2" in page.read_text() and seen["perturbation"] is None and seen["at"] is None


def test_check_of_an_untreatable_claim_is_bad_input(monkeypatch, capsys):
    layer = raises(BadInput("the integral diverges; add a prior"))
    untreatable = claim(derived=layer, enclosed=layer, sampled=layer)
    monkeypatch.setattr(importlib.import_module("ledger.check"), "check", lambda **problem: untreatable)
    assert "add a prior" in refused(capsys, "check", "x**2", "--observable", "x", "--vars", "x")


def test_a_bug_is_not_taken_for_bad_input(ledger, monkeypatch):
    monkeypatch.setattr(importlib.import_module("ledger.claims"), "all_claims", raises(AssertionError("a bug")))
    with pytest.raises(TypeError):
        cli.main(["verify", "--list"])


@pytest.mark.parametrize(
    "arguments", [["--help"], ["verify", "--help"], ["laplace", "--help"], ["check", "--help"], []]
)
def test_help_shows_examples(capsys, arguments):
    assert cli.main(arguments) == 0
    assert (
        "threefold check" in (out := capsys.readouterr().out) or "threefold verify" in out or "threefold laplace" in out
    )


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("threefold ")


@pytest.mark.parametrize("arguments", [["verify", "--list", "--json", "-"], SERIES])
def test_no_jax_and_no_matplotlib_where_none_is_needed(arguments):
    """In a process of its own, with the primer's real claims; the exit code too is the shell's."""
    program = (
        "import sys; from ledger.cli import main; code = main(sys.argv[1:]); "
        "loaded = {'jax', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'loaded {loaded}' if loaded else code)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_shell_sees_bad_input():
    command = [sys.executable, "-m", "ledger.cli", "laplace", "x +", *SERIES[2:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1


def test_every_budget_and_layer_has_a_word():
    assert [each.value for each in Budget] == ["quick", "full"]
    assert [each.value for each in Layer] == ["derived", "enclosed", "sampled"]

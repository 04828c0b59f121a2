"""`threefold rlct`: the lines that people type, what is loaded for them, and what is refused."""

import json
import subprocess
import sys

import pytest

from ledger import cli
from tests.ledger.lines import answer, refused

SCRIPT = """
import json, sys, time
from ledger import cli
code = cli.main(sys.argv[1:])
heavy = [m for m in ("jax", "jaxlib", "matplotlib.pyplot", "matplotlib.figure", "scipy", "numerics", "sampler") if m in sys.modules]
print(json.dumps([code, heavy, time.process_time()]))
"""


def own_process(*words):
    done = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=True)
    return done.stdout, json.loads(done.stdout.splitlines()[-1])


def test_nothing_heavy_is_loaded():
    """Neither jax nor what draws; with --draw only the latter. Processor seconds from the start to the answer."""
    out, (code, heavy, seconds) = own_process("rlct", "(y**2-x**3)**2", "--vars", "x,y")
    assert (code, heavy) == (0, []) and seconds < 5
    assert out.splitlines()[0] == "λ = 5/12, multiplicity 1" and out.splitlines()[1].strip().startswith("resolution")


def test_a_bracket_is_printed_with_its_certificate_checked(capsys):
    """A chain of dependent quantities: whatever is reached, it is proved."""
    K = "(x**2-2*y**3)**2-x**3*y**2-x**4*y**3"
    assert cli.main(["rlct", K, "--ideal", "--vars", "x,y", "--time-limit", "1", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["checked"] is True
    assert found["exact"] or (found["rlct"] is None and found["lower"] != found["upper"])


def test_rlct_of_a_cusp_is_drawn_and_verified(capsys, tmp_path):
    words = ["rlct", "(y**2-x**3)**2", "--vars", "x,y", "--draw", str(tmp_path / "tree.svg")]
    found = answer(capsys, *words)
    assert (found["rlct"], found["multiplicity"], found["exact"], found["checked"]) == ("5/12", 1, True, True)
    assert found["lower"] == found["upper"] == "5/12" and found["certificate"]["nodes"]
    drawing = (tmp_path / "tree.svg").read_text(encoding="utf-8")
    assert drawing.startswith("<svg") and drawing.count("λ") >= len(found["certificate"]["nodes"])
    assert cli.main(words) == 0
    out = capsys.readouterr().out
    assert "λ = 5/12, multiplicity 1" in out and "resolution" in out and "verified" in out


def test_rlct_of_generators_points_and_domains(capsys):
    """Reduced rank regression 1-1-1 at a zero and away from it; a boundary; an algebraic point."""
    words = ["rlct", "a*b,c", "--ideal", "--vars", "a,b,c"]
    assert (answer(capsys, *words)["rlct"], answer(capsys, *words, "--at", "1,0,0")["rlct"]) == ("1", "1")
    assert answer(capsys, "rlct", "a*b-1", "--ideal", "--vars", "a,b", "--at", "1,1")["multiplicity"] == 1
    assert answer(capsys, "rlct", "x**2+y", "--vars", "x,y", "--domain", "nonnegative")["rlct"] == "3/2"
    assert answer(capsys, "rlct", "(x**2-2)**2", "--vars", "x", "--at", "sqrt(2)")["rlct"] == "1/2"
    assert answer(capsys, "rlct", "x**2*y**2", "--vars", "x,y", "--prior", "abs(x)")["multiplicity"] == 1


@pytest.mark.parametrize(
    ("words", "witness"),
    [
        (["x-y", "--vars", "x,y"], "x - y takes negative values near the point, as on x = -s/2, y = -s/8"),
        (["x**2+1", "--vars", "x,y"], "x**2 + 1 does not vanish at (x = 0, y = 0); choose a zero of it with at="),
        (["x**2+y**2", "--at", "1,0", "--vars", "x,y"], "does not vanish at (x = 1, y = 0)"),
        (["floor(x)", "--vars", "x,y"], 'the function "floor" is unknown'),
        (["abs(x)", "--vars", "x,y"], "not known to be smooth"),
        (["sin(x*y)-x", "--vars", "x,y"], "use rlct_ideal"),
        (["x**2", "--prior", "x", "--vars", "x,y"], "changes sign"),
        (["x**2", "--vars", "x", "--at", "0,1"], "coordinates"),
        (["x**2", "y**2", "--vars", "x,y"], "--ideal"),
        (["0", "--vars", "x"], "0"),
        (["x**2+z", "--vars", "x"], "z"),
        (["x**2", "--vars", "x", "--domain", "torus"], "domain"),
    ],
)
def test_rlct_refuses_in_one_line(capsys, words, witness):
    assert witness in refused(capsys, "rlct", *words)

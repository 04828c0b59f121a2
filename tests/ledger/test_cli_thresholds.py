"""`threefold rlct` in its own process: the lines that people type, what is loaded for them, and what is refused."""

import json
import subprocess
import sys

import pytest

from ledger import cli

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


def test_the_tree_is_drawn(capsys, tmp_path):
    tree = tmp_path / "tree.svg"
    assert cli.main(["rlct", "(y**2-x**3)**2", "--vars", "x,y", "--draw", str(tree)]) == 0
    assert "λ = 5/12, multiplicity 1" in capsys.readouterr().out
    assert tree.read_text(encoding="utf-8").startswith("<svg")


def test_a_bracket_is_printed_with_its_certificate_checked(capsys):
    """A chain of dependent quantities: whatever is reached, it is proved."""
    K = "(x**2-2*y**3)**2-x**3*y**2-x**4*y**3"
    assert cli.main(["rlct", K, "--ideal", "--vars", "x,y", "--time-limit", "1", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["checked"] is True
    assert found["exact"] or (found["rlct"] is None and found["lower"] != found["upper"])


@pytest.mark.parametrize(
    ("words", "witness"),
    [
        (["x-y"], "x - y takes negative values near the point, as on x = -s/2, y = -s/8"),
        (["x**2+1"], "x**2 + 1 does not vanish at (x = 0, y = 0); choose a zero of it with at="),
        (["x**2+y**2", "--at", "1,0"], "does not vanish at (x = 1, y = 0)"),
        (["floor(x)"], 'the function "floor" is unknown'),
        (["abs(x)"], "not known to be smooth"),
        (["sin(x*y)-x"], "use rlct_ideal"),
        (["x**2", "--prior", "x"], "changes sign"),
    ],
)
def test_one_clear_line(capsys, words, witness):
    assert cli.main(["rlct", *words, "--vars", "x,y"]) == 2
    told = capsys.readouterr()
    assert witness in told.err and told.out == "" and told.err.count("\n") == 1

"""How long a cold start takes, and what it leaves alone: `python -m tests.trust.cold` prints processor seconds in new processes.

Wanted: `import theory` and its engines below 1 s, `import sampler` and its chains below 2 s, and no jax for commands that do not
sample. The seconds depend on the machine and are only printed; `test_cold` asserts what does not: that jax, and what takes as
long, is not imported.
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
RUN = "from contextlib import redirect_stdout\nimport io\nfrom ledger.cli import main\nwith redirect_stdout(io.StringIO()):\n    {}"
REPORT = "\nimport sys, time\nprint(time.process_time(), *sorted({m.split('.')[0] for m in sys.modules}))"


class Start(NamedTuple):
    """A program, the seconds it should stay below, and the packages that it must not import."""

    name: str
    program: str
    wanted: float
    never: frozenset[str]


def line(*arguments: str) -> str:
    return RUN.format(f"assert main({list(arguments)!r}) == 0")


JAX = frozenset({"jax", "jaxlib"})
STARTS = (
    Start("import theory", "import theory", 1.0, JAX | {"scipy", "matplotlib"}),
    Start(
        "theory's engines",
        "import theory.laplace, theory.rlct, theory.singular, theory.langevin",
        1.0,
        JAX | {"matplotlib"},
    ),
    Start("import sampler", "import sampler", 2.0, frozenset({"matplotlib"})),
    Start(
        "the sampler's chains",
        "import sampler.chain, sampler.llc, sampler.susceptibility",
        2.0,
        frozenset({"matplotlib"}),
    ),
    Start("threefold --help", line("--help"), 1.5, JAX | {"matplotlib", "scipy"}),
    Start("threefold verify --list", line("verify", "--list"), 3.0, JAX),
    Start("threefold rlct", line("rlct", "(y**2-x**3)**2", "--vars", "x,y"), 2.0, JAX | {"matplotlib"}),
    Start("threefold laplace", line("laplace", "x**2", "--observable", "x", "--vars", "x", "--order", "1"), 2.0, JAX),
)


def measure(start: Start) -> tuple[float, frozenset[str]]:
    """(processor seconds of a new process, the packages that it had imported at its end)."""
    words = [sys.executable, "-c", start.program + REPORT]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, *modules = found.stdout.split()
    return float(seconds), frozenset(modules)


def main() -> None:
    for start in STARTS:
        seconds = min(measure(start)[0] for _ in range(3))
        print(f"{start.name:26s} {seconds:5.2f} s of processor, wanted below {start.wanted:g} s")


if __name__ == "__main__":
    main()

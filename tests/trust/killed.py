"""Programs in processes of their own, to be killed with SIGKILL at any moment.

command(…)    one `threefold` command, without an installation
experiment    `python -m tests.trust.killed FOLDER`: the noisy machine (`turing`) on a coarse grid with short chains, so that a run
              takes seconds; the parts, their files and the resumption are those of the experiment itself
struck        start a program, kill it after so many seconds, and say whether it was still running
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "import sys; from ledger.cli import main; sys.exit(main())", *arguments]


def experiment(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.trust.killed", str(folder)]


def whole(program: Sequence[str]) -> tuple[subprocess.CompletedProcess, float]:
    """Run a program to its end; (what it said, how long it took)."""
    start = time.perf_counter()
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True), time.perf_counter() - start


def struck(program: Sequence[str], seconds: float) -> bool:
    """Kill the program after so many seconds; whether it had not finished before."""
    process = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def main(path: str) -> None:
    from ledger.claim import Budget
    from ledger.experiments import named, page, turing
    from ledger.experiments.folder import open_folder
    from ledger.machine import enable_double_precision

    enable_double_precision()
    turing.EFFORT = dict.fromkeys(turing.EFFORT, 60)
    turing.by_grid.__defaults__ = (21, 5.0)
    place = open_folder(Path(path), "turing", Budget.QUICK, lambda words: None)
    result = turing.conduct(place, Budget.QUICK)
    page.write(place, named("turing"), Budget.QUICK, result, 0.0)


if __name__ == "__main__":
    main(sys.argv[1])

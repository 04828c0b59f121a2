"""The performance record: one table of ratios, measured side by side. `python -m tests.benchmarks [ROOM …] [--peer PYTHON]`

    expansions   graphs, moments, diagrams: orders and dimensions        chain        engines for the law of the chain
    integrals    nested acb.integral, mpmath, checks of the proofs        thresholds   certificates, Macaulay2 where installed
    components   one head beside the whole network                       growth       chains, draws, probes, weights; blackjax
    quadratic    matrix-free predictions as networks grow                peer         devinterp in another environment; a bare loop

Columns: what was timed, its seconds, beside what, the other's seconds, the ratio other/first. Each room runs in a process of its
own on one thread. `peer` needs the interpreter of an environment with torch and devinterp 2.0.1. Nothing asserts these numbers.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import record

ROOMS = ("expansions", "chain", "integrals", "thresholds", "components", "growth", "quadratic", "peer")
ONE_THREAD = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1", "OMP_NUM_THREADS": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help="one of " + ", ".join(ROOMS))
    parser.add_argument("--peer", metavar="PYTHON", help="interpreter with devinterp, for the room peer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the rows, in a file")
    asked = parser.parse_args()
    unknown = sorted(set(asked.rooms) - set(ROOMS))
    if unknown:
        parser.error(f"no room {', '.join(unknown)}: there are {', '.join(ROOMS)}")
    if asked.rooms == ["peer"] and not asked.peer:
        parser.error("the room peer needs --peer PYTHON, an interpreter with torch and devinterp 2.0.1")
    if len(asked.rooms) == 1:
        (room,) = asked.rooms
        module = importlib.import_module(f"tests.benchmarks.{room}")
        rows = record.show(module.rows(asked.peer) if room == "peer" else module.rows())
        if asked.json:
            asked.json.write_text(
                json.dumps([row._asdict() | {"ratio": row.ratio} for row in rows], indent=1, ensure_ascii=False)
            )
        return
    for room in asked.rooms or ROOMS:
        if room == "peer" and not asked.peer:
            print("\npeer: left out (give --peer PYTHON, an interpreter with torch and devinterp 2.0.1)")
            continue
        print(f"\n{room}", flush=True)
        more = ["--peer", asked.peer] if room == "peer" else []
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks", room, *more], env=os.environ | ONE_THREAD, check=False
        )


if __name__ == "__main__":
    main()

"""Real log canonical thresholds and their certificates; beside Macaulay2 where it is installed.

Macaulay2 has no real threshold; what comes nearest is the largest root −lct of the global b-function (package Dmodules), where the
complex threshold lct bounds the real one from below. Its seconds are of the wall, of a program started for each case, as its user
would; the start alone is taken out.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator

import sympy as sp

from tests.benchmarks.record import Row, growth, timed
from theory import certificate, rlct

x, y, z, u = sp.symbols("x y z u", real=True)
CASES = {
    "x² + y²": x**2 + y**2,
    "x² y² (x + y)²": x**2 * y**2 * (x + y) ** 2,
    "(y² − x³)²": (y**2 - x**3) ** 2,
    "x² y² + y² z² + z² x²": x**2 * y**2 + y**2 * z**2 + z**2 * x**2,
}


def macaulay(program: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        ["M2", "--silent", "--stop", "-e", program + " exit 0"], check=True, capture_output=True, timeout=120
    )
    return time.perf_counter() - start


def rows() -> Iterator[Row]:
    found = shutil.which("M2") is not None
    idle = macaulay('needsPackage "Dmodules";') if found else 0.0
    for name, K in CASES.items():
        v = tuple(sorted(K.free_symbols, key=str))
        ours, answer = timed(lambda K=K, v=v: rlct.rlct(K, v))
        checking, sound = timed(lambda proof=answer.certificate, K=K: certificate.check(proof, K))
        assert sound
        yield Row(f"threshold of {name}", ours, "check of its certificate", checking)
        if found:
            text = str(sp.expand(K)).replace("**", "^")
            ring = ",".join(map(str, v))
            root = f'needsPackage "Dmodules"; R = QQ[{ring}]; print globalBFunction({text});'
            try:
                yield Row(f"threshold of {name}", ours, "Macaulay2, b-function", max(macaulay(root) - idle, 0.0))
            except subprocess.TimeoutExpired:
                yield Row(f"threshold of {name}", ours, "Macaulay2, given up at", 120.0)
    yield from growth(
        "threshold of Σ x_i² x_j²", (2, 3, 4),
        lambda d: rlct.rlct(sum((a * b) ** 2 for i, a in enumerate((x, y, z, u)[:d]) for b in (x, y, z, u)[:i]), (x, y, z, u)[:d]),
        "d =",
    )  # fmt: skip

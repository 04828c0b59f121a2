"""How long the two roads of the expansion take, side by side in one run.

    python tests/benchmarks/expansions.py

Prints seconds for graphs, moments (`theory.laplace`) and diagrams (`theory.diagrams`), and the ratio of the two roads where both
give the same coefficient (which is checked).
"""

import time
from collections.abc import Callable
from typing import Any

import sympy as sp

from theory import diagrams, graphs, laplace

x, y, z, u = sp.symbols("x y z u", real=True)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def quartic(v: tuple[sp.Symbol, ...]) -> sp.Expr:
    """A full quadratic and cubic part with rational coefficients, and (w·w)²."""
    squares = sum((w**2 for w in v), sp.S.Zero)
    mixed = sum(
        (sp.Rational(i + 1, j + 2) * a * b / 4 for j, b in enumerate(v) for i, a in enumerate(v[:j])), sp.S.Zero
    )
    cubic = sum((sp.Rational(i + 1, j + 2) * a**2 * b / 5 for i, a in enumerate(v) for j, b in enumerate(v)), sp.S.Zero)
    return sp.expand(squares + mixed + cubic + squares**2)


def main() -> None:
    print("graphs of the covariance: order, count, seconds, ratio to the order before")
    before = None
    for order in (1, 2, 3, 4):
        graphs._family.cache_clear()
        seconds, found = timed(lambda order=order: graphs.connected(2, order))
        print(f"  {order}  {len(found):5d}  {seconds:8.3f}  {'' if before is None else f'×{seconds / before:.0f}'}")
        before = seconds

    print("covariance, dimension and order: moments, diagrams (this order alone), ratio")
    for v, order, both in (
        ((x,), 20, False), ((x,), 4, True), ((x, y), 6, False), ((x, y), 3, True), ((x, y, z), 3, True), ((x, y, z, u), 3, True),
    ):  # fmt: skip
        loss, phis = quartic(v), (v[0], v[-1] ** 2 + v[0] * v[-1])
        moments, series = timed(
            lambda L=loss, f=phis, v=v, k=order: laplace.cumulant(L, f, v, order=k, at=(0,) * len(v))
        )
        line = f"  d = {len(v)}, order {order:2d}: {moments:8.3f} s"
        if both:
            other, value = timed(lambda L=loss, f=phis, v=v, k=order: diagrams.cumulant(L, f, v, order=k))
            assert value == series[order]
            line += f"  {other:8.3f} s  ×{other / moments:.2f}"
        print(line)


if __name__ == "__main__":
    main()

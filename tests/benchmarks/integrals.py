"""How long certified integrals take beside other quadratures, side by side in one run.

    python tests/benchmarks/integrals.py [digits of the nested integral, 30 unless given]

Prints seconds (the best of three, once where it takes longer than 5 s) and ratios: in the plane a quartic with all moments
to degree 4 against nested `acb.integral`; on the line 50 digits; in space a quartic with its covariance at 20 digits; and
how much longer the independent check of the certificates takes.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import sympy as sp

from numerics import certificate, enclosure, second_road, trapezoid
from numerics.posterior import Posterior
from numerics.precision import digits
from numerics.problems import Problem, entry, select

x, y, z = sp.symbols("x y z")
PLANE = entry("quartic", x**2 / 2 + y**2 + x * y**2 / 3 + x**3 / 6 + x**4 / 8 + y**4 / 12, (x, y), 7, "", 6)
WELL = entry("line", x**2 / 2 + x**3 / 6 + x**4 / 12, (x,), 5, "", 8)
SPACE = x**2 + y**2 + z**2 + x**3 / 3 + x * y * z / 2 + x**4 + y**4 + z**4


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    best, result = float("inf"), None
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
        if best > 5:
            break
    return best, result


def certified(problem: Problem, fs: list[Any], n: int) -> Any:
    with digits(n):
        return trapezoid.gibbs_integrals(problem.loss, fs, problem.variables, 7)


def plane(n: int) -> None:
    moments = [x**i * y**j for i in range(5) for j in range(5 - i)]
    ours, result = timed(lambda: certified(PLANE, moments, 30))
    single, _ = timed(lambda: certified(PLANE, [1], 30))
    print(f"plane, quartic, {len(moments)} moments, 30 digits: {ours:.3f} s, one integral {single:.3f} s")
    checking, _ = timed(lambda: certificate.check(result.certificate, PLANE.loss, (x, y), 7))
    print(f"    independent check of one certificate: {checking:.3f} s")
    same, coarse = timed(lambda: certified(PLANE, moments, n))
    nested, other = timed(lambda: second_road.nested(PLANE, n=n))
    assert other.ball.overlaps(coarse.balls[0] * (-certificate.arb(coarse.level)).exp())
    print(f"    at {n} digits: ours {same:.3f} s (15 moments), nested acb.integral {nested:.1f} s (one integral),")
    print(f"    digits held by the nested ball: {other.ball.rel_accuracy_bits() / 3.3219:.1f}")
    print(f"    ratio {nested / same:.0f} for one integral against 15; about {15 * nested / same:.0f} for all")


def line() -> None:
    def by_enclosure() -> Any:
        with digits(50):
            return enclosure.gibbs_integrals(WELL.loss, [1], x, 5).unscaled()[0]

    acb, one = timed(by_enclosure)
    trapezium, two = timed(lambda: second_road.line(WELL, n=50))
    mp, three = timed(lambda: second_road.panels(WELL, n=50))
    assert one.overlaps(two.ball)
    print(
        f"line, 50 digits: acb.integral with tails {acb:.4f} s, trapezoid {trapezium:.4f} s, mpmath (not proved) {mp:.3f} s"
    )
    print(
        f"    ratios to acb.integral: trapezoid {trapezium / acb:.2f}, mpmath {mp / acb:.1f}; found {three.ball.str(20)}"
    )


def space() -> None:
    def covariance() -> Any:
        return Posterior(SPACE, (x, y, z), 10, digits=20).covariance(x * y, z)

    seconds, value = timed(covariance)
    print(f"space, quartic, covariance, 20 digits: {seconds:.2f} s, Cov(xy, z) = {value.str(20)}")


def table() -> None:
    print("seconds at 20 digits (6 for d = 3)")
    for problem in select():
        n = 6 if len(problem.variables) == 3 else 20
        try:
            seconds, _ = timed(
                lambda p=problem, n=n: Posterior(p.loss, p.variables, p.t, prior=p.prior, digits=n).partition()
            )
            print(f"    {problem.name:36s} {seconds:.3f}")
        except certificate.NotCertified:
            print(f"    {problem.name:36s} refused")


if __name__ == "__main__":
    plane(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
    line()
    space()
    table()

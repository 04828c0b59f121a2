"""How long certified integrals take beside other quadratures, side by side in one run.

    python tests/benchmarks/integrals.py [digits of the nested integral, 30 unless given]

Prints seconds (the best of several runs, one where it takes longer than 5 s) and ratios: in the plane a quartic with all
moments to degree 4 against nested `acb.integral` for the same moments; on the line 50 digits of Z, ⟨x²⟩ and a covariance;
in space a quartic with its covariance at 20 digits; each with the independent check of its certificates.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import sympy as sp
from flint import arb

from numerics import certificate, enclosure, second_road, trapezoid
from numerics.errors import NotCertified
from numerics.posterior import Posterior
from numerics.precision import digits
from numerics.problems import Problem, entry, select

x, y, z = sp.symbols("x y z")
PLANE = entry("quartic", x**2 / 2 + y**2 + x * y**2 / 3 + x**3 / 6 + x**4 / 8 + y**4 / 12, (x, y), 7, "", 6)
WELL = entry("line", x**2 / 2 + x**3 / 6 + x**4 / 12, (x,), 5, "", 8)
SPACE = x**2 + y**2 + z**2 + x**3 / 3 + x * y * z / 2 + x**4 + y**4 + z**4


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The best time of three runs, of more where they are short (other processes disturb), of one above 5 s."""
    best, result, spent, count = float("inf"), None, 0.0, 0
    while count == 0 or (best < 5 and (count < 3 or (spent < 1 and count < 20))):
        start = time.perf_counter()
        result = work()
        last = time.perf_counter() - start
        best, spent, count = min(best, last), spent + last, count + 1
    return best, result


def certified(problem: Problem, fs: list[Any], n: int) -> Any:
    with digits(n):
        return trapezoid.gibbs_integrals(problem.loss, fs, problem.variables, 7)


def plane(n: int) -> None:
    moments = [x**i * y**j for i in range(5) for j in range(5 - i)]
    ours, result = timed(lambda: certified(PLANE, moments, 30))
    single, _ = timed(lambda: certified(PLANE, [1], 30))
    print(f"plane, quartic, {len(moments)} moments, 30 digits: {ours:.3f} s, one integral {single:.3f} s")
    checking, _ = timed(
        lambda: [
            certificate.check(c, PLANE.loss, (x, y), 7, f=f) for c, f in zip(result.certificates, moments, strict=True)
        ]
    )
    print(f"    independent check of all {len(moments)} certificates: {checking:.2f} s")
    same, coarse = timed(lambda: certified(PLANE, moments, n))
    start, held = time.perf_counter(), []
    for f, ball in zip(moments, coarse.balls, strict=True):
        other = second_road.nested(PLANE, sp.sympify(f), n).ball
        assert other.overlaps(ball * (-arb(coarse.level)).exp())
        if not other.contains(0):  # moments odd in y vanish
            held.append(other.rel_accuracy_bits() / 3.3219)
    nested = time.perf_counter() - start
    print(f"    at {n} digits, all {len(moments)} moments: ours {same:.4f} s, nested acb.integral {nested:.1f} s")
    print(f"    digits held by the nested balls: {min(held):.1f} to {max(held):.1f}; ratio {nested / same:.0f}")


def line() -> None:
    def by_enclosure() -> Any:
        with digits(50):
            return enclosure.gibbs_integrals(WELL.loss, [1], x, 5).unscaled()[0]

    acb, one = timed(by_enclosure)
    trapezium, two = timed(lambda: second_road.line(WELL, n=50))
    fs = [sp.S.One, x, x**2, x**3]

    def moments() -> Any:
        with digits(50):
            return trapezoid.gibbs_integrals(WELL.loss, fs, (x,), 5)

    many, result = timed(moments)
    checking, _ = timed(
        lambda: [certificate.check(c, WELL.loss, (x,), 5, f=f) for c, f in zip(result.certificates, fs, strict=True)]
    )
    print(f"line, 50 digits of Z, ⟨x²⟩, Cov(x, x²): {many:.4f} s; check of the four certificates {checking:.3f} s")
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
    with digits(20):
        found = trapezoid.gibbs_integrals(SPACE, [1, x * y * z], (x, y, z), 10).certificates
    for c, f in zip(found, (1, x * y * z), strict=True):
        checking, _ = timed(lambda c=c, f=f: certificate.check(c, SPACE, (x, y, z), 10, f=f))
        print(f"    independent check of the certificate for {f}: {checking:.1f} s")


def table() -> None:
    print("seconds at 20 digits (6 for d = 3)")
    for problem in select():
        n = 6 if len(problem.variables) == 3 else 20
        try:
            seconds, _ = timed(
                lambda p=problem, n=n: Posterior(p.loss, p.variables, p.t, prior=p.prior, digits=n).partition()
            )
            print(f"    {problem.name:36s} {seconds:.3f}")
        except NotCertified:
            print(f"    {problem.name:36s} refused")


if __name__ == "__main__":
    plane(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
    line()
    space()
    table()

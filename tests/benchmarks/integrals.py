"""Certified integrals beside other quadratures: nested `acb.integral`, mpmath, and the independent check of the certificates.

In the plane a quartic with all moments to degree 4; on the line 50 digits of Z, ⟨x²⟩ and a covariance; in space a quartic with its
covariance at 20 digits. The nested balls must overlap ours.
"""

from collections.abc import Iterator
from typing import Any

import sympy as sp
from flint import arb

from numerics import certificate, enclosure, second_road, trapezoid
from numerics.posterior import Posterior
from numerics.precision import digits
from numerics.problems import Problem, entry
from tests.benchmarks.record import Row, growth, timed

x, y, z = sp.symbols("x y z")
PLANE = entry("quartic", x**2 / 2 + y**2 + x * y**2 / 3 + x**3 / 6 + x**4 / 8 + y**4 / 12, (x, y), 7, "", 6)
WELL = entry("line", x**2 / 2 + x**3 / 6 + x**4 / 12, (x,), 5, "", 8)
SPACE = x**2 + y**2 + z**2 + x**3 / 3 + x * y * z / 2 + x**4 + y**4 + z**4
NESTED = 20


def certified(problem: Problem, fs: list[Any], n: int) -> Any:
    with digits(n):
        return trapezoid.gibbs_integrals(problem.loss, fs, problem.variables, problem.t)


def checked(found: Any, problem: tuple[Any, ...], fs: list[Any]) -> float:
    loss, variables, t = problem
    return timed(
        lambda: [certificate.check(c, loss, variables, t, f=f) for c, f in zip(found.certificates, fs, strict=True)]
    )[0]


def rows() -> Iterator[Row]:
    yield from plane()
    yield from line()
    yield from space()


def plane() -> Iterator[Row]:
    moments = [x**i * y**j for i in range(5) for j in range(5 - i)]
    yield from growth("plane, one integral", (15, 30, 60, 120), lambda n: certified(PLANE, [1], n), "digits")
    yield from growth("plane, 30 digits", (1, 5, 15), lambda k: certified(PLANE, moments[:k], 30), "moments")
    ours, result = timed(lambda: certified(PLANE, moments, 30))
    check = checked(result, (PLANE.loss, (x, y), PLANE.t), moments)
    yield Row("plane, 15 moments, 30 digits", ours, "independent check of the proofs", check)
    same, coarse = timed(lambda: certified(PLANE, moments, NESTED))
    nested = 0.0
    for f, ball in zip(moments, coarse.balls, strict=True):
        spent, other = timed(lambda f=f: second_road.nested(PLANE, sp.sympify(f), NESTED).ball)
        assert other.overlaps(ball * (-arb(coarse.level)).exp())
        nested += spent
    yield Row(f"plane, 15 moments, {NESTED} digits", same, "nested acb.integral", nested)


def line() -> Iterator[Row]:
    fs = [sp.S.One, x, x**2, x**3]

    def by_enclosure() -> Any:
        with digits(50):
            return enclosure.gibbs_integrals(WELL.loss, [1], x, 5).unscaled()[0]

    one, two = timed(by_enclosure), timed(lambda: second_road.line(WELL, n=50))
    mp, _ = timed(lambda: second_road.panels(WELL, n=50))
    assert one[1].overlaps(two[1].ball)
    ours, result = timed(lambda: certified(WELL, fs, 50))
    yield Row("line, 4 integrals, 50 digits", ours, "acb.integral with tails, one", one[0])
    yield Row("line, 4 integrals, 50 digits", ours, "mpmath, one, not proved", mp)
    yield Row(
        "line, 4 integrals, 50 digits",
        ours,
        "independent check of the proofs",
        checked(result, (WELL.loss, (x,), 5), fs),
    )


def space() -> Iterator[Row]:
    v = (x, y, z)
    ours, _ = timed(lambda: Posterior(SPACE, v, 10, digits=20).covariance(x * y, z))
    with digits(20):
        found = trapezoid.gibbs_integrals(SPACE, [1, x * y * z], v, 10)
    check = checked(found, (SPACE, v, 10), [1, x * y * z])
    yield Row("space, covariance, 20 digits", ours, "independent check of two proofs", check)

"""Honesty of the trapezoid rule: the ball at n digits contains the ball at 2n digits, for hundreds of random problems.

The problems are steep and flat, nearly degenerate, with double wells, shifted minima, rotated valleys, couplings, and
ripples (cosines in the loss); d = 1, 2, 3, t from 1/2 to 1000. A problem may be refused, a ball may never miss.
"""

import random
import time
from typing import NamedTuple

import pytest
import sympy as sp
from flint import arb

from numerics import enclosure, trapezoid
from numerics.errors import NotCertified
from numerics.precision import digits

x, y, z = sp.symbols("x y z")
R = sp.Rational
KINDS = ("flat4", "flat6", "wells", "steep", "broad", "cubic", "near", "ripple")


def part(draw: random.Random, v: sp.Expr) -> sp.Expr:
    v = v - R(draw.randint(-120, 120), 8)
    return {
        "flat4": v**4 / draw.choice([1, 100]),
        "flat6": v**6 / 6 + v**2 / 50,
        "wells": (v**2 - R(draw.randint(2, 7), 2)) ** 2 / 4 + v / draw.randint(7, 30),
        "steep": v**2 * draw.choice([50, 10**4]),
        "broad": v**2 / draw.choice([10, 10**4]),
        "cubic": v**2 / 2 + v**3 / 6 + v**4 / 12,
        "near": v**2 / draw.choice([100, 10**4, 10**8]) + v**4 / 100,
        "ripple": v**2 / 2 + sp.cos(draw.choice([1, 2]) * v + R(draw.randint(-9, 9), 4)) / draw.choice([3, 10]),
    }[draw.choice(KINDS)]


def problem(seed: int, d: int) -> tuple[sp.Expr, tuple[sp.Symbol, ...], sp.Rational]:
    """A sum of parts along the coordinates or along sheared ones, coupled now and then."""
    draw = random.Random(seed)
    variables = (x, y, z)[:d]
    forms: list[sp.Expr] = list(variables)
    if draw.random() < 0.6:
        for i in range(d - 1):
            forms[i] = forms[i] + R(draw.randint(-4, 4), 4) * forms[i + 1]
    loss = sum((part(draw, form) for form in forms), sp.S.Zero)
    if d > 1 and draw.random() < 0.4:
        loss += (forms[0] - forms[1]) ** 2 / draw.randint(2, 9)
    return sp.expand(loss), variables, draw.choice([R(1, 2), R(1), R(10), R(1000)])


class Outcome(NamedTuple):
    """Seconds for both calls together; refused: the reason, or empty; missed: what is wrong, or empty."""

    seconds: float
    refused: str = ""
    missed: str = ""


def outcome(seed: int, d: int, n: int) -> Outcome:
    loss, variables, t = problem(seed, d)
    fs = [sp.S.One, x, x**2]
    start = time.perf_counter()
    try:
        results = []
        for accuracy in (n, 2 * n):
            with digits(accuracy):
                result = trapezoid.gibbs_integrals(loss, fs, variables, t, max_points=3 * 10**6)
            with digits(4 * n):
                results.append([b * (-arb(result.level)).exp() for b in result.balls])
    except NotCertified as refusal:
        return Outcome(time.perf_counter() - start, refused=str(refusal))
    seconds, (coarse, fine) = time.perf_counter() - start, results
    with digits(4 * n):
        wrong = [str(f) for f, wide, narrow in zip(fs, coarse, fine, strict=True) if not wide.contains(narrow)]
        if d == 1:
            with digits(2 * n):
                others = enclosure.gibbs_integrals(loss, fs, x, t).unscaled()
            wrong += [f"{f} against acb" for f, a, b in zip(fs, fine, others, strict=True) if not a.overlaps(b)]
        if coarse[0].rel_accuracy_bits() < 3.32 * n:
            wrong.append("too few digits")
    return Outcome(seconds, missed=", ".join(wrong))


def misses(seeds: range, d: int, n: int, may_refuse: int) -> None:
    found = {seed: outcome(seed, d, n) for seed in seeds}
    assert {seed: o.missed for seed, o in found.items() if o.missed} == {}
    assert sum(bool(o.refused) for o in found.values()) <= may_refuse


@pytest.mark.parametrize(("d", "count", "n"), [(1, 90, 20), (2, 50, 10), (3, 10, 5)], ids=["d=1", "d=2", "d=3"])
def test_balls_are_honest(d, count, n):
    misses(range(count), d, n, may_refuse=count // 20 + 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("d", "count", "n"), [(1, 200, 25), (2, 180, 15), (3, 90, 6), (3, 40, 10), (3, 8, 20)], ids=str
)
def test_hundreds_of_balls_are_honest(d, count, n):
    """More than five hundred problems, those in space at up to 20 against 40 digits."""
    misses(range(1000, 1000 + count), d, n, may_refuse=count // 8 + 1)


SPACE = x**2 + y**2 + z**2 + x**3 / 3 + x * y * z / 2 + x**4 + y**4 + z**4


def test_a_ball_of_twenty_digits_in_space_is_honest():
    with digits(22):
        coarse = trapezoid.gibbs_integrals(SPACE, [1, x * y * z], (x, y, z), 10)
    with digits(40):
        fine = trapezoid.gibbs_integrals(SPACE, [1, x * y * z], (x, y, z), 10)
        rescale = (arb(coarse.level) - arb(fine.level)).exp()
        for wide, narrow in zip(coarse.balls, fine.balls, strict=True):
            assert wide.contains(narrow * rescale)
            assert wide.rel_accuracy_bits() > 3.32 * 18

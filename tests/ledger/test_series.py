"""Sixty random problems: every coefficient of the derived series lies in the ball that certified integrals give for it.

Orders up to 4 in one variable and up to 2 in two and three; expectations, covariances and third cumulants; flat and other priors.
The integrals and the extrapolation share nothing with the expansion. A second test asks of `good_from` what it promises.
"""

import random

import pytest
import sympy as sp
from flint import arb

from ledger.compare import contains
from numerics import extrapolate
from numerics.posterior import Posterior
from numerics.precision import ball, digits
from theory import laplace
from theory.truncation import EXTRA, good_from

V = sp.symbols("x y z", real=True)
ORDER = {1: 4, 2: 2, 3: 2}
DIGITS = {1: 50, 2: 40, 3: 26}
PRIORS = (1, sp.exp(V[0] / 2 - V[0] ** 2 / 3), 1 + V[0] ** 2 / 2)


def problem(d: int, seed: int):
    """H = 1 + a symmetric part below it, random cubic terms, a quartic that dominates them; m = 1, 2 or 3 observables."""
    rng, v = random.Random(1000 * d + seed), V[:d]

    def rational(scale: int) -> sp.Rational:
        return sp.Rational(rng.randint(-6, 6), 6 * scale)

    squares = sum((w**2 for w in v), sp.S.Zero)
    loss = squares / 2 + squares**2 / 2
    loss += sum((rational(2 * d) * v[i] * v[j] for i in range(d) for j in range(i)), sp.S.Zero)
    loss += sum((rational(3) * v[i] * v[j] ** 2 for i in range(d) for j in range(d)), sp.S.Zero)
    monomials = [*v, *(a * b for a in v for b in v), v[0] ** 3]
    count = 1 + seed % (3 if d < 3 else 2)
    phis = [sum((rational(1) * m for m in monomials), v[k % d]) for k in range(count)]
    return sp.expand(loss), phis, v, sp.sympify(PRIORS[seed % 3] if d < 3 else 1)


CASES = [(1, seed) for seed in range(30)] + [(2, seed) for seed in range(20)]
SOLID = [(3, seed) for seed in range(10)]


def check(d: int, seed: int) -> None:
    loss, phis, v, prior = problem(d, seed)
    derived = laplace.cumulant(loss, phis, v, order=ORDER[d], at=(0,) * d, prior=prior)

    def value(t: int) -> arb:
        return Posterior(loss, v, t, prior=prior, digits=DIGITS[d]).cumulant(phis)

    with digits(DIGITS[d]):
        found = extrapolate.coefficients(value, order=ORDER[d], target_digits=12 if d < 3 else 9)
        for k, c in enumerate(derived):
            assert contains(found[k].ball, c).agrees, (k, c, found[k].ball.str(20))
            wrong = c + (1 + abs(c)) / 10**6
            assert not contains(found[k].ball, wrong).agrees, (k, "the ball is too wide to say anything")


@pytest.mark.parametrize(("d", "seed"), CASES)
def test_certified_integrals_enclose_every_coefficient(d: int, seed: int) -> None:
    check(d, seed)


@pytest.mark.slow
@pytest.mark.parametrize(("d", "seed"), SOLID)
def test_certified_integrals_enclose_every_coefficient_in_three_variables(d: int, seed: int) -> None:
    check(d, seed)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("order", [1, 2, 3])
def test_good_from_keeps_its_promise(seed: int, order: int) -> None:
    """The true relative error at t₀, 2t₀ and 10t₀ against 1%: the estimate by two terms may be short by a factor 2 at most."""
    loss, phis, v, prior = problem(1, seed)
    series = laplace.cumulant(loss, phis, v, order=order + EXTRA, at=(0,), prior=prior)
    t0 = good_from(series, order)
    if t0 is None:
        return
    for t in (max(int(t0), 1), 2 * int(t0) + 1, 10 * int(t0) + 1):
        with digits(30):
            truth = Posterior(loss, v, t, prior=prior, digits=25).cumulant(phis)
            cut = ball(laplace.evaluate(series[: order + 1], t))
            assert abs(truth - cut) <= (2 if t == max(int(t0), 1) else 1) * abs(cut) / 100, (
                t,
                truth.str(8),
                cut.str(8),
            )

"""The law of the discrete chain: how each of its engines grows with the order, and closed forms beside the moment recursion."""

from collections.abc import Iterator

import sympy as sp

from tests.benchmarks.expansions import LINE, PLANE, SPACE, observables, quartic
from tests.benchmarks.record import Row, growth, timed
from theory import autocorrelation, langevin, stationary, underdamped

STEP = sp.Rational(1, 2)


def rows() -> Iterator[Row]:
    for v, orders in ((LINE, (5, 10, 20)), (PLANE, (2, 3, 4, 5)), (SPACE, (1, 2, 3))):
        loss, phis, options = quartic(v), observables(v), {"e": STEP, "at": (0,) * len(v)}
        yield from growth(
            f"covariance of the chain, d = {len(v)}", orders,
            lambda k, L=loss, f=phis, v=v, o=options: langevin.cumulant(L, f, v, order=k, **o), "order",
        )  # fmt: skip
        for engine in (autocorrelation.long_run, autocorrelation.estimator):
            yield from growth(
                f"{engine.__name__}, d = {len(v)}", [k for k in orders if 1 < k < 20],
                lambda k, L=loss, f=phis, v=v, o=options, engine=engine: engine(L, *f, v, order=k, **o), "order",
            )  # fmt: skip
    for v, orders in ((LINE, (2, 4, 8)), (PLANE, (1, 2, 3))):
        yield from growth(
            f"covariance of BAOAB, d = {len(v)}", orders,
            lambda k, v=v: underdamped.cumulant(quartic(v), observables(v), v, step=STEP, keep=STEP, order=k, at=(0,) * len(v)),
            "order",
        )  # fmt: skip
    for v, e in ((LINE, STEP), (PLANE, STEP), (SPACE, STEP), (LINE, sp.Symbol("e")), (PLANE, sp.Symbol("e"))):
        loss, at = quartic(v), (0,) * len(v)
        recursion, series = timed(lambda L=loss, v=v, e=e, at=at: langevin.expectation(L, L, v, e=e, order=2, at=at))
        closed, values = timed(lambda L=loss, v=v, e=e, at=at: stationary.law(L, v, e=e, at=at).learning_coefficient())
        assert all(sp.cancel(a - b) == 0 for a, b in zip(series[1:], values, strict=True))
        yield Row(f"learning coefficient by closed forms, d = {len(v)}, e = {e}", closed, "moment recursion", recursion)

"""How long the law of the discrete chain takes, order by order, and how it grows.

    python tests/benchmarks/chain.py

Prints seconds and the ratio to the order before for the moment recursion (`theory.langevin`), the sums over lags
(`theory.autocorrelation`) and the underdamped chain (`theory.underdamped`) over Q; and the ratio of the recursion to the closed
forms (`theory.stationary`), which give the same numbers (checked), with a rational and with a symbolic step.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
from expansions import quartic, timed, x, y, z

from theory import autocorrelation, langevin, stationary, underdamped

STEP = sp.Rational(1, 2)


def ladder(title: str, orders: Sequence[int], work: Callable[[int], Any]) -> None:
    print(title)
    before = None
    for order in orders:
        seconds, _ = timed(lambda k=order: work(k))
        print(f"  order {order:2d}: {seconds:8.3f} s  {'' if before is None else f'×{seconds / before:.1f}'}")
        before = seconds


def law(v: tuple[sp.Symbol, ...], e: Any) -> None:
    loss = quartic(v)
    at = (0,) * len(v)
    recursion, series = timed(lambda: langevin.expectation(loss, loss, v, e=e, order=2, at=at))
    closed, values = timed(lambda: stationary.law(loss, v, e=e, at=at).learning_coefficient())
    assert all(sp.cancel(a - b) == 0 for a, b in zip(series[1:], values, strict=True))
    print(f"  d = {len(v)}, e = {e}: {recursion:8.3f} s  {closed:8.3f} s  ×{closed / recursion:.2f}")


def main() -> None:
    for v, orders in (((x,), (5, 10, 20)), ((x, y), (2, 3, 4, 5, 6)), ((x, y, z), (1, 2, 3))):
        loss, phis, at = quartic(v), (v[0], v[-1] ** 2 + v[0] * v[-1]), (0,) * len(v)
        options = {"e": STEP, "at": at}
        ladder(
            f"covariance, d = {len(v)}",
            orders,
            lambda k, L=loss, f=phis, v=v, o=options: langevin.cumulant(L, f, v, order=k, **o),
        )
        for what in (autocorrelation.long_run, autocorrelation.estimator):
            ladder(
                f"{what.__name__}, d = {len(v)}",
                [k for k in orders if k > 1],
                lambda k, L=loss, f=phis, v=v, o=options, what=what: what(L, *f, v, order=k, **o),
            )
    for v, orders in (((x,), (2, 4, 8)), ((x, y), (1, 2, 3))):
        loss, phis, at = quartic(v), (v[0], v[-1] ** 2 + v[0] * v[-1]), (0,) * len(v)
        ladder(
            f"BAOAB, d = {len(v)}",
            orders,
            lambda k, L=loss, f=phis, v=v, at=at: underdamped.cumulant(L, f, v, step=STEP, keep=STEP, order=k, at=at),
        )
    print("learning coefficient to l1: moment recursion, closed forms, ratio")
    for v in ((x,), (x, y), (x, y, z)):
        law(v, STEP)
    for v in ((x,), (x, y)):
        law(v, sp.Symbol("e"))


if __name__ == "__main__":
    main()

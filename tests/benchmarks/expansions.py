"""The two roads of the expansion, and how they grow: graphs, moments (`theory.laplace`), diagrams (`theory.diagrams`)."""

from collections.abc import Iterator

import sympy as sp

from tests.benchmarks.record import Row, growth, timed
from theory import diagrams, graphs, laplace

x, y, z, u = sp.symbols("x y z u", real=True)
LINE, PLANE, SPACE, FOUR = (x,), (x, y), (x, y, z), (x, y, z, u)


def quartic(v: tuple[sp.Symbol, ...]) -> sp.Expr:
    """A full quadratic and cubic part with rational coefficients, and (w·w)²."""
    squares = sum((w**2 for w in v), sp.S.Zero)
    mixed = sum(
        (sp.Rational(i + 1, j + 2) * a * b / 4 for j, b in enumerate(v) for i, a in enumerate(v[:j])), sp.S.Zero
    )
    cubic = sum((sp.Rational(i + 1, j + 2) * a**2 * b / 5 for i, a in enumerate(v) for j, b in enumerate(v)), sp.S.Zero)
    return sp.expand(squares + mixed + cubic + squares**2)


def observables(v: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, sp.Expr]:
    return v[0], v[-1] ** 2 + v[0] * v[-1]


def rows() -> Iterator[Row]:
    def listed(order: int) -> None:
        graphs._family.cache_clear()
        graphs.connected(2, order)

    def moments(v: tuple[sp.Symbol, ...], order: int) -> tuple[sp.Expr, ...]:
        return laplace.cumulant(quartic(v), observables(v), v, order=order, at=(0,) * len(v))

    yield from growth("graphs of the covariance", (1, 2, 3, 4), listed, "order")
    for v, orders in ((LINE, (5, 10, 20)), (PLANE, (2, 4, 6)), (SPACE, (1, 2, 3))):
        yield from growth(f"covariance by moments, d = {len(v)}", orders, lambda k, v=v: moments(v, k), "order")
    yield from growth("covariance by moments, order 2", (1, 2, 3, 4), lambda d: moments(FOUR[:d], 2), "d =")
    for v, order in ((LINE, 4), (PLANE, 3), (SPACE, 3), (FOUR, 3)):
        ours, series = timed(lambda v=v, k=order: moments(v, k))
        other, value = timed(lambda v=v, k=order: diagrams.cumulant(quartic(v), observables(v), v, order=k))
        assert value == series[order]
        yield Row(f"covariance by moments, d = {len(v)}, order {order}", ours, "diagrams (this order alone)", other)

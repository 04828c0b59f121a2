"""The grids on which u^{−s} b is interpolated: where the Chebyshev points lie, and what is known there.

How many points a coordinate needs is read off the Chebyshev coefficients of F = b u^{−s} along the edges of the box (`Grid.fit`),
a guess; how far the interpolant is off is seen when its last coefficients are left out (`coefficients_kept`). A half-line is [0, 1]
and plain pieces beyond it, up to where the Gaussian weight e^{−x²/2} is negligible. What integrals over one unit share, log u at
the points and along the edges, is remembered.

Reading order: `Grid`, `units`, `fitted_grids`, `resolves`, `_degree`, `chebyshev_points`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import isqrt, prod
from typing import Any

import sympy as sp
from flint import acb, acb_mat, arb, arb_mat, ctx, fmpq

from theory.zeta.balls import on_axes
from theory.zeta.chart import Chart
from theory.zeta.continuation import apart
from theory.zeta.precision import rational
from theory.zeta.quadrature import chebyshev_values, plain_rule

MOST_POINTS = 50_000
FEW, MANY = 24, 96  # points of an edge, at first and at last
TAYLOR = fmpq(4, 3)  # points for every order of a Taylor coefficient
Unit = tuple[sp.Expr, tuple[sp.Symbol, ...], tuple[bool, ...]]
Axis = tuple[tuple[int, int, int], ...]
Point = tuple[fmpq, fmpq]  # real and imaginary part of s


@dataclass(frozen=True)
class Grid:
    """For every coordinate the pieces (low, high, points); the first is [0, 1]."""

    axes: tuple[Axis, ...]

    @staticmethod
    def fit(groups: Sequence[Chart], wanted: Sequence[tuple[Point, int]], reach: fmpq) -> "Grid":
        """Points enough for F = b u^{−s} of all groups (over one unit) along edges of the box, to so many digits at every s.

        And enough for the Taylor coefficients that poles up to −reach take, see `resolves`. An eighth more, and two, for the radii.
        """
        axes = []
        for i, half_line in enumerate(groups[0].gaussian):
            pieces = _pieces(max(digits for _, digits in wanted)) if half_line else [(0, 1)]
            integrands = dict.fromkeys((density_of(g), rational(g.orders[i])) for g in groups)
            needed = [
                max(_degree(unit_of(groups[0]), b, (i, piece, k), place) + 1 for b, k in integrands for place in wanted)
                for piece in pieces
            ]
            needed[0] = max(needed[0], *(int(TAYLOR * _order(g, i, reach)) + 2 for g in groups))
            axes.append(tuple((*piece, n + 2 + n // 8) for piece, n in zip(pieces, needed, strict=True)))
        grid = Grid(tuple(axes))
        while grid.size > MOST_POINTS:
            grid = Grid(tuple(tuple((a, b, max(4, n * 9 // 10)) for a, b, n in axis) for axis in grid.axes))
        return grid

    @property
    def size(self) -> int:
        return prod(sum(n for _, _, n in axis) for axis in self.axes)

    def points(self) -> list[list[arb]]:
        """Those of every coordinate."""
        return [[x for piece in axis for x in chebyshev_points(*piece, ctx.prec)] for axis in self.axes]


Grids = Mapping[Unit, Grid]


def units(charts: Sequence[Chart]) -> dict[Unit, list[Chart]]:
    """The groups of coupled coordinates of these charts, those over the same unit together."""
    found: dict[Unit, list[Chart]] = {}
    for c in charts:
        for _, _, groups in apart(c):
            for g in groups:
                same = found.setdefault(unit_of(g), [])
                same += [g] if g not in same else []
    return found


def fitted_grids(
    charts: Sequence[Chart], s: fmpq, digits: int, reach: fmpq, farther: Sequence[tuple[Point, int]] = ()
) -> dict[Unit, Grid]:
    """A grid for every unit: to so many digits at s, and to those that `farther` asks for at complex s."""
    wanted = [((s, fmpq(0)), digits), *farther]
    return {unit: Grid.fit(groups, wanted, reach) for unit, groups in units(charts).items()}


def resolves(grids: Grids, c: Chart, s: sp.Rational) -> bool:
    """Are the Taylor coefficients of F that a pole at −s takes below the degree of the interpolant?"""
    return all(
        TAYLOR * _order(g, i, rational(s)) < coefficients_kept(axis[0][2])
        for _, _, groups in apart(c) for g in groups for i, axis in enumerate(grids[unit_of(g)].axes)
    )  # fmt: skip


def _order(c: Chart, i: int, s: fmpq) -> fmpq:
    return rational(c.orders[i]) * s - rational(c.jacobian[i]) - 1


def unit_of(c: Chart) -> Unit:
    return c.unit, c.variables, c.gaussian


@lru_cache(maxsize=1024)
def density_of(c: Chart) -> sp.Expr:
    """b, with the Gaussian weights."""
    exponent = sum((v**2 for v, gaussian in zip(c.variables, c.gaussian, strict=True) if gaussian), sp.S.Zero)
    return c.density * (2 * sp.pi) ** sp.Rational(-sum(c.gaussian), 2) * sp.exp(-exponent / 2)


@lru_cache(maxsize=32)
def logs_on_grid(u: sp.Expr, variables: tuple, grid: Grid, bits: int) -> list[arb]:
    return [value.log() for value in on_grid(u, variables, grid, bits)]


@lru_cache(maxsize=32)
def on_grid(f: sp.Expr, variables: tuple, grid: Grid, _: int) -> list[arb]:
    return on_axes(f, variables, grid.points())


def _degree(unit: Unit, density: sp.Expr, where: tuple[int, tuple[int, int], fmpq], wanted: tuple[Point, int]) -> int:
    """From the next degree on the Chebyshev coefficients of F along edges in direction i are below the wanted digits.

    Beyond [0, 1] those of x_i^{−κs} F, which the plain rules there integrate.
    """
    (i, piece, k), (s, digits) = where, wanted
    power = k if piece[0] else fmpq(0)
    tolerance, largest = arb(10) ** -digits, 1
    for corner in product((0, 1), repeat=len(unit[1]) - 1):
        n = FEW
        while True:
            sizes = _sizes(unit, density, (*corner[:i], piece, *corner[i:]), (s, power, n, ctx.prec))
            limit = tolerance * max(sizes) if piece[0] == 0 else tolerance
            degree = max((l for l, a in enumerate(sizes) if a > limit), default=0)
            if degree < n - 2 or n >= MANY:
                break
            n *= 2
        largest = max(largest, degree)
    return largest


@lru_cache(maxsize=16384)
def _sizes(unit: Unit, density: sp.Expr, edge: tuple[Any, ...], rule: tuple[Point, fmpq, int, int]) -> list[arb]:
    """|Chebyshev coefficients| of x^{−κs} F along an edge: of its coordinates x is in a piece, the others are 0 or 1."""
    ((real, imaginary), k, n, bits), (u, variables, _) = rule, unit
    s, matrix = (acb(real, imaginary), acb_mat) if imaginary else (real, arb_mat)
    logs = _logs_on_edge(u, variables, edge, (n, bits))
    table: list[Any] = [
        b * (-s * log).exp() for b, log in zip(_on_edge(density, variables, edge, (n, bits)), logs, strict=True)
    ]
    if k:
        (piece,) = (at for at in edge if isinstance(at, tuple))
        table = [F * (-k * s * v.log()).exp() for F, v in zip(table, chebyshev_points(*piece, n, bits), strict=True)]
    return [abs(a).mid() for a in (matrix(chebyshev_values(n, bits).transpose()) * matrix(n, 1, table)).entries()]


@lru_cache(maxsize=4096)
def _on_edge(f: sp.Expr, variables: tuple, edge: tuple[Any, ...], rule: tuple[int, int]) -> list[arb]:
    return on_axes(
        f, variables, [list(chebyshev_points(*at, *rule)) if isinstance(at, tuple) else [arb(at)] for at in edge]
    )


@lru_cache(maxsize=4096)
def _logs_on_edge(u: sp.Expr, variables: tuple, edge: tuple[Any, ...], rule: tuple[int, int]) -> list[arb]:
    return [value.log() for value in _on_edge(u, variables, edge, rule)]


def _pieces(digits: int) -> list[tuple[int, int]]:
    """[0, 1], [1, 2], [2, 4], … up to where e^{−x²/2} is negligible."""
    reach, found = isqrt(6 * digits) + 1, [(0, 1)]
    while found[-1][1] < reach:
        low = found[-1][1]
        found.append((low, min(reach, 2 * low)))
    return found


@lru_cache(maxsize=512)
def chebyshev_points(low: int, high: int, n: int, bits: int) -> tuple[arb, ...]:
    return tuple(low + (high - low) * x for x, _ in plain_rule(n, bits))


def coefficients_kept(points: int) -> int:
    """The coefficients that the second set of weights keeps: an eighth fewer, and two."""
    return max(1, -(-(points - 2) * 8 // 9))

"""Sums over runs of grid points against the same sums point by point."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb, ctx, fmpq

from numerics.errors import NotCertified
from numerics.precision import digits
from numerics.trapezoid import gridsum
from numerics.trapezoid.boxes import Boxes, Cover, cover
from numerics.trapezoid.gridsum import _dead, _Summer, grid_sums, inflated_exp
from numerics.trapezoid.rows import Rows
from numerics.trapezoid.shadow import FloatField, Majorants
from numerics.trapezoid.waves import from_sympy

x, y = sp.symbols("x y", real=True)
R = sp.Rational
STEPS = [fmpq(1, 4), fmpq(1, 8)]
P = x**2 + x * y**3 / 5 + y**4 / 3 - y + sp.cos(2 * y - x + R(1, 3)) / 2
FS = (sp.S.One, x**2 * y - y**3, x * y * sp.cos(x + y) + sp.sin(3 * y + 1) - 2, sp.sin(x) * y**2)
ROWS = Rows(np.array([[-2], [0], [1], [1]]), np.array([-3, 0, -12, 4]), np.array([9, 0, -7, 5]))


def point_by_point(expr_p: sp.Expr, f: sp.Expr) -> arb:
    """Π h Σ f e^{−P} with mpmath's functions at 40 digits."""
    p, g = (sp.lambdify((x, y), e, "mpmath") for e in (expr_p, f))
    with mpmath.workdps(40):
        hx, hy = (mpmath.mpf(int(h.p)) / int(h.q) for h in STEPS)
        total = mpmath.mpf(0)
        for (k,), first, last in zip(ROWS.outer.tolist(), ROWS.first.tolist(), ROWS.last.tolist(), strict=True):
            for j in range(first, last + 1):
                total += g(k * hx, j * hy) * mpmath.exp(-p(k * hx, j * hy))
        return arb(mpmath.nstr(total * hx * hy, 38))


@pytest.mark.parametrize("flush", [1, 4096])
def test_runs_are_summed_as_their_points(flush: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With waves in the exponent and in the amplitudes, runs about 0 and far from it, kept until the end or not."""
    monkeypatch.setattr(gridsum, "FLUSH", flush)
    summer = _Summer(from_sympy(P, (x, y)), [from_sympy(f, (x, y)) for f in FS], STEPS, 100)
    summer.add(ROWS.take(slice(0, 2)), np.zeros(2))
    summer.add(ROWS.take(slice(2, 4)), np.zeros(2))
    summer.add(ROWS.take(slice(0, 0)), np.zeros(0))
    assert summer.points == 13 + 1 + 6 + 2
    found = summer.results()
    with ctx.workprec(120):
        for f, value in zip(FS, found, strict=True):
            expected = point_by_point(P, f)
            assert abs(value - expected) < arb("1e-25") and value.rad() < arb("1e-25")


def test_high_runs_are_summed_with_fewer_bits() -> None:
    """P ≥ 40 ln 2 on a run: forty bits fewer of e^{−P}, which is 2⁻⁴⁰ of the rest; the ball holds the sum all the same."""
    high = sp.S(40) * R(693148, 10**6) + y**2
    fields = from_sympy(high, (x, y)), [from_sympy(sp.S.One, (x, y))]
    few, all_bits = _Summer(*fields, STEPS, 100), _Summer(*fields, STEPS, 100)
    few.add(ROWS, np.full(4, 40 * math.log(2)))
    all_bits.add(ROWS, np.zeros(4))
    with ctx.workprec(120):
        (short,), (long,) = few.results(), all_bits.results()
        expected = point_by_point(high, sp.S.One)
        assert abs(short - expected) < arb("1e-29") and abs(long - expected) < arb("1e-37")
        assert short.rad() > 1000 * long.rad()


@pytest.mark.parametrize("budget", [8.0, 30.0])
def test_what_is_left_out_of_a_grid_sum_is_in_its_error(budget: float) -> None:
    """Π h Σ f e^{−P} over the whole grid, point by point in floats: the sum found and its error hold it, f of either sign."""
    loss, fs = x**2 / 2 + y**4 + x * y / 3 + sp.cos(x - y) / 4, (sp.S.One, x**2 * y, x - 5 * sp.sin(y), sp.S(-3))
    p, fields = from_sympy(loss, (x, y)), [from_sympy(f, (x, y)) for f in fs]
    boxes = cover(FloatField(p), Boxes.around(np.array([12.0, 4.0]), 4), budget + 4, finest=np.array([0.5, 0.5]))
    with digits(20):
        found = grid_sums(p, fields, [f.majorant() for f in fields], STEPS, boxes, [1.6] * 4, budget, 10**6)
    h = [float(arb(step)) for step in STEPS]
    a, b = np.meshgrid(np.arange(-48, 49) * h[0], np.arange(-32, 33) * h[1], indexing="ij")
    weight = np.exp(-sp.lambdify((x, y), loss, "numpy")(a, b)) * h[0] * h[1]
    assert found.points < a.size and len(boxes.dead.centres) > 0
    for f, total, error in zip(fs, found.sums, found.errors, strict=True):
        true = float((np.broadcast_to(sp.lambdify((x, y), f, "numpy")(a, b), a.shape) * weight).sum())
        assert abs(float(total) - true) <= float(error) + 1e-12
        assert float(error) <= 4000 * math.exp(-budget)


def test_the_dead_boxes_count_all_their_points() -> None:
    """A side 2r holds at most 2r/h + 1 points: Π (2r + h) e^{−inf} max |f|, summed over the boxes; nothing for none."""
    dead = Boxes(np.array([[5.0, 0.0], [-6.0, 1.0]]), np.array([[1.0, 0.5], [0.25, 2.0]]))
    boxes = Cover(Boxes(np.zeros((0, 2)), np.zeros((0, 2))), dead, np.array([3.0, 1.0]))
    field = from_sympy(2 * x**2 + y, (x, y))
    h = np.array([0.5, 0.25])
    (found,) = _dead(boxes, h, Majorants([field.majorant()]))
    expected = 2.5 * 1.25 * math.exp(-3) * (2 * 36 + 0.5) + 1.0 * 4.25 * math.exp(-1) * (2 * 6.25**2 + 3)
    assert expected <= float(found) <= expected * (1 + 1e-6)
    empty = Cover(boxes.live, boxes.live, np.zeros(0))
    assert _dead(empty, h, Majorants([field.majorant()])) == [0]


@pytest.mark.parametrize("value", [-5000.0, -20.0, 0.0, 700.0, 1e6])
def test_exponentials_are_inflated_a_little(value: float) -> None:
    found = inflated_exp(value)
    with ctx.workprec(80):
        excess = found.log() - arb(value)
    assert 0 < excess < 2e-9 + 1e-12 * abs(value)
    assert inflated_exp(-math.inf) == 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_bound_is_refused(value: float) -> None:
    with pytest.raises(NotCertified, match="not a finite number"):
        inflated_exp(value)

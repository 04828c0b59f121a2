"""Shifted lines: masses that are proved and close, steps that keep the error, growth with waves; steps rounded down."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from numerics.errors import NotCertified
from numerics.precision import digits
from numerics.trapezoid.boxes import Boxes, cover
from numerics.trapezoid.lines import Problem, _floor_dyadic, bounded_line, first_certificate, line_masses
from numerics.trapezoid.shadow import FloatField
from numerics.trapezoid.steering import Samples
from numerics.trapezoid.tails import Frame, certify
from numerics.trapezoid.waves import from_sympy

x, y = names = sp.symbols("x y", real=True)
R = sp.Rational
ONE = [[fmpq(1), fmpq(0)], [fmpq(0), fmpq(1)]]
SWAPPED = [[fmpq(0), fmpq(1)], [fmpq(1), fmpq(0)]]
PLAIN, OTHER = Frame(ONE, ONE, [fmpq(0)] * 2), Frame(SWAPPED, SWAPPED, [fmpq(0)] * 2)


def problem_of(loss: sp.Expr, fs=(sp.S.One,), budget: float = 30.0, frames=(PLAIN,)) -> Problem:
    fields = tuple(from_sympy(f, names) for f in fs)
    return Problem(
        from_sympy(sp.expand(loss), names), fields, tuple(f.majorant() for f in fields), tuple(frames), budget
    )


@given(st.floats(1e-30, 1e30))
def test_a_step_is_never_rounded_up(x: float) -> None:
    """Nine bits: no more than one part in 256 is lost."""
    found = _floor_dyadic(x)
    step = Fraction(int(found.p), int(found.q))
    assert Fraction(x) * Fraction(255, 256) < step <= Fraction(x)
    odd = step.numerator
    while odd % 2 == 0:
        odd //= 2
    assert odd < 512 and step.denominator & (step.denominator - 1) == 0


def test_growth_is_looked_for_in_the_frames_in_their_order() -> None:
    """Without waves it is that of `certify`, exactly; a likely frame is tried first; frames without growth are passed over."""
    loss = x**4 + x * y / 2 + y**2
    plain = problem_of(loss, frames=(PLAIN, OTHER))
    for m in (20.0, 0.4):  # where m is small, a constant taken off P would ask for larger radii
        found, expected = first_certificate(plain, m), certify(plain.p.polynomial, PLAIN, m)
        assert found is not None and expected is not None
        assert (found.frame, found.radii, found.powers) == (PLAIN, expected.radii, expected.powers)
    likely = first_certificate(plain, 20.0, likely=OTHER)
    assert likely is not None and likely.frame == OTHER and likely.powers == (2, 4)
    skew = [[fmpq(1), fmpq(1)], [fmpq(1), fmpq(-1)]]
    half = [[fmpq(1, 2), fmpq(1, 2)], [fmpq(1, 2), fmpq(-1, 2)]]
    oblique = Frame(skew, half, [fmpq(0)] * 2)
    narrow = sp.expand((x + y) ** 6 + (x - y) ** 2)
    second = first_certificate(problem_of(narrow, frames=(PLAIN, oblique)), 20.0)
    assert second is not None and second.frame == oblique
    assert first_certificate(problem_of(narrow), 20.0) is None


@pytest.mark.parametrize("axis", [0, 1])
def test_waves_take_their_amplitude_times_cosh_from_the_growth(axis: int) -> None:
    """P = x² + y⁴ + 3 cos(2x + y) − 4 sin(y): on the line P ≥ x² + … − 3 cosh(κ a) − 4 cosh(κ' a), up to 2⁻³⁰."""
    a = fmpq(3, 4)
    waves = problem_of(x**2 + y**4 + 3 * sp.cos(2 * x + y) - 4 * sp.sin(y))
    found = first_certificate(waves, 20.0, axis, a)
    dip = 3 * math.cosh((2 if axis == 0 else 1) * 0.75) + 4 * math.cosh(0 if axis == 0 else 0.75)
    lowered = problem_of(x**2 + y**4 - R(dip + 1e-6))
    expected = certify(lowered.p.polynomial, PLAIN, 20.0, axis=axis, a=a)
    assert found is not None and expected is not None and found.radii == expected.radii
    value = sp.lambdify(names, x**2 + y**4 + 3 * sp.cos(2 * x + y) - 4 * sp.sin(y), "numpy")
    random = np.random.default_rng(0).uniform(-3, 3, (4000, 2)) * [float(arb(r)) for r in found.radii]
    n = (np.abs(random / [float(arb(r)) for r in found.radii]) ** found.powers).max(axis=1)
    shifted = [random[:, i] + (0.75j if i == axis else 0) for i in range(2)]
    assert (value(*shifted).real >= 20 * n)[n >= 1].all()


@pytest.mark.parametrize(("axis", "steps"), [(0, []), (1, [0.25]), (1, [1.0])], ids=str)
def test_masses_are_proved_and_close(axis: int, steps: list[float]) -> None:
    """M of e^{−|y|²/2}·f on the shifted lines: e^{a²/2}·2π for f = 1; summed or integrated, it is the same to 10⁻⁸."""
    a, fs = fmpq(3, 2), (sp.S.One, x**2, sp.S(5), y)
    problem = problem_of((x**2 + y**2) / 2, fs)
    with digits(12):
        tail = first_certificate(problem, 45.0, axis, a)
        assert tail is not None
        masses = line_masses(problem, axis, a, tail, steps, math.log(2 * math.pi))
    whole = 2 * math.pi * math.exp(9 / 8)
    # |(s + ia)²| = s² + a² has the mean 1 + a² along the shifted axis; |s + ia| ≥ |s|, with the mean √(2/π)
    truths = [whole, whole * (1 + 9 / 4 if axis == 0 else 1), 5 * whole]
    for mass, true, room in zip(
        masses, truths, (8, 40, 8), strict=False
    ):  # an amplitude counts at the corners of its boxes
        assert true < float(mass) < room * true
    assert whole * math.sqrt(2 / math.pi) < float(masses[3])
    assert float(masses[2] / masses[0]) == pytest.approx(5, rel=1e-6)


@pytest.mark.parametrize("budget", [12.0, 40.0])
@pytest.mark.parametrize(
    "loss", [(x**2 + y**2) / 2, x**4 + y**2 + x * y / 2, x**2 / 2 + y**2 + sp.cos(x - y) / 3], ids=str
)
def test_a_step_keeps_its_share_of_the_error(loss: sp.Expr, budget: float) -> None:
    """2qM ≤ e^{estimate − budget}/2d for every f and axis; for the Gaussian the step is near the best, π√(2/budget).

    But for the 8 bits of a shift, which change the exponent 2πa/h by one part in 256: less than three budgets' worth.
    """
    rounding = math.exp(3 * (budget + math.log(8)) / 256)
    problem = problem_of(loss, (sp.S.One, x**2 + 1), budget)
    with digits(12):
        tail = first_certificate(problem, 3 * budget)
        assert tail is not None
        cut = budget + 25
        live = cover(FloatField(problem.p), Boxes.around(tail.enclosing, 16), cut, finest=np.full(2, 0.4)).live
        samples = Samples(problem.p, live, cut)
        estimates = [samples.log_integral(h) for h in (np.ones(len(samples.values)), samples.points[:, 0] ** 2 + 1)]
        steps: list[float] = []
        for axis in range(2):
            line = bounded_line(problem, axis, samples, estimates, steps, PLAIN)
            steps.append(float(arb(line.step)))
            for mass, estimate in zip(line.masses, estimates, strict=True):
                error = 2 * float(mass) / math.expm1(2 * math.pi * float(arb(line.shift)) / steps[-1])
                assert error <= math.exp(estimate - budget) / 4 * rounding
            assert line.tail.m == budget / 2 + 30
            if not loss.has(sp.cos) and loss.is_polynomial() and sp.degree(loss, x) == 2:
                wanted = budget + math.log(8)
                assert 0.7 < steps[-1] / (math.pi * math.sqrt(2 / wanted)) < 1


def test_a_line_without_growth_is_refused() -> None:
    """Growth shows along y only in a frame that is not among those given."""
    problem = problem_of(sp.expand((x + y) ** 6 + (x - y) ** 2), budget=10.0)
    live = Boxes.around(np.array([4.0, 4.0]), 8)
    samples = Samples(problem.p, live, 40.0)
    with digits(5), pytest.raises(NotCertified, match="decay on shifted lines"):
        bounded_line(problem, 0, samples, [samples.log_integral(np.ones(len(samples.values)))], [], PLAIN)

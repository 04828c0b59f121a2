"""The grid sum, its error and the masses by plain sums and closed forms: what is confirmed, what is refused, and how closely."""

import math
from itertools import product

import pytest
import sympy as sp
from flint import acb, arb, ctx, fmpq

from numerics.certificate import exact_field
from numerics.certificate.growth import tail_bound
from numerics.certificate.mass import Side, confirm_mass
from numerics.certificate.sums import _Grid, confirm_error, confirm_sum
from numerics.certificate.witness import Certificate, Growth
from numerics.errors import NotCertified
from tests.numerics.certificate.test_exact_field import at

x, y = names = sp.symbols("x y", real=True)
ZERO, ONE = fmpq(0), fmpq(1)


def field(expr, d: int):
    return exact_field._field(sp.sympify(expr), names[:d])


def growth(d: int, radius: int, m: int) -> Growth:
    """N = max (y_i/radius)²."""
    unit = tuple(tuple(fmpq(int(i == j)) for j in range(d)) for i in range(d))
    return Growth(unit, unit, (ZERO,) * d, (fmpq(radius),) * d, (2,) * d, fmpq(m))


def claim(d: int = 1, **fields) -> Certificate:
    g = growth(d, 6, 36)
    plain = {
        "level": ZERO, "centre": (ZERO,) * d, "matrix": g.matrix, "determinant": ONE, "steps": (fmpq(1, 2),) * d,
        "shifts": (ONE,) * d, "masses": (arb(1),) * d, "tail": g, "line_tails": (g,) * d, "tail_bound": arb(0), "value": arb(0, 1),
        "points": 0,
    }  # fmt: skip
    return Certificate(**(plain | fields))


def plain_sum(p, f, indices, steps) -> arb:
    """Σ_k f(hk) e^{−P(hk)}, one point after another."""
    P, F = field(p, 2), field(f, 2)
    total = arb(0)
    for k in indices:
        point = [*(acb(h * i) for h, i in zip(steps, k, strict=True)), acb(0)][:2]
        total += at(F, point).real * (-at(P, point).real).exp()
    return total


CASES = (
    (x**2 / 2 - x / 3, 1 + x**2, 1),
    (x**2 / 2 + sp.cos(2 * x + 1), 2 + sp.sin(3 * x), 1),
    (x**2 / 2 + y**2 / 3 + x * y / 4 + y**4 / 50, sp.S.One, 2),
    (x**2 / 2 + y**2 / 3 + sp.sin(x - y) / 2, 3 + x * sp.cos(y) - y, 2),
)
STEPS, SIDES = (fmpq(1, 2), fmpq(2, 3)), ((-9, 11), (-7, 8))


@pytest.mark.parametrize(("p", "f", "d"), CASES)
@pytest.mark.parametrize("cut", [0.5, 4.0, 20.0, math.inf])
def test_points_are_summed_or_their_sum_is_bounded(p, f, d: int, cut: float) -> None:
    """|Σ − kept| ≤ dead, with nothing dead at an infinite cut, and no more than points · sup |f| · e^{−cut} otherwise."""
    steps, sides = STEPS[:d], SIDES[:d]
    with ctx.workprec(120):
        box = tuple(Side(fmpq(a), fmpq(b), h) for (a, b), h in zip(sides, steps, strict=True))
        indices = list(product(*(range(a, b + 1) for a, b in sides)))
        kept, dead = _Grid(field(p, d), field(f, d), steps).sum(box, cut, len(indices))
        truth = plain_sum(p, f, indices, steps)
        gap = abs(truth - kept)
        if math.isinf(cut):
            assert dead == 0 and gap.contains(0) and gap < arb("1e-20")
        else:
            assert not gap > dead
            assert dead <= len(indices) * arb(200) * arb(-cut).exp()  # |f| < 200 on all these boxes
            assert cut > 5 or dead > 0


@pytest.mark.parametrize(("p", "f", "d"), CASES)
def test_a_claimed_sum_holds_the_plain_one(p, f, d: int) -> None:
    """|det A| Π h Σ over the box of the tail; a claim that is off by more than its radius, or has no room for the error, fails."""
    steps = STEPS[:d]
    sides = [int((6 / h).floor()) for h in steps]
    with ctx.workprec(120):
        truth = plain_sum(p, f, product(*(range(-n, n + 1) for n in sides)), steps) * math.prod(steps) * 3
        radius = arb("1e-9")
        c = claim(d, steps=steps, determinant=fmpq(3), value=truth.mid() + arb(0, radius))
        found = confirm_sum(c, field(p, d), field(f, d), arb("1e-12"), 10**4)
        assert found.overlaps(truth) and arb("1e-12") <= found.rad() < arb("1.1e-12")
        assert confirm_sum(
            c._replace(value=c.value + arb("9e-10")), field(p, d), field(f, d), arb("1e-12"), 10**4
        ).overlaps(truth)
        for value, error in (
            (c.value + arb("1.1e-9"), "1e-12"),
            (c.value - arb("1.1e-9"), "1e-12"),
            (c.value, "1.1e-9"),
        ):
            with pytest.raises(NotCertified, match="inequality 'sum'"):
                confirm_sum(c._replace(value=value), field(p, d), field(f, d), arb(error), 10**4)


def test_no_more_points_are_summed_than_are_asked_for() -> None:
    """At an infinite cut all 21 count; steps 2³⁰ times too fine are refused, though every inequality before the sum holds."""
    with ctx.workprec(120):
        p, f, side = field(x**2 / 2, 1), field(sp.S.One, 1), (Side(fmpq(-9), fmpq(11), fmpq(1, 2)),)
        grid = _Grid(p, f, (fmpq(1, 2),))
        assert grid.sum(side, math.inf, 21)[1] == 0
        with pytest.raises(NotCertified, match="'sum': more than max_points = 20 points are not negligible"):
            grid.sum(side, math.inf, 20)
        with pytest.raises(NotCertified, match="max_points = 1000"):
            confirm_sum(claim(steps=(fmpq(1, 2**31),), value=arb(2, 1)), p, f, arb(0), 1000)


def test_the_error_of_the_rule_by_its_formula() -> None:
    """|det A| (Σ 2 M_j/(e^{2πa_j/h_j} − 1) + tail), against radii just above and just below."""
    with ctx.workprec(80):
        masses, shifts, steps, tail = (arb(3), arb(5)), (fmpq(1), fmpq(1, 2)), (fmpq(1, 2), fmpq(2, 3)), arb("1e-4")
        terms = [2 * m / ((2 * arb.pi() * a / h).exp() - 1) for m, a, h in zip(masses, shifts, steps, strict=True)]
        error = (sum(terms, arb(0)) + tail) * arb(fmpq(7, 4))
        c = claim(2, masses=masses, shifts=shifts, steps=steps, determinant=fmpq(7, 4))
        found = confirm_error(c._replace(value=arb(0, (error * arb("1.001")).upper())), tail)
        assert found.overlaps(error) and found.rad() < arb("1e-18")
        with pytest.raises(NotCertified, match="inequality 'error'"):
            confirm_error(c._replace(value=arb(0, (error * arb("0.999")).upper())), tail)


def mass(p, f, d: int, axis: int, claimed: arb, **fields) -> None:
    masses = tuple(claimed if i == axis else arb(0) for i in range(d))
    confirm_mass(field(p, d), field(f, d), axis, claim(d, masses=masses, **fields))


ROOT_PI = arb.pi().sqrt()
H = fmpq(2, 3)
GRID = H * sum(((-(arb(H * k) ** 2)).exp() for k in range(-9, 10)), arb(0))  # h Σ e^{−h²k²} for |hk| ≤ 6
MASSES = {
    "line": (x**2, 1, 1, 0, ROOT_PI * arb(1).exp()),
    "shifted": (x**2 - x, 1, 1, 0, ROOT_PI * (arb(1) + arb(fmpq(1, 4))).exp()),
    "amplitude": (x**2, x, 1, 0, None),
    "wave in the amplitude": (x**2, sp.cos(x), 1, 0, None),
    "first of two": (x**2 + y**2, 1, 2, 0, arb.pi() * arb(1).exp()),
    "second of two": (x**2 + y**2, 3, 2, 1, 3 * GRID * ROOT_PI * arb(1).exp()),
}


@pytest.mark.parametrize("name", MASSES)
def test_masses_are_confirmed_or_refuted(name: str) -> None:
    """∫ |f e^{−P}|(y + i) with the earlier variable summed over its grid: a claim 2% above holds, 2% below is refuted."""
    p, f, d, axis, truth = MASSES[name]
    if name == "amplitude":  # |x + i|
        truth = quad(lambda u: (u * u + 1).sqrt() * (1 - u * u).exp())
    if name == "wave in the amplitude":  # |cos(u + i)|² = cos² u + sinh² 1
        truth = quad(lambda u: (u.cos() ** 2 + arb(1).sinh() ** 2).sqrt() * (1 - u * u).exp())
    with ctx.workprec(96):
        steps = (H, H)[:d]
        mass(p, f, d, axis, truth * arb("1.02"), steps=steps)
        with pytest.raises(NotCertified, match=rf"M_{axis + 1} ≥ .* on the line Im y_{axis + 1} = 1"):
            mass(p, f, d, axis, truth * arb("0.98"), steps=steps)


def quad(f) -> arb:
    """The trapezoid rule on [−6, 6] with step 1/8: for e^{−u²} times a function analytic near the line, right to many digits."""
    return sum((f(arb(k) / 8) for k in range(-48, 49)), arb(0)) / 8


def test_the_tail_enters_the_mass() -> None:
    """P = 0 on [−1, 1]: the mass inside is 2; a claim that leaves too little for the tail is neither proved nor refuted."""
    g = growth(1, 1, 8)
    with ctx.workprec(96):
        tail = tail_bound(g, field(1, 1).majorant(), [ZERO])
        mass(0, 1, 1, 0, 2 + tail * arb("1.001"), line_tails=(g,))
        with pytest.raises(NotCertified, match="is all that 1 boxes prove"):
            mass(0, 1, 1, 0, 2 + tail / 2, line_tails=(g,))
        with pytest.raises(NotCertified, match="M_1 ≥ 2"):
            mass(0, 1, 1, 0, 2 - tail, line_tails=(g,))


def test_an_amplitude_alone_is_cut_where_its_box_is_long() -> None:
    """P = 0: ∫ |x + i| over [−1, 1] is √2 + arsinh 1, and with y over [−4, 4] of 1 + y² it is 8 + 128/3 times that."""
    line = arb(2).sqrt() + arb(1).asinh()
    wide = growth(2, 1, 30)._replace(radii=(ONE, fmpq(4)))
    for p, f, d, g, truth in (
        (0, x, 1, growth(1, 1, 30), line),
        (0, x * (1 + y**2), 2, wide, line * arb(fmpq(152, 3))),
    ):
        with ctx.workprec(96):
            mass(p, f, d, 0, truth * arb("1.1"), line_tails=(g,) * d)
            with pytest.raises(NotCertified, match="M_1 ≥"):
                mass(p, f, d, 0, truth * arb("0.9"), line_tails=(g,) * d)

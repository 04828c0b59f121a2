"""Laurent coefficients against the proved balls of `numerics.zeta`, which come from other formulas."""

import pytest
import sympy as sp
from flint import fmpq

from numerics import zeta as proved
from numerics.precision import digits as proved_digits
from theory import zeta
from theory.errors import BadInput
from theory.zeta.balls import ball
from theory.zeta.chart import Chart
from theory.zeta.precision import digits

x, y, z = sp.symbols("x y z", real=True)
R = sp.Rational
PROBLEMS = [
    ((x, y), (2, 2), (0, 0), 1 + x, 1, 2),
    ((x, y), (2, 2), (0, 0), 1 + x + y, 1, 2),
    ((x, y), (2, 4), (0, 0), 1 + x + y, 1 + x * y, R(3, 2)),
    ((x, y), (2, 4), (R(1, 2), R(-1, 2)), 2 + x * y, 2 - x, 1),
    ((x, y), (2, 2), (0, 0), 1, sp.exp(-x - y / 2), 2),
    ((x, y), (2, 2), (1, 0), sp.exp(x * y), sp.cos(x), R(3, 2)),
    ((x,), (3,), (1,), (1 + x) * (2 - x), 1, 3),
    ((x, y, z), (2, 2, 2), (0, 0, 0), 1 + x + y + z, 1, R(1, 2)),
    ((x, y, z), (2, 2, 2), (0, 0, 0), (1 + x + y) * (2 + z), 1, R(1, 2)),  # x and y coupled, z apart
    ((x, y, z), (2, 2, 2), (0, 0, 0), 1 + x, (3 - 2 * z) * sp.exp(y), 1),  # z free, and two orders at one pole
]


@pytest.mark.parametrize(("names", "orders", "jacobian", "unit", "density", "up_to"), PROBLEMS)
def test_units_and_densities(names, orders, jacobian, unit, density, up_to) -> None:
    """Every polar coefficient up to `up_to`, in d ≤ 3, sub-leading poles included."""
    chart = Chart(names, orders, jacobian, unit, density).checked()
    other = proved.chart(names, orders, jacobian=jacobian, unit=unit, density=density)
    found = zeta.candidates(chart, up_to)
    assert found
    for s in found:
        mine = zeta.laurent(chart, s)
        theirs = proved.laurent(other, s, max(1, mine.order), 16)
        assert mine.order == theirs.bound
        with digits(20), proved_digits(20):
            for a, b in zip(mine.coefficients, theirs.coefficients, strict=False):
                assert abs(ball(a) - b) < 1e-14 * (1 + abs(b))


def test_the_regular_part_too() -> None:
    """ζ(−s + ε) beyond the polar part, and at a place that is no pole."""
    chart = Chart((x, y), (2, 2), (0, 0), 1 + x + y)
    other = proved.chart((x, y), (2, 2), unit=1 + x + y)
    for s in (R(1, 2), R(1, 3), R(-1)):
        mine = zeta.laurent(chart, s, 2)
        theirs = proved.laurent(other, s, mine.order + 2, 16)
        with digits(20), proved_digits(20):
            for a, b in zip(mine.coefficients, theirs.coefficients, strict=True):
                assert abs(ball(a) - b) < 1e-14


def test_the_textbook_constant() -> None:
    """(xy)²(1+x): A_1/A_0 = 4 (log 2 − log(1+√2)), from √π[(L − ψ(½))/4 + log 2 − log(1+√2)]."""
    order, (a, b) = zeta.laurent(Chart((x, y), (2, 2), (0, 0), 1 + x), R(1, 2))
    assert (order, a) == (2, R(1, 4))
    assert sp.expand(b - sp.log(2) + sp.log(1 + sp.sqrt(2))) == 0


def test_a_residue_integral() -> None:
    """A_0 = 1/κ ∫ y^{h − κ'λ} u(0, y)^{−λ}: x⁴y²(1+x+y)² has ∫ y^{−1/2} (1+y)^{−1/2} dy = 2 log(1+√2)."""
    lam, m, leading = zeta.threshold(Chart((x, y), (4, 2), (0, 0), (1 + x + y) ** 2))
    assert (lam, m) == (R(1, 4), 1)
    with digits(25):
        assert abs(ball(leading) - ball(sp.log(1 + sp.sqrt(2)) / 2)) < 1e-22


def test_candidates_that_are_no_poles() -> None:
    """exp(x²) is even: no pole where n is odd; x − x² of the density kills some residues, and that is computed."""
    even = Chart((x,), (2,), (0,), sp.exp(x**2))
    assert [p.s for p in zeta.poles(even, 3)] == [R(1, 2), R(3, 2), R(5, 2)]
    chart = Chart((x,), (2,), (0,), 1 + x)
    found = zeta.poles(chart, R(3, 2))
    assert [(p.s, p.order, p.candidate) for p in found] == [(R(1, 2), 1, False), (1, 1, False), (R(3, 2), 1, False)]
    vanishing = Chart((x,), (2,), (0,), 1 + x, 1 + x)  # the residue at s = 1 is [x]((1+x)^{1−1}) = 0
    assert [(p.s, p.order, p.bound) for p in zeta.poles(vanishing, 1)] == [(R(1, 2), 1, 1), (1, 0, 1)]
    assert zeta.poles(vanishing, 1)[1].candidate


def test_charts_are_summed() -> None:
    """[0, 1]² in two charts of the blow-up of x⁴ + y⁴ + x²y²: ζ is that of the other road's own resolution."""
    K = x**4 + y**4 + x**2 * y**2
    charts = [c for m in zeta.toric.maps(K, (x, y)) for c in zeta.pullback(K, m)]
    lam, m, leading = zeta.threshold(charts)
    place, order, theirs = proved.first_pole(proved.polynomial(K, (x, y), symmetric=False), 16)
    assert (fmpq(int(lam.p), int(lam.q)), m) == (place, order)
    with digits(20), proved_digits(20):
        assert abs(ball(leading) - theirs) < 1e-15


def test_a_resolution_of_ones_own() -> None:
    """(x − y)² on [0, 1]² by (x, y) = ((1−s) + s r, 1−s) and its mirror image: ζ(z) = 2/((2z+1)(2z+2)), by hand."""
    r, s = sp.symbols("r s", positive=True)
    halves = [zeta.Map.of({x: a, y: b}, (r, s)) for a, b in ((1 - s + s * r, 1 - s), (1 - s, 1 - s + s * r))]
    charts = [c for m in halves for c in zeta.pullback((x - y) ** 2, m)]
    for place, expected in ((R(1, 2), [1, -2]), (R(1), [-1, -2])):
        assert list(zeta.laurent(charts, place, 1).coefficients) == expected


def test_no_zeros_no_poles() -> None:
    with pytest.raises(BadInput, match="ζ has no pole"):
        zeta.threshold(Chart((x,), (0,), (0,), 1 + x))


def test_a_highest_coefficient_that_cancels_lowers_the_multiplicity() -> None:
    """∫∫ (xy)^{2z} [(1 + x) − 1] = 1/(2z+2) · 1/(2z+1): the double pole at −½ of each chart is none of their sum, A_0 = ½."""
    charts = [Chart((x, y), (2, 2), (0, 0), 1, density) for density in (1 + x, sp.Integer(-1))]
    assert zeta.threshold(charts) == (R(1, 2), 1, R(1, 2))


def test_a_coefficient_that_is_not_known_to_be_0_leaves_a_candidate() -> None:
    """K = y², φ = cos πx: A_0 = ½ ∫ cos πx dx is 0, as no identity in the house says; its ball holds 0 at all digits."""
    (pole,) = zeta.poles(Chart((x, y), (0, 2), (0, 0), 1, sp.cos(sp.pi * x)), 1)
    assert (pole.s, pole.bound, pole.order, pole.candidate) == (R(1, 2), 1, None, True)
    assert len(pole.coefficients) == 1
    with digits(30):
        assert abs(ball(pole.coefficients[0])) < 1e-25
    (pole,) = zeta.poles(Chart((x, y), (0, 2), (0, 0), 1, sp.cos(sp.pi * x / 2)), 1)  # ½ ∫ cos(πx/2) dx = 1/π
    assert (pole.order, pole.candidate) == (1, False)
    with digits(30):
        assert abs(ball(pole.coefficients[0]) - 1 / ball(sp.pi)) < 1e-25


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_gaussian_coordinate_without_a_zero_is_its_moment(n: int) -> None:
    """∫_0^∞ v^n e^{−v²/2}/√(2π) dv times 1/(2z + 1): the pole and all that follows it."""
    chart = Chart((x, y), (2, 0), (0, n), gaussian=(False, True))
    moment = sp.integrate(y**n * sp.exp(-(y**2) / 2), (y, 0, sp.oo)) / sp.sqrt(2 * sp.pi)
    for s, expected in ((R(1, 2), (moment / 2, 0, 0)), (0, (moment, -2 * moment, 4 * moment))):
        found = zeta.laurent(chart, s, 2 if s else 3).coefficients
        assert [sp.simplify(a - b) for a, b in zip(found, expected, strict=True)] == [0] * 3


def test_the_exact_sum_over_charts_of_different_orders() -> None:
    """1/(2z+1)² + 1/(3z+1): at z = −½ + ε a double pole and 1/(3ε − ½) = −2 − 12ε − …"""
    charts = [Chart((x, y), (2, 2), (0, 0)), Chart((x, y), (3, 0), (0, 0))]
    order, coefficients = zeta.laurent(charts, R(1, 2), 2)
    assert (order, coefficients) == (2, (R(1, 4), 0, -2, -12))
    order, coefficients = zeta.laurent(charts, R(1, 3), 1)  # 1/(3ε), and 1/(1/3 + 2ε)² = 9 − …
    assert (order, coefficients) == (1, (R(1, 3), 9))

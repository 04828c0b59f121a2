"""Poles, orders and polynomials in log t from given balls, rational zeta functions and residues by sympy; digits as asked for."""

import mpmath
import pytest
import sympy as sp
from flint import acb, arb, ctx, fmpq

from numerics.errors import NotCertified
from numerics.precision import ball, digits, rational
from numerics.zeta import continuation
from numerics.zeta.charts import Gaussian, chart
from numerics.zeta.continuation import (
    Laurent,
    Pole,
    Term,
    candidates,
    laurent,
    partition_terms,
    polar_polynomial,
    threshold,
    zeta,
)
from theory.errors import BadInput

R = sp.Rational
x, y, u = sp.symbols("x y u")
d, L = sp.symbols("d L")
OPEN = arb(0, 1)


def near(found: arb, exact: object, n: int = 18) -> bool:
    """The ball holds the value, and has about n digits."""
    with digits(40):
        return found.overlaps(ball(exact)) and bool(found.rad() <= arb(10) ** -n * (1 + abs(ball(exact))))


@pytest.mark.parametrize(
    ("bound", "coefficients", "at_least", "settled"),
    [
        (2, (arb(1), OPEN, arb(3)), 2, True),
        (2, (OPEN, arb(-2), arb(3)), 1, False),
        (2, (OPEN, OPEN, arb(3), arb(4)), 0, False),
        (1, (OPEN, OPEN, OPEN, arb(4)), 0, False),
        (3, (OPEN,), 0, False),
        (0, (OPEN, arb(1)), 0, True),
    ],
)
def test_the_order_is_proved_by_the_first_ball_without_0(bound, coefficients, at_least, settled) -> None:
    series = Laurent(fmpq(1, 2), bound, coefficients)
    assert series.at_least == at_least and series.leading is coefficients[0]
    if settled:
        assert series.order == bound
    else:
        with pytest.raises(NotCertified, match=f"the order is at least {at_least}"):
            _ = series.order


def test_the_precision_grows_until_the_digits_are_there() -> None:
    """Values that lose 25 digits, small ones, one that is 0, and one that has no enclosure at first."""

    def lossy(value: object, size: int) -> arb:
        return (arb.pi() * 10**size + ball(value)) - arb.pi() * 10**size

    (found,) = continuation._to_accuracy(lambda: [lossy(R(1, 3), 25)], 20)
    assert near(found, R(1, 3), 20)
    small, large = continuation._to_accuracy(lambda: [lossy(sp.pi / 10**12, 5), arb(7)], 20)
    with digits(40):
        assert near(small * arb(10) ** 12, sp.pi, 20) and large == 7
    nothing, large = continuation._to_accuracy(lambda: [lossy(0, 25), arb(7) * arb.pi()], 20)
    assert nothing.contains(0) and nothing.rad() < 100 * arb(10) ** -20 and nothing.rad() > 0
    start = []

    def late() -> list[arb]:
        start.append(ctx.prec)
        return [arb.nan() if ctx.prec < start[0] + 8 else ball(sp.pi)]

    assert near(continuation._to_accuracy(late, 10)[0], sp.pi, 10) and len(start) == 2
    (z,) = continuation._to_accuracy(lambda: [acb(lossy(1, 25), lossy(R(1, 3), 25))], 20)
    assert near(z.real, 1, 20) and near(z.imag, R(1, 3), 19)
    (z,) = continuation._to_accuracy(lambda: [acb(1, lossy(R(1, 3), 25))], 20)
    assert near(z.imag, R(1, 3), 19)


def test_no_more_digits_are_made_than_are_asked_for() -> None:
    """A value that has its digits at once is computed once, an exact one too."""
    calls = []

    def value() -> list[arb]:
        calls.append(ctx.prec)
        return [arb.pi(), arb(2), arb(0)]

    continuation._to_accuracy(value, 12)
    assert len(calls) == 1


def test_values_at_balls_hold_those_at_every_point() -> None:
    """ζ(z) = 1/(2z + 1)/(z + 1): at ends of balls, real and complex, and the radius is that of the slope within a tenth."""
    problem = chart((x, y), (2, 1))
    for middle, radius in ((acb(1), "1e-3"), (acb(fmpq(-3, 4), 1), "1e-4"), (acb(fmpq(1, 3), -2), "1e-5")):
        r = arb(radius)
        found = zeta(problem, acb(middle.real + arb(0, r), middle.imag + arb(0, r)))
        slope = abs(2 / (2 * middle + 1) ** 2 / (middle + 1) + 1 / (2 * middle + 1) / (middle + 1) ** 2)
        for a, b in ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 0)):
            z = middle + acb(a * r, b * r)
            assert found.overlaps(1 / (2 * z + 1) / (z + 1))
        assert found.real.rad() < slope * r * arb("2.2")  # |Re| and |Im| of z − mid are both at most r
    real = zeta(problem, arb(1, 1e-3))
    assert all(real.overlaps(1 / (2 * acb(z) + 1) / (acb(z) + 1)) for z in (arb(1) - arb(1e-3), arb(1) + arb(1e-3)))
    with pytest.raises(BadInput, match="too near a pole"):
        zeta(problem, arb(fmpq(-1, 2), 1e-3))
    with pytest.raises(BadInput, match="possible pole"):
        zeta(problem, -1)


SUM = (chart((x, y), (2, 2)), chart((x, y), (2, 1), jacobian=(0, 2)), chart(x, (4,)))


def rational_sum(z: sp.Expr) -> sp.Expr:
    return 1 / (2 * z + 1) ** 2 + 1 / (2 * z + 1) / (z + 3) + 1 / (4 * z + 1)


@pytest.mark.parametrize("terms", [1, 2, 4])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_series_of_charts_of_different_orders_are_added_place_by_place(terms: int, order) -> None:
    """1/(2z+1)² + 1/((2z+1)(z+3)) + 1/(4z+1) at −½, whatever chart comes first."""
    found = laurent([SUM[k] for k in order], R(1, 2), terms)
    exact = sp.series(rational_sum(-R(1, 2) + d) * d**2, d, 0, terms).removeO()
    assert found.bound == 2 and len(found.coefficients) == terms
    assert all(near(c, sp.Poly(exact, d).coeff_monomial(d**l)) for l, c in enumerate(found.coefficients))


def test_the_first_pole_of_charts_is_the_least_and_its_order_the_largest() -> None:
    assert threshold(SUM) == (fmpq(1, 4), 1)
    pair = [chart((x, y), (2, 4)), chart((x, y), (4, 4)), chart((x, y), (4, 0))]
    for problem in (pair, pair[::-1]):
        assert threshold(problem) == (fmpq(1, 4), 2)
    assert threshold(chart((x, y), (0, 3))) == (fmpq(1, 3), 1)


def test_candidates_are_those_of_the_coordinates() -> None:
    """(h + 1 + n)/κ: n = 0 alone where nothing else holds the coordinate, all n where the unit or the density does, even n under
    a Gaussian; and none where κ = 0."""
    assert candidates(chart((x, y), (2, 3), jacobian=(0, 1)), 3) == [fmpq(1, 2), fmpq(2, 3)]
    assert candidates(chart((x, y), (2, 3), unit=2 + x), 2) == [fmpq(1, 3), fmpq(1, 2), 1, fmpq(3, 2), 2]
    assert candidates(chart((x, y), (2, 3), density=2 + y), 1) == [fmpq(1, 3), fmpq(1, 2), fmpq(2, 3), 1]
    assert candidates(chart(x, (2,), jacobian=1, extents=Gaussian(fmpq(1))), 4) == [1, 2, 3, 4]
    assert candidates(chart((x, y), (0, 2), unit=2 + x), 9) == [fmpq(1, 2)]
    assert candidates(SUM, R(1, 2)) == [fmpq(1, 4), fmpq(1, 2)] and candidates(SUM, R(2, 5)) == [fmpq(1, 4)]


def test_polynomials_in_the_logarithm_are_residues() -> None:
    """[δ^{−1}] w(δ) ζ(δ) e^{δL} for w = 2 − δ + 3δ² and ζ = 5δ^{−3} + 7δ^{−2} − 4δ^{−1}."""
    weight, polar = (2, -1, 3), (5, 7, -4)
    product = sum(w * d**k for k, w in enumerate(weight)) * sum(c * d ** (k - 3) for k, c in enumerate(polar))
    exact = sp.expand(product * (1 + d * L + d**2 * L**2 / 2)).coeff(d, -1)
    found = polar_polynomial(Pole(fmpq(1), 3, 3, tuple(map(arb, polar))), [arb(w) for w in weight])
    assert [near(c, sp.Poly(exact, L).coeff_monomial(L**j)) for j, c in enumerate(found)] == [True] * 3


def test_terms_of_a_partition_function_are_residues_of_gamma() -> None:
    """Z(t) of the sum of charts: Res Γ(s − δ) ζ(−s + δ) e^{δL} at s = ¼, ½, 3 by sympy."""
    terms = partition_terms(SUM, 3)
    assert [t.s for t in terms] == [fmpq(1, 4), fmpq(1, 2), 3]
    for term in terms:
        s = R(int(term.s.p), int(term.s.q))
        residue = sp.residue(sp.gamma(s - d) * rational_sum(-s + d) * sp.exp(d * L), d, 0)
        exact = sp.Poly(sp.expand_func(residue), L)
        assert len(term.polynomial) == (2 if s == R(1, 2) else 1)
        for j, c in enumerate(term.polynomial):
            with mpmath.workdps(40):
                value = str(sp.N(exact.coeff_monomial(L**j), 35))
            with digits(30):
                assert abs(c - arb(value)) < arb("1e-18")


def test_the_value_of_a_series() -> None:
    """t^{−1/2} (1 + 2 log t + 3 log² t) − t^{−2} at t = 5, as a number and as a ball."""
    terms = [Term(fmpq(1, 2), (arb(1), arb(2), arb(3))), Term(fmpq(2), (arb(-1),))]
    log = sp.log(5)
    exact = (1 + 2 * log + 3 * log**2) / sp.sqrt(5) - R(1, 25)
    with digits(25):
        assert near(continuation.series_value(terms, 5), exact, 22) and near(
            continuation.series_value(terms, arb(5)), exact, 22
        )


def test_what_is_not_asked_for_in_earnest() -> None:
    with pytest.raises(BadInput, match="at least one chart"):
        zeta([], 1)
    with pytest.raises(BadInput, match="at least one term; it was asked for 0"):
        laurent(chart(x, (2,)), R(1, 2), 0)
    with pytest.raises(BadInput, match="no zeros on these charts"):
        threshold(chart(x, (0,), unit=2 + x))


def test_a_box_beside_a_half_line_with_a_gaussian() -> None:
    """∫_0^1 x^{2z}(2 + x)^z dx · ∫_0^∞ y^z e^{−y²/6}/√(6π) dy at z = 2, ⅓ and at a pole of both factors, by closed forms."""
    problem = chart((x, y), (2, 1), unit=2 + x, extents=(1, Gaussian(fmpq(3))))
    half_line = R(6) ** (u / 2) * sp.gamma((u + 1) / 2) / (2 * sp.sqrt(sp.pi))
    at_two = sp.integrate(x**4 * (2 + x) ** 2, (x, 0, 1)) * half_line.subs(u, 2)
    assert near(zeta(problem, 2).real, at_two)
    with mpmath.workdps(30):
        third = mpmath.mpf(1) / 3
        line = mpmath.quad(lambda s: 3 * s**2 * s ** (6 * third) * (2 + s**3) ** third, [0, 1])
        value = arb(mpmath.nstr(line, 28)) * ball(half_line.subs(u, R(1, 3)))
    assert abs(zeta(problem, R(1, 3)).real - value) < arb("1e-14")
    found = laurent(problem, 1, 2)  # κ_x = 2: x^{−2} meets the first derivative of the unit
    half = sp.series(half_line.subs(u, -1 + d) * d, d, 0, 3).removeO()
    assert found.bound == 2 and near(found.coefficients[0], half.subs(d, 0) * -R(1, 4) / 2)


def test_rational_places_may_be_of_any_make() -> None:
    for s in (R(1, 2), fmpq(1, 2), 0.5, rational(R(1, 2))):
        assert laurent(chart(x, (2,)), s, 1).coefficients[0] == fmpq(1, 2)


def test_a_long_series_under_a_gaussian() -> None:
    """∫_0^∞ x^z e^{−x²} dx/√π = Γ((z + 1)/2)/(2√π): fourteen coefficients at −1, by 64 points of a circle."""
    found = laurent(chart(x, (1,), extents=Gaussian(fmpq(1, 2))), 1, 14)
    with mpmath.workdps(40):
        points = [mpmath.expjpi(mpmath.mpf(k) / 32) for k in range(64)]
        values = [mpmath.gamma(1 + p / 2) / mpmath.sqrt(mpmath.pi) for p in points]
        exact = [
            sum(v * p**-j for v, p in zip(values, points, strict=True)).real / 64 for j in range(14)
        ]  # up to 2^{−64}
    for c, value in zip(found.coefficients, exact, strict=True):
        with digits(30):
            assert abs(c - arb(mpmath.nstr(value, 30))) < arb("1e-18")


def test_a_pole_of_order_eleven() -> None:
    """ζ = (2z + 1)^{−11}: the coefficient of (log t)^j in √t Z(t) is [δ^{10−j}] Γ(½ − δ)/(2¹¹ j!), ten derivatives of Γ deep."""
    names = sp.symbols("x:11")
    (term,) = partition_terms(chart(names, (2,) * 11), R(1, 2))
    with mpmath.workdps(40):
        points = [mpmath.expjpi(mpmath.mpf(k) / 64) / 4 for k in range(128)]
        values = [mpmath.gamma(mpmath.mpf(1) / 2 - p) for p in points]
        for j, c in enumerate(term.polynomial):
            l = 10 - j
            exact = sum(v * p**-l for v, p in zip(values, points, strict=True)).real / 128
            value = mpmath.nstr(exact / 2**11 / mpmath.factorial(j), 30)
            with digits(30):
                assert abs(c / arb(value) - 1) < arb("1e-18")

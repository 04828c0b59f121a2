"""Series by sympy, moments by exact integrals, and the majorants of the rule on Chebyshev polynomials, whose suprema are known."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from flint import acb, arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.precision import ball, digits, rational
from numerics.zeta.moments import axis, exact_moment, gauss, inverse, linear, majorant, moments, multiply, tail

R = sp.Rational
x, d = sp.symbols("x d")
QUICK = settings(max_examples=10, deadline=None)
coefficients = st.lists(st.integers(-5, 5), min_size=1, max_size=4)


def taylor(expr: sp.Expr, terms: int) -> list[sp.Expr]:
    return [sp.expand(expr.diff(d, l).subs(d, 0)) / sp.factorial(l) for l in range(terms)]


@QUICK
@given(coefficients, coefficients, st.integers(1, 6))
def test_products_and_inverses_of_series(p, q, terms) -> None:
    P, Q = (sum(c * d**k for k, c in enumerate(s)) for s in (p, q))
    product = sp.Poly(P * Q, d) if P * Q != 0 else None
    expected = [product.coeff_monomial(d**l) if product else 0 for l in range(terms)]
    assert multiply([arb(c) for c in p], [arb(c) for c in q], terms) == [int(c) for c in expected]
    if p[0]:
        with digits(30):
            one = inverse([arb(c) for c in p], terms)
            assert len(one) == terms and all(
                a.overlaps(ball(b)) and a.rad() < 1e-20 for a, b in zip(one, taylor(1 / P, terms), strict=True)
            )


def test_short_series() -> None:
    assert linear(arb(2), arb(3), 4) == [2, 3, 0, 0] and linear(arb(2), arb(3), 1) == [2]
    assert multiply([], [arb(1)], 2) == [0, 0]
    bounds = majorant([arb(-2, 0.5), acb(3, 4)])
    assert all(isinstance(b, arb) and b.rad() == 0 for b in bounds)
    assert 2.5 <= bounds[0] <= arb("2.5000001") and 5 <= bounds[1] <= arb("5.0000001")


def shifted(polynomial: sp.Poly, a: arb | acb, slope: fmpq, pole: int | None, terms: int) -> list:
    """∫ x^{a+κδ} p dx = Σ c_j/(a + j + 1 + κδ) as a series in δ, times δ where j = pole has no constant in its denominator."""
    total = [0 * a] * terms
    for j, c in enumerate(reversed(polynomial.all_coeffs())):
        if j == pole:
            total[0] += arb(int(c)) / slope
        else:
            series = [int(c) * arb(-slope) ** l / (a + j + 1) ** (l + 1) for l in range(terms)]
            total = [s + r for s, r in zip(total, series if pole is None else [0 * a, *series], strict=False)]
    return total


@pytest.mark.parametrize("a", [fmpq(1, 2), fmpq(-7, 3), fmpq(2), fmpq(0), fmpq(-1), fmpq(-3)])
@pytest.mark.parametrize("slope", [fmpq(1), fmpq(5, 2)])
def test_moments_are_continued_in_the_exponent(a, slope) -> None:
    """As series in δ at a + κδ, times δ at a pole: also where n is below the pole, and the series begins with 0."""
    pole = int(-1 - a.p) if a.q == 1 and a < 0 else None
    with digits(30):
        for n, found in enumerate(moments(arb(a), slope, pole, 5, 3)):
            exact = shifted(sp.Poly(sp.legendre(n, 2 * x - 1), x), arb(a), slope, pole, 3)
            assert all(mine.overlaps(true) and mine.rad() < 1e-22 for mine, true in zip(found, exact, strict=True))


def test_the_moment_of_a_constant() -> None:
    """1/(a + κδ + 1), times δ at a = −1 and nowhere else."""
    with digits(30):
        for a, slope, pole, expected in (
            (R(1, 2), 2, None, taylor(1 / (R(3, 2) + 2 * d), 3)),
            (-1, 3, 0, [R(1, 3), 0, 0]),
            (-4, 3, 3, taylor(1 / (-3 + 3 * d), 3)),
        ):
            found = exact_moment(ball(a), fmpq(slope), pole, 3)
            assert all(
                mine.overlaps(ball(true)) and mine.rad() < 1e-25 for mine, true in zip(found, expected, strict=True)
            )


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_gauss_nodes_are_numpys(count: int) -> None:
    """On [0, 1] with weights that sum to 1; the rows are w (2n + 1) P_n*, and project polynomials."""
    nodes, rows = gauss(count, 100)
    t, w = np.polynomial.legendre.leggauss(count)
    by_node = sorted(zip(nodes, rows, strict=True), key=lambda pair: float(pair[0]))
    for (node, row), s, weight in zip(by_node, t, w, strict=True):
        assert abs(float(node) - (1 + s) / 2) < 1e-14 and len(row) == count
        values = [weight / 2 * (2 * n + 1) * np.polynomial.legendre.Legendre.basis(n)(s) for n in range(count)]
        assert np.allclose([float(r) for r in row], values, rtol=0, atol=1e-13)
    assert all(r.rel_accuracy_bits() > 90 or r.contains(0) for row in rows for r in row)


exponent = st.tuples(st.fractions(-5, 3, max_denominator=4), st.fractions(0, 3, max_denominator=3))


@QUICK
@given(exponent, st.integers(2, 7), st.sampled_from([2, 3, 5]), st.fractions(Fraction(1, 2), 3, max_denominator=2))
def test_the_majorants_hold_for_chebyshev_polynomials(a, count, rho, slope) -> None:
    """T_k*/((ρ^k + ρ^{−k})/2) is at most 1 on E_ρ: rule, integral and error bound what they say, for every k and coefficient."""
    real, imag = (fmpq(part.numerator, part.denominator) for part in a)
    pole = int(-1 - real.p) if imag == 0 and real.q == 1 and real <= -1 else None
    k, terms = fmpq(slope.numerator, slope.denominator), 3
    with digits(40):
        at = acb(real, imag) if imag else arb(real)
        rule = axis(at, k, pole, count, arb(rho), terms)
        assert rule.pole == (pole is not None)
        for degree in range(0, 2 * count + 3, 2):
            cheb = sp.Poly(sp.chebyshevt(degree, 2 * x - 1), x)
            size = (arb(rho) ** degree + arb(rho) ** -degree) / 2
            values = [value_at(cheb, node) for node in rule.nodes]
            for l, integral in enumerate(shifted(cheb, at, k, pole, terms)):
                approximate = sum((w[l] * v for w, v in zip(rule.weights, values, strict=True)), 0 * at)
                assert not abs(integral) > rule.integral[l] * size
                assert not abs(approximate) > rule.rule[l]  # |T_k*| ≤ 1 at the nodes
                assert not abs(integral - approximate) > rule.error[l] * size
                assert degree >= count or integral.overlaps(approximate)


def value_at(polynomial: sp.Poly, node: arb) -> arb:
    total = arb(0)
    for c in polynomial.all_coeffs():
        total = total * node + int(c)
    return total


def test_a_tail_that_cannot_be_summed_is_infinite() -> None:
    """Where |a| ≥ start + 2 the ratio of the moments has no bound; where ρ ≤ that ratio the series does not converge."""
    one = [arb(1), arb(1)]
    assert not any(c.is_finite() for c in tail(one, arb(6), fmpq(1), 4, arb(2), one, 2))
    assert all(c.is_finite() for c in tail(one, arb(fmpq(1, 2)), fmpq(1), 4, arb(2), one, 2))
    assert not any(c.is_finite() for c in tail(one, arb(5), fmpq(1), 4, arb(2), one, 2))  # ratio 9
    assert all(c.is_finite() for c in tail(one, arb(5), fmpq(1), 4, arb(20), one, 2))


@pytest.mark.parametrize(
    ("a", "slope", "start", "rho"),
    [
        (fmpq(1, 2), 1, 4, 1.5),
        (fmpq(-7, 2), 1, 6, 4.0),
        (fmpq(-9, 2), 2, 8, 6.0),
        (fmpq(3, 2), 3, 12, 3.0),
        (fmpq(-1, 3), 1, 5, 1.25),
    ],
)
def test_the_tail_majorises_the_moments_that_follow(a, slope, start, rho) -> None:
    """Σ_{n≥start} 2√(2n+1) ρ^{−n} (|m_n| + rule)/(1 − 1/ρ), coefficient by coefficient, by adding up terms to n = 90."""
    terms, rule = 3, [arb(fmpq(1, 4)), arb(0), arb(2)]
    with digits(40):
        ms = [majorant(series) for series in moments(arb(a), fmpq(slope), None, 90, terms)]
        found = tail(ms[start], arb(a), fmpq(slope), start, arb(rho), rule, terms)
        for l in range(terms):
            parts = [2 * arb(2 * n + 1).sqrt() * arb(rho) ** -n * (ms[n][l] + rule[l]) for n in range(start, 90)]
            exact = sum(parts, arb(0)) / (1 - 1 / arb(rho))
            assert found[l].is_finite() and found[l] >= exact.mid()


def test_the_tail_is_the_geometric_series_of_its_first_two_terms() -> None:
    """x⁰: the terms s_n = 2√(2n+1) ρ^{−n}/(1 − 1/ρ) grow by less and less, so Σ_{n≥N} s_n ≤ s_N²/(s_N − s_{N+1}); |m_n| that may
    grow like R = (N + 3)/(N − 1) for a = 3 make the second term R s_{N+1}.
    """
    start, rho = 4, arb(4)
    with digits(30):
        first, second = (2 * arb(2 * n + 1).sqrt() * rho**-n / (1 - 1 / rho) for n in (start, start + 1))
        for last, rule, a, ratio in ((0, 1, 0, 1), (1, 0, 0, 1), (1, 0, 3, fmpq(7, 3)), (2, 5, -3, fmpq(7, 3))):
            expected = last * first**2 / (first - ratio * second) + rule * first**2 / (first - second)
            (found,) = tail([arb(last)], arb(a), fmpq(1), start, rho, [arb(rule)], 1)
            assert found.overlaps(expected) and found.rel_accuracy_bits() > 80


@pytest.mark.parametrize("rho", [2, 5])
def test_the_bounds_of_a_density_x(rho: int) -> None:
    """x = ½ P_0* + ½ P_1* has the moments ½, ⅙ and no more, and two nodes the weights w_k x_k, ½ together: the integral is at most
    ½ |l_0| + ⅙ |l_1| with |l_n| ≤ √(2n+1) · 2ρ^{−n}/(1 − 1/ρ), the error half of the geometric series for |l_2| + |l_3| + …
    """
    with digits(30):
        found, r = axis(arb(1), fmpq(1), None, 2, arb(rho), 1), arb(rho)
        sizes = [2 * arb(2 * n + 1).sqrt() * r**-n / (1 - 1 / r) for n in range(4)]
        error = sizes[2] ** 2 / (sizes[2] - sizes[3]) / 2
        for bound, expected in (
            (found.integral, sizes[0] / 2 + sizes[1] / 6),
            (found.rule, arb(1) / 2),
            (found.error, error),
        ):
            assert abs(bound[0] - expected) < arb("1e-26")


@QUICK
@given(st.fractions(-6, 3, max_denominator=5), st.integers(2, 9), st.integers(1, 3))
def test_the_rule_integrates_powers(a, n, slope):
    """∫ x^{a+κδ} x^j dx = 1/(a + j + 1 + κδ), j < n, from the weights; the error bound holds for j ≥ n too."""
    pole = int(-1 - a) if a.denominator == 1 and a <= -1 else None
    with digits(30):
        rule = axis(arb(rational(a)), fmpq(slope), pole, n, arb(3), 3)
        for j in range(n + 4):
            total = [
                sum((w[l] * p**j for w, p in zip(rule.weights, rule.nodes, strict=True)), arb(0)) for l in range(3)
            ]
            alpha = rational(a) + j + 1
            exact = [arb(-slope) ** l / arb(alpha) ** (l + 1) for l in range(3)] if alpha else []
            if pole is not None:  # both sides times δ
                exact = [arb(fmpq(1, slope)), arb(0), arb(0)] if not alpha else [arb(0), *exact[:2]]
            size = ((1 + (arb(3) + fmpq(1, 3)) / 2) / 2) ** j  # |x|^j on the ellipse
            for mine, true, bound in zip(total, exact, rule.error, strict=True):
                assert mine.overlaps(true) if j < n else not abs(mine - true) > size * bound


def test_moments_are_legendre_moments():
    for n in range(5):
        exact = sp.integrate(sp.expand(x**2 * sp.legendre(n, 2 * x - 1)), (x, 0, 1))
        assert moments(arb(2), fmpq(1), None, n + 1, 1)[n][0].overlaps(ball(exact))


@pytest.mark.parametrize("rho", [2, 3, 8])
def test_the_tail_of_the_rule_is_majorised_closely(rho):
    """Σ_{n≥12} 2√(2n+1) ρ^{−n}/(1 − 1/ρ) for a rule of weight 1 and no moments left, within a tenth."""
    (found,) = tail([arb(0)], arb(fmpq(1, 3)), fmpq(2), 12, arb(rho), [arb(1)], 1)
    exact = sum(2 * math.sqrt(2 * n + 1) * rho**-n for n in range(12, 200)) / (1 - 1 / rho)
    assert exact * (1 - 1e-12) < float(found) < 1.1 * exact

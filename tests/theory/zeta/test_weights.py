"""Weights of Lagrange polynomials against the integrals of powers, whose poles are known."""

from typing import Any

import pytest
import sympy as sp
from flint import acb, arb, fmpq

from theory.zeta.grids import chebyshev_points, coefficients_kept
from theory.zeta.precision import digits, rational
from theory.zeta.quadrature import plain_rule
from theory.zeta.weights import lagrange_weights

R = sp.Rational
POINTS, BITS, TERMS = 11, 120, 3


def expected(alpha: Any, kappa: fmpq, pole: bool) -> list:
    """The coefficients of 1/(α + κε), from ε^{−1} on where there is a pole, else from ε^0."""
    if alpha == 0:
        assert pole
        return [1 / arb(kappa), arb(0), arb(0)]
    regular = [(-arb(kappa)) ** j / (alpha if isinstance(alpha, acb) else arb(alpha)) ** (j + 1) for j in range(TERMS)]
    return [arb(0), *regular[:-1]] if pole else regular


@pytest.mark.parametrize(("a", "k"), [(R(1), R(2)), (R(3, 2), R(4)), (R(1, 3), R(1, 2)), (R(2), R(3))])
@pytest.mark.parametrize("nodes", [[fmpq(1, 7), fmpq(3, 4)], [acb(1, 2), acb(fmpq(-1, 2), 3)]], ids=["real", "complex"])
def test_powers_are_integrated_exactly(a: sp.Rational, k: sp.Rational, nodes: list) -> None:
    """Σ W_k(ε) x_k^m = ∫ x^{a−κs+κε−1+m}, m below the points; without its last coefficients, m below those that are kept."""
    with digits(30):
        x = chebyshev_points(0, 1, POINTS, BITS)
        found = lagrange_weights((a, k), nodes, ((0, 1, POINTS),), (False, TERMS, BITS))
        for s, (fine, rough) in zip(nodes, found, strict=True):
            assert len(fine) == len(rough) == TERMS and len(fine[0]) == POINTS
            for m in range(POINTS):
                for j, value in enumerate(expected(rational(a) - s * rational(k) + m, rational(k), pole=False)):
                    assert abs(sum((w * p**m for w, p in zip(fine[j], x, strict=True)), arb(0)) - value) < 1e-20
                    if m < coefficients_kept(POINTS):
                        assert abs(sum((w * p**m for w, p in zip(rough[j], x, strict=True)), arb(0)) - value) < 1e-20


@pytest.mark.parametrize("n", [0, 1, 4])
def test_poles_and_finite_parts_are_exact(n: int) -> None:
    """α = −n: the pole is the coefficient of x^n over κ, and no other power has one."""
    a, k = R(1), R(2)
    s = rational((a + n) / k)
    with digits(30):
        x = chebyshev_points(0, 1, POINTS, BITS)
        ((fine, rough),) = lagrange_weights((a, k), [s], ((0, 1, POINTS),), (True, TERMS, BITS))
        for m in range(POINTS):
            for j, value in enumerate(expected(fmpq(m - n), fmpq(2), pole=True)):
                assert abs(sum((w * p**m for w, p in zip(fine[j], x, strict=True)), arb(0)) - value) < 1e-20
                if m < coefficients_kept(POINTS):
                    assert abs(sum((w * p**m for w, p in zip(rough[j], x, strict=True)), arb(0)) - value) < 1e-20


def test_the_last_coefficients_are_left_out() -> None:
    """Of the second set: T_l(2x − 1) counts for nothing from the coefficients on that are not kept, an eighth of them and two."""
    with digits(30):
        x = chebyshev_points(0, 1, POINTS, BITS)
        ((_, rough),) = lagrange_weights((R(1), R(2)), [fmpq(1, 3)], ((0, 1, POINTS),), (False, TERMS, BITS))
        for l in range(POINTS):
            sizes = [
                abs(sum((w * (2 * p - 1).chebyshev_t(l) for w, p in zip(row, x, strict=True)), arb(0))) for row in rough
            ]
            assert all(size < 1e-20 for size in sizes) if l >= coefficients_kept(POINTS) else sizes[0] > 1e-3
    for points in range(3, 60):
        kept = coefficients_kept(points)
        assert 1 <= kept < points and kept + kept // 8 + 2 >= points


@pytest.mark.parametrize("pole", [False, True])
def test_pieces_beyond_one_go_on(pole: bool) -> None:
    """∫ x^{2κε} x^{1+m} (m ≥ 1) over [0, 1], [1, 2], [2, 4]: at ε⁰ 4^{m+2}/(m+2); at ε¹ with its logarithm, by interpolation."""
    axis = ((0, 1, POINTS), (1, 2, 20), (2, 4, 22))
    a, k, s = (R(4), R(2), fmpq(1)) if not pole else (R(4), R(2), fmpq(2))  # α = 2 or 0
    alpha = 2 if not pole else 0
    with digits(30):
        x = [p for piece in axis for p in chebyshev_points(*piece, BITS)]
        ((fine, rough),) = lagrange_weights((a, k), [s], axis, (pole, TERMS, BITS))
        assert all(len(row) == len(x) for row in (*fine, *rough))
        for m in (1, 2, 5):
            b = alpha + m
            top = arb(4) ** b
            log = arb(4).log()
            whole = [top / b, 2 * (top * log / b - top / b**2)]  # ∫_0^4 x^{b−1} (2 log x)^j/j!
            start = int(pole)
            for rows in (fine, rough):
                for j, value in enumerate(whole):
                    total = sum((w * p**m for w, p in zip(rows[j + start], x, strict=True)), arb(0))
                    assert abs(total - value) < (1e-20 if j == 0 and not pole else 1e-6) * abs(value)
        if pole:
            assert abs(sum((w * p for w, p in zip(fine[0], x, strict=True)), arb(0))) < 1e-20
            assert abs(sum(fine[0], arb(0)) - fmpq(1, 2)) < 1e-20


@pytest.mark.parametrize("n", [1, 2, 7, 12])
def test_plain_rules_integrate_polynomials(n: int) -> None:
    """Σ w_k x_k^m = 1/(m+1) for m < n; the nodes are the zeros of T_n(2x − 1)."""
    with digits(30):
        for m in range(n):
            assert abs(sum((w * x**m for x, w in plain_rule(n, BITS)), arb(0)) - fmpq(1, m + 1)) < 1e-25
        assert all(abs((2 * x - 1).chebyshev_t(n)) < 1e-25 and 0 < x < 1 for x, _ in plain_rule(n, BITS))

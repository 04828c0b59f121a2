"""The integrals of Lagrange polynomials against x^{α−1+κε}, as Laurent series in ε.

    W_k(ε) = ∫ x^{α−1+κε} ℓ_k(x) dx,     ∫_0^1 x^{α+m−1+κε} dx = 1/(α + m + κε),

ℓ_k the Lagrange polynomials of the Chebyshev points of [0, 1]: the pole and the finite parts of an interpolant are exact. The
moments are had at more bits, since the coefficients of T_n(2x − 1) grow like 6^n. Every weight comes twice, the second time for the
interpolant without its last coefficients.

Reading order: `lagrange_weights`, `_moment`, `_to_weights`, `_plain_weights`.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import acb, arb, arb_mat, ctx

from theory.zeta.grids import Axis, chebyshev_points, coefficients_kept
from theory.zeta.precision import rational
from theory.zeta.quadrature import chebyshev_values, shifted_chebyshev

Rows = list[list]


def lagrange_weights(
    exponent: tuple[sp.Rational, sp.Rational], nodes: Sequence[Any], axis: Axis, what: tuple[bool, int, int]
) -> list[tuple[Rows, Rows]]:
    """W_k(ε) = ∫ x^{a−κs−1+κε} ℓ_k for all points and every s, by powers of ε: from ε^{−1} on where there is a pole, else from ε^0.

    And the same of the interpolants without their last coefficients.
    """
    (a, k), (pole, terms, bits), n = map(rational, exponent), what, axis[0][2]
    columns = [(s, j - pole) for s in nodes for j in range(terms)]
    before = ctx.prec
    ctx.prec = bits + 6 * n  # the coefficients of T_n(2x − 1) grow like 6^n
    try:
        moments = [[_moment(a - s * k + m, k, power) for s, power in columns] for m in range(n)]
        inner = _integrated(_to_weights(n, ctx.prec), moments)
    finally:
        ctx.prec = before
    width = len(columns)
    found = []
    for p, s in enumerate(nodes):
        sets = [
            [[+inner[(i + start) * width + p * terms + j] for i in range(n)] for j in range(terms)] for start in (0, n)
        ]
        for low, high, points in axis[1:]:
            plain = _plain_weights(points, bits)
            for q, x in enumerate(chebyshev_points(low, high, points, bits)):
                scale, log = (high - low) * ((a - 1 - s * k) * x.log()).exp(), k * x.log()
                for rows, start in zip(sets, (0, points), strict=True):
                    for j, row in enumerate(rows):
                        power = j - pole
                        front = scale * log**power / arb(power).fac() if power >= 0 else 0 * scale
                        row.append(front * plain[q + start])
        found.append((sets[0], sets[1]))
    return found


def _integrated(matrix: arb_mat, moments: Rows) -> list:
    """The entries of matrix · moments, real and imaginary parts apart."""
    if not isinstance(moments[0][0], acb):
        return (matrix * arb_mat(moments)).entries()
    real, imaginary = (
        (matrix * arb_mat([[getattr(a, part) for a in row] for row in moments])).entries() for part in ("real", "imag")
    )
    return list(map(acb, real, imaginary))


def _moment(a: Any, kappa: Any, power: int) -> Any:
    """[ε^power] 1/(a + κε)."""
    if a == 0:
        return 1 / arb(kappa) if power == -1 else arb(0)
    if power == 0:
        return 1 / (a if isinstance(a, acb) else arb(a))
    return (-kappa) ** power / (a if isinstance(a, acb) else arb(a)) ** (power + 1) if power > 0 else arb(0)


@lru_cache(maxsize=64)
def _to_weights(n: int, bits: int) -> arb_mat:
    """What takes ∫ x^m to the weights; below, to those of the interpolants without their last coefficients."""
    values, kept = chebyshev_values(n, bits), coefficients_kept(n)
    cut = arb_mat([[values[k, l] if l < kept else arb(0) for l in range(n)] for k in range(n)])
    both = (values * shifted_chebyshev(n)).entries() + (cut * shifted_chebyshev(n)).entries()
    return arb_mat(2 * n, n, both)


@lru_cache(maxsize=128)
def _plain_weights(n: int, bits: int) -> list[arb]:
    """Those of ∫_0^1 f, then those of the interpolants without their last coefficients; ∫_0^1 T_l(2x − 1) = 1/(1 − l²), l even."""
    values = chebyshev_values(n, bits)
    return [
        sum((values[k, l] / (1 - l * l) for l in range(0, most, 2)), arb(0))
        for most in (n, coefficients_kept(n))
        for k in range(n)
    ]

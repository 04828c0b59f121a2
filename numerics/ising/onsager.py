"""Closed forms of the plain square lattice: Onsager's energy, Kaufman's torus, the series, the critical point.

Idea
----
These are the independent checks of the sweeps: no lattice is swept here. K = βJ throughout, t = tanh K.

- infinite lattice: u(β) = −J coth 2K [1 + (2/π)(2 tanh² 2K − 1) K(k)], modulus k = 2 sinh 2K / cosh² 2K, complementary modulus
  k′ = |1 − sinh² 2K| / cosh² 2K, complete elliptic integral K(k) = π / (2 agm(1, k′));
- torus of N × M sites: Z = ½ (2 sinh 2K)^{NM/2} Σ of four products over the γ_l with cosh γ_l = cosh 2K coth 2K − cos(πl/M);
- series: log Z / sites = log 2 + 2 log cosh K + log(1+t²) − ¼ Σ_{n≥1} C(2n,n)²/n · [t(1−t²)/(1+t²)²]^{2n}.

Reading order: `critical_beta`, `energy`, `torus_log_partition`, `torus_energy`, `high_temperature`.
References: L. Onsager, Phys. Rev. 65 (1944) 117; B. Kaufman, Phys. Rev. 76 (1949) 1232.
"""

import math

from flint import arb, arb_series, fmpq, fmpq_poly

from numerics.precision import ball
from theory.errors import BadInput


def critical_beta(J: object = 1) -> arb:
    """β_c = log(1 + √2) / (2J), as a ball: where sinh 2βJ = 1."""
    coupling = ball(J)
    if not coupling > 0:
        raise BadInput(f"the square lattice has a critical β > 0 for J > 0; it was given {coupling}")
    return (1 + arb(2).sqrt()).log() / (2 * coupling)


def energy(beta: object, J: object = 1) -> arb:
    """u(β), the internal energy a site of the infinite square lattice (eq 1 with Onsager's solution).

    Raises `BadInput` for β ≤ 0 and where the ball of β cannot be told from β_c (u = −√2 J there, by continuity).
    """
    b, coupling = ball(beta), ball(J)
    K = b * coupling
    if not K > 0:
        raise BadInput(f"Onsager's energy is written for βJ > 0; it was given {K}")
    sinh, cosh = (2 * K).sinh_cosh()
    complement = abs(1 - sinh**2) / cosh**2
    if not complement > 0:
        raise BadInput(
            f"β = {b} cannot be told from β_c at this precision; take more digits, or u = −√2 J at β_c itself"
        )
    elliptic = arb.pi() / (2 * arb(1).agm(complement))
    return -coupling * (cosh / sinh) * (1 + 2 / arb.pi() * (2 * (sinh / cosh) ** 2 - 1) * elliptic)


def _series_log_partition(rows: int, columns: int, K: arb, order: int) -> arb_series:
    """log Z of the torus as a power series about K."""
    if not all(isinstance(lines, int) and lines > 0 for lines in (rows, columns)):
        raise BadInput(f"a torus has a whole number of rows and columns, at least one; it was given {rows} × {columns}")
    k = arb_series([K, 1], prec=order)
    grow, fall = (2 * k).exp(), (-2 * k).exp()
    sinh2, cosh2 = (grow - fall) / 2, (grow + fall) / 2
    tanh = (k.exp() - (-k).exp()) / (k.exp() + (-k).exp())
    powers = [_power(l, columns, rows, k, tanh, cosh2 * cosh2 / sinh2) for l in range(2 * columns)]
    total = arb_series([0], prec=order)
    for parity in (1, 0):
        cosh_product = sinh_product = arb_series([1], prec=order)
        for l in range(parity, 2 * columns, 2):
            cosh_product = cosh_product * (powers[l] + 1 / powers[l])
            sinh_product = sinh_product * (powers[l] - 1 / powers[l])
        total = total + cosh_product + sinh_product
    return (total / 2).log() + (2 * sinh2).log() * arb(fmpq(rows * columns, 2))


def _power(l: int, columns: int, rows: int, k: arb_series, tanh: arb_series, c: arb_series) -> arb_series:
    """e^{N γ_l / 2}; γ_0 = 2K + log tanh K carries its sign, the others are positive."""
    if l == 0:
        gamma = 2 * k + tanh.log()
    else:
        cosh = c - arb.cos_pi_fmpq(fmpq(l, columns))
        gamma = (cosh + (cosh * cosh - 1).sqrt()).log()
    return (gamma * arb(fmpq(rows, 2))).exp()


def torus_log_partition(rows: int, columns: int, beta: object, J: object = 1) -> arb:
    """log Z of the `rows` × `columns` torus without walls or fields (Kaufman's formula); raises `BadInput` for βJ ≤ 0."""
    return _series_log_partition(rows, columns, _positive(ball(beta) * ball(J)), 1)[0]


def torus_energy(rows: int, columns: int, beta: object, J: object = 1) -> arb:
    """u_{NM}(β) = −∂_β log Z / (NM) of the torus."""
    coupling = ball(J)
    series = _series_log_partition(rows, columns, _positive(ball(beta) * coupling), 2)
    return -coupling * series[1] / (rows * columns)


def _positive(K: arb) -> arb:
    if not K > 0:
        raise BadInput(f"the closed forms of the torus are written for βJ > 0; they were given {K}")
    return K


def high_temperature(order: int) -> tuple[fmpq, ...]:
    """a_0, …, a_order with log Z / sites = log 2 + 2 log cosh K + Σ a_k t^k on the infinite lattice, exactly.

    By duality the same a_k give log Z / sites = 2K + Σ a_k z^k at low temperature, z = e^{−2K}.
    """
    if order < 0:
        raise BadInput(f"a series begins with its order 0; it was asked for order {order}")
    length = order // 2 + 1  # in s = t²
    fourth = fmpq_poly([(-1) ** k * math.comb(k + 3, 3) for k in range(length)])  # (1+s)^−4
    fraction = fmpq_poly([0, 1, -2, 1]).mul_low(fourth, length)  # s (1−s)² / (1+s)⁴
    total = fmpq_poly([0] + [fmpq((-1) ** (n + 1), n) for n in range(1, length)])  # log(1+s)
    power = fmpq_poly([1])
    for n in range(1, length):
        power = power.mul_low(fraction, length)
        total -= power * fmpq(math.comb(2 * n, n) ** 2, 4 * n)
    return tuple(total[k // 2] if k % 2 == 0 else fmpq(0) for k in range(order + 1))

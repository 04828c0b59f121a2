"""Closed forms against sweeps and against one another: Onsager, Kaufman, the series, the critical point."""

from itertools import pairwise

import mpmath
import pytest
import sympy as sp
from flint import arb, fmpq, fmpq_poly

from numerics.ising import Lattice, onsager, subgraphs, transfer
from numerics.ising.response import energy
from numerics.precision import ball, digits
from theory.errors import BadInput

BETAS = [sp.Rational(1, 5), sp.Rational(2, 5), sp.Rational(11, 25), sp.Rational(9, 20), sp.Rational(7, 10)]
# The low-temperature series of the partition function per site, OEIS A002890; C. Domb, Adv. Phys. 9 (1960) 149.
DOMB = [1, 0, 1, 2, 5, 14, 44, 152, 566, 2234, 9228, 39520, 174271]


def torus(rows: int, columns: int) -> Lattice:
    return Lattice(rows, columns, periodic=(True, True))


def test_the_critical_point():
    with digits(40):
        beta = onsager.critical_beta()
        assert ((2 * beta).sinh() - 1).contains(0)
        assert beta.rad() < 1e-38
        assert str(beta.str(20, radius=False)) == "0.44068679350977151262"  # L. Onsager 1944: sinh 2K = 1
        assert (onsager.critical_beta(sp.Rational(1, 3)) - 3 * beta).contains(0)


@pytest.mark.parametrize("size", [(3, 3), (3, 5), (4, 4), (5, 3), (6, 4)], ids=str)
@pytest.mark.parametrize("beta", BETAS, ids=str)
def test_kaufmans_torus_is_the_sweep(size, beta):
    lattice = torus(*size)
    exact = transfer.moments(lattice)
    with digits(30):
        closed = onsager.torus_log_partition(*size, beta, J=sp.Rational(9, 10))  # pyright: ignore[reportCallIssue]
        assert closed.overlaps(exact.partition.at(beta, sp.Rational(9, 10)).log())
        assert closed.rad() < 1e-25
        swept = energy(exact)[0].at(beta, sp.Rational(9, 10)) * 9 / (10 * len(lattice.sites))
        assert onsager.torus_energy(*size, beta, J=sp.Rational(9, 10)).overlaps(swept)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("beta", [sp.Rational(3, 10), sp.Rational(2, 5), sp.Rational(1, 2), sp.Rational(3, 5)], ids=str)
def test_the_energy_of_growing_tori_tends_to_onsagers_exponentially(beta):
    """Away from β_c the difference keeps its sign, falls at every step of N, and by a factor that stays below 1.

    The torus lies below u(β) for β < β_c (more closed paths) and above it for β > β_c. The rate of fall is the inverse
    correlation length: m = |log tanh K + 2K| a lattice step above T_c (winding paths), twice that below (pairs of walls).
    """
    with digits(60):
        infinite, K = onsager.energy(beta), ball(beta)
        sizes = range(12, 61, 6)
        gaps = [onsager.torus_energy(n, n, beta) - infinite for n in sizes]
        high = bool(onsager.critical_beta() > K)
        assert all(gap < 0 if high else gap > 0 for gap in gaps)
        ratios = [abs(b) / abs(a) for a, b in pairwise(gaps)]
        assert all(r < 1 for r in ratios)
        mass = abs(K.tanh().log() + 2 * K) * (1 if high else 2)
        assert all(abs(-r.log() / 6 - mass) < mass / 5 for r in ratios[-3:])


def test_the_energy_is_the_derivative_of_onsagers_free_energy():
    """Two roads to u: the elliptic integral, and −d/dβ of the quadrature of Onsager's double integral, once integrated.

    log Z/N = log(2 cosh 2K) + (1/π) ∫_0^{π/2} log[(1 + √(1 − k² sin² φ))/2] dφ, differentiated under the integral by mpmath.
    """
    with mpmath.workdps(30):

        def free(K):
            k = 2 * mpmath.sinh(2 * K) / mpmath.cosh(2 * K) ** 2
            inner = mpmath.quad(
                lambda p: mpmath.log((1 + mpmath.sqrt(1 - (k * mpmath.sin(p)) ** 2)) / 2), [0, mpmath.pi / 2]
            )
            return mpmath.log(2 * mpmath.cosh(2 * K)) + inner / mpmath.pi

        for beta in (mpmath.mpf("0.3"), mpmath.mpf("0.6")):
            slope = -mpmath.diff(free, beta)
            with digits(25):
                found = onsager.energy(sp.Rational(str(beta)))
            assert abs(mpmath.mpf(found.str(25, radius=False)) - slope) < mpmath.mpf(10) ** -15


def test_the_energy_near_the_critical_point_and_the_refusals():
    with digits(30):
        near = onsager.energy(onsager.critical_beta() + arb("1e-20"))
        assert abs(near + arb(2).sqrt()) < 1e-17
        with pytest.raises(BadInput, match="cannot be told from β_c"):
            onsager.energy(onsager.critical_beta())
        with pytest.raises(BadInput, match="βJ > 0"):
            onsager.energy(0)
        with pytest.raises(BadInput, match="βJ > 0"):
            onsager.torus_energy(4, 4, sp.Rational(-1, 2))
    for rows, columns in ((0, 3), (3, -1), (2.5, 3)):
        with pytest.raises(BadInput, match=f"at least one; it was given {rows} × {columns}"):
            onsager.torus_log_partition(rows, columns, 1)  # pyright: ignore[reportArgumentType]
    for J in (0, -1):
        with pytest.raises(BadInput, match="for J > 0"):
            onsager.critical_beta(J)
    with pytest.raises(BadInput, match="asked for order -1"):
        onsager.high_temperature(-1)
    assert onsager.high_temperature(0) == (0,)


def exponential(coefficients: list[fmpq]) -> list[fmpq]:
    """The power series exp Σ a_k z^k, a_0 = 0, by n e_n = Σ k a_k e_{n−k}."""
    e = [fmpq(1)]
    for n in range(1, len(coefficients)):
        e.append(sum((k * coefficients[k] * e[n - k] for k in range(1, n + 1)), fmpq(0)) / n)
    return e


def test_the_series_is_the_published_one():
    assert exponential(list(onsager.high_temperature(24)))[::2] == DOMB


def logarithm(p: fmpq_poly, order: int) -> list[fmpq]:
    """The power series log p, p(0) = 1."""
    logs = [fmpq(0)]
    for n in range(1, order + 1):
        logs.append(p[n] - sum((k * logs[k] * p[n - k] for k in range(1, n)), fmpq(0)) / n)
    return logs


@pytest.mark.parametrize("size", [(7, 7), (7, 9)], ids=str)
def test_high_temperature_coefficients_of_a_torus(size):
    """Below the order of the shortest winding path the torus knows nothing of its boundaries; at that order it does."""
    shortest, sites = min(size), size[0] * size[1]
    graphs = subgraphs.polynomials(torus(*size), degree=shortest).partition
    logs = logarithm(fmpq_poly(graphs), shortest)
    series = onsager.high_temperature(shortest)
    assert [a / sites for a in logs[:shortest]] == list(series[:shortest])
    assert logs[shortest] == sites * series[shortest] + (sites // shortest) * (2 if size[0] == size[1] else 1)


def test_low_temperature_coefficients_of_a_torus():
    """Walls between spins are even: on the 7 × 7 torus the shortest that winds is a pair of lines, order 2·7."""
    terms = transfer.moments(torus(7, 7)).partition.terms()
    bonds = 2 * 49
    density = fmpq_poly([fmpq(terms.get((bonds - 2 * k, 0), 0), 2) for k in range(15)])  # in z = e^{−2K}
    logs, series = logarithm(density, 14), onsager.high_temperature(14)
    assert [a / 49 for a in logs[:14]] == list(series[:14])
    assert logs[14] != 49 * series[14]
